"""The systemd units. Nothing is started: that needs systemd as the first process."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from deploy.tools import DEPLOY, run, tool

from voc_stream.cli import COMMANDS
from voc_stream.kafka.life.watchdog import EXIT_CODE
from voc_stream.kafka.worker.run import STOP_DEADLINE_SECONDS
from voc_stream.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

UNITS = sorted((DEPLOY / "systemd").iterdir())
PROGRAM = "/opt/voc-stream/bin/voc-stream"
HIGHEST_EXPOSURE = 20  # tenths, of 100: systemd calls up to 20 "OK" and 100 "UNSAFE"


def setting(unit: str, name: str) -> list[str]:
    """All values of a setting of a unit."""
    text = (DEPLOY / "systemd" / unit).read_text(encoding="utf-8")
    return re.findall(rf"^{name}=(.*)$", text, re.MULTILINE)


@pytest.fixture
def units(tmp_path: Path) -> list[Path]:
    """The units with a program that exists in place of ours, and an instance of the worker."""
    program = tmp_path / "voc-stream"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    found = []
    for unit in UNITS:
        copy = tmp_path / unit.name.replace("@.", "@6066.")
        copy.write_text(
            unit.read_text(encoding="utf-8").replace(PROGRAM, str(program)), encoding="utf-8"
        )
        found.append(copy)
    return found


def test_systemd_accepts_the_units(units: list[Path]) -> None:
    """`systemd-analyze verify` says nothing: every setting is known and fits its section."""
    analyze = tool("systemd-analyze", "whether systemd knows every setting of the units")
    assert run([analyze, "verify", "--man=no", *units]) == ""


def test_services_are_closed(units: list[Path]) -> None:
    """By systemd's own measure the services can do little harm."""
    analyze = tool("systemd-analyze", "how much the units leave open")
    for unit in units:
        if unit.suffix == ".service":
            run([analyze, "security", "--offline=true", f"--threshold={HIGHEST_EXPOSURE}", unit])


def test_a_worker_is_started_again() -> None:
    """With its own code for that as after a crash, for ever.

    Not where a setting is wrong; and it gets the time to stop by itself.
    """
    worker = "voc-stream-worker@.service"
    assert setting(worker, "RestartForceExitStatus") == [str(EXIT_CODE)]
    assert setting(worker, "Restart") == ["on-failure"]
    assert setting(worker, "RestartPreventExitStatus") == ["2"]
    assert setting(worker, "StartLimitIntervalSec") == ["0"]
    (seconds,) = setting(worker, "TimeoutStopSec")
    assert float(seconds.removesuffix("s")) > STOP_DEADLINE_SECONDS


@pytest.mark.parametrize("unit", [unit.name for unit in UNITS if unit.suffix == ".service"])
def test_services_run_what_exists(unit: str, tmp_path: Path) -> None:
    """The command is one of ours, and the settings are known.

    The credentials are a copy that only this service can read.
    """
    ((program, command),) = (line.split() for line in setting(unit, "ExecStart"))
    assert program == PROGRAM
    assert command in COMMANDS
    (credential,) = setting(unit, "LoadCredential")
    assert (
        credential == f"voc.toml:/etc/voc-stream/{'owner' if command == 'init' else 'writer'}.toml"
    )
    (tmp_path / "voc.toml").write_text(
        'database_url = "postgresql://voc_writer@db/voc"', encoding="utf-8"
    )
    words = (
        " ".join(setting(unit, "Environment"))
        .replace("%d", str(tmp_path))
        .replace("%i", "6067")
        .split()
    )
    settings = load_settings(dict(word.split("=", 1) for word in words))
    assert settings.require_database_url() == "postgresql://voc_writer@db/voc"
    assert setting(unit, "DynamicUser") == ["yes"]
    assert setting(unit, "ProtectSystem") == ["strict"]
