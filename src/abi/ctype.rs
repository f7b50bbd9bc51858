//! The C types whose weight depends on the machine.

use super::model::DataModel;
use crate::extent::Align;

/// A C type that a format character can stand for.
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

impl DataModel {
    /// The size of a C type in bytes.
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

    /// The alignment of a C type, as the members of a C structure have it.
    ///
    /// ```
    /// use pep3118::{CType, DataModel};
    /// assert_eq!(DataModel::LP64.align_of(CType::Double).bytes(), 8);
    /// assert_eq!(DataModel::I386.align_of(CType::Double).bytes(), 4);
    /// ```
    #[must_use]
    #[inline]
    pub const fn align_of(&self, ty: CType) -> Align {
        let bytes = match ty {
            CType::LongLong => return self.long_long_align,
            CType::Double => return self.double_align,
            CType::LongDouble => return self.long_double.align,
            _ => self.size_of(ty),
        };
        match Align::new(bytes) {
            Some(align) => align,
            // A model made by hand with, say, a pointer of 3 bytes: its type has no alignment.
            None => Align::ONE,
        }
    }
}
