"""Opens a file of events, packed or not, and counts what is read of it."""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from voc_stream.importing.formats.file_content import GZIP, LOOKED_AT_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

STANDARD_INPUT = "-"


def open_bytes(name: str) -> BinaryIO:
    """The file of this name, or standard input. Raises OSError."""
    return sys.stdin.buffer if name == STANDARD_INPUT else Path(name).open("rb")


def unpacked(stream: io.BufferedReader) -> BinaryIO:
    """The same bytes, without gzip."""
    return (
        io.BufferedReader(gzip.GzipFile(fileobj=stream))
        if stream.peek(2).startswith(GZIP)
        else stream
    )


def counted_bytes(stream: BinaryIO, on_bytes: Callable[[int], None]) -> io.BufferedReader:
    """The same bytes; `on_bytes` is told how many were read."""
    return io.BufferedReader(_CountedReader(stream, on_bytes), 1 << 16)


class _CountedReader(io.RawIOBase):
    """Passes bytes on and tells how many."""

    def __init__(self, stream: BinaryIO, on_bytes: Callable[[int], None]) -> None:
        self._stream = stream
        self._on_bytes = on_bytes
        self._is_first = True

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed has no name for what is a memoryview here
        chunk = self._read(len(buffer))
        # The first bytes say what the file is, so there must be enough of them: a pipe may give
        # one at a time.
        while (
            self._is_first
            and len(chunk) < LOOKED_AT_BYTES
            and (more := self._read(len(buffer) - len(chunk)))
        ):
            chunk += more
        self._is_first = False
        buffer[: len(chunk)] = chunk
        self._on_bytes(len(chunk))
        return len(chunk)

    def _read(self, count: int) -> bytes:
        return (
            self._stream.read1(count)
            if isinstance(self._stream, io.BufferedReader)
            else self._stream.read(count)
        )
