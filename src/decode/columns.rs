//! [`Column`]: all values of one field in a contiguous vector. [`ColumnData`] is this vector, and [`Destination`] is a
//! slice of the caller that is filled instead. One pass over the records fills all columns. [`Plan::write_columns`]
//! copies columns back to records. A *leaf* is a field that is not a record, see [`Leaf`].

use alloc::vec::Vec;

use half::f16;
use num_complex::Complex;

use super::buffer::{Buffer, BufferMut, total};
use super::column_copy::{ColumnFiller, can_grow, scatter_columns};
use super::element::sealed::{ColumnTarget, ElementType, Elements, ElementsMut};
use super::element::{Element, elements_per_item, reserved, zeroed};
use super::error::{DecodeError, EncodeError, EncodeErrorKind};
use super::field_names::FieldNames;
use super::leaf::Leaf;
use super::long_double::{LongDouble, name as representation};
use super::plan::{Plan, leaf_named, leaves_by_name, select_leaves};
use super::scalar::ScalarCodec;
use super::traverse::Runs;
use crate::abi::LongDoubleFormat;
use crate::align::to_u64;
use crate::layout::Type;
use crate::strided::Strided;
use crate::text::escape;

/// The smallest number of items of a line that is read directly. A line is a sequence of evenly spaced items, see
/// [`Runs`]. A shorter line is first copied to a block of adjacent items, because the step to the next line takes more
/// time than the copy.
const SHORT_LINE: u64 = 16;

/// All values of one field that is not a record, in the byte order of this machine.
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
    /// The dotted name of the field, see [`Leaf::name`].
    pub name: Vec<u8>,
    /// The type of one value, see [`Leaf::value_type`]: `Bytes` for `3s`, although `data` has `u8` elements.
    pub ty: Type,
    /// The shape of the elements of one record: [`Leaf::shape`], followed by one more dimension for some types. For
    /// byte strings and all other values in a `Bytes` column except `c`, this dimension is the length in bytes. For a
    /// Unicode text, it is the length in code units. For complex numbers in a `LongDouble` column, it is 2.
    pub shape: Vec<usize>,
    /// The elements of all records, starting with the first record.
    pub data: ColumnData,
}

/// Defines [`ColumnData`] with a variant for each `$element` type. `$name` is the name of the elements in messages, if
/// the name differs from the name of the type.
macro_rules! column_data {
    (@name $element:ty, $name:literal) => { $name };
    (@name $element:ty) => { <$element as ElementType>::NAME };
    ($($(#[$doc:meta])* $variant:ident($element:ty $(, $name:literal)?),)+) => {
        /// The elements of a column, as a vector of the type that represents the field.
        ///
        /// ```
        /// use pep3118::{DataModel, Dialect, Layout, decode::{ColumnData, Plan}};
        /// let plan = Plan::new(&Layout::read(b"T{<h:id:?:valid:}", &Dialect::PEP3118, &DataModel::HOST)?)?;
        /// let columns = plan.columns(&[1, 0, 1], None)?;
        /// assert_eq!(columns[0].data, ColumnData::Int16(vec![1]));
        /// assert_eq!(columns[1].data, ColumnData::Bool(vec![true]));
        /// assert_eq!((columns[1].data.len(), columns[1].data.is_empty()), (1, false));
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        #[non_exhaustive]
        #[derive(Clone, Debug, PartialEq)]
        pub enum ColumnData {
            $($(#[$doc])* $variant(Vec<$element>),)+
        }

        impl ColumnData {
            /// Returns the number of elements of the column, for all records together.
            #[must_use]
            pub fn len(&self) -> usize {
                match self {
                    $(Self::$variant(elements) => elements.len(),)+
                }
            }

            /// Returns the `Vec` of elements as `dyn Any`, so that the caller can downcast the result to `&Vec<T>`.
            #[cfg(feature = "ndarray")]
            pub(crate) fn as_any(&self) -> &dyn core::any::Any {
                match self {
                    $(Self::$variant(elements) => elements,)+
                }
            }

            /// Returns the name of the element type for error messages, such as `int16`.
            fn element_name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => column_data!(@name $element $(, $name)?),)+
                }
            }

            /// Borrows the elements for encoding.
            fn elements(&self) -> Elements<'_> {
                match self {
                    $(Self::$variant(elements) => <$element as ElementType>::elements(elements),)+
                }
            }

            /// Borrows the elements for overwriting. The number of elements stays the same.
            fn elements_mut(&mut self) -> ElementsMut<'_> {
                match self {
                    $(Self::$variant(elements) => <$element as ElementType>::elements_mut(elements),)+
                }
            }

            /// Borrows the vector for appending elements, see `ElementType::target`. The vector must have been
            /// allocated with [`Initial::Reserved`].
            fn target(&mut self) -> ColumnTarget<'_> {
                match self {
                    $(Self::$variant(elements) => <$element as ElementType>::target(elements),)+
                }
            }
        }
    };
}

column_data! {
    /// Bools, format `?`.
    Bool(bool),
    /// The bytes of `c`, `s`, `p` (with its length byte) and void, and of bit-fields without a known position and user
    /// types without numbers.
    Bytes(u8),
    /// Signed integers of 1 byte.
    Int8(i8),
    /// Unsigned integers of 1 byte.
    UInt8(u8),
    /// Signed integers of 2 bytes.
    Int16(i16),
    /// Unsigned integers of 2 bytes.
    UInt16(u16),
    /// Signed integers of 4 bytes.
    Int32(i32),
    /// Unsigned integers of 4 bytes.
    UInt32(u32),
    /// Signed integers of 8 bytes.
    Int64(i64),
    /// Unsigned integers of 8 bytes.
    UInt64(u64),
    /// Addresses of 2 bytes: pointers and function pointers, formats `P`, `&` and `X{}`.
    Address16(u16, "addresses of 2 bytes"),
    /// Addresses of 4 bytes: pointers and function pointers.
    Address32(u32, "addresses of 4 bytes"),
    /// Addresses of 8 bytes: pointers and function pointers.
    Address64(u64, "addresses of 8 bytes"),
    /// Addresses of Python objects, format `O`, on a machine with pointers of 2 bytes. The column does not own a
    /// reference to the objects.
    Object16(u16, "object addresses of 2 bytes"),
    /// Addresses of Python objects, format `O`, on a machine with pointers of 4 bytes. The column does not own a
    /// reference to the objects.
    Object32(u32, "object addresses of 4 bytes"),
    /// Addresses of Python objects, format `O`, on a machine with pointers of 8 bytes. The column does not own a
    /// reference to the objects.
    Object64(u64, "object addresses of 8 bytes"),
    /// Code units of 2 bytes: format `u`, or a `wchar_t` of 2 bytes. The units can be invalid UTF-16.
    Ucs2(u16, "code units of 2 bytes"),
    /// Code units of 4 bytes: format `w`, or a `wchar_t` of 4 bytes. The units can be invalid UTF-32.
    Ucs4(u32, "code units of 4 bytes"),
    /// 16-bit floats, format `e`.
    Float16(f16),
    /// 32-bit floats, format `f`.
    Float32(f32),
    /// 64-bit floats, format `d`. Also format `g` if `long double` is the same type as `double`.
    Float64(f64),
    /// C `long double`s, format `g`. A complex number of format `Zg` is two elements.
    LongDouble(LongDouble),
    /// Complex numbers of two 16-bit floats, format `Ze`.
    Complex32(Complex<f16>),
    /// Complex numbers of two 32-bit floats, format `Zf`.
    Complex64(Complex<f32>),
    /// Complex numbers of two 64-bit floats, format `Zd`. Also format `Zg` if `long double` is the same type as `double`.
    Complex128(Complex<f64>),
}

impl ColumnData {
    /// Converts the elements to a type for which every bit pattern is valid. Each `bool` becomes a `u8`. Each
    /// `long double` becomes its `size` bytes in native memory, where `size` is `sizeof(long double)` with padding.
    /// Other elements are not changed.
    ///
    /// # Errors
    /// - there is not enough memory for the bytes
    #[doc(hidden)]
    pub fn into_units(self, size: usize) -> Result<Self, DecodeError> {
        Ok(match self {
            Self::Bool(values) => Self::UInt8(bytemuck::allocation::cast_vec(values)),
            Self::LongDouble(values) => {
                let mut bytes: Vec<u8> = zeroed(values.len().saturating_mul(size))?;
                for (cell, value) in bytes.chunks_exact_mut(size.max(1)).zip(values) {
                    value.write(cell, crate::endian::Endian::HOST);
                }
                Self::Bytes(bytes)
            }
            data => data,
        })
    }

    /// Returns the bytes of all elements, for overwriting. Returns `None` for columns of `bool` and `long double`,
    /// because some bit patterns are not valid elements.
    #[doc(hidden)]
    pub fn units_mut(&mut self) -> Option<&mut [u8]> {
        match self.elements_mut() {
            ElementsMut::Bytes(bytes) => Some(bytes),
            ElementsMut::Bool(_) | ElementsMut::LongDouble(_) => None,
        }
    }

    /// Returns whether the column has no elements.
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

    /// Allocates the vector for the values of the field `leaf` in `items` records. `initial` selects an empty or a
    /// zeroed vector. Returns an error if the allocation fails.
    fn allocate(leaf: &Leaf, items: usize, initial: Initial) -> Result<Self, DecodeError> {
        let ScalarCodec { unit, long_double, .. } = leaf.codec;
        let ty = leaf.codec.value_type();
        let double = long_double == LongDoubleFormat::Double;
        Ok(match (ty, unit) {
            (Type::Bool, _) => Self::Bool(vector(leaf, items, initial)?),
            (Type::Int8, _) => Self::Int8(vector(leaf, items, initial)?),
            (Type::UInt8, _) => Self::UInt8(vector(leaf, items, initial)?),
            (Type::UInt16, _) => Self::UInt16(vector(leaf, items, initial)?),
            (Type::UInt32, _) => Self::UInt32(vector(leaf, items, initial)?),
            (Type::UInt64, _) => Self::UInt64(vector(leaf, items, initial)?),
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
            (Type::Object, 2) => Self::Object16(vector(leaf, items, initial)?),
            (Type::Object, 4) => Self::Object32(vector(leaf, items, initial)?),
            (Type::Object, 8) => Self::Object64(vector(leaf, items, initial)?),
            (Type::Pointer | Type::CharPointer | Type::WcharPointer | Type::Function, 2) => {
                Self::Address16(vector(leaf, items, initial)?)
            }
            (Type::Pointer | Type::CharPointer | Type::WcharPointer | Type::Function, 4) => {
                Self::Address32(vector(leaf, items, initial)?)
            }
            (Type::Pointer | Type::CharPointer | Type::WcharPointer | Type::Function, 8) => {
                Self::Address64(vector(leaf, items, initial)?)
            }
            (Type::Ucs2 | Type::Wchar, 2) => Self::Ucs2(vector(leaf, items, initial)?),
            (Type::Ucs4 | Type::Wchar, 4) => Self::Ucs4(vector(leaf, items, initial)?),
            // Strings and void. Also addresses and code units if no Rust integer has their size.
            (
                Type::Char
                | Type::Bytes
                | Type::Pascal
                | Type::Void
                | Type::Bits
                | Type::Opaque
                | Type::Record
                | Type::Object
                | Type::Pointer
                | Type::CharPointer
                | Type::WcharPointer
                | Type::Function
                | Type::Ucs2
                | Type::Ucs4
                | Type::Wchar,
                _,
            ) => Self::Bytes(vector(leaf, items, initial)?),
        })
    }
}

/// Allocates a vector for the values of the field `leaf` in `items` records, with elements of type `T`. `initial`
/// selects an empty or a zeroed vector. Returns an error if the allocation fails.
fn vector<T: Element>(leaf: &Leaf, items: usize, initial: Initial) -> Result<Vec<T>, DecodeError> {
    let count = elements_per_item::<T>(leaf).checked_mul(items).ok_or(DecodeError::Allocation { bytes: u64::MAX })?;
    match initial {
        Initial::Zeroed => zeroed(count),
        Initial::Reserved => reserved(count),
    }
}

/// The content of a newly allocated column.
#[derive(Clone, Copy, Debug)]
enum Initial {
    /// The vector has all elements, and every element is zero.
    Zeroed,
    /// The vector is empty, with capacity for all elements.
    Reserved,
}

impl Initial {
    /// Returns the initial content of a column for `leaf`: empty if the column is filled by appending, see
    /// [`can_grow`].
    fn of(leaf: &Leaf) -> Self {
        if can_grow(leaf) { Self::Reserved } else { Self::Zeroed }
    }
}

impl Column {
    /// Allocates one column of `items` records for each of `leaves`. The column is an empty vector with capacity if
    /// [`can_grow`] is true for the leaf, and is zeroed otherwise. Returns an error if an allocation fails.
    fn allocate(leaves: &[&Leaf], items: usize) -> Result<Vec<Self>, DecodeError> {
        let allocate = |leaf: &&Leaf| Ok(Self::new(leaf, ColumnData::allocate(leaf, items, Initial::of(leaf))?));
        leaves.iter().map(allocate).collect()
    }

    /// Creates the column of the field `leaf` from its elements `data`. The name, type and shape come from `leaf`.
    fn new(leaf: &Leaf, data: ColumnData) -> Self {
        let mut shape = leaf.shape().to_vec();
        let ty = leaf.codec.value_type();
        let of_value = match (&data, ty) {
            (ColumnData::LongDouble(_), Type::ComplexLongDouble) => Some(2),
            (ColumnData::Bytes(_), Type::Char) => None,
            (ColumnData::Bytes(_), _) => Some(leaf.size()),
            (_, Type::Ucs2 | Type::Ucs4 | Type::Wchar) => Some(leaf.codec.units()),
            _ => None,
        };
        shape.extend(of_value);
        Self { name: leaf.name().into_owned(), ty, shape, data }
    }

    /// Borrows the elements for filling the column. [`allocate`](Self::allocate) must have created the column for
    /// `leaf`.
    fn target(&mut self, leaf: &Leaf) -> ColumnTarget<'_> {
        if can_grow(leaf) { self.data.target() } else { ColumnTarget::Elements(self.data.elements_mut()) }
    }
}

/// A slice that one column is copied to.
///
/// ```
/// use pep3118::decode::{Destination, Plan};
/// use pep3118::{DataModel, Dialect, Layout};
/// let plan = Plan::new(&Layout::read(b"T{>h:id:2s:tag:}", &Dialect::PEP3118, &DataModel::HOST)?)?;
/// let mut ids = [0_i16; 2];
/// plan.columns_into(b"\0\x01on\0\x02no", ["id"], vec![Destination::from(&mut ids[..])])?;
/// assert_eq!(ids, [1, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Destination<'d> {
    /// The elements of the slice, for overwriting.
    elements: ElementsMut<'d>,
    /// The number of elements of the slice.
    len: usize,
    /// The name of the element type in error messages, such as `int16`.
    name: &'static str,
    /// The function `ElementType::accepts` of the element type.
    accepts: fn(&ScalarCodec) -> bool,
    /// The function [`elements_per_item`] of the element type.
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
    /// Returns an error unless the slice has the right element type and the right number of elements for the values of
    /// the field `leaf` in `items` records.
    fn check(&self, leaf: &Leaf, items: usize) -> Result<(), DecodeError> {
        if !(self.accepts)(&leaf.codec) {
            return Err(DecodeError::ElementType { found: leaf.ty().as_str(), wanted: self.name });
        }
        let needed = (self.elements_per_item)(leaf).saturating_mul(items);
        if self.len == needed {
            return Ok(());
        }
        Err(DecodeError::TooSmall { available: to_u64(self.len), needed: to_u64(needed) })
    }
}

impl<'f> ColumnFiller<'f> {
    /// Creates a filler for `columns`. [`Column::allocate`] must have created `columns` for `leaves`. `itemsize` is the
    /// size of a record in bytes.
    fn of_columns(leaves: &[&'f Leaf], columns: &'f mut [Column], itemsize: usize) -> Self {
        let targets = columns.iter_mut().zip(leaves).map(|(column, leaf)| (*leaf, column.target(leaf)));
        Self::new(targets, itemsize)
    }

    /// Creates a filler that copies each of `leaves` to the element of `destinations` with the same index. `items` is
    /// the number of records, and `itemsize` the size of a record in bytes. Returns an error if the number of
    /// destinations is wrong, or if a destination has a wrong element type or length.
    fn of_destinations(
        leaves: &[&'f Leaf],
        destinations: Vec<Destination<'f>>,
        items: usize,
        itemsize: usize,
    ) -> Result<Self, DecodeError> {
        if destinations.len() != leaves.len() {
            let (destinations, columns) = (to_u64(destinations.len()), to_u64(leaves.len()));
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
    /// Copies fields of `records` to columns, and returns one column for each of `names`, in the order of `names`.
    /// `records` contains the bytes of adjacent records. `names` are the dotted names of leaf fields, see
    /// [`Leaf::name`]. `..` means all leaf fields in the order of the format.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, decode::Plan};
    /// let layout = Layout::read("T{<H:id:<f:price:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// let plan = Plan::new(&layout)?;
    /// let columns = plan.columns(&[7, 0, 0, 0, 0xc0, 0x3f, 8, 0, 0, 0, 0, 0], ["price"])?;
    /// assert_eq!(columns[0].data, pep3118::decode::ColumnData::Float32(vec![1.5, 0.0]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the length of `records` is not a multiple of the record size: 10 bytes for records of 4 bytes
    /// - one of `names` is not the name of a leaf field: `["c"]` for `T{<i:a:<d:b:}`
    /// - one of `names` is the name of several leaf fields: `["a"]` for `T{<i:a:<d:a:}`
    /// - a user type has no number for the bytes of a value: [`DecodeError::UserType`]
    /// - the names and shapes of the columns need more memory than the limit: 1 MiB, plus 64 times the size of the
    ///   names and shapes of the layout
    /// - there is not enough memory for the columns
    pub fn columns(&self, records: &[u8], names: impl FieldNames) -> Result<Vec<Column>, DecodeError> {
        self.columns_of(records, &select_leaves(self, &names)?)
    }

    /// Copies each selected field of `records` to a column. `records` contains the bytes of adjacent records. The
    /// selected fields are the elements of [`leaves`](Self::leaves) with the indices `indices`. `None` means all leaf
    /// fields. In contrast to a name, an index always identifies exactly one field. Returns an error if an index is out
    /// of bounds, or if [`columns`](Self::columns) would return an error.
    #[cfg(feature = "arrow")]
    pub(crate) fn columns_at(&self, records: &[u8], indices: Option<&[usize]>) -> Result<Vec<Column>, DecodeError> {
        self.columns_of(records, &super::plan::select_leaves_by_index(self, indices)?)
    }

    /// Copies each of the fields `leaves` to a column. `records` contains the bytes of adjacent records. Returns an
    /// error if the length of `records` is not a multiple of the record size, if the names and shapes exceed the limit
    /// of [`columns`](Self::columns), or if there is not enough memory.
    pub(super) fn columns_of(&self, records: &[u8], leaves: &[&Leaf]) -> Result<Vec<Column>, DecodeError> {
        self.check_names_of(leaves)?;
        let mut columns = Column::allocate(leaves, self.items_in(records.len())?)?;
        ColumnFiller::of_columns(leaves, &mut columns, self.size).append(Strided::of_rows(records, self.size))?;
        Ok(columns)
    }

    /// Copies the field `name` of `records` to a vector. `records` contains the bytes of adjacent records, and `name`
    /// is the dotted name of a leaf field, see [`Leaf::name`]. [`Element`] lists the values that each type represents.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, decode::Plan};
    /// let layout = Layout::read(b"T{>h:volume:>d:price:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// let plan = Plan::new(&layout)?;
    /// let records = [[0, 7, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0], [0, 8, 0x40, 0, 0, 0, 0, 0, 0, 0]].concat();
    /// assert_eq!(plan.column::<f64>("price", &records)?, [1.0, 2.0]);
    /// let error = plan.column::<f64>("volume", &records).unwrap_err();
    /// assert_eq!(error.to_string(), "items are int16 but float64 was requested");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the length of `records` is not a multiple of the record size: 10 bytes for records of 4 bytes
    /// - `name` is not the name of a leaf field, or is the name of several leaf fields: `c` for `T{<i:a:<d:b:}`
    /// - the field has another type: `column::<f64>` for `<i` ([`column_as`](Self::column_as) converts)
    /// - there is not enough memory for the vector
    pub fn column<T: Element>(&self, name: impl AsRef<[u8]>, records: &[u8]) -> Result<Vec<T>, DecodeError> {
        self.elements(leaf_named(self, name.as_ref())?, records)
    }

    /// Copies the field `leaf` of `records`, the bytes of adjacent records, to a vector. Returns an error if the field
    /// has another type, if the length of `records` is not a multiple of the record size, or if there is not enough
    /// memory.
    pub(super) fn elements<T: Element>(&self, leaf: &Leaf, records: &[u8]) -> Result<Vec<T>, DecodeError> {
        if !T::accepts(&leaf.codec) {
            let found = leaf.codec.value_type().as_str();
            return Err(DecodeError::ElementType { found, wanted: T::NAME });
        }
        let mut elements = vector(leaf, self.items_in(records.len())?, Initial::of(leaf))?;
        let target = match Initial::of(leaf) {
            Initial::Reserved => T::target(&mut elements),
            Initial::Zeroed => ColumnTarget::Elements(T::elements_mut(&mut elements)),
        };
        ColumnFiller::new([(leaf, target)].into_iter(), self.size).append(Strided::of_rows(records, self.size))?;
        Ok(elements)
    }

    /// Copies fields of `records` to slices of the caller. `records` contains the bytes of adjacent records. `names`
    /// are the dotted names of leaf fields, see [`Leaf::name`]. `None` means all leaf fields in the order of the
    /// format.
    ///
    /// `destinations` must have one slice for each selected field, in the order of `names`. For each record, a slice
    /// must have as many elements as the product of [`Column::shape`]. Writes nothing if an argument is rejected. If a
    /// user type has no number for the bytes of a value, some elements may already be written.
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
    /// - the number of destinations differs from the number of selected fields: 2 slices for 3 names
    /// - the element type of a destination differs from the field: `&mut [f64]` for `<i`
    /// - a destination has another length than its column: 3 elements for 2 records
    /// - the errors of [`columns`](Self::columns)
    pub fn columns_into(
        &self,
        records: &[u8],
        names: impl FieldNames,
        destinations: Vec<Destination<'_>>,
    ) -> Result<(), DecodeError> {
        let items = self.items_in(records.len())?;
        let leaves = select_leaves(self, &names)?;
        let mut filler = ColumnFiller::of_destinations(&leaves, destinations, items, self.size)?;
        filler.append(Strided::of_rows(records, self.size))
    }

    /// Encodes `columns` as adjacent records and returns the bytes of the records. `columns` must have one column for
    /// each leaf field, in any order. Padding bytes are zero.
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
    /// - the number of columns differs from the number of fields: 2 columns for 3 fields
    /// - the errors of [`write_columns`](Self::write_columns)
    pub fn encode_columns(&self, columns: &[Column]) -> Result<Vec<u8>, EncodeError> {
        if columns.len() != self.leaves.len() {
            let (found, wanted) = (to_u64(columns.len()), to_u64(self.leaves.len()));
            return Err(EncodeErrorKind::Count { found, wanted, unit: "field" }.into());
        }
        let leaves = self.leaves_of(columns)?;
        // The first column whose field has at least one byte determines the number of records. If all fields have 0
        // bytes, the result has no records.
        let items = leaves.iter().zip(columns).find_map(|(leaf, column)| {
            let one = ColumnData::allocate(leaf, 1, Initial::Zeroed).ok()?.len();
            column.data.len().checked_div(one)
        });
        // Without columns there are no items to write.
        let bytes = items.unwrap_or(0).checked_mul(self.size).ok_or(DecodeError::Allocation { bytes: u64::MAX })?;
        let mut records = zeroed(bytes)?;
        self.write_leaves(leaves, columns, &mut records)?;
        Ok(records)
    }

    /// Encodes each of `columns` into the field with the name of the column. Columns with the same name go to the
    /// fields with this name, in the order of the format. `records` contains the bytes of adjacent records. Leaves
    /// other fields and padding unchanged. Leaves `records` unchanged if a column is rejected.
    ///
    /// A column is accepted if it has the type and shape that [`columns`](Self::columns) returns.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, decode::Plan};
    /// let plan = Plan::new(&Layout::read(b"T{B:id:x>h:size:}", &Dialect::PEP3118, &DataModel::HOST)?)?;
    /// let columns = plan.columns(&[7, 0, 0, 1], None)?;
    /// let mut records = [9; 4];
    /// plan.write_columns(&columns, &mut records)?;
    /// // The padding at byte 1 is unchanged.
    /// assert_eq!(records, [7, 9, 0, 1]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the length of `records` is not a multiple of the record size: 10 bytes for records of 4 bytes
    /// - no field has the name of a column: a column `c` for `T{<i:a:<d:b:}`
    /// - more columns than fields have the same name: two columns `a` for `T{<i:a:<d:b:}`
    /// - a column has another type, shape or `long double` representation than its field: `int16` for `<i`
    /// - a column has another length: 2 values for 3 records
    /// - a number is not in the range of a bit-field or a user type: 8 for 3 bits
    pub fn write_columns(&self, columns: &[Column], records: &mut [u8]) -> Result<(), EncodeError> {
        self.write_leaves(self.leaves_of(columns)?, columns, records)
    }

    /// Encodes each of `columns` into the field in `leaves` with the same index, in each of `records`. Returns an error
    /// as [`write_columns`](Self::write_columns) does.
    fn write_leaves(&self, leaves: Vec<&Leaf>, columns: &[Column], records: &mut [u8]) -> Result<(), EncodeError> {
        let items = self.items_in(records.len())?;
        let mut sources = Vec::with_capacity(columns.len());
        for (leaf, column) in leaves.into_iter().zip(columns) {
            check_column(leaf, column, items).map_err(|kind| EncodeError::from(kind).inside(&escape(&column.name)))?;
            sources.push((leaf, column.data.elements()));
        }
        Ok(scatter_columns(sources, records, self.size)?)
    }

    /// Writes the elements of each leaf in `columns` to this leaf of each of `records`, the bytes of adjacent records.
    /// The caller must have checked that bit-fields and user types can represent the elements.
    ///
    /// # Errors
    /// - a column has too few elements
    #[cfg(feature = "arrow")]
    pub(crate) fn write_elements(
        &self,
        columns: Vec<(&Leaf, Elements<'_>)>,
        records: &mut [u8],
    ) -> Result<(), DecodeError> {
        scatter_columns(columns, records, self.size)
    }

    /// Returns the leaf with the name of each of `columns`, in the order of `columns`. Columns with equal names get
    /// different leaves. Returns [`DecodeError::NoField`] if more columns than leaves have the same name.
    fn leaves_of(&self, columns: &[Column]) -> Result<Vec<&Leaf>, EncodeError> {
        let sorted = leaves_by_name(self)?;
        // For the first leaf of each name: the number of leaves of this name that have a column.
        let mut taken = alloc::vec![0_usize; sorted.len()];
        let find = |column: &Column| {
            let first = sorted.partition_point(|(name, _)| **name < *column.name);
            let leaf = taken.get_mut(first).and_then(|taken| {
                let leaf = sorted.get(first.saturating_add(*taken));
                *taken = taken.saturating_add(1);
                leaf.filter(|(name, _)| **name == *column.name).map(|(_, leaf)| *leaf)
            });
            leaf.ok_or_else(|| DecodeError::NoField { name: column.name.as_slice().into() }.into())
        };
        columns.iter().map(find).collect()
    }
}

impl Buffer<'_> {
    /// Copies fields of all items to columns, and returns one column for each of `names`, in the order of `names`. The
    /// values of a column are in C order of the items. `names` are the dotted names of leaf fields, see [`Leaf::name`].
    /// `..` means all leaf fields in the order of the format.
    ///
    /// ```
    /// use pep3118::decode::{Buffer, ColumnData, Plan};
    /// use pep3118::{DataModel, RawView, Request};
    /// let format = Some(&b"T{B:id:>h:size:}"[..]);
    /// let raw = RawView { len: 6, itemsize: 3, ndim: 1, format, shape: Some(&[2]), ..RawView::default() };
    /// let view = raw.check(Request::FULL, None, None).into_result()?;
    /// let plan = Plan::for_view(&view, &DataModel::HOST)?;
    /// let buffer = Buffer::new(&view, &plan, &[7, 0, 1, 8, 0, 2])?;
    /// let columns = buffer.columns(["size"])?;
    /// assert_eq!((columns.len(), &columns[0].data), (1, &ColumnData::Int16(vec![1, 2])));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - one of `names` is not the name of a leaf field, or is the name of several leaf fields
    /// - the names and shapes of the columns exceed the limit of [`Plan::columns`]
    /// - there is not enough memory for the columns
    pub fn columns(&self, names: impl FieldNames) -> Result<Vec<Column>, DecodeError> {
        self.columns_of(&select_leaves(self.plan, &names)?)
    }

    /// Copies each selected field of all items to a column, in C order of the items. The selected fields are the
    /// elements of [`Plan::leaves`] with the indices `indices`. `None` means all leaf fields.
    ///
    /// # Errors
    /// - an index is out of bounds
    /// - the errors of [`columns`](Self::columns)
    #[doc(hidden)]
    pub fn columns_at(&self, indices: Option<&[usize]>) -> Result<Vec<Column>, DecodeError> {
        self.columns_of(&super::plan::select_leaves_by_index(self.plan, indices)?)
    }

    /// Copies each of the fields `leaves` of all items to a column, in C order of the items. Returns an error if the
    /// names and shapes exceed the limit of [`Plan::columns`], if there is not enough memory, or if the items cannot be
    /// read.
    pub(super) fn columns_of(&self, leaves: &[&Leaf]) -> Result<Vec<Column>, DecodeError> {
        self.plan.check_names_of(leaves)?;
        let (items, _) = total(&self.view, self.plan.size)?;
        let mut columns = Column::allocate(leaves, items)?;
        self.fill_columns(ColumnFiller::of_columns(leaves, &mut columns, self.plan.size))?;
        Ok(columns)
    }

    /// Copies fields of all items to the slices `destinations`, in C order of the items. `names` are the dotted names
    /// of leaf fields, and `None` means all leaf fields. `destinations` must have one slice for each selected field,
    /// see [`Plan::columns_into`].
    ///
    /// ```
    /// use pep3118::decode::{Buffer, Destination, Plan};
    /// use pep3118::{DataModel, RawView, Request};
    /// let format = Some(&b"T{B:id:>h:size:}"[..]);
    /// let raw = RawView { len: 6, itemsize: 3, ndim: 1, format, shape: Some(&[2]), ..RawView::default() };
    /// let view = raw.check(Request::FULL, None, None).into_result()?;
    /// let plan = Plan::for_view(&view, &DataModel::HOST)?;
    /// let buffer = Buffer::new(&view, &plan, &[7, 0, 1, 8, 0, 2])?;
    /// let mut sizes = [0_i16; 2];
    /// buffer.columns_into(["size"], vec![Destination::from(&mut sizes[..])])?;
    /// assert_eq!(sizes, [1, 2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the number of destinations differs from the number of selected fields
    /// - a destination has another element type or another length than its column
    /// - the errors of [`columns`](Self::columns)
    pub fn columns_into(&self, names: impl FieldNames, destinations: Vec<Destination<'_>>) -> Result<(), DecodeError> {
        let (items, _) = total(&self.view, self.plan.size)?;
        let leaves = select_leaves(self.plan, &names)?;
        self.fill_columns(ColumnFiller::of_destinations(&leaves, destinations, items, self.plan.size)?)
    }

    /// Copies fields of all items, in C order, to the columns of `filler`. Returns an error if the memory cannot be
    /// read.
    fn fill_columns(&self, mut filler: ColumnFiller<'_>) -> Result<(), DecodeError> {
        if self.plan.size == 0 {
            return Ok(());
        }
        let mut runs = Runs::new(&self.view, self.plan.size)?;
        if runs.line_len() < SHORT_LINE {
            let mut blocks = self.blocks()?;
            while blocks.advance()? {
                filler.append(Strided::of_rows(blocks.block(), self.plan.size))?;
            }
            return Ok(());
        }
        while let Some(run) = runs.next_run(usize::MAX) {
            filler.append(self.memory.run(&run)?)?;
        }
        Ok(())
    }
}

impl BufferMut<'_> {
    /// Encodes each of `columns` into the field with the name of the column, for all items in C order. Leaves other
    /// fields and padding unchanged. Leaves all items unchanged if a column is rejected.
    ///
    /// ```
    /// use pep3118::decode::{BufferMut, Plan};
    /// use pep3118::{DataModel, RawView, Request};
    /// let format = Some(&b"T{B:id:>h:size:}"[..]);
    /// let raw = RawView { len: 6, itemsize: 3, ndim: 1, format, shape: Some(&[2]), ..RawView::default() };
    /// let view = raw.check(Request::FULL, None, None).into_result()?;
    /// let plan = Plan::for_view(&view, &DataModel::HOST)?;
    /// let mut bytes = [0; 6];
    /// let columns = plan.columns(&[7, 0, 1, 8, 0, 2], None)?;
    /// BufferMut::new(&view, &plan, &mut bytes)?.write_columns(&columns)?;
    /// assert_eq!(bytes, [7, 0, 1, 8, 0, 2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the errors of [`Plan::write_columns`]
    /// - there is not enough memory for a copy of all items
    pub fn write_columns(&mut self, columns: &[Column]) -> Result<(), EncodeError> {
        let mut copy = self.copy()?;
        self.plan.write_columns(columns, &mut copy)?;
        self.store(&copy)
    }
}

/// Returns an error unless `column` has the type, shape, number of elements and `long double` representation that the
/// values of the field `leaf` in `items` records need. Also returns an error if a bit-field or a user type cannot
/// represent a number.
fn check_column(leaf: &Leaf, column: &Column, items: usize) -> Result<(), EncodeErrorKind> {
    let ty = leaf.codec.value_type();
    if column.ty != ty {
        return Err(EncodeErrorKind::Kind { found: column.ty.as_str(), wanted: ty.as_str() });
    }
    let like = Column::new(leaf, ColumnData::allocate(leaf, 0, Initial::Zeroed)?);
    if core::mem::discriminant(&like.data) != core::mem::discriminant(&column.data) {
        return Err(EncodeErrorKind::Kind { found: column.data.element_name(), wanted: like.data.element_name() });
    }
    if like.shape != column.shape {
        return Err(EncodeErrorKind::Kind { found: "a column", wanted: "a column of another shape" });
    }
    let wanted = like.shape.iter().fold(items, |count, length| count.saturating_mul(*length));
    if column.data.len() != wanted {
        return Err(EncodeErrorKind::Count {
            found: to_u64(column.data.len()),
            wanted: to_u64(wanted),
            unit: "element",
        });
    }
    if let (Some(conversion), Elements::Bytes(elements)) = (leaf.codec.conversion(), column.data.elements()) {
        conversion.check(elements, leaf.codec.size)?;
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
