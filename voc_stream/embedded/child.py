"""One child process: started with its own log, stopped with a deadline, never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from voc_stream.embedded import guard

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LOG_TAIL_LINES = 12


class Child:
    """A running program. It ends with its parent, even a killed one (Linux); a Ctrl-C in the terminal reaches only the parent.

    The kernel ties the child to the thread that starts it, so start it from one that lasts.

    Args:
        name: for messages.
        command: absolute path of the program and its arguments.
        log_path: file that receives its output; what it held is replaced.
        environment: variables of the child; the parent's where absent.
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
        launcher = [sys.executable, "-I", "-S", str(Path(guard.__file__)), str(os.getpid()), str(int(stop_signal)), user or "-"]
        with log_path.open("wb") as log:
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
        """The last lines of its log, for a message about its end."""
        lines = self.log_path.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-LOG_TAIL_LINES:])

    def stop(self, timeout_seconds: float) -> None:
        """Ask it to end, wait for that, and kill it where it does not listen. Safe to call twice."""
        if self._process.poll() is None:
            self._process.send_signal(self._stop_signal)
        try:
            self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
