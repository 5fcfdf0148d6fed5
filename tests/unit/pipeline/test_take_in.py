"""The order of steps: what is asked of the store, and when."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from voc_stream.pipeline.ports import BatchResult, FencedError
from voc_stream.pipeline.take_in import take_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RESULTS = [BatchResult(1, 0, 0, 1, None)]


@dataclass
class Noted:
    """A fold that notes that it was applied."""

    steps: list[str]
    events: Sequence[str]

    def apply(self) -> None:
        """See the port."""
        self.steps.append(f"fold {' '.join(self.events)}")


@dataclass
class Store:
    """A store that notes its steps, and knows some events already."""

    admitted: Sequence[str]
    known: Sequence[str] = ()
    expects_repetition: bool = False
    is_fenced: bool = False
    steps: list[str] = field(default_factory=list)

    def claim(self) -> None:
        """See the port."""
        self.steps.append("claim")
        if self.is_fenced:
            raise FencedError([])

    def admit(self) -> Sequence[str]:
        """See the port."""
        self.steps.append("admit")
        return self.admitted

    def are_probably_new(self, events: Sequence[str]) -> bool:
        """See the port."""
        return bool(events) and not self.expects_repetition

    def insert_while(self, work: Callable[[], None], events: Sequence[str]) -> bool:
        """See the port."""
        self.steps.append("insert all")
        work()
        return not set(events) & set(self.known)

    def insert_unseen(self, events: Sequence[str]) -> Sequence[str]:
        """See the port."""
        self.steps.append("insert unseen")
        return [event for event in events if event not in self.known]

    def load(self, events: Sequence[str]) -> Noted:
        """See the port."""
        self.steps.append(f"load {' '.join(events)}")
        return Noted(self.steps, events)

    def forget(self) -> None:
        """See the port."""
        self.steps.append("forget")

    def save(self, fold: Noted) -> Sequence[BatchResult]:
        """See the port."""
        self.steps.append(f"save {' '.join(fold.events)}")
        return RESULTS


@pytest.mark.parametrize(
    ("store", "steps"),
    [
        (Store(["a", "b"]), ["load a b", "insert all", "fold a b", "save a b"]),
        (
            Store(["a", "b"], known=["a"]),
            [
                "load a b",
                "insert all",
                "fold a b",
                "forget",
                "insert unseen",
                "load b",
                "fold b",
                "save b",
            ],
        ),
        (
            Store(["a", "b"], known=["a"], expects_repetition=True),
            ["insert unseen", "load b", "fold b", "save b"],
        ),
        (Store([]), ["insert unseen", "load ", "fold ", "save "]),
    ],
    ids=["all are new", "one was repeated", "repetition is expected", "nothing is left"],
)
def test_what_is_folded_is_what_is_new(store: Store, steps: Sequence[str]) -> None:
    """Positions are claimed before anything is read, and no event that was seen before is saved."""
    assert take_in(store) == RESULTS
    assert store.steps == ["claim", "admit", *steps]


def test_who_lost_its_partition_does_nothing_more() -> None:
    """The claim is the fence: behind it nothing is read or written."""
    store = Store(["a"], is_fenced=True)
    with pytest.raises(FencedError):
        take_in(store)
    assert store.steps == ["claim"]
