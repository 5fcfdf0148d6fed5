"""Checks what a churn model must be, as docs/reference/catalogue.md says."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, get_args

from voc_stream.catalogue.model import MAXIMUM_SCORE, Band
from voc_stream.domain.churn.signals import SIGNAL_NAMES, SIGNALS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voc_stream.catalogue.model import ChurnModel, Experience
    from voc_stream.catalogue.reading.file_text import CatalogueText


def check_churn(
    file: CatalogueText, churn: ChurnModel, experiences: Mapping[str, Experience]
) -> None:
    """Complain about the first number or name of the model that cannot be meant."""
    for name in ("base_hazard_per_month", "horizon_months", "signal_days"):
        value = getattr(churn, name)
        if not (value > 0 and math.isfinite(value)):
            file.fail(("churn", name), f"must be more than 0, not {value:g}")
    file.within(("churn", "low_score"), churn.low_score, MAXIMUM_SCORE)
    for name in ("attitude_experience", "outcome_experience"):
        key = getattr(churn, name)
        if key is not None and (key not in experiences or experiences[key].kind != "rating"):
            file.fail(("churn", name), f"{key!r} is not a rating of this catalogue")
    for signal, factor in churn.multipliers.items():
        if signal not in SIGNAL_NAMES:
            file.fail(
                ("churn", "multipliers", signal),
                f"is no signal; the signals are {', '.join(each.name for each in SIGNALS)}",
            )
        if not (factor > 0 and math.isfinite(factor)):
            file.fail(
                ("churn", "multipliers", signal),
                f"must be more than 0, not {factor:g}: below 1 a signal lowers the risk",
            )
    _check_rising(file, churn.multipliers)
    _check_bands(file, churn.bands)


def _check_rising(file: CatalogueText, multipliers: Mapping[str, float]) -> None:
    for signal in SIGNALS:
        least, most = multipliers.get(signal.rises_from or ""), multipliers.get(signal.name)
        if least is not None and most is not None and most < least:
            file.fail(
                ("churn", "multipliers", signal.name),
                f"must be at least {least:g}, as {signal.rises_from} is: it rises from there",
            )


def _check_bands(file: CatalogueText, bands: Mapping[str, float]) -> None:
    for band in bands:
        if band not in get_args(Band):
            file.fail(
                ("churn", "bands", band),
                f"is no band; the bands above low are {', '.join(get_args(Band))}",
            )
    previous = 0.0
    for band in get_args(Band):
        bound = bands.get(band)
        if bound is None:
            continue
        if not previous < bound < 1:
            file.fail(
                ("churn", "bands", band),
                f"must be more than {previous:g} and less than 1, not {bound:g}: bounds ascend",
            )
        previous = bound
