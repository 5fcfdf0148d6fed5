from __future__ import annotations

import gzip
import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from voc_stream.catalogue.load import load_catalogue
from voc_stream.cli import main
from voc_stream.events.types import Touchpoint
from voc_stream.importing.load_mapping import parse_mapping
from voc_stream.importing.open_file import counted_bytes
from voc_stream.importing.read_files import Line, _lines, _Rows, load_mapping, read_events

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    return CliRunner().invoke(main, ["check", *map(str, arguments)], input=stdin)


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
    assert (result.exit_code, result.stderr.startswith("2 events valid, 0 lines failed")) == (
        0,
        True,
    )


def test_failing_lines_are_named_and_the_rest_go_on(tmp_path: Path) -> None:
    """Each bad line has its file, number and reason; the exit code is 1."""
    lines = [
        json.dumps(GOOD),
        "{",
        json.dumps({**GOOD, "score": 11}),
        json.dumps({**GOOD, "experience": "mood"}),
        json.dumps(GOOD),
    ]
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
    """A line of megabytes is refused as too large.

    The next one is read with its right number.
    """
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
    result = check(
        "-", "--mapping", mapping, stdin=b"time,who,score\n2024-05-01,c-1,8\n2024-05-01,c-1,x\n"
    )
    assert result.exit_code == 1
    assert "-:3: mapping: event[1].score: column 'score': 'x' is not a number" in result.stderr


def test_csv_without_a_mapping_has_its_advice_once(tmp_path: Path) -> None:
    """From a pipe or under a name that says nothing, its first line tells what is missing.

    A JSON Lines file has no such advice.
    """
    (tmp_path / "a.txt").write_bytes(b"time,who,score\n2024-05-01,c-1,8\n")
    (tmp_path / "a.jsonl").write_bytes(b"{\n{\n")
    for result in (
        check("-", stdin=b"time,who,score\n2024-05-01,c-1,8\n"),
        check(tmp_path / "a.txt"),
    ):
        first, second, _ = result.stderr.splitlines()
        assert first.endswith("; if this is a CSV, it needs --mapping FILE.toml")
        assert "CSV" not in second
    assert "CSV" not in check(tmp_path / "a.jsonl").stderr


def test_files_of_all_kinds_in_one_go(tmp_path: Path, mapping: Path) -> None:
    """CSV, packed CSV and XES take the mapping; JSON Lines beside them stay JSON Lines."""
    rows = b"time,who,score\n2024-05-01,c-1,8\n"
    event = (
        '<string key="time" value="2024-05-01"/><string key="who" value="c-1"/><int key="score"'
        ' value="8"/>'
    )
    (tmp_path / "a.csv").write_bytes(rows)
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(rows))
    (tmp_path / "c.xes").write_text(
        f"<log><trace><event>{event}</event></trace></log>", encoding="utf-8"
    )
    (tmp_path / "d.jsonl").write_text(json.dumps(GOOD), encoding="utf-8")
    result = check(
        *(tmp_path / name for name in ("a.csv", "b.csv.gz", "c.xes", "d.jsonl")),
        "--mapping",
        mapping,
    )
    assert (result.exit_code, result.stderr.startswith("4 events valid, 0 lines failed")) == (
        0,
        True,
    ), result.stderr


def test_unreadable_file_does_not_stop_the_others(tmp_path: Path, mapping: Path) -> None:
    """A packed file that is cut off, or XML that is none, is one problem.

    The other files are read.
    """
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"time,who,score\n")[:-9])
    (tmp_path / "b.xes").write_text("<!DOCTYPE log><log/>", encoding="utf-8")
    (tmp_path / "c.csv").write_text("time,who,score\n2024-05-01,c-1,8\n", encoding="utf-8")
    result = check(
        *(tmp_path / name for name in ("a.csv.gz", "b.xes", "c.csv")), "--mapping", mapping
    )
    assert result.exit_code == 2
    assert result.stderr.splitlines()[0].startswith(
        f"{tmp_path}/a.csv.gz: unreadable: cannot be read to its end"
    )
    assert result.stderr.splitlines()[1].startswith(
        f"{tmp_path}/b.xes: unreadable: line 1: has a DOCTYPE"
    )
    assert result.stderr.splitlines()[2].startswith(
        "1 event valid, 0 lines failed, 2 files not read to the end"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("time,who\n1,2\n", "there is no column 'score'; the columns are time, who"),
        (
            "Report of May\n\ntime,who,score\n",
            "is the header further down? Then set `skip_lines` in [input]",
        ),
        (
            "Report,,\ntime,who,score\n",
            "is the header further down? Then set `skip_lines` in [input]",
        ),
        (None, "needs --mapping FILE.toml"),
    ],
)
def test_mapping_that_is_missing_or_does_not_fit_ends_the_command(
    tmp_path: Path, mapping: Path, content: str | None, message: str
) -> None:
    """What concerns every row is said once, with exit code 2."""
    path = tmp_path / "a.csv"
    path.write_text(content or "", encoding="utf-8")
    result = check(path, "--mapping", mapping) if content else check(path)
    assert (result.exit_code, message in result.stderr) == (2, True), result.stderr


def test_mapping_that_fits_one_file_of_several_costs_the_others_nothing(
    tmp_path: Path, mapping: Path
) -> None:
    """The file that it does not fit is named and not read.

    Returns those before and after it are, and are counted.
    """
    (tmp_path / "a.csv").write_text("time,who,score\n2024-05-01,c-1,8\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("time;who;score\n2024-05-01;c-2;8\n", encoding="utf-8")
    (tmp_path / "c.csv").write_text("time,who,score\n2024-05-01,c-3,8\n", encoding="utf-8")
    result = check(*(tmp_path / name for name in ("a.csv", "b.csv", "c.csv")), "--mapping", mapping)
    assert result.exit_code == 2
    problem, total = result.stderr.splitlines()
    assert problem.startswith(
        f"{tmp_path}/b.csv: unreadable: {mapping}:4: event[1].occurred_at: there is no column"
        f" 'time'"
    )
    assert total.startswith("2 events valid, 0 lines failed, 1 file not read to the end")


def test_standard_input_twice_is_refused() -> None:
    """It can be read only once."""
    result = check("-", "-", stdin=json.dumps(GOOD).encode())
    assert (result.exit_code, "can be read only once" in result.stderr) == (2, True), result.stderr


def test_rows_that_give_nothing_are_counted(tmp_path: Path, mapping: Path) -> None:
    """Those for which no condition holds, and those that say again what an earlier row said."""
    mapping.write_text(
        MAPPING.replace('"touchpoint"', '"touchpoint"\nwhen = { column = "score", empty = false }'),
        encoding="utf-8",
    )
    path = tmp_path / "a.csv"
    rows = (
        "2024-05-01,c-1,8",
        "2024-05-01,c-2,",
        "2024-05-01,c-1,8",
        "2024-05-01,c-3,x",
        "2024-05-01,c-4,",
    )
    path.write_text("\n".join(("time,who,score", *rows)), encoding="utf-8")
    result = check(path, "--mapping", mapping)
    assert result.stderr.splitlines()[-1].startswith(
        "1 event valid, 1 line failed, 3 rows gave no event, in "
    )


def test_command_that_is_stopped_says_how_far_it_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C ends with the totals and exit code 2: the rest is not through."""
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(GOOD), encoding="utf-8")

    def stopped(*_: object, **__: object) -> Iterator[Line]:
        yield from read_events(str(path), None, datetime.now(UTC), load_catalogue(None))
        raise KeyboardInterrupt

    monkeypatch.setattr("voc_stream.cli.check.read_events", stopped)
    result = check(path)
    assert result.exit_code == 2
    total, why = result.stderr.splitlines()
    assert total.startswith("1 event valid, 0 lines failed")
    assert why == "voc-stream check: stopped before the end; what follows was not read"


ROWS = "time,who,score\n2024-05-01,王芳,8\n2024-05-02,c-2,9\n"


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", ""),
        ("utf-8-sig", ""),
        ("utf-8-sig", "gb18030"),
        ("utf-16", ""),
        ("utf-32", ""),
        ("gb18030", "gb18030"),
        ("utf-16-le", "utf-16-le"),
    ],
)
def test_chinese_cell_is_read_as_it_stands(
    tmp_path: Path, mapping: Path, encoding: str, declared: str
) -> None:
    """A file is read in the encoding that the mapping says.

    A byte order mark is always right.
    """
    mapping.write_text(
        f'[input]\nencoding = "{declared}"\n{MAPPING}' if declared else MAPPING, encoding="utf-8"
    )
    path = tmp_path / "a.csv"
    path.write_bytes(ROWS.encode(encoding))
    result = check(path, "--mapping", mapping)
    assert (result.exit_code, result.stderr.startswith("2 events valid, 0 lines failed")) == (
        0,
        True,
    ), result.stderr
    first, _ = read_events(
        str(path), load_mapping(mapping), datetime.now(UTC), load_catalogue(None)
    )
    assert isinstance(first.event, Touchpoint)
    assert first.event.customer_id == "王芳"


@pytest.mark.parametrize(
    ("encoding", "bad"),
    [("utf-8", b"\xff"), ("gb18030", b"\xff"), ("utf-16-le", b"\x00\xd8"), ("ascii", b"\xe9")],
)
def test_cell_that_is_not_in_the_encoding_is_refused(
    tmp_path: Path, mapping: Path, encoding: str, bad: bytes
) -> None:
    """It spoils its own row, whatever the encoding; the others are read."""
    mapping.write_text(f'[input]\nencoding = "{encoding}"\n{MAPPING}', encoding="utf-8")
    path = tmp_path / "a.csv"
    path.write_bytes(
        "time,who,score\n2024-05-01,x".encode(encoding)
        + bad
        + ",8\n2024-05-02,c-2,9\n".encode(encoding)
    )
    result = check(path, "--mapping", mapping)
    assert result.exit_code == 1
    first, total = result.stderr.splitlines()
    advice = 'set `encoding` in [input], such as "gb18030" (Chinese) or "cp1252" (Western Europe)'
    assert first == f"{path}:2: mapping: is not in the encoding of the file; {advice}"
    assert total.startswith("1 event valid, 1 line failed")


def test_stray_quote_costs_its_own_row(tmp_path: Path, mapping: Path) -> None:
    """The rows after it are read, and the exit code is that of a line that failed."""
    path = tmp_path / "a.csv"
    path.write_text(
        'time,who,score\n2024-05-01,"say'
        ' "c"",8\n2024-05-01,"c-1,8\n2024-05-01,c-2,8\n2024-05-01,"c-3",8\n',
        encoding="utf-8",
    )
    result = check(path, "--mapping", mapping)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[2].startswith("2 events valid, 2 lines failed")


def test_rest_that_was_not_read_is_counted(tmp_path: Path, mapping: Path) -> None:
    """If reading cannot go on, the message has the number of lines, and the exit code is 2."""
    path = tmp_path / "a.csv"
    path.write_text('time,who,score\n2024-05-01,c-1,8\n2024-05-01,"c-2\nx\ny\n', encoding="utf-8")
    result = check(path, "--mapping", mapping)
    assert result.exit_code == 2
    first, total = result.stderr.splitlines()
    assert first.startswith(f"{path}: unreadable: line 3: is not valid CSV")
    assert first.endswith(
        "no later row could be read: 3 lines up to the end of the file were not read"
    )
    assert total.startswith("1 event valid, 0 lines failed, 1 file not read to the end")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "time,who,score\n"),
        ("a.csv", "time,who,score\n,,\n , ,\n"),
        ("a.csv", ""),
        ("a.csv", "\n\n"),
        ("a.jsonl", ""),
        ("a.jsonl", "\n\n"),
        ("a.xes", "<log/>"),
        ("a.xes", ""),
    ],
)
def test_file_without_rows_says_so(tmp_path: Path, mapping: Path, name: str, content: str) -> None:
    """An export that went wrong is often empty, and must not look like success."""
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    result = check(path, "--mapping", mapping)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"{path}: no_events: has no rows; is it the right file?")


def test_file_of_which_the_mapping_makes_nothing_says_so(tmp_path: Path, mapping: Path) -> None:
    """Rows for which no condition holds are not nothing: their number is told."""
    mapping.write_text(
        MAPPING.replace('"touchpoint"', '"touchpoint"\nwhen = { column = "who", equals = "x" }'),
        encoding="utf-8-sig",
    )
    path = tmp_path / "a.csv"
    path.write_text(ROWS, encoding="utf-8")
    result = check(path, "--mapping", mapping)
    assert result.exit_code == 1
    assert result.stderr.startswith(
        f"{path}: no_events: has 2 rows, and no `when` of the mapping holds for any of them"
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.csv",
            b"PK\x03\x04\x14\x00\x06\x00\x08\x00[Content_Types].xml",
            "is a workbook (.xlsx, .ods) or another zip archive: open it",
        ),
        ("a.jsonl", b"PK\x03\x04\x14\x00", "is a workbook"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", "is an old workbook (.xls)"),
        ("a.xls", b"\n<HTML><table><tr><td>1", "is an HTML page, which some systems call .xls"),
        (
            "a.csv",
            "时间,顾客\n".encode("gb18030"),
            (
                "line 1: the header is not in the encoding of the file; set `encoding` in [input],"
                " such"
                " as"
            ),
        ),
        ("a.csv", b"%PDF-1.7\n", "is a PDF: export the table itself"),
        ("a.csv", gzip.compress(b"PK\x03\x04", mtime=0), "is a workbook"),
        ("a.csv", b"BZh91AY", "is packed with bzip2: unpack it"),
        ("a.csv", b'<?xml version="1.0"?><Workbook>', "is XML: name it .xes if it is an XES log"),
        (
            "a.csv",
            ROWS.encode("utf-16-le"),
            'is UTF-16 without a byte order mark: set `encoding = "utf-16-le"`',
        ),
        (
            "a.csv",
            ROWS.encode("utf-16-be"),
            'is UTF-16 without a byte order mark: set `encoding = "utf-16-be"`',
        ),
        ("a.csv", b"\x00\x00\x00\x00\x01", "holds bytes that are 0, so it is no text"),
        ("a.json", json.dumps(GOOD).encode("utf-16"), "is UTF-16: save it as UTF-8"),
        (
            "a.json",
            json.dumps([GOOD]).encode(),
            "is one JSON array: write one event a line, as `jq -c '.[]' FILE` does",
        ),
        ("a.json", json.dumps([GOOD], indent=2).encode(), "is one JSON array"),
        ("a.json", b"[]", "is one JSON array"),
        (
            "a.json",
            b"\xef\xbb\xbf" + json.dumps(GOOD, indent=2).encode(),
            "is JSON with events over several lines: write one event a line",
        ),
    ],
)
def test_file_of_another_kind_is_refused_in_one_sentence(
    tmp_path: Path, mapping: Path, name: str, content: bytes, message: str
) -> None:
    """Whatever its name.

    One sentence that says what it is and what to do, instead of a thousand lines that failed.
    """
    path = tmp_path / name
    path.write_bytes(content)
    result = check(path, "--mapping", mapping)
    assert result.exit_code == 2
    first, total = result.stderr.splitlines()
    assert first.startswith(f"{path}: unreadable: {message}")
    assert total.startswith("0 events valid, 0 lines failed, 1 file not read to the end")


def test_gzip_is_unpacked_whatever_its_name(tmp_path: Path, mapping: Path) -> None:
    """Also where it comes through a pipe, a few bytes at a time."""
    path = tmp_path / "a.csv"
    path.write_bytes(gzip.compress(ROWS.encode()))
    assert check(path, "--mapping", mapping).exit_code == 0
    assert check("-", "--mapping", mapping, stdin=gzip.compress(ROWS.encode())).exit_code == 0


def test_damaged_gzip_is_told_not_thrown(tmp_path: Path) -> None:
    """Bytes that were changed on the way end in a sentence and exit code 2."""
    packed = bytearray(
        gzip.compress(
            b"\n".join(json.dumps(GOOD | {"event_id": f"e-{n}"}).encode() for n in range(1000))
        )
    )
    packed[len(packed) // 2 : len(packed) // 2 + 40] = b"x" * 40
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(bytes(packed))
    result = check(path)
    assert (result.exit_code, "unreadable: cannot be read to its end" in result.stderr) == (
        2,
        True,
    ), result.stderr


@pytest.mark.parametrize(
    ("name", "lines"), [("a.jsonl.gz", 2_000), ("a.csv.gz", 2_000), ("a.jsonl.gz", 0)]
)
def test_gzip_that_is_cut_off_says_after_which_line(
    tmp_path: Path, mapping: Path, name: str, lines: int
) -> None:
    """What was read counts, and the place of the cut is named."""
    row = b"2024-05-01,c-%d,8\n" if ".csv" in name else json.dumps(GOOD).encode() + b" %d\n"
    content = b"time,who,score\n" * (".csv" in name) + b"".join(
        row % number for number in range(lines)
    )
    path = tmp_path / name
    path.write_bytes(gzip.compress(content)[:-9])
    result = check(path, "--mapping", mapping)
    told = re.search(
        r"cut off; copy or export it again; (?:what follows line ([\d,]+) was not read|nothing of"
        r" it was read)",
        result.stderr,
    )
    assert (result.exit_code, told is not None) == (2, True), result.stderr
    assert told is None or (
        int(told[1].replace(",", "")) > lines // 2 if lines else told[1] is None
    )


def test_events_in_a_pipe_need_not_wait_for_others() -> None:
    """Looking at the first bytes of a file holds back no event that is there."""
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as stream, os.fdopen(writer, "wb", buffering=0) as events:
        events.write(json.dumps(GOOD).encode() + b"\n")
        counted = counted_bytes(stream, lambda _: None)
        assert next(_lines("", counted, None, _Rows())).line == 1


@pytest.mark.parametrize(
    ("content", "options"),
    [
        ("time,who,score\n2024-05-01,c-1,8\n,,\n , ,\n,,,,\n", ""),
        ("time,who,score,comment,comment\n2024-05-01,c-1,8,a,b\n", ""),
        ("sep=;\r\ntime;who;score\r\n2024-05-01;c-1;8\r\n", ""),
        (
            (
                'time,who,score\nStart Date,Contact,"How satisfied,\nand why?"\n'
                '"{""ImportId"":""startDate""}","{""ImportId"":""QID1""}","{""ImportId"":""QID2""}"\n2024-05-01,c-1,8\n'
            ),
            "",
        ),
        (
            "Report of May\n\ntime,who,score\nWhen,Who,How\n2024-05-01,c-1,8\n",
            "skip_lines = 2\nheader_rows = 2",
        ),
        (
            "time;who;score\n01.05.2024;c-1;7,5\n",
            'delimiter = ";"\ndecimal = ","\ntime_formats = ["%d.%m.%Y"]',
        ),
        (
            "time,who,score\n2024年11月20日 下午9:05,c-1,8\n",
            'time_formats = ["%Y年%m月%d日 %p%I:%M"]',
        ),
        ("time,who,score\n1712101612345,c-1,8\n", 'time_formats = ["epoch", "epoch_ms"]'),
        ("time,who,score\n45250.378,c-1,8\n", 'time_formats = ["excel"]'),
    ],
)
def test_usual_exports_are_read(tmp_path: Path, mapping: Path, content: str, options: str) -> None:
    """What spreadsheets, survey tools and ticket systems write is one event here.

    No line fails.
    """
    mapping.write_text(f"[input]\n{options}\n{MAPPING}", encoding="utf-8")
    path = tmp_path / "a.csv"
    path.write_text(content, encoding="utf-8", newline="")
    result = check(path, "--mapping", mapping)
    assert (result.exit_code, result.stderr.startswith("1 event valid, 0 lines failed")) == (
        0,
        True,
    ), result.stderr


@given(
    st.sampled_from(["a.csv", "a.jsonl", "a.xes", "a.csv.gz", "-.txt"]),
    st.sampled_from(
        [
            b"",
            b"time,who,score\n",
            b"\xff\xfe",
            b"\x1f\x8b\x08",
            b"<log>",
            b"PK\x03\x04",
            b"{",
            b"\xef\xbb\xbf",
        ]
    ),
    st.binary(max_size=200)
    | st.text(st.sampled_from('"\n\r,;\x00é王8'), max_size=60).map(str.encode),
    st.sampled_from(
        [
            "utf-8-sig",
            "utf-16",
            "utf-16-le",
            "utf-32",
            "gb18030",
            "ascii",
            "utf-7",
            "hz",
            "iso2022_jp",
        ]
    ),
)
def test_whatever_the_bytes_nothing_is_thrown(
    name: str, start: bytes, rest: bytes, encoding: str
) -> None:
    """Any bytes under any name in any encoding are events and problems."""
    with TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(start + rest)
        text = f'[input]\nencoding = "{encoding}"\n{MAPPING}'
        assert list(
            read_events(
                str(path), parse_mapping(text, "m.toml"), datetime.now(UTC), load_catalogue(None)
            )
        )
