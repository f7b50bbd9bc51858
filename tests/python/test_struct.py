"""Tests that ``pep3118.struct`` gives the same sizes, values, bytes, exceptions and warnings as ``struct``. Also tests
the formats of PEP 3118 that ``struct`` refuses, the cache of formats, and that calls leak no memory."""

import copy
import decimal
import gc
import inspect
import os
import pickle
import random
import re
import struct
import subprocess
import sys
import textwrap
import threading
import warnings
import weakref

import pytest

from pep3118 import struct as ours

CODES = "xcbB?hHiIlLqQnNefdspP"
if sys.version_info >= (3, 14):
    CODES += "FD"


def outcome(function, *arguments):
    """Calls `function`, and returns the result, or the type of the exception."""
    try:
        return function(*arguments)
    except Exception as error:
        return type(error)


def warned(function, *arguments):
    """Returns (result, warnings) of a call. If the call raises an exception, the result is (type, message) of the
    exception. A warning is (category, message). The messages do not contain the reason that `pep3118.struct` adds.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = function(*arguments)
        except Exception as error:
            result = type(error), without_reason(error)
    return result, [(warning.category, without_reason(warning.message)) for warning in caught]


def without_reason(message):
    """Returns the message without the reason and the position that `pep3118.struct` adds."""
    return re.sub(r"(bad char in struct format): .*", r"\1", str(message), flags=re.DOTALL)


#: The class of the exception for a format with a non-ASCII character: UnicodeEncodeError, or ValueError from 3.15 on.
NON_ASCII_ERROR = outcome(struct.calcsize, "é")


def same(theirs, mine):
    """Returns whether two results of `outcome` have the same type and `repr`. NaN equals NaN, and 0.0 differs from
    -0.0."""
    return type(theirs) is type(mine) and repr(theirs) == repr(mine)


def random_format(rng):
    """Returns a random format of `struct`, or sometimes an invalid format."""
    order = rng.choice(["", "@", "=", "<", ">", "!"])
    parts = []
    for _ in range(rng.randrange(6)):
        count = rng.choice(["", "", "", str(rng.randrange(5)), "0", "17"])
        space = rng.choice(["", "", "", " ", "\t"])
        code = rng.choice(CODES)
        if code == "p" and count == "0":
            # Before CPython 3.13 `0p` reads its length from a byte after the item.
            count = ""
        parts.append(space + count + code)
    format = order + "".join(parts)
    # Some formats get an invalid character.
    if rng.random() < 0.15:
        at = rng.randrange(len(format) + 1)
        format = format[:at] + rng.choice(["3", " ", "\0", "é", "<", "-1", "99999999999999999999", "j"]) + format[at:]
    return format


class Indexed:
    """An object whose `__index__` returns `value`, even if `value` is no integer."""

    def __init__(self, value):
        self.value = value

    def __index__(self):
        return self.value


class Raising:
    """An object whose conversion to a number or a bool raises KeyError."""

    def __index__(self):
        raise KeyError("index")

    def __float__(self):
        raise KeyError("float")

    def __bool__(self):
        raise KeyError("bool")


def random_value(rng):
    """Returns a random number, text, bytes, other object or instance of `Indexed` or `Raising`. Few codes accept every
    result."""
    bits = rng.choice([7, 8, 15, 16, 31, 32, 63, 64, 65, 200])
    near = rng.choice([-1, 1]) * (1 << bits) + rng.randrange(-1, 2)
    return rng.choice(
        [
            lambda: near,
            lambda: rng.randrange(-200, 200),
            lambda: rng.random() * 10.0 ** rng.randrange(-320, 309),
            lambda: rng.choice([0.0, -0.0, float("inf"), float("-inf"), 65504.0, 65519.0, 65520.0, 3.5e38, 1e-45]),
            lambda: rng.choice([True, False, None, "text", [], (1,), {}]),
            lambda: bytes(rng.randrange(256) for _ in range(rng.choice([0, 1, 1, 1, 3, 20, 300]))),
            lambda: bytearray(b"abc"),
            # The values are small. Before CPython 3.12, the exception of `struct` for a large value depends on the
            # format character.
            lambda: Indexed(rng.choice([1, 100, "no"])),
            Raising,
            lambda: 1 + 2j,
        ]
    )()


def fitting_value(rng, code):
    """Returns a random value that the code accepts in most cases."""
    if code in "bBhHiIlLqQnNP":
        return (
            rng.randrange(-(1 << rng.randrange(64)), 1 << rng.randrange(64))
            if rng.random() < 0.5
            else rng.randrange(100)
        )
    if code in "efd":
        return rng.random() * 1000
    if code in "FD":
        return complex(rng.random(), rng.random())
    if code == "?":
        return rng.random() < 0.5
    return bytes([rng.randrange(256)]) if code == "c" else rng.randbytes(rng.randrange(20))


def codes_of(format):
    """Returns a list with the code of each value of `format`, such as `["h", "h", "s"]` for `2h3s`. For one count, the
    list has at most 40 codes. For some invalid formats the result is wrong, because the function does not parse the
    format."""
    codes, count = [], ""
    for char in format:
        if char.isdigit():
            count += char
        elif char in CODES:
            times = 1 if char in "sp" else 0 if char == "x" else int(count or 1)
            codes += [char] * min(times, 40)
            count = ""
    return codes


def test_random_formats_have_the_same_size():
    rng = random.Random(20)
    accepted = 0
    for _ in range(20_000):
        format = random_format(rng)
        theirs, mine = outcome(struct.calcsize, format), outcome(ours.calcsize, format)
        if isinstance(theirs, int):
            accepted += 1
            assert mine == theirs, format
        elif not isinstance(mine, int):
            # pep3118 may read formats that struct refuses. If both refuse a format, the exceptions are equal.
            assert mine is theirs, format
    assert accepted > 10_000


def test_random_items_are_unpacked_as_by_struct():
    rng = random.Random(21)
    for _ in range(10_000):
        format = random_format(rng)
        size = outcome(struct.calcsize, format)
        if not isinstance(size, int) or size > 10_000:
            continue
        data = rng.randbytes(size * 3 + rng.choice([0, 0, 0, 1]))
        assert same(outcome(struct.unpack, format, data[:size]), outcome(ours.unpack, format, data[:size])), format
        assert same(outcome(struct.unpack, format, data), outcome(ours.unpack, format, data)), format
        offset = rng.randrange(-3 * size - 3, 3 * size + 3)
        for buffer in (data, bytearray(data), memoryview(data)):
            theirs = outcome(struct.unpack_from, format, buffer, offset)
            assert same(theirs, outcome(ours.unpack_from, format, buffer, offset)), (format, offset)
            theirs = outcome(lambda *a: list(struct.iter_unpack(*a)), format, buffer)
            assert same(theirs, outcome(lambda *a: list(ours.iter_unpack(*a)), format, buffer)), format


def test_random_values_are_packed_as_by_struct():
    rng = random.Random(22)
    packed = refused = 0
    for _ in range(30_000):
        format = random_format(rng)
        if not isinstance(outcome(struct.calcsize, format), int):
            continue
        codes = codes_of(format)
        values = [random_value(rng) if rng.random() < 0.1 else fitting_value(rng, code) for code in codes]
        if rng.random() < 0.03:
            values.append(1)
        theirs, mine = outcome(struct.pack, format, *values), outcome(ours.pack, format, *values)
        assert same(theirs, mine), (format, values)
        packed, refused = packed + isinstance(theirs, bytes), refused + (not isinstance(theirs, bytes))
        size = struct.calcsize(format)
        before = bytes(rng.randrange(1, 256) for _ in range(size + 4))
        target, expected = bytearray(before), bytearray(before)
        offset = rng.randrange(-size - 5, 6)
        theirs = outcome(struct.pack_into, format, expected, offset, *values)
        assert same(theirs, outcome(ours.pack_into, format, target, offset, *values)), (format, offset, values)
        # If pep3118 refuses a value, the buffer is unchanged. `struct` may write a part of the item.
        assert target == (expected if theirs is None else before)
    assert packed > 5_000 and refused > 5_000, (packed, refused)


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.unpack("<i", b"123"),
        lambda m: m.unpack_from("<i", bytearray(10), 7),
        lambda m: m.unpack_from("<i", bytearray(10), -3),
        lambda m: m.unpack_from("<i", bytearray(10), -11),
        lambda m: m.unpack_from("<i", bytearray(10), 1 << 70),
        lambda m: m.pack_into("<i", bytearray(10), 7, 1),
        lambda m: m.pack_into("<i", bytearray(10), -3, 1),
        lambda m: m.pack_into("<i", bytearray(10), -11, 1),
        lambda m: m.pack_into("<i", bytearray(10), 1 << 70, 1),
        lambda m: m.pack_into("<i", bytearray(10), "a", 1),
        lambda m: m.pack_into("<i", b"abcd", 0, 1),
        lambda m: m.pack_into("<i", 5, 0, 1),
        lambda m: m.pack_into("<i", memoryview(bytearray(8))[::2], 0, 1),
        lambda m: m.pack_into("<i", bytearray(10), -1 << 70, 1),
        lambda m: m.pack_into("<i", 5, "a"),
        lambda m: m.pack_into("<i", 5, "a", 1),
        lambda m: m.pack_into("<i", bytearray(2), "a"),
        lambda m: m.pack_into("<i", bytearray(2), 1 << 70),
        lambda m: m.pack_into("<i", bytearray(2), 0, "a"),
        lambda m: m.pack_into("<i", b"", 0),
        lambda m: m.pack_into(),
        lambda m: m.pack_into(5),
        lambda m: m.pack_into(5, bytearray(4), 0),
        lambda m: m.Struct("<i").pack_into(),
        lambda m: m.Struct("<i").pack_into(bytearray(4)),
        lambda m: m.Struct("<i").pack_into(bytearray(4), 0),
        lambda m: m.Struct("<i").pack_into(bytearray(4), 1 << 70, 1),
        lambda m: m.Struct("<i").pack_into(b"1234", 0),
        lambda m: m.Struct("<i").pack_into(b"1234", 0, 1),
        lambda m: m.Struct("<i").pack_into(5, 0, 1),
        lambda m: m.pack_into("<i"),
        lambda m: m.pack_into("<i", bytearray(4)),
        lambda m: m.pack_into("<i", bytearray(4), 0),
        lambda m: m.pack(),
        lambda m: m.pack("<i"),
        lambda m: m.pack("<i", 1, 2),
        lambda m: m.pack("<i", "a"),
        lambda m: m.pack("<f", 1e300),
        lambda m: m.pack("e", 65520.0),
        lambda m: m.pack("d", "a"),
        lambda m: m.pack("d", 10**400),
        lambda m: m.pack("c", b"ab"),
        lambda m: m.pack("3s", "abc"),
        lambda m: m.pack("3p", "abc"),
        lambda m: m.pack("P", 1 << 64),
        lambda m: m.unpack("<i", 5),
        lambda m: m.unpack("<i", memoryview(b"12345678")[::2]),
        lambda m: m.unpack(5, b""),
        lambda m: m.unpack(bytearray(b"i"), b"1234"),
        lambda m: m.Struct(5),
        lambda m: m.Struct(None),
        lambda m: m.Struct(),
        lambda m: m.Struct("i", 1),
        lambda m: m.Struct("i", 1, 2),
        lambda m: m.Struct("i", format="i"),
        lambda m: m.Struct(a="i"),
        lambda m: m.Struct(a="i", format="i"),
        lambda m: m.Struct(format=5),
        lambda m: m.Struct(decimal.Decimal(1)),
        lambda m: m.calcsize(None),
        lambda m: m.calcsize(Indexed(1)),
        lambda m: m.calcsize(decimal.Decimal(1)),
        lambda m: m.calcsize("é"),
        lambda m: m.Struct("jé"),
        lambda m: m.iter_unpack("", b""),
        lambda m: m.iter_unpack("i", b"123"),
        lambda m: m.iter_unpack("i", 5),
    ],
)
def test_messages_equal_those_of_struct(call):
    with pytest.raises(Exception) as theirs:
        call(struct)
    with pytest.raises(Exception) as mine:
        call(ours)
    assert mine.type is theirs.type
    assert str(mine.value) == str(theirs.value)


@pytest.mark.parametrize("format", ["3", "i3", "j", "\0", "i\0", "<n", "99999999999999999999i", "9223372036854775807q"])
def test_messages_of_refused_formats_start_as_those_of_struct(format):
    with pytest.raises(struct.error) as theirs:
        struct.calcsize(format)
    with pytest.raises(struct.error) as mine:
        ours.calcsize(format)
    words, _, rest = str(mine.value).partition(": ")
    assert words == str(theirs.value) or format.startswith("9"), mine.value
    assert rest, "the position follows"


def test_error_is_the_error_of_struct():
    assert ours.error is struct.error


def test_the_module_has_the_names_of_struct():
    assert set(ours.__all__) == {name for name in dir(struct) if not name.startswith("_")}
    assert {"Struct", "_clearcache"} <= set(vars(ours))
    missing = [name for name in dir(struct.Struct) if not hasattr(ours.Struct, name)]
    assert not missing


def test_struct_has_the_methods_of_the_standard_class():
    compiled = ours.Struct("<i2H")
    assert (compiled.format, compiled.size, repr(compiled)) == ("<i2H", 8, "Struct('<i2H')")
    assert ours.Struct(b"<i2H").format == "<i2H"
    assert ours.Struct(format="i").size == 4
    data = compiled.pack(-1, 2, 3)
    assert data == struct.pack("<i2H", -1, 2, 3)
    assert compiled.unpack(data) == (-1, 2, 3)
    assert compiled.unpack_from(buffer=b"." + data, offset=1) == (-1, 2, 3)
    assert list(compiled.iter_unpack(data * 2)) == [(-1, 2, 3)] * 2
    target = bytearray(10)
    compiled.pack_into(target, 2, -1, 2, 3)
    assert target == b"\0\0" + data
    assert weakref.ref(compiled)() is compiled
    assert compiled != ours.Struct("<i2H")
    with pytest.raises(AttributeError):
        compiled.format = "i"


@pytest.mark.parametrize("copying", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_struct_cannot_be_copied_or_pickled(copying):
    for module in (struct, ours):
        with pytest.raises(TypeError, match="cannot pickle"):
            copying(module.Struct("i"))


def initialize_again(compiled, format):
    """Calls ``__init__`` of an initialized object. From CPython 3.15 on, asserts that the call emits a warning."""
    if sys.version_info < (3, 15):
        compiled.__init__(format)
    else:
        with pytest.warns(FutureWarning, match="Re-initialization of Struct"):
            compiled.__init__(format)


def test_a_struct_can_be_initialized_again():
    compiled = ours.Struct("i")
    iterator = compiled.iter_unpack(b"\x01\0\0\0" * 2)
    initialize_again(compiled, "<h")
    assert (compiled.size, compiled.format) == (2, "<h")
    initialize_again(compiled, "<b")
    assert compiled.unpack(b"\xff") == (-1,)
    # The iterator still uses the old format.
    assert list(iterator) == [(1,), (1,)]
    with pytest.raises(struct.error):
        initialize_again(compiled, "j")
    assert compiled.size == 1
    with pytest.raises(RuntimeError, match="not initialized"):
        ours.Struct.__new__(ours.Struct).pack(1)


def test_a_struct_can_be_initialized_again_during_pack():
    compiled = ours.Struct("2i")

    class Changes:
        def __index__(self):
            initialize_again(compiled, "b")
            return 7

    assert compiled.pack(Changes(), 8) == struct.pack("2i", 7, 8)
    assert compiled.size == 1


def test_a_buffer_cannot_be_resized_during_pack_into():
    target = bytearray(8)

    class Shrinks:
        def __index__(self):
            target.clear()
            return 1

    with pytest.raises(BufferError):
        ours.pack_into("<ii", target, 0, 1, Shrinks())
    assert target == bytes(8)


def test_a_subclass_can_define_the_format():
    class Short(ours.Struct):
        def __new__(cls):
            return super().__new__(cls, "<h")

        def __init__(self):
            super().__init__("<h")

    assert Short().pack(1) == b"\x01\0"
    assert repr(Short()) == "Short('<h')"


class EqualText(str):
    """Text that is equal to every object."""

    __hash__ = str.__hash__

    def __eq__(self, other):
        return True


@pytest.mark.parametrize("second", ["h", b"h", "i", "j", "é", "\udc00", b"\xa4", 5, bytearray(b"h"), EqualText("i")])
@pytest.mark.parametrize("first", ["h", b"h", EqualText("h")])
def test_a_second_call_of_init_has_the_result_and_warning_of_struct(first, second):
    def initialized_twice(module):
        compiled = module.Struct(first)
        results = [warned(compiled.__init__, second), warned(lambda: compiled.__init__(format=second))]
        if sys.version_info < (3, 14) and results[1][0] is not None:
            # `struct` stores the format before it checks the format.
            return results
        return results, compiled.format, compiled.size

    assert initialized_twice(ours) == initialized_twice(struct)


def subclasses(module):
    """Returns `Struct` and six subclasses, which define `__new__`, `__init__`, both methods, or neither. Some methods
    pass their arguments to `Struct`, some pass the format "h", and one does nothing."""

    class Neither(module.Struct):
        pass

    class Init(module.Struct):
        def __init__(self, *arguments, **options):
            super().__init__("h")

    class IdleInit(module.Struct):
        def __init__(self, *arguments, **options):
            pass

    class New(module.Struct):
        def __new__(cls, *arguments, **options):
            return super().__new__(cls, "h")

    class SameNew(module.Struct):
        def __new__(cls, *arguments, **options):
            return super().__new__(cls, *arguments, **options)

    class Both(module.Struct):
        def __new__(cls, *arguments, **options):
            return super().__new__(cls, "h")

        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)

    return [module.Struct, Neither, Init, IdleInit, New, SameNew, Both]


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ((), {}),
        (("h",), {}),
        (("i",), {}),
        ((b"i",), {}),
        (("j",), {}),
        (("é",), {}),
        ((b"\xa4",), {}),
        ((5,), {}),
        (("h", 1), {}),
        (("h", 1, 2), {}),
        ((), {"format": "h"}),
        ((), {"format": "i"}),
        ((), {"format": 5}),
        ((), {"other": "h"}),
        (("h",), {"other": 1}),
        (("h",), {"format": "h"}),
        ((), {"format": "h", "other": 1}),
    ],
)
@pytest.mark.parametrize("index", range(7))
def test_subclasses_are_created_with_the_warnings_of_struct(index, arguments, options):
    def created(module):
        kind = subclasses(module)[index]
        compiled, caught = warned(lambda: kind(*arguments, **options))
        # This call does not call `__init__`.
        made, caught_new = warned(lambda: module.Struct.__new__(kind, *arguments, **options))
        results = [caught, caught_new]
        for result in (compiled, made):
            if not isinstance(result, kind):
                results.append(result)
                continue
            for _ in range(2):
                results.append((result.size, outcome(lambda result=result: result.format)))
                results.append(warned(kind.__init__, result, "q"))
                results.append(warned(module.Struct.__init__, result, "b"))
            results.append((result.size, result.format))
        return results

    assert created(ours) == created(struct)


@pytest.mark.skipif(sys.version_info < (3, 15), reason="__new__ and __init__ emit no warnings before 3.15")
def test_a_warning_that_is_raised_leaves_the_format_unchanged():
    compiled = ours.Struct("h")
    with pytest.raises(FutureWarning, match="Re-initialization"):
        compiled.__init__("i")
    assert compiled.format == "h"

    class Init(ours.Struct):
        def __init__(self, *arguments):
            super().__init__("h")

    with pytest.raises(DeprecationWarning, match="missing required argument 'format'"):
        Init()
    with pytest.raises(DeprecationWarning, match=r"Invalid 'format' argument for .*: bad char in struct format"):
        Init("j")
    with pytest.raises(FutureWarning, match="Different format arguments"):
        Init("i")


def test_the_size_of_a_compiled_format_grows_with_the_format():
    sizes = [sys.getsizeof(ours.Struct(format)) for format in ("", "i", "ihihih", "T{i:a:}" * 20)]
    assert sizes == sorted(sizes) and sizes[0] < sizes[-1]


def test_iterators_return_a_new_tuple_for_each_item():
    data = bytes(range(8))
    tuples = list(ours.iter_unpack("BB", data))
    assert tuples == [(0, 1), (2, 3), (4, 5), (6, 7)]
    iterator = ours.iter_unpack("BB", data)
    first = next(iterator)
    second = next(iterator)
    assert (first, second) == ((0, 1), (2, 3))
    known = {hash(pair): pair for pair in ours.iter_unpack("BB", data)}
    assert sorted(known.values()) == tuples
    for pair in ours.iter_unpack("BB", data):
        assert hash(pair) == hash((*pair,))


def test_iterators_release_the_buffer_at_their_end():
    target = bytearray(8)
    iterator = ours.iter_unpack("<i", target)
    with pytest.raises(BufferError):
        target.append(1)
    assert len(list(iterator)) == 2
    target.append(1)
    assert next(iterator, None) is None
    other = ours.iter_unpack("<i", memoryview(target)[:8])
    del other
    target.append(1)


def test_iterators_read_the_current_memory():
    target = bytearray(2)
    iterator = ours.iter_unpack("B", target)
    assert next(iterator) == (0,)
    target[1] = 9
    assert next(iterator) == (9,)


def test_more_formats_than_the_cache_holds_are_read():
    for count in range(500):
        assert ours.calcsize(f"{count}b") == count
    ours._clearcache()
    assert ours.calcsize("3b") == 3


def test_a_conversion_may_clear_the_cache():
    class Packs:
        def __init__(self, number):
            self.number = number

        def __index__(self):
            ours._clearcache()
            for count in range(1, 20):
                assert ours.calcsize(f"<{count}h{self.number}x") == 2 * count + self.number
            return self.number

    for number in range(5):
        assert ours.pack(f"<h{'x' * number}i", Packs(number), 7) == struct.pack(f"<h{'x' * number}i", number, 7)


def test_formats_at_the_same_address_are_distinguished():
    # Each format string is freed before the next one is created, so the next string can have the same address.
    for count in list(range(1, 50)) * 3:
        assert ours.calcsize(f"<{count}i") == 4 * count
        assert ours.calcsize(b"<%dq" % count) == 8 * count


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.calcsize(),
        lambda m: m.calcsize("i", 1),
        lambda m: m.calcsize(format="i"),
        lambda m: m.pack(),
        lambda m: m.pack("i", value=1),
        lambda m: m.pack_into(),
        lambda m: m.pack_into("i"),
        lambda m: m.pack_into("i", bytearray(4)),
        lambda m: m.unpack(),
        lambda m: m.unpack("i"),
        lambda m: m.unpack("i", b"1234", 1),
        lambda m: m.Struct("i").pack(1, 2),
        lambda m: m.Struct("i").pack(value=1),
        lambda m: m.Struct("i").pack_into(),
        lambda m: m.Struct("i").unpack(),
        lambda m: m.Struct.pack(),
        lambda m: m.Struct.unpack(1, b"1234"),
    ],
)
def test_wrong_numbers_of_arguments_raise_the_exceptions_of_struct(call):
    outcomes = []
    for module in (struct, ours):
        with pytest.raises((TypeError, struct.error)) as raised:
            call(module)
        outcomes.append(type(raised.value))
    assert outcomes[0] is outcomes[1]


def test_functions_have_a_name_a_docstring_and_a_signature():
    for name in ("calcsize", "pack", "pack_into", "unpack"):
        function = getattr(ours, name)
        assert function.__name__ == name and function.__doc__
    assert str(inspect.signature(ours.pack)) == "(format, /, *values)"
    assert str(inspect.signature(ours.Struct.unpack)) == "(self, buffer, /)"


def test_threads_share_the_cache_of_formats():
    def work():
        for count in range(300):
            format = f"<{count % 150}B"
            assert ours.unpack(format, bytes(count % 150)) == (0,) * (count % 150)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize(
    ("format", "values", "data"),
    [
        ("T{<h:x:<h:y:}", ((1, 2),), b"\x01\0\x02\0"),
        ("<hT{B:a:2B:b:}", (1, (2, [3, 4])), b"\x01\0\x02\x03\x04"),
        ("2T{B:a:}", ((1,), (2,)), b"\x01\x02"),
        ("(2)T{B:a:}", ([(1,), (2,)],), b"\x01\x02"),
        ("(2,2)B", ([[1, 2], [3, 4]],), b"\x01\x02\x03\x04"),
        ("(1)B", ([7],), b"\x07"),
        ("<h>h", (1, 1), b"\x01\0\0\x01"),
        ("B:a:B:b:", (1, 2), b"\x01\x02"),
        ("<Zf", (1 + 2j,), struct.pack("<ff", 1, 2)),
        (">Zd", (1 + 2j,), struct.pack(">dd", 1, 2)),
        ("<e<Ze", (0.5, 1 + 2j), struct.pack("<eee", 0.5, 1, 2)),
        ("<3w", ("ab",), "ab\0".encode("utf-32-le")),
        ("<2u", ("é",), "é\0".encode("utf-16-le")),
        ("<1u", ("\ud800",), b"\0\xd8"),
        ("2x:pad:B", (b"\x01\x02", 3), b"\x01\x02\x03"),
        ("T{}", ((),), b""),
        ("T{T{B:a:}:b:}B", (((1,),), 2), b"\x01\x02"),
    ],
)
def test_formats_that_struct_lacks_are_packed_and_unpacked(format, values, data):
    assert ours.calcsize(format) == len(data)
    assert ours.unpack(format, data) == values
    assert ours.pack(format, *values) == data
    assert list(ours.iter_unpack(format, data * 3)) == [values] * 3 if data else True
    assert ours.Struct(format.encode()).unpack(bytearray(data)) == values


def test_a_long_double_is_packed_and_unpacked():
    (value,) = ours.unpack("g", ours.pack("g", 0.1))
    assert value == 0.1
    (value,) = ours.unpack("Zg", ours.pack("Zg", 0.1 - 2j))
    assert value == 0.1 - 2j


@pytest.mark.parametrize(
    ("format", "values"),
    [
        ("T{B:a:}", (1,)),
        ("T{B:a:}", ((1, 2),)),
        ("(2)B", ([1],)),
        ("(2)B", (1,)),
        ("T{B:a:}", ((256,),)),
        ("<2w", ("abc",)),
        ("<2w", (b"a",)),
        ("<Zf", ("1",)),
        ("2x:pad:", (b"1",)),
        ("[t$]", (1,)),
    ],
)
def test_wrong_values_for_formats_that_struct_lacks_raise_struct_error(format, values):
    with pytest.raises(struct.error):
        ours.pack(format, *values)


def test_invalid_text_is_a_value_error():
    with pytest.raises(ValueError, match="U\\+10FFFF"):
        ours.unpack("<w", b"\0\0\x11\0")


def test_names_may_contain_any_characters():
    assert ours.calcsize("T{i:é:}") == 4
    assert ours.Struct("T{i:é:}".encode()).format == "T{i:é:}"
    assert ours.Struct(b"T{i:\xff:}").format == "T{i:\udcff:}"
    assert NON_ASCII_ERROR is (UnicodeEncodeError if sys.version_info < (3, 15) else ValueError)
    for format in ("é", "é".encode(), b"i\xff", "ié\udc00"):
        for function in ("calcsize", "Struct"):
            theirs, mine = (outcome(getattr(module, function), format) for module in (struct, ours))
            assert mine is theirs, (function, format)
            assert issubclass(mine, (ValueError, struct.error))


@pytest.mark.parametrize("format", ["(70000)0s", "(70000,0)B", "T{" * 70 + "}" * 70, "(" + "1," * 64 + "1)B"])
def test_formats_that_exceed_a_limit_are_refused(format):
    with pytest.raises(struct.error):
        ours.unpack(format, b"")


@pytest.mark.parametrize("count", [3, 1022, 1023, 1024])
def test_repeated_values_are_those_of_struct(count):
    # The codec stores up to 1024 values as a list of single values, and more values as fields with a count.
    fmt = f"<h{count}ib"
    values = [-2, *range(-5, count - 5), 7]
    packed = ours.pack(fmt, *values)
    assert packed == struct.pack(fmt, *values)
    assert ours.unpack(fmt, packed) == tuple(values)
    # First, one of the repeated values has a method __index__. Then one value does not fit.
    for place in (1, 2, count, count + 1):

        class Index:
            def __index__(self):
                return 42

        changed = [*values[:place], Index(), *values[place + 1 :]]
        assert ours.pack(fmt, *changed) == struct.pack(fmt, *changed)
        with pytest.raises(struct.error):
            ours.pack(fmt, *values[:place], 1 << 40, *values[place + 1 :])


def failing(*exceptions):
    """Returns a decorator for a function that must raise one of the exceptions in each call."""

    def decorate(call):
        def run():
            try:
                call()
            except exceptions:
                return
            raise AssertionError("nothing was raised")

        return run

    return decorate


COMPILED = ours.Struct("<i")
REPEATED_CALLS = {
    "calcsize": failing(struct.error)(lambda: ours.calcsize("j")),
    "calcsize of another type": failing(TypeError)(lambda: ours.calcsize(5)),
    "calcsize of no ASCII": failing(NON_ASCII_ERROR)(lambda: ours.calcsize("\udc00")),
    "pack": failing(struct.error)(lambda: ours.pack("<i", 2**70)),
    "pack of another type": failing(struct.error)(lambda: ours.pack("<d", "a")),
    "pack of too few": failing(struct.error)(lambda: ours.pack("<i")),
    "pack of an exception": failing(KeyError)(lambda: ours.pack("<i", Raising())),
    "pack of a record": failing(struct.error)(lambda: ours.pack("T{i:a:}", (2**70,))),
    "pack_into": failing(struct.error)(lambda: ours.pack_into("<i", bytearray(4), 0, 2**70)),
    "pack_into of bytes": failing(TypeError)(lambda: ours.pack_into("<i", b"1234", 0, 1)),
    "pack_into past the end": failing(struct.error)(lambda: ours.pack_into("<i", bytearray(4), 1, 1)),
    "unpack": failing(struct.error)(lambda: ours.unpack("<i", b"")),
    "unpack of no buffer": failing(TypeError)(lambda: ours.unpack("<i", 5)),
    "unpack of no text": failing(ValueError)(lambda: ours.unpack("<w", b"\0\0\x11\0")),
    "unpack_from": failing(struct.error)(lambda: ours.unpack_from("<i", b"")),
    "iter_unpack": failing(struct.error)(lambda: ours.iter_unpack("<i", b"123")),
    "iter_unpack of no buffer": failing(TypeError)(lambda: ours.iter_unpack("<i", 5)),
    "Struct": failing(struct.error)(lambda: ours.Struct("j")),
    "Struct.pack": failing(struct.error)(lambda: COMPILED.pack(2**70)),
    "Struct.pack_into": failing(struct.error)(lambda: COMPILED.pack_into(bytearray(4), 0, 2**70)),
    "Struct.unpack": failing(struct.error)(lambda: COMPILED.unpack(b"")),
    "Struct.unpack_from": failing(struct.error)(lambda: COMPILED.unpack_from(b"")),
    "Struct.iter_unpack": failing(struct.error)(lambda: COMPILED.iter_unpack(b"123")),
    # These calls succeed, but raise and clear exceptions internally.
    "pack of a large int": lambda: ours.pack("<Q", 2**63),
    "pack of an index": lambda: ours.pack("<Q", Indexed(2**63)),
    "pack of an address": lambda: ours.pack("P", 2**63),
    "pack of an int as float": lambda: ours.pack("<d", 2**63),
    "pack of surrogates": lambda: ours.pack("<w", "\udc00"),
}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("name", REPEATED_CALLS)
def test_repeated_calls_do_not_leak_memory(name):
    def resident():
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * 4096

    call = REPEATED_CALLS[name]
    for _ in range(1000):
        call()
    before = resident()
    for _ in range(20_000):
        call()
    # An exception has at least 200 bytes, so 20,000 leaked exceptions would exceed this limit.
    assert resident() - before < 1 << 20


def test_messages_name_the_character_of_a_field_in_a_record():
    with pytest.raises(struct.error, match=r"^'b' format requires -128 <= number <= 127$"):
        ours.pack("T{<b:x:}", (300,))
    with pytest.raises(OverflowError, match=r"^float too large to pack with f format$"):
        ours.pack("T{<f:x:}", (1e300,))
    with pytest.raises(struct.error, match=r"^argument for 'w' must be a str$"):
        ours.pack("(2)T{<2w:x:}", [(b"",), ("",)])


@pytest.mark.parametrize("format", ["\udc00", "i\udc00", "T{i:\udc00:}"])
@pytest.mark.parametrize("function", ["calcsize", "Struct"])
def test_lone_surrogates_raise_what_struct_raises(function, format):
    with pytest.raises(NON_ASCII_ERROR) as theirs:
        getattr(struct, function)(format)
    with pytest.raises(NON_ASCII_ERROR) as mine:
        getattr(ours, function)(format)
    assert mine.type is theirs.type
    assert str(mine.value) == str(theirs.value)


def test_an_object_that_was_not_initialized_has_no_size():
    theirs, mine = (module.Struct.__new__(module.Struct) for module in (struct, ours))
    assert mine.size == theirs.size == -1
    assert same(outcome(lambda: theirs.format), outcome(lambda: mine.format))
    if sys.version_info < (3, 14):
        # `struct` reads uninitialized memory in some methods.
        return
    for call in (
        lambda compiled: compiled.pack(1),
        lambda compiled: compiled.pack_into(),
        lambda compiled: compiled.pack_into(bytearray(4), 0, 1),
        lambda compiled: compiled.unpack(b""),
        lambda compiled: compiled.unpack_from(b""),
        lambda compiled: compiled.iter_unpack(b""),
        lambda compiled: compiled.__sizeof__(),
        repr,
    ):
        assert warned(call, mine) == warned(call, theirs)


def test_a_struct_is_not_accepted_as_a_format():
    for module in (struct, ours):
        # From CPython 3.15 on, the message contains the module of the class.
        name = "Struct" if sys.version_info < (3, 15) else f"{module.Struct.__module__}.Struct"
        with pytest.raises(TypeError, match=f"must be a str or bytes object, not {re.escape(name)}$"):
            module.calcsize(module.Struct("i"))


def float_bits(number):
    """Returns the bytes of `number` as a double. The bytes of different NaNs differ."""
    return struct.pack("<d", number)


@pytest.mark.parametrize("order", "<>=@")
def test_every_half_is_unpacked_as_by_struct(order):
    items = struct.pack(f"{order}65536H", *range(1 << 16))
    theirs = struct.unpack(f"{order}65536e", items)
    assert [*map(float_bits, theirs)] == [*map(float_bits, ours.unpack(f"{order}65536e", items))]
    # Another value in the format selects another code path.
    records = ours.iter_unpack(f"{order}e0s", items)
    assert [*map(float_bits, theirs)] == [float_bits(value) for value, _ in records]


@pytest.mark.parametrize("format", ["<e", ">e", "=e", "@e", "<f", ">f", "=f", "@f", "<d", "@d"])
def test_nans_are_packed_as_by_struct(format):
    rng = random.Random(23)
    for _ in range(2000):
        payload = rng.getrandbits(52) & rng.choice([-1, (1 << 52) - (1 << 42), (1 << 52) - (1 << 29), 1 << 51, 1])
        (nan,) = struct.unpack("<d", struct.pack("<Q", rng.choice([0x7FF, 0xFFF]) << 52 | payload or 0x7FF8 << 48))
        assert ours.pack(format, nan) == struct.pack(format, nan), hex(payload)


@pytest.mark.parametrize("code", ["F", "D", "Zf", "Zd"])
@pytest.mark.parametrize("order", "<>=@")
def test_complex_nans_are_converted_as_by_struct(order, code):
    format = f"{order}3x{code}2s"
    if not isinstance(outcome(struct.calcsize, format), int):
        pytest.skip("struct of this version has no such format")
    rng = random.Random(25)
    bits_code, signs, exponent, payload = "I", 31, 0xFF << 23, 23
    if struct.calcsize(order + code) == 16:
        bits_code, signs, exponent, payload = "Q", 63, 0x7FF << 52, 52
    for _ in range(500):
        bits = [rng.getrandbits(1) << signs | exponent | rng.getrandbits(payload) | 1 for _ in range(2)]
        item = struct.pack(f"{order}2{bits_code}", *bits)
        (theirs,), (mine,) = (module.unpack(order + code, item) for module in (struct, ours))
        assert [*map(float_bits, (mine.real, mine.imag))] == [*map(float_bits, (theirs.real, theirs.imag))]
        # Another function reads a record that contains an array.
        ((listed, _),) = ours.iter_unpack(f"{order}{code}(1)B", item + b"\0")
        assert [*map(float_bits, (listed.real, listed.imag))] == [*map(float_bits, (theirs.real, theirs.imag))]
        assert ours.pack(format, theirs, b"ab") == struct.pack(format, theirs, b"ab")


@pytest.mark.parametrize("order", "<>=@")
def test_float_nans_are_unpacked_as_by_struct(order):
    rng = random.Random(24)
    bits = [rng.choice([0x7F8, 0xFF8]) << 20 | rng.getrandbits(23) for _ in range(2000)]
    items = struct.pack(f"{order}2000I", *bits)
    theirs, mine = (module.unpack(f"{order}2000f", items) for module in (struct, ours))
    assert [*map(float_bits, theirs)] == [*map(float_bits, mine)]


def test_an_exporter_that_fails_without_an_exception_is_a_system_error(faulty_exporter):
    exporter = faulty_exporter(lambda flags: {"returns": -1, "obj": "null"})
    for call in (
        lambda: ours.unpack("<i", exporter),
        lambda: ours.unpack_from("<i", exporter),
        lambda: ours.iter_unpack("<i", exporter),
    ):
        with pytest.raises(SystemError, match=r"without (an )?exception"):
            call()
    with pytest.raises(TypeError, match="read-write bytes-like object"):
        ours.pack_into("<i", exporter, 0, 1)


@pytest.mark.parametrize("fields", [{"len": -1}, {"len": 4, "buf": None}])
def test_an_exporter_with_impossible_numbers_is_a_buffer_error(faulty_exporter, fields):
    def answer(flags):
        return {
            "buf": b"1234",
            "len": 4,
            "itemsize": 1,
            "ndim": 1,
            "format": None,
            "shape": None,
            "strides": None,
            **fields,
        }

    for call in (
        lambda: ours.unpack("<i", faulty_exporter(answer)),
        lambda: ours.iter_unpack("<i", faulty_exporter(answer)),
        lambda: ours.pack_into("<i", faulty_exporter(answer), 0, 1),
    ):
        with pytest.raises(BufferError, match="the exporter reports"):
            call()


class Owner(bytearray):
    """A bytearray that can be part of a cycle of references."""


@pytest.mark.parametrize(
    "cycle",
    [
        lambda owner: ours.iter_unpack("B", owner),
        lambda owner: ours.Struct("B").iter_unpack(owner),
        # The iterator refers to its last tuple, the tuple refers to a list, and the list contains the owner.
        lambda owner: first_list(ours.iter_unpack("(2)B", b"1234"), owner),
    ],
)
def test_iterators_in_cycles_are_collected(cycle):
    owner = Owner(b"1234")
    owner.iterator = cycle(owner)
    reference = weakref.ref(owner)
    del owner
    gc.collect()
    assert reference() is None


def first_list(iterator, owner):
    """Appends `owner` to the list in the first tuple of `iterator`, and returns the iterator."""
    (values,) = next(iterator)
    values.append(owner)
    return iterator


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits the address space")
def test_a_failed_allocation_is_a_memory_error():
    code = """
        import mmap, resource, struct
        from pep3118 import struct as ours

        memory = mmap.mmap(-1, 1 << 30, prot=mmap.PROT_READ, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        with open("/proc/self/statm") as statm:
            used = int(statm.read().split()[0]) * 4096
        resource.setrlimit(resource.RLIMIT_AS, (used + (300 << 20),) * 2)
        pages = ours.Struct("1073741824s")
        for call in (
            lambda: ours.pack("1000000000x"),
            lambda: ours.pack_into("1000000000x", bytearray(10), 0),
            lambda: ours.unpack("1073741824s", memory),
            lambda: pages.unpack(memory),
            lambda: ours.unpack_from("100000000?", memory),
            lambda: ours.unpack_from("(100000000)?", memory),
            lambda: ours.unpack_from("(10000000)d", memory),
            lambda: ours.unpack_from("(30000000)Q", memory, 8),
            lambda: ours.unpack_from("(10000,10000)?", memory),
            lambda: ours.unpack_from("(3000000)T{d:x:d:y:}", memory),
            lambda: next(ours.iter_unpack("536870912s", memory)),
            lambda: next(ours.iter_unpack("134217728?", memory)),
            lambda: list(ours.iter_unpack("<d", memory)),
            lambda: ours.unpack_from("(3000000)T{Zd:x:Zd:y:4s:z:4w:w:}", memory),
        ):
            try:
                call()
            except MemoryError:
                continue
            except struct.error as error:
                # `pack_into` checks the length of the buffer before it allocates.
                assert "requires a buffer of at least" in str(error)
                continue
            raise AssertionError("no MemoryError")
        print("done")
    """
    for backtrace in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code)],
            capture_output=True,
            text=True,
            timeout=300,
            env={**os.environ, "RUST_BACKTRACE": backtrace},
        )
        assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
