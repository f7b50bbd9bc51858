//! Tests of the parser: accepted formats, the kind and the offset of each error, limits, NULL and empty formats of
//! buffers, and the members that byte-order characters belong to.

use pep3118::format::{ByteOrder, Format, Limits, Member, Prefix};

use crate::properties::covers_every_byte;

/// Formats of PEP 3118, of every producer, and corner cases of the grammar.
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
fn an_accepted_format_prints_as_text_with_the_same_tree() {
    for source in ACCEPTED {
        let format = Format::parse(source.as_bytes()).unwrap_or_else(|error| panic!("{source:?}: {error}"));
        assert_eq!(format.as_bytes(), source.as_bytes());
        covers_every_byte(&format);
        let printed = Format::from_members(format.members()).unwrap();
        assert_eq!(format, printed, "{source:?} printed as {printed}");
    }
}

#[test]
fn names_need_not_be_utf_8() {
    let format = Format::parse(b"T{i:\xff\xfe:}").unwrap();
    covers_every_byte(&format);
    assert_eq!(format.to_string(), "T{i:\\xff\\xfe:}");
}

#[test]
fn each_error_has_its_kind_and_offset() {
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
        (b"(2x3)i", "dimension-character", 2),
        (b"(2i(3)d", "unclosed-shape", 2),
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
        let text = source.escape_ascii();
        let error = Format::parse(source).expect_err(&text.to_string());
        assert_eq!((error.kind().name(), error.span().start()), (*kind, *at), "{text}: {error}");
    }
}

/// Returns the kind of the parser's error for `format`. Returns `None` if the parser accepts `format`.
fn refusal(format: impl AsRef<[u8]>) -> Option<&'static str> {
    Format::parse(format.as_ref()).err().map(|error| error.kind().name())
}

#[test]
fn structures_nest_64_levels_deep() {
    let nested = |depth: usize| [b"T{".repeat(depth), b"}".repeat(depth)].concat();
    assert_eq!((refusal(nested(64)), refusal(nested(65))), (None, Some("too-deep")));
}

#[test]
fn pointers_nest_64_levels_deep() {
    let nested = |depth: usize| [b"&".repeat(depth), b"i".to_vec()].concat();
    assert_eq!((refusal(nested(64)), refusal(nested(65))), (None, Some("too-deep")));
}

#[test]
fn an_item_has_up_to_64_dimensions() {
    let shape = |dimensions: usize| format!("({}1)i", "1,".repeat(dimensions - 1));
    assert_eq!((refusal(shape(64)), refusal(shape(65))), (None, Some("too-many-dimensions")));
}

#[test]
fn a_format_has_up_to_65536_items() {
    let items = |count: usize| vec![b'x'; count];
    assert_eq!((refusal(items(65_536)), refusal(items(65_537))), (None, Some("too-many-items")));
}

#[test]
fn a_format_has_up_to_131072_bytes() {
    let spaces = |count: usize| vec![b' '; count];
    assert_eq!((refusal(spaces(131_072)), refusal(spaces(131_073))), (None, Some("too-long")));
}

#[test]
fn larger_limits_allow_more_bytes_and_items_but_no_deeper_structures() {
    let mut unlimited = Limits::DEFAULT;
    (unlimited.bytes, unlimited.items) = (usize::MAX, usize::MAX);
    (unlimited.depth, unlimited.dimensions) = (usize::MAX, usize::MAX);
    let refusal = |format: Vec<u8>| Format::parse_with(&format, &unlimited).err().map(|error| error.kind().name());
    assert_eq!(refusal(b"i".repeat(200_000)), None);
    assert_eq!(refusal(b"T{".repeat(200_000)), Some("too-deep"));
    assert_eq!(refusal([b"(1)".repeat(65), b"i".to_vec()].concat()), Some("too-many-dimensions"));
}

#[test]
fn a_null_format_means_unsigned_bytes() {
    assert_eq!(Format::from_buffer(None).unwrap().as_bytes(), b"B");
    assert_eq!(Format::from_buffer_bytes(None).unwrap().as_bytes(), b"B");
}

#[test]
fn an_empty_format_is_not_null() {
    assert_eq!(Format::from_buffer(Some(c"")).unwrap().as_bytes(), b"");
    assert_eq!(Format::from_buffer_bytes(Some(b"")).unwrap().as_bytes(), b"");
}

#[test]
fn the_format_of_a_buffer_is_parsed() {
    assert_eq!(Format::from_buffer(Some(c"<i")).unwrap().as_bytes(), b"<i");
}

#[test]
fn a_byte_order_character_after_a_shape_is_part_of_the_item() {
    let format = Format::parse(b"(2)<i").unwrap();
    let [Member::Item(item)] = format.members() else { panic!("{format:?}") };
    assert!(matches!(&item.prefix[1], Prefix::ByteOrder(character) if character.order == ByteOrder::Little));
}

#[test]
fn a_byte_order_character_before_a_shape_is_a_separate_member() {
    let format = Format::parse(b"<(2)i").unwrap();
    assert!(matches!(format.members(), [Member::ByteOrder(_), Member::Item(_)]));
}

#[test]
fn an_unclosed_part_has_the_span_of_its_opening() {
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
