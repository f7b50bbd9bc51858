//! Feature `ndarray`: arrays from buffers, and views of columns.

use alloc::vec::Vec;

use ndarray::{ArrayD, ArrayViewD, IxDyn};

use crate::decode::{Buffer, Column, DecodeError, Element, Number, wide};
use crate::view::Order;

impl Buffer<'_> {
    /// Copies all elements into an array in C order, with any strides and suboffsets: the elements of
    /// [`to_vec`](Self::to_vec). The dimensions are, in this order: those of the buffer; those of an
    /// array in the item; one for the characters of a string, or for the 2 parts of a complex number that has no Rust type.
    ///
    /// ```
    /// use pep3118::{DataModel, RawView, Request, decode::{Buffer, Plan}};
    /// // A transposed array of big-endian numbers.
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
    /// - shape (0, 4611686018427387904, 4): `ndarray` limits the product of the lengths other than 0
    /// - as [`to_vec`](Self::to_vec)
    pub fn to_array<T: Element>(&self) -> Result<ArrayD<T>, DecodeError> {
        let elements = self.to_vec(Order::C)?;
        shaped(self.element_shape::<T>()?, elements)
    }

    /// Copies all elements into an array of a wider type: the elements of [`to_vec_as`](Self::to_vec_as).
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
    /// - as [`to_array`](Self::to_array) and [`to_vec_as`](Self::to_vec_as)
    pub fn to_array_as<T: Number>(&self) -> Result<ArrayD<T>, DecodeError> {
        let elements = self.to_vec_as(Order::C)?;
        shaped(self.element_shape::<T>()?, elements)
    }
}

impl Column {
    /// Borrows the column as an array: one row for each record, then [`shape`](Self::shape). If that has a
    /// length of 0, there are no rows.
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
    /// - `to_array_view::<f64>` of a column of `<i`
    /// - a column whose shape was changed, so that it does not match the data
    /// - a shape with a length of 0 and other lengths whose product `ndarray` does not support
    pub fn to_array_view<T: Element>(&self) -> Result<ArrayViewD<'_, T>, DecodeError> {
        let elements: Option<&Vec<T>> = self.data.as_any().downcast_ref();
        let wrong_type = DecodeError::ElementType { found: self.ty.as_str(), wanted: T::NAME };
        let elements = elements.ok_or(wrong_type)?;
        let mut shape = Vec::with_capacity(self.shape.len().saturating_add(1));
        let each = self.shape.iter().fold(1_usize, |count, length| count.saturating_mul(*length));
        // With a length of 0 there are no elements, and the number of rows is unknown.
        // Rows without elements: the array is empty.
        let rows = elements.len().checked_div(each).unwrap_or(0);
        if rows.saturating_mul(each) != elements.len() {
            let needed = rows.saturating_add(1).saturating_mul(each);
            return Err(DecodeError::TooSmall { available: wide(elements.len()), needed: wide(needed) });
        }
        shape.push(rows);
        shape.extend_from_slice(&self.shape);
        let error = too_large::<T>(&shape);
        ArrayViewD::from_shape(IxDyn(&shape), elements).map_err(|_| error)
    }
}

/// Makes an array of elements in C order. Their number is the product of the shape, so that only the limit of
/// `ndarray` on shapes with a length of 0 can be exceeded.
fn shaped<T: Element>(shape: Vec<usize>, elements: Vec<T>) -> Result<ArrayD<T>, DecodeError> {
    let error = too_large::<T>(&shape);
    ArrayD::from_shape_vec(IxDyn(&shape), elements).map_err(|_| error)
}

/// The error for a shape that `ndarray` does not support, with the size that its lengths other than 0 have.
fn too_large<T>(shape: &[usize]) -> DecodeError {
    let lengths = shape.iter().filter(|length| **length != 0);
    let elements = lengths.fold(1_u64, |count, length| count.saturating_mul(wide(*length)));
    DecodeError::Allocation { bytes: elements.saturating_mul(wide(size_of::<T>())) }
}
