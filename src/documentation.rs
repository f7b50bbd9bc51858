//! The book: the grammar, the dialects, the padding, the rules, what is safe, and where we differ from others.
//!
//! Start with the first page of [`grammar`].

// The links and the figures of a page are defined before it for rustdoc, and at its end for readers of the file: the
// first definition counts.
#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/figures/inline.md")]
#[doc = include_str!("../docs/grammar.md")]
pub mod grammar {}

#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/dialects.md")]
pub mod dialects {}

#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/padding.md")]
pub mod padding {}

#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/rules.md")]
pub mod rules {}

#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/safety.md")]
pub mod safety {}

#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/deviations.md")]
pub mod deviations {}
