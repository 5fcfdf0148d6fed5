"""Declares the types of the fields of events: bounds, words, and what the schemas say of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

MAXIMUM_TEXT_LENGTH = 4096
MAXIMUM_AMOUNT = 1e12
MAXIMUM_RETRACTED = 1_000
MAXIMUM_REASON_LENGTH = 200

# `$` alone would let a trailing newline pass. The patterns are published with the schemas, but
# checked by events/identifiers.py: as patterns of the decoder they would take half of its time.
MAXIMUM_EVENT_ID_LENGTH = 64
EVENT_ID_PATTERN = r"^[A-Za-z0-9._:-]+$(?!\n)"
# An id is refused if it has what nobody sees: controls and formats (zero width, bidirectional),
# blanks but U+0020, marks and fillers that show nothing. It is also refused if it has U+FFFD, which
# stands for a character that was lost. Of these, no portable pattern can name those beyond U+FFFF.
INVISIBLE = (
    r"\u0000-\u001f\u007f-\u00a0\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u1680\u17b4\u17b5"
    r"\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff"
)
IDENTIFIER_PATTERN = rf"^(?! |.* $)[^{INVISIBLE}]+$(?!\n)"
MAXIMUM_IDENTIFIER_LENGTH = 64
EventId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAXIMUM_EVENT_ID_LENGTH,
        extra_json_schema={"pattern": EVENT_ID_PATTERN},
    ),
]
Identifier = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAXIMUM_IDENTIFIER_LENGTH,
        extra_json_schema={"pattern": IDENTIFIER_PATTERN},
    ),
]
ExperienceKey = Annotated[
    str, Meta(min_length=1, max_length=64)
]  # no pattern, which costs time: the catalogue is stricter
StageKey = Annotated[str, Meta(min_length=1, max_length=64)]  # the catalogue is stricter
Timestamp = Annotated[datetime, Meta(tz=True)]
Score = Annotated[float, Meta(ge=0, le=10)]
Amount = Annotated[float, Meta(ge=0, le=MAXIMUM_AMOUNT)]
Text = Annotated[str, Meta(max_length=MAXIMUM_TEXT_LENGTH)]

Edge = Literal["enter", "exit"]
Outcome = Literal["completed", "no_answer", "refused"]
Action = Literal[
    "opened",
    "acknowledged",
    "apologised",
    "resolved",
    "informed",
    "reopened",
    "closed",
    "withdrawn",
]
Severity = Literal["minor", "major"]
Change = Literal["profile", "churned", "won_back"]
LifecycleStage = Literal["target", "prospect", "opportunity", "contracted", "user"]
ChurnReason = Literal[
    "death", "moved", "other_relationship", "competitor", "product", "attitude", "unknown"
]

# The same words are used wherever the same thing is said.
OptionalText = Annotated[
    Text | None, Meta(description="What the customer said, in the customer's words.")
]
Expectation = Annotated[
    Score | None,
    Meta(description="The score that the customer expected. Absent: the catalogue's value counts."),
]
Importance = Annotated[
    Score | None,
    Meta(
        description="How much it matters to the customer, from 0 to 10. Absent: the catalogue's"
        " value counts."
    ),
]
