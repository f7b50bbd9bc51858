//! What stands in `#[repr(..)]` and `#[record(..)]`.

use syn::meta::ParseNestedMeta;
use syn::{Attribute, Error, LitInt, LitStr, Result};

/// How a struct lies in memory.
#[derive(Default)]
pub(crate) struct Repr {
    /// Its layout is that of C.
    pub(crate) c: bool,
    /// `packed`, `packed(2)`: the largest alignment of a field, in bytes.
    pub(crate) packed: Option<usize>,
    /// `align(16)`: its own alignment in bytes.
    pub(crate) align: Option<usize>,
}

impl Repr {
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
                    return Err(meta.error("a record is `repr(C)`, `repr(C, packed)` or has no `repr`"));
                }
                Ok(())
            })?;
        }
        Ok(repr)
    }
}

/// The number in `align(16)`, if there is one.
fn bytes(meta: &ParseNestedMeta<'_>) -> Result<Option<usize>> {
    if !meta.input.peek(syn::token::Paren) {
        return Ok(None);
    }
    let content;
    syn::parenthesized!(content in meta.input);
    content.parse::<LitInt>()?.base10_parse().map(Some)
}

/// A byte order.
#[derive(Clone, Copy)]
pub(crate) enum Order {
    Little,
    Big,
}

impl Order {
    fn parse(meta: &ParseNestedMeta<'_>) -> Result<Self> {
        let order: LitStr = meta.value()?.parse()?;
        match order.value().as_str() {
            "little" => Ok(Self::Little),
            "big" => Ok(Self::Big),
            _ => Err(Error::new(order.span(), "a byte order is \"little\" or \"big\"")),
        }
    }
}

/// `#[record(..)]` of the struct.
#[derive(Default)]
pub(crate) struct Whole {
    pub(crate) endian: Option<Order>,
    /// The attribute `plain` itself, to point at.
    pub(crate) plain: Option<syn::Path>,
}

impl Whole {
    pub(crate) fn of(attributes: &[Attribute]) -> Result<Self> {
        let mut whole = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("record")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("endian") {
                    whole.endian = Some(Order::parse(&meta)?);
                } else if meta.path.is_ident("plain") {
                    whole.plain = Some(meta.path.clone());
                } else {
                    return Err(meta.error("unknown attribute: of a struct there are `endian = \"..\"` and `plain`"));
                }
                Ok(())
            })?;
        }
        Ok(whole)
    }
}

/// `#[record(..)]` of a field.
#[derive(Default)]
pub(crate) struct Member {
    pub(crate) rename: Option<LitStr>,
    pub(crate) endian: Option<Order>,
    pub(crate) skip: bool,
}

impl Member {
    pub(crate) fn of(attributes: &[Attribute]) -> Result<Self> {
        let mut member = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("record")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("rename") {
                    let name: LitStr = meta.value()?.parse()?;
                    let text = name.value();
                    if text.is_empty() || text.contains([':', '\0']) {
                        let wrong = "a name in a format is not empty and holds neither `:` nor NUL";
                        return Err(Error::new(name.span(), wrong));
                    }
                    member.rename = Some(name);
                } else if meta.path.is_ident("endian") {
                    member.endian = Some(Order::parse(&meta)?);
                } else if meta.path.is_ident("skip") {
                    member.skip = true;
                } else {
                    let known = "`rename = \"..\"`, `endian = \"..\"` and `skip`";
                    return Err(meta.error(format!("unknown attribute: of a field there are {known}")));
                }
                Ok(())
            })?;
            if member.skip && (member.rename.is_some() || member.endian.is_some()) {
                return Err(Error::new_spanned(attribute, "a field that is skipped has no name and no byte order"));
            }
        }
        Ok(member)
    }
}
