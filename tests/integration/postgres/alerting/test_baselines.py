from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import psycopg2
from integration.postgres.alerting.judged import EXPERIENCE, TODAY, Judged

from voc_stream.postgres.alerting.baselines import LOOKED_EVERY, Baselines

if TYPE_CHECKING:
    from integration.postgres.store import Store

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.postgres.session.cursor import Cursor


def test_what_is_due_is_looked_for_once_a_minute(store: Store, catalogue: Catalogue) -> None:
    """Eight weeks are much to read.

    Also of a worker that starts beside detectors that stand already.
    """
    judged = Judged(store)
    judged.past()
    assert store.one("SELECT count(*) FROM detector WHERE experience = %s", EXPERIENCE) == 4
    baselines = Baselines(catalogue)
    with (
        closing(psycopg2.connect(store.url, options="-c search_path=voc")) as connection,
        connection,
    ):
        assert baselines.renew(connection.cursor(), TODAY) == 0
    nothing_to_ask = cast("Cursor", None)
    assert baselines.renew(nothing_to_ask, TODAY + LOOKED_EVERY - timedelta(seconds=1)) == 0
