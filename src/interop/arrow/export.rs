//! The structs of the Arrow C data interface, for those who pass them on.

use alloc::boxed::Box;
use alloc::sync::Arc;

pub(crate) use arrow_array::RecordBatch as Batch;
use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{Array as _, RecordBatch, RecordBatchIterator, StructArray};

use super::error::BatchError;
use super::mapping::Mapping;

/// The schema of a struct of all columns; with `plain` that of the first column.
pub(crate) fn exported_schema(mapping: &Mapping, plain: bool) -> Result<FFI_ArrowSchema, BatchError> {
    let schema = mapping.schema();
    match schema.fields().first() {
        Some(field) if plain => Ok(FFI_ArrowSchema::try_from(field.as_ref())?),
        _ => Ok(FFI_ArrowSchema::try_from(schema.as_ref())?),
    }
}

/// All columns as an array of structs; with `plain` the first column.
pub(crate) fn exported_array(batch: RecordBatch, plain: bool) -> FFI_ArrowArray {
    match batch.columns().first() {
        Some(column) if plain => FFI_ArrowArray::new(&column.to_data()),
        _ => FFI_ArrowArray::new(&StructArray::from(batch).into_data()),
    }
}

/// A stream of one batch.
pub(crate) fn exported_stream(batch: RecordBatch) -> FFI_ArrowArrayStream {
    let schema = Arc::clone(batch.schema_ref());
    FFI_ArrowArrayStream::new(Box::new(RecordBatchIterator::new([Ok(batch)], schema)))
}
