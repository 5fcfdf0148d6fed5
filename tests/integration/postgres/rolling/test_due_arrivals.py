"""What counts when its days are over is heard by the detectors of drops then, and not before."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from builders import START
from integration.postgres.garage import LATER, Garage, declaration, text_of, visit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEARD = (
    "SELECT sum(n), sum(score_sum) FROM arrival WHERE experience = 'came_back'"
    " AND scope_type = 'all' HAVING count(*) > 0"
)


@pytest.fixture
def garage(shared_database: str, tmp_path: Path) -> Iterator[Garage]:
    key = declaration("came_back", "visit", "delivered", 30, "no").replace(
        'kind = "share"', 'kind = "share"\nkey = true'
    )
    with Garage(shared_database, tmp_path, text_of() + key) as opened:
        opened.clear()
        yield opened


def test_detectors_hear_of_it_when_it_is_due(garage: Garage) -> None:
    """A visit within the days is no fall in scores: nobody has heard that there was none."""
    chores = garage.chores()
    garage.take_in(*visit("o-1", 0), now=LATER)
    for days, order_id in ((1, "o-2"), (29, "o-3")):
        chores.refresh(START + timedelta(days=days))
        assert garage.ask(HEARD) == []
        garage.take_in(*visit(order_id, days), now=LATER)
    chores.refresh(START + timedelta(days=30, hours=2, minutes=59))
    assert garage.ask(HEARD) == []
    chores.refresh(START + timedelta(days=30, hours=3, minutes=1))
    assert garage.ask(HEARD) == [(1, 0)]
    # Once: the next hour tells nothing of it again. What comes late is told as it comes.
    chores.refresh(START + timedelta(days=30, hours=5))
    assert garage.ask(HEARD) == [(1, 0)]
    chores.refresh(START + timedelta(days=31, hours=3, minutes=1))
    assert garage.ask(HEARD) == [(2, 0)]
