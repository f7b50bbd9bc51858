"""Shows a plane of a video frame to Python, in the memory where a decoder left it.

    shape (2, 6), strides (8, 1)
    memoryview: [[0, 1, 2, 3, 4, 5], [8, 9, 10, 11, 12, 13]]
    every second line and column, by NumPy: [[0, 2, 4]]
    held by a consumer: False
    freed with the last consumer: True
"""

import ctypes
import weakref

import numpy as np
from pep3118 import Exporter, audit


class Frame:
    """What a decoder hands out: an address, and lines that are longer than what they show."""

    width, height, linesize = 6, 2, 8

    def __init__(self) -> None:
        self._memory = (ctypes.c_ubyte * (self.linesize * self.height))(*range(self.linesize * self.height))
        self.data = ctypes.addressof(self._memory)


frame = Frame()
# The frame is the owner: it lives as long as anybody holds a buffer. The address is taken on its word.
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

gone = weakref.ref(frame)
del frame, plane
print("held by a consumer:", gone() is None)
del array
print("freed with the last consumer:", gone() is None)
