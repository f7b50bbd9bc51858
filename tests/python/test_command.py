"""The command line."""

import json
import re
import subprocess
import sys

import pytest

from pep3118 import __main__ as command
from pep3118._census import PACKAGES, evaluate, survey, table


def run(*arguments, **options):
    return subprocess.run([sys.executable, "-m", "pep3118", *arguments], capture_output=True, text=True, **options)


def test_audit_of_an_expression(capsys):
    assert command.main(["audit", "bytearray(3)"]) == 0
    assert capsys.readouterr().out == "bytearray: clean\n"
    assert command.main(["audit", "ctypes:c_int(1)"]) == 1
    assert capsys.readouterr().out.startswith("error B05: the request has no FORMAT but format is `<i` [")
    assert command.main(["audit", "--allow", "B05", "ctypes:c_int(1)"]) == 0
    capsys.readouterr()
    assert command.main(["audit", "--explain", "ctypes:c_int(1)"]) == 1
    assert "FORMAT-UNSET-NULL" in capsys.readouterr().out


def test_audit_of_several_as_json(capsys):
    assert command.main(["audit", "--json", "bytearray(3)", "ctypes:c_int(1)"]) == 1
    good, bad = json.loads(capsys.readouterr().out)
    assert good == {"expression": "bytearray(3)", "exporter": "bytearray", "findings": [], "readable": True}
    assert [finding["rule"] for finding in bad["findings"]] == ["B05"]


@pytest.mark.parametrize("expression", ["1", "nothing_of_that_name", "no_module:x", "1/0", ")", "ctypes:c_int("])
def test_what_cannot_be_judged_is_status_2(expression, capsys):
    assert command.main(["audit", expression, "b''"]) == 2
    told = capsys.readouterr()
    assert told.err.startswith(f"error: {expression}: ") and "clean" in told.out


def test_expressions_with_colons():
    assert bytes(evaluate("memoryview(b'abcd')[::2]")) == b"ac"
    assert evaluate("array: array('i', [1, 2])[1:]")[0] == 2
    assert evaluate("os.path:sep") == evaluate("os: path.sep")
    with pytest.raises(SystemExit) as info:
        command.main(["audit"])
    assert info.value.code == 2


def test_census_of_python_itself(capsys):
    assert command.main(["census"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 60
    assert lines[0].startswith("Python 3.")
    assert any(line.startswith("bytearray(3)") and line.endswith("clean") for line in lines)
    assert any(line.startswith("ctypes:c_int(1)") and "B05" in line for line in lines)


def test_census_of_packages(capsys):
    assert command.main(["census", "--json", "array", "no_such_package"]) == 2
    told = capsys.readouterr()
    rows = json.loads(told.out)
    assert [row["worst"] for row in rows] == ["clean"] * len(rows) and len(rows) >= 4
    assert "no_such_package" in told.err


def test_census_finds_types_by_itself():
    found = {row.report.exporter for row in survey("ctypes") if row.report is not None}
    assert {"ctypes.c_int", "ctypes.c_float"} <= found
    for line in table(survey("pickle")):
        assert len(line) <= 60


def test_census_tells_what_cannot_be_judged(monkeypatch):
    monkeypatch.setitem(PACKAGES, "pickle", ["None", "1/0"])
    rows = list(survey("pickle"))
    assert rows[0].failure == "TypeError: a bytes-like object is required, not 'NoneType'"
    assert rows[1].failure.startswith("ZeroDivisionError") and rows[1].worst == "-"
    assert rows[1].as_dict()["failure"] == rows[1].failure


def test_other_commands_are_those_of_rust():
    done = run("size", "<IdB")
    assert (done.returncode, done.stdout.strip()) == (0, "13"), done.stderr
    done = run("size", "T{i")
    assert done.returncode == 1 and "never closed" in done.stderr and done.stdout == ""
    done = run("nonsense")
    assert done.returncode == 2 and "nonsense" in done.stderr
    done = run("rules", "T01")
    assert done.returncode == 0 and "FORMAT-LIES" in done.stdout
    done = run("--version")
    assert done.returncode == 0 and done.stdout.startswith("pep3118 ")


def test_help_tells_all_commands():
    done = run("--help")
    assert done.returncode == 0
    assert all(name in done.stdout for name in ("explain", "check", "decode", "audit", "census"))
    assert run().returncode == 2
    done = run("census", "--help")
    assert done.returncode == 0
    assert all(re.search(rf"\b{re.escape(package)}\b", done.stdout) for package in PACKAGES)
    # The Rust program knows the options only for their help, and knows no other ones.
    for name, options in (("audit", {"--allow", "--explain", "--json"}), ("census", {"--json"})):
        told = run(name, "--help").stdout
        assert set(re.findall(r"^ .*(--\w+)", told, re.MULTILINE)) == options | {"--help", "--version"}
        assert run(name, "--no-such-option").stderr.startswith("error: ")
        assert all(option in run(name, "--no-such-option").stderr for option in options)


@pytest.mark.skipif(sys.platform == "win32", reason="no head")
@pytest.mark.parametrize("arguments", ["census", "--help", "audit --json 'bytearray(3)'", "rules"])
def test_a_closed_pipe_ends_the_work(arguments):
    # The reader is gone before the first line.
    script = f'{{ sleep 0.5; "$PYTHON" -m pep3118 {arguments}; }} | true'
    done = subprocess.run(["sh", "-c", script], env={"PYTHON": sys.executable}, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_standard_input_reaches_rust():
    question = '{"format": "<i", "itemsize": 4, "len": 20, "ndim": 1, "shape": [6], "request": "FULL_RO"}\n'
    done = run("check", "--jsonl", input=question)
    assert done.returncode == 1
    assert [finding["rule"] for finding in json.loads(done.stdout)["findings"]] == ["A04", "B07"]


def test_both_sides_write_in_order():
    code = (
        "import sys; from pep3118.__main__ import main; print('before'); "
        "main(['size', 'i']); print('after'); main(['audit', 'b\"\"'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["before", "4", "after", "bytes: clean"]
