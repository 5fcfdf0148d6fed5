from __future__ import annotations

from datetime import timedelta

from builders import START
from unit.domain.churn.signals.known import CALM, WINDOW, weights

from voc_stream.domain.churn.facts import ComplaintFacts


def test_a_complaint_that_ended_without_a_resolution_fades() -> None:
    """It is neither open nor resolved, and is forgotten as a resolved one is."""
    ended = ComplaintFacts("q-1", "minor", "withdrawn", False, START, None, None, START)
    known = CALM._replace(complaints=[ended])
    assert weights(known) == {"unresolved_complaint": 1.0}
    assert weights(known, START + timedelta(days=30)) == {"unresolved_complaint": 5 / 6}
    assert weights(known, START + WINDOW) == {}
    assert weights(CALM._replace(complaints=[ended._replace(ended_at=None)])) == {}
