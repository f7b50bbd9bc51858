//! What the parser tells while it reads: one call a token.
//!
//! The same grammar serves three readers: the AST, the layout and the size alone. A reader that
//! wants no AST allocates none.

use super::code::{ByteOrder, Code};
use crate::span::Span;

/// The reader wants no more. It has kept the reason for itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stop;

/// A reader of a format string. Calls come in the order of the source.
///
/// An item is: any number of [`shape`](Events::open_shape), [`count`](Events::count),
/// [`byte_order`](Events::byte_order) and [`whitespace`](Events::whitespace) calls, then one of
/// `code`, `function`, `user_type`, or `open_record` … `close_record`, or `open_pointer`, the item
/// pointed to, `close_pointer`. The name comes with the call that ends the item.
pub(crate) trait Events {
    fn whitespace(&mut self, _span: Span) -> Result<(), Stop> {
        Ok(())
    }
    fn byte_order(&mut self, _order: ByteOrder, _at: usize) -> Result<(), Stop> {
        Ok(())
    }
    fn open_shape(&mut self, _at: usize) -> Result<(), Stop> {
        Ok(())
    }
    fn dimension(&mut self, _extent: u64, _span: Span) -> Result<(), Stop> {
        Ok(())
    }
    fn close_shape(&mut self, _at: usize) -> Result<(), Stop> {
        Ok(())
    }
    fn count(&mut self, _count: u64, _span: Span) -> Result<(), Stop> {
        Ok(())
    }
    fn code(&mut self, _code: Code, _span: Span, _name: Option<Span>) -> Result<(), Stop> {
        Ok(())
    }
    fn function(&mut self, _span: Span, _name: Option<Span>) -> Result<(), Stop> {
        Ok(())
    }
    fn user_type(&mut self, _span: Span, _name: Option<Span>) -> Result<(), Stop> {
        Ok(())
    }
    fn open_record(&mut self, _at: usize) -> Result<(), Stop> {
        Ok(())
    }
    fn close_record(&mut self, _at: usize, _name: Option<Span>) -> Result<(), Stop> {
        Ok(())
    }
    fn open_pointer(&mut self, _at: usize) -> Result<(), Stop> {
        Ok(())
    }
    fn close_pointer(&mut self, _name: Option<Span>) -> Result<(), Stop> {
        Ok(())
    }
}
