"""A call centre that keeps its rate.

Sends events of the mix when they are due, whether earlier ones were answered or not.

Run it as a process of its own. Event number i is due i / rate seconds after the start. A moment
that was missed stays the moment that counts. So nothing that is slow hides itself by slowing the
load down. With --notes the events are made before the first is sent. The file says for each batch
where it went, when its events were due, and when the broker had acknowledged it.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import time
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner
from benchmarks.load import Load, messages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TICK_SECONDS = 0.02
"""Events are sent in batches this far apart, as by the linger of an ordinary producer."""
BATCH_BYTES = 512 * 1024
MAXIMUM_REQUEST_BYTES = 16 * 1024 * 1024


class Prepared(NamedTuple):
    """An event ready to be sent."""

    topic: str
    partition: int
    key: bytes
    value: bytes


class Note(NamedTuple):
    """A batch that was acknowledged.

    Its first offset, and when its events were due and all of it acknowledged, by the monotonic
    clock.
    """

    topic: str
    partition: int
    offset: int
    due: list[float]
    acknowledged: float


def prepared(load: Load, rate: float, prefix: str, partitions: int) -> Iterator[Prepared]:
    """The events of a load with their partitions.

    The key decides on the partition, as in every Kafka client.
    """
    choose, numbers = DefaultPartitioner(), list(range(partitions))
    for message in messages(load, datetime.now(UTC), 1 / rate):
        key = message.key or b""
        yield Prepared(
            prefix + message.topic, choose(key, numbers, numbers), key, message.value or b""
        )


class OpenLoop:
    """Sends prepared events at a rate; `notes` holds what was acknowledged."""

    def __init__(self, producer: Any, rate: float, *, keep_notes: bool) -> None:
        self._producer, self._rate, self._keep_notes = producer, rate, keep_notes
        self.notes: list[Note] = []
        self.started = 0.0

    async def run(self, events: Iterable[Prepared]) -> None:
        """Send all of them, each when it is due, and wait for the answers. Raises KafkaError."""
        rest, sent = iter(events), 0
        self.started = time.monotonic()
        async with asyncio.TaskGroup() as answers:
            while True:
                due = int((time.monotonic() - self.started) * self._rate) + 1
                now_due = list(islice(rest, due - sent))
                for (topic, partition), numbered in _by_partition(now_due, sent).items():
                    answers.create_task(self._send(topic, partition, numbered))
                if len(now_due) < due - sent:
                    return
                sent = due
                await asyncio.sleep(TICK_SECONDS)

    async def _send(self, topic: str, partition: int, numbered: list[tuple[int, Prepared]]) -> None:
        while numbered:
            batch = self._producer.create_batch()
            count = 0
            for _, event in numbered:
                if batch.append(key=event.key, value=event.value, timestamp=None) is None:
                    break
                count += 1
            answer = await (await self._producer.send_batch(batch, topic, partition=partition))
            if self._keep_notes:
                due = [self.started + number / self._rate for number, _ in numbered[:count]]
                self.notes.append(Note(topic, partition, answer.offset, due, time.monotonic()))
            numbered = numbered[count:]


def _by_partition(
    events: Iterable[Prepared], first_number: int
) -> dict[tuple[str, int], list[tuple[int, Prepared]]]:
    grouped: dict[tuple[str, int], list[tuple[int, Prepared]]] = {}
    for number, event in enumerate(events, first_number):
        grouped.setdefault((event.topic, event.partition), []).append((number, event))
    return grouped


async def send(
    bootstrap: str, rate: float, events: Iterable[Prepared], *, keep_notes: bool
) -> OpenLoop:
    """Connect, send, and close."""
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        linger_ms=0,
        max_batch_size=BATCH_BYTES,
        max_request_size=MAXIMUM_REQUEST_BYTES,
    ) as producer:
        loop = OpenLoop(producer, rate, keep_notes=keep_notes)
        await loop.run(events)
    return loop


def write_notes(path: Path, loop: OpenLoop, processor_seconds: float) -> None:
    """A line about the run, then a line for each batch."""
    with path.open("w", encoding="utf-8") as file:
        file.write(json.dumps([loop.started, processor_seconds]) + "\n")
        for note in loop.notes:
            file.write(json.dumps(note) + "\n")


def read_notes(path: Path) -> tuple[float, float, list[Note]]:
    """What `write_notes` wrote: the start, the processor time, and the batches."""
    with path.open(encoding="utf-8") as file:
        started, processor_seconds = json.loads(next(file))
        return started, processor_seconds, [Note(*json.loads(line)) for line in file]


def main() -> None:
    """Send what the arguments say."""
    parser = argparse.ArgumentParser(prog="producer", description=__doc__)
    for name in ("bootstrap", "prefix"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--rate", type=float, required=True, help="events a second")
    parser.add_argument("--load", type=json.loads, required=True, help="fields of a Load, as JSON")
    parser.add_argument("--partitions", type=int, required=True)
    parser.add_argument("--notes", type=Path)
    arguments = parser.parse_args()
    events: Iterable[Prepared] = prepared(
        Load(**arguments.load), arguments.rate, arguments.prefix, arguments.partitions
    )
    if arguments.notes:
        events = list(events)
        gc.freeze()
    before = time.process_time()
    loop = asyncio.run(
        send(arguments.bootstrap, arguments.rate, events, keep_notes=arguments.notes is not None)
    )
    if arguments.notes:
        write_notes(arguments.notes, loop, time.process_time() - before)


if __name__ == "__main__":
    main()
