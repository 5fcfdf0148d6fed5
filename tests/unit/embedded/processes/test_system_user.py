from __future__ import annotations

import os
from typing import TYPE_CHECKING

from voc_stream.embedded.processes import system_user

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_ordinary_user_changes_nothing(tmp_path: Path) -> None:
    """Without root no other user is involved and no permission is touched."""
    tmp_path.chmod(0o700)
    (tmp_path / "program").touch(mode=0o700)
    system_user.let_read(tmp_path, None)
    system_user.give_folder(tmp_path, None)
    assert (mode(tmp_path), mode(tmp_path / "program")) == (0o700, 0o700)


def test_programs_become_readable_but_no_more_than_for_their_owner(tmp_path: Path) -> None:
    """As root with a strict file mask.

    Others may read and run what the owner may, write nothing, and not list the folders above.
    """
    folder = tmp_path / "closed" / "bin"
    folder.mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    folder.chmod(0o700)
    (folder / "program").touch(mode=0o700)
    (folder / "library").touch(mode=0o600)
    system_user.let_read(folder, "somebody")
    assert mode(folder / "program") == 0o705
    assert mode(folder / "library") == 0o604
    assert mode(folder) == 0o705
    assert mode(tmp_path / "closed") == 0o701


def test_root_is_given_a_user_and_others_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only root needs another user, because PostgreSQL refuses to run as root."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert system_user.server_user() is None
