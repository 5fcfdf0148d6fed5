"""Finds the line of a TOML text that holds a key, so that an error can point there.

It scans headers and keys, and does not parse: `tomllib` has read the text before. A multi-line
string that looks like TOML could mislead it to another line number, and no further.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KeyPath = tuple[str | int, ...]

_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"^\s*(\[\[?)\s*({_DOTTED})\s*\]")
_ASSIGNMENT = re.compile(rf"^\s*({_DOTTED})\s*=")


def line_of(text: str, path: Sequence[str | int]) -> int:
    r"""The line (from 1) of the key at `path`, or of the nearest key above it that has a line.

    It is 1 if there is none. Numbers in `path` count the tables of an array of tables, from 0.

    >>> line_of('[a]\nb = 1\n[[c]]\n[[c]]\nd.e = 2', ("c", 1, "d", "e"))
    5
    >>> line_of('[a]\nb = 1', ("a", "missing"))
    1
    """
    wanted = tuple(path)
    found, length = 1, 0
    for number, place in _places(text):
        common = _common_length(wanted, place)
        # A longer place is a key inside the wanted table, whose own header may be implied.
        if common > length:
            found, length = number, common
    return found


def show_path(path: Sequence[str | int]) -> str:
    """The path as one would write it.

    It is dotted, with quotes if a part has a dot, and with numbers from 1 for people.

    >>> show_path(("event", 0, "answer", 1, "a.b"))
    'event[1].answer[2]."a.b"'
    """
    shown = ""
    for part in path:
        if isinstance(part, int):
            shown += f"[{part + 1}]"
        else:
            quoted = part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else f'"{part}"'
            shown += f".{quoted}" if shown else quoted
    return shown


def _places(text: str) -> Iterator[tuple[int, KeyPath]]:
    table: KeyPath = ()
    counts: dict[KeyPath, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = _resolve(_split(header[2]), counts, starts_item=header[1] == "[[")
            yield number, table
        elif assignment := _ASSIGNMENT.match(line):
            yield number, table + _split(assignment[1])


def _resolve(names: tuple[str, ...], counts: dict[KeyPath, int], *, starts_item: bool) -> KeyPath:
    """A header's path with the numbers of the arrays of tables that it goes through.

    They are the numbers of the arrays that began last.
    """
    path: KeyPath = ()
    for position, name in enumerate(names):
        path = (*path, name)
        if starts_item and position == len(names) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _split(dotted: str) -> tuple[str, ...]:
    return tuple(part if part[0] not in "\"'" else part[1:-1] for part in re.findall(_PART, dotted))


def _common_length(first: Sequence[str | int], second: Sequence[str | int]) -> int:
    length = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        length += 1
    return length
