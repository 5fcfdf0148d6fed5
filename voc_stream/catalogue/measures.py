"""Declares the sources of measures: where the value of a measure comes from.

A catalogue states the source as the key `source` of an experience. An experience without a source
is what customers answer: a rating, a process item, the NPS question.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, get_args

import msgspec

from voc_stream.events.types.fields import Action, Outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

Kind = Literal["rating", "process", "timing", "share", "nps", "ratio"]
Unit = Literal["score", "minutes", "percent", "count"]
ANSWERED: tuple[Kind, ...] = ("rating", "process", "nps")
"""The kinds of what customers answer; the others need a source."""
FIELDS: Mapping[str, tuple[Kind, ...]] = {"recommend": ("rating", "nps"), "effort": ("rating",)}
"""The fields of a callback that are scores, and the kinds in which each can be shown."""
PROMISES = ("promised", "first_promised")
ORDER_MOMENTS = (*PROMISES, "delivered", "followed_up")
"""The moments of an order beside `STAGE.enter` and `STAGE.exit` of each stage of the flow."""
COMPLAINT_MOMENTS = (
    *(f"complaint.{action}" for action in get_args(Action) if action != "reopened"),
    "complaint.last_opened",
    "complaint.answered",
)
"""The moments of a complaint.

It was last opened when it was reopened last, or else opened. It is answered when it is first
acknowledged, apologised for, resolved, informed about or closed.
"""
LONGEST_WITHIN_DAYS = 366
LONGEST_WITHIN_MINUTES = LONGEST_WITHIN_DAYS * 24 * 60


class _Source(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="from"
):
    """What every source has in common."""


class FromField(_Source, frozen=True, kw_only=True, tag="field"):
    """The score in a field of a callback; a callback without it measures nothing."""

    field: str


class FromOutcome(_Source, frozen=True, kw_only=True, tag="outcome"):
    """The share of callbacks with one of some outcomes, among those with one of others."""

    outcomes: tuple[Outcome, ...]
    among: tuple[Outcome, ...] = get_args(Outcome)


class Between(_Source, frozen=True, kw_only=True, tag="between"):
    """The minutes from one moment of an order or a complaint to another; counts at the second.

    `time` says whether all minutes count, or those in which the site was open. Opening minutes are
    known of complaints and of the stages of orders.
    """

    start: str
    end: str
    time: Literal["calendar", "opening"] = "calendar"


class KeptBy(_Source, frozen=True, kw_only=True, tag="kept_by"):
    """Whether a moment came in time.

    Attributes:
        moment: the moment that had to come in time.
        promise: a promised moment. The measure counts at `moment`, once both are known.
        after: the moment from which the time runs. The measure counts when the time is over.
        within_minutes: the time, on the clock.
        limit: the key of `[limits]` that says by severity how long a complaint may take.
    """

    moment: str
    promise: Literal["promised", "first_promised"] | None = None
    after: str | None = None
    within_minutes: float | None = None
    limit: Literal["acknowledge_minutes", "resolve_minutes"] | None = None


class AmountRatio(_Source, frozen=True, kw_only=True, tag="amount_ratio"):
    """The final amount of an order in percent of the estimated one, or whether it is above a bound.

    It counts at the later of the two statements.
    """

    above_percent: float | None = None


class Count(_Source, frozen=True, kw_only=True, tag="count"):
    """How often something happened to an order until a moment, at which it counts."""

    what: Literal["promise_moves"]
    at: str


class HappenedWithin(_Source, frozen=True, kw_only=True, tag="happened_within"):
    """Whether something happened to the same customer within some days after a moment.

    It counts when the days are over.

    Attributes:
        what: what happened, of another order or complaint.
        after: the moment from which the days run.
        days: each of 24 hours; the last moment is included.
        good: whether it counts 10 that it happened, or that it did not.
    """

    what: Literal["visit", "complaint"]
    after: Literal["delivered", "complaint.opened"]
    days: int
    good: Literal["yes", "no"] = "yes"


Source = FromField | FromOutcome | Between | KeptBy | AmountRatio | Count | HappenedWithin


def kinds_of(source: Source) -> tuple[Kind, ...]:
    """The kinds in which the values of a source can be shown."""
    if isinstance(source, FromField):
        return FIELDS.get(source.field, ())
    if isinstance(source, Between):
        return ("timing",)
    if isinstance(source, KeptBy):
        return ("share", "timing")
    if isinstance(source, Count) or (
        isinstance(source, AmountRatio) and source.above_percent is None
    ):
        return ("ratio",)
    return ("share",)


def unit_of(source: Source) -> Unit:
    """The unit in which a source gives its values."""
    if isinstance(source, Between):
        return "minutes"
    if isinstance(source, AmountRatio) and source.above_percent is None:
        return "percent"
    return "count" if isinstance(source, Count) else "score"


def counts_when_due(source: Source | None) -> bool:
    """Whether a measure counts when a time is over, even if nothing happens any more."""
    return isinstance(source, HappenedWithin) or (
        isinstance(source, KeptBy) and source.promise is None
    )


def moments_of(source: Source | None) -> dict[str, str]:
    """The moments that a source names, by the key that names them."""
    if isinstance(source, Between):
        return {"start": source.start, "end": source.end}
    if isinstance(source, KeptBy):
        named = {"moment": source.moment, "after": source.after}
        return {key: moment for key, moment in named.items() if moment is not None}
    return {"at": source.at} if isinstance(source, Count) else {}


def concerns_complaints(source: Source | None) -> bool:
    """Whether a source measures complaints.

    >>> concerns_complaints(Between(start="complaint.opened", end="complaint.resolved"))
    True
    """
    return any(moment in COMPLAINT_MOMENTS for moment in moments_of(source).values())


def problems(source: Source, stages: Collection[str]) -> Iterator[tuple[str, str]]:
    """The keys of a source whose values are wrong, each with what is wrong.

    `stages` are those of the flow.

    >>> list(problems(FromField(field="text"), ()))
    [('field', "'text' is no score; the scores of a callback are recommend, effort")]
    """
    if isinstance(source, FromField):
        if source.field not in FIELDS:
            yield (
                "field",
                f"{source.field!r} is no score; the scores of a callback are {', '.join(FIELDS)}",
            )
    elif isinstance(source, FromOutcome):
        yield from _outcome_problems(source)
    elif isinstance(source, Between):
        yield from _between_problems(source, stages)
    elif isinstance(source, KeptBy):
        yield from _kept_by_problems(source, stages)
    elif isinstance(source, AmountRatio):
        if source.above_percent is not None and not _is_positive(source.above_percent):
            yield "above_percent", f"must be more than 0, not {source.above_percent:g}"
    elif isinstance(source, HappenedWithin):
        yield from _happened_within_problems(source, stages)
    else:
        if concerns_complaints(source):
            yield "at", f"{source.at!r} is a moment of a complaint; {source.what} are an order's"
        yield from _moment_problems(source, stages, (*PROMISES, "followed_up"))


def _outcome_problems(source: FromOutcome) -> Iterator[tuple[str, str]]:
    if not source.outcomes:
        yield "outcomes", "must name at least one outcome"
    elif not set(source.outcomes) < set(source.among):
        yield (
            "outcomes",
            f"must be some of `among` ({', '.join(source.among)}), and not all of them",
        )


def _between_problems(source: Between, stages: Collection[str]) -> Iterator[tuple[str, str]]:
    yield from _moment_problems(source, stages)
    stage = source.start.removesuffix(".enter")
    if (
        source.time == "opening"
        and source.end != f"{stage}.exit"
        and not concerns_complaints(source)
    ):
        yield (
            "time",
            "'opening' is known of complaints, and from the enter to the exit of one stage",
        )


def _kept_by_problems(source: KeptBy, stages: Collection[str]) -> Iterator[tuple[str, str]]:
    by = (source.promise, source.within_minutes, source.limit)
    if sum(one is not None for one in by) != 1:
        yield "", "needs one of the keys `promise`, `within_minutes` and `limit`"
        return
    if (source.after is None) != (source.promise is not None):
        yield "after", "goes with `within_minutes` or `limit`, which run from there, and only so"
        return
    if source.within_minutes is not None and not (
        _is_positive(source.within_minutes) and source.within_minutes <= LONGEST_WITHIN_MINUTES
    ):
        yield (
            "within_minutes",
            f"must be from 0 to {LONGEST_WITHIN_MINUTES}, a year, not {source.within_minutes:g}",
        )
    if source.limit is not None and not concerns_complaints(source):
        yield "limit", "is a limit of complaints; an order is measured by `within_minutes`"
    if source.promise is not None and concerns_complaints(source):
        yield "promise", "is an order's; a complaint is measured by `limit` or `within_minutes`"
    yield from _moment_problems(source, stages, PROMISES)


def _happened_within_problems(
    source: HappenedWithin, stages: Collection[str]
) -> Iterator[tuple[str, str]]:
    if not 1 <= source.days <= LONGEST_WITHIN_DAYS:
        yield "days", f"must be from 1 to {LONGEST_WITHIN_DAYS}, a year, not {source.days}"
    for key, value in (("what", source.what), ("after", source.after)):
        if value in ("visit", "delivered") and not stages:
            yield key, f"{value!r} is said of orders, and without [flow] there are none"


def _moment_problems(
    source: Source, stages: Collection[str], but: Collection[str] = ()
) -> Iterator[tuple[str, str]]:
    moments = moments_of(source)
    means_complaints = any(moment.startswith("complaint.") for moment in moments.values())
    if concerns_complaints(source) or (means_complaints and "complaint" not in stages):
        what, known = "a complaint", list(COMPLAINT_MOMENTS)
    else:
        what = "an order"
        known = [f"{stage}.{edge}" for stage in stages for edge in ("enter", "exit")]
        known += [one for one in ORDER_MOMENTS if one not in but]
    for key, moment in moments.items():
        if moment not in known:
            yield key, f"{moment!r} is no moment of {what}; they are {', '.join(known)}"


def _is_positive(number: float) -> bool:
    return number > 0 and math.isfinite(number)
