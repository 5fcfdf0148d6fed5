"""Folds the life of a repair order: stages, promise, delivery, follow-up and remembered journey."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from voc_stream.catalogue.model import FOLLOW_UP_MINUTES
from voc_stream.domain.contribution import NO_PROFILE, Profile
from voc_stream.domain.entities.counted import Counted, dimensions_stated_by
from voc_stream.domain.entities.journey import ScoredMoments
from voc_stream.domain.entities.latest_step import LatestStep, follows
from voc_stream.domain.entities.promises import with_promise
from voc_stream.domain.entities.stated import Stated, is_among, latest, value_of
from voc_stream.domain.folds.attempts import FailedAttempt, attempts_until, with_failed
from voc_stream.domain.folds.since import Since, beyond, read, with_moment
from voc_stream.domain.moment import from_microseconds, microseconds_of
from voc_stream.events.types import RepairStep
from voc_stream.events.types.base import Measure
from voc_stream.events.types.hundredths import hundredths

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from voc_stream.domain.entities.counted import Measured
    from voc_stream.domain.entities.measure_rules import MeasureRules
    from voc_stream.domain.folds.attempts import Attempts
    from voc_stream.domain.measures.of_order import OrderMeasure, Point
    from voc_stream.events.types import AnyEvent

FOLLOW_UP_WITHIN = timedelta(minutes=FOLLOW_UP_MINUTES)
RANK_OF_STEP, RANK_OF_OTHERS = 1, 0


class OrderState(msgspec.Struct, omit_defaults=True, gc=False):
    """All that later events may still need of an order's earlier ones.

    What changes often comes first, and new stages come before the others: of an update PostgreSQL
    logs nothing of the end of a row that stays as it was.
    `contact`: completed callbacks and follow-up exits; once there is a delivery, those after it.
    `entered` and `exited` are the moments of each stage in microseconds since 1970: there are many,
    and the row is written with each event. `delivered` is the exit from the stage that ends the
    visit, as the catalogue said when the exit was taken in. Under another catalogue it is the same
    until the order is folded anew.
    `failed`: the latest calls that were not completed, also those before the delivery.
    `opened`: for how many microseconds of each stage the site was open, as it was counted.
    `first_promised`: the earliest statement of a promise, if it is another than the latest.
    `promises`: the different promised moments in microseconds, if there are several.
    """

    order_id: str
    moments: ScoredMoments = msgspec.field(default_factory=ScoredMoments)
    contact: Since | None = None
    failed: list[FailedAttempt] = []
    customer_id: Stated[str] | None = None
    site_id: Stated[str] | None = None
    product: Stated[str] | None = None
    step: LatestStep | None = None
    delivered: int | None = None
    opened: dict[str, int] = {}
    exited: dict[str, int] = {}
    entered: dict[str, int] = {}
    promised_at: Stated[datetime] | None = None
    first_promised: Stated[datetime] | None = None
    promises: list[int] = []
    estimated_amount: Stated[int] | None = None
    final_amount: Stated[int] | None = None
    profile: Profile = NO_PROFILE

    @property
    def current_stage(self) -> str | None:
        """The stage of the latest step."""
        return None if self.step is None else self.step.stage

    @property
    def in_stage_since(self) -> datetime | None:
        """When it entered the current stage; None once it left it, or if the entry is unknown."""
        if self.step is None or (stage := self.step.stage) in self.exited:
            return None
        entered = self.entered.get(stage)
        return None if entered is None else from_microseconds(entered)

    @property
    def delivered_at(self) -> datetime | None:
        """When the order left the stage that ends the visit."""
        return None if self.delivered is None else from_microseconds(self.delivered)

    @property
    def on_time(self) -> bool | None:
        """Whether it was delivered by the promised moment; None while either is unknown."""
        delivered_at, promised_at = self.delivered_at, value_of(self.promised_at)
        return None if delivered_at is None or promised_at is None else delivered_at <= promised_at

    @property
    def first_promised_at(self) -> datetime | None:
        """What was promised first."""
        return value_of(self.first_promised or self.promised_at)

    @property
    def on_time_first(self) -> bool | None:
        """Whether it was delivered by what was promised first; None while either is unknown."""
        delivered_at, promised_at = self.delivered_at, self.first_promised_at
        return None if delivered_at is None or promised_at is None else delivered_at <= promised_at

    @property
    def promise_moves(self) -> int | None:
        """How many other moments were promised beside the first, at most 99.

        None without a promise.
        """
        return None if self.promised_at is None else max(0, len(self.promises) - 1)

    @property
    def follow_up_due_at(self) -> datetime | None:
        """72 hours after delivery; the 72nd hour is included."""
        return None if self.delivered_at is None else self.delivered_at + FOLLOW_UP_WITHIN

    @property
    def followed_up_at(self) -> datetime | None:
        """The earliest completed callback or follow-up exit after delivery."""
        return None if self.contact is None or self.delivered_at is None else self.contact.first

    @property
    def follow_up_attempts(self) -> Attempts | None:
        """The calls from the delivery until the follow-up; None while it is not delivered."""
        if self.delivered is None:
            return None
        return attempts_until(self.failed, self.delivered, self.followed_up_at)

    def apply(self, event: AnyEvent, at: datetime, rules: MeasureRules) -> None:
        """Take in one event about this order.

        Any order of calls with distinct events ends in the same state.
        """
        is_step, site_before, event_id = isinstance(event, RepairStep), self.site_id, event.event_id
        rank = RANK_OF_STEP if is_step else RANK_OF_OTHERS
        self.customer_id = latest(self.customer_id, event.customer_id, at, event_id, rank)
        self.site_id = latest(self.site_id, event.site_id, at, event_id, rank)
        self.product = latest(self.product, event.product, at, event_id, rank)
        if isinstance(event, RepairStep):
            self._apply_step(event, at, rules)
        else:  # a step has neither
            if outcome := event.failed_attempt():
                self.failed = with_failed(self.failed, FailedAttempt(microseconds_of(at), outcome))
            if scores := event.scores():
                self.moments.add(rules.placed(scores), at, event_id)
        if event.is_contact(rules.flow.follow_up):
            mark = self.delivered_at
            if mark is None or at > mark:
                self.contact = with_moment(self.contact, at)
        if rules.calendars is not None or self.opened:
            if value_of(self.site_id) != value_of(site_before):
                self._count_opening({*self.entered}, rules)
            elif isinstance(event, RepairStep):
                self._count_opening((event.stage,), rules)

    def _count_opening(self, stages: Iterable[str], rules: MeasureRules) -> None:
        for stage in stages:
            self.opened.pop(stage, None)
            entered, exited = self.entered.get(stage), self.exited.get(stage)
            opened = rules.opening_microseconds(value_of(self.site_id), entered, exited)
            if opened is not None:
                self.opened[stage] = opened

    def _apply_step(self, step: RepairStep, at: datetime, rules: MeasureRules) -> None:
        if step.promised_at is not None and abs(step.promised_at - at) <= rules.longest_promise:
            self.promised_at, self.first_promised, self.promises = with_promise(
                (self.promised_at, self.first_promised, self.promises),
                Stated(step.promised_at.astimezone(at.tzinfo), at, step.event_id),
            )
        if step.estimated_amount is not None:
            self.estimated_amount = latest(
                self.estimated_amount, hundredths(step.estimated_amount), at, step.event_id
            )
        if step.final_amount is not None:
            self.final_amount = latest(
                self.final_amount, hundredths(step.final_amount), at, step.event_id
            )
        enters = step.edge == "enter"
        last = self.step
        if last is None or last.at < at or (last.at == at and follows(enters, step, last, rules)):
            self.step = LatestStep(at, enters, step.stage)
        stage, microseconds = step.stage, microseconds_of(at)
        if enters:
            if microseconds < self.entered.get(stage, microseconds + 1):
                self.entered = {stage: 0} | self.entered | {stage: microseconds}
            return
        if microseconds > self.exited.get(stage, microseconds - 1):
            self.exited = {stage: 0} | self.exited | {stage: microseconds}
        if stage == rules.flow.delivered:
            # Delivery only ever moves later, so contacts before it can never count again.
            self.delivered = self.exited[stage]
            self.contact = beyond(self.contact, from_microseconds(self.delivered))

    def recall_contact(self, earliest: datetime | None) -> None:
        """Take in the earliest contact after delivery from the stored events, if it is unread."""
        if self.contact is not None:
            self.contact = read(self.contact, earliest)

    def rests_on(self, event: AnyEvent, at: datetime) -> bool:
        """Whether this state may say something that only this event said.

        If not, it is the same without the event. Scores and failed attempts are counted, so
        whatever has one is said.
        """
        if event.scores() or event.failed_attempt():
            return True
        if isinstance(event, RepairStep):
            edges, microseconds = (
                self.entered if event.edge == "enter" else self.exited,
                microseconds_of(at),
            )
            if edges.get(event.stage) == microseconds or (
                self.step is not None and self.step.at == at
            ):
                return True
            if (
                event.promised_at is not None
                and microseconds_of(event.promised_at) in self.promises
            ):
                return True
        contact = self.contact
        stated = (
            self.customer_id,
            self.site_id,
            self.product,
            self.promised_at,
            self.first_promised,
            self.estimated_amount,
            self.final_amount,
        )
        return (contact is not None and at in (contact.first, contact.last)) or is_among(
            stated, event.event_id
        )

    def at(self, point: Point) -> int | None:
        """A moment of the order in microseconds since 1970; None while it is unknown.

        Raises KeyError if orders have no such moment.
        """
        kind, stage = point
        if kind == "exit":
            return self.exited.get(stage)
        if kind == "enter":
            return self.entered.get(stage)
        if kind == "delivered":
            return self.delivered
        if kind == "promised":
            moment = value_of(self.promised_at)
        elif kind == "first_promised":
            moment = self.first_promised_at
        elif kind == "followed_up":
            moment = self.followed_up_at
        else:
            raise KeyError(kind)
        return None if moment is None else microseconds_of(moment)

    def open_for(self, stage: str) -> int | None:
        """For how many microseconds of a stage the site was open; None if that is not known."""
        return self.opened.get(stage)

    def amounts(self) -> tuple[int, int, int] | None:
        """The final and the estimated amount in hundredths, and since when both are known.

        That moment is in microseconds since 1970.
        """
        final, estimated = self.final_amount, self.estimated_amount
        if final is None or estimated is None:
            return None
        return final.value, estimated.value, microseconds_of(max(final.at, estimated.at))

    def measured(
        self, rules: MeasureRules, measures: Sequence[OrderMeasure] | None = None
    ) -> list[Measured]:
        """What these measures, or all, say of the order, each with its moment."""
        found: list[Measured] = []
        for one in rules.measures.every if measures is None else measures:
            judged = one.judge(self)
            if judged is not None:
                moment, value = judged
                found.append((moment, Measure(one.experience, value)))
        return found

    def counted(
        self, rules: MeasureRules, measures: Sequence[OrderMeasure] | None = None
    ) -> Counted:
        """What these measures, or all, say of the order, with its dimensions."""
        return Counted(self.dimensions, self.measured(rules, measures))

    @property
    def dimensions(self) -> tuple[str, ...]:
        """What its measures count under."""
        return dimensions_stated_by(self, self.profile)

    def attribute(self, profile: Profile) -> None:
        """Let the order's measures count under its customer's profile."""
        self.profile = profile
