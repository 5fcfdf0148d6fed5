"""What orders measure, judged from the moments of one order; bounds are as the pages say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from voc_stream.catalogue.measures import AmountRatio, Between, Count, KeptBy
from voc_stream.domain.measures.of_order import FOLLOWED_UP, Point, order_measures

if TYPE_CHECKING:
    from voc_stream.catalogue.measures import Source
    from voc_stream.catalogue.model import Catalogue
    from voc_stream.domain.measures.of_order import Judged

MINUTE = 60_000_000
DELIVERED, PROMISED = Point("delivered"), Point("promised")
INTO, OUT_OF = Point("enter", "work"), Point("exit", "work")


class Order(msgspec.Struct):
    """What is known of an order, without its events."""

    times: dict[Point, int] = {}
    opened: dict[str, int] = {}
    known_amounts: tuple[int, int, int] | None = None
    promise_moves: int | None = None

    def at(self, point: Point) -> int | None:
        """A moment of the order."""
        return self.times.get(point)

    def open_for(self, stage: str) -> int | None:
        """The opening time of a stage."""
        return self.opened.get(stage)

    def amounts(self) -> tuple[int, int, int] | None:
        """The final and the estimated amount, and since when they are known."""
        return self.known_amounts


def judged(catalogue: Catalogue, source: Source, order: Order) -> Judged:
    kind = catalogue.experience["on_time_delivery"]
    only = {"one": msgspec.structs.replace(kind, source=source)}
    (measure,) = order_measures(msgspec.structs.replace(catalogue, experience=only)).every
    return measure.judge(order)


@pytest.mark.parametrize(
    ("entered", "left", "expected"),
    [
        (0, 90 * MINUTE, (90 * MINUTE, 9000)),
        (5, 5, (5, 0)),
        (0, 300_000, (300_000, 1)),  # half a hundredth of a minute is rounded up
        (0, 299_999, (299_999, 0)),
        (MINUTE, 0, None),  # it cannot have ended before it began
        (None, MINUTE, None),
        (MINUTE, None, None),
    ],
)
def test_minutes_between_two_moments(
    catalogue: Catalogue, entered: int | None, left: int | None, expected: Judged
) -> None:
    """They count at the second moment; what is not known or cannot be meant counts as nothing."""
    known = {INTO: entered, OUT_OF: left}
    order = Order({point: time for point, time in known.items() if time is not None})
    source = Between(start="work.enter", end="work.exit")
    assert judged(catalogue, source, order) == expected


def test_a_wait_longer_than_plausible_measures_nothing(catalogue: Catalogue) -> None:
    """A wrong clock told it; the longest plausible wait itself counts."""
    source = Between(start="work.enter", end="work.exit")
    longest = round(catalogue.plausible.longest_stage_days * 24 * 60 * MINUTE)
    assert judged(catalogue, source, Order({INTO: 0, OUT_OF: longest})) is not None
    assert judged(catalogue, source, Order({INTO: 0, OUT_OF: longest + 1})) is None


def test_opening_time_needs_to_be_known(catalogue: Catalogue) -> None:
    """Without the opening hours of the site there is none, and the whole time is no stand-in."""
    source = Between(start="work.enter", end="work.exit", time="opening")
    times = {INTO: 0, OUT_OF: 90 * MINUTE}
    assert judged(catalogue, source, Order(times)) is None
    assert judged(catalogue, source, Order(times, {"work": 30 * MINUTE})) == (90 * MINUTE, 3000)


@pytest.mark.parametrize(("delivered", "value"), [(10, 1000), (11, 0)])
def test_a_promise_is_kept_until_its_moment(
    catalogue: Catalogue, delivered: int, value: int
) -> None:
    """The promised moment itself is in time; it counts at the delivery."""
    source = KeptBy(moment="delivered", promise="promised")
    order = Order({DELIVERED: delivered, PROMISED: 10})
    assert judged(catalogue, source, order) == (delivered, value)
    assert judged(catalogue, source, Order({DELIVERED: delivered})) is None


@pytest.mark.parametrize(("contact", "value"), [(None, 0), (2 * MINUTE, 1000), (2 * MINUTE + 1, 0)])
def test_what_was_due_counts_when_it_was_due(
    catalogue: Catalogue, contact: int | None, value: int
) -> None:
    """Also if nothing came: what was not done is counted, too."""
    source = KeptBy(moment="followed_up", after="delivered", within_minutes=2)
    times = {DELIVERED: 0} if contact is None else {DELIVERED: 0, FOLLOWED_UP: contact}
    assert judged(catalogue, source, Order(times)) == (2 * MINUTE, value)


@pytest.mark.parametrize(
    ("amounts", "above", "expected"),
    [
        ((11_000, 10_000, 7), None, (7, 11_000)),
        ((11_000, 10_000, 7), 110, (7, 0)),
        ((11_001, 10_000, 7), 110, (7, 1000)),
        ((11_000, 0, 7), None, None),
        ((10_000_001, 100, 7), None, None),  # more than a thousand times is a slip of the pen
        (None, None, None),
    ],
)
def test_an_amount_against_another(
    catalogue: Catalogue,
    amounts: tuple[int, int, int] | None,
    above: float | None,
    expected: Judged,
) -> None:
    """The ratio is in hundredths of a percent; a bound is passed only above it."""
    source = AmountRatio(above_percent=above)
    assert judged(catalogue, source, Order(known_amounts=amounts)) == expected


def test_moves_of_a_promise_are_counted_at_the_delivery(catalogue: Catalogue) -> None:
    """An order without a promise does not count as one that kept it unmoved."""
    source = Count(what="promise_moves", at="delivered")
    assert judged(catalogue, source, Order({DELIVERED: 5}, promise_moves=2)) == (5, 200)
    assert judged(catalogue, source, Order({DELIVERED: 5})) is None
