//! Writes Python objects as items: the methods of `Codec` and of the codecs of its fields that write. `check_written`
//! finds fields of a union with conflicting values.

use num_complex::Complex;
use pep3118::__private::{arguments, imported};
use pep3118::name;
use pyo3::exceptions::{PyOverflowError, PySystemError, PyTypeError, PyUnicodeEncodeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyByteArray, PyBytes, PyComplex, PyFloat, PyInt, PyList, PyMapping, PyString, PyTuple};

use super::codec::{Codec, FieldCodec, RecordCodec, ValueCodec};
use super::error::{WriteError, WriteErrorKind, accepted_objects};
use super::float::{narrow, narrow_half};
use super::scalar::ScalarField;
use crate::behavior::Behavior;
use crate::borrowed_bytes::BorrowedBytes;
use crate::fastcall::counted;
use crate::objects;
use crate::tuple_builder;
use pep3118::__private::{abridge, escape, to_u64};
use pep3118::Endian;
use pep3118::decode::{EncodeErrorKind, LongDouble, ScalarCodec, Value};
use pep3118::layout::{BitField, Type};
use pep3118::py::ObjectReferences;

impl Codec {
    /// Writes `object` to `item`, the bytes of one item. Padding is not changed. After an error, the contents of `item`
    /// are undefined. The caller therefore passes a copy of the item, and stores the copy if the function succeeds.
    ///
    /// # Errors
    /// - a value does not fit its field, such as 300 for `B`, 1e300 for `f`, or 5 bytes for `4s`: `ValueError`
    /// - the number of values is wrong, such as 2 values for 3 fields or elements: `ValueError`
    /// - an object has a wrong type, such as text for `i`: `TypeError`
    /// - a method of the object raises an exception: the exception is returned unchanged
    pub(crate) fn write(&self, object: &Bound<'_, PyAny>, item: &mut [u8]) -> Result<(), WriteError> {
        if let Some(primitive) = self.primitive
            && primitive.write(object, item)
        {
            return Ok(());
        }
        self.root.write(object, item, self.lenient)
    }

    /// Checks that `item` contains every value of `object` after `object` was written to `item`. If two fields share
    /// bytes, as in a union, the value of the second field replaces bytes of the first field.
    ///
    /// # Errors
    /// - two fields that share bytes have values with different bytes: `ValueError`
    /// - every error of [`write`](Self::write)
    pub(crate) fn check_written(&self, object: &Bound<'_, PyAny>, item: &[u8]) -> Result<(), WriteError> {
        self.root.check_written(object, item, self.lenient)
    }

    /// Writes `values` to the fields of the record `item`. If the item is not a record, `values` must have one entry,
    /// the value of the item. `found` must be the number of entries of `values`.
    ///
    /// # Errors
    /// - every error of [`write`](Self::write)
    #[inline]
    pub(crate) fn write_fields<'a, 'py: 'a>(
        &self,
        mut values: impl Iterator<Item = Borrowed<'a, 'py, PyAny>>,
        found: usize,
        item: &mut [u8],
    ) -> Result<(), WriteError> {
        match &self.root {
            ValueCodec::Record(record) => record.write(values, found, item, self.lenient),
            codec => match values.next() {
                Some(value) if found == 1 => codec.write(&value, item, self.lenient),
                _ => Err(WriteErrorKind::Count { found, wanted: 1, unit: "item" }.into()),
            },
        }
    }
}

/// Returns the values of `object`, a list or a tuple, as a tuple. A list is copied, because Python code can change the
/// list while the values are converted. `wanted` describes the objects that the field accepts, for the error message.
///
/// # Errors
/// - `object` is neither a list nor a tuple
fn sequence<'py>(object: &Bound<'py, PyAny>, wanted: &'static str) -> Result<Bound<'py, PyTuple>, WriteError> {
    if let Ok(tuple) = object.cast::<PyTuple>() {
        return Ok(tuple.clone());
    }
    match object.cast::<PyList>() {
        Ok(list) => Ok(tuple_builder::of_list(list).map_err(WriteErrorKind::Raised)?),
        Err(_) => Err(WriteErrorKind::kind(None, wanted, object).into()),
    }
}

impl ValueCodec {
    /// Writes `object` to `bytes`, the bytes of one value. `lenient` is the field of [`Codec`] with this name. Returns
    /// an error if `object` has a wrong type, is out of range or is too long.
    fn write(&self, object: &Bound<'_, PyAny>, bytes: &mut [u8], lenient: bool) -> Result<(), WriteError> {
        match self {
            Self::Scalar(scalar) => Ok(scalar.write(object, bytes, lenient).map_err(|kind| match kind {
                // The message of `struct` for an `int` that is too large does not contain the type.
                WriteErrorKind::Overflow(_) if lenient && object.is_instance_of::<PyInt>() => {
                    WriteErrorKind::IntTooLarge
                }
                kind => kind,
            })?),
            Self::Array { shape, size, element } => write_nested(object, bytes, shape, *size, element, lenient),
            Self::Record(record) => {
                let values = match object.cast::<PyTuple>() {
                    Ok(tuple) => tuple.clone(),
                    Err(_) => record.values_of(object)?,
                };
                record.write(values.iter_borrowed(), values.len(), bytes, lenient)
            }
        }
    }
}

impl ValueCodec {
    // The depth of the recursion is the nesting depth of records and arrays, which the parser limits.
    /// Checks that `bytes`, the bytes of one value, contain `object`, as [`Codec::check_written`] does. `lenient` is
    /// the field of [`Codec`] with this name.
    fn check_written(&self, object: &Bound<'_, PyAny>, bytes: &[u8], lenient: bool) -> Result<(), WriteError> {
        match self {
            Self::Scalar(_) => {
                let mut copy = crate::objects::copied(bytes).map_err(WriteErrorKind::Raised)?;
                self.write(object, &mut copy, lenient)?;
                if copy == bytes { Ok(()) } else { Err(WriteErrorKind::SharedBytes.into()) }
            }
            Self::Array { shape, size, element } => {
                check_nested(object, bytes, shape, *size, &|value, bytes| element.check_written(value, bytes, lenient))
            }
            Self::Record(record) => {
                let values = sequence(object, "a record: a tuple")?;
                for ((index, field), value) in record.fields.iter().enumerate().zip(values.iter_borrowed()) {
                    // In a view and in a record class, each field is one value.
                    let checked = field.value.check_written(&value, field.bytes(bytes, 0), lenient);
                    checked.map_err(|error| error.inside(&record.name(index)))?;
                }
                Ok(())
            }
        }
    }
}

/// A function that checks one element of an array. The arguments are the object and the bytes of the element.
type Check<'c> = dyn Fn(&Bound<'_, PyAny>, &[u8]) -> Result<(), WriteError> + 'c;

/// Calls `check` for each element of an array, with the object and the bytes of the element. `object` contains the
/// elements in nested lists, and `bytes` are the bytes of the array. `shape` is the shape of the array, and `size` is
/// the size of one element in bytes.
fn check_nested(
    object: &Bound<'_, PyAny>,
    bytes: &[u8],
    shape: &[usize],
    size: usize,
    check: &Check<'_>,
) -> Result<(), WriteError> {
    let Some((count, inner)) = shape.split_first() else { return check(object, bytes) };
    let size_inner = inner.iter().fold(size, |size, dimension| size.saturating_mul(*dimension));
    for (index, value) in sequence(object, "an array: a list")?.iter_borrowed().enumerate() {
        let start = index.saturating_mul(size_inner);
        // `object` had `count` elements when it was written, but other code can have appended elements since then.
        let too_many = || WriteErrorKind::Count { found: index.saturating_add(1), wanted: *count, unit: "element" };
        let bytes = bytes.get(start..start.saturating_add(size_inner)).ok_or_else(too_many)?;
        check_nested(&value, bytes, inner, size, check).map_err(|error| error.inside(&format!("[{index}]")))?;
    }
    Ok(())
}

impl RecordCodec {
    /// Returns a tuple with the values of `object` in the order of the fields. `object` is a list, a tuple, or a
    /// mapping from the names of the fields to the values.
    ///
    /// # Errors
    /// - `object` has another type
    /// - a mapping without a value for a field, or with a key that is not the name of a field
    #[cold]
    fn values_of<'py>(&self, object: &Bound<'py, PyAny>) -> Result<Bound<'py, PyTuple>, WriteError> {
        const WANTED: &str = "a record: a tuple, a list or a mapping";
        let Ok(mapping) = object.cast::<PyMapping>() else { return sequence(object, WANTED) };
        let py = object.py();
        let raised = |error: PyErr| WriteError::from(WriteErrorKind::Raised(error));
        let mut values = Vec::new();
        for field in 0..self.fields.len() {
            let name = self.name(field);
            if !mapping.contains(&*name).map_err(raised)? {
                let message = format!("the mapping has no value for the field '{}'", escape(&*name));
                return Err(raised(objects::error::<PyValueError>(message)));
            }
            values.push(mapping.get_item(&*name).map_err(raised)?);
        }
        let values = tuple_builder::tuple(py, values.into_iter().map(Some)).map_err(raised)?;
        if mapping.len().map_err(raised)? != self.fields.len() {
            for key in mapping.keys().map_err(raised)?.iter() {
                let is_name = |field: usize| key.eq(&*self.name(field)).unwrap_or(false);
                if !(0..self.fields.len()).any(is_name) {
                    let key = key.repr().map_err(raised)?;
                    let key = key.to_string_lossy();
                    let message = format!("no field is called {}", abridge(key.as_bytes(), 80));
                    return Err(raised(objects::error::<PyValueError>(message)));
                }
            }
        }
        Ok(values)
    }

    /// Writes `values`, the values of all fields, to `bytes`, the bytes of one record. `found` is the number of
    /// `values`. `lenient` is the field of [`Codec`] with this name. Returns an error if the record has another number
    /// of values, or if a value does not fit its field.
    #[inline]
    fn write<'a, 'py: 'a>(
        &self,
        values: impl Iterator<Item = Borrowed<'a, 'py, PyAny>>,
        found: usize,
        bytes: &mut [u8],
        lenient: bool,
    ) -> Result<(), WriteError> {
        if found != self.values {
            return Err(WriteErrorKind::Count { found, wanted: self.values, unit: "field" }.into());
        }
        if let Some(primitives) = &self.primitives {
            for ((index, primitive), value) in primitives.iter().enumerate().zip(values) {
                if !primitive.write(&value, bytes) {
                    self.write_value(index, &value, bytes, lenient)?;
                }
            }
            return Ok(());
        }
        self.write_fields(values, bytes, lenient)
    }

    /// Writes `values` to `bytes`, the bytes of one record, field by field. The number of `values` must be the number
    /// of values of the record. `lenient` is the field of [`Codec`] with this name. Returns an error if a value does
    /// not fit its field.
    #[inline(never)]
    fn write_fields<'a, 'py: 'a>(
        &self,
        mut values: impl Iterator<Item = Borrowed<'a, 'py, PyAny>>,
        bytes: &mut [u8],
        lenient: bool,
    ) -> Result<(), WriteError> {
        for (index, field) in self.fields.iter().enumerate() {
            for (repeated, value) in values.by_ref().take(field.repeat).enumerate() {
                self.write_field(index, field, repeated, &value, bytes, lenient)?;
            }
        }
        Ok(())
    }

    /// Writes `value` to `bytes`, the bytes of the record. `index` is the position of the value in the tuple of the
    /// record: for the fields `3i` and `d`, the value of `d` has the index 3. `lenient` is the field of [`Codec`] with
    /// this name. Returns an error if `value` does not fit its field.
    #[inline(never)]
    fn write_value(
        &self,
        index: usize,
        value: &Bound<'_, PyAny>,
        bytes: &mut [u8],
        lenient: bool,
    ) -> Result<(), WriteError> {
        let mut repeated = index;
        for (index, field) in self.fields.iter().enumerate() {
            match repeated.checked_sub(field.repeat) {
                Some(after) => repeated = after,
                None => return self.write_field(index, field, repeated, value, bytes, lenient),
            }
        }
        debug_assert!(false, "value {index} of {}", self.values);
        Err(WriteErrorKind::Count { found: index.saturating_add(1), wanted: self.values, unit: "field" }.into())
    }

    /// Writes `value` to the field `field` with the index `index` in `bytes`, the bytes of the record. `repeated` is
    /// the number of the repetition, from 0 to 2 for `3i`. `lenient` is the field of [`Codec`] with this name. Returns
    /// an error that contains the name of the field if `value` does not fit.
    fn write_field(
        &self,
        index: usize,
        field: &FieldCodec,
        repeated: usize,
        value: &Bound<'_, PyAny>,
        bytes: &mut [u8],
        lenient: bool,
    ) -> Result<(), WriteError> {
        // A conversion that succeeds may still create and drop exceptions. The comment on `counted` explains why
        // exceptions must be dropped while PyO3 counts the thread as attached.
        let written = counted(value.py(), || field.value.write(value, field.bytes_mut(bytes, repeated), lenient));
        written.map_err(|error| error.inside(&self.name(index)))
    }
}

/// Writes `object`, the elements of an array in nested lists, to `bytes`, the bytes of the array. `shape` is the shape
/// of the array, `size` is the size of one element in bytes, and `element` is the codec of one element. `lenient` is
/// the field of [`Codec`] with this name. Returns an error if a list has another length than its dimension, or if a
/// value does not fit its element.
fn write_nested(
    object: &Bound<'_, PyAny>,
    bytes: &mut [u8],
    shape: &[usize],
    size: usize,
    element: &ValueCodec,
    lenient: bool,
) -> Result<(), WriteError> {
    let Some((count, inner)) = shape.split_first() else { return element.write(object, bytes, lenient) };
    let values = sequence(object, "an array: a list")?;
    if values.len() != *count {
        return Err(WriteErrorKind::Count { found: values.len(), wanted: *count, unit: "element" }.into());
    }
    let size_inner = inner.iter().fold(size, |size, dimension| size.saturating_mul(*dimension));
    for (index, value) in values.iter_borrowed().enumerate() {
        let start = index.saturating_mul(size_inner);
        let outside = || objects::error::<PySystemError>("an element is outside of its array");
        let bytes = bytes.get_mut(start..start.saturating_add(size_inner));
        let bytes = bytes.ok_or_else(|| WriteErrorKind::Raised(outside()))?;
        write_nested(&value, bytes, inner, size, element, lenient)
            .map_err(|error| error.inside(&format!("[{index}]")))?;
    }
    Ok(())
}

impl ScalarField {
    /// Writes `object` to `bytes`, the bytes of one value. `lenient` is the field of [`Codec`] with this name. Returns
    /// an error if `object` has a wrong type, is out of range or is too long.
    fn write(&self, object: &Bound<'_, PyAny>, bytes: &mut [u8], lenient: bool) -> Result<(), WriteErrorKind> {
        let codec = &self.codec;
        match codec.ty() {
            Type::Bool => codec.store_bool(object.is_truthy()?, bytes),
            Type::Float16 => {
                let number = self.float(object, lenient)?;
                let narrow = narrow_half(number, self.nans.write);
                self.check_finite(number, narrow.is_infinite())?;
                codec.store_little(&narrow.to_le_bytes(), bytes);
            }
            Type::Float32 => {
                let number = self.float(object, lenient)?;
                let narrow = narrow(number, self.nans.write);
                if !(lenient && self.native && Behavior::current(object.py()).native_float_becomes_infinite) {
                    self.check_finite(number, narrow.is_infinite())?;
                }
                codec.store_little(&narrow.to_le_bytes(), bytes);
            }
            Type::Float64 => codec.store_little(&self.float(object, lenient)?.to_le_bytes(), bytes),
            Type::LongDouble => {
                let number = LongDouble::from_f64(self.float(object, lenient)?, codec.long_double_format());
                codec.store(&Value::LongDouble(number), bytes)?;
            }
            Type::Complex32 | Type::Complex64 | Type::Complex128 | Type::ComplexLongDouble => {
                codec.store(&self.complex(object, lenient)?, bytes)?;
            }
            Type::Char => match object.cast::<PyBytes>().map(|bytes| bytes.as_bytes()) {
                Ok([byte]) => codec.store(&Value::Char(*byte), bytes)?,
                // As in memoryview, a wrong length is a `ValueError` and not a `TypeError`.
                Ok(given) if !lenient => {
                    return Err(EncodeErrorKind::TooLong { len: to_u64(given.len()), capacity: 1, unit: "byte" }.into());
                }
                _ => return Err(self.other_kind(object)),
            },
            Type::Opaque if let Some(user) = self.user => user.write(object, bytes, codec.endian())?,
            Type::Bits if let Some(bits) = codec.bit_field() => self.write_bit_field(bits, object, bytes)?,
            Type::Bytes | Type::Pascal | Type::Void | Type::Bits | Type::Opaque | Type::Record => {
                self.write_bytes(object, bytes, lenient)?;
            }
            Type::Ucs2 | Type::Ucs4 | Type::Wchar => match object.cast::<PyString>() {
                Ok(string) => write_text(string, codec, bytes)?,
                Err(_) => return Err(self.other_kind(object)),
            },
            Type::Object if !lenient => {
                if self.objects == ObjectReferences::Unknown {
                    return Err(WriteErrorKind::ReferencesUnknown);
                }
                // From this line on, `bytes` owns the new reference.
                let address = object.clone().into_ptr().expose_provenance();
                codec.store_little(&address.to_le_bytes(), bytes);
            }
            Type::CharPointer | Type::WcharPointer | Type::Function if !lenient => {
                return Err(WriteErrorKind::FollowedAddress);
            }
            Type::Pointer if self.typed_pointer => return Err(WriteErrorKind::FollowedAddress),
            _ => self.write_integer(object, bytes)?,
        }
        Ok(())
    }

    /// Creates the error for `object`, which has a type that this field does not accept.
    fn other_kind(&self, object: &Bound<'_, PyAny>) -> WriteErrorKind {
        WriteErrorKind::kind(Some(self), accepted_objects(self.value_type()), object)
    }

    /// Writes `object`, an integer, to `bytes`, the bytes of one value. Accepts a negative number for `P`, as `struct`
    /// and memoryview do. Returns an error if `object` is not an integer or is out of range.
    fn write_integer(&self, object: &Bound<'_, PyAny>, bytes: &mut [u8]) -> Result<(), WriteErrorKind> {
        let range = self.codec.range();
        let outside = |value| WriteErrorKind::Range { scalar: *self, range, value };
        let mut value = self.integer(object)?.ok_or(outside(None))?;
        if self.ty() == Type::Pointer && value < 0 {
            // `struct` and memoryview also accept a negative number for `P`: -1 is the greatest address.
            value = value.saturating_add(1 << 64_u32);
        }
        match self.codec.store_number(value, bytes) {
            Ok(()) => Ok(()),
            Err(EncodeErrorKind::OutOfRange { value, .. }) => Err(outside(Some(value))),
            Err(kind) => Err(kind.into()),
        }
    }

    /// Writes `object` as the value of the bit-field `bits` to `bytes`. Leaves the other bits of `bytes` unchanged.
    /// Returns an error if `object` is not an integer, or not in the range of the bit-field.
    fn write_bit_field(
        &self,
        bits: BitField,
        object: &Bound<'_, PyAny>,
        bytes: &mut [u8],
    ) -> Result<(), WriteErrorKind> {
        let range = bits.range();
        let outside = |value| WriteErrorKind::Range { scalar: *self, range, value };
        let value = match bits.ty() {
            Type::Bool => object.is_truthy()?.into(),
            _ => self.integer(object)?.ok_or(outside(None))?,
        };
        bits.write(value, bytes, self.codec.endian()).ok_or(outside(Some(value)))
    }

    /// Calls `__index__` of `object` and returns the integer. Returns `None` if the integer has more than 64 bits.
    /// Returns an error if `object` has no `__index__`.
    fn integer(&self, object: &Bound<'_, PyAny>) -> Result<Option<i128>, WriteErrorKind> {
        static INDEX: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let py = object.py();
        let index;
        let int = match object.cast::<PyInt>() {
            Ok(int) => int,
            Err(_) if !object.get_type().hasattr(name!(py, "__index__"))? => return Err(self.other_kind(object)),
            Err(_) => {
                index = imported(&INDEX, py, "operator", "index")?.call1(arguments(py, [object])?)?;
                index.cast::<PyInt>().map_err(PyErr::from)?
            }
        };
        if let Ok(value) = int.extract::<i64>() {
            return Ok(Some(value.into()));
        }
        match int.extract::<u64>() {
            Ok(value) => Ok(Some(value.into())),
            Err(error) if error.is_instance_of::<PyOverflowError>(py) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Converts `object` to a float. Returns an error if `object` is not a number. If `lenient` is `true`, the error
    /// replaces an exception that a method of `object` raised, as in `struct`.
    fn float(&self, object: &Bound<'_, PyAny>, lenient: bool) -> Result<f64, WriteErrorKind> {
        if let Ok(float) = object.cast::<PyFloat>() {
            return Ok(float.value());
        }
        object.extract::<f64>().map_err(|error| {
            // `struct` replaces every exception by `struct.error`.
            if lenient || error.is_instance_of::<PyTypeError>(object.py()) {
                return WriteErrorKind::kind(Some(self), accepted_objects(Type::Float64), object);
            }
            // As in memoryview, an integer above the range of `float` is a `ValueError`.
            if error.is_instance_of::<PyOverflowError>(object.py()) {
                return WriteErrorKind::Overflow(*self);
            }
            error.into()
        })
    }

    /// Checks that `number` is not too large for the type of the field. `narrow_is_infinite` is `true` if `number`,
    /// converted to the type of the field, is infinite. Returns an error if `narrow_is_infinite` is `true` and `number`
    /// is finite.
    fn check_finite(&self, number: f64, narrow_is_infinite: bool) -> Result<(), WriteErrorKind> {
        if narrow_is_infinite && number.is_finite() { Err(WriteErrorKind::Overflow(*self)) } else { Ok(()) }
    }

    /// Converts `object` to a complex number of the type of this field. Returns an error if `object` is not a number,
    /// or if a part is too large. If `lenient` is `true`, a part that is too large is converted as in `struct`.
    fn complex(&self, object: &Bound<'_, PyAny>, lenient: bool) -> Result<Value, WriteErrorKind> {
        let number = match object.cast::<PyComplex>() {
            Ok(number) => number.clone(),
            // `complex()` would parse a `str`. A `str` is refused here, because a `str` for a complex number is most
            // likely a mistake of the caller.
            Err(_) if object.is_instance_of::<PyString>() => return Err(self.other_kind(object)),
            Err(_) => {
                let class = object.py().get_type::<PyComplex>();
                let number = class.call1(arguments(object.py(), [object])?).map_err(|error| {
                    // `struct` replaces every exception by `struct.error`.
                    if lenient || error.is_instance_of::<PyTypeError>(object.py()) {
                        return self.other_kind(object);
                    }
                    error.into()
                })?;
                number.cast_into::<PyComplex>().map_err(|error| WriteErrorKind::Raised(error.into()))?
            }
        };
        let (re, im) = (number.real(), number.imag());
        let long = |number| LongDouble::from_f64(number, self.codec.long_double_format());
        Ok(match self.ty() {
            Type::Complex32 => {
                let halves = Complex::new(narrow_half(re, self.nans.write), narrow_half(im, self.nans.write));
                self.check_finite(re, halves.re.is_infinite())?;
                self.check_finite(im, halves.im.is_infinite())?;
                Value::Complex32(halves)
            }
            Type::Complex64 => {
                let singles = Complex::new(narrow(re, self.nans.write), narrow(im, self.nans.write));
                // If the field has the byte order of this machine, `struct` writes infinity for a complex number that
                // is too large.
                if !(lenient && self.codec.endian() == Endian::HOST) {
                    self.check_finite(re, singles.re.is_infinite())?;
                    self.check_finite(im, singles.im.is_infinite())?;
                }
                Value::Complex64(singles)
            }
            Type::ComplexLongDouble => Value::ComplexLongDouble(Complex::new(long(re), long(im))),
            _ => Value::Complex128(Complex::new(re, im)),
        })
    }

    /// Writes `object`, a `bytes` or `bytearray` object, to `bytes`, the bytes of one value. If `lenient` is `true`,
    /// truncates a byte string or Pascal string that is too long. In every other case, a value that is too long is an
    /// error.
    fn write_bytes(&self, object: &Bound<'_, PyAny>, bytes: &mut [u8], lenient: bool) -> Result<(), WriteErrorKind> {
        if let Ok(value) = object.cast::<PyBytes>() {
            return self.write_byte_string(value.as_bytes(), bytes, lenient);
        }
        if object.cast::<PyByteArray>().is_err() {
            return Err(self.other_kind(object));
        }
        let copy = BorrowedBytes::with(object, None, |memory| memory.to_vec())?;
        self.write_byte_string(&copy, bytes, lenient)
    }

    /// Writes `value` to `bytes`, the bytes of one value. If `lenient` is `true`, truncates a byte string or Pascal
    /// string that is too long. In every other case, a value that is too long is an error.
    fn write_byte_string(&self, value: &[u8], bytes: &mut [u8], lenient: bool) -> Result<(), WriteErrorKind> {
        let mut value = value;
        if lenient && self.ty() == Type::Bytes {
            // `struct` truncates a value that is too long.
            value = value.get(..bytes.len()).unwrap_or(value);
        }
        if lenient && self.ty() == Type::Pascal {
            // `struct` also truncates the value to the size of the field. The length in the first byte is at most 255,
            // even if `struct` writes more bytes.
            if let Some((len, text)) = bytes.split_first_mut() {
                let value = value.get(..text.len()).unwrap_or(value);
                text.fill(0);
                text.iter_mut().zip(value).for_each(|(place, byte)| *place = *byte);
                *len = u8::try_from(value.len()).unwrap_or(u8::MAX);
            }
            return Ok(());
        }
        Ok(self.codec.store_bytes(value, bytes)?)
    }
}

/// Writes `text` to `bytes`, and fills the units after the text with NULs. `codec` declares the size and the byte order
/// of the code units.
///
/// # Errors
/// - `text` needs more units than `bytes` has. Examples: text of 3 units for `2u`; U+1F600 for `1u`, because this
///   character needs two units of 2 bytes.
fn write_text(text: &Bound<'_, PyString>, codec: &ScalarCodec, bytes: &mut [u8]) -> Result<(), WriteErrorKind> {
    let two = codec.unit() == 2;
    match text.to_str() {
        Ok(text) if two => write_units(codec, bytes, text.encode_utf16().count(), text.encode_utf16().map(u32::from)),
        Ok(text) => write_units(codec, bytes, text.chars().count(), text.chars().map(u32::from)),
        // UTF-8 cannot encode lone surrogates.
        Err(error) if error.is_instance_of::<PyUnicodeEncodeError>(text.py()) => {
            let py = text.py();
            let (encoding, unit) = if two { (name!(py, "utf-16-le"), 2) } else { (name!(py, "utf-32-le"), 4) };
            let encoded =
                text.call_method1(name!(py, "encode"), arguments(py, [encoding, name!(py, "surrogatepass")])?)?;
            let encoded = encoded.cast::<PyBytes>().map_err(PyErr::from)?.as_bytes();
            let number = |unit: &[u8]| unit.iter().rev().fold(0, |number, byte| (number << 8_u32) | u32::from(*byte));
            let units = encoded.chunks_exact(unit);
            write_units(codec, bytes, units.len(), units.map(number))
        }
        Err(error) => Err(error.into()),
    }
}

/// Writes `units`, the code units of a text, to `bytes`, and fills the rest of `bytes` with 0. `codec` declares the
/// size and the byte order of a code unit. `len` must be the number of `units`. Each unit must fit the size of a code
/// unit.
///
/// # Errors
/// - `len` is more than the number of units in `bytes`
fn write_units(
    codec: &ScalarCodec,
    bytes: &mut [u8],
    len: usize,
    units: impl Iterator<Item = u32>,
) -> Result<(), WriteErrorKind> {
    let mut places = bytes.chunks_exact_mut(codec.unit().max(1));
    if len > places.len() {
        let kind = EncodeErrorKind::TooLong { len: to_u64(len), capacity: to_u64(places.len()), unit: "unit" };
        return Err(kind.into());
    }
    units.zip(&mut places).for_each(|(unit, place)| codec.store_little(&unit.to_le_bytes(), place));
    places.for_each(|place| place.fill(0));
    Ok(())
}
