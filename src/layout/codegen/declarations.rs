//! [`Declarations`]: the structures and unions that represent a layout ([`Definition`], [`Member`]), before they are
//! written in C, Rust or another [`Language`].

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::align::Align;
use crate::endian::Endian;
use crate::layout::table::join_lengths;
use crate::layout::{Field, Layout, Type};
use crate::text::{char_boundary, escape, plural};

/// The structures and unions of a layout.
pub struct Declarations<'l> {
    /// The definitions. A definition comes after all definitions that its members use. The last definition is the type
    /// of the item, or of one element of the item if the item is an array. Empty if the item is not a record.
    pub definitions: Vec<Rc<Definition<'l>>>,
}

/// A structure or union that the generated source code defines. The type represents one record of the layout, or fields
/// that share bytes.
pub struct Definition<'l> {
    /// The index of this definition in [`Declarations::definitions`].
    pub index: usize,
    /// The name of the type. No other definition has this name.
    pub name: String,
    /// Whether the definition is a union.
    pub is_union: bool,
    /// Whether the definition is packed. Without packing, a compiler that aligns the members would move a member or
    /// change the size.
    pub is_packed: bool,
    /// The size of the type in bytes.
    pub size: u64,
    /// The members, including padding, in the order of their offsets.
    pub members: Vec<Member<'l>>,
    /// A description of each field of 0 bytes: `a: int32[0] at byte 4, no bytes`. Such a field is not a member.
    pub empty_fields: Vec<String>,
    /// The alignment of the type, or 1 byte if the definition is packed.
    align: Align,
}

/// One member of a structure or union. An array or padding is one member.
pub struct Member<'l> {
    /// The name of the member. No other member of the definition has this name.
    pub name: String,
    /// The name of the field in the layout. `None` if the member has the same name, or if the field has no name.
    pub field_name: Option<String>,
    /// The offset from the start of the definition in bytes.
    pub offset: u64,
    /// The size of all elements in bytes.
    pub size: u64,
    /// The length of each dimension of an array. Empty for a single value.
    pub shape: Vec<u64>,
    /// The type of one element.
    pub ty: MemberType<'l>,
    /// Whether the member is a union that contains the fields that share bytes. The layout has no field for such a
    /// member.
    pub is_overlap: bool,
    /// The alignment of the type of one element.
    align: Align,
}

/// The content of the bytes of a member: a value, a structure or union, or padding.
#[derive(Clone)]
pub enum MemberType<'l> {
    /// A value of the type of the field. The field is not a record.
    Value(Field<'l>),
    /// A structure or union of [`Declarations::definitions`].
    Defined(Rc<Definition<'l>>),
    /// Pad bytes.
    Padding,
    /// Bit-fields that fill the bytes of the member together with pad bits. The pieces are in the order in which a C
    /// compiler of the data model allocates bits. Only a language with [`Language::has_bit_fields`] has such a member.
    Bits(Rc<Vec<BitPiece<'l>>>),
}

/// A bit-field, or pad bits beside bit-fields.
pub struct BitPiece<'l> {
    /// The name of the member and its field. `None` for pad bits.
    pub field: Option<(String, Field<'l>)>,
    /// The type of the values. For pad bits, an unsigned integer.
    pub ty: Type,
    /// The number of bits.
    pub width: u64,
}

/// The properties of the target language that [`Declarations`] depends on.
pub struct Language<'w> {
    /// Returns the alignment of the type of a field in the generated source. The field must not be a record.
    pub align: &'w dyn Fn(Field<'_>) -> Align,
    /// Returns whether a text can be the name of a member.
    pub can_name_member: &'w dyn Fn(&str) -> bool,
    /// Returns whether a text can be the name of a type.
    pub can_name_type: &'w dyn Fn(&str) -> bool,
    /// Returns the name of a type. The argument contains the name of the item, and the names of the members from the
    /// item to the type: `["sample", "position"]`.
    pub type_name: &'w dyn Fn(&[&str]) -> String,
    /// Whether the generated source declares bit-fields as a C compiler of the data model does. If `false`, a bit-field
    /// is a [`MemberType::Value`], and bit-fields of the same byte share bytes.
    pub has_bit_fields: bool,
    /// The last word in the name of the element type, if the item is an array: `element` gives `sample_element`.
    pub element: &'w str,
}

/// The largest total length in bytes of the member names that form the name of a type. A C compiler distinguishes at
/// least the first 63 characters of a name. Without a limit, the type names of deeply nested records take quadratic
/// space.
const MAX_PATH_BYTES: usize = 63;

impl<'l> Declarations<'l> {
    /// Creates the declarations that represent `layout` in the language `language`. `name` is the name of the type of
    /// the item.
    pub fn new(layout: &'l Layout, name: &str, language: &Language<'_>) -> Self {
        let item = layout.item();
        let mut builder = Builder {
            language,
            item: name.to_string(),
            path: Vec::new(),
            type_names: UsedNames::default(),
            definitions: Vec::new(),
        };
        if item.ty() == Type::Record {
            let mut words = Vec::from([name]);
            if !item.shape().is_empty() {
                builder.type_names.reserve(name);
                words.push(language.element);
            }
            let name = builder.type_names.reserve(&(language.type_name)(&words));
            builder.define_record(item, name);
        }
        Self { definitions: builder.definitions }
    }
}

/// The state while [`Declarations::new`] creates the definitions.
struct Builder<'l, 'w> {
    /// The properties of the target language.
    language: &'w Language<'w>,
    /// The name of the item.
    item: String,
    /// The names of the members that contain the current record, outermost first.
    path: Vec<String>,
    /// The names of all types that have been declared.
    type_names: UsedNames,
    definitions: Vec<Rc<Definition<'l>>>,
}

/// A group of members of a record that share bytes. Each member after the first starts before a previous member of the
/// group ends.
struct Overlap<'l> {
    /// The member with the smallest offset.
    first: Member<'l>,
    /// All members after `first` in the order of their offsets. Empty if `first` shares no bytes.
    others: Vec<Member<'l>>,
    /// The offset after the last byte of all members.
    end: u64,
}

impl<'l> Overlap<'l> {
    /// Returns an iterator over all members in the order of their offsets.
    fn all(&self) -> impl Iterator<Item = &Member<'l>> {
        core::iter::once(&self.first).chain(&self.others)
    }

    /// Returns all members in the order of their offsets.
    fn members(self) -> impl Iterator<Item = Member<'l>> {
        core::iter::once(self.first).chain(self.others)
    }
}

impl<'l> Builder<'l, '_> {
    /// Adds the definitions that `record` contains, then the definition of `record` with the type name `name`. Returns
    /// the definition of `record`.
    // The function calls itself once per level of nested records. The parser and `LayoutBuilder` permit 64 levels.
    fn define_record(&mut self, record: Field<'l>, name: String) -> Rc<Definition<'l>> {
        let mut names = UsedNames::default();
        let mut empty_fields = Vec::new();
        let mut overlaps: Vec<Overlap<'l>> = Vec::new();
        for field in record.by_offset() {
            if field.total_size() == 0 {
                empty_fields.push(describe_empty_field(field));
                continue;
            }
            let member = self.member(field, &mut names);
            match overlaps.last_mut() {
                Some(overlap) if member.offset < overlap.end => {
                    overlap.end = member.end().max(overlap.end);
                    overlap.others.push(member);
                }
                _ => overlaps.push(Overlap { end: member.end(), first: member, others: Vec::new() }),
            }
        }
        let overlaps = self.with_bit_fields(overlaps, record.size());
        let starts_at_zero = |overlap: &Overlap<'_>| {
            let all_start = overlap.first.offset == 0 && overlap.others.iter().all(|member| member.offset == 0);
            !overlap.others.is_empty() && all_start
        };
        let is_union = matches!(overlaps.as_slice(), [only] if starts_at_zero(only));
        let members: Vec<Member<'l>> = if is_union {
            let moved =
                |member: Member<'l>| if needs_structure(&member) { self.move_behind_padding(member) } else { member };
            overlaps.into_iter().flat_map(Overlap::members).map(moved).collect()
        } else {
            overlaps.into_iter().map(|overlap| self.member_of_overlap(overlap, &mut names)).collect()
        };
        self.define(Outline { name, is_union, size: record.size(), empty_fields }, members, names)
    }

    /// Returns `overlaps` with one member for each unit of bit-fields that the language can declare. `overlaps` are the
    /// members of a record of `size` bytes. All other members are unchanged.
    fn with_bit_fields(&self, overlaps: Vec<Overlap<'l>>, size: u64) -> Vec<Overlap<'l>> {
        if !self.language.has_bit_fields {
            return overlaps;
        }
        let mut out: Vec<Overlap<'l>> = Vec::new();
        let mut overlaps = overlaps.into_iter().peekable();
        while let Some(overlap) = overlaps.next() {
            let end = out.last().map_or(0, |last| last.end);
            // A unit of the Microsoft rule can contain bit-fields that share no bytes. The loop adds such bit-fields to
            // the unit.
            let mut unit = Vec::from([overlap]);
            let found = loop {
                let limit = overlaps.peek().map_or(size, |next| next.first.offset);
                let fields: Vec<&Member<'l>> = unit.iter().flat_map(Overlap::all).collect();
                match bit_unit(&fields, end, limit) {
                    BitUnit::Complete(member) => break Some(member),
                    BitUnit::Impossible => break None,
                    BitUnit::NeedsNext => match overlaps.next() {
                        Some(next) => unit.push(next),
                        None => break None,
                    },
                }
            };
            match found {
                Some(member) => out.push(Overlap { end: member.end(), first: member, others: Vec::new() }),
                None => out.extend(unit.into_iter().map(|overlap| self.with_bit_fields_of_union(overlap))),
            }
        }
        out
    }

    /// Returns `overlap`, the members of a union, with a unit of bits in place of each bit-field that a union can
    /// declare.
    fn with_bit_fields_of_union(&self, overlap: Overlap<'l>) -> Overlap<'l> {
        let (start, end) = (overlap.first.offset, overlap.end);
        if overlap.others.is_empty() {
            return overlap;
        }
        let convert = |member: Member<'l>| match bit_unit(&[&member], start, end) {
            BitUnit::Complete(unit) if unit.offset == start => unit,
            BitUnit::Complete(_) | BitUnit::Impossible | BitUnit::NeedsNext => member,
        };
        let first = convert(overlap.first);
        let others = overlap.others.into_iter().map(convert).collect();
        Overlap { first, others, end }
    }

    /// Returns the member for `field`. If `field` is a record, first adds the definition of the record. The name of the
    /// member is the name of `field`, or `field_4` at byte 4 if the language cannot have the name of `field`. If
    /// `names` has this name, adds a number to it. Adds the chosen name to `names`.
    fn member(&mut self, field: Field<'l>, names: &mut UsedNames) -> Member<'l> {
        let text = field.name().and_then(|name| core::str::from_utf8(name).ok());
        let usable = text.filter(|name| (self.language.can_name_member)(name));
        let name = names.reserve(usable.unwrap_or(&format!("field_{}", field.offset())));
        let field_name = field.name_text().filter(|field_name| *field_name != name);
        let (ty, align) = if field.ty() == Type::Record {
            self.path.push(name.clone());
            let type_name = self.type_name();
            let definition = self.define_record(field, type_name);
            self.path.pop();
            let align = definition.align;
            (MemberType::Defined(definition), align)
        } else {
            (MemberType::Value(field), (self.language.align)(field))
        };
        let (offset, size, shape) = (field.offset(), field.total_size(), field.shape().to_vec());
        Member { name, field_name, offset, size, shape, ty, is_overlap: false, align }
    }

    /// Returns one member for `overlap`. If `overlap` has one member, returns this member. Otherwise returns a union of
    /// all members, chooses a name for the union that is not in `names`, and adds this name to `names`.
    fn member_of_overlap(&mut self, overlap: Overlap<'l>, names: &mut UsedNames) -> Member<'l> {
        if overlap.others.is_empty() {
            return overlap.first;
        }
        let (start, end) = (overlap.first.offset, overlap.end);
        let name = names.reserve(&format!("shared_{start}"));
        self.path.push(name.clone());
        let type_name = self.type_name();
        let mut members = Vec::new();
        for member in overlap.members() {
            let member = Member { offset: member.offset.saturating_sub(start), ..member };
            members.push(if member.offset == 0 && !needs_structure(&member) {
                member
            } else {
                self.move_behind_padding(member)
            });
        }
        let mut inner_names = UsedNames::default();
        for member in &members {
            inner_names.reserve(&member.name);
        }
        let size = end.saturating_sub(start);
        let outline = Outline { name: type_name, is_union: true, size, empty_fields: Vec::new() };
        let definition = self.define(outline, members, inner_names);
        self.path.pop();
        Member { offset: start, is_overlap: true, ..Member::of_definition(definition, name, None) }
    }

    /// Returns a member at byte 0 whose type is a structure of padding followed by `member`. All members of a union
    /// start at byte 0, and the padding moves `member` to its offset.
    fn move_behind_padding(&mut self, member: Member<'l>) -> Member<'l> {
        self.path.push(member.name.clone());
        let (name, field_name) = (member.name.clone(), member.field_name.clone());
        let mut names = UsedNames::default();
        names.reserve(&name);
        let outline = Outline { name: self.type_name(), is_union: false, size: member.end(), empty_fields: Vec::new() };
        let definition = self.define(outline, Vec::from([member]), names);
        self.path.pop();
        Member::of_definition(definition, name, field_name)
    }

    /// Returns an unused type name for the type of the member whose name is last in `self.path`, and marks it as used.
    /// The name consists of the name of the item and the last names of `self.path`, at most [`MAX_PATH_BYTES`] bytes of
    /// them.
    fn type_name(&mut self) -> String {
        // The names are collected from the last to the first. If the limit excludes names, the last names stay, because
        // the last names identify the type best.
        let mut words: Vec<&str> = Vec::new();
        let mut left = MAX_PATH_BYTES;
        for word in self.path.iter().rev() {
            match left.checked_sub(word.len()) {
                Some(rest) => left = rest,
                None if words.is_empty() => {
                    // The default is never used, because `char_boundary` returns the start of a character.
                    words.push(word.get(..char_boundary(word.as_bytes(), left)).unwrap_or_default());
                    break;
                }
                None => break,
            }
            words.push(word);
        }
        words.push(&self.item);
        words.reverse();
        let name = (self.language.type_name)(&words);
        let mut unique = self.type_names.reserve(&name);
        while !(self.language.can_name_type)(&unique) {
            unique = self.type_names.reserve(&name);
        }
        unique
    }

    /// Adds the definition that `outline` describes, and returns the definition. The definition has `members`, and
    /// explicit padding where a compiler would not insert padding. `members` must be in the order of their offsets,
    /// and `names` must contain the names of `members`. The definition is packed if a compiler that aligns the members
    /// would move a member or change the size.
    fn define(&mut self, outline: Outline, members: Vec<Member<'l>>, mut names: UsedNames) -> Rc<Definition<'l>> {
        let Outline { name, is_union, size, empty_fields } = outline;
        // A definition without members has an alignment of 1 byte.
        let align = members.iter().map(|member| member.align).max().unwrap_or(Align::ONE);
        // Only a packed structure has the pieces of bit-fields at their positions.
        let has_bits = members.iter().any(|member| matches!(member.ty, MemberType::Bits(_)));
        let is_aligned =
            !has_bits && align.divides(size) && members.iter().all(|member| member.align.divides(member.offset));
        let align = if is_aligned { align } else { Align::ONE };
        let mut padded = Vec::new();
        let mut end = 0_u64;
        for member in members {
            let start = if is_union { 0 } else { end };
            let own = if is_aligned { member.align } else { Align::ONE };
            if own.round_up(start) != Some(member.offset) {
                padded.push(padding(start, member.offset, &mut names));
            }
            end = end.max(member.end());
            padded.push(member);
        }
        if align.round_up(end) != Some(size) {
            padded.push(padding(if is_union { 0 } else { end }, size, &mut names));
        }
        let (index, is_packed) = (self.definitions.len(), !is_aligned);
        let definition =
            Rc::new(Definition { index, name, is_union, is_packed, size, members: padded, empty_fields, align });
        self.definitions.push(Rc::clone(&definition));
        definition
    }
}

/// The properties of a [`Definition`] that do not depend on its members.
struct Outline {
    name: String,
    is_union: bool,
    /// The size in bytes.
    size: u64,
    empty_fields: Vec<String>,
}

impl<'l> Definition<'l> {
    /// Returns an iterator over the members that are neither padding nor bit-fields, in the order of their offsets.
    pub fn fields(&self) -> impl Iterator<Item = &Member<'l>> {
        self.members.iter().filter(|member| !matches!(member.ty, MemberType::Padding | MemberType::Bits(_)))
    }
}

impl<'l> Member<'l> {
    /// Returns a member at byte 0 with the type `definition` and the name `name`. `field_name` becomes
    /// [`Member::field_name`].
    fn of_definition(definition: Rc<Definition<'l>>, name: String, field_name: Option<String>) -> Self {
        let (size, align) = (definition.size, definition.align);
        let ty = MemberType::Defined(definition);
        Self { name, field_name, offset: 0, size, shape: Vec::new(), ty, is_overlap: false, align }
    }

    /// Returns the offset after the last byte of the member, in bytes from the start of the definition.
    fn end(&self) -> u64 {
        self.offset.saturating_add(self.size)
    }
}

/// The result of [`bit_unit`].
enum BitUnit<'l> {
    /// A member that contains the bit-fields.
    Complete(Member<'l>),
    /// The unit ends after `limit`, so it includes bytes of the next member. The bit-fields can only be declared
    /// together with this member, as bit-fields of one unit.
    NeedsNext,
    /// A member is not a bit-field, or the bit-fields cannot be declared: they share bits, are arrays, are a `_Bool` of
    /// several bits, have the byte order of another machine, or are not in units of their types.
    Impossible,
}

/// Returns the member that declares `members` as bit-fields of one unit. The unit starts at or after byte `start` of
/// the record. The unit ends at or before byte `limit`, which is the start of the next member or the end of the record.
///
/// By the rule of System V in a packed structure, a bit-field starts at the next bit. The unit then consists of the
/// bytes of the bit-fields. By the Microsoft rule, a unit has the size of the type of its bit-fields.
fn bit_unit<'l>(members: &[&Member<'l>], start: u64, limit: u64) -> BitUnit<'l> {
    let mut pieces: Vec<(u64, u64, &Member<'l>, Field<'l>, Type)> = Vec::new();
    for member in members {
        let MemberType::Value(field) = member.ty else { return BitUnit::Impossible };
        let Some(bits) = field.bit_field().filter(|_| field.shape().is_empty() && field.swapped_endian().is_none())
        else {
            return BitUnit::Impossible;
        };
        if bits.ty() == Type::Bool && bits.width() > 1 {
            // C limits the width of a `_Bool` to 1 bit.
            return BitUnit::Impossible;
        }
        let (below, width) = (u64::from(bits.offset()), u64::from(bits.width()));
        let inside = match field.model().endian {
            Endian::Little => below,
            Endian::Big => member.size.saturating_mul(8).saturating_sub(below).saturating_sub(width),
        };
        pieces.push((member.offset.saturating_mul(8).saturating_add(inside), width, member, field, bits.ty()));
    }
    pieces.sort_by_key(|(first, ..)| *first);
    let Some((_, _, first, field, ty)) = pieces.first().copied() else { return BitUnit::Impossible };
    // `first` is one of the pieces, so the default is never used.
    let end = pieces.iter().map(|(_, _, member, ..)| member.end()).max().unwrap_or(0);
    let (offset, size, pad) = if field.model().has_microsoft_bit_fields() {
        let size = unit_bytes(ty);
        let pad = match size {
            1 => Type::UInt8,
            2 => Type::UInt16,
            4 => Type::UInt32,
            _ => Type::UInt64,
        };
        let fits = |at: u64| at >= start && at.saturating_add(size) >= end;
        // A compiler aligns the units of a structure that is not packed.
        let aligned = first.offset & !size.saturating_sub(1);
        let at = if fits(aligned) { aligned } else { first.offset };
        if !fits(at) || pieces.iter().any(|(_, _, _, _, other)| unit_bytes(*other) != size) {
            return BitUnit::Impossible;
        }
        if at.saturating_add(size) > limit {
            return BitUnit::NeedsNext;
        }
        (at, size, pad)
    } else {
        (first.offset, end.saturating_sub(first.offset), Type::UInt8)
    };
    let mut out = Vec::new();
    let mut at = offset.saturating_mul(8);
    let padding = |from: u64, to: u64| BitPiece { field: None, ty: pad, width: to.saturating_sub(from) };
    for (first, width, member, field, ty) in pieces {
        if first < at {
            return BitUnit::Impossible;
        }
        if first > at {
            out.push(padding(at, first));
        }
        out.push(BitPiece { field: Some((member.name.clone(), field)), ty, width });
        at = first.saturating_add(width);
    }
    let last = offset.saturating_add(size).saturating_mul(8);
    if last > at {
        out.push(padding(at, last));
    }
    let name = first.name.clone();
    let ty = MemberType::Bits(Rc::new(out));
    BitUnit::Complete(Member {
        name,
        field_name: None,
        offset,
        size,
        shape: Vec::new(),
        ty,
        is_overlap: false,
        align: Align::ONE,
    })
}

/// Returns whether `member`, a member of a union, must be in a structure of its own. Pad bits do not move a bit-field
/// of a union. The compilers of Windows place a bit-field of a packed union differently.
fn needs_structure(member: &Member<'_>) -> bool {
    let MemberType::Bits(pieces) = &member.ty else { return false };
    match pieces.first().and_then(|piece| piece.field.as_ref()) {
        Some((_, field)) => field.model().has_microsoft_bit_fields(),
        None => true,
    }
}

/// Returns the size in bytes of the integer type `ty`. A Microsoft compiler places bit-fields of the type `ty` in a
/// unit of this size.
fn unit_bytes(ty: Type) -> u64 {
    match ty {
        Type::Bool | Type::Int8 | Type::UInt8 => 1,
        Type::Int16 | Type::UInt16 => 2,
        Type::Int32 | Type::UInt32 => 4,
        _ => 8,
    }
}

/// Returns a member for the pad bytes from byte `from` to byte `to` of the definition. Adds the name of the member to
/// `names`.
fn padding<'l>(from: u64, to: u64, names: &mut UsedNames) -> Member<'l> {
    let (name, size) = (names.reserve(&format!("_pad{from}")), to.saturating_sub(from));
    let (shape, ty, align) = (Vec::from([size]), MemberType::Padding, Align::ONE);
    Member { name, field_name: None, offset: from, size, shape, ty, is_overlap: false, align }
}

/// Returns the text of the comment for `field`, a field of 0 bytes: `a: int32[0] at byte 4, no bytes`.
fn describe_empty_field(field: Field<'_>) -> String {
    // The text of a field without a name starts with the colon.
    let name = field.name().map(escape).unwrap_or_default();
    format!("{name}: {}[{}] at byte {}, no bytes", field.ty(), join_lengths(field), field.offset())
}

/// The names that are in use for the types of a source, or for the members of one definition.
#[derive(Default)]
struct UsedNames {
    /// All names in use.
    used: BTreeSet<String>,
    /// For each name that was requested twice, the next number to try. Without this map, each request would try all
    /// numbers from 2, which takes quadratic time for many equal names.
    next: BTreeMap<String, u64>,
}

impl UsedNames {
    /// Returns `name`, or the first unused name of `name_2`, `name_3` and so on if `name` is in use. Adds the returned
    /// name to the names in use.
    fn reserve(&mut self, name: &str) -> String {
        let mut candidate = name.to_string();
        while self.used.contains(&candidate) {
            let number = self.next.entry(name.to_string()).or_insert(2);
            candidate = format!("{name}_{number}");
            *number = number.saturating_add(1);
        }
        self.used.insert(candidate.clone());
        candidate
    }
}

/// Returns whether `name` is an identifier of all languages, apart from their keywords: ASCII letters, digits and `_`,
/// with no digit at the start. Returns `false` for `_`, which is not an identifier in Rust.
pub(super) fn is_identifier(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name != "_"
}

/// Returns the text of the comment for a field of bits that the source declares as bytes: "int32, 5 bits above 3 bits".
/// If the bits are in several bytes, the text contains the byte order. Returns the name of the type for a field of bits
/// that is not a bit-field.
pub(super) fn bits_note(field: Field<'_>) -> String {
    let Some(bits) = field.bit_field() else { return field.ty().to_string() };
    let order = field.endian().map_or_else(String::new, |endian| format!(", {endian}-endian"));
    format!("{}, {} above {}{order}", bits.ty(), plural(bits.width(), "bit"), plural(bits.offset(), "bit"))
}

/// Returns the byte order of the values of `field` if C and Rust have no type with this byte order in the data model.
/// Returns `None` if C and Rust have such a type, or if the values have no byte order.
pub(super) fn swapped_endian(field: Field<'_>) -> Option<Endian> {
    field.swapped_endian().filter(|_| field.size() > 1)
}

/// Returns the text of the comment after a member. `field_name` is the name in the format, or `None` if the member has
/// this name. `note` is a property of the type that the language cannot express, or empty. The text is ASCII, because
/// the encoding of the source file is unknown.
pub(super) fn member_comment(field_name: Option<&str>, note: &str) -> String {
    match field_name {
        Some(field_name) if note.is_empty() => field_name.escape_default().to_string(),
        Some(field_name) => format!("{}: {note}", field_name.escape_default()),
        None => note.to_string(),
    }
}
