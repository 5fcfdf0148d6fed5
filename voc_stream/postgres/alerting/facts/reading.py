"""Gives one evaluation its facts: each kind is read when it is first needed, and only once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voc_stream.alerts.rule import Context
    from voc_stream.postgres.session.cursor import Cursor

    Readers = Mapping[type, Callable[["Reading"], Any]]

T = TypeVar("T")


class Reading:
    """What a reader is given: the tables, what every rule is told, and facts of other kinds."""

    def __init__(self, cursor: Cursor, context: Context, readers: Readers) -> None:
        self.cursor = cursor
        self.context = context
        self._readers = readers
        self._known: dict[type, object] = {}

    def __getitem__(self, kind: type[T]) -> T:
        """The facts of this kind.

        Raises:
            KeyError: no reader is declared for it in `postgres/alerting/readers.py`.
        """
        if kind not in self._known:
            self._known[kind] = self._readers[kind](self)
        return cast("T", self._known[kind])
