"""A worker of the model.

The product's app, consumer, agent and ledger on a stepped loop, between a fake log and a fake
store.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from aiokafka.errors import IllegalStateError
from faust.types import TP
from model.fake_log import FakeClient, FakeLogReader
from model.fake_store import FakeSink
from model.stepped_loop import OWNER, StillWaitsError
from prometheus_client import CollectorRegistry

from voc_stream.kafka.life.state import WorkerState
from voc_stream.kafka.positions.decoding import Decoding
from voc_stream.kafka.positions.ledger import Ledger
from voc_stream.kafka.worker.app import create_app
from voc_stream.kafka.worker.own_chores import OwnChores
from voc_stream.monitoring.metrics import Metrics
from voc_stream.pipeline.ports import Partition

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine

    from model.fake_log import FakeLog
    from model.fake_store import FakeStore
    from model.stepped_loop import Call, SteppedLoop

    from voc_stream.settings import Settings

STEP_SECONDS = 0.3


class Worker:
    """One process. Nothing in it moves but by `step`, and by what other calls here start.

    Attributes:
        paused: it is stopped (SIGSTOP): no answer reaches it.
        ended: it stopped by itself; a supervisor would start another.
        joins: it gave back its partitions and waits for others.
        drops_next_batch: what is fetched next gets lost on the way to the agent, as in Faust where
            partitions come and go.
    """

    def __init__(
        self, name: str, loop: SteppedLoop, log: FakeLog, store: FakeStore, settings: Settings
    ) -> None:
        self.name, self.loop, self.log = name, loop, log
        self.paused = self.ended = self.joins = self.drops_next_batch = False
        metrics = Metrics(CollectorRegistry())
        self.sink = FakeSink(store)
        self.ledger = Ledger(self.sink, FakeLogReader(log), metrics, WorkerState(started=0.0))  # type: ignore[arg-type]  # the reader's two questions
        self.app = cast(
            "Any", create_app(settings, self.ledger, Decoding(self.sink.decode, metrics), metrics)
        )
        self.app.topics._acking_topics.update(log.topic_ids)
        self.client = FakeClient(loop, log)
        self.consumer = self.app.consumer
        self.consumer._thread._consumer = self.client
        self.consumer._thread.call_thread = self._call_thread
        self.consumer._on_partitions_revoked = self._on_revoked
        self.consumer._on_partitions_assigned = self._on_assigned
        self.consumer.callback = self._hand_to_stream
        self.consumer.stop_flow()
        self._work = OwnChores(
            self.app,
            self.ledger,
            cast("Any", None),  # the log's identity needs no store
            cast("Any", None),
            metrics=metrics,
            settings=settings,
        )
        self._queue: asyncio.Queue[Any] = asyncio.Queue(self.app.conf.stream_buffer_maxsize)
        self._tasks: list[asyncio.Task[Any]] = []
        self.start(self.consumer._drain_messages(SimpleNamespace(_stopped=asyncio.Event())))
        self.start(self.app.batches(self._stream()))

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Run a task of this worker."""
        token = OWNER.set(self)
        try:
            self._tasks.append(self.loop.create_task(coroutine))
        finally:
            OWNER.reset(token)
        self.loop.run_ready()

    async def _call_thread(self, function: Any, *arguments: Any, **options: Any) -> Any:
        """In the place of the consumer's thread: what that answers to the main loop may be late."""
        # Else the time of day would decide whether it looks for them now.
        self.consumer._thread._look_for_gaps.forget()
        result = function(*arguments, **options)
        if asyncio.iscoroutine(result):
            result = await result
        if function.__name__ == "_fetch_records":
            await self.loop.hold(lambda: None, object())
            if result and self.drops_next_batch:
                self.drops_next_batch = False
                return {}
        return result

    async def _hand_to_stream(self, message: Any) -> None:
        if not self.consumer.flow_active:  # Faust drops what arrives while its flow is suspended
            return
        self.consumer.track_message(message)
        await self._queue.put(message)

    async def _stream(self) -> AsyncIterator[Any]:
        """Faust's stream acknowledges whatever became of a message."""
        while True:
            message = await self._queue.get()
            try:
                yield message.value
            finally:
                self.consumer.ack(message)

    async def _on_revoked(self, revoked: Any) -> None:  # noqa: ARG002  Faust's signature
        """What Faust's app does: `App._on_partitions_revoked`."""
        self.consumer.stop_flow()
        self.consumer.pause_partitions(self.consumer.assignment())
        if self.clears_stream:
            while not self._queue.empty():
                self._queue.get_nowait()

    async def _on_assigned(self, assigned: Any, generation: int = 0) -> None:  # noqa: ARG002  Faust's signature
        self.consumer.pause_partitions(assigned)

    clears_stream = True

    def revoke(self, *, clears_stream: bool) -> None:
        """The group rebalances: give back all partitions.

        A stream that is not cleared hands on old batches later.
        """
        self.clears_stream, self.joins = clears_stream, True
        self.app.on_rebalance_start()
        self.start(self.consumer.on_partitions_revoked(self.consumer.assignment()))

    def assign(self, partitions: set[Partition], generation: int) -> None:
        """The rebalance ended with these partitions."""
        topic_partitions = {TP(*partition) for partition in partitions}
        self.joins = False
        self.client.assign(topic_partitions)
        self.app.consumer_generation_id = generation
        self.start(self._assigned(topic_partitions, generation))

    async def _assigned(self, assigned: set[TP], generation: int) -> None:
        """What Faust does.

        `ConsumerRebalanceListener.on_partitions_assigned`, then `Recovery._resume_streams`.
        """
        await self.consumer.on_partitions_assigned(assigned, generation)
        if self.app.consumer_generation_id != generation:
            return
        if assigned:
            self.consumer.resume_partitions(assigned)
            try:
                await self.consumer.perform_seek()
            except IllegalStateError:
                return  # another rebalance, which will seek again
            except TimeoutError:
                self.ended = True
                return
        self.consumer.resume_flow()
        self.app.on_rebalance_end()

    def run_timers(self) -> None:
        """Run the timers once that look at log and store.

        Is it another log, how much is still to come, is what was stored there.
        """
        self.start(self._tick(self._work.log_identity))
        self.start(self._tick(self._work.lost_commits))
        self.start(self._tick(self._work.lag))

    async def _tick(self, body: Callable[[], Awaitable[None]]) -> None:
        with suppress(Exception):  # as `Timers`: it will run again
            await body()

    def commit_to_kafka(self) -> None:
        """Commit what Faust would; Kafka takes it from the owner of a partition only."""
        offsets = self.consumer._filter_committable_offsets(
            list(self.consumer._filter_tps_with_pending_acks(None))
        )
        mine = {
            each: offset
            for each, offset in offsets.items()
            if self.log.owners.get(Partition(*each)) is self
        }
        self.log.committed.update({Partition(*each): offset for each, offset in mine.items()})
        self.consumer._committed_offset.update(mine)

    @property
    def calls(self) -> list[Call]:
        """What this worker waits for and could go on with."""
        return self.loop.pending(self)

    def next_batch(self) -> Call | None:
        """The call that brings the next batch to the store, if the worker comes to it soon."""
        return self.next_call(
            lambda call: getattr(call.function, "func", None) == self.sink.process
        )

    def next_call(self, is_it: Callable[[Call], bool]) -> Call | None:
        """A call that was not carried out yet, if the worker comes to it soon."""
        for _ in range(30):
            for call in self.calls:
                if is_it(call) and not call.carried_out:
                    return call
            self.run(1)
        return None

    def begin(self, call: Call) -> None:
        """Run the first half of a batch's transaction."""
        try:
            self.sink.begin(*call.function.args)  # type: ignore[attr-defined]  # a partial, see SteppedLoop.run_in_executor
        except StillWaitsError:
            return
        except Exception as error:  # noqa: BLE001  it belongs to whoever asked
            call.fail(error)

    def step(self, call: Call) -> None:
        """Carry a call out; where it was, let its answer arrive."""
        if not call.carried_out:
            self.client.fetch_ahead()
            call.carry_out()
        elif not self.paused:
            call.reply()
            self.loop.run_ready()

    def run(self, steps: int, seconds: float = STEP_SECONDS) -> None:
        """Let every call succeed, and so much time pass with each step."""
        for _ in range(steps):
            self.loop.elapse(seconds)
            for call in self.calls:
                self.step(call)
            if not self.paused:
                self.commit_to_kafka()

    def kill(self) -> None:
        """End it at once. A transaction that it left open ends by itself."""
        self.ended = True
        self.sink.cut_off()
        for task in (*self._tasks, *self.app._futures):
            task.cancel()
        self.loop.run_ready()
        self.loop.calls = [call for call in self.loop.calls if call.owner is not self]
        self.ledger.close()
        self.consumer._thread.thread_loop.close()  # Faust makes it with the object
