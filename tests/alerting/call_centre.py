"""The simulated call centre at work, in real time, as long as it is not stopped."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING, Self

from voc_stream.kafka.timed_sender import slices_in_time
from voc_stream.simulator.call_centre import simulate

if TYPE_CHECKING:
    from end_to_end.harness import Service

    from voc_stream.simulator.options import SimulationOptions

STOP_TIMEOUT_SECONDS = 150.0


class CallCentre:
    """Sends a history at once, then every event when it occurs.

    The service remembers what was sent.

    Args:
        service: whose topics.
        options: of the simulation; its start should be now.
    """

    def __init__(self, service: Service, options: SimulationOptions) -> None:
        self._service = service
        self._options = options
        self._stop = threading.Event()
        self._errors: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, name="call centre", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(STOP_TIMEOUT_SECONDS)

    def stop(self) -> None:
        """Send no more, and wait until all that was sent is acknowledged.

        Raises what went wrong.
        """
        self.__exit__()
        assert not self._thread.is_alive(), "every message is acknowledged"
        if self._errors:
            raise self._errors[0]

    def _run(self) -> None:
        service = self._service
        try:
            with closing(service.producer()) as producer:
                for due in slices_in_time(simulate(self._options), self._stop):
                    for message in due:
                        service.sent.append(message.value)
                        future = producer.send(
                            service.settings.topic_prefix + message.topic,
                            value=message.value,
                            key=message.key,
                        )
                        future.add_errback(self._errors.append)
                producer.flush(timeout=STOP_TIMEOUT_SECONDS - 30)
        except Exception as error:  # noqa: BLE001  raised by stop()
            self._errors.append(error)
