//! [`Format::from_members`]: creates a format from a syntax tree. [`print()`]: converts the syntax tree to the text of
//! the format. `Display` of [`Format`] writes the source.

use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;

use super::ast::{Format, Item, ItemType, Member, Prefix};
use super::error::{FormatError, FormatErrorKind};
use super::limits::Limits;
use crate::span::Span;
use crate::text::escape;

impl Format {
    /// Creates a format from the syntax tree `members`: prints the tree as text, and parses the text. The function
    /// ignores the spans in `members`. The spans in the result refer to the printed text.
    ///
    /// # Errors
    /// - no text has this tree: a name contains `:`, a code `Z` precedes a code `d`, or an item has two counts. The
    ///   error is the error of the parser for the printed text, or [`FormatErrorKind::Unspellable`]
    /// - the tree is nested deeper than [`Limits::depth`], or exceeds another limit of [`Limits::DEFAULT`]
    ///
    /// ```
    /// use pep3118::format::Format;
    /// let spaced = Format::parse(b"< i  d")?;
    /// assert_eq!(Format::from_members(spaced.members())?.as_bytes(), b"<id");
    /// # Ok::<(), pep3118::FormatError>(())
    /// ```
    pub fn from_members(members: &[Member]) -> Result<Self, FormatError> {
        let format = Self::parse(print(members))?;
        let differs = |(parsed, given): &(&Member, &Member)| parsed != given;
        let different = match format.members().iter().zip(members).find(differs) {
            Some((Member::ByteOrder(order), _)) => order.span,
            Some((Member::Item(item), _)) => item.span,
            None if format.members().len() == members.len() => return Ok(format),
            None => Span::new(format.as_bytes().len(), format.as_bytes().len()),
        };
        Err(FormatError::new(FormatErrorKind::Unspellable, different, None, format.as_bytes()))
    }
}

/// Returns the text of the format whose syntax tree is `members`. The text has no white space between the tokens.
fn print(members: &[Member]) -> Vec<u8> {
    let mut out = Vec::new();
    print_members(members, 0, &mut out);
    out
}

/// The maximum number of nested structures and pointers that are printed. The printer omits the members of deeper
/// structures and pointers.
// The caller can pass a tree of any depth, so this limit bounds the recursion. The parser rejects text of this depth,
// so an incomplete text is never accepted.
const MAX_DEPTH: usize = 2 * Limits::DEFAULT.depth;

/// Appends the text of `members` to `out`. `depth` is the number of structures and pointers around `members`.
fn print_members(members: &[Member], depth: usize, out: &mut Vec<u8>) {
    for member in members {
        match member {
            Member::ByteOrder(character) => out.extend_from_slice(character.order.as_str().as_bytes()),
            Member::Item(item) => print_item(item, depth, out),
        }
    }
}

/// Appends the text of `item` to `out`. `depth` is the number of structures and pointers around `item`.
fn print_item(item: &Item, depth: usize, out: &mut Vec<u8>) {
    let inner = depth.saturating_add(1);
    for prefix in &item.prefix {
        match prefix {
            Prefix::Shape(shape) => {
                out.push(b'(');
                for (index, dimension) in shape.dimensions.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    out.extend_from_slice(dimension.length.to_string().as_bytes());
                }
                out.push(b')');
            }
            Prefix::Count(count) => out.extend_from_slice(count.value.to_string().as_bytes()),
            Prefix::ByteOrder(character) => out.extend_from_slice(character.order.as_str().as_bytes()),
        }
    }
    match &item.ty {
        ItemType::Code(code) => out.extend_from_slice(code.as_str().as_bytes()),
        ItemType::Structure(members) => {
            out.extend_from_slice(b"T{");
            if depth < MAX_DEPTH {
                print_members(members, inner, out);
            }
            out.push(b'}');
        }
        ItemType::Pointer(target) => {
            out.push(b'&');
            if depth < MAX_DEPTH {
                print_item(target, inner, out);
            }
        }
        ItemType::Function(signature) => {
            out.extend_from_slice(b"X{");
            out.extend_from_slice(signature);
            out.push(b'}');
        }
        ItemType::User(user) => {
            out.push(b'[');
            out.extend_from_slice(&user.name);
            if let Some(params) = &user.params {
                out.push(b'$');
                out.extend_from_slice(params);
            }
            out.push(b']');
        }
    }
    if let Some(name) = &item.name {
        out.push(b':');
        out.extend_from_slice(&name.bytes);
        out.push(b':');
    }
}

/// Writes the source of the format as escaped text. Escapes characters that a terminal does not show, and bytes that
/// are not UTF-8. [`as_bytes`](Format::as_bytes) returns the source without escapes.
impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&escape(self.as_bytes()))
    }
}
