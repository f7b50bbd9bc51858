//! The layouts that the user gives to `View(obj, format, dialect)` and `view.cast(format)`: opens the buffer of `obj`,
//! and converts an error of the library to an exception.

use std::sync::Arc;

use pep3118::__private::{escape, open_as, open_described, open_items, plural, to_u64};
use pep3118::abi::DataModel;
use pep3118::layout::{Dialect, LayoutError, LayoutErrorKind};
use pep3118::py::{ItemDescription, ItemSizeError, OpenBuffer, OpenError};
use pep3118::view::{Order, ViewError};
use pyo3::exceptions::{PyBufferError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyMemoryView;

use super::assign::opened;
use super::class::View;
use super::part::Part;
use crate::errors::{CAST_ERROR, ambiguous, broken_rules, refused};
use crate::layout_argument::{Call, LayoutArgument};
use crate::names::dialect_by_name;
use crate::objects;

/// Opens the buffer of `exporter`. `format` replaces the format of the exporter; `None` keeps the exporter's format.
/// `dialect` is the name of the dialect of the format; with `None`, the library determines the dialect.
///
/// # Errors
/// - a `format` that describes no layout, or a `dialect` of an unknown name
/// - as [`pep3118::py::open`]
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

/// Opens the buffer of `exporter`, which is not a memoryview of a `View`. The arguments are those of [`open`].
///
/// # Errors
/// - as [`open`]
#[inline]
pub(super) fn open_exporter(
    exporter: &Bound<'_, PyAny>,
    format: Option<&Bound<'_, PyAny>>,
    dialect: Option<&str>,
) -> PyResult<OpenBuffer> {
    match format {
        None => {
            let dialect = dialect.map(dialect_by_name).transpose()?;
            open_as(exporter, dialect, &dialect_of_view).map_err(|error| exception(error, Call::VIEW))
        }
        Some(format) => open_with(exporter, format, dialect),
    }
}

/// Opens the buffer of `exporter` as items of the layout `format`. `dialect` is as for [`open`].
///
/// # Errors
/// - as [`open`]
/// - the memory does not have the size of the items: `ValueError`
fn open_with(exporter: &Bound<'_, PyAny>, format: &Bound<'_, PyAny>, dialect: Option<&str>) -> PyResult<OpenBuffer> {
    let layout = LayoutArgument::new(format, "format")?;
    let dialect = dialect.map(dialect_by_name).transpose()?;
    open_items(exporter, |itemsize| layout.description(itemsize, dialect)).map_err(|error| match error {
        OpenError::ItemSize(error) => item_size(error, exporter, &layout, dialect),
        OpenError::Format(error) => mismatch(&error, exporter, &layout, dialect),
        error => exception(error, Call::VIEW),
    })
}

/// Returns the description of items of the layout `format`, the argument of `cast`. `dialect` is as for [`open`].
///
/// # Errors
/// - a `format` that describes no layout, is invalid or is ambiguous
/// - a `dialect` of an unknown name: `ValueError`
pub(super) fn cast_items(format: &Bound<'_, PyAny>, dialect: Option<&str>) -> PyResult<Arc<ItemDescription>> {
    let layout = LayoutArgument::new(format, "format")?;
    let dialect = dialect.map(dialect_by_name).transpose()?;
    layout.description(None, dialect).map_err(|error| match (error, layout.text()) {
        (OpenError::Format(error), Some(text)) => refused(&error, (text, None, dialect), &DataModel::HOST, Call::CAST),
        (error, _) => exception(error, Call::CAST),
    })
}

/// Returns the part that covers the bytes of `part` as items of `description`. `shape` is the shape of the result; with
/// `None`, the result has one dimension. The items of the result are contiguous in the order `order`.
///
/// # Errors
/// - the memory of `part` is not contiguous, or the number of bytes is not that of the new items: `CastError`
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

/// Returns `exporter` if it is a `View`, and the `View` that exports the memory if `exporter` is a memoryview. Returns
/// `None` for any other exporter, and for a memoryview that was released.
#[inline]
pub(super) fn view_of<'py>(exporter: &Bound<'py, PyAny>) -> Option<Bound<'py, View>> {
    if let Ok(view) = exporter.cast_exact::<View>() {
        return Some(view.clone());
    }
    let memoryview = exporter.cast_exact::<PyMemoryView>().ok()?;
    // If the memoryview was released, the request for its buffer raises the exception.
    memoryview.getattr(intern!(exporter.py(), "obj")).ok()?.cast_into_exact::<View>().ok()
}

/// Opens the buffer of `memoryview`, a memoryview of `view`. The items have the description of the items of `view`,
/// which says more than their exported format. Returns `None` if the memoryview was cast to another format, or has no
/// format of the view.
///
/// # Errors
/// - as [`pep3118::py::open`]
#[inline(never)]
fn open_memoryview_of(view: &Bound<'_, View>, memoryview: &Bound<'_, PyAny>) -> PyResult<Option<OpenBuffer>> {
    let view = view.get();
    let Some(format) = view.exported_format()? else { return Ok(None) };
    open_described(memoryview, view.description(), &format).map_err(|error| exception(error, Call::VIEW))
}

/// Returns the dialect of the format of a `View`, or `None` for any other exporter. `exporter` may also be a memoryview
/// of a `View`. If the memoryview was cast, `format` differs from the format of the `View`. The result is then
/// `Some(None)`, because the dialect is unknown.
fn dialect_of_view(exporter: &Bound<'_, PyAny>, format: Option<&[u8]>) -> Option<Option<&'static Dialect>> {
    let view = exporter.cast_exact::<View>().ok()?;
    let description = view.get().description();
    Some(if format == Some(description.format()) { description.dialect() } else { None })
}

/// Converts `error`, the reason why a buffer was not opened, to an exception. `call` is the call that the message
/// suggests if the format is ambiguous.
fn exception(error: OpenError, call: Call) -> PyErr {
    match error {
        OpenError::Rules(report) => Python::attach(|py| broken_rules(py, &report))
            .unwrap_or_else(|| PyBufferError::new_err(format!("the buffer cannot be read: {report}"))),
        OpenError::Ambiguous(found) => ambiguous(&found, call),
        error => error.into(),
    }
}

/// Returns whether `View(exporter).cast(format)` has a result for the layout `layout` of `format`.
fn can_cast(exporter: &Bound<'_, PyAny>, layout: &LayoutArgument<'_>, dialect: Option<&'static Dialect>) -> bool {
    let Ok(items) = layout.description(None, dialect) else { return false };
    let Ok(opened_buffer) = open(exporter, None, None) else { return false };
    let (_acquired, part) = opened(opened_buffer);
    part.cast(items, None, Order::C).is_ok()
}

/// Creates the exception for `error`: the text `layout` is invalid, or has another size than the items of `exporter`.
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

/// Returns `layout` as an argument in a help line: the text of a short format, or the name of the argument.
fn quoted(layout: &LayoutArgument<'_>) -> String {
    match layout.text().map(escape) {
        Some(text) if text.len() <= 40 && !text.contains(['\'', '\\']) => format!("'{text}'"),
        _ => "format".to_owned(),
    }
}

/// Creates the exception for `error`: the memory of `exporter` does not have the size of items of `layout`.
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
    // Items of 0 bytes and items that are larger than any memory cover no whole item.
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
