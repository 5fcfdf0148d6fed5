"""What `make bench-cells` measures: how long a question to all cells of a database takes.

Each cell has the rolling sums of all sites and of each site, for every experience of the catalogue
and every horizon, as if each site had answered everything, and the panes that still grow. Questions
are asked as the role of BI tools asks them.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import psycopg2
from benchmarks import machine
from benchmarks.results import Record, figure, section

from voc_stream.catalogue.load import load_catalogue
from voc_stream.database_url import with_cell
from voc_stream.domain.horizons import HORIZONS
from voc_stream.embedded.postgres import Postgres
from voc_stream.embedded.processes.tcp_ports import free_port
from voc_stream.postgres.cells.schemas import schemas_of
from voc_stream.postgres.rolling.catalogue_copy import copy_catalogue
from voc_stream.postgres.schema.migrate import migrate
from voc_stream.postgres.schema.reader_views import ROLLING_SUMS

if TYPE_CHECKING:
    from voc_stream.catalogue.model import Catalogue

ASKED = 21
QUESTIONS = {
    "all_sites": "scope_type = 'all' AND horizon = '24h'",
    "one_site": "scope_type = 'site' AND scope = 's-7'",
    "ranking": "scope_type = 'site' AND horizon = '7d' AND experience = 'overall'",
}
COLUMNS = (
    figure("cells", "cells"),
    figure("rows of sums", "rows"),
    figure("all sites together, 24h, ms", "all_sites_ms", ".1f"),
    figure("one site, all horizons, ms", "one_site_ms", ".1f"),
    figure("one experience at all sites, 7d, ms", "ranking_ms", ".1f"),
    *(
        figure(f"{name.replace('_', ' ')}, processor ms", f"{name}_processor_ms", ".1f")
        for name in QUESTIONS
    ),
)
_MINUTES = ", ".join(
    f"('{horizon.name}', {horizon.pane.total_seconds() / 60:.0f})" for horizon in HORIZONS
)
_KEYS = f"""
    (VALUES {_MINUTES}) h (horizon, minutes)
    CROSS JOIN (SELECT 'all' AS scope_type, '' AS scope UNION ALL
                SELECT 'site', 's-' || number FROM generate_series(1, %(sites)s) number) s
    CROSS JOIN experience e
"""
_SUMS = "40, 30000, 23000000, 10, 8000, 10, 7000, 20, 8"
_FILL = f"""
    INSERT INTO rolling_clock VALUES ('sites', now()), ('details', now());
    INSERT INTO rolling_sum (horizon, scope_type, scope, experience, {", ".join(ROLLING_SUMS)})
    SELECT horizon, scope_type, scope, experience, {_SUMS} FROM {_KEYS};
    INSERT INTO pane (resolution, start, scope_type, scope, experience, {", ".join(ROLLING_SUMS)})
    SELECT DISTINCT minutes,
           date_bin(minutes * interval '1 minute', now(), timestamptz 'epoch')
               - back * minutes * interval '1 minute',
           scope_type, scope, experience, {_SUMS} FROM {_KEYS} CROSS JOIN generate_series(0, 2) back
"""


def fill(url: str, catalogue: Catalogue, sites: int) -> None:
    """Make a cell, and its sums."""
    migrate(url)
    options = f"-c search_path={schemas_of(url).live} -c synchronous_commit=off"
    with closing(psycopg2.connect(url, options=options)) as connection, connection:
        cursor = connection.cursor()
        copy_catalogue(cursor, catalogue)
        cursor.execute(_FILL, {"sites": sites})
    with closing(psycopg2.connect(url, options=options)) as connection:
        connection.autocommit = True
        connection.cursor().execute("VACUUM ANALYZE rolling_sum; ")
        connection.cursor().execute("VACUUM ANALYZE pane")


def measure(url: str) -> dict[str, float]:
    """The medians of several answers to each question, in milliseconds.

    One is how long it took, and one the processor time of the session, which a busy machine
    lengthens less.
    """
    figures: dict[str, float] = {}
    with closing(psycopg2.connect(url, user="voc_bi")) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("SET max_parallel_workers_per_gather = 0")
        scheduled = Path(f"/proc/{connection.info.backend_pid}/schedstat")
        for name, condition in QUESTIONS.items():
            took, worked = [], []
            for _ in range(ASKED):
                began, before = time.perf_counter(), _nanoseconds(scheduled)
                cursor.execute(f"SELECT * FROM voc_bi.rolling_satisfaction WHERE {condition}")
                cursor.fetchall()
                took.append(1000 * (time.perf_counter() - began))
                worked.append((_nanoseconds(scheduled) - before) / 1e6)
            figures[f"{name}_ms"] = median(took)
            figures[f"{name}_processor_ms"] = median(worked)
    return figures


def _nanoseconds(scheduled: Path) -> int:
    """Processor time of a process, from Linux."""
    return int(scheduled.read_text(encoding="ascii").split()[0])


def main() -> None:
    """Run what the arguments say and print the table."""
    parser = argparse.ArgumentParser(
        prog="bench-cells",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--cells", type=int, default=16)
    parser.add_argument("--sites", type=int, default=300, help="sites of each cell")
    arguments = parser.parse_args()
    catalogue = load_catalogue()
    with (
        tempfile.TemporaryDirectory(prefix="voc-bench-") as folder,
        Postgres(Path(folder), free_port()) as server,
    ):
        for number in range(arguments.cells):
            fill(with_cell(server.url, f"c{number}"), catalogue, arguments.sites)
        with closing(psycopg2.connect(server.url)) as connection:
            cursor = connection.cursor()
            cursor.execute(
                "SELECT sum(n_live_tup) FROM pg_stat_user_tables WHERE relname = 'rolling_sum'"
            )
            ((rows,),) = cursor.fetchall()
        figures = measure(server.url)
    record = Record(
        benchmark="cells",
        inputs=vars(arguments),
        figures={"cells": arguments.cells, "rows": float(rows), **figures},
        machine=machine.describe("no broker"),
        commit=machine.commit(),
    )
    print(section([record], COLUMNS))


if __name__ == "__main__":
    main()
