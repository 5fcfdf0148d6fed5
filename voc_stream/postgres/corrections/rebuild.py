"""Recomputes every derived table from the stored events, and replaces the rows that differ.

All of it is one transaction: if it is cut off, it has changed nothing and left nothing. The workers
wait meanwhile; they hold their batches and lose nothing. Readers do not wait. The events are folded
anew into a schema of its own, customers' profiles first, so that no history has to be moved
afterwards. So the tables come about in another way, which shares no increments with the live one.
"""

from __future__ import annotations

from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import psycopg2

from voc_stream.pipeline.ports import StoreUnavailableError
from voc_stream.postgres.cells.schemas import schemas_of
from voc_stream.postgres.churn_walk.walk_all import walk_all
from voc_stream.postgres.corrections.compare_tables import (
    NOT_DERIVED,
    PANES_COMPARED,
    TableComparison,
    compare_tables,
)
from voc_stream.postgres.corrections.histories import move_some
from voc_stream.postgres.corrections.repair import repair
from voc_stream.postgres.corrections.taking_back import take_out_next
from voc_stream.postgres.increments.increment_rows import OF_REBUILD
from voc_stream.postgres.intake.load_fold_save import Folding
from voc_stream.postgres.intake.stored_events import restate_contacts, stored_events
from voc_stream.postgres.intake.versioned_rows import EntityStore
from voc_stream.postgres.profiles.profile_changes import tell_all
from voc_stream.postgres.rolling import churn_risk as churn
from voc_stream.postgres.rolling import refresh
from voc_stream.postgres.rolling.catalogue_copy import copy_catalogue
from voc_stream.postgres.rolling.late_hours import forget_detectors
from voc_stream.postgres.rolling.refreshes import REFRESHES, wind_back
from voc_stream.postgres.schema import all_tables as tables
from voc_stream.postgres.schema.installation import require_catalogue
from voc_stream.postgres.schema.reader_views import READER_VIEWS
from voc_stream.postgres.session.background import Background
from voc_stream.postgres.session.connection import (
    checked_out,
    engine_for,
    is_about_data,
    require_tables,
)
from voc_stream.postgres.session.error_advice import explain
from voc_stream.postgres.session.locks import Lock, keep_batches_out, wait_for_lock
from voc_stream.postgres.session.server_clock import server_now
from voc_stream.postgres.session.staging import create_staging_tables
from voc_stream.postgres.texts.read_all import read_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.postgres.cells.schemas import Schemas
    from voc_stream.postgres.session.cursor import Connection, Cursor

EVENTS_A_TIME = 5_000
_LOCKS = (
    Lock.RETRACTIONS,
    Lock.HISTORIES,
    Lock.SITES,
    Lock.DETAILS,
    Lock.ASSESSMENT,
    Lock.EVALUATION,
    Lock.TEXTS,
    Lock.WALKS,
)
_STATES = (tables.repair_order, tables.complaint, tables.customer_state)
_REPLACED = (
    *_STATES,
    tables.churn_risk,
    tables.churn_history,
    tables.churn_cell,
    tables.churn_walk,
    tables.customer_moment,
    tables.experience_cube,
    tables.duration_count,
    tables.pane,
    tables.rolling_sum,
    tables.complaint_text,
    tables.complaint_gram,
    tables.text_suggestion,
    tables.complaint_term,
    tables.answer_product,
    tables.answer_band,
)
_QUEUES = (
    tables.increment,
    tables.merged,
    tables.customer_move,
    tables.churn_pending,
    tables.walk_pending,
    tables.late_hour,
    tables.text_pending,
    tables.text_clock,
)
_COPIED = (*_REPLACED, *_QUEUES, tables.experience, tables.rolling_clock)


class RebuildReport(NamedTuple):
    """What was recomputed and whether anything differed; what differed has been replaced."""

    events: int
    tables: list[TableComparison]

    @property
    def differing(self) -> int:
        """Rows that differed, over all tables."""
        return sum(table.differing for table in self.tables)


def rebuild(
    database_url: str, catalogue: Catalogue, progress: Callable[[int, int], None]
) -> RebuildReport:
    """Recompute, compare and replace.

    `progress` is called with the events done and all events. Raises StoreUnavailableError.
    """
    schemas = schemas_of(database_url)
    engine = engine_for(database_url, path=f"{schemas.scratch},{schemas.live}")
    try:
        with checked_out(engine) as connection:
            return _rebuild(connection, schemas, catalogue, progress)
    except psycopg2.Error as error:
        if is_about_data(error):  # as where somebody has added a constraint or a trigger
            raise StoreUnavailableError(explain(error)) from error
        raise
    finally:
        engine.dispose()


def _rebuild(
    connection: Connection,
    schemas: Schemas,
    catalogue: Catalogue,
    progress: Callable[[int, int], None],
) -> RebuildReport:
    with connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '120s';"
            " SET LOCAL idle_in_transaction_session_timeout = 0"
        )
        require_tables(cursor)
        require_catalogue(cursor, catalogue)
        keep_batches_out(cursor)
        wait_for_lock(cursor, *_LOCKS)
        now = server_now(cursor)
        _catch_up(cursor, schemas, catalogue, now)
        _create_scratch(cursor, schemas)
        create_staging_tables(cursor)
        events = _fold_everything(connection, cursor, catalogue, progress)
        _derive(cursor, schemas, catalogue, now)
        compared = compare_tables(cursor, schemas)
        if any(table.differing for table in compared):
            for table in _REPLACED:
                repair(
                    cursor,
                    table,
                    (schemas.live, schemas.scratch),
                    NOT_DERIVED,
                    PANES_COMPARED if table is tables.pane else "true",
                )
            forget_detectors(cursor)
            tell_all(cursor)
        cursor.execute(f"DROP SCHEMA {schemas.scratch} CASCADE")
        connection.commit()
        return RebuildReport(events, compared)


def _catch_up(cursor: Cursor, schemas: Schemas, catalogue: Catalogue, now: datetime) -> None:
    """Let the live tables take in what is pending, so that they can be compared."""
    cursor.execute(f"SET search_path = {schemas.live}")
    create_staging_tables(cursor)
    copy_catalogue(cursor, catalogue)
    restate_contacts(cursor, catalogue.flow.follow_up)
    _wind_back(cursor, now)
    while take_out_next(cursor, catalogue, now, set()):
        _empty_staging(cursor)
    _move_all_histories(cursor, catalogue)
    _merge_everything(cursor, schemas)
    while customer_ids := churn.take_changed(cursor, EVENTS_A_TIME):
        churn.reassess(cursor, customer_ids, catalogue, now)
    read_all(cursor, catalogue)
    walk_all(cursor, catalogue, now)
    # The temporary tables must not shadow those that the scratch schema's own will be made from.
    cursor.execute("DISCARD TEMP")


def _wind_back(cursor: Cursor, now: datetime) -> None:
    """Go back to now if a clock was ahead. The comparison finds what is missing then."""
    cursor.execute("SELECT refresh FROM rolling_clock WHERE as_of > %s", (now,))
    ahead = {name for (name,) in cursor}
    for which in REFRESHES:
        if which.name in ahead:
            wind_back(cursor, which, now)
    churn.take_up_future(cursor, now)


def _move_all_histories(cursor: Cursor, catalogue: Catalogue) -> None:
    entities = EntityStore(cached_bytes=0)
    with closing(Background()) as background:
        while move_some(cursor, entities, background, catalogue):
            entities.keep()
            _empty_staging(cursor)


def _empty_staging(cursor: Cursor) -> None:
    """Empty the staging tables, which empty themselves only at the end of a transaction."""
    cursor.execute("TRUNCATE staged_repair_order, staged_complaint, staged_customer_state")


def _merge_everything(cursor: Cursor, schemas: Schemas) -> None:
    """Merge all that is pending into the tables of the current schema.

    Each refresh is as of the moment of the live tables.
    """
    clock = f"{schemas.live}.rolling_clock"
    for which in REFRESHES:
        cursor.execute(
            f"SELECT coalesce((SELECT as_of FROM {clock} WHERE refresh = %s), now())",
            (which.name,),
        )
        (as_of,) = cursor.fetchone()  # type: ignore[misc]  # a SELECT without FROM gives one row
        while refresh.refresh(cursor, which, as_of, refresh.MEASURES_A_TIME):
            pass


def _create_scratch(cursor: Cursor, schemas: Schemas) -> None:
    live, scratch = schemas.live, schemas.scratch
    cursor.execute(
        f"DROP SCHEMA IF EXISTS {scratch} CASCADE; CREATE SCHEMA {scratch};"
        f" SET search_path = {scratch}, {live}"
    )
    like = "INCLUDING DEFAULTS INCLUDING IDENTITY INCLUDING INDEXES"
    for table in _COPIED:
        cursor.execute(
            f"CREATE UNLOGGED TABLE {scratch}.{table.name} (LIKE {live}.{table.name} {like})"
        )
    for table in (tables.experience, tables.rolling_clock):
        cursor.execute(f"INSERT INTO {scratch}.{table.name} SELECT * FROM {live}.{table.name}")
    for _, statement in READER_VIEWS:
        cursor.execute(statement)


def _fold_everything(
    connection: Connection,
    cursor: Cursor,
    catalogue: Catalogue,
    progress: Callable[[int, int], None],
) -> int:
    entities, background, now = EntityStore(), Background(), server_now(cursor)
    cursor.execute("SELECT count(*) FROM touchpoint_event")
    (total,) = cursor.fetchone()  # type: ignore[misc]  # an aggregate gives one row
    done = 0
    for condition in ("type = 'customer'", "type <> 'customer'"):
        events = stored_events(connection, condition, catalogue.alias)
        while chunk := list(islice(events, EVENTS_A_TIME)):
            folding = Folding(cursor, entities, catalogue, chunk, now)
            folding.load()
            folding.apply()
            folding.save(background, OF_REBUILD, with_history=False)
            _empty_staging(cursor)
            entities.keep()
            done += len(chunk)
            progress(done, total)
    background.close()
    return done


def _derive(cursor: Cursor, schemas: Schemas, catalogue: Catalogue, now: datetime) -> None:
    """Derive the scratch schema's rolling tables and risks as of moments of the live ones."""
    _merge_everything(cursor, schemas)
    # A risk is compared as of the last moment until which its row says that it holds. When it was
    # written, other facts may have led to the same risk.
    cursor.execute(
        "SELECT customer_id,"
        " greatest(as_of, least(%s, next_change_at - interval '1 microsecond'))"
        f" FROM {schemas.live}.churn_risk ORDER BY 1",
        (now,),
    )
    moments = cursor.fetchall()
    for first in range(0, len(moments), EVENTS_A_TIME):
        churn.assess_as_of(cursor, dict(moments[first : first + EVENTS_A_TIME]), catalogue)
    # A customer without a risk in the live table must have none in truth.
    cursor.execute(
        f"SELECT customer_id FROM {schemas.scratch}.customer EXCEPT SELECT customer_id"
        f" FROM {schemas.live}.churn_risk"
    )
    without = [customer_id for (customer_id,) in cursor.fetchall()]
    cursor.execute(f"SELECT max(as_of) FROM {schemas.live}.rolling_clock")
    (as_of,) = cursor.fetchone()  # type: ignore[misc]  # an aggregate gives one row
    churn.reassess(cursor, without, catalogue, as_of)
    read_all(cursor, catalogue)
    walk_all(cursor, catalogue, now)
