//! [`Plan`]: a compiled layout. A plan decodes items to dynamic values ([`Value`]) and encodes dynamic values into
//! items. Functions such as [`select_leaves`] find the fields that a caller names.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::element::zeroed;
use super::error::{DecodeError, EncodeError, EncodeErrorKind, ValueMemory};
use super::field_names::FieldNames;
use super::field_path::FieldPath;
use super::leaf::{Leaf, Repeat, Repeats, Swap};
use super::scalar::ScalarCodec;
use super::value::{ArrayValue, Name, RecordValue, Value};
use crate::abi::DataModel;
use crate::align::to_u64;
use crate::layout::{Field, Layout, Type};
use crate::view::{ItemLayout, View};

/// The largest number of values of 0 bytes in one item. The item size does not limit the number of such values, so the
/// plan limits the number.
pub const ZERO_SIZED_LIMIT: u64 = 1 << 16;

/// The memory that a plan may use for copies of names and shapes, in multiples of the names and shapes of the layout.
/// A function that creates the dotted names of all fields repeats the name of a record for each field of the record.
/// Without the limit, a format of 128 KB could need 4 GB: a record with a name of 64 KB can have 65,536 fields.
const COPIES_LIMIT: u64 = 64;

/// The memory in bytes that a plan may use for copies of names and shapes in addition to [`COPIES_LIMIT`].
const COPIES_MINIMUM: u64 = 1 << 20;

/// A layout that was compiled for decoding and encoding items. A plan can be reused for any number of items.
///
/// A plan has a flat list of the leaf fields, which [`columns`](Self::columns) uses. A leaf field is a field that is
/// not a record. A plan also has the tree of all fields, which [`value`](Self::value) uses. A second list has the
/// numbers whose byte order differs from the byte order of this machine. A decoder reverses the bytes of these numbers.
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
    /// The size of an item in bytes.
    pub(super) size: usize,
    /// The tree of all fields. The root is the item.
    pub(super) root: PlanNode,
    /// The fields that are not records, in the order of the format.
    pub(super) leaves: Vec<Leaf>,
    /// The numbers whose bytes are reversed, because their byte order differs from the byte order of this machine.
    pub(super) swaps: Vec<Swap>,
    /// The size of the names of all fields, to limit the memory for dotted names.
    names: NamesSize,
}

/// The size of the names of all fields of a layout.
#[derive(Clone, Copy, Debug, Default)]
struct NamesSize {
    /// The number of bytes of the names and shapes of all fields, and one byte for each field.
    own: u64,
    /// The number of bytes of the dotted names of all fields.
    dotted: u64,
}

impl NamesSize {
    /// Returns an error if `bytes`, the size of copies of names or shapes, exceeds the limit for these fields.
    fn check(self, bytes: u64) -> Result<(), DecodeError> {
        let limit = self.own.saturating_mul(COPIES_LIMIT).saturating_add(COPIES_MINIMUM);
        if bytes > limit { Err(DecodeError::FieldNames { bytes, limit }) } else { Ok(()) }
    }
}

/// A field in the tree of a plan: a value, an array of values, a record or an array of records.
#[derive(Clone, Debug)]
pub(crate) struct PlanNode {
    /// The offset in bytes from the start of the enclosing record.
    pub(super) offset: usize,
    /// The size of one element in bytes.
    pub(super) size: usize,
    /// The number of elements of an array, or 1 for a field that is not an array.
    pub(super) count: usize,
    /// The length of each dimension of an array, or `None` if the field is not an array.
    pub(super) shape: Option<Arc<[usize]>>,
    pub(super) kind: NodeKind,
}

/// The content of one element of a field.
#[derive(Clone, Debug)]
pub(crate) enum NodeKind {
    /// A value, or an array of values. The codec decodes one value.
    Value(ScalarCodec),
    /// A record, or an array of records. The vectors have the name and the node of each field, in the order of the
    /// format.
    Record(Arc<[Name]>, Vec<PlanNode>),
}

impl Plan {
    /// Compiles `layout` to a plan for its items.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, decode::Plan};
    /// let layout = Layout::read("T{<H:id:<f:price:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// let plan = Plan::new(&layout)?;
    /// assert_eq!(plan.itemsize(), 6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - an item has more than 65,536 values of 0 bytes: `(4294967296)0s`
    /// - the shapes of all fields need hundreds of megabytes: `(…)T{…}` with 2,000 dimensions around 20,000 arrays
    /// - an item is larger than the address space: a layout of 5 GB on a 32-bit machine
    pub fn new(layout: &Layout) -> Result<Self, DecodeError> {
        // The size of the item is checked before its fields, so that an error reports the size of the item.
        let size = to_usize(layout.size())?;
        let mut builder = PlanBuilder {
            leaves: Vec::new(),
            names: NamesSize::default(),
            shapes: 0,
            record: None,
            base: 0,
            elements: 1,
            repeats: Repeats::new(Vec::new()),
            shape: Arc::from([]),
        };
        let root = builder.add_field(layout.item(), FieldPath::new(None, b""))?;
        let PlanBuilder { leaves, names, shapes, .. } = builder;
        names.check(shapes)?;
        let swaps = Swap::of_leaves(&leaves);
        Ok(Self { size, root, leaves, swaps, names })
    }

    /// Compiles the layout of the items of `view`. `model` must be the data model that `view` was checked for. If the
    /// items of `view` are single values or have no format, the plan uses the representation of `long double` in
    /// `model`. For other items, `model` is not used.
    ///
    /// A view that was requested without a format gets a plan for items of one void field, whatever the itemsize.
    ///
    /// ```
    /// use pep3118::{DataModel, RawView, Request, decode::Plan};
    /// let raw = RawView { len: 4, itemsize: 2, ndim: 1, format: Some(b">h"), shape: Some(&[2]), ..RawView::default() };
    /// let view = raw.check(Request::FULL_RO, None, None).into_result()?;
    /// assert_eq!(Plan::for_view(&view, &DataModel::HOST)?.leaves().len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the format is ambiguous: choose an interpretation and call [`new`](Self::new) with its layout
    /// - the errors of [`new`](Self::new)
    pub fn for_view(view: &View<'_>, model: &DataModel) -> Result<Self, DecodeError> {
        match view.item() {
            ItemLayout::Scalar(scalar) => Self::new(&Layout::of_scalar(*scalar, model)),
            ItemLayout::Interpretation(found) => Self::new(&found.layout),
            ItemLayout::Ambiguous(ambiguity) => Err(DecodeError::Ambiguous(ambiguity.clone())),
            ItemLayout::Bytes => Self::new(&Layout::of_bytes(view.itemsize().unsigned_abs(), model)),
        }
    }

    /// Returns the size of an item in bytes.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, decode::Plan};
    /// let layout = Layout::read("T{<H:id:<f:price:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// let plan = Plan::new(&layout)?;
    /// assert_eq!(plan.itemsize(), 6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn itemsize(&self) -> usize {
        self.size
    }

    /// Returns the leaf fields in the order of the format. A leaf field is a field that is not a record.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, decode::Plan};
    /// let layout = Layout::read("T{<H:id:<f:price:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// let plan = Plan::new(&layout)?;
    /// let names: Vec<_> = plan.leaves().iter().map(|leaf| leaf.name()).collect();
    /// assert_eq!(names, [&b"id"[..], b"price"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// Returns an error if the dotted names of all fields need more memory than is permitted. A function must call
    /// `check_names` before the function creates the dotted names of all fields. The limit is 1 MiB, plus 64 times the
    /// size of the names and shapes of the layout.
    ///
    /// # Errors
    /// - a record with a name of 64 KB has 10,000 fields
    #[doc(hidden)]
    pub fn check_names(&self) -> Result<(), DecodeError> {
        self.names.check(self.names.dotted)
    }

    /// Returns whether several leaves have the dotted name `name`.
    #[cfg(feature = "pyo3")]
    pub(crate) fn is_repeated(&self, name: &[u8]) -> bool {
        self.leaves.iter().filter(|leaf| leaf.path.is(name)).nth(1).is_some()
    }

    /// Returns an error if the dotted names or the shapes of `leaves` need more memory than
    /// [`check_names`](Self::check_names) permits for all fields. `leaves` can contain a leaf several times.
    pub(super) fn check_names_of(&self, leaves: &[&Leaf]) -> Result<(), DecodeError> {
        let copied = |leaf: &&Leaf| leaf.path.len().saturating_add(size_of_val(leaf.shape()));
        let bytes = leaves.iter().fold(0_u64, |bytes, leaf| bytes.saturating_add(to_u64(copied(leaf))));
        // A caller that repeats a leaf has an entry for each repetition. Hence the limit grows with the number of
        // repetitions.
        let repeated = to_u64(leaves.len().saturating_sub(self.leaves.len()));
        NamesSize { own: self.names.own.saturating_add(repeated), ..self.names }.check(bytes)
    }

    /// Returns whether all values of an item have the byte order of this machine, so that decoding reverses no bytes.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, decode::Plan};
    /// let plan = Plan::new(&Layout::read(b"T{h:x:d:y:}", &Dialect::PEP3118, &DataModel::HOST)?)?;
    /// assert!(plan.is_native());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_native(&self) -> bool {
        self.swaps.is_empty()
    }

    /// Returns whether one leaf field fills the item. Such an item is one value, or adjacent values of one type without
    /// padding. The item may be a record that has only this field.
    #[doc(hidden)]
    #[must_use]
    pub fn is_one_leaf(&self) -> bool {
        matches!(self.leaves.as_slice(), [leaf] if leaf.bytes() == self.size)
    }

    /// Decodes `item`, the bytes of one item.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, decode::Plan};
    /// let layout = Layout::read("T{<H:id:<f:price:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// let plan = Plan::new(&layout)?;
    /// let value = plan.value(&[7, 0, 0, 0, 0xc0, 0x3f])?;
    /// let pep3118::decode::Value::Record(record) = value else { unreachable!() };
    /// assert_eq!(record.get("price"), Some(&pep3118::decode::Value::Float32(1.5)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the length of `item` is not the item size: 3 bytes for an item of 4 bytes
    /// - there is not enough memory for the value
    pub fn value(&self, item: &[u8]) -> Result<Value, DecodeError> {
        if item.len() != self.size {
            return Err(DecodeError::ItemLength { len: to_u64(item.len()), itemsize: to_u64(self.size) });
        }
        self.root_value(item)
    }

    /// Decodes `item`, the bytes of one item. The length of `item` must be the item size. Returns an error if an
    /// allocation fails.
    fn root_value(&self, item: &[u8]) -> Result<Value, DecodeError> {
        let mut memory = ValueMemory::default();
        let value = self.root.value(item, &mut memory);
        memory.result(value)
    }

    /// Returns an iterator over the decoded values of `items`, the bytes of adjacent items. Each step decodes one item,
    /// and returns an error if there is not enough memory for the value.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, decode::{Plan, Value}};
    /// let plan = Plan::new(&Layout::read(b">h", &Dialect::PEP3118, &DataModel::LP64)?)?;
    /// let values: Vec<Value> = plan.values(&[0, 1, 0xff, 0xfe])?.collect::<Result<_, _>>()?;
    /// assert_eq!(values, [Value::Int(1), Value::Int(-2)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the length of `items` is not a multiple of the item size: 10 bytes for items of 4 bytes
    pub fn values<'b>(
        &'b self,
        items: &'b [u8],
    ) -> Result<impl Iterator<Item = Result<Value, DecodeError>> + use<'b>, DecodeError> {
        self.items_in(items.len())?;
        Ok(items.chunks_exact(self.size.max(1)).map(|item| self.root_value(item)))
    }

    /// Encodes `value` into `item`, the bytes of one item. Leaves padding unchanged. Leaves the whole item unchanged if
    /// an error is returned.
    ///
    /// An integer of any width is accepted if it is in the range of the field. A float or complex number must have
    /// exactly the type of the field. Bytes and text that are shorter than the field are filled with NULs.
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
    /// - a number is out of range: 300 for `B`, -1 for `Q`
    /// - the value is of another kind than the field: text for `<i`, `Float64` for `<f`
    /// - the value is too long: 5 bytes for `4s`, 256 bytes for `300p`
    /// - the number of values is wrong: 2 values for 3 fields or 3 elements
    /// - the length of `item` is not the item size
    pub fn encode(&self, value: &Value, item: &mut [u8]) -> Result<(), EncodeError> {
        if item.len() != self.size {
            return Err(EncodeErrorKind::TooSmall { available: to_u64(item.len()), needed: to_u64(self.size) }.into());
        }
        let mut copy: Vec<u8> = zeroed(self.size)?;
        copy.copy_from_slice(item);
        self.root.store(value, &mut copy)?;
        item.copy_from_slice(&copy);
        Ok(())
    }

    /// Returns the number of items in `len` bytes. Returns 0 if `len` and the item size are 0. Returns an error if
    /// `len` is not a multiple of the item size.
    pub(crate) fn items_in(&self, len: usize) -> Result<usize, DecodeError> {
        count_items(len, self.size)
    }

    /// Returns the leaf of an item that is one value or one array of values. The leaf fills the item. Returns
    /// [`DecodeError::Structured`] if the item is a record, even of one field. `wanted` is the name of the type that
    /// the caller requested, for the error message.
    pub(super) fn only_leaf(&self, wanted: &'static str) -> Result<&Leaf, DecodeError> {
        match (self.leaves.as_slice(), &self.root.kind) {
            ([leaf], NodeKind::Value(_)) if leaf.bytes() == self.size => Ok(leaf),
            (leaves, _) => Err(DecodeError::Structured { fields: to_u64(leaves.len()), wanted }),
        }
    }
}

/// Returns the number of items of `itemsize` bytes in `len` bytes. Returns 0 if both numbers are 0. Returns an error if
/// `len` is not a multiple of `itemsize`.
pub(super) fn count_items(len: usize, itemsize: usize) -> Result<usize, DecodeError> {
    match (len.checked_div(itemsize), len.checked_rem(itemsize)) {
        (Some(items), Some(0)) => Ok(items),
        (None, _) if len == 0 => Ok(0),
        _ => Err(DecodeError::NotWhole { len: to_u64(len), itemsize: to_u64(itemsize) }),
    }
}

/// The state while a layout is compiled: the leaves that were added, and the position of the current record in the
/// item. The current record is the record whose fields are being added.
struct PlanBuilder {
    leaves: Vec<Leaf>,
    /// The size of the names of the added fields.
    names: NamesSize,
    /// The size in bytes of the shapes of the added leaves that are arrays. Other leaves share the shape of a record.
    shapes: u64,
    /// The path of the current record, or `None` for the item itself.
    record: Option<Arc<FieldPath>>,
    /// The offset of the first element of the current record, in bytes from the start of the item.
    base: usize,
    /// The number of elements of all enclosing arrays: the product of their lengths.
    elements: u64,
    /// The arrays of records that contain the current record, outermost first.
    repeats: Repeats,
    /// The lengths of all dimensions of the arrays in `repeats`. An array of several dimensions has one element in
    /// `repeats`, but one length here for each dimension.
    shape: Arc<[usize]>,
}

impl PlanBuilder {
    /// Compiles `field`, a field of the current record, to a node, and adds the leaves of `field` to `leaves`. `path`
    /// has the names of `field`. Returns an error if a limit is exceeded or a size is larger than the address space.
    fn add_field(&mut self, field: Field<'_>, path: FieldPath) -> Result<PlanNode, DecodeError> {
        let count = if field.shape().is_empty() { 1 } else { field.count() };
        let elements = self.elements.saturating_mul(count);
        if field.size() == 0 && elements > ZERO_SIZED_LIMIT {
            return Err(DecodeError::ZeroSized { count: elements, limit: ZERO_SIZED_LIMIT });
        }
        let (offset, size, count) = (to_usize(field.offset())?, to_usize(field.size())?, to_usize(count)?);
        let shape =
            field.shape().iter().map(|length| to_usize(*length)).collect::<Result<Vec<usize>, DecodeError>>()?;
        let base = self.base.saturating_add(offset);
        let whole = self.shape_in_item(&shape)?;
        let kind = if field.ty() == Type::Record {
            let repeats = if shape.is_empty() {
                self.repeats.clone()
            } else {
                Repeats::new(self.repeats.iter().copied().chain([Repeat { count, strides: [size] }]).collect())
            };
            // The item itself has no name that its fields share.
            let record = (field.name().is_some() || path.len() > 0).then(|| Arc::new(path));
            let outer = (
                core::mem::replace(&mut self.base, base),
                core::mem::replace(&mut self.elements, elements),
                core::mem::replace(&mut self.record, record),
                core::mem::replace(&mut self.repeats, repeats),
                core::mem::replace(&mut self.shape, whole),
            );
            let record = self.add_record(field)?;
            (self.base, self.elements, self.record, self.repeats, self.shape) = outer;
            record
        } else {
            let codec = ScalarCodec::of(field)?;
            self.leaves.push(Leaf::new(path, base, codec, count, self.repeats.clone(), whole)?);
            NodeKind::Value(codec)
        };
        let shape = (!shape.is_empty()).then(|| shape.into());
        Ok(PlanNode { offset, size, count, shape, kind })
    }

    /// Returns the shape of a field in the item: the shape of the current record, followed by `shape`, the dimensions
    /// of the field in the record. Returns an error if the shapes of the added leaves exceed a limit.
    fn shape_in_item(&mut self, shape: &[usize]) -> Result<Arc<[usize]>, DecodeError> {
        if shape.is_empty() {
            return Ok(Arc::clone(&self.shape));
        }
        let bytes = |dimensions: usize| to_u64(dimensions.saturating_mul(size_of::<usize>()));
        self.names.own = self.names.own.saturating_add(bytes(shape.len()));
        self.shapes = self.shapes.saturating_add(bytes(self.shape.len().saturating_add(shape.len())));
        self.names.check(self.shapes)?;
        Ok([&*self.shape, shape].concat().into())
    }

    /// Compiles the fields of the record `field`, and adds the leaves of these fields to `leaves`. Returns an error if
    /// a limit is exceeded, or if a size is larger than the address space.
    fn add_record(&mut self, field: Field<'_>) -> Result<NodeKind, DecodeError> {
        let mut names: Vec<Name> = Vec::new();
        let mut nodes = Vec::new();
        for (index, child) in field.fields().enumerate() {
            // NumPy uses the same names for fields without a name.
            let name = child.name().map_or_else(|| Cow::Owned(alloc::format!("f{index}").into_bytes()), Cow::Borrowed);
            let path = FieldPath::new(self.record.clone(), &name);
            self.names.own = self.names.own.saturating_add(to_u64(name.len())).saturating_add(1);
            self.names.dotted = self.names.dotted.saturating_add(to_u64(path.len()));
            nodes.push(self.add_field(child, path)?);
            names.push(child.name().map(Vec::from));
        }
        Ok(NodeKind::Record(names.into(), nodes))
    }
}

impl PlanNode {
    /// Returns the range of bytes that all elements of this field occupy, as offsets from the start of the enclosing
    /// record.
    fn range(&self) -> core::ops::Range<usize> {
        self.offset..self.offset.saturating_add(self.size.saturating_mul(self.count))
    }

    /// Decodes this field from `record`, the bytes of the enclosing record. `memory` allocates the vectors and records
    /// a failed allocation.
    fn value(&self, record: &[u8], memory: &mut ValueMemory) -> Value {
        let bytes = record.get(self.range());
        debug_assert!(bytes.is_some(), "a field is outside its record");
        // A layout has no field outside its record. If a bug creates such a field, missing bytes count as 0, as in
        // `ScalarCodec::value`.
        let bytes = bytes.unwrap_or(&[]);
        let Some(shape) = &self.shape else { return self.element(bytes, memory) };
        let mut values = Vec::new();
        if let Some(reserved) = memory.vec(self.count) {
            values = reserved;
            if self.size == 0 {
                values.extend(core::iter::repeat_with(|| self.element(&[], memory)).take(self.count));
            } else {
                values.extend(bytes.chunks_exact(self.size).map(|element| self.element(element, memory)));
            }
        }
        Value::Array(ArrayValue { shape: shape.clone(), values })
    }

    /// Decodes one element of this field from `bytes`, the bytes of the element. `memory` allocates the vectors and
    /// records a failed allocation.
    #[inline]
    fn element(&self, bytes: &[u8], memory: &mut ValueMemory) -> Value {
        match &self.kind {
            NodeKind::Value(codec) => codec.decode(bytes, memory),
            NodeKind::Record(names, nodes) => {
                let mut values = Vec::new();
                if let Some(reserved) = memory.vec(nodes.len()) {
                    values = reserved;
                    values.extend(nodes.iter().map(|node| node.value(bytes, memory)));
                }
                Value::Record(RecordValue { names: names.clone(), values })
            }
        }
    }

    /// Encodes `value` into the bytes of this field in `record`, the bytes of the enclosing record. Returns an error
    /// if the field cannot represent `value`, see [`Plan::encode`]. After an error, a part of the field may be
    /// overwritten.
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

    /// Encodes `value` into `bytes`, the bytes of one element of this field. Returns an error if the element cannot
    /// represent `value`, see [`Plan::encode`].
    fn store_element(&self, value: &Value, bytes: &mut [u8]) -> Result<(), EncodeError> {
        match (&self.kind, value) {
            (NodeKind::Value(codec), value) => Ok(codec.store(value, bytes)?),
            (NodeKind::Record(names, nodes), Value::Record(record)) => {
                check_count(record.values.len(), nodes.len(), "field")?;
                for (index, ((node, name), value)) in nodes.iter().zip(&**names).zip(&record.values).enumerate() {
                    node.store(value, bytes).map_err(|error| error.inside(&display_name(name, index)))?;
                }
                Ok(())
            }
            (NodeKind::Record(..), value) => {
                Err(EncodeErrorKind::Kind { found: value.kind(), wanted: "a record" }.into())
            }
        }
    }
}

/// Returns `Ok` if the numbers `found` and `wanted` are equal, and an error otherwise. `unit` names the counted things
/// in the error message: "element" or "field".
fn check_count(found: usize, wanted: usize, unit: &'static str) -> Result<(), EncodeError> {
    let (found, wanted) = (to_u64(found), to_u64(wanted));
    if found == wanted { Ok(()) } else { Err(EncodeErrorKind::Count { found, wanted, unit }.into()) }
}

/// Creates the error for a field outside its record. Only a bug causes this error, because a layout has no such field.
fn outside() -> DecodeError {
    DecodeError::internal("a field is outside its record")
}

/// Converts `size`, a size, offset or count of a layout, to `usize`. Returns an error if `size` is larger than
/// `isize::MAX`, the largest size of an allocation.
fn to_usize(size: u64) -> Result<usize, DecodeError> {
    match usize::try_from(size) {
        Ok(size) if isize::try_from(size).is_ok() => Ok(size),
        _ => Err(DecodeError::Allocation { bytes: size }),
    }
}

/// Returns the leaves of `plan` that `names` selects, in the order of `names`. Returns an error if one of `names` is
/// not the name of exactly one leaf, or if there are more than four `names` and the dotted names of all leaves exceed a
/// limit.
pub(super) fn select_leaves<'p>(plan: &'p Plan, names: &impl FieldNames) -> Result<Vec<&'p Leaf>, DecodeError> {
    let Some(names) = names.names() else { return Ok(plan.leaves.iter().collect()) };
    // Each search for one of a few names costs less than sorting all leaves.
    let sorted = if names.len() > 4 { Some(leaves_by_name(plan)?) } else { None };
    let find = |name: &&[u8]| {
        let Some(sorted) = &sorted else { return leaf_named(plan, name) };
        let first = sorted.partition_point(|(own, _)| **own < **name);
        let same = sorted.iter().skip(first).take_while(|(own, _)| **own == **name).map(|(_, leaf)| *leaf);
        only_leaf_named(same, name)
    };
    names.iter().map(find).collect()
}

/// Returns the leaf of `plan` with the dotted name `name`. Returns [`DecodeError::NoField`] if no leaf has this name,
/// and [`DecodeError::RepeatedName`] if several leaves have it.
pub(super) fn leaf_named<'p>(plan: &'p Plan, name: &[u8]) -> Result<&'p Leaf, DecodeError> {
    only_leaf_named(plan.leaves.iter().filter(|leaf| leaf.path.is(name)), name)
}

/// Returns the only leaf of `found`, the leaves with the dotted name `name`. Returns an error if `found` has no leaf or
/// several leaves.
fn only_leaf_named<'p>(mut found: impl Iterator<Item = &'p Leaf>, name: &[u8]) -> Result<&'p Leaf, DecodeError> {
    let leaf = found.next().ok_or_else(|| DecodeError::NoField { name: Box::from(name) })?;
    if found.next().is_some() {
        return Err(DecodeError::RepeatedName { name: Box::from(name) });
    }
    Ok(leaf)
}

/// The dotted name of a leaf, and the leaf.
type NamedLeaf<'p> = (Cow<'p, [u8]>, &'p Leaf);

/// Returns the dotted name and the leaf of each leaf of `plan`, sorted by name. Leaves with equal names are in the
/// order of the format. Returns an error if the dotted names exceed a limit.
pub(super) fn leaves_by_name(plan: &Plan) -> Result<Vec<NamedLeaf<'_>>, DecodeError> {
    plan.check_names()?;
    let mut sorted: Vec<NamedLeaf<'_>> = plan.leaves.iter().map(|leaf| (leaf.name(), leaf)).collect();
    sorted.sort_by(|(first, _), (second, _)| first.cmp(second));
    Ok(sorted)
}

/// Returns the elements of [`Plan::leaves`] with the indices `indices`, in the order of `indices`. Returns all leaves
/// if `indices` is `None`. Returns [`DecodeError::NoField`] with a name such as `f7` if an index is out of bounds.
pub(super) fn select_leaves_by_index<'p>(
    plan: &'p Plan,
    indices: Option<&[usize]>,
) -> Result<Vec<&'p Leaf>, DecodeError> {
    let Some(indices) = indices else { return Ok(plan.leaves.iter().collect()) };
    let find = |index: &usize| {
        let none = || DecodeError::NoField { name: alloc::format!("f{index}").into_bytes().into() };
        plan.leaves.get(*index).ok_or_else(none)
    };
    indices.iter().map(find).collect()
}

/// Returns the escaped name of a field for error messages. `index` is the index of the field in its record. A field
/// without a name gets the name `f` followed by `index`, such as `f0`.
pub(super) fn display_name(name: &Name, index: usize) -> String {
    match name {
        Some(name) => crate::text::escape(name).into_owned(),
        None => alloc::format!("f{index}"),
    }
}
