//! Reads tensors through DLPack, for objects that export no buffer.
//!
//! `__dlpack__` returns a capsule with a pointer to a struct that describes the memory of a tensor. [`DlpackMemory`]
//! takes the struct out of the capsule and exports the memory through the buffer protocol. Hence all other code can
//! treat a tensor as an exporter. The Python package also uses the structs to write capsules.
#![allow(unsafe_code, reason = "reads the structs of DLPack, and calls their deleter")]

use std::ffi::{CStr, c_int, c_void};

use super::fallible;
use crate::name;
use pyo3::exceptions::{PyBufferError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use pyo3::{PyTraverseError, PyVisit, ffi};

use super::buffer_exporter::BufferExporter;
use crate::view::{RawView, Request};

/// The newest version of DLPack that this module reads and writes.
pub const VERSION: DlpackVersion = DlpackVersion { major: 1, minor: 1 };
/// The name of a capsule that contains a [`ManagedTensor`].
pub const LEGACY: &CStr = c"dltensor";
/// The name of a capsule that contains a [`VersionedTensor`].
pub const VERSIONED: &CStr = c"dltensor_versioned";
/// The flag of a [`VersionedTensor`] whose memory must not be written to.
pub const READ_ONLY: u64 = 1;
/// The flag of a [`VersionedTensor`] that has a copy of the memory of the producer.
pub const IS_COPIED: u64 = 2;
/// The device type of memory that the processor reads.
pub const CPU: i32 = 1;
/// The device types of memory that the processor reads: `kDLCPU`, and memory that is pinned for CUDA or for ROCm.
const HOST_DEVICES: [i32; 3] = [CPU, 3, 11];
/// The largest number of dimensions of a buffer: `PyBUF_MAX_NDIM`.
const MAX_NDIM: usize = 64;

/// The struct `DLPackVersion`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DlpackVersion {
    /// A consumer must not read a tensor of another major version.
    pub major: u32,
    /// A consumer can read a tensor of another minor version.
    pub minor: u32,
}

/// The struct `DLDevice`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Device {
    /// The type of the device, such as [`CPU`].
    pub device_type: i32,
    /// The number of the device among the devices of its type.
    pub device_id: i32,
}

/// The struct `DLDataType`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataType {
    /// DLPack's code for the kind of number, such as 0 for signed integers and 2 for floats.
    pub code: u8,
    /// The size of a number in bits.
    pub bits: u8,
    /// The count of numbers in one element.
    pub lanes: u16,
}

/// The struct `DLTensor`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Tensor {
    /// The address of the memory.
    pub data: *mut c_void,
    /// The device that has the memory.
    pub device: Device,
    /// The number of dimensions.
    pub ndim: i32,
    /// The type of an element.
    pub dtype: DataType,
    /// The address of `ndim` lengths.
    pub shape: *mut i64,
    /// The address of `ndim` strides, in elements. NULL means C order.
    pub strides: *mut i64,
    /// The distance in bytes from `data` to the first element.
    pub byte_offset: u64,
}

/// The struct `DLManagedTensor`, the content of a capsule before DLPack 1.0.
#[repr(C)]
#[derive(Debug)]
pub struct ManagedTensor {
    /// The description of the memory.
    pub tensor: Tensor,
    /// A value for the producer.
    pub context: *mut c_void,
    /// The function that frees the struct and its memory.
    pub deleter: Option<unsafe extern "C" fn(*mut Self)>,
}

/// The struct `DLManagedTensorVersioned`, the content of a capsule from DLPack 1.0 on.
#[repr(C)]
#[derive(Debug)]
pub struct VersionedTensor {
    /// The version of the struct.
    pub version: DlpackVersion,
    /// A value for the producer.
    pub context: *mut c_void,
    /// The function that frees the struct and its memory.
    pub deleter: Option<unsafe extern "C" fn(*mut Self)>,
    /// A combination of [`READ_ONLY`] and [`IS_COPIED`], or 0.
    pub flags: u64,
    /// The description of the memory.
    pub tensor: Tensor,
}

/// A tensor that was taken out of its capsule. The deleter of the tensor is called when the `TakenTensor` is dropped.
///
/// INVARIANT: the pointer is from a capsule, and DLPack specifies the name of this capsule for the type of the pointer.
/// The capsule has a new name, so nothing else calls the deleter.
enum TakenTensor {
    Legacy(*mut ManagedTensor),
    Versioned(*mut VersionedTensor),
}

// SAFETY: DLPack allows a consumer to use a tensor on any thread, and to call its deleter on any thread.
unsafe impl Send for TakenTensor {}
// SAFETY: no method changes the struct through a shared reference.
unsafe impl Sync for TakenTensor {}

impl TakenTensor {
    /// Takes the tensor out of `capsule`, and renames the capsule, so that no other consumer can take the tensor.
    /// Returns a `BufferError` if `capsule` is not a capsule with an unused tensor.
    fn take(capsule: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = capsule.py();
        let taken = |name: &CStr, used: &'static CStr| -> PyResult<Option<*mut c_void>> {
            // SAFETY: the object is alive, the name ends with a NUL, and this thread is attached to the interpreter.
            if unsafe { ffi::PyCapsule_IsValid(capsule.as_ptr(), name.as_ptr()) } == 0 {
                return Ok(None);
            }
            // SAFETY: the capsule is valid and has this name.
            let pointer = unsafe { ffi::PyCapsule_GetPointer(capsule.as_ptr(), name.as_ptr()) };
            // SAFETY: the capsule is valid. The new name is static, so it lives longer than the capsule.
            if unsafe { ffi::PyCapsule_SetName(capsule.as_ptr(), used.as_ptr()) } != 0 {
                return Err(PyErr::fetch(py));
            }
            Ok(Some(pointer))
        };
        if let Some(pointer) = taken(VERSIONED, c"used_dltensor_versioned")? {
            return Ok(Self::Versioned(pointer.cast()));
        }
        if let Some(pointer) = taken(LEGACY, c"used_dltensor")? {
            return Ok(Self::Legacy(pointer.cast()));
        }
        let message = match capsule.cast::<PyCapsule>() {
            Ok(_) => "__dlpack__ returned a capsule without an unused tensor",
            Err(_) => "__dlpack__ returned no capsule",
        };
        Err(fallible::error::<PyBufferError>(message))
    }

    /// Returns the description of the memory, and whether the memory is read-only. A tensor without a version cannot
    /// declare that it is read-only, so its memory counts as read-only.
    ///
    /// # Errors
    /// - the major version differs from the major version of [`VERSION`]: `BufferError`
    fn tensor(&self) -> PyResult<(Tensor, bool)> {
        match *self {
            Self::Legacy(managed) => {
                // SAFETY: by the INVARIANT the pointer is to a `DLManagedTensor`, which lives until the deleter is
                // called. The producer aligns the struct as C does.
                let tensor = unsafe { (*managed).tensor };
                Ok((tensor, true))
            }
            Self::Versioned(managed) => {
                // SAFETY: by the INVARIANT the pointer is to a `DLManagedTensorVersioned`. Every version of the struct
                // starts with the field `version`.
                let version = unsafe { (*managed).version };
                if version.major != VERSION.major {
                    return Err(fallible::error::<PyBufferError>(format!(
                        "the tensor has version {}.{} of DLPack, and View reads version {}.x",
                        version.major, version.minor, VERSION.major
                    )));
                }
                // SAFETY: the major version is 1, so the struct has this field.
                let flags = unsafe { (*managed).flags };
                // SAFETY: the major version is 1, so the struct has this field.
                let tensor = unsafe { (*managed).tensor };
                Ok((tensor, flags & READ_ONLY != 0))
            }
        }
    }

    /// Calls the deleter of the tensor. Does nothing if the tensor has no deleter.
    fn delete(&self) {
        match *self {
            Self::Legacy(managed) => {
                // SAFETY: by the INVARIANT the pointer is to a `DLManagedTensor`.
                let deleter = unsafe { (*managed).deleter };
                if let Some(deleter) = deleter {
                    // SAFETY: by the INVARIANT nothing else calls the deleter, and `drop` calls this method once.
                    unsafe { deleter(managed) }
                }
            }
            Self::Versioned(managed) => {
                // SAFETY: by the INVARIANT the pointer is to a `DLManagedTensorVersioned`. The deleter is at the same
                // offset in every version.
                let deleter = unsafe { (*managed).deleter };
                if let Some(deleter) = deleter {
                    // SAFETY: by the INVARIANT nothing else calls the deleter, and `drop` calls this method once.
                    unsafe { deleter(managed) }
                }
            }
        }
    }
}

impl Drop for TakenTensor {
    fn drop(&mut self) {
        // If the interpreter has ended, the producer may not exist any more. The memory is then not freed.
        let _: Option<()> = Python::try_attach(|_| self.delete());
    }
}

/// Exports the memory of a tensor through the buffer protocol.
#[pyclass(frozen, name = "_DlpackMemory", module = "pep3118")]
pub struct DlpackMemory {
    exporter: BufferExporter,
    /// The object whose `__dlpack__` returned the tensor.
    owner: Py<PyAny>,
    /// Owns the memory of `exporter`.
    _tensor: TakenTensor,
}

impl std::fmt::Debug for DlpackMemory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DlpackMemory").field("exporter", &self.exporter).finish_non_exhaustive()
    }
}

impl DlpackMemory {
    /// Returns an exporter of the memory of `owner`, an object with the methods `__dlpack__` and `__dlpack_device__`.
    /// Returns `None` if the class of `owner` has no such methods.
    ///
    /// # Errors
    /// - the memory is not on the processor, or its type has no format: `BufferError`
    /// - an exception of the methods: the exception is returned unchanged
    pub(super) fn of<'py>(owner: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, Self>>> {
        let (py, class) = (owner.py(), owner.get_type());
        let (get_tensor, get_device) = (name!(py, "__dlpack__"), name!(py, "__dlpack_device__"));
        if !class.hasattr(get_tensor)? || !class.hasattr(get_device)? {
            return Ok(None);
        }
        let (device, _): (i32, i32) = owner.call_method0(get_device)?.extract()?;
        require_host(device)?;
        let options = super::fallible::dict(py)?;
        let [major, minor] = [VERSION.major, VERSION.minor].map(|number| fallible::number(py, number));
        options.set_item(name!(py, "max_version"), fallible::arguments(py, [&major?, &minor?])?)?;
        let capsule = match owner.call_method(get_tensor, (), Some(&options)) {
            // A producer before DLPack 1.0 has no argument `max_version`.
            Err(error) if error.is_instance_of::<PyTypeError>(py) && error.to_string().contains("keyword") => {
                owner.call_method0(get_tensor)?
            }
            capsule => capsule?,
        };
        let memory = Self::new(TakenTensor::take(&capsule)?, owner.clone().unbind())?;
        Ok(Some(Bound::new(py, memory)?))
    }

    /// Creates the exporter of the memory of `taken`. `owner` is the object that returned the tensor. Returns an error
    /// if the numbers of the tensor contradict each other, or if no format describes its elements.
    fn new(taken: TakenTensor, owner: Py<PyAny>) -> PyResult<Self> {
        let (tensor, readonly) = taken.tensor()?;
        require_host(tensor.device.device_type)?;
        let refused = |what: String| fallible::error::<PyBufferError>(format!("the tensor {what}"));
        let (format, itemsize) = format_of(tensor.dtype).ok_or_else(|| {
            let DataType { code, bits, lanes } = tensor.dtype;
            refused(format!(
                "has elements of DLPack's type code {code} with {bits} bits and {lanes} lanes, for which \
                there is no format: convert it to another type first"
            ))
        })?;
        let ndim = usize::try_from(tensor.ndim).ok().filter(|ndim| *ndim <= MAX_NDIM);
        let ndim = ndim.ok_or_else(|| refused(format!("has {} dimensions", tensor.ndim)))?;
        if ndim > 0 && tensor.shape.is_null() {
            return Err(refused("has no shape".to_owned()));
        }
        // SAFETY: (a) the shape of a tensor has `ndim` entries until the deleter is called.
        let shape = unsafe { copied(tensor.shape, ndim) };
        // SAFETY: (a) the strides of a tensor are NULL, or have `ndim` entries until the deleter is called.
        let strides = unsafe { copied(tensor.strides, ndim) };
        let too_large = || refused("is larger than the address space".to_owned());
        let in_bytes = |stride: &i64| stride.checked_mul(itemsize).ok_or_else(too_large);
        let strides = match &strides {
            // A tensor without items can have any strides.
            Some(_) if shape.as_ref().is_some_and(|shape| shape.contains(&0)) => None,
            Some(strides) => Some(strides.iter().map(in_bytes).collect::<PyResult<Vec<i64>>>()?),
            None => None,
        };
        let items = shape.iter().flatten().try_fold(1_i64, |items, length| items.checked_mul(*length));
        let items = match &shape {
            Some(shape) if shape.contains(&0) => 0,
            _ => items.ok_or_else(too_large)?,
        };
        let buf: *mut u8 = tensor.data.cast();
        if buf.is_null() && items != 0 {
            return Err(refused("has no memory".to_owned()));
        }
        let offset = isize::try_from(tensor.byte_offset).map_err(|_| too_large())?;
        let buf = buf.wrapping_offset(offset);
        let raw = RawView {
            buf: None,
            len: items.checked_mul(itemsize).ok_or_else(too_large)?,
            itemsize,
            readonly: c_int::from(readonly),
            ndim: tensor.ndim,
            format: Some(&format),
            shape: shape.as_deref(),
            strides: strides.as_deref(),
            ..RawView::default()
        };
        let view = raw.check(Request::FULL_RO, None, None).into_result()?;
        // SAFETY: (a) DLPack guarantees that the elements are readable until the deleter is called. `_tensor` calls the
        // deleter when this object is freed. (b) DLPack allows a consumer to write unless the tensor is read-only.
        let exporter = unsafe { BufferExporter::with_format(&view, buf, Some(&format)) };
        Ok(Self { exporter, owner, _tensor: taken })
    }

    /// Returns the object whose memory this object exports.
    pub(super) fn owner<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.owner.bind(py).clone()
    }
}

#[pymethods]
impl DlpackMemory {
    unsafe fn __getbuffer__(slf: &Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        // SAFETY: (a) The interpreter passes a `Py_buffer` that may be written to. (b) `slf` owns the exporter, and the
        // filled buffer has a reference to `slf`.
        unsafe { slf.get().exporter.fill(slf.as_any(), view, flags) }
    }

    unsafe fn __releasebuffer__(&self, view: *mut ffi::Py_buffer) {
        // SAFETY: (a) `fill` has filled in `view`, and the interpreter releases each `Py_buffer` once.
        unsafe { self.exporter.release(view) }
    }

    // There is no `__clear__`. A cycle through this object contains a view that holds a buffer of this object, and the
    // collector clears this view.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.owner)
    }
}

/// Returns a `BufferError` unless the processor reads memory of devices of the type `device`.
fn require_host(device: i32) -> PyResult<()> {
    if HOST_DEVICES.contains(&device) {
        return Ok(());
    }
    Err(fallible::error::<PyBufferError>(format!(
        "the tensor is in the memory of a device of DLPack's type {device}, which the processor does not read: copy it \
         to the CPU first, for example with tensor.cpu()"
    )))
}

/// Copies `entries` numbers. Returns `None` if `array` is NULL or `entries` is 0.
///
/// # Safety
/// - (a) `array` is NULL, or `entries` numbers may be read from it.
unsafe fn copied(array: *const i64, entries: usize) -> Option<Vec<i64>> {
    if array.is_null() || entries == 0 {
        return None;
    }
    let read = |index| {
        // SAFETY: `index` is less than `entries`, so by (a) the number is readable.
        unsafe { array.wrapping_add(index).read_unaligned() }
    };
    Some((0..entries).map(read).collect())
}

/// The formats of numbers. Each entry has the type code of DLPack, the size in bits, and the format.
const TYPES: [(u8, u8, &str); 24] = [
    (4, 16, "[bfloat16]"),
    (7, 8, "[float8_e3m4]"),
    (8, 8, "[float8_e4m3]"),
    (9, 8, "[float8_e4m3b11fnuz]"),
    (10, 8, "[float8_e4m3fn]"),
    (11, 8, "[float8_e4m3fnuz]"),
    (12, 8, "[float8_e5m2]"),
    (13, 8, "[float8_e5m2fnuz]"),
    (14, 8, "[float8_e8m0fnu]"),
    (0, 8, "b"),
    (0, 16, "h"),
    (0, 32, "i"),
    (0, 64, "q"),
    (1, 8, "B"),
    (1, 16, "H"),
    (1, 32, "I"),
    (1, 64, "Q"),
    (2, 16, "e"),
    (2, 32, "f"),
    (2, 64, "d"),
    (5, 32, "Ze"),
    (5, 64, "Zf"),
    (5, 128, "Zd"),
    (6, 8, "?"),
];

/// Returns DLPack's type code for the user type `name`, such as 4 for `bfloat16`. Returns `None` if DLPack has no such
/// type.
pub fn dlpack_code(name: &str) -> Option<u8> {
    let is_same = |format: &str| format.strip_prefix('[').and_then(|format| format.strip_suffix(']')) == Some(name);
    TYPES.iter().find(|(_, _, format)| is_same(format)).map(|(code, ..)| *code)
}

/// Returns the format of an element of the type `dtype`, and its size in bytes. An element of several numbers (lanes)
/// is an array, such as `(4)f`. Returns `None` if there is no format.
fn format_of(dtype: DataType) -> Option<(Vec<u8>, i64)> {
    let DataType { code, bits, lanes } = dtype;
    let (_, _, format) = TYPES.iter().find(|(own_code, own_bits, _)| (*own_code, *own_bits) == (code, bits))?;
    let size = i64::from(bits / 8).checked_mul(i64::from(lanes))?;
    match lanes {
        0 => None,
        1 => Some((format.as_bytes().to_vec(), size)),
        _ => Some((format!("({lanes}){format}").into_bytes(), size)),
    }
}
