"""Prints the layout and the items of a ctypes array, and the audit of an exporter: `make demo`.

    id: uint16 at byte 0
    price: float64 at byte 8
    Record(id=2, price=9.25) [9.5, 9.25, 9.75]
    B05 error
    T01 error
"""

import ctypes

import pep3118


class Tick(ctypes.Structure):
    _fields_ = [("id", ctypes.c_uint16), ("price", ctypes.c_double)]


class Flags(ctypes.Structure):
    _fields_ = [("a", ctypes.c_int, 3), ("b", ctypes.c_int)]


def main() -> None:
    ticks = (Tick * 3)((1, 9.5), (2, 9.25), (3, 9.75))
    for field in pep3118.layout_of(ticks).fields:
        print(f"{field.name}: {field.type} at byte {field.offset}")
    view = pep3118.View(ticks)
    print(view[1], view["price"].tolist())
    for finding in pep3118.audit(Flags()).findings:
        print(finding.rule, finding.severity)


if __name__ == "__main__":
    main()
