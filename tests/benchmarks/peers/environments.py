"""Where the peers live.

One virtual environment or folder of jars for each, in the user's cache folder, made once and kept.

A name is made of what is installed, so a changed pin makes a new one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

INSTALL_TIMEOUT_SECONDS = 900.0
REASON_CHARACTERS = 600


class NotInstalledError(Exception):
    """A peer cannot be installed here; the message holds the tool's last words."""


def virtual_environment(name: str, packages: Sequence[str] = (), lock: Path | None = None) -> Path:
    """The interpreter of an environment that has exactly pinned packages.

    They are named, or stand in a lock file with their hashes. Raises NotInstalledError.
    """
    wanted = [*packages] if lock is None else ["--require-hashes", "--requirement", str(lock)]
    contents = [*packages] if lock is None else [lock.read_text()]

    def fill(folder: Path) -> None:
        _run([sys.executable, "-m", "venv", str(folder)])
        _run(
            [
                str(folder / "bin" / "python"),
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                *wanted,
            ]
        )

    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    # Programs of an environment hold its path, so it is filled where it stays.
    return _made(name, "\n".join([version, *contents]), fill, in_place=True) / "bin" / "python"


def jars(name: str, pom: Path) -> Path:
    """A folder with the dependencies of a Maven project. Raises NotInstalledError."""

    def fill(folder: Path) -> None:
        _run(
            [
                _program("mvn"),
                "-q",
                "-B",
                "-f",
                str(pom),
                "dependency:copy-dependencies",
                f"-DoutputDirectory={folder}",
            ]
        )

    return _made(name, pom.read_text(), fill)


def compiled(name: str, sources: Sequence[Path], jars_folder: Path) -> Path:
    """A folder with the classes of Java sources. Raises NotInstalledError."""

    def fill(folder: Path) -> None:
        _run([_program("javac"), "-cp", f"{jars_folder}/*", "-d", str(folder), *map(str, sources)])

    return _made(
        name, "\n".join([str(jars_folder), *(source.read_text() for source in sources)]), fill
    )


def _made(
    name: str, contents: str, fill: Callable[[Path], None], *, in_place: bool = False
) -> Path:
    """The folder of that name and contents; `fill` makes it where it is not there."""
    cache = (
        Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "voc-stream" / "peers"
    )
    folder = cache / f"{name}-{hashlib.sha256(contents.encode()).hexdigest()[:8]}"
    done = folder / "complete"
    if done.exists():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    if in_place:
        shutil.rmtree(folder, ignore_errors=True)
        fill(folder)
        done.touch()
        return folder
    with tempfile.TemporaryDirectory(dir=cache, prefix="unfinished-") as unfinished:
        made = Path(unfinished) / "made"
        made.mkdir()
        fill(made)
        (made / "complete").touch()
        with suppress(OSError):  # another run was faster
            made.rename(folder)
    return folder


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise NotInstalledError(f"`{name}` is not installed")
    return path


def _run(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise NotInstalledError(
            f"{command[0]} did not end within {INSTALL_TIMEOUT_SECONDS:.0f} s"
        ) from error
    if done.returncode != 0:
        raise NotInstalledError(
            f"{Path(command[0]).name} failed:"
            f" {(done.stderr.strip() or done.stdout.strip())[-REASON_CHARACTERS:]}"
        )
