"""Cuts a CSV into lines and records; the lines of a record can be given back, and read again."""

from __future__ import annotations

import csv
from collections import deque
from typing import TYPE_CHECKING, NamedTuple, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# No row of an export is longer. A file without an end of a line, or of a row, must not fill the
# memory.
MAXIMUM_ROW_CHARACTERS = 1 << 20


class Record(NamedTuple):
    """One record: where it begins, its lines, and its cells or what is wrong with it."""

    line: int
    lines: tuple[str, ...]
    cells: list[str]
    problem: str = ""


class Lines:
    """The lines of a stream. Those of the record at hand are kept, and can be given back."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._returned: deque[str] = deque()
        self._characters = 0
        self.number = 0
        self.taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = (
            self._returned.popleft()
            if self._returned
            else self._stream.readline(MAXIMUM_ROW_CHARACTERS)
        )
        if not line:
            raise StopIteration
        self.number += 1
        self._characters += len(line)
        if len(line) == MAXIMUM_ROW_CHARACTERS and line[-1] not in "\r\n":
            while (rest := self._stream.readline(MAXIMUM_ROW_CHARACTERS)) and rest[
                -1
            ] not in "\r\n":
                pass
            line = "\n"
        self.taken.append(line)
        if self._characters >= MAXIMUM_ROW_CHARACTERS:
            raise csv.Error(f"a row has {MAXIMUM_ROW_CHARACTERS:,} characters or more")
        return line

    def begin_record(self) -> None:
        """Begin the next record: what is taken from now on belongs to it."""
        self.taken.clear()
        self._characters = 0

    def give_back(self, lines: Sequence[str]) -> None:
        """Let `lines`, the last that were taken, be read again."""
        self._returned.extendleft(reversed(lines))
        self.number -= len(lines)


class Records:
    """The records of a CSV, also those that are not whole."""

    def __init__(self, lines: Lines, delimiter: str) -> None:
        self._lines = lines
        self.delimiter = delimiter
        self._reader = csv.reader(lines, delimiter=delimiter, strict=True)

    def __iter__(self) -> Iterator[Record]:
        return self

    def __next__(self) -> Record:
        cells: list[str] = []
        while not cells:  # csv gives an empty list for an empty line
            self._lines.begin_record()
            line = self._lines.number + 1
            try:
                cells = next(self._reader)
            except csv.Error as error:
                record = Record(
                    line,
                    tuple(self._lines.taken),
                    [],
                    f"is not valid CSV: {error}; check its quotes",
                )
                self.read_again(record)
                self._reader = csv.reader(self._lines, delimiter=self.delimiter, strict=True)
                return record
        return Record(line, tuple(self._lines.taken), cells)

    def read_again(self, record: Record, *, whole: bool = False) -> None:
        """Let the lines of the latest record be read again: all but the first, or all."""
        self._lines.give_back(record.lines[0 if whole else 1 :])

    @property
    def line(self) -> int:
        """The line that comes next."""
        return self._lines.number + 1
