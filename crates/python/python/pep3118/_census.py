"""``pep3118 census``: audits exporters of packages: samples of known packages, and objects of all public types."""

from __future__ import annotations

import importlib
import sys

from . import Report, audit
from ._audit import evaluate, print_error
from ._pep3118 import _escape, _exports_buffers

# `typing`, `json` and `textwrap` are not imported here, because the imports take longer than the audit of a type.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

#: For each known package, the expressions that create exporters. An expression can use the names of the package.
PACKAGES: dict[str, list[str]] = {
    "builtins": [
        'b"abc"',
        'b""',
        "bytearray(3)",
        'memoryview(b"abcdef")',
        'memoryview(b"abcdef")[::2]',
        'memoryview(b"abcdef")[::-1]',
        'memoryview(b"abcdef").cast("B", (2, 3))',
        'memoryview(bytes(8)).cast("d", ())',
    ],
    "array": ['array("b", [1, 2])', 'array("d", [1.5])', 'array("l")', 'array("w" if "w" in typecodes else "u", "ab")'],
    "mmap": ["mmap(-1, 16)"],
    "io": ['BytesIO(b"abc").getbuffer()'],
    "pickle": ['PickleBuffer(b"abc")', 'PickleBuffer(memoryview(b"abcdef")[::2])'],
    "ctypes": [
        "c_int(1)",
        "c_double(1)",
        "c_char()",
        "c_wchar()",
        "c_void_p()",
        "c_longdouble()",
        "(c_int * 3)()",
        "((c_int * 3) * 2)()",
        "create_string_buffer(4)",
        'type("S", (Structure,), {"_fields_": [("a", c_int), ("b", c_int)]})()',
        'type("S", (Structure,), {"_fields_": [("a", c_byte), ("b", c_int)]})()',
        'type("B", (BigEndianStructure,), {"_fields_": [("a", c_int), ("b", c_short)]})()',
        'type("P", (Structure,), {"_pack_": 1, "_layout_": "ms", "_fields_": [("a", c_byte), ("b", c_int)]})()',
        'type("U", (Union,), {"_fields_": [("a", c_int), ("b", c_double)]})()',
        'type("F", (Structure,), {"_fields_": [("a", c_int, 3), ("b", c_int, 5)]})()',
    ],
    "multiprocessing.sharedctypes": ['RawValue("i", 1)', 'RawArray("d", 3)'],
    "numpy": [
        "zeros(3)",
        "zeros(())",
        "zeros((2, 0))",
        "zeros((2, 3))",
        'zeros((2, 3), order="F")',
        "zeros((4, 6))[::2, ::-3]",
        "broadcast_to(zeros(3), (2, 3))",
        'zeros(3, "?")',
        'zeros(3, ">i4")',
        'zeros(3, "S5")',
        'zeros(3, "U5")',
        'zeros(3, "V5")',
        'zeros(3, "c16")',
        'zeros(3, "g")',
        'zeros(3, "O")',
        'zeros(3, "M8[s]")',
        'zeros(3, "i4,f8")',
        'zeros(3, "i1,i4")',
        'zeros(3, dtype("i1,i4", align=True))',
        'zeros(3, dtype([("x", dtype("f8,i1", align=True)), ("y", "i1")], align=True))',
        'zeros(3, [("x", dtype("i4,i1", align=True), (2,)), ("y", "i1")])',
        "float64(1.5)",
        "int32(1)",
        'str_("abc")',
        'bytes_(b"abc")',
        'datetime64("2020-01-01")',
        'zeros(1, "i1,i4")[0]',
    ],
    "pyarrow": [
        'py_buffer(b"abc")',
        "allocate_buffer(8)",
        "array([1, 2]).buffers()[1]",
        'Tensor.from_numpy(__import__("numpy").zeros((2, 3)))',
        'Tensor.from_numpy(__import__("numpy").zeros(3, "?"))',
    ],
    "pandas": ["Series([1.5]).to_numpy()", 'array([1, 2], dtype="int64").to_numpy()'],
    "polars": ["Series([1, 2]).to_numpy()"],
    "torch": ["zeros(3).numpy()", "zeros(2, 3).t().numpy()"],
    "jax": ["numpy.zeros(3)", "numpy.zeros((2, 3))"],
    "bitarray": ['bitarray("10110")'],
    "glm": ["vec3()", "mat4()", "array(vec3(), vec3())"],
    "pygame": ["Surface((4, 2)).get_buffer()", "Surface((4, 2)).get_view()"],
    "PIL.Image": ['new("RGB", (2, 2)).tobytes()'],
    "h5py": ['File("x", "w", driver="core", backing_store=False).create_dataset("d", data=[1, 2])[:]'],
    "zarr": ["zeros(3)[:]"],
}

#: The packages that `pep3118 census` audits if no package is given.
STANDARD = ["builtins", "array", "mmap", "io", "pickle", "ctypes", "multiprocessing.sharedctypes"]


def run(packages: Sequence[str], *, as_json: bool) -> int:
    """Audits the exporters of ``packages``, prints one row for each exporter, and returns the exit status.

    If ``as_json`` is true, prints the rows as JSON. The status is 2 if a package cannot be imported, and otherwise 0.
    """
    rows: list[Row] = []
    missing = []
    has_terminal = sys.stderr is not None and sys.stderr.isatty()
    for package in packages or STANDARD:
        try:
            for row in survey(package):
                rows.append(row)
                if has_terminal:
                    progress = f"{len(rows)} exporters, {_escape(row.exporter)}"
                    print(f"\r\x1b[K{progress[:60]}", end="", file=sys.stderr, flush=True)
        except ImportError as error:
            missing.append(f"error: {package}: {error}")
    if has_terminal:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    if as_json:
        import json

        print(json.dumps([row.as_dict() for row in rows], indent=2))
    else:
        for line in table(rows):
            print(line)
    for message in missing:
        print_error(message)
    return 2 if missing else 0


class Row:
    """A row of the output: an exporter and the report on the exporter."""

    def __init__(self, exporter: str, version: str, report: Report | None, failure: str | None = None) -> None:
        """Creates the row for ``exporter``, the expression that creates an exporter.

        ``version`` is the version of the package. If there is no report, ``failure`` is the exception that was raised.
        """
        self.exporter, self.version, self.report, self.failure = exporter, version, report, failure

    @property
    def worst(self) -> str:
        """The most severe severity of the findings, ``"clean"`` without findings, or ``"-"`` without a report."""
        if self.report is None:
            return "-"
        return self.report.findings[0].severity if self.report.findings else "clean"

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of the broken rules."""
        return () if self.report is None else self.report.rules

    def as_dict(self) -> dict[str, object]:
        """Returns the row as a dict that the JSON output contains."""
        import json

        report = {} if self.report is None else json.loads(self.report.to_json())
        row = {"expression": self.exporter, "version": self.version, "worst": self.worst}
        return {**row, **report} if self.failure is None else {**row, "failure": self.failure}


def survey(package: str) -> Iterator[Row]:
    """Audits the known exporters of a package.

    Then audits the objects that types of the package return for a call without arguments. Yields one row for each
    known exporter, and one row for each other type, unless the call fails.

    Raises ImportError if the package is not installed.
    """
    version = _version(package)
    checked = set()
    for expression in PACKAGES.get(package, []):
        row = _check(package, expression, version)
        if row.report is not None:
            checked.add(row.report.exporter)
        yield row
    for expression in _calls(package):
        row = _check(package, expression, version)
        # A call without arguments may fail; this is no error. A type with a row needs no second row.
        if row.report is not None and row.report.exporter not in checked:
            checked.add(row.report.exporter)
            yield row


#: The version of Python. The module `platform` has the same text, but its import takes longer than an audit.
_PYTHON_VERSION = sys.version.partition(" ")[0]


def _version(package: str) -> str:
    """Returns the version of a package, or of Python if the package has none or is in `STANDARD`."""
    # CPython 3.15 warns if `__version__` of a standard module is read.
    if package in STANDARD:
        return _PYTHON_VERSION
    version = getattr(importlib.import_module(package.partition(".")[0]), "__version__", None)
    return version if isinstance(version, str) else _PYTHON_VERSION


def _calls(package: str) -> Iterator[str]:
    """Yields a call without arguments, as text, for each public type of a package whose objects export buffers."""
    for name, value in sorted(vars(importlib.import_module(package)).items()):
        if isinstance(value, type) and not name.startswith("_") and _exports_buffers(value):
            yield f"{name}()"


def _check(package: str, expression: str, version: str) -> Row:
    """Evaluates an expression that can use the names of the package, audits the value, and returns the row.

    If an exception is raised, the row contains the exception in place of a report.
    """
    name = expression if package == "builtins" else f"{package}:{expression}"
    try:
        return Row(name, version, audit(evaluate(f"{package}:{expression}")))
    except Exception as error:  # A constructor can raise any exception.
        return Row(name, version, None, f"{type(error).__name__}: {error}")


def table(rows: Iterable[Row]) -> Iterator[str]:
    """Yields the lines of the table: each exporter with its most severe severity and the broken rules.

    A line with the name and the version of the package precedes the exporters of the package. Lines have at most 60
    characters.
    """
    import textwrap

    version = None
    for row in rows:
        package = row.exporter.partition(":")[0] if ":" in row.exporter.partition("(")[0] else "Python"
        package = "Python" if package in STANDARD else package
        if (package, row.version) != version:
            if version is not None:
                yield ""
            version = (package, row.version)
            yield _escape(f"{package} {row.version}")
        result = " ".join(row.rules) if row.failure is None else row.failure.replace("\n", " ")
        exporters = textwrap.wrap(_escape(row.exporter), 34, subsequent_indent="  ") or [""]
        results = textwrap.wrap(_escape(result), 15, max_lines=4, placeholder=" ...") or [""]
        for index in range(max(len(exporters), len(results))):
            exporter = exporters[index] if index < len(exporters) else ""
            worst = row.worst if index == 0 else ""
            yield f"{exporter:<34} {worst:<8} {results[index] if index < len(results) else ''}".rstrip()
