"""The page of metrics that operators read."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from voc_stream.monitoring.metrics import Metrics
from voc_stream.published.metrics_page import labels_of_metrics


def test_names_are_those_that_are_scraped() -> None:
    """What Prometheus gets from a new worker has exactly the names on the page.

    The others come with their first sample.
    """
    registry = CollectorRegistry()
    Metrics(registry)
    lines = generate_latest(registry).decode().splitlines()
    scraped = {
        line.split()[2]
        for line in lines
        if line.startswith("# TYPE ") and not line.split()[2].endswith("_created")
    }
    assert scraped
    assert scraped <= labels_of_metrics().keys()
