from __future__ import annotations

from typing import TYPE_CHECKING

from integration.postgres.alerting.judged import EXPERIENCE, TODAY, Judged
from integration.postgres.alerting.judging import reading

from voc_stream.postgres.alerting.detector_rows import Arrival, Key, take_arrivals

if TYPE_CHECKING:
    from integration.postgres.store import Store


def test_what_several_refreshes_of_one_hour_brought_is_heard_as_their_sum(store: Store) -> None:
    """Refreshes every two seconds cut an hour into many pieces.

    Each counts, and what was heard is gone.
    """
    judged = Judged(store, sites=("s-1",))
    judged.past()
    judged.now = TODAY.replace(hour=10)
    scores = ([9, 3, 8], [6], [7, 2])
    for number, part in enumerate(scores):
        moments = [TODAY.replace(hour=9, minute=10 * number + place) for place in range(len(part))]
        events = [
            judged.event(moment, "s-1", "ann", score)
            for moment, score in zip(moments, part, strict=True)
        ]
        store.take_in(*events, sink=judged.sink, now=judged.now)
        judged.chores.refresh(judged.now)
    with reading(store) as cursor:
        heard = take_arrivals(cursor)
        assert take_arrivals(cursor) == []
    flat = [score for part in scores for score in part]
    for scope_type, scope in (("all", ""), ("site", "s-1")):
        [(number, total, squares)] = [
            arrival.scores[:3] for arrival in of(heard, Key(scope_type, scope, EXPERIENCE))
        ]
        assert (number, total, squares) == (len(flat), sum(flat), sum(score**2 for score in flat))


def of(arrivals: list[Arrival], key: Key) -> list[Arrival]:
    return [arrival for arrival in arrivals if arrival.key == key]
