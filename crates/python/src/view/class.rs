//! The methods and properties of the Python class `View`. Each method checks its arguments and calls the file that
//! implements the task.

use std::borrow::Cow;
use std::ffi::c_int;
use std::sync::{Arc, OnceLock};

use crate::objects::{Number, Text, Unsigned};
use pep3118::__private::to_u64;
use pep3118::__private::{arguments, imported};
use pep3118::name;
use pyo3::basic::CompareOp;
use pyo3::exceptions::{PyBufferError, PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyCapsule, PyDict, PyString, PyTuple, PyType};
use pyo3::{PyTraverseError, PyVisit, ffi};

use super::array_interface;
use super::assign::opened;
use super::compare::Operand;
use super::hold::{Hold, Pin, released};
use super::indexing::{Key, Target};
use super::item;
use super::iterator::iterate;
use super::part::{Part, Place, read_item, read_place, read_plain_record, read_primitive, select};
use super::{arrow, assign, columns, compare, construct, convert, display, dlpack, tolist};
use crate::errors::CAST_ERROR;
use crate::format::Format;
use crate::objects::{self, NewObject, is_refusal};
use crate::records::RecordCodec;
use crate::short_sequence::ShortSequence;
use crate::tuple_builder::{of_numbers, of_texts};
use pep3118::__private::escape;
use pep3118::layout::{Dialect, Table};
use pep3118::py::{BufferExporter, ItemDescription};
use pep3118::view::{Order, Request};

/// A view of the items of an exporter, like memoryview, for every format.
///
/// Records become named tuples, and arrays in items become nested lists. `view["pos.x"]` returns a view of that
/// field. `view.columns()` copies each field to an array. Raises KeyError for a name that several fields have, such as
/// `a.b` for a field `a.b` and the field `b` of a field `a`, or `f0` for a field `f0` and a first field without a name.
///
/// The layout of an item is the layout that the exporter's type declares: a NumPy dtype, a ctypes class, or an
/// `array.array`. For any other type, the layout is read from the exporter's format, in `dialect` if it is given.
/// `format` replaces the exporter's format by another layout of the same itemsize: a str, bytes, Format, numpy.dtype,
/// ctypes class or record class. Memory of bytes becomes one dimension of items of the layout.
///
/// `view["a", "b"]` is a view of these fields. A list or an array of indices, or a mask, selects a copy, as in NumPy.
///
/// A view is a sequence, registered with `collections.abc.Sequence`.
///
/// An object without buffers is read through `__dlpack__`, as tensors have it, or through an `__array_interface__`
/// whose data is a buffer, as images of Pillow have it.
///
/// >>> import struct
/// >>> from pep3118 import View
/// >>> memory = bytearray(struct.pack("<hdhd", 1, 1.5, 2, 2.5))
/// >>> view = View(memory).cast("T{<h:id:<d:x:}")
/// >>> view.tolist()
/// [Record(id=1, x=1.5), Record(id=2, x=2.5)]
/// >>> view["x"]
/// <pep3118.View of shape (2,), format '<d'>
/// [1.5, 2.5]
/// >>> view["x"][:] = 0.5
/// >>> view[1] = (7, 7.5)
/// >>> view[::-1].tolist()
/// [Record(id=7, x=7.5), Record(id=1, x=0.5)]
/// >>> print(view.explain())
/// format   T{<h:id:<d:x:}
/// read as  pep3118, exact
/// items    shape (2), strides (10) bytes, itemsize 10 bytes, writable
/// offset  size  type     name
///      0     2  int16    id
///      2     8  float64  x
/// <BLANKLINE>
/// >>> view[0] = (40000, 1.0)
/// Traceback (most recent call last):
///     ...
/// ValueError: id: 40000 is not in the range -32768 to 32767 of int16
///
/// An assignment to several items accepts a buffer of the same shape and layout, nested lists of the same shape, or
/// one value for every item. If one value is refused, no item is changed. Padding is never changed.
///
/// >>> match View(b"ab"):
/// ...     case [first, second]:
/// ...         print(first, second)
/// 97 98
#[pyclass(frozen, sequence, weakref, module = "pep3118")]
pub(crate) struct View {
    part: Part,
    hold: Hold,
    /// The exporter of buffers to the consumers of this view. The first request creates the exporter.
    exporter: OnceLock<Box<BufferExporter>>,
    hash: OnceLock<isize>,
    /// The record class that the user has declared: the items are objects of this class, or fields of such objects.
    /// This field keeps the class alive, because the description of the items has only a weak reference to the class.
    /// `None` if the user has declared no class.
    record: Option<Py<PyType>>,
}

impl View {
    /// Creates a view of the items of `part`. `hold` is the reference of the view to its buffer.
    #[inline(always)]
    pub(super) fn new(part: Part, hold: Hold) -> Self {
        Self { part, hold, exporter: OnceLock::new(), hash: OnceLock::new(), record: None }
    }

    /// If `layout` is a record class, returns the view with objects of this class as items. For any other `layout`,
    /// returns the view unchanged.
    ///
    /// # Errors
    /// - the size of an item differs from the size of a record: `ValueError`
    fn with_record_class(self, layout: &Bound<'_, PyAny>) -> PyResult<Self> {
        let Some(codec) = RecordCodec::of(layout)? else { return Ok(self) };
        let part = self.part.described_by(codec.get().description())?;
        Ok(Self { part, record: Some(layout.cast::<PyType>()?.clone().unbind()), ..self })
    }

    /// Creates a view of `part`, which covers items of the same buffer. The new view has the record class of this view.
    /// `pin` is a pin of this view; it keeps the buffer from being released.
    ///
    /// # Errors
    /// - no memory: `MemoryError`
    #[inline(always)]
    fn alike(&self, py: Python<'_>, part: Part, pin: &Pin<'_>) -> PyResult<Self> {
        let record = self.record.as_ref().map(|class| class.clone_ref(py));
        Ok(Self { record, ..Self::new(part, self.hold.share(py, pin)?) })
    }

    /// Creates the Python object for a view of `part`, which covers items of the same buffer. `pin` is a pin of this
    /// view. Unlike [`alike`](Self::alike), returns the Python object, which saves the copy of a `View` into its Python
    /// object.
    ///
    /// # Errors
    /// - no memory: `MemoryError`
    #[inline(always)]
    fn object_alike<'py>(&self, py: Python<'py>, part: Part, pin: &Pin<'_>) -> PyResult<Bound<'py, PyAny>> {
        Ok(Bound::new(py, self.alike(py, part, pin)?)?.into_any())
    }

    /// Returns the items of this view, and the reference to their buffer.
    pub(super) fn parts(&self) -> (&Part, &Hold) {
        (&self.part, &self.hold)
    }

    /// Returns the object for the item at `index` of a view with one dimension, if no other code runs while the object
    /// is created: the items are primitive values, or records of primitive values. `index` must be in bounds. Returns
    /// `None` without an exception for other items, if access to the items follows pointers, or if the view is
    /// released.
    #[inline(always)]
    pub(super) fn plain_at<'py>(&self, py: Python<'py>, index: i64) -> Option<NewObject<'py>> {
        let view = self.part.view();
        let [stride] = *view.strides() else { return None };
        let pin = self.hold.try_pin().filter(|_| !view.is_indirect())?;
        // The index is in bounds, so the distance to the item fits 63 bits.
        let offset = view.offset().wrapping_add(stride.wrapping_mul(index));
        match self.part.primitive() {
            Some(primitive) => Some(read_primitive(py, &self.part, &pin, primitive, offset)),
            None => read_plain_record(py, &self.part, pin, offset),
        }
    }

    /// Returns the object at `index` of the first dimension. The object is an item if the view has one dimension, and
    /// otherwise a view of one dimension less. `index` must be in bounds.
    ///
    /// # Errors
    /// - a view that was released: `ValueError`
    /// - no memory: `MemoryError`
    pub(super) fn item_at<'py>(&self, py: Python<'py>, index: i64) -> PyResult<Bound<'py, PyAny>> {
        let pin = self.hold.pin()?;
        if self.part.shape().len() == 1 {
            return read_item(py, &self.part, pin, &[index]);
        }
        let part = select(&self.part.pinned(&pin), 0, index)?;
        self.object_alike(py, part, &pin)
    }

    /// Returns the description (layout, plan and format) that all items of this view share.
    pub(super) fn description(&self) -> &Arc<ItemDescription> {
        self.part.description()
    }

    /// Creates a view of the buffer of `object`, which is this view or a memoryview of this view. `format` and
    /// `dialect` are the arguments of `View`. The new view shares the buffer that this view holds, because the buffer
    /// of `object` is memory of this view. Each of the two views can be released without the other.
    ///
    /// # Errors
    /// - every error of [`construct::open`]
    #[inline(never)]
    fn reopened(
        &self,
        object: &Bound<'_, PyAny>,
        format: Option<&Bound<'_, PyAny>>,
        dialect: Option<&str>,
    ) -> PyResult<Self> {
        let pin = self.hold.pin()?;
        let (_acquired, part) = opened(construct::open(object, format, dialect)?);
        self.alike(object.py(), part, &pin)
    }

    /// Returns the format for consumers of this view. `None` means that the view refuses a request for the format.
    ///
    /// # Errors
    /// - the description of the items has no [`Item`](super::item::Item): `SystemError`
    pub(super) fn exported_format(&self) -> PyResult<Option<Cow<'_, [u8]>>> {
        // If the owner of references is unknown, the format `O` is not exported. A consumer would use the bytes as
        // references to objects, although the bytes can be arbitrary.
        let item = self.part.item()?;
        if item.has_unknown_objects() {
            return Ok(Some(Cow::Owned(format!("{}s", self.part.view().itemsize()).into_bytes())));
        }
        Ok(item.exported_format(self.part.description()).map(Cow::Borrowed))
    }

    /// Returns the layout of an item, as a `Format` without a text.
    pub(crate) fn layout(&self) -> Format {
        let description = self.description();
        let dialect = Dialect::by_name(description.rule()).unwrap_or(&Dialect::PEP3118);
        Format::from_layout(Arc::new(description.layout().clone()), dialect, "host")
    }

    /// Returns the items of this view.
    ///
    /// # Errors
    /// - a view that was released: `ValueError`
    #[inline]
    fn part(&self) -> PyResult<&Part> {
        if self.hold.is_released() { Err(released()) } else { Ok(&self.part) }
    }
}

/// Returns the number of items of the first dimension of `view`, for `count` and `index`.
///
/// # Errors
/// - a view that was released: `ValueError`
/// - a view without dimensions: `TypeError`
fn lookup_len(view: &Bound<'_, View>) -> PyResult<i64> {
    Ok(i64::try_from(view.get().part()?.len()?)?)
}

/// The argument `start` or `stop` of [`View::index`]: an index of the first dimension. The index may be negative or out
/// of bounds.
struct IndexBound(i64);

impl IndexBound {
    /// Converts the bound to an index from 0 to `len`, where `len` is the number of items. A negative bound counts from
    /// the end.
    fn counted(&self, len: i64) -> i64 {
        let counted = if self.0 < 0 { self.0.saturating_add(len) } else { self.0 };
        counted.clamp(0, len)
    }
}

impl<'py> FromPyObject<'_, 'py> for IndexBound {
    type Error = PyErr;

    /// Converts an object with `__index__`. A number that does not fit `Py_ssize_t` becomes the nearest number that
    /// fits, as for `list.index`.
    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match object.extract::<i64>() {
            Err(error) if error.is_instance_of::<PyOverflowError>(object.py()) => {
                Ok(Self(if object.lt(0)? { i64::MIN } else { i64::MAX }))
            }
            bound => bound.map(Self),
        }
    }
}

#[pymethods]
impl View {
    #[new]
    #[pyo3(signature = (object, format=None, dialect=None))]
    fn py_new(object: &Bound<'_, PyAny>, format: Option<&Bound<'_, PyAny>>, dialect: Option<&str>) -> PyResult<Self> {
        if let (Ok(view), None, None) = (object.cast_exact::<Self>(), format, dialect) {
            let this = view.get();
            let pin = this.hold.pin()?;
            return this.alike(object.py(), this.part.duplicate(), &pin);
        }
        let view = match construct::view_of(object) {
            Some(view) => view.get().reopened(object, format, dialect)?,
            None => {
                let (acquired, part) = opened(construct::open_exporter(object, format, dialect)?);
                Self::new(part, Hold::new(acquired))
            }
        };
        match format {
            Some(layout) => view.with_record_class(layout),
            None => Ok(view),
        }
    }

    /// Returns a generic alias for annotations, such as `View[int]`.
    ///
    /// >>> from pep3118 import View
    /// >>> View[int]
    /// pep3118.View[int]
    #[classmethod]
    #[pyo3(signature = (item, /))]
    fn __class_getitem__<'py>(class: &Bound<'py, PyType>, item: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        static ALIAS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        imported(&ALIAS, class.py(), "types", "GenericAlias")?.call1(arguments(class.py(), [class, item])?)
    }

    /// The object that owns the memory.
    #[getter]
    fn obj<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.part()?;
        Ok(self.hold.exporter(py))
    }

    /// The size in bytes of a contiguous copy of all items.
    #[getter]
    fn nbytes(&self) -> PyResult<Number> {
        Ok(Number(self.part()?.view().len()))
    }

    /// Whether the memory is read-only.
    #[getter]
    fn readonly(&self) -> PyResult<bool> {
        Ok(self.part()?.view().readonly())
    }

    /// The format that the exporter reported. For a field or a cast, the format of the field or of the cast.
    /// Bytes that are not UTF-8 become surrogates.
    #[getter]
    fn format<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        let part = self.part()?;
        part.item()?.format(py, part.description())
    }

    /// The size of one item in bytes.
    #[getter]
    fn itemsize(&self) -> PyResult<Number> {
        Ok(Number(self.part()?.view().itemsize()))
    }

    /// The number of dimensions.
    #[getter]
    fn ndim(&self) -> PyResult<Unsigned> {
        Ok(Unsigned(to_u64(self.part()?.shape().len())))
    }

    /// The number of items in each dimension.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        of_numbers(py, self.part()?.shape())
    }

    /// The distance in bytes from one item to the next in each dimension.
    #[getter]
    fn strides<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        of_numbers(py, self.part()?.view().strides())
    }

    /// The suboffset of each dimension, or () if access to the items follows no pointers. In a dimension with a
    /// suboffset of at least 0, a reader follows a pointer and then adds the suboffset in bytes.
    #[getter]
    fn suboffsets<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        of_numbers(py, self.part()?.view().suboffsets().unwrap_or_default())
    }

    /// Whether the items are contiguous in C order: the last index changes fastest.
    #[getter]
    fn c_contiguous(&self) -> PyResult<bool> {
        Ok(self.part()?.view().is_contiguous(Order::C))
    }

    /// Whether the items are contiguous in Fortran order: the first index changes fastest.
    #[getter]
    fn f_contiguous(&self) -> PyResult<bool> {
        Ok(self.part()?.view().is_contiguous(Order::Fortran))
    }

    /// Whether the items are contiguous in C order or in Fortran order.
    #[getter]
    fn contiguous(&self) -> PyResult<bool> {
        Ok(self.part()?.view().is_contiguous(Order::Any))
    }

    /// The names of the fields of a record, or () if items are not records. A field without a name gets a name
    /// with its index: 'f0', 'f1'.
    #[getter]
    fn fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        of_texts(py, &item::names(self.part()?.description()))
    }

    /// The certainty of the interpretation of the format: 'exact', 'trailing-padding' or 'inferred'.
    #[getter]
    fn certainty(&self) -> PyResult<Text<&'static str>> {
        Ok(Text(self.part()?.description().certainty().as_str()))
    }

    /// The dialect in which the format was interpreted.
    #[getter(dialect)]
    fn rule(&self) -> PyResult<Text<&'static str>> {
        Ok(Text(self.part()?.description().rule()))
    }

    /// Returns the layout of an item as a table of offsets, sizes and types, and the arrangement of the items.
    ///
    /// >>> from pep3118 import View
    /// >>> print(View(b"\x01\x00\x02\x03\x00\x04").cast("T{>H:a:B:b:}").explain())
    /// format   T{>H:a:B:b:}
    /// read as  pep3118, exact
    /// items    shape (2), strides (3) bytes, itemsize 3 bytes, read-only
    /// offset  size  type          name
    ///      0     2  uint16 (big)  a
    ///      2     1  uint8         b
    /// <BLANKLINE>
    fn explain<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let part = self.part()?;
        let (items, view) = (part.description(), part.view());
        let dims = |dims: &[i64]| dims.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let mut text = format!(
            "format   {}\nread as  {}, {}\nitems    shape ({}), strides ({}) bytes, itemsize {} bytes, {}\n",
            escape(items.format()),
            items.rule(),
            items.certainty(),
            dims(view.shape()),
            dims(view.strides()),
            view.itemsize(),
            if view.readonly() { "read-only" } else { "writable" },
        );
        if let Some(suboffsets) = view.suboffsets() {
            text.push_str(&format!("         suboffsets ({}) bytes\n", dims(suboffsets)));
        }
        text.push_str(&Table::new(items.layout()).to_string());
        objects::string(py, &text)
    }

    /// Returns all items as nested lists. Returns the item itself if the view has no dimension.
    ///
    /// >>> from pep3118 import View
    /// >>> View(b"abcdef").cast("B", (2, 3)).tolist()
    /// [[97, 98, 99], [100, 101, 102]]
    fn tolist<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let pin = self.hold.pin()?;
        if self.part.shape().is_empty() {
            return read_item(py, &self.part, pin, &[]);
        }
        tolist::to_list(py, self.part.pinned(&pin))
    }

    /// Returns the bytes of all items. `order` is the order of the items: with 'C', the last index changes
    /// fastest, and with 'F', the first index changes fastest. 'A' means 'F' for memory in Fortran order, and 'C'
    /// for any other memory.
    ///
    /// >>> from pep3118 import View
    /// >>> View(b"abcdef").cast("c", (2, 3)).tobytes("F")
    /// b'adbecf'
    #[pyo3(signature = (order="C"))]
    fn tobytes<'py>(&self, py: Python<'py>, order: Option<&str>) -> PyResult<Bound<'py, PyBytes>> {
        let pin = self.hold.pin()?;
        self.part.pinned(&pin).to_bytes(py, self.part.order(order)?)
    }

    /// Returns `tobytes().hex(...)`.
    #[pyo3(signature = (*args, **kwargs))]
    fn hex<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let pin = self.hold.pin()?;
        let bytes = self.part.pinned(&pin).to_bytes(py, Order::C)?;
        // A separator is a Python object that can release the view. memoryview of CPython 3.14.10 and 3.15.2 refuses the
        // release during the call.
        let text = bytes.getattr(name!(py, "hex"))?.call(args, kwargs);
        drop(pin);
        text
    }

    /// Returns a read-only view of the same memory.
    ///
    /// >>> from pep3118 import View
    /// >>> View(bytearray(2)).toreadonly().readonly
    /// True
    fn toreadonly(&self, py: Python<'_>) -> PyResult<Self> {
        let pin = self.hold.pin()?;
        self.alike(py, self.part.to_readonly(), &pin)
    }

    /// Returns a view that divides the same memory into items of another format. The memory must be contiguous.
    /// `shape` is the shape of the new view; by default, the new view has one dimension. The new items are
    /// contiguous in C order, or in Fortran order if `order` is 'F'.
    ///
    /// >>> from pep3118 import View
    /// >>> View(b"abcdef").cast("3s").tolist()
    /// [b'abc', b'def']
    /// >>> View(b"abcdef").cast("c", (3, 2), order="F").tolist()
    /// [[b'a', b'd'], [b'b', b'e'], [b'c', b'f']]
    #[pyo3(signature = (format, shape=None, *, order="C", dialect=None))]
    fn cast(
        &self,
        format: &Bound<'_, PyAny>,
        shape: Option<ShortSequence<i64>>,
        order: &str,
        dialect: Option<&str>,
    ) -> PyResult<Self> {
        let order = match order {
            "C" => Order::C,
            "F" => Order::Fortran,
            _ => return Err(CAST_ERROR.error("order must be 'C' or 'F'")),
        };
        let description = construct::cast_items(format, dialect)?;
        let pin = self.hold.pin()?;
        let part = construct::cast(&self.part, description, shape.as_ref().map(|shape| &*shape.0), order)?;
        Self::new(part, self.hold.share(format.py(), &pin)?).with_record_class(format)
    }

    /// Returns a view with the dimensions in the order of `axes`, or in reverse order if no axes are given.
    ///
    /// >>> from pep3118 import View
    /// >>> View(b"abcdef").cast("B", (2, 3)).transpose().tolist()
    /// [[97, 100], [98, 101], [99, 102]]
    #[pyo3(signature = (*axes))]
    fn transpose(&self, py: Python<'_>, axes: Vec<usize>) -> PyResult<Self> {
        let axes = (!axes.is_empty()).then_some(axes);
        let pin = self.hold.pin()?;
        self.alike(py, self.part.transpose(axes.as_deref())?, &pin)
    }

    /// Copies each field to an array in this machine's byte order. Returns a dict from the dotted names of the
    /// fields to writable Views. Without `names`, copies all fields. Raises KeyError if two columns would have
    /// the same name, or if no field has a name in `names`.
    ///
    /// A column has the values of the field. Dates stay dates, and `bfloat16` becomes `float32`.
    ///
    /// >>> from pep3118 import View
    /// >>> view = View(b"\x01\x00\x02\x03\x00\x04").cast("T{>H:a:B:b:}")
    /// >>> {name: column.tolist() for name, column in view.columns().items()}
    /// {'a': [256, 768], 'b': [2, 4]}
    #[pyo3(signature = (*names))]
    fn columns<'py>(&self, py: Python<'py>, names: Vec<String>) -> PyResult<Bound<'py, PyDict>> {
        let pin = self.hold.pin()?;
        columns::columns(py, self.part.pinned(&pin), &names)
    }

    /// The array interface of NumPy, version 3. `numpy.asarray(view)` uses the array interface for items that no
    /// format describes, such as records with overlapping fields. The array keeps the memory from being released.
    #[getter]
    fn __array_interface__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let pin = self.hold.pin()?;
        array_interface::array_interface(py, &self.part, &self.hold, &pin)
    }

    /// Returns a capsule with a tensor of DLPack that shares the memory of the items. The items must be single
    /// numbers in the byte order of this machine. `max_version` is the newest version of DLPack that the consumer
    /// reads. With `copy=True`, the tensor has a copy of the items. `stream` must be None, because the memory is on the
    /// CPU.
    #[pyo3(signature = (*, stream=None, max_version=None, dl_device=None, copy=None))]
    fn __dlpack__<'py>(
        &self,
        py: Python<'py>,
        stream: Option<&Bound<'py, PyAny>>,
        max_version: Option<(u32, u32)>,
        dl_device: Option<(i32, i32)>,
        copy: Option<bool>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if stream.is_some() {
            return Err(objects::error::<PyBufferError>("View.__dlpack__: memory on the CPU has no stream"));
        }
        let pin = self.hold.pin()?;
        let arguments = dlpack::Arguments { max_version, device: dl_device, copy };
        dlpack::capsule(py, &self.part, (&self.hold, &pin), &arguments)
    }

    /// Returns DLPack's numbers for the CPU.
    #[allow(clippy::unused_self, reason = "a method of the protocol")]
    fn __dlpack_device__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let (device, id) = dlpack::DEVICE;
        of_numbers(py, &[device.into(), id.into()])
    }

    /// Returns `tobytes()`. Python calls this method for `bytes(view)`, which therefore also works for items that no
    /// format describes.
    fn __bytes__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        self.tobytes(py, None)
    }

    /// Returns the schema of the Arrow C data interface. The schema of records is a struct of the fields. The schema of
    /// other items is the schema of one item.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        arrow::schema(py, self.part()?)
    }

    /// Returns the items as an Arrow array: the capsules `arrow_schema` and `arrow_array` of the Arrow PyCapsule
    /// interface. `requested_schema` is ignored, as the interface permits: the items are not converted to another type.
    /// Records become structs. Dimensions after the first become lists of fixed size. The memory of a `bytes` object is
    /// shared if its bytes are in Arrow's format. Any other memory is copied, because it can change.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let _: Option<&Bound<'py, PyAny>> = requested_schema;
        let (schema, array) = arrow::array(py, self.part()?, &self.hold)?;
        arguments(py, [&schema, &array])
    }

    /// Returns the items as an Arrow stream of one record batch: the capsule `arrow_array_stream` of the Arrow
    /// PyCapsule interface. `requested_schema` is ignored, as the interface permits. Items that are not records are in
    /// the column 'value'.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _: Option<&Bound<'py, PyAny>> = requested_schema;
        arrow::stream(py, self.part()?, &self.hold)
    }

    /// Returns the number of items of the first dimension that equal `value`. In a view with several dimensions,
    /// the items of the first dimension are views of one dimension less.
    ///
    /// >>> from pep3118 import View
    /// >>> View(b"banana").count(97)
    /// 3
    #[pyo3(signature = (value, /))]
    fn count(slf: &Bound<'_, Self>, value: &Bound<'_, PyAny>) -> PyResult<Unsigned> {
        let mut count = 0_usize;
        for index in 0..lookup_len(slf)? {
            let item = slf.get().item_at(slf.py(), index)?;
            if item.is(value) || item.eq(value)? {
                count = count.saturating_add(1);
            }
        }
        Ok(Unsigned(to_u64(count)))
    }

    /// Returns the index in the first dimension of the first item that equals `value`. Compares the items from
    /// `start` up to, but not including, `stop`. Negative bounds count from the end. Raises ValueError if no item
    /// equals `value`.
    ///
    /// >>> from pep3118 import View
    /// >>> View(b"banana").index(110, 3)
    /// 4
    #[pyo3(
        signature = (value, start=IndexBound(0), stop=IndexBound(i64::MAX), /),
        text_signature = "($self, value, start=0, stop=sys.maxsize, /)"
    )]
    fn index(slf: &Bound<'_, Self>, value: &Bound<'_, PyAny>, start: IndexBound, stop: IndexBound) -> PyResult<Number> {
        let len = lookup_len(slf)?;
        let (start, stop) = (start.counted(len), stop.counted(len));
        for index in start..stop {
            let item = slf.get().item_at(slf.py(), index)?;
            if item.is(value) || item.eq(value)? {
                return Ok(Number(index));
            }
        }
        Err(objects::error::<PyValueError>("View.index(x): no item equals x"))
    }

    /// Releases the buffer. Raises BufferError while a consumer holds a buffer of this view.
    ///
    /// >>> from pep3118 import View
    /// >>> memory = bytearray(b"abc")
    /// >>> with View(memory) as view:  # the end of the block releases the buffer
    /// ...     print(view[0])
    /// 97
    /// >>> memory.append(100)  # possible because no view is left
    fn release(&self) -> PyResult<()> {
        self.hold.release().map_err(|users| {
            let s = if users == 1 { "" } else { "s" };
            objects::error::<PyBufferError>(format!("View has {users} exported buffer{s}"))
        })
    }

    fn __enter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        slf.get().part()?;
        Ok(slf)
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, _exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.release()
    }

    fn __len__(&self) -> PyResult<usize> {
        self.part()?.len()
    }

    fn __getitem__<'py>(slf: &Bound<'py, Self>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let (py, this) = (slf.py(), slf.get());
        this.part()?;
        let key = Key::new(key)?;
        let pin = this.hold.pin()?;
        if let Some(offset) = key.offset(&this.part)? {
            return read_place(py, &this.part, pin, Place::Offset(offset));
        }
        match key.select(&this.part, &pin)? {
            Target::Item(indices) => read_item(py, &this.part, pin, &indices),
            Target::Part(part) => this.object_alike(py, part, &pin),
            Target::Selection(selection) => {
                Ok(Bound::new(py, selection.copy(py, &this.part.pinned(&pin))?)?.into_any())
            }
        }
    }

    fn __setitem__(&self, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        assign::assign(self, key, value)
    }

    fn __delitem__(&self, _key: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(objects::error::<PyTypeError>("cannot delete memory"))
    }

    fn __iter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, PyAny>> {
        let end = i64::try_from(slf.get().part()?.len()?)?;
        iterate(slf, 0, end, 1)
    }

    fn __reversed__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, PyAny>> {
        let last = i64::try_from(slf.get().part()?.len()?)?.saturating_sub(1);
        iterate(slf, last, -1, -1)
    }

    fn __richcmp__<'py>(
        slf: &Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
        op: CompareOp,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let wanted = match op {
            CompareOp::Eq => true,
            CompareOp::Ne => false,
            _ => return Ok(py.NotImplemented().into_bound(py)),
        };
        let answer = |equal: bool| Ok((equal == wanted).into_pyobject(py)?.to_owned().into_any());
        let this = slf.get();
        if slf.is(other) && this.hold.is_released() {
            return answer(true);
        }
        if this.hold.is_released() {
            return answer(false);
        }
        let left = Operand::View(&this.part, &this.hold);
        if let Ok(view) = other.cast_exact::<Self>() {
            let view = view.get();
            if view.hold.is_released() {
                return answer(false);
            }
            return answer(compare::equal(py, left, Operand::View(&view.part, &view.hold))?);
        }
        match construct::open(other, None, None) {
            Ok(open) => {
                let (acquired, part) = opened(open);
                answer(compare::equal(py, left, Operand::Open(&part, &acquired))?)
            }
            // `other` exports no buffer that this package can read. After `NotImplemented`, Python calls the comparison
            // that the class of `other` defines.
            Err(error) if is_refusal(&error, py) => Ok(py.NotImplemented().into_bound(py)),
            Err(error) => Err(error),
        }
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        if let Some(hash) = self.hash.get() {
            return Ok(*hash);
        }
        let pin = self.hold.pin()?;
        let hash = compare::hash(py, self.part.pinned(&pin), self.hold.exporter(py).as_ref())?;
        Ok(*self.hash.get_or_init(|| hash))
    }

    fn __repr__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let this = slf.get();
        let Ok(part) = this.part() else { return objects::string(py, "<pep3118.View of released memory>") };
        objects::string(py, &display::text(py, part, &this.hold)?)
    }

    /// Returns the first and the last items as HTML, for notebooks.
    fn _repr_html_<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let (py, this) = (slf.py(), slf.get());
        objects::string(py, &display::html(py, this.part()?, &this.hold)?)
    }

    /// Returns a NumPy array that shares the memory of the view.
    ///
    /// The items are copied if `copy` is True, or if access to the items follows pointers (suboffsets). In the
    /// second case, a `copy` of False raises ValueError. Raises NotImplementedError if NumPy has no dtype for the
    /// items.
    ///
    /// >>> from pep3118 import View
    /// >>> memory = bytearray(10)
    /// >>> array = View(memory, "T{<h:id:<d:x:}").to_numpy()
    /// >>> array["id"] = 7
    /// >>> memory[0], array.dtype.names
    /// (7, ('id', 'x'))
    #[pyo3(signature = (*, copy=None))]
    fn to_numpy<'py>(slf: &Bound<'py, Self>, copy: Option<bool>) -> PyResult<Bound<'py, PyAny>> {
        convert::to_numpy(slf, copy)
    }

    /// Returns a pyarrow Table of records, or a pyarrow Array of other items.
    ///
    /// Contiguous numbers share the memory of a `bytes` object. Memory that can change is copied. Records are
    /// also copied, because Arrow stores each field in a separate array.
    fn to_arrow<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        convert::to_arrow(slf)
    }

    /// Returns a pandas DataFrame of records or of a two-dimensional array of numbers, or else a Series.
    ///
    /// Numbers in the byte order of this machine share the memory of the view. The fields of records are copied,
    /// because pandas stores each column in a separate array.
    fn to_pandas<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        convert::to_pandas(slf)
    }

    /// Returns a polars DataFrame of records, or a polars Series of other items.
    ///
    /// Contiguous numbers share the memory of a `bytes` object. Memory that can change is copied. Records are
    /// also copied, because polars stores each column in a separate array.
    ///
    /// `polars.DataFrame(view)` reads the items as Python objects: an `int32` becomes an `Int64`. This method keeps
    /// the types.
    fn to_polars<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        convert::to_polars(slf)
    }

    #[allow(unsafe_code, reason = "a slot")]
    unsafe fn __getbuffer__(slf: &Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        let this = slf.get();
        let part = &this.part;
        if this.hold.is_released() {
            return Err(released());
        }
        let format = this.exported_format()?;
        if format.is_none() && Request::from_bits_retain(flags).contains(Request::FORMAT) {
            let size = part.view().itemsize();
            return Err(objects::error::<PyBufferError>(format!(
                "no format describes the items of this View to every reader: use numpy.asarray(view), \
                 view.tobytes(), or view.cast('{size}s') for the bytes of each item"
            )));
        }
        // Without a format, a consumer cannot know which bytes are references to objects, and could overwrite a
        // reference.
        let hides_objects = format.is_none() && part.item()?.has_objects();
        if !this.hold.enter() {
            return Err(released());
        }
        let exporter = this.exporter.get_or_init(|| {
            let items = if hides_objects { part.view().to_readonly() } else { part.view().clone() };
            let (geometry, format) = (items.geometry(), Some(format.as_deref().unwrap_or_default()));
            // SAFETY: (a) By the INVARIANT of `Part` the items are readable until the buffer is released. The consumer
            // is a user of this view and has a reference to the view, so the buffer is not released. (b) The view is
            // writable only if the exporter of its buffer reported writable memory.
            Box::new(unsafe { BufferExporter::with_format(&geometry, part.buf(), format) })
        });
        // SAFETY: (a) The interpreter passes a `Py_buffer` that may be written to. (b) `slf` owns `exporter`, and the
        // filled buffer has a reference to `slf`.
        let filled = unsafe { exporter.fill(slf.as_any(), view, flags) };
        if filled.is_err() {
            this.hold.leave();
        }
        filled
    }

    #[allow(unsafe_code, reason = "a slot")]
    unsafe fn __releasebuffer__(&self, view: *mut ffi::Py_buffer) {
        if let Some(exporter) = self.exporter.get() {
            // SAFETY: (a) `fill` has filled in `view`, and the interpreter releases each `Py_buffer` once.
            unsafe { exporter.release(view) }
            self.hold.leave();
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.record)?;
        self.hold.traverse(&visit)
    }

    fn __clear__(&self) {
        // `release` fails if a consumer in the same cycle has a buffer of this view. The consumer releases that buffer
        // later. The last reference to this view is then dropped, and dropping the view releases its buffer.
        let _: Result<(), isize> = self.hold.release();
    }
}
