from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import psycopg2
import pytest

from voc_stream.embedded.processes.tcp_ports import free_port
from voc_stream.pipeline.ports import StoreUnavailableError
from voc_stream.postgres.schema.probe import probe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from integration.postgres.store import Store


@contextmanager
def set_for_all(store: Store, setting: str) -> Iterator[None]:
    """A setting of the whole database, for sessions that begin now."""
    name = store.url.rpartition("/")[2]
    with closing(psycopg2.connect(store.url)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(f"ALTER DATABASE {name} SET {setting}")
        try:
            yield
        finally:
            cursor.execute("SET default_transaction_read_only = off")
            cursor.execute(f"ALTER DATABASE {name} RESET {setting.split(maxsplit=1)[0]}")


def test_a_server_that_is_well_passes(store: Store) -> None:
    """It leaves nothing in the tables."""
    before = store.tables()
    probe(store.url)
    assert store.tables() == before


def test_a_read_only_database_is_named(store: Store) -> None:
    """It answers everything that is asked, and takes in nothing.

    `positions` alone would say that all is well.
    """
    with (
        set_for_all(store, "default_transaction_read_only = on"),
        pytest.raises(StoreUnavailableError, match="read-only"),
    ):
        probe(store.url)
    probe(store.url)


def test_a_rebuild_is_waited_for(store: Store) -> None:
    """Whoever holds all writers off is no guilt of a batch."""
    with closing(psycopg2.connect(store.url)) as connection:
        connection.cursor().execute("LOCK TABLE voc.stream_position IN SHARE ROW EXCLUSIVE MODE")
        with pytest.raises(StoreUnavailableError):
            probe(store.url, seconds=2.0)


def test_a_server_that_is_away_is_named(store: Store) -> None:
    """The sentence says what to check."""
    address, _, rest = store.url.partition("@")
    with pytest.raises(StoreUnavailableError, match="check VOC_DATABASE_URL and the server"):
        probe(f"{address}@127.0.0.1:{free_port()}/{rest.rpartition('/')[2]}")
