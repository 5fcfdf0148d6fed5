"""Declares what can go wrong: errors whose text says what is wrong, where, and what to do.

Each error stands in the module that raises it, and has `VocError` as its base:

```
VocError
├── CatalogueError               a catalogue file breaks a rule
├── CellsError                   a file of cells has a row that is none
├── ChoreFailedError             a chore failed in its process
├── ChoreProcessError            the process of the chores ended or fell silent
├── ClockError                   a clock is so wrong that the tables must not follow it
├── CustomersFailedError         a chore is done, but for some customers with whom it fails
├── EmbeddedError                a part of `up` did not start or cannot be used
├── EvaluationError              there are no stated risks to judge
├── ExportError                  a file cannot be read, or not to its end
├── FitError                     cells and model do not go together
├── HistoriesMissingError        customers have to be walked through before a model can learn
├── MappingError                 a mapping of an export breaks a rule
├── NothingLearnedError          the tables hold nothing to learn from
├── NothingToldError             no stated risk has come to its end
├── PushError                    events could not be delivered
├── RefusalError                 a broker answers, and does not serve us
├── SettingsError                a setting is wrong or missing
├── StoreUnavailableError        PostgreSQL cannot be reached, or gave up
│   ├── OtherCatalogueError      another catalogue rules the database
│   └── StoreGaveUpError         PostgreSQL gave up on the work at hand
├── TokenError                   there is no token for Kafka
└── TopicsError                  topics are missing or may not be used
    └── UnreachableError         no broker answers
```

The command line catches the base in one place (`cli/__init__.py`) and prints its text, no
traceback. An error that is not here is our mistake, or steers the program: nobody is meant to read
it.
"""

from __future__ import annotations

from typing import ClassVar


class VocError(Exception):
    """The base of all errors that are meant for people.

    Attributes:
        exit_code: what a command ends with. 1 says that the work failed. 2 says that it could not
            begin, because something that was given to the command is wrong.
    """

    exit_code: ClassVar[int] = 1


class EmbeddedError(VocError):
    """A part did not start or cannot be used; the message says which, why and what to do."""
