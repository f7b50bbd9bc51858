//! Tests of views: missing fields of a `Py_buffer`, contiguous strides, memory blocks, and invalid arguments. Also
//! tests of `size_from_format`, of `Checker::prove`, and of the fast path for the format of a single scalar.

use pep3118::{
    Block, Checked, Checker, DataModel, Dialect, ItemLayout, Order, RawView, Request, RuleId, Slice, Type, View,
    ViewError, fill_contiguous_strides, reconcile, size_from_format, verify_structure,
};

use super::{CHECKER, ROWS};

/// Returns the validated view of `raw`, which answers `request`.
fn view(raw: RawView<'_>, request: Option<Request>) -> View<'_> {
    CHECKER.check(&raw, request).into_result().unwrap()
}

#[test]
fn missing_fields_are_computed() {
    // In an answer to the request `SIMPLE`, the items are bytes, and `itemsize` is ignored.
    let simple = view(RawView { format: None, shape: None, strides: None, ..ROWS }, Some(Request::SIMPLE));
    assert_eq!((simple.shape(), simple.strides(), simple.itemsize()), (&[24][..], &[1][..], 1));
    assert!(matches!(simple.item(), ItemLayout::Scalar(scalar) if scalar.ty == Type::UInt8));
    // In an answer to `SIMPLE`, NumPy reports `ndim` 0. The view has the same bytes.
    let numpy = RawView { ndim: 0, format: None, shape: None, strides: None, ..ROWS };
    assert_eq!(view(numpy, Some(Request::SIMPLE)).shape(), [24]);
    // After ND the view has the strides of a C-contiguous array.
    let nd = view(RawView { format: None, strides: None, ..ROWS }, Some(Request::ND));
    assert_eq!((nd.shape(), nd.strides()), (&[2, 3][..], &[12, 4][..]));
    assert!(matches!(nd.item(), ItemLayout::Bytes));
    // With one dimension and no shape, the number of items is `len` divided by `itemsize`.
    let row = view(RawView { ndim: 1, shape: None, strides: None, ..ROWS }, None);
    assert_eq!((row.shape(), row.strides(), row.itemsize()), (&[6][..], &[4][..], 4));
    // Without dimensions there is one item.
    let one = view(RawView { len: 4, ndim: 0, shape: None, strides: None, ..ROWS }, None);
    assert_eq!((one.ndim(), one.item_count(), one.offset_of(&[])), (0, 1, Ok(0)));
    assert!(one.is_contiguous(Order::C) && one.is_contiguous(Order::Fortran));
    assert_eq!(one.offsets(Order::C).unwrap().collect::<Vec<i64>>(), [0]);
}

#[test]
fn views_of_six_dimensions_are_sliced_and_transposed() {
    let (shape, mut strides) = ([2, 1, 3, 2, 2, 2], [0; 6]);
    fill_contiguous_strides(&shape, 2, Order::C, &mut strides).unwrap();
    let raw = RawView { len: 96, itemsize: 2, ndim: 6, shape: Some(&shape), ..RawView::default() };
    let view = view(raw, Some(Request::ND));
    assert_eq!(view.strides(), strides);
    let half = view.slice(&[Slice::FULL, Slice::FULL, Slice::from(0..2)]).unwrap();
    assert_eq!((half.shape(), half.len()), (&[2, 1, 2, 2, 2, 2][..], 64));
    assert_eq!(half.transpose(Some(&[5, 4, 3, 2, 1, 0])).unwrap().shape(), [2, 2, 2, 2, 1, 2]);
    assert_eq!(view.shape(), shape, "slicing does not change the view");
}

#[test]
fn invalid_arguments_are_named_in_the_error() {
    let rows = view(ROWS, None);
    let errors: [(Result<i64, ViewError>, &str); 4] = [
        (rows.offset_of(&[1]), "1 index for ndim 2"),
        (rows.offset_of(&[0, 0, 0]), "3 indices for ndim 2"),
        (rows.offset_of(&[0, 3]), "index 3 is out of bounds for dimension 1 with 3 items"),
        (rows.offset_of(&[-1, 0]), "index -1 is out of bounds for dimension 0 with 2 items"),
    ];
    for (error, message) in errors {
        assert_eq!(error.unwrap_err().to_string(), message);
    }
    let views = [
        (rows.slice(&[Slice::FULL; 3]), "3 slices for ndim 2"),
        (rows.slice(&[Slice { step: 0, ..Slice::FULL }]), "slice step is 0 in dimension 0"),
        (rows.transpose(Some(&[0, 0])), "axes are not a permutation of 2 dimensions"),
        (rows.transpose(Some(&[0, 2])), "axes are not a permutation of 2 dimensions"),
        (rows.transpose(Some(&[0])), "axes are not a permutation of 2 dimensions"),
    ];
    for (error, message) in views {
        assert_eq!(error.unwrap_err().to_string(), message);
    }
    let pointers = RawView { strides: Some(&[8, -4]), suboffsets: Some(&[8, -1]), ..ROWS };
    let pointers = view(pointers, None);
    assert_eq!(
        pointers.slice(&[Slice::FULL, Slice { step: -1, ..Slice::FULL }]).unwrap().suboffsets(),
        Some(&[0, -1][..])
    );
    let lower = RawView { suboffsets: Some(&[4, -1]), ..pointers.as_raw() };
    let error = view(lower, None).slice(&[Slice::FULL, Slice { step: -1, ..Slice::FULL }]).unwrap_err();
    assert_eq!(error.to_string(), "slice would move suboffsets[0] to -4 bytes, less than 0");
    let mut strides = [0; 2];
    let fill = |shape: &[i64], strides: &mut [i64]| fill_contiguous_strides(shape, 4, Order::C, strides);
    assert_eq!(fill(&[2], &mut strides).unwrap_err().to_string(), "strides has 2 elements but shape has 1");
    assert_eq!(fill(&[2, 1 << 62], &mut strides).unwrap_err(), ViewError::StrideOverflow);
    // A stride is the item size times the lengths of the later dimensions. The product of all lengths is not a stride,
    // so this product may overflow.
    assert_eq!(fill(&[1 << 62, 2], &mut strides), Ok(()));
}

#[test]
fn sizes_of_formats_are_those_of_struct() {
    assert_eq!(size_from_format(b"bi", &DataModel::LP64), Ok(8));
    assert_eq!(size_from_format(b"l", &DataModel::LLP64), Ok(4));
    for extension in [&b"T{}"[..], b"g", b"O", b"w", b"(2)i", b"i:a:", b"^i"] {
        assert!(size_from_format(extension, &DataModel::LP64).is_err(), "{}", extension.escape_ascii());
    }
}

#[test]
fn prove_returns_the_first_error() {
    let raw = RawView { len: 20, readonly: 2, ..ROWS };
    let error = View::try_from(raw).unwrap_err();
    assert_eq!(error.to_string(), "A25: readonly is 2, neither 0 nor 1");
    let ViewError::Rule { finding } = error else { panic!("{error}") };
    assert_eq!(finding.rule(), RuleId::A25);
    // `prove` ignores notes. The format of this example has implicit trailing padding, which is a note.
    let numpy = RawView {
        len: 16,
        itemsize: 16,
        ndim: 0,
        format: Some(b"T{b:a:xxxxxxxi:b:}"),
        shape: None,
        strides: None,
        ..ROWS
    };
    let view = CHECKER.prove(&numpy, Some(Request::FULL_RO)).unwrap();
    assert!(matches!(view.item(), ItemLayout::Interpretation(found) if found.trailing_padding == 4));
    let error = Checker { memory: Some(Block { len: 20, offset: 0 }), ..CHECKER }.prove(&ROWS, None).unwrap_err();
    assert_eq!(error.to_string(), "D06: the items are at bytes 0 to 24 of a block of 20 bytes");
}

/// The fast path for scalars agrees with `reconcile`, in every dialect on every machine.
#[test]
fn the_fast_path_for_scalars_agrees_with_reconcile() {
    let mut compared = 0;
    for dialect in Dialect::ALL.into_iter().map(Some).chain([None]) {
        for model in DataModel::ALL {
            let checker = Checker { dialect, model: &model, ..Checker::DEFAULT };
            for text in (0..=0x7e_u8).flat_map(|order| (b' '..=b'~').map(move |code| [order, code])) {
                for format in [&text[..], &text[1..], &[text[0], b'Z', text[1]][..]] {
                    let Some(scalar) = pep3118::Scalar::recognize(format, &model) else { continue };
                    let raw = RawView {
                        format: Some(format),
                        itemsize: scalar.size as i64,
                        len: scalar.size as i64,
                        ..RawView::default()
                    };
                    let Checked { report, view } = checker.check(&raw, None);
                    let reconciled = reconcile(format, Some(scalar.size), dialect, &model);
                    assert_eq!(
                        report.is_empty(),
                        reconciled.is_ok(),
                        "{} {dialect:?}: {report}",
                        format.escape_ascii()
                    );
                    compared += 1;
                    if let (Some(view), Ok(reconciled)) = (view, reconciled) {
                        let ItemLayout::Scalar(scalar) = view.item() else {
                            // The fast path does not know that NumPy accepts `n` and `N` only as the whole format.
                            assert!(matches!(text[1], b'n' | b'N'), "{}", format.escape_ascii());
                            continue;
                        };
                        let item = reconciled.layout.item();
                        assert_eq!((scalar.ty, scalar.size), (item.ty(), item.size()), "{}", format.escape_ascii());
                        assert!(item.endian().is_none_or(|endian| endian == scalar.endian));
                    }
                }
            }
        }
    }
    assert!(compared > 10_000, "only {compared}");
}

/// CPython's documentation requires offsets and strides that are multiples of the itemsize. The library only recommends
/// such numbers.
#[test]
fn offsets_that_are_not_multiples_of_itemsize_are_notes() {
    let numpy_field = verify_structure(27, 8, 1, &[3], &[9], 1);
    assert!(!numpy_field.has_errors() && numpy_field.contains(RuleId::D01) && numpy_field.contains(RuleId::D03));
    assert!(verify_structure(0, 8, 1, &[0], &[3], 5).is_empty());
    assert!(verify_structure(8, 0, 1, &[2], &[3], 5).is_empty());
}

/// The block contains the table of pointers. The rows are outside the block.
#[test]
fn the_table_of_pointers_must_be_inside_the_block() {
    let raw = RawView { strides: Some(&[8, 4]), suboffsets: Some(&[0, -1]), ..ROWS };
    let within = |len| Checker { memory: Some(Block { len, offset: 0 }), ..CHECKER }.check(&raw, None);
    assert!(within(16).report.is_empty() && within(16).view.is_some());
    assert!(within(15).report.contains(RuleId::D06) && within(15).view.is_none());
}

#[test]
fn a_span_that_overflows_prevents_a_view() {
    // Each bound fits 64 bits, but not their distance.
    let far = 3 << 61;
    let raw = RawView { len: 4, itemsize: 1, ndim: 2, shape: Some(&[2, 2]), strides: Some(&[far, -far]), ..ROWS };
    let Checked { report, view } = CHECKER.check(&RawView { format: None, ..raw }, None);
    assert!(view.is_none() && report.has_errors(), "{report}");
}
