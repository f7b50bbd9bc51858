//! A struct as a constant: what [`Layout`](crate::Layout) is for a format.

use super::super::element::{Element, sealed};
use super::super::scalar::ScalarCodec;
use super::member::RecordField;
use crate::endian::Endian;

/// How a struct lies in a buffer: as C lays it out on this machine.
///
/// It is a constant, so it borrows its fields; [`Layout`](crate::Layout) owns vectors and cannot be
/// one. For a struct that is not `repr(C)` it is the layout that it would have if it were.
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
    /// Whether the struct lies in memory as described: it and all in it are `repr(C)`, nothing is skipped.
    pub(super) in_memory: bool,
    pub(super) fields: &'static [FieldLayout],
}

impl RecordLayout {
    /// The struct whose last field ends at `end`. For the derive.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(end: Place, align: Option<usize>, in_memory: bool, fields: &'static [FieldLayout]) -> Self {
        let align = match align {
            Some(align) => larger(align, end.align),
            None => end.align,
        };
        let (mut in_memory, mut rest) = (in_memory, fields);
        while let [field, tail @ ..] = rest {
            in_memory &= field.member.in_memory;
            rest = tail;
        }
        Self { size: round_up(end.end, align), align, in_memory, fields }
    }

    /// The size of an item in bytes.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.size
    }

    /// The alignment in bytes.
    #[must_use]
    pub const fn align(&self) -> usize {
        self.align
    }

    /// The fields in the order of the struct, those that are skipped left out.
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
    /// The field at a place. For the derive.
    #[doc(hidden)]
    #[must_use]
    pub const fn new<T: RecordField>(name: Option<&'static str>, place: Place, endian: Option<Endian>) -> Self {
        Self { name, offset: place.offset, endian, member: T::MEMBER }
    }

    /// The name in the format; `None` for a field of a tuple struct.
    #[must_use]
    pub const fn name(&self) -> Option<&'static str> {
        self.name
    }

    /// The offset in bytes from the start of the struct.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// The size in bytes, of all elements if it is an array.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.member.size
    }
}

/// The type of a field.
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

/// A type that is one value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ValueLayout {
    pub(super) code: &'static str,
    /// For messages.
    pub(super) name: &'static str,
    /// Bytes that are swapped together.
    pub(super) unit: usize,
    /// An array of them is one string: its length is the count of the code.
    pub(super) is_string: bool,
    pub(super) check: Check,
    pub(super) accepts: fn(&ScalarCodec) -> bool,
}

/// Which bytes are values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    All,
    Bool,
    Char,
}

impl MemberLayout {
    /// A value of an element's type.
    pub(super) const fn value<T: Element>(code: &'static str, unit: usize, is_string: bool, check: Check) -> Self {
        let accepts = <T as sealed::Element>::accepts;
        let name = match check {
            Check::Char => "ucs4",
            Check::All | Check::Bool => <T as sealed::Element>::NAME,
        };
        let value = ValueLayout { code, name, unit, is_string, check, accepts };
        Self { size: size_of::<T>(), align: align_of::<T>(), in_memory: true, kind: MemberKind::Value(value) }
    }

    pub(super) const fn record(layout: RecordLayout) -> Self {
        let RecordLayout { size, align, in_memory, fields } = layout;
        Self { size, align, in_memory, kind: MemberKind::Record(fields) }
    }
}

/// Where a field lies, by the rules of C. For the derive.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Place {
    offset: usize,
    end: usize,
    align: usize,
    packed: Option<usize>,
}

impl Place {
    /// Before the first field of a struct that is `packed` to so many bytes.
    #[must_use]
    pub const fn start(packed: Option<usize>) -> Self {
        Self { offset: 0, end: 0, align: 1, packed }
    }

    /// The next field.
    #[must_use]
    pub const fn next<T: RecordField>(self) -> Self {
        self.skip(T::MEMBER.size, T::MEMBER.align)
    }

    /// The next field, of a type that need not be known.
    #[must_use]
    pub const fn skip(self, size: usize, align: usize) -> Self {
        let align = match self.packed {
            Some(packed) if packed < align => packed,
            _ => align,
        };
        let offset = round_up(self.end, align);
        Self { offset, end: offset.saturating_add(size), align: larger(self.align, align), packed: self.packed }
    }

    /// In bytes from the start of the struct.
    #[must_use]
    #[inline(always)]
    pub const fn offset(self) -> usize {
        self.offset
    }
}

const fn larger(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}

/// The next multiple of a power of two.
const fn round_up(offset: usize, align: usize) -> usize {
    offset.saturating_add(offset.wrapping_neg() & align.wrapping_sub(1))
}
