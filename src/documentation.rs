//! The pages of `docs/`: the grammar, the dialects, padding, the rules of the protocol, safety, and the differences from
//! other implementations.
//!
//! [`grammar`] is the page to start with.

// A page defines its links and figures at its end, for readers of the file. For rustdoc they are defined before the page,
// because the first definition counts.
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
