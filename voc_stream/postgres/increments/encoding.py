"""Packs contributions into an increment: columns of integers, each as narrow as it can be.

Names are kept once. A column begins with a letter that says how wide its integers are.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING

import msgspec

from voc_stream.domain.moment import EPOCH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.domain.contribution import Contribution

NOT_STATED = -1
"""Stands for an expectation or an importance that nobody stated."""
_WIDTHS = ("b", "h", "i", "q")  # of 8, 16, 32 and 64 bits
_DAY_SECONDS = 86_400


class Increment(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a transaction adds to the sums.

    Attributes:
        seconds: when each contribution counts: whole seconds since 1970, rounded down.
        names: of each dimension, in the order of `COLUMNS`: the names that occur.
        dimensions: of each dimension: which of its names each contribution has.
        weights: 1 or -1 for each contribution.
        counts: how many measures each contribution has.
        experiences: the experiences that occur.
        measured: which of these experiences each measure is about.
        values: of each measure, in hundredths.
        stated: the places of those measures with which something was stated.
        expectations: what was expected, of these measures.
        importances: how important they are, of these measures.
    """

    seconds: bytes
    names: list[list[str]]
    dimensions: list[bytes]
    weights: bytes
    counts: bytes
    experiences: list[str]
    measured: bytes
    values: bytes
    stated: bytes
    expectations: bytes
    importances: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Increment).decode
_measures = attrgetter("measures")
_parts = attrgetter("experience", "value", "expectation", "importance")


def pack_whole(increment: Increment) -> bytes:
    """An increment as it is stored: compressed, which takes a tenth of a microsecond an event."""
    return zlib.compress(_encode(increment), 1)


def unpack_whole(data: bytes) -> Increment:
    """The increment that is stored so."""
    return _decode(zlib.decompress(data))


def pack(values: Sequence[int]) -> bytes:
    r"""Integers of 64 bits at most, as narrow as they can be.

    >>> pack([1, -2]), pack([300]), pack([])
    (b'b\x01\xfe', b'h,\x01', b'b')
    """
    for code in _WIDTHS:
        try:
            packed = array(code, values)
        except OverflowError:
            continue
        if sys.byteorder == "big":
            packed.byteswap()
        return code.encode() + packed.tobytes()
    raise OverflowError(f"no value of an increment may need more than 64 bits: {max(values)}")


def unpack_column(packed: bytes) -> list[int]:
    """The integers of a column.

    >>> unpack_column(pack([1, -70000]))
    [1, -70000]
    """
    column = array(packed[:1].decode(), packed[1:])
    if sys.byteorder == "big":
        column.byteswap()
    return column.tolist()


def increment_of(contributions: Sequence[Contribution]) -> bytes:
    """All that these contributions add and take back."""
    names, dimensions = [], []
    for column in zip(*[one.dimensions for one in contributions], strict=True):
        found, numbers = _numbered(column)
        names.append(found)
        dimensions.append(numbers)
    columns = list(
        zip(*map(_parts, chain.from_iterable(map(_measures, contributions))), strict=True)
    )
    about, values, expectations, importances = columns or [()] * 4
    experiences, measured = _numbered(about)
    since = [one.moment - EPOCH for one in contributions]
    stated: list[int] = []
    if expectations.count(None) + importances.count(None) < 2 * len(values):
        pairs = zip(expectations, importances, strict=True)
        stated = [place for place, pair in enumerate(pairs) if pair != (None, None)]
    return pack_whole(
        Increment(
            pack([each.days * _DAY_SECONDS + each.seconds for each in since]),
            names,
            dimensions,
            pack([one.weight for one in contributions]),
            pack([len(one.measures) for one in contributions]),
            experiences,
            measured,
            pack(values),
            pack(stated),
            _pack_stated(expectations, stated),
            _pack_stated(importances, stated),
        )
    )


def _pack_stated(values: Sequence[int | None], places: Sequence[int]) -> bytes:
    found = [values[place] for place in places]
    return pack([NOT_STATED if value is None else value for value in found])


def _numbered(names: Sequence[str]) -> tuple[list[str], bytes]:
    """The names that occur, and which of them stands at each place."""
    found = list(dict.fromkeys(names))
    numbers = dict(zip(found, range(len(found)), strict=True))
    return found, pack(list(map(numbers.__getitem__, names)))
