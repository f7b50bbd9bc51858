"""Tests that every buffer is released exactly once, also in cycles, in threads and during the shutdown of the
interpreter."""

import array
import contextlib
import ctypes
import gc
import subprocess
import sys
import textwrap
import threading
import weakref

import numpy as np
import pytest
from programs import EMBEDDED

from pep3118 import View


def resident():
    """Returns the resident memory of the process in bytes."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_views_do_not_leak_memory():
    records = np.zeros(3, [("a", "<i4"), ("b", "<f8")])
    numbers = array.array("i", range(4))

    def some():
        for _ in range(10_000):
            view = View(numbers)
            view[1:]
            view[0] = 1
            memoryview(view).release()
        for _ in range(100):
            view = View(records)
            view.tolist(), view["b"].tolist(), view.columns("a"), view.explain()
            view[0] = (1, 2.0)
            with contextlib.suppress(TypeError):
                view[0] = (1, "x")

    some()
    gc.collect()
    before = resident()
    for _ in range(99):
        some()
    gc.collect()
    assert resident() - before < 4 << 20
    numbers.append(1)


def test_views_in_cycles_are_collected():
    class Owner(bytearray):
        pass

    owner = Owner(b"abc")
    owner.view = View(owner)
    reference = weakref.ref(owner)
    del owner
    gc.collect()
    assert reference() is None

    # A consumer is part of the cycle.
    owner = Owner(b"abc")
    owner.view = View(owner)
    owner.consumer = memoryview(owner.view)
    reference = weakref.ref(owner)
    del owner
    gc.collect()
    assert reference() is None


def test_the_memory_lives_as_long_as_a_view():
    view = View(np.arange(1000.0))
    part = view[::10]
    columns = View(np.ones(1000, [("a", "<f8")])).columns()["a"]
    ours = np.asarray(columns)
    iterator = iter(View(array.array("d", [1.5, 2.5])))
    del view, columns
    gc.collect()
    for _ in range(100):
        np.ones(1000)
    assert part[-1] == 990.0
    assert ours.sum() == 1000
    assert list(iterator) == [1.5, 2.5]
    field = View((ctypes.c_int * 3)(1, 2, 3))[1:]
    gc.collect()
    assert field.tolist() == [2, 3]


def test_the_second_release_of_a_view_does_nothing():
    memory = bytearray(b"abc")
    view = View(memory)
    with pytest.raises(BufferError):
        memory.append(1)
    view.release()
    memory.append(1)
    view.release()
    with View(memory) as view:
        view.release()
    memory.append(1)


def test_threads_share_a_view():
    memory = np.arange(1 << 18, dtype="<i8")
    view = View(memory)
    errors = []

    def read():
        try:
            for _ in range(4):
                assert len(view.tobytes()) == memory.nbytes
                assert view[::-1].columns()["value"][0] == len(memory) - 1
                assert view[17] == 17
        except BaseException as error:
            errors.append(error)

    def consume():
        try:
            for _ in range(2000):
                memoryview(view).release()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=each) for each in [read, consume] * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    view.release()


def run(code):
    """Runs a program in a new interpreter. The program must end with status 0 and print nothing."""
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_views_that_are_alive_at_shutdown_do_not_crash():
    run(
        """
        import array, atexit, numpy, pep3118, sys
        views = [pep3118.View(array.array('i', [1])), pep3118.View(numpy.zeros(3))["..." and slice(1, 2)]]
        views.append(memoryview(views[0]))
        columns = pep3118.View(numpy.zeros(3, 'i4,f8')).columns()
        sys.references = columns, numpy.asarray(columns['f0'])
        cycle = [views[0]]
        cycle.append(cycle)
        iterator = iter(views[0])
        atexit.register(lambda: views[0].tolist())
        """
    )


def test_arrow_releases_a_buffer_in_another_thread():
    pytest.importorskip("pyarrow")
    run(
        """
        import pep3118, pyarrow, threading
        memory = bytearray(1 << 20)
        arrays = [pyarrow.array(pep3118.View(memory))]
        thread = threading.Thread(target=arrays.clear)
        thread.start()
        thread.join()
        memory.append(0)
        array = pyarrow.array(pep3118.View(memory))
        """
    )


needs_pep_688 = pytest.mark.skipif(sys.version_info < (3, 12), reason="__buffer__ is new in 3.12")


@needs_pep_688
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_exporter_that_raises_at_its_release_is_released_once():
    class Raises:
        released = 0

        def __buffer__(self, flags):
            return memoryview(b"abc")

        def __release_buffer__(self, view):
            type(self).released += 1
            raise RuntimeError("no")

    view = View(Raises())
    assert view.tolist() == [97, 98, 99]
    view.release()
    View(Raises())[1:]
    with View(Raises()):
        pass
    gc.collect()
    assert Raises.released == 3


@needs_pep_688
def test_each_view_keeps_the_buffer_of_its_request():
    class Changes:
        requests = 0

        def __buffer__(self, flags):
            type(self).requests += 1
            return memoryview(bytes(self.requests))

    exporter = Changes()
    first, second = View(exporter), View(exporter)
    # Each view has the memory that `__buffer__` returned for its request.
    assert (len(first) < len(second), first.tolist(), second.tolist()) == (True, [0] * len(first), [0] * len(second))

    class Refuses:
        def __buffer__(self, flags):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        View(Refuses())

    class Releases:
        """An exporter that tries to release the memoryview that `__buffer__` has returned."""

        def __buffer__(self, flags):
            self.view = memoryview(bytearray(b"abc"))
            return self.view

    exporter = Releases()
    view = View(exporter)
    with pytest.raises(BufferError):
        exporter.view.release()
    assert view.tolist() == [97, 98, 99]


@pytest.mark.skipif(EMBEDDED, reason="the test starts another process")
@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("next(iterator)", "ValueError"),
        ("view[0]", "ValueError"),
        ("struct.pack('(2)B', [1])", "struct.error"),
        ("struct.pack('T{<B:a:B:b:}', (1,))", "struct.error"),
    ],
)
def test_calls_during_shutdown_raise_the_usual_exception(call, error):
    program = f"""
        import os
        from pep3118 import View, struct

        try:
            struct.pack("B")  # imports the class `struct.error`
        except struct.error:
            pass
        view = View(bytearray(8)).cast("i")
        iterator = iter(view)
        view.release()

        class Late:
            def __init__(self):
                self.cycle = self

            def __del__(self, write=os.write):
                try:
                    {call}
                except BaseException as error:
                    write(1, type(error).__name__.encode())

        # The interpreter collects the cycle while it shuts down.
        import gc
        gc.disable()
        late = Late()
        """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, error.rpartition(".")[2]), done.stderr
