"""Workers that die at any moment.

Every event still counts exactly once, and those that were taken back not at all.

Sizes: VOC_TEST_EVENTS (5000; 200000 is the full size, as `make test-chaos` has it) and
VOC_TEST_KILLS (5; 20). VOC_TEST_SEED replays the choices of a run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from end_to_end.call_centre import simulated_messages, with_second_thoughts
from end_to_end.harness import chance, from_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random

    from end_to_end.harness import Service

    from voc_stream.simulator.delivery.message import SimulatedMessage

EVENTS = from_environment("VOC_TEST_EVENTS", 5_000)
KILLS = from_environment("VOC_TEST_KILLS", 5)


def portions(
    messages: Sequence[SimulatedMessage], number: int
) -> Iterator[Sequence[SimulatedMessage]]:
    """The messages in order, cut into so many parts."""
    size = -(-len(messages) // number)
    return (messages[first : first + size] for first in range(0, len(messages), size))


def send_and_let_some_pass(
    service: Service, portion: Sequence[SimulatedMessage], random: Random
) -> None:
    """Send and wait until a random share of it is in the tables: the rest is then under way."""
    target = service.progress() + random.random() * 0.9 * len(portion)
    service.send(portion)
    service.wait_for_progress(target)


@pytest.mark.slow
def test_one_worker_killed_again_and_again(service: Service) -> None:
    """Killed with -9 in the midst of its work, and started again: all tables equal the oracle's."""
    random = chance()
    service.start_worker()
    for portion in portions(with_second_thoughts(simulated_messages(EVENTS), random), KILLS + 1):
        send_and_let_some_pass(service, portion, random)
        service.kill_worker(service.workers[0])
        service.start_worker()
    service.wait_until_caught_up()
    service.assert_tables_are_right()


@pytest.mark.slow
def test_two_workers_come_and_go(service: Service) -> None:
    """Two workers hand partitions over without losing or repeating anything.

    Each is killed or stopped, and started again, at random moments.
    """
    random = chance()
    service.start_worker()
    for portion in portions(with_second_thoughts(simulated_messages(EVENTS), random), KILLS + 1):
        send_and_let_some_pass(service, portion, random)
        if len(service.workers) == 2:
            random.choice([service.kill_worker, service.stop_worker])(
                random.choice(service.workers)
            )
        if len(service.workers) == 1 and random.random() < 0.7:
            service.start_worker()
    service.wait_until_caught_up()
    service.assert_tables_are_right()
