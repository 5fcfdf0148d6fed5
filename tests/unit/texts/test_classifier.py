from __future__ import annotations

import pytest

from voc_stream.texts.classifier import Classifier, count_grams
from voc_stream.texts.grams import LONGEST_WORD, MOST_CHARACTERS, grams_of

LEARNED = [
    ("等了两个小时", "wait"),
    ("等太久", "wait"),
    ("waited two hours", "wait"),
    ("态度很差", "attitude"),
    ("服务态度不好", "attitude"),
    ("rude staff", "attitude"),
]
GOLDEN = Classifier(count_grams(LEARNED), least_count=1)


def test_the_golden_example_has_22_grams() -> None:
    """Pairs of characters of Chinese; words and pairs of words of English."""
    assert len(GOLDEN.grams) == 22
    assert GOLDEN.categories == ["attitude", "wait"]


@pytest.mark.parametrize(
    ("gram", "attitude"),
    [("态度", 0.826945), ("等了", -0.527080), ("waited", -0.527080), ("two hours", -0.527080)],
)
def test_weights_of_the_golden_example(gram: str, attitude: float) -> None:
    """-log((S - c + .5) / (T - t + .5 N)), less their mean."""
    assert GOLDEN.weights(gram) == pytest.approx(
        {"attitude": attitude, "wait": -attitude}, abs=5e-7
    )


@pytest.mark.parametrize(
    ("text", "category", "reasons"),
    [("态度太差了", "attitude", ("态度",)), ("waited two days", "wait", ("waited", "two"))],
)
def test_held_out_texts_of_the_golden_example(
    text: str, category: str, reasons: tuple[str, ...]
) -> None:
    """The strongest grams are the reasons."""
    found = GOLDEN.suggest([text])
    assert found is not None
    assert found.category == category
    assert found.margin > 0
    assert set(reasons) <= set(found.reasons)


def test_the_margin_is_what_parts_the_best_from_the_next() -> None:
    """Of one gram it is the difference of its weights."""
    found = GOLDEN.suggest(["态度"])
    assert found is not None
    assert found.margin == pytest.approx(2 * 0.826945, abs=2e-6)


def test_nothing_known_is_no_suggestion() -> None:
    """Neither of a text without a known gram, nor where one category is all that is known."""
    assert GOLDEN.suggest(["完全"]) is None
    assert GOLDEN.suggest([]) is None
    assert Classifier(count_grams(LEARNED[:3]), least_count=1).suggest(["等太久"]) is None
    assert Classifier({}).suggest(["等太久"]) is None


def test_what_one_complaint_alone_says_is_left_out() -> None:
    """It may be a name. 态度 was said twice."""
    assert Classifier(count_grams(LEARNED)).grams == ["态度"]


@pytest.mark.parametrize(
    ("text", "grams"),
    [
        ("", []),
        ("!?…", []),
        ("差", ["差"]),
        ("\uff21\uff22\uff23", ["abc"]),
        ("Don\u2019t", ["don\u2019t"]),
        ("修了3次,没好", ["修了", "次", "没好", "3"]),
        ("bad bad bad", ["bad", "bad bad"]),
        ("x" * 100, ["x" * LONGEST_WORD]),
        ("y" * MOST_CHARACTERS + " z", ["y" * LONGEST_WORD]),
    ],
)
def test_grams(text: str, grams: list[str]) -> None:
    """Width and case say nothing; a gram counts once; what is too long is cut."""
    assert grams_of(text) == grams
