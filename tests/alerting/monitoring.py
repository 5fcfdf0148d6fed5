"""Prometheus and Alertmanager, and what they say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from alerting.scaled import write_alertmanager, write_prometheus
from alerting.web_program import WebProgram
from deploy.alerting import find

from voc_stream.embedded.processes.tcp_ports import LOOPBACK, free_port

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path


class Firing(NamedTuple):
    """An alert that fires: its labels, and what it tells people."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]


class Alertmanager(WebProgram):
    """Alertmanager with the shipped routes.

    It tells everything to the receiver on `receiver_port`.
    """

    def __init__(self, folder: Path, receiver_port: int, token: str) -> None:
        configuration = write_alertmanager(folder / "alertmanager", receiver_port, token)
        port = free_port()
        options = {
            "config.file": configuration,
            "storage.path": folder / "alertmanager-data",
            "web.listen-address": f"{LOOPBACK}:{port}",
            "cluster.listen-address": "",  # no others
            "log.level": "warn",
        }
        super().__init__(
            "prometheus-alertmanager", _command("prometheus-alertmanager", options), port, folder
        )

    def known(self) -> list[dict[str, Any]]:
        """The alerts that it knows, each with `labels` and its `status`."""
        return list(self.ask("/api/v2/alerts"))


class Prometheus(WebProgram):
    """Prometheus with the shipped rules; workers come and go by `follow`."""

    def __init__(self, folder: Path, alertmanager_port: int) -> None:
        self._targets = folder / "workers.json"
        self._followed: list[int] | None = None
        self.follow([])
        configuration = write_prometheus(folder / "prometheus", alertmanager_port, self._targets)
        port = free_port()
        options = {
            "config.file": configuration,
            "storage.tsdb.path": folder / "prometheus-data",
            "web.listen-address": f"{LOOPBACK}:{port}",
            "log.level": "warn",
        }
        super().__init__("prometheus", _command("prometheus", options), port, folder)

    def follow(self, ports: Collection[int]) -> None:
        """Scrape the workers on these ports from now on, and no others."""
        if sorted(ports) == self._followed:
            return
        self._followed = sorted(ports)
        written = self._targets.with_suffix(".new")
        written.write_text(
            json.dumps([{"targets": [f"{LOOPBACK}:{port}" for port in self._followed]}]),
            encoding="utf-8",
        )
        written.rename(self._targets)  # Prometheus reads it at once, and never half of it

    def firing(self, name: str) -> list[Firing]:
        """The alerts of that name that fire; pending ones do not."""
        found = self.ask("/api/v1/alerts")["data"]["alerts"]
        return [
            Firing(alert["labels"], alert["annotations"])
            for alert in found
            if alert["state"] == "firing" and alert["labels"]["alertname"] == name
        ]

    def series(self, query: str) -> list[tuple[Mapping[str, str], float]]:
        """Labels and value of each series of an instant query."""
        found = self.ask("/api/v1/query", query=query)["data"]["result"]
        return [(series["metric"], float(series["value"][1])) for series in found]


def _command(program: str, options: Mapping[str, object]) -> list[str]:
    return [find(program), *(f"--{name}={value}" for name, value in options.items())]
