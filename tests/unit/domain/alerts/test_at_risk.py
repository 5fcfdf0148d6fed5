from __future__ import annotations

from voc_stream.domain.alerts.at_risk import leading_driver


def test_drivers_that_raise_nothing_explain_nothing() -> None:
    """A multiplier of 1 contributes 0."""
    assert leading_driver({}) is None
    assert leading_driver({"base": 5, "resolved_quickly_minor": 0}) is None
