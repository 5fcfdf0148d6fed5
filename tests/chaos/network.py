"""A network of its own for one worker.

A namespace joined to this machine by a cable that can be pulled. Linux, root.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Self

HOST = "10.203.113.1"
INSIDE = "10.203.113.2"


class NoNetworkError(Exception):
    """Namespaces cannot be made here; the message says why."""


class Namespace:
    """The worker inside reaches this machine at HOST, and nothing else. Raises NoNetworkError."""

    def __init__(self) -> None:
        program = shutil.which("ip")
        if program is None or os.geteuid() != 0:
            raise NoNetworkError("network namespaces need the program `ip` and root")
        self._ip = program
        self.name = f"voc-chaos-{os.getpid()}"
        self._cable = f"voc{os.getpid() % 10**7}"
        try:
            self._run("netns", "add", self.name)
            self._run(
                "link",
                "add",
                self._cable,
                "type",
                "veth",
                "peer",
                "name",
                "eth0",
                "netns",
                self.name,
            )
            self._run("addr", "add", f"{HOST}/30", "dev", self._cable)
            self._run("link", "set", self._cable, "up")
            for words in (
                ("addr", "add", f"{INSIDE}/30", "dev", "eth0"),
                ("link", "set", "eth0", "up"),
                ("link", "set", "lo", "up"),
            ):
                self._run("-n", self.name, *words)
        except NoNetworkError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def prefix(self) -> list[str]:
        """The command that runs another one inside."""
        return [self._ip, "netns", "exec", self.name]

    def pull_cable(self) -> None:
        """Nothing arrives any more, and nobody is told."""
        self._run("link", "set", self._cable, "down")

    def plug_in(self) -> None:
        """The network is back."""
        self._run("link", "set", self._cable, "up")

    def close(self) -> None:
        """Remove it; the cable goes with its end inside."""
        subprocess.run([self._ip, "netns", "delete", self.name], capture_output=True, check=False)
        subprocess.run([self._ip, "link", "delete", self._cable], capture_output=True, check=False)

    def _run(self, *words: str) -> None:
        done = subprocess.run([self._ip, *words], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NoNetworkError(f"ip {' '.join(words)}: {done.stderr.strip()}")
