//! [`SourceError`]: a layout that cannot be written as source code.

use alloc::string::String;

use crate::text::escape;

/// The reason why a layout cannot be written as source code.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout};
/// let layout = Layout::read(b"<i", &Dialect::STRUCT, &DataModel::LP64)?;
/// assert_eq!(layout.to_c("3d").unwrap_err().to_string(), "`3d` cannot be the name of a C type");
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// `to_c("3d")`
    #[error("`{}` cannot be the name of a {language} type", escape(name))]
    Name {
        /// "C" or "Rust".
        language: &'static str,
        /// The name given by the caller.
        name: String,
    },
    /// `to_c` of the empty format.
    #[error("the item has 0 bytes, and C has no type of that size")]
    Empty,
}
