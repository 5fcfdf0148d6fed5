"""Orders of events that the state machine meets too rarely to be relied on."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from model.test_exactly_once import PARTITIONS, ExactlyOnce

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model.stepped_loop import Call
    from model.worker import Worker


def test_a_revocation_while_a_fetch_is_decoded_does_not_stop_the_fetching() -> None:
    """That fetch is stale.

    Were it counted as handed on, the consumer would wait for the agent for ever.
    """
    model = ExactlyOnce()
    try:
        model.start_worker()
        model.produce(PARTITIONS[0], ["score"], minutes=0, customer=0)
        model.rebalance_to_the_end((0, 0, 0), steps=0, clears_stream=True)
        [worker] = model.workers
        decoding = worker.next_call(
            lambda call: (
                "Decoding" in getattr(getattr(call.function, "func", None), "__qualname__", "")
            )
        )
        assert decoding is not None
        model.rebalance(clears_stream=True)
        while not decoding.answer.done():
            worker.step(decoding)
        model.end_rebalance((0, 0, 0))
        assert model.drained()
    finally:
        model.teardown()


@contextmanager
def agent_at_work() -> Iterator[tuple[ExactlyOnce, Worker, Call]]:
    """A worker whose agent waits for the store with one batch.

    Two fetches have brought more of each of two partitions meanwhile.
    """
    model = ExactlyOnce()
    try:
        model.start_worker()
        model.produce(PARTITIONS[0], ["score"], minutes=0, customer=0)
        model.rebalance_to_the_end((0, 0, 0), steps=0, clears_stream=True)
        [worker] = model.workers
        at_work = worker.next_batch()
        assert at_work is not None
        for minutes in (1, 2):
            model.produce(PARTITIONS[0], ["score"], minutes=minutes, customer=0)
            model.produce(PARTITIONS[1], ["score"], minutes=minutes, customer=0)
            for _ in range(20):
                model.loop.elapse(0.03)
                for call in worker.calls:
                    if call is not at_work:
                        worker.step(call)
        yield model, worker, at_work
    finally:
        model.teardown()


def test_what_arrives_while_the_agent_is_at_work_becomes_one_batch() -> None:
    """A transaction costs the same for few messages as for many.

    What waits in the consumer keeps more from being fetched.
    """
    with agent_at_work() as (_, worker, at_work):
        worker.step(at_work)
        worker.step(at_work)
        following = worker.next_batch()
        assert following is not None
        (batches, _) = following.function.args  # type: ignore[attr-defined]  # a partial, see SteppedLoop.run_in_executor
        assert sorted((batch.partition, len(batch.messages)) for batch in batches) == [
            (PARTITIONS[0], 2),
            (PARTITIONS[1], 2),
        ]


def test_what_was_gathered_before_a_revocation_is_thrown_away() -> None:
    """Whoever gets the partitions reads it again.

    Handed on, it would be too old or somebody else's.
    """
    with agent_at_work() as (model, worker, _):
        assert worker.consumer._gathered is not None
        model.rebalance(clears_stream=True)
        assert worker.consumer._gathered is None
        model.end_rebalance((0, 0, 0))
        assert model.drained()
