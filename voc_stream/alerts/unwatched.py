"""Open alerts about what the catalogue no longer watches: they end, and that is no recovery."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.alerts.registry import RULES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voc_stream.alerts.model import OpenAlert
    from voc_stream.catalogue.model import Experience

ENDED_BECAUSE = "no_longer_watched"
"""What the evidence of such an alert says under `ended_because`."""
SAID = "No longer watched: the catalogue was changed. / 不再监测：目录已变更。"
"""What is added to its summary."""


_WATCHES = {rule.name: rule.watches for rule in RULES}


def unwatched(
    open_alerts: Sequence[OpenAlert], experiences: Mapping[str, Experience]
) -> list[OpenAlert]:
    """Those whose experience is gone from the catalogue, or is one that their rule does not watch."""
    return [alert for alert in open_alerts if not _is_watched(alert, experiences)]


def _is_watched(alert: OpenAlert, experiences: Mapping[str, Experience]) -> bool:
    if alert.subject.experience is None:
        return True
    experience = experiences.get(alert.subject.experience)
    watches = _WATCHES.get(alert.subject.rule)
    return experience is not None and (watches is None or watches(experience))
