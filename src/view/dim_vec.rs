//! `Dims`: the shape, strides or suboffsets of a view, borrowed from the exporter or owned.

use smallvec::SmallVec;

/// One `i64` for each dimension. Up to four dimensions need no allocation.
pub(crate) type DimVec = SmallVec<[i64; 4]>;

/// One `i64` for each dimension.
#[derive(Clone, Debug)]
pub(crate) enum Dims<'a> {
    /// An array of the exporter.
    Borrowed(&'a [i64]),
    /// An array that this program computed.
    Owned(DimVec),
}

impl Dims<'_> {
    #[inline]
    pub(crate) fn as_slice(&self) -> &[i64] {
        match self {
            Self::Borrowed(values) => values,
            Self::Owned(values) => values,
        }
    }

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
