"""Copies the catalogue into tables.

BI tools join its labels there, and the rolling view finds the expectations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.catalogue.calendar import UTC_NAME
from voc_stream.domain.scale import scale_of
from voc_stream.pipeline.ports import StoreUnavailableError

if TYPE_CHECKING:
    from voc_stream.catalogue.model import Catalogue, Experience
    from voc_stream.postgres.session.cursor import Cursor

COLUMNS = (
    "experience", "label_en", "label_zh", "factor", "kind", "unit", "stage", "expectation",
    "importance", "ideal", "is_key", "is_hygiene", "drop_threshold", "satisfaction_threshold",
    "weighted_satisfaction_threshold", "minimum_samples", "aliases",
    "scale", "shown_times", "shown_unit", "difference_unit", "is_outcome",
)  # fmt: skip


def copy_catalogue(cursor: Cursor, catalogue: Catalogue) -> None:
    """Write the catalogue's experiences.

    Experiences that it no longer names stay, because old events still speak of them. They are no
    longer key.
    """
    rows = [
        (
            key,
            one.label.en,
            one.label.zh,
            one.factor,
            one.kind,
            one.unit,
            one.stage,
            one.expectation,
            one.importance,
            one.ideal,
            one.key,
            one.hygiene,
            one.alert.drop,
            one.alert.satisfaction_below,
            one.alert.weighted_satisfaction_below,
            one.alert.minimum_samples,
            sorted(old for old, new in catalogue.alias.items() if new == key),
            *_scale(one),
            key == catalogue.churn.outcome_experience,
        )
        for key, one in sorted(catalogue.experience.items())
    ]
    changes = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS[1:])
    cursor.executemany(
        f"INSERT INTO experience ({', '.join(COLUMNS)}) VALUES ({', '.join(['%s'] * len(COLUMNS))})"
        f" ON CONFLICT (experience) DO UPDATE SET {changes}",
        rows,
    )
    cursor.execute(
        "UPDATE experience SET is_key = false, is_outcome = false"
        " WHERE (is_key OR is_outcome) AND experience <> ALL(%s)",
        (sorted(catalogue.experience),),
    )
    _copy_flow(cursor, catalogue)
    _copy_calendars(cursor, catalogue)


def _scale(experience: Experience) -> tuple[str, float, str, str]:
    scale = scale_of(experience)
    return scale.name, scale.times, scale.unit, scale.difference_unit


def _copy_flow(cursor: Cursor, catalogue: Catalogue) -> None:
    """Write the stages of the flow; those that the catalogue no longer names go."""
    flow = catalogue.flow
    rows = [
        (stage, place, label.en, label.zh, stage not in flow.up_to_delivery)
        for place, (stage, label) in enumerate(flow.stages.items(), 1)
    ]
    cursor.execute("DELETE FROM flow_stage WHERE stage <> ALL(%s)", (list(flow.stages),))
    cursor.executemany(
        "INSERT INTO flow_stage (stage, place, label_en, label_zh, is_after_delivery)"
        " VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (stage) DO UPDATE SET place = excluded.place, label_en = excluded.label_en,"
        " label_zh = excluded.label_zh, is_after_delivery = excluded.is_after_delivery",
        rows,
    )


def _copy_calendars(cursor: Cursor, catalogue: Catalogue) -> None:
    """Write the sites' calendars, and delete those that the catalogue no longer names.

    Raises StoreUnavailableError if PostgreSQL does not know a time zone.
    """
    _require_time_zones(cursor, catalogue)
    rows = [
        (site_id, one.time_zone, one.closed_for_good)
        for site_id, one in [("", catalogue.calendar), *sorted(catalogue.site.items())]
    ]
    cursor.execute(
        "DELETE FROM site_calendar WHERE site_id <> ALL(%s)", ([site_id for site_id, *_ in rows],)
    )
    cursor.executemany(
        "INSERT INTO site_calendar (site_id, time_zone, closed_for_good) VALUES (%s, %s, %s)"
        " ON CONFLICT (site_id) DO UPDATE SET time_zone = excluded.time_zone,"
        " closed_for_good = excluded.closed_for_good",
        rows,
    )


def _require_time_zones(cursor: Cursor, catalogue: Catalogue) -> None:
    zones = {one.time_zone for one in (catalogue.calendar, *catalogue.site.values())}
    if zones == {UTC_NAME}:
        return
    cursor.execute(
        "SELECT zone FROM unnest(%s::text[]) zone"
        " WHERE NOT EXISTS (SELECT FROM pg_timezone_names WHERE name = zone) ORDER BY 1",
        (sorted(zones),),
    )
    unknown = [zone for (zone,) in cursor]
    if unknown:
        raise StoreUnavailableError(
            f"PostgreSQL does not know the time zone {unknown[0]} of the catalogue:"
            " name another one, or update the time zones of its server"
        )
