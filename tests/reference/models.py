"""Sizes and alignments of the C types of seven machines (`MODELS`), and the standard sizes of codes (`STANDARD`)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Model:
    """One data model. Sizes and alignments are in bytes."""

    long: int
    pointer: int
    wchar: int
    long_double: tuple  # size and alignment
    align8: int = 8  # the alignment of `double` and `long long`
    big_endian: bool = False

    @property
    def max_size(self):
        """The largest value of `Py_ssize_t`."""
        return 2 ** (8 * self.pointer - 1) - 1

    def native(self, code):
        """Returns the native size and alignment of `code`, a single character or "wchar"."""
        size = STANDARD.get(code)
        if code in "lL":
            size = self.long
        elif code in "nNPOzZ&X":
            size = self.pointer
        elif code == "g":
            return self.long_double
        elif code == "wchar":
            size = self.wchar
        return size, self.align8 if size == 8 and code in "qQd" else size


MODELS = {
    "lp64": Model(8, 8, 4, (16, 16)),
    "aarch64": Model(8, 8, 4, (16, 16)),
    "llp64": Model(4, 8, 2, (8, 8)),
    "i386": Model(4, 4, 4, (12, 4), align8=4),
    "ilp32": Model(4, 4, 4, (8, 8)),
    "s390x": Model(8, 8, 4, (16, 8), big_endian=True),
    "wasm32": Model(4, 4, 4, (16, 8)),
}

# The sizes after `=`, `<`, `>` and `!`, in bytes. The other codes have no standard size.
STANDARD = {
    "x": 1, "c": 1, "b": 1, "B": 1, "?": 1, "s": 1, "p": 1, "t": 1,
    "h": 2, "H": 2, "e": 2, "u": 2, "v": 2,
    "i": 4, "I": 4, "l": 4, "L": 4, "f": 4, "w": 4,
    "q": 8, "Q": 8, "d": 8,
}  # fmt: skip
