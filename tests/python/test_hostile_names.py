"""Tests that text from the input is escaped in reports, reprs, messages and the output of `audit`, `census` and the
plugin.

`crates/cli/tests/it/hostile_names.rs` tests the other commands.
"""

import json
import subprocess
import sys
import unicodedata

import pytest

import pep3118
from pep3118 import Exporter, Format, View, audit, check
from pep3118._audit import print_error
from pep3118._census import Row, table
from pep3118.struct import Struct

NAMES = [
    "\x1b[31mx",
    "\x1b]0;title\x07",
    "\x1b",
    "a\rb",
    "a\nb",
    "a\tb",
    "\x08\x7f",
    "\x85\x9b31m",
    "\u202eabc",
    "\u2066abc\u2069",
    "a\u200b\u200d\u200fb",
    "\ufeff\xad\u061c",
    "\u2028\u2029",
    "\u3164\u115f\uffa0",
    "x\ufe0f\U000e0041",
    "</title><script>alert(1)</script>",
    '"quoted\\',
    "é数ไม้",
]
INVISIBLE = {0x115F, 0x1160, 0x3164, 0xFFA0, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}


def is_hostile(character, *, newline_allowed):
    """Returns whether `character` must not be in an output. The function does not call the escape function under
    test."""
    if character == "\n":
        return not newline_allowed
    return ord(character) in INVISIBLE or unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp", "Cs"}


def assert_visible(text, *, newline_allowed=True):
    """Asserts that `text` contains no hostile character."""
    hostile = [character for character in text if is_hostile(character, newline_allowed=newline_allowed)]
    assert not hostile, f"{hostile!a} in {text!a}"


def named_class(name, base=bytearray):
    """Returns a subclass of `base` with the hostile name `name`."""
    return type(name, (base,), {"__module__": f"module{name}"})


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_reprs(name):
    record = Format(f"T{{i:{name}:}}", dialect="pep3118")
    for obj in (
        record,
        record.fields[0],
        Exporter(bytes(4), format=f"T{{i:{name}:}}"),
        Struct(f"T{{i:{name}:}}"),
        type(name, (Struct,), {})("i"),
        pep3118.diff(f"T{{i:{name}:}}", "T{i:other:}"),
        audit(named_class(name)(3)),
    ):
        assert_visible(repr(obj), newline_allowed=False)


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_reports(name):
    exporter = named_class(name)(3)
    for report in (audit(exporter), check(exporter)):
        assert_visible(str(report))
        assert_visible(report.explain())
        assert_visible(report.to_json(), newline_allowed=False)
        # The escapes of JSON do not change the value.
        assert json.loads(report.to_json())["exporter"] == report.exporter == f"module{name}.{name}"


@pytest.mark.skipif(sys.version_info < (3, 12), reason="a class exports buffers with __buffer__ from 3.12 on")
@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_reports_on_exceptions_of_an_exporter(name):
    def raise_hostile(*_):
        raise type(name, (Exception,), {})(name)

    def granted(self, flags):
        return memoryview(bytearray(3))

    refusing = type(name, (), {"__buffer__": raise_hostile})()
    failing = type(name, (), {"__buffer__": granted, "__release_buffer__": raise_hostile})()
    for exporter in (refusing, failing):
        report = audit(exporter)
        assert report.rules
        for text in (str(report), report.explain(), report.to_json(), repr(report.findings)):
            assert_visible(text)


def test_reports_on_formats(faulty_exporter):
    fields = {"buf": bytearray(4), "obj": "self", "len": 4, "itemsize": 4, "readonly": 0, "ndim": 1, "shape": (1,)}
    for name in NAMES:
        for spelled in (f"T{{i:{name}:", f"T{{i:{name}:h:b:}}", name):
            answer = {**fields, "strides": (4,), "format": spelled.encode()}
            exporter = faulty_exporter(lambda flags, answer=answer: answer)
            for report in (audit(exporter), check(exporter)):
                assert report.rules
                for text in (str(report), report.explain(), report.to_json(), repr(report.findings)):
                    assert_visible(text)


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_explanations(name):
    record = Format(f"T{{i:{name}:b:b:}}", dialect="pep3118")
    view = View(Exporter(bytes(8), format=f"T{{i:{name}:i:b:}}"))
    for text in (record.explain(), record.svg(), record._repr_html_(), view.explain()):
        assert_visible(text)


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_messages(name):
    unnamed = named_class(name, object)()
    record = Format(f"T{{<i:{name}:<u:b:}}", dialect="pep3118")
    calls = [
        lambda: Format(f"T{{i:{name}:"),
        lambda: Format("i", dialect=name),
        lambda: Format("i", model=name),
        lambda: Format(unnamed),
        lambda: Format("i").emit(name),
        lambda: record.emit("struct"),
        lambda: record.to_c(name),
        lambda: record.to_rust(name),
        record.to_ctypes,
        lambda: check(b"", name),
        lambda: check(b"", unnamed),
        lambda: audit(b"").raise_for_errors(allow=[name]),
        lambda: Exporter(bytes(3), format=f"T{{i:{name}:}}", shape=(1,)),
        lambda: pep3118.diff(unnamed, "i"),
        lambda: pep3118.numpy.dtype_from_pep3118(unnamed),
        lambda: audit(unnamed),
        lambda: Format.from_dtype(unnamed),
        lambda: Format.from_ctypes(type(unnamed)),
        lambda: Struct("i").pack_into(unnamed, 0, 1),
        lambda: Struct("i").pack(unnamed),
        lambda: Struct("(2)i").pack(unnamed),
        lambda: Struct(unnamed),
        lambda: Struct(f"T{{i:{name}:"),
        lambda: View(bytes(4), f"T{{i:{name}:"),
    ]
    for number, call in enumerate(calls):
        try:
            call()
        except Exception as error:
            assert_visible(str(error)), number


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_the_tables_of_census(name):
    rows = [Row(f"package{name}:{name}()", name, audit(b"")), Row(name, "1", None, f"{name}: {name}")]
    for line in table(rows):
        assert_visible(line, newline_allowed=False)


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_errors_of_the_command(name, capsys):
    print_error(f"error: {name}\nerror: {name}")
    printed = capsys.readouterr().err
    assert_visible(printed)
    assert printed.count("\nerror") == 0


def run(*arguments, folder):
    command = [sys.executable, "-m", "pep3118", *arguments]
    return subprocess.run(command, capture_output=True, cwd=folder, check=False)


def test_the_commands(tmp_path):
    names = ascii([name for name in NAMES if "\0" not in name])
    (tmp_path / "hostile.py").write_text(
        f"""
NAMES = {names}
def make(index):
    return type(NAMES[index], (bytearray,), {{"__module__": NAMES[index]}})(3)
def fail(index):
    raise type(NAMES[index], (Exception,), {{}})(NAMES[index])
for index, name in enumerate(NAMES):
    globals()[name] = type(make(index))
__version__ = NAMES[0]
""",
        encoding="utf-8",
    )
    expressions = [f"hostile:{call}({index})" for index in range(len(NAMES)) for call in ("make", "fail")]
    expressions += [f"'{name}" for name in NAMES]
    expressions += [f"bytes() # {name}" for name in NAMES if not set(name) & {"\n", "\r"}]
    for arguments in (
        ["audit", *expressions],
        ["audit", "--explain", *expressions],
        ["audit", "--json", *expressions],
        ["census", "hostile"],
        ["census", "--json", "hostile"],
        ["census", "array", *NAMES],
    ):
        done = run(*arguments, folder=tmp_path)
        assert done.returncode <= 2 and done.stdout + done.stderr
        assert_visible(done.stdout.decode().replace("\r\n", "\n"))
        assert_visible(done.stderr.decode().replace("\r\n", "\n"))


def test_the_plugin(pytester):
    pytester.makepyfile(
        """
        def test_bad(assert_conformant_buffer):
            import ctypes
            Hostile = type("\\x1b[31m\\u202e\\u200b", (ctypes.c_int,), {})
            assert_conformant_buffer(Hostile(1))
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "--color=no")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*breaks B05*"])
    for line in (*result.outlines, *result.errlines):
        assert_visible(line, newline_allowed=False)
