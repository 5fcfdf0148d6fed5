"""The copies that the tests of alerting run are what is shipped, only faster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from alerting.scaled import (
    CREDENTIALS,
    FRESH,
    FRESH_SECONDS,
    HALF_HOUR,
    SHORT,
    STOPPED,
    WEBHOOK_HOST,
    scaled_rules,
    sooner,
    write_alertmanager,
    write_prometheus,
)
from deploy.alerting import ALERTMANAGER, RULES, load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def _rules(files: list[Any]) -> Iterator[dict[str, Any]]:
    for file in files:
        for group in file["groups"]:
            yield from group["rules"]


def test_rules_differ_in_their_times_alone() -> None:
    """The same rules in the same order, with the same labels and annotations.

    What is proven of the copy holds for the original.
    """
    originals, copies = (
        list(_rules([load(path) for path in RULES])),
        list(_rules(list(scaled_rules().values()))),
    )
    assert len(originals) == len(copies) > 0
    for original, copy in zip(originals, copies, strict=True):
        expression = original.pop("expr").replace(FRESH, f"< {FRESH_SECONDS:g}")
        assert (
            expression.replace(HALF_HOUR, SHORT) if original.get("alert") == STOPPED else expression
        ) == copy.pop("expr")
        for name in {"for", "keep_firing_for"} & original.keys():
            assert sooner(original.pop(name)) == copy.pop(name)
        assert original == copy


def test_every_duration_is_divided_by_the_same_number() -> None:
    """Otherwise a delay that is longer than another one could be shorter in the copy."""
    assert [sooner(duration) for duration in ("15s", "3m", "12h")] == [
        "500ms",
        "6000ms",
        "1440000ms",
    ]


def test_prometheus_scrapes_the_job_of_the_rules(tmp_path: Path) -> None:
    """Only where the workers and Alertmanager are found is replaced.

    The job keeps its name, by which the rules select it.
    """
    written = load(write_prometheus(tmp_path / "prometheus", 9093, tmp_path / "workers.json"))
    [job] = written["scrape_configs"]
    assert job == {
        "job_name": "voc-worker",
        "file_sd_configs": [{"files": [str(tmp_path / "workers.json")]}],
    }
    assert written["global"]["scrape_interval"] == "500ms"
    assert written["alerting"]["alert_relabel_configs"]
    assert len(list((tmp_path / "prometheus/rules").iterdir())) == len(RULES)


def test_alertmanager_keeps_its_routes(tmp_path: Path) -> None:
    """The same routes, inhibitions and receivers.

    Only the door behind the receivers, its token and the times are others.
    """

    def without_times(route: dict[str, Any]) -> dict[str, Any]:
        kept = {
            name: value
            for name, value in route.items()
            if not name.endswith(("_wait", "_interval"))
        }
        return kept | {"routes": [without_times(child) for child in route.get("routes", ())]}

    original, path = (
        load(ALERTMANAGER),
        write_alertmanager(tmp_path / "alertmanager", 8080, "a token"),
    )
    copy = load(path)
    assert without_times(original["route"]) == without_times(copy["route"])
    assert original["inhibit_rules"] == copy["inhibit_rules"]
    assert [receiver["name"] for receiver in original["receivers"]] == [
        receiver["name"] for receiver in copy["receivers"]
    ]
    assert copy["route"]["group_wait"] == "1000ms"
    text = yaml.safe_dump(copy)
    assert WEBHOOK_HOST not in text
    assert CREDENTIALS not in text
    assert (tmp_path / "alertmanager/webhook-token").read_text(encoding="utf-8") == "a token"
