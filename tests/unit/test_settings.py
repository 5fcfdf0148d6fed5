from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from voc_stream.cli import COMMANDS, main
from voc_stream.settings import (
    Settings,
    SettingsError,
    load_settings,
    to_environment,
    without_settings,
)

if TYPE_CHECKING:
    from pathlib import Path

URL = "postgresql://voc:secret@db.example:5432/voc"


def test_no_setting_of_the_shell_reaches_the_tests() -> None:
    """Tests have settings of their own."""
    assert without_settings(os.environ) == dict(os.environ)


def test_tests_pass_where_somebody_has_exported_settings() -> None:
    """README lets people export VOC_CONFIG; their next `make test` must not read it."""
    shell = {**os.environ, "VOC_CONFIG": "/no/such/voc.toml", "VOC_KAFKA_SASL_USERNAME": "somebody"}
    test = f"{__file__}::{test_no_setting_of_the_shell_reaches_the_tests.__name__}"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", test],
        env=shell,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_defaults_are_those_of_the_contract() -> None:
    """Without any variable the documented defaults hold."""
    settings = load_settings({})
    assert (settings.topic_prefix, settings.group, settings.web_port, settings.partitions) == (
        "voc.",
        "voc-stream",
        6066,
        8,
    )
    assert settings.database_url is None
    assert settings.catalogue is None


def test_missing_database_is_an_error_only_where_it_is_needed() -> None:
    """`check` needs no database.

    A command that does gets an error that names the setting and shows its form.
    """
    with pytest.raises(
        SettingsError,
        match=r"VOC_DATABASE_URL is missing.*postgresql://user:password@host:port/database",
    ):
        load_settings({}).require_database_url()
    assert load_settings({"VOC_DATABASE_URL": URL}).require_database_url() == URL


def test_variables_win_over_the_file(tmp_path: Path) -> None:
    """The file of VOC_CONFIG has the same keys, with or without prefix; a variable overrules it."""
    path = tmp_path / "voc.toml"
    path.write_text(
        f'kafka_bootstrap = "kafka-1:9092"\nVOC_WEB_PORT = 7000\ngroup = "from-file"\ndatabase_url'
        f' = "{URL}"\n'
    )
    settings = load_settings({"VOC_CONFIG": str(path), "VOC_GROUP": "from-variable", "HOME": "/"})
    assert settings == Settings(
        kafka_bootstrap="kafka-1:9092", web_port=7000, group="from-variable", database_url=URL
    )


def test_catalogue_in_a_file_is_found_beside_it(tmp_path: Path) -> None:
    """A path in the file counts from the file's folder, wherever the command is started."""
    (tmp_path / "hotel.toml").touch()
    (tmp_path / "voc.toml").write_text('catalogue = "hotel.toml"\n')
    assert load_settings({"VOC_CONFIG": str(tmp_path / "voc.toml")}).catalogue == str(
        tmp_path / "hotel.toml"
    )


def test_settings_reach_a_child_process_unchanged(tmp_path: Path) -> None:
    """What `up` hands to its worker is what it holds itself."""
    (tmp_path / "hotel.toml").touch()
    settings = Settings(
        database_url=URL,
        catalogue=str(tmp_path / "hotel.toml"),
        topic_prefix="",
        web_port=0,
        broker_session_timeout_seconds=6,
    )
    assert load_settings(to_environment(settings)) == settings
    assert load_settings(to_environment(Settings())) == Settings()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("VOC_KAFKA_BOOTSTRAP", "localhost"),
        ("VOC_KAFKA_BOOTSTRAP", "localhost:9092,"),
        ("VOC_KAFKA_BOOTSTRAP", "localhost:99999"),
        ("VOC_KAFKA_BOOTSTRAP", "kafka://localhost:9092"),
        ("VOC_KAFKA_BOOTSTRAP", "localhost:²"),
        ("VOC_DATABASE_URL", "mysql://voc:secret@db/voc"),
        ("VOC_DATABASE_URL", "voc:secret@db"),
        ("VOC_DATABASE_URL", "postgresql://voc:secret@db:many/voc"),
        ("VOC_DATABASE_URL", "postgresql://voc:secret@db"),
        ("VOC_TOPIC_PREFIX", "voc/"),
        ("VOC_TOPIC_PREFIX", "v" * 240),
        ("VOC_GROUP", ""),
        ("VOC_CATALOGUE", "/no/such/catalogue.toml"),
        ("VOC_WEB_PORT", "six"),
        ("VOC_WEB_PORT", "65536"),
        ("VOC_WEB_PORT", "-1"),
        ("VOC_WEB_PORT", "1" * 5000),
        ("VOC_PARTITIONS", "0"),
        ("VOC_PARTITIONS", "8.5"),
        ("VOC_BROKER_SESSION_TIMEOUT_SECONDS", "1"),
    ],
)
def test_wrong_value_names_its_setting(variable: str, value: str) -> None:
    """A wrong setting is refused before anything starts.

    It names itself, and the error never repeats a password.
    """
    with pytest.raises(SettingsError, match=f"^{variable} must be") as caught:
        load_settings({variable: value})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "kafka_bootstap = 'a:1'",
            "unknown setting 'kafka_bootstap'; did you mean kafka_bootstrap",
        ),
        ("colour = 'blue'", "unknown setting 'colour'; the settings are kafka_bootstrap, "),
        ("web_port = true", "web_port must be a text or a whole number"),
        ("web_port = 70000", "web_port must be a whole number from 0 to 65535"),
        ("web_port = 1\nVOC_WEB_PORT = 2", "web_port is set twice"),
        ("web_port = ", "is not valid TOML"),
        ("[worker]\ngroup = 'a'", "unknown setting 'worker'"),
    ],
)
def test_wrong_file_names_file_and_key(tmp_path: Path, text: str, message: str) -> None:
    """A mistake in the file is found, whatever it is, and the message says where."""
    path = tmp_path / "voc.toml"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings({"VOC_CONFIG": str(path)})
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_missing_file_is_an_error() -> None:
    """A VOC_CONFIG that leads nowhere is not taken for an empty file."""
    with pytest.raises(
        SettingsError,
        match=r"VOC_CONFIG: cannot read /no/such/voc\.toml: .*; correct VOC_CONFIG, or unset it",
    ):
        load_settings({"VOC_CONFIG": "/no/such/voc.toml"})


def test_mistyped_variable_is_an_error_and_a_stranger_is_not() -> None:
    """A slip of the pen is not ignored silently.

    Variables that an orchestrator sets for a service of that name are.
    """
    with pytest.raises(
        SettingsError, match="unknown setting VOC_DATABSE_URL; did you mean VOC_DATABASE_URL"
    ):
        load_settings({"VOC_DATABSE_URL": URL})
    assert (
        load_settings(
            {"VOC_STREAM_SERVICE_HOST": "10.0.0.1", "VOC_WEB_PORT_6066_TCP": "tcp://10.0.0.1:6066"}
        )
        == Settings()
    )


def test_password_is_not_shown() -> None:
    """Settings may be logged."""
    assert "secret" not in repr(Settings(database_url=URL, database_password="secret"))


def test_secret_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    """A mounted secret is read whole, blanks included.

    Only the line break that an editor adds is no part of it.
    """
    secret = tmp_path / "password"
    for written, meant in (
        ("s3cret\n", "s3cret"),
        ("s3cret\r\n", "s3cret"),
        (" s3 cret ", " s3 cret "),
        ("密码\n", "密码"),
    ):
        secret.write_bytes(written.encode())
        assert load_settings({"VOC_DATABASE_PASSWORD_FILE": str(secret)}).database_password == meant


def test_secret_file_of_the_settings_file_lies_beside_it_and_a_variable_wins(
    tmp_path: Path,
) -> None:
    """The file's keys have the same two forms.

    Whichever form a variable has, it overrules the file.
    """
    (tmp_path / "password").write_text("from-file\n")
    path = tmp_path / "voc.toml"
    path.write_text('database_password_file = "password"\n')
    assert load_settings({"VOC_CONFIG": str(path)}).database_password == "from-file"
    changed = load_settings({"VOC_CONFIG": str(path), "VOC_DATABASE_PASSWORD": "from-variable"})
    assert changed.database_password == "from-variable"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file"),
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"s3cret\xff", "is no text in UTF-8"),
    ],
)
def test_unusable_secret_file_is_named_and_never_quoted(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    """A secret that is not there is an error that names variable and file.

    It shows nothing of the content.
    """
    secret = tmp_path / "password"
    if content is not None:
        secret.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        load_settings({"VOC_DATABASE_PASSWORD_FILE": str(secret)})
    assert str(caught.value).startswith("VOC_DATABASE_PASSWORD_FILE: ")
    assert str(secret) in str(caught.value)
    assert message in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_secret_given_in_both_forms_is_refused(tmp_path: Path) -> None:
    """Which of two passwords is meant is not guessed."""
    (tmp_path / "password").write_text("s3cret")
    both = {
        "VOC_DATABASE_PASSWORD": "other",
        "VOC_DATABASE_PASSWORD_FILE": str(tmp_path / "password"),
    }
    with pytest.raises(
        SettingsError,
        match="database_password is set twice, as itself or as database_password_file",
    ) as caught:
        load_settings(both)
    assert "s3cret" not in str(caught.value)


def test_children_inherit_everything_but_the_settings() -> None:
    """`up` hands its children other settings.

    One that only its own environment has must not mix with them.
    """
    own = {"PATH": "/bin", "VOC_STREAM_SERVICE_HOST": "10.0.0.1"}
    assert (
        without_settings(
            own
            | {"VOC_CONFIG": "a", "VOC_KAFKA_SASL_PASSWORD_FILE": "b", "VOC_DATABASE_PASSWORD": "c"}
        )
        == own
    )


def test_help_lists_every_command_without_loading_any() -> None:
    """`--help` is quick and works where a part is not installed.

    No command's libraries are imported for it.
    """
    script = (
        "import sys; from voc_stream.cli import main; main(['--help'], standalone_mode=False);"
        " print(*sys.modules)"
    )
    output = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout
    for name in COMMANDS:
        assert f"  {name}  " in output
    assert {"faust", "kafka", "sqlalchemy", "psycopg2"}.isdisjoint(output.splitlines()[-1].split())


def test_wrong_setting_ends_a_command_with_code_2(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line turns a wrong setting into one line and exit code 2."""
    monkeypatch.setenv("VOC_WEB_PORT", "six")
    result = CliRunner().invoke(main, ["up", "--no-simulate"])
    assert result.exit_code == 2
    assert result.stderr.startswith("voc-stream up: VOC_WEB_PORT must be")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    """Each command of the contract exists and has a help text."""
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert "Usage:" in result.output


def test_a_cell_has_topics_and_a_group_of_its_own() -> None:
    """VOC_CELL stands for all that differs between cells, and a child process gets the same."""
    settings = load_settings({"VOC_CELL": "north", "VOC_DATABASE_URL": URL})
    assert (settings.topic_prefix, settings.group) == ("voc.north.", "voc-stream-north")
    assert settings.require_database_url() == f"{URL}?options=-c%20voc_stream.cell%3Dnorth"
    assert load_settings(to_environment(settings)) == settings


@pytest.mark.parametrize("name", ["", "North", "north-1", "all", "bi", "rebuild", "n_bi"])
def test_what_is_part_of_another_name_is_no_name_of_a_cell(name: str) -> None:
    """No cell's schema may be called like the views or the scratch tables of another."""
    with pytest.raises(SettingsError, match="VOC_CELL must"):
        load_settings({"VOC_CELL": name})
