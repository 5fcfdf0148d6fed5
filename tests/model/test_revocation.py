"""Orders of events that the state machine meets too rarely to be relied on."""

from __future__ import annotations

from model.test_exactly_once import PARTITIONS, ExactlyOnce


def test_a_revocation_while_a_fetch_is_decoded_does_not_stop_the_fetching() -> None:
    """Faust drops that fetch. Were it still counted as handed on, the consumer would wait for the agent for ever."""
    model = ExactlyOnce()
    try:
        model.start_worker()
        model.produce(PARTITIONS[0], ["score"], minutes=0, customer=0)
        model.rebalance_to_the_end((0, 0, 0), steps=0, clears_stream=True)
        [worker] = model.workers
        decoding = worker.next_call(lambda call: "decode" in getattr(getattr(call.function, "func", None), "__qualname__", ""))
        assert decoding is not None
        model.rebalance(clears_stream=True)
        while not decoding.answer.done():
            worker.step(decoding)
        model.end_rebalance((0, 0, 0))
        assert model.drained()
    finally:
        model.teardown()
