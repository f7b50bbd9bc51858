//! Tests with inputs that broke other parsers and consumers. The library refuses a wrong format at the right offset,
//! reports the rule that a wrong `Py_buffer` breaks, and accepts an unusual but correct format or `Py_buffer`.
//! `tests/it/budget.rs` measures time and memory.

use pep3118::{Block, Checked, DataModel, Dialect, Layout, RawView, Request, RuleId, size_from_format};

/// Asserts that the dialect `pep3118` refuses `format` on a machine with the data model `model`. The error must have
/// the kind `kind` and start at byte `at` of the format, and its messages must be short. Also asserts that the dialect
/// `struct` refuses `format`, with any error.
fn assert_refused(format: &[u8], model: &DataModel, kind: &str, at: usize) {
    let error = Layout::read(format, &Dialect::PEP3118, model).expect_err("an error");
    assert_eq!((error.kind().name(), error.span().start()), (kind, at), "{error}");
    assert!(error.to_string().len() < 200 && format!("{error:#}").len() < 4_000, "{error}");
    assert!(size_from_format(format, model).is_err());
}

/// Defines one test for each line: the format, the data model, and the kind and the offset of the expected error.
macro_rules! refused {
    ($($(#[$doc:meta])* $name:ident: $format:expr, $model:ident => $kind:literal at $at:literal;)+) => {$(
        $(#[$doc])*
        #[test]
        fn $name() {
            assert_refused(&$format[..], &DataModel::$model, $kind, $at);
        }
    )+};
}

refused! {
    two_sizes_whose_sum_overflows_are_refused: b"6107082938247334i9221070829382473344q", LP64 => "too-large" at 36;
    a_size_of_more_than_32_bits_is_refused: b"1500000000I", ILP32 => "too-large" at 10;
    a_count_of_two_to_the_31_is_refused_on_32_bits: b"2147483648i", ILP32 => "count-too-large" at 0;
    a_count_of_two_to_the_32_is_refused_on_32_bits: b"4294967296i", ILP32 => "count-too-large" at 0;
    a_hundred_thousand_structures_are_refused: b"T{".repeat(100_000), LP64 => "too-long" at 0;
    sixty_thousand_structures_are_refused: b"T{".repeat(60_000), LP64 => "too-deep" at 128;
    sixty_thousand_pointers_are_refused: b"&".repeat(60_000), LP64 => "too-deep" at 64;
    a_shape_whose_product_overflows_is_refused: b"(65536,65536,65536,65536)B", LP64 => "too-large" at 19;
    a_mebibyte_of_codes_is_refused: vec![b'i'; 1 << 20], LP64 => "too-long" at 0;
    a_mebibyte_of_space_is_refused: vec![b' '; 1 << 20], LP64 => "too-long" at 0;
    a_mebibyte_of_digits_is_refused: vec![b'9'; 1 << 20], LP64 => "too-long" at 0;
    a_million_items_are_refused: b"i".repeat(1_000_000), LP64 => "too-long" at 0;
    a_hundred_thousand_items_are_refused: b"i".repeat(100_000), LP64 => "too-many-items" at 65536;
    a_name_without_an_end_is_refused: b"i:a", LP64 => "unclosed-name" at 1;
    a_structure_without_an_end_is_refused: b"T{i", LP64 => "unclosed-structure" at 3;
    a_nul_in_a_name_is_refused: b"T{i:a\0b:}", LP64 => "embedded-nul" at 5;
    a_count_of_more_than_64_bits_is_refused: b"18446744073709551616i", LP64 => "number-too-large" at 0;
    a_hundred_shapes_are_refused: [b"(2)".repeat(100), b"i".to_vec()].concat(), LP64 => "too-large" at 190;
}

/// The counts are 2^31 and larger.
#[test]
fn large_counts_are_accepted_where_sizes_have_64_bits() {
    for (format, size) in
        [(&b"2147483648i"[..], 1_u64 << 33), (b"4294967296i", 1 << 34), (b"1500000000I", 6_000_000_000)]
    {
        assert_eq!(size_from_format(format, &DataModel::LP64).unwrap(), size);
    }
}

/// NumPy accepts this format, and dialect `struct` refuses shapes.
#[test]
fn a_space_in_a_shape_is_accepted() {
    assert_eq!(Layout::read(b"( 2)i", &Dialect::PEP3118, &DataModel::LP64).unwrap().size(), 8);
    assert!(size_from_format(b"( 2)i", &DataModel::LP64).is_err());
}

/// A name can contain any byte but a colon and a NUL.
#[test]
fn a_brace_in_a_name_is_part_of_the_name() {
    let layout = Layout::read(b"T{i:a}b:}", &Dialect::PEP3118, &DataModel::LP64).unwrap();
    assert_eq!(layout.item().fields().next().unwrap().name(), Some(&b"a}b"[..]));
}

#[test]
fn a_name_that_is_not_utf_8_is_escaped_as_text() {
    let layout = Layout::read(b"T{i:\xff\xfe:}", &Dialect::PEP3118, &DataModel::LP64).unwrap();
    let field = layout.item().fields().next().unwrap();
    assert_eq!((field.name(), field.name_text().unwrap().as_str()), (Some(&b"\xff\xfe"[..]), "\\xff\\xfe"));
}

#[test]
fn a_count_with_leading_zeros_is_accepted() {
    let format = [&[b'0'; 10_000][..], b"3i"].concat();
    assert_eq!(size_from_format(&format, &DataModel::LP64).unwrap(), 12);
}

/// Asserts that `raw` breaks the rule `rule`, and that the check returns no view. `raw` may break other rules too.
/// `memory` is the memory block of the buffer, or `None` if the block is unknown.
fn assert_breaks(raw: RawView<'_>, memory: Option<Block>, rule: RuleId) {
    let Checked { report, view } = raw.check(Request::FULL_RO, None, memory);
    assert!(report.contains(rule), "{rule}: {report}");
    assert!(view.is_none());
}

#[test]
fn ndim_of_65_breaks_a13() {
    let ones = [1; 65];
    let raw = RawView {
        len: 1,
        itemsize: 1,
        ndim: 65,
        format: Some(b"B"),
        shape: Some(&ones),
        strides: Some(&ones),
        ..RawView::default()
    };
    assert_breaks(raw, None, RuleId::A13);
}

#[test]
fn ndim_of_minus_one_breaks_a13() {
    assert_breaks(
        RawView { len: 1, itemsize: 1, ndim: -1, format: Some(b"B"), ..RawView::default() },
        None,
        RuleId::A13,
    );
}

#[test]
fn a_product_of_the_shape_that_overflows_breaks_a06() {
    let raw = RawView {
        len: 0,
        itemsize: 1,
        ndim: 2,
        format: Some(b"B"),
        shape: Some(&[1 << 32, 1 << 32]),
        strides: Some(&[1 << 32, 1]),
        ..RawView::default()
    };
    assert_breaks(raw, None, RuleId::A06);
}

#[test]
fn strides_whose_span_overflows_break_d07() {
    let raw = RawView {
        len: 12,
        itemsize: 4,
        ndim: 1,
        format: Some(b"<i"),
        shape: Some(&[3]),
        strides: Some(&[1 << 62]),
        ..RawView::default()
    };
    assert_breaks(raw, Some(Block { len: 12, offset: 0 }), RuleId::D07);
}

/// An itemsize of 0 is reported as `A10`, which is not an error. No code divides by the itemsize.
#[test]
fn an_itemsize_of_0_is_legal() {
    let raw = RawView {
        len: 0,
        itemsize: 0,
        ndim: 1,
        format: Some(b"0s"),
        shape: Some(&[3]),
        strides: Some(&[0]),
        ..RawView::default()
    };
    let Checked { report, view } = raw.check(Request::FULL_RO, None, Some(Block { len: 0, offset: 0 }));
    assert!(report.contains(RuleId::A10) && !report.has_errors(), "{report}");
    assert!(view.unwrap().is_empty());
}

#[test]
fn an_empty_array_in_a_block_of_0_bytes_is_legal() {
    let raw = RawView {
        len: 0,
        itemsize: 4,
        ndim: 2,
        format: Some(b"<i"),
        shape: Some(&[0, 1 << 40]),
        strides: Some(&[1 << 60, 4]),
        ..RawView::default()
    };
    let Checked { report, view } = raw.check(Request::FULL_RO, None, Some(Block { len: 0, offset: 0 }));
    assert!(!report.has_errors(), "{report}");
    assert_eq!(view.unwrap().item_count(), 0);
}
