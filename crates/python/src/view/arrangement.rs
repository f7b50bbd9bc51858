//! `Arrangement`: the shape, strides and offset of the items of a view. `FieldArrangement`: the same for the elements
//! of a field in one item.

use pep3118::view::{ItemLayout, Order, Slice, View as Geometry, ViewError};

/// An [`Arrangement`] of at most this number of dimensions stores its lengths and strides without an allocation.
const INLINE: usize = 2;
/// The maximum number of dimensions of a `Py_buffer`: `PyBUF_MAX_NDIM`.
const MAX_NDIM: usize = 64;

/// The shape, strides, suboffsets and offset of the items of a view.
///
/// An arrangement stores the numbers of the library's [`View`](Geometry) in half of the memory, because each slice, row
/// and field of a Python view has its own arrangement. [`geometry`](Self::geometry) returns the library's view for the
/// operations that `Arrangement` does not implement.
///
/// INVARIANT: the numbers satisfy the INVARIANT of the library's view. `heap` is `None` for at most `INLINE` dimensions
/// without suboffsets. Otherwise `heap` contains the lengths of all dimensions, then the strides, and then the
/// suboffsets if the items have suboffsets.
#[derive(Clone, Debug)]
pub(super) struct Arrangement {
    /// The distance in bytes from the address of the buffer to the first item.
    offset: i64,
    /// The size of one item in bytes.
    itemsize: i64,
    /// The number of dimensions.
    ndim: usize,
    /// The lengths of the dimensions if `heap` is `None`. The entries from index `ndim` on are not used.
    inline_shape: [i64; INLINE],
    /// The strides of the dimensions in bytes if `heap` is `None`. The entries from index `ndim` on are not used.
    inline_strides: [i64; INLINE],
    heap: Option<Box<[i64]>>,
    readonly: bool,
}

impl Arrangement {
    /// Returns the arrangement of the items of `view`: its shape, strides, suboffsets, offset, item size and access
    /// (read-only or writable).
    pub(super) fn new(view: &Geometry<'_>) -> Self {
        let axes = view.shape().iter().copied().zip(view.strides().iter().copied());
        let empty = Self {
            offset: 0,
            itemsize: view.itemsize(),
            ndim: 0,
            inline_shape: [0; INLINE],
            inline_strides: [0; INLINE],
            heap: None,
            readonly: view.readonly(),
        };
        let direct = empty.with_axes(view.offset(), view.ndim(), axes);
        match view.suboffsets() {
            Some(suboffsets) => {
                let numbers = [view.shape(), view.strides(), suboffsets].concat();
                Self { heap: Some(numbers.into()), ..direct }
            }
            None => direct,
        }
    }

    /// Returns the library's view of the items of this arrangement. The view borrows the shape, the strides and the
    /// suboffsets. The items of the view are bytes without a type.
    pub(super) fn geometry(&self) -> Geometry<'_> {
        Geometry::of_validated(
            self.itemsize,
            self.readonly,
            self.offset,
            self.shape(),
            self.strides(),
            self.suboffsets(),
        )
    }

    /// Returns an arrangement of `ndim` dimensions without suboffsets, with the item size and the access (read-only or
    /// writable) of `self`. `offset` is the offset of the first item in bytes. `axes` yields the length and the stride
    /// in bytes of each dimension.
    #[inline]
    fn with_axes(&self, offset: i64, ndim: usize, axes: impl Iterator<Item = (i64, i64)>) -> Self {
        let heap = (ndim > INLINE).then(|| vec![0; ndim.saturating_mul(2)].into());
        let (inline_shape, inline_strides) = ([0; INLINE], [0; INLINE]);
        let mut arranged = Self { offset, ndim, inline_shape, inline_strides, heap, ..*self };
        for (dimension, axis) in axes.enumerate() {
            if let Some((length, stride)) = arranged.axis_mut(dimension) {
                (*length, *stride) = axis;
            }
        }
        arranged
    }

    /// Returns mutable references to the length of the dimension `dimension` and to its stride in bytes. Returns `None`
    /// if the dimension does not exist.
    #[inline]
    fn axis_mut(&mut self, dimension: usize) -> Option<(&mut i64, &mut i64)> {
        let (shape, strides) = match &mut self.heap {
            None => (self.inline_shape.as_mut_slice(), self.inline_strides.as_mut_slice()),
            Some(heap) => heap.split_at_mut_checked(self.ndim)?,
        };
        Some((shape.get_mut(dimension)?, strides.get_mut(dimension)?))
    }

    /// Iterates over the dimensions. Yields the length and the stride in bytes of each dimension.
    #[inline]
    fn axes(&self) -> impl Iterator<Item = (i64, i64)> {
        self.shape().iter().copied().zip(self.strides().iter().copied())
    }

    /// Returns the distance in bytes from the address of the buffer to the first item.
    #[inline]
    pub(super) fn offset(&self) -> i64 {
        self.offset
    }

    /// Returns the size of one item in bytes.
    #[inline]
    pub(super) fn itemsize(&self) -> i64 {
        self.itemsize
    }

    /// Returns `true` if the memory of the items is read-only.
    #[inline]
    pub(super) fn readonly(&self) -> bool {
        self.readonly
    }

    /// Returns the number of items in each dimension.
    #[inline]
    pub(super) fn shape(&self) -> &[i64] {
        self.heap.as_deref().unwrap_or(&self.inline_shape).get(..self.ndim).unwrap_or_default()
    }

    /// Returns the distance in bytes from one item to the next in each dimension.
    #[inline]
    pub(super) fn strides(&self) -> &[i64] {
        // Both arrays have a number for each dimension, so the defaults are never used.
        let strides = match &self.heap {
            None => &self.inline_strides,
            Some(heap) => heap.get(self.ndim..).unwrap_or_default(),
        };
        strides.get(..self.ndim).unwrap_or_default()
    }

    /// Returns the suboffset of each dimension in bytes. Returns `None` if access to the items follows no pointers.
    pub(super) fn suboffsets(&self) -> Option<&[i64]> {
        let suboffsets = self.heap.as_deref()?.get(self.ndim.saturating_mul(2)..)?;
        (!suboffsets.is_empty()).then_some(suboffsets)
    }

    /// Returns `true` if access to the items follows pointers.
    #[inline]
    pub(super) fn is_indirect(&self) -> bool {
        self.heap.is_some() && self.suboffsets().is_some()
    }

    /// Returns the size of all items in bytes.
    #[inline]
    pub(super) fn len(&self) -> i64 {
        // By the INVARIANT the product fits 64 bits, unless the length of a dimension is 0. The product is then 0.
        let product = |len: i64, length: &i64| len.wrapping_mul(*length);
        if let [length] = self.shape() {
            return self.itemsize.wrapping_mul(*length);
        }
        if self.shape().contains(&0) { 0 } else { self.shape().iter().fold(self.itemsize, product) }
    }

    /// Returns (start, end): the offset of the lowest byte of all items, and the offset after the highest byte. Without
    /// items, both numbers are the offset of the first item. Access to the items must not follow pointers.
    pub(super) fn byte_bounds(&self) -> (i64, i64) {
        if self.shape().contains(&0) {
            return (self.offset, self.offset);
        }
        self.axes().fold((self.offset, self.offset.wrapping_add(self.itemsize)), |(low, high), (length, stride)| {
            // By the INVARIANT all offsets of items fit 64 bits.
            let reach = if length > 1 { stride.wrapping_mul(length.wrapping_sub(1)) } else { 0 };
            if reach < 0 { (low.wrapping_add(reach), high) } else { (low, high.wrapping_add(reach)) }
        })
    }

    /// Returns the number of items.
    pub(super) fn item_count(&self) -> u64 {
        self.geometry().item_count()
    }

    /// Returns `true` if the items are contiguous in the order `order`. The result equals the result of
    /// `PyBuffer_IsContiguous`.
    #[inline]
    pub(super) fn is_contiguous(&self, order: Order) -> bool {
        match (self.shape(), self.strides()) {
            ([length], [stride]) if self.heap.is_none() => {
                *length <= 1 || *stride == self.itemsize || self.itemsize == 0
            }
            _ => self.geometry().is_contiguous(order),
        }
    }

    /// Returns a copy of this arrangement that does not allow writes.
    pub(super) fn to_readonly(&self) -> Self {
        Self { readonly: true, ..self.clone() }
    }

    /// Returns the arrangement of the items that `slices` select. `slices[n]` is the slice of the dimension `n`. A
    /// dimension without an entry in `slices` is not sliced.
    ///
    /// # Errors
    /// - every error of [`Geometry::slice`]
    #[inline(always)]
    pub(super) fn slice(&self, slices: &[Slice]) -> Result<Self, ViewError> {
        if self.is_indirect() || slices.len() > self.ndim {
            return Ok(Self::new(&self.geometry().slice(slices)?));
        }
        let mut sliced = self.clone();
        for (dimension, slice) in slices.iter().enumerate() {
            let Some((length, stride)) = sliced.axis_mut(dimension) else { break };
            let (start, count) = slice.indices(*length).ok_or(ViewError::SliceStep { dimension })?;
            // The first item and the item at `start` are in one memory block, so the distance between them fits 63
            // bits. If there are no items, the distance is not used.
            let distance = stride.wrapping_mul(start);
            *length = count;
            // A product that overflows is never used, because this dimension then has at most one item.
            *stride = stride.checked_mul(slice.step).unwrap_or(*stride);
            sliced.offset = sliced.offset.wrapping_add(distance);
        }
        Ok(sliced)
    }

    /// Returns (arrangement, pointer) for the items at `index` in the dimension `dimension`. `index` counts from 0. The
    /// arrangement does not have this dimension. `pointer` is the offset of a pointer in bytes, or `None` if access to
    /// the items does not follow a pointer in this dimension. If `pointer` is `Some`, the offset of the arrangement
    /// counts from the address that the pointer contains.
    ///
    /// # Errors
    /// - every error of [`Geometry::select`]
    #[inline]
    pub(super) fn select(&self, dimension: usize, index: i64) -> Result<(Self, Option<i64>), ViewError> {
        let (shape, strides) = (self.shape(), self.strides());
        match (shape.get(dimension), strides.get(dimension)) {
            (Some(length), Some(stride)) if !self.is_indirect() && (0..*length).contains(&index) => {
                // Without items, a stride may be any number, and the product could overflow.
                let distance = if shape.contains(&0) { 0 } else { stride.wrapping_mul(index) };
                let others = self.axes().enumerate().filter(|(axis, _)| *axis != dimension).map(|(_, axis)| axis);
                Ok((self.with_axes(self.offset.wrapping_add(distance), shape.len().saturating_sub(1), others), None))
            }
            _ => {
                let selected = self.geometry().select(dimension, index)?;
                Ok((Self::new(&selected.view), selected.pointer))
            }
        }
    }

    /// Divides the same bytes, in the order of their addresses, into items of `itemsize` bytes, and returns the
    /// arrangement of these items. `shape` is the shape of the result; `None` means one dimension. The items of the
    /// result are contiguous in `order`, C or Fortran.
    ///
    /// # Errors
    /// - every error of [`Geometry::cast`], except that the memory can also be contiguous in Fortran order
    pub(super) fn cast(&self, itemsize: i64, shape: Option<&[i64]>, order: Order) -> Result<Self, ViewError> {
        let own = self.geometry();
        // With reversed axes, Fortran-contiguous items are C-contiguous, and C-contiguous items are Fortran-contiguous.
        let in_c_order =
            if own.is_contiguous(Order::C) || !own.is_contiguous(Order::Fortran) { own } else { own.transpose(None)? };
        let Some(shape) = shape.filter(|_| order == Order::Fortran) else {
            return Ok(Self::new(&in_c_order.cast(ItemLayout::Bytes, itemsize, shape)?));
        };
        let reversed: Vec<i64> = shape.iter().rev().copied().collect();
        let cast = in_c_order.cast(ItemLayout::Bytes, itemsize, Some(&reversed)).map_err(|error| match error {
            ViewError::CastShape { len, itemsize, .. } => ViewError::CastShape { len, itemsize, shape: shape.into() },
            error => error,
        })?;
        Ok(Self::new(&cast.transpose(None)?))
    }

    /// Returns the arrangement of the elements of `field` in all items. The dimensions of the field follow the
    /// dimensions of this arrangement.
    ///
    /// # Errors
    /// - every error of [`Geometry::subarray`]
    #[inline]
    pub(super) fn subarray(&self, field: &FieldArrangement) -> Result<Self, ViewError> {
        let FieldArrangement { around, elements } = field;
        if self.heap.is_none() && elements.ndim == 0 && self.itemsize == *around {
            // The field is one value, which is the usual case. Only the offset and the item size change.
            let offset = if self.shape().contains(&0) { 0 } else { elements.offset };
            let offset = self.offset.wrapping_add(offset);
            return Ok(Self { offset, itemsize: elements.itemsize, heap: None, ..*self });
        }
        let ndim = self.ndim.saturating_add(elements.ndim);
        if self.is_indirect() || self.itemsize != *around || ndim > MAX_NDIM {
            let (shape, strides) = (elements.shape(), elements.strides());
            return Ok(Self::new(&self.geometry().subarray(elements.offset, elements.itemsize, shape, strides)?));
        }
        // Without items, the offset does not change, because no byte at the offset is read.
        let distance = if self.shape().contains(&0) { 0 } else { elements.offset };
        let offset = self.offset.wrapping_add(distance);
        let axes = self.axes().chain(elements.axes());
        Ok(Self { itemsize: elements.itemsize, ..self.with_axes(offset, ndim, axes) })
    }
}

/// The arrangement of the elements of a field in one item.
///
/// INVARIANT: all elements are inside of an item of `around` bytes.
#[derive(Clone, Debug)]
pub(super) struct FieldArrangement {
    /// The size in bytes of the item that has the field.
    around: i64,
    /// The arrangement of the elements. Its offset is relative to the start of the item that has the field.
    elements: Arrangement,
}

impl FieldArrangement {
    /// Creates the arrangement of elements of `itemsize` bytes in an item of `around` bytes. `offset` is the offset of
    /// the first element in the item, in bytes.
    ///
    /// # Errors
    /// - every error of [`Geometry::subarray`]
    pub(super) fn new(
        around: i64,
        (offset, itemsize): (i64, i64),
        (shape, strides): (&[i64], &[i64]),
    ) -> Result<Self, ViewError> {
        let item = Geometry::of_validated(around, true, 0, &[], &[], None);
        Ok(Self { around, elements: Arrangement::new(&item.subarray(offset, itemsize, shape, strides)?) })
    }
}
