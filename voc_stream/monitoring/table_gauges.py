"""Declares once each gauge that is read from the tables, and shows it with a cap on sites."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from prometheus_client import Counter

    from voc_stream.pipeline.ports import GaugeSample

MAXIMUM_SITES = 1000
OTHER = "other"

BeyondCap = Literal["sum", "maximum", "leave out"]


class TableGauge(NamedTuple):
    """A gauge that is read from the tables.

    Attributes:
        meaning: the help text.
        labels: names of the labels, in the order in which a `GaugeSample` gives their values.
        beyond_cap: what the sites beyond MAXIMUM_SITES become under the site `other`.
        counted_by: of a mean or a share, the gauges that say of how many; they have the same
            labels. It is NO_MEAN for what is counted, summed or a moment.
    """

    meaning: str
    labels: tuple[str, ...]
    beyond_cap: BeyondCap
    counted_by: tuple[str, ...]


NO_MEAN: tuple[str, ...] = ()
_EXPERIENCE = ("experience", "site", "horizon")
_SAMPLES = ("voc_satisfaction_samples",)
_DROP_SAMPLES = ("voc_key_experience_drop_samples", "voc_key_experience_drop_baseline_samples")
READ_FROM_TABLES: Mapping[str, TableGauge] = {
    "voc_satisfaction_score": TableGauge(
        "Mean of the measure, as stored; times voc_experience_scale in its unit; site '' is all"
        " sites.",
        _EXPERIENCE,
        "leave out",
        _SAMPLES,
    ),
    "voc_satisfaction_expected": TableGauge(
        "Mean expectation, stated and of the catalogue, on the scale of the score; site '' is all"
        " sites.",
        _EXPERIENCE,
        "leave out",
        ("voc_satisfaction_expected_samples",),
    ),
    "voc_satisfaction_score_low": TableGauge(
        "Lower end of the 95 % interval of voc_satisfaction_score.",
        _EXPERIENCE,
        "leave out",
        _SAMPLES,
    ),
    "voc_satisfaction_score_high": TableGauge(
        "Upper end of the 95 % interval of voc_satisfaction_score.",
        _EXPERIENCE,
        "leave out",
        _SAMPLES,
    ),
    "voc_satisfaction_expected_samples": TableGauge(
        "How many of the contributions state an expectation.", _EXPERIENCE, "sum", NO_MEAN
    ),
    "voc_satisfaction_samples": TableGauge(
        "Contributions in the horizon; site '' is all sites.", _EXPERIENCE, "sum", NO_MEAN
    ),
    "voc_key_experience_drop": TableGauge(
        "How far a key experience lies below its four weeks before, on the scale of the score.",
        _EXPERIENCE,
        "maximum",
        _DROP_SAMPLES,
    ),
    "voc_key_experience_drop_samples": TableGauge(
        "Contributions in the horizon that lies below.", _EXPERIENCE, "leave out", NO_MEAN
    ),
    "voc_key_experience_drop_baseline_samples": TableGauge(
        "Contributions in the four weeks before.", _EXPERIENCE, "leave out", NO_MEAN
    ),
    "voc_experience_info": TableGauge(
        "1; what people call an experience, in English and Chinese.",
        ("experience", "label_en", "label_zh"),
        "leave out",
        NO_MEAN,
    ),
    "voc_experience_scale": TableGauge(
        "What a stored number of a measure is multiplied by to be shown in `unit`, and a difference"
        " in `difference`; the scale is points, share, nps, minutes, percent or count.",
        ("experience", "scale", "unit", "difference"),
        "leave out",
        NO_MEAN,
    ),
    "voc_alert_active": TableGauge(
        "Alerts that have started and not ended.", ("rule", "severity"), "sum", NO_MEAN
    ),
    "voc_alerts_not_borne_out": TableGauge(
        "Alerts that ended in the last seven days because later answers did not bear them out.",
        (),
        "sum",
        NO_MEAN,
    ),
    "voc_alert_firing": TableGauge(
        "1 while an alert is open, 0 for a day after it ended; labels that do not apply are ''.",
        (
            *("rule", "severity", "experience", "site", "horizon", "department"),
            *("explained_by", "mix"),
        ),
        "maximum",
        NO_MEAN,
    ),
    "voc_on_time_delivery_ratio": TableGauge(
        "Share of promised orders delivered on time, 0-1.",
        ("site", "stage"),
        "leave out",
        ("voc_on_time_delivery_samples",),
    ),
    "voc_on_time_delivery_samples": TableGauge(
        "Promised orders of which the ratio tells.", ("site", "stage"), "sum", NO_MEAN
    ),
    "voc_repair_orders_overdue": TableGauge(
        "Undelivered orders whose promise has passed, by current stage.",
        ("site", "stage"),
        "sum",
        NO_MEAN,
    ),
    "voc_follow_ups_overdue": TableGauge(
        "Follow-ups that are overdue at a site of which an alert is open, by what was tried: never,"
        " not_reached or refused.",
        ("site", "tried"),
        "sum",
        NO_MEAN,
    ),
    "voc_complaints_open": TableGauge(
        "Complaints that are open.", ("site", "severity"), "sum", NO_MEAN
    ),
    "voc_complaint_oldest_age_seconds": TableGauge(
        "Age of the open complaint that was opened first.", ("site", "severity"), "maximum", NO_MEAN
    ),
    "voc_customers_at_risk": TableGauge(
        "Customers in a band of risk of leaving.", ("band", "segment"), "sum", NO_MEAN
    ),
    "voc_churn_model_info": TableGauge(
        "1; the version of the fitted model that decides risks. Absent while the catalogue does.",
        ("version",),
        "leave out",
        NO_MEAN,
    ),
    "voc_histories_pending": TableGauge(
        "Customers whose earlier events are still counted under another segment or region, in"
        " part.",
        (),
        "leave out",
        NO_MEAN,
    ),
    "voc_evaluator_last_success_timestamp_seconds": TableGauge(
        "Unix time as of which alerts were last evaluated.", (), "leave out", NO_MEAN
    ),
    "voc_retractions_pending": TableGauge(
        "Events that retractions name and that are still to be taken out of the tables.",
        (),
        "leave out",
        NO_MEAN,
    ),
    "voc_value_at_risk": TableGauge(
        "Annual value times risk of leaving, summed.", ("band", "segment"), "sum", NO_MEAN
    ),
}


class TableGauges(Collector):
    """The samples of the gauges of READ_FROM_TABLES, with the cap on sites.

    They are replaced as a whole, so a scrape never sees half of them.
    """

    def __init__(self, overflow: Counter) -> None:
        self._overflow = overflow
        self._sites: set[str] = set()
        self._samples: dict[str, dict[tuple[str, ...], float]] = {}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """What Prometheus gets: families with samples only."""
        for name, values in self._samples.items():
            declared = READ_FROM_TABLES[name]
            family = GaugeMetricFamily(name, declared.meaning, labels=declared.labels)
            for labels, value in values.items():
                family.add_metric(labels, value)
            yield family

    def publish(self, gauges: Sequence[GaugeSample]) -> None:
        """Replace the samples."""
        for sample in gauges:
            declared = READ_FROM_TABLES[sample.metric]
            if len(sample.labels) != len(declared.labels):
                raise ValueError(
                    f"{sample.metric} has the labels {declared.labels}, but a sample gives"
                    f" {sample.labels}"
                )
        self._admit(
            sample.labels[index]
            for sample in gauges
            if (index := _site_index(sample.metric)) is not None
        )
        samples: dict[str, dict[tuple[str, ...], float]] = {}
        # Each name of a site or an experience is kept once, and not once for each sample: of 300
        # sites there are tens of thousands.
        names: dict[str, str] = {}
        for sample in gauges:
            labels = tuple([names.setdefault(label, label) for label in sample.labels])
            self._add(samples.setdefault(sample.metric, {}), sample._replace(labels=labels))
        self._samples = samples

    def _admit(self, sites: Iterable[str]) -> None:
        """Admit new sites as long as there is room; sites once shown stay shown."""
        for site in sorted(set(sites) - self._sites)[: MAXIMUM_SITES - len(self._sites)]:
            self._sites.add(site)

    def _add(self, values: dict[tuple[str, ...], float], sample: GaugeSample) -> None:
        index, value = _site_index(sample.metric), float(sample.value)
        if index is None or sample.labels[index] in self._sites:
            values[sample.labels] = value
            return
        self._overflow.labels(sample.metric).inc()
        labels = (*sample.labels[:index], OTHER, *sample.labels[index + 1 :])
        beyond = READ_FROM_TABLES[sample.metric].beyond_cap
        if beyond == "sum":
            values[labels] = values.get(labels, 0.0) + value
        elif beyond == "maximum":
            values[labels] = max(values.get(labels, value), value)


def _site_index(metric: str) -> int | None:
    labels = READ_FROM_TABLES[metric].labels
    return labels.index("site") if "site" in labels else None
