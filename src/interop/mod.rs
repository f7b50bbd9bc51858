//! Bridges to other crates, each behind a feature that only adds API.

#[cfg(feature = "ndarray")]
mod array;
#[cfg(feature = "arrow")]
pub mod arrow;
#[cfg(feature = "serde")]
pub(crate) mod serde;
#[cfg(feature = "serde")]
mod value;
