"""Values as PostgreSQL's COPY reads them: the one place that escapes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NULL = r"\N"
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
# Inside an array literal a quote and a backslash are escaped once more.
_ARRAY_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\""})

Value = str | int | float | bool | datetime | None


def field(value: Value) -> str:
    r"""One field in COPY's text format.

    >>> field("a\tb"), field(None), field(True), field(5)
    ('a\\tb', '\\N', 't', '5')
    """
    if value is None:
        return NULL
    if value.__class__ is str:
        return value.translate(_ESCAPES)  # type: ignore[union-attr]  # str, as just checked
    if value is True:
        return "t"
    if value is False:
        return "f"
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)


def array(values: Iterable[str | int | None]) -> str:
    r"""An array literal, not yet escaped for COPY.

    >>> array([1, None, 3]), array(['say "ah"'])
    ('{1,NULL,3}', '{"say \\"ah\\""}')
    """
    return "{" + ",".join("NULL" if value is None else _element(value) for value in values) + "}"


def _element(value: str | int) -> str:
    return str(value) if isinstance(value, int) else f'"{value.translate(_ARRAY_ESCAPES)}"'


def bytea(value: bytes | None) -> str | None:
    """A bytea literal in hex format, not yet escaped for COPY."""
    return None if value is None else rf"\x{value.hex()}"


def lines(rows: Iterable[Sequence[Value]]) -> bytes:
    """Rows in COPY's text format."""
    return "".join("\t".join(map(field, row)) + "\n" for row in rows).encode()
