"""``pep3118 audit``: evaluates expressions and audits the resulting objects."""

from __future__ import annotations

import builtins
import contextlib
import importlib
import re
import sys

from . import audit
from ._pep3118 import _escape, _findings

# `typing` is only imported by type checkers, because the import takes as long as an audit.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from . import Report

_EXPRESSION = re.compile(r"\s*(?P<module>[^\W\d][\w.]*)\s*:(?!=)(?P<expression>.+)", re.DOTALL)


def evaluate(text: str) -> Any:
    """Evaluates ``text``, an ``EXPRESSION`` or ``MODULE:EXPRESSION``, and returns the value.

    An expression can use the builtins. After ``MODULE:``, an expression can also use the names of the module. The
    expression is executed as code and can have any effect.
    """
    match = _EXPRESSION.fullmatch(text)
    if match is None:
        return eval(text.strip(), {"__builtins__": builtins})
    module = importlib.import_module(match["module"])
    return eval(match["expression"].strip(), {"__builtins__": builtins, **vars(module)})


def import_from_current_folder() -> None:
    """Adds the current folder to the path of imports, so that ``MODULE`` can be a module of this folder.

    ``python -m pep3118`` has the current folder in the path already. The script ``pep3118`` has the folder of the
    script instead.
    """
    if "" not in sys.path:
        sys.path.insert(0, "")


def run(expressions: Sequence[str], *, allow: Sequence[str], explain: bool, to: str) -> int:
    """Prints the report on the value of each expression, and returns the exit status of the command.

    The status is 2 if an expression raises an exception or its value is not an exporter, 1 if an object has an error
    that ``allow`` does not contain, and otherwise 0.

    ``allow`` contains the ids of rules whose errors do not change the exit status. If ``explain`` is true, prints the
    text of the rules and the calculations too. ``to`` is the name of the output format, such as ``"json"``.
    """
    rows: list[tuple[str, Report | str]] = []
    unused = list(dict.fromkeys(allow))
    status = 0
    for expression in expressions:
        try:
            report = audit(evaluate(expression))
        except Exception as error:  # An expression can raise any exception.
            message = _message(error)
            print_error(f"error: {expression}: {message}")
            rows.append((expression, message))
            status = 2
            continue
        broken = {finding.rule for finding in report if finding.severity == "error"}
        unused = [rule for rule in unused if rule not in broken]
        if status == 0 and not broken.issubset(allow):
            status = 1
        rows.append((expression, report))
        if to == "text":
            if len(expressions) > 1:
                print(f"{_escape(expression)}:")
            print(_findings(to, rows[-1:], allow, explain), end="", flush=True)
    if to != "text":
        print(_findings(to, rows, allow, explain), end="")
    if unused:
        print_error(f"note: `--allow {','.join(unused)}` was not needed: no object breaks these rules")
    return status


def _message(error: BaseException) -> str:
    """Returns the type and the message of an exception, followed by those of at most 7 causes."""
    parts: list[str] = []
    cause: BaseException | None = error
    # An exception can be its own cause.
    while cause is not None and len(parts) < 8:
        text = f"{type(cause).__name__}: {cause}"
        parts.append(text if not parts else f"caused by {text}")
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return "\n".join(parts)


def print_error(message: str) -> None:
    """Prints a message to standard error, with control characters and invisible characters escaped.

    Each line after the first is indented, so that a line of an exception cannot look like a message of the command. A
    failed write is ignored, because a failure of standard error cannot be reported.
    """
    lines = [_escape(line) for line in message.split("\n")]
    with contextlib.suppress(OSError):
        print("\n  ".join(lines), file=sys.stderr, flush=True)
