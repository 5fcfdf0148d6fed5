"""Finds the encoding of a text: its byte order mark says it, else the mapping does."""

from __future__ import annotations

import codecs
import io

# This is given to a decoder as `errors`. What cannot be decoded becomes a lone surrogate, whatever
# the codec, so that a badly encoded cell spoils only its own row.
MARK_ERRORS = "voc_stream.mark"
_MARK = "\udcff"
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Python encodes literals and host names by them; no program writes its exports so.
_NOT_OF_FILES = {"unicode-escape", "raw-unicode-escape", "idna", "punycode", "undefined"}


def text_codec(name: str) -> str | None:
    """The usual name of an encoding of texts, or None if there is none, or it is none of texts.

    >>> text_codec("GB18030"), text_codec("base64"), text_codec("utf-9"), text_codec("idna")
    ('gb18030', None, None, None)
    """
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=name)
        codec = codecs.lookup(name).name
    except (LookupError, ValueError):
        return None
    return None if codec.replace("_", "-") in _NOT_OF_FILES else codec


def encoding_of(first: bytes, declared: str) -> str:
    """The encoding of a text that begins with `first`; its byte order mark is always right.

    >>> encoding_of("ticket".encode("utf-16"), "utf-8-sig")
    'utf-16'
    """
    return next((name for mark, name in _BYTE_ORDER_MARKS if first.startswith(mark)), declared)


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return _MARK, error.end


codecs.register_error(MARK_ERRORS, _mark)
