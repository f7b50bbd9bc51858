//! What a view shows, until it is released.

use std::sync::{Arc, OnceLock};

use pyo3::exceptions::{PyKeyError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::construct;
use super::items::Items;
use pep3118::__private::escape;
use pep3118::decode::DecodeError;
use pep3118::layout::Dialect;
use pep3118::py::BufferExporter;
use pep3118::py::{Acquired, SharedView};
use pep3118::view::{ItemLayout, Order, Slice};

/// Copies from this many bytes on let other threads run meanwhile.
const DETACH_BYTES: i64 = 1 << 20;

/// A buffer, what its items are, and how it is shown to others.
pub(super) struct ViewState {
    shared: SharedView,
    items: Arc<Items>,
    /// Made when the first consumer asks.
    pub(super) exporter: OnceLock<BufferExporter>,
}

impl ViewState {
    pub(super) fn new(shared: SharedView, items: Arc<Items>) -> Self {
        Self { shared, items, exporter: OnceLock::new() }
    }

    pub(super) fn shared(&self) -> &SharedView {
        &self.shared
    }

    /// The buffer, if nobody else holds it.
    pub(super) fn sole_buffer(&mut self) -> Option<&Acquired> {
        (Arc::strong_count(self.shared.acquired()) == 1).then(|| &**self.shared.acquired())
    }

    pub(super) fn items(&self) -> &Items {
        &self.items
    }

    pub(super) fn shape(&self) -> &[i64] {
        self.shared.view().shape()
    }

    /// Other bytes with items of the same kind.
    fn alike(&self, shared: SharedView) -> Self {
        Self::new(shared, Arc::clone(&self.items))
    }

    pub(super) fn slice(&self, slices: &[Slice]) -> PyResult<Self> {
        Ok(self.alike(self.shared.slice(slices)?))
    }

    pub(super) fn select(&self, dimension: usize, index: i64) -> PyResult<Self> {
        Ok(self.alike(self.shared.select(dimension, index)?))
    }

    pub(super) fn to_readonly(&self) -> Self {
        self.alike(self.shared.to_readonly())
    }

    pub(super) fn transpose(&self, axes: Option<&[usize]>) -> PyResult<Self> {
        Ok(self.alike(self.shared.transpose(axes)?))
    }

    /// The field of a dotted name.
    pub(super) fn field(&self, name: &str) -> PyResult<Self> {
        let Some(path) = self.items.path(name) else {
            let names = self.items.names();
            let known = if names.is_empty() {
                "items have no fields".to_owned()
            } else {
                escape(&names.join(", ")).into_owned()
            };
            return Err(PyKeyError::new_err(format!("no field is called '{}': {known}", escape(name))));
        };
        let mut shared = self.shared.clone();
        for field in path {
            shared = shared.field(field)?;
        }
        construct::narrowed(shared)
    }

    /// The same bytes as items of another format.
    pub(super) fn cast(
        &self,
        format: Vec<u8>,
        shape: Option<&[i64]>,
        dialect: Option<&'static Dialect>,
    ) -> PyResult<Self> {
        let reading = construct::reading_of(&format, dialect)?;
        let itemsize = i64::try_from(reading.layout.size())
            .map_err(|_| PyValueError::new_err(format!("items of {} bytes", reading.layout.size())))?;
        let shared = self.shared.cast(ItemLayout::Interpretation(Box::new(reading)), itemsize, shape)?;
        let items = Items::of_view(shared.view(), Some(format), dialect)?;
        Ok(Self::new(shared, items))
    }

    /// The item of an index in every dimension.
    pub(super) fn item<'py>(&self, py: Python<'py>, indices: &[i64]) -> PyResult<Bound<'py, PyAny>> {
        let bytes = self.shared.buffer(self.items.plan())?.item_bytes(indices)?;
        self.items.codec(py)?.read(py, &bytes)
    }

    /// Runs a copy of so many bytes, without the interpreter if it is a big one.
    pub(super) fn copying<T: Send>(&self, py: Python<'_>, bytes: i64, copy: impl FnOnce() -> T + Send) -> T {
        if bytes >= DETACH_BYTES { py.detach(copy) } else { copy() }
    }

    /// All items, contiguous in an order.
    pub(super) fn to_bytes<'py>(&self, py: Python<'py>, order: Order) -> PyResult<Bound<'py, PyBytes>> {
        let view = self.shared.view();
        let len = usize::try_from(view.len()).unwrap_or(usize::MAX);
        PyBytes::new_with(py, len, |out| {
            let (shared, plan) = (&self.shared, self.items.plan());
            let copied = self.copying(py, view.len(), || shared.buffer(plan)?.copy_bytes(order, out));
            Ok(copied?)
        })
    }

    /// The same in memory of this program.
    pub(super) fn to_vec(&self, py: Python<'_>, order: Order) -> Result<Vec<u8>, DecodeError> {
        let (shared, plan) = (&self.shared, self.items.plan());
        self.copying(py, shared.view().len(), || shared.buffer(plan)?.to_contiguous(order))
    }

    /// `C`, `F` or `A`, which is F where the memory is Fortran-contiguous and not C-contiguous.
    pub(super) fn order(&self, order: Option<&str>) -> PyResult<Order> {
        let view = self.shared.view();
        match order {
            None | Some("C") => Ok(Order::C),
            Some("F") => Ok(Order::Fortran),
            Some("A") if view.is_contiguous(Order::Fortran) && !view.is_contiguous(Order::C) => Ok(Order::Fortran),
            Some("A") => Ok(Order::C),
            Some(_) => Err(PyValueError::new_err("order must be 'C', 'F' or 'A'")),
        }
    }

    /// How many there are in the first dimension.
    pub(super) fn len(&self) -> PyResult<usize> {
        let first = self.shape().first().ok_or_else(|| PyTypeError::new_err("0-dim view has no length"))?;
        Ok(usize::try_from(*first)?)
    }
}
