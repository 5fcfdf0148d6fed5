"""A Kafka in memory, as one consumer sees it.

Logs with gaps, retention and topic ids, and a client that fetches ahead.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from aiokafka.errors import IllegalStateError

from voc_stream.events.refusal import Refusal
from voc_stream.pipeline.ports import DecodedMessage, Message, Partition

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from model.stepped_loop import SteppedLoop

    from voc_stream.pipeline.ports import FetchedMessage


@dataclass
class PartitionLog:
    """The records that are there, and where the log begins and ends.

    Offsets between may hold nothing.

    `reused_until`: offsets below it were given out twice, because the log had lost its end.
    """

    records: list[FetchedMessage] = field(default_factory=list)
    earliest: int = 0
    end: int = 0
    reused_until: int = 0

    def append(self, value: bytes) -> None:
        """Write a message."""
        self.records.append(Message(self.end, value))
        self.end += 1

    def append_unreadable(self, count: int) -> None:
        """Write a batch that nobody can read: it is refused as one, at its last offset."""
        self.end += count
        self.records.append(
            DecodedMessage(self.end - 1, b"?", Refusal("unreadable_batch", f"{count} messages"))
        )

    def skip(self, count: int) -> None:
        """Use up offsets without a message.

        Transaction markers, messages of a transaction that was given up.
        """
        self.end += count

    def compact(self, offset: int) -> None:
        """Remove one message."""
        self.records = [record for record in self.records if record.offset != offset]

    def expire(self, earliest: int) -> None:
        """Remove what is older: retention."""
        self.earliest = max(self.earliest, min(earliest, self.end))
        self.records = [record for record in self.records if record.offset >= self.earliest]

    def truncate(self, end: int) -> None:
        """Lose the end: a leader was elected that did not have it."""
        self.reused_until = max(self.reused_until, self.end)
        self.end = max(self.earliest, min(end, self.end))
        self.records = [record for record in self.records if record.offset < self.end]


class FakeLog:
    """All topics, and the offsets that the group has committed."""

    def __init__(self, partitions: Iterable[Partition]) -> None:
        self.logs = {partition: PartitionLog() for partition in partitions}
        self.topic_ids = {partition.topic: f"{partition.topic}-1" for partition in self.logs}
        self.committed: dict[Partition, int] = {}
        self.owners: dict[Partition, object] = {}
        self._made = 1

    def recreate(self, topic: str) -> None:
        """Delete a topic and make it again, empty and under the same name."""
        self._made += 1
        self.topic_ids[topic] = f"{topic}-{self._made}"
        for partition in self.logs:
            if partition.topic == topic:
                self.logs[partition] = PartitionLog()
                self.committed.pop(partition, None)


class FakeLogReader:
    """The questions that the ledger asks over a connection of its own."""

    def __init__(self, log: FakeLog) -> None:
        self._log = log

    def topic_ids(self, topics: Collection[str]) -> Mapping[str, str]:
        """The ids of the topics now."""
        return {topic: self._log.topic_ids[topic] for topic in topics}

    def ends(self, listed_ends: Mapping[Partition, int]) -> Mapping[Partition, int]:
        """The ends of the logs now."""
        return {partition: self._log.logs[partition].end for partition in listed_ends}


class FakeClient:
    """The part of AIOKafkaConsumer that Faust's consumer thread uses; it is its own fetcher.

    A seek drops what was fetched ahead, and a position outside the log goes to the earliest record:
    both as aiokafka does.
    """

    _closed = False
    _max_poll_records = 5

    def __init__(self, loop: SteppedLoop, log: FakeLog) -> None:
        self._loop = loop
        self._log = log
        self._assigned: set[Any] = set()
        self._positions: dict[Any, int] = {}
        self._ahead: dict[Any, tuple[list[FetchedMessage], int]] = {}
        self._fetcher = self._subscriptions = self
        self._subscription = SimpleNamespace(
            subscription=SimpleNamespace(assignment=SimpleNamespace(state_value=self._state))
        )
        self.batch_size = 5

    def _state(self, topic_partition: Any) -> SimpleNamespace | None:
        position = self._positions.get(topic_partition)
        return (
            None
            if position is None
            else SimpleNamespace(position=position, has_valid_position=True)
        )

    def fetch_context(self) -> nullcontext[None]:
        """Nothing to note."""
        return nullcontext()

    def assignment(self) -> set[Any]:
        """What this client believes to be its own."""
        return set(self._assigned)

    def assign(self, topic_partitions: set[Any]) -> None:
        """Begin where the group has committed, or at the earliest record.

        Faust seeks elsewhere before it fetches.
        """
        self._assigned = set(topic_partitions)
        self._ahead.clear()
        self._positions = {
            each: self._log.committed.get(Partition(*each), 0) for each in topic_partitions
        }

    def seek(self, topic_partition: Any, offset: int) -> None:
        """Fetch from there next."""
        if topic_partition not in self._assigned:
            raise IllegalStateError(f"{topic_partition} is not assigned")
        self._positions[topic_partition] = offset
        self._ahead.pop(topic_partition, None)

    def highwater(self, topic_partition: Any) -> int:
        """The end of the log."""
        return self._log.logs[Partition(*topic_partition)].end

    last_stable_offset = highwater  # no transaction is ever open

    async def beginning_offsets(self, topic_partitions: Iterable[Any]) -> Mapping[Any, int]:
        """Ask for the beginnings of the logs."""
        return await self._ask(dict.fromkeys(topic_partitions, "earliest"))

    async def end_offsets(self, topic_partitions: Iterable[Any]) -> Mapping[Any, int]:
        """Ask for the ends of the logs."""
        return await self._ask(dict.fromkeys(topic_partitions, "end"))

    async def _ask(self, what: Mapping[Any, str]) -> Mapping[Any, int]:
        found: Mapping[Any, int] = await self._loop.hold(
            lambda: {
                each: getattr(self._log.logs[Partition(*each)], name) for each, name in what.items()
            },
            object(),
        )
        return found

    def fetch_ahead(self) -> None:
        """Receive what the logs hold after the positions now."""
        for each in self._assigned - self._ahead.keys():
            log = self._log.logs[Partition(*each)]
            if not log.earliest <= self._positions[each] <= log.end:
                self._positions[each] = log.earliest
            records = [record for record in log.records if record.offset >= self._positions[each]]
            if records:
                self._ahead[each] = records, log.end
            else:
                self._positions[each] = log.end

    async def fetched_records(
        self,
        partitions: Collection[Any],
        timeout: float,  # noqa: ARG002, ASYNC109  aiokafka's signature
        max_records: int,
    ) -> Mapping[Any, list[FetchedMessage]]:
        """Hand out what was fetched ahead, and move on."""
        await self._loop.hold(lambda: None, object())
        found: dict[Any, list[FetchedMessage]] = {}
        for each in sorted(set(partitions) & self._assigned & self._ahead.keys()):
            most = min(self.batch_size, max_records - sum(map(len, found.values())))
            if most <= 0:
                break
            records, end = self._ahead.pop(each)
            found[each], rest = records[:most], records[most:]
            self._positions[each] = found[each][-1].offset + 1 if rest else end
            if rest:
                self._ahead[each] = rest, end
        return found
