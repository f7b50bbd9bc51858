//! `Item`: the codec, the format and the fields that the Python package caches for an `ItemDescription`. `Child`
//! describes one cached field.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use pep3118::__private::{Cache, abridge, escape};
use pep3118::Endian;
use pep3118::layout::{ChosenField, Field, Layout, Type};
use pep3118::py::{ItemDescription, ObjectReferences};
use pep3118::view::ViewError;
use pyo3::exceptions::{PyKeyError, PySystemError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyString;

use super::arrangement::FieldArrangement;
use super::exported_format::ExportedFormat;
use crate::errors::FIELD_NAME_ERROR;
use crate::field::default_name;
use crate::objects;
use crate::values::{Codec, DeclaredClasses, PrimitiveField};

/// The maximum number of fields that are cached for one item description.
const CHILDREN: usize = 1 << 12;

/// The data that the Python package needs for an item in addition to its [`ItemDescription`].
///
/// The description owns this struct, so that all views with the same description share the struct. Most fields are
/// calculated at their first use.
pub(super) struct Item {
    /// The type and the byte order of the value if an item is one number or byte string. `None` for any other item.
    primitive: Option<PrimitiveField>,
    codec: PyOnceLock<Codec>,
    /// The classes that the user has declared for the records of the item. `None` if records become named tuples.
    declared: Option<Arc<DeclaredClasses>>,
    format: PyOnceLock<Py<PyString>>,
    exported_format: OnceLock<ExportedFormat>,
    /// The fields that `view["name"]` has accessed, by their names. No Python code runs while the cache is locked.
    children: Mutex<Cache<Box<str>, Child>>,
    /// The columns that `view.columns()` has created. The key is the index of the leaf, a field that is not a record.
    /// No Python code runs while the map is locked.
    columns: Mutex<HashMap<usize, Arc<ColumnItem>>>,
    /// The bytes of the item that an assignment writes, without padding. `None` if an assignment writes all bytes.
    written: PyOnceLock<Option<Box<[ByteRange]>>>,
    /// The offsets of the references to objects in the item, in bytes.
    objects: PyOnceLock<Box<[usize]>>,
    /// `true` if an item has bit-fields.
    has_bit_fields: bool,
    /// `true` if the item has references to objects whose owner is known (`ObjectReferences`).
    has_objects: bool,
    /// `true` if the item has addresses that a consumer of the memory follows. Assignments never write these addresses.
    has_addresses: bool,
    /// `true` if the item has references to objects whose owner is unknown.
    has_unknown_objects: bool,
}

/// The name of a column, and the description of its elements.
#[derive(Debug)]
pub(super) struct ColumnItem {
    pub(super) name: Py<PyString>,
    /// The lengths of the dimensions of the field in one record.
    pub(super) shape: Vec<i64>,
    pub(super) description: Arc<ItemDescription>,
}

/// Adjacent bytes of an item, or some bits of one byte.
#[derive(Clone, Copy, Debug)]
pub(super) struct ByteRange {
    /// The offset of the first byte in the item.
    pub(super) offset: usize,
    /// The number of bytes.
    pub(super) len: usize,
    /// The bits of each byte that are in the range: all bits, or the bits of a bit-field in one byte.
    pub(super) mask: u8,
}

/// A field of an item. The items of a view of the field are the elements of the field.
#[derive(Debug)]
pub(super) struct Child {
    /// The arrangement of the elements of the field in one item.
    pub(super) elements: FieldArrangement,
    pub(super) item: Arc<ItemDescription>,
    /// The value of an element that is one primitive value; `None` for any other element.
    pub(super) primitive: Option<PrimitiveField>,
}

impl Item {
    /// Returns the `Item` that is attached to `description`. Creates and attaches the `Item` if there is none.
    ///
    /// # Errors
    /// - 16 values of other Rust types than `Item` are attached to `description`: `SystemError`
    pub(super) fn of(description: &ItemDescription) -> PyResult<&Self> {
        let item = description.attached(|| Self::new(description, None));
        item.ok_or_else(|| objects::error::<PySystemError>("the description of an item has too many attachments"))
    }

    /// Creates the `Item` for the items that `description` describes. Records become objects of the classes in
    /// `declared`. If `declared` is `None`, records become named tuples.
    fn new(description: &ItemDescription, declared: Option<Arc<DeclaredClasses>>) -> Self {
        let is = |wanted: &dyn Fn(Type) -> bool| description.plan().leaves().iter().any(|leaf| wanted(leaf.ty()));
        let followed = |ty| {
            matches!(ty, Type::CharPointer | Type::WcharPointer | Type::Function)
                || ty == Type::Pointer && description.has_typed_pointers()
                || ty == Type::Object && description.objects() != ObjectReferences::Memory
        };
        Self {
            primitive: PrimitiveField::of_item(description.item()),
            codec: PyOnceLock::new(),
            declared,
            format: PyOnceLock::new(),
            exported_format: OnceLock::new(),
            children: Mutex::new(Cache::new(CHILDREN, CHILDREN)),
            columns: Mutex::default(),
            written: PyOnceLock::new(),
            objects: PyOnceLock::new(),
            has_bit_fields: description.plan().leaves().iter().any(|leaf| leaf.bit_field().is_some()),
            has_objects: description.objects() != ObjectReferences::Unknown && is(&|ty| ty == Type::Object),
            has_addresses: is(&followed),
            has_unknown_objects: description.objects() == ObjectReferences::Unknown && is(&|ty| ty == Type::Object),
        }
    }

    /// Returns the type and the byte order of the value if an item is one number or byte string. Returns `None` for any
    /// other item.
    #[inline]
    pub(super) fn primitive(&self) -> Option<PrimitiveField> {
        self.primitive
    }

    /// Returns the codec of the items of `description`. The codec converts between items and Python objects.
    ///
    /// # Errors
    /// - an item has too many values of 0 bytes, such as `(4294967296)0s`
    #[inline]
    pub(super) fn codec(&self, py: Python<'_>, description: &ItemDescription) -> PyResult<&Codec> {
        self.codec.get_or_try_init(py, || {
            let (objects, typed_pointers) = (description.objects(), description.has_typed_pointers());
            Codec::with_classes(py, description.layout(), objects, typed_pointers, self.declared.as_deref())
        })
    }

    /// Returns the codec, or `None` if [`codec`](Self::codec) was not called yet.
    #[inline]
    pub(super) fn existing_codec(&self, py: Python<'_>) -> Option<&Codec> {
        self.codec.get(py)
    }

    /// Returns the format of `description` as text. Bytes that are not UTF-8 are lone surrogates. Returns an error if
    /// there is no memory.
    pub(super) fn format<'py>(&self, py: Python<'py>, description: &ItemDescription) -> PyResult<Bound<'py, PyString>> {
        let made = self.format.get_or_try_init(py, || objects::utf8_text(py, description.format()).map(Bound::unbind));
        Ok(made?.bind(py).clone())
    }

    /// Returns the format in the buffers that a view of such items exports. `description` is the description of this
    /// item. `None` means that the view refuses a request for the format.
    pub(super) fn exported_format<'d>(&'d self, description: &'d ItemDescription) -> Option<&'d [u8]> {
        match self.exported_format.get_or_init(|| ExportedFormat::of(description)) {
            ExportedFormat::Own => Some(description.format()),
            ExportedFormat::Other(format) => Some(format),
            ExportedFormat::Refused => None,
        }
    }

    /// Returns the bytes and bits that an assignment copies to an item with the description `description`. An
    /// assignment does not copy padding. If the exporter is a ctypes object, an assignment does not copy references to
    /// objects either, because ctypes assigns the objects itself. `None` means all bytes.
    pub(super) fn written_bytes(
        &self,
        py: Python<'_>,
        description: &ItemDescription,
    ) -> PyResult<Option<&[ByteRange]>> {
        let plan = description.plan();
        if plan.is_one_leaf() && description.objects() != ObjectReferences::Exporter && !self.has_bit_fields {
            return Ok(None);
        }
        let written = self.written.get_or_try_init(py, || {
            let mut cells: Vec<ByteRange> = Vec::new();
            // If the exporter (ctypes) owns the references, ctypes writes the references.
            let skipped = description.objects() == ObjectReferences::Exporter;
            let each = &mut |field: Field<'_>, offset: usize, count: usize| {
                if skipped && field.ty() == Type::Object {
                    return Ok(());
                }
                if let Some(bits) = field.bit_field() {
                    // The count of a bit-field is 1, except for a format such as `(2)5t`.
                    for index in 0..count {
                        let start = offset.saturating_add(size(field.size()).saturating_mul(index));
                        for (offset, mask) in (start..).zip(bits.masks(field.endian().unwrap_or(Endian::HOST))) {
                            push(&mut cells, ByteRange { offset, len: 1, mask })?;
                        }
                    }
                    return Ok(());
                }
                let len = size(field.size()).saturating_mul(count);
                match cells.last_mut() {
                    Some(last) if last.mask == u8::MAX && last.offset.saturating_add(last.len) == offset => {
                        last.len = last.len.saturating_add(len);
                    }
                    _ => push(&mut cells, ByteRange { offset, len, mask: u8::MAX })?,
                }
                Ok(())
            };
            each_value(description.item(), 0, each)?;
            cells.sort_by_key(|cell| cell.offset);
            let (mut end, mut whole) = (0_usize, true);
            for cell in &cells {
                whole &= cell.offset <= end && cell.mask == u8::MAX;
                end = end.max(cell.offset.saturating_add(cell.len));
            }
            Ok::<_, PyErr>((!whole || end != plan.itemsize()).then(|| cells.into()))
        });
        Ok(written?.as_deref())
    }

    /// Returns the offsets of the references to objects in an item of `description`, in bytes, if the owner of the
    /// references is known. Returns an empty slice if the owner is unknown.
    ///
    /// # Errors
    /// - no memory: `MemoryError`
    pub(super) fn reference_offsets(&self, py: Python<'_>, description: &ItemDescription) -> PyResult<&[usize]> {
        if !self.has_objects {
            return Ok(&[]);
        }
        let objects = self.objects.get_or_try_init(py, || {
            let mut objects = Vec::new();
            let each = &mut |field: Field<'_>, offset: usize, count| {
                if field.ty() == Type::Object {
                    for index in 0..count {
                        push(&mut objects, offset.saturating_add(size(field.size()).saturating_mul(index)))?;
                    }
                }
                Ok(())
            };
            each_value(description.item(), 0, each)?;
            Ok::<_, PyErr>(objects.into())
        });
        Ok(objects?)
    }

    /// Returns `true` if an item has references to objects whose owner is known.
    #[inline]
    pub(super) fn has_objects(&self) -> bool {
        self.has_objects
    }

    /// Returns the cached description of the column of a leaf, a field that is not a record. `leaf` is the index of the
    /// leaf among all leaves of the item. If no description is cached, calls `make` and caches the result.
    ///
    /// # Errors
    /// - an error of `make`
    pub(super) fn column(&self, leaf: usize, make: impl FnOnce() -> PyResult<ColumnItem>) -> PyResult<Arc<ColumnItem>> {
        let columns = self.columns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(column) = columns.get(&leaf) {
            return Ok(Arc::clone(column));
        }
        drop(columns);
        let column = Arc::new(make()?);
        let mut columns = self.columns.lock().unwrap_or_else(PoisonError::into_inner);
        columns.insert(leaf, Arc::clone(&column));
        Ok(column)
    }

    /// Returns `true` if an item has addresses that a consumer of the memory follows. If so, the caller must not copy
    /// the bytes of another item to the item.
    pub(super) fn has_addresses(&self) -> bool {
        self.has_addresses
    }

    /// Returns `true` if an item has references to objects whose owner is unknown. If so, the caller must not export
    /// the format of the item, because a consumer would use arbitrary bytes as addresses of objects.
    pub(super) fn has_unknown_objects(&self) -> bool {
        self.has_unknown_objects
    }

    /// Calls `call` with the field `name` of the items of `description`. A dotted name such as `a.b` names a field of a
    /// field.
    ///
    /// `call` must not create or drop Python objects, because the mutex of the cache of fields is locked during the
    /// call.
    ///
    /// # Errors
    /// - no field has the name, or several fields have the name: `FieldNameError`
    /// - an error of `call`
    pub(super) fn with_child<T>(
        &self,
        description: &ItemDescription,
        name: &Bound<'_, PyString>,
        call: impl Fn(&Child) -> Result<T, ViewError>,
    ) -> PyResult<T> {
        // A `str` stores its hash, so the hash is computed only once.
        let (hash, name) = (u64::from_ne_bytes(i64::try_from(name.hash()?)?.to_ne_bytes()), name.to_cow()?);
        let mut children = self.children.lock().unwrap_or_else(PoisonError::into_inner);
        let called = children.get(hash, |known| **known == name).map(&call);
        drop(children);
        if let Some(called) = called {
            return Ok(called?);
        }
        let child = Child::find(description, &name, self.declared.as_ref())?;
        let called = call(&child);
        let mut children = self.children.lock().unwrap_or_else(PoisonError::into_inner);
        let replaced = children.insert(hash, name.as_ref().into(), child, 1);
        drop(children);
        drop(replaced);
        Ok(called?)
    }
}

impl Child {
    /// Creates the field with the elements `elements`, which are items of `item`. Returns the error of [`Item::of`].
    fn of(elements: FieldArrangement, item: Arc<ItemDescription>) -> PyResult<Self> {
        let primitive = Item::of(&item)?.primitive();
        Ok(Self { elements, item, primitive })
    }

    /// Describes the field `name` of an item of `description`. `name` is the name of a field, or a dotted path such as
    /// `a.b`. `declared` are the declared classes of the item, or `None`.
    ///
    /// # Errors
    /// - no field has the name, or several fields have the name: `FieldNameError`
    /// - the errors of [`new`](Self::new)
    #[cold]
    fn find(description: &ItemDescription, name: &str, declared: Option<&Arc<DeclaredClasses>>) -> PyResult<Self> {
        let path = path(description.item(), name)?.ok_or_else(|| no_field(description, name))?;
        Self::new(description, &path, declared)
    }

    /// Describes records that have only the fields `names` of an item of `description`. These records have the size of
    /// the item.
    ///
    /// # Errors
    /// - no field has the name, or several fields have the name: `FieldNameError`
    /// - `names` contains a name twice, or a field in an array of records: `ValueError`
    pub(super) fn of_fields(description: &ItemDescription, names: &[String]) -> PyResult<Self> {
        let item = description.item();
        let (mut known, mut chosen) = (HashSet::new(), Vec::new());
        for name in names {
            if !known.insert(name) {
                let message = format!("the field '{}' is given twice", escape(name));
                return Err(objects::error::<PyValueError>(message));
            }
            let found = path(item, name)?.ok_or_else(|| no_field(description, name))?;
            // The first entry is the item itself if the item is an array of records.
            let found = if item.shape().is_empty() { &found[..] } else { found.get(1..).unwrap_or_default() };
            let Some((field, outer)) = found.split_last() else { return Err(no_field(description, name)) };
            if outer.iter().any(|record| !record.shape().is_empty()) {
                let name = escape(name);
                return Err(objects::error::<PyValueError>(format!(
                    "'{name}' is in an array of records, so that no record of the same size has it as a field\n\
                     help: view['{name}'] is a view of this field alone"
                )));
            }
            let offset = found.iter().fold(0_u64, |offset, field| offset.saturating_add(field.offset()));
            chosen.push(ChosenField { name: Some(name.as_bytes()), offset, field: *field });
        }
        let path = if item.shape().is_empty() { &[] } else { std::slice::from_ref(&item) };
        let child = Self::new(description, path, None)?;
        Self::of(child.elements, description.of_part(item.with_fields(&chosen))?)
    }

    /// Describes the field with the index `index` of an item of `description`.
    ///
    /// # Errors
    /// - there is no such field: `FieldNameError`
    pub(super) fn at(description: &ItemDescription, index: usize) -> PyResult<Self> {
        let item = description.item();
        let field = item.fields().nth(index).ok_or_else(|| no_field(description, &default_name(index)))?;
        Self::new(description, &[field], None)
    }

    /// Describes the elements of an item of `description`. The item must be an array.
    pub(super) fn elements(description: &ItemDescription) -> PyResult<Self> {
        Self::new(description, &[description.item()], None)
    }

    /// Describes the first `len` bytes of an item of `description`. The item must be one value. If the item is text,
    /// the bytes have the type of the item; otherwise the bytes are a byte string.
    pub(super) fn start(description: &ItemDescription, len: u64) -> PyResult<Self> {
        let item = description.item();
        let is_text = matches!(item.ty(), Type::Ucs2 | Type::Ucs4 | Type::Wchar);
        let ty = if is_text { item.ty() } else { Type::Bytes };
        let layout = Layout::of_one(ty, len, item.endian().filter(|_| is_text), item.model());
        let around = i64::try_from(description.plan().itemsize())?;
        let elements = FieldArrangement::new(around, (0, i64::try_from(len)?), (&[], &[]))?;
        Self::of(elements, ItemDescription::of_layout(layout)?)
    }

    /// Describes the last field of `path` in an item of `description`. The first entry of `path` is a field of the
    /// item, and each later entry is a field of the entry before it. The dimensions of all fields in `path` become
    /// dimensions of a view of the last field. `declared` are the declared classes of the item, or `None`.
    ///
    /// # Errors
    /// - a size or an offset does not fit 63 bits: `KeyError`
    /// - as `ItemDescription::of_field`
    fn new(
        description: &ItemDescription,
        path: &[Field<'_>],
        declared: Option<&Arc<DeclaredClasses>>,
    ) -> PyResult<Self> {
        let size = |size: u64| i64::try_from(size).map_err(|_| objects::error::<PyKeyError>("the field is too large"));
        let (mut offset, mut shape, mut strides) = (0_i64, Vec::new(), Vec::new());
        for field in path {
            offset = offset.saturating_add(size(field.offset())?);
            let mut stride = size(field.size())?;
            let start = strides.len();
            for length in field.shape().iter().rev() {
                let length = size(*length)?;
                shape.insert(start, length);
                strides.insert(start, stride);
                // The product overflows only if another dimension has no items, and no stride is used in this case.
                stride = stride.saturating_mul(length);
            }
        }
        let last = path.last().copied().unwrap_or_else(|| description.item());
        let item = description.of_field(last)?;
        if let Some(declared) = declared.and_then(|declared| classes_of(declared, description.item(), path)) {
            item.attached(|| Item::new(&item, Some(Arc::clone(declared))));
        }
        let around = i64::try_from(description.plan().itemsize())?;
        let elements = FieldArrangement::new(around, (offset, size(last.size())?), (&shape, &strides))?;
        Self::of(elements, item)
    }
}

/// Creates the `FieldNameError` for `name`, a name that no field of an item of `description` has.
#[cold]
fn no_field(description: &ItemDescription, name: &str) -> PyErr {
    let names = names(description);
    let known = if names.is_empty() { "items have no fields".to_owned() } else { names.join(", ") };
    let known = abridge(known.as_bytes(), 2000);
    FIELD_NAME_ERROR.error(format!("no field is called '{}': {known}", escape(name)))
}

/// Converts `size`, a size or an offset in bytes, to `usize`. The number fits, because `Plan::new` has refused every
/// layout that does not fit the address space, so the default is never used.
fn size(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}

/// Appends `value` to `values` without aborting the process if there is no memory. The input determines the length of
/// `values`.
///
/// # Errors
/// - no memory: `MemoryError`
fn push<T>(values: &mut Vec<T>, value: T) -> PyResult<()> {
    values.try_reserve(1).map_err(|_| objects::no_memory())?;
    values.push(value);
    Ok(())
}

/// A function with the arguments (leaf, offset, count). A leaf is a field that is not a record. `offset` is the offset
/// of the leaf in the item in bytes, and `count` is the number of adjacent elements of the leaf.
type EachValue<'e, 'l> = dyn FnMut(Field<'l>, usize, usize) -> PyResult<()> + 'e;

/// Calls `call` with each leaf in `field`, or with `field` itself if `field` is a leaf. Skips fields of 0 bytes.
/// `start` is the offset in the item, in bytes, of the record that has the field.
///
/// # Errors
/// - an error of `call`
// The depth of the recursion is the nesting depth of records, which the parser limits.
fn each_value<'l>(field: Field<'l>, start: usize, call: &mut EachValue<'_, 'l>) -> PyResult<()> {
    let offset = start.saturating_add(size(field.offset()));
    if field.total_size() == 0 {
        return Ok(());
    }
    let count = size(field.count());
    if field.ty() != Type::Record {
        return call(field, offset, count);
    }
    for index in 0..count {
        let start = offset.saturating_add(size(field.size()).saturating_mul(index));
        field.fields().try_for_each(|inner| each_value(inner, start, call))?;
    }
    Ok(())
}

/// Returns the names of the fields of a record with the description `description`. A field without a name gets a name
/// with its index: `f0`.
pub(super) fn names(description: &ItemDescription) -> Vec<String> {
    names_of(description.item())
}

/// Returns the names of the fields of `record`. A field without a name gets a name with its index: `f0`.
pub(crate) fn names_of(record: Field<'_>) -> Vec<String> {
    let name = |(index, field): (usize, Field<'_>)| field.name_text().unwrap_or_else(|| default_name(index));
    record.fields().enumerate().map(name).collect()
}

/// Returns a description of items with the layout `layout`. Records become objects of the classes `declared`.
///
/// # Errors
/// - an item does not fit the address space
/// - every error of [`Item::of`]
pub(crate) fn declared_items(layout: &Layout, declared: &Arc<DeclaredClasses>) -> PyResult<Arc<ItemDescription>> {
    let description = ItemDescription::of_layout(layout.clone())?;
    // The description is new, so no `Item` is attached yet.
    description.attached(|| Item::new(&description, Some(Arc::clone(declared))));
    Ok(description)
}

/// Returns the declared classes of the last field of `path`. The first entry of `path` is `item` or a field of `item`,
/// and each later entry is a field of the entry before it. `declared` are the declared classes of `item`. Returns
/// `None` if the last field is not a record.
fn classes_of<'d>(
    declared: &'d Arc<DeclaredClasses>,
    item: Field<'_>,
    path: &[Field<'_>],
) -> Option<&'d Arc<DeclaredClasses>> {
    let (mut classes, mut record) = (declared, item);
    for field in path.iter().filter(|field| field.index() != item.index()) {
        let position = record.fields().position(|other| other.index() == field.index())?;
        (classes, record) = (classes.field(position)?, *field);
    }
    Some(classes)
}

/// Returns the path to the field with the dotted name `name`: the enclosing fields, outermost first, and the field
/// itself. Returns `None` if `item` has no field of this name.
///
/// # Errors
/// - several fields have the name, such as `a.b` and the field `b` of `a`: `FieldNameError`
fn path<'l>(item: Field<'l>, name: &str) -> PyResult<Option<Vec<Field<'l>>>> {
    let mut found = Vec::new();
    paths_below(item, name.as_bytes(), &mut Vec::new(), &mut found);
    let mut found = found.into_iter();
    let Some(mut path) = found.next() else { return Ok(None) };
    if found.next().is_some() {
        return Err(FIELD_NAME_ERROR.error(repeated_name(name)));
    }
    // If an item is an array of records, the path starts with the item, because the dimensions of the array become
    // dimensions of the view.
    if !item.shape().is_empty() {
        path.insert(0, item);
    }
    Ok(Some(path))
}

/// Returns the message for a dotted name that several fields have.
pub(super) fn repeated_name(name: &str) -> String {
    format!(
        "several fields are called '{}': give them other names, View(object, format=...), or use tolist()",
        escape(name)
    )
}

/// Finds the fields of `record` with the dotted name `name`, and adds the path to each of them, outermost field first,
/// to `found`. `around` is the path to `record`. For the name `a.b`, finds a field named `a.b`, and the field `b` of a
/// field `a`. Stops after two paths.
// The depth of the recursion is the nesting depth of records, which the parser limits.
fn paths_below<'l>(record: Field<'l>, name: &[u8], around: &mut Vec<Field<'l>>, found: &mut Vec<Vec<Field<'l>>>) {
    for (index, field) in record.fields().enumerate() {
        let unnamed = field.name().is_none().then(|| default_name(index));
        let own = unnamed.as_ref().map_or_else(|| field.name().unwrap_or_default(), String::as_bytes);
        let Some(rest) = name.strip_prefix(own) else { continue };
        around.push(field);
        match rest {
            [] => found.push(around.clone()),
            [b'.', rest @ ..] => paths_below(field, rest, around, found),
            _ => {}
        }
        around.pop();
        if found.len() > 1 {
            return;
        }
    }
}
