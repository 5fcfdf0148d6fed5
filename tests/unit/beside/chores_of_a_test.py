"""A process that does the chores of a test: some fail, die or freeze."""

from __future__ import annotations

import os
import signal
import sys
from datetime import timedelta
from decimal import Decimal
from math import nan
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from voc_stream.beside.serve import serve
from voc_stream.pipeline.chores import Chore
from voc_stream.pipeline.ports import GaugeSample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.pipeline.chores import Circumstances, ShowChores


class StoreOfATest:
    """Chores of which each does what its name says; nothing else is asked of it."""

    looked = 0.0

    def read_clocks(self) -> Any:
        """Count that somebody looked."""
        self.looked += 1

    def chores(
        self,
        show: ShowChores,
        evaluate_every: timedelta,  # noqa: ARG002  the port's signature
        keep_letters: timedelta | None,  # noqa: ARG002  the same
    ) -> Sequence[Chore[object]]:
        """See the port."""
        numeric: Any = Decimal("0.5")  # as PostgreSQL gives it

        def tell(at: Circumstances) -> None:
            show.publish(
                [
                    GaugeSample("pid", (str(os.getpid()),), at.now.timestamp()),
                    GaugeSample("looked", (), self.looked),
                    GaugeSample("numeric", (), numeric),
                    GaugeSample("unknown", (), nan),
                ]
            )
            show.letters_deleted(2)

        def fail(_: Circumstances) -> None:
            raise ValueError("it cannot be done")

        def end(number: int) -> None:
            os.kill(os.getpid(), number)

        return [
            Chore("tell", 1.0, tell),
            Chore("fail", 1.0, fail),
            Chore("die", 1.0, lambda _: end(signal.SIGKILL)),
            Chore("freeze", 1.0, lambda _: end(signal.SIGSTOP)),
        ]


if __name__ == "__main__":
    store: Any = StoreOfATest()
    serve(Connection(int(sys.argv[1])), store, timedelta(seconds=15), None)
