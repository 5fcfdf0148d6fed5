"""Holds what the timestamps of orders may measure, as the catalogue says it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.domain.calendar import calendars_of
from voc_stream.domain.measures.of_order import OrderMeasures, order_measures

if TYPE_CHECKING:
    from voc_stream.catalogue.flow import Flow
    from voc_stream.catalogue.model import Catalogue
    from voc_stream.domain.calendar import Calendars


class TimingRules(NamedTuple):
    """What the timestamps of orders may measure.

    Attributes:
        flow: the stages, their order, and which of them ends the visit.
        measures: what the catalogue declares; others are averaged nowhere.
        longest_promise: a promise farther from the step that states it is no promise.
        calendars: when sites are open; None if that is known of none.
    """

    flow: Flow
    measures: OrderMeasures
    longest_promise: timedelta
    calendars: Calendars | None = None


def timing_rules(catalogue: Catalogue) -> TimingRules:
    """The rules of a catalogue."""
    plausible, calendars = catalogue.plausible, calendars_of(catalogue)
    return TimingRules(
        catalogue.flow,
        order_measures(catalogue),
        timedelta(days=plausible.longest_promise_days),
        calendars if calendars.has_hours else None,
    )
