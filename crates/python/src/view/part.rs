//! `Part`, the items that a view shows, and `Held`, the same while their buffer cannot be released.
#![allow(unsafe_code, reason = "copies items out of and into the memory of the exporter")]

use std::marker::PhantomData;
use std::sync::Arc;

use pep3118::decode::{Buffer, BufferMut, ColumnData, DecodeError, EncodeError};
use pep3118::layout::Dialect;
use pep3118::py::{Acquired, ItemDescription, ObjectReferences, SharedView};
use pep3118::view::{Checker, ItemLayout, Order, RawView, Slice};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use super::arrangement::Arrangement;
use super::construct;
use super::ctypes_objects;
use super::hold::{Hold, Pin, released};
use super::item::{Cell, Item};
use crate::borrowed_bytes::BorrowedBytes;
use crate::objects::{self, NewObject};
use crate::values::{PrimitiveField, Source};

/// Copies of this many bytes and more let other threads run meanwhile.
const DETACHED: i64 = 1 << 20;
/// Items of up to so many bytes are copied to the stack.
const SMALL: usize = 64;
const MEDIUM: usize = 512;

/// Items in a buffer: their arrangement, their address and their description. It does not hold the buffer.
///
/// INVARIANT: `view` and `buf` came from a buffer or from the memory of a column by validation, or from those
/// of such a part by slicing and the like. So the items are items that the exporter described, for as long as the buffer is held.
#[derive(Debug)]
pub(super) struct Part {
    view: Arrangement,
    buf: *mut u8,
    description: Arc<ItemDescription>,
    /// The item, if it is one primitive value.
    primitive: Option<PrimitiveField>,
}

// SAFETY: an address and numbers that never change; the address is used while the buffer is held.
unsafe impl Send for Part {}
// SAFETY: as for `Send`.
unsafe impl Sync for Part {}

impl Part {
    /// All items of a buffer, and the buffer.
    pub(super) fn new(shared: SharedView<Acquired>, description: Arc<ItemDescription>) -> (Acquired, Self) {
        let (acquired, view, buf) = shared.into_parts();
        (acquired, Self::of(Arrangement::new(&view), buf, description))
    }

    #[inline]
    fn of(view: Arrangement, buf: *mut u8, description: Arc<ItemDescription>) -> Self {
        let primitive = Item::of(&description).ok().and_then(Item::primitive);
        Self { view, buf, description, primitive }
    }

    /// The item, if it is one primitive value.
    #[inline]
    pub(super) fn primitive(&self) -> Option<PrimitiveField> {
        self.primitive
    }

    /// Items of a shape in the memory of a column, one after the other. `None` if the column has other bytes.
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
        // The shape has as many bytes as the column, or the check fails.
        let view = Checker::DEFAULT.check(&raw, None).view?;
        Some(Self::of(Arrangement::new(&view), bytes.as_mut_ptr(), description))
    }

    /// The arrangement of the items. Their layout is in the description.
    #[inline]
    pub(super) fn view(&self) -> &Arrangement {
        &self.view
    }

    /// The address that offsets of the view count from.
    pub(super) fn buf(&self) -> *mut u8 {
        self.buf
    }

    #[inline]
    pub(super) fn description(&self) -> &Arc<ItemDescription> {
        &self.description
    }

    #[inline]
    pub(super) fn item(&self) -> PyResult<&Item> {
        Item::of(&self.description)
    }

    #[inline]
    pub(super) fn shape(&self) -> &[i64] {
        self.view.shape()
    }

    /// Other items of the same layout.
    #[inline]
    fn alike(&self, view: Arrangement) -> Self {
        Self { view, buf: self.buf, description: Arc::clone(&self.description), primitive: self.primitive }
    }

    /// The same items.
    pub(super) fn whole(&self) -> Self {
        self.alike(self.view.clone())
    }

    #[inline]
    pub(super) fn slice(&self, slices: &[Slice]) -> PyResult<Self> {
        Ok(self.alike(self.view.slice(slices)?))
    }

    pub(super) fn to_readonly(&self) -> Self {
        self.alike(self.view.to_readonly())
    }

    pub(super) fn transpose(&self, axes: Option<&[usize]>) -> PyResult<Self> {
        Ok(self.alike(Arrangement::new(&self.view.geometry().transpose(axes)?)))
    }

    /// The field of a dotted name.
    pub(super) fn field(&self, name: &Bound<'_, PyString>) -> PyResult<Self> {
        self.item()?.with_child(&self.description, name, |child| {
            Ok(Self::of(self.view.subarray(&child.elements)?, self.buf, Arc::clone(&child.item)))
        })
    }

    /// The same bytes as items of another format. References to objects are not written as anything else.
    pub(super) fn cast(
        &self,
        format: &[u8],
        shape: Option<&[i64]>,
        dialect: Option<&'static Dialect>,
    ) -> PyResult<Self> {
        let description = ItemDescription::of_format(format, dialect)
            .map_err(|error| construct::exception(error, construct::CHOOSE_CAST))?;
        let size = description.layout().size();
        let itemsize =
            i64::try_from(size).map_err(|_| objects::error::<PyValueError>(format!("items of {size} bytes")))?;
        let view = Arrangement::new(&self.view.geometry().cast(ItemLayout::Bytes, itemsize, shape)?);
        let view = if self.item()?.has_objects() { view.to_readonly() } else { view };
        Ok(Self::of(view, self.buf, description))
    }

    /// `C`, `F` or `A`, which is F where the memory is Fortran-contiguous and not C-contiguous.
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

    /// The place of the item of these indices, one for each dimension, each of which is in bounds.
    #[inline]
    pub(super) fn place<'i>(&self, indices: &'i [i64]) -> Place<'i> {
        let view = &self.view;
        if view.is_indirect() {
            return Place::Indices(indices);
        }
        // Each index is in bounds, so the sum is part of a span that fits 63 bits.
        let distances = view.strides().iter().zip(indices).map(|(stride, index)| stride.wrapping_mul(*index));
        Place::Offset(distances.fold(view.offset(), i64::wrapping_add))
    }

    /// The number of items in the first dimension.
    #[inline]
    pub(super) fn len(&self) -> PyResult<usize> {
        let first = self.shape().first().ok_or_else(|| objects::error::<PyTypeError>("0-dim view has no length"))?;
        Ok(usize::try_from(*first)?)
    }

    /// The items, while the pin keeps the buffer of this part from being released.
    pub(super) fn held<'h>(&'h self, pin: &'h Pin<'_>) -> Held<'h> {
        let _: &Pin<'_> = pin;
        Held { part: self }
    }

    /// The items, while their buffer is borrowed.
    pub(super) fn held_by<'h>(&'h self, acquired: &'h Acquired) -> Held<'h> {
        let _: &Acquired = acquired;
        Held { part: self }
    }
}

/// Items whose buffer is held.
///
/// INVARIANT: made by `Part::held` and `Part::held_by`, so the buffer of the part is held as long as this exists.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held<'h> {
    part: &'h Part,
}

/// The place of one item.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'i> {
    /// Bytes from `buf`.
    Offset(i64),
    /// One index for each dimension, on the way through pointers.
    Indices(&'i [i64]),
}

impl<'h> Held<'h> {
    #[inline]
    pub(super) fn part(&self) -> &'h Part {
        self.part
    }

    #[inline]
    fn itemsize(&self) -> usize {
        self.part.description.plan().itemsize()
    }

    /// Calls `call` with the items, to be read.
    ///
    /// # Errors
    /// - an error of `call`
    pub(super) fn with_buffer<T, E: From<DecodeError>>(
        &self,
        call: impl FnOnce(&Buffer<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let (part, geometry) = (self.part, self.part.view.geometry());
        // SAFETY: (a) and (b): by the INVARIANT of `Part` the items are those that the exporter described,
        // and by that of `Held` the buffer is held for `'h` (E04). (c) is required by the protocol of
        // everybody who holds a buffer of this memory.
        let buffer = unsafe { Buffer::from_ptr(&geometry, part.description.plan(), part.buf) };
        call(&buffer?)
    }

    /// Calls `call` with the items, to be written.
    ///
    /// # Errors
    /// - a read-only view
    /// - an error of `call`
    fn with_buffer_mut<T>(
        &self,
        call: impl FnOnce(&mut BufferMut<'_>) -> Result<T, EncodeError>,
    ) -> Result<T, EncodeError> {
        let (part, geometry) = (self.part, self.part.view.geometry());
        // SAFETY: (a) to (c) as for `buffer`; (d): the exporter reports that the memory is writable, which
        // `from_ptr` requires of the view, and no reference to it is ever made.
        let buffer = unsafe { BufferMut::from_ptr(&geometry, part.description.plan(), part.buf) };
        call(&mut buffer?)
    }

    /// The address of an item that is not reached through pointers.
    ///
    /// # Safety
    /// - (a) `offset` is that of an item of the view.
    #[inline]
    unsafe fn address(&self, offset: i64) -> *mut u8 {
        // By (a) the offset is in memory, so it fits the address space.
        debug_assert!(isize::try_from(offset).is_ok(), "offset {offset}");
        self.part.buf.wrapping_offset(isize::try_from(offset).unwrap_or(0))
    }

    /// The bytes of an item that is reached through pointers.
    fn item_bytes(&self, indices: &[i64]) -> Result<Vec<u8>, DecodeError> {
        self.with_buffer(|buffer| buffer.item_bytes(indices))
    }

    fn write_item_bytes(&self, indices: &[i64], item: &[u8]) -> Result<(), EncodeError> {
        self.with_buffer_mut(|buffer| buffer.write_item_bytes(indices, item))
    }

    /// Copies the bytes of one item.
    #[inline]
    fn copy_item(&self, place: Place<'_>, out: &mut [u8]) -> PyResult<()> {
        let offset = match place {
            Place::Offset(offset) => offset,
            Place::Indices(indices) => {
                out.copy_from_slice(&self.item_bytes(indices)?);
                return Ok(());
            }
        };
        // SAFETY: (a) `place` and `Walk` make offsets of items only.
        let from = unsafe { self.address(offset) };
        // Sizes of numbers are compiled to one load.
        macro_rules! copy {
            ($($size:literal)+) => {
                match out.len() {
                    $($size => {
                        // SAFETY: as below.
                        let item = unsafe { from.cast::<[u8; $size]>().read() };
                        out.copy_from_slice(&item);
                    })+
                    len => {
                        // SAFETY: `out` has the bytes of one item, which by the INVARIANT may be read; it is
                        // this program's, so they do not overlap. Bytes have no alignment.
                        unsafe { std::ptr::copy_nonoverlapping(from, out.as_mut_ptr(), len) };
                    }
                }
            };
        }
        copy!(1 2 4 8 16);
        Ok(())
    }

    /// Writes the bytes of an item that is one value, without references.
    #[inline]
    pub(super) fn store_plain(&self, place: Place<'_>, item: &[u8]) -> PyResult<()> {
        let offset = match place {
            Place::Offset(offset) => offset,
            Place::Indices(indices) => return Ok(self.write_item_bytes(indices, item)?),
        };
        if self.part.view.readonly() || item.len() != self.itemsize() {
            return Err(objects::error::<PyTypeError>("cannot modify read-only memory"));
        }
        // SAFETY: (a) `place` and `Walk` make offsets of items only.
        let to = unsafe { self.address(offset) };
        macro_rules! store {
            ($($size:literal)+) => {
                match item.len() {
                    $($size => {
                        let mut value = [0; $size];
                        value.copy_from_slice(item);
                        // SAFETY: as below.
                        unsafe { to.cast::<[u8; $size]>().write(value) };
                    })+
                    len => {
                        // SAFETY: the bytes of one item, which by the INVARIANT may be written, since the view
                        // is writable; `item` is this program's. Bytes have no alignment.
                        unsafe { std::ptr::copy_nonoverlapping(item.as_ptr(), to, len) };
                    }
                }
            };
        }
        store!(1 2 4 8 16);
        Ok(())
    }

    /// The references to objects that an item has, taken while no other code runs.
    fn references<'py>(&self, py: Python<'py>, item: &[u8]) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let offsets = self.part.item()?.objects(py, &self.part.description)?;
        let mut references = Vec::new();
        references.try_reserve_exact(offsets.len()).map_err(|_| objects::no_memory())?;
        for offset in offsets {
            let address = address_at(item, *offset);
            // SAFETY: (b) the owner of the memory holds a reference to each object (`ObjectReferences`), and no
            // code that could drop it ran since the item was copied.
            references.push(unsafe { objects::object(py, address) });
        }
        Ok(references)
    }

    /// Writes an item. Padding stays as it is, and so does the memory where this fails. `item` has the bytes
    /// of values, and owns the references to objects in them; those that they replace are dropped by `Old`.
    fn store_item<'py>(&self, py: Python<'py>, place: Place<'_>, item: &[u8], old: &mut Old<'py>) -> PyResult<()> {
        let part = self.part;
        let written = part.item()?.written(py, &part.description)?;
        let objects = part.item()?.objects(py, &part.description)?;
        let offset = match place {
            Place::Offset(offset) => offset,
            // There are no references behind pointers: `ObjectReferences` are those of NumPy's arrays.
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
        // SAFETY: (a) `place` and `Walk` make offsets of items only.
        let to = unsafe { self.address(offset) };
        let by_ctypes = part.description.objects() == ObjectReferences::Exporter;
        for offset in objects.iter().filter(|_| by_ctypes) {
            let value = reference(py, item, *offset).unwrap_or_else(|| py.None().into_bound(py));
            old.assigned.push((to.addr().saturating_add(*offset), value));
        }
        old.reserve(objects.len())?;
        for offset in objects.iter().filter(|_| !by_ctypes) {
            let mut address = [0; size_of::<usize>()];
            // SAFETY: one of the references in the item, whose bytes may be read; they have no alignment.
            unsafe { std::ptr::copy_nonoverlapping(to.wrapping_add(*offset), address.as_mut_ptr(), address.len()) };
            old.addresses.push(usize::from_ne_bytes(address));
        }
        let whole = [Cell { offset: 0, len: item.len() }];
        for cell in written.unwrap_or(&whole) {
            let Some(bytes) = item.get(cell.offset..cell.offset.saturating_add(cell.len)) else { continue };
            // SAFETY: bytes of one item, which by the INVARIANT may be written, since the view is writable;
            // `item` is this program's, so they do not overlap. Bytes have no alignment.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to.wrapping_add(cell.offset), bytes.len()) };
        }
        old.py = Some(py);
        Ok(())
    }

    /// The one line of all items: the first offset, the number of items and the bytes from one to the next.
    /// `None` where they do not lie on one.
    #[inline]
    pub(super) fn line(&self) -> Option<Line> {
        self.part.line()
    }

    /// The address and the number of all bytes, if they are contiguous, the last index fastest.
    #[inline]
    pub(super) fn contiguous(&self) -> Option<Span<'h>> {
        let view = &self.part.view;
        if !view.is_contiguous(Order::C) {
            return None;
        }
        // SAFETY: (a) that of the first item; where there is none, no byte is read.
        let start = unsafe { self.address(view.offset()) };
        Some(Span { start, len: usize::try_from(view.len()).ok()?, held: PhantomData })
    }

    /// Calls `call` with a reader of all items in blocks. Contiguous items are copied directly where `direct` is
    /// `true`. Otherwise the blocks of two views of the same shape and itemsize have the same lengths.
    pub(super) fn with_blocks<T>(
        &self,
        direct: bool,
        call: impl FnOnce(&mut Blocks<'_>) -> PyResult<T>,
    ) -> PyResult<T> {
        match self.contiguous().filter(|_| direct) {
            Some(left) => {
                let (small, block, itemsize) = ([0; SMALL_BLOCK], Vec::new(), self.itemsize());
                call(&mut Blocks::Contiguous { left, small, block, itemsize })
            }
            None => self.with_buffer(|buffer| call(&mut Blocks::Others(buffer.blocks()?))),
        }
    }

    /// Copies bytes to all items, which are contiguous and have as many; `false`, and nothing done, if not.
    pub(super) fn copy_from_bytes(&self, py: Python<'_>, from: &BorrowedBytes<'_>) -> PyResult<bool> {
        let Some(to) = self.contiguous() else { return Ok(false) };
        if to.len != from.len() || self.part.view.readonly() {
            return Ok(false);
        }
        if to.len == 0 {
            return Ok(true);
        }
        // SAFETY: as many bytes may be written there: by the INVARIANT the buffer is held, and the view is
        // writable.
        copying(py, self.part.view.len(), || unsafe { from.move_to(to.start(), to.len) });
        Ok(true)
    }

    /// Copies the bytes of all items from another buffer that is held; both are contiguous and have as many.
    /// They may overlap. `false`, and nothing done, if they do not.
    pub(super) fn copy_from(&self, py: Python<'_>, from: &Held<'_>) -> bool {
        let (Some(to), Some(from)) = (self.contiguous(), from.contiguous()) else { return false };
        if to.len != from.len || self.part.view.readonly() {
            return false;
        }
        if to.len == 0 {
            return true;
        }
        // SAFETY: as many bytes may be read there and written here: by the INVARIANT both buffers are held, and
        // the view is writable. They may overlap.
        copying(py, self.part.view.len(), || unsafe { std::ptr::copy(from.start(), to.start(), to.len) });
        true
    }

    /// Writes one item, without references and padding, to all places.
    pub(super) fn fill(&self, py: Python<'_>, item: &[u8]) -> PyResult<bool> {
        let view = &self.part.view;
        let (Some(line), false) = (self.line(), view.readonly()) else { return Ok(false) };
        if line.items == 0 || item.is_empty() {
            return Ok(true);
        }
        if item.len() != self.itemsize() {
            return Ok(false);
        }
        // SAFETY: (a) that of the first item.
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
                                    // SAFETY: as below.
                                    unsafe { to.cast::<[u8; $size]>().write(value) };
                                    to = to.wrapping_add($size);
                                }
                                return;
                            }
                            for _ in 0..line.items {
                                // SAFETY: as below.
                                unsafe { to.cast::<[u8; $size]>().write(value) };
                                to = to.wrapping_offset(stride);
                            }
                        });
                    })+
                    _ => copying(py, view.len(), || {
                        let mut to = start.get();
                        for _ in 0..line.items {
                            // SAFETY: one of the items of the line, whose bytes may be written by the
                            // INVARIANT, since the view is writable. Bytes have no alignment.
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

    /// All items as bytes in a Python object, contiguous in an order.
    pub(super) fn to_bytes<'py>(self, py: Python<'py>, order: Order) -> PyResult<Bound<'py, PyBytes>> {
        let view = &self.part.view;
        let len = usize::try_from(view.len()).unwrap_or(usize::MAX);
        PyBytes::new_with(py, len, |out| {
            let copied = copying(py, view.len(), || self.with_buffer(|buffer| buffer.copy_bytes(order, out)));
            Ok(copied?)
        })
    }

    /// Copies all items to a vector, contiguous in C or Fortran order.
    pub(super) fn to_vec(self, py: Python<'_>, order: Order) -> Result<Vec<u8>, DecodeError> {
        copying(py, self.part.view.len(), || self.with_buffer(|buffer| buffer.to_contiguous(order)))
    }

    /// Calls with the place of each item, the last index fastest.
    pub(super) fn each_place(&self, call: impl FnMut(Place<'_>) -> PyResult<()>) -> PyResult<()> {
        self.part.each_place(call)
    }
}

impl Part {
    /// The one line of all items; `None` where they do not lie on one.
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

    /// Calls with the place of each item, the last index fastest.
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
            for (index, extent) in indices.iter_mut().zip(shape).rev() {
                *index = index.saturating_add(1);
                if *index < *extent {
                    break;
                }
                *index = 0;
            }
        }
        Ok(())
    }
}

/// Items that are a stride apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// Of the first item, in bytes from `buf`.
    pub(super) offset: i64,
    pub(super) items: usize,
    /// In bytes.
    pub(super) stride: i64,
}

/// An address that is used while its buffer is held, on whatever thread.
#[derive(Clone, Copy, Debug)]
struct Address(*mut u8);

// SAFETY: as for `Part`.
unsafe impl Send for Address {}
// SAFETY: as for `Part`.
unsafe impl Sync for Address {}

impl Address {
    fn get(self) -> *mut u8 {
        self.0
    }
}

/// Contiguous bytes of a buffer that is held.
///
/// INVARIANT: `len` bytes from `start` on may be read for `'h`. Made by `Held::contiguous` only.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span<'h> {
    start: *mut u8,
    len: usize,
    held: PhantomData<&'h Part>,
}

// SAFETY: as for `Part`.
unsafe impl Send for Span<'_> {}
// SAFETY: as for `Part`.
unsafe impl Sync for Span<'_> {}

impl Span<'_> {
    fn start(&self) -> *mut u8 {
        self.start
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Copies the next `N` bytes, which are no longer part of the span; `None` if there are fewer.
    #[inline(always)]
    pub(super) fn next_chunk<const N: usize>(&mut self) -> Option<[u8; N]> {
        let left = self.len.checked_sub(N)?;
        // SAFETY: by the INVARIANT `N` bytes may be read, since `len` is not less. An array of bytes has no alignment.
        let chunk = unsafe { self.start.cast::<[u8; N]>().read() };
        (self.start, self.len) = (self.start.wrapping_add(N), left);
        Some(chunk)
    }

    /// Copies the next bytes to `out`, at most as many as there are. They are no longer part of the span.
    fn copy_to(&mut self, out: &mut [u8]) {
        let len = self.len.min(out.len());
        // SAFETY: by the INVARIANT `len` bytes may be read. `out` has as many and is this program's, so that they do
        // not overlap.
        unsafe { std::ptr::copy_nonoverlapping(self.start.cast_const(), out.as_mut_ptr(), len) };
        (self.start, self.len) = (self.start.wrapping_add(len), self.len.saturating_sub(len));
    }
}

/// A reader of all items in blocks, the last index fastest.
pub(super) enum Blocks<'h> {
    /// Contiguous items, which are copied to `block`.
    Contiguous {
        left: Span<'h>,
        small: [u8; SMALL_BLOCK],
        block: Vec<u8>,
        itemsize: usize,
    },
    Others(pep3118::__private::Blocks<'h>),
}

/// The largest number of bytes in a block of contiguous items, unless one item is larger.
const BLOCK: usize = 1 << 14;
/// The largest number of bytes in a block of contiguous items that is on the stack.
const SMALL_BLOCK: usize = 128;

impl Blocks<'_> {
    /// Returns the next items; no bytes at the end.
    pub(super) fn next(&mut self) -> PyResult<&[u8]> {
        match self {
            Self::Others(blocks) => {
                blocks.advance()?;
                Ok(blocks.block())
            }
            Self::Contiguous { left, small, block, itemsize } => {
                let most = BLOCK.checked_div(*itemsize).unwrap_or(0).max(1).saturating_mul(*itemsize);
                let len = left.len.min(most);
                if len > SMALL_BLOCK && block.is_empty() {
                    *block = zeroed(len)?;
                }
                let block = if len > SMALL_BLOCK { block.as_mut_slice() } else { small };
                let block = block.get_mut(..len).unwrap_or_default();
                left.copy_to(block);
                Ok(block)
            }
        }
    }
}

/// References that items no longer own. They are dropped after the buffer may be released, since dropping
/// runs Python code.
#[derive(Default)]
pub(super) struct Old<'py> {
    py: Option<Python<'py>>,
    addresses: Vec<usize>,
    /// Objects that ctypes assigns, by the address of their place.
    assigned: Vec<(usize, Bound<'py, PyAny>)>,
}

impl Old<'_> {
    /// Lets ctypes assign the objects in its memory.
    ///
    /// # Errors
    /// - a view that was released meanwhile: `ValueError`
    /// - an exception of ctypes
    pub(super) fn finish(mut self, hold: &Hold) -> PyResult<()> {
        for (address, value) in std::mem::take(&mut self.assigned) {
            let (exporter, start) = hold.origin(value.py()).ok_or_else(released)?;
            ctypes_objects::assign(&exporter, address.saturating_sub(start), &value)?;
        }
        Ok(())
    }

    fn reserve(&mut self, more: usize) -> PyResult<()> {
        self.addresses.try_reserve(more).map_err(|_| objects::no_memory())
    }
}

impl Drop for Old<'_> {
    fn drop(&mut self) {
        for address in std::mem::take(&mut self.addresses) {
            if let Some(py) = self.py {
                // SAFETY: (c) an item owned the reference, and was overwritten.
                unsafe { objects::drop_reference(py, address) };
            }
        }
    }
}

/// Bytes of items, which own the references to objects in them until they are written.
///
/// INVARIANT: each reference is 0 or owned.
pub(super) struct NewItems<'p, 'py> {
    py: Python<'py>,
    bytes: Vec<u8>,
    small: [u8; SMALL],
    len: usize,
    itemsize: usize,
    objects: &'p [usize],
}

impl<'p, 'py> NewItems<'p, 'py> {
    /// `count` items of a part, all bits zero.
    pub(super) fn zeroed(py: Python<'py>, part: &'p Part, count: usize) -> PyResult<Self> {
        let itemsize = part.description.plan().itemsize();
        let objects = part.item()?.objects(py, &part.description)?;
        let len = itemsize.checked_mul(count).ok_or_else(objects::no_memory)?;
        let bytes = if len <= SMALL { Vec::new() } else { zeroed(len)? };
        Ok(Self { py, bytes, small: [0; SMALL], len, itemsize, objects })
    }

    /// The bytes of the new items, to be filled in.
    #[inline]
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        if self.len <= SMALL { self.small.get_mut(..self.len).unwrap_or_default() } else { &mut self.bytes }
    }

    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        if self.len <= SMALL { self.small.get(..self.len).unwrap_or_default() } else { &self.bytes }
    }

    /// Writes the one item to its place.
    #[inline]
    pub(super) fn store_at(mut self, held: &Held<'_>, place: Place<'_>, old: &mut Old<'py>) -> PyResult<()> {
        held.store_item(self.py, place, self.bytes(), old)?;
        // The memory owns the references now, unless ctypes takes its own.
        if !self.objects.is_empty() && held.part.description.objects() == ObjectReferences::Memory {
            self.bytes_mut().fill(0);
        }
        Ok(())
    }

    /// Writes the items to their places: those of a part, or one item to all of them. Old references are
    /// dropped by the caller, after the buffer may be released.
    pub(super) fn store_all(mut self, held: &Held<'_>, old: &mut Old<'py>) -> PyResult<()> {
        let (py, part) = (self.py, held.part);
        if part.view.readonly() {
            return Err(objects::error::<PyTypeError>("cannot modify read-only memory"));
        }
        let one = self.len == self.itemsize;
        let owned = part.description.objects() == ObjectReferences::Memory;
        let plain = self.objects.is_empty() && part.item()?.written(py, &part.description)?.is_none();
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
        let mut stored = Ok(());
        let walked = held.each_place(|place| {
            let start = if one { 0 } else { at };
            let item = self.bytes().get(start..start.saturating_add(self.itemsize)).unwrap_or_default();
            held.store_item(py, place, item, old)?;
            if one && owned {
                // Each place owns a reference of its own.
                for offset in self.objects {
                    std::mem::forget(reference(py, item, *offset));
                }
            }
            at = at.saturating_add(size);
            Ok(())
        });
        if let Err(error) = walked {
            stored = Err(error);
        }
        // What was written owns its references now.
        let moved = if one || !owned { 0 } else { at.min(self.len) };
        self.bytes_mut().get_mut(..moved).unwrap_or_default().fill(0);
        stored
    }

    /// Takes references of its own to the objects of bytes that were copied from memory whose owner vouches
    /// for them, while no other code ran.
    pub(super) fn copied(py: Python<'py>, part: &'p Part, from: &Held<'_>) -> PyResult<Self> {
        let count = usize::try_from(part.view.item_count()).map_err(|_| objects::no_memory())?;
        let mut new = Self::zeroed(py, part, count)?;
        // None of them are owned yet.
        new.objects = &[];
        let objects = part.item()?.objects(py, &part.description)?;
        let bytes = if objects.is_empty() {
            from.to_vec(py, Order::C)?
        } else {
            from.with_buffer(|buffer| buffer.to_contiguous(Order::C))?
        };
        new.bytes_mut().iter_mut().zip(&bytes).for_each(|(cell, byte)| *cell = *byte);
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
        let bytes = if self.len <= SMALL { self.small.get(..self.len).unwrap_or_default() } else { &bytes };
        for item in bytes.chunks_exact(self.itemsize.max(1)) {
            for offset in self.objects {
                // SAFETY: (c) by the INVARIANT it is owned, and nothing else drops it.
                unsafe { objects::drop_reference(self.py, address_at(item, *offset)) };
            }
        }
    }
}

/// Another reference to an object of an item.
fn reference<'py>(py: Python<'py>, item: &[u8], offset: usize) -> Option<Bound<'py, PyAny>> {
    let address = address_at(item, offset);
    // SAFETY: (b) the item owns a reference to it, or its owner does and no code ran since it was copied.
    (address != 0).then(|| unsafe { objects::object(py, address) })
}

/// The address in an item, in this machine's byte order: the type of the exporter is one of this process.
fn address_at(item: &[u8], offset: usize) -> usize {
    let bytes = item.get(offset..).and_then(|bytes| bytes.first_chunk());
    bytes.map_or(0, |bytes| usize::from_ne_bytes(*bytes))
}

/// Copies the values of an item, and leaves its padding.
fn merge(item: &mut [u8], values: &[u8], written: &[Cell]) {
    for cell in written {
        let range = cell.offset..cell.offset.saturating_add(cell.len);
        if let (Some(to), Some(from)) = (item.get_mut(range.clone()), values.get(range)) {
            to.copy_from_slice(from);
        }
    }
}

/// Runs a copy of so many bytes, without the interpreter if it is a large one.
pub(super) fn copying<T: Send>(py: Python<'_>, bytes: i64, copy: impl FnOnce() -> T + Send) -> T {
    if bytes >= DETACHED { py.detach(copy) } else { copy() }
}

/// Zeros.
///
/// # Errors
/// - no memory
pub(super) fn zeroed(len: usize) -> PyResult<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).map_err(|_| objects::no_memory())?;
    bytes.resize(len, 0);
    Ok(bytes)
}

/// Reads the object of one item. `pin` is dropped once the item is copied: making objects may run other code.
#[inline]
pub(super) fn read_item<'py>(
    py: Python<'py>,
    part: &Part,
    pin: Pin<'_>,
    indices: &[i64],
) -> PyResult<Bound<'py, PyAny>> {
    read_place(py, part, pin, part.place(indices))
}

/// Reads an item that is one primitive value. No other code runs while its object is created.
#[inline(always)]
pub(super) fn read_primitive<'py>(
    py: Python<'py>,
    part: &Part,
    pin: &Pin<'_>,
    primitive: PrimitiveField,
    offset: i64,
) -> NewObject<'py> {
    // SAFETY: (a) `Key::offset`, `View::item_at` and `each_place` make offsets of items only.
    let address = unsafe { part.held(pin).address(offset) };
    primitive.read_from(py, 0, &ItemAt { address, held: PhantomData })
}

/// The bytes of an item that is one primitive value.
///
/// INVARIANT: as many bytes as the value has may be read at `address` for `'h`. Made by `read_primitive` only.
struct ItemAt<'h> {
    address: *const u8,
    held: PhantomData<&'h Part>,
}

impl Source for ItemAt<'_> {
    #[inline(always)]
    fn bytes<const N: usize>(&self, start: usize) -> [u8; N] {
        // SAFETY: by the INVARIANT: a value reads no other bytes than its own. An array of bytes has no alignment.
        unsafe { self.address.wrapping_add(start).cast::<[u8; N]>().read() }
    }

    #[inline(always)]
    fn byte_string<'py>(&self, py: Python<'py>, start: usize, len: usize) -> NewObject<'py> {
        // SAFETY: (a) is the INVARIANT: a value reads no other bytes than its own.
        unsafe { objects::bytes_at(py, self.address.wrapping_add(start), len) }
    }
}

/// The same for a place of the part.
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
    let size = part.description.plan().itemsize();
    let mut small = [0_u8; SMALL];
    if let Some(bytes) = small.get_mut(..size) {
        return read_into(py, part, pin, place, bytes);
    }
    read_large(py, part, pin, place, size)
}

#[inline(never)]
fn read_large<'py>(
    py: Python<'py>,
    part: &Part,
    pin: Pin<'_>,
    place: Place<'_>,
    size: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let mut medium = [0_u8; MEDIUM];
    match medium.get_mut(..size) {
        Some(bytes) => read_into(py, part, pin, place, bytes),
        None => read_into(py, part, pin, place, &mut zeroed(size)?),
    }
}

#[inline]
fn read_into<'py>(
    py: Python<'py>,
    part: &Part,
    pin: Pin<'_>,
    place: Place<'_>,
    bytes: &mut [u8],
) -> PyResult<Bound<'py, PyAny>> {
    let item = part.item()?;
    let codec = item.codec(py, &part.description)?;
    let held = part.held(&pin);
    held.copy_item(place, bytes)?;
    // Held until the item is read.
    let references = if item.has_objects() { held.references(py, bytes)? } else { Vec::new() };
    drop(pin);
    let object = codec.read(py, bytes);
    drop(references);
    object
}

/// The object of an item of a buffer that stays held. For lists, whose items are many.
pub(super) fn read_held<'py>(py: Python<'py>, held: &Held<'_>, place: Place<'_>) -> PyResult<Bound<'py, PyAny>> {
    let part = held.part;
    let mut bytes = zeroed(held.itemsize())?;
    held.copy_item(place, &mut bytes)?;
    let references = held.references(py, &bytes)?;
    let object = part.item()?.codec(py, &part.description)?.read(py, &bytes);
    drop(references);
    object
}

/// The items of one index in a dimension, which is dropped. A pointer on the way is followed.
pub(super) fn select(held: &Held<'_>, dimension: usize, index: i64) -> PyResult<Part> {
    let part = held.part;
    let (view, pointer) = part.view.select(dimension, index)?;
    let mut buf = part.buf;
    if let Some(offset) = pointer {
        let at: *mut u8 = buf.wrapping_offset(isize::try_from(offset)?);
        // SAFETY: `select` reports a pointer only where there is an item of that index, by the INVARIANT one
        // that the exporter described: the pointer is on the way to it (A22) and is readable while the buffer
        // is held (E04). It need not be aligned.
        buf = unsafe { at.cast::<*mut u8>().read_unaligned() };
        if buf.is_null() {
            return Err(DecodeError::NullPointer { dimension: u64::try_from(dimension).unwrap_or(0) }.into());
        }
    }
    Ok(Part { buf, ..part.alike(view) })
}
