"""Checks single settings.

Each check gives the value in its own type, or raises ValueError with what the value must be.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAXIMUM_PORT = 65535
# How alike an unknown variable must be to a known one to count as a slip of the pen. An
# orchestrator that sets `VOC_STREAM_SERVICE_HOST` for a service called voc-stream makes no slip.
TYPING_ERROR_LIKENESS = 0.85
NO_CELLS = ("all", "bi", "rebuild")
"""Words that stand in names of schemas already."""


def broker_list(value: str | int) -> str:
    """The brokers as `host:port,host:port`, without blanks."""
    brokers = [broker.strip() for broker in str(value).split(",")]
    for broker in brokers:
        host, _, port = broker.rpartition(":")
        if (
            not re.fullmatch(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]", host)
            or not port.isdecimal()
            or not 0 < int(port) <= MAXIMUM_PORT
        ):
            raise ValueError(f"must be host:port,host:port; {broker!r} is no host:port")
    return ",".join(brokers)


def matching(pattern: str, meaning: str, maximum_length: int) -> Callable[[str | int], str]:
    """A check for a text that the pattern matches; `meaning` says what that is."""

    def check(value: str | int) -> str:
        if not re.fullmatch(pattern, str(value)) or len(str(value)) > maximum_length:
            raise ValueError(
                f"must be {meaning}, at most {maximum_length} characters; it is {value!r}"
            )
        return str(value)

    return check


def cell_name(value: str | int) -> str:
    """The name of a cell.

    It is part of the names of topics, groups and schemas, so `voc_<cell>_bi` can be no cell's own.
    """
    name = matching(r"[a-z][a-z0-9]*", "a word of small letters and digits", 24)(value)
    if name in NO_CELLS:
        raise ValueError(f"must not be one of {', '.join(NO_CELLS)}; it is {name!r}")
    return name


def whole_number(lowest: int, highest: int) -> Callable[[str | int], int]:
    """A check for a whole number within bounds, both included."""

    def check(value: str | int) -> int:
        if (
            not re.fullmatch(r"\d{1,9}", str(value), re.ASCII)
            or not lowest <= int(value) <= highest
        ):
            raise ValueError(f"must be a whole number from {lowest} to {highest}; it is {value!r}")
        return int(value)

    return check


def one_of(words: Sequence[str]) -> Callable[[str | int], str]:
    """A check for one of these words, in either case; gives it in capitals."""

    def check(value: str | int) -> str:
        if str(value).upper() not in words:
            raise ValueError(f"must be one of {', '.join(words)}; it is {value!r}")
        return str(value).upper()

    return check


def switch(value: str | int) -> bool:
    """Whether it is on."""
    if str(value).lower() not in {"true", "false"}:
        raise ValueError(f"must be true or false; it is {value!r}")
    return str(value).lower() == "true"


def existing_file(value: str | int) -> str:
    """The path of a file that is there."""
    if not Path(str(value)).is_file():
        raise ValueError(f"must be the path of a file; there is none at {str(value)!r}")
    return str(value)


def not_empty(value: str | int) -> str:
    """A text with something in it."""
    if not str(value):
        raise ValueError("must not be empty; leave it out where there is none")
    return str(value)


def secret_in(path: Path) -> str:
    """What the file holds, without the line break at its end. No message repeats any of it."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no text in UTF-8") from None
    secret = text.removesuffix("\n").removesuffix("\r")
    if not secret:
        raise ValueError(f"{path} is empty; it must hold the secret and nothing else")
    return secret


def path_or_one_of(meaning: str, names: Sequence[str]) -> Callable[[str | int], str]:
    """A check for the path of a file that is there, or one of these names."""

    def check(value: str | int) -> str:
        if not Path(str(value)).is_file() and value not in names:
            raise ValueError(
                f"must be the path of {meaning} or one of {', '.join(names)}; there is no file"
                f" {str(value)!r}"
            )
        return str(value)

    return check


def is_typing_error(name: str, known: Sequence[str]) -> bool:
    """Whether an unknown name was probably meant to be a known one."""
    return bool(difflib.get_close_matches(name, known, n=1, cutoff=TYPING_ERROR_LIKENESS))


def suggestion(name: str, known: Sequence[str]) -> str:
    """The end of a message about an unknown name: what may have been meant."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; the settings are {', '.join(known)}"
