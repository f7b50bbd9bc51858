//! [`Layout`]: the fields of an item, with their offsets, sizes and types. A [`Dialect`] and a
//! [`DataModel`](crate::DataModel) determine the layout of a [`Format`](crate::Format).
//!
//! | format | dialect | size | fields |
//! |--|--|--|--|
//! | `ib` | `struct` | 5 | int32 at 0, int8 at 4 |
//! | `ib` | `numpy-reader` | 8 | int32 at 0, int8 at 4, and 3 bytes of trailing padding, as in C |
//! | `T{b:a:i:b:}` | `pep3118` | 8 | `a` at 0, `b` at 4, because `b` is aligned |
//! | `T{b:a:i:b:}` | `numpy` | 5 | `a` at 0, `b` at 1, without padding, because NumPy writes each pad byte |
//!
//! A format alone does not determine a layout. [`reconcile()`] computes a layout from a format and an itemsize. The
//! result is one [`Interpretation`], or an [`Ambiguity`] if several layouts have that itemsize.

mod bit_field;
mod builder;
mod codegen;
mod compare;
mod dialect;
mod emit;
mod error;
mod fast_path;
#[cfg(feature = "c")]
mod from_c;
mod interpretation;
mod npy;
mod nul_handling;
mod numpy_descr;
mod picture;
mod read;
mod reconcile;
mod refine;
mod resolve;
mod scalar;
mod small_float;
mod stride_inference;
mod subset;
mod svg;
mod table;
mod tree;
mod ty;
mod user_type;

pub use bit_field::BitField;
pub use builder::{BuildError, LayoutBuilder, MemberSpec};
pub use compare::{Comparison, Equivalence};
pub use dialect::{
    Alignment, Codes, CountLimit, Dialect, NamedPadding, NativeOnly, Nul, Placement, RecordSpacing, StructureSize,
    Syntax, TrailingPadding, Whitespace, WideChar, ZeroCount,
};
pub use emit::{EmitError, Target};
pub use error::{Construct, InterpretedSize, LayoutError, LayoutErrorKind};
#[cfg(feature = "c")]
pub use from_c::CError;
pub use interpretation::{Ambiguity, Certainty, Interpretation};
pub use npy::{NpyError, NpyFile};
pub use nul_handling::NulHandling;
pub use numpy_descr::NumpyDescrError;
#[cfg(feature = "pyo3")]
pub(crate) use numpy_descr::scalar_of_kind;
pub use picture::{CellStyle, Picture};
pub use read::calcsize_in;
#[doc(hidden)]
pub use reconcile::interpretations;
pub use reconcile::reconcile;

#[doc(hidden)]
pub use codegen::{BitPiece, Declarations, Definition, Language, MemberType, is_python_name, python_string};
pub use codegen::{PythonLibrary, SourceError, SourceLanguage};
pub use scalar::Scalar;
#[doc(hidden)]
pub use small_float::nearest_float32;
#[doc(hidden)]
pub use subset::ChosenField;
pub use table::Table;
#[cfg(feature = "serde")]
pub(crate) use tree::Detail;
pub use tree::{Field, Fields, Layout};
pub use ty::Type;
#[doc(hidden)]
pub use user_type::element_size;
pub use user_type::{UserType, UserTypeDefinition, UserTypeError, UserValue};
