"""The tree of errors that people read, and what commands end with."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from voc_stream import cli, errors
from voc_stream.catalogue.load import CatalogueError
from voc_stream.importing.mapping import MappingError
from voc_stream.kafka.connection.ask import TopicsError
from voc_stream.kafka.push import PushError
from voc_stream.pipeline.ports import StoreUnavailableError
from voc_stream.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from voc_stream.errors import VocError

PACKAGE = Path(errors.__file__).parent
BRANCH = re.compile(r"^((?:│   |    )*)(?:├── |└── )(\w+)", re.MULTILINE)
INDENT = 4
WRONG_INPUT = 2


def test_the_tree_in_the_docstring_is_the_tree_of_the_code() -> None:
    """Who catches an error finds it in one place.

    No error for people stands outside the tree.
    """
    assert list(tree_of_docstring()) == list(tree_of_code("VocError", subclasses()))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SettingsError, WRONG_INPUT),
        (CatalogueError, WRONG_INPUT),
        (MappingError, WRONG_INPUT),
        (StoreUnavailableError, 1),
        (TopicsError, 1),
        (PushError, 1),
    ],
)
@pytest.mark.parametrize("name", ["status", "push"])
def test_an_error_for_people_ends_a_command_in_one_line(
    name: str, error: type[VocError], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback; the code says whose fault it was.

    Of `push` 1 says that a line failed, so all else is 2.
    """

    @click.command()
    def failing() -> None:
        raise error("what is wrong")

    monkeypatch.setattr(f"voc_stream.cli.{name}.command", failing)
    result = CliRunner().invoke(cli.main, [name])
    assert result.stderr == f"voc-stream {name}: what is wrong\n"
    assert result.exit_code == (WRONG_INPUT if name == "push" else code)


def tree_of_docstring() -> Iterator[tuple[int, str]]:
    """Depth and name of each error in the docstring, from top to bottom."""
    for branch in BRANCH.finditer(errors.__doc__ or ""):
        yield len(branch[1]) // INDENT, branch[2]


def tree_of_code(
    base: str, subclasses: Mapping[str, Sequence[str]], depth: int = 0
) -> Iterator[tuple[int, str]]:
    """Depth and name of each error below a base, by name."""
    for name in sorted(subclasses.get(base, ())):
        yield depth, name
        yield from tree_of_code(name, subclasses, depth + 1)


def subclasses() -> Mapping[str, Sequence[str]]:
    """The names of the classes below each class of the package, read from the sources."""
    found = defaultdict(list)
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                for base in node.bases:
                    if isinstance(base, ast.Name):
                        found[base.id].append(node.name)
    return found
