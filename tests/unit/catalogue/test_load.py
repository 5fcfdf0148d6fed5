from __future__ import annotations

import ast
import math
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, get_args

import pytest

import voc_stream.catalogue.load as catalogue_module
from voc_stream.catalogue.load import CatalogueError, load_catalogue
from voc_stream.catalogue.model import BySeverity, Factor, Limits, timings_of
from voc_stream.catalogue.reading.file_text import CatalogueText
from voc_stream.domain.churn.signals import SIGNAL_NAMES
from voc_stream.simulator.journey import STAGES

if TYPE_CHECKING:
    from collections.abc import Sequence

TRADES = Path(catalogue_module.__file__).parent / "trades"
RATINGS = (
    "reception_wait lounge_comfort explanation fair_charge car_cleanliness service_time"
    " repair_quality advisor_service overall"
)
PROCESS = (
    "appointment_offered cost_estimated time_estimated lounge_refreshments inspection_invited"
    " advice_given delivered_on_time "
    "work_completed followed_up"
)
VALID = """\
trade = "test"
label = { en = "Test", zh = "测试" }

[flow]
delivered = "work"
reception = "arrival"

[flow.stages]
arrival = { en = "Arrival", zh = "到店" }
work = { en = "Work", zh = "作业" }

[experience.wait]
label = { en = "Wait", zh = "等待" }
factor = "convenience"
kind = "rating"
stage = "arrival"
expectation = 7
importance = 9
alert = { drop = 0.5 }

[experience.reception_minutes]
label = { en = "Minutes", zh = "分钟" }
factor = "convenience"
kind = "timing"
unit = "minutes"
expectation = 15

[churn]
version = "1"
base_hazard_per_month = 0.01
horizon_months = 12
signal_days = 180
low_score = 6
outcome_experience = "wait"

[churn.multipliers]
broken_promise = 1.5
low_outcome = 2

[churn.bands]
medium = 0.1
high = 0.3
critical = 0.6

[limits]
stage_minutes = { work = 480 }
promise_watch_minutes = 120
acknowledge_minutes = { major = 60, minor = 240 }
high_annual_value = 1000
high_value_at_risk_customers = 5
"""


def error_of(folder: Path, text: str) -> str:
    """The message about a catalogue that must be refused, without the folder."""
    path = folder / "trade.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(path)
    return str(caught.value).removeprefix(f"{folder}/")


def test_default_has_every_experience_of_the_contract() -> None:
    """The automotive default names all that the contract names, under its keys.

    Nine ratings, nine process items and every timing that is measured.
    """
    experiences, timings = load_catalogue().experience, timings_of(load_catalogue().flow)
    by_kind = {
        kind: [
            key
            for key, experience in experiences.items()
            if experience.kind == kind and (experience.source is None or key in timings)
        ]
        for kind in ("rating", "process", "timing")
    }
    assert by_kind == {
        "rating": RATINGS.split(),
        "process": PROCESS.split(),
        "timing": [
            key
            for key in timings_of(load_catalogue().flow)
            if not key.startswith("stage_opening_minutes.")
        ],
    }
    assert {f"stage_minutes.{stage}" for stage in STAGES} < set(by_kind["timing"])


def test_default_names_stages_in_the_order_of_the_flow_and_all_factors() -> None:
    """Labels for people exist for each stage of the repair flow, in its order.

    And for each of the six factors.
    """
    catalogue = load_catalogue()
    assert tuple(catalogue.flow.stages) == STAGES
    assert tuple(catalogue.factor) == get_args(Factor)


def test_complaint_multipliers_follow_from_the_shares_who_buy_again() -> None:
    """A multiplier is max(1, -ln(share) / (base hazard x horizon)).

    The shares are those of TARP's table.
    """
    churn = load_catalogue().churn
    shares = {
        "open_complaint_minor": 0.46,
        "open_complaint_major": 0.19,
        "resolved_complaint_minor": 0.70,
        "resolved_complaint_major": 0.54,
        "resolved_quickly_minor": 0.95,
        "resolved_quickly_major": 0.82,
        "silent_unhappy": 0.37,
    }
    for signal, share in shares.items():
        expected = max(1.0, -math.log(share) / (churn.base_hazard_per_month * churn.horizon_months))
        assert churn.multipliers[signal] == pytest.approx(expected, abs=0.006), signal
    assert churn.multipliers.keys() == SIGNAL_NAMES


@pytest.mark.parametrize(("name", "count"), [("automotive", 52), ("retail", 47), ("hotel", 26)])
def test_packaged_catalogues_load_by_name(name: str, count: int) -> None:
    """A bare name stands for a packaged catalogue.

    All are valid, bilingual and have a key rating to watch.
    """
    catalogue = load_catalogue(name)
    assert (catalogue.trade, len(catalogue.experience)) == (name, count)
    for experience in catalogue.experience.values():
        assert experience.label.en != experience.label.zh
    assert any(experience.key for experience in catalogue.experience.values())


def test_the_drop_of_an_nps_is_on_its_own_scale(tmp_path: Path) -> None:
    """An NPS goes from -1 to 1: a tenth of that is worth an alert if no drop is stated."""
    old, new = measure("nps", _FIELD, "\nalert = { minimum_samples = 5 }")
    file = tmp_path / "trade.toml"
    file.write_text(VALID.replace(old, new, 1), encoding="utf-8")
    assert load_catalogue(file).experience["one"].alert.drop == 0.2


PACKAGED = {
    "automotive": (6, "913dd5c5f888"),
    "hotel": (6, "4a57536b7b7c"),
    "retail": (6, "3f37b4271ee6"),
}


@pytest.mark.parametrize("name", PACKAGED)
def test_a_packaged_catalogue_that_changes_gets_another_version(name: str) -> None:
    """Else a worker of the next release would wait for ever at the database of the last one.

    Raise `version`, then put the digest here.
    """
    catalogue = load_catalogue(name)
    assert (catalogue.version, catalogue.digest[:12]) == PACKAGED[name]


def test_the_digest_is_of_what_a_catalogue_says(tmp_path: Path) -> None:
    """Comments and layout do not count; every word does, and so does the order of the stages."""
    path = tmp_path / "trade.toml"

    def digest(text: str) -> str:
        path.write_text(text, encoding="utf-8")
        return load_catalogue(path).digest

    assert digest(VALID) == digest("# a comment\n" + VALID.replace(" = ", "   = "))
    assert (
        len(
            {
                digest(VALID),
                digest(VALID.replace('"Wait"', '"Waiting"')),
                digest(f"version = 2\n{VALID}"),
                digest(VALID.replace(_STAGES, _STAGES_TURNED)),
            }
        )
        == 4
    )


def test_file_wins_over_a_packaged_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file called like a packaged catalogue is that file."""
    (tmp_path / "retail").write_text(VALID, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert load_catalogue("retail").trade == "test"


def test_minimal_catalogue_gets_the_defaults(tmp_path: Path) -> None:
    """What is left out is None or the documented default, not zero."""
    path = tmp_path / "trade.toml"
    path.write_text(VALID, encoding="utf-8")
    wait = load_catalogue(path).experience["wait"]
    assert (wait.ideal, wait.key, wait.unit, wait.alert.drop, wait.alert.minimum_samples) == (
        None,
        False,
        "score",
        0.5,
        20,
    )


def test_limits_that_are_left_out_have_their_defaults(tmp_path: Path) -> None:
    """Each key of [limits] stands for itself.

    Without a value from which on customers count as valuable, none does.
    """
    path = tmp_path / "trade.toml"
    path.write_text(VALID, encoding="utf-8")
    limits = load_catalogue(path).limits
    assert (limits.stage_minutes, limits.promise_watch_minutes, limits.high_annual_value) == (
        {"work": 480},
        120,
        1000,
    )
    assert (limits.acknowledge_minutes, limits.resolve_minutes) == (
        BySeverity(60, 240),
        BySeverity(1440, 4320),
    )
    assert limits.high_value_at_risk_customers == 5
    path.write_text(VALID.partition("[limits]")[0], encoding="utf-8")
    assert load_catalogue(path).limits == Limits(
        high_annual_value=None, high_value_at_risk_customers=1, promise_watch_minutes=240
    )


@pytest.mark.parametrize("name", ["automotive", "retail", "hotel"])
def test_packaged_catalogues_watch_complaints_and_valuable_customers(name: str) -> None:
    """A major complaint is more urgent than a minor one, an answer than a resolution.

    And customers of high value have a bound.
    """
    limits = load_catalogue(name).limits
    for limit in (limits.acknowledge_minutes, limits.resolve_minutes):
        assert limit.major < limit.minor
    assert limits.acknowledge_minutes.major < limits.resolve_minutes.major
    assert limits.acknowledge_minutes.minor < limits.resolve_minutes.minor
    assert limits.high_annual_value


_FLOW = VALID[VALID.index("[flow]") : VALID.index("[experience.wait]")].rstrip()
_STAGES = VALID[VALID.index("[flow.stages]") : VALID.index("[experience.wait]")].rstrip()
_EXPERIENCES = VALID[VALID.index("[experience.wait]") : VALID.index("[churn]")]
_MINUTES = 'kind = "timing"\nunit = "minutes"'
_FACTORS = '[factor]\ncomfort = { en = "Comfort", zh = "舒适" }\n'
_TRADE = 'trade = "test"'
_ALIAS = '[alias]\n{} = "{}"\n\n[factor]'
_RECEPTION = "[experience.reception_minutes]"
_MEASURE = """[experience.{}]
label = {{ en = "{}", zh = "测量" }}
factor = "service"
kind = "{}"
source = {}

[experience.reception_minutes]"""


def measure(kind: str, source: str, more: str = "") -> tuple[str, str]:
    """What to replace in the valid file so that it declares one measure.

    Its source is in line 25.
    """
    return _RECEPTION, _MEASURE.format("one", "One", kind, source + more)


_FIELD = '{ from = "field", field = "recommend" }'
_STAGES_TURNED = "\n".join((lines := _STAGES.splitlines())[:1] + lines[:0:-1])


@pytest.mark.parametrize("name", PACKAGED)
def test_measures_in_opening_time_wait_for_opening_hours(name: str, tmp_path: Path) -> None:
    """Packaged catalogues know no opening hours. Whoever states them takes away the bars."""
    text = (TRADES / f"{name}.toml").read_text(encoding="utf-8")
    hours = "[calendar]\nopen = { monday = '08:00-18:00' }\n"
    path = tmp_path / "trade.toml"
    path.write_text(f"{re.sub('^#[|] ?', '', text, flags=re.MULTILINE)}\n{hours}", "utf-8")
    added = load_catalogue(path).experience.keys() - load_catalogue(name).experience.keys()
    assert added == {
        "reception_opening_minutes",
        "complaint_opening_minutes_to_acknowledge",
        "complaint_opening_minutes_to_resolve",
    }


WRONG = [
    (
        *measure("nps", '{ from = "field", field = "text" }'),
        "trade.toml:25: experience.one.source.field: 'text' is no score; the scores of a callback",
    ),
    (
        *measure("nps", '{ from = "field", name = "text" }'),
        "trade.toml:25: experience.one.source.name: there is no such key",
    ),
    (
        *measure("nps", '{ from = "hearsay" }'),
        (
            "trade.toml:25: experience.one.source.from: 'hearsay' is none of them;"
            " use one of: field, outcome, between, kept_by,"
        ),
    ),
    (
        *measure("share", _FIELD),
        "trade.toml:24: experience.one.kind: must be 'rating' or 'nps' of this source",
    ),
    (
        *measure("nps", _FIELD, '\nunit = "minutes"'),
        "trade.toml:26: experience.one.unit: must be 'score' of this source",
    ),
    (
        *measure("nps", _FIELD, "\nalert = { drop = 3 }"),
        "trade.toml:26: experience.one.alert.drop: must be from 0 to 2, not 3",
    ),
    (
        *measure("nps", _FIELD, "\nexpectation = 2"),
        "trade.toml:26: experience.one.expectation: must be from -1 to 1, not 2",
    ),
    (
        *measure("share", '{ from = "outcome", outcomes = ["refused"], among = ["refused"] }'),
        "trade.toml:25: experience.one.source.outcomes: must be some of `among` (refused), and not",
    ),
    (
        *measure("timing", '{ from = "between", start = "arrival.enter", end = "lunch.exit" }'),
        "trade.toml:25: experience.one.source.end: 'lunch.exit' is no moment of an order; they are",
    ),
    (
        *measure(
            "share",
            '{ from = "happened_within", what = "visit", after = "delivered", days = 367 }',
        ),
        "trade.toml:25: experience.one.source.days: must be from 1 to 366, a year, not 367",
    ),
    (
        *measure(
            "timing",
            '{ from = "happened_within", what = "visit", after = "delivered", days = 30 }',
        ),
        "trade.toml:24: experience.one.kind: must be 'share' of this source",
    ),
    (
        *measure("share", '{ from = "kept_by", moment = "arrival.exit" }'),
        "trade.toml:25: experience.one.source: needs one of the keys `promise`, ",
    ),
    (
        *measure("share", '{ from = "kept_by", moment = "arrival.exit", within_minutes = 5 }'),
        "trade.toml:25: experience.one.source.after: goes with `within_minutes` or",
    ),
    (
        *measure(
            "share",
            '{ from = "kept_by", moment = "arrival.exit", after = "arrival.enter",'
            " within_minutes = 0 }",
        ),
        "trade.toml:25: experience.one.source.within_minutes: must be from 0 to 527040, a year",
    ),
    (
        *measure("share", '{ from = "kept_by", moment = "promised", promise = "promised" }'),
        "trade.toml:25: experience.one.source.moment: 'promised' is no moment of an order",
    ),
    (
        *measure(
            "timing", '{ from = "between", start = "complaint.opened", end = "arrival.exit" }'
        ),
        "trade.toml:25: experience.one.source.end: 'arrival.exit' is no moment of a complaint;",
    ),
    (
        *measure(
            "share",
            '{ from = "kept_by", moment = "arrival.exit", after = "arrival.enter",'
            ' limit = "resolve_minutes" }',
        ),
        "trade.toml:25: experience.one.source.limit: is a limit of complaints; an order",
    ),
    (
        *measure(
            "share", '{ from = "kept_by", moment = "complaint.resolved", promise = "promised" }'
        ),
        "trade.toml:25: experience.one.source.promise: is an order's; a complaint is measured by",
    ),
    (
        *measure(
            "timing", '{ from = "between", start = "complaint.opend", end = "complaint.resolved" }'
        ),
        "trade.toml:25: experience.one.source.start: 'complaint.opend' is no moment of a complaint",
    ),
    (
        *measure("ratio", '{ from = "count", what = "promise_moves", at = "complaint.opened" }'),
        "trade.toml:25: experience.one.source.at: 'complaint.opened' is a moment of a complaint",
    ),
    (
        *measure(
            "timing",
            '{ from = "between", start = "complaint.opened", end = "complaint.resolved",'
            ' time = "opening" }',
            '\nunit = "minutes"',
        ),
        "trade.toml:21: experience.one: needs opening hours: state them as `open` in [calendar]",
    ),
    (
        *measure("share", '{ from = "amount_ratio", above_percent = 0 }'),
        "trade.toml:25: experience.one.source.above_percent: must be more than 0, not 0",
    ),
    (
        *measure("ratio", '{ from = "amount_ratio" }'),
        "trade.toml:21: experience.one.unit: must be 'percent' of this source",
    ),
    (
        *measure("ratio", '{ from = "count", what = "promise_moves", at = "promised" }'),
        "trade.toml:25: experience.one.source.at: 'promised' is no moment of an order",
    ),
    (
        *measure("share", '{ from = "outcome", outcomes = [] }'),
        "trade.toml:25: experience.one.source.outcomes: must name at least one outcome",
    ),
    (
        'kind = "rating"',
        'kind = "share"',
        "trade.toml:12: experience.wait.source: is missing: it says where the share comes from",
    ),
    (_TRADE, f'{_TRADE}\ndigest = "x"', "trade.toml:2: digest: there is no such key"),
    (_TRADE, f"{_TRADE}\nversion = 0", "trade.toml:2: version: must be 1 or more, not 0"),
    (
        "[flow]",
        '[alias]\n"A wait" = "wait"\n\n[flow]',
        'trade.toml:5: alias."A wait": is no name that an experience can have had',
    ),
    (
        "[flow]",
        '[alias]\nwait = "wait"\n\n[flow]',
        "trade.toml:5: alias.wait: is an experience of this catalogue",
    ),
    (
        "[flow]",
        '[alias]\nfollow_up_72h = "wait"\n\n[flow]',
        "trade.toml:5: alias.follow_up_72h: a timing cannot be renamed",
    ),
    (
        "[flow]",
        '[alias]\nold = "gone"\n\n[flow]',
        "trade.toml:5: alias.old: 'gone' is not in this catalogue",
    ),
    (
        "importance = 9",
        "importance = 11",
        "trade.toml:18: experience.wait.importance: must be from 0 to 10, not 11",
    ),
    (
        "importance = 9",
        "importance = nan",
        "trade.toml:18: experience.wait.importance: must be from 0 to 10, not nan",
    ),
    (
        "importance = 9",
        'importance = "9"',
        "trade.toml:18: experience.wait.importance: must be a number, not text in quotes",
    ),
    (
        "importance = 9",
        "importnace = 9",
        (
            "trade.toml:18: experience.wait.importnace: there is no such key;"
            " the keys are label, factor, kind, unit,"
        ),
    ),
    (
        "importance = 9",
        "importance = 9\nimportance = 9",
        (
            "trade.toml: is not valid TOML (a key given twice is not): Cannot overwrite a value (at"
            " line 19"
        ),
    ),
    ("drop = 0.5", "dorp = 0.5", "trade.toml:19: experience.wait.alert.dorp: there is no such key"),
    ('zh = "等待"', 'ch = "等待"', "trade.toml:13: experience.wait.label"),
    ('"Wait", zh = "等待"', '"Wait"', "trade.toml:13: experience.wait.label.zh: is missing"),
    ('zh = "等待"', 'zh = " "', "trade.toml:13: experience.wait.label.zh: must not be empty"),
    ('"Arrival", zh = "到店"', '"Arrival"', "trade.toml:9: flow.stages.arrival.zh: is missing"),
    (
        'factor = "convenience"\nkind = "rating"',
        'factor = "comfort"\nkind = "rating"',
        (
            "trade.toml:14: experience.wait.factor: 'comfort' is none of them;"
            " use one of: brand, convenience, price, product, relationship, service"
        ),
    ),
    (
        'kind = "rating"',
        'kind = "mood"',
        (
            "trade.toml:15: experience.wait.kind: 'mood' is none of them;"
            " use one of: nps, process, rating,"
        ),
    ),
    (
        'kind = "rating"',
        'kind = "timing"',
        "trade.toml:12: experience.wait.source: is missing: it says what is measured",
    ),
    (
        'stage = "arrival"',
        'stage = "exit"',
        (
            "trade.toml:16: experience.wait.stage: 'exit' is no stage of [flow.stages]; they are"
            " arrival, work"
        ),
    ),
    (
        "expectation = 15",
        "expectation = -1",
        (
            "trade.toml:26: experience.reception_minutes.expectation: must be a finite number, 0 or"
            " more"
        ),
    ),
    (
        "expectation = 15",
        "key = true",
        "trade.toml:26: experience.reception_minutes.key: an experience in minutes cannot be",
    ),
    (
        'unit = "minutes"',
        'unit = "score"',
        "trade.toml:25: experience.reception_minutes.unit: must be 'minutes'",
    ),
    (
        "[experience.wait]",
        "[experience.a.wait]",
        'trade.toml:12: experience.a.wait: a name with a dot needs quotes: [experience."a.wait"]',
    ),
    (
        "[experience.wait]",
        '[experience."A wait"]',
        'trade.toml:12: experience."A wait": must be lower-case',
    ),
    (
        "base_hazard_per_month = 0.01",
        "base_hazard_per_month = 0",
        "trade.toml:30: churn.base_hazard_per_month: must be more than 0",
    ),
    (
        'outcome_experience = "wait"',
        'outcome_experience = "mood"',
        "trade.toml:34: churn.outcome_experience: 'mood' is not a rating",
    ),
    (
        "broken_promise = 1.5",
        "broken_promise = 0",
        "trade.toml:37: churn.multipliers.broken_promise: must be more than 0, not 0: below 1",
    ),
    (
        "broken_promise = 1.5",
        'broken_promise = "x"',
        "trade.toml:37: churn.multipliers.broken_promise: must be a number, not text in quotes",
    ),
    (
        "broken_promise = 1.5",
        "broken_heart = 1.5",
        "trade.toml:37: churn.multipliers.broken_heart: is no signal; the signals are open_",
    ),
    (
        "high = 0.3",
        "high = 0.05",
        "trade.toml:42: churn.bands.high: must be more than 0.1 and less than 1, not 0.05",
    ),
    (
        "broken_promise = 1.5",
        "open_complaint_minor = 2\nresolved_complaint_minor = 3",
        "trade.toml:37: churn.multipliers.open_complaint_minor: must be at least 3, as resolved_",
    ),
    ("high = 0.3", "severe = 0.3", "trade.toml:42: churn.bands.severe: is no band"),
    ('version = "1"\n', "", "trade.toml:28: churn.version: is missing"),
    (
        "work = 480",
        "work = 0",
        "trade.toml:46: limits.stage_minutes.work: must be a finite number and more than 0, not 0",
    ),
    (
        "work = 480",
        "lunch = 480",
        (
            "trade.toml:46: limits.stage_minutes.lunch: is no stage of [flow.stages]; they are"
            " arrival,"
            " work"
        ),
    ),
    (
        "work = 480",
        'work = "x"',
        "trade.toml:46: limits.stage_minutes.work: must be a number, not text in quotes",
    ),
    (
        "_minutes = 120",
        "_minutes = inf",
        (
            "trade.toml:47: limits.promise_watch_minutes: must be a finite number and more than 0,"
            " not"
            " inf"
        ),
    ),
    (
        "_minutes = 120",
        "_minutes = 1e9",
        "trade.toml:47: limits.promise_watch_minutes: must be at most 527040, a year",
    ),
    (
        "minor = 240",
        "minor = -1",
        (
            "trade.toml:48: limits.acknowledge_minutes.minor: must be a finite number and more than"
            " 0,"
            " not -1"
        ),
    ),
    (
        "minor = 240",
        "minor = nan",
        (
            "trade.toml:48: limits.acknowledge_minutes.minor: must be a finite number and more than"
            " 0,"
            " not nan"
        ),
    ),
    ("minor = 240", "slight = 240", "trade.toml:48: limits.acknowledge_minutes"),
    ("major = 60, ", "", "trade.toml:48: limits.acknowledge_minutes.major: is missing"),
    (
        "minor = 240",
        "minor = 240, fatal = 5",
        "trade.toml:48: limits.acknowledge_minutes.fatal: there is no such key",
    ),
    (
        "high_annual_value = 1000",
        "high_annual_value = 0",
        "trade.toml:49: limits.high_annual_value: must be a finite number and more",
    ),
    (
        "high_annual_value = 1000",
        "high_anual_value = 1",
        "trade.toml:49: limits.high_anual_value: there is no such key",
    ),
    (
        "customers = 5",
        "customers = 0",
        (
            "trade.toml:50: limits.high_value_at_risk_customers: must be a finite number and more"
            " than"
            " 0, not 0"
        ),
    ),
    (
        "customers = 5",
        "customers = 2.5",
        "trade.toml:50: limits.high_value_at_risk_customers: must be a whole number",
    ),
    ('trade = "test"', "", "trade.toml:1: trade: is missing"),
    ('en = "Test"', 'en = " "', "trade.toml:2: label.en: must not be empty"),
    ('"Arrival"', '""', "trade.toml:9: flow.stages.arrival.en: must not be empty"),
    (_FLOW, "flow = 1", "trade.toml:4: flow: must be a table"),
    (_STAGES, "stages = 1", "trade.toml:8: flow.stages: must be a table"),
    (_STAGES, "", "trade.toml:4: flow.stages: at least one stage is needed"),
    (
        "arrival = {",
        '"Arrival!" = {',
        'trade.toml:9: flow.stages."Arrival!": must be lower-case letters',
    ),
    (
        "[flow]",
        '[flow]\nsubject = { en = "guest", zh = " " }',
        "trade.toml:5: flow.subject.zh: must not be empty",
    ),
    (
        'delivered = "work"',
        "",
        "trade.toml:4: flow.delivered: is missing; name the stage that ends the visit: one of arr",
    ),
    (
        'delivered = "work"',
        'delivered = "lunch"',
        (
            "trade.toml:5: flow.delivered: 'lunch' is no stage of [flow.stages]; they are arrival,"
            " work"
        ),
    ),
    (
        'reception = "arrival"',
        'follow_up = "arrival"',
        "trade.toml:6: flow.follow_up: must come after 'work', the stage that ends the visit",
    ),
    (
        'delivered = "work"',
        'delivery = "work"',
        "trade.toml:5: flow.delivery: there is no such key",
    ),
    (
        "importance = 9",
        "ideal = 11",
        "trade.toml:18: experience.wait.ideal: must be from 0 to 10, not 11",
    ),
    (
        "drop = 0.5",
        "drop = 11",
        "trade.toml:19: experience.wait.alert.drop: must be from 0 to 10, not 11",
    ),
    (
        "drop = 0.5",
        "drop = 0",
        "trade.toml:19: experience.wait.alert.drop: must be more than 0: else whatever",
    ),
    (
        "drop = 0.5",
        "minimum_samples = 0",
        "trade.toml:19: experience.wait.alert.minimum_samples: must be at least 1",
    ),
    (
        "drop = 0.5",
        "satisfaction_below = -inf",
        "trade.toml:19: experience.wait.alert.satisfaction_below: must be a finite",
    ),
    (
        "low_score = 6",
        "low_score = 11",
        "trade.toml:33: churn.low_score: must be from 0 to 10, not 11",
    ),
    (
        "importance = 9",
        'words = { zh = ["…"] }',
        "trade.toml:18: experience.wait.words.zh: '…' has neither a letter nor a digit",
    ),
    (
        "importance = 9",
        f'words = {{ en = ["{"x" * 41}"] }}',
        f"trade.toml:18: experience.wait.words.en: '{'x' * 41}' is longer than 40 characters",
    ),
    (
        "[churn]",
        'words = { en = ["late"] }\n[experience.wait.words]\nen = ["Late"]\n[churn]',
        "trade.toml:28: experience.reception_minutes.words.en: 'late' stands at 'wait', too,",
    ),
    (_EXPERIENCES, "", "trade.toml:1: experience: at least one [experience.…] table is needed"),
    (
        'stage = "arrival"',
        'unit = "minutes"',
        "trade.toml:16: experience.wait.unit: must be 'score': it is answered",
    ),
    (
        _MINUTES,
        'kind = "rating"',
        "trade.toml:24: experience.reception_minutes.kind: must be 'timing': it is measured",
    ),
    (
        "[churn]",
        _FACTORS + "[churn]",
        "trade.toml:29: factor.comfort: is no factor; the factors are product, ",
    ),
    (
        "[experience.reception_minutes]",
        '[experience."stage_opening_minutes.arrival"]',
        'trade.toml:21: experience."stage_opening_minutes.arrival": needs opening hours: state',
    ),
    (
        "[limits]",
        "[limits]\nin_opening_time = true",
        "trade.toml:46: limits.in_opening_time: needs opening hours: state them as `open`",
    ),
    (
        "[limits]",
        "[plausible]\nlongest_stage_days = 0\n[limits]",
        (
            "trade.toml:46: plausible.longest_stage_days: must be more than 0 and at most 6944.44,"
            " not"
            " 0"
        ),
    ),
]


@pytest.mark.parametrize(("old", "new", "message"), WRONG)
def test_error_names_file_line_and_key(tmp_path: Path, old: str, new: str, message: str) -> None:
    """Whatever is wrong, the message leads to the line and says what would be right."""
    assert old in VALID
    assert error_of(tmp_path, VALID.replace(old, new, 1)).startswith(message)


def test_each_check_has_a_wrong_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No check of the catalogue's reader can be lost unnoticed.

    The wrong files above come through every place that can complain.
    """
    reached: set[tuple[str, int]] = set()
    fail = CatalogueText.fail

    def note(text: CatalogueText, path: Sequence[str], problem: str) -> NoReturn:
        frame = sys._getframe(1)
        while frame is not None and READERS in Path(frame.f_code.co_filename).parents:
            reached.add((frame.f_code.co_filename, frame.f_lineno))
            frame = frame.f_back  # type: ignore[assignment]  # the last one of all has none
        fail(text, path, problem)

    monkeypatch.setattr(CatalogueText, "fail", note)
    for old, new, _ in WRONG:
        error_of(tmp_path, VALID.replace(old, new, 1))
    assert [
        f"{file.name}: {file.read_text(encoding='utf-8').splitlines()[line - 1].strip()}"
        for file in READERS.rglob("*.py")
        for line in complaining_lines(file.read_text(encoding="utf-8"))
        if (str(file), line) not in reached
    ] == []


READERS = Path(catalogue_module.__file__).parent


def complaining_lines(source: str) -> list[int]:
    """Where a reader calls what may complain: `fail`, and the helpers that call it for others."""
    helpers = {"fail", "within", "positive", "filled"}
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [
        call.lineno
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr in helpers
    ]


def test_missing_file_lists_the_packaged_ones(tmp_path: Path) -> None:
    """Who mistypes a name is told which there are."""
    with pytest.raises(CatalogueError, match="automotive, hotel, retail"):
        load_catalogue(tmp_path / "trade.toml")


def test_example_of_the_catalogue_page_is_valid(tmp_path: Path) -> None:
    """What people copy from the page loads."""
    page = (Path(__file__).parents[3] / "docs" / "reference" / "catalogue.md").read_text(
        encoding="utf-8"
    )
    path = tmp_path / "trade.toml"
    path.write_text(page.partition("```toml\n")[2].partition("```")[0], encoding="utf-8")
    assert load_catalogue(path).trade == "hotel"


def test_what_is_plausible_may_be_said(tmp_path: Path) -> None:
    """Each bound on times stands for itself, and has a default."""
    path = tmp_path / "trade.toml"
    path.write_text(
        f"{VALID}\n[plausible]\nearliest_occurred_at ="
        f" 1990-05-01T00:00:00+08:00\nlongest_stage_days = 30\n",
        encoding="utf-8",
    )
    plausible = load_catalogue(path).plausible
    assert plausible.earliest_occurred_at.isoformat() == "1990-05-01T00:00:00+08:00"
    assert (plausible.longest_stage_days, plausible.longest_promise_days) == (30, 1830)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (
            "earliest_occurred_at = 1990-05-01T00:00:00",
            "plausible.earliest_occurred_at: needs an offset",
        ),
        (
            "earliest_occurred_at = 1990-05-01",
            "plausible.earliest_occurred_at: must be a moment such as",
        ),
        ("longest_stage_days = 0", "plausible.longest_stage_days: must be more than 0"),
        (
            "longest_stage_days = 7000",
            "plausible.longest_stage_days: must be more than 0 and at most 6944",
        ),
        ("longest_promise_days = inf", "plausible.longest_promise_days: must be more than 0"),
        ("longest_visit_days = 1", "plausible.longest_visit_days: there is no such key"),
    ],
)
def test_what_is_plausible_must_be_possible(tmp_path: Path, line: str, problem: str) -> None:
    """The message names the key and its line."""
    assert problem in error_of(tmp_path, f"{VALID}\n[plausible]\n{line}\n")
