"""Errors that a server of many nodes words otherwise."""

from __future__ import annotations

import psycopg2
import pytest
from psycopg2 import errors

from voc_stream.postgres.intake.event_log import events_table
from voc_stream.postgres.session.connection import is_about_data

TWICE = 'duplicate key value violates unique constraint "{}"\nDETAIL:  Key (event_id)=(t-1) exists.'


@pytest.mark.parametrize(
    ("error", "is_repetition"),
    [
        (errors.UniqueViolation(TWICE.format("touchpoint_event_pkey")), True),
        (errors.InternalError_(TWICE.format("touchpoint_event_pkey_102046")), True),
        (errors.InternalError_(TWICE.format("repair_order_pkey_102046")), False),
        (errors.InternalError_("invalid page in block 7 of relation base/5/102046"), False),
        (errors.DiskFull("could not extend file"), False),
    ],
)
def test_only_the_violation_itself_is_a_repetition(
    error: psycopg2.Error, *, is_repetition: bool
) -> None:
    """Any other internal error must not make a batch look for repetitions."""
    assert events_table(None).is_repetition(error) is is_repetition


def test_what_the_server_does_not_support_is_no_bad_data() -> None:
    """A statement that a planner refuses would send every event to the dead letters."""
    refused = psycopg2.NotSupportedError("complex joins are only supported when all tables …")
    assert not is_about_data(refused)
