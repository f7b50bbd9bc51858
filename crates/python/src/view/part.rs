//! `Part`, the items that a view shows, and `Held`, the same while their buffer cannot be released.
#![allow(unsafe_code, reason = "copies items out of and into the memory of the exporter")]

use std::sync::Arc;

use pep3118::decode::{Buffer, BufferMut, ColumnData, DecodeError, EncodeError};
use pep3118::layout::Dialect;
use pep3118::py::{Acquired, ItemDescription, ObjectReferences, SharedView};
use pep3118::view::{Checker, ItemLayout, Order, RawView, Slice, View as Geometry};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::construct;
use super::ctypes_objects;
use super::hold::{Hold, Pin, released};
use super::item::{Cell, Item};
use crate::borrowed_bytes::Lent;
use crate::objects;
use crate::values::PrimitiveField;

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
    view: Geometry<'static>,
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
        (acquired, Self::of(view, buf, description))
    }

    #[inline]
    fn of(view: Geometry<'static>, buf: *mut u8, description: Arc<ItemDescription>) -> Self {
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
        let view = Checker::DEFAULT.check(&raw, None).view?.without_format();
        Some(Self::of(view, bytes.as_mut_ptr(), description))
    }

    /// The arrangement of the items. Their layout is in the description.
    #[inline]
    pub(super) fn view(&self) -> &Geometry<'static> {
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
    fn alike(&self, view: Geometry<'static>) -> Self {
        Self { view, buf: self.buf, description: Arc::clone(&self.description), primitive: self.primitive }
    }

    /// The same items.
    pub(super) fn whole(&self) -> Self {
        self.alike(self.view.clone())
    }

    pub(super) fn slice(&self, slices: &[Slice]) -> PyResult<Self> {
        Ok(self.alike(self.view.slice(slices)?))
    }

    pub(super) fn to_readonly(&self) -> Self {
        self.alike(self.view.to_readonly())
    }

    pub(super) fn transpose(&self, axes: Option<&[usize]>) -> PyResult<Self> {
        Ok(self.alike(self.view.transpose(axes)?))
    }

    /// The field of a dotted name.
    pub(super) fn field(&self, name: &str) -> PyResult<Self> {
        let child = self.item()?.child(&self.description, name)?;
        let view = self.view.subarray(child.offset, child.itemsize, &child.shape, &child.strides)?;
        Ok(Self::of(view, self.buf, Arc::clone(&child.item)))
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
        let view = self.view.cast(ItemLayout::Bytes, itemsize, shape)?;
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

    /// The items, to be read.
    pub(super) fn buffer(&self) -> Result<Buffer<'h>, DecodeError> {
        let part = self.part;
        // SAFETY: (a) and (b): by the INVARIANT of `Part` the items are those that the exporter described,
        // and by that of `Held` the buffer is held for `'h` (E04). (c) is required by the protocol of
        // everybody who holds a buffer of this memory.
        unsafe { Buffer::from_ptr(&part.view, part.description.plan(), part.buf) }
    }

    /// The items, to be written.
    pub(super) fn buffer_mut(&self) -> Result<BufferMut<'h>, EncodeError> {
        let part = self.part;
        // SAFETY: (a) to (c) as for `buffer`; (d): the exporter reports that the memory is writable, which
        // `from_ptr` requires of the view, and no reference to it is ever made.
        unsafe { BufferMut::from_ptr(&part.view, part.description.plan(), part.buf) }
    }

    /// The place of the item of these indices, one for each dimension, each of which is in bounds.
    #[inline]
    pub(super) fn place<'i>(&self, indices: &'i [i64]) -> PyResult<Place<'i>> {
        if self.part.view.is_indirect() {
            return Ok(Place::Indices(indices));
        }
        Ok(Place::Offset(self.part.view.offset_of(indices)?))
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

    /// Copies the bytes of one item.
    #[inline]
    fn copy_item(&self, place: Place<'_>, out: &mut [u8]) -> PyResult<()> {
        let offset = match place {
            Place::Offset(offset) => offset,
            Place::Indices(indices) => {
                out.copy_from_slice(&self.buffer()?.item_bytes(indices)?);
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
            Place::Indices(indices) => return Ok(self.buffer_mut()?.write_item_bytes(indices, item)?),
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
                let mut buffer = self.buffer_mut()?;
                let Some(written) = written else { return Ok(buffer.write_item_bytes(indices, item)?) };
                let mut merged = self.buffer()?.item_bytes(indices)?;
                merge(&mut merged, item, written);
                return Ok(buffer.write_item_bytes(indices, &merged)?);
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
    pub(super) fn contiguous(&self) -> Option<Span> {
        let view = &self.part.view;
        if !view.is_contiguous(Order::C) {
            return None;
        }
        // SAFETY: (a) that of the first item; where there is none, no byte is read.
        let start = unsafe { self.address(view.offset()) };
        Some(Span { start, len: usize::try_from(view.len()).ok()? })
    }

    /// Copies bytes to all items, which are contiguous and have as many; `false`, and nothing done, if not.
    pub(super) fn copy_from_lent(&self, py: Python<'_>, from: &Lent<'_>) -> PyResult<bool> {
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
            let copied = copying(py, view.len(), || self.buffer()?.copy_bytes(order, out));
            Ok(copied?)
        })
    }

    /// Copies all items to a vector, contiguous in C or Fortran order.
    pub(super) fn to_vec(self, py: Python<'_>, order: Order) -> Result<Vec<u8>, DecodeError> {
        copying(py, self.part.view.len(), || self.buffer()?.to_contiguous(order))
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
            return self.view.offsets(Order::C)?.try_for_each(|offset| call(Place::Offset(offset)));
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
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    start: *mut u8,
    len: usize,
}

// SAFETY: as for `Part`.
unsafe impl Send for Span {}
// SAFETY: as for `Part`.
unsafe impl Sync for Span {}

impl Span {
    fn start(&self) -> *mut u8 {
        self.start
    }
}

/// A reader of all items in blocks, the last index fastest.
pub(super) struct Blocks<'h> {
    held: Held<'h>,
    /// The contiguous bytes that are left.
    span: Option<Span>,
    /// The reader of other items; made with the first block.
    others: Option<pep3118::__private::Blocks<'h>>,
    buffer: &'h Option<Buffer<'h>>,
    small: [u8; MEDIUM],
    large: Vec<u8>,
}

/// Bytes of a block.
const BLOCK: usize = 1 << 14;

impl<'h> Blocks<'h> {
    /// `buffer` is that of [`Blocks::buffer`].
    pub(super) fn new(held: Held<'h>, buffer: &'h Option<Buffer<'h>>) -> Self {
        Self {
            held,
            span: held.contiguous().filter(|_| buffer.is_none()),
            others: None,
            buffer,
            small: [0; MEDIUM],
            large: Vec::new(),
        }
    }

    /// The buffer that [`new`](Self::new) takes; none where contiguous items are read directly.
    pub(super) fn buffer(held: &Held<'h>, direct: bool) -> PyResult<Option<Buffer<'h>>> {
        Ok(if direct { None } else { Some(held.buffer()?) })
    }

    /// The next items, at most `most` bytes of them where they are contiguous; empty at the end.
    pub(super) fn next(&mut self) -> PyResult<&[u8]> {
        let itemsize = self.held.itemsize();
        let Some(span) = &mut self.span else {
            let Some(buffer) = self.buffer else { return Ok(&[]) };
            if self.others.is_none() {
                self.others = Some(buffer.blocks()?);
            }
            let Some(others) = &mut self.others else { return Ok(&[]) };
            others.advance()?;
            return Ok(others.block());
        };
        if span.len == 0 || itemsize == 0 {
            return Ok(&[]);
        }
        let most = BLOCK.checked_div(itemsize).unwrap_or(1).max(1).saturating_mul(itemsize);
        let len = span.len.min(most);
        let out = if len <= MEDIUM {
            self.small.get_mut(..len).unwrap_or_default()
        } else {
            if self.large.is_empty() {
                self.large = zeroed(len)?;
            }
            self.large.get_mut(..len).unwrap_or_default()
        };
        // SAFETY: `len` bytes of those that are left, which by the INVARIANT of `Held` may be read; `out` has as
        // many and is this program's, so they do not overlap.
        unsafe { std::ptr::copy_nonoverlapping(span.start.cast_const(), out.as_mut_ptr(), out.len()) };
        span.start = span.start.wrapping_add(len);
        span.len = span.len.saturating_sub(len);
        Ok(out)
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
            copying(py, part.view.len(), || held.buffer_mut()?.write_bytes(bytes))?;
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
        let bytes =
            if objects.is_empty() { from.to_vec(py, Order::C)? } else { from.buffer()?.to_contiguous(Order::C)? };
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
    let place = part.held(&pin).place(indices)?;
    read_place(py, part, pin, place)
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
        // SAFETY: (a) `Key::offset` and `Walk` make offsets of items only.
        let from = unsafe { part.held(&pin).address(offset) };
        macro_rules! read {
            ($($size:literal)+) => {
                match primitive.size() {
                    $($size => {
                        // SAFETY: the bytes of one item, which by the INVARIANT of `Held` may be read. An array
                        // of bytes has no alignment.
                        let item = unsafe { from.cast::<[u8; $size]>().read() };
                        drop(pin);
                        return objects::into_result(py, primitive.read(py, &item));
                    })+
                    _ => {}
                }
            };
        }
        read!(1 2 4 8 16);
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
    let selected = part.view.select(dimension, index)?;
    let mut buf = part.buf;
    if let Some(offset) = selected.pointer {
        let at: *mut u8 = buf.wrapping_offset(isize::try_from(offset)?);
        // SAFETY: `select` reports a pointer only where there is an item of that index, by the INVARIANT one
        // that the exporter described: the pointer is on the way to it (A22) and is readable while the buffer
        // is held (E04). It need not be aligned.
        buf = unsafe { at.cast::<*mut u8>().read_unaligned() };
        if buf.is_null() {
            return Err(DecodeError::NullPointer { dimension: u64::try_from(dimension).unwrap_or(0) }.into());
        }
    }
    Ok(Part { view: selected.view, buf, description: Arc::clone(&part.description), primitive: part.primitive })
}
