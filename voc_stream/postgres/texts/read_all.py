"""Reads all texts at once: what the chore does piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.postgres.texts.learning import learn, take_pending
from voc_stream.postgres.texts.suggesting import read_classifier, suggest, unsorted_texts
from voc_stream.postgres.texts.terms import judge_terms

if TYPE_CHECKING:
    from voc_stream.catalogue.model import Catalogue
    from voc_stream.postgres.session.cursor import Cursor
    from voc_stream.texts.classifier import Classifier

COMPLAINTS_A_TIME = 1_000


def read_all(cursor: Cursor, catalogue: Catalogue) -> None:
    """Count, suggest and judge, as of all that is stored; the caller holds the lock of texts."""
    classifier = None
    while read_pending(cursor, classifier):
        pass
    classifier, after = read_classifier(cursor, catalogue), ""
    while last := suggest_next(cursor, classifier, after):
        after = last
    judge_terms(cursor)


def read_pending(cursor: Cursor, classifier: Classifier | None) -> int:
    """Count the next complaints that wait, and suggest categories for them.

    Returns how many they are.
    """
    complaint_ids = take_pending(cursor, COMPLAINTS_A_TIME)
    if complaint_ids:
        said = learn(cursor, complaint_ids)
        unsorted = {each: one.texts for each, one in said.items() if one.category is None}
        sorted_ones = [each for each in complaint_ids if each not in unsorted]
        if classifier is not None:
            suggest(cursor, classifier, unsorted, sorted_ones)
        elif sorted_ones:
            cursor.execute(
                "DELETE FROM text_suggestion WHERE complaint_id = ANY(%s)", (sorted_ones,)
            )
    return len(complaint_ids)


def suggest_next(cursor: Cursor, classifier: Classifier, after: str) -> str | None:
    """Suggest categories for the next complaints after one; the last of them, None if none is."""
    texts = unsorted_texts(cursor, after, COMPLAINTS_A_TIME)
    if not texts:
        return None
    suggest(cursor, classifier, texts)
    return max(texts)
