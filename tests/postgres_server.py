"""A PostgreSQL of a test's own.

Any version, with settings, certificates and a pg_hba.conf of its own, or a copy of another server.
"""

from __future__ import annotations

import os
import platform
import shutil
import signal
import subprocess
import tarfile
import tempfile
import zipfile
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

import psycopg2
import pytest

from voc_stream.embedded.postgres import _programs
from voc_stream.embedded.processes.child import Child
from voc_stream.embedded.processes.system_user import give_folder, let_read, server_user
from voc_stream.embedded.processes.tcp_ports import LOOPBACK, free_port

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Any

POM = Path(__file__).with_name("postgres_binaries.pom.xml")
MACHINES = {"x86_64": "amd64", "aarch64": "arm64v8"}
INSTALL_TIMEOUT_SECONDS = 300.0
START_TIMEOUT_SECONDS = 30.0
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "shared_buffers": "32MB",
    "fsync": "off",
    "log_min_messages": "warning",
}
TRUST = "host all,replication all 127.0.0.1/32 trust\n"


def programs_of(version: str) -> Path:
    """Folder of the programs of an older PostgreSQL; Maven fills it the first time.

    Skips the test where there is no Maven.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "voc-stream"
    folder = cache / f"postgres-{version}"
    if folder.is_dir():
        return folder / "bin"
    maven, machine = shutil.which("mvn"), MACHINES.get(platform.machine())
    if maven is None or machine is None:
        pytest.skip(
            "Maven is not installed (Debian: maven), or not for this machine: older versions of"
            " PostgreSQL are not checked"
        )
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="unfinished-") as name:
        unfinished = Path(name)
        command = [
            maven,
            "-q",
            "-B",
            "-f",
            str(POM),
            f"-Dpostgres={version}",
            f"-Dmachine={machine}",
            "dependency:copy-dependencies",
        ]
        command.append(f"-DoutputDirectory={unfinished / 'jar'}")
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_SECONDS, check=False
        )
        assert done.returncode == 0, (
            f"Maven could not copy PostgreSQL {version} (it needs its repository the first"
            f" time):\n{done.stdout}"
        )
        [jar] = (unfinished / "jar").glob("*.jar")
        with zipfile.ZipFile(jar) as archive:
            [member] = [each for each in archive.namelist() if each.endswith(".txz")]
            archive.extract(member, unfinished)
        with tarfile.open(unfinished / member) as files:
            # Python before 3.11.4 knows no filter.
            if hasattr(tarfile, "data_filter"):
                files.extraction_filter = tarfile.data_filter
            files.extractall(unfinished / "server")
        with suppress(OSError):  # another session was faster
            (unfinished / "server").rename(folder)
    return folder / "bin"


class PostgresServer:
    """A server that may be started, killed and started again.

    Its superuser is `voc`; nothing is left when the block ends.

    Args:
        folder: existing folder that holds the data.
        programs: of the version; those of the wheel where absent.
        settings: besides `SETTINGS`.
        access: what stands in pg_hba.conf.
        copy_of: a running server that this one shall follow as its standby.
    """

    def __init__(
        self,
        folder: Path,
        *,
        programs: Path | None = None,
        settings: Mapping[str, str] | None = None,
        access: str = TRUST,
        copy_of: PostgresServer | None = None,
    ) -> None:
        self.port = free_port()
        self.data, self._user = folder / "data", server_user()
        self._programs, self._log = programs or _programs(), folder / "log"
        self._settings = {**SETTINGS, **(settings or {}), "port": str(self.port)}
        self._child: Child | None = None
        for part in (
            self._programs,
            self._programs.parent / "lib",
            self._programs.parent / "share",
        ):
            let_read(part, self._user)
        self.data.mkdir(mode=0o700)
        give_folder(self.data, self._user)
        if copy_of is None:
            self.run(
                "initdb",
                "-D",
                str(self.data),
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "-U",
                "voc",
                "--no-sync",
            )
        else:
            source = f"host={LOOPBACK} port={copy_of.port} user=voc"
            self.run(
                "pg_basebackup",
                "-D",
                str(self.data),
                "-d",
                source,
                "-R",
                "-X",
                "stream",
                "-c",
                "fast",
                "--no-sync",
            )
        (self.data / "pg_hba.conf").write_text(access)

    @property
    def url(self) -> str:
        """URL of the database `postgres`, as superuser."""
        return f"postgresql://voc@{LOOPBACK}:{self.port}/postgres"

    def database(self, name: str, role: str = "voc") -> str:
        """URL of another database, as another role."""
        return f"postgresql://{role}@{LOOPBACK}:{self.port}/{name}"

    def place(self, *files: Path) -> list[str]:
        """Copy files to where the server, and nobody else, can read them; their paths."""
        placed = []
        for file in files:
            target = self.data / file.name
            shutil.copy(file, target)
            target.chmod(0o600)
            if self._user is not None:
                shutil.chown(target, self._user, self._user)
            placed.append(str(target))
        return placed

    def set(self, **settings: str) -> None:
        """Settings of the next start."""
        self._settings |= settings

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        options = [
            word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")
        ]
        command = [str(self._programs / "postgres"), "-D", str(self.data), *options]
        self._child = Child(
            "PostgreSQL", command, self._log, stop_signal=signal.SIGINT, user=self._user
        )
        from integration.postgres.store import wait_until

        wait_until(self._is_ready, START_TIMEOUT_SECONDS)

    def _is_ready(self) -> bool:
        assert self._child is not None
        assert self._child.exit_code() is None, self._child.log_tail()
        with suppress(OSError):
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            return len(lines) > 7 and lines[7].strip() in {"ready", "standby"}
        return False

    def kill(self) -> None:
        """End it as a power cut would."""
        self.run("pg_ctl", "-D", str(self.data), "-m", "immediate", "stop")

    def promote(self) -> None:
        """Let a standby take writes."""
        self.run("pg_ctl", "-D", str(self.data), "-w", "promote")

    def ask(self, statement: str, url: str | None = None) -> list[tuple[Any, ...]]:
        """Run a statement outside a transaction; the rows, if it has any."""
        with closing(psycopg2.connect(url or self.url)) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def run(self, program: str, *arguments: str, expect: int | None = 0) -> None:
        """Run one of its programs as the server's user."""
        groups: list[str] | None = None if self._user is None else []
        command = [str(self._programs / program), *arguments]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            user=self._user,
            group=self._user,
            extra_groups=groups,
            cwd="/",
        )
        assert expect is None or done.returncode == expect, done.stderr or done.stdout

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._child is not None:
            self._child.stop(30.0)
