# 72 bytes for the data model lp64.
from typing import Annotated

from pep3118 import Record, bits, char, f32, f64, u32


class Row_at(Record, order="<"):
    x: f64
    y: f64


assert Row_at.itemsize == 16


class Row(Record, order="<"):
    id: u32
    up: bits[u32, 1]
    venue: bits[u32, 7]
    tag: Annotated[bytes, char[8]]
    _pad13: Annotated[bytes, char[3]]
    at: Annotated[list[Row_at], 2]
    m: Annotated[list[list[f32]], (2, 3)]


assert Row.itemsize == 72


# The lines above are the output of `pep3118 emit --c row.h --model lp64 --to python-record --name Row`.
def attributes(data: bytes) -> None:
    from typing import reveal_type

    from pep3118 import View

    rows = View(data, Row)
    reveal_type(rows)  # View[Row]
    reveal_type(rows[0].id)  # int
    reveal_type(rows[0].venue)  # int
    reveal_type(rows[0].tag)  # bytes
    reveal_type(rows[0].at[1].y)  # float
    reveal_type(rows[0].m)  # list[list[float]]
    reveal_type(Row.unpack(data).pack())  # bytes
    Row("1", 0, 3, b"a", b"", [], [[1.0]])  # error: the type of `id`
