"""However the events come: the same tables."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from end_to_end.call_centre import simulated_messages
from end_to_end.harness import chance

if TYPE_CHECKING:
    from end_to_end.harness import Service


def test_shuffled_halves_at_once_and_all_twice(service: Service) -> None:
    """Shuffled and repeated, events leave the tables that they leave in order.

    Two producers send them at once, and then all over again.
    """
    random = chance()
    messages = simulated_messages(4_000)
    shuffled = random.sample(messages, len(messages))
    middle = len(shuffled) // 2
    service.start_worker()
    service.start_worker()
    with ThreadPoolExecutor() as producers:
        for sending in [
            producers.submit(service.send, half, remember=False)
            for half in (shuffled[:middle], shuffled[middle:])
        ]:
            sending.result()
    service.wait_until_caught_up()
    service.send(random.sample(messages, len(messages)), remember=False)
    service.wait_until_caught_up()
    service.sent = [message.value for message in messages]
    service.assert_tables_are_right()
