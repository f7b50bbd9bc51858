//! Tests of the module `view`: rules, requests, and the geometry of validated views.

mod cpython;
mod geometry;
mod hostile;
mod request;
mod rules;
mod select;
mod walk;

use pep3118::{
    Audit, Checker, DataModel, Owner, RaisedError, RawView, Report, Request, RequestOutcome, view::MemoryTraits,
};

/// A checker with the data model LP64, so that the results do not depend on the machine of the tests.
pub(crate) const CHECKER: Checker<'static> = Checker { model: &DataModel::LP64, ..Checker::DEFAULT };

/// The `Py_buffer` of a read-only array of 2 rows of 3 ints in C order, for the request `FULL_RO`.
pub(crate) const ROWS: RawView<'static> = RawView {
    buf: Some(0x1000),
    obj: Owner::Exporter(1),
    len: 24,
    itemsize: 4,
    readonly: 1,
    ndim: 2,
    format: Some(b"<i"),
    shape: Some(&[2, 3]),
    strides: Some(&[12, 4]),
    suboffsets: None,
};

/// Returns the answer of a correct exporter to `request`, which is a `Py_buffer` or a refusal. `full` is the answer of
/// the exporter to `FULL_RO`.
pub(crate) fn answer(full: RawView<'static>, request: Request) -> RequestOutcome<'static> {
    if MemoryTraits::of(&full).refusal_reason(request).is_some() {
        return RequestOutcome::Refused { error: RaisedError::BufferError, obj: Owner::Null, references: 0 };
    }
    RequestOutcome::Granted(RawView {
        format: full.format.filter(|_| request.contains(Request::FORMAT)),
        shape: full.shape.filter(|_| request.contains(Request::ND)),
        strides: full.strides.filter(|_| request.contains(Request::STRIDES)),
        suboffsets: full.suboffsets.filter(|_| request.contains(Request::INDIRECT)),
        ..full
    })
}

/// Audits an exporter that answers `changed_request` with `changed`, and all other legal requests correctly.
/// `full` is the answer of the exporter to `FULL_RO`.
pub(crate) fn audit(full: RawView<'static>, changed_request: Request, changed: RequestOutcome<'static>) -> Report {
    let mut audit = Audit::with(CHECKER);
    for request in Request::ALL_LEGAL {
        let outcome = if request == changed_request { changed.clone() } else { answer(full, request) };
        audit = audit.observe(request, outcome);
    }
    audit.finish()
}

/// Audits a correct exporter. `full` is the answer of the exporter to `FULL_RO`.
pub(crate) fn clean_audit(full: RawView<'static>) -> Report {
    audit(full, Request::SIMPLE, answer(full, Request::SIMPLE))
}
