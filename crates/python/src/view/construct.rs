//! From an object to items that can be read.

use std::sync::Arc;

use pyo3::exceptions::{PyBufferError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyMemoryView;

use super::cache::{self, Kind};
use super::class::View;
use super::items::{Items, spelled};
use super::state::ViewState;
use crate::errors::{ambiguous, broken_rules, refused_or_ambiguous};
use crate::format::format_bytes;
use crate::names::dialect_by_name;
use pep3118::__private::{TypeLayout, array_dtype, type_layout};
use pep3118::abi::DataModel;
use pep3118::layout::{Comparison, Dialect, Equivalence, Interpretation, Scalar, Type, reconcile};
use pep3118::py::{Acquired, SharedView};
use pep3118::view::{Checker, ItemLayout, Request};

/// The call that chooses one alternative of an ambiguous format.
const CHOOSE: &str = "View(obj, dialect='…')";

/// The longest chain of memoryviews that is followed to the exporter.
const CHAIN: usize = 16;

/// Opens an exporter for reading.
///
/// What an item is, is told by the format and dialect that are given; without them by the type of the
/// exporter (a dtype, a ctypes class), where it is known; else by the exporter's format in its dialect.
pub(super) fn open(
    exporter: &Bound<'_, PyAny>,
    format: Option<&Bound<'_, PyAny>>,
    dialect: Option<&str>,
) -> PyResult<ViewState> {
    let py = exporter.py();
    let format = format.map(format_bytes).transpose()?;
    let asked = dialect.map(dialect_by_name).transpose()?;
    let acquired = match Acquired::new(exporter, Request::FULL_RO) {
        // Some exporters can tell everything but the format, which is given.
        Err(error) if format.is_some() && !error.is_instance_of::<PyTypeError>(py) => {
            Acquired::new(exporter, Request::INDIRECT).map_err(|_| error)?
        }
        acquired => acquired?,
    };
    let Ok(itemsize) = u64::try_from(acquired.raw().itemsize) else { return checked(acquired, None, asked) };
    if let Some(format) = format {
        let checked_format = reconcile(&format, Some(itemsize), asked, &DataModel::HOST);
        let _: Interpretation = checked_format.map_err(|error| refused_or_ambiguous(error, CHOOSE))?;
        return checked(acquired, Some(format), asked);
    }
    if asked.is_some() || is_scalar(&acquired, itemsize) {
        return checked(acquired, None, asked);
    }
    let exporter = acquired.exporter(py);
    let dtype = exporter.map_or(Ok(None), |exporter| array_dtype(&exporter))?;
    if let Some(items) = dtype.as_ref().and_then(|dtype| cache::find(kind(&acquired, Some(dtype))?)) {
        return sized(acquired, items);
    }
    match Known::of(py, &acquired)? {
        Known::Type(truth) if truth.layout.size() == itemsize => told(acquired, truth, dtype.as_ref()),
        Known::Type(truth) => checked(acquired, None, Some(truth.dialect)),
        Known::Dialect(dialect) => checked(acquired, None, dialect),
    }
}

/// What tells the items of an exporter from others, if it has a format.
fn kind<'k, 'py>(acquired: &'k Acquired, dtype: Option<&'k Bound<'py, PyAny>>) -> Option<Kind<'k, 'py>> {
    let raw = acquired.raw();
    Some(Kind { dtype, format: raw.format?, itemsize: raw.itemsize })
}

/// A buffer whose items are what its format, or one that was given, says.
fn checked(acquired: Acquired, format: Option<Vec<u8>>, dialect: Option<&'static Dialect>) -> PyResult<ViewState> {
    let given = format.is_some();
    let written = format.or_else(|| acquired.raw().format.map(Vec::from));
    let checker = Checker { dialect, ..Checker::DEFAULT };
    let shared = proved(acquired, &checker, written.as_deref())?;
    if let ItemLayout::Ambiguous(ambiguity) = shared.view().item() {
        return Err(ambiguous(ambiguity, CHOOSE));
    }
    // Of one number, what its format says is all.
    let plain = matches!(shared.view().item(), ItemLayout::Scalar(_)) && !given && dialect.is_none();
    let acquired = Arc::clone(shared.acquired());
    let kind = if plain { kind(&acquired, None) } else { None };
    if let Some(items) = kind.and_then(cache::find) {
        return Ok(ViewState::new(shared, items));
    }
    let items = Items::of_view(shared.view(), written, dialect)?;
    if let Some(kind) = kind {
        cache::keep(kind, &items);
    }
    Ok(ViewState::new(shared, items))
}

/// A buffer whose items are what the type of the exporter says. If the format says something else, the
/// view has a better one.
fn told(acquired: Acquired, truth: TypeLayout, dtype: Option<&Bound<'_, PyAny>>) -> PyResult<ViewState> {
    let raw = acquired.raw();
    let agrees = |format: &&[u8]| {
        let reading = reconcile(format, Some(truth.layout.size()), Some(truth.dialect), &DataModel::HOST);
        reading.is_ok_and(|reading| {
            Comparison::of_layouts(&reading.layout, &truth.layout).equivalence >= Some(Equivalence::Scalars)
        })
    };
    let (format, dialect) = match raw.format.filter(agrees) {
        Some(format) => (format.to_vec(), truth.dialect),
        None => (spelled(&truth.layout), &Dialect::PEP3118),
    };
    let items = Items::of_layout(truth.layout, format, dialect, truth.dialect.name)?;
    if let Some(kind) = dtype.and_then(|dtype| kind(&acquired, Some(dtype))) {
        cache::keep(kind, &items);
    }
    sized(acquired, items)
}

/// A buffer whose items are known: their size is checked, and not what lies in them.
fn sized(acquired: Acquired, items: Arc<Items>) -> PyResult<ViewState> {
    let bytes = format!("{}s", items.layout().size());
    let checker = Checker { dialect: Some(&Dialect::PEP3118), ..Checker::DEFAULT };
    let shared = proved(acquired, &checker, Some(bytes.as_bytes()))?;
    Ok(ViewState::new(shared, items))
}

fn proved(acquired: Acquired, checker: &Checker<'_>, format: Option<&[u8]>) -> PyResult<SharedView> {
    acquired.check_as(checker, format).into_result().map_err(|report| {
        let error = Python::attach(|py| broken_rules(py, &report));
        error.unwrap_or_else(|| PyBufferError::new_err(format!("the buffer cannot be read: {report}")))
    })
}

/// Whether the format is that of one number, which needs nobody's word. `B` does: it is how ctypes
/// writes a union.
fn is_scalar(acquired: &Acquired, itemsize: u64) -> bool {
    let format = acquired.raw().format.unwrap_or(b"B");
    let scalar = Scalar::recognize(format, &DataModel::HOST);
    scalar.is_some_and(|scalar| scalar.size == itemsize && scalar.ty != Type::UInt8)
}

/// What a format given by the caller means.
pub(super) fn reading_of(format: &[u8], dialect: Option<&Dialect>) -> PyResult<Interpretation> {
    reconcile(format, None, dialect, &DataModel::HOST)
        .map_err(|error| refused_or_ambiguous(error, ".cast(…, dialect='…')"))
}

/// What is known of an exporter.
enum Known {
    /// Its items.
    Type(TypeLayout),
    /// The dialect of whoever wrote its format.
    Dialect(Option<&'static Dialect>),
}

impl Known {
    /// What the object in `obj` tells: whoever asked for the buffer of another is no authority on it.
    fn of(py: Python<'_>, acquired: &Acquired) -> PyResult<Self> {
        let Some(exporter) = acquired.exporter(py) else { return Ok(Self::Dialect(None)) };
        let mut root = exporter.clone();
        for _ in 0..CHAIN {
            let Ok(view) = root.cast_exact::<PyMemoryView>() else { break };
            root = view.getattr("obj")?;
        }
        if let Ok(view) = root.cast_exact::<View>() {
            // A memoryview of it may be cast, and then has one code of its own.
            let same = acquired.raw().format == view.get().format_bytes().as_deref();
            return Ok(Self::Dialect(if same { view.get().dialect() } else { None }));
        }
        if let Some(truth) = type_layout(&exporter)? {
            return Ok(Self::Type(truth));
        }
        // The arrays and memoryviews that Cython compiles into each module.
        let module = root.get_type().module()?;
        Ok(Self::Dialect((module.to_cow()? == "View.MemoryView").then_some(&Dialect::CYTHON)))
    }
}

/// A view of other bytes of the same buffer, whose items are known.
pub(super) fn narrowed(shared: SharedView) -> PyResult<ViewState> {
    let items = Items::of_view(shared.view(), None, None)?;
    Ok(ViewState::new(shared, items))
}
