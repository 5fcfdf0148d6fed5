"""`voc-stream up`: all of it on one machine, until it is told to stop."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

import click

from voc_stream.cli.options.finite_range import FiniteRange
from voc_stream.cli.screen.live_summary import Screen
from voc_stream.cli.screen.terminal import console, say
from voc_stream.embedded.data_dir import locked, write_private
from voc_stream.embedded.machine import Machine, Ports
from voc_stream.embedded.processes.tcp_ports import choose_port
from voc_stream.kafka.connection.ask import TopicsError
from voc_stream.kafka.log_reader import read_log_ends
from voc_stream.kafka.topics import ensure_topics
from voc_stream.pipeline.lag import lags
from voc_stream.pipeline.ports import StoreUnavailableError
from voc_stream.postgres.reading.summary import read_status, read_summary
from voc_stream.postgres.schema.migrate import migrate
from voc_stream.settings import CONFIG, PACKAGED_CATALOGUES, load_settings, without_settings

if TYPE_CHECKING:
    from voc_stream.settings import Settings

USUAL_KAFKA_PORT = 9092
USUAL_POSTGRES_PORT = 5432
CHECK_INTERVAL_SECONDS = 0.5
PORT = click.IntRange(0, 65535)


class StopRequest:
    """Ctrl-C or SIGTERM, while used as a context.

    The first asks for a clean end, the second for a quick one.
    """

    def __init__(self) -> None:
        self._requested = threading.Event()
        self._count = 0

    def requested(self) -> bool:
        """Whether the end was asked for."""
        return self._requested.is_set()

    def hurried(self) -> bool:
        """Whether it was asked for more than once."""
        return self._count > 1

    def wait(self, seconds: float) -> bool:
        """Wait for a request, at most so long; returns whether there was one."""
        return self._requested.wait(seconds)

    def _note(self, *_: object) -> None:
        self._count += 1
        self._requested.set()

    def __enter__(self) -> Self:
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        self._before = {number: signal.signal(number, self._note) for number in numbers}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


@click.command(name="up")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".voc"),
    show_default=True,
    help="Kept between runs.",
)
@click.option(
    "--broker",
    "kind",
    type=click.Choice(["embedded", "apache"]),
    default="embedded",
    show_default=True,
    help="The small broker that comes with this package, or Apache Kafka, which needs Java.",
)
@click.option(
    "--kafka-home",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    envvar="KAFKA_HOME",
    help="For --broker apache: folder of an unpacked download of Apache Kafka 4. Default:"
    " KAFKA_HOME.",
)
@click.option(
    "--kafka-port",
    type=PORT,
    help=f"Port of the broker. Default: {USUAL_KAFKA_PORT}, or a free one where that is taken.",
)
@click.option(
    "--postgres-port",
    type=PORT,
    help=f"Port of PostgreSQL. Default: {USUAL_POSTGRES_PORT}, or a free one.",
)
@click.option(
    "--web-port",
    type=PORT,
    help="Port of the worker's pages. Default: VOC_WEB_PORT (6066), or a free one.",
)
@click.option(
    "--simulate/--no-simulate",
    default=True,
    show_default=True,
    help="Whether a simulated call centre sends events.",
)
@click.option(
    "--rate",
    type=FiniteRange(0, min_open=True),
    default=20.0,
    show_default=True,
    help="Its events per second.",
)
@click.option(
    "--duration",
    type=FiniteRange(0),
    help="Stop so many seconds after the start. Default: run until Ctrl-C.",
)
def command(
    *,
    data_dir: Path,
    kind: str,
    kafka_home: Path | None,
    kafka_port: int | None,
    postgres_port: int | None,
    web_port: int | None,
    simulate: bool,
    rate: float,
    duration: float | None,
) -> None:
    """Run all of it on this machine: broker, PostgreSQL, worker and a simulated call centre.

    PostgreSQL keeps its data in the folder; the embedded broker forgets all when it stops, so a
    clean stop first takes in what was sent. Apache Kafka keeps its data in the folder, too, and
    serves every client. The addresses and credentials of Kafka and PostgreSQL in the settings are
    not used. Port 0 takes any free port.
    """
    if kind == "apache" and kafka_home is None:
        raise click.UsageError(
            "--broker apache needs --kafka-home, the folder of an unpacked download of Apache Kafka"
            " 4"
        )
    settings = load_settings(os.environ)
    started = time.monotonic()
    with StopRequest() as stop, locked(data_dir) as folder:
        ports = Ports(
            choose_port(kafka_port, USUAL_KAFKA_PORT, "--kafka-port"),
            choose_port(postgres_port, USUAL_POSTGRES_PORT, "--postgres-port"),
            choose_port(web_port, settings.web_port, "--web-port"),
        )
        say("starting broker and PostgreSQL …")
        with Machine(
            folder, ports, settings, _environment(), kafka_home if kind == "apache" else None
        ) as machine:
            _start(machine, stop)
            if not stop.requested():
                _announce(
                    machine,
                    _write_addresses(folder, machine.settings),
                    time.monotonic() - started,
                )
                if simulate:
                    # Another history of the same days would contradict the one that the tables
                    # hold.
                    machine.start_simulator(
                        rate,
                        with_history=not read_summary(
                            machine.settings.require_database_url()
                        ).events,
                    )
                _watch(machine, stop, duration)
                _finish(machine, stop)
    say("stopped")


def _start(machine: Machine, stop: StopRequest) -> None:
    say("tables and topics …")
    migrate(machine.settings.require_database_url(), say)
    ensure_topics(machine.settings)
    if not stop.requested():
        say("worker …")
        machine.start_worker(stop.requested)


def _announce(machine: Machine, file: Path, seconds: float) -> None:
    settings = machine.settings
    say(f"ready 就绪 after {seconds:.1f} s; stop with Ctrl-C")
    say(f"kafka://{settings.kafka_bootstrap}")
    if not machine.serves_every_client:
        say(
            "This broker does not serve kcat of Debian 12, Java's client 4.4 and kafkajs with"
            " idempotence: see docs/howto/push.md"
        )
    say(settings.require_database_url())
    say(machine.worker_url)
    say(f"For commands in another terminal: export {CONFIG}={file}")


def _watch(machine: Machine, stop: StopRequest, duration: float | None) -> None:
    end = None if duration is None else time.monotonic() + duration
    with Screen(console(), machine.settings.require_database_url(), machine.lag_events) as screen:
        while not stop.wait(
            CHECK_INTERVAL_SECONDS
            if end is None
            else min(CHECK_INTERVAL_SECONDS, max(0.0, end - time.monotonic()))
        ):
            for message in machine.check():
                screen.say(message)
            if end is not None and time.monotonic() >= end:
                return
            screen.refresh(time.monotonic())


def _finish(machine: Machine, stop: StopRequest) -> None:
    say("stopping 正在停止: first taking in what was sent …")
    machine.stop_simulator()
    if not machine.take_in(lambda: _waiting(machine.settings), stop.hurried):
        say("not everything that was sent has been taken in; send it again", error=True)


def _waiting(settings: Settings) -> int | None:
    """Messages in the broker that are not yet in the tables, at this moment.

    None if one of the two does not answer.
    """
    try:
        ends = read_log_ends(settings)
        positions = read_status(settings.require_database_url()).positions
    except (TopicsError, StoreUnavailableError):
        return None
    return sum(lags(ends, positions).values())


def _environment() -> dict[str, str]:
    """The variables that children inherit: all but the settings, which are handed to them whole."""
    return without_settings(os.environ)


def _write_addresses(folder: Path, settings: Settings) -> Path:
    """Write a file for VOC_CONFIG, so that other commands of this user find what runs here.

    It holds the password of the database, too. It stays when `up` stops: a shell that exported its
    name must still be able to run every command, this one included.
    """
    path = folder / "voc.toml"
    addresses = {
        "kafka_bootstrap": settings.kafka_bootstrap,
        "database_url": settings.require_database_url(),
        "topic_prefix": settings.topic_prefix,
        "group": settings.group,
    }
    if settings.catalogue is not None:
        is_packaged = (
            settings.catalogue in PACKAGED_CATALOGUES and not Path(settings.catalogue).exists()
        )
        addresses["catalogue"] = (
            settings.catalogue if is_packaged else str(Path(settings.catalogue).resolve())
        )
    # JSON quotes a text the way TOML does.
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in addresses.items()]
    write_private(path, "".join([*lines, f"web_port = {settings.web_port}\n"]))
    return path
