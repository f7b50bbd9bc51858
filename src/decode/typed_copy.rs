//! [`Buffer::to_vec`], [`Buffer::to_vec_as`], [`Buffer::copy_to_slice`] and [`BufferMut::copy_from_slice`]: copy all
//! items of an N-dimensional buffer to elements of one Rust type, and back. [`Buffer::to_contiguous`] copies the bytes
//! of all items. [`Plan::column_as`] copies one field of records, with conversion. [`Number`]: the element types of
//! [`Buffer::to_vec_as`] and [`Plan::column_as`].

use alloc::vec::Vec;

use half::f16;
use half::slice::{HalfBitsSliceExt as _, HalfFloatSliceExt as _};
use num_complex::Complex;

use super::buffer::{Buffer, BufferMut, total};
use super::columns::ColumnData;
use super::element::sealed::ElementsMut;
use super::element::{Element, Elements, elements_per_item, reserved, zeroed};
use super::error::{DecodeError, EncodeError, EncodeErrorKind};
use super::leaf::Leaf;
#[cfg(feature = "pyo3")]
use super::leaf::Swap;
use super::plan::{Plan, leaf_named};
use super::traverse::{Runs, copy_items};
use crate::align::to_u64;
use crate::layout::Type;
use crate::strided::Strided;
use crate::view::Order;
#[cfg(feature = "pyo3")]
use crate::{nontemporal, view::View};

/// The number of bytes of items that are converted at once. These bytes and the converted numbers fit into the
/// first-level cache.
const CONVERSION_BLOCK: usize = 1 << 12;

impl Buffer<'_> {
    /// Copies the elements of all items to a flat vector. `order` is the order of the items: C or Fortran order.
    /// [`Order::Any`] means C order.
    ///
    /// An item that is one value is one element, and a string of `n` bytes is `n` elements, see [`Element`]. If the
    /// item is an array, its elements are adjacent in the vector and in C order, for each `order` of the items. In C
    /// order, the vector is an array with the dimensions of the view followed by the dimensions of an item: a view of
    /// shape (4,) with items of `(2,3)i` has the shape (4, 2, 3).
    ///
    /// # Errors
    /// - the items have another type: `to_vec::<f64>` for `<i` ([`to_vec_as`](Self::to_vec_as) converts)
    /// - the items are records
    /// - a user type has no number for the bytes of an item
    /// - a pointer that leads to an item is NULL
    /// - there is not enough memory for the vector
    pub fn to_vec<T: Element>(&self, order: Order) -> Result<Vec<T>, DecodeError> {
        let (leaf, count) = self.elements::<T>()?;
        let mut elements = zeroed(count)?;
        self.fill(leaf, &mut elements, order)?;
        Ok(elements)
    }

    /// Copies the elements of all items to the slice `elements`. `order` is the order of the items, see
    /// [`to_vec`](Self::to_vec).
    ///
    /// ```
    /// use pep3118::decode::{Buffer, Plan};
    /// use pep3118::{DataModel, Order, RawView, Request};
    /// let raw = RawView { len: 4, itemsize: 2, ndim: 1, format: Some(b">h"), shape: Some(&[2]), ..RawView::default() };
    /// let view = raw.check(Request::FULL_RO, None, None).into_result()?;
    /// let plan = Plan::for_view(&view, &DataModel::HOST)?;
    /// let buffer = Buffer::new(&view, &plan, &[0, 1, 0xff, 0xfe])?;
    /// let mut numbers = [0_i16; 2];
    /// buffer.copy_to_slice(&mut numbers, Order::C)?;
    /// assert_eq!(numbers, [1, -2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the slice has another length than the result: 5 elements for 6 items
    /// - the errors of [`to_vec`](Self::to_vec)
    pub fn copy_to_slice<T: Element>(&self, elements: &mut [T], order: Order) -> Result<(), DecodeError> {
        let (leaf, count) = self.elements::<T>()?;
        if elements.len() != count {
            return Err(DecodeError::TooSmall { available: to_u64(elements.len()), needed: to_u64(count) });
        }
        self.fill(leaf, elements, order)
    }

    /// Copies the elements of all items to a flat vector, and converts each element to `T`. `order` is the order of the
    /// items, see [`to_vec`](Self::to_vec). `T` must represent every number of the item type exactly. For example,
    /// `f64` is possible for `f`, `e` and integers of at most 4 bytes. Bit-fields and user types are not converted: `T`
    /// must be the type that [`to_vec`](Self::to_vec) accepts.
    ///
    /// ```
    /// use pep3118::decode::{Buffer, Plan};
    /// use pep3118::{DataModel, Order, RawView, Request};
    /// let raw = RawView { len: 4, itemsize: 2, ndim: 1, format: Some(b">h"), shape: Some(&[2]), ..RawView::default() };
    /// let view = raw.check(Request::FULL_RO, None, None).into_result()?;
    /// let plan = Plan::for_view(&view, &DataModel::HOST)?;
    /// let buffer = Buffer::new(&view, &plan, &[0, 1, 0xff, 0xfe])?;
    /// assert_eq!(buffer.to_vec_as::<f64>(Order::C)?, [1.0, -2.0]);
    /// assert!(buffer.to_vec_as::<u16>(Order::C).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - `T` cannot represent every number: `to_vec_as::<i16>` for `<i`, `to_vec_as::<f32>` for `<i`
    /// - the errors of [`to_vec`](Self::to_vec)
    pub fn to_vec_as<T: Number>(&self, order: Order) -> Result<Vec<T>, DecodeError> {
        let leaf = self.plan.only_leaf(T::NAME)?;
        if T::accepts(&leaf.codec) {
            return self.to_vec(order);
        }
        let refused = DecodeError::ElementType { found: leaf.ty().as_str(), wanted: T::NAME };
        T::widened(self, leaf.ty(), order).unwrap_or(Err(refused))
    }

    /// Copies the bytes of all items without gaps and without conversion. CPython's function for this task is
    /// `PyBuffer_ToContiguous`. `order` is the order of the items, and [`Order::Any`] means C order.
    ///
    /// ```
    /// use pep3118::decode::{Buffer, Plan};
    /// use pep3118::{DataModel, Order, RawView, Request};
    /// let raw = RawView { len: 4, itemsize: 2, ndim: 1, format: Some(b">h"), shape: Some(&[2]), ..RawView::default() };
    /// let view = raw.check(Request::FULL_RO, None, None).into_result()?;
    /// let plan = Plan::for_view(&view, &DataModel::HOST)?;
    /// let buffer = Buffer::new(&view, &plan, &[0, 1, 0xff, 0xfe])?;
    /// // The items are still big-endian.
    /// assert_eq!(buffer.to_contiguous(Order::C)?, [0, 1, 0xff, 0xfe]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - a pointer that leads to an item is NULL
    /// - there is not enough memory for the copy
    pub fn to_contiguous(&self, order: Order) -> Result<Vec<u8>, DecodeError> {
        let (_, bytes) = total(&self.view, self.plan.size)?;
        let mut copy = zeroed(bytes)?;
        copy_items(&self.view, self.plan.size, &*self.memory, order, &[], &mut copy)?;
        Ok(copy)
    }

    /// Returns the only leaf field of an item (a field that is not a record), and the number of elements of type `T` in
    /// all items. Returns an error if an item is a record, if its values are not elements of type `T`, or if the number
    /// overflows.
    fn elements<T: Element>(&self) -> Result<(&Leaf, usize), DecodeError> {
        let leaf = self.plan.leaf_of::<T>()?;
        let (items, bytes) = total(&self.view, self.plan.size)?;
        let count = items.checked_mul(elements_per_item::<T>(leaf));
        Ok((leaf, count.ok_or(DecodeError::Allocation { bytes: to_u64(bytes) })?))
    }

    /// Returns the shape of the array that [`to_vec`](Self::to_vec) returns in C order: the dimensions of the view,
    /// then the dimensions of one item. If the item is a byte string or a Unicode text, the length of the item in
    /// elements of `T` is the last dimension. Returns an error if an item is a record, or if a length is larger than
    /// the address space.
    #[cfg(feature = "ndarray")]
    pub(crate) fn element_shape<T: Element>(&self) -> Result<Vec<usize>, DecodeError> {
        let leaf = self.plan.only_leaf(T::NAME)?;
        let lengths = self.view.shape().iter().map(|length| {
            usize::try_from(*length).map_err(|_| DecodeError::Allocation { bytes: length.unsigned_abs() })
        });
        let mut shape = lengths.collect::<Result<Vec<usize>, _>>()?;
        shape.extend_from_slice(leaf.shape());
        let (ty, codec) = (leaf.ty(), &leaf.codec);
        match ty {
            Type::Bits | Type::Opaque if codec.conversion().is_some() => {}
            Type::Opaque if codec.value_type() != Type::Opaque => {}
            Type::Bytes | Type::Pascal | Type::Void | Type::Bits | Type::Opaque => shape.push(codec.size),
            Type::Ucs2 | Type::Ucs4 | Type::Wchar => shape.push(codec.units()),
            // A `Zg` value is two elements of type `LongDouble`, but one element of type `Complex<f64>`.
            Type::ComplexLongDouble if T::width(codec) < codec.size => shape.push(2),
            // A value of any other type is one element, and has no further dimension.
            _ => {}
        }
        Ok(shape)
    }

    /// Decodes all items to `elements` in the order `order`. `leaf` must be the only leaf of an item, and `elements`
    /// must have one element for each element of the items. Returns an error if the memory cannot be read, or if a user
    /// type has no number for the bytes of an item.
    fn fill<T: Element>(&self, leaf: &Leaf, elements: &mut [T], order: Order) -> Result<(), DecodeError> {
        let mut elements = T::elements_mut(elements);
        // The only leaf fills the item. Hence the bytes of all items are the bytes of all elements.
        if let ElementsMut::Bytes(bytes) = &mut elements
            && !leaf.codec.needs_conversion()
        {
            return copy_items(&self.view, self.plan.size, &*self.memory, order, &self.plan.swaps, bytes);
        }
        if order == Order::Fortran {
            return elements.decode(&leaf.codec, &self.to_contiguous(order)?, 0);
        }
        let (mut blocks, mut done) = (self.blocks()?, 0_usize);
        while blocks.advance()? {
            elements.decode(&leaf.codec, blocks.block(), done)?;
            done = done.saturating_add(blocks.block().len());
        }
        Ok(())
    }
}

impl Plan {
    /// Copies the elements of all items of `view` to a vector in C order, without the traversal of the view. `copy(unit,
    /// out)` copies the bytes of all items to `out` and reverses each group of `unit` bytes, or returns `false` if the
    /// items are not contiguous. Returns `None` if this fast path is not possible: the items are not contiguous, have 0
    /// bytes in total, have another size than the items of the plan, or are so large that other instructions copy them
    /// faster. Also returns `None` if the values are not bytes of elements of `T`, if the units to reverse have several
    /// sizes, or if there is not enough memory for the vector.
    #[cfg(feature = "pyo3")]
    #[inline]
    pub(crate) fn contiguous_to_vec<T: Element>(
        &self,
        view: &View<'_>,
        copy: impl FnOnce(usize, &mut [u8]) -> bool,
    ) -> Option<Vec<T>> {
        let leaf = self.leaf_of::<T>().ok()?;
        let unit = if self.swaps.is_empty() { 1 } else { Swap::uniform_unit(&self.swaps, self.size)? };
        let len = usize::try_from(view.len()).ok().filter(|len| (1..nontemporal::MIN_LEN).contains(len))?;
        if leaf.codec.needs_conversion() || to_u64(self.size) != view.itemsize().unsigned_abs() {
            return None;
        }
        let mut elements = zeroed::<T>(len.checked_div(T::width(&leaf.codec))?).ok()?;
        let ElementsMut::Bytes(bytes) = T::elements_mut(&mut elements) else { return None };
        copy(unit, bytes).then_some(elements)
    }

    /// Returns the only leaf field of an item. Returns [`DecodeError::Structured`] if an item is a record, and
    /// [`DecodeError::ElementType`] if its values are not elements of type `T`.
    pub(crate) fn leaf_of<T: Element>(&self) -> Result<&Leaf, DecodeError> {
        let leaf = self.only_leaf(T::NAME)?;
        if T::accepts(&leaf.codec) {
            Ok(leaf)
        } else {
            Err(DecodeError::ElementType { found: leaf.ty().as_str(), wanted: T::NAME })
        }
    }
}

impl BufferMut<'_> {
    /// Encodes `elements` into all items. `elements` must have the order of the vector that [`Buffer::to_vec`] returns
    /// for [`Order::C`]. Writes nothing if `elements` are rejected.
    ///
    /// ```
    /// use pep3118::decode::{BufferMut, Plan};
    /// use pep3118::{DataModel, RawView, Request};
    /// let raw = RawView { len: 4, itemsize: 2, ndim: 1, format: Some(b">h"), shape: Some(&[2]), ..RawView::default() };
    /// let view = raw.check(Request::FULL, None, None).into_result()?;
    /// let (plan, mut bytes) = (Plan::for_view(&view, &DataModel::HOST)?, [0; 4]);
    /// BufferMut::new(&view, &plan, &mut bytes)?.copy_from_slice(&[1_i16, -2])?;
    /// assert_eq!(bytes, [0, 1, 0xff, 0xfe]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the items have another type: `&[f64]` for items of `<i`
    /// - `elements` has another length than the number of elements of all items: 5 elements for 6 items of `<i`
    /// - the items are records
    /// - a number is not in the range of a bit-field or a user type: 8 for 3 bits
    /// - there is not enough memory for a copy of all items
    pub fn copy_from_slice<T: Element>(&mut self, elements: &[T]) -> Result<(), EncodeError> {
        let leaf = self.plan.only_leaf(T::NAME)?;
        if !T::accepts(&leaf.codec) {
            return Err(EncodeErrorKind::Kind { found: T::NAME, wanted: leaf.ty().as_str() }.into());
        }
        let (items, bytes) = total(&self.view, self.plan.size)?;
        let wanted = items.saturating_mul(elements_per_item::<T>(leaf));
        if elements.len() != wanted {
            let (found, wanted) = (to_u64(elements.len()), to_u64(wanted));
            return Err(EncodeErrorKind::Count { found, wanted, unit: "element" }.into());
        }
        let elements = T::elements(elements);
        let mut copy = match leaf.codec.conversion() {
            Some(conversion) => {
                if let Elements::Bytes(elements) = &elements {
                    conversion.check(elements, leaf.codec.size)?;
                }
                // The items contain bits that do not belong to the bit-field.
                self.copy()?
            }
            None => zeroed(bytes)?,
        };
        elements.encode(&leaf.codec, &mut copy, 0)?;
        self.store(&copy)
    }
}

/// An element type that [`Buffer::to_vec_as`] and [`Plan::column_as`] can return: `i8` to `u64`, `f16`, `f32`, `f64` or
/// `Complex<f64>`. Numbers of a narrower type are converted to this type.
///
/// This trait is sealed: other crates cannot implement it.
///
/// ```
/// use pep3118::decode::Number;
/// fn exact<T: Number>() {}
/// exact::<f64>();
/// exact::<u8>();
/// ```
pub trait Number: Element + widen::Widen {}

impl<T: Element + widen::Widen> Number for T {}

mod widen {
    use super::{Buffer, ColumnData, DecodeError, Order, Type, Vec};

    /// A number type to which numbers of narrower types can be converted exactly.
    pub trait Widen: Sized {
        /// Copies all elements of `buffer` in the order `order`, and converts the elements to `Self`. `from` is the
        /// type of the items. Returns `None` if `Self` cannot represent every number of `from`. The inner `Result` is
        /// an error if the copy fails.
        fn widened(buffer: &Buffer<'_>, from: Type, order: Order) -> Option<Result<Vec<Self>, DecodeError>>;

        /// Converts the elements of `data` to `Self`. Returns `None` if `Self` cannot represent every number of the
        /// type of `data`. Returns an error if there is not enough memory.
        fn widened_column(data: ColumnData) -> Result<Option<Vec<Self>>, DecodeError>;
    }
}

/// Converts each of `elements` with `convert`, and returns the vector in `Some`. Returns an error if there is not
/// enough memory.
fn convert_each<F, T: Element>(elements: Vec<F>, convert: impl Fn(F) -> T) -> Result<Option<Vec<T>>, DecodeError> {
    let mut converted = reserved(elements.len())?;
    converted.extend(elements.into_iter().map(convert));
    Ok(Some(converted))
}

/// Implements `Widen` for each type `$to`. `$from` is a narrower type, from which `From` converts. `$variant` is the
/// variant of [`Type`] and of [`ColumnData`] for the narrower type.
macro_rules! widen {
    ($($to:ty: $($from:ident $variant:ident),*;)+) => {$(
        impl widen::Widen for $to {
            fn widened(buffer: &Buffer<'_>, from: Type, order: Order) -> Option<Result<Vec<Self>, DecodeError>> {
                match from {
                    $(Type::$variant => Some(buffer.convert::<$from, Self>(order, &|from, to| {
                        for (to, from) in to.iter_mut().zip(from) {
                            *to = Self::from(*from);
                        }
                    })),)*
                    _ => {
                        let _: (&Buffer<'_>, Order) = (buffer, order);
                        None
                    }
                }
            }

            fn widened_column(data: ColumnData) -> Result<Option<Vec<Self>>, DecodeError> {
                match data {
                    $(ColumnData::$variant(elements) => convert_each::<$from, _>(elements, Self::from),)*
                    _ => Ok(None),
                }
            }
        }
    )+};
}

widen! {
    i8: ;
    u8: ;
    f16: ;
    i16: i8 Int8, u8 UInt8;
    i32: i8 Int8, u8 UInt8, i16 Int16, u16 UInt16;
    i64: i8 Int8, u8 UInt8, i16 Int16, u16 UInt16, i32 Int32, u32 UInt32;
    u16: u8 UInt8;
    u32: u8 UInt8, u16 UInt16;
    u64: u8 UInt8, u16 UInt16, u32 UInt32;
    f64: i8 Int8, u8 UInt8, i16 Int16, u16 UInt16, i32 Int32, u32 UInt32, f16 Float16, f32 Float32;
}

impl widen::Widen for f32 {
    fn widened(buffer: &Buffer<'_>, from: Type, order: Order) -> Option<Result<Vec<Self>, DecodeError>> {
        macro_rules! from {
            ($from:ident) => {
                Some(buffer.convert::<$from, Self>(order, &|from, to| {
                    for (to, from) in to.iter_mut().zip(from) {
                        *to = Self::from(*from);
                    }
                }))
            };
        }
        match from {
            Type::Int8 => from!(i8),
            Type::UInt8 => from!(u8),
            Type::Int16 => from!(i16),
            Type::UInt16 => from!(u16),
            // `half` uses the conversion instruction of the processor if there is one.
            Type::Float16 => Some(buffer.convert::<u16, Self>(order, &|from, to| {
                let halves: &[f16] = from.reinterpret_cast();
                if halves.len() == to.len() {
                    halves.convert_to_f32_slice(to);
                }
            })),
            _ => None,
        }
    }

    fn widened_column(data: ColumnData) -> Result<Option<Vec<Self>>, DecodeError> {
        match data {
            ColumnData::Int8(elements) => convert_each(elements, Self::from),
            ColumnData::UInt8(elements) => convert_each(elements, Self::from),
            ColumnData::Int16(elements) => convert_each(elements, Self::from),
            ColumnData::UInt16(elements) => convert_each(elements, Self::from),
            ColumnData::Float16(elements) => convert_each(elements, Self::from),
            _ => Ok(None),
        }
    }
}

impl widen::Widen for Complex<f64> {
    fn widened(buffer: &Buffer<'_>, from: Type, order: Order) -> Option<Result<Vec<Self>, DecodeError>> {
        match from {
            Type::Complex64 => Some(buffer.convert::<Complex<f32>, Self>(order, &|from, to| {
                for (to, from) in to.iter_mut().zip(from) {
                    *to = Self::new(from.re.into(), from.im.into());
                }
            })),
            Type::Complex32 => Some(buffer.convert::<Complex<f16>, Self>(order, &|from, to| {
                for (to, from) in to.iter_mut().zip(from) {
                    *to = Self::new(from.re.into(), from.im.into());
                }
            })),
            _ => None,
        }
    }

    fn widened_column(data: ColumnData) -> Result<Option<Vec<Self>>, DecodeError> {
        match data {
            ColumnData::Complex64(elements) => convert_each(elements, |from| Self::new(from.re.into(), from.im.into())),
            ColumnData::Complex32(elements) => convert_each(elements, |from| Self::new(from.re.into(), from.im.into())),
            _ => Ok(None),
        }
    }
}

impl Plan {
    /// Copies the field `name` of `records` to a vector, as [`column`](Self::column) does, and converts numbers of a
    /// narrower type to `T`. The conversion is exact, because `T` represents every number of the narrower type.
    /// [`Buffer::to_vec_as`] accepts the same types, except that only `column_as` converts the numbers of bit-fields
    /// and user types.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, decode::Plan};
    /// let layout = Layout::read(b"T{P:next:>h:volume:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// let plan = Plan::new(&layout)?;
    /// let record = [0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe];
    /// assert_eq!(plan.column_as::<f64>("volume", &record)?, [-2.0]);
    /// let error = plan.column_as::<u32>("volume", &record).unwrap_err();
    /// assert_eq!(error.to_string(), "items are int16 but uint32 was requested");
    /// // An address is not a number.
    /// assert!(plan.column_as::<f64>("next", &record).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - `T` cannot represent every number of the field: `column_as::<i16>` for `<i`, `column_as::<f64>` for `<q`
    /// - the errors of [`column`](Self::column)
    pub fn column_as<T: Number>(&self, name: impl AsRef<[u8]>, records: &[u8]) -> Result<Vec<T>, DecodeError> {
        let leaf = leaf_named(self, name.as_ref())?;
        if T::accepts(&leaf.codec) {
            return self.elements(leaf, records);
        }
        let column = self.columns_of(records, &[leaf])?.pop();
        let column = column.ok_or_else(|| DecodeError::internal("a field has no column"))?;
        let found = column.ty.as_str();
        T::widened_column(column.data)?.ok_or(DecodeError::ElementType { found, wanted: T::NAME })
    }
}

impl Buffer<'_> {
    /// Copies all elements in the order `order`, and converts each element from type `F` to type `T`. `F` must be the
    /// element type of the items. `convert` receives a block of native elements, and writes the converted elements to a
    /// slice of the same length. A block stays in the first-level cache between the copy and the conversion. Returns an
    /// error if the memory cannot be read or allocated.
    fn convert<F: Element + bytemuck::Pod, T: Element>(
        &self,
        order: Order,
        convert: &dyn Fn(&[F], &mut [T]),
    ) -> Result<Vec<T>, DecodeError> {
        let (leaf, itemsize) = (self.plan.only_leaf(T::NAME)?, self.plan.size);
        let (items, _) = total(&self.view, itemsize)?;
        let (in_item, unit) = (elements_per_item::<F>(leaf), leaf.codec.reversed_unit());
        // A block has at least one item, even if an item has 0 bytes or is larger than `CONVERSION_BLOCK`.
        let most = CONVERSION_BLOCK.checked_div(itemsize).map_or(1, |most| most.max(1));
        let count = items.checked_mul(in_item).ok_or(DecodeError::Allocation { bytes: u64::MAX })?;
        let mut elements: Vec<T> = zeroed(count)?;
        let mut native: Vec<F> = zeroed(most.saturating_mul(in_item))?;
        let short = || DecodeError::internal("a block is longer than its copy");
        // The only leaf fills the item. Hence the bytes of all items are the bytes of all elements.
        if order == Order::Fortran {
            let bytes = self.to_contiguous(order)?;
            let mut source = Strided::of_rows(&bytes, itemsize);
            for to in elements.chunks_mut(most.saturating_mul(in_item).max(1)) {
                let native = native.get_mut(..to.len()).ok_or_else(short)?;
                let bytes: &mut [u8] = bytemuck::cast_slice_mut(native);
                source.split_off(most).read(unit, bytes.into()).ok_or_else(short)?;
                convert(native, to);
            }
            return Ok(elements);
        }
        let mut runs = Runs::new(&self.view, itemsize)?;
        for to in elements.chunks_mut(most.saturating_mul(in_item).max(1)) {
            let native = native.get_mut(..to.len()).ok_or_else(short)?;
            let mut rest: &mut [u8] = bytemuck::cast_slice_mut(native);
            let mut left = most;
            while left > 0
                && let Some(run) = runs.next_run(left)
            {
                left = left.saturating_sub(run.items);
                let out = rest.split_off_mut(..run.items.saturating_mul(itemsize)).ok_or_else(short)?;
                self.memory.read(&run, unit, out)?;
            }
            convert(native, to);
        }
        Ok(elements)
    }
}
