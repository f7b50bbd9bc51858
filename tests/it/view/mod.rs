//! The floor `view`: untrusted numbers, rules, requests, geometry.

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

/// LP64 whatever the host.
pub(crate) const CHECKER: Checker<'static> = Checker { model: &DataModel::LP64, ..Checker::DEFAULT };

/// The answer to `FULL_RO` of a read-only array of 2 rows of 3 ints, in C order.
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

/// What an exporter of `full` answers to a request, if it keeps the rules.
pub(crate) fn answer(full: RawView<'static>, request: Request) -> RequestOutcome<'static> {
    if MemoryTraits::of(&full).obstacle(request).is_some() {
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

/// All 26 requests, the answer to one of them changed.
pub(crate) fn audit(full: RawView<'static>, asked: Request, changed: RequestOutcome<'static>) -> Report {
    let mut audit = Audit::with(CHECKER);
    for request in Request::ALL_LEGAL {
        let outcome = if request == asked { changed.clone() } else { answer(full, request) };
        audit = audit.observe(request, outcome);
    }
    audit.finish()
}

/// All 26 requests, answered by the rules.
pub(crate) fn clean_audit(full: RawView<'static>) -> Report {
    audit(full, Request::SIMPLE, answer(full, Request::SIMPLE))
}
