//! Typed copies of N-dimensional buffers.

use alloc::vec::Vec;

use half::f16;
use half::slice::{HalfBitsSliceExt as _, HalfFloatSliceExt as _};
use num_complex::Complex;

use super::buffer::{Buffer, BufferMut, total};
use super::element::sealed::Sink;
use super::element::{Element, per_item, zeroed};
use super::error::{DecodeError, EncodeError, EncodeErrorKind, wide};
use super::gather;
use super::leaf::Leaf;
use crate::layout::Type;
use crate::view::Order;

impl Buffer<'_> {
    /// All elements, in C or Fortran order ([`Order::Any`] is C). Items that are arrays give their
    /// elements one after the other.
    ///
    /// # Errors
    /// - `to_vec::<f64>` of items of `<i`: nothing is converted unless [asked for](Self::to_vec_as)
    /// - items that are records
    /// - more bytes than the machine has
    pub fn to_vec<T: Element>(&self, order: Order) -> Result<Vec<T>, DecodeError> {
        let (leaf, count) = self.elements::<T>()?;
        let mut elements = zeroed(count)?;
        self.fill(leaf, &mut elements, order)?;
        Ok(elements)
    }

    /// The same into the caller's memory, which has room for exactly that many.
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
    /// - room for 5 elements where there are 6
    /// - as [`to_vec`](Self::to_vec)
    pub fn copy_to_slice<T: Element>(&self, elements: &mut [T], order: Order) -> Result<(), DecodeError> {
        let (leaf, count) = self.elements::<T>()?;
        if elements.len() != count {
            return Err(DecodeError::TooSmall { available: wide(elements.len()), needed: wide(count) });
        }
        self.fill(leaf, elements, order)
    }

    /// All elements as numbers of a type that holds each of them exactly: from narrower integers,
    /// from `e` and `f` to `f64`, from the parts of complex numbers.
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
    /// - `to_vec_as::<i16>` of `<i`, `to_vec_as::<f32>` of `<i`: not every value has one
    /// - as [`to_vec`](Self::to_vec)
    pub fn to_vec_as<T: Number>(&self, order: Order) -> Result<Vec<T>, DecodeError> {
        let leaf = self.plan.only_leaf(T::NAME)?;
        if T::accepts(&leaf.kernel) {
            return self.to_vec(order);
        }
        let refused = DecodeError::ElementType { found: leaf.ty().as_str(), wanted: T::NAME };
        T::widened(self, leaf.ty(), order).unwrap_or(Err(refused))
    }

    /// The items as they are, one after the other: what `PyBuffer_ToContiguous` writes.
    ///
    /// ```
    /// use pep3118::decode::{Buffer, Plan};
    /// use pep3118::{DataModel, Order, RawView, Request};
    /// let raw = RawView { len: 4, itemsize: 2, ndim: 1, format: Some(b">h"), shape: Some(&[2]), ..RawView::default() };
    /// let view = raw.check(Request::FULL_RO, None, None).into_result()?;
    /// let plan = Plan::for_view(&view, &DataModel::HOST)?;
    /// let buffer = Buffer::new(&view, &plan, &[0, 1, 0xff, 0xfe])?;
    /// // As they are: no byte is swapped.
    /// assert_eq!(buffer.to_contiguous(Order::C)?, [0, 1, 0xff, 0xfe]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - more bytes than the machine has
    pub fn to_contiguous(&self, order: Order) -> Result<Vec<u8>, DecodeError> {
        let (_, bytes) = total(self.view, self.plan.size)?;
        let mut copy = zeroed(bytes)?;
        gather::gather(self.view, &*self.memory, order, &[], &mut copy)?;
        Ok(copy)
    }

    /// The only leaf, and the number of its elements in all items.
    fn elements<T: Element>(&self) -> Result<(&Leaf, usize), DecodeError> {
        let leaf = self.plan.only_leaf(T::NAME)?;
        if !T::accepts(&leaf.kernel) {
            return Err(DecodeError::ElementType { found: leaf.ty().as_str(), wanted: T::NAME });
        }
        let (items, bytes) = total(self.view, self.plan.size)?;
        let count = items.checked_mul(per_item::<T>(leaf));
        Ok((leaf, count.ok_or(DecodeError::Allocation { bytes: wide(bytes) })?))
    }

    /// The shape of what [`to_vec`](Self::to_vec) gives in C order.
    #[cfg(feature = "ndarray")]
    pub(crate) fn element_shape<T: Element>(&self) -> Result<Vec<usize>, DecodeError> {
        let leaf = self.plan.only_leaf(T::NAME)?;
        let extents = self.view.shape().iter().map(|extent| usize::try_from(*extent));
        // Only beside a zero is there an extent that a vector could not have.
        let mut shape: Vec<usize> = extents.map(|extent| extent.unwrap_or(usize::MAX)).collect();
        shape.extend_from_slice(leaf.shape());
        let (ty, kernel) = (leaf.ty(), &leaf.kernel);
        match ty {
            Type::Bytes | Type::Pascal | Type::Void | Type::Bits | Type::Opaque => shape.push(kernel.size),
            Type::Ucs2 | Type::Ucs4 | Type::Wchar => shape.push(kernel.units()),
            // As `LongDouble`, two by two; as `Complex<f64>` one.
            Type::ComplexLongDouble if T::width(kernel) < kernel.size => shape.push(2),
            _ => {}
        }
        Ok(shape)
    }

    fn fill<T: Element>(&self, leaf: &Leaf, elements: &mut [T], order: Order) -> Result<(), DecodeError> {
        match T::sink(elements) {
            // The item is the leaf, so bytes in their place are elements.
            Sink::Units(bytes) => gather::gather(self.view, &*self.memory, order, &self.plan.swaps, bytes),
            mut sink if order != Order::Fortran => {
                self.blocks(&mut |block, before| sink.fill(leaf, block, self.plan.size, before))
            }
            mut sink => {
                let items = self.to_contiguous(order)?;
                sink.fill(leaf, &items, self.plan.size, 0);
                Ok(())
            }
        }
    }
}

impl BufferMut<'_> {
    /// Writes all elements, in C order. Nothing is written unless the number is right.
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
    /// - `&[f64]` into items of `<i`
    /// - 5 elements where there are 6
    pub fn copy_from_slice<T: Element>(&mut self, elements: &[T]) -> Result<(), EncodeError> {
        let leaf = self.plan.only_leaf(T::NAME)?;
        if !T::accepts(&leaf.kernel) {
            return Err(EncodeErrorKind::Kind { found: T::NAME, wanted: leaf.ty().as_str() }.into());
        }
        let (items, bytes) = total(self.view, self.plan.size)?;
        let wanted = items.saturating_mul(per_item::<T>(leaf));
        if elements.len() != wanted {
            let (found, wanted) = (wide(elements.len()), wide(wanted));
            return Err(EncodeErrorKind::Count { found, wanted, unit: "element" }.into());
        }
        let mut copy = super::buffer::scratch(bytes)?;
        T::source(elements).store(leaf, &mut copy, 0);
        self.store(&copy)
    }
}

/// A number that others are converted to without loss.
///
/// It is sealed.
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
    use super::{Buffer, DecodeError, Order, Type, Vec};

    pub trait Widen: Sized {
        /// All elements converted, or `None` if the type has values that would be lost.
        fn widened(buffer: &Buffer<'_>, from: Type, order: Order) -> Option<Result<Vec<Self>, DecodeError>>;
    }
}

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
            // By the processor's own instruction, where it has one.
            Type::Float16 => Some(buffer.convert::<u16, Self>(order, &|from, to| {
                let halves: &[f16] = from.reinterpret_cast();
                if halves.len() == to.len() {
                    halves.convert_to_f32_slice(to);
                }
            })),
            _ => None,
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
}

impl Buffer<'_> {
    /// Block by block through a piece of memory that stays in the cache.
    fn convert<F: Element + bytemuck::Pod, T: Element>(
        &self,
        order: Order,
        convert: &dyn Fn(&[F], &mut [T]),
    ) -> Result<Vec<T>, DecodeError> {
        let leaf = self.plan.only_leaf(T::NAME)?;
        let (items, _) = total(self.view, self.plan.size)?;
        let in_item = per_item::<F>(leaf);
        let count = items.checked_mul(in_item).ok_or(DecodeError::Allocation { bytes: u64::MAX })?;
        let mut elements: Vec<T> = zeroed(count)?;
        let itemsize = self.plan.size;
        let most = super::column_cells::block_items(itemsize);
        let mut native: Vec<F> = zeroed(most.saturating_mul(in_item))?;
        let mut rest = elements.as_mut_slice();
        if order == Order::Fortran {
            let items = self.to_contiguous(order)?;
            for block in items.chunks(most.saturating_mul(itemsize).max(1)) {
                let len = block.len().checked_div(itemsize).unwrap_or(0).saturating_mul(in_item);
                let to = rest.split_off_mut(..len.min(rest.len())).unwrap_or_default();
                let Some(native) = native.get_mut(..len) else { break };
                Sink::Units(bytemuck::cast_slice_mut(native)).fill(leaf, block, itemsize, 0);
                convert(native, to);
            }
            return Ok(elements);
        }
        // The item is the leaf, so what is read are the elements.
        let mut runs = gather::Runs::new(self.view);
        while runs.left() > 0 && itemsize > 0 {
            let mut filled = 0_usize;
            while filled < most
                && let Some(run) = runs.next(most.saturating_sub(filled))
            {
                let items = run.items;
                let (start, len) = (filled.saturating_mul(in_item), items.saturating_mul(in_item));
                if let Some(native) = native.get_mut(start..start.saturating_add(len)) {
                    let width = if leaf.kernel.swapped() { leaf.kernel.unit } else { 1 };
                    self.memory.read_swapped(run, width, bytemuck::cast_slice_mut(native))?;
                }
                filled = filled.saturating_add(items);
            }
            let len = filled.saturating_mul(in_item);
            let to = rest.split_off_mut(..len.min(rest.len())).unwrap_or_default();
            convert(native.get(..len).unwrap_or_default(), to);
        }
        Ok(elements)
    }
}
