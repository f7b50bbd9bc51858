//! Implements `View(obj, format, dialect)` and `view.cast(format)`: opens the buffer of `obj`, applies the layout
//! `format`, and converts an error of the library to an exception with a help line.

use std::sync::Arc;

use pep3118::__private::{escape, expect_exporter, open_as, open_described, open_items, plural, to_u64};
use pep3118::abi::DataModel;
use pep3118::layout::{Dialect, LayoutError, LayoutErrorKind};
use pep3118::name;
use pep3118::py::{ItemDescription, ItemSizeError, OpenBuffer, OpenError};
use pep3118::view::{Order, ViewError};
use pyo3::exceptions::{PyBufferError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyMemoryView, PyString, PyTuple};

use super::assign::opened;
use super::class::View;
use super::part::Part;
use crate::errors::{CAST_ERROR, ambiguous, broken_rules, refused};
use crate::layout_argument::{Call, LayoutArgument};
use crate::names::dialect_by_name;
use crate::objects;

/// Opens the buffer of `exporter`. If `format` is `Some`, it replaces the format of the exporter. `dialect` is the name
/// of the dialect of the format; if it is `None`, the library determines the dialect.
///
/// # Errors
/// - `format` describes no layout, or `dialect` is unknown
/// - every error of [`pep3118::py::open`]
#[inline]
pub(super) fn open(
    exporter: &Bound<'_, PyAny>,
    format: Option<&Bound<'_, PyAny>>,
    dialect: Option<&str>,
) -> PyResult<OpenBuffer> {
    if exporter.is_exact_instance_of::<PyMemoryView>()
        && format.is_none()
        && dialect.is_none()
        && let Some(view) = view_of(exporter)
        && let Some(open) = open_memoryview_of(&view, exporter)?
    {
        return Ok(open);
    }
    open_exporter(exporter, format, dialect)
}

/// Opens the buffer of `exporter`, which must not be a memoryview of a `View`. The parameters have the same meaning as
/// those of [`open`].
///
/// # Errors
/// - every error of [`open`]
#[inline]
pub(super) fn open_exporter(
    exporter: &Bound<'_, PyAny>,
    format: Option<&Bound<'_, PyAny>>,
    dialect: Option<&str>,
) -> PyResult<OpenBuffer> {
    match format {
        None => {
            let dialect = dialect.map(dialect_by_name).transpose()?;
            open_as(exporter, dialect, &dialect_of_view).map_err(|error| refusal(error, exporter))
        }
        Some(format) => open_with(exporter, format, dialect),
    }
}

/// Opens the buffer of `exporter` as items of the layout `format`. `dialect` has the same meaning as in [`open`].
///
/// # Errors
/// - every error of [`open`]
/// - the size of the memory does not match the size of the items: `ValueError`
fn open_with(exporter: &Bound<'_, PyAny>, format: &Bound<'_, PyAny>, dialect: Option<&str>) -> PyResult<OpenBuffer> {
    let layout = LayoutArgument::new(format, "format")?;
    let dialect = dialect.map(dialect_by_name).transpose()?;
    open_items(exporter, |itemsize| layout.description(itemsize, dialect)).map_err(|error| match error {
        OpenError::ItemSize(error) => item_size(error, exporter, &layout, dialect),
        OpenError::Format(error) => mismatch(&error, exporter, &layout, dialect),
        error => refusal(error, exporter),
    })
}

/// Converts `error`, the reason why `View(exporter)` was refused, to an exception. If the type of `exporter` exports no
/// buffer, the message of CPython gets a help line.
#[cold]
fn refusal(error: OpenError, exporter: &Bound<'_, PyAny>) -> PyErr {
    let py = exporter.py();
    let raised = exception(error, Call::VIEW);
    let Err(without_buffer) = expect_exporter(exporter) else { return raised };
    let is_message_of_cpython = raised.get_type(py).is(without_buffer.get_type(py))
        && raised.value(py).to_string().starts_with("a bytes-like object is required");
    if !is_message_of_cpython {
        return raised;
    }
    let help = if exporter.is_instance_of::<PyString>() {
        "View(text.encode()) reads the bytes of a text"
    } else if exporter.is_instance_of::<PyList>() || exporter.is_instance_of::<PyTuple>() {
        "View(array.array('d', values)) reads a list of numbers, and pep3118.struct.pack(format, ...) makes bytes"
    } else {
        "give bytes, an array, a ctypes object, a tensor or another object that exports its memory"
    };
    objects::error::<PyTypeError>(format!("{}\nhelp: {help}", without_buffer.value(py)))
}

/// Returns the description of items of the layout `format`, the argument of `cast`. `dialect` has the same meaning as
/// in [`open`].
///
/// # Errors
/// - `format` describes no layout, is invalid or is ambiguous
/// - `dialect` is unknown: `ValueError`
pub(super) fn cast_items(format: &Bound<'_, PyAny>, dialect: Option<&str>) -> PyResult<Arc<ItemDescription>> {
    let layout = LayoutArgument::new(format, "format")?;
    let dialect = dialect.map(dialect_by_name).transpose()?;
    layout.description(None, dialect).map_err(|error| match (error, layout.text()) {
        (OpenError::Format(error), Some(text)) => refused(&error, (text, None, dialect), &DataModel::HOST, Call::CAST),
        (error, _) => exception(error, Call::CAST),
    })
}

/// Returns the part that covers the bytes of `part` as items of `description`. `shape` is the shape of the result;
/// `None` means one dimension. The items of the result are contiguous in the order `order`.
///
/// # Errors
/// - the memory of `part` is not contiguous, or its size differs from the size of the new items: `CastError`
pub(super) fn cast(
    part: &Part,
    description: Arc<ItemDescription>,
    shape: Option<&[i64]>,
    order: Order,
) -> PyResult<Part> {
    let wanted = description.layout().size();
    let view = part.view();
    if let (None, Ok(size)) = (shape, i64::try_from(wanted))
        && view.is_contiguous(order)
        && view.len().checked_rem(size) != Some(0)
    {
        let error = ViewError::CastItems { len: view.len(), itemsize: size };
        let help = match view.len().checked_div(size) {
            Some(count) if count > 0 => {
                let bytes = count.saturating_mul(size);
                format!(
                    "view.cast('B')[:{bytes}].cast(…) covers the first {}",
                    plural(to_u64(usize::try_from(count)?), "item")
                )
            }
            Some(_) => format!("an item needs {} of memory", plural(wanted, "byte")),
            None => "give a `format` with a size of at least 1 byte, or a `shape`".to_owned(),
        };
        return Err(CAST_ERROR.error(format!("{error}\nhelp: {help}")));
    }
    part.cast(description, shape, order)
}

/// If `exporter` is a `View`, returns `exporter`. If `exporter` is a memoryview of a `View`, returns this `View`.
/// Returns `None` for any other exporter, and for a memoryview that was released.
#[inline]
pub(super) fn view_of<'py>(exporter: &Bound<'py, PyAny>) -> Option<Bound<'py, View>> {
    if let Ok(view) = exporter.cast_exact::<View>() {
        return Some(view.clone());
    }
    let memoryview = exporter.cast_exact::<PyMemoryView>().ok()?;
    // If the memoryview was released, the later request for its buffer raises the exception.
    let read = || memoryview.getattr(name!(exporter.py(), "obj"));
    read().ok()?.cast_into_exact::<View>().ok()
}

/// Opens the buffer of `memoryview`, a memoryview of `view`. The new items get the description of the items of `view`,
/// because this description contains more than the exported format. Returns `None` if the memoryview was cast to
/// another format, or does not have the format of the view.
///
/// # Errors
/// - every error of [`pep3118::py::open`]
#[inline(never)]
fn open_memoryview_of(view: &Bound<'_, View>, memoryview: &Bound<'_, PyAny>) -> PyResult<Option<OpenBuffer>> {
    let view = view.get();
    let Some(format) = view.exported_format()? else { return Ok(None) };
    open_described(memoryview, view.description(), &format).map_err(|error| exception(error, Call::VIEW))
}

/// Returns the dialect of the format of a `View`, or `None` for any other exporter. `exporter` may also be a memoryview
/// of a `View`, and `format` is then the format of the memoryview. If the memoryview was cast, `format` differs from
/// the format of the `View`, and the result is `Some(None)`: the dialect is unknown.
fn dialect_of_view(exporter: &Bound<'_, PyAny>, format: Option<&[u8]>) -> Option<Option<&'static Dialect>> {
    let view = exporter.cast_exact::<View>().ok()?;
    let description = view.get().description();
    Some(if format == Some(description.format()) { description.dialect() } else { None })
}

/// Converts `error`, the reason why a buffer was not opened, to an exception: a `BufferRuleError` for broken rules, and
/// a `FormatError` for an ambiguous format. `call` is the Python call that the help line contains if the format is
/// ambiguous.
fn exception(error: OpenError, call: Call) -> PyErr {
    match error {
        OpenError::Rules(report) => objects::attached(|py| broken_rules(py, &report))
            .unwrap_or_else(|| objects::error::<PyBufferError>(format!("the buffer cannot be read: {report}"))),
        OpenError::Ambiguous(found) => ambiguous(&found, call),
        error => error.into(),
    }
}

/// Returns `true` if `View(exporter).cast(format)` would succeed. `layout` is the layout that `format` declares.
fn can_cast(exporter: &Bound<'_, PyAny>, layout: &LayoutArgument<'_>, dialect: Option<&'static Dialect>) -> bool {
    let Ok(items) = layout.description(None, dialect) else { return false };
    let Ok(opened_buffer) = open(exporter, None, None) else { return false };
    let (_acquired, part) = opened(opened_buffer);
    part.cast(items, None, Order::C).is_ok()
}

/// Creates the `FormatError` for `error`: `layout` is an invalid format, or its size differs from the size of the items
/// of `exporter`.
#[cold]
fn mismatch(
    error: &LayoutError,
    exporter: &Bound<'_, PyAny>,
    layout: &LayoutArgument<'_>,
    dialect: Option<&'static Dialect>,
) -> PyErr {
    let text = layout.text().unwrap_or_default();
    let LayoutErrorKind::ItemsizeMismatch { itemsize, .. } = error.kind() else {
        return refused(error, (text, None, dialect), &DataModel::HOST, Call::VIEW);
    };
    if can_cast(exporter, layout, dialect) {
        let help = format!("`View(obj).cast({})` reads the same bytes as items of another size", quoted(layout));
        let message = error.diagnostic().with_help(help).to_string();
        return crate::errors::format_error(message, Some((error.span().start(), error.span().end())));
    }
    refused(error, (text, Some(*itemsize), dialect), &DataModel::HOST, Call::VIEW)
}

/// Returns the Python source of the argument `layout`, for a help line: a short format as a string, and `format`, the
/// name of the argument, for any other layout.
fn quoted(layout: &LayoutArgument<'_>) -> String {
    match layout.text().map(escape) {
        Some(text) if text.len() <= 40 && !text.contains(['\'', '\\']) => format!("'{text}'"),
        _ => "format".to_owned(),
    }
}

/// Creates the `ValueError` for `error`: the size of the memory of `exporter` does not match the size of items of
/// `layout`.
#[cold]
fn item_size(
    error: ItemSizeError,
    exporter: &Bound<'_, PyAny>,
    layout: &LayoutArgument<'_>,
    dialect: Option<&'static Dialect>,
) -> PyErr {
    let ItemSizeError { len, itemsize, wanted, is_contiguous } = error;
    let format = quoted(layout);
    let (bytes, size) = (plural(len, "byte"), plural(wanted, "byte"));
    // Without a division, `whole` is 0: an item has 0 bytes, or is larger than any memory.
    let whole = i64::try_from(wanted).ok().and_then(|wanted| len.checked_div(wanted)).unwrap_or(0);
    let message = if itemsize != 1 {
        let help = if can_cast(exporter, layout, dialect) {
            format!("View(obj).cast({format}) reads the same bytes as items of another size")
        } else {
            format!("give a `format` of {}", plural(itemsize, "byte"))
        };
        format!("`obj` has items of {}, and `format` has items of {size}\nhelp: {help}", plural(itemsize, "byte"))
    } else if !is_contiguous {
        format!(
            "the {bytes} of `obj` are not contiguous bytes, and `format` has items of {size}\n\
             help: View(View(obj).tobytes(), {format}) reads a contiguous copy"
        )
    } else if wanted == 0 {
        format!("`format` has items of 0 bytes, so that the {bytes} of `obj` are no number of items")
    } else if whole == 0 {
        format!("`obj` has {bytes}, and an item of `format` has {size}\nhelp: give at least {size} of memory")
    } else {
        // `whole` is not 0, so `wanted` fits and the default is never used.
        let end = whole.saturating_mul(i64::try_from(wanted).unwrap_or(0));
        format!(
            "`obj` has {bytes}, which are not a multiple of the {wanted}-byte item size of `format`\n\
             help: View(obj).cast('B')[:{end}].cast({format}) covers the first {}",
            plural(whole, "item")
        )
    };
    objects::error::<PyValueError>(message)
}
