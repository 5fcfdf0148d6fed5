"""SQL that reads scores from stored events, with the dimensions of each as they are known now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.domain.dimensions import TELLING
from voc_stream.events.types import EVENT_TYPES
from voc_stream.postgres.schema.expressions.watched import WATCHED_SCORE
from voc_stream.postgres.schema.tables.events import touchpoint_event

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def _scores_of(naming: Naming, types: Sequence[str]) -> str:
    """SQL of the scores in the bodies of events `e` of some types.

    The structs of the types say in which fields the scores stand.
    """
    said = "e.body" if naming.within is None else "answer"
    scores = []
    if naming.score is not None:
        scores.append(f"({said} ->> '{naming.score}')::numeric")
    if naming.done is not None:
        done = f"CASE {said} ->> '{naming.done}' WHEN 'true' THEN 10 WHEN 'false' THEN 0 END"
        scores.append(done)
    listed = ", ".join(f"'{name}'" for name in types)
    is_one = f"e.type IN ({listed})"
    # Events of other types may hold anything in fields that they do not know.
    source = (
        ""
        if naming.within is None
        else " FROM jsonb_array_elements("
        f"CASE WHEN {is_one} THEN e.body -> '{naming.within}' END) answer"
    )
    return (
        f"SELECT coalesce({', '.join(scores)}) AS score{source}"
        f" WHERE {is_one} AND {said} ->> '{naming.experience}' = ANY({_NAMES})"
    )


def _scores() -> str:
    """SQL of one row for each score of the experience that an event gives."""
    types: dict[Naming, list[str]] = {}
    for name, struct in EVENT_TYPES.items():
        if struct.naming.is_scored:
            types.setdefault(struct.naming, []).append(name)
    of_body = " UNION ALL ".join(_scores_of(naming, names) for naming, names in types.items())
    watched = WATCHED_SCORE.replace("e.kind", f"({_KIND})").replace("p.score", "s.score")
    return f"""
    SELECT e.event_id, e.occurred_at, {_VALUES}, {watched} AS score
    FROM touchpoint_event e CROSS JOIN LATERAL ({of_body}) s
    WHERE e.occurred_at >= %(since)s AND e.is_scored AND s.score IS NOT NULL
"""


SCORES = _scores()
"""SQL of one row for each score: the event, its moment, its dimensions and the score in points.

`%(experience)s` is the experience, and `%(since)s` the moment from which events are read.
"""
