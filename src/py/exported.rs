//! `Exported`: memory of a Rust program that Python reads and writes through the buffer protocol. `export!`: gives a
//! Python class the methods of an exporter.
#![allow(unsafe_code, reason = "owns memory that the consumers of a buffer share")]

use std::any::Any;
use std::ffi::c_int;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;
use smallvec::SmallVec;

use super::buffer_exporter::BufferExporter;
use crate::align::to_u64;
use crate::decode::DecodeError;
use crate::decode::record::{Identity, ItemReader, ItemWriter, RecordError, RecordField};
use crate::view::{DimVec, View, ViewError, c_strides};

/// A vector of records or numbers that Python reads and writes without a copy.
///
/// `T` is a number, an array of numbers, or a struct with `#[derive(Record)]` and `#[repr(C)]`. The macro
/// [`export!`](crate::export) writes the methods of an exporter for a `#[pyclass]` with a field of this type:
///
#[cfg_attr(feature = "derive", doc = "```")]
#[cfg_attr(not(feature = "derive"), doc = "```ignore")]
/// use pep3118::Record;
/// use pep3118::py::Exported;
/// use pyo3::prelude::*;
///
/// #[derive(Record)]
/// #[repr(C)]
/// struct Tick {
///     price: f64,
///     size: i64,
/// }
///
/// #[pyclass(frozen)]
/// struct Ticks(Exported<Tick>);
/// pep3118::export!(Ticks, 0);
///
/// # Python::initialize();
/// # Python::attach(|py| {
/// let ticks = Bound::new(py, Ticks(Exported::from_vec(vec![Tick { price: 1.5, size: 3 }])))?;
/// assert_eq!(pep3118::py::open(ticks.as_any())?.column::<f64>("price")?, [1.5]);
/// ticks.get().0.set(0, Tick { price: 2.5, size: 3 })?;
/// assert_eq!(pep3118::py::open(ticks.as_any())?.column::<f64>("price")?, [2.5]);
/// # Ok::<(), PyErr>(())
/// # })?;
/// # Ok::<(), PyErr>(())
/// ```
///
/// The memory lives as long as a consumer holds a buffer of it, even if the `Exported` is dropped before. Padding bytes
/// are set to zero. The destructor of `T` is not called.
///
/// [`get`](Self::get) and [`set`](Self::set) copy items, and can be used while the memory is exported. If another thread
/// writes to an item at the same time, the copy can contain bytes of two values. A `bool` or a `char` that a consumer
/// made invalid is an error of `get`.
///
/// # What does not compile
/// A struct that is not `repr(C)`, because its memory can differ from the layout that its format declares:
/// ```compile_fail
/// #[derive(pep3118::Record)]
/// struct Loose { a: u8, b: u32 }
/// fn main() { drop(pep3118::py::Exported::from_vec(vec![Loose { a: 1, b: 2 }])); }
/// ```
/// A struct with a skipped field, or with a field of another byte order:
/// ```compile_fail
/// #[derive(pep3118::Record)]
/// #[repr(C)]
/// struct Skips { a: u8, #[record(skip)] b: u32 }
/// fn main() { drop(pep3118::py::Exported::from_vec(vec![Skips { a: 1, b: 2 }])); }
/// ```
#[cfg_attr(target_endian = "little", doc = "```compile_fail")]
#[cfg_attr(not(target_endian = "little"), doc = "```ignore")]
/// #[derive(pep3118::Record)]
/// #[repr(C)]
/// struct Network { #[record(endian = "big")] a: u32 }
/// fn main() { drop(pep3118::py::Exported::from_vec(vec![Network { a: 1 }])); }
/// ```
/// A type that cannot be an item of a buffer, or a type of 0 bytes:
/// ```compile_fail
/// fn main() { drop(pep3118::py::Exported::from_vec(vec![String::new()])); }
/// ```
/// ```compile_fail
/// fn main() { drop(pep3118::py::Exported::from_vec(vec![[0_u8; 0]])); }
/// ```
///
/// # Shape and access
/// ```
/// use pep3118::py::Exported;
/// # pyo3::Python::initialize();
/// let pixels = Exported::from_boxed_slice(Box::new([0_u8; 6])).with_shape(&[2, 3])?.readonly();
/// assert_eq!((pixels.shape(), pixels.len(), pixels.is_empty()), (&[2, 3][..], 6, false));
/// assert_eq!((pixels.is_readonly(), pixels.exports()), (true, 0));
/// # Ok::<(), pyo3::PyErr>(())
/// ```
#[derive(Debug)]
pub struct Exported<T> {
    export: Arc<Export<T>>,
}

/// A copy of one item.
type Bytes = SmallVec<[u8; 64]>;

/// The memory, and the exporter that describes the memory to consumers.
#[derive(Debug)]
struct Export<T> {
    exporter: BufferExporter,
    memory: Arc<Memory<T>>,
    shape: DimVec,
    readonly: bool,
}

/// Memory of items of type `T`, which consumers may read and write at any time.
///
/// INVARIANT: `len` items at `start` may be read and written until the value is dropped. All bytes are initialised. No
/// reference to these bytes exists.
#[derive(Debug)]
struct Memory<T> {
    start: *mut T,
    len: usize,
    owner: MemoryOwner,
}

/// The owner of the memory.
enum MemoryOwner {
    /// A vector of the capacity `capacity`.
    Vec { capacity: usize },
    /// The value that the caller of [`Exported::from_foreign`] gave.
    Foreign { _owner: Box<dyn Any + Send + Sync> },
}

impl std::fmt::Debug for MemoryOwner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if let Self::Vec { .. } = self { "Vec" } else { "Foreign" })
    }
}

// SAFETY: only atomic operations access the bytes, and a `T` is created from copied bytes.
unsafe impl<T: Send> Send for Memory<T> {}
// SAFETY: as for `Send`.
unsafe impl<T: Send> Sync for Memory<T> {}

impl<T> Drop for Memory<T> {
    fn drop(&mut self) {
        if let MemoryOwner::Vec { capacity } = self.owner {
            // SAFETY: `Exported::from_vec` got the pointer and the capacity from a vector, and did not drop the vector.
            // A vector of no items drops no item. `MaybeUninit<T>` has the layout of `T`.
            drop(unsafe { Vec::<MaybeUninit<T>>::from_raw_parts(self.start.cast(), 0, capacity) });
        }
    }
}

impl<T> Memory<T> {
    /// Returns the byte with the index `index` as an atomic number. Returns `None` if the index is out of bounds.
    #[inline]
    fn byte(&self, index: usize) -> Option<&AtomicU8> {
        if index >= self.len.saturating_mul(size_of::<T>()) {
            return None;
        }
        let byte: *mut u8 = self.start.cast::<u8>().wrapping_add(index);
        // SAFETY: the byte is inside the memory. Hence the INVARIANT permits reading and writing the byte while `self`
        // is borrowed. Rust code accesses the byte with atomic operations only.
        Some(unsafe { AtomicU8::from_ptr(byte) })
    }
}

impl<T: RecordField + 'static> Exported<T> {
    /// The size of an item in bytes. A type that cannot be exported has no such constant.
    const ITEMSIZE: usize = {
        assert!(
            T::MEMBER.is_declared(),
            "this type cannot be exported: its memory is not what its format declares. Add `#[repr(C)]` to the struct \
             and to all records inside it, skip no field, and leave out `#[record(endian = ...)]`"
        );
        assert!(T::MEMBER.size() == size_of::<T>(), "the size of the type is not that of its format");
        assert!(size_of::<T>() > 0, "an item of 0 bytes cannot be exported, because consumers divide by its size");
        size_of::<T>()
    };

    /// Exports the elements of `items` as writable memory with one dimension.
    #[must_use]
    pub fn from_vec(items: Vec<T>) -> Self {
        let mut items = ManuallyDrop::new(items);
        // From here on, only raw pointers that are derived from `start` access the items.
        let (start, len, capacity) = (items.as_mut_ptr(), items.len(), items.capacity());
        let mut gaps = Vec::new();
        T::MEMBER.each_gap(0, &mut |gap| gaps.push(gap));
        if !gaps.is_empty() {
            for item in 0..len {
                for gap in &gaps {
                    let first: *mut u8 = start.wrapping_add(item).cast::<u8>().wrapping_add(gap.start);
                    // SAFETY: the gap is inside of an item, and the vector owns the items. Zero is valid in padding.
                    unsafe { first.write_bytes(0, gap.len()) };
                }
            }
        }
        // The INVARIANT of `Memory` holds: the fields of all items are initialised, and the gaps were filled.
        let memory = Memory { start, len, owner: MemoryOwner::Vec { capacity } };
        Self::new(Arc::new(memory), DimVec::from_slice(&[to_u64(len).cast_signed()]), false)
    }

    /// Exports the elements of `items` as writable memory with one dimension.
    #[must_use]
    pub fn from_boxed_slice(items: Box<[T]>) -> Self {
        Self::from_vec(items.into_vec())
    }

    /// Exports `len` items at `start` as writable memory with one dimension. The memory belongs to `owner`, which is
    /// dropped after the last buffer is released. An example is a plane of a video frame. [`BufferExporter`] exports
    /// memory with other strides.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use pep3118::py::Exported;
    /// let plane: Arc<[std::cell::UnsafeCell<u8>]> = Arc::new([const { std::cell::UnsafeCell::new(7) }; 4]);
    /// # struct Owner(Arc<[std::cell::UnsafeCell<u8>]>);
    /// # unsafe impl Send for Owner {}
    /// # unsafe impl Sync for Owner {}
    /// # let plane = Owner(plane);
    /// let start = plane.0[0].get();
    /// // SAFETY: (a) the owner keeps the 4 bytes. (b) No reference to the bytes in the cells is created.
    /// let exported = unsafe { Exported::from_foreign(start, 4, plane) };
    /// assert_eq!((exported.len(), exported.get(3)?), (4, 7));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Safety
    /// - (a) Until `owner` is dropped, all bytes of `len` items at `start` are initialised and may be read and written.
    ///   `start` is aligned for `T`.
    /// - (b) Until `owner` is dropped, no reference to these bytes exists.
    #[must_use]
    pub unsafe fn from_foreign(start: *mut T, len: usize, owner: impl Send + Sync + 'static) -> Self {
        // (a) and (b) are the INVARIANT of `Memory`.
        let memory = Memory { start, len, owner: MemoryOwner::Foreign { _owner: Box::new(owner) } };
        Self::new(Arc::new(memory), DimVec::from_slice(&[to_u64(len).cast_signed()]), false)
    }

    /// Creates an exporter of all items of `memory`, in C order. The product of `shape` must be the number of items. If
    /// `readonly` is `true`, consumers may not write.
    fn new(memory: Arc<Memory<T>>, shape: DimVec, readonly: bool) -> Self {
        let itemsize = to_u64(Self::ITEMSIZE).cast_signed();
        let strides = c_strides(&shape, itemsize);
        let view = View::of_validated(itemsize, readonly, 0, &shape, &strides, None);
        let format = T::MEMBER.format();
        // SAFETY: (a) The items of the view are the items of `memory`. Each `Py_buffer` that `fill` fills in holds a
        // reference to the `Export`, and the `Export` holds `memory`. (b) The INVARIANT of `Memory` permits writing the
        // items.
        let exporter = unsafe { BufferExporter::with_format(&view, memory.start.cast(), Some(format.as_bytes())) };
        Self { export: Arc::new(Export { exporter, memory, shape, readonly }) }
    }

    /// Returns the same memory with the dimensions `shape`, in C order. Buffers that consumers hold do not change.
    ///
    /// # Errors
    /// - the product of `shape` is not the number of items: `[2, 2]` for 6 items
    /// - `shape` has more than 64 dimensions
    pub fn with_shape(self, shape: &[usize]) -> Result<Self, ViewError> {
        let dimensions: DimVec = shape.iter().map(|length| to_u64(*length).cast_signed()).collect();
        if shape.len() > 64 {
            return Err(ViewError::Dimensions { ndim: shape.len() });
        }
        let items = if shape.contains(&0) {
            Some(0)
        } else {
            shape.iter().try_fold(1_usize, |items, length| items.checked_mul(*length))
        };
        if items != Some(self.len()) || dimensions.iter().any(|length| *length < 0) {
            let itemsize = to_u64(Self::ITEMSIZE).cast_signed();
            let len = to_u64(self.len()).cast_signed().saturating_mul(itemsize);
            return Err(ViewError::CastShape { len, itemsize, shape: dimensions.into_vec().into_boxed_slice() });
        }
        Ok(Self::new(Arc::clone(&self.export.memory), dimensions, self.export.readonly))
    }

    /// Returns the same memory, which consumers may only read. Rust code can still call [`set`](Self::set). Buffers that
    /// consumers hold do not change.
    #[must_use]
    pub fn readonly(self) -> Self {
        Self::new(Arc::clone(&self.export.memory), self.export.shape.clone(), true)
    }

    /// Returns the number of items.
    #[must_use]
    pub fn len(&self) -> usize {
        self.export.memory.len
    }

    /// Returns whether there are no items.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of items in each dimension.
    #[must_use]
    pub fn shape(&self) -> &[i64] {
        &self.export.shape
    }

    /// Returns whether consumers may only read.
    #[must_use]
    pub fn is_readonly(&self) -> bool {
        self.export.readonly
    }

    /// Returns the number of buffers that consumers hold. Buffers that were requested before a call of
    /// [`with_shape`](Self::with_shape) or [`readonly`](Self::readonly) do not count.
    #[must_use]
    pub fn exports(&self) -> usize {
        self.export.exporter.exports()
    }

    /// Returns the offset in bytes of the item with the index `index`. Returns an error if the index is out of bounds.
    fn start_of(&self, index: usize) -> Result<usize, DecodeError> {
        if index < self.len() {
            return Ok(index.saturating_mul(Self::ITEMSIZE));
        }
        let (index, length) = (to_u64(index).cast_signed(), to_u64(self.len()).cast_signed());
        Err(ViewError::IndexOutOfBounds { dimension: 0, index, length }.into())
    }

    /// Copies the item with the index `index`. The index counts all items in C order.
    ///
    /// # Errors
    /// - `index` is not less than [`len`](Self::len)
    /// - a consumer wrote bytes that are not a valid value: byte 2 for a `bool`
    pub fn get(&self, index: usize) -> Result<T, RecordError> {
        let start = self.start_of(index)?;
        let mut item = Bytes::from_elem(0, Self::ITEMSIZE);
        for (offset, copy) in item.iter_mut().enumerate() {
            let byte = self.export.memory.byte(start.saturating_add(offset));
            *copy = byte.ok_or_else(|| DecodeError::internal("an item is outside the memory"))?.load(Ordering::Relaxed);
        }
        if let Some((field, value, ty)) = T::MEMBER.invalid_value(&item) {
            return Err(RecordError::Invalid { record: to_u64(index), field, value, ty });
        }
        Ok(T::load(ItemReader(item.as_slice(), Identity), 0))
    }

    /// Replaces the item with the index `index` by `value`. The index counts all items in C order. Padding bytes become
    /// zero.
    ///
    /// # Errors
    /// - `index` is not less than [`len`](Self::len)
    pub fn set(&self, index: usize, value: T) -> Result<(), RecordError> {
        let start = self.start_of(index)?;
        let mut item = Bytes::from_elem(0, Self::ITEMSIZE);
        value.store(&mut ItemWriter(&mut item, Identity), 0);
        for (offset, byte) in item.iter().enumerate() {
            let place = self.export.memory.byte(start.saturating_add(offset));
            let place = place.ok_or_else(|| DecodeError::internal("an item is outside the memory"))?;
            place.store(*byte, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Answers a request: fills in `view`. A class must call this function in its `__getbuffer__`. The macro
    /// [`export!`](crate::export) writes this call.
    ///
    /// # Safety
    /// - (a), (b) The requirements of [`BufferExporter::fill`] are met.
    /// - (c) After a success, [`release_field`] is called once for `view` or for a copy of `view`.
    ///
    /// # Errors
    /// - every error of [`BufferExporter::fill`]
    #[doc(hidden)]
    pub unsafe fn fill(&self, owner: &Bound<'_, PyAny>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        // SAFETY: (a) and (b) are requirements of this function.
        unsafe { self.export.exporter.fill(owner, view, flags) }?;
        let export = Arc::into_raw(Arc::clone(&self.export)).cast_mut().cast();
        // SAFETY: `fill` returns an error for NULL, so by (a) the struct may be written to.
        unsafe { (*view).internal = export };
        Ok(())
    }
}

/// Drops the reference to the memory that [`Exported::fill`] stored in `view`. A class must call this function in its
/// `__releasebuffer__`. `_field` returns the field of the class whose `fill` has filled in `view`, and is not called.
///
/// # Safety
/// - (a) `view` is the struct that [`Exported::fill`] of an `Exported<T>` has filled in, or a copy of this struct. The
///   buffer was not released before.
#[doc(hidden)]
pub unsafe fn release_field<C, T>(_field: fn(&C) -> &Exported<T>, view: *mut ffi::Py_buffer) {
    // SAFETY: by (a) the struct may be read.
    let export: *const Export<T> = unsafe { (*view).internal }.cast();
    // SAFETY: by (a) the pointer comes from `Arc::into_raw` in `fill`, and the count was not dropped before.
    let export = unsafe { Arc::from_raw(export) };
    // SAFETY: (a) is requirement (a) of this function.
    unsafe { export.exporter.release(view) };
}

/// Writes the methods `__getbuffer__` and `__releasebuffer__` of the `#[pyclass]` with the name `$class`. `$field` is
/// the name or the index of the field of type [`Exported`](crate::py::Exported).
///
/// The macro writes a `#[pymethods]` block. PyO3 permits one such block for each class. A class with other methods
/// needs the feature `multiple-pymethods` of PyO3. Without this feature, the class can have a field of type `Py<Image>`
/// instead, where `Image` is a class with the macro.
///
/// ```
/// use pep3118::py::Exported;
/// use pyo3::prelude::*;
///
/// #[pyclass(frozen)]
/// struct Image {
///     pixels: Exported<u8>,
/// }
/// pep3118::export!(Image, pixels);
///
/// # Python::initialize();
/// # Python::attach(|py| {
/// let pixels = Exported::from_vec(vec![0; 6]).with_shape(&[2, 3])?.readonly();
/// let image = Bound::new(py, Image { pixels })?;
/// let view = py.import("builtins")?.getattr("memoryview")?.call1((image,))?;
/// assert_eq!(view.call_method0("tolist")?.extract::<Vec<Vec<u8>>>()?, [[0, 0, 0], [0, 0, 0]]);
/// # Ok::<(), PyErr>(())
/// # })?;
/// # Ok::<(), PyErr>(())
/// ```
#[macro_export]
macro_rules! export {
    ($class:ident, $field:tt) => {
        // A crate with `forbid(unsafe_code)` can use the macro, because the lint ignores macros of other crates. An
        // `allow` here would be an error in such a crate.
        #[::pyo3::pymethods]
        impl $class {
            unsafe fn __getbuffer__(
                slf: &::pyo3::Bound<'_, Self>,
                view: *mut ::pyo3::ffi::Py_buffer,
                flags: ::core::ffi::c_int,
            ) -> ::pyo3::PyResult<()> {
                let this = slf.try_borrow()?;
                // SAFETY: (a) The interpreter passes a struct to fill in. (b) `slf` owns the exporter. (c) The interpreter
                // calls `__releasebuffer__` once for each success.
                unsafe { this.$field.fill(slf.as_any(), view, flags) }
            }

            unsafe fn __releasebuffer__(slf: &::pyo3::Bound<'_, Self>, view: *mut ::pyo3::ffi::Py_buffer) {
                let _ = slf;
                // SAFETY: (a) The interpreter passes each struct that `__getbuffer__` has filled in once.
                unsafe { $crate::py::release_field(|this: &Self| &this.$field, view) };
            }
        }
    };
}
