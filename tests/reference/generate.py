"""Generates random formats for comparisons of two readers: formats of the grammar, and the same formats with changed
bytes. Also generates itemsizes for the formats."""

from .grammar import CODES
from .user_types import USER_TYPES

COMMON = "bBhHiIlLqQfd?"
NAMES = ["a", "b", "c", "a}b", " ", "", "x y", "\xe9"]
JUNK = b"T{}:()&X[]0123456789, \t<>@=^!ZefdgsxwtuB\0\xff$"
KNOWN = [name.decode() for name in USER_TYPES]
ALIGNED = ["", "", "", "@", "^", "=", "<", ">"]


def random_format(random):
    """Returns the bytes of a format, which may be invalid. `random` is an instance of `random.Random`."""
    writer = Writer(random)
    text = writer.items(0)
    if random.random() < 0.12 and text:
        at = random.randrange(len(text) + 1)
        end = at + random.choice([0, 0, 1, 1, 2])
        text = text[:at] + bytes([random.choice(JUNK)]) * random.choice([0, 1, 1]) + text[end:]
    return text


def random_itemsize(random, sizes):
    """Returns an itemsize in bytes or None. `sizes` are likely sizes of the format. If `sizes` is empty, the result is
    None."""
    if random.random() < 0.35 or not sizes:
        return None
    size = random.choice(sizes)
    return size + random.choice([0, 0, 0, 0, 1, 2, 3, 4, 8]) if random.random() < 0.9 else random.randrange(40)


class Writer:
    """Writes formats in the style of one producer, so that most formats belong to a dialect."""

    def __init__(self, random):
        self.random = random
        self.style = random.choice(["struct", "struct", "any", "any", "numpy", "numpy", "ctypes", "c"])
        self.order = random.choice(ALIGNED)
        self.codes = random.choice([COMMON, COMMON + "xscepPnN", COMMON + "xgOwszuv", CODES.decode()])

    def chance(self, probability):
        return self.random.random() < probability

    def space(self):
        if self.style in ("any", "c") and self.chance(0.04):
            return self.random.choice([" ", " ", "\t", "\n "])
        return ""

    def items(self, depth):
        """Returns random items: bytes for the depth 0, a whole format, and otherwise text, the inside of `T{}`."""
        text = self.order if depth == 0 and self.style in ("struct", "c") else ""
        count = self.random.choice([0, 1, 1, 1, 2, 2, 3, 3, 4, 6])
        if depth == 0 and self.style in ("numpy", "ctypes") and self.chance(0.7):
            text += self.structure(0)
            return text.encode("latin-1")
        for _ in range(count):
            text += self.space() + self.item(depth)
        text += self.space()
        return text if depth else text.encode("latin-1")

    def structure(self, depth):
        return "T{" + self.items(depth + 1) + "}"

    def number(self):
        return str(self.random.choice([0, 1, 2, 2, 3, 3, 4, 5, 7, 9, 16]))

    def shape(self):
        dimensions = [self.space() + self.number() + self.space() for _ in range(self.random.choice([1, 1, 2, 3]))]
        return "(" + self.random.choice([",", ",", ", "]).join(dimensions) + ")"

    def padding(self):
        """Returns one to seven bytes of padding without a name."""
        count = self.random.choice([1, 1, 2, 3, 3, 4, 5, 6, 7])
        return "x" * count if self.style == "numpy" else f"{count}x"

    def item(self, depth):
        """Returns an item, with or without a name, or padding."""
        if self.style != "struct" and self.chance(0.15):
            return self.padding()
        text = self.unnamed(depth)
        if self.style != "struct" and self.chance(0.7 if depth else 0.2):
            text += self.space() + ":" + self.random.choice(NAMES[:3] if self.chance(0.9) else NAMES) + ":"
        return text

    def unnamed(self, depth):
        if self.style == "struct":
            return self.prefix_count(0.2) + self.code()
        text = ""
        order = self.random.choice(ALIGNED) if self.chance(0.2) else ""
        if self.style == "ctypes":
            order = self.order if self.order in "<>" and self.order else "<"
        shaped = self.chance(0.2)
        if shaped:
            text += self.shape() + (self.shape() if self.chance(0.08) else "")
        if order and shaped and self.chance(0.05):
            text = order + text
            order = ""
        nested = depth < 4 and self.chance(0.2)
        if nested:
            text += self.prefix_count(0.05) + self.structure(depth)
            if self.style == "numpy" and self.chance(0.5):
                # NumPy writes the padding of elements after the array and its name.
                text += ":s:" + "x" * self.random.choice([2, 3, 3, 4, 6, 6, 7, 9, 12])
            return text
        if self.style in ("ctypes", "any") and self.chance(0.08):
            user_type = f"[{self.random.choice(KNOWN)}]"
            pointer = "&" + self.unnamed(depth + 1)
            return text + self.random.choice(["X{}", "X{i->d}", pointer, "&<i", "[name]", user_type, user_type, "O"])
        if self.chance(0.5):
            return text + order + self.prefix_count(0.1) + self.code()
        return text + self.prefix_count(0.1) + order + self.code()

    def prefix_count(self, probability):
        """Returns a repeat count with the given probability, and otherwise ""."""
        return self.number() + self.space() if self.chance(probability) else ""

    def code(self):
        """Returns a random code, or "xx"."""
        code = self.random.choice(self.codes)
        if code == "Z" or self.chance(0.04):
            return "Z" + self.space() + self.random.choice("fdgefd:")[:1].replace(":", "")
        if code == "x" and self.chance(0.3):
            return "xx"
        return code
