"""The experiences of a trade: read from TOML, validated, immutable.

The catalogue is the one place that names experiences and sets expectations, importance and thresholds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Factor = Literal["product", "service", "relationship", "convenience", "brand", "price"]
Kind = Literal["rating", "process", "timing"]
Unit = Literal["score", "minutes"]


class Label(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A name for people, in English and Chinese."""

    en: str
    zh: str


class Thresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When an experience is worth an alert; points of the score scale."""

    drop: float = 1.0
    satisfaction_below: float = 0.0
    weighted_satisfaction_below: float | None = None
    minimum_samples: int = 20


class Experience(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that customers judge, or that is measured for them. Score fields are 0-10 (minutes where `unit` says so)."""

    label: Label
    factor: Factor
    kind: Kind
    unit: Unit = "score"
    stage: str | None = None
    expectation: float | None = None
    importance: float | None = None
    ideal: float | None = None
    key: bool = False
    hygiene: bool = False
    alert: Thresholds = Thresholds()


class ChurnModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The risk model's numbers; the semantics are in voc_stream/domain/churn.py. Multipliers are factors on the hazard, >= 1."""

    version: str
    base_hazard_per_month: float
    horizon_months: float
    signal_days: int
    attitude_experience: str | None = None
    outcome_experience: str | None = None
    low_score: float
    multipliers: Mapping[str, float]
    bands: Mapping[str, float]


class Catalogue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A trade: its experiences by key, and its churn model."""

    trade: str
    label: Label
    churn: ChurnModel
    experience: Mapping[str, Experience]


class CatalogueError(ValueError):
    """A catalogue file is wrong; the message names the file, the key and the line."""


def load_catalogue(path: Path | None = None) -> Catalogue:
    """Read and validate a catalogue; the packaged automotive default where `path` is None."""
    raise NotImplementedError
