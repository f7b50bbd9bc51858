"""The parser of the grammar in docs/grammar.md: `parse` converts the bytes of a format to a list of items."""

from dataclasses import dataclass, field
from functools import lru_cache

from .errors import Refused

SPACES = b" \t\n\v\f\r"
ORDERS = b"@=<>!^"
CODES = b"xcbB?hHiIlLqQnNefdgspPOuwtFDGzv"
PARTS = b"efdg"  # the types of the parts of a complex number

MAX_BYTES, MAX_ITEMS, MAX_LEVELS, MAX_DIMENSIONS = 131_072, 65_536, 64, 64


@dataclass
class Item:
    """One item of a format."""

    kind: str = ""  # "code", "structure", "pointer", "function" or "user"
    code: str = ""  # for kind "code": one character, or `Z` and the type of the parts
    order: str = "@"  # the byte-order character that applies to the type, for a structure at `T{`
    order_at_end: str = "@"  # for a structure: the byte-order character that applies at `}`
    orders: str = ""  # the byte-order characters directly before the item and in it
    shape: tuple = ()  # with the repeat count as the last dimension, unless it is 1 or the code is one of `spwutx`
    shapes: int = 0  # the number of shapes in parentheses
    count: int | None = None  # the repeat count, None if the format has no count
    name: bytes | None = None
    children: list = field(default_factory=list)  # of a structure; the target of a pointer
    user_type: bytes = b""  # the text between the brackets of a user type


@dataclass
class Format:
    """A parsed format: the result of `parse`."""

    text: bytes
    items: list
    order_at_end: str  # the byte-order character that applies at the end
    constructs: set  # the constructs that some dialects lack, as texts, and ("code", code); see dialects.py


@lru_cache(maxsize=1)  # `reconcile` is called for the same format with several dialects and itemsizes
def parse(text):
    """Returns the `Format` of the bytes `text`. Raises `Refused` if `text` is not in the grammar or exceeds a limit.
    The caller must not change the result, because calls for the same `text` share it."""
    return Parser(text).format()


class Parser:
    """A parser of `text` at the byte `at`. `order` is the current byte-order character."""

    def __init__(self, text):
        self.text, self.at, self.order = text, 0, "@"
        self.items, self.levels, self.constructs = 0, 0, set()
        if len(text) > MAX_BYTES:
            raise Refused("limit", "too many bytes")

    def peek(self):
        """Returns the next byte, or b"" at the end."""
        return self.text[self.at : self.at + 1]

    def eat(self, *options):
        """Moves past the first of `options` that follows. Returns whether one follows."""
        for option in options:
            if self.text.startswith(option, self.at):
                self.at += len(option)
                return True
        return False

    def fail(self, message):
        raise Refused("syntax", f"{message} at byte {self.at}")

    def spaces(self):
        """Moves past white space. Returns whether there is any."""
        start = self.at
        while self.peek() and self.peek() in SPACES:
            self.at += 1
        return self.at > start

    def byte_order(self):
        """Moves past a byte-order character and stores it in `order`. Returns whether one follows."""
        if not self.peek() or self.peek() not in ORDERS:
            return False
        if self.at > 0:
            self.constructs.add("late byte order")
        self.order = self.peek().decode()
        if self.order == "^":
            self.constructs.add("^")
        self.at += 1
        return True

    def number(self):
        """Parses a number. Returns None if no digit follows."""
        start = self.at
        while self.peek() and self.peek() in b"0123456789":
            self.at += 1
        if start == self.at:
            return None
        value = int(self.text[start : self.at].lstrip(b"0")[:21] or b"0")
        if value >= 2**64:
            self.fail("the number does not fit 64 bits")
        return value

    def format(self):
        items = self.item_list()
        if self.peek():
            self.fail("`}` without `T{`")
        return Format(self.text, items, self.order, self.constructs)

    def item_list(self):
        """Parses items until `}` or the end, and returns their list. The caller reads the `}`."""
        items = []
        while True:
            start = self.at
            while self.spaces() or self.byte_order():
                pass
            if self.peek() in (b"", b"}"):
                if any(byte in ORDERS for byte in self.text[start : self.at]):
                    self.constructs.add("byte order without an item")
                return items
            items.append(self.item(self.text[start : self.at]))
            bits = [item.kind == "code" and item.code == "t" for item in items[-2:]]
            if bits == [True, True]:
                self.fail("bits after bits")

    def item(self, prefix):
        """Parses an item and its name. `prefix` are the bytes before it since the previous item."""
        item = self.unnamed_item(prefix)
        before = self.at
        inside = self.spaces()
        if self.eat(b":"):
            end = self.text.find(b":", self.at)
            if end < 0:
                self.fail("name is never closed")
            item.name = self.text[self.at : end]
            if b"\0" in item.name:
                self.fail("NUL in a name")
            self.at = end + 1
            self.constructs.add("name")
            if inside:
                self.constructs.add("inner space")
        else:
            self.at = before
        return item

    def unnamed_item(self, prefix=b""):
        """Parses an item without its name: shapes, byte order and count in the accepted orders, and the type."""
        item = Item(orders="".join(chr(byte) for byte in prefix if byte in ORDERS))
        self.items += 1
        if self.items > MAX_ITEMS:
            raise Refused("limit", "too many items")
        begun = inside = False
        after_order = bool(item.orders)
        while True:
            if self.spaces():
                inside |= begun
            elif self.byte_order():
                after_order = True
                item.orders += self.order
                if item.count is not None:
                    self.constructs.add("byte order after a count")
            elif self.peek() == b"(":
                if item.count is not None:
                    self.fail("shape after the repeat count")
                if after_order:
                    self.constructs.add("byte order before a shape")
                after_order = False
                item.shape += self.shape()
                item.shapes += 1
                begun = True
                self.constructs.add("shape")
                if item.shapes > 1:
                    self.constructs.add("shape after a shape")
            elif self.peek() and self.peek() in b"0123456789":
                if item.count is not None:
                    self.fail("two repeat counts")
                after_order = False
                item.count = self.number()
                begun = True
            else:
                break
        if inside:
            self.constructs.add("inner space")
        item.order = self.order
        self.type(item)
        if item.count not in (None, 1) and not (item.kind == "code" and item.code in "spwutx"):
            item.shape += (item.count,)
        if len(item.orders) > 1:
            self.constructs.add("two byte orders")
        if len(item.shape) > MAX_DIMENSIONS:
            raise Refused("limit", "too many dimensions")
        return item

    def shape(self):
        """Parses a shape from `(` to `)`, and returns the tuple of the dimensions."""
        self.at += 1
        dimensions = []
        while True:
            self.spaces()
            dimension = self.number()
            if dimension is None:
                self.fail("empty dimension")
            dimensions.append(dimension)
            self.spaces()
            if self.eat(b")"):
                return tuple(dimensions)
            if not self.eat(b","):
                self.fail("invalid shape")

    def enter(self):
        """Counts a further level of nesting. The caller subtracts the level at its end."""
        self.levels += 1
        if self.levels > MAX_LEVELS:
            raise Refused("limit", "too many levels")

    def type(self, item):
        """Parses a type, and stores its kind, code and children in `item`."""
        if self.eat(b"T{"):
            item.kind = "structure"
            self.constructs.add("structure")
            self.enter()
            item.children = self.item_list()
            if not self.eat(b"}"):
                self.fail("structure is never closed")
            self.levels -= 1
            item.order_at_end = self.order
        elif self.eat(b"&"):
            item.kind = "pointer"
            self.constructs.add("&")
            self.enter()
            item.children = [self.unnamed_item()]
            self.levels -= 1
        elif self.eat(b"X{"):
            item.kind = "function"
            self.constructs.add("X{}")
            self.balanced(b"{", b"}")
        elif self.eat(b"["):
            item.kind = "user"
            self.constructs.add("[name]")
            start = self.at
            self.balanced(b"[", b"]")
            item.user_type = self.text[start : self.at - 1]
            if self.text[start : start + 1] in (b"$", b"]"):
                self.fail("user type without a name")
        elif self.eat(b"Z"):
            item.kind, item.code = "code", "Z"
            before = self.at
            inside = self.spaces()
            if self.peek() and self.peek() in PARTS:
                item.code += self.peek().decode()
                self.at += 1
                if inside:
                    self.constructs.add("inner space")
            elif self.peek() and self.peek() not in b":}" + ORDERS:
                self.fail("`Z` is not followed by the part of a complex number")
            else:
                self.at = before
        elif self.peek() and self.peek() in CODES:
            item.kind, item.code = "code", self.peek().decode()
            self.at += 1
        else:
            self.fail("unknown format character")
        if item.kind == "code":
            self.constructs.add(("code", item.code))

    def balanced(self, opening, closing):
        """Moves past the `closing` that ends a text whose `opening` was read. The text may contain both in pairs."""
        depth = 1
        while depth:
            byte = self.peek()
            if byte in (b"", b"\0"):
                self.fail("never closed")
            depth += (byte == opening) - (byte == closing)
            self.at += 1
