//! [`Format::replay`]: calls a visitor for the tokens of a format that is already parsed.

use super::ast::{ByteOrderCharacter, Format, Item, ItemType, Member, Prefix, Shape};
use super::parse::is_space;
use super::visitor::{Stop, Visitor};
use crate::span::Span;

impl Format {
    /// Calls the same methods of `visitor` as [`parse_events`](super::parse_events) would call for the source of
    /// this format. The source is not parsed again. Returns [`Stop`] when a method of `visitor` returns `Stop`.
    pub(crate) fn replay<V: Visitor>(&self, visitor: &mut V) -> Result<(), Stop> {
        let mut replay = Replay { source: self.as_bytes(), at: 0, visitor };
        replay.members(self.members())?;
        replay.space_until(self.as_bytes().len())
    }
}

/// The state of a replay: the visitor, and the offset in the source up to which the tokens were passed to the
/// visitor.
struct Replay<'f, 'v, V> {
    source: &'f [u8],
    /// The offset in bytes after the last token that was passed to the visitor.
    at: usize,
    visitor: &'v mut V,
}

// The methods call each other for nested items. The parser has limited the nesting of the format, so the recursion
// is bounded.
impl<V: Visitor> Replay<'_, '_, V> {
    /// Calls the visitor for all tokens of `members`. Returns [`Stop`] if the visitor returns `Stop`.
    fn members(&mut self, members: &[Member]) -> Result<(), Stop> {
        members.iter().try_for_each(|member| match member {
            Member::ByteOrder(character) => self.byte_order(character),
            Member::Item(item) => self.item(item),
        })
    }

    /// Calls the visitor for all tokens of `item`. Returns [`Stop`] if the visitor returns `Stop`.
    fn item(&mut self, item: &Item) -> Result<(), Stop> {
        for prefix in &item.prefix {
            match prefix {
                Prefix::Shape(shape) => self.shape(shape)?,
                Prefix::Count(count) => {
                    self.advance(count.span)?;
                    self.visitor.count(count.value, count.span)?;
                }
                Prefix::ByteOrder(character) => self.byte_order(character)?,
            }
        }
        let span = item.ty_span;
        self.space_until(span.start())?;
        match &item.ty {
            ItemType::Code(code) => {
                let name = self.name(item)?;
                self.visitor.code(*code, span, name)
            }
            ItemType::Structure(members) => {
                self.visitor.open_structure(span.start())?;
                self.at = span.start().saturating_add("T{".len());
                self.members(members)?;
                let brace = span.end().saturating_sub(1);
                self.space_until(brace)?;
                let name = self.name(item)?;
                self.visitor.close_structure(brace, name)
            }
            ItemType::Pointer(target) => {
                self.visitor.open_pointer(span.start())?;
                self.at = span.start().saturating_add("&".len());
                self.item(target)?;
                let name = self.name(item)?;
                self.visitor.close_pointer(name)
            }
            ItemType::Function(_) => {
                let name = self.name(item)?;
                self.visitor.function(span, name)
            }
            ItemType::User(_) => {
                let name = self.name(item)?;
                let text = span.of(self.source).get(1..span.len().saturating_sub(1)).ok_or(Stop)?;
                self.visitor.user_type(text, span, name)
            }
        }
    }

    /// Calls the visitor for the byte order character `character`. Returns [`Stop`] if the visitor returns `Stop`.
    fn byte_order(&mut self, character: &ByteOrderCharacter) -> Result<(), Stop> {
        self.advance(character.span)?;
        self.visitor.byte_order(character.order, character.span.start())
    }

    /// Calls the visitor for all tokens of `shape`. Returns [`Stop`] if the visitor returns `Stop`.
    fn shape(&mut self, shape: &Shape) -> Result<(), Stop> {
        self.space_until(shape.span.start())?;
        self.visitor.open_shape(shape.span.start())?;
        self.at = shape.span.start();
        for dimension in &shape.dimensions {
            // Skips the `(` or the `,` before the dimension.
            self.at = self.at.saturating_add(1);
            self.advance(dimension.span)?;
            self.visitor.dimension(dimension.length, dimension.span)?;
            let space = self.source.iter().skip(self.at).take_while(|byte| is_space(**byte)).count();
            self.space_until(self.at.saturating_add(space))?;
        }
        self.visitor.close_shape(self.at)?;
        self.at = shape.span.end();
        Ok(())
    }

    /// Returns the span of the name of `item` without the colons, and sets `at` to the end of `item`. Returns `None`
    /// if `item` has no name. Returns [`Stop`] if the visitor returns `Stop`.
    fn name(&mut self, item: &Item) -> Result<Option<Span>, Stop> {
        self.at = item.ty_span.end();
        let Some(name) = &item.name else { return Ok(None) };
        self.space_until(name.span.start().saturating_sub(1))?;
        self.at = name.span.end().saturating_add(1);
        Ok(Some(name.span))
    }

    /// Passes the white space before `token` to the visitor, and sets `at` to the end of `token`. Returns [`Stop`]
    /// if the visitor returns `Stop`.
    fn advance(&mut self, token: Span) -> Result<(), Stop> {
        self.space_until(token.start())?;
        self.at = token.end();
        Ok(())
    }

    /// Passes the bytes from `at` to the offset `start` to the visitor as white space, and sets `at` to `start`.
    /// Only white space can be between two tokens. Returns [`Stop`] if the visitor returns `Stop`.
    fn space_until(&mut self, start: usize) -> Result<(), Stop> {
        if self.at < start {
            self.visitor.space(Span::new(self.at, start))?;
            self.at = start;
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::unwrap_used)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;
    use core::fmt::Debug;

    use super::*;
    use crate::format::{ByteOrder, Code, Limits, parse_events};

    /// A visitor that stores the `Debug` text of each call, in the order of the calls.
    #[derive(Default)]
    struct Recorder(Vec<String>);

    impl Recorder {
        /// Stores the `Debug` text of `event`.
        fn event(&mut self, event: impl Debug) -> Result<(), Stop> {
            self.0.push(alloc::format!("{event:?}"));
            Ok(())
        }
    }

    impl Visitor for Recorder {
        fn space(&mut self, span: Span) -> Result<(), Stop> {
            self.event(("space", span))
        }
        fn byte_order(&mut self, order: ByteOrder, at: usize) -> Result<(), Stop> {
            self.event(("byte_order", order, at))
        }
        fn open_shape(&mut self, at: usize) -> Result<(), Stop> {
            self.event(("open_shape", at))
        }
        fn dimension(&mut self, length: u64, span: Span) -> Result<(), Stop> {
            self.event(("dimension", length, span))
        }
        fn close_shape(&mut self, at: usize) -> Result<(), Stop> {
            self.event(("close_shape", at))
        }
        fn count(&mut self, count: u64, span: Span) -> Result<(), Stop> {
            self.event(("count", count, span))
        }
        fn code(&mut self, code: Code, span: Span, name: Option<Span>) -> Result<(), Stop> {
            self.event(("code", code, span, name))
        }
        fn open_structure(&mut self, at: usize) -> Result<(), Stop> {
            self.event(("open_structure", at))
        }
        fn close_structure(&mut self, at: usize, name: Option<Span>) -> Result<(), Stop> {
            self.event(("close_structure", at, name))
        }
        fn open_pointer(&mut self, at: usize) -> Result<(), Stop> {
            self.event(("open_pointer", at))
        }
        fn close_pointer(&mut self, name: Option<Span>) -> Result<(), Stop> {
            self.event(("close_pointer", name))
        }
        fn function(&mut self, span: Span, name: Option<Span>) -> Result<(), Stop> {
            self.event(("function", span, name))
        }
        fn user_type(&mut self, text: &[u8], span: Span, name: Option<Span>) -> Result<(), Stop> {
            self.event(("user_type", text, span, name))
        }
    }

    /// Compares the calls of `parse_events` with the calls of `replay`, for every format that is a sequence of at
    /// most four elements of `PARTS`.
    #[test]
    fn a_parsed_format_replays_the_events_of_the_parser() {
        const PARTS: [&str; 17] = [
            "i",
            "Z  d",
            "Z",
            "<",
            ">",
            " ",
            "\t ",
            "03",
            "( 2,3 , 4 )",
            "(5)",
            "T{",
            "}",
            "&",
            "X{i{}}",
            "[a$b]",
            ":n:",
            "::",
        ];
        let mut formats: Vec<String> = Vec::from([String::new()]);
        let (mut start, mut compared) = (0, 0);
        for _ in 0..4 {
            let end = formats.len();
            for index in start..end {
                for part in PARTS {
                    let format = formats.get(index).unwrap().clone() + part;
                    let (mut parsed, mut replayed) = (Recorder::default(), Recorder::default());
                    if let Ok(tree) = Format::parse(format.as_bytes()) {
                        assert!(parse_events(format.as_bytes(), &Limits::DEFAULT, &mut parsed).is_ok());
                        tree.replay(&mut replayed).unwrap();
                        assert_eq!(parsed.0, replayed.0, "{format}");
                        compared += 1;
                    }
                    formats.push(format);
                }
            }
            start = end;
        }
        assert!(compared > 10_000, "{compared}");
    }
}
