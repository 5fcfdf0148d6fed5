from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from builders import START, customer, touchpoint
from integration.postgres.store import NOW

from voc_stream.pipeline.ports import StoreUnavailableError
from voc_stream.postgres.reading import customer_gauges
from voc_stream.postgres.reading.customer_gauges import CustomerGauges

if TYPE_CHECKING:
    from collections.abc import Iterator

    from integration.postgres.store import Store

    from voc_stream.postgres.session.cursor import Cursor

CUSTOMERS = "voc_customers_at_risk"


def values(gauges: CustomerGauges, store: Store) -> dict[tuple[str, ...], float]:
    found = gauges.read(store.chores().transaction)
    named = {(one.metric, *one.labels): one.value for one in found}
    assert len(named) == len(found)
    return named


def put(store: Store, *names: str, band: str = "low", value: float | None = None) -> None:
    """Risks as the assessment writes them."""
    for name in names:
        store.ask(
            "INSERT INTO churn_risk (customer_id, risk, band, drivers, value_at_risk,"
            " model_version, as_of) VALUES (%s, 0.1, %s, '[]', %s, 'm', %s)",
            *(name, band, value, START),
        )


def at_most(monkeypatch: pytest.MonkeyPatch, customers: int) -> None:
    """Let each reading read one slice of so many customers, and counting begin anew at once."""
    monkeypatch.setattr(customer_gauges, "CUSTOMERS_A_SLICE", customers)
    monkeypatch.setattr(customer_gauges, "SECONDS_A_READING", 0.0)
    monkeypatch.setattr(customer_gauges, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(customer_gauges, "EVERY_SECONDS", 0.0)


def test_risks_are_read_by_band_and_segment(store: Store) -> None:
    """Value only where one is known."""
    store.take_in(
        customer(segment="gold", annual_value=1000), touchpoint(customer_id="u-2", score=9)
    )
    chores = store.chores()
    chores.refresh(NOW)
    chores.assess_churn(NOW)
    found = {(one.metric, *one.labels): one.value for one in chores.gauges(NOW)}
    risk = store.one("SELECT risk FROM churn_risk WHERE customer_id = 'u-1'")
    assert {key: value for key, value in found.items() if "at_risk" in key[0]} == {
        (CUSTOMERS, "low", "gold"): 1,
        (CUSTOMERS, "low", ""): 1,
        ("voc_value_at_risk", "low", "gold"): pytest.approx(1000 * risk),
    }


def test_a_few_customers_are_read_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What all slices together say is shown, and stays until all were read again."""
    at_most(monkeypatch, 2)
    put(store, "a", "c", "d", value=1.5)
    put(store, "b", "e", band="high", value=4)
    first = {
        (CUSTOMERS, "low", ""): 3,
        (CUSTOMERS, "high", ""): 2,
        ("voc_value_at_risk", "low", ""): 4.5,
        ("voc_value_at_risk", "high", ""): 8,
    }
    gauges = CustomerGauges()
    assert [values(gauges, store) for _ in range(3)] == [{}, {}, first]
    store.ask("DELETE FROM churn_risk WHERE band = 'low'")
    put(store, "f")
    assert [values(gauges, store) for _ in range(2)] == [
        first,
        {
            (CUSTOMERS, "high", ""): 2,
            (CUSTOMERS, "low", ""): 1,
            ("voc_value_at_risk", "high", ""): 8,
        },
    ]


def test_all_slices_are_read_at_once_if_there_is_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a small company sees all of its customers at each reading."""
    monkeypatch.setattr(customer_gauges, "CUSTOMERS_A_SLICE", 1)
    put(store, "a", "b", "c")
    assert values(CustomerGauges(), store) == {(CUSTOMERS, "low", ""): 3}


def test_customers_are_counted_again_when_that_is_due(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counting begins anew once a minute, not at each reading."""
    put(store, "a")
    gauges = CustomerGauges()
    assert values(gauges, store) == {(CUSTOMERS, "low", ""): 1}
    put(store, "b")
    assert values(gauges, store) == {(CUSTOMERS, "low", ""): 1}
    monkeypatch.setattr(customer_gauges, "EVERY_SECONDS", 0.0)
    gauges = CustomerGauges()
    assert values(gauges, store) == {(CUSTOMERS, "low", ""): 2}
    put(store, "c")
    assert values(gauges, store) == {(CUSTOMERS, "low", ""): 3}


def test_a_reading_that_fails_holds_up_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was shown stays, and the next reading goes on where the last one ended."""

    @contextmanager
    def failing() -> Iterator[Cursor]:
        raise StoreUnavailableError
        yield

    at_most(monkeypatch, 2)
    put(store, "a", "b", "c")
    gauges = CustomerGauges()
    assert values(gauges, store) == {}
    assert gauges.read(failing) == ()
    assert values(gauges, store) == {(CUSTOMERS, "low", ""): 3}
    assert values(gauges, store) == {(CUSTOMERS, "low", ""): 3}
    assert len(gauges.read(failing)) == 1


def test_a_slice_reads_no_more_than_its_customers(store: Store) -> None:
    """They are found by the primary key, however many there are."""
    store.ask(
        "INSERT INTO churn_risk (customer_id, risk, band, drivers, model_version, as_of)"
        " SELECT 'c-' || n, 0.1, 'low', '[]', 'm', now() FROM generate_series(1, 30000) n"
    )
    store.vacuum("churn_risk")
    with store.chores().transaction() as cursor:
        cursor.execute(f"EXPLAIN {customer_gauges._SLICE}", {"last": "c-1", "most": 1_000})
        plan = "\n".join(line for (line,) in cursor)
    assert "using churn_risk_pkey on churn_risk" in plan, plan
