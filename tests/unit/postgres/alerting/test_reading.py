from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

import pytest
from builders import START

from voc_stream.alerts.rule import Context, Facts
from voc_stream.catalogue.load import load_catalogue
from voc_stream.postgres.alerting.facts.reading import Reading

if TYPE_CHECKING:
    from voc_stream.postgres.alerting.facts.reading import Readers
    from voc_stream.postgres.session.cursor import Cursor

CONTEXT = Context(load_catalogue(), START, {})


class Orders(NamedTuple):
    """Facts that are read."""

    number: int


class Doubled(NamedTuple):
    """Facts that are made from others."""

    number: int


def test_each_kind_of_facts_is_read_once() -> None:
    """However many rules need it, and whichever other kind is made from it."""
    read: list[type] = []

    def read_orders(_: Reading) -> Orders:
        read.append(Orders)
        return Orders(21)

    def read_doubled(reading: Reading) -> Doubled:
        read.append(Doubled)
        return Doubled(2 * reading[Orders].number)

    readers: Readers = {Orders: read_orders, Doubled: read_doubled}
    reading = Reading(cast("Cursor", None), CONTEXT, readers)
    assert read == []
    assert [reading[Doubled].number, reading[Orders].number, reading[Doubled].number] == [
        42,
        21,
        42,
    ]
    assert read == [Doubled, Orders]


def test_a_rule_gets_only_what_it_declares() -> None:
    """Nobody reads for a rule what it does not declare.

    Else the rule would depend on which rules there are.
    """
    with pytest.raises(KeyError):
        Facts(Orders(1))[Doubled]
