//! `open` and `open_as` request a buffer from a Python object, and determine the layout of its items. `open_items` and
//! `open_described` take the layout from the caller. All functions except `open_described` also open an object without
//! buffers, through DLPack or `__array_interface__`.

use std::sync::Arc;

use super::fallible;
use crate::name;
use pyo3::exceptions::{PyBufferError, PyException, PyMemoryError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyMemoryView;

use super::acquire::{Acquired, SharedView, is_exporter};
use super::array_interface::open_array_interface;
use super::description_cache::{Guard, KeyRef, Slot, Source, is_number};
use super::dlpack::DlpackMemory;
use super::from_dtype::from_dtype;
use super::item_description::{ItemDescription, ObjectReferences, canonical_format};
use super::open_buffer::OpenBuffer;
use super::open_error::{ItemSizeError, OpenError};
use super::type_layout::{self, Kind, TypeLayout, type_layout};
use crate::abi::DataModel;
use crate::decode::Plan;
use crate::layout::{Certainty, Comparison, Dialect, Equivalence, Layout, Type, reconcile};
use crate::view::{Checked, Checker, ItemLayout, Order, Request};

/// The largest number of nested memoryviews that is followed to find the exporter. The `obj` of a memoryview can be
/// another memoryview.
const CHAIN: usize = 16;
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
/// - the exporter breaks a rule of the protocol, so that its items cannot be read, or has an invalid format:
///   `BufferError`
/// - the memory of a tensor is not on the processor, or an `__array_interface__` gives an address: `BufferError`
/// - no layout describes the dtype of a NumPy array whose dtype has no format: `ValueError`
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
    if u64::try_from(acquired.raw().itemsize) != Ok(item.layout().size()) {
        return Ok(open_bytes_of_scalar(acquired, item)?);
    }
    // Most views need no further check. They are returned here, because each further move of a view between functions
    // would copy more than 200 bytes.
    if let Some(view) = acquired.direct_geometry() {
        return Ok(OpenBuffer { shared: SharedView::new(acquired, view), item });
    }
    let view = acquired.geometry().map_err(OpenError::Rules)?;
    Ok(OpenBuffer { shared: SharedView::new(acquired, view), item })
}

/// Opens `acquired`, the buffer of a NumPy scalar that exports its bytes, such as `numpy.datetime64`. The view has no
/// dimension and one item of the description `item`. If the size of `item` is not the size of the bytes, the view keeps
/// its bytes, and the exporter's format describes them.
///
/// # Errors
/// - the exporter breaks a rule of the protocol, so that its items cannot be read
#[cold]
fn open_bytes_of_scalar(acquired: Acquired, item: Arc<ItemDescription>) -> Result<OpenBuffer, OpenError> {
    let bytes = acquired.geometry().map_err(OpenError::Rules)?;
    let size = i64::try_from(item.layout().size()).ok();
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
            let Some(acquired) = acquire_without_format(exporter, &refusal) else {
                return match dlpack_of_refused(exporter, &refusal)? {
                    Some(memory) => open_items(&memory, describe),
                    None => Err(refusal.into()),
                };
            };
            let dtype = type_layout::array_dtype(exporter)?;
            let has_objects = dtype.map(|dtype| dtype.getattr(name!(exporter.py(), "hasobject"))?.is_truthy());
            (acquired, has_objects.transpose()? == Some(true))
        }
    };
    let mut view = acquired.geometry().map_err(OpenError::Rules)?;
    let format = acquired.raw().format;
    let is_bytes = view.itemsize() == 1 && is_byte(format);
    // The itemsize of a view is not negative, so the conversion does not fail.
    let item = describe(u64::try_from(view.itemsize()).ok().filter(|_| !is_bytes))?;
    let wanted = item.layout().size();
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
/// describes. Returns `None` if the buffer has another format or another itemsize. Does not use DLPack or
/// `__array_interface__`: an object without buffers is a `TypeError`.
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
    if raw.format != Some(format) || u64::try_from(raw.itemsize) != Ok(item.layout().size()) {
        return Ok(None);
    }
    let view = acquired.geometry().map_err(OpenError::Rules)?;
    Ok(Some(OpenBuffer { shared: SharedView::new(acquired, view), item: Arc::clone(item) }))
}

/// Opens `exporter` after a refused request. `refusal` is the exception of this request. If `exporter` has no buffers,
/// or has memory by DLPack, uses another protocol. Otherwise requests a buffer without a format. The other arguments
/// are the arguments of [`open_as`].
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
        return match dlpack_of_refused(exporter, &refusal)? {
            Some(memory) => open_as(&memory, dialect, producer),
            None => open_without_format(exporter, refusal),
        };
    }
    if let Some(memory) = DlpackMemory::of(exporter)? {
        return open_as(&memory, dialect, producer);
    }
    open_array_interface(exporter)?.ok_or_else(|| refusal.into())
}

/// Returns the memory of `exporter` by DLPack after its buffer was refused with the exception `refusal`. The arrays of
/// jaxlib, for example, refuse a buffer of `bfloat16`, and export the memory by DLPack. Returns `None` if `exporter` is
/// an array of NumPy or has no memory by DLPack. `refusal` is then the reason that the caller reports.
///
/// # Errors
/// - no memory, or an exception such as `KeyboardInterrupt`: the exception is returned unchanged
#[cold]
fn dlpack_of_refused<'py>(exporter: &Bound<'py, PyAny>, refusal: &PyErr) -> PyResult<Option<Bound<'py, DlpackMemory>>> {
    let py = exporter.py();
    if !refusal.is_instance_of::<PyBufferError>(py) || type_layout::array_dtype(exporter)?.is_some() {
        return Ok(None);
    }
    match DlpackMemory::of(exporter) {
        Err(error) if error.is_instance_of::<PyException>(py) && !error.is_instance_of::<PyMemoryError>(py) => Ok(None),
        memory => memory,
    }
}

/// Opens `exporter`, which has no buffers, through another protocol. `refusal` is the exception that `exporter` raised
/// for the request for a buffer. `describe` is the argument of [`open_items`].
///
/// # Errors
/// - `exporter` does not support another protocol: `refusal`
/// - the items have another size than the described items: [`OpenError::ItemSize`]
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
    let item = describe(Some(declared.layout().size()))?;
    let (wanted, view) = (item.layout().size(), shared.view());
    if wanted != declared.layout().size() {
        let (len, itemsize) = (view.len(), view.itemsize());
        return Err(OpenError::ItemSize(ItemSizeError { len, itemsize, wanted, is_contiguous: false }));
    }
    Ok(OpenBuffer { shared, item })
}

/// Requests a buffer without a format from `exporter`. `refusal` is the exception that `exporter` raised for a request
/// with a format. Returns `None` if the format is not the reason of `refusal`, or if `exporter` also refuses the
/// request without a format.
fn acquire_without_format(exporter: &Bound<'_, PyAny>, refusal: &PyErr) -> Option<Acquired> {
    let py = exporter.py();
    let refuses_format = refusal.is_instance_of::<PyBufferError>(py)
        || refusal.is_instance_of::<PyValueError>(py)
        // NumPy's scalars raise `TypeError` if another package defines their type.
        || refusal.is_instance_of::<PyTypeError>(py);
    if refuses_format { Acquired::new(exporter, Request::INDIRECT).ok() } else { None }
}

/// Opens `exporter` without a format. `refusal` is the exception that `exporter` raised for a request with a format.
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
/// dtype `dtype`. Returns an error if the dtype has no layout or has values of a type of another package, or if the
/// size of the dtype is not the itemsize.
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
        return Err(fallible::error::<PyValueError>(message).into());
    }
    if i64::try_from(layout.size()) != Ok(raw.itemsize) {
        let message =
            format!("the dtype has items of {} bytes, and the array of {} bytes", layout.size(), raw.itemsize);
        return Err(fallible::error::<PyBufferError>(message).into());
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
        && u64::try_from(raw.itemsize) == Ok(item.layout().size())
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

/// Returns the description of the items of `acquired`, in the dialect that `producer` returns for `owner`, or for the
/// exporter of nested memoryviews if `owner` is a memoryview. If `producer` does not know the object, uses Cython's
/// dialect for arrays of Cython, and no dialect for all other objects. `owner` is the object in `Py_buffer.obj`. The
/// type of `owner` declares no layout. Returns an error if no layout can be determined.
fn by_producer(
    acquired: &Acquired,
    owner: &Bound<'_, PyAny>,
    producer: &Producer<'_>,
) -> Result<Arc<ItemDescription>, OpenError> {
    let mut root = owner.clone();
    for _ in 0..CHAIN {
        let Ok(view) = root.cast_exact::<PyMemoryView>() else { break };
        root = view.getattr(name!(view.py(), "obj"))?;
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
    Ok(item.with_objects(if unowned { ObjectReferences::Unknown } else { objects }))
}

/// Returns whether `item` has a pointer to an object and fields that share bytes, as in a union. A write to another
/// field can then change the pointer.
fn shares_bytes(item: &ItemDescription) -> bool {
    let leaves = item.plan().leaves();
    let is_object = |leaf: &&crate::decode::Leaf| leaf.ty() == Type::Object;
    if !leaves.iter().any(|leaf| is_object(&leaf)) {
        return false;
    }
    item.layout().has_overlaps()
}
