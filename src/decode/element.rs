//! Rust types that items are copied into.

use alloc::vec::Vec;

use half::f16;
use num_complex::Complex;

use super::error::{DecodeError, wide};
use super::leaf::Leaf;
use super::long_double::LongDouble;
use super::scalar::ScalarCodec;
use super::swap;
use crate::abi::LongDoubleFormat;
use crate::layout::Type;

/// A Rust type that values of a format can be copied into without a change but that of byte order.
///
/// | type | values |
/// |--|--|
/// | `i8` to `u64`, `f16`, `f32`, `f64` | those of that type; `u32` and `u64` also addresses of that size |
/// | `Complex<f16>`, `Complex<f32>`, `Complex<f64>` | complex numbers of two such parts |
/// | `bool` | `?`, where any byte that is not 0 means true |
/// | `u8` | also every byte of `c`, `s`, `p` (with its length), void, bits and user types |
/// | `u16`, `u32` | also every unit of text of that width, NULs included |
/// | [`LongDouble`] | `g`; `Zg`, two by two |
/// | `f64`, `Complex<f64>` | also `g` and `Zg` where the machine's `long double` is a `double` |
///
/// It is sealed.
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
pub trait Element: sealed::Element {}

impl<T: sealed::Element> Element for T {}

/// Where values go.
pub(super) mod sealed {
    use super::{LongDouble, ScalarCodec, Vec};

    pub trait Element: Copy + 'static {
        /// For messages.
        const NAME: &'static str;
        /// Elements of all bits zero; `None` where there is no memory for them. Fresh memory is not
        /// written to before the values are.
        fn zeroed(count: usize) -> Option<Vec<Self>>;
        /// Whether values of the kernel are this.
        fn accepts(kernel: &ScalarCodec) -> bool;
        /// Bytes of the item that become one element.
        fn width(kernel: &ScalarCodec) -> usize;
        fn sink(elements: &mut [Self]) -> Sink<'_>;
        /// An empty vector for elements, `None` as for `zeroed`. Types without are zeroed.
        fn reserved(count: usize) -> Option<Vec<Self>> {
            Self::zeroed(count)
        }
        /// The sink of what `reserved` gave.
        fn growing(elements: &mut Vec<Self>) -> Sink<'_> {
            Self::sink(elements)
        }
        fn source(elements: &[Self]) -> Source<'_>;
    }

    /// Room for elements. Where every pattern of bits is an element, it is bytes.
    #[derive(Debug)]
    pub enum Sink<'s> {
        Units(&'s mut [u8]),
        /// A vector that has room for them.
        Growing(&'s mut (dyn crate::spare_capacity::SpareCapacity + 'static)),
        Bool(&'s mut [bool]),
        LongDouble(&'s mut [LongDouble]),
    }

    /// Elements to be written.
    #[derive(Debug)]
    pub enum Source<'s> {
        Units(&'s [u8]),
        Bool(&'s [bool]),
        LongDouble(&'s [LongDouble]),
    }
}

use sealed::{Sink, Source};

macro_rules! plain {
    ($($element:ty, $name:literal, $kernel:ident => $accepts:expr;)+) => {$(
        impl sealed::Element for $element {
            const NAME: &'static str = $name;

            fn zeroed(count: usize) -> Option<Vec<Self>> {
                bytemuck::allocation::try_zeroed_vec(count).ok()
            }

            fn accepts($kernel: &ScalarCodec) -> bool {
                $accepts
            }

            fn width(_: &ScalarCodec) -> usize {
                size_of::<Self>()
            }

            fn sink(elements: &mut [Self]) -> Sink<'_> {
                Sink::Units(bytemuck::cast_slice_mut(elements))
            }

            fn reserved(count: usize) -> Option<Vec<Self>> {
                let mut elements = Vec::new();
                elements.try_reserve_exact(count).ok()?;
                crate::huge_pages::prefer_large(elements.spare_capacity_mut());
                Some(elements)
            }

            fn growing(elements: &mut Vec<Self>) -> Sink<'_> {
                Sink::Growing(elements)
            }

            fn source(elements: &[Self]) -> Source<'_> {
                Source::Units(bytemuck::cast_slice(elements))
            }
        }
    )+};
}

plain! {
    i8, "int8", kernel => kernel.ty == Type::Int8;
    u8, "uint8", kernel => kernel.ty == Type::UInt8 || !kernel.ty.has_byte_order() && kernel.ty != Type::Int8;
    i16, "int16", kernel => kernel.ty == Type::Int16;
    u16, "uint16", kernel => kernel.ty == Type::UInt16 || is_text(kernel) && kernel.unit == 2;
    i32, "int32", kernel => kernel.ty == Type::Int32;
    u32, "uint32", kernel =>
        kernel.ty == Type::UInt32 || (is_text(kernel) || is_address(kernel)) && kernel.unit == 4;
    i64, "int64", kernel => kernel.ty == Type::Int64;
    u64, "uint64", kernel => kernel.ty == Type::UInt64 || is_address(kernel) && kernel.unit == 8;
    f16, "float16", kernel => kernel.ty == Type::Float16;
    f32, "float32", kernel => kernel.ty == Type::Float32;
    f64, "float64", kernel => kernel.ty == Type::Float64 || kernel.ty == Type::LongDouble && is_double(kernel);
    Complex<f16>, "complex32", kernel => kernel.ty == Type::Complex32;
    Complex<f32>, "complex64", kernel => kernel.ty == Type::Complex64;
    Complex<f64>, "complex128", kernel =>
        kernel.ty == Type::Complex128 || kernel.ty == Type::ComplexLongDouble && is_double(kernel);
}

fn is_text(kernel: &ScalarCodec) -> bool {
    matches!(kernel.ty, Type::Ucs2 | Type::Ucs4 | Type::Wchar)
}

fn is_address(kernel: &ScalarCodec) -> bool {
    matches!(kernel.ty, Type::Pointer | Type::CharPointer | Type::WcharPointer | Type::Function | Type::Object)
}

fn is_double(kernel: &ScalarCodec) -> bool {
    kernel.long_double == LongDoubleFormat::Double && kernel.unit == 8
}

impl sealed::Element for bool {
    const NAME: &'static str = "bool";

    fn zeroed(count: usize) -> Option<Vec<Self>> {
        bytemuck::allocation::try_zeroed_vec(count).ok()
    }

    fn accepts(kernel: &ScalarCodec) -> bool {
        kernel.ty == Type::Bool
    }

    fn width(kernel: &ScalarCodec) -> usize {
        kernel.size
    }

    fn sink(elements: &mut [Self]) -> Sink<'_> {
        Sink::Bool(elements)
    }

    fn source(elements: &[Self]) -> Source<'_> {
        Source::Bool(elements)
    }
}

impl sealed::Element for LongDouble {
    const NAME: &'static str = "longdouble";

    fn zeroed(count: usize) -> Option<Vec<Self>> {
        let mut elements = Vec::new();
        elements.try_reserve_exact(count).ok()?;
        // Its zero has a format, so that it is written.
        crate::huge_pages::prefer_large(elements.spare_capacity_mut());
        elements.resize(count, Self::ZERO);
        Some(elements)
    }

    fn accepts(kernel: &ScalarCodec) -> bool {
        matches!(kernel.ty, Type::LongDouble | Type::ComplexLongDouble)
    }

    fn width(kernel: &ScalarCodec) -> usize {
        if kernel.ty == Type::ComplexLongDouble { kernel.size >> 1_u32 } else { kernel.size }
    }

    fn sink(elements: &mut [Self]) -> Sink<'_> {
        Sink::LongDouble(elements)
    }

    fn source(elements: &[Self]) -> Source<'_> {
        Source::LongDouble(elements)
    }
}

/// Elements of one item.
pub(super) fn per_item<T: Element>(leaf: &Leaf) -> usize {
    leaf.bytes().checked_div(T::width(&leaf.kernel)).unwrap_or(0)
}

impl Sink<'_> {
    /// A leaf of whole items to the elements of the items from `first` on.
    pub(super) fn fill(&mut self, leaf: &Leaf, items: &[u8], itemsize: usize, first: usize) {
        let count = items.len().checked_div(itemsize).unwrap_or(0);
        let (start, kernel) = (first.saturating_mul(leaf.bytes()), leaf.kernel);
        match self {
            Self::Units(column) => {
                let end = start.saturating_add(count.saturating_mul(leaf.bytes()));
                if let Some(column) = column.get_mut(start..end) {
                    swap::gather_leaf(leaf, items, itemsize, column);
                }
            }
            // What grows is filled in cells.
            Self::Growing(_) => {}
            Self::Bool(column) => {
                let skipped = start.checked_div(kernel.size).unwrap_or(0);
                let mut cells = column.iter_mut().skip(skipped);
                swap::each_run(leaf, items, itemsize, &mut |run| {
                    for (value, cell) in run.chunks_exact(kernel.size.max(1)).zip(cells.by_ref()) {
                        *cell = value.iter().any(|byte| *byte != 0);
                    }
                });
            }
            Self::LongDouble(column) => {
                let width = <LongDouble as sealed::Element>::width(&kernel);
                let mut cells = column.iter_mut().skip(start.checked_div(width).unwrap_or(0));
                swap::each_run(leaf, items, itemsize, &mut |run| {
                    for (value, cell) in run.chunks_exact(width.max(1)).zip(cells.by_ref()) {
                        *cell = kernel.long_double(value);
                    }
                });
            }
        }
    }
}

impl Source<'_> {
    /// The elements of the items from `first` on into items that are one leaf and nothing else.
    pub(super) fn store(&self, leaf: &Leaf, items: &mut [u8], first: usize) {
        let (start, kernel) = (first.saturating_mul(leaf.bytes()), leaf.kernel);
        match self {
            Self::Units(elements) => {
                let end = start.saturating_add(items.len());
                if let Some(elements) = elements.get(start..end) {
                    items.copy_from_slice(elements);
                }
                if kernel.swapped() {
                    swap::swap_in_place(items, kernel.unit);
                }
            }
            Self::Bool(elements) => {
                let elements = elements.iter().skip(start.checked_div(kernel.size).unwrap_or(0));
                for (cell, element) in items.chunks_exact_mut(kernel.size.max(1)).zip(elements) {
                    kernel.store_bool(*element, cell);
                }
            }
            Self::LongDouble(elements) => {
                let width = <LongDouble as sealed::Element>::width(&kernel);
                let elements = elements.iter().skip(start.checked_div(width).unwrap_or(0));
                for (cell, element) in items.chunks_exact_mut(width.max(1)).zip(elements) {
                    element.write(cell, kernel.endian);
                }
            }
        }
    }
}

/// Memory for elements, set to zero, in large pages where it is large.
pub(super) fn zeroed<T: Element>(count: usize) -> Result<Vec<T>, DecodeError> {
    let none = DecodeError::Allocation { bytes: wide(count.saturating_mul(size_of::<T>())) };
    let mut elements = T::zeroed(count).ok_or(none)?;
    crate::huge_pages::prefer_large(&mut elements);
    Ok(elements)
}

/// An empty vector with memory for elements, in large pages where it is large; zeroed elements where the
/// type knows no other way.
pub(super) fn reserved<T: Element>(count: usize) -> Result<Vec<T>, DecodeError> {
    T::reserved(count).ok_or(DecodeError::Allocation { bytes: wide(count.saturating_mul(size_of::<T>())) })
}
