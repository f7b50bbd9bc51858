//! The grammar: what is read, what is refused and where.

use pep3118::format::{ByteOrder, Format, Limits, Member, Prefix};

use crate::properties::covers_every_byte;

/// Strings that the grammar has, from PEP 3118, from every producer, and from the corners.
const ACCEPTED: &[&str] = &[
    "",
    "i",
    "<",
    "i<",
    "<>i",
    "BBB",
    "B:r: B:g: B:b:",
    ">i:big: <i:little:",
    "i:ival:\n T{\n H:sval:\n B:bval:\n B:cval:\n }:sub:",
    "i:ival:\n (16,4)d:data:",
    "T{}",
    "T{}:a:",
    "0i",
    "0T{i:a:}",
    "007i",
    "3 i",
    "3<i",
    "(2,3)<i",
    "<(2)i",
    "(2)(3)i",
    "(2)3i",
    "( 2, 3 )i",
    "Zf Zd Zg Ze",
    "Z f",
    "Z",
    "T{<z:s:<Z:w:<P:v:}",
    "&i",
    "&&<d",
    "&(2,3)<i:p:",
    "&T{i:a:}:p:",
    "X{}",
    "X{i->d}:f:",
    "&X{}",
    "^T{?:b:3xI:u:}",
    "(3)^T{i:a:}",
    "[bfloat16]",
    "[a$b[c]]:x:",
    "T{i::}",
    "T{i:a}b:}",
    "T{i:T{:}",
    "T{i:a b:}",
    "T{i :a:}",
    "i:\u{e9}:",
    "8t",
    "F D G v",
];

#[test]
fn the_grammar_reads_what_is_written() {
    for source in ACCEPTED {
        let format = Format::parse(source.as_bytes()).unwrap_or_else(|error| panic!("{source:?}: {error}"));
        assert_eq!(format.as_bytes(), source.as_bytes());
        covers_every_byte(&format);
        let printed = Format::from_members(format.members()).unwrap();
        assert_eq!(format, printed, "{source:?} printed as {printed}");
    }
}

/// Bytes of names that no text encoding has.
#[test]
fn names_are_bytes() {
    let format = Format::parse(b"T{i:\xff\xfe:}").unwrap();
    covers_every_byte(&format);
    assert_eq!(format.to_string(), "T{i:\\xff\\xfe:}");
}

#[test]
fn refusals_have_a_place() {
    let refused: &[(&[u8], &str, usize)] = &[
        (b"i}d", "unopened-structure", 1),
        (b"}", "unopened-structure", 0),
        (b"T{i", "unclosed-structure", 3),
        (b"T{i:a:", "unclosed-structure", 6),
        (b"T", "structure-without-brace", 0),
        (b"Zi", "complex-part", 0),
        (b"ZZf", "complex-part", 0),
        (b"Z2f", "complex-part", 0),
        (b"Z i", "complex-part", 0),
        (b"3", "count-without-code", 1),
        (b"3:a:", "count-without-code", 1),
        (b"T{3}", "count-without-code", 3),
        (b"T{}2", "count-without-code", 4),
        (b"1 2i", "two-counts", 2),
        (b"1<2i", "two-counts", 2),
        (b"()", "empty-dimension", 1),
        (b"()i", "empty-dimension", 1),
        (b"(,2)i", "empty-dimension", 1),
        (b"(2,)i", "empty-dimension", 3),
        (b"(1_0)i", "dimension-character", 2),
        (b"(-1)i", "dimension-character", 1),
        (b"(+2)i", "dimension-character", 1),
        (b"(a)i", "dimension-character", 1),
        (b"(1 0)i", "dimension-character", 3),
        (b"(2i", "unclosed-shape", 2),
        (b"(2", "unclosed-shape", 2),
        (b"(", "unclosed-shape", 1),
        (b"(2,3)", "shape-without-code", 5),
        (b"(2):a:", "shape-without-code", 3),
        (b"3(2)i", "count-before-shape", 1),
        (b"2)i", "unknown-character", 1),
        (b"\xd9\xa4i", "non-ascii", 0),
        (b"i\xa0", "non-ascii", 1),
        (b"i\0", "embedded-nul", 1),
        (b"T{i:a\0b:}", "embedded-nul", 5),
        (b"i:a", "unclosed-name", 1),
        (b"i:", "unclosed-name", 1),
        (b":a:i", "name-without-item", 0),
        (b"T{:a:i}", "name-without-item", 2),
        (b"i:a:b:", "unclosed-name", 5),
        (b"18446744073709551616i", "number-too-large", 0),
        (b"(18446744073709551616)i", "number-too-large", 1),
        (b"&", "pointer-without-target", 1),
        (b"T{&}", "pointer-without-target", 3),
        (b"X", "function-without-brace", 0),
        (b"X{i", "unclosed-function", 3),
        (b"[", "unclosed-user-type", 0),
        (b"[]", "empty-user-type", 0),
        (b"-1i", "unknown-character", 0),
        (b"1.5i", "unknown-character", 1),
        (b"|u1", "unknown-character", 0),
        (b"unknown", "unknown-character", 2),
    ];
    for (source, kind, at) in refused {
        let shown = source.escape_ascii();
        let error = Format::parse(source).expect_err(&shown.to_string());
        assert_eq!((error.kind().name(), error.span().start()), (*kind, *at), "{shown}: {error}");
    }
}

#[test]
fn limits_hold_at_their_edge() {
    let nested = |depth: usize| [b"T{".repeat(depth), b"}".repeat(depth)].concat();
    assert!(Format::parse(&nested(64)).is_ok());
    assert_eq!(Format::parse(&nested(65)).unwrap_err().kind().name(), "too-deep");
    assert_eq!(Format::parse(&[b'&'; 65]).unwrap_err().kind().name(), "too-deep");
    let shape = |dimensions: usize| format!("({}1)i", "1,".repeat(dimensions - 1));
    assert!(Format::parse(shape(64).as_bytes()).is_ok());
    assert_eq!(Format::parse(shape(65).as_bytes()).unwrap_err().kind().name(), "too-many-dimensions");
    let items = |count: usize| vec![b'x'; count];
    assert!(Format::parse(&items(Limits::DEFAULT.items)).is_ok());
    assert_eq!(Format::parse(&items(Limits::DEFAULT.items + 1)).unwrap_err().kind().name(), "too-many-items");
    let spaces = |count: usize| vec![b' '; count];
    assert!(Format::parse(&spaces(Limits::DEFAULT.bytes)).is_ok());
    assert_eq!(Format::parse(&spaces(Limits::DEFAULT.bytes + 1)).unwrap_err().kind().name(), "too-long");
}

#[test]
fn a_null_format_means_bytes() {
    assert_eq!(Format::from_buffer(None).unwrap().as_bytes(), b"B");
    assert_eq!(Format::from_buffer(Some(c"<i")).unwrap().as_bytes(), b"<i");
    assert_eq!(Format::from_buffer_bytes(None).unwrap().as_bytes(), b"B");
    assert_eq!(Format::from_buffer_bytes(Some(b"")).unwrap().as_bytes(), b"");
}

#[test]
fn byte_order_characters_belong_to_the_item_they_stand_in() {
    let format = Format::parse(b"(2)<i").unwrap();
    let [Member::Item(item)] = format.members() else { panic!("{format:?}") };
    assert!(matches!(&item.prefix[1], Prefix::ByteOrder(mark) if mark.order == ByteOrder::Little));
    let format = Format::parse(b"<(2)i").unwrap();
    assert!(matches!(format.members(), [Member::ByteOrder(_), Member::Item(_)]));
}

/// Two places are named where two are involved: where it ends, and where it was opened.
#[test]
fn what_was_opened_is_told() {
    let opened = |format: &str| {
        let error = Format::parse(format.as_bytes()).unwrap_err();
        (error.kind().name(), error.opened().map(|span| (span.start(), span.end())))
    };
    assert_eq!(opened("i (2,"), ("unclosed-shape", Some((2, 3))));
    assert_eq!(opened("(2)i(3)(4"), ("unclosed-shape", Some((7, 8))));
    assert_eq!(opened("T{i:a:T{d:b:}"), ("unclosed-structure", Some((0, 2))));
    assert_eq!(opened("i T{&T{d:b:} (2)T{"), ("unclosed-structure", Some((16, 18))));
    assert_eq!(opened("i X{(i)"), ("unclosed-function", Some((2, 4))));
    assert_eq!(opened("i:a"), ("unclosed-name", None));
}
