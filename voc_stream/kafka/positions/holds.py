"""Holds partitions: nothing more is taken from them until they are released.

The others go on. `/readyz` and a metric show what is held, and why. The fetcher leaves a held
partition alone, and its lag is no stall of the worker. If a partition was stopped before, its next
message must be read to know whether it goes on. Until then it is doubtful: it is fetched, and the
worker is not ready.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from voc_stream.kafka.life.state import Cause, Hold

if TYPE_CHECKING:
    from voc_stream.kafka.life.state import WorkerState
    from voc_stream.monitoring.metrics import Metrics
    from voc_stream.pipeline.ports import Partition


class Holds:
    """Holds partitions; the only writer of `WorkerState.held` and `doubtful`.

    It is for one thread; readers in others see one whole mapping or the next.
    """

    def __init__(self, state: WorkerState, metrics: Metrics) -> None:
        self._state = state
        self._metrics = metrics

    def hold(self, partition: Partition, cause: Cause, sentence: str) -> object:
        """Hold a partition; the token shows later whether it is still this hold."""
        hold = Hold(cause, sentence, object())
        self._put(partition, hold)
        return hold.token

    def tell(self, partition: Partition, token: object, sentence: str) -> None:
        """State the reason more exactly, if it is still this hold."""
        if self.is_held(partition, token):
            self._put(partition, self._state.held[partition]._replace(sentence=sentence))

    def is_held(self, partition: Partition, token: object | None = None) -> bool:
        """Whether the partition is held: by this hold, if one is given."""
        hold = self._state.held.get(partition)
        return hold is not None and token in (None, hold.token)

    def release(self, partition: Partition) -> None:
        """Release a partition, also one that is not ours any more."""
        self._state.held = {
            each: hold for each, hold in self._state.held.items() if each != partition
        }
        self._metrics.not_held(partition)

    def doubt(self, partition: Partition, sentence: str) -> None:
        """Doubt a partition that may have to be held.

        Nobody may take the worker for ready meanwhile.
        """
        self._state.doubtful = {**self._state.doubtful, partition: sentence}

    def end_doubt(self, partition: Partition) -> None:
        """End a doubt: it is known whether the partition goes on, or it is not ours any more."""
        if partition in self._state.doubtful:
            others = {
                each: sentence
                for each, sentence in self._state.doubtful.items()
                if each != partition
            }
            self._state.doubtful = others

    def _put(self, partition: Partition, hold: Hold) -> None:
        self._state.held = {**self._state.held, partition: hold}
        self.end_doubt(partition)
        self._metrics.held(partition, hold.cause, get_args(Cause))
