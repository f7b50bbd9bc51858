"""Functions that run a test program in a new interpreter, because a fault can crash the interpreter. Also measures the
growth of memory."""

import importlib
import os
import subprocess
import sys
import textwrap

import pytest

# `EMBEDDED` is true if the extension module is compiled into the program that runs these tests. Other processes cannot
# import such a module.
EMBEDDED = not hasattr(importlib.import_module("pep3118._pep3118"), "__file__")

# `mallinfo2` of glibc counts the bytes that Rust and C code have allocated. `getallocatedblocks` counts the memory
# blocks of Python objects.
MEASURE = """
import ctypes, gc, sys

class Mallinfo(ctypes.Structure):
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()
    _fields_ = [(name, ctypes.c_size_t) for name in names]

mallinfo = getattr(ctypes.CDLL(None), "mallinfo2", None)
if mallinfo is not None:
    mallinfo.restype = Mallinfo

def in_use():
    gc.collect()
    info = mallinfo() if mallinfo is not None else Mallinfo()
    return sys.getallocatedblocks(), info.uordblks + info.hblkhd

def growth(run, warm_up, rounds):
    run(warm_up)
    blocks, size = in_use()
    run(rounds)
    blocks_after, size_after = in_use()
    return blocks_after - blocks, size_after - size
"""


def assert_runs(code, *, backtrace=False, timeout=120):
    """Runs a program in a new interpreter. The program must end with status 0 and print nothing.

    `backtrace` sets RUST_BACKTRACE, so that a panic allocates more memory. If the tests are embedded, the program runs
    in this process, so that the sanitizer checks it. Then the program may print, and `timeout`, in seconds, is ignored.
    """
    code = textwrap.dedent(code)
    if EMBEDDED:
        exec(compile(code, "<program>", "exec"), {"__name__": "__main__"})
        return
    environment = {**os.environ, "RUST_BACKTRACE": str(int(backtrace))}
    try:
        done = subprocess.run(
            [sys.executable, "-X", "faulthandler", "-c", code],
            capture_output=True,
            text=True,
            timeout=timeout,
            env=environment,
        )
    except subprocess.TimeoutExpired as error:
        raise AssertionError(f"the program did not end within {timeout} seconds: {error.stderr}") from None
    if done.returncode or done.stdout or done.stderr:
        raise AssertionError(
            f"the program ended with status {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
        )


def assert_constant_memory(setup, statement, *, rounds, warm_up=2000):
    """Runs `statement` `rounds` times in a new interpreter, after `setup` and `warm_up` further runs. The memory of the
    interpreter must not grow. Skips the test if the tests are embedded."""
    if EMBEDDED:
        pytest.skip("a sanitizer delays the release of memory")
    lines = [MEASURE, textwrap.dedent(setup).strip(), "def run(rounds):", "    for _ in range(rounds):"]
    lines += [
        textwrap.indent(textwrap.dedent(statement).strip(), " " * 8),
        f"blocks, size = growth(run, {warm_up}, {rounds})",
    ]
    # A leak needs at least one block in each round. The caches of the interpreter change by a few dozen blocks.
    lines.append("assert blocks < 200 and size < 65536, f'{blocks} blocks and {size} bytes more'")
    assert_runs("\n".join(lines))
