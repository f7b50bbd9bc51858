"""The decision between the rules of padding ("How `reconcile` decides" in docs/padding.md)."""

from dataclasses import dataclass, replace
from math import prod

from .dialects import ALL, DIALECTS
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
    if itemsize not in (None, laid.size):
        raise Refused("size", f"the format has {laid.size} bytes, not {itemsize}")
    if itemsize is None and dialect.rule == "struct" and not dialect.elements and loose(rules):
        compiler = Rules(replace(dialect, rule="c"), model).format(fmt)
        if different([laid, compiler]):
            raise Ambiguous([laid, compiler])
    return Result(laid, "exact")


def loose(rules):
    """Whether an element of an array of structures is not aligned."""
    return any(laid.size % laid.align for _, laid in rules.arrays)


def different(layouts):
    """Whether `layouts` have different sizes, or other values at an offset."""
    return len({(one.size, values(one.fields, 0, ())) for one in layouts}) > 1


def values(fields, start, path):
    """Lists the values of `fields` with their offsets from the start of the item."""
    found = []
    for index, field in enumerate(fields):
        inner = (*path, (index, field.name))
        if field.type == "record" and not field.shape:
            found += values(field.fields, start + field.offset, inner)
        else:
            elements = values(field.fields, 0, ())
            plain = replace(field, offset=0, size=field.size if prod(field.shape) > 1 or not elements else 0, fields=())
            found.append((inner, start + field.offset, plain, elements))
    return tuple(found)


def one_structure(fmt):
    item = fmt.items[0] if len(fmt.items) == 1 else None
    return item is not None and item.kind == "structure" and item.name is None and prod(item.shape) == 1


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
    """Tries the rules of struct, C, ctypes and NumPy, and the `u` of `array`."""
    found, unaligned, errors = [], [], []
    for name in candidates(fmt):
        if name == "numpy" and foreign_to_numpy(fmt) and found:
            continue
        rules = DIALECTS[name]
        everything = replace(rules, codes=ALL, constructs=DIALECTS["pep3118"].constructs, void_item=False)
        laid_by = Rules(everything, model, itemsize)
        try:
            laid = laid_by.format(fmt)
            one = with_dialect(fmt, itemsize, replace(everything, elements=""), model) if name == "numpy" else None
            if one is None and itemsize not in (None, laid.size):
                raise Refused("size", f"the format has {laid.size} bytes, not {itemsize}")
        except Refused as error:
            errors.append(error)
            continue
        one = one or Result(laid, "exact")
        whole = itemsize is not None and one.certainty != "trailing padding"
        if name == "numpy" and not whole and native_character(model) in fmt.text:
            continue
        if name == "numpy" and one.certainty == "trailing padding" and not wide_number(fmt.items):
            continue
        (unaligned if name != "numpy" and loose(laid_by) else found).append(one)
    found = found or unaligned
    if not found:
        raise next((one for one in errors if isinstance(one, Ambiguous)), (errors or [Refused("size", "no rule")])[0])
    layouts = [one.layout for one in found]
    if different(layouts):
        raise Ambiguous(layouts)
    return next((one for one in found if one.certainty == "inferred"), found[0])


def candidates(fmt):
    """Lists the dialects whose rules are tried for `fmt`."""
    by_ctypes = written_by_ctypes(fmt.items) and accepts("ctypes", fmt)
    if by_ctypes and fmt.constructs & {"&", "X{}"}:
        return ["ctypes"]
    names = ["pep3118", "native-c"]
    if by_ctypes:
        names.append("ctypes")
    if len(fmt.items) == 1:
        names += ["array"] if fmt.items[0].code == "u" and accepts("array", fmt) else []
        names.append("numpy")
    return names


def accepts(name, fmt):
    try:
        DIALECTS[name].check(fmt)
    except Refused:
        return False
    return True


def foreign_to_numpy(fmt):
    return any(isinstance(one, tuple) and one[1] not in DIALECTS["numpy"].codes for one in fmt.constructs)


def native_character(model):
    return b">" if model.big_endian else b"<"


def written_by_ctypes(items):
    """Whether ctypes can have written the byte-order characters."""
    for item in items:
        bare = item.kind != "code" or item.code == "x"
        if bare and item.own_order or set(item.orders) - set("<>"):
            return False
        if not bare and item.code != "B" and item.order not in "<>":
            return False
        if not written_by_ctypes(item.children):
            return False
    return True


def wide_number(items):
    """Whether `items` contain a number of several bytes in native byte order."""
    return any(
        item.order in "@=^" and item.kind == "code" and item.code not in set("xcbB?sptPOzZuw") or wide_number(item.children)
        for item in items
    )

