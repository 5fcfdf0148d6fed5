"""Records what happened in one visit of any trade, as the customer felt it."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from voc_stream.simulator.journey import ORDINARY_SCORE

if TYPE_CHECKING:
    from voc_stream.simulator.any_trade.trade import Trade
    from voc_stream.simulator.customers import SimulatedCustomer
    from voc_stream.simulator.network import Advisor, Shop

LATE_COSTS, MISSED_COSTS = 2.5, 0.6
"""How many points a broken promise and a step that is left out take from every rating."""
WORST_AND_BEST = (-1.2, 0.3)
"""Points by which a rating may differ at one site from what is ordinary."""


@dataclass(slots=True, kw_only=True)
class Stay:
    """One visit. Times are working seconds.

    Attributes:
        order_id: None in a trade without orders.
        attitude: of the advisor at the time, in points.
        final_amount: what it cost; None in a trade without orders.
        promised: what was promised first, which the customer remembers.
        delivered: when the visit ended.
        late: whether that was after the first promise.
        done: the process items, and whether each was done.
    """

    trade: Trade
    order_id: str | None
    journey_id: str
    customer: SimulatedCustomer
    shop: Shop
    advisor: Advisor
    attitude: float
    done: dict[str, bool]
    final_amount: float | None = None
    promised: float | None = None
    delivered: float | None = None
    late: bool = False

    def felt(self, experience: str) -> float:
        """What the customer feels about a rating, before the noise of answering."""
        site = Random(f"{self.shop.site_id} {experience}").uniform(*WORST_AND_BEST)  # noqa: S311  a simulation, no secret
        missed = MISSED_COSTS * sum(not is_done for is_done in self.done.values())
        return (
            ORDINARY_SCORE
            + self.customer.leniency
            + site
            + self.attitude
            - LATE_COSTS * self.late
            - missed
        )

    def score(self, experience: str, random: Random, decimals: int = 0) -> float:
        """A score from 0 to 10 that the customer gives to a rating."""
        value = round(self.felt(experience) + random.gauss(0.0, 0.8), decimals)
        return min(10.0, max(0.0, value))

    def worst(self) -> str | None:
        """The rating that the customer feels worst about; None where there are no ratings."""
        return min(self.trade.ratings, key=self.felt, default=None)
