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
use pep3118::py::SharedView;
use pep3118::view::Order;

use super::state::ViewState;

/// How the items become Arrow's: one row for each index of the first dimension.
struct Rows {
    mapping: Mapping,
    /// Whether a row is one value, not a record.
    plain: bool,
}

impl Rows {
    fn of(shown: &ViewState) -> PyResult<Self> {
        let layout = shown.items().layout();
        let mapping = match shown.shape() {
            [_, extents @ ..] if !extents.is_empty() => {
                let extents: Vec<u64> = extents.iter().map(|extent| extent.unsigned_abs()).collect();
                let layout = layout.array_of(&extents);
                Mapping::new(&layout.ok_or_else(|| PyValueError::new_err("rows are larger than a machine can hold"))?)?
            }
            _ => Mapping::new(layout)?,
        };
        let item = shown.items().item();
        let plain = shown.shape().len() > 1 || item.ty() != Type::Record || !item.shape().is_empty();
        Ok(Self { mapping, plain })
    }

    fn batch(&self, py: Python<'_>, shown: &ViewState) -> PyResult<RecordBatch> {
        let (shared, plan, mapping) = (shown.shared(), shown.items().plan(), &self.mapping);
        if let Some(bytes) = arrow_bytes(shared).filter(|bytes| mapping.shares(bytes.as_ptr().addr())) {
            return Ok(mapping.batch_of_bytes(bytes)?);
        }
        if shown.shape().len() > 1 {
            let rows = usize::try_from(shown.shape().first().copied().unwrap_or(0))?;
            let bytes = shown.to_vec(py, Order::C)?;
            return Ok(shown.copying(py, shared.view().len(), || mapping.batch_of_rows(&bytes, rows))?);
        }
        let batch = || -> Result<_, BatchError> { mapping.batch(&shared.buffer(plan)?) };
        Ok(shown.copying(py, shared.view().len(), batch)?)
    }
}

pub(super) fn schema<'py>(py: Python<'py>, shown: &ViewState) -> PyResult<Bound<'py, PyCapsule>> {
    let rows = Rows::of(shown)?;
    PyCapsule::new_with_value(py, exported_schema(&rows.mapping, rows.plain)?, c"arrow_schema")
}

pub(super) fn array<'py>(
    py: Python<'py>,
    shown: &ViewState,
) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
    let rows = Rows::of(shown)?;
    let schema = PyCapsule::new_with_value(py, exported_schema(&rows.mapping, rows.plain)?, c"arrow_schema")?;
    let array = exported_array(rows.batch(py, shown)?, rows.plain);
    Ok((schema, PyCapsule::new_with_value(py, array, c"arrow_array")?))
}

pub(super) fn stream<'py>(py: Python<'py>, shown: &ViewState) -> PyResult<Bound<'py, PyCapsule>> {
    let batch = Rows::of(shown)?.batch(py, shown)?;
    PyCapsule::new_with_value(py, exported_stream(batch), c"arrow_array_stream")
}

/// All bytes, shared with Arrow, which holds the buffer for as long as it needs it; `None` if they do
/// not lie one after the other.
fn arrow_bytes(shared: &SharedView) -> Option<arrow_buffer::Buffer> {
    if !shared.view().is_contiguous(Order::C) {
        return None;
    }
    let start = shared.buf().wrapping_offset(isize::try_from(shared.view().offset()).ok()?);
    let (start, len) = (std::ptr::NonNull::new(start)?, usize::try_from(shared.view().len()).ok()?);
    let owner = Arc::new(std::panic::AssertUnwindSafe(Arc::clone(shared.acquired())));
    // SAFETY: by the INVARIANT these are the bytes of all items, readable while the buffer is held (E04),
    // as `owner` does. Arrow only reads; that nobody else writes meanwhile the protocol asks of all.
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
