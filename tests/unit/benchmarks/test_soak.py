from __future__ import annotations

import pytest
from benchmarks.processes import MEBIBYTE
from benchmarks.soak import Look, picture, summary, warm_up_seconds


def looks(minutes: int, memory: dict[int, float]) -> list[Look]:
    """A look a minute; memory grows by so many MiB a minute from each of the given minutes on."""
    held, growth, found = 100.0, 0.0, []
    for minute in range(minutes + 1):
        growth = memory.get(minute, growth)
        found.append(
            Look(60.0 * minute, int(held * MEBIBYTE), minute % 7, 10 * minute, MEBIBYTE, MEBIBYTE)
        )
        held += growth
    return found


def test_the_warm_up_does_not_count() -> None:
    """A worker that fills its caches in the first minutes and then stays has no slope."""
    found = summary(looks(50, {0: 5.0, 10: 0.0}))
    assert found["mebibytes_per_hour"] == pytest.approx(0, abs=1e-6)
    assert found["first_mebibytes"] == found["last_mebibytes"] == pytest.approx(150)


def test_a_leak_shows_as_its_slope() -> None:
    """A tenth of a mebibyte a minute is six an hour, and the longest lag is told."""
    found = summary(looks(50, {0: 0.1}))
    assert found["mebibytes_per_hour"] == pytest.approx(6, rel=0.01)
    assert found["last_half_mebibytes_per_hour"] == pytest.approx(6, rel=0.01)
    assert (found["lag_longest_events"], found["dead_rows"]) == (6, 500)


def test_the_warm_up_of_a_long_run_is_bounded() -> None:
    """A fifth of a short run, ten minutes of a long one."""
    assert (warm_up_seconds(600), warm_up_seconds(36_000)) == (120, 600)


def test_a_run_too_short_to_tell_anything_is_refused() -> None:
    """Three looks make no trend."""
    with pytest.raises(ValueError, match="run for longer"):
        summary(looks(2, {}))


def test_memory_and_lag_are_drawn() -> None:
    """The chart has both panels."""
    drawn = picture(looks(10, {}))
    assert drawn.count("<polyline") == 2
    assert "MiB resident" in drawn
