//! Longer texts: the dialects, the padding rules with their evidence, and what is safe.

#[doc = include_str!("dialects.md")]
pub mod dialects {}

#[doc = include_str!("padding.md")]
pub mod padding {}

#[doc = include_str!("safety.md")]
pub mod safety {}
