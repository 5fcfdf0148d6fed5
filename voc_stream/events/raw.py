"""Finds what is wrong with a message as bytes.

The JSON decoder lets some things pass, and JSON allows some that `jsonb` does not. Every message
pays for these checks, so each begins with a search that runs in C and nearly always says no.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from voc_stream.events.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

MAXIMUM_DEPTH = 32

# The repetition is possessive: else a long unfinished string would cost the square of its length.
_STRING = rb'"(?:[^"\\]++|\\.)*+"?'
_STRING_OR_BRACKET = re.compile(_STRING + rb"|[\[\]{}]", re.DOTALL)
_STRING_OR_NUMBER = re.compile(
    _STRING + rb"|-?([0-9]++)(?:\.([0-9]++))?+(?:[eE]([+-]?[0-9]++))?+", re.DOTALL
)

_SUSPECT_ESCAPE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<nul>u0000)|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)

_CONFLUENT_HEADER_BYTES = 5
_GLUE_MAGIC = 3
_GLUE_HEADER_BYTES = 18
_GLUE_COMPRESSIONS = (0, 5)
_REGISTRY_MAGIC = (0, _GLUE_MAGIC)

# PostgreSQL's numeric: at most 131,072 digits before the decimal point and 16,383 after it.
_MAXIMUM_WHOLE_DIGITS = 131_072
_MAXIMUM_DECIMALS = 16_383
_MAXIMUM_EXPONENT_LENGTH = 8

# A message this short, with no exponent of five digits or more, cannot exceed them: 9,999 + 6,000 <
# 16,383.
_HARMLESS_BYTES = 6_000
_LONG_EXPONENT = b"0e00000"
_SHAPE = bytes(
    b"0"[0] if byte in b"0123456789" else b"e"[0] if byte in b"eE" else b" "[0]
    for byte in range(256)
)


def refuse_bytes(value: bytes) -> Refusal | None:
    """What is wrong with `value`, of at least one byte, before it is read as JSON.

    That is its depth, its encoding, or a character that no table can hold.
    """
    if value[0] in _REGISTRY_MAGIC and (refusal := _refuse_registry_header(value)):
        return refusal
    if value.count(b"{") + value.count(b"[") > MAXIMUM_DEPTH and _is_too_deep(value):
        return Refusal(
            "too_deep",
            f"arrays and objects are nested more than {MAXIMUM_DEPTH} deep; send a flatter message",
        )
    if not value.isascii():
        try:
            value.decode()
        except UnicodeDecodeError as error:
            return Refusal(
                "invalid_utf8",
                f"byte {error.start} ({value[error.start]:#04x}) is not UTF-8; encode the message"
                f" as UTF-8",
            )
    if b"\\" in value and _SUSPECT_ESCAPE.search(value):
        return _refuse_escapes(value)
    return None


def _refuse_registry_header(value: bytes) -> Refusal | None:
    """Refuse a header that serializers of schema registries put in front.

    Confluent's has five bytes, that of AWS Glue has eighteen.
    """
    if value[0] == 0 and len(value) > _CONFLUENT_HEADER_BYTES:
        schema = int.from_bytes(value[1:_CONFLUENT_HEADER_BYTES], "big")
        header, rest = (
            f"the five bytes of a schema registry (schema {schema})",
            value[_CONFLUENT_HEADER_BYTES:],
        )
    elif (
        value[0] == _GLUE_MAGIC
        and len(value) > _GLUE_HEADER_BYTES
        and value[1] in _GLUE_COMPRESSIONS
    ):
        header, rest = (
            "the eighteen bytes of the schema registry of AWS Glue",
            value[_GLUE_HEADER_BYTES:],
        )
    else:
        return None
    found = (
        "JSON" if rest.lstrip().startswith(b"{") else "what is no JSON, such as Avro or Protobuf"
    )
    return Refusal(
        "invalid_json",
        f"begins with {header}, then {found}; send plain JSON in UTF-8, without the registry's"
        f" serializer",
    )


def refuse_numbers(value: bytes) -> Refusal | None:
    """Refuse the first number of `value` that `jsonb` cannot store, also in unknown fields.

    `value` must be JSON.
    """
    if len(value) <= _HARMLESS_BYTES and _LONG_EXPONENT not in value.translate(_SHAPE, b"+-"):
        return None
    for match in _STRING_OR_NUMBER.finditer(value):
        whole, decimals, exponent = match.groups(default=b"")
        if whole and not _is_storable(len(whole), len(decimals), exponent):
            advice = (
                f"has more than {_MAXIMUM_WHOLE_DIGITS} digits or {_MAXIMUM_DECIMALS} decimals;"
                f" PostgreSQL cannot store it, round it"
            )
            return Refusal("out_of_range", f"the number at byte {match.start()} {advice}")
    return None


def are_harmless(values: Sequence[bytes]) -> bool:
    """Whether no message, as bytes, has anything that these checks would have to look at.

    Then all of them are ASCII without escapes and without what deletes, short, flat, and no number
    is too long.

    >>> are_harmless([b'{"a":1}', b"[2]"]), are_harmless([b"1e99999"]), are_harmless([b"[" * 40])
    (True, False, False)
    """
    joined = b"\n".join(values)
    return (
        joined.isascii()
        and b"\\" not in joined
        and b"\x7f" not in joined
        and max(map(len, values)) <= _HARMLESS_BYTES
        and max([value.count(b"{") + value.count(b"[") for value in values]) <= MAXIMUM_DEPTH
        and _LONG_EXPONENT not in joined.translate(_SHAPE, b"+-")
    )


def _is_storable(whole_digits: int, decimals: int, exponent: bytes) -> bool:
    # int() itself refuses thousands of digits. A zero with a huge exponent is refused too: nobody
    # writes it.
    if len(exponent) > _MAXIMUM_EXPONENT_LENGTH:
        return False
    shift = int(exponent or b"0")
    return whole_digits + shift <= _MAXIMUM_WHOLE_DIGITS and decimals - shift <= _MAXIMUM_DECIMALS


def _is_too_deep(value: bytes) -> bool:
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(value):
        token = match[0]
        if token in b"[{":
            depth += 1
            if depth > MAXIMUM_DEPTH:
                return True
        elif token in b"]}":
            depth -= 1
    return False


def _refuse_escapes(value: bytes) -> Refusal | None:
    for match in _ESCAPE.finditer(value):
        if match["nul"]:
            return Refusal(
                "nul_character", f"\\u0000 at byte {match.start()} cannot be stored; remove it"
            )
        if match["half"]:
            return Refusal(
                "lone_surrogate",
                f"{match[0].decode()} at byte {match.start()} is half of a pair; cut text between"
                f" whole characters",
            )
    return None
