//! Rust types that values are copied into and out of.

use alloc::vec::Vec;

use half::f16;
use num_complex::Complex;

use super::error::{DecodeError, wide};
use super::leaf::Leaf;
use super::long_double::LongDouble;
use super::scalar::ScalarCodec;
use crate::abi::LongDoubleFormat;
use crate::layout::Type;
use crate::spare_capacity::SpareCapacity;
use crate::strided::{Strided, StridedMut, reverse_units};

/// A Rust type that values of a format can be copied into with no change but byte order.
///
/// | type | values |
/// |--|--|
/// | `i8` to `u64`, `f16`, `f32`, `f64` | those of that type; `u32` and `u64` also addresses of that size |
/// | `Complex<f16>`, `Complex<f32>`, `Complex<f64>` | complex numbers of two such parts |
/// | `bool` | `?`, where any byte other than 0 means true |
/// | `u8` | also every byte of `c`, `s`, `p` (with its length), void, bits and user types |
/// | `u16`, `u32` | also every unit of text of that width, NULs included |
/// | [`LongDouble`] | `g`; two for each `Zg` |
/// | `f64`, `Complex<f64>` | also `g` and `Zg` where the machine's `long double` is a `double` |
///
/// The trait is sealed.
///
/// ```
/// use pep3118::decode::{Buffer, Element, Plan};
/// use pep3118::{DataModel, Order, RawView, Request};
/// fn read<T: Element>(format: &[u8], bytes: &[u8]) -> Option<Vec<T>> {
///     let raw = RawView { len: 2, itemsize: 2, format: Some(format), ..RawView::default() };
///     let view = raw.check(Request::FULL_RO, None, None).view?;
///     let plan = Plan::for_view(&view, &DataModel::HOST).ok()?;
///     Buffer::new(&view, &plan, bytes).ok()?.to_vec(Order::C).ok()
/// }
/// assert_eq!(read::<i16>(b">h", &[0, 7]), Some(vec![7]));
/// assert_eq!(read::<f32>(b">h", &[0, 7]), None);
/// ```
pub trait Element: sealed::ElementType {}

impl<T: sealed::ElementType> Element for T {}

pub(super) mod sealed {
    use super::{LongDouble, ScalarCodec, SpareCapacity, Vec};

    /// What the decoder knows of an element type.
    pub trait ElementType: Copy + 'static {
        /// The name in messages.
        const NAME: &'static str;

        /// Makes elements of all bits zero; `None` where there is no memory for them.
        fn zeroed(count: usize) -> Option<Vec<Self>>;

        /// Makes a vector whose [`target`](Self::target) can be filled with `count` elements: an empty one with memory for
        /// them, or zeroed elements. `None` where there is no memory for them.
        fn reserved(count: usize) -> Option<Vec<Self>> {
            Self::zeroed(count)
        }

        /// Returns whether the values of a codec are elements of this type.
        fn accepts(codec: &ScalarCodec) -> bool;

        /// Returns the number of bytes of an item that become one element.
        fn width(codec: &ScalarCodec) -> usize;

        /// Borrows the elements to be written to.
        fn elements_mut(elements: &mut [Self]) -> ElementsMut<'_>;

        /// Borrows the elements to be read.
        fn elements(elements: &[Self]) -> Elements<'_>;

        /// Borrows what [`reserved`](Self::reserved) made to be filled: the spare capacity if every bit pattern is an
        /// element, or else the elements.
        fn target(elements: &mut Vec<Self>) -> ColumnTarget<'_> {
            ColumnTarget::Elements(Self::elements_mut(elements))
        }
    }

    /// A column to be filled.
    #[derive(Debug)]
    pub enum ColumnTarget<'t> {
        Elements(ElementsMut<'t>),
        /// A vector without elements, which has memory for them.
        Spare(&'t mut (dyn SpareCapacity + 'static)),
    }

    /// Borrowed elements to be written to. Where every bit pattern is an element, they are bytes.
    #[derive(Debug)]
    pub enum ElementsMut<'e> {
        Bytes(&'e mut [u8]),
        Bool(&'e mut [bool]),
        LongDouble(&'e mut [LongDouble]),
    }

    /// Borrowed elements to be read. Where every bit pattern is an element, they are bytes.
    #[derive(Debug)]
    pub enum Elements<'e> {
        Bytes(&'e [u8]),
        Bool(&'e [bool]),
        LongDouble(&'e [LongDouble]),
    }
}

use sealed::{ColumnTarget, ElementType, Elements, ElementsMut};

macro_rules! numbers {
    ($($element:ty, $name:literal, $codec:ident => $accepts:expr;)+) => {$(
        impl ElementType for $element {
            const NAME: &'static str = $name;

            fn zeroed(count: usize) -> Option<Vec<Self>> {
                bytemuck::allocation::try_zeroed_vec(count).ok()
            }

            fn reserved(count: usize) -> Option<Vec<Self>> {
                let mut elements = Vec::new();
                elements.try_reserve_exact(count).ok()?;
                crate::huge_pages::prefer_large(elements.spare_capacity_mut());
                Some(elements)
            }

            fn accepts($codec: &ScalarCodec) -> bool {
                $accepts
            }

            fn width(_: &ScalarCodec) -> usize {
                size_of::<Self>()
            }

            fn elements_mut(elements: &mut [Self]) -> ElementsMut<'_> {
                ElementsMut::Bytes(bytemuck::cast_slice_mut(elements))
            }

            fn elements(elements: &[Self]) -> Elements<'_> {
                Elements::Bytes(bytemuck::cast_slice(elements))
            }

            fn target(elements: &mut Vec<Self>) -> ColumnTarget<'_> {
                ColumnTarget::Spare(elements)
            }
        }
    )+};
}

numbers! {
    i8, "int8", codec => codec.ty == Type::Int8;
    u8, "uint8", codec => codec.ty == Type::UInt8 || !codec.ty.has_byte_order() && codec.ty != Type::Int8;
    i16, "int16", codec => codec.ty == Type::Int16;
    u16, "uint16", codec => codec.ty == Type::UInt16 || codec.is_text() && codec.unit == 2;
    i32, "int32", codec => codec.ty == Type::Int32;
    u32, "uint32", codec => codec.ty == Type::UInt32 || (codec.is_text() || codec.is_address()) && codec.unit == 4;
    i64, "int64", codec => codec.ty == Type::Int64;
    u64, "uint64", codec => codec.ty == Type::UInt64 || codec.is_address() && codec.unit == 8;
    f16, "float16", codec => codec.ty == Type::Float16;
    f32, "float32", codec => codec.ty == Type::Float32;
    f64, "float64", codec => codec.ty == Type::Float64 || codec.ty == Type::LongDouble && is_double(codec);
    Complex<f16>, "complex32", codec => codec.ty == Type::Complex32;
    Complex<f32>, "complex64", codec => codec.ty == Type::Complex64;
    Complex<f64>, "complex128", codec =>
        codec.ty == Type::Complex128 || codec.ty == Type::ComplexLongDouble && is_double(codec);
}

fn is_double(codec: &ScalarCodec) -> bool {
    codec.long_double == LongDoubleFormat::Double && codec.unit == 8
}

impl ElementType for bool {
    const NAME: &'static str = "bool";

    fn zeroed(count: usize) -> Option<Vec<Self>> {
        bytemuck::allocation::try_zeroed_vec(count).ok()
    }

    fn accepts(codec: &ScalarCodec) -> bool {
        codec.ty == Type::Bool
    }

    fn width(codec: &ScalarCodec) -> usize {
        codec.size
    }

    fn elements_mut(elements: &mut [Self]) -> ElementsMut<'_> {
        ElementsMut::Bool(elements)
    }

    fn elements(elements: &[Self]) -> Elements<'_> {
        Elements::Bool(elements)
    }
}

impl ElementType for LongDouble {
    const NAME: &'static str = "longdouble";

    fn zeroed(count: usize) -> Option<Vec<Self>> {
        let mut elements = Vec::new();
        elements.try_reserve_exact(count).ok()?;
        // A zero includes its format, so it is not all bits zero and must be written.
        crate::huge_pages::prefer_large(elements.spare_capacity_mut());
        elements.resize(count, Self::ZERO);
        Some(elements)
    }

    fn accepts(codec: &ScalarCodec) -> bool {
        matches!(codec.ty, Type::LongDouble | Type::ComplexLongDouble)
    }

    fn width(codec: &ScalarCodec) -> usize {
        if codec.ty == Type::ComplexLongDouble { codec.size >> 1_u32 } else { codec.size }
    }

    fn elements_mut(elements: &mut [Self]) -> ElementsMut<'_> {
        ElementsMut::LongDouble(elements)
    }

    fn elements(elements: &[Self]) -> Elements<'_> {
        Elements::LongDouble(elements)
    }
}

/// Returns the number of elements of one item, 0 for values of no bytes.
pub(super) fn per_item<T: Element>(leaf: &Leaf) -> usize {
    // Values without bytes have no elements.
    leaf.bytes().checked_div(T::width(&leaf.codec)).unwrap_or(0)
}

/// The error for elements that are not there, although their number was computed from the number of items.
fn missing() -> DecodeError {
    DecodeError::internal("a column is shorter than its items")
}

/// Returns the indices of the elements of `width` bytes in the `len` bytes from byte `start` on. Both are multiples of
/// `width`; a width of 0 is an error.
fn range(start: usize, len: usize, width: usize) -> Result<core::ops::Range<usize>, DecodeError> {
    let first = start.checked_div(width).ok_or_else(missing)?;
    Ok(first..first.saturating_add(len.checked_div(width).ok_or_else(missing)?))
}

impl ElementsMut<'_> {
    /// Reads the elements from their bytes in items; `start` is the number of bytes before them.
    pub(super) fn decode(&mut self, codec: &ScalarCodec, bytes: &[u8], start: usize) -> Result<(), DecodeError> {
        match self {
            Self::Bytes(elements) => {
                let elements = elements.get_mut(start..start.saturating_add(bytes.len())).ok_or_else(missing)?;
                elements.copy_from_slice(bytes);
                reverse_units(elements, codec.reversed_unit());
            }
            Self::Bool(elements) => {
                let width = bool::width(codec);
                let elements = elements.get_mut(range(start, bytes.len(), width)?).ok_or_else(missing)?;
                for (element, value) in elements.iter_mut().zip(bytes.chunks_exact(width)) {
                    *element = value.iter().any(|byte| *byte != 0);
                }
            }
            Self::LongDouble(elements) => {
                let width = <LongDouble as ElementType>::width(codec);
                let elements = elements.get_mut(range(start, bytes.len(), width)?).ok_or_else(missing)?;
                for (element, value) in elements.iter_mut().zip(bytes.chunks_exact(width)) {
                    *element = codec.long_double(value);
                }
            }
        }
        Ok(())
    }

    /// Reads the elements of a leaf from items; `first` is the number of items before them.
    pub(super) fn gather(
        &mut self,
        leaf: &Leaf,
        items: Strided<'_>,
        first: usize,
        scratch: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        let (start, len) = (first.saturating_mul(leaf.bytes()), items.count().saturating_mul(leaf.bytes()));
        if len == 0 {
            return Ok(());
        }
        if let Self::Bytes(elements) = self {
            let column = elements.get_mut(start..start.saturating_add(len)).ok_or_else(missing)?;
            return leaf.gather(items, column, leaf.codec.reversed_unit());
        }
        scratch.resize(len, 0);
        leaf.gather(items, scratch, 1)?;
        self.decode(&leaf.codec, scratch, start)
    }
}

impl Elements<'_> {
    /// Writes the elements to their bytes in items, whose padding stays as it was; `start` is the number of bytes of the
    /// elements before them.
    pub(super) fn encode(&self, codec: &ScalarCodec, bytes: &mut [u8], start: usize) -> Result<(), DecodeError> {
        match self {
            Self::Bytes(elements) => {
                let elements = elements.get(start..start.saturating_add(bytes.len())).ok_or_else(missing)?;
                bytes.copy_from_slice(elements);
                reverse_units(bytes, codec.reversed_unit());
            }
            Self::Bool(elements) => {
                let width = bool::width(codec);
                let elements = elements.get(range(start, bytes.len(), width)?).ok_or_else(missing)?;
                for (value, element) in bytes.chunks_exact_mut(width).zip(elements) {
                    codec.store_bool(*element, value);
                }
            }
            Self::LongDouble(elements) => {
                let width = <LongDouble as ElementType>::width(codec);
                let elements = elements.get(range(start, bytes.len(), width)?).ok_or_else(missing)?;
                for (value, element) in bytes.chunks_exact_mut(width).zip(elements) {
                    element.write(value, codec.endian);
                }
            }
        }
        Ok(())
    }

    /// Writes the elements of a leaf to items; `first` is the number of items before them.
    pub(super) fn scatter(
        &self,
        leaf: &Leaf,
        items: StridedMut<'_>,
        first: usize,
        scratch: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        let (start, len) = (first.saturating_mul(leaf.bytes()), items.count().saturating_mul(leaf.bytes()));
        if len == 0 {
            return Ok(());
        }
        if let Self::Bytes(elements) = self {
            let column = elements.get(start..start.saturating_add(len)).ok_or_else(missing)?;
            return leaf.scatter(column, items, leaf.codec.reversed_unit());
        }
        // A long double keeps its padding.
        scratch.resize(len, 0);
        leaf.gather(items.as_strided(), scratch, 1)?;
        self.encode(&leaf.codec, scratch, start)?;
        leaf.scatter(scratch, items, 1)
    }
}

/// Allocates zeroed elements, in large pages where there are many.
pub(super) fn zeroed<T: Element>(count: usize) -> Result<Vec<T>, DecodeError> {
    let mut elements = T::zeroed(count).ok_or_else(|| no_memory::<T>(count))?;
    crate::huge_pages::prefer_large(&mut elements);
    Ok(elements)
}

/// Allocates memory for elements, in large pages where there are many; see `ElementType::reserved`.
pub(super) fn reserved<T: Element>(count: usize) -> Result<Vec<T>, DecodeError> {
    T::reserved(count).ok_or_else(|| no_memory::<T>(count))
}

fn no_memory<T>(count: usize) -> DecodeError {
    DecodeError::Allocation { bytes: wide(count.saturating_mul(size_of::<T>())) }
}
