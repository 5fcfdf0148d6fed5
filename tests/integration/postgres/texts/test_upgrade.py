from __future__ import annotations

import json
from typing import TYPE_CHECKING

import sqlalchemy
from alembic import command
from builders import complaint
from integration.postgres.store import Store

from voc_stream.postgres.schema.migrate import _alembic_config, migrate
from voc_stream.postgres.session.connection import asking

if TYPE_CHECKING:
    from collections.abc import Callable

    from voc_stream.catalogue.model import Catalogue


def test_texts_that_are_stored_already_are_read(
    new_database: Callable[[], str], catalogue: Catalogue
) -> None:
    """After the upgrade the chore reads them; what is stored of a complaint knows of its text."""
    url = new_database()
    with asking(url) as connection:
        connection.execute(sqlalchemy.text("CREATE SCHEMA voc"))
        command.upgrade(_alembic_config(connection), "0034")
        for number, text in enumerate(["Rude advisor", None], 1):
            event = complaint(f"k-{number}", complaint_id=f"q-{number}", text=text)
            state = {"complaint_id": f"q-{number}"}
            for statement in (
                (
                    "INSERT INTO touchpoint_event (event_id, type, occurred_at, customer_id,"
                    ' site_id, body, topic, partition, "offset", is_scored, is_contact)'
                    " VALUES (:id, 'complaint', :at, 'u-1', 's-1', :body, 't', 0, 0, false, false)"
                ),
                (
                    "INSERT INTO complaint (complaint_id, version, fold_state, customer_id,"
                    " site_id, severity, state, reopened)"
                    " VALUES (:complaint, 1, :state, 'u-1', 's-1', 'minor', 'opened', 0)"
                ),
            ):
                connection.execute(
                    sqlalchemy.text(statement),
                    {
                        "id": event["event_id"],
                        "at": event["occurred_at"],
                        "body": json.dumps(event),
                        "complaint": event["complaint_id"],
                        "state": json.dumps(state),
                    },
                )
    migrate(url)
    with Store(url, catalogue) as store:
        store.copy_catalogue()
        assert store.ask("SELECT fold_state::jsonb ->> 'has_text' FROM complaint ORDER BY 1") == [
            ("true",),
            (None,),
        ]
        assert store.chores().read_texts() == 1
        assert store.ask("SELECT complaint_id, category_suggested FROM complaint_suggestion") == [
            ("q-1", "advisor_service")
        ]
