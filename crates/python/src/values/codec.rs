//! A layout compiled for Python.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use super::leaf::Leaf;
use super::primitive::Primitive;
use super::record_class::RecordClass;
use crate::objects::{self, Filling};
use pep3118::decode::{DecodeError, ZERO_SIZED_LIMIT};
use pep3118::layout::{Field, Layout, Type};
use pep3118::py::ObjectReferences;

/// How items of one layout become Python objects and are written from them.
#[derive(Debug)]
pub(crate) struct Codec {
    /// One item, in bytes.
    size: usize,
    pub(super) root: Node,
    /// The item, if it is one primitive value.
    pub(super) primitive: Option<Primitive>,
    /// Whether values that do not fit are cut or made infinite where `struct` does so.
    pub(super) lenient: bool,
}

/// A value, or values.
#[derive(Debug)]
pub(super) enum Node {
    Leaf(Leaf),
    /// Elements of `size` bytes side by side.
    Array {
        shape: Box<[usize]>,
        size: usize,
        element: Box<Node>,
    },
    Record(Record),
}

#[derive(Debug)]
pub(super) struct Record {
    /// The named tuple; plain tuples without one.
    class: Option<Arc<RecordClass>>,
    /// Names for messages: those of the format, or `f0`.
    pub(super) names: Box<[String]>,
    pub(super) parts: Box<[Part]>,
    /// The same, if all are values that cannot fail.
    pub(super) quick: Option<Box<[Primitive]>>,
    /// Values: parts, and each part as often as it is repeated.
    pub(super) values: usize,
}

/// A field of a record.
#[derive(Debug)]
pub(super) struct Part {
    /// From the start of the record, in bytes.
    pub(super) offset: usize,
    /// One value, in bytes.
    pub(super) size: usize,
    /// Values that lie side by side: `3i` where the counts of `struct` are meant.
    pub(super) repeat: usize,
    pub(super) node: Node,
}

/// The kind of codec that is made.
struct Compiler<'a> {
    /// Records are named tuples.
    named: bool,
    /// The format, where counts at the top level are single values.
    counts: Option<&'a [u8]>,
    /// Who holds the references of items of format `O`.
    objects: ObjectReferences,
    /// Whether a reader follows addresses of data.
    typed_pointers: bool,
}

impl Codec {
    /// Items as single values, nested lists or named tuples. `objects` holds the references of `O`; with
    /// `typed_pointers` addresses of data are not written.
    ///
    /// # Errors
    /// - `(4294967296)0s`: that many values of no bytes
    pub(crate) fn new(layout: &Layout, objects: ObjectReferences, typed_pointers: bool) -> PyResult<Self> {
        let compiler = Compiler { named: true, counts: None, objects, typed_pointers };
        let root = compiler.node(layout.item(), 1)?;
        let size = length(layout.size())?;
        let primitive = Primitive::of_item(layout.item());
        Ok(Self { size, root, primitive, lenient: false })
    }

    /// Items as tuples of the values at the top level, as `struct` has them: `3i` is three values and
    /// `3s` one. Arrays with a shape are lists, records plain tuples. `format` is what the layout was
    /// read from.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub(crate) fn flat(layout: &Layout, format: &[u8]) -> PyResult<Self> {
        let compiler =
            Compiler { named: false, counts: Some(format), objects: ObjectReferences::Unknown, typed_pointers: false };
        let root = Node::Record(compiler.record(layout.fields(), 1)?);
        Ok(Self { size: length(layout.size())?, root, primitive: None, lenient: true })
    }

    /// The size of an item in bytes.
    pub(crate) fn itemsize(&self) -> usize {
        self.size
    }

    /// Values of a record, 1 for everything else.
    pub(crate) fn values(&self) -> usize {
        match &self.root {
            Node::Record(record) => record.values,
            _ => 1,
        }
    }

    /// The object of one item; missing bytes are taken for 0. Where the memory holds references, the caller
    /// holds those of the item meanwhile.
    ///
    /// # Errors
    /// - text with a unit past U+10FFFF
    #[inline]
    pub(crate) fn read<'py>(&self, py: Python<'py>, item: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        match self.primitive {
            Some(primitive) => Ok(primitive.read(py, item)?),
            None => self.root.read(py, item),
        }
    }

    /// Appends the objects of items that lie one after the other.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(crate) fn read_all<'py>(&self, py: Python<'py>, items: &[u8], list: &mut Filling<'py>) -> PyResult<()> {
        match self.primitive {
            Some(primitive) => Ok(primitive.read_all(py, items, list)?),
            None => items.chunks_exact(self.size.max(1)).try_for_each(|item| {
                list.push(self.root.read(py, item)?);
                Ok(())
            }),
        }
    }

    /// The values of one item: those of a record as a plain tuple, anything else as a tuple of one.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    #[inline]
    pub(crate) fn read_fields<'py>(&self, py: Python<'py>, item: &[u8]) -> PyResult<Bound<'py, PyTuple>> {
        match &self.root {
            Node::Record(record) => record.tuple(py, item),
            node => objects::tuple(py, [node.read(py, item)].into_iter()),
        }
    }

    /// The same, in place of the values of a tuple that [`read_fields`](Self::read_fields) gave for
    /// another item, if nobody has it any more.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    #[inline]
    pub(crate) fn read_fields_again<'py>(
        &self,
        py: Python<'py>,
        item: &[u8],
        spare: Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        if let Node::Record(Record { quick: Some(quick), .. }) = &self.root
            && let Some(tuple) = objects::refill(spare, quick.iter().map(|value| value.read(py, item)))?
        {
            return Ok(tuple);
        }
        self.read_fields(py, item)
    }
}

impl Compiler<'_> {
    /// `times` is the number of elements of all the arrays around it.
    fn node(&self, field: Field<'_>, times: u64) -> PyResult<Node> {
        let dims = field.shape();
        if dims.is_empty() {
            return self.element(field, times);
        }
        let all = bounded(field, times)?;
        let shape = dims.iter().map(|extent| length(*extent)).collect::<PyResult<Box<[usize]>>>()?;
        let element = Box::new(self.element(field, all)?);
        Ok(Node::Array { shape, size: length(field.size())?, element })
    }

    fn element(&self, field: Field<'_>, times: u64) -> PyResult<Node> {
        if field.ty() == Type::Record {
            return Ok(Node::Record(self.record(field.fields(), times)?));
        }
        let leaf = Leaf::new(field, self.counts, self.objects)?;
        Ok(Node::Leaf(Leaf { typed_pointer: self.typed_pointers, ..leaf }))
    }

    fn record<'l>(&self, fields: impl Iterator<Item = Field<'l>>, times: u64) -> PyResult<Record> {
        // Counts are values at the top level only.
        let inner = Compiler { counts: None, ..*self };
        let (mut names, mut parts, mut values) = (Vec::new(), Vec::new(), 0_usize);
        for (index, field) in fields.enumerate() {
            names.push(field.name_text().unwrap_or_else(|| format!("f{index}")));
            let counted = self.counts.is_some_and(|format| is_counted(field, format));
            let (repeat, node) = if counted {
                let all = bounded(field, times)?;
                let code =
                    if field.ty() == Type::Record { inner.element(field, all) } else { self.element(field, all) };
                (length(field.count())?, code?)
            } else if field.ty() == Type::Record {
                (1, inner.node(field, times)?)
            } else {
                (1, self.node(field, times)?)
            };
            let size = if counted { field.size() } else { field.total_size() };
            values = values.checked_add(repeat).ok_or(DecodeError::Allocation { bytes: u64::MAX })?;
            parts.push(Part { offset: length(field.offset())?, size: length(size)?, repeat, node });
        }
        let class = self.named.then(|| RecordClass::of(&names));
        let quick = Primitive::all(&parts, values);
        Ok(Record { class, names: names.into(), parts: parts.into(), quick, values })
    }
}

/// Elements in all, if bytes bound their number or they are few. So are the lists that hold them.
fn bounded(field: Field<'_>, times: u64) -> PyResult<u64> {
    let all = times.saturating_mul(field.count());
    let lists = field.shape().iter().take_while(|extent| **extent != 0);
    let lists = lists.fold(times, |lists, extent| lists.saturating_mul(*extent));
    let count = all.max(lists);
    if field.total_size() == 0 && count > ZERO_SIZED_LIMIT {
        return Err(DecodeError::ZeroSized { count, limit: ZERO_SIZED_LIMIT }.into());
    }
    Ok(all)
}

/// Whether the only dimension is a count (`3i`) and no shape (`(3)i`): what stands before the type,
/// byte order and white space left out, is no parenthesis.
fn is_counted(field: Field<'_>, format: &[u8]) -> bool {
    let before = format.get(..field.span().start()).unwrap_or_default();
    let last = before.iter().rev().find(|byte| !byte.is_ascii_whitespace() && !b"@=<>!^&".contains(byte));
    field.shape().len() == 1 && last != Some(&b')')
}

/// A size of the layout as a length of this machine.
fn length(size: u64) -> PyResult<usize> {
    usize::try_from(size).map_err(|_| DecodeError::Allocation { bytes: size }.into())
}

impl Node {
    #[inline]
    fn read<'py>(&self, py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::Leaf(leaf) => leaf.read(py, bytes),
            Self::Array { shape, size, element } => nested(py, bytes, shape, *size, element),
            Self::Record(record) => record.read(py, bytes),
        }
    }
}

impl Record {
    fn read<'py>(&self, py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        let Some(class) = &self.class else { return Ok(self.tuple(py, bytes)?.into_any()) };
        let class = class.get(py)?;
        match &self.quick {
            Some(quick) => class.object(quick.iter().map(|value| value.read(py, bytes))),
            // Records with a class have no counts: each part is one value.
            None => class.object(self.parts.iter().map(|part| part.node.read(py, part.bytes(bytes, 0)))),
        }
    }

    #[inline]
    fn tuple<'py>(&self, py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyTuple>> {
        if let Some(quick) = &self.quick {
            return objects::tuple(py, quick.iter().map(|value| value.read(py, bytes)));
        }
        let values = Values { parts: self.parts.iter(), part: None, index: 0, bytes, left: self.values };
        objects::tuple(py, values.map(|(node, bytes)| node.read(py, bytes)))
    }
}

impl Part {
    /// Where one of its values begins, in bytes from the start of the record.
    #[inline]
    pub(super) fn start(&self, index: usize) -> usize {
        self.offset.saturating_add(self.size.saturating_mul(index))
    }

    /// The bytes of one of its values.
    #[inline]
    fn bytes<'b>(&self, record: &'b [u8], index: usize) -> &'b [u8] {
        let start = self.start(index);
        record.get(start..start.saturating_add(self.size)).unwrap_or_default()
    }

    /// The same, to be written to.
    pub(super) fn bytes_mut<'b>(&self, record: &'b mut [u8], index: usize) -> &'b mut [u8] {
        let start = self.start(index);
        record.get_mut(start..start.saturating_add(self.size)).unwrap_or_default()
    }
}

/// The values of a record, repeated ones one by one.
struct Values<'a> {
    parts: std::slice::Iter<'a, Part>,
    part: Option<&'a Part>,
    index: usize,
    bytes: &'a [u8],
    left: usize,
}

impl<'a> Iterator for Values<'a> {
    type Item = (&'a Node, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(part) = self.part.filter(|part| self.index < part.repeat) {
                let bytes = part.bytes(self.bytes, self.index);
                self.index = self.index.saturating_add(1);
                self.left = self.left.saturating_sub(1);
                return Some((&part.node, bytes));
            }
            self.part = Some(self.parts.next()?);
            self.index = 0;
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Values<'_> {}

/// Elements of `size` bytes as nested lists.
fn nested<'py>(
    py: Python<'py>,
    bytes: &[u8],
    shape: &[usize],
    size: usize,
    element: &Node,
) -> PyResult<Bound<'py, PyAny>> {
    let Some((extent, inner)) = shape.split_first() else { return element.read(py, bytes) };
    let size_inner = inner.iter().fold(size, |size, extent| size.saturating_mul(*extent));
    if inner.is_empty() {
        // The innermost loop asks only once what its elements are.
        return Ok(match element {
            Node::Leaf(leaf) => list(py, bytes, *extent, size, |bytes| leaf.read(py, bytes))?.into_any(),
            node => list(py, bytes, *extent, size, |bytes| node.read(py, bytes))?.into_any(),
        });
    }
    Ok(list(py, bytes, *extent, size_inner, |bytes| nested(py, bytes, inner, size, element))?.into_any())
}

/// A list of `count` objects, each of `size` bytes.
fn list<'py>(
    py: Python<'py>,
    bytes: &[u8],
    count: usize,
    size: usize,
    read: impl Fn(&[u8]) -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyList>> {
    objects::list(py, count, |index| {
        let start = index.saturating_mul(size);
        read(bytes.get(start..start.saturating_add(size)).unwrap_or_default())
    })
}
