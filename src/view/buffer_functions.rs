//! Functions of CPython's C API that need only numbers: `PyBuffer_FillContiguousStrides`, `PyBuffer_SizeFromFormat`,
//! and `verify_structure` from the documentation of `Py_buffer`.

use core::convert::Infallible;

use super::bounds::{StructureSummary, check_bounds, check_first_item, check_lengths};
use super::contiguity::{Order, contiguous_strides};
use super::error::ViewError;
use super::raw::{Block, FieldName};
use super::report::{Report, ViolationSink as _};
use super::violation::Violation;
use crate::abi::DataModel;
use crate::layout::{Dialect, LayoutError, calcsize_in};

/// Fills `strides` with the strides of a contiguous array, in bytes.
///
/// `shape` has the number of items in each dimension. `itemsize` is in bytes. `order` is the order of the items in
/// memory, and [`Order::Any`] means C order.
///
/// ```
/// use pep3118::{Order, fill_contiguous_strides};
/// let mut strides = [0; 3];
/// fill_contiguous_strides(&[2, 3, 4], 8, Order::C, &mut strides)?;
/// assert_eq!(strides, [96, 32, 8]);
/// fill_contiguous_strides(&[2, 3, 4], 8, Order::Fortran, &mut strides)?;
/// assert_eq!(strides, [8, 16, 48]);
/// # Ok::<(), pep3118::ViewError>(())
/// ```
///
/// Spec: CPython `Doc/c-api/buffer.rst`, `PyBuffer_FillContiguousStrides`. The C function has an `int` parameter
/// `itemsize` and ignores overflow (F08, truncation of itemsize). This function returns an error on overflow.
///
/// # Errors
/// - `strides` and `shape` have different lengths
/// - a stride does not fit `Py_ssize_t`: shape (2, 2^62) of 4-byte items
pub fn fill_contiguous_strides(
    shape: &[i64],
    itemsize: i64,
    order: Order,
    strides: &mut [i64],
) -> Result<(), ViewError> {
    if shape.len() != strides.len() {
        return Err(ViewError::StridesLength { strides: strides.len(), shape: shape.len() });
    }
    let contiguous = contiguous_strides(shape, itemsize, order).ok_or(ViewError::StrideOverflow)?;
    strides.copy_from_slice(&contiguous);
    Ok(())
}

/// Returns the size in bytes of one item, as `PyBuffer_SizeFromFormat` does on a machine with the data model
/// `model`.
///
/// `PyBuffer_SizeFromFormat` calls `struct.calcsize` (F07, size from the format), which rejects every extension of
/// PEP 3118. [`reconcile`](crate::reconcile) returns the sizes that other consumers use.
///
/// ```
/// use pep3118::{DataModel, size_from_format};
/// assert_eq!(size_from_format(b"bi", &DataModel::LP64)?, 8);
/// assert!(size_from_format(b"T{b:a:i:b:}", &DataModel::LP64).is_err());
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
///
/// # Errors
/// - `struct` does not support the format: `T{i}`, `(2)i`, `i:a:`, `g`, `O`, `w`
/// - every error of [`Layout::read`](crate::Layout::read)
pub fn size_from_format(format: impl AsRef<[u8]>, model: &DataModel) -> Result<u64, LayoutError> {
    calcsize_in(format, &Dialect::STRUCT, model)
}

/// Checks that an array is inside a block of memory. Returns the report of the broken rules, which has an error if the
/// array is not valid. A report without errors can still have notes.
///
/// `memlen` is the length of the block in bytes. `itemsize` is the size of one item in bytes. `ndim` is the number of
/// dimensions. `shape` has the number of items in each dimension. `strides` has the distance in bytes from one item to
/// the next, for each dimension. `offset` is the distance in bytes from the start of the block to `buf`.
///
/// The documentation of `Py_buffer` contains a Python function with this name. This function differs in two cases.
/// (1) An offset or a stride that is not a multiple of `itemsize` is only a note (D01 and D03, multiples of
/// itemsize), because NumPy's views of record fields have such strides. (2) An array without items fits every block
/// (D05, length 0).
///
/// ```
/// use pep3118::{RuleId, verify_structure};
/// assert!(verify_structure(24, 4, 2, &[2, 3], &[12, 4], 0).is_empty());
/// assert!(verify_structure(24, 4, 2, &[2, 3], &[-12, 4], 12).is_empty());
/// let report = verify_structure(24, 4, 2, &[2, 3], &[12, 4], 4);
/// assert_eq!(report.to_string(), "error D06: the items are at bytes 4 to 28 of a block of 24 bytes");
/// // NumPy describes a field of 8 bytes in records of 9 bytes with these numbers.
/// let report = verify_structure(27, 8, 1, &[3], &[9], 1);
/// assert!(report.contains(RuleId::D03) && !report.has_errors());
/// ```
///
/// Spec: CPython `Doc/c-api/buffer.rst`, `verify_structure`.
#[must_use]
#[inline]
pub fn verify_structure(memlen: i64, itemsize: i64, ndim: i32, shape: &[i64], strides: &[i64], offset: i64) -> Report {
    let mut report = Report::new();
    let block = Block { len: memlen, offset };
    let Ok(()) = verify(block, itemsize, ndim, shape, strides, &mut report);
    report.sorted()
}

/// Checks the arguments of [`verify_structure`] and adds the violations to `report`. `block` has the values of `memlen`
/// and `offset`. `itemsize`, `ndim`, `shape` and `strides` are the arguments of `verify_structure`. The function never
/// returns an error: only a receiver of violations can end a check early, and `report` accepts every violation.
#[inline]
fn verify(
    block: Block,
    itemsize: i64,
    ndim: i32,
    shape: &[i64],
    strides: &[i64],
    report: &mut Report,
) -> Result<(), Infallible> {
    if usize::try_from(ndim) != Ok(shape.len()) || shape.len() != strides.len() {
        if itemsize < 0 {
            report.report(Violation::NegativeSize { field: FieldName::Itemsize, value: itemsize })?;
        }
        return report.report(Violation::BlockNdim { ndim, shape: shape.len(), strides: strides.len() });
    }
    if itemsize < 0 {
        report.report(Violation::NegativeSize { field: FieldName::Itemsize, value: itemsize })?;
        return check_lengths(shape, report);
    }
    let summary = StructureSummary::of_strided(shape, strides, itemsize);
    if summary.has_negative_length {
        return check_lengths(shape, report);
    }
    if summary.is_empty {
        return Ok(());
    }
    let unaligned = summary.unaligned_strides(strides);
    match summary.bounds {
        Some(bounds) => check_bounds(block, itemsize, bounds, unaligned, report),
        None => {
            let (shape, strides) = (shape.into(), strides.into());
            report.report(Violation::SpanOverflow { shape, strides, limit: i64::MAX })?;
            check_first_item(block, itemsize, unaligned, report).map(drop)
        }
    }
}
