//! `RecordCodec`: reads and writes the objects of one record class, a class that is derived from `pep3118.Record` or
//! has the decorator `pep3118.record`.

use std::sync::Arc;

use pep3118::name;
use pyo3::exceptions::PySystemError;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

use crate::fastcall::add_method;
use crate::format::Format;
use crate::objects;
use crate::structs::{Compiled, RecordIterUnpack, RecordPack, RecordPackInto, RecordUnpack, RecordUnpackFrom};
use crate::values::DeclaredClasses;
use pep3118::py::ItemDescription;

// The class refers to its codec. The codec has only a weak reference to the class, so that the two objects form no
// cycle. The objects of the class, and the views of such objects, keep the class alive.
/// The codec of a record class. `pep3118.records` creates a codec for each class and stores the codec in the
/// class.
#[pyclass(frozen, name = "_RecordCodec", module = "pep3118._pep3118")]
pub(crate) struct RecordCodec {
    classes: Arc<DeclaredClasses>,
    pub(crate) compiled: Arc<Compiled>,
    description: Arc<ItemDescription>,
}

/// The name of the attribute in which a record class stores its codec.
const CODEC: &str = "__pep3118_codec__";

#[pymethods]
impl RecordCodec {
    /// Creates the codec of `class`, a class derived from `tuple`. `format` has the layout of the records. `fields` has
    /// one entry for each field: the codec of a field that is a record, and None for any other field.
    #[new]
    fn new(
        class: &Bound<'_, PyType>,
        format: &Bound<'_, Format>,
        fields: Vec<Option<Bound<'_, Self>>>,
    ) -> PyResult<Self> {
        let py = class.py();
        let layout = format.get().layout();
        let names = crate::view::field_names(layout.item());
        if names.len() != fields.len() {
            return Err(objects::error::<PySystemError>("the number of codecs differs from the number of fields"));
        }
        let fields = fields.into_iter().map(|field| Some(Arc::clone(&field?.get().classes))).collect();
        let classes = DeclaredClasses::new(names, class, fields)?;
        let description = crate::view::declared_items(layout, &classes)?;
        let text = objects::utf8_text(py, description.format())?;
        let compiled = Arc::new(Compiled::of_record(py, layout, &classes, &text)?);
        Ok(Self { classes, compiled, description })
    }

    /// The canonical format of the layout.
    #[getter]
    fn format<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        self.compiled.format(py)
    }
}

impl RecordCodec {
    /// Returns the codec of `class`. Returns `None` if `class` is anything other than a record class.
    ///
    /// # Errors
    /// - `class` raises an exception other than `AttributeError` for an unknown attribute: the exception is returned
    ///   unchanged
    pub(crate) fn of<'py>(class: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, Self>>> {
        if !class.is_instance_of::<PyType>() {
            return Ok(None);
        }
        let codec = class.getattr_opt(name!(class.py(), CODEC))?;
        Ok(codec.and_then(|codec| codec.cast_into_exact::<Self>().ok()))
    }

    /// Returns the description of the items whose objects have the class of this codec. The caller must hold a
    /// reference to the class while it uses the description.
    pub(crate) fn description(&self) -> &Arc<ItemDescription> {
        &self.description
    }
}

/// Adds the methods to the class [`RecordCodec`].
pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let class = module.py().get_type::<RecordCodec>();
    add_method::<RecordUnpack>(&class)?;
    add_method::<RecordUnpackFrom>(&class)?;
    add_method::<RecordIterUnpack>(&class)?;
    add_method::<RecordPack>(&class)?;
    add_method::<RecordPackInto>(&class)
}
