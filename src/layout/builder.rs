//! [`LayoutBuilder`]: builds the layout of a type whose offsets are known, such as a NumPy dtype or a C structure.
//! [`MemberSpec`] describes one member, and [`BuildError`] is the error for an invalid member.

use alloc::string::String;
use alloc::vec::Vec;

use super::bit_field::BitField;
use super::nul_handling::NulHandling;
use super::scalar::Scalar;
use super::tree::{Detail, Layout, NO_NAME, Node, ROOT, to_u32};
use super::ty::Type;
use super::user_type::UserType;
use crate::abi::{CType, DataModel};
use crate::align::Align;
use crate::endian::Endian;
use crate::format::{ByteOrder, Limits};
use crate::span::Span;
use crate::text::{escape, plural};

/// The largest total length of all names in bytes.
pub(super) const MAX_NAME_BYTES: usize = 1 << 20;

/// The name, the offset and the shape of a member: a field that a [`LayoutBuilder`] adds to a record.
///
/// ```
/// use pep3118::layout::MemberSpec;
/// // Two rows of three elements; the first element is at byte 8.
/// let grid = MemberSpec { name: Some(b"grid"), offset: 8, shape: &[2, 3] };
/// assert_eq!(grid.shape.iter().product::<u64>(), 6);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct MemberSpec<'m> {
    /// The name, which can contain every byte, or `None` for a member without a name.
    pub name: Option<&'m [u8]>,
    /// The offset from the start of the enclosing record in bytes.
    pub offset: u64,
    /// The length of each dimension of an array, outermost dimension first. Empty for a single value.
    pub shape: &'m [u64],
}

/// Builds a layout from members with known offsets, such as the members of a NumPy dtype or a C structure.
///
/// Members can have any order. Padding between members is permitted. Members can share bytes: a union is a record whose
/// members all start at byte 0. A member that ends after the end of its record is an error.
///
/// ```
/// use pep3118::layout::{LayoutBuilder, MemberSpec};
/// use pep3118::{DataModel, Endian, Layout, Scalar, Type};
///
/// let int = Scalar { ty: Type::Int32, size: 4, endian: Endian::Little };
/// let mut builder = LayoutBuilder::new(8, &DataModel::LP64);
/// builder.open(MemberSpec::default(), 8)?;
/// builder.value(MemberSpec { name: Some(b"a"), ..MemberSpec::default() }, int)?;
/// builder.value(MemberSpec { name: Some(b"b"), offset: 4, ..MemberSpec::default() }, int)?;
/// builder.close();
/// let layout = builder.finish();
/// assert_eq!(layout.emit(pep3118::Target::Canonical).unwrap(), b"T{<i:a:i:b:}");
///
/// let mut builder = LayoutBuilder::new(8, &DataModel::LP64);
/// let error = builder.value(MemberSpec { offset: 5, ..MemberSpec::default() }, int).unwrap_err();
/// assert_eq!(error.to_string(), "int32 at byte 5 ends at byte 9 of a record of 8 bytes");
/// # Ok::<(), pep3118::layout::BuildError>(())
/// ```
#[derive(Clone, Debug)]
pub struct LayoutBuilder {
    layout: Layout,
    /// The index of the node and the size in bytes of each open record, outermost first. A record is open between the
    /// calls of `open` and `close`.
    open: Vec<(u32, u64)>,
    /// The size of the item in bytes.
    size: u64,
}

/// The reason why a [`LayoutBuilder`] does not accept a member.
///
/// ```
/// use pep3118::layout::{BuildError, LayoutBuilder, MemberSpec};
/// use pep3118::{DataModel, Endian, Scalar, Type};
/// let odd = Scalar { ty: Type::Int32, size: 3, endian: Endian::Little };
/// let error = LayoutBuilder::new(8, &DataModel::LP64).value(MemberSpec::default(), odd).unwrap_err();
/// assert_eq!(error, BuildError::Size { ty: Type::Int32, size: 3 });
/// assert_eq!(error.to_string(), "int32 has no size of 3 bytes");
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BuildError {
    /// A member that ends after the end of its record, such as 4 bytes at byte 5 of a record of 8 bytes, or after
    /// `PY_SSIZE_T_MAX` bytes.
    #[error("{what} at byte {offset} ends at byte {end} of a record of {}", plural(*size, "byte"))]
    Outside {
        /// The type and the name of the member: "int32 `a`".
        what: String,
        /// The offset from the start of the record in bytes.
        offset: u64,
        /// The offset after the last byte of the member.
        end: u128,
        /// The size of the record in bytes, at most `PY_SSIZE_T_MAX` of the data model.
        size: u64,
    },
    /// A shape with more than `PY_SSIZE_T_MAX` elements in the data model.
    #[error("{what} has more elements than can be counted")]
    TooMany {
        /// The type and the name of the member: "int32 `a`".
        what: String,
    },
    /// A size that the type cannot have, such as an `int32` of 3 bytes.
    #[error("{ty} has no size of {}", plural(*size, "byte"))]
    Size {
        /// The type of the member.
        ty: Type,
        /// The given size in bytes.
        size: u64,
    },
    /// A type that is not text, for [`text`](LayoutBuilder::text).
    #[error("{ty} is not a type of text")]
    NotText {
        /// The type of the member.
        ty: Type,
    },
    /// A number that exceeds a limit of the library, such as 65 dimensions.
    #[error("more than {limit} {what}")]
    Limit {
        /// The noun in the plural: "dimensions".
        what: &'static str,
        /// The largest permitted number.
        limit: usize,
    },
    /// A number of names that is not the number of fields, such as one name for `<hf`.
    #[error("{names} names for {}", plural(*fields, "field"))]
    NameCount {
        /// The number of names. If the caller gives too many names, the value is the number of fields plus one.
        names: usize,
        /// The number of fields.
        fields: usize,
    },
    /// Two equal names.
    #[error("two fields have the name `{name}`")]
    DuplicateName {
        /// The escaped name.
        name: String,
    },
}

impl LayoutBuilder {
    /// Starts the layout of an item of `size` bytes on a machine with the data model `model`.
    ///
    /// The builder adds the next members to the item itself, until [`open`](Self::open) starts an inner record.
    #[must_use]
    pub fn new(size: u64, model: &DataModel) -> Self {
        let layout = Layout {
            nodes: Vec::from([Node { size, ..ROOT }]),
            dims: Vec::new(),
            // `NO_NAME` is the empty span at byte 0. The colon makes sure that no name starts at byte 0.
            names: Vec::from([b':']),
            align: Align::ONE,
            model: *model,
        };
        Self { layout, open: Vec::new(), size }
    }

    /// Sets the alignment of the item to `align`, unless the item already has a larger alignment.
    ///
    /// ```
    /// use pep3118::layout::LayoutBuilder;
    /// use pep3118::{Align, DataModel};
    /// let mut builder = LayoutBuilder::new(8, &DataModel::LP64);
    /// builder.align(Align::new(4).unwrap());
    /// assert_eq!(builder.finish().align().bytes(), 4);
    /// ```
    pub fn align(&mut self, align: Align) {
        self.layout.align = self.layout.align.max(align);
    }

    /// Adds `member` with values of the type `scalar` to the record that was opened last.
    ///
    /// The member is an array if its shape is not empty.
    ///
    /// # Errors
    /// - an `int32` at byte 5 of a record of 8 bytes, which ends after the end of the record: [`BuildError::Outside`]
    /// - an `int32` of 3 bytes, which is a size that the type cannot have: [`BuildError::Size`]
    /// - a scalar of type [`Type::Record`], for which [`open`](Self::open) is the function: [`BuildError::Size`]
    /// - a shape with more than `PY_SSIZE_T_MAX` elements: [`BuildError::TooMany`]
    /// - more items or dimensions than [`Limits::DEFAULT`] permits, or more than 1 MiB of names: [`BuildError::Limit`]
    pub fn value(&mut self, member: MemberSpec<'_>, scalar: Scalar) -> Result<(), BuildError> {
        if !is_valid_size(scalar, &self.layout.model) {
            return Err(BuildError::Size { ty: scalar.ty, size: scalar.size });
        }
        // A `bool` of 1 byte has no byte order, but a `bool` of 2 bytes (`VARIANT_BOOL`) has one.
        let endian = (scalar.ty.has_byte_order() && scalar.size != 1).then_some(scalar.endian);
        self.push(member, scalar.ty, scalar.size, endian, Detail::None).map(|_| ())
    }

    /// Adds `member` with byte strings or texts of the type `scalar` to the record that was opened last. `nuls` is the
    /// rule for the NULs at the end of a value.
    ///
    /// ```
    /// use pep3118::layout::{LayoutBuilder, MemberSpec, NulHandling};
    /// use pep3118::{DataModel, Endian, Scalar, Type};
    /// let mut builder = LayoutBuilder::new(4, &DataModel::LP64);
    /// let tag = Scalar { ty: Type::Bytes, size: 4, endian: Endian::Little };
    /// builder.text(MemberSpec::default(), tag, NulHandling::StopAtFirst)?;
    /// assert_eq!(builder.finish().item().nul_handling(), NulHandling::StopAtFirst);
    /// # Ok::<(), pep3118::layout::BuildError>(())
    /// ```
    ///
    /// # Errors
    /// - the errors of [`value`](Self::value)
    /// - an `int32`, which has no NULs: [`BuildError::Size`]
    pub fn text(&mut self, member: MemberSpec<'_>, scalar: Scalar, nuls: NulHandling) -> Result<(), BuildError> {
        let is_text = matches!(scalar.ty, Type::Bytes | Type::Ucs2 | Type::Ucs4 | Type::Wchar);
        if !is_text {
            return Err(BuildError::NotText { ty: scalar.ty });
        }
        if !is_valid_size(scalar, &self.layout.model) {
            return Err(BuildError::Size { ty: scalar.ty, size: scalar.size });
        }
        let endian = scalar.ty.has_byte_order().then_some(scalar.endian);
        self.push(member, scalar.ty, scalar.size, endian, Detail::Nuls(nuls)).map(|_| ())
    }

    /// Adds `member` as a bit-field to the record that was opened last. The offset of `member` is the offset of the
    /// first byte that contains bits of the bit-field. `endian` is the byte order of the bytes that contain the
    /// bit-field.
    ///
    /// ```
    /// use pep3118::layout::{BitField, LayoutBuilder, MemberSpec};
    /// use pep3118::{DataModel, Endian, Type};
    /// let mut builder = LayoutBuilder::new(4, &DataModel::LP64);
    /// let bits = BitField::new(Type::UInt32, 3, 7).unwrap();
    /// builder.bit_field(MemberSpec { name: Some(b"code"), ..MemberSpec::default() }, bits, Endian::Little)?;
    /// let layout = builder.finish();
    /// let code = layout.item().field(b"code").unwrap();
    /// assert_eq!((code.ty(), code.size(), code.bit_field()), (Type::Bits, 2, Some(bits)));
    /// # Ok::<(), pep3118::layout::BuildError>(())
    /// ```
    ///
    /// # Errors
    /// - a bit-field of 12 bits at byte 3 of a record of 4 bytes, which ends after the end of the record:
    ///   [`BuildError::Outside`]
    /// - the errors of [`value`](Self::value) for the shape and for the limits
    pub fn bit_field(&mut self, member: MemberSpec<'_>, bits: BitField, endian: Endian) -> Result<(), BuildError> {
        let size = bits.size();
        let endian = (size > 1).then_some(endian);
        self.push(member, Type::Bits, size, endian, Detail::Bits(bits)).map(|_| ())
    }

    /// Adds `member` with values of the user type `user` to the record that was opened last. `endian` is the byte order
    /// of the values. A user type without a byte order ignores `endian`.
    ///
    /// ```
    /// use pep3118::layout::{LayoutBuilder, MemberSpec, UserType};
    /// use pep3118::{DataModel, Endian};
    /// let mut builder = LayoutBuilder::new(2, &DataModel::LP64);
    /// builder.user_type(MemberSpec::default(), UserType::by_name(b"bfloat16").unwrap(), Endian::Little)?;
    /// assert_eq!(builder.finish().item().type_name(), "bfloat16");
    /// # Ok::<(), pep3118::layout::BuildError>(())
    /// ```
    ///
    /// # Errors
    /// - a type of 2 bytes at byte 3 of a record of 4 bytes, which ends after the end of the record:
    ///   [`BuildError::Outside`]
    /// - the errors of [`value`](Self::value) for the shape and for the limits
    pub fn user_type(&mut self, member: MemberSpec<'_>, user: UserType, endian: Endian) -> Result<(), BuildError> {
        let endian = user.has_byte_order().then_some(endian);
        self.push(member, Type::Opaque, user.size(), endian, Detail::User(user.index())).map(|_| ())
    }

    /// Adds `member` as a record of `size` bytes, or as an array of such records if its shape is not empty.
    ///
    /// The builder adds the next members to this record, until the call of [`close`](Self::close).
    ///
    /// # Errors
    /// - a record of 8 bytes in a record of 4 bytes, which ends after the end of the outer record:
    ///   [`BuildError::Outside`]
    /// - more nested records than [`Limits::DEFAULT`] permits: [`BuildError::Limit`]
    /// - the errors of [`value`](Self::value) for the shape and for the limits
    pub fn open(&mut self, member: MemberSpec<'_>, size: u64) -> Result<(), BuildError> {
        let limit = Limits::DEFAULT.depth;
        if self.open.len() >= limit {
            return Err(BuildError::Limit { what: "records inside each other", limit });
        }
        let index = self.push(member, Type::Record, size, None, Detail::None)?;
        self.open.push((index, size));
        Ok(())
    }

    /// Ends the record that was opened last. Does nothing if no record is open.
    pub fn close(&mut self) {
        let end = to_u32(self.layout.nodes.len());
        let record = self.open.pop().and_then(|(index, _)| usize::try_from(index).ok());
        if let Some(node) = record.and_then(|index| self.layout.nodes.get_mut(index)) {
            node.end = end;
        }
    }

    /// Closes all open records and returns the layout.
    #[must_use]
    pub fn finish(mut self) -> Layout {
        while !self.open.is_empty() {
            self.close();
        }
        let end = to_u32(self.layout.nodes.len());
        if let Some(root) = self.layout.nodes.first_mut() {
            root.end = end;
        }
        self.layout
    }

    /// Returns `Some` if the node that was added last has the byte order `endian`, and `None` if not.
    #[cfg(feature = "serde")]
    pub(crate) fn check_endian(&self, endian: Option<Endian>) -> Option<()> {
        self.layout.nodes.last().filter(|node| node.endian == endian).map(|_| ())
    }

    /// Sets the byte order character of the field that was added last.
    #[cfg(feature = "serde")]
    pub(crate) fn set_byte_order(&mut self, order: ByteOrder) {
        if let Some(node) = self.layout.nodes.last_mut() {
            node.order = order;
        }
    }

    /// Adds a node for `member` to the record that was opened last, and returns the index of the node. Each element has
    /// the type `ty`, a size of `size` bytes and the byte order `endian`, or `None` for a type without a byte order.
    /// `detail` is the rule for NULs, the position of a bit-field or the user type. Returns an error if the member ends
    /// after the record or exceeds a limit.
    fn push(
        &mut self,
        member: MemberSpec<'_>,
        ty: Type,
        size: u64,
        endian: Option<Endian>,
        detail: Detail,
    ) -> Result<u32, BuildError> {
        let MemberSpec { name, offset, shape } = member;
        let limits = Limits::DEFAULT;
        let bytes = self.layout.names.len().saturating_add(name.map_or(0, <[u8]>::len)).saturating_add(1);
        for (what, count, limit) in
            [("items", self.layout.nodes.len(), limits.items), ("bytes of names", bytes, MAX_NAME_BYTES)]
        {
            if count > limit {
                return Err(BuildError::Limit { what, limit });
            }
        }
        let limit = limits.dimensions;
        let ndim = u8::try_from(shape.len()).ok().filter(|_| shape.len() <= limit);
        let Some(ndim) = ndim else { return Err(BuildError::Limit { what: "dimensions", limit }) };
        let what = || match name {
            Some(name) => alloc::format!("{ty} `{}`", escape(name)),
            None => String::from(ty.as_str()),
        };
        // The product does not include lengths of 0. Otherwise a shape such as `(0, 2**63)` would not be an error.
        let max = self.layout.model.ssize_max();
        let nonzero_count = shape
            .iter()
            .filter(|length| **length != 0)
            .try_fold(1_u64, |count, length| count.checked_mul(*length).filter(|count| *count <= max));
        let Some(nonzero_count) = nonzero_count else { return Err(BuildError::TooMany { what: what() }) };
        let count = if shape.contains(&0) { 0 } else { nonzero_count };
        let record = self.open.last().map_or(self.size, |(_, size)| *size).min(max);
        let end = u128::from(size).saturating_mul(u128::from(count)).saturating_add(u128::from(offset));
        // In an array without elements, `end` does not depend on `size`. Hence `size` is also compared with `max`.
        if end > u128::from(record) || size > max {
            return Err(BuildError::Outside { what: what(), offset, end, size: record });
        }
        let index = to_u32(self.layout.nodes.len());
        let dims = to_u32(self.layout.dims.len());
        if shape.len() > 1 {
            self.layout.dims.extend_from_slice(shape);
        }
        let name = self.push_name(name);
        self.layout.nodes.push(Node {
            offset,
            size,
            count,
            span: Span::ZERO,
            name,
            end: index.saturating_add(1),
            dims,
            ndim,
            ty,
            endian,
            order: ByteOrder::NativeUnaligned,
            detail,
        });
        Ok(index)
    }

    /// Appends `name` to the names of the layout and returns the span of the name. Returns [`NO_NAME`] for `None`.
    fn push_name(&mut self, name: Option<&[u8]>) -> Span {
        let Some(name) = name else { return NO_NAME };
        let start = self.layout.names.len();
        self.layout.names.extend_from_slice(name);
        let span = Span::new(start, self.layout.names.len());
        self.layout.names.push(b':');
        span
    }
}

/// Returns whether a value of the type of `scalar` can have the size of `scalar` in the data model `model`.
fn is_valid_size(Scalar { ty, size, .. }: Scalar, model: &DataModel) -> bool {
    let units = |unit: u64| size.checked_rem(unit) == Some(0);
    match ty {
        Type::Bool => matches!(size, 1 | 2),
        Type::Char | Type::Int8 | Type::UInt8 => size == 1,
        Type::Int16 | Type::UInt16 | Type::Float16 => size == 2,
        Type::Int32 | Type::UInt32 | Type::Float32 | Type::Complex32 => size == 4,
        Type::Int64 | Type::UInt64 | Type::Float64 | Type::Complex64 => size == 8,
        Type::Complex128 => size == 16,
        Type::LongDouble => size == model.long_double.size,
        Type::ComplexLongDouble => size == model.long_double.size.saturating_mul(2),
        Type::Bytes | Type::Pascal | Type::Void | Type::Bits | Type::Opaque => true,
        Type::Ucs2 => units(2),
        Type::Ucs4 => units(4),
        Type::Wchar => units(model.size_of(CType::Wchar)),
        Type::Pointer | Type::CharPointer | Type::WcharPointer | Type::Function | Type::Object => {
            size == model.size_of(CType::Pointer)
        }
        Type::Record => false,
    }
}
