"""The catalogue as a table, so that BI tools can join labels and the rolling view knows expectations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import MetaData
from sqlalchemy.dialects.postgresql import insert

from voc_stream.postgres.connection import engine_for
from voc_stream.postgres.tables import experience

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from voc_stream.catalogue import Catalogue


def mirror_catalogue(database_url: str, catalogue: Catalogue) -> None:
    """Write the catalogue's experiences; those that it no longer names stay, since old events still speak of them."""
    engine = engine_for(database_url)
    try:
        with engine.begin() as connection:
            write_experiences(connection, catalogue)
    finally:
        engine.dispose()


def write_experiences(connection: Connection, catalogue: Catalogue) -> None:
    """The same on a connection at hand; the table is found by its search path."""
    table = experience.to_metadata(MetaData(), schema=None)  # type: ignore[arg-type]  # None is documented: the search path decides
    rows = [
        {
            "experience": key,
            "label_en": one.label.en,
            "label_zh": one.label.zh,
            "factor": one.factor,
            "kind": one.kind,
            "unit": one.unit,
            "stage": one.stage,
            "expectation": one.expectation,
            "importance": one.importance,
            "ideal": one.ideal,
            "is_key": one.key,
            "is_hygiene": one.hygiene,
            "drop_threshold": one.alert.drop,
            "satisfaction_threshold": one.alert.satisfaction_below,
            "weighted_satisfaction_threshold": one.alert.weighted_satisfaction_below,
            "minimum_samples": one.alert.minimum_samples,
        }
        for key, one in sorted(catalogue.experience.items())
    ]
    statement = insert(table)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["experience"],
            set_={column.name: statement.excluded[column.name] for column in table.columns if column.name != "experience"},
        ),
        rows,
    )
