"""Reads from a catalogue what to play: stages to pass, and experiences to ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voc_stream.catalogue.model import Catalogue


class Trade(NamedTuple):
    """A trade as it is played.

    Attributes:
        stages: those that each order passes until it is delivered; none without orders.
        follow_up: the stage of the call afterwards, if any.
        ratings: what customers score, each with the stage that it is about, if any.
        process_items: what they say was done or not.
    """

    stages: tuple[str, ...]
    follow_up: str | None
    ratings: Mapping[str, str | None]
    process_items: tuple[str, ...]


def trade_of(catalogue: Catalogue) -> Trade:
    """The trade of a catalogue.

    >>> from voc_stream.catalogue.load import load_catalogue
    >>> hotel = trade_of(load_catalogue("hotel"))
    >>> hotel.stages, hotel.follow_up, hotel.process_items
    (('booking', 'check_in', 'stay', 'check_out'), 'follow_up', ('room_service_24h',))
    """
    answered = {key: one for key, one in catalogue.experience.items() if one.source is None}
    return Trade(
        catalogue.flow.up_to_delivery,
        catalogue.flow.follow_up,
        {key: one.stage for key, one in answered.items() if one.kind in ("rating", "nps")},
        tuple(key for key, one in answered.items() if one.kind == "process"),
    )
