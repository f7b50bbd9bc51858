//! The syntax tree of a format: [`Format`] and its parts.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ffi::CStr;
use core::mem;

use super::code::{ByteOrder, Code};
use super::error::{FormatError, FormatErrorKind};
use super::limits::Limits;
use super::parse::{Failure, parse_events};
use super::visitor::{Stop, Visitor};
use crate::span::Span;

/// The format of a buffer whose `format` is NULL: unsigned bytes.
///
/// Spec: CPython `Doc/c-api/buffer.rst`, `Py_buffer.format`.
pub const NULL_FORMAT: &[u8] = b"B";

/// A parsed format string: the syntax tree with the source bytes and the span of every part.
///
/// The tree has the tokens of the format and not their meaning, which depends on the dialect. Two formats are equal if
/// they have the same tokens: `i i` equals `ii`, and `03i` equals `3i`, but `1i` does not equal `i`.
///
/// ```
/// use pep3118::format::{Code, Format, ItemType, Member};
///
/// let format = Format::parse(b"<i:a: 2d")?;
/// assert_eq!(format.as_bytes(), b"<i:a: 2d");
/// let Member::Item(item) = &format.members()[1] else { unreachable!() };
/// assert_eq!(item.ty, ItemType::Code(Code::Int));
/// assert_eq!(item.name.as_ref().unwrap().bytes, b"a");
/// assert_eq!(format, Format::parse(b"<i:a:2d")?);
/// # Ok::<(), pep3118::FormatError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Format {
    source: Vec<u8>,
    members: Vec<Member>,
}

/// A part of a format or of a structure.
///
/// ```
/// use pep3118::format::Member;
/// let format = pep3118::parse("<i")?;
/// assert!(matches!(format.members(), [Member::ByteOrder(_), Member::Item(_)]));
/// # Ok::<(), pep3118::FormatError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Member {
    /// A byte order character between items. It is in force until the next one.
    ByteOrder(ByteOrderCharacter),
    /// An item.
    Item(Item),
}

/// An item of a format: `(2,3)<4i:name:`.
///
/// ```
/// use pep3118::format::{ItemType, Member};
/// let format = pep3118::parse("(2,3)4i:name:")?;
/// let [Member::Item(item)] = format.members() else { unreachable!() };
/// assert_eq!((item.prefix.len(), &item.ty), (2, &ItemType::Code(pep3118::Code::Int)));
/// assert_eq!(item.name.as_ref().map(|name| name.bytes.as_slice()), Some(&b"name"[..]));
/// assert_eq!((item.span.start(), item.span.end()), (0, 13));
/// assert_eq!((item.ty_span.start(), item.ty_span.end()), (6, 7));
/// # Ok::<(), pep3118::FormatError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Item {
    /// The parts before the type, in the order of the source.
    pub prefix: Vec<Prefix>,
    /// The type.
    pub ty: ItemType,
    /// The bytes of the type, without prefix and name.
    pub ty_span: Span,
    /// The name, if there is one.
    pub name: Option<Name>,
    /// From the first byte of the prefix to the closing colon of the name.
    pub span: Span,
}

/// A part of an item before its type.
///
/// ```
/// use pep3118::format::{Member, Prefix};
/// let format = pep3118::parse("(2)3<i")?;
/// let [Member::Item(item)] = format.members() else { unreachable!() };
/// assert!(matches!(item.prefix.as_slice(), [Prefix::Shape(_), Prefix::Count(_), Prefix::ByteOrder(_)]));
/// # Ok::<(), pep3118::FormatError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prefix {
    /// `(2,3)`. An item with stacked shapes, `(2)(3)i`, has several.
    Shape(Shape),
    /// `4`
    Count(Count),
    /// A byte order character after a shape, a count or `&`: `(2)<i`, `&<i`.
    ByteOrder(ByteOrderCharacter),
}

/// A byte order character, one of `@ = < > ! ^`, with its place.
///
/// ```
/// use pep3118::ByteOrder;
/// use pep3118::format::Member;
/// let format = pep3118::parse("i >d")?;
/// let Member::ByteOrder(character) = &format.members()[1] else { unreachable!() };
/// assert_eq!((character.order, character.span.start()), (ByteOrder::Big, 2));
/// # Ok::<(), pep3118::FormatError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ByteOrderCharacter {
    /// The character.
    pub order: ByteOrder,
    /// The byte of the character.
    pub span: Span,
}

/// A shape in parentheses: an array in C order, whose last dimension varies fastest.
///
/// ```
/// use pep3118::format::{Member, Prefix};
/// let format = pep3118::parse("( 2, 3 )d")?;
/// let [Member::Item(item)] = format.members() else { unreachable!() };
/// let [Prefix::Shape(shape)] = item.prefix.as_slice() else { unreachable!() };
/// assert_eq!(shape.dimensions.iter().map(|dimension| dimension.length).collect::<Vec<_>>(), [2, 3]);
/// assert_eq!(shape.span.end(), 8);
/// # Ok::<(), pep3118::FormatError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Shape {
    /// The dimensions, outermost first.
    pub dimensions: Vec<Dimension>,
    /// The bytes of the shape, parentheses included.
    pub span: Span,
}

/// One dimension of a [`Shape`].
///
/// ```
/// use pep3118::format::{Member, Prefix};
/// let format = pep3118::parse("(2,03)d")?;
/// let [Member::Item(item)] = format.members() else { unreachable!() };
/// let [Prefix::Shape(shape)] = item.prefix.as_slice() else { unreachable!() };
/// assert_eq!((shape.dimensions[1].length, shape.dimensions[1].span.len()), (3, 2));
/// # Ok::<(), pep3118::FormatError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Dimension {
    /// The number of elements.
    pub length: u64,
    /// The digits, leading zeros included.
    pub span: Span,
}

/// The number before a type: a repeat count, or the length of an `s`, `p`, `u`, `w`, `t` or `x`.
///
/// ```
/// use pep3118::format::{Member, Prefix};
/// let format = pep3118::parse("007s")?;
/// let [Member::Item(item)] = format.members() else { unreachable!() };
/// let [Prefix::Count(count)] = item.prefix.as_slice() else { unreachable!() };
/// assert_eq!((count.value, count.span.len()), (7, 3));
/// # Ok::<(), pep3118::FormatError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Count {
    /// The number.
    pub value: u64,
    /// The digits, leading zeros included.
    pub span: Span,
}

/// The type of an item.
///
/// ```
/// use pep3118::format::{ItemType, Member};
/// let format = pep3118::parse("&T{i:a:}")?;
/// let [Member::Item(item)] = format.members() else { unreachable!() };
/// let ItemType::Pointer(target) = &item.ty else { unreachable!() };
/// assert!(matches!(&target.ty, ItemType::Structure(members) if members.len() == 1));
/// # Ok::<(), pep3118::FormatError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemType {
    /// A format character.
    Code(Code),
    /// `T{…}`: a structure.
    Structure(Vec<Member>),
    /// `&`: a pointer to the item.
    Pointer(Box<Item>),
    /// `X{…}`: a pointer to a function, with the bytes between the braces.
    Function(Vec<u8>),
    /// `[name$params]`: a user type, in the syntax of a draft for types that have no code.
    User(UserType),
}

/// A user type: `[name$params]`.
///
/// ```
/// use pep3118::format::{ItemType, Member};
/// let format = pep3118::parse("[fixed$8.24]")?;
/// let [Member::Item(item)] = format.members() else { unreachable!() };
/// let ItemType::User(user) = &item.ty else { unreachable!() };
/// assert_eq!((user.name.as_slice(), user.params.as_deref()), (&b"fixed"[..], Some(&b"8.24"[..])));
/// # Ok::<(), pep3118::FormatError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserType {
    /// The bytes before the first `$`.
    pub name: Vec<u8>,
    /// The bytes after the first `$`, if there is one.
    pub params: Option<Vec<u8>>,
}

/// The name of an item: any bytes but `:` and NUL. It can be empty, and need not be UTF-8.
///
/// ```
/// use pep3118::format::Member;
/// let format = pep3118::parse("i:price in \u{20ac}:")?;
/// let [Member::Item(item)] = format.members() else { unreachable!() };
/// let name = item.name.as_ref().unwrap();
/// assert_eq!((name.bytes.as_slice(), name.span.start()), ("price in \u{20ac}".as_bytes(), 2));
/// # Ok::<(), pep3118::FormatError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Name {
    /// The bytes between the colons.
    pub bytes: Vec<u8>,
    /// The span of these bytes.
    pub span: Span,
}

/// Implements `PartialEq` by some of the fields: spans are not compared.
macro_rules! equal_by {
    ($($ty:ident { $($field:ident),* })*) => {$(
        impl PartialEq for $ty {
            fn eq(&self, other: &Self) -> bool {
                $(self.$field == other.$field)&&*
            }
        }
        impl Eq for $ty {}
    )*};
}
equal_by! {
    Format { members }
    Item { prefix, ty, name }
    ByteOrderCharacter { order }
    Shape { dimensions }
    Dimension { length }
    Count { value }
    Name { bytes }
}

impl Format {
    /// Parses a format string.
    ///
    /// Spec: PEP 3118 and the formats of its producers; the grammar is in `docs/grammar.md`.
    ///
    /// # Errors
    /// - `i}d`: `}` closes no structure
    /// - `T{i`: the structure is not closed
    /// - `3`: no format character follows the repeat count
    /// - `()i`, `(1_0)i`: the shape has no dimension, or one that is not a number
    /// - `Zi`: `Z` makes complex numbers of `e`, `f`, `d` and `g` only
    /// - `i:a`: the name is not closed
    pub fn parse(source: &[u8]) -> Result<Self, FormatError> {
        Self::parse_with(source, &Limits::DEFAULT)
    }

    /// Parses a format string within other [`Limits`].
    ///
    /// ```
    /// use pep3118::format::{Format, Limits};
    /// let shallow = Limits { depth: 1, ..Limits::DEFAULT };
    /// assert!(Format::parse_with(b"T{i}", &shallow).is_ok());
    /// assert!(Format::parse_with(b"T{T{i}}", &shallow).is_err());
    /// ```
    ///
    /// # Errors
    /// As [`parse`](Format::parse).
    pub fn parse_with(source: &[u8], limits: &Limits) -> Result<Self, FormatError> {
        let mut builder = Builder { source, ..Builder::default() };
        match parse_events(source, limits, &mut builder) {
            Ok(()) => Ok(Self { source: source.to_vec(), members: builder.members }),
            Err(Failure::Grammar(error)) => Err(error),
            Err(Failure::Stopped) => {
                debug_assert!(false, "the parser closes only what it has opened");
                Err(FormatError::new(FormatErrorKind::UnopenedStructure, Span::ZERO, None, source))
            }
        }
    }

    /// Parses the `format` of a `Py_buffer`; `None` is NULL, which means `"B"`.
    ///
    /// Spec: CPython `Doc/c-api/buffer.rst`, `Py_buffer.format`.
    ///
    /// ```
    /// use pep3118::Format;
    /// assert_eq!(Format::from_buffer(None)?.as_bytes(), b"B");
    /// assert_eq!(Format::from_buffer(Some(c"<i"))?.as_bytes(), b"<i");
    /// # Ok::<(), pep3118::FormatError>(())
    /// ```
    ///
    /// # Errors
    /// As [`parse`](Format::parse).
    pub fn from_buffer(format: Option<&CStr>) -> Result<Self, FormatError> {
        Self::from_buffer_bytes(format.map(CStr::to_bytes))
    }

    /// Parses the `format` of a `Py_buffer`, given without its terminating NUL; `None` is NULL, which means `"B"`, and
    /// `Some(b"")` is the empty format.
    ///
    /// # Errors
    /// As [`parse`](Format::parse).
    pub fn from_buffer_bytes(format: Option<&[u8]>) -> Result<Self, FormatError> {
        Self::parse(format.unwrap_or(NULL_FORMAT))
    }

    /// Prints a tree and parses the text, so that the spans of the result are those of the text.
    ///
    /// # Errors
    /// - `Name { bytes: b"a:b" }`, a code `Z` before a code `d`, two counts of one item: no text has this tree
    /// - structures nested deeper than [`Limits::depth`]
    ///
    /// ```
    /// use pep3118::format::Format;
    /// let spaced = Format::parse(b"< i  d")?;
    /// assert_eq!(Format::from_members(spaced.members())?.as_bytes(), b"<id");
    /// # Ok::<(), pep3118::FormatError>(())
    /// ```
    pub fn from_members(members: &[Member]) -> Result<Self, FormatError> {
        let format = Self::parse(&super::print::print(members))?;
        let differs = |(parsed, given): &(&Member, &Member)| parsed != given;
        let different = match format.members.iter().zip(members).find(differs) {
            Some((Member::ByteOrder(order), _)) => order.span,
            Some((Member::Item(item), _)) => item.span,
            None if format.members.len() == members.len() => return Ok(format),
            None => Span::new(format.source.len(), format.source.len()),
        };
        Err(FormatError::new(FormatErrorKind::Unspellable, different, None, &format.source))
    }

    /// Returns the parsed bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.source
    }

    /// Returns the items and byte order characters outside structures, in the order of the source.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }
}

/// The visitor that builds the tree.
#[derive(Default)]
struct Builder<'s> {
    source: &'s [u8],
    /// Members of the innermost open structure, or of the format.
    members: Vec<Member>,
    /// The prefix of the next item, and where it starts.
    prefix: Vec<Prefix>,
    item_start: Option<usize>,
    /// The dimensions of the open shape, and where it starts.
    dimensions: Vec<Dimension>,
    shape_start: usize,
    /// Open structures and pointers, innermost last.
    open: Vec<OpenItem>,
}

/// A structure or pointer whose last byte is not parsed yet.
struct OpenItem {
    /// Members of the structure around it.
    members: Vec<Member>,
    prefix: Vec<Prefix>,
    start: usize,
    ty_start: usize,
}

impl Builder<'_> {
    fn open(&mut self, at: usize) {
        self.open.push(OpenItem {
            members: mem::take(&mut self.members),
            prefix: mem::take(&mut self.prefix),
            start: self.item_start.take().unwrap_or(at),
            ty_start: at,
        });
    }

    /// Adds an item that contains no others.
    fn leaf(&mut self, ty: ItemType, ty_span: Span, name: Option<Span>) {
        let start = self.item_start.take().unwrap_or(ty_span.start());
        let prefix = mem::take(&mut self.prefix);
        self.item(start, prefix, ty, ty_span, name);
    }

    fn item(&mut self, start: usize, prefix: Vec<Prefix>, ty: ItemType, ty_span: Span, name: Option<Span>) {
        let end = name.map_or(ty_span.end(), |name| name.end().saturating_add(1));
        let name = name.map(|span| Name { bytes: span.of(self.source).to_vec(), span });
        self.members.push(Member::Item(Item { prefix, ty, ty_span, name, span: Span::new(start, end) }));
    }
}

impl Visitor for Builder<'_> {
    fn byte_order(&mut self, order: ByteOrder, at: usize) -> Result<(), Stop> {
        let order = ByteOrderCharacter { order, span: Span::new(at, at.saturating_add(1)) };
        if self.prefix.is_empty() {
            self.members.push(Member::ByteOrder(order));
        } else {
            self.prefix.push(Prefix::ByteOrder(order));
        }
        Ok(())
    }

    fn open_shape(&mut self, at: usize) -> Result<(), Stop> {
        self.item_start.get_or_insert(at);
        self.shape_start = at;
        Ok(())
    }

    fn dimension(&mut self, length: u64, span: Span) -> Result<(), Stop> {
        self.dimensions.push(Dimension { length, span });
        Ok(())
    }

    fn close_shape(&mut self, at: usize) -> Result<(), Stop> {
        let dimensions = mem::take(&mut self.dimensions);
        let span = Span::new(self.shape_start, at.saturating_add(1));
        self.prefix.push(Prefix::Shape(Shape { dimensions, span }));
        Ok(())
    }

    fn count(&mut self, value: u64, span: Span) -> Result<(), Stop> {
        self.item_start.get_or_insert(span.start());
        self.prefix.push(Prefix::Count(Count { value, span }));
        Ok(())
    }

    fn code(&mut self, code: Code, span: Span, name: Option<Span>) -> Result<(), Stop> {
        self.leaf(ItemType::Code(code), span, name);
        Ok(())
    }

    fn open_structure(&mut self, at: usize) -> Result<(), Stop> {
        self.open(at);
        Ok(())
    }

    fn close_structure(&mut self, at: usize, name: Option<Span>) -> Result<(), Stop> {
        let OpenItem { members, prefix, start, ty_start } = self.open.pop().ok_or(Stop)?;
        let members = mem::replace(&mut self.members, members);
        self.item(start, prefix, ItemType::Structure(members), Span::new(ty_start, at.saturating_add(1)), name);
        Ok(())
    }

    fn open_pointer(&mut self, at: usize) -> Result<(), Stop> {
        self.open(at);
        Ok(())
    }

    fn close_pointer(&mut self, name: Option<Span>) -> Result<(), Stop> {
        let OpenItem { members, prefix, start, ty_start } = self.open.pop().ok_or(Stop)?;
        let mut orders = mem::replace(&mut self.members, members);
        let Some(Member::Item(mut target)) = orders.pop() else { return Err(Stop) };
        // `byte_order` found no prefix after `&`, but the characters between `&` and the target are its prefix.
        let orders = orders.into_iter().filter_map(|member| match member {
            Member::ByteOrder(order) => Some(Prefix::ByteOrder(order)),
            Member::Item(_) => None,
        });
        target.prefix.splice(0..0, orders);
        if let Some(Prefix::ByteOrder(first)) = target.prefix.first() {
            target.span = first.span.to(target.span);
        }
        let span = Span::new(ty_start, target.span.end());
        self.item(start, prefix, ItemType::Pointer(Box::new(target)), span, name);
        Ok(())
    }

    fn function(&mut self, span: Span, name: Option<Span>) -> Result<(), Stop> {
        // Without `X{` and `}`.
        let signature = span.of(self.source).get(2..span.len().saturating_sub(1)).ok_or(Stop)?;
        self.leaf(ItemType::Function(signature.to_vec()), span, name);
        Ok(())
    }

    fn user_type(&mut self, span: Span, name: Option<Span>) -> Result<(), Stop> {
        // Without `[` and `]`.
        let text = span.of(self.source).get(1..span.len().saturating_sub(1)).ok_or(Stop)?;
        let (ty_name, params) = match text.iter().position(|byte| *byte == b'$') {
            Some(at) => {
                let (name, params) = text.split_at(at);
                (name, params.get(1..))
            }
            None => (text, None),
        };
        let user = UserType { name: ty_name.to_vec(), params: params.map(<[u8]>::to_vec) };
        self.leaf(ItemType::User(user), span, name);
        Ok(())
    }
}
