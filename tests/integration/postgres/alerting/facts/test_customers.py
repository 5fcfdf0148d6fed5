from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from builders import START, complaint, customer
from integration.postgres.alerting.judging import judged
from integration.postgres.store import NOW

from voc_stream.alerts.rules.customers.churn_risk_rising import SUBJECT as RISING
from voc_stream.alerts.rules.customers.high_value_at_risk import SUBJECT as HIGH_VALUE
from voc_stream.postgres.alerting.facts import customers as read

if TYPE_CHECKING:
    from integration.postgres.store import Store

    from voc_stream.catalogue.model import Catalogue

BOTH = (HIGH_VALUE.rule, RISING.rule)
MINUTES = timedelta(minutes=1)


def with_limit(catalogue: Catalogue, value: float | None, customers: int = 1) -> Catalogue:
    limits = msgspec.structs.replace(
        catalogue.limits, high_annual_value=value, high_value_at_risk_customers=customers
    )
    return msgspec.structs.replace(catalogue, limits=limits)


def with_model(catalogue: Catalogue, version: str) -> Catalogue:
    return msgspec.structs.replace(
        catalogue, churn=msgspec.structs.replace(catalogue.churn, version=version)
    )


def put_customers(store: Store, *, calm: int, at_risk: int, version: str = "tarp-2") -> None:
    """Rows as the assessment writes them, of so many customers."""
    store.ask("DELETE FROM churn_risk")
    for band, driver, count in (("low", "base", calm), ("high", "broken_promise", at_risk)):
        store.ask(
            "INSERT INTO churn_risk (customer_id, risk, band, drivers, model_version, as_of) SELECT"
            " %s || n, 0.4, %s,"
            " jsonb_build_array(jsonb_build_object('driver', 'base', 'contribution', -4.8),"
            "                   jsonb_build_object('driver', %s::text, 'contribution', 0.4)), %s,"
            " %s FROM generate_series(1, %s) n",
            *(band, band, driver, version, NOW, count),
        )


def put_days(store: Store, shares: dict[int, tuple[int, int]], version: str = "tarp-2") -> None:
    """Counts of so many days ago."""
    for days, (customers, at_risk) in shares.items():
        store.ask(
            "INSERT INTO risk_daily VALUES (%s, %s, %s, %s, %s)",
            *(
                (NOW - timedelta(days=days)).date(),
                customers,
                at_risk,
                version,
                NOW - timedelta(days=days),
            ),
        )


def test_without_customers_nothing_is_found_or_counted(store: Store) -> None:
    """Nothing is known about the share, so whatever is open about it stays.

    A day without customers is no day.
    """
    assert judged(store, BOTH, NOW, RISING) == ([], {RISING})
    assert store.ask("SELECT * FROM risk_daily") == []


def test_valuable_customers_at_risk_are_found_from_the_limit_on(
    store: Store, catalogue: Catalogue
) -> None:
    """Assessed by the real model.

    A major complaint makes a high risk, and who is worth a cent less is not counted.
    """
    for number, (value, severity) in enumerate(
        [
            (15_000, "major"),
            (40_000, "major"),
            (14_999.99, "major"),
            (90_000, None),
            (None, "major"),
        ]
    ):
        name = f"u-{number}"
        store.take_in(
            customer(
                f"p-{number}",
                customer_id=name,
                annual_value=value,
                segment="fleet" if number else None,
            )
        )
        if severity:
            store.take_in(
                complaint(
                    f"k-{number}", customer_id=name, complaint_id=f"q-{number}", severity=severity
                )
            )
    store.chores().assess_churn(START + timedelta(hours=1))
    (finding,) = judged(store, BOTH, NOW).findings
    ((risk, band),) = store.ask("SELECT risk, band FROM churn_risk WHERE customer_id = 'u-1'")
    assert finding.subject == HIGH_VALUE
    assert finding.severity == ("critical" if band == "critical" else "warning"), (
        "both have the same band"
    )
    assert finding.evidence == {
        "customers": 2,
        "critical": 2 * (band == "critical"),
        "value_at_risk": pytest.approx(55_000 * risk, abs=0.01),
        "customer_ids": ["u-1", "u-0"],
        "segments": {"": 1, "fleet": 1},
        "explained_by": "open_complaint_major",
        "explained_dimension": "driver",
    }
    assert judged(store, BOTH, NOW, catalogue=with_limit(catalogue, 40_001)).findings == []
    assert judged(store, BOTH, NOW, catalogue=with_limit(catalogue, None)) == ([], set())
    assert judged(store, BOTH, NOW, catalogue=with_limit(catalogue, 15_000, 2)).findings
    for enough, holding in ((3, {HIGH_VALUE}), (4, {HIGH_VALUE}), (5, set())):
        verdict = judged(store, BOTH, NOW, catalogue=with_limit(catalogue, 15_000, enough))
        assert (verdict.findings, set(verdict.holding)) == ([], holding)


def test_the_customer_who_is_worth_exactly_the_limit_is_never_lost_to_rounding(
    store: Store, catalogue: Catalogue
) -> None:
    """The risk is a float, the value a decimal; only the value is compared."""
    values = [0.01, 0.1, 33.33, 1_234.56, 15_000.07, 999_999.99]
    for number, value in enumerate(values):
        name = f"u-{number}"
        store.take_in(
            customer(f"p-{number}", customer_id=name, annual_value=value),
            complaint(
                f"k-{number}", customer_id=name, complaint_id=f"q-{number}", severity="major"
            ),
        )
    store.chores().assess_churn(START + timedelta(hours=1))
    for rank, value in enumerate(values):
        (finding,) = judged(store, BOTH, NOW, catalogue=with_limit(catalogue, value)).findings
        assert finding.evidence["customers"] == len(values) - rank


def test_the_count_of_a_day_is_the_last_of_that_day(store: Store) -> None:
    """In UTC, whatever the session's time zone; a day later there is another row."""
    put_customers(store, calm=90, at_risk=10)
    midnight = NOW.replace(hour=23, minute=30)
    judged(store, BOTH, midnight)
    put_customers(store, calm=80, at_risk=20)
    judged(store, BOTH, midnight + 20 * MINUTES)
    judged(store, BOTH, midnight + 40 * MINUTES)
    assert store.ask(
        "SELECT day - %s, customers, at_risk, model_version, counted_at FROM risk_daily ORDER BY"
        " day",
        NOW.date(),
    ) == [
        (0, 100, 20, "tarp-2", midnight + 20 * MINUTES),
        (1, 100, 20, "tarp-2", midnight + 40 * MINUTES),
    ]


def test_customers_are_counted_once_in_ten_minutes(store: Store) -> None:
    """In between the rule is not evaluated, so that an open alert stays.

    A count that a wrong clock put into the future holds up none.
    """
    put_customers(store, calm=90, at_risk=10)
    times = [NOW, NOW + 9 * MINUTES, NOW + 10 * MINUTES, NOW + 11 * MINUTES, NOW - 60 * MINUTES]
    counted = []
    for now in times:
        before = store.ask("SELECT * FROM risk_daily")
        assert judged(store, BOTH, now, RISING).holding == {RISING}
        counted.append(store.ask("SELECT * FROM risk_daily") != before)
    assert counted == [True, False, True, False, True]


def test_a_share_above_that_of_the_days_before_is_found(store: Store) -> None:
    """Against four weeks without today; the driver is what most of those at risk have."""
    put_customers(store, calm=9000, at_risk=1000)
    put_days(store, {0: (10, 9), **dict.fromkeys(range(1, 29), (10_000, 500)), 29: (10, 9)})
    store.ask("UPDATE risk_daily SET counted_at = counted_at - interval '1 hour'")
    verdict = judged(store, BOTH, NOW)
    (finding,) = verdict.findings
    assert (finding.subject, finding.severity) == (RISING, "critical")
    assert finding.evidence == {
        "share": 0.1,
        "usual_share": 0.05,
        "usual_customers": 10_000,
        "at_risk": 1000,
        "customers": 10_000,
        "explained_by": "broken_promise",
        "explained_dimension": "driver",
    }
    put_customers(store, calm=9430, at_risk=570)
    assert judged(store, BOTH, NOW + 10 * MINUTES) == ([], {RISING})
    put_customers(store, calm=9450, at_risk=550)
    assert judged(store, BOTH, NOW + 20 * MINUTES, RISING) == ([], set())


def test_another_model_starts_the_history_anew(store: Store, catalogue: Catalogue) -> None:
    """Two models are not compared.

    Neither days nor customers that the former one assessed count, and what is open stays open.
    """
    put_customers(store, calm=9000, at_risk=1000)
    put_days(store, dict.fromkeys(range(1, 29), (10_000, 500)))
    changed = with_model(catalogue, "mine-2")
    assert judged(store, BOTH, NOW, RISING, catalogue=changed) == ([], {RISING})
    assert store.ask("SELECT FROM risk_daily WHERE model_version = 'mine-2'") == []
    store.ask("UPDATE churn_risk SET model_version = 'mine-2' WHERE customer_id < 'high2'")
    assert judged(store, BOTH, NOW, RISING, catalogue=changed) == ([], {RISING})
    ((customers, at_risk),) = store.ask(
        "SELECT customers, at_risk FROM risk_daily WHERE model_version = 'mine-2'"
    )
    assert 0 < customers == at_risk < 1000


@pytest.mark.parametrize("most", [1, 7, 10, 21])
def test_customers_are_counted_a_slice_at_a_time(
    store: Store, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Each customer of the model counts once, however the slices fall; those of others do not."""
    monkeypatch.setattr(read, "CUSTOMERS_A_SLICE", most)
    put_customers(store, calm=14, at_risk=7)
    store.ask("UPDATE churn_risk SET model_version = 'old' WHERE customer_id IN ('low1', 'high7')")
    with store.chores().transaction() as cursor:
        assert read.count_customers(cursor, "tarp-2", NOW) == (19, 6)
        assert read.count_customers(cursor, "none", NOW) is None


def test_what_is_asked_about_customers_at_risk_reads_no_others(store: Store) -> None:
    """An index has those at risk alone; a risk that changes within its band stays in its page."""
    put_customers(store, calm=30_000, at_risk=30)
    store.vacuum("churn_risk")
    said: list[str] = []
    with store.chores().transaction() as cursor:
        recorder = Recorder(said)
        read._drivers(recorder, "tarp-2")  # type: ignore[arg-type]  # all that it uses
        read.read_high_value(recorder, 1.0)  # type: ignore[arg-type]  # all that it uses
        for statement in said:
            cursor.execute(f"EXPLAIN {statement}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert "churn_risk_at_risk" in plan, plan
        cursor.execute("UPDATE churn_risk SET risk = 0.41 WHERE customer_id IN ('low1', 'high1')")
        cursor.execute(
            "SELECT n_tup_hot_upd FROM pg_stat_xact_user_tables"
            " WHERE relid = 'churn_risk'::regclass"
        )
        assert cursor.fetchall() == [(2,)]
    assert len(said) == 2


class Recorder:
    """Keeps what would be asked, and answers that there is nobody."""

    def __init__(self, said: list[str]) -> None:
        self._said = said

    def execute(self, statement: str, values: object) -> None:
        """Keep the statement with its values in their places."""
        self._said.append(
            statement % {name: repr(value) for name, value in values.items()}
            if isinstance(values, dict)
            else statement % tuple(map(repr, values))  # type: ignore[call-overload]  # a tuple
        )

    def fetchone(self) -> tuple[object, ...]:
        """The row of an aggregate of nobody."""
        return (0, 0, None, None, None, None)

    def fetchall(self) -> list[tuple[object, ...]]:
        """No rows."""
        return []
