from __future__ import annotations

import pytest

from voc_stream.beside.messages import (
    GAUGES_A_PIECE,
    Answer,
    decode_answer,
    encode,
    pack_gauges,
    unpack_gauges,
)
from voc_stream.pipeline.ports import GaugeSample


@pytest.mark.parametrize("number", [0, 1, GAUGES_A_PIECE, 2 * GAUGES_A_PIECE + 1])
def test_gauges_arrive_in_short_pieces(number: int) -> None:
    """All arrive in their order, and no piece is long to decode: the stream waits meanwhile."""
    gauges = [GaugeSample("voc_x", (f"site-{each}", "7d"), each / 8) for each in range(number)]
    answer = decode_answer(encode(Answer(None, pack_gauges(gauges), 0, 1, 0.5)))
    assert answer.gauges is not None
    assert unpack_gauges(answer.gauges) == gauges
    assert len(answer.gauges) == -(-number // GAUGES_A_PIECE)
    longest = len(encode(gauges[-GAUGES_A_PIECE:]))
    assert all(len(bytes(piece)) <= longest for piece in answer.gauges)
