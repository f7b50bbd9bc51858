//! [`Layout`] and [`Field`]: the fields of an item with their offsets, sizes and types.
//!
//! A layout is one list of nodes in the order of the format. A record precedes its fields.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::scalar::Scalar;
use super::ty::Type;
use crate::abi::DataModel;
use crate::align::Align;
use crate::endian::Endian;
use crate::format::ByteOrder;
use crate::span::Span;
use crate::text::escape;

/// A field in the list of a layout.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    /// From the start of the enclosing record, in bytes.
    pub(crate) offset: u64,
    /// Bytes of one element. The elements of an array are this far apart.
    pub(crate) size: u64,
    /// Number of elements: the product of the shape.
    pub(crate) count: u64,
    /// The type in the format: the format character, or `T{` to `}`.
    pub(crate) span: Span,
    /// The name as a span of `Layout::names`; [`NO_NAME`] if the field has none.
    pub(crate) name: Span,
    /// Index one past the last node inside this one.
    pub(crate) end: u32,
    /// Index of the first dimension in `Layout::dims`. A single dimension is not stored there: its length is `count`.
    pub(crate) dims: u32,
    pub(crate) ndim: u8,
    pub(crate) ty: Type,
    pub(crate) endian: Option<Endian>,
    /// The byte-order character in force.
    pub(crate) order: ByteOrder,
}

/// The name of a field without a name. An empty name is between two colons, so it never starts at byte 0.
pub(crate) const NO_NAME: Span = Span::ZERO;

/// The first node: the whole item as a record, still without fields.
pub(super) const ROOT: Node = Node {
    offset: 0,
    size: 0,
    count: 1,
    span: Span::ZERO,
    name: NO_NAME,
    end: 1,
    dims: 0,
    ndim: 0,
    ty: Type::Record,
    endian: None,
    order: ByteOrder::Native,
};

/// Completes the first node once all other nodes are known.
#[inline]
pub(super) fn close_root(nodes: &mut [Node], size: u64, format: &[u8]) {
    let end = narrow(nodes.len());
    if let Some(root) = nodes.first_mut() {
        root.size = size;
        root.end = end;
        root.span = Span::new(0, format.len());
    }
}

/// Converts the length of a list of nodes or dimensions, which the limits of formats and builders keep below 2^32.
#[inline]
pub(super) fn narrow(len: usize) -> u32 {
    debug_assert!(u32::try_from(len).is_ok(), "{len} nodes or dimensions");
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// The fields of one item of a buffer, with offsets, sizes and types.
///
/// [`read`](Layout::read) and [`Format::resolve`](crate::Format::resolve) return a layout of a format,
/// [`LayoutBuilder`](super::LayoutBuilder) makes one of other facts. All offsets and sizes are in bytes, and
/// no field reaches past [`size`](Layout::size).
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout, Type};
///
/// let layout = Layout::read(b"T{b:a:(2,3)<i:m:}", &Dialect::PEP3118, &DataModel::LP64)?;
/// assert_eq!(layout.size(), 25);
/// let m = layout.item().field(b"m").unwrap();
/// assert_eq!((m.offset(), m.size(), m.shape(), m.ty()), (1, 4, &[2, 3][..], Type::Int32));
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Layout {
    /// The whole item as a record, then all fields in the order of the format. No nodes mean an empty record.
    pub(crate) nodes: Vec<Node>,
    pub(crate) dims: Vec<u64>,
    /// The bytes that contain the names: the format itself, or empty if no field has a name.
    pub(crate) names: Vec<u8>,
    pub(crate) align: Align,
    pub(crate) model: DataModel,
}

impl Layout {
    /// Returns an empty layout for [`read_into`](Layout::read_into).
    #[must_use]
    pub fn new() -> Self {
        Self { nodes: Vec::new(), dims: Vec::new(), names: Vec::new(), align: Align::ONE, model: DataModel::HOST }
    }

    /// Returns the size of the item in bytes: its itemsize.
    #[must_use]
    #[inline]
    pub fn size(&self) -> u64 {
        self.root().size()
    }

    /// Returns the largest alignment that the format implies (of items under `@`), or 1 byte.
    #[must_use]
    #[inline]
    pub fn align(&self) -> Align {
        self.align
    }

    /// Returns the data model of the sizes.
    #[must_use]
    pub fn model(&self) -> &DataModel {
        &self.model
    }

    /// Returns the top-level fields in the order of the format, without padding.
    #[must_use]
    pub fn fields(&self) -> Fields<'_> {
        self.root().fields()
    }

    /// Returns the item as one field: the only field, if it has no name and fills the item, else a record of all fields.
    #[must_use]
    pub fn item(&self) -> Field<'_> {
        let root = self.root();
        let mut fields = root.fields();
        match (fields.next(), fields.next()) {
            (Some(only), None) if only.name().is_none() && only.offset() == 0 && only.total_size() == self.size() => {
                only
            }
            _ => root,
        }
    }

    /// Returns every field that is not a record, with its offset from the start of the item.
    ///
    /// A field inside an array of records is returned once, with its offset in the first element.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let layout = Layout::read(b"T{h:id:T{d:x:d:y:}:at:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// let leaves: Vec<(u64, String)> = layout.leaves().map(|(at, leaf)| (at, leaf.name_text().unwrap())).collect();
    /// assert_eq!(leaves, [(0, "id".into()), (8, "x".into()), (16, "y".into())]);
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    pub fn leaves(&self) -> impl Iterator<Item = (u64, Field<'_>)> {
        // The end of each enclosing record, and its offset from the start of the item.
        let mut enclosing: Vec<(u32, u64)> = Vec::new();
        self.all_fields().filter_map(move |field| {
            while enclosing.last().is_some_and(|(end, _)| *end <= field.index) {
                enclosing.pop();
            }
            let offset = enclosing.last().map_or(0, |(_, base)| *base).saturating_add(field.offset());
            if field.ty() == Type::Record {
                enclosing.push((field.node.end, offset));
                return None;
            }
            Some((offset, field))
        })
    }

    /// Returns whether two fields of one record share bytes, as those of a union do.
    ///
    /// Formats cannot express that. The type of a NumPy array or a ctypes structure can.
    #[must_use]
    pub fn has_overlaps(&self) -> bool {
        self.all_fields().any(Field::overlaps)
    }

    /// Returns the layout of items that are one value.
    #[must_use]
    pub fn of_scalar(scalar: Scalar, model: &DataModel) -> Self {
        let endian = (scalar.ty.has_byte_order() && scalar.size != 1).then_some(scalar.endian);
        Self::of_one(scalar.ty, scalar.size, endian, model)
    }

    /// Returns the layout of items of which only the size in bytes is known: one void.
    #[must_use]
    pub fn of_bytes(size: u64, model: &DataModel) -> Self {
        Self::of_one(Type::Void, size, None, model)
    }

    /// Returns the layout of items that are one field without a name.
    #[doc(hidden)]
    pub fn of_one(ty: Type, size: u64, endian: Option<Endian>, model: &DataModel) -> Self {
        let root = Node { size, end: 2, order: ByteOrder::NativeUnaligned, ..ROOT };
        let field = Node { ty, endian, ..root };
        Self { nodes: Vec::from([root, field]), dims: Vec::new(), names: Vec::new(), align: Align::ONE, model: *model }
    }

    /// Returns the layout of items that are C-contiguous arrays of these items; `None` if the size does not fit.
    #[must_use]
    pub fn array_of(&self, shape: &[u64]) -> Option<Self> {
        let mut layout = self.item().to_layout();
        let shape: Vec<u64> = shape.iter().chain(self.item().shape()).copied().collect();
        let dims = u32::try_from(layout.dims.len()).ok()?;
        layout.dims.extend_from_slice(&shape);
        let [root, item, ..] = layout.nodes.as_mut_slice() else { return None };
        let count = shape.iter().try_fold(1_u64, |count, length| count.checked_mul(*length));
        item.count = if shape.contains(&0) { 0 } else { count? };
        (item.dims, item.ndim) = (dims, u8::try_from(shape.len()).ok()?);
        root.size = item.size.checked_mul(item.count)?;
        Some(layout)
    }

    #[inline]
    pub(crate) fn root(&self) -> Field<'_> {
        Field { layout: self, node: self.nodes.first().unwrap_or(&ROOT), index: 0 }
    }

    /// Returns the root and all fields below it, in the order of the format.
    pub(super) fn all_fields(&self) -> impl Iterator<Item = Field<'_>> {
        (0_u32..).zip(&self.nodes).map(|(index, node)| Field { layout: self, node, index })
    }

    pub(crate) fn node(&self, index: u32) -> Option<&Node> {
        self.nodes.get(usize::try_from(index).ok()?)
    }
}

impl Default for Layout {
    fn default() -> Self {
        Self::new()
    }
}

/// A field of a [`Layout`], by reference.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout};
/// let layout = Layout::read(b"T{<h:id:(2)T{>d:x:>d:y:}:at:}", &Dialect::PEP3118, &DataModel::LP64)?;
/// let at = layout.item().field(b"at").unwrap();
/// // Two elements of 16 bytes each, from byte 2 on.
/// assert_eq!((at.offset(), at.size(), at.count(), at.total_size()), (2, 16, 2, 32));
/// let y = at.field(b"y").unwrap();
/// // In bytes from the start of its record.
/// assert_eq!((y.offset(), y.endian()), (8, Some(pep3118::Endian::Big)));
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Field<'l> {
    layout: &'l Layout,
    node: &'l Node,
    index: u32,
}

impl<'l> Field<'l> {
    /// Returns the name, if the format has one. It can be empty and need not be UTF-8.
    #[must_use]
    pub fn name(self) -> Option<&'l [u8]> {
        let name = self.node.name;
        (name != NO_NAME).then(|| name.of(&self.layout.names))
    }

    /// Returns the name as text in which bytes that are not UTF-8 are escaped.
    #[must_use]
    pub fn name_text(self) -> Option<String> {
        let bytes = self.name()?;
        Some(core::str::from_utf8(bytes).map_or_else(|_| escape(bytes).into_owned(), String::from))
    }

    /// Returns the offset in bytes from the start of the enclosing record. The top level is a record, too.
    #[must_use]
    #[inline]
    pub fn offset(self) -> u64 {
        self.node.offset
    }

    /// Returns the size of one element in bytes. The elements of an array are this far apart.
    #[must_use]
    #[inline]
    pub fn size(self) -> u64 {
        self.node.size
    }

    /// Returns the number of elements: the product of the shape.
    #[must_use]
    #[inline]
    pub fn count(self) -> u64 {
        self.node.count
    }

    /// Returns the size of all elements in bytes.
    #[must_use]
    pub fn total_size(self) -> u64 {
        self.size().saturating_mul(self.count())
    }

    /// Returns the length of each dimension, in C order; empty for a single value.
    #[must_use]
    pub fn shape(self) -> &'l [u64] {
        match self.node.ndim {
            0 => &[],
            1 => core::slice::from_ref(&self.node.count),
            ndim => {
                let dims = usize::try_from(self.node.dims).ok().and_then(|start| self.layout.dims.get(start..));
                let dims = dims.and_then(|dims| dims.get(..usize::from(ndim)));
                debug_assert!(dims.is_some(), "the dimensions of each node are in the layout");
                dims.unwrap_or_default()
            }
        }
    }

    /// Returns the type of its values.
    #[must_use]
    #[inline]
    pub fn ty(self) -> Type {
        self.node.ty
    }

    /// Returns the byte order, if the type has one.
    #[must_use]
    #[inline]
    pub fn endian(self) -> Option<Endian> {
        self.node.endian
    }

    /// Returns the data model of the sizes.
    #[must_use]
    pub fn model(self) -> &'l DataModel {
        &self.layout.model
    }

    /// Returns the place of the type in the format: the format character, or `T{` to `}`.
    #[must_use]
    pub fn span(self) -> Span {
        self.node.span
    }

    /// Returns the alignment of its C type in the data model, which the format need not respect. That of a record
    /// is the largest of its fields.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let layout = Layout::read(b"T{<b:a:<d:b:}", &Dialect::CTYPES, &DataModel::LP64)?;
    /// // The format packs the fields; a C compiler aligns a `double` to 8 bytes.
    /// assert_eq!((layout.align().bytes(), layout.item().natural_align().bytes()), (1, 8));
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[must_use]
    pub fn natural_align(self) -> Align {
        let aligns = self.descendants().map(|field| field.ty().natural_align(field.size(), &self.layout.model));
        aligns.max().unwrap_or(Align::ONE)
    }

    /// Returns the fields of a record in the order of the format; empty for any other type.
    #[must_use]
    pub fn fields(self) -> Fields<'l> {
        Fields { layout: self.layout, next: self.index.saturating_add(1), end: self.node.end }
    }

    /// Returns the field of a record with a name; the first if there are several.
    #[must_use]
    pub fn field(self, name: &[u8]) -> Option<Self> {
        self.fields().find(|field| field.name() == Some(name))
    }

    /// Returns whether two fields of this record share bytes.
    #[must_use]
    pub fn overlaps(self) -> bool {
        // Fields in the order of their offsets, as in a format, take one pass and no allocation.
        let mut end = 0_u64;
        let mut in_order = true;
        for field in self.fields().filter(|field| field.total_size() > 0) {
            in_order &= field.offset() >= end;
            end = field.offset().saturating_add(field.total_size());
        }
        if in_order {
            return false;
        }
        let mut end = 0_u64;
        self.by_offset().into_iter().filter(|field| field.total_size() > 0).any(|field| {
            let shared = field.offset() < end;
            end = end.max(field.offset().saturating_add(field.total_size()));
            shared
        })
    }

    /// Returns whether this is a record of several fields that all start at its first byte.
    #[must_use]
    pub fn is_union(self) -> bool {
        self.fields().all(|field| field.offset() == 0)
            && self.fields().filter(|field| field.total_size() > 0).count() > 1
    }

    /// Returns the fields of a record in the order of their offsets.
    pub(crate) fn by_offset(self) -> Vec<Self> {
        let mut fields: Vec<Field<'l>> = self.fields().collect();
        fields.sort_by_key(|field| field.offset());
        fields
    }

    /// Returns the layout of items that are this field alone, without its name.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, Target};
    /// let layout = Layout::read(b"T{<h:a:(2)T{>i:x:}:b:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// let b = layout.item().field(b"b").unwrap().to_layout();
    /// assert_eq!((b.size(), b.emit(Target::Canonical).unwrap()), (8, b"(2)T{>i:x:}".to_vec()));
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[must_use]
    pub fn to_layout(self) -> Layout {
        self.layout_of(*self.node, self.total_size())
    }

    /// Returns the layout of items that are one element of this field, without its name and shape.
    #[must_use]
    pub(crate) fn element_layout(self) -> Layout {
        self.layout_of(Node { count: 1, ndim: 0, ..*self.node }, self.size())
    }

    /// Returns the layout of `size` bytes that has `top` and the nodes below this field.
    fn layout_of(self, top: Node, size: u64) -> Layout {
        // The new root comes first, so that the nodes move from `index` to 1.
        let moved = |end: u32| end.saturating_sub(self.index).saturating_add(1);
        let end = moved(top.end);
        let top = Node { offset: 0, name: NO_NAME, end, ..top };
        let root = Node { size, count: 1, ndim: 0, ty: Type::Record, endian: None, ..top };
        let below = self.descendants().skip(1).map(|field| Node { end: moved(field.node.end), ..*field.node });
        let nodes = [root, top].into_iter().chain(below).collect();
        Layout { nodes, dims: self.layout.dims.clone(), names: self.layout.names.clone(), ..*self.layout }
    }

    /// Returns the byte-order character in effect, which decides native or standard size; `None` for records.
    #[must_use]
    pub fn byte_order(self) -> Option<ByteOrder> {
        (self.ty() != Type::Record).then_some(self.node.order)
    }

    pub(crate) fn node(self) -> &'l Node {
        self.node
    }

    /// Returns this field and all fields inside it, in the order of the format.
    pub(super) fn descendants(self) -> impl Iterator<Item = Self> {
        let layout = self.layout;
        let first = self.index.saturating_add(1);
        let range = usize::try_from(first).ok().zip(usize::try_from(self.node.end).ok());
        // The root of an empty layout is not in the list.
        let nodes = range.and_then(|(first, end)| layout.nodes.get(first..end)).unwrap_or_default();
        let inner = (first..).zip(nodes).map(move |(index, node)| Self { layout, node, index });
        core::iter::once(self).chain(inner)
    }

    /// Returns the field that has an [`index`](Self::index) in a layout.
    #[doc(hidden)]
    pub fn at(layout: &'l Layout, index: u32) -> Self {
        match layout.node(index) {
            Some(node) => Self { layout, node, index },
            None => {
                debug_assert!(index == 0, "the index is one of this layout");
                layout.root()
            }
        }
    }

    /// Returns the index of the field in its layout.
    #[doc(hidden)]
    pub fn index(self) -> u32 {
        self.index
    }
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Field")
            .field("name", &self.name_text())
            .field("offset", &self.offset())
            .field("size", &self.size())
            .field("shape", &self.shape())
            .field("ty", &self.ty())
            .field("endian", &self.endian())
            .finish_non_exhaustive()
    }
}

/// An iterator over the fields of a record.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout};
/// let layout = Layout::read(b"T{b:a:i:b:}", &Dialect::PEP3118, &DataModel::LP64)?;
/// let offsets: Vec<u64> = layout.item().fields().map(|field| field.offset()).collect();
/// assert_eq!(offsets, [0, 4]);
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
#[derive(Clone)]
pub struct Fields<'l> {
    layout: &'l Layout,
    next: u32,
    end: u32,
}

impl<'l> Iterator for Fields<'l> {
    type Item = Field<'l>;

    fn next(&mut self) -> Option<Field<'l>> {
        if self.next >= self.end {
            return None;
        }
        let (layout, index) = (self.layout, self.next);
        let node = layout.node(index)?;
        self.next = node.end;
        Some(Field { layout, node, index })
    }
}

impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}
