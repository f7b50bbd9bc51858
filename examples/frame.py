"""Exports a plane of a video frame without copying the memory of the decoder.

    shape (2, 6), strides (8, 1)
    memoryview: [[0, 1, 2, 3, 4, 5], [8, 9, 10, 11, 12, 13]]
    every second line and column, by NumPy: [[0, 2, 4]]
    freed while a consumer holds it: False
    freed after the last consumer: True
"""

import ctypes
import weakref

import numpy as np
from pep3118 import Exporter, audit


class Frame:
    """A frame of a decoder: an address, and lines of `linesize` bytes, which include unused bytes after `width`."""

    width, height, linesize = 6, 2, 8

    def __init__(self) -> None:
        self._memory = (ctypes.c_ubyte * (self.linesize * self.height))(*range(self.linesize * self.height))
        self.data = ctypes.addressof(self._memory)


frame = Frame()
# The third argument is the owner of the memory. The exporter keeps the owner alive until every consumer has released
# its buffer. The exporter cannot check the address.
plane = Exporter.from_address(
    frame.data,
    frame.linesize * frame.height,
    frame,
    format="B",
    shape=(frame.height, frame.width),
    strides=(frame.linesize, 1),
)
assert audit(plane)

print(f"shape {plane.shape}, strides {plane.strides}")
print("memoryview:", memoryview(plane).tolist())
array = np.asarray(plane)
print("every second line and column, by NumPy:", array[::2, ::2].tolist())

reference = weakref.ref(frame)
del frame, plane
print("freed while a consumer holds it:", reference() is None)
del array
print("freed after the last consumer:", reference() is None)
