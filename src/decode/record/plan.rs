//! [`RecordPlan`]: decodes items to structs of one type and encodes such structs. [`Plan::records`] creates the plan,
//! and compares the layout of the items with the struct once.

use alloc::vec::Vec;
use core::marker::PhantomData;

use bytemuck::{AnyBitPattern, NoUninit};

use super::super::buffer::{Blocks, Buffer, BufferMut, total};
use super::super::column_copy::block_items;
use super::super::element::zeroed;
use super::super::error::{DecodeError, EncodeError, EncodeErrorKind, resize, to_isize};
use super::super::memory::{Memory, Run};
use super::super::plan::{Plan, ZERO_SIZED_LIMIT, count_items};
#[cfg(feature = "pyo3")]
use super::super::traverse::Runs;
use super::access::{Access, Identity, ItemReader, ItemWriter, Permuted, PermutedMixedEndian, Swapped};
use super::copy_ops::FieldCopy;
use super::error::{Mismatch, NotInPlace, RecordError};
use super::match_layout::{Conversion, Strategy};
#[cfg(feature = "pyo3")]
use super::traits::load_items;
use super::traits::{Record, load_each};
use crate::align::to_u64;
use crate::strided::{Strided, StridedMut};
use crate::view::{Order, View};

/// The largest size in bytes of contiguous items that are read with one call, without the traversal of a view.
const SMALL: usize = 256;

/// A plan that decodes items to structs of type `T` and encodes such structs. [`Plan::records`] creates a `RecordPlan`.
/// A `RecordPlan` can be reused for any number of items.
///
#[cfg_attr(feature = "derive", doc = "```")]
#[cfg_attr(not(feature = "derive"), doc = "```ignore")]
/// use pep3118::{DataModel, Dialect, Layout, Record, decode::Plan};
/// #[derive(Record, Debug, PartialEq)]
/// struct Point {
///     x: i16,
///     y: i16,
/// }
/// let plan = Plan::new(&Layout::read(b"T{>h:x:>h:y:}", &Dialect::PEP3118, &DataModel::HOST)?)?;
/// let points = plan.records::<Point>()?;
/// assert_eq!(points.read(&[0, 1, 0, 2])?, [Point { x: 1, y: 2 }]);
/// assert_eq!(points.encode(&[Point { x: 3, y: 4 }])?, [0, 3, 0, 4]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
#[cfg_attr(feature = "derive", doc = "```")]
#[cfg_attr(not(feature = "derive"), doc = "```ignore")]
/// use pep3118::{DataModel, Dialect, Layout, Record, decode::Plan};
/// #[derive(Record, bytemuck::Pod, bytemuck::Zeroable, Clone, Copy, Debug, PartialEq)]
/// #[repr(C)]
/// struct Point {
///     x: i16,
///     y: i16,
/// }
/// let plan = Plan::new(&Layout::read(b"T{h:x:h:y:}", &Dialect::PEP3118, &DataModel::HOST)?)?;
/// let points = plan.records::<Point>()?;
/// let mut items = points.encode(&[Point { x: 1, y: 2 }, Point { x: 3, y: 4 }])?;
/// points.cast_mut(&mut items)?[0].x = 5;
/// let mut all = vec![Point { x: 0, y: 0 }];
/// points.read_into(&items, &mut all)?;
/// assert_eq!(all, [Point { x: 0, y: 0 }, Point { x: 5, y: 2 }, Point { x: 3, y: 4 }]);
/// points.write(&all[..2], &mut items)?;
/// assert_eq!(points.cast(&items)?, &all[..2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RecordPlan<T> {
    /// The size of an item in bytes.
    itemsize: usize,
    conversion: Conversion,
    /// The copies from the layout of the struct to an item. The vector is empty unless the strategy is
    /// [`Strategy::Staged`].
    copies_to_item: Vec<FieldCopy>,
    records: PhantomData<fn() -> T>,
}

impl Plan {
    /// Creates the plan for structs of type `T`, after comparing the layout of the items with the struct.
    ///
    #[cfg_attr(feature = "derive", doc = "```")]
    #[cfg_attr(not(feature = "derive"), doc = "```ignore")]
    /// # use pep3118::{DataModel, Dialect, Layout, Record, decode::Plan};
    /// # #[derive(Record, Debug, PartialEq)]
    /// # struct Point { x: i16, y: i16 }
    /// let plan = Plan::new(&Layout::read(b"T{>h:x:>h:y:}", &Dialect::PEP3118, &DataModel::HOST)?)?;
    /// let points = plan.records::<Point>()?;
    /// assert_eq!(points.read(&[0, 1, 0, 2])?, [Point { x: 1, y: 2 }]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the items do not [match](Record::matches) the struct
    pub fn records<T: Record>(&self) -> Result<RecordPlan<T>, Mismatch> {
        let conversion = Conversion::new(self, &T::LAYOUT)?;
        let copies_to_item = match conversion.strategy {
            Strategy::Staged => conversion.copies.iter().map(FieldCopy::reversed).collect(),
            _ => Vec::new(),
        };
        Ok(RecordPlan { itemsize: self.size, conversion, copies_to_item, records: PhantomData })
    }

    /// Returns `items`, the bytes of adjacent items, as a slice of structs without a copy, see [`RecordPlan::cast`].
    ///
    #[cfg_attr(feature = "derive", doc = "```")]
    #[cfg_attr(not(feature = "derive"), doc = "```ignore")]
    /// use pep3118::{DataModel, Dialect, Layout, Record, decode::Plan};
    /// #[derive(Record, bytemuck::AnyBitPattern, Clone, Copy, Debug, PartialEq)]
    /// #[repr(C)]
    /// struct Pixel {
    ///     rgb: [u8; 3],
    /// }
    /// let plan = Plan::new(&Layout::read(b"T{3s:rgb:}", &Dialect::PEP3118, &DataModel::HOST)?)?;
    /// assert_eq!(plan.cast_records::<Pixel>(&[1, 2, 3])?, [Pixel { rgb: [1, 2, 3] }]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the errors of [`RecordPlan::cast`]
    /// - the items do not [match](Record::matches) the struct
    pub fn cast_records<'i, T: Record + AnyBitPattern>(&self, items: &'i [u8]) -> Result<&'i [T], RecordError> {
        self.records()?.cast(items)
    }
}

impl<T: Record> RecordPlan<T> {
    /// Returns `items`, the bytes of adjacent items, as a slice of structs without a copy. The layouts of the items and
    /// the struct must be equal.
    ///
    #[cfg_attr(feature = "derive", doc = "```")]
    #[cfg_attr(not(feature = "derive"), doc = "```ignore")]
    /// use pep3118::{DataModel, Dialect, Layout, Record, decode::Plan};
    /// #[derive(Record, bytemuck::AnyBitPattern, Clone, Copy, Debug, PartialEq)]
    /// #[repr(C)]
    /// struct Pixel {
    ///     rgb: [u8; 3],
    ///     alpha: u8,
    /// }
    /// let plan = Plan::new(&Layout::read(b"T{3s:rgb:B:alpha:}", &Dialect::PEP3118, &DataModel::HOST)?)?;
    /// let pixels: &[Pixel] = plan.cast_records(&[1, 2, 3, 4, 5, 6, 7, 8])?;
    /// assert_eq!(pixels[1], Pixel { rgb: [5, 6, 7], alpha: 8 });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - a field has another byte order than this machine, or different offsets in the item and in the struct
    /// - the item and the struct differ in size
    /// - the struct is not `repr(C)`, contains a record that is not `repr(C)`, or skips a field
    /// - the items are not aligned: `items` starts at address 0x1001 and the alignment of the struct is 8
    /// - the length of `items` is not a multiple of the item size: 10 bytes for items of 4 bytes
    pub fn cast<'i>(&self, items: &'i [u8]) -> Result<&'i [T], RecordError>
    where
        T: AnyBitPattern,
    {
        self.check_in_place(items)?;
        // `try_cast_slice` would return an error for an empty slice that is not aligned.
        if items.is_empty() {
            return Ok(&[]);
        }
        bytemuck::try_cast_slice(items).map_err(|_| unaligned::<T>(items).into())
    }

    /// Returns `items`, the bytes of adjacent items, as a mutable slice of structs without a copy.
    ///
    /// # Errors
    /// - the errors of [`cast`](Self::cast)
    pub fn cast_mut<'i>(&self, items: &'i mut [u8]) -> Result<&'i mut [T], RecordError>
    where
        T: AnyBitPattern + NoUninit,
    {
        self.check_in_place(items)?;
        if items.is_empty() {
            return Ok(&mut []);
        }
        let refused = unaligned::<T>(items);
        bytemuck::try_cast_slice_mut(items).map_err(|_| refused.into())
    }

    /// Returns `Ok` if the items have the same layout as the struct in memory. Otherwise returns the first difference
    /// as an error. Also returns an error if the length of `items` is not a multiple of the item size. Does not check
    /// the alignment.
    fn check_in_place(&self, items: &[u8]) -> Result<(), RecordError> {
        count_items(items.len(), self.itemsize)?;
        let (item, record) = (to_u64(self.itemsize), to_u64(size_of::<T>()));
        if !T::LAYOUT.in_memory {
            return Err(NotInPlace::Repr.into());
        }
        for copy in &self.conversion.copies {
            if !copy.is_in_place() {
                let (from, to) = (to_u64(copy.from), to_u64(copy.to));
                return Err(NotInPlace::Moved { from, to }.into());
            }
            if copy.swaps() {
                return Err(NotInPlace::Swapped { offset: to_u64(copy.from) }.into());
            }
        }
        if item == record { Ok(()) } else { Err(NotInPlace::Itemsize { item, record }.into()) }
    }
}

/// Creates the error for `items` whose first byte is not aligned for the struct `T`.
fn unaligned<T>(items: &[u8]) -> NotInPlace {
    // The mask computes the remainder, because an alignment is a power of two.
    let past = items.as_ptr().addr() & align_of::<T>().saturating_sub(1);
    NotInPlace::Unaligned { past: to_u64(past), align: to_u64(align_of::<T>()) }
}

impl Plan {
    /// Decodes `items`, the bytes of adjacent items, to structs.
    ///
    /// If the items have the layout of the struct and every bit pattern is a valid struct, the items are copied as
    /// bytes. Otherwise the items are decoded field by field.
    ///
    #[cfg_attr(feature = "derive", doc = "```")]
    #[cfg_attr(not(feature = "derive"), doc = "```ignore")]
    /// # use pep3118::{DataModel, Dialect, Layout, Record, decode::Plan};
    /// # #[derive(Record, Debug, PartialEq)]
    /// # struct Point { x: i16, y: i16 }
    /// let plan = Plan::new(&Layout::read(b"T{>h:x:>h:y:}", &Dialect::PEP3118, &DataModel::HOST)?)?;
    /// assert_eq!(plan.read_records::<Point>(&[0, 1, 0, 2])?, [Point { x: 1, y: 2 }]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the length of `items` is not a multiple of the item size: 10 bytes for items of 4 bytes
    /// - the items do not [match](Record::matches) the struct
    /// - the bytes of a field are not a valid value: 0xD800 for a `char`
    pub fn read_records<T: Record>(&self, items: &[u8]) -> Result<Vec<T>, RecordError> {
        self.records()?.read(items)
    }
}

impl<T: Record> RecordPlan<T> {
    /// Decodes `items`, the bytes of adjacent items, to structs, see [`Plan::read_records`].
    ///
    /// # Errors
    /// - the length of `items` is not a multiple of the item size: 10 bytes for items of 4 bytes
    /// - the bytes of a field are not a valid value: 0xD800 for a `char`
    pub fn read(&self, items: &[u8]) -> Result<Vec<T>, RecordError> {
        let mut records = Vec::new();
        self.read_into(items, &mut records)?;
        Ok(records)
    }

    /// Decodes `items`, the bytes of adjacent items, and appends the structs to `records`. Leaves `records` unchanged
    /// if an error is returned.
    ///
    /// # Errors
    /// - the errors of [`read`](Self::read)
    pub fn read_into(&self, items: &[u8], records: &mut Vec<T>) -> Result<(), RecordError> {
        let mut reader = Reader::new(self, count_items(items.len(), self.itemsize)?, records)?;
        // If decoding has several steps, the items are decoded block by block. A block then stays in the cache between
        // the steps.
        let most = if self.is_one_step() { usize::MAX } else { block_items(self.itemsize.max(T::LAYOUT.size)) };
        for block in items.chunks(most.saturating_mul(self.itemsize).max(1)) {
            reader.append(block)?;
        }
        Ok(())
    }

    /// Decodes all items of `buffer` to structs with this plan, see [`Buffer::read_records`]. The plan of `buffer` is
    /// not used.
    ///
    #[cfg_attr(feature = "derive", doc = "```")]
    #[cfg_attr(not(feature = "derive"), doc = "```ignore")]
    /// # use pep3118::{DataModel, RawView, Record, Request, decode::{Buffer, BufferMut, Plan}};
    /// # #[derive(Record, Debug, PartialEq)]
    /// # struct Point { x: i16, y: i16 }
    /// let format = Some(&b"T{>h:x:>h:y:}"[..]);
    /// let raw = RawView { len: 4, itemsize: 4, ndim: 1, format, shape: Some(&[1]), ..RawView::default() };
    /// let view = raw.check(Request::FULL, None, None).into_result()?;
    /// let plan = Plan::for_view(&view, &DataModel::HOST)?;
    /// let buffer = Buffer::new(&view, &plan, &[0, 1, 0, 2])?;
    /// assert_eq!(plan.records::<Point>()?.read_buffer(&buffer)?, [Point { x: 1, y: 2 }]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the items of the buffer have another size than the items of this plan
    /// - the errors of [`Buffer::read_records`]
    pub fn read_buffer(&self, buffer: &Buffer<'_>) -> Result<Vec<T>, RecordError> {
        self.read_view(&buffer.view, &*buffer.memory)
    }

    /// Decodes all items of `view` in C order. `memory` must contain the items. Returns the errors of
    /// [`read_buffer`](Self::read_buffer).
    pub(crate) fn read_view(&self, view: &View<'_>, memory: &dyn Memory) -> Result<Vec<T>, RecordError> {
        let contiguous = |block: &mut [u8]| {
            if !view.is_contiguous(Order::C) {
                return Ok(false);
            }
            // All items are one item of the run, so that no distance between items is checked.
            let run = Run { path: &[], offset: to_isize(view.offset())?, stride: 0, items: 1, itemsize: block.len() };
            memory.read(&run, 1, block).map(|()| true)
        };
        if let Some(records) = self.read_small(view, contiguous)? {
            return Ok(records);
        }
        let mut records = Vec::new();
        self.read_blocks(view, memory, &mut records)?;
        Ok(records)
    }

    /// Decodes all items of `view` in C order if they have at most [`SMALL`] bytes. `copy` copies the bytes of all items
    /// to its argument, or returns `false` if the items are not contiguous. No memory is allocated except for the
    /// structs. Returns `None` for more items, for items that are not contiguous, for items of 0 bytes, and if the items
    /// of this plan have another size.
    #[inline]
    pub(crate) fn read_small(
        &self,
        view: &View<'_>,
        copy: impl FnOnce(&mut [u8]) -> Result<bool, DecodeError>,
    ) -> Result<Option<Vec<T>>, RecordError> {
        let len = usize::try_from(view.len()).ok().filter(|len| (1..=SMALL).contains(len));
        let (mut block, Some(len)) = ([0; SMALL], len) else { return Ok(None) };
        let Some(block) = block.get_mut(..len) else { return Ok(None) };
        if usize::try_from(view.itemsize()) != Ok(self.itemsize) || !copy(block)? {
            return Ok(None);
        }
        let mut records = Vec::new();
        let items = if let [items] = view.shape() { items.unsigned_abs() } else { view.item_count() };
        let items = usize::try_from(items).map_err(|_| DecodeError::Allocation { bytes: items })?;
        Reader::new(self, items, &mut records)?.append(block)?;
        Ok(Some(records))
    }

    /// Decodes all items of `view` in C order, and appends the structs to `records`. `memory` must contain the items.
    /// Returns the errors of [`read_buffer`](Self::read_buffer).
    fn read_blocks(&self, view: &View<'_>, memory: &dyn Memory, records: &mut Vec<T>) -> Result<(), RecordError> {
        self.check_itemsize(view)?;
        let (items, _) = total(view, self.itemsize)?;
        if self.itemsize == 0 {
            // Items of 0 bytes need a limit, because the memory of the buffer does not limit the number of such items.
            if to_u64(items) > ZERO_SIZED_LIMIT {
                return Err(DecodeError::ZeroSized { count: to_u64(items), limit: ZERO_SIZED_LIMIT }.into());
            }
            records.extend(core::iter::repeat_with(|| T::load(ItemReader(&[][..], Identity), 0)).take(items));
            return Ok(());
        }
        let (mut reader, mut blocks) = (Reader::new(self, items, records)?, Blocks::new(view, self.itemsize, memory)?);
        while blocks.advance()? {
            reader.append(blocks.block())?;
        }
        Ok(())
    }

    /// Decodes all items of `view` in C order, and calls `each` with at most `items` structs at a time. Only the last
    /// call can have fewer structs. If `items` is 0, each call has 1 struct. `memory` must contain the items. Returns
    /// the errors of [`read_buffer`](Self::read_buffer).
    ///
    /// If decoding has one step, the structs are read from the memory of the items, without a copy of the items.
    #[cfg(feature = "pyo3")]
    pub(crate) fn fold_view(
        &self,
        view: &View<'_>,
        memory: &dyn Memory,
        items: usize,
        mut each: impl FnMut(&[T]),
    ) -> Result<(), RecordError> {
        let mut records = Vec::new();
        if self.itemsize == 0 {
            self.read_blocks(view, memory, &mut records)?;
            records.chunks(items.max(1)).for_each(each);
            return Ok(());
        }
        self.check_itemsize(view)?;
        let (all, _) = total(view, self.itemsize)?;
        let most = items.clamp(1, all.max(1));
        let mut reader = Reader::new(self, most, &mut records)?;
        if self.is_one_step() {
            let mut runs = Runs::new(view, self.itemsize)?;
            while let Some(run) = runs.next_run(usize::MAX) {
                let mut items = memory.run(&run)?;
                while items.count() > 0 {
                    reader.append_cells(items.split_off(most.saturating_sub(reader.records.len())))?;
                    if reader.records.len() >= most {
                        each(reader.records);
                        reader.records.clear();
                    }
                }
            }
            if !reader.records.is_empty() {
                each(reader.records);
            }
            return Ok(());
        }
        let mut blocks = Blocks::new(view, self.itemsize, memory)?;
        while blocks.advance_by(block_items(self.itemsize).min(most.saturating_sub(reader.records.len())))? {
            reader.append(blocks.block())?;
            if reader.records.len() >= most {
                each(reader.records);
                reader.records.clear();
            }
        }
        if !reader.records.is_empty() {
            each(reader.records);
        }
        Ok(())
    }

    /// Returns whether an item is decoded in one step: without checks of its values, and without a copy of its fields
    /// to a block of memory.
    fn is_one_step(&self) -> bool {
        !matches!(self.conversion.strategy, Strategy::Staged) && self.conversion.checks.is_empty()
    }

    /// Returns an error if the items of `view` and the items of this plan have different sizes.
    fn check_itemsize(&self, view: &View<'_>) -> Result<(), DecodeError> {
        let (view, plan) = (view.itemsize().unsigned_abs(), to_u64(self.itemsize));
        if view == plan { Ok(()) } else { Err(DecodeError::Itemsize { view, plan }) }
    }
}

impl Buffer<'_> {
    /// Decodes all items, in C order, to structs, see [`Plan::read_records`].
    ///
    #[cfg_attr(feature = "derive", doc = "```")]
    #[cfg_attr(not(feature = "derive"), doc = "```ignore")]
    /// # use pep3118::{DataModel, RawView, Record, Request, decode::{Buffer, BufferMut, Plan}};
    /// # #[derive(Record, Debug, PartialEq)]
    /// # struct Point { x: i16, y: i16 }
    /// let format = Some(&b"T{>h:x:>h:y:}"[..]);
    /// let raw = RawView { len: 4, itemsize: 4, ndim: 1, format, shape: Some(&[1]), ..RawView::default() };
    /// let view = raw.check(Request::FULL, None, None).into_result()?;
    /// let plan = Plan::for_view(&view, &DataModel::HOST)?;
    /// assert_eq!(Buffer::new(&view, &plan, &[0, 1, 0, 2])?.read_records::<Point>()?, [Point { x: 1, y: 2 }]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - there is not enough memory for the structs, or there are more than 65,536 items of 0 bytes
    /// - a pointer that leads to an item is NULL
    /// - the errors of [`Plan::read_records`]
    pub fn read_records<T: Record>(&self) -> Result<Vec<T>, RecordError> {
        self.plan.records()?.read_buffer(self)
    }
}

/// Decodes items to structs, block by block, and appends the structs to a vector.
struct Reader<'r, T> {
    /// The plan that decodes the items.
    plan: &'r RecordPlan<T>,
    /// A block of items in the layout of the struct, for [`Strategy::Staged`].
    staged: Vec<u8>,
    /// The vector that structs are appended to.
    records: &'r mut Vec<T>,
    /// The length of `records` before the first block was decoded.
    before: usize,
    /// The number of structs that were decoded.
    decoded: usize,
}

impl<'r, T: Record> Reader<'r, T> {
    /// Creates a reader that decodes items with `plan`, and appends the structs to `records`. Allocates memory for
    /// `items` structs. Returns an error if the allocation fails.
    fn new(plan: &'r RecordPlan<T>, items: usize, records: &'r mut Vec<T>) -> Result<Self, RecordError> {
        let bytes = to_u64(items.saturating_mul(size_of::<T>()));
        records.try_reserve_exact(items).map_err(|_| DecodeError::Allocation { bytes })?;
        crate::huge_pages::prefer_large(records.spare_capacity_mut());
        let before = records.len();
        Ok(Self { plan, staged: Vec::new(), records, before, decoded: 0 })
    }

    /// Decodes `items`, the bytes of adjacent items, and appends the structs to the vector. If a value is invalid,
    /// removes all structs that this reader appended, and returns an error.
    fn append(&mut self, items: &[u8]) -> Result<(), RecordError> {
        let Self { plan: RecordPlan { itemsize, conversion, .. }, staged, records, before, decoded } = self;
        let (itemsize, size) = (*itemsize, T::LAYOUT.size);
        if let Err(refused) = conversion.checks.iter().try_for_each(|check| check.apply(items, itemsize, *decoded)) {
            records.truncate(*before);
            return Err(refused);
        }
        let len = records.len();
        match &conversion.strategy {
            Strategy::Identity if T::LAYOUT.in_memory && size == size_of::<T>() => T::load_all(items, records),
            Strategy::Identity => load_each(items, size, records, Identity),
            Strategy::Swapped => load_each(items, size, records, Swapped),
            Strategy::Permuted { offsets, swap: true } => {
                load_permuted(items, itemsize, records, offsets, Permuted::<true>)?;
            }
            Strategy::Permuted { offsets, swap: false } => {
                load_permuted(items, itemsize, records, offsets, Permuted::<false>)?;
            }
            Strategy::PermutedMixedEndian { origins } => {
                load_permuted(items, itemsize, records, origins, PermutedMixedEndian)?;
            }
            Strategy::Staged => {
                let source = Strided::of_rows(items, itemsize);
                resize(staged, source.count().saturating_mul(size))?;
                let copies = conversion.copies.iter();
                let mut copies = copies.map(|copy| copy.apply(source, StridedMut::of_rows(staged, size)));
                copies.try_for_each(|copied| copied)?;
                load_each(staged, size, records, Identity);
            }
        }
        *decoded = decoded.saturating_add(records.len().saturating_sub(len));
        Ok(())
    }

    /// Decodes `items` field by field, and appends the structs to the vector. Returns an error if the items are shorter
    /// than those of the plan, or if decoding has several steps.
    #[cfg(feature = "pyo3")]
    #[inline]
    fn append_cells(&mut self, items: Strided<'_>) -> Result<(), RecordError> {
        let RecordPlan { itemsize, conversion, .. } = self.plan;
        let records = &mut *self.records;
        let cells = |len| items.cells(len).ok_or_else(|| DecodeError::internal("a run has shorter items"));
        match &conversion.strategy {
            Strategy::Identity => match items.adjacent_cells(T::LAYOUT.size) {
                Some(cells) => load_items(cells, records, Identity),
                None => load_items(cells(T::LAYOUT.size)?, records, Identity),
            },
            Strategy::Swapped => load_items(cells(T::LAYOUT.size)?, records, Swapped),
            Strategy::Permuted { offsets, swap: true } => {
                load_items(cells(*itemsize)?, records, Permuted::<true>(origins_of_struct::<T, _>(offsets)?));
            }
            Strategy::Permuted { offsets, swap: false } => {
                load_items(cells(*itemsize)?, records, Permuted::<false>(origins_of_struct::<T, _>(offsets)?));
            }
            Strategy::PermutedMixedEndian { origins } => {
                load_items(cells(*itemsize)?, records, PermutedMixedEndian(origins_of_struct::<T, _>(origins)?));
            }
            Strategy::Staged => return Err(DecodeError::internal("decoding has several steps").into()),
        }
        Ok(())
    }
}

/// Decodes `items`, the bytes of adjacent items of `itemsize` bytes, and appends the structs to `records`.
/// `access(origins)` maps offsets in the struct to offsets in an item. `origins` has the position in the item of each
/// byte of the struct. Returns an error if `origins` is shorter than the struct.
///
/// The function is not inlined. In a separate function, the compiler uses the types of the arguments: the memory of the
/// `&mut` argument `records` does not overlap `origins`, so writing records does not change `origins`. Hence the
/// compiled code loads the origins once for all records, and not once for each record.
#[inline(never)]
fn load_permuted<'s, T: Record, O, A: Access>(
    items: &[u8],
    itemsize: usize,
    records: &mut Vec<T>,
    origins: &'s [O],
    access: impl Fn(&'s [O]) -> A,
) -> Result<(), DecodeError> {
    // The compiler knows the length of the slice that `origins_of_struct` returns. Hence the loop needs no bounds
    // checks.
    load_each(items, itemsize, records, access(origins_of_struct::<T, O>(origins)?));
    Ok(())
}

/// Returns the first elements of `origins`, one for each byte of the struct `T`. Returns an error if `origins` is
/// shorter.
#[inline(always)]
fn origins_of_struct<T: Record, O>(origins: &[O]) -> Result<&[O], DecodeError> {
    let origins = origins.get(..const { T::LAYOUT.size });
    origins.ok_or_else(|| DecodeError::internal("a byte of the struct has no origin"))
}

impl Plan {
    /// Encodes `records` into `items`, the bytes of adjacent items. Each value is written with the offset and the byte
    /// order of the layout of the items. Leaves padding unchanged.
    ///
    #[cfg_attr(feature = "derive", doc = "```")]
    #[cfg_attr(not(feature = "derive"), doc = "```ignore")]
    /// use pep3118::{DataModel, Dialect, Layout, Record, decode::Plan};
    /// #[derive(Record)]
    /// struct Sample {
    ///     flag: bool,
    ///     id: u16,
    /// }
    /// let plan = Plan::new(&Layout::read(b"T{>H:id:x?:flag:}", &Dialect::PEP3118, &DataModel::HOST)?)?;
    /// let mut items = [9; 4];
    /// plan.write_records(&[Sample { flag: true, id: 7 }], &mut items)?;
    /// assert_eq!(items, [0, 7, 9, 1]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the length of `items` is not the size of all encoded records: the bytes of 3 items for 2 records
    /// - the items do not [match](Record::matches) the struct
    pub fn write_records<T: Record>(&self, records: &[T], items: &mut [u8]) -> Result<(), RecordError> {
        self.records()?.write(records, items)
    }

    /// Encodes `records` and returns the bytes of the items, without gaps. Padding bytes are zero.
    ///
    #[cfg_attr(feature = "derive", doc = "```")]
    #[cfg_attr(not(feature = "derive"), doc = "```ignore")]
    /// # use pep3118::{DataModel, Dialect, Layout, Record, decode::Plan};
    /// # #[derive(Record, Debug, PartialEq)]
    /// # struct Point { x: i16, y: i16 }
    /// let plan = Plan::new(&Layout::read(b"T{>h:x:>h:y:}", &Dialect::PEP3118, &DataModel::HOST)?)?;
    /// assert_eq!(plan.encode_records(&[Point { x: 1, y: 2 }])?, [0, 1, 0, 2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the items do not [match](Record::matches) the struct
    /// - there is not enough memory for the items
    pub fn encode_records<T: Record>(&self, records: &[T]) -> Result<Vec<u8>, RecordError> {
        self.records()?.encode(records)
    }
}

impl BufferMut<'_> {
    /// Encodes `records` into all items, one struct for each item in C order, see [`Plan::write_records`]. Writes
    /// nothing if `records` are rejected.
    ///
    #[cfg_attr(feature = "derive", doc = "```")]
    #[cfg_attr(not(feature = "derive"), doc = "```ignore")]
    /// # use pep3118::{DataModel, RawView, Record, Request, decode::{Buffer, BufferMut, Plan}};
    /// # #[derive(Record, Debug, PartialEq)]
    /// # struct Point { x: i16, y: i16 }
    /// let format = Some(&b"T{>h:x:>h:y:}"[..]);
    /// let raw = RawView { len: 4, itemsize: 4, ndim: 1, format, shape: Some(&[1]), ..RawView::default() };
    /// let view = raw.check(Request::FULL, None, None).into_result()?;
    /// let plan = Plan::for_view(&view, &DataModel::HOST)?;
    /// let mut bytes = [0; 4];
    /// BufferMut::new(&view, &plan, &mut bytes)?.write_records(&[Point { x: 1, y: 2 }])?;
    /// assert_eq!(bytes, [0, 1, 0, 2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the number of structs is not the number of items: 2 structs for 3 items
    /// - the items do not [match](Record::matches) the struct
    pub fn write_records<T: Record>(&mut self, records: &[T]) -> Result<(), RecordError> {
        let plan = self.plan.records::<T>()?;
        let (items, _) = total(&self.view, self.plan.size).map_err(EncodeError::from)?;
        if records.len() != items {
            let (found, wanted) = (to_u64(records.len()), to_u64(items));
            return Err(EncodeError::from(EncodeErrorKind::Count { found, wanted, unit: "item" }).into());
        }
        let mut copy = self.copy()?;
        plan.write(records, &mut copy)?;
        Ok(self.store(&copy)?)
    }
}

impl<T: Record> RecordPlan<T> {
    /// Encodes `records` into `items`, the bytes of adjacent items, see [`Plan::write_records`].
    ///
    /// # Errors
    /// - the length of `items` is not the size of all encoded records: the bytes of 3 items for 2 records
    pub fn write(&self, records: &[T], items: &mut [u8]) -> Result<(), RecordError> {
        let itemsize = self.itemsize;
        let needed = records.len().saturating_mul(itemsize);
        if needed != items.len() {
            let (available, needed) = (to_u64(items.len()), to_u64(needed));
            return Err(EncodeError::from(EncodeErrorKind::TooSmall { available, needed }).into());
        }
        match &self.conversion.strategy {
            Strategy::Identity => store_each(records, items, itemsize, Identity),
            Strategy::Swapped => store_each(records, items, itemsize, Swapped),
            Strategy::Permuted { offsets, swap: true } => {
                store_permuted(records, items, itemsize, offsets, Permuted::<true>)?;
            }
            Strategy::Permuted { offsets, swap: false } => {
                store_permuted(records, items, itemsize, offsets, Permuted::<false>)?;
            }
            Strategy::PermutedMixedEndian { origins } => {
                store_permuted(records, items, itemsize, origins, PermutedMixedEndian)?;
            }
            Strategy::Staged => {
                let size = T::LAYOUT.size;
                let most = block_items(itemsize.max(size));
                let mut staged = Vec::new();
                for (records, items) in records.chunks(most).zip(items.chunks_mut(most.saturating_mul(itemsize).max(1)))
                {
                    resize(&mut staged, records.len().saturating_mul(size))?;
                    store_each(records, &mut staged, size, Identity);
                    let source = Strided::of_rows(&staged, size);
                    let copies = self.copies_to_item.iter();
                    let mut copies = copies.map(|copy| copy.apply(source, StridedMut::of_rows(items, itemsize)));
                    copies.try_for_each(|copied| copied)?;
                }
            }
        }
        Ok(())
    }

    /// Encodes `records` and returns the bytes of the items, see [`Plan::encode_records`].
    ///
    /// # Errors
    /// - there is not enough memory for the items
    pub fn encode(&self, records: &[T]) -> Result<Vec<u8>, RecordError> {
        let mut items = zeroed(records.len().saturating_mul(self.itemsize))?;
        self.write(records, &mut items)?;
        Ok(items)
    }
}

/// Encodes `records` field by field into `items`, the bytes of adjacent items of `itemsize` bytes. `access` maps
/// offsets in the struct to offsets in an item.
#[inline(always)]
fn store_each<T: Record>(records: &[T], items: &mut [u8], itemsize: usize, access: impl Access) {
    for (record, item) in records.iter().zip(items.chunks_exact_mut(itemsize.max(1))) {
        record.store(&mut ItemWriter(item, access), 0);
    }
}

/// Encodes `records` into `items`, the bytes of adjacent items of `itemsize` bytes. `access(origins)` maps offsets in
/// the struct to offsets in an item. `origins` has the position in the item of each byte of the struct. Returns an
/// error if `origins` is shorter than the struct. The function is not inlined, for the reason that [`load_permuted`]
/// states.
#[inline(never)]
fn store_permuted<'s, T: Record, O, A: Access>(
    records: &[T],
    items: &mut [u8],
    itemsize: usize,
    origins: &'s [O],
    access: impl Fn(&'s [O]) -> A,
) -> Result<(), DecodeError> {
    store_each(records, items, itemsize, access(origins_of_struct::<T, O>(origins)?));
    Ok(())
}
