"""R21: one event takes PostgreSQL longer than any transaction may take.

Later, what made it so is gone.
"""

from __future__ import annotations

import json
import time
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg2
import pytest
from chaos.load import Load
from chaos.recovery import Recovery, note
from chaos.service import ChaosService
from end_to_end.call_centre import simulated_messages
from end_to_end.harness import chance

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from voc_stream.settings import Settings
    from voc_stream.simulator.delivery.message import SimulatedMessage

DEADLINE_SECONDS = 4
EVENTS_PER_SECOND = 150.0
LOAD_SECONDS = 40
SET_ASIDE_SECONDS = 60.0
TOO_SLOW = """
    CREATE FUNCTION public.too_slow() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN PERFORM pg_sleep(600); RETURN NEW; END $$;
    CREATE TRIGGER too_slow BEFORE INSERT ON voc.touchpoint_event
    FOR EACH ROW WHEN (NEW.event_id = '{event_id}') EXECUTE FUNCTION public.too_slow()
"""

pytestmark = pytest.mark.chaos


def run(service: ChaosService, statement: str) -> None:
    """As the owner of the tables."""
    with closing(psycopg2.connect(service.direct_url)) as connection, connection:
        connection.cursor().execute(statement)


def sent_once(messages: Sequence[SimulatedMessage]) -> str:
    """The id of an event of the second quarter that no other message names."""
    everything = b"\n".join(message.value or b"" for message in messages)
    for message in messages[len(messages) // 4 :]:
        with suppress(ValueError, KeyError, TypeError):
            event_id = str(json.loads(message.value or b"")["event_id"])
            if message.kind == "valid" and everything.count(event_id.encode()) == 1:
                return event_id
    raise AssertionError("every event is named twice")


def test_guilty_message(chaos_settings: Settings, tmp_path: Path) -> None:
    """It becomes one dead letter, and every event around it counts meanwhile.

    If it is sent again when nothing hinders it any more, it counts, too.
    """
    random = chance()
    messages = simulated_messages(
        round(EVENTS_PER_SECOND * LOAD_SECONDS), seed=random.randrange(2**32)
    )
    event_id = sent_once(messages)
    with ChaosService(
        replace(chaos_settings, database_deadline_seconds=DEADLINE_SECONDS), tmp_path
    ) as service:
        run(service, TOO_SLOW.format(event_id=event_id))
        worker = service.start_worker()
        service.wait_until_ready([worker])
        with Load(service, messages, EVENTS_PER_SECOND):
            service.wait_until(
                lambda: worker.metric("voc_partition_held") >= 1, 60, "what failed is tried apart"
            )
            since = time.monotonic()
            service.wait_until(
                lambda: worker.metric("voc_messages_set_aside_total") == 1,
                SET_ASIDE_SECONDS,
                "it is set aside",
            )
            seconds = time.monotonic() - since
        service.wait_until_caught_up()
        assert worker.is_running
        assert worker.metric("voc_messages_set_aside_total") == 1
        assert worker.metric("voc_postgres_retries_total") == 0, "PostgreSQL is not blamed"
        assert service.query(
            "SELECT count(*) FROM dead_letter WHERE reason = 'processing_failed'"
        ) == [(1,)]
        assert service.query(
            "SELECT count(*) FROM touchpoint_event WHERE event_id = %s", (event_id,)
        ) == [(0,)]
        run(service, "DROP FUNCTION public.too_slow() CASCADE")
        service.command("dead-letters", "retry", "--reason", "processing_failed")
        service.wait_until_caught_up()
        service.assert_everything_holds()
    note(
        Recovery(
            "R21",
            "a message that takes too long",
            f"one event sleeps for 600 s in PostgreSQL, under load; deadline {DEADLINE_SECONDS} s;"
            f" later it is sent again",
            "one dead letter, all others count meanwhile, PostgreSQL is not blamed; seconds until"
            " it was set aside",
            seconds,
        )
    )
