from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from documentation import DOCS, FENCE, read

from voc_stream.catalogue.load import load_catalogue
from voc_stream.events.decode import decode
from voc_stream.events.refusal import Refusal

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 2, 1, tzinfo=UTC)
PAGE = DOCS / "howto" / "add-a-measure.md"


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    (text,) = [body for _, kind, body in blocks() if kind == "toml" and "[flow.stages]" in body]
    path = tmp_path / "bank.toml"
    path.write_text(text, encoding="utf-8")
    return path


def blocks() -> list[tuple[str, str, str]]:
    return FENCE.findall(read(PAGE))


def test_the_whole_catalogue_of_the_page_is_one(bank: Path) -> None:
    """Whoever copies it has a file that works, with a trade that is not packaged."""
    catalogue = load_catalogue(bank)
    assert len(catalogue.flow.stages) == 4
    assert {"talk_to_signing", "signed_in_two_days"} <= catalogue.experience.keys()


def test_the_event_of_the_page_is_one_of_that_trade(bank: Path) -> None:
    """It names a stage that the catalogue has."""
    (text,) = [body for _, kind, body in blocks() if kind == "json"]
    body = json.dumps(json.loads(text)).encode()
    event = decode(body, NOW, load_catalogue(bank))
    assert not isinstance(event, Refusal), event
