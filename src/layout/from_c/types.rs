//! The C types of declarations: [`DeclaredType`] is a type, and [`Record`] is a structure or union with the offsets of
//! its members. [`builtin`] returns the types that C source uses without a declaration, such as `uint8_t`.

use std::rc::Rc;

use super::error::CError;
use crate::abi::{CType, DataModel};
use crate::align::Align;
use crate::endian::Endian;
use crate::layout::{BitField, Scalar, Type};

/// The names of types that no keyword declares: the names of `stdint.h`, `stddef.h`, `stdbool.h`, `uchar.h` and
/// `wchar.h`, and of the headers of Linux and CPython.
pub(super) const BUILTIN_NAMES: &[&str] = &[
    "PyObject",
    "Py_ssize_t",
    "__be16",
    "__be32",
    "__be64",
    "__le16",
    "__le32",
    "__le64",
    "__s16",
    "__s32",
    "__s64",
    "__s8",
    "__u16",
    "__u32",
    "__u64",
    "__u8",
    "bool",
    "char16_t",
    "char32_t",
    "char8_t",
    "int16_t",
    "int32_t",
    "int64_t",
    "int8_t",
    "int_least16_t",
    "int_least32_t",
    "int_least64_t",
    "int_least8_t",
    "intmax_t",
    "intptr_t",
    "ptrdiff_t",
    "size_t",
    "ssize_t",
    "uint16_t",
    "uint32_t",
    "uint64_t",
    "uint8_t",
    "uint_least16_t",
    "uint_least32_t",
    "uint_least64_t",
    "uint_least8_t",
    "uintmax_t",
    "uintptr_t",
    "wchar_t",
];

/// Returns whether `word` is a keyword that starts a type.
pub(super) fn is_type_keyword(word: &str) -> bool {
    matches!(
        word,
        "_Bool"
            | "_Complex"
            | "_Float16"
            | "char"
            | "const"
            | "double"
            | "enum"
            | "float"
            | "int"
            | "long"
            | "short"
            | "signed"
            | "struct"
            | "union"
            | "unsigned"
            | "void"
            | "volatile"
    )
}

/// The type of one element: a [`DeclaredType`] without the dimensions of an array.
#[derive(Clone, Debug)]
pub(super) enum Base {
    /// A number, a character or an address.
    Scalar(Scalar),
    /// A bit-field after the placement.
    Bits(BitField),
    Void,
    Function,
    /// A type whose size the source does not declare. The text is the name of the type: `struct s`.
    Incomplete(String),
    /// A structure or union.
    Record(Rc<Record>),
    /// A type whose declaration had an error. A declaration that uses the type has the same error.
    Invalid(CError),
}

/// A C type, with its dimensions and its alignment.
#[derive(Clone, Debug)]
pub(super) struct DeclaredType {
    pub(super) base: Base,
    /// The length of each dimension of an array. A length of `None` belongs to an array without a length, such as
    /// `x[]`.
    pub(super) shape: Vec<Option<u64>>,
    /// The alignment in bytes as a member of a structure.
    pub(super) align: Align,
    /// Whether the type is an enumeration.
    pub(super) is_enum: bool,
}

/// A structure or union with the offsets of its members.
#[derive(Debug)]
pub(super) struct Record {
    /// The size in bytes.
    pub(super) size: u64,
    pub(super) align: Align,
    pub(super) members: Vec<PlacedMember>,
    /// The number of levels of nested records, which is 1 for a record without inner records.
    pub(super) depth: usize,
}

/// A member of a [`Record`].
#[derive(Debug)]
pub(super) struct PlacedMember {
    /// The name, or `None` for an anonymous structure or union.
    pub(super) name: Option<String>,
    /// The offset from the start of the record in bytes.
    pub(super) offset: u64,
    pub(super) ty: DeclaredType,
}

impl DeclaredType {
    /// Returns the type `scalar` with its alignment in the data model `model`.
    pub(super) fn of_scalar(scalar: Scalar, model: &DataModel) -> Self {
        let align = scalar.ty.natural_align(scalar.size, model);
        Self { base: Base::Scalar(scalar), shape: Vec::new(), align, is_enum: false }
    }

    /// Returns the type `ty` of `size` bytes in the byte order of the data model `model`.
    pub(super) fn native(ty: Type, size: u64, model: &DataModel) -> Self {
        Self::of_scalar(Scalar { ty, size, endian: model.endian }, model)
    }

    /// Returns the type `base`, which must have no size, such as `void`.
    pub(super) fn unsized_type(base: Base) -> Self {
        Self { base, shape: Vec::new(), align: Align::ONE, is_enum: false }
    }

    /// Returns the size of one element in bytes. Returns `None` for a type without a size.
    pub(super) fn element_size(&self) -> Option<u64> {
        match &self.base {
            Base::Scalar(scalar) => Some(scalar.size),
            Base::Bits(bits) => Some(bits.size()),
            Base::Record(record) => Some(record.size),
            Base::Void | Base::Function | Base::Incomplete(_) | Base::Invalid(_) => None,
        }
    }

    /// Returns the size of all elements in bytes. An array without a length has 0 bytes. Returns `None` for a type
    /// without a size, and if the size exceeds 64 bits.
    pub(super) fn size(&self) -> Option<u64> {
        self.shape.iter().try_fold(self.element_size()?, |size, length| size.checked_mul(length.unwrap_or(0)))
    }
}

/// Returns the integer type of `size` bytes (1, 2, 4 or 8) with its alignment in `model`. The type is signed if
/// `is_signed` is `true`.
pub(super) fn integer(size: u64, is_signed: bool, model: &DataModel) -> DeclaredType {
    let ty = match (size, is_signed) {
        (1, true) => Type::Int8,
        (1, false) => Type::UInt8,
        (2, true) => Type::Int16,
        (2, false) => Type::UInt16,
        (4, true) => Type::Int32,
        (4, false) => Type::UInt32,
        (_, true) => Type::Int64,
        (_, false) => Type::UInt64,
    };
    DeclaredType::native(ty, size, model)
}

/// Returns the type with the name `name` of [`BUILTIN_NAMES`], with the C sizes of `model`. Returns `None` for every
/// other name.
pub(super) fn builtin(name: &str, model: &DataModel) -> Option<DeclaredType> {
    let with_order = |digits: &str, endian| {
        let bits: u64 = digits.parse().ok()?;
        let value = integer(bits.checked_div(8)?, false, model);
        let Base::Scalar(scalar) = value.base else { return None };
        Some(DeclaredType::of_scalar(Scalar { endian, ..scalar }, model))
    };
    if let Some(digits) = name.strip_prefix("__le") {
        return with_order(digits, Endian::Little);
    }
    if let Some(digits) = name.strip_prefix("__be") {
        return with_order(digits, Endian::Big);
    }
    let pointer = model.size_of(CType::Pointer);
    Some(match name {
        "PyObject" => DeclaredType::unsized_type(Base::Incomplete(name.to_owned())),
        "bool" => DeclaredType::native(Type::Bool, 1, model),
        "wchar_t" => DeclaredType::native(Type::Wchar, model.size_of(CType::Wchar), model),
        "char8_t" => integer(1, false, model),
        "char16_t" => DeclaredType::native(Type::Ucs2, 2, model),
        "char32_t" => DeclaredType::native(Type::Ucs4, 4, model),
        "Py_ssize_t" | "ssize_t" | "intptr_t" | "ptrdiff_t" => integer(pointer, true, model),
        "size_t" | "uintptr_t" => integer(pointer, false, model),
        "intmax_t" => integer(8, true, model),
        "uintmax_t" => integer(8, false, model),
        _ => {
            let bare = name.strip_suffix("_t").unwrap_or(name);
            let digits = bare.trim_start_matches(|character: char| !character.is_ascii_digit());
            let bits: u64 = digits.parse().ok()?;
            let is_signed = bare.starts_with("int") || bare.starts_with("__s");
            integer(bits.checked_div(8)?, is_signed, model)
        }
    })
}

/// Returns the message about the use of `base` where a type with a size is required, such as "`void` has no size". The
/// message for a `base` with a size is about an array whose size exceeds 64 bits.
pub(super) fn describe_unsized(base: &Base) -> String {
    match base {
        Base::Void => "`void` has no size".to_owned(),
        Base::Function => "a function has no size".to_owned(),
        Base::Incomplete(name) => format!("the size of {} is not known", super::error::quoted(name)),
        Base::Scalar(_) | Base::Bits(_) | Base::Record(_) | Base::Invalid(_) => "the type is too large".to_owned(),
    }
}
