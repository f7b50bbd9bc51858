//! What an item was taken for: its values, comparable whoever read them.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use pep3118::__private::escape;
use pep3118::__private::plural;
use pep3118::Endian;
use pep3118::abi::DataModel;
use pep3118::layout::{Field, Layout, Scalar, Type};

/// The most bytes of a name and the most values that a description shows.
const NAME_SHOWN: usize = 24;
const VALUES_SHOWN: usize = 3;

/// A value, or an array of equal ones, somewhere in the item. Empty ones are not kept.
#[derive(Clone, Debug)]
pub(super) struct Value {
    /// From the start of the item, in bytes.
    pub(super) offset: u64,
    pub(super) ty: Type,
    /// One element, in bytes.
    pub(super) size: u64,
    /// Where its type has an order and more than one byte.
    pub(super) endian: Option<Endian>,
    /// ByteBounds and stride in bytes of each dimension, the fastest first; dimensions of one element
    /// left out, those that lie evenly merged. So two ways to say the same are the same.
    dims: Vec<(u64, u64)>,
    name: Vec<u8>,
}

impl Value {
    pub(super) fn new(offset: u64, scalar: Scalar) -> Self {
        let ordered = scalar.ty.has_byte_order() && scalar.size > 1;
        let endian = ordered.then_some(scalar.endian);
        Self { offset, ty: scalar.ty, size: scalar.size, endian, dims: Vec::new(), name: Vec::new() }
    }

    /// Moves it further into an item.
    pub(super) fn shift(&mut self, by: u64) {
        self.offset = self.offset.saturating_add(by);
    }

    /// A value that is not a number: text or bytes of `size` bytes.
    pub(super) const fn sized(offset: u64, ty: Type, size: u64, endian: Option<Endian>) -> Self {
        Self { offset, ty, size, endian, dims: Vec::new(), name: Vec::new() }
    }

    /// Puts a dimension around it.
    pub(super) fn repeat(&mut self, count: u64, stride: u64) {
        if count == 1 {
            return;
        }
        match self.dims.last_mut() {
            Some((inner, step)) if inner.checked_mul(*step) == Some(stride) => {
                *inner = inner.saturating_mul(count);
            }
            _ => self.dims.push((count, stride)),
        }
        self.join_text();
    }

    /// `(5)c` holds what `5s` holds.
    fn join_text(&mut self) {
        if let (Type::Char | Type::Bytes, [(count, stride)]) = (self.ty, self.dims.as_slice())
            && *stride == self.size
        {
            self.size = self.size.saturating_mul(*count);
            self.dims.clear();
            self.ty = Type::Bytes;
        }
    }

    /// The number of elements.
    pub(super) fn count(&self) -> u64 {
        self.dims.iter().fold(1, |count: u64, (extent, _)| count.saturating_mul(*extent))
    }

    /// One past its last byte.
    fn end(&self) -> u64 {
        let last = self.dims.iter().fold(self.offset, |at: u64, (count, stride)| {
            at.saturating_add(count.saturating_sub(1).saturating_mul(*stride))
        });
        last.saturating_add(self.size)
    }

    /// Whether it lies without gaps.
    fn is_solid(&self) -> bool {
        match self.dims.as_slice() {
            [] => true,
            [(_, stride)] => *stride == self.size,
            _ => false,
        }
    }

    fn is_empty(&self) -> bool {
        self.size == 0 || self.count() == 0
    }

    /// Whether the bytes of this value, meant as `meant`, come out the same.
    fn same(&self, meant: &Self) -> bool {
        (self.offset, self.size) == (meant.offset, meant.size)
            && self.dims == meant.dims
            && (self.endian == meant.endian || self.endian.is_none())
            && same_type(self.ty, meant.ty, self.size)
    }

    /// `big-endian int32`, `6 float64`, `5 bytes`.
    fn describe(&self, model: &DataModel) -> String {
        let order = match self.endian {
            Some(endian) if endian != model.endian => format!("{endian}-endian "),
            _ => String::new(),
        };
        let one = match self.ty {
            Type::Bytes if self.count() == 1 => plural(self.size, "byte"),
            Type::Void | Type::Opaque => plural(self.size, "opaque byte"),
            Type::Bytes | Type::Pascal | Type::Ucs2 | Type::Ucs4 | Type::Wchar | Type::Bits => {
                format!("{order}{} of {}", self.ty, plural(self.size, "byte"))
            }
            Type::LongDouble | Type::ComplexLongDouble => {
                format!("{order}{} of {}", self.ty, plural(self.size, "byte"))
            }
            ty => format!("{order}{ty}"),
        };
        match self.count() {
            1 => one,
            count => format!("{count} {one}"),
        }
    }
}

/// Whether a value of one type, taken for the other, is still that value. Sizes are equal.
fn same_type(taken: Type, meant: Type, size: u64) -> bool {
    let kind = |ty| match ty {
        // A character is a byte, signed or not; which is the reader's choice.
        Type::Char | Type::Bytes | Type::Pascal | Type::Bool if size == 1 => Type::Char,
        Type::Pascal => Type::Bytes,
        Type::Wchar | Type::Ucs2 | Type::Ucs4 => Type::Ucs4,
        Type::Pointer | Type::CharPointer | Type::WcharPointer | Type::Function | Type::Object => Type::Pointer,
        ty => ty,
    };
    let is_unsigned = |ty| matches!(ty, Type::UInt8 | Type::UInt16 | Type::UInt32 | Type::UInt64);
    match (kind(taken), kind(meant)) {
        (a, b) if a == b => true,
        (Type::Int8 | Type::UInt8, Type::Char) | (Type::Char, Type::Int8 | Type::UInt8) => true,
        (Type::Ucs4 | Type::Pointer, other) | (other, Type::Ucs4 | Type::Pointer) => is_unsigned(other),
        _ => false,
    }
}

/// What one item was taken for.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    /// Its size in bytes.
    pub(super) size: u64,
    values: Vec<Value>,
    /// Only the bytes matter to the reader, not what they mean.
    opaque: bool,
}

impl Taken {
    pub(super) fn new(size: u64, values: Vec<Value>) -> Self {
        let mut values = values;
        values.retain(|value| !value.is_empty());
        Self { size, values, opaque: false }
    }

    /// One value that fills the item.
    pub(super) fn scalar(scalar: Scalar) -> Self {
        Self::new(scalar.size, Vec::from([Value::new(0, scalar)]))
    }

    /// Bytes whose type is lost.
    pub(super) const fn opaque(size: u64) -> Self {
        Self { size, values: Vec::new(), opaque: true }
    }

    pub(super) const fn is_opaque(&self) -> bool {
        self.opaque
    }

    pub(super) fn of(layout: &Layout) -> Self {
        let mut values = Vec::new();
        // The array dimensions around a field, innermost last.
        let mut around = Vec::new();
        for field in layout.fields() {
            collect(field, 0, &mut around, &mut values);
        }
        Self::new(layout.size(), values)
    }

    /// Whether it is one value and nothing else.
    pub(super) fn is_scalar(&self) -> bool {
        matches!(self.values.as_slice(), [only] if only.size == self.size)
    }

    /// One past the last byte of any value.
    pub(super) fn reaches(&self) -> u64 {
        self.values.iter().map(Value::end).max().unwrap_or(0)
    }

    /// Whether every value that is meant is read as meant.
    pub(super) fn same(&self, meant: &Self) -> bool {
        self.size == meant.size
            && (self.opaque
                || all_same(&self.values, &meant.values)
                || all_same(&runs(&self.values), &runs(&meant.values)))
    }

    /// Whether there is padding in front of some value.
    pub(super) fn has_gap(&self) -> bool {
        let mut end = 0;
        self.values.iter().any(|value| value.offset > core::mem::replace(&mut end, value.end()))
    }

    /// In a line: `int32`, `12 bytes: int32 at 0, float64 at 4`.
    pub(super) fn describe(&self, model: &DataModel) -> String {
        if self.opaque {
            return plural(self.size, "opaque byte");
        }
        match self.values.as_slice() {
            [] if self.size == 0 => String::from("nothing, 0 bytes"),
            [] => format!("{} of padding", plural(self.size, "byte")),
            [only] if only.offset == 0 && only.size.checked_mul(only.count()) == Some(self.size) => {
                only.describe(model)
            }
            values => {
                let shown: Vec<String> = values
                    .iter()
                    .take(VALUES_SHOWN)
                    .map(|value| format!("{} at {}", value.describe(model), value.offset))
                    .collect();
                let more = if values.len() > VALUES_SHOWN { ", ..." } else { "" };
                format!("{}: {}{more}", plural(self.size, "byte"), shown.join(", "))
            }
        }
    }

    /// Both sides of the first difference, taken and meant.
    pub(super) fn difference(&self, meant: &Self, model: &DataModel) -> (String, String) {
        let whole = || (self.describe(model), meant.describe(model));
        if self.opaque || self.values.len() != meant.values.len() || self.values.len() < 2 {
            return whole();
        }
        let mut pairs = self.values.iter().zip(&meant.values);
        let Some((taken, meant)) = pairs.find(|(taken, meant)| !taken.same(meant)) else { return whole() };
        let name = match meant.name.as_slice() {
            [] => String::new(),
            name => format!("`{}` ", escape(name.get(..NAME_SHOWN).unwrap_or(name))),
        };
        let side = |value: &Value| format!("{name}{} at {}", value.describe(model), value.offset);
        let (here, there) = (side(taken), side(meant));
        if here != there {
            return (here, there);
        }
        // The same, but for the distance between elements.
        let apart = |value: &Value| value.dims.last().map_or(0, |(_, stride)| *stride);
        let with = |text: String, value: &Value| format!("{text}, {} apart", plural(apart(value), "byte"));
        (with(here, taken), with(there, meant))
    }
}

fn all_same(taken: &[Value], meant: &[Value]) -> bool {
    taken.len() == meant.len() && taken.iter().zip(meant).all(|(taken, meant)| taken.same(meant))
}

/// The values with neighbours of one type joined: `ii` holds what `2i` holds.
fn runs(values: &[Value]) -> Vec<Value> {
    let mut runs: Vec<Value> = Vec::new();
    for value in values {
        if let Some(last) = runs.last_mut()
            && last.is_solid()
            && value.is_solid()
            && (last.ty, last.size, last.endian, last.end()) == (value.ty, value.size, value.endian, value.offset)
        {
            let count = last.count().saturating_add(value.count());
            last.dims = Vec::from([(count, last.size)]);
        } else {
            runs.push(value.clone());
        }
    }
    for run in &mut runs {
        run.join_text();
    }
    runs
}

/// The values of a field. Recursion is bounded by the depth that the parser allows.
fn collect(field: Field<'_>, base: u64, around: &mut Vec<(u64, u64)>, values: &mut Vec<Value>) {
    let offset = base.saturating_add(field.offset());
    if field.ty() == Type::Record {
        around.push((field.count(), field.size()));
        for inner in field.fields() {
            collect(inner, offset, around, values);
        }
        around.pop();
        return;
    }
    let name = field.name().unwrap_or_default().to_vec();
    let mut value =
        Value { offset, ty: field.ty(), size: field.size(), endian: field.endian(), dims: Vec::new(), name };
    value.repeat(field.count(), field.size());
    for (count, stride) in around.iter().rev() {
        value.repeat(*count, *stride);
    }
    values.push(value);
}

/// The scalar that a code is: `native` or of standard size, in the order of the machine.
pub(super) fn scalar(code: &[u8], native: bool, model: &DataModel) -> Option<Scalar> {
    let mut text = Vec::from([if native { b'@' } else { b'=' }]);
    text.extend_from_slice(code);
    Scalar::recognize(&text, model)
}

/// The same as a value of another width: `int32` of 8 bytes is an `int64`.
pub(super) fn widened(scalar: Scalar, size: u64) -> Option<Scalar> {
    let ty = match (scalar.ty, size) {
        (Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 | Type::Char, 1) => Type::Int8,
        (Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 | Type::Char, 2) => Type::Int16,
        (Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 | Type::Char, 4) => Type::Int32,
        (Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 | Type::Char, 8) => Type::Int64,
        (Type::UInt8 | Type::UInt16 | Type::UInt32 | Type::UInt64, 1) => Type::UInt8,
        (Type::UInt8 | Type::UInt16 | Type::UInt32 | Type::UInt64, 2) => Type::UInt16,
        (Type::UInt8 | Type::UInt16 | Type::UInt32 | Type::UInt64, 4) => Type::UInt32,
        (Type::UInt8 | Type::UInt16 | Type::UInt32 | Type::UInt64, 8) => Type::UInt64,
        (Type::Float16 | Type::Float32 | Type::Float64, 2) => Type::Float16,
        (Type::Float16 | Type::Float32 | Type::Float64, 4) => Type::Float32,
        (Type::Float16 | Type::Float32 | Type::Float64, 8) => Type::Float64,
        (Type::Complex32 | Type::Complex64 | Type::Complex128, 4) => Type::Complex32,
        (Type::Complex32 | Type::Complex64 | Type::Complex128, 8) => Type::Complex64,
        (Type::Complex32 | Type::Complex64 | Type::Complex128, 16) => Type::Complex128,
        (Type::Bool, 1) => Type::Bool,
        _ => return None,
    };
    Some(Scalar { ty, size, endian: scalar.endian })
}
