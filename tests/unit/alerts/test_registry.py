"""What holds for every rule that there is, whoever adds one."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from documentation import ROOT

from voc_stream.alerts.model import OpenAlert
from voc_stream.alerts.registry import RULES
from voc_stream.alerts.rule import Context
from voc_stream.catalogue.load import load_catalogue
from voc_stream.monitoring.table_gauges import READ_FROM_TABLES
from voc_stream.postgres.alerting.readers import make_readers

if TYPE_CHECKING:
    from unit.alerts.rules.example import Example

    from voc_stream.alerts.rule import Rule

CATALOGUE = load_catalogue()
CHINESE = r"[\u4e00-\u9fff]"
every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)


def test_names_are_unique_and_begin_alike() -> None:
    """The name is the alert's in the table, in Prometheus, and of its runbook."""
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names) > 0
    assert all(re.fullmatch("Voc[A-Z][A-Za-z]+", name) for name in names)


@every_rule
def test_nobody_but_its_room_knows_a_rule_by_name(rule: Rule) -> None:
    """The evaluator loops over all rules: what names one would have to be changed for the next."""
    package = ROOT / "voc_stream"
    naming = [path for path in package.rglob("*.py") if rule.name in path.read_text("utf-8")]
    rooms = {package / "alerts" / "rules", package / "alerts" / "levels.py"}
    assert all(rooms & {path, *path.parents} for path in naming), naming


@every_rule
def test_a_rule_says_what_people_need(rule: Rule) -> None:
    """In both languages, and when it starts, ends and is critical."""
    for words in (rule.title, rule.headline):
        assert words.en
        assert re.search(CHINESE, words.zh)
    assert all((rule.description, rule.one_per, rule.starts, rule.critical, rule.ends))


@every_rule
def test_a_mean_in_a_message_says_of_how_many_it_is(rule: Rule) -> None:
    """Whoever is woken by 61 % should see whether that is of 13 or of 1,300 orders."""
    shown = {name for figure in rule.figures for name in re.findall(r"voc_\w+", figure.query)}
    assert {
        count
        for name in shown & set(READ_FROM_TABLES)
        for count in READ_FROM_TABLES[name].counted_by
    } <= shown


@every_rule
def test_a_rule_has_its_runbook(rule: Rule) -> None:
    """A link in a message at night must lead somewhere."""
    page = ROOT / "deploy" / "runbooks" / f"{rule.name}.md"
    assert page.is_file(), f"write {page.relative_to(ROOT)}, as the other runbooks are"


@every_rule
def test_somebody_reads_what_a_rule_needs(rule: Rule) -> None:
    """Facts that nobody reads would make every evaluation fail."""
    assert rule.needs
    assert set(rule.needs) <= make_readers(CATALOGUE).keys()


@every_rule
def test_a_rule_starts_and_ends(rule: Rule) -> None:
    """An alert that nobody has seen start, or has not seen end, is not trusted.

    `EXAMPLE` of its test.
    """
    module = rule.judge.__module__.removeprefix("voc_stream.alerts.rules.")
    room, _, name = module.rpartition(".")
    path = Path(__file__).parent / "rules" / room / f"test_{name}.py"
    assert path.is_file(), f"{rule.name} needs a test, {path.relative_to(ROOT)}, with its EXAMPLE"
    example: Example = import_module(f"unit.alerts.rules.{room}.test_{name}").EXAMPLE
    found = rule.judge(example.starts, Context(CATALOGUE, example.now, {})).findings
    assert found
    for finding in found:
        assert finding.subject.rule == rule.name
        assert json.loads(msgspec.json.encode(finding.evidence)) is not None
        english, _, chinese = finding.summary.partition(" / ")
        assert english
        assert re.search(CHINESE, chinese)
    open_alerts = {
        finding.subject: OpenAlert("a", *finding[:4], example.now, example.now) for finding in found
    }
    after = rule.judge(example.ends, Context(CATALOGUE, example.now, open_alerts))
    assert not after.findings
    assert not open_alerts.keys() & set(after.holding)
