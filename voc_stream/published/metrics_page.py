"""The page of all metrics for operators, generated from their declarations.

python -m voc_stream.published.metrics_page > docs/reference/metrics.md
"""

from __future__ import annotations

import sys

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from voc_stream.monitoring.metrics import READ_FROM_TABLES, Metrics

_HEADER = """# Metrics

Generated from their declarations by `python -m voc_stream.published.metrics_page`. Every worker serves
them at `/metrics` on `VOC_WEB_PORT`, together with the usual
ones of a Python process (`process_resident_memory_bytes`, `process_cpu_seconds_total`, `python_gc_…`).
What to watch, and what to do then, stands in [how to operate it](../howto/operate.md).

What has no data has no series: that is not zero. Sites beyond the first 1000 are put together as `other`.
"""
_OWN = """## Of the worker itself

Each worker shows what it did, and the partitions that it has. Over all workers take the sum of counters, and of `voc_consumer_lag_events`.
"""
_SHARED = """## Read from the tables

Every worker reads them every ten seconds and shows the same. Over all workers take the maximum: `max by (site, horizon) (…)`.
Customers at risk are counted once a minute, of a million every few minutes, so that counting takes at most a hundredth of the time; each
worker does so at moments of its own, and a customer whose band changed in between may stand in both.
"""
_TABLE = "| metric | type | labels | meaning |\n|---|---|---|---|\n"


def labels_of_metrics() -> dict[str, tuple[str, ...]]:
    """Every metric that the package declares, by the name in which Prometheus knows it, with its labels."""
    own = {_name(metric): metric._labelnames for metric in _own_metrics()}  # noqa: SLF001  the client has no other way to ask
    return own | {name: gauge.labels for name, gauge in READ_FROM_TABLES.items()}


def reference() -> str:
    """The page, in Markdown."""
    own = [
        _row(_name(metric), metric._type, metric._labelnames, metric._documentation)  # noqa: SLF001  the client has no other way to ask
        for metric in _own_metrics()
    ]
    shared = [
        _row(name, "gauge", gauge.labels, gauge.meaning)
        for name, gauge in sorted(READ_FROM_TABLES.items())
    ]
    return "\n".join(
        (_HEADER, _OWN, _TABLE + "\n".join(own) + "\n", _SHARED, _TABLE + "\n".join(shared) + "\n")
    )


def _own_metrics() -> list[Counter | Gauge | Histogram]:
    declared = vars(Metrics(CollectorRegistry())).values()
    return sorted(
        (metric for metric in declared if isinstance(metric, (Counter, Gauge, Histogram))),
        key=_name,
    )


def _name(metric: Counter | Gauge | Histogram) -> str:
    name: str = metric._name  # noqa: SLF001  the client has no other way to ask
    return f"{name}_total" if isinstance(metric, Counter) else name


def _row(name: str, kind: str, labels: tuple[str, ...], meaning: str) -> str:
    shown, escaped = ", ".join(f"`{label}`" for label in labels), meaning.replace("|", "\\|")
    return f"| `{name}` | {kind} | {shown} | {escaped} |"


if __name__ == "__main__":
    sys.stdout.write(reference())
