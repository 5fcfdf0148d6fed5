"""`up --broker apache`: the same on one machine, with a broker that forgets nothing."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from end_to_end.test_up import Up
from kafka import KafkaProducer
from kafka_worker import wait_until

from voc_stream.cli import main
from voc_stream.kafka.log_reader import read_log_ends
from voc_stream.settings import load_settings


@pytest.mark.slow
@pytest.mark.kafka
def test_apache_kafka_keeps_its_events_between_two_runs() -> None:
    """What was sent before the first one was killed is taken in by the second.

    The clients of the trial's broker need no warning.
    """
    from apache_kafka import install_kafka

    options = ("--broker", "apache", "--kafka-home", str(install_kafka()), "--no-simulate")
    with tempfile.TemporaryDirectory(prefix="voc-tests-") as name:
        folder = Path(name)
        with Up(folder, *options) as up:
            up.wait_for("For commands in another terminal")
            settings = load_settings({"VOC_CONFIG": str(folder / "voc.toml")})
            producer = KafkaProducer(
                bootstrap_servers=settings.kafka_bootstrap, enable_idempotence=True
            )
            producer.send("voc.customers", key=b"x", value=b"no event").get(20)
            producer.close()
            ends = dict(read_log_ends(settings))
            assert not any("does not serve" in line for line in up.seen)
            for child in up.children():
                child.kill()
        with Up(folder, *options, "--duration", "2") as up:
            up.wait_for("For commands in another terminal")
            again = load_settings({"VOC_CONFIG": str(folder / "voc.toml")})
            wait_until(
                lambda: dict(read_log_ends(again)) == ends, "the broker has kept what it was sent"
            )
            assert up.end() == 0, "\n".join(up.seen)


def test_apache_kafka_must_be_named_and_be_there(tmp_path: Path) -> None:
    """The message says what to do."""
    missing = CliRunner().invoke(
        main,
        ["up", "--broker", "apache", "--data-dir", str(tmp_path / "data")],
        env={"KAFKA_HOME": None},
    )
    assert (missing.exit_code, "--kafka-home" in missing.output) == (2, True)
    options = [
        "--broker",
        "apache",
        "--kafka-home",
        str(tmp_path),
        "--data-dir",
        str(tmp_path / "data"),
    ]
    empty = CliRunner().invoke(main, ["up", *options])
    assert (
        empty.exit_code,
        "there is no Apache Kafka" in empty.output or "needs Java" in empty.output,
    ) == (1, True)
