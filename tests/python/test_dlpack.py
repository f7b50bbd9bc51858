"""Tests of DLPack: views of tensors (`__dlpack__`), and tensors of views, with NumPy, pyarrow and capsules that ctypes
creates."""

import ctypes
import gc
import random
import sys
import threading
import weakref

import numpy as np
import pytest

from pep3118 import View

if np.lib.NumpyVersion(np.__version__) < "2.1.0":
    pytest.skip("NumPy has versioned tensors from 2.1 on", allow_module_level=True)

NUMBERS = "i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 c8 c16 ?".split()


class Tensor:
    """An object without a buffer. Its `__dlpack__` returns a tensor of a NumPy array, and stores its arguments in
    `options`."""

    def __init__(self, array, device=(1, 0)):
        self.array, self.device, self.options = array, device, None

    def __dlpack__(self, **options):
        self.options = options
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.device


class OldTensor(Tensor):
    """A producer for DLPack before 1.0, whose `__dlpack__` has no argument `max_version`."""

    def __dlpack__(self, stream=None):
        return self.array.__dlpack__()


def numbers(dtype, count=24):
    """Returns an array of `count` different numbers of `dtype`."""
    return np.arange(count).astype(dtype) if dtype != "?" else np.arange(count) % 3 == 0


# The structs of dlpack.h.


class DLDevice(ctypes.Structure):
    _fields_ = [("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32)]


class DLDataType(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16)]


class DLTensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device", DLDevice),
        ("ndim", ctypes.c_int32),
        ("dtype", DLDataType),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


DELETER = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class DLManagedTensor(ctypes.Structure):
    _fields_ = [("tensor", DLTensor), ("context", ctypes.c_void_p), ("deleter", DELETER)]


class DLManagedTensorVersioned(ctypes.Structure):
    _fields_ = [
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("deleter", DELETER),
        ("flags", ctypes.c_uint64),
        ("tensor", DLTensor),
    ]


new_capsule = ctypes.pythonapi.PyCapsule_New
new_capsule.restype, new_capsule.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
get_name = ctypes.pythonapi.PyCapsule_GetName
get_name.restype, get_name.argtypes = ctypes.c_char_p, [ctypes.py_object]
get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
get_pointer.restype, get_pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]


class HandMade:
    """A producer with a struct that the test fills in. `deleted` counts the calls of the deleter.

    `dtype` is (type code, bits, lanes). `strides` count items. `fields` are further fields of the struct or its tensor.
    """

    def __init__(self, data, shape, dtype, strides=None, *, versioned=True, device=1, offset=0, **fields):
        self.deleted, self.memory = 0, data
        kind = DLManagedTensorVersioned if versioned else DLManagedTensor
        self.name = b"dltensor_versioned" if versioned else b"dltensor"
        self.managed = kind(deleter=DELETER(self.delete))
        if versioned:
            self.managed.major, self.managed.minor = 1, 0
        tensor = self.managed.tensor
        tensor.data = ctypes.addressof(ctypes.c_char.from_buffer(data)) if data is not None else None
        tensor.device.device_type, tensor.ndim, tensor.byte_offset = device, len(shape), offset
        tensor.dtype.code, tensor.dtype.bits, tensor.dtype.lanes = dtype
        self.shape = (ctypes.c_int64 * len(shape))(*shape)
        tensor.shape = self.shape
        if strides is not None:
            self.strides = (ctypes.c_int64 * len(strides))(*strides)
            tensor.strides = self.strides
        for name, value in fields.items():
            setattr(self.managed if hasattr(self.managed, name) else tensor, name, value)

    def delete(self, address):
        assert address == ctypes.addressof(self.managed)
        self.deleted += 1

    def __dlpack__(self, **_options):
        self.capsule = new_capsule(ctypes.addressof(self.managed), self.name, None)
        return self.capsule

    def __dlpack_device__(self):
        return (self.managed.tensor.device.device_type, 0)


@pytest.mark.parametrize("dtype", NUMBERS)
def test_every_type_of_numpy_is_read_in_any_arrangement(dtype):
    array = numbers(dtype).reshape(2, 3, 4)
    for each in (array, array.T, array[::-1, ::2, 1:], array[0, 1], array[:0], array[1, 2, 3, ...]):
        view = View(Tensor(each))
        assert (view.shape, view.itemsize, view.readonly) == (each.shape, each.itemsize, False)
        assert view.tolist() == each.tolist()
        assert np.asarray(view).dtype == each.dtype


@pytest.mark.parametrize("dtype", NUMBERS)
def test_every_type_of_numpy_is_given_in_any_arrangement(dtype):
    array = numbers(dtype).reshape(2, 3, 4)
    for each in (array, array.T, array[::-1, ::2, 1:], array[0, 1], array[:0], array[1, 2, 3, ...]):
        again = np.from_dlpack(View(each))
        assert (again.dtype, again.shape) == (each.dtype, each.shape)
        assert again.tolist() == each.tolist()
        assert not each.size or np.shares_memory(again, array)


def test_random_arrays_go_to_dlpack_and_back():
    choose = random.Random(3118)
    for _ in range(1000):
        shape = [choose.choice([0, 1, 2, 3]) for _ in range(choose.choice([0, 1, 2, 3, 4]))]
        array = numbers(choose.choice(NUMBERS), int(np.prod(shape))).reshape(shape)
        array = array[(*(slice(None, None, choose.choice([1, 2, -1])) for _ in shape), ...)]
        array = array.transpose(choose.sample(range(array.ndim), array.ndim))
        view = View(Tensor(View(array)))
        assert (view.shape, view.tolist()) == (array.shape, array.tolist())


def test_the_memory_is_shared_and_obj_is_the_tensor():
    tensor = Tensor(np.zeros(3))
    view = View(tensor)
    view[1] = 2.5
    assert tensor.array[1] == 2.5 and view.obj is tensor
    assert tensor.options == {"max_version": (1, 1)}


def test_a_read_only_tensor_gives_a_read_only_view():
    array = np.zeros(3)
    array.flags.writeable = False
    view = View(Tensor(array))
    assert view.readonly
    with pytest.raises(TypeError, match="read-only"):
        view[0] = 1


def test_a_tensor_without_a_version_is_read_only():
    view = View(OldTensor(np.arange(3)))
    assert view.tolist() == [0, 1, 2] and view.readonly


def test_an_array_of_pyarrow_is_read():
    pyarrow = pytest.importorskip("pyarrow")
    view = View(pyarrow.array([1.5, 2.5, 3.5]).slice(1))
    assert (view.tolist(), view.format, view.readonly) == ([2.5, 3.5], "d", True)


def test_the_exception_of_the_producer_is_unchanged():
    pyarrow = pytest.importorskip("pyarrow")
    with pytest.raises(TypeError, match="null"):
        View(pyarrow.array([1, None]))


@pytest.mark.parametrize("versioned", [True, False])
def test_a_capsule_is_consumed_and_its_deleter_runs_once(versioned):
    made = HandMade(bytearray(b"\1\0\2\0\3\0"), (3,), (0, 16, 1), versioned=versioned)
    view = View(made)
    assert view.tolist() == [1, 2, 3] and view.readonly is not versioned
    assert get_name(made.capsule) == b"used_" + made.name
    row = view[1:]
    view.release()
    assert made.deleted == 0 and row.tolist() == [2, 3]
    row.release()
    assert made.deleted == 1
    del view, row
    gc.collect()
    assert made.deleted == 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"device": 2}, r"device of DLPack's type 2.*tensor\.cpu\(\)"),
        ({"dtype": (0, 4, 1)}, "type code 0 with 4 bits"),
        ({"dtype": (2, 128, 1)}, "type code 2 with 128 bits"),
        ({"dtype": (0, 16, 0)}, "0 lanes"),
        ({"dtype": (3, 64, 1)}, "type code 3"),
        ({"major": 2}, r"version 2\.0 of DLPack.*version 1\.x"),
        ({"ndim": -1}, "-1 dimensions"),
        ({"ndim": 65}, "65 dimensions"),
        ({"shape": (-3,)}, "negative|length"),
        ({"shape": (1 << 62,)}, "address space"),
        ({"shape": (1 << 40, 1 << 40)}, "address space"),
        ({"strides": (1 << 62,)}, "address space"),
        ({"data": None}, "no memory"),
        ({"offset": 1 << 63}, "address space"),
    ],
)
def test_a_tensor_that_cannot_be_read_is_refused_and_deleted_once(fields, message):
    arguments = {"data": bytearray(6), "shape": (3,), "dtype": (0, 16, 1), **fields}
    made = HandMade(**arguments)
    with pytest.raises(BufferError, match=message):
        View(made)
    gc.collect()
    # Memory of another device is refused before the consumer requests a tensor.
    assert made.deleted == (0 if "device" in fields else 1)


def test_the_device_in_the_tensor_is_checked_too():
    made = HandMade(bytearray(6), (3,), (0, 16, 1), device=2)
    made.__class__ = type("Lies", (HandMade,), {"__dlpack_device__": lambda self: (1, 0)})
    with pytest.raises(BufferError, match="type 2"):
        View(made)
    assert made.deleted == 1


def test_pinned_memory_is_memory_of_the_processor():
    assert View(HandMade(bytearray(b"\1\2"), (2,), (1, 8, 1), device=3)).tolist() == [1, 2]


def test_lanes_are_an_array_in_each_item():
    made = HandMade(bytearray(range(6)), (3,), (1, 8, 2))
    view = View(made)
    assert (view.shape, view.itemsize, view.tolist()) == ((3,), 2, [[0, 1], [2, 3], [4, 5]])


def test_a_byte_offset_and_strides_are_used():
    made = HandMade(bytearray(range(10)), (2, 2), (1, 8, 1), (-4, 2), offset=5)
    assert View(made).tolist() == [[5, 7], [1, 3]]


def test_a_tensor_without_items_can_have_no_memory():
    assert View(HandMade(None, (0, 3), (2, 32, 1), (1 << 62, 1))).tolist() == []


def test_a_capsule_can_be_used_only_once():
    made = HandMade(bytearray(2), (2,), (1, 8, 1))
    view = View(made)
    made.__class__ = type("Again", (HandMade,), {"__dlpack__": lambda self, **_options: self.capsule})
    with pytest.raises(BufferError, match="without an unused tensor"):
        View(made)
    view.release()
    assert made.deleted == 1


def test_an_object_that_is_not_a_capsule_is_refused():
    class NoCapsule(Tensor):
        def __dlpack__(self, **_options):
            return b"dltensor"

    with pytest.raises(BufferError, match="returned no capsule"):
        View(NoCapsule(None))


def test_objects_without_a_buffer_or_a_tensor_are_a_type_error():
    class OnlyInstance:
        def __init__(self):
            self.__dlpack__ = self.__dlpack_device__ = lambda: None

    for value in (1, "x", None, OnlyInstance()):
        with pytest.raises(TypeError, match="bytes-like"):
            View(value)
    assert View(b"a") != 1


@pytest.mark.skipif(sys.version_info < (3, 12), reason="a class in Python exports buffers from 3.12 on")
def test_a_tensor_that_refuses_its_buffer_is_read_by_dlpack():
    # jaxlib refuses buffers of `bfloat16` with this exception.
    class Refusing(Tensor):
        def __buffer__(self, flags):
            raise BufferError("no buffers of this type")

    tensor = Refusing(numbers("f4", 6))
    assert View(tensor).tolist() == View(tensor, "<f").tolist() == tensor.array.tolist()

    class NoMemory(Refusing):
        def __dlpack__(self, **options):
            raise RuntimeError("not on the processor")

    for arguments in [(), ("<f",)]:
        with pytest.raises(BufferError, match="no buffers of this type"):
            View(NoMemory(numbers("f4", 6)), *arguments)


def test_a_tensor_is_assigned_and_compared():
    view = View(bytearray(24)).cast("d")
    view[:] = Tensor(np.array([1.5, 2.5, 3.5]))
    assert view.tolist() == [1.5, 2.5, 3.5] and view == Tensor(np.array([1.5, 2.5, 3.5]))


def test_a_view_of_a_tensor_in_a_cycle_is_collected():
    tensor = Tensor(np.zeros(3))
    tensor.view = View(tensor)
    alive = weakref.ref(tensor)
    del tensor
    gc.collect()
    assert alive() is None


# Tensors from views.


def consumed(capsule, name):
    """Takes the tensor out of `capsule`, whose name is `name`, and marks the capsule as used. Returns the struct of the
    tensor."""
    kind = DLManagedTensorVersioned if name == b"dltensor_versioned" else DLManagedTensor
    address = get_pointer(capsule, name)
    used = ctypes.create_string_buffer(b"used_" + name)
    capsule_set_name(capsule, ctypes.addressof(used))
    KEPT.append(used)
    return kind.from_address(address)


KEPT = []
capsule_set_name = ctypes.pythonapi.PyCapsule_SetName
capsule_set_name.argtypes = [ctypes.py_object, ctypes.c_void_p]


class Memory:
    """`Memory(size)` is a ctypes array of `size` bytes, an exporter that can be weakly referenced."""

    def __new__(cls, size=16):
        return (ctypes.c_double * (size // 8))()


@pytest.mark.parametrize(("version", "name"), [(None, b"dltensor"), ((1, 0), b"dltensor_versioned")])
def test_the_consumer_of_a_capsule_owns_the_memory(version, name):
    memory = Memory()
    alive = weakref.ref(memory)
    view = View(memory)
    capsule = view.__dlpack__(max_version=version)
    assert get_name(capsule) == name
    managed = consumed(capsule, name)
    assert managed.tensor.data == ctypes.addressof(memory)
    view.release()
    del memory, view, capsule
    gc.collect()
    assert alive() is not None
    thread = threading.Thread(target=managed.deleter, args=(ctypes.addressof(managed),))
    thread.start()
    thread.join()
    assert alive() is None


@pytest.mark.parametrize("version", [None, (1, 0)])
def test_a_capsule_that_is_not_consumed_frees_the_tensor(version):
    memory = Memory()
    alive = weakref.ref(memory)
    capsule = View(memory).__dlpack__(max_version=version)
    del memory
    gc.collect()
    assert alive() is not None
    del capsule
    assert alive() is None


def test_an_array_of_numpy_keeps_the_memory_and_releases_it():
    memory = Memory()
    alive = weakref.ref(memory)
    array = np.from_dlpack(View(memory))
    array[0] = 1.5
    assert memory[0] == 1.5
    del memory
    assert alive() is not None
    del array
    gc.collect()
    assert alive() is None


def test_the_flags_declare_read_only_memory_and_copies():
    view = View(b"abc")
    for options, flags in [({}, 1), ({"copy": False}, 1), ({"copy": True}, 2)]:
        capsule = view.__dlpack__(max_version=(1, 0), **options)
        address = get_pointer(capsule, b"dltensor_versioned")
        assert DLManagedTensorVersioned.from_address(address).flags == flags
    assert not np.from_dlpack(view).flags.writeable


def test_a_copy_is_independent_and_contiguous():
    array = np.arange(6, dtype="<i4").reshape(2, 3)
    copy = np.from_dlpack(View(array.T), copy=True)
    array[:] = 0
    assert copy.tolist() == [[0, 3], [1, 4], [2, 5]] and copy.flags.c_contiguous


def test_the_device_is_the_cpu():
    assert View(b"a").__dlpack_device__() == (1, 0)


UNALIGNED = np.zeros(3, [("pad", "u1"), ("x", "<f8")])
EVERY_ODD = np.zeros(3, [("x", "<f4"), ("pad", "u2")])


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (lambda: View(b"ab"), {}, r"max_version=\(1, 0\).*copy=True"),
        (lambda: View(UNALIGNED)["x"], {"max_version": (1, 0)}, "copy=True"),
        (lambda: View(EVERY_ODD)["x"], {"max_version": (1, 0)}, "copy=True"),
    ],
)
def test_memory_that_cannot_be_shared_is_refused_and_copied_on_request(make, options, message):
    with pytest.raises(BufferError, match=message):
        make().__dlpack__(**options)
    made = make()
    assert View(Tensor(Copied(made))).tolist() == made.tolist()


class Copied(Tensor):
    """An object without a buffer. Its `__dlpack__` requests a copy of the tensor."""

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options, copy=True)


@pytest.mark.parametrize(
    ("view", "options", "message"),
    [
        (View(bytearray(8)).cast(">i"), {}, r"byte order of another machine.*view\.columns\(\)"),
        (View(bytearray(8)).cast("T{i:a:i:b:}"), {}, r"record: use view\['field'\]"),
        (View(bytearray(8)).cast("4s"), {}, "no type for bytes"),
        (View(bytearray(8)), {"dl_device": (2, 0)}, "dl_device=None"),
        (View(bytearray(8)), {"stream": 1}, "no stream"),
    ],
)
def test_items_that_dlpack_does_not_have_are_refused_with_the_reason(view, options, message):
    with pytest.raises(BufferError, match=message):
        view.__dlpack__(max_version=(1, 0), **options)


def test_the_hint_for_records_and_for_another_byte_order_works():
    assert np.from_dlpack(View(bytearray(8)).cast("T{i:a:i:b:}")["b"]).tolist() == [0]
    swapped = View(bytearray(b"\0\0\0\7")).cast("T{>i:a:}")
    assert np.from_dlpack(swapped.columns()["a"]).tolist() == [7]


def test_an_array_in_each_item_becomes_dimensions():
    view = View(bytearray(range(12))).cast("(2,3)B")
    assert np.from_dlpack(view).tolist() == [[[0, 1, 2], [3, 4, 5]], [[6, 7, 8], [9, 10, 11]]]


def test_a_released_view_gives_no_tensor():
    view = View(bytearray(2))
    view.release()
    with pytest.raises(ValueError, match="released"):
        view.__dlpack__()


def test_tensors_in_a_loop_need_constant_memory():
    resource = pytest.importorskip("resource")
    memory, tensor = bytearray(1 << 16), Tensor(np.zeros(1 << 13))

    def rounds(count):
        for _ in range(count):
            View(memory).__dlpack__(max_version=(1, 0))
            View(memory).__dlpack__(copy=True)
            np.from_dlpack(View(memory))
            View(tensor).tobytes()
        gc.collect()

    references = sys.getrefcount(memory), sys.getrefcount(tensor)
    rounds(200)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rounds(3000)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 4096
    assert (sys.getrefcount(memory), sys.getrefcount(tensor)) == references
    memory.append(1)  # No consumer holds a buffer of `memory`.
