"""Sends events so that none is lost on the way.

It survives a broker that restarts, and even one that forgets everything. Delivery guarantee: at
least once. What was not acknowledged is sent again, perhaps by another producer. An event_id counts
once, and so does the event.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Self, TypeVar

from kafka.errors import (
    AuthorizationError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)

from voc_stream.errors import VocError
from voc_stream.kafka.connection.ask import TopicsError, UnreachableError, require_broker
from voc_stream.kafka.connection.security import client_options
from voc_stream.kafka.push_producer import (
    MAXIMUM_OPEN_BYTES,
    METADATA_TIMEOUT_SECONDS,
    POLL_SECONDS,
    close_producer,
    connect_producer,
)
from voc_stream.kafka.topics import unwritable_topics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType

    from voc_stream.settings import Settings

# kafka-python bounds neither the records nor the bytes that wait to be sent.
MAXIMUM_OPEN_RECORDS = 10_000
# Long enough for a slow network; a wrong address should not take two minutes to show.
CONNECT_TIMEOUT_SECONDS = 10.0

Origin = TypeVar("Origin")

# These say something about the one record, not about the broker.
_RECORD_ERRORS = (MessageSizeTooLargeError, RecordListTooLargeError)


class PushError(VocError):
    """No broker answered for too long; the message says what was delivered and what to do."""


class Record(NamedTuple, Generic[Origin]):
    """One message. `origin` is whatever the caller wants to be told if it fails."""

    topic: str
    key: bytes
    value: bytes
    origin: Origin


class _Open(NamedTuple, Generic[Origin]):
    """A record without an answer yet, and since when it waits, in seconds of a monotonic clock."""

    record: Record[Origin]
    since: float
    future: Any


class Pusher(Generic[Origin]):
    """Sends records in order and keeps count. A context manager.

    Args:
        settings: Which broker and topics.
        timeout_seconds: Give up when nothing was acknowledged for so long while something waited.
        on_delivered: Called after each acknowledged record.
        on_failure: Called with each record that was not delivered, and why.

    Raises:
        PushError: No broker answers.
        TopicsError: Kafka refuses us, or the topics do not exist.
        SettingsError: The settings of the connection contradict each other.
    """

    def __init__(
        self,
        settings: Settings,
        timeout_seconds: float,
        on_delivered: Callable[[], None],
        on_failure: Callable[[Record[Origin], str], None],
    ) -> None:
        self._settings = settings
        self._options = client_options(settings)
        self._timeout_seconds = timeout_seconds
        self._on_delivered = on_delivered
        self._on_failure = on_failure
        self._open: deque[_Open[Origin]] = deque()
        self._again: deque[_Open[Origin]] = deque()
        self._open_bytes = 0
        self._progress_at = time.monotonic()
        self.delivered = 0
        connect_seconds = min(CONNECT_TIMEOUT_SECONDS, timeout_seconds)
        # Else a missing topic would look like a slow broker, or be made with the wrong number of
        # partitions.
        self._unwritable = self._look_at_topics(time.monotonic() + connect_seconds)
        try:
            self._producer = connect_producer(self._options, self._timeout_seconds, connect_seconds)
        except KafkaError as error:
            raise PushError(
                f"no broker answers at {settings.kafka_bootstrap}: check VOC_KAFKA_BOOTSTRAP and"
                f" the broker ({error})"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        close_producer(self._producer)
        for waiting in self._open:  # where it was stopped in between, some have their answer
            if waiting.future.succeeded():
                self.delivered += 1
                self._on_delivered()

    def _look_at_topics(self, deadline: float) -> Mapping[str, str]:
        """The topics that we may not write to, and why, from a broker that may be just starting."""
        while True:
            try:
                return unwritable_topics(self._settings)
            except UnreachableError as error:
                if time.monotonic() + POLL_SECONDS > deadline:
                    raise PushError(str(error)) from error
                time.sleep(POLL_SECONDS)

    def push(self, records: Iterable[Record[Origin]]) -> int:
        """Send all records and wait for the answers.

        Returns how many were delivered since the start. Raises PushError.
        """
        for record in records:
            if record.topic in self._unwritable:
                self._on_failure(record, self._unwritable[record.topic])
                continue
            while len(self._open) >= MAXIMUM_OPEN_RECORDS or self._open_bytes >= MAXIMUM_OPEN_BYTES:
                self._await_oldest()
            self._send(record, time.monotonic())
        while self._open:
            self._await_oldest()
        return self.delivered

    def _send(self, record: Record[Origin], since: float) -> None:
        while True:
            try:
                future = self._producer.send(record.topic, key=record.key, value=record.value)
            except (
                KafkaTimeoutError
            ) as error:  # no metadata: the broker is away, or has forgotten the topic
                self._give_up_if_late(since, error, record)
                continue
            except _RECORD_ERRORS as error:
                self._on_failure(record, str(error))
                return
            self._open.append(_Open(record, since, future))
            self._open_bytes += len(record.value)
            return

    def _await_oldest(self) -> None:
        """Wait for the answer to the oldest open record."""
        oldest = self._open[0]
        self._wait_for(oldest)
        if _may_succeed_later(oldest):
            self._start_over(oldest.future.exception)
        else:
            self._note(self._open.popleft())

    def _note(self, answered: _Open[Origin]) -> None:
        self._open_bytes -= len(answered.record.value)
        if answered.future.failed():
            self._on_failure(answered.record, str(answered.future.exception))
        else:
            self.delivered += 1
            self._progress_at = time.monotonic()
            self._on_delivered()

    def _start_over(self, error: Exception) -> None:
        """Send what failed once more, by another producer.

        The producer repeats by itself what it may. It hands back what idempotence forbids it to
        repeat, for example when the broker no longer knows the producer. Then it often refuses all
        that follows, too.
        """
        for waiting in self._open:
            self._wait_for(waiting)
        for _ in range(len(self._open)):
            answered = self._open.popleft()
            if _may_succeed_later(answered):
                self._again.append(answered)
                self._open_bytes -= len(answered.record.value)
            else:
                self._note(answered)
        close_producer(self._producer)
        self._reconnect(error)
        while self._again:
            failed = self._again.popleft()
            self._give_up_if_late(failed.since, error, failed.record)
            self._send(failed.record, failed.since)

    def _reconnect(self, error: Exception) -> None:
        while True:
            self._give_up_if_late(self._again[0].since, error)
            try:
                self._producer = connect_producer(
                    self._options, self._timeout_seconds, METADATA_TIMEOUT_SECONDS
                )
            except KafkaError as latest:
                error = latest
            else:
                return

    def _wait_for(self, waiting: _Open[Origin]) -> None:
        """Wait until the record has an answer, good or bad."""
        while not waiting.future.is_done:
            try:
                waiting.future.get(timeout=POLL_SECONDS)
            except Exception as error:  # noqa: BLE001  either the end of the pause, or the answer, which the caller looks at
                self._give_up_if_late(waiting.since, error)

    def _give_up_if_late(self, since: float, error: Exception, *records: Record[Origin]) -> None:
        """Report all that is open, and `records`, and raise PushError.

        It does so only if nothing has moved for too long, or never will.
        """
        is_forbidden = isinstance(error, AuthorizationError)
        if (
            not is_forbidden
            and time.monotonic() - max(since, self._progress_at) < self._timeout_seconds
        ):
            return
        why = (
            f"forbidden by the broker ({error})"
            if is_forbidden
            else f"not acknowledged within {self._timeout_seconds:g} s"
        )
        for record in (*records, *(waiting.record for waiting in (*self._again, *self._open))):
            self._on_failure(record, why)
        raise PushError(self._reason(why, error)) from error

    def _reason(self, why: str, error: Exception) -> str:
        """What an operator should know, the broker's own reason first."""
        try:
            if isinstance(error, AuthorizationError):
                unwritable_topics(self._settings)
            else:
                require_broker(self._settings)
        except UnreachableError:
            pass
        except TopicsError as refusal:
            why = str(refusal)
        return (
            f"{self._settings.kafka_bootstrap}: {why}; {self.delivered} events were delivered"
            f" before. "
            "Push the same files again when that is mended: an event counts once, however often it"
            " is sent"
        )


def _may_succeed_later(answered: _Open[Any]) -> bool:
    return answered.future.failed() and not isinstance(answered.future.exception, _RECORD_ERRORS)
