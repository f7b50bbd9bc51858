//! `BufferExporter`: answers the buffer requests to a Python class that is written in Rust.
#![allow(unsafe_code, reason = "fills in the `Py_buffer` of a consumer")]

use std::ffi::{CString, c_int};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::fallible;
use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;

use crate::view::{MemoryTraits, RawView, RefusalReason, Request, Structure, View};

/// Answers the buffer requests to one Python object. The Python class has a field of type `BufferExporter`, and passes
/// every request to this field.
///
/// The answer has the requested fields, or is a `BufferError`. CPython's `verify_getbuf` expects the same answers (B01
/// to B25, the rules of requests). [`exports`](Self::exports) is the number of buffers that consumers hold. A class
/// can use this number to refuse to move its memory.
///
/// [`Exported`](super::Exported) exports a vector without `unsafe` code. A `BufferExporter` exports memory of any owner:
///
/// ```
/// use std::ffi::c_int;
/// use pep3118::py::BufferExporter;
/// use pep3118::{RawView, Request};
/// use pyo3::{ffi, prelude::*};
///
/// static SAMPLES: [f64; 4] = [1.5, 0.0, 2.5, 0.0];
///
/// #[pyclass(frozen)]
/// struct EverySecond {
///     exporter: BufferExporter,
/// }
///
/// impl EverySecond {
///     fn new() -> Self {
///         let raw = RawView {
///             len: 16, itemsize: 8, readonly: 1, ndim: 1, format: Some(b"d"), shape: Some(&[2]), strides: Some(&[16]),
///             ..RawView::default()
///         };
///         let view = raw.check(Request::FULL_RO, None, None).into_result().expect("the numbers keep the rules");
///         // SAFETY: (a) The items are inside `SAMPLES`, which lives for ever. (b) The view is read-only.
///         let exporter = unsafe { BufferExporter::new(&view, SAMPLES.as_ptr().cast_mut().cast()) };
///         Self { exporter }
///     }
/// }
///
/// #[pymethods]
/// impl EverySecond {
///     unsafe fn __getbuffer__(slf: &Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
///         // SAFETY: (a) The interpreter passes a struct to fill in. (b) `slf` holds the exporter.
///         unsafe { slf.get().exporter.fill(slf.as_any(), view, flags) }
///     }
///
///     unsafe fn __releasebuffer__(&self, view: *mut ffi::Py_buffer) {
///         // SAFETY: (a) The interpreter passes each struct that `fill` has filled in once.
///         unsafe { self.exporter.release(view) }
///     }
/// }
/// # Python::initialize();
/// # Python::attach(|py| -> PyResult<()> {
/// let samples = Bound::new(py, EverySecond::new())?;
/// let view = py.import("builtins")?.getattr("memoryview")?.call1((samples,))?;
/// assert_eq!(view.call_method0("tolist")?.extract::<Vec<f64>>()?, [1.5, 2.5]);
/// # Ok(())
/// # }).unwrap();
/// ```
///
/// INVARIANT: only `new` and `with_format` create a value, so the requirements of these functions hold. The arrays have
/// `ndim` entries and never change.
#[derive(Debug)]
pub struct BufferExporter {
    buf: *mut u8,
    len: ffi::Py_ssize_t,
    itemsize: ffi::Py_ssize_t,
    readonly: bool,
    ndim: c_int,
    format: Option<CString>,
    /// Whether the format contains a NUL, so that requests for the format are refused.
    has_nul: bool,
    shape: Box<[ffi::Py_ssize_t]>,
    strides: Box<[ffi::Py_ssize_t]>,
    suboffsets: Option<Box<[ffi::Py_ssize_t]>>,
    /// The properties of the memory that decide which requests are refused.
    memory: MemoryTraits,
    /// The number of buffers that were requested and not released yet.
    exports: AtomicUsize,
}

// SAFETY: the address and the numbers never change, and the counter is atomic.
unsafe impl Send for BufferExporter {}
// SAFETY: several threads may read the address and the numbers, because they never change. The counter is atomic.
unsafe impl Sync for BufferExporter {}

/// Converts `value`, a size or distance of a view in bytes, to `isize`. By requirement (a) of [`BufferExporter::new`]
/// the items are in memory, so their sizes and distances fit an `isize`. If a caller breaks the requirement, the
/// result is 0 and the buffer has no bytes.
fn address_sized(value: i64) -> isize {
    debug_assert!(isize::try_from(value).is_ok(), "{value} bytes are not in the address space");
    isize::try_from(value).unwrap_or(0)
}

/// Converts each of `values` to `isize`. The values are sizes or distances of a view, in bytes.
fn narrow(values: &[i64]) -> Box<[ffi::Py_ssize_t]> {
    values.iter().map(|value| address_sized(*value)).collect()
}

impl BufferExporter {
    /// Creates an exporter of the items of `view` in the format of the view. `buf` is the address to which the offsets
    /// of `view` are added.
    ///
    /// # Safety
    /// - (a) All items of the view, and the pointers that lead to the items, are readable through `buf` while a
    ///   consumer may hold a buffer: while the object that is passed to [`fill`](Self::fill) lives. A pointer to the
    ///   contents of a `Box` is not valid after the `Box` was moved or used, because a `Box` is exclusive.
    /// - (b) Unless the view is read-only, every holder of a buffer may write to the items.
    #[must_use]
    pub unsafe fn new(view: &View<'_>, buf: *mut u8) -> Self {
        // SAFETY: (a) and (b) are the requirements of this function.
        unsafe { Self::with_format(view, buf, view.format()) }
    }

    /// Creates an exporter of the items of `view`. `buf` is the address to which the offsets of `view` are added.
    /// Consumers get `format`, which must describe an item of the view. If `format` is `None`, consumers get a NULL
    /// format.
    ///
    /// ```
    /// use pep3118::py::BufferExporter;
    /// use pep3118::{RawView, Request};
    /// let raw = RawView { len: 4, itemsize: 4, readonly: 1, ndim: 1, shape: Some(&[1]), ..RawView::default() };
    /// let view = raw.check(Request::ND, None, None).into_result()?;
    /// static ITEM: [u8; 4] = [0; 4];
    /// // SAFETY: (a) The item is static. (b) The view is read-only.
    /// let exporter = unsafe { BufferExporter::with_format(&view, ITEM.as_ptr().cast_mut(), Some(b"<I")) };
    /// # drop(exporter);
    /// # Ok::<(), pep3118::Report>(())
    /// ```
    ///
    /// # Safety
    /// - (a) and (b) of [`new`](Self::new)
    #[must_use]
    pub unsafe fn with_format(view: &View<'_>, buf: *mut u8, format: Option<&[u8]>) -> Self {
        let shift = address_sized(view.offset());
        let raw = RawView { readonly: i32::from(view.readonly()), ..view.as_raw() };
        Self {
            buf: buf.wrapping_offset(shift),
            len: address_sized(view.len()),
            itemsize: address_sized(view.itemsize()),
            readonly: view.readonly(),
            ndim: raw.ndim,
            // Only a name in a parsed format can contain a NUL. A format with such a name cannot be exported.
            has_nul: format.is_some_and(|format| format.contains(&0)),
            format: format.and_then(|format| CString::new(format).ok()),
            shape: narrow(view.shape()),
            strides: narrow(view.strides()),
            suboffsets: view.suboffsets().map(narrow),
            memory: MemoryTraits::of(&raw),
            exports: AtomicUsize::new(0),
        }
    }

    /// Returns the number of buffers that consumers requested and did not release yet.
    ///
    /// ```
    /// use pep3118::py::BufferExporter;
    /// use pep3118::{RawView, Request};
    /// let raw = RawView { len: 4, itemsize: 4, readonly: 1, ndim: 1, shape: Some(&[1]), ..RawView::default() };
    /// let view = raw.check(Request::ND, None, None).into_result()?;
    /// static ITEM: [u8; 4] = [0; 4];
    /// // SAFETY: (a) The item is static. (b) The view is read-only.
    /// let exporter = unsafe { BufferExporter::new(&view, ITEM.as_ptr().cast_mut()) };
    /// assert_eq!(exporter.exports(), 0);
    /// # Ok::<(), pep3118::Report>(())
    /// ```
    #[must_use]
    pub fn exports(&self) -> usize {
        self.exports.load(Ordering::Acquire)
    }

    /// Answers a request: fills in the fields of `view` that the request asks for. `flags` has the bits of the request.
    /// A class must call this function in its `__getbuffer__`.
    ///
    /// # Safety
    /// - (a) `view` is NULL or the address of a `Py_buffer` that may be written to. The struct may be uninitialised.
    /// - (b) `owner` is the object that holds this exporter.
    ///
    /// # Errors
    /// The function returns `BufferError` and sets `obj` to NULL for:
    /// - `WRITABLE` for read-only memory
    /// - `SIMPLE` for every second item
    /// - `STRIDES` for items that are reached through pointers
    /// - `FORMAT` without `ND`
    /// - `0x100` or `0x200`: `PyBUF_READ` and `PyBUF_WRITE` are not flags of a request
    /// - `0x10`: only a part of the bits of `STRIDES`
    /// - `FORMAT` if a name in the format contains a NUL
    /// - a NULL `view`, in which no field is set
    pub unsafe fn fill(&self, owner: &Bound<'_, PyAny>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        if view.is_null() {
            return Err(fallible::error::<PyBufferError>("the request has no Py_buffer to fill in"));
        }
        // The struct of a consumer may be uninitialised, so no reference to the struct is created.
        // SAFETY: by (a) `view` may be written to, because `view` is not NULL.
        unsafe { (*view).obj = std::ptr::null_mut() };
        let request = Request::from_bits_retain(flags);
        // PyBUF_READ (B18, not a request flag) and a part of a flag (B17, incomplete flags) are mistakes of the
        // consumer.
        if let Err(error) = request.validate() {
            return Err(fallible::error::<PyBufferError>(error.to_string()));
        }
        if self.has_nul && request.contains(Request::FORMAT) {
            return Err(fallible::error::<PyBufferError>("the format has a NUL in a name, where C ends a string"));
        }
        if let Some(reason) = self.memory.refusal_reason(request) {
            return Err(fallible::error::<PyBufferError>(refusal(reason, request)));
        }
        let (nd, strides) = (request.contains(Request::ND), request.contains(Request::STRIDES));
        let array = |wanted: bool, array: &[ffi::Py_ssize_t]| {
            if wanted && !array.is_empty() { array.as_ptr().cast_mut() } else { std::ptr::null_mut() }
        };
        let format = match &self.format {
            Some(format) if request.contains(Request::FORMAT) => format.as_ptr().cast_mut(),
            _ => std::ptr::null_mut(),
        };
        let filled = ffi::Py_buffer {
            buf: self.buf.cast(),
            len: self.len,
            itemsize: self.itemsize,
            readonly: c_int::from(self.readonly),
            // A consumer that does not request a shape gets one dimension of bytes, as from memoryview.
            ndim: if nd { self.ndim } else { 1 },
            format,
            shape: array(nd, &self.shape),
            strides: array(strides, &self.strides),
            suboffsets: array(request.contains(Request::INDIRECT), self.suboffsets.as_deref().unwrap_or_default()),
            internal: std::ptr::null_mut(),
            obj: owner.clone().into_ptr(),
        };
        self.exports.fetch_add(1, Ordering::AcqRel);
        // SAFETY: by (a) `view` may be written to, because `view` is not NULL.
        unsafe { view.write(filled) };
        Ok(())
    }

    /// Subtracts one buffer from [`exports`](Self::exports). A class must call this function in its
    /// `__releasebuffer__`. The function does not drop the reference in `obj`, because the interpreter does.
    ///
    /// # Safety
    /// - (a) `view` is the struct that [`fill`](Self::fill) has filled in, or a copy of this struct. The buffer was not
    ///   released before.
    pub unsafe fn release(&self, view: *mut ffi::Py_buffer) {
        let _: *mut ffi::Py_buffer = view;
        self.exports.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Returns the message of the `BufferError` for `request`, which is refused because of `reason`.
fn refusal(reason: RefusalReason, request: Request) -> String {
    match reason {
        RefusalReason::FormatAlone => "FORMAT without ND: items without a shape are bytes".to_owned(),
        RefusalReason::ReadOnly => "the memory is read-only".to_owned(),
        RefusalReason::NotContiguous => {
            let order = match request.structure() {
                Structure::CContiguous => "C-contiguous",
                Structure::FContiguous => "Fortran-contiguous",
                _ => "contiguous",
            };
            format!("the memory is not {order}")
        }
        RefusalReason::SuboffsetsNeeded => {
            format!("the items are reached through pointers, which {request} cannot report")
        }
        RefusalReason::StridesNeeded => format!("the memory is not C-contiguous, and {request} cannot report strides"),
    }
}
