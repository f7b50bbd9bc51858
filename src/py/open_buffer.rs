//! `OpenBuffer`: an acquired buffer with the description of its items.

use std::sync::Arc;

use super::acquire::{Acquired, SharedView};
use super::item_description::ItemDescription;
use crate::decode::{Buffer, BufferMut, DecodeError, EncodeError};
use crate::view::View;

/// An acquired buffer with the description of its items.
///
/// ```
/// use pep3118::{Order, Request};
/// use pyo3::prelude::*;
/// use pyo3::types::PyByteArray;
/// # Python::initialize();
/// Python::attach(|py| {
///     let memory = PyByteArray::new(py, b"abc");
///     let open = pep3118::py::open(memory.as_any())?;
///     assert_eq!((open.view().shape(), open.item().format()), (&[3][..], &b"B"[..]));
///     assert_eq!(open.acquired().request(), Request::FULL_RO);
///     open.buffer_mut()?.copy_from_slice(b"xyz")?;
///     assert_eq!(open.buffer()?.to_vec::<u8>(Order::C)?, b"xyz");
/// #   Ok::<(), PyErr>(())
/// })?;
/// # Ok::<(), PyErr>(())
/// ```
#[derive(Debug)]
pub struct OpenBuffer {
    pub(super) shared: SharedView<Acquired>,
    pub(super) item: Arc<ItemDescription>,
}

impl OpenBuffer {
    /// Pairs `shared` with `item`, which must describe the items of `shared`.
    pub(super) fn new(shared: SharedView<Acquired>, item: Arc<ItemDescription>) -> Self {
        Self { shared, item }
    }

    /// Returns the arrangement of the items: shape, strides and offsets. [`item`](Self::item) describes one item.
    #[must_use]
    pub fn view(&self) -> &View<'static> {
        self.shared.view()
    }

    /// Returns the description of an item.
    #[must_use]
    pub fn item(&self) -> &Arc<ItemDescription> {
        &self.item
    }

    /// Returns the buffer.
    #[must_use]
    pub fn acquired(&self) -> &Acquired {
        self.shared.acquired()
    }

    /// Returns the view with its buffer, and the description of an item.
    #[doc(hidden)]
    #[must_use]
    pub fn into_parts(self) -> (SharedView<Acquired>, Arc<ItemDescription>) {
        (self.shared, self.item)
    }

    /// Returns a readable buffer of the items.
    ///
    /// # Errors
    /// - every error of [`SharedView::buffer`]
    pub fn buffer(&self) -> Result<Buffer<'_>, DecodeError> {
        self.shared.buffer(self.item.plan())
    }

    /// Returns a writable buffer of the items.
    ///
    /// # Errors
    /// - every error of [`SharedView::buffer_mut`]
    pub fn buffer_mut(&self) -> Result<BufferMut<'_>, EncodeError> {
        self.shared.buffer_mut(self.item.plan())
    }
}
