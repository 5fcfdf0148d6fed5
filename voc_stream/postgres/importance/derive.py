"""Derives importance for all, for each site and for each segment with enough answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from voc_stream.importance.penalty_reward import Outcomes, PenaltyReward, penalty_reward
from voc_stream.importance.relative_weights import Products, relative_weights
from voc_stream.postgres.session.copy_csv import lines
from voc_stream.postgres.session.staging import stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, datetime

    from voc_stream.importance.penalty_reward import Band
    from voc_stream.postgres.session.copy_csv import Value
    from voc_stream.postgres.session.cursor import Cursor

LEAST_CALLBACKS = 100
"""So many must have given each two of the ratings: intervals of fewer are as wide as the scale."""
MONTHS = 12
SCOPES_A_TIME = 50
"""The sums of so many sites or segments are in memory at once: 20 of them take a MiB."""
COLUMNS = (
    *("scope_type", "scope", "experience", "outcome", "since", "until", "n", "correlation", "beta"),
    *("weight", "weight_low", "weight_high", "share", "r_squared", "penalty", "reward"),
    *("asymmetry_low", "asymmetry_high", "effect", "as_of"),
)
_SUMS = ("n", "first_sum", "second_sum", "first_sq_sum", "second_sq_sum", "product_sum")
_WINDOW = f"month > %(until)s - interval '{MONTHS} months' AND month <= %(until)s"
_SCOPES = (
    f"SELECT scope_type, scope FROM answer_product WHERE {_WINDOW} GROUP BY scope_type, scope"
    " ORDER BY scope_type, scope"
)
# Month by month and scope by scope, as the primary keys are: whatever the number of sites, a slice
# reads its own rows.
_OF_SCOPES = (
    f"(SELECT each::date AS month FROM generate_series(%(until)s - interval '{MONTHS - 1} months',"
    " %(until)s, interval '1 month') each) months"
    " CROSS JOIN unnest(%(scope_types)s::text[], %(scopes)s::text[]) AS asked (scope_type, scope)"
)
_PRODUCTS = f"""
SELECT scope_type, scope, first, second, {", ".join(f"sum({name})::bigint" for name in _SUMS)}
FROM {_OF_SCOPES} JOIN answer_product USING (month, scope_type, scope)
GROUP BY scope_type, scope, first, second ORDER BY scope_type, scope
"""
_BANDS = f"""
SELECT scope_type, scope, experience, band, sum(n)::bigint, sum(total)::bigint,
       sum(squares)::bigint
FROM {_OF_SCOPES} JOIN answer_band USING (month, scope_type, scope)
GROUP BY scope_type, scope, experience, band
"""
_BETWEEN = "SELECT max(month), greatest(min(month), max(month) - interval '11 months')::date"

Scope = tuple[str, str]
Pair = tuple[str, str]


class _Answers(NamedTuple):
    """Sums of one scope: of pairs of ratings, and of the outcome by band of a rating."""

    products: Mapping[Pair, Products]
    bands: Mapping[str, Mapping[Band, Outcomes]]


def derive_importance(cursor: Cursor, as_of: datetime) -> None:
    """Write anew how much each rating matters for the outcome that the catalogue names."""
    cursor.execute("SELECT experience FROM experience WHERE is_outcome")
    (outcome,) = cursor.fetchone() or (None,)
    cursor.execute(f"{_BETWEEN} FROM answer_product WHERE scope_type = 'all'")
    until, since = cursor.fetchone()  # type: ignore[misc]  # an aggregate gives one row
    cursor.execute("DELETE FROM importance_weight")
    if outcome is None or until is None:
        return
    cursor.execute(_SCOPES, {"until": until})
    scopes = cursor.fetchall()
    for first in range(0, len(scopes), SCOPES_A_TIME):
        answers = _read(cursor, until, scopes[first : first + SCOPES_A_TIME])
        _write(
            cursor,
            [
                row
                for scope, of_scope in answers.items()
                for row in _of_scope(scope, of_scope, outcome, (since, until), as_of)
            ],
        )


def _write(cursor: Cursor, rows: Sequence[Sequence[Value]]) -> None:
    stage(cursor, "importance_weight", COLUMNS, lines(rows))
    names = ", ".join(COLUMNS)
    cursor.execute(
        f"INSERT INTO importance_weight ({names}) SELECT {names} FROM staged_importance_weight;"
        " TRUNCATE staged_importance_weight"
    )


def _read(cursor: Cursor, until: date, scopes: Sequence[Scope]) -> dict[Scope, _Answers]:
    found: dict[Scope, tuple[dict[Pair, Products], dict[str, dict[Band, Outcomes]]]] = {}
    asked = {
        "until": until,
        "scope_types": [scope_type for scope_type, _ in scopes],
        "scopes": [scope for _, scope in scopes],
    }
    cursor.execute(_PRODUCTS, asked)
    for scope_type, scope, first, second, *sums in cursor:
        found.setdefault((scope_type, scope), ({}, {}))[0][first, second] = Products(*sums)
    cursor.execute(_BANDS, asked)
    for scope_type, scope, experience, band, *sums in cursor:
        bands = found.setdefault((scope_type, scope), ({}, {}))[1]
        bands.setdefault(experience, {})[band] = Outcomes(*sums)
    return {scope: _Answers(*answers) for scope, answers in found.items()}


def _of_scope(
    scope: Scope, answers: _Answers, outcome: str, months: tuple[date, date], as_of: datetime
) -> Iterator[Sequence[Value]]:
    ratings = _with_enough(answers.products, outcome)
    if len(ratings) < 2:  # noqa: PLR2004  the outcome alone explains nothing
        return
    correlations = np.eye(len(ratings))
    for place, name in enumerate(ratings):
        for other_place, other in enumerate(ratings[:place]):
            r = answers.products[min(name, other), max(name, other)].correlation or 0.0
            correlations[place, other_place] = correlations[other_place, place] = r
    n = min(products.n for pair, products in answers.products.items() if set(pair) <= set(ratings))
    weights = relative_weights(correlations, n)
    explained = sum(one.weight for one in weights)
    since, until = (month.isoformat() for month in months)
    for experience, one in zip(ratings[1:], weights, strict=True):
        effect = penalty_reward(answers.bands.get(experience, {}))
        yield (
            *(*scope, experience, outcome, since, until, n, *one[:3], one.low, one.high),
            *(one.weight / explained if explained else 0.0, explained),
            *_shown(effect),
            as_of.isoformat(),
        )


def _shown(effect: PenaltyReward | None) -> Sequence[Value]:
    if effect is None:
        return (None,) * 5
    return (effect.penalty, effect.reward, effect.low, effect.high, effect.effect)


def _with_enough(products: Mapping[Pair, Products], outcome: str) -> list[str]:
    """The outcome, and the ratings that enough gave together with it and with each other.

    A rating that always has the same score explains nothing. Of ratings that too few gave together,
    the one that fewer gave together with the outcome is left out.
    """

    def together(one: str, other: str) -> int:
        found = products.get((min(one, other), max(one, other)))
        return 0 if found is None or found.correlation is None else found.n

    names = sorted({name for pair in products for name in pair} - {outcome})
    names.sort(key=lambda name: (-together(name, outcome), name))
    kept: list[str] = []
    for name in names:
        if all(together(name, each) >= LEAST_CALLBACKS for each in (outcome, *kept)):
            kept.append(name)
    return [outcome, *sorted(kept)]
