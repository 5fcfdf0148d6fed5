"""`voc-stream retract`: what it sends, and what it refuses to send."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from integration.cli.test_push import messages as sent_to_kafka

from voc_stream.cli import main
from voc_stream.kafka.topics import ensure_topics
from voc_stream.settings import Settings, to_environment

if TYPE_CHECKING:
    from pathlib import Path

REASON = ("--reason", "test data")


@pytest.fixture
def own_settings(broker: str, topic_prefix: str) -> Settings:
    """The session's broker with topics of this test's own."""
    settings = Settings(kafka_bootstrap=broker, topic_prefix=topic_prefix, partitions=2)
    ensure_topics(settings)
    return settings


def retract(settings: Settings, *arguments: str, stdin: str | None = None) -> Result:
    """Run the command as a shell would."""
    return CliRunner().invoke(
        main, ["retract", *REASON, *arguments], env=to_environment(settings), input=stdin
    )


@pytest.mark.broker
def test_ids_from_everywhere_are_sent_by_the_thousand(
    own_settings: Settings, tmp_path: Path
) -> None:
    """From arguments and a file, each once, blank lines left out.

    The output names what was sent.
    """
    path = tmp_path / "ids.txt"
    path.write_text(
        "\ufeffa\n\n" + "".join(f" t-{number}\r\n" for number in range(1000)), encoding="utf-8"
    )
    result = retract(own_settings, "a", "b", "--from", str(path), "--yes")
    assert result.exit_code == 0, result.stderr
    found = [
        (key, json.loads(value)) for key, value in sent_to_kafka(own_settings, 2)["retractions"]
    ]
    assert sorted(event_id for _, event in found for event_id in event["event_ids"]) == sorted(
        ["a", "b", *(f"t-{n}" for n in range(1000))]
    )
    for key, event in found:
        assert (event["type"], event["reason"], event["event_id"].encode()) == (
            "retraction",
            "test data",
            key,
        )
        assert (
            f"sent retraction {event['event_id']} of {len(event['event_ids']):,} events"
            in result.stdout
        )


@pytest.mark.broker
def test_a_query_can_be_piped_in(own_settings: Settings) -> None:
    """Standard input holds the ids, so nobody can be asked there."""
    refused = retract(own_settings, "--from", "-", stdin="a\nb\n")
    assert (
        refused.exit_code,
        "2 events would be taken back" in refused.stderr,
        "--yes" in refused.stderr,
    ) == (2, True, True)
    assert retract(own_settings, "--from", "-", "--yes", stdin="a\nb\n").exit_code == 0
    ((_, value),) = sent_to_kafka(own_settings, 1)["retractions"]
    assert json.loads(value)["event_ids"] == ["a", "b"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "there is no event id"),
        (("a", "b c", "--yes"), "'b c' is no event id"),
        (("a" * 65, "--yes"), "is no event id"),
        (("a\x1b[31m", "--yes"), "'a\\x1b[31m' is no event id"),
        (("a", "--reason", "x" * 201, "--yes"), "more than 200 characters"),
        (("a", "--yes"), "127.0.0.1:1"),
    ],
    ids=["none", "a blank", "too long", "an escape", "a long reason", "no broker"],
)
def test_what_cannot_be_sent_is_told_before_anything_is_sent(
    arguments: tuple[str, ...], said: str
) -> None:
    """One sentence and exit code 2, as of every command that could not do its work."""
    result = retract(Settings(kafka_bootstrap="127.0.0.1:1"), *arguments, "--timeout", "1")
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_file_that_is_no_list_of_ids_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    """A workbook in the place of a text is one sentence, too."""
    path = tmp_path / "ids.xlsx"
    path.write_bytes(b"PK\x03\x04\x14\x00\x83\xff\n")
    result = retract(
        Settings(kafka_bootstrap="127.0.0.1:1"), "--from", str(path), "--yes", "--timeout", "1"
    )
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert "is no event id" in result.stderr
