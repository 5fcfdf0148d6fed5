"""The architecture page shows the layers that the layout test enforces."""

from __future__ import annotations

import re

from documentation import read
from layers_page import PAGE, SECTION, purpose, rooms_table
from unit.test_import_direction import MAY_IMPORT

from voc_stream.pipeline import take_in
from voc_stream.published.markdown import replace_section


def test_the_page_shows_the_rooms_as_they_are() -> None:
    """The table of rooms is the layout's: after a change of the layout, run `make docs`."""
    page = read(PAGE)
    assert page == replace_section(page, SECTION, rooms_table())


def test_every_room_says_what_it_holds() -> None:
    """A room without a sentence in its docstring is a room whose purpose nobody knows."""
    assert [room for room in MAY_IMPORT if not purpose(room)] == []


def test_the_walk_has_the_steps_in_their_order() -> None:
    """The walk of a callback goes forward as `pipeline/take_in.py` says, and names each step."""
    stated = re.search(r"in their order: ([a-z, ]+)\.", take_in.__doc__ or "")
    assert stated is not None
    walk = re.findall(r"^\d+\. \*\*([A-Z][a-z ]+)\.\*\*", read(PAGE), re.MULTILINE)
    steps = stated[1].split(", ")
    assert [name.lower() for name in walk if name.lower() in steps] == steps
