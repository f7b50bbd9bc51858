//! Tests of the features `serde`, `ndarray` and `arrow`.

#[cfg(feature = "ndarray")]
mod arrays;
#[cfg(feature = "arrow")]
mod arrow;
#[cfg(all(feature = "arrow", target_endian = "little"))]
mod arrow_encoder;
#[cfg(feature = "serde")]
mod layouts;
#[cfg(feature = "serde")]
mod recorded;
#[cfg(feature = "serde")]
mod values;
