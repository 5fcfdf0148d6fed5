"""`voc-stream simulate`: the simulated call centre, to Kafka or to a file."""

from __future__ import annotations

import itertools
import os
import secrets
import signal
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO

import click

from voc_stream.cli.options.finite_range import FiniteRange
from voc_stream.cli.options.read_catalogue import read_catalogue
from voc_stream.cli.options.rfc3339 import Rfc3339
from voc_stream.cli.screen.terminal import say
from voc_stream.settings import load_settings
from voc_stream.simulator.any_trade.play import play_of
from voc_stream.simulator.call_centre import simulate
from voc_stream.simulator.load.benchmark_mix import benchmark_events
from voc_stream.simulator.options import EARLY_DAYS, Decline, Noise, SimulationOptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from voc_stream.simulator.delivery.message import SimulatedMessage

SHARE = FiniteRange(0, 1)


@click.command(name="simulate")
@click.option(
    "--out",
    type=click.File("wb", lazy=False),
    help="Write JSON Lines to this file ('-': standard output), at once, not to Kafka.",
)
@click.option(
    "--seed",
    type=int,
    help="Repeats a run exactly, together with --start. Default: another each time.",
)
@click.option(
    "--start", type=Rfc3339(), help="When the history ends and the live part begins. Default: now."
)
@click.option(
    "--rate",
    type=FiniteRange(0, min_open=True),
    default=20.0,
    show_default=True,
    help="Live events per second, on average.",
)
@click.option(
    "--count",
    type=click.IntRange(1),
    help="Stop after so many messages, those of the history included.",
)
@click.option(
    "--duration",
    type=FiniteRange(0),
    help="Stop after so many seconds of the live part; 0: history only.",
)
@click.option(
    "--history-days",
    type=FiniteRange(0),
    default=28.0,
    show_default=True,
    help="How far back the history reaches.",
)
@click.option(
    "--history-events",
    type=click.IntRange(0),
    default=20_000,
    show_default=True,
    help="About how many events the history has.",
)
@click.option(
    "--early-days",
    type=FiniteRange(0),
    default=EARLY_DAYS,
    show_default=True,
    help="Days before the history with a few visits, for measures that wait for months.",
)
@click.option(
    "--speed",
    type=FiniteRange(0, min_open=True),
    default=600.0,
    show_default=True,
    help="Live: working seconds in a second.",
)
@click.option(
    "--sites", type=click.IntRange(1, 99), default=8, show_default=True, help="Number of shops."
)
@click.option(
    "--duplicate-share",
    type=SHARE,
    default=0.01,
    show_default=True,
    help="Events that are sent twice.",
)
@click.option(
    "--late-share",
    type=SHARE,
    default=0.02,
    show_default=True,
    help="Events that are sent minutes to hours late.",
)
@click.option(
    "--broken-share",
    type=SHARE,
    default=0.002,
    show_default=True,
    help="Broken messages for each event.",
)
@click.option("--no-broken", is_flag=True, help="The same as --broken-share 0.")
@click.option(
    "--decline-site",
    default="shop-03",
    show_default=True,
    help="The shop whose service gets worse.",
)
@click.option(
    "--decline-after",
    type=float,
    default=60.0,
    show_default=True,
    help="Seconds after the start; negative: in the history.",
)
@click.option(
    "--decline-until",
    type=FiniteRange(),
    help="Seconds after the start when it is over. Default: never.",
)
@click.option(
    "--decline-points",
    type=FiniteRange(0, 10),
    default=4.0,
    show_default=True,
    help="How much worse; 0: not at all.",
)
@click.option(
    "--mix",
    type=click.Choice(["day", "benchmark"]),
    default="day",
    show_default=True,
    help="A believable day, or cheap events.",
)
def command(
    *,
    out: BinaryIO | None,
    seed: int | None,
    start: datetime | None,
    rate: float,
    count: int | None,
    duration: float | None,
    history_days: float,
    history_events: int,
    early_days: float,
    speed: float,
    sites: int,
    duplicate_share: float,
    late_share: float,
    broken_share: float,
    no_broken: bool,
    decline_site: str,
    decline_after: float,
    decline_until: float | None,
    decline_points: float,
    mix: str,
) -> None:
    """Play a call centre of the trade of VOC_CATALOGUE, to Kafka, or with --out to JSON Lines.

    By default the trade is a group of car workshops. First comes a history of past days, as fast as
    possible. Then comes the live part: events occur as they are sent, and a working day of ten
    hours takes a minute (see --speed). It stops at --count, --duration, Ctrl-C or SIGTERM. The same
    --seed, --start, catalogue and options give the same bytes. Broken messages that cannot be a
    line of text (none or empty, with a line break, not UTF-8) are left out of JSON Lines.

    --mix benchmark is for measuring: 70 % repair steps, 20 % callbacks, 10 % complaints of
    1,000,000 customers at 300 sites. It needs --count and heeds of the others only --out, --seed,
    --start and --duplicate-share.
    """
    seed = secrets.randbits(32) if seed is None else seed
    start = start or datetime.now(UTC)
    messages: Iterable[SimulatedMessage]
    if mix == "benchmark":
        if count is None:
            raise click.UsageError("--mix benchmark needs --count: how many events")
        messages = benchmark_events(count, seed, start, duplicate_share=duplicate_share)
    else:
        options = SimulationOptions(
            start=start,
            seed=seed,
            rate_per_second=rate,
            duration_seconds=duration,
            history_days=history_days,
            history_events=history_events,
            early_days=early_days,
            speed=speed,
            sites=sites,
            decline=_decline(decline_site, decline_after, decline_until, decline_points)
            if decline_points
            else None,
            noise=Noise(
                duplicate_share=duplicate_share,
                late_share=late_share,
                broken_share=0.0 if no_broken else broken_share,
                conflicting_share=0.0 if no_broken else Noise.conflicting_share,
            ),
        )
        messages = simulate(options, play_of(read_catalogue(load_settings(os.environ))))
    if out is None:
        counts = _to_kafka(itertools.islice(messages, count), seed)
    elif count is None and duration is None:
        raise click.UsageError("--out needs --count or --duration: how much to write")
    else:
        counts = _to_file(itertools.islice(_lines(messages), count), out)
    _report(counts, seed)


def _decline(
    site_id: str, after_seconds: float, until_seconds: float | None, points: float
) -> Decline:
    if until_seconds is not None and until_seconds <= after_seconds:
        raise click.UsageError(
            f"--decline-until {until_seconds:g}: give more than --decline-after, which is"
            f" {after_seconds:g}"
        )
    return Decline(
        site_id=site_id, after_seconds=after_seconds, until_seconds=until_seconds, points=points
    )


def _to_kafka(messages: Iterable[SimulatedMessage], seed: int) -> Mapping[str, int]:
    # Imported here because a file needs no Kafka client.
    from voc_stream.kafka.timed_sender import send_simulated  # noqa: PLC0415

    settings = load_settings(os.environ)
    stop = threading.Event()

    def end(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(
            number, before[signal.Signals(number)]
        )  # a second one does not wait for the broker

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    say(
        f"sending to {settings.kafka_bootstrap}, topics {settings.topic_prefix}…, seed {seed}; stop"
        f" with Ctrl-C",
        error=True,
    )
    try:
        return send_simulated(messages, settings, stop)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _lines(messages: Iterable[SimulatedMessage]) -> Iterator[SimulatedMessage]:
    """The messages that can be a line of text."""
    for message in messages:
        if message.value and b"\n" not in message.value and _is_text(message.value):
            yield message


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _to_file(messages: Iterable[SimulatedMessage], out: BinaryIO) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for message in messages:
        out.write(message.value or b"")
        out.write(b"\n")
        counts[message.kind] = counts.get(message.kind, 0) + 1
    return counts


def _report(counts: Mapping[str, int], seed: int) -> None:
    listed = ", ".join(f"{kind} {number}" for kind, number in sorted(counts.items()))
    say(
        f"{sum(counts.values())} messages, seed {seed}{': ' + listed if listed else ''}", error=True
    )
