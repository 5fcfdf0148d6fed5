from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from builders import START, at, callback, complaint, customer, message, repair_step, touchpoint
from integration.postgres.store import partition, send

from voc_stream.pipeline.ports import StoreUnavailableError
from voc_stream.postgres.reading.summary import FiringAlert, read_status, read_summary

if TYPE_CHECKING:
    from collections.abc import Callable

    from integration.postgres.store import Store


def test_empty_tables_say_that_there_is_nothing(store: Store) -> None:
    """No data is None and not zero; counts of rows are zero."""
    summary = read_summary(store.url)
    assert (
        summary.events,
        summary.dead_letters,
        summary.orders,
        summary.complaints_open,
        summary.customers,
    ) == (0, 0, 0, 0, 0)
    assert (summary.on_time_share, summary.value_at_risk, summary.as_of) == (None, None, None)
    assert (summary.best, summary.worst) == ([], [])
    status = read_status(store.url)
    assert (status.partitions, status.customers_at_risk, status.alerts) == ([], [], [])


@pytest.fixture
def filled(store: Store) -> Store:
    """A store with orders, a complaint and judged key experiences.

    Two orders are delivered, one is on its way; the complaint is open; four key experiences are
    judged.
    """
    answers = [
        {"item": item, "score": score}
        for item, score in (("overall", 9), ("repair_quality", 8), ("advisor_service", 2))
    ]
    store.take_in(
        repair_step("r-1", stage="delivery", edge="exit", promised_at=at()),
        repair_step("r-2", order_id="o-2", stage="delivery", edge="exit", promised_at=at(hours=-1)),
        repair_step("r-3", order_id="o-3", promised_at=at()),
        complaint(severity="major"),
        complaint("k-2", complaint_id="q-2", action="resolved"),
        customer(annual_value=1000),
        customer("p-2", customer_id="u-2", annual_value=500),
        touchpoint("t-1", customer_id="u-3", experience="service_time", score=5),
        callback(customer_id="u-2", answers=answers),
    )
    send(store.sink(), [b"refused"])
    chores = store.chores()
    chores.refresh(START)
    chores.assess_churn(START)
    return store


def test_summary_counts_what_stands_in_the_tables(filled: Store) -> None:
    """Orders, their punctuality, open complaints, customers at risk and their value."""
    summary = read_summary(filled.url)
    assert (summary.events, summary.dead_letters, summary.orders, summary.orders_open) == (
        9,
        1,
        3,
        1,
    )
    assert summary.on_time_n == 2
    assert (
        summary.on_time_share,
        summary.complaints_open,
        summary.customers,
        summary.customers_at_risk,
    ) == (0.5, 1, 3, 1)
    assert summary.value_at_risk == pytest.approx(
        filled.one("SELECT sum(value_at_risk) FROM churn_risk")
    )
    assert summary.as_of == START


def test_summary_ranks_key_experiences_from_both_ends(filled: Store) -> None:
    """The best by satisfaction first, the worst from below.

    None in both; on_time_delivery is a key experience as well.
    """
    summary = read_summary(filled.url)
    assert [(one.experience, one.n, one.mean, one.satisfaction) for one in summary.best] == [
        ("overall", 1, 9, 2),
        ("repair_quality", 1, 8, 1),
        ("service_time", 1, 5, -2),
    ]
    assert [(one.low, one.high, one.expectation_n) for one in summary.best] == [(0, 10, 0)] * 3
    assert [one.experience for one in summary.worst] == ["advisor_service", "on_time_delivery"]
    assert (summary.best[0].label_en, summary.best[0].label_zh) == (
        "Overall rating of after-sales service",
        "售后服务整体评价",
    )


def test_status_names_positions_customers_and_alerts(filled: Store) -> None:
    """Whom to call and why, the most valuable first.

    How far each partition is; only alerts that have not ended.
    """
    filled.ask(
        "INSERT INTO alert VALUES ('a', 'VocX', NULL, 'site', 's-1', 'page', %s, NULL, '{}', 'it"
        " burns', %s)",
        START,
        START,
    )
    filled.ask(
        "INSERT INTO alert VALUES ('b', 'VocY', NULL, 'site', 's-1', 'page', %s, %s, '{}', 'it"
        " burnt', %s)",
        START,
        START,
        START,
    )
    status = read_status(filled.url)
    (called,) = status.customers_at_risk
    assert (called.customer_id, called.band, called.strongest_driver) == (
        "u-1",
        "critical",
        "open_complaint_major",
    )
    assert [
        (one.topic, one.partition, one.next_offset, one.event_time) for one in status.partitions
    ] == [(*partition(0), 10, START)]
    assert status.alerts == [FiringAlert("VocX", "page", "site", "s-1", START, "it burns")]
    assert status.summary == read_summary(filled.url)


@pytest.mark.parametrize("read", [read_summary, read_status])
def test_a_database_without_tables_says_what_to_do(
    empty_database: str, read: Callable[[str], object]
) -> None:
    """The error names the command that makes the tables."""
    with pytest.raises(StoreUnavailableError, match="voc-stream init"):
        read(empty_database)


def test_a_single_message_is_enough_for_a_summary(store: Store) -> None:
    """Before the first refresh there are no experiences yet."""
    send(store.sink(), [message(touchpoint())])
    assert (read_summary(store.url).events, read_summary(store.url).best) == (1, [])
