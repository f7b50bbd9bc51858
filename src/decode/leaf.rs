//! [`Leaf`]: a field that is not a record. A leaf contains the position of its values in an item. The methods of `Leaf`
//! copy the values between items and columns. [`Repeats`] lists the arrays of records around a field. [`Swap`]
//! describes the units of an item that are reversed.
//!
//! A *unit* is a group of adjacent bytes whose reversal changes the byte order of a value, such as the bytes of a
//! number.

use alloc::borrow::Cow;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::ControlFlow;

use super::error::DecodeError;
use super::field_path::FieldPath;
use super::scalar::ScalarCodec;
use crate::layout::{BitField, NulHandling, Type, UserType};
use crate::strided::{Strided, StridedMut};

/// A field that is not a record: its name, type and shape, and the position of its values in an item.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout, decode::Plan};
/// let plan = Plan::new(&Layout::read(b"T{<h:id:(2)T{<d:x:}:at:}", &Dialect::PEP3118, &DataModel::HOST)?)?;
/// let at = &plan.leaves()[1];
/// assert_eq!((&*at.name(), at.size(), at.shape()), (&b"at.x"[..], 8, &[2][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The properties of the first leaf:
/// ```
/// # use pep3118::{DataModel, Dialect, Layout, decode::Plan};
/// use pep3118::Type;
/// # let plan = Plan::new(&Layout::read(b"T{<h:id:(2)T{<d:x:}:at:}", &Dialect::PEP3118, &DataModel::HOST)?)?;
/// let id = &plan.leaves()[0];
/// assert_eq!((id.offset(), id.ty(), id.value_type()), (0, Type::Int16, Type::Int16));
/// assert_eq!((id.user_type(), id.bit_field()), (None, None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Leaf {
    /// The names of the field and of the records around the field.
    pub(super) path: FieldPath,
    /// The offset of the first value, in bytes from the start of the item.
    pub(super) offset: usize,
    /// The codec that decodes and encodes one value of the field.
    pub(super) codec: ScalarCodec,
    /// The number of units in one group of adjacent values. A field in an array of records has one group in each
    /// record. If the field fills the record, the values of all records of the array are one group.
    adjacent: usize,
    /// The arrays of records around the field, outermost first, without the inner arrays whose values are one group.
    /// The leaves of a record share the list.
    pub(super) repeats: Repeats,
    /// The shape of the values in one item, see [`shape`](Self::shape). The leaves of a record share the shape of the
    /// record.
    shape: Arc<[usize]>,
}

impl Leaf {
    /// Creates a leaf. `path` has the names, and `offset` is the offset of the first value in bytes from the start of
    /// the item. `codec` decodes one value. The field itself has `count` adjacent values. `repeats` are the arrays of
    /// records that contain the field, outermost first. `shape` has the dimensions of these arrays and of the field.
    /// Returns an error if the number of units overflows.
    pub(super) fn new(
        path: FieldPath,
        offset: usize,
        codec: ScalarCodec,
        count: usize,
        mut repeats: Repeats,
        shape: Arc<[usize]>,
    ) -> Result<Self, DecodeError> {
        let mut adjacent = count.checked_mul(codec.units());
        // If the field fills its record, the values of all records of an array are adjacent.
        while let (Some(Repeat { count, strides: [stride] }), Some(units)) = (repeats.last().copied(), adjacent) {
            if units.checked_mul(codec.unit) != Some(stride) {
                break;
            }
            adjacent = units.checked_mul(count);
            repeats.pop();
        }
        // The product cannot overflow. `PlanBuilder` limits the number of values of 0 bytes, and the item size limits
        // the number of all other values.
        let adjacent = adjacent.ok_or(DecodeError::Allocation { bytes: u64::MAX })?;
        Ok(Self { path, offset, codec, adjacent, repeats, shape })
    }

    /// Returns the dotted name: `b"a.b"`. A field without a name is called `f` and its index in its record, such as
    /// `f0`, as in NumPy. The name is empty if the item is not a record.
    ///
    /// The leaves of a record share the names of the enclosing records, so this function creates the dotted name of a
    /// field in a nested record.
    #[must_use]
    pub fn name(&self) -> Cow<'_, [u8]> {
        self.path.dotted()
    }

    /// Returns the offset of the first value, in bytes from the start of the item.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Returns the type of one value.
    #[must_use]
    pub fn ty(&self) -> Type {
        self.codec.ty
    }

    /// Returns the type of the values in a column. For a bit-field or a user type, this is the type of its numbers. For
    /// any other type, this is [`ty`](Self::ty).
    #[must_use]
    pub fn value_type(&self) -> Type {
        self.codec.value_type()
    }

    /// Returns the user type of the values, or `None` if the field has no user type that the registry knows.
    #[must_use]
    pub fn user_type(&self) -> Option<UserType> {
        self.codec.user_type()
    }

    /// Returns the size of one value in bytes. For a bit-field, this is the size of the bytes that contain the
    /// bit-field.
    #[must_use]
    pub fn size(&self) -> usize {
        self.codec.size
    }

    /// Returns the position of the bit-field and the type of its values, or `None` if the field is not a bit-field.
    #[must_use]
    pub fn bit_field(&self) -> Option<BitField> {
        self.codec.bits
    }

    /// Returns the rule that decides which NULs belong to a value of the field, see
    /// [`Field::nul_handling`](crate::layout::Field::nul_handling).
    ///
    /// ```
    /// use pep3118::layout::NulHandling;
    /// use pep3118::{DataModel, Dialect, Layout, decode::Plan};
    /// let plan = Plan::new(&Layout::from_numpy_descr("'|S4'", &DataModel::HOST)?)?;
    /// assert_eq!(plan.leaves()[0].nul_handling(), NulHandling::StripTrailing);
    /// let plan = Plan::new(&Layout::read(b"4s", &Dialect::STRUCT, &DataModel::HOST)?)?;
    /// assert_eq!(plan.leaves()[0].nul_handling(), NulHandling::Keep);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn nul_handling(&self) -> NulHandling {
        self.codec.nul_handling()
    }

    /// Returns the shape of the values in one item: the dimensions of the enclosing arrays of records, then the
    /// dimensions of the field.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Returns the codec that decodes and encodes one value of the field.
    #[cfg(feature = "arrow")]
    pub(crate) fn codec(&self) -> &ScalarCodec {
        &self.codec
    }

    /// Returns the size in bytes of one group of adjacent values: all values of the field in one record, or in all
    /// records of an array if the field fills the record.
    pub(super) fn adjacent_bytes(&self) -> usize {
        self.adjacent.saturating_mul(self.codec.unit)
    }

    /// Returns the size in bytes of all values in one item.
    pub(super) fn bytes(&self) -> usize {
        self.repeats.iter().fold(self.adjacent_bytes(), |bytes, repeat| bytes.saturating_mul(repeat.count))
    }

    /// Copies the values of this leaf in each of `items` to `column`, without gaps. Reverses the order of the bytes in
    /// each group of `unit` bytes. If `unit` is 1, no bytes are reversed. `column` must have [`bytes`](Self::bytes)
    /// bytes for each item. Returns an error if `column` is shorter.
    pub(super) fn gather(&self, items: Strided<'_>, column: &mut [u8], unit: usize) -> Result<(), DecodeError> {
        let (count, len) = (items.count(), self.bytes());
        let column = StridedMut::within(column, 0, len.cast_signed(), count, len);
        let mut column = column.ok_or_else(|| DecodeError::internal("a column is shorter than its items"))?;
        self.for_each_group(|offset, at, len| {
            let from = items.field(offset, len)?;
            column.reborrow().field(at, len)?.copy_from(from, unit)
        })
    }

    /// Copies `column` to the values of this leaf in each of `items`. Reverses the order of the bytes in each group of
    /// `unit` bytes. If `unit` is 1, no bytes are reversed. `column` must have [`bytes`](Self::bytes) bytes for each
    /// item. Returns an error if `column` is shorter.
    pub(super) fn scatter(&self, column: &[u8], mut items: StridedMut<'_>, unit: usize) -> Result<(), DecodeError> {
        let (count, len) = (items.count(), self.bytes());
        let column = Strided::within(column, 0, len.cast_signed(), count, len);
        let column = column.ok_or_else(|| DecodeError::internal("a column is shorter than its items"))?;
        self.for_each_group(|offset, at, len| {
            let from = column.field(at, len)?;
            items.reborrow().field(offset, len)?.copy_from(from, unit)
        })
    }

    /// Calls `copy(offset_in_item, offset_in_values, len)` for each group of adjacent values in an item.
    /// `offset_in_item` is the distance in bytes from the start of the item. `offset_in_values` is the distance in
    /// bytes from the first value of the item in the column. `len` is the size of the group in bytes. Returns an error
    /// if `copy` returns `None`.
    fn for_each_group(&self, mut copy: impl FnMut(usize, usize, usize) -> Option<()>) -> Result<(), DecodeError> {
        let (len, mut at) = (self.adjacent_bytes(), 0_usize);
        if len == 0 {
            return Ok(());
        }
        let copied = each_offset(&self.repeats, [self.offset], &mut |[offset]| {
            let copied = copy(offset, at, len);
            at = at.saturating_add(len);
            if copied.is_some() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        match copied {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(DecodeError::internal("a field is outside its item")),
        }
    }
}

/// An array of records that contains a field. `N` is the number of memories that contain the array: 1 for an item, and
/// 2 for an item and a struct.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Repeat<const N: usize> {
    /// The number of elements of the array.
    pub(super) count: usize,
    /// The distance from one element to the next in each memory, in bytes.
    pub(super) strides: [usize; N],
}

/// A list of arrays of records, outermost first. A list that starts like another list shares its memory.
#[derive(Clone, Debug)]
pub(super) struct Repeats {
    all: Arc<[Repeat<1>]>,
    /// The number of elements of `all` that belong to the list.
    len: usize,
}

impl Repeats {
    /// Creates the list of all of `repeats`.
    pub(super) fn new(repeats: Vec<Repeat<1>>) -> Self {
        Self { len: repeats.len(), all: repeats.into() }
    }

    /// Removes the last element. Does nothing if the list is empty.
    fn pop(&mut self) {
        self.len = self.len.saturating_sub(1);
    }
}

impl core::ops::Deref for Repeats {
    type Target = [Repeat<1>];

    fn deref(&self) -> &[Repeat<1>] {
        // `len` is at most the length of `all`, so the default is never used.
        self.all.get(..self.len).unwrap_or_default()
    }
}

impl PartialEq for Repeats {
    fn eq(&self, other: &Self) -> bool {
        (Arc::ptr_eq(&self.all, &other.all) && self.len == other.len) || **self == **other
    }
}

impl Eq for Repeats {}

impl core::hash::Hash for Repeats {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

/// Calls `each` for every element of the nested arrays `repeats`, with the offset of the element in each of the `N`
/// memories. The index in the last array changes fastest. `start` is the offset of the first element in each memory.
/// All offsets are in bytes. Stops when `each` returns `Break`, and returns this `Break`.
pub(super) fn each_offset<const N: usize, B>(
    repeats: &[Repeat<N>],
    start: [usize; N],
    each: &mut impl FnMut([usize; N]) -> ControlFlow<B>,
) -> ControlFlow<B> {
    let Some((repeat, inner)) = repeats.split_first() else { return each(start) };
    let mut offsets = start;
    for _ in 0..repeat.count {
        each_offset(inner, offsets, each)?;
        for (offset, stride) in offsets.iter_mut().zip(repeat.strides) {
            // The sum can wrap only after the last element, and a wrapped sum is never used.
            *offset = offset.wrapping_add(stride);
        }
    }
    ControlFlow::Continue(())
}

/// Adjacent units of an item whose byte order differs from the byte order of this machine. The bytes of each unit are
/// reversed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Swap {
    /// The offset of the first unit, in bytes from the start of the item.
    offset: usize,
    /// The size of one unit in bytes.
    width: usize,
    /// The size of all units in bytes.
    len: usize,
    /// The arrays of records around the field, outermost first.
    repeats: Repeats,
}

impl Swap {
    /// Returns the swaps that convert an item with the fields `leaves` to native byte order. Adjacent fields with units
    /// of the same size become one swap.
    pub(super) fn of_leaves(leaves: &[Leaf]) -> Vec<Self> {
        let mut swaps: Vec<Self> = Vec::new();
        for leaf in leaves.iter().filter(|leaf| leaf.codec.swapped() && leaf.adjacent > 0) {
            let (width, len) = (leaf.codec.unit, leaf.adjacent_bytes());
            let swap = Self { offset: leaf.offset, width, len, repeats: leaf.repeats.clone() };
            match swaps.last_mut() {
                Some(last) if last.is_followed_by(&swap) => last.len = last.len.saturating_add(swap.len),
                _ => swaps.push(swap),
            }
        }
        swaps
    }

    /// Returns the size in bytes of the units in `swaps` if units of one size fill the whole item of `itemsize` bytes.
    /// Otherwise returns `None`.
    pub(super) fn uniform_unit(swaps: &[Self], itemsize: usize) -> Option<usize> {
        match swaps {
            [swap] if swap.len == itemsize && swap.repeats.is_empty() => Some(swap.width),
            _ => None,
        }
    }

    /// Returns whether the units of `next` have the same size and start where the units of this swap end.
    fn is_followed_by(&self, next: &Self) -> bool {
        let end = self.offset.saturating_add(self.len);
        self.width == next.width && end == next.offset && self.repeats == next.repeats
    }

    /// Reverses the bytes of each unit of this swap in each of `items`. Returns an error if a unit is outside its item.
    pub(super) fn apply(&self, items: &mut StridedMut<'_>) -> Result<(), DecodeError> {
        let swapped = each_offset(&self.repeats, [self.offset], &mut |[offset]| {
            match items.reborrow().field(offset, self.len) {
                Some(mut units) => units.reverse(self.width),
                None => return ControlFlow::Break(()),
            }
            ControlFlow::Continue(())
        });
        match swapped {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(DecodeError::internal("a field is outside its item")),
        }
    }
}

/// Reverses the units of `swaps` in each of the adjacent `items`. `itemsize` is the size of an item in bytes. A second
/// call restores the original bytes. Returns an error if a unit is outside its item.
pub(super) fn swap_items(items: &mut [u8], itemsize: usize, swaps: &[Swap]) -> Result<(), DecodeError> {
    let mut items = StridedMut::of_rows(items, itemsize);
    swaps.iter().try_for_each(|swap| swap.apply(&mut items))
}
