"""Suggests a category for complaints that have a text and no stated category."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from voc_stream.texts.catalogue_words import counts_of_words
from voc_stream.texts.classifier import MOST_GRAMS, Classifier

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.postgres.session.cursor import Cursor
    from voc_stream.texts.classifier import Suggestion

_COUNTS = """
WITH learned AS (
    SELECT gram, category, sum(n)::bigint AS n FROM complaint_gram
    WHERE category = ANY(%(categories)s) GROUP BY gram, category
), kept AS (
    SELECT gram FROM (
        SELECT gram FROM learned GROUP BY gram ORDER BY sum(n) DESC, gram LIMIT %(most)s
    ) top
    UNION SELECT unnest(%(words)s::text[])
)
SELECT gram, category, n FROM learned JOIN kept USING (gram)
"""


def read_classifier(cursor: Cursor, catalogue: Catalogue) -> Classifier:
    """A classifier of what was counted until now and of the words of the catalogue."""
    counts = counts_of_words(catalogue)
    cursor.execute(
        _COUNTS,
        {"categories": list(catalogue.experience), "most": MOST_GRAMS, "words": list(counts)},
    )
    for gram, category, n in cursor:
        counts.setdefault(gram, Counter())[category] += n
    return Classifier(counts)


def unsorted_texts(cursor: Cursor, after: str, limit: int) -> dict[str, Sequence[str]]:
    """The texts of the next complaints after one that have no stated category, in order."""
    cursor.execute(
        "SELECT complaint_id, texts FROM complaint_text"
        " WHERE category IS NULL AND complaint_id > %s ORDER BY complaint_id LIMIT %s",
        (after, limit),
    )
    return dict(cursor.fetchall())


def suggest(
    cursor: Cursor,
    classifier: Classifier,
    texts: Mapping[str, Sequence[str]],
    without: Collection[str] = (),
) -> None:
    """Suggest categories for complaints; those in `without` have none. Only changes are written."""
    cursor.execute(
        "SELECT complaint_id, category, margin, reasons FROM text_suggestion"
        " WHERE complaint_id = ANY(%s)",
        ([*texts, *without],),
    )
    stored = {each: (*rest, tuple(reasons)) for each, *rest, reasons in cursor}
    found = {each: classifier.suggest(said) for each, said in texts.items()}
    gone = [each for each in stored if found.get(each) is None]
    changed = {
        each: one for each, one in found.items() if one is not None and stored.get(each) != one
    }
    if gone:
        cursor.execute("DELETE FROM text_suggestion WHERE complaint_id = ANY(%s)", (gone,))
    _write(cursor, changed)


def _write(cursor: Cursor, changed: Mapping[str, Suggestion]) -> None:
    for complaint_id, one in sorted(changed.items()):
        cursor.execute(
            "INSERT INTO text_suggestion VALUES (%s, %s, %s, %s) ON CONFLICT (complaint_id) DO"
            " UPDATE SET (category, margin, reasons)"
            " = (excluded.category, excluded.margin, excluded.reasons)",
            (complaint_id, one.category, one.margin, list(one.reasons)),
        )
