from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from integration.postgres.store import NOW, Store

if TYPE_CHECKING:
    from voc_stream.catalogue.model import Catalogue, Experience


def with_experiences(catalogue: Catalogue, **experiences: Experience) -> Catalogue:
    return msgspec.structs.replace(catalogue, experience=experiences)


def test_the_catalogue_stands_in_the_database_as_it_is(store: Store, catalogue: Catalogue) -> None:
    """Labels in both languages, factor, kind, unit, stage, defaults and thresholds.

    What is absent is NULL.
    """
    store.chores().refresh(NOW)
    columns = (
        "label_en, label_zh, factor, kind, unit, stage, expectation, importance, ideal, is_key,"
        " is_hygiene, drop_threshold,"
        " satisfaction_threshold, weighted_satisfaction_threshold, minimum_samples"
    )
    assert {
        row[0]: row[1:] for row in store.ask(f"SELECT experience, {columns} FROM experience")
    } == {
        key: (
            *(
                one.label.en,
                one.label.zh,
                one.factor,
                one.kind,
                one.unit,
                one.stage,
                one.expectation,
                one.importance,
                one.ideal,
            ),
            *(
                one.key,
                one.hygiene,
                one.alert.drop,
                one.alert.satisfaction_below,
                one.alert.weighted_satisfaction_below,
            ),
            one.alert.minimum_samples,
        )
        for key, one in catalogue.experience.items()
    }


def test_a_changed_catalogue_replaces_and_keeps_what_it_no_longer_names(
    store: Store, catalogue: Catalogue
) -> None:
    """Old events still speak of experiences that were taken out."""
    store.ask("DELETE FROM experience")
    overall, quality = catalogue.experience["overall"], catalogue.experience["repair_quality"]
    changed = msgspec.structs.replace(overall, expectation=9.5)
    with Store(
        store.url, with_experiences(catalogue, overall=overall, repair_quality=quality)
    ) as before:
        before.chores().refresh(NOW)
    with Store(store.url, with_experiences(catalogue, overall=changed)) as after:
        after.chores().refresh(NOW)
    assert store.ask("SELECT experience, expectation FROM experience ORDER BY 1") == [
        ("overall", 9.5),
        ("repair_quality", quality.expectation),
    ]
