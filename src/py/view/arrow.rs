//! Items as capsules of the Arrow C data interface.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use super::shown::Shown;
use crate::interop::arrow::{Batch, BatchError, Mapping, exported_array, exported_schema, exported_stream};
use crate::layout::Type;
use crate::view::Order;

/// How the items become Arrow's: one row for each index of the first dimension.
struct Rows {
    mapping: Mapping,
    /// Whether a row is one value, not a record.
    plain: bool,
}

impl Rows {
    fn of(shown: &Shown) -> PyResult<Self> {
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

    fn batch(&self, py: Python<'_>, shown: &Shown) -> PyResult<Batch> {
        let (shared, plan, mapping) = (shown.shared(), shown.items().plan(), &self.mapping);
        if let Some(bytes) = shared.arrow_bytes().filter(|bytes| mapping.shares(bytes.as_ptr().addr())) {
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

pub(super) fn schema<'py>(py: Python<'py>, shown: &Shown) -> PyResult<Bound<'py, PyCapsule>> {
    let rows = Rows::of(shown)?;
    PyCapsule::new_with_value(py, exported_schema(&rows.mapping, rows.plain)?, c"arrow_schema")
}

pub(super) fn array<'py>(py: Python<'py>, shown: &Shown) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
    let rows = Rows::of(shown)?;
    let schema = PyCapsule::new_with_value(py, exported_schema(&rows.mapping, rows.plain)?, c"arrow_schema")?;
    let array = exported_array(rows.batch(py, shown)?, rows.plain);
    Ok((schema, PyCapsule::new_with_value(py, array, c"arrow_array")?))
}

pub(super) fn stream<'py>(py: Python<'py>, shown: &Shown) -> PyResult<Bound<'py, PyCapsule>> {
    let batch = Rows::of(shown)?.batch(py, shown)?;
    PyCapsule::new_with_value(py, exported_stream(batch), c"arrow_array_stream")
}
