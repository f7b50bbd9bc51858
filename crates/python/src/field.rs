//! The Python class `Field`: a field of a `Format`, with its name, offset, size and type.

use std::sync::Arc;

use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::objects::{self, Text, Unsigned, from_result, into_result};
use crate::pickle::bits_tuple;
use crate::tuple_builder;
use pep3118::__private::escape;
use pep3118::layout::{self, Layout, Type};

/// A field of a format, with its name, offset, size and type. Offsets and sizes are in bytes.
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
    /// The index of the field among all fields of `layout`.
    index: u32,
}

impl Field {
    /// Creates the Python object for `field`, a field of `layout`.
    pub(super) fn new(layout: &Arc<Layout>, field: layout::Field<'_>) -> Self {
        Self { layout: Arc::clone(layout), index: field.index() }
    }

    /// Returns the field of the library to which this object refers.
    fn get(&self) -> layout::Field<'_> {
        layout::Field::at(&self.layout, self.index)
    }
}

/// Returns the name for an unnamed field, as in NumPy: `f0` for the field with `index` 0 in its record.
pub(crate) fn default_name(index: usize) -> String {
    format!("f{index}")
}

/// Returns a tuple with one `Field` object for each of `fields`, which must be fields of `layout`.
///
/// # Errors
/// - no memory: `MemoryError`
pub(super) fn tuple<'py>(
    py: Python<'py>,
    layout: &Arc<Layout>,
    fields: layout::Fields<'_>,
) -> PyResult<Bound<'py, PyTuple>> {
    let fields: Vec<layout::Field<'_>> = fields.collect();
    let object = |field| from_result(py, Bound::new(py, Field::new(layout, field)).map(Bound::into_any));
    tuple_builder::tuple(py, fields.into_iter().map(object))
}

#[pymethods]
impl Field {
    /// The name, or None for an unnamed field. Bytes that are not UTF-8 are escaped.
    #[getter]
    fn name(&self) -> Option<Text<String>> {
        self.get().name_text().map(Text)
    }

    /// The bytes of the name in the format, or None for an unnamed field.
    #[getter]
    fn name_bytes<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.get().name().map(|name| into_result(py, objects::bytes(py, name))).transpose()
    }

    /// The offset from the start of the enclosing record, in bytes.
    #[getter]
    fn offset(&self) -> Unsigned {
        Unsigned(self.get().offset())
    }

    /// The size of all elements, in bytes.
    #[getter]
    fn size(&self) -> Unsigned {
        Unsigned(self.get().total_size())
    }

    /// The size of one element, in bytes.
    #[getter]
    fn itemsize(&self) -> Unsigned {
        Unsigned(self.get().size())
    }

    /// The number of elements.
    #[getter]
    fn count(&self) -> Unsigned {
        Unsigned(self.get().count())
    }

    /// The length of each dimension, or () for a single value.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        tuple_builder::tuple(py, self.get().shape().iter().map(|dimension| objects::unsigned(py, *dimension)))
    }

    /// The type of an element, such as "int32" or "record".
    #[getter]
    fn r#type(&self) -> Text<&'static str> {
        Text(self.get().ty().as_str())
    }

    /// The type of the values, the bits below the bit-field, and the bits in the bit-field: ("int32", 3, 5).
    ///
    /// None if the field is not a bit-field. To read the value, read the bytes of the field as one unsigned integer in
    /// the byte order of the field. Then shift the integer right by the second number, and use as many low bits as the
    /// third number.
    #[getter]
    fn bits<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        self.get().bit_field().map(|bits| bits_tuple(py, bits)).transpose()
    }

    /// The byte order, "little" or "big", or None for a type without byte order.
    #[getter]
    fn endian(&self) -> Option<Text<&'static str>> {
        self.get().endian().map(|endian| Text(endian.as_str()))
    }

    /// The fields of a record, or () for any other type.
    #[getter]
    fn fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        tuple(py, &self.layout, self.get().fields())
    }

    /// Whether the field is a record whose fields all start at the first byte, as in a union.
    #[getter]
    fn is_union(&self) -> bool {
        self.get().is_union()
    }

    /// Returns the first field named `name` of a record. Raises KeyError if the record has no such field.
    fn __getitem__(&self, name: &str) -> PyResult<Self> {
        let field = self.get().fields().find(|field| field.name_text().as_deref() == Some(name));
        field.map(|field| Self::new(&self.layout, field)).ok_or_else(|| objects::error::<PyKeyError>(name.to_owned()))
    }

    /// Returns the number of fields of a record, or 0 for any other type.
    fn __len__(&self) -> usize {
        self.get().fields().count()
    }

    /// Returns True. Without this method, Python would convert a field of length 0 to False.
    fn __bool__(&self) -> bool {
        true
    }

    fn __repr__(&self) -> Text<String> {
        let field = self.get();
        let name = field.name().map_or_else(|| "None".to_owned(), |name| format!("\"{}\"", escape(name)));
        let mut parts = vec![name, format!("offset={}", field.offset()), format!("size={}", field.total_size())];
        parts.push(format!("type=\"{}\"", field.ty()));
        if let Some(endian) = field.endian() {
            parts.push(format!("endian=\"{endian}\""));
        }
        if !field.shape().is_empty() {
            let shape: Vec<String> = field.shape().iter().map(u64::to_string).collect();
            parts.push(format!("shape=({}{})", shape.join(", "), if shape.len() == 1 { "," } else { "" }));
        }
        if field.ty() == Type::Record {
            parts.push(format!("fields={}", field.fields().count()));
        }
        Text(format!("<Field {}>", parts.join(", ")))
    }
}
