"""The decision between the rules of padding ("How `reconcile` decides" in docs/padding.md)."""

from dataclasses import dataclass, replace
from math import prod

from .dialects import DIALECTS
from .errors import Ambiguous, Refused
from .grammar import parse
from .layout import Laid, Rules, round_up


@dataclass(frozen=True)
class Result:
    """A layout with its certainty."""

    layout: Laid
    certainty: str  # "exact", "trailing padding" or "inferred"


def reconcile(text, itemsize, dialect, model):
    """Returns the `Result` of the format `text`.

    `itemsize` is in bytes or None. `dialect` is a name or None. Raises `Refused` or `Ambiguous`.
    """
    if dialect == "struct-3.6":
        text = text.split(b"\0")[0]
    fmt = parse(text)
    if dialect is None:
        return without_dialect(fmt, itemsize, model)
    rules = DIALECTS[dialect]
    rules.check(fmt)
    return with_dialect(fmt, itemsize, rules, model)


def with_dialect(fmt, itemsize, dialect, model):
    rules = Rules(dialect, model, itemsize)
    laid = rules.format(fmt)
    if dialect.rule == "numpy":
        return numpy(fmt, itemsize, rules, laid)
    results = [Result(laid, "exact")]
    if dialect.rule == "struct" and not dialect.elements and any(unaligned(one) for _, one in rules.arrays):
        compiler = Rules(replace(dialect, rule="c"), model, itemsize).format(fmt)
        results.append(Result(compiler, "exact"))
    results = [one for one in results if itemsize in (None, one.layout.size)]
    if not results:
        raise Refused("size", f"the format has {laid.size} bytes, not {itemsize}")
    if any(one.layout != results[0].layout for one in results):
        raise Ambiguous([one.layout for one in results])
    return results[0]


def unaligned(laid):
    return laid.size % laid.align != 0


def one_structure(fmt):
    return len(fmt.items) == 1 and fmt.items[0].kind == "structure" and not fmt.items[0].shape


def numpy(fmt, itemsize, rules, laid):
    """Applies the rule of NumPy: the padding of array elements follows the array."""
    certainty, end = "exact", 0
    if itemsize is not None and itemsize != laid.size:
        if itemsize < laid.size or not one_structure(fmt):
            raise Refused("size", f"the format has {laid.size} bytes, not {itemsize}")
        certainty, end = "trailing padding", itemsize - laid.size
    gaps = padded_arrays(fmt.items, rules, 0)
    if one_structure(fmt):
        gaps = padded_arrays(fmt.items[0].children, rules, end)
    choices = {}
    for item, contiguous, padded, sure in gaps:
        rules.strides[id(item)] = contiguous if rules.dialect.elements == "packed" else padded
        if not rules.dialect.elements and not sure:
            choices[id(item)] = contiguous
    if gaps:
        certainty = "inferred" if rules.dialect.elements == "" else certainty
        laid = rules.format(fmt)
    if choices:
        rules.strides |= choices
        raise Ambiguous([rules.format(fmt), laid])
    if end:
        laid = replace(laid, size=itemsize, fields=(replace(laid.fields[0], size=itemsize),))
    return Result(laid, certainty)


def padded_arrays(items, rules, end):
    """Lists the arrays of structures whose elements can include the padding after the array.

    `end` is the padding after the last item, in bytes. A row has the array, the distance of elements without and with padding, and
    whether only the layout of a C compiler accounts for the padding.
    """
    rows = []
    compiler = Rules(replace(rules.dialect, rule="c"), rules.model)
    align = compiler.items(items).align
    for index, item in enumerate(items):
        if item.kind != "structure":
            continue
        rows += padded_arrays(item.children, rules, 0)
        count = prod(item.shape)
        padding, following = 0, end
        for after in items[index + 1 :]:
            if after.code != "x" or after.name is not None:
                following = 0
                next_align = compiler.type(after).align if after.order == "@" else 1
                break
            padding += rules.type(after).size * prod(after.shape)
        else:
            next_align = align
        padding += following
        if count < 2 or padding < count:
            continue
        size = rules.type(item).size
        padded = compiler.type(item).size
        gap = count * size + padding
        by_compiler = padded != size and round_up(count * padded, next_align) == gap
        contiguous = round_up(count * size, next_align) == gap
        sure = by_compiler and not contiguous
        rows.append((item, size, padded if by_compiler else size + padding // count, sure))
    return rows


def without_dialect(fmt, itemsize, model):
    """Tries the rules of struct, C, ctypes and NumPy."""
    found, errors = [], []
    names = ["pep3118", "native-c", "ctypes", "numpy"]
    by_ctypes = written_by_ctypes(fmt.items)
    if fmt.constructs & {"&", "X{}"} and by_ctypes:
        names = ["ctypes"]
    elif not by_ctypes:
        names.remove("ctypes")
    foreign = any(isinstance(one, tuple) and one[1] not in DIALECTS["numpy"].codes for one in fmt.constructs)
    native_order = b">" if model.big_endian else b"<"
    for name in names:
        if name == "numpy" and foreign and found:
            continue
        full = DIALECTS["pep3118"]
        rules = replace(DIALECTS[name], codes=full.codes, constructs=full.constructs)
        if itemsize == 4 and len(fmt.items) == 1 and fmt.items[0].code == "u":
            rules = replace(rules, wide_u=True)
        try:
            one = with_dialect(fmt, itemsize, rules, model)
        except Refused as error:
            errors.append(error)
            continue
        if name == "numpy":
            if one.certainty != "exact" and (native_order in fmt.text or not wide_number(fmt.items)):
                continue
            if not aligned_as_numpy(fmt.items, rules, model):
                continue
        found.append(one)
    if not found:
        for error in errors:
            if isinstance(error, Ambiguous):
                raise error
        raise errors[0] if errors else Refused("size", "no rule gives the itemsize")
    if any(one.layout != found[0].layout for one in found):
        raise Ambiguous([one.layout for one in found])
    return next((one for one in found if one.certainty == "inferred"), found[0])


def written_by_ctypes(items):
    """Whether ctypes can have written the byte-order characters."""
    for item in items:
        bare = item.kind != "code" or item.code == "x"
        if bare and item.own_order or item.outer_order:
            return False
        if not bare and item.code != "B" and not item.own_order:
            return False
        if item.own_order and item.order not in "<>" or not written_by_ctypes(item.children):
            return False
    return True


def wide_number(items):
    """Whether `items` contain a number of several bytes in native byte order."""
    return any(
        item.order in "@=^" and item.kind == "code" and item.code not in "xcbB?spt" or wide_number(item.children)
        for item in items
    )


def aligned_as_numpy(items, rules, model):
    """Whether the explicit offsets of items after `@` are multiples of their alignments."""
    explicit = Rules(rules, model)
    aligned = Rules(replace(rules, rule="struct"), model)
    at = 0
    for item in items:
        one, other = explicit.type(item), aligned.type(item)
        if item.order == "@" and round_up(at, other.align) != at:
            return False
        if item.kind == "structure" and not aligned_as_numpy(item.children, rules, model):
            return False
        at += one.size
        for dimension in item.shape:
            at += one.size * (dimension - 1)
    return True
