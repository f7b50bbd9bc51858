//! A format, ready to pack and unpack.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyTuple};

use super::errors::{error, no_format, refused, unpackable};
use super::offset::{place_to_pack, place_to_unpack, with_scratch};
use crate::borrowed_bytes::Lent;
use crate::fastcall::Arguments;
use crate::values::Codec;
use pep3118::abi::DataModel;
use pep3118::format::Code;
use pep3118::layout::{Dialect, Layout};

/// The codec of a format and what `struct` tells of it.
#[derive(Debug)]
pub(super) struct Compiled {
    codec: Codec,
    format: Py<PyString>,
}

/// What `struct` of this interpreter reads.
fn own_dialect(py: Python<'_>) -> &'static Dialect {
    match py.version_info() {
        version if version < (3, 14) => &Dialect::STRUCT_3_13,
        version if version < (3, 15) => &Dialect::STRUCT_3_14,
        _ => &Dialect::STRUCT,
    }
}

/// Everything of PEP 3118, without the letters that only ctypes has.
const BEYOND: Dialect = Dialect {
    codes: Dialect::PEP3118.codes.without(&[Code::CharPointer, Code::WcharPointer, Code::VariantBool]),
    ..Dialect::PEP3118
};

/// As the interpreter's `struct` reads it, or else by PEP 3118.
fn layout(py: Python<'_>, format: &[u8]) -> PyResult<Layout> {
    if let Ok(layout) = Layout::read(format, own_dialect(py), &DataModel::HOST) {
        return Ok(layout);
    }
    Layout::read(format, &BEYOND, &DataModel::HOST).map_err(|refusal| refused(py, &refusal))
}

fn codec(py: Python<'_>, layout: &Layout, format: &[u8]) -> PyResult<Codec> {
    Codec::flat(layout, format).map_err(|refusal| error(py, refusal.value(py).to_string()))
}

impl Compiled {
    pub(super) fn new(format: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = format.py();
        if let Ok(text) = format.cast::<PyString>() {
            // Lone surrogates are an encoding error here as there.
            let bytes = text.to_str()?.as_bytes();
            let layout = layout(py, bytes).or_else(|refusal| {
                // `struct` refuses these before it looks at them.
                text.call_method1("encode", ("ascii",))?;
                Err(refusal)
            })?;
            return Ok(Self { codec: codec(py, &layout, bytes)?, format: text.clone().unbind() });
        }
        let Ok(bytes) = format.cast::<PyBytes>() else { return Err(no_format(format)) };
        let layout = layout(py, bytes.as_bytes())?;
        let text = bytes.call_method1("decode", ("utf-8", "surrogateescape"))?.cast_into::<PyString>()?;
        Ok(Self { codec: codec(py, &layout, bytes.as_bytes())?, format: text.unbind() })
    }

    pub(super) fn format<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        self.format.bind(py).clone()
    }

    /// One item, in bytes.
    #[inline]
    pub(super) fn size(&self) -> usize {
        self.codec.itemsize()
    }

    /// The values of one item.
    #[inline]
    pub(super) fn read<'py>(&self, py: Python<'py>, item: &[u8]) -> PyResult<Bound<'py, PyTuple>> {
        self.codec.read_fields(py, item)
    }

    /// The same, in place of those of an earlier item, if nobody has them any more.
    #[inline]
    pub(super) fn read_again<'py>(
        &self,
        py: Python<'py>,
        item: &[u8],
        spare: Option<Py<PyTuple>>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        match spare {
            Some(spare) => self.codec.read_fields_again(py, item, spare.into_bound(py)),
            None => self.codec.read_fields(py, item),
        }
    }

    /// The values of one item that lies somewhere else.
    pub(super) fn read_from<'py>(
        &self,
        py: Python<'py>,
        memory: &Lent<'_>,
        offset: usize,
    ) -> PyResult<Bound<'py, PyTuple>> {
        with_scratch(self.size(), |item| {
            memory.read(offset, item)?;
            self.read(py, item)
        })
    }

    #[inline]
    pub(super) fn unpack<'py>(&self, buffer: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
        let py = buffer.py();
        if let Ok(bytes) = buffer.cast_exact::<PyBytes>() {
            let bytes = bytes.as_bytes();
            return if bytes.len() == self.size() { self.read(py, bytes) } else { Err(self.wrong_length(py)) };
        }
        Lent::with(buffer, false, |memory| {
            if memory.len() == self.size() { self.read_from(py, memory, 0) } else { Err(self.wrong_length(py)) }
        })
    }

    fn wrong_length(&self, py: Python<'_>) -> PyErr {
        error(py, format!("unpack requires a buffer of {} bytes", self.size()))
    }

    pub(super) fn unpack_from<'py>(&self, buffer: &Bound<'py, PyAny>, offset: isize) -> PyResult<Bound<'py, PyTuple>> {
        let py = buffer.py();
        if let Ok(bytes) = buffer.cast_exact::<PyBytes>() {
            let bytes = bytes.as_bytes();
            let start = place_to_unpack(py, self.size(), offset, bytes.len())?;
            return self.read(py, bytes.get(start..start.saturating_add(self.size())).unwrap_or_default());
        }
        Lent::with(buffer, false, |memory| {
            let start = place_to_unpack(py, self.size(), offset, memory.len())?;
            self.read_from(py, memory, start)
        })
    }

    /// Whether there are as many values as are packed.
    #[inline]
    fn count(&self, values: Arguments<'_, '_>, function: &str) -> PyResult<()> {
        let (found, wanted) = (values.len(), self.codec.values());
        if found == wanted {
            return Ok(());
        }
        Err(error(values.py(), format!("{function} expected {wanted} items for packing (got {found})")))
    }

    #[inline]
    pub(super) fn pack<'py>(&self, values: Arguments<'_, 'py>) -> PyResult<Bound<'py, PyBytes>> {
        self.count(values, "pack")?;
        // The object is nobody else's until all values are in it.
        PyBytes::new_with(values.py(), self.size(), |item| self.write(values, item))
    }

    #[inline]
    fn write(&self, values: Arguments<'_, '_>, item: &mut [u8]) -> PyResult<()> {
        let written = self.codec.write_fields(values.iter(), values.len(), item);
        written.map_err(|refusal| unpackable(values.py(), refusal))
    }

    /// The buffer, the offset, and the values.
    #[inline]
    pub(super) fn pack_into(&self, arguments: Arguments<'_, '_>) -> PyResult<()> {
        let py = arguments.py();
        let lacking = |what: &str| error(py, format!("pack_into expected {what} argument"));
        let (buffer, arguments) = arguments.split_first().ok_or_else(|| lacking("buffer"))?;
        let (offset, values) = arguments.split_first().ok_or_else(|| lacking("offset"))?;
        self.count(values, "pack_into")?;
        Lent::with(&buffer, true, |memory| {
            let offset = super::offset::index(&offset)?;
            let start = place_to_pack(py, self.size(), offset, memory.len())?;
            // All values are there before the first byte changes.
            with_scratch(self.size(), |item| {
                self.write(values, item)?;
                memory.write(start, item)
            })
        })
    }
}
