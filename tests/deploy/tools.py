"""Where the operators' own tools are, for tests that check what `deploy/` holds with them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
TIMEOUT_SECONDS = 120.0


def tool(name: str, reason: str) -> str:
    """Path of a program.

    The test is skipped where it is not installed, and `reason` says what is then not checked.
    """
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: {reason}")
    return found


def run(
    command: Sequence[str | Path], *, expect: int = 0, env: dict[str, str] | None = None
) -> str:
    """What a command prints on both outputs.

    Fails the test where it ends otherwise than expected.
    """
    done = subprocess.run(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=TIMEOUT_SECONDS,
        env=env,
    )
    assert done.returncode == expect, f"{command[0]} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def documents(text: str) -> list[dict[str, object]]:
    """The documents of a YAML text that are not empty."""
    return [each for each in yaml.safe_load_all(text) if each]


def values_of(tree: object, key: str) -> Iterator[object]:
    """Every value under that key, at any depth."""
    if isinstance(tree, dict):
        if key in tree:
            yield tree[key]
        for value in tree.values():
            yield from values_of(value, key)
    elif isinstance(tree, list):
        for value in tree:
            yield from values_of(value, key)
