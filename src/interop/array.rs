//! Feature `ndarray`: `ndarray` arrays of the items of a buffer, and array views of a [`Column`].

use alloc::vec::Vec;

use ndarray::{ArrayD, ArrayViewD, IxDyn};

use crate::decode::{Buffer, Column, DecodeError, Element, Number, to_u64};
use crate::view::Order;

impl Buffer<'_> {
    /// Copies all elements of the buffer into an array in C order. The elements are the elements that
    /// [`to_vec`](Self::to_vec) returns. The buffer may have any strides and suboffsets.
    ///
    /// The array has the dimensions of the buffer and, after these dimensions, the dimensions of an array in the item.
    /// For a string, the last dimension is the length of the string. For a complex number of two `long double`s, the
    /// last dimension has the length 2.
    ///
    /// ```
    /// use pep3118::{DataModel, RawView, Request, decode::{Buffer, Plan}};
    /// // The buffer is a transposed array of big-endian numbers.
    /// let raw = RawView {
    ///     len: 12, itemsize: 2, ndim: 2, format: Some(b">h"), shape: Some(&[3, 2]), strides: Some(&[2, 6]),
    ///     ..RawView::default()
    /// };
    /// let view = raw.check(Request::RECORDS_RO, None, None).into_result()?;
    /// let plan = Plan::for_view(&view, &DataModel::HOST)?;
    /// let bytes = [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0xff, 0xfa];
    /// let array = Buffer::new(&view, &plan, &bytes)?.to_array::<i16>()?;
    /// assert_eq!(array, ndarray::array![[1, 4], [2, 5], [3, -6]].into_dyn());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - `ndarray` does not support the shape, because the product of the nonzero lengths is too large: (0,
    ///   4611686018427387904, 4)
    /// - every error of [`to_vec`](Self::to_vec)
    pub fn to_array<T: Element>(&self) -> Result<ArrayD<T>, DecodeError> {
        let elements = self.to_vec(Order::C)?;
        array_of_shape(self.element_shape::<T>()?, elements)
    }

    /// Copies all elements of the buffer into an array and converts each element to the wider type `T`. The elements
    /// are the elements that [`to_vec_as`](Self::to_vec_as) returns. The dimensions are the same as for
    /// [`to_array`](Self::to_array).
    ///
    /// ```
    /// use pep3118::{DataModel, RawView, Request, decode::{Buffer, Plan}};
    /// let raw = RawView {
    ///     len: 2, itemsize: 1, ndim: 1, format: Some(b"b"), shape: Some(&[2]), ..RawView::default()
    /// };
    /// let view = raw.check(Request::FULL_RO, None, None).into_result()?;
    /// let plan = Plan::for_view(&view, &DataModel::HOST)?;
    /// let array = Buffer::new(&view, &plan, &[1, 0xff])?.to_array_as::<i64>()?;
    /// assert_eq!(array, ndarray::array![1, -1].into_dyn());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - `ndarray` does not support the shape, see [`to_array`](Self::to_array)
    /// - every error of [`to_vec_as`](Self::to_vec_as)
    pub fn to_array_as<T: Number>(&self) -> Result<ArrayD<T>, DecodeError> {
        let elements = self.to_vec_as(Order::C)?;
        array_of_shape(self.element_shape::<T>()?, elements)
    }
}

impl Column {
    /// Borrows the column as an array whose first dimension is the index of the record. The other dimensions
    /// are [`shape`](Self::shape). If `shape` contains 0, the first dimension has length 0.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, decode::Plan};
    /// let layout = Layout::read(b"T{B:a:(2)>h:b:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// let columns = Plan::new(&layout)?.columns(&[7, 0, 1, 0, 2, 8, 0, 3, 0, 4], None)?;
    /// assert_eq!(columns[1].to_array_view::<i16>()?, ndarray::array![[1, 2], [3, 4]].into_dyn());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the elements do not have the type `T`: `to_array_view::<f64>` of a column of `<i`
    /// - the shape does not match the number of elements, because the caller changed the column
    /// - the shape contains 0, and the product of the nonzero lengths is too large for `ndarray`
    pub fn to_array_view<T: Element>(&self) -> Result<ArrayViewD<'_, T>, DecodeError> {
        let elements: Option<&Vec<T>> = self.data.as_any().downcast_ref();
        let wrong_type = DecodeError::ElementType { found: self.ty.as_str(), wanted: T::NAME };
        let elements = elements.ok_or(wrong_type)?;
        let mut shape = Vec::with_capacity(self.shape.len().saturating_add(1));
        let row_len = self.shape.iter().fold(1_usize, |count, length| count.saturating_mul(*length));
        // If `shape` contains 0, a record has no elements in the column. The number of records is then
        // unknown, and the array gets 0 rows.
        let rows = elements.len().checked_div(row_len).unwrap_or(0);
        if rows.saturating_mul(row_len) != elements.len() {
            let needed = rows.saturating_add(1).saturating_mul(row_len);
            return Err(DecodeError::TooSmall { available: to_u64(elements.len()), needed: to_u64(needed) });
        }
        shape.push(rows);
        shape.extend_from_slice(&self.shape);
        let error = too_large::<T>(&shape);
        ArrayViewD::from_shape(IxDyn(&shape), elements).map_err(|_| error)
    }
}

/// Creates an array with the shape `shape` from `elements`, which must be in C order. The length of `elements` must be
/// the product of `shape`. Returns an error only if `shape` contains 0 and the product of the nonzero lengths exceeds
/// the limit of `ndarray`.
fn array_of_shape<T: Element>(shape: Vec<usize>, elements: Vec<T>) -> Result<ArrayD<T>, DecodeError> {
    let error = too_large::<T>(&shape);
    ArrayD::from_shape_vec(IxDyn(&shape), elements).map_err(|_| error)
}

/// Returns the error for a `shape` that `ndarray` does not support. The error contains a size in bytes: the product of
/// the nonzero lengths and the size of `T`.
fn too_large<T>(shape: &[usize]) -> DecodeError {
    let lengths = shape.iter().filter(|length| **length != 0);
    let elements = lengths.fold(1_u64, |count, length| count.saturating_mul(to_u64(*length)));
    DecodeError::Allocation { bytes: elements.saturating_mul(to_u64(size_of::<T>())) }
}
