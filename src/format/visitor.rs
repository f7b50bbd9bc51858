//! The interface between the parser and the code that processes a format: [`Visitor`].

use super::code::{ByteOrder, Code};
use crate::span::Span;

/// The error that a [`Visitor`] returns to end the visit. The visitor stores the reason.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stop;

/// A type that processes the tokens of a format. The parser calls one method for each token of the grammar in
/// `docs/grammar.md`.
///
/// [`parse_events`](super::parse_events) calls the methods in source order. [`Format::replay`](super::Format::replay)
/// makes the same calls for a format that is already parsed. Three visitors compute the syntax tree, the layout and
/// the item size. A caller who needs only the size therefore allocates no tree.
///
/// The calls for one item are, in this order:
/// 1. any number of [`space`](Visitor::space), [`byte_order`](Visitor::byte_order), [`count`](Visitor::count), and
///    [`open_shape`](Visitor::open_shape) … [`close_shape`](Visitor::close_shape);
/// 2. one of [`code`](Visitor::code), [`function`](Visitor::function), [`user_type`](Visitor::user_type),
///    [`open_structure`](Visitor::open_structure) … [`close_structure`](Visitor::close_structure), or
///    [`open_pointer`](Visitor::open_pointer), the calls for the target, [`close_pointer`](Visitor::close_pointer).
///
/// The parameter `at` is the offset of a token in bytes. The parameter `name` is the span of the name without its
/// colons, or `None` if the item has no name. The last call for an item has the parameter `name`.
///
/// Every method does nothing by default, because most visitors need only some of the tokens.
pub(crate) trait Visitor {
    /// Receives the white space `span`.
    fn space(&mut self, _span: Span) -> Result<(), Stop> {
        Ok(())
    }
    /// Receives the byte order character at offset `at`.
    fn byte_order(&mut self, _order: ByteOrder, _at: usize) -> Result<(), Stop> {
        Ok(())
    }
    /// Receives the `(` at offset `at`.
    fn open_shape(&mut self, _at: usize) -> Result<(), Stop> {
        Ok(())
    }
    /// Receives a dimension of the open shape. `span` contains the digits.
    fn dimension(&mut self, _length: u64, _span: Span) -> Result<(), Stop> {
        Ok(())
    }
    /// Receives the `)` at offset `at`.
    fn close_shape(&mut self, _at: usize) -> Result<(), Stop> {
        Ok(())
    }
    /// Receives a repeat count or a length. `span` contains the digits.
    fn count(&mut self, _count: u64, _span: Span) -> Result<(), Stop> {
        Ok(())
    }
    /// Receives a format character, or a complex number such as `Zd`. `span` excludes the name.
    fn code(&mut self, _code: Code, _span: Span, _name: Option<Span>) -> Result<(), Stop> {
        Ok(())
    }
    /// Receives the `T{` at offset `at`.
    fn open_structure(&mut self, _at: usize) -> Result<(), Stop> {
        Ok(())
    }
    /// Receives the `}` at offset `at`.
    fn close_structure(&mut self, _at: usize, _name: Option<Span>) -> Result<(), Stop> {
        Ok(())
    }
    /// Receives the `&` at offset `at`.
    fn open_pointer(&mut self, _at: usize) -> Result<(), Stop> {
        Ok(())
    }
    /// Receives the end of a pointer, after the calls for its target. A name belongs to the outermost pointer, so
    /// `name` is `None` for every inner pointer.
    fn close_pointer(&mut self, _name: Option<Span>) -> Result<(), Stop> {
        Ok(())
    }
    /// Receives a function pointer `X{…}`. `span` excludes the name.
    fn function(&mut self, _span: Span, _name: Option<Span>) -> Result<(), Stop> {
        Ok(())
    }
    /// Receives a user type `[…]`. `span` excludes the name.
    fn user_type(&mut self, _span: Span, _name: Option<Span>) -> Result<(), Stop> {
        Ok(())
    }
}
