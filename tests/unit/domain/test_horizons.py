from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from builders import START
from hypothesis import given
from hypothesis import strategies as st

from voc_stream.domain.dimensions import SCOPE_TYPES
from voc_stream.domain.horizons import HORIZONS, PANES_KEPT, Horizon, window

LENGTHS = {
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
}
MOMENTS = st.integers(-(10**12), 10**12).map(
    lambda microseconds: START + timedelta(microseconds=microseconds)
)


@given(MOMENTS, st.sampled_from(HORIZONS))
def test_a_window_is_as_long_as_its_name_and_ends_with_the_pane_of_the_moment(
    as_of: datetime, horizon: Horizon
) -> None:
    """The last pane holds `as_of`, and all panes together are as long as the name says."""
    first, last = window(horizon, as_of)
    assert last <= as_of < last + horizon.pane
    assert last + horizon.pane - first == LENGTHS[horizon.name]


@given(MOMENTS, st.sampled_from(HORIZONS), st.integers(0, 10**9))
def test_windows_only_move_forward_with_time(
    as_of: datetime, horizon: Horizon, microseconds: int
) -> None:
    """A later moment never has an earlier window."""
    now, later = (
        window(horizon, as_of),
        window(horizon, as_of + timedelta(microseconds=microseconds)),
    )
    assert later.first >= now.first
    assert later.last >= now.last


@pytest.mark.parametrize("horizon", HORIZONS, ids=lambda horizon: horizon.name)
def test_panes_are_kept_longer_than_their_horizon(horizon: Horizon) -> None:
    """What leaves a horizon is subtracted from its panes, which must still be there.

    That holds also after a standstill of a day.
    """
    assert PANES_KEPT[horizon.pane] >= LENGTHS[horizon.name] + timedelta(days=1)


def test_scopes_are_those_of_the_contract() -> None:
    """`all` and `site` at every horizon, the others at a day and longer."""
    assert {horizon.name: horizon.scope_types for horizon in HORIZONS} == {
        "1h": ("all", "site"),
        **dict.fromkeys(("24h", "7d", "30d", "90d"), SCOPE_TYPES),
    }
