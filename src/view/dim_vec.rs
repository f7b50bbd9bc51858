//! `DimVec` and `Dims`: a shape, strides or suboffsets, with one `i64` for each dimension.

use smallvec::SmallVec;

/// An owned array with one `i64` for each dimension. An array of at most four dimensions needs no allocation.
pub(crate) type DimVec = SmallVec<[i64; 4]>;

/// Copies `sizes`, which has one entry for each dimension. The copy of one entry, the common case, needs no loop.
#[inline]
pub(crate) fn copied_sizes(sizes: &[i64]) -> DimVec {
    match *sizes {
        [size] => DimVec::from_buf_and_len([size, 0, 0, 0], 1),
        _ => DimVec::from_slice(sizes),
    }
}

/// An array with one `i64` for each dimension, borrowed or owned.
#[derive(Clone, Debug)]
pub(crate) enum Dims<'a> {
    /// An array in the memory of the exporter.
    Borrowed(&'a [i64]),
    /// An array that this crate computed.
    Owned(DimVec),
}

// A borrowed array equals an owned array with the same entries.
impl PartialEq for Dims<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Dims<'_> {}

impl core::hash::Hash for Dims<'_> {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.as_slice().hash(state);
    }
}

impl Dims<'_> {
    /// Returns the array as a slice.
    #[inline]
    pub(crate) fn as_slice(&self) -> &[i64] {
        match self {
            Self::Borrowed(values) => values,
            Self::Owned(values) => values,
        }
    }

    /// Copies a borrowed array, so that the result does not borrow from the exporter.
    pub(crate) fn into_owned(self) -> Dims<'static> {
        Dims::Owned(match self {
            Self::Borrowed(values) => DimVec::from_slice(values),
            Self::Owned(values) => values,
        })
    }
}

impl FromIterator<i64> for Dims<'_> {
    fn from_iter<I: IntoIterator<Item = i64>>(values: I) -> Self {
        Self::Owned(values.into_iter().collect())
    }
}
