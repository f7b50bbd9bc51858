//! [`members`]: random syntax trees of formats.

use alloc::boxed::Box;
use alloc::vec::Vec;

use ::arbitrary::{Result, Unstructured};

use crate::format::{
    ByteOrder, ByteOrderCharacter, Code, Count, Dimension, Item, ItemType, Member, Name, Prefix, Shape, UserTypeName,
};
use crate::span::Span;

/// Returns a span for the nodes of a tree. Printing ignores spans.
fn no_span() -> Span {
    Span::new(0, 0)
}

/// Generates a random byte-order character.
fn byte_order(bytes: &mut Unstructured<'_>) -> Result<ByteOrderCharacter> {
    Ok(ByteOrderCharacter { order: *bytes.choose(&ByteOrder::ALL)?, span: no_span() })
}

/// Generates a random shape.
fn dimensions(bytes: &mut Unstructured<'_>) -> Result<Vec<Dimension>> {
    let lengths: Vec<u64> = bytes.arbitrary()?;
    Ok(lengths.into_iter().map(|length| Dimension { length, span: no_span() }).collect())
}

/// Generates a random shape, count or byte-order character.
fn prefix(bytes: &mut Unstructured<'_>) -> Result<Prefix> {
    Ok(match bytes.int_in_range(0..=5)? {
        0 => Prefix::ByteOrder(byte_order(bytes)?),
        1..=3 => Prefix::Count(Count { value: bytes.arbitrary()?, span: no_span() }),
        _ => Prefix::Shape(Shape { dimensions: dimensions(bytes)?, span: no_span() }),
    })
}

/// Generates a random name or signature. Some results contain bytes that a name or a signature cannot contain.
fn text(bytes: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    const TEXTS: [&[u8]; 8] = [b"a", b"", b":", b"}", b"\0", b"a b", b"$]", b"{}"];
    if bytes.ratio(1, 4)? { bytes.arbitrary() } else { Ok(bytes.choose(&TEXTS)?.to_vec()) }
}

/// Generates a random item with at most `depth` nested structures and pointers.
fn item(bytes: &mut Unstructured<'_>, depth: u32) -> Result<Item> {
    let prefix = (0..bytes.int_in_range(0..=2)?).map(|_| prefix(bytes)).collect::<Result<Vec<Prefix>>>()?;
    let ty = match bytes.int_in_range(0..=9)? {
        0 | 1 if depth > 0 => ItemType::Structure(members(bytes, depth.saturating_sub(1))?),
        2 if depth > 0 => ItemType::Pointer(Box::new(item(bytes, depth.saturating_sub(1))?)),
        3 => ItemType::Function(text(bytes)?),
        4 => ItemType::User(UserTypeName {
            name: text(bytes)?,
            params: if bytes.arbitrary()? { Some(text(bytes)?) } else { None },
        }),
        _ => ItemType::Code(*bytes.choose(&Code::ALL)?),
    };
    let name = if bytes.ratio(1, 3)? { Some(Name { bytes: text(bytes)?, span: no_span() }) } else { None };
    Ok(Item { prefix, ty, ty_span: no_span(), name, span: no_span() })
}

/// Generates the members of a format. The members nest structures and pointers at most `depth` levels deep. All spans
/// are empty. Some trees contain names and prefixes that a format cannot contain, so
/// [`Format::from_members`](crate::Format::from_members) refuses these trees.
///
/// ```
/// use arbitrary::Unstructured;
/// let members = pep3118::arbitrary::members(&mut Unstructured::new(&[7, 130, 99, 4, 18, 201, 33]), 4)?;
/// if let Ok(format) = pep3118::Format::from_members(&members) {
///     assert_eq!(format.members(), members);
/// }
/// # Ok::<(), arbitrary::Error>(())
/// ```
///
/// # Errors
/// - none; the function returns a [`Result`] like every other generator
pub fn members(bytes: &mut Unstructured<'_>, depth: u32) -> Result<Vec<Member>> {
    (0..bytes.int_in_range(0..=4)?)
        .map(|_| {
            Ok(if bytes.ratio(1, 5)? {
                Member::ByteOrder(byte_order(bytes)?)
            } else {
                Member::Item(item(bytes, depth)?)
            })
        })
        .collect()
}
