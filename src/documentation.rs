//! The pages of `docs/`: the grammar, the dialects, padding, the rules of the protocol, C declarations (with the
//! feature `c`), safety, the differences from other implementations, and a page for users of other crates.
//!
//! Start with [`grammar`].

// Each page defines the addresses of its links and figures at its end, for readers of the file. rustdoc needs other
// addresses, which `links.md` and `inline.md` define. These two files are included before the page, because
// Markdown uses the first definition of a link.
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

#[cfg(feature = "c")]
#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/c.md")]
pub mod c {}

#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/safety.md")]
pub mod safety {}

#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/deviations.md")]
pub mod deviations {}

#[doc = include_str!("../docs/coming-from.md")]
pub mod coming_from {}
