"""Gives SQL of when a customer last acted, which is told by rows that are written anyway.

A column of its own would have to be written with nearly every event. Of an order the latest of
three moments is kept for other reasons: of its steps, its scores, and its contacts. A contact is
forgotten only once a delivery, which is a step, is later.
"""

from __future__ import annotations

HEARD_OF_ORDER = (
    "greatest(last_moment_at, (fold_state::json -> 'step' ->> 0)::timestamptz,"
    " (fold_state::json -> 'contact' ->> 1)::timestamptz)"
)
"""SQL of the latest act about an order, of a row of `repair_order`."""
HEARD_OF_COMPLAINT = "greatest(opened_at, reopened_at, withdrawn_at)"
"""SQL of what the customer did last about a complaint; the rest is what was done about it."""


def last_heard(customer: str) -> str:
    """SQL of when a customer last acted, of a row of `customer` with this name.

    NULL if never.
    """
    of_rows = ", ".join(
        f"(SELECT max({moment}) FROM {table} WHERE customer_id = {customer}.customer_id)"
        for table, moment in (
            ("repair_order", HEARD_OF_ORDER),
            ("complaint", HEARD_OF_COMPLAINT),
        )
    )
    return f"greatest(({customer}.fold_state::json ->> 'heard_at')::timestamptz, {of_rows})"
