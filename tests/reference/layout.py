"""Computes the offsets of the items of a format under one rule of padding (docs/padding.md)."""

from dataclasses import dataclass, field, replace
from math import prod

from .errors import Refused
from .models import STANDARD
from .user_types import USER_TYPES, alignment

TYPES = {
    "c": "char", "b": "int8", "B": "uint8", "?": "bool", "h": "int16", "H": "uint16", "e": "float16",
    "f": "float32", "d": "float64", "g": "longdouble", "Zg": "clongdouble", "G": "clongdouble",
    "Ze": "complex32", "Zf": "complex64", "F": "complex64", "Zd": "complex128", "D": "complex128",
    "s": "bytes", "p": "pascal", "w": "ucs4", "u": "ucs2", "t": "bits", "x": "void", "P": "pointer",
    "O": "object", "z": "char_pointer", "Z": "wchar_pointer", "v": "bool",
}  # fmt: skip
PARTS = {"F": "f", "D": "d", "G": "g"}  # the type of the parts of a complex number


@dataclass(frozen=True)
class Field:
    """A field of a record. `offset` is in bytes from the start of the record."""

    name: bytes | None
    offset: int
    type: str
    size: int  # of one element, in bytes
    endian: str | None  # "big" or "little", None for a type without a byte order
    shape: tuple = ()
    fields: tuple = ()  # of a record
    align: int = field(default=1, compare=False)  # the natural alignment, with every byte-order character
    order: str = field(default="@", compare=False)  # the byte-order character that applies


@dataclass(frozen=True)
class Laid:
    """The fields, size and alignment of a list of items, in bytes."""

    fields: tuple
    size: int
    align: int


@dataclass
class Rules:
    """Lays out a format by the rule of `dialect` with the sizes of `model`: call `format`.

    Only the size of a user type depends on `itemsize`. The methods raise `Refused` for an item without a layout.
    """

    dialect: object
    model: object
    itemsize: int | None = None
    whole: object = None  # the item, if the format is one item; `format` sets it

    def format(self, fmt):
        """Returns the `Laid` of the parsed format `fmt`."""
        self.whole = fmt.items[0] if len(fmt.items) == 1 else None
        laid = self.items(fmt.items)
        if self.dialect.rule == "c" and fmt.order_at_end == "@":
            laid = replace(laid, size=round_up(laid.size, laid.align))
        self.limit(laid.size)
        return laid

    def limit(self, size):
        """Raises `Refused` if `size` does not fit `Py_ssize_t`."""
        if size > self.model.max_size:
            raise Refused("too large", f"{size} bytes")

    def items(self, items):
        """Returns the `Laid` of `items`. Its size has no padding at the end. Its fields include neither padding nor, in
        some dialects, items without elements."""
        fields, at, align = [], 0, 1
        for item in items:
            one = self.type(item)
            # In the rule "c", the byte-order character at `}` applies to a structure.
            order = item.order_at_end if item.kind == "structure" and self.dialect.rule == "c" else item.order
            aligned = order == "@" and self.dialect.rule in ("struct", "c")
            padding = item.kind == "code" and item.code == "x"
            if aligned:
                at = round_up(at, one.align)
                align = max(align, one.align)
            size = one.size * prod(item.shape)
            void = self.dialect.void_x and (item.name is not None or (self.dialect.void_item and self.whole is item))
            nothing = 0 in item.shape and not self.dialect.empty_counts
            if not (padding and not void) and not nothing:
                fields.append(
                    Field(
                        item.name,
                        at,
                        self.type_name(item, one.size),
                        one.size,
                        self.endian(item, one.size),
                        item.shape,
                        one.fields,
                        self.natural_align(item, one),
                        item.order,
                    )
                )
            at += size
            self.limit(at)
        return Laid(tuple(fields), at, align)

    def type(self, item):
        """Returns the layout of one element of `item`."""
        if item.kind == "structure":
            laid = self.items(item.children)
            if self.dialect.rule == "c" and item.order_at_end == "@":
                laid = replace(laid, size=round_up(laid.size, laid.align))
            return laid
        if item.kind == "pointer":
            self.type(item.children[0])  # an invalid target is an error
        if item.kind in ("pointer", "function"):
            return Laid((), self.model.pointer, self.model.pointer)  # without the target
        if item.user_type in USER_TYPES:
            size = USER_TYPES[item.user_type]
            return Laid((), size, alignment(size))
        if item.kind == "user":
            if self.itemsize is None or self.whole is not item or item.shape:
                raise Refused("user type", "the format does not declare the size of the user type")
            return Laid((), self.itemsize, 1)
        size, align = self.code(item)
        if item.code == "t":
            size = (1 if item.count is None else item.count) + 7 >> 3
        elif item.code in "spwux" and item.count is not None:
            size *= item.count
        self.limit(size)
        return Laid((), size, align)

    def code(self, item):
        """Returns the size and alignment of one `item.code`, without its repeat count."""
        code, parts = item.code, 1
        if code in PARTS or len(code) == 2:
            code, parts = PARTS.get(code, code[-1]), 2
        if code == "u" and self.dialect.wide_u:
            code = "wchar"
        size, align = self.model.native(code)
        if item.order not in "@^" and code != "O" and not (self.dialect.native_after_order and code not in STANDARD):
            if code not in STANDARD:
                raise Refused("no standard size", f"`{code}` has no standard size")
            size = STANDARD[code]
        return size * parts, align

    def natural_align(self, item, one):
        """Returns the alignment of `item`, even if its byte order is not `@`. `one` is the layout of one element."""
        # `<l` has 4 bytes, so its alignment is that of an integer of 4 bytes.
        return min(one.align, 4) if item.code in ("l", "L") and one.size == 4 else one.align

    def type_name(self, item, size):
        """Returns the name of the type of `item`, such as "int32". `size` is the size of one element."""
        if item.kind == "structure":
            return "record"
        if item.kind == "user":
            return "opaque"
        if item.kind != "code":
            return item.kind
        if item.code in "ilqn":
            return f"int{8 * size}"
        if item.code in "ILQN":
            return f"uint{8 * size}"
        if item.code == "u" and self.dialect.wide_u:
            return "wchar"
        return TYPES[item.code]

    def endian(self, item, size):
        """Returns "big", "little", or None for a type without a byte order. `size` is the size of one element."""
        if item.kind == "structure" or (item.kind == "code" and item.code in "cbB?spx"):
            return None
        if item.code == "t" and not 1 < size <= 8:
            return None
        if item.kind == "user" and (item.user_type not in USER_TYPES or size == 1):
            return None
        big = item.order in ">!"
        if item.kind in ("pointer", "function") or item.code == "O" or item.order in "@=^":
            big = self.model.big_endian
        return "big" if big else "little"


def round_up(size, align):
    """Returns the smallest multiple of `align` that is at least `size`."""
    return -(-size // align) * align
