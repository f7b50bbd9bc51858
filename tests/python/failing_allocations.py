"""A program that runs operations of `operations.py` while allocations fail.

    python failing_allocations.py STEP PATH...

The program runs the operations with the paths PATH. In run `n` of an operation, the interpreter refuses memory from the
allocation number `n` on, and then only for the allocation number `n`. Each run is in a new process, in which no earlier
call has filled a cache. The program increases `n` by STEP until an operation succeeds without memory. Each run must
raise MemoryError, or return the same result as with memory. The program prints each other run.
"""

import gc
import os
import re
import signal
import sys
import traceback
from _testcapi import remove_mem_hooks, set_nomemory

import operations

# The status of a process: the operation succeeded, or raised MemoryError, or failed in another way.
SUCCEEDED, NO_MEMORY, FAILED = range(3)
# A run that takes more seconds ends with the signal SIGALRM.
SECONDS = 10


def shown(result):
    """Returns the text of `result` without addresses."""
    return re.sub("0x[0-9a-f]+", "0x", repr(result))


def run(call, first, last, wanted):
    """Calls `call` while the allocations from `first` up to, but not including, `last` fail. If `last` is 0, all
    allocations from `first` on fail. `wanted` is the text of the result, or None if the result may vary. Prints an
    exception other than MemoryError, and a wrong result. Returns the status."""
    result, error, status = None, None, SUCCEEDED
    set_nomemory(first, last)
    try:
        result = call()
    except MemoryError:
        status = NO_MEMORY
    except BaseException as caught:
        error = caught
    remove_mem_hooks()
    if error is not None:
        traceback.print_exception(error)
        return FAILED
    if status == SUCCEEDED and wanted is not None and shown(result) != wanted:
        print(f"{shown(result)} instead of {wanted}")
        return FAILED
    return status


def in_new_process(function, *arguments):
    """Calls `function` in a new process, whose status is the result. Returns (status, output)."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        signal.alarm(SECONDS)
        status = function(*arguments)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    os.close(writing)
    with open(reading, "rb") as pipe:
        output = pipe.read()
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), output.decode(errors="replace")


def with_memory(call):
    """Prints the text of the result of `call`, or nothing if two calls have different results. Returns the status."""
    first, second = shown(call()), shown(call())
    sys.stdout.write(first if first == second else "")
    return SUCCEEDED


def failures(source, call, step):
    """Yields a text for each failed run of `call`."""
    status, wanted = in_new_process(with_memory, call)
    if status != SUCCEEDED:
        yield f"{source}: with memory: status {status}\n{wanted}"
        return
    # The operations start with different numbers, so that no allocation is left out in every operation.
    first = 1 + len(source) % step
    while True:
        for last in (0, first + 1):
            status, output = in_new_process(run, call, first, last, wanted or None)
            if status not in (SUCCEEDED, NO_MEMORY) or output:
                allocations = f"allocation {first}" if last else f"allocations from {first} on"
                yield f"{source}: without {allocations}: status {status}\n{output}"
            if status == SUCCEEDED and last == 0:
                return
        first += step


def main():
    """Runs the operations that the arguments select."""
    step, paths = int(sys.argv[1]), sys.argv[2:]
    names = {}
    exec(operations.SETUP, names)
    # A new process would copy the memory of each object that the garbage collector visits.
    gc.disable()
    for path in paths:
        for source in operations.OPERATIONS[path]:
            for failure in failures(source, eval(f"lambda: {source}", names), step):
                print(failure, flush=True)


main()
