//! The values among the arguments of a call.

use std::convert::Infallible;

use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// Values that are taken one by one.
///
/// Of what `*values` takes PyO3 makes a tuple, which costs more than to pack a few values: those that
/// have a parameter of their own are taken from where the caller has put them.
pub(super) const FEW: usize = 8;

/// An argument, or none.
#[derive(Clone, Copy, Debug)]
pub(in crate::py) struct Given<'a, 'py>(pub(super) Option<Borrowed<'a, 'py, PyAny>>);

impl Given<'_, '_> {
    /// The default.
    pub(super) const NONE: Self = Self(None);
}

impl<'a, 'py> FromPyObject<'a, 'py> for Given<'a, 'py> {
    type Error = Infallible;

    #[inline]
    fn extract(argument: Borrowed<'a, 'py, PyAny>) -> Result<Self, Infallible> {
        Ok(Self(Some(argument)))
    }
}

/// The values of a call: the first few, and the rest.
#[derive(Debug)]
pub(super) struct Values<'a, 'py> {
    pub(super) few: [Given<'a, 'py>; FEW],
    /// Empty unless there are that many.
    pub(super) rest: &'a Bound<'py, PyTuple>,
}

impl<'a, 'py> Values<'a, 'py> {
    #[inline]
    pub(super) fn py(&self) -> Python<'py> {
        self.rest.py()
    }

    /// How many there are.
    #[inline]
    pub(super) fn len(&self) -> usize {
        match self.few.iter().position(|given| given.0.is_none()) {
            Some(few) => few,
            None => FEW.saturating_add(self.rest.len()),
        }
    }

    /// Those that were passed in parameters of their own.
    #[inline]
    pub(super) fn few(&self) -> impl Iterator<Item = Borrowed<'a, 'py, PyAny>> {
        self.few.iter().map_while(|given| given.0)
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = Borrowed<'a, 'py, PyAny>> {
        self.few().chain(self.rest.iter_borrowed())
    }
}
