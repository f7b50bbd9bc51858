"""The command ``pep3118`` of the Python package.

``audit`` and ``census`` are here; every other command is that of the Rust program.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence

from . import _pep3118, audit
from ._census import PACKAGES, STANDARD, Row, evaluate, survey, table

_HELP = """
Commands that need Python:
  audit    Judge exporters: all 26 requests, by every rule
  census   Judge the exporters of packages that are installed
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; what it returns is the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    match arguments:
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
        status = _pep3118._cli(["pep3118", *arguments])
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)
    if arguments in ([], ["help"], ["-h"], ["--help"]):
        print(_HELP, end="", file=sys.stdout if arguments else sys.stderr)
    return status


def _audit(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="pep3118 audit",
        description="Judge exporters: send all 26 requests, compare the answers with the rules, with one another "
        "and with what the type says of the items.",
        epilog="Each EXPR is evaluated as Python code: give none that you would not run. MODULE:EXPRESSION is "
        "evaluated with the names of the module, as in 'numpy:zeros((2, 3), \"i4,f8\")'; a plain one, such as "
        "'bytearray(3)', with the builtins. Exit status 1 tells that a rule is broken, notes and warnings "
        "aside; 2 that an expression could not be judged.",
    )
    parser.add_argument("expressions", metavar="EXPR", nargs="+", help="MODULE:EXPRESSION or EXPRESSION")
    parser.add_argument("--allow", metavar="RULE", action="append", default=[], help="a rule that may be broken")
    parser.add_argument("--explain", action="store_true", help="tell the rules and the working")
    parser.add_argument("--json", action="store_true", help="print JSON")
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
    parser = argparse.ArgumentParser(
        prog="pep3118 census",
        description="Judge the exporters of packages: those that are known, and every type of the package that "
        "exports buffers and can be made without arguments.",
        epilog=f"Without PACKAGE, those of Python itself. Known: {', '.join(sorted(PACKAGES))}. The packages are "
        "imported and their types are called. Exit status 0, whatever is found; 2 if a package is not there.",
    )
    parser.add_argument("packages", metavar="PACKAGE", nargs="*", help="a package to import")
    parser.add_argument("--json", action="store_true", help="print JSON")
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
