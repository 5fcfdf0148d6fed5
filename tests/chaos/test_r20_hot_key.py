"""R20: a customer of very many events states another segment, again and again.

The worker dies while the history moves.

VOC_TEST_HOT_EVENTS is how many events the customer has (12,000); 150,000 is the full size.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from builders import customer, message, repair_step, touchpoint
from chaos.recovery import Recovery, note
from chaos.service import hold_for
from chaos.snapshots import Snapshots
from end_to_end.call_centre import simulated_messages
from end_to_end.harness import chance, from_environment

from voc_stream.events.topics import TOPIC_OF_TYPE
from voc_stream.simulator.delivery.message import VALID, SimulatedMessage

if TYPE_CHECKING:
    from builders import Event
    from chaos.service import ChaosService

EVENTS = from_environment("VOC_TEST_HOT_EVENTS", 12_000)
OTHERS = 1_000
DEATHS = 4

pytestmark = pytest.mark.chaos


def as_sent(events: list[Event]) -> list[SimulatedMessage]:
    """Events of the one customer, as a call centre sends them."""
    now = datetime.now(UTC)
    return [
        SimulatedMessage(now, now, TOPIC_OF_TYPE[event["type"]], b"unknown", message(event), VALID)
        for event in events
    ]


def test_hot_key(service: ChaosService) -> None:
    """No batch waits for a history, and nothing is moved twice or half.

    Others' events come in meanwhile.
    """
    random = chance()
    begin = datetime.now(UTC) - timedelta(days=20)

    def at(number: int) -> str:
        return (begin + timedelta(seconds=number)).isoformat()

    scores = [
        touchpoint(
            f"hot-{random.randrange(2**64):016x}",
            customer_id="unknown",
            score=number % 11,
            occurred_at=at(number),
        )
        for number in range(EVENTS)
    ]
    orders = [
        repair_step(
            f"hot-o-{n}",
            customer_id="unknown",
            order_id=f"hot-{n}",
            stage="delivery",
            edge="exit",
            occurred_at=at(n),
        )
        for n in range(EVENTS // 6)
    ]
    others = simulated_messages(OTHERS, seed=random.randrange(2**32))
    with Snapshots(service) as snapshots:
        worker = service.start_worker()
        service.send(as_sent([*scores, *orders]))
        service.wait_until_caught_up()
        taken, under_way = [], 0
        for number in range(DEATHS):
            profile = customer(
                f"hot-p-{number}",
                customer_id="unknown",
                segment=f"s-{number}",
                occurred_at=at(number),
            )
            late = touchpoint(
                f"hot-{random.randrange(2**64):016x}", customer_id="unknown", occurred_at=at(number)
            )
            service.send([*as_sent([profile, late]), *others[number::DEATHS]])
            # The move begins with the batch that states the profile, and takes a second or more: so
            # some deaths come in the middle of it.
            service.wait_until(
                lambda: bool(service.query("SELECT customer_id FROM customer_move")),
                60,
                "the history begins to move",
            )
            hold_for(number * 0.3 * random.random())
            service.kill_worker(worker)
            killed_at = time.monotonic()
            under_way += bool(service.query("SELECT customer_id FROM customer_move"))
            worker = service.start_worker()
            service.wait_until_ready([worker])
            taken.append(time.monotonic() - killed_at)
        service.wait_until(
            lambda: not service.query("SELECT customer_id FROM customer_move"),
            120,
            "the history is moved",
        )
        assert worker.is_running
        assert worker.metric("voc_batch_failures_total") == 0
        assert under_way, "some death came while the history moved"
        snapshots.assert_each_is_right()
    service.assert_everything_holds()
    note(
        Recovery(
            "R20",
            "a customer of very many events",
            f"{EVENTS + len(orders):,} events; {DEATHS} other segments in a row, a kill -9 while"
            f" each moves the history",
            "no batch failed; others' events came in meanwhile",
            max(taken),
        )
    )
