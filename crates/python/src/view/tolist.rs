//! Implements `View.tolist`, which returns the items of a view as nested lists.

use pyo3::prelude::*;
use pyo3::types::PyList;

use super::part::{PinnedPart, Place, read_pinned};
use crate::objects::{NewObject, from_result, zeroed};
use crate::tuple_builder::{self, ListBuilder};
use crate::values::Codec;

/// Returns all items of `held` as nested lists, one level for each dimension. `held` must have at least one dimension.
///
/// # Errors
/// - text with a unit above U+10FFFF: `ValueError`
/// - no memory: `MemoryError`
pub(super) fn to_list<'py>(py: Python<'py>, held: PinnedPart<'_>) -> PyResult<Bound<'py, PyAny>> {
    let part = held.part();
    let item = zeroed(part.description().plan().itemsize())?;
    let codec = part.item()?.codec(py, part.description())?;
    let indices = if part.view().is_indirect() { vec![0; part.shape().len()] } else { Vec::new() };
    let has_objects = part.item()?.has_objects();
    Ok(Reader { py, held, codec, item, indices, has_objects }.level(0, part.view().offset())?.into_any())
}

/// Reads the items of a view, and creates the nested lists from the outermost dimension to the innermost.
struct Reader<'py, 'h> {
    py: Python<'py>,
    held: PinnedPart<'h>,
    codec: &'h Codec,
    /// The bytes of the current item.
    item: Vec<u8>,
    /// If access to the items follows pointers, the indices of the current item. Otherwise the vector is empty.
    indices: Vec<i64>,
    /// `true` if the items have references to objects whose owner is known.
    has_objects: bool,
}

impl<'py> Reader<'py, '_> {
    /// Returns the list for the dimension `dimension`, which contains the lists of the inner dimensions. `offset` is
    /// the offset of the first item in bytes. If access to the items follows pointers, `offset` is not used. Returns an
    /// error if a pointer is NULL, if a value cannot be read, or if there is no memory.
    // The depth of the recursion is the number of dimensions, at most 64.
    fn level(&mut self, dimension: usize, offset: i64) -> PyResult<Bound<'py, PyList>> {
        let (py, part) = (self.py, self.held.part());
        let Some(([length, inner @ ..], [stride, ..])) =
            part.shape().get(dimension..).zip(part.view().strides().get(dimension..))
        else {
            return tuple_builder::list(py, std::iter::empty());
        };
        let (length, stride, is_last) = (usize::try_from(*length)?, *stride, inner.is_empty());
        if is_last && let Some(primitive) = part.primitive().filter(|_| self.indices.is_empty()) {
            let mut list = ListBuilder::new(py, length)?;
            self.held.read_line(py, primitive, (offset, length, stride), &mut list)?;
            return list.finish();
        }
        let mut start = offset;
        let rows = (0..length).map(|index| {
            if let Some(cell) = self.indices.get_mut(dimension) {
                *cell = i64::try_from(index).unwrap_or(i64::MAX);
            }
            let row_start = start;
            // The offset of each item fits 63 bits. The sum after the last item may overflow, but no item uses this
            // sum.
            start = start.wrapping_add(stride);
            if is_last {
                return self.item(row_start);
            }
            from_result(py, self.level(dimension.saturating_add(1), row_start).map(Bound::into_any))
        });
        tuple_builder::list(py, rows)
    }

    /// Creates the object for the current item. `offset` is the offset of the item in bytes. If access to the items
    /// follows pointers, `indices` selects the item, and `offset` is not used. Returns `None` and sets an exception if
    /// the object cannot be created.
    fn item(&mut self, offset: i64) -> NewObject<'py> {
        let place = if self.indices.is_empty() { Place::Offset(offset) } else { Place::Indices(&self.indices) };
        if self.has_objects {
            return from_result(self.py, read_pinned(self.py, &self.held, place));
        }
        match self.held.copy_item(place, &mut self.item) {
            Ok(()) => self.codec.read_object(self.py, &self.item),
            Err(error) => from_result(self.py, Err(error)),
        }
    }
}
