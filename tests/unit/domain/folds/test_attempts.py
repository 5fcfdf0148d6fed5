from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from voc_stream.domain.folds.attempts import (
    MOST_ATTEMPTS,
    Attempt,
    Attempts,
    attempts_after,
    with_attempt,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

OUTCOMES = ("completed", "no_answer", "refused")
CALLS = st.lists(
    st.builds(Attempt, st.integers(0, 50), st.sampled_from(OUTCOMES)), max_size=3 * MOST_ATTEMPTS
)


def folded(calls: Iterable[Attempt]) -> list[Attempt]:
    attempts: list[Attempt] = []
    for call in calls:
        attempts = with_attempt(attempts, call)
    return attempts


@given(CALLS, st.integers(-1, 51))
def test_what_is_kept_says_what_all_say(calls: list[Attempt], mark: int) -> None:
    """After any mark the kept attempts are the latest of all, however many there were."""
    after = sorted(call for call in calls if call.at > mark)[-MOST_ATTEMPTS:]
    said = attempts_after(folded(calls), mark)
    if not after:
        assert said == Attempts(0)
        return
    moment = [datetime.fromtimestamp(0, UTC).replace(microsecond=call.at) for call in after]
    assert said == Attempts(len(after), moment[0], moment[-1], after[-1].outcome)


@given(CALLS.flatmap(lambda calls: st.tuples(st.just(calls), st.permutations(calls))))
def test_any_order_of_attempts_ends_in_the_same(both: tuple[list[Attempt], list[Attempt]]) -> None:
    """Late, shuffled and equal attempts leave the same state."""
    calls, shuffled = both
    assert folded(calls) == folded(shuffled)


def test_a_call_at_the_mark_is_no_attempt() -> None:
    """Only what comes strictly after the delivery follows it up."""
    calls = folded([Attempt(10, "refused")])
    assert attempts_after(calls, 10) == Attempts(0)
    assert attempts_after(calls, 9).calls == 1
