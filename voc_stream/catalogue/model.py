"""Declares the experiences of a trade, immutable; `load` reads them.

The catalogue is the one place that names experiences and sets expectations, importance and
thresholds.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  msgspec reads the annotations at run time
from typing import Literal

import msgspec

from voc_stream.catalogue.calendar import SiteCalendar
from voc_stream.catalogue.flow import Flow
from voc_stream.catalogue.label import Label  # noqa: TC001  msgspec reads it at run time
from voc_stream.catalogue.measures import Between, KeptBy, Kind, Source, Unit
from voc_stream.catalogue.plausible import Plausible
from voc_stream.catalogue.words import Words

Factor = Literal["product", "service", "relationship", "convenience", "brand", "price"]
Band = Literal["medium", "high", "critical"]

MAXIMUM_SCORE = 10.0
FOLLOW_UP_MINUTES = 72 * 60.0
OPENING_MINUTES = "stage_opening_minutes."


class Thresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When an experience is worth an alert; points of the score scale."""

    drop: float = 1.0
    satisfaction_below: float = 0.0
    weighted_satisfaction_below: float | None = None
    minimum_samples: int = 20


class Experience(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that customers judge, or that is measured for them.

    Score fields are 0-10, or in `unit`; of the kind nps -1 to 1. `source` says where its values
    come from; it is None for what customers answer.
    """

    label: Label
    factor: Factor
    kind: Kind
    unit: Unit = "score"
    source: Source | None = None
    stage: str | None = None
    expectation: float | None = None
    importance: float | None = None
    ideal: float | None = None
    key: bool = False
    hygiene: bool = False
    words: Words = Words()
    alert: Thresholds = Thresholds()


class ChurnModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The risk model's numbers; the semantics are in voc_stream/domain/churn.

    Multipliers are factors on the hazard, > 0, by the name of a signal. Below 1 it lowers the risk.
    """

    version: str
    base_hazard_per_month: float
    horizon_months: float
    signal_days: int
    attitude_experience: str | None = None
    outcome_experience: str | None = None
    low_score: float
    multipliers: Mapping[str, float]
    bands: Mapping[str, float]


class BySeverity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number for each severity of a complaint."""

    major: float
    minor: float


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What operations may take, for alerts that are about no experience.

    Attributes:
        in_opening_time: whether `stage_minutes`, `acknowledge_minutes` and `resolve_minutes` count
            only the minutes in which the site is open.
        stage_minutes: by stage, after how long an order is stuck in it; a stage that is not named
            has its own 95th percentile.
        promise_watch_minutes: how long before a promised delivery its order is watched.
        acknowledge_minutes: by severity, how long a complaint may wait for its acknowledgement.
        resolve_minutes: by severity, how long it may wait for its resolution.
        high_annual_value: from which value a year a customer counts as valuable; None: none does.
        high_value_at_risk_customers: how many valuable customers at risk are worth an alert.
    """

    in_opening_time: bool = False
    stage_minutes: Mapping[str, float] = {}
    promise_watch_minutes: float = 240.0
    acknowledge_minutes: BySeverity = BySeverity(major=240.0, minor=1440.0)
    resolve_minutes: BySeverity = BySeverity(major=1440.0, minor=4320.0)
    high_annual_value: float | None = None
    high_value_at_risk_customers: int = 1


class Catalogue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A trade: its experiences by key, its churn model, and the flow of its orders.

    It also holds the names of the six factors.

    Attributes:
        version: of two different catalogues the one with the higher version rules a database.
        calendar: the calendar of the sites which have none of their own in `site`.
        site: the calendars of sites that differ, each with what it takes over from `calendar`.
        alias: what old names of experiences became.
        digest: of what the file says, whatever its layout and comments; '' for a catalogue that
            was not read from a file.
    """

    trade: str
    version: int = 1
    label: Label
    alias: Mapping[str, str] = {}
    churn: ChurnModel
    limits: Limits = Limits()
    plausible: Plausible = Plausible()
    calendar: SiteCalendar = SiteCalendar()
    site: Mapping[str, SiteCalendar] = {}
    experience: Mapping[str, Experience]
    flow: Flow = Flow()
    factor: Mapping[str, Label] = {}
    digest: str = ""


def timings_of(flow: Flow) -> dict[str, Source]:
    """The timings whose name says what is measured: a catalogue may leave out their `source`."""
    timings: dict[str, Source] = {}
    if flow.delivered is not None:
        timings["on_time_delivery"] = KeptBy(moment="delivered", promise="promised")
        timings["follow_up_72h"] = KeptBy(
            moment="followed_up", after="delivered", within_minutes=FOLLOW_UP_MINUTES
        )
    if flow.reception is not None:
        timings["reception_minutes"] = _stage_minutes(flow.reception)
    timings |= {minutes_experience(stage): _stage_minutes(stage) for stage in flow.stages}
    for stage in flow.stages:
        timings[opening_minutes_experience(stage)] = _stage_minutes(stage, "opening")
    return timings


def _stage_minutes(stage: str, time: Literal["calendar", "opening"] = "calendar") -> Between:
    return Between(start=f"{stage}.enter", end=f"{stage}.exit", time=time)


def minutes_experience(stage: str) -> str:
    """The experience that measures a stage.

    >>> minutes_experience("wash")
    'stage_minutes.wash'
    """
    return f"stage_minutes.{stage}"


def opening_minutes_experience(stage: str) -> str:
    """The experience that measures how long of a stage its site was open.

    >>> opening_minutes_experience("wash")
    'stage_opening_minutes.wash'
    """
    return f"{OPENING_MINUTES}{stage}"
