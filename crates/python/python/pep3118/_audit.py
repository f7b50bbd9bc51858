"""``pep3118 audit``: checks the exporters that expressions evaluate to."""

from __future__ import annotations

import builtins
import contextlib
import importlib
import re
import sys

from . import audit

# Only for annotations: importing `typing` takes as long as the check.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_EXPRESSION = re.compile(r"\s*(?P<module>[^\W\d][\w.]*)\s*:(?!=)(?P<expression>.+)", re.DOTALL)


def evaluate(text: str) -> Any:
    """Returns the value of ``MODULE:EXPRESSION``, with the names of the module, or of a plain expression.

    The expression is run as code, and may have any effect.
    """
    match = _EXPRESSION.fullmatch(text)
    if match is None:
        return eval(text.strip(), {"__builtins__": builtins})
    module = importlib.import_module(match["module"])
    return eval(match["expression"].strip(), {"__builtins__": builtins, **vars(module)})


def run(expressions: Sequence[str], *, allow: Sequence[str], explain: bool, as_json: bool) -> int:
    """Prints the report of each expression, and returns the exit status of the command."""
    reports = []
    status = 0
    for expression in expressions:
        try:
            report = audit(evaluate(expression))
        except Exception as error:  # An expression can raise any exception.
            print_error(f"error: {expression}: {type(error).__name__}: {error}")
            status = 2
            continue
        broken = [finding for finding in report if finding.severity == "error"]
        if status == 0 and not all(finding.rule in allow for finding in broken):
            status = 1
        if as_json:
            reports.append((expression, report))
            continue
        if len(expressions) > 1:
            print(f"{expression}:")
        print(report.explain() if explain else report, flush=True)
    if as_json:
        import json

        rows = [{"expression": expression, **json.loads(report.to_json())} for expression, report in reports]
        print(json.dumps(rows, indent=2))
    return status


def print_error(message: str) -> None:
    """Prints a message to standard error. If that is closed or full, there is no place for the message."""
    with contextlib.suppress(OSError):
        print(message, file=sys.stderr, flush=True)
