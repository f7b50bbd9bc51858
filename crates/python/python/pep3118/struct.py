r"""A replacement for the standard module ``struct`` that accepts every format of PEP 3118.

Replace ``import struct`` by ``from pep3118 import struct``. A format that ``struct`` accepts has the same size,
values, bytes and exceptions in this module. ``error`` is the class ``struct.error``. The behaviour follows the
``struct`` of the running interpreter. For example, the complex types ``F`` and ``D`` need Python 3.14.

>>> from pep3118 import struct
>>> struct.unpack("<IhB", b"\x01\x00\x00\x00\xff\xff\x07")
(1, -1, 7)

A format that ``struct`` refuses is interpreted as in PEP 3118:

>>> struct.calcsize("T{<h:x:<d:y:}")
10
>>> struct.unpack("T{<h:x:<h:y:}(2,2)B", b"\x01\x00\x02\x00\x03\x04\x05\x06")
((1, 2), [[3, 4], [5, 6]])
>>> struct.pack("<hT{B:a:2B:b:}", 1, (2, [3, 4]))
b'\x01\x00\x02\x03\x04'

=============  =====================================  ==============================
format         result of ``unpack``                   argument of ``pack``
=============  =====================================  ==============================
``i`` ``3i``   one ``int``, three ``int``             the same
``(3)i``       a ``list`` of three ``int``            a ``list`` or ``tuple``
``(2,3)i``     nested ``list``                        nested ``list`` or ``tuple``
``T{i:a:3B}``  a ``tuple``, in which ``3B`` is a      a ``tuple`` or ``list``
               ``list``
``2T{i:a:}``   two ``tuple``                          the same
``Zf`` ``Zd``  ``complex``                            ``complex``, numbers
``e`` ``f``    ``float``                              numbers
``g``          the nearest ``float``: digits are lost numbers
``u`` ``w``    ``str`` without NULs at the end        ``str`` that fits
``4s``         ``bytes`` of length 4                  ``bytes``, truncated or padded
``P`` ``&i``   the address, an ``int``                ``int``
``3x:a:``      ``bytes`` of length 3                  the same
=============  =====================================  ==============================

Field names do not appear in the values. If a value is out of range, ``pack_into`` changes nothing. In this case,
``struct.pack_into`` changes the bytes before the value.
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
