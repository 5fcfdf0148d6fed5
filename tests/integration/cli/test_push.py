from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from kafka import KafkaConsumer

from voc_stream.cli import main
from voc_stream.cli.check import command as check
from voc_stream.events.decode import Refusal, decode
from voc_stream.kafka.topics import ensure_topics, input_topics
from voc_stream.settings import Settings, to_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voc_stream.catalogue.model import Catalogue

HOWTO = Path(__file__).parents[3] / "docs" / "howto"
COMMON = {"occurred_at": "2024-05-01T10:00:00Z", "customer_id": "c-1", "site_id": "s-1"}
EVENTS: dict[str, dict[str, Any]] = {
    "callbacks": {"event_id": "1", "type": "callback", "outcome": "refused"},
    "complaints": {
        "event_id": "2",
        "type": "complaint",
        "complaint_id": "x",
        "action": "opened",
        "severity": "minor",
    },
    "repair-flow": {
        "event_id": "3",
        "type": "repair_step",
        "order_id": "o",
        "stage": "wash",
        "edge": "exit",
    },
    "touchpoints": {"event_id": "4", "type": "touchpoint", "experience": "overall", "score": 8},
    "customers": {"event_id": "5", "type": "customer", "change": "profile"},
}


@pytest.fixture
def own_settings(broker: str, topic_prefix: str) -> Settings:
    """The session's broker with topics of this test's own."""
    settings = Settings(kafka_bootstrap=broker, topic_prefix=topic_prefix, partitions=2)
    ensure_topics(settings)
    return settings


@pytest.fixture
def quiet() -> Iterator[None]:
    """Takes back what the command does to the client's logger."""
    logger = logging.getLogger("kafka")
    before = list(logger.handlers)
    yield
    logger.handlers = before


def messages(settings: Settings, count: int) -> dict[str, list[tuple[bytes, bytes]]]:
    """The first `count` messages of the input topics, by topic without prefix."""
    consumer: Any = KafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap,
        auto_offset_reset="earliest",
        metrics_enabled=False,
    )
    found: dict[str, list[tuple[bytes, bytes]]] = {}
    try:
        consumer.subscribe(list(input_topics(settings.topic_prefix)))
        while sum(map(len, found.values())) < count:
            for partition, records in consumer.poll(timeout_ms=500).items():
                name = partition.topic.removeprefix(settings.topic_prefix)
                found.setdefault(name, []).extend((record.key, record.value) for record in records)
    finally:
        consumer.close()
    return found


@pytest.mark.usefixtures("quiet")
def test_each_event_goes_to_the_topic_of_its_type_byte_for_byte(
    own_settings: Settings, tmp_path: Path
) -> None:
    """Valid lines arrive unchanged, blanks and unknown fields included, under the customer.

    A bad one is reported and costs only itself.
    """
    lines = {
        topic: json.dumps(
            {**event, **COMMON, "unknown": "é"}, indent=None, separators=(" , ", " : ")
        )
        for topic, event in EVENTS.items()
    }
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join([*lines.values(), "{}"]), encoding="utf-8")
    result = CliRunner().invoke(main, ["push", str(path)], env=to_environment(own_settings))
    assert result.exit_code == 1, result.stderr
    assert result.stderr.splitlines()[0].startswith(f"{path}:6: missing_field")
    assert result.stderr.splitlines()[1].startswith("5 events delivered, 1 line failed")
    assert messages(own_settings, 5) == {
        topic: [(b"c-1", line.encode())] for topic, line in lines.items()
    }


@pytest.mark.usefixtures("quiet")
def test_missing_topics_end_the_command(broker: str, topic_prefix: str, tmp_path: Path) -> None:
    """Exit code 2 and the command that makes them."""
    path = tmp_path / "events.jsonl"
    path.write_text(json.dumps({**EVENTS["callbacks"], **COMMON}), encoding="utf-8")
    result = CliRunner().invoke(
        main,
        ["push", str(path)],
        env=to_environment(Settings(kafka_bootstrap=broker, topic_prefix=topic_prefix)),
    )
    assert (result.exit_code, "voc-stream init" in result.stderr) == (2, True), result.stderr


def test_python_example_of_the_documentation_works(
    own_settings: Settings, catalogue: Catalogue
) -> None:
    """The snippet that people copy sends a valid event, under its key."""
    (snippet,) = re.findall(
        r"```python\n(.*?)```", (HOWTO / "push.md").read_text(encoding="utf-8"), re.DOTALL
    )
    snippet = snippet.replace("127.0.0.1:9092", own_settings.kafka_bootstrap).replace(
        '"voc.', f'"{own_settings.topic_prefix}'
    )
    exec(snippet, {})
    ((key, value),) = messages(own_settings, 1)["touchpoints"]
    assert key == b"customer-1001"
    assert not isinstance(refusal := decode(value, datetime.now(UTC), catalogue), Refusal), refusal


def test_java_example_of_the_documentation_is_a_valid_event(catalogue: Catalogue) -> None:
    """At least its event is one; compiling it needs another machine."""
    (event,) = re.findall(
        r'String event = """\n(.*?)""";', (HOWTO / "push.md").read_text(encoding="utf-8"), re.DOTALL
    )
    assert not isinstance(
        refusal := decode(event.encode(), datetime.now(UTC), catalogue), Refusal
    ), refusal


def test_example_of_the_mapping_page_works(tmp_path: Path) -> None:
    """The export and the mapping that the page explains give the four events that it tells of."""
    page = (HOWTO / "map.md").read_text(encoding="utf-8")
    (tmp_path / "export.csv").write_text(
        re.findall(r"```csv\n(.*?)```", page, re.DOTALL)[0], encoding="utf-8"
    )
    (tmp_path / "my.toml").write_text(
        re.findall(r"```toml\n(.*?)```", page, re.DOTALL)[0], encoding="utf-8"
    )
    result = CliRunner().invoke(
        check, [str(tmp_path / "export.csv"), "--mapping", str(tmp_path / "my.toml")]
    )
    assert (result.exit_code, result.stderr.startswith("4 events valid, 0 lines failed")) == (
        0,
        True,
    ), result.stderr
