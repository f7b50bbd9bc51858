//! The comparison of a plan with a struct: how items become structs, or the first difference.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::super::error::wide;
use super::super::leaf::Repeat;
use super::super::plan::{NodeKind, Plan, PlanNode};
use super::super::scalar::ScalarCodec;
use super::super::value::Name;
use super::access::Origin;
use super::copy_ops::{FieldCopy, ValueCheck};
use super::error::Mismatch;
use super::model::{Check, FieldLayout, MemberKind, MemberLayout, RecordLayout, ValueLayout};
use crate::layout::Type;
use crate::text::{escape, plural};

/// How items of a plan become structs.
#[derive(Debug)]
pub(super) struct Conversion {
    /// From the item to the layout of the struct.
    pub(super) copies: Vec<FieldCopy>,
    pub(super) checks: Vec<ValueCheck>,
    pub(super) strategy: Strategy,
}

/// The fastest way from items to structs.
#[derive(Debug)]
pub(super) enum Strategy {
    /// Items have the layout of the struct.
    Identity,
    /// Items have the layout of the struct, with every value in the other byte order.
    Swapped,
    /// Each byte of the struct is at its own offset in the item; all values are in one byte order.
    Permuted { offsets: Vec<usize>, swap: bool },
    /// The same with values in both byte orders.
    PermutedMixedEndian { origins: Vec<Origin> },
    /// The fields are copied to a block in the layout of the struct, which is then read as [`Identity`](Self::Identity).
    Staged,
}

/// The size in bytes of the largest struct for which the origins of all bytes are listed.
const LARGEST_PERMUTED: usize = 1 << 10;

impl Conversion {
    pub(super) fn new(plan: &Plan, layout: &RecordLayout) -> Result<Self, Mismatch> {
        let mut matcher = LayoutMatcher {
            repeats: Vec::new(),
            path: String::new(),
            copies: Vec::new(),
            checks: Vec::new(),
            has_native: false,
            has_swapped: false,
        };
        let root = &plan.root;
        match &root.kind {
            NodeKind::Record(names, nodes) if root.shape.is_none() => {
                matcher.record(layout.fields, names, nodes, (root.offset, 0))?;
            }
            // An item that is one value or one array is a record of one field without a name.
            _ => matcher.record(layout.fields, &[None], core::slice::from_ref(root), (0, 0))?,
        }
        let LayoutMatcher { copies, checks, has_native, has_swapped, .. } = matcher;
        let copies = FieldCopy::merged(copies);
        let in_place = plan.size == layout.size && copies.iter().all(FieldCopy::is_in_place);
        let strategy = match (in_place, has_swapped, has_native) {
            (true, false, _) => Strategy::Identity,
            (true, true, false) => Strategy::Swapped,
            _ if layout.size > LARGEST_PERMUTED => Strategy::Staged,
            (_, has_swapped, has_native) => {
                let mut origins = alloc::vec![Origin::default(); layout.size];
                copies.iter().try_for_each(|copy| copy.set_origins(&mut origins)).map_err(Mismatch::Layout)?;
                if has_swapped && has_native {
                    Strategy::PermutedMixedEndian { origins }
                } else {
                    let offsets = origins.iter().map(|origin| origin.offset).collect();
                    Strategy::Permuted { offsets, swap: has_swapped }
                }
            }
        };
        Ok(Self { copies, checks, strategy })
    }
}

/// The state of a comparison.
struct LayoutMatcher {
    /// The enclosing arrays of records, outermost first.
    repeats: Vec<Repeat<2>>,
    /// The dotted name of the record.
    path: String,
    copies: Vec<FieldCopy>,
    checks: Vec<ValueCheck>,
    /// Whether a value is in the byte order of this machine.
    has_native: bool,
    /// Whether a value is in the other one.
    has_swapped: bool,
}

impl LayoutMatcher {
    /// Compares a record; `base` is its offset in the item and in the struct. Recurses as deep as the struct is nested.
    fn record(
        &mut self,
        fields: &[FieldLayout],
        names: &[Name],
        nodes: &[PlanNode],
        base: (usize, usize),
    ) -> Result<(), Mismatch> {
        let by_name = names.iter().any(Option::is_some) && fields.iter().any(|field| field.name.is_some());
        if !by_name && fields.len() != nodes.len() {
            let (found, wanted) = (wide(nodes.len()), wide(fields.len()));
            return Err(Mismatch::Count { record: self.described(), found, wanted });
        }
        for (index, field) in fields.iter().enumerate() {
            let node = if by_name {
                let wanted = field.name.map(str::as_bytes);
                names.iter().zip(nodes).find(|(name, _)| name.as_deref() == wanted).map(|(_, node)| node)
            } else {
                nodes.get(index)
            };
            let own = || field.name.map_or_else(|| format!("f{index}"), String::from);
            let node = node.ok_or_else(|| Mismatch::Missing { record: self.described(), field: own() })?;
            let len = self.path.len();
            if len > 0 {
                self.path.push('.');
            }
            self.path += &own();
            let offsets = (base.0.saturating_add(node.offset), base.1.saturating_add(field.offset));
            self.member(&field.member, node, offsets)?;
            self.path.truncate(len);
        }
        // Every field of the struct was found, so a field that is left over is the layout's.
        let is_extra = |name: &Name| {
            let known = |field: &FieldLayout| field.name.map(str::as_bytes) == name.as_deref();
            by_name && !fields.iter().any(known)
        };
        if let Some(extra) = names.iter().find(|name| is_extra(name)) {
            let field = extra.as_ref().map_or_else(|| "without a name".into(), |name| format!("`{}`", escape(name)));
            return Err(Mismatch::Extra { record: self.described(), field });
        }
        if fields.len() != nodes.len() {
            let (found, wanted) = (wide(nodes.len()), wide(fields.len()));
            return Err(Mismatch::Count { record: self.described(), found, wanted });
        }
        Ok(())
    }

    /// Returns the record for messages.
    fn described(&self) -> String {
        if self.path.is_empty() { "the item".into() } else { format!("the record `{}`", self.path) }
    }

    fn member(&mut self, member: &MemberLayout, node: &PlanNode, offsets: (usize, usize)) -> Result<(), Mismatch> {
        let (mut innermost, mut shape) = (member, Vec::new());
        while let MemberKind::Array { of, len } = innermost.kind {
            shape.push(len);
            innermost = of;
        }
        let found = node.shape.as_deref().unwrap_or(&[]);
        let differs = || Mismatch::Type {
            field: self.path.clone(),
            offset: wide(offsets.0),
            found: describe_node(node),
            wanted: describe_member(innermost, &shape),
        };
        match (&innermost.kind, &node.kind) {
            (MemberKind::Record(fields), NodeKind::Record(names, nodes)) if found == shape => {
                let repeated = !shape.is_empty();
                if repeated {
                    self.repeats.push(Repeat { count: node.count, strides: [node.size, innermost.size] });
                }
                self.record(fields, names, nodes, offsets)?;
                if repeated {
                    self.repeats.pop();
                }
                Ok(())
            }
            (MemberKind::Value(value), NodeKind::Value(codec))
                if is_same(value, innermost.size, &shape, codec, found) =>
            {
                self.value(value, member.size, codec, offsets);
                Ok(())
            }
            _ => Err(differs()),
        }
    }

    /// Adds a value, or adjacent values, of `len` bytes on both sides.
    fn value(&mut self, value: &ValueLayout, len: usize, codec: &ScalarCodec, (from, to): (usize, usize)) {
        let (swap, unit) = (codec.swapped(), codec.reversed_unit());
        self.copies.push(FieldCopy { from, to, len, unit, repeats: self.repeats.clone() });
        let ordered = codec.unit > 1 && len > 0;
        self.has_native |= ordered && !swap;
        self.has_swapped |= ordered && swap;
        if value.check != Check::All {
            let in_item = |repeat: &Repeat<2>| {
                let [stride, _] = repeat.strides;
                Repeat { count: repeat.count, strides: [stride] }
            };
            let (check, repeats) = (value.check, self.repeats.iter().map(in_item).collect());
            self.checks.push(ValueCheck { check, offset: from, len, swap, repeats, path: self.path.clone() });
        }
    }
}

/// Returns whether values of a format are those of a Rust type, one by one or as a string of that length.
fn is_same(value: &ValueLayout, size: usize, shape: &[usize], codec: &ScalarCodec, found: &[usize]) -> bool {
    let text = matches!(codec.ty, Type::Ucs4 | Type::Wchar) && codec.unit == 4;
    let accepted = if value.check == Check::Char { text } else { (value.accepts)(codec) && codec.unit == value.unit };
    if !accepted {
        return false;
    }
    let is_string = value.is_string && codec.ty != Type::UInt8;
    match shape.split_last() {
        Some((len, outer)) if is_string && found == outer => codec.size == size.saturating_mul(*len),
        _ => found == shape && codec.size == size,
    }
}

fn describe(name: &str, size: usize, is_string: bool, shape: &[usize]) -> String {
    let mut text = String::from(name);
    if is_string {
        text += &format!(" of {}", plural(wide(size), "byte"));
    }
    if !shape.is_empty() {
        let extents: Vec<String> = shape.iter().map(ToString::to_string).collect();
        text += &format!("[{}]", extents.join(","));
    }
    text
}

/// `int32`, `bytes of 5 bytes`, `float64[2,3]`.
fn describe_node(node: &PlanNode) -> String {
    let shape = node.shape.as_deref().unwrap_or(&[]);
    match &node.kind {
        NodeKind::Record(names, _) => record(names.len(), shape),
        NodeKind::Value(codec) => {
            // The size is in the name of a number.
            let sized = matches!(codec.ty, Type::Bool) && codec.size != 1
                || !codec.ty.has_byte_order() && !matches!(codec.ty, Type::Char | Type::Int8 | Type::UInt8)
                || codec.size != codec.unit && matches!(codec.ty, Type::Ucs2 | Type::Ucs4 | Type::Wchar);
            describe(codec.ty.as_str(), codec.size, sized, shape)
        }
    }
}

fn describe_member(member: &MemberLayout, shape: &[usize]) -> String {
    match (&member.kind, shape.split_last()) {
        (MemberKind::Value(value), Some((len, outer))) if value.is_string => {
            let name = if member.size == 1 { "bytes" } else { value.name };
            describe(name, member.size.saturating_mul(*len), true, outer)
        }
        (MemberKind::Value(value), _) => describe(value.name, member.size, false, shape),
        (MemberKind::Record(fields), _) => record(fields.len(), shape),
        (MemberKind::Array { .. }, _) => describe("array", member.size, true, shape),
    }
}

/// `record of 2 fields`, `record[3] of 2 fields`.
fn record(fields: usize, shape: &[usize]) -> String {
    describe("record", 0, false, shape) + " of " + &plural(wide(fields), "field")
}
