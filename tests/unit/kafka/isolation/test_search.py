from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from voc_stream.events.refusal import Refusal
from voc_stream.kafka.isolation.search import Case, Failure
from voc_stream.pipeline.ports import Batch, DecodedMessage, Partition, StoredPosition

DEADLINE_SECONDS = 25.0
TIMED_OUT = Failure("no answer", "no answer", may_be_guilty=True, used_up=False)
FAULT = Failure("KeyError", "KeyError", may_be_guilty=True, used_up=False)
LOCK = Failure("lock timeout", "lock timeout", may_be_guilty=False, used_up=False)


def batch_of(count: int) -> Batch:
    contents = [DecodedMessage(offset, b"{}", Refusal("empty", "")) for offset in range(count)]
    return Batch(Partition("t", 0), StoredPosition("log", 0), contents)


def treated(case: Case, guilty: set[int], failure: Failure) -> tuple[list[int], list[int], int]:
    """Offsets that went in, offsets that were set aside, and how many tries failed."""
    taken: list[int] = []
    aside: list[int] = []
    failures = 0
    while True:
        tried = case.next_try()
        offsets = [message.offset for message in tried.portion.messages]
        if guilty.intersection(offsets):
            failures += 1
            used_up = failure.used_up or (
                failure is TIMED_OUT and tried.seconds == DEADLINE_SECONDS
            )
            if not case.failed(tried, failure._replace(used_up=used_up)):
                continue
            aside += offsets
        else:
            taken += offsets
        if case.succeeded(tried):
            return taken, aside, failures


@given(
    st.integers(1, 300).flatmap(
        lambda size: st.tuples(st.just(size), st.sets(st.integers(0, size - 1), max_size=5))
    )
)
def test_exactly_the_guilty_are_set_aside(drawn: tuple[int, set[int]]) -> None:
    """All others go in, each once and in order.

    A guilty one costs the logarithm of the batch in failures, and its own tries.
    """
    size, guilty = drawn
    taken, aside, failures = treated(Case(batch_of(size), DEADLINE_SECONDS), guilty, FAULT)
    assert (taken, aside) == (
        [offset for offset in range(size) if offset not in guilty],
        sorted(guilty),
    )
    assert failures <= len(guilty) * (math.ceil(math.log2(size)) + 4)


def test_parts_have_little_time_and_a_lone_message_has_all() -> None:
    """Ten thousand messages are narrowed down within seconds.

    None is judged by less than the usual time.
    """
    case = Case(batch_of(8), DEADLINE_SECONDS)
    tries = []
    for _ in range(6):
        tried = case.next_try()
        tries.append((len(tried.portion.messages), tried.seconds))
        if case.failed(tried, TIMED_OUT._replace(used_up=tried.seconds == DEADLINE_SECONDS)):
            break
    assert tries == [(8, 1.0), (4, 1.0), (2, 1.0), (1, 1.0), (1, 25.0)]


def test_a_lock_is_nobodys_guilt() -> None:
    """Whatever waits for one waits for ever rather than become a dead letter."""
    case = Case(batch_of(1), DEADLINE_SECONDS)
    assert not any(case.failed(case.next_try(), LOCK) for _ in range(1_000))


def test_failures_of_another_kind_begin_the_count_again() -> None:
    """Only what fails again in the same way is guilty.

    Two faults and a lost connection are three accidents.
    """
    case = Case(batch_of(1), DEADLINE_SECONDS)
    assert [
        case.failed(case.next_try(), failure)
        for failure in (FAULT, FAULT, TIMED_OUT, FAULT, FAULT, FAULT)
    ] == [False] * 5 + [True]
