//! All rules that one filled struct can break, at once.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::bounds::{ByteBounds, Scan, overlap, report_bounds};
use super::dim_vec::Dims;
use super::error::ViewError;
use super::geometry::{Order, contiguous_strides, fill_contiguous_strides, has_order};
use super::item_format::BYTE;
use super::raw::{Block, Owner, RawView};
use super::report::{Finding, Report, Severity};
use super::request::{Request, Structure};
use super::view::{ItemLayout, View};
use super::violation::{FieldName, Violation};
use crate::abi::DataModel;
use crate::layout::Dialect;

/// Where faults go.
pub(crate) trait Sink {
    fn report(&mut self, fault: Violation) -> Result<(), Stop>;
}

/// The sink has heard enough.
pub(crate) struct Stop;

/// All of them.
impl Sink for Report {
    #[cold]
    fn report(&mut self, fault: Violation) -> Result<(), Stop> {
        self.push(fault, None);
        Ok(())
    }
}

/// The first that is an error.
struct First(Option<Violation>);

impl Sink for First {
    #[cold]
    fn report(&mut self, fault: Violation) -> Result<(), Stop> {
        if fault.severity() == Severity::Error {
            self.0 = Some(fault);
            return Err(Stop);
        }
        Ok(())
    }
}

/// The result of a check: the broken rules, and the view if the items can be read.
///
/// A view can exist although the report has errors: `readonly` of 2 breaks a rule (A25, values of
/// `readonly`) but does not prevent access to the items.
///
/// ```
/// use pep3118::{Checked, RawView, Request, RuleId};
/// let raw = RawView { len: 12, itemsize: 4, ndim: 1, shape: Some(&[3]), ..RawView::default() };
/// let view = raw.check(Request::ND, None, None).into_result()?;
/// assert_eq!(view.offset_of(&[2]), Ok(8));
///
/// let Checked { report, view } = RawView { readonly: 2, ..raw }.check(Request::ND, None, None);
/// assert!(report.contains(RuleId::A25) && view.is_some());
///
/// let report = RawView { len: 20, ..raw }.check(Request::ND, None, None).into_result().unwrap_err();
/// assert_eq!(report.to_string(), "error A04: len is 20 bytes but shape (3,) of 4-byte items describes 12 bytes");
/// # Ok::<(), pep3118::Report>(())
/// ```
#[must_use]
#[derive(Clone, Debug)]
pub struct Checked<V> {
    /// The rules that are broken; empty if there are none.
    pub report: Report,
    /// The validated view; `None` if an error of the report prevents access to the items.
    pub view: Option<V>,
}

impl<V> Checked<V> {
    /// Returns the view if the items can be read, else the report. The findings that do not prevent
    /// a view are dropped: use the fields where they matter.
    ///
    /// # Errors
    /// - `len` 20 with shape (3,) of 4-byte items: the report, with at least one error
    pub fn into_result(self) -> Result<V, Report> {
        self.view.ok_or(self.report)
    }
}

/// What a struct is checked against.
///
/// ```
/// use pep3118::{Checker, DataModel, RawView, Request, RuleId};
///
/// let shape = [1; 40];
/// let raw = RawView { len: 1, itemsize: 1, ndim: 40, shape: Some(&shape), ..RawView::default() };
/// assert!(Checker::DEFAULT.check(&raw, Some(Request::ND)).report.is_empty());
/// // PyPy stops at 36 dimensions.
/// let pypy = Checker { max_ndim: 36, ..Checker::DEFAULT };
/// assert!(pypy.check(&raw, Some(Request::ND)).report.contains(RuleId::A13));
///
/// // A buffer from a machine where `long` has 4 bytes.
/// let raw = RawView { len: 4, itemsize: 4, format: Some(b"l"), ..RawView::default() };
/// let windows = Checker { model: &DataModel::LLP64, ..Checker::DEFAULT };
/// assert!(windows.check(&raw, Some(Request::FULL_RO)).report.is_empty());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Checker<'d> {
    /// The dialect of the exporter's format, where it is known; without it every reading counts.
    pub dialect: Option<&'d Dialect>,
    /// The machine that the buffer comes from.
    pub model: &'d DataModel,
    /// `PyBUF_MAX_NDIM`: 64 in CPython, 36 in PyPy.
    pub max_ndim: i32,
    /// The block of memory that the buffer lies in, where it is known.
    pub memory: Option<Block>,
}

impl Checker<'static> {
    /// CPython on this machine, any dialect, no word on the memory.
    pub const DEFAULT: Self = Self { dialect: None, model: &DataModel::HOST, max_ndim: 64, memory: None };
}

impl Default for Checker<'static> {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl<'a> RawView<'a> {
    /// Checks every rule that the struct and the memory block decide, not stopping at the first.
    ///
    /// `request` is what the exporter answered, `dialect` how its format is to be read (`None`: any
    /// reading counts), `memory` the block of memory that `buf` points into. There is a view where
    /// no error stands in the way of reading: `readonly` of 2 does not, a shape that contradicts
    /// `len` does. A [`Checker`] has more to choose from.
    ///
    /// ```
    /// use pep3118::{RawView, Request, RuleId};
    /// let raw = RawView {
    ///     len: 20, itemsize: 4, readonly: 2, ndim: 2, shape: Some(&[2, 3]), ..RawView::default()
    /// };
    /// let pep3118::Checked { report, view } = raw.check(Request::ND, None, None);
    /// let rules: Vec<RuleId> = report.iter().map(|finding| finding.rule()).collect();
    /// assert_eq!(rules, [RuleId::A04, RuleId::A25]);
    /// assert!(view.is_none());
    /// ```
    ///
    /// Nothing overflows, whatever the integers, and the work is bounded by the number of entries.
    pub fn check(&self, request: Request, dialect: Option<&Dialect>, memory: Option<Block>) -> Checked<View<'a>> {
        Checker { dialect, memory, ..Checker::DEFAULT }.check(self, Some(request))
    }
}

impl Checker<'_> {
    /// Checks every rule that the struct decides; without a request, those of requests are left out.
    ///
    /// See [`RawView::check`].
    pub fn check<'a>(&self, raw: &RawView<'a>, request: Option<Request>) -> Checked<View<'a>> {
        let mut report = Report::new();
        let found = self.run(raw, request, &mut report);
        let in_the_way = !report.is_empty() && report.iter().any(|finding| finding.fault().prevents_view());
        let view = match found {
            Ok(Some(found)) if !in_the_way => Some(self.view(raw, found)),
            _ => None,
        };
        debug_assert!(view.is_some() || report.has_errors(), "no view without an error");
        Checked { report: report.sorted(), view }
    }

    /// A view, or the first error.
    ///
    /// # Errors
    /// - as [`check`](Checker::check) reports them; notes and warnings are no errors here
    pub fn prove<'a>(&self, raw: &RawView<'a>, request: Option<Request>) -> Result<View<'a>, ViewError> {
        let mut first = First(None);
        match (self.run(raw, request, &mut first), first.0) {
            (_, Some(fault)) => Err(ViewError::Rule { finding: Finding::new(fault) }),
            (Ok(Some(found)), None) => Ok(self.view(raw, found)),
            // Without an error there is a view.
            (_, None) => Err(ViewError::Rule {
                finding: Finding::new(Violation::Missing { structure: Structure::Nd, field: FieldName::Shape }),
            }),
        }
    }

    /// Every rule, into any sink.
    pub(crate) fn report<S: Sink>(&self, raw: &RawView<'_>, request: Request, sink: &mut S) {
        let _ = self.run(raw, Some(request), sink);
    }

    fn run<S: Sink>(&self, raw: &RawView<'_>, request: Option<Request>, sink: &mut S) -> Result<Option<Found>, Stop> {
        let mut request = request;
        if let Some(error) = request.and_then(Request::fault) {
            sink.report(Violation::Request { error })?;
            // What was asked for is anybody's guess.
            request = None;
        }
        whole(raw, request, sink)?;
        let scan = self.arrays(raw, request, sink)?;
        if let Some(request) = request {
            fields(raw, request, scan.is_some(), sink)?;
        }
        let item = self.item(raw, request, sink)?;
        let Some(items) = items(raw, request, scan.is_some()) else { return Ok(None) };
        if let Some(block) = self.memory {
            match (items, scan) {
                (Items::Given, Some(scan)) => self.block(raw, block, &scan, sink)?,
                (Items::Given, None) => {}
                (Items::One, _) => plain_block(block, raw.itemsize, raw.itemsize, sink)?,
                (Items::Bytes, _) => plain_block(block, 1, raw.len, sink)?,
                (Items::Row, _) => plain_block(block, raw.itemsize, raw.len, sink)?,
            }
        }
        Ok(item.map(|item| Found { item, items }))
    }

    /// The three arrays against `ndim`, `itemsize` and `len`. The scan of shape and strides, if they
    /// can be used.
    fn arrays<S: Sink>(&self, raw: &RawView<'_>, request: Option<Request>, sink: &mut S) -> Result<Option<Scan>, Stop> {
        let &RawView { len, itemsize, ndim, shape, strides, suboffsets, .. } = raw;
        if ndim < 0 || ndim > self.max_ndim {
            sink.report(Violation::NdimRange { ndim, max: self.max_ndim })?;
            return Ok(None);
        }
        if ndim == 0 {
            self.scalar_arrays(raw, request, sink)?;
            return Ok(None);
        }
        let usable = has_entries(FieldName::Shape, shape, ndim, sink)?
            & has_entries(FieldName::Strides, strides, ndim, sink)?
            & has_entries(FieldName::Suboffsets, suboffsets, ndim, sink)?;
        if let Some(suboffsets) = suboffsets.filter(|_| usable) {
            pointers(suboffsets, sink)?;
        }
        let Some(shape) = shape.filter(|_| usable && itemsize >= 0) else { return Ok(None) };
        let scan = Scan::new(shape, strides, itemsize);
        if scan.negative {
            for (dimension, extent) in shape.iter().enumerate().filter(|(_, extent)| **extent < 0) {
                sink.report(Violation::NegativeExtent { dimension, extent: *extent })?;
            }
            return Ok(None);
        }
        if scan.bytes != Some(len) || scan.extent.is_none() || self.is_narrow() {
            self.sizes(raw, shape, &scan, sink)?;
        }
        Ok(Some(scan))
    }

    /// Without dimensions there is one item and no array.
    fn scalar_arrays<S: Sink>(&self, raw: &RawView<'_>, request: Option<Request>, sink: &mut S) -> Result<(), Stop> {
        let &RawView { len, itemsize, .. } = raw;
        let arrays =
            [(FieldName::Shape, raw.shape), (FieldName::Strides, raw.strides), (FieldName::Suboffsets, raw.suboffsets)];
        for (field, _) in arrays.into_iter().filter(|(_, array)| array.is_some()) {
            sink.report(Violation::ScalarArray { field })?;
        }
        if len == itemsize || len < 0 || itemsize < 0 {
            return Ok(());
        }
        // Under SIMPLE, NumPy says 0 whatever the array.
        let simple = request.is_some_and(|request| !request.contains(Request::ND));
        sink.report(if simple {
            Violation::SimpleNdim { len, itemsize }
        } else {
            Violation::ScalarLen { len, itemsize }
        })
    }

    /// Whether sizes can be past `Py_ssize_t` and yet fit 64 bits.
    fn is_narrow(&self) -> bool {
        self.model.ssize_max() < i64::MAX.unsigned_abs()
    }

    /// Something is wrong with the product or the span.
    #[cold]
    fn sizes<S: Sink>(&self, raw: &RawView<'_>, shape: &[i64], scan: &Scan, sink: &mut S) -> Result<(), Stop> {
        let &RawView { len, itemsize, strides, suboffsets, .. } = raw;
        let limit = i64::try_from(self.model.ssize_max()).unwrap_or(i64::MAX);
        let Some(expected) = scan.bytes.filter(|bytes| *bytes <= limit) else {
            return sink.report(Violation::ProductOverflow { shape: shape.into(), itemsize, limit });
        };
        let span = scan.extent.and_then(|extent| extent.high.checked_sub(extent.low)).filter(|span| *span <= limit);
        let Some(span) = span else {
            let strides = strides.unwrap_or_default().into();
            return sink.report(Violation::ExtentOverflow { shape: shape.into(), strides, limit });
        };
        if len == expected || len < 0 {
            return Ok(());
        }
        let shape: Box<[i64]> = shape.into();
        sink.report(if scan.empty {
            Violation::EmptyLen { len, shape }
        } else if len == span && suboffsets.is_none() {
            Violation::LenSpan { len, expected, shape, itemsize }
        } else {
            Violation::LenProduct { len, expected, shape, itemsize }
        })
    }

    /// The items against the block of memory.
    fn block<S: Sink>(&self, raw: &RawView<'_>, block: Block, scan: &Scan, sink: &mut S) -> Result<(), Stop> {
        let itemsize = raw.itemsize;
        let Some(extent) = scan.extent.filter(|_| !scan.empty && raw.len > 0) else { return Ok(()) };
        let (shape, strides) = (raw.shape.unwrap_or_default(), raw.strides.unwrap_or_default());
        if let Some(first) = raw.suboffsets.and_then(|suboffsets| suboffsets.iter().position(|entry| *entry >= 0)) {
            // The block holds the pointers that the first dimensions stride over.
            let pointer = i64::try_from(self.model.pointer).unwrap_or(i64::MAX);
            let outer = |array: &'_ [i64]| array.iter().take(first.saturating_add(1)).copied().collect::<Vec<i64>>();
            let table = Scan::new(&outer(shape), raw.strides.map(outer).as_deref(), pointer);
            return report_bounds(block, 1, table.extent.unwrap_or(extent), None, sink);
        }
        report_bounds(block, itemsize, extent, Some((strides, scan.unaligned)), sink)?;
        if raw.readonly == 0
            && !scan.c_contiguous
            && itemsize > 0
            && let Some(certain) = overlap(shape, strides, itemsize)
        {
            sink.report(Violation::Overlap { certain, shape: shape.into(), strides: strides.into(), itemsize })?;
        }
        Ok(())
    }

    /// Puts together what was found, where nothing stands in the way.
    #[inline]
    fn view<'a>(&self, raw: &RawView<'a>, found: Found) -> View<'a> {
        let Found { items, item } = found;
        let given = items == Items::Given;
        let bytes = items == Items::Bytes;
        let itemsize = if bytes { 1 } else { raw.itemsize };
        let shape = match items {
            Items::Given => Dims::from(raw.shape.unwrap_or_default()),
            Items::One => Dims::EMPTY,
            Items::Bytes => Dims::one(raw.len),
            Items::Row => Dims::one(raw.len.checked_div(itemsize).unwrap_or(0)),
        };
        let strides = match raw.strides.filter(|_| given) {
            Some(strides) => Dims::from(strides),
            None => {
                let mut strides = Dims::zeros(shape.as_slice().len());
                // An array without items may have strides that do not fit; nobody follows them.
                let _ = fill_contiguous_strides(shape.as_slice(), itemsize, Order::C, strides.make_mut());
                strides
            }
        };
        View {
            len: raw.len,
            itemsize,
            readonly: raw.readonly != 0,
            offset: 0,
            format: raw.format,
            shape,
            strides,
            suboffsets: raw.suboffsets.filter(|_| given && raw.is_indirect()).map(Dims::from),
            // Where nobody asked for a structure there are single bytes, whatever the items were (A09).
            item: if bytes && raw.itemsize != 1 { ItemLayout::Scalar(BYTE) } else { item },
            memory: self.memory,
        }
    }
}

/// What a view is made of, besides the struct.
struct Found {
    items: Items,
    item: ItemLayout,
}

/// Which items there are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Items {
    /// Those of the shape.
    Given,
    /// One, without dimensions.
    One,
    /// `len` bytes, because nobody asked for a shape (A09).
    Bytes,
    /// A row of as many as fit `len`: what memoryview makes of a missing shape (F09).
    Row,
}

#[inline]
fn items(raw: &RawView<'_>, request: Option<Request>, usable: bool) -> Option<Items> {
    if raw.shape.is_some() && usable {
        return Some(Items::Given);
    }
    if raw.len < 0 || raw.itemsize < 0 || (raw.shape.is_some() && raw.ndim != 0) {
        return None;
    }
    match (request, raw.ndim) {
        (Some(request), _) if !request.contains(Request::ND) => Some(Items::Bytes),
        (_, 0) => Some(Items::One),
        (_, 1) if raw.len.checked_rem(raw.itemsize) == Some(0) => Some(Items::Row),
        (None, _) => Some(Items::Bytes),
        _ => None,
    }
}

/// Contiguous items against the block of memory.
fn plain_block<S: Sink>(block: Block, itemsize: i64, len: i64, sink: &mut S) -> Result<(), Stop> {
    if len == 0 { Ok(()) } else { report_bounds(block, itemsize, ByteBounds { low: 0, high: len }, None, sink) }
}

/// The fields that are no array.
fn whole<S: Sink>(raw: &RawView<'_>, request: Option<Request>, sink: &mut S) -> Result<(), Stop> {
    if let Some(request) = request {
        if request.contains(Request::FORMAT) && !request.contains(Request::ND) {
            sink.report(Violation::FormatAlone)?;
        }
        if request.contains(Request::WRITABLE) && raw.readonly != 0 {
            sink.report(Violation::NotWritable { readonly: raw.readonly })?;
        }
    }
    if raw.obj == Owner::Null {
        sink.report(Violation::ObjNull)?;
    }
    if raw.buf == Some(0) && raw.len > 0 {
        sink.report(Violation::BufNull { len: raw.len })?;
    }
    if raw.len < 0 {
        sink.report(Violation::NegativeSize { field: FieldName::Len, value: raw.len })?;
    }
    if raw.itemsize < 0 {
        sink.report(Violation::NegativeSize { field: FieldName::Itemsize, value: raw.itemsize })?;
    }
    if raw.itemsize == 0 {
        sink.report(Violation::ItemsizeZero)?;
    }
    if !matches!(raw.readonly, 0 | 1) {
        sink.report(Violation::ReadonlyValue { readonly: raw.readonly })?;
    }
    Ok(())
}

/// Whether an array that is there has `ndim` entries.
#[inline]
fn has_entries<S: Sink>(field: FieldName, array: Option<&[i64]>, ndim: i32, sink: &mut S) -> Result<bool, Stop> {
    match array {
        Some(array) if usize::try_from(ndim) != Ok(array.len()) => {
            sink.report(Violation::Entries { field, entries: array.len(), ndim })?;
            Ok(false)
        }
        _ => Ok(true),
    }
}

fn pointers<S: Sink>(suboffsets: &[i64], sink: &mut S) -> Result<(), Stop> {
    if suboffsets.iter().all(|suboffset| *suboffset < 0) {
        return sink.report(Violation::NegativeSuboffsets { suboffsets: suboffsets.into() });
    }
    match suboffsets.split_last() {
        Some((suboffset, before)) if *suboffset >= 0 => {
            sink.report(Violation::LastSuboffset { dimension: before.len(), suboffset: *suboffset })
        }
        _ => Ok(()),
    }
}

/// Which arrays the request must fill in, and which it must leave alone.
fn fields<S: Sink>(raw: &RawView<'_>, request: Request, usable: bool, sink: &mut S) -> Result<(), Stop> {
    // Without dimensions there is nothing to fill in, and what is there anyway is told by A14.
    if raw.ndim == 0 {
        return Ok(());
    }
    let structure = request.structure();
    let (shaped, strided, indirect) = match structure {
        Structure::Simple => (false, false, false),
        Structure::Nd => (true, false, false),
        Structure::Strides | Structure::CContiguous | Structure::FContiguous | Structure::AnyContiguous => {
            (true, true, false)
        }
        Structure::Indirect => (true, true, true),
    };
    is_as_asked(structure, FieldName::Shape, raw.shape, shaped, sink)?;
    is_as_asked(structure, FieldName::Strides, raw.strides, strided, sink)?;
    if let Some(value) = raw.suboffsets.filter(|_| !indirect) {
        return sink.report(Violation::Unasked { structure, field: FieldName::Suboffsets, value: value.into() });
    }
    let order = match structure {
        Structure::CContiguous => Order::C,
        Structure::FContiguous => Order::Fortran,
        Structure::AnyContiguous => Order::Any,
        _ => return Ok(()),
    };
    if let (true, true, Some(shape), Some(strides)) = (usable, raw.len != 0, raw.shape, raw.strides)
        && !has_order(shape, strides, raw.itemsize, order)
        && contiguous_strides(shape, raw.itemsize, order).is_some()
    {
        let (shape, strides) = (shape.into(), strides.into());
        return sink.report(Violation::NotContiguous { structure, shape, strides, itemsize: raw.itemsize });
    }
    Ok(())
}

#[inline]
fn is_as_asked<S: Sink>(
    structure: Structure,
    field: FieldName,
    value: Option<&[i64]>,
    wanted: bool,
    sink: &mut S,
) -> Result<(), Stop> {
    match value {
        None if wanted => sink.report(Violation::Missing { structure, field }),
        Some(value) if !wanted => sink.report(Violation::Unasked { structure, field, value: value.into() }),
        _ => Ok(()),
    }
}
