"""Compares the histories of customers with the oracle's, and the cells with the histories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zlib import crc32

from comparison import assert_tables_equal, read_tables
from oracle.history import cell_rows, history_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime


def assert_histories_are_right(
    database_url: str,
    values: Iterable[bytes | None],
    catalogue: Mapping[str, Any],
    as_of: datetime,
    *,
    schema: str = "voc",
    one_of: int = 1,
) -> None:
    """All histories are the oracle's, or `one_of` so many; all cells follow from the histories.

    The oracle works out each history at each moment anew, which takes a while for thousands.
    """

    def is_compared(customer_id: str) -> bool:
        return crc32(customer_id.encode()) % one_of == 0

    found = read_tables(database_url, ("churn_history", "churn_cell"), schema)
    histories = found["churn_history"]
    expected = history_rows(values, catalogue, as_of, is_compared)
    compared = {key: row for key, row in histories.items() if is_compared(key[0])}
    assert_tables_equal({"churn_history": expected}, {"churn_history": compared})
    assert_tables_equal({"churn_cell": cell_rows(histories)}, found)
