"""``pep3118 audit``: evaluates expressions and audits the resulting objects."""

from __future__ import annotations

import builtins
import contextlib
import importlib
import re
import sys

from . import audit
from ._pep3118 import _escape

# `typing` is not imported at run time, because the import takes as long as an audit.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_EXPRESSION = re.compile(r"\s*(?P<module>[^\W\d][\w.]*)\s*:(?!=)(?P<expression>.+)", re.DOTALL)


def evaluate(text: str) -> Any:
    """Evaluates ``text``, which is ``EXPRESSION`` or ``MODULE:EXPRESSION``, and returns the value.

    An expression can use the builtins, and after ``MODULE:`` also the names of the module. The expression is executed
    as code and can have any effect.
    """
    match = _EXPRESSION.fullmatch(text)
    if match is None:
        return eval(text.strip(), {"__builtins__": builtins})
    module = importlib.import_module(match["module"])
    return eval(match["expression"].strip(), {"__builtins__": builtins, **vars(module)})


def run(expressions: Sequence[str], *, allow: Sequence[str], explain: bool, as_json: bool) -> int:
    """Prints the report on the value of each expression, and returns the exit status of the command.

    ``allow`` contains the ids of rules whose errors do not change the exit status. With ``explain``, the text of the
    rules and the calculations are printed. With ``as_json``, the reports are printed as JSON.
    """
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
            print(f"{_escape(expression)}:")
        print(report.explain() if explain else report, flush=True)
    if as_json:
        import json

        rows = [{"expression": expression, **json.loads(report.to_json())} for expression, report in reports]
        print(json.dumps(rows, indent=2))
    return status


def print_error(message: str) -> None:
    """Prints a message to standard error, with control characters and invisible characters escaped.

    Each line after the first is indented, so that a line of an exception cannot look like a message of the command.
    A failed write is ignored, because an error of standard error cannot be reported.
    """
    lines = [_escape(line) for line in message.split("\n")]
    with contextlib.suppress(OSError):
        print("\n  ".join(lines), file=sys.stderr, flush=True)
