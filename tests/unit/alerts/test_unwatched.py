from __future__ import annotations

from builders import START
from msgspec.structs import replace

from voc_stream.alerts.model import OpenAlert, Subject
from voc_stream.alerts.rules.experiences.key_experience_dropped import NAME
from voc_stream.alerts.unwatched import unwatched
from voc_stream.catalogue.load import load_catalogue

EXPERIENCES = load_catalogue().experience
KEY = next(key for key, one in EXPERIENCES.items() if one.key)


def alert(rule: str, experience: str | None) -> OpenAlert:
    return OpenAlert("a-1", Subject(rule, experience, "all", ""), "warning", {}, "", START, START)


def test_what_is_gone_from_the_catalogue_is_not_watched() -> None:
    """Alerts about no experience stay."""
    gone = alert("VocExperienceBelowExpectation", "gone")
    assert unwatched(
        [gone, alert("VocComplaintAgeing", None), alert("VocExperienceBelowExpectation", KEY)],
        EXPERIENCES,
    ) == [gone]


def test_only_drops_need_a_key_experience() -> None:
    """Levels are judged of all."""
    lesser = {KEY: replace(EXPERIENCES[KEY], key=False)}
    drop, level = alert(NAME, KEY), alert("VocExperienceBelowExpectation", KEY)
    assert unwatched([drop, level], EXPERIENCES) == []
    assert unwatched([drop, level], lesser) == [drop]
