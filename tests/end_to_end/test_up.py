from __future__ import annotations

import os
import queue
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Self

import psutil
import psycopg2
import pytest

from voc_stream.embedded.postgres import Postgres
from voc_stream.embedded.processes.tcp_ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.slow, pytest.mark.postgres, pytest.mark.broker]

LINE_TIMEOUT_SECONDS = 60.0
END_TIMEOUT_SECONDS = 150.0


class Up:
    """A running `voc-stream up` whose output can be waited for.

    Killed with its children where a test fails.
    """

    def __init__(self, data_dir: Path, *options: str) -> None:
        command = [sys.executable, "-m", "voc_stream", "up", "--data-dir", str(data_dir)]
        command += ["--kafka-port", "0", "--postgres-port", "0", "--web-port", "0", *options]
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("VOC_")
        }
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        self.seen: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The first line not yet read that matches."""
        while True:
            line = self._lines.get(timeout=LINE_TIMEOUT_SECONDS)
            assert line is not None, f"ended before {pattern!r}:\n" + "\n".join(self.seen)
            self.seen.append(line)
            if match := re.search(pattern, line):
                return match

    def end(self) -> int:
        """Wait for the end; the exit code."""
        code = self.process.wait(END_TIMEOUT_SECONDS)
        self._reader.join(10)
        while (line := self._lines.get(timeout=10)) is not None:
            self.seen.append(line)
        return code

    def children(self, word: str = "") -> list[psutil.Process]:
        """Its direct children whose command line has the word."""
        return [
            child
            for child in psutil.Process(self.process.pid).children()
            if word in " ".join(child.cmdline())
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join(10)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    # Not pytest's own folder: a second session of the same user closes that one to the server's
    # user.
    with tempfile.TemporaryDirectory(prefix="voc-tests-", ignore_cleanup_errors=True) as name:
        yield Path(name) / "data"


def sent(data_dir: Path) -> Counter[str]:
    """What the last call centre said it sent: each kind to its number."""
    log = (data_dir / "simulate.log").read_text()
    found = re.findall(r"^\d+ messages, seed \d+: (.*)$", log, re.MULTILINE)
    assert found, log
    numbers: Counter[str] = Counter()
    for part in found[-1].split(", "):
        kind, number = part.rsplit(" ", 1)
        numbers[kind.partition(":")[0]] += int(number)
    return numbers


def stored(data_dir: Path) -> tuple[int, int]:
    """Numbers of events that PostgreSQL has or that were taken back, and of dead letters."""
    with Postgres(data_dir, free_port(), closed=True) as server:
        connection = psycopg2.connect(server.url)
        try:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT (SELECT count(*) FROM voc.touchpoint_event FULL JOIN"
                    " voc.retracted_event USING (event_id)),"
                    " (SELECT count(*) FROM voc.dead_letter)"
                )
                row = cursor.fetchone()
        finally:
            connection.close()
    assert row is not None
    return int(row[0]), int(row[1])


def assert_only_its_user_gets_in(data_dir: Path, url: str) -> None:
    """The address can be pasted as it was printed, and is that of no superuser.

    It stands in no file that others can read.
    """
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM voc.touchpoint_event, (SELECT usesuper FROM pg_user WHERE usename"
            " = current_user AND usesuper) u"
        )
        assert cursor.fetchall() == [(0,)]
    with pytest.raises(psycopg2.OperationalError, match="no password supplied"):
        psycopg2.connect(re.sub("//.*@", "//voc@", url))
    for path in (data_dir / "voc.toml", data_dir / "postgres.password", data_dir / "worker.log"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_two_runs_on_one_folder_lose_and_repeat_nothing(data_dir: Path) -> None:
    """Every event counts once over two runs.

    The first run ends by its duration, the second by SIGTERM after its worker and its database were
    killed.

    The broker forgets all when it stops. So this holds only if a stop first takes in what was sent,
    and if a start repeats nothing.
    """
    with Up(data_dir, "--rate", "40", "--duration", "8") as up:
        up.wait_for("^ready")
        up.wait_for(r"^kafka://127\.0\.0\.1:\d+$")
        url = up.wait_for(r"^postgresql://\S+@127\.0\.0\.1:\d+/\w+$")[0]
        up.wait_for(r"^http://127\.0\.0\.1:\d+$")
        assert_only_its_user_gets_in(data_dir, url)
        first = int(up.wait_for(r"^events (\d+) \|")[1])
        assert int(up.wait_for(r"^events (\d+) \|")[1]) > first
        assert up.end() == 0, up.seen
    total = sent(data_dir)
    assert total["valid"] > 0
    assert stored(data_dir) == (
        total["valid"] + total["late"],
        total["broken"] + total["conflicting"],
    )

    with Up(data_dir, "--rate", "40") as up:
        up.wait_for(r"^events \d+ \|")
        up.children(" worker")[0].kill()
        up.wait_for("^worker ended with code -9 .*starting it again in 1 s")
        up.wait_for("^worker was started again")
        up.children("pginstall")[0].kill()
        up.wait_for("^PostgreSQL was started again")
        up.wait_for(r"^events \d+ \|")
        up.process.send_signal(signal.SIGTERM)
        assert up.end() == 0, up.seen
    total += sent(data_dir)
    assert stored(data_dir) == (
        total["valid"] + total["late"],
        total["broken"] + total["conflicting"],
    )


def test_folder_is_used_by_one_at_a_time_and_nothing_outlives_a_kill(data_dir: Path) -> None:
    """A second `up` on the same folder is refused with the number of the first.

    Kill -9 of `up` ends everything that it started.
    """
    with Up(data_dir, "--no-simulate") as up:
        up.wait_for("^ready")
        with Up(data_dir, "--no-simulate") as second:
            second.wait_for(rf"already runs on .* \(process {up.process.pid}\).*--data-dir")
            assert second.end() == 1
        children = up.children()
        assert len(children) == 3
        up.process.kill()
        gone, _ = psutil.wait_procs(children, timeout=60)
        assert len(gone) == 3


def test_death_of_the_broker_is_told_and_ends_the_run(data_dir: Path) -> None:
    """Without its broker nothing can be taken in.

    A message, exit code 1, and nothing is left running.
    """
    with Up(data_dir, "--no-simulate") as up:
        up.wait_for("^ready")
        children = up.children()
        up.children("--storage-engine")[0].kill()
        up.wait_for("the embedded broker died")
        assert up.end() == 1
        assert not any(child.is_running() for child in children)


def test_taken_port_names_its_option(data_dir: Path) -> None:
    """A port that is in use is an error that says which option to change."""
    taken = free_port()
    with (
        socket.create_server(("127.0.0.1", taken)),
        Up(data_dir, "--postgres-port", str(taken)) as up,
    ):
        up.wait_for(f"--postgres-port {taken}: another program listens")
        assert up.end() == 1
