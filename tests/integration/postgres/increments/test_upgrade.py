from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy
from alembic import command
from builders import START
from integration.postgres.store import NOW, Store

from voc_stream.postgres.schema.migrate import _alembic_config, migrate
from voc_stream.postgres.session.connection import asking

if TYPE_CHECKING:
    from collections.abc import Callable

    from voc_stream.catalogue.model import Catalogue

COLUMNS = "moment, weight, experience, value, expectation, importance, site_id, segment"
BLANK = "department, employee_id, product, channel, mode, region"


def test_what_waits_is_taken_along(new_database: Callable[[], str], catalogue: Catalogue) -> None:
    """Rows of the first queue are in no sum yet, those of the second in the sums of sites."""
    url = new_database()
    with asking(url) as connection:
        connection.execute(sqlalchemy.text("CREATE SCHEMA voc"))
        command.upgrade(_alembic_config(connection), "0031")
        for queue, number, weight, site in (
            ("contribution", "", 1, "s-1"),
            ("contribution", "", 1, "s-1"),
            ("contribution", "", -1, "s-1"),
            ("detail_contribution", 1, 1, "s-2"),
        ):
            connection.exec_driver_sql(
                f"INSERT INTO {queue} ({COLUMNS}, {BLANK}{', number' if number else ''}) VALUES"
                f" ('{START + timedelta(microseconds=3)}', {weight}, '{{overall,fair_charge}}',"
                f" '{{900,500}}', '{{NULL,800}}', NULL, '{site}', 'gold', '', '', '', '', '', ''"
                f"{f', {number}' if number else ''})"
            )
    migrate(url)
    with Store(url, catalogue) as store:
        store.chores().refresh(NOW)
        assert store.ask(
            "SELECT site_id, segment, experience, n, score_sum, score_sq_sum::int, expectation_n,"
            " expectation_sum, importance_n FROM experience_daily ORDER BY 1, 3"
        ) == [
            (site, "gold", experience, 1, value, value**2, expected, 800 * expected, 0)
            for site in ("s-1", "s-2")
            for experience, value, expected in (("fair_charge", 500, 1), ("overall", 900, 0))
        ]
        assert store.ask("SELECT DISTINCT scope FROM pane WHERE scope_type = 'site'") == [("s-1",)]
        assert store.ask(
            "SELECT DISTINCT n FROM pane WHERE scope_type = 'segment' AND scope = 'gold'"
        ) == [(2,)]
        assert store.one("SELECT count(*) FROM increment") == 0
