"""Finds the latest step of an order."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  msgspec reads the annotations at run time
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from voc_stream.domain.entities.measure_rules import MeasureRules
    from voc_stream.events.types import RepairStep


class LatestStep(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The latest step: its moment, whether it enters, and its stage.

    An enter follows an exit of the same moment; else the flow says which stage follows which. The
    name of the stage is kept and not its place, which changes when the flow gets more stages.
    """

    at: datetime
    enters: bool
    stage: str


def follows(enters: bool, step: RepairStep, last: LatestStep, rules: MeasureRules) -> bool:
    """Whether a step is later than another one of the same moment."""
    if enters != last.enters:
        return enters
    place_of = rules.flow.place_of
    return step.stage != last.stage and place_of(step.stage) > place_of(last.stage)
