"""On what was measured, in one line for the tables, and at which commit."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

import psutil

from voc_stream.embedded.postgres import _programs

ROOT = Path(__file__).parents[2]
COMMAND_SECONDS = 20.0


def describe(broker: str) -> str:
    """The machine in one line.

    Args:
        broker: what ran as the broker, for example `Apache Kafka 4.3.1`.
    """
    processors = f"{psutil.cpu_count()} processors ({processor_model()})"
    memory = f"{psutil.virtual_memory().total / 2**30:.0f} GiB"
    system = f"{platform.system()} {platform.release()}"
    return (
        f"{processors}, {memory}, {system}, Python {platform.python_version()},"
        f" {postgres_version()}, {broker}"
    )


def processor_model(path: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's name where the system tells it, else its kind."""
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def postgres_version() -> str:
    """Such as `PostgreSQL 18.1`. Raises EmbeddedError if it is not installed."""
    return (
        _output([str(_programs() / "postgres"), "--version"])
        .replace(" (PostgreSQL)", "")
        .replace("postgres ", "PostgreSQL ")
    )


def commit() -> str:
    """The commit that last changed what is measured.

    With a plus where it was changed since, `unknown` outside a repository.
    """
    try:
        last = _output(["git", "log", "-1", "--format=%h", "--", "voc_stream"])
        changed = _output(["git", "status", "--porcelain", "--", "voc_stream"])
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{last}+" if changed else last


def _output(command: list[str]) -> str:
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=COMMAND_SECONDS
    ).stdout.strip()
