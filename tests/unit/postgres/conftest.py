"""A store on a fresh database for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from unit.postgres.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voc_stream.catalogue import Catalogue


@pytest.fixture
def store(database_url: str, catalogue: Catalogue) -> Iterator[Store]:
    """A store on a fresh, migrated database."""
    with Store(database_url, catalogue) as opened:
        yield opened
