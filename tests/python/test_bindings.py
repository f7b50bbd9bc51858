"""Tests of the binding generators Cython, pybind11 and nanobind: audits of their exporters, and views that their
consumers read."""

import array
import importlib.util
import pathlib
import shutil
import struct
import subprocess
import sys
import sysconfig

import pytest

from pep3118 import View, audit

HERE = pathlib.Path(__file__).with_name("bindings")


def _compile(name, folder, sources, includes, flags=()):
    """Compiles C++ sources to the extension module `name` and imports it. Skips the test if there is no compiler."""
    headers = pathlib.Path(sysconfig.get_path("include"))
    if shutil.which("g++") is None or sys.platform == "win32" or not (headers / "Python.h").exists():
        pytest.skip("no C++ compiler, or no headers of this interpreter")
    target = folder / f"{name}{sysconfig.get_config_var('EXT_SUFFIX')}"
    shared = ["-bundle", "-undefined", "dynamic_lookup"] if sys.platform == "darwin" else ["-shared"]
    paths = [f"-I{path}" for path in (headers, *includes)]
    command = ["g++", *shared, "-fPIC", "-O0", "-std=c++17", "-fvisibility=hidden", "-w", *paths, *flags]
    subprocess.run([*command, *map(str, sources), "-o", str(target)], check=True)
    spec = importlib.util.spec_from_file_location(name, target)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def by_pybind11(tmp_path_factory):
    library = pytest.importorskip("pybind11")
    return _compile(
        "by_pybind11", tmp_path_factory.mktemp("pybind11"), [HERE / "by_pybind11.cpp"], [library.get_include()]
    )


@pytest.fixture(scope="module")
def by_nanobind(tmp_path_factory):
    library = pytest.importorskip("nanobind")
    root = pathlib.Path(library.__file__).parent
    sources = [HERE / "by_nanobind.cpp", root / "src" / "nb_combined.cpp"]
    includes = [root / "include", root / "ext" / "robin_map" / "include"]
    gil = ["-DNB_FREE_THREADED"] if sysconfig.get_config_var("Py_GIL_DISABLED") else []
    return _compile(
        "by_nanobind", tmp_path_factory.mktemp("nanobind"), sources, includes, ["-fno-strict-aliasing", *gil]
    )


@pytest.fixture(scope="module")
def by_cython(tmp_path_factory):
    pytest.importorskip("Cython")
    folder = tmp_path_factory.mktemp("cython")
    source = folder / "by_cython.cpp"
    pyx = shutil.copy(HERE / "by_cython.pyx", folder)
    subprocess.run([sys.executable, "-m", "cython", "--cplus", "-3", str(pyx), "-o", str(source)], check=True)
    return _compile("by_cython", folder, [source], [])


def broken_rules(obj):
    """Returns the sorted ids of the rules that an audit reports as errors."""
    return sorted({finding.rule for finding in audit(obj).findings if finding.severity == "error"})


def test_exporters_of_pybind11_break_no_rule(by_pybind11):
    matrix, strided = by_pybind11.Matrix(), by_pybind11.Strided()
    assert broken_rules(matrix) == broken_rules(strided) == []
    assert View(matrix).tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    assert View(strided).tolist() == [[0.0, 2.0], [3.0, 5.0]]


def test_the_exporter_of_nanobind_breaks_b12(by_nanobind):
    matrix = by_nanobind.matrix()
    # The exporter of the memoryview does not refuse requests for a contiguity that the memory does not have.
    assert broken_rules(matrix) == []
    assert broken_rules(matrix.obj) == ["B12"]
    assert View(matrix).tolist() == View(matrix.obj).tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]


def test_exporters_of_cython_break_known_rules(by_cython):
    # Cython's array and memoryview fill in strides that were not requested, and do not refuse requests for a contiguity
    # that the memory does not have.
    assert broken_rules(by_cython.array()) == ["B09", "B12"]
    assert broken_rules(by_cython.strided()) == ["B09", "B11", "B12", "B13", "B14"]
    records = by_cython.records()
    assert broken_rules(records) == ["B09"]
    view = View(records)
    assert (view.itemsize, view.shape, list(view.fields)) == (5, (3,), ["a", "b"])
    view[1] = (b"x", -7)
    assert View(records)[1] == (b"x", -7)
    # The method __getbuffer__ of this class calls PyBuffer_FillInfo.
    assert broken_rules(by_cython.Bytes()) == []


@pytest.fixture(params=["by_cython", "by_pybind11"])
def total(request):
    """Returns a compiled function that sums a matrix of doubles."""
    return request.getfixturevalue(request.param).total


def test_compiled_consumers_read_a_view_as_a_memoryview(total):
    memory = array.array("d", [0, 1, 2, 3, 4, 5])
    for shape in [(2, 3), (3, 2), (1, 6)]:
        theirs = memoryview(memory).cast("B").cast("d", shape)
        ours = View(memory).cast("d", shape)
        assert total(ours) == total(theirs) == total(ours.toreadonly()) == total(View(theirs)) == 15
    # memoryview has no slices of two dimensions.
    assert total(ours[:, ::2]) == 0 + 2 + 4
    assert total(View(memory).cast("d", (2, 3))[::-1, 1:]) == 1 + 2 + 4 + 5


@pytest.mark.parametrize("format", ["q", "f", "<hhf"])
def test_compiled_consumers_refuse_a_view_of_other_items(total, format):
    with pytest.raises((ValueError, TypeError)):
        total(View(bytes(48)).cast(format, (2, 48 // 2 // struct.calcsize(format))))


def test_cython_reads_the_records_of_a_view(by_cython):
    view = View(b"".join(struct.pack("=ci", b"x", number) for number in [1, -2, 3]))
    assert by_cython.numbers(view.cast("T{^c:a:^i:b:}")) == [1, -2, 3]
    records = by_cython.records()
    assert by_cython.numbers(View(records)) == by_cython.numbers(records)


@pytest.mark.parametrize("code", "bBhHiIlLqQfd?")
def test_functions_of_numpy_take_a_view_as_a_memoryview(code):
    np = pytest.importorskip("numpy")
    memory = bytearray(np.arange(12).astype(code).tobytes())
    functions = [
        np.array,
        np.asarray,
        np.ascontiguousarray,
        np.sort,
        np.ravel,
        np.transpose,
        lambda items: np.frombuffer(items, np.uint8),
        lambda items: np.add(items, items),
        lambda items: np.concatenate([items, items]),
        lambda items: np.matmul(np.ones((2, len(items))), items),
        lambda items: np.where(np.asarray(items), items, 7),
    ]
    for shape in [(12,), (3, 4), (2, 3, 2)]:
        theirs = memoryview(memory).cast(code, shape)
        for ours in [View(memory).cast(code, shape), View(theirs)]:
            for function in functions[: None if len(shape) == 1 else 9]:
                expected, found = function(theirs), function(ours)
                assert found.dtype == expected.dtype and found.tolist() == expected.tolist()
            assert np.shares_memory(np.asarray(ours), np.asarray(theirs))
            reversed_rows = np.asarray(theirs)[::-1].copy()
            np.asarray(ours)[...] = reversed_rows
            assert theirs.tolist() == ours.tolist() == reversed_rows.tolist()
