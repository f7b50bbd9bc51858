//! Visitor of the parser to offsets: where every field lies.
//!
//! One pass, no tree in between. The same resolver tells the size alone when its output is the unit
//! type: then it allocates nothing.

use alloc::vec::Vec;

use super::dialect::{
    Alignment, Dialect, NamedPadding, NativeOnly, Placement, StructureSize, Syntax, TrailingPadding, Whitespace,
    ZeroCount,
};
use super::error::{Construct, LayoutError, LayoutErrorKind as Kind};
use super::model::{NO_NAME, Node};
use super::scalar::{self, Entry};
use super::sink::Output;
use super::ty::Type;
use crate::abi::DataModel;
use crate::align::Align;
use crate::format::{ByteOrder, Code, Failure, Stop, Visitor};
use crate::span::Span;

/// What is known when a format has been read.
pub(super) struct Done {
    pub(super) size: u64,
    pub(super) align: Align,
    pub(super) named: bool,
}

/// Resolves the events that `visit` makes for `format`, and leaves the fields in `output`.
pub(super) fn run<O: Output>(
    format: &[u8],
    dialect: &Dialect,
    model: &DataModel,
    output: &mut O,
    visit: impl FnOnce(&mut Resolver<'_, O>) -> Result<(), Failure>,
) -> Result<Done, LayoutError> {
    let mut resolver = Resolver {
        dialect,
        model,
        output,
        limit: model.ssize_max(),
        order: ByteOrder::Native,
        offset: 0,
        align: Align::ONE,
        head: Head::EMPTY,
        frames: Vec::new(),
        muted: 0,
        items: 0,
        named: false,
        orders: 0,
        doubled: None,
        sole: None,
        whole: None,
        bits: false,
        error: None,
    };
    let outcome = visit(&mut resolver);
    let outcome = outcome.and_then(|()| resolver.finish(format).map_err(|Stop| Failure::Stopped));
    match outcome {
        Ok(size) => Ok(Done { size, align: resolver.align, named: resolver.named }),
        Err(failure) => {
            let error = resolver.error;
            Err(explain(failure, error, format, dialect, model))
        }
    }
}

#[cold]
fn explain(
    failure: Failure,
    error: Option<(Kind, Span)>,
    format: &[u8],
    dialect: &Dialect,
    model: &DataModel,
) -> LayoutError {
    match (failure, error) {
        (Failure::Grammar(error), _) => error.into(),
        (Failure::Stopped, Some((kind, span))) => LayoutError::new(kind, span, format, dialect.name, model.name),
        // Whoever stops says why.
        (Failure::Stopped, None) => {
            LayoutError::new(Kind::TooLarge { limit: 0 }, Span::ZERO, format, dialect.name, model.name)
        }
    }
}

/// What stands before the type of an item.
#[derive(Clone, Copy)]
struct Head {
    /// Product of the shapes.
    elements: u64,
    count: u64,
    has_count: bool,
    ndim: u8,
    shapes: u8,
    dims: u32,
}

impl Head {
    const EMPTY: Self = Self { elements: 1, count: 1, has_count: false, ndim: 0, shapes: 0, dims: 0 };
}

/// An open structure or pointer: what to go back to when it closes.
struct Frame {
    /// The running offset of the enclosing record.
    offset: u64,
    align: Align,
    order: ByteOrder,
    /// How many of the structure there are.
    elements: u64,
    /// Its node.
    index: u32,
    /// Its first byte in the format.
    at: usize,
}

pub(super) struct Resolver<'a, O> {
    dialect: &'a Dialect,
    model: &'a DataModel,
    output: &'a mut O,
    /// The largest offset: `PY_SSIZE_T_MAX` of the machine.
    limit: u64,
    order: ByteOrder,
    /// Running offset in the innermost open record.
    offset: u64,
    /// Largest alignment in the innermost open record.
    align: Align,
    head: Head,
    frames: Vec<Frame>,
    /// Open pointers: what they point to is not part of the item.
    muted: u32,
    items: u32,
    named: bool,
    /// Byte order characters since the last type.
    orders: u32,
    /// Two byte order characters in a row: allowed by some for a sole scalar.
    doubled: Option<Span>,
    /// A code that is read only as the whole format.
    sole: Option<(Code, Span)>,
    /// The whole format so far, if it is one item of padding.
    whole: Option<Node>,
    /// Whether the item before was `t`.
    bits: bool,
    error: Option<(Kind, Span)>,
}

impl<O: Output> Resolver<'_, O> {
    #[cold]
    fn refuse<T>(&mut self, kind: Kind, span: Span) -> Result<T, Stop> {
        self.error = Some((kind, span));
        Err(Stop)
    }

    #[cold]
    fn lacks<T>(&mut self, construct: Construct, span: Span) -> Result<T, Stop> {
        self.refuse(Kind::Construct { construct }, span)
    }

    fn needs(&mut self, syntax: Syntax, construct: Construct, span: Span) -> Result<(), Stop> {
        if self.dialect.syntax.contains(syntax) { Ok(()) } else { self.lacks(construct, span) }
    }

    /// Whether items under the byte order in force are moved to their alignment.
    #[inline]
    fn aligns(&self, order: ByteOrder) -> bool {
        matches!(order, ByteOrder::Native) && matches!(self.dialect.alignment, Alignment::Implicit)
    }

    /// Puts `elements` elements at the next free place and says where that is.
    #[inline]
    fn place(&mut self, size: u64, elements: u64, align: Align, order: ByteOrder, span: Span) -> Result<u64, Stop> {
        let mut start = Some(self.offset);
        if matches!(order, ByteOrder::Native) {
            if self.aligns(order) {
                start = align.round_up(self.offset);
            }
            self.align = self.align.max(align);
        }
        let total = size.checked_mul(elements);
        match (start, total) {
            (Some(start), Some(total)) => match start.checked_add(total) {
                Some(end) if end <= self.limit => {
                    self.offset = end;
                    Ok(start)
                }
                _ => self.refuse(Kind::TooLarge { limit: self.limit }, span),
            },
            _ => self.refuse(Kind::TooLarge { limit: self.limit }, span),
        }
    }

    /// The number of elements of an item whose count is a number of values.
    #[inline]
    fn elements(&mut self, head: &mut Head, span: Span) -> Result<u64, Stop> {
        if !head.has_count || head.count == 1 {
            return Ok(head.elements);
        }
        let Some(elements) = head.elements.checked_mul(head.count) else {
            return self.refuse(Kind::TooLarge { limit: self.limit }, span);
        };
        if head.ndim > 0 {
            self.dimension_of(head, head.count);
        } else {
            head.ndim = 1;
        }
        Ok(elements)
    }

    /// Writes one more dimension down. A single one is told by the number of elements alone.
    fn dimension_of(&mut self, head: &mut Head, extent: u64) {
        if self.muted == 0 {
            self.output.dimension(extent);
        }
        head.ndim = head.ndim.saturating_add(1);
    }

    #[inline]
    fn take_head(&mut self) -> Head {
        self.orders = 0;
        self.items = self.items.wrapping_add(1);
        core::mem::replace(&mut self.head, Head::EMPTY)
    }

    #[inline]
    fn name(&mut self, name: Option<Span>) -> Result<Span, Stop> {
        let Some(span) = name else { return Ok(NO_NAME) };
        self.needs(Syntax::NAMES, Construct::Name, span)?;
        self.named = true;
        Ok(span)
    }

    #[inline]
    fn push(&mut self, node: Node) {
        if self.muted == 0 {
            self.output.push(node);
        }
    }

    /// A type of pointer size that is not a code: `&` and `X{}`.
    fn address(&mut self, ty: Type, span: Span, name: Span) -> Result<(), Stop> {
        self.bits = false;
        self.whole = None;
        let mut head = self.take_head();
        let elements = self.elements(&mut head, span)?;
        let ctype = crate::abi::CType::Pointer;
        let size = self.model.size_of(ctype);
        let offset = self.place(size, elements, self.model.align_of(ctype), self.order, span)?;
        let node = Node { offset, size, ty, endian: Some(self.model.endian), ..self.node(&head, elements, span, name) };
        self.push(node);
        Ok(())
    }

    #[inline]
    fn node(&self, head: &Head, elements: u64, span: Span, name: Span) -> Node {
        let (_, index) = self.output.marks();
        Node {
            offset: 0,
            size: 0,
            count: elements,
            span,
            name,
            end: index.saturating_add(1),
            dims: head.dims,
            ndim: head.ndim,
            ty: Type::Record,
            endian: None,
            order: self.order,
        }
    }

    #[cold]
    fn code_refused(&mut self, code: Code, span: Span) -> Result<(), Stop> {
        if self.dialect.sole_codes.contains(code) && self.items == 0 && !self.head.has_count && self.head.shapes == 0 {
            self.sole = Some((code, span));
            return Ok(());
        }
        self.refuse(Kind::Code { code }, span)
    }

    #[cold]
    fn size_without_standard(&mut self, code: Code, entry: &Entry, span: Span) -> Result<u64, Stop> {
        let keeps = matches!(self.dialect.native_only, NativeOnly::KeepSize) || matches!(code, Code::Object);
        if keeps {
            return Ok(entry.native_size(self.model));
        }
        self.refuse(Kind::NoStandardSize { code, order: self.order }, span)
    }

    /// An item of unnamed padding.
    fn padding(&mut self, head: &Head, span: Span) -> Result<(), Stop> {
        let offset = self.place(head.count, head.elements, Align::ONE, self.order, span)?;
        let whole = matches!(self.dialect.named_padding, NamedPadding::FieldOrWhole) && self.items == 1;
        if whole && self.frames.is_empty() {
            let node = self.node(head, head.elements, span, NO_NAME);
            self.whole = Some(Node { offset, size: head.count, ty: Type::Void, ..node });
        }
        Ok(())
    }

    #[inline]
    fn finish(&mut self, format: &[u8]) -> Result<u64, Stop> {
        let end = Span::new(format.len(), format.len());
        if self.named
            && !self.dialect.syntax.contains(Syntax::DUPLICATE_NAMES)
            && let Some(span) = self.output.first_duplicate(format)
        {
            return self.refuse(Kind::DuplicateName, span);
        }
        if matches!(self.dialect.placement, Placement::BeforeType) {
            self.finish_strictly(format, end)?;
        }
        if let Some(node) = self.whole {
            self.output.push(node);
        }
        if matches!(self.dialect.trailing_padding, TrailingPadding::Aligned) && matches!(self.order, ByteOrder::Native)
        {
            return match self.align.round_up(self.offset) {
                Some(size) if size <= self.limit => Ok(size),
                _ => self.refuse(Kind::TooLarge { limit: self.limit }, end),
            };
        }
        Ok(self.offset)
    }

    /// What NumPy's reader notices only at the end.
    fn finish_strictly(&mut self, format: &[u8], end: Span) -> Result<(), Stop> {
        if self.orders > 0 {
            return self.lacks(Construct::TrailingByteOrder, end);
        }
        match (self.doubled, self.sole) {
            (Some(span), _) if !is_sole_number(format) => self.lacks(Construct::TwoByteOrders, span),
            (_, Some((code, span))) if !is_sole_number(format) => self.refuse(Kind::Code { code }, span),
            _ => Ok(()),
        }
    }
}

/// Whether this is one number behind any byte order characters. NumPy reads those by itself before it asks its reader.
fn is_sole_number(format: &[u8]) -> bool {
    let marks = format.iter().take_while(|byte| b"@^=<>!".contains(byte)).count();
    match format.split_at_checked(marks) {
        Some((_, [code])) => b"?bBhHiIlLqQnNefdg".contains(code),
        Some((_, [b'Z', part])) => b"fdg".contains(part),
        _ => false,
    }
}

impl<O: Output> Visitor for Resolver<'_, O> {
    fn space(&mut self, span: Span) -> Result<(), Stop> {
        if matches!(self.dialect.whitespace, Whitespace::BetweenItems) && self.head.has_count {
            return self.lacks(Construct::SpaceInItem, span);
        }
        Ok(())
    }

    #[inline]
    fn byte_order(&mut self, order: ByteOrder, at: usize) -> Result<(), Stop> {
        let span = Span::new(at, at.saturating_add(1));
        match self.dialect.placement {
            Placement::First if at > 0 => return self.lacks(Construct::LaterByteOrder, span),
            Placement::BeforeType if self.head.has_count => {
                return self.lacks(Construct::ByteOrderAfterCount, span);
            }
            Placement::BeforeType if self.orders > 0 => self.doubled = Some(span),
            _ => {}
        }
        if matches!(order, ByteOrder::NativeUnaligned) {
            self.needs(Syntax::UNALIGNED, Construct::Unaligned, span)?;
        }
        self.orders = self.orders.wrapping_add(1);
        self.order = order;
        Ok(())
    }

    fn open_shape(&mut self, at: usize) -> Result<(), Stop> {
        let span = Span::new(at, at.saturating_add(1));
        self.needs(Syntax::SHAPES, Construct::Shape, span)?;
        if self.head.shapes > 0 {
            self.needs(Syntax::STACKED_SHAPES, Construct::StackedShapes, span)?;
        }
        if matches!(self.dialect.placement, Placement::BeforeType) && self.orders > 0 {
            return self.lacks(Construct::ByteOrderBeforeShape, span);
        }
        self.head.shapes = self.head.shapes.saturating_add(1);
        if self.head.ndim == 0 {
            self.head.dims = self.output.marks().0;
        }
        Ok(())
    }

    fn dimension(&mut self, extent: u64, span: Span) -> Result<(), Stop> {
        let limit = self.dialect.count_limit.value(self.limit);
        if extent > limit {
            return self.refuse(Kind::CountTooLarge { count: extent, limit }, span);
        }
        let Some(elements) = self.head.elements.checked_mul(extent) else {
            return self.refuse(Kind::TooLarge { limit: self.limit }, span);
        };
        let mut head = self.head;
        head.elements = elements;
        self.dimension_of(&mut head, extent);
        self.head = head;
        Ok(())
    }

    #[inline]
    fn count(&mut self, count: u64, span: Span) -> Result<(), Stop> {
        let limit = self.dialect.count_limit.value(self.limit);
        if count > limit {
            return self.refuse(Kind::CountTooLarge { count, limit }, span);
        }
        self.head.count = count;
        self.head.has_count = true;
        Ok(())
    }

    #[inline]
    fn code(&mut self, code: Code, span: Span, name: Option<Span>) -> Result<(), Stop> {
        if !self.dialect.codes.contains(code) {
            self.code_refused(code, span)?;
        }
        let name = self.name(name)?;
        let mut head = self.take_head();
        self.whole = None;
        let nameless = name == NO_NAME || matches!(self.dialect.named_padding, NamedPadding::Padding);
        if matches!(code, Code::Pad) && nameless {
            self.bits = false;
            return self.padding(&head, span);
        }
        let entry = Entry::of(code, self.dialect.wide_char);
        let (unit, align) = if self.order.has_native_sizes() {
            (entry.native_size(self.model), self.model.align_of(entry.ctype))
        } else if entry.standard > 0 {
            (u64::from(entry.standard), Align::ONE)
        } else {
            (self.size_without_standard(code, entry, span)?, Align::ONE)
        };
        let (size, elements) = if code.count_is_length() {
            match code {
                Code::Bits => {
                    if core::mem::replace(&mut self.bits, true) {
                        return self.refuse(Kind::AdjacentBits, span);
                    }
                    (head.count.div_ceil(8), head.elements)
                }
                _ => match unit.checked_mul(head.count) {
                    Some(size) => (size, head.elements),
                    None => return self.refuse(Kind::TooLarge { limit: self.limit }, span),
                },
            }
        } else {
            (unit, self.elements(&mut head, span)?)
        };
        self.bits = matches!(code, Code::Bits);
        if matches!(self.dialect.whitespace, Whitespace::BetweenItems) && span.len() != code.as_str().len() {
            return self.lacks(Construct::SpaceInItem, span);
        }
        let offset = self.place(size, elements, align, self.order, span)?;
        if elements == 0 && matches!(self.dialect.zero_count, ZeroCount::Alignment) {
            return Ok(());
        }
        let ty = entry.ty(unit);
        let order = if matches!(code, Code::Object) { ByteOrder::Native } else { self.order };
        let endian = (ty.has_byte_order() && unit > 1).then(|| scalar::endian(order, self.model));
        let node = Node { offset, size, ty, endian, ..self.node(&head, elements, span, name) };
        self.push(node);
        Ok(())
    }

    fn function(&mut self, span: Span, name: Option<Span>) -> Result<(), Stop> {
        self.needs(Syntax::FUNCTIONS, Construct::Function, span)?;
        let name = self.name(name)?;
        self.address(Type::Function, span, name)
    }

    fn user_type(&mut self, span: Span, name: Option<Span>) -> Result<(), Stop> {
        self.needs(Syntax::USER_TYPES, Construct::UserType, span)?;
        let _ = self.name(name)?;
        // Its size stands nowhere in the format; `reconcile` takes it from the itemsize.
        self.refuse(Kind::UnknownSize, span)
    }

    fn open_structure(&mut self, at: usize) -> Result<(), Stop> {
        let span = Span::new(at, at.saturating_add(2));
        self.needs(Syntax::STRUCTURES, Construct::Structure, span)?;
        self.bits = false;
        self.whole = None;
        let mut head = self.take_head();
        let elements = self.elements(&mut head, span)?;
        let (_, index) = self.output.marks();
        let node = self.node(&head, elements, span, NO_NAME);
        self.push(node);
        self.frames.push(Frame { offset: self.offset, align: self.align, order: self.order, elements, index, at });
        self.offset = 0;
        self.align = Align::ONE;
        Ok(())
    }

    fn close_structure(&mut self, at: usize, name: Option<Span>) -> Result<(), Stop> {
        let brace = Span::new(at, at.saturating_add(1));
        if matches!(self.dialect.placement, Placement::BeforeType) && self.orders > 0 {
            return self.lacks(Construct::TrailingByteOrder, brace);
        }
        let name = self.name(name)?;
        let Some(frame) = self.frames.pop() else {
            return Ok(());
        };
        let align = core::mem::replace(&mut self.align, frame.align);
        let mut size = core::mem::replace(&mut self.offset, frame.offset);
        // A C compiler's rule goes by the byte order at the closing brace, as NumPy's reader has it.
        let order = match self.dialect.structure_size {
            StructureSize::Exact => frame.order,
            StructureSize::Aligned => self.order,
        };
        if matches!(self.dialect.structure_size, StructureSize::Aligned) && matches!(order, ByteOrder::Native) {
            size = align.round_up(size).unwrap_or(u64::MAX);
        }
        let span = Span::new(frame.at, brace.end());
        let offset = self.place(size, frame.elements, align, order, span)?;
        self.bits = false;
        if self.muted == 0 {
            let (_, end) = self.output.marks();
            self.output.complete(frame.index, |node| {
                *node = Node { offset, size, span, name, end, ..*node };
            });
        }
        Ok(())
    }

    fn open_pointer(&mut self, at: usize) -> Result<(), Stop> {
        let span = Span::new(at, at.saturating_add(1));
        self.needs(Syntax::POINTERS, Construct::Pointer, span)?;
        let (_, index) = self.output.marks();
        self.address(Type::Pointer, span, NO_NAME)?;
        let (offset, align) = (self.offset, self.align);
        self.frames.push(Frame { offset, align, order: self.order, elements: 1, index, at });
        self.muted = self.muted.saturating_add(1);
        self.offset = 0;
        Ok(())
    }

    fn close_pointer(&mut self, name: Option<Span>) -> Result<(), Stop> {
        let name = self.name(name)?;
        let Some(frame) = self.frames.pop() else {
            return Ok(());
        };
        self.offset = frame.offset;
        self.align = frame.align;
        self.muted = self.muted.saturating_sub(1);
        self.bits = false;
        if self.muted == 0 {
            self.output.complete(frame.index, |node| node.name = name);
        }
        Ok(())
    }
}
