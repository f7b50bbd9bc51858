"""Draws the figures of grammar.md: the *.svg files in this folder, and inline.md with the figures for rustdoc.

Usage: pip install railroad-diagrams==3.0.1 && python draw.py

grammar.md refers to a figure as `![item][item-figure]` and defines `[item-figure]: figures/item.svg` at its end. A page
of rustdoc cannot refer to files, so rustdoc reads inline.md before grammar.md. inline.md defines each reference with
the data of the figure, and Markdown uses the first definition of a reference.
"""

import base64
import io
import pathlib

from railroad import Choice, Diagram, NonTerminal, OneOrMore, Optional, Sequence, Terminal, ZeroOrMore

HERE = pathlib.Path(__file__).parent

STYLE = """
  svg.railroad-diagram path { stroke-width: 2; stroke: #333; fill: none; }
  svg.railroad-diagram text { font: 14px monospace; text-anchor: middle; fill: #111; }
  svg.railroad-diagram rect { stroke-width: 2; stroke: #333; fill: #e8f1e4; }
  svg.railroad-diagram g.non-terminal rect { fill: #e6ecf5; }
"""

# A node stores its position in a figure, so each figure needs new nodes.
N = NonTerminal

RAILROADS = {
    "format": ZeroOrMore(Choice(1, N("space"), N("item"), N("byte_order"))),
    "item": Sequence(
        ZeroOrMore(Choice(1, N("space"), N("shape"), N("byte_order"))),
        Optional(N("count")),
        ZeroOrMore(Choice(0, N("byte_order"), N("space"))),
        N("type"),
        Optional(Sequence(ZeroOrMore(N("space")), N("name"))),
    ),
    "byte_order": Choice(0, *map(Terminal, "@=<>!^")),
    "shape": Sequence(
        Terminal("("),
        OneOrMore(Sequence(ZeroOrMore(N("space")), N("number"), ZeroOrMore(N("space"))), Terminal(",")),
        Terminal(")"),
    ),
    "type": Choice(
        0,
        N("code"),
        Sequence(Terminal("Z"), Optional(Sequence(ZeroOrMore(N("space")), Choice(0, *map(Terminal, "efdg"))))),
        Sequence(Terminal("T{"), N("format"), Terminal("}")),
        Sequence(Terminal("&"), N("unnamed_item")),
        Sequence(Terminal("X{"), N("anything, braces balanced"), Terminal("}")),
        Sequence(Terminal("["), N("anything, brackets balanced"), Terminal("]")),
    ),
}

# The layout of `ib` in struct and in a C compiler: (label, bytes of the item, [(offset, size, text, colour)]).
INT, CHAR, GAP = "#e6ecf5", "#e8f1e4", "#ffffff"
STRIPS = [
    ("struct: 5 bytes", [(0, 4, "i", INT), (4, 1, "b", CHAR)]),
    ("NumPy, Cython, C: 8 bytes", [(0, 4, "i", INT), (4, 1, "b", CHAR), (5, 3, "padding", GAP)]),
]


def strips():
    """Two rows of bytes, one below the other, with a ruler above each."""
    cell, height, left = 44, 30, 12
    out = [
        '<svg xmlns="http://www.w3.org/2000/svg" width="380" height="170" viewBox="0 0 380 170">',
        '<rect width="380" height="170" fill="#fdfdfb"/>',
        '<g font-family="monospace" font-size="13" fill="#111">',
    ]
    for row, (label, fields) in enumerate(STRIPS):
        top = 12 + row * 80
        out.append(f'<text x="{left}" y="{top + 8}">{label}</text>')
        for offset, size, text, colour in fields:
            x, width = left + offset * cell, size * cell
            dash = ' stroke-dasharray="4 3"' if colour == GAP else ""
            out.append(
                f'<rect x="{x}" y="{top + 30}" width="{width}" height="{height}" fill="{colour}" stroke="#333"{dash}/>'
                f'<text x="{x + width / 2:g}" y="{top + 49}" text-anchor="middle">{text}</text>'
            )
            for byte in range(offset, offset + size):
                out.append(
                    f'<text x="{left + byte * cell + 3}" y="{top + 26}" font-size="10" fill="#555">{byte}</text>'
                )
    return "\n".join([*out, "</g>", "</svg>", ""])


def railroad(track):
    out = io.StringIO()
    Diagram(track, type="complex").writeStandalone(out.write, STYLE)
    start, rest = out.getvalue().split(">", 1)
    # The figure has a light background, because its lines are dark and the page may be dark.
    return f'{start}><rect width="100%" height="100%" style="fill: #fdfdfb; stroke: none"/>{rest}\n'


def main():
    figures = {name: railroad(track) for name, track in RAILROADS.items()} | {"ib": strips()}
    for name, svg in figures.items():
        (HERE / f"{name}.svg").write_text(svg)
    inline = (
        f"[{name}-figure]: data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}\n"
        for name, svg in sorted(figures.items())
    )
    (HERE / "inline.md").write_text("".join(inline))


main()
