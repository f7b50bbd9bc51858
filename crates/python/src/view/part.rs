//! `Part`: the items that a view covers. `PinnedPart`: access to the memory of a part. `NewItems`: converted items
//! before they are written.
//!
//! Terms of this module:
//! - A *pin* is a guard that keeps a view, and thus the buffer of the view, from being released.
//! - A `PinnedPart` is a part whose buffer cannot be released while the `PinnedPart` exists. Only `PinnedPart` reads
//!   and writes the memory.
//! - A *reference* is the address of an object in an item of format `O`. The owner of the memory owns the reference.
#![allow(unsafe_code, reason = "copies items out of and into the memory of the exporter")]

use pep3118::__private::follow_pointer;
use std::marker::PhantomData;
use std::sync::Arc;

use pep3118::decode::{Buffer, BufferMut, ColumnData, DecodeError, EncodeError};
use pep3118::layout::NulHandling;
use pep3118::py::{Acquired, ItemDescription, ObjectReferences, SharedView};
use pep3118::view::{Checker, Order, RawView, Slice, ViewError};
use pyo3::exceptions::{PySystemError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyTuple};

use super::arrangement::Arrangement;
use super::ctypes_objects;
use super::hold::{Hold, Pin, released};
use super::item::{ByteRange, Child, Item};
use crate::borrowed_bytes::BorrowedBytes;
use crate::errors::CAST_ERROR;
use crate::objects::{self, NewObject, with_item_copy, zeroed};
use crate::tuple_builder::ListBuilder;
use crate::values::{PrimitiveField, Source};

/// A copy of at least this number of bytes is made while the thread is detached from the interpreter, so that other
/// threads can run Python code.
const DETACHED: i64 = 1 << 20;
/// [`NewItems`] of at most this number of bytes in total are in an array inside of the struct, because an allocation
/// costs more than writing the items.
const SMALL: usize = 64;

/// The items that a view covers: the arrangement, the address and the description of the items. A part does not keep
/// the buffer from being released.
///
/// INVARIANT: until the buffer is released, each item that `view` and `buf` describe is inside of the memory of a
/// validated buffer or of a decoded column. A new part starts with the memory of a buffer or a column. Other parts are
/// derived from a part by the methods of `Arrangement`, which keep the items inside the same memory.
#[derive(Debug)]
pub(super) struct Part {
    view: Arrangement,
    buf: *mut u8,
    description: Arc<ItemDescription>,
    /// The type and the byte order of the item if the item is one primitive value. `None` for any other item.
    primitive: Option<PrimitiveField>,
}

// SAFETY: the fields never change. The memory at `buf` is only accessed through `PinnedPart`, on any thread.
unsafe impl Send for Part {}
// SAFETY: the fields never change. The memory at `buf` is only accessed through `PinnedPart`, on any thread.
unsafe impl Sync for Part {}

impl Part {
    /// Splits `shared` into the acquired buffer and the part that covers every item of the buffer. `description`
    /// describes the items.
    pub(super) fn new(shared: SharedView<Acquired>, description: Arc<ItemDescription>) -> (Acquired, Self) {
        let (acquired, view, buf) = shared.into_parts();
        (acquired, Self::with_description(Arrangement::new(&view), buf, description))
    }

    /// Creates the part of the items that `view` arranges in the memory at `buf`. `description` describes the items.
    /// The caller must guarantee the INVARIANT of `Part`.
    #[inline]
    fn with_description(view: Arrangement, buf: *mut u8, description: Arc<ItemDescription>) -> Self {
        let primitive = Item::of(&description).ok().and_then(Item::primitive);
        Self { view, buf, description, primitive }
    }

    /// Replaces the description of the items by `description`. Both descriptions must have the same item size.
    ///
    /// # Errors
    /// - the item sizes differ: `ValueError`
    pub(super) fn described_by(self, description: &Arc<ItemDescription>) -> PyResult<Self> {
        if description.layout().size() != self.description.layout().size() {
            let sizes = (self.description.layout().size(), description.layout().size());
            return Err(objects::error::<PyValueError>(format!("items of {} bytes, not {}", sizes.0, sizes.1)));
        }
        Ok(Self::with_description(self.view, self.buf, Arc::clone(description)))
    }

    /// Returns the type and the byte order of the value if an item is one number or byte string. Returns `None` for any
    /// other item.
    #[inline]
    pub(super) fn primitive(&self) -> Option<PrimitiveField> {
        self.primitive
    }

    /// Creates the part that covers `data`, the memory of a decoded column. The items have the shape `shape` and are
    /// contiguous in C order. `description` describes the items. Returns `None` if the size of these items differs from
    /// the size of `data`.
    pub(super) fn of_column(data: &mut ColumnData, shape: &[i64], description: Arc<ItemDescription>) -> Option<Self> {
        let itemsize = i64::try_from(description.plan().itemsize()).ok()?;
        let bytes = data.units_mut()?;
        let raw = RawView {
            len: i64::try_from(bytes.len()).ok()?,
            itemsize,
            ndim: i32::try_from(shape.len()).ok()?,
            shape: (!shape.is_empty()).then_some(shape),
            ..RawView::default()
        };
        // The check fails if the size of the items in bytes differs from the size of `data`.
        let view = Checker::DEFAULT.check(&raw, None).view?;
        Some(Self::with_description(Arrangement::new(&view), bytes.as_mut_ptr(), description))
    }

    /// Returns the arrangement of the items.
    #[inline]
    pub(super) fn view(&self) -> &Arrangement {
        &self.view
    }

    /// Returns the address from which the offsets of items count.
    pub(super) fn buf(&self) -> *mut u8 {
        self.buf
    }

    #[inline]
    pub(super) fn description(&self) -> &Arc<ItemDescription> {
        &self.description
    }

    /// Returns the codec, the names and the fields of an item. Returns the errors of [`Item::of`].
    #[inline]
    pub(super) fn item(&self) -> PyResult<&Item> {
        Item::of(&self.description)
    }

    #[inline]
    pub(super) fn shape(&self) -> &[i64] {
        self.view.shape()
    }

    /// Returns a part of the same buffer with the arrangement `view`. The description stays the same.
    #[inline]
    fn with_view(&self, view: Arrangement) -> Self {
        Self { view, buf: self.buf, description: Arc::clone(&self.description), primitive: self.primitive }
    }

    /// Returns a second part that refers to the same items. Copies no item.
    pub(super) fn duplicate(&self) -> Self {
        self.with_view(self.view.clone())
    }

    /// Returns the part with the items that `slices` select. `slices` has one slice for each of the first dimensions.
    /// Fails as [`Arrangement::slice`].
    #[inline]
    pub(super) fn slice(&self, slices: &[Slice]) -> PyResult<Self> {
        Ok(self.with_view(self.view.slice(slices)?))
    }

    /// Returns the part of the same items that does not allow writes.
    pub(super) fn to_readonly(&self) -> Self {
        self.with_view(self.view.to_readonly())
    }

    /// Returns the part with the dimensions in the order of `axes`, or in reverse order if `axes` is `None`. Returns an
    /// error if `axes` is not a permutation of the dimensions.
    pub(super) fn transpose(&self, axes: Option<&[usize]>) -> PyResult<Self> {
        Ok(self.with_view(Arrangement::new(&self.view.geometry().transpose(axes)?)))
    }

    /// Returns the part that covers the field `name` of every item. A dotted name such as `a.b` names the field `b` of
    /// the field `a`.
    ///
    /// # Errors
    /// - no field has the name, or several fields have the name: `FieldNameError`
    pub(super) fn field(&self, name: &Bound<'_, PyString>) -> PyResult<Self> {
        self.item()?.with_child(&self.description, name, |child| self.of_child(child))
    }

    /// Returns the part that covers the field `child` of every item. Returns the error of [`Arrangement::subarray`].
    #[inline(always)]
    fn of_child(&self, child: &Child) -> Result<Self, ViewError> {
        let view = self.view.subarray(&child.elements)?;
        Ok(Self { view, buf: self.buf, description: Arc::clone(&child.item), primitive: child.primitive })
    }

    /// Returns the part whose items are records with the fields `names` of every item. The size of an item does not
    /// change.
    ///
    /// # Errors
    /// - no field has the name, or several fields have the name: `FieldNameError`
    /// - a name that is given twice, or a field in an array of records: `ValueError`
    pub(super) fn fields(&self, names: &Bound<'_, PyTuple>) -> PyResult<Self> {
        let names = names.iter().map(|name| Ok(name.cast::<PyString>()?.to_cow()?.into_owned()));
        let child = Child::of_fields(&self.description, &names.collect::<PyResult<Vec<String>>>()?)?;
        Ok(self.of_child(&child)?)
    }

    /// Returns the part that covers one field of every item. The items must be records, and `index` is the index of the
    /// field.
    ///
    /// # Errors
    /// - there is no such field: `FieldNameError`
    pub(super) fn field_at(&self, index: usize) -> PyResult<Self> {
        let child = Child::at(&self.description, index)?;
        Ok(self.of_child(&child)?)
    }

    /// Returns the part that covers the elements of every item. The items must be arrays.
    pub(super) fn elements(&self) -> PyResult<Self> {
        let child = Child::elements(&self.description)?;
        Ok(self.of_child(&child)?)
    }

    /// Returns the part that covers the first `len` bytes of every item. The items must be single values, such as byte
    /// strings or texts. See [`Child::start`] for the type of the shorter values.
    pub(super) fn start(&self, len: u64) -> PyResult<Self> {
        let child = Child::start(&self.description, len)?;
        Ok(self.of_child(&child)?)
    }

    /// Returns the part that covers the bytes of every item as one byte string.
    pub(super) fn as_bytes(&self) -> PyResult<Self> {
        let format = format!("{}s", self.view.itemsize());
        let description = ItemDescription::of_format(format.as_bytes(), None, None)?;
        Ok(Self::with_description(self.view.clone(), self.buf, description))
    }

    /// Divides the memory of `self` into items of `description`, and returns the part of these items. `shape` is the
    /// shape of the result; `None` means one dimension. The items of the result are contiguous in the order `order`. If
    /// the items of `self` have references to objects, the result is read-only, because a write of other bytes would
    /// destroy a reference.
    ///
    /// # Errors
    /// - the memory of `self` is not contiguous, or its size does not match `description` and `shape`: `CastError`
    pub(super) fn cast(
        &self,
        description: Arc<ItemDescription>,
        shape: Option<&[i64]>,
        order: Order,
    ) -> PyResult<Self> {
        let size = description.layout().size();
        let itemsize =
            i64::try_from(size).map_err(|_| objects::error::<PyValueError>(format!("items of {size} bytes")))?;
        let view = self.view.cast(itemsize, shape, order).map_err(|error| match error {
            ViewError::NotContiguous => CAST_ERROR.error(
                "memory is not contiguous, so its bytes cannot be cast to other items: cast a copy, \
                 View(view.tobytes())",
            ),
            error => CAST_ERROR.error(error.to_string()),
        })?;
        let view = if self.item()?.has_objects() { view.to_readonly() } else { view };
        Ok(Self::with_description(view, self.buf, description))
    }

    /// Converts `order`, the argument of `tobytes`. `None` and `C` mean C order, and `F` means Fortran order. `A` means
    /// Fortran order if the memory is Fortran-contiguous and not C-contiguous, and otherwise C order.
    ///
    /// # Errors
    /// - `order` is any other text: `ValueError`
    pub(super) fn order(&self, order: Option<&str>) -> PyResult<Order> {
        match order {
            None | Some("C") => Ok(Order::C),
            Some("F") => Ok(Order::Fortran),
            Some("A") if self.view.is_contiguous(Order::Fortran) && !self.view.is_contiguous(Order::C) => {
                Ok(Order::Fortran)
            }
            Some("A") => Ok(Order::C),
            Some(_) => Err(objects::error::<PyValueError>("order must be 'C', 'F' or 'A'")),
        }
    }

    /// Returns the place of the item at `indices`. `indices` must have one index for each dimension, and each index
    /// must be in bounds and not negative.
    #[inline]
    pub(super) fn place<'i>(&self, indices: &'i [i64]) -> Place<'i> {
        let view = &self.view;
        if view.is_indirect() {
            return Place::Indices(indices);
        }
        // Each index is in bounds, so the offset of the item fits 63 bits.
        let distances = view.strides().iter().zip(indices).map(|(stride, index)| stride.wrapping_mul(*index));
        Place::Offset(distances.fold(view.offset(), i64::wrapping_add))
    }

    /// Returns the number of items in the first dimension.
    ///
    /// # Errors
    /// - the view has no dimensions: `TypeError`
    #[inline]
    pub(super) fn len(&self) -> PyResult<usize> {
        let first = self.shape().first().ok_or_else(|| objects::error::<PyTypeError>("0-dim view has no length"))?;
        Ok(usize::try_from(*first)?)
    }

    /// Gives access to the memory of this part. `pin` must pin a view of this part's buffer.
    pub(super) fn pinned<'h>(&'h self, pin: &'h Pin<'_>) -> PinnedPart<'h> {
        let _: &Pin<'_> = pin;
        PinnedPart { part: self }
    }

    /// Gives access to the memory of this part. `acquired` must be the buffer of this part.
    pub(super) fn pinned_by<'h>(&'h self, acquired: &'h Acquired) -> PinnedPart<'h> {
        let _: &Acquired = acquired;
        PinnedPart { part: self }
    }
}

/// A part whose buffer cannot be released for `'h`.
///
/// INVARIANT: the buffer is not released during `'h`. Only `Part::pinned` and `Part::pinned_by` create a `PinnedPart`,
/// and these methods borrow a pin or the buffer for `'h`.
#[derive(Clone, Copy, Debug)]
pub(super) struct PinnedPart<'h> {
    part: &'h Part,
}

/// The position of one item in a part.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'i> {
    /// The distance in bytes from `buf` to the item.
    Offset(i64),
    /// The index of the item in each dimension. Access to the item follows pointers, so the item has no offset from
    /// `buf`.
    Indices(&'i [i64]),
}

impl<'h> PinnedPart<'h> {
    #[inline]
    pub(super) fn part(&self) -> &'h Part {
        self.part
    }

    #[inline]
    fn itemsize(&self) -> usize {
        self.part.description.plan().itemsize()
    }

    /// Calls `call` with a [`Buffer`], the class of `pep3118` that reads the items.
    ///
    /// # Errors
    /// - an error of `call`
    pub(super) fn with_buffer<T, E: From<DecodeError>>(
        &self,
        call: impl FnOnce(&Buffer<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let (part, geometry) = (self.part, self.part.view.geometry());
        // SAFETY: (a) and (b) By the INVARIANT of `Part` the exporter described the items. By the INVARIANT of
        // `PinnedPart` the buffer is not released, so that the memory stays valid (E04, memory stays valid). (c) The
        // buffer protocol requires of every consumer that no memory is written while another consumer reads it.
        let buffer = unsafe { Buffer::from_ptr(&geometry, part.description.plan(), part.buf) };
        call(&buffer?)
    }

    /// Calls `call` with a [`BufferMut`] of the library, which writes the items.
    ///
    /// # Errors
    /// - a read-only view
    /// - an error of `call`
    fn with_buffer_mut<T>(
        &self,
        call: impl FnOnce(&mut BufferMut<'_>) -> Result<T, EncodeError>,
    ) -> Result<T, EncodeError> {
        let (part, geometry) = (self.part, self.part.view.geometry());
        // SAFETY: (a) to (c) as in `with_buffer`. (d) `from_ptr` refuses a read-only view. The exporter reports that
        // the memory of any other view is writable. No Rust reference to the memory is ever created.
        let buffer = unsafe { BufferMut::from_ptr(&geometry, part.description.plan(), part.buf) };
        call(&mut buffer?)
    }

    /// Returns the address of the item at `offset`, the distance in bytes from `buf`.
    ///
    /// # Safety
    /// - (a) `offset` is the offset of an item of the part, or the caller does not dereference the address.
    #[inline]
    unsafe fn address(&self, offset: i64) -> *mut u8 {
        // The offset of an item fits the address space, because the item is in memory. The default is never used.
        debug_assert!(isize::try_from(offset).is_ok(), "offset {offset}");
        self.part.buf.wrapping_offset(isize::try_from(offset).unwrap_or(0))
    }

    /// Follows the pointers to the item at `indices`, and returns the bytes of the item. Returns an error if a pointer
    /// is NULL.
    fn item_bytes(&self, indices: &[i64]) -> Result<Vec<u8>, DecodeError> {
        self.with_buffer(|buffer| buffer.item_bytes(indices))
    }

    /// Follows the pointers to the item at `indices`, and replaces the bytes of the item by `item`. Returns an error if
    /// a pointer is NULL.
    fn write_item_bytes(&self, indices: &[i64], item: &[u8]) -> Result<(), EncodeError> {
        self.with_buffer_mut(|buffer| buffer.write_item_bytes(indices, item))
    }

    /// Copies the bytes of the item at `place` to `out`. `out` must have the size of an item. Returns an error if `out`
    /// has another size, or if a pointer on the way to the item is NULL.
    #[inline]
    pub(super) fn copy_item(&self, place: Place<'_>, out: &mut [u8]) -> PyResult<()> {
        if out.len() != self.itemsize() {
            return Err(objects::error::<PyValueError>("the copy of an item must have the size of the item"));
        }
        let offset = match place {
            Place::Offset(offset) => offset,
            Place::Indices(indices) => {
                out.copy_from_slice(&self.item_bytes(indices)?);
                return Ok(());
            }
        };
        // SAFETY: (a) A `Place::Offset` is the offset of an item.
        let from = unsafe { self.address(offset) };
        // SAFETY: by the INVARIANT the bytes of one item may be read. `out` was checked to have the size of an item. `out`
        // is memory of this program, so the item of the exporter does not overlap `out`. Bytes have no alignment.
        unsafe { std::ptr::copy_nonoverlapping(from, out.as_mut_ptr(), out.len()) };
        Ok(())
    }

    /// Replaces the item at `place` by the bytes `item`. The item must be one value without references to objects and
    /// without padding.
    ///
    /// # Errors
    /// - a read-only view, or an `item` of another size: `TypeError`
    #[inline]
    pub(super) fn store_plain(&self, place: Place<'_>, item: &[u8]) -> PyResult<()> {
        let offset = match place {
            Place::Offset(offset) => offset,
            Place::Indices(indices) => return Ok(self.write_item_bytes(indices, item)?),
        };
        if self.part.view.readonly() || item.len() != self.itemsize() {
            return Err(objects::error::<PyTypeError>("cannot modify read-only memory"));
        }
        // SAFETY: (a) A `Place::Offset` is the offset of an item.
        let to = unsafe { self.address(offset) };
        macro_rules! store {
            ($($size:literal)+) => {
                match item.len() {
                    $($size => {
                        let mut value = [0; $size];
                        value.copy_from_slice(item);
                        // SAFETY: by the INVARIANT the bytes of one item may be written to, because the view is not
                        // read-only. An array of bytes has no alignment.
                        unsafe { to.cast::<[u8; $size]>().write(value) };
                    })+
                    len => {
                        // SAFETY: by the INVARIANT the bytes of one item may be written to, because the view is not
                        // read-only. `item` is memory of this program, so `item` does not overlap the item of the
                        // exporter. Bytes have no alignment.
                        unsafe { std::ptr::copy_nonoverlapping(item.as_ptr(), to, len) };
                    }
                }
            };
        }
        store!(1 2 4 8 16);
        Ok(())
    }

    /// Reads `length` items and appends one object for each item to `list`. Each item must be the primitive value
    /// `primitive`. `offset` is the distance in bytes from `buf` to the first item, and `stride` is the distance in
    /// bytes from one item to the next.
    ///
    /// # Errors
    /// - no memory: `MemoryError`
    pub(super) fn read_line<'py>(
        &self,
        py: Python<'py>,
        primitive: PrimitiveField,
        (offset, length, stride): (i64, usize, i64),
        list: &mut ListBuilder<'py>,
    ) -> PyResult<()> {
        let stride = isize::try_from(stride)?;
        // SAFETY: (a) `offset` is the offset of the first item. If there are no items, the address is not dereferenced.
        let mut next = unsafe { self.address(offset) };
        let sources = (0..length).map(|_| {
            let address = next;
            next = next.wrapping_offset(stride);
            ItemAt { address, held: PhantomData }
        });
        primitive.read_all(py, sources, list)
    }

    /// Creates a new reference to each object whose address is in `item`, a copy of the bytes of an item. No Python
    /// code may run between the copy and this call, because Python code could drop the last reference to an object.
    /// Returns an error if there is no memory.
    fn references<'py>(&self, py: Python<'py>, item: &[u8]) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let offsets = self.part.item()?.reference_offsets(py, &self.part.description)?;
        let mut references = Vec::new();
        references.try_reserve_exact(offsets.len()).map_err(|_| objects::no_memory())?;
        for offset in offsets {
            let address = address_at(item, *offset);
            // SAFETY: (b) The owner of the memory owns a reference to each object (`ObjectReferences`). No code that
            // could drop the reference has run since the item was copied.
            references.push(unsafe { objects::object(py, address) });
        }
        Ok(references)
    }

    /// Replaces the values of the item at `place` by those of `item`. Padding is not changed. `item` contains addresses
    /// of objects and must own a reference to each of them. The overwritten references are moved to `old`. If the
    /// function returns an error, such as the `TypeError` for a read-only view, no byte was changed.
    pub(super) fn store_item<'py>(
        &self,
        py: Python<'py>,
        place: Place<'_>,
        item: &[u8],
        old: &mut ReplacedReferences<'py>,
    ) -> PyResult<()> {
        let part = self.part;
        let written = part.item()?.written_bytes(py, &part.description)?;
        let objects = part.item()?.reference_offsets(py, &part.description)?;
        let offset = match place {
            Place::Offset(offset) => offset,
            // Only NumPy and ctypes own references, and they export no buffer with pointers to items.
            Place::Indices(indices) => {
                let Some(written) = written else { return Ok(self.write_item_bytes(indices, item)?) };
                let mut merged = self.item_bytes(indices)?;
                merge(&mut merged, item, written);
                return Ok(self.write_item_bytes(indices, &merged)?);
            }
        };
        if part.view.readonly() || item.len() != self.itemsize() {
            return Err(objects::error::<PyTypeError>("cannot modify read-only memory"));
        }
        // SAFETY: (a) A `Place::Offset` is the offset of an item.
        let to = unsafe { self.address(offset) };
        let by_ctypes = part.description.objects() == ObjectReferences::Exporter;
        for offset in objects.iter().filter(|_| by_ctypes) {
            let value = reference(py, item, *offset).unwrap_or_else(|| py.None().into_bound(py));
            old.assigned.push((to.addr().saturating_add(*offset), value));
        }
        old.reserve(objects.len())?;
        for offset in objects.iter().filter(|_| !by_ctypes) {
            let mut address = [0; size_of::<usize>()];
            // SAFETY: by the INVARIANT the bytes of the item may be read, and these bytes include the address of the
            // object. A byte may be read at any alignment.
            unsafe { std::ptr::copy_nonoverlapping(to.wrapping_add(*offset), address.as_mut_ptr(), address.len()) };
            old.addresses.push(usize::from_ne_bytes(address));
        }
        let whole = [ByteRange { offset: 0, len: item.len(), mask: u8::MAX }];
        for cell in written.unwrap_or(&whole) {
            let Some(bytes) = item.get(cell.offset..cell.offset.saturating_add(cell.len)) else { continue };
            let merged;
            let bytes = match bytes {
                [byte] if cell.mask != u8::MAX => {
                    // SAFETY: by the INVARIANT the bytes of the item may be read. Bytes have no alignment.
                    let old = unsafe { to.wrapping_add(cell.offset).read() };
                    merged = [merge_bits(old, *byte, cell.mask)];
                    merged.as_slice()
                }
                bytes => bytes,
            };
            // SAFETY: by the INVARIANT the bytes of the item may be written to, because the view is not read-only.
            // `item` is memory of this program, so `item` does not overlap the item of the exporter. Bytes have no
            // alignment.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to.wrapping_add(cell.offset), bytes.len()) };
        }
        old.py = Some(py);
        Ok(())
    }

    /// Returns the bytes of all items. Returns `None` if the items are not contiguous in C order.
    #[inline]
    pub(super) fn contiguous(&self) -> Option<BorrowedBytes<'h>> {
        self.contiguous_in(&self.part.view)
    }

    /// Returns the bytes of the items that `view` selects. `view` must be a slice of the arrangement of this part.
    /// Returns `None` if the selected items are not contiguous in C order.
    #[inline]
    fn contiguous_in(&self, view: &Arrangement) -> Option<BorrowedBytes<'h>> {
        if !view.is_contiguous(Order::C) {
            return None;
        }
        // SAFETY: (a) `view.offset()` is the offset of the first item. If there are no items, the address is not
        // dereferenced.
        let start = unsafe { self.address(view.offset()) };
        let len = usize::try_from(view.len()).ok()?;
        // SAFETY: (a) By the INVARIANT the bytes of the items may be read for `'h`. (b) The bytes may be written to if
        // the view is not read-only.
        Some(unsafe { BorrowedBytes::from_ptr(start, len, !view.readonly()) })
    }

    /// Copies `from` to the items that `view` selects. `view` must be a slice of the arrangement of this part. Copies
    /// nothing and returns `false` if the selected items are read-only, are not contiguous in C order, or do not have
    /// the size of `from`.
    pub(super) fn copy_from(&self, py: Python<'_>, view: &Arrangement, from: &BorrowedBytes<'_>) -> bool {
        self.contiguous_in(view).is_some_and(|to| copying(py, view.len(), || to.copy_from(from)))
    }

    /// Writes `item` to every item of the part. The items must have no references to objects and no padding. Writes
    /// nothing and returns `false` if the items are not a constant stride apart, if the items are read-only, or if
    /// `item` does not have the size of an item.
    pub(super) fn fill(&self, py: Python<'_>, item: &[u8]) -> PyResult<bool> {
        let view = &self.part.view;
        let (Some(line), false) = (self.part.line(), view.readonly()) else { return Ok(false) };
        if line.items == 0 || item.is_empty() {
            return Ok(true);
        }
        if item.len() != self.itemsize() {
            return Ok(false);
        }
        // SAFETY: (a) `line.offset` is the offset of the first item.
        let start = Address(unsafe { self.address(line.offset) });
        let stride = isize::try_from(line.stride)?;
        macro_rules! fill {
            ($($size:literal)+) => {
                match item.len() {
                    $($size => {
                        let mut value = [0; $size];
                        value.copy_from_slice(item);
                        copying(py, view.len(), || {
                            let mut to = start.get();
                            if stride == $size {
                                for _ in 0..line.items {
                                    // SAFETY: `to` is the address of an item in `line`. By the INVARIANT its bytes may
                                    // be written to. An array of bytes has no alignment.
                                    unsafe { to.cast::<[u8; $size]>().write(value) };
                                    to = to.wrapping_add($size);
                                }
                                return;
                            }
                            for _ in 0..line.items {
                                // SAFETY: `to` is the address of an item in `line`. By the INVARIANT its bytes may be
                                // written to. An array of bytes has no alignment.
                                unsafe { to.cast::<[u8; $size]>().write(value) };
                                to = to.wrapping_offset(stride);
                            }
                        });
                    })+
                    _ => copying(py, view.len(), || {
                        let mut to = start.get();
                        for _ in 0..line.items {
                            // SAFETY: `to` is the address of an item in `line`. By the INVARIANT its bytes may be
                            // written to. `item` is memory of this program, so `item` does not overlap the item of the
                            // exporter. Bytes have no alignment.
                            unsafe { std::ptr::copy_nonoverlapping(item.as_ptr(), to, item.len()) };
                            to = to.wrapping_offset(stride);
                        }
                    }),
                }
            };
        }
        fill!(1 2 4 8 16);
        Ok(true)
    }

    /// Returns a copy of the bytes of all items as a `bytes` object. The items in the copy are contiguous in the order
    /// `order`. Returns an error if a pointer on the way to an item is NULL, or if there is no memory.
    pub(super) fn to_bytes<'py>(self, py: Python<'py>, order: Order) -> PyResult<Bound<'py, PyBytes>> {
        let view = &self.part.view;
        let len = usize::try_from(view.len()).unwrap_or(usize::MAX);
        PyBytes::new_with(py, len, |out| {
            let copied = copying(py, view.len(), || self.with_buffer(|buffer| buffer.copy_bytes(order, out)));
            Ok(copied?)
        })
    }

    /// Copies the bytes of all items to `out`, contiguous in the order `order`. Returns an error if `out` has another
    /// length than the bytes of all items.
    pub(super) fn copy_to(self, py: Python<'_>, order: Order, out: &mut [u8]) -> PyResult<()> {
        let copy = || self.with_buffer(|buffer| buffer.copy_bytes(order, out).map(|_| ()));
        Ok(copying(py, self.part.view.len(), copy)?)
    }

    /// Returns a copy of the bytes of all items as a vector. The items in the copy are contiguous in the order `order`.
    /// Returns an error if a pointer on the way to an item is NULL, or if there is no memory.
    pub(super) fn to_vec(self, py: Python<'_>, order: Order) -> Result<Vec<u8>, DecodeError> {
        copying(py, self.part.view.len(), || self.with_buffer(|buffer| buffer.to_contiguous(order)))
    }
}

impl Part {
    /// Returns the offset, the number and the stride of all items in C order. Returns `None` if the distance between
    /// items is not constant.
    #[inline]
    fn line(&self) -> Option<Line> {
        let view = &self.view;
        if view.is_indirect() {
            return None;
        }
        match (view.shape(), view.strides()) {
            ([], _) => Some(Line { offset: view.offset(), items: 1, stride: view.itemsize() }),
            ([items], [stride]) => {
                Some(Line { offset: view.offset(), items: usize::try_from(*items).ok()?, stride: *stride })
            }
            _ if view.is_contiguous(Order::C) => {
                let items = usize::try_from(view.item_count()).ok()?;
                Some(Line { offset: view.offset(), items, stride: view.itemsize() })
            }
            _ => None,
        }
    }

    /// Calls `call` with the place of each item, in C order (the last index changes fastest). Stops at the first error.
    ///
    /// # Errors
    /// - an error of `call`
    pub(super) fn each_place(&self, mut call: impl FnMut(Place<'_>) -> PyResult<()>) -> PyResult<()> {
        if let Some(line) = self.line() {
            let mut offset = line.offset;
            for _ in 0..line.items {
                call(Place::Offset(offset))?;
                offset = offset.wrapping_add(line.stride);
            }
            return Ok(());
        }
        if !self.view.is_indirect() {
            return self.view.geometry().offsets(Order::C)?.try_for_each(|offset| call(Place::Offset(offset)));
        }
        let shape = self.shape();
        let mut indices = vec![0; shape.len()];
        for _ in 0..self.view.item_count() {
            call(Place::Indices(&indices))?;
            for (index, length) in indices.iter_mut().zip(shape).rev() {
                *index = index.saturating_add(1);
                if *index < *length {
                    break;
                }
                *index = 0;
            }
        }
        Ok(())
    }
}

/// Items with a constant distance from one item to the next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// The offset of the first item, in bytes from `buf`.
    pub(super) offset: i64,
    /// The number of items.
    pub(super) items: usize,
    /// The distance in bytes from one item to the next.
    pub(super) stride: i64,
}

/// An address in the memory of the buffer. Any thread may use the address until the buffer is released.
#[derive(Clone, Copy, Debug)]
struct Address(*mut u8);

// SAFETY: any thread may access the memory at the address until the buffer is released.
unsafe impl Send for Address {}
// SAFETY: any thread may access the memory at the address until the buffer is released.
unsafe impl Sync for Address {}

impl Address {
    fn get(self) -> *mut u8 {
        self.0
    }
}

/// The references to objects that an assignment has overwritten in items. Dropping a reference may run Python code that
/// releases the view. The references are therefore dropped after the last access to the memory.
#[derive(Default)]
pub(super) struct ReplacedReferences<'py> {
    py: Option<Python<'py>>,
    addresses: Vec<usize>,
    /// The objects that ctypes must assign, as (address of the `py_object` field in the memory of ctypes, object).
    assigned: Vec<(usize, Bound<'py, PyAny>)>,
}

impl ReplacedReferences<'_> {
    /// Lets ctypes store each object in `assigned` in its field, and then drops the references that were overwritten.
    /// `hold` is the reference of the view to its buffer.
    ///
    /// # Errors
    /// - another thread or a method of an object has released the view: `ValueError`
    /// - ctypes raises an exception: the exception is returned unchanged
    pub(super) fn finish(mut self, hold: &Hold) -> PyResult<()> {
        for (address, value) in std::mem::take(&mut self.assigned) {
            let (exporter, start) = hold.origin(value.py()).ok_or_else(released)?;
            ctypes_objects::assign(&exporter, address.saturating_sub(start), &value)?;
        }
        Ok(())
    }

    /// Allocates memory for `more` addresses. Returns a `MemoryError` if there is no memory.
    fn reserve(&mut self, more: usize) -> PyResult<()> {
        self.addresses.try_reserve(more).map_err(|_| objects::no_memory())
    }
}

impl Drop for ReplacedReferences<'_> {
    fn drop(&mut self) {
        for address in std::mem::take(&mut self.addresses) {
            if let Some(py) = self.py {
                // SAFETY: (c) The item that owned the reference was overwritten, so this struct owns the reference.
                unsafe { objects::drop_reference(py, address) };
            }
        }
    }
}

/// The bytes of new items that are not yet written to the memory of the exporter.
///
/// INVARIANT: each address at an offset in `objects` is 0, or this struct owns a reference to the object at the
/// address.
pub(super) struct NewItems<'p, 'py> {
    py: Python<'py>,
    bytes: Vec<u8>,
    small: [u8; SMALL],
    len: usize,
    itemsize: usize,
    objects: &'p [usize],
}

impl<'p, 'py> NewItems<'p, 'py> {
    /// Creates `count` new items for `part`. All bytes of the items are 0.
    ///
    /// # Errors
    /// - no memory: `MemoryError`
    pub(super) fn zeroed(py: Python<'py>, part: &'p Part, count: usize) -> PyResult<Self> {
        let itemsize = part.description.plan().itemsize();
        let objects = part.item()?.reference_offsets(py, &part.description)?;
        let len = itemsize.checked_mul(count).ok_or_else(objects::no_memory)?;
        let bytes = if len <= SMALL { Vec::new() } else { zeroed(len)? };
        Ok(Self { py, bytes, small: [0; SMALL], len, itemsize, objects })
    }

    /// Returns the bytes of all new items as a mutable slice.
    #[inline]
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        if self.len <= SMALL { self.small.get_mut(..self.len).unwrap_or_default() } else { &mut self.bytes }
    }

    /// Returns the bytes of all new items.
    #[inline]
    fn bytes(&self) -> &[u8] {
        if self.len <= SMALL { self.small.get(..self.len).unwrap_or_default() } else { &self.bytes }
    }

    /// Writes the only new item to `place` in `held`. The overwritten references are moved to `old`. If the memory is
    /// read-only or a pointer is NULL, writes nothing and returns an error.
    #[inline]
    pub(super) fn store_at(
        mut self,
        held: &PinnedPart<'_>,
        place: Place<'_>,
        old: &mut ReplacedReferences<'py>,
    ) -> PyResult<()> {
        held.store_item(self.py, place, self.bytes(), old)?;
        // The memory of the exporter owns the references now, so this struct sets the addresses to 0. If ctypes is the
        // owner, this struct still owns its references, because ctypes creates other references.
        if !self.objects.is_empty() && held.part.description.objects() == ObjectReferences::Memory {
            self.bytes_mut().fill(0);
        }
        Ok(())
    }

    /// Replaces all items of `held` by the new items in C order. A single new item replaces every item of `held`. The
    /// overwritten references are moved to `old`. After an error, the items before the failed item are changed.
    pub(super) fn store_all(mut self, held: &PinnedPart<'_>, old: &mut ReplacedReferences<'py>) -> PyResult<()> {
        let (py, part) = (self.py, held.part);
        if part.view.readonly() {
            return Err(objects::error::<PyTypeError>("cannot modify read-only memory"));
        }
        let one = self.len == self.itemsize;
        let owned = part.description.objects() == ObjectReferences::Memory;
        let plain = self.objects.is_empty() && part.item()?.written_bytes(py, &part.description)?.is_none();
        if plain && one && held.fill(py, self.bytes())? {
            return Ok(());
        }
        if plain && !one && u64::try_from(self.len) == Ok(part.view.len().unsigned_abs()) {
            let bytes = self.bytes();
            copying(py, part.view.len(), || held.with_buffer_mut(|buffer| buffer.write_bytes(bytes)))?;
            return Ok(());
        }
        let size = self.itemsize.max(1);
        let mut at = 0_usize;
        let stored = held.part.each_place(|place| {
            let start = if one { 0 } else { at };
            let item = self.bytes().get(start..start.saturating_add(self.itemsize));
            let item = item.ok_or_else(|| objects::error::<PySystemError>("there are fewer new items than items"))?;
            held.store_item(py, place, item, old)?;
            if one && owned {
                // Every item of `held` must own a reference to each object, so each item needs one more reference.
                for offset in self.objects {
                    std::mem::forget(reference(py, item, *offset));
                }
            }
            at = at.saturating_add(size);
            Ok(())
        });
        // The memory of the exporter owns the references in the written items, so this struct sets their addresses to
        // 0.
        let moved = if one || !owned { 0 } else { at.min(self.len) };
        self.bytes_mut().get_mut(..moved).unwrap_or_default().fill(0);
        stored
    }

    /// Creates new items for `part`: a copy of the bytes of all items of `from`, with a new reference to each object in
    /// the items. The owner of the memory of `from` must own a reference to each of these objects.
    ///
    /// # Errors
    /// - no memory: `MemoryError`
    pub(super) fn copied(py: Python<'py>, part: &'p Part, from: &PinnedPart<'_>) -> PyResult<Self> {
        let count = usize::try_from(part.view.item_count()).map_err(|_| objects::no_memory())?;
        let mut new = Self::zeroed(py, part, count)?;
        // Until the loop below has created references, the addresses are not references of this struct.
        new.objects = &[];
        let objects = part.item()?.reference_offsets(py, &part.description)?;
        let copy = |out: &mut [u8]| from.with_buffer(|buffer| buffer.copy_bytes(Order::C, out));
        if objects.is_empty() {
            let out = new.bytes_mut();
            copying(py, from.part.view.len(), || copy(out))?;
        } else {
            // No other thread may run before the references are created.
            copy(new.bytes_mut())?;
        }
        for item in new.bytes().chunks_exact(new.itemsize.max(1)) {
            for offset in objects {
                std::mem::forget(reference(py, item, *offset));
            }
        }
        new.objects = objects;
        Ok(new)
    }
}

impl Drop for NewItems<'_, '_> {
    fn drop(&mut self) {
        if self.objects.is_empty() {
            return;
        }
        let bytes = std::mem::take(&mut self.bytes);
        // `small` has `SMALL` bytes, so the default is never used.
        let bytes = if self.len <= SMALL { self.small.get(..self.len).unwrap_or_default() } else { &bytes };
        for item in bytes.chunks_exact(self.itemsize.max(1)) {
            for offset in self.objects {
                // SAFETY: (c) By the INVARIANT this struct owns the reference, or the address is 0.
                unsafe { objects::drop_reference(self.py, address_at(item, *offset)) };
            }
        }
    }
}

/// Creates a new reference to the object whose address is at the byte `offset` of `item`. Returns `None` if the address
/// is NULL.
fn reference<'py>(py: Python<'py>, item: &[u8], offset: usize) -> Option<Bound<'py, PyAny>> {
    let address = address_at(item, offset);
    // SAFETY: (b) `item`, or the memory that it was copied from, owns a reference to the object. No code that could
    // drop the reference has run since the copy.
    (address != 0).then(|| unsafe { objects::object(py, address) })
}

/// Returns the address of an object that is at the byte `offset` of `item`. The address is in the byte order of this
/// machine, because the object is in this process.
fn address_at(item: &[u8], offset: usize) -> usize {
    let bytes = item.get(offset..).and_then(|bytes| bytes.first_chunk());
    bytes.map_or(0, |bytes| usize::from_ne_bytes(*bytes))
}

/// Copies the bytes and bits in the ranges `written` from `values` to `item`. All other bytes and bits of `item` stay
/// the same: they are padding or belong to another field.
fn merge(item: &mut [u8], values: &[u8], written: &[ByteRange]) {
    for cell in written {
        let range = cell.offset..cell.offset.saturating_add(cell.len);
        if let (Some(to), Some(from)) = (item.get_mut(range.clone()), values.get(range)) {
            to.iter_mut().zip(from).for_each(|(to, from)| *to = merge_bits(*to, *from, cell.mask));
        }
    }
}

/// Returns the bits of `new` where `mask` has a 1, and the bits of `old` where `mask` has a 0.
fn merge_bits(old: u8, new: u8, mask: u8) -> u8 {
    old & !mask | new & mask
}

/// Calls `copy` and returns its result. `copy` must copy `bytes` bytes and must not run Python code. If `bytes` is at
/// least `DETACHED`, the thread is detached from the interpreter during the call.
pub(super) fn copying<T: Send>(py: Python<'_>, bytes: i64, copy: impl FnOnce() -> T + Send) -> T {
    if bytes >= DETACHED { py.detach(copy) } else { copy() }
}

/// Creates the Python object for the item at `indices` in `part`. `indices` must be in bounds. Creating the object may
/// run Python code that releases the view. A pinned view cannot be released, so `pin` is dropped before the object is
/// created.
///
/// # Errors
/// - a pointer on the way to the item is NULL
/// - every error of [`Codec::read`](crate::values::Codec::read)
#[inline]
pub(super) fn read_item<'py>(
    py: Python<'py>,
    part: &Part,
    pin: Pin<'_>,
    indices: &[i64],
) -> PyResult<Bound<'py, PyAny>> {
    read_place(py, part, pin, part.place(indices))
}

/// Creates the Python object for one item of `part`. `offset` is the distance in bytes from `buf` to the item. `pin`
/// keeps the buffer from being released. The item must be the primitive value `primitive`. No Python code runs while
/// the object is created. Returns `None` and sets an exception if there is no memory.
#[inline(always)]
pub(super) fn read_primitive<'py>(
    py: Python<'py>,
    part: &Part,
    pin: &Pin<'_>,
    primitive: PrimitiveField,
    offset: i64,
) -> NewObject<'py> {
    // SAFETY: (a) The callers pass the offset of an item.
    let address = unsafe { part.pinned(pin).address(offset) };
    primitive.read_from(py, 0, &ItemAt { address, held: PhantomData })
}

/// Creates the Python object for the record of `part` at the byte `offset` from `buf`, if the record has only primitive
/// values and its class exists. Otherwise, returns `None` without an exception. `offset` must be the offset of an item.
/// `pin` is dropped after the bytes of the record are copied.
#[inline]
pub(super) fn read_plain_record<'py>(
    py: Python<'py>,
    part: &Part,
    pin: Pin<'_>,
    offset: i64,
) -> Option<NewObject<'py>> {
    let codec = part.item().ok()?.existing_codec(py).filter(|codec| codec.reads_plain_records())?;
    let read = |bytes: &mut [u8]| {
        part.pinned(&pin).copy_item(Place::Offset(offset), bytes)?;
        drop(pin);
        Ok(codec.read_plain_record(py, bytes))
    };
    with_item_copy(part.description.plan().itemsize(), read).ok().flatten()
}

/// The bytes of an item that is one primitive value.
///
/// INVARIANT: the bytes of one item may be read at `address` for `'h`. Only `read_primitive` and `read_line` create an
/// `ItemAt`.
struct ItemAt<'h> {
    address: *const u8,
    held: PhantomData<&'h Part>,
}

impl Source for ItemAt<'_> {
    #[inline(always)]
    fn bytes<const N: usize>(&self, start: usize) -> [u8; N] {
        // SAFETY: by the INVARIANT the bytes of the item may be read, and the value is the whole item. An array of
        // bytes has no alignment.
        unsafe { self.address.wrapping_add(start).cast::<[u8; N]>().read() }
    }

    #[inline(always)]
    fn byte_string<'py>(&self, py: Python<'py>, start: usize, len: usize, nuls: NulHandling) -> NewObject<'py> {
        let start = self.address.wrapping_add(start);
        // SAFETY: by the INVARIANT the bytes of the item may be read, and the value is the whole item. Bytes have no
        // alignment.
        let is_nul = |index: usize| unsafe { start.wrapping_add(index).read() } == 0;
        let len = match nuls {
            NulHandling::StripTrailing => {
                (0..len).rev().find(|index| !is_nul(*index)).map_or(0, |last| last.saturating_add(1))
            }
            NulHandling::StopAtFirst => (0..len).find(|index| is_nul(*index)).unwrap_or(len),
            // `NulHandling` is non-exhaustive. A rule that the library adds later keeps all bytes.
            _ => len,
        };
        // SAFETY: (a) By the INVARIANT the bytes of the item may be read, and `len` is at most their number.
        unsafe { objects::bytes_at(py, start, len) }
    }
}

/// Creates the Python object for the item at `place` in `part`. `pin` pins a view of the part's buffer. `pin` is
/// dropped after the bytes of the item are copied, because creating the object may run Python code that releases the
/// view.
///
/// # Errors
/// - a pointer on the way to the item is NULL
/// - every error of [`Codec::read`](crate::values::Codec::read)
#[inline]
pub(super) fn read_place<'py>(
    py: Python<'py>,
    part: &Part,
    pin: Pin<'_>,
    place: Place<'_>,
) -> PyResult<Bound<'py, PyAny>> {
    if let (Some(primitive), Place::Offset(offset)) = (part.primitive, place) {
        return objects::into_result(py, read_primitive(py, part, &pin, primitive, offset));
    }
    let item = part.item()?;
    let codec = item.codec(py, &part.description)?;
    with_item_copy(part.description.plan().itemsize(), |bytes| {
        let held = part.pinned(&pin);
        held.copy_item(place, bytes)?;
        // After the pin is dropped, other code may change the memory and drop the objects in the item. `references`
        // keeps these objects alive until `object` is created.
        let references = if item.has_objects() { held.references(py, bytes)? } else { Vec::new() };
        drop(pin);
        let object = codec.read(py, bytes);
        drop(references);
        object
    })
}

/// Creates the Python object for the item at `place` in `held`. Unlike [`read_place`], the function keeps the part
/// pinned while the object is created, because the caller reads more items. Fails as [`read_place`].
pub(super) fn read_pinned<'py>(
    py: Python<'py>,
    held: &PinnedPart<'_>,
    place: Place<'_>,
) -> PyResult<Bound<'py, PyAny>> {
    let codec = held.part.item()?.codec(py, &held.part.description)?;
    with_item_copy(held.itemsize(), |bytes| {
        held.copy_item(place, bytes)?;
        let references = held.references(py, bytes)?;
        let object = codec.read(py, bytes);
        drop(references);
        object
    })
}

/// Returns the part with the items of `held` at `index` in the dimension `dimension`. `index` counts from 0. The result
/// does not have this dimension. If the items are reached through pointers in this dimension, follows the pointer at
/// `index`.
///
/// # Errors
/// - a pointer is NULL
/// - every error of [`Arrangement::select`]
pub(super) fn select(held: &PinnedPart<'_>, dimension: usize, index: i64) -> PyResult<Part> {
    let part = held.part;
    let (view, pointer) = part.view.select(dimension, index)?;
    let mut buf = part.buf;
    if let Some(offset) = pointer {
        // SAFETY: (a) `select` returns the offset of a pointer only if there are items at `index`. By the INVARIANT the
        // exporter described these items, and access to them follows this pointer (A22, suboffsets). So the pointer may
        // be read until the buffer is released (E04, memory stays valid).
        buf = unsafe { follow_pointer(buf, offset, dimension) }?;
    }
    Ok(Part { buf, ..part.with_view(view) })
}
