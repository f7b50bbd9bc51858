//! Tests of recorded audits: writes requests, the fields of a `Py_buffer` and reports as JSON, and reads the JSON.

use pep3118::view::Violation;
use pep3118::{Audit, Owner, RaisedError, RawView, RawViewBuf, Report, Request, RequestOutcome, RuleId};

/// Writes `$value`, a reference to a `$T`, as JSON, and reads the JSON again.
macro_rules! recorded {
    ($T:ty, $value:expr) => {
        serde_json::from_str::<$T>(&serde_json::to_string::<$T>($value).unwrap()).unwrap()
    };
}

/// A `Py_buffer` with the largest address, for which JSON needs all 64 bits.
const ROWS: RawView<'static> = RawView { buf: Some(u64::MAX), obj: Owner::Exporter(7), ..crate::view::ROWS };

#[test]
fn the_fields_of_a_buffer_are_recorded_without_loss() {
    let fields = [
        ROWS,
        RawView::default(),
        RawView { obj: Owner::Null, buf: Some(0), format: Some(b""), shape: Some(&[]), ..ROWS },
        RawView { obj: Owner::Temporary, format: Some(b"\xff\0i"), suboffsets: Some(&[-1, 8]), ..ROWS },
        RawView { len: i64::MIN, itemsize: i64::MAX, readonly: -1, ndim: i32::MAX, shape: Some(&[i64::MIN]), ..ROWS },
    ];
    for raw in fields {
        assert_eq!(recorded!(RawViewBuf, &raw.to_buf()).as_raw(), raw);
    }
}

#[test]
fn recorded_fields_are_checked_like_the_originals() {
    let raw = RawView { len: 20, readonly: 2, ..ROWS };
    let check = |raw: RawView<'_>| raw.check(Request::FULL_RO, None, None).report;
    assert_eq!(check(recorded!(RawViewBuf, &raw.to_buf()).as_raw()), check(raw));
}

#[test]
fn every_request_is_recorded_without_loss() {
    for bits in (0..0x400).chain([i32::MIN, -1, i32::MAX]) {
        let request = Request::from_bits_retain(bits);
        assert_eq!(recorded!(Request, &request), request, "{bits:#x}");
    }
    for text in ["\"FULL_RW\"", "\"0x\"", "\"0x100000000\"", "7", "\"\""] {
        assert!(serde_json::from_str::<Request>(text).is_err(), "{text}");
    }
}

#[test]
fn a_recorded_report_has_the_same_findings() {
    let refused = RequestOutcome::Refused { error: RaisedError::NoException, obj: Owner::Unknown, references: 2 };
    let report = Audit::default()
        .observe(Request::FULL_RO, RequestOutcome::Granted(RawView { len: 20, readonly: 2, ..ROWS }))
        .observe(Request::SIMPLE, refused)
        .finish();
    assert!(report.len() > 3, "{report}");
    let replayed = recorded!(Report, &report);
    assert_eq!(serde_json::to_value(&replayed).unwrap(), serde_json::to_value(&report).unwrap());
    assert_eq!(replayed.to_string(), report.to_string());
    assert_eq!(replayed.worst(), report.worst());
    for (finding, original) in replayed.iter().zip(&report) {
        assert_eq!(finding.rule(), original.rule());
        assert_eq!(finding.requests(), original.requests());
        assert!(matches!(finding.violation(), Violation::Recorded { .. }));
    }
    assert_eq!(recorded!(Report, &replayed), replayed);
    assert!(recorded!(Report, &Report::default()).is_empty());
}

#[test]
fn an_unknown_rule_in_a_report_is_refused() {
    for finding in [
        r#"{"rule": "Z99", "level": "error", "message": ""}"#,
        r#"{"rule": "A04", "level": "fatal", "message": ""}"#,
        r#"{"rule": "A04", "level": "error"}"#,
    ] {
        assert!(serde_json::from_str::<Report>(&format!("[{finding}]")).is_err(), "{finding}");
    }
    let report: Report = serde_json::from_str(r#"[{"rule": "A04", "level": "error", "message": "x"}]"#).unwrap();
    assert!(report.contains(RuleId::A04));
}

#[test]
fn dimensions_may_come_from_an_iterator() {
    let fields = RawView { ndim: 9, shape: Some(&[5]), suboffsets: Some(&[1]), ..ROWS };
    assert_eq!(RawViewBuf::from_dimensions(fields, [(2, 12, -1), (3, 4, -1)]).as_raw(), ROWS);
    let indirect = RawViewBuf::from_dimensions(ROWS, [(2, 8, 0), (3, 4, -1)]);
    assert_eq!(indirect.as_raw().suboffsets, Some(&[0, -1][..]));
    let scalar = RawViewBuf::from_dimensions(RawView { len: 4, ..ROWS }, []);
    assert!(scalar.as_raw().check(Request::FULL_RO, None, None).report.is_empty());
}
