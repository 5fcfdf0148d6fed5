"""Reads events from files for `check` and `push`: JSON Lines as they are, CSV and XES by a mapping.

Every line is validated as a worker would.
"""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from voc_stream.events.decode import MAXIMUM_MESSAGE_BYTES, Refusal, decode
from voc_stream.mapping.apply import MappedEvent, map_rows
from voc_stream.mapping.load import parse_mapping
from voc_stream.mapping.rows import ExportError, Row, RowError, read_csv, read_xes
from voc_stream.mapping.specification import MappingError, RowMapping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from voc_stream.catalogue import Catalogue
    from voc_stream.events.types import AnyEvent

STANDARD_INPUT = "-"
_EXPORTS = (".csv", ".tsv", ".xes")
_JSON_LINES = (".jsonl", ".ndjson", ".json")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Anything longer is refused by `decode` already; reading no further keeps a file without line ends out of memory.
_LONGEST_LINE = MAXIMUM_MESSAGE_BYTES + 2


class Line(NamedTuple):
    """One event of a file, with the bytes to send; or a problem: a short reason to count by, and a sentence.

    `number` is that of the line, 0 where the whole file is meant.
    """

    file: str
    number: int
    value: bytes
    event: AnyEvent | None
    reason: str = ""
    problem: str = ""


def load_mapping(path: Path) -> RowMapping:
    """Read a mapping file. Raises MappingError."""
    try:
        return parse_mapping(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise MappingError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise MappingError(f"{path}: is not UTF-8") from error


def require_mapping(names: Sequence[str], mapping: RowMapping | None) -> None:
    """Raise MappingError for the first file that needs a mapping where there is none, before anything is sent."""
    for name in names:
        if mapping is None and _kind(name) in _EXPORTS:
            raise MappingError(f"{name}: this needs --mapping FILE.toml; docs/mapping.md says how to write one")


def read_events(
    name: str, mapping: RowMapping | None, now: datetime, catalogue: Catalogue, on_bytes: Callable[[int], None] = lambda _: None
) -> Iterator[Line]:
    """Every event and every problem of one file, in order.

    Args:
        name: A path, or `-` for standard input. `.gz` is unpacked; `.jsonl`, `.ndjson` and `.json` are JSON Lines whatever the mapping.
        mapping: For CSV (also on standard input) and XES.
        now: The present, for times in the future.
        catalogue: The experiences that may be named.
        on_bytes: Told, now and then, how many bytes of the file have been read since the last time.

    Raises:
        MappingError: The mapping does not fit the file.
    """
    kind = _kind(name)
    try:
        with _open(name) as raw:
            stream = _counted(raw, on_bytes)
            unpacked = _unpack(stream) if name.endswith(".gz") else stream
            if mapping is None or kind in _JSON_LINES:
                lines: Iterator[MappedEvent | RowError] = _json_lines(unpacked)
            else:
                lines = map_rows(read_xes(unpacked) if kind == ".xes" else _csv_rows(unpacked, mapping), mapping)
            yield from (_validated(name, line, now, catalogue) for line in lines)
    except ExportError as error:
        yield Line(name, 0, b"", None, "unreadable", str(error))
    except (OSError, EOFError) as error:
        yield Line(name, 0, b"", None, "unreadable", f"cannot be read to its end: {error}")


def _kind(name: str) -> str:
    return Path(name.removesuffix(".gz")).suffix.lower()


def _validated(name: str, line: MappedEvent | RowError, now: datetime, catalogue: Catalogue) -> Line:
    if isinstance(line, RowError):
        return Line(name, line.line, b"", None, "mapping", line.problem)
    decoded = decode(line.value, now, catalogue)
    if isinstance(decoded, Refusal):
        return Line(name, line.line, line.value, None, decoded.reason, decoded.detail)
    return Line(name, line.line, line.value, decoded)


def _json_lines(stream: BinaryIO) -> Iterator[MappedEvent | RowError]:
    """The lines with a text in them, without their line ends. The bytes are otherwise untouched."""
    number = 0
    while line := stream.readline(_LONGEST_LINE):
        number += 1
        if number == 1:
            line = line.removeprefix(_BYTE_ORDER_MARK)
        value = line.rstrip(b"\r\n")
        if len(line) == _LONGEST_LINE and not line.endswith(b"\n"):
            _skip_line(stream)
        if value.strip():
            yield MappedEvent(number, value)


def _skip_line(stream: BinaryIO) -> None:
    while (rest := stream.readline(_LONGEST_LINE)) and not rest.endswith(b"\n"):
        pass


def _csv_rows(stream: BinaryIO, mapping: RowMapping) -> Iterator[Row | RowError]:
    text = io.TextIOWrapper(stream, encoding=mapping.encoding, errors="surrogateescape", newline="")
    is_first = True
    for row in read_csv(text, mapping.delimiter):
        if is_first and isinstance(row, Row):
            mapping.check_columns(row.cells)
            is_first = False
        yield row


def _open(name: str) -> BinaryIO:
    return sys.stdin.buffer if name == STANDARD_INPUT else Path(name).open("rb")


def _unpack(stream: BinaryIO) -> BinaryIO:
    return io.BufferedReader(gzip.GzipFile(fileobj=stream))


def _counted(stream: BinaryIO, on_bytes: Callable[[int], None]) -> BinaryIO:
    return io.BufferedReader(_CountedReader(stream, on_bytes), 1 << 16)


class _CountedReader(io.RawIOBase):
    """Passes bytes on and tells how many."""

    def __init__(self, stream: BinaryIO, on_bytes: Callable[[int], None]) -> None:
        self._stream = stream
        self._on_bytes = on_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed has no name for what is a memoryview here
        chunk = self._stream.read1(len(buffer)) if isinstance(self._stream, io.BufferedReader) else self._stream.read(len(buffer))
        buffer[: len(chunk)] = chunk
        self._on_bytes(len(chunk))
        return len(chunk)
