"""Says what a text is about: complement naive Bayes on counts of grams.

A gram speaks for a category if the other categories say it seldom (Rennie and others 2003). Its
weight is -log((S - c + .5) / (T - t + .5 N)) less the mean of these over the categories. S is how
often the gram was counted, and c how often in the category. T and t are the same of all grams, of
which there are N. Counts add up, so what is learned can be taken back.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from voc_stream.texts.grams import grams_of_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

MOST_GRAMS = 5_000
"""So many grams are kept, those that were counted most. More took memory and told nothing more."""
LEAST_COUNT = 2
"""How often a gram must have been counted. What one person alone said tells nothing about others,
and may be a name."""
REASONS = 3
SMOOTHING = 0.5
DIGITS = 9


class Suggestion(NamedTuple):
    """What a text is about.

    Attributes:
        category: an experience.
        margin: how much more speaks for it than for the next best, in units of log odds.
        reasons: the grams that speak for it most, the strongest first; at most three.
    """

    category: str
    margin: float
    reasons: tuple[str, ...]


class Classifier:
    """Weights of grams, made from counts.

    Attributes:
        categories: in their order.
        grams: the grams that are kept, those that were counted most first.
    """

    def __init__(
        self, counts: Mapping[str, Mapping[str, int]], *, least_count: int = LEAST_COUNT
    ) -> None:
        """Weigh grams.

        Args:
            counts: by gram, how often each category says it.
            least_count: grams that were counted less often are left out.
        """
        totals = {gram: sum(by.values()) for gram, by in counts.items()}
        kept = [gram for gram, total in totals.items() if total >= least_count]
        kept.sort(key=lambda gram: (-totals[gram], gram))
        self.grams = kept[:MOST_GRAMS]
        self.categories = sorted({each for gram in self.grams for each in counts[gram]})
        self._place = {gram: place for place, gram in enumerate(self.grams)}
        self._weights = self._weigh(counts)

    def _weigh(self, counts: Mapping[str, Mapping[str, int]]) -> NDArray[np.float64]:
        counted = np.array(
            [[counts[gram].get(each, 0) for each in self.categories] for gram in self.grams],
            np.float64,
        ).reshape(len(self.grams), len(self.categories))
        by_others = counted.sum(axis=1, keepdims=True) - counted
        all_by_others = counted.sum() - counted.sum(axis=0, keepdims=True)
        weights = -np.log(
            (by_others + SMOOTHING) / (all_by_others + SMOOTHING * max(1, len(self.grams)))
        )
        if self.categories:
            weights -= weights.mean(axis=1, keepdims=True)
        found: NDArray[np.float64] = weights
        return found

    def weights(self, gram: str) -> dict[str, float]:
        """How much a gram speaks for each category; empty for a gram that is not kept.

        >>> wait = Counter({"wait": 1})
        >>> two = Classifier({"late": wait, "rude": Counter({"attitude": 1})}, least_count=1)
        >>> {category: round(weight, 6) for category, weight in two.weights("late").items()}
        {'attitude': -0.549306, 'wait': 0.549306}
        """
        place = self._place.get(gram)
        if place is None:
            return {}
        return dict(zip(self.categories, self._weights[place].tolist(), strict=True))

    def suggest(self, texts: Iterable[str]) -> Suggestion | None:
        """What texts of one complaint are about.

        None if fewer than two categories are known, or the texts have no gram that is kept.
        """
        found = self._place
        return self._of_places([found[gram] for gram in grams_of_all(texts) if gram in found])

    def _of_places(self, places: Sequence[int]) -> Suggestion | None:
        if not places or len(self.categories) < 2:  # noqa: PLR2004  one alone is no choice
            return None
        weights = self._weights[places]
        # What is equal in truth must be equal here, whatever the order in which it is added up.
        scores = weights.sum(axis=0)
        best = int(scores.round(DIGITS).argmax())
        speaking = weights[:, best].round(DIGITS)
        strongest = np.argsort(-speaking, kind="stable")[:REASONS].tolist()
        scores_of_others = np.delete(scores, best)
        return Suggestion(
            self.categories[best],
            float(scores[best] - scores_of_others.max()),
            tuple(self.grams[places[each]] for each in strongest if speaking[each] > 0),
        )


def count_grams(texts: Iterable[tuple[str, str]]) -> dict[str, Counter[str]]:
    """By gram, how many texts of each category say it.

    Args:
        texts: each with its category.
    """
    counts: dict[str, Counter[str]] = {}
    for text, category in texts:
        for gram in grams_of_all([text]):
            counts.setdefault(gram, Counter())[category] += 1
    return counts
