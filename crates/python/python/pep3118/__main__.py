"""The command ``pep3118`` of the Python package.

``audit`` and ``census`` are implemented here. Their help and all other commands are those of the Rust program.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from . import _pep3118, audit
from ._census import STANDARD, Row, evaluate, survey, table


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns the exit status.

    Without ``argv`` the process is the command: signals end it, and a status of 128 + n reports signal n.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        status = _run(arguments, is_program=argv is None)
        _flush()
    except BrokenPipeError:
        # The reader needs no more output: `pep3118 census | head`.
        _discard_output()
        status = 0
    except OSError as error:
        # Standard output is full or closed.
        _discard_output()
        _print_error(f"error: {error.strerror or error}")
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
    """Sends what is still buffered nowhere: Python writes it when the process ends, and would fail again."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_error(message: str) -> None:
    # A message that cannot be written is no reason to fail in another way.
    with contextlib.suppress(OSError):
        print(message, file=sys.stderr, flush=True)


def _run(arguments: list[str], *, is_program: bool) -> int:
    match arguments:
        # The Rust program has the help of all commands.
        case ["audit" | "census", *rest] if not {"-h", "--help"}.isdisjoint(rest):
            return _forward(arguments, is_program=is_program)
        case ["audit", *rest]:
            return _audit(rest)
        case ["census", *rest]:
            return _census(rest)
        case _:
            return _forward(arguments, is_program=is_program)


def _forward(arguments: list[str], *, is_program: bool) -> int:
    """Runs a command of the Rust program."""
    _flush()
    argv = ["pep3118", *arguments]
    if is_program:
        return _pep3118._cli(argv, handle_signals=True)
    # Python runs its handler of ^C only after the command, so ^C ends the process meanwhile.
    before = signal.getsignal(signal.SIGINT)
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    except ValueError:
        before = None  # Only the main thread is interrupted, and this is another one.
    try:
        return _pep3118._cli(argv)
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)


class _Parser(argparse.ArgumentParser):
    """Prints errors as the Rust program does."""

    def error(self, message: str) -> NoReturn:
        """Prints the error and the usage, and ends with status 2."""
        usage = self.format_usage().replace("usage:", "Usage:", 1)
        self.exit(2, f"error: {message}\n\n{usage}\nFor more information, try '--help'.\n")


def _audit(arguments: list[str]) -> int:
    parser = _Parser(prog="pep3118 audit", add_help=False)
    parser.add_argument("expressions", metavar="EXPR", nargs="+")
    parser.add_argument("--allow", metavar="RULE", action="append", default=[])
    parser.add_argument("--explain", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    rows = []
    status = 0
    for expression in options.expressions:
        try:
            report = audit(evaluate(expression))
        except Exception as error:  # An expression can raise any exception.
            _print_error(f"error: {expression}: {type(error).__name__}: {error}")
            status = 2
            continue
        broken = [finding for finding in report if finding.severity == "error"]
        if status == 0 and not all(finding.rule in options.allow for finding in broken):
            status = 1
        if options.json:
            rows.append({"expression": expression, **json.loads(report.to_json())})
            continue
        if len(options.expressions) > 1:
            print(f"{expression}:")
        print(report.explain() if options.explain else report, flush=True)
    if options.json:
        print(json.dumps(rows, indent=2))
    return status


def _census(arguments: list[str]) -> int:
    parser = _Parser(prog="pep3118 census", add_help=False)
    parser.add_argument("packages", metavar="PACKAGE", nargs="*")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    rows: list[Row] = []
    missing = []
    shown = sys.stderr is not None and sys.stderr.isatty()
    for package in options.packages or STANDARD:
        try:
            for row in survey(package):
                rows.append(row)
                if shown:
                    print(f"\r\x1b[K{len(rows)} exporters, {row.exporter}"[:64], end="", file=sys.stderr, flush=True)
        except ImportError as error:
            missing.append(f"error: {package}: {error}")
    if shown:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    if options.json:
        print(json.dumps([row.as_dict() for row in rows], indent=2))
    else:
        for line in table(rows):
            print(line)
    for message in missing:
        _print_error(message)
    return 2 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
