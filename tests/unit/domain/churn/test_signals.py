from __future__ import annotations

import re
from datetime import timedelta

from builders import START

from voc_stream.domain.churn.facts import ComplaintFacts, CustomerFacts
from voc_stream.domain.churn.signals import SIGNAL_NAMES, SIGNALS
from voc_stream.domain.churn.spells import Spell, Terms

TERMS = Terms(timedelta(days=180), 600)
CALM = CustomerFacts("c-1", START, None, None, None, (), ())


def test_each_signal_has_a_name_and_words_of_its_own() -> None:
    """The name is that of the driver and of the multiplier; alerts tell it in both languages."""
    assert len(SIGNAL_NAMES) == len(SIGNALS)
    for signal in SIGNALS:
        assert re.fullmatch("[a-z][a-z0-9_]*", signal.name)
        assert signal.en
        assert signal.active_when
        assert re.search(r"[\u4e00-\u9fff]", signal.zh)


def test_nothing_but_silence_threatens_a_calm_customer() -> None:
    """Who has no order, complaint or score has only the signals that come with time."""
    spells = {signal.name: signal.active(CALM, TERMS) for signal in SIGNALS}
    days = {180: START + timedelta(days=180), 365: START + timedelta(days=365)}
    assert {name: spell for name, spell in spells.items() if spell is not None} == {
        "inactive_180d": Spell(days[180], days[365]),
        "inactive_365d": Spell(days[365], None),
    }


def test_an_open_complaint_ages_without_a_gap() -> None:
    """One signal gives way to the next at the very moment that it begins."""
    opened = ComplaintFacts("q-1", "minor", "opened", True, START, None, None)
    facts = CALM._replace(complaints=(opened,))
    ages = [signal.active(facts, TERMS) for signal in SIGNALS if "complaint_open_" in signal.name]
    assert [spell and spell.until for spell in ages[:-1]] == [
        spell and spell.since for spell in ages[1:]
    ]
    assert ages[-1] == Spell(START + timedelta(hours=168), None)
