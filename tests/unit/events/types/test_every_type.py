from __future__ import annotations

from pathlib import Path
from typing import get_args

from voc_stream.events.types import EVENT_TYPES, INPUT_TYPES, AnyEvent, AnyInput, structs


def test_a_file_is_a_type_and_nobody_lists_it() -> None:
    """Each file below `structs` is the type of its name, in the union that is decoded."""
    files = {path.stem for path in Path(structs.__path__[0]).glob("[a-z]*.py")}
    assert INPUT_TYPES.keys() == files
    assert EVENT_TYPES.keys() == files - {"retraction"}
    assert set(get_args(AnyInput)) == set(INPUT_TYPES.values())
    assert set(get_args(AnyEvent)) == set(EVENT_TYPES.values())
