"""The snippets of docs/howto/push.md, each run as it stands against what it names.

Only the address and the topics are those of the test.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kafka import KafkaConsumer

from voc_stream.kafka.topics import ensure_topics, input_topics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voc_stream.settings import Settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "howto" / "push.md").read_text(encoding="utf-8")
MAPPING_PAGE = (ROOT / "docs" / "howto" / "map.md").read_text(encoding="utf-8")
EXAMPLES = ROOT / "schemas" / "examples"
TIMEOUT_SECONDS = 60
SERVED_LIBRDKAFKA = (2, 3)


def snippets(page: str, language: str) -> list[str]:
    """The blocks of a language, in the order of the page."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)


def of_the_test(snippet: str, settings: Settings) -> str:
    """The snippet with the test's broker and topics in the place of the usual ones."""
    assert "127.0.0.1:9092" in snippet
    snippet = snippet.replace("127.0.0.1:9092", settings.kafka_bootstrap)
    return re.sub(r"\bvoc\.(?=touchpoints|complaints)", settings.topic_prefix, snippet)


def examples(event_type: str) -> list[dict[str, object]]:
    return [
        json.loads(path.read_bytes())
        for path in sorted((EXAMPLES / event_type / "valid").glob("*.json"))
    ]


def lines_of(events: list[dict[str, object]]) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def run(
    command: list[str], folder: Path, variables: Mapping[str, str], seconds: float = TIMEOUT_SECONDS
) -> str:
    """Output of a command in a folder, which must succeed."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    usual = {name: value for name, value in os.environ.items() if not name.startswith("VOC_")}
    environment = usual | {"PATH": path} | dict(variables)
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, f"code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def arrived(settings: Settings) -> list[tuple[str, dict[str, object]]]:
    """Key and event of all messages; each must be a valid event with its customer as the key."""
    limits = {
        "auto_offset_reset": "earliest",
        "enable_auto_commit": False,
        "consumer_timeout_ms": 1000,
    }
    consumer = KafkaConsumer(
        *input_topics(settings.topic_prefix), bootstrap_servers=settings.kafka_bootstrap, **limits
    )
    try:
        found = [(message.key.decode(), json.loads(message.value)) for message in consumer]
    finally:
        consumer.close()
    assert all(key == event["customer_id"] for key, event in found)
    return found


@pytest.fixture
def topics(settings: Settings) -> Settings:
    """Settings whose topics are there."""
    ensure_topics(settings)
    return settings


def test_the_page_has_a_snippet_of_each_kind() -> None:
    """What is added to the page is added to these tests."""
    languages = re.findall(r"^```(\w+)\n", PAGE, re.MULTILINE)
    assert languages == ["json", "sh", "python", "java", "sh", "text"]


def test_retraction_of_the_page_is_valid(tmp_path: Path) -> None:
    """One event, as it stands there over two lines."""
    [retraction] = snippets(PAGE, "json")
    check([json.loads(retraction)], tmp_path, 1)


def test_files_are_pushed_as_the_page_says(topics: Settings, tmp_path: Path) -> None:
    """JSON Lines, the same packed, and a CSV with its mapping, by the commands of the page."""
    events = lines_of([*examples("touchpoint"), *examples("complaint")])
    (tmp_path / "events.jsonl").write_bytes(events)
    (tmp_path / "events.jsonl.gz").write_bytes(gzip.compress(events))
    [csv] = snippets(MAPPING_PAGE, "csv")[:1]
    [mapping] = snippets(MAPPING_PAGE, "toml")[:1]
    (tmp_path / "export.csv").write_text(csv)
    (tmp_path / "my.toml").write_text(mapping)
    files = of_the_test(snippets(PAGE, "sh")[0], topics)
    run(
        ["bash", "-euo", "pipefail", "-c", files],
        tmp_path,
        {"VOC_TOPIC_PREFIX": topics.topic_prefix},
    )
    ids = [str(event["event_id"]) for _, event in arrived(topics)]
    assert {str(json.loads(line)["event_id"]) for line in events.splitlines()} <= set(ids)
    assert "T-17-opened" in ids


def test_python_snippet_sends_its_event(topics: Settings, tmp_path: Path) -> None:
    """With kafka-python, as it stands."""
    (tmp_path / "send.py").write_text(of_the_test(snippets(PAGE, "python")[0], topics))
    run([sys.executable, "send.py"], tmp_path, {})
    check([event for _, event in arrived(topics)], tmp_path, 1)


@pytest.mark.kafka
def test_java_snippet_sends_its_event(
    topics: Settings, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """With Apache Kafka's own client, compiled by Java itself."""
    from apache_kafka import install_kafka, java

    if request.config.getoption("--broker") != "apache":
        pytest.skip(
            "the trial's broker does not serve this version of the Java client: see the page"
        )
    if shutil.which("javac") is None:
        pytest.skip("compiling the snippet needs a Java compiler (Debian: openjdk-17-jdk-headless)")
    (tmp_path / "SendEvent.java").write_text(of_the_test(snippets(PAGE, "java")[0], topics))
    run([java(), "-cp", f"{install_kafka()}/*", "SendEvent.java"], tmp_path, {})
    check([event for _, event in arrived(topics)], tmp_path, 1)


@pytest.mark.kafka
def test_kcat_snippet_sends_its_events(
    topics: Settings, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Key and event of each line; on the trial's broker as the page says of its librdkafka."""
    for program in ("kcat", "jq"):
        if shutil.which(program) is None:
            pytest.skip(f"`{program}` is not installed")
    events = examples("touchpoint")
    (tmp_path / "touchpoints.jsonl").write_bytes(lines_of(events))
    snippet = ["bash", "-euo", "pipefail", "-c", of_the_test(snippets(PAGE, "sh")[1], topics)]
    if request.config.getoption("--broker") != "apache" and librdkafka() < SERVED_LIBRDKAFKA:
        with pytest.raises(AssertionError, match="ApiVersionRequest failed"):
            run(snippet, tmp_path, {})
        return
    run(snippet, tmp_path, {})
    check([event for _, event in arrived(topics)], tmp_path, len(events))


def check(events: list[dict[str, object]], folder: Path, wanted: int) -> None:
    """They are so many, and `voc-stream check` finds nothing wrong with them."""
    assert len(events) == wanted
    (folder / "arrived.jsonl").write_bytes(lines_of(events))
    run([sys.executable, "-m", "voc_stream", "check", "arrived.jsonl"], folder, {})


def librdkafka() -> tuple[int, ...]:
    """Version of the library that kcat uses."""
    shown = subprocess.run(["kcat", "-V"], capture_output=True, text=True, check=True)
    found = re.search(r"librdkafka (\d+)\.(\d+)", shown.stdout + shown.stderr)
    assert found is not None
    return tuple(map(int, found.groups()))
