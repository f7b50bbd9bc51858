//! C types, and their sizes and alignments in a data model: [`CType`].

use super::model::DataModel;
use crate::align::Align;

/// A C type that a format character can have.
///
/// ```
/// use pep3118::{CType, DataModel};
/// assert_eq!(DataModel::LP64.size_of(CType::Long), 8);
/// assert_eq!(DataModel::LLP64.size_of(CType::Long), 4);
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CType {
    /// `char`, `signed char`, `unsigned char`, `_Bool`: one byte.
    Char,
    /// `short`
    Short,
    /// `int`
    Int,
    /// `long`
    Long,
    /// `long long`
    LongLong,
    /// `size_t` and `ssize_t`
    SizeT,
    /// Any pointer.
    Pointer,
    /// `_Float16`
    Half,
    /// `float`
    Float,
    /// `double`
    Double,
    /// `long double`
    LongDouble,
    /// `wchar_t`
    Wchar,
}

impl CType {
    /// The results of a function for all types, each at the [`index`](Self::index) of its type.
    #[inline]
    pub(crate) fn table<T>(of: impl Fn(Self) -> T) -> [T; 12] {
        [
            of(Self::Char),
            of(Self::Short),
            of(Self::Int),
            of(Self::Long),
            of(Self::LongLong),
            of(Self::SizeT),
            of(Self::Pointer),
            of(Self::Half),
            of(Self::Float),
            of(Self::Double),
            of(Self::LongDouble),
            of(Self::Wchar),
        ]
    }

    /// The index of the type in a [`table`](Self::table).
    #[inline]
    #[expect(clippy::as_conversions, reason = "the discriminants are 0 to 11")]
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl DataModel {
    /// Returns the size of a C type in bytes.
    ///
    /// ```
    /// use pep3118::{CType, DataModel};
    /// assert_eq!(DataModel::LP64.size_of(CType::Long), 8);
    /// assert_eq!(DataModel::LLP64.size_of(CType::Long), 4);
    /// ```
    #[must_use]
    #[inline]
    pub const fn size_of(&self, ty: CType) -> u64 {
        match ty {
            CType::Char => 1,
            CType::Short | CType::Half => 2,
            CType::Int | CType::Float => 4,
            CType::LongLong | CType::Double => 8,
            CType::Long => self.long,
            CType::SizeT | CType::Pointer => self.pointer,
            CType::LongDouble => self.long_double.size,
            CType::Wchar => self.wchar,
        }
    }

    /// Returns the alignment of a C type as the member of a C structure.
    ///
    /// A type whose size is also its alignment, such as `long`, has alignment 1 in a model where that size is not a
    /// power of two.
    ///
    /// ```
    /// use pep3118::{CType, DataModel};
    /// assert_eq!(DataModel::LP64.align_of(CType::Double).bytes(), 8);
    /// assert_eq!(DataModel::I386.align_of(CType::Double).bytes(), 4);
    /// ```
    #[must_use]
    #[inline]
    pub const fn align_of(&self, ty: CType) -> Align {
        let size = match ty {
            CType::Char => return Align::ONE,
            CType::Short | CType::Half => return Align::TWO,
            CType::Int | CType::Float => return Align::FOUR,
            CType::LongLong => return self.long_long_align,
            CType::Double => return self.double_align,
            CType::LongDouble => return self.long_double.align,
            CType::Long => self.long,
            CType::SizeT | CType::Pointer => self.pointer,
            CType::Wchar => self.wchar,
        };
        match Align::new(size) {
            Some(align) => align,
            None => Align::ONE,
        }
    }
}
