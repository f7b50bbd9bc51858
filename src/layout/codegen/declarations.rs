//! [`Declarations`]: the structures and unions that define the types of a layout, for any language.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::align::Align;
use crate::layout::{Field, Layout, Type};
use crate::text::{char_boundary, escape};

/// The structures and unions of a layout, each after those that it contains.
pub struct Declarations<'l> {
    /// The last definition is the item, or an element of the item. Empty if the item is not a record.
    pub definitions: Vec<Rc<Definition<'l>>>,
}

/// One structure or union.
pub struct Definition<'l> {
    /// The index in [`Declarations::definitions`].
    pub index: usize,
    /// The name of the type, unique in the declarations.
    pub name: String,
    /// Whether it is a union.
    pub union: bool,
    /// Whether alignment must be disabled to have the members at their offsets.
    pub packed: bool,
    /// In bytes.
    pub size: u64,
    /// Members in the order of their offsets, padding included.
    pub members: Vec<Member<'l>>,
    /// Descriptions of the fields that take no bytes and have no member.
    pub absent: Vec<String>,
    align: Align,
}

/// One member of a structure or union; an array is one member.
pub struct Member<'l> {
    /// The name, unique in the definition.
    pub name: String,
    /// The name of the field, if it cannot be the name of a member.
    pub called: Option<String>,
    /// In bytes, from the start of the definition.
    pub offset: u64,
    /// Bytes of all elements.
    pub size: u64,
    /// The dimensions of an array; empty for a single value.
    pub shape: Vec<u64>,
    /// The type of one element.
    pub what: MemberType<'l>,
    /// Whether the member is a union of fields that share bytes, and not itself a field.
    pub shared: bool,
    align: Align,
}

/// The type of a member.
#[derive(Clone)]
pub enum MemberType<'l> {
    /// The type of a field that is not a record.
    Value(Field<'l>),
    /// A type that is defined before.
    Defined(Rc<Definition<'l>>),
    /// Bytes.
    Padding,
}

/// The properties of a language.
pub struct Language<'w> {
    /// Returns the alignment of the type that the language has for a field.
    pub align: &'w dyn Fn(Field<'_>) -> Align,
    /// Returns whether a member can have a name.
    pub can_name_member: &'w dyn Fn(&str) -> bool,
    /// Returns whether a type can have a name.
    pub can_name_type: &'w dyn Fn(&str) -> bool,
    /// Returns the name of a type from the name of the item and the names of the members that contain the type.
    pub type_name: &'w dyn Fn(&[&str]) -> String,
    /// The word after the name of an item that is an array, for the name of its element.
    pub element: &'w str,
}

/// The largest length of the names of members in the name of a type, in bytes. Compilers of C distinguish at least 63
/// characters. Without a limit, the names in the types of deeply nested records take quadratic space.
const PATH: usize = 63;

impl<'l> Declarations<'l> {
    /// Returns the declarations of a layout whose item is called `name`.
    pub fn new(layout: &'l Layout, name: &str, language: &Language<'_>) -> Self {
        let item = layout.item();
        let mut builder = Builder {
            language,
            item: name.to_string(),
            path: Vec::new(),
            type_names: Names::default(),
            definitions: Vec::new(),
        };
        if item.ty() == Type::Record {
            let mut words = Vec::from([name]);
            if !item.shape().is_empty() {
                builder.type_names.take(name);
                words.push(language.element);
            }
            let name = builder.type_names.take(&(language.type_name)(&words));
            builder.record(item, name);
        }
        Self { definitions: builder.definitions }
    }
}

struct Builder<'l, 'w> {
    language: &'w Language<'w>,
    /// The name of the item.
    item: String,
    /// The names of the members that contain the current record.
    path: Vec<String>,
    type_names: Names,
    definitions: Vec<Rc<Definition<'l>>>,
}

/// Members that share bytes, in the order of their offsets.
struct Overlap<'l> {
    first: Member<'l>,
    others: Vec<Member<'l>>,
    /// One past the last byte of all members.
    end: u64,
}

impl<'l> Overlap<'l> {
    fn members(self) -> impl Iterator<Item = Member<'l>> {
        core::iter::once(self.first).chain(self.others)
    }
}

impl<'l> Builder<'l, '_> {
    // As deep as records are nested, which the parser and the builder of layouts limit to 64 levels.
    fn record(&mut self, record: Field<'l>, name: String) -> Rc<Definition<'l>> {
        let mut names = Names::default();
        let mut absent = Vec::new();
        let mut overlaps: Vec<Overlap<'l>> = Vec::new();
        for field in record.by_offset() {
            if field.total_size() == 0 {
                absent.push(absence(field));
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
        let is_union = |overlap: &Overlap<'_>| {
            let all_start = overlap.first.offset == 0 && overlap.others.iter().all(|member| member.offset == 0);
            !overlap.others.is_empty() && all_start
        };
        let union = matches!(overlaps.as_slice(), [only] if is_union(only));
        let members: Vec<Member<'l>> = if union {
            overlaps.into_iter().flat_map(Overlap::members).collect()
        } else {
            overlaps.into_iter().map(|overlap| self.one_member(overlap, &mut names)).collect()
        };
        self.define(Outline { name, union, size: record.size(), absent }, members, names)
    }

    fn member(&mut self, field: Field<'l>, names: &mut Names) -> Member<'l> {
        let text = field.name().and_then(|name| core::str::from_utf8(name).ok());
        let usable = text.filter(|name| (self.language.can_name_member)(name));
        let name = names.take(usable.unwrap_or(&format!("field_{}", field.offset())));
        let called = field.name_text().filter(|called| *called != name);
        let (what, align) = if field.ty() == Type::Record {
            self.path.push(name.clone());
            let type_name = self.type_name();
            let definition = self.record(field, type_name);
            self.path.pop();
            let align = definition.align;
            (MemberType::Defined(definition), align)
        } else {
            (MemberType::Value(field), (self.language.align)(field))
        };
        let (offset, size, shape) = (field.offset(), field.total_size(), field.shape().to_vec());
        Member { name, called, offset, size, shape, what, shared: false, align }
    }

    /// Returns the only member of an overlap, or one member for all that is a union.
    fn one_member(&mut self, overlap: Overlap<'l>, names: &mut Names) -> Member<'l> {
        if overlap.others.is_empty() {
            return overlap.first;
        }
        let (start, end) = (overlap.first.offset, overlap.end);
        let name = names.take(&format!("shared_{start}"));
        self.path.push(name.clone());
        let type_name = self.type_name();
        let mut members = Vec::new();
        for member in overlap.members() {
            let member = Member { offset: member.offset.saturating_sub(start), ..member };
            members.push(if member.offset == 0 { member } else { self.behind_padding(member) });
        }
        let mut inner_names = Names::default();
        for member in &members {
            inner_names.take(&member.name);
        }
        let size = end.saturating_sub(start);
        let outline = Outline { name: type_name, union: true, size, absent: Vec::new() };
        let definition = self.define(outline, members, inner_names);
        self.path.pop();
        Member { offset: start, shared: true, ..Member::of_definition(definition, name, None) }
    }

    /// Returns a member at byte 0 that is a structure of padding and a member.
    fn behind_padding(&mut self, member: Member<'l>) -> Member<'l> {
        self.path.push(member.name.clone());
        let (name, called) = (member.name.clone(), member.called.clone());
        let mut names = Names::default();
        names.take(&name);
        let outline = Outline { name: self.type_name(), union: false, size: member.end(), absent: Vec::new() };
        let definition = self.define(outline, Vec::from([member]), names);
        self.path.pop();
        Member::of_definition(definition, name, called)
    }

    /// Returns a new name for the type of the member at the end of `path`.
    fn type_name(&mut self) -> String {
        let mut words: Vec<&str> = Vec::new();
        let mut left = PATH;
        for word in self.path.iter().rev() {
            match left.checked_sub(word.len()) {
                Some(rest) => left = rest,
                None if words.is_empty() => {
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
        let mut unique = self.type_names.take(&name);
        while !(self.language.can_name_type)(&unique) {
            unique = self.type_names.take(&name);
        }
        unique
    }

    fn define(&mut self, outline: Outline, members: Vec<Member<'l>>, mut names: Names) -> Rc<Definition<'l>> {
        let Outline { name, union, size, absent } = outline;
        let align = members.iter().map(|member| member.align).max().unwrap_or(Align::ONE);
        let is_aligned = align.divides(size) && members.iter().all(|member| member.align.divides(member.offset));
        let align = if is_aligned { align } else { Align::ONE };
        let mut padded = Vec::new();
        let mut end = 0_u64;
        for member in members {
            let start = if union { 0 } else { end };
            let own = if is_aligned { member.align } else { Align::ONE };
            if own.round_up(start) != Some(member.offset) {
                padded.push(padding(start, member.offset, &mut names));
            }
            end = end.max(member.end());
            padded.push(member);
        }
        if align.round_up(end) != Some(size) {
            padded.push(padding(if union { 0 } else { end }, size, &mut names));
        }
        let (index, packed) = (self.definitions.len(), !is_aligned);
        let definition = Rc::new(Definition { index, name, union, packed, size, members: padded, absent, align });
        self.definitions.push(Rc::clone(&definition));
        definition
    }
}

/// A definition before its members are known.
struct Outline {
    name: String,
    union: bool,
    size: u64,
    absent: Vec<String>,
}

impl<'l> Definition<'l> {
    /// Returns the members without padding.
    pub fn fields(&self) -> impl Iterator<Item = &Member<'l>> {
        self.members.iter().filter(|member| !matches!(member.what, MemberType::Padding))
    }
}

impl<'l> Member<'l> {
    /// Returns a member at byte 0 with the type of a definition.
    fn of_definition(definition: Rc<Definition<'l>>, name: String, called: Option<String>) -> Self {
        let (size, align) = (definition.size, definition.align);
        let what = MemberType::Defined(definition);
        Self { name, called, offset: 0, size, shape: Vec::new(), what, shared: false, align }
    }

    fn end(&self) -> u64 {
        self.offset.saturating_add(self.size)
    }
}

fn padding<'l>(from: u64, to: u64, names: &mut Names) -> Member<'l> {
    let (name, size) = (names.take(&format!("_pad{from}")), to.saturating_sub(from));
    let (shape, what, align) = (Vec::from([size]), MemberType::Padding, Align::ONE);
    Member { name, called: None, offset: from, size, shape, what, shared: false, align }
}

/// Describes a field without bytes: `a: int32[0] at byte 4, no bytes`.
fn absence(field: Field<'_>) -> String {
    let name = field.name().map(escape).unwrap_or_default();
    let shape: Vec<String> = field.shape().iter().map(ToString::to_string).collect();
    format!("{name}: {}[{}] at byte {}, no bytes", field.ty(), shape.join(","), field.offset())
}

/// Names that are in use in one scope.
#[derive(Default)]
struct Names {
    used: BTreeSet<String>,
    /// The next number to try for each name that was asked for again. Trying from 2 on each time would take quadratic
    /// time for equal names.
    next: BTreeMap<String, u64>,
}

impl Names {
    /// Adds a name, or the first of `name_2`, `name_3` … that is not in use, and returns it.
    fn take(&mut self, name: &str) -> String {
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

/// Returns whether a name has ASCII letters, digits and `_` only, which all compilers accept, and is not `_` alone.
pub(super) fn is_identifier(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name != "_"
}

/// Returns whether the bytes of a field are in the other order than those of the machine's own types.
pub(super) fn is_swapped(field: Field<'_>) -> bool {
    field.size() > 1 && field.endian().is_some_and(|endian| endian != field.model().endian)
}

/// Returns the text of a comment about a member: its name in the format and a note on its type. It is ASCII, because
/// source files can have any encoding.
pub(super) fn remark(called: Option<&str>, note: &str) -> String {
    match called {
        Some(called) if note.is_empty() => called.escape_default().to_string(),
        Some(called) => format!("{}: {note}", called.escape_default()),
        None => note.to_string(),
    }
}
