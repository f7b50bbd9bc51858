"""The command ``pep3118`` of the Python package.

The Rust program parses the arguments, and runs all commands but ``audit`` and ``census``, which need Python objects.
Each command imports only the modules that it uses, so that short commands start quickly.
"""

from __future__ import annotations

import os
import signal
import sys

from . import _pep3118

# Only for annotations: importing `typing` takes as long as a short command.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns the exit status.

    Without ``argv`` the process is the command: signals end it, and a status of 128 + n reports signal n.
    """
    arguments = ["pep3118", *(sys.argv[1:] if argv is None else argv)]
    try:
        status = _run(arguments, is_program=argv is None)
        _flush()
    except BrokenPipeError:
        # The reader needs no more output: `pep3118 census | head`.
        _discard_output()
        status = 0
    except OSError as error:
        # Standard output is full or closed.
        from ._audit import print_error

        _discard_output()
        print_error(f"error: {error.strerror or error}")
        status = 1
    except KeyboardInterrupt:
        _discard_output()
        status = 128 + signal.SIGINT
    return status


def _flush() -> None:
    # Python has no stream where a standard stream is closed: `pep3118 … >&-`.
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


def _discard_output() -> None:
    """Discards the output that is still buffered: Python writes it when the process ends, and would fail again."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(arguments: list[str], *, is_program: bool) -> int:
    match _pep3118._python_command(arguments):
        case ("audit", expressions, allow, explain, as_json):
            from . import _audit

            return _audit.run(expressions, allow=allow, explain=explain, as_json=as_json)
        case ("census", packages, as_json):
            from . import _census

            return _census.run(packages, as_json=as_json)
        case _:
            return _run_in_rust(arguments, is_program=is_program)


def _run_in_rust(arguments: list[str], *, is_program: bool) -> int:
    _flush()
    if is_program:
        return _pep3118._cli(arguments, handle_signals=True)
    # Python runs its handler of ^C only after the command, so ^C ends the process meanwhile.
    before = signal.getsignal(signal.SIGINT)
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    except ValueError:
        before = None  # Only the main thread is interrupted, and this is another one.
    try:
        return _pep3118._cli(arguments)
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)


if __name__ == "__main__":
    sys.exit(main())
