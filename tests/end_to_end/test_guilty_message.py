"""One event is too much for PostgreSQL, whatever is done.

It is set aside, and everything around it is in the tables soon.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from builders import message, touchpoint
from fakes import MemoryChores
from kafka import KafkaProducer
from kafka_worker import started_workers, wait_until

from voc_stream.kafka.topics import ensure_topics, input_topics
from voc_stream.pipeline.take_in import decode_messages
from voc_stream.postgres.intake.batch_transaction import PostgresSink

if TYPE_CHECKING:
    from voc_stream.catalogue.model import Catalogue
    from voc_stream.settings import Settings

DEADLINE_SECONDS = 2
EVENTS = 400
GUILTY = EVENTS // 2

TOO_MUCH = {
    "takes longer than the deadline": "PERFORM pg_sleep(60);",
    "ends the server's process": "PERFORM pg_terminate_backend(pg_backend_pid());",
    "takes more memory than there is": "RAISE EXCEPTION 'out of memory' USING ERRCODE ="
    " 'out_of_memory';",
}


def make_too_much(database_url: str, body: str) -> None:
    """Let PostgreSQL run `body` for the event of the guilty customer."""
    with closing(psycopg2.connect(database_url)) as connection, connection:
        connection.cursor().execute(
            f"CREATE FUNCTION public.too_much() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}"
            f" RETURN NEW; END $$;"
            " CREATE TRIGGER too_much BEFORE INSERT ON voc.touchpoint_event FOR EACH ROW"
            " WHEN (NEW.customer_id = 'guilty') EXECUTE FUNCTION public.too_much()"
        )


def rows(database_url: str, query: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


@pytest.mark.parametrize("what", TOO_MUCH)
def test_an_event_that_is_too_much_is_set_aside(
    settings: Settings, catalogue: Catalogue, what: str
) -> None:
    """Its bytes are in `voc.dead_letter` with the reason `processing_failed`.

    Every other event counts, and PostgreSQL is not blamed.
    """
    url = settings.require_database_url()
    own = replace(settings, database_deadline_seconds=DEADLINE_SECONDS)
    make_too_much(url, TOO_MUCH[what])
    ensure_topics(own)
    values = [
        message(touchpoint(f"t-{each}", customer_id="guilty" if each == GUILTY else f"c-{each}"))
        for each in range(EVENTS)
    ]
    with closing(KafkaProducer(bootstrap_servers=own.kafka_bootstrap, linger_ms=5)) as producer:
        topics = input_topics(own.topic_prefix)
        for place, value in enumerate(values):
            producer.send(
                topics[0 if place == GUILTY else place % len(topics)],
                value=value,
                partition=place % own.partitions,
            )
        producer.flush()
    with (
        closing(PostgresSink(url, catalogue, deadline_seconds=DEADLINE_SECONDS)) as sink,
        started_workers() as start,
    ):
        worker = start(
            own, sink, MemoryChores(), decode=partial(decode_messages, catalogue=catalogue)
        )
        began = time.monotonic()
        wait_until(
            lambda: worker.sample("voc_messages_set_aside_total") == 1,
            "the guilty one is set aside",
        )
        wait_until(
            lambda: worker.sample("voc_events_total", outcome="accepted") == EVENTS - 1,
            "all others are taken in",
        )
        assert time.monotonic() - began < 12 * DEADLINE_SECONDS
        wait_until(lambda: worker.is_ready, "ready again")
        assert worker.sample("voc_postgres_retries_total") == 0
        assert worker.sample("voc_events_total", outcome="rejected") == 1
    ((reason, detail, payload),) = rows(url, "SELECT reason, detail, payload FROM voc.dead_letter")
    assert (reason, bytes(payload)) == ("processing_failed", values[GUILTY])
    assert str(detail).startswith(
        f"{len(values[GUILTY])} bytes; alone, with PostgreSQL well, it failed again and again:"
        f" PostgreSQL: "
    )
    assert rows(url, "SELECT count(*) FROM voc.touchpoint_event") == [(EVENTS - 1,)]
