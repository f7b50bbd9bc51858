//! [`Declarations`] and [`Layout::to_c`](crate::Layout::to_c): the source code of a layout in C and Rust, and in the
//! languages of [`Layout::to_source`](crate::Layout::to_source) and [`Layout::to_python`](crate::Layout::to_python).
//! The generated types have fields with the offsets and sizes of the layout.
//!
//! | layout | C | Rust |
//! |--|--|--|
//! | a record with the offsets that a C compiler chooses | `struct` | `#[repr(C)] struct` |
//! | any other record | packed `struct` | `#[repr(C, packed)] struct` |
//! | pad bytes between fields | `unsigned char _pad4[3]` | `_pad4: [u8; 3]` |
//! | a union | `union` | `#[repr(C)] union` |
//! | fields that share some of their bytes | `union` of structures | `union` of structures |
//! | a bit-field | `int32_t x : 5` in a packed `struct`, with pad bits `uint8_t : 3` | `[u8; 1]`, with a comment |
//! | a bit-field at a position that no C compiler of the machine chooses | `unsigned char x[2]`, with a comment | `[u8; 2]`, with a comment |
//! | `int32` in the byte order of the data model | `int32_t` | `i32` |
//! | `int32` in the opposite byte order | `unsigned char x[4]`, with a comment | `[u8; 4]`, with a comment |
//! | `complex64` | `float _Complex` | `[f32; 2]` |
//! | `float16` | `_Float16` | `u16` |
//! | `longdouble` | `long double` | `[u8; 16]` |
//! | a field at byte 4 without a name, or with a name that the language cannot have | `field_4` | `field_4` |
//!
//! After each structure, the source asserts the size and the offsets of the structure. A compiler for a machine with
//! other sizes therefore refuses the source. A field of 0 bytes becomes a comment.
//!
//! [`Layout::to_source`](crate::Layout::to_source) describes the layout for Kaitai Struct, ImHex, Go, Zig and Julia.
//! [`Layout::to_python`](crate::Layout::to_python) describes the layout for NumPy, ctypes, construct or
//! dissect.cstruct, or declares a record class. These Python libraries read the fields in the declared byte order on
//! every machine.

mod c;
mod declarations;
mod error;
mod python;
mod rust;
mod source;

pub use declarations::{BitPiece, Declarations, Definition, Language, MemberType};
pub use error::SourceError;
pub use python::PythonLibrary;
pub(super) use python::tuple;
#[doc(hidden)]
pub use python::{is_python_name, python_string};
pub use source::SourceLanguage;
