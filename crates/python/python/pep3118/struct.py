r"""The standard library's ``struct``, for every format of PEP 3118.

Replace ``import struct`` by ``from pep3118 import struct``: what ``struct`` accepts gives the same
sizes, values, bytes and exceptions here; ``error`` *is* ``struct.error``. Which ``struct`` that is,
follows from the interpreter: complex numbers (``F``, ``D``) are native codes from 3.14 on.

>>> from pep3118 import struct
>>> struct.unpack("<IhB", b"\x01\x00\x00\x00\xff\xff\x07")
(1, -1, 7)

What ``struct`` refuses is read by PEP 3118:

>>> struct.calcsize("T{<h:x:<d:y:}")
10
>>> struct.unpack("T{<h:x:<h:y:}(2,2)B", b"\x01\x00\x02\x00\x03\x04\x05\x06")
((1, 2), [[3, 4], [5, 6]])
>>> struct.pack("<hT{B:a:2B:b:}", 1, (2, [3, 4]))
b'\x01\x00\x02\x03\x04'

=============  =====================================  =============================
in a format    given by ``unpack``                    taken by ``pack``
=============  =====================================  =============================
``i`` ``3i``   one ``int``, three ``int``             the same
``(3)i``       a ``list`` of three ``int``            a ``list`` or ``tuple``
``(2,3)i``     ``list`` in a ``list``                 ``list`` or ``tuple``, nested
``T{i:a:3B}``  a ``tuple``; ``3B`` in it is a list    a ``tuple`` or ``list``
``2T{i:a:}``   two ``tuple``                          the same
``Zf`` ``Zd``  ``complex``                            ``complex``, numbers
``e`` ``f``    ``float``                              numbers
``g``          the nearest ``float``: digits are lost numbers
``u`` ``w``    ``str`` without NULs at the end        ``str``, no longer than fits
``4s``         ``bytes`` of length 4                  ``bytes``; cut or filled up
``P`` ``&i``   an address, as ``int``                 ``int``
``3x:a:``      ``bytes`` of length 3                  the same
=============  =====================================  =============================

Names are not part of the values. Other than ``struct``, ``pack_into`` writes nothing unless all
values fit.
"""

from struct import error

from ._pep3118 import _struct

Struct = _struct.Struct
calcsize = _struct.calcsize
iter_unpack = _struct.iter_unpack
pack = _struct.pack
pack_into = _struct.pack_into
unpack = _struct.unpack
unpack_from = _struct.unpack_from
_clearcache = _struct._clearcache

__all__ = ["Struct", "calcsize", "error", "iter_unpack", "pack", "pack_into", "unpack", "unpack_from"]
