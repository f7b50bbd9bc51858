//! `Checker`: checks one `Py_buffer` that an exporter has filled in, against every rule of the buffer protocol that
//! needs only the request and the answer. `Checked`: the result, which has a report and a view.
//!
//! A check continues after a violation, because a report should contain all violations. The check leaves out a rule
//! only if the result of the rule follows from a violation that was already reported.

use alloc::boxed::Box;
use core::convert::Infallible;

use super::bounds::{ByteBounds, Overlap, StructureSummary, check_bounds, check_first_item, check_lengths};
use super::contiguity::{c_strides, has_order};
#[cfg(any(test, feature = "pyo3"))]
use super::dim_vec::copied_sizes;
use super::dim_vec::{DimVec, Dims};
use super::error::ViewError;
use super::item_format::item_layout;
use super::raw::{Block, FieldName, Owner, RawView};
use super::report::{Finding, Report, SinkClosed, ViolationSink};
use super::request::{Request, Structure};
use super::rules::Severity;
use super::view::{ItemLayout, View};
use super::violation::Violation;
use crate::abi::DataModel;
use crate::layout::Dialect;

/// The result of a check: the broken rules, and a view if the items can be read.
///
/// The result can have a view and errors. For example, a `readonly` of 2 breaks a rule (A25, values of `readonly`),
/// but the items can still be read.
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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Checked<V> {
    /// The broken rules. The report is empty if no rule is broken.
    pub report: Report,
    /// The validated view, or `None` if an error in the report prevents access to the items.
    pub view: Option<V>,
}

impl<V> Checked<V> {
    /// Returns the view, and drops the report. A caller that needs all findings must read the field `report` first,
    /// because some findings do not prevent a view.
    ///
    /// # Errors
    /// - an error in the report prevents a view, such as a `len` of 20 bytes with 3 items of 4 bytes: the result is the
    ///   report
    pub fn into_result(self) -> Result<V, Report> {
        self.view.ok_or(self.report)
    }
}

/// The facts about the exporter that a check needs in addition to the answer, such as the data model of the machine.
///
/// ```
/// use pep3118::{Checker, DataModel, RawView, Request, RuleId};
///
/// let shape = [1; 40];
/// let raw = RawView { len: 1, itemsize: 1, ndim: 40, shape: Some(&shape), ..RawView::default() };
/// assert!(Checker::DEFAULT.check(&raw, Some(Request::ND)).report.is_empty());
/// // PyPy supports at most 36 dimensions.
/// let pypy = Checker { max_ndim: 36, ..Checker::DEFAULT };
/// assert!(pypy.check(&raw, Some(Request::ND)).report.contains(RuleId::A13));
///
/// // The buffer is from a machine where `long` has 4 bytes.
/// let raw = RawView { len: 4, itemsize: 4, format: Some(b"l"), ..RawView::default() };
/// let windows = Checker { model: &DataModel::LLP64, ..Checker::DEFAULT };
/// assert!(windows.check(&raw, Some(Request::FULL_RO)).report.is_empty());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Checker<'d> {
    /// The dialect of the exporter's format. If the dialect is `None`, the check accepts the interpretation of
    /// every dialect.
    pub dialect: Option<&'d Dialect>,
    /// The data model of the exporter's machine.
    pub model: &'d DataModel,
    /// The maximum number of dimensions (`PyBUF_MAX_NDIM`), which is 64 in CPython and 36 in PyPy.
    pub max_ndim: i32,
    /// The block of memory that contains the buffer. If the block is `None`, the check leaves out the rules about
    /// the block.
    pub memory: Option<Block>,
}

impl Checker<'static> {
    /// CPython on this machine, with an unknown dialect and an unknown memory block.
    pub const DEFAULT: Self = Self { dialect: None, model: &DataModel::HOST, max_ndim: 64, memory: None };
}

impl Default for Checker<'static> {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl<'a> RawView<'a> {
    /// Checks every rule that needs only the fields, the request and the memory block.
    ///
    /// `request` is the request that the exporter answered. `dialect` is the dialect of the exporter's format. If
    /// `dialect` is `None`, the check accepts the interpretation of every dialect. `memory` is the block of memory
    /// that contains `buf`. If `memory` is `None`, the check leaves out the rules about the block.
    ///
    /// The result has a view unless an error prevents access to the items. For example, a shape that contradicts
    /// `len` prevents access, and `readonly` of 2 does not. A [`Checker`] has more options.
    ///
    /// ```
    /// use pep3118::{Checked, RawView, Request, RuleId};
    /// let raw = RawView {
    ///     len: 20, itemsize: 4, readonly: 2, ndim: 2, shape: Some(&[2, 3]), ..RawView::default()
    /// };
    /// let Checked { report, view } = raw.check(Request::ND, None, None);
    /// let rules: Vec<RuleId> = report.iter().map(|finding| finding.rule()).collect();
    /// assert_eq!(rules, [RuleId::A04, RuleId::A25]);
    /// assert!(view.is_none());
    /// ```
    ///
    /// No calculation overflows. For n dimensions, the time is O(n). For writable memory, the time is O(n log n),
    /// because the check of D08 (overlap) sorts the strides.
    pub fn check(&self, request: Request, dialect: Option<&Dialect>, memory: Option<Block>) -> Checked<View<'a>> {
        Checker { dialect, memory, ..Checker::DEFAULT }.check(self, Some(request))
    }

    /// A fast path of [`Checker::check`] for a `Py_buffer` without a format. Returns the same view after a few
    /// comparisons. Returns `None` if the `Py_buffer` has no shape, has suboffsets, or breaks a rule that prevents a
    /// view, and always on a 32-bit machine. The caller must then call `Checker::check`.
    ///
    /// The function has no parameter for the request, because the request does not change the view of a `Py_buffer`
    /// that has a shape.
    #[cfg(any(test, feature = "pyo3"))]
    #[inline]
    pub(crate) fn direct_view(&self) -> Option<View<'static>> {
        let &RawView { len, itemsize, strides, .. } = self;
        let shape = self.shape.filter(|shape| i32::try_from(shape.len()) == Ok(self.ndim))?;
        if self.suboffsets.is_some()
            || self.buf == Some(0)
            || self.ndim > Checker::DEFAULT.max_ndim
            || shape.is_empty()
            || itemsize < 0
            || Checker::DEFAULT.has_narrow_ssize()
            || strides.is_some_and(|strides| strides.len() != shape.len())
        {
            return None;
        }
        let is_valid = match (shape, strides) {
            // The items are adjacent, so they occupy the bytes from 0 to `len`.
            ([length], None) => *length >= 0 && itemsize.checked_mul(*length) == Some(len),
            ([length], Some([stride])) if *stride == itemsize => {
                *length >= 0 && itemsize.checked_mul(*length) == Some(len)
            }
            _ => {
                let summary = StructureSummary::of(shape, strides, itemsize);
                summary.len == Some(len) && summary.bounds.is_some() && !summary.has_negative_length
            }
        };
        if !is_valid {
            return None;
        }
        let view = View {
            len,
            itemsize,
            readonly: self.readonly != 0,
            offset: 0,
            format: None,
            shape: Dims::Owned(copied_sizes(shape)),
            strides: Dims::Owned(match strides {
                Some(strides) => copied_sizes(strides),
                None => c_strides(shape, itemsize),
            }),
            suboffsets: None,
            item: if itemsize == 1 { ItemLayout::BYTE } else { ItemLayout::Bytes },
            memory: None,
        };
        Some(view)
    }
}

impl Checker<'_> {
    /// Checks every rule that needs only the fields of `raw`, `request` and the facts in this `Checker`. Returns the
    /// report, and the view if the items can be read.
    ///
    /// `request` is the request that the exporter answered. If `request` is `None`, the check leaves out the rules
    /// about requests.
    pub fn check<'a>(&self, raw: &RawView<'a>, request: Option<Request>) -> Checked<View<'a>> {
        let mut report = Report::new();
        let Ok(mut view) = self.check_all(raw, request, &mut report);
        if !report.is_empty() && report.iter().any(|finding| finding.violation().prevents_view()) {
            view = None;
        }
        debug_assert!(view.is_some() || report.has_errors(), "only an error prevents a view");
        Checked { report: report.sorted(), view }
    }

    /// Returns the view of `raw` if `raw` breaks no rule of severity `Error`. This method ignores notes and
    /// warnings.
    ///
    /// `request` is the request that the exporter answered. If `request` is `None`, the method leaves out the
    /// rules about requests.
    ///
    /// ```
    /// use pep3118::{Checker, RawView};
    /// let raw = RawView { len: 20, itemsize: 4, ndim: 1, shape: Some(&[3]), ..RawView::default() };
    /// let error = Checker::DEFAULT.prove(&raw, None).unwrap_err();
    /// assert!(error.to_string().starts_with("A04: len is 20 bytes"));
    /// ```
    ///
    /// # Errors
    /// - [`check`](Checker::check) reports an error, such as a `len` of 20 bytes with 3 items of 4 bytes: the result is
    ///   [`ViewError::Rule`] with the first error
    pub fn prove<'a>(&self, raw: &RawView<'a>, request: Option<Request>) -> Result<View<'a>, ViewError> {
        let mut first = FirstError(None);
        let violation = match (self.check_all(raw, request, &mut first), first.0) {
            (_, Some(violation)) => violation,
            (Ok(Some(view)), None) => return Ok(view),
            (_, None) => {
                debug_assert!(false, "only an error prevents a view");
                Violation::Missing { structure: Structure::Nd, field: FieldName::Shape }
            }
        };
        Err(ViewError::Rule { finding: Finding::new(violation) })
    }

    /// Checks every rule for the answer `raw` to `request`, and passes each violation to `sink`.
    pub(crate) fn report<S: ViolationSink<Stop = Infallible>>(
        &self,
        raw: &RawView<'_>,
        request: Request,
        sink: &mut S,
    ) {
        let Ok(_) = self.check_all(raw, Some(request), sink);
    }

    /// Checks every rule for the answer `raw`, passes each violation to `sink` and returns the view that the
    /// fields describe.
    ///
    /// If `request` is `None`, the check leaves out the rules about requests. Returns `None` only after a
    /// violation of severity `Error`. If a violation [prevents a view](Violation::prevents_view), the fields of
    /// the returned view can contradict each other. The caller must then drop the view. Returns an error if `sink`
    /// ends the check.
    fn check_all<'a, S: ViolationSink>(
        &self,
        raw: &RawView<'a>,
        request: Option<Request>,
        sink: &mut S,
    ) -> Result<Option<View<'a>>, S::Stop> {
        let request = match request.map(Request::validate) {
            Some(Err(error)) => {
                sink.report(Violation::Flags { error })?;
                // If the flags are invalid, the requested fields are unknown. The check then leaves out the rules about
                // the request.
                None
            }
            _ => request,
        };
        check_scalars(raw, request, sink)?;
        let declared = self.check_arrays(raw, request, sink)?;
        if let Some(request) = request {
            check_requested(raw, request, declared.as_ref(), sink)?;
        }
        let item = item_layout(raw, request, self.dialect, self.model, sink)?;
        let shape = ShapeSource::of(raw, request, declared);
        if let Some(block) = self.memory {
            self.check_block(raw, block, shape.as_ref(), sink)?;
        }
        Ok(shape.zip(item).map(|(shape, item)| self.view(raw, shape, item)))
    }

    /// Checks `shape`, `strides` and `suboffsets` of `raw` against `ndim`, `itemsize`, `len` and `request`. Passes
    /// each violation to `sink`.
    ///
    /// Returns the shape if a view can use the arrays. Returns `Ok(None)` in four cases: `ndim` is 0 or negative,
    /// `shape` is NULL, `itemsize` or an entry of `shape` is negative, or an array does not have `ndim` entries.
    /// Returns an error if `sink` ends the check.
    fn check_arrays<'a, S: ViolationSink>(
        &self,
        raw: &RawView<'a>,
        request: Option<Request>,
        sink: &mut S,
    ) -> Result<Option<DeclaredShape<'a>>, S::Stop> {
        let &RawView { len, itemsize, ndim, shape, strides, suboffsets, .. } = raw;
        if ndim < 0 || ndim > self.max_ndim {
            sink.report(Violation::NdimRange { ndim, max: self.max_ndim })?;
            if ndim < 0 {
                return Ok(None);
            }
        }
        if ndim == 0 {
            check_scalar_arrays(raw, request, sink)?;
            return Ok(None);
        }
        let has_shape = has_ndim_entries(FieldName::Shape, shape, ndim, sink)?;
        let has_strides = has_ndim_entries(FieldName::Strides, strides, ndim, sink)?;
        let has_suboffsets = has_ndim_entries(FieldName::Suboffsets, suboffsets, ndim, sink)?;
        if let Some(suboffsets) = suboffsets.filter(|_| has_suboffsets) {
            check_suboffsets(suboffsets, sink)?;
        }
        let Some(shape) = shape.filter(|_| has_shape) else { return Ok(None) };
        let strides = strides.filter(|_| has_strides);
        let summary = StructureSummary::of(shape, strides, itemsize.max(0));
        if summary.has_negative_length {
            check_lengths(shape, sink)?;
            return Ok(None);
        }
        if summary.len != Some(len) || summary.bounds.is_none() || self.has_narrow_ssize() {
            self.check_sizes(raw, shape, strides, &summary, sink)?;
        }
        Ok((has_strides && has_suboffsets && itemsize >= 0).then_some(DeclaredShape { shape, summary }))
    }

    /// Returns whether `Py_ssize_t` of the exporter's machine has fewer than 64 bits.
    fn has_narrow_ssize(&self) -> bool {
        self.model.ssize_max() < i64::MAX.unsigned_abs()
    }

    /// Checks that `raw.len` is the product of `shape` and itemsize, and that the range of bytes of the items is not
    /// larger than the maximum of `Py_ssize_t`. `summary` must be computed from `shape`, `strides` and the itemsize.
    /// Returns an error if `sink` ends the check.
    #[cold]
    fn check_sizes<S: ViolationSink>(
        &self,
        raw: &RawView<'_>,
        shape: &[i64],
        strides: Option<&[i64]>,
        summary: &StructureSummary,
        sink: &mut S,
    ) -> Result<(), S::Stop> {
        let &RawView { len, itemsize, suboffsets, .. } = raw;
        // If `ssize_max` does not fit an `i64`, no size exceeds the limit, because sizes are `i64`.
        let limit = i64::try_from(self.model.ssize_max()).unwrap_or(i64::MAX);
        let span = summary.bounds.and_then(|bounds| bounds.high.checked_sub(bounds.low));
        // If `itemsize` is negative (A06, sizes), the product has no meaning.
        if itemsize >= 0 {
            match summary.len.filter(|product| *product <= limit) {
                None => sink.report(Violation::ProductOverflow { shape: shape.into(), itemsize, limit })?,
                Some(expected) if len != expected && len >= 0 => {
                    let shape: Box<[i64]> = shape.into();
                    sink.report(if summary.is_empty {
                        Violation::EmptyLen { len, shape }
                    } else if strides.is_some() && suboffsets.is_none() && span == Some(len) {
                        Violation::LenSpan { len, expected, shape, itemsize }
                    } else {
                        Violation::LenProduct { len, expected, shape, itemsize }
                    })?;
                }
                Some(_) => {}
            }
        }
        // Without strides, the range of bytes is the product, which the code above has checked.
        match strides {
            Some(strides) if span.is_none_or(|span| span > limit) => {
                sink.report(Violation::SpanOverflow { shape: shape.into(), strides: strides.into(), limit })
            }
            // The range of bytes fits `Py_ssize_t`, or there are no strides.
            _ => Ok(()),
        }
    }

    /// Checks that the items of `raw` are inside of `block`. `shape` is the source of the shape of the view, or `None`
    /// if the fields of `raw` determine no shape. Returns an error if `sink` ends the check.
    fn check_block<S: ViolationSink>(
        &self,
        raw: &RawView<'_>,
        block: Block,
        shape: Option<&ShapeSource<'_>>,
        sink: &mut S,
    ) -> Result<(), S::Stop> {
        match shape {
            Some(ShapeSource::Declared(declared)) => self.check_declared_block(raw, block, declared, sink),
            Some(ShapeSource::Scalar) => check_contiguous_block(block, raw.itemsize, raw.itemsize, sink),
            Some(ShapeSource::Bytes) => check_contiguous_block(block, 1, raw.len, sink),
            Some(ShapeSource::OneDimension { .. }) => check_contiguous_block(block, raw.itemsize, raw.len, sink),
            // Without a shape, the check knows only that the buffer has a first item.
            None if raw.len > 0 && raw.itemsize > 0 => {
                if raw.suboffsets.is_some() {
                    check_first_item(block, 1, None, sink).map(drop)
                } else {
                    check_first_item(block, raw.itemsize, raw.strides, sink).map(drop)
                }
            }
            None => Ok(()),
        }
    }

    /// Checks that the items of `raw`, whose shape is `declared`, are inside of `block`. If the memory is writable,
    /// also checks that the items do not overlap (D08, overlap). Returns an error if `sink` ends the check.
    fn check_declared_block<S: ViolationSink>(
        &self,
        raw: &RawView<'_>,
        block: Block,
        declared: &DeclaredShape<'_>,
        sink: &mut S,
    ) -> Result<(), S::Stop> {
        let DeclaredShape { shape, summary } = *declared;
        let itemsize = raw.itemsize;
        // Items of 0 bytes fit every block (D05, length 0).
        if summary.is_empty || itemsize == 0 {
            return Ok(());
        }
        if let Some(first) = raw.suboffsets.and_then(|suboffsets| suboffsets.iter().position(|entry| *entry >= 0)) {
            // `block` contains the first table of pointers. The table has the dimensions up to and including the first
            // dimension with a pointer. The bounds of the memory that the pointers lead to are unknown. A pointer size
            // that does not fit an `i64` becomes `i64::MAX`, which is larger than every block.
            let pointer_size = i64::try_from(self.model.pointer).unwrap_or(i64::MAX);
            let of_table = |dims: &[i64]| dims.iter().take(first.saturating_add(1)).copied().collect::<DimVec>();
            let (shape, strides) = (of_table(shape), raw.strides.map(of_table));
            let table = StructureSummary::of(&shape, strides.as_deref(), pointer_size);
            return match table.bounds {
                Some(bounds) => check_bounds(block, 1, bounds, None, sink),
                None => {
                    // If `strides` is NULL, the violation contains an empty list.
                    let (shape, strides) = (shape.as_slice().into(), strides.as_deref().unwrap_or_default().into());
                    sink.report(Violation::SpanOverflow { shape, strides, limit: i64::MAX })?;
                    check_first_item(block, 1, None, sink).map(drop)
                }
            };
        }
        // Without strides, the array is C-contiguous, and the code below does not use `strides`.
        let strides = raw.strides.unwrap_or_default();
        let unaligned = summary.unaligned_strides(strides);
        match summary.bounds {
            Some(bounds) => check_bounds(block, itemsize, bounds, unaligned, sink)?,
            // The range of bytes overflows. `check_sizes` has already reported this violation (D07, span).
            None => _ = check_first_item(block, itemsize, unaligned, sink)?,
        }
        if raw.readonly == 0 && !summary.is_c_contiguous {
            let certain = match Overlap::of(shape, strides, itemsize) {
                Overlap::None => return Ok(()),
                Overlap::Possible => false,
                Overlap::Certain => true,
            };
            sink.report(Violation::Overlap { certain, shape: shape.into(), strides: strides.into(), itemsize })?;
        }
        Ok(())
    }

    /// Creates the view from the fields of `raw`, which the checks must have accepted. `source` determines the shape.
    /// The strides and suboffsets of `raw` are used only if the exporter also reported the shape; otherwise, the view
    /// is C-contiguous. `item` is the layout of one item. For [`ShapeSource::Bytes`], the function ignores `item`,
    /// because the items are single bytes.
    #[inline]
    fn view<'a>(&self, raw: &RawView<'a>, source: ShapeSource<'a>, item: ItemLayout) -> View<'a> {
        let (mut itemsize, mut item) = (raw.itemsize, item);
        let (mut strides, mut suboffsets) = (None, None);
        let shape = match source {
            ShapeSource::Declared(declared) => {
                strides = raw.strides;
                suboffsets = raw.suboffsets.filter(|_| raw.is_indirect());
                Dims::Borrowed(declared.shape)
            }
            ShapeSource::Scalar => Dims::Borrowed(&[]),
            ShapeSource::Bytes => {
                if itemsize != 1 {
                    // If the request has no structure, the items are single bytes, even if the exporter reports
                    // another itemsize (A09, items of `SIMPLE`).
                    (itemsize, item) = (1, ItemLayout::BYTE);
                }
                Dims::Owned(DimVec::from_slice(&[raw.len]))
            }
            ShapeSource::OneDimension { length } => Dims::Owned(DimVec::from_slice(&[length])),
        };
        let strides = match strides {
            Some(strides) => Dims::Borrowed(strides),
            None => Dims::Owned(c_strides(shape.as_slice(), itemsize)),
        };
        View {
            len: raw.len,
            itemsize,
            readonly: raw.readonly != 0,
            offset: 0,
            format: raw.format,
            shape,
            strides,
            suboffsets: suboffsets.map(Dims::Borrowed),
            item,
            memory: self.memory,
        }
    }
}

impl<'a> TryFrom<RawView<'a>> for View<'a> {
    type Error = ViewError;

    /// Returns the view of `raw` if `raw` breaks no rule of severity `Error`. Leaves out the rules about requests and
    /// about the memory block, see [`Checker::prove`].
    ///
    /// ```
    /// use pep3118::{RawView, View};
    /// let raw = RawView { len: 20, itemsize: 4, ndim: 2, shape: Some(&[2, 3]), ..RawView::default() };
    /// assert_eq!(
    ///     View::try_from(raw).unwrap_err().to_string(),
    ///     "A04: len is 20 bytes but shape (2, 3) of 4-byte items describes 24 bytes",
    /// );
    /// ```
    fn try_from(raw: RawView<'a>) -> Result<Self, ViewError> {
        Checker::DEFAULT.prove(&raw, None)
    }
}

/// A sink that stores the first violation of severity `Error` and then ends the check.
struct FirstError(Option<Violation>);

impl ViolationSink for FirstError {
    type Stop = SinkClosed;

    #[cold]
    fn report(&mut self, violation: Violation) -> Result<(), SinkClosed> {
        if violation.severity() == Severity::Error {
            self.0 = Some(violation);
            return Err(SinkClosed);
        }
        Ok(())
    }
}

/// The validated field `shape` of a buffer. Three statements are true. (1) `shape` has `ndim` entries. (2) No entry is
/// negative. (3) `strides` and `suboffsets` are NULL or have `ndim` entries.
#[derive(Clone, Copy)]
struct DeclaredShape<'a> {
    /// The number of items in each dimension.
    shape: &'a [i64],
    /// The properties of the shape, the strides and the itemsize.
    summary: StructureSummary,
}

/// The source of the shape of a view: the field `shape`, or other fields if `shape` is NULL.
enum ShapeSource<'a> {
    /// The view has the shape that the exporter reported.
    Declared(DeclaredShape<'a>),
    /// The view has no dimensions and one item, because `ndim` is 0.
    Scalar,
    /// The view has one dimension of `len` items of 1 byte, because no shape was requested (A09, items of
    /// `SIMPLE`).
    Bytes,
    /// The view has one dimension of `length` items, although `shape` is NULL. `length` is `len / itemsize`, as in
    /// memoryview (F09, missing fields).
    OneDimension { length: i64 },
}

impl<'a> ShapeSource<'a> {
    /// Returns the source of the shape for the answer `raw` to `request`. `declared` is the field `shape`, or `None` if
    /// a view cannot use the field. Returns `None` if the fields do not determine the number of items.
    #[inline]
    fn of(raw: &RawView<'_>, request: Option<Request>, declared: Option<DeclaredShape<'a>>) -> Option<Self> {
        if let Some(declared) = declared {
            return Some(Self::Declared(declared));
        }
        // The checks before this one report each of these conditions as a violation. After such a violation, no view is
        // created.
        if raw.len < 0 || raw.itemsize < 0 || (raw.shape.is_some() && raw.ndim != 0) {
            return None;
        }
        match (request, raw.ndim) {
            (Some(request), _) if !request.contains(Request::ND) => Some(Self::Bytes),
            (_, 0) => Some(Self::Scalar),
            (_, 1) if raw.len.checked_rem(raw.itemsize) == Some(0) => {
                raw.len.checked_div(raw.itemsize).map(|length| Self::OneDimension { length })
            }
            (None, _) => Some(Self::Bytes),
            _ => None,
        }
    }
}

/// Checks that contiguous items of `len` bytes in total are inside of `block`. `itemsize` is the size of one item
/// in bytes. Returns an error if `sink` ends the check.
fn check_contiguous_block<S: ViolationSink>(
    block: Block,
    itemsize: i64,
    len: i64,
    sink: &mut S,
) -> Result<(), S::Stop> {
    // Items of 0 bytes fit every block (D05, length 0).
    if len == 0 { Ok(()) } else { check_bounds(block, itemsize, ByteBounds { low: 0, high: len }, None, sink) }
}

/// Checks every field of `raw`, the answer to `request`, except the arrays and the format. If `request` is `None`,
/// leaves out the rules about requests. Passes each violation to `sink` and returns an error if `sink` ends the check.
fn check_scalars<S: ViolationSink>(raw: &RawView<'_>, request: Option<Request>, sink: &mut S) -> Result<(), S::Stop> {
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

/// Checks that `raw`, a buffer with `ndim` 0, has exactly one item and no arrays. `request` is the request that the
/// exporter answered, or `None` if the request is unknown. Passes each violation to `sink` and returns an error if
/// `sink` ends the check.
fn check_scalar_arrays<S: ViolationSink>(
    raw: &RawView<'_>,
    request: Option<Request>,
    sink: &mut S,
) -> Result<(), S::Stop> {
    let &RawView { len, itemsize, .. } = raw;
    let arrays =
        [(FieldName::Shape, raw.shape), (FieldName::Strides, raw.strides), (FieldName::Suboffsets, raw.suboffsets)];
    for (field, _) in arrays.into_iter().filter(|(_, array)| array.is_some()) {
        sink.report(Violation::ScalarArray { field })?;
    }
    if len == itemsize || len < 0 || itemsize < 0 {
        return Ok(());
    }
    // NumPy reports `ndim` 0 for every array under `SIMPLE`, so `len` is the size of several items. This violation
    // is only a note.
    let is_simple = request.is_some_and(|request| !request.contains(Request::ND));
    sink.report(if is_simple {
        Violation::SimpleNdim { len, itemsize }
    } else {
        Violation::ScalarLen { len, itemsize }
    })
}

/// Returns `true` if `array`, the value of `field`, has `ndim` entries or is NULL. Otherwise passes a violation to
/// `sink` and returns `false`. Returns an error if `sink` ends the check.
#[inline]
fn has_ndim_entries<S: ViolationSink>(
    field: FieldName,
    array: Option<&[i64]>,
    ndim: i32,
    sink: &mut S,
) -> Result<bool, S::Stop> {
    match array {
        Some(array) if usize::try_from(ndim) != Ok(array.len()) => {
            sink.report(Violation::EntryCount { field, count: array.len(), ndim })?;
            Ok(false)
        }
        _ => Ok(true),
    }
}

/// Checks the signs of `suboffsets`, which must have `ndim` entries. Passes each violation to `sink` and returns
/// an error if `sink` ends the check.
fn check_suboffsets<S: ViolationSink>(suboffsets: &[i64], sink: &mut S) -> Result<(), S::Stop> {
    if suboffsets.iter().all(|suboffset| *suboffset < 0) {
        return sink.report(Violation::NegativeSuboffsets { suboffsets: suboffsets.into() });
    }
    match suboffsets.split_last() {
        Some((suboffset, before)) if *suboffset >= 0 => {
            sink.report(Violation::LastSuboffset { dimension: before.len(), suboffset: *suboffset })
        }
        // No rule is broken: there are no suboffsets, or the last dimension has no pointer.
        _ => Ok(()),
    }
}

/// Checks the arrays of `raw` against `request`. An array that was requested must be present, an array that was
/// not requested must be NULL, and the strides must have the requested order. `declared` is the field `shape`, or
/// `None` if a view cannot use the field. Returns an error if `sink` ends the check.
fn check_requested<S: ViolationSink>(
    raw: &RawView<'_>,
    request: Request,
    declared: Option<&DeclaredShape<'_>>,
    sink: &mut S,
) -> Result<(), S::Stop> {
    let structure = request.structure();
    let (shape, strides, suboffsets) = match structure {
        Structure::Simple => (false, false, false),
        Structure::Nd => (true, false, false),
        Structure::Strides | Structure::CContiguous | Structure::FContiguous | Structure::AnyContiguous => {
            (true, true, false)
        }
        Structure::Indirect => (true, true, true),
    };
    // If `ndim` is 0, all arrays must be NULL (A14, single items), so no array is required.
    let has_dimensions = raw.ndim != 0;
    let mut check = |field, value: Option<&[i64]>, is_required: bool, is_allowed: bool| match value {
        None if is_required => sink.report(Violation::Missing { structure, field }),
        Some(value) if !is_allowed => sink.report(Violation::Unrequested { structure, field, value: value.into() }),
        // No rule is broken: the array is present and allowed, or NULL and not required.
        _ => Ok(()),
    };
    check(FieldName::Shape, raw.shape, shape && has_dimensions, shape)?;
    check(FieldName::Strides, raw.strides, strides && has_dimensions, strides)?;
    check(FieldName::Suboffsets, raw.suboffsets, false, suboffsets)?;
    if let (Some(order), Some(declared), Some(strides), None) =
        (structure.contiguity(), declared, raw.strides, raw.suboffsets)
        && !declared.summary.is_empty
        && raw.itemsize != 0
        && !has_order(declared.shape, strides, raw.itemsize, order)
    {
        let (shape, strides) = (declared.shape.into(), strides.into());
        sink.report(Violation::NotContiguous { structure, order, shape, strides, itemsize: raw.itemsize })?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::panic, reason = "tests may panic")]
mod tests {
    use alloc::format;
    use alloc::vec::Vec;

    use arbitrary::{Result, Unstructured};

    use super::*;

    /// Draws a number from `bytes`: usually a small number, sometimes any `i64`, and sometimes a number at which
    /// arithmetic overflows. Returns an error if `bytes` has no bytes left.
    fn number(bytes: &mut Unstructured<'_>) -> Result<i64> {
        match bytes.int_in_range(0..=7)? {
            0 => bytes.arbitrary(),
            1 => Ok(*bytes.choose(&[i64::MIN, -1, 1 << 31, 1 << 62, i64::MAX - 1, i64::MAX])?),
            _ => bytes.int_in_range(-1..=6),
        }
    }

    /// Draws an array from `bytes`: NULL (`None`), usually an array of `ndim` entries, and sometimes an array of
    /// another length. Returns an error if `bytes` has no bytes left.
    fn array(bytes: &mut Unstructured<'_>, ndim: i32) -> Result<Option<Vec<i64>>> {
        let len = match bytes.int_in_range(0..=9)? {
            0 => return Ok(None),
            1 => bytes.int_in_range(0..=66)?,
            // If `ndim` is negative, the array is empty.
            _ => usize::try_from(ndim).unwrap_or(0).min(66),
        };
        (0..len).map(|_| number(bytes)).collect::<Result<Vec<i64>>>().map(Some)
    }

    /// Draws the fields of a `Py_buffer` from `bytes`, and checks that `direct_view` and `Checker::check` agree. Half
    /// of the drawn fields describe adjacent items with at most one wrong number. Returns an error if `bytes` has no
    /// bytes left.
    fn is_checked_alike(bytes: &mut Unstructured<'_>) -> Result<()> {
        let ndim =
            if bytes.ratio(1, 16)? { *bytes.choose(&[-1, 64, 65, i32::MAX])? } else { bytes.int_in_range(0..=4)? };
        let (mut shape, mut strides) = (array(bytes, ndim)?, array(bytes, ndim)?);
        let (mut len, itemsize) = (number(bytes)?, number(bytes)?);
        if let (Some(shape), true) = (&mut shape, bytes.arbitrary()?) {
            shape.iter_mut().for_each(|length| *length = (*length).clamp(0, 6));
            let itemsize = itemsize.clamp(0, 1 << 40);
            len = shape.iter().product::<i64>() * itemsize;
            strides = bytes.arbitrary::<bool>()?.then(|| c_strides(shape, itemsize).to_vec());
            if let (Some(first), true) = (shape.first_mut(), bytes.ratio(1, 8)?) {
                *first = number(bytes)?;
            }
        }
        let suboffsets = if bytes.ratio(1, 8)? { array(bytes, ndim)? } else { None };
        let raw = RawView {
            buf: *bytes.choose(&[None, Some(0), Some(64)])?,
            obj: *bytes.choose(&[Owner::Unknown, Owner::Null, Owner::Exporter(1)])?,
            len,
            itemsize,
            readonly: bytes.int_in_range(-1..=2)?,
            ndim,
            format: None,
            shape: shape.as_deref(),
            strides: strides.as_deref(),
            suboffsets: suboffsets.as_deref(),
        };
        let direct = raw.direct_view();
        for request in [Request::FULL_RO, Request::INDIRECT, Request::ND, Request::SIMPLE] {
            let checked = Checker::DEFAULT.check(&raw, Some(request.difference(Request::FORMAT))).view;
            match (&direct, &checked) {
                (Some(direct), Some(checked)) => {
                    assert_eq!(direct.as_raw(), checked.as_raw(), "{raw:?}");
                    assert_eq!(format!("{:?}", direct.item()), format!("{:?}", checked.item()), "{raw:?}");
                    assert_eq!((direct.offset(), direct.memory()), (checked.offset(), checked.memory()), "{raw:?}");
                }
                (Some(direct), None) => panic!("{raw:?} has no view, but {direct:?} is returned"),
                // `direct_view` may return `None`. `Checker::check` then decides.
                (None, _) => {}
            }
        }
        Ok(())
    }

    #[test]
    fn the_direct_view_is_that_of_the_checker() {
        arbtest::arbtest(is_checked_alike).size_max(1 << 12);
    }

    #[test]
    fn adjacent_items_have_a_direct_view() {
        for (shape, strides) in
            [(&[3][..], Some(&[4][..])), (&[3], None), (&[0], Some(&[4])), (&[2, 3], Some(&[12, 4]))]
        {
            let len = shape.iter().product::<i64>() * 4;
            let ndim = i32::try_from(shape.len()).expect("at most two dimensions");
            let raw =
                RawView { buf: Some(64), len, itemsize: 4, ndim, shape: Some(shape), strides, ..RawView::default() };
            assert!(raw.direct_view().is_some(), "{raw:?}");
        }
    }
}
