"""What complaints say: counts of grams, suggested categories, new terms, the Pareto, the impact."""

from __future__ import annotations

import unicodedata
from collections import Counter
from datetime import date
from fractions import Fraction
from math import comb, log
from typing import TYPE_CHECKING, Any

from oracle.calendar import local_day
from oracle.reading import grouped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from oracle.reading import Event, Row, Table

TEXTS, CHARACTERS, LONGEST_WORD = 10, 2000, 40
KEPT_GRAMS, LEAST_COUNT, WORD_WEIGHT = 5000, 2, 3
TERM_MONTHS, LEAST_COMPLAINTS, FALSE_DISCOVERIES = 2, 3, 0.05
CHINESE = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3134F))


def text_tables(
    events: Sequence[Event], complaints: Table, cube: Table, catalogue: Mapping[str, Any]
) -> dict[str, Table]:
    """All tables about texts."""
    texts = _texts(events, complaints, catalogue)
    counts = _counts(texts)
    suggested = _suggestions(texts, counts, catalogue)
    themes = {
        complaint_id: row["category"] or suggested.get((complaint_id,), {}).get("category")
        for (complaint_id,), row in complaints.items()
    }
    return {
        "complaint_text": texts,
        "complaint_gram": {key: {"n": n} for key, n in counts.items()},
        "text_suggestion": suggested,
        "complaint_term": _terms(texts, counts),
        "complaint_pareto": _pareto(complaints, themes, catalogue),
        "theme_impact": _impact(events, complaints, themes, cube, catalogue),
    }


def _texts(events: Sequence[Event], complaints: Table, catalogue: Mapping[str, Any]) -> Table:
    rows: Table = {}
    for complaint_id, steps in grouped(events, "complaint_id", "complaint").items():
        said = [step for step in steps if step.get("text") is not None]
        if said:
            rows[complaint_id,] = {
                "month": _month(catalogue, said[0]["site_id"], said[0]["occurred_at"]),
                "category": complaints[complaint_id,]["category"],
                "texts": [step["text"][:CHARACTERS] for step in said[:TEXTS]],
            }
    return rows


def _month(catalogue: Mapping[str, Any], site_id: str, moment: datetime) -> date:
    return local_day(catalogue, site_id, moment).replace(day=1)


def grams(texts: Iterable[str]) -> list[str]:
    """The grams of some texts, each once: of each text the Chinese ones, the words, the pairs."""
    found: list[str] = []
    for text in texts:
        runs = _runs(unicodedata.normalize("NFKC", text).casefold())
        for run in runs:
            if _is_chinese(run[0]):
                found += [run] if len(run) == 1 else [run[i : i + 2] for i in range(len(run) - 1)]
        words = [run[:LONGEST_WORD] for run in runs if not _is_chinese(run[0])]
        found += words
        found += [f"{words[i]} {words[i + 1]}" for i in range(len(words) - 1)]
    return list(dict.fromkeys(found))


def _is_chinese(character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in CHINESE)


def _runs(text: str) -> list[str]:
    """Longest runs of Chinese characters, and longest runs of other letters and digits.

    An apostrophe between two letters belongs to the word.
    """
    runs: list[str] = []
    kind = ""
    for place, character in enumerate(text):
        after = text[place + 1 : place + 2]
        if _is_chinese(character):
            now = "chinese"
        elif character.isalnum() or (
            character in "'\u2019" and kind == "word" and after.isalnum() and not _is_chinese(after)
        ):
            now = "word"
        else:
            now = ""
        if now:
            if now == kind:
                runs[-1] += character
            else:
                runs.append(character)
        kind = now
    return runs


def _counts(texts: Table) -> Counter[tuple[date, str, str]]:
    counts: Counter[tuple[date, str, str]] = Counter()
    for row in texts.values():
        for gram in grams(row["texts"]):
            counts[row["month"], row["category"] or "", gram] += 1
    return counts


def _suggestions(
    texts: Table, counts: Counter[tuple[date, str, str]], catalogue: Mapping[str, Any]
) -> Table:
    by_gram: dict[str, Counter[str]] = {}
    for (_, category, gram), n in counts.items():
        if category in catalogue["experience"]:
            by_gram.setdefault(gram, Counter())[category] += n
    for key, experience in catalogue["experience"].items():
        words = [word for some in experience.get("words", {}).values() for word in some]
        for gram in {gram for word in words for gram in grams([word])}:
            by_gram.setdefault(gram, Counter())[key] += WORD_WEIGHT
    kept = sorted(
        (gram for gram, by in by_gram.items() if by.total() >= LEAST_COUNT),
        key=lambda gram: (-by_gram[gram].total(), gram),
    )[:KEPT_GRAMS]
    categories = sorted({each for gram in kept for each in by_gram[gram]})
    weights = _weights({gram: by_gram[gram] for gram in kept}, categories)
    rows: Table = {}
    for key, row in texts.items():
        known = [gram for gram in grams(row["texts"]) if gram in weights]
        if row["category"] is None and known and len(categories) > 1:
            rows[key] = _suggestion(known, weights, categories)
    return rows


def _weights(
    by_gram: Mapping[str, Counter[str]], categories: Sequence[str]
) -> dict[str, dict[str, float]]:
    total = sum(by.total() for by in by_gram.values())
    of = {each: sum(by[each] for by in by_gram.values()) for each in categories}
    weights = {}
    for gram, by in by_gram.items():
        found = {
            each: -log((by.total() - by[each] + 0.5) / (total - of[each] + 0.5 * len(by_gram)))
            for each in categories
        }
        mean = sum(found.values()) / len(found)
        weights[gram] = {each: weight - mean for each, weight in found.items()}
    return weights


def _suggestion(
    known: Sequence[str], weights: Mapping[str, Mapping[str, float]], categories: Sequence[str]
) -> Row:
    scores = {each: sum(weights[gram][each] for gram in known) for each in categories}
    best = min(categories, key=lambda each: (-round(scores[each], 9), each))
    others = max(score for each, score in scores.items() if each != best)
    speaking = [gram for gram in known if round(weights[gram][best], 9) > 0]
    speaking.sort(key=lambda gram: -round(weights[gram][best], 9))
    return {
        "category": best,
        "margin": scores[best] - others,
        "reasons": speaking[:3],
    }


def _terms(texts: Table, counts: Counter[tuple[date, str, str]]) -> Table:
    rows: Table = {}
    months = sorted({row["month"] for row in texts.values()})
    for month in months[-TERM_MONTHS:]:
        before = [_months_earlier(month, back) for back in (1, 2, 3)]
        complaints = sum(row["month"] == month for row in texts.values())
        complaints_before = sum(row["month"] in before for row in texts.values())
        said, said_before = Counter[str](), Counter[str]()
        for (each, _, gram), n in counts.items():
            said[gram] += n * (each == month)
            said_before[gram] += n * (each in before)
        tried = [gram for gram, n in said.items() if n >= LEAST_COMPLAINTS and complaints_before]
        share = Fraction(complaints, complaints + complaints_before)
        p_values = {
            gram: float(_tail(said[gram], said[gram] + said_before[gram], share)) for gram in tried
        }
        ordered = sorted(p_values.values())
        limit = max(
            (
                p
                for rank, p in enumerate(ordered, 1)
                if p <= FALSE_DISCOVERIES * rank / len(ordered)
            ),
            default=-1.0,
        )
        for gram in tried:
            rows[month, gram] = {
                "n": said[gram],
                "complaints": complaints,
                "n_before": said_before[gram],
                "complaints_before": complaints_before,
                "p_value": p_values[gram],
                "is_new": p_values[gram] <= limit,
            }
    return rows


def _months_earlier(month: date, back: int) -> date:
    number = month.year * 12 + month.month - 1 - back
    return date(number // 12, number % 12 + 1, 1)


def _tail(count: int, trials: int, share: Fraction) -> Fraction:
    return sum(
        (
            comb(trials, number) * share**number * (1 - share) ** (trials - number)
            for number in range(count, trials + 1)
        ),
        Fraction(0),
    )


def _pareto(
    complaints: Table, themes: Mapping[str, str | None], catalogue: Mapping[str, Any]
) -> Table:
    counted: dict[tuple[date, str, str], dict[str, list[bool]]] = {}
    for (complaint_id,), row in complaints.items():
        if row["opened_at"] is None:
            continue
        month, theme = _month(catalogue, row["site_id"], row["opened_at"]), themes[complaint_id]
        is_suggested = theme is not None and row["category"] is None
        for scope in (("all", ""), ("site", row["site_id"])):
            counted.setdefault((month, *scope), {}).setdefault(theme or "", []).append(is_suggested)
    rows: Table = {}
    for key, by_theme in counted.items():
        total, so_far = sum(map(len, by_theme.values())), 0
        order = sorted(by_theme, key=lambda theme: (not theme, -len(by_theme[theme]), theme))
        for rank, theme in enumerate(order, 1):
            n = len(by_theme[theme])
            so_far += n
            rows[*key, theme] = {
                "n": n,
                "suggested_n": sum(by_theme[theme]),
                "n_all": total,
                "rank": rank,
                "share": n / total,
                "cumulative_share": so_far / total,
            }
    return rows


def _impact(
    events: Iterable[Event],
    complaints: Table,
    themes: Mapping[str, str | None],
    cube: Table,
    catalogue: Mapping[str, Any],
) -> Table:
    totals: dict[tuple[date, str], list[int]] = {}
    for (day, experience, *_), row in cube.items():
        sums = totals.setdefault((day.replace(day=1), experience), [0, 0])
        sums[0] += row["n"]
        sums[1] += row["score_sum"]
    of_orders = {
        (row["order_id"], themes[complaint_id])
        for (complaint_id,), row in complaints.items()
        if row["order_id"] is not None and themes[complaint_id] is not None
    }
    found: dict[tuple[date, str, str], list[int]] = {}
    for event in events:
        for order_id, theme in of_orders if event["type"] == "callback" else ():
            if order_id != event.get("order_id") or theme is None:
                continue
            month = _month(catalogue, event["site_id"], event["occurred_at"])
            for answer in event.get("answers") or ():
                if "score" in answer and catalogue["experience"][answer["item"]].get("key"):
                    sums = found.setdefault((month, theme, answer["item"]), [0, 0])
                    sums[0] += 1
                    sums[1] += answer["score"]
    rows: Table = {}
    for (month, theme, experience), (n, total) in found.items():
        n_all, total_all = totals[month, experience]
        without = (total_all - total) / (n_all - n) / 100 if n_all > n else None
        rows[month, theme, experience] = {
            "n": n,
            "n_all": n_all,
            "theme_mean": total / n / 100,
            "mean": total_all / n_all / 100,
            "mean_without": without,
            "impact": None if without is None else total_all / n_all / 100 - without,
        }
    return rows
