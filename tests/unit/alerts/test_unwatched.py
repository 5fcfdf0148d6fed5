from __future__ import annotations

from builders import START
from msgspec.structs import replace

from voc_stream.alerts.model import Finding, OpenAlert, Subject, Verdict
from voc_stream.alerts.rules.experiences.key_experience_dropped import NAME
from voc_stream.alerts.unwatched import (
    CLOSED_FOR_GOOD,
    NO_LONGER_WATCHED,
    find_unwatched,
    without_sites,
)
from voc_stream.catalogue.load import load_catalogue

EXPERIENCES = load_catalogue().experience
KEY = next(key for key, one in EXPERIENCES.items() if one.key)


def alert(rule: str, experience: str | None) -> OpenAlert:
    return OpenAlert("a-1", Subject(rule, experience, "all", ""), "warning", {}, "", START, START)


def test_what_is_gone_from_the_catalogue_is_not_watched() -> None:
    """Alerts about no experience stay."""
    gone = alert("VocExperienceBelowExpectation", "gone")
    assert find_unwatched(
        [gone, alert("VocComplaintAgeing", None), alert("VocExperienceBelowExpectation", KEY)],
        EXPERIENCES,
    ) == [(gone, NO_LONGER_WATCHED)]


def test_only_drops_need_a_key_experience() -> None:
    """Levels are judged of all."""
    lesser = {KEY: replace(EXPERIENCES[KEY], key=False)}
    drop, level = alert(NAME, KEY), alert("VocExperienceBelowExpectation", KEY)
    assert find_unwatched([drop, level], EXPERIENCES) == []
    assert find_unwatched([drop, level], lesser) == [(drop, NO_LONGER_WATCHED)]


def test_a_site_that_is_closed_for_good_is_not_watched() -> None:
    """Its alerts end with that reason; nothing is found there any more, and all else goes on."""
    subjects = [
        Subject("VocTouchpointSilent", None, "site", "s-1"),
        Subject("VocTouchpointSilent", None, "site", "s-2"),
        Subject("VocExperienceBelowExpectation", KEY, "all", ""),
    ]
    alerts = [OpenAlert(one.scope, one, "warning", {}, "", START, START) for one in subjects]
    assert find_unwatched(alerts, EXPERIENCES, {"s-1", ""}) == [(alerts[0], CLOSED_FOR_GOOD)]
    verdict = Verdict([Finding(one, "warning", {}, "") for one in subjects], {subjects[0]})
    kept = without_sites(verdict, {"s-1"}).findings
    assert [finding.subject for finding in kept] == subjects[1:]
    assert without_sites(verdict, ()) is verdict
