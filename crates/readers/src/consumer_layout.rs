//! `ConsumerLayout`: the layout that a consumer reads from a format, as a list of `ScalarArray`s. Two layouts can be
//! compared, and the first difference can be described.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use pep3118::__private::escape;
use pep3118::__private::plural;
use pep3118::abi::{CType, DataModel};
use pep3118::layout::{Field, Layout, Scalar, Type};
use pep3118::{Align, Endian};

/// The maximum number of bytes of a field name in a description. The rest of a longer name is left out.
const MAX_NAME_LEN: usize = 24;
/// The maximum number of scalars and arrays in a description.
const MAX_ARRAYS: usize = 3;

/// A scalar, or an array of equal scalars, at an offset in the item.
#[derive(Clone, Debug)]
pub(super) struct ScalarArray {
    /// The distance from the start of the item, in bytes.
    pub(super) offset: u64,
    /// The type of one element.
    pub(super) ty: Type,
    /// The size of one element in bytes.
    pub(super) size: u64,
    /// The byte order of one element. `None` means that the byte order does not matter, because the type has
    /// no byte order or the size is 1 byte.
    pub(super) endian: Option<Endian>,
    /// (number of elements, stride in bytes) for each dimension, the dimension with the smallest stride first.
    /// Dimensions of one element are left out, and contiguous dimensions are merged. Two arrays whose elements are at
    /// the same offsets therefore have equal `dims`.
    dims: Vec<(u64, u64)>,
    /// The name of the field, for messages. The name is empty if the field has no name.
    name: Vec<u8>,
}

impl ScalarArray {
    /// Creates a single scalar of the type `scalar`, `offset` bytes after the start of the item.
    pub(super) fn new(offset: u64, scalar: Scalar) -> Self {
        let ordered = scalar.ty.has_byte_order() && scalar.size > 1;
        let endian = ordered.then_some(scalar.endian);
        Self { offset, ty: scalar.ty, size: scalar.size, endian, dims: Vec::new(), name: Vec::new() }
    }

    /// Adds `by` bytes to `offset`.
    pub(super) fn shift(&mut self, by: u64) {
        self.offset = self.offset.saturating_add(by);
    }

    /// Creates a text or a byte string of the type `ty`, `offset` bytes after the start of the item. `size` is the size
    /// of the whole text in bytes. `endian` is the byte order of the characters, or `None` if a character is one byte.
    pub(super) const fn sized(offset: u64, ty: Type, size: u64, endian: Option<Endian>) -> Self {
        Self { offset, ty, size, endian, dims: Vec::new(), name: Vec::new() }
    }

    /// Adds an outermost dimension of `count` copies of `self`. `stride` is the distance in bytes from one copy to the
    /// next. Does nothing if `count` is 1. Merges the dimension with a contiguous dimension before it, and adjacent
    /// characters become one byte string.
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

    /// Converts a contiguous array of characters to one byte string, because `(5)c` and `5s` describe the same bytes.
    /// Does not change any other array.
    fn join_text(&mut self) {
        if let (Type::Char | Type::Bytes, [(count, stride)]) = (self.ty, self.dims.as_slice())
            && *stride == self.size
        {
            self.size = self.size.saturating_mul(*count);
            self.dims.clear();
            self.ty = Type::Bytes;
        }
    }

    /// Returns the number of elements: the product of the lengths of the dimensions.
    pub(super) fn count(&self) -> u64 {
        self.dims.iter().fold(1, |count: u64, (length, _)| count.saturating_mul(*length))
    }

    /// Returns the offset in the item of the first byte after the array.
    fn end(&self) -> u64 {
        let last = self.dims.iter().fold(self.offset, |at: u64, (count, stride)| {
            at.saturating_add(count.saturating_sub(1).saturating_mul(*stride))
        });
        last.saturating_add(self.size)
    }

    /// Returns `true` if every element starts at the end of the element before it, or if the array has only one
    /// element.
    fn is_contiguous(&self) -> bool {
        match self.dims.as_slice() {
            [] => true,
            [(_, stride)] => *stride == self.size,
            _ => false,
        }
    }

    /// Returns `true` if the array has 0 bytes: the element size or the number of elements is 0.
    fn is_empty(&self) -> bool {
        self.size == 0 || self.count() == 0
    }

    /// Returns `true` if a consumer that reads `self` gets the values that `meant` describes.
    fn agrees_with(&self, meant: &Self) -> bool {
        (self.offset, self.size) == (meant.offset, meant.size)
            && self.dims == meant.dims
            && (self.endian == meant.endian || self.endian.is_none())
            && keeps_value(self.ty, meant.ty, self.size)
    }

    /// Describes the array in words: `big-endian int32`, `6 float64`, `5 bytes`. Mentions the byte order only if it
    /// differs from the byte order of `model`.
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

/// Returns `true` if a value keeps its meaning although a consumer reads it with another type. `meant` is the type in
/// the layout, `read` is the type that the consumer uses, and each type has `size` bytes.
fn keeps_value(read: Type, meant: Type, size: u64) -> bool {
    let kind = |ty| match ty {
        // Consumers read a single character as a signed or as an unsigned byte.
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
    /// The scalars and arrays of the item, in the order of the format. Arrays of 0 bytes are left out.
    arrays: Vec<ScalarArray>,
    /// Whether the consumer reads the item as bytes without a type.
    opaque: bool,
}

impl ConsumerLayout {
    /// Creates a layout of `size` bytes with the scalars and arrays `arrays`. Removes arrays of 0 bytes from
    /// `arrays`.
    pub(super) fn new(size: u64, arrays: Vec<ScalarArray>) -> Self {
        let mut arrays = arrays;
        arrays.retain(|array| !array.is_empty());
        Self { size, arrays, opaque: false }
    }

    /// Creates the layout of an item that is the single scalar `scalar`.
    pub(super) fn scalar(scalar: Scalar) -> Self {
        Self::new(scalar.size, Vec::from([ScalarArray::new(0, scalar)]))
    }

    /// Creates the layout of an item that the consumer reads as `size` bytes without a type.
    pub(super) const fn opaque(size: u64) -> Self {
        Self { size, arrays: Vec::new(), opaque: true }
    }

    /// Returns `true` if the consumer reads the item as bytes without a type.
    pub(super) const fn is_opaque(&self) -> bool {
        self.opaque
    }

    /// Converts `layout` to the `ConsumerLayout` of a consumer that reads every field of `layout` correctly. Records
    /// are replaced by their fields.
    pub(super) fn of(layout: &Layout) -> Self {
        let mut arrays = Vec::new();
        let mut outer = Vec::new();
        for field in layout.fields() {
            append_arrays(field, 0, &mut outer, &mut arrays);
        }
        Self::new(layout.size(), arrays)
    }

    /// Returns `true` if the item is one scalar, or one text that fills the item.
    pub(super) fn is_scalar(&self) -> bool {
        matches!(self.arrays.as_slice(), [only] if only.size == self.size)
    }

    /// Returns the offset in the item of the first byte after all scalars and arrays. Returns 0 if the item has no
    /// scalars.
    pub(super) fn end(&self) -> u64 {
        self.arrays.iter().map(ScalarArray::end).max().unwrap_or(0)
    }

    /// Returns `true` if a consumer that reads `self` gets the values that `meant` describes. A layout without a type
    /// agrees with every layout of equal size.
    pub(super) fn agrees_with(&self, meant: &Self) -> bool {
        self.size == meant.size
            && (self.opaque
                || all_agree(&self.arrays, &meant.arrays)
                || all_agree(&merge_adjacent(&self.arrays), &merge_adjacent(&meant.arrays)))
    }

    /// Returns `true` if the item has padding before a scalar or an array. Ignores padding at the end of the item.
    pub(super) fn has_gap(&self) -> bool {
        let mut end = 0;
        self.arrays.iter().any(|array| array.offset > core::mem::replace(&mut end, array.end()))
    }

    /// Describes the layout on one line: `int32`, `12 bytes: int32 at 0, float64 at 4`. Lists at most 3 scalars and
    /// arrays. The text mentions only byte orders that differ from the byte order of `model`.
    pub(super) fn describe(&self, model: &DataModel) -> String {
        if self.opaque {
            return plural(self.size, "opaque byte");
        }
        match self.arrays.as_slice() {
            [] if self.size == 0 => String::from("nothing, 0 bytes"),
            [] => format!("{} of padding", plural(self.size, "byte")),
            [only] if only.offset == 0 && only.size.checked_mul(only.count()) == Some(self.size) => {
                only.describe(model)
            }
            arrays => {
                let texts: Vec<String> = arrays
                    .iter()
                    .take(MAX_ARRAYS)
                    .map(|array| format!("{} at {}", array.describe(model), array.offset))
                    .collect();
                let more = if arrays.len() > MAX_ARRAYS { ", ..." } else { "" };
                format!("{}: {}{more}", plural(self.size, "byte"), texts.join(", "))
            }
        }
    }

    /// Describes the first difference between `self` and `meant`. Returns (text about `self`, text about `meant`). If
    /// the difference is not in a single pair of arrays, the texts describe the whole layouts. The text mentions only
    /// byte orders that differ from the byte order of `model`.
    pub(super) fn difference(&self, meant: &Self, model: &DataModel) -> (String, String) {
        let whole = || (self.describe(model), meant.describe(model));
        if self.opaque || self.arrays.len() != meant.arrays.len() || self.arrays.len() < 2 {
            return whole();
        }
        let mut pairs = self.arrays.iter().zip(&meant.arrays);
        let Some((read, meant)) = pairs.find(|(read, meant)| !read.agrees_with(meant)) else { return whole() };
        let name = match meant.name.as_slice() {
            [] => String::new(),
            name => format!("`{}` ", escape(name.get(..MAX_NAME_LEN).unwrap_or(name))),
        };
        let side = |array: &ScalarArray| format!("{name}{} at {}", array.describe(model), array.offset);
        let (read_text, meant_text) = (side(read), side(meant));
        if read_text != meant_text {
            return (read_text, meant_text);
        }
        // The two arrays have the same description, so they differ only in the distance between the elements.
        let distance = |array: &ScalarArray| array.dims.last().map_or(0, |(_, stride)| *stride);
        let with = |text: String, array: &ScalarArray| format!("{text}, {} apart", plural(distance(array), "byte"));
        (with(read_text, read), with(meant_text, meant))
    }
}

/// Returns `true` if `read` and `meant` have equal lengths, and each array in `read` agrees with the array at the same
/// index in `meant`.
fn all_agree(read: &[ScalarArray], meant: &[ScalarArray]) -> bool {
    read.len() == meant.len() && read.iter().zip(meant).all(|(read, meant)| read.agrees_with(meant))
}

/// Returns a copy of `arrays` in which adjacent arrays of one type are merged into one array, because `ii` and `2i`
/// describe the same values.
fn merge_adjacent(arrays: &[ScalarArray]) -> Vec<ScalarArray> {
    let mut merged: Vec<ScalarArray> = Vec::new();
    for array in arrays {
        if let Some(last) = merged.last_mut()
            && last.is_contiguous()
            && array.is_contiguous()
            && (last.ty, last.size, last.endian, last.end()) == (array.ty, array.size, array.endian, array.offset)
        {
            let count = last.count().saturating_add(array.count());
            last.dims = Vec::from([(count, last.size)]);
        } else {
            merged.push(array.clone());
        }
    }
    for array in &mut merged {
        array.join_text();
    }
    merged
}

/// Appends the scalars and arrays of `field` to `arrays`.
///
/// `base` is the offset of the enclosing record in bytes. `outer` has (number of elements, stride in bytes) for each
/// enclosing record, the innermost record last. The function restores `outer` before it returns. The parser limits the
/// nesting of records, and thus the recursion.
fn append_arrays(field: Field<'_>, base: u64, outer: &mut Vec<(u64, u64)>, arrays: &mut Vec<ScalarArray>) {
    let offset = base.saturating_add(field.offset());
    if field.ty() == Type::Record {
        outer.push((field.count(), field.size()));
        for inner in field.fields() {
            append_arrays(inner, offset, outer, arrays);
        }
        outer.pop();
        return;
    }
    // A field without a name gets an empty name.
    let name = field.name().unwrap_or_default().to_vec();
    let mut array =
        ScalarArray { offset, ty: field.ty(), size: field.size(), endian: field.endian(), dims: Vec::new(), name };
    array.repeat(field.count(), field.size());
    for (count, stride) in outer.iter().rev() {
        array.repeat(*count, *stride);
    }
    arrays.push(array);
}

/// Returns the scalar that the format character `code` describes, in the byte order of `model`. `code` can also be `Z`
/// and a format character. If `native` is `true`, the scalar has its native size, and otherwise its standard size.
/// Returns `None` if `code` is not a format character, if its count is a length as for `s`, or if it does not have the
/// requested kind of size. For example, `n` has no standard size.
pub(super) fn scalar(code: &[u8], native: bool, model: &DataModel) -> Option<Scalar> {
    let mut text = Vec::from([if native { b'@' } else { b'=' }]);
    text.extend_from_slice(code);
    Scalar::recognize(&text, model)
}

/// Returns the type of the same kind as `scalar` with `size` bytes: `int32` with 8 bytes becomes `int64`.
/// Returns `None` if no type of this kind has `size` bytes.
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

/// Returns the alignment in bytes of the C type for the format character `code` on the machine `model`.
/// Returns 1 for an unknown character.
pub(super) fn align_of(code: u8, model: &DataModel) -> Align {
    model.align_of(match code {
        b'h' | b'H' | b'e' => CType::Short,
        b'i' | b'I' | b'f' | b'w' => CType::Int,
        b'l' | b'L' => CType::Long,
        b'q' | b'Q' => CType::LongLong,
        b'n' | b'N' => CType::SizeT,
        b'd' => CType::Double,
        b'g' => CType::LongDouble,
        b'P' | b'O' => CType::Pointer,
        _ => CType::Char,
    })
}
