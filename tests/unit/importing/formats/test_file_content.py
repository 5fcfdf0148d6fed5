from __future__ import annotations

import pytest

from voc_stream.importing.formats.file_content import refuse_csv_content

LINE = "id,score\n1,7\n"


@pytest.mark.parametrize(
    ("first", "encoding", "problem"),
    [
        (LINE.encode(), "utf-8", None),
        (LINE.encode("utf-16-le"), "utf-16-le", None),
        (LINE.encode("utf-16-le"), "utf-8", 'set `encoding = "utf-16-le"`'),
        (LINE.encode("utf-16-be"), "utf-8", 'set `encoding = "utf-16-be"`'),
        (b"id,score\n1,\0\n", "utf-8", "holds bytes that are 0"),
        (b"<?xml version='1.0'?>", "utf-8", "is XML"),
    ],
)
def test_what_is_no_csv_is_told_as_what_it_is(
    first: bytes, encoding: str, problem: str | None
) -> None:
    """A text in its encoding is read; anything else is named, with what to do."""
    found = refuse_csv_content(first, encoding)
    assert found is None if problem is None else found is not None and problem in found
