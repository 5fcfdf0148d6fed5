"""Runs one child process: with its own log, with a deadline for its stop, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from voc_stream.embedded.processes import guard
from voc_stream.errors import EmbeddedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

LOG_TAIL_LINES = 12
LOG_BYTES = 10 * 1024 * 1024
POLL_SECONDS = 0.02


class Child:
    """A running program.

    It ends with its parent, even a killed one (Linux); a Ctrl-C in the terminal reaches only the
    parent. The kernel ties the child to the thread that starts it, so start it from one that lasts.

    Args:
        name: for messages.
        command: absolute path of the program and its arguments.
        log_path: file that receives its output, after what earlier starts left there. Only this
            user can read it. One that has grown beyond `LOG_BYTES` is kept as `….1`, in the place
            of the one before.
        environment: variables of the child; if absent, the parent's.
        stop_signal: asks the program for a clean end.
        user: system user to run as; only root can name one.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log_path: Path,
        *,
        environment: Mapping[str, str] | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        user: str | None = None,
    ) -> None:
        self.name = name
        self.log_path = log_path
        self._stop_signal = stop_signal
        launcher = [
            sys.executable,
            "-I",
            "-S",
            str(Path(guard.__file__)),
            str(os.getpid()),
            str(int(stop_signal)),
            user or "-",
        ]
        with _open_log(log_path) as log:
            log.write(
                f"--- {name} is started at {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC ---\n".encode()
            )
            log.flush()
            self._log_start = log.tell()
            self._process = subprocess.Popen(  # noqa: S603  the command is ours
                [*launcher, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """How it ended; None while it runs."""
        return self._process.poll()

    def log_tail(self) -> str:
        """The last lines that it wrote since it was started, for a message about its end."""
        return "\n".join(self.log_since_start().splitlines()[-LOG_TAIL_LINES:])

    def log_since_start(self) -> str:
        """All that it wrote since it was started."""
        with self.log_path.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def wait_until(self, is_ready: Callable[[], bool], timeout_seconds: float) -> None:
        """Wait until it serves.

        Raises EmbeddedError with its last words if it ends or takes too long.
        """
        deadline = time.monotonic() + timeout_seconds
        while not is_ready():
            code = self.exit_code()
            if code is not None:
                raise EmbeddedError(
                    f"{self.name} ended at once with code {code}; its last"
                    f" lines:\n{self.log_tail()}"
                )
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"{self.name} is not ready after {timeout_seconds:.0f} s; see {self.log_path}"
                )
            time.sleep(POLL_SECONDS)

    def stop(self, timeout_seconds: float) -> None:
        """Ask it to end, wait for that, and kill it if it does not listen.

        Safe to call twice.
        """
        if self._process.poll() is None:
            self._process.send_signal(self._stop_signal)
        try:
            self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _open_log(path: Path) -> BinaryIO:
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_name(f"{path.name}.1"))
    log = os.fdopen(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600), "ab")
    path.chmod(0o600)  # one of an earlier version may be open to all
    return log
