//! The interface between the parser and the consumers of a format: [`Visitor`].

use super::code::{ByteOrder, Code};
use crate::span::Span;

/// Returned by a [`Visitor`] to end the visit. The visitor itself holds the reason.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stop;

/// A consumer of a format: one method for each production of the grammar in `docs/grammar.md`.
///
/// [`parse_events`](super::parse_events) calls the methods in the order of the source, and
/// [`Format::replay`](super::Format::replay) makes the same calls for a parsed format. The syntax tree, the layout and
/// the size of an item are three visitors, so that a caller who needs only the size allocates no tree.
///
/// The calls for one item are, in this order:
/// 1. any number of [`space`](Visitor::space), [`byte_order`](Visitor::byte_order), [`count`](Visitor::count), and
///    [`open_shape`](Visitor::open_shape) … [`close_shape`](Visitor::close_shape);
/// 2. one of [`code`](Visitor::code), [`function`](Visitor::function), [`user_type`](Visitor::user_type),
///    [`open_structure`](Visitor::open_structure) … [`close_structure`](Visitor::close_structure), or
///    [`open_pointer`](Visitor::open_pointer), the calls for the target, [`close_pointer`](Visitor::close_pointer).
///
/// The last call for an item receives its name. The span of a name excludes the colons.
pub(crate) trait Visitor {
    fn space(&mut self, _span: Span) -> Result<(), Stop> {
        Ok(())
    }
    fn byte_order(&mut self, _order: ByteOrder, _at: usize) -> Result<(), Stop> {
        Ok(())
    }
    /// `(` at `at`.
    fn open_shape(&mut self, _at: usize) -> Result<(), Stop> {
        Ok(())
    }
    fn dimension(&mut self, _length: u64, _span: Span) -> Result<(), Stop> {
        Ok(())
    }
    /// `)` at `at`.
    fn close_shape(&mut self, _at: usize) -> Result<(), Stop> {
        Ok(())
    }
    fn count(&mut self, _count: u64, _span: Span) -> Result<(), Stop> {
        Ok(())
    }
    /// A code, or a complex number; `span` excludes the name.
    fn code(&mut self, _code: Code, _span: Span, _name: Option<Span>) -> Result<(), Stop> {
        Ok(())
    }
    /// `T{` at `at`.
    fn open_structure(&mut self, _at: usize) -> Result<(), Stop> {
        Ok(())
    }
    /// `}` at `at`.
    fn close_structure(&mut self, _at: usize, _name: Option<Span>) -> Result<(), Stop> {
        Ok(())
    }
    /// `&` at `at`.
    fn open_pointer(&mut self, _at: usize) -> Result<(), Stop> {
        Ok(())
    }
    /// The target is complete. The name after the target is the name of the outermost pointer.
    fn close_pointer(&mut self, _name: Option<Span>) -> Result<(), Stop> {
        Ok(())
    }
    fn function(&mut self, _span: Span, _name: Option<Span>) -> Result<(), Stop> {
        Ok(())
    }
    fn user_type(&mut self, _span: Span, _name: Option<Span>) -> Result<(), Stop> {
        Ok(())
    }
}
