//! [`Resolver`]: turns the events of the parser into offsets.
//!
//! The resolver makes one pass and builds no tree. Its fields go to a [`Sink`]: a layout, or the unit type, which
//! drops them if only the size is needed, so that nothing is allocated.

use alloc::vec::Vec;

use super::dialect::{
    Alignment, Dialect, NamedPadding, NativeOnly, Placement, StructureSize, Syntax, TrailingPadding, Whitespace,
    ZeroCount,
};
use super::error::{Construct, LayoutError, LayoutErrorKind as Kind};
use super::scalar::{self, CodeInfo};
use super::tree::{Layout, NO_NAME, Node, narrow};
use super::ty::Type;
use crate::abi::DataModel;
use crate::align::Align;
use crate::format::{ByteOrder, Code, Failure, Stop, Visitor};
use crate::span::Span;

/// The properties of an item that are known at the end of the format.
pub(super) struct Resolved {
    /// The size of the item in bytes.
    pub(super) size: u64,
    pub(super) align: Align,
    /// Whether a field has a name.
    pub(super) named: bool,
}

/// Resolves the events that `visit` makes for `format`, and puts the fields into `sink`.
pub(super) fn run<O: Sink>(
    format: &[u8],
    dialect: &Dialect,
    model: &DataModel,
    sink: &mut O,
    visit: impl FnOnce(&mut Resolver<'_, O>) -> Result<(), Failure>,
) -> Result<Resolved, LayoutError> {
    let mut resolver = Resolver {
        dialect,
        model,
        sink,
        limit: model.ssize_max(),
        order: ByteOrder::Native,
        offset: 0,
        align: Align::ONE,
        prefix: ItemPrefix::EMPTY,
        groups: Vec::new(),
        pointers: 0,
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
        Ok(size) => Ok(Resolved { size, align: resolver.align, named: resolver.named }),
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
        (Failure::Stopped, None) => {
            debug_assert!(false, "the resolver sets the error before it stops");
            let kind = Kind::TooLarge { limit: model.ssize_max() };
            LayoutError::new(kind, Span::ZERO, format, dialect.name, model.name)
        }
    }
}

/// The shapes and the count before the type of an item.
#[derive(Clone, Copy)]
struct ItemPrefix {
    /// The product of all dimensions.
    elements: u64,
    count: u64,
    has_count: bool,
    ndim: u8,
    /// The number of shapes, each of which has one or more dimensions.
    shapes: u8,
    /// The index of the first dimension in the sink.
    dims: u32,
}

impl ItemPrefix {
    const EMPTY: Self = Self { elements: 1, count: 1, has_count: false, ndim: 0, shapes: 0, dims: 0 };
}

/// The state to restore at the end of a structure or of the target of a pointer.
struct OpenGroup {
    /// The offset after the last item of the enclosing record.
    offset: u64,
    /// The largest alignment so far in the enclosing record.
    align: Align,
    /// The byte-order character in force at the start.
    order: ByteOrder,
    /// The number of structures.
    elements: u64,
    /// The index of the node.
    index: u32,
    /// The offset of the first byte in the format.
    at: usize,
}

pub(super) struct Resolver<'a, O> {
    dialect: &'a Dialect,
    model: &'a DataModel,
    sink: &'a mut O,
    /// The largest offset: `PY_SSIZE_T_MAX` of the data model.
    limit: u64,
    order: ByteOrder,
    /// The offset after the last item of the innermost open record.
    offset: u64,
    /// The largest alignment in the innermost open record.
    align: Align,
    prefix: ItemPrefix,
    groups: Vec<OpenGroup>,
    /// The number of open pointers. Their targets are not part of the item.
    pointers: u32,
    items: u32,
    named: bool,
    /// Byte-order characters since the last type.
    orders: u32,
    /// The second of two byte-order characters in a row, which some dialects accept before a sole scalar.
    doubled: Option<Span>,
    /// A format character that is accepted only as the whole format.
    sole: Option<(Code, Span)>,
    /// The whole format so far, if it is one item of padding.
    whole: Option<Node>,
    /// Whether the previous item was `t`.
    bits: bool,
    error: Option<(Kind, Span)>,
}

impl<O: Sink> Resolver<'_, O> {
    #[cold]
    fn refuse<T>(&mut self, kind: Kind, span: Span) -> Result<T, Stop> {
        self.error = Some((kind, span));
        Err(Stop)
    }

    #[cold]
    fn lacks<T>(&mut self, construct: Construct, span: Span) -> Result<T, Stop> {
        self.refuse(Kind::Construct { construct }, span)
    }

    fn require(&mut self, syntax: Syntax, construct: Construct, span: Span) -> Result<(), Stop> {
        if self.dialect.syntax.contains(syntax) { Ok(()) } else { self.lacks(construct, span) }
    }

    /// Returns whether items under a byte-order character are moved to their alignment.
    #[inline]
    fn aligns(&self, order: ByteOrder) -> bool {
        matches!(order, ByteOrder::Native) && matches!(self.dialect.alignment, Alignment::Implicit)
    }

    /// Places `elements` elements after the last item and returns their offset.
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

    /// Returns the number of elements of an item whose count is a number of values, not a length.
    #[inline]
    fn elements(&mut self, prefix: &mut ItemPrefix, span: Span) -> Result<u64, Stop> {
        if !prefix.has_count || prefix.count == 1 {
            return Ok(prefix.elements);
        }
        let Some(elements) = prefix.elements.checked_mul(prefix.count) else {
            return self.refuse(Kind::TooLarge { limit: self.limit }, span);
        };
        if prefix.ndim > 0 {
            self.push_dimension(prefix, prefix.count);
        } else {
            prefix.ndim = 1;
        }
        Ok(elements)
    }

    /// Adds a dimension of an item.
    fn push_dimension(&mut self, prefix: &mut ItemPrefix, length: u64) {
        if self.pointers == 0 {
            self.sink.dimension(length);
        }
        prefix.ndim = prefix.ndim.saturating_add(1);
    }

    #[inline]
    fn take_prefix(&mut self) -> ItemPrefix {
        self.orders = 0;
        self.items = self.items.wrapping_add(1);
        core::mem::replace(&mut self.prefix, ItemPrefix::EMPTY)
    }

    #[inline]
    fn name(&mut self, name: Option<Span>) -> Result<Span, Stop> {
        let Some(span) = name else { return Ok(NO_NAME) };
        self.require(Syntax::NAMES, Construct::Name, span)?;
        self.named = true;
        Ok(span)
    }

    #[inline]
    fn push(&mut self, node: Node) {
        if self.pointers == 0 {
            self.sink.push(node);
        }
    }

    /// Adds an address that is not a format character: `&` or `X{}`.
    fn address(&mut self, ty: Type, span: Span, name: Span) -> Result<(), Stop> {
        self.bits = false;
        self.whole = None;
        let mut prefix = self.take_prefix();
        let elements = self.elements(&mut prefix, span)?;
        let ctype = crate::abi::CType::Pointer;
        let size = self.model.size_of(ctype);
        let offset = self.place(size, elements, self.model.align_of(ctype), self.order, span)?;
        let node =
            Node { offset, size, ty, endian: Some(self.model.endian), ..self.node(&prefix, elements, span, name) };
        self.push(node);
        Ok(())
    }

    #[inline]
    fn node(&self, prefix: &ItemPrefix, elements: u64, span: Span, name: Span) -> Node {
        let (_, index) = self.sink.next_indices();
        Node {
            offset: 0,
            size: 0,
            count: elements,
            span,
            name,
            end: index.saturating_add(1),
            dims: prefix.dims,
            ndim: prefix.ndim,
            ty: Type::Record,
            endian: None,
            order: self.order,
        }
    }

    #[cold]
    fn code_refused(&mut self, code: Code, span: Span) -> Result<(), Stop> {
        if self.dialect.sole_codes.contains(code)
            && self.items == 0
            && !self.prefix.has_count
            && self.prefix.shapes == 0
        {
            self.sole = Some((code, span));
            return Ok(());
        }
        self.refuse(Kind::Code { code }, span)
    }

    #[cold]
    fn size_without_standard(&mut self, code: Code, info: &CodeInfo, span: Span) -> Result<u64, Stop> {
        let keeps = matches!(self.dialect.native_only, NativeOnly::KeepSize) || matches!(code, Code::Object);
        if keeps {
            return Ok(info.native_size(self.model));
        }
        self.refuse(Kind::NoStandardSize { code, order: self.order }, span)
    }

    /// Adds padding without a name.
    fn padding(&mut self, prefix: &ItemPrefix, span: Span) -> Result<(), Stop> {
        let offset = self.place(prefix.count, prefix.elements, Align::ONE, self.order, span)?;
        let whole = matches!(self.dialect.named_padding, NamedPadding::FieldOrWhole) && self.items == 1;
        if whole && self.groups.is_empty() {
            let node = self.node(prefix, prefix.elements, span, NO_NAME);
            self.whole = Some(Node { offset, size: prefix.count, ty: Type::Void, ..node });
        }
        Ok(())
    }

    #[inline]
    fn finish(&mut self, format: &[u8]) -> Result<u64, Stop> {
        let end = Span::new(format.len(), format.len());
        if self.named
            && !self.dialect.syntax.contains(Syntax::DUPLICATE_NAMES)
            && let Some(span) = self.sink.first_duplicate(format)
        {
            return self.refuse(Kind::DuplicateName, span);
        }
        if matches!(self.dialect.placement, Placement::BeforeType) {
            self.finish_strictly(format, end)?;
        }
        if let Some(node) = self.whole {
            self.sink.push(node);
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

    /// Refuses constructs that NumPy's reader refuses at the end of the format.
    fn finish_strictly(&mut self, format: &[u8], end: Span) -> Result<(), Stop> {
        if self.orders > 0 {
            return self.lacks(Construct::TrailingByteOrder, end);
        }
        if is_sole_number(format) {
            return Ok(());
        }
        match (self.doubled, self.sole) {
            (Some(span), _) => self.lacks(Construct::TwoByteOrders, span),
            (None, Some((code, span))) => self.refuse(Kind::Code { code }, span),
            (None, None) => Ok(()),
        }
    }
}

/// The parser closes only what it has opened.
#[cold]
fn unopened() -> Result<(), Stop> {
    debug_assert!(false, "a structure or pointer is closed that was not opened");
    Err(Stop)
}

/// Returns whether a format is one number after any number of byte-order characters. NumPy recognizes such formats
/// before it calls its parser.
fn is_sole_number(format: &[u8]) -> bool {
    let orders = format.iter().take_while(|byte| b"@^=<>!".contains(byte)).count();
    match format.split_at_checked(orders) {
        Some((_, [code])) => b"?bBhHiIlLqQnNefdg".contains(code),
        Some((_, [b'Z', part])) => b"fdg".contains(part),
        _ => false,
    }
}

impl<O: Sink> Visitor for Resolver<'_, O> {
    fn space(&mut self, span: Span) -> Result<(), Stop> {
        if matches!(self.dialect.whitespace, Whitespace::BetweenItems) && self.prefix.has_count {
            return self.lacks(Construct::SpaceInItem, span);
        }
        Ok(())
    }

    #[inline]
    fn byte_order(&mut self, order: ByteOrder, at: usize) -> Result<(), Stop> {
        let span = Span::new(at, at.saturating_add(1));
        match self.dialect.placement {
            Placement::First if at > 0 => return self.lacks(Construct::LaterByteOrder, span),
            Placement::BeforeType if self.prefix.has_count => {
                return self.lacks(Construct::ByteOrderAfterCount, span);
            }
            Placement::BeforeType if self.orders > 0 => self.doubled = Some(span),
            _ => {}
        }
        if matches!(order, ByteOrder::NativeUnaligned) {
            self.require(Syntax::UNALIGNED, Construct::Unaligned, span)?;
        }
        self.orders = self.orders.wrapping_add(1);
        self.order = order;
        Ok(())
    }

    fn open_shape(&mut self, at: usize) -> Result<(), Stop> {
        let span = Span::new(at, at.saturating_add(1));
        self.require(Syntax::SHAPES, Construct::Shape, span)?;
        if self.prefix.shapes > 0 {
            self.require(Syntax::STACKED_SHAPES, Construct::StackedShapes, span)?;
        }
        if matches!(self.dialect.placement, Placement::BeforeType) && self.orders > 0 {
            return self.lacks(Construct::ByteOrderBeforeShape, span);
        }
        self.prefix.shapes = self.prefix.shapes.saturating_add(1);
        if self.prefix.ndim == 0 {
            self.prefix.dims = self.sink.next_indices().0;
        }
        Ok(())
    }

    fn dimension(&mut self, length: u64, span: Span) -> Result<(), Stop> {
        let limit = self.dialect.count_limit.value(self.limit);
        if length > limit {
            return self.refuse(Kind::CountTooLarge { count: length, limit }, span);
        }
        let Some(elements) = self.prefix.elements.checked_mul(length) else {
            return self.refuse(Kind::TooLarge { limit: self.limit }, span);
        };
        let mut prefix = self.prefix;
        prefix.elements = elements;
        self.push_dimension(&mut prefix, length);
        self.prefix = prefix;
        Ok(())
    }

    #[inline]
    fn count(&mut self, count: u64, span: Span) -> Result<(), Stop> {
        let limit = self.dialect.count_limit.value(self.limit);
        if count > limit {
            return self.refuse(Kind::CountTooLarge { count, limit }, span);
        }
        self.prefix.count = count;
        self.prefix.has_count = true;
        Ok(())
    }

    #[inline]
    fn code(&mut self, code: Code, span: Span, name: Option<Span>) -> Result<(), Stop> {
        if !self.dialect.codes.contains(code) {
            self.code_refused(code, span)?;
        }
        let name = self.name(name)?;
        let mut prefix = self.take_prefix();
        self.whole = None;
        let nameless = name == NO_NAME || matches!(self.dialect.named_padding, NamedPadding::Padding);
        if matches!(code, Code::Pad) && nameless {
            self.bits = false;
            return self.padding(&prefix, span);
        }
        let info = CodeInfo::of(code, self.dialect.wide_char);
        let (unit, align) = if self.order.has_native_sizes() {
            (info.native_size(self.model), self.model.align_of(info.ctype))
        } else if info.standard > 0 {
            (u64::from(info.standard), Align::ONE)
        } else {
            (self.size_without_standard(code, info, span)?, Align::ONE)
        };
        let (size, elements) = if code.count_is_length() {
            match code {
                Code::Bits => {
                    if core::mem::replace(&mut self.bits, true) {
                        return self.refuse(Kind::AdjacentBits, span);
                    }
                    (prefix.count.div_ceil(8), prefix.elements)
                }
                _ => match unit.checked_mul(prefix.count) {
                    Some(size) => (size, prefix.elements),
                    None => return self.refuse(Kind::TooLarge { limit: self.limit }, span),
                },
            }
        } else {
            (unit, self.elements(&mut prefix, span)?)
        };
        self.bits = matches!(code, Code::Bits);
        if matches!(self.dialect.whitespace, Whitespace::BetweenItems) && span.len() != code.as_str().len() {
            return self.lacks(Construct::SpaceInItem, span);
        }
        let offset = self.place(size, elements, align, self.order, span)?;
        if elements == 0 && matches!(self.dialect.zero_count, ZeroCount::Alignment) {
            return Ok(());
        }
        let ty = info.ty(unit);
        let order = if matches!(code, Code::Object) { ByteOrder::Native } else { self.order };
        let endian = (ty.has_byte_order() && unit > 1).then(|| scalar::endian(order, self.model));
        let node = Node { offset, size, ty, endian, ..self.node(&prefix, elements, span, name) };
        self.push(node);
        Ok(())
    }

    fn function(&mut self, span: Span, name: Option<Span>) -> Result<(), Stop> {
        self.require(Syntax::FUNCTIONS, Construct::Function, span)?;
        let name = self.name(name)?;
        self.address(Type::Function, span, name)
    }

    fn user_type(&mut self, span: Span, name: Option<Span>) -> Result<(), Stop> {
        self.require(Syntax::USER_TYPES, Construct::UserType, span)?;
        let _ = self.name(name)?;
        // The format does not contain the size; `reconcile` uses the itemsize.
        self.refuse(Kind::UnknownSize, span)
    }

    fn open_structure(&mut self, at: usize) -> Result<(), Stop> {
        let span = Span::new(at, at.saturating_add(2));
        self.require(Syntax::STRUCTURES, Construct::Structure, span)?;
        self.bits = false;
        self.whole = None;
        let mut prefix = self.take_prefix();
        let elements = self.elements(&mut prefix, span)?;
        let (_, index) = self.sink.next_indices();
        let node = self.node(&prefix, elements, span, NO_NAME);
        self.push(node);
        self.groups.push(OpenGroup { offset: self.offset, align: self.align, order: self.order, elements, index, at });
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
        let Some(group) = self.groups.pop() else { return unopened() };
        let align = core::mem::replace(&mut self.align, group.align);
        let mut size = core::mem::replace(&mut self.offset, group.offset);
        // NumPy's reader aligns by the byte-order character in force at the closing brace.
        let order = match self.dialect.structure_size {
            StructureSize::Exact => group.order,
            StructureSize::Aligned => self.order,
        };
        if matches!(self.dialect.structure_size, StructureSize::Aligned) && matches!(order, ByteOrder::Native) {
            size = match align.round_up(size) {
                Some(size) => size,
                None => return self.refuse(Kind::TooLarge { limit: self.limit }, brace),
            };
        }
        let span = Span::new(group.at, brace.end());
        let offset = self.place(size, group.elements, align, order, span)?;
        self.bits = false;
        if self.pointers == 0 {
            let (_, end) = self.sink.next_indices();
            self.sink.complete(group.index, |node| {
                *node = Node { offset, size, span, name, end, ..*node };
            });
        }
        Ok(())
    }

    fn open_pointer(&mut self, at: usize) -> Result<(), Stop> {
        let span = Span::new(at, at.saturating_add(1));
        self.require(Syntax::POINTERS, Construct::Pointer, span)?;
        let (_, index) = self.sink.next_indices();
        self.address(Type::Pointer, span, NO_NAME)?;
        let (offset, align) = (self.offset, self.align);
        self.groups.push(OpenGroup { offset, align, order: self.order, elements: 1, index, at });
        self.pointers = self.pointers.saturating_add(1);
        self.offset = 0;
        Ok(())
    }

    fn close_pointer(&mut self, name: Option<Span>) -> Result<(), Stop> {
        let name = self.name(name)?;
        let Some(group) = self.groups.pop() else { return unopened() };
        self.offset = group.offset;
        self.align = group.align;
        self.pointers = self.pointers.saturating_sub(1);
        self.bits = false;
        if self.pointers == 0 {
            self.sink.complete(group.index, |node| node.name = name);
        }
        Ok(())
    }
}

/// The destination of fields.
pub(super) trait Sink {
    fn push(&mut self, node: Node);
    fn dimension(&mut self, length: u64);
    /// Returns the indices of the next dimension and of the next node.
    fn next_indices(&self) -> (u32, u32);
    /// Changes a node after it was pushed.
    fn complete(&mut self, index: u32, change: impl FnOnce(&mut Node));
    /// Returns the name of a field that another field of the same record has, too.
    fn first_duplicate(&self, format: &[u8]) -> Option<Span>;
}

impl Sink for () {
    fn push(&mut self, _: Node) {}
    fn dimension(&mut self, _: u64) {}
    fn next_indices(&self) -> (u32, u32) {
        (0, 0)
    }
    fn complete(&mut self, _: u32, _: impl FnOnce(&mut Node)) {}
    fn first_duplicate(&self, _: &[u8]) -> Option<Span> {
        None
    }
}

impl Sink for Layout {
    #[inline]
    fn push(&mut self, node: Node) {
        self.nodes.push(node);
    }

    fn dimension(&mut self, length: u64) {
        self.dims.push(length);
    }

    #[inline]
    fn next_indices(&self) -> (u32, u32) {
        (narrow(self.dims.len()), narrow(self.nodes.len()))
    }

    fn complete(&mut self, index: u32, change: impl FnOnce(&mut Node)) {
        let node = usize::try_from(index).ok().and_then(|index| self.nodes.get_mut(index));
        if let Some(node) = node {
            change(node);
        }
    }

    fn first_duplicate(&self, format: &[u8]) -> Option<Span> {
        // Duplicates are rare, and comparing a few names takes less time than sorting them.
        if self.nodes.len() <= FEW && !has_namesakes(&self.nodes, format) {
            return None;
        }
        let mut names: Vec<(u32, &[u8], Span)> = Vec::new();
        let mut open: Vec<(u32, u32)> = Vec::new();
        for (index, node) in (0_u32..).zip(&self.nodes) {
            while open.last().is_some_and(|(_, end)| *end <= index) {
                open.pop();
            }
            if node.name != NO_NAME {
                names.push((open.last().map_or(0, |(record, _)| *record), node.name.of(format), node.name));
            }
            if node.ty == Type::Record {
                open.push((index, node.end));
            }
        }
        names.sort_unstable();
        let mut pairs = names.iter().zip(names.iter().skip(1));
        pairs.find(|(a, b)| (a.0, a.1) == (b.0, b.1)).map(|(_, second)| second.2)
    }
}

/// The largest number of nodes whose names are compared pair by pair.
const FEW: usize = 16;

/// Returns whether two nodes have the same name, in the same record or in different records.
fn has_namesakes(nodes: &[Node], format: &[u8]) -> bool {
    let named = |node: &&Node| node.name != NO_NAME;
    nodes.iter().enumerate().filter(|(_, node)| named(node)).any(|(index, node)| {
        let later = nodes.iter().skip(index.saturating_add(1)).filter(named);
        later
            .filter(|other| other.name.len() == node.name.len())
            .any(|other| other.name.of(format) == node.name.of(format))
    })
}
