//! What has to be defined for a layout, before any language has words for it.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::align::Align;
use crate::layout::{Field, Layout, Type};
use crate::text::escape;

/// The structures and unions that a layout needs, each after those that it is made of.
pub struct Declarations<'l> {
    /// In the order of their dependencies.
    pub definitions: Vec<Definition<'l>>,
}

/// One structure or union.
pub struct Definition<'l> {
    /// Names of the members on the way to it, from the item.
    pub path: Vec<String>,
    /// Whether it is a union.
    pub union: bool,
    /// Whether members lie side by side, whatever their alignment.
    pub packed: bool,
    /// In bytes.
    pub size: u64,
    /// By offset.
    pub members: Vec<Member<'l>>,
    /// Fields without bytes, described.
    pub absent: Vec<String>,
    align: Align,
}

/// One member, all its elements together.
pub struct Member<'l> {
    /// An identifier, unique in its definition.
    pub name: String,
    /// The name of the field where that is no identifier.
    pub called: Option<&'l [u8]>,
    /// In bytes, from the start of its definition.
    pub offset: u64,
    /// In bytes.
    pub size: u64,
    /// Dimensions of an array; empty for anything else.
    pub shape: Vec<u64>,
    /// The type of one element.
    pub what: MemberType<'l>,
    /// Whether it was made here to hold fields that share bytes.
    pub shared: bool,
    align: Align,
}

/// The type of a member.
#[derive(Clone, Copy)]
pub enum MemberType<'l> {
    /// A value of the type of a field.
    Value(Field<'l>),
    /// Defined before: its place in [`Declarations::definitions`].
    Defined(usize),
    /// So many bytes.
    Padding,
}

/// What differs between languages.
pub struct Language<'w> {
    /// The alignment of the type that a field will have.
    pub align: &'w dyn Fn(Field<'_>) -> Align,
    /// Language that cannot be names.
    pub reserved: &'w dyn Fn(&str) -> bool,
    /// Whether any UTF-8 can be a name, and not identifiers alone.
    pub any: bool,
}

impl<'l> Declarations<'l> {
    /// The plan of a layout whose item is a record, or an array of records; empty for anything else.
    /// The last definition is that of the item.
    pub fn new(layout: &'l Layout, words: &Language<'_>) -> Self {
        let mut plan = Self { definitions: Vec::new() };
        if layout.item().ty() == Type::Record {
            plan.record(layout.item(), Vec::new(), words);
        }
        plan
    }

    // As deep as records are nested, which parser and builder bound.
    fn record(&mut self, record: Field<'l>, path: Vec<String>, words: &Language<'_>) -> usize {
        let mut used = BTreeSet::new();
        let mut absent = Vec::new();
        let mut groups: Vec<(u64, Vec<Member<'l>>)> = Vec::new();
        for field in record.by_offset() {
            if field.total_size() == 0 {
                absent.push(absence(field));
                continue;
            }
            let member = self.member(field, &path, &mut used, words);
            let end = member.end();
            match groups.last_mut() {
                Some((reach, group)) if member.offset < *reach => {
                    *reach = end.max(*reach);
                    group.push(member);
                }
                _ => groups.push((end, Vec::from([member]))),
            }
        }
        let is_union = |group: &[Member<'_>]| group.len() > 1 && group.iter().all(|member| member.offset == 0);
        if matches!(groups.as_slice(), [(_, group)] if is_union(group)) {
            let members = groups.pop().map(|(_, group)| group).unwrap_or_default();
            return self.define(path, true, members, record.size(), absent, &mut used);
        }
        let mut members = Vec::new();
        for (end, mut group) in groups {
            match (group.pop(), group.is_empty()) {
                (Some(only), true) => members.push(only),
                (Some(last), false) => {
                    group.push(last);
                    members.push(self.shared(group, end, &path, &mut used));
                }
                (None, _) => {}
            }
        }
        self.define(path, false, members, record.size(), absent, &mut used)
    }

    fn member(
        &mut self,
        field: Field<'l>,
        path: &[String],
        used: &mut BTreeSet<String>,
        words: &Language<'_>,
    ) -> Member<'l> {
        let (called, shown) = (field.name(), field.name_text());
        let text = || field.name().is_some_and(|name| core::str::from_utf8(name).is_ok());
        let fit = shown.as_deref().filter(|name| match words.any {
            true => text(),
            false => is_identifier(name) && !(words.reserved)(name),
        });
        let name = unique(fit.unwrap_or(&format!("field_{}", field.offset())), used);
        let called = called.filter(|called| *called != name.as_bytes());
        let (what, align) = if field.ty() == Type::Record {
            let mut path = path.to_vec();
            path.push(name.clone());
            let index = self.record(field, path, words);
            (MemberType::Defined(index), self.align(index))
        } else {
            (MemberType::Value(field), (words.align)(field))
        };
        let (offset, size, shape) = (field.offset(), field.total_size(), field.shape().to_vec());
        Member { name, called, offset, size, shape, what, shared: false, align }
    }

    /// Members that share bytes, as one member that is a union.
    fn shared(&mut self, group: Vec<Member<'l>>, end: u64, path: &[String], used: &mut BTreeSet<String>) -> Member<'l> {
        let start = group.first().map_or(0, |first| first.offset);
        let name = unique(&format!("shared_{start}"), used);
        let mut path = path.to_vec();
        path.push(name.clone());
        let mut members = Vec::new();
        for member in group {
            if member.offset == start {
                members.push(Member { offset: 0, ..member });
                continue;
            }
            // What begins later is a structure that begins with padding.
            let mut inner = path.clone();
            inner.push(member.name.clone());
            let (name, called) = (member.name.clone(), member.called);
            let member = Member { offset: member.offset.saturating_sub(start), ..member };
            let size = member.end();
            let mut used = BTreeSet::from([name.clone()]);
            let index = self.define(inner, false, Vec::from([member]), size, Vec::new(), &mut used);
            members.push(self.whole(index, name, called));
        }
        let mut inner = members.iter().map(|member| member.name.clone()).collect();
        let index = self.define(path, true, members, end.saturating_sub(start), Vec::new(), &mut inner);
        Member { offset: start, shared: true, ..self.whole(index, name, None) }
    }

    /// A member at byte 0 that is one element of a definition.
    fn whole(&self, index: usize, name: String, called: Option<&'l [u8]>) -> Member<'l> {
        let size = self.definitions.get(index).map_or(0, |definition| definition.size);
        Member {
            name,
            called,
            offset: 0,
            size,
            shape: Vec::new(),
            what: MemberType::Defined(index),
            shared: false,
            align: self.align(index),
        }
    }

    fn align(&self, index: usize) -> Align {
        self.definitions.get(index).map_or(Align::ONE, |definition| definition.align)
    }

    fn define(
        &mut self,
        path: Vec<String>,
        union: bool,
        members: Vec<Member<'l>>,
        size: u64,
        absent: Vec<String>,
        used: &mut BTreeSet<String>,
    ) -> usize {
        let align = members.iter().map(|member| member.align).max().unwrap_or(Align::ONE);
        let fits = align.divides(size) && members.iter().all(|member| member.align.divides(member.offset));
        let align = if fits { align } else { Align::ONE };
        let mut padded = Vec::new();
        let mut end = 0_u64;
        for member in members {
            let start = if union { 0 } else { end };
            let own = if fits { member.align } else { Align::ONE };
            if own.round_up(start) != Some(member.offset) {
                padded.push(padding(start, member.offset, used));
            }
            end = end.max(member.end());
            padded.push(member);
        }
        if align.round_up(end) != Some(size) {
            padded.push(padding(if union { 0 } else { end }, size, used));
        }
        self.definitions.push(Definition { path, union, packed: !fits, size, members: padded, absent, align });
        self.definitions.len().saturating_sub(1)
    }
}

impl<'l> Definition<'l> {
    /// The members that are no padding.
    pub fn fields(&self) -> impl Iterator<Item = &Member<'l>> {
        self.members.iter().filter(|member| !matches!(member.what, MemberType::Padding))
    }
}

impl Member<'_> {
    fn end(&self) -> u64 {
        self.offset.saturating_add(self.size)
    }
}

fn padding<'l>(from: u64, to: u64, used: &mut BTreeSet<String>) -> Member<'l> {
    let (name, size) = (unique(&format!("_pad{from}"), used), to.saturating_sub(from));
    let shape = Vec::from([size]);
    Member {
        name,
        called: None,
        offset: from,
        size,
        shape,
        what: MemberType::Padding,
        shared: false,
        align: Align::ONE,
    }
}

/// `named a: int32[0] at byte 4`
fn absence(field: Field<'_>) -> String {
    let name = field.name().map(escape).unwrap_or_default();
    let shape: Vec<String> = field.shape().iter().map(ToString::to_string).collect();
    format!("{name}: {}[{}] at byte {}, no bytes", field.ty(), shape.join(","), field.offset())
}

/// The name, or the first of `name_2`, `name_3` that is free.
pub(super) fn unique(name: &str, used: &mut BTreeSet<String>) -> String {
    let mut candidate = name.to_string();
    let mut count = 1_u64;
    while used.contains(&candidate) {
        count = count.saturating_add(1);
        candidate = format!("{name}_{count}");
    }
    used.insert(candidate.clone());
    candidate
}

/// Letters, digits and `_` of ASCII: what every compiler takes.
pub(super) fn is_identifier(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name != "_"
}
