from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from voc_stream.cli import main

if TYPE_CHECKING:
    from pathlib import Path

CELLS = """\
signals,leavers,exposure_months,band
,80,10000,0
,40,10000,1
inactive_180d,90,3000,0
inactive_180d broken_promise,60,1000,1
"""


@pytest.mark.parametrize("begin", ["", "\ufeff"])
def test_cells_become_numbers_that_a_catalogue_takes(tmp_path: Path, begin: str) -> None:
    """Each number with its interval, beside what the catalogue says; Excel's mark is no fault."""
    file = tmp_path / "cells.csv"
    file.write_text(begin + CELLS, encoding="utf-8")
    result = CliRunner().invoke(main, ["churn", "fit", str(file)])
    assert result.exit_code == 0, result.output
    assert "hazard a month, band 1" in result.output
    lines = result.output[result.output.index("# Fitted to 270 leavers") :]
    churn = tomllib.loads(lines)["churn"]
    assert churn["base_hazard_per_month"] == pytest.approx(0.0062, rel=0.02)
    assert churn["multipliers"].keys() == {"broken_promise", "inactive_180d"}


def test_a_file_that_is_none_is_told_from_our_mistake(tmp_path: Path) -> None:
    """One line with file and line; 2 says that nothing was done."""
    file = tmp_path / "cells.csv"
    for content, message in (
        (CELLS.replace("10000,1", "-1,1").encode(), "cells.csv, line 3: exposure_months is '-1'"),
        (b"\xd0\xff\x00", "cells.csv is no CSV in UTF-8"),
        (b"", "cells.csv, the file holds no cell"),
    ):
        file.write_bytes(content)
        result = CliRunner().invoke(main, ["churn", "fit", str(file)])
        assert (result.exit_code, message in result.output) == (2, True), result.output
