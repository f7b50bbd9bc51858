//! The Python class `Format`, and the Python function `calcsize`. `text_bytes` converts a format string to bytes.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, OnceLock};

use crate::objects::{Text, Unsigned};
use pep3118::name;
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple, PyType};

use super::dtype::to_dtype;
use super::errors::{ambiguous, c_error, refused};
use super::explain;
use super::field::{Field, tuple};
use super::layout_argument::{Call, LayoutArgument};
use super::pickle;
use super::to_ctypes::to_ctypes;
use crate::names::{dialect_by_name, model_by_name, target_by_name};
use crate::objects::{self, copied, from_result, into_result, utf8_bytes, utf8_text};
use crate::tuple_builder;
use pep3118::__private::{Ctypes, arguments, escape, from_dtype, plural};
use pep3118::abi::DataModel;
use pep3118::layout::{
    Ambiguity, Certainty, Comparison, Dialect, Equivalence, Interpretation, Layout, Target, Type, reconcile,
};
use pep3118::py::ItemDescription;

/// Returns the size in bytes of an item of `format`. Accepts every format of PEP 3118, and every layout that
/// `Format` accepts.
///
/// >>> import pep3118
/// >>> pep3118.calcsize("T{<i:a:<d:b:}")
/// 12
#[pyfunction]
pub(super) fn calcsize(format: &Bound<'_, PyAny>) -> PyResult<u64> {
    match LayoutArgument::new(format, "format")? {
        LayoutArgument::Text(text) => {
            let refused = |error| refused(&error, (&text, None, None), &DataModel::HOST, Call::CALCSIZE);
            pep3118::calcsize(&text).map_err(refused)
        }
        LayoutArgument::Format(format) => {
            format.get().unambiguous()?;
            Ok(format.get().layout().size())
        }
    }
}

/// The layout that a format describes: fields with offsets, sizes and types.
///
/// - `fmt`: the format as a str or bytes object, or another description of a layout: a Format, a numpy.dtype, a ctypes
///   class or a record class. None means the format of a buffer without a format, unsigned bytes.
/// - `itemsize`: the size of an item in bytes, if it is known.
/// - `dialect`: the name of the producer's dialect. By default, all dialects are tried.
/// - `model`: the machine, as a data model such as "lp64" or a target triple. The default is this machine.
///
/// An ambiguous format is not an error: `alternatives` contains the other interpretations. Methods that convert the
/// layout, such as `emit`, raise FormatError for an ambiguous format.
///
/// >>> from pep3118 import Format
/// >>> f = Format("T{b:a:xxxxxxxi:b:}", itemsize=16, dialect="numpy")
/// >>> f.itemsize, f.certainty
/// (16, 'trailing-padding')
/// >>> [(field.name, field.offset, field.type) for field in f.fields]
/// [('a', 0, 'int8'), ('b', 8, 'int32')]
///
/// Two formats are equal if they have the same values with the same names:
///
/// >>> Format("l", model="lp64") == Format("<q")
/// True
#[pyclass(frozen, module = "pep3118")]
#[derive(Clone)]
pub(crate) struct Format {
    /// The argument `fmt`, or `None` if the layout comes from a type.
    text: Option<Box<[u8]>>,
    /// The argument `itemsize`.
    itemsize: Option<u64>,
    /// The argument `dialect`.
    requested_dialect: Option<&'static Dialect>,
    /// The argument `model`, or `host`.
    model: Box<str>,
    /// The layout of the interpretation. The next three fields belong to the same interpretation.
    layout: Arc<Layout>,
    dialect: Dialect,
    certainty: Certainty,
    trailing_padding: u64,
    /// All interpretations of an ambiguous format. `layout` belongs to the first interpretation. `None` if the format
    /// is not ambiguous.
    ambiguity: Option<Ambiguity>,
    /// The description of items of this layout for views. The description is created when a view first needs it.
    description: OnceLock<Arc<ItemDescription>>,
}

/// Returns the bytes of `format`, a `str` or `bytes` object.
///
/// A `str` is encoded as UTF-8 with the error handler `surrogateescape`: the lone surrogates U+DC80 to U+DCFF become
/// single bytes. [`utf8_text`] is the inverse.
///
/// # Errors
/// - `format` is neither a `str` nor a `bytes` object: `TypeError`
/// - `format` contains another lone surrogate: `UnicodeEncodeError`
pub(crate) fn text_bytes(format: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    match format.cast::<PyBytes>() {
        Ok(bytes) => copied(bytes.as_bytes()),
        Err(_) => utf8_bytes(format.cast::<PyString>()?),
    }
}

/// Returns a `ValueError` with the message of `error`. The message may contain field names that are not escaped, so
/// this function escapes the message.
fn escaped_value_error(error: impl std::fmt::Display) -> PyErr {
    objects::error::<PyValueError>(escape(&error.to_string()))
}

impl Format {
    /// Creates the object for the format `text`. The other arguments are the arguments of the constructor of
    /// [`Format`]. An ambiguous format is not an error: the object contains all interpretations. `call` is the Python
    /// function that the user has called; help lines contain this call.
    ///
    /// # Errors
    /// - `text` is invalid: `FormatError`
    /// - `model` is unknown: `ValueError`
    pub(super) fn read(
        text: &[u8],
        itemsize: Option<u64>,
        dialect: Option<&'static Dialect>,
        model: &str,
        call: Call,
    ) -> PyResult<Self> {
        let data_model = model_by_name(model)?;
        let (found, ambiguity) = match reconcile(text, itemsize, dialect, &data_model) {
            Ok(found) => (found, None),
            Err(error) => match error.ambiguity().map(|ambiguity| (ambiguity, ambiguity.alternatives())) {
                Some((ambiguity, [first, ..])) => (first.clone(), Some(ambiguity.clone())),
                _ => return Err(refused(&error, (text, itemsize, dialect), &data_model, call)),
            },
        };
        Ok(Self::from_interpretation(Some(text), itemsize, dialect, model, found, ambiguity))
    }

    /// Creates the object for the interpretation `found`. `text`, `itemsize`, `requested_dialect`, `model` and
    /// `ambiguity` become the fields of [`Format`] with these names.
    fn from_interpretation(
        text: Option<&[u8]>,
        itemsize: Option<u64>,
        requested_dialect: Option<&'static Dialect>,
        model: &str,
        found: Interpretation,
        ambiguity: Option<Ambiguity>,
    ) -> Self {
        let Interpretation { layout, dialect, certainty, trailing_padding, .. } = found;
        let (text, model, layout) = (text.map(Box::from), model.into(), Arc::new(layout));
        Self {
            text,
            itemsize,
            requested_dialect,
            model,
            layout,
            dialect,
            certainty,
            trailing_padding,
            ambiguity,
            description: OnceLock::new(),
        }
    }

    /// Creates the object for `layout`, which comes from a type and not from a format string. The object has no format
    /// text. `dialect` becomes the dialect that the object reports. `model` is the name of the data model of `layout`,
    /// such as `lp64`.
    pub(super) fn from_layout(layout: Arc<Layout>, dialect: &'static Dialect, model: &str) -> Self {
        Self {
            text: None,
            itemsize: Some(layout.size()),
            requested_dialect: Some(dialect),
            model: model.into(),
            layout,
            dialect: *dialect,
            certainty: Certainty::Exact,
            trailing_padding: 0,
            ambiguity: None,
            description: OnceLock::new(),
        }
    }

    /// Returns the text of the format if the text has this layout on this machine. Returns `None` if the layout comes
    /// from a type, or is the layout for another machine.
    fn host_text(&self) -> Option<&[u8]> {
        self.text.as_deref().filter(|_| *self.layout.model() == DataModel::HOST)
    }

    /// Returns the format for the buffers of an exporter whose items have this layout. The result is the text of the
    /// format if this text has the layout on this machine, and otherwise the canonical format of the layout. Returns
    /// `None` if no format describes the layout.
    ///
    /// # Errors
    /// - the format is ambiguous: `FormatError`
    pub(crate) fn exported(&self) -> PyResult<Option<Vec<u8>>> {
        self.unambiguous()?;
        Ok(match self.host_text() {
            Some(text) => Some(text.to_vec()),
            None => self.layout.emit(Target::Canonical).ok(),
        })
    }

    /// Returns the description of items of this layout. The description contains the text of the format if the text has
    /// this layout on this machine, and otherwise the canonical format of the layout.
    ///
    /// # Errors
    /// - the format is ambiguous: `FormatError`
    /// - an item is larger than the address space
    pub(crate) fn description(&self) -> PyResult<Arc<ItemDescription>> {
        if let Some(description) = self.description.get() {
            return Ok(Arc::clone(description));
        }
        self.unambiguous()?;
        let text = self.host_text().zip(Dialect::by_name(self.dialect.name));
        let made = ItemDescription::given((*self.layout).clone(), text, self.dialect.name, self.certainty)?;
        Ok(Arc::clone(self.description.get_or_init(|| made)))
    }

    /// Returns the layout. For an ambiguous format, this is the layout of the first interpretation.
    pub(crate) fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// Returns (dialect, certainty, trailing padding) of the interpretation. The certainty is `None` if the format is
    /// ambiguous. The implicit trailing padding is in bytes.
    pub(super) fn interpretation(&self) -> (&Dialect, Option<Certainty>, u64) {
        (&self.dialect, self.ambiguity.is_none().then_some(self.certainty), self.trailing_padding)
    }

    /// Returns all interpretations of an ambiguous format except the first. Returns an empty slice if the format is not
    /// ambiguous.
    pub(super) fn other_interpretations(&self) -> &[Interpretation] {
        let alternatives = self.ambiguity.as_ref().map_or(&[][..], Ambiguity::alternatives);
        alternatives.split_first().map_or(&[], |(_, others)| others)
    }

    /// Returns the argument `model`, or `host` if the caller gave none.
    pub(super) fn model_name(&self) -> &str {
        &self.model
    }

    /// Returns the format that the caller gave. If the layout comes from a type, returns the canonical format of the
    /// layout, or `None` if no format describes the layout.
    pub(super) fn spelling(&self) -> Option<Vec<u8>> {
        match &self.text {
            Some(text) => Some(text.to_vec()),
            None => self.layout.emit(Target::Canonical).ok(),
        }
    }

    /// Returns a copy of this format. `itemsize`, `dialect` and `model` are the arguments of the constructor. If one of
    /// them is `Some`, a format with a text is read again with these arguments. An `itemsize` that is already the size
    /// of an item changes nothing.
    ///
    /// # Errors
    /// - an argument is given, but the layout does not come from a text: `TypeError`, or `ValueError` for another
    ///   `itemsize`
    /// - the errors of [`read`](Self::read)
    fn copy_of(&self, itemsize: Option<u64>, dialect: Option<&'static Dialect>, model: Option<&str>) -> PyResult<Self> {
        let is_changed =
            dialect.is_some() || model.is_some() || itemsize.is_some_and(|size| size != self.layout.size());
        match &self.text {
            Some(text) if is_changed => {
                let (itemsize, dialect) = (itemsize.or(self.itemsize), dialect.or(self.requested_dialect));
                Self::read(text, itemsize, dialect, model.unwrap_or(&self.model), Call::FORMAT)
            }
            None if dialect.is_some() || model.is_some() => Err(objects::error::<PyTypeError>(
                "`dialect` and `model` are only for a `fmt` with a text: the layout of a type has only one \
                 interpretation\nhelp: leave `dialect` and `model` out",
            )),
            None if is_changed => {
                let size = self.layout.size();
                let itemsize = itemsize.unwrap_or(size);
                Err(objects::error::<PyValueError>(format!(
                    "`itemsize` is {itemsize}, but `fmt` has {}\nhelp: leave `itemsize` out",
                    plural(size, "byte")
                )))
            }
            _ => Ok(Self { description: OnceLock::new(), ..self.clone() }),
        }
    }

    /// Returns `true` if `self` and `other` have the same values under the same names. Values of `long double` must
    /// also have the same floating-point format.
    fn is_equal(&self, other: &Self) -> bool {
        let (a, b) = (&self.layout, &other.layout);
        let has_long_double = |layout: &Layout| {
            layout.leaves().any(|(_, leaf)| matches!(leaf.ty(), Type::LongDouble | Type::ComplexLongDouble))
        };
        let same = Comparison::of_layouts(a, b).equivalence >= Some(Equivalence::Scalars);
        same && (a.model().long_double.format == b.model().long_double.format || !has_long_double(a))
    }

    /// Returns `true` if `self` and `other` were created from format strings with the same tokens. Returns `false` if a
    /// layout comes from a type.
    pub(super) fn has_same_text(&self, other: &Self) -> bool {
        let parse = |text: &Option<Box<[u8]>>| text.as_deref().and_then(|text| pep3118::Format::parse(text).ok());
        let (a, b) = (parse(&self.text), parse(&other.text));
        a.is_some() && a == b
    }

    /// Checks that the format has only one interpretation.
    ///
    /// # Errors
    /// - the format is ambiguous: `FormatError`
    pub(super) fn unambiguous(&self) -> PyResult<()> {
        match &self.ambiguity {
            Some(found) => Err(ambiguous(found, Call::FORMAT)),
            None => Ok(()),
        }
    }
}

#[pymethods]
impl Format {
    #[new]
    #[pyo3(signature = (fmt, itemsize=None, dialect=None, model=None))]
    fn new(
        fmt: Option<Bound<'_, PyAny>>,
        itemsize: Option<u64>,
        dialect: Option<&str>,
        model: Option<&str>,
    ) -> PyResult<Self> {
        let dialect = dialect.map(dialect_by_name).transpose()?;
        // In the buffer protocol, the items of a buffer without a format are unsigned bytes.
        let layout = fmt.as_ref().map(|fmt| LayoutArgument::new(fmt, "fmt")).transpose()?;
        match layout.unwrap_or_else(|| LayoutArgument::Text(b"B".to_vec())) {
            LayoutArgument::Text(text) => Self::read(&text, itemsize, dialect, model.unwrap_or("host"), Call::FORMAT),
            LayoutArgument::Format(format) => format.get().copy_of(itemsize, dialect, model),
        }
    }

    /// Returns the format with the layout of `dtype`, a numpy.dtype.
    ///
    /// >>> import numpy as np
    /// >>> from pep3118 import Format
    /// >>> f = Format.from_dtype(np.dtype({"names": ["a", "b"], "formats": ["u1", ">i4"], "offsets": [0, 3]}))
    /// >>> str(f)
    /// 'T{B:a:2x>i:b:}'
    #[classmethod]
    fn from_dtype(_class: &Bound<'_, PyType>, dtype: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self::from_layout(Arc::new(from_dtype(dtype)?), &Dialect::NUMPY, "host"))
    }

    /// Returns the format with the layout of `ctype`, a ctypes class.
    ///
    /// `ctype` is a structure, a union, an array, a pointer or a number.
    ///
    /// >>> import ctypes
    /// >>> from pep3118 import Format
    /// >>> class Point(ctypes.Structure):
    /// ...     _fields_ = [("x", ctypes.c_int8), ("y", ctypes.c_int32)]
    /// >>> [(field.name, field.offset) for field in Format.from_ctypes(Point).fields]
    /// [('x', 0), ('y', 4)]
    #[classmethod]
    fn from_ctypes(_class: &Bound<'_, PyType>, ctype: &Bound<'_, PyType>) -> PyResult<Self> {
        let ctypes = Ctypes::of(ctype.py().import(name!(ctype.py(), "_ctypes"))?.as_any())?;
        Ok(Self::from_layout(Arc::new(ctypes.layout(ctype, false)?), &Dialect::CTYPES, "host"))
    }

    /// Returns the format with the layout that a C compiler gives to a type that the C code `source` declares.
    ///
    /// `name` is the tag or the typedef of the type. If `name` is None, the type is the last structure or union of
    /// `source`. `model` is the target machine of the compiler, as a data model such as "lp64" or a target triple.
    /// Raises FormatError if `source` is invalid or declares no such type.
    ///
    /// >>> from pep3118 import Format
    /// >>> str(Format.from_c("struct tick { uint16_t id; double price; };", model="lp64"))
    /// 'T{<H:id:6xd:price:}'
    /// >>> Format.from_c("typedef struct { char c; double d; } t;", "t", model="i386").itemsize
    /// 12
    #[classmethod]
    #[pyo3(signature = (source, name=None, model="host"))]
    fn from_c(_class: &Bound<'_, PyType>, source: &str, name: Option<&str>, model: &str) -> PyResult<Self> {
        let layout = Layout::from_c(source, name, &model_by_name(model)?).map_err(c_error)?;
        // `Layout::emit` writes a format that has this layout in the dialect `pep3118`.
        Ok(Self::from_layout(Arc::new(layout), &Dialect::PEP3118, model))
    }

    /// The format that the caller gave, or None if the layout comes from a type.
    #[getter]
    fn format<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyString>>> {
        self.text.as_deref().map(|text| utf8_text(py, text)).transpose()
    }

    /// The size of an item in bytes.
    #[getter]
    fn itemsize(&self) -> Unsigned {
        Unsigned(self.layout.size())
    }

    /// The alignment of an item in bytes.
    #[getter]
    fn alignment(&self) -> Unsigned {
        Unsigned(self.layout.align().bytes())
    }

    /// The fields of an item that is a record. For any other item, a tuple of one unnamed field.
    #[getter]
    fn fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let item = self.layout.item();
        if item.ty() == Type::Record && item.shape().is_empty() {
            return tuple(py, &self.layout, item.fields());
        }
        let field = Bound::new(py, Field::new(&self.layout, item))?;
        tuple_builder::tuple(py, [Some(field.into_any())].into_iter())
    }

    /// The item as a field, whose `fields` are the fields of the item.
    #[getter]
    fn item(&self) -> Field {
        Field::new(&self.layout, self.layout.item())
    }

    /// How well the format determines the layout: "exact", "trailing-padding", "inferred" or "ambiguous".
    #[getter]
    fn certainty(&self) -> Text<&'static str> {
        Text(if self.ambiguity.is_some() { "ambiguous" } else { self.certainty.as_str() })
    }

    /// The name of the dialect in which the format was interpreted.
    #[getter]
    fn dialect(&self) -> Text<&'static str> {
        Text(self.dialect.name)
    }

    /// The machine of the layout: the name of a data model, or a target triple.
    #[getter]
    fn model(&self) -> Text<&str> {
        Text(&self.model)
    }

    /// The other interpretations of an ambiguous format, or () if the format is not ambiguous.
    ///
    /// >>> from pep3118 import Format
    /// >>> f = Format("ib")
    /// >>> f.certainty, [(alternative.dialect, alternative.itemsize) for alternative in f.alternatives]
    /// ('ambiguous', [('native-c', 8)])
    #[getter]
    fn alternatives<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let alternative = |found: &Interpretation| {
            let (size, dialect) = (found.layout.size(), Dialect::by_name(found.dialect.name));
            let text = self.text.as_deref();
            let format = Self::from_interpretation(text, Some(size), dialect, &self.model, found.clone(), None);
            from_result(py, Bound::new(py, format).map(Bound::into_any))
        };
        tuple_builder::tuple(py, self.other_interpretations().iter().map(alternative))
    }

    /// Returns a table of the fields and a picture of the bytes, as text.
    ///
    /// `width` is the largest width of the picture in characters. If `color` is True, the text contains ANSI colours.
    ///
    /// >>> from pep3118 import Format
    /// >>> print(Format("T{b:a:i:b:}", dialect="pep3118", model="lp64").explain())
    /// format   T{b:a:i:b:}
    /// dialect  pep3118, lp64 (little-endian), exact
    /// size     8 bytes, aligned to 4
    /// <BLANKLINE>
    /// offset  size  type       name
    ///      0     1  int8       a
    ///      1     3  (padding)
    ///      4     4  int32      b
    /// <BLANKLINE>
    ///         0  1  2  3  4  5  6  7
    ///      0 |a |........|b: int32   |
    /// <BLANKLINE>
    #[pyo3(signature = (*, width=None, color=false))]
    fn explain(&self, width: Option<usize>, color: bool) -> Text<String> {
        Text(explain::text(self, width, color))
    }

    /// Returns a picture of the bytes as SVG, for an ambiguous format of the first interpretation.
    ///
    /// >>> from pep3118 import Format
    /// >>> Format("<i").svg()[:40]
    /// '<svg xmlns="http://www.w3.org/2000/svg" '
    fn svg(&self) -> Text<String> {
        Text(explain::svg(self))
    }

    /// Returns a picture of the bytes of each interpretation as HTML, for notebooks.
    fn _repr_html_(&self) -> Text<String> {
        Text(explain::html(self))
    }

    /// Returns a format string that the reader `target` interprets as this layout.
    ///
    /// `target` is "canonical", "struct", "cpython-3.14", "cpython-3.15", "numpy" or "cython". Raises ValueError if
    /// no format string describes the layout to `target`.
    ///
    /// >>> from pep3118 import Format
    /// >>> Format("T{b:a:i:b:}", dialect="pep3118", model="lp64").emit("struct")
    /// '<b3xi'
    #[pyo3(signature = (target="canonical"))]
    fn emit<'py>(&self, py: Python<'py>, target: &str) -> PyResult<Bound<'py, PyString>> {
        let target = target_by_name(target)?;
        self.unambiguous()?;
        let format = self.layout.emit(target).map_err(escaped_value_error)?;
        utf8_text(py, &format)
    }

    /// Returns the numpy.dtype with the same offsets, itemsize and values.
    ///
    /// Raises NotImplementedError if NumPy has no dtype for a type of a field.
    ///
    /// >>> from pep3118 import Format
    /// >>> Format("T{B:a:2x>i:b:}", dialect="pep3118").to_dtype().fields["b"]
    /// (dtype('>i4'), 3)
    fn to_dtype<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.unambiguous()?;
        to_dtype(py, &self.layout)
    }

    /// Returns the ctypes class with the same layout.
    ///
    /// If the item is a record, the class is a structure or a union named `name`. Bit-fields stay bit-fields.
    /// Raises ValueError if ctypes has no class with this layout, or reads a bit-field from other bits.
    ///
    /// >>> from pep3118 import Format
    /// >>> Sample = Format("T{B:a:2x<i:b:}", dialect="pep3118").to_ctypes("Sample")
    /// >>> Sample.b.offset, Sample(b=7).b
    /// (3, 7)
    #[pyo3(signature = (name="Item"))]
    fn to_ctypes<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyType>> {
        self.unambiguous()?;
        to_ctypes(py, &self.layout, name)
    }

    /// Returns C source that defines a type named `name` with the layout of this format.
    ///
    /// The source also asserts the size of the type and the offset of each field.
    ///
    /// A field with the opposite byte order of the machine becomes an array of bytes with a comment. A bit-field that a
    /// C compiler would place at other bits becomes an array of bytes too.
    ///
    /// >>> from pep3118 import Format
    /// >>> print(Format("T{i:a:d:b:}", dialect="pep3118", model="lp64").to_c("sample"))
    /// /* 16 bytes for the data model lp64. */
    /// ...
    /// struct sample {
    ///     int32_t a;
    ///     double b;
    /// };
    /// static_assert(sizeof(struct sample) == 16, "sample has 16 bytes");
    /// ...
    #[pyo3(signature = (name="item"))]
    fn to_c(&self, name: &str) -> PyResult<Text<String>> {
        self.unambiguous()?;
        self.layout.to_c(name).map_err(escaped_value_error).map(Text)
    }

    /// Returns Rust source that defines a type named `name` with the layout of this format.
    ///
    /// The source also asserts the size of the type and the offset of each field.
    ///
    /// >>> from pep3118 import Format
    /// >>> print(Format("T{<i:a:<d:b:}", dialect="pep3118", model="lp64").to_rust("Sample"))
    /// // 12 bytes for the data model lp64.
    /// const _: () = assert!(u16::from_ne_bytes([1, 0]) == 1);
    /// <BLANKLINE>
    /// #[repr(C, packed)]
    /// #[derive(Clone, Copy)]
    /// pub struct Sample {
    ///     pub a: i32,
    ///     pub b: f64,
    /// }
    /// const _: () = assert!(core::mem::size_of::<Sample>() == 12);
    /// const _: () = assert!(core::mem::offset_of!(Sample, a) == 0);
    /// const _: () = assert!(core::mem::offset_of!(Sample, b) == 4);
    /// const _: () = assert!(core::mem::size_of::<f64>() == 8);
    /// const _: () = assert!(core::mem::size_of::<i32>() == 4);
    /// <BLANKLINE>
    #[pyo3(signature = (name="Item"))]
    fn to_rust(&self, name: &str) -> PyResult<Text<String>> {
        self.unambiguous()?;
        self.layout.to_rust(name).map_err(escaped_value_error).map(Text)
    }

    fn __str__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        match self.spelling() {
            Some(text) => utf8_text(py, &text),
            None => PyString::from_bytes(py, self.__repr__().0.as_bytes()),
        }
    }

    fn __repr__(&self) -> Text<String> {
        let text = match self.spelling() {
            Some(text) => format!("'{}'", escape(&text)),
            None => format!("({} fields)", self.layout.item().fields().count()),
        };
        let is_exact = self.ambiguity.is_none() && self.certainty == Certainty::Exact;
        let certainty = if is_exact { String::new() } else { format!(", {}", self.certainty().0) };
        let (size, dialect, model) = (self.layout.size(), self.dialect.name, escape(&*self.model));
        Text(format!("<Format {text}, itemsize={size}, dialect='{dialect}', model='{model}'{certainty}>"))
    }

    fn __eq__<'py>(&self, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = other.py();
        match other.cast::<Self>() {
            Ok(other) => self.is_equal(other.get()).into_bound_py_any(py),
            Err(_) => Ok(py.NotImplemented().into_bound(py)),
        }
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.layout.size().hash(&mut hasher);
        for (offset, leaf) in self.layout.leaves() {
            // The type is not part of the hash, because `wchar_t` text is equal to UCS-2 or UCS-4 text of the same
            // size.
            (offset, leaf.size(), leaf.shape(), leaf.endian(), leaf.name()).hash(&mut hasher);
        }
        hasher.finish()
    }

    fn __copy__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __deepcopy__<'py>(slf: Bound<'py, Self>, _memo: &Bound<'py, PyAny>) -> Bound<'py, Self> {
        slf
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let (py, this) = (slf.py(), slf.get());
        let class = slf.get_type().into_any();
        let dialect = this.requested_dialect.map(|dialect| objects::string(py, dialect.name)).transpose()?;
        let (dialect, model) = (dialect.unwrap_or_else(|| py.None().into_bound(py)), objects::string(py, &this.model)?);
        if let Some(text) = &this.text {
            let text = into_result(py, objects::bytes(py, text))?;
            let itemsize = this.itemsize.map(|size| objects::number(py, size)).transpose()?;
            let itemsize = itemsize.unwrap_or_else(|| py.None().into_bound(py));
            let state = arguments(py, [&text, &itemsize, &dialect, &model])?;
            return arguments(py, [&class, &state]);
        }
        let tree = pickle::to_dict(py, &this.layout)?;
        let state = arguments(py, [&tree, &dialect, &model])?;
        let restore = class.getattr(name!(py, "_restore"))?;
        arguments(py, [&restore, &state])
    }

    /// Returns the layout as a dict. `_restore` converts the dict to a format. Only `pep3118.records` calls this
    /// method.
    fn _tree<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.unambiguous()?;
        pickle::to_dict(py, &self.layout)
    }

    /// Returns the format with the layout `tree`, a dict from `_tree`. `dialect` and `model` are names. Only
    /// `pickle` and `pep3118.records` call this method.
    #[classmethod]
    fn _restore(_class: &Bound<'_, PyType>, tree: &Bound<'_, PyDict>, dialect: &str, model: &str) -> PyResult<Self> {
        let layout = pickle::from_dict(tree, &model_by_name(model)?)?;
        Ok(Self::from_layout(Arc::new(layout), dialect_by_name(dialect)?, model))
    }
}
