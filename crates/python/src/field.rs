//! A field of a format for Python.

use std::sync::Arc;

use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use pep3118::__private::escape;
use pep3118::layout::{self, Layout, Type};

/// A field of a format: where it lies and what its bytes are. Offsets and sizes are in bytes.
///
/// >>> from pep3118 import Format
/// >>> item = Format("T{<H:id:(2,3)>d:grid:}", dialect="pep3118").item
/// >>> item["grid"]
/// <Field "grid", offset=2, size=48, type="float64", endian="big", shape=(2, 3)>
/// >>> [field.name for field in item.fields]
/// ['id', 'grid']
#[pyclass(frozen, module = "pep3118")]
pub(super) struct Field {
    layout: Arc<Layout>,
    index: u32,
}

impl Field {
    /// The field at the same place in the tree.
    pub(super) fn new(layout: &Arc<Layout>, field: layout::Field<'_>) -> Self {
        Self { layout: Arc::clone(layout), index: field.index() }
    }

    pub(super) fn get(&self) -> layout::Field<'_> {
        layout::Field::at(&self.layout, self.index)
    }
}

/// The name of a field that has none, as in NumPy: `f0` for the first field of a record.
pub(crate) fn default_name(index: usize) -> String {
    format!("f{index}")
}

/// The fields of a record as a tuple.
pub(super) fn tuple<'py>(
    py: Python<'py>,
    layout: &Arc<Layout>,
    fields: layout::Fields<'_>,
) -> PyResult<Bound<'py, PyTuple>> {
    let fields: Vec<Field> = fields.map(|field| Field::new(layout, field)).collect();
    PyTuple::new(py, fields)
}

#[pymethods]
impl Field {
    /// The name; None if there is none. What is not UTF-8 is escaped.
    #[getter]
    fn name(&self) -> Option<String> {
        self.get().name_text()
    }

    /// The name as it stands in the format.
    #[getter]
    fn name_bytes<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.get().name().map(|name| PyBytes::new(py, name))
    }

    /// From the start of the record around it, in bytes.
    #[getter]
    fn offset(&self) -> u64 {
        self.get().offset()
    }

    /// All elements, in bytes.
    #[getter]
    fn size(&self) -> u64 {
        self.get().total_size()
    }

    /// One element, in bytes.
    #[getter]
    fn itemsize(&self) -> u64 {
        self.get().size()
    }

    /// The number of elements.
    #[getter]
    fn count(&self) -> u64 {
        self.get().count()
    }

    /// The extent of each dimension; empty for a single value.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.get().shape())
    }

    /// What its bytes are: "int32", "record".
    #[getter]
    fn r#type(&self) -> &'static str {
        self.get().ty().as_str()
    }

    /// "little" or "big"; None where the type has no byte order.
    #[getter]
    fn endian(&self) -> Option<&'static str> {
        self.get().endian().map(|endian| endian.as_str())
    }

    /// The fields of a record; empty for anything else.
    #[getter]
    fn fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        tuple(py, &self.layout, self.get().fields())
    }

    /// Whether its fields all begin at its first byte, as those of a union.
    #[getter]
    fn is_union(&self) -> bool {
        self.get().is_union()
    }

    /// The field of a record by its name, the first if there are several.
    fn __getitem__(&self, name: &str) -> PyResult<Self> {
        let field = self.get().fields().find(|field| field.name_text().as_deref() == Some(name));
        field.map(|field| Self::new(&self.layout, field)).ok_or_else(|| PyKeyError::new_err(name.to_owned()))
    }

    /// The number of fields of a record.
    fn __len__(&self) -> usize {
        self.get().fields().count()
    }

    /// Always true, whatever the number of fields.
    fn __bool__(&self) -> bool {
        true
    }

    fn __repr__(&self) -> String {
        describe(self.get())
    }
}

fn describe(field: layout::Field<'_>) -> String {
    let name = field.name().map_or_else(|| "None".to_owned(), |name| format!("\"{}\"", escape(name)));
    let mut parts = vec![name, format!("offset={}", field.offset()), format!("size={}", field.total_size())];
    parts.push(format!("type={:?}", field.ty().as_str()));
    if let Some(endian) = field.endian() {
        parts.push(format!("endian={:?}", endian.as_str()));
    }
    if !field.shape().is_empty() {
        let shape: Vec<String> = field.shape().iter().map(u64::to_string).collect();
        parts.push(format!("shape=({}{})", shape.join(", "), if shape.len() == 1 { "," } else { "" }));
    }
    if field.ty() == Type::Record {
        parts.push(format!("fields={}", field.fields().count()));
    }
    format!("<Field {}>", parts.join(", "))
}
