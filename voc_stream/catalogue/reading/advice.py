"""Says what would be right instead: msgspec's complaints about a value, for people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import inspect

if TYPE_CHECKING:
    from collections.abc import Sequence

_TYPE_NAMES = {
    "int": "a whole number",
    "float": "a number",
    "str": "text in quotes",
    "bool": "true or false",
    "object": "a table",
    "array": "a list",
    "datetime": "a moment such as 2001-01-01T00:00:00Z",
    "date": "a day",
}


def advise(problem: str, kind: type, path: Sequence[str]) -> str:
    """What is wrong with the value at `path` of a struct, and what it may be.

    >>> advise("Expected `float | null`, got `str`", int, ())
    'must be a number, not text in quotes'
    """
    if found := re.search(r"Invalid (?:enum )?value '(.*)'", problem):
        allowed = _type_at(kind, path)
        words = allowed.values if isinstance(allowed, inspect.LiteralType) else ()
        return f"{found[1]!r} is none of them; use one of: {', '.join(map(str, words))}"
    if found := re.search(r"Expected `(.+)`, got `(.+)`", problem):
        expected = [name for name in found[1].split(" | ") if name != "null"]
        names = " or ".join(_TYPE_NAMES.get(name, name) for name in expected)
        got = "a fraction" if found[2] == "float" else _TYPE_NAMES.get(found[2], found[2])
        return f"must be {names}, not {got}"
    return problem


def no_such_key(kind: type, path: Sequence[str]) -> str:
    """What keys there are beside the one that there is not."""
    table = _type_at(kind, path)
    if not isinstance(table, inspect.StructType):
        return "there is no such key"
    return f"there is no such key; the keys are {', '.join(f.encode_name for f in table.fields)}"


def _type_at(kind: type, path: Sequence[str]) -> inspect.Type | None:
    """The type of the value at a path; None if it is no struct's."""
    found: inspect.Type | None = _without_none(inspect.type_info(kind))
    for part in path:
        if isinstance(found, inspect.StructType):
            fields = {each.encode_name: each.type for each in found.fields}
            found = _without_none(fields[part]) if part in fields else None
        elif isinstance(found, inspect.DictType):
            found = _without_none(found.value_type)
        elif isinstance(found, inspect.UnionType):
            tags = [each.tag for each in found.types if isinstance(each, inspect.StructType)]
            found = inspect.LiteralType(tuple(tag for tag in tags if tag is not None))
    return found


def _without_none(found: inspect.Type) -> inspect.Type:
    if not isinstance(found, inspect.UnionType):
        return found
    options = tuple(each for each in found.types if not isinstance(each, inspect.NoneType))
    return options[0] if len(options) == 1 else inspect.UnionType(options)
