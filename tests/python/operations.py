"""A table of the operations of the Python package, for tests of each operation.

`SETUP` is the source of the objects that the operations use. `OPERATIONS` maps the path of a public name to expressions
that use the name. No expression changes an object so that a repetition has another result. `EXCLUDED` maps the path of
each public name without expressions to the other program whose code runs for most of the time.
"""

SETUP = """
import array, copy, ctypes, gc, operator, pickle
import numpy as np
import pep3118
from pep3118 import *
from pep3118 import records as record_classes, struct
from pep3118.numpy import dtype_from_pep3118

class Pair(ctypes.Structure):
    _fields_ = [("a", ctypes.c_int), ("b", ctypes.c_double)]

class Bits(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint, 3), ("high", ctypes.c_uint, 5)]

class Outer(ctypes.Structure):
    _anonymous_ = ["pair"]
    _fields_ = [("pair", Pair), ("points", Pair * 2), ("pointer", ctypes.POINTER(ctypes.c_int))]

@record(order="<")
class Tick:
    id: u16
    price: f64
    tag: char[8]

class Indexed:
    def __index__(self):
        return 1

def failing(call, *arguments, **options):
    try:
        call(*arguments, **options)
    except (ArithmeticError, BufferError, LookupError, NotImplementedError, TypeError, ValueError, struct.error):
        pass

def consumed(iterable):
    for _ in iterable:
        pass

data, data12 = bytes(range(8)), bytes(range(12))
numbers = array.array("d", range(4))
integers = (ctypes.c_int * 4)()
pairs = (Pair * 4)()
table = np.ones(4, [("a", "<i4"), ("b", "<f8")])
# NumPy crashes if it creates a dtype without memory.
seconds, table_of_arrays = np.zeros(2, "M8[s]"), np.zeros(2, [("a", "u1", (2, 3))])
nested = np.zeros(4, [("x", [("y", "<i4"), ("z", "<f8")]), ("t", "U3")])
objects = np.array([None, 1, "text"], object)
tick = Tick(7, 9.5, b"a")
ticks = bytearray(tick.pack() * 4)
view, other = View(numbers), View(array.array("d", range(4)))
bytes_view = View(data)
wide = View(np.full(4, 2**62))
grid = View(np.ones((4, 4)))
records = View(table)
texts = View(np.full(4, "abcd", [("text", "U4"), ("bytes", "S4")]))
complexes = View(np.ones(4, "c16"))
halves = View(np.ones(4, "f2"))
long_doubles = View(np.ones(4, "g"))
booleans = View(np.ones(4, "?"))
characters = View(bytes(4)).cast("c")
swapped = View(np.ones(4, ">i4"))
dates = View(np.zeros(4, [("t", "M8[ns]"), ("n", "<i4")]))
references = View(objects)
structures = View(pairs)
bit_fields = View((Bits * 2)())
writable = View(table.copy())
nested_view = View(nested)
complexes_real = View(np.ones(4, "f4"))
wider = View(table.astype("<i8,<f8"))
rows = View(bytes(24)).cast("(2,3)i")
tick_view = View(ticks, Tick)
exporter = Exporter(data, format="B", shape=(2, 4))
format = Format("T{<i:a:<d:b:}")
large = Format("<i:a:T{B:b:(2,3)d:c:}:d:4s:e:")
aligned = Format("T{i:a:d:b:}")
field = large.fields[1]
report = check(data)
wrong = audit(Exporter(data, format="B"))
finding = check(np.ones(4, [("a", "<i4"), ("b", "<f8")]).view(np.recarray))
difference = diff("<i", "<h")
structure = struct.Struct("<Id")
tree = large._tree()
array_struct = struct.Struct("<(2)iT{h:a:}")
buffer12 = bytearray(12)
pickled = pickle.dumps(format)
pickled_row = pickle.dumps(records[0])
memory = ctypes.create_string_buffer(8)
# `collections.namedtuple` creates the classes of records. CPython 3.13 crashes if this function runs without memory.
# A class exists as long as its records.
existing = [v.tolist() for v in (records, nested_view, texts, dates, structures, bit_fields, wider)]
existing += [View(data).cast("T{<i:a:<i:b:}").tolist(), View((Outer * 2)()).tolist()]
"""

OPERATIONS = {
    # Functions.
    "audit": ["audit(data)", "audit(table)", "audit(exporter)", "failing(audit, 1)"],
    "calcsize": ["calcsize('<id')", "calcsize(b'T{<i:a:}')", "calcsize(Tick)", "calcsize(Pair)",
                 "calcsize(table.dtype)", "failing(calcsize, '<$')", "failing(calcsize, 1.5)"],
    "check": ["check(data)", "check(table)", "check(pairs, 'FULL')", "check(data, 0)", "failing(check, data, 'X')",
              "failing(check, data, 'WRITABLE')", "failing(check, 1)"],
    "diff": ["diff('<i', '<h')", "diff(Tick, '<i')", "failing(diff, '<', '$')"],
    "layout_of": ["layout_of(data)", "layout_of(table)", "layout_of(pairs)", "layout_of(numbers)", "layout_of(Tick)",
                  "layout_of(view)", "layout_of(memoryview(data))", "layout_of(Outer)", "layout_of(nested.dtype)",
                  "failing(layout_of, 1)"],
    "register_type": ["failing(register_type, 'not a name', 0, bytes, bytes)",
                      "failing(register_type, 'x', 2, None, None)"],
    # Exceptions.
    "BufferRuleError": ["failing(Exporter, data, shape=(99,))", "failing(wrong.raise_for_errors)"],
    "CastError": ["failing(view.cast, '<3s')", "failing(view.cast, '$')", "failing(grid.cast, 'B', (3,))"],
    "FieldNameError": ["failing(records.__getitem__, 'x')", "failing(records.columns, 'x')"],
    "FormatError": ["failing(Format, '<$')", "failing(View, data, '<$')", "failing(Format, 'T{d:f0:B:f1:}', 9)"],
    "IndexCountError": ["failing(view.__getitem__, (0, 1))"],
    "SelectionError": ["failing(View(numbers).__setitem__, [0, 1], b'abc')"],
    "__version__": ["pep3118.__version__"],
    # Difference, Finding, Report.
    "Difference.difference": ["difference.difference"],
    "Difference.equivalence": ["difference.equivalence", "diff('<i', '<i').equivalence"],
    "Difference.__bool__": ["bool(difference)"],
    "Difference.__repr__": ["repr(difference)"],
    "Difference.__str__": ["str(difference)"],
    "Difference._repr_html_": ["difference._repr_html_()"],
    "Finding.rule": ["[f.rule for f in finding.findings]"],
    "Finding.name": ["[f.name for f in finding.findings]"],
    "Finding.severity": ["[f.severity for f in finding.findings]"],
    "Finding.message": ["[f.message for f in finding.findings]"],
    "Finding.requests": ["[f.requests for f in finding.findings]"],
    "Finding.explain": ["[f.explain() for f in finding.findings]"],
    "Finding.__eq__": ["finding.findings == finding.findings", "[f == 1 for f in finding.findings]"],
    "Finding.__repr__": ["repr(finding.findings)"],
    "Finding.__str__": ["[str(f) for f in finding.findings]"],
    "Finding.__lt__": ["[failing(operator.lt, f, f) for f in finding.findings]"],
    "Finding.__le__": ["[failing(operator.le, f, f) for f in finding.findings]"],
    "Finding.__gt__": ["[failing(operator.gt, f, f) for f in finding.findings]"],
    "Finding.__ge__": ["[failing(operator.ge, f, f) for f in finding.findings]"],
    "Finding.__hash__": ["[failing(hash, f) for f in finding.findings]"],
    "Finding.__ne__": ["[f != f for f in finding.findings]"],
    "Report.exporter": ["report.exporter"],
    "Report.findings": ["report.findings", "finding.findings"],
    "Report.readable": ["report.readable"],
    "Report.layout_source": ["report.layout_source", "finding.layout_source"],
    "Report.rules": ["report.rules", "finding.rules"],
    "Report.explain": ["report.explain()", "finding.explain()"],
    "Report.to_json": ["report.to_json()", "finding.to_json()"],
    "Report.raise_for_errors": ["report.raise_for_errors()", "report.raise_for_errors(['T01'])",
                                "failing(report.raise_for_errors, ['X'])"],
    "Report.__bool__": ["bool(report)"],
    "Report.__len__": ["len(report)"],
    "Report.__getitem__": ["finding[:]", "failing(report.__getitem__, 99)"],
    "Report.__iter__": ["list(finding)"],
    "Report.__contains__": ["'T01' in finding", "failing(operator.contains, finding, 'X')"],
    "Report.__repr__": ["repr(report)", "repr(finding)"],
    "Report.__str__": ["str(report)", "str(finding)"],
    "Report._repr_html_": ["report._repr_html_()", "finding._repr_html_()"],
    # View.
    "View.__new__": ["View(data)", "View(numbers)", "View(table)", "View(nested)", "View(integers)", "View(pairs)",
                     "View(objects)", "View(view)", "View(memoryview(data))", "View(exporter)", "View(ticks, Tick)",
                     "View(data, '<i')", "View(data, '<i', 'struct')", "View(data, format='<h')",
                     "View(seconds)", "View(table_of_arrays)", "View((Outer * 2)())",
                     "failing(View, 1)", "failing(View, data, '<$')", "failing(View, data, dialect='x')"],
    "View.obj": ["view.obj"],
    "View.nbytes": ["view.nbytes", "wide.nbytes"],
    "View.readonly": ["view.readonly"],
    "View.format": ["view.format", "records.format", "structures.format"],
    "View.itemsize": ["view.itemsize", "View(bytes(2000), '1000s').itemsize"],
    "View.ndim": ["view.ndim"],
    "View.shape": ["view.shape", "View(bytes(1000)).shape"],
    "View.strides": ["view.strides", "grid.strides", "View(np.ones((3, 1000))).strides"],
    "View.suboffsets": ["view.suboffsets"],
    "View.c_contiguous": ["view.c_contiguous"],
    "View.f_contiguous": ["view.f_contiguous"],
    "View.contiguous": ["view.contiguous"],
    "View.fields": ["records.fields", "view.fields"],
    "View.certainty": ["view.certainty"],
    "View.dialect": ["view.dialect"],
    "View.explain": ["view.explain()", "records.explain()"],
    "View.tolist": ["view.tolist()", "wide.tolist()", "records.tolist()", "grid.tolist()", "texts.tolist()",
                    "complexes.tolist()", "halves.tolist()", "long_doubles.tolist()", "booleans.tolist()",
                    "characters.tolist()", "swapped.tolist()", "dates.tolist()", "references.tolist()",
                    "structures.tolist()", "bit_fields.tolist()", "rows.tolist()", "tick_view.tolist()",
                    "View(bytes(8)).cast('d', ()).tolist()"],
    "View.tobytes": ["view.tobytes()", "grid.tobytes('F')", "view[::-1].tobytes()", "failing(view.tobytes, 'X')"],
    "View.hex": ["view.hex()", "view.hex('-', 2)"],
    "View.toreadonly": ["view.toreadonly()"],
    "View.cast": ["view.cast('B')", "view.cast('T{<i:a:<i:b:}')[0]", "view.cast('B', (2, 16))", "view.cast(Pair)",
                  "view.cast('<i', dialect='struct')", "view.cast('B', (2, 16), order='F')",
                  "view.cast(np.dtype('i4'))",
                  "failing(view.cast, 'B', (99,))", "failing(view.cast, 'B', order='X')"],
    "View.transpose": ["grid.transpose()", "grid.transpose(1, 0)", "failing(grid.transpose, 0)"],
    "View.columns": ["records.columns()", "texts.columns()", "nested_view.columns()", "records.columns('a')",
                     "structures.columns()", "dates.columns()"],
    "View.count": ["view.count(1.0)", "records.count((1, 1.0))", "grid.count(grid[0])"],
    "View.index": ["view.index(1.0)", "view.index(1.0, 1, 3)", "failing(view.index, 99)"],
    "View.__class_getitem__": ["View[int]"],
    "View.release": ["View(data).release()"],
    "View.__arrow_c_schema__": ["records.__arrow_c_schema__()", "view.__arrow_c_schema__()"],
    "View.__arrow_c_array__": ["records.__arrow_c_array__()", "view.__arrow_c_array__()", "texts.__arrow_c_array__()"],
    "View.__arrow_c_stream__": ["records.__arrow_c_stream__()", "view.__arrow_c_stream__()"],
    "View.__array_interface__": ["view.__array_interface__", "records.__array_interface__", "grid.__array_interface__"],
    "View.__dlpack__": ["view.__dlpack__()", "view.__dlpack__(max_version=(1, 0))", "grid.__dlpack__(copy=True)",
                        "failing(records.__dlpack__)"],
    "View.__dlpack_device__": ["view.__dlpack_device__()"],
    "View.__bytes__": ["bytes(view)"],
    "View.__enter__": ["View(data).__enter__()"],
    "View.__exit__": ["View(data).__exit__(None, None, None)"],
    "View.__len__": ["len(view)"],
    "View.__getitem__": ["view[1]", "wide[1]", "view[1:]", "view[::2]", "records['b']", "records['b'][1]",
                         "nested_view['x']['y'][1]", "nested_view['x.y']", "records[1]", "texts[1]", "grid[1]",
                         "grid[1, 2]", "grid[1:, ::2]", "grid[..., 1]", "view[...]", "view[Indexed()]", "view[[0, 2]]",
                         "view[np.array([True, False, True, True])]", "dates[0]", "references[1]", "structures[1]",
                         "bit_fields[1]", "rows[0]", "tick_view[1]", "complexes[1]", "halves[1]", "long_doubles[1]",
                         "characters[1]", "swapped[1]", "View(bytes(8)).cast('d', ())[()]",
                         "failing(view.__getitem__, 99)", "failing(view.__getitem__, 'x')",
                         "failing(view.__getitem__, 1.5)", "failing(view.__getitem__, slice(None, None, 0))",
                         "failing(view.__getitem__, [99])"],
    "View.__setitem__": ["view.__setitem__(1, 1.5)", "view.__setitem__(1, Indexed())", "grid.__setitem__((1, 2), 1.5)",
                         "view.__setitem__(slice(None), other)", "view.__setitem__(slice(None), [1.5] * 4)",
                         "view.__setitem__(slice(None), 1.5)", "view.__setitem__(slice(None, None, -1), view)",
                         "view.__setitem__(slice(None), complexes_real)",
                         "failing(view.__setitem__, slice(None), complexes)",
                         "writable.__setitem__(0, {'a': 1, 'b': 2.5})", "writable.__setitem__(0, (1, 2.5))",
                         "writable.__setitem__(slice(None), records)", "writable['a'].__setitem__(slice(None), 7)",
                         "texts.__setitem__(0, ('ab', b'cd'))", "references.__setitem__(0, 'new')",
                         "complexes.__setitem__(0, 1j)", "halves.__setitem__(0, 1.5)", "booleans.__setitem__(0, [])",
                         "tick_view.__setitem__(0, tick)", "structures.__setitem__(0, (1, 2.0))",
                         "view.__setitem__([0, 1], 2.0)", "view.__setitem__([0, 1], [2.0, 3.0])",
                         "failing(view.__setitem__, 0, 'text')", "failing(view.__setitem__, 99, 1.0)",
                         "failing(bytes_view.__setitem__, 0, 1)", "failing(wide.__setitem__, 0, 2**70)"],
    "View.__delitem__": ["failing(view.__delitem__, 0)"],
    "View.__iter__": ["list(view)", "list(grid)", "list(records)", "list(texts)", "consumed(records)", "consumed(rows)",
                      "list(references)", "list(tick_view)", "consumed(view)"],
    "View.__reversed__": ["list(reversed(view))", "list(reversed(records))"],
    "View.__eq__": ["view == other", "records == View(table)", "records == wider", "view == 1", "view == numbers",
                    "bytes_view == data", "texts == texts", "references == references", "grid == View(np.ones((4, 4)))",
                    "View(data).cast('h0c', dialect='struct') == View(data).cast('H0c', dialect='struct')"],
    "View.__ne__": ["view != other"],
    "View.__lt__": ["failing(operator.lt, view, view)"],
    "View.__le__": ["failing(operator.le, view, view)"],
    "View.__gt__": ["failing(operator.gt, view, view)"],
    "View.__ge__": ["failing(operator.ge, view, view)"],
    "View.__hash__": ["hash(View(data))", "failing(hash, view)"],
    "View.__repr__": ["repr(records)", "repr(view)", "repr(structures)"],
    "View.__buffer__": ["memoryview(view)", "memoryview(records)", "bytes(memoryview(grid))"],
    "View.__release_buffer__": ["memoryview(view).release()"],
    "View._repr_html_": ["view._repr_html_()", "records._repr_html_()"],
    # Exporter.
    "Exporter.__new__": ["Exporter(data, format='B', shape=(2, 4))", "Exporter(data, format=None)",
                         "Exporter(data, format=Tick, shape=(0,))", "Exporter(bytearray(8), readonly=True)",
                         "Exporter(data, format='c', shape=(3,), strides=(-2,), offset=5)",
                         "failing(Exporter, data, strides=(1,))", "failing(Exporter, data, format='$')",
                         "failing(Exporter, data, format='<3s')", "failing(Exporter, 1)"],
    "Exporter.from_address": ["Exporter.from_address(ctypes.addressof(memory), 8, memory)",
                              "failing(Exporter.from_address, 0, 8, None)"],
    "Exporter.exports": ["exporter.exports"],
    "Exporter.obj": ["exporter.obj"],
    "Exporter.format": ["exporter.format"],
    "Exporter.itemsize": ["exporter.itemsize"],
    "Exporter.nbytes": ["exporter.nbytes"],
    "Exporter.ndim": ["exporter.ndim"],
    "Exporter.readonly": ["exporter.readonly"],
    "Exporter.shape": ["exporter.shape"],
    "Exporter.strides": ["exporter.strides"],
    "Exporter.suboffsets": ["exporter.suboffsets"],
    "Exporter.c_contiguous": ["exporter.c_contiguous"],
    "Exporter.f_contiguous": ["exporter.f_contiguous"],
    "Exporter.contiguous": ["exporter.contiguous"],
    "Exporter.__repr__": ["repr(exporter)"],
    "Exporter.__buffer__": ["memoryview(exporter)"],
    "Exporter.__release_buffer__": ["memoryview(exporter).release()"],
    # Field.
    "Field.name": ["field.name"],
    "Field.name_bytes": ["field.name_bytes"],
    "Field.offset": ["field.offset", "Format('2000x:a:i:b:').fields[-1].offset"],
    "Field.size": ["field.size", "Format('2000s').item.size"],
    "Field.itemsize": ["field.itemsize"],
    "Field.count": ["field.count"],
    "Field.shape": ["field.shape", "field['c'].shape"],
    "Field.type": ["field.type"],
    "Field.bits": ["field.bits", "Format(Bits).fields[0].bits"],
    "Field.endian": ["field.endian", "field['c'].endian"],
    "Field.fields": ["field.fields"],
    "Field.is_union": ["field.is_union"],
    "Field.__getitem__": ["field['c']", "failing(field.__getitem__, 'x')"],
    "Field.__len__": ["len(field)"],
    "Field.__bool__": ["bool(field)"],
    "Field.__repr__": ["repr(field)"],
    # Format.
    "Format.__new__": ["Format('<i')", "Format(b'<i')", "Format(Tick)", "Format(Pair)", "Format(Outer)",
                       "Format(table.dtype)", "Format(None)", "Format('T{i:a:b:b:}', 8)",
                       "Format('<i', dialect='struct')",
                       "Format('l', model='ilp32')", "Format(format)", "failing(Format, 1.5)",
                       "failing(Format, '<i', model='x')", "failing(Format, '<i', dialect='x')"],
    "Format.from_dtype": ["Format.from_dtype(nested.dtype)", "failing(Format.from_dtype, 1)"],
    "Format.from_ctypes": ["Format.from_ctypes(Outer)", "Format.from_ctypes(Bits)",
                           "failing(Format.from_ctypes, int)"],
    "Format.from_c": ["Format.from_c('struct s { int a; double b; };')", "failing(Format.from_c, 'struct')"],
    "Format.format": ["format.format"],
    "Format.itemsize": ["format.itemsize"],
    "Format.alignment": ["format.alignment"],
    "Format.fields": ["large.fields"],
    "Format.item": ["format.item"],
    "Format.certainty": ["format.certainty"],
    "Format.dialect": ["format.dialect"],
    "Format.model": ["format.model"],
    "Format.alternatives": ["format.alternatives", "Format('T{d:f0:B:f1:}', 9).alternatives"],
    "Format.explain": ["large.explain()", "large.explain(width=60, color=True)"],
    "Format.svg": ["large.svg()"],
    "Format.emit": ["format.emit()", "format.emit('numpy')", "failing(large.emit, 'struct')",
                    "failing(format.emit, 'x')"],
    # NumPy replaces a MemoryError in a list of fields by a TypeError.
    "Format.to_dtype": ["Format('(2,3)<i').to_dtype()", "Format('4s').to_dtype()"],
    "Format.to_ctypes": ["Format(Pair).to_ctypes()", "format.to_ctypes('Name')", "Format(Bits).to_ctypes()",
                         "Format('<P').to_ctypes()"],
    "Format.to_c": ["large.to_c()"],
    "Format.to_rust": ["large.to_rust()"],
    "Format.__eq__": ["format == aligned", "format == 1"],
    "Format.__ne__": ["format != aligned"],
    "Format.__lt__": ["failing(operator.lt, format, format)"],
    "Format.__le__": ["failing(operator.le, format, format)"],
    "Format.__gt__": ["failing(operator.gt, format, format)"],
    "Format.__ge__": ["failing(operator.ge, format, format)"],
    "Format.__hash__": ["hash(format)"],
    "Format.__copy__": ["copy.copy(format)"],
    "Format.__deepcopy__": ["copy.deepcopy(format)"],
    "Format.__reduce__": ["format.__reduce__()", "pickle.loads(pickled)"],
    "Format.__repr__": ["repr(format)", "repr(large)"],
    "Format.__str__": ["str(format)"],
    "Format._repr_html_": ["format._repr_html_()"],
    "Format._tree": ["large._tree()"],
    "Format._restore": ["Format._restore(tree, 'pep3118', 'host')"],
    # Record classes.
    "Record": ["Tick(1, 2.0, b'x')", "tick.id", "repr(tick)", "tick == Tick(7, 9.5, b'a')", "hash(tick)",
               "tick.__reduce__()", "tick._asdict()", "tick._replace(id=8)", "tick.pack()", "Tick.unpack(bytes(18))",
               "Tick.unpack_from(ticks, 18)", "list(Tick.iter_unpack(ticks))", "tick.pack_into(bytearray(18))",
               "failing(Tick.unpack, b'')",
               "records[0]._asdict()", "records[0].__reduce__()",
               "pickle.loads(pickled_row)"],
    "bits": ["bits[u16, 3]"],
    **{
        name: [f"{name}[2]"]
        for name in "bool_ char complex64 complex128 f16 f32 f64 i8 i16 i32 i64 isize u8 u16 u32 u64 ucs2 ucs4 usize "
        "wchar".split()
    },
    # struct.
    "struct.Struct.__new__": ["struct.Struct.__new__(struct.Struct)"],
    "struct.Struct.__init__": ["struct.Struct('<Id')", "struct.Struct('<(2)i')", "struct.Struct(Tick)",
                               "failing(struct.Struct, '<$')", "failing(struct.Struct, 1)"],
    "struct.Struct.format": ["structure.format"],
    "struct.Struct.size": ["structure.size", "struct.Struct('2000s').size"],
    "struct.Struct.pack": ["structure.pack(2**31, 1.5)", "array_struct.pack([1, 2], (3,))",
                           "failing(structure.pack, 1)", "failing(structure.pack, 2**70, 1.5)"],
    "struct.Struct.pack_into": ["structure.pack_into(buffer12, 0, 1, 1.5)",
                                "failing(structure.pack_into, buffer12, 9, 1, 1.5)"],
    "struct.Struct.unpack": ["structure.unpack(data12)", "array_struct.unpack(bytes(10))",
                             "structure.unpack(bytearray(12))", "failing(structure.unpack, b'')"],
    "struct.Struct.unpack_from": ["structure.unpack_from(data12)", "structure.unpack_from(data12, offset=0)",
                                  "failing(structure.unpack_from, data12, 9)"],
    "struct.Struct.iter_unpack": ["list(structure.iter_unpack(data12 * 3))",
                                  "failing(structure.iter_unpack, data)"],
    "struct.Struct.__repr__": ["repr(structure)"],
    "struct.Struct.__sizeof__": ["structure.__sizeof__()"],
    "struct.calcsize": ["struct.calcsize('<Id')", "failing(struct.calcsize, '$')"],
    "struct.pack": ["struct.pack('<Id', 2**31, 1.5)", "failing(struct.pack, '<i', 2**70)",
                    "failing(struct.pack, '<i', 'x')", "struct.pack('4s4pw', b'a', b'b', 'c')"],
    "struct.pack_into": ["struct.pack_into('<Id', buffer12, 0, 1, 1.5)",
                         "failing(struct.pack_into, '<i', data12, 2**70, 1)"],
    "struct.unpack": ["struct.unpack('<Id', data12)", "struct.unpack('4s4p?c', bytes(10))",
                      "failing(struct.unpack, '<Id', b'')", "struct.unpack('2T{<h:a:(2)B:b:}', bytes(8))"],
    "struct.unpack_from": ["struct.unpack_from('<Id', data12)", "struct.unpack_from('<I', data12, offset=4)"],
    "struct.iter_unpack": ["list(struct.iter_unpack('<Id', data12))", "consumed(struct.iter_unpack('<I', data12))"],
    "struct.error": ["struct.error()"],
    # NumPy.
    "numpy.dtype_from_pep3118": ["dtype_from_pep3118('<d')", "dtype_from_pep3118('(2,3)<i')",
                                 "failing(dtype_from_pep3118, '$')"],
}  # fmt: skip

EXCLUDED = {
    # NumPy replaces the MemoryError of its reader of formats by a ValueError.
    "View.to_numpy": "NumPy",
    "View.to_arrow": "pyarrow",
    "View.to_pandas": "pandas",
    "View.to_polars": "polars",
    # Without memory, `exec` of CPython 3.13 crashes, and calls of Python functions can fail without an exception.
    "record": "the compiler of Python, which creates the constructor of the class",
}
