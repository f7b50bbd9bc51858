//! A plan beside a struct: which bytes go where, or the first difference.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::super::error::wide;
use super::super::plan::{Part, PartKind, Plan};
use super::super::scalar::ScalarCodec;
use super::super::value::Name;
use super::copy_ops::{Move, Repeat, Test};
use super::error::Mismatch;
use super::model::{Check, FieldLayout, MemberKind, MemberLayout, RecordLayout, ValueLayout};
use super::reader::Origin;
use crate::layout::Type;
use crate::text::{escape, plural};

/// What reading items of a plan into a struct takes.
#[derive(Debug)]
pub(super) struct Matched {
    /// From the item to the layout of the struct.
    pub(super) moves: Vec<Move>,
    /// What must be looked at.
    pub(super) tests: Vec<Test>,
    pub(super) way: Strategy,
}

/// The shortest way from items to structs.
#[derive(Debug)]
pub(super) enum Strategy {
    /// Items lie as the struct does.
    Same,
    /// So they do, with every value in the other byte order.
    Swapped,
    /// Each byte of the struct comes from another one, values all in one byte order.
    Placed { places: Vec<usize>, swap: bool },
    /// The same with values in both byte orders.
    Mixed { places: Vec<Origin> },
    /// First the moves, then as [`Same`](Self::Same).
    Moved,
}

/// The largest struct in bytes for which the places of all bytes are listed.
const PLACES: usize = 1 << 10;

impl Matched {
    pub(super) fn new(plan: &Plan, layout: &RecordLayout) -> Result<Self, Mismatch> {
        let mut matching = Matching {
            outer: Vec::new(),
            path: String::new(),
            moves: Vec::new(),
            tests: Vec::new(),
            kept: false,
            swapped: false,
        };
        let root = &plan.root;
        match &root.kind {
            PartKind::Record(names, parts) if root.shape.is_none() => {
                matching.record(layout.fields, names, parts, (root.offset, 0))?;
            }
            // An item that is one value or one array is a record of one field without a name.
            _ => matching.record(layout.fields, &[None], core::slice::from_ref(root), (0, 0))?,
        }
        let Matching { moves, tests, kept, swapped, .. } = matching;
        let moves = Move::merged(moves);
        let in_place = plan.size == layout.size && moves.iter().all(Move::is_in_place);
        let way = match (in_place, swapped, kept) {
            (true, false, _) => Strategy::Same,
            (true, true, false) => Strategy::Swapped,
            // A long list of places: two steps.
            _ if layout.size > PLACES => Strategy::Moved,
            (_, swapped, kept) => {
                let mut places = alloc::vec![Origin::default(); layout.size];
                moves.iter().for_each(|step| step.note(&mut places));
                if swapped && kept {
                    Strategy::Mixed { places }
                } else {
                    Strategy::Placed { places: places.iter().map(|origin| origin.at).collect(), swap: swapped }
                }
            }
        };
        Ok(Self { moves, tests, way })
    }
}

struct Matching {
    /// The arrays of records around, outermost first.
    outer: Vec<Repeat>,
    /// The dotted name of the record.
    path: String,
    moves: Vec<Move>,
    tests: Vec<Test>,
    /// Whether a value has this machine's byte order.
    kept: bool,
    /// Whether a value has the other one.
    swapped: bool,
}

impl Matching {
    // As deep as the struct is nested.
    fn record(
        &mut self,
        fields: &[FieldLayout],
        names: &[Name],
        parts: &[Part],
        base: (usize, usize),
    ) -> Result<(), Mismatch> {
        let by_name = names.iter().any(Option::is_some) && fields.iter().any(|field| field.name.is_some());
        if !by_name && fields.len() != parts.len() {
            let (found, wanted) = (wide(parts.len()), wide(fields.len()));
            return Err(Mismatch::Count { record: self.whole(), found, wanted });
        }
        for (index, field) in fields.iter().enumerate() {
            let part = if by_name {
                let wanted = field.name.map(str::as_bytes);
                names.iter().zip(parts).find(|(name, _)| name.as_deref() == wanted).map(|(_, part)| part)
            } else {
                parts.get(index)
            };
            let own = || field.name.map_or_else(|| format!("f{index}"), String::from);
            let part = part.ok_or_else(|| Mismatch::Missing { record: self.whole(), field: own() })?;
            let len = self.path.len();
            if len > 0 {
                self.path.push('.');
            }
            match field.name {
                Some(name) => self.path += name,
                None => self.path += &own(),
            }
            let place = (base.0.saturating_add(part.offset), base.1.saturating_add(field.offset));
            self.member(&field.member, part, place)?;
            self.path.truncate(len);
        }
        // Every field of the struct was found, so what is left over is the layout's.
        let is_extra = |name: &Name| {
            let known = |field: &FieldLayout| field.name.map(str::as_bytes) == name.as_deref();
            by_name && !fields.iter().any(known)
        };
        if let Some(extra) = names.iter().find(|name| is_extra(name)) {
            let field = extra.as_ref().map_or_else(|| "without a name".into(), |name| format!("`{}`", escape(name)));
            return Err(Mismatch::Extra { record: self.whole(), field });
        }
        if fields.len() != parts.len() {
            let (found, wanted) = (wide(parts.len()), wide(fields.len()));
            return Err(Mismatch::Count { record: self.whole(), found, wanted });
        }
        Ok(())
    }

    fn whole(&self) -> String {
        if self.path.is_empty() { "the item".into() } else { format!("the record `{}`", self.path) }
    }

    fn member(&mut self, member: &MemberLayout, part: &Part, place: (usize, usize)) -> Result<(), Mismatch> {
        let (mut innermost, mut shape) = (member, Vec::new());
        while let MemberKind::Array { of, len } = innermost.kind {
            shape.push(len);
            innermost = of;
        }
        let found = part.shape.as_deref().unwrap_or_default();
        let differs = || Mismatch::Type {
            field: self.path.clone(),
            offset: wide(place.0),
            found: describe_part(part),
            wanted: describe_member(innermost, &shape),
        };
        match (&innermost.kind, &part.kind) {
            (MemberKind::Record(fields), PartKind::Record(names, parts)) if found == shape => {
                let repeated = !shape.is_empty();
                if repeated {
                    self.outer.push(Repeat { times: part.count, from: part.size, to: innermost.size });
                }
                self.record(fields, names, parts, place)?;
                if repeated {
                    self.outer.pop();
                }
                Ok(())
            }
            (MemberKind::Value(value), PartKind::Value(kernel))
                if is_same(value, innermost.size, &shape, kernel, found) =>
            {
                self.value(value, member.size, kernel, place);
                Ok(())
            }
            _ => Err(differs()),
        }
    }

    /// A value, or values side by side: `len` bytes on both sides.
    fn value(&mut self, value: &ValueLayout, len: usize, kernel: &ScalarCodec, (from, to): (usize, usize)) {
        let swap = kernel.swapped();
        let width = if swap { kernel.unit } else { 1 };
        self.moves.push(Move { from, to, len, width, swap, outer: self.outer.clone() });
        let ordered = kernel.unit > 1 && len > 0;
        self.kept |= ordered && !swap;
        self.swapped |= ordered && swap;
        if value.check != Check::All {
            let (check, path) = (value.check, self.path.clone());
            self.tests.push(Test { check, at: from, len, swap, outer: self.outer.clone(), path });
        }
    }
}

/// Whether values of a format are those of a type, one by one or as strings of that length.
fn is_same(value: &ValueLayout, size: usize, shape: &[usize], kernel: &ScalarCodec, found: &[usize]) -> bool {
    let text = matches!(kernel.ty, Type::Ucs4 | Type::Wchar) && kernel.unit == 4;
    let accepted = if value.check == Check::Char { text } else { (value.accepts)(kernel) && kernel.unit == value.unit };
    if !accepted {
        return false;
    }
    let is_string = value.is_string && kernel.ty != Type::UInt8;
    match shape.split_last() {
        Some((len, outer)) if is_string && found == outer => kernel.size == size.saturating_mul(*len),
        _ => found == shape && kernel.size == size,
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
fn describe_part(part: &Part) -> String {
    let shape = part.shape.as_deref().unwrap_or_default();
    match &part.kind {
        PartKind::Record(names, _) => record(names.len(), shape),
        PartKind::Value(kernel) => {
            // The size is in the name of a number.
            let sized = matches!(kernel.ty, Type::Bool) && kernel.size != 1
                || !kernel.ty.has_byte_order() && !matches!(kernel.ty, Type::Char | Type::Int8 | Type::UInt8)
                || kernel.size != kernel.unit && matches!(kernel.ty, Type::Ucs2 | Type::Ucs4 | Type::Wchar);
            describe(kernel.ty.as_str(), kernel.size, sized, shape)
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
