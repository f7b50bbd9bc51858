//! The parser of the attributes `#[repr(..)]` and `#[record(..)]`.

use syn::meta::ParseNestedMeta;
use syn::{Attribute, Error, LitInt, LitStr, Result};

/// The values of `#[repr(..)]` on the struct.
#[derive(Default)]
pub(crate) struct Repr {
    /// Whether `#[repr(C)]` is present, so that the struct has the layout of a C structure.
    pub(crate) c: bool,
    /// The number in `packed(2)`, which is the largest alignment of a field in bytes. `packed` means `packed(1)`.
    pub(crate) packed: Option<usize>,
    /// The number in `align(16)`, which is the smallest alignment of the struct in bytes.
    pub(crate) align: Option<usize>,
}

impl Repr {
    /// Parses the attributes `#[repr(..)]` of a struct. Returns an error for a representation that a record cannot have.
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

/// Parses the number in parentheses, for example `16` in `align(16)`. Returns `None` if there are no parentheses.
fn bytes(meta: &ParseNestedMeta<'_>) -> Result<Option<usize>> {
    if !meta.input.peek(syn::token::Paren) {
        return Ok(None);
    }
    let content;
    syn::parenthesized!(content in meta.input);
    content.parse::<LitInt>()?.base10_parse().map(Some)
}

/// The value of `endian = "little"` or `endian = "big"`.
#[derive(Clone, Copy)]
pub(crate) enum Endian {
    Little,
    Big,
}

impl Endian {
    /// Parses the text after `endian =`.
    fn parse(meta: &ParseNestedMeta<'_>) -> Result<Self> {
        let endian: LitStr = meta.value()?.parse()?;
        match endian.value().as_str() {
            "little" => Ok(Self::Little),
            "big" => Ok(Self::Big),
            _ => Err(Error::new(endian.span(), "the byte order must be \"little\" or \"big\"")),
        }
    }
}

/// The values of `#[record(..)]` on the struct.
#[derive(Default)]
pub(crate) struct StructAttributes {
    /// The byte order of the fields. `None` means the byte order of the surrounding record, or of the machine if
    /// there is no surrounding record.
    pub(crate) endian: Option<Endian>,
    /// The path `plain`, or `None` if the struct is not `plain`. Error messages point at the span of this path.
    pub(crate) plain: Option<syn::Path>,
}

impl StructAttributes {
    /// Parses the attributes `#[record(..)]` of a struct. Returns an error for an unknown attribute.
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

/// The values of `#[record(..)]` on a field.
#[derive(Default)]
pub(crate) struct FieldAttributes {
    /// The name in the format, or `None` if the name of the field is used.
    pub(crate) rename: Option<LitStr>,
    /// The byte order of the field, or `None` if the byte order of the struct is used.
    pub(crate) endian: Option<Endian>,
    /// Whether the format omits the field.
    pub(crate) skip: bool,
}

impl FieldAttributes {
    /// Parses the attributes `#[record(..)]` of a field. Returns an error for an unknown attribute, and for a skipped
    /// field that has a name or a byte order.
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
