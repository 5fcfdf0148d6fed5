"""Holds what an evaluation finds: the values that pass from the rules to the table `alert`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime, timedelta

Severity = Literal["critical", "warning"]
Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]
MOST_IDS = 5
"""Ids of telling events, orders, complaints or customers that an alert names."""


class Subject(NamedTuple):
    """What an alert is about; of two alerts about the same subject at most one is open.

    Attributes:
        rule: name of the alert rule; it begins with `Voc`.
        experience: of the catalogue; None if the rule is about none.
        scope_type: `all` or `site`.
        scope: the site; `''` for all.
    """

    rule: str
    experience: str | None
    scope_type: str
    scope: str


class Unexplained(NamedTuple):
    """Scores that are too low.

    Who explains them is expensive to read, so it is read only when an alert starts.

    Attributes:
        over: how far back these scores go.
        limit: the mean that was to be reached, in points.
    """

    over: timedelta
    limit: float


class Finding(NamedTuple):
    """Something that is worth an alert now.

    Attributes:
        subject: what it is about.
        severity: how bad it is.
        evidence: the numbers behind it, ready for JSON; `horizon`, `department`, `explained_by` and
            `mix` become labels of the alert.
        summary: one sentence for people, in English and Chinese.
        unexplained: if it is about scores, those of which groups and telling events are to be read.
    """

    subject: Subject
    severity: Severity
    evidence: Mapping[str, Json]
    summary: str
    unexplained: Unexplained | None = None


class Reason(NamedTuple):
    """Why an alert ends, if that is no recovery.

    Attributes:
        name: what its evidence says under `ended_because`.
        said: the sentence that is added to its summary, in English and Chinese.
    """

    name: str
    said: str


class OpenAlert(NamedTuple):
    """An alert that has started and not ended."""

    alert_id: str
    subject: Subject
    severity: Severity
    evidence: Mapping[str, Json]
    summary: str
    started_at: datetime
    updated_at: datetime


class Verdict(NamedTuple):
    """What one rule found.

    Attributes:
        findings: each starts an alert, or goes on.
        holding: subjects whose alert goes on when it is open, but would not start now. They lie
            between the limits for start and end, or could not be judged. Other open alerts of the
            rule end.
    """

    findings: Sequence[Finding]
    holding: Collection[Subject] = ()


def of_rule(rule: str, subjects: Collection[Subject]) -> set[Subject]:
    """The subjects that belong to a rule."""
    return {subject for subject in subjects if subject.rule == rule}
