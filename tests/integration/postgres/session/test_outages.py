from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from builders import messages
from integration.postgres.crowd import crowd
from integration.postgres.store import NOW, batch_of, partition, send, wait_until

from voc_stream.domain.folding.fold_batch import Fold
from voc_stream.pipeline.ports import FencedError, StoredPosition, StoreUnavailableError
from voc_stream.postgres.intake.batch_transaction import PostgresSink
from voc_stream.postgres.session.connection import DEADLINE_SECONDS, engine_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from integration.postgres.store import Store

    from voc_stream.pipeline.ports import Batch

EVENTS = messages(crowd(40))


@pytest.fixture
def sink(store: Store) -> Iterator[PostgresSink]:
    """A sink that has taken in the first half of the events and gives up after a second."""
    with closing(PostgresSink(store.url, store.catalogue, deadline_seconds=1.0)) as opened:
        opened.start_at(partition(0), StoredPosition("log-1", 0), None)
        send(opened, EVENTS[:20])
        yield opened


def backend_of(sink: PostgresSink) -> int:
    assert sink._connection is not None
    driver: Any = sink._connection.driver_connection
    return int(driver.info.backend_pid)


@contextmanager
def stopped(process: int) -> Iterator[None]:
    """The server's process for this connection hangs, and its kernel goes on acknowledging."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


@contextmanager
def locked(store: Store, table: str, mode: str = "ACCESS EXCLUSIVE") -> Iterator[None]:
    """Nobody else reads or writes the table (in mode EXCLUSIVE: writes it)."""
    with closing(psycopg2.connect(store.url)) as connection:
        connection.cursor().execute(f"LOCK TABLE voc.{table} IN {mode} MODE")
        yield
        connection.rollback()


class Attempt:
    """One call of `process` in a thread, and how it ended."""

    def __init__(self, sink: PostgresSink, batch: Batch) -> None:
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(sink, batch))
        self._thread.start()

    def _run(self, sink: PostgresSink, batch: Batch) -> None:
        try:
            sink.process([batch], NOW)
        except BaseException as error:  # noqa: BLE001  the test looks at it
            self.error = error

    def end(self) -> BaseException | None:
        """Wait until it ended; its error."""
        self._thread.join(20)
        assert not self._thread.is_alive()
        return self.error


def assert_all_counted_once(store: Store, sink: PostgresSink) -> None:
    """The same batch again is applied, and everything counts once."""
    assert send(sink, EVENTS[20:]).accepted == 20
    chores = store.chores()
    chores.refresh(NOW)
    chores.assess_churn(NOW)
    store.assert_as_expected(EVENTS)


def test_a_server_that_hangs_is_given_up_within_the_deadline(
    store: Store, sink: PostgresSink
) -> None:
    """No call waits for ever on a server that neither answers nor dies.

    Afterwards the same batch is applied once.
    """
    batch = batch_of(sink, EVENTS[20:])
    with stopped(backend_of(sink)):
        started = time.monotonic()
        with pytest.raises(StoreUnavailableError):
            sink.process([batch], NOW)
        assert 0.9 < time.monotonic() - started < 10
    assert_all_counted_once(store, sink)


def test_a_server_that_hangs_in_the_middle_of_a_batch_is_given_up(
    store: Store, sink: PostgresSink
) -> None:
    """The batch is given up also when facts are inserted and rows are about to be written."""
    batch, backend = batch_of(sink, EVENTS[20:]), backend_of(sink)
    with locked(store, "customer_state"):
        attempt = Attempt(sink, batch)
        wait_until(lambda: _waits_for_a_lock(store, backend))
        with stopped(backend):
            assert isinstance(attempt.end(), StoreUnavailableError)
    assert_all_counted_once(store, sink)


def test_a_mistake_of_ours_is_raised_though_the_server_hangs(
    store: Store, sink: PostgresSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Statements under way in the background are not waited for beyond the deadline either."""
    batch, backend = batch_of(sink, EVENTS[20:]), backend_of(sink)

    def fail(*_: object) -> None:
        wait_until(lambda: _waits_for_a_lock(store, backend))
        os.kill(backend, signal.SIGSTOP)
        raise RuntimeError("a mistake")

    with monkeypatch.context() as patched, locked(store, "customer_state", "EXCLUSIVE"):
        patched.setattr(Fold, "contributions", fail)
        try:
            assert isinstance(Attempt(sink, batch).end(), RuntimeError)
        finally:
            os.kill(backend, signal.SIGCONT)
    assert_all_counted_once(store, sink)


@pytest.mark.parametrize(
    "table", ["touchpoint_event", "customer_state", "repair_order", "increment"]
)
def test_a_connection_that_ends_in_the_middle_of_a_batch_changes_nothing(
    store: Store, sink: PostgresSink, table: str
) -> None:
    """Wherever the connection breaks, the batch is undone as a whole.

    It is applied once when it is tried again.
    """
    batch, backend = batch_of(sink, EVENTS[20:]), backend_of(sink)
    with locked(store, table):
        attempt = Attempt(sink, batch)
        wait_until(lambda: _waits_for_a_lock(store, backend))
        store.ask("SELECT pg_terminate_backend(%s)", backend)
        assert isinstance(attempt.end(), StoreUnavailableError)
    assert store.one("SELECT count(*) FROM touchpoint_event") == 20
    assert_all_counted_once(store, sink)


def test_a_connection_that_ended_between_batches_costs_one_attempt(
    store: Store, sink: PostgresSink
) -> None:
    """The next call says so, the one after that works."""
    batch, backend = batch_of(sink, EVENTS[20:]), backend_of(sink)
    store.ask("SELECT pg_terminate_backend(%s)", backend)
    with pytest.raises(StoreUnavailableError):
        sink.process([batch], NOW)
    assert_all_counted_once(store, sink)


def test_a_batch_whose_answer_was_lost_is_not_applied_again(
    store: Store, sink: PostgresSink
) -> None:
    """It was committed.

    The position stands behind it, and the same batch with the old position is fenced.
    """
    batch = batch_of(sink, EVENTS[20:])
    sink.process([batch], NOW)
    with pytest.raises(FencedError):
        sink.process([batch], NOW)
    assert store.one("SELECT count(*) FROM touchpoint_event") == 40


def test_a_chore_whose_connection_ended_works_on(store: Store, sink: PostgresSink) -> None:
    """One call fails, the next one refreshes everything."""
    chores = store.chores()
    chores.refresh(NOW)
    send(sink, EVENTS[20:])
    store.ask(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid()"
    )
    with pytest.raises(StoreUnavailableError):
        chores.refresh(NOW)
    chores.refresh(NOW)
    chores.assess_churn(NOW)
    store.assert_as_expected(EVENTS)


def test_the_server_gives_up_before_the_client_does(store: Store) -> None:
    """Statements and locks time out on the server first.

    So a busy server is told apart from a hung one.
    """
    engine = engine_for(store.url)
    with engine.connect() as connection:
        lock, statement = connection.exec_driver_sql(
            "SELECT setting::int FROM pg_settings WHERE name IN ('lock_timeout',"
            " 'statement_timeout') ORDER BY name"
        ).scalars()
    engine.dispose()
    assert 0 < lock < statement < DEADLINE_SECONDS * 1000


def _waits_for_a_lock(store: Store, backend: int) -> bool:
    return bool(store.one("SELECT count(*) FROM pg_locks WHERE pid = %s AND NOT granted", backend))
