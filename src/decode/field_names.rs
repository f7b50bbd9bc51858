//! [`FieldNames`]: the argument that selects the fields that a function copies to columns, by name or all.

use alloc::vec::Vec;
use core::ops::RangeFull;

/// The names of the fields that a function copies, or all fields.
///
/// | value | fields |
/// |--|--|
/// | `["price", "size"]`, `[b"price"]`, a slice or a vector of names | the fields with these dotted names, see [`Leaf::name`](super::Leaf::name) |
/// | `..` or `None` | all leaf fields in the order of the format |
///
/// This trait is sealed: other crates cannot implement it.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout, decode::{ColumnData, Plan}};
/// let plan = Plan::new(&Layout::read("T{<H:a:T{<f:x:<f:y:}:at:}", &Dialect::PEP3118, &DataModel::LP64)?)?;
/// let item = [7, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/// assert_eq!(plan.columns(&item, ["a"])?[0].data, ColumnData::UInt16(vec![7]));
/// assert_eq!(plan.columns(&item, ["at.y", "at.x"])?[0].name, b"at.y");
/// assert_eq!(plan.columns(&item, ..)?.len(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait FieldNames: sealed::Sealed {}

impl<T: sealed::Sealed + ?Sized> FieldNames for T {}

pub(super) mod sealed {
    use super::Vec;

    /// The operation of [`FieldNames`](super::FieldNames), which only this crate implements.
    pub trait Sealed {
        /// Returns the names, or `None` for all fields.
        fn names(&self) -> Option<Vec<&[u8]>>;
    }
}

use sealed::Sealed;

impl<N: AsRef<[u8]>> Sealed for [N] {
    fn names(&self) -> Option<Vec<&[u8]>> {
        Some(self.iter().map(AsRef::as_ref).collect())
    }
}

impl<N: AsRef<[u8]>, const LEN: usize> Sealed for [N; LEN] {
    fn names(&self) -> Option<Vec<&[u8]>> {
        self.as_slice().names()
    }
}

impl<N: AsRef<[u8]>> Sealed for Vec<N> {
    fn names(&self) -> Option<Vec<&[u8]>> {
        self.as_slice().names()
    }
}

impl<T: Sealed + ?Sized> Sealed for &T {
    fn names(&self) -> Option<Vec<&[u8]>> {
        (**self).names()
    }
}

impl Sealed for RangeFull {
    fn names(&self) -> Option<Vec<&[u8]>> {
        None
    }
}

impl Sealed for Option<&[&[u8]]> {
    fn names(&self) -> Option<Vec<&[u8]>> {
        self.map(<[&[u8]]>::to_vec)
    }
}
