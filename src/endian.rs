//! The order of the bytes of a value: [`Endian`].

use crate::named::named_enum;

named_enum! {
    /// The order of the bytes of one value in memory. The names are those of Python's `sys.byteorder`.
    ///
    /// ```
    /// use pep3118::{DataModel, Endian};
    /// assert_eq!(DataModel::LP64.endian, Endian::Little);
    /// assert_eq!(Endian::Big.as_str(), "big");
    /// ```
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum Endian {
        /// Least significant byte first (x86-64, aarch64, wasm32).
        Little = "little",
        /// Most significant byte first (s390x, network order).
        Big = "big",
    }
}

impl Endian {
    /// The byte order of the machine for which this crate was compiled.
    pub const HOST: Self = if cfg!(target_endian = "big") { Self::Big } else { Self::Little };
}
