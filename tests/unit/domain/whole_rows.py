"""Compares a row as it is written with the oracle's, in every column that the oracle knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence


def assert_whole_row(
    columns: Sequence[str],
    written: Sequence[object],
    expected: Mapping[str, Any],
    *,
    own: Collection[str],
) -> None:
    """Every column is the oracle's, but for `own`: the key, and what only the engine needs.

    No column is left out on either side.
    """
    row = dict(zip(columns, written, strict=True))
    assert row.keys() - set(own) == expected.keys()
    for name, value in expected.items():
        known = (
            value
            if value is None or isinstance(value, str | bool) or not hasattr(value, "__float__")
            else pytest.approx(float(value))
        )
        assert row[name] == known, name
