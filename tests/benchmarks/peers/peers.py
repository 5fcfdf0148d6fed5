"""The peers: what each installs, and how it is started and restarted.

If a peer's documentation leaves a choice, this says what was chosen.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from apache_kafka import java
from benchmarks.peers.environments import compiled, jars, virtual_environment
from benchmarks.peers.job import ReducedJob
from benchmarks.peers.whole.job import OurWholeJob, WholeJob

from voc_stream.embedded.processes.tcp_ports import LOOPBACK, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from benchmarks.peers.job import Job

MODULES = "benchmarks.peers"
HERE = Path(__file__).parent
POSTGRES_DRIVER = "psycopg2-binary==2.9.13"
BYTEWAX_PORTS = (free_port(), free_port())


class Peer(NamedTuple):
    """One peer.

    Attributes:
        name: for the command line.
        title: for the table, with its version.
        how: its configuration in a sentence.
        install: makes its environment and gives its interpreter, or what follows Java's `-cp`.
            Raises NotInstalledError.
        command: starts one process, given that, the state folder and the number of the process; the
            same for a restart.
        prepare: is run once before the first start.
        processes: how many of them run at once.
        share: of the messages, for a peer that would need too long for all.
        job: what it does, and what its tables are compared with.
    """

    name: str
    title: str
    how: str
    install: Callable[[], str]
    command: Callable[[str, Path, int], Sequence[str]]
    prepare: Callable[[str, Path], Sequence[str]] | None = None
    processes: int = 1
    share: float = 1.0
    job: Callable[[Sequence[bytes], datetime], Job] = lambda values, _: ReducedJob(values)


def _module(name: str, *arguments: str) -> Callable[[str, Path, int], Sequence[str]]:
    return lambda python, _state, _number: [python, "-m", f"{MODULES}.{name}", *arguments]


def _faust_environment() -> str:
    return str(
        virtual_environment(
            "faust", ["faust-streaming==0.15.3", "asyncpg==0.32.0", POSTGRES_DRIVER]
        )
    )


def _locked(name: str) -> str:
    return str(virtual_environment(name, lock=HERE / "whole" / f"{name}.txt"))


def _bytewax(python: str, state: Path, number: int, module: str = "bytewax_flow") -> Sequence[str]:
    addresses = ";".join(f"{LOOPBACK}:{port}" for port in BYTEWAX_PORTS)
    options = ["-i", str(number), "-a", addresses, "-r", str(state), "-s", "10", "-b", "0"]
    return [python, "-m", "bytewax.run", *options, f"{MODULES}.{module}:flow"]


def _flink(name: str) -> Callable[[str, Path, int], Sequence[str]]:
    def command(python: str, _state: Path, _number: int) -> Sequence[str]:
        connectors = jars("flink-jars", HERE / "flink.pom.xml")
        return ["/usr/bin/env", f"FLINK_JARS={connectors}", python, "-m", f"{MODULES}.{name}"]

    return command


def _kafka_streams_environment() -> str:
    folder = HERE / "kafka_streams"
    libraries = jars("kafka-streams-jars", folder / "pom.xml")
    classes = compiled("kafka-streams", sorted(folder.glob("*.java")), libraries)
    return f"{classes}:{libraries}/*"


PEERS = (
    Peer(
        name="ours",
        title="voc_stream",
        how="2 workers; batches of up to 20,000; position and rows in one transaction; the last"
        " 100,000 to 200,000 ids are kept in memory,"
        " so that ids that are new go straight in by COPY and not by way of a temporary table, as"
        " with the other Python peers",
        install=lambda: sys.executable,
        command=_module("ours"),
        processes=2,
    ),
    Peer(
        name="bytewax",
        title="Bytewax 0.21.1",
        how="2 processes; recovery store, snapshot every 10 s; `DynamicSink.write_batch`, one"
        " transaction a batch",
        install=lambda: str(
            virtual_environment(
                "bytewax", ["bytewax[kafka]==0.21.1", "orjson==3.11.4", POSTGRES_DRIVER]
            )
        ),
        prepare=lambda python, state: [python, "-m", "bytewax.recovery", str(state), "1"],
        command=_bytewax,
        processes=2,
    ),
    Peer(
        name="quix",
        title="Quix Streams 3.28.1",
        how="2 processes; `BatchingSink`, one transaction for each partition at a checkpoint, every"
        " 5 s (default)",
        install=lambda: str(virtual_environment("quix", ["quixstreams==3.28.1", POSTGRES_DRIVER])),
        command=_module("quix"),
        processes=2,
    ),
    Peer(
        name="faust",
        title="Faust 0.15.3, plain",
        how="`async for event in stream`, one asyncpg transaction an event",
        install=_faust_environment,
        command=_module("plain_faust", "worker", "-l", "warn"),
        share=0.05,
    ),
    Peer(
        name="faust-take",
        title="Faust 0.15.3, batches",
        how="`stream.take(5000, within=1)`, one transaction a batch",
        install=_faust_environment,
        command=_module("batched_faust", "worker", "-l", "warn"),
    ),
    Peer(
        name="pyflink",
        title="PyFlink 2.0.1",
        how="Table API, parallelism 2, mini-batches of 1 s, state on the heap, checkpoint every 5"
        " s; JDBC sink, 5,000 rows a batch",
        install=lambda: str(virtual_environment("flink", ["apache-flink==2.0.1"])),
        command=_flink("flink"),
    ),
    Peer(
        name="kafka-streams",
        title="Kafka Streams 4.1.1",
        how="2 threads, exactly_once_v2, no cache; every second rows are upserted by JDBC, then"
        " offsets and state are committed",
        install=_kafka_streams_environment,
        command=lambda classpath, _state, _number: [
            java(),
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-cp",
            classpath,
            "ReducedJob",
        ],
    ),
)
WHOLE = (
    Peer(
        name="ours-whole",
        title="voc_stream",
        how="2 workers, settings as they come",
        install=lambda: sys.executable,
        command=_module("whole.ours"),
        processes=2,
        job=OurWholeJob,
    ),
    Peer(
        name="bytewax-whole",
        title="Bytewax 0.21.1",
        how="2 processes; `stateful_batch` by customer and by group of sums. Recovery store,"
        " snapshot every 10 s. `DynamicSink.write_batch` upserts absolute rows, one transaction a"
        " batch",
        install=lambda: _locked("bytewax-whole"),
        prepare=lambda python, state: [python, "-m", "bytewax.recovery", str(state), "1"],
        command=lambda python, state, number: _bytewax(python, state, number, "whole.bytewax_flow"),
        processes=2,
        job=WholeJob,
    ),
    Peer(
        name="pyflink-whole",
        title="PyFlink 2.0.1",
        how="DataStream API, `KeyedProcessFunction` by customer and by group of sums,"
        " parallelism 2, state on the heap, checkpoint every 5 s; JDBC sinks upsert absolute rows,"
        " 5,000 a batch",
        install=lambda: _locked("pyflink-whole"),
        command=_flink("whole.flink_flow"),
        job=WholeJob,
    ),
)
"""Those that do the whole job of `whole/job.py`."""
