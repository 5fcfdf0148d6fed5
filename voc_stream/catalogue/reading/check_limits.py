"""Checks what operations may take, as docs/reference/catalogue.md says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from voc_stream.catalogue.flow import Flow
    from voc_stream.catalogue.model import Limits
    from voc_stream.catalogue.reading.file_text import CatalogueText

_LONGEST_WATCH_MINUTES = 366 * 24 * 60


def check_limits(file: CatalogueText, limits: Limits, flow: Flow) -> None:
    """Complain about the first limit that cannot be meant."""
    for stage, minutes in limits.stage_minutes.items():
        if stage not in flow.stages:
            file.fail(
                ("limits", "stage_minutes", stage),
                f"is no stage of [flow.stages]; they are {', '.join(flow.stages) or 'none'}",
            )
        file.positive(("limits", "stage_minutes", stage), minutes)
    file.positive(("limits", "promise_watch_minutes"), limits.promise_watch_minutes)
    if limits.promise_watch_minutes > _LONGEST_WATCH_MINUTES:
        file.fail(
            ("limits", "promise_watch_minutes"),
            f"must be at most {_LONGEST_WATCH_MINUTES}, a year",
        )
    for name in ("acknowledge_minutes", "resolve_minutes"):
        for severity, minutes in msgspec.structs.asdict(getattr(limits, name)).items():
            file.positive(("limits", name, severity), minutes)
    if limits.high_annual_value is not None:
        file.positive(("limits", "high_annual_value"), limits.high_annual_value)
    file.positive(("limits", "high_value_at_risk_customers"), limits.high_value_at_risk_customers)
