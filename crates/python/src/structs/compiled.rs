//! `Compiled`: a format and its codec, which packs and unpacks items.

use pep3118::__private::arguments;
use pep3118::name;
use pyo3::exceptions::{PyUnicodeEncodeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyTuple};

use super::errors::{error, format_error, not_a_format, record_error, value_error};
use super::offset::{Direction, index, item_start};
use crate::behavior::{Behavior, NonAscii};
use crate::borrowed_bytes::BorrowedBytes;
use crate::fastcall::Arguments;
use crate::format::Format;
use crate::objects::{self, no_memory, utf8_text, with_item_copy};
use crate::values::{Codec, DeclaredClasses};
use pep3118::abi::DataModel;
use pep3118::format::Code;
use pep3118::layout::{Comparison, Dialect, Equivalence, Layout, Target};
use pep3118::py::ObjectReferences;

/// A format and the codec of its items.
#[derive(Debug)]
pub(crate) struct Compiled {
    codec: Codec,
    format: Py<PyString>,
    /// Whether two fields of a record class share bytes, as in a union.
    shares_bytes: bool,
}

/// The Python object that compiles a format. In CPython 3.14, the exception for a non-ASCII format depends on this
/// object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// A function such as `unpack`.
    Function,
    /// The class `Struct`.
    Class,
}

/// The dialect for formats that the `struct` module refuses: all of PEP 3118, without the characters that only ctypes
/// has.
const EXTENDED: Dialect = {
    let mut dialect = Dialect::PEP3118;
    dialect.codes = dialect.codes.without(&[Code::CharPointer, Code::WcharPointer, Code::VariantBool]);
    dialect
};

/// An upper bound of the memory in bytes that a layout and its codec need for each byte of the format. A test in
/// `tests/it/budget.rs` limits the layout to 275 bytes.
const MEMORY_PER_FORMAT_BYTE: usize = 1024;

/// [`layout`] calls [`check_memory`] for formats of at least this length in bytes.
const LONG_FORMAT: usize = 4096;

/// Checks that enough memory is free for the layout and the codec of `format`, whose allocations would otherwise abort
/// the process. The check allocates the maximum memory that the layout and the codec may need, and frees this memory
/// again.
///
/// # Errors
/// - the memory is exhausted: `MemoryError`
fn check_memory(format: &[u8]) -> PyResult<()> {
    let mut probe = Vec::<u8>::new();
    probe.try_reserve_exact(format.len().saturating_mul(MEMORY_PER_FORMAT_BYTE)).map_err(|_| no_memory())
}

/// Returns the layout of `format` in the dialect of the interpreter's `struct`. If that dialect refuses `format`,
/// uses [`EXTENDED`].
///
/// # Errors
/// - `format` is invalid in both dialects: `struct.error`
/// - the memory is exhausted: `MemoryError`
fn layout(py: Python<'_>, format: &[u8]) -> PyResult<Layout> {
    if format.len() >= LONG_FORMAT {
        check_memory(format)?;
    }
    if let Ok(layout) = Layout::read(format, Behavior::current(py).dialect, &DataModel::HOST) {
        return Ok(layout);
    }
    Layout::read(format, &EXTENDED, &DataModel::HOST).map_err(|refusal| format_error(py, &refusal))
}

/// The message of CPython 3.15 for a format with a non-ASCII character.
const NON_ASCII: &str = "non-ASCII character in struct format";

/// Returns the exception of `struct` for `format`, which contains a non-ASCII character. `refusal` is the reason why
/// `format` is invalid.
#[cold]
fn non_ascii_error(format: &Bound<'_, PyString>, refusal: PyErr) -> PyErr {
    let py = format.py();
    match Behavior::current(py).non_ascii {
        NonAscii::ValueError => objects::error::<PyValueError>(NON_ASCII),
        // `struct` encodes the format as ASCII, and raises the exception of this encoding.
        NonAscii::EncodeText | NonAscii::EncodeTextAndBytes => {
            let encode = || {
                let encode = py.get_type::<PyString>().getattr(name!(py, "encode"))?;
                encode.call1(arguments(py, [format, name!(py, "ascii")])?)
            };
            encode().map_or_else(|error| error, |_| refusal)
        }
    }
}

/// Decodes `bytes` as ASCII. A byte that is not ASCII becomes a lone surrogate, as in `struct`. Returns a `MemoryError`
/// if there is no memory.
fn ascii_text<'py>(bytes: &Bound<'py, PyBytes>) -> PyResult<Bound<'py, PyString>> {
    let py = bytes.py();
    let arguments = arguments(py, [bytes, name!(py, "ascii"), name!(py, "surrogateescape")])?;
    Ok(py.get_type::<PyString>().call1(arguments)?.cast_into()?)
}

/// Creates the codec of `layout`, the layout of `format`. Returns a `struct.error` if no codec exists for `layout`.
fn codec(py: Python<'_>, layout: &Layout, format: &[u8]) -> PyResult<Codec> {
    Codec::flat(py, layout, format).map_err(|refusal| error(py, refusal.value(py).to_string()))
}

impl Compiled {
    /// Compiles `format`, a `str` or `bytes` object. `caller` selects the exception for a non-ASCII `bytes` object.
    ///
    /// # Errors
    /// - `format` is invalid: `struct.error`
    /// - `format` has a non-ASCII character outside of field names: the error of [`non_ascii_error`]
    /// - `format` is neither a `str` nor a `bytes` object: `TypeError`
    pub(super) fn new(format: &Bound<'_, PyAny>, caller: Caller) -> PyResult<Self> {
        let py = format.py();
        if let Ok(text) = format.cast::<PyString>() {
            let bytes = match text.to_str() {
                Ok(text) => text.as_bytes(),
                // The format contains a lone surrogate.
                Err(error) if error.is_instance_of::<PyUnicodeEncodeError>(py) => {
                    return Err(non_ascii_error(text, error));
                }
                Err(error) => return Err(error),
            };
            let refused = |error| if bytes.is_ascii() { error } else { non_ascii_error(text, error) };
            let layout = layout(py, bytes).map_err(refused)?;
            return Ok(Self { codec: codec(py, &layout, bytes)?, format: text.clone().unbind(), shares_bytes: false });
        }
        let Ok(bytes) = format.cast::<PyBytes>() else { return Err(not_a_format(format)) };
        let refused = |error| match (Behavior::current(py).non_ascii, caller) {
            _ if bytes.as_bytes().is_ascii() => error,
            (NonAscii::EncodeText, _) | (NonAscii::EncodeTextAndBytes, Caller::Class) => error,
            (NonAscii::EncodeTextAndBytes, Caller::Function) | (NonAscii::ValueError, _) => match ascii_text(bytes) {
                Ok(text) => non_ascii_error(&text, error),
                Err(error) => error,
            },
        };
        let layout = layout(py, bytes.as_bytes()).map_err(refused)?;
        let format = utf8_text(py, bytes.as_bytes())?.unbind();
        Ok(Self { codec: codec(py, &layout, bytes.as_bytes())?, format, shares_bytes: false })
    }

    /// Compiles `layout`, a `Format` that the caller gave in place of a format string. The compiled format is the text
    /// of `layout`, or the canonical format of `layout`.
    ///
    /// # Errors
    /// - `layout` is ambiguous: `FormatError`
    /// - no format of `pep3118.struct` describes `layout`: `struct.error`
    pub(super) fn of_layout(layout: &Format, py: Python<'_>) -> PyResult<Self> {
        let canonical = layout.layout().emit(Target::Canonical).ok();
        for text in layout.exported()?.into_iter().chain(canonical) {
            // Another dialect can have another layout for the same text.
            let same = |found: &Layout| {
                found.size() == layout.layout().size()
                    && Comparison::of_layouts(found, layout.layout()).equivalence >= Some(Equivalence::Scalars)
            };
            if let Some(found) = self::layout(py, &text).ok().filter(same) {
                let format = utf8_text(py, &text)?.unbind();
                return Ok(Self { codec: codec(py, &found, &text)?, format, shares_bytes: false });
            }
        }
        Err(error(py, "no format has this layout, for example because fields share bytes: use View(buffer, layout)"))
    }

    /// Compiles `layout`, the layout of `format`, for a record class. Records become objects of the classes `declared`.
    /// Packing a value that does not fit its field is an error.
    ///
    /// # Errors
    /// - too many values of 0 bytes
    pub(crate) fn of_record(
        py: Python<'_>,
        layout: &Layout,
        declared: &DeclaredClasses,
        format: &Bound<'_, PyString>,
    ) -> PyResult<Self> {
        let codec = Codec::with_classes(py, layout, ObjectReferences::Unknown, false, Some(declared))?;
        Ok(Self { codec, format: format.clone().unbind(), shares_bytes: layout.has_overlaps() })
    }

    /// Returns the format as text.
    pub(crate) fn format<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        self.format.bind(py).clone()
    }

    /// Returns whether `format` is a `str` or `bytes` object with the characters of this format. If the class of
    /// `format` overrides `__eq__`, the override is not called.
    pub(super) fn has_format(&self, format: &Bound<'_, PyAny>) -> PyResult<bool> {
        let py = format.py();
        let other = match format.cast::<PyBytes>() {
            Ok(bytes) => utf8_text(py, bytes.as_bytes())?.into_any(),
            Err(_) => format.clone(),
        };
        let equal = py
            .get_type::<PyString>()
            .call_method1(name!(py, "__eq__"), arguments(py, [self.format.bind(py), &other])?)?;
        // `__eq__` returns `NotImplemented` if `other` is not a `str` object.
        Ok(equal.extract().unwrap_or(false))
    }

    /// Returns the size of an item in bytes.
    #[inline]
    pub(super) fn size(&self) -> usize {
        self.codec.itemsize()
    }

    /// Returns an estimate of the memory of this object in bytes.
    pub(super) fn cost(&self) -> usize {
        self.codec.cost()
    }

    /// Returns the values in `item`, the bytes of one item. Returns an error if there is no memory.
    #[inline]
    pub(super) fn read<'py>(&self, py: Python<'py>, item: &[u8]) -> PyResult<Bound<'py, PyTuple>> {
        self.codec.read_fields(py, item)
    }

    /// Replaces the values in `tuple` by the values in `item`, and returns `tuple`. Returns `None` if `tuple` cannot
    /// be reused, for example because other code refers to `tuple`.
    #[inline]
    pub(super) fn refill<'py>(
        &self,
        py: Python<'py>,
        item: &[u8],
        tuple: Bound<'py, PyTuple>,
    ) -> PyResult<Option<Bound<'py, PyTuple>>> {
        self.codec.refill_fields(py, item, tuple)
    }

    /// Returns the values of the item that starts at byte `offset` of `memory`. The item is copied before its values
    /// are read, because another thread can write to the memory. Returns an error if the item is not inside of
    /// `memory`.
    fn read_from<'py>(
        &self,
        py: Python<'py>,
        memory: &BorrowedBytes<'_>,
        offset: usize,
    ) -> PyResult<Bound<'py, PyTuple>> {
        with_item_copy(self.size(), |item| {
            memory.read(offset, item)?;
            self.read(py, item)
        })
    }

    /// Returns the values of the item in `buffer`. The size of `buffer` must be the size of one item.
    ///
    /// # Errors
    /// - `buffer` has another size: `struct.error`
    /// - `buffer` does not support the buffer protocol: `TypeError`
    #[inline]
    pub(super) fn unpack<'py>(&self, buffer: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
        let py = buffer.py();
        if let Ok(bytes) = buffer.cast_exact::<PyBytes>() {
            let bytes = bytes.as_bytes();
            return if bytes.len() == self.size() { self.read(py, bytes) } else { Err(self.wrong_length(py)) };
        }
        BorrowedBytes::with(buffer, None, |memory| {
            if memory.len() == self.size() { self.read_from(py, memory, 0) } else { Err(self.wrong_length(py)) }
        })
    }

    /// Creates the `struct.error` for a buffer whose size differs from the item size. The message is the message of
    /// `struct`.
    #[cold]
    fn wrong_length(&self, py: Python<'_>) -> PyErr {
        error(py, format!("unpack requires a buffer of {} bytes", self.size()))
    }

    /// Returns the values of the item at byte `offset` of `buffer`. A negative offset counts from the end of
    /// `buffer`.
    ///
    /// # Errors
    /// - the item is not inside of `buffer`: `struct.error`
    /// - `buffer` does not support the buffer protocol: `TypeError`
    pub(super) fn unpack_from<'py>(&self, buffer: &Bound<'py, PyAny>, offset: isize) -> PyResult<Bound<'py, PyTuple>> {
        let py = buffer.py();
        if let Ok(bytes) = buffer.cast_exact::<PyBytes>() {
            let bytes = bytes.as_bytes();
            let start = item_start(py, Direction::Unpack, self.size(), offset, bytes.len())?;
            // `item_start` has checked that the range is inside of `bytes`.
            return self.read(py, bytes.get(start..start.saturating_add(self.size())).unwrap_or_default());
        }
        BorrowedBytes::with(buffer, None, |memory| {
            let start = item_start(py, Direction::Unpack, self.size(), offset, memory.len())?;
            self.read_from(py, memory, start)
        })
    }

    /// Checks that `values` has one argument for each value of an item. `function` is the name of the called Python
    /// function; the error message contains this name.
    ///
    /// # Errors
    /// - the number of values is wrong: `struct.error`
    #[inline]
    fn check_count(&self, values: Arguments<'_, '_>, function: &str) -> PyResult<()> {
        let (found, wanted) = (values.len(), self.codec.values());
        if found == wanted {
            return Ok(());
        }
        Err(error(values.py(), format!("{function} expected {wanted} items for packing (got {found})")))
    }

    /// Returns the bytes of an item with the values `values`.
    ///
    /// # Errors
    /// - the number of values is wrong, or a value is out of range or has the wrong type: `struct.error`
    /// - a method of a value raises an exception: the exception is returned unchanged
    #[inline]
    pub(super) fn pack<'py>(&self, values: Arguments<'_, 'py>) -> PyResult<Bound<'py, PyBytes>> {
        self.check_count(values, "pack")?;
        // The new object can be written to, because no other code refers to the object yet.
        PyBytes::new_with(values.py(), self.size(), |item| self.write(values, item))
    }

    /// Returns the bytes of an item with the value `record`, an object of a record class.
    ///
    /// # Errors
    /// - a value is out of range or has the wrong type, or the number of values is wrong: `struct.error`
    /// - two fields that share bytes have values with different bytes: `struct.error`
    /// - a method of a value raises an exception: the exception is returned unchanged
    pub(super) fn pack_record<'py>(&self, record: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
        PyBytes::new_with(record.py(), self.size(), |item| self.write_record(record, item))
    }

    /// Writes `record` to `item`, the bytes of one item. Returns a `struct.error` if a value does not fit its field.
    fn write_record(&self, record: &Bound<'_, PyAny>, item: &mut [u8]) -> PyResult<()> {
        let written = self.codec.write(record, item);
        let checked = written.and_then(|()| match self.shares_bytes {
            true => self.codec.check_written(record, item),
            false => Ok(()),
        });
        checked.map_err(|error| record_error(record.py(), error))
    }

    /// Writes `record` to the item at byte `offset` of `buffer`. Padding becomes 0.
    ///
    /// # Errors
    /// - the errors of [`pack_record`](Self::pack_record)
    /// - the item is not inside of the buffer: `struct.error`
    /// - the buffer is read-only: `TypeError`
    pub(super) fn pack_record_into(
        &self,
        record: &Bound<'_, PyAny>,
        buffer: &Bound<'_, PyAny>,
        offset: isize,
    ) -> PyResult<()> {
        let py = record.py();
        BorrowedBytes::with(buffer, Some("argument"), |memory| {
            let start = item_start(py, Direction::Pack, self.size(), offset, memory.len())?;
            // Convert all values before the first byte of the buffer changes, so that an error changes nothing.
            with_item_copy(self.size(), |item| {
                self.write_record(record, item)?;
                memory.write(start, item)
            })
        })
    }

    /// Writes `values` to `item`, the bytes of one item. Returns a `struct.error` if a value does not fit its field.
    #[inline]
    fn write(&self, values: Arguments<'_, '_>, item: &mut [u8]) -> PyResult<()> {
        let written = self.codec.write_fields(values.iter(), values.len(), item);
        written.map_err(|error| value_error(values.py(), error))
    }

    /// Writes an item to a buffer. `arguments` are the buffer, the offset in bytes, and the values. `buffer_argument`
    /// is the position of the buffer among the arguments of the Python call, for error messages: 1 for a method, and 2
    /// for a function, because the first argument of a function is the format. Padding becomes 0.
    ///
    /// # Errors
    /// - the errors of [`pack`](Self::pack)
    /// - the buffer or the offset is missing: `struct.error`
    /// - the item is not inside of the buffer: `struct.error`
    /// - the buffer is read-only: `TypeError`
    #[inline]
    pub(super) fn pack_into(&self, arguments: Arguments<'_, '_>, buffer_argument: usize) -> PyResult<()> {
        let py = arguments.py();
        let lacking = |argument: &str| error(py, format!("pack_into expected {argument} argument"));
        let (buffer, arguments) = arguments.split_first().ok_or_else(|| lacking("buffer"))?;
        let (offset, values) = arguments.split_first().ok_or_else(|| lacking("offset"))?;
        let checks_buffer_first = Behavior::current(py).checks_arguments_first;
        if !checks_buffer_first {
            self.check_count(values, "pack_into")?;
        }
        let argument = match buffer_argument {
            _ if !checks_buffer_first => "argument",
            1 => "pack_into() argument 1",
            _ => "pack_into() argument 2",
        };
        BorrowedBytes::with(&buffer, Some(argument), |memory| {
            let offset = index(&offset)?;
            if checks_buffer_first {
                self.check_count(values, "pack_into")?;
            }
            let start = item_start(py, Direction::Pack, self.size(), offset, memory.len())?;
            // Convert all values before the first byte of the buffer changes, so that an error changes nothing.
            with_item_copy(self.size(), |item| {
                self.write(values, item)?;
                memory.write(start, item)
            })
        })
    }
}
