from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from builders import ACTIONS, START, at, complaint, event_lists, messages
from hypothesis import given
from hypothesis import strategies as st
from integration.postgres.store import CATALOGUE
from oracle.complaints import complaint_rows
from oracle.reading import read_events
from unit.domain.whole_rows import assert_whole_row
from unit.domain.world import NOW, encode, events_of, found_among

from voc_stream.domain.entities.complaint import LIFE, ComplaintState
from voc_stream.domain.entities.order import OrderState
from voc_stream.domain.folding.unread import Unread
from voc_stream.domain.measures.of_order import Point
from voc_stream.domain.moment import moment_of
from voc_stream.events.types import Complaint
from voc_stream.postgres.schema.tables.complaint import COMPLAINT

if TYPE_CHECKING:
    from builders import Event

    from voc_stream.catalogue.model import Catalogue

# A life as pairs of action and minute.
LIVES = st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 4)), min_size=1, max_size=10)


def state_of(bodies: list[Event], catalogue: Catalogue) -> ComplaintState:
    state = ComplaintState("q-1")
    for event in events_of(bodies, catalogue):
        assert isinstance(event, Complaint)
        state.apply(event, moment_of(event))
        if (
            state.reopened_at is not None
        ):  # at any event, or only at the end: what is read is the same
            marks = {("q-1", action): state.reopened_at for action in state.unread}
            for (_, action), earliest in found_among(
                events_of(bodies, catalogue), Unread(marks, {})
            ).steps.items():
                state.recall(action, earliest)
    return state


def life(*steps: tuple[str, int]) -> list[Event]:
    return [
        complaint(f"k-{number}", action=action, occurred_at=at(minutes=minute))
        for number, (action, minute) in enumerate(steps)
    ]


@given(LIVES, st.randoms())
def test_any_order_of_steps_is_the_same_complaint_and_the_oracles(
    catalogue: Catalogue, steps: list[tuple[str, int]], random: object
) -> None:
    """State, times and count of reopenings are those of an independent reading.

    In whatever order steps came.
    """
    bodies = life(*steps)
    random.shuffle(bodies)  # type: ignore[attr-defined]  # Hypothesis gives a random.Random
    row = complaint_rows(read_events(messages(bodies), CATALOGUE, NOW))["q-1",]
    state = state_of(bodies, catalogue)
    assert (state.state, state.reopened) == (row["state"], row["reopened"])
    assert {f"{action}_at": state.time_of(action) for action in LIFE} == {
        f"{action}_at": row[f"{action}_at"] for action in LIFE
    }
    minutes = None if state.time_to_resolve is None else state.time_to_resolve.total_seconds() / 60
    assert minutes == row["minutes_to_resolve"]
    assert encode(state) == encode(state_of(life(*steps), catalogue))


@given(event_lists())
def test_complaints_are_the_oracles(catalogue: Catalogue, bodies: list[Event]) -> None:
    """An independent reading gives the same row, in every column."""
    told = [body for body in bodies if body["type"] == "complaint"]
    for (complaint_id,), row in complaint_rows(read_events(messages(told), CATALOGUE, NOW)).items():
        state = state_of([body for body in told if body["complaint_id"] == complaint_id], catalogue)
        assert_whole_row(
            COMPLAINT.columns,
            COMPLAINT.values(state, 1),
            # The catalogue knows no opening hours.
            {**row, "opening_minutes_to_resolve": None},
            own=("complaint_id", "version", "fold_state"),
        )


@given(event_lists())
def test_state_survives_being_stored(catalogue: Catalogue, bodies: list[Event]) -> None:
    """A state read back from its JSON is the state."""
    state = state_of([body for body in bodies if body["type"] == "complaint"], catalogue)
    assert COMPLAINT.decode(encode(state).decode()) == state


@pytest.mark.parametrize("action", LIFE)
def test_each_action_is_a_state(catalogue: Catalogue, action: str) -> None:
    """The furthest action is the state, even if those before it were never told.

    It is open until it is resolved.
    """
    state = state_of(life((action, 0)), catalogue)
    assert state.state == action
    assert state.is_open is (action in {"opened", "acknowledged", "apologised"})


@pytest.mark.parametrize(
    ("steps", "expected", "is_open"),
    [
        ([("opened", 0), ("resolved", 1)], "resolved", False),
        ([("opened", 0), ("resolved", 1), ("reopened", 2)], "reopened", True),
        (
            [("opened", 0), ("resolved", 1), ("reopened", 2), ("acknowledged", 3)],
            "acknowledged",
            True,
        ),
        ([("opened", 0), ("resolved", 1), ("reopened", 2), ("resolved", 3)], "resolved", False),
        ([("opened", 0), ("reopened", 1), ("resolved", 1)], "reopened", True),
        ([("opened", 0), ("reopened", 1), ("opened", 2)], "reopened", True),
        ([("reopened", 0), ("opened", 1)], "opened", True),
        ([("reopened", 0)], "reopened", True),
        ([("opened", 0), ("withdrawn", 1), ("acknowledged", 2)], "withdrawn", False),
    ],
)
def test_only_what_follows_the_latest_reopening_counts(
    catalogue: Catalogue, steps: list[tuple[str, int]], expected: str, is_open: bool
) -> None:
    """Strictly after it; of openings the earliest of all decides."""
    for bodies in (life(*steps), life(*steps)[::-1]):
        state = state_of(bodies, catalogue)
        assert (state.state, state.is_open) == (expected, is_open)


def test_the_wait_is_from_the_first_opening_to_the_resolution_that_stood(
    catalogue: Catalogue,
) -> None:
    """Reopening does not start the customer's wait anew."""
    state = state_of(
        life(("opened", 0), ("resolved", 10), ("reopened", 20), ("resolved", 30)), catalogue
    )
    assert state.time_to_resolve is not None
    assert state.time_to_resolve.total_seconds() == 30 * 60
    assert state.opened_at == START


def test_a_resolution_before_the_opening_has_no_duration(catalogue: Catalogue) -> None:
    """A negative wait is no wait."""
    assert state_of(life(("opened", 5), ("resolved", 1)), catalogue).time_to_resolve is None


@pytest.mark.parametrize("state", [ComplaintState("q-1"), OrderState("o-1")])
def test_a_moment_that_does_not_exist_is_an_error(state: ComplaintState | OrderState) -> None:
    """A wrong name must not measure nothing, in silence."""
    with pytest.raises(KeyError, match="mended"):
        state.at(Point("mended", "complaint"))
