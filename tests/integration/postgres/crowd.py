"""Many events about few people, repeatable, for tests in which threads meet."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from builders import (
    ACTIONS,
    RATINGS,
    STAGES,
    at,
    callback,
    complaint,
    customer,
    repair_step,
    touchpoint,
)

if TYPE_CHECKING:
    from builders import Event


def crowd(count: int, seed: int = 1, prefix: str = "x") -> list[Event]:
    """Valid events with ids of their own.

    Their customers, orders and complaints are the same few for every seed.
    """
    random = Random(seed)
    return [_event(random, f"{prefix}-{seed}-{number}") for number in range(count)]


def _event(random: Random, event_id: str) -> Event:
    kind = random.choice([touchpoint, callback, complaint, repair_step, repair_step, customer])
    fields: Event = {
        "occurred_at": at(minutes=random.randrange(40_000)),
        "customer_id": f"u-{random.randrange(5)}",
        "site_id": f"s-{random.randrange(2)}",
        "order_id": f"o-{random.randrange(6)}",
        "product": random.choice([None, "p-1", "p-2"]),
    }
    if kind is touchpoint:
        fields |= {"experience": random.choice(RATINGS), "score": random.randrange(1001) / 100}
    elif kind is callback:
        fields |= {
            "answers": [
                {"item": random.choice(RATINGS), "score": random.randrange(11)},
                {"item": "advice_given", "done": True},
            ],
            "mode": random.choice([None, "phone", "web"]),
        }
    elif kind is complaint:
        fields |= {
            "complaint_id": f"q-{random.randrange(4)}",
            "action": random.choice(ACTIONS),
            "severity": random.choice(["minor", "major"]),
        }
    elif kind is repair_step:
        fields |= {
            "stage": random.choice(STAGES),
            "edge": random.choice(["enter", "exit"]),
            "promised_at": at(days=random.randrange(20)),
        }
    else:
        fields |= {
            "segment": random.choice([None, "g-1", "g-2"]),
            "region": random.choice([None, "n-1"]),
            "annual_value": 100,
        }
    return kind(event_id, **fields)
