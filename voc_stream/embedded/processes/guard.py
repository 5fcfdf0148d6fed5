"""Launches a program that ends when the process that started it dies, in whatever way that dies.

Run as a script, with only the standard library. Arguments: parent's process id, signal number,
system user or `-`, then the program and its arguments.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Change the user, and become the program.

    The kernel is asked for `signal` at the parent's death.
    """
    parent, signal_number, user, program = (
        int(arguments[0]),
        int(arguments[1]),
        arguments[2],
        arguments[3:],
    )
    if user != "-":
        entry = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    # After the change of user, which would clear it. Other systems than Linux have no such call:
    # there a part outlives a killed parent until the next start finds it.
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    # The parent may have died before the kernel was asked.
    if os.getppid() != parent:
        sys.exit(1)
    os.execv(program[0], program)  # noqa: S606  no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
