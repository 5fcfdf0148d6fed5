"""Tells drops of key experiences: which detectors have fallen, and in which words."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.alerts.detection.baseline import BASELINE_DAYS
from voc_stream.alerts.explanation.reason import mostly
from voc_stream.alerts.model import Finding, Reason, Verdict
from voc_stream.alerts.rule import Figure, Rule, Words
from voc_stream.alerts.wording import name_scope
from voc_stream.counted import counted
from voc_stream.domain.horizons import HORIZONS
from voc_stream.domain.scale import scale_of, show, show_difference
from voc_stream.domain.watched import stored_difference, stored_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from voc_stream.alerts.detection.detector import Suspicion
    from voc_stream.alerts.model import Json, OpenAlert, Subject
    from voc_stream.alerts.rule import Context, Facts
    from voc_stream.catalogue.model import Experience

NAME = "VocKeyExperienceDropped"
ESTIMATED_SHARE = 0.8
"""The share of the catalogue's `drop` that the estimate must reach.

Half of the estimates of a drop of just that size lie below it. So asking for all of it would find
many such drops late.
"""
NEW_USUAL_AFTER = timedelta(days=BASELINE_DAYS)
"""How long until a drop is what is usual.

Then its alert ends, and the baseline is taken anew.
"""
NOT_BORNE_OUT = Reason(
    "not_borne_out",
    "Not borne out: it was told on part of the answers, and with the rest there is no drop."
    " / 未获证实：当时只收到部分回答，补齐后并未下降。",
)
USUAL_BY_NOW = Reason(
    "usual_by_now",
    "It has lasted so long that it is what is usual now. / 持续时间已久，现已成为常态。",
)
CRITICAL_TIMES = 2.0
"""How many times the catalogue's `drop` makes an alert critical."""


class Drop(NamedTuple):
    """A drop that is to be announced, or goes on.

    Attributes:
        subject: the experience and the scope.
        suspicion: what its detector says by now.
        usual: the mean that is expected, in points.
        usual_scores: of how many scores that is the mean.
        phi: how many scores of its site say as much as one independent score.
        evidence: who explains it, and telling events, as its start told them.
    """

    subject: Subject
    suspicion: Suspicion
    usual: float
    usual_scores: int
    phi: float
    evidence: Mapping[str, Json]


class Drops(NamedTuple):
    """What the detectors say.

    Attributes:
        drops: of detectors that have fallen.
        holding: subjects of which nothing can be said yet: their detectors are behind.
        reasons: of open alerts whose detectors have not fallen and did not recover, why they end.
    """

    drops: Sequence[Drop]
    holding: Collection[Subject]
    reasons: Mapping[Subject, Reason] = {}


def judge(facts: Facts, context: Context) -> Verdict:
    """The alerts about drops."""
    drops, holding, _ = facts[Drops]
    return Verdict([_finding(drop, context) for drop in drops], holding)


def _why_ends(facts: Facts) -> Mapping[Subject, Reason]:
    return facts[Drops].reasons


def _finding(drop: Drop, context: Context) -> Finding:
    experience = context.catalogue.experience[drop.subject.experience or ""]
    numbers = numbers_of(drop.suspicion, drop.usual, experience, context.now)
    evidence = {
        **drop.evidence,
        **numbers,
        "baseline_n": drop.usual_scores,
        "phi": round(drop.phi, 2),
    }
    return finding_of(drop.subject, drop.suspicion, experience, evidence)


def why_it_ends(
    alert: OpenAlert, recovered_at: datetime | None, begins: datetime, now: datetime
) -> Reason | None:
    """Why an open alert ends, if its detector has not fallen; None if the scores are back.

    Args:
        alert: the open alert.
        recovered_at: the hour that ended the detector's last drop; None if it knows of none.
        begins: hours before it are not heard any more.
        now: the time of the evaluation.
    """
    if now - alert.started_at >= NEW_USUAL_AFTER:
        return USUAL_BY_NOW
    since = datetime.fromisoformat(str(alert.evidence["since"]))
    if since < begins or (recovered_at is not None and recovered_at >= since):
        return None
    return NOT_BORNE_OUT


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
        "scale": scale_of(experience).name,
        "horizon": horizon_of(suspicion.since, now),
        "since": suspicion.since.isoformat(),
        "n": suspicion.scores,
        "mean": round(stored_mean(experience, suspicion.mean), 2),
        "baseline_mean": round(stored_mean(experience, usual), 2),
        "drop": round(stored_difference(experience, suspicion.drop), 2),
        "drop_low": round(stored_difference(experience, suspicion.low), 2),
        "drop_high": round(stored_difference(experience, suspicion.high), 2),
    }


def finding_of(
    subject: Subject,
    suspicion: Suspicion,
    experience: Experience,
    evidence: Mapping[str, Json],
) -> Finding:
    """The alert about a drop. A change of mix is nobody's fault, so it is not critical."""
    label = experience.label
    scale = scale_of(experience)
    english, chinese = name_scope(subject.scope)
    dropped = stored_difference(experience, suspicion.drop)
    fall, fall_chinese = show_difference(scale, dropped)
    mean, mean_chinese = show(scale, stored_mean(experience, suspicion.mean))
    reason, reason_chinese = mostly(evidence)
    is_bad = dropped >= CRITICAL_TIMES * experience.alert.drop and not evidence.get("mix")
    return Finding(
        subject,
        "critical" if is_bad else "warning",
        evidence,
        f"{label.en} at {english} dropped by {fall} to {mean}"
        f" ({counted(suspicion.scores, 'sample')}){reason}"
        f" / {chinese}：{label.zh} 下降 {fall_chinese}至 {mean_chinese}"
        f"（{suspicion.scores} 个样本）{reason_chinese}",
    )


def _is_key(experience: Experience) -> bool:
    return experience.key


RULE = Rule(
    name=NAME,
    title=Words("a key experience is worse than it was", "关键体验下降"),
    headline=Words("{experience} dropped at {place}", "关键体验“{experience}”下降"),
    description="A key experience lies below its own past{horizon}.",
    figures=(
        Figure(
            "max by (difference) (voc_key_experience_drop{experience=%q,site=%q,horizon=%q}"
            " * on (experience) group_left (difference)"
            " max by (experience, difference) (voc_experience_scale))",
            ("experience", "site", "horizon"),
            "It lies {} below its four weeks before.",
            'printf "%.3g"',
            "difference",
        ),
        Figure(
            "max(voc_key_experience_drop_samples{experience=%q,site=%q,horizon=%q})",
            ("experience", "site", "horizon"),
            "Answers: {}.",
            'printf "%.0f"',
        ),
        Figure(
            "max(voc_key_experience_drop_baseline_samples{experience=%q,site=%q,horizon=%q})",
            ("experience", "site", "horizon"),
            "Before: {}.",
            'printf "%.0f"',
        ),
    ),
    one_per="key experience, at all sites or one",
    starts="the scores since some moment are lower than the eight weeks before by more than"
    " chance, by about `drop` or more ([detection](../explain/detection.md)). One that a single"
    " site explains is told of that site only",
    critical="twice `drop` or more, unless it is mostly a change of mix",
    ends="a recovery is 20,000 times likelier than that the drop goes on, by at least"
    " `minimum_samples` scores and as many as announced it (up to 100); or after eight weeks:"
    " then it is what is usual. If later answers do not bear it out, it ends with that as its"
    " reason",
    needs=(Drops,),
    judge=judge,
    why_ends=_why_ends,
    is_looked_for_always=True,
    confirmed_within=None,
    watches=_is_key,
)
