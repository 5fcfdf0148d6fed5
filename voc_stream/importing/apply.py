"""Applies a mapping to rows: events as JSON, in a stream.

The same row always gives the same event_ids, whatever rows stand around it. So a file may be sent
again, in parts, or in another order.
"""

from __future__ import annotations

import unicodedata
from collections import OrderedDict
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from voc_stream.importing.cell_value import CellError
from voc_stream.importing.formats.rows import Row, RowError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from voc_stream.importing.mapping import AnswerRule, EventRule, RowMapping

# How many events back a repetition is noticed. That only saves work: repeated events have the same
# event_id and count once anyway.
RECENT_EVENTS = 50_000
_ENCODER = msgspec.json.Encoder(order="sorted")


class MappedEvent(NamedTuple):
    """An event as JSON, and the line on which its row begins."""

    line: int
    value: bytes


def map_rows(
    rows: Iterable[Row | RowError], mapping: RowMapping
) -> Iterator[MappedEvent | RowError]:
    """The events of the rows, in order, without those that equal one of the last RECENT_EVENTS.

    A row that fails becomes a RowError, and the rest go on.
    """
    recent: OrderedDict[bytes, None] = OrderedDict()
    for row in rows:
        if isinstance(row, RowError):
            yield row
            continue
        for rule in mapping.rules:
            if not all(
                condition.holds(row.cells, mapping.empty_values) for condition in rule.conditions
            ):
                continue
            try:
                value = _ENCODER.encode(_event(rule, row.cells, mapping.empty_values))
            except CellError as error:
                yield RowError(row.line, str(error))
                continue
            if not _is_repeated(value, recent):
                yield MappedEvent(row.line, value)


def gives_event(row: Row, mapping: RowMapping) -> bool:
    """Whether an event can be made of the row, so that it surely is a row.

    Any text can be an id or a text. So a cell must have a value that few texts are: a time, a
    number, a yes or no, or one that the mapping lists.
    """
    for rule in mapping.rules:
        if all(condition.holds(row.cells, mapping.empty_values) for condition in rule.conditions):
            try:
                _event(rule, row.cells, mapping.empty_values)
            except CellError:
                continue
            sources = [
                *rule.fields.values(),
                *(source for answer in rule.answers for source in answer.fields.values()),
            ]
            if any(
                source.is_selective and source.template.render(row.cells, mapping.empty_values)
                for source in sources
            ):
                return True
    return False


def _event(
    rule: EventRule, cells: Mapping[str, str], empty_values: frozenset[str]
) -> dict[str, Any]:
    event: dict[str, Any] = {"type": rule.type}
    for name, source in rule.fields.items():
        try:
            value = source.read(cells, empty_values)
        except CellError as error:
            raise CellError(f"event[{rule.place + 1}].{name}: {error}") from None
        if value is not None:
            event[name] = value
        elif name in rule.required:
            columns = ", ".join(repr(column) for column in source.template.columns)
            raise CellError(
                f"event[{rule.place + 1}].{name}: column {columns} is empty; add a condition"
                f" `when`, or a `default`"
            )
    answers = [
        answer
        for number, answer_rule in enumerate(rule.answers)
        if (answer := _answer(rule, number, answer_rule, cells, empty_values))
    ]
    if answers:
        event["answers"] = answers
    if "event_id" not in event:
        event["event_id"] = _digest_id(rule, event, cells)
    return event


def _answer(
    rule: EventRule,
    number: int,
    answer_rule: AnswerRule,
    cells: Mapping[str, str],
    empty_values: frozenset[str],
) -> dict[str, Any] | None:
    answer = {}
    for name, source in answer_rule.fields.items():
        try:
            value = source.read(cells, empty_values)
        except CellError as error:
            raise CellError(
                f"event[{rule.place + 1}].answer[{number + 1}].{name}: {error}"
            ) from None
        if value is not None:
            answer[name] = value
    return answer if "item" in answer and ("score" in answer or "done" in answer) else None


def _digest_id(rule: EventRule, event: dict[str, Any], cells: Mapping[str, str]) -> str:
    """An id from the columns that the mapping names; without them, from all that the event says."""
    columns = rule.digest_columns
    content: Any = (
        event
        if columns is None
        else [
            rule.place,
            rule.type,
            [unicodedata.normalize("NFC", cells.get(column, "")) for column in columns],
        ]
    )
    return f"m-{blake2b(_ENCODER.encode(content), digest_size=16).hexdigest()}"


def _is_repeated(value: bytes, recent: OrderedDict[bytes, None]) -> bool:
    key = blake2b(value, digest_size=16).digest()
    if key in recent:
        return True
    recent[key] = None
    if len(recent) > RECENT_EVENTS:
        recent.popitem(last=False)
    return False
