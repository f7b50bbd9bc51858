//! Model of Cython's buffer check, which compares a format with the C type that the user declared.
//!
//! Cython parses the format and compares the fields with the type in one pass. The model has two steps. The
//! first step parses the format by Cython's rules into *groups*. A group is a number of equal adjacent fields
//! with an offset. The second step compares the groups with the fields of a type. Cython accepts every type
//! with these fields. The groups are therefore the layout that Cython reads.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::consumer_layout::{ConsumerLayout, ScalarArray, align_of, scalar};
use super::query::{Query, ReadResult};
use pep3118::__private::escape;
use pep3118::Endian;
use pep3118::abi::DataModel;
use pep3118::layout::{Field, Layout, Scalar, Type};
use pep3118::{__private::plural, Align};

/// The maximum number of characters that the parser processes. A limit is needed because a structure with a
/// count is parsed once for each element.
const MAX_STEPS: u32 = 1 << 18;
/// The maximum depth of nested structures in this model.
const MAX_DEPTH: u32 = 64;
/// The maximum of a C int. Counts and the lengths of dimensions must fit a C int.
const INT_MAX: u64 = 0x7fff_ffff;

/// Tests whether Cython accepts a buffer as a typed memoryview of a C type.
///
/// `format` and `itemsize` (in bytes) are those of the buffer. `declared` is the layout of the C type: a
/// field with a shape is a C array, and a record is a C structure. Names are ignored.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout};
/// use pep3118_readers::cython_accepts;
/// let point = Layout::read(b"T{b:a:i:b:}", &Dialect::NATIVE_C, &DataModel::LP64)?;
/// assert!(cython_accepts(b"T{b:x:3xi:y:}", 8, &point).is_ok());
/// let reason = cython_accepts(b"=bi", 8, &point).unwrap_err();
/// assert_eq!(reason, "the format puts a field at byte 1 that the type has at byte 4");
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
///
/// # Errors
/// - `=bi` for a structure with padding, `i` for a `float`: returns the first difference, in one line
/// - the itemsize is not the size of the type
/// - Cython cannot parse the format
pub fn cython_accepts(format: &[u8], itemsize: u64, declared: &Layout) -> Result<(), String> {
    let model = declared.model();
    let parsed = parse(format, model)?;
    let mut fields = Vec::new();
    for field in declared.fields() {
        flatten(field, 0, &mut fields)?;
    }
    let mut fields = fields.into_iter();
    for group in &parsed.groups {
        for nth in 0..group.count {
            let Some(TypeField { offset, ty, size, shape }) = fields.next() else {
                return Err(String::from("the format has more fields than the type"));
            };
            let found = group.offset.saturating_add(nth.saturating_mul(group.scalar.size));
            if size != group.scalar.size || !same_class(group.scalar.ty, ty) {
                return Err(format!("the format has {} where the type has {ty}", group.scalar.ty));
            }
            if found != offset {
                return Err(format!("the format puts a field at byte {found} that the type has at byte {offset}"));
            }
            match (&group.shape, shape.is_empty()) {
                (Some(found), false) if *found == shape => {}
                (None, true) => {}
                // A string is one array of characters.
                (None, false) if group.is_text && shape == [group.count] => break,
                (Some(found), true) if found.is_empty() => {}
                _ => return Err(String::from("the format has an array of another shape than the type")),
            }
        }
    }
    if fields.next().is_some() && !parsed.ended_early {
        return Err(String::from("the format has fewer fields than the type"));
    }
    if itemsize != declared.size() {
        return Err(format!(
            "itemsize is {}, the type has {}",
            plural(itemsize, "byte"),
            plural(declared.size(), "byte")
        ));
    }
    Ok(())
}

/// A field of a C type, without its name.
struct TypeField {
    offset: u64,
    ty: Type,
    size: u64,
    shape: Vec<u64>,
}

/// Appends the fields of a C type to `fields`. The fields of an inner structure replace the structure. `base`
/// is the offset of the enclosing structure in bytes.
fn flatten(field: Field<'_>, base: u64, fields: &mut Vec<TypeField>) -> Result<(), String> {
    let offset = base.saturating_add(field.offset());
    if field.ty() == Type::Record {
        if !field.shape().is_empty() {
            return Err(String::from("arrays of structures are not supported"));
        }
        for inner in field.fields() {
            flatten(inner, offset, fields)?;
        }
        return Ok(());
    }
    let mut shape = field.shape().to_vec();
    let (mut ty, mut size) = (field.ty(), field.size());
    if ty == Type::Bytes {
        // `5s` is `char[5]` in C.
        shape.push(size);
        (ty, size) = (Type::Char, 1);
    }
    fields.push(TypeField { offset, ty, size, shape });
    Ok(())
}

/// Returns whether Cython puts two types in one class of types. A C `char` matches every integer of one byte.
fn same_class(found: Type, declared: Type) -> bool {
    let class = |ty| match ty {
        Type::Char => 'H',
        Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 => 'I',
        Type::UInt8 | Type::UInt16 | Type::UInt32 | Type::UInt64 | Type::Bool => 'U',
        Type::Float32 | Type::Float64 | Type::LongDouble => 'R',
        Type::Complex64 | Type::Complex128 | Type::ComplexLongDouble => 'C',
        Type::Object => 'O',
        _ => '?',
    };
    let (found, declared) = (class(found), class(declared));
    found == declared || ((found == 'H' || declared == 'H') && found != '?' && declared != '?')
}

/// Models a typed memoryview whose type matches the format. `meant` are the interpretations of the format. The
/// model assumes that the user declared a type that is one of the interpretations, if there are any.
pub(super) fn memoryview(query: &Query<'_>, meant: &[ConsumerLayout]) -> ReadResult {
    let parsed = parse(query.format, query.model)?;
    if parsed.groups.is_empty() {
        if parsed.ended_early {
            // If no size is known, the layout has 0 bytes: Cython compares no field, and accepts any itemsize.
            let size = query.itemsize_or_described().unwrap_or(0);
            return Ok(ConsumerLayout::opaque(size).into());
        }
        return Err(String::from("a type has at least one field"));
    }
    let Extent { end, align, is_aligned } = parsed.extent(query.model);
    let rounded = if is_aligned { align.round_up(end).unwrap_or(end) } else { end };
    let values = parsed.values();
    let exact = |size| ConsumerLayout::new(size, values.clone());
    match query.itemsize {
        None => {
            let described = query.itemsize_or_described().unwrap_or(end);
            let size = if described == rounded || described == end { described } else { end };
            Ok(require_interpretation(exact(size), meant, parsed.ended_early, query.model)?.into())
        }
        Some(itemsize) => {
            let is_meant = meant.iter().any(|meant| exact(itemsize).agrees_with(meant));
            if itemsize != end && itemsize != rounded && !is_meant && !parsed.ended_early {
                return Err(format!(
                    "itemsize is {}, a type with these fields has {}",
                    plural(itemsize, "byte"),
                    plural(rounded, "byte")
                ));
            }
            Ok(require_interpretation(exact(itemsize), meant, parsed.ended_early, query.model)?.into())
        }
    }
}

/// Returns `layout` if it is one of the interpretations `meant`. Returns an error for another layout, because
/// Cython refuses a format that differs from the declared type.
///
/// Returns `layout` unchanged if the check ended early or `meant` is empty.
fn require_interpretation(
    layout: ConsumerLayout,
    meant: &[ConsumerLayout],
    ended_early: bool,
    model: &DataModel,
) -> Result<ConsumerLayout, String> {
    match meant.first() {
        Some(first) if !ended_early && !meant.iter().any(|meant| layout.agrees_with(meant)) => {
            let (found, declared) = layout.difference(first, model);
            Err(format!("the format has {found}, the type has {declared}"))
        }
        _ => Ok(layout),
    }
}

/// A group of equal adjacent fields, or one array.
struct FieldGroup {
    offset: u64,
    scalar: Scalar,
    /// The number of equal fields. 1 for an array.
    count: u64,
    /// Whether the format character is `s` or `p`. The fields can then be one array of characters.
    is_text: bool,
    shape: Option<Vec<u64>>,
}

/// The result of Cython's parser.
struct ParsedFormat {
    groups: Vec<FieldGroup>,
    /// Whether an unmatched `}` ended the check. Cython does not compare the fields after the brace.
    ended_early: bool,
}

/// The size and the alignment of a C structure with the fields of a format.
struct Extent {
    /// The offset after the last field, in bytes.
    end: u64,
    align: Align,
    /// Whether the offset of every field is a multiple of its natural alignment.
    is_aligned: bool,
}

impl ParsedFormat {
    /// Returns the size and the alignment of a C structure with these fields.
    fn extent(&self, model: &DataModel) -> Extent {
        let mut extent = Extent { end: 0, align: Align::ONE, is_aligned: true };
        for group in &self.groups {
            let elements = group.elements().saturating_mul(group.scalar.size);
            let align = natural_align(group.scalar, model);
            extent.end = group.offset.saturating_add(elements).max(extent.end);
            extent.align = align.max(extent.align);
            extent.is_aligned &= align.divides(group.offset);
        }
        extent
    }

    /// Returns the values of an item, one for each group.
    fn values(&self) -> Vec<ScalarArray> {
        let values = self.groups.iter().map(|group| {
            let ty = if group.is_text { Type::Char } else { group.scalar.ty };
            let mut value = ScalarArray::new(group.offset, Scalar { ty, ..group.scalar });
            value.repeat(group.elements(), group.scalar.size);
            value
        });
        values.collect()
    }
}

impl FieldGroup {
    /// Returns the number of scalars: the fields, or the elements of the array.
    fn elements(&self) -> u64 {
        let shape = self.shape.iter().flatten().fold(1, |product: u64, length| product.saturating_mul(*length));
        shape.saturating_mul(self.count)
    }
}

/// Returns the alignment of a C type with the type and size of `scalar`.
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

/// Parses `format` as Cython does.
fn parse(format: &[u8], model: &DataModel) -> Result<ParsedFormat, String> {
    let mut parser = Parser {
        format,
        model,
        groups: Vec::new(),
        offset: 0,
        new_order: b'@',
        order: b'@',
        new_count: 1,
        count: 0,
        code: None,
        shape: None,
        align: None,
        steps: 0,
        ended_early: false,
        has_ended: false,
    };
    parser.items(0, 0)?;
    if parser.shape.is_some_and(|shape| !shape.is_empty()) {
        return Err(String::from("a shape has no item after it"));
    }
    Ok(ParsedFormat { groups: parser.groups, ended_early: parser.ended_early })
}

/// A format character, and whether the character follows `Z`.
type Code = (u8, bool);

/// The state of the parser. The fields are those of Cython's parser. A format character is *pending* until
/// the parser finds a character that does not belong to its group.
struct Parser<'f> {
    format: &'f [u8],
    model: &'f DataModel,
    groups: Vec<FieldGroup>,
    /// The offset of the next field, in bytes.
    offset: u64,
    /// The byte-order character of the next format character.
    new_order: u8,
    /// The byte-order character of the pending format character.
    order: u8,
    /// The count of the next format character.
    new_count: u64,
    /// The count of the pending format character.
    count: u64,
    /// The pending format character. Equal format characters after it increase `count`.
    code: Option<Code>,
    shape: Option<Vec<u64>>,
    /// The alignment of the first aligned field in the innermost structure.
    align: Option<Align>,
    /// The number of characters that were processed, see [`MAX_STEPS`].
    steps: u32,
    /// See [`ParsedFormat::ended_early`].
    ended_early: bool,
    /// Whether the parser has reached the end of the format. A field after the end is an error.
    has_ended: bool,
}

impl Parser<'_> {
    /// Parses items from byte `start` up to a `}` or the end of the format. `depth` is the number of open
    /// structures. Returns the offset in the format after the items.
    fn items(&mut self, start: usize, depth: u32) -> Result<usize, String> {
        if depth > MAX_DEPTH {
            return Err(format!("more than {MAX_DEPTH} structures inside each other"));
        }
        let mut at = start;
        loop {
            self.steps = self.steps.saturating_add(1);
            if self.steps > MAX_STEPS {
                return Err(String::from("more fields than this model parses"));
            }
            let Some(&byte) = self.format.get(at) else {
                self.flush()?;
                self.has_ended = true;
                return Ok(at);
            };
            at = at.saturating_add(1);
            match byte {
                b' ' | b'\r' | b'\n' => {}
                b'<' | b'>' | b'!' => {
                    let order = if byte == b'<' { Endian::Little } else { Endian::Big };
                    if order != self.model.endian {
                        return Err(format!("{order}-endian buffers are not supported on this machine"));
                    }
                    self.new_order = b'=';
                }
                b'=' | b'@' | b'^' => self.new_order = byte,
                b'T' => at = self.structure(at, depth)?,
                b'}' => {
                    self.flush()?;
                    if let Some(align) = self.align {
                        self.offset = align.round_up(self.offset).unwrap_or(u64::MAX);
                    }
                    self.ended_early |= depth == 0;
                    return Ok(at);
                }
                b'x' => {
                    self.flush()?;
                    self.offset = self.offset.saturating_add(self.new_count);
                    self.new_count = 1;
                    self.count = 0;
                    self.order = self.new_order;
                }
                b'Z' => {
                    let part = self.format.get(at).filter(|part| matches!(part, b'f' | b'd' | b'g'));
                    let part = *part.ok_or_else(|| String::from("unexpected format character `Z`"))?;
                    at = at.saturating_add(1);
                    self.push_code((part, true))?;
                }
                b'?' | b'c' | b'b' | b'B' | b'h' | b'H' | b'i' | b'I' | b'l' | b'L' | b'q' | b'Q' | b'f' | b'd'
                | b'g' | b'O' | b's' | b'p' => self.push_code((byte, false))?,
                b':' => {
                    // `at` is at most the length of the format.
                    let name = self.format.get(at..).unwrap_or_default();
                    let colon = name.iter().position(|byte| *byte == b':');
                    let colon = colon.ok_or_else(|| String::from("a name is never closed"))?;
                    self.steps = self.steps.saturating_add(u32::try_from(colon).unwrap_or(u32::MAX));
                    at = at.saturating_add(colon).saturating_add(1);
                }
                b'(' => at = self.array(at)?,
                b'0'..=b'9' => (self.new_count, at) = self.number(at.saturating_sub(1))?,
                _ => return Err(format!("unknown character `{}`", escape(&[byte]))),
            }
        }
    }

    /// Adds a format character to the pending group. If the character does not belong to the group, ends the
    /// group and starts a new group.
    fn push_code(&mut self, code: Code) -> Result<(), String> {
        if self.code == Some(code) && self.order == self.new_order && self.shape.is_none() && code.0 != b's' {
            self.count = self.count.saturating_add(self.new_count);
        } else {
            self.flush()?;
            self.count = self.new_count;
            self.order = self.new_order;
            self.code = Some(code);
        }
        self.new_count = 1;
        Ok(())
    }

    /// Parses a structure once for each element. `brace` is the offset of its `{` in the format. Returns the
    /// offset in the format after the structure.
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

    /// Ends the pending group and adds the group to `groups`. Does nothing if no group is pending.
    fn flush(&mut self) -> Result<(), String> {
        let Some((letter, is_complex)) = self.code.take() else { return Ok(()) };
        if self.has_ended {
            return Err(String::from("the format has more fields than the type"));
        }
        let native = matches!(self.order, b'@' | b'^');
        let text: &[u8] = if is_complex { &[b'Z', letter] } else { &[letter] };
        let unit = |ty, size| Some(Scalar { ty, size, endian: self.model.endian });
        let found = match letter {
            b's' | b'p' => unit(Type::Int8, 1),
            b'O' => unit(Type::Object, self.model.pointer),
            _ => scalar(text, native, self.model),
        };
        let scalar = found.ok_or_else(|| format!("format character `{}` has no standard size", char::from(letter)))?;
        if self.order == b'@' {
            let align = align_of(letter, self.model);
            self.offset = align.round_up(self.offset).unwrap_or(u64::MAX);
            self.align = self.align.or(Some(align));
        }
        let is_text = matches!(letter, b's' | b'p');
        let shape = self.shape.take();
        let is_array = shape.as_ref().is_some_and(|shape| !shape.is_empty());
        // Cython ignores a count before an array. A count of 0 matches no type.
        let count = if is_array { 1 } else { self.count };
        if count == 0 {
            return Err(format!("a count of 0 before `{}` matches no type", char::from(letter)));
        }
        let group = FieldGroup { offset: self.offset, scalar, count, is_text, shape };
        let size = group.elements().saturating_mul(scalar.size);
        self.offset = self.offset.saturating_add(size);
        if self.offset > self.model.ssize_max() {
            return Err(String::from("the format is larger than Py_ssize_t"));
        }
        self.groups.push(group);
        Ok(())
    }

    /// Parses a shape from byte `start`, after its opening parenthesis. Returns the shape's end as an offset in
    /// the format.
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
            let (length, after) = self.number(at)?;
            shape.push(length);
            at = match self.format.get(after) {
                Some(b',') => after.saturating_add(1),
                Some(b')') => after,
                _ => return Err(String::from("a comma is missing in a shape")),
            };
            self.steps = self.steps.saturating_add(1);
        }
        if self.shape.as_ref().is_some_and(|other| *other != shape) {
            return Err(String::from("two shapes in succession match no type"));
        }
        self.shape = Some(shape);
        Ok(at.saturating_add(1))
    }

    /// Parses the digits from byte `start`. Returns the number and the offset of the next byte in the format.
    fn number(&mut self, start: usize) -> Result<(u64, usize), String> {
        // `start` is at most the length of the format.
        let rest = self.format.get(start..).unwrap_or_default();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, after) = rest.split_at(digits);
        self.steps = self.steps.saturating_add(u32::try_from(digits).unwrap_or(u32::MAX));
        if digits == 0 {
            // At the end of the format Cython finds the NUL of the C string.
            let byte = after.first().copied().unwrap_or_default();
            return Err(format!("unknown character `{}`", escape(&[byte])));
        }
        let number = super::python_int::decimal(number.iter().map(|byte| u32::from(byte.saturating_sub(b'0'))));
        if number > INT_MAX {
            return Err(format!("a number is more than {INT_MAX}"));
        }
        Ok((number, start.saturating_add(digits)))
    }
}
