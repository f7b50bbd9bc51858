//! `open`: from a Python object to items whose layout is known.

use std::any::Any;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyMemoryView, PyWeakrefReference};

use super::acquire::{Acquired, SharedView};
use super::cache::{Cache, hash};
use super::type_layout::{self, Kind, TypeLayout, type_layout};
use crate::abi::DataModel;
use crate::decode::{Buffer, BufferMut, DecodeError, EncodeError, Plan};
use crate::layout::{
    Ambiguity, Certainty, Comparison, Dialect, Equivalence, Field, Interpretation, Layout, LayoutError, Scalar, Target,
    Type, reconcile,
};
use crate::view::{Checked, Checker, ItemLayout, Report, Request, View};

/// The longest chain of memoryviews that is followed to the exporter.
const CHAIN: usize = 16;
/// Descriptions that are cached, and their cost in bytes.
const CACHED: usize = 256;
const CACHED_BYTES: usize = 16 << 20;

/// Who holds the references behind the pointers of items of format `O`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectReferences {
    /// The owner is unknown: the pointers may be any bytes.
    Unknown,
    /// The memory: each pointer that is not NULL is a reference of its own. NumPy's arrays of objects.
    Memory,
    /// The exporter, beside the memory: an array of `ctypes.py_object`.
    Exporter,
}

/// The layout of an item, and everything that is derived from it. Shared by all views of such items.
#[derive(Debug)]
pub struct ItemDescription {
    layout: Layout,
    plan: Plan,
    format: Box<[u8]>,
    dialect: Option<&'static Dialect>,
    rule: &'static str,
    certainty: Certainty,
    objects: ObjectReferences,
    typed_pointers: bool,
    attachment: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl ItemDescription {
    fn new(
        layout: Layout,
        format: Vec<u8>,
        dialect: Option<&'static Dialect>,
        rule: &'static str,
        certainty: Certainty,
    ) -> Result<Self, DecodeError> {
        let (objects, typed_pointers) = (ObjectReferences::Unknown, format.contains(&b'&'));
        let (plan, format, attachment) = (Plan::new(&layout)?, format.into(), OnceLock::new());
        Ok(Self { layout, plan, format, dialect, rule, certainty, objects, typed_pointers, attachment })
    }

    /// The description of the items of a view, in a format; in one that says the same where it is `None`.
    fn of_view(view: &View<'_>, format: Option<Vec<u8>>, dialect: Option<&'static Dialect>) -> Result<Self, OpenError> {
        let model = &DataModel::HOST;
        let rule = dialect.map_or(Dialect::PEP3118.name, |dialect| dialect.name);
        let (layout, rule, certainty) = match view.item() {
            ItemLayout::Scalar(scalar) => (Layout::of_scalar(*scalar, model), rule, Certainty::Exact),
            ItemLayout::Interpretation(reading) => (reading.layout.clone(), reading.dialect.name, reading.certainty),
            ItemLayout::Ambiguous(ambiguity) => return Err(OpenError::Ambiguous(ambiguity.clone())),
            ItemLayout::Bytes => {
                let size = u64::try_from(view.itemsize()).map_err(|_| DecodeError::Allocation { bytes: u64::MAX })?;
                (Layout::of_bytes(size, model), rule, Certainty::Exact)
            }
        };
        Ok(match format {
            Some(format) => Self::new(layout, format, dialect, rule, certainty)?,
            None => Self::canonical(layout, certainty)?,
        })
    }

    /// The description of a layout in PEP 3118's own format, which leaves nothing to interpretation.
    fn canonical(layout: Layout, certainty: Certainty) -> Result<Self, DecodeError> {
        let format = canonical_format(&layout);
        Self::new(layout, format, Some(&Dialect::PEP3118), Dialect::PEP3118.name, certainty)
    }

    /// The description of a layout that is certain.
    ///
    /// # Errors
    /// - as [`Plan::new`]
    pub fn of_layout(layout: Layout) -> Result<Arc<Self>, DecodeError> {
        Self::canonical(layout, Certainty::Exact).map(Arc::new)
    }

    /// The description of an element of a field.
    ///
    /// # Errors
    /// - as [`Plan::new`]
    pub fn of_field(&self, field: Field<'_>) -> Result<Arc<Self>, DecodeError> {
        let element = Self::canonical(field.element_layout(), self.certainty)?;
        Ok(Arc::new(Self { objects: self.objects, typed_pointers: self.typed_pointers, ..element }))
    }

    /// The description of a format that the caller gives.
    ///
    /// # Errors
    /// - a format that cannot be read, or is ambiguous
    pub fn of_format(format: &[u8], dialect: Option<&'static Dialect>) -> Result<Arc<Self>, OpenError> {
        let key = KeyRef { source: Source::Given(dialect), format: Some(format), itemsize: -1 };
        if let Some(found) = key.find(None) {
            return Ok(found);
        }
        let reading = reconcile(format, None, dialect, &DataModel::HOST)?;
        let (rule, certainty) = (reading.dialect.name, reading.certainty);
        let item = Arc::new(Self::new(reading.layout, format.to_vec(), dialect, rule, certainty)?);
        key.insert(&item, Guard::None);
        Ok(item)
    }

    /// The layout of an item.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The item as one field.
    #[must_use]
    pub fn item(&self) -> Field<'_> {
        self.layout.item()
    }

    /// The plan by which items are read and written.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The format: that of the exporter or the caller, or one that says the same.
    #[must_use]
    pub fn format(&self) -> &[u8] {
        &self.format
    }

    /// The dialect of the format, where it is known.
    #[must_use]
    pub fn dialect(&self) -> Option<&'static Dialect> {
        self.dialect
    }

    /// The name of the dialect by which the format was interpreted.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        self.rule
    }

    /// The certainty of the interpretation.
    #[must_use]
    pub fn certainty(&self) -> Certainty {
        self.certainty
    }

    /// Who holds the references of items of format `O`.
    #[must_use]
    pub fn objects(&self) -> ObjectReferences {
        self.objects
    }

    /// Whether the format has addresses of typed data, which a reader follows: `&<i`.
    #[must_use]
    pub fn has_typed_pointers(&self) -> bool {
        self.typed_pointers
    }

    /// The value of type `T` that the caller stores beside the description, made by `make` the first time.
    /// Each description has one, so that a program uses one type.
    pub fn attached<T: Send + Sync + 'static>(&self, make: impl FnOnce() -> T) -> Option<&T> {
        self.attachment.get_or_init(|| Box::new(make())).downcast_ref()
    }

    /// An estimate of the memory that it takes.
    fn cost(&self) -> usize {
        let leaves = self.plan.leaves().len().saturating_mul(512);
        self.format.len().saturating_mul(2).saturating_add(leaves).saturating_add(1024)
    }
}

/// A format for a layout: PEP 3118's, or, for a layout that has none, a string of bytes.
#[must_use]
pub fn canonical_format(layout: &Layout) -> Vec<u8> {
    layout.emit(Target::Canonical).unwrap_or_else(|_| format!("{}s", layout.size()).into_bytes())
}

/// The reason why an object is not opened.
#[derive(Debug)]
pub enum OpenError {
    /// An exception, mostly the exporter's.
    Raised(PyErr),
    /// The exporter breaks rules of the protocol.
    Rules(Report),
    /// The format has several interpretations that fit.
    Ambiguous(Ambiguity),
}

impl From<PyErr> for OpenError {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

impl From<DecodeError> for OpenError {
    fn from(error: DecodeError) -> Self {
        Self::Raised(error.into())
    }
}

impl From<LayoutError> for OpenError {
    fn from(error: LayoutError) -> Self {
        match error.ambiguity() {
            Some(ambiguity) => Self::Ambiguous(ambiguity.clone()),
            None => Self::Raised(error.into()),
        }
    }
}

/// `BufferError` for broken rules, and `ValueError` for an ambiguous format.
impl From<OpenError> for PyErr {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Raised(error) => error,
            OpenError::Rules(report) => report.into(),
            OpenError::Ambiguous(ambiguity) => DecodeError::Ambiguous(ambiguity).into(),
        }
    }
}

/// A buffer and its items.
#[derive(Debug)]
pub struct OpenBuffer {
    shared: SharedView<Acquired>,
    item: Arc<ItemDescription>,
}

impl OpenBuffer {
    /// The arrangement of the items. What they are is in [`item`](Self::item).
    #[must_use]
    pub fn view(&self) -> &View<'static> {
        self.shared.view()
    }

    /// The description of an item.
    #[must_use]
    pub fn item(&self) -> &Arc<ItemDescription> {
        &self.item
    }

    /// The buffer.
    #[must_use]
    pub fn acquired(&self) -> &Acquired {
        self.shared.acquired()
    }

    #[doc(hidden)]
    #[must_use]
    pub fn into_parts(self) -> (SharedView<Acquired>, Arc<ItemDescription>) {
        (self.shared, self.item)
    }

    /// The items, to be read.
    ///
    /// # Errors
    /// - as [`SharedView::buffer`]
    pub fn buffer(&self) -> Result<Buffer<'_>, DecodeError> {
        self.shared.buffer(self.item.plan())
    }

    /// The items, to be written.
    ///
    /// # Errors
    /// - as [`SharedView::buffer_mut`]
    pub fn buffer_mut(&self) -> Result<BufferMut<'_>, EncodeError> {
        self.shared.buffer_mut(self.item.plan())
    }
}

/// Opens an exporter for reading, and for writing where it lets itself be written.
///
/// The layout of an item is that of the exporter's type where the type declares it (a NumPy dtype, a ctypes
/// class, an `array.array`), else that of the exporter's format, in the dialect of its producer where that is
/// known. Layouts are cached by type, format and itemsize.
///
/// ```
/// use pyo3::prelude::*;
/// use pyo3::types::PyByteArray;
/// # Python::initialize();
/// Python::attach(|py| {
///     let memory = PyByteArray::new(py, b"abc");
///     let open = pep3118::py::open(memory.as_any())?;
///     assert_eq!(open.view().shape(), [3]);
///     assert_eq!(open.buffer()?.to_vec::<u8>(pep3118::Order::C)?, b"abc");
/// #   Ok::<(), PyErr>(())
/// })?;
/// # Ok::<(), PyErr>(())
/// ```
///
/// # Errors
/// - `TypeError` for `1`, which exports nothing
/// - an exporter that breaks the rules of the protocol so that it cannot be read: `BufferError`
/// - a format with several interpretations that fit: `ValueError`
pub fn open(exporter: &Bound<'_, PyAny>) -> PyResult<OpenBuffer> {
    Ok(open_as(exporter, None, None, &|_, _| None)?)
}

/// What a program knows of its own exporters: the dialect of the format of one, and `None` for any other object.
pub type Producer<'p> = dyn Fn(&Bound<'_, PyAny>, Option<&[u8]>) -> Option<Option<&'static Dialect>> + 'p;

/// The same with a format or a dialect that the caller gives.
///
/// # Errors
/// - as [`open`]
pub fn open_as(
    exporter: &Bound<'_, PyAny>,
    format: Option<&[u8]>,
    dialect: Option<&'static Dialect>,
    producer: &Producer<'_>,
) -> Result<OpenBuffer, OpenError> {
    let py = exporter.py();
    let acquired = match Acquired::new(exporter, Request::FULL_RO) {
        // Some exporters can report everything but the format, which is given.
        Err(error) if format.is_some() && !error.is_instance_of::<PyTypeError>(py) => {
            Acquired::new(exporter, Request::INDIRECT).map_err(|_| error)?
        }
        acquired => acquired?,
    };
    let item = describe(exporter, &acquired, format, dialect, producer)?;
    // A given format is rare, so the common case is the one that copies no view.
    if format.is_none()
        && let Some(view) = acquired.direct_geometry()
    {
        return Ok(OpenBuffer { shared: SharedView::new(acquired, view), item });
    }
    let mut view = acquired.geometry().map_err(OpenError::Rules)?;
    // Other items must not be written over references.
    if format.is_some() && has_references(acquired.raw().format) {
        view = view.to_readonly();
    }
    Ok(OpenBuffer { shared: SharedView::new(acquired, view), item })
}

/// Returns the description of the items of a buffer, from its slot if it has one.
#[inline]
fn describe(
    exporter: &Bound<'_, PyAny>,
    acquired: &Acquired,
    format: Option<&[u8]>,
    dialect: Option<&'static Dialect>,
    producer: &Producer<'_>,
) -> Result<Arc<ItemDescription>, OpenError> {
    let raw = acquired.raw();
    let slot = if format.is_none() && dialect.is_none() { Slot::of(exporter, raw.format) } else { None };
    if let Some(item) = slot.and_then(|slot| slot.0.get())
        && u64::try_from(raw.itemsize) == Ok(item.layout.size())
    {
        return Ok(Arc::clone(item));
    }
    let item = describe_any(exporter, acquired, format, dialect, producer)?;
    if let Some(slot) = slot {
        slot.fill(&item, raw.format);
    }
    Ok(item)
}

/// The general case of [`describe`].
fn describe_any(
    exporter: &Bound<'_, PyAny>,
    acquired: &Acquired,
    format: Option<&[u8]>,
    dialect: Option<&'static Dialect>,
    producer: &Producer<'_>,
) -> Result<Arc<ItemDescription>, OpenError> {
    let raw = acquired.raw();
    let Ok(itemsize) = u64::try_from(raw.itemsize) else { return by_format(acquired, None, dialect) };
    if let Some(format) = format {
        let _: Interpretation = reconcile(format, Some(itemsize), dialect, &DataModel::HOST)?;
        return by_format(acquired, Some(format), dialect);
    }
    if dialect.is_some() || is_number(raw.format, itemsize) {
        return by_format(acquired, None, dialect);
    }
    // The type of the object in `obj` decides: the exporter that passes on the buffer of another does not
    // describe its memory.
    let owner = match exporter.cast_exact::<PyMemoryView>() {
        Ok(view) => Some(view.as_any().clone()),
        Err(_) => acquired.exporter(exporter.py()),
    };
    let Some(owner) = owner else { return by_format(acquired, None, None) };
    let kind = type_layout::kind(&owner)?;
    // The object that decides the layout, and how long the cache may rely on its address.
    let (source, guard) = match kind {
        Kind::NumPy => {
            let Some(dtype) = type_layout::array_dtype(&owner)? else { return by_producer(acquired, &owner, producer) };
            (dtype.as_ptr().addr(), Guard::Strong(dtype.unbind()))
        }
        Kind::Ctypes => {
            let class = owner.get_type();
            (class.as_ptr().addr(), Guard::Weak(PyWeakrefReference::new(class.as_any())?.unbind()))
        }
        // No object has such an address.
        Kind::Bytes => (1, Guard::None),
        Kind::Array => (2, Guard::None),
        _ => (0, Guard::None),
    };
    let key = KeyRef { source: Source::Type(source), format: raw.format, itemsize: raw.itemsize };
    if source != 0
        && let Some(item) = key.find(Some(&guard))
    {
        return Ok(item);
    }
    let Some(declared) = type_layout(&owner)? else { return by_producer(acquired, &owner, producer) };
    if declared.layout.size() != itemsize {
        return by_format(acquired, None, Some(declared.dialect));
    }
    let item = Arc::new(declared_items(acquired, declared)?);
    if source != 0 {
        key.insert(&item, guard);
    }
    Ok(item)
}

/// Whether the format of the exporter has references to objects, or cannot be read.
fn has_references(format: Option<&[u8]>) -> bool {
    let Some(format) = format.filter(|format| format.contains(&b'O')) else { return false };
    let has = |layout: &Layout| {
        Plan::new(layout).is_ok_and(|plan| plan.leaves().iter().any(|leaf| leaf.ty() == Type::Object))
    };
    reconcile(format, None, None, &DataModel::HOST).map_or(true, |reading| has(&reading.layout))
}

/// Opens an exporter whose type declares no layout.
fn by_producer(
    acquired: &Acquired,
    owner: &Bound<'_, PyAny>,
    producer: &Producer<'_>,
) -> Result<Arc<ItemDescription>, OpenError> {
    let mut root = owner.clone();
    for _ in 0..CHAIN {
        let Ok(view) = root.cast_exact::<PyMemoryView>() else { break };
        root = view.getattr("obj")?;
    }
    if let Some(dialect) = producer(&root, acquired.raw().format) {
        return by_format(acquired, None, dialect);
    }
    let cython = type_layout::kind(&root)? == Kind::Cython;
    by_format(acquired, None, cython.then_some(&Dialect::CYTHON))
}

/// The description of items by the format of the exporter, or by one that is given.
fn by_format(
    acquired: &Acquired,
    format: Option<&[u8]>,
    dialect: Option<&'static Dialect>,
) -> Result<Arc<ItemDescription>, OpenError> {
    let source = if format.is_some() { Source::Given(dialect) } else { Source::Format(dialect) };
    let raw = acquired.raw();
    let key = KeyRef { source, format: format.or(raw.format), itemsize: raw.itemsize };
    if let Some(item) = key.find(None) {
        return Ok(item);
    }
    let checker = Checker { dialect, ..Checker::DEFAULT };
    let Checked { report, view } = acquired.validate(&checker, format);
    let Some(view) = view else { return Err(OpenError::Rules(report)) };
    let item = Arc::new(ItemDescription::of_view(&view, key.format.map(<[u8]>::to_vec), dialect)?);
    // Where no structure was requested the items are bytes, whatever the itemsize.
    if view.itemsize() == key.itemsize {
        key.insert(&item, Guard::None);
    }
    Ok(item)
}

/// The items that the type of the exporter declares. If the format contradicts them, they get another.
fn declared_items(acquired: &Acquired, declared: TypeLayout) -> Result<ItemDescription, OpenError> {
    let TypeLayout { layout, dialect, source } = declared;
    let agrees = |format: &&[u8]| {
        let reading = reconcile(format, Some(layout.size()), Some(dialect), &DataModel::HOST);
        reading.is_ok_and(|reading| {
            Comparison::of_layouts(&reading.layout, &layout).equivalence >= Some(Equivalence::Scalars)
        })
    };
    let (format, own) = match acquired.raw().format.filter(agrees) {
        Some(format) => (format.to_vec(), dialect),
        None => (canonical_format(&layout), &Dialect::PEP3118),
    };
    let objects = match source {
        "numpy.dtype" => ObjectReferences::Memory,
        "ctypes" => ObjectReferences::Exporter,
        _ => ObjectReferences::Unknown,
    };
    let item = ItemDescription::new(layout, format, Some(own), dialect.name, Certainty::Exact)?;
    Ok(ItemDescription { objects: if shares_bytes(&item) { ObjectReferences::Unknown } else { objects }, ..item })
}

/// Whether a pointer to an object shares bytes with another field, as in a union: then writing the other
/// field changes it.
fn shares_bytes(item: &ItemDescription) -> bool {
    let leaves = item.plan.leaves();
    let is_object = |leaf: &&crate::decode::Leaf| leaf.ty() == Type::Object;
    if !leaves.iter().any(|leaf| is_object(&leaf)) {
        return false;
    }
    item.layout.has_overlaps()
}

/// Whether the format is that of one number, which means the same in every dialect. `B` is also how ctypes
/// writes a union, and an address needs the type of its owner.
fn is_number(format: Option<&[u8]>, itemsize: u64) -> bool {
    let scalar = Scalar::recognize(format.unwrap_or(b"B"), &DataModel::HOST);
    scalar.is_some_and(|scalar| {
        let address =
            matches!(scalar.ty, Type::Object | Type::Pointer | Type::CharPointer | Type::WcharPointer | Type::Function);
        scalar.size == itemsize && scalar.ty != Type::UInt8 && !address
    })
}

/// The origin of a layout.
#[derive(Clone, Copy, Debug)]
enum Source {
    /// The exporter's format, in a dialect.
    Format(Option<&'static Dialect>),
    /// A format of the caller, in a dialect.
    Given(Option<&'static Dialect>),
    /// A dtype or a class, by its address.
    Type(usize),
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        let same = |one: Option<&'static Dialect>, other: Option<&'static Dialect>| match (one, other) {
            (None, None) => true,
            (Some(one), Some(other)) => one.name == other.name,
            _ => false,
        };
        match (*self, *other) {
            (Self::Format(one), Self::Format(other)) | (Self::Given(one), Self::Given(other)) => same(one, other),
            (Self::Type(one), Self::Type(other)) => one == other,
            _ => false,
        }
    }
}

/// The key of a cached description.
#[derive(Debug, PartialEq)]
struct Key {
    source: Source,
    format: Option<Box<[u8]>>,
    itemsize: i64,
}

/// The same, borrowed.
#[derive(Clone, Copy)]
struct KeyRef<'k> {
    source: Source,
    format: Option<&'k [u8]>,
    itemsize: i64,
}

/// What makes sure that an address is still that of the same object.
#[derive(Debug)]
enum Guard {
    /// The key has no address.
    None,
    /// The object is kept alive: a dtype, which refers to no memory.
    Strong(Py<PyAny>),
    /// A class, which may be part of a cycle, is referred to weakly.
    Weak(Py<PyWeakrefReference>),
}

/// Locked while no Python code runs.
static DESCRIPTIONS: Mutex<Cache<Key, (Arc<ItemDescription>, Guard)>> = Mutex::new(Cache::new(CACHED, CACHED_BYTES));

/// A description that is found without a lock and is never dropped.
struct Slot(OnceLock<Arc<ItemDescription>>);

/// The descriptions of numbers by their format of one code: `d`, then `<d`.
static NUMBERS: [[Slot; 128]; 2] = [const { [const { Slot(OnceLock::new()) }; 128] }; 2];

/// The description of the items of `bytes` and `bytearray`.
static BYTES: Slot = Slot(OnceLock::new());

impl Slot {
    /// Returns the slot for the items of an exporter whose format is `format`. Returns `None` if no slot is for
    /// such items.
    #[inline]
    fn of(exporter: &Bound<'_, PyAny>, format: Option<&[u8]>) -> Option<&'static Self> {
        let [native, little] = &NUMBERS;
        match format? {
            // Other exporters use `B` for items that are not numbers, as ctypes does for unions.
            [b'B'] if type_layout::is_bytes(exporter) => Some(&BYTES),
            [b'B'] | [b'<', b'B'] => None,
            [code] => native.get(usize::from(*code)),
            [b'<', code] => little.get(usize::from(*code)),
            _ => None,
        }
    }

    /// Stores a description, unless the meaning of its format depends on the exporter.
    #[cold]
    fn fill(&self, item: &Arc<ItemDescription>, format: Option<&[u8]>) {
        if std::ptr::eq(self, &raw const BYTES) || is_number(format, item.layout.size()) {
            // Another thread may have stored an equal description.
            let _: Result<(), Arc<ItemDescription>> = self.0.set(Arc::clone(item));
        }
    }
}

impl KeyRef<'_> {
    fn hash(&self) -> u64 {
        let address = match self.source {
            Source::Type(address) => u64::try_from(address).unwrap_or(0),
            Source::Format(None) => 1,
            Source::Given(None) => 2,
            Source::Format(Some(dialect)) => hash(&[3], dialect.name.as_bytes()),
            Source::Given(Some(dialect)) => hash(&[4], dialect.name.as_bytes()),
        };
        hash(&[address, self.itemsize.unsigned_abs()], self.format.unwrap_or_default())
    }

    fn is(&self, key: &Key) -> bool {
        self.itemsize == key.itemsize && self.source == key.source && self.format == key.format.as_deref()
    }

    /// The description, if it is cached. `guard` is the object whose address is in the key, in a `Strong` or
    /// `Weak` of the caller.
    fn find(&self, guard: Option<&Guard>) -> Option<Arc<ItemDescription>> {
        let mut cache = DESCRIPTIONS.lock().unwrap_or_else(PoisonError::into_inner);
        let (item, cached) = cache.get(self.hash(), |key| self.is(key))?;
        // A weak reference to a class is the same object as long as the class lives.
        let same = match (cached, guard) {
            (Guard::None, _) => true,
            (Guard::Strong(cached), Some(Guard::Strong(own))) => cached.is(own),
            (Guard::Weak(cached), Some(Guard::Weak(own))) => cached.is(own),
            _ => false,
        };
        same.then(|| Arc::clone(item))
    }

    fn insert(&self, item: &Arc<ItemDescription>, guard: Guard) {
        let key = Key { source: self.source, format: self.format.map(Box::from), itemsize: self.itemsize };
        let mut cache = DESCRIPTIONS.lock().unwrap_or_else(PoisonError::into_inner);
        let replaced = cache.insert(self.hash(), key, (Arc::clone(item), guard), item.cost());
        drop(cache);
        drop(replaced);
    }
}
