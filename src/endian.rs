//! [`Endian`]: the order of the bytes of one value.

use crate::named::named_enum;

named_enum! {
    /// The order of the bytes of one value in memory. The names of the variants are the values of Python's
    /// `sys.byteorder`.
    ///
    /// ```
    /// use pep3118::{DataModel, Endian};
    /// assert_eq!(DataModel::LP64.endian, Endian::Little);
    /// assert_eq!(Endian::Big.as_str(), "big");
    /// ```
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum Endian {
        /// The least significant byte is first, as on x86-64, aarch64 and wasm32.
        Little = "little",
        /// The most significant byte is first, as on s390x and in network protocols.
        Big = "big",
    }
}

impl Endian {
    /// The byte order of the machine for which this crate was compiled.
    pub const HOST: Self = if cfg!(target_endian = "big") { Self::Big } else { Self::Little };
}
