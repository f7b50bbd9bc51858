//! The order of items in memory: contiguity and the strides of contiguous arrays.

use core::fmt;

use super::dim_vec::DimVec;
use super::raw::RawView;
use super::request::Structure;
use super::rules::RuleId;
use crate::named::named_enum;

named_enum! {
    /// The order of items in memory.
    ///
    /// ```
    /// use pep3118::{Order, RawView};
    /// let raw = RawView { len: 24, itemsize: 4, ndim: 2, shape: Some(&[2, 3]), strides: Some(&[4, 8]), ..RawView::default() };
    /// assert!(raw.is_contiguous(Order::Fortran) && raw.is_contiguous(Order::Any) && !raw.is_contiguous(Order::C));
    /// ```
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum Order {
        /// The last index varies fastest: CPython's `'C'`.
        C = "C",
        /// The first index varies fastest: CPython's `'F'`.
        Fortran = "Fortran",
        /// Either of the two: CPython's `'A'`.
        Any = "any",
    }
}

impl RawView<'_> {
    /// Whether the memory is contiguous in an order. The fields are not validated first.
    ///
    /// The result is that of `PyBuffer_IsContiguous`: memory with suboffsets is never contiguous (C01),
    /// memory of `len` 0 always is (C02), NULL strides mean C order (C03), and the stride of a dimension
    /// of one item is ignored (C04).
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
    /// Returns the contiguity that the structural flag names.
    pub(crate) const fn contiguity(self) -> Option<Order> {
        match self {
            Self::CContiguous => Some(Order::C),
            Self::FContiguous => Some(Order::Fortran),
            Self::AnyContiguous => Some(Order::Any),
            Self::Simple | Self::Nd | Self::Strides | Self::Indirect => None,
        }
    }
}

/// Whether the strides are those of an order. The strides of dimensions of one item are ignored (C04).
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

/// Whether the strides of dimensions of one item count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum UnitStrides {
    Ignored,
    Compared,
}

/// Whether the stride of each axis is the size of all items of the axes before it. `axes` has the
/// fastest axis first.
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

/// Returns the strides of a contiguous array; `None` if one does not fit 64 bits. [`Order::Any`] gives
/// those of C.
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

/// The strides of a C-contiguous array. Strides that overflow are 0: only an empty array, whose strides
/// are never used, can have them.
pub(crate) fn c_strides(shape: &[i64], itemsize: i64) -> DimVec {
    contiguous_strides(shape, itemsize, Order::C).unwrap_or_else(|| DimVec::from_elem(0, shape.len()))
}

/// The reason why memory is contiguous.
///
/// ```
/// use pep3118::RuleId;
/// use pep3118::view::Contiguity;
/// assert_eq!(Contiguity::Empty.rule(), RuleId::C02);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Contiguity {
    /// C02: `len` is 0.
    Empty,
    /// C03: `strides` is NULL.
    NoStrides,
    /// C04: only strides of dimensions of one item differ from those of a contiguous array.
    Relaxed,
    /// C05: there is one item without dimensions.
    Scalar,
    /// C06: the items of the only dimension are adjacent.
    OneDimension,
    /// C07: the items are adjacent in C or Fortran order.
    Dimensions,
}

impl Contiguity {
    /// Returns the rule by which the memory counts as contiguous.
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

    /// Returns the reason why a contiguous buffer is contiguous. The caller checks first that it is.
    pub(crate) fn of(raw: &RawView<'_>) -> Self {
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
