"""What an evaluation finds: the values that pass from the rules to the table `alert`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection

Severity = Literal["critical", "warning"]
Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]
MOST_IDS = 5
"""Ids of telling events, orders, complaints or customers that an alert names."""


class Subject(NamedTuple):
    """What an alert is about; of two alerts about the same subject at most one is open.

    Attributes:
        rule: name of the alert rule, such as `VocKeyExperienceDropped`.
        experience: of the catalogue; None where the rule is about none.
        scope_type: `all` or `site`.
        scope: the site; `''` for all.
    """

    rule: str
    experience: str | None
    scope_type: str
    scope: str


class Finding(NamedTuple):
    """Something that is worth an alert now.

    Attributes:
        subject: what it is about.
        severity: how bad.
        evidence: the numbers behind it, ready for JSON; `horizon`, `department` and `explained_by` become labels of the alert.
        summary: one sentence for people, in English and Chinese.
    """

    subject: Subject
    severity: Severity
    evidence: Mapping[str, Json]
    summary: str


class Verdict(NamedTuple):
    """What one evaluation found by some rules.

    Attributes:
        rules: those that were evaluated; open alerts of other rules stay as they are.
        findings: starts an alert, or goes on.
        holding: subjects whose alert goes on if it is open, but would not start now: between the limits for start and end, or no data.
            An open alert of `rules` that is in neither ends.
    """

    rules: frozenset[str]
    findings: Sequence[Finding]
    holding: Collection[Subject] = ()
