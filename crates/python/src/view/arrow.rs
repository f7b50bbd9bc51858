//! Exports the items of a view as capsules of the Arrow C data interface.
#![allow(unsafe_code, reason = "shares the memory of a buffer with Arrow")]

use std::sync::Arc;

use crate::objects;
use pep3118::name;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule, PyMemoryView};

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{Array as _, RecordBatch, RecordBatchIterator, StructArray};
use pep3118::arrow::{BatchError, Mapping};
use pep3118::layout::Type;
use pep3118::view::Order;

use super::hold::{Hold, Pin};
use super::part::{Part, copying};

/// The conversion of the items of a view to rows of Arrow. Each index of the first dimension becomes one row.
struct Rows {
    mapping: Mapping,
    /// `true` if a row is one value, such as a number or an array. `false` if a row is a record.
    plain: bool,
}

impl Rows {
    /// Returns the conversion for the items of `part`. If `part` has more than one dimension, a row is an array of
    /// items.
    ///
    /// # Errors
    /// - a row is larger than the address space: `ValueError`
    /// - Arrow has no type for a field
    fn of(part: &Part) -> PyResult<Self> {
        let layout = part.description().layout();
        let mapping = match part.shape() {
            [_, lengths @ ..] if !lengths.is_empty() => {
                let lengths: Vec<u64> = lengths.iter().map(|length| length.unsigned_abs()).collect();
                let layout = layout.array_of(&lengths);
                Mapping::new(
                    &layout.ok_or_else(|| objects::error::<PyValueError>("rows are larger than a machine can hold"))?,
                )?
            }
            _ => Mapping::new(layout)?,
        };
        let item = part.description().item();
        let plain = part.shape().len() > 1 || item.ty() != Type::Record || !item.shape().is_empty();
        Ok(Self { mapping, plain })
    }

    /// Returns all rows as a record batch. The batch shares the memory of `part` if the memory belongs to a `bytes`
    /// object, and if Arrow stores the rows in the same layout. Otherwise the batch contains a copy of the items.
    /// `hold` is the reference of the view to its buffer. Returns an error if a text is not Unicode, if the view was
    /// released, or if there is no memory.
    fn batch(&self, py: Python<'_>, part: &Part, hold: &Hold) -> PyResult<RecordBatch> {
        let mapping = &self.mapping;
        let pin = hold.pin()?;
        if let Some(bytes) = arrow_bytes(py, part, hold, &pin, mapping) {
            return Ok(mapping.batch_of_bytes(bytes)?);
        }
        let held = part.pinned(&pin);
        if part.shape().len() > 1 {
            // A part with two dimensions has a first dimension, so the default is never used.
            let rows = usize::try_from(part.shape().first().copied().unwrap_or(0))?;
            let bytes = held.to_vec(py, Order::C)?;
            return Ok(copying(py, part.view().len(), || mapping.batch_of_rows(&bytes, rows))?);
        }
        let batch = || held.with_buffer(|buffer| mapping.batch(buffer));
        Ok(copying(py, part.view().len(), batch)?)
    }
}

/// Returns the capsule of `__arrow_c_schema__` for the items of `part`. Returns an error if Arrow has no type for the
/// items.
pub(super) fn schema<'py>(py: Python<'py>, part: &Part) -> PyResult<Bound<'py, PyCapsule>> {
    let rows = Rows::of(part)?;
    PyCapsule::new_with_value(py, exported_schema(&rows.mapping, rows.plain)?, c"arrow_schema")
}

/// Returns the capsules of `__arrow_c_array__`: the schema and the array of the items of `part`. `hold` is the
/// reference of the view to its buffer.
///
/// # Errors
/// - the view was released, or a text is not Unicode: `ValueError`
/// - no memory: `MemoryError`
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

/// Returns the capsule of `__arrow_c_stream__` for the items of `part`. `hold` is the reference of the view to its
/// buffer. Returns the errors of [`array`].
pub(super) fn stream<'py>(py: Python<'py>, part: &Part, hold: &Hold) -> PyResult<Bound<'py, PyCapsule>> {
    let batch = Rows::of(part)?.batch(py, part, hold)?;
    PyCapsule::new_with_value(py, exported_stream(batch), c"arrow_array_stream")
}

/// A reference of Arrow to the buffer of a view. Arrow may drop `ArrowShare` on any thread. The reference may only be
/// dropped while the thread is attached to the interpreter, so `drop` attaches the thread first.
struct ArrowShare(Option<Hold>);

impl Drop for ArrowShare {
    fn drop(&mut self) {
        // If the interpreter has shut down, the exporter no longer exists, and the buffer must not be released.
        if Python::try_attach(|_| drop(self.0.take())).is_none() {
            std::mem::forget(self.0.take());
        }
    }
}

/// Returns `true` if the memory of `hold` belongs to a `bytes` object. Only such memory never changes. Arrow arrays are
/// immutable, and Arrow can create a Rust slice of a buffer. A buffer that an exporter reports as read-only can still
/// change, for example `memoryview(bytearray(8)).toreadonly()`.
fn is_immutable(py: Python<'_>, hold: &Hold) -> bool {
    let Some(mut owner) = hold.exporter(py) else { return false };
    if owner.is_exact_instance_of::<PyMemoryView>() {
        let read = || owner.getattr(name!(py, "obj"));
        match read() {
            Ok(obj) => owner = obj,
            Err(_) => return false,
        }
    }
    owner.is_exact_instance_of::<PyBytes>()
}

/// Returns the bytes of all items of `part` as a buffer of Arrow. `hold` is the reference of the view to its buffer,
/// and `pin` proves that the buffer is not released. The Arrow buffer keeps the buffer of the view from being released.
/// Returns `None` if the memory can change, if the items are not contiguous in C order, if `mapping` must copy the
/// items, or if the allocation of the reference to the buffer fails.
fn arrow_bytes(
    py: Python<'_>,
    part: &Part,
    hold: &Hold,
    pin: &Pin<'_>,
    mapping: &Mapping,
) -> Option<arrow_buffer::Buffer> {
    let view = part.view();
    if !view.is_contiguous(Order::C) {
        return None;
    }
    if !is_immutable(py, hold) {
        return None;
    }
    let start = part.buf().wrapping_offset(isize::try_from(view.offset()).ok()?);
    // The buffer of the view is shared only if Arrow can use its memory.
    if !mapping.shares(start.addr()) {
        return None;
    }
    let (start, len) = (std::ptr::NonNull::new(start)?, usize::try_from(view.len()).ok()?);
    let owner = Arc::new(std::panic::AssertUnwindSafe(ArrowShare(Some(hold.share(py, pin).ok()?))));
    // SAFETY: (a) By the INVARIANT of `Part` the `len` bytes from `start` on are the bytes of all items. The bytes may
    // be read until the buffer is released (E04, memory stays valid), and `owner` keeps the buffer from being released.
    // (b) The bytes never change, because they belong to a `bytes` object. Hence Rust may create a slice of them.
    Some(unsafe { arrow_buffer::Buffer::from_custom_allocation(start, len, owner) })
}

/// Returns the schema of an Arrow struct with all columns of `mapping`. If `plain` is `true`, a row is one value, and
/// the function returns the schema of the only column.
fn exported_schema(mapping: &Mapping, plain: bool) -> Result<FFI_ArrowSchema, BatchError> {
    let schema = mapping.schema();
    match schema.fields().first() {
        Some(field) if plain => Ok(FFI_ArrowSchema::try_from(field.as_ref())?),
        _ => Ok(FFI_ArrowSchema::try_from(schema.as_ref())?),
    }
}

/// Returns all columns of `batch` as one Arrow array of structs. If `plain` is `true`, a row is one value, and the
/// function returns the only column.
fn exported_array(batch: RecordBatch, plain: bool) -> FFI_ArrowArray {
    match batch.columns().first() {
        Some(column) if plain => FFI_ArrowArray::new(&column.to_data()),
        _ => FFI_ArrowArray::new(&StructArray::from(batch).into_data()),
    }
}

/// Returns a stream whose only batch is `batch`.
fn exported_stream(batch: RecordBatch) -> FFI_ArrowArrayStream {
    let schema = Arc::clone(batch.schema_ref());
    FFI_ArrowArrayStream::new(Box::new(RecordBatchIterator::new([Ok(batch)], schema)))
}
