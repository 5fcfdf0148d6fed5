"""Folds the life of one complaint, as a state machine.

Any order of its events ends in the same state.
"""

from __future__ import annotations

from datetime import datetime, timedelta  # noqa: TC003  msgspec reads the annotations at run time
from typing import TYPE_CHECKING

import msgspec

from voc_stream.domain.contribution import NO_PROFILE, Profile
from voc_stream.domain.entities.counted import Counted, dimensions_stated_by
from voc_stream.domain.entities.stated import (
    Stated,
    earliest_time,
    is_among,
    latest,
    latest_time,
    value_of,
)
from voc_stream.domain.folds.since import Since, beyond, read, with_moment
from voc_stream.domain.moment import MICROSECOND, microseconds_of
from voc_stream.events.types import Complaint  # noqa: TC001  used in signatures that doctests show
from voc_stream.events.types.base import Measure
from voc_stream.events.types.hundredths import hundredths

if TYPE_CHECKING:
    from voc_stream.domain.calendar import Calendar
    from voc_stream.domain.entities.measure_rules import MeasureRules
    from voc_stream.domain.measures.of_order import Point

LIFE = ("opened", "acknowledged", "apologised", "resolved", "informed", "closed", "withdrawn")
ANSWERS = ("acknowledged", "apologised", "resolved", "informed", "closed")
OPEN_STATES = ("opened", "acknowledged", "apologised", "reopened")


class ComplaintState(msgspec.Struct, omit_defaults=True, gc=False):
    """All that later events may still need of a complaint's earlier ones.

    `times`: what follows the latest reopening.
    `opened_to_resolve`: for how many microseconds of the wait the site was open, as it was counted.
    `profile`: the owner's, under which its measures count; kept if the catalogue declares any.
    `has_text`: whether any event of it has a text.
    """

    complaint_id: str
    customer_id: Stated[str] | None = None
    site_id: Stated[str] | None = None
    product: Stated[str] | None = None
    order_id: Stated[str] | None = None
    category: Stated[str] | None = None
    severity: Stated[str] | None = None
    compensation: Stated[int] | None = None
    handed_to: Stated[str] | None = None
    opened_at: datetime | None = None
    reopened: int = 0
    reopened_at: datetime | None = None
    times: dict[str, Since] = {}
    opened_to_resolve: int | None = None
    profile: Profile = NO_PROFILE
    has_text: bool = False

    def apply(self, event: Complaint, at: datetime) -> bool:
        """Take in one step. Any order of calls with distinct events ends in the same state.

        Returns whether its texts, or the category of a complaint with texts, may have changed.
        """
        event_id, category = event.event_id, self.category
        self.customer_id = latest(self.customer_id, event.customer_id, at, event_id)
        self.site_id = latest(self.site_id, event.site_id, at, event_id)
        self.product = latest(self.product, event.product, at, event_id)
        self.order_id = latest(self.order_id, event.order_id, at, event_id)
        self.category = latest(self.category, event.category, at, event_id)
        self.severity = latest(self.severity, event.severity, at, event_id)
        if event.text is not None:
            self.has_text = True
        self.handed_to = latest(self.handed_to, event.handed_to, at, event_id)
        if event.compensation is not None:
            self.compensation = latest(
                self.compensation, hundredths(event.compensation), at, event_id
            )
        if event.action == "reopened":
            self._reopen(at)
        elif event.action == "opened":
            self.opened_at = earliest_time(self.opened_at, at)
        else:
            self._add(event.action, at)
        return self.has_text and (event.text is not None or self.category is not category)

    def _reopen(self, at: datetime) -> None:
        self.reopened += 1
        reopened_at = self.reopened_at = latest_time(self.reopened_at, at)
        # The latest reopening only ever moves later, so what lies before it can never count again.
        kept = {action: beyond(since, reopened_at) for action, since in self.times.items()}
        self.times = {action: since for action, since in kept.items() if since is not None}

    def _add(self, action: str, at: datetime) -> None:
        if self.reopened_at is not None and at <= self.reopened_at:
            return
        self.times[action] = with_moment(self.times.get(action), at)

    @property
    def unread(self) -> list[str]:
        """The actions whose earliest after the latest reopening must be read first.

        They are read from the stored events before the state is.
        """
        return [action for action, since in self.times.items() if not since.is_read]

    def recall(self, action: str, earliest: datetime | None) -> None:
        """Take in what the stored events tell of an action that is `unread`."""
        self.times[action] = read(self.times[action], earliest)

    def rests_on(self, event: Complaint, at: datetime) -> bool:
        """Whether this state may say something that only this event said.

        If not, it is the same without the event.
        """
        if event.action == "reopened" or at == self.opened_at or event.text is not None:
            return True
        since = self.times.get(event.action)
        stated = (
            self.customer_id,
            self.site_id,
            self.product,
            self.order_id,
            self.category,
            self.severity,
            self.compensation,
            self.handed_to,
        )
        return (since is not None and at in (since.first, since.last)) or is_among(
            stated, event.event_id
        )

    def time_of(self, action: str) -> datetime | None:
        """The earliest of an action after the latest reopening.

        Of `opened`, the earliest of all.
        """
        if action == "opened":
            return self.opened_at
        since = self.times.get(action)
        return None if since is None else since.first

    @property
    def state(self) -> str | None:
        """The furthest action since the latest reopening.

        None is impossible once an event was applied.
        """
        for action in reversed(LIFE):
            if action in self.times:
                return action
        if self.opened_at is not None and (
            self.reopened_at is None or self.opened_at > self.reopened_at
        ):
            return "opened"
        return "reopened" if self.reopened else None

    @property
    def is_open(self) -> bool:
        """Whether the customer still waits for a resolution."""
        return self.state in OPEN_STATES

    @property
    def time_to_resolve(self) -> timedelta | None:
        """The customer's whole wait, from the first opening to the resolution that stood."""
        resolved_at = self.time_of("resolved")
        if self.opened_at is None or resolved_at is None or resolved_at < self.opened_at:
            return None
        return resolved_at - self.opened_at

    def count_opening(self, calendar: Calendar | None) -> None:
        """Count for how long the site was open until the resolution; nothing may be `unread`."""
        took = self.time_to_resolve
        if calendar is None or not calendar.has_hours or took is None or self.opened_at is None:
            self.opened_to_resolve = None
            return
        open_for = calendar.opening_time(self.opened_at, self.opened_at + took)
        self.opened_to_resolve = open_for // MICROSECOND

    @property
    def last_opened_at(self) -> datetime | None:
        """When it was reopened last, or else opened."""
        opened_at, reopened_at = self.opened_at, self.reopened_at
        if opened_at is None or reopened_at is None:
            return opened_at or reopened_at
        return max(opened_at, reopened_at)

    @property
    def answered_at(self) -> datetime | None:
        """The first sign, since it was last opened, that somebody takes care of it."""
        times = [since.first for action, since in self.times.items() if action in ANSWERS]
        return min(times) if times else None

    @property
    def site(self) -> str | None:
        """The site of the complaint, as stated latest."""
        return value_of(self.site_id)

    @property
    def stated_severity(self) -> str | None:
        """How severe it is, as stated latest."""
        return value_of(self.severity)

    def at(self, point: Point) -> int | None:
        """A moment in microseconds since 1970; None while it is unknown.

        Raises KeyError if complaints have no such moment.
        """
        kind = point.kind
        if kind in LIFE:
            moment = self.time_of(kind)
        elif kind == "last_opened":
            moment = self.last_opened_at
        elif kind == "answered":
            moment = self.answered_at
        else:
            raise KeyError(kind)
        return None if moment is None else microseconds_of(moment)

    def counted(self, rules: MeasureRules) -> Counted:
        """What the catalogue measures of it, each with the moment at which it counts."""
        found, facts = [], _Facts(self)
        for one in rules.complaints:
            judged = one.judge(facts)
            if judged is not None:
                moment, value = judged
                found.append((moment, Measure(one.experience, value)))
        return Counted(dimensions_stated_by(self, self.profile), found)

    def attribute(self, profile: Profile) -> None:
        """Let its measures count under its customer's profile."""
        self.profile = profile


class _Facts:
    """What measures ask of a complaint; many ask for the same moments, so each is kept."""

    def __init__(self, complaint: ComplaintState) -> None:
        self._complaint, self._known = complaint, dict[str, int | None]()
        self.site, self.stated_severity = complaint.site, complaint.stated_severity

    def at(self, point: Point) -> int | None:
        kind = point.kind
        if kind not in self._known:
            self._known[kind] = self._complaint.at(point)
        return self._known[kind]
