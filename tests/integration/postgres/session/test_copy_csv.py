from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from voc_stream.postgres.session.copy_csv import array
from voc_stream.postgres.session.staging import copy_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voc_stream.postgres.session.cursor import Cursor


# All texts without characters below U+0020, made of what COPY treats in its own way more often than
# not.
TEXTS = st.text(
    st.sampled_from("\\\"',{}[]nulNUL.tfbr\x7f\x85\u2028 é漢\U0001f600")
    | st.characters(min_codepoint=0x20, exclude_categories=["Cs"]),
    max_size=8,
)


@pytest.fixture(scope="module")
def cursor(postgres_url: str) -> Iterator[Cursor]:
    with closing(psycopg2.connect(postgres_url)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(
            "SET timezone = 'UTC'; CREATE TEMP TABLE copied (number serial, a text, b text, texts"
            " text[], numbers int[])"
        )
        yield cursor


def copied(cursor: Cursor, rows: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    cursor.execute("TRUNCATE copied")
    copy_rows(
        cursor,
        "copied",
        ("a", "b", "texts", "numbers"),
        [(a, b, array(texts), array(numbers)) for a, b, texts, numbers in rows],
    )
    cursor.execute("SELECT a, b, texts, numbers FROM copied ORDER BY number")
    return cursor.fetchall()


ROWS = st.lists(
    st.tuples(
        st.none() | TEXTS,
        st.none() | TEXTS,
        st.lists(st.none() | TEXTS, max_size=3),
        st.lists(st.none() | st.integers(-(2**31), 2**31 - 1), max_size=3),
    ),
    max_size=4,
)


@given(ROWS)
@example([("a,b", "c", [], [])])
@example([("\\.", None, ["NULL", "null", None, ""], [None])])
@example([("", "\\N", ["{}", '"', "\\"], []), ("null", "]\\n[", [","], [0])])
def test_any_text_survives_copy(cursor: Cursor, rows: list[tuple[Any, ...]]) -> None:
    """Values come back as they were, whatever is in them.

    Commas, brackets, backslashes, quotes, the word null, absent values and arrays.
    """
    assert copied(cursor, rows) == rows


@pytest.mark.parametrize(
    ("value", "type_"),
    [
        (True, "bool"),
        (False, "bool"),
        (2**63 - 1, "bigint"),
        (0.1, "float8"),
        (1e300, "float8"),
        (None, "int"),
        (datetime(1, 1, 1, tzinfo=UTC), "timestamptz"),
        (datetime(2025, 3, 1, 8, 0, 0, 1, tzinfo=UTC), "timestamptz"),
        (datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), "timestamptz"),
    ],
)
def test_each_kind_of_value_survives_copy(cursor: Cursor, value: Any, type_: str) -> None:
    """Numbers exactly, times to the microsecond, in all years that an event may have."""
    cursor.execute(f"DROP TABLE IF EXISTS pg_temp.one; CREATE TEMP TABLE one (value {type_})")
    copy_rows(cursor, "one", ("value",), [(value,)])
    cursor.execute("SELECT value FROM one")
    assert cursor.fetchone() == (value,)


def test_no_rows_are_no_copy(cursor: Cursor) -> None:
    """Nothing is sent, so the table need not even exist."""
    copy_rows(cursor, "no_such_table", ("a",), [])
