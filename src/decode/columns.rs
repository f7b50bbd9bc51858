//! Records to columns: one contiguous vector a leaf field, in one pass over the records.

use alloc::vec::Vec;

use half::f16;
use num_complex::Complex;

use super::column_cells::{self, Cells, block_items, can_grow};
use super::element::sealed::{Sink, Source};
use super::element::{Element, per_item, reserved, zeroed};
use super::error::{DecodeError, wide};
use super::leaf::Leaf;
use super::long_double::LongDouble;
use super::memory::{Memory, Run};
use super::plan::{Plan, chosen};
use super::scalar::ScalarCodec;
use crate::abi::LongDoubleFormat;
use crate::layout::Type;

/// All values of one leaf field, in this machine's byte order.
///
/// ```
/// use pep3118::decode::{ColumnData, Plan};
/// use pep3118::{DataModel, Dialect, Layout};
/// let plan = Plan::new(&Layout::read(b"T{>h:id:2s:tag:}", &Dialect::PEP3118, &DataModel::HOST)?)?;
/// let columns = plan.columns(b"\0\x01on\0\x02no", None)?;
/// assert_eq!((columns[0].name.as_slice(), &columns[0].data), (&b"id"[..], &ColumnData::Int16(vec![1, 2])));
/// // Strings are their bytes, here 2 for each record.
/// assert_eq!((columns[1].shape.as_slice(), columns[1].data.len()), (&[2][..], 4));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The dotted name, as [`Leaf::name`] has it.
    pub name: Vec<u8>,
    /// The type of one value.
    pub ty: Type,
    /// Elements of one record: the shape of the field, then for strings and text their length in
    /// bytes or units, and 2 for a complex `long double`.
    pub shape: Vec<usize>,
    /// The elements, record after record.
    pub data: ColumnData,
}

macro_rules! column_data {
    ($($(#[$doc:meta])* $variant:ident($element:ty),)+) => {
        /// A vector of the type that fits.
        #[non_exhaustive]
        #[derive(Clone, Debug, PartialEq)]
        pub enum ColumnData {
            $($(#[$doc])* $variant(Vec<$element>),)+
        }

        impl ColumnData {
            /// Number of elements.
            #[must_use]
            pub fn len(&self) -> usize {
                match self {
                    $(Self::$variant(elements) => elements.len(),)+
                }
            }

            /// The vector, whatever its type.
            #[cfg(feature = "ndarray")]
            pub(crate) fn as_any(&self) -> &dyn core::any::Any {
                match self {
                    $(Self::$variant(elements) => elements,)+
                }
            }

            pub(super) fn source(&self) -> Source<'_> {
                match self {
                    $(Self::$variant(elements) => <$element as super::element::sealed::Element>::source(elements),)+
                }
            }

            /// The name of an element's type.
            pub(super) fn element(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => <$element as super::element::sealed::Element>::NAME,)+
                }
            }

            fn sink(&mut self) -> Sink<'_> {
                match self {
                    $(Self::$variant(elements) => <$element as super::element::sealed::Element>::sink(elements),)+
                }
            }

            /// Of what has no elements yet.
            fn growing(&mut self) -> Sink<'_> {
                match self {
                    $(Self::$variant(elements) => <$element as super::element::sealed::Element>::growing(elements),)+
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
    /// `g` where it is no `double`; `Zg` two by two.
    LongDouble(LongDouble),
    /// `Ze`
    Complex32(Complex<f16>),
    /// `Zf`
    Complex64(Complex<f32>),
    /// `Zd`
    Complex128(Complex<f64>),
}

impl ColumnData {
    /// The same elements of which every pattern of bytes is one: `bool`s as bytes, a `long double` as the
    /// `size` bytes that it has in memory.
    #[doc(hidden)]
    #[must_use]
    pub fn into_units(self, size: usize) -> Self {
        match self {
            Self::Bool(values) => Self::UInt8(bytemuck::allocation::cast_vec(values)),
            Self::LongDouble(values) => {
                let mut bytes = alloc::vec![0; values.len().saturating_mul(size)];
                for (cell, value) in bytes.chunks_exact_mut(size.max(1)).zip(values) {
                    value.write(cell, crate::endian::Endian::HOST);
                }
                Self::Bytes(bytes)
            }
            data => data,
        }
    }

    /// All their bytes, if every pattern of bytes is an element.
    #[doc(hidden)]
    pub fn units_mut(&mut self) -> Option<&mut [u8]> {
        match self.sink() {
            Sink::Units(bytes) => Some(bytes),
            Sink::Growing(_) | Sink::Bool(_) | Sink::LongDouble(_) => None,
        }
    }
}

impl ColumnData {
    /// Whether there is no element.
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

    /// All bits zero, for the values of `items` records.
    pub(super) fn zeroed(leaf: &Leaf, items: usize) -> Result<Self, DecodeError> {
        Self::room(leaf, items, Room::Zeroed)
    }

    /// Room for the values of `items` records.
    fn room(leaf: &Leaf, items: usize, how: Room) -> Result<Self, DecodeError> {
        let ScalarCodec { ty, size, unit, long_double, .. } = leaf.kernel;
        let double = long_double == LongDoubleFormat::Double;
        Ok(match (ty, unit) {
            (Type::Bool, _) => Self::Bool(room(leaf, items, how)?),
            (Type::Int8, _) => Self::Int8(room(leaf, items, how)?),
            (Type::UInt8, _) => Self::UInt8(room(leaf, items, how)?),
            (Type::Int16, _) => Self::Int16(room(leaf, items, how)?),
            (Type::Int32, _) => Self::Int32(room(leaf, items, how)?),
            (Type::Int64, _) => Self::Int64(room(leaf, items, how)?),
            (Type::Float16, _) => Self::Float16(room(leaf, items, how)?),
            (Type::Float32, _) => Self::Float32(room(leaf, items, how)?),
            (Type::Float64, _) => Self::Float64(room(leaf, items, how)?),
            (Type::LongDouble, 8) if double => Self::Float64(room(leaf, items, how)?),
            (Type::ComplexLongDouble, 8) if double => Self::Complex128(room(leaf, items, how)?),
            (Type::LongDouble | Type::ComplexLongDouble, _) => Self::LongDouble(room(leaf, items, how)?),
            (Type::Complex32, _) => Self::Complex32(room(leaf, items, how)?),
            (Type::Complex64, _) => Self::Complex64(room(leaf, items, how)?),
            (Type::Complex128, _) => Self::Complex128(room(leaf, items, how)?),
            // Unsigned integers, units of text, addresses.
            (ty, 2) if ty.has_byte_order() => Self::UInt16(room(leaf, items, how)?),
            (ty, 4) if ty.has_byte_order() => Self::UInt32(room(leaf, items, how)?),
            (ty, 8) if ty.has_byte_order() => Self::UInt64(room(leaf, items, how)?),
            _ => {
                debug_assert!(unit == 1 || size == 0 || ty.has_byte_order());
                Self::Bytes(room(leaf, items, how)?)
            }
        })
    }
}

/// What is in a column before it is filled.
#[derive(Clone, Copy, Debug)]
enum Room {
    Zeroed,
    /// Nothing: it grows.
    Reserved,
}

fn room<T: Element>(leaf: &Leaf, items: usize, how: Room) -> Result<Vec<T>, DecodeError> {
    let count = per_item::<T>(leaf).checked_mul(items).ok_or(DecodeError::Allocation { bytes: u64::MAX })?;
    match how {
        Room::Zeroed => zeroed(count),
        Room::Reserved => reserved(count),
    }
}

impl Column {
    pub(super) fn zeroed(leaf: &Leaf, items: usize) -> Result<Self, DecodeError> {
        Ok(Self::of(leaf, ColumnData::zeroed(leaf, items)?))
    }

    fn of(leaf: &Leaf, data: ColumnData) -> Self {
        let mut shape = leaf.shape().to_vec();
        let ScalarCodec { ty, .. } = leaf.kernel;
        let inside = match (&data, ty) {
            (ColumnData::LongDouble(_), Type::ComplexLongDouble) => Some(2),
            (ColumnData::Bytes(_), Type::Char) => None,
            (ColumnData::Bytes(_), _) => Some(leaf.size()),
            (_, Type::Ucs2 | Type::Ucs4 | Type::Wchar) => Some(leaf.kernel.units()),
            _ => None,
        };
        shape.extend(inside);
        Self { name: leaf.name().to_vec(), ty, shape, data }
    }
}

/// A caller's buffer for one column.
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
    sink: Sink<'d>,
    len: usize,
    wanted: &'static str,
    accepts: fn(&ScalarCodec) -> bool,
    per_item: fn(&Leaf) -> usize,
}

impl<'d, T: Element> From<&'d mut [T]> for Destination<'d> {
    fn from(elements: &'d mut [T]) -> Self {
        let len = elements.len();
        Self { sink: T::sink(elements), len, wanted: T::NAME, accepts: T::accepts, per_item: per_item::<T> }
    }
}

impl Destination<'_> {
    /// Refuses elements of another type, and another number of them.
    fn check(&self, leaf: &Leaf, items: usize) -> Result<(), DecodeError> {
        if !(self.accepts)(&leaf.kernel) {
            return Err(DecodeError::ElementType { found: leaf.ty().as_str(), wanted: self.wanted });
        }
        let needed = (self.per_item)(leaf).saturating_mul(items);
        if self.len == needed {
            return Ok(());
        }
        Err(DecodeError::TooSmall { available: wide(self.len), needed: wide(needed) })
    }
}

/// Which leaves go where, while records come in.
pub(super) struct Filling<'f> {
    /// Leaves whose bytes are copied as they are, or swapped.
    cells: Vec<Cells<'f>>,
    /// Leaves that take more than that.
    others: Vec<(&'f Leaf, Sink<'f>)>,
    itemsize: usize,
    /// Records that came.
    done: usize,
    /// Records that could not be read where they lie.
    block: Vec<u8>,
}

impl<'f> Filling<'f> {
    fn new(targets: impl Iterator<Item = (&'f Leaf, Sink<'f>)>, itemsize: usize) -> Self {
        let mut filling = Self { cells: Vec::new(), others: Vec::new(), itemsize, done: 0, block: Vec::new() };
        for (leaf, sink) in targets {
            match sink {
                Sink::Units(column) => match Cells::new(leaf, column) {
                    Ok(cells) => filling.cells.push(cells),
                    Err(column) => filling.others.push((leaf, Sink::Units(column))),
                },
                Sink::Growing(column) => filling.cells.push(Cells::growing(leaf, column)),
                sink => filling.others.push((leaf, sink)),
            }
        }
        filling
    }

    /// To what [`empty`] gave for the same leaves and the same wish.
    pub(super) fn columns(leaves: &[&'f Leaf], columns: &'f mut [Column], fresh: bool, itemsize: usize) -> Self {
        let sinks = columns.iter_mut().map(|column| if fresh { column.data.growing() } else { column.data.sink() });
        Self::new(leaves.iter().copied().zip(sinks), itemsize)
    }

    pub(super) fn destinations(
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
        let sinks = destinations.into_iter().map(|destination| destination.sink);
        Ok(Self::new(leaves.iter().copied().zip(sinks), itemsize))
    }

    /// The next records, one after the other.
    pub(super) fn records(&mut self, items: &[u8]) {
        if self.others.is_empty() {
            column_cells::gather(items, self.itemsize, self.itemsize, &mut self.cells);
            return;
        }
        for block in items.chunks(block_items(self.itemsize).saturating_mul(self.itemsize).max(1)) {
            column_cells::gather(block, self.itemsize, self.itemsize, &mut self.cells);
            for (leaf, sink) in &mut self.others {
                sink.fill(leaf, block, self.itemsize, self.done);
            }
            self.done = self.done.saturating_add(block.len().checked_div(self.itemsize).unwrap_or(0));
        }
    }

    /// The next records, on one line of the memory.
    pub(super) fn run(&mut self, memory: &dyn Memory, run: Run<'_>) -> Result<(), DecodeError> {
        if self.others.is_empty() && memory.gather(run, &mut self.cells)? {
            return Ok(());
        }
        let most = block_items(self.itemsize);
        let mut rest = run;
        while rest.items > 0 {
            let piece = rest.split_off(most);
            let mut block = core::mem::take(&mut self.block);
            block.resize(piece.items.saturating_mul(self.itemsize), 0);
            memory.read(piece, &mut block)?;
            self.records(&block);
            self.block = block;
        }
        Ok(())
    }
}

/// Whether columns of all leaves can be filled where they were never written to.
pub(super) fn can_be_fresh(leaves: &[&Leaf]) -> bool {
    leaves.iter().all(|leaf| can_grow(leaf) && leaf.bytes() > 0)
}

/// Columns for the chosen leaves: zeroed, or `fresh` memory to grow in.
pub(super) fn empty(leaves: &[&Leaf], items: usize, fresh: bool) -> Result<Vec<Column>, DecodeError> {
    let how = if fresh { Room::Reserved } else { Room::Zeroed };
    leaves.iter().map(|leaf| Ok(Column::of(leaf, ColumnData::room(leaf, items, how)?))).collect()
}

impl Plan {
    /// The columns of records that lie one after the other: those of the dotted `names`, or all.
    ///
    /// # Errors
    /// - 10 bytes for records of 4
    /// - `&[b"c"]` of `T{<i:a:<d:b:}`: no such field
    /// - more bytes than the machine has
    pub fn columns(&self, records: &[u8], names: Option<&[&[u8]]>) -> Result<Vec<Column>, DecodeError> {
        let items = self.items_in(records.len())?;
        let leaves = chosen(self, names)?;
        let mut columns = empty(&leaves, items, false)?;
        Filling::columns(&leaves, &mut columns, false, self.size).records(records);
        Ok(columns)
    }

    /// The columns of the leaves of these places: names may be there twice, places are not.
    #[cfg(feature = "arrow")]
    pub(crate) fn columns_at(&self, records: &[u8], places: Option<&[usize]>) -> Result<Vec<Column>, DecodeError> {
        let items = self.items_in(records.len())?;
        let leaves = super::plan::placed(self, places)?;
        let mut columns = empty(&leaves, items, false)?;
        Filling::columns(&leaves, &mut columns, false, self.size).records(records);
        Ok(columns)
    }

    /// The same into the caller's buffers, one for each name, all of the right type and length.
    /// Nothing is written unless all fit.
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
    /// - `&mut [f64]` for a field of `<i`, room for 3 elements where there are 2
    /// - as [`columns`](Self::columns)
    pub fn columns_into(
        &self,
        records: &[u8],
        names: Option<&[&[u8]]>,
        destinations: Vec<Destination<'_>>,
    ) -> Result<(), DecodeError> {
        let items = self.items_in(records.len())?;
        let leaves = chosen(self, names)?;
        Filling::destinations(&leaves, destinations, items, self.size)?.records(records);
        Ok(())
    }
}
