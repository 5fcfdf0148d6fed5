from __future__ import annotations

import re
from datetime import timedelta

from builders import START

from voc_stream.domain.churn.courses import Spell, Terms
from voc_stream.domain.churn.facts import ComplaintFacts, CustomerFacts
from voc_stream.domain.churn.signals import BITS, SIGNAL_NAMES, SIGNALS, further_facts

# By bit. What is declared here stays here, also when the signal itself is gone.
EVER_DECLARED = [
    "open_complaint_major",
    "open_complaint_minor",
    "resolved_complaint_major",
    "resolved_complaint_minor",
    "resolved_quickly_major",
    "resolved_quickly_minor",
    "broken_promise",
    "silent_unhappy",
    "low_attitude",
    "low_outcome",
    "bad_memory",
    "inactive_180d",
    "inactive_365d",
    "visits_1",
    "visits_2",
    "visits_4",
    "visits_8",
    "tenure_0d",
    "tenure_90d",
    "tenure_365d",
    "tenure_730d",
    "failures_8",
    "contacts_3",
    "unanswered_survey",
    "price_complaint",
    "compensation",
    "missed_follow_up",
    "nps_detractor",
    "high_effort",
    "unresolved_complaint",
]
TERMS = Terms(timedelta(days=180), 600, {"major": timedelta(days=1), "minor": timedelta(days=3)})
CALM = CustomerFacts("c-1", START, None, None, None, (), ())


def test_each_signal_has_a_name_and_words_of_its_own() -> None:
    """The name is that of the driver and of the multiplier; alerts tell it in both languages."""
    assert len(SIGNAL_NAMES) == len(SIGNALS)
    for signal in SIGNALS:
        assert re.fullmatch("[a-z][a-z0-9_]*", signal.name)
        assert signal.en
        assert signal.active_when
        assert re.search(r"[\u4e00-\u9fff]", signal.zh)
        assert signal.rises_from is None or signal.rises_from in SIGNAL_NAMES


def test_each_signal_has_a_bit_of_its_own() -> None:
    """Stored sets of signals name them by their bits: no two share one, and none ever changes."""
    bits = {signal.bit: signal.name for signal in SIGNALS}
    assert len(bits) == len(SIGNALS)
    assert [bits[bit] for bit in sorted(bits)] == EVER_DECLARED
    assert max(bits) < BITS


def test_facts_are_read_only_for_signals_that_change_the_risk() -> None:
    """At a multiplier of 1, or without one, nothing is looked up."""
    neutral = dict.fromkeys(SIGNAL_NAMES, 1.0)
    assert further_facts(neutral) == further_facts({}) == set()
    for signal in SIGNALS:
        expected = {signal.reads} if signal.reads else set()
        assert further_facts({**neutral, signal.name: 0.5}) == expected


def test_nothing_but_silence_threatens_a_calm_customer() -> None:
    """Who has no order, complaint or score has only the signals that come with time."""
    courses = {signal.name: signal.courses(CALM, TERMS) for signal in SIGNALS}
    days = {180: START + timedelta(days=180), 365: START + timedelta(days=365)}
    assert {name: [*theirs] for name, theirs in courses.items() if theirs} == {
        "inactive_180d": [Spell(days[180], days[365])],
        "inactive_365d": [Spell(days[365], None)],
    }


def test_nobody_is_inactive_who_never_acted() -> None:
    """Of a customer who is known from an export only nobody knows what silence means."""
    unheard = CALM._replace(last_heard_at=None)
    assert not any(signal.courses(unheard, TERMS) for signal in SIGNALS)


def test_each_complaint_has_a_course_of_its_own() -> None:
    """Of its severity and by its state; one that was taken back has none."""
    opened = ComplaintFacts("q-1", "minor", "opened", True, START, None, None)
    resolved = ComplaintFacts("q-2", "major", "closed", False, START, START, timedelta(0))
    withdrawn = ComplaintFacts("q-3", "major", "withdrawn", False, START, START, timedelta(0))
    facts = CALM._replace(complaints=(opened, opened, resolved, withdrawn), last_heard_at=None)
    assert {
        signal.name: len(theirs) for signal in SIGNALS if (theirs := signal.courses(facts, TERMS))
    } == {"open_complaint_minor": 2, "resolved_quickly_major": 1}
