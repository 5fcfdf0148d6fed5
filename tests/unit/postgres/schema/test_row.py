from __future__ import annotations

from datetime import UTC, datetime

from builders import callback, event_lists, repair_step
from hypothesis import given
from unit.domain.world import events_of

from voc_stream.catalogue.load import load_catalogue
from voc_stream.domain.entities.measure_rules import measure_rules
from voc_stream.domain.entities.order import OrderState
from voc_stream.domain.entities.stated import value_of
from voc_stream.domain.moment import moment_of
from voc_stream.postgres.schema.tables.repair_order import REPAIR_ORDER

CATALOGUE = load_catalogue()


def folded(bodies: list[dict[str, object]]) -> OrderState:
    """The order of all these events."""
    state = OrderState("o-1")
    for event in events_of(bodies, CATALOGUE):
        state.apply(event, moment_of(event), measure_rules(CATALOGUE))
    return state


@given(event_lists())
def test_a_state_is_read_back_from_its_columns(bodies: list[dict[str, object]]) -> None:
    """Nothing of a state is lost in its row."""
    state = folded(bodies)
    row = REPAIR_ORDER.values(state, 1)
    assert REPAIR_ORDER.decode(REPAIR_ORDER.state_of(row)) == state
    assert REPAIR_ORDER.state_of(row) == row[REPAIR_ORDER.columns.index("fold_state")]


@given(event_lists())
def test_a_row_shows_each_attribute_of_the_state(bodies: list[dict[str, object]]) -> None:
    """What is shown together stands in the right columns."""
    state = folded(bodies)
    row = dict(zip(REPAIR_ORDER.columns, REPAIR_ORDER.values(state, 1), strict=True))
    for name in ("customer_id", "site_id", "product", "promised_at"):
        assert row[name] == value_of(getattr(state, name))
    for name in (
        *("current_stage", "in_stage_since", "first_promised_at", "promise_moves"),
        *("delivered_at", "on_time", "on_time_first", "follow_up_due_at", "followed_up_at"),
    ):
        assert row[name] == getattr(state, name)
    tried = state.follow_up_attempts
    assert row["follow_up_attempts"] == (None if tried is None else tried.calls)
    assert row["moments_n"] == (state.moments.count or None)


def test_a_part_that_is_not_there_is_empty() -> None:
    """Before the delivery and the first score their columns are NULL, never zero."""
    began = repair_step(order_id="o-1", stage="reception", edge="enter")
    row = dict(zip(REPAIR_ORDER.columns, REPAIR_ORDER.values(folded([began]), 1), strict=True))
    assert [row[name] for name in ("delivered_at", "on_time", "peak_score", "mean_score")] == [
        None
    ] * 4
    assert isinstance(row["in_stage_since"], datetime)
    assert row["in_stage_since"].tzinfo is UTC
    scored = callback(order_id="o-1", answers=[{"item": "overall", "score": 7}])
    after = REPAIR_ORDER.values(folded([began, scored]), 2)
    assert after[REPAIR_ORDER.columns.index("peak_score")] == 7
