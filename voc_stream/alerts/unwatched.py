"""Ends open alerts about what is no longer watched; they say why, and that is no recovery.

The catalogue may no longer watch an experience, or a site may be closed for good.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.alerts.model import Reason
from voc_stream.alerts.registry import RULES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from voc_stream.alerts.model import OpenAlert, Subject, Verdict
    from voc_stream.catalogue.model import Experience


NO_LONGER_WATCHED = Reason(
    "no_longer_watched", "No longer watched: the catalogue was changed. / 不再监测：目录已变更。"
)
CLOSED_FOR_GOOD = Reason("closed_for_good", "The site is closed for good. / 门店已永久关闭。")
_WATCHES = {rule.name: rule.watches for rule in RULES}


def find_unwatched(
    open_alerts: Sequence[OpenAlert],
    experiences: Mapping[str, Experience],
    closed_sites: Collection[str] = (),
) -> list[tuple[OpenAlert, Reason]]:
    """The alerts to end, each with the reason.

    Args:
        open_alerts: all that are open.
        experiences: of the catalogue. It may have lost one, or its rule may not watch it any more.
        closed_sites: the sites that are closed for good.
    """
    found = []
    for alert in open_alerts:
        if is_of_site(alert.subject, closed_sites):
            found.append((alert, CLOSED_FOR_GOOD))
        elif not _is_watched(alert, experiences):
            found.append((alert, NO_LONGER_WATCHED))
    return found


def without_sites(verdict: Verdict, closed_sites: Collection[str]) -> Verdict:
    """A verdict that expects nothing of sites that are closed for good."""
    if not closed_sites:
        return verdict
    return verdict._replace(
        findings=[
            finding for finding in verdict.findings if not is_of_site(finding.subject, closed_sites)
        ]
    )


def is_of_site(subject: Subject, sites: Collection[str]) -> bool:
    """Whether something is about one of these sites."""
    return subject.scope_type == "site" and subject.scope in sites


def _is_watched(alert: OpenAlert, experiences: Mapping[str, Experience]) -> bool:
    if alert.subject.experience is None:
        return True
    experience = experiences.get(alert.subject.experience)
    watches = _WATCHES.get(alert.subject.rule)
    return experience is not None and (watches is None or watches(experience))
