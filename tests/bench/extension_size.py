"""Compares the sizes of two extension modules after `strip`: with PyO3 only, and with this library.

    python3 tests/bench/extension_size.py

Both modules are built with the defaults of Cargo for release builds. Fails if a module exports another function than
its `PyInit_` function.
"""

import os
import pathlib
import shutil
import subprocess

FOLDER = pathlib.Path(__file__).parent / "extension_size"


def build(name: str) -> int:
    """Builds the extension module `name`, and returns its size in bytes after `strip`."""
    environment = {**os.environ, "PYO3_BUILD_EXTENSION_MODULE": "1"}
    subprocess.run(["cargo", "build", "--release"], cwd=FOLDER / name, check=True, env=environment)
    library = FOLDER / name / "target" / "release" / f"libextension_{name}.so"
    stripped = library.with_suffix(".stripped")
    shutil.copyfile(library, stripped)
    subprocess.run(["strip", stripped], check=True)
    command = ["nm", "-D", "--defined-only", stripped]
    symbols = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    exported = [line.split()[-1] for line in symbols.splitlines()]
    assert exported == [f"PyInit_extension_{name}"], exported
    return stripped.stat().st_size


plain, library = build("pyo3"), build("pep3118")
print(f"PyO3 only: {plain / 1000:.0f} kB, with the library: {library / 1000:.0f} kB")
print(f"difference: {(library - plain) / 1000:.0f} kB")
