//! `Audit`: compares the answers of one exporter to several buffer requests, and reports the rules that the answers
//! break. The caller sends the requests.

use alloc::vec::Vec;
use core::convert::Infallible;

use super::check::Checker;
use super::contiguity::{Contiguity, Order};
use super::memory_traits::MemoryTraits;
use super::outcome::{RaisedError, RequestOutcome};
use super::raw::{FieldName, MetadataValue, Owner, RawView, RawViewBuf};
use super::report::{Report, ViolationSink};
use super::request::{Request, Structure};
use super::violation::Violation;
use crate::layout::{Comparison, Equivalence, Layout, interpretations, reconcile};

/// Collects the answers of one exporter to several buffer requests, and reports the rules of the buffer protocol that
/// the answers break.
///
/// An audit sends no requests. The caller sends every request of [`Request::ALL_LEGAL`], sends some requests a second
/// time, and adds each outcome with [`observe`](Audit::observe). [`finish`](Audit::finish) checks only the rules
/// about requests that were observed.
///
/// ```
/// use pep3118::{Audit, RaisedError, RequestOutcome, RawView, Request, RuleId};
///
/// let bytes = RawView { len: 3, itemsize: 1, readonly: 1, ndim: 1, ..RawView::default() };
/// let full = RawView { format: Some(b"B"), shape: Some(&[3]), strides: Some(&[1]), ..bytes };
/// let report = Audit::new()
///     .observe(Request::FULL_RO, RequestOutcome::Granted(full))
///     .observe(Request::SIMPLE, RequestOutcome::Granted(bytes))
///     .observe(Request::WRITABLE, RequestOutcome::refused(RaisedError::BufferError))
///     .finish();
/// assert!(report.is_empty());
///
/// // The memory is contiguous, so SIMPLE must succeed.
/// let report = Audit::new()
///     .observe(Request::FULL_RO, RequestOutcome::Granted(full))
///     .observe(Request::SIMPLE, RequestOutcome::refused(RaisedError::BufferError))
///     .finish();
/// assert!(report.contains(RuleId::B23));
/// ```
#[derive(Clone, Debug)]
pub struct Audit<'d> {
    checker: Checker<'d>,
    /// The requests that succeeded, each with a copy of the answer.
    granted: Vec<(Request, RawViewBuf)>,
    /// The requests that failed, each with the outcome.
    failed: Vec<(Request, FailedRequest)>,
    /// The violations that happened when a buffer was released, each with the request that created the buffer.
    at_release: Vec<(Request, Violation)>,
    /// The layout of an item according to the type of the exporter, such as a NumPy dtype. `None` if the caller did
    /// not set a layout.
    type_layout: Option<Layout>,
}

/// The outcome of a request that did not succeed. The variants correspond to those of [`RequestOutcome`].
#[derive(Clone, Debug)]
enum FailedRequest {
    Refused { error: RaisedError, obj: Owner, references: i64 },
    InvalidReturn { returned: i32, error: RaisedError },
}

impl Audit<'static> {
    /// Creates an audit without outcomes. The audit checks each answer with [`Checker::DEFAULT`].
    #[must_use]
    pub const fn new() -> Self {
        Self::with(Checker::DEFAULT)
    }
}

impl Default for Audit<'static> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'d> Audit<'d> {
    /// Creates an audit without outcomes. The audit checks each answer with `checker`.
    ///
    /// ```
    /// use pep3118::{Audit, Checker, DataModel, RawView, Request, RequestOutcome};
    /// let windows = Checker { model: &DataModel::LLP64, ..Checker::DEFAULT };
    /// let raw = RawView {
    ///     len: 4, itemsize: 4, ndim: 1, format: Some(b"l"), shape: Some(&[1]), strides: Some(&[4]), ..RawView::default()
    /// };
    /// let report = Audit::with(windows).observe(Request::FULL, RequestOutcome::Granted(raw)).finish();
    /// assert!(!report.has_errors());
    /// ```
    #[must_use]
    pub const fn with(checker: Checker<'d>) -> Self {
        Self { checker, granted: Vec::new(), failed: Vec::new(), at_release: Vec::new(), type_layout: None }
    }

    /// Adds `outcome`, the answer of the exporter to `request`. The audit copies the arrays and the format.
    #[must_use]
    pub fn observe(mut self, request: Request, outcome: RequestOutcome<'_>) -> Self {
        match outcome {
            RequestOutcome::Granted(raw) => self.granted.push((request, raw.to_buf())),
            RequestOutcome::Refused { error, obj, references } => {
                self.failed.push((request, FailedRequest::Refused { error, obj, references }));
            }
            RequestOutcome::InvalidReturn { returned, error } => {
                self.failed.push((request, FailedRequest::InvalidReturn { returned, error }));
            }
        }
        self
    }

    /// Adds the change of the exporter's reference count that `request` and the release of its buffer cause together
    /// (E09, neutral reference count).
    ///
    /// `references` is the count after the release minus the count before `request`. Pass 0 if the count was not
    /// measured. A number other than 0 becomes a finding.
    ///
    /// ```
    /// use pep3118::{Audit, Request, RuleId};
    /// assert!(Audit::new().released(Request::FULL, 1).finish().contains(RuleId::E09));
    /// ```
    #[must_use]
    pub fn released(mut self, request: Request, references: i64) -> Self {
        if references != 0 {
            self.at_release.push((request, Violation::ReferencesAfterRelease { references }));
        }
        self
    }

    /// Adds an exception that `__release_buffer__` raised when the caller released the buffer of `request` (E10,
    /// release of Python classes). `error` is the name of the exception's class, such as `"ValueError"`.
    ///
    /// ```
    /// use pep3118::{Audit, Request, RuleId};
    /// assert!(Audit::new().release_raised(Request::FULL, "ValueError").finish().contains(RuleId::E10));
    /// ```
    #[must_use]
    pub fn release_raised(mut self, request: Request, error: &str) -> Self {
        self.at_release.push((request, Violation::ReleaseRaised { error: error.into() }));
        self
    }

    /// Sets the layout of an item according to the type of the exporter. For a NumPy array, `item` is the layout of
    /// the dtype.
    ///
    /// [`finish`](Audit::finish) compares the format of each answer with `item` (T01, format and type). If a format
    /// has several interpretations, one interpretation that agrees is enough, because A07 (size of the format)
    /// already reports the ambiguity. A format without an interpretation is not compared, because A07 or A11 (format
    /// syntax) reports the format.
    ///
    /// ```
    /// use pep3118::{Audit, DataModel, Dialect, Layout, RequestOutcome, RawView, Request, RuleId};
    ///
    /// let two_ints = RawView { len: 8, itemsize: 8, format: Some(b"T{<i:a:<i:b:}"), ..RawView::default() };
    /// // The type of the exporter has items of one double.
    /// let double = Layout::read(b"<d", &Dialect::STRUCT, &DataModel::LP64)?;
    /// let report =
    ///     Audit::new().type_layout(&double).observe(Request::FULL_RO, RequestOutcome::Granted(two_ints)).finish();
    /// let finding = report.iter().find(|finding| finding.rule() == RuleId::T01).unwrap();
    /// assert!(finding.message().starts_with("format `T{<i:a:<i:b:}` (first) and the type of the exporter (second) disagree"));
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[must_use]
    pub fn type_layout(mut self, item: &Layout) -> Self {
        self.type_layout = Some(item.clone());
        self
    }

    /// Checks each answer, compares the answers with each other, and returns a report of all violations.
    #[must_use]
    pub fn finish(self) -> Report {
        let mut report = Report::new();
        let reference = self.reference_answer();
        for (index, (request, raw)) in self.granted.iter().enumerate() {
            let raw = raw.as_raw();
            self.checker.report(&raw, *request, &mut RequestReport { report: &mut report, request: *request });
            if raw.obj == Owner::Temporary {
                report.push(Violation::ObjTemporary, Some(*request));
            }
            let earlier = self.granted.iter().take(index).find(|(earlier, _)| earlier == request);
            if let Some((_, earlier)) = earlier {
                let earlier = earlier.as_raw();
                if let Some(field) = first_difference(&raw, &earlier) {
                    let (value, other) = (MetadataValue::of(&raw, field), MetadataValue::of(&earlier, field));
                    report.push(Violation::NotRepeatable { field, value, other }, Some(*request));
                }
            } else if let Some((other, reference)) = &reference {
                compare_answers(*request, &raw, *other, reference, &mut report);
            }
        }
        self.compare_readonly(&mut report);
        let reference = reference.map(|(_, raw)| raw);
        let memory = self.memory_traits(reference.as_ref());
        for (request, failed) in &self.failed {
            self.check_failure(*request, failed, memory, reference.as_ref(), &mut report);
        }
        self.compare_type_layout(&mut report);
        for (request, violation) in self.at_release {
            report.push(violation, Some(request));
        }
        report.sorted()
    }

    /// Returns the reference answer and its request. The audit compares every other answer with the reference answer.
    /// The reference answer is the answer to the request that asks for the most fields. If several requests ask for
    /// equally many fields, the answer that was added first is the reference answer. Returns `None` if no request
    /// succeeded.
    fn reference_answer(&self) -> Option<(Request, RawView<'_>)> {
        let answers = self.granted.iter().enumerate();
        let best = answers.max_by_key(|(index, (request, _))| (requested_fields(*request), core::cmp::Reverse(*index)));
        best.map(|(_, (request, raw))| (*request, raw.as_raw()))
    }

    /// Adds a violation to `report` if two answers to requests without `WRITABLE` have different values of `readonly`
    /// (B03, consistent `readonly`).
    fn compare_readonly(&self, report: &mut Report) {
        let mut answers = self.granted.iter().filter(|(request, _)| !request.contains(Request::WRITABLE));
        let Some((first, expected)) = answers.next() else { return };
        let other = expected.as_raw().readonly;
        for (request, raw) in answers {
            let readonly = raw.as_raw().readonly;
            // Different answers to equal requests break B24 (repeatable answers), which another function reports.
            if readonly != other && request != first {
                report.push(Violation::ReadonlyChanged { readonly, other, request: *first }, Some(*request));
            }
        }
    }

    /// Adds a violation to `report` for each format that disagrees with the layout of the exporter's type (T01,
    /// format and type).
    fn compare_type_layout(&self, report: &mut Report) {
        let Some(type_layout) = &self.type_layout else { return };
        for (request, raw) in &self.granted {
            let raw = raw.as_raw();
            let Some(format) = raw.format else { continue };
            let itemsize = u64::try_from(raw.itemsize).ok();
            // A format without an interpretation is skipped, because the check of the answer has already reported the
            // format.
            let outcome = reconcile(format, itemsize, self.checker.dialect, self.checker.model);
            // `best` is the comparison with the interpretation that agrees best. If several interpretations agree
            // equally well, `best` belongs to the most likely interpretation.
            let best = interpretations(&outcome)
                .iter()
                .map(|interpretation| Comparison::of_layouts(&interpretation.layout, type_layout))
                .reduce(|best, other| if other.equivalence > best.equivalence { other } else { best });
            let Some(Comparison { equivalence, difference: Some(difference) }) = best else { continue };
            let names_only = equivalence == Some(Equivalence::LayoutIgnoringNames);
            let violation =
                Violation::TypeMismatch { format: format.into(), difference: difference.into(), names_only };
            report.push(violation, Some(*request));
        }
    }

    /// Derives the properties of the exporter's memory from the answers. `reference` is the [reference
    /// answer](Self::reference_answer), or `None` if no request succeeded. If a property is unknown, the result
    /// contains the value that permits the exporter to refuse more requests.
    fn memory_traits(&self, reference: Option<&RawView<'_>>) -> MemoryTraits {
        // If the answers disagree on `readonly` (B03, consistent `readonly`), the memory counts as writable only if a
        // `WRITABLE` request succeeded.
        let is_writable = self.granted.iter().any(|(request, _)| request.contains(Request::WRITABLE));
        let readonly = !is_writable && self.granted.iter().any(|(_, raw)| raw.as_raw().readonly != 0);
        match reference {
            Some(raw) => MemoryTraits { readonly, ..MemoryTraits::of(raw) },
            None => MemoryTraits { readonly: true, c_contiguous: false, f_contiguous: false, indirect: true },
        }
    }

    /// Adds the violations of one failed request to `report`. Checks the exception, the field `obj`, the reference
    /// count, and the permission to refuse the request.
    ///
    /// `failed` is the outcome of `request`. `memory` has the properties of the exporter's memory, which decide the
    /// permission to refuse `request`. `reference` is the [reference answer](Self::reference_answer), or `None` if no
    /// request succeeded.
    fn check_failure(
        &self,
        request: Request,
        failed: &FailedRequest,
        memory: MemoryTraits,
        reference: Option<&RawView<'_>>,
        report: &mut Report,
    ) {
        let mut push = |violation| report.push(violation, Some(request));
        match failed {
            FailedRequest::InvalidReturn { returned, error } => {
                push(Violation::WrongReturn { returned: *returned, error: error.clone() });
            }
            FailedRequest::Refused { error, obj, references } => {
                if *error != RaisedError::BufferError {
                    push(Violation::WrongError { error: error.clone() });
                }
                if matches!(obj, Owner::Exporter(_)) {
                    push(Violation::ObjAfterFailure);
                }
                if *references != 0 {
                    push(Violation::ReferencesAfterFailure { references: *references });
                }
                if memory.refusal_reason(request).is_none() && request.validate().is_ok() {
                    push(self.unjustified_refusal(request, error, reference));
                }
            }
        }
    }

    /// Returns the violation for the refusal of `request`. No property of the memory may allow the refusal.
    ///
    /// `error` is the exception of the refusal. `reference` is the [reference answer](Self::reference_answer), or
    /// `None` if no request succeeded. The violation breaks one of these rules:
    /// - one of the rules C02 to C07, if the exporter wrongly treats the memory as not contiguous
    /// - B16 (compound requests), if only the combination of flags fails
    /// - B23 (allowed refusals) in all other cases
    fn unjustified_refusal(&self, request: Request, error: &RaisedError, reference: Option<&RawView<'_>>) -> Violation {
        let structure = request.structure();
        let succeeds = |request: Request| self.granted.iter().any(|(granted, _)| *granted == request);
        let is_served = |flag: Request| self.granted.iter().any(|(granted, _)| granted.contains(flag));
        // If the same request without FORMAT succeeds, FORMAT is the reason for the refusal, and not the contiguity.
        let fails_for_format = request.contains(Request::FORMAT) && succeeds(request.difference(Request::FORMAT));
        if let Some(raw) = reference.filter(|_| !fails_for_format) {
            let because = Contiguity::of(raw);
            if let Some(order) = structure.contiguity() {
                return Violation::ContiguityDenied { structure, order, because };
            }
            // A request without STRIDES needs C-contiguous memory. An exporter usually refuses such a request because
            // it does not recognize an unusual contiguous array, such as an array without items. If the array is
            // contiguous in a usual way (`is_plain`), the refusal has another reason.
            let is_plain = matches!(because, Contiguity::NoStrides | Contiguity::OneDimension | Contiguity::Dimensions);
            if !request.contains(Request::STRIDES) && !is_plain {
                return Violation::ContiguityDenied { structure, order: Order::C, because };
            }
        }
        let flags_are_served =
            [Request::WRITABLE, Request::FORMAT].into_iter().all(|flag| !request.contains(flag) || is_served(flag));
        let structure_is_served = self.granted.iter().any(|(granted, _)| granted.structure() == structure);
        if request.is_compound() && structure_is_served && flags_are_served {
            return Violation::CompoundRefused { compound: request };
        }
        Violation::Refused { error: error.clone() }
    }
}

/// A [`ViolationSink`] that adds each violation together with `request` to `report`.
struct RequestReport<'r> {
    report: &'r mut Report,
    request: Request,
}

impl ViolationSink for RequestReport<'_> {
    type Stop = Infallible;

    fn report(&mut self, violation: Violation) -> Result<(), Infallible> {
        self.report.push(violation, Some(self.request));
        Ok(())
    }
}

/// Returns a sort key for `request`, which is larger for a request that asks for more fields. The key is the number of
/// arrays that the request asks for (0 for `SIMPLE`, 3 for `INDIRECT`), and `true` if the request asks for the format.
fn requested_fields(request: Request) -> (u8, bool) {
    let arrays = match request.structure() {
        Structure::Indirect => 3,
        Structure::Strides | Structure::CContiguous | Structure::FContiguous | Structure::AnyContiguous => 2,
        Structure::Nd => 1,
        Structure::Simple => 0,
    };
    (arrays, request.contains(Request::FORMAT))
}

/// Returns the first field that differs between `raw` and `other`, two answers to equal requests. `buf` is compared
/// only if both answers have `buf`. Returns `None` if no field differs.
fn first_difference(raw: &RawView<'_>, other: &RawView<'_>) -> Option<FieldName> {
    let differs = [
        (FieldName::Buf, raw.buf.is_some() && other.buf.is_some() && raw.buf != other.buf),
        (FieldName::Len, raw.len != other.len),
        (FieldName::Itemsize, raw.itemsize != other.itemsize),
        (FieldName::Readonly, raw.readonly != other.readonly),
        (FieldName::Ndim, raw.ndim != other.ndim),
        (FieldName::Format, raw.format != other.format),
        (FieldName::Shape, raw.shape != other.shape),
        (FieldName::Strides, raw.strides != other.strides),
        (FieldName::Suboffsets, raw.suboffsets != other.suboffsets),
    ];
    differs.into_iter().find_map(|(field, differs)| differs.then_some(field))
}

/// Compares `raw`, the answer to `request`, with `reference`, the answer to the request `other`. Adds a violation for
/// `request` to `report` in three cases:
/// - a field that does not depend on the request differs, such as `len` or `itemsize`
/// - both answers have an array or a format, and the arrays or formats differ
/// - `request` succeeded without strides or suboffsets, although the memory of `reference` needs them
fn compare_answers(request: Request, raw: &RawView<'_>, other: Request, reference: &RawView<'_>, report: &mut Report) {
    let mut push = |violation| report.push(violation, Some(request));
    let changed = |field| Violation::MetadataChanged {
        field,
        value: MetadataValue::of(raw, field),
        other: MetadataValue::of(reference, field),
        request: other,
    };
    if let (Owner::Exporter(identity), Owner::Exporter(reference)) = (raw.obj, reference.obj)
        && identity != reference
    {
        push(Violation::ObjChanged { request: other });
    }
    let same_ndim = raw.ndim == reference.ndim;
    if !same_ndim {
        let simple = !request.contains(Request::ND) || !other.contains(Request::ND);
        push(Violation::NdimChanged { ndim: raw.ndim, other: reference.ndim, request: other, simple });
    }
    if raw.itemsize != reference.itemsize {
        push(if request.contains(Request::FORMAT) == other.contains(Request::FORMAT) {
            changed(FieldName::Itemsize)
        } else {
            Violation::ItemsizeChanged { itemsize: raw.itemsize, other: reference.itemsize, request: other }
        });
    }
    // If only one of the two answers has a field, the field is treated as equal. If `ndim` differs (B01, independence
    // of the request), the lengths of `shape`, `strides` and `suboffsets` differ too. In this case only `ndim` is
    // reported.
    let agrees = [
        (FieldName::Buf, equal_if_present(raw.buf, reference.buf)),
        (FieldName::Len, raw.len == reference.len),
        (FieldName::Format, equal_if_present(raw.format, reference.format)),
        (FieldName::Shape, !same_ndim || equal_if_present(raw.shape, reference.shape)),
        (FieldName::Strides, !same_ndim || strides_equal_if_present(raw, reference)),
    ];
    for (field, _) in agrees.into_iter().filter(|(_, agrees)| !agrees) {
        push(changed(field));
    }
    match (reference.suboffsets, reference.strides) {
        (Some(suboffsets), _) if reference.is_indirect() && !request.contains(Request::INDIRECT) => {
            let suboffsets = suboffsets.into();
            push(match request.structure().contiguity() {
                Some(_) => Violation::ContiguousIndirect { suboffsets, request: other },
                None => Violation::SuboffsetsNeeded { suboffsets, request: other },
            });
        }
        (None, Some(strides)) if !request.contains(Request::STRIDES) && !reference.is_contiguous(Order::C) => {
            push(Violation::StridesNeeded { strides: strides.into(), request: other });
        }
        _ => {}
    }
}

/// Returns `true` if `value` and `other` are equal, or if `value` or `other` is `None`. Otherwise returns `false`.
fn equal_if_present<T: PartialEq>(value: Option<T>, other: Option<T>) -> bool {
    value.is_none() || other.is_none() || value == other
}

/// Returns `true` if the strides of `raw` and `other` are equal, or if one of the answers has no strides. Ignores the
/// strides of dimensions of at most one item. NumPy changes the strides of such dimensions if a request asks for
/// contiguity.
fn strides_equal_if_present(raw: &RawView<'_>, other: &RawView<'_>) -> bool {
    let (Some(strides), Some(others)) = (raw.strides, other.strides) else { return true };
    // Without a shape, no stride is compared, and the strides count as equal.
    let shape = raw.shape.or(other.shape).unwrap_or_default();
    raw.len == 0
        || shape.iter().zip(strides.iter().zip(others)).all(|(length, (stride, other))| *length <= 1 || stride == other)
}
