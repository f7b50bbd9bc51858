//! [`Layout`] and [`Field`]: the fields of an item with their offsets, sizes and types.
//!
//! A layout stores a tree of fields as one list of nodes, in the order of the format. The node of a record precedes the
//! nodes of its fields. The first node is the *root*: a record that contains all top-level fields.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::hash::{Hash, Hasher};

use super::bit_field::BitField;
use super::nul_handling::NulHandling;
use super::scalar::Scalar;
use super::ty::Type;
use super::user_type::UserType;
use crate::abi::{CType, DataModel};
use crate::align::Align;
use crate::endian::Endian;
use crate::format::ByteOrder;
use crate::span::Span;
use crate::text::escape;

/// A field in the list of nodes of a layout.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    /// The offset from the start of the enclosing record in bytes.
    pub(crate) offset: u64,
    /// The size of one element in bytes. The size is also the distance between the elements of an array.
    pub(crate) size: u64,
    /// The number of elements: the product of the shape.
    pub(crate) count: u64,
    /// The bytes of the format that declare the type: the format character, or `T{` to `}`.
    pub(crate) span: Span,
    /// The name as a span of `Layout::names`, or [`NO_NAME`] if the field has no name.
    pub(crate) name: Span,
    /// The index of the first node after this node that is not inside this field. For a field that is not a record, the
    /// index of the next node.
    pub(crate) end: u32,
    /// The index of the first dimension in `Layout::dims`. If `ndim` is 1, `count` is the only dimension, and `dims`
    /// has no meaning.
    pub(crate) dims: u32,
    /// The number of dimensions.
    pub(crate) ndim: u8,
    /// The type of the values, or [`Type::Record`].
    pub(crate) ty: Type,
    /// The byte order of the values, or `None` for types without a byte order and for values of 1 byte.
    pub(crate) endian: Option<Endian>,
    /// The byte-order character in force at the type, which selects native or standard sizes. `^` if the layout was
    /// built without a format.
    pub(crate) order: ByteOrder,
    /// The properties of the values that the type does not contain: the position of a bit-field, the rule for the NULs
    /// of a text, or the user type.
    pub(crate) detail: Detail,
}

/// Properties of the values of a field that depend on more than the [`Type`] of the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Detail {
    /// The type describes the values completely. For a text, the rule for NULs follows from the length.
    None,
    /// The position of the bits in a field of type [`Type::Bits`].
    Bits(BitField),
    /// The rule for the NULs of a byte string or a text.
    Nuls(NulHandling),
    /// The index of the user type in the registry, for a field of type [`Type::Opaque`].
    User(u16),
}

/// The value of [`Node::name`] for a field without a name. An empty name follows a colon, so no name starts at byte 0.
pub(crate) const NO_NAME: Span = Span::ZERO;

/// The root of a layout before any fields are added.
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
    detail: Detail::None,
};

/// Sets the size, the end and the span of the root, which must be the first of `nodes`. The caller must have added all
/// other nodes. `size` is the size of the item in bytes, and `format` is the whole format.
#[inline]
pub(super) fn close_root(nodes: &mut [Node], size: u64, format: &[u8]) {
    let end = to_u32(nodes.len());
    if let Some(root) = nodes.first_mut() {
        root.size = size;
        root.end = end;
        root.span = Span::new(0, format.len());
    }
}

/// Converts `len`, the number of nodes or dimensions of a layout, to `u32`. The parser and the builder limit both
/// numbers to less than 2^32.
#[inline]
pub(super) fn to_u32(len: usize) -> u32 {
    debug_assert!(u32::try_from(len).is_ok(), "{len} nodes or dimensions");
    // The default is never used. If a limit were wrong, `u32::MAX` would not be the index of a node, so no wrong node
    // would be found.
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// The fields of one item of a buffer, with offsets, sizes and types.
///
/// [`read`](Layout::read) and [`Format::resolve`](crate::Format::resolve) compute the layout of a format.
/// [`LayoutBuilder`](super::LayoutBuilder) builds a layout from known offsets. All offsets and sizes are in bytes. No
/// field ends after [`size`](Layout::size).
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
    /// The root, then all fields in the order of the format. A layout without nodes is an empty record.
    pub(crate) nodes: Vec<Node>,
    /// The dimensions of the fields. [`Node::dims`] is the index of the first dimension of a field.
    pub(crate) dims: Vec<u64>,
    /// The bytes that the spans of the names refer to, such as the format. Empty if no field has a name.
    pub(crate) names: Vec<u8>,
    /// The alignment that [`align`](Layout::align) returns.
    pub(crate) align: Align,
    /// The data model by which the sizes of C types were computed.
    pub(crate) model: DataModel,
}

impl Layout {
    /// Returns an empty layout of 0 bytes, for example for [`read_into`](Layout::read_into). The data model is
    /// [`DataModel::HOST`].
    ///
    /// ```
    /// assert_eq!(pep3118::Layout::new().size(), 0);
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self { nodes: Vec::new(), dims: Vec::new(), names: Vec::new(), align: Align::ONE, model: DataModel::HOST }
    }

    /// Returns the size of the item in bytes, the itemsize.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let layout = Layout::read("T{<h:id:(2)<f:at:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// assert_eq!(layout.size(), 10);
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[must_use]
    #[inline]
    pub fn size(&self) -> u64 {
        self.root().size()
    }

    /// Returns the alignment of the item that follows from the format: the largest alignment of all fields under the
    /// byte-order character `@`. Returns 1 byte if no field is under `@`.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let align = |format: &str| Layout::read(format, &Dialect::STRUCT, &DataModel::LP64).map(|layout| layout.align().bytes());
    /// assert_eq!((align("@bd")?, align("<bd")?), (8, 1));
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[must_use]
    #[inline]
    pub fn align(&self) -> Align {
        self.align
    }

    /// Returns the data model by which the sizes of C types were computed.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let layout = Layout::read(b"l", &Dialect::PEP3118, &DataModel::LP64)?;
    /// assert_eq!(layout.model(), &DataModel::LP64);
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[must_use]
    pub fn model(&self) -> &DataModel {
        &self.model
    }

    /// Returns the top-level fields in the order of the format, without padding.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let layout = Layout::read("<hxf", &Dialect::STRUCT, &DataModel::LP64)?;
    /// let offsets: Vec<u64> = layout.fields().map(|field| field.offset()).collect();
    /// assert_eq!(offsets, [0, 3]);
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[must_use]
    pub fn fields(&self) -> Fields<'_> {
        self.root().fields()
    }

    /// Returns the item as one field.
    ///
    /// If the layout has only one top-level field, and this field has no name and fills the item, returns this field.
    /// Otherwise, returns a record that contains all top-level fields.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let layout = Layout::read("T{<h:id:(2)<f:at:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// assert_eq!(layout.item().fields().count(), 2);
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[must_use]
    pub fn item(&self) -> Field<'_> {
        match self.sole_field() {
            Some(field) if field.name().is_none() => field,
            _ => self.root(),
        }
    }

    /// Returns the only top-level field if this field fills the item. Returns `None` if the layout has no top-level
    /// field, several top-level fields, or padding beside the field.
    pub(super) fn sole_field(&self) -> Option<Field<'_>> {
        let mut fields = self.fields();
        let field = fields.next().filter(|_| fields.next().is_none())?;
        (field.offset() == 0 && field.total_size() == self.size()).then_some(field)
    }

    /// Returns an iterator over pairs for all fields that are not records: the offset of the field in bytes from the
    /// start of the item, and the field.
    ///
    /// A field inside an array of records appears once, with its offset in the first element.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let layout = Layout::read(b"T{h:id:T{d:x:d:y:}:at:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// let leaves: Vec<(u64, String)> = layout.leaves().map(|(at, leaf)| (at, leaf.name_text().unwrap())).collect();
    /// assert_eq!(leaves, [(0, "id".into()), (8, "x".into()), (16, "y".into())]);
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    pub fn leaves(&self) -> impl Iterator<Item = (u64, Field<'_>)> {
        // For each enclosing record: the index after its last field, and its offset from the start of the item.
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

    /// Returns whether two fields of one record share bits, as the fields of a union do. Bit-fields can share a byte
    /// without sharing a bit.
    ///
    /// No format can express shared bits, but a NumPy dtype and a ctypes class can.
    ///
    /// ```
    /// use pep3118::layout::{LayoutBuilder, MemberSpec};
    /// use pep3118::{DataModel, Endian, Scalar, Type};
    /// let mut union = LayoutBuilder::new(4, &DataModel::LP64);
    /// union.open(MemberSpec::default(), 4)?;
    /// for (name, ty) in [(b"i", Type::Int32), (b"f", Type::Float32)] {
    ///     let member = MemberSpec { name: Some(name), ..MemberSpec::default() };
    ///     union.value(member, Scalar { ty, size: 4, endian: Endian::Little })?;
    /// }
    /// union.close();
    /// let layout = union.finish();
    /// assert!(layout.has_overlaps() && layout.item().overlaps() && layout.item().is_union());
    /// # Ok::<(), pep3118::layout::BuildError>(())
    /// ```
    #[must_use]
    pub fn has_overlaps(&self) -> bool {
        self.all_fields().any(Field::overlaps)
    }

    /// Returns the layout of an item that is one value of the type `scalar`. `model` becomes the data model of the
    /// layout.
    ///
    /// ```
    /// use pep3118::{DataModel, Endian, Layout, Scalar, Type};
    /// let scalar = Scalar { ty: Type::Float64, size: 8, endian: Endian::Big };
    /// assert_eq!(Layout::of_scalar(scalar, &DataModel::LP64).item().ty(), Type::Float64);
    /// ```
    #[must_use]
    pub fn of_scalar(scalar: Scalar, model: &DataModel) -> Self {
        let endian = (scalar.ty.has_byte_order() && scalar.size != 1).then_some(scalar.endian);
        Self::of_one(scalar.ty, scalar.size, endian, model)
    }

    /// Returns the layout of an item of `size` bytes whose type is unknown. The item is one field of type
    /// [`Type::Void`]. `model` becomes the data model of the layout.
    ///
    /// ```
    /// use pep3118::{DataModel, Layout, Type};
    /// let layout = Layout::of_bytes(3, &DataModel::LP64);
    /// assert_eq!((layout.size(), layout.item().ty()), (3, Type::Void));
    /// ```
    #[must_use]
    pub fn of_bytes(size: u64, model: &DataModel) -> Self {
        Self::of_one(Type::Void, size, None, model)
    }

    /// Returns the layout of an item that is one field without a name. The field has the type `ty`, a size of `size`
    /// bytes and the byte order `endian`, or `None` for a type without a byte order. `model` becomes the data model of
    /// the layout.
    #[doc(hidden)]
    pub fn of_one(ty: Type, size: u64, endian: Option<Endian>, model: &DataModel) -> Self {
        let root = Node { size, end: 2, order: ByteOrder::NativeUnaligned, ..ROOT };
        let field = Node { ty, endian, ..root };
        Self { nodes: Vec::from([root, field]), dims: Vec::new(), names: Vec::new(), align: Align::ONE, model: *model }
    }

    /// Returns the layout of an item that is a C-contiguous array of items of this layout.
    ///
    /// `shape` is the length of each dimension of the array. If the item is an array, its dimensions follow the
    /// dimensions `shape`. Returns `None` if the size in bytes exceeds 64 bits, or if the result has more than 255
    /// dimensions.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let layout = Layout::read("<h", &Dialect::STRUCT, &DataModel::LP64)?;
    /// assert_eq!(layout.array_of(&[2, 3]).unwrap().size(), 12);
    /// assert!(layout.array_of(&[u64::MAX, 2]).is_none());
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
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

    /// Returns the root: the record that contains all top-level fields.
    #[inline]
    pub(crate) fn root(&self) -> Field<'_> {
        // A layout without nodes is an empty record, like `ROOT`.
        Field { layout: self, node: self.nodes.first().unwrap_or(&ROOT), index: 0 }
    }

    /// Returns an iterator over the root and all fields inside the root, in the order of the format.
    pub(super) fn all_fields(&self) -> impl Iterator<Item = Field<'_>> {
        (0_u32..).zip(&self.nodes).map(|(index, node)| Field { layout: self, node, index })
    }

    /// Returns the node with the index `index` in the list of nodes. Returns `None` if the index is out of bounds.
    pub(crate) fn node(&self, index: u32) -> Option<&Node> {
        self.nodes.get(usize::try_from(index).ok()?)
    }
}

/// Two layouts are equal if they have equal sizes, alignments and data models, and if their fields are equal. The text
/// of the format is not compared: the layouts of `^l` and `<q` on 64-bit Linux are equal.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout};
/// let read = |format: &str| Layout::read(format, &Dialect::PEP3118, &DataModel::LP64);
/// assert_eq!(read("^l")?, read("<q")?);
/// assert_ne!(read("T{<i:a:}")?, read("T{<i:b:}")?);
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
impl PartialEq for Layout {
    fn eq(&self, other: &Self) -> bool {
        self.align == other.align && self.model == other.model && self.root() == other.root()
    }
}

impl Eq for Layout {}

impl Hash for Layout {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.align.hash(state);
        self.model.hash(state);
        self.root().hash(state);
    }
}

impl Default for Layout {
    fn default() -> Self {
        Self::new()
    }
}

/// A reference to a field of a [`Layout`].
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout};
/// let layout = Layout::read(b"T{<h:id:(2)T{>d:x:>d:y:}:at:}", &Dialect::PEP3118, &DataModel::LP64)?;
/// let at = layout.item().field(b"at").unwrap();
/// // Two elements of 16 bytes each, from byte 2 on.
/// assert_eq!((at.offset(), at.size(), at.count(), at.total_size()), (2, 16, 2, 32));
/// let y = at.field(b"y").unwrap();
/// // The offset of `y` is in bytes from the start of an element of `at`.
/// assert_eq!((y.offset(), y.endian()), (8, Some(pep3118::Endian::Big)));
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Field<'l> {
    layout: &'l Layout,
    node: &'l Node,
    /// The index of `node` in the list of nodes of the layout.
    index: u32,
}

impl<'l> Field<'l> {
    /// Returns the name of the field, or `None` if the field has no name. A name can be empty, and can contain bytes
    /// that are not UTF-8.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let layout = Layout::read("T{<h:id:(2)<f:at:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// assert_eq!(layout.item().fields().next().unwrap().name(), Some(&b"id"[..]));
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[must_use]
    pub fn name(self) -> Option<&'l [u8]> {
        let name = self.node.name;
        (name != NO_NAME).then(|| name.of(&self.layout.names))
    }

    /// Returns the name of the field as text, or `None` if the field has no name. Escapes the whole name if the name is
    /// not UTF-8.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let layout = Layout::read("T{<h:id:(2)<f:at:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// assert_eq!(layout.item().fields().next().unwrap().name_text().as_deref(), Some("id"));
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[must_use]
    pub fn name_text(self) -> Option<String> {
        let bytes = self.name()?;
        Some(core::str::from_utf8(bytes).map_or_else(|_| escape(bytes).into_owned(), String::from))
    }

    /// Returns the offset from the start of the enclosing record in bytes. For a top-level field, the enclosing record
    /// is the item.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let layout = Layout::read("T{<h:id:(2)<f:at:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// assert_eq!(layout.item().field("at").unwrap().offset(), 2);
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[must_use]
    #[inline]
    pub fn offset(self) -> u64 {
        self.node.offset
    }

    /// Returns the size of one element in bytes. The size is also the distance between the elements of an array.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let layout = Layout::read("T{<h:id:(2)<f:at:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// let at = layout.item().field("at").unwrap();
    /// assert_eq!((at.size(), at.total_size()), (4, 8));
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
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

    /// Returns the size of all elements together in bytes.
    #[must_use]
    pub fn total_size(self) -> u64 {
        self.size().saturating_mul(self.count())
    }

    /// Returns the length of each dimension of an array, outermost dimension first. Returns an empty slice for a single
    /// value.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let layout = Layout::read("T{<h:id:(2)<f:at:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// assert_eq!(layout.item().field("at").unwrap().shape(), [2]);
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
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

    /// Returns the type of the values of this field.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let layout = Layout::read("T{<h:id:(2)<f:at:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// assert_eq!(layout.item().field("at").unwrap().ty(), pep3118::Type::Float32);
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[must_use]
    #[inline]
    pub fn ty(self) -> Type {
        self.node.ty
    }

    /// Returns the byte order of the values. Returns `None` if the type has no byte order, or if a value has 1 byte.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let layout = Layout::read("T{<h:id:(2)<f:at:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// assert_eq!(layout.item().field("id").unwrap().endian(), Some(pep3118::Endian::Little));
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[must_use]
    #[inline]
    pub fn endian(self) -> Option<Endian> {
        self.node.endian
    }

    /// Returns the position of the bit-field in the bytes of this field, and the type of its values. Returns `None` if
    /// this field is not a bit-field. The type of a bit-field is [`Type::Bits`].
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let layout = Layout::read(b"5t", &Dialect::PEP3118, &DataModel::LP64)?;
    /// assert_eq!(layout.item().bit_field().unwrap().width(), 5);
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[must_use]
    pub fn bit_field(self) -> Option<BitField> {
        match self.node.detail {
            Detail::Bits(bits) => Some(bits),
            Detail::None | Detail::Nuls(_) | Detail::User(_) => None,
        }
    }

    /// Returns the user type of the values, or `None` if the field has no user type that the registry knows. The type
    /// of such a field is [`Type::Opaque`].
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let layout = Layout::read(b"[datetime64$ns]", &Dialect::PEP3118, &DataModel::LP64)?;
    /// assert_eq!(layout.item().user_type().unwrap().name(), "datetime64$ns");
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[must_use]
    pub fn user_type(self) -> Option<UserType> {
        match self.node.detail {
            Detail::User(index) => UserType::at(index),
            Detail::None | Detail::Nuls(_) | Detail::Bits(_) => None,
        }
    }

    /// Returns the name of the type: the name of the user type, or the name of [`ty`](Self::ty).
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let layout = Layout::read(b"<[bfloat16]", &Dialect::PEP3118, &DataModel::LP64)?;
    /// assert_eq!(layout.item().type_name(), "bfloat16");
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[must_use]
    pub fn type_name(self) -> &'static str {
        self.user_type().map_or(self.ty().as_str(), UserType::name)
    }

    /// Returns the rule for the end of the value in a byte string or a text. Returns [`NulHandling::Keep`] for all
    /// other types.
    ///
    /// ```
    /// use pep3118::{DataModel, Layout, layout::NulHandling};
    /// let layout = Layout::from_numpy_descr("'|S4'", &DataModel::LP64)?;
    /// assert_eq!(layout.item().nul_handling(), NulHandling::StripTrailing);
    /// # Ok::<(), pep3118::layout::NumpyDescrError>(())
    /// ```
    #[must_use]
    pub fn nul_handling(self) -> NulHandling {
        let character = match (self.node.detail, self.ty()) {
            (Detail::Nuls(handling), _) => return handling,
            (_, Type::Ucs2) => 2,
            (_, Type::Ucs4) => 4,
            (_, Type::Wchar) => self.model().size_of(CType::Wchar),
            _ => return NulHandling::Keep,
        };
        if self.size() == character { NulHandling::Keep } else { NulHandling::StripTrailing }
    }

    /// Returns the byte order of the values if the data model has the opposite byte order. Returns `None` otherwise.
    pub(crate) fn swapped_endian(self) -> Option<Endian> {
        self.endian().filter(|endian| *endian != self.model().endian)
    }

    /// Returns the data model of the layout.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let layout = Layout::read(b"l", &Dialect::PEP3118, &DataModel::LP64)?;
    /// assert_eq!(layout.item().model(), &DataModel::LP64);
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[must_use]
    pub fn model(self) -> &'l DataModel {
        &self.layout.model
    }

    /// Returns the range of byte offsets in the format that declares the type: the format character, or the bytes from
    /// `T{` to `}`. Returns an empty range at offset 0 if the layout was built without a format.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let layout = Layout::read(b"T{<h:id:>d:x:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// let x = layout.item().field("x").unwrap();
    /// assert_eq!(x.span().of(b"T{<h:id:>d:x:}"), b"d");
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[must_use]
    pub fn span(self) -> Span {
        self.node.span
    }

    /// Returns the alignment that a C compiler gives the type of this field in the data model.
    ///
    /// The offset of the field need not be a multiple of this alignment. The alignment of a record is the largest
    /// alignment of its fields.
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
        // The default is never used, because `descendants` yields at least this field.
        self.descendants().map(Field::own_align).max().unwrap_or(Align::ONE)
    }

    /// Returns the alignment that a C compiler gives this field, without the fields of a record: 1 byte for a record.
    pub(super) fn own_align(self) -> Align {
        match self.user_type() {
            Some(user) => user.align(),
            None => self.ty().natural_align(self.size(), self.model()),
        }
    }

    /// Returns the fields of this record in the order of the format. Returns no fields if this field is not a record.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let layout = Layout::read("T{<h:id:(2)<f:at:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// let names: Vec<_> = layout.item().fields().filter_map(|field| field.name_text()).collect();
    /// assert_eq!(names, ["id", "at"]);
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[must_use]
    pub fn fields(self) -> Fields<'l> {
        Fields { layout: self.layout, next: self.index.saturating_add(1), end: self.node.end }
    }

    /// Returns the first field of this record whose name is `name`. Returns `None` if no field has this name.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let layout = Layout::read("T{<h:a:<i:b:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// assert_eq!(layout.item().field("b").map(|field| field.offset()), Some(2));
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[must_use]
    pub fn field(self, name: impl AsRef<[u8]>) -> Option<Self> {
        let name = name.as_ref();
        self.fields().find(|field| field.name() == Some(name))
    }

    /// Returns whether two fields of this record share bits. Returns `false` if this field is not a record.
    ///
    /// Two bit-fields can share a byte without sharing a bit.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let layout = Layout::read(b"T{h:a:h:b:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// assert!(!layout.item().overlaps());
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[must_use]
    pub fn overlaps(self) -> bool {
        // Most records have their fields in the order of the offsets. For these records, one pass without an allocation
        // gives the result.
        let mut end = 0_u64;
        let mut in_order = true;
        for field in self.fields().filter(|field| field.total_size() > 0) {
            in_order &= field.offset() >= end;
            end = field.offset().saturating_add(field.total_size());
        }
        !in_order && self.shares_bits()
    }

    /// Returns whether this field is a union. A union is a record with two or more fields that all start at byte 0 of
    /// the record. At least two of these fields share bits.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let layout = Layout::read(b"T{h:a:h:b:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// assert!(!layout.item().is_union());
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[must_use]
    pub fn is_union(self) -> bool {
        self.fields().all(|field| field.offset() == 0)
            && self.fields().filter(|field| field.total_size() > 0).count() > 1
            && self.overlaps()
    }

    /// Returns whether two fields of this record share bits. The fields can have any order. Sorting the byte ranges of
    /// the fields takes time, so [`overlaps`](Self::overlaps) calls the function only if the fields are not in the
    /// order of their offsets.
    fn shares_bits(self) -> bool {
        // Each entry has the start and the end of a range of bytes, and a mask of the bits that a field uses in each
        // byte of the range. A bit-field has one entry for each byte.
        let mut used: Vec<(u64, u64, u8)> = Vec::new();
        for field in self.fields().filter(|field| field.total_size() > 0) {
            let start = field.offset();
            match field.bit_field() {
                Some(bits) if field.count() == 1 => {
                    let masks = bits.masks(field.endian().unwrap_or(Endian::Little));
                    used.extend((start..).zip(masks).map(|(at, mask)| (at, at.saturating_add(1), mask)));
                }
                _ => used.push((start, start.saturating_add(field.total_size()), u8::MAX)),
            }
        }
        used.sort_unstable();
        // The end of all ranges so far, without the bytes of bit-fields.
        let mut end = 0_u64;
        // The last byte with bit-fields, and the bits that these bit-fields use.
        let mut last = (0_u64, 0_u8);
        used.into_iter().any(|(from, to, mask)| {
            let bits = if last.0 == from { last.1 } else { 0 };
            let shared = from < end || bits & mask != 0;
            if mask == u8::MAX {
                end = end.max(to);
            }
            last = (from, bits | mask);
            shared
        })
    }

    /// Returns the fields of this record in the order of the offsets.
    pub(crate) fn by_offset(self) -> Vec<Self> {
        let mut fields: Vec<Field<'l>> = self.fields().collect();
        fields.sort_by_key(|field| field.offset());
        fields
    }

    /// Returns the layout of an item that consists of all elements of this field, without the name of the field.
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

    /// Returns the layout of an item that is one element of this field, without the name and the shape of the field.
    #[must_use]
    pub(crate) fn element_layout(self) -> Layout {
        self.layout_of(Node { count: 1, ndim: 0, ..*self.node }, self.size())
    }

    /// Returns a layout of `size` bytes whose only top-level field is `top`. The top-level field contains copies of the
    /// fields of this field. `top` must be the node of this field, with any changes of its count and dimensions.
    fn layout_of(self, top: Node, size: u64) -> Layout {
        // The index of this field changes from `self.index` to 1, because the new root has the index 0.
        let new_index = |end: u32| end.saturating_sub(self.index).saturating_add(1);
        let end = new_index(top.end);
        let top = Node { offset: 0, name: NO_NAME, end, ..top };
        let root = Node { size, count: 1, ndim: 0, ty: Type::Record, endian: None, ..top };
        if self.ty() != Type::Record {
            // A copy of all names and dimensions for each field would need quadratic time for all fields of a layout.
            let dims = if top.ndim > 1 { self.shape().to_vec() } else { Vec::new() };
            let nodes = Vec::from([root, Node { dims: 0, ..top }]);
            return Layout { nodes, dims, names: Vec::new(), ..*self.layout };
        }
        let inner = self.descendants().skip(1).map(|field| Node { end: new_index(field.node.end), ..*field.node });
        let nodes = [root, top].into_iter().chain(inner).collect();
        Layout { nodes, dims: self.layout.dims.clone(), names: self.layout.names.clone(), ..*self.layout }
    }

    /// Returns the byte-order character that is in force at this field. The character selects native or standard sizes.
    /// Returns `^` if the layout was built without a format, and `None` for a record.
    ///
    /// ```
    /// use pep3118::{ByteOrder, DataModel, Dialect, Layout};
    /// let layout = Layout::read(b">h", &Dialect::PEP3118, &DataModel::LP64)?;
    /// assert_eq!(layout.item().byte_order(), Some(ByteOrder::Big));
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[must_use]
    pub fn byte_order(self) -> Option<ByteOrder> {
        (self.ty() != Type::Record).then_some(self.node.order)
    }

    /// Returns the layout that this field belongs to.
    pub(super) fn layout(self) -> &'l Layout {
        self.layout
    }

    /// Returns the node of this field.
    pub(crate) fn node(self) -> &'l Node {
        self.node
    }

    /// Returns an iterator over this field and all fields inside this field, in the order of the format.
    pub(super) fn descendants(self) -> impl Iterator<Item = Self> {
        let layout = self.layout;
        let first = self.index.saturating_add(1);
        let range = usize::try_from(first).ok().zip(usize::try_from(self.node.end).ok());
        // The list of a layout without nodes does not contain its root. For this root, the result is the default: no
        // fields.
        let nodes = range.and_then(|(first, end)| layout.nodes.get(first..end)).unwrap_or_default();
        let inner = (first..).zip(nodes).map(move |(index, node)| Self { layout, node, index });
        core::iter::once(self).chain(inner)
    }

    /// Returns the field of `layout` whose [`index`](Self::index) is `index`. `index` must be an index of `layout`.
    #[doc(hidden)]
    pub fn at(layout: &'l Layout, index: u32) -> Self {
        match layout.node(index) {
            Some(node) => Self { layout, node, index },
            None => {
                debug_assert!(index == 0, "the index {index} belongs to a field of the layout");
                layout.root()
            }
        }
    }

    /// Returns the index of this field in the list of nodes of the layout.
    #[doc(hidden)]
    pub fn index(self) -> u32 {
        self.index
    }
}

impl<'l> Field<'l> {
    /// Returns all properties of the field for a comparison, without the fields inside this field.
    fn properties(self) -> impl PartialEq + Hash + use<'l> {
        (
            (self.name(), self.offset(), self.size(), self.shape()),
            (self.ty(), self.endian(), self.bit_field(), self.nul_handling(), self.user_type()),
            // The number of nodes of this field and of the fields inside this field. Together with the order of the
            // nodes, these numbers determine the tree.
            self.node.end.saturating_sub(self.index),
        )
    }
}

/// Two fields are equal if their names, offsets, sizes, shapes, types, byte orders, bit-fields, rules for NULs and
/// inner fields are equal. The fields can belong to different layouts. The text of the format is not compared.
impl PartialEq for Field<'_> {
    fn eq(&self, other: &Self) -> bool {
        let (mut ours, mut theirs) = (self.descendants(), other.descendants());
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return true,
                (Some(a), Some(b)) if a.properties() == b.properties() => {}
                _ => return false,
            }
        }
    }
}

impl Eq for Field<'_> {}

impl Hash for Field<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.descendants().for_each(|field| field.properties().hash(state));
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
    /// The index of the next field.
    next: u32,
    /// The index after the last field.
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
