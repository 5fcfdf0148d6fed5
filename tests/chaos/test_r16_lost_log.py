"""R16: the log loses what was not yet read, or becomes another one.

Both are said aloud, and what is there counts.

The worker looks for another log under an old name every 3 s here; the service does so every 30 s.
"""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from chaos.recovery import Recovery, note
from chaos.service import hold_for
from end_to_end.call_centre import simulated_messages
from end_to_end.harness import chance
from kafka import KafkaAdminClient, TopicPartition

if TYPE_CHECKING:
    from chaos.service import ChaosService, ChaosWorker

EVENTS = 3_000
LOOKS_EVERY_SECONDS = 3
ANSWERED_SECONDS = 1.0
"""By then the broker has answered the fetch that a frozen worker was at.

Later it would answer with messages that are lost otherwise.
"""

pytestmark = pytest.mark.chaos


def forget(service: ChaosService) -> int:
    """Let the broker drop everything that is in the logs, as retention does.

    Returns how many messages the tables had not yet.
    """
    ends, positions = service.log_ends(), service.positions()
    with closing(KafkaAdminClient(bootstrap_servers=service.settings.kafka_bootstrap)) as admin:
        admin.delete_records({TopicPartition(*place): end for place, end in ends.items() if end})
    return sum(end - positions.get(place, 0) for place, end in ends.items())


@pytest.mark.parametrize("is_running", [False, True], ids=["stopped", "running"])
def test_retention_overtakes(service: ChaosService, is_running: bool) -> None:
    """What was dropped unread is counted by a metric, and everything after it is taken in."""
    random = chance()
    messages = simulated_messages(EVENTS, seed=random.randrange(2**32))
    third = len(messages) // 3
    worker = service.start_worker()
    service.send(messages[:third])
    service.wait_until_caught_up()
    if is_running:
        worker.freeze()  # for less than its session lasts: it keeps its partitions
        hold_for(ANSWERED_SECONDS)
    else:
        service.stop_worker(worker)
    service.send(messages[third : 2 * third], remember=False)
    lost = forget(service)
    assert lost > 0
    service.send(messages[2 * third :])
    began = time.monotonic()
    if is_running:
        worker.thaw()
    else:
        worker = service.start_worker()
    seconds = service.seconds_to_full_service(began)
    if is_running:
        assert worker.metric("voc_skipped_offsets_total") == lost
    else:
        assert worker.metric("voc_position_resets_total") > 0
        assert "are gone from the log (retention)" in worker.log
    service.assert_everything_holds()
    note(
        Recovery(
            "R16",
            f"retention overtakes a {'running' if is_running else 'stopped'} worker",
            "unread messages deleted from every log",
            "a metric tells the gap; all that is left counts",
            seconds,
        )
    )


def test_topics_deleted_and_made_again(service: ChaosService) -> None:
    """Other logs under the same names are noticed while the worker runs.

    They are read from their beginning and counted beside what was stored.
    """
    random = chance()
    messages = simulated_messages(EVENTS, seed=random.randrange(2**32))
    half = len(messages) // 2
    worker = service.start_worker(f"log_identity:{LOOKS_EVERY_SECONDS}")
    service.send(messages[:half])
    service.wait_until_caught_up()
    topics = sorted({topic for topic, _ in service.log_ends()})
    with closing(KafkaAdminClient(bootstrap_servers=service.settings.kafka_bootstrap)) as admin:
        admin.delete_topics(topics)
    service.command("init")
    service.send(messages[half:])
    sent_at = time.monotonic()
    service.wait_until(lambda: resets(worker) > 0, 60, "the worker notices")
    service.wait_until_all_are_stored()
    seconds = time.monotonic() - sent_at
    service.assert_everything_holds()
    note(
        Recovery(
            "R16",
            "topics deleted and made again",
            f"all of them, under a worker that looks every {LOOKS_EVERY_SECONDS} s",
            "a metric and an ERROR tell it; old and new events count once",
            seconds,
        )
    )


def resets(worker: ChaosWorker) -> float:
    """How many positions the worker found outside their logs, and 0 while it does not answer."""
    try:
        return worker.metric("voc_position_resets_total")
    except OSError:
        return 0.0
