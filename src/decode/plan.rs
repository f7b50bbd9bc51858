//! A layout compiled for reading: what is left is offsets, widths and byte orders.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::error::{DecodeError, wide};
use super::leaf::Leaf;
use super::scalar::ScalarCodec;
use super::swap::Swap;
use super::value::Name;
use crate::abi::DataModel;
use crate::layout::{Field, Layout, Type};
use crate::view::{ItemLayout, View};

/// Values of no bytes in one item: nothing else bounds how many a format asks for.
pub const ZERO_SIZED_LIMIT: u64 = 1 << 16;

/// How items of one layout are read and written; made once, used for any number of items.
///
/// It holds a flat list of leaf fields (offset, kernel, count), neighbours that are swapped alike
/// merged, and the tree of parts that dynamic values need.
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
    pub(super) root: Part,
    pub(super) leaves: Vec<Leaf>,
    pub(super) swaps: Vec<Swap>,
}

/// One part of an item: a value, an array of values, a record, an array of records.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// From the start of the enclosing record, in bytes.
    pub(super) offset: usize,
    /// One element, in bytes.
    pub(super) size: usize,
    /// Elements.
    pub(super) count: usize,
    /// `None` for a single value.
    pub(super) shape: Option<Arc<[usize]>>,
    pub(super) kind: PartKind,
}

#[derive(Clone, Debug)]
pub(crate) enum PartKind {
    Value(ScalarCodec),
    Record(Arc<[Name]>, Vec<Part>),
}

impl Plan {
    /// The plan of a layout.
    ///
    /// # Errors
    /// - `(4294967296)0s`: that many values of no bytes
    /// - a layout of 5 GB on a 32-bit machine
    pub fn new(layout: &Layout) -> Result<Self, DecodeError> {
        // First, so that an error tells the bytes of the whole item.
        let size = length(layout.size())?;
        let item = layout.item();
        let mut leaves = Vec::new();
        let mut place = Place { name: Vec::new(), base: 0, times: 1, outer: Vec::new(), shape: Vec::new() };
        let root = part(item, &mut place, &mut leaves)?;
        let swaps = Swap::of_leaves(&leaves);
        Ok(Self { size, root, leaves, swaps })
    }

    /// The plan of a view's items. `model` is the machine that the view was checked for; it tells
    /// what a `long double` is.
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
            ItemLayout::Bytes => Self::new(&Layout::of_bytes(u64::try_from(view.itemsize()).unwrap_or(0), model)),
        }
    }

    /// The size of an item in bytes.
    #[must_use]
    pub fn itemsize(&self) -> usize {
        self.size
    }

    /// The leaf fields, in the order of the format.
    #[must_use]
    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// Whether every value lies in the byte order of this machine, so that bytes are values.
    #[must_use]
    pub fn is_native(&self) -> bool {
        self.swaps.is_empty()
    }

    /// Whether an item is one value, or values of one kind side by side: no padding, nothing twice.
    #[doc(hidden)]
    #[must_use]
    pub fn is_one_leaf(&self) -> bool {
        matches!(self.leaves.as_slice(), [leaf] if leaf.bytes() == self.size)
    }

    /// The number of whole items in `len` bytes.
    pub(crate) fn items_in(&self, len: usize) -> Result<usize, DecodeError> {
        let not_whole = DecodeError::NotWhole { len: wide(len), itemsize: wide(self.size) };
        match (len.checked_div(self.size), len.checked_rem(self.size)) {
            (Some(items), Some(0)) => Ok(items),
            (None, _) if len == 0 => Ok(0),
            _ => Err(not_whole),
        }
    }

    /// The only leaf of items that are one value, or one array of values, and nothing else.
    pub(super) fn only_leaf(&self, wanted: &'static str) -> Result<&Leaf, DecodeError> {
        match (self.leaves.as_slice(), &self.root.kind) {
            ([leaf], PartKind::Value(_)) => Ok(leaf),
            (leaves, _) => Err(DecodeError::Structured { fields: wide(leaves.len()), wanted }),
        }
    }
}

/// Where in the item a part stands.
struct Place {
    /// The dotted name up to here.
    name: Vec<u8>,
    /// From the start of the item to the first element of the enclosing record.
    base: usize,
    /// Elements of all the enclosing arrays.
    times: u64,
    /// ByteBounds and distance of the enclosing arrays of records.
    outer: Vec<(usize, usize)>,
    /// Their extents, those of the format.
    shape: Vec<usize>,
}

fn part(field: Field<'_>, place: &mut Place, leaves: &mut Vec<Leaf>) -> Result<Part, DecodeError> {
    let count = if field.shape().is_empty() { 1 } else { field.count() };
    let times = place.times.saturating_mul(count);
    if field.size() == 0 && times > ZERO_SIZED_LIMIT {
        return Err(DecodeError::ZeroSized { count: times, limit: ZERO_SIZED_LIMIT });
    }
    let (offset, size, count) = (length(field.offset())?, length(field.size())?, length(count)?);
    let shape = field.shape().iter().map(|extent| length(*extent)).collect::<Result<Vec<usize>, DecodeError>>()?;
    let base = place.base.saturating_add(offset);
    let kind = if field.ty() == Type::Record {
        let nested = place.shape.len();
        let (before, times_before) = (core::mem::replace(&mut place.base, base), place.times);
        place.times = times;
        place.shape.extend_from_slice(&shape);
        if !shape.is_empty() {
            place.outer.push((count, size));
        }
        let record = record(field, place, leaves)?;
        if !shape.is_empty() {
            place.outer.pop();
        }
        place.shape.truncate(nested);
        (place.base, place.times) = (before, times_before);
        record
    } else {
        let kernel = ScalarCodec::of(field)?;
        let mut whole = place.shape.clone();
        whole.extend_from_slice(&shape);
        let name = place.name.clone().into_boxed_slice();
        leaves.push(Leaf::new(name, base, kernel, count, &place.outer, whole)?);
        PartKind::Value(kernel)
    };
    let shape = (!shape.is_empty()).then(|| shape.into());
    Ok(Part { offset, size, count, shape, kind })
}

fn record(field: Field<'_>, place: &mut Place, leaves: &mut Vec<Leaf>) -> Result<PartKind, DecodeError> {
    let mut names: Vec<Name> = Vec::new();
    let mut parts = Vec::new();
    for (index, child) in field.fields().enumerate() {
        let len = place.name.len();
        if len > 0 {
            place.name.push(b'.');
        }
        match child.name() {
            Some(name) => place.name.extend_from_slice(name),
            // NumPy's name for a field that has none.
            None => place.name.extend_from_slice(alloc::format!("f{index}").as_bytes()),
        }
        parts.push(part(child, place, leaves)?);
        names.push(child.name().map(Vec::from));
        place.name.truncate(len);
    }
    Ok(PartKind::Record(names.into(), parts))
}

/// A size of the layout as a length of this machine, which may be the smaller one.
fn length(size: u64) -> Result<usize, DecodeError> {
    match usize::try_from(size) {
        Ok(size) if isize::try_from(size).is_ok() => Ok(size),
        _ => Err(DecodeError::Allocation { bytes: size }),
    }
}

/// The chosen leaves by their dotted names, all of them if nothing was chosen.
pub(super) fn chosen<'p>(plan: &'p Plan, names: Option<&[&[u8]]>) -> Result<Vec<&'p Leaf>, DecodeError> {
    let Some(names) = names else { return Ok(plan.leaves.iter().collect()) };
    let find = |name: &&[u8]| {
        let found = plan.leaves.iter().find(|leaf| leaf.name() == *name);
        found.ok_or_else(|| DecodeError::NoField { name: Box::from(*name) })
    };
    names.iter().map(find).collect()
}

/// The leaves of these places in the order of the format, all of them if nothing was chosen.
#[cfg(feature = "arrow")]
pub(super) fn placed<'p>(plan: &'p Plan, places: Option<&[usize]>) -> Result<Vec<&'p Leaf>, DecodeError> {
    let Some(places) = places else { return Ok(plan.leaves.iter().collect()) };
    let find = |place: &usize| {
        let none = || DecodeError::NoField { name: alloc::format!("f{place}").into_bytes().into() };
        plan.leaves.get(*place).ok_or_else(none)
    };
    places.iter().map(find).collect()
}

/// A name as text, for messages.
pub(super) fn text(name: &Name, index: usize) -> String {
    match name {
        Some(name) => crate::text::escape(name).into_owned(),
        None => alloc::format!("f{index}"),
    }
}
