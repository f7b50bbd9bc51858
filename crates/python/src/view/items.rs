//! What the items of a view are: layout, format, values.

use std::sync::Arc;

use pyo3::exceptions::PyNotImplementedError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::field::default_name;
use crate::values::Codec;
use pep3118::abi::DataModel;
use pep3118::decode::Plan;
use pep3118::layout::{Certainty, Dialect, Field, Layout, Target};
use pep3118::view::{ItemLayout, View};

/// The items of a view and of all its slices.
pub(super) struct Items {
    layout: Layout,
    plan: Plan,
    /// Made when the first value is asked for.
    codec: PyOnceLock<Codec>,
    format: Box<[u8]>,
    /// Who wrote the format, where that is known.
    dialect: Option<&'static Dialect>,
    /// By whose rule it was read.
    rule: &'static str,
    certainty: Certainty,
}

impl Items {
    /// The items of a view; in the format of the exporter, or in one that says the same.
    pub(super) fn of_view(
        view: &View<'_>,
        written: Option<Vec<u8>>,
        dialect: Option<&'static Dialect>,
    ) -> PyResult<Arc<Self>> {
        let model = &DataModel::HOST;
        let exact = (dialect.map_or(Dialect::PEP3118.name, |dialect| dialect.name), Certainty::Exact);
        let (layout, (rule, certainty)) = match view.item() {
            ItemLayout::Scalar(scalar) => (Layout::of_scalar(*scalar, model), exact),
            ItemLayout::Interpretation(reading) => (reading.layout.clone(), (reading.dialect.name, reading.certainty)),
            ItemLayout::Bytes => (Layout::of_bytes(u64::try_from(view.itemsize()).unwrap_or(0), model), exact),
            _ => return Err(PyNotImplementedError::new_err("items of this kind cannot be read")),
        };
        let plan = Plan::new(&layout)?;
        // Our own spelling says everything, so it is sure.
        let (format, dialect, rule, certainty) = match written {
            Some(format) => (format, dialect, rule, certainty),
            None => (spelled(&layout), Some(&Dialect::PEP3118), Dialect::PEP3118.name, certainty),
        };
        Ok(Arc::new(Self { layout, plan, codec: PyOnceLock::new(), format: format.into(), dialect, rule, certainty }))
    }

    /// Items whose layout is known for sure.
    pub(super) fn of_layout(
        layout: Layout,
        format: Vec<u8>,
        dialect: &'static Dialect,
        rule: &'static str,
    ) -> PyResult<Arc<Self>> {
        let (plan, certainty) = (Plan::new(&layout)?, Certainty::Exact);
        let (format, codec) = (format.into(), PyOnceLock::new());
        Ok(Arc::new(Self { layout, plan, codec, format, dialect: Some(dialect), rule, certainty }))
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The item as one field.
    pub(super) fn item(&self) -> Field<'_> {
        self.layout.item()
    }

    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// How values become Python objects and back.
    pub(super) fn codec(&self, py: Python<'_>) -> PyResult<&Codec> {
        self.codec.get_or_try_init(py, || Codec::new(py, &self.layout))
    }

    pub(super) fn format(&self) -> &[u8] {
        &self.format
    }

    pub(super) fn dialect(&self) -> Option<&'static Dialect> {
        self.dialect
    }

    pub(super) fn rule(&self) -> &'static str {
        self.rule
    }

    pub(super) fn certainty(&self) -> Certainty {
        self.certainty
    }

    /// The names of the fields of a record: those of the format, or `f0` by its index.
    pub(super) fn names(&self) -> Vec<String> {
        self.item().fields().enumerate().map(|(index, field)| called(field, index)).collect()
    }

    /// The fields on the way to a dotted name, outermost first.
    pub(super) fn path(&self, name: &str) -> Option<Vec<Field<'_>>> {
        let item = self.item();
        let mut path = below(item, name.as_bytes())?;
        // Items that are arrays of records give their shape to the view.
        if !item.shape().is_empty() {
            path.push(item);
        }
        path.reverse();
        Some(path)
    }
}

fn called(field: Field<'_>, index: usize) -> String {
    field.name_text().unwrap_or_else(|| default_name(index))
}

/// The fields on the way, innermost first. A name that has dots itself comes before what they mean.
// As deep as structures are nested, which the parser bounds.
fn below<'l>(record: Field<'l>, name: &[u8]) -> Option<Vec<Field<'l>>> {
    let is = |(index, field): &(usize, Field<'_>), name: &[u8]| match field.name() {
        Some(own) => own == name,
        None => default_name(*index).as_bytes() == name,
    };
    if let Some((_, field)) = record.fields().enumerate().find(|field| is(field, name)) {
        return Some(Vec::from([field]));
    }
    let dots = name.iter().enumerate().filter(|(_, byte)| **byte == b'.').map(|(at, _)| at);
    for at in dots {
        let (head, tail) = name.split_at_checked(at)?;
        let tail = tail.get(1..)?;
        for (_, field) in record.fields().enumerate().filter(|field| is(field, head)) {
            if let Some(mut path) = below(field, tail) {
                path.push(field);
                return Some(path);
            }
        }
    }
    None
}

/// A format for a layout: PEP 3118's, or, for what has none, a string of bytes.
pub(super) fn spelled(layout: &Layout) -> Vec<u8> {
    layout.emit(Target::Canonical).unwrap_or_else(|_| format!("{}s", layout.size()).into_bytes())
}
