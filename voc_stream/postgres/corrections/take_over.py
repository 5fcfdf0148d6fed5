"""Lets a newer catalogue rule the database.

One transaction renames what is renamed, and shows readers the new catalogue.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from voc_stream.postgres.corrections.renaming import rename_experiences
from voc_stream.postgres.rolling.catalogue_copy import copy_catalogue
from voc_stream.postgres.schema.installation import (
    Ruling,
    make_installation,
    read_ruling,
    why_to_wait,
)
from voc_stream.postgres.session.connection import require_tables

if TYPE_CHECKING:
    from voc_stream.catalogue.model import Catalogue
    from voc_stream.postgres.session.cursor import Cursor

log = logging.getLogger(__name__)


def take_over(cursor: Cursor, catalogue: Catalogue) -> None:
    """Let this catalogue rule, if it may.

    It waits until no transaction relies on another catalogue, then renames and writes.
    """
    # Whoever begins while this waits, waits behind it. So it gives up soon, and the caller tries
    # again: a dump may hold the table for long.
    cursor.execute("SET LOCAL lock_timeout = '2s'")
    cursor.execute("LOCK TABLE installation IN ACCESS EXCLUSIVE MODE")
    cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '120s'")
    require_tables(cursor)
    make_installation(cursor)
    before = read_ruling(cursor)
    if why_to_wait(before, catalogue) is not None or (
        before is not None and before.digest == catalogue.digest
    ):
        return  # another worker was faster
    rename_experiences(cursor, catalogue.alias)
    copy_catalogue(cursor, catalogue)
    cursor.execute(
        "UPDATE installation SET trade = %s, catalogue_version = %s, catalogue_digest = %s,"
        " ruled_since = now()",
        (catalogue.trade, catalogue.version, catalogue.digest),
    )
    ruling = Ruling(catalogue.trade, catalogue.version, catalogue.digest)
    log.info("the catalogue that rules is now: %s; before: %s", ruling, before or "none")
