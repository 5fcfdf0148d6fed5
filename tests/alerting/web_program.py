"""A program that runs beside the service and answers on a web port of this machine."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any, Self

from end_to_end.harness import wait_until

from voc_stream.embedded.processes.child import Child
from voc_stream.embedded.processes.tcp_ports import LOOPBACK, listens

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

START_TIMEOUT_SECONDS = 30.0
STOP_TIMEOUT_SECONDS = 20.0
ANSWER_TIMEOUT_SECONDS = 10.0


class WebProgram:
    """A running program that says at /-/ready when it is.

    Args:
        name: for messages and its log.
        command: absolute path of the program and its arguments.
        port: of this machine, on which it listens.
        folder: for its log.
    """

    def __init__(self, name: str, command: Sequence[str], port: int, folder: Path) -> None:
        self.port = port
        self.child = Child(name, command, folder / f"{name}.log")
        try:
            wait_until(
                self._is_ready,
                START_TIMEOUT_SECONDS,
                lambda: f"{name} is ready:\n{self.child.log_tail()}",
            )
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End it."""
        self.child.stop(STOP_TIMEOUT_SECONDS)

    def ask(self, path: str, **parameters: str) -> Any:
        """The JSON that it answers."""
        url = f"http://{LOOPBACK}:{self.port}{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=ANSWER_TIMEOUT_SECONDS) as answer:
            return json.load(answer)

    def _is_ready(self) -> bool:
        assert self.child.exit_code() is None, (
            f"{self.child.name} ended with {self.child.exit_code()}:\n{self.child.log_tail()}"
        )
        if not listens(self.child.pid, self.port):
            return False
        try:
            with urllib.request.urlopen(
                f"http://{LOOPBACK}:{self.port}/-/ready", timeout=ANSWER_TIMEOUT_SECONDS
            ) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError as error:
            error.close()
            return False
        except OSError:
            return False
