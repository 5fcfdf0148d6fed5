"""Reads rows of an XES log, one after the other; never the whole file in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO
from xml.parsers import expat

from voc_stream.importing.formats.rows import ExportError, Row, RowError

if TYPE_CHECKING:
    from collections.abc import Iterator

CASE_PREFIX = "case:"
_CHUNK_BYTES = 1 << 16
_NO_MORE = expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS]
_XES_VALUES = frozenset({"string", "date", "int", "float", "boolean", "id"})


def read_xes(stream: BinaryIO) -> Iterator[Row | RowError]:
    """One row for each event of an XES log, with the attributes of its trace.

    Nested attributes are left out.

    Raises:
        ExportError: It is not XML, or it has a DOCTYPE, which XES does not need and which can make
            a small file expand without end.
    """
    log = _XesLog()
    ended = False
    while not ended:
        chunk = stream.read(_CHUNK_BYTES)
        if not chunk and log.is_empty:
            return
        ended = not chunk
        try:
            log.feed(chunk, is_final=ended)
        except ExportError:
            yield from log.take()
            raise
        yield from log.take()


class _XesLog:
    """A push parser that keeps the events of the trace at hand.

    The attributes of a trace may follow its events.
    """

    def __init__(self) -> None:
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._open: list[str] = []
        self._case: dict[str, str] = {}
        self._events: list[tuple[int, dict[str, str]]] = []
        self._finished: list[Row | RowError] = []
        self.is_empty = True

    def feed(self, chunk: bytes, *, is_final: bool) -> None:
        self.is_empty = False
        try:
            self._parser.Parse(chunk, is_final)
        except ExportError:
            raise
        except expat.ExpatError as error:
            problem = (
                "ends in the middle"
                if error.code == _NO_MORE
                else f"is not valid XML: {expat.ErrorString(error.code)}"
            )
            raise ExportError(
                f"line {error.lineno}: {problem}; {self._what_is_lost()} not read"
            ) from error
        except (ValueError, LookupError) as error:  # as expat's wrapper says it of an encoding
            raise ExportError(
                f"line 1: its encoding cannot be read ({error}): write it in UTF-8"
            ) from error

    def _what_is_lost(self) -> str:
        """What is lost if the log is cut.

        Events wait for the end of their trace, because they take its attributes.
        """
        return (
            f"the {len(self._events):,} events of the trace at hand, and what follows, were"
            if self._events
            else "what follows was"
        )

    def take(self) -> list[Row | RowError]:
        finished, self._finished = self._finished, []
        return finished

    def _refuse_doctype(self, *_: object) -> None:
        raise ExportError(
            f"line {self._parser.CurrentLineNumber}: has a DOCTYPE, which is refused; XES needs"
            f" none"
        )

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        parent = self._open[-1] if self._open else ""
        self._open.append(name)
        if name == "event":
            self._events.append((self._parser.CurrentLineNumber, {}))
        elif name in _XES_VALUES and parent == "trace":
            self._case[CASE_PREFIX + attributes.get("key", "")] = attributes.get(
                "value", ""
            ).strip()
        elif name in _XES_VALUES and parent == "event":
            self._events[-1][1][attributes.get("key", "")] = attributes.get("value", "").strip()

    def _end(self, tag: str) -> None:
        self._open.pop()
        if tag.rpartition(":")[2] == "trace":
            self._finished += [Row(line, {**self._case, **cells}) for line, cells in self._events]
            self._case = {}
            self._events = []
