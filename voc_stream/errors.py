"""What can go wrong, as errors whose text says what is wrong, where, and what to do.

```
VocError
└── EmbeddedError    a part of `up` did not start or cannot be used
```
"""

from __future__ import annotations


class VocError(Exception):
    """The base of all errors that are meant for people: the command line prints its text and ends with 1."""


class EmbeddedError(VocError):
    """A part did not start or cannot be used; the message says which, why and what to do."""
