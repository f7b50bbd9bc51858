//! A field that is no record, as seen from the start of the item.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::error::DecodeError;
use super::scalar::ScalarCodec;
use crate::layout::Type;

/// A leaf field: where its values lie in an item, and what they are.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout, decode::Plan};
/// let plan = Plan::new(&Layout::read(b"T{<h:id:(2)T{<d:x:}:at:}", &Dialect::PEP3118, &DataModel::HOST)?)?;
/// let at = &plan.leaves()[1];
/// assert_eq!((at.name(), at.size(), at.shape()), (&b"at.x"[..], 8, &[2][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    name: Box<[u8]>,
    pub(super) offset: usize,
    pub(super) kernel: ScalarCodec,
    /// Units of the kernel that lie side by side.
    pub(super) run: usize,
    /// Number of runs and their distance in bytes, outermost first.
    pub(super) outer: Vec<(usize, usize)>,
    shape: Vec<usize>,
}

impl Leaf {
    /// A leaf of `count` values side by side, repeated as `outer` says.
    pub(super) fn new(
        name: Box<[u8]>,
        offset: usize,
        kernel: ScalarCodec,
        count: usize,
        outer: &[(usize, usize)],
        shape: Vec<usize>,
    ) -> Result<Self, DecodeError> {
        let mut run = count.checked_mul(kernel.units());
        let mut outer = outer.to_vec();
        // An array of records that hold nothing else is one array.
        while let (Some((times, distance)), Some(units)) = (outer.last().copied(), run) {
            if units.checked_mul(kernel.unit) != Some(distance) {
                break;
            }
            run = units.checked_mul(times);
            outer.pop();
        }
        // Inside the item, so the product fits; values of no bytes were counted before.
        let run = run.ok_or(DecodeError::Allocation { bytes: u64::MAX })?;
        Ok(Self { name, offset, kernel, run, outer, shape })
    }

    /// The dotted name: `b"a.b"`. A field without a name is called by its index, `f0`, as NumPy
    /// does; the item itself has the empty name.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Where the first value lies, in bytes from the start of the item.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The type of one value.
    #[must_use]
    pub fn ty(&self) -> Type {
        self.kernel.ty
    }

    /// The size of one value in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.kernel.size
    }

    /// The shape in one item: extents of the arrays of records around it, then its own.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Units of the kernel in one item.
    pub(super) fn units(&self) -> usize {
        self.outer.iter().fold(self.run, |units, (times, _)| units.saturating_mul(*times))
    }

    /// Bytes in one item.
    pub(super) fn bytes(&self) -> usize {
        self.units().saturating_mul(self.kernel.unit)
    }
}
