"""Gives the 97.5 % points of Student's t, for Python and for SQL."""

from __future__ import annotations

import math

from voc_stream.domain.statistics import NORMAL_975 as _Z

# Of 1 to 30 degrees of freedom (any textbook; tests compute them anew).
STUDENT_T_975 = (
    12.7062047362, 4.3026527297, 3.1824463053, 2.7764451052, 2.5705818356,
    2.4469118511, 2.3646242516, 2.3060041352, 2.2621571628, 2.2281388520,
    2.2009851601, 2.1788128297, 2.1603686565, 2.1447866879, 2.1314495456,
    2.1199052992, 2.1098155778, 2.1009220402, 2.0930240544, 2.0859634473,
    2.0796138447, 2.0738730679, 2.0686576104, 2.0638985616, 2.0595385528,
    2.0555294386, 2.0518305165, 2.0484071418, 2.0452296421, 2.0422724563,
)  # fmt: skip
EXPANSION = (
    _Z,
    (_Z**3 + _Z) / 4,
    (5 * _Z**5 + 16 * _Z**3 + 3 * _Z) / 96,
    (3 * _Z**7 + 19 * _Z**5 + 17 * _Z**3 - 15 * _Z) / 384,
    (79 * _Z**9 + 776 * _Z**7 + 1482 * _Z**5 - 1920 * _Z**3 - 945 * _Z) / 92160,
)
"""Beyond the table: the terms of 1, 1/f, 1/f^2, ... of Cornish and Fisher.

Abramowitz and Stegun 26.7.5.
"""


def student_t_975(freedom: int) -> float:
    """t(0.975, freedom), to eight digits or more.

    >>> student_t_975(4), round(student_t_975(100), 9)
    (2.7764451052, 1.983971518)
    """
    if freedom <= len(STUDENT_T_975):
        return STUDENT_T_975[freedom - 1]
    return math.fsum(term / freedom**power for power, term in enumerate(EXPANSION))
