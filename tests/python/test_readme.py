"""What the README shows is what happens: its Python and its shell."""

import doctest
import os
import pathlib
import re
import subprocess
import sys

README = pathlib.Path(__file__).parents[2] / "README.md"


def blocks(language):
    found = re.findall(rf"^```{language}\n(.*?)^```$", README.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert found, f"the README has no {language}"
    return found


def test_python():
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    for block in blocks("python"):
        test = parser.get_doctest(block, {}, "README", str(README), 0)
        assert test.examples
        runner.run(test)
    assert runner.summarize(verbose=False).failed == 0


def test_shell():
    shown = 0
    for block in blocks("console"):
        for command, output in re.findall(r"^\$ pep3118 (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            line = f"{sys.executable} -m pep3118 {command}"
            environment = os.environ | {"NO_COLOR": "1", "COLUMNS": "200"}
            done = subprocess.run(line, shell=True, capture_output=True, text=True, env=environment)
            told = [line.rstrip() for line in (done.stdout + done.stderr).splitlines()]
            assert told == [line.rstrip() for line in output.splitlines()], command
            shown += 1
    assert shown >= 2
