"""Apache Kafka for the tests.

Its Java artifacts from Maven, and clusters of one or three brokers on 127.0.0.1.

Needs Java 17 or later and Maven. What Maven copied stays in the user's cache folder, so only the
first run needs a repository.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import xml.etree.ElementTree as ET
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from voc_stream.embedded.processes.child import Child
from voc_stream.embedded.processes.tcp_ports import LOOPBACK, listens

if TYPE_CHECKING:
    from collections.abc import Mapping

POM = Path(__file__).with_name("apache_kafka.pom.xml")
CLUSTER_ID = "dm9jLXN0cmVhbS10ZXN0cw"
INSTALL_TIMEOUT_SECONDS = 300.0
FORMAT_TIMEOUT_SECONDS = 60.0
READY_TIMEOUT_SECONDS = 60.0
SETTLING_SECONDS = 2.0
STOP_TIMEOUT_SECONDS = 30.0
# Below the ports that Linux gives to outgoing connections. One of those could take the port of a
# broker that is down, or connect to itself.
PORTS = range(12_000, 32_000)
MAXIMUM_MESSAGE_BYTES = 32 * 1024 * 1024
JAVA_OPTIONS = (
    "-Xms128m",
    "-Xmx384m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Djava.awt.headless=true",
)
LOG4J = """<Configuration status="warn">
  <Appenders><Console name="out"><PatternLayout pattern="%d %p %c{1} %m%n"/></Console></Appenders>
  <Loggers><Root level="info"><AppenderRef ref="out"/></Root></Loggers>
</Configuration>
"""


class ApacheKafkaError(Exception):
    """Apache Kafka cannot be installed or does not start; the message says why and what to do."""


def java() -> str:
    """Path of the Java program. Raises ApacheKafkaError."""
    return _program("java", "a Java runtime, 17 or later (Debian: openjdk-17-jre-headless)")


def install_kafka() -> Path:
    """Folder of Apache Kafka's jars; Maven fills it the first time. Raises ApacheKafkaError."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "voc-stream"
    pom = POM.read_bytes()
    folder = cache / f"kafka-{_version(pom)}-{hashlib.sha256(pom).hexdigest()[:8]}"
    if folder.is_dir():
        return folder
    maven = _program("mvn", "Maven (Debian: maven)")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="unfinished-") as unfinished:
        jars = Path(unfinished) / "jars"
        command = [
            maven,
            "-q",
            "-B",
            "-f",
            str(POM),
            "dependency:copy-dependencies",
            f"-DoutputDirectory={jars}",
        ]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_SECONDS, check=False
        )
        if done.returncode != 0:
            raise ApacheKafkaError(
                f"Maven could not copy Apache Kafka (it needs its repository the first"
                f" time):\n{done.stdout[-2000:]}"
            )
        with suppress(OSError):  # another session was faster
            jars.rename(folder)
    return folder


class KafkaCluster:
    """Running brokers, each also a controller.

    Brokers are numbered from 1. Nothing is left when the block ends.

    Start it from a thread that lasts as long as the cluster (see `Child`).

    Args:
        folder: existing folder for data and logs.
        brokers: 1, or 3, which replicate everything three times and need two in sync.
        listeners: security protocols of more listeners of the one broker, by name.
        properties: settings of each broker besides the usual ones.

    Raises:
        ApacheKafkaError: Java, Maven or a broker fails.
    """

    def __init__(
        self,
        folder: Path,
        brokers: int = 1,
        *,
        listeners: Mapping[str, str] = MappingProxyType({}),
        properties: Mapping[str, object] = MappingProxyType({}),
    ) -> None:
        self.folder = folder
        self._protocols = {"PLAINTEXT": "PLAINTEXT", "CONTROLLER": "PLAINTEXT", **listeners}
        self._listener_ports = dict(zip(listeners, _free_ports(len(listeners)), strict=True))
        self._own_properties = properties
        numbers = range(1, brokers + 1)
        ports = _free_ports(2 * brokers)
        self._ports = dict(zip(numbers, ports, strict=False))
        self._controller_ports = dict(zip(numbers, ports[brokers:], strict=True))
        self._children: dict[int, Child] = {}
        self._settled_at = 0.0
        self._command = [
            java(),
            *JAVA_OPTIONS,
            f"-Dlog4j2.configurationFile={folder / 'log4j2.xml'}",
            "-cp",
            f"{install_kafka()}/*",
        ]
        (folder / "log4j2.xml").write_text(LOG4J)
        self._format()

    @property
    def bootstrap(self) -> str:
        """`host:port` of all brokers, with commas between."""
        return ",".join(f"{LOOPBACK}:{port}" for port in self._ports.values())

    @property
    def brokers(self) -> tuple[int, ...]:
        """The brokers' numbers."""
        return tuple(self._ports)

    def port(self, number: int) -> int:
        """The port on which a broker serves clients."""
        return self._ports[number]

    def listener(self, name: str, host: str = LOOPBACK) -> str:
        """`host:port` of a further listener."""
        return f"{host}:{self._listener_ports[name]}"

    def __enter__(self) -> Self:
        try:
            for number in self._ports:
                self.start(number)
            self.wait_until_ready()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, number: int) -> None:
        """Start a broker, or start it again with what it had.

        It serves clients a few seconds later: see `wait_until_ready`.
        """
        child = self._children.get(number)
        if child is not None and child.exit_code() is None:
            raise ApacheKafkaError(f"broker {number} runs already")
        log_path = self.folder / f"broker-{number}.{time.time_ns()}.log"
        self._children[number] = Child(
            f"broker {number}",
            [*self._command, "kafka.Kafka", str(self._properties(number))],
            log_path,
        )

    def stop(self, number: int) -> None:
        """End a broker cleanly: it hands its partitions over first."""
        self._children[number].stop(STOP_TIMEOUT_SECONDS)

    def kill(self, number: int) -> None:
        """End a broker as a power cut would; what it had written is not lost with the process."""
        self._send(number, signal.SIGKILL)
        self._children[number].stop(STOP_TIMEOUT_SECONDS)

    def pause(self, number: int) -> None:
        """Freeze a broker: its connections stay open, and nothing answers."""
        self._send(number, signal.SIGSTOP)

    def resume(self, number: int) -> None:
        """Let a frozen broker go on.

        For a moment it may still believe that all is well, and then be fenced for its silence.
        """
        self._send(number, signal.SIGCONT)
        self._settled_at = time.monotonic() + SETTLING_SECONDS

    def close(self) -> None:
        """End all brokers at once. Safe to call twice."""
        for number in self._children:
            self.kill(number)

    def wait_until_ready(self, timeout_seconds: float = READY_TIMEOUT_SECONDS) -> None:
        """Wait until the brokers that run take part, and every partition has a leader.

        No others take part. Raises ApacheKafkaError.
        """
        deadline = time.monotonic() + timeout_seconds
        while not (self._is_ready() and time.monotonic() > self._settled_at):
            for child in self._children.values():
                if child.exit_code() not in {None, -signal.SIGKILL, 0, 128 + signal.SIGTERM}:
                    raise ApacheKafkaError(
                        f"{child.name} ended with code {child.exit_code()}; its last"
                        f" lines:\n{child.log_tail()}"
                    )
            if time.monotonic() > deadline:
                tails = "\n".join(
                    f"--- {child.log_path}\n{child.log_tail()}" for child in self._children.values()
                )
                raise ApacheKafkaError(
                    f"not all brokers were ready within {timeout_seconds:.0f} s; their last"
                    f" lines:\n{tails}"
                )
            time.sleep(0.1)

    def _is_ready(self) -> bool:
        running = [number for number, child in self._children.items() if child.exit_code() is None]
        if not running or not all(
            listens(self._children[number].pid, self._ports[number]) for number in running
        ):
            return False
        try:
            admin = KafkaAdminClient(
                bootstrap_servers=[f"{LOOPBACK}:{self._ports[number]}" for number in running],
                bootstrap_timeout_ms=5_000,
                request_timeout_ms=5_000,
            )
            try:
                serving = {
                    broker["broker_id"]
                    for broker in admin.describe_cluster()["brokers"]
                    if not broker["is_fenced"]
                }
                leaders = {
                    partition["leader_id"]
                    for topic in admin.describe_topics()
                    for partition in topic["partitions"]
                }
            finally:
                admin.close()
        except KafkaError:
            return False
        return serving == set(running) and leaders <= serving

    def _send(self, number: int, what: signal.Signals) -> None:
        child = self._children[number]
        if child.exit_code() is None:
            os.kill(child.pid, what)

    def _properties(self, number: int) -> Path:
        return self.folder / f"broker-{number}.properties"

    def _format(self) -> None:
        """Write every broker's settings, and prepare its empty data folder."""
        copies = 3 if len(self._ports) >= 3 else 1
        voters = ",".join(
            f"{number}@{LOOPBACK}:{port}" for number, port in self._controller_ports.items()
        )
        further = [f"{name}://{LOOPBACK}:{port}" for name, port in self._listener_ports.items()]
        formatting = []
        for number, port in self._ports.items():
            own = {
                "node.id": number,
                "log.dirs": self.folder / f"broker-{number}",
                "controller.quorum.voters": voters,
                "listener.security.protocol.map": ",".join(
                    f"{name}:{protocol}" for name, protocol in self._protocols.items()
                ),
                "listeners": ",".join(
                    [
                        f"PLAINTEXT://{LOOPBACK}:{port}",
                        f"CONTROLLER://{LOOPBACK}:{self._controller_ports[number]}",
                        *further,
                    ]
                ),
                "advertised.listeners": ",".join([f"PLAINTEXT://{LOOPBACK}:{port}", *further]),
                "default.replication.factor": copies,
                "offsets.topic.replication.factor": copies,
                "transaction.state.log.replication.factor": copies,
                "min.insync.replicas": 2 if copies > 1 else 1,
                "transaction.state.log.min.isr": 2 if copies > 1 else 1,
            }
            path = self._properties(number)
            path.write_text(
                "".join(
                    f"{name}={value}\n"
                    for name, value in {**COMMON_PROPERTIES, **own, **self._own_properties}.items()
                )
            )
            arguments = [
                *self._command,
                "kafka.tools.StorageTool",
                "format",
                "--cluster-id",
                CLUSTER_ID,
                "--config",
                str(path),
            ]
            formatting.append(
                subprocess.Popen(
                    arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
                )
            )
        for process in formatting:
            output, _ = process.communicate(timeout=FORMAT_TIMEOUT_SECONDS)
            if process.returncode != 0:
                raise ApacheKafkaError(
                    f"Apache Kafka could not prepare its folder in {self.folder}:\n{output[-2000:]}"
                )


COMMON_PROPERTIES: dict[str, object] = {
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    "message.max.bytes": MAXIMUM_MESSAGE_BYTES,
    "replica.fetch.max.bytes": MAXIMUM_MESSAGE_BYTES,
    "num.network.threads": 2,
    "num.io.threads": 2,
    "background.threads": 2,
    "num.recovery.threads.per.data.dir": 1,
    "offsets.topic.num.partitions": 1,
    "transaction.state.log.num.partitions": 1,
    # So that a dead or frozen broker is noticed, and the groups it kept find another one, within a
    # test.
    "broker.session.timeout.ms": 6_000,
    "broker.heartbeat.interval.ms": 1_000,
    "group.initial.rebalance.delay.ms": 0,
    "group.min.session.timeout.ms": 1_000,
    # Retention acts within a second or two where a test asks for it.
    "log.retention.check.interval.ms": 1_000,
    "log.initial.task.delay.ms": 1_000,
    # The usual buffer alone would take a third of the small heap.
    "log.cleaner.dedupe.buffer.size": 4 * 1024 * 1024,
}


def _program(name: str, what: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise ApacheKafkaError(f"`{name}` is not installed: tests with Apache Kafka need {what}")
    return path


def _version(pom: bytes) -> str:
    """The version of the first dependency."""
    found = ET.fromstring(pom).findtext(".//{*}dependency/{*}version")
    if found is None:
        raise ApacheKafkaError(f"{POM} names no version")
    return found


def _free_ports(count: int) -> list[int]:
    found: set[int] = set()
    while len(found) < count:
        port = random.choice(PORTS)
        with suppress(OSError), socket.create_server((LOOPBACK, port)):
            found.add(port)
    return sorted(found)
