//! Tests of the features `serde`, `ndarray` and `arrow`.

#[cfg(feature = "ndarray")]
mod arrays;
#[cfg(feature = "arrow")]
mod arrow;
#[cfg(feature = "serde")]
mod layouts;
#[cfg(feature = "serde")]
mod recorded;
#[cfg(feature = "serde")]
mod values;
