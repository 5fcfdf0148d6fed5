"""A state machine that does to workers, log and store what production does.

It does so in every order, and checks after each step what must hold.

The workers run the product's code; worker.py, fake_log.py and fake_store.py are what surrounds it.
A failure prints the steps that lead to it, and Hypothesis remembers and repeats it.

Limits: a message at an offset that was given out before (the log had lost its end) may be missed,
as anywhere in Kafka. A position that went back in a crash of the store shows with the next message
of its partition.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from model import traffic
from model.fake_log import FakeLog
from model.fake_store import FakeStore
from model.invariants import (
    PACKAGED,
    assert_nobody_is_ahead,
    assert_nothing_is_missing,
    assert_tables_are_the_fold,
    is_settled,
    unfinished,
)
from model.stepped_loop import SteppedLoop
from model.worker import STEP_SECONDS, Worker

from voc_stream.kafka.topics import input_topics
from voc_stream.pipeline.ports import Partition, StoreUnavailableError
from voc_stream.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence


# So few messages a batch that what is gathered is often full.
SETTINGS = Settings(database_url="postgresql://nobody@nowhere/none", maximum_batch_messages=4)
TOPICS = input_topics(SETTINGS.topic_prefix)[:2]
PARTITIONS = (Partition(TOPICS[0], 0), Partition(TOPICS[0], 1), Partition(TOPICS[1], 0))
MOST_WORKERS = 3
ROUNDS_TO_FINISH = 600

partitions = st.sampled_from(PARTITIONS)
numbers = st.integers(0, 7)
few = st.integers(1, 4)
owners = st.tuples(numbers, numbers, numbers)
contents = st.lists(st.sampled_from(traffic.KINDS), min_size=1, max_size=6)


class ExactlyOnce(RuleBasedStateMachine):
    """One broker, one database, up to three workers."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = SteppedLoop()
        asyncio.set_event_loop(self.loop)
        self.log = FakeLog(PARTITIONS)
        self.store = FakeStore(PACKAGED)
        self.workers: list[Worker] = []
        self.joining: list[Worker] = []
        self.sent: list[bytes] = []
        self.generation = self.names = 0
        self.checked: Any = None
        self.dropped = False

    def pick(self, number: int) -> Worker:
        """A worker by any number."""
        return self.workers[number % len(self.workers)]

    @initialize(
        count=st.integers(1, MOST_WORKERS), owners=owners, first=contents, runs=st.booleans()
    )
    def begin(
        self, count: int, owners: tuple[int, int, int], first: Sequence[str], runs: bool
    ) -> None:
        """Workers with partitions, before their first message or after it."""
        for _ in range(count):
            self.start_worker()
        for partition in PARTITIONS:
            self.produce(partition, first, minutes=0, customer=0)
        self.rebalance_to_the_end(owners, steps=0, clears_stream=True)
        if runs:
            self.all_is_well()

    @precondition(lambda self: len(self.workers) < MOST_WORKERS)
    @rule()
    def start_worker(self) -> None:
        """One more process, which joins the group with the next rebalance."""
        self.names += 1
        self.workers.append(
            Worker(f"worker {self.names}", self.loop, self.log, self.store, SETTINGS)
        )

    def replace(self, workers: list[Worker]) -> None:
        """What a supervisor does with processes that ended."""
        for worker in workers:
            self.workers.remove(worker)
            worker.kill()
            self.start_worker()

    @rule(number=numbers, how=st.sampled_from(["pause", "resume", "kill"]))
    def disturb_worker(self, number: int, how: str) -> None:
        """Stop a process, let it go on as a zombie, or kill it."""
        worker = self.pick(number)
        if how == "kill" and len(self.workers) > 1:
            self.workers.remove(worker)
            worker.kill()
        worker.paused = how == "pause"

    @rule(clears_stream=st.booleans())
    def rebalance(self, clears_stream: bool) -> None:
        """All workers that can hear it give back their partitions."""
        self.replace([worker for worker in self.workers if worker.ended])
        self.joining = [worker for worker in self.workers if not worker.paused]
        for worker in self.joining:
            worker.revoke(clears_stream=clears_stream)

    @rule(clears_stream=st.booleans(), steps=st.integers(0, 6), owners=owners)
    def rebalance_to_the_end(
        self, owners: tuple[int, int, int], steps: int, clears_stream: bool
    ) -> None:
        """A whole rebalance, with something going on between its two halves."""
        self.rebalance(clears_stream=clears_stream)
        for worker in self.joining:
            worker.run(steps)
        self.end_rebalance(owners)

    @precondition(lambda self: self.joining)
    @rule(owners=owners)
    def end_rebalance(self, owners: tuple[int, int, int]) -> None:
        """Those that joined get partitions."""
        joined = [worker for worker in self.joining if worker in self.workers and not worker.paused]
        self.joining = []
        self.generation += 1
        for worker in joined:
            mine = {
                partition
                for partition, number in zip(PARTITIONS, owners, strict=True)
                if joined[number % len(joined)] is worker
            }
            self.log.owners.update(dict.fromkeys(mine, worker))
            worker.assign(mine, self.generation)

    @rule(partition=partitions, kinds=contents, minutes=numbers, customer=numbers)
    def produce(
        self, partition: Partition, kinds: Sequence[str], minutes: int, customer: int
    ) -> None:
        """Events in one partition, and what else producers do."""
        for kind in kinds:
            traffic.send(self.log.logs[partition], kind, customer, minutes, self.sent)

    @rule(
        partition=partitions, how=st.sampled_from(["compact", "expire", "truncate"]), number=numbers
    )
    def disturb_log(self, partition: Partition, how: str, number: int) -> None:
        """Compaction, retention, and a leader that lost the end of the log."""
        one = self.log.logs[partition]
        if how == "compact":
            one.compact(one.earliest + number)
        elif how == "expire":
            one.expire(one.earliest + number)
        else:
            one.truncate(one.end - number)

    @rule(partition=partitions, kinds=contents, noticed_by=st.none() | numbers)
    def make_topic_anew(
        self, partition: Partition, kinds: Sequence[str], noticed_by: int | None
    ) -> None:
        """Delete a topic and make it again; perhaps a timer notices before anything else moves."""
        self.log.recreate(partition.topic)
        self.produce(partition, kinds, minutes=0, customer=1)
        if noticed_by is not None:
            worker = self.pick(noticed_by)
            worker.run_timers()
            worker.run(20, seconds=0.0)

    @rule(number=numbers, which=numbers)
    def step(self, number: int, which: int) -> None:
        """One call of one worker goes one step on: it is carried out, or its answer arrives."""
        worker = self.pick(number)
        if calls := worker.calls:
            worker.step(calls[which % len(calls)])

    @rule(
        number=numbers,
        steps=st.integers(1, 20),
        size=few,
        seconds=st.sampled_from([0.0, STEP_SECONDS]),
    )
    def run(self, number: int, steps: int, size: int, seconds: float) -> None:
        """One worker goes on for a while, without time passing or with it."""
        worker = self.pick(number)
        worker.client.batch_size = size
        worker.run(steps, seconds)

    @rule()
    def all_is_well(self) -> None:
        """For a while there are no faults."""
        self.store.answers = True
        for _ in range(40):
            for worker in self.workers:
                worker.run(1)

    @rule(seconds=st.sampled_from([0.1, 1.0, 6.0, 80.0]))
    def wait(self, seconds: float) -> None:
        """Pauses end; what waits for too long gives up."""
        self.loop.elapse(seconds)

    @rule(
        number=numbers,
        how=st.sampled_from(["timers", "seek", "drop"]),
        partition=partitions,
        back=few,
    )
    def disturb_consumer(self, number: int, how: str, partition: Partition, back: int) -> None:
        """Timers, a seek back, a batch that gets lost on its way to the agent."""
        worker = self.pick(number)
        if how == "timers":
            worker.run_timers()
        elif how == "drop":
            worker.drops_next_batch = self.dropped = True
        elif partition in worker.ledger.durable and worker.consumer.owns(partition):
            worker.start(
                worker.consumer.seek_to(
                    {partition: max(0, worker.ledger.durable[partition].next_offset - back)}
                )
            )

    @rule(number=numbers)
    def begin_transaction(self, number: int) -> None:
        """A batch claims its position, and then takes its time."""
        worker = self.pick(number)
        if call := worker.next_batch():
            worker.begin(call)

    @rule(number=numbers, how=st.sampled_from(["refused", "applied", "in doubt", "fault"]))
    def fail_transaction(self, number: int, how: str) -> None:
        """A batch fails, with COMMIT in doubt or not.

        It fails before it was sent, after COMMIT, with COMMIT in doubt, or by a fault of ours.
        """
        worker = self.pick(number)
        call = worker.next_batch()
        if call is None:
            return
        if how == "applied":
            call.carry_out()
        elif how == "in doubt":
            worker.begin(call)
        worker.sink.cut_off(orphaned=how == "in doubt")
        call.fail(ZeroDivisionError("a fault") if how == "fault" else StoreUnavailableError(how))

    @precondition(lambda self: self.store.orphans)
    @rule(number=numbers, commits=st.booleans())
    def end_orphan(self, number: int, commits: bool) -> None:
        """A transaction whose client is gone commits after all, or does not."""
        orphan = self.store.orphans.pop(number % len(self.store.orphans))
        if commits:
            orphan.commit()
        else:
            orphan.roll_back()

    @rule(how=st.sampled_from(["flush", "crash", "away"]), kept=numbers)
    def disturb_store(self, how: str, kept: int) -> None:
        """Make durable what is committed, lose what is not, or do not answer."""
        if how == "flush":
            self.store.flush()
        elif how == "crash":
            self.store.crash(kept)
        else:
            self.store.answers = False

    @invariant()
    def nothing_is_lost_and_nothing_counts_twice(self) -> None:
        """What must hold after every step."""
        if self.checked is not self.store.tables:
            assert_tables_are_the_fold(self.store.tables)
            self.checked = self.store.tables
        assert_nothing_is_missing(self.log, self.store)
        assert_nobody_is_ahead(self.log, self.store, self.workers)

    def teardown(self) -> None:
        """When faults end, everything is taken in."""
        try:
            if self.workers:
                self.finish()
        finally:
            for worker in self.workers:
                worker.kill()
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            self.loop.close()
            asyncio.set_event_loop(None)

    def finish(self) -> None:
        """End all faults, and take in what is left."""
        self.store.answers = True
        while self.store.orphans:
            self.end_orphan(0, commits=True)
        for worker in self.workers:
            worker.paused = worker.drops_next_batch = False
        if not is_settled(self.log, self.workers):
            self.rebalance_to_the_end((0, 1, 2), steps=0, clears_stream=True)
        finished = any(self.noticed_and_drained() for _ in range(2))
        if (
            not finished and self.dropped
        ):  # at the end of a log: the watchdog ends a worker that lags and commits nothing
            self.replace([worker for worker in self.workers if worker.ledger.state.lag_events > 0])
            self.rebalance_to_the_end((0, 1, 2), steps=0, clears_stream=True)
            finished = self.noticed_and_drained()
        assert finished, f"{unfinished(self.log, self.store)} at {self.store.tables.positions}"
        self.nothing_is_lost_and_nothing_counts_twice()

    def noticed_and_drained(self) -> bool:
        """A position that went back is noticed with the next message of its partition.

        The batch of that message is refused.
        """
        for partition in sorted(self.store.went_back):
            self.produce(partition, ["score"], minutes=0, customer=0)
        return self.drained()

    def drained(self) -> bool:
        """Whether workers without faults take in all there is; their timers run too."""
        for number in range(ROUNDS_TO_FINISH):
            if not unfinished(self.log, self.store):
                return True
            while (
                self.store.orphans
            ):  # of a worker that ended just now: the server ends what it left
                self.end_orphan(0, commits=True)
            if any(worker.ended for worker in self.workers):
                self.rebalance_to_the_end((0, 1, 2), steps=0, clears_stream=True)
            for worker in self.workers:
                if number % 40 == 0:
                    worker.run_timers()
                worker.run(1)
        return False


ExactlyOnce.TestCase.settings = settings(
    max_examples=400,
    deadline=None,
    stateful_step_count=50,
    suppress_health_check=[HealthCheck.too_slow],
)
TestExactlyOnce = ExactlyOnce.TestCase
