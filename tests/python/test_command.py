"""Tests of the command ``pep3118`` of the Python package."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree

import pytest

from pep3118 import __main__ as command
from pep3118._audit import evaluate
from pep3118._census import PACKAGES, survey, table


def run(*arguments, **options):
    """Runs the command with `arguments` in a new process. `options` are options of `subprocess.run`. Returns the
    CompletedProcess with the output as text."""
    return subprocess.run([sys.executable, "-m", "pep3118", *arguments], capture_output=True, text=True, **options)


def test_audit_evaluates_an_expression(capsys):
    assert command.main(["audit", "bytearray(3)"]) == 0
    assert capsys.readouterr().out == "bytearray: clean\n"
    assert command.main(["audit", "ctypes:c_int(1)"]) == 1
    assert capsys.readouterr().out.startswith("error B05: the request has no FORMAT but format is `<i` [")
    assert command.main(["audit", "--allow", "B05", "ctypes:c_int(1)"]) == 0
    capsys.readouterr()
    assert command.main(["audit", "--explain", "ctypes:c_int(1)"]) == 1
    assert "FORMAT-UNSET-NULL" in capsys.readouterr().out


def test_audit_prints_several_reports_as_json(capsys):
    assert command.main(["audit", "--json", "bytearray(3)", "ctypes:c_int(1)"]) == 1
    good, bad = json.loads(capsys.readouterr().out)
    assert good == {"expression": "bytearray(3)", "exporter": "bytearray", "findings": [], "readable": True}
    assert [finding["rule"] for finding in bad["findings"]] == ["B05"]


def test_json_has_a_row_for_an_expression_that_fails(capsys):
    assert command.main(["audit", "--json", "1/0", "b''"]) == 2
    failed, good = json.loads(capsys.readouterr().out)
    message = "ZeroDivisionError: division by zero"
    assert failed == {"expression": "1/0", "error": {"kind": "exception", "message": message, "span": None}}
    assert good["findings"] == []


#: Calls of each command that prints JSON, without ``--json``, and their exit statuses.
JSON_CALLS = [
    (["explain", "T{b:a:3x<i:b:(2)T{>d:x:}:c:}"], 0),
    (["explain", "i}d"], 1),
    (["size", "@bd", "i}d"], 1),
    (["diff", "T{i:a:}", "T{>i:b:}"], 1),
    (["emit", "T{<b:a:<i:b:}", "--to", "python-record"], 0),
    (["emit", "T{<b:a:<i:b:}", "--to", "arrow-schema"], 0),
    (["emit", "T{<h:a:>i:b:}", "--to", "python-record"], 1),
    (["readers", "<i"], 0),
    (["check", "-f", "i}d", "--shape", "2,3", "-i", "4"], 1),
    (["audit", "bytearray(3)", "ctypes:c_int(1)", "1/0"], 2),
    (["audit", "--allow", "B05", "ctypes:c_int(1)"], 0),
    (["census"], 0),
    (["census", "json", "multiprocessing.sharedctypes"], 0),
    (["rules"], 0),
]


@pytest.mark.parametrize(("arguments", "status"), JSON_CALLS, ids=lambda value: str(value)[:40])
def test_json_is_valid_under_the_schema(arguments, status):
    jsonschema = pytest.importorskip("jsonschema")
    path = pathlib.Path(__file__).parents[2] / "docs" / "command.schema.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    result = run(*arguments, "--json")
    assert result.returncode == status, result.stderr
    part = {"$ref": f"#/$defs/{arguments[0]}", "$defs": schema["$defs"]}
    jsonschema.Draft202012Validator(part).validate(json.loads(result.stdout))


def test_the_schema_excludes_other_json():
    jsonschema = pytest.importorskip("jsonschema")
    path = pathlib.Path(__file__).parents[2] / "docs" / "command.schema.json"
    definitions = json.loads(path.read_text(encoding="utf-8"))["$defs"]
    audit = jsonschema.Draft202012Validator({"$ref": "#/$defs/audit", "$defs": definitions})
    report = {"expression": "x", "exporter": "y", "findings": [], "readable": True}
    assert audit.is_valid([report])
    for broken in ({}, {**report, "more": 1}, {**report, "readable": 1}, {**report, "findings": [{}]}):
        assert not audit.is_valid([broken])


def test_an_unknown_rule_of_allow_is_refused_with_the_nearest_name(capfd):
    assert command.main(["audit", "--allow", "B05,LEN-PRODCT", "b''"]) == 2
    assert "did you mean `LEN-PRODUCT`?" in capfd.readouterr().err


def test_allowed_findings_are_marked_and_unneeded_allowances_are_named(capsys):
    assert command.main(["audit", "--allow", "B05,A04", "ctypes:c_int(1)"]) == 0
    output = capsys.readouterr()
    assert output.out.startswith("error (allowed) B05: the request has no FORMAT")
    assert output.err == "note: `--allow A04` was not needed: no object breaks these rules\n"


@pytest.fixture
def growing(tmp_path):
    """Creates a module `growing`, whose exporter reports another length for each request. Returns the folder of the
    module."""
    if sys.version_info < (3, 12):
        pytest.skip("classes of Python export buffers since 3.12")
    (tmp_path / "growing.py").write_text(
        "class Growing:\n    size = 2\n    def __buffer__(self, flags):\n        Growing.size += 1\n"
        "        return memoryview(bytes(Growing.size))\n"
    )
    return tmp_path


def test_repeated_findings_are_one_and_modules_come_from_the_current_folder(growing):
    # The path of imports starts with the folder of the script for the script `pep3118`, and with the current folder for
    # `python -m`.
    code = "import sys; sys.path.remove(''); from pep3118.__main__ import main; sys.exit(main())"
    options = {"capture_output": True, "text": True, "cwd": growing}
    result = subprocess.run([sys.executable, "-c", code, "audit", "growing:Growing()"], **options)
    assert result.returncode == 1, result.stderr
    lengths = [line for line in result.stdout.splitlines() if "len" in line]
    assert len(lengths) == 1 and re.fullmatch(r"error B25: \d+ answers differ: len grew from 3 to \d+", lengths[0])


def test_sarif_has_a_result_for_each_rule_and_suppresses_allowed_findings(capsys):
    assert command.main(["audit", "--to", "sarif", "--allow", "B05", "ctypes:c_int(1)", "1"]) == 2
    (log,) = json.loads(capsys.readouterr().out)["runs"]
    (result,) = log["results"]
    assert log["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "B05"
    assert result["level"] == "error" and result["suppressions"][0]["justification"] == "--allow B05"
    assert result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "ctypes:c_int(1)"
    (invocation,) = log["invocations"]
    assert not invocation["executionSuccessful"] and len(invocation["toolExecutionNotifications"]) == 1


def test_junit_counts_failures_and_errors(capsys):
    assert command.main(["audit", "--to", "junit", "ctypes:c_int(1)", "b'<&'", "1/0"]) == 2
    suites = xml.etree.ElementTree.fromstring(capsys.readouterr().out)
    assert (suites.get("tests"), suites.get("failures"), suites.get("errors")) == ("3", "1", "1")
    failed, passed, error = suites.iter("testcase")
    assert failed.find("failure").get("message").startswith("error B05: ")
    assert passed.get("name") == "b'<&'" and len(passed) == 0
    assert error.find("error").get("message") == "ZeroDivisionError: division by zero"


def test_github_annotations_have_one_line_each(capsys):
    assert command.main(["audit", "--to", "github", "ctypes:c_int(1)", "'a\\n%'.nothing"]) == 2
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("::error title=B05 FORMAT-UNSET-NULL::ctypes:c_int(1): the request has no FORMAT")
    assert second.startswith("::error title=pep3118::'a\\n%25'.nothing: AttributeError: ")


@pytest.mark.parametrize("expression", ["1", "nothing_of_that_name", "no_module:x", "1/0", ")", "ctypes:c_int("])
def test_an_expression_that_is_not_an_exporter_is_status_2(expression, capsys):
    assert command.main(["audit", expression, "b''"]) == 2
    output = capsys.readouterr()
    assert output.err.startswith(f"error: {expression}: ") and "clean" in output.out


def test_expressions_may_contain_colons():
    assert bytes(evaluate("memoryview(b'abcd')[::2]")) == b"ac"
    assert evaluate("array: array('i', [1, 2])[1:]")[0] == 2
    assert evaluate("os.path:sep") == evaluate("os: path.sep")
    assert command.main(["audit"]) == 2


def test_census_audits_the_types_of_python(capsys):
    assert command.main(["census"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 60
    assert lines[0].startswith("Python 3.")
    assert any(line.startswith("bytearray(3)") and line.endswith("clean") for line in lines)
    assert any(line.startswith("ctypes:c_int(1)") and "B05" in line for line in lines)


def test_census_audits_the_given_packages(capsys):
    assert command.main(["census", "--json", "array", "no_such_package"]) == 2
    output = capsys.readouterr()
    rows = json.loads(output.out)
    assert [row["worst"] for row in rows] == ["clean"] * len(rows) and len(rows) >= 4
    assert "no_such_package" in output.err


def test_census_finds_the_types_of_a_package():
    found = {row.report.exporter for row in survey("ctypes") if row.report is not None}
    assert {"ctypes.c_int", "ctypes.c_float"} <= found
    for line in table(survey("pickle")):
        assert len(line) <= 60


def test_census_reports_objects_that_are_not_exporters(monkeypatch):
    monkeypatch.setitem(PACKAGES, "pickle", ["None", "1/0"])
    rows = list(survey("pickle"))
    assert rows[0].failure == "TypeError: a bytes-like object is required, not 'NoneType'"
    assert rows[1].failure.startswith("ZeroDivisionError") and rows[1].worst == "-"
    assert rows[1].as_dict()["failure"] == rows[1].failure


def test_other_commands_are_run_by_rust():
    done = run("size", "<IdB")
    assert (done.returncode, done.stdout.strip()) == (0, "13"), done.stderr
    done = run("size", "T{i")
    assert done.returncode == 1 and "never closed" in done.stderr and done.stdout == ""
    done = run("nonsense")
    assert done.returncode == 2 and "nonsense" in done.stderr
    done = run("rules", "T01")
    assert done.returncode == 0 and "FORMAT-MATCHES-TYPE" in done.stdout
    done = run("--version")
    assert done.returncode == 0 and done.stdout.startswith("pep3118 ")


#: Calls that native code answers.
NATIVE_CALLS = [
    ["--version"],
    ["--help"],
    ["size", "ib"],
    ["explain", "T{<i:a:}"],
    ["emit", "T{<i:a:}", "--to", "ctypes"],
    ["rules"],
    ["explain", "}"],
]


def imported_modules(arguments):
    """Returns the names of the modules that the command with `arguments` imports, except those of bare Python."""
    code = (
        "import sys; before = set(sys.modules); from pep3118.__main__ import main; main();"
        "print(*sorted(set(sys.modules) - before), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("arguments", NATIVE_CALLS, ids=" ".join)
def test_commands_of_native_code_import_only_the_package(arguments):
    """The import of a module such as `enum` takes as long as the command itself."""
    # PyO3 imports `types`, which defines the class of modules. This import takes less than 0.5 ms.
    imported = imported_modules(arguments) - {"__future__", "types"}
    assert imported == {"pep3118", "pep3118.__main__", "pep3118._pep3118"}


@pytest.mark.parametrize("command", [["audit", "b''"], ["census", "pickle"]], ids=" ".join)
def test_commands_of_python_code_import_no_slow_modules(command):
    imported = imported_modules(command)
    assert "re" in imported
    slow = {"argparse", "dataclasses", "inspect", "json", "platform", "typing", "subprocess", "ctypes"}
    assert not imported & slow, imported & slow


def test_help_names_all_commands():
    done = run("--help")
    assert done.returncode == 0
    assert all(name in done.stdout for name in ("explain", "check", "decode", "audit", "census"))
    assert run().returncode == 2
    done = run("census", "--help")
    assert done.returncode == 0
    assert all(re.search(rf"\b{re.escape(package)}\b", done.stdout) for package in PACKAGES)
    for name, options in (("audit", {"--allow", "--explain", "--json", "--to"}), ("census", {"--json"})):
        text = run(name, "--help").stdout
        assert set(re.findall(r"^ .*(--\w+)", text, re.MULTILINE)) == options | {"--help", "--version"}
        done = run(name, "--no-such-option")
        assert done.returncode == 2 and done.stderr.startswith("error: ")


def test_a_short_command_imports_only_what_it_needs():
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "pep3118", "size", "i"], capture_output=True, text=True
    )
    assert done.stdout == "4\n"
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "pep3118._pep3118" in imported
    assert imported.isdisjoint({"argparse", "json", "dataclasses", "pep3118._audit", "pep3118._census"})


@pytest.mark.skipif(sys.platform == "win32", reason="no POSIX shell")
@pytest.mark.parametrize("arguments", ["census", "--help", "audit --json 'bytearray(3)'", "rules"])
def test_a_closed_pipe_ends_the_work(arguments):
    # `true` ends before the command writes its first line.
    script = f'{{ sleep 0.5; "$PYTHON" -m pep3118 {arguments}; }} | true'
    environment = {"PYTHON": sys.executable, "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    done = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_standard_input_reaches_rust():
    query = '{"format": "<i", "itemsize": 4, "len": 20, "ndim": 1, "shape": [6], "request": "FULL_RO"}\n'
    done = run("check", "--jsonl", input=query)
    assert done.returncode == 1
    assert [finding["rule"] for finding in json.loads(done.stdout)["findings"]] == ["A04", "B07"]


def test_python_and_rust_write_in_order():
    code = (
        "import sys; from pep3118.__main__ import main; print('before'); "
        "main(['size', 'i']); print('after'); main(['audit', 'b\"\"'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["before", "4", "after", "bytes: clean"]


needs_sh = pytest.mark.skipif(sys.platform == "win32", reason="no POSIX shell")


def shell(script, **options):
    """Runs `script` in the POSIX shell, with the path of this interpreter in $PYTHON. `options` are options of
    `subprocess.run`. Returns the CompletedProcess with the output as text."""
    environment = {**os.environ, "PYTHON": sys.executable}
    return subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, **options)


@needs_sh
@pytest.mark.parametrize("streams", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(
    ("arguments", "status"),
    [("size i", 0), ("size }", 1), ("audit 'bytes()'", 0), ("audit 1", 2), ("audit", 2), ("x", 2)],
)
def test_closed_streams_cause_no_traceback(arguments, status, streams):
    done = shell(f'exec "$PYTHON" -m pep3118 {arguments} {streams}')
    assert done.returncode == status
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
@pytest.mark.parametrize("arguments", ["--help", "--version", "size i", "audit 'bytes()'", "census --json array"])
def test_output_to_a_full_device_fails(arguments):
    done = shell(f'exec "$PYTHON" -m pep3118 {arguments} >/dev/full')
    assert done.returncode == 1 and done.stderr.startswith("error: No space left on device"), done.stderr
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr


def with_default_action(number, arguments):
    """Returns the arguments of a process that restores the default action of the signal `number`, and then runs the
    program `arguments`.

    The command ignores a signal that its caller ignores. Under `nohup`, the tests would otherwise wait for ever.
    """
    restore = (
        "import os, signal, sys; signal.signal(int(sys.argv[1]), signal.SIG_DFL); os.execv(sys.argv[2], sys.argv[2:])"
    )
    return [sys.executable, "-c", restore, str(int(number)), *arguments]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_output_unchanged(tmp_path, number):
    (tmp_path / "out").write_text("before")
    arguments = [sys.executable, "-m", "pep3118", "decode", "-f", "<H", "-o", "out", "-"]
    command = with_default_action(number, arguments)
    with subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE) as process:
        end = time.monotonic() + 60
        files = pathlib.Path(f"/proc/{process.pid}/fd")
        while not any(os.path.realpath(file).startswith(f"{tmp_path}{os.sep}") for file in files.iterdir()):
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.01)
        process.send_signal(number)
        assert process.wait() == 128 + number
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out").read_text() == "before"


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one process")
def test_an_interrupted_audit_has_no_traceback():
    arguments = [sys.executable, "-m", "pep3118", "audit", "time:print('started', flush=True) or sleep(60)"]
    command = with_default_action(signal.SIGINT, arguments)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGINT)
        # If the signal interrupts `eval` of a string, CPython ends by the signal. Otherwise CPython exits with status
        # 130. A shell reports 130 in both cases.
        assert process.wait() in (130, -signal.SIGINT) and process.stderr.read() == ""
