"""Reads a mapping from TOML and checks all of it before the first row.

It checks keys, names of tables, constants and required fields.
"""

from __future__ import annotations

import tomllib
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Any

import msgspec

from voc_stream.events.types import EVENT_TYPES, Answer
from voc_stream.importing.cell_value import CellError, Plain, Scale, Source, Template
from voc_stream.importing.fields import Field, fields_of
from voc_stream.importing.formats.csv_rows import CsvLayout
from voc_stream.importing.mapping import (
    DEFAULT_ENCODING,
    AnswerRule,
    Condition,
    EventRule,
    MappingError,
    RowMapping,
)
from voc_stream.importing.mapping_tables import MappingTables

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voc_stream.catalogue.reading.toml_lines import KeyPath

_SOURCE_KEYS = frozenset({"column", "value", "table", "scale", "formats", "time_zone", "default"})
_INPUT_KEYS = (
    "encoding",
    "delimiter",
    "decimal",
    "skip_lines",
    "header_rows",
    "time_zone",
    "time_formats",
    "empty_values",
)
_TESTS = frozenset({"empty", "equals", "not_equals", "in", "not_in", "in_table"})
_PLAIN = (str, int, float, bool)


def parse_mapping(text: str, name: str) -> RowMapping:
    """Read a mapping.

    Args:
        text: The TOML.
        name: What errors call it, usually its path.

    Raises:
        MappingError: It is not TOML, or breaks a rule of docs/reference/mapping.md.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MappingError(f"{name}: is not valid TOML: {error}") from error
    return _Reader(name, text, tables).read()


class _Reader(MappingTables):
    """Turns the parsed tables of one mapping into rules; every error names the key and the line."""

    def __init__(self, name: str, text: str, tables: dict[str, Any]) -> None:
        super().__init__(name, text)
        self._tables = tables
        self._places: dict[str, str] = {}
        self._scales: dict[str, Scale] = {}
        self._formats: tuple[str, ...] = ()
        self._decimal = "."
        self._time_zone: tzinfo = UTC

    def read(self) -> RowMapping:
        self.only(self._tables, ("input", "table", "scale", "event"), ())
        options = self.table(self._tables.get("input", {}), ("input",))
        self.only(options, _INPUT_KEYS, ("input",))
        self._formats = self.time_formats(
            options.get("time_formats", []), ("input", "time_formats")
        )
        self._decimal = self.one_of(options.get("decimal", "."), (".", ","), ("input", "decimal"))
        self._time_zone = self.zone(options.get("time_zone", "UTC"), ("input", "time_zone"))
        self._check_tables()
        scales = self.table(self._tables.get("scale", {}), ("scale",))
        self._scales = {name: self._scale(value, ("scale", name)) for name, value in scales.items()}
        blocks = self.blocks(self._tables.get("event", []), ("event",))
        if not blocks:
            self.fail(("event",), "at least one [[event]] block is needed")
        return RowMapping(
            rules=tuple(self._event(place, block) for place, block in enumerate(blocks)),
            encoding=self.encoding(options.get("encoding", DEFAULT_ENCODING)),
            layout=CsvLayout(
                self.delimiter(options.get("delimiter", ",")),
                self.count(options.get("skip_lines", 0), 0, ("input", "skip_lines")),
                self.count(options.get("header_rows", 1), 1, ("input", "header_rows")),
            ),
            empty_values=frozenset(
                self.texts(options.get("empty_values", []), ("input", "empty_values"))
            ),
            places=self._places,
        )

    def _event(self, place: int, block: dict[str, Any]) -> EventRule:
        path: KeyPath = ("event", place)
        name = block.get("type")
        if not isinstance(name, str) or name not in EVENT_TYPES:
            self.fail((*path, "type"), f"must be one of {', '.join(EVENT_TYPES)}")
        known = fields_of(EVENT_TYPES[name])
        has_answers = "answers" in EVENT_TYPES[name].__struct_fields__
        self.only(block, (*known, "type", "when", *(["answer"] if has_answers else [])), path)
        digest_columns = self._digest_columns(block.get("event_id"), (*path, "event_id"))
        given = {
            key: value
            for key, value in block.items()
            if key in known and not (key == "event_id" and digest_columns is not None)
        }
        for key, field in known.items():
            if field.required and key not in block and key != "event_id":
                self.fail((*path, key), f"is missing: a {name} needs it")
        answers = enumerate(self.blocks(block.get("answer", []), (*path, "answer")))
        return EventRule(
            place=place,
            type=name,
            conditions=tuple(self._conditions(block.get("when", []), (*path, "when"))),
            fields={
                key: self._source(value, known[key], (*path, key)) for key, value in given.items()
            },
            required=frozenset(key for key in given if known[key].required),
            answers=tuple(
                self._answer(answer, (*path, "answer", number)) for number, answer in answers
            ),
            digest_columns=digest_columns,
        )

    def _answer(self, block: dict[str, Any], path: KeyPath) -> AnswerRule:
        known = fields_of(Answer)
        self.only(block, known, path)
        if "item" not in block or not {"score", "done"} & block.keys():
            self.fail(path, "an answer needs `item`, and `score` or `done`")
        return AnswerRule(
            {key: self._source(value, known[key], (*path, key)) for key, value in block.items()}
        )

    def _digest_columns(self, value: object, path: KeyPath) -> tuple[str, ...] | None:
        if not isinstance(value, dict) or "digest" not in value:
            return None
        self.only(value, ("digest",), path)
        columns = self.texts(value["digest"], (*path, "digest"))
        if not columns:
            self.fail((*path, "digest"), "needs at least one column")
        return self._use(columns, path)

    def _source(self, value: object, field: Field, path: KeyPath) -> Source:
        options: dict[str, Any] = value if isinstance(value, dict) else {"value": value}
        self.only(options, _SOURCE_KEYS, path)
        if ("column" in options) == ("value" in options):
            self.fail(path, "needs either `column` or `value`")
        template, default = self._template(options, path)
        table = (
            self._named_table(options["table"], (*path, "table")) if "table" in options else None
        )
        source = Source(
            template=template,
            kind=field.kind,
            table=table,
            table_name=options.get("table", ""),
            scale=self._scale(options["scale"], (*path, "scale")) if "scale" in options else None,
            formats=self.time_formats(options["formats"], (*path, "formats"))
            if "formats" in options
            else self._formats,
            time_zone=self.zone(options["time_zone"], (*path, "time_zone"))
            if "time_zone" in options
            else self._time_zone,
            default=default,
            decimal=self._decimal if template.columns else ".",
        )
        if source.scale is not None and field.kind not in ("number", "integer"):
            self.fail((*path, "scale"), "is for numbers only")
        self._check_constants(source, field, path)
        return source

    def _template(self, options: dict[str, Any], path: KeyPath) -> tuple[Template, Plain | None]:
        default = options.get("default")
        if default is not None and not isinstance(default, _PLAIN):
            self.fail((*path, "default"), "must be a text, a number, true or false")
        if "column" in options:
            return Template(
                ("", ""), self._use(self.texts([options["column"]], path), path)
            ), default
        value = options["value"]
        if isinstance(value, str) and value:
            try:
                template = Template.parse(value)
            except ValueError as error:
                self.fail(path, str(error))
            self._use(template.columns, path)
            return template, default
        if not isinstance(value, _PLAIN) or value == "":
            self.fail(
                path,
                "must be a text such as '{column}', a number, true, false, or a table such as {"
                ' column = "…" }',
            )
        return Template(("",), ()), value

    def _check_constants(self, source: Source, field: Field, path: KeyPath) -> None:
        """Check that the values which the mapping itself states suit the field.

        So no row is needed to find a slip.
        """
        stated: list[object] = [] if source.default is None else [source.default]
        if source.table is not None:
            stated += source.table.values()
        if not source.template.columns:
            try:
                stated.append(source.read({}, frozenset()))
            except CellError as error:
                self.fail(path, str(error))
        for value in stated:
            if problem := field.problem(value):
                self.fail(path, f"{value!r} does not suit: {problem}")

    def _conditions(self, value: object, path: KeyPath) -> Iterable[Condition]:
        for test in self.blocks([value] if isinstance(value, dict) else value, path):
            self.only(test, ("column", *_TESTS), path)
            names = [name for name in test if name in _TESTS]
            if "column" not in test or len(names) != 1:
                self.fail(path, f"a condition is a `column` and one of {', '.join(sorted(_TESTS))}")
            (column,) = self._use(self.texts([test["column"]], path), path)
            yield self._condition(column, names[0], test[names[0]], path)

    def _condition(self, column: str, name: str, value: Any, path: KeyPath) -> Condition:
        if name == "empty":
            if not isinstance(value, bool):
                self.fail(path, "`empty` is true or false")
            return Condition(column, None, value)
        if name == "in_table":
            return Condition(column, frozenset(self._named_table(value, path)), expected=True)
        values = self.texts(value if name in ("in", "not_in") else [value], path)
        return Condition(column, frozenset(values), expected=not name.startswith("not"))

    def _check_tables(self) -> None:
        for name, table in self.table(self._tables.get("table", {}), ("table",)).items():
            for key, value in self.table(table, ("table", name)).items():
                if not isinstance(value, _PLAIN):
                    self.fail(("table", name, key), "must be a text, a number, true or false")

    def _named_table(self, name: object, path: KeyPath) -> dict[str, Plain]:
        tables = self._tables.get("table", {})
        if not isinstance(name, str) or name not in tables:
            self.fail(
                path, f"there is no [table.{name}]; the tables are {', '.join(tables) or 'none'}"
            )
        table: dict[str, Plain] = tables[name]
        return table

    def _scale(self, value: object, path: KeyPath) -> Scale:
        if isinstance(value, str):
            if value not in self._scales:
                self.fail(
                    path,
                    f"there is no [scale.{value}]; the scales are"
                    f" {', '.join(self._scales) or 'none'}",
                )
            return self._scales[value]
        ranges = self.table(value, path)
        self.only(ranges, ("from", "to"), path)
        try:
            (source_low, source_high), (target_low, target_high) = (
                msgspec.convert(ranges[key], tuple[float, float]) for key in ("from", "to")
            )
        except (KeyError, msgspec.ValidationError):
            self.fail(path, "must be { from = [lowest, highest], to = [lowest, highest] }")
        if not source_low < source_high:
            self.fail(path, "`from` must ascend")
        return Scale(source_low, source_high, target_low, target_high)

    def _use(self, columns: tuple[str, ...], path: KeyPath) -> tuple[str, ...]:
        for column in columns:
            self._places.setdefault(column, self.place(path))
        return columns
