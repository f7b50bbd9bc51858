//! What a format means: a tree of fields with offsets, in one flat arena.

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

/// A field in the arena. Its children, if it is a record, follow it directly, up to `end`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    /// From the start of the enclosing record, in bytes.
    pub(crate) offset: u64,
    /// One element, in bytes; for a record also the distance between elements.
    pub(crate) size: u64,
    /// Number of elements: the product of the shape.
    pub(crate) count: u64,
    /// The type in the format: the code, or `T{` to `}`.
    pub(crate) span: Span,
    /// The name among [`Layout::names`]; [`NO_NAME`] if there is none.
    pub(crate) name: Span,
    /// Index one past its last descendant.
    pub(crate) end: u32,
    /// Where its shape starts in [`Layout::dims`]; a shape of one dimension is `count` itself.
    pub(crate) dims: u32,
    pub(crate) ndim: u8,
    pub(crate) ty: Type,
    pub(crate) endian: Option<Endian>,
    /// The byte order character in force where it stands.
    pub(crate) order: ByteOrder,
}

/// The name of a field that has none: an empty name lies between two colons, so never at the start.
pub(crate) const NO_NAME: Span = Span::ZERO;

/// What one item of a buffer holds: fields with offsets, sizes and types.
///
/// Made by [`read`](Layout::read) or [`Format::resolve`](crate::Format::resolve). All offsets and
/// sizes are in bytes; every field lies within [`size`](Layout::size).
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
    /// The whole item as a record, then its descendants in the order of the format.
    pub(crate) nodes: Vec<Node>,
    pub(crate) dims: Vec<u64>,
    /// The bytes that names are spans of; the format itself, or empty if no field has a name.
    pub(crate) names: Vec<u8>,
    pub(crate) align: Align,
    pub(crate) model: DataModel,
}

impl Layout {
    /// An empty layout, to be filled again and again by [`read_into`](Layout::read_into) without
    /// allocating each time.
    #[must_use]
    pub fn new() -> Self {
        Self { nodes: Vec::new(), dims: Vec::new(), names: Vec::new(), align: Align::ONE, model: DataModel::HOST }
    }

    /// The size of the item in bytes: its itemsize.
    #[must_use]
    #[inline]
    pub fn size(&self) -> u64 {
        self.nodes.first().map_or(0, |root| root.size)
    }

    /// The largest alignment that the format itself implies (items under `@`); one byte if none.
    #[must_use]
    #[inline]
    pub fn align(&self) -> Align {
        self.align
    }

    /// The machine whose sizes it has.
    #[must_use]
    pub fn model(&self) -> &DataModel {
        &self.model
    }

    /// The top-level fields, in the order of the format, padding left out.
    #[must_use]
    pub fn fields(&self) -> Fields<'_> {
        self.root().fields()
    }

    /// The item as one field: the single unnamed field that fills it, or else a record of all.
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

    /// Every field that is not a record, with its offset from the start of the item. A field inside
    /// an array of records is told once, with the offset in the first element.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let layout = Layout::read(b"T{h:id:T{d:x:d:y:}:at:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// let leaves: Vec<(u64, String)> = layout.leaves().map(|(at, leaf)| (at, leaf.name_text().unwrap())).collect();
    /// assert_eq!(leaves, [(0, "id".into()), (8, "x".into()), (16, "y".into())]);
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    pub fn leaves(&self) -> impl Iterator<Item = (u64, Field<'_>)> {
        // Offsets of the open records, each with the index at which it ends.
        let mut open: Vec<(u32, u64)> = Vec::new();
        (0..).zip(&self.nodes).filter_map(move |(index, node)| {
            while open.last().is_some_and(|(end, _)| *end <= index) {
                open.pop();
            }
            let offset = open.last().map_or(0, |(_, base)| *base).saturating_add(node.offset);
            if node.ty == Type::Record {
                open.push((node.end, offset));
                return None;
            }
            Some((offset, Field { layout: self, index }))
        })
    }

    /// The layout of items that are one value.
    #[must_use]
    pub fn of_scalar(scalar: Scalar, model: &DataModel) -> Self {
        let endian = (scalar.ty.has_byte_order() && scalar.size != 1).then_some(scalar.endian);
        Self::of_one(scalar.ty, scalar.size, endian, model)
    }

    /// The layout of items of which nothing is known but their size in bytes: one void.
    #[must_use]
    pub fn of_bytes(size: u64, model: &DataModel) -> Self {
        Self::of_one(Type::Void, size, None, model)
    }

    /// The layout of items that are one value, as a field of a layout has it.
    #[doc(hidden)]
    pub fn of_one(ty: Type, size: u64, endian: Option<Endian>, model: &DataModel) -> Self {
        let leaf = Node {
            offset: 0,
            size,
            count: 1,
            span: Span::ZERO,
            name: NO_NAME,
            end: 2,
            dims: 0,
            ndim: 0,
            ty,
            endian,
            order: ByteOrder::NativeUnaligned,
        };
        let root = Node { ty: Type::Record, endian: None, ..leaf };
        Self { nodes: Vec::from([root, leaf]), dims: Vec::new(), names: Vec::new(), align: Align::ONE, model: *model }
    }

    /// The layout of items that are arrays of these items; `None` where the sizes do not fit.
    #[must_use]
    pub fn array_of(&self, extents: &[u64]) -> Option<Self> {
        let mut layout = self.item().to_layout();
        let whole: Vec<u64> = extents.iter().chain(self.item().shape()).copied().collect();
        let start = u32::try_from(layout.dims.len()).ok()?;
        layout.dims.extend_from_slice(&whole);
        let (root, item) = match layout.nodes.as_mut_slice() {
            [root, item, ..] => (root, item),
            _ => return None,
        };
        let count = whole.iter().try_fold(1_u64, |count, extent| count.checked_mul(*extent));
        item.count = if whole.contains(&0) { 0 } else { count? };
        (item.dims, item.ndim) = (start, u8::try_from(whole.len()).ok()?);
        root.size = item.size.checked_mul(item.count)?;
        Some(layout)
    }

    pub(crate) fn root(&self) -> Field<'_> {
        Field { layout: self, index: 0 }
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

/// A field of a [`Layout`]: a handle, cheap to copy.
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
    index: u32,
}

impl<'l> Field<'l> {
    #[inline]
    fn get<T>(self, read: impl FnOnce(&'l Node) -> T, missing: T) -> T {
        self.layout.node(self.index).map_or(missing, read)
    }

    /// The name, if the format gives one; it may be empty, and need not be UTF-8.
    #[must_use]
    pub fn name(self) -> Option<&'l [u8]> {
        let span = self.get(|node| node.name, NO_NAME);
        (span != NO_NAME).then(|| span.of(&self.layout.names))
    }

    /// The name as text: UTF-8 as it is, other bytes escaped.
    #[must_use]
    pub fn name_text(self) -> Option<String> {
        let bytes = self.name()?;
        Some(core::str::from_utf8(bytes).map_or_else(|_| escape(bytes).into_owned(), String::from))
    }

    /// The offset in bytes from the start of the enclosing record; at the top level from the start
    /// of the item.
    #[must_use]
    #[inline]
    pub fn offset(self) -> u64 {
        self.get(|node| node.offset, 0)
    }

    /// The size of one element in bytes, the shape left out. Elements of an array lie this far apart.
    #[must_use]
    #[inline]
    pub fn size(self) -> u64 {
        self.get(|node| node.size, 0)
    }

    /// The number of elements: the product of the shape.
    #[must_use]
    #[inline]
    pub fn count(self) -> u64 {
        self.get(|node| node.count, 1)
    }

    /// The size of all elements in bytes.
    #[must_use]
    pub fn total_size(self) -> u64 {
        self.size().saturating_mul(self.count())
    }

    /// The extent of each dimension in elements, C order; empty for a single value.
    #[must_use]
    pub fn shape(self) -> &'l [u64] {
        self.get(
            |node| match node.ndim {
                0 => &[],
                1 => core::slice::from_ref(&node.count),
                ndim => {
                    let start = usize::try_from(node.dims).unwrap_or(usize::MAX);
                    let end = start.saturating_add(usize::from(ndim));
                    self.layout.dims.get(start..end).unwrap_or_default()
                }
            },
            &[],
        )
    }

    /// What its bytes are.
    #[must_use]
    #[inline]
    pub fn ty(self) -> Type {
        self.get(|node| node.ty, Type::Record)
    }

    /// The byte order, where the type has one.
    #[must_use]
    #[inline]
    pub fn endian(self) -> Option<Endian> {
        self.get(|node| node.endian, None)
    }

    /// The machine whose sizes it has.
    #[must_use]
    pub fn model(self) -> &'l DataModel {
        &self.layout.model
    }

    /// Where the format says so: the format character, or `T{` to `}`.
    #[must_use]
    pub fn span(self) -> Span {
        self.get(|node| node.span, Span::ZERO)
    }

    /// The alignment that the C type of this field has on the machine of the layout, whatever the
    /// format says: the largest of its fields for a record.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let layout = Layout::read(b"T{<b:a:<d:b:}", &Dialect::CTYPES, &DataModel::LP64)?;
    /// // The format packs them; a C compiler would want its `double` at a multiple of 8 bytes.
    /// assert_eq!((layout.align().bytes(), layout.item().natural_align().bytes()), (1, 8));
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[must_use]
    pub fn natural_align(self) -> Align {
        let Some(node) = self.layout.node(self.index) else {
            return Align::ONE;
        };
        let last = if node.ty == Type::Record { node.end } else { self.index.saturating_add(1) };
        let nodes = (self.index..last).filter_map(|index| self.layout.node(index));
        nodes.map(|node| super::scalar::natural_align(node, &self.layout.model)).max().unwrap_or(Align::ONE)
    }

    /// The fields of a record, in the order of the format; none for anything else.
    #[must_use]
    pub fn fields(self) -> Fields<'l> {
        let end = self.get(|node| node.end, 0);
        Fields { layout: self.layout, next: self.index.saturating_add(1), end }
    }

    /// The field of a record by its name; the first if there are several.
    #[must_use]
    pub fn field(self, name: &[u8]) -> Option<Self> {
        self.fields().find(|field| field.name() == Some(name))
    }

    /// The layout of items that are this field and nothing else, without its name.
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
        self.sub_layout(false)
    }

    /// The same of one element: without its shape, too.
    #[must_use]
    pub(crate) fn element_layout(self) -> Layout {
        self.sub_layout(true)
    }

    fn sub_layout(self, element: bool) -> Layout {
        let Some(node) = self.layout.node(self.index) else { return Layout::new() };
        let first = usize::try_from(self.index).unwrap_or(usize::MAX);
        let last = usize::try_from(node.end).unwrap_or(usize::MAX);
        // The root stands before it, where its enclosing records stood.
        let moved = |end: u32| end.saturating_sub(self.index).saturating_add(1);
        let below = self.layout.nodes.get(first..last).unwrap_or_default().iter();
        let mut nodes: Vec<Node> = below.map(|node| Node { end: moved(node.end), ..*node }).collect();
        let mut size = self.total_size();
        if let Some(top) = nodes.first_mut() {
            (top.offset, top.name) = (0, NO_NAME);
            if element {
                (top.count, top.ndim, size) = (1, 0, top.size);
            }
        }
        let end = moved(node.end);
        let root =
            Node { offset: 0, size, count: 1, name: NO_NAME, end, ndim: 0, ty: Type::Record, endian: None, ..*node };
        nodes.insert(0, root);
        Layout { nodes, dims: self.layout.dims.clone(), names: self.layout.names.clone(), ..*self.layout }
    }

    /// Returns the byte-order character in effect, which decides native or standard size; `None` for records.
    #[must_use]
    pub fn byte_order(self) -> Option<ByteOrder> {
        self.node().filter(|node| node.ty != Type::Record).map(|node| node.order)
    }

    pub(crate) fn node(self) -> Option<&'l Node> {
        self.layout.node(self.index)
    }

    #[doc(hidden)]
    pub fn at(layout: &'l Layout, index: u32) -> Self {
        Self { layout, index }
    }

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

/// The fields of a record.
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
        let field = Field { layout: self.layout, index: self.next };
        self.next = field.get(|node| node.end, self.end);
        Some(field)
    }
}

impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}
