"""NumPy's reader of format strings, in Rust.

>>> from pep3118.numpy import dtype_from_pep3118
>>> dtype_from_pep3118("T{<i:a:<d:b:}")
dtype([('a', '<i4'), ('b', '<f8')])

:func:`dtype_from_pep3118` can replace ``numpy._core._internal._dtype_from_pep3118``. It returns the same dtype for
every format that NumPy reads. It raises NumPy's exception if no dtype has the values (``NotImplementedError``), and
``FormatError``, a ``ValueError``, for anything that is not a format.

Some formats that NumPy refuses have a dtype here, by NumPy's own rules: white space, ``(2)(3)i``, ``<(2)i``, ``n`` and
``N`` in records, ``P`` (an unsigned integer, as ``numpy.dtype("P")`` is), and the complex ``F`` and ``D`` of CPython
3.14:

>>> dtype_from_pep3118("T{ (2)(3)<h:m: @n:k: }")["m"].shape
(2, 3)

Some formats that NumPy accepts are refused: those with an unbalanced brace (``T{i``, ``i}d``), and those with digits
outside of ASCII.

NumPy is imported when the function is called. To make NumPy itself use the function::

    import numpy._core._internal
    numpy._core._internal._dtype_from_pep3118 = dtype_from_pep3118
"""

from ._pep3118 import dtype_from_pep3118

__all__ = ["dtype_from_pep3118"]
