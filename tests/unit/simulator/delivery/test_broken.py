from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from voc_stream.events.decode import Refusal, decode
from voc_stream.events.types import Callback
from voc_stream.simulator.delivery.broken import MISTAKES, break_callback, sound_callback

if TYPE_CHECKING:
    from voc_stream.catalogue.model import Catalogue

NOW = datetime(2025, 3, 1, tzinfo=UTC)
FIELDS = sound_callback("event-1", "customer-1", NOW)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_is_refused_for_its_reason(mistake: str, catalogue: Catalogue) -> None:
    """A broken message is refused with the reason that the simulator states."""
    broken = break_callback(mistake, FIELDS, huge_string_bytes=100_000)
    refusal = decode(broken.value, NOW, catalogue)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == broken.reason


def test_ten_megabytes_are_too_large() -> None:
    """A huge string may make the whole message too large to be read."""
    broken = break_callback("huge string", FIELDS, huge_string_bytes=10_000_000)
    assert broken.reason == "too_large"
    assert len(broken.value or b"") > 10_000_000


def test_only_the_mistake_breaks_it(catalogue: Catalogue) -> None:
    """What is broken was sound: the score alone decides."""
    nan = break_callback("score of NaN", FIELDS, huge_string_bytes=1).value or b""
    assert isinstance(decode(nan.replace(b"NaN", b"9.0"), NOW, catalogue), Callback)
