"""SQL that reads scores from stored events, with the dimensions of each as they are known now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.domain.dimensions import TELLING
from voc_stream.events.types import EVENT_TYPES
from voc_stream.postgres.schema.expressions.watched import WATCHED_SCORE
from voc_stream.postgres.schema.tables.events import touchpoint_event

if TYPE_CHECKING:
    from collections.abc import Callable

    from voc_stream.domain.dimensions import Dimension
    from voc_stream.events.types.base import Naming


def _value_of(dimension: Dimension) -> str:
    """SQL of the value that a scored event has, as it is known now."""
    column = dimension.column
    if dimension.source == "customer":
        return f"(SELECT c.{column} FROM customer c WHERE c.customer_id = e.customer_id)"
    if column in touchpoint_event.c:
        return f"e.{column}"
    # Bodies stay as they came: they may spell a value otherwise, and hold anything in fields that a
    # type lacks.
    types = [
        f"'{name}'" for name, struct in EVENT_TYPES.items() if column in struct.__struct_fields__
    ]
    value = f"normalize(e.body ->> '{column}', NFC)"
    return f"CASE WHEN e.type IN ({', '.join(types)}) THEN {value} END"


_VALUES = ", ".join(
    f"coalesce({_value_of(each)}, '') AS {each.column}" for each in TELLING.values()
)
_KIND = "SELECT kind FROM experience WHERE experience = %(experience)s"
# Stored bodies may name the experience as it was called then.
_NAMES = (
    "array_append((SELECT aliases FROM experience"
    " WHERE experience = %(experience)s), %(experience)s::text)"
)


def _score_of(naming: Naming) -> str:
    """SQL of the score that `said` states, by the struct of its type."""
    scores = []
    if naming.score is not None:
        scores.append(f"(said ->> '{naming.score}')::numeric")
    if naming.done is not None:
        done = f"CASE said ->> '{naming.done}' WHEN 'true' THEN 10 WHEN 'false' THEN 0 END"
        scores.append(done)
    return f"coalesce({', '.join(scores)})"


def _scores() -> str:
    """SQL of one row for each score of the experience that an event gives.

    Events of other types may hold anything in fields that they do not know. It is one function for
    each event: distributed planners take no UNION for each.
    """
    types: dict[Naming, list[str]] = {}
    for name, struct in EVENT_TYPES.items():
        if struct.naming.is_scored:
            types.setdefault(struct.naming, []).append(f"'{name}'")

    def by_type(of_naming: Callable[[Naming], str]) -> str:
        cases = (
            f"WHEN e.type IN ({', '.join(names)}) THEN {of_naming(naming)}"
            for naming, names in types.items()
        )
        return f"CASE {' '.join(cases)} END"

    said = by_type(
        lambda naming: (
            "jsonb_build_array(e.body)"
            if naming.within is None
            else f"(e.body -> '{naming.within}')::jsonb"
        )
    )
    named = by_type(lambda naming: f"said ->> '{naming.experience}'")
    watched = WATCHED_SCORE.replace("e.kind", f"({_KIND})").replace("p.score", "s.score")
    return f"""
    SELECT e.event_id, e.occurred_at, {_VALUES}, {watched} AS score
    FROM touchpoint_event e
    CROSS JOIN LATERAL jsonb_array_elements({said}) said
    CROSS JOIN LATERAL (SELECT {by_type(_score_of)} AS score) s
    WHERE e.occurred_at >= %(since)s AND e.is_scored AND s.score IS NOT NULL
      AND {named} = ANY({_NAMES})
"""


SCORES = _scores()
"""SQL of one row for each score: the event, its moment, its dimensions and the score in points.

`%(experience)s` is the experience, and `%(since)s` the moment from which events are read.
"""
