from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import psycopg2
import pytest
from builders import at, customer, messages, repair_step, touchpoint
from integration.postgres.crowd import crowd
from integration.postgres.store import NOW, send

from voc_stream.domain.entities.order import OrderState
from voc_stream.domain.entities.stated import Stated
from voc_stream.postgres.intake import versioned_rows as entities_module
from voc_stream.postgres.intake.versioned_rows import ChangedMeanwhileError, EntityStore
from voc_stream.postgres.session.background import Background

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from integration.postgres.store import Store

    from voc_stream.postgres.session.cursor import Cursor


@pytest.fixture
def cursor(store: Store) -> Iterator[Cursor]:
    with closing(psycopg2.connect(store.url, options="-c search_path=voc")) as connection:
        yield connection.cursor()


@pytest.fixture
def background() -> Iterator[Background]:
    with closing(Background()) as opened:
        yield opened


def load_one(entities: EntityStore, cursor: Cursor) -> dict[str, OrderState]:
    return entities.orders.load(cursor, ["o-1"])


def load_new(entities: EntityStore, cursor: Cursor) -> dict[str, OrderState]:
    """An order that has no row yet."""
    return entities.orders.load(cursor, ["o-2"]) or {
        "o-2": OrderState("o-2", customer_id=Stated("u-1", NOW, "r-0"))
    }


@pytest.mark.parametrize("load", [load_one, load_new])
@pytest.mark.parametrize("reread", [False, True])
def test_a_row_that_another_worker_wrote_meanwhile_is_not_overwritten(
    store: Store,
    cursor: Cursor,
    background: Background,
    load: Callable[[EntityStore, Cursor], dict[str, OrderState]],
    *,
    reread: bool,
) -> None:
    """Neither a changed nor a new one.

    Nor where the customer's orders are read once more in between, with the other's version.
    """
    store.take_in(repair_step("r-1"), repair_step("r-9", order_id="o-9"))
    entities = EntityStore()
    states = load(entities, cursor)
    store.take_in(repair_step("r-2", stage="work"), repair_step("r-3", order_id="o-2"))
    if reread:
        assert set(entities.orders.owned_after(cursor, {"u-1": ""}, 9)) == {"o-1", "o-2", "o-9"}
    entities.orders.save(cursor, states, background)
    with pytest.raises(ChangedMeanwhileError):
        background.wait()


def test_what_was_saved_last_is_at_hand(
    store: Store, cursor: Cursor, background: Background
) -> None:
    """A worker need not read again what it wrote itself, until a transaction fails."""
    store.take_in(repair_step())
    entities = EntityStore()
    entities.orders.save(cursor, load_one(entities, cursor), background)
    background.wait()
    cursor.connection.commit()
    entities.keep()
    cursor.execute("ALTER TABLE repair_order RENAME TO elsewhere")
    assert set(load_one(entities, cursor)) == {"o-1"}
    entities.forget()
    with pytest.raises(psycopg2.errors.UndefinedTable):
        load_one(entities, cursor)


def test_a_worker_with_an_old_row_at_hand_folds_from_the_new_one(store: Store) -> None:
    """Two workers in turns on the same order and customer: each sees what the other wrote."""
    mine, other = store.sink(0), store.sink(1)
    log = messages(
        [
            repair_step("r-1"),
            repair_step("r-2", edge="exit", occurred_at=at(hours=1)),
            customer("p-1", segment="gold"),
            touchpoint("t-1", order_id="o-1"),
            repair_step(
                "r-3", stage="delivery", edge="exit", occurred_at=at(hours=2), promised_at=at()
            ),
            customer("p-2", segment="silver", occurred_at=at(hours=1)),
        ]
    )
    for place, value in enumerate(log):
        send((mine, other)[place % 2], [value], place % 2)
    chores = store.chores()
    chores.refresh(NOW)
    chores.assess_churn(NOW)
    store.assert_as_expected(log)


def test_a_customer_at_hand_who_is_not_written_counts_under_the_new_profile(store: Store) -> None:
    """A step writes no row of its customer; another worker moved the history meanwhile."""
    mine, other = store.sink(0), store.sink(1)
    log = messages(
        [
            repair_step("r-1"),
            customer("p-1", segment="gold"),
            repair_step("r-2", edge="exit", occurred_at=at(hours=1)),
        ]
    )
    send(mine, log[:1], 0)
    send(other, log[1:2], 1)
    chores = store.chores()
    chores.refresh(NOW)
    written = store.one("SELECT version FROM customer")
    send(mine, log[2:], 0)
    assert store.one("SELECT version FROM customer") == written
    chores.refresh(NOW)
    chores.assess_churn(NOW)
    store.assert_as_expected(log)


def test_fewer_complaints_than_orders_are_kept_at_hand() -> None:
    """They are fewer; what a worker keeps of all tables is what its memory is planned for."""
    entities = entities_module.EntityStore()
    tables = (entities.customers, entities.orders, entities.complaints)
    assert [entity._most_cached_bytes // 1024**2 for entity in tables] == [20, 20, 4]


def test_what_is_kept_at_hand_is_bounded_and_counted(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many rows pass, no more than so many bytes of each table stay.

    What went is read again, and nothing is wrong.
    """
    values = messages(crowd(60))
    sink = store.sink(0)
    send(sink, values[:30])
    customers = sink._intake.entities.customers
    assert (
        customers._cached_bytes
        == sum(len(state) + entities_module.ROW_BYTES for state, _ in customers._cache.values())
        > 0
    )
    monkeypatch.setattr(customers, "_most_cached_bytes", 1_000)
    for first in range(30, 60, 5):
        send(sink, values[first : first + 5])
        assert customers._cached_bytes <= 1_000
        assert customers._cached_bytes == sum(
            len(state) + entities_module.ROW_BYTES for state, _ in customers._cache.values()
        )
    store.move_histories()
    store.assert_as_expected(
        values, names=["repair_order", "complaint", "customer", "experience_daily"]
    )
