"""Bounds how much memory of the process lies idle.

glibc gives each thread a heap of its own, up to eight for each processor. What one thread keeps
there while another one's heap grows is never shared, and a long life splits each heap into pieces.
It also learns to take large blocks from a heap, once some were freed. Batches come and go in such
blocks; what is kept for long then lies between them, and holds the heap at its largest.
"""

from __future__ import annotations

import ctypes

# From malloc.h of glibc.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
LARGE_BYTES = 512 * 1024
"""A block from this size on goes back to the system as soon as it is free."""
IDLE_BYTES = 4 * 1024 * 1024
"""So much may be free at the end of a heap before it goes back, too."""


def use_one_heap() -> bool:
    """Let all threads take their memory from one heap, and large blocks from the system.

    Call it before the first of them starts. Threads take turns for the interpreter anyway, and so
    seldom wait for one another here. Returns False if libc knows no such limit.
    """
    libc = ctypes.CDLL(None)
    # Only glibc has such heaps, and the limits; musl and others are not asked.
    return hasattr(libc, "gnu_get_libc_version") and all(
        libc.mallopt(option, value) == 1
        for option, value in (
            (_M_ARENA_MAX, 1),
            (_M_MMAP_THRESHOLD, LARGE_BYTES),
            (_M_TRIM_THRESHOLD, IDLE_BYTES),
        )
    )
