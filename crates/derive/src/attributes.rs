//! Parses the attributes `#[repr(..)]` and `#[record(..)]` of a struct with `#[derive(Record)]` and of its fields. The
//! results are `Repr`, `StructAttributes` and `FieldAttributes`.

use syn::meta::ParseNestedMeta;
use syn::{Attribute, Error, LitInt, LitStr, Result};

/// The representation of the struct, from its attributes `#[repr(..)]`.
#[derive(Default)]
pub(crate) struct Repr {
    /// Whether `#[repr(C)]` is present. A struct with this attribute has the layout of a C structure.
    pub(crate) c: bool,
    /// The maximum alignment of a field in bytes: 2 for `packed(2)`, 1 for `packed`. `None` if the struct is not
    /// packed.
    pub(crate) packed: Option<usize>,
    /// The minimum alignment of the struct in bytes: 16 for `align(16)`. `None` without `align`.
    pub(crate) align: Option<usize>,
}

impl Repr {
    /// Parses the attributes `#[repr(..)]` among `attributes`, the attributes of the struct. `transparent` and `Rust`
    /// have no effect. Returns an error for a representation that a record cannot have, such as `u8`.
    pub(crate) fn of(attributes: &[Attribute]) -> Result<Self> {
        let mut repr = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("repr")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("C") {
                    repr.c = true;
                } else if meta.path.is_ident("packed") {
                    repr.packed = Some(bytes(&meta)?.unwrap_or(1));
                } else if meta.path.is_ident("align") {
                    repr.align = bytes(&meta)?;
                } else if !meta.path.is_ident("transparent") && !meta.path.is_ident("Rust") {
                    return Err(meta.error("a record can be `repr(C)`, `repr(C, packed)` or without `repr`"));
                }
                Ok(())
            })?;
        }
        Ok(repr)
    }
}

/// Parses the number of bytes in parentheses after the name in `meta`: 16 in `align(16)`. Returns `None` if no
/// parentheses follow the name. Returns an error if the parentheses contain anything other than a number.
fn bytes(meta: &ParseNestedMeta<'_>) -> Result<Option<usize>> {
    if !meta.input.peek(syn::token::Paren) {
        return Ok(None);
    }
    let content;
    syn::parenthesized!(content in meta.input);
    content.parse::<LitInt>()?.base10_parse().map(Some)
}

/// The byte order in the attribute `endian = "little"` or `endian = "big"`.
#[derive(Clone, Copy)]
pub(crate) enum Endian {
    Little,
    Big,
}

impl Endian {
    /// Parses `= "little"` or `= "big"` after the name in `meta`. Returns an error for any other text.
    fn parse(meta: &ParseNestedMeta<'_>) -> Result<Self> {
        let endian: LitStr = meta.value()?.parse()?;
        match endian.value().as_str() {
            "little" => Ok(Self::Little),
            "big" => Ok(Self::Big),
            _ => Err(Error::new(endian.span(), "the byte order must be \"little\" or \"big\"")),
        }
    }
}

/// The options of the struct, from its attributes `#[record(..)]`.
#[derive(Default)]
pub(crate) struct StructAttributes {
    /// The byte order of the fields. If `endian` is `None`, the fields have the byte order of the enclosing record, or
    /// the byte order of the machine without an enclosing record.
    pub(crate) endian: Option<Endian>,
    /// The word `plain` in the attribute, at which error messages point. `None` if the struct is not `plain`.
    pub(crate) plain: Option<syn::Path>,
}

impl StructAttributes {
    /// Parses the attributes `#[record(..)]` among `attributes`, the attributes of the struct. Returns an error for
    /// an unknown attribute.
    pub(crate) fn of(attributes: &[Attribute]) -> Result<Self> {
        let mut parsed = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("record")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("endian") {
                    parsed.endian = Some(Endian::parse(&meta)?);
                } else if meta.path.is_ident("plain") {
                    parsed.plain = Some(meta.path.clone());
                } else {
                    return Err(meta.error("unknown attribute: a struct can have `endian = \"..\"` and `plain`"));
                }
                Ok(())
            })?;
        }
        Ok(parsed)
    }
}

/// The options of a field, from its attributes `#[record(..)]`.
#[derive(Default)]
pub(crate) struct FieldAttributes {
    /// The name of the field in the format. `None` means the name of the Rust field without `r#`, or no name for a
    /// field of a tuple struct.
    pub(crate) rename: Option<LitStr>,
    /// The byte order of the field. `None` means the byte order of the struct.
    pub(crate) endian: Option<Endian>,
    /// Whether the field has the attribute `skip`: the format does not contain the field, or contains padding instead
    /// if the struct is `repr(C)`.
    pub(crate) skip: bool,
}

impl FieldAttributes {
    /// Parses the attributes `#[record(..)]` among `attributes`, the attributes of a field. Returns an error for an
    /// unknown attribute, for a name that is empty or contains `:` or NUL, and for a skipped field with a name or a
    /// byte order.
    pub(crate) fn of(attributes: &[Attribute]) -> Result<Self> {
        let mut parsed = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("record")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("rename") {
                    let name: LitStr = meta.value()?.parse()?;
                    let text = name.value();
                    if text.is_empty() || text.contains([':', '\0']) {
                        let message = "a name in a format must not be empty or contain `:` or NUL";
                        return Err(Error::new(name.span(), message));
                    }
                    parsed.rename = Some(name);
                } else if meta.path.is_ident("endian") {
                    parsed.endian = Some(Endian::parse(&meta)?);
                } else if meta.path.is_ident("skip") {
                    parsed.skip = true;
                } else {
                    let known = "`rename = \"..\"`, `endian = \"..\"` and `skip`";
                    return Err(meta.error(format!("unknown attribute: a field can have {known}")));
                }
                Ok(())
            })?;
            if parsed.skip && (parsed.rename.is_some() || parsed.endian.is_some()) {
                return Err(Error::new_spanned(
                    attribute,
                    "`skip` omits the field from the format, so `rename` and `endian` have no effect",
                ));
            }
        }
        Ok(parsed)
    }
}
