"""Reads the days of a `days_file` into the catalogue that names it."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from voc_stream.catalogue.reading.read_calendar import Fail

LISTS = ("holidays", "working_days")


def with_days_files(tables: Mapping[str, Any], folder: Path, fail: Fail) -> dict[str, Any]:
    """The tables of a catalogue with the days of its `days_file` written into them.

    So the digest of the catalogue changes with the file, and nothing else reads the file.
    """
    calendar, sites = tables.get("calendar", {}), tables.get("site", {})
    for path, table in ((("calendar",), calendar), (("site",), sites)):
        if not isinstance(table, dict):
            fail(path, "must be a table")
    found = dict(tables)
    if "calendar" in tables:
        found["calendar"] = _with_days_file(calendar, ("calendar",), folder, fail)
    if "site" in tables:
        found["site"] = {
            site_id: _with_days_file(table, ("site", site_id), folder, fail)
            for site_id, table in sites.items()
        }
    return found


def _with_days_file(table: Any, path: Sequence[str], folder: Path, fail: Fail) -> Any:
    if not isinstance(table, dict) or "days_file" not in table:
        return table
    here = (*path, "days_file")
    name = table["days_file"]
    if not isinstance(name, str):
        fail(here, "must be the name of a TOML file, relative to the catalogue")
    try:
        days = tomllib.loads((folder / name).read_text(encoding="utf-8"))
    except OSError as error:
        fail(here, f"{folder / name} cannot be read: {error.strerror}")
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        fail(here, f"{folder / name} is not valid TOML: {error}")
    merged = dict(table)
    for key, value in days.items():
        if key not in LISTS or not isinstance(value, list):
            fail(here, f"{folder / name} may hold the lists holidays and working_days, not {key}")
        stated = table.get(key, [])
        merged[key] = [*(stated if isinstance(stated, list) else [stated]), *value]
    return merged
