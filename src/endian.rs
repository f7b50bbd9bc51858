//! The order of the bytes of a value.

use core::fmt;

/// The order in which the bytes of one value lie in memory.
///
/// ```
/// use pep3118::{DataModel, Endian};
/// assert_eq!(DataModel::LP64.endian, Endian::Little);
/// assert_eq!(Endian::Big.as_str(), "big");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endian {
    /// Least significant byte first (x86-64, aarch64, wasm32).
    Little,
    /// Most significant byte first (s390x, network order).
    Big,
}

impl Endian {
    /// The order of the machine this crate was compiled for.
    pub const HOST: Self = if cfg!(target_endian = "big") { Self::Big } else { Self::Little };

    /// `"little"` or `"big"`, the words of Python's `sys.byteorder`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Little => "little",
            Self::Big => "big",
        }
    }
}

impl fmt::Display for Endian {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
