from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import builders
import msgspec
import pytest
from hypothesis import given

from voc_stream.catalogue.flow import Flow
from voc_stream.catalogue.label import Label
from voc_stream.catalogue.model import Catalogue, ChurnModel, Experience
from voc_stream.catalogue.plausible import Plausible
from voc_stream.events.decode import MAXIMUM_MESSAGE_BYTES, decode
from voc_stream.events.decode_many import decode_many
from voc_stream.events.refusal import Reason, Refusal
from voc_stream.events.types import AnyEvent, AnyInput, Callback, Retraction

if TYPE_CHECKING:
    from voc_stream.catalogue.measures import Kind

NOW = datetime(2025, 6, 1, tzinfo=UTC)
KINDS: dict[str, Kind] = {
    **dict.fromkeys(builders.RATINGS, "rating"),
    **dict.fromkeys(builders.PROCESS_ITEMS, "process"),
    "reception_minutes": "timing",
}
LABEL = Label(en="a name", zh="名称")
CATALOGUE = Catalogue(
    trade="test",
    label=LABEL,
    churn=ChurnModel(
        version="1",
        base_hazard_per_month=0.01,
        horizon_months=12,
        signal_days=90,
        low_score=5,
        multipliers={},
        bands={"high": 0.5},
    ),
    flow=Flow(stages=dict.fromkeys(builders.STAGES, LABEL), delivered="delivery"),
    experience={
        key: Experience(label=LABEL, factor="service", kind=kind) for key, kind in KINDS.items()
    },
)


PLAIN = [
    builders.message(builders.touchpoint("p-1")),
    builders.message(builders.repair_step("p-2")),
]


def result(value: bytes | None) -> AnyInput | Refusal:
    """What is said of a message: the same alone and among others that are plainly right."""
    found = decode(value, NOW, CATALOGUE)
    assert decode_many([value], NOW, CATALOGUE) == [found]
    first, last = (decode(each, NOW, CATALOGUE) for each in PLAIN)
    assert decode_many([PLAIN[0], value, PLAIN[1]], NOW, CATALOGUE) == [first, found, last]
    return found


def refusal(value: bytes | None) -> Refusal:
    found = result(value)
    assert isinstance(found, Refusal), found
    return found


def event(fields: builders.Event) -> AnyEvent:
    found = result(builders.message(fields))
    assert not isinstance(found, Refusal | Retraction), found
    return found


def with_score(text: str) -> bytes:
    """A touchpoint whose score is written as `text`."""
    return builders.message(builders.touchpoint(score="HERE")).replace(b'"HERE"', text.encode())


def with_unknown(text: str) -> bytes:
    """A touchpoint with an unknown field written as `text`."""
    return builders.message(builders.touchpoint(invented="HERE")).replace(b'"HERE"', text.encode())


BAD_INPUT: dict[str, tuple[bytes | None, Reason]] = {
    "not JSON": (b"not JSON", "invalid_json"),
    "wrong type": (builders.message(builders.touchpoint(score="7")), "wrong_type"),
    "missing field": (builders.message(builders.touchpoint(site_id=None)), "missing_field"),
    "unknown item": (
        builders.message(builders.callback(answers=[{"item": "parking", "score": 7}])),
        "unknown_item",
    ),
    "unknown stage": (builders.message(builders.repair_step(stage="lunch")), "unknown_stage"),
    "score above 10": (with_score("10.01"), "out_of_range"),
    "score below 0": (with_score("-0.01"), "out_of_range"),
    "NaN": (with_score("NaN"), "invalid_json"),
    "infinity": (with_score("-Infinity"), "invalid_json"),
    "1e400": (with_score("1e400"), "out_of_range"),
    "10 MB string": (builders.message(builders.touchpoint(text="x" * 10_000_000)), "too_large"),
    "long string": (builders.message(builders.touchpoint(text="x" * 4097)), "too_long"),
    "nesting of 100,000 arrays": (b"[" * 100_000, "too_deep"),
    "nesting of 40,000 objects": (b'{"a":' * 40_000, "too_deep"),
    "invalid UTF-8 in a field": (
        builders.message(builders.touchpoint(text="HERE")).replace(b"HERE", b"\xff"),
        "invalid_utf8",
    ),
    "invalid UTF-8 in an unknown field": (
        with_unknown('"HERE"').replace(b"HERE", b"\xe9"),
        "invalid_utf8",
    ),
    "UTF-8 of half a surrogate pair": (
        with_unknown('"HERE"').replace(b"HERE", b"\xed\xa0\xbd"),
        "invalid_utf8",
    ),
    "UTF-16": (b"\xff\xfe" + "{}".encode("utf-16-le"), "invalid_utf8"),
    "raw NUL": (
        builders.message(builders.touchpoint(text="HERE")).replace(b"HERE", b"\0"),
        "nul_character",
    ),
    "schema registry before JSON": (
        b"\0\0\0\0\x2a" + builders.message(builders.touchpoint()),
        "invalid_json",
    ),
    "schema registry before Avro": (b"\0\0\0\xff\xfe\x02\x80", "invalid_json"),
    "schema registry of AWS before JSON": (b"\x03\0" + bytes(16) + b"{}", "invalid_json"),
    "leading NUL": (b"\0{}", "nul_character"),
    "trailing NUL": (builders.message(builders.touchpoint()) + b"\0", "nul_character"),
    "escaped NUL": (builders.message(builders.touchpoint(text="a\0b")), "nul_character"),
    "escaped NUL in an unknown field": (with_unknown(r'"\u0000"'), "nul_character"),
    "escaped NUL in an unknown name": (with_unknown(r'{"\u0000": 1}'), "nul_character"),
    "time without offset": (
        builders.message(builders.touchpoint(occurred_at="2025-05-01T08:00:00")),
        "time_without_offset",
    ),
    "time in the future": (
        builders.message(builders.touchpoint(occurred_at="2025-06-01T00:10:00.000001Z")),
        "time_in_future",
    ),
    "tombstone": (None, "empty"),
    "empty message": (b"", "empty"),
    "id of 65 characters": (
        builders.message(builders.touchpoint(customer_id="c" * 65)),
        "too_long",
    ),
    "event id of 65 characters": (builders.message(builders.touchpoint("e" * 65)), "too_long"),
}


@pytest.mark.parametrize(("value", "reason"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_bad_input_is_refused_for_its_reason(value: bytes | None, reason: Reason) -> None:
    """Each kind of bad input has one reason and a detail.

    The detail is short enough for a header and a terminal.
    """
    found = refusal(value)
    assert found.reason == reason
    assert 0 < len(found.detail) < 240
    assert found.detail.isprintable()


@pytest.mark.parametrize(
    ("value", "detail"),
    [
        (
            b"\0\0\0\x01\x2a" + b' {"a": 1}',
            (
                "begins with the five bytes of a schema registry (schema 298), then JSON; send"
                " plain"
                " JSON"
            ),
        ),
        (
            b"\0\0\0\0\x07\x02\xff",
            (
                "begins with the five bytes of a schema registry (schema 7), then what is no JSON,"
                " such"
                " as Avro or Protobuf"
            ),
        ),
        (
            b"\x03\x05" + bytes(16) + b"x",
            (
                "begins with the eighteen bytes of the schema registry of AWS Glue, then what is no"
                " JSON"
            ),
        ),
    ],
)
def test_bytes_of_a_schema_registry_are_named(value: bytes, detail: str) -> None:
    """A producer with a registry's serializer is told so, instead of that a byte is no text."""
    assert refusal(value).detail.startswith(detail)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (builders.touchpoint(type="survey"), "unknown_type"),
        (builders.touchpoint(type=None), "missing_field"),
        (builders.touchpoint(type=3), "wrong_type"),
        (builders.complaint(action="escalated"), "unknown_value"),
        (builders.touchpoint(schema_version=2), "unknown_value"),
        (builders.touchpoint(""), "invalid_id"),
        (builders.touchpoint("a b"), "invalid_id"),
        (builders.touchpoint("a\n"), "invalid_id"),
        (builders.touchpoint(customer_id="顾\u0085客"), "invalid_id"),
        (builders.touchpoint(customer_id="a\n"), "invalid_id"),
        (builders.touchpoint(department=""), "invalid_id"),
        (builders.touchpoint(occurred_at="yesterday"), "invalid_time"),
        (builders.touchpoint(occurred_at="2025-02-29T08:00:00Z"), "invalid_time"),
        (builders.touchpoint(experience="parking"), "unknown_item"),
        (builders.complaint(category="parking"), "unknown_item"),
        (builders.touchpoint(experience="advice_given"), "wrong_kind"),
        (builders.touchpoint(experience="reception_minutes"), "wrong_kind"),
        (builders.callback(answers=[{"item": "advice_given", "score": 7}]), "wrong_kind"),
        (builders.callback(answers=[{"item": "overall", "done": True}]), "wrong_kind"),
        (builders.callback(answers=[{"item": "overall", "score": 7, "done": True}]), "wrong_kind"),
        (builders.callback(answers=[{"item": "reception_minutes", "score": 7}]), "wrong_kind"),
        (
            builders.callback(answers=[{"item": "overall", "score": 7}, {"item": "overall"}]),
            "repeated_item",
        ),
        (builders.callback(answers=None, recommend=11), "out_of_range"),
        (builders.callback(answers=[{"item": "overall", "importance": 10.5}]), "out_of_range"),
        (builders.repair_step(final_amount=1e12 + 1), "out_of_range"),
    ],
)
def test_event_against_the_contract_is_refused(fields: builders.Event, reason: Reason) -> None:
    """The rules of the contract and of the catalogue are kept, each with its own reason."""
    assert refusal(builders.message(fields)).reason == reason


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        (
            builders.callback(answers=[{"item": "overall", "score": 7}, {"item": "parking"}]),
            "answers[1].item",
        ),
        (builders.callback(answers=[{"score": 7}]), "answers[0].item"),
        (
            builders.callback(answers=[{"item": "overall", "score": 7}, {"item": "overall"}]),
            "answers[1].item",
        ),
        (builders.callback(answers=[{"item": "overall", "done": False}]), "answers[0].done"),
        (builders.touchpoint(customer_id=None), "customer_id"),
        (builders.complaint(category="parking"), "category"),
        (builders.repair_step(promised_at="2025-06-01"), "promised_at"),
    ],
)
def test_detail_begins_with_the_path_of_the_field(fields: builders.Event, path: str) -> None:
    """A detail says where the mistake is, so that the sender need not search."""
    assert refusal(builders.message(fields)).detail.startswith(f"{path}: ")


@pytest.mark.parametrize(
    "fields",
    [
        builders.touchpoint(),
        builders.callback(),
        builders.complaint(),
        builders.repair_step(),
        builders.customer(),
    ],
)
def test_smallest_event_of_each_type_is_read(fields: builders.Event) -> None:
    """An event with its required fields only is an event of its type."""
    assert event(fields).__struct_config__.tag == fields["type"]


@pytest.mark.parametrize(
    "fields",
    [
        builders.touchpoint(occurred_at="2025-06-01T08:10:00+08:00"),
        builders.touchpoint(occurred_at="2001-01-01T00:00:00Z"),
        builders.touchpoint(occurred_at="2001-01-01T00:00:00-23:59"),
        builders.repair_step(promised_at="9999-12-31T23:59:59Z"),
        builders.touchpoint(customer_id="顾" * 64),
        builders.touchpoint(text="顾" * 4096),
        builders.touchpoint(text="😀 \\u0000 \\ud83d"),
        builders.callback(answers=[{"item": "overall"}, {"item": "advice_given"}]),
        builders.callback(answers=[{"item": "overall", "score": None, "done": None}]),
        builders.complaint(category="advice_given"),
        builders.customer(site_id=None, annual_value=1e12),
    ],
)
def test_event_at_the_edge_of_a_rule_is_read(fields: builders.Event) -> None:
    """The rules refuse no more than they say."""
    event(fields)


@pytest.mark.parametrize(
    "text",
    [
        "1e400",
        "-1E+400",
        "1e-400",
        "[1e9999]",
        "0.00001",
        '"1e200000"',
        '"\\\\u0000"',
        '"\\ud83d\\ude00"',
        "9" * 5000,
    ],
)
def test_unknown_field_that_can_be_stored_is_accepted(text: str) -> None:
    """Unknown fields change nothing; whatever `jsonb` can hold is kept."""
    assert not isinstance(result(with_unknown(text)), Refusal)


@pytest.mark.parametrize(
    "text",
    [
        "1e200000",
        "1E+200000",
        "-1.5e-200000",
        '{"a": [1e131072]}',
        "1e-16384",
        "0." + "0" * 16384,
        "9" * 131073,
    ],
)
def test_number_that_cannot_be_stored_is_out_of_range(text: str) -> None:
    """A number too large or too precise for `jsonb` costs its own message, not the batch."""
    assert refusal(with_unknown(text)).reason == "out_of_range"


def test_score_with_more_decimals_than_can_be_stored_is_out_of_range() -> None:
    """A known field that the decoder rounds is stored as it was written.

    So the same limit holds.
    """
    assert refusal(with_score("1e-20000")).reason == "out_of_range"


@pytest.mark.parametrize(
    "text",
    [
        r'"\ud83d"',
        r'"\ude00"',
        r'"\ud83d\u0041"',
        r'"\ud83d\ud83d"',
        r'{"\uD83D": 1}',
        r'"\\\ud83d"',
    ],
)
def test_half_of_a_surrogate_pair_is_refused(text: str) -> None:
    """`jsonb` cannot hold half a character, also in fields that are not known."""
    assert refusal(with_unknown(text)).reason == "lone_surrogate"


@pytest.mark.parametrize(
    ("type_", "field", "time"),
    [
        ("touchpoint", "occurred_at", "0001-01-01T00:00:00+00:01"),
        ("touchpoint", "occurred_at", "9999-12-31T23:59:59-00:01"),
        ("repair_step", "promised_at", "0001-01-01T07:59:59+08:00"),
        ("repair_step", "promised_at", "9999-12-31T23:00:00-08:00"),
    ],
)
def test_time_outside_the_calendar_is_out_of_range(type_: str, field: str, time: str) -> None:
    """A time that has no UTC equivalent would raise in every later conversion."""
    fields = {"touchpoint": builders.touchpoint, "repair_step": builders.repair_step}[type_](
        **{field: time}
    )
    found = refusal(builders.message(fields))
    assert (found.reason, found.detail.partition(":")[0]) == ("out_of_range", field)


@pytest.mark.parametrize(
    "time",
    [
        "0001-01-01T00:00:00Z",
        "1970-01-01T00:00:09Z",
        "2000-01-01T00:00:00-14:00",
        "2000-12-31T23:59:59.999999Z",
    ],
)
def test_a_clock_that_was_never_set_is_implausible(time: str) -> None:
    """A clock that was never set poisons nothing.

    Such an event would be the earliest opening of a complaint for ever, and in every mean of its
    stage.
    """
    found = refusal(builders.message(builders.touchpoint(occurred_at=time)))
    assert found.reason == "implausible_time"
    assert found.detail.endswith("set the sender's clock, or earliest_occurred_at in the catalogue")
    assert "2001-01-01T00:00:00+00:00" in found.detail


def test_the_catalogue_says_what_is_implausible() -> None:
    """Who imports a history of decades, or only this year's, may say so."""
    plausible = Plausible(earliest_occurred_at=datetime(1990, 1, 1, tzinfo=UTC))
    catalogue = msgspec.structs.replace(CATALOGUE, plausible=plausible)
    value = builders.message(builders.touchpoint(occurred_at="1995-01-01T00:00:00Z"))
    assert not isinstance(decode(value, NOW, catalogue), Refusal)


def test_ten_minutes_ahead_is_the_limit() -> None:
    """A sender's clock may be ten minutes fast, the tenth included.

    A promise may lie ahead at will.
    """
    limit = NOW + timedelta(minutes=10)
    assert event(builders.touchpoint(occurred_at=limit.isoformat())).occurred_at == limit
    event(builders.repair_step(promised_at="2035-01-01T00:00:00Z"))


def test_size_limit_is_of_the_whole_message() -> None:
    """256 KiB are read, one byte more is not; unknown fields count."""
    value = with_unknown('""')
    padding = b" " * (MAXIMUM_MESSAGE_BYTES - len(value))
    assert not isinstance(result(value + padding), Refusal)
    assert refusal(value + padding + b" ").reason == "too_large"


def test_depth_limit_is_32() -> None:
    """The event is the first level; brackets in strings do not count."""
    assert not isinstance(result(with_unknown("[" * 31 + '"[{[{\\"[{["' + "]" * 31)), Refusal)
    assert refusal(with_unknown("[" * 32 + "]" * 32)).reason == "too_deep"
    assert not isinstance(result(with_unknown("[" + ",".join(["[]"] * 1000) + "]")), Refusal)


def test_byte_order_mark_is_explained() -> None:
    """A file saved by some editors begins with one; the detail says so."""
    found = refusal(b"\xef\xbb\xbf" + builders.message(builders.touchpoint()))
    assert found.reason == "invalid_json"
    assert "byte order mark" in found.detail


def test_detail_does_not_echo_long_or_dangerous_input() -> None:
    """A detail goes into headers, logs and terminals.

    Input in it is short and has no control characters.
    """
    for fields in (
        builders.touchpoint(type="x\x1b[31m\n" + "y" * 100_000),
        builders.complaint(action="x\x1b[31m\n" + "y" * 100_000),
        builders.touchpoint(experience="\x1b[31m" + "y" * 59),
    ):
        detail = refusal(builders.message(fields)).detail
        assert detail.isprintable()
        assert detail.count("y") < 80


def test_unknown_fields_are_ignored() -> None:
    """A newer sender may say more than this worker knows."""
    assert event(builders.touchpoint(invented={"a": [1, None, "b"]})) == event(
        builders.touchpoint()
    )


def test_repeated_name_means_the_last_value() -> None:
    """As `jsonb` keeps it, so that reading the stored event again gives the same."""
    value = builders.message(builders.touchpoint(score=7)).replace(b"{", b'{"score":3,', 1)
    found = result(value)
    assert not isinstance(found, Refusal)
    assert found == event(builders.touchpoint(score=7))


def test_null_states_nothing() -> None:
    """An optional field that is null is as good as absent."""
    fields = builders.customer()
    assert event({**fields, "segment": None, "site_id": None, "annual_value": None}) == event(
        fields
    )


def test_answers_keep_their_order() -> None:
    """The place in the answers orders the moments of a journey."""
    found = event(
        builders.callback(answers=[{"item": item, "score": 5} for item in builders.RATINGS])
    )
    assert isinstance(found, Callback)
    assert tuple(answer.item for answer in found.answers) == builders.RATINGS


@given(builders.event_lists(max_size=5))
def test_valid_events_are_read(events: list[dict[str, Any]]) -> None:
    """What the contract allows is accepted, with the values that were sent."""
    for fields in events:
        found = event(fields)
        assert (found.event_id, found.customer_id) == (fields["event_id"], fields["customer_id"])
        assert found.occurred_at == datetime.fromisoformat(fields["occurred_at"])
