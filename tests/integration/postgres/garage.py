"""A workshop whose catalogue declares what happened within some days, as a test wants it."""

from __future__ import annotations

import tomllib
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from builders import CATALOGUE_PATH, START, at, repair_step
from comparison import assert_tables_equal, read_tables
from integration.postgres.store import Store
from integration.postgres.waiting import waiting
from oracle import expected_tables

from voc_stream.catalogue.load import load_catalogue

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from builders import Event

LATER = START + timedelta(days=120)
"""When most of the days are over."""
DECLARED = """
[experience."{key}"]
label = {{ en = "{key}", zh = "体验" }}
factor = "service"
kind = "share"

[experience."{key}".source]
from = "happened_within"
what = "{what}"
after = "{after}"
days = {days}
good = "{good}"
"""
MEASURES = (
    ("came_back", "visit", "delivered", 30, "no"),
    ("came_back_at_once", "visit", "delivered", 1, "yes"),
    ("complained_after", "complaint", "delivered", 10, "no"),
    ("complained_again", "complaint", "complaint.opened", 30, "no"),
    ("visited_after_complaint", "visit", "complaint.opened", 10, "yes"),
)
NAMES = ("experience_daily", "rolling_satisfaction", "repair_order", "complaint", "customer")


def declaration(key: str, what: str, after: str, days: int, good: str) -> str:
    """The block of one measure."""
    return DECLARED.format(key=key, what=what, after=after, days=days, good=good)


class Garage(Store):
    """A store whose catalogue declares further measures; the oracle reads the same one."""

    def __init__(self, url: str, folder: Path, text: str) -> None:
        """`text` is the catalogue's."""
        path = folder / "garage.toml"
        path.write_text(text, encoding="utf-8")
        self.toml: dict[str, Any] = tomllib.loads(text)
        super().__init__(url, load_catalogue(path))

    def settle(self, now: datetime = LATER) -> None:
        """Take back, move and refresh all that waits."""
        chores = self.chores()
        chores.take_back(now)
        self.move_histories()
        chores.refresh(now)

    def assert_is_the_oracles(self, values: Sequence[bytes]) -> None:
        """Once all has settled."""
        expected = expected_tables(values, self.toml, LATER, LATER)
        wanted = {name: expected[name] for name in NAMES}
        assert_tables_equal(wanted, read_tables(self.url, wanted))

    def told(self, experience: str) -> list[tuple[str, datetime, int]]:
        """The values of an experience that stand: at which site, when they count, in points."""
        counts: Counter[tuple[datetime, str, int]] = Counter()
        for one in waiting(self):
            if one.experience == experience:
                counts[one.moment, one.site_id, one.value // 100] += one.weight
        return [
            (site_id, moment, points)
            for (moment, site_id, points), count in sorted(counts.items())
            for _ in range(count)
        ]


def text_of(*measures: tuple[str, str, str, int, str]) -> str:
    """The packaged catalogue with these measures and none of its own that look beyond an order."""
    text = CATALOGUE_PATH.read_text(encoding="utf-8")
    blocks = text.split("\n\n")
    kept = [block for block in blocks if 'from = "happened_within"' not in block]
    assert len(kept) < len(blocks)
    return "\n\n".join(kept) + "".join(declaration(*one) for one in measures)


def visit(order_id: str, day: float, **fields: Any) -> list[Event]:
    """A visit of three hours."""
    return [
        repair_step(
            f"{order_id}-{stage}-{edge}",
            order_id=order_id,
            stage=stage,
            edge=edge,
            occurred_at=at(days=day, hours=hours),
            **fields,
        )
        for stage, edge, hours in (("reception", "enter", 0), ("delivery", "exit", 3))
    ]
