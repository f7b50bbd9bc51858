//! What one exporter answers to different requests, side by side.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use super::check::{Checker, Sink, Stop};
use super::expected::{Contiguity, MemoryTraits};
use super::geometry::Order;
use super::raw::{Owner, RawView, RawViewBuf};
use super::report::Report;
use super::request::{Request, Structure};
use super::violation::{FieldName, MetadataValue, Violation};
use crate::layout::{Comparison, Equivalence, Layout, interpretations, reconcile};

/// What an exporter did with a request.
///
/// ```
/// use pep3118::{RaisedError, Owner, RequestOutcome};
/// assert_eq!(
///     RequestOutcome::refused(RaisedError::BufferError),
///     RequestOutcome::Refused { error: RaisedError::BufferError, obj: Owner::Unknown, references: 0 },
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestOutcome<'a> {
    /// It returned 0, with no exception set, and filled in the struct.
    Granted(RawView<'a>),
    /// It returned -1.
    Refused {
        /// The exception that is set.
        error: RaisedError,
        /// What it left in `obj`.
        obj: Owner,
        /// By how much the exporter's reference count rose; 0 if that was not watched.
        references: i64,
    },
    /// It did anything else: returned another number, or 0 with an exception set.
    Broken {
        /// What it returned.
        returned: i32,
        /// The exception that is set.
        error: RaisedError,
    },
}

impl RequestOutcome<'_> {
    /// A failure of which only the exception is known.
    #[must_use]
    pub const fn refused(error: RaisedError) -> Self {
        Self::Refused { error, obj: Owner::Unknown, references: 0 }
    }
}

/// Which exception a failed request raised.
///
/// ```
/// use pep3118::RaisedError;
/// assert_eq!(RaisedError::Other("TypeError".into()).to_string(), "TypeError");
/// assert_eq!(RaisedError::Silent.to_string(), "no exception");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RaisedError {
    /// `BufferError`, as it should be.
    BufferError,
    /// Another class, by its name.
    Other(Box<str>),
    /// None at all.
    Silent,
}

impl fmt::Display for RaisedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BufferError => "BufferError",
            Self::Other(name) => name,
            Self::Silent => "no exception",
        })
    }
}

/// Compares what one exporter answers to many requests.
///
/// Feed it every request of [`Request::ALL_LEGAL`], some of them twice; the more it has seen, the
/// more it can tell. It is pure data: who asks the exporter, and how, is not its concern.
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
/// // The memory is contiguous: whoever asks for that must get it.
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
    failed: Vec<(Request, Failed)>,
    seen: Vec<(Request, Violation)>,
    truth: Option<Layout>,
}

#[derive(Clone, Debug)]
enum Failed {
    Refused { error: RaisedError, obj: Owner, references: i64 },
    Broken { returned: i32, error: RaisedError },
}

impl Audit<'static> {
    /// An audit by [`Checker::DEFAULT`].
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

/// Faults go into the report with the request that showed them.
struct Tagged<'r>(&'r mut Report, Request);

impl Sink for Tagged<'_> {
    fn report(&mut self, fault: Violation) -> Result<(), Stop> {
        self.0.push(fault, Some(self.1));
        Ok(())
    }
}

impl<'d> Audit<'d> {
    /// An audit in which every answer is also checked by itself.
    #[must_use]
    pub const fn with(checker: Checker<'d>) -> Self {
        Self { checker, granted: Vec::new(), failed: Vec::new(), seen: Vec::new(), truth: None }
    }

    /// Notes what the exporter did with a request. What it filled in is copied.
    #[must_use]
    pub fn observe(mut self, request: Request, outcome: RequestOutcome<'_>) -> Self {
        match outcome {
            RequestOutcome::Granted(raw) => self.granted.push((request, raw.to_buf())),
            RequestOutcome::Refused { error, obj, references } => {
                self.failed.push((request, Failed::Refused { error, obj, references }));
            }
            RequestOutcome::Broken { returned, error } => {
                self.failed.push((request, Failed::Broken { returned, error }))
            }
        }
        self
    }

    /// Notes by how much the exporter's reference count rose from before a request to after the release
    /// (E09). 0, and what was not watched, is no news.
    #[must_use]
    pub fn released(mut self, request: Request, references: i64) -> Self {
        if references != 0 {
            self.seen.push((request, Violation::ReferencesLeft { references }));
        }
        self
    }

    /// Notes an exception that left `__release_buffer__` (E10), by the name of its class.
    #[must_use]
    pub fn release_raised(mut self, request: Request, error: &str) -> Self {
        self.seen.push((request, Violation::ReleaseRaised { error: error.into() }));
        self
    }

    /// Notes what the type of the exporter says of an item: a NumPy dtype, the fields of a ctypes structure.
    ///
    /// The format is held against it (T01). Where a format has several readings of its itemsize, one that
    /// agrees is enough: that it is ambiguous is A07's. A format without a reading is A07's or A11's too.
    ///
    /// ```
    /// use pep3118::{Audit, DataModel, Dialect, Layout, RequestOutcome, RawView, Request, RuleId};
    ///
    /// // Two bit-fields of one int, which ctypes writes as whole integers: the sizes show it.
    /// let fields = RawView { len: 8, itemsize: 8, format: Some(b"T{<i:a:<i:b:}"), ..RawView::default() };
    /// // What the type says: a double.
    /// let truth = Layout::read(b"<d", &Dialect::STRUCT, &DataModel::LP64)?;
    /// let report =
    ///     Audit::new().truth(&truth).observe(Request::FULL_RO, RequestOutcome::Granted(fields)).finish();
    /// let finding = report.iter().find(|finding| finding.rule() == RuleId::T01).unwrap();
    /// assert!(finding.message().starts_with("format `T{<i:a:<i:b:}` and the type of the exporter disagree"));
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[must_use]
    pub fn truth(mut self, item: &Layout) -> Self {
        self.truth = Some(item.clone());
        self
    }

    /// The format of an answer against what the type says.
    fn compare_truth(&self, report: &mut Report) {
        let Some(truth) = &self.truth else { return };
        for (request, raw) in &self.granted {
            let raw = raw.as_raw();
            let Some(format) = raw.format else { continue };
            let itemsize = u64::try_from(raw.itemsize).ok();
            let outcome = reconcile(format, itemsize, self.checker.dialect, self.checker.model);
            // The best of several readings; of equal ones the likeliest.
            let best = interpretations(&outcome)
                .iter()
                .map(|found| Comparison::of_layouts(&found.layout, truth))
                .reduce(|best, other| if other.equivalence > best.equivalence { other } else { best });
            let Some(Comparison { equivalence, difference: Some(difference) }) = best else { continue };
            let names_only = equivalence == Some(Equivalence::LayoutIgnoringNames);
            let fault = Violation::FormatLies { format: format.into(), difference: difference.into(), names_only };
            report.push(fault, Some(*request));
        }
    }

    /// All that the answers break, each by itself and one against another.
    #[must_use]
    pub fn finish(self) -> Report {
        let mut report = Report::new();
        let fullest = self.granted.iter().enumerate().max_by_key(|(index, (request, _))| {
            // Of equal ones the first.
            (richness(*request), core::cmp::Reverse(*index))
        });
        let fullest = fullest.map(|(_, (request, raw))| (*request, raw.as_raw()));
        for (index, (request, raw)) in self.granted.iter().enumerate() {
            let raw = raw.as_raw();
            self.checker.report(&raw, *request, &mut Tagged(&mut report, *request));
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
            } else if let Some((other, fullest)) = &fullest {
                compare(*request, &raw, *other, fullest, &mut report);
            }
        }
        self.compare_readonly(&mut report);
        let subject = self.subject(fullest.as_ref().map(|(_, raw)| raw));
        for (request, failed) in &self.failed {
            for fault in self.failure(*request, failed, subject, fullest.as_ref().map(|(_, raw)| raw)) {
                report.push(fault, Some(*request));
            }
        }
        self.compare_truth(&mut report);
        for (request, fault) in self.seen {
            report.push(fault, Some(request));
        }
        report.sorted()
    }

    /// Without `WRITABLE` all answers have the same `readonly`.
    fn compare_readonly(&self, report: &mut Report) {
        let mut readers = self.granted.iter().filter(|(request, _)| !request.contains(Request::WRITABLE));
        let Some((first, expected)) = readers.next() else { return };
        let other = expected.as_raw().readonly;
        for (request, raw) in readers {
            let readonly = raw.as_raw().readonly;
            // Two answers to one request are B24's.
            if readonly != other && request != first {
                report.push(Violation::ReadonlyChanged { readonly, other, request: *first }, Some(*request));
            }
        }
    }

    /// What is known of the memory. What is not known counts as an obstacle.
    fn subject(&self, fullest: Option<&RawView<'_>>) -> MemoryTraits {
        // Where the answers disagree on it, which is B03's business, only a granted WRITABLE proves that it can be had.
        let proved = self.granted.iter().any(|(request, _)| request.contains(Request::WRITABLE));
        let readonly = !proved && self.granted.iter().any(|(_, raw)| raw.as_raw().readonly != 0);
        match fullest {
            Some(raw) => MemoryTraits { readonly, ..MemoryTraits::of(raw) },
            None => MemoryTraits { readonly: true, c_contiguous: false, f_contiguous: false, indirect: true },
        }
    }

    fn failure(
        &self,
        request: Request,
        failed: &Failed,
        subject: MemoryTraits,
        fullest: Option<&RawView<'_>>,
    ) -> impl Iterator<Item = Violation> {
        let faults = match failed {
            Failed::Broken { returned, error } => {
                [Some(Violation::WrongReturn { returned: *returned, error: error.clone() }), None, None, None]
            }
            Failed::Refused { error, obj, references } => {
                let excused = subject.obstacle(request).is_some() || request.fault().is_some();
                [
                    (*error != RaisedError::BufferError).then(|| Violation::WrongError { error: error.clone() }),
                    matches!(obj, Owner::Exporter(_)).then_some(Violation::ObjAfterFailure),
                    (*references != 0).then_some(Violation::CountedBeforeFailure { references: *references }),
                    (!excused).then(|| self.denial(request, error, fullest)),
                ]
            }
        };
        faults.into_iter().flatten()
    }

    /// A failure that nothing excuses.
    fn denial(&self, request: Request, error: &RaisedError, fullest: Option<&RawView<'_>>) -> Violation {
        let structure = request.structure();
        let contiguous =
            matches!(structure, Structure::CContiguous | Structure::FContiguous | Structure::AnyContiguous);
        // What is served without its format fails for the format's sake.
        let for_format = request.contains(Request::FORMAT)
            && self.granted.iter().any(|(granted, _)| *granted == request.difference(Request::FORMAT));
        let served = |flag: Request| self.granted.iter().any(|(granted, _)| granted.contains(flag));
        // Without strides the memory must be C-contiguous too; what makes an exporter deny that is rarely plain.
        let misjudged = |raw: &RawView<'_>| {
            let because = Contiguity::of(raw);
            let plain = matches!(because, Contiguity::NoStrides | Contiguity::OneDimension | Contiguity::Dimensions);
            !request.contains(Request::STRIDES) && !plain
        };
        match fullest {
            Some(raw) if !for_format && (contiguous || misjudged(raw)) => {
                Violation::ContiguityDenied { structure, because: Contiguity::of(raw) }
            }
            _ if request.is_compound()
                && self.granted.iter().any(|(granted, _)| granted.structure() == structure)
                && [Request::WRITABLE, Request::FORMAT]
                    .into_iter()
                    .all(|flag| !request.contains(flag) || served(flag)) =>
            {
                Violation::CompoundRefused { compound: request }
            }
            _ => Violation::Refused { error: error.clone() },
        }
    }
}

/// How much the answer to a request tells.
fn richness(request: Request) -> (u8, bool) {
    let structure = match request.structure() {
        Structure::Indirect => 3,
        Structure::Strides | Structure::CContiguous | Structure::FContiguous | Structure::AnyContiguous => 2,
        Structure::Nd => 1,
        Structure::Simple => 0,
    };
    (structure, request.contains(Request::FORMAT))
}

/// The first field in which two answers to one request differ; padding strides have no say.
fn first_difference(raw: &RawView<'_>, other: &RawView<'_>) -> Option<FieldName> {
    let differing = [
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
    differing.into_iter().find_map(|(field, differs)| differs.then_some(field))
}

/// An answer against the fullest one, to another request.
fn compare(request: Request, raw: &RawView<'_>, other: Request, fullest: &RawView<'_>, report: &mut Report) {
    let mut push = |fault| report.push(fault, Some(request));
    let changed = |field| {
        let (value, there) = (MetadataValue::of(raw, field), MetadataValue::of(fullest, field));
        Violation::MetadataChanged { field, value, other: there, request: other }
    };
    if let (Owner::Exporter(here), Owner::Exporter(there)) = (raw.obj, fullest.obj)
        && here != there
    {
        push(Violation::ObjChanged { request: other });
    }
    if raw.ndim != fullest.ndim {
        let simple = !request.contains(Request::ND) || !other.contains(Request::ND);
        push(Violation::NdimChanged { ndim: raw.ndim, other: fullest.ndim, request: other, simple });
    }
    if raw.itemsize != fullest.itemsize {
        let (itemsize, there) = (raw.itemsize, fullest.itemsize);
        push(if request.contains(Request::FORMAT) == other.contains(Request::FORMAT) {
            changed(FieldName::Itemsize)
        } else {
            Violation::ItemsizeChanged { itemsize, other: there, request: other }
        });
    }
    let same = |here: Option<&[i64]>, there: Option<&[i64]>| match (here, there) {
        (Some(here), Some(there)) if raw.ndim == fullest.ndim => here == there,
        _ => true,
    };
    let fields = [
        (FieldName::Buf, raw.buf.is_none() || fullest.buf.is_none() || raw.buf == fullest.buf),
        (FieldName::Len, raw.len == fullest.len),
        (FieldName::Format, raw.format.is_none() || fullest.format.is_none() || raw.format == fullest.format),
        (FieldName::Shape, same(raw.shape, fullest.shape)),
        (FieldName::Strides, raw.ndim != fullest.ndim || same_strides(raw, fullest)),
    ];
    for (field, _) in fields.into_iter().filter(|(_, same)| !same) {
        push(changed(field));
    }
    if let Some(suboffsets) =
        fullest.suboffsets.filter(|_| fullest.is_indirect() && !request.contains(Request::INDIRECT))
    {
        let suboffsets = suboffsets.into();
        push(match request.structure() {
            Structure::CContiguous | Structure::FContiguous | Structure::AnyContiguous => {
                Violation::ContiguousIndirect { suboffsets, request: other }
            }
            _ => Violation::SuboffsetsNeeded { suboffsets, request: other },
        });
    } else if let Some(strides) = fullest.strides.filter(|_| !request.contains(Request::STRIDES))
        && !fullest.is_contiguous(Order::C)
        && fullest.suboffsets.is_none()
    {
        push(Violation::StridesNeeded { strides: strides.into(), request: other });
    }
}

/// Whether strides agree where they have a say: NumPy writes those of the order that is asked for.
fn same_strides(raw: &RawView<'_>, other: &RawView<'_>) -> bool {
    let (Some(here), Some(there)) = (raw.strides, other.strides) else { return true };
    let shape = raw.shape.or(other.shape).unwrap_or_default();
    raw.len == 0
        || shape.iter().zip(here.iter().zip(there)).all(|(extent, (here, there))| *extent <= 1 || here == there)
}
