"""Shows on standard output what Alertmanager tells, one line an alert.

For trials, and to see that alerts arrive.

Put a real receiver in its place before anybody relies on it. It needs nothing but Python. The token
that Alertmanager must show lies in the file that WEBHOOK_TOKEN_FILE names. It also listens for the
dead man's switch, and says when that has been silent.
"""

from __future__ import annotations

import hmac
import json
import os
import sys
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PORT = 8080
MAXIMUM_BYTES = 4 * 1024 * 1024
SWITCH = "dead-mans-switch"
SILENCE_SECONDS = float(os.environ.get("SILENCE_SECONDS", "300"))


class Switch:
    """When the dead man's switch was last heard. It says something only when that changes."""

    def __init__(self) -> None:
        self._heard_at = time.monotonic()
        self._is_silent = True
        self._lock = threading.Lock()

    def hear(self) -> None:
        """Prometheus and Alertmanager are alive."""
        with self._lock:
            self._heard_at = time.monotonic()
            if self._is_silent:
                say("Prometheus and Alertmanager are alive / Prometheus 与 Alertmanager 运行正常")
            self._is_silent = False

    def watch(self) -> None:
        """Say once when it has not been heard for too long."""
        while True:
            time.sleep(1)
            with self._lock:
                silent = time.monotonic() - self._heard_at
                if silent > SILENCE_SECONDS and not self._is_silent:
                    self._is_silent = True
                    say(
                        f"NOBODY WATCHES: nothing heard of Prometheus and Alertmanager for"
                        f" {silent:.0f} s / 无人值守"
                    )


class Handler(BaseHTTPRequestHandler):
    """One message of Alertmanager."""

    timeout = 10
    token = b""
    switch = Switch()

    def do_GET(self) -> None:
        """Whether it is there."""
        self._answer(HTTPStatus.OK if self.path == "/healthz" else HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        """Show the alerts of a message; its path is the receiver's name."""
        if not hmac.compare_digest(
            self.headers.get("Authorization", "").encode(), b"Bearer " + self.token
        ):
            self._answer(HTTPStatus.UNAUTHORIZED)
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAXIMUM_BYTES:
            self._answer(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE
                if length.isdecimal()
                else HTTPStatus.LENGTH_REQUIRED
            )
            return
        receiver = self.path.strip("/")
        try:
            lines = [
                line_of(receiver, alert)
                for alert in json.loads(self.rfile.read(int(length)))["alerts"]
            ]
        except (ValueError, KeyError, TypeError, AttributeError):
            self._answer(HTTPStatus.BAD_REQUEST)
            return
        if receiver == SWITCH:
            self.switch.hear()
        else:
            say("\n".join(lines))
        self._answer(HTTPStatus.OK)

    def _answer(self, status: HTTPStatus) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing of requests."""


def line_of(receiver: str, alert: dict[str, dict[str, str]]) -> str:
    """One alert for people.

    Site names and texts may hold anything: nothing of it may reach a terminal raw.
    """
    labels, annotations = alert["labels"], alert.get("annotations", {})
    words = [
        str(alert["status"]),
        receiver,
        labels.get("severity", "-"),
        labels["alertname"],
        annotations.get("summary", ""),
    ]
    return "  ".join(
        "".join(letter if letter.isprintable() else "?" for letter in word) for word in words
    )


def say(text: str) -> None:
    """A line with its time in UTC."""
    for line in text.splitlines():
        sys.stdout.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {line}\n")
    sys.stdout.flush()


def main() -> None:
    """Serve until it is ended."""
    Handler.token = Path(os.environ["WEBHOOK_TOKEN_FILE"]).read_bytes().strip()
    threading.Thread(target=Handler.switch.watch, daemon=True).start()
    everywhere = "0.0.0.0"  # noqa: S104  reached only inside the network of the containers
    with ThreadingHTTPServer((everywhere, int(os.environ.get("PORT", PORT))), Handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
