from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from voc_stream.cli import main

if TYPE_CHECKING:
    from pathlib import Path

REPEATABLE = ["--seed", "1", "--start", "2025-03-01T08:00:00Z"]


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["simulate", *arguments])


def test_seed_and_start_make_the_file_repeatable(tmp_path: Path) -> None:
    """The same seed, start and options give a file with the same bytes."""
    files = [tmp_path / name for name in ("a.jsonl", "b.jsonl")]
    for file in files:
        assert _run("--out", str(file), "--count", "5000", *REPEATABLE).exit_code == 0
    assert files[0].read_bytes() == files[1].read_bytes()
    assert len(files[0].read_bytes().splitlines()) == 5000


def test_start_may_have_any_offset() -> None:
    """The same moment written with another offset gives the same bytes."""
    utc = _run("--out", "-", "--count", "50", *REPEATABLE)
    shanghai = _run(
        "--out", "-", "--count", "50", "--seed", "1", "--start", "2025-03-01T16:00:00+08:00"
    )
    assert utc.stdout == shanghai.stdout


def test_json_lines_hold_only_lines_of_text() -> None:
    """Broken messages that are no line of text are left out, the other broken ones are there."""
    result = _run("--out", "-", "--count", "3000", "--broken-share", "1", *REPEATABLE)
    lines = result.stdout_bytes.decode().split("\n")
    assert len(lines) == 3001
    assert all(lines[:-1])
    assert "broken:invalid_json" in result.stderr
    assert "broken:invalid_utf8" not in result.stderr
    assert "broken:empty" not in result.stderr


def test_no_broken_means_none() -> None:
    """With --no-broken every line is an event."""
    assert "broken" not in _run("--out", "-", "--count", "3000", "--no-broken", *REPEATABLE).stderr


def test_duration_zero_is_the_history_alone() -> None:
    """History only: the file ends by itself and holds about the events asked for.

    The early days come on top.
    """
    asked = ("--out", "-", "--duration", "0", "--history-events", "3000", *REPEATABLE)
    without = _run(*asked, "--early-days", "0")
    assert len(without.stdout.splitlines()) == pytest.approx(3000, rel=0.2)
    assert len(_run(*asked).stdout.splitlines()) == pytest.approx(13_000, rel=0.2)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--out", "-"], "--count or --duration"),
        (["--out", "-", "--mix", "benchmark"], "--count"),
        (["--start", "2025-03-01T08:00:00", "--out", "-"], "2025-03-01T08:00:00Z"),
        (["--start", "yesterday", "--out", "-"], "RFC 3339"),
        (["--decline-until", "60", "--out", "-"], "--decline-after, which is 60"),
    ],
)
def test_mistakes_are_explained(arguments: list[str], hint: str) -> None:
    """A wrong or missing option ends with code 2 and says what to write."""
    result = _run(*arguments)
    assert result.exit_code == 2
    assert hint in result.stderr


def test_a_decline_may_end() -> None:
    """With --decline-until everything is the same until that moment, and not after it."""
    for_ever, ends = [
        _run(
            "--out",
            "-",
            "--no-broken",
            "--duration",
            "150",
            "--decline-after",
            "0",
            *until,
            *REPEATABLE,
        ).stdout.splitlines()
        for until in ([], ["--decline-until", "20"])
    ]
    first = next(line for line, other in zip(ends, for_ever, strict=False) if line != other)
    assert json.loads(first)["occurred_at"] > "2025-03-01T08:00:20"


def test_benchmark_mix_has_as_many_lines_as_asked_for() -> None:
    """The benchmark mix comes through the same command."""
    assert (
        len(
            _run(
                "--out", "-", "--mix", "benchmark", "--count", "200", *REPEATABLE
            ).stdout.splitlines()
        )
        == 200
    )
