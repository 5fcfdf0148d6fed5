"""Keeps a library from filling the log with one message.

While brokers are away, aiokafka repeats itself hundreds of times a second.
"""

from __future__ import annotations

import logging
import threading

REST_SECONDS = 30.0
MOST_MESSAGES = 1_000


class Repetition(logging.Filter):
    """Lets a message through once in a while, and then says how often it was left out.

    Messages are the same if logger, level and text are; numbers and names in the text do not count.
    """

    def __init__(self, rest_seconds: float = REST_SECONDS) -> None:
        super().__init__()
        self._rest_seconds = rest_seconds
        self._lock = threading.Lock()
        self._shown: dict[tuple[str, int, str], float] = {}
        self._left_out: dict[tuple[str, int, str], int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to show this one."""
        key = (record.name, record.levelno, str(record.msg))
        with self._lock:
            shown = self._shown.get(key)
            if shown is not None and record.created - shown < self._rest_seconds:
                self._left_out[key] = self._left_out.get(key, 0) + 1
                return False
            left_out = self._left_out.pop(key, 0)
            if (
                len(self._shown) >= MOST_MESSAGES
            ):  # texts that were put together before they came here never end
                self._shown.clear()
                self._left_out.clear()
            self._shown[key] = record.created
        if left_out:
            record.msg, record.args = f"{record.getMessage()} (and {left_out} more like it)", ()
        return True
