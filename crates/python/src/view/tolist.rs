//! Items to nested lists.

use pyo3::prelude::*;
use pyo3::types::PyList;

use super::part::{Blocks, Held, read_held};
use crate::objects::from_result;
use crate::tuple_builder::{self, Filling};
use crate::values::Codec;

/// All items as nested lists; there is at least one dimension.
pub(super) fn to_list<'py>(py: Python<'py>, held: Held<'_>) -> PyResult<Bound<'py, PyAny>> {
    let part = held.part();
    let shape = part.shape();
    let item = part.item()?;
    if item.has_objects() {
        return objects_to_list(py, held);
    }
    let itemsize = part.description().plan().itemsize();
    let codec = item.codec(py, part.description())?;
    held.with_blocks(true, |blocks| {
        let mut source = Source { py, blocks, codec, itemsize, rest: Vec::new(), next: 0 };
        Ok(source.level(shape)?.into_any())
    })
}

/// Items that are read in blocks.
struct Source<'py, 'b, 'h> {
    py: Python<'py>,
    blocks: &'b mut Blocks<'h>,
    codec: &'b Codec,
    itemsize: usize,
    /// The items of a block that the last row left over.
    rest: Vec<u8>,
    next: usize,
}

impl<'py> Source<'py, '_, '_> {
    // As deep as there are dimensions, which are 64 at most.
    fn level(&mut self, shape: &[i64]) -> PyResult<Bound<'py, PyList>> {
        let (py, Some((items, inner))) = (self.py, shape.split_first()) else { return Ok(PyList::empty(self.py)) };
        let items = usize::try_from(*items)?;
        if inner.is_empty() {
            self.row(items)
        } else {
            tuple_builder::list(py, (0..items).map(|_| from_result(py, self.level(inner).map(Bound::into_any))))
        }
    }

    /// The items of one row.
    fn row(&mut self, items: usize) -> PyResult<Bound<'py, PyList>> {
        let (py, codec, itemsize) = (self.py, self.codec, self.itemsize);
        if itemsize == 0 {
            return tuple_builder::list(py, (0..items).map(|_| from_result(py, codec.read(py, &[]))));
        }
        let mut list = Filling::new(py, items)?;
        let mut left = items;
        loop {
            let rest = self.rest.get(self.next..).unwrap_or_default();
            let taken = left.min(rest.len().checked_div(itemsize).unwrap_or(0)).saturating_mul(itemsize);
            codec.read_all(py, rest.get(..taken).unwrap_or_default(), &mut list)?;
            self.next = self.next.saturating_add(taken);
            left = left.saturating_sub(taken.checked_div(itemsize).unwrap_or(0));
            if left == 0 {
                return list.finish();
            }
            let block = self.blocks.next()?;
            let all = block.len().checked_div(itemsize).unwrap_or(0);
            if all == 0 {
                return list.finish();
            }
            if all <= left {
                codec.read_all(py, block, &mut list)?;
                left = left.saturating_sub(all);
                continue;
            }
            // A row ends within the block.
            self.rest.clear();
            self.rest.extend_from_slice(block);
            self.next = 0;
        }
    }
}

/// Items with references to objects are read one by one: between two of them other code may run.
fn objects_to_list<'py>(py: Python<'py>, held: Held<'_>) -> PyResult<Bound<'py, PyAny>> {
    let shape = held.part().shape();
    let items = PyList::empty(py);
    held.each_place(|place| items.append(read_held(py, &held, place)?))?;
    nested(&items, &mut 0, shape).map(Bound::into_any)
}

// As deep as there are dimensions, which are 64 at most.
fn nested<'py>(items: &Bound<'py, PyList>, next: &mut usize, shape: &[i64]) -> PyResult<Bound<'py, PyList>> {
    let py = items.py();
    let Some((extent, inner)) = shape.split_first() else { return Ok(PyList::empty(py)) };
    let elements = (0..usize::try_from(*extent)?).map(|_| {
        if inner.is_empty() {
            let item = items.get_item(*next);
            *next = next.saturating_add(1);
            return from_result(py, item);
        }
        from_result(py, nested(items, next, inner).map(Bound::into_any))
    });
    tuple_builder::list(py, elements)
}
