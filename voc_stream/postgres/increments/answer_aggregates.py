"""Declares the sums from which importance is derived: of pairs of ratings that one event gave."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from voc_stream.importance.penalty_reward import BANDS
from voc_stream.postgres.increments.aggregate import Aggregate, Key
from voc_stream.postgres.increments.levels import Level
from voc_stream.postgres.increments.world import EXPERIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from voc_stream.postgres.increments.aggregate import Mask, Rows
    from voc_stream.postgres.increments.grouping import Ints, Sum
    from voc_stream.postgres.increments.measures import Measures
    from voc_stream.postgres.increments.world import World

MONTH, SCOPE = "month", "scope"
SCOPES = (("site", "site_id"), ("segment", "segment"))


def _months(_: World, months: Sequence[int]) -> list[str]:
    return [f"{each}-01" for each in np.array(months, "datetime64[M]").astype(str).tolist()]


def _names(name: str, world: World, numbers: Sequence[int]) -> list[str]:
    return world.names[name].of(numbers)


def _bands(_: World, numbers: Sequence[int]) -> list[str]:
    return [BANDS[number] for number in numbers]


def _pair_sums() -> Mapping[str, Callable[[Measures], Sum]]:
    def add(of: Callable[[Ints, Ints], Ints], measures: Measures) -> Sum:
        weight, first, second = measures.paired
        return weight * of(first, second)

    return {
        "n": partial(add, lambda first, _: np.ones_like(first)),
        "first_sum": partial(add, lambda first, _: first),
        "second_sum": partial(add, lambda _, second: second),
        "first_sq_sum": partial(add, lambda first, _: first * first),
        "second_sq_sum": partial(add, lambda _, second: second * second),
        "product_sum": partial(add, lambda first, second: first * second),
    }


def _outcome_sums() -> Mapping[str, Callable[[Measures], Sum]]:
    def add(power: int, measures: Measures) -> Sum:
        outcome = measures.against_outcome.outcome
        return measures.weight[outcome] * measures.value[outcome] ** power

    return {name: partial(add, power) for power, name in enumerate(("n", "total", "squares"))}


def _of(column: str, places: Callable[[Measures], Ints], shown: str, name: str) -> Key:
    return Key(
        column, lambda measures: measures.names[name][places(measures)], partial(_names, shown)
    )


def _aggregates(
    table: str,
    places: Callable[[Measures], Ints],
    more: tuple[Key, ...],
    adds: Mapping[str, Callable[[Measures], Sum]],
) -> Iterator[Aggregate]:
    """Sums of each site and segment, and of all, which is summed up from the sites."""
    month = Key(MONTH, lambda measures: measures.month[places(measures)], _months)
    for scope_type, column in SCOPES:
        of_scope = Aggregate(
            table,
            Level.DETAILS,
            (month, _of(SCOPE, places, column, column), *more),
            adds,
            {"scope_type": scope_type},
            # A callback always has a site.
            counts=None if scope_type == "site" else partial(_is_known, column, places),
        )
        yield of_scope
        if scope_type == "site":
            yield of_scope._replace(
                key=tuple(
                    Key(each.column, partial(_same, each.column), each.shown)
                    for each in of_scope.key
                    if each.column != SCOPE
                ),
                fixed={"scope_type": "all", SCOPE: ""},
                source=of_scope,
            )


def _same(column: str, rows: Rows) -> Ints:
    return rows.keys[column]


def _is_known(
    column: str, places: Callable[[Measures], Ints], measures: Measures, world: World
) -> Mask:
    known: Mask = measures.names[column][places(measures)] != world.names[column].number("")
    return known


def _firsts(measures: Measures) -> Ints:
    return measures.pairs.first


def _seconds(measures: Measures) -> Ints:
    return measures.pairs.second


def _rated(measures: Measures) -> Ints:
    return measures.against_outcome.rated


ANSWER_AGGREGATES: tuple[Aggregate, ...] = (
    *_aggregates(
        "answer_product",
        _firsts,
        (
            _of("first", _firsts, EXPERIENCE, EXPERIENCE),
            _of("second", _seconds, EXPERIENCE, EXPERIENCE),
        ),
        _pair_sums(),
    ),
    *_aggregates(
        "answer_band",
        _rated,
        (
            _of("experience", _rated, EXPERIENCE, EXPERIENCE),
            Key("band", lambda measures: measures.against_outcome.band, _bands),
        ),
        _outcome_sums(),
    ),
)
"""Of each site and segment and of all, by month."""
