//! Cython's buffer check: the format is walked beside the C type that the user declared.
//!
//! The walk is kept apart from the type: first the format becomes a list of pieces at offsets, by
//! Cython's own rules, then the pieces are held against the fields of a type. Every type whose fields
//! are the pieces is accepted, so the pieces say what the format is to Cython.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::answer::{Query, ReadResult, Recognition};
use super::interpretation::{Taken, Value, scalar};
use super::rustpython::align_of;
use pep3118::__private::escape;
use pep3118::Endian;
use pep3118::abi::DataModel;
use pep3118::layout::{Field, Layout, Scalar, Type};
use pep3118::{__private::plural, Align};

/// Characters looked at before giving up: counts of structures are walked one by one.
const STEPS: u32 = 1 << 18;
/// Structures inside each other that are followed.
const DEEPEST: u32 = 64;
/// A count or an extent is a C int.
const INT_MAX: u64 = 0x7fff_ffff;

/// Whether Cython accepts a buffer with this format and itemsize (in bytes) as a typed memoryview of
/// the C type that `wanted` describes.
///
/// A field with a shape is a C array; a structure is a C structure, without its names.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout}; use pep3118_readers::cython_accepts;
/// let point = Layout::read(b"T{b:a:i:b:}", &Dialect::NATIVE_C, &DataModel::LP64)?;
/// assert!(cython_accepts(b"T{b:x:3xi:y:}", 8, &point).is_ok());
/// let why = cython_accepts(b"=bi", 8, &point).unwrap_err();
/// assert_eq!(why, "puts a field at byte 1 that the type has at byte 4");
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
///
/// # Errors
/// Why not, in a line.
pub fn cython_accepts(format: &[u8], itemsize: u64, wanted: &Layout) -> Result<(), String> {
    let model = wanted.model();
    let walked = walk(format, model)?;
    let mut fields = Vec::new();
    for field in wanted.fields() {
        flatten(field, 0, &mut fields)?;
    }
    let mut fields = fields.into_iter();
    for piece in &walked.pieces {
        for nth in 0..piece.count {
            let Some(Wanted { offset, ty, size, shape }) = fields.next() else {
                return Err(String::from("has more fields than the type"));
            };
            let found = piece.offset.saturating_add(nth.saturating_mul(piece.scalar.size));
            if size != piece.scalar.size || !same_group(piece.scalar.ty, ty) {
                return Err(format!("has {} where the type has {ty}", piece.scalar.ty));
            }
            if found != offset {
                return Err(format!("puts a field at byte {found} that the type has at byte {offset}"));
            }
            match (&piece.shape, shape.is_empty()) {
                (Some(found), false) if *found == shape => {}
                (None, true) => {}
                // A string is one array of characters.
                (None, false) if piece.is_text && shape == [piece.count] => break,
                (Some(found), true) if found.is_empty() => {}
                _ => return Err(String::from("has an array of another shape than the type")),
            }
        }
    }
    if fields.next().is_some() && !walked.cut {
        return Err(String::from("has fewer fields than the type"));
    }
    if itemsize != wanted.size() {
        return Err(format!(
            "itemsize is {}, the type has {}",
            plural(itemsize, "byte"),
            plural(wanted.size(), "byte")
        ));
    }
    Ok(())
}

struct Wanted {
    offset: u64,
    ty: Type,
    size: u64,
    shape: Vec<u64>,
}

/// The fields of a C type one after the other, inner structures opened.
fn flatten(field: Field<'_>, base: u64, fields: &mut Vec<Wanted>) -> Result<(), String> {
    let offset = base.saturating_add(field.offset());
    if field.ty() == Type::Record {
        if !field.shape().is_empty() {
            return Err(String::from("arrays of structures are not walked"));
        }
        for inner in field.fields() {
            flatten(inner, offset, fields)?;
        }
        return Ok(());
    }
    let mut shape = field.shape().to_vec();
    let (mut ty, mut size) = (field.ty(), field.size());
    if ty == Type::Bytes {
        // `5s` is `char[5]`.
        shape.push(size);
        (ty, size) = (Type::Char, 1);
    }
    fields.push(Wanted { offset, ty, size, shape });
    Ok(())
}

/// The groups of types that Cython tells apart; a C `char` goes with any byte.
fn same_group(found: Type, wanted: Type) -> bool {
    let group = |ty| match ty {
        Type::Char => 'H',
        Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 => 'I',
        Type::UInt8 | Type::UInt16 | Type::UInt32 | Type::UInt64 | Type::Bool => 'U',
        Type::Float32 | Type::Float64 | Type::LongDouble => 'R',
        Type::Complex64 | Type::Complex128 | Type::ComplexLongDouble => 'C',
        Type::Object => 'O',
        _ => '?',
    };
    let (found, wanted) = (group(found), group(wanted));
    found == wanted || ((found == 'H' || wanted == 'H') && found != '?' && wanted != '?')
}

/// A typed memoryview of whatever type fits: of what the format means, if that is something.
pub(super) fn memoryview(asked: &Query<'_>, meant: &[Taken]) -> ReadResult {
    let walked = walk(asked.format, asked.model)?;
    if walked.pieces.is_empty() {
        if walked.cut {
            let size = asked.itemsize_or_natural().unwrap_or(0);
            return Ok(Recognition { taken: Taken::opaque(size), note: None });
        }
        return Err(String::from("a type has at least one field"));
    }
    let (end, align, is_aligned) = walked.weight(asked.model);
    let rounded = if is_aligned { align.round_up(end).unwrap_or(end) } else { end };
    let values = walked.values();
    let exact = |size| Taken::new(size, values.clone());
    match asked.itemsize {
        None => {
            let natural = asked.itemsize_or_natural().unwrap_or(end);
            let size = if natural == rounded || natural == end { natural } else { end };
            Ok(choose(exact(size), meant, walked.cut, asked.model)?.into())
        }
        Some(itemsize) => {
            let tail_is_meant = meant.iter().any(|meant| exact(itemsize).same(meant));
            if itemsize != end && itemsize != rounded && !tail_is_meant && !walked.cut {
                return Err(format!(
                    "itemsize is {}, a type with such fields has {}",
                    plural(itemsize, "byte"),
                    plural(rounded, "byte")
                ));
            }
            Ok(choose(exact(itemsize), meant, walked.cut, asked.model)?.into())
        }
    }
}

/// Cython compares with the user's type, which is what the format means: where the walk ends
/// elsewhere, it refuses.
fn choose(taken: Taken, meant: &[Taken], cut: bool, model: &DataModel) -> Result<Taken, String> {
    match meant.first() {
        Some(first) if !cut && !meant.iter().any(|meant| taken.same(meant)) => {
            let (found, wanted) = taken.difference(first, model);
            Err(format!("finds {found}, the type has {wanted}"))
        }
        _ => Ok(taken),
    }
}

/// A run of equal fields.
struct Piece {
    offset: u64,
    scalar: Scalar,
    /// Fields of their own; not an array.
    count: u64,
    /// `s` or `p`: the count may be the length of an array of characters.
    is_text: bool,
    shape: Option<Vec<u64>>,
}

struct Walked {
    pieces: Vec<Piece>,
    /// A `}` that closes nothing ended the check: no field after it is compared.
    cut: bool,
}

impl Walked {
    /// End, alignment, and whether a C compiler would put the fields there unasked.
    fn weight(&self, model: &DataModel) -> (u64, Align, bool) {
        let mut weight = (0, Align::ONE, true);
        for piece in &self.pieces {
            let elements = piece.elements().saturating_mul(piece.scalar.size);
            let align = natural_align(piece.scalar, model);
            weight.0 = piece.offset.saturating_add(elements).max(weight.0);
            weight.1 = align.max(weight.1);
            weight.2 &= align.divides(piece.offset);
        }
        weight
    }

    fn values(&self) -> Vec<Value> {
        let values = self.pieces.iter().map(|piece| {
            let ty = if piece.is_text { Type::Char } else { piece.scalar.ty };
            let mut value = Value::new(piece.offset, Scalar { ty, ..piece.scalar });
            value.repeat(piece.elements(), piece.scalar.size);
            value
        });
        values.collect()
    }
}

impl Piece {
    fn elements(&self) -> u64 {
        let shape = self.shape.iter().flatten().fold(1, |product: u64, extent| product.saturating_mul(*extent));
        shape.saturating_mul(self.count)
    }
}

fn natural_align(scalar: Scalar, model: &DataModel) -> Align {
    align_of(
        match scalar.ty {
            Type::Int16 | Type::UInt16 => b'h',
            Type::Int32 | Type::UInt32 => b'i',
            Type::Int64 | Type::UInt64 => b'q',
            Type::Float32 | Type::Complex64 => b'f',
            Type::Float64 | Type::Complex128 => b'd',
            Type::LongDouble | Type::ComplexLongDouble => b'g',
            Type::Object => b'O',
            _ => b'b',
        },
        model,
    )
}

/// Walks the format.
fn walk(format: &[u8], model: &DataModel) -> Result<Walked, String> {
    let mut walk = Walk {
        format,
        model,
        pieces: Vec::new(),
        offset: 0,
        new_mark: b'@',
        mark: b'@',
        new_count: 1,
        count: 0,
        letter: None,
        shape: None,
        align: None,
        steps: 0,
        is_cut: false,
        must_end: false,
    };
    walk.items(0, 0)?;
    if walk.shape.is_some_and(|shape| !shape.is_empty()) {
        return Err(String::from("a shape has no item after it"));
    }
    Ok(Walked { pieces: walk.pieces, cut: walk.is_cut })
}

/// A format character and whether `Z` stood before it.
type Letter = (u8, bool);

struct Walk<'f> {
    format: &'f [u8],
    model: &'f DataModel,
    pieces: Vec<Piece>,
    offset: u64,
    /// In force for what comes, and for the pending letter.
    new_mark: u8,
    mark: u8,
    new_count: u64,
    /// How many of the pending letter.
    count: u64,
    letter: Option<Letter>,
    shape: Option<Vec<u64>>,
    /// Of the first aligned member of the innermost structure.
    align: Option<Align>,
    steps: u32,
    is_cut: bool,
    /// The format has ended: whatever else is found is too much.
    must_end: bool,
}

impl Walk<'_> {
    /// Items from `at` to a `}` or the end; where to go on.
    fn items(&mut self, start: usize, depth: u32) -> Result<usize, String> {
        if depth > DEEPEST {
            return Err(format!("more than {DEEPEST} structures inside each other"));
        }
        let mut at = start;
        loop {
            self.steps = self.steps.saturating_add(1);
            if self.steps > STEPS {
                return Err(String::from("more fields than are walked here"));
            }
            let Some(&byte) = self.format.get(at) else {
                self.flush()?;
                self.must_end = true;
                return Ok(at);
            };
            at = at.saturating_add(1);
            match byte {
                b' ' | b'\r' | b'\n' => {}
                b'<' | b'>' | b'!' => {
                    let asked = if byte == b'<' { Endian::Little } else { Endian::Big };
                    if asked != self.model.endian {
                        return Err(format!("{asked}-endian buffers are not supported on this machine"));
                    }
                    self.new_mark = b'=';
                }
                b'=' | b'@' | b'^' => self.new_mark = byte,
                b'T' => at = self.structure(at, depth)?,
                b'}' => {
                    self.flush()?;
                    if let Some(align) = self.align {
                        self.offset = align.round_up(self.offset).unwrap_or(u64::MAX);
                    }
                    self.is_cut |= depth == 0;
                    return Ok(at);
                }
                b'x' => {
                    self.flush()?;
                    self.offset = self.offset.saturating_add(self.new_count);
                    self.new_count = 1;
                    self.count = 0;
                    self.mark = self.new_mark;
                }
                b'Z' => {
                    let part = self.format.get(at).filter(|part| matches!(part, b'f' | b'd' | b'g'));
                    let part = *part.ok_or_else(|| String::from("unexpected format character `Z`"))?;
                    at = at.saturating_add(1);
                    self.take((part, true))?;
                }
                b'?' | b'c' | b'b' | b'B' | b'h' | b'H' | b'i' | b'I' | b'l' | b'L' | b'q' | b'Q' | b'f' | b'd'
                | b'g' | b'O' | b's' | b'p' => self.take((byte, false))?,
                b':' => {
                    let name = self.format.get(at..).unwrap_or_default();
                    let colon = name.iter().position(|byte| *byte == b':');
                    let colon = colon.ok_or_else(|| String::from("a name is never closed"))?;
                    self.steps = self.steps.saturating_add(u32::try_from(colon).unwrap_or(u32::MAX));
                    at = at.saturating_add(colon).saturating_add(1);
                }
                b'(' => at = self.array(at)?,
                b'0'..=b'9' => (self.new_count, at) = self.number(at.saturating_sub(1))?,
                _ => return Err(format!("does not understand character `{}`", escape(&[byte]))),
            }
        }
    }

    /// A letter: one more of the pending ones, or a new run.
    fn take(&mut self, letter: Letter) -> Result<(), String> {
        if self.letter == Some(letter) && self.mark == self.new_mark && self.shape.is_none() && letter.0 != b's' {
            self.count = self.count.saturating_add(self.new_count);
        } else {
            self.flush()?;
            self.count = self.new_count;
            self.mark = self.new_mark;
            self.letter = Some(letter);
        }
        self.new_count = 1;
        Ok(())
    }

    fn structure(&mut self, brace: usize, depth: u32) -> Result<usize, String> {
        let times = core::mem::replace(&mut self.new_count, 1);
        let align = self.align;
        if self.format.get(brace) != Some(&b'{') {
            return Err(String::from("`{` is missing after `T`"));
        }
        self.flush()?;
        self.count = 0;
        self.align = None;
        let inside = brace.saturating_add(1);
        let mut after = inside;
        for _ in 0..times {
            after = self.items(inside, depth.saturating_add(1))?;
        }
        if align.is_some() {
            self.align = align;
        }
        Ok(after)
    }

    /// The pending run becomes a piece.
    fn flush(&mut self) -> Result<(), String> {
        let Some((letter, is_complex)) = self.letter.take() else { return Ok(()) };
        if self.must_end {
            return Err(String::from("has more fields than the type"));
        }
        let native = matches!(self.mark, b'@' | b'^');
        let text: &[u8] = if is_complex { &[b'Z', letter] } else { &[letter] };
        let unit = |ty, size| Some(Scalar { ty, size, endian: self.model.endian });
        let found = match letter {
            b's' | b'p' => unit(Type::Int8, 1),
            b'O' => unit(Type::Object, self.model.pointer),
            _ => scalar(text, native, self.model),
        };
        let scalar = found.ok_or_else(|| format!("format character `{}` has no standard size", char::from(letter)))?;
        if self.mark == b'@' {
            let align = align_of(letter, self.model);
            self.offset = align.round_up(self.offset).unwrap_or(u64::MAX);
            self.align = self.align.or(Some(align));
        }
        let is_text = matches!(letter, b's' | b'p');
        let shape = self.shape.take();
        let is_array = shape.as_ref().is_some_and(|shape| !shape.is_empty());
        // The count in front of an array is not looked at; a count of nothing is more than any type.
        let count = if is_array { 1 } else { self.count };
        if count == 0 {
            return Err(format!("a count of 0 before `{}` fits no type", char::from(letter)));
        }
        let piece = Piece { offset: self.offset, scalar, count, is_text, shape };
        let size = piece.elements().saturating_mul(scalar.size);
        self.offset = self.offset.saturating_add(size);
        if self.offset > self.model.ssize_max() {
            return Err(String::from("is larger than any object"));
        }
        self.pieces.push(piece);
        Ok(())
    }

    fn array(&mut self, start: usize) -> Result<usize, String> {
        if self.new_count != 1 {
            return Err(String::from("cannot handle a count before a shape"));
        }
        self.flush()?;
        let mut shape = Vec::new();
        let mut at = start;
        loop {
            match self.format.get(at) {
                Some(b')') => break,
                None => return Err(String::from("`)` is missing")),
                Some(b' ' | b'\t'..=b'\r') => return Err(String::from("a space inside a shape is not handled")),
                Some(_) => {}
            }
            let (extent, after) = self.number(at)?;
            shape.push(extent);
            at = match self.format.get(after) {
                Some(b',') => after.saturating_add(1),
                Some(b')') => after,
                _ => return Err(String::from("a comma is missing in a shape")),
            };
            self.steps = self.steps.saturating_add(1);
        }
        if self.shape.as_ref().is_some_and(|other| *other != shape) {
            return Err(String::from("one shape after another fits no type"));
        }
        self.shape = Some(shape);
        Ok(at.saturating_add(1))
    }

    fn number(&mut self, start: usize) -> Result<(u64, usize), String> {
        let rest = self.format.get(start..).unwrap_or_default();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, after) = rest.split_at(digits);
        self.steps = self.steps.saturating_add(u32::try_from(digits).unwrap_or(u32::MAX));
        if digits == 0 {
            let byte = after.first().copied().unwrap_or_default();
            return Err(format!("does not understand character `{}`", escape(&[byte])));
        }
        let number = super::python_int::decimal(number.iter().map(|byte| u32::from(byte.saturating_sub(b'0'))));
        if number > INT_MAX {
            return Err(format!("a number is more than {INT_MAX}"));
        }
        Ok((number, start.saturating_add(digits)))
    }
}
