from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from builders import START, at, callback, customer, event_lists, messages, touchpoint
from hypothesis import given
from hypothesis import strategies as st
from integration.postgres.store import CATALOGUE
from oracle.customers import customer_rows, has_left
from oracle.reading import read_events
from unit.domain.whole_rows import assert_whole_row
from unit.domain.world import NOW, encode, events_of

from voc_stream.domain.contribution import dimensions_of
from voc_stream.domain.dimensions import OF_CUSTOMERS
from voc_stream.domain.entities.customer import CustomerState
from voc_stream.domain.moment import moment_of
from voc_stream.postgres.schema.tables.customer import CUSTOMER

if TYPE_CHECKING:
    from builders import Event

    from voc_stream.catalogue.model import Catalogue

ABOUT_ONE = event_lists().map(lambda bodies: [{**body, "customer_id": "u-1"} for body in bodies])


def state_of(bodies: list[Event], catalogue: Catalogue) -> CustomerState:
    state = CustomerState("u-1")
    for event in events_of(bodies, catalogue):
        state.apply(event, moment_of(event), catalogue.churn)
    return state


@given(ABOUT_ONE.flatmap(st.permutations))
def test_any_order_of_events_is_the_same_customer(
    catalogue: Catalogue, bodies: list[Event]
) -> None:
    """The stored state does not show in which order events came."""
    assert encode(state_of(bodies, catalogue)) == encode(
        state_of(sorted(bodies, key=lambda body: body["event_id"]), catalogue)
    )


@given(ABOUT_ONE)
def test_state_survives_being_stored(catalogue: Catalogue, bodies: list[Event]) -> None:
    """A state read back from its JSON is the state."""
    state = state_of(bodies, catalogue)
    assert CUSTOMER.decode(encode(state).decode()) == state


@given(ABOUT_ONE.filter(bool))
def test_customers_are_the_oracles(catalogue: Catalogue, bodies: list[Event]) -> None:
    """An independent reading gives the same row, in every column that is stored."""
    row = customer_rows(read_events(messages(bodies), CATALOGUE, NOW))["u-1",]
    for read_from_the_events in ("first_seen_at", "last_seen_at"):
        del row[read_from_the_events]
    state = state_of(bodies, catalogue)
    assert_whole_row(
        CUSTOMER.columns,
        CUSTOMER.values(state, 1),
        row,
        own=("customer_id", "version", "fold_state"),
    )
    assert state.has_left is has_left(row)
    known = tuple([row[each.column] or "" for each in OF_CUSTOMERS])
    assert dimensions_of([], state.profile) == known


@pytest.mark.parametrize(
    ("won_back_minutes", "left"), [(None, True), (-1, True), (0, True), (1, False)]
)
def test_a_customer_is_back_only_if_won_back_later(
    catalogue: Catalogue, won_back_minutes: int | None, left: bool
) -> None:
    """A win-back at the very moment of leaving does not undo it."""
    bodies = [customer(change="churned")]
    if won_back_minutes is not None:
        bodies.append(customer("p-2", change="won_back", occurred_at=at(minutes=won_back_minutes)))
    assert state_of(bodies, catalogue).has_left is left


def test_the_latest_score_for_attitude_and_for_outcome_is_remembered(catalogue: Catalogue) -> None:
    """Each on its own, from touchpoints and callbacks alike; of one callback the later answer."""
    attitude, outcome = catalogue.churn.attitude_experience, catalogue.churn.outcome_experience
    bodies = [
        touchpoint("t-1", experience=attitude, score=9, occurred_at=at(hours=2)),
        callback(
            "c-1",
            answers=[{"item": outcome, "score": 3}, {"item": attitude, "score": 4}],
            occurred_at=at(hours=1),
        ),
        touchpoint("t-2", experience="reception_wait", score=1, occurred_at=at(hours=3)),
    ]
    state = state_of(bodies, catalogue)
    assert state.attitude is not None
    assert state.outcome is not None
    assert (state.attitude.score, state.attitude.at) == (900, START + timedelta(hours=2))
    assert (state.outcome.score, state.outcome.at) == (300, START + timedelta(hours=1))
