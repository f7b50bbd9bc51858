//! [`Buffer`] and [`BufferMut`]: read and write the items of a view in the memory of the items.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::column_copy::block_items;
use super::element::zeroed;
use super::error::{DecodeError, EncodeError, EncodeErrorKind, to_isize};
use super::memory::{Memory, MemoryMut, PartMemory, Run, SliceMemory};
use super::plan::Plan;
use super::traverse::{Runs, at_most, copy_items, path_len};
use super::value::Value;
use crate::align::to_u64;
use crate::view::{Order, Steps, View, chunk_bounds};

/// A readable buffer: a view, the plan of its items, and the memory of the items.
///
/// [`new`](Buffer::new) takes a slice of bytes. [`from_ptr`](Buffer::from_ptr) takes a pointer to memory of any owner.
///
/// ```
/// use pep3118::{DataModel, Order, RawView, Request, decode::{Buffer, Plan}};
/// let raw = RawView {
///     len: 12, itemsize: 2, ndim: 2, format: Some(b">h"), shape: Some(&[2, 3]), strides: Some(&[6, 2]),
///     ..RawView::default()
/// };
/// let view = raw.check(Request::RECORDS_RO, None, None).into_result()?;
/// let plan = Plan::for_view(&view, &DataModel::HOST)?;
/// let bytes = [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0xff, 0xfa];
/// let buffer = Buffer::new(&view, &plan, &bytes)?;
/// assert_eq!(buffer.to_vec::<i16>(Order::C)?, [1, 2, 3, 4, 5, -6]);
/// assert_eq!(buffer.to_vec::<i16>(Order::Fortran)?, [1, 4, 2, 5, 3, -6]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Buffer<'b> {
    pub(super) view: ViewRef<'b>,
    pub(super) plan: &'b Plan,
    pub(super) memory: Box<dyn Memory + 'b>,
}

/// A view that a buffer borrows from its caller, or that a part of a buffer owns.
pub(crate) enum ViewRef<'b> {
    Borrowed(&'b View<'b>),
    Owned(Box<View<'b>>),
}

impl<'b> core::ops::Deref for ViewRef<'b> {
    type Target = View<'b>;

    #[inline]
    fn deref(&self) -> &View<'b> {
        match self {
            Self::Borrowed(view) => view,
            Self::Owned(view) => view,
        }
    }
}

/// A writable buffer: a view, the plan of its items, and the memory of the items.
///
/// ```
/// use pep3118::decode::{BufferMut, Plan, Value};
/// use pep3118::{DataModel, RawView, Request};
/// let raw = RawView { len: 4, itemsize: 2, ndim: 1, format: Some(b">h"), shape: Some(&[2]), ..RawView::default() };
/// let view = raw.check(Request::FULL, None, None).into_result()?;
/// let (plan, mut bytes) = (Plan::for_view(&view, &DataModel::HOST)?, [0; 4]);
/// BufferMut::new(&view, &plan, &mut bytes)?.write_value_at(&[1], &Value::Int(-2))?;
/// assert_eq!(bytes, [0, 0, 0xff, 0xfe]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct BufferMut<'b> {
    pub(crate) view: ViewRef<'b>,
    pub(crate) plan: &'b Plan,
    pub(crate) memory: Box<dyn MemoryMut + 'b>,
}

/// Returns [`DecodeError::Itemsize`] if the items of `view` and the items of `plan` have different sizes.
fn check_itemsize(view: &View<'_>, plan: &Plan) -> Result<(), DecodeError> {
    let (found, wanted) = (view.itemsize().unsigned_abs(), to_u64(plan.itemsize()));
    if found == wanted { Ok(()) } else { Err(DecodeError::Itemsize { view: found, plan: wanted }) }
}

/// Returns the number of items of `view`, and the size of all items in bytes. `itemsize` is the size of an item in
/// bytes. Returns an error if a result is larger than the address space.
pub(super) fn total(view: &View<'_>, itemsize: usize) -> Result<(usize, usize), DecodeError> {
    let items = view.item_count();
    let both = usize::try_from(items).ok().and_then(|items| Some((items, items.checked_mul(itemsize)?)));
    both.ok_or(DecodeError::Allocation { bytes: items.saturating_mul(to_u64(itemsize)) })
}

/// Returns an iterator over the decoded values of all items of `view` in C order. `plan` decodes the items, and
/// `memory` contains the items. An item that cannot be read is an `Err`, and the next step continues with the next
/// item. If the traversal itself cannot start, for example without memory for one item, the iterator returns this error
/// and ends.
fn values<'b, M: core::ops::Deref<Target = dyn Memory + 'b>>(
    view: &View<'_>,
    plan: &'b Plan,
    memory: M,
) -> impl Iterator<Item = Result<Value, DecodeError>> + use<'b, M> {
    let state = Runs::new(view, plan.size).and_then(|runs| Ok((runs, zeroed(plan.size)?)));
    // The iterator returns the error once and then ends.
    let mut state = state.map_err(Some);
    core::iter::from_fn(move || {
        let (runs, item) = match &mut state {
            Ok(state) => (&mut state.0, &mut state.1),
            Err(error) => return error.take().map(Err),
        };
        let run = runs.next_run(1)?;
        Some(memory.read(&run, 1, item).and_then(|()| plan.value(item)))
    })
}

impl<'b> Buffer<'b> {
    /// Creates a buffer for the items of `view`. `plan` decodes the items. `bytes` contains the items. If `view` was
    /// checked against a memory block, `bytes` must be the bytes of this block. Otherwise, `bytes` must start at `buf`
    /// of `view`.
    ///
    /// # Errors
    /// - an item is after the last byte: `bytes` has 20 bytes and `view` has 24 bytes
    /// - an item is before the first byte: `view` has negative strides and was checked without a memory block
    /// - `view` has suboffsets, and thus pointers to rows outside `bytes`
    /// - the items of `plan` have another size than the items of `view`
    pub fn new(view: &'b View<'b>, plan: &'b Plan, bytes: &'b [u8]) -> Result<Self, DecodeError> {
        Self::over(view, plan, Box::new(SliceMemory::new(view, bytes)?))
    }

    /// Creates a buffer for the items of `view`. `plan` decodes the items. `memory` must contain all items of `view`.
    /// Returns [`DecodeError::Itemsize`] if the items of `plan` have another size than the items of `view`.
    pub(crate) fn over(view: &'b View<'b>, plan: &'b Plan, memory: Box<dyn Memory + 'b>) -> Result<Self, DecodeError> {
        check_itemsize(view, plan)?;
        Ok(Self { view: ViewRef::Borrowed(view), plan, memory })
    }

    /// Decodes the item at `indices`, which has one index for each dimension.
    ///
    /// ```
    /// use pep3118::decode::{Buffer, Plan, Value};
    /// use pep3118::{DataModel, RawView, Request};
    /// let raw = RawView { len: 4, itemsize: 2, ndim: 1, format: Some(b">h"), shape: Some(&[2]), ..RawView::default() };
    /// let view = raw.check(Request::FULL_RO, None, None).into_result()?;
    /// let plan = Plan::for_view(&view, &DataModel::HOST)?;
    /// let buffer = Buffer::new(&view, &plan, &[0, 1, 0xff, 0xfe])?;
    /// assert_eq!(buffer.value_at(&[1])?, Value::Int(-2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the number of indices is wrong, or an index is out of bounds: `[1]` for two dimensions, `[2, 0]` for shape (2,
    ///   3)
    /// - a pointer that leads to the item is NULL
    pub fn value_at(&self, indices: &[i64]) -> Result<Value, DecodeError> {
        self.plan.value(&self.item_bytes(indices)?)
    }

    /// Returns an iterator over the decoded values of all items in C order. Each step decodes one item, and returns an
    /// error if the item cannot be read. If there is no memory for one item, or if a stride is larger than the address
    /// space, the iterator returns this error and ends.
    ///
    /// ```
    /// use pep3118::decode::{Buffer, Plan, Value};
    /// use pep3118::{DataModel, RawView, Request};
    /// let raw = RawView { len: 4, itemsize: 2, ndim: 1, format: Some(b">h"), shape: Some(&[2]), ..RawView::default() };
    /// let view = raw.check(Request::FULL_RO, None, None).into_result()?;
    /// let plan = Plan::for_view(&view, &DataModel::HOST)?;
    /// let buffer = Buffer::new(&view, &plan, &[0, 1, 0xff, 0xfe])?;
    /// let values: Result<Vec<Value>, _> = buffer.values().collect();
    /// assert_eq!(values?, [Value::Int(1), Value::Int(-2)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn values(&self) -> impl Iterator<Item = Result<Value, DecodeError>> + use<'_> {
        values(&self.view, self.plan, &*self.memory)
    }

    /// Returns an iterator over the decoded values of all items, as [`values`](Self::values) does. The iterator owns
    /// the buffer.
    ///
    /// ```
    /// use pep3118::decode::{Buffer, DecodeError, Plan, Value};
    /// use pep3118::{DataModel, RawView, Request};
    /// let raw = RawView { len: 2, itemsize: 1, ndim: 1, format: Some(b"b"), shape: Some(&[2]), ..RawView::default() };
    /// let view = raw.check(Request::FULL_RO, None, None).into_result()?;
    /// let plan = Plan::for_view(&view, &DataModel::HOST)?;
    /// let values = Buffer::new(&view, &plan, &[1, 0xff])?.into_values();
    /// assert_eq!(values.collect::<Result<Vec<Value>, DecodeError>>()?, [Value::Int(1), Value::Int(-1)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_values(self) -> impl Iterator<Item = Result<Value, DecodeError>> + use<'b> {
        values(&self.view, self.plan, self.memory)
    }

    /// Returns the number of items of the view. Returns an error if the size of all items is larger than the address
    /// space.
    #[cfg(feature = "arrow")]
    pub(crate) fn items(&self) -> Result<usize, DecodeError> {
        total(&self.view, self.plan.size).map(|(items, _)| items)
    }

    /// Returns a reader of the bytes of all items, in C order, in blocks of several items. [`Blocks::advance`] reads
    /// the first block.
    ///
    /// # Errors
    /// - a stride or an offset is larger than the address space
    #[doc(hidden)]
    pub fn blocks(&self) -> Result<Blocks<'_>, DecodeError> {
        Blocks::new(&self.view, self.plan.size, &*self.memory)
    }

    /// Copies the bytes of the item at `indices`.
    ///
    /// # Errors
    /// - the errors of [`value_at`](Self::value_at)
    #[doc(hidden)]
    pub fn item_bytes(&self, indices: &[i64]) -> Result<Vec<u8>, DecodeError> {
        let mut item = zeroed(self.plan.size)?;
        self.memory.read(&item_at(&self.view, self.plan.size, indices)?, 1, &mut item)?;
        Ok(item)
    }

    /// Copies the bytes of all items to `out`, without gaps and without conversion. `order` is the order of the items,
    /// and [`Order::Any`] means C order.
    ///
    /// # Errors
    /// - the length of `out` is not the size of all items
    #[doc(hidden)]
    pub fn copy_bytes(&self, order: Order, out: &mut [u8]) -> Result<(), DecodeError> {
        let (_, bytes) = total(&self.view, self.plan.size)?;
        if out.len() != bytes {
            return Err(DecodeError::TooSmall { available: to_u64(out.len()), needed: to_u64(bytes) });
        }
        copy_items(&self.view, self.plan.size, &*self.memory, order, &[], out)
    }

    /// Returns two buffers: the items with an index below `index` in the first dimension, and all other items. The two
    /// buffers can be sent to other threads.
    ///
    /// ```
    /// use pep3118::decode::{Buffer, Plan};
    /// use pep3118::{DataModel, Order, RawView, Request};
    /// let raw = RawView { len: 8, itemsize: 2, ndim: 1, format: Some(b">h"), shape: Some(&[4]), ..RawView::default() };
    /// let view = raw.check(Request::FULL_RO, None, None).into_result()?;
    /// let plan = Plan::for_view(&view, &DataModel::HOST)?;
    /// let buffer = Buffer::new(&view, &plan, &[0, 1, 0, 2, 0, 3, 0, 4])?;
    /// let (low, high) = buffer.split_at(1)?;
    /// let sum = |part: Buffer<'_>| part.to_vec::<i16>(Order::C).map(|items| items.iter().sum::<i16>());
    /// let sums = std::thread::scope(|scope| {
    ///     let other = scope.spawn(|| sum(high));
    ///     (sum(low), other.join().unwrap())
    /// });
    /// assert_eq!((sums.0?, sums.1?), (1, 9));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the errors of [`View::split_at`]
    pub fn split_at(&self, index: i64) -> Result<(Buffer<'_>, Buffer<'_>), DecodeError> {
        let (low, high) = self.view.split_at(index)?;
        Ok((self.part(low, 0), self.part(high, index)))
    }

    /// Returns an iterator over buffers of consecutive items. `len` is the number of indices of the first dimension in
    /// each buffer. The last buffer has fewer indices if fewer are left. The buffers can be sent to other threads.
    ///
    /// ```
    /// use pep3118::decode::{Buffer, Plan};
    /// use pep3118::{DataModel, Order, RawView, Request};
    /// let raw = RawView { len: 6, itemsize: 2, ndim: 1, format: Some(b">h"), shape: Some(&[3]), ..RawView::default() };
    /// let view = raw.check(Request::FULL_RO, None, None).into_result()?;
    /// let plan = Plan::for_view(&view, &DataModel::HOST)?;
    /// let buffer = Buffer::new(&view, &plan, &[0, 1, 0, 2, 0, 3])?;
    /// let parts: Result<Vec<Vec<i16>>, _> = buffer.chunks(2)?.map(|part| part.to_vec(Order::C)).collect();
    /// assert_eq!(parts?, [vec![1, 2], vec![3]]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the errors of [`View::chunks`]
    pub fn chunks(&self, len: i64) -> Result<impl Iterator<Item = Buffer<'_>> + use<'_, 'b>, DecodeError> {
        let bounds = chunk_bounds(self.view.first_length()?, len)?;
        Ok(bounds.map(|(start, count)| self.part(self.view.rows(start, count), start)))
    }

    /// Creates a buffer for `view`, which must be a part of the view of this buffer. In the first dimension, index 0 of
    /// `view` is index `start` of this buffer.
    fn part<'s>(&'s self, view: View<'s>, start: i64) -> Buffer<'s> {
        let memory = PartMemory { memory: &*self.memory, start };
        Buffer { view: ViewRef::Owned(Box::new(view)), plan: self.plan, memory: Box::new(memory) }
    }
}

/// A reader of all items of a buffer in C order, in blocks of items that fit into the first-level cache.
#[doc(hidden)]
pub struct Blocks<'b> {
    /// The memory of the items.
    memory: &'b (dyn Memory + 'b),
    /// The size of an item in bytes.
    itemsize: usize,
    /// The traversal of the items. The traversal continues at the first item that was not read yet.
    runs: Runs,
    /// The bytes of one block. The vector is empty until the first block is copied.
    copy: Vec<u8>,
    block: Block<'b>,
}

/// The location of the bytes of the current block.
enum Block<'b> {
    /// The items were copied to the start of `Blocks::copy`. The number is the size of these items in bytes.
    Copied(usize),
    /// The items are adjacent in a slice of bytes and need no copy.
    Borrowed(&'b [u8]),
}

impl<'b> Blocks<'b> {
    /// Creates a reader of the items of `view`. `itemsize` is the size of an item in bytes, and `memory` contains the
    /// items. Returns an error if a stride or an offset is larger than the address space.
    pub(super) fn new(view: &View<'_>, itemsize: usize, memory: &'b (dyn Memory + 'b)) -> Result<Self, DecodeError> {
        let runs = Runs::new(view, itemsize)?;
        Ok(Self { memory, itemsize, runs, copy: Vec::new(), block: Block::Copied(0) })
    }

    /// Returns the bytes of the items of the current block, without gaps. Returns no bytes before the first call of
    /// [`advance`](Self::advance) and after the last block.
    #[inline]
    pub fn block(&self) -> &[u8] {
        match self.block {
            Block::Copied(len) => {
                debug_assert!(len <= self.copy.len(), "a block is longer than its memory");
                self.copy.get(..len).unwrap_or(&[])
            }
            Block::Borrowed(items) => items,
        }
    }

    /// Reads the next block and returns `true`. Returns `false` without a block if all items were read, or if an item
    /// has 0 bytes.
    ///
    /// # Errors
    /// - a pointer that leads to an item is NULL
    /// - there is not enough memory for the block
    pub fn advance(&mut self) -> Result<bool, DecodeError> {
        self.advance_by(block_items(self.itemsize))
    }

    /// Reads the next block, which has at most `most` items. The result is the same as for [`advance`](Self::advance).
    /// `most` must not be 0.
    pub(super) fn advance_by(&mut self, most: usize) -> Result<bool, DecodeError> {
        let (memory, itemsize) = (self.memory, self.itemsize);
        self.block = Block::Copied(0);
        if itemsize == 0 || self.runs.items_left() == 0 {
            return Ok(false);
        }
        let most = at_most(self.runs.items_left(), most);
        let mut left = most;
        while let Some(run) = self.runs.next_run(left) {
            if run.items == most
                && let Some(items) = memory.borrow(&run)
            {
                self.block = Block::Borrowed(items);
                return Ok(true);
            }
            if self.copy.len() < most.saturating_mul(itemsize) {
                self.copy = zeroed(most.saturating_mul(itemsize))?;
            }
            let filled = most.saturating_sub(left).saturating_mul(itemsize);
            let end = filled.saturating_add(run.items.saturating_mul(itemsize));
            let out = self.copy.get_mut(filled..end);
            left = left.saturating_sub(run.items);
            memory.read(&run, 1, out.ok_or_else(|| DecodeError::internal("a block is too short"))?)?;
            self.block = Block::Copied(end);
        }
        Ok(true)
    }
}

impl core::fmt::Debug for Buffer<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Buffer").field("view", &*self.view).finish_non_exhaustive()
    }
}

impl core::fmt::Debug for BufferMut<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("BufferMut").field("view", &*self.view).finish_non_exhaustive()
    }
}

/// Returns the position of the item at `indices` in the memory of `view`, as a [`Run`] of one item of `itemsize` bytes.
/// Returns an error if an index is out of bounds, or if the number of indices is wrong.
fn item_at<'v>(view: &View<'_>, itemsize: usize, indices: &'v [i64]) -> Result<Run<'v>, DecodeError> {
    // The call only checks that the indices are in bounds. Its result is not used.
    let _: Steps<'_> = view.steps(indices)?;
    let (path, rest) = indices.split_at(path_len(view).min(indices.len()));
    let start = if path.is_empty() { view.offset() } else { 0 };
    let strides = view.strides().iter().skip(path.len());
    let add = |sum: i64, (index, stride): (&i64, &i64)| sum.wrapping_add(index.wrapping_mul(*stride));
    let offset = to_isize(rest.iter().zip(strides).fold(start, add))?;
    Ok(Run { path, offset, stride: 0, items: 1, itemsize })
}

impl<'b> BufferMut<'b> {
    /// Creates a writable buffer for the items of `view`. `plan` decodes and encodes the items. `bytes` contains the
    /// items. If `view` was checked against a memory block, `bytes` must be the bytes of this block. Otherwise,
    /// `bytes` must start at `buf` of `view`.
    ///
    /// ```
    /// use pep3118::{DataModel, RawView, Request, decode::{BufferMut, EncodeErrorKind, Plan, Value}};
    /// let raw = RawView {
    ///     len: 3, itemsize: 1, ndim: 1, format: Some(b"B"), shape: Some(&[3]), ..RawView::default()
    /// };
    /// let view = raw.check(Request::FULL, None, None).into_result()?;
    /// let plan = Plan::for_view(&view, &DataModel::HOST)?;
    /// let mut bytes = [0; 3];
    /// let mut buffer = BufferMut::new(&view, &plan, &mut bytes)?;
    /// buffer.write_values(&[Value::UInt(1), Value::UInt(2), Value::Int(3)])?;
    /// // If one value does not fit, nothing is written.
    /// let error = buffer.write_values(&[Value::UInt(7), Value::UInt(8), Value::UInt(300)]).unwrap_err();
    /// assert_eq!(error.to_string(), "[2]: 300 is not in the range 0 to 255 of uint8");
    /// drop(buffer);
    /// assert_eq!(bytes, [1, 2, 3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - `view` is read-only
    /// - the errors of [`Buffer::new`]
    pub fn new(view: &'b View<'b>, plan: &'b Plan, bytes: &'b mut [u8]) -> Result<Self, EncodeError> {
        Self::over(view, plan, Box::new(SliceMemory::new(view, bytes)?))
    }

    /// Creates a writable buffer for the items of `view`. `plan` encodes the items. `memory` must contain all items of
    /// `view`. Returns [`EncodeErrorKind::ReadOnly`] if `view` is read-only, and an error if the items of `plan` have
    /// another size than the items of `view`.
    pub(crate) fn over(
        view: &'b View<'b>,
        plan: &'b Plan,
        memory: Box<dyn MemoryMut + 'b>,
    ) -> Result<Self, EncodeError> {
        if view.readonly() {
            return Err(EncodeErrorKind::ReadOnly.into());
        }
        check_itemsize(view, plan)?;
        Ok(Self { view: ViewRef::Borrowed(view), plan, memory })
    }

    /// Encodes `value` into the item at `indices`, which has one index for each dimension. Leaves padding unchanged.
    /// Leaves the item unchanged if an error is returned.
    ///
    /// # Errors
    /// - the errors of [`Plan::encode`]
    /// - the number of indices is wrong, or an index is out of bounds: `[1]` for two dimensions, `[2, 0]` for shape (2,
    ///   3)
    pub fn write_value_at(&mut self, indices: &[i64], value: &Value) -> Result<(), EncodeError> {
        let run = item_at(&self.view, self.plan.size, indices)?;
        let mut item = zeroed(self.plan.size)?;
        self.memory.read(&run, 1, &mut item)?;
        // `item` is a copy, so an error leaves the item in the buffer unchanged.
        self.plan.root.store(value, &mut item)?;
        Ok(self.memory.write(&run, &item)?)
    }

    /// Encodes `values` into all items, one value for each item in C order. Leaves padding unchanged. Leaves all items
    /// unchanged if a value is rejected.
    ///
    /// ```
    /// use pep3118::decode::{BufferMut, Plan, Value};
    /// use pep3118::{DataModel, RawView, Request};
    /// let raw = RawView { len: 4, itemsize: 2, ndim: 1, format: Some(b">h"), shape: Some(&[2]), ..RawView::default() };
    /// let view = raw.check(Request::FULL, None, None).into_result()?;
    /// let (plan, mut bytes) = (Plan::for_view(&view, &DataModel::HOST)?, [0; 4]);
    /// BufferMut::new(&view, &plan, &mut bytes)?.write_values(&[Value::Int(1), Value::Int(-2)])?;
    /// assert_eq!(bytes, [0, 1, 0xff, 0xfe]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the number of values is not the number of items: 2 values for 3 items
    /// - the errors of [`Plan::encode`]
    pub fn write_values(&mut self, values: &[Value]) -> Result<(), EncodeError> {
        let (items, _) = total(&self.view, self.plan.size)?;
        if values.len() != items {
            let (found, wanted) = (to_u64(values.len()), to_u64(items));
            return Err(EncodeErrorKind::Count { found, wanted, unit: "item" }.into());
        }
        let mut copy = self.copy()?;
        for (index, (value, item)) in values.iter().zip(copy.chunks_exact_mut(self.plan.size.max(1))).enumerate() {
            let root = &self.plan.root;
            root.store(value, item).map_err(|error| error.inside(&alloc::format!("[{index}]")))?;
        }
        self.store(&copy)
    }

    /// Returns a copy of the bytes of all items, without gaps and in C order. Returns an error if there is not enough
    /// memory.
    pub(super) fn copy(&self) -> Result<Vec<u8>, DecodeError> {
        let (_, bytes) = total(&self.view, self.plan.size)?;
        let mut copy = zeroed(bytes)?;
        copy_items(&self.view, self.plan.size, &*self.memory, Order::C, &[], &mut copy)?;
        Ok(copy)
    }

    /// Replaces all items with `items`, the bytes of the new items without gaps and in C order. The length of `items`
    /// must be the size of all items. Returns an error if `items` is shorter, or if the memory cannot be written.
    pub(super) fn store(&mut self, items: &[u8]) -> Result<(), EncodeError> {
        if self.plan.size == 0 {
            return Ok(());
        }
        let mut runs = Runs::new(&self.view, self.plan.size)?;
        let mut rest = items;
        while let Some(run) = runs.next_run(usize::MAX) {
            let items = rest.split_off(..run.items.saturating_mul(run.itemsize));
            let items = items.ok_or_else(|| DecodeError::internal("a copy is shorter than its items"))?;
            self.memory.write(&run, items)?;
        }
        Ok(())
    }

    /// Replaces the item at `indices` with `item`, the bytes of the new item. `indices` has one index for each
    /// dimension.
    ///
    /// # Errors
    /// - the length of `item` is not the item size
    /// - the errors of [`write_value_at`](Self::write_value_at) for `indices`
    #[doc(hidden)]
    pub fn write_item_bytes(&mut self, indices: &[i64], item: &[u8]) -> Result<(), EncodeError> {
        let run = item_at(&self.view, self.plan.size, indices)?;
        if item.len() != run.itemsize {
            return Err(
                EncodeErrorKind::TooSmall { available: to_u64(item.len()), needed: to_u64(run.itemsize) }.into()
            );
        }
        Ok(self.memory.write(&run, item)?)
    }

    /// Replaces all items with `items`, the bytes of the new items without gaps and in C order.
    ///
    /// # Errors
    /// - the length of `items` is not the size of all items
    #[doc(hidden)]
    pub fn write_bytes(&mut self, items: &[u8]) -> Result<(), EncodeError> {
        let (_, bytes) = total(&self.view, self.plan.size)?;
        if items.len() != bytes {
            return Err(EncodeErrorKind::TooSmall { available: to_u64(items.len()), needed: to_u64(bytes) }.into());
        }
        self.store(items)
    }
}
