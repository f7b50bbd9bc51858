//! `Audit`: compares the answers that one exporter gave to several requests. It sends no request itself.

use alloc::vec::Vec;

use super::check::Checker;
use super::contiguity::{Contiguity, Order};
use super::memory_traits::MemoryTraits;
use super::outcome::{RaisedError, RequestOutcome};
use super::raw::{FieldName, MetadataValue, Owner, RawView, RawViewBuf};
use super::report::{Report, SinkClosed, ViolationSink};
use super::request::{Request, Structure};
use super::violation::Violation;
use crate::layout::{Comparison, Equivalence, Layout, interpretations, reconcile};
use crate::text::escape;

/// Compares the answers of one exporter to several requests.
///
/// Add the outcome of every request of [`Request::ALL_LEGAL`], and of some requests twice: each outcome
/// makes more rules decidable. The audit itself sends no requests.
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
    granted: Vec<(Request, RawViewBuf)>,
    failed: Vec<(Request, FailedRequest)>,
    /// Violations that the caller has found at the release of a buffer.
    at_release: Vec<(Request, Violation)>,
    type_layout: Option<Layout>,
}

/// A [`RequestOutcome`] other than success.
#[derive(Clone, Debug)]
enum FailedRequest {
    Refused { error: RaisedError, obj: Owner, references: i64 },
    InvalidReturn { returned: i32, error: RaisedError },
}

impl Audit<'static> {
    /// Starts an audit that checks each answer with [`Checker::DEFAULT`].
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
    /// Starts an audit that checks each answer with this checker.
    #[must_use]
    pub const fn with(checker: Checker<'d>) -> Self {
        Self { checker, granted: Vec::new(), failed: Vec::new(), at_release: Vec::new(), type_layout: None }
    }

    /// Adds the outcome of a request. The arrays and the format are copied.
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

    /// Adds the increase of the exporter's reference count from before the request to after the release
    /// (E09, neutral reference count). Pass 0 if it was not measured.
    #[must_use]
    pub fn released(mut self, request: Request, references: i64) -> Self {
        if references != 0 {
            self.at_release.push((request, Violation::ReferencesAfterRelease { references }));
        }
        self
    }

    /// Adds an exception that `__release_buffer__` raised (E10, release of Python classes), by the name of
    /// its class.
    #[must_use]
    pub fn release_raised(mut self, request: Request, error: &str) -> Self {
        self.at_release.push((request, Violation::ReleaseRaised { error: escape(error).into() }));
        self
    }

    /// Sets the layout of an item by the type of the exporter: a NumPy dtype, the fields of a ctypes
    /// structure.
    ///
    /// The formats are compared with it (T01, format and type). If a format has several interpretations of
    /// its itemsize, one that agrees is enough: A07 reports the ambiguity. A format without an
    /// interpretation breaks A07 or A11 and is not compared.
    ///
    /// ```
    /// use pep3118::{Audit, DataModel, Dialect, Layout, RequestOutcome, RawView, Request, RuleId};
    ///
    /// let two_ints = RawView { len: 8, itemsize: 8, format: Some(b"T{<i:a:<i:b:}"), ..RawView::default() };
    /// // By its type, the exporter has doubles.
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

    /// Checks every answer alone and against the others, and returns all violations.
    #[must_use]
    pub fn finish(self) -> Report {
        let mut report = Report::new();
        let reference = self.reference();
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
                compare(*request, &raw, *other, reference, &mut report);
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

    /// Returns the answer with the most fields, the first of several. The others are compared with it.
    fn reference(&self) -> Option<(Request, RawView<'_>)> {
        let answers = self.granted.iter().enumerate();
        let best = answers.max_by_key(|(index, (request, _))| (requested_fields(*request), core::cmp::Reverse(*index)));
        best.map(|(_, (request, raw))| (*request, raw.as_raw()))
    }

    /// Checks that the answers without `WRITABLE` have the same `readonly` (B03).
    fn compare_readonly(&self, report: &mut Report) {
        let mut answers = self.granted.iter().filter(|(request, _)| !request.contains(Request::WRITABLE));
        let Some((first, expected)) = answers.next() else { return };
        let other = expected.as_raw().readonly;
        for (request, raw) in answers {
            let readonly = raw.as_raw().readonly;
            // Different answers to the same request break B24, repeatable answers.
            if readonly != other && request != first {
                report.push(Violation::ReadonlyChanged { readonly, other, request: *first }, Some(*request));
            }
        }
    }

    /// Compares the format of each answer with the layout by the type (T01).
    fn compare_type_layout(&self, report: &mut Report) {
        let Some(type_layout) = &self.type_layout else { return };
        for (request, raw) in &self.granted {
            let raw = raw.as_raw();
            let Some(format) = raw.format else { continue };
            let itemsize = u64::try_from(raw.itemsize).ok();
            // The check of the answer has reported a format without an interpretation.
            let outcome = reconcile(format, itemsize, self.checker.dialect, self.checker.model);
            // The interpretation that agrees best; the most likely of several.
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

    /// Returns the known properties of the memory. An unknown property permits a refusal.
    fn memory_traits(&self, reference: Option<&RawView<'_>>) -> MemoryTraits {
        // If the answers disagree on `readonly` (B03), only success with WRITABLE proves writable memory.
        let is_writable = self.granted.iter().any(|(request, _)| request.contains(Request::WRITABLE));
        let readonly = !is_writable && self.granted.iter().any(|(_, raw)| raw.as_raw().readonly != 0);
        match reference {
            Some(raw) => MemoryTraits { readonly, ..MemoryTraits::of(raw) },
            None => MemoryTraits { readonly: true, c_contiguous: false, f_contiguous: false, indirect: true },
        }
    }

    /// Checks the form of a failure, and that there is a reason for it.
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

    /// Returns the violation of a refusal without a reason: C for denied contiguity, B16 for a compound
    /// request, else B23.
    fn unjustified_refusal(&self, request: Request, error: &RaisedError, reference: Option<&RawView<'_>>) -> Violation {
        let structure = request.structure();
        let succeeds = |request: Request| self.granted.iter().any(|(granted, _)| *granted == request);
        let is_served = |flag: Request| self.granted.iter().any(|(granted, _)| granted.contains(flag));
        // If the request succeeds without FORMAT, the format is the reason of the failure.
        let fails_for_format = request.contains(Request::FORMAT) && succeeds(request.difference(Request::FORMAT));
        if let Some(raw) = reference.filter(|_| !fails_for_format) {
            let because = Contiguity::of(raw);
            if let Some(order) = structure.contiguity() {
                return Violation::ContiguityDenied { structure, order, because };
            }
            // Without strides the memory must be C-contiguous. An exporter that denies that usually overlooks
            // an unusual case, such as no items: plain contiguity is a sign of another reason.
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

/// Adds the request to each violation that a check reports.
struct RequestReport<'r> {
    report: &'r mut Report,
    request: Request,
}

impl ViolationSink for RequestReport<'_> {
    fn report(&mut self, violation: Violation) -> Result<(), SinkClosed> {
        self.report.push(violation, Some(self.request));
        Ok(())
    }
}

/// Orders requests by the fields that they return: the number of arrays, then the format.
fn requested_fields(request: Request) -> (u8, bool) {
    let arrays = match request.structure() {
        Structure::Indirect => 3,
        Structure::Strides | Structure::CContiguous | Structure::FContiguous | Structure::AnyContiguous => 2,
        Structure::Nd => 1,
        Structure::Simple => 0,
    };
    (arrays, request.contains(Request::FORMAT))
}

/// Returns the first field in which two answers to the same request differ.
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

/// Compares the answer to a request with the reference, the answer to another request.
fn compare(request: Request, raw: &RawView<'_>, other: Request, reference: &RawView<'_>, report: &mut Report) {
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
    // A field that one of the requests does not return agrees. With another ndim (B01) the arrays differ.
    let agrees = [
        (FieldName::Buf, agree(raw.buf, reference.buf)),
        (FieldName::Len, raw.len == reference.len),
        (FieldName::Format, agree(raw.format, reference.format)),
        (FieldName::Shape, !same_ndim || agree(raw.shape, reference.shape)),
        (FieldName::Strides, !same_ndim || strides_agree(raw, reference)),
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

/// Whether the values are equal or one of them is missing.
fn agree<T: PartialEq>(value: Option<T>, other: Option<T>) -> bool {
    value.is_none() || other.is_none() || value == other
}

/// Whether the strides of dimensions of several items are equal. NumPy reports different strides for a
/// dimension of one item if a contiguity is requested.
fn strides_agree(raw: &RawView<'_>, other: &RawView<'_>) -> bool {
    let (Some(strides), Some(others)) = (raw.strides, other.strides) else { return true };
    let shape = raw.shape.or(other.shape).unwrap_or_default();
    raw.len == 0
        || shape.iter().zip(strides.iter().zip(others)).all(|(length, (stride, other))| *length <= 1 || stride == other)
}
