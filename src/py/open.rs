//! `open`, `open_as` and `open_items` request a buffer from a Python object, and determine the layout of its items.
//! `ItemDescription` is the layout of an item with its plan, and `OpenBuffer` is the opened buffer. An object without
//! buffers is opened through DLPack or `__array_interface__`.

use crate::align::to_u64;
use std::any::Any;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use pyo3::exceptions::{PyBufferError, PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyMemoryView;

use super::acquire::{Acquired, SharedView, is_exporter};
use super::array_interface::open_array_interface;
use super::cache::{Cache, hash};
use super::dlpack::DlpackMemory;
use super::from_dtype::from_dtype;
use super::type_layout::{self, Kind, TypeLayout, type_layout};
use crate::abi::DataModel;
use crate::decode::{Buffer, BufferMut, DecodeError, EncodeError, Plan};
use crate::layout::{
    Ambiguity, Certainty, Comparison, Dialect, Equivalence, Field, Layout, LayoutError, Scalar, Target, Type, reconcile,
};
use crate::text::plural;
use crate::view::{Checked, Checker, ItemLayout, Order, Report, Request, View};

/// The largest number of nested memoryviews that is followed to find the exporter. The `obj` of a memoryview can be
/// another memoryview.
const CHAIN: usize = 16;
/// The largest number of cached descriptions.
const CACHED: usize = 256;
/// The largest sum of the sizes of all cached descriptions, in bytes.
pub(super) const CACHED_BYTES: usize = 16 << 20;

/// The owner of the references in items of format `O`. Such an item is a pointer to a Python object.
///
/// ```
/// use pep3118::py::ObjectReferences;
/// use pyo3::prelude::*;
/// # Python::initialize();
/// Python::attach(|py| {
///     let objects = py.eval(c"(__import__('ctypes').py_object * 2)(1, 2)", None, None)?;
///     assert_eq!(pep3118::py::open(&objects)?.item().objects(), ObjectReferences::Exporter);
/// #   Ok::<(), PyErr>(())
/// })?;
/// # Ok::<(), PyErr>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectReferences {
    /// The owner is unknown. An item may contain any bytes, and must not be used as a pointer.
    Unknown,
    /// The memory owns the references: each pointer that is not NULL is one reference, as in NumPy's object arrays.
    Memory,
    /// The exporter owns the references, outside of the memory, as an array of `ctypes.py_object` does.
    Exporter,
}

/// The layout of an item, with its format, dialect and [`Plan`]. All views of items with this layout share one
/// `ItemDescription`.
///
/// ```
/// use pep3118::py::ItemDescription;
/// use pep3118::{Certainty, DataModel, Dialect, Layout};
/// use std::sync::Arc;
/// # pyo3::Python::initialize();
/// let item = ItemDescription::of_format(b"T{<h:id:<d:price:}", Some(10), Some(&Dialect::PEP3118))?;
/// assert_eq!((item.layout().size(), item.plan().leaves().len()), (10, 2));
/// assert_eq!((item.format(), item.rule()), (&b"T{<h:id:<d:price:}"[..], Dialect::PEP3118.name));
/// assert_eq!(item.dialect(), Some(&Dialect::PEP3118));
/// assert_eq!((item.certainty(), item.has_typed_pointers()), (Certainty::Exact, false));
///
/// // Descriptions of a field, and of a layout without a format.
/// let price = item.of_field(item.item().field("price").expect("the record has the field"))?;
/// assert_eq!(price.format(), b"<d");
/// let bytes = ItemDescription::of_layout(Layout::read(b"4s", &Dialect::PEP3118, &DataModel::HOST)?)?;
/// assert_eq!(bytes.format(), b"4s");
///
/// // The second call returns the stored value.
/// let leaves = || item.plan().leaves().len();
/// assert_eq!((item.attached(leaves), item.attached(|| 0_usize)), (Some(&2), Some(&2)));
/// # Ok::<(), pyo3::PyErr>(())
/// ```
#[derive(Debug)]
pub struct ItemDescription {
    layout: Layout,
    plan: Plan,
    format: Box<[u8]>,
    dialect: Option<&'static Dialect>,
    /// The name of the dialect that gave the layout.
    rule: &'static str,
    certainty: Certainty,
    objects: ObjectReferences,
    /// Whether the format has pointers to typed data, as in `&<i`.
    typed_pointers: bool,
    /// The values that [`attached`](Self::attached) stores.
    attachments: Attachments,
}

/// The largest number of values that are attached to one description.
const ATTACHED: usize = 16;

/// A list of values of different types. A new value is appended, and no value is removed before the list is dropped.
#[derive(Debug, Default)]
struct Attachments(OnceLock<Box<Attachment>>);

/// An element of [`Attachments`].
#[derive(Debug)]
struct Attachment {
    value: Box<dyn Any + Send + Sync>,
    /// The rest of the list.
    next: Attachments,
}

impl ItemDescription {
    /// Creates the description of `layout`. The other parameters become the results of the methods with the same names.
    /// Returns an error if [`Plan::new`] returns an error.
    fn new(
        layout: Layout,
        format: Vec<u8>,
        dialect: Option<&'static Dialect>,
        rule: &'static str,
        certainty: Certainty,
    ) -> Result<Self, DecodeError> {
        // The value of an item that is only padding, such as a pixel of `3x`, consists of the bytes of the item. A
        // record without fields, such as `T{3x}`, is an empty record.
        let is_padding = layout.size() > 0 && layout.fields().next().is_none();
        let layout = if is_padding { Layout::of_bytes(layout.size(), &DataModel::HOST) } else { layout };
        let (objects, typed_pointers) = (ObjectReferences::Unknown, format.contains(&b'&'));
        let (plan, format, attachments) = (Plan::new(&layout)?, format.into(), Attachments::default());
        Ok(Self { layout, plan, format, dialect, rule, certainty, objects, typed_pointers, attachments })
    }

    /// Creates the description of the items of `view`. `format` is the format of the description. `None` means the
    /// canonical format of the layout. `dialect` is the dialect of `format`. Returns an error if the format is
    /// ambiguous, or if the layout has no plan.
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

    /// Creates the description of `layout` with its canonical format of PEP 3118. `certainty` is the certainty of the
    /// layout. Returns an error if [`Plan::new`] returns an error.
    fn canonical(layout: Layout, certainty: Certainty) -> Result<Self, DecodeError> {
        let format = canonical_format(&layout);
        Self::new(layout, format, Some(&Dialect::PEP3118), Dialect::PEP3118.name, certainty)
    }

    /// Creates the description of `layout` with the certainty [`Certainty::Exact`].
    ///
    /// # Errors
    /// - every error of [`Plan::new`]
    pub fn of_layout(layout: Layout) -> Result<Arc<Self>, DecodeError> {
        Self::canonical(layout, Certainty::Exact).map(Arc::new)
    }

    /// Creates the description of `layout`, which the caller of the package has given. `format` is the format that has
    /// this layout on this machine in the dialect `dialect`. `None` means the canonical format of the layout. `rule` is
    /// the name of the dialect that gave the layout, and `certainty` the certainty of the layout.
    ///
    /// # Errors
    /// - every error of [`Plan::new`]
    #[doc(hidden)]
    pub fn given(
        layout: Layout,
        format: Option<(&[u8], &'static Dialect)>,
        rule: &'static str,
        certainty: Certainty,
    ) -> Result<Arc<Self>, DecodeError> {
        let (format, dialect) = match format {
            Some((format, dialect)) => (format.to_vec(), dialect),
            None => (canonical_format(&layout), &Dialect::PEP3118),
        };
        Self::new(layout, format, Some(dialect), rule, certainty).map(Arc::new)
    }

    /// Creates the description of `layout`, which has only fields of this description's layout. The result has the
    /// owner of references to objects and the certainty of this description.
    ///
    /// # Errors
    /// - every error of [`Plan::new`]
    #[doc(hidden)]
    pub fn of_part(&self, layout: Layout) -> Result<Arc<Self>, DecodeError> {
        let part = Self::canonical(layout, self.certainty)?;
        Ok(Arc::new(Self { objects: self.objects, typed_pointers: self.typed_pointers, ..part }))
    }

    /// Creates the description of one element of `field`. `field` must be a field of this description's layout.
    ///
    /// # Errors
    /// - every error of [`Plan::new`]
    pub fn of_field(&self, field: Field<'_>) -> Result<Arc<Self>, DecodeError> {
        self.of_part(field.element_layout())
    }

    /// Returns the description of items with the format `format` in the dialect `dialect`. `itemsize` is the size of
    /// an item in bytes. `None` means that the itemsize or the dialect is unknown.
    ///
    /// # Errors
    /// - `format` cannot be parsed, has another size than `itemsize`, or is ambiguous
    pub fn of_format(
        format: &[u8],
        itemsize: Option<u64>,
        dialect: Option<&'static Dialect>,
    ) -> Result<Arc<Self>, OpenError> {
        // No item has more than `i64::MAX` bytes. A larger `itemsize` is an error of `reconcile`, and is not cached.
        let known = itemsize.map_or(Some(-1), |itemsize| i64::try_from(itemsize).ok());
        let key = KeyRef { source: Source::Given(dialect), format: Some(format), itemsize: known.unwrap_or(-1) };
        if known.is_some()
            && let Some(found) = key.find()
        {
            return Ok(found);
        }
        let reading = reconcile(format, itemsize, dialect, &DataModel::HOST)?;
        let (rule, certainty) = (reading.dialect.name, reading.certainty);
        let item = Arc::new(Self::new(reading.layout, format.to_vec(), dialect, rule, certainty)?);
        if known.is_some() {
            key.insert(&item, Guard::None);
        }
        Ok(item)
    }

    /// Returns the layout of an item.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Returns the item as one field.
    #[must_use]
    pub fn item(&self) -> Field<'_> {
        self.layout.item()
    }

    /// Returns the plan that reads and writes items.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Returns the format of the exporter, or the format that the caller gave. If no such format describes the item,
    /// returns the canonical format of the layout.
    #[must_use]
    pub fn format(&self) -> &[u8] {
        &self.format
    }

    /// Returns the dialect of the format. Returns `None` if the dialect is unknown.
    #[must_use]
    pub fn dialect(&self) -> Option<&'static Dialect> {
        self.dialect
    }

    /// Returns the name of the dialect in which the format was interpreted.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        self.rule
    }

    /// Returns the certainty that the exporter uses this layout.
    #[must_use]
    pub fn certainty(&self) -> Certainty {
        self.certainty
    }

    /// Returns the owner of the references in items of format `O`.
    #[must_use]
    pub fn objects(&self) -> ObjectReferences {
        self.objects
    }

    /// Returns `true` if the format has addresses of typed data, as in `&<i`. A reader follows these addresses.
    #[must_use]
    pub fn has_typed_pointers(&self) -> bool {
        self.typed_pointers
    }

    /// Returns the value of type `T` that is stored in the description. If no value of this type is stored, stores the
    /// result of `make` first. Returns `None` if 16 values of other types are stored, because a description stores no
    /// more.
    pub fn attached<T: Send + Sync + 'static>(&self, make: impl Fn() -> T) -> Option<&T> {
        let mut list = &self.attachments;
        for _ in 0..ATTACHED {
            let create = || Box::new(Attachment { value: Box::new(make()), next: Attachments::default() });
            let attachment = list.0.get_or_init(create);
            if let Some(value) = attachment.value.downcast_ref() {
                return Some(value);
            }
            list = &attachment.next;
        }
        None
    }

    /// Returns an estimate of the memory of the description, in bytes.
    pub(super) fn cost(&self) -> usize {
        let leaves = self.plan.leaves().len().saturating_mul(512);
        self.format.len().saturating_mul(2).saturating_add(leaves).saturating_add(1024)
    }
}

/// Returns the canonical format of `layout` in the dialect PEP 3118. If the layout has no such format, returns the
/// format of a byte string of the same size, such as `8s`.
#[must_use]
pub fn canonical_format(layout: &Layout) -> Vec<u8> {
    layout.emit(Target::Canonical).unwrap_or_else(|_| format!("{}s", layout.size()).into_bytes())
}

/// The reason why an object is not opened.
///
/// ```
/// use pep3118::py::{ItemDescription, OpenError};
/// let error = ItemDescription::of_format(b"T{<h:id:", None, None).unwrap_err();
/// assert!(matches!(error, OpenError::Format(_)));
/// ```
#[derive(Debug)]
pub enum OpenError {
    /// An exception, usually from the exporter.
    Raised(PyErr),
    /// The exporter breaks rules of the protocol.
    Rules(Report),
    /// The format has several interpretations with the itemsize of the buffer.
    Ambiguous(Ambiguity),
    /// The format is invalid, or has another size than the itemsize.
    Format(LayoutError),
    /// The items that the caller has given do not fit the memory.
    ItemSize(ItemSizeError),
}

/// The sizes of a buffer whose memory does not have the size of the items that the caller has given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemSizeError {
    /// The size of the memory in bytes.
    pub len: i64,
    /// The size in bytes of the items that the exporter describes.
    pub itemsize: i64,
    /// The size in bytes of the items that the caller has given.
    pub wanted: u64,
    /// Whether the exporter describes the memory as bytes that are contiguous in C order.
    pub is_contiguous: bool,
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
            None => Self::Format(error),
        }
    }
}

/// Broken rules become `BufferError`, and an ambiguous format becomes `ValueError`.
impl From<OpenError> for PyErr {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Raised(error) => error,
            OpenError::Rules(report) => report.into(),
            OpenError::Ambiguous(ambiguity) => DecodeError::Ambiguous(ambiguity).into(),
            OpenError::Format(error) => error.into(),
            OpenError::ItemSize(ItemSizeError { len, itemsize, wanted, .. }) => PyValueError::new_err(format!(
                "{} with items of {} are not memory of items of {}",
                plural(len, "byte"),
                plural(itemsize, "byte"),
                plural(wanted, "byte"),
            )),
        }
    }
}

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

/// Requests a buffer of `exporter`, and determines the layout of its items. The result can be written to if the memory
/// is writable.
///
/// The layout of an item is the layout that the exporter's type declares: a NumPy dtype, a ctypes class, an
/// `array.array`. For any other type, the layout is read from the exporter's format, in the dialect of the
/// producer if the producer is known. Layouts are cached by type, format and itemsize.
///
/// Two other protocols are used for an object without buffers: `__dlpack__`, which tensors have, and an
/// `__array_interface__` whose `data` exports a buffer. For a NumPy array whose dtype has no format, such as a record
/// with overlapping fields, a buffer without a format is requested.
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
/// - the object exports no buffer, such as `1`: `TypeError`
/// - the exporter breaks a rule of the protocol, so that its items cannot be read: `BufferError`
/// - the format has several interpretations with the itemsize of the exporter: `ValueError`
pub fn open(exporter: &Bound<'_, PyAny>) -> PyResult<OpenBuffer> {
    open_or(exporter, None, &|_, _| None)
}

/// A function of the caller that recognizes the caller's own exporters. The arguments are an object and the format of
/// the object's buffer.
///
/// | result | meaning |
/// |--|--|
/// | `None` | The object is not an exporter of the caller. |
/// | `Some(None)` | The object is an exporter of the caller, and the dialect of the format is unknown. |
/// | `Some(Some(dialect))` | The object is an exporter of the caller, and the format is in `dialect`. |
pub type Producer<'p> = dyn Fn(&Bound<'_, PyAny>, Option<&[u8]>) -> Option<Option<&'static Dialect>> + 'p;

/// Requests a buffer of `exporter`, and determines the layout of its items. `dialect` is the dialect of the exporter's
/// format, or `None` if the dialect is unknown. `producer` returns the dialect for the caller's own exporters, see
/// [`Producer`].
///
/// # Errors
/// - every error of [`open`]
pub fn open_as(
    exporter: &Bound<'_, PyAny>,
    dialect: Option<&'static Dialect>,
    producer: &Producer<'_>,
) -> Result<OpenBuffer, OpenError> {
    open_or(exporter, dialect, producer)
}

/// Does the work of [`open_as`]. The caller chooses the type of the error, so that a successful result is not copied to
/// change this type.
#[inline]
fn open_or<E: From<OpenError>>(
    exporter: &Bound<'_, PyAny>,
    dialect: Option<&'static Dialect>,
    producer: &Producer<'_>,
) -> Result<OpenBuffer, E> {
    let acquired = match Acquired::new(exporter, Request::FULL_RO) {
        Ok(acquired) => acquired,
        Err(refusal) => return Ok(open_refused(exporter, refusal, dialect, producer)?),
    };
    let item = describe(exporter, &acquired, dialect, producer)?;
    if u64::try_from(acquired.raw().itemsize) != Ok(item.layout.size()) {
        return Ok(open_bytes_of_scalar(acquired, item)?);
    }
    // The common case returns early, because each move of a view copies more than 200 bytes.
    if let Some(view) = acquired.direct_geometry() {
        return Ok(OpenBuffer { shared: SharedView::new(acquired, view), item });
    }
    let view = acquired.geometry().map_err(OpenError::Rules)?;
    Ok(OpenBuffer { shared: SharedView::new(acquired, view), item })
}

/// Opens `acquired`, the buffer of a NumPy scalar that exports its bytes, such as `numpy.datetime64`. The view has no
/// dimension and one item of the description `item`.
///
/// # Errors
/// - the exporter breaks a rule of the protocol, so that its items cannot be read
#[cold]
fn open_bytes_of_scalar(acquired: Acquired, item: Arc<ItemDescription>) -> Result<OpenBuffer, OpenError> {
    let bytes = acquired.geometry().map_err(OpenError::Rules)?;
    let size = i64::try_from(item.layout.size()).ok();
    match size.map(|size| bytes.cast(ItemLayout::Bytes, size, Some(&[]))) {
        Some(Ok(view)) => Ok(OpenBuffer { shared: SharedView::new(acquired, view), item }),
        _ => Ok(OpenBuffer { item: by_format(&acquired, None)?, shared: SharedView::new(acquired, bytes) }),
    }
}

/// Requests a buffer of `exporter`, and replaces the description of the items with the result of `describe`. The
/// argument of `describe` is the itemsize of the exporter in bytes, or `None` if the exporter exports bytes. Bytes can
/// be the memory of any items. If the new items are larger than a byte, bytes become one dimension of items. If the
/// exporter has references to objects, the result is read-only.
///
/// # Errors
/// - the object exports no buffer, such as `1`: `TypeError`
/// - the exporter breaks a rule of the protocol, so that its items cannot be read
/// - an error of `describe`
/// - the memory does not have the size of the new items: `OpenError::ItemSize`
pub fn open_items(
    exporter: &Bound<'_, PyAny>,
    describe: impl FnOnce(Option<u64>) -> Result<Arc<ItemDescription>, OpenError>,
) -> Result<OpenBuffer, OpenError> {
    let (acquired, has_references) = match Acquired::new(exporter, Request::FULL_RO) {
        Ok(acquired) => {
            let has_references = declares_references(acquired.raw().format);
            (acquired, has_references)
        }
        Err(refusal) if !is_exporter(exporter) => return open_items_of_protocol(exporter, refusal, describe),
        // Some exporters refuse only requests for the format, which is not needed here.
        Err(refusal) => {
            let Some(acquired) = acquire_without_format(exporter, &refusal) else { return Err(refusal.into()) };
            let dtype = type_layout::array_dtype(exporter)?;
            let has_objects = dtype.map(|dtype| dtype.getattr(intern!(exporter.py(), "hasobject"))?.is_truthy());
            (acquired, has_objects.transpose()? == Some(true))
        }
    };
    let mut view = acquired.geometry().map_err(OpenError::Rules)?;
    let format = acquired.raw().format;
    let is_bytes = view.itemsize() == 1 && is_byte(format);
    // The itemsize of a view is not negative, so the conversion does not fail.
    let item = describe(u64::try_from(view.itemsize()).ok().filter(|_| !is_bytes))?;
    let wanted = item.layout.size();
    let size = i64::try_from(wanted).ok();
    if size != Some(view.itemsize()) {
        let (len, itemsize) = (view.len(), view.itemsize());
        let is_contiguous = is_bytes && view.is_contiguous(Order::C);
        let error = OpenError::ItemSize(ItemSizeError { len, itemsize, wanted, is_contiguous });
        let cast = size.filter(|_| is_contiguous).map(|size| view.cast(ItemLayout::Bytes, size, None));
        let Some(Ok(cast)) = cast else { return Err(error) };
        view = cast;
    }
    // A write of other items would overwrite references to objects.
    if has_references {
        view = view.to_readonly();
    }
    Ok(OpenBuffer { shared: SharedView::new(acquired, view), item })
}

/// Requests a buffer of `exporter`, and uses the description `item` for the items. `format` is the format that `item`
/// describes. Returns `None` if the buffer has another format or another itemsize.
///
/// # Errors
/// - every error of [`open`], except the errors about a format
pub fn open_described(
    exporter: &Bound<'_, PyAny>,
    item: &Arc<ItemDescription>,
    format: &[u8],
) -> Result<Option<OpenBuffer>, OpenError> {
    let acquired = Acquired::new(exporter, Request::FULL_RO)?;
    let raw = acquired.raw();
    if raw.format != Some(format) || u64::try_from(raw.itemsize) != Ok(item.layout.size()) {
        return Ok(None);
    }
    let view = acquired.geometry().map_err(OpenError::Rules)?;
    Ok(Some(OpenBuffer { shared: SharedView::new(acquired, view), item: Arc::clone(item) }))
}

/// Opens `exporter` after a refused request. `refusal` is the exception of this request. If `exporter` has no buffers,
/// uses another protocol. Otherwise requests a buffer without a format. The other arguments are the arguments of
/// [`open_as`].
///
/// # Errors
/// - every error of [`open_as`]
#[cold]
fn open_refused(
    exporter: &Bound<'_, PyAny>,
    refusal: PyErr,
    dialect: Option<&'static Dialect>,
    producer: &Producer<'_>,
) -> Result<OpenBuffer, OpenError> {
    if is_exporter(exporter) {
        return open_without_format(exporter, refusal);
    }
    if let Some(memory) = DlpackMemory::of(exporter)? {
        return open_as(&memory, dialect, producer);
    }
    open_array_interface(exporter)?.ok_or_else(|| refusal.into())
}

/// Opens `exporter`, which has no buffers, through another protocol. `refusal` is the exception of the request for a
/// buffer. `describe` is the argument of [`open_items`].
///
/// # Errors
/// - every error of [`open_items`]
#[cold]
fn open_items_of_protocol(
    exporter: &Bound<'_, PyAny>,
    refusal: PyErr,
    describe: impl FnOnce(Option<u64>) -> Result<Arc<ItemDescription>, OpenError>,
) -> Result<OpenBuffer, OpenError> {
    if let Some(memory) = DlpackMemory::of(exporter)? {
        return open_items(&memory, describe);
    }
    let Some(OpenBuffer { shared, item: declared }) = open_array_interface(exporter)? else {
        return Err(refusal.into());
    };
    let item = describe(Some(declared.layout.size()))?;
    let (wanted, view) = (item.layout.size(), shared.view());
    if wanted != declared.layout.size() {
        let (len, itemsize) = (view.len(), view.itemsize());
        return Err(OpenError::ItemSize(ItemSizeError { len, itemsize, wanted, is_contiguous: false }));
    }
    Ok(OpenBuffer { shared, item })
}

/// Requests a buffer without a format from `exporter`. `refusal` is the exception of a refused request for the format.
/// Returns `None` if the format is not the reason of `refusal`, or if `exporter` also refuses the request without a
/// format.
fn acquire_without_format(exporter: &Bound<'_, PyAny>, refusal: &PyErr) -> Option<Acquired> {
    let py = exporter.py();
    let refuses_format = refusal.is_instance_of::<PyBufferError>(py)
        || refusal.is_instance_of::<PyValueError>(py)
        // NumPy's scalars raise `TypeError` if another package defines their type.
        || refusal.is_instance_of::<PyTypeError>(py);
    if refuses_format { Acquired::new(exporter, Request::INDIRECT).ok() } else { None }
}

/// Opens `exporter` without a format. `refusal` is the exception of a refused request for the format.
///
/// NumPy refuses to write a format for dates and for the types of other packages. NumPy also refuses fields that share
/// bytes, and fields that are not in the order of their offsets. NumPy answers a request without `FORMAT`, and the
/// dtype declares the layout.
///
/// # Errors
/// - `exporter` is not a NumPy array or scalar: `refusal`
/// - `exporter` also refuses the request without `FORMAT`: `refusal`
/// - a dtype without a layout, such as `StringDType`: `ValueError`, with `refusal` as its cause
#[cold]
fn open_without_format(exporter: &Bound<'_, PyAny>, refusal: PyErr) -> Result<OpenBuffer, OpenError> {
    let (acquired, dtype) = match (acquire_without_format(exporter, &refusal), type_layout::array_dtype(exporter)?) {
        (Some(acquired), Some(dtype)) => (acquired, dtype),
        _ => return Err(refusal.into()),
    };
    let item = items_of_dtype(&acquired, &dtype).inspect_err(|error| {
        if let OpenError::Raised(error) = error {
            error.set_cause(exporter.py(), Some(refusal));
        }
    })?;
    let view = acquired.geometry().map_err(OpenError::Rules)?;
    Ok(OpenBuffer { shared: SharedView::new(acquired, view), item })
}

/// Returns the description of the items of `acquired`. The buffer has no format, and the exporter is an array with the
/// dtype `dtype`. Returns an error if the dtype has no layout, or if the size of the dtype is not the itemsize.
fn items_of_dtype(acquired: &Acquired, dtype: &Bound<'_, PyAny>) -> Result<Arc<ItemDescription>, OpenError> {
    let (raw, guard) = (acquired.raw(), Guard::Strong { _dtype: dtype.clone().unbind() });
    let key = KeyRef { source: Source::Type(dtype.as_ptr().addr()), format: raw.format, itemsize: raw.itemsize };
    if let Some(item) = key.find() {
        return Ok(item);
    }
    let layout = from_dtype(dtype)?;
    if layout.leaves().any(|(_, leaf)| leaf.ty() == Type::Opaque && leaf.user_type().is_none()) {
        let message = format!(
            "dtype {dtype} has values of a type of another package, which a View does not read: use array.view('u1') \
             for the bytes"
        );
        return Err(PyValueError::new_err(message).into());
    }
    if i64::try_from(layout.size()) != Ok(raw.itemsize) {
        let message =
            format!("the dtype has items of {} bytes, and the array of {} bytes", layout.size(), raw.itemsize);
        return Err(PyBufferError::new_err(message).into());
    }
    let declared = TypeLayout { layout, dialect: &Dialect::NUMPY, source: "numpy.dtype" };
    let item = Arc::new(declared_items(acquired, declared)?);
    key.insert(&item, guard);
    Ok(item)
}

/// Returns whether `format` declares items of plain bytes. Returns `true` for `B`, `b` and `c`, with or without a
/// byte-order character, and for `None`.
fn is_byte(format: Option<&[u8]>) -> bool {
    let Some(format) = format else { return true };
    matches!(format, [b'B' | b'b' | b'c'] | [b'@' | b'=' | b'<' | b'>' | b'!' | b'|', b'B' | b'b' | b'c'])
}

/// Returns the description of the items of `acquired`, a buffer of `exporter`. `dialect` and `producer` are the
/// arguments of [`open_as`]. If the format has a [`Slot`], the description in the slot is returned. Returns an error if
/// no layout can be determined.
#[inline]
fn describe(
    exporter: &Bound<'_, PyAny>,
    acquired: &Acquired,
    dialect: Option<&'static Dialect>,
    producer: &Producer<'_>,
) -> Result<Arc<ItemDescription>, OpenError> {
    let raw = acquired.raw();
    let slot = if dialect.is_none() { Slot::of(exporter, raw.format) } else { None };
    if let Some(item) = slot.and_then(|slot| slot.0.get())
        && u64::try_from(raw.itemsize) == Ok(item.layout.size())
    {
        return Ok(Arc::clone(item));
    }
    let item = describe_any(exporter, acquired, dialect, producer)?;
    if let Some(slot) = slot {
        slot.fill(&item, raw.format);
    }
    Ok(item)
}

/// Returns the description of the items of `acquired` for [`describe`], without the use of a [`Slot`]. `dialect` and
/// `producer` are the arguments of `describe`. Returns an error if no layout can be determined.
fn describe_any(
    exporter: &Bound<'_, PyAny>,
    acquired: &Acquired,
    dialect: Option<&'static Dialect>,
    producer: &Producer<'_>,
) -> Result<Arc<ItemDescription>, OpenError> {
    let raw = acquired.raw();
    let Ok(itemsize) = u64::try_from(raw.itemsize) else { return by_format(acquired, dialect) };
    if dialect.is_some() || is_number(raw.format, itemsize) {
        return by_format(acquired, dialect);
    }
    // The type of the object in `Py_buffer.obj` declares the layout. The type of `exporter` does not, because an
    // exporter can pass on the buffer of another object.
    let owner = match exporter.cast_exact::<PyMemoryView>() {
        Ok(view) => Some(view.as_any().clone()),
        Err(_) => acquired.exporter(exporter.py()),
    };
    let Some(owner) = owner else { return by_format(acquired, None) };
    let (kind, item) = type_layout::declaration(&owner, raw.format, raw.itemsize)?;
    if let Some(item) = item {
        return Ok(item);
    }
    // `source` has the address of the dtype that declares the layout. `guard` keeps the dtype alive, so that the
    // address still belongs to this dtype when the cache finds the entry later.
    let (source, guard) = match kind {
        Kind::NumPy => {
            let Some(dtype) = type_layout::array_dtype(&owner)? else { return by_producer(acquired, &owner, producer) };
            (dtype.as_ptr().addr(), Guard::Strong { _dtype: dtype.unbind() })
        }
        // The keys 1 and 2 cannot be confused with addresses of objects.
        Kind::Bytes => (1, Guard::None),
        Kind::Array => (2, Guard::None),
        _ => (0, Guard::None),
    };
    let key = KeyRef { source: Source::Type(source), format: raw.format, itemsize: raw.itemsize };
    if source != 0
        && let Some(item) = key.find()
    {
        return Ok(item);
    }
    let Some(declared) = type_layout(&owner)? else { return by_producer(acquired, &owner, producer) };
    // `numpy.datetime64` and `numpy.timedelta64` export their value as 8 bytes.
    let is_scalar_as_bytes =
        kind == Kind::NumPy && itemsize == 1 && Ok(declared.layout.size()) == u64::try_from(raw.len);
    if declared.layout.size() != itemsize && !is_scalar_as_bytes {
        return by_format(acquired, Some(declared.dialect));
    }
    let item = Arc::new(declared_items(acquired, declared)?);
    if source != 0 {
        key.insert(&item, guard);
    }
    if kind == Kind::Ctypes {
        type_layout::remember_items(&owner.get_type(), raw.format, raw.itemsize, &item)?;
    }
    Ok(item)
}

/// Returns whether `format` contains references to objects (code `O`). Also returns `true` if `format` contains the
/// character `O` but cannot be parsed. Returns `false` if `format` is `None`.
fn declares_references(format: Option<&[u8]>) -> bool {
    let Some(format) = format.filter(|format| format.contains(&b'O')) else { return false };
    let has = |layout: &Layout| {
        Plan::new(layout).is_ok_and(|plan| plan.leaves().iter().any(|leaf| leaf.ty() == Type::Object))
    };
    reconcile(format, None, None, &DataModel::HOST).map_or(true, |reading| has(&reading.layout))
}

/// Returns the description of the items of `acquired`, in the dialect that `producer` returns for `owner`. `owner` is
/// the object in `Py_buffer.obj`. The type of `owner` declares no layout. Returns an error if no layout can be
/// determined.
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
        return by_format(acquired, dialect);
    }
    let cython = type_layout::kind(&root)? == Kind::Cython;
    by_format(acquired, cython.then_some(&Dialect::CYTHON))
}

/// Returns the description of the items of `acquired`, in the dialect `dialect` of the exporter's format. A `dialect`
/// of `None` means that every dialect is possible. Returns an error if the items cannot be read, or if the format is
/// ambiguous.
fn by_format(acquired: &Acquired, dialect: Option<&'static Dialect>) -> Result<Arc<ItemDescription>, OpenError> {
    let raw = acquired.raw();
    let key = KeyRef { source: Source::Format(dialect), format: raw.format, itemsize: raw.itemsize };
    if let Some(item) = key.find() {
        return Ok(item);
    }
    let checker = Checker { dialect, ..Checker::DEFAULT };
    let Checked { report, view } = acquired.validate(&checker, None);
    let Some(view) = view else { return Err(OpenError::Rules(report)) };
    let item = Arc::new(ItemDescription::of_view(&view, key.format.map(<[u8]>::to_vec), dialect)?);
    // If the request had no structural flag, the view has items of one byte, although `itemsize` of the buffer can be
    // larger. The description of such a view is not cached.
    if view.itemsize() == key.itemsize {
        key.insert(&item, Guard::None);
    }
    Ok(item)
}

/// Returns the description of the items of `acquired`. `declared` is the layout that the exporter's type declares. If
/// the exporter's format contradicts this layout, the description has the canonical format of the layout. Returns an
/// error if the layout has no plan.
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
    // NumPy refuses a dtype in which an object shares bytes with another field. ctypes accepts such unions.
    let unowned = objects != ObjectReferences::Memory && shares_bytes(&item);
    Ok(ItemDescription { objects: if unowned { ObjectReferences::Unknown } else { objects }, ..item })
}

/// Returns whether `item` has a pointer to an object and fields that share bytes, as in a union. A write to another
/// field can then change the pointer.
fn shares_bytes(item: &ItemDescription) -> bool {
    let leaves = item.plan.leaves();
    let is_object = |leaf: &&crate::decode::Leaf| leaf.ty() == Type::Object;
    if !leaves.iter().any(|leaf| is_object(&leaf)) {
        return false;
    }
    item.layout.has_overlaps()
}

/// Returns whether `format` is the format of one number of `itemsize` bytes. All dialects give such a format the same
/// meaning. Returns `false` for `B` and for `None`, because ctypes writes `B` for a union. Also returns `false` for
/// addresses, because their meaning depends on the type of the owner.
fn is_number(format: Option<&[u8]>, itemsize: u64) -> bool {
    let scalar = Scalar::recognize(format.unwrap_or(b"B"), &DataModel::HOST);
    scalar.is_some_and(|scalar| {
        let address =
            matches!(scalar.ty, Type::Object | Type::Pointer | Type::CharPointer | Type::WcharPointer | Type::Function);
        scalar.size == itemsize && scalar.ty != Type::UInt8 && !address
    })
}

/// The source that a layout was read from.
#[derive(Clone, Copy, Debug)]
enum Source {
    /// The exporter's format in a dialect.
    Format(Option<&'static Dialect>),
    /// The format that the caller gave, in a dialect.
    Given(Option<&'static Dialect>),
    /// A dtype, identified by its address.
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

/// A borrowed [`Key`].
#[derive(Clone, Copy)]
struct KeyRef<'k> {
    source: Source,
    format: Option<&'k [u8]>,
    itemsize: i64,
}

/// Ensures that the address in a [`Key`] still belongs to the object that it belonged to when the entry was added.
#[derive(Debug)]
enum Guard {
    /// The key has no address.
    None,
    /// The cache keeps the object alive. The object is a dtype, which refers to no memory.
    Strong { _dtype: Py<PyAny> },
}

/// The cached descriptions. No Python code runs while the cache is locked.
static DESCRIPTIONS: Mutex<Cache<Key, (Arc<ItemDescription>, Guard)>> = Mutex::new(Cache::new(CACHED, CACHED_BYTES));

/// One cached description for a very common format, such as `d`. A lookup needs no lock, and the description is never
/// dropped.
struct Slot(OnceLock<Arc<ItemDescription>>);

/// The descriptions of numbers. The first array has the formats without byte order, such as `d`. The second array has
/// the little-endian formats, such as `<d`. The index in each array is the code as an ASCII number.
static NUMBERS: [[Slot; 128]; 2] = [const { [const { Slot(OnceLock::new()) }; 128] }; 2];

/// The description of the items of `bytes` and `bytearray`.
static BYTES: Slot = Slot(OnceLock::new());

impl Slot {
    /// Returns the slot for items that `exporter` describes by `format`. Returns `None` if the format has no slot.
    #[inline]
    fn of(exporter: &Bound<'_, PyAny>, format: Option<&[u8]>) -> Option<&'static Self> {
        let [native, little] = &NUMBERS;
        match format? {
            // For other exporters, `B` has no slot, because ctypes writes `B` also for a union.
            [b'B'] if type_layout::is_bytes(exporter) => Some(&BYTES),
            [b'B'] | [b'<', b'B'] => None,
            [code] => native.get(usize::from(*code)),
            [b'<', code] => little.get(usize::from(*code)),
            _ => None,
        }
    }

    /// Stores `item` in the slot if `format` has the same meaning for every exporter that uses the slot. Does nothing
    /// otherwise.
    #[cold]
    fn fill(&self, item: &Arc<ItemDescription>, format: Option<&[u8]>) {
        if std::ptr::eq(self, &raw const BYTES) || is_number(format, item.layout.size()) {
            // Another thread may have stored an equal description.
            let _: Result<(), Arc<ItemDescription>> = self.0.set(Arc::clone(item));
        }
    }
}

impl KeyRef<'_> {
    /// Returns the hash of the key for a lookup in the cache.
    fn hash(&self) -> u64 {
        let address = match self.source {
            Source::Type(address) => to_u64(address),
            Source::Format(None) => 1,
            Source::Given(None) => 2,
            Source::Format(Some(dialect)) => hash(&[3], dialect.name.as_bytes()),
            Source::Given(Some(dialect)) => hash(&[4], dialect.name.as_bytes()),
        };
        hash(&[address, self.itemsize.unsigned_abs()], self.format.unwrap_or_default())
    }

    /// Returns whether this key is equal to `key`.
    fn is(&self, key: &Key) -> bool {
        self.itemsize == key.itemsize && self.source == key.source && self.format == key.format.as_deref()
    }

    /// Returns the cached description for this key. Returns `None` if no description is cached.
    fn find(&self) -> Option<Arc<ItemDescription>> {
        let mut cache = DESCRIPTIONS.lock().unwrap_or_else(PoisonError::into_inner);
        cache.get(self.hash(), |key| self.is(key)).map(|(item, _)| Arc::clone(item))
    }

    /// Adds `item` to the cache under this key. `guard` must refer to the object whose address is in the key.
    fn insert(&self, item: &Arc<ItemDescription>, guard: Guard) {
        let key = Key { source: self.source, format: self.format.map(Box::from), itemsize: self.itemsize };
        let mut cache = DESCRIPTIONS.lock().unwrap_or_else(PoisonError::into_inner);
        let replaced = cache.insert(self.hash(), key, (Arc::clone(item), guard), item.cost());
        drop(cache);
        drop(replaced);
    }
}
