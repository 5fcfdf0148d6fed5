"""Tells what a file is by its first bytes, whatever its name.

If it cannot be read, one sentence says why.
"""

from __future__ import annotations

import re

# As much as the marks below need, and no more, so that an event in a pipe need not wait for others.
LOOKED_AT_BYTES = 64
GZIP = b"\x1f\x8b"

_AS_CSV = "open it in a spreadsheet and save it as CSV in UTF-8"
_UNPACK = "unpack it and give the files in it"
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", f"is a workbook (.xlsx, .ods) or another zip archive: {_AS_CSV}, or {_UNPACK}"),
    (b"PK\x05\x06", "is an empty zip archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", f"is an old workbook (.xls) or Office file: {_AS_CSV}"),
    (b"%PDF-", "is a PDF: export the table itself, as CSV in UTF-8"),
    (b"BZh", f"is packed with bzip2: {_UNPACK}"),
    (b"\x28\xb5\x2f\xfd", f"is packed with zstd: {_UNPACK}"),
    (b"\xfd7zXZ\x00", f"is packed with xz: {_UNPACK}"),
    (b"7z\xbc\xaf\x27\x1c", f"is a 7z archive: {_UNPACK}"),
    (b"Rar!", f"is a rar archive: {_UNPACK}"),
    (b"PAR1", "is a Parquet file: write it as JSON Lines or as CSV in UTF-8"),
    (b"Obj\x01", "is an Avro file: write it as JSON Lines or as CSV in UTF-8"),
    (b"SQLite format 3\x00", "is an SQLite database: export its table as CSV in UTF-8"),
    (b"{\\rtf", "is a text with layout (RTF): save it as plain text in UTF-8"),
)
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_HTML = re.compile(rb"<(!doctype html|html|head|meta|body|table|style)\b", re.IGNORECASE)
_ARRAY = re.compile(rb"\s*\[\s*[{\]]")
_SEVERAL_LINES = re.compile(rb'\s*\{[ \t\r]*\n\s*"')


def refuse_content(first: bytes) -> str | None:
    """Why a file that begins with `first` is neither JSON Lines nor a CSV nor an XES log, or None.

    >>> refuse_content(b"%PDF-1.7")
    'is a PDF: export the table itself, as CSV in UTF-8'
    """
    text = first.removeprefix(_BYTE_ORDER_MARK).lstrip()
    if _HTML.match(text):
        return f"is an HTML page, which some systems call .xls or .csv: {_AS_CSV}"
    return next((problem for magic, problem in _MAGIC if first.startswith(magic)), None)


def refuse_csv_content(first: bytes, encoding: str) -> str | None:
    """Why a file that begins with `first` is no CSV in `encoding`, or None."""
    if b"\0" in first and not encoding.startswith(("utf-16", "utf-32")):
        order = _wide_byte_order(first)
        if order is None:
            return "holds bytes that are 0, so it is no text: export it as CSV in UTF-8"
        return f'is UTF-16 without a byte order mark: set `encoding = "utf-16-{order}"` in [input]'
    if first.removeprefix(_BYTE_ORDER_MARK).lstrip().startswith(b"<?xml"):
        return f"is XML: name it .xes if it is an XES log; a spreadsheet's XML, {_AS_CSV}"
    return None


def refuse_json_content(first: bytes) -> str | None:
    """Why a file that begins with `first` is not JSON Lines, or None."""
    if first.startswith(_WIDE_MARKS) or _wide_byte_order(first) is not None:
        return "is UTF-16: save it as UTF-8"
    text = first.removeprefix(_BYTE_ORDER_MARK)
    if _ARRAY.match(text):
        return "is one JSON array: write one event a line, as `jq -c '.[]' FILE` does"
    if _SEVERAL_LINES.match(text):
        return (
            "is JSON with events over several lines: write one event a line, as `jq -c . FILE` does"
        )
    return None


def _wide_byte_order(first: bytes) -> str | None:
    """`le` or `be` if every other byte is 0, as in plain text in UTF-16."""
    half = len(first) // 2
    even, odd = first[0::2].count(0), first[1::2].count(0)
    if half and not even and odd * 2 > half:
        return "le"
    return "be" if half and not odd and even * 2 > half else None
