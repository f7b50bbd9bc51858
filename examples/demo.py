"""Explains a format, reads a ctypes array that memoryview refuses, and audits an exporter: `make demo`."""

import ctypes

import pep3118


class Tick(ctypes.Structure):
    _fields_ = [("id", ctypes.c_uint16), ("price", ctypes.c_double)]


def main() -> None:
    ticks = (Tick * 3)((1, 9.5), (2, 9.25), (3, 9.75))
    print("A ctypes array, and the layout of its items:\n")
    print(pep3118.layout_of(ticks).explain())
    view = pep3118.View(ticks)
    print("\nIts records, and one field of all of them:\n")
    print(view.tolist())
    print(view["price"].tolist())
    print("\nThe audit of a class with bit-fields:\n")
    flags = type("Flags", (ctypes.Structure,), {"_fields_": [("a", ctypes.c_int, 3), ("b", ctypes.c_int)]})
    print(pep3118.audit(flags()))


if __name__ == "__main__":
    main()
