//! [`Element`]: the Rust types of the elements of typed arrays and columns. [`ElementsMut`] decodes values to elements,
//! and [`Elements`] encodes elements. [`zeroed`] and [`reserved`] allocate vectors of elements.

use alloc::vec::Vec;

use half::f16;
use num_complex::Complex;

use super::error::{DecodeError, resize};
use super::leaf::Leaf;
use super::long_double::LongDouble;
use super::scalar::ScalarCodec;
use crate::abi::LongDoubleFormat;
use crate::align::to_u64;
use crate::layout::Type;
use crate::spare_capacity::SpareCapacity;
use crate::strided::{Strided, StridedMut, reverse_units};

/// A Rust type that represents the values of some formats exactly. For numbers, a copy changes at most the byte order.
/// Bools, bit-fields and user types are converted.
///
/// | type | values |
/// |--|--|
/// | `i8` to `u64`, `f16`, `f32`, `f64` | numbers of the same type |
/// | `Complex<f16>`, `Complex<f32>`, `Complex<f64>` | complex numbers with parts of the same type |
/// | `bool` | `?`, where any byte other than 0 means true |
/// | `bool`, `i8` to `u64` | also bit-fields whose values have this type |
/// | `i8` to `u64`, `f32`, `f64` | also user types whose numbers have this type, such as `f32` for `[bfloat16]` |
/// | `u8` | also each byte of `c`, `s`, `p` (with its length byte), void and user types without numbers |
/// | `u16`, `u32` | also each code unit of a text of this width, with the NULs at the end |
/// | `u32`, `u64` | also addresses of this width |
/// | [`LongDouble`] | `g`, and `Zg` as two elements |
/// | `f64`, `Complex<f64>` | also `g` and `Zg` if `long double` is the same type as `double` in the data model |
///
/// This trait is sealed: other crates cannot implement it.
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

    /// The operations that the decoder needs for elements of one type.
    pub trait ElementType: Copy + 'static {
        /// The name of the type in error messages.
        const NAME: &'static str;

        /// Creates `count` elements with the value 0. Returns `None` if the allocation fails.
        fn zeroed(count: usize) -> Option<Vec<Self>>;

        /// Creates a vector that [`target`](Self::target) can fill with `count` elements. If [`target`](Self::target)
        /// appends elements, the vector is empty and has capacity for `count` elements. Otherwise the vector has
        /// `count` zeroed elements. Returns `None` if the allocation fails.
        fn reserved(count: usize) -> Option<Vec<Self>> {
            Self::zeroed(count)
        }

        /// Returns whether values that `codec` decodes can be copied to elements of this type.
        fn accepts(codec: &ScalarCodec) -> bool;

        /// Returns the number of bytes that one element has in an item. `codec` decodes one value, which can be several
        /// elements: a `Zg`, for example, is two `LongDouble`s of half its size.
        fn width(codec: &ScalarCodec) -> usize;

        /// Borrows `elements` for overwriting.
        fn elements_mut(elements: &mut [Self]) -> ElementsMut<'_>;

        /// Borrows `elements` for reading.
        fn elements(elements: &[Self]) -> Elements<'_>;

        /// Borrows `elements`, a vector that [`reserved`](Self::reserved) created, as a column to fill. If every bit
        /// pattern is a valid element, the result is `Spare` and appends to the vector. Otherwise the result is
        /// `Elements` and overwrites the elements of the vector.
        fn target(elements: &mut Vec<Self>) -> ColumnTarget<'_> {
            ColumnTarget::Elements(Self::elements_mut(elements))
        }
    }

    /// A column to fill: elements to overwrite, or a vector to append to. If every bit pattern is a valid element, the
    /// vector of the column is filled by appending. The elements of other types, such as `bool`, are overwritten.
    #[derive(Debug)]
    pub enum ColumnTarget<'t> {
        /// Elements to overwrite. The column already has its full length.
        Elements(ElementsMut<'t>),
        /// An empty vector with capacity for all elements.
        Spare(&'t mut (dyn SpareCapacity + 'static)),
    }

    /// Elements to overwrite. A type for which every bit pattern is valid is borrowed as bytes.
    #[derive(Debug)]
    pub enum ElementsMut<'e> {
        Bytes(&'e mut [u8]),
        Bool(&'e mut [bool]),
        LongDouble(&'e mut [LongDouble]),
    }

    /// Elements to read. A type for which every bit pattern is valid is borrowed as bytes.
    #[derive(Debug)]
    pub enum Elements<'e> {
        Bytes(&'e [u8]),
        /// The bytes of the values as the items have them, in the byte order of the items.
        #[cfg(feature = "arrow")]
        Encoded(&'e [u8]),
        Bool(&'e [bool]),
        LongDouble(&'e [LongDouble]),
    }
}

pub(crate) use sealed::Elements;
use sealed::{ColumnTarget, ElementType, ElementsMut};

/// The largest size in bytes of a vector that is allocated first and then filled with zeros. The function `calloc` of
/// glibc takes five times as many instructions as `malloc` for a small allocation, because it does not use the cache of
/// freed memory of the thread. Large memory from `calloc` needs no writes.
const SMALL: usize = 1024;

/// Implements `ElementType` for types for which every bit pattern is valid. `$codec` is the parameter of `accepts`, and
/// `$accepts` is the result.
macro_rules! numbers {
    ($($element:ty, $name:literal, $codec:ident => $accepts:expr;)+) => {$(
        impl ElementType for $element {
            const NAME: &'static str = $name;

            fn zeroed(count: usize) -> Option<Vec<Self>> {
                if count.saturating_mul(size_of::<Self>()) > SMALL {
                    return bytemuck::allocation::try_zeroed_vec(count).ok();
                }
                let mut elements = Vec::new();
                elements.try_reserve_exact(count).ok()?;
                elements.resize(count, bytemuck::Zeroable::zeroed());
                Some(elements)
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

            fn width(codec: &ScalarCodec) -> usize {
                if codec.conversion().is_some() { codec.size } else { size_of::<Self>() }
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
    i8, "int8", codec => codec.value_type() == Type::Int8;
    u8, "uint8", codec => codec.value_type() == Type::UInt8 || is_bytes(codec);
    i16, "int16", codec => codec.value_type() == Type::Int16;
    u16, "uint16", codec => codec.value_type() == Type::UInt16 || codec.is_text() && codec.unit == 2;
    i32, "int32", codec => codec.value_type() == Type::Int32;
    u32, "uint32", codec => codec.value_type() == Type::UInt32 || (codec.is_text() || codec.is_address()) && codec.unit == 4;
    i64, "int64", codec => codec.value_type() == Type::Int64;
    u64, "uint64", codec => codec.value_type() == Type::UInt64 || codec.is_address() && codec.unit == 8;
    f16, "float16", codec => codec.value_type() == Type::Float16;
    f32, "float32", codec => codec.value_type() == Type::Float32;
    f64, "float64", codec => codec.value_type() == Type::Float64 || codec.ty == Type::LongDouble && is_double(codec);
    Complex<f16>, "complex32", codec => codec.value_type() == Type::Complex32;
    Complex<f32>, "complex64", codec => codec.value_type() == Type::Complex64;
    Complex<f64>, "complex128", codec =>
        codec.value_type() == Type::Complex128 || codec.ty == Type::ComplexLongDouble && is_double(codec);
}

/// Returns whether the bytes of the values of `codec` are the elements of a `u8` column, as for strings. Returns
/// `false` for numbers.
fn is_bytes(codec: &ScalarCodec) -> bool {
    !codec.ty.has_byte_order()
        && codec.ty != Type::Int8
        && codec.bits.is_none()
        && codec.user.is_none_or(|user| user.value_type() == Type::Opaque)
}

/// Returns whether the `long double` values of `codec` are the same type as `double` in the data model.
fn is_double(codec: &ScalarCodec) -> bool {
    codec.long_double == LongDoubleFormat::Double && codec.unit == 8
}

impl ElementType for bool {
    const NAME: &'static str = "bool";

    fn zeroed(count: usize) -> Option<Vec<Self>> {
        bytemuck::allocation::try_zeroed_vec(count).ok()
    }

    fn accepts(codec: &ScalarCodec) -> bool {
        codec.value_type() == Type::Bool
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
        // A `LongDouble` also stores its floating-point format, so some bytes of `LongDouble::ZERO` can be other than
        // 0. Hence each element is written.
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

/// Returns the number of elements of type `T` in one item: the number of values of `leaf`, times the number of elements
/// of each value. Returns 0 for values of 0 bytes.
pub(super) fn elements_per_item<T: Element>(leaf: &Leaf) -> usize {
    // The width of a value of 0 bytes is 0. Such a value has no elements.
    leaf.bytes().checked_div(T::width(&leaf.codec)).unwrap_or(0)
}

/// Creates the error for a column with too few elements for its items. Only a bug causes this error, because the length
/// of a column is computed from the number of items.
fn column_too_short() -> DecodeError {
    DecodeError::internal("a column is shorter than its items")
}

/// Converts a range of encoded bytes to a range of element indices. `start` is the size in bytes of all elements before
/// the range, and `len` is the size of the elements in the range. Each encoded element has `width` bytes. `start` and
/// `len` must be multiples of `width`.
///
/// # Errors
/// - `width` is 0
fn element_range(start: usize, len: usize, width: usize) -> Result<core::ops::Range<usize>, DecodeError> {
    let first = start.checked_div(width).ok_or_else(column_too_short)?;
    Ok(first..first.saturating_add(len.checked_div(width).ok_or_else(column_too_short)?))
}

/// Decodes `bytes` to elements of `column`, one by one with `decode`. Each element has `width` bytes in `bytes`.
/// `start` is the offset of `bytes` in the encoded form of the whole column, in bytes. Returns an error if `column` is
/// too short or `width` is 0.
fn decode_each<T>(
    column: &mut [T],
    start: usize,
    bytes: &[u8],
    width: usize,
    decode: impl Fn(&[u8]) -> T,
) -> Result<(), DecodeError> {
    let elements = column.get_mut(element_range(start, bytes.len(), width)?).ok_or_else(column_too_short)?;
    for (element, value) in elements.iter_mut().zip(bytes.chunks_exact(width)) {
        *element = decode(value);
    }
    Ok(())
}

/// Encodes elements of `column` into `bytes`, one by one with `encode`. Each element has `width` bytes in `bytes`.
/// `start` is the offset of `bytes` in the encoded form of the whole column, in bytes. Returns an error if `column` is
/// too short or `width` is 0.
fn encode_each<T>(
    column: &[T],
    start: usize,
    bytes: &mut [u8],
    width: usize,
    mut encode: impl FnMut(&T, &mut [u8]),
) -> Result<(), DecodeError> {
    let elements = column.get(element_range(start, bytes.len(), width)?).ok_or_else(column_too_short)?;
    for (element, value) in elements.iter().zip(bytes.chunks_exact_mut(width)) {
        encode(element, value);
    }
    Ok(())
}

/// Returns the position of the next `items` items in the encoded form of the column for `leaf`, as a range of bytes.
/// `first` is the number of items before these items.
fn column_range(leaf: &Leaf, items: usize, first: usize) -> core::ops::Range<usize> {
    let start = first.saturating_mul(leaf.bytes());
    start..start.saturating_add(items.saturating_mul(leaf.bytes()))
}

impl ElementsMut<'_> {
    /// Decodes `bytes`, the encoded elements without gaps, to elements of this column. `codec` decodes one value.
    /// `start` is the offset of `bytes` in the encoded form of the whole column, in bytes. Returns an error if the
    /// column is too short, or if a user type has no number for the bytes of a value.
    pub(super) fn decode(&mut self, codec: &ScalarCodec, bytes: &[u8], start: usize) -> Result<(), DecodeError> {
        match self {
            Self::Bytes(elements) if let Some(conversion) = codec.conversion() => {
                let element_size = conversion.element_size();
                let range = element_range(start, bytes.len(), codec.size)?;
                let range = range.start.saturating_mul(element_size)..range.end.saturating_mul(element_size);
                let elements = elements.get_mut(range).ok_or_else(column_too_short)?;
                let mut values = elements.chunks_exact_mut(element_size).zip(bytes.chunks_exact(codec.size.max(1)));
                values.try_for_each(|(element, value)| conversion.read(value, codec.endian, element))
            }
            Self::Bytes(elements) => {
                let elements =
                    elements.get_mut(start..start.saturating_add(bytes.len())).ok_or_else(column_too_short)?;
                elements.copy_from_slice(bytes);
                reverse_units(elements, codec.reversed_unit());
                codec.clear_after_nul(elements);
                Ok(())
            }
            Self::Bool(column) if let Some(bits) = codec.bits => {
                decode_each(column, start, bytes, codec.size, |value| bits.read(value, codec.endian) != 0)
            }
            Self::Bool(column) => {
                let is_true = |value: &[u8]| value.iter().any(|byte| *byte != 0);
                decode_each(column, start, bytes, bool::width(codec), is_true)
            }
            Self::LongDouble(column) => {
                let width = <LongDouble as ElementType>::width(codec);
                decode_each(column, start, bytes, width, |value| codec.long_double(value))
            }
        }
    }

    /// Decodes the field `leaf` of each of `items` to this column. `first` is the number of items that were decoded
    /// before. `scratch` is memory that the function reuses, and may contain any bytes. Returns an error if the column
    /// is too short, if a user type has no number for the bytes of a value, or if there is not enough memory for
    /// `scratch`.
    pub(super) fn gather(
        &mut self,
        leaf: &Leaf,
        items: Strided<'_>,
        first: usize,
        scratch: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        let range = column_range(leaf, items.count(), first);
        if range.is_empty() {
            return Ok(());
        }
        if let Self::Bytes(column) = self
            && !leaf.codec.needs_conversion()
        {
            let column = column.get_mut(range).ok_or_else(column_too_short)?;
            return leaf.gather(items, column, leaf.codec.reversed_unit());
        }
        resize(scratch, range.len())?;
        leaf.gather(items, scratch, 1)?;
        self.decode(&leaf.codec, scratch, range.start)
    }
}

impl Elements<'_> {
    /// Encodes elements of this column into `bytes`, without gaps. `codec` encodes one value. `start` is the offset of
    /// `bytes` in the encoded form of the whole column, in bytes. Leaves the padding of `long double` and the bits
    /// beside a bit-field unchanged. Returns an error if the column is too short. The caller must have checked the
    /// numbers of bit-fields and user types with `Conversion::check`.
    pub(super) fn encode(&self, codec: &ScalarCodec, bytes: &mut [u8], start: usize) -> Result<(), DecodeError> {
        match self {
            Self::Bytes(elements) if let Some(conversion) = codec.conversion() => {
                let element_size = conversion.element_size();
                let range = element_range(start, bytes.len(), codec.size)?;
                let range = range.start.saturating_mul(element_size)..range.end.saturating_mul(element_size);
                let elements = elements.get(range).ok_or_else(column_too_short)?;
                let mut values = elements.chunks_exact(element_size).zip(bytes.chunks_exact_mut(codec.size.max(1)));
                // The numbers of a column are checked before this function is called.
                let written = values.try_for_each(|(element, value)| conversion.write(element, value, codec.endian));
                written.map_err(|_| DecodeError::internal("a number of a column was not checked"))
            }
            Self::Bytes(elements) => {
                let elements = elements.get(start..start.saturating_add(bytes.len())).ok_or_else(column_too_short)?;
                bytes.copy_from_slice(elements);
                reverse_units(bytes, codec.reversed_unit());
                Ok(())
            }
            #[cfg(feature = "arrow")]
            Self::Encoded(values) => {
                let values = values.get(start..start.saturating_add(bytes.len())).ok_or_else(column_too_short)?;
                bytes.copy_from_slice(values);
                Ok(())
            }
            Self::Bool(column) if let Some(bits) = codec.bits => {
                let mut out_of_range = false;
                encode_each(column, start, bytes, codec.size, |element, value| {
                    out_of_range |= bits.write((*element).into(), value, codec.endian).is_none();
                })?;
                debug_assert!(!out_of_range, "a Boolean bit-field has 0 and 1");
                Ok(())
            }
            Self::Bool(column) => {
                let width = bool::width(codec);
                encode_each(column, start, bytes, width, |element, value| codec.store_bool(*element, value))
            }
            Self::LongDouble(column) => {
                let width = <LongDouble as ElementType>::width(codec);
                encode_each(column, start, bytes, width, |element, value| element.write(value, codec.endian))
            }
        }
    }

    /// Encodes this column into the field `leaf` of each of `items`. `first` is the number of items that were encoded
    /// before. `scratch` is memory that the function reuses, and may contain any bytes. Returns an error if the column
    /// is too short, or if there is not enough memory for `scratch`.
    pub(super) fn scatter(
        &self,
        leaf: &Leaf,
        items: StridedMut<'_>,
        first: usize,
        scratch: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        let range = column_range(leaf, items.count(), first);
        if range.is_empty() {
            return Ok(());
        }
        if let Self::Bytes(column) = self
            && leaf.codec.conversion().is_none()
        {
            let column = column.get(range).ok_or_else(column_too_short)?;
            return leaf.scatter(column, items, leaf.codec.reversed_unit());
        }
        // The items are read first, because `encode` leaves the padding of a `long double` and the bits beside a
        // bit-field unchanged.
        resize(scratch, range.len())?;
        leaf.gather(items.as_strided(), scratch, 1)?;
        self.encode(&leaf.codec, scratch, range.start)?;
        leaf.scatter(scratch, items, 1)
    }
}

/// Allocates `count` zeroed elements. Requests huge pages from the operating system if the allocation is large. Returns
/// an error if the allocation fails.
pub(crate) fn zeroed<T: Element>(count: usize) -> Result<Vec<T>, DecodeError> {
    let mut elements = T::zeroed(count).ok_or_else(|| no_memory::<T>(count))?;
    crate::huge_pages::prefer_large(&mut elements);
    Ok(elements)
}

/// Allocates the vector for a column of `count` elements. For a type for which every bit pattern is valid, the vector
/// is empty and has capacity for `count` elements. For `bool` and [`LongDouble`], the vector has `count` zeroed
/// elements. Returns an error if the allocation fails.
pub(super) fn reserved<T: Element>(count: usize) -> Result<Vec<T>, DecodeError> {
    T::reserved(count).ok_or_else(|| no_memory::<T>(count))
}

/// Creates the error for a failed allocation of `count` elements of type `T`.
fn no_memory<T>(count: usize) -> DecodeError {
    DecodeError::Allocation { bytes: to_u64(count.saturating_mul(size_of::<T>())) }
}
