"""Takes in, one partition at a time, the batches that failed together.

So one message holds up only its own partition, and that not for long. Each partition is tried
alone, then in parts, on a connection of its own beside the stream. A message that turns out guilty
becomes a dead letter. Nothing is judged while PostgreSQL is not well. If a lock is the cause, no
message is guilty, and the partition waits.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

from voc_stream.events.refusal import Refusal
from voc_stream.kafka.isolation.search import Case, Failure
from voc_stream.kafka.positions.batches import before_offset
from voc_stream.kafka.retry_pause import LONGEST_SECONDS, retry_pause_seconds
from voc_stream.pipeline.ports import (
    FencedError,
    RefusalLimitError,
    StoreGaveUpError,
    StoreUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from voc_stream.kafka.isolation.breaker import Breaker
    from voc_stream.kafka.isolation.search import Try
    from voc_stream.kafka.positions.ledger import Ledger
    from voc_stream.monitoring.metrics import Metrics
    from voc_stream.pipeline.ports import Batch, BatchResult, DecodedMessage, Partition

    GoOn = Callable[[Partition], Awaitable[None]]
    Committed = Callable[[Sequence[Batch], Sequence[BatchResult], float], None]

LONGEST_EXPLANATION = 300

log = logging.getLogger(__name__)


def failure_of(error: Exception) -> Failure:
    """What an error says about the message that it met.

    It assumes that the store was well, and that not all time was used up.
    """
    text = "".join(character if character.isprintable() else " " for character in str(error))[
        :LONGEST_EXPLANATION
    ]
    if isinstance(error, StoreUnavailableError):
        return Failure(text, text, isinstance(error, StoreGaveUpError), used_up=False)
    # Its text may hold the customer's words, and differ from try to try.
    name = type(error).__name__
    return Failure(name, f"{name}, see the worker's log", may_be_guilty=True, used_up=False)


class IsolationWard:
    """Keeps batches in isolation, each of another partition, which is held meanwhile.

    Args:
        app: tells whether the worker rebalances or stops.
        ledger: the way to the store, and what is held.
        go_on: reads the position of a partition and fetches on from there.
        committed: counts what went in.
        metrics: counts failures and what is set aside.
        breaker: stops a partition in which too much is set aside.
        deadline_seconds: the time that a batch usually has.
    """

    def __init__(
        self,
        app: Any,
        ledger: Ledger,
        go_on: GoOn,
        committed: Committed,
        metrics: Metrics,
        *,
        breaker: Breaker,
        deadline_seconds: float,
    ) -> None:
        self._app = app
        self._ledger = ledger
        self._breaker = breaker
        self._holds = ledger.holds
        self._go_on = go_on
        self._committed = committed
        self._metrics = metrics
        self._deadline_seconds = deadline_seconds
        self._cases: list[tuple[Case, object]] = []
        self._is_running = False

    def admit(self, batches: Sequence[Batch], error: Exception) -> None:
        """Hold the partitions of batches that failed together, and try each alone."""
        failure = failure_of(error)
        for batch in batches:
            sentence = (
                f"{batch.partition} from offset {batch.expected.next_offset} on is tried apart:"
                f" {failure.explanation}"
            )
            token = self._holds.hold(batch.partition, "isolation", sentence)
            self._cases.append((Case(batch, self._deadline_seconds), token))
        log.warning(
            "what was fetched from %s failed while PostgreSQL is well (%s); each is tried apart,"
            " nothing is lost",
            ", ".join(str(batch.partition) for batch in batches),
            failure.explanation,
        )
        if not self._is_running:
            self._is_running = True
            self._app.add_future(self._run())

    async def _run(self) -> None:
        try:
            await self._treat_all()
            if not self._app.should_stop:
                await self._ledger.end_apart()
        finally:
            self._is_running = False

    async def _treat_all(self) -> None:
        while self._cases and not self._app.should_stop:
            # The batch that failed least comes first: the healthy ones are soon out.
            self._cases.sort(key=lambda each: each[0].failures)
            case, token = self._cases.pop(0)
            partition = case.batch.partition
            try:
                done = not self._is_ours(case, token) or await self._try(case, token)
            except Exception:
                log.exception(
                    "%s: trying it apart failed; looking at its position again", partition
                )
                done = True
            if not done:
                self._cases.append((case, token))
            elif self._holds.is_held(partition, token):
                await self._go_on(partition)
                if self._holds.is_held(partition, token):
                    self._holds.release(partition)

    def _is_ours(self, case: Case, token: object) -> bool:
        """Whether the batch is still the next one of a partition that is ours, and held by us."""
        still_next = self._ledger.durable.get(case.batch.partition) == case.batch.expected
        return (
            still_next
            and self._holds.is_held(case.batch.partition, token)
            and not self._app.rebalancing
        )

    async def _try(self, case: Case, token: object) -> bool:
        """Try once; returns whether there is nothing more to do for this batch."""
        tried, started = case.next_try(), time.monotonic()
        try:
            result = await self._ledger.process_apart(
                tried.portion, await self._ledger.now(), tried.seconds
            )
        except FencedError:
            return True
        except RefusalLimitError as error:
            if (admitted := before_offset(tried.portion, error.offset)) is None:
                self._breaker.stop(error)
                return True
            case.narrow(admitted)
            return False
        except Exception as error:  # noqa: BLE001  whatever it is, it is the reason why this message is tried alone
            return await self._failed(case, token, tried, error)
        self._committed([tried.portion], [result], time.monotonic() - started)
        return case.succeeded(tried)

    async def _failed(self, case: Case, token: object, tried: Try, error: Exception) -> bool:
        partition, first = (
            tried.portion.partition,
            tried.portion.messages[0] if tried.portion.messages else None,
        )
        problem = await self._ledger.problem_of_store()
        if problem is not None:
            log.warning(
                "PostgreSQL does not answer (%s); %s waits, nothing is lost", problem, partition
            )
            self._metrics.postgres_retries.inc()
            await asyncio.sleep(LONGEST_SECONDS)
            return await self._was_committed(case)
        self._metrics.batch_failures.labels(partition.topic).inc()
        if await self._was_committed(case):
            return True
        failure = failure_of(error)._replace(
            used_up=tried.seconds >= self._deadline_seconds and isinstance(error, StoreGaveUpError)
        )
        guilty = case.failed(tried, failure)
        where = (
            f"{partition} offset"
            f" {tried.portion.expected.next_offset if first is None else first.offset}"
        )
        if guilty and first is not None:
            return await self._set_aside(case, tried, failure)
        if len(tried.portion.messages) > 1:
            return False
        self._holds.tell(partition, token, f"{where} is tried alone: {failure.explanation}")
        log.warning(
            "%s fails alone while PostgreSQL is well: %s; tried again", where, failure.explanation
        )
        await asyncio.sleep(retry_pause_seconds(case.failures))
        return False

    async def _was_committed(self, case: Case) -> bool:
        """Whether a COMMIT without an answer had gone through, or another worker moved on."""
        try:
            await self._ledger.reread([case.batch.partition])
        except StoreUnavailableError:
            return False
        return self._ledger.durable.get(case.batch.partition) != case.batch.expected

    async def _set_aside(self, case: Case, tried: Try, failure: Failure) -> bool:
        """Make the guilty message a dead letter, with its bytes if they fit.

        Returns whether all of the batch is done.
        """
        (message,) = tried.portion.messages
        size = "no value" if message.value is None else f"{len(message.value)} bytes"
        detail = (
            f"{size}; alone, with PostgreSQL well, it failed again and again: {failure.explanation}"
        )
        refusal = Refusal("processing_failed", detail)
        if self._breaker.stops_before(tried.portion.partition, message.offset, refusal):
            return True
        whole = message._replace(content=refusal)
        without = message._replace(
            value=None,
            content=Refusal(
                "processing_failed", f"{detail}; the bytes did not fit, Kafka has them"
            ),
        )
        for letter in (whole, without):
            portion = tried.portion._replace(messages=[letter])
            try:
                result = await self._ledger.process_apart(
                    portion, await self._ledger.now(), self._deadline_seconds
                )
            except FencedError:
                return True
            except Exception as error:  # noqa: BLE001  as above
                log.warning(
                    "%s offset %d cannot be set aside yet: %r",
                    portion.partition,
                    message.offset,
                    error,
                )
                if await self._ledger.problem_of_store() is not None or await self._was_committed(
                    case
                ):
                    return await self._was_committed(case)
                continue
            log.error(
                "%s offset %d (%s, %s) is set aside as a dead letter: %s; what follows it goes on",
                portion.partition,
                message.offset,
                customer_of(message),
                size,
                failure.explanation,
            )
            self._metrics.set_aside(portion.partition, message.offset)
            self._committed([portion], [result], 0.0)
            return case.succeeded(tried)
        await asyncio.sleep(LONGEST_SECONDS)
        return False


def customer_of(message: DecodedMessage) -> str:
    """Whose message it is, for the log."""
    content = message.content
    if isinstance(content, Refusal):
        return "no event"
    customer_id = getattr(
        content, "customer_id", None
    )  # a retraction is about events, not a customer
    return f"event {content.event_id}" if customer_id is None else f"customer {customer_id}"
