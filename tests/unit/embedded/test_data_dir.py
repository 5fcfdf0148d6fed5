from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from voc_stream.embedded.data_dir import locked, write_private
from voc_stream.errors import EmbeddedError

if TYPE_CHECKING:
    from pathlib import Path


def test_folder_is_made_and_held_by_one(tmp_path: Path) -> None:
    """Two of them on one folder would destroy each other's data.

    The message says who holds it and what to do.
    """
    folder = tmp_path / "new" / "data"
    with (
        locked(folder),
        pytest.raises(EmbeddedError, match=rf"process {os.getpid()}\).*--data-dir"),
        locked(folder),
    ):
        pass
    with locked(folder) as again:
        assert again == folder


def test_unusable_folder_names_the_option(tmp_path: Path) -> None:
    """A folder that cannot be made is an error that names the option."""
    (tmp_path / "file").touch()
    with (
        pytest.raises(EmbeddedError, match=r"--data-dir .*cannot be used"),
        locked(tmp_path / "file"),
    ):
        pass


def test_private_file_is_whole_and_for_its_user_alone(tmp_path: Path) -> None:
    """Also where one that all can read was there before."""
    path = tmp_path / "voc.toml"
    path.write_text("of an earlier version, and longer than the new one")
    path.chmod(0o644)
    write_private(path, "密码\n")
    assert path.read_text(encoding="utf-8") == "密码\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]
