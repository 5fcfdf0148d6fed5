"""The page of settings that operators read."""

from __future__ import annotations

from dataclasses import fields

from voc_stream.published.settings_page import meanings, settings_page
from voc_stream.settings import Settings


def test_every_setting_is_explained() -> None:
    """A setting that nobody can find does not exist."""
    page = settings_page()
    assert all(f"| `VOC_{field.name.upper()}` |" in page for field in fields(Settings))


def test_a_meaning_may_take_several_lines() -> None:
    """What the docstring says of a setting is one line of the table."""
    assert meanings(
        "All.\n\n    Attributes:\n        a: One\n            two: three.\n        b: Four.\n    "
    ) == {
        "a": "One two: three.",
        "b": "Four.",
    }
