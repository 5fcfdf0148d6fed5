"""The producers of a benchmark, each a process of its own, from start to what they noted."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from itertools import count
from typing import TYPE_CHECKING, NamedTuple, Self

from benchmarks.producer import Note, read_notes
from benchmarks.stage import BenchmarkError, environment_of, wait_until

from voc_stream.embedded.processes.child import Child

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.load import Load
    from benchmarks.stage import Stage

STOP_SECONDS = 5.0
FINISH_SECONDS = 30.0
FIRST_SEED = 1_000
_numbers = count()


class Sent(NamedTuple):
    """What one producer did.

    When it started, by the monotonic clock, its processor time in seconds, and its batches.
    """

    started: float
    processor_seconds: float
    notes: list[Note]


class Producers:
    """Running producers that share a load and a rate.

    A context manager: it leaves no process behind.

    Args:
        stage: where they send to.
        load: the events of all together; each producer has a seed of its own.
        rate: events a second of all together.
        producers: how many there are.
        keep_notes: whether each batch is noted; a long run would fill the memory with it.
    """

    def __init__(
        self, stage: Stage, load: Load, rate: float, producers: int = 1, *, keep_notes: bool = True
    ) -> None:
        self._stage, self._rate, self._keep_notes = stage, rate / producers, keep_notes
        self._load = replace(load, events=load.events // producers)
        self._count = producers
        self._children: list[tuple[Child, Path]] = []

    def __enter__(self) -> Self:
        for _ in range(self._count):
            self._children.append(self._start(next(_numbers)))
        return self

    def __exit__(self, *_unused: object) -> None:
        for child, _ in self._children:
            child.stop(STOP_SECONDS)

    @property
    def events(self) -> int:
        """How many all of them send."""
        return self._load.events * self._count

    def require(self) -> None:
        """Raises BenchmarkError if one has failed."""
        for child, _ in self._children:
            if child.exit_code():
                raise BenchmarkError(
                    f"a producer ended with code {child.exit_code()}; its last"
                    f" lines:\n{child.log_tail()}"
                )

    def is_over(self) -> bool:
        """Whether all have ended. Raises BenchmarkError if one has failed."""
        self.require()
        return all(child.exit_code() == 0 for child, _ in self._children)

    def finished(self) -> list[Sent]:
        """What they did, once they have ended. Raises BenchmarkError."""
        wait_until(
            self.is_over,
            FINISH_SECONDS,
            "a producer does not end",
            [child for child, _ in self._children],
        )
        return [Sent(*run) for run in (read_notes(notes) for _, notes in self._children)]

    def _start(self, number: int) -> tuple[Child, Path]:
        settings, folder = self._stage.settings, self._stage.folder
        path = folder / f"notes-{number}.jsonl"
        load = json.dumps(asdict(replace(self._load, seed=self._load.seed + FIRST_SEED + number)))
        command = [
            sys.executable,
            "-m",
            "benchmarks.producer",
            "--bootstrap",
            settings.kafka_bootstrap,
            "--prefix",
            settings.topic_prefix,
        ]
        command += [
            "--partitions",
            str(settings.partitions),
            "--rate",
            str(self._rate),
            "--load",
            load,
        ]
        command += ["--notes", str(path)] if self._keep_notes else []
        return Child(
            "producer",
            command,
            folder / f"producer-{number}.log",
            environment=environment_of(settings),
        ), path
