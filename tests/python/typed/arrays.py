"""Arrays, text and bit-fields of records, the methods of decorated classes, and classes of C source. Only mypy with the
plugin knows these types. A comment is the type or error of its line that test_records.py expects."""

from typing import reveal_type

from pep3118 import Record, View, bits, bool_, char, f64, record, u8, ucs4


@record(order=">")
class Sample:
    values: f64[3]
    matrix: f64[2, 3]
    names: char[4, 8]
    label: ucs4[5] = "-"


def attributes(sample: Sample, data: bytes) -> None:
    reveal_type(sample.values)  # list[float]
    reveal_type(sample.matrix)  # list[list[float]]
    reveal_type(sample.names)  # list[bytes]
    reveal_type(sample.label)  # str
    reveal_type(Sample.format)  # str
    reveal_type(Sample.unpack(data))  # Sample
    reveal_type(Sample.unpack(data).values[0])  # float
    reveal_type(Sample([1.0], [[2.0]], [b"a"]).pack())  # bytes
    Sample(1.0, [[2.0]], [b"a"])  # error: the type of `values`


@record
class Flags:
    on: bits[bool_, 1]
    wrong: bits[u8]  # error: the number of bits is missing
    level: bits[u8, 7] = 3


def flags(each: Flags) -> None:
    reveal_type(each.on)  # bool
    reveal_type(each.level)  # int


Row = Record.from_c(
    """
    struct point { double x, y; };
    struct row { uint32_t id; unsigned up : 1, venue : 7; char class[8]; struct point at[2]; float m[2][3]; };
    """,
    name="row",
)
Union = Record.from_c("union number { uint32_t i; float f; _Bool b; };")


def classes_of_c(data: bytes, rows: View[Row]) -> None:
    reveal_type(Row.unpack(data))  # Row
    reveal_type(View(data, Row)[0].venue)  # int
    reveal_type(rows[0].id)  # int
    reveal_type(rows[0].class_)  # bytes
    reveal_type(rows[0].at[1].x)  # float
    reveal_type(rows[0].m)  # list[list[float]]
    reveal_type(Union.unpack(data).b)  # bool
    reveal_type(Row(1, 0, 3, b"a", [], [[1.0]]).pack())  # bytes
    Row("1", 0, 3, b"a", [], [[1.0]])  # error: the type of `id`
    Row(1, 0, 3)  # error: arguments are missing
    rows[0].up = 1  # error: a record is read-only
    print(rows[0].price)  # error: no such field
