"""The life of a repair order: its stages, its promise, its delivery, its follow-up, its remembered journey."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from voc_stream.catalogue.model import minutes_experience, opening_minutes_experience
from voc_stream.domain.contribution import NO_PROFILE, Profile, dimensions_of
from voc_stream.domain.dimensions import OF_EVENTS
from voc_stream.domain.entities.counted import Counted
from voc_stream.domain.entities.journey import Moments
from voc_stream.domain.entities.since import Since, beyond, read, with_moment
from voc_stream.domain.entities.stated import Stated, is_among, latest, value_of
from voc_stream.events.types import RepairStep
from voc_stream.events.types.base import DONE, NOT_DONE, Measure
from voc_stream.events.types.hundredths import hundredths

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from voc_stream.domain.calendar import Calendars
    from voc_stream.domain.entities.timing_rules import TimingRules
    from voc_stream.events.types import AnyEvent

FOLLOW_UP_WITHIN = timedelta(hours=72)
EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
RANK_OF_STEP, RANK_OF_OTHERS = 1, 0


class LatestStep(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The latest step: its moment, whether it enters, and its stage.

    An enter follows an exit of the same moment; else the flow says which stage follows which.
    The name is kept and not the place, which is another one when the flow gets more stages.
    """

    at: datetime
    enters: bool
    stage: str


class OrderState(msgspec.Struct, omit_defaults=True, gc=False):
    """All that later events may still need of an order's earlier ones.

    `contact`: completed callbacks and follow-up exits, those after the delivery once there is one.
    `entered` and `exited` are the moments of each stage in microseconds since 1970: there are many,
    and the row is written with each event. `delivered` is the exit from the stage that ended the
    visit when it was taken in: what the order says does not change before it is folded anew.
    `opened`: for how many microseconds of each stage the site was open, as it was counted.
    """

    order_id: str
    customer_id: Stated[str] | None = None
    site_id: Stated[str] | None = None
    product: Stated[str] | None = None
    promised_at: Stated[datetime] | None = None
    estimated_amount: Stated[int] | None = None
    final_amount: Stated[int] | None = None
    step: LatestStep | None = None
    entered: dict[str, int] = {}
    exited: dict[str, int] = {}
    opened: dict[str, int] = {}
    delivered: int | None = None
    contact: Since | None = None
    moments: Moments = msgspec.field(default_factory=Moments)
    profile: Profile = NO_PROFILE

    @property
    def current_stage(self) -> str | None:
        """The stage of the latest step."""
        return None if self.step is None else self.step.stage

    @property
    def in_stage_since(self) -> datetime | None:
        """When it entered the current stage; None once it left it, or where the entry is unknown."""
        stage = self.current_stage
        if stage is None or stage in self.exited or stage not in self.entered:
            return None
        return _moment(self.entered[stage])

    @property
    def delivered_at(self) -> datetime | None:
        """When the order left the stage that ends the visit."""
        return None if self.delivered is None else _moment(self.delivered)

    @property
    def on_time(self) -> bool | None:
        """Whether it was delivered by the promised moment; None while either is unknown."""
        delivered_at, promised_at = self.delivered_at, value_of(self.promised_at)
        return None if delivered_at is None or promised_at is None else delivered_at <= promised_at

    @property
    def follow_up_due_at(self) -> datetime | None:
        """72 hours after delivery; the 72nd hour is included."""
        return None if self.delivered_at is None else self.delivered_at + FOLLOW_UP_WITHIN

    @property
    def followed_up_at(self) -> datetime | None:
        """The earliest completed callback or follow-up exit after delivery."""
        return None if self.contact is None or self.delivered_at is None else self.contact.first

    def apply(self, event: AnyEvent, at: datetime, rules: TimingRules) -> None:
        """Take in one event about this order. Any order of calls with distinct events ends in the same state."""
        is_step, site_before = isinstance(event, RepairStep), self.site_id
        rank = RANK_OF_STEP if is_step else RANK_OF_OTHERS
        self.customer_id = latest(self.customer_id, event.customer_id, at, event.event_id, rank)
        self.site_id = latest(self.site_id, event.site_id, at, event.event_id, rank)
        self.product = latest(self.product, event.product, at, event.event_id, rank)
        if isinstance(event, RepairStep):
            self._apply_step(event, at, rules)
        if event.is_contact(rules.flow.follow_up):
            self._add_contact(at)
        if scores := event.scores():
            given = [(hundredths(points), place) for _, points, place in scores]
            self.moments.add(given, at, event.event_id)
        if rules.calendars is not None or self.opened:
            if value_of(self.site_id) != value_of(site_before):
                self._count_opening({*self.entered}, rules.calendars)
            elif isinstance(event, RepairStep):
                self._count_opening((event.stage,), rules.calendars)

    def _count_opening(self, stages: Collection[str], calendars: Calendars | None) -> None:
        calendar = None if calendars is None else calendars.of(value_of(self.site_id))
        for stage in stages:
            entered, exited = self.entered.get(stage), self.exited.get(stage)
            self.opened.pop(stage, None)
            if calendar is None or not calendar.has_hours or entered is None or exited is None:
                continue
            if exited >= entered:
                self.opened[stage] = calendar.opening_microseconds(entered, exited)

    def _apply_step(self, step: RepairStep, at: datetime, rules: TimingRules) -> None:
        if step.promised_at is not None and abs(step.promised_at - at) <= rules.longest_promise:
            self.promised_at = latest(
                self.promised_at, step.promised_at.astimezone(at.tzinfo), at, step.event_id
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
        if last is None or last.at < at or (last.at == at and _follows(enters, step, last, rules)):
            self.step = LatestStep(at, enters, step.stage)
        stage, microseconds = step.stage, (at - EPOCH) // MICROSECOND
        if enters:
            self.entered[stage] = min(self.entered.get(stage, microseconds), microseconds)
            return
        self.exited[stage] = max(self.exited.get(stage, microseconds), microseconds)
        if stage == rules.flow.delivered:
            # Delivery only ever moves later, so contacts before it can never count again.
            self.delivered = self.exited[stage]
            self.contact = beyond(self.contact, _moment(self.delivered))

    def _add_contact(self, at: datetime) -> None:
        delivered_at = self.delivered_at
        if delivered_at is not None and at <= delivered_at:
            return
        self.contact = with_moment(self.contact, at)

    def recall_contact(self, earliest: datetime | None) -> None:
        """Take in what the stored events tell of the earliest contact after the delivery, where it is not read."""
        if self.contact is not None:
            self.contact = read(self.contact, earliest)

    def rests_on(self, event: AnyEvent, at: datetime) -> bool:
        """Whether this state may say something that only this event said; if not, it is the same without the event.

        Scores are counted, so whatever has one is said.
        """
        if event.scores():
            return True
        if isinstance(event, RepairStep):
            edges, microseconds = (
                self.entered if event.edge == "enter" else self.exited,
                (at - EPOCH) // MICROSECOND,
            )
            if edges.get(event.stage) == microseconds or (
                self.step is not None and self.step.at == at
            ):
                return True
        contact = self.contact
        stated = (
            self.customer_id,
            self.site_id,
            self.product,
            self.promised_at,
            self.estimated_amount,
            self.final_amount,
        )
        return (contact is not None and at in (contact.first, contact.last)) or is_among(
            stated, event.event_id
        )

    def stages_at_stake(self, event: AnyEvent) -> Collection[str]:
        """The stages whose part of `counted` this event may change; for most events none, for some all that could be."""
        moves_everything = self.exited and self._may_move_everything(event)
        if not isinstance(event, RepairStep):
            return tuple(self.exited) if moves_everything else ()
        if moves_everything:
            return {*self.exited, event.stage}
        return (event.stage,) if event.edge == "exit" or event.stage in self.exited else ()

    def _may_move_everything(self, event: AnyEvent) -> bool:
        """Whether it may change the order's dimensions, or what is known of a delivered order: its promise, its follow-up."""
        product, site_id = event.product, event.site_id
        return (
            self.delivered is not None
            or (site_id is not None and value_of(self.site_id) != site_id)
            or (product is not None and value_of(self.product) != product)
        )

    def timings(
        self, rules: TimingRules, stages: Collection[str] | None = None
    ) -> list[tuple[datetime, Measure]]:
        """What the timestamps of some stages (None: of all) measure, each with its moment.

        How the promise was kept and the follow-up in time belong to the delivery.
        """
        found: list[tuple[datetime, Measure]] = []
        stages = self.exited if stages is None else stages
        for stage in stages:
            exited, entered = self.exited.get(stage), self.entered.get(stage)
            if (
                exited is None
                or entered is None
                or not 0 <= exited - entered <= rules.longest_stage
            ):
                continue
            moment, minutes = _moment(exited), hundredths_of_minutes(exited - entered)
            found.append((moment, Measure(minutes_experience(stage), minutes)))
            if stage == rules.flow.reception:
                found.append((moment, Measure("reception_minutes", minutes)))
            if stage in self.opened:
                minutes = hundredths_of_minutes(self.opened[stage])
                found.append((moment, Measure(opening_minutes_experience(stage), minutes)))
        if rules.flow.delivered in stages:
            found += self._delivery_timings()
        return [(moment, measure) for moment, measure in found if measure.experience in rules.known]

    def _delivery_timings(self) -> Iterator[tuple[datetime, Measure]]:
        delivered_at, due_at, followed_up_at = (
            self.delivered_at,
            self.follow_up_due_at,
            self.followed_up_at,
        )
        if delivered_at is None or due_at is None:
            return
        if self.on_time is not None:
            yield delivered_at, Measure("on_time_delivery", DONE if self.on_time else NOT_DONE)
        in_time = followed_up_at is not None and followed_up_at <= due_at
        yield due_at, Measure("follow_up_72h", DONE if in_time else NOT_DONE)

    def counted(self, rules: TimingRules, stages: Collection[str] | None = None) -> Counted:
        """The timings of some stages (None: of all) with the dimensions under which they count."""
        stated = [
            (value_of(getattr(self, each.column)) or "") if each.of_orders else ""
            for each in OF_EVENTS
        ]
        return Counted(dimensions_of(stated, self.profile), self.timings(rules, stages))

    def attribute(self, profile: Profile) -> None:
        """Let the order's timings count under its customer's profile."""
        self.profile = profile


def _follows(enters: bool, step: RepairStep, last: LatestStep, rules: TimingRules) -> bool:
    """Whether a step is later than another one of the same moment."""
    if enters != last.enters:
        return enters
    place_of = rules.flow.place_of
    return step.stage != last.stage and place_of(step.stage) > place_of(last.stage)


def hundredths_of_minutes(microseconds: int) -> int:
    """A duration in hundredths of a minute, half up.

    >>> hundredths_of_minutes(150_000_000)
    250
    """
    return (microseconds * 100 + 30_000_000) // 60_000_000


def _moment(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)
