//! Items to nested lists.

use std::convert::Infallible;

use pyo3::IntoPyObject;
use pyo3::prelude::*;
use pyo3::types::{PyFloat, PyList};

use super::state::ViewState;
use crate::tuple_builder::Filling;
use crate::values::{Codec, Primitive};
use pep3118::decode::{Blocks, Buffer};

/// All items as nested lists, the item itself where there is no dimension.
pub(super) fn to_list<'py>(py: Python<'py>, shown: &ViewState) -> PyResult<Bound<'py, PyAny>> {
    let shape = shown.shape();
    if shape.is_empty() {
        return shown.item(py, &[]);
    }
    let extents = shape.iter().map(|extent| usize::try_from(*extent)).collect::<Result<Vec<usize>, _>>()?;
    let buffer = shown.shared().buffer(shown.items().plan())?;
    let mut source = Source::new(py, shown, &buffer)?;
    Ok(source.level(&extents)?.into_any())
}

/// Items one after the other, read in blocks.
pub(super) struct Source<'py, 'b> {
    py: Python<'py>,
    blocks: Blocks<'b>,
    codec: &'b Codec,
    /// The type of all items, if they are primitive values of this machine.
    primitive: Option<Primitive>,
    itemsize: usize,
    /// The first byte of the next item in the block.
    next: usize,
}

/// An object that was made, or not.
struct Made<'py>(PyResult<Bound<'py, PyAny>>);

impl<'py> IntoPyObject<'py> for Made<'py> {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, _: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.0
    }
}

fn infallible<T>(result: Result<T, Infallible>) -> T {
    match result {
        Ok(value) => value,
        Err(never) => match never {},
    }
}

impl<'py, 'b> Source<'py, 'b> {
    pub(super) fn new(py: Python<'py>, shown: &'b ViewState, buffer: &'b Buffer<'b>) -> PyResult<Self> {
        let items = shown.items();
        let (blocks, codec, itemsize) = (buffer.blocks()?, items.codec(py)?, items.plan().itemsize());
        Ok(Self { py, blocks, codec, primitive: codec.native_primitive(), itemsize, next: 0 })
    }

    /// The value of the next item. Whoever asks knows how many there are.
    pub(super) fn value(&mut self) -> PyResult<Bound<'py, PyAny>> {
        let (py, codec, itemsize) = (self.py, self.codec, self.itemsize);
        codec.read(py, self.item(itemsize)?)
    }

    // As deep as there are dimensions, which are 64 at most.
    fn level(&mut self, shape: &[usize]) -> PyResult<Bound<'py, PyList>> {
        match shape {
            [] => Ok(PyList::empty(self.py)),
            [items] => self.row(*items),
            [items, inner @ ..] => {
                let py = self.py;
                PyList::new(py, (0..*items).map(|_| Made(self.level(inner).map(Bound::into_any))))
            }
        }
    }

    /// The items of one row.
    fn row(&mut self, items: usize) -> PyResult<Bound<'py, PyList>> {
        macro_rules! row {
            ($number:ty) => {
                self.numbers(items, |py, bytes| infallible(<$number>::from_ne_bytes(bytes).into_pyobject(py)))
            };
        }
        match self.primitive {
            Some(Primitive::Float64) => self.numbers(items, |py, bytes| PyFloat::new(py, f64::from_ne_bytes(bytes))),
            Some(Primitive::Float32) => {
                self.numbers(items, |py, bytes| PyFloat::new(py, f32::from_ne_bytes(bytes).into()))
            }
            Some(Primitive::Int64) => row!(i64),
            Some(Primitive::Int32) => row!(i32),
            Some(Primitive::Int16) => row!(i16),
            Some(Primitive::Int8) => row!(i8),
            Some(Primitive::UInt64) => row!(u64),
            Some(Primitive::UInt32) => row!(u32),
            Some(Primitive::UInt16) => row!(u16),
            Some(Primitive::UInt8) => row!(u8),
            _ => {
                let py = self.py;
                PyList::new(py, (0..items).map(|_| Made(self.value())))
            }
        }
    }

    fn numbers<const N: usize, T>(
        &mut self,
        items: usize,
        make: impl Fn(Python<'py>, [u8; N]) -> Bound<'py, T>,
    ) -> PyResult<Bound<'py, PyList>> {
        let (py, mut list) = (self.py, Filling::new(self.py, items)?);
        let mut left = items;
        while left > 0 {
            if self.next >= self.blocks.block().len() {
                self.next = 0;
                self.blocks.advance()?;
            }
            let cells = self.blocks.block().get(self.next..).unwrap_or_default().as_chunks::<N>().0;
            let cells = cells.get(..left).unwrap_or(cells);
            if cells.is_empty() {
                break;
            }
            cells.iter().for_each(|bytes| list.push(make(py, *bytes).into_any()));
            left = left.saturating_sub(cells.len());
            self.next = self.next.saturating_add(cells.len().saturating_mul(N));
        }
        list.finish()
    }

    /// The bytes of the next item.
    #[inline]
    fn item(&mut self, itemsize: usize) -> PyResult<&[u8]> {
        if self.next >= self.blocks.block().len() {
            self.next = 0;
            self.blocks.advance()?;
        }
        let start = self.next;
        self.next = start.saturating_add(itemsize);
        Ok(self.blocks.block().get(start..self.next).unwrap_or_default())
    }
}
