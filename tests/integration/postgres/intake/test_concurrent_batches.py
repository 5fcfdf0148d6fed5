"""Workers that write at once.

Whatever order their transactions take, the tables are the oracle's.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from builders import messages
from integration.postgres.crowd import crowd
from integration.postgres.store import NOW, send_as_a_worker_does

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from integration.postgres.store import Store


def at_once(*jobs: Callable[[], None]) -> None:
    """Run all jobs in threads; raise the first error."""
    errors: list[BaseException] = []

    def run(job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException as error:  # noqa: BLE001  raised below, in the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def write(store: Store, logs: Sequence[Sequence[bytes]], size: int) -> None:
    """A worker for each log, each with a partition of its own, in batches of `size`.

    Refreshes go on beside them.
    """
    sinks, chores, done = (
        [store.sink(number) for number in range(len(logs))],
        store.chores(),
        threading.Event(),
    )

    def refresh() -> None:
        while not done.wait(0.02):
            chores.refresh(NOW)
            chores.assess_churn(NOW)

    def work(number: int) -> None:
        log = logs[number]
        send_as_a_worker_does(
            sinks[number], [log[first : first + size] for first in range(0, len(log), size)], number
        )

    refreshing = threading.Thread(target=refresh)
    refreshing.start()
    try:
        at_once(*(lambda number=number: work(number) for number in range(len(logs))))
    finally:
        done.set()
        refreshing.join()
    chores.refresh(NOW)
    chores.assess_churn(NOW)


@pytest.mark.parametrize("size", [1, 7, 60])
def test_workers_that_meet_the_same_customers_and_orders_lose_nothing(
    store: Store, size: int
) -> None:
    """Rows that another worker changed meanwhile are read and folded anew.

    Profiles move what the others count.
    """
    logs = [messages(crowd(60, seed)) for seed in range(3)]
    write(store, logs, size)
    store.assert_as_expected([value for log in logs for value in log])


def test_workers_that_read_the_same_events_count_each_once(store: Store) -> None:
    """The same ids in two partitions, in opposite order: each is accepted by one of them."""
    log = messages(crowd(80))
    write(store, [log, log[::-1]], 9)
    store.assert_as_expected(log)
    assert store.one("SELECT count(*) FROM touchpoint_event") == len(log)


def test_workers_that_fight_for_a_partition_apply_each_message_once(store: Store) -> None:
    """Of two workers that believe they own a partition one is fenced at each step."""
    log = messages(crowd(60))
    batches = [log[first : first + 5] for first in range(0, len(log), 5)]
    sinks = [store.sink(0), store.sink()]
    at_once(
        *(lambda sink=sink: send_as_a_worker_does(sink, batches, attempts=200) for sink in sinks)
    )
    chores = store.chores()
    chores.refresh(NOW)
    chores.assess_churn(NOW)
    store.assert_as_expected(log)
