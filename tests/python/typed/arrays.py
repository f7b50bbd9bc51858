"""Arrays, text and bit-fields of records, and the methods of decorated classes. Only mypy with the plugin knows these
types. A comment is the type or error of its line that test_records.py expects."""

from typing import reveal_type

from pep3118 import bits, bool_, char, f64, record, u8, ucs4


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
