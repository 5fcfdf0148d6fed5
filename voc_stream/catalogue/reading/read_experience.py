"""Reads an experience, and checks what it must be, as docs/reference/catalogue.md says."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from voc_stream.catalogue.measures import ANSWERED, kinds_of, problems, unit_of
from voc_stream.catalogue.model import MAXIMUM_SCORE, Experience, timings_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.catalogue.flow import Flow
    from voc_stream.catalogue.measures import Source
    from voc_stream.catalogue.reading.file_text import CatalogueText

KEY = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
MAXIMUM_KEY_LENGTH = 64
NPS_DROP = 0.2
"""What the drop of an NPS is if none is stated: as much of its scale as a point is of scores."""


def read_experience(file: CatalogueText, key: str, value: object, flow: Flow) -> Experience:
    """One [experience.…] table. Raises CatalogueError."""
    path = ("experience", key)
    if (
        isinstance(value, dict)
        and value
        and all(isinstance(inner, dict) for inner in value.values())
        and "label" not in value
    ):
        inner = next(iter(value))
        file.fail((*path, inner), f'a name with a dot needs quotes: [experience."{key}.{inner}"]')
    if not KEY.fullmatch(key) or len(key) > MAXIMUM_KEY_LENGTH:
        file.fail(
            path,
            f"must be lower-case letters, digits, '_' and '.', beginning with a letter, at most"
            f" {MAXIMUM_KEY_LENGTH}",
        )
    experience = file.convert(value, Experience, path)
    file.filled(experience.label, (*path, "label"))
    if experience.stage is not None and experience.stage not in flow.stages:
        file.fail(
            (*path, "stage"),
            f"{experience.stage!r} is no stage of [flow.stages]; "
            f"they are {', '.join(flow.stages) or 'none'}",
        )
    if experience.source is None and experience.kind == "timing":
        experience = replace(experience, source=timings_of(flow).get(key))
    if experience.kind == "nps" and not (
        isinstance(value, dict) and "drop" in value.get("alert", {})
    ):
        experience = replace(experience, alert=replace(experience.alert, drop=NPS_DROP))
    _check_kind(file, key, experience, flow)
    _check_numbers(file, path, experience)
    return experience


def _check_kind(file: CatalogueText, key: str, experience: Experience, flow: Flow) -> None:
    path, timings = ("experience", key), timings_of(flow)
    if experience.kind != "timing" and key in timings:
        file.fail((*path, "kind"), "must be 'timing': it is measured from timestamps")
    if experience.source is not None:
        _check_source(file, path, experience, experience.source, flow)
    elif experience.kind == "timing":
        known = f"without it only {', '.join(timings)} are known" if timings else "there is no flow"
        file.fail((*path, "source"), f"is missing: it says what is measured; {known}")
    elif experience.kind not in ANSWERED:
        file.fail((*path, "source"), f"is missing: it says where the {experience.kind} comes from")
    elif experience.unit != "score":
        file.fail((*path, "unit"), "must be 'score': it is answered")
    if experience.unit != "score" and experience.key:
        file.fail(
            (*path, "key"),
            f"an experience in {experience.unit} cannot be a key experience: its scale is no score",
        )


def _check_source(
    file: CatalogueText, path: Sequence[str], experience: Experience, source: Source, flow: Flow
) -> None:
    for name, problem in problems(source, flow.stages):
        file.fail((*path, "source", *filter(None, [name])), problem)
    if experience.kind not in kinds_of(source):
        file.fail(
            (*path, "kind"),
            f"must be {' or '.join(map(repr, kinds_of(source)))} of this source",
        )
    if experience.unit != unit_of(source):
        file.fail((*path, "unit"), f"must be {unit_of(source)!r} of this source")


def _check_numbers(file: CatalogueText, path: Sequence[str], experience: Experience) -> None:
    upper = MAXIMUM_SCORE if experience.unit == "score" else math.inf
    lower = 0.0
    if experience.kind == "nps":
        lower, upper = -1.0, 1.0
    file.within((*path, "expectation"), experience.expectation, upper, lower)
    file.within((*path, "ideal"), experience.ideal, upper, lower)
    file.within((*path, "importance"), experience.importance, MAXIMUM_SCORE)
    alert = experience.alert
    widest = 2.0 if experience.kind == "nps" else max(upper, MAXIMUM_SCORE)
    file.within((*path, "alert", "drop"), alert.drop, widest)
    if not alert.drop:
        file.fail((*path, "alert", "drop"), "must be more than 0: else whatever happens is a drop")
    if alert.minimum_samples < 1:
        file.fail((*path, "alert", "minimum_samples"), "must be at least 1")
    for name in ("satisfaction_below", "weighted_satisfaction_below"):
        value = getattr(alert, name)
        if value is not None and not math.isfinite(value):
            file.fail((*path, "alert", name), f"must be a finite number, not {value:g}")
