//! `Compiled`: a format that packs and unpacks.

use pyo3::exceptions::PyUnicodeEncodeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyTuple};

use super::errors::{error, format_error, not_a_format, value_error};
use super::offset::{index, start_to_pack, start_to_unpack};
use crate::borrowed_bytes::BorrowedBytes;
use crate::fastcall::Arguments;
use crate::objects::with_item_copy;
use crate::objects::{no_memory, utf8_text};
use crate::values::Codec;
use pep3118::abi::DataModel;
use pep3118::format::Code;
use pep3118::layout::{Dialect, Layout};

/// A format, and the codec of its items.
#[derive(Debug)]
pub(super) struct Compiled {
    codec: Codec,
    format: Py<PyString>,
}

/// The dialect of the running interpreter's `struct`.
fn own_dialect(py: Python<'_>) -> &'static Dialect {
    match py.version_info() {
        version if version < (3, 14) => &Dialect::STRUCT_3_13,
        version if version < (3, 15) => &Dialect::STRUCT_3_14,
        _ => &Dialect::STRUCT,
    }
}

/// PEP 3118 without the characters that only ctypes has.
const EXTENDED: Dialect = Dialect {
    codes: Dialect::PEP3118.codes.without(&[Code::CharPointer, Code::WcharPointer, Code::VariantBool]),
    ..Dialect::PEP3118
};

/// Bytes that a layout and its codec need for each byte of a format; `tests/it/budget.rs` limits those of the layout
/// to 275.
const BYTES_PER_BYTE: usize = 1024;

/// Length of a format in bytes from which on lack of memory is detected before it is read.
const LONG: usize = 4096;

/// Lack of memory for the layout and the codec of a long format. They allocate without a check, so as much memory as
/// they need is allocated and freed before.
///
/// # Errors
/// - no memory: `MemoryError`
fn check_memory(format: &[u8]) -> PyResult<()> {
    let mut probe = Vec::<u8>::new();
    probe.try_reserve_exact(format.len().saturating_mul(BYTES_PER_BYTE)).map_err(|_| no_memory())
}

/// The layout of a format: as the interpreter's `struct` interprets it, or, if that refuses it, as in PEP 3118.
fn layout(py: Python<'_>, format: &[u8]) -> PyResult<Layout> {
    if format.len() >= LONG {
        check_memory(format)?;
    }
    if let Ok(layout) = Layout::read(format, own_dialect(py), &DataModel::HOST) {
        return Ok(layout);
    }
    Layout::read(format, &EXTENDED, &DataModel::HOST).map_err(|refusal| format_error(py, &refusal))
}

fn codec(py: Python<'_>, layout: &Layout, format: &[u8]) -> PyResult<Codec> {
    Codec::flat(py, layout, format).map_err(|refusal| error(py, refusal.value(py).to_string()))
}

impl Compiled {
    /// Compiles a format.
    ///
    /// # Errors
    /// - a format that cannot be read: `struct.error`
    /// - text with a character outside of ASCII, unless it is a name: `UnicodeEncodeError`, as in `struct`
    /// - an object other than `str` and `bytes`: `TypeError`
    pub(super) fn new(format: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = format.py();
        if let Ok(text) = format.cast::<PyString>() {
            // `struct` encodes the text first, and raises the exception of the encoding.
            let not_ascii = |refusal| text.call_method1("encode", ("ascii",)).map_or_else(|error| error, |_| refusal);
            let bytes = match text.to_str() {
                Ok(text) => text.as_bytes(),
                Err(error) if error.is_instance_of::<PyUnicodeEncodeError>(py) => return Err(not_ascii(error)),
                Err(error) => return Err(error),
            };
            let layout = layout(py, bytes).map_err(not_ascii)?;
            return Ok(Self { codec: codec(py, &layout, bytes)?, format: text.clone().unbind() });
        }
        let Ok(bytes) = format.cast::<PyBytes>() else { return Err(not_a_format(format)) };
        let layout = layout(py, bytes.as_bytes())?;
        let format = utf8_text(py, bytes.as_bytes())?.unbind();
        Ok(Self { codec: codec(py, &layout, bytes.as_bytes())?, format })
    }

    /// The format as text.
    pub(super) fn format<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        self.format.bind(py).clone()
    }

    /// The size of an item in bytes.
    #[inline]
    pub(super) fn size(&self) -> usize {
        self.codec.itemsize()
    }

    /// An estimate of the memory that the format takes in bytes.
    pub(super) fn cost(&self) -> usize {
        self.codec.cost()
    }

    /// The values of an item.
    #[inline]
    pub(super) fn read<'py>(&self, py: Python<'py>, item: &[u8]) -> PyResult<Bound<'py, PyTuple>> {
        self.codec.read_fields(py, item)
    }

    /// The values of an item in an existing tuple; `None` if that is not possible.
    #[inline]
    pub(super) fn refill<'py>(
        &self,
        py: Python<'py>,
        item: &[u8],
        tuple: Bound<'py, PyTuple>,
    ) -> PyResult<Option<Bound<'py, PyTuple>>> {
        self.codec.refill_fields(py, item, tuple)
    }

    /// The values of the item at an offset. The item is copied: other threads may write to the memory.
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

    /// The values of the item that fills a buffer.
    ///
    /// # Errors
    /// - a buffer of another length: `struct.error`
    /// - an object that exports no buffer: `TypeError`
    #[inline]
    pub(super) fn unpack<'py>(&self, buffer: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
        let py = buffer.py();
        if let Ok(bytes) = buffer.cast_exact::<PyBytes>() {
            let bytes = bytes.as_bytes();
            return if bytes.len() == self.size() { self.read(py, bytes) } else { Err(self.wrong_length(py)) };
        }
        BorrowedBytes::with(buffer, false, |memory| {
            if memory.len() == self.size() { self.read_from(py, memory, 0) } else { Err(self.wrong_length(py)) }
        })
    }

    #[cold]
    fn wrong_length(&self, py: Python<'_>) -> PyErr {
        error(py, format!("unpack requires a buffer of {} bytes", self.size()))
    }

    /// The values of the item at an offset of a buffer.
    ///
    /// # Errors
    /// - an item that is not inside the buffer: `struct.error`
    /// - an object that exports no buffer: `TypeError`
    pub(super) fn unpack_from<'py>(&self, buffer: &Bound<'py, PyAny>, offset: isize) -> PyResult<Bound<'py, PyTuple>> {
        let py = buffer.py();
        if let Ok(bytes) = buffer.cast_exact::<PyBytes>() {
            let bytes = bytes.as_bytes();
            let start = start_to_unpack(py, self.size(), offset, bytes.len())?;
            return self.read(py, bytes.get(start..start.saturating_add(self.size())).unwrap_or_default());
        }
        BorrowedBytes::with(buffer, false, |memory| {
            let start = start_to_unpack(py, self.size(), offset, memory.len())?;
            self.read_from(py, memory, start)
        })
    }

    /// # Errors
    /// - another number of values than the format has: `struct.error`
    #[inline]
    fn check_count(&self, values: Arguments<'_, '_>, function: &str) -> PyResult<()> {
        let (found, wanted) = (values.len(), self.codec.values());
        if found == wanted {
            return Ok(());
        }
        Err(error(values.py(), format!("{function} expected {wanted} items for packing (got {found})")))
    }

    /// The bytes of an item with these values.
    ///
    /// # Errors
    /// - too many or too few values, or one that does not fit: `struct.error`
    /// - an exception that a method of a value raises
    #[inline]
    pub(super) fn pack<'py>(&self, values: Arguments<'_, 'py>) -> PyResult<Bound<'py, PyBytes>> {
        self.check_count(values, "pack")?;
        // Only this function refers to the object until all values are written.
        PyBytes::new_with(values.py(), self.size(), |item| self.write(values, item))
    }

    #[inline]
    fn write(&self, values: Arguments<'_, '_>, item: &mut [u8]) -> PyResult<()> {
        let written = self.codec.write_fields(values.iter(), values.len(), item);
        written.map_err(|error| value_error(values.py(), error))
    }

    /// Writes an item into a buffer. The arguments are the buffer, the offset, and the values.
    ///
    /// # Errors
    /// - as [`pack`](Self::pack)
    /// - an item that is not inside the buffer: `struct.error`
    /// - a buffer that is read-only: `TypeError`
    #[inline]
    pub(super) fn pack_into(&self, arguments: Arguments<'_, '_>) -> PyResult<()> {
        let py = arguments.py();
        let lacking = |argument: &str| error(py, format!("pack_into expected {argument} argument"));
        let (buffer, arguments) = arguments.split_first().ok_or_else(|| lacking("buffer"))?;
        let (offset, values) = arguments.split_first().ok_or_else(|| lacking("offset"))?;
        self.check_count(values, "pack_into")?;
        BorrowedBytes::with(&buffer, true, |memory| {
            let start = start_to_pack(py, self.size(), index(&offset)?, memory.len())?;
            // All values are converted before the first byte of the buffer changes.
            with_item_copy(self.size(), |item| {
                self.write(values, item)?;
                memory.write(start, item)
            })
        })
    }
}
