//! `ItemMap`: the fields and the padding of an item, in the order of the bytes. `Entry`: the part of an item that one
//! line of the output describes.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::ops::Range;

use pep3118::__private::{ScalarCodec, plural, to_u64};
use pep3118::decode::{ArrayValue, Value};
use pep3118::{Endian, Field, Interpretation, Type};
use unicode_width::UnicodeWidthStr as _;

use crate::escape::escape;
use crate::failure::Failure;
use crate::fields::{is_record, length, own_name};
use crate::rows::{index_text, write_cell};

/// The fields and the padding of an item. [`visit`](Self::visit) calls a function with each of them.
pub(super) struct ItemMap {
    /// The size of an item in bytes.
    size: usize,
    item: Member,
    /// The names of the types, such as `int32 (little)`. Fields of the same type have the same index in this list.
    types: Vec<String>,
}

/// A field of a record, or the whole item.
struct Member {
    /// The escaped name, without the names of the records that contain the field.
    name: String,
    /// The offset of the first element in bytes, from the start of the record that contains the field.
    offset: usize,
    /// The size of one element in bytes.
    size: usize,
    /// The lengths of the dimensions with at least one element. Empty for a single value.
    shape: Vec<NonZeroU64>,
    /// The number of elements.
    count: usize,
    kind: MemberKind,
}

/// The kind of an element of a [`Member`]: a value or a record.
enum MemberKind {
    /// A value. `ty` is an index in [`ItemMap::types`]. `number` is the index of this field, from 0, among the fields
    /// of the item that are not records.
    Value { codec: ScalarCodec, ty: usize, number: usize },
    /// A record: its fields and its padding, in the order of their offsets.
    Record(Vec<Part>),
}

/// A field of a record, or the padding between two fields.
enum Part {
    Field(Member),
    Padding(Padding),
}

/// Bytes of a record that belong to no field.
struct Padding {
    /// The offset in bytes from the start of the record.
    offset: usize,
    size: usize,
    /// The name of the next field of the record. `None` if the padding is after the last field.
    next: Option<String>,
    /// The reason for the padding, such as ``aligns `b` to 4 bytes``.
    reason: String,
}

/// The part of an item that one line of the output describes: a value, a group of adjacent array elements of one byte,
/// or padding.
pub(super) struct Entry<'m> {
    /// The range of the bytes in the item.
    pub(super) range: Range<usize>,
    /// The dotted name with array indices, such as `at[1].x`. The name of padding is a description, such as `padding
    /// before at[1].y`.
    pub(super) name: String,
    pub(super) kind: EntryKind<'m>,
}

/// The kind of an [`Entry`]: a value with its type, or padding with the reason for the padding.
pub(super) enum EntryKind<'m> {
    /// A value of the type `ty`. If `elements` is a number, the entry is a group of this number of array elements. If
    /// `elements` is `None`, the entry is a single value. `number` selects the colour.
    Value { codec: ScalarCodec, elements: Option<usize>, ty: &'m str, number: usize },
    /// Padding. The text is the reason for the padding.
    Padding(&'m str),
}

impl Entry<'_> {
    /// Returns the bytes of this entry. `item` must be the bytes of a whole item.
    pub(super) fn bytes<'i>(&self, item: &'i [u8]) -> &'i [u8] {
        let bytes = item.get(self.range.clone());
        debug_assert!(bytes.is_some(), "no entry extends past the end of the item");
        bytes.unwrap_or_default()
    }

    /// Returns the text that `decode` prints for the value of this entry. For padding, returns the reason for the
    /// padding. `item` must be the bytes of a whole item. Returns an error if there is no memory for the value.
    pub(super) fn text(&self, item: &[u8]) -> Result<String, Failure> {
        let bytes = self.bytes(item);
        match &self.kind {
            EntryKind::Padding(reason) => Ok((*reason).to_owned()),
            EntryKind::Value { codec, elements: None, .. } => cell_text(&codec.value(bytes).map_err(Failure::refused)?),
            EntryKind::Value { codec, elements: Some(count), .. } => {
                // Each element of a group has one byte.
                let values = bytes.chunks_exact(1).map(|element| codec.value(element));
                let values = values.collect::<Result<Vec<Value>, _>>().map_err(Failure::refused)?;
                let array = ArrayValue::new(&[*count], values);
                let array = array.ok_or_else(|| Failure::internal("a group of other elements"))?;
                cell_text(&Value::Array(array))
            }
        }
    }
}

/// Returns the text of `value` as the tables of `decode` contain it. Returns an error if `value` cannot be written as
/// text.
fn cell_text(value: &Value) -> Result<String, Failure> {
    let mut cell = Vec::new();
    write_cell(value, false, &mut cell)?;
    Ok(escape(&cell).into_owned())
}

/// The state while an [`ItemMap`] is built.
struct Builder<'f> {
    format: &'f [u8],
    types: Vec<String>,
    /// The index in `types` of the name of each type.
    known: HashMap<(Type, Option<Endian>), usize>,
    /// The number of fields so far that are not records.
    values: usize,
}

impl ItemMap {
    /// Returns the fields and the padding of an item with the interpretation `found`. `format` is the format of
    /// `found`, or empty for C source.
    ///
    /// # Errors
    /// - a size does not fit into the address space
    pub(super) fn new(found: &Interpretation, format: &[u8]) -> Result<Self, Failure> {
        let mut builder = Builder { format, types: Vec::new(), known: HashMap::new(), values: 0 };
        let item = found.layout.item();
        let mut item = builder.member(item, if is_record(item) { String::new() } else { "value".to_owned() })?;
        if let MemberKind::Record(parts) = &mut item.kind
            && found.trailing_padding > 0
            && let Some(Part::Padding(last)) = parts.last_mut()
        {
            let (padding, itemsize) = (plural(found.trailing_padding, "byte"), plural(found.layout.size(), "byte"));
            last.reason = format!("{padding} fill the item to {itemsize}");
        }
        Ok(Self { size: item.size.saturating_mul(item.count), item, types: builder.types })
    }

    /// Returns the size of an item in bytes.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Returns the width of the longest name of a value, in terminal columns.
    pub(super) fn name_width(&self) -> usize {
        self.item.name_width(0)
    }

    /// Returns the width of the longest name of a type, in terminal columns. The width is 0 if there are no types.
    pub(super) fn type_width(&self) -> usize {
        self.types.iter().map(|ty| ty.width()).max().unwrap_or(0)
    }

    /// Calls `each` with an entry for each value and each padding of an item, in the order of the bytes. Each element
    /// of an array is an entry. If the elements have one byte, all elements of the array that are in one row of `row`
    /// bytes are one entry. An array without elements is one entry of 0 bytes. Stops at the first error of `each`, and
    /// returns this error.
    pub(super) fn visit<'m>(
        &'m self,
        row: usize,
        each: &mut dyn FnMut(Entry<'m>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut visitor = Visitor { types: &self.types, row: row.max(1), path: String::new(), each };
        visitor.member(&self.item, 0)
    }
}

impl Builder<'_> {
    /// Returns the member for `field`. `name` is the escaped name of `field`. Returns an error if a size does not fit
    /// into the address space.
    // The function calls itself once for each level of nested records. The parser permits 64 levels.
    fn member(&mut self, field: Field<'_>, name: String) -> Result<Member, Failure> {
        let kind = if field.ty() == Type::Record {
            MemberKind::Record(self.parts(field)?)
        } else {
            let codec = ScalarCodec::of(field).map_err(Failure::refused)?;
            let number = self.values;
            self.values = number.saturating_add(1);
            MemberKind::Value { codec, ty: self.ty(field), number }
        };
        Ok(Member {
            name,
            offset: length(field.offset())?,
            size: length(field.size())?,
            shape: field.shape().iter().filter_map(|len| NonZeroU64::new(*len)).collect(),
            count: if field.shape().is_empty() { 1 } else { length(field.count())? },
            kind,
        })
    }

    /// Returns the index in `types` of the name of the type of `field`. Adds the name if it is new. `field` must not be
    /// a record.
    fn ty(&mut self, field: Field<'_>) -> usize {
        let types = &mut self.types;
        *self.known.entry((field.ty(), field.endian())).or_insert_with(|| {
            types.push(match field.endian() {
                Some(endian) => format!("{} ({endian})", field.ty()),
                None => field.ty().to_string(),
            });
            types.len().saturating_sub(1)
        })
    }

    /// Returns the fields and the padding of `record`, in the order of the offsets. The format declares the fields in
    /// the same order. Returns an error if an offset or a size does not fit into the address space.
    fn parts(&mut self, record: Field<'_>) -> Result<Vec<Part>, Failure> {
        let mut parts = Vec::new();
        // The end of the previous field, as an offset in the record and as an offset in the format.
        let (mut end, mut text_end) = (0, record.span().start());
        for (index, field) in record.fields().enumerate() {
            let name = field_name(field, index);
            let gap = field.offset().saturating_sub(end);
            if gap > 0 {
                let align = field.natural_align().bytes();
                let alignment = format!("aligns {name} to {}", plural(align, "byte"));
                let most = most_alignment_padding(align, field.offset());
                let reason = self.padding_reason(text_end, field.span().start(), gap, most, &alignment);
                let (offset, size, next) = (length(end)?, length(gap)?, Some(name.clone()));
                parts.push(Part::Padding(Padding { offset, size, next, reason }));
            }
            end = end.max(field.offset().saturating_add(field.total_size()));
            text_end = field.span().end();
            parts.push(Part::Field(self.member(field, name)?));
        }
        let gap = record.size().saturating_sub(end);
        if gap > 0 {
            let align = record.natural_align().bytes();
            let alignment = format!("rounds the size up to a multiple of {}", plural(align, "byte"));
            let most = most_alignment_padding(align, record.size());
            let reason = self.padding_reason(text_end, record.span().end(), gap, most, &alignment);
            parts.push(Part::Padding(Padding { offset: length(end)?, size: length(gap)?, next: None, reason }));
        }
        Ok(parts)
    }

    /// Returns the reason for `gap` bytes of padding between two fields. `start..end` is the range of the format
    /// between the two fields. `alignment` is the reason for padding bytes that the format does not contain. Alignment
    /// adds at most `most` bytes.
    fn padding_reason(&self, start: usize, end: usize, gap: u64, most: u64, alignment: &str) -> String {
        let (pads, total) = explicit_padding(self.format.get(start..end).unwrap_or_default());
        match gap.saturating_sub(total) {
            0 => format!("`{}` in the format", escape(&pads)),
            rest if rest > most && self.format.is_empty() => "padding of the C type".to_owned(),
            rest if rest > most => "not in the format".to_owned(),
            _ if total == 0 => alignment.to_owned(),
            _ => format!("`{}` in the format; the rest {alignment}", escape(&pads)),
        }
    }
}

/// Returns the largest number of padding bytes that an alignment to `align` bytes can add. `offset` is the offset at
/// which the padding ends. Returns 0 if `offset` is not a multiple of `align`.
fn most_alignment_padding(align: u64, offset: u64) -> u64 {
    if offset.checked_rem(align) == Some(0) { align.saturating_sub(1) } else { 0 }
}

/// Returns the padding characters in `text` with their counts, such as `3x`, and the number of padding bytes that they
/// describe. `text` is the part of a format between two fields.
fn explicit_padding(text: &[u8]) -> (Vec<u8>, u64) {
    let (mut pads, mut total) = (Vec::new(), 0_u64);
    let mut digits = Vec::new();
    let mut in_name = false;
    for byte in text {
        match byte {
            b':' => in_name = !in_name,
            _ if in_name => {}
            b'0'..=b'9' => {
                digits.push(*byte);
                continue;
            }
            b'x' => {
                let count = str::from_utf8(&digits).ok().and_then(|digits| digits.parse().ok());
                total = total.saturating_add(if digits.is_empty() { 1 } else { count.unwrap_or(u64::MAX) });
                pads.append(&mut digits);
                pads.push(b'x');
            }
            _ => {}
        }
        digits.clear();
    }
    (pads, total)
}

/// Returns the escaped name of `field`. If the field has no name, returns `f` and `index`, the index of the field in
/// its record. Returns `""` for an empty name.
fn field_name(field: Field<'_>, index: usize) -> String {
    match field.name() {
        None => own_name(field, index),
        Some(b"") => "\"\"".to_owned(),
        Some(name) => escape(name).into_owned(),
    }
}

impl Member {
    /// Returns the width of the longest name of a value in this member, in terminal columns. The name includes array
    /// indices, such as `a[15]`. `path` is the width of the dotted name of the record that contains this member,
    /// without the dot after it. `path` is 0 for the item.
    fn name_width(&self, path: usize) -> usize {
        let dot = usize::from(path > 0);
        let last: Vec<u64> = self.shape.iter().map(|len| len.get().saturating_sub(1)).collect();
        let index = if last.is_empty() { 0 } else { index_width(&last).saturating_add(2) };
        let name = path.saturating_add(dot).saturating_add(self.name.width()).saturating_add(index);
        match &self.kind {
            MemberKind::Record(parts) => {
                let fields = parts.iter().filter_map(|part| match part {
                    Part::Field(field) => Some(field.name_width(name)),
                    Part::Padding(_) => None,
                });
                // A record without fields has no names.
                fields.max().unwrap_or(0)
            }
            // The name of a group has two indices: `[0-15]`.
            MemberKind::Value { .. } if self.size == 1 && !last.is_empty() => {
                name.saturating_add(index).saturating_sub(1)
            }
            MemberKind::Value { .. } => name,
        }
    }
}

/// Returns the number of characters in the text of `indices`, such as 3 for `1,2`.
fn index_width(indices: &[u64]) -> usize {
    indices.iter().map(|index| index.to_string().len().saturating_add(1)).sum::<usize>().saturating_sub(1)
}

/// The state of [`ItemMap::visit`].
struct Visitor<'v, 'm> {
    types: &'m [String],
    row: usize,
    /// The dotted name of the current field.
    path: String,
    each: &'v mut dyn FnMut(Entry<'m>) -> Result<(), Failure>,
}

impl<'m> Visitor<'_, 'm> {
    /// Visits the values and the padding of `member`. `base` is the offset in bytes, from the start of the item, of the
    /// record that contains `member`. Returns the first error of the callback.
    // The function calls itself once for each level of nested records. The parser permits 64 levels.
    fn member(&mut self, member: &'m Member, base: usize) -> Result<(), Failure> {
        let parent = self.path.len();
        if parent > 0 {
            self.path.push('.');
        }
        self.path.push_str(&member.name);
        let start = base.saturating_add(member.offset);
        match &member.kind {
            MemberKind::Record(parts) => {
                let name = self.path.len();
                for element in 0..member.count {
                    if !member.shape.is_empty() {
                        self.path.push_str(&format!("[{}]", index_text(&member.shape, to_u64(element))));
                    }
                    let base = start.saturating_add(member.size.saturating_mul(element));
                    for part in parts {
                        match part {
                            Part::Field(field) => self.member(field, base)?,
                            Part::Padding(padding) => self.padding(padding, base)?,
                        }
                    }
                    self.path.truncate(name);
                }
            }
            MemberKind::Value { codec, ty, number } => {
                let ty = self.types.get(*ty).map_or("", String::as_str);
                self.values(member, start, |elements| EntryKind::Value {
                    codec: *codec,
                    elements,
                    ty,
                    number: *number,
                })?;
            }
        }
        self.path.truncate(parent);
        Ok(())
    }

    /// Visits the values of `member`. `member` must not be a record, and `start` is the offset of its first byte in the
    /// item. `kind` returns the kind of an entry for the number of elements in the group, or for `None` if the entry is
    /// a single value.
    fn values(
        &mut self,
        member: &Member,
        start: usize,
        kind: impl Fn(Option<usize>) -> EntryKind<'m>,
    ) -> Result<(), Failure> {
        let name = &self.path;
        let Member { size, shape, count, .. } = member;
        if *count == 0 {
            return (self.each)(Entry { range: start..start, name: name.clone(), kind: kind(Some(0)) });
        }
        if shape.is_empty() {
            let range = start..start.saturating_add(*size);
            return (self.each)(Entry { range, name: name.clone(), kind: kind(None) });
        }
        let mut first = 0;
        while first < *count {
            let offset = start.saturating_add(size.saturating_mul(first));
            let index = index_text(shape, to_u64(first));
            if *size != 1 {
                let range = offset..offset.saturating_add(*size);
                (self.each)(Entry { range, name: format!("{name}[{index}]"), kind: kind(None) })?;
                first = first.saturating_add(1);
                continue;
            }
            // A group ends at the end of the row.
            let left = offset.checked_rem(self.row).map_or(1, |column| self.row.saturating_sub(column));
            let end = first.saturating_add(left).min(*count);
            let elements = end.saturating_sub(first);
            let name = match elements {
                1 => format!("{name}[{index}]"),
                _ => format!("{name}[{index}-{}]", index_text(shape, to_u64(end.saturating_sub(1)))),
            };
            let range = offset..offset.saturating_add(elements);
            let kind = kind((elements > 1).then_some(elements));
            (self.each)(Entry { range, name, kind })?;
            first = end;
        }
        Ok(())
    }

    /// Visits `padding`. `base` is the offset in bytes, from the start of the item, of the record that contains the
    /// padding. Returns the error of the callback.
    fn padding(&mut self, padding: &'m Padding, base: usize) -> Result<(), Failure> {
        let start = base.saturating_add(padding.offset);
        let (dot, path) = if self.path.is_empty() { ("", "the item") } else { (".", self.path.as_str()) };
        let name = match &padding.next {
            Some(next) => format!("padding before {}{dot}{next}", self.path),
            None => format!("padding at the end of {path}"),
        };
        let range = start..start.saturating_add(padding.size);
        (self.each)(Entry { range, name, kind: EntryKind::Padding(&padding.reason) })
    }
}

#[cfg(test)]
mod tests {
    use super::explicit_padding;

    #[test]
    fn padding_characters_are_found_outside_of_names() {
        let cases: [(&[u8], &str, u64); 6] = [
            (b":x:3x<", "3x", 3),
            (b":3x: x\n2x =4", "x2x", 3),
            (b"(2,3)", "", 0),
            (b"3:x", "", 0),
            (b"12xx", "12xx", 13),
            (b"99999999999999999999x", "99999999999999999999x", u64::MAX),
        ];
        for (text, pads, total) in cases {
            assert_eq!(explicit_padding(text), (pads.as_bytes().to_vec(), total));
        }
    }
}
