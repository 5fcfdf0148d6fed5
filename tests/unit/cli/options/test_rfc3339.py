from __future__ import annotations

from datetime import UTC, datetime

import click
import pytest

from voc_stream.cli.options.rfc3339 import Rfc3339


@pytest.mark.parametrize("value", ["2025-03-01T08:00:00Z", "2025-03-01T16:00:00+08:00"])
def test_a_moment_is_read_in_utc(value: str) -> None:
    """Any offset will do: moments are compared in UTC."""
    found = Rfc3339().convert(value, None, None)
    assert (found, found.tzinfo) == (datetime(2025, 3, 1, 8, tzinfo=UTC), UTC)


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        ("yesterday", "write 2025-03-01T08:00:00Z"),
        ("2025-03-01T08:00:00", "write 2025-03-01T08:00:00Z for UTC"),
    ],
)
def test_what_is_no_moment_is_refused_with_advice(value: str, advice: str) -> None:
    """A time without an offset would mean another moment on each machine."""
    with pytest.raises(click.BadParameter, match=advice):
        Rfc3339().convert(value, None, None)
