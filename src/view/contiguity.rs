//! `Order`: the order of items in memory. `Contiguity`: the reason why a buffer counts as contiguous. This module also
//! tests whether items are contiguous, and computes the strides of contiguous arrays.

use core::fmt;

use super::dim_vec::{DimVec, copied_sizes};
use super::raw::RawView;
use super::request::Structure;
use super::rules::RuleId;
use crate::named::named_enum;

named_enum! {
    /// The order of contiguous items in memory.
    ///
    /// ```
    /// use pep3118::{Order, RawView};
    /// let raw = RawView { len: 24, itemsize: 4, ndim: 2, shape: Some(&[2, 3]), strides: Some(&[4, 8]), ..RawView::default() };
    /// assert!(raw.is_contiguous(Order::Fortran) && raw.is_contiguous(Order::Any) && !raw.is_contiguous(Order::C));
    /// ```
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum Order {
        /// The last index varies fastest: CPython's `'C'`.
        C = "C",
        /// The first index varies fastest: CPython's `'F'`.
        Fortran = "Fortran",
        /// Either C or Fortran order: CPython's `'A'`.
        Any = "any",
    }
}

impl RawView<'_> {
    /// Returns whether the items are contiguous in `order`. This method does not validate the fields.
    ///
    /// The result is that of `PyBuffer_IsContiguous`:
    /// - memory with suboffsets is never contiguous (C01, suboffsets)
    /// - memory with `len` 0 is always contiguous (C02, length 0)
    /// - memory with NULL strides is C-contiguous (C03, NULL strides)
    /// - the stride of a dimension of one item is ignored (C04, relaxed strides)
    ///
    /// ```
    /// use pep3118::{Order, RawView};
    /// let raw = RawView {
    ///     len: 12, itemsize: 4, ndim: 2, shape: Some(&[3, 1]), strides: Some(&[4, 999]), ..RawView::default()
    /// };
    /// assert!(raw.is_contiguous(Order::C) && raw.is_contiguous(Order::Fortran));
    /// let reversed = RawView { len: 12, itemsize: 4, ndim: 1, shape: Some(&[3]), strides: Some(&[-4]), ..raw };
    /// assert!(!reversed.is_contiguous(Order::Any));
    /// ```
    ///
    /// Spec: CPython `Doc/c-api/buffer.rst`, `PyBuffer_IsContiguous`; `Objects/abstract.c`.
    #[must_use]
    pub fn is_contiguous(&self, order: Order) -> bool {
        if self.suboffsets.is_some() {
            return false;
        }
        if self.len == 0 {
            return true;
        }
        // The protocol requires a shape whenever strides are present (B08, arrays of `STRIDES`). If `raw` has strides
        // but no shape, no stride is compared.
        let shape = self.shape.unwrap_or_default();
        match (self.strides, order) {
            (None, Order::C | Order::Any) => true,
            (None, Order::Fortran) => {
                self.ndim <= 1 || (self.shape.is_some() && shape.iter().filter(|length| **length > 1).count() <= 1)
            }
            (Some(strides), order) => has_order(shape, strides, self.itemsize, order),
        }
    }
}

impl Structure {
    /// Returns the order that this structural flag guarantees: `Order::C` for `C_CONTIGUOUS`. Returns `None` unless
    /// the flag is one of the three contiguity flags.
    pub(crate) const fn contiguity(self) -> Option<Order> {
        match self {
            Self::CContiguous => Some(Order::C),
            Self::FContiguous => Some(Order::Fortran),
            Self::AnyContiguous => Some(Order::Any),
            Self::Simple | Self::Nd | Self::Strides | Self::Indirect => None,
        }
    }
}

/// Returns whether an array with `shape` and `strides` is contiguous in `order`. `strides` and `itemsize` are in
/// bytes. Ignores the strides of dimensions of at most one item (C04, relaxed strides).
pub(crate) fn has_order(shape: &[i64], strides: &[i64], itemsize: i64, order: Order) -> bool {
    let axes = shape.iter().zip(strides);
    match order {
        Order::C => are_adjacent(axes.rev(), itemsize, UnitStrides::Ignored),
        Order::Fortran => are_adjacent(axes, itemsize, UnitStrides::Ignored),
        Order::Any => {
            are_adjacent(axes.clone().rev(), itemsize, UnitStrides::Ignored)
                || are_adjacent(axes, itemsize, UnitStrides::Ignored)
        }
    }
}

/// The rule for the strides of dimensions of at most one item, when strides are compared with those of a contiguous
/// array.
#[derive(Clone, Copy, PartialEq, Eq)]
enum UnitStrides {
    /// A dimension of at most one item can have any stride.
    Ignored,
    /// A dimension of at most one item must have the stride of a contiguous array.
    Compared,
}

/// Returns whether the items are contiguous: the stride of each dimension must be the product of `itemsize` and the
/// lengths of all dimensions before it in `axes`.
///
/// `axes` yields the length and the stride (in bytes) of each dimension, starting with the dimension whose index
/// varies fastest. `itemsize` is in bytes. `unit` is the rule for dimensions of at most one item.
#[inline]
fn are_adjacent<'a>(axes: impl Iterator<Item = (&'a i64, &'a i64)>, itemsize: i64, unit: UnitStrides) -> bool {
    let mut expected = Some(itemsize);
    for (length, stride) in axes {
        if (*length > 1 || unit == UnitStrides::Compared) && Some(*stride) != expected {
            return false;
        }
        expected = expected.and_then(|expected| expected.checked_mul(*length));
    }
    true
}

/// Returns the strides in bytes of a contiguous array with `shape` and items of `itemsize` bytes. [`Order::Any`]
/// means C order. Returns `None` if a stride does not fit an `i64`.
pub(crate) fn contiguous_strides(shape: &[i64], itemsize: i64, order: Order) -> Option<DimVec> {
    let mut strides = DimVec::from_elem(0, shape.len());
    let mut next = Some(itemsize);
    let mut fill = |(length, stride): (&i64, &mut i64)| -> Option<()> {
        *stride = next?;
        next = stride.checked_mul(*length);
        Some(())
    };
    let mut axes = shape.iter().zip(&mut strides);
    match order {
        Order::Fortran => axes.try_for_each(&mut fill)?,
        Order::C | Order::Any => axes.rev().try_for_each(&mut fill)?,
    }
    Some(strides)
}

/// Returns the strides in bytes of a C-contiguous array with `shape` and items of `itemsize` bytes.
///
/// Returns zeros if a stride does not fit an `i64`. In a validated buffer, only an array without items can have such
/// a stride, and the strides of an array without items are never used.
pub(crate) fn c_strides(shape: &[i64], itemsize: i64) -> DimVec {
    if shape.len() == 1 {
        return copied_sizes(&[itemsize]);
    }
    contiguous_strides(shape, itemsize, Order::C).unwrap_or_else(|| DimVec::from_elem(0, shape.len()))
}

/// The reason why a buffer counts as contiguous. Each reason is one of the rules C02 to C07.
///
/// ```
/// use pep3118::RuleId;
/// use pep3118::view::Contiguity;
/// assert_eq!(Contiguity::Empty.rule(), RuleId::C02);
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum Contiguity {
    /// C02: `len` is 0 bytes.
    Empty,
    /// C03: `strides` is NULL.
    NoStrides,
    /// C04: the strides are those of a contiguous array, except in dimensions of one item.
    Relaxed,
    /// C05: `ndim` is 0, which means one item.
    Scalar,
    /// C06: the buffer has one dimension, and its items are contiguous.
    OneDimension,
    /// C07: the buffer has several dimensions, and its items are contiguous in C or Fortran order.
    Dimensions,
}

impl Contiguity {
    /// Returns the rule by which the memory is contiguous, such as `C02` for `Empty`.
    #[must_use]
    pub const fn rule(self) -> RuleId {
        match self {
            Self::Empty => RuleId::C02,
            Self::NoStrides => RuleId::C03,
            Self::Relaxed => RuleId::C04,
            Self::Scalar => RuleId::C05,
            Self::OneDimension => RuleId::C06,
            Self::Dimensions => RuleId::C07,
        }
    }

    /// Returns the reason why `raw` is contiguous. `raw` must be contiguous.
    pub(crate) fn of(raw: &RawView<'_>) -> Self {
        // A missing array is treated as an empty array, so no dimension is compared.
        let (shape, strides) = (raw.shape.unwrap_or_default(), raw.strides.unwrap_or_default());
        let axes = shape.iter().zip(strides);
        if raw.len == 0 {
            Self::Empty
        } else if raw.ndim == 0 {
            Self::Scalar
        } else if raw.strides.is_none() {
            Self::NoStrides
        } else if are_adjacent(axes.clone(), raw.itemsize, UnitStrides::Compared)
            || are_adjacent(axes.rev(), raw.itemsize, UnitStrides::Compared)
        {
            if raw.ndim == 1 { Self::OneDimension } else { Self::Dimensions }
        } else {
            Self::Relaxed
        }
    }
}

impl fmt::Display for Contiguity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "len is 0",
            Self::NoStrides => "strides is NULL",
            Self::Relaxed => "only strides of dimensions of one item differ",
            Self::Scalar => "ndim is 0",
            Self::OneDimension => "the items of the only dimension are adjacent",
            Self::Dimensions => "the items are adjacent in every dimension",
        })
    }
}
