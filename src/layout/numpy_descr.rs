//! [`Layout::from_numpy_descr`] and [`Layout::to_numpy_descr`]: convert between a layout and the description of a
//! dtype, as in the header of a `.npy` file and in `__array_interface__["descr"]`.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::builder::{BuildError, LayoutBuilder, MemberSpec};
use super::codegen::{python_string, tuple};
use super::nul_handling::NulHandling;
use super::scalar::Scalar;
use super::tree::{Field, Layout};
use super::ty::Type;
use super::user_type::UserType;
use crate::abi::DataModel;
use crate::endian::Endian;
use crate::format::Limits;
use crate::text::{abridge, escape};

/// The reason why a `descr` of NumPy has no layout, or why a layout has no `descr`.
///
/// ```
/// use pep3118::{DataModel, Layout};
/// let error = Layout::from_numpy_descr("[('text', '|T16')]", &DataModel::HOST).unwrap_err();
/// assert_eq!(error.to_string(), "no format of a buffer describes the type `|T16`");
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NumpyDescrError {
    /// Text that is not a Python literal of the expected form, such as a list that is not closed.
    #[error("byte {at} of the descr: expected {expected}")]
    Syntax {
        /// The offset in the text in bytes.
        at: usize,
        /// The expected syntax at this offset: "a string".
        expected: &'static str,
    },
    /// A type that no format of a buffer describes, such as the text of `StringDType`.
    #[error("no format of a buffer describes the type `{}`", escape(code))]
    Type {
        /// The type string, such as `|T16`.
        code: String,
    },
    /// An item of more bytes than 64 bits can count, or a length of a dimension that does not fit in 64 bits.
    #[error("the item has more bytes than can be counted")]
    TooLarge,
    /// A field that a [`LayoutBuilder`] refuses.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A field that no `descr` describes, such as a bit-field or a member of a union.
    #[error("no descr of NumPy describes {what}: {reason}")]
    Field {
        /// The type and the name of the field: "bits `a`". The name is escaped.
        what: String,
        /// The reason as a clause: "NumPy has no such type".
        reason: &'static str,
    },
}

/// The largest length of a `descr` in bytes.
const MAX_LEN: usize = 1 << 24;

/// The type of a field in a `descr`.
pub(super) enum Descr {
    /// A type string, such as `<f8`.
    Scalar(Scalar),
    /// A date or a duration, such as `<M8[s]`.
    User(UserType, Endian),
    /// The fields of a record.
    Record(Vec<Member>),
    /// A type, and the dimensions of an array of this type.
    Array(Box<Descr>, Vec<u64>),
}

/// A field of a record in a `descr`.
pub(super) struct Member {
    /// The name, or `None` for padding, which is a void field with an empty name.
    name: Option<String>,
    descr: Descr,
    shape: Vec<u64>,
}

impl Layout {
    /// Returns the layout that `descr` describes on a machine with the data model `model`.
    ///
    /// `descr` is the text of the Python value under `descr` in the header of a `.npy` file, or the `repr` of
    /// `__array_interface__["descr"]`. The value is a type string such as `'<f8'`, a list with one tuple for each
    /// field, or a tuple of a type and a shape. A void field with an empty name is padding. The layout contains no
    /// titles of fields. The fields are contiguous. The byte strings and texts of the layout end before the NULs at
    /// their end, as in NumPy.
    ///
    /// ```
    /// use pep3118::{DataModel, Layout, Target};
    /// let layout = Layout::from_numpy_descr(
    ///     "[('id', '<u2'), ('', '|V2'), ('at', [('x', '>f4'), ('y', '>f4')], (2,))]",
    ///     &DataModel::LP64,
    /// )?;
    /// assert_eq!((layout.size(), layout.item().field("at").unwrap().offset()), (20, 4));
    /// assert_eq!(layout.emit(Target::Canonical).unwrap(), b"T{<H:id:2x(2)T{>f:x:f:y:}:at:}");
    /// # Ok::<(), pep3118::layout::NumpyDescrError>(())
    /// ```
    ///
    /// # Errors
    /// - `descr` is not a complete Python value of the form above, such as `[('a', '<i4'` without the end:
    ///   [`NumpyDescrError::Syntax`]
    /// - no format of a buffer can describe the type of a field, such as `'|T16'`, or `'<f16'` if `long double` has 8
    ///   bytes in `model`: [`NumpyDescrError::Type`]
    /// - the item has more bytes than 64 bits can count: [`NumpyDescrError::TooLarge`]
    /// - `descr` has more than 16 MiB, or more fields, dimensions or nested records than
    ///   [`Limits::DEFAULT`](crate::format::Limits::DEFAULT) permits: [`NumpyDescrError::Build`]
    pub fn from_numpy_descr(descr: impl AsRef<[u8]>, model: &DataModel) -> Result<Self, NumpyDescrError> {
        let mut reader = Reader::new(descr.as_ref(), model)?;
        let descr = reader.descr(0)?;
        if reader.peek().is_some() {
            return Err(reader.expected("the end"));
        }
        layout_of(&descr, model)
    }

    /// Returns the `descr` of a NumPy dtype with this layout, as the text of a Python value. [`from_numpy_descr`](
    /// Self::from_numpy_descr) describes this text.
    ///
    /// Padding is a void field with an empty name. A field without a name gets the name `f0`, `f1` and so on, as in
    /// NumPy. `4s` becomes `S4`, whose values have no NULs at their end.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let layout = Layout::read("T{B:a:(2)>h:b:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// assert_eq!(layout.to_numpy_descr()?, r#"[("a", "|u1"), ("b", ">i2", (2,))]"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Every error is a [`NumpyDescrError::Field`]:
    /// - NumPy has no type for a field: a bit-field, a pointer, a Pascal string, UCS-2 text
    /// - two fields share bytes or have the same name, or fields are not in the order of their offsets
    /// - the name of a field is not UTF-8, or is the empty name of a void field
    pub fn to_numpy_descr(&self) -> Result<String, NumpyDescrError> {
        let item = self.item();
        let element = element_descr(item)?;
        Ok(if item.shape().is_empty() { element } else { format!("({element}, {})", tuple(item.shape())) })
    }
}

/// Returns the layout of an item of the type `descr` in the data model `model`. Returns an error if the item is too
/// large, or if a [`LayoutBuilder`] refuses a field.
pub(super) fn layout_of(descr: &Descr, model: &DataModel) -> Result<Layout, NumpyDescrError> {
    let size = size_of(descr).ok_or(NumpyDescrError::TooLarge)?;
    let mut builder = LayoutBuilder::new(size, model);
    add(&mut builder, descr, MemberSpec::default())?;
    Ok(builder.finish())
}

/// Returns the size of `descr` in bytes. Returns `None` if the size does not fit in 64 bits.
// The function calls itself once for each level of nested types. `Reader` limits the number of levels.
fn size_of(descr: &Descr) -> Option<u64> {
    match descr {
        Descr::Scalar(scalar) => Some(scalar.size),
        Descr::User(user, _) => Some(user.size()),
        Descr::Record(members) => members.iter().try_fold(0_u64, |size, member| size.checked_add(member.size()?)),
        Descr::Array(element, shape) => array_size(size_of(element)?, shape),
    }
}

/// Returns the size in bytes of an array with the dimensions `shape` and elements of `size` bytes. Returns `None` if
/// the size does not fit in 64 bits.
fn array_size(size: u64, shape: &[u64]) -> Option<u64> {
    if shape.contains(&0) { Some(0) } else { shape.iter().try_fold(size, |size, length| size.checked_mul(*length)) }
}

impl Member {
    /// Returns the size of the field in bytes. Returns `None` if the size does not fit in 64 bits.
    fn size(&self) -> Option<u64> {
        array_size(size_of(&self.descr)?, &self.shape)
    }
}

/// Adds a field of the type `descr` to `builder`, with the name, the offset and the shape of `member`. Returns an error
/// if `builder` refuses the field.
// The function calls itself once for each level of nested types. `Reader` limits the number of levels.
fn add(builder: &mut LayoutBuilder, descr: &Descr, member: MemberSpec<'_>) -> Result<(), NumpyDescrError> {
    match descr {
        // NumPy removes the NULs at the end of `S` and `U`.
        Descr::Scalar(scalar) if matches!(scalar.ty, Type::Bytes | Type::Ucs4) => {
            builder.text(member, *scalar, NulHandling::StripTrailing)?;
        }
        Descr::Scalar(scalar) => builder.value(member, *scalar)?,
        Descr::User(user, endian) => builder.user_type(member, *user, *endian)?,
        Descr::Array(element, inner) => {
            let shape: Vec<u64> = member.shape.iter().chain(inner).copied().collect();
            add(builder, element, MemberSpec { shape: &shape, ..member })?;
        }
        Descr::Record(members) => {
            builder.open(member, size_of(descr).ok_or(NumpyDescrError::TooLarge)?)?;
            let mut offset = 0_u64;
            for member in members {
                if let Some(name) = &member.name {
                    let spec = MemberSpec { name: Some(name.as_bytes()), offset, shape: &member.shape };
                    add(builder, &member.descr, spec)?;
                }
                let end = member.size().and_then(|size| offset.checked_add(size));
                offset = end.ok_or(NumpyDescrError::TooLarge)?;
            }
            builder.close();
        }
    }
    Ok(())
}

/// Reads Python literals: a `descr`, and the other values in the header of a `.npy` file.
pub(super) struct Reader<'t> {
    text: &'t [u8],
    /// The offset of the next byte.
    at: usize,
    model: &'t DataModel,
}

impl<'t> Reader<'t> {
    /// Starts at the first byte of `text`. `model` gives the sizes and the byte order of types without a byte order.
    /// Returns an error if `text` is too long.
    pub(super) fn new(text: &'t [u8], model: &'t DataModel) -> Result<Self, NumpyDescrError> {
        if text.len() > MAX_LEN {
            return Err(NumpyDescrError::Build(BuildError::Limit { what: "bytes of a descr", limit: MAX_LEN }));
        }
        Ok(Self { text, at: 0, model })
    }

    /// Skips white space, and returns the next byte without reading it. Returns `None` at the end.
    pub(super) fn peek(&mut self) -> Option<u8> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let spaces = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.at = self.at.saturating_add(spaces);
        rest.get(spaces).copied()
    }

    /// Skips white space, reads `byte` and returns `true`. If another byte is next, reads no byte and returns `false`.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at = self.at.saturating_add(usize::from(found));
        found
    }

    /// Creates the error for a text that does not have the syntax `expected` at the current offset.
    pub(super) fn expected(&self, expected: &'static str) -> NumpyDescrError {
        NumpyDescrError::Syntax { at: self.at, expected }
    }

    /// Reads `close`, or a comma and `close`, and returns `false`. Reads a comma and returns `true` if no `close`
    /// follows the comma. Returns an error that names `expected` if another byte is next.
    pub(super) fn comma_or(&mut self, close: u8, expected: &'static str) -> Result<bool, NumpyDescrError> {
        let comma = self.take(b',');
        if self.take(close) {
            return Ok(false);
        }
        if comma { Ok(true) } else { Err(self.expected(expected)) }
    }

    /// Reads a type: a type string, a list of fields, or a tuple of a type and a shape. `depth` is the number of types
    /// around this type. Returns an error if the text has another syntax, or if the type is unknown or nested too
    /// deeply.
    pub(super) fn descr(&mut self, depth: usize) -> Result<Descr, NumpyDescrError> {
        let limit = Limits::DEFAULT.depth;
        if depth > limit {
            return Err(BuildError::Limit { what: "records inside each other", limit }.into());
        }
        let inner = depth.saturating_add(1);
        if self.take(b'(') {
            let element = self.descr(inner)?;
            if !self.comma_or(b')', "a comma and a shape")? {
                return Err(self.expected("a shape"));
            }
            let shape = self.shape()?;
            return match self.comma_or(b')', "a closing parenthesis")? {
                false => Ok(Descr::Array(Box::new(element), shape)),
                true => Err(self.expected("a closing parenthesis")),
            };
        }
        if !self.take(b'[') {
            let at = self.at;
            let code = self.string()?;
            let ticks = || ticks(&code, self.model).map(|(user, endian)| Descr::User(user, endian));
            return scalar(&code, self.model).map(Descr::Scalar).or_else(ticks).ok_or_else(|| {
                if code.is_empty() {
                    NumpyDescrError::Syntax { at, expected: "a type" }
                } else {
                    NumpyDescrError::Type { code: abridge(code.as_bytes(), 60).into_owned() }
                }
            });
        }
        let mut members = Vec::new();
        let mut more = !self.take(b']');
        while more {
            members.push(self.member(inner)?);
            more = self.comma_or(b']', "a comma or a closing bracket")?;
        }
        Ok(Descr::Record(members))
    }

    /// Reads the tuple of a field: the name, the type and optionally the shape. A tuple of a title and a name can be in
    /// the place of the name, and the title is ignored. `depth` is the number of types around the type of the field.
    /// The name is `None` for padding, which is a void field with an empty name. Returns an error if the text has
    /// another syntax, or if the type is unknown or nested too deeply.
    fn member(&mut self, depth: usize) -> Result<Member, NumpyDescrError> {
        if !self.take(b'(') {
            return Err(self.expected("a tuple of a name and a type"));
        }
        let name = if self.take(b'(') {
            // The title of the field and its name.
            let _: String = self.string()?;
            if !self.comma_or(b')', "a comma and a name")? {
                return Err(self.expected("a name"));
            }
            let name = self.string()?;
            if self.comma_or(b')', "a closing parenthesis")? {
                return Err(self.expected("a closing parenthesis"));
            }
            name
        } else {
            self.string()?
        };
        if !self.comma_or(b')', "a comma and a type")? {
            return Err(self.expected("a type"));
        }
        let descr = self.descr(depth)?;
        let mut shape = Vec::new();
        if self.comma_or(b')', "a comma or a closing parenthesis")? {
            shape = self.shape()?;
            if self.comma_or(b')', "a closing parenthesis")? {
                return Err(self.expected("a closing parenthesis"));
            }
        }
        let is_void = matches!(&descr, Descr::Scalar(Scalar { ty: Type::Void, .. }));
        Ok(Member { name: Some(name).filter(|name| !(name.is_empty() && is_void)), descr, shape })
    }

    /// Reads a shape: an integer or a tuple of integers. Returns an error if the text has another syntax, or if an
    /// integer does not fit in 64 bits.
    pub(super) fn shape(&mut self) -> Result<Vec<u64>, NumpyDescrError> {
        if !self.take(b'(') {
            return Ok(Vec::from([self.integer()?]));
        }
        let mut shape = Vec::new();
        let mut more = !self.take(b')');
        while more {
            shape.push(self.integer()?);
            more = self.comma_or(b')', "a comma or a closing parenthesis")?;
        }
        Ok(shape)
    }

    /// Reads `True` or `False`. Returns an error if another text is next.
    pub(super) fn boolean(&mut self) -> Result<bool, NumpyDescrError> {
        self.peek();
        for (word, value) in [("True", true), ("False", false)] {
            if self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes())) {
                self.at = self.at.saturating_add(word.len());
                return Ok(value);
            }
        }
        Err(self.expected("True or False"))
    }

    /// Reads an integer, optionally with the `L` of Python 2. Returns an error if the text has no digit, or if the
    /// integer does not fit in 64 bits.
    fn integer(&mut self) -> Result<u64, NumpyDescrError> {
        let mut number = None;
        while let Some(byte @ b'0'..=b'9') = self.peek_in_integer(number.is_none()) {
            let digit = u64::from(byte.saturating_sub(b'0'));
            let next = number.unwrap_or(0_u64).checked_mul(10).and_then(|number| number.checked_add(digit));
            number = Some(next.ok_or(NumpyDescrError::TooLarge)?);
            self.at = self.at.saturating_add(1);
        }
        let number = number.ok_or_else(|| self.expected("an integer that is not negative"))?;
        if self.peek_in_integer(false) == Some(b'L') {
            self.at = self.at.saturating_add(1);
        }
        Ok(number)
    }

    /// Returns the next byte of an integer and leaves the byte unread. The byte can be a digit or the byte after the
    /// integer. Skips white space only if `is_start` is true, because an integer has no white space inside. Returns
    /// `None` at the end.
    fn peek_in_integer(&mut self, is_start: bool) -> Option<u8> {
        if is_start { self.peek() } else { self.text.get(self.at).copied() }
    }

    /// Reads a string in single or double quotes, optionally after `b` or `u`. Returns the string without its quotes
    /// and escapes. Returns an error if the text has another syntax.
    pub(super) fn string(&mut self) -> Result<String, NumpyDescrError> {
        if matches!(self.peek(), Some(b'b' | b'u')) {
            self.at = self.at.saturating_add(1);
        }
        let Some(quote @ (b'\'' | b'"')) = self.peek() else { return Err(self.expected("a string")) };
        let start = self.at.saturating_add(1);
        // A quote is before `start`, so `start` is at most the length of the text, and the defaults are never used.
        let text = core::str::from_utf8(self.text.get(start..).unwrap_or_default());
        // The code that reads the text after the string reports a byte that is not UTF-8.
        let text = match text {
            Ok(text) => text,
            Err(error) => {
                let valid = self.text.get(start..).and_then(|rest| rest.get(..error.valid_up_to())).unwrap_or_default();
                core::str::from_utf8(valid).unwrap_or_default()
            }
        };
        let mut out = String::new();
        let mut characters = text.char_indices();
        while let Some((index, character)) = characters.next() {
            match character {
                _ if u32::from(character) == u32::from(quote) => {
                    self.at = start.saturating_add(index).saturating_add(1);
                    return Ok(out);
                }
                '\\' => {
                    let escaped = escaped_character(&mut characters);
                    self.at = start.saturating_add(index);
                    out.push(escaped.ok_or_else(|| self.expected("an escape sequence of a Python string"))?);
                }
                _ => out.push(character),
            }
        }
        self.at = start;
        Err(self.expected("a closing quote and UTF-8"))
    }
}

/// Reads the rest of an escape sequence after the backslash, and returns the character. Returns `None` if the sequence
/// is incomplete or unknown, as octal escapes and `\a` are.
fn escaped_character(characters: &mut core::str::CharIndices<'_>) -> Option<char> {
    let digits = match characters.next()?.1 {
        character @ ('\\' | '\'' | '"') => return Some(character),
        'n' => return Some('\n'),
        'r' => return Some('\r'),
        't' => return Some('\t'),
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => return None,
    };
    let mut number = 0_u32;
    for _ in 0..digits {
        let digit = characters.next()?.1.to_digit(16)?;
        number = number.checked_mul(16)?.checked_add(digit)?;
    }
    char::from_u32(number)
}

/// Returns the user type and the byte order of a date or a duration, such as `<M8[ns]`, in the data model `model`.
/// Returns `None` for every other type, and for a unit that the registry does not have, such as `[25s]`.
fn ticks(code: &str, model: &DataModel) -> Option<(UserType, Endian)> {
    let (endian, rest) = byte_order(code, model)?;
    let (kind, unit) = rest.split_at_checked(2)?;
    let kind = match kind {
        "M8" => "datetime64",
        "m8" => "timedelta64",
        _ => return None,
    };
    let name = match unit {
        "" => kind.to_string(),
        unit => format!("{kind}${}", unit.strip_prefix('[')?.strip_suffix(']')?),
    };
    Some((UserType::by_name(name.as_bytes())?, endian))
}

/// Returns the byte order of a type string, and the type string without its byte-order character. A type string without
/// this character has the byte order of `model`. Returns `None` if the type string is empty.
fn byte_order<'c>(code: &'c str, model: &DataModel) -> Option<(Endian, &'c str)> {
    Some(match code.split_at_checked(1)? {
        ("<", rest) => (Endian::Little, rest),
        (">", rest) => (Endian::Big, rest),
        ("|" | "=", rest) => (model.endian, rest),
        _ => (model.endian, code),
    })
}

/// Returns the type of a type string, such as `<f8`, in the data model `model`. Returns `None` if the buffer protocol
/// has no such type.
fn scalar(code: &str, model: &DataModel) -> Option<Scalar> {
    let (endian, rest) = byte_order(code, model)?;
    let (kind, digits) = rest.split_at_checked(1)?;
    let number = if digits.is_empty() {
        None
    } else {
        digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(())?;
        Some(digits.parse::<u64>().ok()?)
    };
    let (kind, size) = match (kind, number) {
        ("?", None) => ("b", 1),
        // As in NumPy, `S`, `U` and `V` without a number have a length of 0.
        ("S" | "a", number) => ("S", number.unwrap_or(0)),
        // The number counts code points of 4 bytes.
        ("U", number) => ("U", number.unwrap_or(0).checked_mul(4)?),
        ("V", number) => ("V", number.unwrap_or(0)),
        ("O", None) => ("O", model.pointer),
        (kind, number) => (kind, number?),
    };
    scalar_of_kind(kind, size, endian, model)
}

/// Returns the scalar type with the letter `kind` in NumPy's type strings, such as `f`, and a size of `size` bytes. The
/// letter is also the attribute `kind` of a dtype. Returns `None` if the buffer protocol has no such type in the data
/// model `model`.
pub(crate) fn scalar_of_kind(kind: &str, size: u64, endian: Endian, model: &DataModel) -> Option<Scalar> {
    let long_double = model.long_double.size;
    let ty = match (kind, size) {
        ("b", 1) => Type::Bool,
        ("i", 1) => Type::Int8,
        ("i", 2) => Type::Int16,
        ("i", 4) => Type::Int32,
        ("i", 8) => Type::Int64,
        ("u", 1) => Type::UInt8,
        ("u", 2) => Type::UInt16,
        ("u", 4) => Type::UInt32,
        ("u", 8) => Type::UInt64,
        ("f", 2) => Type::Float16,
        ("f", 4) => Type::Float32,
        ("f", 8) => Type::Float64,
        ("c", 8) => Type::Complex64,
        ("c", 16) => Type::Complex128,
        ("f", size) if size == long_double => Type::LongDouble,
        ("c", size) if size == long_double.saturating_mul(2) => Type::ComplexLongDouble,
        ("S", _) => Type::Bytes,
        ("U", _) => Type::Ucs4,
        ("V", _) => Type::Void,
        ("O", size) if size == model.pointer => Type::Object,
        _ => return None,
    };
    Some(Scalar { ty, size, endian })
}

/// Returns the `descr` of one element of `field`. A field without a name gets the name `f0`, `f1` and so on. Returns an
/// error if NumPy has no type for a field, or if a `descr` cannot have the name or the offset of a field.
// The function calls itself once for each level of nested records. A layout has at most 64 levels.
fn element_descr(field: Field<'_>) -> Result<String, NumpyDescrError> {
    if field.ty() != Type::Record {
        return Ok(format!("\"{}\"", type_string(field)?));
    }
    let mut parts = Vec::new();
    let mut used = BTreeSet::new();
    let mut end = 0_u64;
    let padding = |size: u64| format!("(\"\", \"|V{size}\")");
    for (index, member) in field.fields().enumerate() {
        let gap = member.offset().checked_sub(end);
        let gap = gap.ok_or_else(|| refused(member, "its bytes are not after the bytes of the field before it"))?;
        if gap > 0 {
            parts.push(padding(gap));
        }
        end = member.offset().saturating_add(member.total_size());
        let name = match member.name() {
            None => format!("f{index}"),
            Some([]) if member.ty() == Type::Void => return Err(refused(member, "without a name, it is padding")),
            Some(name) => match core::str::from_utf8(name) {
                Ok(name) => name.to_string(),
                Err(_) => return Err(refused(member, "its name is not UTF-8")),
            },
        };
        let shape = if member.shape().is_empty() { String::new() } else { format!(", {}", tuple(member.shape())) };
        parts.push(format!("({}, {}{shape})", python_string(&name), element_descr(member)?));
        if !used.insert(name) {
            return Err(refused(member, "another field has the same name"));
        }
    }
    if field.size() > end {
        parts.push(padding(field.size().saturating_sub(end)));
    }
    Ok(format!("[{}]", parts.join(", ")))
}

/// Returns the type string of one element of `field`, which is not a record: `<i4`. Returns an error if NumPy has no
/// such type.
fn type_string(field: Field<'_>) -> Result<String, NumpyDescrError> {
    let order = match field.endian() {
        Some(Endian::Little) => "<",
        Some(Endian::Big) => ">",
        None => "|",
    };
    let size = field.size();
    let kind = match field.ty() {
        Type::Bool if size == 1 => "b",
        Type::Char | Type::Bytes => "S",
        Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 => "i",
        Type::UInt8 | Type::UInt16 | Type::UInt32 | Type::UInt64 => "u",
        // NumPy names a `long double` by its size. A `long double` of 8 bytes is a `double` and has the name of a
        // `double`.
        Type::Float16 | Type::Float32 | Type::Float64 | Type::LongDouble => "f",
        Type::Complex64 | Type::Complex128 | Type::ComplexLongDouble => "c",
        Type::Void => "V",
        Type::Object => return Ok("|O".to_string()),
        Type::Ucs4 => return Ok(format!("{order}U{}", size.checked_div(4).unwrap_or(size))),
        Type::Wchar if field.natural_align().bytes() == 4 => {
            return Ok(format!("{order}U{}", size.checked_div(4).unwrap_or(size)));
        }
        Type::Opaque => {
            let name = field.user_type().map(UserType::name);
            let (kind, rest) =
                match name.map(|name| (name.strip_prefix("datetime64"), name.strip_prefix("timedelta64"))) {
                    Some((Some(rest), _)) => ("M8", rest),
                    Some((None, Some(rest))) => ("m8", rest),
                    _ => return Err(refused(field, "NumPy has no such type")),
                };
            let unit = rest.strip_prefix('$').map(|unit| format!("[{unit}]")).unwrap_or_default();
            return Ok(format!("{order}{kind}{unit}"));
        }
        Type::Bool
        | Type::Complex32
        | Type::Pascal
        | Type::Ucs2
        | Type::Wchar
        | Type::Pointer
        | Type::CharPointer
        | Type::WcharPointer
        | Type::Function
        | Type::Bits
        | Type::Record => return Err(refused(field, "NumPy has no such type")),
    };
    Ok(format!("{order}{kind}{size}"))
}

/// Creates the error for `field`, which no `descr` describes. `reason` is a clause.
fn refused(field: Field<'_>, reason: &'static str) -> NumpyDescrError {
    let name = field.name_text().map(|name| format!(" `{}`", escape(&name))).unwrap_or_default();
    NumpyDescrError::Field { what: format!("{}{name}", field.ty()), reason }
}
