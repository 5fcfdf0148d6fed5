"""Generates from the alert rules: pages, entries of Prometheus, and cases of promtool.

`python -m voc_stream.published.write` writes them with all else that is generated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voc_stream.alerts.registry import RULES
from voc_stream.published.markdown import table
from voc_stream.published.yaml import to_yaml

if TYPE_CHECKING:
    from voc_stream.alerts.rule import Figure, Rule

SECTION = "alert-rules"
"""The marked section of the page of alerts and of the index of runbooks."""
_LABELS = {"kind": "domain", "team": "customer-experience"}
_RUNBOOKS = "{{ $externalLabels.runbooks }}"

_ENTRIES_HEADER = """\
# Alerts about experiences: what customers told, or what happened to them. They contain no
# thresholds.
#
# Made by `make docs` from voc_stream/alerts/rules: change those, not this.
#
# An evaluator in the worker decides, by the thresholds of the catalogue, with a sample gate,
# control of false discoveries and different limits for start and end. These rules only pass on what
# it wrote into voc.alert. The labels severity, experience, site, horizon, department,
# explained_by and mix are those of that alert; a label that does not apply is missing.
#
# for: 15s              two evaluations in a row; the evaluator has made sure already
# keep_firing_for: 3m   bridges a start of Prometheus or of the evaluator; an alert that ended is
#                       gone 3 minutes later
#
# While no fresh evaluation exists, alerts stay as they were: see recording.yaml. Figures in a
# description are those of the moment, and left out if there are none.

"""
_CASES_HEADER = """\
# Each domain alert without figures of the moment: one that fires, and one that does not.
#
# Made by `make docs` from voc_stream/alerts/rules: change those, not this. Cases with figures are
# written by hand, in domain.yaml.

"""
_NAMED = (
    "{{ with query (printf `max by (label_LANGUAGE) (voc_experience_info{experience=%q})`"
    ' $labels.experience) }}{{ . | first | label "label_LANGUAGE" }}'
    "{{ else }}{{ $labels.experience }}{{ end }}"
)
_STAGE = (
    '{{ with $labels.experience }}BEFORE{{ reReplaceAll "^stage_minutes[.]" "" . }}AFTER{{ end }}'
)
_IN_ENGLISH = {
    "place": '{{ or $labels.site "all sites" }}',
    "experience": _NAMED.replace("LANGUAGE", "en"),
    "stage": _STAGE.replace("BEFORE", ": ").replace("AFTER", ""),
    "horizon": "{{ with $labels.horizon }} over the last {{ . }}{{ end }}",
}
_IN_CHINESE = {
    "experience": _NAMED.replace("LANGUAGE", "zh"),
    "stage": _STAGE.replace("BEFORE", "（").replace("AFTER", "）"),
}


def alerts_table() -> str:
    """The table of the page of alerts."""
    rows = [
        [f"`{rule.name}`", rule.one_per, rule.starts, rule.critical, rule.ends] for rule in RULES
    ]
    return table(
        ["rule", "one alert per", "starts", "critical", "ends"], rows, text=(0, 1, 2, 3, 4)
    )


def runbook_index() -> str:
    """The domain alerts in the index of the runbooks."""
    rows = [
        [f"[{rule.name}]({rule.name}.md)", f"{rule.title.en} / {rule.title.zh}"] for rule in RULES
    ]
    return table(["domain / 业务", ""], rows, text=(0, 1))


def prometheus_entries() -> str:
    """The rules file of Prometheus: one entry of the same shape for each rule."""
    rules = [_entry(rule) for rule in RULES]
    groups = [{"name": "voc-domain", "interval": "15s", "rules": rules}]
    return _ENTRIES_HEADER + to_yaml({"groups": groups})


def promtool_cases() -> str:
    """The cases of promtool.

    Every rule fires with its own sentences, and is quiet when it ended.
    """
    tests = [
        _case("what the evaluator calls open fires", "1x40", [_fires(rule) for rule in RULES]),
        _case("what ended is quiet", "0x40", [_is_quiet(rule) for rule in RULES]),
    ]
    return _CASES_HEADER + to_yaml(
        {
            "rule_files": ["../rules/*.yaml"],
            "evaluation_interval": "15s",
            "group_eval_order": ["voc-alert-state", "voc-domain", "voc-service"],
            "tests": tests,
        }
    )


def _entry(rule: Rule) -> dict[str, Any]:
    return {
        "alert": rule.name,
        "expr": f'max without (rule) (alert:voc_alert_firing:held{{rule="{rule.name}"}})',
        "for": "15s",
        "keep_firing_for": "3m",
        "labels": _LABELS,
        "annotations": {
            "summary": _filled(rule.headline.en, _IN_ENGLISH)
            + "{{ with $labels.explained_by }}, mostly {{ . }}{{ end }}"
            + "{{ with $labels.mix }}, mostly a change of mix: {{ . }}{{ end }}",
            "summary_zh": '{{ or $labels.site "全部门店" }}：'
            + _filled(rule.headline.zh, _IN_CHINESE)
            + "{{ with $labels.explained_by }}，主要来自 {{ . }}{{ end }}"
            + "{{ with $labels.mix }}，主要是构成变化：{{ . }}{{ end }}",
            "description": _filled(rule.description, _IN_ENGLISH)
            + "".join(f" {_figure(figure)}" for figure in rule.figures)
            + " More in voc.alert.",
            "runbook_url": f"{_RUNBOOKS}/{rule.name}.md",
        },
    }


def _filled(words: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        words = words.replace(f"{{{name}}}", value)
    return words


def _figure(figure: Figure) -> str:
    query = f"`{figure.query}`"
    if figure.labels:
        query = f"(printf {query} {' '.join(f'$labels.{name}' for name in figure.labels)})"
    number = f"{{{{ . | first | value | {figure.shown_as} }}}}"
    if figure.unit:
        number += f' {{{{ . | first | label "{figure.unit}" }}}}'
    return f"{{{{- with query {query} }}}} {figure.sentence.format(number)}{{{{ end }}}}"


def _case(name: str, values: str, expected: list[dict[str, Any]]) -> dict[str, Any]:
    worker = 'job="voc-worker", instance="worker-1:6066"'
    fresh = {
        "series": f"voc_evaluator_last_success_timestamp_seconds{{{worker}}}",
        "values": "0+15x40",
    }
    about = (
        'severity="warning", experience="x.y", site="site-1", horizon="7d", explained_by="who",'
        ' department="", mix=""'
    )
    series = [
        {
            "series": f'voc_alert_firing{{{worker}, rule="{rule.name}", {about}}}',
            "values": values,
        }
        for rule in RULES
    ]
    return {
        "name": name,
        "interval": "15s",
        "external_labels": {"runbooks": "https://example.org/runbooks"},
        "input_series": [fresh, *series],
        "alert_rule_test": expected,
    }


def _fires(rule: Rule) -> dict[str, Any]:
    """What the entry says about experience `x.y` at `site-1`, in plain words."""
    english = {
        "place": "site-1",
        "experience": "x.y",
        "stage": ": x.y",
        "horizon": " over the last 7d",
    }
    chinese = {"experience": "x.y", "stage": "（x.y）"}
    labels = {
        **_LABELS,
        "severity": "warning",
        "experience": "x.y",
        "site": "site-1",
        "horizon": "7d",
        "explained_by": "who",
    }
    annotations = {
        "summary": f"{_filled(rule.headline.en, english)}, mostly who",
        "summary_zh": f"site-1：{_filled(rule.headline.zh, chinese)}，主要来自 who",
        "description": f"{_filled(rule.description, english)} More in voc.alert.",
        "runbook_url": f"https://example.org/runbooks/{rule.name}.md",
    }
    alert = {"exp_labels": labels, "exp_annotations": annotations}
    return {"eval_time": "5m", "alertname": rule.name, "exp_alerts": [alert]}


def _is_quiet(rule: Rule) -> dict[str, Any]:
    return {"eval_time": "5m", "alertname": rule.name, "exp_alerts": []}
