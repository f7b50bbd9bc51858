//! wip
#![cfg_attr(not(feature = "std"), no_std)]
extern crate alloc;
mod diagnostic;
mod endian;
mod extent;
mod span;
pub mod abi;
pub mod format;
pub use abi::*;
pub use diagnostic::Diagnostic;
pub use endian::Endian;
pub use extent::Align;
pub use format::{Format, FormatError, FormatErrorKind};
pub use span::Span;
/// wip
/// # Errors
/// x
pub fn parse(f: impl AsRef<[u8]>) -> Result<Format, FormatError> { Format::parse(f.as_ref()) }
pub mod layout;
pub use layout::*;
