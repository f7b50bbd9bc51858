//! Methods of [`OpenBuffer`] that read all items with one call. [`Records`] and [`Buffer`] are types for the arguments
//! of a Rust function that Python calls.

use std::marker::PhantomData;
use std::ops::Deref;

use pyo3::prelude::*;

use super::open::open;
use super::open_buffer::OpenBuffer;
use crate::decode::record::{Record, RecordError, RecordPlan};
use crate::decode::{DecodeError, Element, Value};
use crate::layout::Field;
use crate::view::Order;

/// Reads the items. All functions copy the items first, so that another thread cannot change a value that was read.
impl OpenBuffer {
    /// Decodes all items, in C order, to structs of type `T`. The comparison of the layout with the struct is cached.
    ///
    #[cfg_attr(feature = "derive", doc = "```")]
    #[cfg_attr(not(feature = "derive"), doc = "```ignore")]
    /// use pep3118::Record;
    /// use pyo3::prelude::*;
    ///
    /// #[derive(Record)]
    /// struct Tick {
    ///     price: f64,
    ///     size: i64,
    /// }
    ///
    /// #[pyfunction]
    /// fn volume(obj: &Bound<'_, PyAny>) -> PyResult<i64> {
    ///     Ok(pep3118::py::open(obj)?.records::<Tick>()?.iter().map(|tick| tick.size).sum())
    /// }
    /// ```
    ///
    /// # Errors
    /// - the items do not [match](Record::matches) the struct
    /// - every error of [`read_records`](crate::decode::Buffer::read_records)
    pub fn records<T: Record>(&self) -> Result<Vec<T>, RecordError> {
        self.with_records(|plan| match plan.read_small(self.view(), |out| Ok(self.shared.copy_contiguous(1, out)))? {
            Some(records) => Ok(records),
            None => self.shared.with_memory(|memory| plan.read_view(self.view(), memory))?,
        })
    }

    /// Decodes all items, in C order, to structs of type `T`, and calls `each` with `items` structs at a time. Only the
    /// last call can have fewer structs. If `items` is 0, each call has 1 struct. The function needs memory for `items`
    /// structs, even if the buffer has more items. A block of about 1 KB is fast, because the
    /// processor reads the next block while `each` computes.
    ///
    /// A tuple struct of one number, such as `struct Sample(f64)`, reads items that are numbers.
    ///
    #[cfg_attr(feature = "derive", doc = "```")]
    #[cfg_attr(not(feature = "derive"), doc = "```ignore")]
    /// # use pep3118::Record;
    /// # use pyo3::prelude::*;
    /// # #[derive(Record)]
    /// # struct Tick { price: f64, size: i64 }
    /// #[pyfunction]
    /// fn highest(obj: &Bound<'_, PyAny>) -> PyResult<f64> {
    ///     let mut highest = f64::MIN;
    ///     let price = |highest: f64, tick: &Tick| highest.max(tick.price);
    ///     pep3118::py::open(obj)?.blocks(64, |ticks| highest = ticks.iter().fold(highest, price))?;
    ///     Ok(highest)
    /// }
    /// ```
    ///
    /// # Errors
    /// - every error of [`records`](Self::records). Before the error, `each` was called with the structs of the blocks
    ///   before the faulty block
    pub fn blocks<T: Record>(&self, items: usize, each: impl FnMut(&[T])) -> Result<(), RecordError> {
        self.with_records(|plan| self.shared.with_memory(|memory| plan.fold_view(self.view(), memory, items, each))?)
    }

    /// Calls `read` with the plan that decodes the items to structs of type `T`, and returns the result. Returns an
    /// error if the items do not match the struct.
    #[inline]
    fn with_records<T: Record, R>(
        &self,
        read: impl FnOnce(&RecordPlan<T>) -> Result<R, RecordError>,
    ) -> Result<R, RecordError> {
        let plan = || self.item.plan().records::<T>();
        match self.item.attached(plan) {
            Some(Ok(plan)) => read(plan),
            Some(Err(mismatch)) => Err(mismatch.clone().into()),
            None => read(&plan()?),
        }
    }

    /// Copies the field `name` of every item to a vector, in C order of the items. A dotted name, such as `at.x`, is
    /// the name of a field of a nested record. The elements of an array field are adjacent in the vector.
    ///
    /// ```
    /// use pyo3::prelude::*;
    /// #[pyfunction]
    /// fn total(obj: &Bound<'_, PyAny>) -> PyResult<f64> {
    ///     Ok(pep3118::py::open(obj)?.column::<f64>("price")?.iter().sum())
    /// }
    /// ```
    ///
    /// # Errors
    /// - no field has the name, or several fields have the name
    /// - the field is a record, or has another type, such as `column::<f64>` for a field of `<i`
    /// - there is not enough memory for the vector
    pub fn column<T: Element>(&self, name: &str) -> Result<Vec<T>, DecodeError> {
        let no_field = || DecodeError::NoField { name: name.as_bytes().into() };
        if self.item.plan().is_repeated(name.as_bytes()) {
            return Err(DecodeError::RepeatedName { name: name.as_bytes().into() });
        }
        let (mut shared, mut item, mut rest) = (self.shared.borrowed(), self.item.clone(), name.as_bytes());
        loop {
            let (field, tail) = leading_field(item.item(), rest).ok_or_else(no_field)?;
            shared = shared.into_field(field)?;
            let element = item.of_field(field)?;
            match tail {
                None => return shared.buffer(element.plan())?.to_vec(Order::C),
                Some(tail) => (item, rest) = (element, tail),
            }
        }
    }

    /// Copies all items to a vector, in C order. An array item has several elements, see
    /// [`Buffer::to_vec`](crate::decode::Buffer::to_vec).
    ///
    /// ```
    /// use pyo3::prelude::*;
    /// #[pyfunction]
    /// fn total(obj: &Bound<'_, PyAny>) -> PyResult<f64> {
    ///     Ok(pep3118::py::open(obj)?.to_vec::<f64>()?.iter().sum())
    /// }
    /// ```
    ///
    /// # Errors
    /// - the items are records, or have another type than `T`
    /// - there is not enough memory for the vector
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>, DecodeError> {
        let plan = self.item.plan();
        match plan.contiguous_to_vec(self.view(), |unit, out| self.shared.copy_contiguous(unit, out)) {
            Some(elements) => Ok(elements),
            None => self.buffer()?.to_vec(Order::C),
        }
    }

    /// Returns an iterator over the values of all items, in C order. Each step decodes one item, and returns an error
    /// if the item cannot be read.
    ///
    /// ```
    /// use pep3118::decode::Value;
    /// use pyo3::prelude::*;
    /// # Python::initialize();
    /// Python::attach(|py| {
    ///     let bytes = pyo3::types::PyBytes::new(py, &[1, 2]);
    ///     let values: Vec<Value> = pep3118::py::open(bytes.as_any())?.values()?.collect::<Result<_, _>>()?;
    ///     assert_eq!(values, [Value::UInt(1), Value::UInt(2)]);
    /// #   Ok::<(), PyErr>(())
    /// })?;
    /// # Ok::<(), PyErr>(())
    /// ```
    ///
    /// # Errors
    /// - a stride or an offset is larger than the address space
    pub fn values(&self) -> Result<impl Iterator<Item = Result<Value, DecodeError>> + use<'_>, DecodeError> {
        Ok(self.buffer()?.into_values())
    }
}

/// Finds the field of `record` whose name is `name`, or is a prefix of `name` before a dot. If several names match,
/// chooses the longest name. Returns the field, and the rest of `name` after the dot. The rest is `None` if the name of
/// the field is `name`. Returns `None` if no field matches.
fn leading_field<'f, 'n>(record: Field<'f>, name: &'n [u8]) -> Option<(Field<'f>, Option<&'n [u8]>)> {
    if let Some(field) = record.field(name) {
        return Some((field, None));
    }
    let dots = name.iter().enumerate().rev().filter(|(_, byte)| **byte == b'.').map(|(index, _)| index);
    dots.into_iter().find_map(|dot| {
        let (start, rest) = name.split_at_checked(dot)?;
        Some((record.field(start)?, Some(rest.get(1..)?)))
    })
}

/// An argument type of a `#[pyfunction]`: the items of any Python object, decoded to structs of type `T`. The caller
/// gets an exception if [`open`] or [`OpenBuffer::records`] returns an error.
///
#[cfg_attr(feature = "derive", doc = "```")]
#[cfg_attr(not(feature = "derive"), doc = "```ignore")]
/// # use pep3118::Record;
/// use pep3118::py::Records;
/// # use pyo3::prelude::*;
/// # #[derive(Record)]
/// # struct Tick { price: f64, size: i64 }
/// #[pyfunction]
/// fn volume(ticks: Records<Tick>) -> i64 {
///     ticks.iter().map(|tick| tick.size).sum()
/// }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Records<T>(Vec<T>);

impl<T> Records<T> {
    /// Returns the structs.
    ///
    /// ```
    /// use pep3118::py::Records;
    /// fn owned<T>(records: Records<T>) -> Vec<T> {
    ///     records.into_vec()
    /// }
    /// ```
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }
}

impl<T> Deref for Records<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> IntoIterator for Records<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<T: Record> FromPyObject<'_, '_> for Records<T> {
    type Error = PyErr;

    fn extract(obj: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        Ok(Self(open(&obj)?.records()?))
    }
}

/// An argument type of a `#[pyfunction]`: a buffer of any Python object whose items have elements of type `T`. In
/// contrast to PyO3's `PyBuffer<T>`, the items can have any byte order, strides and suboffsets. The caller gets a
/// `ValueError` if the items are records or have another type, and the exception of [`open`] if the buffer cannot be
/// opened.
///
/// ```
/// use pep3118::py::Buffer;
/// use pyo3::prelude::*;
/// #[pyfunction]
/// fn total(numbers: Buffer<f64>) -> PyResult<f64> {
///     Ok(numbers.to_vec()?.iter().sum())
/// }
/// ```
#[derive(Debug)]
pub struct Buffer<T> {
    open: OpenBuffer,
    elements: PhantomData<fn() -> T>,
}

impl<T: Element> Buffer<T> {
    /// Copies all elements to a vector, in C order.
    ///
    /// # Errors
    /// - there is not enough memory for the vector
    pub fn to_vec(&self) -> Result<Vec<T>, DecodeError> {
        self.open.to_vec()
    }

    /// Returns the opened buffer.
    ///
    /// ```
    /// use pep3118::py::Buffer;
    /// use pyo3::prelude::*;
    /// #[pyfunction]
    /// fn shape(numbers: Buffer<f64>) -> Vec<i64> {
    ///     numbers.into_open().view().shape().to_vec()
    /// }
    /// ```
    #[must_use]
    pub fn into_open(self) -> OpenBuffer {
        self.open
    }
}

impl<T> Deref for Buffer<T> {
    type Target = OpenBuffer;

    fn deref(&self) -> &OpenBuffer {
        &self.open
    }
}

impl<T: Element> FromPyObject<'_, '_> for Buffer<T> {
    type Error = PyErr;

    fn extract(obj: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let open = open(&obj)?;
        open.item().plan().leaf_of::<T>()?;
        Ok(Self { open, elements: PhantomData })
    }
}
