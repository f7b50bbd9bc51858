//! Columns: one contiguous vector for each leaf field, read from records in one pass and written back.

use alloc::vec::Vec;

use half::f16;
use num_complex::Complex;

use super::buffer::{Buffer, BufferMut, total};
use super::column_copy::{ColumnFiller, can_grow, scatter_columns};
use super::element::sealed::{ColumnTarget, ElementType, Elements, ElementsMut};
use super::element::{Element, elements_per_item, reserved, zeroed};
use super::error::{DecodeError, EncodeError, EncodeErrorKind, wide};
use super::leaf::Leaf;
use super::long_double::{LongDouble, name as representation};
use super::plan::{Plan, select_leaves};
use super::scalar::ScalarCodec;
use super::traverse::Runs;
use crate::abi::LongDoubleFormat;
use crate::layout::Type;
use crate::strided::Strided;
use crate::text::escape;

/// Items of a line below which the steps from one line to the next cost more than a copy of the items.
const SHORT: u64 = 16;

/// The values of one leaf field in all records, in the byte order of this machine.
///
/// ```
/// use pep3118::decode::{ColumnData, Plan};
/// use pep3118::{DataModel, Dialect, Layout};
/// let plan = Plan::new(&Layout::read(b"T{>h:id:2s:tag:}", &Dialect::PEP3118, &DataModel::HOST)?)?;
/// let columns = plan.columns(b"\0\x01on\0\x02no", None)?;
/// assert_eq!((columns[0].name.as_slice(), &columns[0].data), (&b"id"[..], &ColumnData::Int16(vec![1, 2])));
/// // The elements of strings are their bytes, here 2 for each record.
/// assert_eq!((columns[1].shape.as_slice(), columns[1].data.len()), (&[2][..], 4));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The dotted name, as [`Leaf::name`] has it.
    pub name: Vec<u8>,
    /// The type of one value.
    pub ty: Type,
    /// The shape of one record: that of the field, then for strings and text their length in bytes or units, and 2 for a
    /// complex `long double`.
    pub shape: Vec<usize>,
    /// The elements, record after record.
    pub data: ColumnData,
}

macro_rules! column_data {
    ($($(#[$doc:meta])* $variant:ident($element:ty),)+) => {
        /// The vector of a column, of the type that fits the field.
        #[non_exhaustive]
        #[derive(Clone, Debug, PartialEq)]
        pub enum ColumnData {
            $($(#[$doc])* $variant(Vec<$element>),)+
        }

        impl ColumnData {
            /// Returns the number of elements.
            #[must_use]
            pub fn len(&self) -> usize {
                match self {
                    $(Self::$variant(elements) => elements.len(),)+
                }
            }

            /// Returns the vector, to be downcast to its type.
            #[cfg(feature = "ndarray")]
            pub(crate) fn as_any(&self) -> &dyn core::any::Any {
                match self {
                    $(Self::$variant(elements) => elements,)+
                }
            }

            /// Returns the name of the element type.
            fn element_name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => <$element as ElementType>::NAME,)+
                }
            }

            fn elements(&self) -> Elements<'_> {
                match self {
                    $(Self::$variant(elements) => <$element as ElementType>::elements(elements),)+
                }
            }

            fn elements_mut(&mut self) -> ElementsMut<'_> {
                match self {
                    $(Self::$variant(elements) => <$element as ElementType>::elements_mut(elements),)+
                }
            }

            fn target(&mut self) -> ColumnTarget<'_> {
                match self {
                    $(Self::$variant(elements) => <$element as ElementType>::target(elements),)+
                }
            }
        }
    };
}

column_data! {
    /// `?`
    Bool(bool),
    /// The bytes of `c`, `s`, `p` (with its length), void, bits and user types.
    Bytes(u8),
    /// Signed, 1 byte.
    Int8(i8),
    /// Unsigned, 1 byte.
    UInt8(u8),
    /// Signed, 2 bytes.
    Int16(i16),
    /// Unsigned, 2 bytes; also units of text.
    UInt16(u16),
    /// Signed, 4 bytes.
    Int32(i32),
    /// Unsigned, 4 bytes; also units of text and addresses.
    UInt32(u32),
    /// Signed, 8 bytes.
    Int64(i64),
    /// Unsigned, 8 bytes; also addresses.
    UInt64(u64),
    /// `e`
    Float16(f16),
    /// `f`
    Float32(f32),
    /// `d`
    Float64(f64),
    /// `g` where it is not a `double`; two elements for each `Zg`.
    LongDouble(LongDouble),
    /// `Ze`
    Complex32(Complex<f16>),
    /// `Zf`
    Complex64(Complex<f32>),
    /// `Zd`
    Complex128(Complex<f64>),
}

impl ColumnData {
    /// Converts to elements for which every bit pattern is valid: a `bool` to a byte, a `long double` to the `size` bytes
    /// that it has in memory.
    #[doc(hidden)]
    #[must_use]
    pub fn into_units(self, size: usize) -> Self {
        match self {
            Self::Bool(values) => Self::UInt8(bytemuck::allocation::cast_vec(values)),
            Self::LongDouble(values) => {
                let mut bytes = alloc::vec![0; values.len().saturating_mul(size)];
                for (place, value) in bytes.chunks_exact_mut(size.max(1)).zip(values) {
                    value.write(place, crate::endian::Endian::HOST);
                }
                Self::Bytes(bytes)
            }
            data => data,
        }
    }

    /// Returns the bytes of all elements, if every bit pattern is an element.
    #[doc(hidden)]
    pub fn units_mut(&mut self) -> Option<&mut [u8]> {
        match self.elements_mut() {
            ElementsMut::Bytes(bytes) => Some(bytes),
            ElementsMut::Bool(_) | ElementsMut::LongDouble(_) => None,
        }
    }

    /// Returns whether there are no elements.
    ///
    /// ```
    /// use pep3118::decode::ColumnData;
    /// let data = ColumnData::Int16(vec![1, 2]);
    /// assert!(data.len() == 2 && !data.is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Allocates the elements of `items` records.
    fn allocate(leaf: &Leaf, items: usize, initial: Initial) -> Result<Self, DecodeError> {
        /// The elements of one type.
        fn vector<T: Element>(leaf: &Leaf, items: usize, initial: Initial) -> Result<Vec<T>, DecodeError> {
            let count =
                elements_per_item::<T>(leaf).checked_mul(items).ok_or(DecodeError::Allocation { bytes: u64::MAX })?;
            match initial {
                Initial::Zeroed => zeroed(count),
                Initial::Reserved => reserved(count),
            }
        }
        let ScalarCodec { ty, unit, long_double, .. } = leaf.codec;
        let double = long_double == LongDoubleFormat::Double;
        Ok(match (ty, unit) {
            (Type::Bool, _) => Self::Bool(vector(leaf, items, initial)?),
            (Type::Int8, _) => Self::Int8(vector(leaf, items, initial)?),
            (Type::UInt8, _) => Self::UInt8(vector(leaf, items, initial)?),
            (Type::Int16, _) => Self::Int16(vector(leaf, items, initial)?),
            (Type::Int32, _) => Self::Int32(vector(leaf, items, initial)?),
            (Type::Int64, _) => Self::Int64(vector(leaf, items, initial)?),
            (Type::Float16, _) => Self::Float16(vector(leaf, items, initial)?),
            (Type::Float32, _) => Self::Float32(vector(leaf, items, initial)?),
            (Type::Float64, _) => Self::Float64(vector(leaf, items, initial)?),
            (Type::LongDouble, 8) if double => Self::Float64(vector(leaf, items, initial)?),
            (Type::ComplexLongDouble, 8) if double => Self::Complex128(vector(leaf, items, initial)?),
            (Type::LongDouble | Type::ComplexLongDouble, _) => Self::LongDouble(vector(leaf, items, initial)?),
            (Type::Complex32, _) => Self::Complex32(vector(leaf, items, initial)?),
            (Type::Complex64, _) => Self::Complex64(vector(leaf, items, initial)?),
            (Type::Complex128, _) => Self::Complex128(vector(leaf, items, initial)?),
            // Unsigned integers, units of text, addresses.
            (ty, 2) if ty.has_byte_order() => Self::UInt16(vector(leaf, items, initial)?),
            (ty, 4) if ty.has_byte_order() => Self::UInt32(vector(leaf, items, initial)?),
            (ty, 8) if ty.has_byte_order() => Self::UInt64(vector(leaf, items, initial)?),
            // Strings, void, and units of a width that no Rust integer has.
            _ => Self::Bytes(vector(leaf, items, initial)?),
        })
    }
}

/// The state of a column before it is filled.
#[derive(Clone, Copy, Debug)]
enum Initial {
    /// All elements are zero.
    Zeroed,
    /// Memory for the elements is reserved, but there are none.
    Reserved,
}

impl Column {
    /// Allocates the columns of `items` records, without elements where [`can_grow`] is true.
    fn allocate(leaves: &[&Leaf], items: usize) -> Result<Vec<Self>, DecodeError> {
        let allocate = |leaf: &&Leaf| {
            let initial = if can_grow(leaf) { Initial::Reserved } else { Initial::Zeroed };
            Ok(Self::new(leaf, ColumnData::allocate(leaf, items, initial)?))
        };
        leaves.iter().map(allocate).collect()
    }

    fn new(leaf: &Leaf, data: ColumnData) -> Self {
        let mut shape = leaf.shape().to_vec();
        let ScalarCodec { ty, .. } = leaf.codec;
        let of_value = match (&data, ty) {
            (ColumnData::LongDouble(_), Type::ComplexLongDouble) => Some(2),
            (ColumnData::Bytes(_), Type::Char) => None,
            (ColumnData::Bytes(_), _) => Some(leaf.size()),
            (_, Type::Ucs2 | Type::Ucs4 | Type::Wchar) => Some(leaf.codec.units()),
            _ => None,
        };
        shape.extend(of_value);
        Self { name: leaf.name().to_vec(), ty, shape, data }
    }

    /// Borrows the column, which `allocate` made, to be filled.
    fn target(&mut self, leaf: &Leaf) -> ColumnTarget<'_> {
        if can_grow(leaf) { self.data.target() } else { ColumnTarget::Elements(self.data.elements_mut()) }
    }
}

/// A slice of the caller for one column.
///
/// ```
/// use pep3118::decode::{Destination, Plan};
/// use pep3118::{DataModel, Dialect, Layout};
/// let plan = Plan::new(&Layout::read(b"T{>h:id:2s:tag:}", &Dialect::PEP3118, &DataModel::HOST)?)?;
/// let mut ids = [0_i16; 2];
/// plan.columns_into(b"\0\x01on\0\x02no", Some(&[b"id"]), vec![Destination::from(&mut ids[..])])?;
/// assert_eq!(ids, [1, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Destination<'d> {
    elements: ElementsMut<'d>,
    len: usize,
    name: &'static str,
    accepts: fn(&ScalarCodec) -> bool,
    elements_per_item: fn(&Leaf) -> usize,
}

impl<'d, T: Element> From<&'d mut [T]> for Destination<'d> {
    fn from(elements: &'d mut [T]) -> Self {
        let len = elements.len();
        let elements = T::elements_mut(elements);
        Self { elements, len, name: T::NAME, accepts: T::accepts, elements_per_item: elements_per_item::<T> }
    }
}

impl Destination<'_> {
    /// Refuses elements of another type, and another number of them.
    fn check(&self, leaf: &Leaf, items: usize) -> Result<(), DecodeError> {
        if !(self.accepts)(&leaf.codec) {
            return Err(DecodeError::ElementType { found: leaf.ty().as_str(), wanted: self.name });
        }
        let needed = (self.elements_per_item)(leaf).saturating_mul(items);
        if self.len == needed {
            return Ok(());
        }
        Err(DecodeError::TooSmall { available: wide(self.len), needed: wide(needed) })
    }
}

impl<'f> ColumnFiller<'f> {
    /// Fills columns that `Column::allocate` made for the same leaves.
    fn of_columns(leaves: &[&'f Leaf], columns: &'f mut [Column], itemsize: usize) -> Self {
        let targets = columns.iter_mut().zip(leaves).map(|(column, leaf)| (*leaf, column.target(leaf)));
        Self::new(targets, itemsize)
    }

    /// Fills slices of the caller, one for each leaf.
    fn of_destinations(
        leaves: &[&'f Leaf],
        destinations: Vec<Destination<'f>>,
        items: usize,
        itemsize: usize,
    ) -> Result<Self, DecodeError> {
        if destinations.len() != leaves.len() {
            let (destinations, columns) = (wide(destinations.len()), wide(leaves.len()));
            return Err(DecodeError::Destinations { destinations, columns });
        }
        for (leaf, destination) in leaves.iter().zip(&destinations) {
            destination.check(leaf, items)?;
        }
        let targets = destinations.into_iter().map(|destination| ColumnTarget::Elements(destination.elements));
        Ok(Self::new(leaves.iter().copied().zip(targets), itemsize))
    }
}

impl Plan {
    /// Reads the columns of adjacent records: those of the dotted `names`, or all.
    ///
    /// # Errors
    /// - 10 bytes for records of 4
    /// - `&[b"c"]` of `T{<i:a:<d:b:}`: no such field
    /// - more bytes than the machine has
    pub fn columns(&self, records: &[u8], names: Option<&[&[u8]]>) -> Result<Vec<Column>, DecodeError> {
        self.columns_of(records, &select_leaves(self, names)?)
    }

    /// Reads the columns of the leaves with these indices. Names may repeat; indices are unique.
    #[cfg(feature = "arrow")]
    pub(crate) fn columns_at(&self, records: &[u8], indices: Option<&[usize]>) -> Result<Vec<Column>, DecodeError> {
        self.columns_of(records, &super::plan::select_leaves_by_index(self, indices)?)
    }

    fn columns_of(&self, records: &[u8], leaves: &[&Leaf]) -> Result<Vec<Column>, DecodeError> {
        let mut columns = Column::allocate(leaves, self.items_in(records.len())?)?;
        ColumnFiller::of_columns(leaves, &mut columns, self.size).append(Strided::of_rows(records, self.size))?;
        Ok(columns)
    }

    /// Reads columns into slices of the caller, one for each name, all of the right type and length. If one does not fit,
    /// nothing is written.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, decode::Plan};
    /// let layout = Layout::read(b"T{>H:a:>I:b:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// let (mut a, mut b) = ([0_u16; 2], [0_u32; 2]);
    /// let records = [0, 1, 0, 0, 0, 2, 0, 3, 0, 0, 0, 4];
    /// let buffers = vec![a.as_mut_slice().into(), b.as_mut_slice().into()];
    /// Plan::new(&layout)?.columns_into(&records, None, buffers)?;
    /// assert_eq!((a, b), ([1, 3], [2, 4]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - `&mut [f64]` for a field of `<i`, a slice of 3 elements where there are 2
    /// - as [`columns`](Self::columns)
    pub fn columns_into(
        &self,
        records: &[u8],
        names: Option<&[&[u8]]>,
        destinations: Vec<Destination<'_>>,
    ) -> Result<(), DecodeError> {
        let items = self.items_in(records.len())?;
        let leaves = select_leaves(self, names)?;
        let mut filler = ColumnFiller::of_destinations(&leaves, destinations, items, self.size)?;
        filler.append(Strided::of_rows(records, self.size))
    }

    /// Encodes columns as adjacent records; padding is zero.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, decode::Plan};
    /// let plan = Plan::new(&Layout::read(b"T{>H:a:x>d:b:}", &Dialect::PEP3118, &DataModel::LP64)?)?;
    /// let records = [[0, 1, 0, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0], [0, 2, 0, 0x40, 0, 0, 0, 0, 0, 0, 0]].concat();
    /// assert_eq!(plan.encode_columns(&plan.columns(&records, None)?)?, records);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - columns for 2 of 3 fields
    /// - as [`write_columns`](Self::write_columns)
    pub fn encode_columns(&self, columns: &[Column]) -> Result<Vec<u8>, EncodeError> {
        if columns.len() != self.leaves.len() {
            let (found, wanted) = (wide(columns.len()), wide(self.leaves.len()));
            return Err(EncodeErrorKind::Count { found, wanted, unit: "field" }.into());
        }
        let leaves = self.named(columns)?;
        // As many records as the first column has whose field has elements; no such column has no records.
        let items = leaves.iter().zip(columns).find_map(|(leaf, column)| {
            let one = ColumnData::allocate(leaf, 1, Initial::Zeroed).ok()?.len();
            column.data.len().checked_div(one)
        });
        let bytes = items.unwrap_or(0).checked_mul(self.size).ok_or(DecodeError::Allocation { bytes: u64::MAX })?;
        let mut records = zeroed(bytes)?;
        self.write_columns(columns, &mut records)?;
        Ok(records)
    }

    /// Writes columns to the fields of their names in adjacent records. Other fields and padding stay as they were; if one
    /// column does not fit, so does everything.
    ///
    /// A column fits if [`columns`](Self::columns) could have read it.
    ///
    /// # Errors
    /// - 10 bytes for records of 4
    /// - a column `c` of `T{<i:a:<d:b:}`, two columns `a`: no such field
    /// - a column of `int16` for `<i`, of another shape, of long doubles of another machine
    /// - 2 values for 3 records
    pub fn write_columns(&self, columns: &[Column], records: &mut [u8]) -> Result<(), EncodeError> {
        let items = self.items_in(records.len())?;
        let leaves = self.named(columns)?;
        let mut sources = Vec::with_capacity(columns.len());
        for (leaf, column) in leaves.into_iter().zip(columns) {
            check(leaf, column, items).map_err(|kind| EncodeError::from(kind).inside(&escape(&column.name)))?;
            sources.push((leaf, column.data.elements()));
        }
        Ok(scatter_columns(sources, records, self.size)?)
    }

    /// Returns a leaf for each column, by its name; each leaf once.
    fn named(&self, columns: &[Column]) -> Result<Vec<&Leaf>, EncodeError> {
        let mut free: Vec<Option<&Leaf>> = self.leaves.iter().map(Some).collect();
        let mut start = 0_usize;
        let mut leaves = Vec::with_capacity(columns.len());
        for column in columns {
            // Columns are mostly in the order of the fields.
            let (before, after) = free.split_at_mut(start.min(self.leaves.len()));
            let mut all = after.iter_mut().chain(before).enumerate();
            let found = all.find(|(_, leaf)| leaf.is_some_and(|leaf| leaf.name() == &*column.name));
            let Some((step, leaf)) = found.and_then(|(step, slot)| Some((step, slot.take()?))) else {
                return Err(DecodeError::NoField { name: column.name.as_slice().into() }.into());
            };
            start = start.saturating_add(step).saturating_add(1);
            start = start.checked_sub(self.leaves.len()).unwrap_or(start);
            leaves.push(leaf);
        }
        Ok(leaves)
    }
}

impl Buffer<'_> {
    /// Reads the columns of all items, the last index fastest; see [`Plan::columns`].
    ///
    /// # Errors
    /// - no field of a name
    /// - more bytes than the machine has
    pub fn columns(&self, names: Option<&[&[u8]]>) -> Result<Vec<Column>, DecodeError> {
        self.columns_of(&select_leaves(self.plan, names)?)
    }

    /// Reads the columns of the leaves with these indices.
    #[cfg(feature = "arrow")]
    pub(crate) fn columns_at(&self, indices: Option<&[usize]>) -> Result<Vec<Column>, DecodeError> {
        self.columns_of(&super::plan::select_leaves_by_index(self.plan, indices)?)
    }

    fn columns_of(&self, leaves: &[&Leaf]) -> Result<Vec<Column>, DecodeError> {
        let (items, _) = total(self.view, self.plan.size)?;
        let mut columns = Column::allocate(leaves, items)?;
        self.fill_columns(ColumnFiller::of_columns(leaves, &mut columns, self.plan.size))?;
        Ok(columns)
    }

    /// Reads columns into slices of the caller; see [`Plan::columns_into`].
    ///
    /// # Errors
    /// - a destination of another type, or of another length
    /// - as [`columns`](Self::columns)
    pub fn columns_into(&self, names: Option<&[&[u8]]>, destinations: Vec<Destination<'_>>) -> Result<(), DecodeError> {
        let (items, _) = total(self.view, self.plan.size)?;
        let leaves = select_leaves(self.plan, names)?;
        self.fill_columns(ColumnFiller::of_destinations(&leaves, destinations, items, self.plan.size)?)
    }

    fn fill_columns(&self, mut filler: ColumnFiller<'_>) -> Result<(), DecodeError> {
        if self.plan.size == 0 {
            return Ok(());
        }
        let mut runs = Runs::new(self.view, self.plan.size)?;
        if runs.line_len() < SHORT {
            let mut blocks = self.blocks()?;
            while blocks.advance()? {
                filler.append(Strided::of_rows(blocks.block(), self.plan.size))?;
            }
            return Ok(());
        }
        while let Some(run) = runs.next(usize::MAX) {
            filler.append(self.memory.run(&run)?)?;
        }
        Ok(())
    }
}

impl BufferMut<'_> {
    /// Writes columns to all items, the last index fastest; see [`Plan::write_columns`]. Fields without a column and
    /// padding stay as they were; if one column does not fit, so does everything.
    ///
    /// # Errors
    /// - as [`Plan::write_columns`]
    /// - more bytes than the machine has
    pub fn write_columns(&mut self, columns: &[Column]) -> Result<(), EncodeError> {
        let mut copy = self.copy()?;
        self.plan.write_columns(columns, &mut copy)?;
        self.store(&copy)
    }
}

/// Refuses a column that could not have been read from the leaf.
fn check(leaf: &Leaf, column: &Column, items: usize) -> Result<(), EncodeErrorKind> {
    if column.ty != leaf.ty() {
        return Err(EncodeErrorKind::Kind { found: column.ty.as_str(), wanted: leaf.ty().as_str() });
    }
    let like = Column::new(leaf, ColumnData::allocate(leaf, 0, Initial::Zeroed)?);
    if core::mem::discriminant(&like.data) != core::mem::discriminant(&column.data) {
        return Err(EncodeErrorKind::Kind { found: column.data.element_name(), wanted: like.data.element_name() });
    }
    if like.shape != column.shape {
        return Err(EncodeErrorKind::Kind { found: "a column", wanted: "a column of another shape" });
    }
    let wanted = like.shape.iter().fold(items, |count, extent| count.saturating_mul(*extent));
    if column.data.len() != wanted {
        return Err(EncodeErrorKind::Count { found: wide(column.data.len()), wanted: wide(wanted), unit: "element" });
    }
    let machine = leaf.codec.long_double;
    if let ColumnData::LongDouble(elements) = &column.data
        && let Some(other) = elements.iter().find(|element| element.format() != machine)
    {
        let (found, wanted) = (representation(other.format()), representation(machine));
        return Err(EncodeErrorKind::LongDouble { found, wanted });
    }
    Ok(())
}
