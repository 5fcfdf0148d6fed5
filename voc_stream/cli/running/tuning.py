"""Tunes a process that does nothing but work on batches, or on what many batches left."""

from __future__ import annotations

import gc
import sys

from voc_stream.cli.running.one_heap import use_one_heap

GARBAGE_COLLECTION_THRESHOLD = 100_000
SWITCH_INTERVAL_SECONDS = 0.001


def tune_interpreter() -> None:
    """Tune the whole process."""
    use_one_heap()  # 30 of 390 MiB less at the peak, flat over an hour, and no slower
    # Counting references frees nearly everything that a batch makes. Looking for cycles as often as
    # Python does by default costs a fifth.
    gc.freeze()
    gc.set_threshold(GARBAGE_COLLECTION_THRESHOLD)
    # Statements run on a thread of their own, and wait so long for their turn if the interpreter is
    # busy: 6 % faster than 5 ms.
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
