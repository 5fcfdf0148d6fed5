from __future__ import annotations

import pytest

from voc_stream.churn_model.as_catalogue import as_catalogue
from voc_stream.churn_model.cells import Cell, CellKey
from voc_stream.churn_model.fit import Prior, fit
from voc_stream.churn_model.reading import CellsError, cells_of_rows

ROW: dict[str | None, object] = {
    "band": "1",
    "signals": "b a",
    "leavers": "3",
    "exposure_months": "41.5",
}


def test_a_row_is_a_cell() -> None:
    """Signals in any order; without a band all customers are in the first."""
    assert cells_of_rows([(2, ROW)]) == [Cell(CellKey(1, frozenset("ab")), 3, 41.5)]
    without: dict[str | None, object] = {"signals": "", "leavers": "0", "exposure_months": "7"}
    [alone] = cells_of_rows([(2, without)])
    assert alone == Cell(CellKey(0, frozenset()), 0, 7.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"exposure_months": None}, "line 7: a row needs .*; exposure_months is missing"),
        ({None: ["more"]}, "line 7: a row needs .* more cells than columns"),
        ({"exposure_months": "-2"}, "line 7: exposure_months is '-2'; it must be a number"),
        ({"exposure_months": "inf"}, "exposure_months is 'inf'"),
        ({"exposure_months": "nan"}, "exposure_months is 'nan'"),
        ({"exposure_months": "0"}, "line 7: 3 left, but nobody was there"),
        ({"leavers": "2.5"}, "line 7: leavers is 2.5; it must be a whole number"),
        ({"leavers": "many"}, "line 7: leavers is 'many'"),
        ({"band": "1.5"}, "line 7: band is 1.5; it must be a whole number below 100"),
        ({"band": "100"}, "band is 100"),
    ],
)
def test_a_row_that_is_no_cell_is_refused_with_its_line(
    change: dict[str | None, object], message: str
) -> None:
    """A row that was left out in silence would change every number."""
    with pytest.raises(CellsError, match=message):
        cells_of_rows([(2, ROW), (7, {**ROW, **change})])


def test_a_file_without_rows_is_no_file_of_cells() -> None:
    """Nothing is not a model."""
    with pytest.raises(CellsError, match="the file holds no cell"):
        cells_of_rows([])


def test_only_what_a_catalogue_takes_stands_there_uncommented() -> None:
    """Names of other people's signals would be refused; multipliers below 1 are taken."""
    cells = [
        Cell(CellKey(0, frozenset()), 100, 10_000.0),
        Cell(CellKey(0, frozenset({"inactive"})), 300, 10_000.0),
        Cell(CellKey(0, frozenset({"loyal"})), 20, 10_000.0),
        Cell(CellKey(0, frozenset({"broken_promise"})), 20, 10_000.0),
    ]
    prior = Prior(0.01, dict.fromkeys(("inactive", "loyal", "broken_promise"), 1.0))
    lines = as_catalogue(fit(cells, prior, 1), {"inactive", "broken_promise"}).splitlines()
    assert lines[:2] == ["# Fitted to 440 leavers in 40,000 customer months.", "[churn]"]
    assert [line.split(" = ")[0] for line in lines[2:] if line and line[0] != "#"] == [
        "base_hazard_per_month",
        "[churn.multipliers]",
        "broken_promise",
        "inactive",
    ]
    assert lines[-3].startswith("broken_promise = 0.")
    assert "no signal of voc_stream has this name" in lines[-1]
