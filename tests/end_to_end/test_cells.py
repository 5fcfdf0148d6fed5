"""Cells beside each other in one PostgreSQL, whose workers die at any moment.

Sizes: VOC_TEST_CELLS (2; 4 is the full size, as `make test-chaos` has it), VOC_TEST_CELL_WORKERS
of each cell (1; 2), VOC_TEST_CELL_EVENTS (600; 20000) and VOC_TEST_CELL_KILLS (2; 12).
VOC_TEST_SEED replays the choices of a run.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zlib import crc32

import pytest
from builders import automotive_catalogue
from comparison import assert_tables_equal, read_tables
from end_to_end.call_centre import simulated_messages, with_second_thoughts
from end_to_end.harness import Service, chance, from_environment
from end_to_end.test_kills import portions
from integration.postgres.cells.test_cells import BI_TABLES, shown
from oracle import expected_tables

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from voc_stream.settings import Settings
    from voc_stream.simulator.delivery.message import SimulatedMessage

CELLS = from_environment("VOC_TEST_CELLS", 2)
WORKERS = from_environment("VOC_TEST_CELL_WORKERS", 1)
EVENTS = from_environment("VOC_TEST_CELL_EVENTS", 600)
KILLS = from_environment("VOC_TEST_CELL_KILLS", 2)


def cell_of(settings: Settings, number: int) -> Settings:
    """The settings that VOC_CELL makes of those of the database; the first cell has no name."""
    name = f"c{number}"
    return (
        settings
        if number == 0
        else replace(
            settings,
            cell=name,
            topic_prefix=f"{settings.topic_prefix}{name}.",
            group=f"{settings.group}-{name}",
        )
    )


def of_cell(messages: Sequence[SimulatedMessage], number: int) -> list[SimulatedMessage]:
    """The messages whose key decides for this cell."""
    return [message for message in messages if crc32(message.key) % CELLS == number]


@pytest.mark.slow
def test_cells_are_exact_whatever_becomes_of_their_workers(
    settings: Settings, tmp_path: Path
) -> None:
    """Every cell equals the oracle of its events, and the views over all the oracle of all.

    Workers of any cell are killed in the midst of their work. The last cell is added while the
    others run.
    """
    random = chance()
    settings = replace(settings, maximum_batch_messages=250)
    messages = with_second_thoughts(simulated_messages(EVENTS), random)
    with ExitStack() as running:
        cells = [
            running.enter_context(started(settings, number, tmp_path))
            for number in range(CELLS - 1)
        ]
        held: list[SimulatedMessage] = []
        for number, portion in enumerate(portions(messages, KILLS + 1)):
            for place, cell in enumerate(cells):
                cell.send(of_cell(portion, place))
            if number == KILLS // 2:
                cells.append(running.enter_context(started(settings, CELLS - 1, tmp_path)))
                cells[-1].send(of_cell([*held, *portion], CELLS - 1))
            held += portion
            cell = random.choice(cells)
            cell.wait_for_progress(random.random() * 0.9 * len(cell.sent))
            cell.kill_worker(random.choice(cell.workers))
            cell.start_worker()
        for cell in cells:
            cell.wait_until_caught_up()
        assert sum(len(cell.sent) for cell in cells) == len(messages)
        assert_all_are_right(cells)


def started(settings: Settings, number: int, folder: Path) -> Service:
    """A cell with its topics and tables, and its workers."""
    own = folder / f"cell-{number}"
    own.mkdir()
    cell = Service(cell_of(settings, number), own)
    for _ in range(WORKERS):
        cell.start_worker()
    return cell


def assert_all_are_right(cells: Sequence[Service]) -> None:
    """Compare each cell with the oracle, and what `voc_bi` shows of all."""
    for cell in cells:
        cell.stop_workers()
    as_of = datetime.now(UTC)
    for cell in cells:
        cell.assert_tables_are_right(as_of)
    rows = cells[0].query(_PHI.format(" UNION ALL ".join(map(_scatter, cells))))
    expected = expected_tables(
        [value for cell in cells for value in cell.sent],
        automotive_catalogue(),
        as_of,
        phi={(scope_type, scope): phi for scope_type, scope, phi in rows},
    )
    url = cells[0].settings.require_database_url()
    assert_tables_equal(shown(expected), read_tables(url, BI_TABLES, "voc_bi"))


_PHI = "SELECT scope_type, scope, max(phi) FROM ({}) d GROUP BY scope_type, scope"


def _scatter(cell: Service) -> str:
    return f"SELECT scope_type, scope, phi FROM {cell.schema}.detector"
