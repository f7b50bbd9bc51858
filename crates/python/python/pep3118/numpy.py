"""A fast replacement for NumPy's function that converts format strings to dtypes.

>>> from pep3118.numpy import dtype_from_pep3118
>>> dtype_from_pep3118("T{<i:a:<d:b:}")
dtype([('a', '<i4'), ('b', '<f8')])

:func:`dtype_from_pep3118` can replace ``numpy._core._internal._dtype_from_pep3118``. The function returns the same
dtype as NumPy for every format that NumPy accepts, with the exceptions below. As NumPy, the function raises
``NotImplementedError`` if NumPy has no dtype for a type. It raises ``FormatError``, a ``ValueError``, if the format is
invalid.

The function also accepts some formats that NumPy refuses, and computes their offsets by the rules of NumPy. Examples
are white space, ``(2)(3)i``, ``<(2)i``, ``n`` and ``N`` in records, and the complex types ``F`` and ``D`` of CPython
3.14. ``P`` is an unsigned integer, as ``numpy.dtype("P")`` is:

>>> dtype_from_pep3118("T{ (2)(3)<h:m: @n:k: }")["m"].shape
(2, 3)

The function refuses two kinds of formats that NumPy accepts: formats with an unbalanced brace, such as ``T{i`` and
``i}d``, and formats with digits outside of ASCII.

NumPy is imported when the function is called. The following code makes NumPy use the function::

    import numpy._core._internal
    numpy._core._internal._dtype_from_pep3118 = dtype_from_pep3118
"""

from ._pep3118 import dtype_from_pep3118

__all__ = ["dtype_from_pep3118"]
