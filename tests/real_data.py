"""The real data that some tests read: a process log (receipt.csv), a survey (mobi.csv) and others.

They stay outside the repository, in the folder that the variable VOC_TEST_DATA names. One survey
comes with a package of R, in the folder of R's packages. VOC_TEST_R_PACKAGES names it where it is
not the usual one. Tests that need data are skipped, and say so, where it is missing.
"""

from __future__ import annotations

import lzma
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOLDER = os.environ.get("VOC_TEST_DATA", "")
DATA = Path(FOLDER)
R_PACKAGES = Path(os.environ.get("VOC_TEST_R_PACKAGES", "/usr/lib/R/site-library"))
SURVEY = R_PACKAGES / "bayesm" / "data" / "customerSat.rda"
ANSWERS, QUESTIONS = 1811, 10
R_INTEGERS = 13
"""How R's files mark a vector of integers."""


def needs(name: str) -> pytest.MarkDecorator:
    """Skips a test where the file is not there."""
    reason = (
        f"{name} is not in VOC_TEST_DATA, which is {FOLDER}"
        if FOLDER
        else f"VOC_TEST_DATA does not name the folder of {name}"
    )
    return pytest.mark.skipif(not FOLDER or not (DATA / name).exists(), reason=reason)


needs_survey = pytest.mark.skipif(
    not SURVEY.exists(), reason=f"{SURVEY} is missing: it is in Debian's package r-cran-bayesm"
)


def survey() -> NDArray[np.int64]:
    """What 1,811 customers answered to ten questions, from 1 to 10; the first is of all in all.

    A survey about advertising in Yellow Pages (Rossi, Gilula and Allenby 2001).
    """
    columns = lzma.decompress(SURVEY.read_bytes())
    head = np.array([R_INTEGERS, ANSWERS], ">i4").tobytes()
    column = np.dtype([("head", ">i4", 2), ("answers", ">i4", ANSWERS)])
    found = np.frombuffer(columns, column, QUESTIONS, columns.index(head))
    assert (found["head"] == (R_INTEGERS, ANSWERS)).all()
    return found["answers"].T.astype(np.int64)
