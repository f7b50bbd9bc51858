//! The layout of a struct as constants: what [`Layout`](crate::Layout) is for a format.

use super::super::element::{Element, sealed};
use super::super::scalar::ScalarCodec;
use super::access::{RecordReader, RecordWriter};
use crate::endian::Endian;

/// The layout of a struct as C has it on this machine.
///
/// It is a constant, so it borrows its fields; a [`Layout`](crate::Layout) owns vectors and cannot be one. For a struct that
/// is not `repr(C)` it is the layout that the struct would have if it were.
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
    /// Whether values of the struct have this layout in memory: it and all in it are `repr(C)`, no field is skipped.
    pub(super) in_memory: bool,
    pub(super) fields: &'static [FieldLayout],
}

impl RecordLayout {
    /// Makes the layout of a struct whose last field is at `last`. For the derive.
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

    /// Returns the size of an item in bytes.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.size
    }

    /// Returns the alignment in bytes.
    #[must_use]
    pub const fn align(&self) -> usize {
        self.align
    }

    /// Returns the fields in the order of the struct, without those that are skipped.
    #[must_use]
    pub const fn fields(&self) -> &'static [FieldLayout] {
        self.fields
    }
}

/// A field of a [`RecordLayout`].
#[derive(Clone, Copy, Debug)]
pub struct FieldLayout {
    pub(super) name: Option<&'static str>,
    pub(super) offset: usize,
    pub(super) endian: Option<Endian>,
    pub(super) member: MemberLayout,
}

impl FieldLayout {
    /// Makes the layout of the field at the cursor. For the derive.
    #[doc(hidden)]
    #[must_use]
    pub const fn new<T: RecordField>(name: Option<&'static str>, cursor: FieldCursor, endian: Option<Endian>) -> Self {
        Self { name, offset: cursor.offset, endian, member: T::MEMBER }
    }

    /// Returns the name in the format; `None` for a field of a tuple struct.
    #[must_use]
    pub const fn name(&self) -> Option<&'static str> {
        self.name
    }

    /// Returns the offset in bytes from the start of the struct.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Returns the size in bytes, of all elements if it is an array.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.member.size
    }
}

/// The layout of the type of a field.
#[derive(Clone, Copy, Debug)]
pub struct MemberLayout {
    pub(super) size: usize,
    pub(super) align: usize,
    /// As [`RecordLayout::in_memory`].
    pub(super) in_memory: bool,
    pub(super) kind: MemberKind,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum MemberKind {
    Value(ValueLayout),
    Array { of: &'static MemberLayout, len: usize },
    Record(&'static [FieldLayout]),
}

/// The layout of a type that is one value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ValueLayout {
    pub(super) code: &'static str,
    /// The name in messages.
    pub(super) name: &'static str,
    /// Bytes that are reversed together.
    pub(super) unit: usize,
    /// Whether an array of values is one string, whose length is the count of the code.
    pub(super) is_string: bool,
    pub(super) check: Check,
    pub(super) accepts: fn(&ScalarCodec) -> bool,
}

/// The bytes that are values of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// All bytes.
    All,
    /// 0 and 1.
    Bool,
    /// The code points that Unicode characters have.
    Char,
}

impl MemberLayout {
    /// Makes the layout of a value of an element type.
    pub(super) const fn value<T: Element>(code: &'static str, unit: usize, is_string: bool, check: Check) -> Self {
        let accepts = <T as sealed::ElementType>::accepts;
        let name = match check {
            Check::Char => "ucs4",
            Check::All | Check::Bool => <T as sealed::ElementType>::NAME,
        };
        let value = ValueLayout { code, name, unit, is_string, check, accepts };
        Self { size: size_of::<T>(), align: align_of::<T>(), in_memory: true, kind: MemberKind::Value(value) }
    }

    /// Makes the layout of a record.
    pub(super) const fn record(layout: RecordLayout) -> Self {
        let RecordLayout { size, align, in_memory, fields } = layout;
        Self { size, align, in_memory, kind: MemberKind::Record(fields) }
    }
}

/// The type of a field: a value, an array or a record.
///
/// Numbers, `bool`, `char`, arrays of such types and every [`Record`](super::Record) implement it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field of a record",
    note = "fields are numbers, `bool`, `char`, `half::f16`, `num_complex::Complex`, arrays and records",
    note = "`#[record(skip)]` leaves a field out"
)]
pub trait RecordField: Sized {
    /// The layout of the type.
    #[doc(hidden)]
    const MEMBER: MemberLayout;

    /// Reads the value at a byte of the struct.
    #[doc(hidden)]
    fn load<S: RecordReader>(source: S, at: usize) -> Self;

    /// Writes the value at a byte of the struct.
    #[doc(hidden)]
    fn store<R: RecordWriter>(&self, target: &mut R, at: usize);
}

/// The position of a field in a struct by the rules of C. For the derive, which starts before the first field and moves on
/// from field to field.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct FieldCursor {
    offset: usize,
    end: usize,
    align: usize,
    packed: Option<usize>,
}

impl FieldCursor {
    /// Starts before the first field of a struct that is `packed` to an alignment in bytes.
    #[must_use]
    pub const fn start(packed: Option<usize>) -> Self {
        Self { offset: 0, end: 0, align: 1, packed }
    }

    /// Moves on to the next field.
    #[must_use]
    pub const fn next<T: RecordField>(self) -> Self {
        self.skip(T::MEMBER.size, T::MEMBER.align)
    }

    /// Moves on to the next field, of any type.
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

const fn larger(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}

/// Rounds up to a multiple of a power of two.
const fn round_up(offset: usize, align: usize) -> usize {
    offset.saturating_add(offset.wrapping_neg() & align.wrapping_sub(1))
}
