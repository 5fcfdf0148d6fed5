"""Records what happened in one visit, as the customer felt it; every score follows from that."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from voc_stream.simulator.customers import SimulatedCustomer
    from voc_stream.simulator.network import Advisor, Shop

Stage = Literal[
    "appointment",
    "reception",
    "diagnosis",
    "estimate",
    "parts",
    "dispatch",
    "work",
    "inspection",
    "wash",
    "settlement",
    "delivery",
    "follow_up",
]
STAGES: tuple[str, ...] = get_args(Stage)
"""The stages of the automotive catalogue, in the order in which they follow each other."""
RATINGS = (
    "reception_wait",
    "lounge_comfort",
    "explanation",
    "fair_charge",
    "car_cleanliness",
    "service_time",
    "repair_quality",
    "advisor_service",
    "overall",
)
TOLD_SHARE = 0.5
"""The share of the orders whose advisor tells of a delay."""
ORDINARY_SCORE = 9.3
"""Most people are content: scores crowd below the ceiling."""


@dataclass(slots=True, kw_only=True)
class Journey:
    """One visit. Times are working seconds, None while they have not come.

    `attitude` is that of the advisor at the time; `promised` is what was promised first, which the
    customer remembers, whatever is promised later.
    """

    order_id: str
    journey_id: str
    customer: SimulatedCustomer
    shop: Shop
    advisor: Advisor
    attitude: float
    booked: bool
    wait_minutes: float = 0.0
    estimated_amount: float | None = None
    final_amount: float | None = None
    promised: float | None = None
    promised_again: float | None = None
    delivered: float | None = None
    late: bool = False
    washed: bool = True
    reworked: bool = False
    work_completed: bool = True
    inspection_invited: bool = True
    advice_given: bool = True
    refreshments: bool = True

    # These follow from the order alone, so that nothing else of the story depends on them.
    @property
    def is_told_of_delays(self) -> bool:
        """Whether the advisor moves a promise that cannot be kept."""
        return Random(f"told {self.order_id}").random() < TOLD_SHARE  # noqa: S311  a simulation, no secret

    @property
    def minutes_to_book(self) -> float:
        """How long it takes to make the appointment."""
        return Random(f"booked {self.order_id}").uniform(3, 8)  # noqa: S311  a simulation, no secret

    def felt(self, experience: str) -> float:
        """What the customer feels about a rating of the catalogue, before the noise of answering.

        May lie outside 0-10.
        """
        ordinary = ORDINARY_SCORE + self.customer.leniency
        if experience != "overall":
            return ordinary + self._deviation(experience)
        parts = [ordinary + self._deviation(part) for part in RATINGS if part != "overall"]
        return (
            0.3 * sum(parts) / len(parts)
            + 0.5 * min(parts)
            + 0.2 * self.felt("advisor_service")
            + 0.6
        )

    def _deviation(self, experience: str) -> float:
        """How much better or worse than ordinary a part of the visit was."""
        return {
            "reception_wait": -max(0.0, self.wait_minutes - 12.0) / 8.0,
            "lounge_comfort": -0.3 + self.shop.comfort - 0.8 * (not self.refreshments),
            "explanation": 0.7 * self.attitude - 1.5 * (self.estimated_amount is None),
            "fair_charge": -0.7 - 9.0 * max(0.0, self.overrun_share),
            "car_cleanliness": -1.8 * (not self.washed),
            "service_time": -4.0 * self.late,
            "repair_quality": -1.8 * self.reworked - 3.5 * (not self.work_completed),
            "advisor_service": self.attitude
            - 0.6 * self.late
            + (0.2 if self.advice_given else -0.4),
        }[experience]

    def score(self, experience: str, random: Random, decimals: int = 0) -> float:
        """A score from 0 to 10 that the customer gives to a rating."""
        value = round(self.felt(experience) + random.gauss(0.0, 0.8), decimals)
        return min(10.0, max(0.0, value))

    def worst(self) -> str:
        """The rating that the customer feels worst about."""
        return min(RATINGS[:-1], key=self.felt)

    @property
    def overrun_share(self) -> float:
        """The share by which the bill is above the estimate; 0 if there was no estimate."""
        if self.estimated_amount is None or self.final_amount is None:
            return 0.0
        return self.final_amount / self.estimated_amount - 1.0
