//! [`Record`]: the trait of structs that items are decoded to and encoded from. Also the functions that decode
//! adjacent items to such structs.

use alloc::vec::Vec;
use core::marker::PhantomData;

use super::super::plan::Plan;
use super::access::{Access, Identity, ItemBytes, ItemReader, RecordReader, RecordWriter};
use super::error::Mismatch;
use super::match_layout::Conversion;
use super::model::RecordLayout;
use crate::abi::DataModel;
use crate::layout::{Dialect, Layout, LayoutError};

/// A struct that items of a buffer can be decoded to and encoded from.
///
/// The derive macro (feature `derive`) implements the trait for structs with named fields and for tuple structs. The
/// struct may be `repr(C)`, packed, or have Rust's default representation:
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
/// | attribute | position | meaning |
/// |--|--|--|
/// | `#[record(rename = "x y")]` | a field | The name of the field in the format. |
/// | `#[record(endian = "big")]` | a field or the struct | The byte order in [`FORMAT`](Self::FORMAT). Values of the struct are always native. |
/// | `#[record(skip)]` | a field | The format does not contain the field, or has padding if the struct is `repr(C)`. Decoding sets the field to `Default::default()`. |
/// | `#[record(plain)]` | a `repr(C)` struct | The struct must implement `bytemuck::AnyBitPattern`. Items of the same layout are copied as bytes. |
///
/// # What does not compile
/// A struct with type parameters, because its format would depend on the types:
/// ```compile_fail
/// #[derive(pep3118::Record)]
/// struct Pair<T> { a: T, b: T }
/// ```
/// A struct with a lifetime, because a record owns its values:
/// ```compile_fail
/// #[derive(pep3118::Record)]
/// struct Borrowed<'a> { a: &'a u8 }
/// ```
/// An enum, a union, or a struct without fields:
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
/// An unknown attribute, an unknown byte order, or a name with a colon. A colon ends a name in a format:
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
/// Two fields with the same name, or a field of a type that formats do not have:
/// ```compile_fail
/// #[derive(pep3118::Record)]
/// struct Twice { a: u8, #[record(rename = "a")] b: u8 }
/// ```
/// ```compile_fail
/// #[derive(pep3118::Record)]
/// struct Owned { a: String }
/// ```
/// `plain` for a struct that is not `repr(C)`, or with a field type that has invalid bit patterns, such as `bool`:
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
pub trait Record: Sized + 'static {
    /// The layout of the struct.
    const LAYOUT: RecordLayout;

    /// The format of the struct. The meaning of the format does not depend on the dialect, because all padding is
    /// explicit and every value has a byte order.
    const FORMAT: &'static str;

    /// Decodes the struct from the item `source`. The struct starts `at` bytes after the start of the outermost struct.
    /// `source` converts this offset to an offset in the item. The derive macro generates this function.
    #[doc(hidden)]
    fn load<S: RecordReader>(source: S, at: usize) -> Self;

    /// Encodes the struct into the item `target`. The struct starts `at` bytes after the start of the outermost struct.
    /// `target` converts this offset to an offset in the item. The derive macro generates this function.
    #[doc(hidden)]
    fn store<R: RecordWriter>(&self, target: &mut R, at: usize);

    /// Decodes `items`, the bytes of adjacent items with this [`LAYOUT`](Self::LAYOUT) and native byte order, and
    /// appends the structs to `records`. The derive macro generates this function.
    #[doc(hidden)]
    fn load_all(items: &[u8], records: &mut Vec<Self>) {
        load_each(items, Self::LAYOUT.size, records, Identity);
    }

    /// Returns the layout of [`FORMAT`](Self::FORMAT) on this machine.
    ///
    /// # Errors
    /// - records are nested deeper than a format permits, see [`Format::parse`](crate::Format::parse)
    fn layout() -> Result<Layout, LayoutError> {
        Layout::read(Self::FORMAT.as_bytes(), &Dialect::PEP3118, &DataModel::HOST)
    }

    /// Returns an error if items of `layout` cannot be decoded to this struct. The layout and the struct must have the
    /// same field names, in any order. Fields of the same name must have the same type and shape. Offsets and byte
    /// orders may differ. If the layout or the struct has no names, fields are compared by position.
    ///
    /// # Errors
    /// - a field is missing in the layout or in the struct: `T{<i:a:}` for a struct with the fields `a` and `b`
    /// - the types differ: `T{<h:a:}` for a struct whose `a` is an `i32` (numbers are not widened)
    /// - [`Plan::new`] cannot compile `layout`: [`Mismatch::Layout`]
    fn matches(layout: &Layout) -> Result<(), Mismatch> {
        let plan = Plan::new(layout).map_err(Mismatch::Layout)?;
        Conversion::new(&plan, &Self::LAYOUT).map(|_| ())
    }
}

/// Decodes `items`, the bytes of adjacent items of `itemsize` bytes, field by field. Appends the structs to `records`.
/// `access` maps offsets in the struct to offsets in an item.
#[inline(always)]
pub(super) fn load_each<T: Record>(items: &[u8], itemsize: usize, records: &mut Vec<T>, access: impl Access) {
    load_items(items.chunks_exact(itemsize.max(1)), records, access);
}

/// Decodes each of `items` field by field, and appends the structs to `records`. `access` maps offsets in the struct to
/// offsets in an item.
#[inline(always)]
pub(super) fn load_items<T: Record, I: ItemBytes>(
    items: impl Iterator<Item = I>,
    records: &mut Vec<T>,
    access: impl Access,
) {
    records.extend(items.map(|item| T::load(ItemReader(item, access), 0)));
}

/// Copies `items` to structs as bytes, and appends the structs to `records`. `items` must be the bytes of adjacent
/// items that have the same layout as `T` in memory. Used by the derive macro.
#[doc(hidden)]
#[inline]
pub fn load_plain<T: Record + bytemuck::AnyBitPattern>(items: &[u8], records: &mut Vec<T>) {
    match bytemuck::try_cast_slice::<u8, T>(items) {
        Ok(items) => records.extend_from_slice(items),
        // `items` is not aligned for the type `T`, so each item is copied separately.
        Err(_) => records.extend(items.chunks_exact(size_of::<T>().max(1)).map(bytemuck::pod_read_unaligned::<T>)),
    }
}

/// Selects the method by which the code of the derive macro decodes structs of type `T`. If `T` is
/// `bytemuck::AnyBitPattern`, items are copied as bytes. Otherwise items are decoded field by field. A macro itself
/// cannot test whether a type implements a trait.
///
/// The derive macro calls `load_all` on a `&LoadSelector<T>`. [`ByCopy`] and [`ByField`] both have this method. If `T`
/// is `bytemuck::AnyBitPattern`, the compiler selects the method of [`ByCopy`], because a call of this method needs one
/// automatic reference less. Otherwise the compiler selects the method of [`ByField`].
#[doc(hidden)]
#[derive(Debug)]
pub struct LoadSelector<T>(PhantomData<fn() -> T>);

impl<T> LoadSelector<T> {
    /// Creates a selector for the type `T`.
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

/// Decodes structs of type `T` by copying bytes, see [`LoadSelector`].
#[doc(hidden)]
pub trait ByCopy<T> {
    /// Decodes `items`, the bytes of adjacent items, and appends the structs to `records`.
    fn load_all(&self, items: &[u8], records: &mut Vec<T>);
}

impl<T: Record + bytemuck::AnyBitPattern> ByCopy<T> for LoadSelector<T> {
    #[inline]
    fn load_all(&self, items: &[u8], records: &mut Vec<T>) {
        load_plain(items, records);
    }
}

/// Decodes structs of type `T` field by field, see [`LoadSelector`].
#[doc(hidden)]
pub trait ByField<T> {
    /// Decodes `items`, the bytes of adjacent items, and appends the structs to `records`.
    fn load_all(&self, items: &[u8], records: &mut Vec<T>);
}

impl<T: Record> ByField<T> for &LoadSelector<T> {
    #[inline]
    fn load_all(&self, items: &[u8], records: &mut Vec<T>) {
        load_each(items, T::LAYOUT.size, records, Identity);
    }
}
