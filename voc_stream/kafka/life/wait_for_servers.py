"""Waits for Kafka and PostgreSQL before the worker starts.

A worker that comes up before them waits and says so, and does not crash in a loop.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from voc_stream.kafka.connection.ask import TopicsError
from voc_stream.kafka.topics import input_topics, require_worker_access
from voc_stream.pipeline.ports import Partition, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from voc_stream.pipeline.ports import BatchSink
    from voc_stream.settings import Settings

PAUSE_SECONDS = 1.0
REPEAT_MESSAGE_SECONDS = 30.0

log = logging.getLogger(__name__)


def wait_for_both(
    settings: Settings,
    sink: BatchSink,
    check: Callable[[], str | None],
    stopped: Event,
    report: Callable[[str | None], None],
) -> bool:
    """Wait until topics and tables are there, and `check` finds nothing.

    `report` is told what is missing, at last None. Returns False if `stopped` was set first.
    """
    said, said_at = "", 0.0
    while not stopped.is_set():
        problem = what_is_missing(settings, sink, check)
        report(problem)
        if problem is None:
            return True
        if problem != said or time.monotonic() - said_at > REPEAT_MESSAGE_SECONDS:
            log.warning("waiting: %s", problem)
            said, said_at = problem, time.monotonic()
        stopped.wait(PAUSE_SECONDS)
    return False


def what_is_missing(
    settings: Settings, sink: BatchSink, check: Callable[[], str | None]
) -> str | None:
    """What keeps a worker from starting, in words for an operator; None if nothing does.

    `check` is asked if both are there.
    """
    try:
        require_worker_access(settings)
        sink.positions([Partition(input_topics(settings.topic_prefix)[0], 0)])
        return check()
    except (TopicsError, StoreUnavailableError) as error:
        return str(error)
