"""The distance from one array element to the next in formats of NumPy ("Two layouts for one itemsize" in
docs/padding.md)."""

from dataclasses import replace
from math import prod

from .layout import round_up


def spacings(fields, size, trailing, elements):
    """Returns (inferred, layouts). `inferred` is true if a distance was inferred. `layouts` has one or two lists of
    fields.

    `fields` are the fields of an item of `size` bytes, with contiguous elements. `trailing` is the implicit padding in
    bytes. `elements` is "packed", "padded", or "" for both lists.
    """
    packed, padded, inferred = {}, {}, False
    for records, padding, align in gaps(fields, size, trailing, outermost=True):
        owner = owners(records, padding, align)
        if owner is None:
            continue
        sizes, sure = owner
        padded |= sizes
        if sure:
            packed |= sizes
            inferred = True
    choices = {"packed": [packed], "padded": [padded], "": [packed, padded]}[elements]
    return inferred, [resized(fields, sizes) for sizes in choices]


def gaps(fields, size, trailing, outermost=False):
    """Lists the gaps of padding after records as (records that end at the gap, bytes of padding, alignment after the
    gap), also inside records. The padding at the end of an item counts if `outermost` is true."""
    found = []
    for field, after in zip(fields, [*fields[1:], None], strict=False):
        end = field.offset + total(field)
        if after is not None:
            padding, align = after.offset - end, compiler(after)[0]
        elif outermost and end + trailing == size:
            padding, align = trailing, max(compiler(one)[0] for one in fields)
        else:
            padding, align = 0, 1
        if padding > 0 and field.type == "record":
            found.append((records_at_end(field), padding, align))
        found += gaps(field.fields, field.size, 0)
    return found


def records_at_end(field):
    """Lists the records that end at the end of `field`: `field`, the last field of `field`, the last field of that
    field, and so on."""
    records = [field]
    while records[-1].fields:
        outer, last = records[-1], records[-1].fields[-1]
        if last.type != "record" or last.offset + total(last) != outer.size:
            break
        records.append(last)
    return records


def owners(records, padding, align):
    """Returns (sizes, by_compiler). `sizes` maps the `id` of each of `records` to its size in bytes with the padding.
    `by_compiler` is true if only the rules of a C compiler explain the padding.

    `records` are the nested records that end at the gap, outermost first. `padding` is the size of the gap in bytes.
    `align` is the alignment in bytes of the field after the gap.

    Returns None if no element can include the padding.
    """
    first, count, arrays = records[0], 1, []
    for record in records:
        count *= prod(record.shape)
        if prod(record.shape) > 1:
            arrays.append((record, count))
    if not arrays or padding < min(count for _, count in arrays) or 0 in (count for _, count in arrays):
        return None
    end = first.offset + total(first)
    sizes = {id(record): compiler(record)[1] for record in records}
    if None not in sizes.values() and first.offset % compiler(first)[0] == 0:
        c_end = first.offset + sizes[id(first)] * prod(first.shape)
        if round_up(c_end, align) - end == padding:
            contiguous = round_up(end, align) - end == padding
            changed = any(sizes[id(record)] != record.size for record in records)
            return sizes, not (contiguous and changed)
    outer, count = arrays[0]
    share = padding // count
    shared = {}
    for record in records:
        if record is outer:
            shared[id(record)] = record.size + share
            break
        shared[id(record)] = record.size + share * count
    return shared, False


def compiler(field):
    """Returns (alignment, size) of `field` by the rules of a C compiler, in bytes.

    The size is None if the fields inside `field` would have other offsets in C.
    """
    if field.type != "record":
        return field.align, field.size
    align, end = 1, 0
    for inner in field.fields:
        inner_align, size = compiler(inner)
        align = max(align, inner_align)
        unaligned = inner.endian is not None and inner.order in "=^"
        if end is not None:
            fits = size is not None and not unaligned and inner.offset == round_up(end, inner_align)
            end = inner.offset + size * prod(inner.shape) if fits else None
    return align, None if end is None else round_up(end, align)


def total(field):
    """Returns the bytes of all elements of `field`."""
    return field.size * prod(field.shape)


def resized(fields, sizes):
    """Returns a copy of `fields` in which records have the given sizes. The keys of `sizes` are ids of fields."""
    return tuple(
        replace(field, size=sizes.get(id(field), field.size), fields=resized(field.fields, sizes)) for field in fields
    )
