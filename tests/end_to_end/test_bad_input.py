"""Everything that must be refused.

One dead letter each, whole, with its reason, and no harm to its neighbours.
"""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from builders import message, touchpoint
from end_to_end.harness import wait_until
from kafka import KafkaConsumer

from voc_stream.simulator.delivery.message import SimulatedMessage

if TYPE_CHECKING:
    from end_to_end.harness import Service

TEN_MEGABYTES = 10_000_000


def _broken(**fields: object) -> bytes:
    return message({**touchpoint("bad-1"), **fields})


def _without(field: str) -> bytes:
    return message({name: value for name, value in touchpoint("bad-1").items() if name != field})


def _with_score(score: bytes) -> bytes:
    return message(touchpoint("bad-1")).replace(b'"score":7', b'"score":' + score)


REFUSED: list[tuple[str, bytes | None]] = [
    ("invalid_json", b'{"event_id": "bad-1", '),
    ("invalid_json", b"call me back"),
    ("wrong_type", b'["an", "array"]'),
    ("unknown_type", _broken(type="invented")),
    ("wrong_type", _broken(score="7")),
    ("missing_field", _without("experience")),
    ("missing_field", _without("site_id")),
    ("unknown_item", _broken(experience="invented")),
    ("out_of_range", _broken(score=10.5)),
    ("out_of_range", _broken(score=-1)),
    ("invalid_json", _with_score(b"NaN")),
    ("out_of_range", _with_score(b"1e400")),
    ("too_large", _broken(text="x" * TEN_MEGABYTES)),
    ("too_deep", _broken()[:-1] + b',"deep":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    ("invalid_utf8", _broken(text="?").replace(b'"?"', b'"\xff\xfe"')),
    ("nul_character", _broken(text="a\x00b")),
    ("nul_character", message(touchpoint("bad-1")).replace(b'"score"', b'\x00"score"')),
    ("time_without_offset", _broken(occurred_at="2025-03-01T08:00:00")),
    (
        "time_in_future",
        _broken(occurred_at=(datetime.now(UTC) + timedelta(days=1)).isoformat()),  # runs later
    ),
    ("empty", None),
    ("empty", b""),
    ("too_long", _broken(customer_id="u" * 65)),
    ("too_long", _broken(event_id="e" * 65)),
    ("too_long", _broken(text="x" * 4097)),
    ("invalid_id", _broken(event_id="with space")),
    ("invalid_time", _broken(occurred_at="2025-02-30T08:00:00Z")),
]


def _sent(value: bytes | None) -> SimulatedMessage:
    now = datetime.now(UTC)
    return SimulatedMessage(now, now, "touchpoints", b"u-1", value, "test")


def test_each_refused_message_costs_one_dead_letter_and_nothing_else(service: Service) -> None:
    """Between good events, every kind of bad input lands whole in the table and in the topic.

    Its reason names the mistake.
    """
    messages = []
    for number, (_, value) in enumerate(REFUSED):
        messages += [_sent(message(touchpoint(f"good-{number}", score=number % 11))), _sent(value)]
    worker = service.start_worker()
    service.send(messages)
    service.send([_sent(message(touchpoint("good-last")))])
    service.wait_until_caught_up()
    letters = service.query('SELECT reason, payload, detail FROM dead_letter ORDER BY "offset"')
    assert [
        (reason, None if payload is None else bytes(payload)) for reason, payload, _ in letters
    ] == REFUSED
    assert all(detail for _, _, detail in letters)
    wait_until(
        lambda: (
            service.query("SELECT count(*) FROM dead_letter WHERE published_at IS NULL") == [(0,)]
        ),
        30,
        "all are published",
    )
    assert worker.is_running
    assert _published(service, len(REFUSED)) == sorted(
        (reason, value or b"") for reason, value in REFUSED
    )
    service.assert_tables_are_right()
    assert service.query("SELECT count(*) FROM touchpoint_event") == [(len(REFUSED) + 1,)]


def _published(service: Service, number: int) -> list[tuple[str, bytes]]:
    """Reason and payload of the messages in the dead-letter topic, sorted."""
    topic = f"{service.settings.topic_prefix}dead-letters"
    found: list[tuple[str, bytes]] = []
    limits = dict.fromkeys(("fetch_max_bytes", "max_partition_fetch_bytes"), 2 * TEN_MEGABYTES)
    with closing(
        KafkaConsumer(
            topic,
            bootstrap_servers=service.settings.kafka_bootstrap,
            auto_offset_reset="earliest",
            **limits,
        )
    ) as consumer:

        def all_there() -> bool:
            for records in consumer.poll(timeout_ms=200).values():
                found.extend(
                    (dict(record.headers)["reason"].decode(), record.value or b"")
                    for record in records
                )
            return len(found) >= number

        wait_until(all_there, 30, lambda: f"{number} messages in {topic}, found {len(found)}")
    return sorted(found)
