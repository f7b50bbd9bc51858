//! Implements the Python class `pep3118.View`, which is like memoryview for buffers of every format. The class is in
//! `class`, and each other file implements one task of the class.
//!
//! # Design
//! - **The garbage collector sees every reference.** The first view of a buffer owns the acquired buffer. The second
//!   view moves the acquired buffer to a `ManagedBuffer`, a Python object that all views of the buffer share. The
//!   collector visits the reference of each view to the `ManagedBuffer`, and the reference of the `ManagedBuffer` to
//!   the exporter. The last view of a buffer releases the buffer. Releasing a view is a `BufferError` while a consumer
//!   uses the view or while an operation on the view runs. memoryview has the same rules.
//! - **Items are described once.** `pep3118::py::ItemDescription` has the layout, the plan and the format of an item.
//!   `Item` adds the codec, the names and the fields. All views with the same exporter type, format and itemsize share
//!   one `ItemDescription` and one `Item`. A cache of bounded size contains the descriptions. The fields of an item are
//!   cached by name. Records with the same names have one class. The codec has only a weak reference to the class, so
//!   that no cycle of references exists that the collector cannot see. A class of `pep3118.record` has an
//!   `ItemDescription` of its own, and each view of such records has a reference to the class.
//! - **A part is a few numbers.** A slice, a row or a field of a view is a `Part` with the shape, the strides and the
//!   address of the items. Only the operations that need the library's `View` calculate it from these numbers.
//! - **One path.** Every access converts the key to numbers, selects an item or a part with these numbers, and then
//!   reads the item or creates a view of the part. One function reads all numbers and byte strings
//!   (`values::PrimitiveField`): in items, in records, in lists and for the iterator.
//! - **Convert, then pin, then write.** Converting a key or a value may run code that releases the view. The view is
//!   therefore pinned after the conversion. Pinning fails if the view was released, and no other code runs between
//!   pinning and writing.
//! - **Lack of memory is an error.** If the input determines the size of an allocation, a failed allocation is a
//!   `MemoryError`.
//! - **References to objects** are read and written only if the exporter's type declares their owner
//!   (`ObjectReferences`). After the copy of an item, new references are created before other code runs.
//!
//! | file | content |
//! |--|--|
//! | `hold` | the buffer of a view: owned, or shared with other views |
//! | `arrangement` | shape, strides and offset of the items |
//! | `part` | the items of a view, and access to their memory |
//! | `item` | codec, names and fields of an item |
//! | `exported_format` | the format that consumers of a view get |
//! | `iterator` | the items of the first dimension, one after the other |
//! | `construct` | the arguments of `View(...)` |
//! | `indexing` | `[1, ::-2, ...]`, `["pos.x"]` |
//! | `select` | `[mask]`, `[[0, 2]]`: masks and arrays of indices |
//! | `tolist` | the items as nested lists |
//! | `assign` | assignment of values, sequences and buffers |
//! | `numbers` | assignment of numbers of another type |
//! | `ctypes_objects` | assignment of objects to memory of ctypes |
//! | `compare` | `==` and hash |
//! | `columns` | copies of the fields |
//! | `array_interface` | the array interface of NumPy |
//! | `arrow` | capsules of the Arrow C data interface |
//! | `convert` | `to_numpy`, `to_arrow`, `to_pandas`, `to_polars` |
//! | `display` | `repr`, and the HTML of notebooks |
//! | `dlpack` | tensors of DLPack |
//! | `class` | the class `View` |
mod arrangement;
mod array_interface;
mod arrow;
mod assign;
mod class;
mod columns;
mod compare;
mod construct;
mod convert;
mod ctypes_objects;
mod display;
mod dlpack;
mod exported_format;
mod hold;
mod indexing;
mod item;
mod iterator;
mod numbers;
mod part;
mod select;
mod tolist;

pub(super) use class::View;

use pyo3::prelude::*;

/// Creates the classes of the objects that views create. PyO3 creates a class in the first use otherwise, and panics if
/// there is no memory.
///
/// # Errors
/// - no memory: `MemoryError`
pub(super) fn create_classes(py: Python<'_>) -> PyResult<()> {
    py.get_type::<pep3118::py::dlpack::DlpackMemory>();
    py.get_type::<hold::ManagedBuffer>();
    py.get_type::<array_interface::ItemMemory>();
    py.get_type::<convert::ArrowStream>();
    iterator::class(py).map(drop)
}

pub(super) use item::{declared_items, names_of as field_names};
