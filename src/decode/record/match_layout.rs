//! [`Conversion::new`]: compares a plan with the layout of a struct. The result is the [`Conversion`] from items to
//! structs, or the first difference.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::super::leaf::Repeat;
use super::super::plan::{NodeKind, Plan, PlanNode};
use super::super::scalar::ScalarCodec;
use super::super::value::Name;
use super::access::Origin;
use super::copy_ops::{CharCheck, FieldCopy};
use super::error::Mismatch;
use super::model::{Check, FieldLayout, MemberKind, MemberLayout, RecordLayout, ValueLayout};
use crate::align::to_u64;
use crate::layout::Type;
use crate::text::{escape, plural};

/// The steps that convert items to structs.
#[derive(Debug)]
pub(super) struct Conversion {
    /// The copies from an item to a struct in the layout of its `RecordLayout`.
    pub(super) copies: Vec<FieldCopy>,
    /// The checks of values in an item that can be invalid.
    pub(super) checks: Vec<CharCheck>,
    pub(super) strategy: Strategy,
}

/// The fastest method to decode items to structs. [`Conversion::new`] chooses the method.
#[derive(Debug)]
pub(super) enum Strategy {
    /// The items have the layout of the struct, and all values have native byte order.
    Identity,
    /// The items have the layout of the struct, but all values have non-native byte order.
    Swapped,
    /// `offsets` has the offset in the item of each byte of the struct. All values have native byte order, or
    /// non-native byte order if `swap` is true.
    Permuted { offsets: Vec<usize>, swap: bool },
    /// `origins` has the position in the item of each byte of the struct. Some values have native byte order, and some
    /// have non-native byte order.
    PermutedMixedEndian { origins: Vec<Origin> },
    /// The fields of several items are first copied to a block of memory in the layout of the struct. The block is then
    /// decoded as for [`Identity`](Self::Identity).
    Staged,
}

/// The largest size of a struct in bytes for which a strategy lists the position of each byte. A larger struct is
/// [`Strategy::Staged`].
const LARGEST_PERMUTED: usize = 1 << 10;

impl Conversion {
    /// Compares the items of `plan` with `layout`, the layout of the struct. Returns the first difference as an error.
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
                matcher.compare_record(layout.fields, names, nodes, (root.offset, 0))?;
            }
            // An item that is not a record is compared like a record whose only field has no name.
            _ => matcher.compare_record(layout.fields, &[None], core::slice::from_ref(root), (0, 0))?,
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

/// The state of the comparison in [`Conversion::new`].
struct LayoutMatcher {
    /// The arrays of records around the current field, outermost first. Each array has a stride in the item and a
    /// stride in the struct.
    repeats: Vec<Repeat<2>>,
    /// The dotted name of the current field.
    path: String,
    copies: Vec<FieldCopy>,
    checks: Vec<CharCheck>,
    /// Whether a value has native byte order. Values without a byte order do not count.
    has_native: bool,
    /// Whether a value has non-native byte order.
    has_swapped: bool,
}

impl LayoutMatcher {
    /// Compares a record of the items with a struct, and adds the copies and the checks of its fields. `names` and
    /// `nodes` are the fields of the record. `fields` are the fields of the struct. If both have a field with a name, a
    /// field is compared with the first field of the same name. Otherwise the fields are compared by position. `base`
    /// has two offsets in bytes: the offset of the record in the item, and the offset of the struct in the outermost
    /// struct. Returns the first difference as an error. The recursion is as deep as the structs are nested.
    fn compare_record(
        &mut self,
        fields: &[FieldLayout],
        names: &[Name],
        nodes: &[PlanNode],
        base: (usize, usize),
    ) -> Result<(), Mismatch> {
        let by_name = names.iter().any(Option::is_some) && fields.iter().any(|field| field.name.is_some());
        if !by_name && fields.len() != nodes.len() {
            let (found, wanted) = (to_u64(nodes.len()), to_u64(fields.len()));
            return Err(Mismatch::Count { record: self.current_record(), found, wanted });
        }
        for (index, field) in fields.iter().enumerate() {
            let node = if by_name {
                let wanted = field.name.map(str::as_bytes);
                names.iter().zip(nodes).find(|(name, _)| name.as_deref() == wanted).map(|(_, node)| node)
            } else {
                nodes.get(index)
            };
            let field_name = || field.name.map_or_else(|| format!("f{index}"), String::from);
            let node = node.ok_or_else(|| Mismatch::Missing { record: self.current_record(), field: field_name() })?;
            let len = self.path.len();
            if len > 0 {
                self.path.push('.');
            }
            self.path.push_str(&field_name());
            let offsets = (base.0.saturating_add(node.offset), base.1.saturating_add(field.offset));
            self.compare_field(&field.member, node, offsets)?;
            self.path.truncate(len);
        }
        // All fields of the struct were found in the record. The struct lacks each field of the record that has none of
        // these names.
        let is_extra = |name: &Name| {
            let known = |field: &FieldLayout| field.name.map(str::as_bytes) == name.as_deref();
            by_name && !fields.iter().any(known)
        };
        if let Some(extra) = names.iter().find(|name| is_extra(name)) {
            let field = extra.as_ref().map_or_else(|| "without a name".into(), |name| format!("`{}`", escape(name)));
            return Err(Mismatch::Extra { record: self.current_record(), field });
        }
        if fields.len() != nodes.len() {
            let (found, wanted) = (to_u64(nodes.len()), to_u64(fields.len()));
            return Err(Mismatch::Count { record: self.current_record(), found, wanted });
        }
        Ok(())
    }

    /// Returns the name of the current record for messages: "the item" or "the record `a.b`".
    fn current_record(&self) -> String {
        if self.path.is_empty() { "the item".into() } else { format!("the record `{}`", self.path) }
    }

    /// Compares `member`, the type of a field of the struct, with `node`, the field of the items. Adds the copies and
    /// the checks of the field. `offsets` are the offsets of the field in bytes in the item, and in the outermost
    /// struct. Returns the first difference as an error.
    fn compare_field(
        &mut self,
        member: &MemberLayout,
        node: &PlanNode,
        offsets: (usize, usize),
    ) -> Result<(), Mismatch> {
        let (mut innermost, mut shape) = (member, Vec::new());
        while let MemberKind::Array { element, len } = innermost.kind {
            shape.push(len);
            innermost = element;
        }
        let found = node.shape.as_deref().unwrap_or(&[]);
        let differs = || Mismatch::Type {
            field: self.path.clone(),
            offset: to_u64(offsets.0),
            found: describe_node(node),
            wanted: describe_member(innermost, &shape),
        };
        match (&innermost.kind, &node.kind) {
            (MemberKind::Record(fields), NodeKind::Record(names, nodes)) if found == shape => {
                let repeated = !shape.is_empty();
                if repeated {
                    self.repeats.push(Repeat { count: node.count, strides: [node.size, innermost.size] });
                }
                self.compare_record(fields, names, nodes, offsets)?;
                if repeated {
                    self.repeats.pop();
                }
                Ok(())
            }
            (MemberKind::Value(value), NodeKind::Value(codec))
                if is_same_array(value, innermost.size, &shape, codec, found) =>
            {
                self.add_value(value, member.size, codec, offsets);
                Ok(())
            }
            _ => Err(differs()),
        }
    }

    /// Adds the copy of adjacent values, and the check if the values are of type `char`. `len` is the size of these
    /// values in bytes. The size is equal in the item and in the struct. `value` is the type of the values in the
    /// struct, and `codec` is the type in the item. `from` is the offset of the values in bytes in the item, and `to`
    /// in the outermost struct.
    fn add_value(&mut self, value: &ValueLayout, len: usize, codec: &ScalarCodec, (from, to): (usize, usize)) {
        let (swap, unit) = (codec.swapped(), codec.reversed_unit());
        self.copies.push(FieldCopy { from, to, len, unit, repeats: self.repeats.clone() });
        let ordered = codec.unit > 1 && len > 0;
        self.has_native |= ordered && !swap;
        self.has_swapped |= ordered && swap;
        // Every byte is a valid `bool` for `RecordField::load`.
        if value.check == Check::Char {
            let in_item = |repeat: &Repeat<2>| {
                let [stride, _] = repeat.strides;
                Repeat { count: repeat.count, strides: [stride] }
            };
            let repeats = self.repeats.iter().map(in_item).collect();
            self.checks.push(CharCheck { offset: from, len, swap, repeats, path: self.path.clone() });
        }
    }
}

/// Returns whether a field of the items has the type of a field of the struct. In the items, the field is an array of
/// shape `found` with values of `codec`. In the struct, the field is an array of shape `shape` whose elements have the
/// type `value` and `size` bytes. The last dimension of `shape` can be the length of a string.
fn is_same_array(value: &ValueLayout, size: usize, shape: &[usize], codec: &ScalarCodec, found: &[usize]) -> bool {
    let text = matches!(codec.ty, Type::Ucs4 | Type::Wchar) && codec.unit == 4;
    let accepted = if value.check == Check::Char {
        text
    } else {
        (value.accepts)(codec) && codec.unit == value.unit && codec.bits.is_none()
    };
    if !accepted {
        return false;
    }
    let is_string = value.is_string && codec.ty != Type::UInt8;
    match shape.split_last() {
        Some((len, outer)) if is_string && found == outer => codec.size == size.saturating_mul(*len),
        _ => found == shape && codec.size == size,
    }
}

/// Returns the text of a type for messages: `name`, then `size` in bytes if `is_string` is true, then the dimensions
/// `shape`. Examples: `bytes of 5 bytes[2,3]`, `int32[2]`.
fn describe(name: &str, size: usize, is_string: bool, shape: &[usize]) -> String {
    let mut text = String::from(name);
    if is_string {
        text.push_str(&format!(" of {}", plural(to_u64(size), "byte")));
    }
    if !shape.is_empty() {
        let lengths: Vec<String> = shape.iter().map(ToString::to_string).collect();
        text.push_str(&format!("[{}]", lengths.join(",")));
    }
    text
}

/// Returns the text of the type of `node`, a field of the items, for messages: `int32`, `bytes of 5 bytes`,
/// `float64[2,3]`.
fn describe_node(node: &PlanNode) -> String {
    let shape = node.shape.as_deref().unwrap_or(&[]);
    match &node.kind {
        NodeKind::Record(names, _) => describe_record(names.len(), shape),
        NodeKind::Value(codec) => {
            // The message states the size for all types except numbers, because the name of a number contains the size.
            let sized = matches!(codec.ty, Type::Bool) && codec.size != 1
                || !codec.ty.has_byte_order() && !matches!(codec.ty, Type::Char | Type::Int8 | Type::UInt8)
                || codec.size != codec.unit && matches!(codec.ty, Type::Ucs2 | Type::Ucs4 | Type::Wchar);
            describe(codec.ty.as_str(), codec.size, sized, shape)
        }
    }
}

/// Returns the text of the type of a field of the struct, for messages: `int32`, `bytes of 5 bytes`, `float64[2,3]`.
/// `member` is the innermost element type of the field, and `shape` has the dimensions of its arrays.
fn describe_member(member: &MemberLayout, shape: &[usize]) -> String {
    match (&member.kind, shape.split_last()) {
        (MemberKind::Value(value), Some((len, outer))) if value.is_string => {
            let name = if member.size == 1 { "bytes" } else { value.name };
            describe(name, member.size.saturating_mul(*len), true, outer)
        }
        (MemberKind::Value(value), _) => describe(value.name, member.size, false, shape),
        (MemberKind::Record(fields), _) => describe_record(fields.len(), shape),
        (MemberKind::Array { .. }, _) => {
            debug_assert!(false, "the innermost type of a field is an array");
            describe("array", member.size, true, shape)
        }
    }
}

/// Describes a record type for messages. `fields` is the number of its fields, and `shape` has its dimensions: `record
/// of 2 fields`, `record[3] of 2 fields`.
fn describe_record(fields: usize, shape: &[usize]) -> String {
    format!("{} of {}", describe("record", 0, false, shape), plural(to_u64(fields), "field"))
}
