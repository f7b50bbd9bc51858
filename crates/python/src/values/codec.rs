//! `Codec`: compiled from a layout, reads items as Python objects. The module `write` contains the methods that write
//! Python objects to items.

use std::borrow::Cow;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use super::float::{NanConversion, NanConversions};
use super::primitive::PrimitiveField;
use super::record_class::{DeclaredClasses, RecordClass};
use super::scalar::ScalarField;
use crate::behavior::{Behavior, StructNans};
use crate::field::default_name;
use crate::objects::{NewObject, from_result, into_result};
use crate::tuple_builder::{self, list};
use pep3118::Endian;
use pep3118::decode::{DecodeError, ZERO_SIZED_LIMIT};
use pep3118::format::ByteOrder;
use pep3118::layout::{Field, Layout, Type};
use pep3118::py::ObjectReferences;

/// Reads items of one layout as Python objects, and writes Python objects as items.
#[derive(Debug)]
pub(crate) struct Codec {
    /// The size of an item in bytes.
    size: usize,
    pub(super) root: ValueCodec,
    /// The type and the byte order of the value if an item is one number or byte string. `None` for any other item.
    pub(super) primitive: Option<PrimitiveField>,
    /// `true` for `pep3118.struct`: as in `struct`, a byte string that is too long is truncated, and some numbers that
    /// are too large become infinite. `false` for views: a value that does not fit its field is an error.
    pub(super) lenient: bool,
}

/// The conversion of one value: a scalar, an array or a record.
#[derive(Debug)]
pub(super) enum ValueCodec {
    Scalar(ScalarField),
    /// An array of contiguous elements of `size` bytes.
    Array {
        shape: Box<[usize]>,
        size: usize,
        element: Box<ValueCodec>,
    },
    Record(RecordCodec),
}

/// The conversion of a record: its class and its fields.
#[derive(Debug)]
pub(super) struct RecordCodec {
    /// The class of the named tuples. `None` if records become plain tuples.
    class: Option<Arc<RecordClass>>,
    /// The names of the fields by index. The list ends with the last field that has a name.
    names: Vec<Option<String>>,
    pub(super) fields: Vec<FieldCodec>,
    /// Every value of the record, if all values are numbers or byte strings. `None` if a value has another type or if
    /// there are too many values.
    pub(super) primitives: Option<Vec<PrimitiveField>>,
    /// The number of elements in the tuple of a record. Example: the tuple of the fields `3i` and `d` has 4 elements in
    /// `struct`, and 2 elements in a view.
    pub(super) values: usize,
}

/// A field of a record.
#[derive(Debug)]
pub(super) struct FieldCodec {
    /// The offset from the start of the record, in bytes.
    pub(super) offset: usize,
    /// The size of one value in bytes.
    pub(super) size: usize,
    /// The number of contiguous values of the field. Example: `3i` has 3 values in `struct`, and 1 value in a view,
    /// because the view reads `3i` as one array.
    pub(super) repeat: usize,
    pub(super) value: ValueCodec,
}

/// The options of the compilation of a layout to a codec.
#[derive(Clone, Copy)]
struct Compiler<'a, 'py> {
    py: Python<'py>,
    /// The format of the layout, for a codec of `pep3118.struct`, in which records become plain tuples. `None` if
    /// records become named tuples.
    format: Option<&'a [u8]>,
    /// The declared class of the record that is compiled, and the classes of its nested records. `None` if the record
    /// becomes a named tuple, whose class depends on the names of the fields.
    declared: Option<&'a DeclaredClasses>,
    /// `true` if `3i` is three values, as at the top level of a format of `struct`. `false` if `3i` is one array.
    counts: bool,
    /// The owner of the references in items of format `O`.
    objects: ObjectReferences,
    /// `true` if a consumer of the memory reads the data at addresses in the items. The codec then refuses to write
    /// such addresses.
    typed_pointers: bool,
}

impl Codec {
    /// Creates a codec of the items of `layout`. The codec reads an item as a single value, nested lists or a named
    /// tuple. `objects` is the owner of the references in items of format `O`. If `typed_pointers` is `true`, the codec
    /// refuses to write addresses of data, because a consumer of the memory reads the data at these addresses.
    ///
    /// # Errors
    /// - too many values of 0 bytes, such as the 4294967296 values of `(4294967296)0s`
    #[cfg(test)]
    pub(crate) fn new(
        py: Python<'_>,
        layout: &Layout,
        objects: ObjectReferences,
        typed_pointers: bool,
    ) -> PyResult<Self> {
        Self::with_classes(py, layout, objects, typed_pointers, None)
    }

    /// Creates a codec like [`new`](Self::new). If `declared` is `Some`, records become objects of the classes in
    /// `declared`.
    ///
    /// # Errors
    /// - every error of [`new`](Self::new)
    pub(crate) fn with_classes(
        py: Python<'_>,
        layout: &Layout,
        objects: ObjectReferences,
        typed_pointers: bool,
        declared: Option<&DeclaredClasses>,
    ) -> PyResult<Self> {
        let compiler = Compiler { py, format: None, declared, counts: false, objects, typed_pointers };
        let root = compiler.value(layout.item(), 1)?;
        let primitive = PrimitiveField::of_item(layout.item());
        Ok(Self { size: length(layout.size())?, root, primitive, lenient: false })
    }

    /// Creates a codec that reads an item as a tuple of the values at the top level, as `struct` does. `3i` is three
    /// values, and `3s` is one value. Arrays with a shape are lists, and records are plain tuples. `layout` must be the
    /// layout of `format`.
    ///
    /// # Errors
    /// - every error of [`new`](Self::new)
    pub(crate) fn flat(py: Python<'_>, layout: &Layout, format: &[u8]) -> PyResult<Self> {
        let objects = ObjectReferences::Unknown;
        let compiler =
            Compiler { py, format: Some(format), declared: None, counts: true, objects, typed_pointers: false };
        let root = ValueCodec::Record(compiler.record(layout.fields(), 1)?);
        Ok(Self { size: length(layout.size())?, root, primitive: None, lenient: true })
    }

    /// Returns the size of an item in bytes.
    #[inline]
    pub(crate) fn itemsize(&self) -> usize {
        self.size
    }

    /// Returns the number of values in the tuple of a record. Returns 1 if the item is not a record.
    #[inline]
    pub(crate) fn values(&self) -> usize {
        match &self.root {
            ValueCodec::Record(record) => record.values,
            _ => 1,
        }
    }

    /// Returns an estimate of the memory of the codec in bytes.
    pub(crate) fn cost(&self) -> usize {
        self.root.cost()
    }

    /// Returns a new object for `item`, the bytes of one item. Bytes that are missing are read as 0.
    ///
    /// # Errors
    /// - text with a unit above U+10FFFF: `ValueError`
    /// - a `long double` that is larger than each finite `float`: `OverflowError`
    /// - no memory: `MemoryError`
    #[inline]
    pub(crate) fn read<'py>(&self, py: Python<'py>, item: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        into_result(py, self.read_object(py, item))
    }

    /// Returns a new object for `item`, the bytes of one item. Bytes that are missing are read as 0. If the object
    /// cannot be created, returns `None` and sets the exception in the interpreter.
    #[inline]
    pub(crate) fn read_object<'py>(&self, py: Python<'py>, item: &[u8]) -> NewObject<'py> {
        match self.primitive {
            Some(primitive) => primitive.read(py, item),
            None => self.root.read(py, item),
        }
    }

    /// Returns `true` if each item is a record whose values are numbers and byte strings, and the codec has a
    /// class for the objects of the record.
    #[inline]
    pub(crate) fn reads_plain_records(&self) -> bool {
        matches!(&self.root, ValueCodec::Record(RecordCodec { class: Some(_), primitives: Some(_), .. }))
    }

    /// Returns a new object for `item`, the bytes of one record, if reading the record runs no other code: each value
    /// is a number or a byte string, and the class of the record exists. Otherwise, returns `None` without an
    /// exception.
    #[inline]
    pub(crate) fn read_plain_record<'py>(&self, py: Python<'py>, item: &[u8]) -> Option<NewObject<'py>> {
        match &self.root {
            ValueCodec::Record(RecordCodec { class: Some(class), primitives: Some(primitives), .. }) => {
                Some(class.existing(py)?.object(primitives.iter().map(|value| value.read(py, item))))
            }
            _ => None,
        }
    }

    /// Returns a tuple with the values of `item`: one element for each field of a record, or one element for any other
    /// item. If the codec has classes, the tuple of a record has the class of the record.
    ///
    /// # Errors
    /// - every error of [`read`](Self::read)
    #[inline]
    pub(crate) fn read_fields<'py>(&self, py: Python<'py>, item: &[u8]) -> PyResult<Bound<'py, PyTuple>> {
        match &self.root {
            ValueCodec::Record(record) => Ok(into_result(py, record.read(py, item))?.cast_into()?),
            value => tuple_builder::tuple(py, [value.read(py, item)].into_iter()),
        }
    }

    /// Replaces the elements of `tuple` by the values of `item`, and returns `tuple`. `tuple` must be a result of
    /// [`read_fields`](Self::read_fields) of this codec. Returns `None` if a value is neither a number nor a byte
    /// string, if other references to `tuple` exist, or if the record has a class, because `tuple` may then have
    /// attributes.
    ///
    /// # Errors
    /// - every error of [`read`](Self::read)
    #[inline]
    pub(crate) fn refill_fields<'py>(
        &self,
        py: Python<'py>,
        item: &[u8],
        tuple: Bound<'py, PyTuple>,
    ) -> PyResult<Option<Bound<'py, PyTuple>>> {
        match &self.root {
            ValueCodec::Record(RecordCodec { primitives: Some(primitives), class: None, .. }) => {
                tuple_builder::refill(tuple, primitives.iter().map(|value| value.read(py, item)))
            }
            _ => Ok(None),
        }
    }
}

impl Compiler<'_, '_> {
    /// Compiles `field`. `times` is the number of repetitions of `field` in an item: the product of the lengths of all
    /// enclosing arrays. Returns an error if there are too many values of 0 bytes.
    fn value(&self, field: Field<'_>, times: u64) -> PyResult<ValueCodec> {
        let dims = field.shape();
        if dims.is_empty() {
            return self.element(field, times);
        }
        let all = bounded(field, times)?;
        let shape = dims.iter().map(|dimension| length(*dimension)).collect::<PyResult<Box<[usize]>>>()?;
        let element = Box::new(self.element(field, all)?);
        Ok(ValueCodec::Array { shape, size: length(field.size())?, element })
    }

    /// Compiles one element of `field`. `times` is the number of repetitions of the element in an item. Returns an
    /// error if there are too many values of 0 bytes.
    fn element(&self, field: Field<'_>, times: u64) -> PyResult<ValueCodec> {
        if field.ty() == Type::Record {
            return Ok(ValueCodec::Record(self.record(field.fields(), times)?));
        }
        let scalar = ScalarField::new(field, self.format, self.nans(field))?;
        Ok(ValueCodec::Scalar(ScalarField { objects: self.objects, typed_pointer: self.typed_pointers, ..scalar }))
    }

    /// Returns the conversions of NaNs for `field`. A codec with a format converts NaNs as the interpreter's `struct`
    /// does, and any other codec converts NaNs as the processor does.
    fn nans(&self, field: Field<'_>) -> NanConversions {
        let (exact, quiet) = (NanConversions::both(NanConversion::Exact), NanConversions::both(NanConversion::Quiet));
        let nans = Behavior::current(self.py).nans;
        if self.format.is_none() {
            return quiet;
        }
        let is_host_order = field.endian() == Some(Endian::HOST);
        match (field.ty(), nans) {
            (Type::Float16, StructNans::Quiet) => NanConversions::both(NanConversion::Canonical),
            (Type::Float16, _) => exact,
            (Type::Float32, StructNans::QuietAfterNative) if field.byte_order() == Some(ByteOrder::Native) => {
                NanConversions { read: NanConversion::Quiet, ..exact }
            }
            (Type::Float32, StructNans::QuietInHostOrder) if is_host_order => {
                NanConversions { read: NanConversion::Quiet, ..exact }
            }
            (Type::Float32, StructNans::QuietAfterNative | StructNans::QuietInHostOrder) => exact,
            // `struct` converts a complex number in the byte order of the machine as C does, and a complex number in
            // the other byte order as `f`.
            (Type::Complex64, StructNans::QuietAfterNative | StructNans::QuietInHostOrder) if !is_host_order => exact,
            _ => quiet,
        }
    }

    /// Compiles a record with the fields `fields`. `times` is the number of repetitions of the record in an item.
    /// Returns an error if there are too many values of 0 bytes.
    fn record<'l>(&self, fields: impl Iterator<Item = Field<'l>>, times: u64) -> PyResult<RecordCodec> {
        // Inside of a record, a count such as the 3 of `3i` is a shape.
        let inner = Self { counts: false, ..*self };
        let (mut names, mut codecs, mut values) = (Vec::new(), Vec::new(), 0_usize);
        for (index, field) in fields.enumerate() {
            if let Some(name) = field.name_text() {
                names.resize(index, None);
                names.push(Some(name));
            }
            let declared = self.declared.and_then(|declared| declared.field(index)).map(|field| &**field);
            let compiler = Self { declared, ..if field.ty() == Type::Record { inner } else { *self } };
            let counted = self.counts && self.format.is_some_and(|format| is_count(field, format));
            let (repeat, size, value) = if counted {
                let all = bounded(field, times)?;
                (length(field.count())?, field.size(), compiler.element(field, all)?)
            } else {
                (1, field.total_size(), compiler.value(field, times)?)
            };
            values = values.checked_add(repeat).ok_or(DecodeError::Allocation { bytes: u64::MAX })?;
            codecs.push(FieldCodec { offset: length(field.offset())?, size: length(size)?, repeat, value });
        }
        let class = match (self.format, self.declared) {
            (Some(_), _) => None,
            (None, Some(declared)) => Some(Arc::clone(&declared.class)),
            (None, None) => {
                let named = |index| names.get(index).cloned().flatten().unwrap_or_else(|| default_name(index));
                Some(RecordClass::of(&(0..codecs.len()).map(named).collect::<Vec<String>>()))
            }
        };
        let primitives = primitive_fields(&codecs, values);
        Ok(RecordCodec { class, names, fields: codecs, primitives, values })
    }
}

/// Returns the number of elements of `field` in an item. `times` is the number of repetitions of the field in the item.
/// If an element has 0 bytes, checks the number of elements. For larger elements, the size of the memory limits the
/// number.
///
/// # Errors
/// - more than `ZERO_SIZED_LIMIT` elements of 0 bytes, or more than `ZERO_SIZED_LIMIT` lists of these elements
fn bounded(field: Field<'_>, times: u64) -> PyResult<u64> {
    let all = times.saturating_mul(field.count());
    let lists = field.shape().iter().take_while(|dimension| **dimension != 0);
    let lists = lists.fold(times, |lists, dimension| lists.saturating_mul(*dimension));
    let count = all.max(lists);
    if field.total_size() == 0 && count > ZERO_SIZED_LIMIT {
        return Err(DecodeError::ZeroSized { count, limit: ZERO_SIZED_LIMIT }.into());
    }
    Ok(all)
}

/// Returns `true` if `format` declares the length of `field` as a count (`3i`), and `false` if `format` declares the
/// length as a shape (`(3)i`). A shape ends with a parenthesis. The search skips white space and byte-order characters,
/// which may follow the shape.
fn is_count(field: Field<'_>, format: &[u8]) -> bool {
    let before = format.get(..field.span().start()).unwrap_or_default();
    let last = before.iter().rev().find(|byte| !byte.is_ascii_whitespace() && !b"@=<>!^&".contains(byte));
    field.shape().len() == 1 && last != Some(&b')')
}

/// Converts `size`, a size or an offset in bytes, to `usize`.
///
/// # Errors
/// - `size` does not fit the address space
fn length(size: u64) -> PyResult<usize> {
    usize::try_from(size).map_err(|_| DecodeError::Allocation { bytes: size }.into())
}

impl ValueCodec {
    /// Returns a new object for `bytes`, the bytes of the value. If the value cannot be read, returns `None` and sets
    /// the exception.
    #[inline]
    fn read<'py>(&self, py: Python<'py>, bytes: &[u8]) -> NewObject<'py> {
        match self {
            Self::Scalar(scalar) => scalar.read(py, bytes),
            Self::Array { shape, size, element } => {
                from_result(py, nested(py, bytes, shape, *size, element).map(Bound::into_any))
            }
            Self::Record(record) => record.read(py, bytes),
        }
    }

    /// Returns an estimate of the memory of the codec in bytes.
    fn cost(&self) -> usize {
        let own = size_of::<Self>();
        match self {
            Self::Scalar(_) => own,
            Self::Array { element, .. } => own.saturating_add(element.cost()),
            Self::Record(record) => {
                let primitives = record.primitives.as_ref().map_or(0, Vec::len);
                let own = own.saturating_add(primitives.saturating_mul(size_of::<PrimitiveField>()));
                let fields = record.fields.iter().map(|field| field.value.cost());
                let names = record.names.iter().flatten().map(String::len);
                fields.chain(names).fold(own, usize::saturating_add)
            }
        }
    }
}

impl RecordCodec {
    /// Returns an object of the class of the record, or a plain tuple without a class, for `bytes`, the bytes of the
    /// record. If it cannot be created, returns `None` and sets the exception.
    fn read<'py>(&self, py: Python<'py>, bytes: &[u8]) -> NewObject<'py> {
        let Some(class) = &self.class else { return from_result(py, self.tuple(py, bytes).map(Bound::into_any)) };
        let class = match class.get(py) {
            Ok(class) => class,
            Err(error) => return from_result(py, Err(error)),
        };
        match &self.primitives {
            Some(primitives) => class.object(primitives.iter().map(|value| value.read(py, bytes))),
            // In a view, each field is one value (`repeat` is 1), so the index of the value is 0.
            None => class.object(self.fields.iter().map(|field| field.value.read(py, field.bytes(bytes, 0)))),
        }
    }

    /// Returns a plain tuple of all values in `bytes`, the bytes of the record. A repeated field has several values.
    #[inline]
    fn tuple<'py>(&self, py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyTuple>> {
        if let Some(primitives) = &self.primitives {
            return tuple_builder::tuple(py, primitives.iter().map(|value| value.read(py, bytes)));
        }
        let values = Values { fields: self.fields.iter(), field: None, index: 0, left: self.values };
        tuple_builder::tuple(py, values.map(|(field, index)| field.value.read(py, field.bytes(bytes, index))))
    }

    /// Returns the name of the field with the index `field`, for error messages. If the field has no name, returns a
    /// name with the index, such as `f0`.
    pub(super) fn name(&self, field: usize) -> Cow<'_, str> {
        match self.names.get(field) {
            Some(Some(name)) => Cow::Borrowed(name),
            _ => Cow::Owned(default_name(field)),
        }
    }
}

impl FieldCodec {
    /// Returns the offset in the record, in bytes, of the repetition `index` of the field. `index` must be less than
    /// `repeat`.
    #[inline]
    pub(super) fn start(&self, index: usize) -> usize {
        self.offset.saturating_add(self.size.saturating_mul(index))
    }

    /// Returns the bytes of one value of the field. `record` contains the bytes of the enclosing record. `index` is the
    /// number of the repetition: the second value of `3i` has the index 1. Returns an empty slice if `record` is too
    /// short.
    #[inline]
    pub(super) fn bytes<'b>(&self, record: &'b [u8], index: usize) -> &'b [u8] {
        let start = self.start(index);
        record.get(start..start.saturating_add(self.size)).unwrap_or_default()
    }

    /// Returns the bytes of one value of the field as a mutable slice. `record` contains the bytes of the enclosing
    /// record, and `index` is the number of the repetition. Returns an empty slice if `record` is too short.
    pub(super) fn bytes_mut<'b>(&self, record: &'b mut [u8], index: usize) -> &'b mut [u8] {
        let start = self.start(index);
        record.get_mut(start..start.saturating_add(self.size)).unwrap_or_default()
    }
}

/// Iterates over the values of a record. Yields a pair for each value: the field, and the number of the repetition of
/// the field.
struct Values<'a> {
    fields: std::slice::Iter<'a, FieldCodec>,
    field: Option<&'a FieldCodec>,
    index: usize,
    left: usize,
}

impl<'a> Iterator for Values<'a> {
    type Item = (&'a FieldCodec, usize);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(field) = self.field.filter(|field| self.index < field.repeat) {
                let index = self.index;
                self.index = index.saturating_add(1);
                self.left = self.left.saturating_sub(1);
                return Some((field, index));
            }
            self.field = Some(self.fields.next()?);
            self.index = 0;
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Values<'_> {}

/// Reads `bytes`, the elements of an array, as nested lists. `shape` is the shape of the array and must have at least
/// one dimension. `size` is the size of an element in bytes. Returns an error if an element cannot be read, or if there
/// is no memory.
fn nested<'py>(
    py: Python<'py>,
    bytes: &[u8],
    shape: &[usize],
    size: usize,
    element: &ValueCodec,
) -> PyResult<Bound<'py, PyList>> {
    let Some((count, inner)) = shape.split_first() else { return list(py, std::iter::empty()) };
    let size_inner = inner.iter().fold(size, |size, dimension| size.saturating_mul(*dimension));
    let element_bytes = |index: usize| {
        let start = index.saturating_mul(size_inner);
        bytes.get(start..start.saturating_add(size_inner)).unwrap_or_default()
    };
    if !inner.is_empty() {
        let rows = (0..*count).map(|index| nested(py, element_bytes(index), inner, size, element));
        return list(py, rows.map(|row| from_result(py, row.map(Bound::into_any))));
    }
    // Each arm has a separate loop, so that the loop does not check the kind of every element.
    match element {
        ValueCodec::Scalar(scalar) => list(py, (0..*count).map(|index| scalar.read(py, element_bytes(index)))),
        element => list(py, (0..*count).map(|index| element.read(py, element_bytes(index)))),
    }
}

/// The maximum number of values in the list of [`primitive_fields`]. Each value needs 16 bytes in the list. A record
/// with more values is read field by field.
const MOST: usize = 1024;

/// Returns one `PrimitiveField` for each value of a record with the fields `fields`. `values` is the number of
/// values. A field that is repeated three times has three entries. Returns `None` if a value is not primitive, or
/// if `values` is more than `MOST`.
fn primitive_fields(fields: &[FieldCodec], values: usize) -> Option<Vec<PrimitiveField>> {
    if values > MOST {
        return None;
    }
    let mut all = Vec::with_capacity(values);
    for field in fields {
        let ValueCodec::Scalar(scalar) = &field.value else { return None };
        for repeated in 0..field.repeat {
            all.push(PrimitiveField::of_scalar(scalar, field.start(repeated), field.size)?);
        }
    }
    Some(all)
}
