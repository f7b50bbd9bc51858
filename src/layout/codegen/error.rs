//! Why a layout is no source text.

use alloc::string::String;

use crate::text::escape;

/// What a language has no words for.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout};
/// let layout = Layout::read(b"<i", &Dialect::STRUCT, &DataModel::LP64)?;
/// assert_eq!(layout.to_c("3d").unwrap_err().to_string(), "`3d` is not a name for a type of C");
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// `to_c("3d")`
    #[error("`{}` is not a name for a type of {language}", escape(name))]
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
