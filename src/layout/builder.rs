//! Layouts that no format describes: those of a type that is at hand.

use alloc::string::String;
use alloc::vec::Vec;

use super::scalar::Scalar;
use super::tree::ROOT;
use super::tree::narrow;
use super::tree::{Layout, NO_NAME, Node};
use super::ty::Type;
use crate::abi::{CType, DataModel};
use crate::align::Align;
use crate::endian::Endian;
use crate::format::{ByteOrder, Limits};
use crate::span::Span;
use crate::text::{escape, plural};

/// Bytes that all names may have together; in a format they count with the rest.
const NAMES: usize = 1 << 20;

/// Where a member lies in its record, how often, and under which name.
///
/// ```
/// use pep3118::layout::MemberSpec;
/// // Six elements in two rows, the first of them at byte 8.
/// let grid = MemberSpec { name: Some(b"grid"), offset: 8, shape: &[2, 3] };
/// assert_eq!(grid.shape.iter().product::<u64>(), 6);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemberSpec<'m> {
    /// The name; any bytes.
    pub name: Option<&'m [u8]>,
    /// From the start of the enclosing record, in bytes.
    pub offset: u64,
    /// The extent of each dimension in elements, C order; empty for a single value.
    pub shape: &'m [u64],
}

/// Builds a layout from members whose offsets are known, as those of a NumPy dtype or a C structure.
///
/// Members come in any order, may leave gaps, and may share bytes: a union is a record whose members
/// all begin at byte 0. What never happens is that one reaches past the record around it.
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
    /// The records that are open: index of the node, size in bytes.
    open: Vec<(u32, u64)>,
    size: u64,
}

/// Why a member cannot be where it is said to be.
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
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// Four bytes at byte 5 of 8.
    #[error("{what} at byte {offset} ends at byte {end} of a record of {}", plural(*size, "byte"))]
    Outside {
        /// The type, with the name if there is one.
        what: String,
        /// From the start of the record, in bytes.
        offset: u64,
        /// One past its last byte.
        end: u128,
        /// Bytes of the record.
        size: u64,
    },
    /// A shape with more elements than can be counted.
    #[error("{what} has more elements than can be counted")]
    TooMany {
        /// The type, with the name if there is one.
        what: String,
    },
    /// An `int32` of 3 bytes.
    #[error("{ty} has no size of {}", plural(*size, "byte"))]
    Size {
        /// The type.
        ty: Type,
        /// The size, in bytes.
        size: u64,
    },
    /// More of something than a format may have.
    #[error("more than {limit} {what}")]
    Limit {
        /// What there is too much of, in the plural.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
}

impl LayoutBuilder {
    /// Begins the layout of an item of `size` bytes on a machine. Members that are added now are
    /// those of the item.
    #[must_use]
    pub fn new(size: u64, model: &DataModel) -> Self {
        let layout = Layout {
            nodes: Vec::from([Node { size, ..ROOT }]),
            dims: Vec::new(),
            // No name begins at byte 0: that is how a missing one is told.
            names: Vec::from([b':']),
            align: Align::ONE,
            model: *model,
        };
        Self { layout, open: Vec::new(), size }
    }

    /// States an alignment that the item has.
    pub fn align(&mut self, align: Align) {
        self.layout.align = self.layout.align.max(align);
    }

    /// Adds a value, or an array of values, to the record that is open.
    ///
    /// # Errors
    /// - a value that ends past the record
    /// - an `int32` of 3 bytes, any value of type [`Type::Record`]
    /// - more items or dimensions than [`Limits::DEFAULT`] has, a mebibyte of names
    pub fn value(&mut self, member: MemberSpec<'_>, scalar: Scalar) -> Result<(), BuildError> {
        if !fits(scalar, &self.layout.model) {
            return Err(BuildError::Size { ty: scalar.ty, size: scalar.size });
        }
        // A `bool` has one where it takes two bytes.
        let endian = (scalar.ty.has_byte_order() && scalar.size != 1).then_some(scalar.endian);
        self.push(member, scalar.ty, scalar.size, endian).map(|_| ())
    }

    /// Adds a record, or an array of records, of `size` bytes each. Until [`close`](Self::close),
    /// members are added to it.
    ///
    /// # Errors
    /// - a record that ends past the one around it
    /// - more levels, items or dimensions than [`Limits::DEFAULT`] has
    pub fn open(&mut self, member: MemberSpec<'_>, size: u64) -> Result<(), BuildError> {
        let limit = Limits::DEFAULT.depth;
        if self.open.len() >= limit {
            return Err(BuildError::Limit { what: "records inside each other", limit });
        }
        let index = self.push(member, Type::Record, size, None)?;
        self.open.push((index, size));
        Ok(())
    }

    /// Ends the record that was opened last; none if none is open.
    pub fn close(&mut self) {
        let end = narrow(self.layout.nodes.len());
        let record = self.open.pop().and_then(|(index, _)| usize::try_from(index).ok());
        if let Some(node) = record.and_then(|index| self.layout.nodes.get_mut(index)) {
            node.end = end;
        }
    }

    /// The layout; records that are open are closed.
    #[must_use]
    pub fn finish(mut self) -> Layout {
        while !self.open.is_empty() {
            self.close();
        }
        let end = narrow(self.layout.nodes.len());
        if let Some(root) = self.layout.nodes.first_mut() {
            root.end = end;
        }
        self.layout
    }

    fn push(&mut self, member: MemberSpec<'_>, ty: Type, size: u64, endian: Option<Endian>) -> Result<u32, BuildError> {
        let MemberSpec { name, offset, shape } = member;
        let limits = Limits::DEFAULT;
        let bytes = self.layout.names.len().saturating_add(name.map_or(0, <[u8]>::len)).saturating_add(1);
        for (what, count, limit) in [
            ("items", self.layout.nodes.len(), limits.items),
            ("dimensions", shape.len(), limits.dimensions),
            ("bytes of names", bytes, NAMES),
        ] {
            if count > limit {
                return Err(BuildError::Limit { what, limit });
            }
        }
        let what = || match name {
            Some(name) => alloc::format!("{ty} `{}`", escape(name)),
            None => String::from(ty.as_str()),
        };
        // A dimension without elements does not hide another that is too large.
        let most = self.layout.model.ssize_max();
        let counted = shape
            .iter()
            .filter(|extent| **extent != 0)
            .try_fold(1_u64, |count, extent| count.checked_mul(*extent).filter(|count| *count <= most));
        let Some(counted) = counted else { return Err(BuildError::TooMany { what: what() }) };
        let count = if shape.contains(&0) { 0 } else { counted };
        let room = self.open.last().map_or(self.size, |(_, size)| *size).min(most);
        let end = u128::from(size).saturating_mul(u128::from(count)).saturating_add(u128::from(offset));
        // An array without elements still has to have elements that fit.
        if end > u128::from(room) || size > most {
            return Err(BuildError::Outside { what: what(), offset, end, size: room });
        }
        let index = narrow(self.layout.nodes.len());
        let dims = narrow(self.layout.dims.len());
        if shape.len() > 1 {
            self.layout.dims.extend_from_slice(shape);
        }
        let name = self.name(name);
        self.layout.nodes.push(Node {
            offset,
            size,
            count,
            span: Span::ZERO,
            name,
            end: index.saturating_add(1),
            dims,
            // At most 64.
            ndim: u8::try_from(shape.len()).unwrap_or(u8::MAX),
            ty,
            endian,
            order: ByteOrder::NativeUnaligned,
        });
        Ok(index)
    }

    fn name(&mut self, name: Option<&[u8]>) -> Span {
        let Some(name) = name else { return NO_NAME };
        let start = self.layout.names.len();
        self.layout.names.extend_from_slice(name);
        let span = Span::new(start, self.layout.names.len());
        self.layout.names.push(b':');
        span
    }
}

/// Whether values of the type can have that size on that machine.
fn fits(Scalar { ty, size, .. }: Scalar, model: &DataModel) -> bool {
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
