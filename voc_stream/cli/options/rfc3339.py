"""A moment on the command line."""

from __future__ import annotations

from datetime import UTC, datetime

import click


class Rfc3339(click.ParamType):
    """A moment with an offset."""

    name = "rfc3339"

    def convert(
        self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Read the moment; click reports what is wrong."""
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no RFC 3339 time; write 2025-03-01T08:00:00Z", param, ctx)
        if moment.tzinfo is None:
            self.fail(f"{value!r} has no offset; write {value}Z for UTC", param, ctx)
        return moment.astimezone(UTC)
