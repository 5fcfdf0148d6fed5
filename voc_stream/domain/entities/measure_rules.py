"""Holds what orders and complaints may measure, as the catalogue says it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.domain.calendar import calendars_of
from voc_stream.domain.measures.happened_within import within_measures
from voc_stream.domain.measures.of_complaint import complaint_measures
from voc_stream.domain.measures.of_order import OrderMeasures, order_measures
from voc_stream.events.types.hundredths import hundredths

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from voc_stream.catalogue.flow import Flow
    from voc_stream.catalogue.model import Catalogue
    from voc_stream.domain.calendar import Calendars
    from voc_stream.domain.measures.of_complaint import ComplaintMeasure
    from voc_stream.events.types.base import GivenScore


class MeasureRules(NamedTuple):
    """What orders and complaints may measure.

    Attributes:
        flow: the stages, their order, and which of them ends the visit.
        measures: what the catalogue declares of orders; others are averaged nowhere.
        longest_promise: a promise farther from the step that states it is no promise.
        calendars: when sites are open; None if that is known of none.
        complaints: what the catalogue declares of complaints.
        counts_complaints: whether anything counts under the profile of a complaint's customer.
        stage_places: of experiences that are about a stage, its place in the flow.
        last_place: the place of all others: they are about the whole visit.
    """

    flow: Flow
    measures: OrderMeasures
    longest_promise: timedelta
    calendars: Calendars | None = None
    complaints: tuple[ComplaintMeasure, ...] = ()
    counts_complaints: bool = False
    stage_places: Mapping[str, int] = {}
    last_place: int = 0

    def placed(self, scores: Iterable[GivenScore]) -> list[tuple[int, int, int]]:
        """Scores as journeys take them: place of the stage, hundredths, place in the event."""
        stage_of, last = self.stage_places.get, self.last_place
        return [
            (stage_of(experience, last), hundredths(points), place)
            for experience, points, place in scores
        ]

    def opening_microseconds(
        self, site_id: str | None, entered: int | None, exited: int | None
    ) -> int | None:
        """For how many microseconds between two moments a site was open.

        None if it has no opening hours, or there is no such time.
        """
        calendar = None if self.calendars is None else self.calendars.of(site_id)
        if calendar is None or not calendar.has_hours or entered is None or exited is None:
            return None
        return calendar.opening_microseconds(entered, exited) if exited >= entered else None


def measure_rules(catalogue: Catalogue) -> MeasureRules:
    """The rules of a catalogue."""
    plausible, calendars = catalogue.plausible, calendars_of(catalogue)
    complaints, stages = complaint_measures(catalogue), [*catalogue.flow.stages]
    return MeasureRules(
        catalogue.flow,
        order_measures(catalogue),
        timedelta(days=plausible.longest_promise_days),
        calendars if calendars.has_hours else None,
        complaints,
        bool(complaints) or "complaint" in within_measures(catalogue).starts,
        {
            key: stages.index(experience.stage)
            for key, experience in catalogue.experience.items()
            if experience.stage in stages
        },
        len(stages),
    )
