"""Ends a worker that something refuses, once its settings have changed.

So a password that was mended in its file is used.
"""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING

from voc_stream.kafka.life.watchdog import EXIT_CODE

if TYPE_CHECKING:
    from collections.abc import Callable

CHECK_INTERVAL_SECONDS = 2.0

log = logging.getLogger(__name__)


def _exit() -> None:
    log.warning(
        "the settings have changed: ending with code %d, to be started again with them; nothing is"
        " lost",
        EXIT_CODE,
    )
    logging.shutdown()
    os._exit(EXIT_CODE)


class SettingsWatch(threading.Thread):
    """Looks at the settings while the worker is in trouble.

    A worker that is well is left in peace until it is started again.

    Args:
        in_trouble: whether Kafka or PostgreSQL does not serve the worker.
        have_changed: whether variables and files now say something else than at the start.
        end: ends the process.
    """

    def __init__(
        self,
        in_trouble: Callable[[], bool],
        have_changed: Callable[[], bool],
        end: Callable[[], None] = _exit,
    ) -> None:
        super().__init__(name="voc-settings", daemon=True)
        self._in_trouble = in_trouble
        self._have_changed = have_changed
        self._end = end
        self._stopped = threading.Event()

    def run(self) -> None:
        """Look until stopped."""
        while not self._stopped.wait(CHECK_INTERVAL_SECONDS):
            if self._in_trouble() and self._have_changed():
                self._end()
                return

    def stop(self) -> None:
        """Stop looking."""
        self._stopped.set()
