"""The declarations of the documentation, and the types of their attributes, methods and views, for mypy with the plugin
and for pyright. A comment is the type or error of its line that test_records.py expects."""

from typing import Annotated, reveal_type

from pep3118 import Record, View, bits, bool_, char, f64, i16, record, u8, u16, ucs2


@record(order="<")
class Tick:
    id: u16
    price: f64
    tag: char[8]
    ok: bool_ = True


class Point(Record, order="<", align=True):
    x: f64
    y: f64 = 0.0


class Shape(Record):
    name: ucs2[4]
    origin: Point
    weights: Annotated[list[f64], 3]
    points: Annotated[list[Point], 2]


@record(order="<")
class Status:
    ready: bits[u8, 1]
    level: bits[i16, 7]


def attributes(tick: Tick, shape: Shape, status: Status) -> None:
    reveal_type(status.ready)  # int
    reveal_type(status.level)  # int
    reveal_type(tick.id)  # int
    reveal_type(tick.price)  # float
    reveal_type(tick.tag)  # bytes
    reveal_type(tick.ok)  # bool
    reveal_type(shape.name)  # str
    reveal_type(shape.origin.x)  # float
    reveal_type(shape.weights)  # list[float]
    reveal_type(shape.points[0].y)  # float


def construction() -> None:
    reveal_type(Tick(7, 9.5, b"a"))  # Tick
    reveal_type(Tick(id=7, price=9.5, tag=b"a", ok=False))  # Tick
    reveal_type(Status(1, -3))  # Status
    Status("1", -3)  # error: the type of `ready`
    Tick("7", 9.5, b"a")  # error: the type of `id`
    Tick(7, 9.5)  # error: `tag` is missing
    Tick(7, 9.5, "a")  # error: the type of `tag`
    Tick(7, 9.5, b"a").id = 8  # error: a record is read-only


def methods(data: bytes) -> None:
    reveal_type(Point.format)  # str
    reveal_type(Point.itemsize)  # int
    reveal_type(Point.unpack(data))  # Point
    reveal_type(Point.unpack_from(data, 2).y)  # float
    reveal_type(next(Point.iter_unpack(data)).x)  # float
    reveal_type(Point(1.0).pack())  # bytes


def views(data: bytes) -> None:
    ticks: View[Tick] = View(data, Tick)
    reveal_type(View(data, Tick))  # View[Tick]
    reveal_type(ticks[0])  # Tick
    reveal_type(ticks[0].price)  # float
    reveal_type(ticks[1:])  # View[Tick]
    reveal_type([tick.tag for tick in ticks])  # list[bytes]
    reveal_type(ticks["price"])  # View[Any]
    reveal_type(View(data))  # View[Any]
    reveal_type(View(data).cast(Tick)[0].id)  # int


def classes_of_c(source: str, data: bytes) -> None:
    row = Record.from_c(source)
    reveal_type(row(1, name=b"a").pack())  # bytes
    reveal_type(row.itemsize)  # int
    reveal_type(row.unpack(data).id)  # Any
    reveal_type(View(data, row))  # View[_RecordOfFormat]
    reveal_type(View(data, row)[0].id)  # Any
    row.unpack(b"a", 1)  # error: too many arguments
