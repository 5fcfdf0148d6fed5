"""Writes JSON values as YAML for people: block style, every text quoted as in JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PLAIN_KEY = re.compile(r"(?!(?i:y|n|yes|no|on|off|true|false|null)$)[A-Za-z$][A-Za-z0-9_.$-]*")


def to_yaml(value: object) -> str:
    """`value` as a YAML document.

    It is made of mappings with text keys, sequences, printable texts, numbers, booleans and None.

    >>> print(to_yaml({"channels": {"voc.callbacks": [1, {"key": "a: b"}, []]}}), end="")
    channels:
      voc.callbacks:
        - 1
        - key: "a: b"
        - []
    """
    return "".join(f"{line}\n" for line in _lines(value))


def _lines(value: object) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        for key, child in value.items():
            name = key if _PLAIN_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False)
            if _is_block(child):
                yield f"{name}:"
                yield from (f"  {line}" for line in _lines(child))
            else:
                yield f"{name}: {_scalar(child)}"
    elif _is_block(value) and isinstance(value, Sequence):
        for child in value:
            first, *others = _lines(child)
            yield f"- {first}"
            yield from (f"  {line}" for line in others)
    else:
        yield _scalar(value)


def _is_block(value: object) -> bool:
    return bool(value) and isinstance(value, Mapping | Sequence) and not isinstance(value, str)


def _scalar(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
