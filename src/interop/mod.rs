//! Conversions to types of the crates serde, ndarray and Arrow. Each conversion is a feature. A feature only
//! adds functions and trait implementations.

#[cfg(feature = "ndarray")]
mod array;
#[cfg(feature = "arrow")]
pub mod arrow;
#[cfg(feature = "serde")]
mod layout;
#[cfg(feature = "serde")]
pub(crate) mod serde;
#[cfg(feature = "serde")]
mod settings;
#[cfg(feature = "serde")]
mod value;
