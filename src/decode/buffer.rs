//! A view, a plan for its items and the memory they lie in: what values are read from.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::column_cells::block_items;
use super::columns::{self, Column, Destination, Filling};
use super::error::{DecodeError, EncodeError, EncodeErrorKind, wide};
use super::gather::{Runs, path_len};
use super::leaf::Leaf;
use super::memory::{Memory, MemoryMut, Owned, Run};
use super::plan::{Plan, chosen};
use super::value::Value;
use crate::view::{Steps, View};

/// Items of a line below which a step from one to the next costs more than a copy.
const SHORT: u64 = 16;

/// A buffer to read from: geometry, plan and memory.
///
/// Made over bytes of this program by [`new`](Buffer::new), over anyone's memory by
/// [`from_ptr`](Buffer::from_ptr).
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
    pub(super) view: &'b View<'b>,
    pub(super) plan: &'b Plan,
    pub(super) memory: Box<dyn Memory + 'b>,
}

/// A buffer to write to.
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
    pub(super) view: &'b View<'b>,
    pub(super) plan: &'b Plan,
    pub(super) memory: Box<dyn MemoryMut + 'b>,
}

/// A plan is for items of one size.
fn fits(view: &View<'_>, plan: &Plan) -> Result<(), DecodeError> {
    let (found, wanted) = (u64::try_from(view.itemsize()).unwrap_or(0), wide(plan.itemsize()));
    if found == wanted { Ok(()) } else { Err(DecodeError::Itemsize { view: found, plan: wanted }) }
}

/// All that the items take in a contiguous copy, in items and in bytes.
pub(super) fn total(view: &View<'_>, itemsize: usize) -> Result<(usize, usize), DecodeError> {
    let items = view.item_count();
    let whole = usize::try_from(items).ok();
    let bytes = whole.and_then(|items| Some((items, items.checked_mul(itemsize)?)));
    bytes.ok_or(DecodeError::Allocation { bytes: items.saturating_mul(wide(itemsize)) })
}

impl<'b> Buffer<'b> {
    /// A buffer over bytes. If the view was checked against a memory block, the bytes are that
    /// block; otherwise they begin where `buf` points.
    ///
    /// # Errors
    /// - 20 bytes for a view of 24
    /// - negative strides without a memory block: items would lie before the first byte
    /// - a view with suboffsets
    /// - a plan for items of another size
    pub fn new(view: &'b View<'b>, plan: &'b Plan, bytes: &'b [u8]) -> Result<Self, DecodeError> {
        Self::over(view, plan, Box::new(Owned::new(view, bytes)?))
    }

    pub(crate) fn over(view: &'b View<'b>, plan: &'b Plan, memory: Box<dyn Memory + 'b>) -> Result<Self, DecodeError> {
        fits(view, plan)?;
        Ok(Self { view, plan, memory })
    }

    /// The value of one item.
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
    /// - `[1]` in two dimensions, `[2, 0]` in shape (2, 3)
    pub fn value_at(&self, indices: &[i64]) -> Result<Value, DecodeError> {
        let run = item_at(self.view, indices)?;
        let mut item = scratch(run.itemsize)?;
        self.memory.read(run, &mut item)?;
        self.plan.value(&item)
    }

    /// The values of all items, the last index fastest; each is read when it is asked for.
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
        let mut runs = Runs::new(self.view);
        let mut item = scratch(self.plan.size);
        core::iter::from_fn(move || {
            let run = runs.next(1)?;
            let item = match &mut item {
                Ok(item) => item,
                Err(error) => return Some(Err(error.clone())),
            };
            Some(self.memory.read(run, item).and_then(|()| self.plan.value(item)))
        })
    }

    /// Columns as [`Plan::columns`] has them, of all items, the last index fastest.
    ///
    /// # Errors
    /// - no field of a name
    /// - more bytes than the machine has
    pub fn columns(&self, names: Option<&[&[u8]]>) -> Result<Vec<Column>, DecodeError> {
        self.columns_of(&chosen(self.plan, names)?)
    }

    /// The columns of the leaves of these places.
    #[cfg(feature = "arrow")]
    pub(crate) fn columns_at(&self, places: Option<&[usize]>) -> Result<Vec<Column>, DecodeError> {
        self.columns_of(&super::plan::placed(self.plan, places)?)
    }

    fn columns_of(&self, leaves: &[&Leaf]) -> Result<Vec<Column>, DecodeError> {
        let (items, _) = total(self.view, self.plan.size)?;
        let fresh = self.memory.fills() && Runs::new(self.view).line() >= SHORT && columns::can_be_fresh(leaves);
        let mut columns = columns::empty(leaves, items, fresh)?;
        self.fill_columns(Filling::columns(leaves, &mut columns, fresh, self.plan.size))?;
        Ok(columns)
    }

    /// The same into the caller's buffers; see [`Plan::columns_into`].
    ///
    /// # Errors
    /// - a destination of another type, or of another length
    /// - as [`columns`](Self::columns)
    pub fn columns_into(&self, names: Option<&[&[u8]]>, destinations: Vec<Destination<'_>>) -> Result<(), DecodeError> {
        let (items, _) = total(self.view, self.plan.size)?;
        let leaves = chosen(self.plan, names)?;
        self.fill_columns(Filling::destinations(&leaves, destinations, items, self.plan.size)?)
    }

    fn fill_columns(&self, mut filling: Filling<'_>) -> Result<(), DecodeError> {
        let mut runs = Runs::new(self.view);
        if self.plan.size == 0 {
            return Ok(());
        }
        // Short lines are brought together first.
        if runs.line() < SHORT {
            return self.blocks(&mut |block, _| filling.records(block));
        }
        while let Some(run) = runs.next(usize::MAX) {
            filling.run(&*self.memory, run)?;
        }
        Ok(())
    }

    /// The number of items.
    #[cfg(feature = "arrow")]
    pub(crate) fn items(&self) -> Result<usize, DecodeError> {
        total(self.view, self.plan.size).map(|(items, _)| items)
    }

    /// Hands out all items in blocks, the last index fastest, with the number of items before each.
    pub(super) fn blocks(&self, each: &mut dyn FnMut(&[u8], usize)) -> Result<(), DecodeError> {
        let itemsize = self.plan.size;
        if itemsize == 0 {
            return Ok(());
        }
        let most = block_items(itemsize);
        let mut block = Vec::new();
        let mut runs = Runs::new(self.view);
        let mut before = 0_usize;
        while runs.left() > 0 {
            let mut filled = 0_usize;
            while filled < most {
                let Some(run) = runs.next(most.saturating_sub(filled)) else { break };
                let items = run.items;
                // Memory of this program that lies as it should needs no copy.
                let len = items.saturating_mul(itemsize);
                let adjoins = items == 1 || usize::try_from(run.stride) == Ok(itemsize);
                if filled == 0
                    && items == most
                    && adjoins
                    && run.path.is_empty()
                    && let Some(items) = self.memory.borrow(run.offset, len)
                {
                    each(items, before);
                    before = before.saturating_add(most);
                    continue;
                }
                if block.is_empty() {
                    block = scratch(most.saturating_mul(itemsize))?;
                }
                let start = filled.saturating_mul(itemsize);
                if let Some(room) = block.get_mut(start..start.saturating_add(len)) {
                    self.memory.read(run, room)?;
                }
                filled = filled.saturating_add(items);
            }
            each(block.get(..filled.saturating_mul(itemsize)).unwrap_or_default(), before);
            before = before.saturating_add(filled);
        }
        Ok(())
    }
}

impl core::fmt::Debug for Buffer<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Buffer").field("view", self.view).finish_non_exhaustive()
    }
}

impl core::fmt::Debug for BufferMut<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("BufferMut").field("view", self.view).finish_non_exhaustive()
    }
}

/// The run of one item.
pub(super) fn item_at<'v>(view: &View<'_>, indices: &'v [i64]) -> Result<Run<'v>, DecodeError> {
    // In bounds, or this says so.
    let _: Steps<'_> = view.steps(indices)?;
    let itemsize = usize::try_from(view.itemsize()).unwrap_or(0);
    let (path, rest) = indices.split_at_checked(path_len(view)).unwrap_or_default();
    let start = if path.is_empty() { view.offset() } else { 0 };
    let strides = view.strides().get(path.len()..).unwrap_or_default();
    let add = |sum: i64, (index, stride): (&i64, &i64)| sum.wrapping_add(index.wrapping_mul(*stride));
    let offset = rest.iter().zip(strides).fold(start, add);
    Ok(Run { path, offset, stride: 0, items: 1, itemsize })
}

/// Bytes to copy into, or an error where there is no memory for them.
pub(super) fn scratch(len: usize) -> Result<Vec<u8>, DecodeError> {
    super::element::zeroed(len)
}

impl<'b> BufferMut<'b> {
    /// A buffer over bytes; which ones, as [`Buffer::new`] has it.
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
    /// // Nothing is written unless everything fits.
    /// let error = buffer.write_values(&[Value::UInt(7), Value::UInt(8), Value::UInt(300)]).unwrap_err();
    /// assert_eq!(error.to_string(), "[2]: 300 is not in the range 0 to 255 of uint8");
    /// drop(buffer);
    /// assert_eq!(bytes, [1, 2, 3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - a read-only view
    /// - as [`Buffer::new`]
    pub fn new(view: &'b View<'b>, plan: &'b Plan, bytes: &'b mut [u8]) -> Result<Self, EncodeError> {
        Self::over(view, plan, Box::new(Owned::new(view, bytes)?))
    }

    pub(crate) fn over(
        view: &'b View<'b>,
        plan: &'b Plan,
        memory: Box<dyn MemoryMut + 'b>,
    ) -> Result<Self, EncodeError> {
        if view.readonly() {
            return Err(EncodeErrorKind::ReadOnly.into());
        }
        fits(view, plan)?;
        Ok(Self { view, plan, memory })
    }

    /// Writes one item. Padding is left as it was, and so is all of it if the value does not fit.
    ///
    /// # Errors
    /// - as [`Plan::encode`]
    /// - `[1]` in two dimensions, `[2, 0]` in shape (2, 3)
    pub fn write_value_at(&mut self, indices: &[i64], value: &Value) -> Result<(), EncodeError> {
        let run = item_at(self.view, indices)?;
        let mut item = scratch(run.itemsize)?;
        self.memory.read(run, &mut item)?;
        self.plan.encode(value, &mut item)?;
        Ok(self.memory.write(run, &item)?)
    }

    /// Writes all items, the last index fastest. Padding is left as it was, and so is everything if
    /// one value does not fit.
    ///
    /// # Errors
    /// - 2 values for 3 items
    /// - as [`Plan::encode`]
    pub fn write_values(&mut self, values: &[Value]) -> Result<(), EncodeError> {
        let (items, _) = total(self.view, self.plan.size)?;
        if values.len() != items {
            let (found, wanted) = (wide(values.len()), wide(items));
            return Err(EncodeErrorKind::Count { found, wanted, unit: "item" }.into());
        }
        let mut copy = self.copy()?;
        for (index, (value, item)) in values.iter().zip(copy.chunks_exact_mut(self.plan.size.max(1))).enumerate() {
            let root = &self.plan.root;
            root.store(value, item).map_err(|error| error.inside(&alloc::format!("[{index}]")))?;
        }
        self.store(&copy)
    }

    /// All items one after the other, the last index fastest.
    pub(super) fn copy(&self) -> Result<Vec<u8>, DecodeError> {
        let (_, bytes) = total(self.view, self.plan.size)?;
        let mut copy = scratch(bytes)?;
        let mut runs = Runs::new(self.view);
        let mut rest = copy.as_mut_slice();
        while let Some(run) = runs.next(usize::MAX) {
            let len = run.items.saturating_mul(run.itemsize);
            let Some((room, after)) = rest.split_at_mut_checked(len) else { break };
            self.memory.read(run, room)?;
            rest = after;
        }
        Ok(copy)
    }

    /// Writes contiguous items, the last index fastest.
    pub(super) fn store(&mut self, items: &[u8]) -> Result<(), EncodeError> {
        let mut runs = Runs::new(self.view);
        let mut rest = items;
        while let Some(run) = runs.next(usize::MAX) {
            let len = run.items.saturating_mul(run.itemsize);
            let Some((items, after)) = rest.split_at_checked(len) else { break };
            self.memory.write(run, items)?;
            rest = after;
        }
        Ok(())
    }
}
