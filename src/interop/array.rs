//! Feature `ndarray`: arrays from buffers of any geometry, and views of columns.

use alloc::vec::Vec;

use ndarray::{ArrayD, ArrayViewD, IxDyn};

use crate::decode::{Buffer, Column, DecodeError, Element, Number, wide};
use crate::view::Order;

impl Buffer<'_> {
    /// All elements as an array of this program, in C order: those that [`to_vec`](Self::to_vec) has,
    /// whatever the strides and suboffsets were. The shape is that of the buffer, then that of an item
    /// that is itself an array, then the bytes or units of a string and the 2 parts of a complex
    /// number that has no Rust type.
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
    /// - shape (0, 4611686018427387904, 4): `ndarray` counts the elements that there would be
    /// - as [`to_vec`](Self::to_vec)
    pub fn to_array<T: Element>(&self) -> Result<ArrayD<T>, DecodeError> {
        let elements = self.to_vec(Order::C)?;
        shaped(self.element_shape::<T>()?, elements)
    }

    /// The same with numbers of a wider type: those that [`to_vec_as`](Self::to_vec_as) has.
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
    /// The column as an array without a copy: one row a record, then [`shape`](Self::shape). There
    /// are no rows if that has a zero.
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
    /// - a column whose shape was changed, so that it no longer is that of its data
    /// - more elements in a shape with a zero than `ndarray` counts
    pub fn to_array_view<T: Element>(&self) -> Result<ArrayViewD<'_, T>, DecodeError> {
        let elements: Option<&Vec<T>> = self.data.as_any().downcast_ref();
        let refused = DecodeError::ElementType { found: self.ty.as_str(), wanted: T::NAME };
        let elements = elements.ok_or(refused)?;
        let mut shape = Vec::with_capacity(self.shape.len().saturating_add(1));
        let each = self.shape.iter().fold(1_usize, |count, extent| count.saturating_mul(*extent));
        let rows = elements.len().checked_div(each).unwrap_or(0);
        if rows.saturating_mul(each) != elements.len() {
            let needed = rows.saturating_add(1).saturating_mul(each);
            return Err(DecodeError::TooSmall { available: wide(elements.len()), needed: wide(needed) });
        }
        shape.push(rows);
        shape.extend_from_slice(&self.shape);
        let none = too_large::<T>(&shape);
        ArrayViewD::from_shape(IxDyn(&shape), elements).map_err(|_| none)
    }
}

/// Elements in C order as an array. As many as the shape says, unless it has a zero: `ndarray` bounds
/// the other extents even then.
fn shaped<T: Element>(shape: Vec<usize>, elements: Vec<T>) -> Result<ArrayD<T>, DecodeError> {
    let none = too_large::<T>(&shape);
    ArrayD::from_shape_vec(IxDyn(&shape), elements).map_err(|_| none)
}

/// The bytes of an array, had none of its dimensions the extent 0.
fn too_large<T>(shape: &[usize]) -> DecodeError {
    let extents = shape.iter().filter(|extent| **extent != 0);
    let elements = extents.fold(1_u64, |count, extent| count.saturating_mul(wide(*extent)));
    DecodeError::Allocation { bytes: elements.saturating_mul(wide(size_of::<T>())) }
}
