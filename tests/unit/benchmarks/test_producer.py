from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, NamedTuple

from aiokafka.producer.message_accumulator import BatchBuilder
from benchmarks.load import Load
from benchmarks.producer import OpenLoop, prepared, read_notes, write_notes

if TYPE_CHECKING:
    from pathlib import Path


class Answer(NamedTuple):
    """What a broker says about a batch."""

    offset: int


class SlowBroker:
    """Stands for a connected producer: answers each batch after a pause, and counts offsets."""

    def __init__(self, pause_seconds: float, batch_bytes: int = 1 << 20) -> None:
        self.pause_seconds, self.batch_bytes = pause_seconds, batch_bytes
        self.ends: dict[tuple[str, int], int] = {}

    def create_batch(self) -> BatchBuilder:
        """A batch of the real client."""
        return BatchBuilder(self.batch_bytes, 0)

    async def send_batch(
        self, batch: BatchBuilder, topic: str, partition: int
    ) -> asyncio.Future[Answer]:
        """Accept at once, answer later."""
        offset = self.ends.get((topic, partition), 0)
        self.ends[topic, partition] = offset + batch.record_count()
        return asyncio.ensure_future(self._answer(offset))

    async def _answer(self, offset: int) -> Answer:
        await asyncio.sleep(self.pause_seconds)
        return Answer(offset)


def sent(broker: SlowBroker, events: int, rate: float) -> OpenLoop:
    loop = OpenLoop(broker, rate, keep_notes=True)
    asyncio.run(loop.run(prepared(Load(events=events, customers=100), rate, "voc.", 4)))
    return loop


def test_every_event_is_due_at_its_own_moment() -> None:
    """Event number i is due i / rate after the start, and each is noted once, at its offset."""
    broker = SlowBroker(0.0)
    loop = sent(broker, events=400, rate=2_000.0)
    due = sorted(moment - loop.started for note in loop.notes for moment in note.due)
    assert [round(moment * 2_000) for moment in due] == list(range(400))
    noted = {
        (note.topic, note.partition, note.offset + place)
        for note in loop.notes
        for place in range(len(note.due))
    }
    assert noted == {
        (*partition, offset) for partition, end in broker.ends.items() for offset in range(end)
    }


def test_a_slow_broker_does_not_slow_the_load() -> None:
    """Nothing waits for an answer.

    What was due while the broker was silent was sent while it was silent.
    """
    started = time.monotonic()
    loop = sent(SlowBroker(0.3), events=400, rate=2_000.0)
    assert time.monotonic() - started < 1.0
    assert all(note.acknowledged - note.due[0] >= 0.3 for note in loop.notes)


def test_what_does_not_fit_a_batch_goes_into_the_next() -> None:
    """A batch that is full loses nothing."""
    loop = sent(SlowBroker(0.0, batch_bytes=1_000), events=100, rate=100_000.0)
    assert sum(len(note.due) for note in loop.notes) == 100
    assert max(len(note.due) for note in loop.notes) < 10


def test_notes_are_read_as_they_were_written(tmp_path: Path) -> None:
    """The parent process sees what the producer saw."""
    loop = sent(SlowBroker(0.0), events=50, rate=50_000.0)
    write_notes(tmp_path / "notes", loop, 0.25)
    assert read_notes(tmp_path / "notes") == (loop.started, 0.25, loop.notes)
