"""What producers send.

Few people and orders, so that partitions change the same rows, and what should not be in a log but
is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from builders import at, callback, complaint, customer, message, repair_step, touchpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from builders import Event
    from model.fake_log import PartitionLog

_EVENTS: dict[str, Callable[..., Event]] = {
    "score": lambda event_id, **common: touchpoint(event_id, score=9.5, order_id="o-1", **common),
    "answer": lambda event_id, **common: callback(
        event_id, order_id="o-1", answers=[{"item": "overall", "score": 4}], **common
    ),
    "delivery": lambda event_id, **common: repair_step(
        event_id, stage="delivery", edge="exit", promised_at=at(minutes=2), **common
    ),
    "reception": lambda event_id, **common: repair_step(event_id, order_id="o-2", **common),
    "complaint": complaint,
    "resolution": lambda event_id, **common: complaint(event_id, action="resolved", **common),
    "gold": lambda event_id, **common: customer(event_id, segment="gold", **common),
    "silver": lambda event_id, **common: customer(
        event_id, segment="silver", region="north", **common
    ),
}
KINDS = (*_EVENTS, "repeated", "conflicting", "poison", "gap", "unreadable")


def send(log: PartitionLog, kind: str, number: int, minutes: int, sent: list[bytes]) -> None:
    """Append something of one kind to a log.

    `sent` are the events of all logs, and `number` chooses people and repetitions.
    """
    if kind == "gap":
        log.skip(2)
    elif kind == "unreadable":
        log.append_unreadable(3)
    elif kind in _EVENTS:
        event = _EVENTS[kind](
            f"v-{len(sent):03}", occurred_at=at(minutes=minutes), customer_id=f"u-{number % 2}"
        )
        sent.append(message(event))
        log.append(sent[-1])
    elif kind == "repeated" and sent:
        log.append(sent[number % len(sent)])
    elif kind == "conflicting" and sent:
        log.append(sent[number % len(sent)].replace(b"site_id", b"product"))
    else:
        log.append(b"{" * number)
