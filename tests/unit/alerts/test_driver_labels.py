from __future__ import annotations

import pytest

from voc_stream.alerts.driver_labels import DRIVER_LABELS, because, leading_driver
from voc_stream.catalogue.load import load_catalogue
from voc_stream.settings import PACKAGED_CATALOGUES


def test_drivers_that_raise_nothing_explain_nothing() -> None:
    """A multiplier of 1 contributes 0."""
    assert leading_driver({}) is None
    assert leading_driver({"base": 5, "resolved_quickly_minor": 0}) is None


@pytest.mark.parametrize("name", sorted(PACKAGED_CATALOGUES))
def test_every_driver_reads_in_both_languages(name: str) -> None:
    """No summary tells the name of a setting: each driver of each catalogue has its words."""
    assert DRIVER_LABELS.keys() >= load_catalogue(name).churn.multipliers.keys()
    assert because("broken_promise") == (
        ", mostly because of a broken promise",
        "，主要原因：未按承诺时间交付",
    )
