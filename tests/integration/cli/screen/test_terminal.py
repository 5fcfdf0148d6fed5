from __future__ import annotations

import ast
import io
import logging
import os
import subprocess
import sys
import unicodedata
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

import voc_stream.cli
from voc_stream.cli import main
from voc_stream.cli.screen.live_summary import Screen
from voc_stream.cli.screen.summary_view import Flow, panel
from voc_stream.cli.screen.terminal import PlainFormatter, console, printable, table
from voc_stream.embedded.processes.tcp_ports import free_port
from voc_stream.postgres.reading.summary import ExperienceSummary, Summary

HOSTILE = (
    "[/] [link=http://evil]x[/link] :smile:"
    " \x1b]0;pwned\x07\x1b[2J\x9b31m\r\u202e\u2066\u200b\x00\ud800"
)
SHOWN = (
    r"[/] [link=http://evil]x[/link] :smile:"
    r" \x1b]0;pwned\x07\x1b[2J\x9b31m\r\u202e\u2066\u200b\x00\ud800"
)
STORABLE, STORABLE_SHOWN = HOSTILE.replace("\x00\ud800", ""), SHOWN.replace(r"\x00\ud800", "")
OBEYED = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def assert_harmless(output: str) -> None:
    obeyed = {character for character in output if unicodedata.category(character) in OBEYED}
    assert obeyed <= {"\n"}


@given(st.text())
def test_no_text_has_anything_that_a_terminal_obeys(text: str) -> None:
    """Whatever it is, one line comes out, and in a text of lines only line ends and tabs stay."""
    assert_harmless(printable(text).replace("\n", "\x00"))
    assert_harmless(printable(text, keep_lines=True).replace("\t", ""))


@pytest.mark.parametrize(
    "text", ["", "王芳 rated 9.5 (80 %)", "Łódź, naïve", "😀", "a\u00a0b\u3000c", r"C:\x1b"]
)
def test_what_people_write_stays(text: str) -> None:
    """Letters, signs, pictures and blanks of any script."""
    assert printable(text) == text


def test_tables_show_data_as_it_stands() -> None:
    """No markup, no emoji codes and no escape sequences from a cell, a line or a title.

    What is laid out is what is shown.
    """
    output = io.StringIO()
    table = Table("name", title=HOSTILE, box=None)
    table.add_row(HOSTILE)
    plain = console(file=output, force_terminal=True, color_system=None)
    plain.print(HOSTILE, soft_wrap=True)
    plain.print(table)
    assert_harmless(output.getvalue())
    assert [line.strip() for line in output.getvalue().splitlines()] == [
        SHOWN,
        SHOWN,
        "name",
        SHOWN,
    ]


def test_nothing_of_a_table_is_cut_on_a_narrow_terminal() -> None:
    """What does not fit goes on below: a place without its offset is no place."""
    output = io.StringIO()
    place = "voc.touchpoints[6]@43"
    letters = table("number", "from", "detail")
    letters.add_row("304", place, "score: must be a number, not a string " * 3)
    console(file=output, width=40).print(letters)
    column = slice(
        *(output.getvalue().splitlines()[0].index(header) for header in ("from", "detail"))
    )
    assert "".join(line[column].strip() for line in output.getvalue().splitlines()[1:]) == place


def test_live_summary_shows_data_as_it_stands() -> None:
    """The screen of `up`: labels of a catalogue and messages about its processes."""
    rows = [ExperienceSummary(HOSTILE, HOSTILE, "x", 1, 9, 0, 10, 1, 0, "points")]
    summary = Summary(0, 0, 0, 0, 0, None, 0, 0, 0, None, "24h", rows, (), None)
    output = io.StringIO()
    plain = console(file=output, width=300)
    plain.print(panel(summary, Flow(None, None)))
    screen = Screen(plain, "", lambda: None)
    assert SHOWN in output.getvalue()
    assert_harmless(output.getvalue())
    live = console(file=output, width=300, force_terminal=True, color_system=None)
    Screen(live, "", lambda: None).say(HOSTILE)
    assert output.getvalue().splitlines()[-1].rstrip() == SHOWN
    screen.say("done")


def test_log_entry_cannot_be_forged() -> None:
    """Data with a line end or an escape sequence looks like no entry of its own.

    It may stand in a message, or in an error's text.
    """
    formatter = PlainFormatter()
    error = ValueError("a\n2026-01-01T00:00:00.000Z INFO forged\x1b[2J")
    record = logging.LogRecord(
        "voc_stream.x", logging.ERROR, "", 0, "at %s", ("a\x1b[31m\nb",), (ValueError, error, None)
    )
    record.created, record.msecs = 0.0, 7.0
    first, *rest = formatter.format(record).splitlines()
    assert first == r"1970-01-01T00:00:00.007Z ERROR voc_stream.x at a\x1b[31m"
    assert rest
    assert all(line.startswith("  ") for line in rest)
    assert_harmless("\n".join([first, *rest]))


@pytest.mark.parametrize(
    "arguments",
    [("check", "\x1b[2J"), ("status", "\x1b[2J"), ("\x1b[2J",), ("simulate", "--start", "\x1b[2J")],
)
def test_errors_repeat_no_command_of_a_terminal(arguments: tuple[str, ...]) -> None:
    """What somebody else put into a file name or an argument comes back escaped."""
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert r"\x1b[2J" in result.output
    assert_harmless(result.output)


def test_error_that_nobody_expected_is_shown_harmless() -> None:
    """A traceback repeats what was read, too: the very process prints it escaped."""
    code = "from voc_stream.cli import main; main.callback(); raise ValueError('\\x1b[2J\\nforged')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 1
    assert done.stderr.decode().splitlines()[-2:] == [r"ValueError: \x1b[2J", "forged"]


def test_setting_that_is_wrong_is_shown_harmless() -> None:
    """An environment may come from elsewhere, too."""
    result = CliRunner().invoke(
        main, ["status"], env={"VOC_DATABASE_URL": "x\x1b[2J://", "VOC_CONFIG": ""}
    )
    assert result.exit_code != 0
    assert_harmless(result.output)


def test_check_shows_hostile_files_harmless(tmp_path: Path) -> None:
    """The name of a file, its cells and its columns."""
    path = tmp_path / "a\x1b[2J[b].csv"
    path.write_text("who,\x1b[31m,[/]\n\x1b[2J[/],x,y\n", encoding="utf-8")
    mapping = tmp_path / "m\x1b[2J.toml"
    mapping.write_text(
        '[[event]]\ntype = "touchpoint"\noccurred_at = "{who}"\ncustomer_id = "{who}"\nsite_id ='
        ' "s"\nexperience = "overall"\nscore = 1\n',
        encoding="utf-8",
    )
    failed = CliRunner().invoke(main, ["check", str(path), "--mapping", str(mapping)])
    assert (
        failed.exit_code,
        r"a\x1b[2J[b].csv:2: mapping: event[1].occurred_at" in failed.output,
    ) == (1, True), failed.output
    mapping.write_text(
        mapping.read_text(encoding="utf-8").replace("{who}", "{when}"), encoding="utf-8"
    )
    unfit = CliRunner().invoke(main, ["check", str(path), "--mapping", str(mapping)])
    assert (
        unfit.exit_code,
        r"there is no column 'when'; the columns are who, \x1b[31m, [/]" in unfit.output,
    ) == (2, True), unfit.output
    assert_harmless(failed.output + unfit.output)


@pytest.fixture
def hostile_database(database_url: str) -> str:
    """Tables in which everything that a command shows is hostile."""
    with (
        closing(psycopg2.connect(database_url)) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(
            'INSERT INTO voc.dead_letter (topic_id, topic, partition, "offset", reason, detail,'
            " payload, received_at)"
            " VALUES ('l', %s, 0, 0, 'invalid_id', %s, %s, now())",
            (STORABLE, STORABLE, STORABLE.encode() + b"\n\xff{"),
        )
        cursor.execute(
            "INSERT INTO voc.alert (alert_id, rule, scope_type, scope, severity, started_at,"
            " evidence, summary, updated_at)"
            " VALUES ('a', %s, 'site', %s, 'page', now(), '{}', %s, now())",
            [STORABLE] * 3,
        )
        cursor.execute(
            "INSERT INTO voc.churn_risk (customer_id, risk, band, drivers, model_version, as_of)"
            " VALUES (%s, 0.9, 'critical', '[]', 'm', now())",
            (STORABLE,),
        )
        cursor.execute(
            "INSERT INTO voc.stream_position (topic, partition, topic_id, next_offset) VALUES (%s,"
            " 0, 'l', 1)",
            (STORABLE,),
        )
    return database_url


@pytest.mark.parametrize(
    ("arguments", "times"),
    [(("dead-letters", "list"), 2), (("dead-letters", "show", "1"), 3), (("status",), 5)],
    ids=str,
)
def test_stored_data_is_shown_harmless(
    hostile_database: str, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], times: int
) -> None:
    """Ids, details, summaries and bodies from outside.

    Shown as they stand, obeyed by nothing, and no command fails over them.
    """
    monkeypatch.setattr("voc_stream.cli.screen.terminal.WIDTH_OF_A_PIPE", 2000)
    environment = {
        "VOC_DATABASE_URL": hostile_database,
        "VOC_KAFKA_BOOTSTRAP": f"127.0.0.1:{free_port()}",
        "VOC_CONFIG": "",
    }
    result = CliRunner().invoke(main, arguments, env=environment)
    assert result.exit_code == 0, result.output
    assert result.output.count(STORABLE_SHOWN) == times
    assert_harmless(result.output)


def test_bytes_are_not_written_raw_to_a_terminal(
    hostile_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--raw` is for files and programs; a terminal would obey what stands in them."""
    arguments = ["dead-letters", "show", "1", "--raw"]
    environment = {"VOC_DATABASE_URL": hostile_database, "VOC_CONFIG": ""}
    assert (
        CliRunner().invoke(main, arguments, env=environment).stdout_bytes.startswith(b"[/] [link")
    )
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
    monkeypatch.setattr("click.testing.BytesIOCopy.isatty", lambda _: True, raising=False)
    refused = CliRunner().invoke(main, arguments, env=environment)
    assert (refused.exit_code, "write them to a file" in refused.output) == (1, True), (
        refused.output
    )


def test_commands_print_only_through_the_terminal() -> None:
    """`say`, `say_lines` and `console` of cli/screen/terminal.py are the only ways to a screen.

    Whoever adds a command uses them.
    """
    folder = Path(voc_stream.cli.__file__).parent
    found = [
        f"{path.name}:{call.lineno}: {name}"
        for path in sorted(folder.rglob("*.py"))
        if path.name != "terminal.py"
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and (name := ast.unparse(call.func))
        in {
            "print",
            "click.echo",
            "click.secho",
            "Console",
            "Text.from_markup",
            "sys.stdout.write",
            "sys.stderr.write",
        }
    ]
    assert found == []
