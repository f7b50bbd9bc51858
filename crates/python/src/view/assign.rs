//! Implements `view[key] = value`. All values are converted before the first byte is written.

use std::sync::Arc;

use pep3118::__private::escape;
use pep3118::layout::{Comparison, Equivalence, Type};
use pep3118::py::{Acquired, OpenBuffer};
use pep3118::view::Slice;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyFloat, PyInt, PyList, PyTuple};

use super::arrangement::Arrangement;
use super::class::View;
use super::construct;
use super::hold::{Hold, Pin};
use super::indexing::{Key, Target};
use super::numbers;
use super::part::{NewItems, Part, PinnedPart, Place, ReplacedReferences};
use crate::borrowed_bytes::BorrowedBytes;
use crate::objects::{self, is_refusal};
use crate::tuple_builder::of_list;
use crate::values::Codec;

/// Implements `view[key] = value`.
///
/// The meaning of `value` depends on whether the key selects one item or a part of the view:
///
/// | `value` | one item | a part |
/// |--|--|--|
/// | a list | the value of an item that is an array | one value for each item of the first dimension, in nested lists |
/// | a tuple, if the items are records | the value of the item | the value of every item |
/// | a tuple, if the items are not records | the value of an item that is an array | the same as a list |
/// | a buffer with dimensions | the value of the item | items to copy, of the same layout and shape |
/// | `bytes`, if the items are byte strings | the value of the item | the value of every item |
/// | any other object | the value of the item | the value of every item |
///
/// A conversion may run Python code that releases the view. The view is therefore *pinned*, that is kept from being
/// released, while the key selects items, and is pinned again after the value is converted.
///
/// # Errors
/// - the view is read-only: `TypeError`
/// - the view was released: `ValueError`
/// - the items cannot have the value: `ValueError` or `TypeError`
pub(super) fn assign(view: &View, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let (part, hold) = view.parts();
    drop(hold.pin()?);
    if part.view().readonly() {
        return Err(objects::error::<PyTypeError>("cannot modify read-only memory"));
    }
    let key = Key::new(key)?;
    if let Some(offset) = key.offset(part)? {
        return assign_item(part, hold, Place::Offset(offset), value);
    }
    if let Key::Slice(slice) = &key
        && !part.shape().is_empty()
    {
        if *slice == Slice::FULL {
            return if copy_buffer(part, part.view(), hold, value)? { Ok(()) } else { assign_part(part, hold, value) };
        }
        if copy_buffer(part, &part.view().slice(&[*slice])?, hold, value)? {
            return Ok(());
        }
    }
    let pin = hold.pin()?;
    let target = key.select(part, &pin)?;
    drop(pin);
    match target {
        Target::Item(indices) => assign_item(part, hold, Place::Indices(&indices), value),
        Target::Part(part) => assign_part(&part, hold, value),
        Target::Selection(selection) => selection.assign(part, hold, value),
    }
}

/// Assigns `value` to the item at `place` in `part`. `hold` is the reference of the view to its buffer. Returns an
/// error if `value` does not fit the item, or if the view was released.
#[inline]
fn assign_item(part: &Part, hold: &Hold, place: Place<'_>, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = value.py();
    if let Some(primitive) = part.primitive() {
        let mut item = [0; 16];
        if let Some(item) = item.get_mut(..primitive.size())
            && primitive.write(value, item)
        {
            return part.pinned(&hold.pin()?).store_plain(place, item);
        }
    }
    let mut new = NewItems::zeroed(py, part, 1)?;
    part.item()?.codec(py, part.description())?.write(value, new.bytes_mut())?;
    let mut old = ReplacedReferences::default();
    let pin = hold.pin()?;
    let stored = new.store_at(&part.pinned(&pin), place, &mut old);
    drop(pin);
    stored?;
    old.finish(hold)
}

/// Fast path: copies the items of the buffer of `value` to the items of `part` that `view` selects. The fast path
/// requires that each item is one primitive value, that the buffer has the format and the shape of the selected items,
/// and that both memory areas are contiguous. In every other case, the function copies nothing and returns `false`.
/// `hold` is the reference of the view to its buffer.
///
/// # Errors
/// - the view was released while the exporter of `value` filled in the buffer: `ValueError`
fn copy_buffer(part: &Part, view: &Arrangement, hold: &Hold, value: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = value.py();
    // If two buffers have the same format, and the format is one number, the items have the same type. The format of
    // `value` is therefore not interpreted.
    let Some(primitive) = part.primitive() else { return Ok(false) };
    if is_number_or_row(value) || value.cast_exact::<View>().is_ok() || (primitive.is_bytes() && is_bytes(value)) {
        return Ok(false);
    }
    let items = (part.description().format(), view.itemsize(), view.shape());
    let copied = BorrowedBytes::with_items(value, items, |from| {
        let pin = hold.pin()?;
        Ok(part.pinned(&pin).copy_from(py, view, from))
    });
    match copied {
        Ok(copied) => Ok(copied == Some(true)),
        Err(error) if hold.is_released() => Err(error),
        // After `false`, the caller calls `Source::of`, which requests the buffer again and returns the exception.
        Err(error) if is_refusal(&error, py) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Assigns `value` to all items of `part`. `hold` is the reference of the view to its buffer. Returns an error if
/// `value` does not fit the items, or if the view was released.
pub(super) fn assign_part(part: &Part, hold: &Hold, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = value.py();
    let mut old = ReplacedReferences::default();
    if let Some(source) = Source::of(part, value)? {
        // While the pin exists, neither buffer can be released. No other code runs before the items are written.
        let from = source.items();
        let pin = hold.pin()?;
        let item = part.item()?;
        if item.has_addresses() {
            return Err(objects::error::<PyTypeError>("addresses are not copied: a reader of the memory follows them"));
        }
        let to = part.pinned(&pin);
        // Padding, and the fields between the chosen fields of `view["a", "c"]`, are not written.
        if source.is_same
            && !item.has_objects()
            && item.written_bytes(py, part.description())?.is_none()
            && from.contiguous().is_some_and(|from| to.copy_from(py, part.view(), &from))
        {
            return Ok(());
        }
        let new =
            if source.is_same { NewItems::copied(py, part, &from)? } else { numbers::converted(py, part, &from)? };
        let stored = new.store_all(&to, &mut old);
        drop(pin);
        stored?;
        return old.finish(hold);
    }
    let new = converted(part, value)?;
    let pin = hold.pin()?;
    let stored = new.store_all(&part.pinned(&pin), &mut old);
    drop(pin);
    stored?;
    old.finish(hold)
}

/// Converts `value` to new items for `part`. The result contains one item for each item of `part` in C order, or a
/// single item for all items of `part`. Returns an error if `value` does not fit the items.
fn converted<'p, 'py>(part: &'p Part, value: &Bound<'py, PyAny>) -> PyResult<NewItems<'p, 'py>> {
    let py = value.py();
    let item = part.description().item();
    let is_record = item.ty() == Type::Record && item.shape().is_empty();
    let codec = part.item()?.codec(py, part.description())?;
    let row = !part.shape().is_empty() && (value.cast::<PyList>().is_ok() || (!is_record && is_row(value)));
    if !row {
        let mut new = NewItems::zeroed(py, part, 1)?;
        codec.write(value, new.bytes_mut())?;
        return Ok(new);
    }
    // A list whose length differs from the first dimension is refused before memory for the items is allocated.
    let first = value.len()?;
    if part.shape().first().map(|length| usize::try_from(*length)) != Some(Ok(first)) {
        // The caller has checked that `part` has a first dimension, so the default is never used.
        let length = part.shape().first().copied().unwrap_or(0);
        return Err(objects::error::<PyValueError>(format!("{first} values for {length} items of dimension 0")));
    }
    let count = usize::try_from(part.view().item_count()).map_err(|_| objects::no_memory())?;
    let mut new = NewItems::zeroed(py, part, count)?;
    rows(value, part.shape(), 0, codec, new.bytes_mut())?;
    Ok(new)
}

/// Returns `true` if `value` is a list, a tuple, or an `int` or `float` of exactly this class. The callers request no
/// buffer from such a value.
pub(super) fn is_number_or_row(value: &Bound<'_, PyAny>) -> bool {
    value.is_exact_instance_of::<PyFloat>() || value.is_exact_instance_of::<PyInt>() || is_row(value)
}

/// Returns `true` if `value` is a `bytes` or a `bytearray` object.
fn is_bytes(value: &Bound<'_, PyAny>) -> bool {
    value.cast::<PyBytes>().is_ok() || value.cast::<PyByteArray>().is_ok()
}

/// Returns `true` if `value` is a list or a tuple.
fn is_row(value: &Bound<'_, PyAny>) -> bool {
    value.cast::<PyList>().is_ok() || value.cast::<PyTuple>().is_ok()
}

/// The buffer whose items an assignment copies. If `is_same` is `true`, these items have the layout of the items of the
/// view. If `is_same` is `false`, the items of the buffer and of the view are numbers of different types.
struct Source<'v> {
    buffer: SourceBuffer<'v>,
    is_same: bool,
}

/// The buffer of a [`Source`]. The buffer is not released while the `SourceBuffer` exists.
enum SourceBuffer<'v> {
    View(&'v Part, Pin<'v>),
    Open(Acquired, Part),
}

impl<'v> Source<'v> {
    /// Opens the buffer of `value` and checks that its items have the layout and the shape of `part`. Returns `None` if
    /// `value` exports no buffer, if `value` is the value of one item, or if `value` and the items of `part` are byte
    /// strings.
    ///
    /// # Errors
    /// - the buffer has another shape or layout: `ValueError`
    /// - the two memories have different owners of references to objects: `TypeError`
    /// - the exporter raises an exception: the exception is returned unchanged
    fn of(part: &Part, value: &'v Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        if is_number_or_row(value) {
            return Ok(None);
        }
        let bytes = value.cast::<PyBytes>().is_ok() || value.cast::<PyByteArray>().is_ok();
        let strings = matches!(part.description().item().ty(), Type::Char | Type::Bytes | Type::Pascal | Type::Void);
        if bytes && strings {
            return Ok(None);
        }
        let source = match value.cast_exact::<View>() {
            Ok(view) => {
                let (part, hold) = view.get().parts();
                SourceBuffer::View(part, hold.pin()?)
            }
            Err(_) => match construct::open(value, None, None) {
                Ok(open) => {
                    let (acquired, part) = opened(open);
                    SourceBuffer::Open(acquired, part)
                }
                // `value` exports no buffer.
                Err(error) if error.is_instance_of::<PyTypeError>(value.py()) => return Ok(None),
                Err(error) => return Err(error),
            },
        };
        let from = source.items().part();
        // A scalar of NumPy exports a buffer without dimensions. The scalar is the value for every item of `part`.
        if from.shape().is_empty() && !part.shape().is_empty() {
            return Ok(None);
        }
        if from.shape() != part.shape() {
            return Err(objects::error::<PyValueError>(format!(
                "a buffer of shape {:?} for shape {:?}",
                from.shape(),
                part.shape()
            )));
        }
        let (own, other) = (part.description(), from.description());
        let same = Arc::ptr_eq(own, other)
            || Comparison::of_layouts(other.layout(), own.layout()).equivalence
                >= Some(Equivalence::LayoutIgnoringNames);
        if !same && !numbers::are_convertible(part, from) {
            return Err(objects::error::<PyValueError>(format!(
                "items of format `{}` for items of format `{}`",
                escape(other.format()),
                escape(own.format())
            )));
        }
        if own.objects() != other.objects() && part.item()?.has_objects() {
            return Err(objects::error::<PyTypeError>(
                "objects are copied only from memory whose type says that it holds them",
            ));
        }
        Ok(Some(Self { buffer: source, is_same: same }))
    }

    /// Returns the items of the buffer, for access to their memory.
    fn items(&self) -> PinnedPart<'_> {
        self.buffer.items()
    }
}

impl SourceBuffer<'_> {
    /// Returns the items of the buffer, for access to their memory.
    fn items(&self) -> PinnedPart<'_> {
        match self {
            Self::View(part, pin) => part.pinned(pin),
            Self::Open(acquired, part) => part.pinned_by(acquired),
        }
    }
}

/// Splits `open` into the acquired buffer and the part that covers all items of the buffer.
pub(super) fn opened(open: OpenBuffer) -> (Acquired, Part) {
    let (shared, description) = open.into_parts();
    Part::new(shared, description)
}

/// Writes `value`, nested lists, to the items in `bytes`. `shape` contains the lengths of the dimensions from
/// `dimension` on. `codec` converts the values of the innermost lists.
///
/// # Errors
/// - the length of a list differs from the length of its dimension: `ValueError`
/// - `value` or an entry of an outer list is neither a list nor a tuple: `TypeError`
/// - every error of [`Codec::write`]
// The depth of the recursion is the number of dimensions, at most 64.
fn rows(value: &Bound<'_, PyAny>, shape: &[i64], dimension: usize, codec: &Codec, bytes: &mut [u8]) -> PyResult<()> {
    let Some((length, inner)) = shape.split_first() else {
        return Ok(codec.write(value, bytes)?);
    };
    // A conversion may run Python code that changes the list, so the list is copied to a tuple first.
    let row = match value.cast::<PyList>() {
        Ok(list) => of_list(list)?,
        Err(_) => value.cast::<PyTuple>().cloned().map_err(|_| {
            let found = value.get_type();
            objects::error::<PyTypeError>(format!("dimension {dimension} takes a list, not {found}"))
        })?,
    };
    if i64::try_from(row.len()) != Ok(*length) {
        let found = row.len();
        return Err(objects::error::<PyValueError>(format!(
            "{found} values for {length} items of dimension {dimension}"
        )));
    }
    // An empty row has no values, so the loop does not use the default.
    let each = bytes.len().checked_div(row.len()).unwrap_or(0);
    for (index, value) in row.iter_borrowed().enumerate() {
        let start = index.saturating_mul(each);
        let inside = bytes.get_mut(start..start.saturating_add(each)).unwrap_or_default();
        rows(&value, inner, dimension.saturating_add(1), codec, inside)?;
    }
    Ok(())
}
