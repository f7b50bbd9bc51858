"""The fixture `faulty_exporter`, which several test files use, and the plugin `pytester`."""

import importlib.util
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import sysconfig

import pytest

pytest_plugins = ["pytester"]


@pytest.fixture(scope="session")
def faulty_exporter(tmp_path_factory):
    """Compiles ``faulty_exporter.c`` for this interpreter, and returns the exporter class of the module.

    Skips the test if there is no C compiler or no header of this interpreter.
    """
    compiler = shlex.split(os.environ.get("CC", "")) or shlex.split(sysconfig.get_config_var("CC") or "cc")
    if shutil.which(compiler[0]) is None:
        compiler = ["cc"]
    headers = pathlib.Path(sysconfig.get_path("include"))
    if sys.platform == "win32" or shutil.which(compiler[0]) is None or not (headers / "Python.h").exists():
        pytest.skip("no C compiler, or no headers of this interpreter")
    target = tmp_path_factory.mktemp("faulty_exporter") / f"faulty_exporter{sysconfig.get_config_var('EXT_SUFFIX')}"
    source = pathlib.Path(__file__).with_name("faulty_exporter.c")
    shared = ["-bundle", "-undefined", "dynamic_lookup"] if sys.platform == "darwin" else ["-shared"]
    subprocess.run([*compiler, *shared, "-fPIC", "-O1", f"-I{headers}", str(source), "-o", str(target)], check=True)
    spec = importlib.util.spec_from_file_location("faulty_exporter", target)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.FaultyExporter
