//! `ItemDescription`: the layout of an item with its format, dialect and plan. `ObjectReferences` is the owner of the
//! references in items of format `O`.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use super::open_error::OpenError;
use crate::abi::DataModel;
use crate::decode::{DecodeError, Plan};
use crate::layout::{Certainty, Dialect, Field, Layout, Target};
use crate::view::{ItemLayout, View};

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
    /// An item that is only padding becomes one void field. Returns an error if [`Plan::new`] returns an error.
    pub(super) fn new(
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
    /// canonical format of the layout, which is in the dialect `pep3118`. `dialect` is the dialect of `format`, or
    /// `None` if no dialect was requested. Without a `format`, `dialect` has no effect. Returns an error if the format
    /// is ambiguous, or if the layout has no plan.
    pub(super) fn of_view(
        view: &View<'_>,
        format: Option<Vec<u8>>,
        dialect: Option<&'static Dialect>,
    ) -> Result<Self, OpenError> {
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
    pub(super) fn canonical(layout: Layout, certainty: Certainty) -> Result<Self, DecodeError> {
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

    /// Returns the description with the owner `objects` of the references in the items.
    pub(super) fn with_objects(self, objects: ObjectReferences) -> Self {
        Self { objects, ..self }
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
    ///
    /// ```
    /// use pep3118::py::{ItemDescription, ObjectReferences};
    /// let item = ItemDescription::of_format(b"O", None, None)?;
    /// assert_eq!(item.objects(), ObjectReferences::Unknown);
    /// # Ok::<(), pyo3::PyErr>(())
    /// ```
    #[must_use]
    pub fn objects(&self) -> ObjectReferences {
        self.objects
    }

    /// Returns `true` if the format has addresses of typed data, as in `&<i`. A reader of the format could follow these
    /// addresses. Also returns `true` if a name in the format contains `&`.
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
