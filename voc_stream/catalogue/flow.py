"""Declares the flow of a trade: the stages of an order in their order, and what they mean."""

from __future__ import annotations

import re
from collections.abc import Mapping  # noqa: TC003  msgspec reads the annotations at run time
from typing import TYPE_CHECKING

import msgspec

from voc_stream.catalogue.label import Label

if TYPE_CHECKING:
    from collections.abc import Iterator

STAGE_KEY = re.compile(r"[a-z][a-z0-9_]*")
LONGEST_STAGE_KEY = 50
"""The most characters of a stage's key.

With `stage_minutes.` in front it must still be the key of an experience.
"""


class Flow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The stages of an order. A trade without stages has no orders, and no steps are taken in.

    Attributes:
        stages: labels by key, in the order in which the stages follow each other.
        delivered: the stage whose end is the end of the visit: the promise is about it.
        follow_up: the stage whose end says that the customer was asked afterwards, if any.
        reception: the stage whose length is `reception_minutes`, if any.
        subject: what goes through the stages, one of it: alerts speak of it.
    """

    stages: Mapping[str, Label] = {}
    delivered: str | None = None
    follow_up: str | None = None
    reception: str | None = None
    subject: Label = Label("order", "工单")

    def place_of(self, stage: str) -> tuple[int, str]:
        """The place by which stages are ordered; a stage that the flow no longer has precedes all.

        >>> flow = Flow(stages={"in": Label("In", "进"), "out": Label("Out", "出")})
        >>> sorted(["out", "gone", "in"], key=flow.place_of)
        ['gone', 'in', 'out']
        """
        stages = list(self.stages)
        return (stages.index(stage), stage) if stage in self.stages else (-1, stage)

    @property
    def up_to_delivery(self) -> tuple[str, ...]:
        """The stages that an order passes until it is delivered, that of the delivery included."""
        stages = tuple(self.stages)
        return () if self.delivered is None else stages[: stages.index(self.delivered) + 1]


def flow_problems(flow: Flow) -> Iterator[tuple[tuple[str, ...], str]]:
    """The keys that break a rule, each with what is wrong.

    >>> list(flow_problems(Flow(stages={"in": Label("In", "进")}, delivered="out")))
    [(('delivered',), "'out' is no stage of [flow.stages]; they are in")]
    """
    known = ", ".join(flow.stages)
    if not flow.stages:
        yield ("stages",), "at least one stage is needed; without orders leave [flow] out"
    for stage in flow.stages:
        if not STAGE_KEY.fullmatch(stage) or len(stage) > LONGEST_STAGE_KEY:
            rule = "must be lower-case letters, digits and '_', beginning with a letter"
            yield ("stages", stage), f"{rule}, at most {LONGEST_STAGE_KEY}"
    for name in ("delivered", "follow_up", "reception"):
        stage = getattr(flow, name)
        if stage is not None and stage not in flow.stages:
            yield (name,), f"{stage!r} is no stage of [flow.stages]; they are {known}"
    if flow.delivered is None:
        yield ("delivered",), f"is missing; name the stage that ends the visit: one of {known}"
    elif flow.follow_up is not None and flow.place_of(flow.follow_up) <= flow.place_of(
        flow.delivered
    ):
        yield ("follow_up",), f"must come after {flow.delivered!r}, the stage that ends the visit"
