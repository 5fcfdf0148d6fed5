from __future__ import annotations

from pathlib import Path
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from voc_stream.events.refusal import MEANINGS, Reason, quote


def test_every_reason_has_its_meaning() -> None:
    """Documents and the published headers list the reasons from here, in one order."""
    assert tuple(MEANINGS) == get_args(Reason)


@given(st.text(max_size=200))
def test_quoted_input_is_short_and_printable(text: str) -> None:
    """Whatever came in can be shown in a header, a log and a terminal."""
    assert quote(text).isprintable()
    assert quote(text).encode()
    assert quote(text[:5]) == repr(text[:5])


def test_every_reason_is_explained_where_people_push() -> None:
    """The page for those who push lists each code with its meaning, word for word."""
    page = (Path(__file__).parents[3] / "docs" / "howto" / "push.md").read_text(encoding="utf-8")
    assert [
        reason for reason, meaning in MEANINGS.items() if f"| `{reason}` | {meaning} |" not in page
    ] == []
