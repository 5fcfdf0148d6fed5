"""A standby takes over from a server that is gone.

A worker that knows both goes on, and everything counts once.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from builders import messages
from integration.postgres.crowd import crowd
from integration.postgres.store import NOW, Store, position_of, send_as_a_worker_does, wait_until
from postgres_server import PostgresServer

from voc_stream.pipeline.ports import StoreUnavailableError
from voc_stream.postgres.schema.migrate import migrate
from voc_stream.postgres.session.connection import asking

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voc_stream.catalogue.model import Catalogue

pytestmark = pytest.mark.postgres
VALUES = messages(crowd(80))
BATCHES = [VALUES[first : first + 10] for first in range(0, 80, 10)]


@pytest.fixture
def pair() -> Iterator[tuple[PostgresServer, PostgresServer]]:
    """A server and its standby."""
    with tempfile.TemporaryDirectory(prefix="voc-tests-") as name:
        folders = [Path(name) / "first", Path(name) / "second"]
        for folder in folders:
            folder.mkdir()
        with PostgresServer(folders[0], settings={"wal_keep_size": "64MB"}) as first:
            migrate(first.url)
            with PostgresServer(folders[1], copy_of=first) as second:
                yield first, second


@pytest.mark.parametrize("lost", [False, True], ids=["standby has all", "last commits lost"])
def test_worker_goes_on_at_the_standby_and_everything_counts_once(
    pair: tuple[PostgresServer, PostgresServer], catalogue: Catalogue, lost: bool
) -> None:
    """Rows and positions are in one transaction.

    So what a standby has lost of both is read from Kafka again.
    """
    first, second = pair
    # The standby is named first: it is passed over while it takes no writes.
    url = f"postgresql://voc@127.0.0.1:{second.port},127.0.0.1:{first.port}/postgres"
    with Store(url, catalogue) as store:
        sink = store.sink(0)
        send_as_a_worker_does(sink, BATCHES[:3])
        stands = first.ask("SELECT pg_current_wal_insert_lsn()")[0][0]
        wait_until(
            lambda: second.ask(f"SELECT pg_last_wal_replay_lsn() >= '{stands}'") == [(True,)]
        )
        if lost:
            second.ask("ALTER SYSTEM SET primary_conninfo = ''")
            second.ask("SELECT pg_reload_conf()")
            wait_until(lambda: second.ask("SELECT count(*) FROM pg_stat_wal_receiver") == [(0,)])
        send_as_a_worker_does(sink, BATCHES[:5])
        if not lost:
            stands = first.ask("SELECT pg_current_wal_insert_lsn()")[0][0]
            wait_until(
                lambda: second.ask(f"SELECT pg_last_wal_replay_lsn() >= '{stands}'") == [(True,)]
            )
        first.kill()
        with pytest.raises(StoreUnavailableError):
            position_of(sink)
        with (
            pytest.raises(
                StoreUnavailableError, match=r"no host of VOC_DATABASE_URL takes writes now"
            ),
            asking(url),
        ):
            pass
        second.promote()
        assert position_of(sink).next_offset == (30 if lost else 50)
        send_as_a_worker_does(sink, BATCHES)
        chores = store.chores()
        chores.refresh(NOW)
        chores.assess_churn(NOW)
    with Store(second.url, catalogue) as store:
        store.assert_as_expected(VALUES)
