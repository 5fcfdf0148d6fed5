"""Sends what the simulated call centre says to Kafka: each message at its time."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

from voc_stream.kafka.push import Pusher, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from threading import Event

    from voc_stream.settings import Settings

TIMEOUT_SECONDS = 60.0
MAXIMUM_SLICE = 5_000
"""How many messages that are due are sent before their answers are awaited."""


class TimedMessage(Protocol):
    """What is sent: a topic without prefix, a key, a value, and when; `kind` is counted."""

    @property
    def sent_at(self) -> datetime: ...  # noqa: D102  see the class
    @property
    def topic(self) -> str: ...  # noqa: D102  see the class
    @property
    def key(self) -> bytes: ...  # noqa: D102  see the class
    @property
    def value(self) -> bytes | None: ...  # noqa: D102  see the class
    @property
    def kind(self) -> str: ...  # noqa: D102  see the class


Timed = TypeVar("Timed", bound=TimedMessage)


def send_simulated(
    messages: Iterable[TimedMessage], settings: Settings, stop: Event
) -> Mapping[str, int]:
    """Send to the configured Kafka, each message at its time, until they end or `stop` is set.

    A broker may be away for a minute. A message that is too large for the broker is counted as
    `refused`. Returns how many of each kind were delivered.

    Raises:
        PushError: No broker answers.
        TopicsError: The topics do not exist.
    """
    counts: Counter[str] = Counter()

    def refuse(record: Record[str], _reason: str) -> None:
        counts[record.origin] -= 1
        counts["refused"] += 1

    with Pusher[str](settings, TIMEOUT_SECONDS, lambda: None, refuse) as pusher:
        for due in slices_in_time(messages, stop):
            # The pusher sends no tombstones; no bytes at all are refused for the same reason.
            pusher.push(
                Record(settings.topic_prefix + each.topic, each.key, each.value or b"", each.kind)
                for each in due
            )
            counts.update(each.kind for each in due)
    return +counts


def slices_in_time(
    messages: Iterable[Timed], stop: Event, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Iterator[Sequence[Timed]]:
    """Yield the messages once their `sent_at` has come, all that are due together.

    It goes on until they end or `stop` is set. Each wait is until an absolute moment, so delays do
    not add up. What is overdue comes at once.
    """
    due: list[Timed] = []
    for message in messages:
        if due and (len(due) >= MAXIMUM_SLICE or message.sent_at > now()):
            yield due
            due = []
        while not stop.is_set() and (wait_seconds := (message.sent_at - now()).total_seconds()) > 0:
            stop.wait(wait_seconds)
        if stop.is_set():
            return
        due.append(message)
    if due:
        yield due
