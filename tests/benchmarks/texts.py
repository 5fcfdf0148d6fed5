"""What `make bench-texts` measures: how often the category of a complaint is told from its text.

The texts of docs/examples/complaint_texts.csv were written for this project. They are held out in
fifths: each is judged by what the other four fifths teach. The first text of each category and
language is in the first fifth, the second in the second, and so on.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from benchmarks import machine

from voc_stream.catalogue.load import load_catalogue
from voc_stream.published.markdown import put_section, table
from voc_stream.texts.catalogue_words import counts_of_words
from voc_stream.texts.classifier import Classifier, count_grams

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT = machine.ROOT
PAGE = ROOT / "docs" / "reference" / "texts.md"
TEXTS = ROOT / "docs" / "examples" / "complaint_texts.csv"
FOLDS = 5
SPEED_TEXTS = 20_000
NOTHING = "none"
"""What is told of a text without any known gram."""


class Example(NamedTuple):
    """A text with its language, its category and its fifth."""

    category: str
    language: str
    text: str
    fold: int


def read_examples() -> list[Example]:
    """All texts."""
    found, seen = [], Counter[tuple[str, str]]()
    with TEXTS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            key = row["category"], row["language"]
            found.append(Example(*key, row["text"], seen[key] % FOLDS))
            seen[key] += 1
    return found


def told(examples: Sequence[Example], *, words: bool, learned: bool) -> list[str]:
    """What is told of each text, by the words of the catalogue, by the other texts, or by both."""
    found = [NOTHING] * len(examples)
    for fold in range(FOLDS):
        counts = counts_of_words(load_catalogue()) if words else {}
        if learned:
            others = ((each.text, each.category) for each in examples if each.fold != fold)
            for gram, by in count_grams(others).items():
                counts.setdefault(gram, Counter()).update(by)
        classifier = Classifier(counts)
        for place, each in enumerate(examples):
            if each.fold == fold and (suggestion := classifier.suggest([each.text])) is not None:
                found[place] = suggestion.category
    return found


def right(examples: Sequence[Example], found: Sequence[str], languages: Iterable[str]) -> str:
    """The share that was told rightly, of the texts in these languages."""
    of = [
        each.category == category
        for each, category in zip(examples, found, strict=True)
        if each.language in languages
    ]
    return f"{sum(of) / len(of):.3f}"


def texts_a_second(examples: Sequence[Example]) -> float:
    """How many texts a second of one core are taken apart and judged."""
    classifier = Classifier(count_grams((each.text, each.category) for each in examples))
    texts = [examples[number % len(examples)].text for number in range(SPEED_TEXTS)]
    started = time.process_time()
    for text in texts:
        classifier.suggest([text])
    return SPEED_TEXTS / (time.process_time() - started)


def main() -> None:
    """Measure, print, and write the page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"also write {PAGE.name}")
    arguments = parser.parse_args()
    examples = read_examples()
    ways = {
        "the words of the catalogue alone": told(examples, words=True, learned=False),
        "what was learned alone": told(examples, words=False, learned=True),
        "both, as the service does": told(examples, words=True, learned=True),
    }
    accuracy = table(
        ("judged by", "all", "Chinese", "English"),
        (
            (name, *(right(examples, found, of) for of in (("zh", "en"), ("zh",), ("en",))))
            for name, found in ways.items()
        ),
    )
    found = ways["both, as the service does"]
    pairs = Counter(zip((each.category for each in examples), found, strict=True))
    categories = sorted({each.category for each in examples})
    shown = [*categories, *([NOTHING] if NOTHING in found else [])]
    confusion = table(
        ("written about", *(f"{number}" for number, _ in enumerate(shown, 1))),
        (
            (f"{number} {category}", *(f"{pairs[category, other] or ''}" for other in shown))
            for number, category in enumerate(categories, 1)
        ),
    )
    accuracy += f"\n\n{len(examples)} texts, {FOLDS} folds."
    print(f"{accuracy}\n\n{confusion}\n\n{texts_a_second(examples):,.0f} texts/s of one core")
    if arguments.write:
        put_section(PAGE, "accuracy", accuracy)
        put_section(PAGE, "confusion", confusion)


if __name__ == "__main__":
    main()
