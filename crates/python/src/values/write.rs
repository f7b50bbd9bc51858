//! Python objects into bytes.

use num_complex::Complex;
use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyByteArray, PyBytes, PyComplex, PyFloat, PyInt, PyList, PyString, PyTuple};

use super::codec::{Codec, Node, Record};
use super::error::{Reason, Refusal, taken_by};
use super::float::{half, single};
use super::leaf::Leaf;
use super::text;
use pep3118::Endian;
use pep3118::decode::{EncodeErrorKind, LongDouble, Value};
use pep3118::layout::Type;
use pep3118::py::ObjectReferences;

impl Codec {
    /// Writes the object of one item. Padding is left as it was. If something does not fit, the bytes
    /// are undefined: `item` is a copy, and stored where it belongs after this returned.
    ///
    /// # Errors
    /// - 300 for `B`, 1e300 for `f`, 5 bytes for `4s`: `ValueError`
    /// - 2 values for 3 fields or elements: `ValueError`
    /// - text for `i`: `TypeError`
    /// - what methods of the object raise
    pub(crate) fn write(&self, object: &Bound<'_, PyAny>, item: &mut [u8]) -> Result<(), Refusal> {
        if let Some(primitive) = self.primitive
            && primitive.write(object, item)
        {
            return Ok(());
        }
        self.root.write(object, item, self.lenient)
    }

    /// Writes the values of a record, or the one value of anything else. There are `found` values.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    #[inline]
    pub(crate) fn write_fields<'a, 'py: 'a>(
        &self,
        mut values: impl Iterator<Item = Borrowed<'a, 'py, PyAny>>,
        found: usize,
        item: &mut [u8],
    ) -> Result<(), Refusal> {
        match &self.root {
            Node::Record(record) => record.write(values, found, item, self.lenient),
            node => {
                let Some(value) = values.next() else {
                    return Err(Reason::Count { found: 0, wanted: 1, unit: "item" }.into());
                };
                node.write(&value, item, self.lenient)
            }
        }
    }
}

/// The values of a list or a tuple, which nobody changes any more.
fn sequence<'py>(object: &Bound<'py, PyAny>, wanted: &'static str) -> Result<Bound<'py, PyTuple>, Refusal> {
    if let Ok(tuple) = object.cast::<PyTuple>() {
        return Ok(tuple.clone());
    }
    match object.cast::<PyList>() {
        Ok(list) => Ok(list.to_tuple()),
        Err(_) => Err(Reason::kind(None, wanted, object).into()),
    }
}

impl Node {
    fn write(&self, object: &Bound<'_, PyAny>, bytes: &mut [u8], lenient: bool) -> Result<(), Refusal> {
        match self {
            Self::Leaf(leaf) => Ok(leaf.write(object, bytes, lenient).map_err(|reason| match reason {
                // `struct` does not say which type an int is too large for.
                Reason::Overflow(_) if lenient && object.is_instance_of::<PyInt>() => Reason::IntTooLarge,
                reason => reason,
            })?),
            Self::Array { shape, size, element } => write_nested(object, bytes, shape, *size, element, lenient),
            Self::Record(record) => {
                let values = sequence(object, "a record: a tuple")?;
                record.write(values.iter_borrowed(), values.len(), bytes, lenient)
            }
        }
    }
}

impl Record {
    #[inline]
    fn write<'a, 'py: 'a>(
        &self,
        mut values: impl Iterator<Item = Borrowed<'a, 'py, PyAny>>,
        found: usize,
        bytes: &mut [u8],
        lenient: bool,
    ) -> Result<(), Refusal> {
        if found != self.values {
            return Err(Reason::Count { found, wanted: self.values, unit: "field" }.into());
        }
        if let Some(quick) = &self.quick {
            for ((index, quick), value) in quick.iter().enumerate().zip(values) {
                if !quick.write(&value, bytes) {
                    let (place, repeated) = self.place(index);
                    self.write_part(place, repeated, &value, bytes, lenient)?;
                }
            }
            return Ok(());
        }
        for (place, part) in self.parts.iter().enumerate() {
            for repeated in 0..part.repeat {
                let Some(value) = values.next() else { return Ok(()) };
                self.write_part(place, repeated, &value, bytes, lenient)?;
            }
        }
        Ok(())
    }

    /// The part of a value, and which of its values this is.
    fn place(&self, value: usize) -> (usize, usize) {
        let mut left = value;
        for (place, part) in self.parts.iter().enumerate() {
            match left.checked_sub(part.repeat) {
                Some(after) => left = after,
                None => return (place, left),
            }
        }
        (self.parts.len(), left)
    }

    /// One value of a part.
    #[inline(never)]
    fn write_part(
        &self,
        place: usize,
        repeated: usize,
        value: &Bound<'_, PyAny>,
        bytes: &mut [u8],
        lenient: bool,
    ) -> Result<(), Refusal> {
        let Some(part) = self.parts.get(place) else { return Ok(()) };
        let written = part.node.write(value, part.bytes_mut(bytes, repeated), lenient);
        written.map_err(|refusal| refusal.inside(self.names.get(place).map_or("", String::as_str)))
    }
}

fn write_nested(
    object: &Bound<'_, PyAny>,
    bytes: &mut [u8],
    shape: &[usize],
    size: usize,
    element: &Node,
    lenient: bool,
) -> Result<(), Refusal> {
    let Some((extent, inner)) = shape.split_first() else { return element.write(object, bytes, lenient) };
    let values = sequence(object, "an array: a list")?;
    if values.len() != *extent {
        return Err(Reason::Count { found: values.len(), wanted: *extent, unit: "element" }.into());
    }
    let size_inner = inner.iter().fold(size, |size, extent| size.saturating_mul(*extent));
    for (index, value) in values.iter_borrowed().enumerate() {
        let start = index.saturating_mul(size_inner);
        let bytes = bytes.get_mut(start..start.saturating_add(size_inner)).unwrap_or_default();
        write_nested(&value, bytes, inner, size, element, lenient)
            .map_err(|refusal| refusal.inside(&format!("[{index}]")))?;
    }
    Ok(())
}

impl Leaf {
    fn write(&self, object: &Bound<'_, PyAny>, bytes: &mut [u8], lenient: bool) -> Result<(), Reason> {
        let kernel = &self.kernel;
        let stored = match kernel.ty() {
            Type::Bool => {
                kernel.store_bool(object.is_truthy()?, bytes);
                Ok(())
            }
            Type::Float16 => {
                let number = self.float(object, lenient)?;
                let narrow = half(number);
                self.fits(number, narrow.is_infinite())?;
                kernel.store_little(&narrow.to_le_bytes(), bytes);
                Ok(())
            }
            Type::Float32 => {
                let number = self.float(object, lenient)?;
                let narrow = single(number);
                // Native floats became infinite in `struct` before 3.14.
                let lost = narrow.is_infinite() && number.is_finite();
                // Native floats became infinite in `struct` before 3.14.
                if lost && !(lenient && self.native && object.py().version_info() < (3, 14)) {
                    return Err(Reason::Overflow(*self));
                }
                kernel.store_little(&narrow.to_le_bytes(), bytes);
                Ok(())
            }
            Type::Float64 => {
                kernel.store_little(&self.float(object, lenient)?.to_le_bytes(), bytes);
                Ok(())
            }
            Type::LongDouble => {
                let number = LongDouble::from_f64(self.float(object, lenient)?, kernel.long_double_format());
                kernel.store(&Value::LongDouble(number), bytes)
            }
            Type::Complex32 | Type::Complex64 | Type::Complex128 | Type::ComplexLongDouble => {
                kernel.store(&self.complex(object, lenient)?, bytes)
            }
            Type::Char => match object.cast::<PyBytes>().map(|bytes| bytes.as_bytes()) {
                Ok([byte]) => kernel.store(&Value::Char(*byte), bytes),
                _ => return Err(Reason::kind(Some(self), taken_by(Type::Char), object)),
            },
            Type::Bytes | Type::Pascal | Type::Void | Type::Bits | Type::Opaque | Type::Record => {
                self.write_bytes(object, bytes, lenient)?
            }
            ty @ (Type::Ucs2 | Type::Ucs4 | Type::Wchar) => {
                let Ok(string) = object.cast::<PyString>() else {
                    return Err(Reason::kind(Some(self), taken_by(ty), object));
                };
                kernel.store(&text::value(string, kernel)?, bytes)
            }
            Type::Object if !lenient => {
                if self.objects == ObjectReferences::Unknown {
                    return Err(Reason::NotWritten);
                }
                // The bytes own the reference from here on.
                let address = object.clone().into_ptr().expose_provenance();
                kernel.store_little(&address.to_le_bytes(), bytes);
                Ok(())
            }
            Type::CharPointer | Type::WcharPointer | Type::Function if !lenient => return Err(Reason::Address),
            Type::Pointer if self.typed_pointer => return Err(Reason::Address),
            _ => {
                let mut value = self.integer(object)?;
                let range = kernel.range();
                if lenient && self.code == b'P' {
                    // `struct` takes the addresses of the upper half for negative numbers as well.
                    value = value.map(|value| if value < 0 { value.saturating_add(1 << 64_u32) } else { value });
                }
                match value {
                    Some(value) => kernel.store_number(value, bytes),
                    None => return Err(Reason::Range { leaf: *self, range, value }),
                }
            }
        };
        stored.map_err(|kind| match kind {
            EncodeErrorKind::OutOfRange { value, low, high, .. } if kernel.is_integer() => {
                Reason::Range { leaf: *self, range: (low, high), value: Some(value) }
            }
            kind => Reason::Encode(kind),
        })
    }

    /// The integer; `None` if it has more than 64 bits.
    fn integer(&self, object: &Bound<'_, PyAny>) -> Result<Option<i128>, Reason> {
        static INDEX: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        if object.cast::<PyInt>().is_err() {
            let py = object.py();
            if !object.get_type().hasattr("__index__")? {
                return Err(Reason::kind(Some(self), taken_by(Type::Int64), object));
            }
            let index = INDEX.import(py, "operator", "index")?.call1((object,))?;
            return self.integer(&index);
        }
        if let Ok(value) = object.extract::<i64>() {
            return Ok(Some(value.into()));
        }
        match object.extract::<u64>() {
            Ok(value) => Ok(Some(value.into())),
            Err(error) if error.is_instance_of::<PyOverflowError>(object.py()) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn float(&self, object: &Bound<'_, PyAny>, lenient: bool) -> Result<f64, Reason> {
        if let Ok(float) = object.cast::<PyFloat>() {
            return Ok(float.value());
        }
        object.extract::<f64>().map_err(|error| {
            // `struct` says so whatever was raised.
            if lenient || error.is_instance_of::<PyTypeError>(object.py()) {
                return Reason::kind(Some(self), taken_by(Type::Float64), object);
            }
            error.into()
        })
    }

    /// Finite numbers stay finite.
    fn fits(&self, number: f64, infinite: bool) -> Result<(), Reason> {
        if infinite && number.is_finite() { Err(Reason::Overflow(*self)) } else { Ok(()) }
    }

    fn complex(&self, object: &Bound<'_, PyAny>, lenient: bool) -> Result<Value, Reason> {
        let number = match object.cast::<PyComplex>() {
            Ok(number) => number.clone(),
            // `complex()` would parse it.
            Err(_) if object.is_instance_of::<PyString>() => {
                return Err(Reason::kind(Some(self), taken_by(Type::Complex128), object));
            }
            Err(_) => {
                let class = object.py().get_type::<PyComplex>();
                let made = class.call1((object,)).map_err(|error| {
                    // As for floats.
                    if lenient || error.is_instance_of::<PyTypeError>(object.py()) {
                        return Reason::kind(Some(self), taken_by(Type::Complex128), object);
                    }
                    error.into()
                })?;
                made.cast_into::<PyComplex>().map_err(|error| Reason::Raised(error.into()))?
            }
        };
        let (re, im) = (number.real(), number.imag());
        let fits = |number: f64, infinite: bool| {
            // Other than a float, `struct` writes it as C does wherever the order is that of this machine.
            let as_c = lenient && self.kernel.endian() == Endian::HOST;
            if as_c { Ok(()) } else { self.fits(number, infinite) }
        };
        let long = |number| LongDouble::from_f64(number, self.kernel.long_double_format());
        Ok(match self.kernel.ty() {
            Type::Complex32 => {
                let halves = Complex::new(half(re), half(im));
                self.fits(re, halves.re.is_infinite())?;
                self.fits(im, halves.im.is_infinite())?;
                Value::Complex32(halves)
            }
            Type::Complex64 => {
                let singles = Complex::new(single(re), single(im));
                fits(re, singles.re.is_infinite())?;
                fits(im, singles.im.is_infinite())?;
                Value::Complex64(singles)
            }
            Type::ComplexLongDouble => Value::ComplexLongDouble(Complex::new(long(re), long(im))),
            _ => Value::Complex128(Complex::new(re, im)),
        })
    }

    fn write_bytes(
        &self,
        object: &Bound<'_, PyAny>,
        bytes: &mut [u8],
        lenient: bool,
    ) -> Result<Result<(), EncodeErrorKind>, Reason> {
        let copy;
        let mut value = if let Ok(value) = object.cast::<PyBytes>() {
            value.as_bytes()
        } else if let Ok(value) = object.cast::<PyByteArray>() {
            copy = value.to_vec();
            &copy
        } else {
            return Err(Reason::kind(Some(self), taken_by(Type::Bytes), object));
        };
        let ty = self.kernel.ty();
        if lenient && ty == Type::Bytes {
            // `struct` cuts what is too long.
            value = value.get(..bytes.len()).unwrap_or(value);
        }
        if lenient && ty == Type::Pascal {
            // The same, and past 255 bytes it writes more than it counts.
            if let Some((len, room)) = bytes.split_first_mut() {
                let written = value.get(..room.len()).unwrap_or(value);
                room.fill(0);
                room.iter_mut().zip(written).for_each(|(cell, byte)| *cell = *byte);
                *len = u8::try_from(written.len()).unwrap_or(u8::MAX);
            }
            return Ok(Ok(()));
        }
        Ok(self.kernel.store_bytes(value, bytes))
    }
}
