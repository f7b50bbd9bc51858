"""The command ``pep3118`` of the Python package.

``audit`` and ``census`` are here; their help and every other command are those of the Rust program.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from . import _pep3118, audit
from ._census import STANDARD, Row, evaluate, survey, table


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; what it returns is the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        status = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads our output has seen enough: `pep3118 census | head`. What is left goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    return status


def _run(arguments: list[str]) -> int:
    match arguments:
        # What they take and mean is told by the Rust program, with all other commands.
        case ["audit" | "census", *rest] if not {"-h", "--help"}.isdisjoint(rest):
            return _forward(arguments)
        case ["audit", *rest]:
            return _audit(rest)
        case ["census", *rest]:
            return _census(rest)
        case _:
            return _forward(arguments)


def _forward(arguments: list[str]) -> int:
    """Hands the arguments to the Rust program."""
    # What runs there does not come back to Python between two lines: let ^C end it.
    before = signal.getsignal(signal.SIGINT)
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    except ValueError:
        before = None  # Not the main thread, which alone is interrupted.
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        return _pep3118._cli(["pep3118", *arguments])
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)


class _Parser(argparse.ArgumentParser):
    """Speaks of errors as the Rust program does."""

    def error(self, message: str) -> NoReturn:
        """Tells what is wrong, and ends with status 2."""
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
        except Exception as error:  # Whatever the expression raises.
            print(f"error: {expression}: {type(error).__name__}: {error}", file=sys.stderr)
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
    shown = sys.stderr.isatty()
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
        print(message, file=sys.stderr)
    return 2 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
