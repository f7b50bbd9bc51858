# cython: language_level=3, freethreading_compatible=True
"""Exporters of Cython: an array, a strided view of an array, an array of records, and a class with a method
`__getbuffer__`. Two functions read buffers."""

from cpython.buffer cimport PyBuffer_FillInfo
from cython cimport view


cdef packed struct Pair:
    char a
    int b


def array():
    return view.array(shape=(2, 3), itemsize=sizeof(int), format="i")


def strided():
    cdef int[:, ::1] whole = array()
    return whole[:, ::2]


def records():
    cdef Pair[:] pairs = view.array(shape=(3,), itemsize=sizeof(Pair), format="T{^c:a:^i:b:}")
    return pairs


cdef class Bytes:
    cdef char cells[4]

    def __getbuffer__(self, Py_buffer *buffer, int flags):
        PyBuffer_FillInfo(buffer, self, self.cells, 4, 0, flags)


def total(const double[:, :] matrix):
    """Returns the sum of the items of `matrix`, any exporter of a matrix of doubles."""
    cdef Py_ssize_t row, column
    cdef double sum = 0
    for row in range(matrix.shape[0]):
        for column in range(matrix.shape[1]):
            sum += matrix[row, column]
    return sum


def numbers(const Pair[:] pairs):
    """Returns a list of the second field of each item of `pairs`, any exporter of pairs."""
    return [pairs[index].b for index in range(pairs.shape[0])]
