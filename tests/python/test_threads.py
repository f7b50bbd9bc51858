"""Tests of threads that share one object, with and without the GIL."""

import itertools
import subprocess
import sys
import sysconfig
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import pep3118
import pep3118.struct
from pep3118 import Exporter, Format, View

THREADS = 4
ROUNDS = 60


def together(*works):
    """Starts each of the functions `works` in a separate thread, all at the same time. Returns the list of their
    results."""
    start = threading.Barrier(len(works))

    def begin(work):
        start.wait()
        return work()

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(len(works)) as threads:
            return [future.result() for future in [threads.submit(begin, work) for work in works]]
    finally:
        sys.setswitchinterval(before)


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this CPython always has the GIL")
def test_the_gil_stays_off():
    # CPython enables the GIL, with a warning, for a module that does not declare support.
    code = "import sys, pep3118, pep3118.struct; print(sys._is_gil_enabled())"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "False\n", "")


def test_exports_of_several_threads_are_counted():
    memory = bytearray(range(64))
    exporter = Exporter(memory, format="i", shape=(4, 4))
    wanted = memoryview(exporter).tolist()

    def work():
        for _ in range(ROUNDS):
            # ruff does not see that `work` runs before `del exporter`.
            with memoryview(exporter) as first, View(exporter) as second:  # noqa: F821
                assert exporter.exports >= 2  # noqa: F821
                assert first.tolist() == second.tolist() == wanted
                assert memoryview(second).release() is None

    together(*[work] * THREADS)
    assert exporter.exports == 0
    del exporter
    memory.append(0)


def test_threads_share_a_view():
    memory = bytearray(16 * 32)
    view = View(memory).cast("T{<q:id:<d:x:}")

    def work(own):
        def run():
            for turn in range(ROUNDS):
                for index in range(own, len(view), THREADS):
                    view[index] = (turn, index / 2)
                    assert view[index] == (turn, index / 2)
                    assert view["x"][index] == index / 2
                assert len(view.tolist()) == len(list(view)) == 32
                assert view.columns("x")["x"].tolist()[own::THREADS] == [i / 2 for i in range(own, 32, THREADS)]
                with memoryview(view) as exported:
                    assert exported.nbytes == len(memory)

        return run

    together(*map(work, range(THREADS)))
    assert view["id"].tolist() == [ROUNDS - 1] * 32
    assert view["x"].tolist() == [index / 2 for index in range(32)]
    view.release()
    memory.append(0)


def test_a_view_can_be_released_during_reads_of_other_threads():
    for _ in range(ROUNDS // 2):
        memory = bytearray(b"abc" * 40)
        view = View(memory).cast("3s")

        def read():
            reads = 0
            while True:
                try:
                    assert view[7] == b"abc" and view.tolist() == [b"abc"] * 40
                    assert memoryview(view).nbytes == 120
                except ValueError as error:
                    assert "released" in str(error)
                    return reads
                except BufferError as error:
                    assert "released" in str(error)
                    return reads
                reads += 1

        def release():
            # The release fails as long as a reading thread holds the buffer.
            while True:
                try:
                    view.release()
                except BufferError as error:
                    assert "exported buffer" in str(error)
                else:
                    return 1

        together(read, read, release, release)
        # `append` works because the last reader has released the buffer.
        memory.append(0)


def test_a_shared_iterator_returns_every_item_once():
    view = View(bytes(range(250)))
    items = iter(view)
    results = together(*[lambda: list(items)] * THREADS)
    assert sorted(itertools.chain.from_iterable(results)) == list(range(250))


def test_threads_share_the_format_cache():
    formats = [f"<{count}H{code}" for count in range(1, 40) for code in "bBhHiIqQ"]

    def work():
        for format in formats:
            values = tuple(range(int(format[1:-2]) + 1))
            packed = pep3118.struct.pack(format, *values)
            assert pep3118.struct.unpack(format, packed) == values
            assert list(pep3118.struct.iter_unpack(format, packed * 2)) == [values] * 2
            if len(values) == 20:
                pep3118.struct._clearcache()

    together(*[work] * THREADS)


@pytest.mark.filterwarnings("ignore:Re-initialization of Struct:FutureWarning")
def test_a_struct_can_be_initialised_again_during_calls_of_other_threads():
    shared = pep3118.struct.Struct("<I")

    def remake():
        for turn in range(ROUNDS * 4):
            shared.__init__("<I" if turn % 2 else "<Q")

    def use():
        for _ in range(ROUNDS * 4):
            assert shared.pack(7) in (b"\7\0\0\0", b"\7\0\0\0\0\0\0\0")
            assert shared.size in (4, 8)

    together(remake, remake, use, use)


def test_a_shared_iter_unpack_returns_every_item_once():
    packed = pep3118.struct.pack("<1000H", *range(1000))
    items = pep3118.struct.iter_unpack("<H", packed)
    results = together(*[lambda: list(items)] * THREADS)
    assert sorted(itertools.chain.from_iterable(results)) == [(number,) for number in range(1000)]


def test_threads_share_a_format():
    format = Format("T{<i:id:(2)T{<d:x:<d:y:}:at:}")
    expected = format.explain(), hash(format), repr(format), [field.name for field in format.fields]

    def work():
        for _ in range(ROUNDS):
            assert (format.explain(), hash(format), repr(format), [field.name for field in format.fields]) == expected
            assert format == Format(str(format))
            assert pep3118.calcsize("T{<i:id:<d:x:}") == 12

    together(*[work] * THREADS)


def test_threads_create_the_record_class_of_a_format_once():
    # The format is new in each turn, so the first thread creates the class.
    for turn in range(ROUNDS // 4):
        view = View(bytes(24)).cast(f"T{{<i:a{turn}:<d:b{turn}:}}")
        results = together(*[lambda: view[0]] * THREADS)
        assert len({type(record) for record in results}) == 1
        assert results == [(0, 0.0)] * THREADS


def test_threads_check_one_exporter():
    memory = bytearray(24)

    def work():
        for _ in range(ROUNDS // 10):
            assert pep3118.check(memory)
            with View(memory) as view:
                assert pep3118.check(view)

    together(*[work] * THREADS)
    memory.append(0)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="__buffer__ is new in 3.12")
def test_requests_and_releases_of_a_python_exporter_are_balanced():
    class Counted:
        def __init__(self):
            self.requests, self.releases = [], []

        def __buffer__(self, flags):
            self.requests.append(1)
            return memoryview(b"abcd")

        def __release_buffer__(self, view):
            self.releases.append(1)

    counted = Counted()

    def work():
        for _ in range(ROUNDS):
            with View(counted) as view:
                assert view.tolist() == [97, 98, 99, 100]

    together(*[work] * THREADS)
    assert len(counted.requests) == len(counted.releases) >= THREADS * ROUNDS
