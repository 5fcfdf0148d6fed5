from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from kafka import KafkaConsumer, TopicPartition

from voc_stream.cli import main
from voc_stream.kafka.topics import ensure_topics
from voc_stream.pipeline.ports import Batch, Message, Partition, StoredPosition
from voc_stream.pipeline.refusal_limit import RefusalRecord
from voc_stream.pipeline.take_in import decode_messages
from voc_stream.postgres.intake import dead_letters
from voc_stream.postgres.intake.batch_transaction import PostgresSink
from voc_stream.postgres.intake.stream_position import refusal_records
from voc_stream.settings import Settings, to_environment

if TYPE_CHECKING:
    from voc_stream.catalogue.model import Catalogue

UNREADABLE = b"\xff\x00 not an event"
WITHOUT_SITE = (
    b'{"event_id":"x","type":"touchpoint","occurred_at":"2026-01-05T09:00:00Z",'
    b'"customer_id":"c","experience":"overall","score":5}'
)


@pytest.fixture
def refused(settings: Settings, catalogue: Catalogue) -> Settings:
    """A service that has refused two messages and a tombstone."""
    ensure_topics(settings)
    partition = Partition(f"{settings.topic_prefix}touchpoints", 0)
    with closing(PostgresSink(settings.require_database_url(), catalogue)) as sink:
        sink.start_at(partition, StoredPosition("a log", 0), None)
        messages = [
            Message(offset, value) for offset, value in enumerate([UNREADABLE, WITHOUT_SITE, None])
        ]
        now = datetime.now(UTC)
        sink.process(
            [
                Batch(
                    partition, StoredPosition("a log", 0), decode_messages(messages, now, catalogue)
                )
            ],
            now,
        )
    return settings


def run(settings: Settings, *arguments: str) -> Result:
    """Run the command as a shell would."""
    return CliRunner().invoke(main, ["dead-letters", *arguments], env=to_environment(settings))


def sent_again(settings: Settings) -> list[bytes]:
    """What stands in the topic that the messages came from."""
    consumer = KafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap, auto_offset_reset="earliest"
    )
    with closing(consumer):
        topic = f"{settings.topic_prefix}touchpoints"
        partitions = [
            TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)
        ]
        consumer.assign(partitions)
        found: list[bytes] = []
        while len(found) < 2:
            found += [
                record.value
                for records in consumer.poll(timeout_ms=500).values()
                for record in records
            ]
        return found


def test_list_counts_by_reason_and_says_what_to_do(refused: Settings) -> None:
    """Each reason with its number, each refusal with its source and detail."""
    shown = run(refused, "list")
    assert shown.exit_code == 0, shown.output
    assert all(reason in shown.output for reason in ("invalid_utf8", "missing_field", "empty"))
    assert "site_id: is missing; add it" in shown.output


def test_show_gives_the_message_whole(refused: Settings) -> None:
    """Byte for byte with --raw.

    A tombstone is called one; a number that does not exist is an error.
    """
    assert run(refused, "show", "1", "--raw").stdout_bytes == UNREADABLE
    assert "a tombstone" in run(refused, "show", "3").output
    missing = run(refused, "show", "99")
    assert missing.exit_code == 1
    assert "there is no dead letter 99" in missing.output


def test_retry_sends_again_once(refused: Settings) -> None:
    """All go back to their topic unchanged and are marked.

    What was sent again is not sent a second time.
    """
    first = run(refused, "retry", "--all")
    assert "2 sent again, 0 failed, 1 has nothing to send" in first.output
    assert sorted(sent_again(refused)) == sorted([UNREADABLE, WITHOUT_SITE])
    assert "0 sent again" in run(refused, "retry", "--all").output


def test_retry_goes_page_by_page(refused: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, all are sent, once, and all are marked."""
    monkeypatch.setattr(dead_letters, "RETRIED_ROWS", 1)
    assert "2 sent again, 0 failed, 1 has nothing to send" in run(refused, "retry", "--all").output
    assert sorted(sent_again(refused)) == sorted([UNREADABLE, WITHOUT_SITE])
    assert "0 sent again, 0 failed, 1 has nothing to send" in run(refused, "retry", "--all").output


def test_list_shows_the_next_page(refused: Settings) -> None:
    """The page says how to see older ones."""
    first = run(refused, "list", "--limit", "2").output
    assert "Older ones: --before 2" in first
    assert "invalid_utf8" in run(refused, "list", "--before", "2").output.splitlines()[-1]


def test_list_of_nothing_says_so(refused: Settings) -> None:
    """Questions about what no message has are no error of PostgreSQL.

    A reason that no message has, and numbers that no message can have.
    """
    assert "None of them is what you asked for" in run(refused, "list", "--reason", "x[/]").output
    beyond = run(refused, "list", "--before", str(2**63))
    assert (beyond.exit_code, "is not in the range" in beyond.output) == (2, True), beyond.output


def test_resume_lets_stopped_partitions_go_on(refused: Settings) -> None:
    """It names them and why they had stopped.

    Where none has, it says so, and a topic that is unknown is an error.
    """
    topic = f"{refused.topic_prefix}touchpoints"
    assert "No partition has stopped" in run(refused, "resume").output
    limited = replace(refused, dead_letter_limit_run=3)
    assert run(limited, "resume", f"{refused.topic_prefix}callbacks").exit_code == 1
    resumed = run(limited, "resume", topic, "0", "--refuse", "7")
    assert (
        f"{topic}[0] goes on: 3 messages in a row were refused; 7 more refusals pass without being"
        f" counted" in resumed.output
    )
    records = refusal_records(refused.require_database_url())
    assert records == {Partition(topic, 0): RefusalRecord(allowed=7)}
    assert "No partition has stopped" in run(limited, "resume").output


def test_retry_wants_to_know_which(refused: Settings) -> None:
    """Neither nothing nor two ways of saying it at once."""
    assert run(refused, "retry").exit_code == 2
    assert run(refused, "retry", "1", "--all").exit_code == 2
