"""An empty store for each test, and databases that nothing was migrated in."""

from __future__ import annotations

from contextlib import closing
from itertools import count
from typing import TYPE_CHECKING

import psycopg2
import pytest
from integration.postgres.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from voc_stream.catalogue.model import Catalogue

_numbers = count()


@pytest.fixture
def store(shared_database: str, catalogue: Catalogue) -> Iterator[Store]:
    """A store with empty tables.

    Emptying them takes a tenth of the time that a new database takes.
    """
    with Store(shared_database, catalogue) as opened:
        opened.clear()
        yield opened


@pytest.fixture(scope="session")
def shared_database(postgres_url: str, migrated_template: str) -> str:
    """URL of a migrated database for all tests that leave its tables as they are."""
    return _create_database(postgres_url, f"TEMPLATE {migrated_template}")


@pytest.fixture(scope="session")
def empty_database(postgres_url: str) -> str:
    """URL of a database that nothing is ever migrated in."""
    return _create_database(postgres_url)


@pytest.fixture
def new_database(postgres_url: str) -> Callable[[], str]:
    """Gives the URL of a new database that nothing was migrated in."""
    return lambda: _create_database(postgres_url)


def _create_database(postgres_url: str, options: str = "") -> str:
    # They go with the server: dropping one makes PostgreSQL write everything to disk first.
    name = f"voc_store_{next(_numbers)}"
    with closing(psycopg2.connect(postgres_url)) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"CREATE DATABASE {name} {options}")
    return f"{postgres_url.rpartition('/')[0]}/{name}"
