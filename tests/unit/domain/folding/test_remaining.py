"""Events that are taken out leave what never having taken them in would have left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builders import event_lists
from hypothesis import given
from hypothesis import strategies as st
from unit.domain.world import World, events_of

if TYPE_CHECKING:
    from builders import Event

    from voc_stream.catalogue.model import Catalogue


@given(st.data(), event_lists(16, min_size=1))
def test_taking_out_is_as_if_they_had_never_been_taken_in(
    catalogue: Catalogue, data: st.DataObject, bodies: list[Event]
) -> None:
    """Whichever go, in how many pieces, and however far the move of a history has come.

    States and sums are those of the others.
    """
    events = events_of(bodies, catalogue)
    gone = data.draw(
        st.lists(st.sampled_from(events), unique_by=lambda event: event.event_id), "taken out"
    )
    world, other = World(catalogue), World(catalogue)
    half = data.draw(st.integers(0, len(events)), "first batch")
    for batch in (events[:half], events[half:]):
        world.take_in(batch)
        for _ in range(data.draw(st.integers(0, 3), "pieces")):
            world.move_some()
    cut = data.draw(st.integers(0, len(gone)), "first taken out")
    for piece in (gone[:cut], gone[cut:]):
        world.take_out(piece)
        for _ in range(data.draw(st.integers(0, 2), "pieces")):
            world.move_some()
    other.take_in([event for event in events if event not in gone])
    for each in (world, other):
        while each.move_some():
            pass
    assert world.same_as(other)
