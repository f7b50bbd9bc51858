"""Generates random C structures and unions, and records the size, alignment and offsets that C compilers compute.

Usage: python c_structures.py SEED ROWS

Prints rows of ../c_structures.jsonl. The compilers are `gcc` for lp64, `gcc -m32` for i386 and `x86_64-w64-mingw32-gcc
-mlong-double-64` for llp64; the variables GCC and MINGW name other programs. A compiler writes the answers into
assembly, so the script runs no compiled program and needs no header of a target.
"""

import json
import os
import random
import re
import subprocess
import sys

GCC = os.environ.get("GCC", "gcc").split()
MINGW = os.environ.get("MINGW", "x86_64-w64-mingw32-gcc").split()
COMPILERS = {"lp64": [*GCC, "-m64"], "i386": [*GCC, "-m32"], "llp64": [*MINGW, "-mlong-double-64"]}

# The types that a program normally gets from headers. The compilers have these types under other names.
HEADER = """
typedef __INT8_TYPE__ int8_t; typedef __INT16_TYPE__ int16_t; typedef __INT32_TYPE__ int32_t;
typedef __INT64_TYPE__ int64_t; typedef __UINT8_TYPE__ uint8_t; typedef __UINT16_TYPE__ uint16_t;
typedef __UINT32_TYPE__ uint32_t; typedef __UINT64_TYPE__ uint64_t; typedef __SIZE_TYPE__ size_t;
typedef __PTRDIFF_TYPE__ ptrdiff_t; typedef __WCHAR_TYPE__ wchar_t; typedef __UINTPTR_TYPE__ uintptr_t;
typedef __CHAR16_TYPE__ char16_t; typedef __CHAR32_TYPE__ char32_t;
#define bool _Bool
#define alignas _Alignas
"""

SCALARS = """char|signed char|unsigned char|short|unsigned short int|int|unsigned|long|unsigned long|long long
unsigned long long int|float|double|long double|_Bool|bool|int8_t|uint8_t|int16_t|uint16_t|int32_t|uint32_t|int64_t
uint64_t|size_t|ptrdiff_t|wchar_t|uintptr_t|char16_t|char32_t|float _Complex|double _Complex|long double _Complex
long const|volatile double|int unsigned long""".replace("\n", "|").split("|")
BITS = [
    "int",
    "unsigned",
    "signed char",
    "unsigned char",
    "short",
    "unsigned short",
    "long",
    "long long",
    "unsigned long long",
    "_Bool",
    "uint16_t",
    "uint32_t",
    "uint64_t",
    "char",
]
WIDTH = {
    "signed char": 8,
    "unsigned char": 8,
    "char": 8,
    "short": 16,
    "unsigned short": 16,
    "_Bool": 1,
    "uint16_t": 16,
    "long long": 64,
    "unsigned long long": 64,
    "uint64_t": 64,
}
LENGTHS = ["1", "2", "3", "0x4", "2 * 3", "(1 << 2) + 1", "sizeof(short)", "7 / 2", "8 - 5u", "1 ? 2 : 9", "~-4 & 3"]


class Source:
    """The generator of one row: a random declaration, and the paths of the leaves whose offsets are recorded.

    A leaf is a member that is no record. Its path names only the first element of each array of records. The path of a
    bit-field is None, because C has no `offsetof` for a bit-field.
    """

    def __init__(self, rng, index):
        """Creates the generator of the row `index`. `rng` is the source of random numbers."""
        self.rng, self.index, self.names, self.before = rng, index, 0, []

    def name(self, prefix):
        """Returns a name that no other row and no other declaration of this row has."""
        self.names += 1
        return f"{prefix}{self.names}_{self.index}"

    def chance(self, probability):
        """Returns True with the probability `probability`."""
        return self.rng.random() < probability

    def aligned(self, limit=32):
        """Returns a random alignment of at most `limit` bytes."""
        return self.rng.choice([n for n in (1, 2, 4, 8, 16, 32) if n <= limit])

    def scalar(self):
        """Returns (type, note). The note is 'one' if the type must not be the element of an array, and otherwise ''.

        Appends a typedef to `before` if the type needs one.
        """
        kind = self.rng.randrange(20)
        if kind == 0:
            name = self.name("t")
            self.before.append(f"typedef {self.rng.choice(SCALARS)} {name};")
            return name, ""
        if kind == 1:
            name = self.name("v")
            self.before.append(f"typedef {self.rng.choice(SCALARS)} {name} __attribute__((aligned({self.aligned()})));")
            return name, "one"
        if kind == 2:
            name, tag = self.name("E"), self.name("e")
            values = self.rng.choice([f"{name}, {name}x = 9", f"{name} = -1", f"{name} = 0x80000000u"])
            return f"enum {tag} {{ {values} }}", "one"
        if kind == 3:
            return self.rng.choice(["void *", "const char *", "wchar_t *", "struct other *", "double **"]), ""
        return self.rng.choice(SCALARS), ""

    def record(self, depth, tag):
        """Returns (text, leaves). `text` is the declaration from `struct` or `union` to the attributes after the brace.
        `leaves` are the paths of the leaves, with None for each named bit-field.

        `depth` is the number of records that may be nested inside. An empty `tag` gives a record without a tag.
        """
        keyword = self.rng.choice(["struct", "struct", "struct", "union"])
        packed = self.chance(0.15)
        before = after = ""
        if packed:
            before, after = self.rng.choice([("__attribute__((packed)) ", ""), ("", " __attribute__((__packed__))")])
        if self.chance(0.1):
            after += f" __attribute__((aligned({self.aligned()})))"
        members, leaves = [], []
        count = self.rng.randint(1, 6)
        for number in range(count):
            self.member(depth, keyword == "struct" and number == count - 1 and number > 0, members, leaves)
        if not leaves:
            members.append("int last;")
            leaves.append("last")
        return f"{keyword} {before}{tag}{' ' if tag else ''}{{ {' '.join(members)} }}{after}", leaves

    def member(self, depth, is_last, members, leaves):
        """Appends declarations of members to `members`, and the paths of their leaves to `leaves`.

        `depth` is the number of records that may be nested inside the member. `is_last` is true for the last of several
        members of a structure, which can be an array without a length.
        """
        kind = self.rng.randrange(24)
        name = f"m{len(members)}_{depth}"
        if depth and kind < 3:
            tag = self.name("s") if self.chance(0.5) else ""
            text, inner = self.record(depth - 1, tag)
            dims = "".join(f"[{n}]" for n in self.lengths()) if self.chance(0.2) and "aligned" not in text else ""
            first = "[0]" * dims.count("[")
            members.append(f"{text} {name}{dims};")
            leaves += [leaf and f"{name}{first}.{leaf}" for leaf in inner]
        elif depth and kind == 3:
            text, inner = self.record(depth - 1, "")
            # The members of an anonymous record share the scope of this record.
            unique = f"a{self.names}_"
            self.names += 1
            text = re.sub(rf"\bm(\d+)_{depth - 1}\b", rf"{unique}\1", text).replace(" last;", f" {unique}last;")
            members.append(f"{text};")
            for leaf in inner:
                renamed = leaf and re.sub(rf"\bm(\d+)_{depth - 1}\b", rf"{unique}\1", leaf)
                leaves.append(f"{unique}last" if leaf == "last" else renamed)
        elif kind < 9:
            self.bits(name, members, leaves)
        elif kind == 9:
            members.append(f"int (*{name})(double, char *);")
            leaves.append(name)
        elif kind == 10:
            members.append(f"{self.rng.choice(SCALARS)} *{name}[{self.rng.choice(LENGTHS)}];")
            leaves.append(name)
        elif kind == 11 and is_last:
            members.append(f"{self.rng.choice(SCALARS)} {name}[];")
            leaves.append(name)
        else:
            ty, note = self.scalar()
            dims = "".join(f"[{n}]" for n in self.lengths()) if note != "one" and self.chance(0.2) else ""
            text = f"{ty} {name}{dims}"
            if self.chance(0.08):
                text += f" __attribute__((aligned({self.aligned()})))"
            elif self.chance(0.08):
                text += " __attribute__((packed))"
            elif self.chance(0.06):
                keyword = self.rng.choice(["_Alignas", "alignas"])
                alignment = self.rng.choice(["32", "64", "long double _Complex"])
                text = f"{keyword}({alignment}) {text}"
            elif self.chance(0.06) and note != "one":
                text += f", {name}b"
                leaves.append(name)
                name += "b"
            members.append(f"{text};")
            leaves.append(name)

    def bits(self, name, members, leaves):
        """Appends one to four bit-fields, with or without names, to `members`, and None for each name to `leaves`."""
        for number in range(self.rng.randint(1, 4)):
            ty = self.rng.choice(BITS)
            width = self.rng.randint(1, WIDTH.get(ty, 32))
            kind = self.rng.randrange(12)
            if kind == 0:
                members.append(f"{ty} : {width};")
            elif kind == 1:
                members.append(f"{ty} : 0;")
            else:
                packed = " __attribute__((packed))" if kind == 2 else ""
                members.append(f"{ty} {name}{number} : {width}{packed};")
                leaves.append(None)

    def lengths(self):
        """Returns the lengths of one or two dimensions, as constant expressions."""
        return [self.rng.choice(LENGTHS) for _ in range(self.rng.choice([1, 1, 2]))]

    def row(self):
        """Returns the row as a dict without the answers of the compilers. The compilers may refuse its source."""
        text, leaves = self.record(self.rng.choice([0, 1, 2, 3]), f"s_{self.index}")
        text += ";"
        if self.chance(0.2):
            pack = self.rng.choice([1, 2, 4, 8, 16])
            text = f"#pragma pack(push, {pack})\n{text}\n#pragma pack(pop)"
        return {"source": "\n".join([*self.before, text]), "leaves": leaves}


def answers(compiler, rows):
    """Returns one list for each row: the size, the alignment and the offsets that `compiler` computes."""
    lines = [HEADER]
    for index, row in enumerate(rows):
        # The last line that starts with a keyword is the declaration of the row.
        full = re.findall(r"^(struct|union) ", row["source"], re.MULTILINE)[-1] + f" s_{index}"
        values = [f"sizeof({full})", f"_Alignof({full})"]
        values += [f"__builtin_offsetof({full}, {leaf})" for leaf in row["leaves"] if leaf]
        lines.append(f"{row['source']}\nconst unsigned answer_{index}[] = {{ {', '.join(values)} }};")
    command = [*compiler, "-std=gnu11", "-w", "-O0", "-S", "-o", "-", "-x", "c", "-"]
    text = subprocess.run(command, input="\n".join(lines), text=True, check=True, stdout=subprocess.PIPE).stdout
    found = {}
    for line in text.splitlines():
        if match := re.match(r"_?answer_(\d+):", line):
            current = found.setdefault(int(match[1]), [])
        elif match := re.match(r"\s+\.long\s+(\d+)$", line):
            current.append(int(match[1]))
        elif match := re.match(r"\s+\.(?:space|zero)\s+(\d+)$", line):
            current += [0] * (int(match[1]) // 4)
    return [found[index] for index in range(len(rows))]


def main():
    """Prints the rows with the answers of the compilers. Each compiler accepts the source of every row."""
    seed, count = int(sys.argv[1]), int(sys.argv[2])
    rng = random.Random(seed)
    rows = []
    while len(rows) < count:
        row = Source(rng, len(rows)).row()
        # A declaration that a compiler refuses, such as an array of elements with a larger alignment, becomes no row.
        text = HEADER + row["source"]
        commands = [[*compiler, "-std=gnu11", "-w", "-fsyntax-only", "-x", "c", "-"] for compiler in COMPILERS.values()]
        if all(subprocess.run(c, input=text, text=True, stderr=subprocess.DEVNULL).returncode == 0 for c in commands):
            rows.append(row)
    for name, compiler in COMPILERS.items():
        for row, answer in zip(rows, answers(compiler, rows), strict=True):
            row[name] = answer
    for row in rows:
        print(json.dumps(row))


main()
