"""Finds which alerts of a site have one cause, so that whoever hears of one hears of the others.

Alertmanager puts them into one message by itself. Readers of the table `alert` and of the topic
have it in the evidence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voc_stream.alerts.model import Finding, Json, OpenAlert, Subject

Cause = tuple[str, str, str]
"""The site (empty for all), who explains it, and the group of a change of mix."""


def with_same_cause(starts: Sequence[Finding], open_alerts: Sequence[OpenAlert]) -> list[Finding]:
    """The starts whose cause is known, with the experiences that fell because of it, too.

    They are those of open alerts and of other starts at the same site, in `same_cause`.
    """
    known: dict[Cause, set[str]] = {}
    everything: list[OpenAlert | Finding] = [*open_alerts, *starts]
    for each in everything:
        if (cause := _cause(each.subject, each.evidence)) and each.subject.experience:
            known.setdefault(cause, set()).add(each.subject.experience)
    return [
        start._replace(
            evidence={
                **start.evidence,
                "same_cause": sorted(known.get(cause, set()) - {start.subject.experience or ""}),
            }
        )
        if (cause := _cause(start.subject, start.evidence))
        else start
        for start in starts
    ]


def _cause(subject: Subject, evidence: Mapping[str, Json]) -> Cause | None:
    by, mix = evidence.get("explained_by"), evidence.get("mix")
    return (subject.scope, str(by or ""), str(mix or "")) if by or mix else None
