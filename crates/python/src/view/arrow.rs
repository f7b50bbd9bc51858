//! Items as capsules of the Arrow C data interface.
#![allow(unsafe_code, reason = "shares the memory of a buffer with Arrow")]

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{Array as _, RecordBatch, RecordBatchIterator, StructArray};
use pep3118::arrow::{BatchError, Mapping};
use pep3118::layout::Type;
use pep3118::view::Order;

use super::hold::{Hold, Pin};
use super::part::{Part, copying};

/// How the items become Arrow's: one row for each index of the first dimension.
struct Rows {
    mapping: Mapping,
    /// Whether a row is one value, not a record.
    plain: bool,
}

impl Rows {
    fn of(part: &Part) -> PyResult<Self> {
        let layout = part.description().layout();
        let mapping = match part.shape() {
            [_, extents @ ..] if !extents.is_empty() => {
                let extents: Vec<u64> = extents.iter().map(|extent| extent.unsigned_abs()).collect();
                let layout = layout.array_of(&extents);
                Mapping::new(&layout.ok_or_else(|| PyValueError::new_err("rows are larger than a machine can hold"))?)?
            }
            _ => Mapping::new(layout)?,
        };
        let item = part.description().item();
        let plain = part.shape().len() > 1 || item.ty() != Type::Record || !item.shape().is_empty();
        Ok(Self { mapping, plain })
    }

    fn batch(&self, py: Python<'_>, part: &Part, hold: &Hold) -> PyResult<RecordBatch> {
        let mapping = &self.mapping;
        let pin = hold.pin()?;
        if let Some(bytes) = arrow_bytes(py, part, hold, &pin).filter(|bytes| mapping.shares(bytes.as_ptr().addr())) {
            return Ok(mapping.batch_of_bytes(bytes)?);
        }
        let held = part.held(&pin);
        if part.shape().len() > 1 {
            // This branch has at least two dimensions.
            let rows = usize::try_from(part.shape().first().copied().unwrap_or(0))?;
            let bytes = held.to_vec(py, Order::C)?;
            return Ok(copying(py, part.view().len(), || mapping.batch_of_rows(&bytes, rows))?);
        }
        let batch = || -> Result<_, BatchError> { mapping.batch(&held.buffer()?) };
        Ok(copying(py, part.view().len(), batch)?)
    }
}

pub(super) fn schema<'py>(py: Python<'py>, part: &Part) -> PyResult<Bound<'py, PyCapsule>> {
    let rows = Rows::of(part)?;
    PyCapsule::new_with_value(py, exported_schema(&rows.mapping, rows.plain)?, c"arrow_schema")
}

pub(super) fn array<'py>(
    py: Python<'py>,
    part: &Part,
    hold: &Hold,
) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
    let rows = Rows::of(part)?;
    let schema = PyCapsule::new_with_value(py, exported_schema(&rows.mapping, rows.plain)?, c"arrow_schema")?;
    let array = exported_array(rows.batch(py, part, hold)?, rows.plain);
    Ok((schema, PyCapsule::new_with_value(py, array, c"arrow_array")?))
}

pub(super) fn stream<'py>(py: Python<'py>, part: &Part, hold: &Hold) -> PyResult<Bound<'py, PyCapsule>> {
    let batch = Rows::of(part)?.batch(py, part, hold)?;
    PyCapsule::new_with_value(py, exported_stream(batch), c"arrow_array_stream")
}

/// All bytes, shared with Arrow, which gets a share of the buffer for as long as it needs it; `None` if they
/// are not contiguous.
fn arrow_bytes(py: Python<'_>, part: &Part, hold: &Hold, pin: &Pin<'_>) -> Option<arrow_buffer::Buffer> {
    let view = part.view();
    if !view.is_contiguous(Order::C) {
        return None;
    }
    let start = part.buf().wrapping_offset(isize::try_from(view.offset()).ok()?);
    let (start, len) = (std::ptr::NonNull::new(start)?, usize::try_from(view.len()).ok()?);
    let owner = Arc::new(std::panic::AssertUnwindSafe(hold.share(py, pin).ok()?));
    // SAFETY: by the INVARIANT of `Part` these are the bytes of all items, readable while the buffer is held
    // (E04), as `owner` does. Arrow only reads; the protocol requires that no consumer writes meanwhile.
    Some(unsafe { arrow_buffer::Buffer::from_custom_allocation(start, len, owner) })
}

/// The schema of a struct of all columns; with `plain` that of the first column.
fn exported_schema(mapping: &Mapping, plain: bool) -> Result<FFI_ArrowSchema, BatchError> {
    let schema = mapping.schema();
    match schema.fields().first() {
        Some(field) if plain => Ok(FFI_ArrowSchema::try_from(field.as_ref())?),
        _ => Ok(FFI_ArrowSchema::try_from(schema.as_ref())?),
    }
}

/// All columns as an array of structs; with `plain` the first column.
fn exported_array(batch: RecordBatch, plain: bool) -> FFI_ArrowArray {
    match batch.columns().first() {
        Some(column) if plain => FFI_ArrowArray::new(&column.to_data()),
        _ => FFI_ArrowArray::new(&StructArray::from(batch).into_data()),
    }
}

/// A stream of one batch.
fn exported_stream(batch: RecordBatch) -> FFI_ArrowArrayStream {
    let schema = Arc::clone(batch.schema_ref());
    FFI_ArrowArrayStream::new(Box::new(RecordBatchIterator::new([Ok(batch)], schema)))
}
