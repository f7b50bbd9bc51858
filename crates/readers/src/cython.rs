//! Model of Cython's buffer check, which compares a format with the C type that the user declared. `cython_accepts`
//! tests one C type. `memoryview` returns the layout that a typed memoryview reads, for the list of readers.
//!
//! Cython parses the format and compares the fields with the C type in one pass. The model has two steps. The first
//! step parses the format by Cython's rules into a list of [`FieldGroup`]s. A field group is a sequence of equal
//! adjacent fields, or one array. For example, `iii` or `3i` is one group of three fields. The second step compares
//! the groups with the fields of a C type. Cython accepts exactly the C types that have these fields. The groups are
//! therefore the layout that Cython reads.

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

/// The maximum number of characters that the parser processes. The parser parses a structure with a count once for each
/// element. Without a limit, a short format with nested counts, such as `9999T{9999T{...}}`, would therefore take
/// unbounded time.
const MAX_STEPS: u32 = 1 << 18;
/// The maximum depth of nested structures that this model parses.
const MAX_DEPTH: u32 = 64;
/// The maximum of a C int. Cython refuses a larger count and a larger length of a dimension.
const INT_MAX: u64 = 0x7fff_ffff;

/// Checks that Cython accepts a buffer as a typed memoryview of a C type.
///
/// `format` and `itemsize` (in bytes) describe the buffer. `declared` is the layout of the C type. A field with
/// a shape is a C array, and a record is a C structure. The function ignores the names of fields.
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
/// The text of the error is one line and describes the first difference.
///
/// - a field of `format` differs from the field of `declared`: `i` and a `float`, or `=bi` and a structure with
///   padding
/// - `format` has more or fewer fields than `declared`
/// - `itemsize` is not the size of `declared`
/// - Cython cannot parse `format`
/// - `declared` contains an array of structures, which this function does not support
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
                // Cython compares `5s` with an array `char[5]`, and not with 5 fields.
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
    /// The distance from the start of the item, in bytes.
    offset: u64,
    /// The type of one element.
    ty: Type,
    /// The size of one element in bytes.
    size: u64,
    /// The lengths of the dimensions of a C array. Empty if the field is not an array.
    shape: Vec<u64>,
}

/// Appends `field` to `fields`. If `field` is a structure, appends the fields of the structure instead. `base`
/// is the offset of the enclosing structure in bytes. Returns an error if `field` is an array of structures.
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
        // The C type of `5s` is `char[5]`.
        shape.push(size);
        (ty, size) = (Type::Char, 1);
    }
    fields.push(TypeField { offset, ty, size, shape });
    Ok(())
}

/// Returns `true` if Cython treats the type `found` in the format and the declared type `declared` as the same kind of
/// number. Cython compares only the kind and the size. A C `char` matches every integer of one byte.
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

/// Models a typed memoryview. `meant` are the likely interpretations of the format.
///
/// The model assumes that the user declared a C type that is one of the layouts in `meant`. If `meant` is empty, the
/// model assumes a C type that matches the format. Returns an error if Cython cannot parse the format or raises an
/// error for every assumed C type. Also returns an error if the format has no fields. If an unmatched `}` ends a format
/// without fields, the result is an item without a type.
pub(super) fn memoryview(query: &Query<'_>, meant: &[ConsumerLayout]) -> ReadResult {
    let parsed = parse(query.format, query.model)?;
    if parsed.groups.is_empty() {
        if parsed.ended_early {
            // If no size is known, the layout gets 0 bytes. In this case, Cython compares no field and accepts any
            // itemsize.
            let size = query.itemsize_or_described().unwrap_or(0);
            return Ok(ConsumerLayout::opaque(size).into());
        }
        return Err(String::from("a type has at least one field"));
    }
    let FieldsEnd { end, align, is_aligned } = parsed.fields_end(query.model);
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

/// Returns `layout` if it agrees with a layout in `meant`, and otherwise an error, because Cython refuses a format that
/// differs from the declared C type. The error describes the difference from the first layout in `meant`. `model` is
/// the machine of the consumer.
///
/// Returns `layout` without a comparison if `meant` is empty, or if `ended_early` is `true`. `ended_early` must be
/// `true` if an unmatched `}` ended Cython's check.
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

/// A sequence of equal adjacent fields (three fields for `iii` or `3i`), or one array.
struct FieldGroup {
    /// The distance from the start of the item to the first field or element, in bytes.
    offset: u64,
    /// The type, size and byte order of one field or element.
    scalar: Scalar,
    /// The number of fields: 3 for `iii` and for `3i`. The number is 1 for an array.
    count: u64,
    /// Whether the format character is `s` or `p`. The C type can then be one array of `char` instead of
    /// `count` fields.
    is_text: bool,
    /// The shape of the array. `None` if the group consists of fields.
    shape: Option<Vec<u64>>,
}

/// The result of Cython's parser: the fields of the format.
struct ParsedFormat {
    /// The field groups, in the order of the format.
    groups: Vec<FieldGroup>,
    /// Whether an unmatched `}` ended Cython's check. Cython does not compare the fields after the brace.
    ended_early: bool,
}

/// The end of the fields of a format at the offsets that Cython computes, without trailing padding, and the alignment
/// of the fields.
struct FieldsEnd {
    /// The offset of the first byte after all fields.
    end: u64,
    /// The alignment of the structure, which is the largest alignment of a field.
    align: Align,
    /// `true` if the offset of every field is a multiple of the natural alignment of the field.
    is_aligned: bool,
}

impl ParsedFormat {
    /// Returns the end and the alignment of the parsed fields, and `is_aligned`. The alignments are those of the C
    /// types on the machine `model`; the offsets do not change.
    fn fields_end(&self, model: &DataModel) -> FieldsEnd {
        let mut end = FieldsEnd { end: 0, align: Align::ONE, is_aligned: true };
        for group in &self.groups {
            let elements = group.elements().saturating_mul(group.scalar.size);
            let align = natural_align(group.scalar, model);
            end.end = group.offset.saturating_add(elements).max(end.end);
            end.align = align.max(end.align);
            end.is_aligned &= align.divides(group.offset);
        }
        end
    }

    /// Converts each field group to a `ScalarArray`, in the order of the format.
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
    /// Returns the number of scalars in the group: the number of fields, or the number of elements of the
    /// array.
    fn elements(&self) -> u64 {
        let shape = self.shape.iter().flatten().fold(1, |product: u64, length| product.saturating_mul(*length));
        shape.saturating_mul(self.count)
    }
}

/// Returns the alignment that C gives a variable with the type and size of `scalar` on the machine `model`.
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

/// Parses `format` by Cython's rules for the machine `model`. Returns an error if Cython raises an error, or if
/// the format exceeds a limit of this model.
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

/// A format character as a pair: the character, and whether `Z` precedes the character.
type Code = (u8, bool);

/// The state of Cython's parser. The fields correspond to those of the C structure in Cython's source.
///
/// Cython compares equal consecutive format characters in one step. This module calls a sequence of equal format
/// characters a *run*. The *current* format character is the character of the run that Cython is reading. The run ends
/// when Cython finds a different format character, a shape or a brace.
struct Parser<'f> {
    format: &'f [u8],
    model: &'f DataModel,
    /// The field groups that the parser has completed.
    groups: Vec<FieldGroup>,
    /// The offset in the item, in bytes, at which the next field group starts, before alignment.
    offset: u64,
    /// The byte-order character that applies to the format characters after the current position.
    new_order: u8,
    /// The byte-order character that applies to the current format character.
    order: u8,
    /// The number before the next format character, or 1 without a number.
    new_count: u64,
    /// The number of fields in the current run.
    count: u64,
    /// The current format character. `None` outside of a run.
    code: Option<Code>,
    /// The last parsed shape, such as `[2, 3]` after `(2,3)`. `None` if the shape is already used, or without a shape.
    shape: Option<Vec<u64>>,
    /// The alignment of the first field with the byte-order character `@` in the structure that the parser currently
    /// reads. `None` before the first such field.
    align: Option<Align>,
    /// The number of characters that the parser has processed. The maximum is [`MAX_STEPS`].
    steps: u32,
    /// Whether an unmatched `}` ended Cython's check, see [`ParsedFormat::ended_early`].
    ended_early: bool,
    /// Whether the parser has reached the end of the format. A field after the end is an error.
    has_ended: bool,
}

impl Parser<'_> {
    /// Parses the format from byte `start` up to a `}` or the end of the format. `depth` is the number of
    /// structures around `start`. Returns the offset in the format after the `}`, or the length of the format.
    /// Returns an error if Cython raises an error, or if the format exceeds a limit of this model.
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
                    // The range exists, because `at` is at most the length of the format.
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

    /// Adds the format character `code` to the current run. If `code` differs from the current format character or its
    /// byte order, follows a shape, or is `s`, ends the run with [`flush`](Self::flush) and starts a new run. Returns
    /// an error if `flush` returns an error.
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

    /// Parses a structure once for each element of its count. `brace` is the offset in the format of the `{`. `depth`
    /// is the number of structures around `brace`. Returns the offset in the format after the structure. If the count
    /// is 0, returns the offset after the `{`, because Cython then does not skip the content. Returns an error if
    /// `brace` is not the offset of a `{`, or if Cython refuses the content.
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

    /// Ends the current run: computes the offset of its fields and appends a field group to `groups`. Does nothing
    /// outside of a run. Returns an error if Cython raises an error for the fields.
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
        // Cython ignores a count before an array. A run with a count of 0 matches no C type.
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

    /// Parses the lengths of a shape. `start` is the offset in the format after the opening parenthesis. Stores
    /// the shape in `self.shape` and returns the offset after the closing parenthesis. Returns an error if
    /// Cython refuses the shape.
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

    /// Parses the decimal digits at byte `start` of the format. Returns the number, and the offset of the byte after
    /// the last digit. Returns an error if the byte at `start` is not a digit, or if the number does not fit a C int.
    fn number(&mut self, start: usize) -> Result<(u64, usize), String> {
        // `start` is at most the length of the format, so the range exists.
        let rest = self.format.get(start..).unwrap_or_default();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, after) = rest.split_at(digits);
        self.steps = self.steps.saturating_add(u32::try_from(digits).unwrap_or(u32::MAX));
        if digits == 0 {
            // The message of Cython contains the byte that is not a digit. At the end of the C string, this byte is
            // NUL.
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
