"""The tools of Prometheus and Alertmanager, and what stands in deploy/."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml
from deploy.tools import DEPLOY
from deploy.tools import run as run_command
from prometheus_client import CollectorRegistry

from voc_stream.cli.worker import process_registry
from voc_stream.monitoring.metrics import Metrics
from voc_stream.monitoring.table_gauges import READ_FROM_TABLES

if TYPE_CHECKING:
    from pathlib import Path

RULES = sorted((DEPLOY / "prometheus/rules").glob("*.yaml"))
CASES = sorted((DEPLOY / "prometheus/tests").glob("*.yaml"))
ALERTMANAGER = DEPLOY / "alertmanager/alertmanager.yaml"
RUNBOOKS = sorted(path for path in (DEPLOY / "runbooks").glob("*.md") if path.stem != "README")
TARGET_LABELS = {"job", "cell", "instance"}
"""What Prometheus adds to every series of a worker."""


class ToolMissingError(RuntimeError):
    """A program that the tests need is not installed."""


class Alert(NamedTuple):
    """One alert rule; a name may have several, of different severity."""

    name: str
    rule: dict[str, Any]


def find(tool: str) -> str:
    """Path of a program. Raises ToolMissingError, which says how to install it."""
    found = shutil.which(tool)
    if found is None:
        raise ToolMissingError(
            f"{tool} is not installed: apt-get install --no-install-recommends prometheus"
            f" prometheus-alertmanager (or put the programs of"
            " prometheus.io on the PATH); the services that these packages bring need not run"
        )
    return found


def run(tool: str, *arguments: str | Path) -> str:
    """What the program prints. Fails with all of it where the program does."""
    return run_command([find(tool), *arguments])


def load(path: Path) -> Any:
    """A YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def rules() -> list[dict[str, Any]]:
    """All rules, recording ones and alerts."""
    return [rule for path in RULES for group in load(path)["groups"] for rule in group["rules"]]


def alerts() -> list[Alert]:
    """All alert rules."""
    return [Alert(rule["alert"], rule) for rule in rules() if "alert" in rule]


def labels_of_metrics() -> dict[str, set[str]]:
    """Every series that a worker can show, by its name in PromQL, with its labels."""
    found = {name: set(gauge.labels) for name, gauge in READ_FROM_TABLES.items()}
    for metric in vars(Metrics(CollectorRegistry())).values():
        for family in metric.describe() if hasattr(metric, "describe") else ():
            labels = set(metric._labelnames)
            if family.type == "histogram":
                found |= {
                    family.name + "_bucket": labels | {"le"},
                    family.name + "_sum": labels,
                    family.name + "_count": labels,
                }
            else:
                found[family.name + ("_total" if family.type == "counter" else "")] = labels
    for family in process_registry().collect():
        found |= {sample.name: set(sample.labels) for sample in family.samples}
    return found | {"up": set()}


def metrics_in(text: str) -> set[str]:
    """Names of series in PromQL, whatever stands around it.

    All that begin as ours or the process's do, and recorded ones.
    """
    return set(
        re.findall(
            r"(?<![\w:])(?:[a-z]+:)?(?:voc|process|python)[_:][\w:]+|(?<![\w:])up(?=\{)", text
        )
    )


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a page."""
    return re.findall(
        rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
