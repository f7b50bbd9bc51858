"""The dialects in the table of docs/dialects.md: `DIALECTS` has them by name, and `Dialect.check` checks that a format
belongs to a dialect."""

import re
from dataclasses import dataclass

from .errors import Refused

COMMON = set("bBhHiIlLqQfd")
ALL = set("xcbB?hHiIlLqQnNefdgspPOuwtFDGzvZ") | {"Ze", "Zf", "Zd", "Zg"}
BARE_ORDERS = {"two byte orders", "byte order without an item"}
NESTED = BARE_ORDERS | {"structure", "name", "shape", "inner space"}
NESTED |= {"late byte order", "byte order before a shape", "byte order after a count"}
EVERYTHING = {"^", "&", "X{}", "[name]", "shape after a shape", "equal names"}
NUMPY = NESTED | {"^", "shape after a shape", "equal names"}


@dataclass(frozen=True)
class Dialect:
    """The rules of one producer or consumer."""

    rule: str  # the rule of padding: "struct", "c", "explicit" or "numpy"
    codes: frozenset  # the permitted codes
    constructs: frozenset  # the permitted constructs of `Format.constructs`, and "n alone" if `n` must stand alone
    wide_u: bool = False  # whether `u` is a `wchar_t`
    native_after_order: bool = False  # whether `<P` has the native size
    empty_counts: bool = True  # whether `0i` is a field without elements
    void_x: bool = True  # whether an `x` with a name is a field
    void_item: bool = False  # whether an `x` that is the whole format is a value
    elements: str = ""  # "packed" or "padded" if the dialect defines the distance of array elements

    def check(self, fmt):
        """Raises `Refused` if `fmt` has a code or a construct that the dialect lacks, or equal names that it lacks."""
        for construct in fmt.constructs:
            if isinstance(construct, tuple):
                ok = construct[1] in self.codes
                if "n alone" in self.constructs and construct[1] in ("n", "N"):
                    ok = re.fullmatch(rb"[@=<>!^]*[nN]", fmt.text) is not None
            elif construct == "two byte orders" and construct not in self.constructs:
                # NumPy has a separate function for formats of one code.
                ok = (
                    re.fullmatch(rb"[@=<>!^]*(Z[fdg]|[?bBhHiIlLqQnNefdg])", fmt.text) is not None
                    and "n alone" in self.constructs
                )
            else:
                ok = construct in self.constructs
            if not ok:
                raise Refused("dialect", f"{construct} is not part of the dialect")
        if "equal names" not in self.constructs:
            check_names(fmt.items)


def check_names(items):
    """Raises `Refused` if two of `items`, or two items of one structure inside them, have the same name."""
    names = [item.name for item in items if item.name is not None]
    if len(names) != len(set(names)):
        raise Refused("dialect", "two fields have the same name")
    for item in items:
        check_names(item.children)


def dialect(rule, codes, constructs=("byte order without an item",), **options):
    """Returns a `Dialect`. `codes` are the codes besides `COMMON`, separated by spaces, or "all"."""
    codes = ALL if codes == "all" else COMMON | set(codes.split())
    return Dialect(rule, frozenset(codes), frozenset(constructs), **options)


FLAT = "x c ? n N e s p P"
DIALECTS = {
    "struct": dialect("struct", FLAT + " Zf Zd F D", empty_counts=False),
    "struct-3.14": dialect("struct", FLAT + " F D", empty_counts=False),
    "struct-3.13": dialect("struct", FLAT, empty_counts=False),
    "struct-3.6": dialect("struct", FLAT, empty_counts=False),
    "pep3118": dialect("struct", "all", NESTED | EVERYTHING),
    "pep3118-packed": dialect("struct", "all", NESTED | EVERYTHING, elements="packed"),
    "native-c": dialect("c", "all", NESTED | EVERYTHING),
    "numpy": dialect("numpy", "x ? e g Zf Zd Zg s O w", NUMPY, void_item=True),
    "numpy-packed": dialect("numpy", "all", NUMPY, elements="packed"),
    "numpy-padded": dialect("numpy", "all", NUMPY, elements="padded"),
    "numpy-reader": dialect(
        "c",
        "x c ? e g Zf Zd Zg s O w n N",
        NESTED - {"byte order before a shape", "byte order after a count"} - BARE_ORDERS | {"^", "n alone"},
    ),
    "ctypes": dialect(
        "explicit",
        "x c ? e g Zf Zd Zg F D G P O u z Z v",
        NESTED | {"&", "X{}", "equal names"},
        wide_u=True,
        native_after_order=True,
    ),
    "cython": dialect("c", "x c ? g Zf Zd Zg s p O", NESTED | {"^", "equal names"}, void_x=False),
    "pybind11": dialect("struct", "x ? e g Zf Zd Zg s w", NESTED | {"^", "equal names"}),
    "array": dialect("struct", "e Zf Zd u w", wide_u=True, empty_counts=False),
}
