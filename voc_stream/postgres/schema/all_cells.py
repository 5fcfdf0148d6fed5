"""Declares what BI tools see of all cells of a database together: schema `voc_bi`.

Lists show the rows of every cell, and say of which. Sums are the cells' own sums added up: no
cell's panes are added. What is computed from sums, such as a mean or a percentile, is computed from
the sums of all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from voc_stream.domain.dimensions import CUBE_KEY
from voc_stream.postgres.cells.schemas import ALL_CELLS, CELL_SCHEMA, SCHEMA, schemas_of_cell
from voc_stream.postgres.schema.bi_views import bi_views
from voc_stream.postgres.schema.expressions.durations import percentiles_of
from voc_stream.postgres.schema.reader_views import ROLLING_KEY, ROLLING_SUMS, rolling_of, totals
from voc_stream.postgres.schema.sums import SUMS
from voc_stream.postgres.schema.tables.columns import SCORE_BINS
from voc_stream.postgres.schema.views.complaint_texts import impact_of, pareto_of
from voc_stream.postgres.schema.views.durations import DURATION_KEYS
from voc_stream.postgres.schema.views.iceberg import COMPLAINT_KEY, iceberg_of
from voc_stream.postgres.session.connection import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from voc_stream.postgres.cells.schemas import Schemas
    from voc_stream.postgres.schema.bi_views import BiView

CELL_COMMENT = "the cell that it belongs to; '' for the cell without a name / 所属单元"
_CATALOGUE = {"experience": "experience", "flow_stage": "stage"}
"""Each cell has a copy. The first cell's copy says what an experience or a stage is."""


class AllCellsView(NamedTuple):
    """A view of schema voc_bi: its name, its query, its comment and its columns' comments."""

    name: str
    statement: str
    comment: str
    columns: Mapping[str, str]


def cells_of(connection: Connection) -> tuple[list[Schemas], dict[str, str]]:
    """The cells of a database that are at the version of this program, by name.

    Returns also the versions of the other cells, by name.
    """
    found = connection.execute(
        text(
            "SELECT substr(nspname, length(:schema) + 2) AS cell, nspname FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE relname = 'schema_version' AND nspname ~ :pattern ORDER BY cell"
        ),
        {"schema": SCHEMA, "pattern": CELL_SCHEMA},
    ).all()
    versions = {
        cell: str(
            connection.exec_driver_sql(
                f"SELECT max(version_num) FROM {live}.schema_version"
            ).scalar()
        )
        for cell, live in found
    }
    ours = [
        schemas_of_cell(cell) for cell, version in versions.items() if version == SCHEMA_VERSION
    ]
    return ours, {cell: each for cell, each in versions.items() if each != SCHEMA_VERSION}


def views_of_all(cells: Sequence[Schemas]) -> list[AllCellsView]:
    """For each view that a cell has, one over all these cells."""
    return [_over(view, cells) for view in bi_views()]


def _over(view: BiView, cells: Sequence[Schemas]) -> AllCellsView:
    if view.name in _CATALOGUE:
        key, columns = _CATALOGUE[view.name], ", ".join(view.columns)
        copies = _union(
            view.of(cell.live, f"{number} AS copy") for number, cell in enumerate(cells)
        )
        statement = f"SELECT DISTINCT ON ({key}) {columns} FROM {copies} e ORDER BY {key}, copy"
    elif view.name in _SUMS and len(cells) > 1:
        statement = _SUMS[view.name](cells)
    elif view.name in _SUMS:
        statement = view.of(cells[0].live)
    else:
        lists = (view.of(cell.live, f"'{cell.cell}'::text AS cell") for cell in cells)
        return AllCellsView(
            view.name,
            " UNION ALL ".join(lists),
            view.comment,
            {**view.columns, "cell": CELL_COMMENT},
        )
    return AllCellsView(view.name, statement, view.comment, view.columns)


def _union(queries: Iterable[str]) -> str:
    return f"({' UNION ALL '.join(queries)})"


def _all_of(cells: Sequence[Schemas], view: str) -> str:
    return _union(f"SELECT * FROM {cell.live}.{view}" for cell in cells)


def _experience_daily(cells: Sequence[Schemas]) -> str:
    key = ", ".join(CUBE_KEY)
    bins = ", ".join(f"sum(histogram[{number}])::bigint" for number in range(1, SCORE_BINS + 1))
    return (
        f"SELECT {key}, {totals(SUMS)}, ARRAY[{bins}] AS histogram"
        f" FROM {_all_of(cells, 'experience_daily')} d GROUP BY {key} HAVING sum(n) <> 0"
    )


def _rolling_satisfaction(cells: Sequence[Schemas]) -> str:
    # The cells' horizons end at different moments; the sums are whole up to the first of them. Days
    # scatter no more than in the cell where they scatter most.
    summed = (
        f"(SELECT {ROLLING_KEY}, {totals(ROLLING_SUMS)}, min(as_of) AS as_of, max(phi) AS phi"
        f" FROM {_all_of(cells, 'rolling_total')} t GROUP BY {ROLLING_KEY})"
    )
    return rolling_of(summed, f"{ALL_CELLS}.experience")


def _duration_daily(cells: Sequence[Schemas]) -> str:
    return percentiles_of(
        f"SELECT * FROM {_all_of(cells, 'duration_count')} d",
        ", ".join(DURATION_KEYS["duration_daily"]),
    )


def _duration_rolling(cells: Sequence[Schemas]) -> str:
    return percentiles_of(
        f"SELECT * FROM {_all_of(cells, 'duration_total')} d",
        ", ".join(DURATION_KEYS["duration_rolling"]),
    )


def _complaint_iceberg(cells: Sequence[Schemas]) -> str:
    summed = (
        f"(SELECT {COMPLAINT_KEY}, sum(complaints)::bigint AS complaints"
        f" FROM {_all_of(cells, 'complaint_total')} c GROUP BY {COMPLAINT_KEY})"
    )
    return iceberg_of(summed, f"{ALL_CELLS}.rolling_satisfaction")


def _complaint_pareto(cells: Sequence[Schemas]) -> str:
    key = "month, scope_type, scope, category"
    return pareto_of(
        f"(SELECT {key}, sum(n)::bigint AS n, sum(suggested_n)::bigint AS suggested_n"
        f" FROM {_all_of(cells, 'theme_total')} c GROUP BY {key})"
    )


def _theme_impact(cells: Sequence[Schemas]) -> str:
    sums = "sum(n)::bigint AS n, sum(score_sum)::bigint AS score_sum"
    month = "date_trunc('month', day::timestamp)::date"
    return impact_of(
        f"(SELECT month, category, experience, {sums}"
        f" FROM {_all_of(cells, 'theme_answers')} c GROUP BY month, category, experience)",
        f"(SELECT {month} AS month, experience, sum(n) AS n, sum(score_sum) AS score_sum"
        f" FROM {_all_of(cells, 'experience_daily')} d GROUP BY 1, 2)",
    )


_SUMS: Mapping[str, Callable[[Sequence[Schemas]], str]] = {
    "experience_daily": _experience_daily,
    "rolling_satisfaction": _rolling_satisfaction,
    "duration_daily": _duration_daily,
    "duration_rolling": _duration_rolling,
    "complaint_iceberg": _complaint_iceberg,
    "complaint_pareto": _complaint_pareto,
    "theme_impact": _theme_impact,
}
