"""Computes how a journey is remembered: its peak, its end, their mean, and the plain mean.

The peak-end rule (Kahneman): the memory of an experience is made by its extreme moment and its last
one. How long it took, and how many middling moments it had, hardly counts. The plain mean predicts
about as well (Alybek et al. 2022), so both are kept. What is asked in one callback happened in the
order of the stages, not of the questions.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  msgspec reads the annotations at run time
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

NEUTRAL = 500


class LastMoment(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The last moment so far: its score in hundredths and what orders it."""

    score: int
    at: datetime
    event_id: str
    place: int


class ScoredMoments(msgspec.Struct, omit_defaults=True, gc=False):
    """The scored moments of a journey, folded.

    Scores are hundredths of a point; None if there is no moment.
    """

    count: int = 0
    total: int = 0
    peak: int | None = None
    last: LastMoment | None = None

    def add(self, scores: Sequence[tuple[int, int, int]], at: datetime, event_id: str) -> None:
        """Take in the scores of one event: the place of the stage in the flow, score, place in it.

        What a callback asks about the last stage is its end, whatever it asks last; of one stage
        it is the lower score. Any order of calls ends in the same state.

        >>> from datetime import UTC, datetime, timedelta
        >>> start, journey = datetime(2026, 1, 5, tzinfo=UTC), ScoredMoments()
        >>> for minute, score in enumerate([500, 900, 600, 100, 800]):
        ...     journey.add([(0, score, 0)], start + timedelta(minutes=minute), f"e{minute}")
        >>> journey.peak, journey.end, journey.memory, journey.mean
        (100, 800, 450.0, 580.0)
        """
        if not scores:
            return
        values = [score for _, score, _ in scores]
        self.count += len(values)
        self.total += sum(values)
        # Of the scores of one event only the highest and the lowest can be the farthest from the
        # middle.
        for score in (max(values), min(values)):
            if self.peak is None or (abs(score - NEUTRAL), -score) > (
                abs(self.peak - NEUTRAL),
                -self.peak,
            ):
                self.peak = score
        _, lowest, place = max([(stage, -score, place) for stage, score, place in scores])
        last = self.last
        if last is None or (at, event_id, place) > (last.at, last.event_id, last.place):
            self.last = LastMoment(-lowest, at, event_id, place)

    @property
    def end(self) -> int | None:
        """The score of the last moment."""
        return None if self.last is None else self.last.score

    @property
    def memory(self) -> float | None:
        """(peak + end) / 2, in hundredths."""
        return None if self.peak is None or self.last is None else (self.peak + self.last.score) / 2

    @property
    def mean(self) -> float | None:
        """The plain mean, in hundredths."""
        return self.total / self.count if self.count else None
