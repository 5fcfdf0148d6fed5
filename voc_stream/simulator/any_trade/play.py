"""Chooses which story a catalogue gets."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from voc_stream.simulator.any_trade.trade import trade_of
from voc_stream.simulator.any_trade.visit import visit
from voc_stream.simulator.call_centre import WORKSHOPS, Play
from voc_stream.simulator.callback import PROCESS_ITEMS
from voc_stream.simulator.journey import RATINGS, STAGES

if TYPE_CHECKING:
    from voc_stream.catalogue.model import Catalogue

EVENTS_BESIDE_STEPS = 5.5
"""How many events a visit gives: calls, touchpoints, profiles, follow-up and complaints.

Measured.
"""


def play_of(catalogue: Catalogue) -> Play:
    """The story of the workshops if the catalogue asks for just that, else its own trade's.

    >>> from voc_stream.catalogue.load import load_catalogue
    >>> play_of(load_catalogue()) is WORKSHOPS, play_of(load_catalogue("hotel")) is WORKSHOPS
    (True, False)
    """
    trade = trade_of(catalogue)
    if (
        tuple(catalogue.flow.stages) == STAGES
        and set(trade.ratings) == set(RATINGS)
        and set(trade.process_items) == set(PROCESS_ITEMS)
    ):
        return WORKSHOPS
    return Play(partial(visit, trade=trade), 2 * len(trade.stages) + EVENTS_BESIDE_STEPS)
