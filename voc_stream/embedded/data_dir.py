"""Holds the folder in which `up` keeps everything; one `up` at a time uses it."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from voc_stream.errors import EmbeddedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def locked(data_dir: Path) -> Iterator[Path]:
    """Make the folder if it is missing, and hold it.

    The lock goes with the process, in whatever way that ends.

    Raises:
        EmbeddedError: another process holds it, or it cannot be written.
    """
    path = data_dir / "up.lock"
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        file = path.open("a+")
    except OSError as error:
        raise EmbeddedError(
            f"--data-dir {data_dir} cannot be used: {error.strerror}; name another folder"
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            holder = file.read().strip() or "another one"
            raise EmbeddedError(
                f"voc-stream up already runs on {data_dir} (process {holder}); stop it, or name"
                f" another folder with --data-dir"
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield data_dir.resolve()


def write_private(path: Path, text: str) -> None:
    """Write a file that only this user can read, whole or not at all.

    It replaces the file that was there.
    """
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(
        os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(text)
    unfinished.replace(path)
