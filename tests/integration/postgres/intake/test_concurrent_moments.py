"""Two workers with orders of the same customer: one waits for the other, or nobody sees the pair.

Each of two batches knows only its own order until it commits. Whoever comes second must see both.
"""

from __future__ import annotations

import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import psycopg2
import pytest
from builders import at, messages, repair_step
from integration.postgres.garage import LATER, MEASURES, Garage, text_of, visit
from integration.postgres.store import send, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from builders import Event


@pytest.fixture
def garage(shared_database: str, tmp_path: Path) -> Iterator[Garage]:
    with Garage(shared_database, tmp_path, text_of(*MEASURES)) as opened:
        opened.clear()
        yield opened


@contextmanager
def held_order(garage: Garage, order_id: str) -> Iterator[None]:
    """Whoever saves this order waits meanwhile, with all that it has done in its transaction."""
    with closing(psycopg2.connect(garage.url)) as connection:
        connection.cursor().execute(
            "SELECT FROM voc.repair_order WHERE order_id = %s FOR UPDATE", (order_id,)
        )
        yield


def waiting(garage: Garage) -> int:
    """How many transactions wait for a row."""
    found: int = garage.one(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        " AND datname = current_database()"
    )
    return found


def in_thread(garage: Garage, number: int, *events: Event) -> threading.Thread:
    """A worker of its own partition that takes in a batch."""
    sink = garage.sink(number)
    thread = threading.Thread(target=send, args=(sink, messages(events), number, LATER))
    thread.start()
    return thread


@pytest.mark.parametrize(
    "first",
    [
        # It is delivered, and the visit that comes next is not known yet.
        repair_step("first", stage="delivery", edge="exit", occurred_at=at(days=1)),
        # It turns out to be of another customer, whose visits are counted otherwise, too.
        repair_step("first", customer_id="u-2", stage="work", occurred_at=at(days=2)),
    ],
    ids=["delivered", "of-another"],
)
def test_the_second_worker_sees_what_the_first_one_did(garage: Garage, first: Event) -> None:
    """A delivery and the visit that follows it, told at once: it was not fixed the first time."""
    before = [
        repair_step("r-1"),
        repair_step("r-2", customer_id="u-2", order_id="o-2"),
        *visit("o-4", -3),
    ]
    garage.take_in(*before, now=LATER)
    second = visit("o-3", 9)
    with held_order(garage, "o-1"):
        one = in_thread(garage, 1, first)
        wait_until(lambda: waiting(garage) == 1)
        # It has saved its moments, and nobody can see them.
        other = in_thread(garage, 2, *second)
        wait_until(lambda: waiting(garage) == 2)
    one.join()
    other.join()
    garage.settle()
    garage.assert_is_the_oracles(messages([*before, first, *second]))
