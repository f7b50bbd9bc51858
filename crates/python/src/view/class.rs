//! The class `View`.

use std::ffi::c_int;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::basic::CompareOp;
use pyo3::exceptions::{PyBufferError, PyIndexError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple};
use pyo3::{PyTraverseError, PyVisit, ffi};

use super::indexing::{Key, Target};
use super::state::ViewState;
use super::{assign, columns, compare, construct, tolist};
use crate::format::format_bytes;
use crate::names::dialect_by_name;
use crate::objects::utf8_text;
use pep3118::__private::{escape, plural};
use pep3118::layout::{Dialect, Table};
use pep3118::py::BufferExporter;
use pep3118::view::Order;

/// The items of an exporter: like memoryview, for every format.
///
/// Records are named tuples, arrays in items nested lists. `view["pos.x"]` is a view of that field,
/// `view.columns()` copies each field to an array of its own.
///
/// What an item is, is told by the type of the exporter where it is known (NumPy's dtype, a ctypes
/// class, array), else by the exporter's format, read in `dialect` if that is given. Another `format`
/// of the same itemsize may be given.
///
/// >>> import struct
/// >>> from pep3118 import View
/// >>> memory = bytearray(struct.pack("<hdhd", 1, 1.5, 2, 2.5))
/// >>> view = View(memory).cast("T{<h:id:<d:x:}")
/// >>> view.tolist()
/// [Record(id=1, x=1.5), Record(id=2, x=2.5)]
/// >>> view["x"]
/// <pep3118.View of shape (2,), format '<d'>
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
/// Assigning to a part takes a buffer of the same shape and layout, nested lists of that shape, or one
/// value for every item; nothing is written unless all of it fits, and padding stays as it is.
#[pyclass(frozen, mapping, weakref, module = "pep3118")]
pub(crate) struct View {
    /// `None` after it was released. Exports are counted inside, and both are changed under the lock only.
    shown: Mutex<Option<Arc<ViewState>>>,
}

impl View {
    pub(super) fn new(shown: ViewState) -> Self {
        Self { shown: Mutex::new(Some(Arc::new(shown))) }
    }

    /// No Python code runs while it is held.
    fn lock(&self) -> MutexGuard<'_, Option<Arc<ViewState>>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shown(&self) -> PyResult<Arc<ViewState>> {
        self.lock().clone().ok_or_else(released)
    }

    /// Whose format it is.
    pub(super) fn dialect(&self) -> Option<&'static Dialect> {
        self.lock().as_ref().and_then(|shown| shown.items().dialect())
    }

    /// The format, as an exporter tells it.
    pub(super) fn format_bytes(&self) -> Option<Vec<u8>> {
        self.lock().as_ref().map(|shown| shown.items().format().to_vec())
    }

    /// What it shows, taken away; an error while others hold buffers of it.
    fn take(&self) -> Result<Option<Arc<ViewState>>, usize> {
        let mut shown = self.lock();
        let exports = shown.as_ref().and_then(|shown| shown.exporter.get()).map_or(0, BufferExporter::exports);
        if exports > 0 { Err(exports) } else { Ok(shown.take()) }
    }
}

fn released() -> PyErr {
    PyValueError::new_err("operation forbidden on released View")
}

fn tuple<'py>(py: Python<'py>, numbers: &[i64]) -> PyResult<Bound<'py, PyTuple>> {
    PyTuple::new(py, numbers)
}

#[pymethods]
impl View {
    #[new]
    #[pyo3(signature = (obj, format=None, dialect=None))]
    fn py_new(obj: &Bound<'_, PyAny>, format: Option<&Bound<'_, PyAny>>, dialect: Option<&str>) -> PyResult<Self> {
        construct::open(obj, format, dialect).map(Self::new)
    }

    /// The object whose memory it is.
    #[getter]
    fn obj<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(self.shown()?.shared().acquired().exporter(py))
    }

    /// Bytes of all items in a contiguous copy.
    #[getter]
    fn nbytes(&self) -> PyResult<i64> {
        Ok(self.shown()?.shared().view().len())
    }

    /// Whether items cannot be written to.
    #[getter]
    fn readonly(&self) -> PyResult<bool> {
        Ok(self.shown()?.shared().view().readonly())
    }

    /// The format as the exporter wrote it; of a field or a cast, one that says the same. Bytes that
    /// are not UTF-8 are surrogates.
    #[getter]
    fn format<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        utf8_text(py, self.shown()?.items().format())
    }

    /// Bytes of one item.
    #[getter]
    fn itemsize(&self) -> PyResult<i64> {
        Ok(self.shown()?.shared().view().itemsize())
    }

    /// The number of dimensions.
    #[getter]
    fn ndim(&self) -> PyResult<usize> {
        Ok(self.shown()?.shape().len())
    }

    /// Items in each dimension.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        tuple(py, self.shown()?.shape())
    }

    /// Bytes from one item to the next in each dimension.
    #[getter]
    fn strides<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        tuple(py, self.shown()?.shared().view().strides())
    }

    /// Where at least 0: follow the pointer there, then add as many bytes. Empty where there is none.
    #[getter]
    fn suboffsets<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        tuple(py, self.shown()?.shared().view().suboffsets().unwrap_or_default())
    }

    /// Whether the items adjoin, the last index fastest.
    #[getter]
    fn c_contiguous(&self) -> PyResult<bool> {
        Ok(self.shown()?.shared().view().is_contiguous(Order::C))
    }

    /// Whether the items adjoin, the first index fastest.
    #[getter]
    fn f_contiguous(&self) -> PyResult<bool> {
        Ok(self.shown()?.shared().view().is_contiguous(Order::Fortran))
    }

    /// Whether the items adjoin in either order.
    #[getter]
    fn contiguous(&self) -> PyResult<bool> {
        Ok(self.shown()?.shared().view().is_contiguous(Order::Any))
    }

    /// The names of the fields of a record, 'f0' by its index where the format has none; () where items
    /// are no records.
    #[getter]
    fn fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.shown()?.items().names())
    }

    /// How sure the reading of the format is: 'exact', 'trailing-padding' or 'inferred'.
    #[getter]
    fn certainty(&self) -> PyResult<&'static str> {
        Ok(self.shown()?.items().certainty().as_str())
    }

    /// The dialect in which the format was read.
    #[getter(dialect)]
    fn rule(&self) -> PyResult<&'static str> {
        Ok(self.shown()?.items().rule())
    }

    /// The layout of an item as a table of offsets, sizes and types, and how the items lie.
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
    fn explain(&self) -> PyResult<String> {
        let shown = self.shown()?;
        let (items, view) = (shown.items(), shown.shared().view());
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
        Ok(text)
    }

    /// All items as nested lists, the item itself where there is no dimension.
    ///
    /// >>> from pep3118 import View
    /// >>> View(b"abcdef").cast("B", (2, 3)).tolist()
    /// [[97, 98, 99], [100, 101, 102]]
    fn tolist<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        tolist::to_list(py, &*self.shown()?)
    }

    /// All items as they are, contiguous: 'C' with the last index fastest, 'F' with the first, 'A' as
    /// they lie in memory where that is Fortran order, else as 'C'.
    ///
    /// >>> from pep3118 import View
    /// >>> View(b"abcdef").cast("c", (2, 3)).tobytes("F")
    /// b'adbecf'
    #[pyo3(signature = (order="C"))]
    fn tobytes<'py>(&self, py: Python<'py>, order: Option<&str>) -> PyResult<Bound<'py, PyBytes>> {
        let shown = self.shown()?;
        shown.to_bytes(py, shown.order(order)?)
    }

    /// `tobytes().hex(...)`
    #[pyo3(signature = (*args, **kwargs))]
    fn hex<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.shown()?.to_bytes(py, Order::C)?.call_method("hex", args, kwargs)
    }

    /// The same memory, not to be written to.
    ///
    /// >>> from pep3118 import View
    /// >>> View(bytearray(2)).toreadonly().readonly
    /// True
    fn toreadonly(&self) -> PyResult<Self> {
        Ok(Self::new(self.shown()?.to_readonly()))
    }

    /// The bytes of C-contiguous memory as items of another format, in one dimension or in a shape.
    ///
    /// >>> from pep3118 import View
    /// >>> View(b"abcdef").cast("3s").tolist()
    /// [b'abc', b'def']
    #[pyo3(signature = (format, shape=None, *, dialect=None))]
    fn cast(&self, format: &Bound<'_, PyAny>, shape: Option<Vec<i64>>, dialect: Option<&str>) -> PyResult<Self> {
        let format = format_bytes(format)?;
        let dialect = dialect.map(dialect_by_name).transpose()?;
        self.shown()?.cast(format, shape.as_deref(), dialect).map(Self::new)
    }

    /// The dimensions in another order, reversed if none is given.
    ///
    /// >>> from pep3118 import View
    /// >>> View(b"abcdef").cast("B", (2, 3)).transpose().tolist()
    /// [[97, 100], [98, 101], [99, 102]]
    #[pyo3(signature = (*axes))]
    fn transpose(&self, axes: Vec<usize>) -> PyResult<Self> {
        let axes = (!axes.is_empty()).then_some(axes);
        self.shown()?.transpose(axes.as_deref()).map(Self::new)
    }

    /// Each field as an array of its own, copied and in this machine's byte order: a dict of writable
    /// Views by dotted names. Of all fields, or of those that are named.
    ///
    /// >>> from pep3118 import View
    /// >>> view = View(b"\x01\x00\x02\x03\x00\x04").cast("T{>H:a:B:b:}")
    /// >>> {name: column.tolist() for name, column in view.columns().items()}
    /// {'a': [256, 768], 'b': [2, 4]}
    #[pyo3(signature = (*names))]
    fn columns<'py>(&self, py: Python<'py>, names: Vec<String>) -> PyResult<Bound<'py, PyDict>> {
        columns::columns(py, &*self.shown()?, &names)
    }

    /// The schema of the Arrow C data interface: a struct of the fields of a record; of other items, that
    /// of one item.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        super::arrow::schema(py, &*self.shown()?)
    }

    /// The items as an Arrow array: of structs if they are records. Dimensions after the first are lists
    /// of fixed size. Memory is shared where its bytes are Arrow's, and copied elsewhere.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        let _: Option<&Bound<'py, PyAny>> = requested_schema;
        super::arrow::array(py, &*self.shown()?)
    }

    /// The same as a stream of one record batch; items that are no records are its column 'value'.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _: Option<&Bound<'py, PyAny>> = requested_schema;
        super::arrow::stream(py, &*self.shown()?)
    }

    /// Gives the buffer back: `BufferError` while there are buffers of this view.
    ///
    /// >>> from pep3118 import View
    /// >>> memory = bytearray(b"abc")
    /// >>> with View(memory) as view:  # releases it, too
    /// ...     print(view[0])
    /// 97
    /// >>> memory.append(100)  # not while it is viewed
    fn release(&self) -> PyResult<()> {
        match self.take() {
            Ok(_) => Ok(()),
            Err(exports) => Err(PyBufferError::new_err(format!("View has {}", plural(exports, "exported buffer")))),
        }
    }

    fn __enter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        let _: Arc<ViewState> = slf.get().shown()?;
        Ok(slf)
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, _exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.release()
    }

    fn __len__(&self) -> PyResult<usize> {
        self.shown()?.len()
    }

    fn __getitem__<'py>(&self, py: Python<'py>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let key = Key::new(key)?;
        let shown = self.shown()?;
        match key.select(&shown)? {
            Target::Item(indices) => shown.item(py, &indices),
            Target::Part(part) => Ok(Bound::new(py, Self::new(*part))?.into_any()),
        }
    }

    fn __setitem__(&self, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let key = Key::new(key)?;
        let shown = self.shown()?;
        assign::assign(&shown, key, value)
    }

    fn __delitem__(&self, _key: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(PyTypeError::new_err("cannot delete memory"))
    }

    fn __iter__(slf: Bound<'_, Self>) -> PyResult<ViewIterator> {
        let end = i64::try_from(slf.get().shown()?.len()?)?;
        Ok(ViewIterator { view: slf.unbind(), next: AtomicI64::new(0), end, step: 1 })
    }

    fn __reversed__(slf: Bound<'_, Self>) -> PyResult<ViewIterator> {
        let last = i64::try_from(slf.get().shown()?.len()?)?.saturating_sub(1);
        Ok(ViewIterator { view: slf.unbind(), next: AtomicI64::new(last), end: -1, step: -1 })
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
        if slf.is(other) && slf.get().lock().is_none() {
            return answer(true);
        }
        let Some(left) = slf.get().lock().clone() else { return answer(false) };
        let right = match other.cast_exact::<Self>() {
            Ok(view) => match view.get().lock().clone() {
                Some(right) => right,
                None => return answer(false),
            },
            Err(_) => match construct::open(other, None, None) {
                Ok(right) => Arc::new(right),
                // What is no buffer may know how it compares.
                Err(_) => return Ok(py.NotImplemented().into_bound(py)),
            },
        };
        answer(compare::equal(py, &left, &right)?)
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        compare::hash(py, &*self.shown()?)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let Ok(shown) = slf.get().shown() else { return Ok("<released pep3118.View>".to_owned()) };
        let shape = tuple(slf.py(), shown.shape())?.repr()?.to_string();
        let format = escape(shown.items().format());
        Ok(format!("<pep3118.View of shape {shape}, format '{format}'>"))
    }

    #[allow(unsafe_code, reason = "a slot")]
    unsafe fn __getbuffer__(slf: &Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        // Under the lock, so that it is not released meanwhile.
        let guard = slf.get().lock();
        let shown = guard.as_ref().ok_or_else(|| PyBufferError::new_err("the View is released"))?;
        let (shared, format) = (shown.shared(), shown.items().format());
        let exporter = shown.exporter.get_or_init(|| {
            // SAFETY: (a) by the INVARIANT of `SharedView` the items are readable as long as it holds its
            // buffer, and while there are exports `take` leaves it where it is; a consumer holds this object.
            // (b) is what its own exporter has said.
            unsafe { BufferExporter::with_format(shared.view(), shared.buf(), Some(format)) }
        });
        // SAFETY: (a) the interpreter passes a struct to fill in; (b) the object holds the exporter.
        unsafe { exporter.fill(slf.as_any(), view, flags) }
    }

    #[allow(unsafe_code, reason = "a slot")]
    unsafe fn __releasebuffer__(&self, view: *mut ffi::Py_buffer) {
        let guard = self.lock();
        if let Some(exporter) = guard.as_ref().and_then(|shown| shown.exporter.get()) {
            // SAFETY: (a) the interpreter passes a struct that `fill` has filled in, once.
            unsafe { exporter.release(view) }
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // Nobody holds the lock while the collector runs, or else there is nothing to tell now.
        let Ok(mut guard) = self.shown.try_lock() else { return Ok(()) };
        // The reference to the exporter is told by its only owner; where there are several, by none.
        if let Some(acquired) = guard.as_mut().and_then(Arc::get_mut).and_then(ViewState::sole_buffer) {
            acquired.traverse(&visit)?;
        }
        Ok(())
    }

    fn __clear__(&self) {
        let _: Result<Option<Arc<ViewState>>, usize> = self.take();
    }
}

/// The items of the first dimension, one after the other.
#[pyclass(frozen, name = "_ViewIterator", module = "pep3118")]
pub(super) struct ViewIterator {
    view: Py<View>,
    next: AtomicI64,
    end: i64,
    step: i64,
}

#[pymethods]
impl ViewIterator {
    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let advance = |index: i64| (index != self.end).then(|| index.saturating_add(self.step));
        let Ok(index) = self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, advance) else {
            return Ok(None);
        };
        let shown = self.view.get().shown()?;
        if shown.shape().len() == 1 {
            return shown.item(py, &[index]).map(Some);
        }
        if shown.shape().is_empty() {
            return Err(PyIndexError::new_err("0-dim view has no items to iterate over"));
        }
        Ok(Some(Bound::new(py, View::new(shown.select(0, index)?))?.into_any()))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.view)
    }
}
