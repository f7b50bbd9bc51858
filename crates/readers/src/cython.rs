//! Model of Cython's buffer check, which compares a format with the C type that the user declared.
//!
//! Cython parses the format and compares in one pass. The model has two steps: it parses the format into runs
//! of fields at offsets, by Cython's rules, and compares the runs with the fields of a type. Cython accepts
//! every type with these fields, so the runs are the layout that Cython reads.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::answer::{Query, ReadResult};
use super::consumer_layout::{ConsumerLayout, ScalarArray, scalar};
use super::rustpython::align_of;
use pep3118::__private::escape;
use pep3118::Endian;
use pep3118::abi::DataModel;
use pep3118::layout::{Field, Layout, Scalar, Type};
use pep3118::{__private::plural, Align};

/// The maximum number of characters that are parsed: a structure with a count is parsed once for each
/// element.
const MAX_STEPS: u32 = 1 << 18;
/// The maximum depth of nested structures in this model.
const MAX_DEPTH: u32 = 64;
/// A count and the length of a dimension are C ints.
const INT_MAX: u64 = 0x7fff_ffff;

/// Tests whether Cython accepts a buffer with this format and itemsize in bytes as a typed memoryview of a C
/// type.
///
/// `declared` is the layout of the type: a field with a shape is a C array, a record is a C structure. Names
/// are ignored.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout};
/// use pep3118_readers::cython_accepts;
/// let point = Layout::read(b"T{b:a:i:b:}", &Dialect::NATIVE_C, &DataModel::LP64)?;
/// assert!(cython_accepts(b"T{b:x:3xi:y:}", 8, &point).is_ok());
/// let reason = cython_accepts(b"=bi", 8, &point).unwrap_err();
/// assert_eq!(reason, "puts a field at byte 1 that the type has at byte 4");
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
///
/// # Errors
/// - `=bi` for a structure with padding, `i` for a `float`: the first difference, in one line
/// - an itemsize that is not the size of the type
/// - a format that Cython cannot parse
pub fn cython_accepts(format: &[u8], itemsize: u64, declared: &Layout) -> Result<(), String> {
    let model = declared.model();
    let parsed = parse(format, model)?;
    let mut fields = Vec::new();
    for field in declared.fields() {
        flatten(field, 0, &mut fields)?;
    }
    let mut fields = fields.into_iter();
    for run in &parsed.runs {
        for nth in 0..run.count {
            let Some(TypeField { offset, ty, size, shape }) = fields.next() else {
                return Err(String::from("has more fields than the type"));
            };
            let found = run.offset.saturating_add(nth.saturating_mul(run.scalar.size));
            if size != run.scalar.size || !same_group(run.scalar.ty, ty) {
                return Err(format!("has {} where the type has {ty}", run.scalar.ty));
            }
            if found != offset {
                return Err(format!("puts a field at byte {found} that the type has at byte {offset}"));
            }
            match (&run.shape, shape.is_empty()) {
                (Some(found), false) if *found == shape => {}
                (None, true) => {}
                // A string is one array of characters.
                (None, false) if run.is_text && shape == [run.count] => break,
                (Some(found), true) if found.is_empty() => {}
                _ => return Err(String::from("has an array of another shape than the type")),
            }
        }
    }
    if fields.next().is_some() && !parsed.ended_early {
        return Err(String::from("has fewer fields than the type"));
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

/// Appends the fields of a C type, with the fields of inner structures in their place.
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
        // `5s` is `char[5]`.
        shape.push(size);
        (ty, size) = (Type::Char, 1);
    }
    fields.push(TypeField { offset, ty, size, shape });
    Ok(())
}

/// Whether two types are in the same of Cython's groups. A C `char` matches every integer of one byte.
fn same_group(found: Type, declared: Type) -> bool {
    let group = |ty| match ty {
        Type::Char => 'H',
        Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 => 'I',
        Type::UInt8 | Type::UInt16 | Type::UInt32 | Type::UInt64 | Type::Bool => 'U',
        Type::Float32 | Type::Float64 | Type::LongDouble => 'R',
        Type::Complex64 | Type::Complex128 | Type::ComplexLongDouble => 'C',
        Type::Object => 'O',
        _ => '?',
    };
    let (found, declared) = (group(found), group(declared));
    found == declared || ((found == 'H' || declared == 'H') && found != '?' && declared != '?')
}

/// A typed memoryview of a type that matches the format. `meant` are the interpretations of the format: the
/// user declares one of them, if there are any.
pub(super) fn memoryview(query: &Query<'_>, meant: &[ConsumerLayout]) -> ReadResult {
    let parsed = parse(query.format, query.model)?;
    if parsed.runs.is_empty() {
        if parsed.ended_early {
            let size = query.itemsize_or_natural().unwrap_or(0);
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
            let natural = query.itemsize_or_natural().unwrap_or(end);
            let size = if natural == rounded || natural == end { natural } else { end };
            Ok(choose(exact(size), meant, parsed.ended_early, query.model)?.into())
        }
        Some(itemsize) => {
            let is_meant = meant.iter().any(|meant| exact(itemsize).same(meant));
            if itemsize != end && itemsize != rounded && !is_meant && !parsed.ended_early {
                return Err(format!(
                    "itemsize is {}, a type with such fields has {}",
                    plural(itemsize, "byte"),
                    plural(rounded, "byte")
                ));
            }
            Ok(choose(exact(itemsize), meant, parsed.ended_early, query.model)?.into())
        }
    }
}

/// Returns the layout if an interpretation has it. Cython compares the format with the type of the user, which
/// is an interpretation of the format, and refuses any other layout.
fn choose(
    layout: ConsumerLayout,
    meant: &[ConsumerLayout],
    ended_early: bool,
    model: &DataModel,
) -> Result<ConsumerLayout, String> {
    match meant.first() {
        Some(first) if !ended_early && !meant.iter().any(|meant| layout.same(meant)) => {
            let (found, declared) = layout.difference(first, model);
            Err(format!("finds {found}, the type has {declared}"))
        }
        _ => Ok(layout),
    }
}

/// A run of equal fields, or one array.
struct FieldRun {
    offset: u64,
    scalar: Scalar,
    /// The number of fields.
    count: u64,
    /// `s` or `p`: the count can be the length of an array of characters.
    is_text: bool,
    shape: Option<Vec<u64>>,
}

/// A format that Cython has parsed.
struct ParsedFormat {
    runs: Vec<FieldRun>,
    /// An unmatched `}` ended the check. The fields after it are not compared.
    ended_early: bool,
}

/// The bytes of a structure with the fields of a format.
struct Extent {
    /// The offset after the last field.
    end: u64,
    align: Align,
    /// Every field has its natural alignment.
    is_aligned: bool,
}

impl ParsedFormat {
    fn extent(&self, model: &DataModel) -> Extent {
        let mut extent = Extent { end: 0, align: Align::ONE, is_aligned: true };
        for run in &self.runs {
            let elements = run.elements().saturating_mul(run.scalar.size);
            let align = natural_align(run.scalar, model);
            extent.end = run.offset.saturating_add(elements).max(extent.end);
            extent.align = align.max(extent.align);
            extent.is_aligned &= align.divides(run.offset);
        }
        extent
    }

    fn values(&self) -> Vec<ScalarArray> {
        let values = self.runs.iter().map(|run| {
            let ty = if run.is_text { Type::Char } else { run.scalar.ty };
            let mut value = ScalarArray::new(run.offset, Scalar { ty, ..run.scalar });
            value.repeat(run.elements(), run.scalar.size);
            value
        });
        values.collect()
    }
}

impl FieldRun {
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

/// Parses a format as Cython does.
fn parse(format: &[u8], model: &DataModel) -> Result<ParsedFormat, String> {
    let mut parser = Parser {
        format,
        model,
        runs: Vec::new(),
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
    Ok(ParsedFormat { runs: parser.runs, ended_early: parser.ended_early })
}

/// A format character, and whether `Z` is before it.
type Code = (u8, bool);

/// The state of Cython's parser, with its fields.
struct Parser<'f> {
    format: &'f [u8],
    model: &'f DataModel,
    runs: Vec<FieldRun>,
    offset: u64,
    /// The byte-order character of the next format character.
    new_order: u8,
    /// The byte-order character of the pending format character.
    order: u8,
    /// The count of the next format character.
    new_count: u64,
    /// The count of the pending format character.
    count: u64,
    /// The pending format character: equal ones after it are counted.
    code: Option<Code>,
    shape: Option<Vec<u64>>,
    /// The alignment of the first aligned field of the innermost structure.
    align: Option<Align>,
    steps: u32,
    ended_early: bool,
    /// The end of the format was found, so that a further field is an error.
    has_ended: bool,
}

impl Parser<'_> {
    /// Parses items from `start` to a `}` or the end. Returns the offset after them.
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

    /// Adds a format character to the pending run, or starts a new run.
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

    /// Ends the pending run.
    fn flush(&mut self) -> Result<(), String> {
        let Some((letter, is_complex)) = self.code.take() else { return Ok(()) };
        if self.has_ended {
            return Err(String::from("has more fields than the type"));
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
        // The count before an array is ignored. A count of 0 matches no type.
        let count = if is_array { 1 } else { self.count };
        if count == 0 {
            return Err(format!("a count of 0 before `{}` fits no type", char::from(letter)));
        }
        let run = FieldRun { offset: self.offset, scalar, count, is_text, shape };
        let size = run.elements().saturating_mul(scalar.size);
        self.offset = self.offset.saturating_add(size);
        if self.offset > self.model.ssize_max() {
            return Err(String::from("is larger than Py_ssize_t"));
        }
        self.runs.push(run);
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
            return Err(format!("unknown character `{}`", escape(&[byte])));
        }
        let number = super::python_int::decimal(number.iter().map(|byte| u32::from(byte.saturating_sub(b'0'))));
        if number > INT_MAX {
            return Err(format!("a number is more than {INT_MAX}"));
        }
        Ok((number, start.saturating_add(digits)))
    }
}
