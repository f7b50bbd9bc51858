//! [`SourceError`]: the error of the functions that generate source code for a layout, such as
//! [`Layout::to_c`](crate::Layout::to_c) and [`Layout::to_source`](crate::Layout::to_source).

use alloc::string::String;

use crate::text::escape;

/// The reason why no source code can be generated for a layout.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout};
/// let layout = Layout::read(b"<i", &Dialect::STRUCT, &DataModel::LP64)?;
/// assert_eq!(layout.to_c("3d").unwrap_err().to_string(), "`3d` cannot be a name in C source");
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum SourceError {
    /// A name that the language does not permit for a type or a variable: `to_c("3d")`.
    #[error("`{}` cannot be a name in {language} source", escape(name))]
    Name {
        /// The language or the library: "C", "Rust" or "dissect".
        language: &'static str,
        /// The name that the caller passed.
        name: String,
    },
    /// A field that a library or language cannot describe, such as a `longdouble` in the source for NumPy.
    #[error("{library} cannot describe {what}: {reason}")]
    Type {
        /// The name of the library or language: "numpy" or "go".
        library: &'static str,
        /// The type and the name of the field: "longdouble `x`". The name is escaped.
        what: String,
        /// The reason as a clause: "the library has no such type".
        reason: String,
    },
    /// An item of 0 bytes, such as the item of the empty format, for [`Layout::to_c`](crate::Layout::to_c).
    #[error("the item has 0 bytes, and C has no type of that size")]
    Empty,
    /// An item of 0 bytes, such as the item of the empty format, for [`Layout::to_source`](crate::Layout::to_source),
    /// and for a record class of [`Layout::to_python`](crate::Layout::to_python).
    #[error("the item has 0 bytes")]
    EmptyItem,
}
