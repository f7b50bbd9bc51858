r"""Record classes, whose annotations declare the layout of a record.

The module has the decorator `record`, the base class `Record`, and the field types such as `u16`.

>>> from pep3118 import View, char, f64, record, u16
>>> @record(order="<")
... class Tick:
...     id: u16
...     price: f64
...     tag: char[8]
>>> Tick.format, Tick.itemsize
('T{<H:id:<d:price:8s:tag:}', 18)
>>> data = Tick(7, 9.5, b"a").pack()
>>> Tick.unpack(data)
Tick(id=7, price=9.5, tag=b'a\x00\x00\x00\x00\x00\x00\x00')
>>> View(data, Tick)[0].price
9.5
"""

from __future__ import annotations

import copy
import functools
import itertools
import keyword
import math
import struct as _struct
import sys
import types
from operator import index, itemgetter
from typing import Annotated, ClassVar, get_args, get_origin

from ._pep3118 import Format, _RecordCodec

_ORDERS = {"<": "little", ">": "big", "=": sys.byteorder, "!": "big"}

try:
    # Classes of `namedtuple` use this descriptor. It reads an attribute faster than a property with a Python function.
    from _collections import _tuplegetter as _getter
except ImportError:

    def _getter(position, doc):
        return property(itemgetter(position), doc=doc)


# The attributes of a record class that a field cannot replace.
_RESERVED = frozenset(
    "format itemsize unpack unpack_from iter_unpack pack pack_into _asdict _replace _make _fields _field_defaults "
    "from_c from_format".split()
)


class FieldType:
    """The type of a field: a number, a byte string, or text. `type[3]` is an array of three values.

    The last dimension of `char`, `wchar`, `ucs2` and `ucs4` is the length of a string: `char[8]` is `bytes`, and
    `char[4, 8]` is a list of four `bytes`.

    >>> from pep3118 import char, f64, u16
    >>> u16, f64[2, 3], char[8]
    (u16, f64[2, 3], char[8])
    """

    __slots__ = ("_lengths", "_name", "_type", "align", "size")

    def __init__(self, name, type, size, align, lengths=()):
        """Creates the field type `name`.

        `type` is the name of the type in a layout. `size` and `align` are in bytes, and `lengths` are the dimensions of
        an array.
        """
        self._name, self._type, self.size, self.align, self._lengths = name, type, size, align, lengths

    def __getitem__(self, lengths):
        """Returns the type of an array with the dimensions `lengths`.

        Raises TypeError if this type is an array already, or if a dimension is not an integer.
        """
        if self._lengths:
            raise TypeError(f"{self!r} is an array: give all dimensions at once, such as {self._name}[2, 3]")
        return FieldType(self._name, self._type, self.size, self.align, _dimensions(self._name, lengths))

    def __repr__(self):
        """Returns the type as it is written in an annotation."""
        return f"{self._name}[{', '.join(map(str, self._lengths))}]" if self._lengths else self._name

    def _node(self, name, offset, endian):
        """Returns a dict that describes the field `name` of this type at the byte `offset`, for `Format._restore`."""
        node = {"name": name, "offset": offset, "endian": endian}
        if self._type in _STRINGS and self._lengths:
            *shape, length = self._lengths
            return node | {"shape": shape, "type": _STRINGS[self._type], "itemsize": self.size * length}
        return node | {"shape": list(self._lengths), "type": self._type, "itemsize": self.size}


class _BitFieldType:
    """The type of a bit-field: a number of bits of an integer type."""

    __slots__ = ("type", "width")

    def __init__(self, type, width):
        """Creates the type of a bit-field of `width` bits, whose values have the integer type `type`."""
        self.type, self.width = type, width

    def __repr__(self):
        """Returns the type as it is written in an annotation."""
        return f"bits[{self.type!r}, {self.width}]"


class _Bits:
    """The class of `bits`, whose subscript is the type of a bit-field.

    >>> from pep3118 import bits, i16, record, u8
    >>> @record
    ... class Status:
    ...     ready: bits[u8, 1]
    ...     level: bits[i16, 7]
    >>> Status.itemsize, Status(1, -64)
    (1, Status(ready=1, level=-64))
    """

    __slots__ = ()

    def __getitem__(self, arguments):
        """Returns the type of a bit-field. `arguments` are its integer type and its number of bits.

        Raises TypeError for other arguments, and ValueError if the integer type has fewer bits or there are no bits.
        """
        type, width = arguments if isinstance(arguments, tuple) and len(arguments) == 2 else (None, None)
        if not isinstance(type, FieldType) or type._lengths or type._type not in _C_INTEGERS:
            raise TypeError("bits[…] has an integer type and a number of bits, such as bits[u32, 5]")
        try:
            width = index(width)
        except TypeError:
            raise TypeError(f"the number of bits in bits[{type!r}, …] is an integer, such as bits[u32, 5]") from None
        most = 1 if type._type == "bool" else type.size * 8
        if not 1 <= width <= most:
            raise ValueError(f"a bit-field of {type!r} has 1 to {most} bits, not {width}")
        return _BitFieldType(type, width)

    def __repr__(self):
        """Returns the name of the object."""
        return "bits"


# The C type of the values of a bit-field.
_C_INTEGERS = {f"{sign}int{size}": f"{sign}int{size}_t" for sign in ("", "u") for size in (8, 16, 32, 64)}
_C_INTEGERS["bool"] = "_Bool"

# For each character type, the name of its string type in a layout.
_STRINGS = {"char": "bytes", "ucs2": "ucs2", "ucs4": "ucs4", "wchar": "wchar"}


class _Array:
    """The type of a field that is an array of records, such as `Point[3]`."""

    __slots__ = ("record", "shape")

    def __init__(self, record, shape):
        self.record, self.shape = record, shape

    def __repr__(self):
        return f"{self.record.__name__}[{', '.join(map(str, self.shape))}]"


def _dimensions(name, shape):
    """Returns the shape that `name[shape]` declares, as a tuple.

    Raises TypeError if a dimension is not an integer, and ValueError if it is negative or there is no dimension.
    """
    shape = shape if isinstance(shape, tuple) else (shape,)
    try:
        shape = tuple(index(length) for length in shape)
    except TypeError:
        raise TypeError(f"the dimensions of {name}[…] are integers, such as {name}[3]") from None
    if not shape or min(shape) < 0:
        raise ValueError(f"the dimensions of {name}[…] are not negative, such as {name}[3]")
    return shape


def _number(name, type, code):
    """Returns the FieldType `name`, with the size and the alignment of the format character `code` on this machine."""
    format = Format(f"@{code}", dialect="pep3118")
    return FieldType(name, type, format.itemsize, format.alignment)


i8 = _number("i8", "int8", "b")
u8 = _number("u8", "uint8", "B")
i16 = _number("i16", "int16", "h")
u16 = _number("u16", "uint16", "H")
i32 = _number("i32", "int32", "i")
u32 = _number("u32", "uint32", "I")
i64 = _number("i64", "int64", "q")
u64 = _number("u64", "uint64", "Q")
isize = _number("isize", f"int{_struct.calcsize('n') * 8}", "n")
usize = _number("usize", f"uint{_struct.calcsize('N') * 8}", "N")
f16 = _number("f16", "float16", "e")
f32 = _number("f32", "float32", "f")
f64 = _number("f64", "float64", "d")
complex64 = _number("complex64", "complex64", "Zf")
complex128 = _number("complex128", "complex128", "Zd")
bool_ = _number("bool_", "bool", "?")
bits = _Bits()
char = FieldType("char", "char", 1, 1)
wchar = FieldType("wchar", "wchar", *[Format.from_c("struct s { wchar_t c; };").itemsize] * 2)
ucs2 = FieldType("ucs2", "ucs2", 2, 2)
ucs4 = FieldType("ucs4", "ucs4", 4, 4)


class Record(tuple):
    """The base class of record classes.

    `class Tick(Record, order="<")` declares the same class as `@record(order="<")` above `class Tick`. Type checkers
    know the methods of a class that is derived from `Record`.

    A record is a tuple whose elements are the values of the fields. An array is a list. A nested record is a record.

    >>> from pep3118 import Record, f32
    >>> class Point(Record, order=">"):
    ...     x: f32
    ...     y: f32 = 0.5
    >>> Point(1.0), Point(1.0).pack().hex(), Point.unpack(bytes(8))._asdict()
    (Point(x=1.0, y=0.5), '3f8000003f000000', {'x': 0.0, 'y': 0.0})
    """

    __slots__ = ()

    _fields: ClassVar[tuple[str, ...]] = ()
    _field_defaults: ClassVar[dict[str, object]] = {}

    def __init_subclass__(cls, order="=", align=False, _layout=None, **options):
        """Computes the layout of the class `cls`.

        `order` and `align` have the meaning of the arguments of `record`. With `_layout`, uses this layout. A class
        derived from a record class has the layout of that class.
        """
        super().__init_subclass__(**options)
        if _layout is not None:
            _complete(cls, *_layout)
        elif hasattr(cls, "__pep3118_codec__"):
            _derive(cls)
        else:
            _declare(cls, order, align)

    @staticmethod
    def from_c(source, name=None):
        """Returns the record class with the layout of a C type in `source` on this machine.

        `name` is the tag or the typedef of the C type. By default, the type is the last structure of `source`.

        Type checkers do not know the fields of the class, except mypy with the plugin `pep3118.mypy`. The command
        `pep3118 emit --c FILE --to python-record` writes a class whose fields every type checker knows.

        >>> from pep3118 import Record
        >>> Tick = Record.from_c("struct tick { uint16_t id; double price; char tag[8]; };", "tick")
        >>> Tick.itemsize, Tick(7, 9.5, b"a")
        (24, tick(id=7, price=9.5, tag=b'a'))
        """
        return Record.from_format(Format.from_c(source, name), name or "Record")

    @staticmethod
    def from_format(format, name="Record"):
        """Returns the record class named `name` with the layout of `format`, a Format.

        >>> from pep3118 import Format, Record
        >>> Record.from_format(Format("T{<h:a:<h:b:}"), "Pair")(1, 2)
        Pair(a=1, b=2)
        """
        return _of_format(name, format)

    def __class_getitem__(cls, shape):
        """Returns the type of a field that is an array of records: `Point[3]`."""
        if cls is Record:
            raise TypeError("Record has no layout: write an array of a class that is derived from Record")
        return _Array(cls, _dimensions(cls.__name__, shape))

    def pack(self):
        """Returns the bytes of the record. Raises struct.error if a value does not fit its field."""
        return self.__pep3118_codec__.pack(self)

    def pack_into(self, buffer, offset=0):
        """Writes the record to byte `offset` of `buffer`. If a value does not fit, `buffer` does not change."""
        self.__pep3118_codec__.pack_into(self, buffer, offset)

    @classmethod
    def unpack(cls, buffer, /):
        """Returns the record in `buffer`. The size of `buffer` must be the size of one record."""
        # `_complete` replaces this method by a function of the codec, which takes half the time.
        return cls.__pep3118_codec__.unpack(buffer)

    @classmethod
    def iter_unpack(cls, buffer, /):
        """Returns an iterator over the records of `buffer`, whose size must be a multiple of the size of a record."""
        return cls.__pep3118_codec__.iter_unpack(buffer)

    @classmethod
    def unpack_from(cls, buffer, offset=0):
        """Returns the record at byte `offset` of `buffer`. A negative offset counts from the end."""
        return cls.__pep3118_codec__.unpack_from(buffer, offset)

    @classmethod
    def _make(cls, values):
        """Returns a record with the values of the iterable `values`."""
        return cls(*values)

    def _asdict(self):
        """Returns a dict of the values by the names of the fields."""
        return dict(zip(self._fields, self, strict=True))

    def _replace(self, /, **values):
        """Returns a record with other values for the fields in `values`."""
        return type(self)(**{**self._asdict(), **values})

    __replace__ = _replace

    def __repr__(self):
        """Returns the name of the class, and the names and the values of the fields."""
        values = ", ".join(f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True))
        return f"{type(self).__name__}({values})"

    def __getnewargs__(self):
        """Returns the arguments with which `copy` creates the record again."""
        return tuple(self)

    def __reduce__(self):
        """Returns the function and the arguments with which `pickle` creates the record again."""
        cls = type(self)
        found = sys.modules.get(cls.__module__)
        for name in cls.__qualname__.split("."):
            found = getattr(found, name, None)
        if found is cls:
            return cls, tuple(self)
        # If the class is not an attribute of its module, `pickle` creates the class again from its layout.
        return _restore, (cls.__name__, cls.__pep3118_format__, tuple(self))


def record(cls=None, /, *, order="=", align=False):
    """Makes `cls` a record class. The annotations of `cls` are the fields of a record.

    - `order`: the byte order of all fields. "<" is little-endian, ">" and "!" are big-endian, and "=" is the order of
      this machine. `@record("<")` means `@record(order="<")`.
    - `align`: whether the record has the alignment and the padding of a C structure. By default, it has no padding.

    A field `bits[u32, 5]` is a bit-field of 5 bits. Adjacent bit-fields share bytes: with `align`, as the C compiler of
    this machine places them, and otherwise as in a packed structure of GCC.

    The class has `format`, `itemsize`, `unpack`, `unpack_from` and `iter_unpack`. Its objects are tuples with `pack`
    and `pack_into`. `View(data, cls)` is a view whose items are objects of the class.

    >>> from pep3118 import record, f64, u8
    >>> @record(align=True)
    ... class Point:
    ...     kind: u8
    ...     xyz: f64[3] = [0.0, 0.0, 0.0]
    >>> Point.itemsize, Point(kind=1)
    (32, Point(kind=1, xyz=[0.0, 0.0, 0.0]))
    >>> from pep3118 import bits, i16
    >>> @record(order="<")
    ... class Status:
    ...     ready: bits[u8, 1]
    ...     level: bits[i16, 7]
    >>> Status(1, -2).pack().hex(), Status.unpack(bytes([253]))
    ('fd', Status(ready=1, level=-2))
    """
    if isinstance(cls, str):
        cls, order = None, cls
    if cls is None:
        return lambda cls: _decorate(cls, order, align)
    return _decorate(cls, order, align)


def _decorate(cls, order, align):
    """Returns a copy of `cls` that is derived from `Record`. `order` and `align` are the arguments of `record`.

    Raises TypeError if `cls` is not a class, or is already a record class.
    """
    if not isinstance(cls, type):
        raise TypeError(f"record() makes a class a record class, not {cls!r}: write @record(order='<')")
    if issubclass(cls, Record):
        raise TypeError(f"{cls.__name__} is a record class: give the options in its class statement")
    namespace = {name: value for name, value in vars(cls).items() if name not in ("__dict__", "__weakref__")}
    namespace.setdefault("__slots__", ())
    bases = tuple(base for base in cls.__bases__ if base is not object)
    made = type(cls)(cls.__name__, (*bases, Record), namespace, order=order, align=align)
    # `super()` in a method reads the class from a cell. The cell still contains the class that `made` replaces.
    for value in namespace.values():
        function = getattr(value, "fget", None) or getattr(value, "__func__", value)
        for cell in getattr(function, "__closure__", None) or ():
            if _contents(cell) is cls:
                cell.cell_contents = made
    return made


def _contents(cell):
    """Returns the object in `cell`, a cell of a closure, or None if the cell is empty."""
    try:
        return cell.cell_contents
    except ValueError:  # The cell is empty.
        return None


def _annotations(cls):
    """Yields (name, annotation) for each annotation of `cls` except ClassVar.

    A string is evaluated in the module of `cls`. Raises NameError if the module does not define a name in the string.
    """
    if sys.version_info >= (3, 14):
        import annotationlib

        annotations = annotationlib.get_annotations(cls)
    else:
        annotations = vars(cls).get("__annotations__", {})
    scope = vars(sys.modules[cls.__module__]) if cls.__module__ in sys.modules else {}
    for name, text in annotations.items():
        annotation = text
        if isinstance(text, str):
            try:
                annotation = eval(text, scope)
            except NameError as error:
                hint = "declare the name in the module, or remove `from __future__ import annotations`"
                raise NameError(f"{cls.__name__}.{name}: {error}: {hint}", name=error.name) from None
        if get_origin(annotation) is not ClassVar and annotation is not ClassVar:
            yield name, annotation


def _field_type(cls, name, annotation):
    """Returns the type that `annotation` declares: a FieldType, a _BitFieldType, an _Array or a record class.

    Raises TypeError for any other annotation.
    """
    if get_origin(annotation) is Annotated:
        inner, *found = get_args(annotation)
        found = [part for part in found if _is_field_type(part) or isinstance(part, int | tuple)]
        if len(found) == 1 and _is_field_type(found[0]):
            return found[0]
        while get_origin(inner) is list:
            (inner,) = get_args(inner)
        if len(found) == 1 and _is_field_type(inner):
            return inner[found[0]]
    if _is_field_type(annotation):
        return annotation
    hints = {int: "i64", float: "f64", complex: "complex128", bool: "bool_", bytes: "char[8]", str: "ucs4[8]"}
    hint = hints.get(annotation) if isinstance(annotation, type) else None
    help = f"write `{name}: {hint}`" if hint else "write a type of pep3118 such as u16, char[8] or a record class"
    text = annotation.__name__ if isinstance(annotation, type) else repr(annotation)
    raise TypeError(f"{cls.__name__}.{name}: {text} has no layout: {help}")


def _is_field_type(annotation):
    """Returns whether `annotation` is a FieldType, a _BitFieldType, an _Array or a record class."""
    if isinstance(annotation, FieldType | _BitFieldType | _Array):
        return True
    return isinstance(annotation, type) and issubclass(annotation, Record) and annotation is not Record


def _declare(cls, order, align):
    """Computes the layout of the record class `cls` from its annotations.

    `order` and `align` are the arguments of `record`. Raises ValueError for another `order`, and TypeError for an
    annotation that is not a field type.
    """
    if order not in _ORDERS:
        raise ValueError(f"order is '<', '>', '=' or '!', not {order!r}")
    endian, offset, alignment = _ORDERS[order], 0, 1
    nodes, records = [], []
    fields = [(name.encode(), _field_type(cls, name, annotation)) for name, annotation in _annotations(cls)]
    for is_bits, group in itertools.groupby(fields, lambda field: isinstance(field[1], _BitFieldType)):
        if is_bits:
            placed, offset, step = _place_bit_fields(list(group), offset, endian, align)
            nodes += placed
            records += [None] * len(placed)
            alignment = max(alignment, step)
            continue
        for name, type in group:
            shape, nested = None, None
            if isinstance(type, _Array):
                shape, nested = type.shape, type.record
            elif not isinstance(type, FieldType):
                shape, nested = (), type
            own = nested and nested.__pep3118_tree__
            step = type.align if nested is None else own["alignment"]
            if align:
                offset = -(-offset // step) * step
                alignment = max(alignment, step)
            if nested is not None:
                node = {"name": name, "offset": offset, "shape": list(shape), "type": "record"}
                node |= {"itemsize": own["itemsize"], "endian": None, "fields": own["fields"]}
            else:
                node = type._node(name, offset, endian)
            nodes.append(node)
            records.append(nested)
            offset += node["itemsize"] * math.prod(node["shape"])
    tree = {"itemsize": -(-offset // alignment) * alignment, "alignment": alignment, "fields": nodes}
    _complete(cls, [node["name"].decode() for node in nodes], tree, records)


def _place_bit_fields(fields, offset, endian, align):
    """Returns the nodes of the adjacent bit-fields `fields`, the offset of the byte after them, and their alignment.

    `fields` are pairs of a name and a _BitFieldType, and `offset` is the offset of the first byte that is free.
    """
    # The rules of C compilers are in `Format.from_c`. A structure without padding has the rule of GCC on every machine,
    # and so has a structure in the byte order of another machine.
    model = "host" if align and endian == sys.byteorder else {"little": "lp64", "big": "s390x"}[endian]
    members = "".join(
        f"{_C_INTEGERS[each.type._type]} b{number}:{each.width};" for number, (_, each) in enumerate(fields)
    )
    packed = "" if align else "__attribute__((packed))"
    before = f"char before[{offset}];" if offset else ""
    format = Format.from_c(f"struct s {{ {before} {members} char after; }} {packed};", "s", model)
    (item,) = format._tree()["fields"]
    *nodes, after = item["fields"][bool(offset) :]
    nodes = [node | {"name": name} for node, (name, _) in zip(nodes, fields, strict=True)]
    return nodes, after["offset"], format.alignment


def _attribute_name(name, number):
    """Returns the attribute of a record for the field `name`, or for the unnamed field with the index `number`."""
    name = name or f"f{number}"
    return f"{name}_" if keyword.iskeyword(name) else name


def _of_fields(name, tree, alignment):
    """Returns the record class named `name` with the layout `tree`, a dict, and with classes for its nested records.

    A field without a name is named after its index, such as `f0`. A field whose name is a keyword gets the suffix `_`.
    """
    names, records = [], []
    for number, node in enumerate(tree["fields"]):
        name_bytes = node["name"]
        field = _attribute_name(name_bytes and name_bytes.decode("utf-8", "surrogateescape"), number)
        nested = node["type"] == "record"
        records.append(_of_fields(f"{name}_{field}", node | {"alignment": 1}, 1) if nested else None)
        names.append(field)
    tree = {"itemsize": tree["itemsize"], "alignment": alignment, "fields": tree["fields"]}
    namespace = {"__slots__": (), "__module__": __name__}
    return type(name, (Record,), namespace, _layout=(names, tree, records))


def _derive(cls):
    """Creates the codec of `cls`, a class derived from a record class, with the layout of this base class.

    Raises TypeError if `cls` declares fields.
    """
    if own := [name for name, _ in _annotations(cls)]:
        base = cls.__base__.__name__
        help = f"declare a record with a field of type {base}"
        raise TypeError(f"{cls.__name__}.{own[0]}: a class derived from {base} has no fields of its own: {help}")
    cls.__pep3118_codec__ = _RecordCodec(cls, cls.__pep3118_format__, cls.__pep3118_nested__)
    cls.unpack, cls.iter_unpack = cls.__pep3118_codec__.unpack, cls.__pep3118_codec__.iter_unpack


def _complete(cls, names, tree, records):
    """Adds the members of a record class to `cls`.

    `names` are the names of the fields, and `tree` is the layout as a dict. `records` has the class of each field that
    is a record, and None for other fields. Raises TypeError if a name is not an identifier, is the name of another
    field or of a member of record classes, or if a field without a default follows a field with a default.
    """
    for name in names:
        if not name.isidentifier() or keyword.iskeyword(name):
            raise TypeError(f"{cls.__name__}: the field name {name!r} is not an identifier")
        if name in _RESERVED or (name.startswith("__") and name.endswith("__")):
            raise TypeError(f"{cls.__name__}.{name}: record classes have a member of this name: choose another name")
    if duplicate := next((name for name in names if names.count(name) > 1), None):
        raise TypeError(f"{cls.__name__}: two fields have the name {duplicate!r}")
    format = Format._restore(_as_record(tree), "pep3118", "host")
    codecs = [nested and nested.__pep3118_codec__ for nested in records]
    own = vars(cls)
    defaults = {name: own[name] for name in names if name in own}
    _check_defaults(cls, names, defaults)
    cls.__new__ = _constructor(cls, names, defaults)
    for position, name in enumerate(names):
        setattr(cls, name, _getter(position, f"The field {name}."))
    cls._fields = cls.__match_args__ = tuple(names)
    cls._field_defaults = defaults
    cls.__pep3118_tree__, cls.__pep3118_format__, cls.__pep3118_nested__ = tree, format, codecs
    codec = cls.__pep3118_codec__ = _RecordCodec(cls, format, codecs)
    cls.format, cls.itemsize = codec.format, format.itemsize
    cls.unpack, cls.iter_unpack = codec.unpack, codec.iter_unpack


def _as_record(tree):
    """Returns `tree` as the layout of a record.

    If the only field of `tree` has no name, adds a record around the field. Without it, the layout would be that field.
    """
    match tree["fields"]:
        case [{"name": None}] as fields:
            size = tree["itemsize"]
            inner = {"name": None, "offset": 0, "shape": [], "type": "record", "itemsize": size, "endian": None}
            return tree | {"fields": [inner | {"fields": fields}]}
    return tree


def _check_defaults(cls, names, defaults):
    """Raises TypeError if a field without a default follows a field with a default."""
    first = None
    for name in names:
        if name in defaults:
            first = first or name
        elif first:
            raise TypeError(f"{cls.__name__}.{name} has no default, but the field {first} before it has one")


def _constructor(cls, names, defaults):
    """Returns the method `__new__`, whose parameters are the fields.

    A default that is not hashable, such as a list, is copied for each record.
    """
    scope = {}

    def unique(stem, value):
        """Adds `value` to the scope of the constructor under a name that no field has, and returns the name."""
        while stem in names or stem in scope:
            stem += "_"
        scope[stem] = value
        return stem

    first, create, copied = unique("_cls", None), unique("_new", tuple.__new__), unique("_copy", copy.deepcopy)
    parameters, values = [], []
    for number, name in enumerate(names):
        parameter = value = name
        if name in defaults:
            default = unique(f"_default{number}", defaults[name])
            parameter = f"{name}={default}"
            # The constructor copies a list. Otherwise a change of the list in one record would change the default of
            # other records.
            if type(defaults[name]).__hash__ is None:
                value = f"{copied}({name}) if {name} is {default} else {name}"
        parameters.append(parameter)
        values.append(value)
    elements = "".join(f"{value}, " for value in values)
    source = f"lambda {', '.join([first, *parameters])}: {create}({first}, ({elements}))"
    code = eval(source, {"__builtins__": {}, **scope})
    method = types.FunctionType(code.__code__, code.__globals__, "__new__", code.__defaults__)
    method.__qualname__ = f"{cls.__qualname__}.__new__"
    method.__doc__ = f"Creates a record with the fields {', '.join(names)}."
    return method


@functools.lru_cache(maxsize=512)
def _of_format(name, format):
    """Returns the record class named `name` with the layout of `format`.

    Calls with equal arguments return the same class, as long as the cache of 512 classes contains it. The class has
    the fields that `View` reads from an item of `format`. Raises TypeError if the item is not a record.
    """
    item = format.item
    if item.type != "record" or item.shape:
        raise TypeError(f"{format!r} is not a record: a record class needs named fields, such as T{{<i:id:}}")
    tree = format._tree()
    # The layout of `T{...}` is a record around the record. It has the same size and start.
    match tree["fields"]:
        case [{"name": None, "type": "record", "shape": [], "offset": 0, "itemsize": size} as inner]:
            tree = inner if size == tree["itemsize"] else tree
    return _of_fields(name, tree, format.alignment)


def _restore(name, format, values):
    """Returns a record with the values `values`.

    `name` is the name of its class, and `format` has the layout. Only `pickle` calls this function.
    """
    return _of_format(name, format)(*values)
