//! Structs that are records, and the types of their fields.

use half::f16;
use num_complex::Complex;

use super::super::plan::Plan;
use super::error::Mismatch;
use super::match_layout::Matched;
use super::model::{Check, MemberKind, MemberLayout, RecordLayout};
use super::read;
use super::reader::{RecordReader, Same};
use super::writer::RecordWriter;
use crate::abi::DataModel;
use crate::layout::{Dialect, Layout, LayoutError};

/// A struct that items of a buffer are read into.
///
/// It is derived (feature `derive`), for structs with names or without, `repr(C)`, packed or plain:
///
#[cfg_attr(feature = "derive", doc = "```")]
#[cfg_attr(not(feature = "derive"), doc = "```ignore")]
/// use pep3118::{DataModel, Dialect, Layout, Record, decode::Plan};
///
/// #[derive(Record, Debug, PartialEq)]
/// struct Point {
///     x: f64,
///     y: f64,
/// }
///
/// #[derive(Record, Debug, PartialEq)]
/// #[repr(C)]
/// struct Sample {
///     #[record(rename = "sensor id")]
///     id: u16,
///     tag: [u8; 3],
///     at: [Point; 2],
///     #[record(skip)]
///     seen: bool,
/// }
/// # #[cfg(target_endian = "little")]
/// assert_eq!(Sample::FORMAT, "T{<H:sensor id:<3s:tag:3x(2)T{<d:x:<d:y:}:at:8x}");
///
/// // Big-endian, packed, in another order: read all the same.
/// let format = b"T{(2)T{>d:x:>d:y:}:at:>H:sensor id:3s:tag:}";
/// let layout = Layout::read(format, &Dialect::PEP3118, &DataModel::HOST)?;
/// let item = [&[0; 24][..], &2.5_f64.to_be_bytes(), &[0, 7], b"abc"].concat();
/// let origin = Point { x: 0.0, y: 0.0 };
/// assert_eq!(
///     Plan::new(&layout)?.read_records::<Sample>(&item)?,
///     [Sample { id: 7, tag: *b"abc", at: [origin, Point { x: 0.0, y: 2.5 }], seen: false }],
/// );
///
/// let other = Layout::read(b"T{<d:x:<f:y:}", &Dialect::PEP3118, &DataModel::HOST)?;
/// let mismatch = Point::matches(&other).unwrap_err();
/// assert_eq!(mismatch.to_string(), "field `y` at byte 8 is float32 but the struct has float64");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// | attribute | of | means |
/// |--|--|--|
/// | `#[record(rename = "x y")]` | a field | its name in the format |
/// | `#[record(endian = "big")]` | a field, or the struct | the byte order in [`FORMAT`](Self::FORMAT); values are this machine's |
/// | `#[record(skip)]` | a field | not in the format, read as `Default::default()`; padding where the struct is `repr(C)` |
/// | `#[record(plain)]` | a struct, `repr(C)` | it is `bytemuck::AnyBitPattern`, so whole items may be copied |
///
/// # What does not compile
/// A struct with parameters, whose format would not be one string:
/// ```compile_fail
/// #[derive(pep3118::Record)]
/// struct Pair<T> { a: T, b: T }
/// ```
/// One with a lifetime, since nothing is borrowed from items:
/// ```compile_fail
/// #[derive(pep3118::Record)]
/// struct Borrowed<'a> { a: &'a u8 }
/// ```
/// An enum, a union, a struct without fields:
/// ```compile_fail
/// #[derive(pep3118::Record)]
/// enum Kind { A, B }
/// ```
/// ```compile_fail
/// #[derive(pep3118::Record)]
/// union Bits { a: u32, b: f32 }
/// ```
/// ```compile_fail
/// #[derive(pep3118::Record)]
/// struct Nothing;
/// ```
/// An attribute that is not known, a byte order that is none, a name that ends too soon:
/// ```compile_fail
/// #[derive(pep3118::Record)]
/// struct Unknown { #[record(renamed = "b")] a: u8 }
/// ```
/// ```compile_fail
/// #[derive(pep3118::Record)]
/// struct Middle { #[record(endian = "middle")] a: u16 }
/// ```
/// ```compile_fail
/// #[derive(pep3118::Record)]
/// struct Colon { #[record(rename = "a:b")] a: u16 }
/// ```
/// Two fields of one name, a field of a type that no item has:
/// ```compile_fail
/// #[derive(pep3118::Record)]
/// struct Twice { a: u8, #[record(rename = "a")] b: u8 }
/// ```
/// ```compile_fail
/// #[derive(pep3118::Record)]
/// struct Owned { a: String }
/// ```
/// `plain` without `repr(C)`, or with bytes that are no value:
/// ```compile_fail
/// #[derive(pep3118::Record)]
/// #[record(plain)]
/// struct Loose { a: u8 }
/// ```
/// ```compile_fail
/// #[derive(pep3118::Record)]
/// #[record(plain)]
/// #[repr(C)]
/// struct Flag { a: bool }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no record of a buffer",
    note = "derive it: `#[derive(pep3118::Record)]`, with the feature `derive`"
)]
pub trait Record: Sized {
    /// The struct as a constant.
    const LAYOUT: RecordLayout;

    /// The struct as a format that means the same in every dialect: every pad byte is spelled, every
    /// value has its byte order. Names come from the fields.
    const FORMAT: &'static str;

    /// The struct at a byte of an item that lies as [`LAYOUT`](Self::LAYOUT) says. For the derive.
    #[doc(hidden)]
    fn load<S: RecordReader>(source: S, at: usize) -> Self;

    /// Puts the struct at a byte of such an item. For the derive.
    #[doc(hidden)]
    fn store<R: RecordWriter>(&self, room: &mut R, at: usize);

    /// [`load`](Self::load) for whole items.
    #[doc(hidden)]
    fn load_all(items: &[u8], records: &mut alloc::vec::Vec<Self>) {
        read::load_each(items, records, Same);
    }

    /// [`FORMAT`](Self::FORMAT), resolved for this machine.
    ///
    /// # Errors
    /// - a struct that is nested deeper than formats may be, see [`Format::parse`](crate::Format::parse)
    fn layout() -> Result<Layout, LayoutError> {
        Layout::read(Self::FORMAT.as_bytes(), &Dialect::PEP3118, &DataModel::HOST)
    }

    /// Whether items of a layout can be read into the struct: the same fields by name (by position
    /// where the layout has no names, or the struct), each of the same type and shape. Offsets and
    /// byte orders may differ.
    ///
    /// # Errors
    /// - `T{<i:a:}` for a struct with `a` and `b`, or the other way round
    /// - `T{<h:a:}` for a struct whose `a` is an `i32`: nothing is widened
    fn matches(layout: &Layout) -> Result<(), Mismatch> {
        let plan = Plan::new(layout).map_err(Mismatch::Layout)?;
        Matched::new(&plan, &Self::LAYOUT).map(|_| ())
    }
}

/// The type of a field: a value, an array, a record.
///
/// Numbers, `bool`, `char`, arrays of members and every [`Record`] are; there is no need for others.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field of a record",
    note = "fields are numbers, `bool`, `char`, `half::f16`, `num_complex::Complex`, arrays and records",
    note = "`#[record(skip)]` leaves a field out"
)]
pub trait RecordField: Sized {
    /// The type as a constant.
    #[doc(hidden)]
    const MEMBER: MemberLayout;

    /// The value at a byte; bytes that are missing are taken for 0.
    #[doc(hidden)]
    fn load<S: RecordReader>(source: S, at: usize) -> Self;

    /// Puts the value at a byte.
    #[doc(hidden)]
    fn store<R: RecordWriter>(&self, room: &mut R, at: usize);
}

impl<R: Record> RecordField for R {
    const MEMBER: MemberLayout = MemberLayout::record(R::LAYOUT);

    #[inline(always)]
    fn load<S: RecordReader>(source: S, at: usize) -> Self {
        R::load(source, at)
    }

    #[inline(always)]
    fn store<O: RecordWriter>(&self, room: &mut O, at: usize) {
        R::store(self, room, at);
    }
}

impl<T: RecordField, const N: usize> RecordField for [T; N] {
    const MEMBER: MemberLayout = MemberLayout {
        size: T::MEMBER.size.saturating_mul(N),
        align: T::MEMBER.align,
        in_memory: T::MEMBER.in_memory,
        kind: MemberKind::Array { of: &T::MEMBER, len: N },
    };

    #[inline(always)]
    fn load<S: RecordReader>(source: S, at: usize) -> Self {
        core::array::from_fn(|index| T::load(source, at.wrapping_add(index.wrapping_mul(T::MEMBER.size))))
    }

    #[inline(always)]
    fn store<R: RecordWriter>(&self, room: &mut R, at: usize) {
        for (index, element) in self.iter().enumerate() {
            element.store(room, at.wrapping_add(index.wrapping_mul(T::MEMBER.size)));
        }
    }
}

macro_rules! numbers {
    ($($number:ty: $code:literal $is_string:literal),+ $(,)?) => {$(
        impl RecordField for $number {
            const MEMBER: MemberLayout =
                MemberLayout::value::<Self>($code, size_of::<Self>(), $is_string, Check::All);

            #[inline(always)]
            fn load<S: RecordReader>(source: S, at: usize) -> Self {
                Self::from_ne_bytes(source.cell(at))
            }

            #[inline(always)]
            fn store<R: RecordWriter>(&self, room: &mut R, at: usize) {
                room.put(at, self.to_ne_bytes());
            }
        }
    )+};
}

numbers! {
    i8: "b" false, u8: "B" true, i16: "h" false, u16: "H" false, i32: "i" false, u32: "I" false,
    i64: "q" false, u64: "Q" false, f16: "e" false, f32: "f" false, f64: "d" false,
}

/// Addresses and sizes: the integer of their width.
macro_rules! words {
    ($($word:ty: $int32:ty, $code32:literal, $int64:ty, $code64:literal);+ $(;)?) => {$(
        impl RecordField for $word {
            const MEMBER: MemberLayout = if size_of::<Self>() == size_of::<$int64>() {
                MemberLayout::value::<$int64>($code64, size_of::<Self>(), false, Check::All)
            } else {
                MemberLayout::value::<$int32>($code32, size_of::<Self>(), false, Check::All)
            };

            #[inline(always)]
            fn load<S: RecordReader>(source: S, at: usize) -> Self {
                Self::from_ne_bytes(source.cell(at))
            }

            #[inline(always)]
            fn store<R: RecordWriter>(&self, room: &mut R, at: usize) {
                room.put(at, self.to_ne_bytes());
            }
        }
    )+};
}

// On machines of 32 and 64 bits, as the data models are.
words! {
    isize: i32, "i", i64, "q";
    usize: u32, "I", u64, "Q";
}

macro_rules! complex {
    ($($part:ty: $code:literal),+) => {$(
        impl RecordField for Complex<$part> {
            const MEMBER: MemberLayout =
                MemberLayout::value::<Self>($code, size_of::<$part>(), false, Check::All);

            #[inline(always)]
            fn load<S: RecordReader>(source: S, at: usize) -> Self {
                let part = |at| <$part as RecordField>::load(source, at);
                Self::new(part(at), part(at.wrapping_add(size_of::<$part>())))
            }

            #[inline(always)]
            fn store<R: RecordWriter>(&self, room: &mut R, at: usize) {
                self.re.store(room, at);
                self.im.store(room, at.wrapping_add(size_of::<$part>()));
            }
        }
    )+};
}

complex!(f16: "Ze", f32: "Zf", f64: "Zd");

impl RecordField for bool {
    const MEMBER: MemberLayout = MemberLayout::value::<Self>("?", 1, false, Check::Bool);

    #[inline(always)]
    fn load<S: RecordReader>(source: S, at: usize) -> Self {
        source.cell::<1>(at) != [0]
    }

    #[inline(always)]
    fn store<R: RecordWriter>(&self, room: &mut R, at: usize) {
        room.put(at, [u8::from(*self)]);
    }
}

impl RecordField for char {
    // A unit of text as it lies in memory: the same as a u32.
    const MEMBER: MemberLayout = MemberLayout::value::<u32>("w", 4, true, Check::Char);

    #[inline(always)]
    fn load<S: RecordReader>(source: S, at: usize) -> Self {
        Self::from_u32(u32::from_ne_bytes(source.cell(at))).unwrap_or(Self::REPLACEMENT_CHARACTER)
    }

    #[inline(always)]
    fn store<R: RecordWriter>(&self, room: &mut R, at: usize) {
        room.put(at, u32::from(*self).to_ne_bytes());
    }
}
