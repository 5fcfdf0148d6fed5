from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from voc_stream.monitoring.metrics import Metrics
from voc_stream.monitoring.table_gauges import MAXIMUM_SITES, READ_FROM_TABLES
from voc_stream.pipeline.ports import BatchResult, GaugeSample, Partition

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
CONTRACT = {
    *(
        "voc_events_total",
        "voc_satisfaction_score",
        "voc_satisfaction_expected",
        "voc_satisfaction_samples",
        "voc_key_experience_drop",
    ),
    *(
        "voc_alert_active",
        "voc_on_time_delivery_ratio",
        "voc_repair_orders_overdue",
        "voc_complaints_open",
    ),
    *(
        "voc_complaint_oldest_age_seconds",
        "voc_customers_at_risk",
        "voc_value_at_risk",
        "voc_batch_seconds",
        "voc_batch_events",
    ),
    *(
        "voc_postgres_retries_total",
        "voc_consumer_lag_events",
        "voc_event_delay_seconds",
        "voc_last_commit_timestamp_seconds",
    ),
    "voc_evaluator_last_success_timestamp_seconds",
}


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry())


def samples(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    """Values by label values, in the order in which the labels are declared."""
    found = [
        sample
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == name
    ]
    return {tuple(sample.labels.values()): sample.value for sample in found}


def test_every_metric_of_the_contract_exists(metrics: Metrics) -> None:
    """Dashboards and alerts use these names."""
    declared = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in metrics.registry.collect()
    }
    assert CONTRACT - declared - set(READ_FROM_TABLES) == set()


def test_no_data_has_no_sample(metrics: Metrics) -> None:
    """A gauge of the tables shows only what was read.

    Before the first reading there is none, and what is not read any more disappears.
    """
    for name in READ_FROM_TABLES:
        assert samples(metrics, name) == {}
    metrics.publish(
        [
            GaugeSample("voc_complaints_open", ("s1", "major"), 3),
            GaugeSample("voc_complaints_open", ("s2", "major"), 1),
        ]
    )
    metrics.publish([GaugeSample("voc_complaints_open", ("s2", "major"), 2)])
    assert samples(metrics, "voc_complaints_open") == {("s2", "major"): 2}


def test_a_gauge_without_labels_is_read_too(metrics: Metrics) -> None:
    """The time of the last refresh has none."""
    metrics.publish([GaugeSample("voc_evaluator_last_success_timestamp_seconds", (), 1.5)])
    assert samples(metrics, "voc_evaluator_last_success_timestamp_seconds") == {(): 1.5}


def test_sites_beyond_the_cap_become_other_and_are_counted(metrics: Metrics) -> None:
    """A flood of site names must not flood Prometheus.

    Sums are added up, ages take the greatest, means are left out.
    """
    sites = [f"s{number:05d}" for number in range(MAXIMUM_SITES + 5)]
    metrics.publish(
        [GaugeSample("voc_complaints_open", (site, "minor"), 1) for site in sites]
        + [
            GaugeSample("voc_complaint_oldest_age_seconds", (site, "minor"), number)
            for number, site in enumerate(sites)
        ]
        + [GaugeSample("voc_satisfaction_score", ("overall", site, "24h"), 7) for site in sites]
    )
    complaints = samples(metrics, "voc_complaints_open")
    assert len(complaints) == MAXIMUM_SITES + 1
    assert complaints["other", "minor"] == 5
    assert (
        samples(metrics, "voc_complaint_oldest_age_seconds")["other", "minor"] == MAXIMUM_SITES + 4
    )
    assert len(samples(metrics, "voc_satisfaction_score")) == MAXIMUM_SITES
    assert samples(metrics, "voc_label_overflow_total") == {
        (name,): 5
        for name in sorted(
            {"voc_complaints_open", "voc_complaint_oldest_age_seconds", "voc_satisfaction_score"}
        )
    }


def test_a_site_once_shown_stays_shown(metrics: Metrics) -> None:
    """New sites must not push out those that dashboards show."""
    metrics.publish([GaugeSample("voc_complaints_open", ("zz", "minor"), 1)])
    metrics.publish(
        [
            GaugeSample("voc_complaints_open", (site, "minor"), 1)
            for site in ["zz", *(f"s{number:05d}" for number in range(MAXIMUM_SITES))]
        ]
    )
    assert samples(metrics, "voc_complaints_open")["zz", "minor"] == 1


@pytest.mark.parametrize(
    "reading", [GaugeSample("voc_no_such", (), 1), GaugeSample("voc_complaints_open", ("s1",), 1)]
)
def test_an_undeclared_reading_is_refused_and_changes_nothing(
    metrics: Metrics, reading: GaugeSample
) -> None:
    """Metrics are declared in one place."""
    metrics.publish([GaugeSample("voc_complaints_open", ("s1", "major"), 3)])
    with pytest.raises((KeyError, ValueError)):
        metrics.publish([reading])
    assert samples(metrics, "voc_complaints_open") == {("s1", "major"): 3}


def test_a_committed_batch_is_counted_by_outcome(metrics: Metrics) -> None:
    """The counts of the result, the time of the commit, and how late its latest event was."""
    result = BatchResult(
        7,
        2,
        1,
        next_offset=18,
        latest_event_time=NOW - timedelta(seconds=30),
        conflicting=5,
        retracted=3,
    )
    metrics.committed(Partition("voc.callbacks", 3), 10, result, NOW)
    assert samples(metrics, "voc_events_total") == {
        ("voc.callbacks", "accepted"): 7,
        ("voc.callbacks", "duplicate"): 2,
        ("voc.callbacks", "rejected"): 1,
        ("voc.callbacks", "conflicting"): 5,
        ("voc.callbacks", "retracted"): 3,
    }
    assert samples(metrics, "voc_event_delay_seconds") == {("voc.callbacks", "3"): 30}
    assert samples(metrics, "voc_last_commit_timestamp_seconds") == {
        ("voc.callbacks", "3"): NOW.timestamp()
    }
    assert samples(metrics, "voc_batch_events_sum") == {("voc.callbacks",): 10}


def test_a_partition_that_went_to_another_worker_shows_no_more(metrics: Metrics) -> None:
    """Two workers must not show one partition; forgetting one that never showed is no error."""
    metrics.lag({Partition("voc.callbacks", 0): 5, Partition("voc.callbacks", 1): 6})
    metrics.forget_partition(Partition("voc.callbacks", 0))
    metrics.forget_partition(Partition("voc.callbacks", 9))
    assert samples(metrics, "voc_consumer_lag_events") == {("voc.callbacks", "1"): 6}
