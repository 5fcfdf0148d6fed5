"""Gives SQL of the buckets of durations and of percentiles; `domain/durations.py` says of what."""

from __future__ import annotations

from voc_stream.domain.durations import EDGES, MIDDLES, SHARES

_MIDDLES = f"(ARRAY[{', '.join(map(str, MIDDLES))}]::float8[])"
PERCENTILES = tuple(f"p{percent}" for percent in SHARES)
"""The columns of percentiles."""


def bucket_sql(value: str) -> str:
    """SQL of the bucket of an integer, in hundredths of a minute."""
    # A value below the first threshold is in bucket 0.
    return f"width_bucket({value}, ARRAY[{', '.join(map(str, EDGES[1:]))}]::int[])"


def percentiles_of(counts: str, key: str) -> str:
    """SQL of the percentiles of each key, with how many durations they are of.

    `counts` is the text of a query that gives the key, `bucket` and `n`.
    """
    found = ", ".join(
        f"min(minutes) FILTER (WHERE up_to * 100 >= total * {percent}) AS p{percent}"
        for percent in SHARES
    )
    return (
        f"SELECT {key}, sum(n)::bigint AS n, {found} FROM ("
        f"SELECT {key}, n, {_MIDDLES}[bucket + 1] AS minutes,"
        f" sum(n) OVER (PARTITION BY {key} ORDER BY bucket) AS up_to,"
        f" sum(n) OVER (PARTITION BY {key}) AS total FROM ({counts}) counts"
        f") in_order GROUP BY {key} HAVING sum(n) > 0"
    )
