"""The command ``pep3118`` of the Python package.

Native code parses the arguments and runs all subcommands except ``audit`` and ``census``. The package runs ``audit``
and ``census`` in Python, because they work on Python objects. A subcommand imports only the modules that it uses,
because imports take longer than most subcommands.
"""

from __future__ import annotations

import os
import sys

from . import _pep3118

# `typing` and `signal` are not imported here, because each import takes as long as a short command.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command with the arguments ``argv`` and returns the exit status.

    The default of ``argv`` is the arguments of the process. With this default, a signal ends the process with status
    128 + n, where n is the number of the signal. The status is 0 if the process that reads the output has closed the
    pipe.
    """
    arguments = ["pep3118", *(sys.argv[1:] if argv is None else argv)]
    try:
        status = _run(arguments, is_program=argv is None)
        _flush()
    except BrokenPipeError:
        # The process that reads the output has closed the pipe, as in `pep3118 census | head`. A closed pipe is no
        # error.
        _discard_output()
        status = 0
    except OSError as error:
        # Standard output is full or closed.
        from ._audit import print_error

        _discard_output()
        print_error(f"error: {error.strerror or error}")
        status = 1
    except KeyboardInterrupt:
        import signal

        _discard_output()
        status = 128 + signal.SIGINT
    return status


def _flush() -> None:
    """Flushes standard output and standard error."""
    # A standard stream is None if it was closed, as in `pep3118 … >&-`.
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


def _discard_output() -> None:
    """Redirects standard output to the null device.

    Without this call, Python would write the buffered output at the end of the process, and would fail again.
    """
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(arguments: list[str], *, is_program: bool) -> int:
    """Runs the subcommand in ``arguments`` and returns the exit status.

    ``is_program`` is true if the process has no other task.
    """
    _flush()
    result = _run_in_rust(arguments, is_program=is_program)
    if isinstance(result, int):
        return result
    if result[0] == "audit":
        from . import _audit

        _, expressions, allow, explain, to = result
        if is_program:
            _audit.import_from_current_folder()
        return _audit.run(expressions, allow=allow, explain=explain, to=to)
    from . import _census

    _, packages, as_json = result
    return _census.run(packages, as_json=as_json)


def _run_in_rust(arguments: list[str], *, is_program: bool) -> int | tuple[Any, ...]:
    """Runs a subcommand in native code. The parameters are those of ``_run``.

    Returns the exit status, or the options of a subcommand that the package runs in Python.
    """
    if is_program:
        return _pep3118._cli(arguments, handle_signals=True)
    import signal

    # Python would run its handler of ^C only after the native call. Until then, let ^C end the process.
    before = signal.getsignal(signal.SIGINT)
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    except ValueError:
        before = None  # Only the main thread can set handlers, and only the main thread receives ^C.
    try:
        return _pep3118._cli(arguments)
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)


if __name__ == "__main__":
    sys.exit(main())
