"""Disturbs the way from the event to the topic.

Some messages are sent late, some twice, and some are broken. Some are taken back or contradicted.
It has its own randomness. So the same events happen with other shares, and what is taken back
changes nothing about the other messages.
"""

from __future__ import annotations

import heapq
import math
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

import msgspec

from voc_stream.events.topics import TOPIC_OF_TYPE, key_of
from voc_stream.events.types import Retraction
from voc_stream.simulator.delivery.broken import MISTAKES, break_callback, sound_callback
from voc_stream.simulator.delivery.message import (
    BROKEN,
    CONFLICTING,
    DUPLICATE,
    LATE,
    RETRACTION,
    VALID,
    SimulatedMessage,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from voc_stream.events.types.base import CustomerEvent
    from voc_stream.simulator.options import Noise


class DisturbedChannel:
    """Takes events as they happen and gives messages in order of sending."""

    def __init__(self, noise: Noise, seed: str) -> None:
        self._noise = noise
        self._random = Random(f"noise {seed}")  # noqa: S311  a simulation, no secret
        self._second_thoughts = Random(f"second thoughts {seed}")  # noqa: S311  it is no secret
        self._encode = msgspec.json.Encoder().encode
        self._waiting: list[tuple[datetime, int, SimulatedMessage]] = []
        self._number = 0

    def put(self, event: CustomerEvent) -> None:
        """An event happens: it will be sent, and perhaps more with it."""
        noise, random = self._noise, self._random
        moment, key = event.occurred_at, event.customer_id.encode()
        late = random.random() < noise.late_share
        sent_at = moment + self._delay(noise.late_delay_seconds) if late else moment
        message = SimulatedMessage(
            sent_at,
            moment,
            event.topic,
            key,
            self._encode(event),
            LATE if late else VALID,
        )
        self._send(message)
        if random.random() < noise.duplicate_share:
            self._send(
                message._replace(
                    sent_at=sent_at + self._delay(noise.duplicate_delay_seconds), kind=DUPLICATE
                )
            )
        if random.random() < noise.broken_share:
            fields = sound_callback(f"{event.event_id}-broken", event.customer_id, moment)
            broken = break_callback(random.choice(MISTAKES), fields, noise.huge_string_bytes)
            self._send(
                SimulatedMessage(
                    moment, moment, "callbacks", key, broken.value, BROKEN + broken.reason
                )
            )
        self._think_again(event, message)

    def _think_again(self, event: CustomerEvent, message: SimulatedMessage) -> None:
        """Perhaps the event is taken back later, or its id is used again for something else."""
        noise, random = self._noise, self._second_thoughts
        drawn = random.random()
        if drawn >= noise.retracted_share + noise.conflicting_share:
            return
        sent_at = message.sent_at + self._delay(noise.second_thought_delay_seconds, random)
        if drawn < noise.retracted_share:
            retraction = Retraction(
                event_id=f"{event.event_id}-retraction",
                occurred_at=sent_at,
                event_ids=[event.event_id],
                reason="entered by mistake",
            )
            key, value = key_of(retraction), self._encode(retraction)
            self._send(
                SimulatedMessage(
                    sent_at, sent_at, TOPIC_OF_TYPE["retraction"], key, value, RETRACTION
                )
            )
        else:
            value = (message.value or b"")[:-1] + b',"corrected_by":"hand"}'
            self._send(message._replace(sent_at=sent_at, value=value, kind=CONFLICTING))

    def sent_by(self, moment: datetime) -> Iterator[SimulatedMessage]:
        """The messages that are sent before or at `moment` and were not given yet."""
        while self._waiting and self._waiting[0][0] <= moment:
            yield heapq.heappop(self._waiting)[2]

    def _send(self, message: SimulatedMessage) -> None:
        self._number += 1
        heapq.heappush(self._waiting, (message.sent_at, self._number, message))

    def _delay(self, between: tuple[float, float], random: Random | None = None) -> timedelta:
        low, high = between
        seconds = math.exp((random or self._random).uniform(math.log(low), math.log(high)))
        return timedelta(milliseconds=round(seconds * 1000))
