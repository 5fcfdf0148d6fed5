"""The pages of the documentation name only what exists: paths, commands, settings and metrics."""

from __future__ import annotations

import pkgutil
import re
import shlex
from dataclasses import fields
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click
import pytest
from documentation import DOCS, PAGES, ROOT, code_spans, command_lines, name, read

from voc_stream.cli import main
from voc_stream.published.metrics_page import labels_of_metrics
from voc_stream.settings import SECRETS, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# What a changelog tells of may be gone since.
TODAY = [page for page in PAGES if page.name != "CHANGELOG.md"]
ROOMS = frozenset({"voc_stream", "docs", "tests", "deploy", "schemas", "requirements"})
# What an operator makes, or a tool for him.
MADE_BY_OPERATORS = ("deploy/secrets", "deploy/.env")
NOT_METRICS = frozenset(
    {"voc_stream", "voc_owner", "voc_writer", "voc_bi", "voc_monitor", "voc_restored"}
)


@pytest.mark.parametrize("page", TODAY, ids=name)
def test_every_path_exists(page: Path) -> None:
    """Each file or folder that a page names is in the repository."""
    assert [path for path in paths(read(page)) if not exists(path)] == []


def test_every_page_that_code_names_exists() -> None:
    """An error, a comment or a setting that sends people to a page finds it."""
    files = [path for room in (*ROOMS, ".ci") for path in (ROOT / room).rglob("*") if is_text(path)]
    named = {
        (path, page) for path in files for page in re.findall(r"\bdocs/[\w./-]+\.md", read(path))
    }
    assert len(named) > 10
    assert sorted(f"{name(path)}: {page}" for path, page in named if not exists(page)) == []


@pytest.mark.parametrize("page", TODAY, ids=name)
def test_every_module_exists(page: Path) -> None:
    """Each dotted name of the package leads to a module, or to a name in one."""
    named = re.findall(r"(?<![\w./])voc_stream(?:\.[A-Za-z_]\w*)+", read(page))
    assert [dotted for dotted in named if not is_importable(dotted)] == []


@pytest.mark.parametrize("page", TODAY, ids=name)
def test_every_command_exists(page: Path) -> None:
    """Each command that a page shows can be typed as it stands: its name and its options."""
    wrong = [line for line in command_lines(read(page)) if not all(map(is_known, parts(line)))]
    assert wrong == []


@pytest.mark.parametrize("page", TODAY, ids=name)
def test_every_setting_exists(page: Path) -> None:
    """Each setting that a page names is one that the program knows."""
    known = {
        f"VOC_{setting}".upper()
        for setting in (
            *(field.name for field in fields(Settings)),
            *(f"{secret}_file" for secret in SECRETS),
            "config",
        )
    }
    named = set(re.findall(r"\bVOC_(?!TEST_|CHAOS_)[A-Z_]*[A-Z]", read(page)))
    assert named <= known


@pytest.mark.parametrize("page", sorted((DOCS / "howto").glob("*.md")), ids=name)
def test_every_metric_exists(page: Path) -> None:
    """Whoever looks for a metric of the page in Prometheus finds it."""
    named = set(re.findall(r"(?<![\w.])voc_[a-z_]+(?![\w./])", read(page))) - NOT_METRICS
    assert named <= labels_of_metrics().keys()


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("`voc_stream/cli/up.py` and `docs/*.md`", []),
        ("`voc_stream/attic.py`", ["voc_stream/attic.py"]),
        ("`deploy/secrets/webhook_token`", []),
    ],
)
def test_wrong_paths_are_caught(text: str, wrong: list[str]) -> None:
    """The rule above is really enforced."""
    assert [path for path in paths(text) if not exists(path)] == wrong


@pytest.mark.parametrize(
    ("dotted", "is_right"),
    [
        ("voc_stream.cli.up", True),
        ("voc_stream.settings.Settings", True),
        ("voc_stream.attic", False),
        ("voc_stream.domain.attic", False),
        ("voc_stream.settings.attic", False),
    ],
)
def test_wrong_modules_are_caught(dotted: str, is_right: bool) -> None:
    """The rule above is really enforced."""
    assert is_importable(dotted) is is_right


@pytest.mark.parametrize(
    ("line", "is_right"),
    [
        ("make run ARGS='--rate 200'", True),
        ("make coffee", False),
        ("voc-stream push events.jsonl", True),
        (".venv/bin/voc-stream dead-letters show 7 --raw", True),
        ("zcat x.gz | voc-stream push --no-such-option -", False),
        ("voc-stream brew", False),
        ("voc-stream dead-letters brew", False),
        ("python -m voc_stream.published.write .", True),
        ("python -m voc_stream.published.attic", False),
    ],
)
def test_wrong_commands_are_caught(line: str, is_right: bool) -> None:
    """The rule above is really enforced."""
    assert all(map(is_known, parts(line))) is is_right


def paths(text: str) -> Iterator[str]:
    """The code spans that are paths of this repository."""
    for span in code_spans(text):
        if re.fullmatch(r"[\w.*-]+(/[\w.*-]*)+", span) and span.partition("/")[0] in ROOMS:
            yield span


def is_text(path: Path) -> bool:
    """Whether the file is one in which people are sent to pages."""
    return path.is_file() and (path.suffix in {".py", ".toml", ".yaml"} or path.name == "run")


def exists(path: str) -> bool:
    """Whether the repository has it; `*` stands for any name."""
    if path.startswith(MADE_BY_OPERATORS):
        return True
    return any(ROOT.glob(path.rstrip("/")))


def is_importable(dotted: str) -> bool:
    """Whether it is a module, or a name that a module has."""
    try:
        pkgutil.resolve_name(dotted)
    except (ImportError, AttributeError):
        return False
    return True


def parts(line: str) -> Iterator[list[str]]:
    """The words of each command of a line."""
    try:
        words = shlex.split(line)
    except ValueError:
        return
    command: list[str] = []
    for word in [*words, ";"]:
        if word in {"|", "&&", "||", ";"}:
            yield command
            command = []
        else:
            command.append(word)


def is_known(words: list[str]) -> bool:
    """Whether a command is none of ours, or one that can be typed."""
    while words and re.match(r"[A-Z_]+=", words[0]):
        words = words[1:]
    program, *arguments = words or [""]
    if program == "make":
        return {word for word in arguments if re.fullmatch(r"[a-z][a-z-]*", word)} <= targets()
    if program.rpartition("/")[2] == "voc-stream":
        return is_command(main, arguments)
    if program.rpartition("/")[2] == "python" and arguments[:1] == ["-m"]:
        module = arguments[1]
        return not module.startswith("voc_stream") or find_spec(module) is not None
    return True


def is_command(command: click.Command, arguments: list[str]) -> bool:
    """Whether the words after a command are subcommands and options that it has."""
    context = click.Context(command)
    options = {option for each in command.get_params(context) for option in all_names(each)}
    if isinstance(command, click.Group):
        if not arguments:
            return True
        if arguments[0].startswith("-"):
            return arguments[0] in options
        inner = command.get_command(context, arguments[0])
        return inner is not None and is_command(inner, arguments[1:])
    return {word.partition("=")[0] for word in arguments if word.startswith("--")} <= options


def all_names(parameter: click.Parameter) -> list[str]:
    """The spellings of an option."""
    return [*parameter.opts, *parameter.secondary_opts]


@cache
def targets() -> set[str]:
    """The targets of the Makefile that a person may ask for."""
    return set(re.findall(r"^([a-z-]+):", read(ROOT / "Makefile"), re.MULTILINE))
