"""Computes what an order measures: minutes between its moments, promises kept, amounts.

The catalogue declares the measures. Each measure knows what it depends on, so that an event makes
only those be worked out anew that it may change.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol

from voc_stream.catalogue.measures import AmountRatio, Between, Count, KeptBy, concerns_complaints
from voc_stream.domain.moment import MICROSECOND, MINUTE_MICROSECONDS
from voc_stream.events.types.base import DONE, NOT_DONE
from voc_stream.events.types.hundredths import hundredths

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from voc_stream.catalogue.flow import Flow
    from voc_stream.catalogue.measures import Source
    from voc_stream.catalogue.model import Catalogue
    from voc_stream.events.types import RepairStep

LARGEST_RATIO = 10_000_000
"""The largest ratio, in hundredths of a percent.

A thousand times the estimate is a slip of the pen or another currency.
"""
WHOLE = 10_000
"""One, in hundredths of a percent."""


class Point(NamedTuple):
    """What a moment in the life of an order or a complaint is called.

    Of an order: `enter` or `exit` of a stage, `delivered`, a promise, or `followed_up`. Of a
    complaint, whose stage is `complaint`: an action, `last_opened` or `answered`.
    """

    kind: str
    stage: str = ""


FOLLOWED_UP, DELIVERED = Point("followed_up"), Point("delivered")


class KnownTimes(Protocol):
    """When something happened to an order or a complaint."""

    def at(self, point: Point) -> int | None:
        """A moment in microseconds since 1970; None while it is unknown."""


class OrderFacts(KnownTimes, Protocol):
    """What is known of an order."""

    def open_for(self, stage: str) -> int | None:
        """For how many microseconds of a stage the site was open; None if that is not known."""

    def amounts(self) -> tuple[int, int, int] | None:
        """The final and the estimated amount in hundredths, and since when both are known.

        That moment is in microseconds since 1970.
        """

    @property
    def promise_moves(self) -> int | None:
        """How many other moments were promised after the first; None without a promise."""


Judged = tuple[int, int] | None
"""A moment in microseconds since 1970 and a value in hundredths; None while it cannot be judged."""


class OrderMeasure(NamedTuple):
    """One measure of orders.

    Attributes:
        experience: its name.
        gate: what must be known for anything to be measured; None if it is no moment.
        depends_on: the moments on which it depends, or `amounts` or `promises`.
        needs: the moments without which it measures nothing.
        judge: what it measures.
    """

    experience: str
    gate: Point | None
    depends_on: frozenset[Point | str]
    needs: frozenset[Point]
    judge: Callable[[OrderFacts], Judged]


class AtStake(NamedTuple):
    """The measures that an event may change.

    Attributes:
        before: those that may measure something before the event.
        after: all of them.
    """

    before: Sequence[OrderMeasure]
    after: Sequence[OrderMeasure]


NOTHING_AT_STAKE = AtStake((), ())


class OrderMeasures:
    """The measures of orders that a catalogue declares."""

    def __init__(self, every: Sequence[OrderMeasure] = (), flow: Flow | None = None) -> None:
        self.every = tuple(every)
        self._flow = flow
        self.on_contact = tuple(one for one in self.every if FOLLOWED_UP in one.depends_on)
        self._on_step: dict[tuple[str, str, bool, bool], AtStake] = {}

    def on_step(self, step: RepairStep) -> AtStake:
        """The measures that a step may change, if it does not change the order's dimensions.

        What the step itself says is no gate. It counts as unknown before the step.
        """
        states_amount = step.estimated_amount is not None or step.final_amount is not None
        key = (step.stage, step.edge, step.promised_at is not None, states_amount)
        found = self._on_step.get(key)
        if found is None:
            found = self._on_step[key] = self._changed_by(*key)
        return found

    def _changed_by(
        self, stage: str, edge: str, states_promise: bool, states_amount: bool
    ) -> AtStake:
        this = Point(edge, stage)
        changed: set[Point | str] = {this}
        if states_promise:
            changed.add("promises")
        if states_amount:
            changed.add("amounts")
        if self._flow is not None and edge == "exit":
            # The first contact after the delivery is another one, too, if the delivery is later.
            if stage == self._flow.delivered:
                changed |= {DELIVERED, FOLLOWED_UP}
            if stage == self._flow.follow_up:
                changed.add(FOLLOWED_UP)
        found = [
            one._replace(gate=None) if one.gate == this else one
            for one in self.every
            if changed & one.depends_on
        ]
        return AtStake([one for one in found if this not in one.needs], found)


def order_measures(catalogue: Catalogue) -> OrderMeasures:
    """What a catalogue declares of orders."""
    longest = longest_wait(catalogue)
    found = (
        _measure(key, experience.source, longest)
        for key, experience in catalogue.experience.items()
        if not concerns_complaints(experience.source)
    )
    return OrderMeasures([one for one in found if one is not None], catalogue.flow)


def longest_wait(catalogue: Catalogue) -> int:
    """The longest wait in microseconds; a longer wait was told by a wrong clock."""
    return timedelta(days=catalogue.plausible.longest_stage_days) // MICROSECOND


def _measure(experience: str, source: Source | None, longest: int) -> OrderMeasure | None:
    if isinstance(source, Between):
        start, end = point_of(source.start), point_of(source.end)
        judge = partial(_open_between if source.time == "opening" else between, start, end, longest)
        return _of(experience, end, (start, end), {start, end}, judge)
    if isinstance(source, KeptBy):
        moment = point_of(source.moment)
        if source.promise is not None:
            promise = point_of(source.promise)
            judge = partial(_by_promise, moment, promise)
            return _of(experience, moment, (moment, promise), {moment, promise}, judge)
        after = point_of(source.after or "")
        within = round((source.within_minutes or 0) * MINUTE_MICROSECONDS)
        judge = partial(_within, moment, after, within)
        return _of(experience, after, (moment, after), {after}, judge)
    if isinstance(source, AmountRatio):
        bound = source.above_percent
        limit = None if bound is None else hundredths(bound)
        return _of(experience, None, ("amounts",), (), partial(_ratio, limit))
    if isinstance(source, Count):
        moment = point_of(source.at)
        return _of(experience, moment, (moment, "promises"), {moment}, partial(_moves, moment))
    return None


def _of(
    experience: str,
    gate: Point | None,
    depends_on: Sequence[Point | str],
    needs: Collection[Point],
    judge: Callable[[OrderFacts], Judged],
) -> OrderMeasure:
    inputs = {
        "promises" if isinstance(one, Point) and one.kind.endswith("promised") else one
        for one in depends_on
    }
    is_step = gate is not None and gate.kind in ("enter", "exit")
    return OrderMeasure(
        experience, gate if is_step else None, frozenset(inputs), frozenset(needs), judge
    )


def point_of(name: str) -> Point:
    """The moment that a catalogue calls so.

    >>> point_of("work.enter"), point_of("promised")
    (Point(kind='enter', stage='work'), Point(kind='promised', stage=''))
    """
    stage, _, edge = name.rpartition(".")
    return Point(edge, stage)


def hundredths_of_minutes(microseconds: int) -> int:
    """A duration in hundredths of a minute, half up.

    >>> hundredths_of_minutes(150_000_000)
    250
    """
    return (microseconds * 100 + 30_000_000) // MINUTE_MICROSECONDS


def between(start: Point, end: Point, longest: int, order: KnownTimes) -> Judged:
    """The minutes from one moment to another; None while one is unknown or cannot be meant."""
    started, ended = order.at(start), order.at(end)
    if started is None or ended is None or not 0 <= ended - started <= longest:
        return None
    return ended, hundredths_of_minutes(ended - started)


def _open_between(start: Point, end: Point, longest: int, order: OrderFacts) -> Judged:
    all_minutes, opened = between(start, end, longest, order), order.open_for(end.stage)
    if all_minutes is None or opened is None:
        return None
    return all_minutes[0], hundredths_of_minutes(opened)


def _by_promise(moment: Point, promise: Point, order: OrderFacts) -> Judged:
    came, promised = order.at(moment), order.at(promise)
    if came is None or promised is None:
        return None
    return came, DONE if came <= promised else NOT_DONE


def _within(moment: Point, after: Point, within: int, order: OrderFacts) -> Judged:
    began, came = order.at(after), order.at(moment)
    if began is None:
        return None
    return began + within, DONE if came is not None and came <= began + within else NOT_DONE


def _ratio(limit: int | None, order: OrderFacts) -> Judged:
    """The ratio of the amounts, or whether it is above a limit.

    `limit` is in hundredths of a percent; None for the ratio itself.
    """
    amounts = order.amounts()
    if amounts is None:
        return None
    final, estimated, known_at = amounts
    if estimated <= 0 or (ratio := _half_up(final * WHOLE, estimated)) > LARGEST_RATIO:
        return None
    if limit is None:
        return known_at, ratio
    return known_at, DONE if final * WHOLE > estimated * limit else NOT_DONE


def _half_up(dividend: int, divisor: int) -> int:
    return (2 * dividend + divisor) // (2 * divisor)


def _moves(moment: Point, order: OrderFacts) -> Judged:
    came, moves = order.at(moment), order.promise_moves
    return None if came is None or moves is None else (came, 100 * moves)
