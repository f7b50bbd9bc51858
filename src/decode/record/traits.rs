//! The trait of structs that are records, and the appending of structs from items.

use alloc::vec::Vec;
use core::marker::PhantomData;

use super::super::plan::Plan;
use super::access::{Access, Identity, ItemReader, RecordReader, RecordWriter};
use super::error::Mismatch;
use super::match_layout::Conversion;
use super::model::RecordLayout;
use crate::abi::DataModel;
use crate::layout::{Dialect, Layout, LayoutError};

/// A struct that items of a buffer are read into and written from.
///
/// The derive macro (feature `derive`) implements it for structs with and without field names, `repr(C)`, packed or neither:
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
/// // Big-endian, packed and in another order, the fields are the same.
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
/// | `#[record(endian = "big")]` | a field, or the struct | the byte order in [`FORMAT`](Self::FORMAT); values in memory are native |
/// | `#[record(skip)]` | a field | not in the format, read as `Default::default()`; padding where the struct is `repr(C)` |
/// | `#[record(plain)]` | a struct, `repr(C)` | it is `bytemuck::AnyBitPattern`, so items are copied as they are |
///
/// # What does not compile
/// A struct with type parameters, whose format would not be one string:
/// ```compile_fail
/// #[derive(pep3118::Record)]
/// struct Pair<T> { a: T, b: T }
/// ```
/// A struct with a lifetime, because values are copied and not borrowed:
/// ```compile_fail
/// #[derive(pep3118::Record)]
/// struct Borrowed<'a> { a: &'a u8 }
/// ```
/// An enum, a union or a struct without fields:
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
/// An unknown attribute, an unknown byte order, a name with a colon, which ends it in the format:
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
/// Two fields of one name, a field of a type that formats do not have:
/// ```compile_fail
/// #[derive(pep3118::Record)]
/// struct Twice { a: u8, #[record(rename = "a")] b: u8 }
/// ```
/// ```compile_fail
/// #[derive(pep3118::Record)]
/// struct Owned { a: String }
/// ```
/// `plain` without `repr(C)`, or with a field type that has invalid bit patterns, such as `bool`:
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
    message = "`{Self}` is not a record",
    note = "derive it: `#[derive(pep3118::Record)]`, with the feature `derive`"
)]
pub trait Record: Sized {
    /// The layout of the struct.
    const LAYOUT: RecordLayout;

    /// The format of the struct, which means the same in every dialect: all padding is explicit, and every value has a byte
    /// order. Names are those of the fields.
    const FORMAT: &'static str;

    /// Reads the struct from byte `at` of an item with this [`LAYOUT`](Self::LAYOUT). For the derive.
    #[doc(hidden)]
    fn load<S: RecordReader>(source: S, at: usize) -> Self;

    /// Writes the struct to byte `at` of an item with this [`LAYOUT`](Self::LAYOUT). For the derive.
    #[doc(hidden)]
    fn store<R: RecordWriter>(&self, target: &mut R, at: usize);

    /// Appends the structs of adjacent items with this [`LAYOUT`](Self::LAYOUT). For the derive.
    #[doc(hidden)]
    fn load_all(items: &[u8], records: &mut Vec<Self>) {
        load_each(items, Self::LAYOUT.size, records, Identity);
    }

    /// Returns the layout of [`FORMAT`](Self::FORMAT) on this machine.
    ///
    /// # Errors
    /// - a struct that is nested deeper than formats may be, see [`Format::parse`](crate::Format::parse)
    fn layout() -> Result<Layout, LayoutError> {
        Layout::read(Self::FORMAT.as_bytes(), &Dialect::PEP3118, &DataModel::HOST)
    }

    /// Checks that items of a layout can be read into the struct: they have the same fields by name (by position where
    /// the layout or the struct has no names), each of the same type and shape. Offsets and byte orders may differ.
    ///
    /// # Errors
    /// - `T{<i:a:}` for a struct with `a` and `b`, or the other way round
    /// - `T{<h:a:}` for a struct whose `a` is an `i32`: numbers are not widened
    fn matches(layout: &Layout) -> Result<(), Mismatch> {
        let plan = Plan::new(layout).map_err(Mismatch::Layout)?;
        Conversion::new(&plan, &Self::LAYOUT).map(|_| ())
    }
}

/// Appends the structs of adjacent items of `itemsize` bytes, field by field.
#[inline(always)]
pub(super) fn load_each<T: Record>(items: &[u8], itemsize: usize, records: &mut Vec<T>, access: impl Access) {
    records.extend(items.chunks_exact(itemsize.max(1)).map(|item| T::load(ItemReader(item, access), 0)));
}

/// Appends structs that are copied from adjacent items. Every bit pattern is valid for the type. For the derive macro.
#[doc(hidden)]
#[inline]
pub fn load_plain<T: Record + bytemuck::AnyBitPattern>(items: &[u8], records: &mut Vec<T>) {
    match bytemuck::try_cast_slice::<u8, T>(items) {
        Ok(items) => records.extend_from_slice(items),
        // The items are not aligned for the type.
        Err(_) => records.extend(items.chunks_exact(size_of::<T>().max(1)).map(bytemuck::pod_read_unaligned::<T>)),
    }
}

/// Chooses how the derive macro reads structs: by copy if the type is `bytemuck::AnyBitPattern`, else field by field. A
/// macro cannot test a bound.
///
/// The derive calls `load_all` on a `&LoadSelector`. Two traits have this method. The compiler takes [`ByCopy`] if its
/// bounds hold, because that needs one reference less, and [`ByField`] otherwise.
#[doc(hidden)]
#[derive(Debug)]
pub struct LoadSelector<T>(PhantomData<fn() -> T>);

impl<T> LoadSelector<T> {
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> Default for LoadSelector<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[doc(hidden)]
pub trait ByCopy<T> {
    fn load_all(&self, items: &[u8], records: &mut Vec<T>);
}

impl<T: Record + bytemuck::AnyBitPattern> ByCopy<T> for LoadSelector<T> {
    #[inline]
    fn load_all(&self, items: &[u8], records: &mut Vec<T>) {
        load_plain(items, records);
    }
}

#[doc(hidden)]
pub trait ByField<T> {
    fn load_all(&self, items: &[u8], records: &mut Vec<T>);
}

impl<T: Record> ByField<T> for &LoadSelector<T> {
    #[inline]
    fn load_all(&self, items: &[u8], records: &mut Vec<T>) {
        load_each(items, T::LAYOUT.size, records, Identity);
    }
}
