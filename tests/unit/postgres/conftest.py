"""A store on a fresh database for each test, and databases that nothing was migrated in."""

from __future__ import annotations

from contextlib import closing
from itertools import count
from typing import TYPE_CHECKING

import psycopg2
import pytest
from unit.postgres.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from voc_stream.catalogue import Catalogue

_numbers = count()


@pytest.fixture
def store(database_url: str, catalogue: Catalogue) -> Iterator[Store]:
    """A store on a fresh, migrated database."""
    with Store(database_url, catalogue) as opened:
        yield opened


@pytest.fixture
def new_database(postgres_url: str) -> Iterator[Callable[[], str]]:
    """Makes empty databases and gives their URLs."""
    made: list[str] = []

    def administer(statement: str) -> None:
        with closing(psycopg2.connect(postgres_url)) as connection:
            connection.autocommit = True
            connection.cursor().execute(statement)

    def make() -> str:
        made.append(f"voc_empty_{next(_numbers)}")
        administer(f"CREATE DATABASE {made[-1]}")
        return f"{postgres_url.rpartition('/')[0]}/{made[-1]}"

    yield make
    for name in made:
        administer(f"DROP DATABASE {name} WITH (FORCE)")
