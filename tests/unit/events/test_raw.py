from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voc_stream.events.raw import MAXIMUM_DEPTH, refuse_bytes, refuse_numbers

VALUES = st.recursive(
    st.text(alphabet='[]{}"\\a', max_size=6),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(st.text(alphabet='[{"\\', max_size=3), children, max_size=2)
    ),
    max_leaves=12,
)


def depth_of(value: object) -> int:
    if not isinstance(value, list | dict):
        return 0
    return 1 + max(map(depth_of, value.values() if isinstance(value, dict) else value), default=0)


@given(VALUES, st.integers(20, 40))
def test_depth_is_that_of_the_value(inner: object, wrappings: int) -> None:
    """Brackets inside strings, escaped quotes and siblings do not deceive the scan."""
    value = inner
    for _ in range(wrappings):
        value = [value, "["]
    found = refuse_bytes(json.dumps(value).encode())
    assert (found is not None) == (depth_of(value) > MAXIMUM_DEPTH)


@given(
    st.lists(
        st.sampled_from(
            ["\\", "\\\\", "\\u0000", "\\ud83d", "\\uDE00", "\\u0041", "u0000", "\\n", "a"]
        ),
        max_size=8,
    )
)
def test_escapes_are_judged_as_python_reads_them(parts: list[str]) -> None:
    """Strings that JSON allows are refused if PostgreSQL cannot store them.

    They hold U+0000 or half of a surrogate pair.
    """
    text = '"' + "".join(parts) + '"'
    try:
        meant = json.loads(text)
    except ValueError:
        return
    found = refuse_bytes(text.encode())
    unstorable = "\0" in meant or any("\ud800" <= character <= "\udfff" for character in meant)
    assert (found is not None) == unstorable


@given(st.integers(-20_000, 140_000), st.integers(1, 40), st.integers(0, 40))
def test_numbers_are_judged_by_their_digits(exponent: int, whole: int, decimals: int) -> None:
    """Numbers may have 131,072 digits before the decimal point and 16,383 after it.

    However the number is written.
    """
    text = "7" * whole + ("." + "7" * decimals if decimals else "") + f"e{exponent}"
    fits = whole + exponent <= 131_072 and decimals - exponent <= 16_383
    assert (refuse_numbers(f'{{"a": [{text}]}}'.encode()) is None) == fits


@pytest.mark.parametrize(
    "text",
    ['"1e99999"', '"\\"1e99999"', "[1e9999]", "1e-9999", '"01973e99-7e12345-9e99999"', "1e0000000"],
)
def test_harmless_text_is_no_unstorable_number(text: str) -> None:
    """What looks like a huge number inside a string, such as part of an id, is none."""
    assert refuse_numbers(text.encode()) is None


@pytest.mark.parametrize(
    "exponent", ["9" * 5000, "-" + "9" * 5000, "+99999999999999999999", "0" * 5000 + "1"]
)
def test_exponent_of_any_length_is_judged(exponent: str) -> None:
    """Python refuses to convert thousands of digits; that must not become an exception."""
    found = refuse_numbers(f"[1e{exponent}]".encode())
    assert found is not None
    assert found.reason == "out_of_range"


@pytest.mark.parametrize(
    "part",
    [
        b'"',
        b'\\"',
        b'"\\',
        b"\\",
        b"\\u0000"[:5],
        b"\\ud83d\\ude00",
        b"[]",
        b"[" * 31 + b"]" * 31,
        b'"[',
        b"1e99999 ",
        b"1.",
        b"9",
        b'"1e9',
        b"-",
    ],
)
def test_cost_is_linear(part: bytes) -> None:
    """The largest message, built to be expensive, costs no more than some tenths of a second."""
    value = part * (256 * 1024 // len(part))
    for start in (b"", b'"', b"[" * 32, b"1e99999,"):
        began = time.thread_time()  # of this thread alone: the machine may be busy
        refuse_bytes(start + value)
        refuse_numbers(start + value)
        assert time.thread_time() - began < 1
