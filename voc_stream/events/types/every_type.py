"""Collects all event types: each file below `structs` declares types that a message may state."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Union

from voc_stream.events.types import structs
from voc_stream.events.types.base import CustomerEvent
from voc_stream.events.types.structs.retraction import Retraction

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    AnyEvent = CustomerEvent
    AnyInput = CustomerEvent | Retraction


def _collect() -> Iterator[type[CustomerEvent | Retraction]]:
    for module in iter_modules(structs.__path__, f"{structs.__name__}."):
        declared = [
            each
            for each in vars(import_module(module.name)).values()
            if isinstance(each, type)
            and issubclass(each, CustomerEvent | Retraction)
            and each.__module__ == module.name
            and each.__struct_config__.tag is not None
        ]
        if not declared:
            raise TypeError(
                f"{module.name} declares no event type:"
                " give it a class of a CustomerEvent with a tag"
            )
        yield from declared


INPUT_TYPES: Mapping[str, type[AnyInput]] = {
    str(each.__struct_config__.tag): each for each in _collect()
}
"""Whatever a message may state, by its `type`."""
EVENT_TYPES: Mapping[str, type[AnyEvent]] = {
    name: each for name, each in INPUT_TYPES.items() if issubclass(each, CustomerEvent)
}
"""What the tables are folded from, by the `type` that an event states."""

if not TYPE_CHECKING:  # a checker of types cannot know which files there are; msgspec has to
    AnyEvent = Union[tuple(EVENT_TYPES.values())]  # noqa: UP007  a union of a list has no other form
    AnyInput = Union[tuple(INPUT_TYPES.values())]  # noqa: UP007
