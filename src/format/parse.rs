//! The grammar, in nom.
//!
//! ```text
//! format := { space | mark | item }                      the empty string is legal
//! item   := { space | mark | shape } [ count ] { space | mark } type [ { space } ":" name ":" ]
//! shape  := "(" { space } int { space } { "," { space } int { space } } ")"
//! mark   := "@" | "=" | "<" | ">" | "!" | "^"
//! type   := "T{" format "}" | "&" item-without-name | "X{" balanced "}" | "[" balanced "]"
//!         | "Z" [ { space } ( "e" | "f" | "d" | "g" ) ] | code
//! name   := any bytes but ":" and NUL
//! space  := " " | TAB | LF | VT | FF | CR
//! ```
//!
//! Dispatch is on the first byte; the loop keeps open structures in a bit mask, so that no input can
//! deepen a recursion. nom's error is the unit type on the way: the reason for a refusal is written
//! down once, where it is noticed, and costs nothing while all is well.

use alloc::vec::Vec;

use nom::bytes::complete::{take_while, take_while1};
use nom::character::complete::{char, digit1};
use nom::sequence::delimited;
use nom::{Err, IResult, Parser};

use super::code::{ByteOrder, Code};
use super::error::{FormatError, FormatErrorKind as Kind};
use super::limits::Limits;
use super::token::Start;
use super::visitor::{Stop, Visitor};
use crate::span::Span;

/// What is left to read, or an error whose reason is in [`Driver::refusal`].
type Step<'i> = Result<&'i [u8], Refused>;

/// nom's error with nothing in it, in less room: a step is returned in registers.
struct Refused;

impl From<Err<()>> for Refused {
    fn from(_: Err<()>) -> Self {
        Self
    }
}

/// Deepest nesting that the bit mask of open frames can hold.
const DEEPEST: usize = 64;

/// Why reading ended early.
pub(crate) enum Failure {
    /// The text is not a format.
    Grammar(FormatError),
    /// The reader of the events wanted no more and knows why.
    Stopped,
}

/// Reads `source` and tells `events` what is in it.
#[inline]
pub(crate) fn parse_events<E: Visitor>(source: &[u8], limits: &Limits, events: &mut E) -> Result<(), Failure> {
    let mut driver = Driver::new(source, limits, events);
    if driver.format().is_ok() {
        return Ok(());
    }
    let refusal = driver.refusal;
    Err(explain(source, limits, refusal))
}

/// Turns the noted reason into an error with all that belongs to it.
#[cold]
fn explain(source: &[u8], limits: &Limits, refusal: Option<(Kind, Span)>) -> Failure {
    let Some((kind, span)) = refusal else {
        return Failure::Stopped;
    };
    let end = Span::new(source.len(), source.len());
    let (span, opened) = match kind {
        Kind::UnclosedStructure => (span, innermost_open(source, limits)),
        Kind::UnclosedFunction => (end, Some(Span::new(span.start(), span.start().saturating_add(2)))),
        Kind::UnclosedShape => (span, last_open_parenthesis(source, span)),
        _ => (span, None),
    };
    Failure::Grammar(FormatError::new(kind, span, opened, source))
}

/// What of an item has been read already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pending {
    Nothing,
    Shape,
    Count,
}

struct Driver<'i, 'e, E> {
    source: &'i [u8],
    events: &'e mut E,
    pending: Pending,
    /// One bit an open frame, innermost lowest: set for a pointer, clear for a structure.
    pointers: u64,
    depth: usize,
    depth_limit: usize,
    items: usize,
    /// Dimensions of the item that is being read.
    dimensions: usize,
    limits: &'e Limits,
    refusal: Option<(Kind, Span)>,
}

impl<'i, 'e, E: Visitor> Driver<'i, 'e, E> {
    #[inline]
    fn new(source: &'i [u8], limits: &'e Limits, events: &'e mut E) -> Self {
        Self {
            source,
            events,
            pending: Pending::Nothing,
            pointers: 0,
            depth: 0,
            depth_limit: limits.depth.min(DEEPEST),
            items: 0,
            dimensions: 0,
            limits,
            refusal: None,
        }
    }

    #[inline]
    fn format(&mut self) -> Result<(), Refused> {
        let len = self.source.len();
        if len > self.limits.bytes {
            let bytes = u64::try_from(len).unwrap_or(u64::MAX);
            return Err(self.refuse(Kind::TooLong { bytes, limit: self.limits.bytes }, Span::default()));
        }
        let mut rest = self.source;
        while let Some((&first, after)) = rest.split_first() {
            rest = match Start::of(first) {
                Start::Code(code) => self.code(code, rest, after)?,
                Start::Mark(order) => self.mark(order, rest, after)?,
                Start::Count => self.count(rest)?,
                Start::Spaces => self.spaces(rest)?,
                Start::Record => self.open_record(rest)?,
                Start::Close => self.close_record(rest)?,
                Start::Shape => self.shape(rest)?,
                Start::Pointer => self.open_pointer(rest)?,
                Start::Complex => self.complex(rest)?,
                Start::Function => self.function(rest)?,
                Start::UserType => self.user_type(rest)?,
                Start::Unknown => return Err(self.stranger(first, rest)),
            };
        }
        self.end()
    }

    #[cold]
    fn end_refused(&mut self) -> Refused {
        let end = Span::new(self.source.len(), self.source.len());
        let kind = match self.pending {
            Pending::Count => Kind::CountWithoutCode,
            Pending::Shape => Kind::ShapeWithoutCode,
            Pending::Nothing if self.in_pointer() => Kind::PointerWithoutTarget,
            Pending::Nothing => Kind::UnclosedStructure,
        };
        self.refuse(kind, end)
    }

    #[inline]
    fn end(&mut self) -> Result<(), Refused> {
        if self.pending != Pending::Nothing || self.depth > 0 {
            return Err(self.end_refused());
        }
        Ok(())
    }

    fn spaces(&mut self, rest: &'i [u8]) -> Step<'i> {
        let (after, _) = spaces(rest)?;
        let span = self.between(rest, after);
        self.go_on(after, |events| events.space(span))
    }

    #[inline]
    fn mark(&mut self, order: ByteOrder, rest: &'i [u8], after: &'i [u8]) -> Step<'i> {
        let at = self.position(rest);
        self.go_on(after, |events| events.byte_order(order, at))
    }

    /// Names the reason for a byte that starts nothing.
    #[cold]
    fn stranger(&mut self, byte: u8, rest: &'i [u8]) -> Refused {
        let kind = match (byte, self.pending) {
            (0, _) => Kind::EmbeddedNul,
            (0x80.., _) => Kind::NonAscii { byte },
            (b':', Pending::Count) => Kind::CountWithoutCode,
            (b':', Pending::Shape) => Kind::ShapeWithoutCode,
            (b':', Pending::Nothing) => Kind::NameWithoutItem,
            _ => Kind::UnknownCharacter { byte },
        };
        self.refuse_here(kind, rest, 1)
    }

    #[inline]
    fn count(&mut self, rest: &'i [u8]) -> Step<'i> {
        let (after, digits) = digit1::<&[u8], ()>(rest)?;
        let span = self.between(rest, after);
        if self.pending == Pending::Count {
            return Err(self.refuse(Kind::TwoCounts, span));
        }
        let Some(count) = decimal(digits) else {
            return Err(self.refuse(Kind::NumberTooLarge, span));
        };
        self.pending = Pending::Count;
        self.go_on(after, |events| events.count(count, span))
    }

    fn shape(&mut self, rest: &'i [u8]) -> Step<'i> {
        if self.pending == Pending::Count {
            return Err(self.refuse_here(Kind::CountBeforeShape, rest, 1));
        }
        if self.pending == Pending::Nothing {
            self.dimensions = 0;
        }
        self.pending = Pending::Shape;
        let at = self.position(rest);
        let (mut after, _) = char::<_, ()>('(').parse(rest)?;
        self.tell(|events| events.open_shape(at))?;
        loop {
            after = self.padded_dimension(after)?;
            match after.split_first() {
                Some((b',', next)) => after = next,
                Some((b')', next)) => {
                    let at = self.position(after);
                    return self.go_on(next, |events| events.close_shape(at));
                }
                Some((&byte @ (b'0'..=b'9' | b'_' | b'.' | b'+' | b'-'), _)) => {
                    return Err(self.refuse_here(Kind::DimensionCharacter { byte }, after, 1));
                }
                _ => return Err(self.refuse_here(Kind::UnclosedShape, after, 1)),
            }
        }
    }

    fn padded_dimension(&mut self, rest: &'i [u8]) -> Step<'i> {
        let rest = self.optional_spaces(rest)?;
        let Ok((after, digits)) = digit1::<&[u8], ()>(rest) else {
            return Err(match rest.first() {
                None => self.refuse_here(Kind::UnclosedShape, rest, 0),
                Some(b',' | b')') => self.refuse_here(Kind::EmptyDimension, rest, 1),
                Some(&byte) => self.refuse_here(Kind::DimensionCharacter { byte }, rest, 1),
            });
        };
        let span = self.between(rest, after);
        let Some(extent) = decimal(digits) else {
            return Err(self.refuse(Kind::NumberTooLarge, span));
        };
        self.dimensions = self.dimensions.wrapping_add(1);
        if self.dimensions > self.limits.dimensions {
            return Err(self.refuse(Kind::TooManyDimensions { limit: self.limits.dimensions }, span));
        }
        self.tell(|events| events.dimension(extent, span))?;
        self.optional_spaces(after)
    }

    #[inline(always)]
    fn code(&mut self, code: Code, rest: &'i [u8], after: &'i [u8]) -> Step<'i> {
        let span = self.between(rest, after);
        self.begin_type(rest)?;
        self.end_type(after, |events, name| events.code(code, span, name))
    }

    fn complex(&mut self, rest: &'i [u8]) -> Step<'i> {
        let (after, _) = char::<_, ()>('Z').parse(rest)?;
        let (part, _) = take_while::<_, &[u8], ()>(is_space)(after)?;
        let (code, after) = match part.split_first() {
            None | Some((b':' | b'}' | b'@' | b'=' | b'<' | b'>' | b'!' | b'^', _)) => (Code::WcharPointer, after),
            Some((&byte, next)) => match Code::complex_of(byte) {
                Some(code) => (code, next),
                None => return Err(self.refuse_here(Kind::ComplexPart { byte }, rest, 2)),
            },
        };
        self.code(code, rest, after)
    }

    fn function(&mut self, rest: &'i [u8]) -> Step<'i> {
        let Some(signature) = rest.strip_prefix(b"X{") else {
            return Err(self.refuse_here(Kind::FunctionWithoutBrace, rest, 1));
        };
        let Ok((after, _)) = balanced(b'{', b'}')(signature) else {
            return Err(self.refuse_here(Kind::UnclosedFunction, rest, 2));
        };
        let span = self.between(rest, after);
        self.begin_type(rest)?;
        self.end_type(after, |events, name| events.function(span, name))
    }

    fn user_type(&mut self, rest: &'i [u8]) -> Step<'i> {
        let (inside, _) = char::<_, ()>('[').parse(rest)?;
        let Ok((after, body)) = balanced(b'[', b']')(inside) else {
            return Err(self.refuse_here(Kind::UnclosedUserType, rest, rest.len()));
        };
        if matches!(body.first(), None | Some(b'$')) {
            return Err(self.refuse(Kind::EmptyUserType, self.between(rest, after)));
        }
        let span = self.between(rest, after);
        self.begin_type(rest)?;
        self.end_type(after, |events, name| events.user_type(span, name))
    }

    fn open_record(&mut self, rest: &'i [u8]) -> Step<'i> {
        let Some(after) = rest.strip_prefix(b"T{") else {
            return Err(self.refuse_here(Kind::StructureWithoutBrace, rest, 1));
        };
        let at = self.position(rest);
        self.begin_type(rest)?;
        self.push(false, rest)?;
        self.go_on(after, |events| events.open_structure(at))
    }

    fn close_record(&mut self, rest: &'i [u8]) -> Step<'i> {
        match self.pending {
            Pending::Count => return Err(self.refuse_here(Kind::CountWithoutCode, rest, 1)),
            Pending::Shape => return Err(self.refuse_here(Kind::ShapeWithoutCode, rest, 1)),
            Pending::Nothing => {}
        }
        if self.in_pointer() {
            return Err(self.refuse_here(Kind::PointerWithoutTarget, rest, 1));
        }
        if self.depth == 0 {
            return Err(self.refuse_here(Kind::UnopenedStructure, rest, 1));
        }
        self.pop();
        let at = self.position(rest);
        let (after, _) = char::<_, ()>('}').parse(rest)?;
        self.end_type(after, |events, name| events.close_structure(at, name))
    }

    fn open_pointer(&mut self, rest: &'i [u8]) -> Step<'i> {
        let (after, _) = char::<_, ()>('&').parse(rest)?;
        let at = self.position(rest);
        self.begin_type(rest)?;
        self.push(true, rest)?;
        self.go_on(after, |events| events.open_pointer(at))
    }

    /// A type begins: whatever stood before it has found its item.
    #[inline]
    fn begin_type(&mut self, rest: &'i [u8]) -> Result<(), Refused> {
        self.pending = Pending::Nothing;
        self.items = self.items.wrapping_add(1);
        if self.items > self.limits.items {
            return Err(self.refuse_here(Kind::TooManyItems { limit: self.limits.items }, rest, 1));
        }
        Ok(())
    }

    /// A type has ended: reads the name, which belongs to the outermost pointer if there is one.
    #[inline]
    fn end_type(&mut self, rest: &'i [u8], tell: impl FnOnce(&mut E, Option<Span>) -> Result<(), Stop>) -> Step<'i> {
        let (after, name) = if self.in_pointer() { (rest, None) } else { self.optional_name(rest)? };
        // One call for all cases, so that it is compiled into its place.
        self.tell(|events| tell(events, name))?;
        if self.in_pointer() {
            return self.end_pointers(after);
        }
        Ok(after)
    }

    // Most items have none, and then this is a look at the next byte.
    #[inline(always)]
    fn optional_name(&mut self, rest: &'i [u8]) -> Result<(&'i [u8], Option<Span>), Refused> {
        match rest.first() {
            Some(b':') => self.name(rest),
            Some(b' ' | b'\t'..=b'\r') => self.spaced_name(rest),
            _ => Ok((rest, None)),
        }
    }

    /// A space may stand between an item and its name.
    fn spaced_name(&mut self, rest: &'i [u8]) -> Result<(&'i [u8], Option<Span>), Refused> {
        let (after, _) = spaces(rest)?;
        if after.first() != Some(&b':') {
            return Ok((rest, None));
        }
        let span = self.between(rest, after);
        self.tell(|events| events.space(span))?;
        self.name(after)
    }

    fn name(&mut self, rest: &'i [u8]) -> Result<(&'i [u8], Option<Span>), Refused> {
        let Ok((after, name)) = name(rest) else {
            let nul = rest.iter().position(|byte| *byte == 0);
            let colon = rest.iter().skip(1).position(|byte| *byte == b':');
            return Err(match (nul, colon) {
                (Some(nul), _) => self.refuse_here(Kind::EmbeddedNul, rest.get(nul..).unwrap_or_default(), 1),
                _ => self.refuse_here(Kind::UnclosedName, rest, rest.len()),
            });
        };
        let start = self.position(rest).saturating_add(1);
        Ok((after, Some(Span::new(start, start.saturating_add(name.len())))))
    }

    #[cold]
    fn end_pointers(&mut self, rest: &'i [u8]) -> Step<'i> {
        loop {
            self.pop();
            if !self.in_pointer() {
                return self.end_type(rest, |events, name| events.close_pointer(name));
            }
            self.tell(|events| events.close_pointer(None))?;
        }
    }

    fn optional_spaces(&mut self, rest: &'i [u8]) -> Step<'i> {
        match rest.first() {
            Some(byte) if is_space(*byte) => self.spaces(rest),
            _ => Ok(rest),
        }
    }

    fn in_pointer(&self) -> bool {
        self.depth > 0 && self.pointers & 1 == 1
    }

    fn push(&mut self, pointer: bool, rest: &'i [u8]) -> Result<(), Refused> {
        if self.depth >= self.depth_limit {
            return Err(self.refuse_here(Kind::TooDeep { limit: self.depth_limit }, rest, 1));
        }
        self.depth = self.depth.wrapping_add(1);
        self.pointers = self.pointers.wrapping_shl(1) | u64::from(pointer);
        Ok(())
    }

    fn pop(&mut self) {
        self.depth = self.depth.wrapping_sub(1);
        self.pointers = self.pointers.wrapping_shr(1);
    }

    #[inline]
    fn tell(&mut self, call: impl FnOnce(&mut E) -> Result<(), Stop>) -> Result<(), Refused> {
        call(self.events).map_err(|Stop| Refused)
    }

    #[inline]
    fn go_on(&mut self, after: &'i [u8], call: impl FnOnce(&mut E) -> Result<(), Stop>) -> Step<'i> {
        self.tell(call)?;
        Ok(after)
    }

    /// Where `rest`, a suffix of the source, starts.
    #[inline]
    fn position(&self, rest: &[u8]) -> usize {
        self.source.len().wrapping_sub(rest.len())
    }

    #[inline]
    fn between(&self, rest: &[u8], after: &[u8]) -> Span {
        Span::new(self.position(rest), self.position(after))
    }

    #[cold]
    fn refuse(&mut self, kind: Kind, span: Span) -> Refused {
        self.refusal = Some((kind, span));
        Refused
    }

    #[cold]
    fn refuse_here(&mut self, kind: Kind, rest: &[u8], len: usize) -> Refused {
        let start = self.position(rest);
        let span = Span::new(start, start.saturating_add(len).min(self.source.len()));
        self.refuse(kind, span)
    }
}

fn spaces(input: &[u8]) -> IResult<&[u8], &[u8], ()> {
    take_while1(is_space)(input)
}

fn name(input: &[u8]) -> IResult<&[u8], &[u8], ()> {
    delimited(char(':'), take_while(|byte| byte != b':' && byte != 0), char(':')).parse(input)
}

/// Everything up to the closing byte that matches one opened before; the closing byte is consumed.
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

/// `struct` skips what C's `isspace` calls a space: vertical tab and form feed too.
#[inline]
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

#[inline]
fn decimal(digits: &[u8]) -> Option<u64> {
    digits
        .iter()
        .try_fold(0_u64, |number, digit| number.checked_mul(10)?.checked_add(u64::from(digit.wrapping_sub(b'0'))))
}

/// The parenthesis of a shape that ends, unclosed, at `end`. Shapes hold no parentheses.
fn last_open_parenthesis(source: &[u8], end: Span) -> Option<Span> {
    let at = source.get(..end.start())?.iter().rposition(|byte| *byte == b'(')?;
    Some(Span::new(at, at.saturating_add(1)))
}

/// Finds the structure that is still open where the source ends. Only ever run on the way to an error.
fn innermost_open(source: &[u8], limits: &Limits) -> Option<Span> {
    struct Open(Vec<usize>);
    impl Visitor for Open {
        fn open_structure(&mut self, at: usize) -> Result<(), Stop> {
            self.0.push(at);
            Ok(())
        }
        fn close_structure(&mut self, _: usize, _: Option<Span>) -> Result<(), Stop> {
            self.0.pop();
            Ok(())
        }
    }
    let mut open = Open(Vec::new());
    let mut driver = Driver::new(source, limits, &mut open);
    let _ = driver.format();
    open.0.last().map(|&at| Span::new(at, at.saturating_add(2)))
}
