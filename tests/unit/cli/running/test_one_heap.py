"""One heap for all threads of a worker."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest

from voc_stream.cli.running import tuning

THREADS = 4
PROGRAM = f"""
import ctypes, sys, threading
from voc_stream.cli.running.one_heap import use_one_heap
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fdopen.restype = ctypes.c_void_p
if sys.argv[1] == "one":
    assert use_one_heap()
barrier = threading.Barrier({THREADS} + 1)
def work():
    barrier.wait()
    libc.malloc(100_000)  # ctypes lets the others run meanwhile
    barrier.wait()
    barrier.wait()
for _ in range({THREADS}):
    threading.Thread(target=work, daemon=True).start()
barrier.wait()
barrier.wait()
out = libc.fdopen(1, b"w")
libc.malloc_info(0, ctypes.c_void_p(out))
libc.fflush(ctypes.c_void_p(out))
"""


def heaps(how_many: str) -> int:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"MALLOC_ARENA_MAX", "GLIBC_TUNABLES"}
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, how_many],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=environment,
    )
    return done.stdout.count("<heap nr=")


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"),
    reason="only glibc gives each thread a heap of its own",
)
def test_all_threads_share_one_heap() -> None:
    """What a batch's threads free is there for all of them.

    A worker's memory stays bounded over months.
    """
    assert heaps("one") == 1
    assert heaps("any") > 1


LARGE = """
import ctypes, sys
from voc_stream.cli.running.one_heap import use_one_heap
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
class Mallinfo2(ctypes.Structure):
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in names.split()]
libc.mallinfo2.restype = Mallinfo2
if sys.argv[1] == "given back":
    assert use_one_heap()
libc.free(libc.malloc(16 * 2**20))  # glibc learns that such blocks come and go
before = libc.mallinfo2().arena
libc.malloc(8 * 2**20)
print(libc.mallinfo2().arena - before)
"""


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="only glibc 2.33 and later tells it"
)
@pytest.mark.parametrize(("how", "heap_grows"), [("given back", False), ("as it comes", True)])
def test_large_blocks_come_from_no_heap(how: str, heap_grows: bool) -> None:
    """A batch's buffers leave no holes in the heap, between which rows are kept for long."""
    done = subprocess.run(
        [sys.executable, "-c", LARGE, how], capture_output=True, text=True, check=True, timeout=60
    )
    # A heap takes a little less than the block where its end was free.
    assert (int(done.stdout) >= 7 * 2**20) is heap_grows


def test_a_worker_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Together with the other settings of the process, before anything starts a thread."""
    asked: list[bool] = []
    monkeypatch.setattr(tuning, "use_one_heap", lambda: asked.append(True))
    for name in ("gc.freeze", "gc.set_threshold", "sys.setswitchinterval"):
        monkeypatch.setattr(name, lambda *_: None)
    tuning.tune_interpreter()
    assert asked == [True]
