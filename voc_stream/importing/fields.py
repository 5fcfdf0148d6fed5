"""Lists the fields of the event types as a mapping sees them.

They are derived from the structs, so that both always agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from voc_stream.events.identifiers import identifier_problem
from voc_stream.events.types.fields import IDENTIFIER_PATTERN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voc_stream.importing.cell_value import ValueKind

_KINDS: Mapping[type[msgspec.inspect.Type], ValueKind] = {
    msgspec.inspect.StrType: "text",
    msgspec.inspect.LiteralType: "text",
    msgspec.inspect.DateTimeType: "time",
    msgspec.inspect.FloatType: "number",
    msgspec.inspect.IntType: "integer",
    msgspec.inspect.BoolType: "yes_no",
}
# `answers` has its own blocks, and the other two are not the mapping's business.
_NOT_FIELDS = frozenset({"answers", "schema_version", "type"})


class Field:
    """A field of an event type: how its cells are read, and whether a value suits it."""

    def __init__(self, field: msgspec.inspect.Field, annotation: Any) -> None:
        kind = next(
            _KINDS[type(kind)] for kind in _alternatives(field.type) if type(kind) in _KINDS
        )
        is_identifier = IDENTIFIER_PATTERN in _texts_of(msgspec.json.schema(annotation))
        self.kind: ValueKind = "identifier" if is_identifier else kind
        self.required = field.required
        self._words = [
            word
            for kind in _alternatives(field.type)
            if isinstance(kind, msgspec.inspect.LiteralType)
            for word in kind.values
        ]
        self._annotation = annotation

    def problem(self, value: object) -> str | None:
        """Why the value does not suit the field, or None."""
        try:
            msgspec.convert(value, self._annotation)
        except msgspec.ValidationError as error:
            return (
                f"must be one of {', '.join(map(str, self._words))}" if self._words else str(error)
            )
        return (
            identifier_problem(value)
            if self.kind == "identifier" and isinstance(value, str)
            else None
        )


def _texts_of(schema: object) -> set[object]:
    """All values in a schema that are not made of others."""
    if isinstance(schema, dict):
        return set().union(*map(_texts_of, schema.values()))
    if isinstance(schema, list):
        return set().union(*map(_texts_of, schema))
    return {schema}


def _alternatives(kind: msgspec.inspect.Type) -> tuple[msgspec.inspect.Type, ...]:
    """The types of which a value may be, without the description that a field may carry."""
    if isinstance(kind, msgspec.inspect.Metadata):
        return _alternatives(kind.type)
    if isinstance(kind, msgspec.inspect.UnionType):
        return tuple(inner for part in kind.types for inner in _alternatives(part))
    return (kind,)


def fields_of(kind: type[msgspec.Struct]) -> dict[str, Field]:
    """The fields that a mapping may set, of an event type or of an answer."""
    info = msgspec.inspect.type_info(kind)
    fields = info.fields if isinstance(info, msgspec.inspect.StructType) else ()
    annotations = {field.name: field.type for field in msgspec.structs.fields(kind)}
    return {
        field.name: Field(field, annotations[field.name])
        for field in fields
        if field.name not in _NOT_FIELDS
    }
