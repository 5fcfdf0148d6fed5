"""Runs Apache Kafka as the broker of `up`.

It has one node, from a download that is unpacked here, and keeps its data in the folder.
"""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Self

from voc_stream.embedded.processes.child import Child
from voc_stream.embedded.processes.tcp_ports import LOOPBACK, free_port, listens
from voc_stream.errors import EmbeddedError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

CLUSTER_ID = "dm9jLXN0cmVhbS11cC4uLg"
FORMAT_TIMEOUT_SECONDS = 60.0
START_TIMEOUT_SECONDS = 120.0  # after a crash it first checks its logs
STOP_TIMEOUT_SECONDS = 30.0
STARTED = "Kafka Server started"
JAVA_OPTIONS = ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-Djava.awt.headless=true")
MAXIMUM_MESSAGE_BYTES = 32 * 1024 * 1024
LOG4J = """<Configuration status="warn">
  <Appenders><Console name="out"><PatternLayout pattern="%d %p %c{1} %m%n"/></Console></Appenders>
  <Loggers><Root level="info"><AppenderRef ref="out"/></Root></Loggers>
</Configuration>
"""


class ApacheBroker:
    """A running broker of Apache Kafka 4, which keeps what it was sent after a stop or a crash.

    Args:
        data_dir: existing folder; data and settings are kept in its subfolder `kafka`.
        port: free port of 127.0.0.1 to listen on.
        home: folder of an unpacked download of Apache Kafka, or of its jars alone.

    Raises:
        EmbeddedError: Java or Apache Kafka is missing, or it does not start.
    """

    keeps_events = True

    def __init__(self, data_dir: Path, port: int, home: Path) -> None:
        self.port = port
        folder = data_dir.resolve() / "kafka"
        folder.mkdir(exist_ok=True)
        (folder / "log4j2.xml").write_text(LOG4J, encoding="utf-8")
        settings = folder / "broker.properties"
        settings.write_text(_properties(folder, port), encoding="utf-8")
        command = [
            _java(),
            *JAVA_OPTIONS,
            f"-Dlog4j2.configurationFile={folder / 'log4j2.xml'}",
            "-cp",
            f"{_jars(home)}/*",
        ]
        _format(command, settings)
        self.child = Child(
            "Apache Kafka", [*command, "kafka.Kafka", str(settings)], data_dir / "broker.log"
        )
        try:
            self.child.wait_until(self._is_ready, START_TIMEOUT_SECONDS)
        except BaseException:
            self.stop()
            raise

    @property
    def bootstrap(self) -> str:
        """What a Kafka client is given to connect."""
        return f"{LOOPBACK}:{self.port}"

    def stop(self) -> None:
        """End the broker cleanly. Safe to call twice."""
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

    def _is_ready(self) -> bool:
        # It listens a moment before it can make topics.
        return listens(self.child.pid, self.port) and STARTED in self.child.log_since_start()


def _java() -> str:
    program = shutil.which("java")
    if program is None:
        raise EmbeddedError(
            "--broker apache needs Java 17 or later, and there is no program `java`: install a Java"
            " runtime"
        )
    return program


def _jars(home: Path) -> Path:
    """The folder of the jars in a download of Apache Kafka."""
    for folder in (home / "libs", home):
        if any(folder.glob("kafka-clients-*.jar")) and any(folder.glob("kafka_2.*.jar")):
            return folder.resolve()
    raise EmbeddedError(
        f"--kafka-home {home}: there is no Apache Kafka; unpack a download of"
        f" https://kafka.apache.org/downloads and name its folder"
    )


def _format(command: list[str], settings: Path) -> None:
    """Prepare an empty data folder; one with data stays as it is."""
    arguments = [
        "kafka.tools.StorageTool",
        "format",
        "--ignore-formatted",
        "--cluster-id",
        CLUSTER_ID,
        "--config",
        str(settings),
    ]
    done = subprocess.run(  # noqa: S603  the command is ours
        [*command, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=FORMAT_TIMEOUT_SECONDS,
    )
    if done.returncode != 0:
        raise EmbeddedError(
            f"Apache Kafka could not prepare {settings.parent}:"
            f" {(done.stderr or done.stdout)[-1000:].strip()}"
        )


def _properties(folder: Path, port: int) -> str:
    controller = f"{LOOPBACK}:{free_port()}"
    values = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.voters": f"1@{controller}",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": folder / "data",
        # Topics are made by `init`, with the partitions of the settings.
        "auto.create.topics.enable": "false",
        "message.max.bytes": MAXIMUM_MESSAGE_BYTES,
        "replica.fetch.max.bytes": MAXIMUM_MESSAGE_BYTES,
        # One node has one copy of everything.
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 4,
        "group.initial.rebalance.delay.ms": 0,
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())
