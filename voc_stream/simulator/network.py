"""Builds the group of workshops: shops of different quality, their staff and the call centre.

It is the same for every seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

REGIONS = ("north", "east", "south", "west")
PRODUCTS = ("Aurora 1.5", "Aurora Hybrid", "Boreal SUV", "Cirrus EV", "Delta Van", "Ember Coupe")
AGENTS = tuple(f"agent-{number}" for number in range(1, 7))
ADVISORS, TECHNICIANS = 3, 3


@dataclass(frozen=True, kw_only=True)
class Advisor:
    """A service advisor; `skill` is in points of the score scale, 0 is ordinary."""

    employee_id: str
    skill: float


@dataclass(frozen=True, kw_only=True)
class Shop:
    """A workshop.

    `slowness` multiplies the time of each stage. `friendliness` and `comfort` are points of the
    score scale, 0 is ordinary. `rework_share` is the share of repairs that fail their inspection.
    `size` is relative.
    """

    site_id: str
    region: str
    size: float
    slowness: float
    friendliness: float
    comfort: float
    rework_share: float
    advisors: tuple[Advisor, ...]
    technicians: tuple[str, ...]
    parts_clerk: str
    washer: str


# size, slowness, friendliness, comfort, rework share
_PROFILES = (
    (1.0, 0.85, 0.5, 0.4, 0.02),  # the model shop
    (1.0, 1.00, 0.0, 0.0, 0.05),
    (2.0, 0.95, 0.2, 0.3, 0.04),  # the large one, which declines by default
    (1.2, 1.35, 0.1, 0.0, 0.05),  # slow
    (1.0, 1.00, -1.6, -0.2, 0.05),  # unfriendly
    (0.8, 1.05, 0.1, -0.6, 0.05),  # shabby lounge
    (1.0, 1.00, 0.0, 0.0, 0.20),  # careless work
    (0.7, 1.25, -0.8, -0.4, 0.08),  # slow and unfriendly
)


def build_shop(number: int) -> Shop:
    """The shop with this number, from 1.

    Beyond the eight that are described the profiles repeat, with other staff.
    """
    site_id = f"shop-{number:02d}"
    random = Random(site_id)  # noqa: S311  a simulation, no secret
    size, slowness, friendliness, comfort, rework_share = _PROFILES[(number - 1) % len(_PROFILES)]
    return Shop(
        site_id=site_id,
        region=REGIONS[(number - 1) % len(REGIONS)],
        size=size,
        slowness=slowness,
        friendliness=friendliness,
        comfort=comfort,
        rework_share=rework_share,
        advisors=tuple(
            Advisor(employee_id=f"{site_id}-advisor-{k}", skill=random.uniform(-0.5, 0.5))
            for k in range(1, ADVISORS + 1)
        ),
        technicians=tuple(f"{site_id}-technician-{k}" for k in range(1, TECHNICIANS + 1)),
        parts_clerk=f"{site_id}-parts-1",
        washer=f"{site_id}-washer-1",
    )


def build_shops(count: int) -> list[Shop]:
    """The first `count` shops."""
    return [build_shop(number) for number in range(1, count + 1)]
