"""The short way through: one worker, a few thousand events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from end_to_end.call_centre import simulated_messages

if TYPE_CHECKING:
    from end_to_end.harness import Service


def test_one_worker_makes_the_tables_of_the_oracle(service: Service) -> None:
    """Repeated, late and broken messages leave the rows that the valid ones mean.

    They are among 5,000. There is one dead letter for each broken one.
    """
    messages = simulated_messages(5_000)
    service.start_worker()
    service.send(messages)
    service.wait_until_caught_up()
    service.assert_tables_are_right()
    broken = sum(message.kind.startswith("broken") for message in messages)
    assert service.query("SELECT count(*) FROM dead_letter") == [(broken,)]
