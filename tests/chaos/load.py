"""Messages that keep coming while faults happen.

Sent on a thread at a steady rate, each until it is acknowledged.
"""

from __future__ import annotations

import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any, Self

from kafka.errors import KafkaError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chaos.service import ChaosService

    from voc_stream.simulator.delivery.message import SimulatedMessage

ACKNOWLEDGED_TIMEOUT_SECONDS = 240.0


class Load:
    """Sends while the block runs; what is left when it ends goes out at once.

    Leaving waits for every acknowledgement.

    Args:
        service: whose topics.
        messages: in order of sending.
        per_second: how many a second.
    """

    def __init__(
        self, service: ChaosService, messages: Sequence[SimulatedMessage], per_second: float
    ) -> None:
        self._service = service
        self._messages = messages
        self._per_second = per_second
        self._hurry = threading.Event()
        self._given_up = False
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._given_up = kind is not None
        self._hurry.set()
        self._thread.join(10 if self._given_up else ACKNOWLEDGED_TIMEOUT_SECONDS)
        if not self._given_up:
            assert not self._thread.is_alive(), "every message is acknowledged"
            if self._error is not None:
                raise self._error

    @property
    def is_over(self) -> bool:
        """Whether everything was sent and acknowledged."""
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            with closing(self._service.producer()) as producer:
                pending = list(self._messages)
                while pending and not self._given_up:
                    pending = self._send(producer, pending)
        except Exception as error:  # noqa: BLE001  raised where the block ends
            self._error = error

    def _send(self, producer: Any, messages: Sequence[SimulatedMessage]) -> list[SimulatedMessage]:
        """Send in order at the rate.

        Returns those of which nobody knows whether they arrived, to be sent again: events count
        once by their id.
        """
        started = time.monotonic()
        sent = []
        for number, message in enumerate(messages):
            self._hurry.wait(max(0.0, started + number / self._per_second - time.monotonic()))
            if self._given_up:
                return []
            self._service.sent.append(message.value)
            try:
                future = producer.send(
                    self._service.settings.topic_prefix + message.topic,
                    value=message.value,
                    key=message.key,
                )
            except KafkaError:
                sent.append((message, None))
            else:
                sent.append((message, future))
        return [message for message, future in sent if not _is_acknowledged(future)]


def _is_acknowledged(future: Any) -> bool:
    try:
        if future is not None:
            future.get(ACKNOWLEDGED_TIMEOUT_SECONDS / 2)
            return True
    except KafkaError:
        pass
    return False
