//! The syntax tree of a format: [`Format`], and the types of the nodes, such as [`Member`], [`Item`] and [`ItemType`].
//! The functions that parse a format, such as [`Format::parse`], build the tree with [`Builder`].

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ffi::CStr;
use core::mem;
use core::str::FromStr;

use super::code::{ByteOrder, Code};
use super::error::{FormatError, FormatErrorKind};
use super::limits::Limits;
use super::parse::{Failure, parse_events};
use super::visitor::{Stop, Visitor};
use crate::span::Span;

/// The format of a buffer whose field `format` is NULL: unsigned bytes.
///
/// Spec: CPython `Doc/c-api/buffer.rst`, `Py_buffer.format`.
pub const NULL_FORMAT: &[u8] = b"B";

/// A parsed format string: the syntax tree, the source bytes, and the span of every node of the tree.
///
/// The tree represents the tokens of the format. The meaning of a token depends on the dialect and is not in the
/// tree. Two formats are equal if they have equal tokens: `i i` equals `ii`, and `03i` equals `3i`, but `1i` does not
/// equal `i`.
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
#[derive(Clone, Debug, Default)]
pub struct Format {
    source: Vec<u8>,
    members: Vec<Member>,
}

/// A byte order character or an item, in a format or between the braces of a structure.
///
/// ```
/// use pep3118::format::Member;
/// let format = pep3118::parse("<i")?;
/// assert!(matches!(format.members(), [Member::ByteOrder(_), Member::Item(_)]));
/// # Ok::<(), pep3118::FormatError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Member {
    /// A byte order character outside of an item, for example before the first item. The character applies to all items
    /// up to the next byte order character, also to items after the end of the structure that contains it.
    ByteOrder(ByteOrderCharacter),
    /// An item, for example `3i:name:`.
    Item(Item),
}

/// An item of a format, for example `(2,3)4i:name:`.
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
    /// The shapes, counts and byte order characters before the type, in source order. In the example, the prefix is
    /// `(2,3)4`.
    pub prefix: Vec<Prefix>,
    /// The type of the item. In the example, the type is `i`.
    pub ty: ItemType,
    /// The span of the type, which excludes the prefix and the name.
    pub ty_span: Span,
    /// The name, or `None` if the item has no name.
    pub name: Option<Name>,
    /// The span of the item, which starts with the prefix and includes both colons of the name.
    pub span: Span,
}

/// A shape, a count or a byte order character before the type of an item.
///
/// ```
/// use pep3118::format::{Member, Prefix};
/// let format = pep3118::parse("(2)3<i")?;
/// let [Member::Item(item)] = format.members() else { unreachable!() };
/// assert!(matches!(item.prefix.as_slice(), [Prefix::Shape(_), Prefix::Count(_), Prefix::ByteOrder(_)]));
/// # Ok::<(), pep3118::FormatError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Prefix {
    /// A shape, for example `(2,3)`. An item such as `(2)(3)i` has several shapes.
    Shape(Shape),
    /// A repeat count or a length, for example `4`.
    Count(Count),
    /// A byte order character after a shape, a count or `&`: `(2)<i`, `&<i`.
    ByteOrder(ByteOrderCharacter),
}

/// A byte order character (`@`, `=`, `<`, `>`, `!` or `^`), and its span in the format.
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
    /// The byte order, the kind of sizes and the kind of alignment that the character sets.
    pub order: ByteOrder,
    /// The span of the character, which is one byte long.
    pub span: Span,
}

/// A shape in parentheses, which makes the item an array in C order: the last dimension varies fastest.
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
    /// The dimensions in source order. The outermost dimension is first.
    pub dimensions: Vec<Dimension>,
    /// The span of the shape, which includes the parentheses.
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
    /// The number of elements in this dimension.
    pub length: u64,
    /// The span of the digits, which includes leading zeros.
    pub span: Span,
}

/// The number before a type. Before `s`, `p`, `u`, `w`, `t` and `x`, the number is a length. Before every other type,
/// the number is a repeat count.
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
    /// The value of the number.
    pub value: u64,
    /// The span of the digits, which includes leading zeros.
    pub span: Span,
}

/// The type of an item: a format character, or a construct of PEP 3118 or its drafts.
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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ItemType {
    /// A format character or a complex number, for example `i` or `Zd`.
    Code(Code),
    /// `T{…}`: a structure. The value contains the members between the braces.
    Structure(Vec<Member>),
    /// `&…`: a pointer. The value is the item after the `&`. The item describes the target of the pointer.
    Pointer(Box<Item>),
    /// `X{…}`: a pointer to a function. The value contains the bytes between the braces.
    Function(Vec<u8>),
    /// `[name$params]`: a user type. A draft defines this syntax for types that have no format character.
    User(UserTypeName),
}

/// A user type `[name$params]`: a type that has no format character.
///
/// ```
/// use pep3118::format::{ItemType, Member};
/// let format = pep3118::parse("[fixed$8.24]")?;
/// let [Member::Item(item)] = format.members() else { unreachable!() };
/// let ItemType::User(user) = &item.ty else { unreachable!() };
/// assert_eq!((user.name.as_slice(), user.params.as_deref()), (&b"fixed"[..], Some(&b"8.24"[..])));
/// # Ok::<(), pep3118::FormatError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UserTypeName {
    /// The bytes between `[` and the first `$`, or between the brackets if there is no `$`.
    pub name: Vec<u8>,
    /// The bytes between the first `$` and `]`, or `None` if there is no `$`.
    pub params: Option<Vec<u8>>,
}

/// The name of an item. A name can contain any byte except `:` and NUL, can be empty, and can be invalid UTF-8.
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
    /// The bytes between the two colons.
    pub bytes: Vec<u8>,
    /// The span of `bytes`, which excludes the colons.
    pub span: Span,
}

/// Implements `PartialEq` and `Hash` for a type by the listed fields. The lists omit spans, so that two tokens at
/// different positions can be equal.
macro_rules! equal_by {
    ($($ty:ident { $($field:ident),* })*) => {$(
        impl PartialEq for $ty {
            fn eq(&self, other: &Self) -> bool {
                $(self.$field == other.$field)&&*
            }
        }
        impl Eq for $ty {}
        impl core::hash::Hash for $ty {
            fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
                $(self.$field.hash(state);)*
            }
        }
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
    /// Parses the format string `source` within the limits [`Limits::DEFAULT`].
    ///
    /// The grammar is [`_documentation::grammar`](crate::_documentation::grammar).
    ///
    /// ```
    /// use pep3118::Format;
    /// assert_eq!(Format::parse("T{<i:a:}")?.as_bytes(), b"T{<i:a:}");
    /// assert!(Format::parse("T{<i:a:").is_err());
    /// # Ok::<(), pep3118::FormatError>(())
    /// ```
    ///
    /// # Errors
    /// - a `}` closes no structure: `i}d`
    /// - a structure is not closed: `T{i`
    /// - no format character follows a repeat count: `3`
    /// - a shape has no dimension, or a dimension that is not a number: `()i`, `(1_0)i`
    /// - a character other than `e`, `f`, `d`, `g`, `:`, `}` and a byte order character follows `Z`: `Zi`
    /// - a name is not closed: `i:a`
    /// - no token starts with a byte: `|i4`
    /// - another reason in [`FormatErrorKind`], such as a NUL
    /// - `source` exceeds a limit of [`Limits::DEFAULT`]
    pub fn parse(source: impl AsRef<[u8]>) -> Result<Self, FormatError> {
        Self::parse_with(source, &Limits::DEFAULT)
    }

    /// Parses the format string `source` within the limits `limits`.
    ///
    /// ```
    /// use pep3118::format::{Format, Limits};
    /// let mut shallow = Limits::DEFAULT;
    /// shallow.depth = 1;
    /// assert!(Format::parse_with(b"T{i}", &shallow).is_ok());
    /// assert!(Format::parse_with(b"T{T{i}}", &shallow).is_err());
    /// ```
    ///
    /// # Errors
    /// - `source` does not follow the grammar, see [`parse`](Format::parse)
    /// - `source` exceeds a limit of `limits`
    pub fn parse_with(source: impl AsRef<[u8]>, limits: &Limits) -> Result<Self, FormatError> {
        let source = source.as_ref();
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

    /// Parses the field `format` of a `Py_buffer`. `None` means NULL, and the format of a NULL field is `B`.
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
    /// - [`parse`](Format::parse) rejects the format
    pub fn from_buffer(format: Option<&CStr>) -> Result<Self, FormatError> {
        Self::from_buffer_bytes(format.map(CStr::to_bytes))
    }

    /// Parses the field `format` of a `Py_buffer` without its terminating NUL. `None` means NULL, and the format of a
    /// NULL field is `B`. `Some(b"")` is an empty format.
    ///
    /// ```
    /// use pep3118::Format;
    /// assert_eq!(Format::from_buffer_bytes(Some(b"<i"))?.to_string(), "<i");
    /// // An exporter reports NULL for bytes.
    /// assert_eq!(Format::from_buffer_bytes(None)?.to_string(), "B");
    /// # Ok::<(), pep3118::FormatError>(())
    /// ```
    ///
    /// # Errors
    /// - [`parse`](Format::parse) rejects the format
    pub fn from_buffer_bytes(format: Option<&[u8]>) -> Result<Self, FormatError> {
        Self::parse(format.unwrap_or(NULL_FORMAT))
    }

    /// Returns the bytes that were parsed.
    ///
    /// ```
    /// assert_eq!(pep3118::parse("<3i")?.as_bytes(), b"<3i");
    /// # Ok::<(), pep3118::FormatError>(())
    /// ```
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.source
    }

    /// Returns the items and byte order characters in source order. The members of a structure are inside of the item
    /// for the structure.
    ///
    /// ```
    /// assert_eq!(pep3118::parse("<3i d")?.members().len(), 3);
    /// # Ok::<(), pep3118::FormatError>(())
    /// ```
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }
}

impl FromStr for Format {
    type Err = FormatError;

    /// Parses the format string `text`, see [`parse`](Format::parse).
    ///
    /// ```
    /// let format: pep3118::Format = "<3i".parse()?;
    /// assert_eq!(format.as_bytes(), b"<3i");
    /// # Ok::<(), pep3118::FormatError>(())
    /// ```
    ///
    /// # Errors
    /// - [`parse`](Format::parse) rejects `text`
    fn from_str(text: &str) -> Result<Self, FormatError> {
        Self::parse(text)
    }
}

/// The visitor that builds the syntax tree from the calls of the parser.
#[derive(Default)]
struct Builder<'s> {
    source: &'s [u8],
    /// The finished members of the innermost unfinished structure or pointer, or of the format if all structures and
    /// pointers are finished.
    members: Vec<Member>,
    /// The shapes, counts and byte order characters that the parser has found for the unfinished item.
    prefix: Vec<Prefix>,
    /// The offset in bytes at which the unfinished item starts. `None` if no prefix of an item has started.
    item_start: Option<usize>,
    /// The dimensions that the parser has found in the unfinished shape.
    dimensions: Vec<Dimension>,
    /// The offset in bytes of the `(` of the last shape.
    shape_start: usize,
    /// The unfinished structures and pointers, from the outermost to the innermost.
    open: Vec<OpenItem>,
}

/// An unfinished structure or pointer: the parser has found its start and not its end.
struct OpenItem {
    /// The finished members of the structure or format around this item.
    members: Vec<Member>,
    /// The prefix of this item.
    prefix: Vec<Prefix>,
    /// The offset in bytes at which the prefix of this item starts.
    start: usize,
    /// The offset in bytes of the `T{` or `&` of this item.
    ty_start: usize,
}

impl Builder<'_> {
    /// Starts a structure or pointer whose `T{` or `&` is at offset `at`.
    fn open(&mut self, at: usize) {
        self.open.push(OpenItem {
            members: mem::take(&mut self.members),
            prefix: mem::take(&mut self.prefix),
            start: self.item_start.take().unwrap_or(at),
            ty_start: at,
        });
    }

    /// Adds an item that is neither a structure nor a pointer. `ty` is the type, and `ty_span` is the span of the type.
    /// `name` is the span of the name without the colons, or `None` if the item has no name.
    fn item_without_members(&mut self, ty: ItemType, ty_span: Span, name: Option<Span>) {
        let start = self.item_start.take().unwrap_or(ty_span.start());
        let prefix = mem::take(&mut self.prefix);
        self.item(start, prefix, ty, ty_span, name);
    }

    /// Adds an item. `start` is the offset in bytes of the prefix, or of the type if `prefix` is empty. `ty` is the
    /// type, and `ty_span` is the span of the type. `name` is the span of the name without the colons, or `None` if the
    /// item has no name.
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
        self.item_without_members(ItemType::Code(code), span, name);
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
        // The byte order characters between `&` and the target belong to the prefix of the target. `members` contains
        // these characters, because the method `byte_order` adds a character to `members` while `prefix` is empty.
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
        // `span` starts with `X{` and ends with `}`. The signature is between these brackets.
        let signature = span.of(self.source).get(2..span.len().saturating_sub(1)).ok_or(Stop)?;
        self.item_without_members(ItemType::Function(signature.to_vec()), span, name);
        Ok(())
    }

    fn user_type(&mut self, text: &[u8], span: Span, name: Option<Span>) -> Result<(), Stop> {
        let (ty_name, params) = match text.iter().position(|byte| *byte == b'$') {
            Some(at) => {
                let (name, params) = text.split_at(at);
                (name, params.get(1..))
            }
            None => (text, None),
        };
        let user = UserTypeName { name: ty_name.to_vec(), params: params.map(<[u8]>::to_vec) };
        self.item_without_members(ItemType::User(user), span, name);
        Ok(())
    }
}
