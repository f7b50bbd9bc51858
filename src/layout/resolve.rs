//! [`Resolver`]: computes the offset, the size and the type of each field from the tokens that the parser reads.
//! [`resolve_events`] runs a resolver for one format.
//!
//! The parser calls one method of the resolver for each token of a format. The resolver passes each finished field to a
//! [`Sink`]. The sink [`Layout`] stores the fields. The sink `()` drops the fields without an allocation, for callers
//! that need only the size.

use alloc::vec::Vec;

use super::bit_field::BitField;
use super::dialect::{
    Alignment, Dialect, NamedPadding, NativeOnly, Placement, StructureSize, Syntax, TrailingPadding, Whitespace,
    ZeroCount,
};
use super::error::{Construct, LayoutError, LayoutErrorKind as Kind};
use super::scalar::{self, CodeInfo};
use super::tree::{Detail, Layout, NO_NAME, Node, to_u32};
use super::ty::Type;
use super::user_type::UserType;
use crate::abi::DataModel;
use crate::align::Align;
use crate::format::{ByteOrder, Code, Failure, Stop, Visitor};
use crate::span::Span;

/// The size and alignment of an item, and the presence of names. The resolver knows these properties after the last
/// token of the format.
pub(super) struct Resolved {
    /// The size of the item in bytes.
    pub(super) size: u64,
    /// The largest alignment of all fields under the byte-order character `@`, or 1 byte if no field is under `@`.
    pub(super) align: Align,
    /// Whether at least one field has a name.
    pub(super) named: bool,
}

/// Computes the fields of `format` by the rules of `dialect` and the C sizes of `model`, and adds the fields to `sink`.
/// `visit` receives the resolver, which is a [`Visitor`], and must call the visitor method of each token of `format`,
/// in the order of the tokens. Returns the size, the alignment and the presence of names. Returns an error if `visit`
/// reports a syntax error, or if a token is not permitted in `dialect`.
pub(super) fn resolve_events<O: Sink>(
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
        orders_since_type: 0,
        second_order: None,
        sole_code: None,
        whole_padding: None,
        after_bits: false,
        error: None,
    };
    let outcome = visit(&mut resolver);
    let outcome = outcome.and_then(|()| resolver.finish(format).map_err(|Stop| Failure::Stopped));
    match outcome {
        Ok(size) => Ok(Resolved { size, align: resolver.align, named: resolver.named }),
        Err(failure) => {
            let error = resolver.error;
            Err(to_layout_error(failure, error, format, dialect, model))
        }
    }
}

/// Converts `failure`, the reason why parsing stopped, to the error that the caller of the library receives. `error` is
/// the error that the resolver has stored, with the span of the refused token. `error` is `None` if the resolver
/// refused no token. The message contains `format` and the names of `dialect` and `model`.
#[cold]
fn to_layout_error(
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

/// The shapes and the count before the type of an item, such as `(2,3)4` in `(2,3)4i`. In this file, an *item* is one
/// type of the format with its shapes, count and name.
#[derive(Clone, Copy)]
struct ItemPrefix {
    /// The product of the lengths of all dimensions.
    elements: u64,
    /// The repeat count, or 1 if the item has no count.
    count: u64,
    /// Whether the item has a repeat count.
    has_count: bool,
    /// The number of dimensions of all shapes together.
    ndim: u8,
    /// The number of shapes in parentheses: 2 for `(2)(3)i`.
    shapes: u8,
    /// The index that the sink assigns to the first dimension.
    dims: u32,
}

impl ItemPrefix {
    /// No shape and no count.
    const EMPTY: Self = Self { elements: 1, count: 1, has_count: false, ndim: 0, shapes: 0, dims: 0 };
}

/// An open structure or pointer, with the state of the enclosing record. The resolver restores this state at the end of
/// the structure or of the pointer target.
struct OpenGroup {
    /// The offset in bytes at which the last item of the enclosing record ends. The record can get more items.
    offset: u64,
    /// The largest alignment of the items of the enclosing record so far.
    align: Align,
    /// The byte-order character that was in force at `T{` or `&`.
    order: ByteOrder,
    /// The number of elements if the structure is an array: 6 for `(2,3)T{i}`.
    elements: u64,
    /// The index of the node of the structure or pointer in the sink.
    index: u32,
    /// The byte offset of `T{` or `&` in the format.
    at: usize,
}

/// The visitor that computes the fields of one format.
pub(super) struct Resolver<'a, O> {
    dialect: &'a Dialect,
    model: &'a DataModel,
    /// The receiver of the finished fields.
    sink: &'a mut O,
    /// The largest permitted size in bytes: `PY_SSIZE_T_MAX` of the data model.
    limit: u64,
    /// The byte-order character in force.
    order: ByteOrder,
    /// The offset in bytes at which the last item of the innermost open record ends. The record can get more items.
    offset: u64,
    /// The largest alignment of the items of the innermost open record.
    align: Align,
    /// The shapes and the count that precede the next type.
    prefix: ItemPrefix,
    /// The open structures and pointers, outermost first.
    groups: Vec<OpenGroup>,
    /// The number of open pointers. The fields of a pointer target are not fields of the item, so the resolver does not
    /// pass these fields to the sink.
    pointers: u32,
    /// The number of items so far, including pad bytes.
    items: u32,
    /// Whether at least one field has a name.
    named: bool,
    /// The number of byte-order characters since the last type.
    orders_since_type: u32,
    /// The span of the second of two consecutive byte-order characters. NumPy's reader accepts `<>i` only as the whole
    /// format.
    second_order: Option<Span>,
    /// A format character that the dialect accepts only as the whole format, such as `n` in NumPy's reader. The span is
    /// the position of the character in the format.
    sole_code: Option<(Code, Span)>,
    /// The void field for a format that is only padding, such as `3x`. `None` if another item follows the padding, or
    /// if the dialect does not have such fields.
    whole_padding: Option<Node>,
    /// Whether the previous item was `t`.
    after_bits: bool,
    /// The error that made the resolver stop the parser, and the span of the refused token.
    error: Option<(Kind, Span)>,
}

impl<O: Sink> Resolver<'_, O> {
    /// Stores the error `kind` for the bytes `span` of the format, and returns `Stop`, which stops the parser.
    #[cold]
    fn refuse<T>(&mut self, kind: Kind, span: Span) -> Result<T, Stop> {
        self.error = Some((kind, span));
        Err(Stop)
    }

    /// Stores the error for `construct`, which the dialect does not have, and returns `Stop`. `span` is the position of
    /// `construct` in the format.
    #[cold]
    fn refuse_construct<T>(&mut self, construct: Construct, span: Span) -> Result<T, Stop> {
        self.refuse(Kind::Construct { construct }, span)
    }

    /// If the dialect does not have `syntax`, stores the error for `construct` at the bytes `span`, and returns `Stop`.
    fn require(&mut self, syntax: Syntax, construct: Construct, span: Span) -> Result<(), Stop> {
        if self.dialect.syntax.contains(syntax) { Ok(()) } else { self.refuse_construct(construct, span) }
    }

    /// Returns whether the dialect inserts padding before items to align them, while the byte-order character `order`
    /// is in force.
    #[inline]
    fn aligns(&self, order: ByteOrder) -> bool {
        matches!(order, ByteOrder::Native) && matches!(self.dialect.alignment, Alignment::Implicit)
    }

    /// Places `elements` elements of `size` bytes after the last item, and returns the offset of the first element in
    /// bytes. Inserts padding before the first element if the dialect aligns items under `order`. `align` is the
    /// alignment of an element. Sets the current offset to the end of the last element, and raises the alignment of the
    /// record to `align` if `order` is `@`. Returns `Stop` with an error at the bytes `span` if the last element ends
    /// after the limit.
    #[inline]
    fn place(&mut self, size: u64, elements: u64, align: Align, order: ByteOrder, span: Span) -> Result<u64, Stop> {
        let mut start = Some(self.offset);
        if matches!(order, ByteOrder::Native) {
            if self.aligns(order) {
                start = align.round_up(self.offset);
            }
            self.align = self.align.max(align);
        }
        let end = start.zip(size.checked_mul(elements)).and_then(|(start, total)| start.checked_add(total));
        match start.zip(end) {
            Some((start, end)) if end <= self.limit => {
                self.offset = end;
                Ok(start)
            }
            _ => self.refuse(Kind::TooLarge { limit: self.limit }, span),
        }
    }

    /// Returns the number of elements of an item: the product of the dimensions and the count of `prefix`. Adds the
    /// count to `prefix` as the last dimension, unless the count is 1: `1i` is a single value. The count must be a
    /// number of values (`4i`), and not a length (`4s`). Returns `Stop` with an error at the bytes `span` if the number
    /// exceeds 64 bits.
    #[inline]
    fn count_elements(&mut self, prefix: &mut ItemPrefix, span: Span) -> Result<u64, Stop> {
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

    /// Adds a dimension of `length` elements to `prefix`, and to the sink unless the item is in the target of a
    /// pointer.
    fn push_dimension(&mut self, prefix: &mut ItemPrefix, length: u64) {
        if self.pointers == 0 {
            self.sink.dimension(length);
        }
        prefix.ndim = prefix.ndim.saturating_add(1);
    }

    /// Returns `self.prefix`: the shapes and the repeat count of the item whose type the parser has just read. Adds 1
    /// to `self.items`, sets `self.orders_since_type` to 0, and makes `self.prefix` empty for the next item.
    #[inline]
    fn take_prefix(&mut self) -> ItemPrefix {
        self.orders_since_type = 0;
        self.items = self.items.wrapping_add(1);
        core::mem::replace(&mut self.prefix, ItemPrefix::EMPTY)
    }

    /// Returns `name`, the span of the name of a field, or [`NO_NAME`] for `None`. Sets `self.named` if the field has a
    /// name. Returns `Stop` if the field has a name but the dialect has no names.
    #[inline]
    fn check_name(&mut self, name: Option<Span>) -> Result<Span, Stop> {
        let Some(span) = name else { return Ok(NO_NAME) };
        self.require(Syntax::NAMES, Construct::Name, span)?;
        self.named = true;
        Ok(span)
    }

    /// Adds `node` to the sink, unless `node` is in the target of a pointer.
    #[inline]
    fn push(&mut self, node: Node) {
        if self.pointers == 0 {
            self.sink.push(node);
        }
    }

    /// Adds a field of type `ty` for a pointer `&` or a function pointer `X{}`, with the size and the alignment of a C
    /// pointer. `span` is the span of the type, and `name` is the span of the name. Returns `Stop` if the field exceeds
    /// the limit.
    fn push_address(&mut self, ty: Type, span: Span, name: Span) -> Result<(), Stop> {
        self.after_bits = false;
        self.whole_padding = None;
        let mut prefix = self.take_prefix();
        let elements = self.count_elements(&mut prefix, span)?;
        let ctype = crate::abi::CType::Pointer;
        let size = self.model.size_of(ctype);
        let offset = self.place(size, elements, self.model.align_of(ctype), self.order, span)?;
        let node =
            Node { offset, size, ty, endian: Some(self.model.endian), ..self.new_node(&prefix, elements, span, name) };
        self.push(node);
        Ok(())
    }

    /// Returns a node for the next index of the sink. `prefix` gives the dimensions, and `elements` is the number of
    /// elements. `span` is the span of the type, and `name` is the span of the name. The node is a record of 0 bytes at
    /// offset 0. The caller replaces the offset, the size, the type and the byte order.
    #[inline]
    fn new_node(&self, prefix: &ItemPrefix, elements: u64, span: Span, name: Span) -> Node {
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
            detail: Detail::None,
        }
    }

    /// Handles `code` at the bytes `span`, a format character that the dialect does not have. If the dialect accepts
    /// `code` as the whole format and no item or prefix precedes `code`, stores `code` in `sole_code`.
    /// [`finish_numpy_reader`](Self::finish_numpy_reader) then checks that nothing follows `code`. Returns `Stop` with
    /// an error in all other cases.
    #[cold]
    fn accept_sole_code(&mut self, code: Code, span: Span) -> Result<(), Stop> {
        if self.dialect.sole_codes.contains(code)
            && self.items == 0
            && !self.prefix.has_count
            && self.prefix.shapes == 0
        {
            self.sole_code = Some((code, span));
            return Ok(());
        }
        self.refuse(Kind::Code { code }, span)
    }

    /// Returns the native size in bytes of `code`, a format character that has no standard size but is under one of
    /// `= < > !`. `info` describes `code`, and `span` is its span. Returns `Stop` with an error if the dialect refuses
    /// such format characters. `O` is never refused, because every reader gives a Python object the size of a pointer.
    #[cold]
    fn size_without_standard(&mut self, code: Code, info: &CodeInfo, span: Span) -> Result<u64, Stop> {
        let keeps = matches!(self.dialect.native_only, NativeOnly::KeepSize) || matches!(code, Code::Object);
        if keeps {
            return Ok(info.native_size(self.model));
        }
        self.refuse(Kind::NoStandardSize { code, order: self.order }, span)
    }

    /// Advances the offset by the pad bytes of an `x` without a name. `prefix` has the count and the shapes, and `span`
    /// is the span of the `x`. If the dialect reads a whole format such as `3x` as a void field, stores this field in
    /// `whole_padding`. Returns `Stop` if the padding exceeds the limit.
    fn skip_padding(&mut self, prefix: &ItemPrefix, span: Span) -> Result<(), Stop> {
        let offset = self.place(prefix.count, prefix.elements, Align::ONE, self.order, span)?;
        let whole = matches!(self.dialect.named_padding, NamedPadding::FieldOrWhole) && self.items == 1;
        if whole && self.groups.is_empty() {
            let node = self.new_node(prefix, prefix.elements, span, NO_NAME);
            self.whole_padding = Some(Node { offset, size: prefix.count, ty: Type::Void, ..node });
        }
        Ok(())
    }

    /// Applies the rules of the dialect for the end of `format`, and returns the size of the item in bytes with
    /// trailing padding. Returns `Stop` with an error if two names are equal, the item is too large, or a construct is
    /// not permitted at the end.
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
            self.finish_numpy_reader(format, end)?;
        }
        if let Some(node) = self.whole_padding {
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

    /// Returns `Stop` with an error if `format` contains a construct that NumPy's reader accepts only in a format of
    /// one number, but `format` is not one number. Also returns `Stop` if `format` ends in a byte-order character.
    /// `end` is the empty span after the last byte of `format`.
    fn finish_numpy_reader(&mut self, format: &[u8], end: Span) -> Result<(), Stop> {
        if self.orders_since_type > 0 {
            return self.refuse_construct(Construct::TrailingByteOrder, end);
        }
        if is_sole_number(format) {
            return Ok(());
        }
        match (self.second_order, self.sole_code) {
            (Some(span), _) => self.refuse_construct(Construct::TwoByteOrders, span),
            (None, Some((code, span))) => self.refuse(Kind::Code { code }, span),
            (None, None) => Ok(()),
        }
    }
}

/// Returns `Stop`, the result for the end of a structure or pointer that was never opened. Only a bug calls this
/// function, because the parser reports such an end as an error.
#[cold]
fn close_without_open() -> Result<(), Stop> {
    debug_assert!(false, "the parser closes a structure or pointer that is not open");
    Err(Stop)
}

/// Returns whether `format` is the code of one number after any number of byte-order characters, such as `<>i`. NumPy
/// reads such formats without its parser.
fn is_sole_number(format: &[u8]) -> bool {
    let prefix_len = format.iter().take_while(|byte| b"@^=<>!".contains(byte)).count();
    match format.split_at_checked(prefix_len) {
        Some((_, [code])) => b"?bBhHiIlLqQnNefdg".contains(code),
        Some((_, [b'Z', part])) => b"fdg".contains(part),
        _ => false,
    }
}

impl<O: Sink> Visitor for Resolver<'_, O> {
    fn space(&mut self, span: Span) -> Result<(), Stop> {
        if matches!(self.dialect.whitespace, Whitespace::BetweenItems) && self.prefix.has_count {
            return self.refuse_construct(Construct::SpaceInItem, span);
        }
        Ok(())
    }

    #[inline]
    fn byte_order(&mut self, order: ByteOrder, at: usize) -> Result<(), Stop> {
        let span = Span::new(at, at.saturating_add(1));
        match self.dialect.placement {
            Placement::First if at > 0 => return self.refuse_construct(Construct::LaterByteOrder, span),
            Placement::BeforeType if self.prefix.has_count => {
                return self.refuse_construct(Construct::ByteOrderAfterCount, span);
            }
            Placement::BeforeType if self.orders_since_type > 0 => self.second_order = Some(span),
            Placement::First | Placement::BeforeType | Placement::Anywhere => {}
        }
        if matches!(order, ByteOrder::NativeUnaligned) {
            self.require(Syntax::UNALIGNED, Construct::Unaligned, span)?;
        }
        self.orders_since_type = self.orders_since_type.wrapping_add(1);
        self.order = order;
        Ok(())
    }

    fn open_shape(&mut self, at: usize) -> Result<(), Stop> {
        let span = Span::new(at, at.saturating_add(1));
        self.require(Syntax::SHAPES, Construct::Shape, span)?;
        if self.prefix.shapes > 0 {
            self.require(Syntax::STACKED_SHAPES, Construct::StackedShapes, span)?;
        }
        if matches!(self.dialect.placement, Placement::BeforeType) && self.orders_since_type > 0 {
            return self.refuse_construct(Construct::ByteOrderBeforeShape, span);
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
            self.accept_sole_code(code, span)?;
        }
        let name = self.check_name(name)?;
        let mut prefix = self.take_prefix();
        self.whole_padding = None;
        let nameless = name == NO_NAME || matches!(self.dialect.named_padding, NamedPadding::Padding);
        if matches!(code, Code::Pad) && nameless {
            self.after_bits = false;
            return self.skip_padding(&prefix, span);
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
                    if core::mem::replace(&mut self.after_bits, true) {
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
            (unit, self.count_elements(&mut prefix, span)?)
        };
        self.after_bits = matches!(code, Code::Bits);
        if matches!(self.dialect.whitespace, Whitespace::BetweenItems) && span.len() != code.as_str().len() {
            return self.refuse_construct(Construct::SpaceInItem, span);
        }
        let offset = self.place(size, elements, align, self.order, span)?;
        if elements == 0 && matches!(self.dialect.zero_count, ZeroCount::Alignment) {
            return Ok(());
        }
        let ty = info.ty(unit);
        let order = if matches!(code, Code::Object) { ByteOrder::Native } else { self.order };
        let endian = (ty.has_byte_order() && unit > 1).then(|| scalar::endian(order, self.model));
        let mut node = Node { offset, size, ty, endian, ..self.new_node(&prefix, elements, span, name) };
        if matches!(code, Code::Bits)
            && let Some(bits) = bits_of_code(prefix.count)
        {
            node.detail = Detail::Bits(bits);
            node.endian = (size > 1).then(|| scalar::endian(order, self.model));
        }
        self.push(node);
        Ok(())
    }

    fn function(&mut self, span: Span, name: Option<Span>) -> Result<(), Stop> {
        self.require(Syntax::FUNCTIONS, Construct::Function, span)?;
        let name = self.check_name(name)?;
        self.push_address(Type::Function, span, name)
    }

    fn user_type(&mut self, text: &[u8], span: Span, name: Option<Span>) -> Result<(), Stop> {
        self.require(Syntax::USER_TYPES, Construct::UserType, span)?;
        let name = self.check_name(name)?;
        // The format does not contain the size of an unknown user type. `reconcile` handles this error, and gives the
        // user type the itemsize.
        let Some(user) = UserType::by_name(text) else { return self.refuse(Kind::UnknownSize, span) };
        let mut prefix = self.take_prefix();
        self.whole_padding = None;
        self.after_bits = false;
        let elements = self.count_elements(&mut prefix, span)?;
        let align = if self.order.has_native_sizes() { user.align() } else { Align::ONE };
        let (size, order) = (user.size(), self.order);
        let offset = self.place(size, elements, align, order, span)?;
        if elements == 0 && matches!(self.dialect.zero_count, ZeroCount::Alignment) {
            return Ok(());
        }
        let endian = user.has_byte_order().then(|| scalar::endian(order, self.model));
        let (ty, detail) = (Type::Opaque, Detail::User(user.index()));
        let node = Node { offset, size, ty, endian, detail, ..self.new_node(&prefix, elements, span, name) };
        self.push(node);
        Ok(())
    }

    fn open_structure(&mut self, at: usize) -> Result<(), Stop> {
        let span = Span::new(at, at.saturating_add(2));
        self.require(Syntax::STRUCTURES, Construct::Structure, span)?;
        self.after_bits = false;
        self.whole_padding = None;
        let mut prefix = self.take_prefix();
        let elements = self.count_elements(&mut prefix, span)?;
        let (_, index) = self.sink.next_indices();
        let node = self.new_node(&prefix, elements, span, NO_NAME);
        self.push(node);
        self.groups.push(OpenGroup { offset: self.offset, align: self.align, order: self.order, elements, index, at });
        self.offset = 0;
        self.align = Align::ONE;
        Ok(())
    }

    fn close_structure(&mut self, at: usize, name: Option<Span>) -> Result<(), Stop> {
        let brace = Span::new(at, at.saturating_add(1));
        if matches!(self.dialect.placement, Placement::BeforeType) && self.orders_since_type > 0 {
            return self.refuse_construct(Construct::TrailingByteOrder, brace);
        }
        let name = self.check_name(name)?;
        let Some(group) = self.groups.pop() else { return close_without_open() };
        let align = core::mem::replace(&mut self.align, group.align);
        let mut size = core::mem::replace(&mut self.offset, group.offset);
        // NumPy's reader aligns a structure if the byte-order character in force at the closing brace is `@`.
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
        self.after_bits = false;
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
        self.push_address(Type::Pointer, span, NO_NAME)?;
        let (offset, align) = (self.offset, self.align);
        self.groups.push(OpenGroup { offset, align, order: self.order, elements: 1, index, at });
        self.pointers = self.pointers.saturating_add(1);
        self.offset = 0;
        Ok(())
    }

    fn close_pointer(&mut self, name: Option<Span>) -> Result<(), Stop> {
        let name = self.check_name(name)?;
        let Some(group) = self.groups.pop() else { return close_without_open() };
        self.offset = group.offset;
        self.align = group.align;
        self.pointers = self.pointers.saturating_sub(1);
        self.after_bits = false;
        if self.pointers == 0 {
            self.sink.complete(group.index, |node| node.name = name);
        }
        Ok(())
    }
}

/// Returns the bit-field of the format character `t` with the count `count`: an unsigned integer of `count` bits.
/// Returns `None` if `count` is 0 or larger than 64, because no integer type has such values.
fn bits_of_code(count: u64) -> Option<BitField> {
    let ty = match count {
        1..=8 => Type::UInt8,
        9..=16 => Type::UInt16,
        17..=32 => Type::UInt32,
        33..=64 => Type::UInt64,
        _ => return None,
    };
    BitField::new(ty, 0, u8::try_from(count).ok()?)
}

/// The receiver of the fields that the resolver computes.
pub(super) trait Sink {
    /// Adds `node` after all nodes so far.
    fn push(&mut self, node: Node);
    /// Adds a dimension of `length` elements to the list of dimensions. All fields of the layout share this list, and a
    /// node stores the indices of its dimensions.
    fn dimension(&mut self, length: u64);
    /// Returns the index of the next dimension and the index of the next node.
    fn next_indices(&self) -> (u32, u32);
    /// Calls `change` with the node whose index is `index`. The caller must have added this node.
    fn complete(&mut self, index: u32, change: impl FnOnce(&mut Node));
    /// Finds two fields of one record that have the same name. Returns the span in `format` of the name of the second
    /// field. Returns `None` if all names in each record are distinct, or if the sink stores no fields. The fields in
    /// the sink must be the fields of `format`.
    fn first_duplicate(&self, format: &[u8]) -> Option<Span>;
}

/// Ignores all fields, for callers that need only the size of the item.
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
        (to_u32(self.dims.len()), to_u32(self.nodes.len()))
    }

    fn complete(&mut self, index: u32, change: impl FnOnce(&mut Node)) {
        let node = usize::try_from(index).ok().and_then(|index| self.nodes.get_mut(index));
        debug_assert!(node.is_some(), "the resolver completes a node that it has pushed");
        if let Some(node) = node {
            change(node);
        }
    }

    fn first_duplicate(&self, format: &[u8]) -> Option<Span> {
        // Equal names are rare. If there are few names, comparing the names pair by pair takes less time than sorting
        // the names.
        if self.nodes.len() <= PAIRWISE_NODES && !has_equal_names(&self.nodes, format) {
            return None;
        }
        // For each name: the index of the enclosing record, the name, and the span of the name.
        let mut names: Vec<(u32, &[u8], Span)> = Vec::new();
        // For each enclosing record: its index, and the index after its last field.
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

/// The largest number of nodes for which names are compared pair by pair.
const PAIRWISE_NODES: usize = 16;

/// Returns whether two of `nodes` have equal names, in one record or in different records. The spans of the names refer
/// to `format`.
fn has_equal_names(nodes: &[Node], format: &[u8]) -> bool {
    let named = |node: &&Node| node.name != NO_NAME;
    nodes.iter().enumerate().filter(|(_, node)| named(node)).any(|(index, node)| {
        let later = nodes.iter().skip(index.saturating_add(1)).filter(named);
        later
            .filter(|other| other.name.len() == node.name.len())
            .any(|other| other.name.of(format) == node.name.of(format))
    })
}
