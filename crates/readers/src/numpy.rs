//! NumPy: a fast path for one scalar, else a parser that stops early and forgives.
//!
//! The model follows the reader step by step because its exceptions are the point: the fast path
//! takes any letter after `Z`, a `}` that closes nothing ends the parse, counts may be digits of any
//! script, and the byte order in force leaks out of braces.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};

use super::answer::{Query, ReadResult};
use super::interpretation::{Taken, Value, scalar};
use super::python_int::{decimal, digit, int};
use super::rustpython::align_of;
use pep3118::__private::{escape, plural};
use pep3118::Endian;
use pep3118::abi::DataModel;
use pep3118::layout::{Scalar, Type};

/// Structures inside each other that are followed; more are refused here.
const DEEPEST: usize = 64;
const MOST_DIMENSIONS: usize = 64;
/// A dtype's size and every count fit a C int.
const INT_MAX: u64 = 0x7fff_ffff;

/// `numpy.asarray`: the fast path, or white space stripped and the parser; then the itemsize.
pub(super) fn asarray(asked: &Query<'_>) -> ReadResult {
    let taken = match fast_path(asked.format, asked.model) {
        Some(scalar) => Taken::scalar(scalar),
        None => {
            let stripped = without_space(asked.format);
            let text = core::str::from_utf8(&stripped).map_err(|_| String::from("format is not UTF-8"))?;
            dtype(text, asked.model)?.taken
        }
    };
    match asked.itemsize {
        Some(itemsize) if itemsize != taken.size => {
            Err(format!("itemsize is {} but the format gives {}", plural(itemsize, "byte"), plural(taken.size, "byte")))
        }
        _ => Ok(taken.into()),
    }
}

/// One letter among any number of byte order characters, of which the last counts, wherever it is.
fn fast_path(format: &[u8], model: &DataModel) -> Option<Scalar> {
    let (mut order, mut standard) = (model.endian, false);
    let mut seen = None;
    let mut rest = format;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'@' | b'^' => (order, standard) = (model.endian, false),
            b'=' => (order, standard) = (model.endian, true),
            b'<' => (order, standard) = (Endian::Little, true),
            b'>' | b'!' => (order, standard) = (Endian::Big, true),
            _ if seen.is_some() => return None,
            b'Z' => {
                let (&part, after) = rest.split_first()?;
                rest = after;
                // Of the integers, `Z` changes nothing.
                let code: &[u8] = if matches!(part, b'f' | b'd' | b'g') { &[b'Z', part] } else { &[part] };
                seen = Some(letter(code, !standard, model)?);
            }
            letter_byte => seen = Some(letter(&[letter_byte], !standard, model)?),
        }
    }
    seen.map(|scalar| Scalar { endian: order, ..scalar })
}

fn letter(code: &[u8], native: bool, model: &DataModel) -> Option<Scalar> {
    let last = code.last()?;
    if b"?bBhHiIlLqQnNefdg".contains(last) { scalar(code, native, model) } else { None }
}

/// ASCII spaces go, except between colons.
fn without_space(format: &[u8]) -> Vec<u8> {
    let mut in_name = false;
    let mut kept = format.to_vec();
    kept.retain(|byte| {
        if *byte == b':' {
            in_name = !in_name;
        }
        in_name || !matches!(byte, b' ' | b'\t'..=b'\r')
    });
    kept
}

/// A dtype that was built.
pub(super) struct Dtype {
    pub(super) taken: Taken,
    /// Whether it has fields; a size that is too small for them can be stretched.
    pub(super) is_record: bool,
}

/// The parser itself, which pybind11 calls directly.
pub(super) fn dtype(format: &str, model: &DataModel) -> Result<Dtype, String> {
    let text: Vec<char> = format.chars().collect();
    let mut parser = Parser { rest: &text, mark: '@', model };
    let item = parser.structure(0)?;
    let taken = Taken::new(item.size, item.values);
    Ok(Dtype { taken, is_record: !item.is_plain })
}

struct Parser<'t> {
    rest: &'t [char],
    /// The byte order in force; braces do not end it.
    mark: char,
    model: &'t DataModel,
}

/// A type under construction: its values, its size, its alignment, all in bytes.
struct Item {
    values: Vec<Value>,
    size: u64,
    align: u64,
    /// Not a record.
    is_plain: bool,
}

impl<'t> Parser<'t> {
    fn eat(&mut self, text: &[char]) -> bool {
        match self.rest.strip_prefix(text) {
            Some(after) => {
                self.rest = after;
                true
            }
            None => false,
        }
    }

    /// What stands before `end`, which is skipped.
    fn until(&mut self, end: char) -> Result<&'t [char], String> {
        let at = self.rest.iter().position(|c| *c == end).ok_or_else(|| format!("`{end}` is missing"))?;
        let (before, after) = self.rest.split_at(at);
        self.rest = after.get(1..).unwrap_or_default();
        Ok(before)
    }

    fn peek(&self) -> Result<char, String> {
        self.rest.first().copied().ok_or_else(|| String::from("format ends where an item should stand"))
    }

    /// Items up to a `}` or to the end, whichever comes first, whether one was opened or not.
    fn structure(&mut self, depth: usize) -> Result<Item, String> {
        if depth > DEEPEST {
            return Err(format!("more than {DEEPEST} structures inside each other"));
        }
        let mut values = Vec::new();
        let (mut offset, mut align) = (0_u64, 1_u64);
        let mut names = BTreeSet::new();
        // How many fields there are, and whether a single one is the whole.
        let (mut fields, mut whole) = (0_u64, None);
        while !self.rest.is_empty() && !self.eat(&['}']) {
            let shape = if self.eat(&['(']) { Some(self.shape()?) } else { None };
            if matches!(self.peek()?, '@' | '=' | '<' | '>' | '^' | '!') {
                self.mark = self.peek()?;
                self.rest = self.rest.get(1..).unwrap_or_default();
            }
            let count = self.count();
            let Field { mut item, elements, padding } = self.item(count, depth)?;
            let mut later = 0;
            if self.mark == '@' {
                offset = round_up(offset, item.align);
                let tail = round_up(item.size, item.align).saturating_sub(item.size);
                let many = elements > 1 || shape.as_ref().is_some_and(|shape| product(shape) > 1);
                // A single one leaves its tail for after it.
                later = if many { 0 } else { tail };
                item.size = item.size.saturating_add(tail).saturating_sub(later);
                align = lcm(align, item.align);
            }
            if elements != 1 {
                array_of(&mut item, &[elements])?;
            }
            if let Some(shape) = &shape {
                array_of(&mut item, shape)?;
            }
            let name = if self.eat(&[':']) { Some(self.until(':')?) } else { None };
            if !(padding && name.is_none()) {
                if let Some(name) = name
                    && !names.insert(name)
                {
                    let name: String = name.iter().take(24).collect();
                    return Err(format!("two fields are named `{}`", escape(&name)));
                }
                fields = fields.saturating_add(1);
                whole = (fields == 1 && name.is_none() && offset == 0).then_some((item.size, item.is_plain));
                for mut value in item.values {
                    value.shift(offset);
                    values.push(value);
                }
            } else {
                whole = None;
            }
            offset = offset.saturating_add(item.size).saturating_add(later);
            limit(offset, "structure")?;
        }
        let size = if self.mark == '@' { round_up(offset, align) } else { offset };
        limit(size, "structure")?;
        let is_plain = depth == 0 && fields == 1 && whole.is_some_and(|(only, plain)| plain && only == size);
        Ok(Item { values, size, align, is_plain })
    }

    fn shape(&mut self) -> Result<Vec<u64>, String> {
        let body = self.until(')')?;
        body.split(|c| *c == ',')
            .map(|piece| int(piece).filter(|extent| *extent <= INT_MAX).ok_or_else(|| String::from("not a shape")))
            .collect()
    }

    fn count(&mut self) -> u64 {
        let digits = self.rest.iter().take_while(|c| digit(**c).is_some()).count();
        let (number, after) = self.rest.split_at(digits);
        self.rest = after;
        if digits == 0 { 1 } else { decimal(number.iter().filter_map(|c| digit(*c))) }
    }

    /// A type, and what its count turns out to be.
    fn item(&mut self, count: u64, depth: usize) -> Result<Field, String> {
        if self.eat(&['T', '{']) {
            let item = self.structure(depth.saturating_add(1))?;
            return Ok(Field { item, elements: count, padding: false });
        }
        let letter = self.peek()?;
        let model = self.model;
        let native = matches!(self.mark, '@' | '^');
        let endian = match self.mark {
            '<' => Endian::Little,
            '>' | '!' => Endian::Big,
            _ => model.endian,
        };
        self.rest = self.rest.get(1..).unwrap_or_default();
        let refused =
            || format!("format character `{}` is not one of its own", escape(letter.encode_utf8(&mut [0; 4])));
        let byte = u8::try_from(letter).map_err(|_| refused())?;
        let text = |ty, unit: u64, align| {
            let size = unit.checked_mul(count).filter(|size| *size <= INT_MAX);
            let size = size.ok_or_else(|| String::from("a text is larger than 2147483647 bytes"))?;
            let endian = (unit > 1).then_some(endian);
            let value = Value::sized(0, ty, size, endian);
            Ok(Field {
                item: Item { values: vec![value], size, align, is_plain: true },
                elements: 1,
                padding: letter == 'x',
            })
        };
        let scalar = match byte {
            b's' => return text(Type::Bytes, 1, 1),
            b'w' => return text(Type::Ucs4, 4, 4),
            b'x' => return text(Type::Void, 1, 1),
            b'O' => Scalar { ty: Type::Object, size: model.pointer, endian: model.endian },
            b'Z' => {
                let part = self.rest.first().copied().and_then(|part| u8::try_from(part).ok());
                self.rest = self.rest.get(1..).unwrap_or_default();
                let part = part.filter(|part| matches!(part, b'f' | b'd' | b'g'));
                let part = part.ok_or_else(|| String::from("`Z` stands before `f`, `d` or `g` only"))?;
                let scalar = scalar(&[b'Z', part], native, model).ok_or_else(refused)?;
                return Ok(plain(scalar, endian, align_of(part, model).bytes(), count));
            }
            b'u' => return Err(String::from("`u`, UCS-2, is not represented")),
            b'&' | b't' | b'X' => return Err(format!("`{letter}` is not represented")),
            b'?' | b'c' | b'b' | b'B' | b'h' | b'H' | b'i' | b'I' | b'l' | b'L' | b'q' | b'Q' | b'e' | b'f' | b'd'
            | b'g' => scalar(&[byte], native, model).ok_or_else(refused)?,
            _ => return Err(refused()),
        };
        Ok(plain(scalar, endian, align_of(byte, model).bytes(), count))
    }
}

struct Field {
    item: Item,
    elements: u64,
    padding: bool,
}

fn plain(scalar: Scalar, endian: Endian, align: u64, elements: u64) -> Field {
    // Objects have no byte order.
    let endian = if scalar.ty == Type::Object { scalar.endian } else { endian };
    let value = Value::new(0, Scalar { endian, ..scalar });
    let item = Item { values: vec![value], size: scalar.size, align, is_plain: true };
    Field { item, elements, padding: false }
}

/// Puts a shape around an item.
fn array_of(item: &mut Item, shape: &[u64]) -> Result<(), String> {
    if item.size == 0 && item.is_plain {
        return Err(String::from("an array of elements without size"));
    }
    if shape.len() > MOST_DIMENSIONS {
        return Err(format!("more than {MOST_DIMENSIONS} dimensions"));
    }
    // The fastest dimension first.
    for extent in shape.iter().rev() {
        match extent {
            0 => item.values.clear(),
            1 => {}
            _ => item.values.iter_mut().for_each(|value| value.repeat(*extent, item.size)),
        }
        item.size = item.size.saturating_mul(*extent);
        limit(item.size.max(*extent), "array")?;
    }
    item.is_plain = true;
    Ok(())
}

fn limit(size: u64, what: &str) -> Result<(), String> {
    if size > INT_MAX { Err(format!("the {what} is larger than {INT_MAX} bytes")) } else { Ok(()) }
}

fn product(shape: &[u64]) -> u64 {
    shape.iter().fold(1, |product: u64, extent| product.saturating_mul(*extent))
}

/// Alignments here need not be powers of two: a structure's is a common multiple.
fn round_up(offset: u64, align: u64) -> u64 {
    offset.checked_next_multiple_of(align.max(1)).unwrap_or(u64::MAX)
}

fn lcm(a: u64, b: u64) -> u64 {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x.checked_rem(y).unwrap_or(0));
    }
    a.checked_div(x).unwrap_or(1).saturating_mul(b)
}
