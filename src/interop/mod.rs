//! Conversions to types of other crates: serde, ndarray, Arrow. Each is a feature that only adds API.

#[cfg(feature = "ndarray")]
mod array;
#[cfg(feature = "arrow")]
pub mod arrow;
#[cfg(feature = "serde")]
pub(crate) mod serde;
#[cfg(feature = "serde")]
mod value;
