"""Walks through the life of a customer: what the risk of leaving was, from when until when.

The risk at a moment is what it would have been then, had all been known that is known today: that
of all events until the moment. So a late event rewrites what comes after it, and no order of
arrival makes a difference. Between two events the risk changes in steps, because time passes.
"""

from __future__ import annotations

from datetime import UTC
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.domain.churn.hazard import judge, present_at
from voc_stream.domain.churn.tenure import tenure_at
from voc_stream.domain.entities.complaint import ComplaintState
from voc_stream.domain.entities.customer import CustomerState
from voc_stream.domain.entities.order import OrderState
from voc_stream.domain.entities.stated import value_of
from voc_stream.domain.lives.of_states import facts_of, latest_events
from voc_stream.domain.moment import moment_of
from voc_stream.events.types import Complaint

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from voc_stream.catalogue.model import ChurnModel
    from voc_stream.domain.churn.facts import CustomerFacts
    from voc_stream.domain.churn.hazard import Driver
    from voc_stream.domain.churn.risk_model import Present, RiskModel
    from voc_stream.domain.entities.measure_rules import MeasureRules
    from voc_stream.events.types import AnyEvent


class Said(NamedTuple):
    """What holds of a customer for some time.

    Attributes:
        risk: of leaving within the model's horizon.
        band: of that risk.
        drivers: of that risk, the base first.
        model_version: of the model that says so.
        tenure: the number of the band of tenure, from 0.
        signals: a bit for each signal that is there, also for those without a multiplier.
    """

    risk: float
    band: str
    drivers: tuple[Driver, ...]
    model_version: str
    tenure: int
    signals: int


class Step(NamedTuple):
    """A time in which nothing changed.

    Attributes:
        since: when it began.
        until: when it ended; None: it has not.
        event_id: the last event of the moment at which it began; None: time passed.
        left: whether it ended because the customer left.
        said: what held.
    """

    since: datetime
    until: datetime | None
    event_id: str | None
    left: bool
    said: Said


class Life(NamedTuple):
    """The steps of a customer, and when the next one is due if nothing happens (None: never)."""

    steps: Sequence[Step]
    next_at: datetime | None


class WalkTerms(NamedTuple):
    """What events and risks mean.

    Attributes:
        rules: how orders and complaints are folded.
        churn: which ratings count for the risk.
        model: what decides risks.
    """

    rules: MeasureRules
    churn: ChurnModel
    model: RiskModel


def walk(
    customer_id: str,
    events: Iterable[AnyEvent],
    terms: WalkTerms,
    now: datetime,
) -> Life:
    """The life of a customer until now.

    `events`: all that name the customer, and all others of the orders and complaints that those
    name. A customer who has left has no step until won back.
    """
    known, path = _Known(customer_id, terms.rules, terms.churn), _Path(terms.model, now)
    in_time = sorted(
        ((moment_of(event), event.event_id, event) for event in events), key=itemgetter(0, 1)
    )
    for at, found in groupby(in_time, key=itemgetter(0)):
        if at > now:
            path.go_on_until(None)
            return Life(path.steps, min(at, path.next_at or at))
        path.go_on_until(at)
        of_moment = list(found)
        for _, _, event in of_moment:
            known.apply(event, at)
        if known.first_seen_at is not None:
            path.turn(at, of_moment[-1][1], known)
    path.go_on_until(None)
    return Life(path.steps, path.next_at)


class _Known:
    """What is known of a customer when some of the events have been folded."""

    def __init__(self, customer_id: str, rules: MeasureRules, churn: ChurnModel) -> None:
        self._rules, self._churn = rules, churn
        self._orders: dict[str, OrderState] = {}
        self._complaints: dict[str, ComplaintState] = {}
        self._events: list[AnyEvent] = []
        self.customer = CustomerState(customer_id)
        self.first_seen_at: datetime | None = None

    def apply(self, event: AnyEvent, at: datetime) -> None:
        if event.customer_id == self.customer.customer_id:
            self.first_seen_at = self.first_seen_at or at
            self.customer.apply(event, at, self._churn)
            self._events.append(event)
        if event.order_id is not None and event.concerns_order:
            order = self._orders.get(event.order_id)
            if order is None:
                order = self._orders[event.order_id] = OrderState(event.order_id)
            order.apply(event, at, self._rules)
        if isinstance(event, Complaint):
            complaint = self._complaints.get(event.complaint_id)
            if complaint is None:
                complaint = ComplaintState(event.complaint_id)
                self._complaints[event.complaint_id] = complaint
            complaint.apply(event, at)

    def facts(self) -> CustomerFacts:
        me = self.customer.customer_id
        return facts_of(
            self.customer,
            [one for one in self._orders.values() if value_of(one.customer_id) == me],
            [one for one in self._complaints.values() if value_of(one.customer_id) == me],
            latest_events(self._events),
        )


class _Path:
    """The steps until a moment, the last of which may still go on."""

    def __init__(self, model: RiskModel, now: datetime) -> None:
        self._model, self._now = model, now
        self._known: _Known | None = None
        self._facts: CustomerFacts | None = None
        self._found: tuple[int, Sequence[Present], Sequence[Present]] | None = None
        self._said: Said | None = None
        self.steps: list[Step] = []
        self.next_at: datetime | None = None

    def turn(self, at: datetime, event_id: str | None, known: _Known) -> None:
        """Go on with what the events of a moment made of the customer."""
        self._known = known
        if known.customer.has_left:
            if self._goes_on():
                self._end(at, left=True)
            self._facts, self.next_at = None, None
            return
        self._facts = known.facts()
        self._stand(at, event_id)

    def go_on_until(self, at: datetime | None) -> None:
        """Let time pass until before a moment, or until now."""
        while (next_at := self.next_at) is not None and (
            next_at < at if at is not None else next_at <= self._now
        ):
            self._stand(next_at, None)

    def _stand(self, at: datetime, event_id: str | None) -> None:
        if self._facts is None or self._known is None or self._known.first_seen_at is None:
            return
        tenure, tenure_changes_at = tenure_at(self._known.first_seen_at, at)
        facts, model = self._facts._replace(tenure_band=tenure), self._model
        present, changes_at = present_at(facts, model.signals, model.terms, at)
        others, others_change_at = present_at(facts, model.others, model.terms, at)
        changes = (changes_at, others_change_at, tenure_changes_at)
        next_at = min(filter(None, changes), default=None)
        # Events have the offsets of their senders, and months begin in UTC.
        self.next_at = None if next_at is None else next_at.astimezone(UTC)
        found = (tenure, present, others)
        # Most events change nothing of it, and a risk takes longest to work out.
        if self._said is None or self._found != found:
            risk = judge(facts, present, model, at)
            signals = sum(1 << signal.bit for signal, _ in (*present, *others))
            self._found, self._said = (
                found,
                Said(risk.risk, risk.band, risk.drivers, risk.model_version, tenure, signals),
            )
        said = self._said
        if self._goes_on():
            if self.steps[-1].said == said:
                return
            self._end(at, left=False)
        self.steps.append(Step(at, None, event_id, False, said))

    def _goes_on(self) -> bool:
        return bool(self.steps) and self.steps[-1].until is None

    def _end(self, at: datetime, *, left: bool) -> None:
        self.steps[-1] = self.steps[-1]._replace(until=at, left=left)
