"""Tests of the Python examples: scripts print the output in their docstrings, the example for CI passes, NumPy reads
the sample file, and the README lists all examples."""

import ast
import importlib.util
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
SCRIPTS = sorted(path for path in EXAMPLES.glob("*.py") if not path.name.startswith("test_"))
NEEDS = {"frame.py": ["numpy"], "sql.py": ["polars", "pyarrow"]}


def test_the_readme_lists_every_example():
    files = {path.name for path in EXAMPLES.iterdir() if path.is_file()} - {"README.md"}
    assert len(SCRIPTS) >= 2 and "test_exporter.py" in files
    assert set(re.findall(r"^\| \[`([\w.]+)`\]\(\1\)", (EXAMPLES / "README.md").read_text(), re.MULTILINE)) == {
        name for name in files if not name.endswith(".npy")
    }


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_prints_the_output_in_its_docstring(script):
    for name in NEEDS.get(script.name, []):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"no {name}")
    documented = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8")))
    expected = documented.partition("\n\n")[2]
    if script.name == "demo.py" and sys.version_info >= (3, 14):
        # From CPython 3.14 on, ctypes writes another wrong format for bit-fields. This format breaks another rule.
        assert expected.endswith("\nB05 error\nT01 error")
        expected = expected.removesuffix("B05 error\nT01 error") + "A07 error\nB05 error"
    done = subprocess.run([sys.executable, "-W", "error", str(script)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert expected and done.stdout.strip() == expected


def test_the_tests_of_the_ci_example_pass(tmp_path):
    # The test runs in another folder, without the pytest settings of this project.
    shutil.copy(EXAMPLES / "test_exporter.py", tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0 and "3 passed" in done.stdout, done.stdout + done.stderr


def test_numpy_reads_the_sample_file():
    numpy = pytest.importorskip("numpy")
    samples = numpy.load(EXAMPLES / "samples.npy")
    assert samples["id"].tolist() == [1, 2, 70000] and samples["at"].tolist() == [0.5, 0.75, 1.25]
    assert samples.dtype["at"].byteorder == ">" and samples.dtype.itemsize == 24
