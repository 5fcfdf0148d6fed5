"""Gives what is stored about a renamed experience to its new name.

If something is stored under the new name already, both are added up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from voc_stream.postgres.increments.encoding import pack_whole, unpack_whole
from voc_stream.postgres.schema.sums import BINS, SUMS, add_up
from voc_stream.postgres.schema.tables.complaint import COMPLAINT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voc_stream.postgres.session.cursor import Cursor


_BOXES = (*SUMS, "top_n", "bottom_n")
# Of each table of sums: its key without the experience, and its sums.
_SUMS = {
    "pane": (("resolution", "start", "scope_type", "scope"), _BOXES),
    "rolling_sum": (("horizon", "scope_type", "scope"), _BOXES),
    "experience_cube": (("day", "cell"), (*SUMS, *BINS)),
    "duration_count": (("day", "site_id", "bucket"), ("n",)),
    "answer_band": (("month", "scope_type", "scope", "band"), ("n", "total", "squares")),
}

COMPLAINTS_A_TIME = 1_000
_encode = msgspec.json.Encoder().encode


def _rename_categories(cursor: Cursor, old: str, new: str) -> None:
    """Rename what complaints are about, in their states and in what shows them.

    A worker that has the complaint at hand finds another version, and reads it anew.
    """
    while True:
        cursor.execute(
            "SELECT complaint_id, fold_state FROM complaint WHERE category = %s LIMIT %s",
            (old, COMPLAINTS_A_TIME),
        )
        found = cursor.fetchall()
        if not found:
            return
        states = []
        for _, text in found:
            state = COMPLAINT.decode(text)
            if state.category is not None:
                state.category = msgspec.structs.replace(state.category, value=new)
            states.append(_encode(state).decode())
        cursor.execute(
            "UPDATE complaint c SET category = %s, version = version + 1,"
            " fold_state = s.state"
            " FROM unnest(%s::text[], %s::text[]) AS s (complaint_id, state)"
            " WHERE c.complaint_id = s.complaint_id",
            (new, [complaint_id for complaint_id, _ in found], states),
        )


def _rename_in_texts(cursor: Cursor, names: Mapping[str, str]) -> None:
    """Rename in what was counted of complaints' texts."""
    cursor.execute(
        "UPDATE complaint_text SET category = %(new)s WHERE category = %(old)s;"
        " UPDATE text_suggestion SET category = %(new)s WHERE category = %(old)s;"
        " WITH gone AS (DELETE FROM complaint_gram WHERE category = %(old)s RETURNING *)"
        " INSERT INTO complaint_gram AS t (month, category, gram, n)"
        " SELECT month, %(new)s, gram, n FROM gone"
        f" {add_up('month, category, gram', ('n',))}",
        names,
    )


def _now(column: str) -> str:
    return f"CASE {column} WHEN %(old)s THEN %(new)s ELSE {column} END AS {column}"


def _rename_in_pairs(cursor: Cursor, names: Mapping[str, str]) -> None:
    """Rename in cross-products, where the name that comes first stands first."""
    kept = ("month", "scope_type", "scope")
    key, turned = ("first", "second"), ("second", "first")
    sums = ("n", "first_sum", "second_sum", "first_sq_sum", "second_sq_sum", "product_sum")
    back = ("n", "second_sum", "first_sum", "second_sq_sum", "first_sq_sum", "product_sum")
    columns = ", ".join((*kept, *key, *sums))
    cursor.execute(
        "WITH gone AS ("
        " DELETE FROM answer_product WHERE %(old)s IN (first, second) RETURNING *"
        "), renamed AS ("
        f" SELECT {', '.join(kept)}, {_now('first')}, {_now('second')},"
        f" {', '.join(sums)} FROM gone"
        "), ordered AS ("
        f" SELECT {columns} FROM renamed WHERE first < second UNION ALL"
        f" SELECT {', '.join((*kept, *turned, *back))} FROM renamed WHERE first > second"
        f") INSERT INTO answer_product AS t ({columns})"
        f" SELECT {', '.join((*kept, *key))}, {', '.join(f'sum({name})' for name in sums)}"
        f" FROM ordered GROUP BY {', '.join((*kept, *key))}"
        f" {add_up(', '.join((*kept, *key)), sums)}",
        names,
    )


def _rename_waiting(cursor: Cursor, alias: Mapping[str, str]) -> None:
    """Rename in what waits to be merged. Its writers may not update it; it keeps its number."""
    if not alias:
        return
    cursor.execute("SELECT topic, partition, number, measures, earliest, data FROM increment")
    for *others, data in cursor.fetchall():
        increment = unpack_whole(bytes(data))
        renamed = [alias.get(name, name) for name in increment.experiences]
        if renamed != increment.experiences:
            changed = pack_whole(msgspec.structs.replace(increment, experiences=renamed))
            cursor.execute(
                "DELETE FROM increment WHERE (topic, partition, number) = (%s, %s, %s)", others[:3]
            )
            cursor.execute(
                "INSERT INTO increment VALUES (%s, %s, %s, %s, %s, %s)", [*others, changed]
            )


def rename_experiences(cursor: Cursor, alias: Mapping[str, str]) -> None:
    """Rename in every table that names experiences.

    An old name of which nothing is stored costs one look.
    """
    _rename_waiting(cursor, alias)
    for old, new in sorted(alias.items()):
        names = {"old": old, "new": new}
        for table, (key, sums) in _SUMS.items():
            kept, added = ", ".join(key), ", ".join(sums)
            cursor.execute(
                f"WITH gone AS (DELETE FROM {table} WHERE experience = %(old)s RETURNING *)"
                f" INSERT INTO {table} AS t ({kept}, experience, {added})"
                f" SELECT {kept}, %(new)s, {added} FROM gone"
                f" {add_up(f'{kept}, experience', sums)}",
                names,
            )
        _rename_categories(cursor, old, new)
        _rename_in_texts(cursor, names)
        _rename_in_pairs(cursor, names)
        # What detectors knew under either name is computed anew from hours and days.
        cursor.execute(
            "DELETE FROM detector WHERE experience = %(new)s AND EXISTS ("
            "   SELECT FROM detector o WHERE o.experience = %(old)s);"
            " DELETE FROM detector WHERE experience = %(old)s;"
            " DELETE FROM site_level WHERE experience = %(old)s;"
            " DELETE FROM late_hour WHERE experience = %(old)s;"
            " DELETE FROM importance_weight WHERE %(old)s IN (experience, outcome);"
            " UPDATE detector_clock SET is_look_due = true",
            names,
        )
        cursor.execute(
            " UPDATE alert a SET experience = %(new)s"
            " WHERE experience = %(old)s AND (ended_at IS NOT NULL OR NOT EXISTS ("
            "   SELECT FROM alert n WHERE n.ended_at IS NULL AND n.experience = %(new)s"
            "   AND (n.rule, n.scope_type, n.scope) = (a.rule, a.scope_type, a.scope)));"
            " DELETE FROM experience WHERE experience = %(old)s",
            names,
        )
