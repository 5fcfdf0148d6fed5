from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from voc_stream.cli.check import command

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

GOOD: dict[str, Any] = {
    "event_id": "e-1",
    "type": "touchpoint",
    "occurred_at": "2024-05-01T10:00:00Z",
    "customer_id": "c-1",
    "site_id": "s-1",
    "experience": "overall",
    "score": 8,
}
MAPPING = """
[[event]]
type = "touchpoint"
occurred_at = "{time}"
customer_id = "{who}"
site_id = "s-1"
experience = "overall"
score = "{score}"
"""


def check(*arguments: str | Path, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments], input=stdin)


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "m.toml"
    path.write_text(MAPPING, encoding="utf-8")
    return path


def test_valid_lines_pass(tmp_path: Path) -> None:
    """A byte order mark, Windows line ends, empty lines and a missing last line end do no harm."""
    line = json.dumps(GOOD).encode()
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + line + b"\r\n\r\n\n" + line)
    result = check(path)
    assert (result.exit_code, result.stderr.startswith("2 events valid, 0 lines failed")) == (0, True)


def test_failing_lines_are_named_and_the_rest_go_on(tmp_path: Path) -> None:
    """Each bad line has its file, number and reason; the exit code is 1."""
    lines = [json.dumps(GOOD), "{", json.dumps({**GOOD, "score": 11}), json.dumps({**GOOD, "experience": "mood"}), json.dumps(GOOD)]
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    result = check(path)
    assert result.exit_code == 1
    first, second, third, total = result.stderr.splitlines()
    assert first.startswith(f"{path}:2: invalid_json:")
    assert second.startswith(f"{path}:3: out_of_range: score")
    assert third.startswith(f"{path}:4: unknown_item: experience")
    assert total.startswith("2 events valid, 3 lines failed")


def test_endless_line_is_one_problem(tmp_path: Path) -> None:
    """A line of megabytes is refused as too large, and the next one is read with its right number."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"text": "' + b"x" * 3_000_000 + b'"}\n{\n')
    result = check(path)
    first, second, _ = result.stderr.splitlines()
    assert first.startswith(f"{path}:1: too_large")
    assert second.startswith(f"{path}:2: invalid_json")


def test_many_problems_are_counted_rather_than_printed(tmp_path: Path) -> None:
    """A file that is wrong throughout does not flood the screen; the reasons are counted."""
    path = tmp_path / "events.jsonl"
    path.write_text("{\n" * 100 + "[]\n" * 50, encoding="utf-8")
    *shown, rest, total = check(path).stderr.splitlines()
    assert len(shown) == 20
    assert rest == "… and 130 more; in all 100 invalid_json, 50 wrong_type"
    assert total.startswith("0 events valid, 150 lines failed")


def test_standard_input_is_json_lines_or_csv_with_a_mapping(mapping: Path) -> None:
    """`-` reads what a pipe gives, in either form."""
    assert check("-", stdin=json.dumps(GOOD).encode()).exit_code == 0
    result = check("-", "--mapping", mapping, stdin=b"time,who,score\n2024-05-01,c-1,8\n2024-05-01,c-1,x\n")
    assert result.exit_code == 1
    assert "-:3: mapping: event[1].score: column 'score': 'x' is not a number" in result.stderr


def test_files_of_all_kinds_in_one_go(tmp_path: Path, mapping: Path) -> None:
    """CSV, packed CSV and XES take the mapping; JSON Lines beside them stay JSON Lines."""
    rows = b"time,who,score\n2024-05-01,c-1,8\n"
    event = '<string key="time" value="2024-05-01"/><string key="who" value="c-1"/><int key="score" value="8"/>'
    (tmp_path / "a.csv").write_bytes(rows)
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(rows))
    (tmp_path / "c.xes").write_text(f"<log><trace><event>{event}</event></trace></log>", encoding="utf-8")
    (tmp_path / "d.jsonl").write_text(json.dumps(GOOD), encoding="utf-8")
    result = check(*(tmp_path / name for name in ("a.csv", "b.csv.gz", "c.xes", "d.jsonl")), "--mapping", mapping)
    assert (result.exit_code, result.stderr.startswith("4 events valid, 0 lines failed")) == (0, True), result.stderr


def test_unreadable_file_does_not_stop_the_others(tmp_path: Path, mapping: Path) -> None:
    """A packed file that is cut off, or XML that is none, is one problem; the other files are read."""
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"time,who,score\n")[:-9])
    (tmp_path / "b.xes").write_text("<!DOCTYPE log><log/>", encoding="utf-8")
    (tmp_path / "c.csv").write_text("time,who,score\n2024-05-01,c-1,8\n", encoding="utf-8")
    result = check(*(tmp_path / name for name in ("a.csv.gz", "b.xes", "c.csv")), "--mapping", mapping)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[0].startswith(f"{tmp_path}/a.csv.gz: unreadable: cannot be read to its end")
    assert result.stderr.splitlines()[1].startswith(f"{tmp_path}/b.xes: unreadable: line 1: has a DOCTYPE")
    assert result.stderr.splitlines()[2].startswith("1 events valid, 2 lines failed")


@pytest.mark.parametrize(
    ("content", "message"),
    [("time,who\n1,2\n", "there is no column 'score'; the columns are time, who"), (None, "needs --mapping FILE.toml")],
)
def test_mapping_that_is_missing_or_does_not_fit_ends_the_command(tmp_path: Path, mapping: Path, content: str | None, message: str) -> None:
    """What concerns every row is said once, with exit code 2."""
    path = tmp_path / "a.csv"
    path.write_text(content or "", encoding="utf-8")
    result = check(path, "--mapping", mapping) if content else check(path)
    assert (result.exit_code, message in result.stderr) == (2, True), result.stderr
