"""Values as PostgreSQL's COPY reads them: the one place that escapes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Value = str | int | float | bool | datetime | None

# No text that reaches a table holds control characters unescaped, so this one can stand for NULL, and rows without
# backslashes need no escaping.
NULL = "\x02"
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
# Inside an array literal a quote and a backslash are escaped once more.
_ARRAY_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\""})


def plain(value: Value) -> str:
    r"""A value as text, not yet escaped.

    >>> plain("a"), plain(None), plain(True), plain(5)
    ('a', '\x02', 't', '5')
    """
    if value is None:
        return NULL
    if isinstance(value, str):
        return value
    if value is True:
        return "t"
    if value is False:
        return "f"
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)


def line(row: Sequence[Value]) -> str:
    r"""One row in COPY's text format, without its newline.

    >>> line(["a\tb", None, 5])
    'a\\tb\t\x02\t5'
    """
    fields = [value if value.__class__ is str else plain(value) for value in row]
    joined = "\t".join(fields)
    if "\\" in joined or "\n" in joined or "\r" in joined or joined.count("\t") >= len(fields):
        return "\t".join(map(_escaped, fields))
    return joined


def lines(rows: Iterable[Sequence[Value]]) -> bytes:
    """Rows in COPY's text format."""
    text = "\n".join(map(line, rows))
    return f"{text}\n".encode() if text else b""


def array(values: Iterable[str | int | None]) -> str:
    r"""An array literal, not yet escaped for COPY.

    >>> array([1, None, 3]), array(['say "ah"'])
    ('{1,NULL,3}', '{"say \\"ah\\""}')
    """
    return "{" + ",".join(["NULL" if value is None else _element(value) for value in values]) + "}"


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)


def _element(value: str | int) -> str:
    return str(value) if isinstance(value, int) else f'"{value.translate(_ARRAY_ESCAPES)}"'
