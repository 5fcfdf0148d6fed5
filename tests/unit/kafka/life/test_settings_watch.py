from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from voc_stream.embedded.processes.tcp_ports import free_port
from voc_stream.kafka.life import settings_watch
from voc_stream.kafka.life.settings_watch import SettingsWatch

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_waiting_worker_ends_to_be_started_again_when_its_password_is_mended(
    tmp_path: Path,
) -> None:
    """Whoever mounts secrets as files replaces the file.

    The supervisor's next start reads the new one. Neither is shown.
    """
    password = tmp_path / "password"
    password.write_text("wrong-s3cr3t\n")
    own = {
        "VOC_KAFKA_BOOTSTRAP": f"127.0.0.1:{free_port()}",
        "VOC_DATABASE_URL": f"postgresql://voc@127.0.0.1:{free_port()}/voc",
        "VOC_DATABASE_PASSWORD_FILE": str(password),
        "VOC_WEB_PORT": "0",
    }
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("VOC_")
    } | own
    command = [sys.executable, "-m", "voc_stream", "worker"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as worker:
        assert worker.stderr is not None
        said = ""
        while "waiting:" not in said:
            said += worker.stderr.readline()
        password.write_text("right-s3cr3t\n")
        said += worker.stderr.read()
    assert worker.returncode == 75
    assert "the settings have changed" in said
    assert "s3cr3t" not in said


def test_a_worker_that_is_well_is_left_in_peace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only trouble is a reason to look; a settings file that is being written is none to end."""
    monkeypatch.setattr(settings_watch, "CHECK_INTERVAL_SECONDS", 0.001)
    looks: list[bool] = []
    answers = iter([False, False, True, True])
    ended = threading.Event()

    def have_changed() -> bool:
        looks.append(True)
        return len(looks) == 2

    watch = SettingsWatch(lambda: next(answers), have_changed, ended.set)
    watch.start()
    assert ended.wait(10)
    watch.join(10)
    assert len(looks) == 2
