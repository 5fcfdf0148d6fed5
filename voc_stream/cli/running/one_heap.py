"""Bounds how much memory of the process lies idle between its threads.

glibc gives each thread a heap of its own, up to eight for each processor. What one thread keeps
there while another one's heap grows is never shared, and a long life splits each heap into pieces.
"""

from __future__ import annotations

import ctypes

_M_ARENA_MAX = -8
"""From malloc.h of glibc."""


def use_one_heap() -> bool:
    """Let all threads take their memory from one heap.

    Call it before the first of them starts. Threads take turns for the interpreter anyway, and so
    seldom wait for one another here. Returns False if libc knows no such limit.
    """
    libc = ctypes.CDLL(None)
    # Only glibc has such heaps, and the limit; musl and others are not asked.
    return hasattr(libc, "gnu_get_libc_version") and libc.mallopt(_M_ARENA_MAX, 1) == 1
