"""The function `reconcile`, which finds the layout of a format with an itemsize. Without a dialect, it chooses between
the rules of padding ("How `reconcile` decides" in docs/padding.md)."""

from dataclasses import dataclass, replace
from math import prod

from .dialects import DIALECTS
from .elements import spacings
from .errors import Ambiguous, Refused
from .grammar import parse
from .layout import Laid, Rules


@dataclass(frozen=True)
class Result:
    """A layout with its certainty."""

    layout: Laid
    certainty: str  # "exact", "trailing padding" or "inferred"


def reconcile(text, itemsize, dialect, model):
    """Returns the `Result` of the format `text`, which is `bytes`.

    `itemsize` is in bytes, or None if it is unknown. `dialect` is a name of `DIALECTS`, or None for any producer.
    Raises `Refused` if no layout exists, and `Ambiguous` if several layouts exist.
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
    """Returns the `Result` of `fmt` in `dialect`. Raises `Refused` or `Ambiguous`."""
    return only(interpretations(fmt, itemsize, dialect, model))


def only(results):
    """Returns one of `results` if the meanings of all layouts are equal: the first inferred result, or else the first
    result. Raises `Ambiguous` if the meanings differ."""
    distinct = {}
    for one in results:
        distinct.setdefault(meaning(one.layout), one)
    if len(distinct) > 1:
        raise Ambiguous([one.layout for one in distinct.values()])
    return next((one for one in results if one.certainty == "inferred"), results[0])


def interpretations(fmt, itemsize, dialect, model):
    """Lists the results for `fmt` in `dialect`, one or two. Raises `Refused` if no layout has the itemsize."""
    laid = Rules(dialect, model, itemsize).format(fmt)
    if dialect.rule == "numpy":
        return numpy(fmt, itemsize, dialect, model, laid)
    if itemsize not in (None, laid.size):
        raise Refused("size", f"the format has {laid.size} bytes, not {itemsize}")
    results = [Result(laid, "exact")]
    if dialect.rule == "struct" and not dialect.elements and loose(laid.fields):
        try:
            compiler = Rules(replace(dialect, rule="c"), model, itemsize).format(fmt)
        except Refused:
            return results
        if itemsize in (None, compiler.size):
            results.append(Result(compiler, "exact"))
    return results


def loose(fields):
    """Returns whether an element of an array of structures is not aligned."""
    return any(
        (prod(field.shape) > 1 and field.size % native_align(field) != 0) or loose(field.fields)
        for field in fields
        if field.type == "record"
    )


def native_align(record):
    """Returns the largest alignment of the fields after `@` in `record`."""
    aligns = [1]
    for field in record.fields:
        aligns.append(native_align(field))
        if field.type != "record" and field.order == "@":
            aligns.append(field.align)
    return max(aligns)


def meaning(layout):
    """Returns (size of `layout`, values with their offsets). Two layouts give equal values if these results are
    equal."""
    return layout.size, values(layout.fields, 0, ())


def values(fields, start, path):
    """Lists the values of `fields` with their offsets from the start of the item."""
    found = []
    for index, field in enumerate(fields):
        inner = (*path, (index, field.name))
        if field.type == "record" and not field.shape:
            found += values(field.fields, start + field.offset, inner)
        else:
            elements = values(field.fields, 0, ())
            size = field.size if prod(field.shape) > 1 or field.type != "record" else 0
            kind = "ucs2" if field.type == "wchar" and field.align == 2 else field.type
            plain = replace(field, offset=0, type=kind, size=size, fields=())
            # The position of an array whose elements contain only padding has no effect on any value.
            has_values = field.type != "record" or any(at is not None for _, at, _, _ in elements)
            at = start + field.offset if has_values else None
            found.append((inner, at, plain, elements))
    return tuple(found)


def significant(fmt):
    """Lists the items of `fmt` without padding of 0 bytes, such as `0x`."""
    return [
        item
        for item in fmt.items
        if item.code != "x" or item.name is not None or (item.count != 0 and 0 not in item.shape)
    ]


def one_structure(fmt):
    """Returns whether `fmt` is a structure without a name and, besides padding of 0 bytes, nothing else. The structure
    may be an array of one element."""
    items = significant(fmt)
    item = items[0] if len(items) == 1 else None
    return item is not None and item.kind == "structure" and item.name is None and prod(item.shape) == 1


def numpy(fmt, itemsize, dialect, model, laid):
    """Lists the results for the rule of NumPy: the padding of array elements follows the array. `laid` is the layout
    with contiguous elements. Raises `Refused` if no layout has the itemsize."""
    certainty, trailing = "exact", 0
    if itemsize is not None and itemsize != laid.size:
        if not laid.size < itemsize <= model.max_size or not one_structure(fmt):
            raise Refused("size", f"the format has {laid.size} bytes, not {itemsize}")
        certainty, trailing = "trailing padding", itemsize - laid.size
    size = laid.size + trailing
    outer = laid.fields[0] if one_structure(fmt) else None
    fields = laid.fields if outer is None else outer.fields
    inferred, choices = spacings(fields, size, trailing, dialect.elements)
    results = []
    for choice in choices:
        spaced = choice if outer is None else (replace(outer, size=size, fields=choice),)
        results.append(Result(Laid(spaced, size, laid.align), "inferred" if inferred else certainty))
    return results


def without_dialect(fmt, itemsize, model):
    """Returns the `Result` of `fmt` without a dialect. Tries the rules of struct, C, ctypes and NumPy, and the `u` of
    `array`, and prefers likely layouts.

    Raises `Ambiguous` if equally likely layouts differ. If no rule gives a layout, raises the first `Refused`.
    """
    likely, unlikely, unaligned, errors = [], [], [], []
    addresses = fmt.constructs & {"&", "X{}"}
    for name in ("pep3118", "ctypes", "array", "native-c", "numpy"):
        if name == "ctypes" and not written_by_ctypes(fmt):
            continue
        if name == "array" and not (accepts("array", fmt) and len(fmt.items) == 1 and fmt.items[0].code == "u"):
            continue
        if name in ("pep3118", "native-c") and addresses and itemsize is not None and written_by_ctypes(fmt):
            continue
        if name == "numpy" and (addresses or "[name]" in fmt.constructs or not written_by_numpy(fmt, model)):
            continue
        rules = DIALECTS["numpy-packed" if name == "numpy" else name]
        rules = replace(rules, elements="")
        try:
            found = interpretations(fmt, itemsize, rules, model)
        except Refused as error:
            errors.append(error)
            continue
        trailing = name == "numpy" and itemsize not in (None, Rules(rules, model, itemsize).format(fmt).size)
        if trailing and not native_number(fmt.items):
            continue
        if rules.rule in ("struct", "c") and loose(found[0].layout.fields):
            unaligned += found
        elif name == "numpy" and likely and not accepts("numpy", fmt):
            unlikely += found
        else:
            likely += found
    found = likely or unlikely or unaligned
    if not found:
        raise errors[0] if errors else Refused("size", "no rule gives the itemsize")
    return only(found)


def accepts(name, fmt):
    """Returns whether `fmt` belongs to the dialect `name`."""
    try:
        DIALECTS[name].check(fmt)
    except Refused:
        return False
    return True


def values_of(items):
    """Yields the items that are codes, also in structures, but not in the targets of pointers."""
    for item in items:
        if item.kind == "structure":
            yield from values_of(item.children)
        elif item.kind == "code":
            yield item


def written_by_ctypes(fmt):
    """Returns whether ctypes can have written the parsed format: the dialect of ctypes accepts the format, and `<` or
    `>` applies to each value of several bytes."""
    numbers = [item for item in values_of(fmt.items) if item.code not in "xcbB?spt"]
    return accepts("ctypes", fmt) and all(item.order in "<>" for item in numbers)


def written_by_numpy(fmt, model):
    """Returns whether NumPy can have written the format: the format is one item or has 0 bytes, and has `<` or `>` only
    for the other byte order."""
    other = "<" if model.big_endian else ">"
    numbers = [item for item in values_of(fmt.items) if item.code not in "xcbB?sptO"]
    sole = len(significant(fmt)) <= 1 or is_empty(fmt, model)
    return sole and all(item.order in "@=^" + other for item in numbers)


def is_empty(fmt, model):
    """Returns whether the format has 0 bytes by the rule of NumPy. Returns False if the rule refuses the format."""
    try:
        return Rules(DIALECTS["numpy-packed"], model).format(fmt).size == 0
    except Refused:
        return False


def native_number(items):
    """Returns whether `items` contain a value of several bytes in native byte order, other than an address."""
    for item in values_of(items):
        # Bits have a byte order if they have 2 to 8 bytes.
        bits = item.code == "t" and item.count is not None and 8 < item.count <= 64
        if item.order in "@=^" and (bits or item.code not in "xcbB?sptP"):
            return True
    return False
