"""Tests of ``pep3118 emit --to``: NumPy, ctypes, construct, dissect.cstruct, Kaitai Struct and record classes read the
same values as this package from the same bytes, Arrow schemas are those of ``decode``, and Zig and Go accept the
sources."""

import ctypes
import json
import os
import random
import shutil
import struct
import subprocess
import sys

import numpy as np
import pytest

from pep3118 import Format, View

# The format characters of numbers, and their standard sizes in bytes.
NUMBERS = {"b": 1, "B": 1, "h": 2, "H": 2, "i": 4, "I": 4, "q": 8, "Q": 8, "f": 4, "d": 8, "e": 2}


class Layouts:
    """A generator of random records in the dialect pep3118. A record is (format, bytes of one item)."""

    def __init__(self, seed):
        """Creates the generator with the seed `seed`."""
        self.rng = random.Random(seed)

    def value(self, order):
        """Returns (format, bytes) of one value in the byte order `order`."""
        kind = self.rng.randrange(14)
        if kind == 0:
            return "?", bytes([self.rng.randrange(2)])
        if kind == 1:
            return "5s", self.rng.choice([b"abcde", b"xyz\0\0"])
        if kind == 2:
            size = self.rng.choice("fd")
            parts = [float(self.rng.randrange(-99, 99)) for _ in range(2)]
            return f"{order}Z{size}", struct.pack(f"{order}2{size}", *parts)
        if kind == 3:
            text = self.rng.choice(["abc", "Aé0"])
            return f"{order}3u", text.encode("utf-16-le" if order == "<" else "utf-16-be")
        code = self.rng.choice(list(NUMBERS))
        if code in "efd":
            return order + code, struct.pack(order + code, float(self.rng.randrange(-99, 99)))
        return order + code, self.rng.randbytes(NUMBERS[code])

    def member(self, depth, order):
        """Returns (format without a name, bytes) of a member with at most `depth` levels of records."""
        shape = [self.rng.randint(1, 3) for _ in range(self.rng.choice([0, 0, 0, 1, 2]))]
        count = 1
        for length in shape:
            count *= length
        items = []
        if depth and self.rng.random() < 0.3:
            state = self.rng.getstate()
            for _ in range(count):
                # Each element has the structure of the first element.
                self.rng.setstate(state)
                items.append(self.record(depth - 1, order))
        else:
            items = [self.value(order)] * count
        prefix = f"({','.join(map(str, shape))})" if shape else ""
        return prefix + items[0][0], b"".join(data for _, data in items)

    def record(self, depth, order):
        """Returns (format `T{...}`, bytes) of a record with at most `depth` levels of records inside. `order` is the
        byte order of all fields, or None for a random byte order of each field."""
        formats, data = [], b""
        for number in range(self.rng.randint(1, 4)):
            padding = self.rng.choice([0, 0, 0, 1, 3])
            formats.append("x" * padding)
            data += bytes(padding)
            chosen = order or self.rng.choice("<>")
            text, value = self.member(depth, chosen)
            formats.append(f"{text}:m{number}:")
            data += value
        return f"T{{{''.join(formats)}}}", data


def layouts(count, order=None, depth=2):
    """Yields (format, bytes of one item) `count` times, the same in each call. `order` and `depth` are those of
    `Layouts.record`."""
    generator = Layouts(3118)
    for _ in range(count):
        yield generator.record(depth, order)


def emit(arguments):
    """Runs `pep3118 emit` with `arguments`, and returns its output. Raises an exception if the command fails."""
    command = [sys.executable, "-m", "pep3118", "emit", *arguments]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True).stdout


def described(text, library):
    """Executes the Python source that the command writes for the format `text` and `library`. Returns the object `item`
    of the source."""
    source = emit([text, "--dialect", "pep3118", "--model", "lp64", "--to", library])
    names = {}
    exec(compile(source, f"<{text}>", "exec"), names)
    return names["item"]


def plain(value, fields):
    """Converts `value`, a value of this package, to nested dictionaries and lists. `fields` are the fields of the
    record, or an empty tuple if `value` contains no record."""
    if not fields:
        return [plain(element, fields) for element in value] if isinstance(value, list) else value
    if isinstance(value, list):
        return [plain(element, fields) for element in value]
    pairs = zip(fields, value, strict=True)
    return {field.name: plain(element, field.fields) for field, element in pairs}


def expected(text, data):
    """Returns the values that this package reads from `data`."""
    form = Format(text, dialect="pep3118", model="lp64")
    assert form.itemsize == len(data)
    items = View(np.frombuffer(data, dtype=f"V{len(data)}"), format=text, dialect="pep3118").tolist()
    return plain(items[0], form.item.fields)


def normal(value):
    """Converts `value` to a notation that is equal for all libraries: without NULs at the end of bytes and texts, with
    complex numbers as pairs, and with booleans as integers."""
    if isinstance(value, dict):
        return {name: normal(element) for name, element in value.items()}
    if isinstance(value, list):
        return [normal(element) for element in value]
    if isinstance(value, complex):
        return [value.real, value.imag]
    if isinstance(value, bytes):
        return value.rstrip(b"\0")
    if isinstance(value, str):
        return value.rstrip("\0")
    return int(value) if isinstance(value, bool) else value


def read_numpy(item, data):
    """Returns the values that NumPy reads from `data` with the dtype `item`."""

    def convert(value, dtype):
        if dtype.subdtype:
            base, shape = dtype.subdtype
            if not shape:
                return convert(value, base)
            inner = np.dtype((base, shape[1:])) if shape[1:] else base
            return [convert(element, inner) for element in value]
        if dtype.names:
            return {name: convert(value[name], dtype[name]) for name in dtype.names}
        return value.item()

    return convert(np.frombuffer(data, dtype=item)[0], item)


def read_ctypes(item, data):
    """Returns the values that ctypes reads from `data` with the class `item`, without fields of padding."""

    def convert(value):
        if hasattr(value, "_fields_"):
            fields = [field[0] for field in value._fields_ if not field[0].startswith("_pad")]
            return {name: convert(getattr(value, name)) for name in fields}
        if hasattr(value, "_length_"):
            if value._type_ is ctypes.c_char:
                return value.raw
            return [convert(element) for element in value]
        return value

    return convert(item.from_buffer_copy(data))


def read_construct(item, data):
    """Returns the values that construct reads from `data` with `item`."""

    def convert(value):
        if isinstance(value, dict):
            return {name: convert(element) for name, element in value.items() if name != "_io"}
        if isinstance(value, list):
            return [convert(element) for element in value]
        return value

    return convert(item.parse(data))


def read_dissect(item, data):
    """Returns the values that dissect.cstruct reads from `data` with `item`, without fields of padding."""

    def convert(value):
        # dissect.cstruct wraps a structure in a union in a proxy.
        value = getattr(value, "__target__", value)
        if hasattr(type(value), "__fields__"):
            fields = [field.name for field in type(value).__fields__ if not field.name.startswith("_pad")]
            return {name: convert(getattr(value, name)) for name in fields}
        if isinstance(value, list):
            return [convert(element) for element in value]
        if isinstance(value, bytes | str | float):
            return value
        return int(value)

    return convert(item(data))


def test_construct_reads_the_same_values():
    """A `construct.Struct` of `emit --to construct` reads the values that this package reads, in 200 layouts."""
    pytest.importorskip("construct")
    for text, data in layouts(200):
        found = read_construct(described(text, "construct"), data)
        assert normal(found) == normal(expected(text, data)), text


def test_dissect_reads_the_same_values():
    """The types of `emit --to dissect` read the values that this package reads, in 200 layouts."""
    pytest.importorskip("dissect.cstruct")
    for order in "<>":
        for text, data in layouts(100, order):
            found = read_dissect(described(text, "dissect"), data)
            assert normal(found) == normal(expected(text, data)), text


def test_numpy_reads_the_same_values():
    """A dtype of `emit --to numpy` reads the values that this package reads, in 200 layouts. Layouts with UCS-2 text
    are refused."""
    compared = 0
    for text, data in layouts(200):
        if "u:" in text:
            with pytest.raises(subprocess.CalledProcessError):
                described(text, "numpy")
            continue
        assert normal(read_numpy(described(text, "numpy"), data)) == normal(expected(text, data)), text
        compared += 1
    assert compared > 100


def test_ctypes_reads_the_same_values():
    """The classes of `emit --to ctypes` read the values that this package reads, in 200 layouts."""
    compared = 0
    for text, data in layouts(200):
        item = described(text, "ctypes")
        # Half floats and UCS-2 are integers in ctypes.
        if "e:" not in text and "u:" not in text:
            assert normal(read_ctypes(item, data)) == normal(expected(text, data)), text
            compared += 1
    assert compared > 50


def test_unions_of_c_source_are_described():
    """The members of a union start at the same byte in each library."""
    source = "union u { uint32_t word; uint8_t bytes[4]; struct { uint16_t low, high; } half; };"
    data = bytes([1, 2, 3, 4])
    wanted = {"word": 0x04030201, "bytes": [1, 2, 3, 4], "half": {"low": 0x0201, "high": 0x0403}}
    readers = {"numpy": read_numpy, "ctypes": read_ctypes, "construct": read_construct, "dissect": read_dissect}
    for library, read in readers.items():
        if library in ("construct", "dissect"):
            pytest.importorskip({"dissect": "dissect.cstruct"}.get(library, library))
        names = {}
        exec(emit(["--c", source, "--model", "lp64", "--to", library]), names)
        assert read(names["item"], data) == wanted, library


def without_padding(value):
    """Returns `value` with dicts in place of records. The dicts have no padding."""
    if hasattr(value, "_asdict"):
        fields = value._asdict().items()
        return {name: without_padding(element) for name, element in fields if not name.startswith("_pad")}
    return [without_padding(element) for element in value] if isinstance(value, list) else value


def read_record(item, data):
    """Returns the values that the record class `item` reads from `data`, without fields of padding. Asserts that
    packing the record gives `data`."""
    found = item.unpack(data)
    assert found.pack() == data
    return without_padding(found)


def test_record_classes_read_the_same_values():
    """The classes of `emit --to python-record` read and write the values that this package reads, in 200 layouts."""
    count = 0
    # Layouts whose fields have several byte orders in one record are refused.
    for source, text, data in [*sources("python-record", 100, "<"), *sources("python-record", 100)]:
        names = {}
        exec(compile(source, f"<{text}>", "exec"), names)
        assert normal(read_record(names["item"], data)) == normal(expected(text, data)), text
        count += 1
    assert count == 200


def test_a_record_class_of_c_source_has_no_padding_fields():
    """The padding of C is `align=True`, and the padding of other layouts is a field."""
    source = "struct tick { uint16_t id; struct { char tag; double x[3]; } in[2]; uint8_t last; };"
    names = {}
    exec(emit(["--c", source, "--model", "lp64", "--to", "python-record", "--name", "Tick"]), names)
    # `in` is a keyword of Python.
    assert names["Tick"]._fields == ("id", "field_8", "last")
    packed = emit(["T{<H:id:3xd:x:2x}", "--dialect", "pep3118", "--to", "python-record"])
    exec(packed, names)
    assert names["item"]._fields == ("id", "_pad2", "x", "_pad13")
    assert names["item"](1, b"", 2.5).pack() == struct.pack("<H3xd2x", 1, 2.5)


def random_bit_fields(choose, has_unnamed):
    """Returns the C source of a random structure, most of whose members are bit-fields. `has_unnamed` is true if some
    of the bit-fields have no name."""
    members = []
    for number in range(choose.randint(1, 8)):
        size = choose.choice([8, 16, 32, 64])
        ty, width = choose.choice(["int", "uint"]) + f"{size}_t", choose.randint(1, size)
        kinds = [f"{ty} x{number} : {width};"] * 6
        kinds += [f"_Bool x{number} : 1;", f"{ty} x{number};", *[f"{ty} : 0;", f"{ty} : {width};"] * has_unnamed]
        kinds += [f"struct {{ {ty} a : {width}; char b; }} x{number}[2];"]
        members.append(choose.choice(kinds))
    return f"struct s {{ uint8_t first : 3; {' '.join(members)} }};"


@pytest.mark.parametrize("model", ["lp64", "llp64", "s390x"])
def test_record_classes_of_c_have_the_same_bit_fields(model):
    """The classes of `emit --c --to python-record` have the values of the layout of C, for 12 structures."""
    choose = random.Random(model)
    for _ in range(12):
        # The compilers for s390x differ in the alignment of a bit-field without a name.
        source, names = random_bit_fields(choose, model != "s390x"), {}
        exec(emit(["--c", source, "--model", model, "--to", "python-record", "--name", "Item"]), names)
        layout = Format.from_c(source, model=model)
        assert names["Item"].itemsize == layout.itemsize, source
        data = choose.randbytes(layout.itemsize)
        assert normal(read_record(names["Item"], data)) == normal(without_padding(View(data, layout)[0])), source


def test_record_classes_of_c_name_the_pad_bits():
    source = "struct s { int a : 3; unsigned : 7; _Bool b : 1; char c; _Bool _pad0_3 : 1; long d : 40; };"
    names = {}
    exec(emit(["--c", source, "--model", "lp64", "--to", "python-record", "--name", "Item"]), names)
    # A field of the structure has the first name of these pad bits.
    assert names["Item"]._fields[:7] == ("a", "_pad0_3_", "_pad1_0", "b", "_pad1_3", "c", "_pad0_3")
    assert names["Item"].unpack(bytes([5, 4, 65, 1, 0, 0, 0, 0, 255, 255, 255, 255, 255, 0, 0, 0])).d == -1


def test_arrow_schemas_are_those_of_decode(tmp_path):
    """The schema of `emit --to arrow-schema` is the schema of `decode --to arrow`, in 200 layouts."""
    pyarrow = pytest.importorskip("pyarrow")
    file = tmp_path / "items"
    for text, data in layouts(200):
        file.write_bytes(data)
        names = {}
        exec(emit([text, "--dialect", "pep3118", "--model", "lp64", "--to", "arrow-schema"]), names)
        command = [sys.executable, "-m", "pep3118", "decode", file, text, "--dialect", "pep3118", "--to", "arrow"]
        decoded = subprocess.run(command, capture_output=True, check=True).stdout
        table = pyarrow.ipc.open_file(decoded).read_all()
        assert names["item"].equals(table.schema, check_metadata=True), text
        (row,) = table.to_pylist()
        assert pyarrow.Table.from_pylist([row], schema=names["item"]).equals(table), text
        assert normal(row) == normal(expected(text, data)), text


def compile_kaitai(sources):
    """Returns the Python classes that Kaitai Struct compiles from `sources`, the texts of `.ksy` files. Skips the test
    if the compiler or a package is not installed."""
    pytest.importorskip("kaitaistruct")
    yaml = pytest.importorskip("yaml")
    script = """
        const Compiler = require("kaitai-struct-compiler");
        const compiler = Compiler.compile ? Compiler : new Compiler();
        const sources = JSON.parse(require("fs").readFileSync(0, "utf8"));
        (async () => {
            const compiled = [];
            for (const source of sources)
                compiled.push(Object.values(await compiler.compile("python", source, null, false)).join(""));
            console.log(JSON.stringify(compiled));
        })().catch(error => { console.error(error); process.exit(1); });
    """
    node = shutil.which("node")
    probe = [str(node), "-e", 'require("kaitai-struct-compiler")']
    if node is None or subprocess.run(probe, capture_output=True).returncode:
        pytest.skip("node does not find kaitai-struct-compiler, for example by NODE_PATH")
    request = json.dumps([yaml.safe_load(source) for source in sources])
    compiled = subprocess.run([node, "-e", script], input=request, capture_output=True, text=True, check=True).stdout
    classes = []
    for source in json.loads(compiled):
        names = {}
        exec(source, names)
        classes.append(names["Item"])
    return classes


def read_kaitai(item, data):
    """Returns the values that the class `item` of Kaitai Struct reads from `data`."""

    def convert(value):
        if isinstance(value, list):
            return [convert(element) for element in value]
        if hasattr(value, "_io"):
            members = {name for name in vars(value) if not name.startswith("_")}
            members |= {name for name, member in vars(type(value)).items() if isinstance(member, property)}
            return {name: convert(getattr(value, name)) for name in members}
        return value

    return convert(item.from_bytes(data))


def sources(language, count=200, order=None):
    """Yields (source, format, bytes of an item) `count` times. The command writes each source in `language`.

    The generator skips formats that the language cannot describe.
    """
    for text, data in layouts(10 * count, order):
        try:
            source = emit([text, "--dialect", "pep3118", "--model", "lp64", "--to", language])
        except subprocess.CalledProcessError as error:
            assert f"error: {language} cannot describe " in error.stderr, text
            continue
        yield source, text, data
        count -= 1
        if count == 0:
            return


def test_kaitai_reads_the_same_values():
    """The types of `emit --to kaitai` read the values that this package reads, in 200 layouts."""
    cases = list(sources("kaitai"))
    classes = compile_kaitai([source for source, _, _ in cases])
    assert len(classes) == 200
    for item, (_, text, data) in zip(classes, cases, strict=True):
        assert normal(read_kaitai(item, data)) == normal(expected(text, data)), text


def test_kaitai_reads_a_union():
    """The members of a union start at the same byte, also in an array of records."""
    source = "struct s { uint8_t tag; union { uint32_t word; struct { uint16_t low, high; } half; } u[2]; };"
    (item,) = compile_kaitai([emit(["--c", source, "--model", "lp64", "--to", "kaitai"])])
    found = read_kaitai(item, bytes([9, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]))
    assert found == {
        "tag": 9,
        "u": [
            {"word": 0x04030201, "half": {"low": 0x0201, "high": 0x0403}},
            {"word": 0x08070605, "half": {"low": 0x0605, "high": 0x0807}},
        ],
    }


def test_zig_compiles_the_sources(tmp_path):
    """Zig accepts 200 sources of `emit --to zig`, which assert the size and the offsets."""
    pytest.importorskip("ziglang")
    names = []
    for number, (source, _, _) in enumerate(sources("zig")):
        names.append(f"layout{number}.zig")
        (tmp_path / names[-1]).write_text(source)
    root = "".join(f'    _ = @import("{name}").item;\n' for name in names)
    (tmp_path / "root.zig").write_text(f"comptime {{\n{root}}}\n")
    command = [sys.executable, "-m", "ziglang", "build-obj", "root.zig", "-fno-emit-bin"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (len(names), result.returncode) == (200, 0), result.stderr


def test_go_compiles_the_sources(tmp_path):
    """Go accepts 100 sources of `emit --to go`, which do not compile if a size or an offset is wrong."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("go is not installed")
    (tmp_path / "go.mod").write_text("module layouts\n\ngo 1.19\n")
    count = 0
    for number, (source, _, _) in enumerate(sources("go", 100, "<")):
        folder = tmp_path / f"layout{number}"
        folder.mkdir()
        (folder / "item.go").write_text(source)
        count += 1
    # The offline module has no dependencies.
    environment = os.environ | {"GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOCACHE": str(tmp_path / "cache")}
    result = subprocess.run([go, "vet", "./..."], cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert (count, result.returncode) == (100, 0), result.stderr
