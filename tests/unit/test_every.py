"""When something is done again."""

from __future__ import annotations

import pytest

from voc_stream.every import Every


@pytest.mark.parametrize(
    ("moment", "is_due"), [(100.0, False), (159.9, False), (160.0, True), (99.9, True)]
)
def test_what_is_old_enough_is_due(moment: float, is_due: bool) -> None:
    """Work is due neither sooner nor later.

    A clock that was put back must not put the work off until it is there again.
    """
    minutely = Every(60.0)
    minutely.done(100.0)
    assert minutely.is_due(moment) is is_due


def test_what_was_never_done_or_is_forgotten_is_due() -> None:
    """Work that failed is not said to be done, so it is due with the next call."""
    minutely = Every(60.0)
    assert minutely.is_due(0.0)
    assert minutely.is_due(1.0)
    minutely.done(1.0)
    assert not minutely.is_due(2.0)
    minutely.forget()
    assert minutely.is_due(2.0)
