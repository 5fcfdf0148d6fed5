"""Gauges of the tables: what is declared is what is read."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from prometheus_client import Counter

import voc_stream.postgres
from voc_stream.monitoring.table_gauges import NO_MEAN, READ_FROM_TABLES, TableGauges
from voc_stream.pipeline.ports import GaugeSample

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOM = Path(voc_stream.postgres.__file__).parent


def test_what_is_declared_is_read_and_nothing_else() -> None:
    """A name is written twice: in its declaration and beside its query.

    A wrong one would be a KeyError in a running worker, and one that nobody reads an empty panel.
    """
    read = [
        sample
        for path in ROOM.rglob("*.py")
        for sample in samples_of(path.read_text(encoding="utf-8"))
    ]
    assert {name for name, _ in read} == set(READ_FROM_TABLES)
    assert [
        (name, labels)
        for name, labels in read
        if labels is not None and labels != len(READ_FROM_TABLES[name].labels)
    ] == []


def test_every_mean_says_of_how_many() -> None:
    """What counts the samples of a mean has the same labels, and is no mean itself.

    A number that sites beyond the cap cannot add up, and that is told by site, is a mean.
    """
    for name, gauge in READ_FROM_TABLES.items():
        for count in gauge.counted_by:
            assert READ_FROM_TABLES[count].labels == gauge.labels, name
            assert READ_FROM_TABLES[count].counted_by == NO_MEAN, count
    counts = {count for gauge in READ_FROM_TABLES.values() for count in gauge.counted_by}
    assert [
        name
        for name, gauge in READ_FROM_TABLES.items()
        if "site" in gauge.labels
        and gauge.beyond_cap == "leave out"
        and gauge.counted_by == NO_MEAN
        and name not in counts
    ] == []


def test_each_name_of_a_site_is_kept_once() -> None:
    """Of 300 sites there are tens of thousands of samples.

    Each comes from the process of the chores with names of its own.
    """
    gauges = TableGauges(Counter("overflow", "samples", ["metric"], registry=None))
    metric, names = next(
        (name, gauge.labels)
        for name, gauge in READ_FROM_TABLES.items()
        if "site" in gauge.labels and len(gauge.labels) > 1
    )
    place = names.index("site")
    samples = [
        GaugeSample(
            metric, tuple(f"{name} {'' if name == 'site' else number}" for name in names), 1.0
        )
        for number in range(10)
    ]
    assert len({id(sample.labels[place]) for sample in samples}) == 10
    gauges.publish(samples)
    kept = list(gauges._samples[metric])
    assert len(kept) == 10
    assert len({id(labels[place]) for labels in kept}) == 1


@pytest.mark.parametrize(
    ("source", "samples"),
    [
        ("GaugeSample('voc_a', (x, y), 1)", [("voc_a", 2)]),
        ("[GaugeSample('voc_b', labels, 1)]", [("voc_b", None)]),
        ("GaugeSample('voc_c', (x, *rest), 1)", [("voc_c", None)]),
        ("GaugeSample(name, (), 1)", [("name", 0)]),
    ],
)
def test_samples_are_found(source: str, samples: list[tuple[str, int | None]]) -> None:
    """The rule above sees every sample; a name that is computed is none that is declared."""
    assert list(samples_of(source)) == samples


def samples_of(source: str) -> Iterator[tuple[str, int | None]]:
    """Metric and number of labels of each sample made there; None if they are in a variable."""
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "GaugeSample"
        ):
            metric, labels = node.args[:2]
            yield (
                str(metric.value) if isinstance(metric, ast.Constant) else ast.unparse(metric),
                len(labels.elts)
                if isinstance(labels, ast.Tuple)
                and not any(isinstance(label, ast.Starred) for label in labels.elts)
                else None,
            )
