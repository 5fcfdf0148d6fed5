"""Drops of key experiences: which of the suspicions of all detectors are announced, and how they are told."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from voc_stream.alerts.detection.baseline import BASELINE_DAYS
from voc_stream.alerts.detection.false_discovery import believed
from voc_stream.alerts.model import Finding
from voc_stream.alerts.wording import place
from voc_stream.domain.horizons import HORIZONS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from voc_stream.alerts.detection.detector import Suspicion
    from voc_stream.alerts.model import Json, Subject
    from voc_stream.catalogue.model import Experience

RULE = "VocKeyExperienceDropped"
ESTIMATED_SHARE = 0.8
"""Of the catalogue's `drop` that the estimate must reach. Half of the estimates of a drop of just that size lie below it, so asking for all
of it would find many such drops late."""
NEW_USUAL_AFTER = timedelta(days=BASELINE_DAYS)
"""A drop that has lasted so long is what is usual now: its alert ends, and the baseline is taken anew."""
DIMENSIONS_ZH = {
    "site": "门店",
    "employee": "员工",
    "product": "产品",
    "segment": "客户群",
    "department": "部门",
}
CRITICAL_TIMES = 2.0
"""Times the catalogue's `drop` from which an alert is critical."""


def announced_of(suspicions: Mapping[Subject, Suspicion]) -> list[Subject]:
    """Which suspicions, of those of all keys, are announced; the others say nothing yet."""
    subjects = list(suspicions)
    margins = [suspicions[subject].margin for subject in subjects]
    return [
        subject
        for subject, is_believed in zip(subjects, believed(margins), strict=True)
        if is_believed
    ]


def horizon_of(since: datetime, now: datetime) -> str:
    """The shortest horizon that reaches back to `since`.

    >>> from datetime import datetime
    >>> horizon_of(datetime(2026, 1, 5, 8), datetime(2026, 1, 5, 20))
    '24h'
    """
    return next(
        (each.name for each in HORIZONS if now - since <= each.panes * each.pane), HORIZONS[-1].name
    )


def numbers_of(
    suspicion: Suspicion, usual: float, experience: Experience, now: datetime
) -> dict[str, Json]:
    """The evidence in numbers, ready for JSON."""
    return {
        "label_en": experience.label.en,
        "label_zh": experience.label.zh,
        "horizon": horizon_of(suspicion.since, now),
        "since": suspicion.since.isoformat(),
        "n": suspicion.scores,
        "mean": round(suspicion.mean, 2),
        "baseline_mean": round(usual, 2),
        "drop": round(suspicion.drop, 2),
        "drop_low": round(suspicion.low, 2),
        "drop_high": round(suspicion.high, 2),
    }


def finding_of(
    subject: Subject,
    suspicion: Suspicion,
    experience: Experience,
    mostly: tuple[str, str] | None,
    evidence: Mapping[str, Json],
) -> Finding:
    """The alert about a drop. `mostly` is the dimension and the value that explain most of it."""
    label = experience.label
    english, chinese = place(subject.scope)
    named = f", mostly {mostly[0]} {mostly[1]}" if mostly else ""
    named_chinese = f"，主要来自{DIMENSIONS_ZH.get(mostly[0], '')} {mostly[1]}" if mostly else ""
    return Finding(
        subject,
        "critical" if suspicion.drop >= CRITICAL_TIMES * experience.alert.drop else "warning",
        evidence,
        f"{label.en} at {english} dropped by {suspicion.drop:.2f} points to {suspicion.mean:.2f} ({suspicion.scores} answers){named}"
        f" / {chinese}：{label.zh} 下降 {suspicion.drop:.2f} 分至 {suspicion.mean:.2f}（{suspicion.scores} 个样本）{named_chinese}",
    )
