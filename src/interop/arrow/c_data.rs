//! [`ArrowArray`] and [`ArrowSchema`]: batches in the Arrow C data interface, for a program with another version of the
//! Arrow crates, or with another Arrow library. The methods of [`Mapping`] create such batches from items, and write
//! such batches as items.
#![allow(unsafe_code, reason = "the Arrow C data interface consists of structs with pointers")]

use alloc::vec::Vec;
use core::ffi::c_void;

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi};
use arrow_array::{Array, RecordBatch, StructArray};
use arrow_schema::{DataType, Schema};

use super::error::BatchError;
use super::mapping::Mapping;
use crate::decode;

/// The C struct `ArrowArray` of the [Arrow C data interface](https://arrow.apache.org/docs/format/CDataInterface.html):
/// a record batch as an array of structs, with the callback that releases its memory. Dropping the value calls the
/// callback, unless the struct was moved to another owner.
///
/// Every version of the Arrow crates, and every other Arrow library, moves the struct out of the pointer that
/// [`as_mut_ptr`](Self::as_mut_ptr) returns:
///
/// ```
/// // This program can use any version of the crate `arrow_array`.
/// use arrow_array::{Array, StructArray, ffi};
/// use pep3118::{DataModel, Dialect, Layout, arrow::Mapping};
/// let layout = Layout::read(b"T{<h:id:<d:price:}", &Dialect::PEP3118, &DataModel::HOST)?;
/// let mapping = Mapping::new(&layout)?;
/// let mut schema = mapping.c_schema()?;
/// let mut array = mapping.c_array_of_bytes(&[1, 0, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f])?;
/// // SAFETY: the pointers are valid, and both structs have the layout of the C data interface.
/// let array = unsafe {
///     let array = ffi::FFI_ArrowArray::from_raw(array.as_mut_ptr().cast());
///     ffi::from_ffi(array, &ffi::FFI_ArrowSchema::from_raw(schema.as_mut_ptr().cast()))?
/// };
/// let structs = StructArray::from(array);
/// assert_eq!((structs.len(), structs.column_names()), (1, vec!["id", "price"]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[repr(transparent)]
pub struct ArrowArray(FFI_ArrowArray);

/// The C struct `ArrowSchema` of the Arrow C data interface: the type of an [`ArrowArray`]. Dropping the value calls its
/// release callback, unless the struct was moved to another owner.
///
/// ```
/// use arrow_array::ffi;
/// use pep3118::{DataModel, Dialect, Layout, arrow::Mapping};
/// let layout = Layout::read(b"T{<h:id:}", &Dialect::PEP3118, &DataModel::HOST)?;
/// let mapping = Mapping::new(&layout)?;
/// let mut schema = mapping.c_schema()?;
/// // SAFETY: the pointer is to a valid struct of the C data interface, which is moved once.
/// let schema = unsafe { ffi::FFI_ArrowSchema::from_raw(schema.as_mut_ptr().cast()) };
/// assert_eq!(schema.child(0).name(), Some("id"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[repr(transparent)]
pub struct ArrowSchema(FFI_ArrowSchema);

impl ArrowArray {
    /// Returns the address of the C struct `ArrowArray`. A consumer moves the struct to its own memory, and marks this
    /// struct as released. `FFI_ArrowArray::from_raw` of the Arrow crates does both.
    #[must_use]
    pub fn as_mut_ptr(&mut self) -> *mut c_void {
        (&raw mut self.0).cast()
    }

    /// Moves the C struct at `array` to the result, and marks the struct at `array` as released.
    ///
    /// # Safety
    /// (a) `array` must be the address of a struct `ArrowArray` of the C data interface that is not released, and no
    /// other thread may access the struct during the call.
    pub unsafe fn from_raw(array: *mut c_void) -> Self {
        // SAFETY: the caller guarantees (a), and `FFI_ArrowArray` has the layout of the C struct.
        Self(unsafe { FFI_ArrowArray::from_raw(array.cast()) })
    }
}

impl ArrowSchema {
    /// Returns the address of the C struct `ArrowSchema`. A consumer moves the struct to its own memory, and marks this
    /// struct as released. `FFI_ArrowSchema::from_raw` of the Arrow crates does both.
    #[must_use]
    pub fn as_mut_ptr(&mut self) -> *mut c_void {
        (&raw mut self.0).cast()
    }

    /// Moves the C struct at `schema` to the result, and marks the struct at `schema` as released.
    ///
    /// ```
    /// use arrow_schema::{DataType, ffi::FFI_ArrowSchema};
    /// use pep3118::arrow::ArrowSchema;
    /// let mut schema = FFI_ArrowSchema::try_from(&DataType::Int16)?;
    /// // SAFETY: (a) the struct is valid and belongs to this function.
    /// drop(unsafe { ArrowSchema::from_raw((&raw mut schema).cast()) });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Safety
    /// (a) `schema` must be the address of a struct `ArrowSchema` of the C data interface that is not released, and no
    /// other thread may access the struct during the call.
    pub unsafe fn from_raw(schema: *mut c_void) -> Self {
        // SAFETY: the caller guarantees (a), and `FFI_ArrowSchema` has the layout of the C struct.
        Self(unsafe { FFI_ArrowSchema::from_raw(schema.cast()) })
    }
}

impl Mapping {
    /// Returns the [schema](Self::schema) as the struct `ArrowSchema` of the C data interface. The interface describes
    /// a record batch as an Arrow array of the type `Struct`. The schema is this type, which has one field for each
    /// column.
    ///
    /// ```
    /// use arrow_array::ffi;
    /// use pep3118::{DataModel, Dialect, Layout, arrow::Mapping};
    /// let layout = Layout::read(b"T{<h:id:}", &Dialect::PEP3118, &DataModel::HOST)?;
    /// let mapping = Mapping::new(&layout)?;
    /// let mut schema = mapping.c_schema()?;
    /// // SAFETY: the pointer is to a valid struct of the C data interface, which is moved once.
    /// let schema = unsafe { ffi::FFI_ArrowSchema::from_raw(schema.as_mut_ptr().cast()) };
    /// assert_eq!(schema.child(0).name(), Some("id"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - a name contains a NUL, which is possible with [`LayoutBuilder`](crate::layout::LayoutBuilder) only
    pub fn c_schema(&self) -> Result<ArrowSchema, BatchError> {
        Ok(ArrowSchema(FFI_ArrowSchema::try_from(self.schema().as_ref())?))
    }

    /// Returns the record batch of [`batch`](Self::batch) as the struct `ArrowArray` of the C data interface.
    ///
    /// ```
    /// use arrow_array::ffi;
    /// use pep3118::decode::{Buffer, Plan};
    /// use pep3118::{DataModel, RawView, Request, arrow::Mapping};
    /// let format = Some(&b"T{<h:id:}"[..]);
    /// let raw = RawView { len: 4, itemsize: 2, ndim: 1, format, shape: Some(&[2]), ..RawView::default() };
    /// let view = raw.check(Request::FULL_RO, None, None).into_result()?;
    /// let plan = Plan::for_view(&view, &DataModel::HOST)?;
    /// let layout = pep3118::Layout::read(b"T{<h:id:}", &pep3118::Dialect::PEP3118, &DataModel::HOST)?;
    /// let mut array = Mapping::new(&layout)?.c_array(&Buffer::new(&view, &plan, &[1, 0, 2, 0])?)?;
    /// // SAFETY: the pointer is to a valid struct of the C data interface, which is moved once.
    /// let array = unsafe { ffi::FFI_ArrowArray::from_raw(array.as_mut_ptr().cast()) };
    /// assert_eq!(array.num_children(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the errors of [`batch`](Self::batch)
    pub fn c_array(&self, buffer: &decode::Buffer<'_>) -> Result<ArrowArray, BatchError> {
        Ok(ArrowArray::of(self.batch(buffer)?))
    }

    /// Copies `bytes`, the bytes of contiguous items, to a record batch, and returns the batch as a C struct.
    ///
    /// ```
    /// use arrow_array::ffi;
    /// use pep3118::{DataModel, Dialect, Layout, arrow::Mapping};
    /// let layout = Layout::read(b"T{<h:id:}", &Dialect::PEP3118, &DataModel::HOST)?;
    /// let mapping = Mapping::new(&layout)?;
    /// let mut array = mapping.c_array_of_bytes(&[1, 0, 2, 0])?;
    /// // SAFETY: the pointer is to a valid struct of the C data interface, which is moved once.
    /// let array = unsafe { ffi::FFI_ArrowArray::from_raw(array.as_mut_ptr().cast()) };
    /// assert_eq!(array.num_children(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the errors of [`batch_of_bytes`](Self::batch_of_bytes)
    pub fn c_array_of_bytes(&self, bytes: &[u8]) -> Result<ArrowArray, BatchError> {
        let items = self.plan.items_in(bytes.len())?;
        Ok(ArrowArray::of(self.batch_of_columns(self.plan.columns_at(bytes, self.leaf_indices())?, items)?))
    }

    /// Returns the bytes of one item for each struct in `array`, an array of structs with the type `schema`. See
    /// [`BatchEncoder`](super::BatchEncoder) for the columns and types that are accepted.
    ///
    /// ```
    /// use arrow_array::{Array, Int16Array, StructArray, ffi};
    /// use pep3118::arrow::{ArrowArray, ArrowSchema, Mapping};
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let column = std::sync::Arc::new(Int16Array::from(vec![1, 2])) as _;
    /// let structs = StructArray::try_from(vec![("id", column)])?;
    /// let (mut array, mut schema) = ffi::to_ffi(&structs.into_data())?;
    /// let layout = Layout::read(b"T{>i:id:}", &Dialect::PEP3118, &DataModel::HOST)?;
    /// let items = unsafe {
    ///     // SAFETY: both structs are valid, and `to_ffi` creates a struct with pointers to valid memory.
    ///     let array = ArrowArray::from_raw((&raw mut array).cast());
    ///     Mapping::new(&layout)?.encode_c(array, &ArrowSchema::from_raw((&raw mut schema).cast()))?
    /// };
    /// assert_eq!(items, [0, 0, 0, 1, 0, 0, 0, 2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - `array` is released, `schema` is not the type of structs, or a struct is null
    /// - the errors of [`encoder`](Self::encoder) and [`BatchEncoder::encode`](super::BatchEncoder::encode)
    ///
    /// # Safety
    /// (a) `schema` must not be released, and its memory must be as the C data interface requires.
    ///
    /// (b) The memory of `array` must be as the C data interface requires for an array of the type `schema`, and must
    /// not change until the function returns.
    pub unsafe fn encode_c(&self, array: ArrowArray, schema: &ArrowSchema) -> Result<Vec<u8>, BatchError> {
        let refused = |message: &str| BatchError::Refused { message: message.into() };
        if array.0.is_released() {
            return Err(refused("the array is released"));
        }
        let DataType::Struct(fields) = DataType::try_from(&schema.0)? else {
            return Err(refused("the array is not an array of structs"));
        };
        // SAFETY: (a) and (b) are the requirements of this function.
        let mut data = unsafe { from_ffi(array.0, &schema.0) }?;
        // The C data interface only recommends aligned buffers, and the arrays of this crate require them.
        data.align_buffers();
        // `from_ffi` does not check the contents of the buffers. `validate_full` checks the offsets and that strings
        // are UTF-8, because wrong data must not cause a panic later.
        data.validate_full()?;
        let structs = StructArray::from(data);
        if let Some(nulls) = structs.nulls()
            && let Some(item) = (0..nulls.len()).find(|item| nulls.is_null(*item))
        {
            return Err(BatchError::Null { item: decode::to_u64(item), field: "value".into() });
        }
        let rows = structs.len();
        let (_, columns, _) = structs.into_parts();
        let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(Schema::new(fields).into(), columns, &options)?;
        self.encoder(batch.schema_ref())?.encode(&batch)
    }
}

impl ArrowArray {
    /// Returns `batch` as a C struct.
    fn of(batch: RecordBatch) -> Self {
        Self(FFI_ArrowArray::new(&StructArray::from(batch).into_data()))
    }
}
