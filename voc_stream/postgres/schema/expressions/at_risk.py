"""Gives SQL of the customers at risk, as an index and the readers of its rows have to write it."""

from __future__ import annotations

from voc_stream.domain.churn.hazard import AT_RISK_BANDS

AT_RISK = f"band IN ({', '.join(repr(band) for band in AT_RISK_BANDS)})"
"""SQL of whether a row of `churn_risk` is of a customer at risk.

An index contains these rows alone. They are few, so what is asked about them reads no other.
"""
