//! [`RecordLayout`]: the layout of a struct, as a constant, with a [`FieldLayout`] for each field. [`RecordField`]: the
//! trait of the types that a field can have. [`MemberLayout`]: the layout of such a type. [`FieldCursor`]: computes the
//! offsets of fields by the rules of C.

#[cfg(feature = "pyo3")]
use alloc::{format, string::String};
#[cfg(feature = "pyo3")]
use core::ops::Range;

use super::super::element::{Element, sealed};
use super::super::scalar::ScalarCodec;
use super::access::{RecordReader, RecordWriter};
use crate::endian::Endian;

/// The layout of a struct by the rules of C on this machine.
///
/// A `RecordLayout` borrows its fields, because a constant cannot own vectors as a [`Layout`](crate::Layout) does. If a
/// struct is not `repr(C)`, its `RecordLayout` is the layout that the struct would have with `repr(C)`.
///
#[cfg_attr(feature = "derive", doc = "```")]
#[cfg_attr(not(feature = "derive"), doc = "```ignore")]
/// use pep3118::Record;
/// #[derive(Record)]
/// struct Sample {
///     flag: bool,
///     value: f64,
/// }
/// assert_eq!((Sample::LAYOUT.size(), Sample::LAYOUT.align()), (16, 8));
/// assert_eq!(Sample::LAYOUT.fields()[1].offset(), 8);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RecordLayout {
    pub(super) size: usize,
    pub(super) align: usize,
    /// Whether values of the struct have this layout in memory. The value is true if the struct and all records inside
    /// the struct are `repr(C)`, and no field is skipped.
    pub(super) in_memory: bool,
    pub(super) fields: &'static [FieldLayout],
}

impl RecordLayout {
    /// Creates the layout of a struct. `last` is the position of the last field. `align` is the alignment in bytes of
    /// `repr(align)`, or `None` without this attribute. `in_memory` must be true if and only if the struct is `repr(C)`
    /// and no field is skipped. `fields` are the fields that are not skipped. Used by the derive macro.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(last: FieldCursor, align: Option<usize>, in_memory: bool, fields: &'static [FieldLayout]) -> Self {
        let align = match align {
            Some(align) => larger(align, last.align),
            None => last.align,
        };
        let (mut in_memory, mut rest) = (in_memory, fields);
        while let [field, tail @ ..] = rest {
            in_memory &= field.member.in_memory;
            rest = tail;
        }
        Self { size: round_up(last.end, align), align, in_memory, fields }
    }

    /// Returns the size of the struct in bytes, with the padding at its end.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.size
    }

    /// Returns the alignment of the struct in bytes.
    #[must_use]
    pub const fn align(&self) -> usize {
        self.align
    }

    /// Returns the fields in the order of the struct. Skipped fields are not included.
    #[must_use]
    pub const fn fields(&self) -> &'static [FieldLayout] {
        self.fields
    }
}

/// A field of a [`RecordLayout`].
///
#[cfg_attr(feature = "derive", doc = "```")]
#[cfg_attr(not(feature = "derive"), doc = "```ignore")]
/// use pep3118::Record;
/// #[derive(Record)]
/// struct Sample {
///     flag: bool,
///     value: f64,
/// }
/// let value = &Sample::LAYOUT.fields()[1];
/// assert_eq!((value.name(), value.offset(), value.size()), (Some("value"), 8, 8));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FieldLayout {
    pub(super) name: Option<&'static str>,
    pub(super) offset: usize,
    pub(super) endian: Option<Endian>,
    pub(super) member: MemberLayout,
}

impl FieldLayout {
    /// Creates the layout of the field of type `T` at the position `cursor`. `name` is the name in the format, or
    /// `None` for a field of a tuple struct without `rename`. `endian` is the byte order in the format, or `None` for
    /// the byte order of the struct. Used by the derive macro.
    #[doc(hidden)]
    #[must_use]
    pub const fn new<T: RecordField>(name: Option<&'static str>, cursor: FieldCursor, endian: Option<Endian>) -> Self {
        Self { name, offset: cursor.offset, endian, member: T::MEMBER }
    }

    /// Returns the name of the field in the format. Returns `None` for a field of a tuple struct without `rename`.
    #[must_use]
    pub const fn name(&self) -> Option<&'static str> {
        self.name
    }

    /// Returns the offset of the field in bytes from the start of the struct.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Returns the size of the field in bytes. For an array, this is the size of all elements.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.member.size
    }
}

/// The size, alignment and kind of the type of a field.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct MemberLayout {
    pub(super) size: usize,
    pub(super) align: usize,
    /// Whether values have this layout in memory, see [`RecordLayout::in_memory`].
    pub(super) in_memory: bool,
    pub(super) kind: MemberKind,
}

/// The kind of the type of a field: one value, an array or a struct.
#[derive(Clone, Copy, Debug)]
pub(crate) enum MemberKind {
    /// One value.
    Value(ValueLayout),
    /// An array of `len` elements.
    Array { element: &'static MemberLayout, len: usize },
    /// A struct with the given fields.
    Record(&'static [FieldLayout]),
}

/// The layout of a type that is one value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ValueLayout {
    /// The code of the type in a format, such as `i` or `Zd`.
    pub(super) code: &'static str,
    /// The name of the type in error messages, such as `int32`.
    pub(super) name: &'static str,
    /// The size of a unit in bytes. A unit is a number, a part of a complex number, or a `char`. A change of the byte
    /// order reverses the bytes of each unit separately.
    pub(super) unit: usize,
    /// Whether an array of the type is a string in the format: `5s` for `[u8; 5]`, `5w` for `[char; 5]`.
    pub(super) is_string: bool,
    /// The rule that decides which bytes are valid values.
    pub(super) check: Check,
    /// Returns whether values that the given codec decodes can be copied to this type.
    pub(super) accepts: fn(&ScalarCodec) -> bool,
}

/// The rule for the bytes that are valid values of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// All bytes are valid.
    All,
    /// Only the bytes 0 and 1 are valid in the memory of a struct, for `bool`. Decoding accepts every byte of an item.
    Bool,
    /// Only the code points from 0 to 0xD7FF and from 0xE000 to 0x10FFFF are valid, for `char`.
    Char,
}

impl MemberLayout {
    /// Creates the layout of a value of type `T`. The parameters `code`, `unit`, `is_string` and `check` become the
    /// fields of `ValueLayout` with these names.
    pub(super) const fn value<T: Element>(code: &'static str, unit: usize, is_string: bool, check: Check) -> Self {
        let accepts = <T as sealed::ElementType>::accepts;
        let name = match check {
            Check::Char => "ucs4",
            Check::All | Check::Bool => <T as sealed::ElementType>::NAME,
        };
        let value = ValueLayout { code, name, unit, is_string, check, accepts };
        Self { size: size_of::<T>(), align: align_of::<T>(), in_memory: true, kind: MemberKind::Value(value) }
    }

    /// Returns the size of a value in bytes.
    #[cfg(feature = "pyo3")]
    pub(crate) const fn size(&self) -> usize {
        self.size
    }

    /// Returns whether values in memory have the layout and the byte order that the format of the type declares. The
    /// result is `true` if every struct is `repr(C)`, no field is skipped, and every value has the byte order of this
    /// machine.
    #[cfg(feature = "pyo3")]
    pub(crate) const fn is_declared(&self) -> bool {
        if !self.in_memory {
            return false;
        }
        match self.kind {
            MemberKind::Value(_) => true,
            MemberKind::Array { element, .. } => element.is_declared(),
            MemberKind::Record(fields) => {
                let (mut declared, mut rest) = (true, fields);
                while let [field, tail @ ..] = rest {
                    declared &= matches!(
                        (field.endian, Endian::HOST),
                        (None, _) | (Some(Endian::Little), Endian::Little) | (Some(Endian::Big), Endian::Big)
                    );
                    declared &= field.member.is_declared();
                    rest = tail;
                }
                declared
            }
        }
    }

    /// Calls `each` with the range of every gap before, between and after the fields of a value. Includes the gaps in
    /// nested structs. `base` is the offset of the value in bytes from the start of the item. The ranges are also
    /// offsets from the start of the item.
    #[cfg(feature = "pyo3")]
    pub(crate) fn each_gap(&self, base: usize, each: &mut dyn FnMut(Range<usize>)) {
        match self.kind {
            MemberKind::Value(_) => {}
            MemberKind::Array { element, len } => {
                for index in 0..len {
                    element.each_gap(base.saturating_add(index.saturating_mul(element.size)), each);
                }
            }
            MemberKind::Record(fields) => {
                let mut end = base;
                for field in fields {
                    let start = base.saturating_add(field.offset);
                    if start > end {
                        each(end..start);
                    }
                    field.member.each_gap(start, each);
                    end = start.saturating_add(field.member.size);
                }
                let last = base.saturating_add(self.size);
                if last > end {
                    each(end..last);
                }
            }
        }
    }

    /// Finds the first invalid value in `item`, which has the bytes of a value of this type in native byte order.
    /// Returns the dotted name of the field, the bytes of the invalid value as an integer, and the Rust type of the
    /// field. Returns `None` if all values are valid. Ignores values past the end of `item`. Values of numbers are
    /// always valid.
    #[cfg(feature = "pyo3")]
    pub(crate) fn invalid_value(&self, item: &[u8]) -> Option<(String, u32, &'static str)> {
        match self.kind {
            MemberKind::Value(value) => {
                let found = match value.check {
                    Check::All => return None,
                    Check::Bool => (u32::from(*item.first()?), "bool"),
                    Check::Char => (u32::from_ne_bytes(*item.first_chunk()?), "char"),
                };
                let valid = if value.check == Check::Bool { found.0 <= 1 } else { char::from_u32(found.0).is_some() };
                (!valid).then(|| (String::new(), found.0, found.1))
            }
            MemberKind::Array { element, len } => (0..len).find_map(|index| {
                let (name, value, ty) = element.invalid_value(item.get(index.checked_mul(element.size)?..)?)?;
                let dot = if name.is_empty() { "" } else { "." };
                Some((format!("[{index}]{dot}{name}"), value, ty))
            }),
            MemberKind::Record(fields) => fields.iter().enumerate().find_map(|(index, field)| {
                let (name, value, ty) = field.member.invalid_value(item.get(field.offset..)?)?;
                let own = field.name.map_or_else(|| format!("f{index}"), String::from);
                let dot = if name.is_empty() || name.starts_with('[') { "" } else { "." };
                Some((format!("{own}{dot}{name}"), value, ty))
            }),
        }
    }

    /// Creates the layout of a field whose type is a struct with the layout `layout`.
    pub(super) const fn record(layout: RecordLayout) -> Self {
        let RecordLayout { size, align, in_memory, fields } = layout;
        Self { size, align, in_memory, kind: MemberKind::Record(fields) }
    }
}

/// A type that a field of a record can have.
///
/// Numbers, `bool`, `char`, arrays of such types and every [`Record`](super::Record) implement this trait.
///
#[cfg_attr(feature = "derive", doc = "```")]
#[cfg_attr(not(feature = "derive"), doc = "```ignore")]
/// /// A field can be an array of records.
/// #[derive(pep3118::Record)]
/// struct Line {
///     ends: [Point; 2],
/// }
/// #[derive(pep3118::Record)]
/// struct Point {
///     x: f32,
///     y: f32,
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field of a record",
    note = "fields are numbers, `bool`, `char`, `half::f16`, `num_complex::Complex`, arrays and records",
    note = "`#[record(skip)]` leaves a field out"
)]
pub trait RecordField: Sized {
    /// The layout of the type.
    #[doc(hidden)]
    const MEMBER: MemberLayout;

    /// Decodes a value of this type from `source`. The value starts `at` bytes after the start of the struct. `source`
    /// converts this offset to an offset in the item.
    #[doc(hidden)]
    fn load<S: RecordReader>(source: S, at: usize) -> Self;

    /// Encodes this value into `target`. The value starts `at` bytes after the start of the struct. `target` converts
    /// this offset to an offset in the item.
    #[doc(hidden)]
    fn store<R: RecordWriter>(&self, target: &mut R, at: usize);
}

/// The position of a field in a struct by the rules of C. The derive macro starts before the first field, and advances
/// the cursor to each field.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct FieldCursor {
    /// The offset of the current field in bytes from the start of the struct.
    offset: usize,
    /// The offset in bytes after the current field.
    end: usize,
    /// The largest alignment of a field so far, in bytes.
    align: usize,
    /// The largest alignment in bytes that `repr(packed)` permits.
    packed: Option<usize>,
}

impl FieldCursor {
    /// Creates a cursor before the first field. `packed` is the largest alignment of a field in bytes that
    /// `repr(packed)` permits, or `None` without this attribute.
    #[must_use]
    pub const fn start(packed: Option<usize>) -> Self {
        Self { offset: 0, end: 0, align: 1, packed }
    }

    /// Returns the position of the field of type `T` that follows the current field.
    #[must_use]
    pub const fn next<T: RecordField>(self) -> Self {
        self.skip(T::MEMBER.size, T::MEMBER.align)
    }

    /// Returns the position of the field that follows the current field. The following field has `size` bytes and an
    /// alignment of `align` bytes. The derive macro calls this function for skipped fields.
    #[must_use]
    pub const fn skip(self, size: usize, align: usize) -> Self {
        let align = match self.packed {
            Some(packed) if packed < align => packed,
            _ => align,
        };
        let offset = round_up(self.end, align);
        Self { offset, end: offset.saturating_add(size), align: larger(self.align, align), packed: self.packed }
    }

    /// Returns the offset of the field in bytes from the start of the struct.
    #[must_use]
    #[inline(always)]
    pub const fn offset(self) -> usize {
        self.offset
    }
}

/// Returns the larger of the numbers `a` and `b`. `Ord::max` is not a constant function.
const fn larger(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}

/// Rounds `offset` up to a multiple of `align`, which must be a power of two.
const fn round_up(offset: usize, align: usize) -> usize {
    offset.saturating_add(offset.wrapping_neg() & align.wrapping_sub(1))
}
