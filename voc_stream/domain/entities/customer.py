"""Folds a customer: profile, departures and returns, and the two latest scores.

The risk of leaving depends on those scores.
"""

from __future__ import annotations

from datetime import UTC, datetime
from operator import attrgetter
from typing import TYPE_CHECKING

import msgspec

from voc_stream.domain.contribution import NO_PROFILE, Profile
from voc_stream.domain.dimensions import OF_CUSTOMERS
from voc_stream.domain.entities.journey import LastMoment
from voc_stream.domain.entities.move import Move, restated
from voc_stream.domain.entities.stated import Stated, latest, latest_time
from voc_stream.events.types import Customer
from voc_stream.events.types.hundredths import hundredths

if TYPE_CHECKING:
    from voc_stream.catalogue.model import ChurnModel
    from voc_stream.events.types import AnyEvent

# A getter of one name gives no tuple, so the first name stands twice.
_STATED = attrgetter(OF_CUSTOMERS[0].column, *[each.column for each in OF_CUSTOMERS])


class CustomerState(msgspec.Struct, omit_defaults=True, gc=False):
    """All that later events may still need of a customer's earlier ones.

    `heard_at`: the latest act of the customer that is about no order and no complaint; the rows of
    those say the rest. `move` says how far a history that was counted under another profile has
    been moved.
    """

    customer_id: str
    segment: Stated[str] | None = None
    region: Stated[str] | None = None
    annual_value: Stated[int] | None = None
    lifecycle_stage: Stated[str] | None = None
    churn_reason: Stated[str] | None = None
    churned_at: datetime | None = None
    won_back_at: datetime | None = None
    attitude: LastMoment | None = None
    outcome: LastMoment | None = None
    heard_at: datetime | None = None
    move: Move | None = None
    customer_since: Stated[datetime] | None = None

    @property
    def profile(self) -> Profile:
        """The dimensions under which what this customer says is counted.

        They hold once no move is under way.
        """
        stated = _STATED(self)
        if not any(stated):
            return NO_PROFILE
        return tuple(["" if one is None else one.value for one in stated[1:]])

    def profile_of(self, event_id: str) -> Profile:
        """The dimensions under which a scored event of this customer counts now."""
        return self.profile if self.move is None else self.move.profile_of(event_id)

    def begin_move(self, before: Profile) -> None:
        """Note that what is counted under `before` has to be counted under the present profile."""
        self.move = restated(self.move, before, self.profile)

    @property
    def has_left(self) -> bool:
        """Whether the customer left and was not won back since."""
        return self.churned_at is not None and (
            self.won_back_at is None or self.won_back_at <= self.churned_at
        )

    def apply(self, event: AnyEvent, at: datetime, model: ChurnModel) -> bool:
        """Take in one event of this customer; returns whether that may have changed the state.

        Most events say something of an order or a complaint only. Any order of calls with distinct
        events ends in the same state.
        """
        if isinstance(event, Customer):
            self._apply_profile(event, at)
            return True
        scores = event.scores()
        is_act = event.order_id is None and (bool(scores) or event.is_contact(None))
        if is_act:
            self.heard_at = latest_time(self.heard_at, at)
        if not scores:
            return is_act
        attitude, outcome = model.attitude_experience, model.outcome_experience
        for experience, points, place in scores:
            if experience in (attitude, outcome):
                self._apply_score(experience, points, (at, event.event_id, place), model)
        return True

    def rests_on(self, event: AnyEvent, at: datetime) -> bool:
        """Whether this state may say something that only this event said.

        If not, it is the same without the event.
        """
        stated = (
            self.segment,
            self.region,
            self.annual_value,
            self.lifecycle_stage,
            self.churn_reason,
            self.attitude,
            self.outcome,
            self.customer_since,
        )
        times = (
            self.churned_at,
            self.won_back_at,
            self.heard_at,
        )
        return at in times or any(
            one is not None and one.event_id == event.event_id for one in stated
        )

    def _apply_profile(self, event: Customer, at: datetime) -> None:
        event_id = event.event_id
        self.segment = latest(self.segment, event.segment, at, event_id)
        self.region = latest(self.region, event.region, at, event_id)
        self.lifecycle_stage = latest(self.lifecycle_stage, event.lifecycle_stage, at, event_id)
        if event.annual_value is not None:
            self.annual_value = latest(
                self.annual_value, hundredths(event.annual_value), at, event_id
            )
        since = event.customer_since
        # Nobody has been a customer since a later moment: it is a placeholder, or a wrong clock.
        if since is not None and since <= at:
            self.customer_since = latest(self.customer_since, since.astimezone(UTC), at, event_id)
        if event.change == "churned":
            self.churned_at = latest_time(self.churned_at, at)
            self.churn_reason = latest(self.churn_reason, event.churn_reason, at, event_id)
        elif event.change == "won_back":
            self.won_back_at = latest_time(self.won_back_at, at)

    def _apply_score(
        self, experience: str, score: float, when: tuple[datetime, str, int], model: ChurnModel
    ) -> None:
        if experience == model.attitude_experience:
            self.attitude = _later(self.attitude, score, when)
        if experience == model.outcome_experience:
            self.outcome = _later(self.outcome, score, when)


def _later(current: LastMoment | None, score: float, when: tuple[datetime, str, int]) -> LastMoment:
    if current is not None and (current.at, current.event_id, current.place) >= when:
        return current
    return LastMoment(hundredths(score), *when)
