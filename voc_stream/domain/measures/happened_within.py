"""Says what happened to a customer within some days after a moment, or did not.

Such a measure depends on two rows: what the days begin with, and what came next. So the moments of
a customer are kept on their own, of all orders and complaints, and only those that are needed.
`postgres/intake/customer_moments.py` keeps them and says what counts.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

from voc_stream.catalogue.measures import HappenedWithin
from voc_stream.events.types.base import DONE, NOT_DONE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from voc_stream.catalogue.flow import Flow
    from voc_stream.catalogue.model import Catalogue

MomentKind = Literal["visit", "delivered", "complaint"]
_AFTER: dict[str, MomentKind] = {"delivered": "delivered", "complaint.opened": "complaint"}


class MomentKey(NamedTuple):
    """What a moment is found by.

    Attributes:
        customer_id: the customer whose moment it is.
        kind: what kind of moment it is.
        moment: when it was.
        entity_id: the order or complaint that tells of it.
    """

    customer_id: str
    kind: MomentKind
    moment: datetime
    entity_id: str


class CustomerMoment(NamedTuple):
    """A moment of a customer.

    Attributes:
        key: what it is found by.
        dimensions: what its measures count under; a value of each of `DIMENSIONS`.
    """

    key: MomentKey
    dimensions: tuple[str, ...]


class WithinMeasure(NamedTuple):
    """One measure.

    Attributes:
        experience: its name.
        start: the moments with which its days begin, and of which each counts.
        what: the moments of which the next one is looked at, strictly after the start.
        within: the days. It counts when they are over.
        happened, did_not: its value in hundredths if one came within the days, and if none did.
    """

    experience: str
    start: MomentKind
    what: MomentKind
    within: timedelta
    happened: int
    did_not: int

    @property
    def hours(self) -> int:
        """The days in hours."""
        return self.within // timedelta(hours=1)


class WithinMeasures:
    """All measures that a catalogue declares, and the moments that they need.

    Attributes:
        every: the measures.
        starts: the moments with which the days of a measure begin.
        looked_at: the moments of which the next one is looked at.
        kinds: all moments that are kept.
        visit_stages: the stages that make a visit, from the reception to the delivery.
    """

    def __init__(self, every: Sequence[WithinMeasure], flow: Flow) -> None:
        self.every = tuple(every)
        self.starts = frozenset(one.start for one in every)
        self.looked_at = frozenset(one.what for one in every)
        self.kinds = self.starts | self.looked_at
        self.visit_stages = visit_stages(flow) if "visit" in self.kinds else frozenset()
        self.delivered = flow.delivered if self.of_orders else None

    @property
    def of_orders(self) -> bool:
        """Whether moments of orders are kept."""
        return bool(self.kinds & {"visit", "delivered"})

    @property
    def of_complaints(self) -> bool:
        """Whether moments of complaints are kept."""
        return "complaint" in self.kinds


def within_measures(catalogue: Catalogue) -> WithinMeasures:
    """The measures of this kind that a catalogue declares."""
    return WithinMeasures(
        [
            _measure(key, experience.source)
            for key, experience in catalogue.experience.items()
            if isinstance(experience.source, HappenedWithin)
        ],
        catalogue.flow,
    )


def _measure(experience: str, source: HappenedWithin) -> WithinMeasure:
    good = source.good == "yes"
    return WithinMeasure(
        experience,
        _AFTER[source.after],
        source.what,
        timedelta(days=source.days),
        DONE if good else NOT_DONE,
        NOT_DONE if good else DONE,
    )


def visit_stages(flow: Flow) -> frozenset[str]:
    """The stages in which the customer is there: from the reception to the delivery.

    An appointment is made before, and the follow-up comes after. If a flow names no reception, they
    are all stages before the delivery, and the delivery.

    >>> from voc_stream.catalogue.flow import Flow
    >>> from voc_stream.catalogue.label import Label
    >>> stages = {key: Label(key, key) for key in ("call", "desk", "work", "exit", "mail")}
    >>> sorted(visit_stages(Flow(stages=stages, reception="desk", delivered="exit")))
    ['desk', 'exit', 'work']
    >>> sorted(visit_stages(Flow(stages=stages, delivered="work")))
    ['call', 'desk', 'work']
    """
    stages = flow.up_to_delivery
    if flow.reception in stages:
        stages = stages[stages.index(flow.reception) :]
    return frozenset(stages)


class Neighbours(NamedTuple):
    """What lies around a moment among the moments of its kind, of the same customer.

    Attributes:
        is_there: whether there is one at that moment.
        before, after: the next ones strictly before and after it.
    """

    is_there: bool
    before: datetime | None
    after: datetime | None


class Flip(NamedTuple):
    """The starts whose measure has changed, of one customer.

    Attributes:
        happens: whether it happens now, and did not before; or the other way round.
        since, until: the starts are from `since` on and before `until`.
    """

    happens: bool
    since: datetime
    until: datetime


def flips(
    measure: WithinMeasure, moment: datetime, before: Neighbours, now: Neighbours
) -> Flip | None:
    """The starts that are changed by a moment that came or went.

    It does not matter what else came and went with it. A start looks at the next moment only. So
    its measure changes if a moment has come, lies within the days, and none did before. Then the
    start lies after the moments that precede this one, now and before. The same holds the other way
    round. If several moments came or went, each start is changed by at most one of them. So the
    work grows with the starts that change, and not with all starts.

    >>> from datetime import UTC, datetime
    >>> day = [datetime(2026, 1, number, tzinfo=UTC) for number in range(1, 31)]
    >>> thrice = WithinMeasure("again", "delivered", "visit", timedelta(days=3), 1000, 0)
    >>> absent, there = Neighbours(False, day[1], day[10]), Neighbours(True, day[1], day[10])
    >>> flip = flips(thrice, day[8], absent, there)
    >>> flip.happens, flip.since.day, flip.until.day
    (True, 6, 8)
    >>> flips(thrice, day[10], there, there) is None
    True
    """
    if before.is_there == now.is_there:
        return None
    beyond = (before if now.is_there else now).after
    since = max(filter(None, (moment - measure.within, before.before, now.before)))
    until = moment if beyond is None else min(moment, beyond - measure.within)
    return Flip(now.is_there, since, until) if since < until else None
