from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from integration.postgres.store import NOW, partition, send
from prometheus_client import CollectorRegistry

from voc_stream.kafka.worker.chore_thread import ChoreThread
from voc_stream.kafka.worker.outbox import OutboxPublisher
from voc_stream.monitoring.metrics import Metrics
from voc_stream.pipeline.ports import AlertMessage, DeadLetter
from voc_stream.postgres.intake import outbox

if TYPE_CHECKING:
    from integration.postgres.store import Store

    from voc_stream.pipeline.ports import OutboxKind
    from voc_stream.postgres.chores.postgres_chores import PostgresChores

LATER = NOW + timedelta(minutes=1)
TEN_MEGABYTES = b"\x00\xff" * 5_000_000


class Producer:
    """A topic that two publishers send to; each message takes a moment."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    @property
    def producer(self) -> Producer:
        """It is its own app."""
        return self

    async def send_and_wait(self, topic: str, **message: Any) -> None:  # noqa: ARG002  Faust's signature
        """Like Faust's."""
        await asyncio.sleep(0.001)
        self.sent.append(message["value"])


def put_alerts(store: Store, count: int) -> None:
    store.ask(
        "INSERT INTO outbox (kind, alert_id, message) SELECT 'alert', 'a-' || n, n::text FROM"
        " generate_series(1, %s) n",
        count,
    )


def publish_until_empty(
    store: Store, chores: PostgresChores, producer: Producer, kind: OutboxKind
) -> None:
    """One worker, whose timer calls again and again."""
    calls = ChoreThread()
    publisher = OutboxPublisher(producer, "voc.", chores, calls, Metrics(CollectorRegistry()))

    async def run() -> None:
        while store.one("SELECT count(*) FROM outbox WHERE kind = %s", kind):
            await publisher.publish(kind)
            await asyncio.sleep(0.005)

    try:
        asyncio.run(run())
    finally:
        calls.close()


def publish_by_two(store: Store, kind: OutboxKind) -> list[bytes]:
    """What two workers send on one database.

    All their messages are in the order in which they were sent.
    """
    producer = Producer()
    threads = [
        threading.Thread(target=publish_until_empty, args=(store, store.chores(), producer, kind))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return producer.sent


def test_two_publishers_send_each_letter_once(store: Store) -> None:
    """Each took all there was: every letter came twice."""
    send(store.sink(0), [b"rubbish %d" % number for number in range(1_200)])
    sent = publish_by_two(store, "dead_letter")
    assert Counter(sent) == Counter(b"rubbish %d" % number for number in range(1_200))
    assert store.one("SELECT count(*) FROM dead_letter WHERE published_at IS NULL") == 0


def test_a_flood_that_the_planner_does_not_know_of_is_sent_in_time(store: Store) -> None:
    """Statistics of nearly empty tables make no claim slow.

    They made each claim join them again for each row, until the deadline cut it off.
    """
    sink = store.sink(0)
    send(sink, [b"rubbish"] * 20_000)
    store.ask(
        "DELETE FROM dead_letter WHERE dead_letter_id < (SELECT max(dead_letter_id) FROM"
        " dead_letter)"
    )
    for table in ("dead_letter", "outbox"):
        store.vacuum(table)
    send(sink, [b"rubbish"] * 20_000)
    chores, started = store.chores(), time.monotonic()
    assert len(chores.claim_messages("dead_letter", 1_000)) == 1_000
    assert time.monotonic() - started < 3


def test_two_publishers_keep_the_order_of_alerts(store: Store) -> None:
    """The start of an alert comes before its end, whoever sends them."""
    put_alerts(store, 250)
    assert publish_by_two(store, "alert") == [b"%d" % number for number in range(1, 251)]


def test_a_claim_is_given_up_after_a_while(store: Store) -> None:
    """What a worker took and never sent, because it died, another one sends a minute later.

    What was sent is gone.
    """
    put_alerts(store, 3)
    first, second = store.chores(), store.chores()
    assert [message.value for message in first.claim_messages("alert", 1)] == [b"1"]
    # Not even the second one, which would overtake it.
    assert second.claim_messages("alert", 10) == []
    store.ask("UPDATE outbox SET claimed_at = claimed_at - interval '61 seconds'")
    again = second.claim_messages("alert", 10)
    assert [message.value for message in again] == [b"1", b"2", b"3"]
    # A worker that comes back from the dead gives back nothing of another's.
    first.finish_messages("alert", [], NOW)
    assert first.claim_messages("alert", 10) == []
    second.finish_messages("alert", [again[0].number], NOW)
    assert first.claim_messages("alert", 10) == again[1:]


def test_kinds_do_not_wait_for_each_other(store: Store) -> None:
    """A flood of refused messages holds no alert up."""
    send(store.sink(0), [b"rubbish"] * 5)
    put_alerts(store, 1)
    [*letters] = store.chores().claim_messages("dead_letter", 10)
    assert len(letters) == 5
    assert store.chores().claim_messages("alert", 10) == [
        AlertMessage(store.one("SELECT max(number) FROM outbox"), "a-1", b"1")
    ]


def test_a_claim_is_bounded_in_bytes(store: Store) -> None:
    """Refused messages may be large; one that is larger than the bound comes alone, whole."""
    send(store.sink(0), [None, b"{}", TEN_MEGABYTES, b"no JSON"])
    worker = store.chores()
    claimed = []
    while letters := worker.claim_messages("dead_letter", 10):
        assert all(isinstance(letter, DeadLetter) for letter in letters)
        claimed.append(
            [
                (letter.partition, letter.offset, letter.value)
                for letter in letters
                if isinstance(letter, DeadLetter)
            ]
        )
        worker.finish_messages("dead_letter", [letter.number for letter in letters], LATER)
    home = partition()
    assert claimed == [
        [(home, 0, b""), (home, 1, b"{}"), (home, 2, TEN_MEGABYTES)],
        [(home, 3, b"no JSON")],
    ]
    assert len(TEN_MEGABYTES) > outbox.CLAIMED_BYTES
    assert store.ask("SELECT DISTINCT published_at FROM dead_letter") == [(LATER,)]
