//! Tests of `View::select`, `View::field` and `View::cast`, of the parts and chunks of a view, and of the layout of a
//! field.

use pep3118::{
    DataModel, Dialect, ItemLayout, Layout, Order, RawView, Request, Scalar, Slice, Step, Target, View, ViewError,
};

use super::{CHECKER, ROWS};

/// Returns the validated view of `raw`.
fn view(raw: RawView<'_>) -> View<'_> {
    CHECKER.check(&raw, None).into_result().unwrap()
}

/// Returns the layout of `format` in the dialect PEP 3118 on lp64.
fn layout(format: &str) -> Layout {
    Layout::read(format.as_bytes(), &Dialect::PEP3118, &DataModel::LP64).unwrap()
}

/// Returns an item of one little-endian `int32`.
fn int() -> ItemLayout {
    ItemLayout::Scalar(Scalar::recognize(b"<i", &DataModel::LP64).unwrap())
}

/// Returns the address after all `steps`, which start at the address `start`. In the simulated memory, the pointer at
/// the address `n` has the value `1000 * n`.
fn address(start: i64, steps: impl Iterator<Item = Step>) -> i64 {
    steps.fold(start, |address, step| match step {
        Step::Stride(bytes) | Step::Add(bytes) => address + bytes,
        Step::Dereference => 1000 * address,
    })
}

/// The views have suboffsets or no suboffsets.
#[test]
fn selecting_an_index_keeps_the_addresses_of_its_items() {
    let (shape, strides) = ([2, 3, 2], [70_i64, -20, 9]);
    let all: [[i64; 3]; 8] =
        [[-1, -1, -1], [0, -1, -1], [-1, 5, -1], [-1, -1, 4], [7, 3, -1], [-1, 8, 30], [5, -1, 50], [50, 50, 6]];
    let (mut compared, mut refused) = (0, 0);
    for suboffsets in &all {
        let pointers = suboffsets.iter().any(|entry| *entry >= 0);
        let raw = RawView {
            len: 48,
            itemsize: 4,
            ndim: 3,
            format: Some(b"<i"),
            shape: Some(&shape),
            strides: Some(&strides),
            suboffsets: pointers.then_some(&suboffsets[..]),
            ..ROWS
        };
        let whole = view(raw);
        for dimension in 0..3 {
            for index in 0..shape[dimension] {
                let selected = match whole.select(dimension, index) {
                    Ok(selected) => selected,
                    Err(ViewError::PointerTwice { .. } | ViewError::SliceSuboffset { .. }) => {
                        refused += 1;
                        continue;
                    }
                    Err(error) => panic!("{error}"),
                };
                let start = selected.pointer.map_or(0, |at| 1000 * at);
                assert_eq!((selected.view.ndim(), selected.view.item_count()), (2, 12 / shape[dimension] as u64));
                assert!(selected.view.suboffsets().is_none_or(|all| all.iter().any(|entry| *entry >= 0)));
                let rest: Vec<i64> = (0..3).filter(|axis| *axis != dimension).map(|axis| shape[axis]).collect();
                for (first, second) in (0..rest[0]).flat_map(|first| (0..rest[1]).map(move |second| (first, second))) {
                    let mut indices = vec![first, second];
                    let selected_address = address(start, selected.view.steps(&indices).unwrap());
                    indices.insert(dimension, index);
                    assert_eq!(
                        selected_address,
                        address(0, whole.steps(&indices).unwrap()),
                        "{suboffsets:?} {dimension} {index}"
                    );
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 150 && refused > 5, "{compared} {refused}");
}

#[test]
fn the_offset_of_a_field_is_added_after_the_last_pointer() {
    let records = layout("T{<h:a:(2)T{<i:x:(3)<h:y:}:b:}");
    let raw = RawView { len: 44, itemsize: 22, ndim: 1, shape: Some(&[2]), strides: Some(&[30]), format: None, ..ROWS };
    let b = records.item().field(b"b").unwrap();
    let y = b.field(b"y").unwrap();
    let field = view(raw).field(b).unwrap().field(y).unwrap();
    assert_eq!((field.shape(), field.strides()), (&[2, 2, 3][..], &[30, 10, 2][..]));
    assert_eq!((field.offset(), field.itemsize(), field.len()), (6, 2, 24));
    assert_eq!(field.offset_of(&[1, 1, 2]), Ok(30 + 10 + 4 + 6));
    let pointers = view(RawView { strides: Some(&[8]), suboffsets: Some(&[1]), ..raw }).field(b).unwrap();
    // The field is at byte 2 of the item.
    assert_eq!((pointers.suboffsets(), pointers.offset()), (Some(&[1 + 2, -1][..]), 0));
    assert!(matches!(field.item(), ItemLayout::Interpretation(found) if found.layout.size() == 2));
    // The item itself is used as a field. The items are arrays.
    let rows = layout("(2,3)<i");
    let items = view(RawView { itemsize: 24, ndim: 0, shape: None, strides: None, format: None, ..ROWS });
    assert_eq!(items.field(rows.item()).unwrap().shape(), [2, 3]);
}

#[test]
fn the_layout_of_a_field_has_the_format_of_the_field() {
    for (format, name, field) in [
        ("T{<h:a:(2)T{>i:x:}:b:}", "b", "(2)T{>i:x:}"),
        ("T{<h:a:(2,3)5s:b:}", "b", "(2,3)5s"),
        ("T{(2)T{(3)T{<i:x:xB:y:}:in:}:b:}", "b", "(2)T{(3)T{<i:x:xB:y:}:in:}"),
        ("T{<h:a:T{}:b:}", "b", "T{}"),
        ("T{(0)<i:b:}", "b", "(0)<i"),
    ] {
        let whole = layout(format);
        let field_layout = whole.item().field(name.as_bytes()).unwrap().to_layout();
        let emitted = field_layout.emit(Target::Canonical).unwrap();
        assert_eq!(String::from_utf8(emitted).unwrap(), field, "{format}");
    }
    let whole = layout("<hd").item().to_layout();
    assert_eq!(whole.emit(Target::Canonical).unwrap(), b"T{<hd}");
}

#[test]
fn invalid_arguments_are_named_in_the_error() {
    let rows = view(ROWS);
    let error = |outcome: Result<View<'_>, ViewError>| outcome.unwrap_err().to_string();
    assert_eq!(error(rows.select(2, 0).map(|selected| selected.view)), "3 indices for ndim 2");
    assert_eq!(
        error(rows.select(1, 3).map(|selected| selected.view)),
        "index 3 is out of bounds for dimension 1 with 3 items"
    );
    assert!(rows.select(0, i64::MIN).is_err() && rows.select(usize::MAX, 0).is_err());
    let twice = RawView { strides: Some(&[8, 8]), suboffsets: Some(&[0, 0]), ..ROWS };
    assert_eq!(
        error(view(twice).select(1, 0).map(|selected| selected.view)),
        "dimension 1 cannot be dropped: the dimension before it would have two pointers"
    );
    let eight = layout("T{<i:a:<i:b:}");
    assert_eq!(
        error(rows.field(eight.item().field(b"b").unwrap())),
        "a field at bytes 4 to 8 is outside of items of 4 bytes"
    );
    let deep = [1; 63];
    let raw = RawView { len: 8, itemsize: 8, ndim: 63, format: None, shape: Some(&deep), strides: None, ..ROWS };
    assert_eq!(error(view(raw).field(layout("(1,2)<i").item())), "65 dimensions are more than PyBUF_MAX_NDIM, 64");
    assert_eq!(
        error(rows.transpose(None).unwrap().cast(int(), 4, None)),
        "memory is not C-contiguous: its bytes cannot be cast to other items"
    );
    let byte = RawView { len: 1, itemsize: 1, ndim: 1, shape: Some(&[1]), ..RawView::default() };
    let byte = byte.check(Request::ND, None, None).into_result().unwrap();
    assert_eq!(error(byte.cast(int(), 2, None)), "1 byte is not a multiple of the 2-byte item size");
    assert_eq!(error(rows.cast(int(), 0, None)), "24 bytes are not a multiple of the 0-byte item size");
    assert_eq!(error(rows.cast(int(), 5, None)), "24 bytes are not a multiple of the 5-byte item size");
    assert_eq!(error(rows.cast(int(), -4, None)), "24 bytes are not a multiple of the -4-byte item size");
    assert_eq!(error(rows.cast(int(), 4, Some(&[2, 2]))), "24 bytes cannot be cast to shape (2, 2) of 4-byte items");
    for shape in [&[-2, -3][..], &[i64::MAX, 4], &[0], &[1 << 62, 1 << 62, 0, -1]] {
        assert!(rows.cast(int(), 4, Some(shape)).is_err(), "{shape:?}");
    }
    for itemsize in [-4, i64::MIN, i64::MAX] {
        assert!(rows.cast(int(), itemsize, None).is_err() && rows.cast(int(), itemsize, Some(&[6])).is_err());
    }
    let nothing = view(RawView { len: 0, shape: Some(&[0, 3]), ..ROWS });
    assert!(nothing.cast(int(), 0, Some(&[1 << 40])).is_err(), "any number of items of 0 bytes has the same size");
}

#[test]
fn operations_on_empty_arrays_do_not_overflow() {
    let strides = [i64::MAX, i64::MIN, 1];
    let raw = RawView {
        len: 0,
        itemsize: 8,
        ndim: 3,
        format: None,
        shape: Some(&[i64::MAX, 0, 7]),
        strides: Some(&strides),
        suboffsets: Some(&[0, 0, 0]),
        ..ROWS
    };
    let empty = CHECKER.check(&raw, Some(Request::INDIRECT)).into_result().unwrap();
    let selected = empty.select(0, i64::MAX - 1).unwrap();
    assert_eq!((selected.pointer, selected.view.len()), (None, 0));
    assert_eq!(empty.select(2, 6).unwrap().view.item_count(), 0);
    assert_eq!(empty.field(layout("(2)<i").item()).unwrap().len(), 0);
    let cast = view(RawView { len: 0, shape: Some(&[0, 3]), ..ROWS }).cast(int(), 4, Some(&[0, i64::MAX])).unwrap();
    assert_eq!((cast.len(), cast.item_count(), cast.is_contiguous(Order::C)), (0, 0, true));
}

#[test]
fn views_of_a_read_only_view_are_read_only() {
    let writable = view(RawView { readonly: 0, ..ROWS });
    assert!(!writable.readonly());
    let view = writable.to_readonly().slice(&[Slice::FULL]).unwrap().select(0, 0).unwrap().view;
    assert!(view.readonly() && view.cast(int(), 4, None).unwrap().readonly());
}

#[test]
fn a_view_has_no_part_without_dimensions_or_out_of_range() {
    let rows = view(ROWS);
    let lengths = |parts: (pep3118::View<'_>, pep3118::View<'_>)| (parts.0.shape()[0], parts.1.shape()[0]);
    assert_eq!(rows.split_at(0).map(lengths), Ok((0, 2)));
    assert_eq!(rows.split_at(2).map(lengths), Ok((2, 0)));
    for index in [-1, 3, i64::MIN, i64::MAX] {
        assert!(rows.split_at(index).is_err(), "{index}");
    }
    for len in [0, -1, i64::MIN] {
        assert_eq!(
            rows.chunks(len).err().unwrap().to_string(),
            format!("a chunk of {len} indices, but a chunk has at least 1")
        );
    }
    assert_eq!(rows.chunks(i64::MAX).unwrap().count(), 1);
    let one = view(RawView { len: 4, ndim: 0, shape: None, strides: None, ..ROWS });
    assert!(one.split_at(0).is_err() && one.chunks(1).is_err());
}
