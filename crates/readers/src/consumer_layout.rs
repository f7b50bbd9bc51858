//! `ConsumerLayout`: the layout of an item as a consumer reads it, in a form that can be compared.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use pep3118::__private::escape;
use pep3118::__private::plural;
use pep3118::Endian;
use pep3118::abi::DataModel;
use pep3118::layout::{Field, Layout, Scalar, Type};

/// Limits of a description: bytes of a name, and values.
const NAME_SHOWN: usize = 24;
const VALUES_SHOWN: usize = 3;

/// A scalar, or an array of equal scalars, at an offset of the item.
#[derive(Clone, Debug)]
pub(super) struct ScalarArray {
    /// The distance in bytes from the start of the item.
    pub(super) offset: u64,
    pub(super) ty: Type,
    /// The size of one element in bytes.
    pub(super) size: u64,
    /// The byte order, if the type has one and more than one byte.
    pub(super) endian: Option<Endian>,
    /// The length and the stride in bytes of each dimension, the fastest first. Dimensions of one element are
    /// left out, and contiguous dimensions are merged, so that equal arrays compare equal.
    dims: Vec<(u64, u64)>,
    name: Vec<u8>,
}

impl ScalarArray {
    pub(super) fn new(offset: u64, scalar: Scalar) -> Self {
        let ordered = scalar.ty.has_byte_order() && scalar.size > 1;
        let endian = ordered.then_some(scalar.endian);
        Self { offset, ty: scalar.ty, size: scalar.size, endian, dims: Vec::new(), name: Vec::new() }
    }

    /// Moves the array by some bytes.
    pub(super) fn shift(&mut self, by: u64) {
        self.offset = self.offset.saturating_add(by);
    }

    /// Makes a text or a byte string of `size` bytes.
    pub(super) const fn sized(offset: u64, ty: Type, size: u64, endian: Option<Endian>) -> Self {
        Self { offset, ty, size, endian, dims: Vec::new(), name: Vec::new() }
    }

    /// Adds an outer dimension.
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

    /// Makes an array of characters a string: `(5)c` equals `5s`.
    fn join_text(&mut self) {
        if let (Type::Char | Type::Bytes, [(count, stride)]) = (self.ty, self.dims.as_slice())
            && *stride == self.size
        {
            self.size = self.size.saturating_mul(*count);
            self.dims.clear();
            self.ty = Type::Bytes;
        }
    }

    /// Returns the number of elements.
    pub(super) fn count(&self) -> u64 {
        self.dims.iter().fold(1, |count: u64, (extent, _)| count.saturating_mul(*extent))
    }

    /// Returns the offset after the last byte.
    fn end(&self) -> u64 {
        let last = self.dims.iter().fold(self.offset, |at: u64, (count, stride)| {
            at.saturating_add(count.saturating_sub(1).saturating_mul(*stride))
        });
        last.saturating_add(self.size)
    }

    /// Whether there are no gaps between the elements.
    fn is_contiguous(&self) -> bool {
        match self.dims.as_slice() {
            [] => true,
            [(_, stride)] => *stride == self.size,
            _ => false,
        }
    }

    fn is_empty(&self) -> bool {
        self.size == 0 || self.count() == 0
    }

    /// Whether a consumer that reads this array reads the values of `meant`.
    fn same(&self, meant: &Self) -> bool {
        (self.offset, self.size) == (meant.offset, meant.size)
            && self.dims == meant.dims
            && (self.endian == meant.endian || self.endian.is_none())
            && same_type(self.ty, meant.ty, self.size)
    }

    /// Returns `big-endian int32`, `6 float64`, `5 bytes`.
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

/// Whether values of the type `meant` that are read as the type `read`, of the same size, stay the same.
fn same_type(read: Type, meant: Type, size: u64) -> bool {
    let kind = |ty| match ty {
        // Consumers read a character as a byte, signed or unsigned.
        Type::Char | Type::Bytes | Type::Pascal | Type::Bool if size == 1 => Type::Char,
        Type::Pascal => Type::Bytes,
        Type::Wchar | Type::Ucs2 | Type::Ucs4 => Type::Ucs4,
        Type::Pointer | Type::CharPointer | Type::WcharPointer | Type::Function | Type::Object => Type::Pointer,
        ty => ty,
    };
    let is_unsigned = |ty| matches!(ty, Type::UInt8 | Type::UInt16 | Type::UInt32 | Type::UInt64);
    match (kind(read), kind(meant)) {
        (a, b) if a == b => true,
        (Type::Int8 | Type::UInt8, Type::Char) | (Type::Char, Type::Int8 | Type::UInt8) => true,
        (Type::Ucs4 | Type::Pointer, other) | (other, Type::Ucs4 | Type::Pointer) => is_unsigned(other),
        _ => false,
    }
}

/// The layout of an item as a consumer reads it.
#[derive(Clone, Debug)]
pub(super) struct ConsumerLayout {
    /// The size of the item in bytes.
    pub(super) size: u64,
    /// The values; arrays without bytes are left out.
    values: Vec<ScalarArray>,
    /// The consumer reads bytes without a type.
    opaque: bool,
}

impl ConsumerLayout {
    pub(super) fn new(size: u64, values: Vec<ScalarArray>) -> Self {
        let mut values = values;
        values.retain(|value| !value.is_empty());
        Self { size, values, opaque: false }
    }

    /// Makes the layout of an item that is one scalar.
    pub(super) fn scalar(scalar: Scalar) -> Self {
        Self::new(scalar.size, Vec::from([ScalarArray::new(0, scalar)]))
    }

    /// Makes a layout of bytes without a type.
    pub(super) const fn opaque(size: u64) -> Self {
        Self { size, values: Vec::new(), opaque: true }
    }

    pub(super) const fn is_opaque(&self) -> bool {
        self.opaque
    }

    pub(super) fn of(layout: &Layout) -> Self {
        let mut values = Vec::new();
        let mut outer = Vec::new();
        for field in layout.fields() {
            collect(field, 0, &mut outer, &mut values);
        }
        Self::new(layout.size(), values)
    }

    /// Whether the item is one value without padding.
    pub(super) fn is_scalar(&self) -> bool {
        matches!(self.values.as_slice(), [only] if only.size == self.size)
    }

    /// Returns the offset after the last byte of any value.
    pub(super) fn end(&self) -> u64 {
        self.values.iter().map(ScalarArray::end).max().unwrap_or(0)
    }

    /// Whether a consumer that reads this layout reads the values of `meant`.
    pub(super) fn same(&self, meant: &Self) -> bool {
        self.size == meant.size
            && (self.opaque
                || all_same(&self.values, &meant.values)
                || all_same(&runs(&self.values), &runs(&meant.values)))
    }

    /// Whether there is padding before some value.
    pub(super) fn has_gap(&self) -> bool {
        let mut end = 0;
        self.values.iter().any(|value| value.offset > core::mem::replace(&mut end, value.end()))
    }

    /// Returns one line: `int32`, `12 bytes: int32 at 0, float64 at 4`.
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

    /// Returns both sides of the first difference: this layout, and `meant`.
    pub(super) fn difference(&self, meant: &Self, model: &DataModel) -> (String, String) {
        let whole = || (self.describe(model), meant.describe(model));
        if self.opaque || self.values.len() != meant.values.len() || self.values.len() < 2 {
            return whole();
        }
        let mut pairs = self.values.iter().zip(&meant.values);
        let Some((read, meant)) = pairs.find(|(read, meant)| !read.same(meant)) else { return whole() };
        let name = match meant.name.as_slice() {
            [] => String::new(),
            name => format!("`{}` ", escape(name.get(..NAME_SHOWN).unwrap_or(name))),
        };
        let side = |value: &ScalarArray| format!("{name}{} at {}", value.describe(model), value.offset);
        let (here, there) = (side(read), side(meant));
        if here != there {
            return (here, there);
        }
        // Only the distance between the elements differs.
        let distance = |value: &ScalarArray| value.dims.last().map_or(0, |(_, stride)| *stride);
        let with = |text: String, value: &ScalarArray| format!("{text}, {} apart", plural(distance(value), "byte"));
        (with(here, read), with(there, meant))
    }
}

fn all_same(read: &[ScalarArray], meant: &[ScalarArray]) -> bool {
    read.len() == meant.len() && read.iter().zip(meant).all(|(read, meant)| read.same(meant))
}

/// Joins adjacent values of the same type: `ii` equals `2i`.
fn runs(values: &[ScalarArray]) -> Vec<ScalarArray> {
    let mut runs: Vec<ScalarArray> = Vec::new();
    for value in values {
        if let Some(last) = runs.last_mut()
            && last.is_contiguous()
            && value.is_contiguous()
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

/// Appends the values of a field. `outer` has the dimensions of the enclosing records, innermost last. The
/// parser limits the depth of the recursion.
fn collect(field: Field<'_>, base: u64, outer: &mut Vec<(u64, u64)>, values: &mut Vec<ScalarArray>) {
    let offset = base.saturating_add(field.offset());
    if field.ty() == Type::Record {
        outer.push((field.count(), field.size()));
        for inner in field.fields() {
            collect(inner, offset, outer, values);
        }
        outer.pop();
        return;
    }
    let name = field.name().unwrap_or_default().to_vec();
    let mut value =
        ScalarArray { offset, ty: field.ty(), size: field.size(), endian: field.endian(), dims: Vec::new(), name };
    value.repeat(field.count(), field.size());
    for (count, stride) in outer.iter().rev() {
        value.repeat(*count, *stride);
    }
    values.push(value);
}

/// Returns the scalar of a format character, of native or standard size, in the byte order of the machine.
pub(super) fn scalar(code: &[u8], native: bool, model: &DataModel) -> Option<Scalar> {
    let mut text = Vec::from([if native { b'@' } else { b'=' }]);
    text.extend_from_slice(code);
    Scalar::recognize(&text, model)
}

/// Returns the type of the same kind with another size: `int32` with 8 bytes is `int64`.
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
