//! C types: [`CType`], and functions that return the size and the alignment of a C type on a machine.

use super::model::DataModel;
use crate::align::Align;

/// The C type of a format character. A signed type and its unsigned type are one variant, because the two types have
/// the same size and alignment.
///
/// ```
/// use pep3118::{CType, DataModel};
/// assert_eq!(DataModel::LP64.size_of(CType::Long), 8);
/// assert_eq!(DataModel::LLP64.size_of(CType::Long), 4);
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum CType {
    /// `char`, `signed char`, `unsigned char` and `_Bool`, which have one byte.
    Char,
    /// `short` and `unsigned short`
    Short,
    /// `int` and `unsigned int`
    Int,
    /// `long` and `unsigned long`
    Long,
    /// `long long` and `unsigned long long`
    LongLong,
    /// `size_t` and `ssize_t`
    SizeT,
    /// Every pointer type.
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
    /// Calls `function` once for each variant, and returns the results. The result for the variant `ty` has the index
    /// `ty.index()`.
    #[inline]
    pub(crate) fn table<T>(function: impl Fn(Self) -> T) -> [T; 12] {
        [
            function(Self::Char),
            function(Self::Short),
            function(Self::Int),
            function(Self::Long),
            function(Self::LongLong),
            function(Self::SizeT),
            function(Self::Pointer),
            function(Self::Half),
            function(Self::Float),
            function(Self::Double),
            function(Self::LongDouble),
            function(Self::Wchar),
        ]
    }

    /// Returns the index of the variant in the result of [`table`](Self::table): 0 for `Char`, 1 for `Short`.
    #[inline]
    #[expect(clippy::as_conversions, reason = "the discriminants are 0 to 11")]
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl DataModel {
    /// Returns the size of the C type `ty` in bytes.
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

    /// Returns the alignment of a structure member of the C type `ty`.
    ///
    /// `long`, pointers and `wchar_t` are aligned to their size. If the size is not a power of two, the alignment is 1
    /// byte. Only a data model that the caller builds can have such a size.
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
