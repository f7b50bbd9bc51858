//! `Codec`: a layout compiled for Python objects.

use std::borrow::Cow;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use super::float::{NanConversion, NanConversions};
use super::primitive::PrimitiveField;
use super::record_class::RecordClass;
use super::scalar::ScalarField;
use crate::behavior::{Behavior, StructNans};
use crate::field::default_name;
use crate::objects::{NewObject, from_result, into_result};
use crate::tuple_builder::{self, Filling, list};
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
    /// The item, if it is one primitive value.
    pub(super) primitive: Option<PrimitiveField>,
    /// Whether values that do not fit are truncated or made infinite where `struct` does so.
    pub(super) lenient: bool,
}

/// A value: a scalar, an array or a record.
#[derive(Debug)]
pub(super) enum ValueCodec {
    Scalar(ScalarField),
    /// Contiguous elements of `size` bytes.
    Array {
        shape: Box<[usize]>,
        size: usize,
        element: Box<ValueCodec>,
    },
    Record(RecordCodec),
}

#[derive(Debug)]
pub(super) struct RecordCodec {
    /// The class of the named tuples; `None` for plain tuples.
    class: Option<Arc<RecordClass>>,
    /// The names of the fields; empty if none of them has one.
    names: Vec<Option<String>>,
    pub(super) fields: Vec<FieldCodec>,
    /// All values, if each of them is primitive.
    pub(super) primitives: Option<Vec<PrimitiveField>>,
    /// The number of values: a field has as many as it is repeated.
    pub(super) values: usize,
}

/// A field of a record.
#[derive(Debug)]
pub(super) struct FieldCodec {
    /// From the start of the record, in bytes.
    pub(super) offset: usize,
    /// The size of one value in bytes.
    pub(super) size: usize,
    /// The number of contiguous values: 3 for `3i`, if counts are counts as in `struct`.
    pub(super) repeat: usize,
    pub(super) value: ValueCodec,
}

/// The choices by which a layout is compiled.
#[derive(Clone, Copy)]
struct Compiler<'a, 'py> {
    py: Python<'py>,
    /// The format that the layout was read from, for tuples as `struct` has them; `None` for named tuples.
    format: Option<&'a [u8]>,
    /// Whether a count such as that of `3i` means three values. It does at the top level of `struct`'s formats.
    counts: bool,
    /// The owner of the references in items of format `O`.
    objects: ObjectReferences,
    /// Whether a consumer follows the addresses of data.
    typed_pointers: bool,
}

impl Codec {
    /// Items as single values, nested lists or named tuples. `objects` tells who owns the references of `O`. With
    /// `typed_pointers`, addresses of data are not written, because a consumer follows them.
    ///
    /// # Errors
    /// - `(4294967296)0s`: that many values of no bytes
    pub(crate) fn new(
        py: Python<'_>,
        layout: &Layout,
        objects: ObjectReferences,
        typed_pointers: bool,
    ) -> PyResult<Self> {
        let compiler = Compiler { py, format: None, counts: false, objects, typed_pointers };
        let root = compiler.value(layout.item(), 1)?;
        let primitive = PrimitiveField::of_item(layout.item());
        Ok(Self { size: length(layout.size())?, root, primitive, lenient: false })
    }

    /// Items as tuples of the values at the top level, as in `struct`: `3i` is three values and `3s` one.
    /// Arrays with a shape are lists, records plain tuples. The layout was read from `format`.
    ///
    /// # Errors
    /// - as [`new`](Self::new)
    pub(crate) fn flat(py: Python<'_>, layout: &Layout, format: &[u8]) -> PyResult<Self> {
        let objects = ObjectReferences::Unknown;
        let compiler = Compiler { py, format: Some(format), counts: true, objects, typed_pointers: false };
        let root = ValueCodec::Record(compiler.record(layout.fields(), 1)?);
        Ok(Self { size: length(layout.size())?, root, primitive: None, lenient: true })
    }

    /// The size of an item in bytes.
    #[inline]
    pub(crate) fn itemsize(&self) -> usize {
        self.size
    }

    /// The number of values in a record; 1 for any other item.
    #[inline]
    pub(crate) fn values(&self) -> usize {
        match &self.root {
            ValueCodec::Record(record) => record.values,
            _ => 1,
        }
    }

    /// An estimate of the memory of the codec in bytes.
    pub(crate) fn cost(&self) -> usize {
        self.root.cost()
    }

    /// The object for an item. Missing bytes are read as 0.
    ///
    /// # Errors
    /// - text with a unit above U+10FFFF
    /// - no memory: `MemoryError`
    #[inline]
    pub(crate) fn read<'py>(&self, py: Python<'py>, item: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        match self.primitive {
            Some(primitive) => into_result(py, primitive.read(py, item)),
            None => into_result(py, self.root.read(py, item)),
        }
    }

    /// Appends the objects of contiguous items to a list.
    ///
    /// # Errors
    /// - as [`read`](Self::read)
    pub(crate) fn read_all<'py>(&self, py: Python<'py>, items: &[u8], list: &mut Filling<'py>) -> PyResult<()> {
        match self.primitive {
            Some(primitive) => primitive.read_all(py, items, list),
            None => items.chunks_exact(self.size.max(1)).try_for_each(|item| {
                list.push(into_result(py, self.root.read(py, item))?);
                Ok(())
            }),
        }
    }

    /// The values of an item: those of a record as a plain tuple, any other item as a tuple of one value.
    ///
    /// # Errors
    /// - as [`read`](Self::read)
    #[inline]
    pub(crate) fn read_fields<'py>(&self, py: Python<'py>, item: &[u8]) -> PyResult<Bound<'py, PyTuple>> {
        match &self.root {
            ValueCodec::Record(record) => record.tuple(py, item),
            value => tuple_builder::tuple(py, [value.read(py, item)].into_iter()),
        }
    }

    /// As [`read_fields`](Self::read_fields), in the tuple that it returned for another item, if the caller has
    /// the only reference to that tuple and all values are primitive. `None` if not.
    ///
    /// # Errors
    /// - as [`read`](Self::read)
    #[inline]
    pub(crate) fn refill_fields<'py>(
        &self,
        py: Python<'py>,
        item: &[u8],
        tuple: Bound<'py, PyTuple>,
    ) -> PyResult<Option<Bound<'py, PyTuple>>> {
        match &self.root {
            ValueCodec::Record(RecordCodec { primitives: Some(primitives), .. }) => {
                tuple_builder::refill(tuple, primitives.iter().map(|value| value.read(py, item)))
            }
            _ => Ok(None),
        }
    }
}

impl Compiler<'_, '_> {
    /// `times` is the number of elements of all enclosing arrays.
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

    fn element(&self, field: Field<'_>, times: u64) -> PyResult<ValueCodec> {
        if field.ty() == Type::Record {
            return Ok(ValueCodec::Record(self.record(field.fields(), times)?));
        }
        let scalar = ScalarField::new(field, self.format, self.nans(field))?;
        Ok(ValueCodec::Scalar(ScalarField { objects: self.objects, typed_pointer: self.typed_pointers, ..scalar }))
    }

    /// Returns the conversions of NaNs for `field`: those of the interpreter's `struct` if the codec has a format, and
    /// those of the processor otherwise.
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
            // `struct` converts complex numbers in the byte order of the machine as C does, and others as `f`.
            (Type::Complex64, StructNans::QuietAfterNative | StructNans::QuietInHostOrder) if !is_host_order => exact,
            _ => quiet,
        }
    }

    fn record<'l>(&self, fields: impl Iterator<Item = Field<'l>>, times: u64) -> PyResult<RecordCodec> {
        // Inside of a record a count is a shape.
        let inner = Self { counts: false, ..*self };
        let (mut names, mut codecs, mut values) = (Vec::new(), Vec::new(), 0_usize);
        for (index, field) in fields.enumerate() {
            if let Some(name) = field.name_text() {
                names.resize(index, None);
                names.push(Some(name));
            }
            let compiler = if field.ty() == Type::Record { &inner } else { self };
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
        let class = match self.format {
            Some(_) => None,
            None => {
                let named = |index| names.get(index).cloned().flatten().unwrap_or_else(|| default_name(index));
                Some(RecordClass::of(&(0..codecs.len()).map(named).collect::<Vec<String>>()))
            }
        };
        let primitives = PrimitiveField::all(&codecs, values);
        Ok(RecordCodec { class, names, fields: codecs, primitives, values })
    }
}

/// The number of elements, which their bytes bound; if they have no bytes, it is small, and so is the number of
/// lists that hold them.
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

/// Whether the dimension of a field is a count (`3i`) and not a shape (`(3)i`), which ends with a parenthesis.
/// White space and byte-order characters may be between the shape and the type.
fn is_count(field: Field<'_>, format: &[u8]) -> bool {
    let before = format.get(..field.span().start()).unwrap_or_default();
    let last = before.iter().rev().find(|byte| !byte.is_ascii_whitespace() && !b"@=<>!^&".contains(byte));
    field.shape().len() == 1 && last != Some(&b')')
}

/// A size or an offset of the layout, on this machine.
fn length(size: u64) -> PyResult<usize> {
    usize::try_from(size).map_err(|_| DecodeError::Allocation { bytes: size }.into())
}

impl ValueCodec {
    #[inline]
    fn read<'py>(&self, py: Python<'py>, bytes: &[u8]) -> NewObject<'py> {
        match self {
            Self::Scalar(scalar) => scalar.read(py, bytes),
            Self::Array { shape, size, element } => {
                from_result(py, nested(py, bytes, shape, *size, element).map(Bound::into_any))
            }
            Self::Record(record) => from_result(py, record.read(py, bytes)),
        }
    }

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
    fn read<'py>(&self, py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        let Some(class) = &self.class else { return Ok(self.tuple(py, bytes)?.into_any()) };
        let class = class.get(py)?;
        match &self.primitives {
            Some(primitives) => class.object(primitives.iter().map(|value| value.read(py, bytes))),
            // Records with a class have no counts: each field is one value.
            None => class.object(self.fields.iter().map(|field| field.value.read(py, field.bytes(bytes, 0)))),
        }
    }

    #[inline]
    fn tuple<'py>(&self, py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyTuple>> {
        if let Some(primitives) = &self.primitives {
            return tuple_builder::tuple(py, primitives.iter().map(|value| value.read(py, bytes)));
        }
        let values = Values { fields: self.fields.iter(), field: None, index: 0, left: self.values };
        tuple_builder::tuple(py, values.map(|(field, index)| field.value.read(py, field.bytes(bytes, index))))
    }

    /// The name of a field in messages.
    pub(super) fn name(&self, field: usize) -> Cow<'_, str> {
        match self.names.get(field) {
            Some(Some(name)) => Cow::Borrowed(name),
            _ => Cow::Owned(default_name(field)),
        }
    }
}

impl FieldCodec {
    /// The offset of one of the values in bytes.
    #[inline]
    pub(super) fn start(&self, index: usize) -> usize {
        self.offset.saturating_add(self.size.saturating_mul(index))
    }

    /// The bytes of one of the values.
    #[inline]
    fn bytes<'b>(&self, record: &'b [u8], index: usize) -> &'b [u8] {
        let start = self.start(index);
        record.get(start..start.saturating_add(self.size)).unwrap_or_default()
    }

    /// The bytes of one of the values, to be written.
    pub(super) fn bytes_mut<'b>(&self, record: &'b mut [u8], index: usize) -> &'b mut [u8] {
        let start = self.start(index);
        record.get_mut(start..start.saturating_add(self.size)).unwrap_or_default()
    }
}

/// The values of a record: each field, and the index among its repeated values.
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

/// Elements of `size` bytes as nested lists. The shape has at least one dimension.
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
    // The loop over scalars has one `match` less.
    match element {
        ValueCodec::Scalar(scalar) => list(py, (0..*count).map(|index| scalar.read(py, element_bytes(index)))),
        element => list(py, (0..*count).map(|index| element.read(py, element_bytes(index)))),
    }
}
