from __future__ import annotations

import pytest

from voc_stream.mapping.load import parse_mapping
from voc_stream.mapping.specification import MappingError

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
    with pytest.raises(MappingError, match=r"m.toml:23: event\[2\].when: there is no column 'answered'; the columns are when, customer"):
        mapping.check_columns(["when", "customer", "order", "activity", "q9"])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('delimiter = ";"', 'delimiter = ";;"', "m.toml:2: input.delimiter: must be one character"),
        ('delimiter = ";"', 'delimeter = ";"', "m.toml:2: input.delimeter: there is no such key; known: encoding"),
        ('delimiter = ";"', 'encoding = "utf-9"', "m.toml:2: input.encoding: 'utf-9' is no encoding"),
        ('"Asia/Shanghai"', '"China"', "m.toml:3: input.time_zone: 'China' is no time zone"),
        ("[table.stage]", "[tables.stage]", "m.toml:5: tables: there is no such key"),
        ('"check in" = "reception"', '"check in" = "desk"', "m.toml:18: event[1].stage: 'desk' does not suit: Invalid enum value 'desk'"),
        ('"check in" = "reception"', '"check in" = []', 'm.toml:6: table.stage."check in": must be a text'),
        ("from = [1, 10]", "from = [1]", "m.toml:8: scale.ten: must be { from ="),
        ("from = [1, 10]", "from = [10, 1]", "m.toml:8: scale.ten: `from` must ascend"),
        ('type = "repair_step"', 'type = "repair"', "m.toml:13: event[1].type: must be one of callback, complaint"),
        ('"repair_step"\noccurred_at = "{when}"', '"repair_step"', "m.toml:12: event[1].occurred_at: is missing: a repair_step needs it"),
        ('site_id = "shop-1"\norder', 'site = "shop-1"\norder', "m.toml:16: event[1].site: there is no such key"),
        ('order_id = "{order}"', 'order_id = "{order"', "m.toml:17: event[1].order_id: has a brace that is alone"),
        ('order_id = "{order}"', 'order_id = ""', "m.toml:17: event[1].order_id: must be a text such as '{column}'"),
        ('order_id = "{order}"', 'order_id = { colum = "order" }', "m.toml:17: event[1].order_id.colum: there is no such key"),
        ('order_id = "{order}"', 'order_id = { table = "stage" }', "m.toml:17: event[1].order_id: needs either `column` or `value`"),
        ('edge = "exit"', 'edge = "leave"', "m.toml:19: event[1].edge: 'leave' does not suit"),
        ('table = "stage" }', 'table = "stages" }', "m.toml:18: event[1].stage.table: there is no [table.stages]; the tables are stage"),
        ('equals = "yes"', 'is = "yes"', "m.toml:23: event[2].when.is: there is no such key"),
        (', equals = "yes"', "", "m.toml:23: event[2].when: a condition is a `column` and one of empty, equals"),
        ('equals = "yes"', "empty = 1", "m.toml:23: event[2].when: `empty` is true or false"),
        ('scale = "ten"', 'scale = "five"', "m.toml:31: event[2].answer[1].score.scale: there is no [scale.five]; the scales are ten"),
        ('item = "overall"\nscore', 'item = "overall"\nscores', "m.toml:31: event[2].answer[1].scores: there is no such key"),
        ('score = { column = "q9", scale = "ten" }', "", "m.toml:29: event[2].answer[1]: an answer needs `item`, and `score` or `done`"),
        ('score = { column = "q9", scale = "ten" }', "score = 11", "m.toml:31: event[2].answer[1].score: 11 does not suit"),
        ("[[event.answer]]", "[event.answer]", "m.toml:29: event[2].answer: must be [[event.answer]] blocks"),
        ('outcome = "completed"', 'outcome = { column = "x", scale = "ten" }', "m.toml:27: event[2].outcome.scale: is for numbers only"),
        (
            'outcome = "completed"',
            'outcome = "completed"\nevent_id = { digest = [] }',
            "m.toml:28: event[2].event_id.digest: needs at least one",
        ),
        ('type = "callback"', 'type = "callback"\ntype = "callback"', "m.toml: is not valid TOML: Cannot overwrite a value (at line 23"),
    ],
)
def test_error_names_file_line_and_key(old: str, new: str, message: str) -> None:
    """A mapping is checked as a whole before the first row, and each message leads to its line."""
    assert old in VALID
    with pytest.raises(MappingError) as caught:
        parse_mapping(VALID.replace(old, new, 1), "m.toml")
    assert str(caught.value).startswith(message)


def test_mapping_without_events_is_refused() -> None:
    """A mapping that would silently produce nothing is a mistake."""
    with pytest.raises(MappingError, match=r"m.toml:1: event: at least one \[\[event\]\] block is needed"):
        parse_mapping("[input]", "m.toml")
