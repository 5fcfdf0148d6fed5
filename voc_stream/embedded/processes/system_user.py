"""Finds another system user if root starts PostgreSQL, which refuses to run as root.

It also lets that user reach the files.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from typing import TYPE_CHECKING

from voc_stream.errors import EmbeddedError

if TYPE_CHECKING:
    from pathlib import Path

NAME = "embedded_postgres"


def server_user() -> str | None:
    """The system user to run PostgreSQL as, created if it is missing.

    None if this process is not root. Raises EmbeddedError.
    """
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(NAME)
    except KeyError:
        _create()
    return NAME


def _create() -> None:
    command = ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", NAME]
    try:
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603  the command is ours
    except (OSError, subprocess.CalledProcessError) as error:
        raise EmbeddedError(
            f"PostgreSQL cannot run as root, and the system user {NAME} cannot be created"
            f" ({error}); run as another user"
        ) from error


def give_folder(folder: Path, user: str | None) -> None:
    """Make `user` the owner of an empty folder and let it be reached."""
    if user is not None:
        shutil.chown(folder, user, user)
        _let_through(folder)


def let_read(folder: Path, user: str | None) -> None:
    """Let other users read the programs in a folder, if a strict file mask kept them from it."""
    if user is None:
        return
    _let_through(folder)
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            mode = path.stat().st_mode
            # Whoever may be read by its owner, may be read by all; the same for running.
            _add_mode(path, (mode >> 6) & (stat.S_IROTH | stat.S_IXOTH))


def _let_through(folder: Path) -> None:
    """Let other users pass through the folders above, without being able to list them."""
    for parent in folder.resolve().parents:
        _add_mode(parent, stat.S_IXOTH)


def _add_mode(path: Path, bits: int) -> None:
    mode = path.stat().st_mode
    if mode & bits != bits:
        path.chmod(stat.S_IMODE(mode) | bits)
