//! `LayoutArgument`: an argument that describes a layout to a Python function, as a format or in another form. `Call`:
//! the text of a function call in help lines.
//!
//! Every function of the package that accepts a format calls [`LayoutArgument::new`] and thus accepts a `str`, `bytes`,
//! `Format`, NumPy dtype, ctypes class or record class.

use std::sync::Arc;

use pep3118::name;
use pyo3::exceptions::{PyAttributeError, PyMemoryError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyType};

use crate::errors::class_name;
use crate::format::{Format, text_bytes};
use crate::objects;
use pep3118::__private::{Ctypes, from_dtype, loaded, text};
use pep3118::layout::Dialect;
use pep3118::py::{ItemDescription, OpenError};
use pep3118_cli::hints::Arguments;

/// The argument of a function that accepts a format or another description of a layout.
pub(crate) enum LayoutArgument<'py> {
    /// A `str` or `bytes` object: the bytes of a format.
    Text(Vec<u8>),
    /// A `Format`, or the `Format` with the layout of a dtype, a ctypes class or a record class.
    Format(Bound<'py, Format>),
}

impl<'py> LayoutArgument<'py> {
    /// Converts `object`, the value of the argument with the name `argument`.
    ///
    /// # Errors
    /// - an object that describes no layout: `TypeError`
    /// - a dtype or a ctypes class without a layout, such as a structure without `_fields_`: the exception that the
    ///   class raises
    pub(crate) fn new(object: &Bound<'py, PyAny>, argument: &str) -> PyResult<Self> {
        match Self::find(object)? {
            Some(layout) => Ok(layout),
            None => Err(not_a_layout(object, argument)),
        }
    }

    /// Converts `object`. Returns `None` if `object` describes no layout.
    ///
    /// # Errors
    /// - a dtype or a ctypes class without a layout: as [`new`](Self::new)
    pub(crate) fn find(object: &Bound<'py, PyAny>) -> PyResult<Option<Self>> {
        if object.is_instance_of::<PyString>() || object.is_instance_of::<PyBytes>() {
            return text_bytes(object).map(|text| Some(Self::Text(text)));
        }
        Ok(Self::find_format(object)?.map(Self::Format))
    }

    /// Returns the `Format` with the layout that `object` describes: a `Format`, a dtype, a ctypes class or a record
    /// class. Returns `None` for any other object.
    ///
    /// # Errors
    /// - the attribute `__pep3118_format__` of a class is not a `Format`: `TypeError`
    /// - a dtype or a ctypes class without a layout: as [`new`](Self::new)
    pub(crate) fn find_format(object: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, Format>>> {
        let py = object.py();
        if let Ok(format) = object.cast::<Format>() {
            return Ok(Some(format.clone()));
        }
        if let Ok(class) = object.cast::<PyType>() {
            match class.getattr(name!(py, "__pep3118_format__")) {
                Ok(format) if format.is_instance_of::<Format>() => return Ok(Some(format.cast_into::<Format>()?)),
                Ok(other) => {
                    let found = class_name(&other)?;
                    let message = format!("`__pep3118_format__` of a record class is a Format, not {found}");
                    return Err(objects::error::<PyTypeError>(message));
                }
                Err(error) if error.is_instance_of::<PyAttributeError>(py) => {}
                Err(error) => return Err(error),
            }
            let Some(module) = loaded(py, "_ctypes")? else { return Ok(None) };
            let ctypes = Ctypes::of(&module)?;
            if !ctypes.is_data(class)? {
                return Ok(None);
            }
            let layout = ctypes.layout(class, false)?;
            return Ok(Some(Bound::new(py, Format::from_layout(Arc::new(layout), &Dialect::CTYPES, "host"))?));
        }
        match loaded(py, "numpy")? {
            Some(numpy) if object.is_instance(&numpy.getattr(name!(py, "dtype"))?)? => {
                let layout = from_dtype(object)?;
                Ok(Some(Bound::new(py, Format::from_layout(Arc::new(layout), &Dialect::NUMPY, "host"))?))
            }
            _ => Ok(None),
        }
    }

    /// Returns the description of items of this layout. `itemsize` is the size of an item in bytes, or `None` if the
    /// size is unknown; it is ignored for a layout that is not text. `dialect` is the dialect of the text, or `None` if
    /// the dialect is unknown.
    ///
    /// # Errors
    /// - a text that is invalid or ambiguous, or whose size differs from `itemsize`
    /// - a `dialect` for a layout that is not text: `TypeError`
    /// - a `Format` that is ambiguous: `FormatError`
    pub(crate) fn description(
        &self,
        itemsize: Option<u64>,
        dialect: Option<&'static Dialect>,
    ) -> Result<Arc<ItemDescription>, OpenError> {
        match self {
            Self::Text(text) => ItemDescription::of_format(text, itemsize, dialect),
            Self::Format(format) => {
                if dialect.is_some() {
                    return Err(OpenError::Raised(dialect_without_text()));
                }
                Ok(format.get().description()?)
            }
        }
    }

    /// Returns the text of a `str` or `bytes` argument, and `None` for any other argument.
    pub(crate) fn text(&self) -> Option<&[u8]> {
        match self {
            Self::Text(text) => Some(text),
            Self::Format(_) => None,
        }
    }
}

/// Creates the exception for a call that has the argument `dialect`, although its layout is not a text.
fn dialect_without_text() -> PyErr {
    objects::error::<PyTypeError>(
        "`dialect` is only for a format that is a str or bytes object: any other layout has only one interpretation\n\
         help: leave `dialect` out",
    )
}

/// Creates the `TypeError` for `object`, which describes no layout. `argument` is the name of the argument.
#[cold]
fn not_a_layout(object: &Bound<'_, PyAny>, argument: &str) -> PyErr {
    let found = match class_name(object) {
        Ok(found) => found,
        Err(error) => return error,
    };
    let py = object.py();
    let is = |name: &str| {
        let Some(numpy) = loaded(py, "numpy")? else { return Ok(false) };
        let Some(class) = numpy.getattr_opt(text(py, name)?)? else { return Ok(false) };
        match object.cast::<PyType>() {
            Ok(object) => object.is_subclass(&class),
            Err(_) => object.is_instance(&class),
        }
    };
    let help = || {
        Ok::<_, PyErr>(if object.is_instance_of::<PyType>() {
            if object.hasattr(name!(py, "_field_defaults"))? {
                "\nhelp: give a class that is derived from Record, because Record itself has no fields"
            } else if is("generic")? {
                "\nhelp: numpy.dtype(…) of the class is a layout"
            } else {
                ""
            }
        } else if is("ndarray")? {
            "\nhelp: the attribute `dtype` of an array is a layout"
        } else if object.get_type().hasattr(name!(py, "__pep3118_format__"))? || is_ctypes(object)? {
            "\nhelp: the class of the object is a layout"
        } else {
            ""
        })
    };
    let help = match help() {
        // Python code of a class of the caller can raise any exception. Such an exception only removes the help line.
        Err(error) if !error.is_instance_of::<PyMemoryError>(py) => "",
        Err(error) => return error,
        Ok(help) => help,
    };
    objects::error::<PyTypeError>(format!(
        "`{argument}` is a str, bytes, Format, numpy.dtype, ctypes class or record class, not {found}{help}"
    ))
}

/// Returns whether `object` is an instance of a ctypes class.
fn is_ctypes(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    let Some(module) = loaded(object.py(), "_ctypes")? else { return Ok(false) };
    Ctypes::of(&module)?.is_data(&object.get_type())
}

/// The text of a call of a Python function, for help lines that suggest an argument: `View(…, dialect='numpy')`. The
/// text consists of `before`, the suggested keyword argument, and `after`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    /// The text before the suggested keyword argument, such as `View(…, `.
    before: &'static str,
    /// The text after the suggested keyword argument, such as `)`.
    after: &'static str,
    /// Whether `model` is an argument of the function.
    has_model: bool,
    /// Whether `itemsize` is an argument of the function.
    has_itemsize: bool,
}

impl Call {
    /// The text for `View(obj, format)`. Help lines suggest `View(…, dialect='x')`.
    pub(crate) const VIEW: Self = Self::new("View(…, ", ")");
    /// The text for `view.cast(format)`. Help lines suggest `.cast(…, dialect='x')`.
    pub(crate) const CAST: Self = Self::new(".cast(…, ", ")");
    /// The text for `Format(fmt)`. Help lines suggest `Format(…, dialect='x')`.
    pub(crate) const FORMAT: Self = Self { has_model: true, has_itemsize: true, ..Self::new("Format(…, ", ")") };
    /// The text for `Exporter(memory, format=f)`. Help lines suggest `Exporter(…, format=Format(…, dialect='x'))`.
    pub(crate) const EXPORTER: Self = Self::new("Exporter(…, format=Format(…, ", "))");
    /// The text for `calcsize(format)`. Help lines suggest `calcsize(Format(…, dialect='x'))`.
    pub(crate) const CALCSIZE: Self = Self::new("calcsize(Format(…, ", "))");
    /// The text for `diff(a, b)`. Help lines suggest `diff(Format(…, dialect='x'), …)`.
    pub(crate) const DIFF: Self = Self::new("diff(Format(…, ", "), …)");

    /// Creates the text of a call without the arguments `model` and `itemsize`.
    const fn new(before: &'static str, after: &'static str) -> Self {
        Self { before, after, has_model: false, has_itemsize: false }
    }

    /// Returns the text of the call with the keyword argument `argument`.
    fn with(self, argument: &str) -> String {
        format!("{}{argument}{}", self.before, self.after)
    }
}

impl Arguments for Call {
    fn dialect(&self, name: &str) -> String {
        self.with(&format!("dialect='{name}'"))
    }

    fn model(&self, name: &str) -> Option<String> {
        self.has_model.then(|| self.with(&format!("model='{name}'")))
    }

    fn itemsize(&self, size: u64) -> Option<String> {
        self.has_itemsize.then(|| self.with(&format!("itemsize={size}")))
    }
}
