from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from voc_stream.embedded.broker import Broker
from voc_stream.embedded.processes.tcp_ports import answers, choose_port, free_port, listens
from voc_stream.errors import EmbeddedError

if TYPE_CHECKING:
    from pathlib import Path


def test_broker_speaks_kafka(broker: str) -> None:
    """A Kafka client finds the embedded broker at the address it advertises."""
    from kafka import KafkaAdminClient

    client = KafkaAdminClient(bootstrap_servers=broker)
    try:
        assert [
            f"{node['host']}:{node['port']}" for node in client.describe_cluster()["brokers"]
        ] == [broker]
    finally:
        client.close()


@pytest.mark.broker
def test_stop_frees_the_port_and_can_be_repeated(tmp_path: Path) -> None:
    """A stopped broker is gone, and stopping it again is no error."""
    broker = Broker(tmp_path, free_port())
    assert answers(broker.port)
    broker.stop()
    broker.stop()
    assert not answers(broker.port)


@pytest.mark.broker
def test_taken_port_is_not_mistaken_for_the_broker(tmp_path: Path) -> None:
    """If another program answers on the port, the start fails and shows the broker's reason."""
    with (
        socket.create_server(("127.0.0.1", 0)) as stranger,
        pytest.raises(EmbeddedError, match=r"ended at once(.|\n)*in use"),
    ):
        Broker(tmp_path, stranger.getsockname()[1])


def test_stranger_that_answers_is_not_ours(tmp_path: Path) -> None:
    """A program that holds the port is not taken for ours.

    It may hold the port before ours has started, or while it starts.
    """
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        assert listens(os.getpid(), port)
        with subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, cwd=tmp_path
        ) as ours:
            assert answers(port)
            assert not listens(ours.pid, port)
            ours.communicate(b"\n")
        assert not listens(ours.pid, port)
    assert not listens(os.getpid(), port)


def test_port_asked_for_must_be_free() -> None:
    """A port that the user named is never replaced silently; the message names the option."""
    with (
        socket.create_server(("127.0.0.1", 0)) as stranger,
        pytest.raises(EmbeddedError, match=r"--kafka-port \d+: another program"),
    ):
        choose_port(stranger.getsockname()[1], 9092, "--kafka-port")


def test_usual_port_gives_way() -> None:
    """Without an option the usual port is taken if it is free, and any other if it is not."""
    usual = free_port()
    assert choose_port(None, usual, "--kafka-port") == usual
    with socket.create_server(("127.0.0.1", usual)):
        assert choose_port(None, usual, "--kafka-port") != usual
    assert choose_port(0, usual, "--kafka-port") != usual
