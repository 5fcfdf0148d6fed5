"""What deploy/ ships for Prometheus and Alertmanager, on a clock that runs faster.

It is pointed at programs on this machine.

Intervals and delays are divided by FACTOR. The age at which an evaluation is stale is divided by
less. The reason: a worker to which nothing happens shows its gauges anew only every 10 s. Windows
inside expressions stay: they only say how far back something is looked for; that of VocInputStopped
is the time that it takes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml
from deploy.alerting import ALERTMANAGER, RULES, load
from deploy.tools import DEPLOY

from voc_stream.embedded.processes.tcp_ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

FACTOR = 30
FRESH = "< 120"
"""As the recording rules write how old an evaluation may be, in seconds, in two places."""
FRESH_PLACES = 2
FRESH_SECONDS = 120 / 6
KEEP_FIRING_SECONDS = 180 / FACTOR
"""Of the domain alerts."""
STOPPED, HALF_HOUR, SHORT = "VocInputStopped", "30m", "20s"
"""The alert about a call centre that is not heard, its window, and what that becomes."""
SECONDS = {"s": 1, "m": 60, "h": 3600}
TIMES_OF_RULES = ("for", "keep_firing_for")
TIMES_OF_ROUTES = ("group_wait", "group_interval", "repeat_interval")
WEBHOOK_HOST = "http://alert-receiver:8080"
CREDENTIALS = "/run/secrets/webhook_token"


def sooner(duration: str) -> str:
    """A duration of a configuration, divided.

    >>> sooner("3m")
    '6000ms'
    """
    number, unit = re.fullmatch(r"(\d+)([smh])", duration).groups()  # type: ignore[union-attr]  # else the configuration has a new form
    return f"{int(number) * SECONDS[unit] * 1000 // FACTOR}ms"


def scaled_rules() -> dict[str, Any]:
    """Name and content of each file of rules.

    AssertionError where they no longer contain what is replaced.
    """
    found = {path.name: load(path) for path in RULES}
    groups = [group for content in found.values() for group in content["groups"]]
    fresh = 0
    for group in groups:
        group["interval"] = sooner(group["interval"])
        for rule in group["rules"]:
            fresh += rule["expr"].count(FRESH)
            rule["expr"] = rule["expr"].replace(FRESH, f"< {FRESH_SECONDS:g}")
            if rule.get("alert") == STOPPED:
                assert HALF_HOUR in rule["expr"], (
                    f"{STOPPED} has another window than {HALF_HOUR}: let HALF_HOUR follow it"
                )
                rule["expr"] = rule["expr"].replace(HALF_HOUR, SHORT)
            rule.update({name: sooner(rule[name]) for name in TIMES_OF_RULES if name in rule})
    assert fresh == FRESH_PLACES, (
        f"{FRESH!r} stands {fresh} times in the rules: let FRESH and FRESH_PLACES follow them"
    )
    kept = {
        rule["keep_firing_for"]
        for group in groups
        for rule in group["rules"]
        if rule.get("labels", {}).get("kind") == "domain"
    }
    assert kept == {f"{KEEP_FIRING_SECONDS * 1000:.0f}ms"}, (
        f"domain alerts are kept for {kept}: let KEEP_FIRING_SECONDS follow them"
    )
    return found


def write_prometheus(folder: Path, alertmanager_port: int, targets: Path) -> Path:
    """Write configuration and rules; the path of the configuration.

    Workers are those that the JSON file `targets` names.
    """
    (folder / "rules").mkdir(parents=True)
    for name, content in scaled_rules().items():
        _write(folder / "rules" / name, content)
    shipped = load(DEPLOY / "prometheus/prometheus.yaml")
    for name in ("scrape_interval", "evaluation_interval"):
        shipped["global"][name] = sooner(shipped["global"][name])
    [alertmanagers] = shipped["alerting"]["alertmanagers"]
    alertmanagers["static_configs"] = [{"targets": [f"{LOOPBACK}:{alertmanager_port}"]}]
    job = shipped["scrape_configs"][0]
    shipped["scrape_configs"] = [job]  # the others are not here
    del job["dns_sd_configs"]
    job["file_sd_configs"] = [{"files": [str(targets)]}]
    return _write(folder / "prometheus.yaml", shipped)


def write_alertmanager(folder: Path, receiver_port: int, token: str) -> Path:
    """Write configuration and the receiver's token; the path of the configuration."""
    folder.mkdir(parents=True)
    credentials = folder / "webhook-token"
    credentials.write_text(token, encoding="utf-8")
    text = ALERTMANAGER.read_text(encoding="utf-8")
    assert WEBHOOK_HOST in text
    assert CREDENTIALS in text
    content = yaml.safe_load(
        text.replace(WEBHOOK_HOST, f"http://{LOOPBACK}:{receiver_port}").replace(
            CREDENTIALS, str(credentials)
        )
    )
    _hurry(content["route"])
    return _write(folder / "alertmanager.yaml", content)


def _hurry(route: dict[str, Any]) -> None:
    route.update({name: sooner(route[name]) for name in TIMES_OF_ROUTES if name in route})
    for child in route.get("routes", ()):
        _hurry(child)


def _write(path: Path, content: Mapping[str, Any] | Sequence[Any]) -> Path:
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path
