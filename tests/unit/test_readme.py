"""What the README promises."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from voc_stream.settings import Settings

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_every_setting_is_explained() -> None:
    """A setting that nobody can find does not exist."""
    assert [
        field.name for field in fields(Settings) if f"VOC_{field.name.upper()}" not in README
    ] == []
