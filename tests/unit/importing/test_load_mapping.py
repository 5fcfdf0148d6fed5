from __future__ import annotations

import pytest

from voc_stream.importing.formats.csv_rows import Header
from voc_stream.importing.load_mapping import parse_mapping
from voc_stream.importing.mapping import MappingError

VALID = """\
[input]
delimiter = ";"
time_zone = "Asia/Shanghai"

[table.stage]
"check in" = "reception"

[scale.ten]
from = [1, 10]
to = [0, 10]

[[event]]
type = "repair_step"
occurred_at = "{when}"
customer_id = "{customer}"
site_id = "shop-1"
order_id = "{order}"
stage = { column = "activity", table = "stage" }
edge = "exit"

[[event]]
type = "callback"
when = { column = "answered", equals = "yes" }
occurred_at = "{when}"
customer_id = "{customer}"
site_id = "shop-1"
outcome = "completed"

[[event.answer]]
item = "overall"
score = { column = "q9", scale = "ten" }
"""


def test_valid_mapping_knows_where_each_column_is_used() -> None:
    """The first use of a column is what an error about a missing one points to."""
    mapping = parse_mapping(VALID, "m.toml")
    assert mapping.places["activity"] == "m.toml:18: event[1].stage"
    assert mapping.places["q9"] == "m.toml:31: event[2].answer[1].score"
    assert set(mapping.places) == {"when", "customer", "order", "activity", "answered", "q9"}
    with pytest.raises(
        MappingError,
        match=r"m.toml:23: event\[2\].when: there is no column 'answered'; the columns are when,"
        r" customer",
    ):
        mapping.check_columns(Header(("when", "customer", "order", "activity", "q9"), {}, None))


def test_column_that_occurs_twice_is_an_error_only_where_it_is_used() -> None:
    """Nobody can know which of the two is meant, and it does not matter while nobody asks."""
    mapping = parse_mapping(VALID, "m.toml")
    names = ("when", "customer", "order", "activity", "answered", "q9", "column 7", "column 8")
    mapping.check_columns(Header(names, {"comment": names[-2:]}, None))
    with pytest.raises(
        MappingError,
        match=r"m.toml:31: .*: the column 'q9' occurs more than once; say which one: 'column 7' and"
        r" 'column 8'",
    ):
        mapping.check_columns(
            Header(tuple(name for name in names if name != "q9"), {"q9": names[-2:]}, None)
        )


def test_wrong_delimiter_is_guessed_from_the_header() -> None:
    """If the header was cut at the wrong character, the right one is named.

    A column is missing then.
    """
    mapping = parse_mapping(VALID, "m.toml")
    with pytest.raises(
        MappingError, match=r"is '\\t' the delimiter\? Then set `delimiter` in \[input\]"
    ):
        mapping.check_columns(Header(("when\tcustomer",), {}, "\t"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('delimiter = ";"', 'delimiter = ";;"', "m.toml:2: input.delimiter: must be one character"),
        (
            'delimiter = ";"',
            'delimeter = ";"',
            "m.toml:2: input.delimeter: there is no such key; known: encoding",
        ),
        (
            'delimiter = ";"',
            'encoding = "utf-9"',
            "m.toml:2: input.encoding: 'utf-9' is no encoding",
        ),
        (
            'delimiter = ";"',
            'delimiter = "\\n"',
            "m.toml:2: input.delimiter: must be one character, and no quote",
        ),
        (
            'delimiter = ";"',
            'encoding = "base64"',
            "m.toml:2: input.encoding: 'base64' is no encoding",
        ),
        (
            'delimiter = ";"',
            'encoding = "unicode_escape"',
            "m.toml:2: input.encoding: 'unicode_escape' is no encoding",
        ),
        ('delimiter = ";"', 'decimal = ";"', "m.toml:2: input.decimal: must be one of '.', ','"),
        (
            'delimiter = ";"',
            "skip_lines = -1",
            "m.toml:2: input.skip_lines: must be a whole number, 0 or more",
        ),
        (
            'delimiter = ";"',
            "header_rows = 0",
            "m.toml:2: input.header_rows: must be a whole number, 1 or more",
        ),
        (
            'delimiter = ";"',
            'time_formats = ["%I:%M"]',
            "m.toml:2: input.time_formats: '%I:%M': %I is an hour of twelve",
        ),
        (
            'occurred_at = "{when}"',
            'occurred_at = { column = "when", formats = ["%d.%m."] }',
            "m.toml:14: event[1].occurred_at.formats: '%d.%m.': names no whole day",
        ),
        ('"Asia/Shanghai"', '"China"', "m.toml:3: input.time_zone: 'China' is no time zone"),
        ("[table.stage]", "[tables.stage]", "m.toml:5: tables: there is no such key"),
        (
            'edge = "exit"',
            'edge = "leave"',
            "m.toml:19: event[1].edge: 'leave' does not suit: must be one of enter, exit",
        ),
        (
            '"check in" = "reception"',
            '"check in" = []',
            'm.toml:6: table.stage."check in": must be a text',
        ),
        ("from = [1, 10]", "from = [1]", "m.toml:8: scale.ten: must be { from ="),
        ("from = [1, 10]", "from = [5, 5]", "m.toml:8: scale.ten: `from` must ascend"),
        ("from = [1, 10]", "from = [10, 1]", "m.toml:8: scale.ten: `from` must ascend"),
        (
            'type = "repair_step"',
            'type = "repair"',
            "m.toml:13: event[1].type: must be one of callback, complaint",
        ),
        (
            '"repair_step"\noccurred_at = "{when}"',
            '"repair_step"',
            "m.toml:12: event[1].occurred_at: is missing: a repair_step needs it",
        ),
        (
            'site_id = "shop-1"\norder',
            'site = "shop-1"\norder',
            "m.toml:16: event[1].site: there is no such key",
        ),
        (
            'order_id = "{order}"',
            'order_id = "{order"',
            "m.toml:17: event[1].order_id: has a brace that is alone",
        ),
        (
            'order_id = "{order}"',
            'order_id = ""',
            "m.toml:17: event[1].order_id: must be a text such as '{column}'",
        ),
        (
            'order_id = "{order}"',
            'order_id = { colum = "order" }',
            "m.toml:17: event[1].order_id.colum: there is no such key",
        ),
        (
            'order_id = "{order}"',
            'order_id = { table = "stage" }',
            "m.toml:17: event[1].order_id: needs either `column` or `value`",
        ),
        (
            'site_id = "shop-1"\norder',
            'site_id = "shop-1 "\norder',
            (
                "m.toml:16: event[1].site_id: 'shop-1 ' does not suit: begins or ends with a blank;"
                " remove it"
            ),
        ),
        (
            'table = "stage" }',
            'table = "stages" }',
            "m.toml:18: event[1].stage.table: there is no [table.stages]; the tables are stage",
        ),
        ('equals = "yes"', 'is = "yes"', "m.toml:23: event[2].when.is: there is no such key"),
        (
            ', equals = "yes"',
            "",
            "m.toml:23: event[2].when: a condition is a `column` and one of empty, equals",
        ),
        ('equals = "yes"', "empty = 1", "m.toml:23: event[2].when: `empty` is true or false"),
        (
            'scale = "ten"',
            'scale = "five"',
            (
                "m.toml:31: event[2].answer[1].score.scale: there is no [scale.five]; the scales"
                " are"
                " ten"
            ),
        ),
        (
            'item = "overall"\nscore',
            'item = "overall"\nscores',
            "m.toml:31: event[2].answer[1].scores: there is no such key",
        ),
        (
            'score = { column = "q9", scale = "ten" }',
            "",
            "m.toml:29: event[2].answer[1]: an answer needs `item`, and `score` or `done`",
        ),
        (
            'score = { column = "q9", scale = "ten" }',
            "score = 11",
            "m.toml:31: event[2].answer[1].score: 11 does not suit",
        ),
        (
            "[[event.answer]]",
            "[event.answer]",
            "m.toml:29: event[2].answer: must be [[event.answer]] blocks",
        ),
        (
            'outcome = "completed"',
            'outcome = { column = "x", scale = "ten" }',
            "m.toml:27: event[2].outcome.scale: is for numbers only",
        ),
        (
            'outcome = "completed"',
            'outcome = "completed"\nevent_id = { digest = [] }',
            "m.toml:28: event[2].event_id.digest: needs at least one",
        ),
        (
            'type = "callback"',
            'type = "callback"\ntype = "callback"',
            "m.toml: is not valid TOML: Cannot overwrite a value (at line 23",
        ),
    ],
)
def test_error_names_file_line_and_key(old: str, new: str, message: str) -> None:
    """A mapping is checked as a whole before the first row, and each message leads to its line."""
    assert old in VALID
    with pytest.raises(MappingError) as caught:
        parse_mapping(VALID.replace(old, new, 1), "m.toml")
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("text", ["", "# later", "[input]", "event = []"])
def test_mapping_without_events_is_refused(text: str) -> None:
    """A mapping that would silently produce nothing is a mistake, and so is an empty file."""
    with pytest.raises(
        MappingError, match=r"m.toml:1: event: at least one \[\[event\]\] block is needed"
    ):
        parse_mapping(text, "m.toml")
