"""The receiver that Compose comes with: it shows what Alertmanager tells."""

from __future__ import annotations

import http.client
import json
import sys
from typing import TYPE_CHECKING

import pytest
from alerting.monitoring import Alertmanager
from deploy.test_alertmanager import ask
from deploy.tools import DEPLOY
from end_to_end.harness import wait_until

from voc_stream.embedded.processes.child import Child
from voc_stream.embedded.processes.tcp_ports import free_port, listens

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "a-token"
ALERT = {
    "status": "firing",
    "labels": {"alertname": "VocTest", "severity": "critical"},
    "annotations": {"summary": "it fell / 下降"},
}


class Receiver:
    """A running receiver."""

    def __init__(self, folder: Path) -> None:
        token = folder / "token"
        token.write_text(f"{TOKEN}\n")
        self.port = free_port()
        environment = {
            "WEBHOOK_TOKEN_FILE": str(token),
            "PORT": str(self.port),
            "SILENCE_SECONDS": "2",
            "PYTHONIOENCODING": "utf-8",
        }
        self.child = Child(
            "receiver",
            [sys.executable, str(DEPLOY / "alertmanager/receiver.py")],
            folder / "log",
            environment=environment,
        )
        wait_until(lambda: listens(self.child.pid, self.port), 20, self.child.log_tail)

    def post(self, path: str, body: bytes, token: str = TOKEN, length: str | None = None) -> int:
        """Status of a request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            headers = {
                "Authorization": f"Bearer {token}",
                "Content-Length": length or str(len(body)),
            }
            connection.request("POST", path, body, headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def shows(self, text: str) -> None:
        """Wait until it has shown that."""
        wait_until(
            lambda: text in self.child.log_path.read_text(encoding="utf-8"),
            30,
            lambda: f"{text!r} is shown:\n{self.child.log_tail()}",
        )


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    """A receiver that takes two seconds for a long silence."""
    running = Receiver(tmp_path)
    yield running
    running.child.stop(5)


def test_what_is_told_is_shown(receiver: Receiver) -> None:
    """One line an alert, with who is told; a name that holds codes of a terminal does no harm."""
    hostile = {**ALERT, "labels": {**ALERT["labels"], "alertname": "\x1b[2Jcleared"}}  # type: ignore[dict-item]  # one key is a text
    assert (
        receiver.post("/platform-on-call", json.dumps({"alerts": [ALERT, hostile]}).encode()) == 200
    )
    receiver.shows("firing  platform-on-call  critical  VocTest  it fell / 下降")
    receiver.shows("?[2Jcleared")


@pytest.mark.parametrize(
    ("body", "token", "length", "status"),
    [
        (b"{}", "another", None, 401),
        (b"{}", TOKEN, None, 400),
        (b"not JSON", TOKEN, None, 400),
        (b'{"alerts": [1]}', TOKEN, None, 400),
        (b"", TOKEN, "999999999", 413),
        (b"", TOKEN, "many", 411),
    ],
)
def test_what_is_no_message_of_alertmanager_is_refused(
    receiver: Receiver, body: bytes, token: str, length: str | None, status: int
) -> None:
    """Whoever does not know the token is turned away, and nothing ends the receiver."""
    assert receiver.post("/platform", body, token, length) == status
    assert receiver.post("/platform", json.dumps({"alerts": [ALERT]}).encode()) == 200


def test_a_silent_switch_is_noticed(receiver: Receiver) -> None:
    """The first sign of life is shown, the next ones are not, and their end is."""
    for _ in range(3):
        assert receiver.post("/dead-mans-switch", json.dumps({"alerts": [ALERT]}).encode()) == 200
    receiver.shows("NOBODY WATCHES")
    assert receiver.child.log_path.read_text(encoding="utf-8").count("are alive") == 1


@pytest.mark.deploy
def test_the_shipped_alertmanager_reaches_it(receiver: Receiver, tmp_path: Path) -> None:
    """By the shipped routes and with the token: a critical alert of the service, and the switch."""
    with Alertmanager(tmp_path, receiver.port, TOKEN) as alertmanager:
        labels = {"alertname": "VocWorkerDown", "kind": "service", "severity": "critical"}
        switch = {"alertname": "VocDeadMansSwitch", "kind": "watchdog", "severity": "none"}
        ask(
            f"http://127.0.0.1:{alertmanager.port}/api/v2/alerts",
            [{"labels": labels}, {"labels": switch}],
        )
        receiver.shows("firing  platform-on-call  critical  VocWorkerDown")
        receiver.shows("are alive")
