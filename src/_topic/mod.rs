//! Longer texts: the dialects and the padding rules, with their evidence.

#[doc = include_str!("dialects.md")]
pub mod dialects {}

#[doc = include_str!("padding.md")]
pub mod padding {}
