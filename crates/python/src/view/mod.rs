//! `pep3118.View`: like memoryview, for every format.
//!
//! # Design
//! - **The garbage collector sees every reference.** The first view of a buffer owns the acquired buffer. The
//!   second view moves it to a `ManagedBuffer`, a Python object that all views of the buffer share. The collector
//!   visits the reference of a view to the `ManagedBuffer`, and the reference to the exporter. The buffer is
//!   released with its last view. A view that has a consumer or a running operation is not released:
//!   `BufferError`. These are the rules of memoryview.
//! - **Items are described once.** `pep3118::py::ItemDescription` has layout, plan and format; `Item` adds the
//!   values, the names and the fields. All views of the same type, format and itemsize share them by a cache of
//!   bounded number and size. Fields are cached by name in the item around them. Records of the same names have
//!   one class, which is referred to weakly, so that no reference of a layout is part of a cycle.
//! - **One path.** A key is converted, then items are selected in the geometry, which is plain numbers, then one
//!   item is copied or a part is made. Nothing is allocated for an item in up to 4 dimensions. A value that is
//!   a number (`values::PrimitiveField`) is read and written directly wherever it is: as an item, in a record, in a
//!   list.
//! - **Convert, then pin, then write.** Converting a key or a value runs other code, which may release the view.
//!   So the view is pinned afterwards, which fails if it was released, and nothing is written in between.
//! - **No memory is an error.** Whatever has a size that the input decides is allocated fallibly.
//! - **References to objects** are read and written only where the type of the exporter vouches for them
//!   (`ObjectReferences`). An item is copied and its references are counted before other code runs.
//!
//! | file | content |
//! |--|--|
//! | `hold` | the buffer of a view: owned, or shared with other views |
//! | `part` | the items of a view, and copies out of and into their memory |
//! | `item` | values, names and fields of an item |
//! | `construct` | the arguments of `View(...)` |
//! | `indexing` | `[1, ::-2, ...]`, `["pos.x"]` |
//! | `tolist` | items as nested lists |
//! | `assign` | values, sequences, buffers into items |
//! | `ctypes_objects` | an object into memory of ctypes |
//! | `compare` | equality and hash |
//! | `columns` | each field as an array of its own |
//! | `arrow` | capsules of the Arrow C data interface |
//! | `class` | the class |
mod arrow;
mod assign;
mod class;
mod columns;
mod compare;
mod construct;
mod ctypes_objects;
mod hold;
mod indexing;
mod item;
mod part;
mod tolist;

pub(super) use class::View;
