from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from voc_stream.importing.apply import MappedEvent, gives_event, map_rows
from voc_stream.importing.formats.rows import Row, RowError
from voc_stream.importing.load_mapping import parse_mapping

MAPPING = parse_mapping(
    """
[input]
empty_values = ["NA"]

[table.stage]
check = "diagnosis"
mend = "work"

[scale.ten]
from = [1, 10]
to = [0, 10]

[[event]]
type = "repair_step"
when = [{ column = "activity", in_table = "stage" }, { column = "draft", not_in = ["yes"] }]
occurred_at = "{time}"
customer_id = "{case}"
site_id = { column = "site", default = "main" }
order_id = "{case}"
stage = { column = "activity", table = "stage" }
edge = "exit"

[[event]]
type = "callback"
when = { column = "called", empty = false }
event_id = { digest = ["case", "called"] }
occurred_at = "{called}"
customer_id = "{case}"
site_id = "centre"
outcome = "completed"
recommend = "{nps}"

[[event.answer]]
item = "overall"
score = { column = "q1", scale = "ten" }
expectation = { column = "e1", scale = "ten" }

[[event.answer]]
item = "cost_estimated"
done = "{told}"

[[event]]
type = "repair_step"
when = { column = "delivered", empty = false }
event_id = "{case}-delivered"
occurred_at = "{delivered}"
customer_id = "{case}"
site_id = { column = "site", default = "main" }
order_id = "{case}"
stage = "delivery"
edge = "exit"
""",
    "m.toml",
)
STEP = {
    "case": "c1",
    "activity": "check",
    "time": "2024-05-01T10:00:00Z",
    "draft": "no",
    "site": "s1",
}


def events(*cells: dict[str, str]) -> list[dict[str, Any]]:
    """The events of these rows, none of which may fail."""
    mapped = list(map_rows([Row(line, row) for line, row in enumerate(cells, start=2)], MAPPING))
    assert not [event for event in mapped if isinstance(event, RowError)]
    return [json.loads(event.value) for event in mapped if isinstance(event, MappedEvent)]


def test_row_gives_the_events_whose_conditions_hold() -> None:
    """Tables, constants, defaults and conditions together make the event.

    An activity without a stage makes none.
    """
    (event,) = events(STEP)
    assert event.pop("event_id").startswith("m-")
    assert event == {
        "type": "repair_step",
        "occurred_at": "2024-05-01T10:00:00Z",
        "customer_id": "c1",
        "site_id": "s1",
        "order_id": "c1",
        "stage": "diagnosis",
        "edge": "exit",
    }
    assert events({**STEP, "activity": "lunch"}) == events({**STEP, "draft": "yes"}) == []
    assert events({**STEP, "site": "NA"})[0]["site_id"] == "main"


def test_answers_are_left_out_where_their_cells_are_empty() -> None:
    """No data is None: an empty score is no answer, and an empty expectation states none."""
    call = {"case": "c1", "called": "2024-05-03", "q1": "10", "e1": "NA", "told": "", "nps": "9"}
    (event,) = events(call)
    assert (event["answers"], event["recommend"]) == ([{"item": "overall", "score": 10.0}], 9)
    (event,) = events({**call, "q1": "", "nps": "", "told": "no"})
    assert event["answers"] == [{"item": "cost_estimated", "done": False}]
    assert "recommend" not in event
    (event,) = events({**call, "q1": ""})
    assert "answers" not in event


def test_case_columns_repeated_in_every_row_give_one_event() -> None:
    """Each row of a case repeats its end: one id, and sent once."""
    rows = [
        {**STEP, "delivered": "2024-05-04", "time": f"2024-05-01T1{hour}:00:00Z"}
        for hour in range(4)
    ]
    found = events(*rows)
    assert len(found) == 5
    assert [event["event_id"] for event in found].count("c1-delivered") == 1


@given(st.permutations(range(6)), st.integers(0, 6))
def test_ids_do_not_depend_on_what_stands_around_a_row(order: list[int], cut: int) -> None:
    """The same file in another order, or in two parts, gives the same events with the same ids."""
    rows = [
        {
            **STEP,
            "case": f"c{number % 2}",
            "time": f"2024-05-0{number + 1}T10:00:00Z",
            "delivered": "2024-06-01",
        }
        for number in range(6)
    ]

    def identified(*parts: list[dict[str, str]]) -> dict[str, dict[str, Any]]:
        return {event["event_id"]: event for part in parts for event in events(*part)}

    shuffled = [rows[number] for number in order]
    assert identified(rows) == identified(shuffled) == identified(shuffled[:cut], shuffled[cut:])
    assert len(identified(rows)) == 8


def test_digest_of_columns_ignores_the_others() -> None:
    """A corrected score keeps the id where the mapping says which columns identify the event.

    Without that the content does.
    """
    call = {"case": "c1", "called": "2024-05-03", "q1": "10"}
    assert events(call)[0]["event_id"] == events({**call, "q1": "9"})[0]["event_id"]
    assert events(STEP)[0]["event_id"] != events({**STEP, "site": "s2"})[0]["event_id"]


def test_ids_stay_what_they_are() -> None:
    """A new version must give the ids that an older one gave.

    Else files that are sent again would count twice.
    """
    assert events(STEP)[0]["event_id"] == "m-0793be3a66b3b682fe9aac8c2332af36"
    assert (
        events({"case": "c1", "called": "2024-05-03"})[0]["event_id"]
        == "m-93077cffc972489d0090ee34f1e7356b"
    )


def test_failing_event_costs_neither_the_row_nor_the_file() -> None:
    """A bad cell is named with the line, event, field, column and value.

    Other events of the row and other rows go on.
    """
    bad = {**STEP, "called": "2024-05-03", "q1": "11", "delivered": "2024-06-01"}
    first, error, delivered, missing, unreadable = map_rows(
        [Row(2, bad), Row(3, {**STEP, "time": ""}), RowError(4, "short")], MAPPING
    )
    assert isinstance(first, MappedEvent)
    assert error == RowError(
        2, "event[2].answer[1].score: column 'q1': '11' is outside the scale from 1 to 10"
    )
    assert isinstance(delivered, MappedEvent)
    assert missing == RowError(
        3, "event[1].occurred_at: column 'time' is empty; add a condition `when`, or a `default`"
    )
    assert unreadable == RowError(4, "short")


def test_id_in_another_spelling_is_the_same_event() -> None:
    """Exports that put an accent together differently tell of one customer.

    The event_id is one, too, however it is made.
    """
    rows = [
        {**STEP, "case": case, "called": "2024-05-03", "delivered": ""}
        for case in ("Ren\u00e9", "Rene\u0301")
    ]
    first, second = events(rows[0]), events(rows[1])
    assert len(first) == 2
    assert first == second


def test_only_a_row_with_a_value_that_few_texts_are_is_surely_a_row() -> None:
    """Every line of a text would be an event to a mapping that takes only ids and texts from it."""
    row = Row(2, {"a": "well, fine", "b": "7"})
    texts = (
        '[[event]]\ntype = "touchpoint"\noccurred_at = "2024-05-01T00:00:00Z"\n'
        'customer_id = "{a}"\nsite_id = "s"\nexperience = "overall"\n'
    )
    assert not gives_event(row, parse_mapping(f"{texts}score = 7", "m.toml"))
    scored = parse_mapping(f'{texts}score = "{{b}}"', "m.toml")
    assert gives_event(row, scored)
    assert not gives_event(row._replace(cells={"a": "x", "b": "seven"}), scored)
