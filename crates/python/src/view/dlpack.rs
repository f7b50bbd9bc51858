//! `View.__dlpack__`: shares the items of a view as a tensor of DLPack.
#![allow(unsafe_code, reason = "fills in the structs of DLPack, and frees them in their deleter")]

use std::ffi::{CStr, c_void};

use pep3118::layout::{Field, Type};
use pep3118::py::dlpack::{
    CPU, DataType, Device, IS_COPIED, LEGACY, ManagedTensor, READ_ONLY, Tensor, VERSION, VERSIONED, VersionedTensor,
    dlpack_code,
};
use pep3118::view::Order;
use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;

use super::array_interface::dimensions_of_numbers;
use super::hold::{Hold, Pin};
use super::part::Part;
use crate::objects;

/// The alignment in bytes of the memory of a copy.
const COPY_ALIGNMENT: usize = 64;

/// The arguments of `View.__dlpack__`.
pub(super) struct Arguments {
    /// The newest version that the consumer reads: the major and the minor number. `None` means a version before 1.0.
    pub(super) max_version: Option<(u32, u32)>,
    /// The device on which the consumer wants the memory: the type and the number. `None` means any device.
    pub(super) device: Option<(i32, i32)>,
    /// Whether the items are copied. `None` means that the items are not copied.
    pub(super) copy: Option<bool>,
}

/// The value of `View.__dlpack_device__`: DLPack's number for the device type CPU, and the number of the device.
pub(super) const DEVICE: (i32, i32) = (CPU, 0);

/// Returns the capsule of `View.__dlpack__` for the items of `part`, with a tensor that owns a reference to the buffer.
///
/// # Errors
/// - the device is not the CPU: `BufferError`
/// - an item is not a single number in the byte order of this machine: `BufferError`
/// - without a copy: a stride is not a multiple of the itemsize, the numbers are not aligned, or the memory is
///   read-only and the consumer reads only versions before 1.0: `BufferError`
/// - no memory: `MemoryError`
pub(super) fn capsule<'py>(
    py: Python<'py>,
    part: &Part,
    (hold, pin): (&Hold, &Pin<'_>),
    arguments: &Arguments,
) -> PyResult<Bound<'py, PyAny>> {
    let Arguments { max_version, device, copy } = *arguments;
    if device.is_some_and(|device| device != DEVICE) {
        return Err(refused("its memory is on the CPU: use dl_device=None"));
    }
    let copied = copy == Some(true);
    let is_versioned = max_version.is_some_and(|(major, _)| major >= VERSION.major);
    if part.view().readonly() && !is_versioned && !copied {
        return Err(refused("only max_version=(1, 0) and newer can declare read-only memory: use copy=True"));
    }
    let mut numbers = Numbers::of(part, copied)?;
    let owner = if copied {
        let (memory, data) = aligned_copy(py, part, pin)?;
        numbers.data = data;
        Owner::Copy { _memory: memory }
    } else {
        Owner::Buffer(Some(hold.share(py, pin)?))
    };
    let readonly = if part.view().readonly() && !copied { READ_ONLY } else { 0 };
    let flags = readonly | if copied { IS_COPIED } else { 0 };
    let mut context = Box::new(Context { shape: numbers.shape, strides: numbers.strides, owner });
    let tensor = Tensor {
        data: numbers.data.cast(),
        device: Device { device_type: DEVICE.0, device_id: DEVICE.1 },
        ndim: i32::try_from(context.shape.len())?,
        dtype: numbers.dtype,
        shape: context.shape.as_mut_ptr(),
        strides: context.strides.as_mut_ptr(),
        byte_offset: 0,
    };
    let context: *mut c_void = Box::into_raw(context).cast();
    if is_versioned {
        let deleter: Option<unsafe extern "C" fn(*mut VersionedTensor)> = Some(delete_versioned);
        let managed = Box::into_raw(Box::new(VersionedTensor { version: VERSION, context, deleter, flags, tensor }));
        new_capsule(py, managed.cast(), VERSIONED, destroy_versioned).inspect_err(|_| {
            // SAFETY: (a) The tensor is new, and no capsule owns it.
            unsafe { delete_versioned(managed) }
        })
    } else {
        let deleter: Option<unsafe extern "C" fn(*mut ManagedTensor)> = Some(delete_legacy);
        let managed = Box::into_raw(Box::new(ManagedTensor { tensor, context, deleter }));
        new_capsule(py, managed.cast(), LEGACY, destroy_legacy).inspect_err(|_| {
            // SAFETY: (a) The tensor is new, and no capsule owns it.
            unsafe { delete_legacy(managed) }
        })
    }
}

/// Creates the exception for a view that `__dlpack__` refuses. `reason` is the end of the message.
fn refused(reason: impl std::fmt::Display) -> PyErr {
    objects::error::<PyBufferError>(format!("View.__dlpack__: {reason}"))
}

/// The description of numbers in memory, in the units of DLPack.
struct Numbers {
    data: *mut u8,
    dtype: DataType,
    shape: Box<[i64]>,
    /// The strides of the dimensions. The unit is one number.
    strides: Box<[i64]>,
}

impl Numbers {
    /// Describes the items of `part`. If `copied` is `true`, describes a copy of the items that is contiguous in C
    /// order; the address of the data is then NULL. Returns an error if DLPack cannot describe the items.
    fn of(part: &Part, copied: bool) -> PyResult<Self> {
        let item = part.description().item();
        let dtype = data_type(item)?;
        let (shape, strides) = dimensions_of_numbers(part)?;
        let size = i64::try_from(item.size())?;
        let mut c_stride = 1_i64;
        let mut numbers = Vec::with_capacity(shape.len());
        let is_empty = shape.contains(&0);
        for (length, stride) in shape.iter().zip(&strides).rev() {
            // The stride of a dimension with at most one index is never used.
            let in_numbers = if copied || is_empty || *length == 1 {
                Some(c_stride)
            } else {
                stride.checked_div(size).filter(|count| count.checked_mul(size) == Some(*stride))
            };
            numbers.push(in_numbers.ok_or_else(|| {
                refused(format!("the stride {stride} is not a multiple of {size} bytes: use copy=True"))
            })?);
            c_stride = c_stride.saturating_mul((*length).max(1));
        }
        numbers.reverse();
        let data = if copied { std::ptr::null_mut() } else { Self::address(part, item)? };
        Ok(Self { data, dtype, shape: shape.into(), strides: numbers.into() })
    }

    /// Returns the address of the first number of `part`, whose items are `item`. Returns an error if access to the
    /// numbers follows pointers, or if the numbers are not aligned, because a consumer could not read such numbers.
    fn address(part: &Part, item: Field<'_>) -> PyResult<*mut u8> {
        let view = part.view();
        if view.is_indirect() {
            return Err(refused("the items are reached through pointers: use copy=True"));
        }
        let data = part.buf().wrapping_offset(isize::try_from(view.offset())?);
        // A complex number has the alignment of its real part.
        let parts = if matches!(item.ty(), Type::Complex32 | Type::Complex64 | Type::Complex128) { 2 } else { 1 };
        let alignment = i64::try_from(item.size())?.checked_div(parts).unwrap_or(1).max(1);
        let is_aligned = |distance: i64| distance.checked_rem(alignment) == Some(0);
        let strides = view.shape().iter().zip(view.strides()).filter(|(length, _)| **length > 1);
        let mut distances = strides.map(|(_, stride)| *stride).chain([i64::try_from(data.addr())?]);
        if view.len() > 0 && !distances.all(is_aligned) {
            return Err(refused(format!("the numbers are not at multiples of {alignment} bytes: use copy=True")));
        }
        Ok(data)
    }
}

/// Returns DLPack's type for `item`. Returns an error if DLPack has no such type.
fn data_type(item: Field<'_>) -> PyResult<DataType> {
    let code = match item.ty() {
        Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 => 0,
        Type::UInt8 | Type::UInt16 | Type::UInt32 | Type::UInt64 => 1,
        Type::Float16 | Type::Float32 | Type::Float64 => 2,
        Type::Complex32 | Type::Complex64 | Type::Complex128 => 5,
        Type::Bool => 6,
        Type::Opaque if let Some(code) = item.user_type().and_then(|user| dlpack_code(user.name())) => code,
        Type::Record => return Err(refused("an item is a record: use view['field']")),
        ty => return Err(refused(format!("DLPack has no type for {}", ty.as_str()))),
    };
    if item.endian().is_some_and(|endian| endian != pep3118::Endian::HOST) {
        return Err(refused("the numbers have the byte order of another machine: use the array of view.columns()"));
    }
    let bits = u8::try_from(item.size().saturating_mul(8));
    Ok(DataType { code, bits: bits.map_err(|_| refused("a number has more than 255 bits"))?, lanes: 1 })
}

/// Copies the items of `part` to new memory, contiguous in C order. Returns (memory, address of the first item). The
/// address is a multiple of `COPY_ALIGNMENT`. Returns an error if there is no memory.
fn aligned_copy(py: Python<'_>, part: &Part, pin: &Pin<'_>) -> PyResult<(Vec<u8>, *mut u8)> {
    let len = usize::try_from(part.view().len()).map_err(|_| objects::no_memory())?;
    let mut memory = objects::zeroed(len.checked_add(COPY_ALIGNMENT).ok_or_else(objects::no_memory)?)?;
    let start = memory.as_ptr().align_offset(COPY_ALIGNMENT);
    let out = start.checked_add(len).and_then(|end| memory.get_mut(start..end)).ok_or_else(objects::no_memory)?;
    part.pinned(pin).copy_to(py, Order::C, out)?;
    let data = out.as_mut_ptr();
    Ok((memory, data))
}

/// The owner of the memory of a tensor.
enum Owner {
    /// A reference to the buffer of the view. `None` after the deleter was called.
    Buffer(Option<Hold>),
    /// A copy of the items.
    Copy { _memory: Vec<u8> },
}

/// The Rust value that a tensor owns and that its deleter frees: the arrays of the tensor, and the owner of the memory.
struct Context {
    shape: Box<[i64]>,
    strides: Box<[i64]>,
    owner: Owner,
}

impl Drop for Context {
    fn drop(&mut self) {
        // Any thread may call the deleter. The reference to the buffer may only be dropped while the thread is attached
        // to the interpreter. If the interpreter has shut down, the exporter no longer exists, so nothing is released.
        if let Owner::Buffer(hold) = &mut self.owner
            && Python::try_attach(|_| drop(hold.take())).is_none()
        {
            std::mem::forget(hold.take());
        }
    }
}

/// Frees `context`, the [`Context`] of a tensor.
///
/// # Safety
/// - (a) `context` is a pointer to a [`Context`] that [`capsule`] created, and is not used after this call.
unsafe fn delete_context(context: *mut c_void) {
    // SAFETY: by (a) the pointer is from `Box::into_raw`, and nothing else uses it.
    drop(unsafe { Box::from_raw(context.cast::<Context>()) });
}

/// The deleter of a tensor without a version.
///
/// # Safety
/// - (a) `managed` is NULL, or a pointer to a tensor that [`capsule`] created. The tensor is not used after this call.
unsafe extern "C" fn delete_legacy(managed: *mut ManagedTensor) {
    if managed.is_null() {
        return;
    }
    // SAFETY: by (a) the pointer is from `Box::into_raw`, and nothing else uses it.
    let managed = unsafe { Box::from_raw(managed) };
    // SAFETY: (a) Only `capsule` creates these tensors, and the tensor was the only user of its context.
    unsafe { delete_context(managed.context) }
}

/// The deleter of a tensor with a version.
///
/// # Safety
/// - (a) of [`delete_legacy`]
unsafe extern "C" fn delete_versioned(managed: *mut VersionedTensor) {
    if managed.is_null() {
        return;
    }
    // SAFETY: by (a) the pointer is from `Box::into_raw`, and nothing else uses it.
    let managed = unsafe { Box::from_raw(managed) };
    // SAFETY: (a) Only `capsule` creates these tensors, and the tensor was the only user of its context.
    unsafe { delete_context(managed.context) }
}

/// Returns the pointer to the tensor in `object`, a capsule that is being freed, if no consumer has taken the tensor. A
/// consumer that takes the tensor changes the name of the capsule. Returns `None` if the name is not `name`.
///
/// # Safety
/// - (a) `object` is a capsule, and the thread is attached to the interpreter.
unsafe fn unused(object: *mut ffi::PyObject, name: &CStr) -> Option<*mut c_void> {
    // SAFETY: by (a) the object is a capsule. The name ends with a NUL.
    if unsafe { ffi::PyCapsule_IsValid(object, name.as_ptr()) } == 0 {
        return None;
    }
    // SAFETY: the capsule is valid and has this name.
    Some(unsafe { ffi::PyCapsule_GetPointer(object, name.as_ptr()) })
}

/// The destructor of a capsule that contains a tensor without a version.
///
/// # Safety
/// - (a) `object` is a capsule of [`capsule`], and the thread is attached to the interpreter.
unsafe extern "C" fn destroy_legacy(object: *mut ffi::PyObject) {
    // SAFETY: (a) is requirement (a) of this function.
    if let Some(managed) = unsafe { unused(object, LEGACY) } {
        // SAFETY: (a) No consumer has taken the tensor, so the capsule is its only owner.
        unsafe { delete_legacy(managed.cast()) }
    }
}

/// The destructor of a capsule that contains a tensor with a version.
///
/// # Safety
/// - (a) `object` is a capsule of [`capsule`], and the thread is attached to the interpreter.
unsafe extern "C" fn destroy_versioned(object: *mut ffi::PyObject) {
    // SAFETY: (a) is requirement (a) of this function.
    if let Some(managed) = unsafe { unused(object, VERSIONED) } {
        // SAFETY: (a) No consumer has taken the tensor, so the capsule is its only owner.
        unsafe { delete_versioned(managed.cast()) }
    }
}

/// Creates a capsule with the name `name` that contains `managed`. `destructor` runs when the capsule is freed. Returns
/// an error if there is no memory.
fn new_capsule<'py>(
    py: Python<'py>,
    managed: *mut c_void,
    name: &'static CStr,
    destructor: unsafe extern "C" fn(*mut ffi::PyObject),
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the pointer is not NULL, the name is static and ends with a NUL, and the thread is attached to the
    // interpreter.
    let capsule = unsafe { ffi::PyCapsule_New(managed, name.as_ptr(), Some(destructor)) };
    // SAFETY: `PyCapsule_New` returns a new reference, or returns NULL and sets an exception.
    unsafe { Bound::from_owned_ptr_or_err(py, capsule) }
}
