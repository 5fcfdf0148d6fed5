from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from voc_stream.domain.folds.attempts import (
    MOST_FAILED,
    Attempts,
    FailedAttempt,
    attempts_until,
    with_failed,
)
from voc_stream.domain.moment import from_microseconds

if TYPE_CHECKING:
    from collections.abc import Iterable

CALLS = st.lists(
    st.builds(FailedAttempt, st.integers(0, 50), st.sampled_from(("no_answer", "refused"))),
    max_size=3 * MOST_FAILED,
)


def folded(calls: Iterable[FailedAttempt]) -> list[FailedAttempt]:
    failed: list[FailedAttempt] = []
    for call in calls:
        failed = with_failed(failed, call)
    return failed


@given(CALLS, st.integers(-1, 51), st.none() | st.integers(1, 60))
def test_what_is_kept_says_what_the_latest_say(
    calls: list[FailedAttempt], mark: int, later: int | None
) -> None:
    """After any mark, and until any success, the attempts are those of the latest that failed."""
    success = None if later is None else mark + later
    tried = [
        (call.at, call.outcome)
        for call in sorted(calls)[-MOST_FAILED:]
        if call.at > mark and (success is None or call.at < success)
    ]
    if success is not None:
        tried.append((success, "completed"))
    said = attempts_until(
        folded(calls), mark, None if success is None else from_microseconds(success)
    )
    assert said == (
        Attempts(
            len(tried),
            from_microseconds(tried[0][0]),
            from_microseconds(tried[-1][0]),
            tried[-1][1],
        )
        if tried
        else Attempts(0)
    )


@given(CALLS.flatmap(lambda calls: st.tuples(st.just(calls), st.permutations(calls))))
def test_any_order_of_attempts_ends_in_the_same(
    both: tuple[list[FailedAttempt], list[FailedAttempt]],
) -> None:
    """Late, shuffled and equal attempts leave the same state."""
    calls, shuffled = both
    assert folded(calls) == folded(shuffled)
    assert len(folded(calls)) == min(len(calls), MOST_FAILED)
