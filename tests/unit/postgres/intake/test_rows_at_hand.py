"""What rows that are kept at hand take of the worker's memory."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from voc_stream.domain.entities.order import OrderState
from voc_stream.postgres.intake.versioned_rows import ROW_BYTES, Entity
from voc_stream.postgres.schema.tables.repair_order import REPAIR_ORDER

if TYPE_CHECKING:
    from collections.abc import Callable

ROW = REPAIR_ORDER.values(OrderState("o-1"), 1)
STATE = REPAIR_ORDER.state_of(ROW)


class Answers:
    """A cursor that finds an order for each key, with a state of some length."""

    def __init__(self, length: Callable[[int], int]) -> None:
        self._length, self._keys = length, list[str]()

    def execute(self, _statement: str, parameters: tuple[list[str]]) -> None:
        """Keep the keys that are asked for."""
        (self._keys,) = parameters

    def fetchall(self) -> list[tuple[str, int, str]]:
        """A row for each of them."""
        return [
            ("".join(key), 7, STATE + " " * self._length(number))
            for number, key in enumerate(self._keys)
        ]


def key_of(number: int) -> str:
    return f"order-{number:010}"


def load(entity: Entity[OrderState], numbers: range, length: Callable[[int], int]) -> None:
    cursor: Any = Answers(length)
    entity.load(cursor, [key_of(number) for number in numbers])
    entity.keep()


def test_rows_at_hand_take_what_is_counted() -> None:
    """A worker's memory is planned by what is counted: within a tenth of what rows really take.

    Also after rows have come and gone for long.
    """
    entity = Entity(REPAIR_ORDER, 8 * 1024 * 1024)
    load(entity, range(1), lambda _: 0)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for part in range(30):
            load(entity, range(1000 * part, 1000 * part + 1000), lambda number: number % 1000)
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert 0.95 * 8 * 1024 * 1024 < entity._cached_bytes <= 8 * 1024 * 1024
    assert taken == pytest.approx(entity._cached_bytes, rel=0.1)


def test_the_least_recently_used_rows_go_first() -> None:
    """What a worker is at stays at hand: a row that was saved again is young again."""
    entity = Entity(REPAIR_ORDER, 50 * (len(STATE) + 400 + ROW_BYTES))
    load(entity, range(50), lambda _: 400)
    entity._cache[key_of(0)] = entity._cache.pop(key_of(0))  # as `save` does
    load(entity, range(50, 80), lambda _: 400)
    assert list(entity._cache) == [key_of(number) for number in (*range(31, 50), 0, *range(50, 80))]
    assert entity._cached_bytes == entity._most_cached_bytes
