from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from voc_stream.embedded import EmbeddedError
from voc_stream.embedded.data_dir import locked

if TYPE_CHECKING:
    from pathlib import Path


def test_folder_is_made_and_held_by_one(tmp_path: Path) -> None:
    """Two of them on one folder would destroy each other's data; the message says who holds it and what to do."""
    folder = tmp_path / "new" / "data"
    with locked(folder), pytest.raises(EmbeddedError, match=rf"process {os.getpid()}\).*--data-dir"), locked(folder):
        pass
    with locked(folder) as again:
        assert again == folder


def test_unusable_folder_names_the_option(tmp_path: Path) -> None:
    """A folder that cannot be made is an error that names the option."""
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedError, match=r"--data-dir .*cannot be used"), locked(tmp_path / "file"):
        pass
