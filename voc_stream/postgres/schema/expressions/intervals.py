"""Gives SQL of 95 % intervals: the formulas of `domain/estimates`, over the sums of tables.

Sums of scores and of their squares are in hundredths, as tables store them. `phi` is SQL of how
many times as much days scatter as independent answers would.
"""

from __future__ import annotations

from typing import NamedTuple

from voc_stream.domain.estimates.intervals import (
    HIGHEST_SUM,
    NPS_ADDED,
    NPS_ADDED_EACH,
    NPS_FEWEST_FOR_NORMAL,
    RARE_BELOW,
    RARE_LIMITS,
)
from voc_stream.domain.estimates.student import EXPANSION, STUDENT_T_975
from voc_stream.domain.scale import SCALES
from voc_stream.domain.statistics import NORMAL_975 as _Z

INDEPENDENT = "1"
_FULL = HIGHEST_SUM // 100


class Ends(NamedTuple):
    """SQL of both ends of an interval."""

    low: str
    high: str


def t_quantile(freedom: str) -> str:
    """SQL of t(0.975, freedom)."""
    table = ", ".join(map(str, STUDENT_T_975))
    beyond = " + ".join(
        str(term) if power == 0 else f"{term} / ({freedom})::float8 ^ {power}"
        for power, term in enumerate(EXPANSION)
    )
    return (
        f"CASE WHEN {freedom} <= {len(STUDENT_T_975)}"
        f" THEN (ARRAY[{table}]::float8[])[{freedom}] ELSE {beyond} END"
    )


def bounded_mean(n: str, total: str, squares: str, phi: str = INDEPENDENT) -> Ends:
    """SQL of the interval of a mean of scores, in points."""
    # Half an imagined answer at each end makes one answer more: 5 points, 50 points squared.
    total, squares = f"({total} + {HIGHEST_SUM // 2})", f"({squares} + {HIGHEST_SUM**2 // 2})"
    centre = f"({total}::float8 / ({n} + 1) / 100)"
    spread = f"greatest(0, ({n} + 1) * {squares} - {total}::numeric * {total})"
    half = f"({t_quantile(n)}) * sqrt({spread}::float8 / {n} / ({n} + 1)) / 100"
    half = f"{half} * sqrt({phi} / ({n} + 1)::float8)"
    return Ends(f"greatest(0, {centre} - {half})", f"least({_FULL}, {centre} + {half})")


def mean(n: str, total: str, squares: str, phi: str = INDEPENDENT) -> Ends:
    """SQL of the interval of a mean of what has no upper end; NULL of one value."""
    centre = f"({total}::float8 / {n} / 100)"
    spread = f"greatest(0, {n} * {squares} - {total}::numeric * {total})"
    half = f"({t_quantile(f'({n} - 1)')}) * sqrt({spread}::float8 / {n} / ({n} - 1))"
    half = f"{half} / 100 * sqrt({phi} / {n}::float8)"
    return Ends(*(f"CASE WHEN {n} > 1 THEN {centre} {sign} {half} END" for sign in "-+"))


def share(count: str, n: str, phi: str = INDEPENDENT) -> Ends:
    """SQL of the interval of a share, 0 to 1."""
    seen, squared = f"({count}::float8 / {n})", f"({_Z**2} / {n})"
    centre = f"(({seen} + {squared} / 2) / (1 + {squared}))"
    half = f"{_Z} * sqrt({seen} * (1 - {seen}) / {n} + {squared} / (4 * {n})) / (1 + {squared})"
    low = f"least({seen}, greatest(0, {centre} - {half}), {_rare_limit(count, n)})"
    high = (
        f"greatest({seen}, least(1, {centre} + {half}), 1 - {_rare_limit(f'({n} - {count})', n)})"
    )
    return _around(centre, Ends(low, high), phi, (0, 1))


def _rare_limit(count: str, n: str) -> str:
    few = " ".join(f"WHEN {n} < {below} THEN {count}" for below, count in RARE_BELOW)
    rare = f"CASE {few} ELSE {len(RARE_LIMITS)} END"
    limits = ", ".join(map(str, RARE_LIMITS))
    return (
        f"CASE WHEN {count} BETWEEN 1 AND {rare}"
        f" THEN (ARRAY[{limits}]::float8[])[{count}] / {n} ELSE 1 END"
    )


def nps(promoters: str, detractors: str, n: str, phi: str = INDEPENDENT) -> Ends:
    """SQL of the interval of an NPS, -1 to 1."""
    counted = f"({n} + {NPS_ADDED})"
    promoting, detracting = (
        f"(({each} + {NPS_ADDED_EACH}) / {counted}::float8)" for each in (promoters, detractors)
    )
    centre, seen = f"({promoting} - {detracting})", f"(({promoters} - {detractors})::float8 / {n})"
    quantile = f"(CASE WHEN {n} < {NPS_FEWEST_FOR_NORMAL} THEN {t_quantile(n)} ELSE {_Z} END)"
    half = f"{quantile} * sqrt(({promoting} + {detracting} - {centre} ^ 2) / {counted})"
    low, high = _around(centre, Ends(f"({centre} - {half})", f"({centre} + {half})"), phi, (-1, 1))
    return Ends(f"least({seen}, {low})", f"greatest({seen}, {high})")


def _around(centre: str, ends: Ends, phi: str, scale: tuple[int, int]) -> Ends:
    """Both half-widths times the root of `phi`, cut to the ends of the scale."""
    low, high = ends
    if phi != INDEPENDENT:
        # Both stand once: SQL has no names for parts. If phi is 1, these are the ends to the bit.
        low, high = (f"((1 - sqrt({phi})) * {centre} + sqrt({phi}) * {end})" for end in ends)
    return Ends(f"greatest({scale[0]}, {low})", f"least({scale[1]}, {high})")


def of_scale(row: str, scale: str, phi: str = INDEPENDENT) -> Ends:
    """SQL of the interval of the mean of a row of sums, on the scale of its measure.

    Args:
        row: name of the row, which has `n`, `score_sum`, `score_sq_sum`, `top_n` and `bottom_n`.
        scale: SQL of the name of its scale.
        phi: SQL of how much days scatter.
    """
    n, top, bottom = f"{row}.n", f"{row}.top_n", f"{row}.bottom_n"
    sums = (n, f"{row}.score_sum", f"{row}.score_sq_sum")
    ends = {
        "bounded mean": bounded_mean(*sums, phi),
        "share": Ends(*(f"{_FULL} * {end}" for end in share(top, n, phi))),
        "nps": nps(top, bottom, n, phi),
        "mean": mean(*sums, phi),
    }
    return Ends(
        *(
            f"CASE {scale} "
            + " ".join(
                f"WHEN '{each.name}' THEN {getattr(ends[each.interval], end)}"
                for each in SCALES.values()
                if each.interval != "mean"
            )
            + f" ELSE {getattr(ends['mean'], end)} END"
            for end in Ends._fields
        )
    )
