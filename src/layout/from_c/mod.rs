//! [`Layout::from_c`]: the layout of a type that C source declares.
//!
//! | step | module |
//! |--|--|
//! | divide the source into tokens; remove comments and function bodies; evaluate directives | `source` |
//! | parse the declarations with the crate `lang-c` | `declare` |
//! | compute the types, the constants and the attributes | `declare`, `constant`, `constant_value`, `types` |
//! | place the members by the rules of the data model | `record` |
//! | add the members to a [`LayoutBuilder`] | this module |

mod constant;
mod constant_value;
mod declare;
mod error;
mod record;
mod source;
mod types;

pub use error::CError;

use super::{BuildError, Layout, LayoutBuilder, MemberSpec, Scalar, Type};
use crate::abi::DataModel;
use declare::Resolver;
use source::Prepared;
use types::{Base, DeclaredType, Record};

impl Layout {
    /// Returns the layout that a C compiler for the data model `model` gives a type of `source`.
    ///
    /// `name` is the name of a `typedef`, or the tag of a structure, union or enumeration: `tick` or `struct tick`. If
    /// `tick` is both, the `typedef` is used. Without `name`, the type is the last structure or union that the source
    /// declares with its members.
    ///
    /// The source contains declarations of C11 with the extensions of GCC: typedefs, nested and anonymous structures,
    /// unions, arrays, bit-fields, enumerations, `#pragma pack`, `_Alignas`, and the attributes `packed` and
    /// `aligned`. The types of `stdint.h`, `stddef.h` and `stdbool.h` are known. `#include` is ignored. The name of a
    /// macro without parameters is replaced with the value of the macro. A declaration that uses a macro with
    /// parameters needs a preprocessor.
    ///
    /// | C | layout |
    /// |--|--|
    /// | `char name[8]` | one [`Type::Bytes`] of 8 bytes |
    /// | `wchar_t name[8]`, `char16_t name[8]` | one text of 8 characters |
    /// | `unsigned char data[8]` | an array of 8 [`Type::UInt8`] |
    /// | an anonymous structure or union | its members, as members of the enclosing structure |
    /// | a bit-field | a [bit-field](super::Field::bit_field) of the bytes that contain the bits |
    /// | a bit-field without a name | padding |
    /// | `unsigned char _pad4[3]` at byte 4, as [`to_c`](Self::to_c) writes it | padding |
    ///
    /// ```
    /// use pep3118::{DataModel, Layout, Target};
    /// let source = "struct tick { uint16_t id; double price; };";
    /// let layout = Layout::from_c(source, None, &DataModel::LP64)?;
    /// assert_eq!(layout.size(), 16);
    /// assert_eq!(layout.emit(Target::Canonical).unwrap(), b"T{<H:id:6xd:price:}");
    /// assert_eq!(Layout::from_c(source, Some("tick"), &DataModel::I386)?.size(), 12);
    /// # Ok::<(), pep3118::CError>(())
    /// ```
    ///
    /// # Errors
    /// - `struct s { u16 a; };`: the type `u16` is not declared
    /// - `struct s { int a; }`: the declaration is not complete
    /// - `struct s { int a __attribute__((mode(DI))); };`: the attribute is not supported
    /// - a declaration uses a macro with parameters
    /// - `name` is not a type of the source, or the source declares no complete structure
    /// - the type has more members, levels or dimensions than [`Limits::DEFAULT`](crate::format::Limits::DEFAULT)
    ///   permits
    /// - the source has more than 2 MiB, more than 262,144 words and operators, more than 32 nested brackets, or more
    ///   than 256 tokens without `,` or `;`
    pub fn from_c(source: &str, name: Option<&str>, model: &DataModel) -> Result<Self, CError> {
        let prepared = Prepared::new(source)?;
        let value = Resolver::new(&prepared, model)?.find(name)?;
        let refused = |error: BuildError| CError::new(source, (0, 0), error.to_string());
        // `find` refuses a type without a size.
        let size = value.size();
        debug_assert!(size.is_some(), "a type without a size");
        let size = size.ok_or_else(|| CError::new(source, (0, 0), "the type has no size".into()))?;
        let mut builder = LayoutBuilder::new(size, model);
        builder.align(value.align);
        add_member(&mut builder, model, None, 0, &value).map_err(refused)?;
        Ok(builder.finish())
    }
}

/// Adds a member of the type `value` to `builder`, at byte `offset` of the open record. `name` is the name of the
/// member, or `None` for the whole item. `model` is the data model of the layout. Returns the error of `builder` if the
/// layout cannot have the member.
// The function calls itself for nested records. The resolver limits their depth to 64.
fn add_member(
    builder: &mut LayoutBuilder,
    model: &DataModel,
    name: Option<&[u8]>,
    offset: u64,
    value: &DeclaredType,
) -> Result<(), BuildError> {
    // An array without a length has no elements.
    let mut shape: Vec<u64> = value.shape.iter().map(|length| length.unwrap_or(0)).collect();
    match &value.base {
        Base::Scalar(scalar) => {
            let mut scalar = *scalar;
            if let Some(text) = text_type(scalar.ty)
                && let Some(length) = shape.pop()
            {
                let size = scalar.size.saturating_mul(length);
                scalar = Scalar { ty: text, size, ..scalar };
            }
            builder.value(MemberSpec { name, offset, shape: &shape }, scalar)
        }
        Base::Bits(bits) => builder.bit_field(MemberSpec { name, offset, shape: &shape }, *bits, model.endian),
        Base::Record(record) => {
            builder.open(MemberSpec { name, offset, shape: &shape }, record.size)?;
            add_members(builder, model, record, 0)?;
            builder.close();
            Ok(())
        }
        // The resolver returns an error for a member of these types.
        Base::Void | Base::Function | Base::Incomplete(_) | Base::Invalid(_) => {
            debug_assert!(false, "a member has a size");
            Err(BuildError::Size { ty: Type::Void, size: 0 })
        }
    }
}

/// Adds the members of `record` to `builder`. `base` is the offset in bytes of `record` in the open record of
/// `builder`, and `model` is the data model of the layout. Returns the error of `builder` if the layout cannot have a
/// member.
// The function calls itself for anonymous records. The limit on nested braces bounds their depth.
fn add_members(builder: &mut LayoutBuilder, model: &DataModel, record: &Record, base: u64) -> Result<(), BuildError> {
    for member in &record.members {
        let offset = base.saturating_add(member.offset);
        match (&member.name, &member.ty.base) {
            (None, Base::Record(inner)) if member.ty.shape.is_empty() => add_members(builder, model, inner, offset)?,
            (Some(name), _) if is_padding(name, member.offset, &member.ty) => {}
            (name, _) => add_member(builder, model, name.as_ref().map(|name| name.as_bytes()), offset, &member.ty)?,
        }
    }
    Ok(())
}

/// Returns the type of an array of the character type `ty`. Returns `None` if `ty` is not a character type.
fn text_type(ty: Type) -> Option<Type> {
    match ty {
        Type::Char => Some(Type::Bytes),
        Type::Wchar | Type::Ucs2 | Type::Ucs4 => Some(ty),
        _ => None,
    }
}

/// Returns whether the member `name` of the type `ty` at the byte `offset` is padding that [`Layout::to_c`] wrote:
/// `unsigned char _pad4[3]` at byte 4.
fn is_padding(name: &str, offset: u64, ty: &DeclaredType) -> bool {
    let is_bytes = matches!(&ty.base, Base::Scalar(scalar) if scalar.ty == Type::UInt8) && ty.shape.len() == 1;
    let number = name.strip_prefix("_pad").and_then(|digits| digits.parse::<u64>().ok());
    is_bytes && number == Some(offset)
}
