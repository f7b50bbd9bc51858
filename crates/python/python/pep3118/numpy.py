"""NumPy's reader of format strings, in Rust.

>>> from pep3118.numpy import dtype_from_pep3118
>>> dtype_from_pep3118("T{<i:a:<d:b:}")
dtype([('a', '<i4'), ('b', '<f8')])

:func:`dtype_from_pep3118` takes the place of ``numpy._core._internal._dtype_from_pep3118``: the same
dtype for every format that is one, and the exceptions of NumPy where no dtype holds the values
(``NotImplementedError``) or the format is none (``FormatError``, a ``ValueError``).

What NumPy refuses is read by its own rules, where a dtype can hold it: white space, ``(2)(3)i``,
``<(2)i``, ``n`` and ``N`` in records, ``P`` (an unsigned integer, as ``numpy.dtype("P")`` is), the
complex ``F`` and ``D`` of CPython 3.14:

>>> dtype_from_pep3118("T{ (2)(3)<h:m: @n:k: }")["m"].shape
(2, 3)

What NumPy forgives is refused: a brace that nothing closes or opens (``T{i``, ``i}d``), digits of other
scripts than ASCII.

NumPy is imported when the function is called. To have NumPy itself read with it::

    import numpy._core._internal
    numpy._core._internal._dtype_from_pep3118 = dtype_from_pep3118
"""

from ._pep3118 import dtype_from_pep3118

__all__ = ["dtype_from_pep3118"]
