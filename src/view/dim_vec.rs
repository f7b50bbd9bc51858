//! A shape or strides: borrowed from the exporter, or worked out.

/// Dimensions for which nothing is allocated.
const INLINE: usize = 4;

/// As many numbers as there are dimensions.
#[derive(Clone, Debug)]
pub(crate) enum Dims<'a> {
    Borrowed(&'a [i64]),
    Inline { values: [i64; INLINE], len: u8 },
    Boxed(alloc::boxed::Box<[i64]>),
}

impl Dims<'_> {
    pub(crate) const EMPTY: Self = Dims::Borrowed(&[]);

    pub(crate) const fn one(value: i64) -> Self {
        Dims::Inline { values: [value, 0, 0, 0], len: 1 }
    }

    #[inline]
    pub(crate) fn as_slice(&self) -> &[i64] {
        match self {
            Self::Borrowed(values) => values,
            Self::Inline { values, len } => values.get(..usize::from(*len)).unwrap_or_default(),
            Self::Boxed(values) => values,
        }
    }

    /// `count` zeros, to be filled in.
    pub(crate) fn zeros(count: usize) -> Self {
        match u8::try_from(count) {
            Ok(len) if count <= INLINE => Dims::Inline { values: [0; INLINE], len },
            _ => Dims::Boxed(alloc::vec![0; count].into_boxed_slice()),
        }
    }

    /// The same numbers, borrowed from nobody.
    pub(crate) fn into_owned(self) -> Dims<'static> {
        match self {
            Self::Borrowed(values) => {
                let mut own = Dims::zeros(values.len());
                own.make_mut().copy_from_slice(values);
                own
            }
            Self::Inline { values, len } => Dims::Inline { values, len },
            Self::Boxed(values) => Dims::Boxed(values),
        }
    }

    /// The numbers, to be changed; those that were borrowed are copied first.
    pub(crate) fn make_mut(&mut self) -> &mut [i64] {
        if let Self::Borrowed(values) = *self {
            let mut own = Self::zeros(values.len());
            for (own, value) in own.make_mut().iter_mut().zip(values) {
                *own = *value;
            }
            *self = own;
        }
        match self {
            Self::Inline { values, len } => values.get_mut(..usize::from(*len)).unwrap_or_default(),
            Self::Boxed(values) => values,
            Self::Borrowed(_) => &mut [],
        }
    }
}

impl<'a> From<&'a [i64]> for Dims<'a> {
    #[inline]
    fn from(values: &'a [i64]) -> Self {
        Self::Borrowed(values)
    }
}

/// Equal when the numbers are.
impl PartialEq for Dims<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Dims<'_> {}
