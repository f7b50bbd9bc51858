//! The plan that items of a layout are read and written by, and the dynamic values of whole items.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::element::zeroed;
use super::error::{DecodeError, EncodeError, EncodeErrorKind, wide};
use super::leaf::{Leaf, Repeat, Swap};
use super::scalar::ScalarCodec;
use super::value::{ArrayValue, Name, RecordValue, Value};
use crate::abi::DataModel;
use crate::layout::{Field, Layout, Type};
use crate::view::{ItemLayout, View};

/// The largest number of values of no bytes in one item: the itemsize does not limit it.
pub const ZERO_SIZED_LIMIT: u64 = 1 << 16;

/// A layout compiled for reading and writing items: made once, used for any number of items.
///
/// It has a flat list of leaf fields (offset, codec, count) for columns, the byte swaps of an item with neighbours merged,
/// and the tree of fields for dynamic values.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout, decode::{ColumnData, Plan}};
/// let layout = Layout::read(b"T{>H:a:>d:b:}", &Dialect::PEP3118, &DataModel::LP64)?;
/// let plan = Plan::new(&layout)?;
/// let records = [[0, 1, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0], [0, 2, 0x40, 0, 0, 0, 0, 0, 0, 0]].concat();
/// let columns = plan.columns(&records, None)?;
/// assert_eq!(columns[0].data, ColumnData::UInt16(vec![1, 2]));
/// assert_eq!(columns[1].data, ColumnData::Float64(vec![1.0, 2.0]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Plan {
    pub(super) size: usize,
    pub(super) root: PlanNode,
    pub(super) leaves: Vec<Leaf>,
    pub(super) swaps: Vec<Swap>,
}

/// A field of an item: a value, an array of values, a record or an array of records.
#[derive(Clone, Debug)]
pub(crate) struct PlanNode {
    /// From the start of the enclosing record, in bytes.
    pub(super) offset: usize,
    /// Bytes of one element.
    pub(super) size: usize,
    /// Number of elements.
    pub(super) count: usize,
    /// `None` for a single value.
    pub(super) shape: Option<Arc<[usize]>>,
    pub(super) kind: NodeKind,
}

#[derive(Clone, Debug)]
pub(crate) enum NodeKind {
    Value(ScalarCodec),
    Record(Arc<[Name]>, Vec<PlanNode>),
}

impl Plan {
    /// Compiles a layout.
    ///
    /// # Errors
    /// - `(4294967296)0s`: more than 65,536 values of no bytes
    /// - a layout of 5 GB on a 32-bit machine
    pub fn new(layout: &Layout) -> Result<Self, DecodeError> {
        // First, so that an error has the size of the whole item.
        let size = length(layout.size())?;
        let mut builder = PlanBuilder {
            leaves: Vec::new(),
            name: Vec::new(),
            base: 0,
            elements: 1,
            repeats: Vec::new(),
            shape: Vec::new(),
        };
        let root = builder.node(layout.item())?;
        let leaves = builder.leaves;
        let swaps = Swap::of_leaves(&leaves);
        Ok(Self { size, root, leaves, swaps })
    }

    /// Compiles the layout of a view's items. `model` is the machine that the view was checked for; it defines the
    /// representation of a `long double`.
    ///
    /// Items of a view that was requested without a format are read as one void.
    ///
    /// # Errors
    /// - an ambiguous format: choose an alternative and call [`new`](Self::new) with its layout
    /// - as [`new`](Self::new)
    pub fn for_view(view: &View<'_>, model: &DataModel) -> Result<Self, DecodeError> {
        match view.item() {
            ItemLayout::Scalar(scalar) => Self::new(&Layout::of_scalar(*scalar, model)),
            ItemLayout::Interpretation(found) => Self::new(&found.layout),
            ItemLayout::Ambiguous(ambiguity) => Err(DecodeError::Ambiguous(ambiguity.clone())),
            ItemLayout::Bytes => Self::new(&Layout::of_bytes(view.itemsize().unsigned_abs(), model)),
        }
    }

    /// Returns the size of an item in bytes.
    #[must_use]
    pub fn itemsize(&self) -> usize {
        self.size
    }

    /// Returns the leaf fields, in the order of the format.
    #[must_use]
    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// Returns whether every value is in the byte order of this machine, so that bytes are values.
    #[must_use]
    pub fn is_native(&self) -> bool {
        self.swaps.is_empty()
    }

    /// Returns whether an item is one value or adjacent values of one type: no padding, no overlapping fields.
    #[doc(hidden)]
    #[must_use]
    pub fn is_one_leaf(&self) -> bool {
        matches!(self.leaves.as_slice(), [leaf] if leaf.bytes() == self.size)
    }

    /// Reads the value of one item.
    ///
    /// # Errors
    /// - 3 bytes for an item of 4
    pub fn value(&self, item: &[u8]) -> Result<Value, DecodeError> {
        if item.len() != self.size {
            return Err(DecodeError::ItemLength { len: wide(item.len()), itemsize: wide(self.size) });
        }
        Ok(self.root.value(item))
    }

    /// Reads the values of adjacent items.
    ///
    /// # Errors
    /// - 10 bytes for items of 4
    pub fn values<'b>(&'b self, items: &'b [u8]) -> Result<impl Iterator<Item = Value> + use<'b>, DecodeError> {
        self.items_in(items.len())?;
        Ok(items.chunks_exact(self.size.max(1)).map(|item| self.root.value(item)))
    }

    /// Writes the value of one item. Padding stays as it was; if something does not fit, so does everything.
    ///
    /// Integers fit where their value does, floats and complex numbers only their own type. Shorter bytes and text are
    /// followed by NULs.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, decode::{Plan, RecordValue, Value}};
    /// let layout = Layout::read(b"T{>h:a:x2s:b:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// let record = RecordValue::new([(Some("a"), Value::Int(-2)), (Some("b"), Value::Bytes(b"z".to_vec()))]);
    /// let mut item = [9; 5];
    /// Plan::new(&layout)?.encode(&Value::Record(record), &mut item)?;
    /// assert_eq!(item, [0xff, 0xfe, 9, b'z', 0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - 300 for `B`, -1 for `Q`: out of range
    /// - text for `<i`, `Float64` for `<f`: another kind of value
    /// - 5 bytes for `4s`, 256 for `300p`
    /// - 2 values for 3 fields or elements
    /// - a slice of another length than an item has
    pub fn encode(&self, value: &Value, item: &mut [u8]) -> Result<(), EncodeError> {
        if item.len() != self.size {
            return Err(EncodeErrorKind::TooSmall { available: wide(item.len()), needed: wide(self.size) }.into());
        }
        let mut copy: Vec<u8> = zeroed(self.size)?;
        copy.copy_from_slice(item);
        self.root.store(value, &mut copy)?;
        item.copy_from_slice(&copy);
        Ok(())
    }

    /// Returns the number of items in `len` bytes, which must be whole.
    pub(crate) fn items_in(&self, len: usize) -> Result<usize, DecodeError> {
        let not_whole = DecodeError::NotWhole { len: wide(len), itemsize: wide(self.size) };
        match (len.checked_div(self.size), len.checked_rem(self.size)) {
            (Some(items), Some(0)) => Ok(items),
            (None, _) if len == 0 => Ok(0),
            _ => Err(not_whole),
        }
    }

    /// Returns the only leaf of items that are one value or one array of values. It fills the item.
    pub(super) fn only_leaf(&self, wanted: &'static str) -> Result<&Leaf, DecodeError> {
        match (self.leaves.as_slice(), &self.root.kind) {
            ([leaf], NodeKind::Value(_)) if leaf.bytes() == self.size => Ok(leaf),
            (leaves, _) => Err(DecodeError::Structured { fields: wide(leaves.len()), wanted }),
        }
    }
}

/// The state of compiling a layout: the leaves so far, and the position of the next field in the item.
struct PlanBuilder {
    leaves: Vec<Leaf>,
    /// The dotted name of the enclosing record.
    name: Vec<u8>,
    /// From the start of the item to the first element of the enclosing record, in bytes.
    base: usize,
    /// The product of the lengths of all enclosing arrays.
    elements: u64,
    /// The enclosing arrays of records, outermost first.
    repeats: Vec<Repeat<1>>,
    /// Their dimensions as the format has them.
    shape: Vec<usize>,
}

impl PlanBuilder {
    fn node(&mut self, field: Field<'_>) -> Result<PlanNode, DecodeError> {
        let count = if field.shape().is_empty() { 1 } else { field.count() };
        let elements = self.elements.saturating_mul(count);
        if field.size() == 0 && elements > ZERO_SIZED_LIMIT {
            return Err(DecodeError::ZeroSized { count: elements, limit: ZERO_SIZED_LIMIT });
        }
        let (offset, size, count) = (length(field.offset())?, length(field.size())?, length(count)?);
        let shape = field.shape().iter().map(|extent| length(*extent)).collect::<Result<Vec<usize>, DecodeError>>()?;
        let base = self.base.saturating_add(offset);
        let kind = if field.ty() == Type::Record {
            let (base, elements) =
                (core::mem::replace(&mut self.base, base), core::mem::replace(&mut self.elements, elements));
            let dimensions = self.shape.len();
            self.shape.extend_from_slice(&shape);
            if !shape.is_empty() {
                self.repeats.push(Repeat { count, strides: [size] });
            }
            let record = self.record(field)?;
            if !shape.is_empty() {
                self.repeats.pop();
            }
            self.shape.truncate(dimensions);
            (self.base, self.elements) = (base, elements);
            record
        } else {
            let codec = ScalarCodec::of(field)?;
            let whole = [self.shape.as_slice(), &shape].concat();
            let name = self.name.clone().into_boxed_slice();
            self.leaves.push(Leaf::new(name, base, codec, count, &self.repeats, whole)?);
            NodeKind::Value(codec)
        };
        let shape = (!shape.is_empty()).then(|| shape.into());
        Ok(PlanNode { offset, size, count, shape, kind })
    }

    fn record(&mut self, field: Field<'_>) -> Result<NodeKind, DecodeError> {
        let mut names: Vec<Name> = Vec::new();
        let mut nodes = Vec::new();
        for (index, child) in field.fields().enumerate() {
            let len = self.name.len();
            if len > 0 {
                self.name.push(b'.');
            }
            match child.name() {
                Some(name) => self.name.extend_from_slice(name),
                // NumPy's name for a field without one.
                None => self.name.extend_from_slice(alloc::format!("f{index}").as_bytes()),
            }
            nodes.push(self.node(child)?);
            names.push(child.name().map(Vec::from));
            self.name.truncate(len);
        }
        Ok(NodeKind::Record(names.into(), nodes))
    }
}

impl PlanNode {
    /// Returns the range of all elements in the enclosing record.
    fn range(&self) -> core::ops::Range<usize> {
        self.offset..self.offset.saturating_add(self.size.saturating_mul(self.count))
    }

    /// Reads the value of this field of a record.
    pub(super) fn value(&self, record: &[u8]) -> Value {
        let bytes = record.get(self.range());
        debug_assert!(bytes.is_some(), "a field is outside its record");
        // Missing bytes are taken as 0, as `ScalarCodec::value` does.
        let bytes = bytes.unwrap_or(&[]);
        let Some(shape) = &self.shape else { return self.element(bytes) };
        let values = if self.size == 0 {
            core::iter::repeat_with(|| self.element(&[])).take(self.count).collect()
        } else {
            bytes.chunks_exact(self.size).map(|element| self.element(element)).collect()
        };
        Value::Array(ArrayValue { shape: shape.clone(), values })
    }

    fn element(&self, bytes: &[u8]) -> Value {
        match &self.kind {
            NodeKind::Value(codec) => codec.value(bytes),
            NodeKind::Record(names, nodes) => {
                let values = nodes.iter().map(|node| node.value(bytes)).collect();
                Value::Record(RecordValue { names: names.clone(), values })
            }
        }
    }

    /// Writes the value of this field of a record; in part if something does not fit.
    pub(super) fn store(&self, value: &Value, record: &mut [u8]) -> Result<(), EncodeError> {
        let bytes = record.get_mut(self.range()).ok_or_else(outside)?;
        let Some(shape) = &self.shape else { return self.store_element(value, bytes) };
        let Value::Array(array) = value else {
            return Err(EncodeErrorKind::Kind { found: value.kind(), wanted: "an array" }.into());
        };
        check_count(array.values.len(), self.count, "element")?;
        if array.shape != *shape {
            return Err(EncodeErrorKind::Kind { found: "an array", wanted: "an array of another shape" }.into());
        }
        for (index, value) in array.values.iter().enumerate() {
            let start = index.saturating_mul(self.size);
            let element = bytes.get_mut(start..start.saturating_add(self.size)).ok_or_else(outside)?;
            self.store_element(value, element).map_err(|error| error.inside(&alloc::format!("[{index}]")))?;
        }
        Ok(())
    }

    fn store_element(&self, value: &Value, bytes: &mut [u8]) -> Result<(), EncodeError> {
        match (&self.kind, value) {
            (NodeKind::Value(codec), value) => Ok(codec.store(value, bytes)?),
            (NodeKind::Record(names, nodes), Value::Record(record)) => {
                check_count(record.values.len(), nodes.len(), "field")?;
                for (index, ((node, name), value)) in nodes.iter().zip(&**names).zip(&record.values).enumerate() {
                    node.store(value, bytes).map_err(|error| error.inside(&text(name, index)))?;
                }
                Ok(())
            }
            (NodeKind::Record(..), value) => {
                Err(EncodeErrorKind::Kind { found: value.kind(), wanted: "a record" }.into())
            }
        }
    }
}

fn check_count(found: usize, wanted: usize, unit: &'static str) -> Result<(), EncodeError> {
    let (found, wanted) = (wide(found), wide(wanted));
    if found == wanted { Ok(()) } else { Err(EncodeErrorKind::Count { found, wanted, unit }.into()) }
}

/// The error for a field that is outside its record, which the plan excludes.
fn outside() -> DecodeError {
    DecodeError::internal("a field is outside its record")
}

/// Returns a size of the layout as a length of this machine, whose address space may be smaller.
fn length(size: u64) -> Result<usize, DecodeError> {
    match usize::try_from(size) {
        Ok(size) if isize::try_from(size).is_ok() => Ok(size),
        _ => Err(DecodeError::Allocation { bytes: size }),
    }
}

/// Returns the leaves with these dotted names, all leaves if there are no names.
pub(super) fn chosen<'p>(plan: &'p Plan, names: Option<&[&[u8]]>) -> Result<Vec<&'p Leaf>, DecodeError> {
    let Some(names) = names else { return Ok(plan.leaves.iter().collect()) };
    let find = |name: &&[u8]| {
        let found = plan.leaves.iter().find(|leaf| leaf.name() == *name);
        found.ok_or_else(|| DecodeError::NoField { name: Box::from(*name) })
    };
    names.iter().map(find).collect()
}

/// Returns the leaves with these indices in the order of the format, all leaves if there are no indices.
#[cfg(feature = "arrow")]
pub(super) fn chosen_by_index<'p>(plan: &'p Plan, indices: Option<&[usize]>) -> Result<Vec<&'p Leaf>, DecodeError> {
    let Some(indices) = indices else { return Ok(plan.leaves.iter().collect()) };
    let find = |index: &usize| {
        let none = || DecodeError::NoField { name: alloc::format!("f{index}").into_bytes().into() };
        plan.leaves.get(*index).ok_or_else(none)
    };
    indices.iter().map(find).collect()
}

/// Returns a name for messages.
pub(super) fn text(name: &Name, index: usize) -> String {
    match name {
        Some(name) => crate::text::escape(name).into_owned(),
        None => alloc::format!("f{index}"),
    }
}
