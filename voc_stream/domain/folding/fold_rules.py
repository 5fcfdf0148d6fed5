"""Works out once what a catalogue says to folds: it takes as long as folding forty events."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from voc_stream.domain.churn.signals import further_facts
from voc_stream.domain.entities.measure_rules import MeasureRules, measure_rules
from voc_stream.domain.measures.happened_within import WithinMeasures, within_measures
from voc_stream.domain.measures.of_event import EventMeasures, event_measures

if TYPE_CHECKING:
    from voc_stream.catalogue.model import Catalogue


class FoldRules(NamedTuple):
    """What a catalogue says of orders and complaints, of events, and of what follows them.

    `risk_reads_events`: whether the risk of leaving depends on which events are the latest.
    """

    measures: MeasureRules
    of_events: EventMeasures
    within: WithinMeasures
    risk_reads_events: bool


def fold_rules(catalogue: Catalogue) -> FoldRules:
    """What this catalogue says."""
    return FoldRules(
        measure_rules(catalogue),
        event_measures(catalogue),
        within_measures(catalogue),
        "events" in further_facts(catalogue.churn.multipliers),
    )
