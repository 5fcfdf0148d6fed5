from __future__ import annotations

from datetime import timedelta
from math import isfinite
from typing import TYPE_CHECKING

import pytest
from builders import START, at, callback, complaint, customer, messages, repair_step, touchpoint
from integration.postgres.crowd import crowd
from integration.postgres.store import NOW, send

from voc_stream.domain.scale import scale_of
from voc_stream.monitoring.metrics import Metrics
from voc_stream.monitoring.table_gauges import READ_FROM_TABLES
from voc_stream.simulator.journey import STAGES

if TYPE_CHECKING:
    from integration.postgres.store import Store

    from voc_stream.catalogue.model import Catalogue

EVALUATED = "voc_evaluator_last_success_timestamp_seconds"
NAMES = ("voc_experience_info", "voc_experience_scale")
NOTHING_PENDING: dict[tuple[str, ...], float] = {("voc_histories_pending",): 0}


def gauges(store: Store, now: object = NOW) -> dict[tuple[str, ...], float]:
    """Value by metric and labels, without names and scales of experiences, which are no data.

    None stands twice.
    """
    found = store.chores().gauges(now)  # type: ignore[arg-type]  # a moment
    values = {(one.metric, *one.labels): one.value for one in found}
    assert len(values) == len(found)
    return {key: value for key, value in values.items() if key[0] not in NAMES}


def refresh(store: Store) -> None:
    chores = store.chores()
    chores.refresh(NOW)
    chores.assess_churn(NOW)
    chores.evaluate(NOW)


def test_empty_tables_have_no_gauges(store: Store) -> None:
    """No data is no sample, but an empty queue is data.

    A refresh and an evaluation of nothing add only their time.
    """
    assert gauges(store) == NOTHING_PENDING
    refresh(store)
    assert gauges(store) == {**NOTHING_PENDING, (EVALUATED,): NOW.timestamp()}


def test_histories_that_are_not_moved_yet_are_counted(store: Store) -> None:
    """Who reads segments and regions must be able to see that they are not up to date."""
    store.take_in(touchpoint())
    store.take_in(customer(segment="gold"))
    assert gauges(store)["voc_histories_pending",] == 1
    refresh(store)
    assert gauges(store)["voc_histories_pending",] == 0


def test_overdue_follow_ups_are_shown_by_what_was_tried(store: Store) -> None:
    """Who was never called and who was called in vain are told apart, while an alert is open."""
    delivered_at = (NOW - timedelta(days=4)).isoformat()
    store.take_in(
        *[
            repair_step(
                f"r-{n}",
                order_id=f"o-{n}",
                stage="delivery",
                edge="exit",
                occurred_at=delivered_at,
            )
            for n in range(20)
        ],
        callback(
            order_id="o-1", outcome="no_answer", occurred_at=(NOW - timedelta(days=2)).isoformat()
        ),
    )
    chores = store.chores()
    chores.refresh(NOW)
    for minutes in (2, 0):  # an alert starts when the same is found again
        chores.evaluate(NOW - timedelta(minutes=minutes))
    assert {
        key[1:]: value for key, value in gauges(store).items() if key[0] == "voc_follow_ups_overdue"
    } == {("s-1", "never"): 19, ("s-1", "not_reached"): 1, ("s-1", "refused"): 0}
    store.ask("UPDATE alert SET ended_at = now()")
    assert not any(key[0] == "voc_follow_ups_overdue" for key in gauges(store))


def test_experiences_are_named_in_both_languages(store: Store, catalogue: Catalogue) -> None:
    """Alerts tell people what fell in their own words.

    The catalogue's are there once a worker has started.
    """
    refresh(store)
    names, scales = NAMES
    read = store.chores().gauges(NOW)
    assert {one.labels for one in read if one.metric == names} == {
        (key, one.label.en, one.label.zh) for key, one in catalogue.experience.items()
    }
    found = {one.labels: one.value for one in read if one.metric == scales}
    assert found["reached", "share", "%", "percentage points"] == 10
    assert found["recommendation", "nps", "NPS", "NPS points"] == 100
    assert found["reception_minutes", "minutes", "min", "minutes"] == 1
    assert found.keys() == {
        (key, scale.name, scale.unit, scale.difference_unit)
        for key, one in catalogue.experience.items()
        for scale in [scale_of(one)]
    }


def test_satisfaction_is_read_for_all_and_for_key_experiences_by_site(store: Store) -> None:
    """Score, expectation and samples at each horizon that has any.

    Other experiences have no series of their own for each site.
    """
    store.take_in(
        touchpoint("t-1", score=4, expectation=9),
        touchpoint("t-2", experience="reception_wait", score=8),
    )
    refresh(store)
    found = {
        key: value for key, value in gauges(store).items() if key[0].startswith("voc_satisfaction")
    }
    expected = {
        "voc_satisfaction_score": (4, 8),
        # Of one customer who stated 9, and of the catalogue's 7, which counts as twenty.
        "voc_satisfaction_expected": (pytest.approx((9 + 20 * 7) / 21), 7),
        "voc_satisfaction_expected_samples": (1, 0),
        "voc_satisfaction_samples": (1, 1),
        "voc_satisfaction_score_low": (0, 0),
        "voc_satisfaction_score_high": (10, 10),
    }
    assert found == {
        **{
            (metric, "overall", site, horizon): overall
            for metric, (overall, _) in expected.items()
            for site in ("", "s-1")
            for horizon in ("30d", "90d")
        },
        **{
            (metric, "reception_wait", "", horizon): wait
            for metric, (_, wait) in expected.items()
            for horizon in ("30d", "90d")
        },
    }


def test_orders_are_read_by_punctuality_and_by_what_is_overdue(store: Store) -> None:
    """The ratio is that of a week.

    Overdue is an undelivered order whose promise passed within a year.
    """
    late, recent = (
        at(hours=1),
        {"stage": "delivery", "edge": "exit", "occurred_at": (NOW - timedelta(days=1)).isoformat()},
    )
    store.take_in(
        repair_step("r-1", promised_at=late),
        repair_step("r-2", order_id="o-2", stage="work", promised_at=NOW.isoformat()),
        repair_step("r-3", order_id="o-3", promised_at=(NOW - timedelta(days=366)).isoformat()),
        repair_step("r-4", order_id="o-4", promised_at=NOW.isoformat(), **recent),
        repair_step("r-5", order_id="o-5", promised_at=late, site_id="s-2", **recent),
        touchpoint(order_id="o-6"),
    )
    refresh(store)
    found = gauges(store)
    assert_all_are_counted(found)
    assert {
        key: value for key, value in found.items() if key[0] == "voc_repair_orders_overdue"
    } == {("voc_repair_orders_overdue", "s-1", "reception"): 1}
    assert {
        key[1:]: value for key, value in found.items() if key[0] == "voc_on_time_delivery_ratio"
    } == {
        ("", "delivery"): 0.5,
        ("s-1", "delivery"): 1,
        ("s-2", "delivery"): 0,
    }
    assert {
        key[1:]: value for key, value in found.items() if key[0] == "voc_on_time_delivery_samples"
    } == {("", "delivery"): 2, ("s-1", "delivery"): 1, ("s-2", "delivery"): 1}


def test_open_complaints_are_counted_with_the_age_of_the_oldest(store: Store) -> None:
    """By site and severity.

    One whose opening is unknown has no age, and none that is resolved counts.
    """
    store.take_in(
        complaint("k-1", severity="major"),
        complaint("k-2", severity="major", complaint_id="q-2", occurred_at=at(hours=1)),
        complaint("k-3", complaint_id="q-3", action="acknowledged", site_id="s-2"),
        complaint("k-4", complaint_id="q-4", action="resolved"),
    )
    found = {
        key: value
        for key, value in gauges(store, START + timedelta(hours=2)).items()
        if "complaint" in key[0]
    }
    assert found == {
        ("voc_complaints_open", "s-1", "major"): 2,
        ("voc_complaint_oldest_age_seconds", "s-1", "major"): 7200,
        ("voc_complaints_open", "s-2", "minor"): 1,
    }


def test_only_alerts_that_have_not_ended_are_active(store: Store) -> None:
    """By rule and severity; the end of one is shown for a day."""
    for number, ended_at in enumerate([None, None, NOW]):
        store.ask(
            "INSERT INTO alert VALUES (%s, 'VocX', NULL, 'site', %s, 'page', %s, %s, '{\"horizon\":"
            " \"7d\"}', '', %s)",
            str(number),
            f"s-{number}",
            START,
            ended_at,
            START,
        )
    assert gauges(store) == {
        ("voc_alert_active", "VocX", "page"): 2,
        ("voc_alert_firing", "VocX", "page", "", "s-0", "7d", "", "", ""): 1,
        ("voc_alert_firing", "VocX", "page", "", "s-1", "7d", "", "", ""): 1,
        ("voc_alert_firing", "VocX", "page", "", "s-2", "7d", "", "", ""): 0,
        **NOTHING_PENDING,
    }
    later = {
        key: value
        for key, value in gauges(store, NOW + timedelta(hours=25)).items()
        if key[0] == "voc_alert_firing"
    }
    assert set(later.values()) == {1}


def test_labels_hold_nothing_about_persons(store: Store, catalogue: Catalogue) -> None:
    """Label values come from a closed list, and every value is a number.

    Rules, experiences, sites, horizons, stages, severities, bands, segments and products.
    """
    send(store.sink(), messages(crowd(200)))
    refresh(store)
    # An alert starts when the same is found twice.
    store.chores().evaluate(NOW + timedelta(minutes=1))
    allowed = {
        *catalogue.experience,
        *STAGES,
        "",
        "s-0",
        "s-1",
        "1h",
        "24h",
        "7d",
        "30d",
        "90d",
        "minor",
        "major",
    }
    allowed |= {
        "low",
        *catalogue.churn.bands,
        "g-1",
        "g-2",
        "p-1",
        "p-2",
        "warning",
        "critical",
        "VocComplaintAgeing",
    }
    found = gauges(store)
    assert {label for _, *labels in found for label in labels} <= allowed
    assert all(isfinite(value) for value in found.values())
    assert len({metric for metric, *_ in found}) == 17


def test_gauges_are_what_the_metrics_declare(store: Store) -> None:
    """Each can be published, with its labels in their order."""
    from prometheus_client import CollectorRegistry

    send(store.sink(), messages(crowd(200)))
    refresh(store)
    registry = CollectorRegistry()
    Metrics(registry).publish(store.chores().gauges(NOW))
    assert registry.get_sample_value(
        "voc_satisfaction_samples", {"experience": "overall", "site": "", "horizon": "90d"}
    )


def test_a_drop_is_measured_against_the_four_weeks_before_the_horizon(store: Store) -> None:
    """Points below the mean of whole days that end before the horizon begins.

    None if either side has too few samples.
    """
    for number in range(20):
        store.take_in(
            touchpoint(
                f"before-{number}",
                score=9,
                occurred_at=(NOW - timedelta(days=10, minutes=number)).isoformat(),
            ),
            touchpoint(
                f"today-{number}",
                score=6,
                occurred_at=(NOW - timedelta(minutes=10 + number)).isoformat(),
            ),
        )
    store.take_in(
        touchpoint(
            "few", site_id="s-2", score=1, occurred_at=(NOW - timedelta(minutes=5)).isoformat()
        )
    )
    refresh(store)
    drops = {
        key[1:]: value
        for key, value in gauges(store).items()
        if key[0] == "voc_key_experience_drop"
    }
    assert drops == {
        ("overall", "s-1", "24h"): 3,
        ("overall", "s-1", "7d"): 3,
        ("overall", "", "24h"): pytest.approx(9 - (20 * 6 + 1) / 21),
        ("overall", "", "7d"): pytest.approx(9 - (20 * 6 + 1) / 21),
    }
    assert_all_are_counted(gauges(store))
    assert gauges(store)["voc_key_experience_drop_samples", "overall", "", "7d"] == 21
    assert gauges(store)["voc_key_experience_drop_baseline_samples", "overall", "", "7d"] == 20


def assert_all_are_counted(found: dict[tuple[str, ...], float]) -> None:
    """Beside each sample of a mean stands of how many it is."""
    assert [
        (count, *labels)
        for metric, *labels in found
        for count in READ_FROM_TABLES[metric].counted_by
        if (count, *labels) not in found
    ] == []
