//! The interface between the parser and the code that processes the tokens of a format: [`Visitor`]. [`Stop`] is the
//! error with which a visitor ends the parsing.

use super::code::{ByteOrder, Code};
use crate::span::Span;

/// The error with which a method of a [`Visitor`] ends the parsing. The visitor itself stores the reason.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stop;

/// A type that processes the tokens of a format. The parser calls one method for each token of the grammar in
/// `docs/grammar.md`.
///
/// [`parse_events`](super::parse_events) calls the methods in source order. [`Format::replay`](super::Format::replay)
/// makes the same calls for a format that is already parsed. Three visitors compute the syntax tree, the layout and the
/// item size. A caller that needs only the size therefore allocates no tree.
///
/// The calls for one item are, in this order:
/// 1. any number of [`space`](Visitor::space), [`byte_order`](Visitor::byte_order), [`count`](Visitor::count), and
///    [`open_shape`](Visitor::open_shape) … [`close_shape`](Visitor::close_shape);
/// 2. one of [`code`](Visitor::code), [`function`](Visitor::function), [`user_type`](Visitor::user_type),
///    [`open_structure`](Visitor::open_structure) … [`close_structure`](Visitor::close_structure), or
///    [`open_pointer`](Visitor::open_pointer), the calls for the target, [`close_pointer`](Visitor::close_pointer).
///
/// In every method, `at` is the offset of the token in bytes. `name` is the span of the item's name without the colons,
/// or `None` if the item has no name. The method that is called last for an item receives `name`. A method returns the
/// error [`Stop`] to end the parsing.
///
/// Every method does nothing by default, because most visitors process only some of the tokens.
pub(crate) trait Visitor {
    /// Receives white space. `span` contains all adjacent white space.
    fn space(&mut self, _span: Span) -> Result<(), Stop> {
        Ok(())
    }
    /// Receives the byte order character `order` at offset `at`.
    fn byte_order(&mut self, _order: ByteOrder, _at: usize) -> Result<(), Stop> {
        Ok(())
    }
    /// Receives the `(` of a shape at offset `at`.
    fn open_shape(&mut self, _at: usize) -> Result<(), Stop> {
        Ok(())
    }
    /// Receives one dimension of a shape. `length` is its number of elements, and `span` contains the digits.
    fn dimension(&mut self, _length: u64, _span: Span) -> Result<(), Stop> {
        Ok(())
    }
    /// Receives the `)` of a shape at offset `at`.
    fn close_shape(&mut self, _at: usize) -> Result<(), Stop> {
        Ok(())
    }
    /// Receives the number before a type, which is a repeat count or a length. `span` contains the digits.
    fn count(&mut self, _count: u64, _span: Span) -> Result<(), Stop> {
        Ok(())
    }
    /// Receives the format character `code`, which can be a complex number such as `Zd`. `span` does not contain the
    /// name.
    fn code(&mut self, _code: Code, _span: Span, _name: Option<Span>) -> Result<(), Stop> {
        Ok(())
    }
    /// Receives the `T{` of a structure at offset `at`.
    fn open_structure(&mut self, _at: usize) -> Result<(), Stop> {
        Ok(())
    }
    /// Receives the `}` of a structure at offset `at`.
    fn close_structure(&mut self, _at: usize, _name: Option<Span>) -> Result<(), Stop> {
        Ok(())
    }
    /// Receives the `&` of a pointer at offset `at`.
    fn open_pointer(&mut self, _at: usize) -> Result<(), Stop> {
        Ok(())
    }
    /// Ends the pointer that [`open_pointer`](Self::open_pointer) began. The parser calls this method after the calls
    /// for the target. A name belongs to the outermost pointer, so `name` is `None` for every inner pointer.
    fn close_pointer(&mut self, _name: Option<Span>) -> Result<(), Stop> {
        Ok(())
    }
    /// Receives a function pointer `X{…}`. `span` does not contain the name.
    fn function(&mut self, _span: Span, _name: Option<Span>) -> Result<(), Stop> {
        Ok(())
    }
    /// Receives a user type `[…]`. `text` has the bytes between the brackets. `span` does not contain the name of the
    /// item.
    fn user_type(&mut self, _text: &[u8], _span: Span, _name: Option<Span>) -> Result<(), Stop> {
        Ok(())
    }
}
