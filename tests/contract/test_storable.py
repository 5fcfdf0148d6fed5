from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import builders
import psycopg2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voc_stream.events.decode import decode
from voc_stream.events.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.postgres.session.cursor import Cursor

NOW = datetime(2025, 6, 1, tzinfo=UTC)
ACCEPTED = [
    "1e400", "-1E+400", "1e131071", "-9.5e131071", "1e-16383", "1.5e-16382", "9" * 131_072,
    "0." + "7" * 16_383, "0", "-0.0", "0e9999", "1e0000001",
    r'"\ud83d\ude00"', '"\ufeff\uffff\u2028\x7f"', r'"\\u0000 \\ud83d \/ \b"',
    "[" * 31 + "]" * 31, '{"": {"\\"": null}}', '{"a": 1, "a": 2}', " [ ] ",
]  # fmt: skip
REFUSED = [
    "1e131072",
    "-1E200000",
    "1e-16384",
    "0." + "7" * 16_384,
    "9" * 131_073,
    r'"\u0000"',
    r'{"\u0000": 1}',
    r'"\ud83d"',
    r'"\ude00\ud83d"',
]


@pytest.fixture(scope="module")
def cursor(postgres_url: str) -> Iterator[Cursor]:
    with closing(psycopg2.connect(postgres_url)) as connection:
        connection.autocommit = True
        yield connection.cursor()


def with_unknown(text: str) -> bytes:
    return builders.message(builders.touchpoint(invented="HERE")).replace(b'"HERE"', text.encode())


@pytest.mark.parametrize("text", ACCEPTED, ids=range(len(ACCEPTED)))
def test_accepted_event_is_stored_and_read_back(
    cursor: Cursor, catalogue: Catalogue, text: str
) -> None:
    """PostgreSQL holds whatever was accepted, and the stored body states the same event."""
    value = with_unknown(text)
    event = decode(value, NOW, catalogue)
    assert not isinstance(event, Refusal)
    cursor.execute("SELECT %s::jsonb::text", (value.decode(),))
    row = cursor.fetchone()
    assert row is not None
    assert decode(row[0].encode(), NOW, catalogue) == event


@pytest.mark.parametrize("text", REFUSED, ids=range(len(REFUSED)))
def test_what_is_refused_could_not_be_stored(
    cursor: Cursor, catalogue: Catalogue, text: str
) -> None:
    """The limits are PostgreSQL's own: one step further it raises."""
    assert isinstance(decode(with_unknown(text), NOW, catalogue), Refusal)
    with pytest.raises(psycopg2.DataError):
        cursor.execute("SELECT %s::jsonb", (with_unknown(text).decode(),))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(), max_size=8),
    lambda children: (
        st.lists(children, max_size=4)
        | st.dictionaries(st.text(st.characters(), max_size=4), children, max_size=4)
    ),
    max_leaves=8,
)


@given(JSON, st.booleans())
def test_whatever_is_accepted_is_stored_and_read_back(
    cursor: Cursor, catalogue: Catalogue, invented: object, ascii_only: bool
) -> None:
    """No accepted event makes its batch fail, however its unknown fields are written."""
    text = json.dumps(builders.touchpoint(invented=invented), ensure_ascii=ascii_only)
    value = text.encode(errors="surrogatepass")
    event = decode(value, NOW, catalogue)
    if isinstance(event, Refusal):
        assert event.reason in {"nul_character", "lone_surrogate", "invalid_utf8"}
        return
    cursor.execute("SELECT %s::jsonb::text", (text,))
    row = cursor.fetchone()
    assert row is not None
    assert decode(row[0].encode(), NOW, catalogue) == event
