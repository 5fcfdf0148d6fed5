"""Makes mistakes on purpose, one at a time, and tells which the unit tests notice: `make mutants`.

Each mutant runs in a copy of the project. First the tests of its module, then, where it
survives them, the other tests of its room that need no server. A sample of a fixed seed.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.machine import ROOT, commit
from mutants.mutations import mutant_of, places

from voc_stream.published.markdown import put_section, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mutants.mutations import Mutant

PAGE = ROOT / "docs" / "reference" / "testing.md"
SEED = 19
# Rooms that decide: what they do is all in their results. What moves data is tested by faults, not
# by mutants.
ROOMS = (
    "domain",
    "events",
    "alerts",
    "importing",
    "monitoring",
    "catalogue",
    "settings.py",
    "kafka/positions/batches.py",
    "kafka/worker/pace.py",
    "kafka/life/watchdog.py",
)
TIMEOUT_SECONDS = 300.0


class Fate(NamedTuple):
    """A mutant of a module, and whether a test noticed it."""

    module: str
    mutant: Mutant
    is_killed: bool


def main() -> None:
    """Run the sample, and print what survived.

    On request, write the score of each room.
    """
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--sample", type=int, default=300, help="how many mutants, of all")
    parser.add_argument(
        "--only", default="", help="of modules whose path begins so, such as alerts/detection"
    )
    parser.add_argument(
        "--write", action="store_true", help=f"write the table into {PAGE.relative_to(ROOT)}"
    )
    options = parser.parse_args()
    sources = {
        module: (ROOT / "voc_stream" / module).read_text(encoding="utf-8")
        for module in modules(options.only)
    }
    everything = [
        (module, number) for module, source in sources.items() for number in range(places(source))
    ]
    chosen = random.Random(SEED).sample(everything, min(options.sample, len(everything)))
    print(f"{len(chosen)} of {len(everything)} mutants, seed {SEED}", flush=True)
    fates = list(judge([(module, mutant_of(sources[module], number)) for module, number in chosen]))
    for fate in fates:
        if not fate.is_killed:
            print(
                f"SURVIVED voc_stream/{fate.module}:{fate.mutant.line} {fate.mutant.kind} (number"
                f" {fate.mutant.number})"
            )
    text = scores(fates, len(everything))
    print(text)
    if options.write:
        put_section(PAGE, "mutants", text)


def modules(prefix: str) -> list[str]:
    """Paths below the package of the modules that are mutated."""
    package = ROOT / "voc_stream"
    found = [
        path
        for room in ROOMS
        for path in (
            [package / room] if room.endswith(".py") else sorted((package / room).rglob("*.py"))
        )
    ]
    return [name for path in found if (name := str(path.relative_to(package))).startswith(prefix)]


def judge(chosen: Sequence[tuple[str, Mutant]]) -> Iterator[Fate]:
    """Each mutant's fate, as it is known; as many at a time as there are processors."""
    with (
        tempfile.TemporaryDirectory(prefix="voc-mutants-") as folder,
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        free: Queue[Path] = Queue()
        for number in range(os.cpu_count() or 1):
            copy = Path(folder) / str(number)
            for part in ("voc_stream", "tests", "schemas", "docs", "deploy"):
                shutil.copytree(
                    ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__")
                )
            for name in ("pyproject.toml", "README.md"):
                shutil.copy(ROOT / name, copy / name)
            free.put(copy)
        started = time.monotonic()
        for count, fate in enumerate(pool.map(lambda each: _fate(free, *each), chosen), 1):
            if count % 25 == 0:
                print(
                    f"{count} of {len(chosen)} after {time.monotonic() - started:.0f} s", flush=True
                )
            yield fate


def _fate(free: Queue[Path], module: str, mutant: Mutant) -> Fate:
    copy = free.get()
    path = copy / "voc_stream" / module
    original = path.read_text(encoding="utf-8")
    path.write_text(mutant.source, encoding="utf-8")
    try:
        is_killed = any(not _passes(copy, tests) for tests in _tests(copy, module))
    finally:
        path.write_text(original, encoding="utf-8")
        free.put(copy)
    return Fate(module, mutant, is_killed)


def _tests(copy: Path, module: str) -> Iterator[list[str]]:
    """The tests of a module, with its own examples; then those of its room."""
    unit, path = copy / "tests" / "unit", Path(module)
    own_tests = unit / path.with_name(f"test_{path.name}")
    yield [*([str(own_tests)] if own_tests.exists() else []), str(copy / "voc_stream" / module)]
    room = unit / path.parts[0]
    yield [str(room if room.is_dir() else unit), "--deselect", str(own_tests)]


def _passes(copy: Path, tests: Sequence[str]) -> bool:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        "-m",
        "not postgres and not broker and not slow",
        *tests,
    ]
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command,
            cwd=copy,
            env=environment,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False  # a mutant that never ends is noticed
    if done.returncode not in {0, 1, 2, 5}:
        raise RuntimeError(f"pytest could not run: {done.stdout.decode()[-2000:]}")
    return done.returncode in {0, 5}


def scores(fates: Sequence[Fate], everything: int) -> str:
    """How many of each room, and of each kind, were noticed."""
    lines = []
    for title, key in (
        ("room", lambda fate: _room(fate.module)),
        ("kind of mistake", lambda fate: fate.mutant.kind),
    ):
        made, killed = (
            Counter(map(key, fates)),
            Counter(key(fate) for fate in fates if fate.is_killed),
        )
        rows = [
            [name, str(made[name]), f"{100 * killed[name] / made[name]:.0f} %"]
            for name in sorted(made)
        ]
        lines.append(table([title, "mutants", "noticed"], rows))
    total = sum(fate.is_killed for fate in fates)
    share = f"{total} of {len(fates)} ({100 * total / max(1, len(fates)):.0f} %)"
    return "\n\n".join(
        [
            *lines,
            f"{share}, a sample of {everything} with seed {SEED}: `make mutants` at {commit()}.",
        ]
    )


def _room(module: str) -> str:
    parts = Path(module).parts
    return "/".join(parts[: 2 if len(parts) > 2 else 1])


if __name__ == "__main__":
    main()
