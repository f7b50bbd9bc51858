//! Properties of the validation of a `Py_buffer` with random fields. The validation does not panic, sorts its findings,
//! and reports an error exactly if `Checker::prove` fails. If the validation returns a view, all items are inside the
//! byte bounds of the view. For a small view, the bounds, the contiguity and the offsets agree with the offset of every
//! index.

use arbitrary::{Result, Unstructured};
use pep3118::arbitrary::{number, raw_view};
use pep3118::{Block, Checked, Checker, DataModel, Dialect, Order, Request, Slice, Step, View};

/// Asserts that the first 100 items of `view` are inside of the byte bounds of `view`. Also asserts this property for a
/// random slice of `view`.
fn stays_in_its_bounds(view: &View<'_>, bytes: &mut Unstructured<'_>) -> Result<()> {
    assert_eq!(view.shape().len(), view.strides().len());
    assert!(view.shape().iter().all(|length| *length >= 0) && view.len() >= 0);
    for order in [Order::C, Order::Fortran, Order::Any] {
        let _ = view.is_contiguous(order);
    }
    let bounds = view.byte_bounds();
    if let Ok(offsets) = view.offsets(Order::Fortran) {
        let bounds = bounds.expect("bounds that fit");
        for offset in offsets.take(100) {
            assert!(offset >= bounds.low && offset <= bounds.high - view.itemsize(), "{offset} {bounds:?}");
        }
    }
    let last: Vec<i64> = view.shape().iter().map(|length| length - 1).collect();
    if view.item_count() > 0 {
        assert!(view.steps(&last).unwrap().count() <= 3 * view.ndim() + 1);
        assert_eq!(view.offset_of(&last).is_ok(), view.suboffsets().is_none());
    } else {
        assert!(view.steps(&last).is_err());
    }
    let slices = (0..bytes.int_in_range(0..=view.ndim())?)
        .map(|_| Ok(Slice { start: Some(number(bytes)?), stop: Some(number(bytes)?), step: number(bytes)? }))
        .collect::<Result<Vec<Slice>>>()?;
    if let Ok(sliced) = view.slice(&slices) {
        assert!(sliced.len() <= view.len());
        if let Ok(offsets) = sliced.offsets(Order::C) {
            let bounds = bounds.expect("bounds that fit");
            for offset in offsets.take(100) {
                assert!(offset >= bounds.low && offset <= bounds.high - view.itemsize(), "{slices:?}: {offset}");
            }
        }
    }
    let _ = view.transpose(None);
    Ok(())
}

/// The maximum number of items of a view for which every index is checked.
const SMALL: u64 = 256;

/// Computes the offset of every index of `view`, which has no suboffsets and at least one item. Asserts that the
/// C-contiguity, the byte bounds and the offsets that `view` returns agree with the computed offsets.
fn agrees_with_every_index(view: &View<'_>) {
    let (shape, strides) = (view.shape(), view.strides());
    let mut indices = vec![0_i64; shape.len()];
    let (mut low, mut high) = (i64::MAX, i64::MIN);
    let (mut c, mut position) = (true, 0_i64);
    let mut listed = view.offsets(Order::C).unwrap();
    let first = view.offset();
    'items: loop {
        let offset = indices.iter().zip(strides).fold(first, |sum, (index, stride)| sum + index * stride);
        assert_eq!(view.offset_of(&indices), Ok(offset));
        assert_eq!(listed.next(), Some(offset));
        assert_eq!(view.steps(&indices).unwrap().filter(|step| matches!(step, Step::Dereference)).count(), 0);
        (low, high) = (low.min(offset), high.max(offset + view.itemsize()));
        c &= offset == first + position * view.itemsize();
        position += 1;
        for (index, length) in indices.iter_mut().zip(shape).rev() {
            *index += 1;
            if *index < *length {
                continue 'items;
            }
            *index = 0;
        }
        break;
    }
    assert_eq!(listed.next(), None);
    let bounds = view.byte_bounds().unwrap();
    assert_eq!((bounds.low, bounds.high), (low, high));
    assert_eq!(view.is_contiguous(Order::C), c || view.is_empty(), "{view:?}");
}

/// Validates random fields for a random request and a random memory block, and asserts the properties of the report and
/// of the view. Returns whether the validation returned a view.
pub fn check_view(bytes: &mut Unstructured<'_>) -> Result<bool> {
    let owned = raw_view(bytes)?;
    let raw = owned.as_raw();
    let request = match bytes.int_in_range(0..=3)? {
        0 => None,
        1 => Some(Request::from_bits_retain(bytes.arbitrary()?)),
        _ => Some(*bytes.choose(&Request::ALL_LEGAL)?),
    };
    let models = DataModel::ALL;
    let checker = Checker {
        dialect: *bytes.choose(&[None, Some(&Dialect::NUMPY), Some(&Dialect::STRUCT)])?,
        model: bytes.choose(&models)?,
        max_ndim: *bytes.choose(&[64, 36, 0, -1, i32::MAX])?,
        memory: if bytes.ratio(1, 2)? { Some(Block { len: number(bytes)?, offset: number(bytes)? }) } else { None },
    };
    let Checked { report, view } = checker.check(&raw, request);
    assert!(report.iter().all(|finding| !finding.message().is_empty()));
    assert!(report.is_empty() || !format!("{report:#}").is_empty());
    assert!(report.iter().is_sorted_by_key(|finding| (finding.severity(), finding.rule())));
    // `prove` fails if and only if `check` reports an error.
    let proof = checker.prove(&raw, request);
    assert_eq!(proof.is_err(), report.has_errors(), "{raw:?}: {report}");
    for order in [Order::C, Order::Fortran, Order::Any] {
        let _ = raw.is_contiguous(order);
    }
    let Some(view) = view else { return Ok(false) };
    stays_in_its_bounds(&view, bytes)?;
    if view.suboffsets().is_none() && (1..=SMALL).contains(&view.item_count()) {
        agrees_with_every_index(&view);
    }
    Ok(true)
}
