//! Buffers of Python objects: functions and types that request, validate, open, export and audit a buffer.
//!
//! The Python package `pep3118` uses this module. The classes of the package are in `crates/python`.

mod acquire;
mod array_interface;
mod audit;
mod buffer_exporter;
mod cache;
mod description_cache;
#[doc(hidden)]
pub mod dlpack;
mod errors;
mod exported;
#[doc(hidden)]
pub mod fallible;
mod from_ctypes;
mod from_dtype;
mod item_description;
mod open;
mod open_buffer;
mod open_error;
mod read;
mod type_layout;

#[doc(hidden)]
pub use acquire::check_filled;
pub use acquire::{Acquired, SharedView};
pub use audit::audit_exporter;
#[doc(hidden)]
pub use audit::{expect_exporter, run_audit};
pub use buffer_exporter::BufferExporter;
#[doc(hidden)]
pub use cache::{Cache, hash};
#[doc(hidden)]
pub use errors::set_format_exception;
pub use exported::Exported;
#[doc(hidden)]
pub use exported::release_field;
#[doc(hidden)]
pub use from_ctypes::{Ctypes, loaded};
#[doc(hidden)]
pub use from_dtype::from_dtype;
#[doc(hidden)]
pub use item_description::canonical_format;
pub use item_description::{ItemDescription, ObjectReferences};
pub use open::open;
#[doc(hidden)]
pub use open::{Producer, open_as, open_described, open_items};
pub use open_buffer::OpenBuffer;
pub use open_error::{ItemSizeError, OpenError};
pub use read::{Buffer, Records};
#[doc(hidden)]
pub use type_layout::{TypeLayout, type_layout};
