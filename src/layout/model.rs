//! What a format means: a tree of fields with offsets, in one flat arena.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::scalar::Scalar;
use crate::abi::DataModel;
use crate::diagnostic::escape;
use crate::endian::Endian;
use crate::extent::Align;
use crate::format::ByteOrder;
use crate::span::Span;

/// The kind of value that a field holds.
///
/// The names are those of NumPy's types where NumPy has the type. Sizes are not part of it except
/// where the name says so: `Bytes` of 5 bytes is a [`Field`] of that size.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Type {
    /// `_Bool` in one byte; `VARIANT_BOOL` in two.
    Bool,
    /// One byte that is a character.
    Char,
    /// Signed, 1 byte.
    Int8,
    /// Unsigned, 1 byte.
    UInt8,
    /// Signed, 2 bytes.
    Int16,
    /// Unsigned, 2 bytes.
    UInt16,
    /// Signed, 4 bytes.
    Int32,
    /// Unsigned, 4 bytes.
    UInt32,
    /// Signed, 8 bytes.
    Int64,
    /// Unsigned, 8 bytes.
    UInt64,
    /// IEEE 754 binary16.
    Float16,
    /// IEEE 754 binary32.
    Float32,
    /// IEEE 754 binary64.
    Float64,
    /// The machine's `long double`; see [`LongDoubleFormat`](crate::LongDoubleFormat).
    LongDouble,
    /// Two [`Float16`](Self::Float16), real part first.
    Complex32,
    /// Two [`Float32`](Self::Float32), real part first.
    Complex64,
    /// Two [`Float64`](Self::Float64), real part first.
    Complex128,
    /// Two [`LongDouble`](Self::LongDouble), real part first.
    ComplexLongDouble,
    /// A string of bytes of fixed length.
    Bytes,
    /// A Pascal string: its length in the first byte, then its bytes.
    Pascal,
    /// UCS-2 text of fixed length.
    Ucs2,
    /// UCS-4 text of fixed length.
    Ucs4,
    /// `wchar_t` text of fixed length.
    Wchar,
    /// Bytes without a meaning, NumPy's void.
    Void,
    /// An address.
    Pointer,
    /// The address of a NUL-terminated string of bytes.
    CharPointer,
    /// The address of a NUL-terminated string of `wchar_t`.
    WcharPointer,
    /// The address of a function.
    Function,
    /// The address of a Python object.
    Object,
    /// Bits, in whole bytes.
    Bits,
    /// A user type that only its author knows.
    Opaque,
    /// A structure.
    Record,
}

impl Type {
    /// The name in lower case, as the tables and the JSON have it: `"int32"`, `"char_pointer"`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Char => "char",
            Self::Int8 => "int8",
            Self::UInt8 => "uint8",
            Self::Int16 => "int16",
            Self::UInt16 => "uint16",
            Self::Int32 => "int32",
            Self::UInt32 => "uint32",
            Self::Int64 => "int64",
            Self::UInt64 => "uint64",
            Self::Float16 => "float16",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::LongDouble => "longdouble",
            Self::Complex32 => "complex32",
            Self::Complex64 => "complex64",
            Self::Complex128 => "complex128",
            Self::ComplexLongDouble => "clongdouble",
            Self::Bytes => "bytes",
            Self::Pascal => "pascal",
            Self::Ucs2 => "ucs2",
            Self::Ucs4 => "ucs4",
            Self::Wchar => "wchar",
            Self::Void => "void",
            Self::Pointer => "pointer",
            Self::CharPointer => "char_pointer",
            Self::WcharPointer => "wchar_pointer",
            Self::Function => "function",
            Self::Object => "object",
            Self::Bits => "bits",
            Self::Opaque => "opaque",
            Self::Record => "record",
        }
    }

    /// Every type.
    pub const ALL: [Self; 32] = [
        Self::Bool,
        Self::Char,
        Self::Int8,
        Self::UInt8,
        Self::Int16,
        Self::UInt16,
        Self::Int32,
        Self::UInt32,
        Self::Int64,
        Self::UInt64,
        Self::Float16,
        Self::Float32,
        Self::Float64,
        Self::LongDouble,
        Self::Complex32,
        Self::Complex64,
        Self::Complex128,
        Self::ComplexLongDouble,
        Self::Bytes,
        Self::Pascal,
        Self::Ucs2,
        Self::Ucs4,
        Self::Wchar,
        Self::Void,
        Self::Pointer,
        Self::CharPointer,
        Self::WcharPointer,
        Self::Function,
        Self::Object,
        Self::Bits,
        Self::Opaque,
        Self::Record,
    ];

    /// The type of a name: `"int32"`.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ty| ty.as_str() == name)
    }

    /// Whether values of it have a byte order.
    #[must_use]
    #[inline]
    pub const fn has_byte_order(self) -> bool {
        !matches!(
            self,
            Self::Char
                | Self::Int8
                | Self::UInt8
                | Self::Bytes
                | Self::Pascal
                | Self::Void
                | Self::Bits
                | Self::Opaque
                | Self::Record
        )
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

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
    pub(crate) fn of_one(ty: Type, size: u64, endian: Option<Endian>, model: &DataModel) -> Self {
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
    #[cfg(all(feature = "pyo3", feature = "arrow"))]
    pub(crate) fn array_of(&self, extents: &[u64]) -> Option<Self> {
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
        Some(core::str::from_utf8(bytes).map_or_else(|_| escape(bytes), String::from))
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

    pub(crate) fn node(self) -> Option<&'l Node> {
        self.layout.node(self.index)
    }

    pub(crate) fn at(layout: &'l Layout, index: u32) -> Self {
        Self { layout, index }
    }

    pub(crate) fn index(self) -> u32 {
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
