"""What simulated customers give to measure: all that a catalogue declares."""

from __future__ import annotations

import tomllib
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from oracle import expected_tables

import voc_stream
from voc_stream.catalogue.flow import Flow
from voc_stream.catalogue.load import load_catalogue
from voc_stream.events.decode import Refusal, decode
from voc_stream.simulator.any_trade.play import play_of
from voc_stream.simulator.call_centre import simulate
from voc_stream.simulator.options import EARLY_DAYS, Noise, SimulationOptions

if TYPE_CHECKING:
    from oracle.reading import Table

    from voc_stream.catalogue.model import Catalogue

START = datetime(2025, 3, 1, 5, 30, tzinfo=UTC)
QUIET = Noise(
    duplicate_share=0, late_share=0, broken_share=0, retracted_share=0, conflicting_share=0
)
TRADES = Path(voc_stream.__file__).parent / "catalogue" / "trades"
NAMES = sorted(file.stem for file in TRADES.glob("*.toml"))


def _options(**changed: Any) -> SimulationOptions:
    story = {
        "seed": 7,
        "duration_seconds": 0,
        "history_events": 5_000,
        "early_days": EARLY_DAYS,
        "early_events": 3_000,
        "noise": QUIET,
    }
    return SimulationOptions(start=START, **{**story, **changed})


@pytest.fixture(scope="module", params=NAMES)
def trade(request: pytest.FixtureRequest) -> tuple[Catalogue, list[bytes | None], Table]:
    """A packaged catalogue, what its customers say, and what the oracle makes of it."""
    name = request.param
    catalogue = load_catalogue(name)
    values = [message.value for message in simulate(_options(), play_of(catalogue))]
    toml = tomllib.loads((TRADES / f"{name}.toml").read_text(encoding="utf-8"))
    return catalogue, values, expected_tables(values, toml, START)["rolling_satisfaction"]


def test_every_experience_of_a_packaged_catalogue_has_values(
    trade: tuple[Catalogue, list[bytes | None], Table],
) -> None:
    """The history alone gives each a row in the rolling tables, and nothing is refused."""
    catalogue, values, rows = trade
    decoded = [decode(value, START, catalogue) for value in values]
    assert [one for one in decoded if isinstance(one, Refusal)] == []
    found = Counter(key[-1] for key, row in rows.items() if row["n"] > 0)
    assert sorted(catalogue.experience.keys() - found.keys()) == []


def test_every_measure_has_more_than_one_value(
    trade: tuple[Catalogue, list[bytes | None], Table],
) -> None:
    """A measure that is always the same shows nothing: shares are kept and broken, waits differ."""
    _, _, rows = trade
    deviations = {
        key[-1]: row["stddev"]
        for key, row in rows.items()
        if key[:2] == ("90d", "all") and row["n"] > 1
    }
    assert sorted(key for key, deviation in deviations.items() if not deviation) == []


def test_a_trade_without_orders_is_played() -> None:
    """A catalogue that has no flow gets visits without steps, and nothing is refused."""
    retail = load_catalogue("retail")
    ratings = {
        key: msgspec.structs.replace(one, stage=None)
        for key, one in retail.experience.items()
        if one.kind == "rating" and one.source is None
    }
    catalogue = msgspec.structs.replace(retail, flow=Flow(), experience=ratings)
    events = [
        decode(message.value, START, catalogue)
        for message in simulate(_options(history_events=500), play_of(catalogue))
    ]
    kinds = Counter(type(event).__name__ for event in events)
    assert kinds.keys() == {"Callback", "Complaint", "Customer", "Touchpoint"}


@pytest.mark.parametrize("name", [name for name in NAMES if name != "automotive"])
def test_live_rate_of_another_trade(name: str) -> None:
    """The live part has about `rate_per_second` events, whatever the trade."""
    options = _options(rate_per_second=20, duration_seconds=600)
    play = play_of(load_catalogue(name))
    live = [message for message in simulate(options, play) if message.occurred_at >= START]
    assert len(live) == pytest.approx(20 * 600, rel=0.15)


def test_another_trade_is_repeatable() -> None:
    """A seed and a start give the same bytes, in every trade."""
    play = play_of(load_catalogue("hotel"))
    options = _options(rate_per_second=20, duration_seconds=30)
    assert list(simulate(options, play)) == list(simulate(options, play))


def test_the_history_reaches_back_over_the_early_days() -> None:
    """The first visits are as long ago as is asked for, and nothing of it comes after the start."""
    play = play_of(load_catalogue("retail"))
    moments = [message.occurred_at for message in simulate(_options(), play)]
    assert START - timedelta(days=EARLY_DAYS + 29) <= min(moments)
    assert min(moments) < START - timedelta(days=EARLY_DAYS)
    assert max(moments) <= START
