//! Model of NumPy: predicts the dtype that `numpy.asarray` creates for a format.
//!
//! NumPy reads a format with one format character in C (the fast path) and all other formats in Python (the parser).
//! The model repeats the steps of NumPy's code, because these steps determine the result for unusual formats:
//!
//! - the fast path accepts any character after `Z`
//! - the parser stops at an unmatched `}`
//! - the digits of a count can be of any script
//! - a byte-order character inside of braces also applies after the braces

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};

use super::consumer_layout::{ConsumerLayout, ScalarArray, align_of, scalar};
use super::python_int::{decimal, digit, int};
use super::query::{Query, ReadResult};
use pep3118::__private::{escape, plural};
use pep3118::Endian;
use pep3118::abi::DataModel;
use pep3118::layout::{Scalar, Type};

/// The maximum depth of nested structures that this model parses.
const MAX_DEPTH: usize = 64;
/// The maximum number of dimensions of a NumPy array.
const MAX_DIMENSIONS: usize = 64;
/// The maximum of a C int. NumPy refuses a larger dtype size in bytes and a larger count.
const INT_MAX: u64 = 0x7fff_ffff;

/// Models `numpy.asarray`. NumPy tries the fast path. If the fast path does not accept the format, NumPy
/// removes white space and calls the parser. Returns an error if NumPy cannot parse the format, or if the
/// itemsize differs from the size of the dtype.
pub(super) fn asarray(query: &Query<'_>) -> ReadResult {
    let layout = match fast_path(query.format, query.model) {
        Some(scalar) => ConsumerLayout::scalar(scalar),
        None => {
            let stripped = without_space(query.format);
            let text = core::str::from_utf8(&stripped).map_err(|_| String::from("format is not UTF-8"))?;
            dtype(text, query.model)?.layout
        }
    };
    match query.itemsize {
        Some(itemsize) if itemsize != layout.size => Err(format!(
            "itemsize is {} but the format gives {}",
            plural(itemsize, "byte"),
            plural(layout.size, "byte")
        )),
        _ => Ok(layout.into()),
    }
}

/// Models NumPy's fast path for a format of one format character and any number of byte-order characters.
///
/// The last byte-order character applies, even if it follows the format character. `model` is the machine of the
/// consumer. Returns `None` if NumPy does not use the fast path for `format`.
fn fast_path(format: &[u8], model: &DataModel) -> Option<Scalar> {
    let (mut order, mut standard) = (model.endian, false);
    let mut found = None;
    let mut rest = format;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'@' | b'^' => (order, standard) = (model.endian, false),
            b'=' => (order, standard) = (model.endian, true),
            b'<' => (order, standard) = (Endian::Little, true),
            b'>' | b'!' => (order, standard) = (Endian::Big, true),
            _ if found.is_some() => return None,
            b'Z' => {
                let (&part, after) = rest.split_first()?;
                rest = after;
                // NumPy ignores a `Z` before any character other than `f`, `d` and `g`.
                let code: &[u8] = if matches!(part, b'f' | b'd' | b'g') { &[b'Z', part] } else { &[part] };
                found = Some(fast_path_scalar(code, !standard, model)?);
            }
            byte => found = Some(fast_path_scalar(&[byte], !standard, model)?),
        }
    }
    found.map(|scalar| Scalar { endian: order, ..scalar })
}

/// Returns the scalar that the fast path reads for `code`, a format character or `Z` and a format character. If
/// `native` is `true`, the scalar has the native size on the machine `model`, and otherwise the standard size. Returns
/// `None` if the fast path does not accept `code`.
fn fast_path_scalar(code: &[u8], native: bool, model: &DataModel) -> Option<Scalar> {
    let last = code.last()?;
    if b"?bBhHiIlLqQnNefdg".contains(last) { scalar(code, native, model) } else { None }
}

/// Returns `format` without ASCII white space, except in names, which are between colons.
fn without_space(format: &[u8]) -> Vec<u8> {
    let mut in_name = false;
    let mut stripped = format.to_vec();
    stripped.retain(|byte| {
        if *byte == b':' {
            in_name = !in_name;
        }
        in_name || !matches!(byte, b' ' | b'\t'..=b'\r')
    });
    stripped
}

/// A NumPy dtype: the layout of an item.
pub(super) struct Dtype {
    pub(super) layout: ConsumerLayout,
    /// Whether the dtype has fields. NumPy can increase the size only of a dtype with fields.
    pub(super) is_record: bool,
}

/// Parses `format` by the rules of NumPy's parser on the machine `model`. NumPy calls the parser if the fast path
/// fails. pybind11 always calls the parser. Returns an error if NumPy raises an error, or if structures are nested more
/// than [`MAX_DEPTH`] deep.
pub(super) fn dtype(format: &str, model: &DataModel) -> Result<Dtype, String> {
    let text: Vec<char> = format.chars().collect();
    let mut parser = Parser { rest: &text, order: '@', model };
    let item = parser.structure(0)?;
    let layout = ConsumerLayout::new(item.size, item.values);
    Ok(Dtype { layout, is_record: !item.is_plain })
}

/// The state of NumPy's parser.
struct Parser<'t> {
    /// The characters that are not parsed yet.
    rest: &'t [char],
    /// The last byte-order character. A character inside of braces still applies after the closing brace.
    order: char,
    model: &'t DataModel,
}

/// The type of one element, as NumPy's parser reads it.
struct ItemType {
    /// The scalars and arrays of one element.
    values: Vec<ScalarArray>,
    /// The size of one element in bytes.
    size: u64,
    /// The alignment of one element in bytes.
    align: u64,
    /// Whether the dtype has no fields.
    is_plain: bool,
}

impl<'t> Parser<'t> {
    /// Removes `text` from the start of `rest` and returns `true`. Returns `false` if `rest` does not start
    /// with `text`.
    fn eat(&mut self, text: &[char]) -> bool {
        match self.rest.strip_prefix(text) {
            Some(after) => {
                self.rest = after;
                true
            }
            None => false,
        }
    }

    /// Removes the text up to and including the next character `end` from `rest`. Returns the text before `end`.
    /// Returns an error if `rest` does not contain `end`.
    fn until(&mut self, end: char) -> Result<&'t [char], String> {
        let at = self.rest.iter().position(|c| *c == end).ok_or_else(|| format!("`{end}` is missing"))?;
        let (before, after) = self.rest.split_at(at);
        self.rest = after;
        self.skip_char();
        Ok(before)
    }

    /// Removes one character from `rest`. Does nothing at the end of the format.
    fn skip_char(&mut self) {
        if let Some((_, after)) = self.rest.split_first() {
            self.rest = after;
        }
    }

    /// Returns the next character, and does not remove the character from `rest`. Returns an error at the end of the
    /// format.
    fn peek(&self) -> Result<char, String> {
        self.rest.first().copied().ok_or_else(|| String::from("the format ends before an item"))
    }

    /// Parses fields up to a `}` or the end of the format. Returns the structure of these fields. `depth` is
    /// the number of structures around the fields. The parser stops at a `}` even if no structure is open.
    /// Returns an error if NumPy raises an error, or if `depth` is more than [`MAX_DEPTH`].
    fn structure(&mut self, depth: usize) -> Result<ItemType, String> {
        if depth > MAX_DEPTH {
            return Err(format!("more than {MAX_DEPTH} structures inside each other"));
        }
        let mut values = Vec::new();
        let (mut offset, mut align) = (0_u64, 1_u64);
        let mut names = BTreeSet::new();
        // `fields` is the number of fields. If the structure has one field and no padding, and this field has no name
        // and the offset 0, `single` contains the size of the field in bytes, and a `bool` that is `true` if the type
        // of the field has no fields. Otherwise `single` is `None`.
        let (mut fields, mut single) = (0_u64, None);
        while !self.rest.is_empty() && !self.eat(&['}']) {
            let shape = if self.eat(&['(']) { Some(self.shape()?) } else { None };
            if matches!(self.peek()?, '@' | '=' | '<' | '>' | '^' | '!') {
                self.order = self.peek()?;
                self.skip_char();
            }
            let count = self.count();
            let ParsedItem { mut item, elements, is_padding } = self.item(count, depth)?;
            let mut padding_after = 0;
            if self.order == '@' {
                offset = round_up(offset, item.align);
                let tail = round_up(item.size, item.align).saturating_sub(item.size);
                let many = elements > 1 || shape.as_ref().is_some_and(|shape| product(shape) > 1);
                // NumPy adds the padding of a single element after the element. In an array, NumPy adds the padding to
                // each element.
                padding_after = if many { 0 } else { tail };
                item.size = item.size.saturating_add(tail).saturating_sub(padding_after);
                align = lcm(align, item.align);
            }
            if elements != 1 {
                array_of(&mut item, &[elements])?;
            }
            if let Some(shape) = &shape {
                array_of(&mut item, shape)?;
            }
            let name = if self.eat(&[':']) { Some(self.until(':')?) } else { None };
            if !(is_padding && name.is_none()) {
                if let Some(name) = name
                    && !names.insert(name)
                {
                    let name: String = name.iter().take(24).collect();
                    return Err(format!("two fields are named `{}`", escape(&name)));
                }
                fields = fields.saturating_add(1);
                single = (fields == 1 && name.is_none() && offset == 0).then_some((item.size, item.is_plain));
                for mut value in item.values {
                    value.shift(offset);
                    values.push(value);
                }
            } else {
                single = None;
            }
            offset = offset.saturating_add(item.size).saturating_add(padding_after);
            check_size(offset, "structure")?;
        }
        let size = if self.order == '@' { round_up(offset, align) } else { offset };
        check_size(size, "structure")?;
        let is_plain = depth == 0 && fields == 1 && single.is_some_and(|(only, plain)| plain && only == size);
        Ok(ItemType { values, size, align, is_plain })
    }

    /// Parses the lengths of a shape, and removes the shape and its closing parenthesis from `rest`. Returns an error
    /// if a length is not an integer that fits a C int.
    fn shape(&mut self) -> Result<Vec<u64>, String> {
        let body = self.until(')')?;
        body.split(|c| *c == ',')
            .map(|piece| {
                int(piece)
                    .filter(|length| *length <= INT_MAX)
                    .ok_or_else(|| String::from("a shape has an entry that is not an integer from 0 to 2147483647"))
            })
            .collect()
    }

    /// Removes the digits at the start of `rest`, and returns the number with these digits. Returns 1 if `rest` does
    /// not start with a digit.
    fn count(&mut self) -> u64 {
        let digits = self.rest.iter().take_while(|c| digit(**c).is_some()).count();
        let (number, after) = self.rest.split_at(digits);
        self.rest = after;
        if digits == 0 { 1 } else { decimal(number.iter().filter_map(|c| digit(*c))) }
    }

    /// Parses one type. `count` is the number before the type: the length of a text, or the number of elements of
    /// another type. `depth` is the number of structures around the type; [`structure`](Self::structure) compares this
    /// number with [`MAX_DEPTH`]. Returns an error if NumPy does not support the type.
    fn item(&mut self, count: u64, depth: usize) -> Result<ParsedItem, String> {
        if self.eat(&['T', '{']) {
            let item = self.structure(depth.saturating_add(1))?;
            return Ok(ParsedItem { item, elements: count, is_padding: false });
        }
        let letter = self.peek()?;
        let model = self.model;
        let native = matches!(self.order, '@' | '^');
        let endian = match self.order {
            '<' => Endian::Little,
            '>' | '!' => Endian::Big,
            _ => model.endian,
        };
        self.skip_char();
        let refused = || format!("format character `{}` is not supported", escape(letter.encode_utf8(&mut [0; 4])));
        let byte = u8::try_from(letter).map_err(|_| refused())?;
        let text = |ty, unit: u64, align| {
            let size = unit.checked_mul(count).filter(|size| *size <= INT_MAX);
            let size = size.ok_or_else(|| String::from("a text is larger than 2147483647 bytes"))?;
            let endian = (unit > 1).then_some(endian);
            let value = ScalarArray::sized(0, ty, size, endian);
            Ok(ParsedItem {
                item: ItemType { values: vec![value], size, align, is_plain: true },
                elements: 1,
                is_padding: letter == 'x',
            })
        };
        let scalar = match byte {
            b's' => return text(Type::Bytes, 1, 1),
            b'w' => return text(Type::Ucs4, 4, 4),
            b'x' => return text(Type::Void, 1, 1),
            b'O' => Scalar { ty: Type::Object, size: model.pointer, endian: model.endian },
            b'Z' => {
                let part = self.rest.first().copied().and_then(|part| u8::try_from(part).ok());
                self.skip_char();
                let part = part.filter(|part| matches!(part, b'f' | b'd' | b'g'));
                let part = part.ok_or_else(|| String::from("`Z` must be before `f`, `d` or `g`"))?;
                let scalar = scalar(&[b'Z', part], native, model).ok_or_else(refused)?;
                return Ok(scalar_item(scalar, endian, align_of(part, model).bytes(), count));
            }
            b'u' => return Err(String::from("`u`, UCS-2, is not supported")),
            b'&' | b't' | b'X' => return Err(format!("`{letter}` is not supported")),
            b'?' | b'c' | b'b' | b'B' | b'h' | b'H' | b'i' | b'I' | b'l' | b'L' | b'q' | b'Q' | b'e' | b'f' | b'd'
            | b'g' => scalar(&[byte], native, model).ok_or_else(refused)?,
            _ => return Err(refused()),
        };
        Ok(scalar_item(scalar, endian, align_of(byte, model).bytes(), count))
    }
}

/// A parsed type, and the number before the type: `3i` has the type `i` and 3 elements.
struct ParsedItem {
    /// The type of one element. After a call of [`array_of`], the type of the whole array.
    item: ItemType,
    /// The number before the type. 1 for a text and for padding, because the size in `item` already includes the
    /// number.
    elements: u64,
    /// Whether the format character is `x`.
    is_padding: bool,
}

/// Creates a parsed item of `elements` times `scalar` in the byte order `endian`. `align` is the alignment in
/// bytes.
fn scalar_item(scalar: Scalar, endian: Endian, align: u64, elements: u64) -> ParsedItem {
    // An object address always has the byte order of the machine, so NumPy ignores `endian` for `O`.
    let endian = if scalar.ty == Type::Object { scalar.endian } else { endian };
    let value = ScalarArray::new(0, Scalar { endian, ..scalar });
    let item = ItemType { values: vec![value], size: scalar.size, align, is_plain: true };
    ParsedItem { item, elements, is_padding: false }
}

/// Replaces `item` by an array of `item` with the shape `shape`. Returns an error if NumPy does not support the array:
/// an element has 0 bytes, the array has more than 64 dimensions, or its size does not fit a C int.
fn array_of(item: &mut ItemType, shape: &[u64]) -> Result<(), String> {
    if item.size == 0 && item.is_plain {
        return Err(String::from("an array of elements without bytes"));
    }
    if shape.len() > MAX_DIMENSIONS {
        return Err(format!("more than {MAX_DIMENSIONS} dimensions"));
    }
    // The last dimension has the smallest stride and is repeated first.
    for length in shape.iter().rev() {
        match length {
            0 => item.values.clear(),
            1 => {}
            _ => item.values.iter_mut().for_each(|value| value.repeat(*length, item.size)),
        }
        item.size = item.size.saturating_mul(*length);
        check_size(item.size.max(*length), "array")?;
    }
    item.is_plain = true;
    Ok(())
}

/// Returns an error if `size`, a size in bytes, does not fit a C int. `what` is the noun for the object in the error
/// message.
fn check_size(size: u64, what: &str) -> Result<(), String> {
    if size > INT_MAX { Err(format!("the {what} is larger than {INT_MAX} bytes")) } else { Ok(()) }
}

/// Returns the product of the lengths in `shape`. The result is at most `u64::MAX`.
fn product(shape: &[u64]) -> u64 {
    shape.iter().fold(1, |product: u64, length| product.saturating_mul(*length))
}

/// Rounds `offset` up to a multiple of `align`, where both numbers are in bytes. `align` need not be a power of two,
/// because NumPy aligns a structure to the least common multiple of the alignments of the fields.
fn round_up(offset: u64, align: u64) -> u64 {
    offset.checked_next_multiple_of(align.max(1)).unwrap_or(u64::MAX)
}

/// Returns the least common multiple of `a` and `b`. Both numbers must be at least 1. The result is at most
/// `u64::MAX`.
fn lcm(a: u64, b: u64) -> u64 {
    let (mut gcd, mut divisor) = (a, b);
    // `checked_rem` returns `None` when `divisor` is 0, which ends Euclid's algorithm.
    while let Some(remainder) = gcd.checked_rem(divisor) {
        (gcd, divisor) = (divisor, remainder);
    }
    a.checked_div(gcd).map_or(a, |factor| factor.saturating_mul(b))
}
