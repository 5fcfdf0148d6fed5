"""States the steps from bytes to tables in their order: decode, claim, admit, load, fold, save.

What a step does is the business of the rooms behind the ports: `events` decodes, `domain` folds,
and `postgres/intake` does the others. The steps within `save` stand in `Folding.save`
(`postgres/intake/load_fold_save.py`). Decoding comes first and outside the transaction, on purpose.
The consumer decodes what it has gathered while PostgreSQL is at work on the batch before
(`kafka/worker/consumer.py`). Decoding needs no table, so it would only make the transaction and its
locks longer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from voc_stream.events.decode_many import decode_many
from voc_stream.pipeline.ports import DecodedMessage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.pipeline.ports import BatchResult, Message

Event = TypeVar("Event")
FoldT = TypeVar("FoldT", bound="Fold")


def decode_messages(
    messages: Sequence[Message], now: datetime, catalogue: Catalogue
) -> Sequence[DecodedMessage]:
    """What each message says, as of `now`: an event, or why it is none.

    It touches nothing, so any thread may call it.
    """
    contents = decode_many([message.value for message in messages], now, catalogue)
    return [
        DecodedMessage(offset, value, content)
        for (offset, value), content in zip(messages, contents, strict=True)
    ]


def take_in(steps: Steps[Event, FoldT]) -> Sequence[BatchResult]:
    """Take decoded batches of different partitions into the tables, within one transaction.

    Nearly always all events are new, so PostgreSQL writes them while they are folded as if they
    were new. If one was not, the new ones are found first. Raises FencedError, RefusalLimitError.
    """
    steps.claim()
    events = steps.admit()
    if steps.are_probably_new(events):
        fold = steps.load(events)
        if steps.insert_while(fold.apply, events):
            return steps.save(fold)
        steps.forget()
    fold = steps.load(steps.insert_unseen(events))
    fold.apply()
    return steps.save(fold)


class Fold(Protocol):
    """New events, and the states that they change."""

    def apply(self) -> None:
        """Let the events change the states, without asking the store anything."""


class Steps(Protocol[Event, FoldT]):
    """What the store does in one transaction of batches; the caller commits it."""

    def claim(self) -> None:
        """Move the positions by compare-and-swap.

        Raises FencedError if another worker moved them: then nothing of this happens.
        """

    def admit(self) -> Sequence[Event]:
        """Keep the retractions, and return the events that none has taken back."""

    def are_probably_new(self, events: Sequence[Event]) -> bool:
        """Whether it is worth while to fold the events as if all were new."""

    def insert_while(self, work: Callable[[], None], events: Sequence[Event]) -> bool:
        """Insert the events, and do the work meanwhile.

        Returns False if an event is not new: then none is inserted.
        """

    def insert_unseen(self, events: Sequence[Event]) -> Sequence[Event]:
        """Insert the events that are new, and return them.

        What contradicts an earlier event is found, too.
        """

    def load(self, events: Sequence[Event]) -> FoldT:
        """Read the rows that the events touch."""

    def forget(self) -> None:
        """Drop the rows at hand: a fold has spoilt them."""

    def save(self, fold: FoldT) -> Sequence[BatchResult]:
        """Write the changed rows, what they contribute and what was refused.

        Returns the result of each batch. Raises RefusalLimitError if a partition would refuse too
        much.
        """
