//! Why a layout is no source text.

use alloc::string::String;

/// What a language has no words for.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// `to_c("3d")`
    #[error("`{name}` is not a name for a type of {language}")]
    Name {
        /// "C" or "Rust".
        language: &'static str,
        /// The name that was asked for.
        name: String,
    },
    /// `to_c` of the empty format.
    #[error("the item has no bytes, and C has no type of that size")]
    Empty,
}
