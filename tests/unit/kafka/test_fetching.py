"""How much of what was fetched is handed on at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aiokafka.consumer import fetcher
from aiokafka.structs import TopicPartition

from voc_stream.kafka import fetching
from voc_stream.ports import Message

if TYPE_CHECKING:
    from collections.abc import Iterator


class Records:
    """What aiokafka keeps of a partition."""

    def __init__(self, *lengths: int | None) -> None:
        self._left = [Message(offset, None if length is None else bytes(length)) for offset, length in enumerate(lengths)]
        self.next_fetch_offset = 0

    def __iter__(self) -> Iterator[Message]:
        return self

    def __next__(self) -> Message:
        if not self._left:
            raise StopIteration
        self.next_fetch_offset += 1
        return self._left.pop(0)


class Assignment:
    """One partition, which is ours and follows its records."""

    active = True
    paused = False
    position = 0

    def state_value(self, _: object) -> Assignment:
        """Its state."""
        return self

    def consumed_to(self, position: int) -> None:
        """Move the position."""
        self.position = position


def fetched(*lengths: int | None) -> Any:
    """Messages of so many bytes that wait, as aiokafka makes it: of the class that we put in the place of its own."""
    return fetcher.FetchResult(TopicPartition("t", 0), assignment=Assignment(), partition_records=Records(*lengths), backoff=0)


@pytest.fixture(autouse=True)
def _budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching._Fetched, "bytes_left", 1000)


def test_short_messages_are_handed_out_by_their_number() -> None:
    """All that were asked for, and then the others; messages without a value count, too."""
    waiting = fetched(*[1] * 40, None, *[1] * 9)
    assert [message.offset for message in waiting.getall(45)] == list(range(45))
    assert [message.offset for message in waiting.getall(45)] == list(range(45, 50))
    assert not waiting.has_more()


def test_long_messages_are_handed_out_by_their_bytes() -> None:
    """However many were asked for, and over all partitions together; nothing is lost, and one that is longer than that comes, too."""
    first, second = fetched(*[100] * 100), fetched(*[5000] * 2)
    offsets = [message.offset for message in first.getall(10_000)]
    assert 10 <= len(offsets) <= 10 + fetching.MESSAGES_BETWEEN_LOOKS
    assert second.getall(10_000) == []
    while first.has_more():
        fetching._Fetched.bytes_left = 1000
        offsets += [message.offset for message in first.getall(10_000)]
    assert offsets == list(range(100))
    fetching._Fetched.bytes_left = 1000
    assert len(second.getall(10_000)) == 2
