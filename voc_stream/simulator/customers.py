"""Draws the customers of the simulation, and which of them comes next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voc_stream.simulator.network import PRODUCTS

if TYPE_CHECKING:
    from random import Random

    from voc_stream.events.types.fields import LifecycleStage
    from voc_stream.simulator.network import Shop

SEGMENTS = {"standard": 60, "premium": 20, "fleet": 15, "taxi": 5}
YEARLY_VALUE = {"standard": 3_000.0, "premium": 9_000.0, "fleet": 25_000.0, "taxi": 12_000.0}
LIFECYCLE: dict[LifecycleStage, int] = {"user": 80, "contracted": 15, "opportunity": 5}
RETURNING_SHARE = 0.4
REMEMBERED = 20_000
GRUMBLER_SHARE, GRUMBLERS_DEDUCT = 0.05, 2.0


@dataclass(slots=True, kw_only=True)
class SimulatedCustomer:
    """A customer: the facts that are sent, and the state that decides what happens.

    `leniency` is in points of the score scale.
    """

    customer_id: str
    shop: Shop
    segment: str
    annual_value: float
    lifecycle_stage: LifecycleStage
    product: str
    leniency: float
    introduced: bool = False
    in_shop: bool = False
    left: bool = False


class Customers:
    """Draws customers: some come again, the others are new. Remembers a bounded number."""

    def __init__(self, random: Random, shops: list[Shop], tag: str) -> None:
        self._random = random
        self._shops = shops
        self._sizes = [shop.size for shop in shops]
        self._tag = tag
        self._known: list[SimulatedCustomer] = []
        self._count = 0

    def next_visitor(self) -> SimulatedCustomer:
        """A customer who is not in a shop and has not left."""
        if self._known and self._random.random() < RETURNING_SHARE:
            known = self._random.choice(self._known)
            if not (known.in_shop or known.left):
                return known
        return self._remember(self._new())

    def _new(self) -> SimulatedCustomer:
        random = self._random
        self._count += 1
        segment = random.choices(tuple(SEGMENTS), tuple(SEGMENTS.values()))[0]
        return SimulatedCustomer(
            customer_id=f"C{self._tag}-{self._count:06d}",
            shop=random.choices(self._shops, self._sizes)[0],
            segment=segment,
            annual_value=round(YEARLY_VALUE[segment] * random.lognormvariate(0.0, 0.5), 2),
            lifecycle_stage=random.choices(tuple(LIFECYCLE), tuple(LIFECYCLE.values()))[0],
            product=random.choice(PRODUCTS),
            leniency=random.gauss(0.0, 0.5)
            - (GRUMBLERS_DEDUCT if random.random() < GRUMBLER_SHARE else 0.0),
        )

    def _remember(self, customer: SimulatedCustomer) -> SimulatedCustomer:
        if len(self._known) < REMEMBERED:
            self._known.append(customer)
        else:
            self._known[self._random.randrange(REMEMBERED)] = customer
        return customer
