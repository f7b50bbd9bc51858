"""Runs the Python and console examples of the README, and checks the names in its `sh` blocks. The Rust examples of the
README are doctests."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

README = pathlib.Path(__file__).parents[2] / "README.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
# Each Python example and its output.
PYTHON = [(code, BLOCKS[index + 1][1]) for index, (language, code) in enumerate(BLOCKS) if language == "python"]
# Each console command and its output.
CONSOLE = [
    (part.partition("\n")[0], part.partition("\n")[2].strip("\n"))
    for language, text in BLOCKS
    if language == "console"
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
]
needs_sh = pytest.mark.skipif(shutil.which("sh") is None, reason="no POSIX shell")


def test_the_readme_has_examples_of_each_kind():
    languages = [language for language, _ in BLOCKS]
    assert {"rust", "python", "console", "sh"} <= set(languages)
    assert all(languages[index + 1] == "text" for index, language in enumerate(languages) if language == "python")
    assert len(PYTHON) >= 1 and len(CONSOLE) >= 2
    assert any("pep3118 audit" in command for command, _ in CONSOLE)
    assert any("error" in printed for _, printed in CONSOLE)
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 150


def matches(printed, expected):
    """Returns whether `printed` matches `expected`. In `expected`, ``...`` matches any text."""
    return (
        re.fullmatch(".*".join(map(re.escape, expected.strip().split("..."))), printed.strip(), re.DOTALL) is not None
    )


def test_an_ellipsis_matches_anything():
    assert matches("a b c\n", "a ... c") and matches("a\n", "a")
    assert not matches("a b", "a") and not matches("a b c", "a ... d") and not matches("axc", "a.c")


@pytest.mark.parametrize(("code", "expected"), PYTHON)
def test_a_python_example_prints_its_output(code, expected, tmp_path):
    for name in ["ml_dtypes", "numpy", "pandas", "polars"]:
        if name in code:
            pytest.importorskip(name)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.stderr == "" and matches(done.stdout, expected), done


@needs_sh
@pytest.mark.parametrize(("command", "expected"), CONSOLE)
def test_a_console_example_prints_its_output(command, expected):
    if "ctypes" in command and sys.version_info >= (3, 14):
        pytest.skip("from 3.14 on ctypes writes another wrong format for bit-fields")
    # The function calls the package under test, even if another `pep3118` is on the path.
    script = f'pep3118() {{ "$PYTHON" -m pep3118 "$@"; }}\n{command}\n'
    environment = {"PYTHON": sys.executable, "PYTHONPATH": os.environ.get("PYTHONPATH", ""), "NO_COLOR": "1"}
    done = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True)
    assert done.returncode == (1 if "error" in expected else 0)
    assert matches(done.stdout + done.stderr, expected), done


@needs_sh
@pytest.mark.parametrize("code", [code for language, code in BLOCKS if language == "sh"])
def test_shell_blocks_name_targets_and_features_that_exist(code):
    subprocess.run(["sh", "-n"], input=code, text=True, check=True)
    targets = re.findall(r"^make (\S+)", code, re.MULTILINE)
    rules = (README.parent / "Makefile").read_text()
    assert all(re.search(rf"^{target}:", rules, re.MULTILINE) for target in targets)
    features = re.findall(r"--features (\w+)", code)
    declared = (README.parent / "Cargo.toml").read_text().partition("[features]")[2].partition("\n[")[0]
    assert all(re.search(rf"^{feature} =", declared, re.MULTILINE) for feature in features)
