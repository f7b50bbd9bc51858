//! The parser of formats. Each production of `docs/grammar.md` is one function, and the functions have the names and
//! the order of the productions.
//!
//! [`parse_events`] parses the bytes of a format and calls a [`Visitor`] for each token. The grammar accepts every
//! format that a known producer writes. A visitor can reject the constructs that a dialect does not support.
//!
//! ```text
//! format       = { space | byte_order | item } ;
//! item         = unnamed_item , [ { space } , name ] ;
//! unnamed_item = { space | byte_order | shape } , [ count ] , { space | byte_order } , type ;
//! byte_order   = "@" | "=" | "<" | ">" | "!" | "^" ;
//! shape        = "(" , dimension , { "," , dimension } , ")" ;
//! dimension    = { space } , number , { space } ;
//! count        = number ;
//! number       = digit , { digit } ;
//! type         = code | complex | structure | pointer | function | user_type ;
//! complex      = "Z" , [ { space } , ( "e" | "f" | "d" | "g" ) ] ;
//! structure    = "T{" , format , "}" ;
//! pointer      = "&" , unnamed_item ;
//! function     = "X{" , { any byte but NUL, braces balanced } , "}" ;
//! user_type    = "[" , { any byte but NUL, brackets balanced }- , "]" ;
//! name         = ":" , { any byte but ":" and NUL } , ":" ;
//! space        = " " | TAB | LF | VT | FF | CR ;
//! ```
//!
//! A production that calls no visitor is a nom parser. Every other production is a method of [`Parser`], which calls
//! the visitor and compares the numbers of bytes, items, nested structures and dimensions with the [`Limits`]. Only
//! the productions for structures and pointers are recursive, and [`Limits::depth`] bounds their recursion.

use crate::align::to_u64;
use nom::bytes::complete::{tag, take_while, take_while1};
use nom::character::complete::{char, digit1, u64};
use nom::sequence::delimited;
use nom::{Err, IResult, Parser as _};

use super::code::{ByteOrder, Code};
use super::error::{FormatError, FormatErrorKind as Kind};
use super::limits::Limits;
use super::visitor::{Stop, Visitor};
use crate::span::Span;

/// The reason why [`parse_events`] ended before the end of the format.
pub(crate) enum Failure {
    /// The bytes do not follow the grammar, or exceed a limit.
    Grammar(FormatError),
    /// The visitor returned [`Stop`]. Only the visitor knows the reason.
    Stopped,
}

/// Parses `source` within `limits`, and calls a method of `visitor` for each token. Returns an error at the first
/// byte that does not follow the grammar or exceeds a limit, and when a method of `visitor` returns [`Stop`].
#[inline]
pub(crate) fn parse_events<V: Visitor>(source: &[u8], limits: &Limits, visitor: &mut V) -> Result<(), Failure> {
    let limits = limits.bounded();
    let mut parser =
        Parser { source, visitor, limits, depth_left: limits.depth, items: 0, dimensions: 0, refusal: None };
    match parser.source() {
        Ok(()) => Ok(()),
        Err(Refused) => Err(match parser.refusal {
            Some(Refusal { kind, span, opened }) => Failure::Grammar(FormatError::new(kind, span, opened, source)),
            None => Failure::Stopped,
        }),
    }
}

/// The result of a production: the input after the production, or an error. After an error, [`Parser::refusal`]
/// contains the reason. If a method of the visitor returned [`Stop`], `refusal` is `None`.
type Step<'i> = Result<&'i [u8], Refused>;

/// The error of a production. [`Parser::refusal`] contains the reason of the error. The type has size 0, so that a
/// [`Step`] is returned in registers.
struct Refused;

impl From<Err<()>> for Refused {
    #[cold]
    fn from(_: Err<()>) -> Self {
        debug_assert!(false, "each caller has seen the first byte that the nom parser needs");
        Self
    }
}

impl From<Stop> for Refused {
    #[inline]
    fn from(_: Stop) -> Self {
        Self
    }
}

/// The reason why the parser rejects the format, and the bytes that the message shows.
struct Refusal {
    kind: Kind,
    span: Span,
    /// The span of the opening bracket if a bracket is not closed. `None` for other reasons.
    opened: Option<Span>,
}

/// The role of an item: a member, or the target of a pointer. The role decides whether a name can follow the item.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The item is a member of a structure or of the format. A name can follow the item.
    Item,
    /// The item is the target of a pointer `&`. A name after the item is the name of the outermost pointer.
    PointerTarget,
}

/// The tokens that the parser has found before the type of an item. These tokens decide which tokens can follow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Prefix {
    /// The parser has found neither a shape nor a count.
    Empty,
    /// The parser has found at least one shape, but no count.
    Shape,
    /// The parser has found a count.
    Count,
}

/// The state of the parser, with one method for each production.
///
/// In every method, `input` is the text that is not parsed yet, and `after` is `input` without its first byte. `role`
/// states whether a name can follow the item. A production returns the input after the text of the production. A
/// production returns an error if `input` does not follow the production, if `input` exceeds a limit, or if the
/// visitor returns [`Stop`].
struct Parser<'i, 'v, V> {
    source: &'i [u8],
    visitor: &'v mut V,
    limits: Limits,
    /// The number of levels of structures and pointers that can still be opened at the current position.
    depth_left: usize,
    /// The number of items that the parser has found.
    items: usize,
    /// The number of dimensions that the parser has found for the current item.
    dimensions: usize,
    /// The reason why the parser rejects the format. `None` if the parser has not rejected the format.
    refusal: Option<Refusal>,
}

impl<'i, V: Visitor> Parser<'i, '_, V> {
    /// Parses the whole source as one format. Returns an error if the parser or the visitor rejects the format.
    #[inline]
    fn source(&mut self) -> Result<(), Refused> {
        let len = self.source.len();
        if len > self.limits.bytes {
            // Every machine has addresses of at most 64 bits, so the conversion cannot fail.
            let bytes = to_u64(len);
            return Err(self.refuse(Kind::TooLong { bytes, limit: self.limits.bytes }, Span::ZERO));
        }
        let rest = self.format(self.source)?;
        // The method `format` stops at the end of the source and at a closing brace. A closing brace here closes no
        // structure.
        if rest.is_empty() { Ok(()) } else { Err(self.refuse_at(rest, 1, Kind::UnopenedStructure)) }
    }

    /// Parses `format = { space | byte_order | item } ;`
    // The method is inlined, so that a format without structures is parsed without a function call.
    #[inline(always)]
    fn format(&mut self, mut input: &'i [u8]) -> Step<'i> {
        while let Some((&byte, after)) = input.split_first() {
            input = match FirstByte::of(byte) {
                FirstByte::Space => self.space(input)?,
                FirstByte::ByteOrder(order) => self.byte_order(order, input, after)?,
                FirstByte::ClosingBrace => break,
                // Most items are only one format character. For such an item, this arm does the same as `item` with
                // fewer instructions.
                FirstByte::Type(TypeByte::Code(code)) => self.code(code, input, after, Role::Item)?,
                _ => self.item(input)?,
            };
        }
        Ok(input)
    }

    /// Parses `item = unnamed_item , [ { space } , name ] ;`
    #[inline(always)]
    fn item(&mut self, input: &'i [u8]) -> Step<'i> {
        self.unnamed_item(input, Role::Item)
    }

    /// Parses `unnamed_item = { space | byte_order | shape } , [ count ] , { space | byte_order } , type ;`
    #[inline(always)]
    fn unnamed_item(&mut self, mut input: &'i [u8], role: Role) -> Step<'i> {
        let mut prefix = Prefix::Empty;
        while let Some((&byte, after)) = input.split_first() {
            input = match FirstByte::of(byte) {
                FirstByte::Space => self.space(input)?,
                FirstByte::ByteOrder(order) => self.byte_order(order, input, after)?,
                FirstByte::Parenthesis => self.shape(input, &mut prefix)?,
                FirstByte::Digit => self.count(input, &mut prefix)?,
                FirstByte::Type(first) => return self.r#type(first, input, after, role),
                FirstByte::ClosingBrace => return Err(self.refuse_at(input, 1, missing_type(prefix))),
                FirstByte::Unknown => return Err(self.refuse_unknown(byte, input, prefix)),
            };
        }
        Err(self.refuse_at(input, 0, missing_type(prefix)))
    }

    /// Parses `byte_order = "@" | "=" | "<" | ">" | "!" | "^" ;`. `order` is the meaning of the first byte of `input`.
    #[inline]
    fn byte_order(&mut self, order: ByteOrder, input: &'i [u8], after: &'i [u8]) -> Step<'i> {
        self.visitor.byte_order(order, self.position(input))?;
        Ok(after)
    }

    /// Parses `shape = "(" , dimension , { "," , dimension } , ")" ;`. `prefix` describes the tokens of the item before
    /// the shape. The method sets `prefix` to [`Prefix::Shape`].
    fn shape(&mut self, input: &'i [u8], prefix: &mut Prefix) -> Step<'i> {
        match prefix {
            Prefix::Empty => self.dimensions = 0,
            Prefix::Shape => {}
            Prefix::Count => return Err(self.refuse_at(input, 1, Kind::CountBeforeShape)),
        }
        *prefix = Prefix::Shape;
        let (mut rest, _) = char::<_, ()>('(').parse(input)?;
        self.visitor.open_shape(self.position(input))?;
        loop {
            rest = self.dimension(rest, input)?;
            match rest.split_first() {
                Some((b',', after)) => rest = after,
                Some((b')', after)) => {
                    self.visitor.close_shape(self.position(rest))?;
                    return Ok(after);
                }
                Some((&byte, after)) => {
                    let is_closed = after.iter().find(|byte| matches!(byte, b'(' | b')')) == Some(&b')');
                    if is_closed || matches!(byte, b'0'..=b'9' | b'_' | b'.' | b'+' | b'-') {
                        return Err(self.refuse_at(rest, 1, Kind::DimensionCharacter { byte }));
                    }
                    return Err(self.unclosed_shape(rest, input));
                }
                None => return Err(self.unclosed_shape(rest, input)),
            }
        }
    }

    /// Parses `dimension = { space } , number , { space } ;`. The slice `shape` is the input from the `(` of the
    /// shape, for the error message.
    fn dimension(&mut self, input: &'i [u8], shape: &'i [u8]) -> Step<'i> {
        let input = self.optional_space(input)?;
        match input.first() {
            Some(b'0'..=b'9') => {}
            Some(b',' | b')') => return Err(self.refuse_at(input, 1, Kind::EmptyDimension)),
            Some(&byte) => return Err(self.refuse_at(input, 1, Kind::DimensionCharacter { byte })),
            None => return Err(self.unclosed_shape(input, shape)),
        }
        let (rest, length) = self.number(input)?;
        let span = self.between(input, rest);
        self.dimensions = self.dimensions.wrapping_add(1);
        if self.dimensions > self.limits.dimensions {
            return Err(self.refuse(Kind::TooManyDimensions { limit: self.limits.dimensions }, span));
        }
        self.visitor.dimension(length, span)?;
        self.optional_space(rest)
    }

    /// Parses `count = number ;`. `prefix` describes the tokens of the item before the count. The method sets `prefix`
    /// to [`Prefix::Count`].
    #[inline(always)]
    fn count(&mut self, input: &'i [u8], prefix: &mut Prefix) -> Step<'i> {
        if *prefix == Prefix::Count {
            let (rest, _) = digit1::<_, ()>(input)?;
            return Err(self.refuse(Kind::TwoCounts, self.between(input, rest)));
        }
        *prefix = Prefix::Count;
        let (rest, count) = self.number(input)?;
        self.visitor.count(count, self.between(input, rest))?;
        Ok(rest)
    }

    /// Parses `number = digit , { digit } ;`. `input` must start with a digit. Returns the input after the number, and
    /// the number. Returns an error if the number does not fit 64 bits.
    #[inline]
    fn number(&mut self, input: &'i [u8]) -> Result<(&'i [u8], u64), Refused> {
        u64::<_, ()>(input).map_err(|_| self.number_too_large(input))
    }

    /// Sets `refusal` to the reason "the number at the start of `input` does not fit 64 bits". Returns the error value,
    /// for the caller to return.
    #[cold]
    fn number_too_large(&mut self, input: &'i [u8]) -> Refused {
        let digits = input.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.refuse_at(input, digits, Kind::NumberTooLarge)
    }

    /// Parses `type = code | complex | structure | pointer | function | user_type ;`. `first` is the kind of type that
    /// starts with the first byte of `input`.
    #[inline(always)]
    fn r#type(&mut self, first: TypeByte, input: &'i [u8], after: &'i [u8], role: Role) -> Step<'i> {
        let (code, after) = match first {
            TypeByte::Code(code) => (code, after),
            TypeByte::Complex => self.complex(input)?,
            TypeByte::Structure => return self.structure(input, role),
            TypeByte::Pointer => return self.pointer(input, role),
            TypeByte::Function => return self.function(input, role),
            TypeByte::UserType => return self.user_type(input, role),
        };
        self.code(code, input, after, role)
    }

    /// Parses `code = "x" | "c" | … ;` and the name after the code. `code` is the code at the start of `input`, and
    /// `after` is the input after the code.
    #[inline(always)]
    fn code(&mut self, code: Code, input: &'i [u8], after: &'i [u8], role: Role) -> Step<'i> {
        let span = self.between(input, after);
        self.begin_type(input)?;
        let (rest, name) = self.optional_name(after, role)?;
        self.visitor.code(code, span, name)?;
        Ok(rest)
    }

    /// Parses `complex = "Z" , [ { space } , ( "e" | "f" | "d" | "g" ) ] ;`. Returns the code, and the input after the
    /// code. The next character after the `Z` and the optional spaces decides the code:
    /// - `e`, `f`, `d` or `g`: a complex number
    /// - `:`, `}`, a byte-order character or the end of the format: `Z` alone, a pointer to `wchar_t`
    /// - any other character: an error
    fn complex(&mut self, input: &'i [u8]) -> Result<(Code, &'i [u8]), Refused> {
        let (alone, _) = char::<_, ()>('Z').parse(input)?;
        let (part, _) = take_while::<_, &[u8], ()>(is_space)(alone)?;
        match part.split_first() {
            None | Some((b':' | b'}' | b'@' | b'=' | b'<' | b'>' | b'!' | b'^', _)) => Ok((Code::WcharPointer, alone)),
            Some((&byte, after)) => match Code::complex_of(byte) {
                Some(code) => Ok((code, after)),
                None => Err(self.refuse_at(input, 2, Kind::ComplexPart { byte })),
            },
        }
    }

    /// Parses `structure = "T{" , format , "}" ;`
    #[inline(never)]
    fn structure(&mut self, input: &'i [u8], role: Role) -> Step<'i> {
        let Ok((inside, _)) = tag::<_, _, ()>("T{").parse(input) else {
            return Err(self.refuse_at(input, 1, Kind::StructureWithoutBrace));
        };
        self.begin_type(input)?;
        self.open_level(input)?;
        self.visitor.open_structure(self.position(input))?;
        let brace = self.format(inside)?;
        let Ok((after, _)) = char::<_, ()>('}').parse(brace) else {
            let opened = self.between(input, inside);
            return Err(self.refuse_unclosed(brace, 0, Kind::UnclosedStructure, opened));
        };
        self.close_level();
        let (rest, name) = self.optional_name(after, role)?;
        self.visitor.close_structure(self.position(brace), name)?;
        Ok(rest)
    }

    /// Parses `pointer = "&" , unnamed_item ;`
    fn pointer(&mut self, input: &'i [u8], role: Role) -> Step<'i> {
        let (target, _) = char::<_, ()>('&').parse(input)?;
        self.begin_type(input)?;
        self.open_level(input)?;
        self.visitor.open_pointer(self.position(input))?;
        let after = self.unnamed_item(target, Role::PointerTarget)?;
        self.close_level();
        let (rest, name) = self.optional_name(after, role)?;
        self.visitor.close_pointer(name)?;
        Ok(rest)
    }

    /// Parses `function = "X{" , { any byte but NUL, braces balanced } , "}" ;`
    fn function(&mut self, input: &'i [u8], role: Role) -> Step<'i> {
        let Ok((signature, _)) = tag::<_, _, ()>("X{").parse(input) else {
            return Err(self.refuse_at(input, 1, Kind::FunctionWithoutBrace));
        };
        let Ok((after, _)) = balanced(b'{', b'}')(signature) else {
            let opened = self.between(input, signature);
            return Err(self.refuse_unclosed(&[], 0, Kind::UnclosedFunction, opened));
        };
        let span = self.between(input, after);
        self.begin_type(input)?;
        let (rest, name) = self.optional_name(after, role)?;
        self.visitor.function(span, name)?;
        Ok(rest)
    }

    /// Parses `user_type = "[" , { any byte but NUL, brackets balanced }- , "]" ;`. The first byte after `[` must not
    /// be `$`.
    fn user_type(&mut self, input: &'i [u8], role: Role) -> Step<'i> {
        let (inside, _) = char::<_, ()>('[').parse(input)?;
        let Ok((after, text)) = balanced(b'[', b']')(inside) else {
            return Err(self.refuse_at(input, input.len(), Kind::UnclosedUserType));
        };
        let span = self.between(input, after);
        if matches!(text.first(), None | Some(b'$')) {
            return Err(self.refuse(Kind::EmptyUserType, span));
        }
        self.begin_type(input)?;
        let (rest, name) = self.optional_name(after, role)?;
        self.visitor.user_type(text, span, name)?;
        Ok(rest)
    }

    /// Parses `[ { space } , name ]`. Returns the input after the name, and the span of the name without its colons.
    /// Returns `input` and `None` if there is no name, or if `role` does not allow a name.
    // The method is inlined, because most items have no name. For an item without a name, the method only compares
    // the next byte.
    #[inline(always)]
    fn optional_name(&mut self, input: &'i [u8], role: Role) -> Result<(&'i [u8], Option<Span>), Refused> {
        match input.first() {
            Some(b':') if role == Role::Item => self.name(input),
            Some(byte) if is_space(*byte) && role == Role::Item => self.spaced_name(input),
            _ => Ok((input, None)),
        }
    }

    /// Parses `space , { space } , [ name ]`. Returns the input after the name, and the span of the name without its
    /// colons. Returns `input` and `None` if no name follows the white space, because the white space then belongs to
    /// the next production.
    fn spaced_name(&mut self, input: &'i [u8]) -> Result<(&'i [u8], Option<Span>), Refused> {
        let (colon, _) = spaces(input)?;
        if colon.first() != Some(&b':') {
            return Ok((input, None));
        }
        let colon = self.space(input)?;
        self.name(colon)
    }

    /// Parses `name = ":" , { any byte but ":" and NUL } , ":" ;`. `input` must start with the first colon. Returns
    /// the input after the name, and the span of the name without its colons. Returns an error if the name contains a
    /// NUL or has no closing colon.
    fn name(&mut self, input: &'i [u8]) -> Result<(&'i [u8], Option<Span>), Refused> {
        let Ok((rest, name)) = name(input) else {
            let from_nul = input.iter().position(|byte| *byte == 0).and_then(|nul| input.get(nul..));
            return Err(match from_nul {
                Some(from_nul) => self.refuse_at(from_nul, 1, Kind::EmbeddedNul),
                None => self.refuse_at(input, input.len(), Kind::UnclosedName),
            });
        };
        let start = self.position(input).saturating_add(1);
        Ok((rest, Some(Span::new(start, start.saturating_add(name.len())))))
    }

    /// Parses `space , { space }`. Calls the visitor once with the span of all adjacent white space.
    fn space(&mut self, input: &'i [u8]) -> Step<'i> {
        let (rest, _) = spaces(input)?;
        self.visitor.space(self.between(input, rest))?;
        Ok(rest)
    }

    /// Parses `{ space }`
    fn optional_space(&mut self, input: &'i [u8]) -> Step<'i> {
        match input.first() {
            Some(byte) if is_space(*byte) => self.space(input),
            _ => Ok(input),
        }
    }

    /// Counts an item. `input` starts at the type of the item, for the error message. Returns an error if the format
    /// has too many items.
    #[inline]
    fn begin_type(&mut self, input: &'i [u8]) -> Result<(), Refused> {
        self.items = self.items.wrapping_add(1);
        if self.items > self.limits.items {
            return Err(self.refuse_at(input, 1, Kind::TooManyItems { limit: self.limits.items }));
        }
        Ok(())
    }

    /// Subtracts 1 from the number of levels that can still be opened, for the structure or pointer at the start of
    /// `input`. Parses nothing. Returns an error if the limit of nested structures and pointers is reached.
    fn open_level(&mut self, input: &'i [u8]) -> Result<(), Refused> {
        match self.depth_left.checked_sub(1) {
            Some(left) => self.depth_left = left,
            None => {
                return Err(self.refuse_at(input, 1, Kind::TooDeep { limit: self.limits.depth }));
            }
        }
        Ok(())
    }

    /// Adds 1 to the number of levels that can still be opened, after the end of a structure or pointer.
    fn close_level(&mut self) {
        self.depth_left = self.depth_left.wrapping_add(1);
    }

    /// Returns the offset in bytes of `rest` in the source. `rest` must be a suffix of the source.
    #[inline]
    fn position(&self, rest: &[u8]) -> usize {
        self.source.len().wrapping_sub(rest.len())
    }

    /// Returns the span from the start of `input` to the start of `rest`. `input` and `rest` must be suffixes of the
    /// source.
    #[inline]
    fn between(&self, input: &[u8], rest: &[u8]) -> Span {
        Span::new(self.position(input), self.position(rest))
    }

    /// Returns the span of the first `len` bytes of `rest`. If `rest` has fewer than `len` bytes, returns the span of
    /// all bytes of `rest`.
    fn span_of_first(&self, rest: &[u8], len: usize) -> Span {
        let start = self.position(rest);
        Span::new(start, start.saturating_add(len.min(rest.len())))
    }

    /// Sets `refusal` to the reason `kind` and the offending bytes `span`. Returns the error value, for the caller to
    /// return.
    #[cold]
    fn refuse(&mut self, kind: Kind, span: Span) -> Refused {
        self.refusal = Some(Refusal { kind, span, opened: None });
        Refused
    }

    /// Sets `refusal` to the reason `kind`. The offending bytes are the first `len` bytes of `rest`. Returns the error
    /// value, for the caller to return.
    #[cold]
    fn refuse_at(&mut self, rest: &[u8], len: usize, kind: Kind) -> Refused {
        self.refuse(kind, self.span_of_first(rest, len))
    }

    /// Sets `refusal` to the reason `kind`. The offending bytes are the first `len` bytes of `rest`. Returns the error
    /// value, for the caller to return. `opened` is the span of the opening bracket that is not closed.
    #[cold]
    fn refuse_unclosed(&mut self, rest: &[u8], len: usize, kind: Kind, opened: Span) -> Refused {
        self.refusal = Some(Refusal { kind, span: self.span_of_first(rest, len), opened: Some(opened) });
        Refused
    }

    /// Sets `refusal` to the reason "the shape is not closed". Returns the error value, for the caller to return.
    /// `rest` starts at the position of the missing `)`. `shape` starts at the `(` of the shape.
    #[cold]
    fn unclosed_shape(&mut self, rest: &'i [u8], shape: &'i [u8]) -> Refused {
        self.refuse_unclosed(rest, 1, Kind::UnclosedShape, self.span_of_first(shape, 1))
    }

    /// Sets `refusal` to the reason why no token can start with `byte`: a NUL, a byte that is not ASCII, a name without
    /// an item, an item without a type, or an unknown character. Returns the error value, for the caller to return.
    /// `byte` must be the first byte of `input`. `prefix` describes the tokens of the item before `byte`.
    #[cold]
    fn refuse_unknown(&mut self, byte: u8, input: &'i [u8], prefix: Prefix) -> Refused {
        let kind = match byte {
            0 => Kind::EmbeddedNul,
            0x80.. => Kind::NonAscii { byte },
            b':' if prefix == Prefix::Empty => Kind::NameWithoutItem,
            b':' => missing_type(prefix),
            _ => Kind::UnknownCharacter { byte },
        };
        self.refuse_at(input, 1, kind)
    }
}

/// Returns the reason for the rejection of an item without a type. `prefix` describes the tokens of the item before the
/// missing type.
fn missing_type(prefix: Prefix) -> Kind {
    match prefix {
        Prefix::Count => Kind::CountWithoutCode,
        Prefix::Shape => Kind::ShapeWithoutCode,
        // Only the target of a pointer can lack a type after an empty prefix. Every other item without a type has a
        // shape or a count.
        Prefix::Empty => Kind::PointerWithoutTarget,
    }
}

/// Parses `space , { space }`. Returns the input after the white space, and the white space.
fn spaces(input: &[u8]) -> IResult<&[u8], &[u8], ()> {
    take_while1(is_space)(input)
}

/// Parses `":" , { any byte but ":" and NUL } , ":"`. Returns the input after the name, and the bytes between the
/// colons.
fn name(input: &[u8]) -> IResult<&[u8], &[u8], ()> {
    delimited(char(':'), take_while(|byte| byte != b':' && byte != 0), char(':')).parse(input)
}

/// Returns a parser for text in which the brackets `open` and `close` are balanced. The input of the parser starts
/// after an `open` byte. The parser returns the input after the matching `close` byte, and the bytes before this
/// byte.
fn balanced(open: u8, close: u8) -> impl Fn(&[u8]) -> IResult<&[u8], &[u8], ()> {
    move |input| {
        let mut depth = 0_usize;
        for (at, &byte) in input.iter().enumerate() {
            if byte == 0 {
                break;
            } else if byte == open {
                depth = depth.saturating_add(1);
            } else if byte == close {
                if depth == 0 {
                    let (body, rest) = input.split_at(at);
                    let (rest, _) = char(char::from(close)).parse(rest)?;
                    return Ok((rest, body));
                }
                depth = depth.saturating_sub(1);
            }
        }
        Err(Err::Error(()))
    }
}

/// Returns whether `byte` is white space by the rules of C's `isspace`, which include the vertical tab and the form
/// feed. `struct` skips the same bytes.
#[inline]
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// The kind of token that starts with a given byte.
#[derive(Clone, Copy, Debug, PartialEq)]
enum FirstByte {
    /// White space.
    Space,
    /// A byte order character.
    ByteOrder(ByteOrder),
    /// A shape: `(`.
    Parenthesis,
    /// A count: a digit.
    Digit,
    /// A type.
    Type(TypeByte),
    /// `}`, the end of a structure.
    ClosingBrace,
    /// No token starts with the byte.
    Unknown,
}

/// The kind of type that starts with a given byte.
#[derive(Clone, Copy, Debug, PartialEq)]
enum TypeByte {
    /// A format character other than `Z`.
    Code(Code),
    /// `Z`
    Complex,
    /// `T`
    Structure,
    /// `&`
    Pointer,
    /// `X`
    Function,
    /// `[`
    UserType,
}

impl FirstByte {
    /// Returns the kind of token that starts with `byte`.
    #[inline]
    fn of(byte: u8) -> Self {
        // The function reads a table, which takes one load instead of a sequence of comparisons.
        static OF_BYTE: [FirstByte; 256] = {
            let mut table = [FirstByte::Unknown; 256];
            let mut rest: &mut [FirstByte] = &mut table;
            let mut byte = 0_u8;
            while let [first, tail @ ..] = rest {
                *first = FirstByte::classify(byte);
                byte = byte.wrapping_add(1);
                rest = tail;
            }
            table
        };
        #[expect(clippy::indexing_slicing, reason = "the table has an entry for each byte")]
        OF_BYTE[usize::from(byte)]
    }

    /// Computes the kind of token that starts with `byte`, for the table in [`of`](Self::of).
    const fn classify(byte: u8) -> Self {
        match byte {
            b' ' | b'\t'..=b'\r' => Self::Space,
            b'(' => Self::Parenthesis,
            b'0'..=b'9' => Self::Digit,
            b'Z' => Self::Type(TypeByte::Complex),
            b'T' => Self::Type(TypeByte::Structure),
            b'&' => Self::Type(TypeByte::Pointer),
            b'X' => Self::Type(TypeByte::Function),
            b'[' => Self::Type(TypeByte::UserType),
            b'}' => Self::ClosingBrace,
            _ => match (Code::from_byte(byte), ByteOrder::from_byte(byte)) {
                (Some(code), _) => Self::Type(TypeByte::Code(code)),
                (None, Some(order)) => Self::ByteOrder(order),
                (None, None) => Self::Unknown,
            },
        }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_starts_the_part_that_the_grammar_defines() {
        let mut unknown = 0;
        for byte in 0..=u8::MAX {
            let first = FirstByte::of(byte);
            assert_eq!(first, FirstByte::classify(byte), "{byte:#x}");
            let (order, space) = (b"@=<>!^".contains(&byte), byte.is_ascii_whitespace() || byte == 0x0b);
            match first {
                FirstByte::Space => assert!(space),
                FirstByte::ByteOrder(found) => assert_eq!((found.as_str().as_bytes(), order), (&[byte][..], true)),
                FirstByte::Parenthesis => assert_eq!(byte, b'('),
                FirstByte::Digit => assert!(byte.is_ascii_digit()),
                FirstByte::Type(TypeByte::Code(code)) => assert_eq!(code.as_str().as_bytes(), [byte]),
                FirstByte::Type(TypeByte::Complex) => assert_eq!(byte, b'Z'),
                FirstByte::Type(TypeByte::Structure) => assert_eq!(byte, b'T'),
                FirstByte::Type(TypeByte::Pointer) => assert_eq!(byte, b'&'),
                FirstByte::Type(TypeByte::Function) => assert_eq!(byte, b'X'),
                FirstByte::Type(TypeByte::UserType) => assert_eq!(byte, b'['),
                FirstByte::ClosingBrace => assert_eq!(byte, b'}'),
                FirstByte::Unknown => {
                    assert!(!order && !space && !byte.is_ascii_digit() && Code::from_byte(byte).is_none());
                    unknown += 1;
                }
            }
        }
        // Known first bytes: 31 codes, 6 byte orders, 10 digits, 6 spaces, and 7 of other tokens.
        assert_eq!(unknown, 256 - 31 - 6 - 10 - 6 - 7);
    }
}
