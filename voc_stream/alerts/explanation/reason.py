"""Chooses what an alert tells about its cause: a change of mix, a group, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from voc_stream.alerts.explanation.mix import find_mixes, main_mix
from voc_stream.alerts.explanation.parts import (
    department_of,
    explain_drop,
    main_explanation,
    show_largest,
)
from voc_stream.domain.dimensions import TELLING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from voc_stream.alerts.explanation.groups import Group
    from voc_stream.alerts.explanation.mix import Mix
    from voc_stream.alerts.explanation.parts import Explanation
    from voc_stream.alerts.model import Json


class Reason(NamedTuple):
    """What explains a drop.

    Attributes:
        explanations: the parts of all groups, the largest first.
        named: the group to name.
        mixes: the change of mix in each dimension, the largest first.
        mix: the one to tell; then no group is named. A group that seems to fall often only has
            other customers than before.
    """

    explanations: Sequence[Explanation]
    named: Explanation | None
    mixes: Sequence[Mix]
    mix: Mix | None


def find_reason(groups: Sequence[Group]) -> Reason:
    """What explains the drop of these groups."""
    explanations, mixes = explain_drop(groups), find_mixes(groups)
    mix = main_mix(mixes)
    named = main_explanation(explanations) if mix is None else None
    return Reason(explanations, named, mixes, mix)


def reason_as_evidence(reason: Reason, stored: Callable[[float], float] = float) -> dict[str, Json]:
    """The evidence of an alert about what explains it, ready for JSON.

    `stored`: what makes a mean in points one as tables store it.
    """
    named, mix = reason.named, reason.mix
    return {
        "department": department_of(reason.explanations),
        "explained_by": named.value if named else None,
        "explained_dimension": named.dimension if named else None,
        "explained_share": round(named.share, 2) if named else None,
        "mix": mix.value if mix else None,
        "mix_share": round(reason.mixes[0].share, 2) if reason.mixes else None,
        "mix_change": _change(mix) if mix else None,
        "explanations": show_largest(reason.explanations, stored),
    }


def _change(mix: Mix) -> dict[str, Json]:
    return {
        "dimension": mix.dimension,
        "value": mix.value,
        "volume_before": round(mix.volume_before, 3),
        "volume_now": round(mix.volume_now, 3),
        "n_before": mix.scores_before,
        "n": mix.scores,
    }


def mostly(evidence: Mapping[str, Json]) -> tuple[str, str]:
    """The reason as the end of an English and a Chinese sentence, of the evidence of an alert.

    >>> mostly({"explained_by": "ann", "explained_dimension": "employee"})
    (', mostly employee ann', '，主要来自员工 ann')
    >>> change = {"dimension": "segment", "value": "A", "n_before": 900, "n": 60,
    ...     "volume_before": 0.9, "volume_now": 0.4}
    >>> for sentence in mostly({"mix": "A", "mix_change": change}):
    ...     print(sentence)
    , mostly a change of mix: segment A 90 % → 40 % of the answers (900 before, 60 now)
    ，主要是构成变化：客户群 A 的占比 90% → 40%（此前 900 个样本，现在 60 个）
    """
    change = evidence.get("mix_change")
    if isinstance(change, dict):
        dimension, value = str(change["dimension"]), change["value"]
        before, now = f"{change['volume_before']:.0%}", f"{change['volume_now']:.0%}"
        english = (
            f", mostly a change of mix: {dimension} {value} {before.replace('%', ' %')} →"
            f" {now.replace('%', ' %')} of the answers"
            f" ({change['n_before']} before, {change['n']} now)"
        )
        chinese = (
            f"，主要是构成变化：{TELLING[dimension].chinese} {value} 的占比 {before} → {now}"
            f"（此前 {change['n_before']} 个样本，现在 {change['n']} 个）"
        )
        return english, chinese
    dimension, value = str(evidence.get("explained_dimension")), evidence.get("explained_by")
    if not value or dimension not in TELLING:
        return "", ""
    return f", mostly {dimension} {value}", f"，主要来自{TELLING[dimension].chinese} {value}"
