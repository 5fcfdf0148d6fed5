"""What counts under a profile holds though the row of the customer is not locked meanwhile."""

from __future__ import annotations

import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import psycopg2
import pytest
from builders import at, customer, messages, repair_step, retraction
from integration.postgres.store import NOW, send, wait_until

from voc_stream.postgres.corrections import taking_back
from voc_stream.postgres.intake.load_fold_save import Folding
from voc_stream.postgres.profiles import profile_changes
from voc_stream.postgres.profiles.profile_changes import ProfileChanges, tell_all

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from builders import Event
    from integration.postgres.store import Store

    from voc_stream.postgres.session.cursor import Connection, Cursor

WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    " AND datname = current_database()"
)


@pytest.fixture
def sessions(store: Store) -> Iterator[list[Connection]]:
    opened = [psycopg2.connect(store.url, options="-c search_path=voc") for _ in range(2)]
    yield opened
    for one in opened:
        one.close()


@contextmanager
def held(store: Store, statement: str) -> Iterator[None]:
    """Another session holds what the statement locks."""
    with closing(psycopg2.connect(store.url, options="-c search_path=voc")) as connection:
        connection.cursor().execute(statement)
        yield


def settle(store: Store) -> None:
    chores = store.chores()
    chores.refresh(NOW)
    chores.assess_churn(NOW)


@contextmanager
def batch_under_way(store: Store, values: list[bytes]) -> Iterator[None]:
    """A batch that has loaded its customers, and waits for the order o-1 before it goes on."""
    with held(store, "SELECT FROM repair_order WHERE order_id = 'o-1' FOR UPDATE"):
        batch = threading.Thread(target=send, args=(store.sink(1), values, 1))
        batch.start()
        wait_until(lambda: store.one(WAITING) == 1)
        yield
    batch.join()


def appointment(order_id: str) -> list[Event]:
    """An order that counts under its customer's profile, and is no visit yet."""
    told = {"order_id": order_id, "stage": "appointment"}
    return [
        repair_step(f"{order_id}-in", **told),
        repair_step(f"{order_id}-out", edge="exit", occurred_at=at(hours=2), **told),
    ]


def test_a_profile_that_changes_under_a_batch_is_seen_before_it_commits(store: Store) -> None:
    """Another worker states another segment, and the history is moved, all of it meanwhile.

    The chore cannot see the batch's new order. So the batch must count it elsewhere.
    """
    before = [repair_step("r-1", customer_id="u-2"), repair_step("r-2", order_id="o-2")]
    store.take_in(*before, sink=store.sink(0))
    late = [repair_step("r-3", customer_id="u-2", stage="work"), *appointment("o-4")]
    stated = customer("p-1", segment="gold")
    with batch_under_way(store, messages(late)):
        store.take_in(stated)
        chores = store.chores()
        while chores.move_histories():
            pass
        assert store.one("SELECT count(*) FROM customer_move") == 0
    settle(store)
    store.assert_as_expected(messages([*before, *late, stated]))


def test_a_customer_who_goes_under_a_batch_comes_back_with_it(store: Store) -> None:
    """The only event of a customer is taken out while a batch with another one is under way."""
    before = [repair_step("r-1", customer_id="u-2"), repair_step("r-2", order_id="o-2")]
    late = [repair_step("r-3", customer_id="u-2", stage="work"), *appointment("o-4")]
    taken = retraction("x-1", "r-2")
    store.take_in(*before, sink=store.sink(0))
    store.take_in(taken)
    with batch_under_way(store, messages(late)):
        store.chores().take_back(NOW)
        assert store.ask("SELECT customer_id FROM customer") == [("u-2",)]
    settle(store)
    store.assert_as_expected(messages([*before, *late, taken]))


def test_a_batch_that_commits_while_a_customer_goes_keeps_the_customer(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is found before the row of the customer is gone for good."""
    before = repair_step("r-2", order_id="o-2")
    taken, late = retraction("x-1", "r-2"), appointment("o-4")
    store.take_in(before, sink=store.sink(0))
    store.take_in(taken)
    sink = store.sink(1)
    came: list[object] = []

    class AfterABatch(Folding):
        def save(self, *arguments: Any, **named: Any) -> None:
            if not came:
                came.append(send(sink, messages(late), 1))
            super().save(*arguments, **named)

    monkeypatch.setattr(taking_back, "Folding", AfterABatch)
    store.chores().take_back(NOW)
    assert came
    settle(store)
    store.assert_as_expected(messages([before, taken, *late]))


def test_who_changes_a_profile_waits_for_those_who_rely_on_it(
    store: Store, sessions: list[Connection]
) -> None:
    """And then is heard by those who come after."""
    reader, writer, later = ProfileChanges(), ProfileChanges(), ProfileChanges()
    reading, writing = (one.cursor() for one in sessions)
    tell_all(reading)
    for each in (reader, writer, later):
        each.hear(reading)
    sessions[0].commit()
    assert reader.hear_last(reading, []) == set()

    def change() -> None:
        assert writer.hear_last(writing, ["u-1"]) == set()
        writer.tell(writing, ["u-1"])
        sessions[1].commit()

    changing = threading.Thread(target=change)
    changing.start()
    wait_until(lambda: store.one(WAITING) == 1)
    sessions[0].commit()
    changing.join()
    assert later.hear_last(reading, []) == {"u-1"}
    assert (later.hear(reading), writer.hear(reading)) == (set(), set())


def test_who_has_missed_changes_hears_of_all_customers(
    store: Store, sessions: list[Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where more were changed than are kept, or all tables were made anew."""
    monkeypatch.setattr(profile_changes, "KEPT", 3)
    quick, slow, told = ProfileChanges(), ProfileChanges(), ProfileChanges()
    cursor: Cursor = sessions[0].cursor()
    told.hear_last(cursor, ["u-0"])
    told.tell(cursor, ["u-0"])
    for each in (quick, slow):
        assert each.hear(cursor) == set()  # it has no customer at hand yet
    for number in range(1, 6):
        told.tell(cursor, [f"u-{number}"])
        assert quick.hear(cursor) == {f"u-{number}"}
    assert store.one("SELECT count(*) FROM profile_change") == 0  # nothing is committed
    assert slow.hear(cursor) is None
    tell_all(cursor)
    assert (quick.hear(cursor), slow.hear(cursor)) == (None, None)
