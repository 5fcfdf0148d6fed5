"""Gives SQL of 95 % intervals, one that suits each kind of measure."""

from __future__ import annotations

from voc_stream.domain.statistics import NORMAL_975 as _Z

# Two-sided 95 % points of Student's t for 1 to 30 degrees of freedom (any textbook; tests compute
# them anew).
STUDENT_T_975 = (
    12.706205, 4.302653, 3.182446, 2.776445, 2.570582,
    2.446912, 2.364624, 2.306004, 2.262157, 2.228139,
    2.200985, 2.178813, 2.160369, 2.144787, 2.131450,
    2.119905, 2.109816, 2.100922, 2.093024, 2.085963,
    2.079614, 2.073873, 2.068658, 2.063899, 2.059539,
    2.055529, 2.051831, 2.048407, 2.045230, 2.042272,
)  # fmt: skip


def t_quantile(freedom: str) -> str:
    """SQL of t(0.975, freedom).

    The table up to 30, beyond it the Cornish-Fisher expansion (Abramowitz and Stegun 26.7.5).
    """
    first = (_Z**3 + _Z) / 4
    second = (5 * _Z**5 + 16 * _Z**3 + 3 * _Z) / 96
    third = (3 * _Z**7 + 19 * _Z**5 + 17 * _Z**3 - 15 * _Z) / 384
    table = ", ".join(map(str, STUDENT_T_975))
    return (
        f"CASE WHEN {freedom} <= 30 THEN (ARRAY[{table}]::float8[])[{freedom}]"
        f" ELSE {_Z} + {first} / {freedom} + {second} / ({freedom}::float8 ^ 2) + {third} /"
        f" ({freedom}::float8 ^ 3) END"
    )


def interval(sign: str) -> str:
    """SQL of one end (`-` or `+`) of the interval of a row `r` of sums.

    It is in the unit of `experience_mean`. Shares have Wilson's interval. The NPS has the adjusted
    Wald interval: three answers are added, of which three quarters are promoters and three quarters
    detractors. Means have Student's interval.
    """
    closest = "least" if sign == "-" else "greatest"
    return (
        f"CASE e.kind WHEN 'share' THEN 10 * {closest}({_wilson(sign)}, r.top_n::float8 / r.n)"
        f" WHEN 'nps' THEN {closest}({_adjusted_wald(sign)}, m.experience_mean)"
        f" ELSE m.experience_mean {sign} t.quantile * d.stddev / sqrt(r.n) END"
    )


def _wilson(sign: str) -> str:
    """(p + z^2/2n +- z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n), within 0 and 1."""
    share, squared = "(r.top_n::float8 / r.n)", f"({_Z**2} / r.n)"
    half = f"{_Z} * sqrt({share} * (1 - {share}) / r.n + {squared} / (4 * r.n))"
    end = f"({share} + {squared} / 2 {sign} {half}) / (1 + {squared})"
    return f"greatest(0, least(1, {end}))"


def _adjusted_wald(sign: str) -> str:
    """N +- z sqrt((P + D - N^2) / (n + 3)), within -1 and 1.

    N = P - D, P = (promoters + 3/4) / (n + 3), D = (detractors + 3/4) / (n + 3).
    """
    promoters, detractors = "((r.top_n + 0.75) / (r.n + 3))", "((r.bottom_n + 0.75) / (r.n + 3))"
    score = f"({promoters} - {detractors})"
    end = f"{score} {sign} {_Z} * sqrt(({promoters} + {detractors} - {score} ^ 2) / (r.n + 3))"
    return f"greatest(-1, least(1, ({end})::float8))"
