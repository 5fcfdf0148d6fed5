"""Reads what waits to be merged, measure by measure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.domain.dimensions import COLUMNS
from voc_stream.domain.moment import EPOCH
from voc_stream.postgres.increments.encoding import unpack_column, unpack_whole

if TYPE_CHECKING:
    from datetime import datetime

    from integration.postgres.store import Store


class Told(NamedTuple):
    """One measure that waits."""

    moment: datetime
    site_id: str
    weight: int
    experience: str
    value: int


def waiting(store: Store) -> list[Told]:
    """All that has not been merged by every level, in the order of its sources and numbers."""
    found = []
    site = COLUMNS.index("site_id")
    for (data,) in store.ask("SELECT data FROM increment ORDER BY topic, partition, number"):
        one = unpack_whole(bytes(data))
        measures = zip(unpack_column(one.measured), unpack_column(one.values), strict=True)
        for second, name, weight, count in zip(
            unpack_column(one.seconds),
            unpack_column(one.dimensions[site]),
            unpack_column(one.weights),
            unpack_column(one.counts),
            strict=True,
        ):
            for _ in range(count):
                number, value = next(measures)
                found.append(
                    Told(
                        EPOCH + timedelta(seconds=second),
                        one.names[site][name],
                        weight,
                        one.experiences[number],
                        value,
                    )
                )
    return found
