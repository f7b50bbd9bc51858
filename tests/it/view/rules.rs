//! Every rule has an example that breaks it and nothing else, one that keeps it, and a page.

use pep3118::view::Class;
use pep3118::{
    Audit, Block, Checked, Checker, DataModel, Dialect, Layout, Owner, RaisedError, RawView, Report, Request,
    RequestOutcome, RuleId, Severity, verify_structure,
};

use super::{CHECKER, ROWS, answer, audit, clean_audit};
use crate::snapshot;

/// How a rule is shown.
enum Case {
    /// Reports that have this rule and no other; and one that is empty although it comes close.
    Breaks(Vec<Report>, Report),
    /// Nobody can break it: it allows something. The report is empty.
    Allows(Report),
    /// It cannot be decided from structs, or it binds consumers.
    Beyond,
}

const UNCHECKED: Request = Request::from_bits_retain(0x10);

fn check(raw: RawView<'_>, request: Request) -> Report {
    CHECKER.check(&raw, Some(request)).report
}

/// The struct of `ROWS` in memory, `FULL_RO`.
fn within(raw: RawView<'_>, len: i64, offset: i64) -> Report {
    Checker { memory: Some(Block { len, offset }), ..CHECKER }.check(&raw, Some(Request::FULL_RO)).report
}

fn refused() -> RequestOutcome<'static> {
    RequestOutcome::Refused { error: RaisedError::BufferError, obj: Owner::Null, references: 0 }
}

/// What `raw` answers to `request`, changed.
fn granted(
    raw: RawView<'static>,
    request: Request,
    change: impl FnOnce(&mut RawView<'static>),
) -> RequestOutcome<'static> {
    let RequestOutcome::Granted(mut raw) = answer(raw, request) else { panic!("{request} fails") };
    change(&mut raw);
    RequestOutcome::Granted(raw)
}

const HUGE: i64 = 1 << 62;

/// Two pointers to rows of 3 ints.
const POINTERS: RawView<'static> = RawView { suboffsets: Some(&[0, -1]), ..ROWS };
/// Every second int of a row: not contiguous.
const GAPS: RawView<'static> = RawView { strides: Some(&[24, 8]), ..ROWS };
/// The same, contiguous for Fortran.
const COLUMNS: RawView<'static> = RawView { strides: Some(&[4, 8]), ..ROWS };
const WRITABLE: RawView<'static> = RawView { readonly: 0, ..ROWS };
const ROW: RawView<'static> = RawView { len: 12, ndim: 1, shape: Some(&[3]), strides: Some(&[4]), ..ROWS };
const ONE: RawView<'static> = RawView { len: 4, ndim: 0, shape: None, strides: None, ..ROWS };
const NOTHING: RawView<'static> = RawView { len: 0, shape: Some(&[0, 3]), ..ROWS };

/// A rule without a line here does not compile.
fn case(rule: RuleId) -> Case {
    use Case::{Allows, Beyond, Breaks};
    use Request as R;
    use RuleId as Id;
    let full = |raw: RawView<'_>| check(raw, R::FULL_RO);
    let one = |report: Report, keeps: Report| Breaks(vec![report], keeps);
    match rule {
        Id::A01 => one(full(RawView { obj: Owner::Null, ..ROWS }), full(RawView { obj: Owner::Temporary, ..ROWS })),
        Id::A02 => one(
            audit(ROWS, R::FULL_RO, granted(ROWS, R::FULL_RO, |raw| raw.obj = Owner::Temporary)),
            full(RawView { obj: Owner::Temporary, ..ROWS }),
        ),
        Id::A03 => one(full(RawView { buf: Some(0), ..ROWS }), full(RawView { buf: Some(0), ..NOTHING })),
        Id::A04 => one(full(RawView { len: 20, ..ROWS }), full(ROWS)),
        Id::A05 => one(full(RawView { len: 44, ..GAPS }), full(GAPS)),
        Id::A06 => Breaks(
            vec![
                full(RawView { shape: Some(&[HUGE, 3]), ..ROWS }),
                full(RawView { len: -1, ..ROWS }),
                full(RawView { itemsize: -4, ..ROWS }),
                Checker { model: &DataModel::I386, ..Checker::DEFAULT }
                    .check(&RawView { len: 1 << 33, shape: Some(&[1 << 30, 2]), strides: Some(&[8, 4]), ..ROWS }, None)
                    .report,
            ],
            full(RawView { len: HUGE, shape: Some(&[1, HUGE / 4]), strides: Some(&[4, 4]), ..ROWS }),
        ),
        Id::A07 => Breaks(
            vec![
                full(RawView { format: Some(b"T{<b:a:<q:b:}"), ..ROWS }),
                full(RawView { format: Some(b"T{i:a:b:b:}"), ..ROWS }),
                full(RawView { format: Some(b"<q"), ..ROWS }),
                // Notes: the end is not stated, distances are not, and there are two readings.
                full(RawView { itemsize: 16, len: 48, format: Some(b"T{b:a:xxxxxxxi:b:}"), ..ROW_OF_16 }),
                full(RawView { itemsize: 17, len: 51, format: Some(b"T{(2)T{i:a:b:b:}:x:xxxxxxb:y:}"), ..ROW_OF_17 }),
                full(RawView { itemsize: 24, len: 72, format: Some(b"T{T{d:f0:b:f1:}:x:xxxxxxxb:y:}"), ..ROW_OF_24 }),
            ],
            full(RawView { format: Some(b"T{h:a:h:b:}"), ..ROWS }),
        ),
        Id::A08 => one(
            audit(ROWS, R::SIMPLE, granted(ROWS, R::SIMPLE, |raw| raw.itemsize = 1)),
            check(RawView { format: None, ..ROWS }, R::INDIRECT),
        ),
        Id::A10 => one(
            check(RawView { len: 0, itemsize: 0, format: None, strides: Some(&[0, 0]), ..ROWS }, R::INDIRECT),
            full(RawView { len: 6, itemsize: 1, format: Some(b"B"), strides: Some(&[3, 1]), ..ROWS }),
        ),
        Id::A11 => Breaks(
            vec![
                full(RawView { format: Some(b"i}d"), ..ROWS }),
                full(RawView { format: Some(b"<i\0<i"), ..ROWS }),
                Checker { dialect: Some(&pep3118::Dialect::STRUCT), ..CHECKER }
                    .check(&RawView { format: Some(b"T{i:a:}"), ..ROWS }, Some(R::FULL_RO))
                    .report,
            ],
            full(RawView { format: Some(b"T{i:a:}"), ..ROWS }),
        ),
        Id::A13 => {
            let ones = [1; 65];
            let strides = [4; 65];
            let deep = |ndim: i32, count: usize| RawView {
                len: 4,
                ndim,
                shape: Some(&ones[..count]),
                strides: Some(&strides[..count]),
                ..ROWS
            };
            let pypy = Checker { max_ndim: 36, ..CHECKER };
            Breaks(
                vec![full(deep(65, 65)), full(deep(-1, 1)), pypy.check(&deep(37, 37), Some(R::FULL_RO)).report],
                full(deep(64, 64)),
            )
        }
        Id::A14 => Breaks(
            vec![full(RawView { shape: Some(&[]), ..ONE }), full(RawView { strides: Some(&[4]), ..ONE })],
            full(ONE),
        ),
        Id::A15 => one(full(RawView { len: 8, ..ONE }), full(ONE)),
        Id::A16 => Breaks(
            vec![full(RawView { shape: Some(&[2, 3, 1]), ..ROWS }), full(RawView { suboffsets: Some(&[0]), ..ROWS })],
            full(ROWS),
        ),
        Id::A17 => one(full(RawView { shape: Some(&[2, -3]), ..ROWS }), full(NOTHING)),
        Id::A18 => one(full(RawView { len: 24, ..NOTHING }), full(NOTHING)),
        Id::A21 => one(full(RawView { suboffsets: Some(&[-1, -1]), ..ROWS }), full(POINTERS)),
        Id::A23 => one(full(RawView { suboffsets: Some(&[0, 0]), ..ROWS }), full(POINTERS)),
        Id::A25 => one(full(RawView { readonly: 2, ..ROWS }), full(WRITABLE)),

        Id::B01 => Breaks(
            vec![
                check(RawView { ndim: 0, format: None, shape: None, strides: None, ..ROWS }, R::SIMPLE),
                audit(ROWS, R::SIMPLE, granted(ROWS, R::SIMPLE, |raw| raw.ndim = 1)),
                audit(ROWS, R::ND, granted(ROWS, R::ND, |raw| (raw.ndim, raw.shape) = (1, Some(&[6][..])))),
                audit(ROWS, R::ND, granted(ROWS, R::ND, |raw| raw.obj = Owner::Exporter(2))),
            ],
            clean_audit(ROWS),
        ),
        Id::B02 => one(check(ROWS, R::FULL), check(WRITABLE, R::FULL)),
        Id::B03 => one(audit(ROWS, R::ND, granted(ROWS, R::ND, |raw| raw.readonly = 0)), clean_audit(WRITABLE)),
        Id::B04 => one(full(RawView { format: None, ..ROWS }), check(RawView { format: None, ..ROWS }, R::STRIDES)),
        Id::B05 => one(check(ROWS, R::STRIDES), check(ROWS, R::RECORDS_RO)),
        Id::B06 => one(
            check(RawView { shape: None, strides: None, ..ROWS }, R::FORMAT),
            check(RawView { strides: None, ..ROWS }, R::ND | R::FORMAT),
        ),
        Id::B07 => one(full(RawView { strides: None, ..ROWS }), full(POINTERS)),
        Id::B08 => Breaks(
            vec![check(POINTERS, R::RECORDS_RO), check(RawView { shape: None, ..ROWS }, R::RECORDS_RO)],
            check(GAPS, R::RECORDS_RO),
        ),
        Id::B09 => Breaks(
            vec![
                check(ROWS, R::ND | R::FORMAT),
                check(RawView { shape: None, strides: None, ..ROWS }, R::ND | R::FORMAT),
            ],
            check(RawView { strides: None, ..ROWS }, R::ND | R::FORMAT),
        ),
        Id::B10 => one(
            check(RawView { format: None, strides: None, ..ROWS }, R::SIMPLE),
            check(RawView { format: None, shape: None, strides: None, ..ROWS }, R::SIMPLE),
        ),
        Id::B11 => one(check(COLUMNS, R::C_CONTIGUOUS | R::FORMAT), check(ROWS, R::C_CONTIGUOUS | R::FORMAT)),
        Id::B12 => one(check(ROWS, R::F_CONTIGUOUS | R::FORMAT), check(COLUMNS, R::F_CONTIGUOUS | R::FORMAT)),
        Id::B13 => one(check(GAPS, R::ANY_CONTIGUOUS | R::FORMAT), check(COLUMNS, R::ANY_CONTIGUOUS | R::FORMAT)),
        Id::B14 => one(
            audit(GAPS, R::ND, RequestOutcome::Granted(RawView { format: None, strides: None, ..GAPS })),
            clean_audit(GAPS),
        ),
        Id::B15 => one(
            audit(
                POINTERS,
                R::STRIDES,
                RequestOutcome::Granted(RawView { format: None, suboffsets: None, ..POINTERS }),
            ),
            clean_audit(POINTERS),
        ),
        Id::B16 => one(audit(ROWS, R::RECORDS_RO, refused()), clean_audit(ROWS)),
        Id::B17 => {
            one(check(RawView { format: None, ..ROWS }, UNCHECKED), check(RawView { format: None, ..ROWS }, R::STRIDES))
        }
        Id::B18 => one(check(ROWS, R::from_bits_retain(0x100)), full(ROWS)),
        Id::B19 => {
            let other =
                |error| audit(ROWS, R::WRITABLE, RequestOutcome::Refused { error, obj: Owner::Null, references: 0 });
            Breaks(vec![other(RaisedError::Other("ValueError".into())), other(RaisedError::Silent)], clean_audit(ROWS))
        }
        Id::B20 => one(
            audit(
                ROWS,
                R::WRITABLE,
                RequestOutcome::Refused { error: RaisedError::BufferError, obj: Owner::Exporter(1), references: 0 },
            ),
            clean_audit(ROWS),
        ),
        Id::B21 => Breaks(
            vec![
                audit(ROWS, R::ND, RequestOutcome::Broken { returned: 1, error: RaisedError::Silent }),
                audit(
                    ROWS,
                    R::ND,
                    RequestOutcome::Broken { returned: 0, error: RaisedError::Other("TypeError".into()) },
                ),
            ],
            clean_audit(ROWS),
        ),
        // The root of the chain answers every request.
        Id::B22 => Allows(clean_audit(RawView { obj: Owner::Exporter(2), ..ROWS })),
        Id::B23 => Breaks(
            vec![
                audit(ROWS, R::SIMPLE, refused()),
                audit(WRITABLE, R::INDIRECT, refused()),
                Audit::new().observe(R::FULL_RO, refused()).finish(),
            ],
            clean_audit(GAPS),
        ),
        Id::B24 => {
            let moved = |buf| RawView { buf: Some(buf), ..ROWS };
            let twice = |buf| {
                let audit = Audit::with(CHECKER).observe(R::FULL_RO, RequestOutcome::Granted(moved(0x1000)));
                audit.observe(R::FULL_RO, RequestOutcome::Granted(moved(buf))).finish()
            };
            one(twice(0x2000), twice(0x1000))
        }
        Id::B25 => Breaks(
            vec![
                audit(ROWS, R::ND, granted(ROWS, R::ND, |raw| raw.buf = Some(0x2000))),
                audit(ROWS, R::ND, granted(ROWS, R::ND, |raw| raw.shape = Some(&[3, 2]))),
                audit(ROWS, R::STRIDES, granted(ROWS, R::STRIDES, |raw| raw.strides = Some(&[4, 8]))),
            ],
            // The stride of a dimension of one item may be told in two ways.
            audit(
                RawView { len: 12, shape: Some(&[1, 3]), ..ROWS },
                R::F_CONTIGUOUS,
                RequestOutcome::Granted(RawView {
                    len: 12,
                    shape: Some(&[1, 3]),
                    strides: Some(&[4, 4]),
                    format: None,
                    ..ROWS
                }),
            ),
        ),

        Id::C01 => one(
            audit(
                POINTERS,
                R::C_CONTIGUOUS,
                RequestOutcome::Granted(RawView { format: None, suboffsets: None, ..POINTERS }),
            ),
            clean_audit(POINTERS),
        ),
        Id::C02 => Breaks(
            vec![audit(NOTHING, R::F_CONTIGUOUS, refused()), audit(NOTHING, R::ND, refused())],
            clean_audit(NOTHING),
        ),
        Id::C03 => {
            let only = |outcome| {
                let audit = Audit::with(CHECKER).observe(R::ND, answer(ROWS, R::ND));
                audit.observe(R::C_CONTIGUOUS, outcome).finish()
            };
            one(only(refused()), only(answer(ROWS, R::C_CONTIGUOUS)))
        }
        Id::C04 => {
            let relaxed = RawView { len: 12, shape: Some(&[1, 3]), strides: Some(&[999, 4]), ..ROWS };
            one(audit(relaxed, R::C_CONTIGUOUS, refused()), clean_audit(relaxed))
        }
        Id::C05 => one(audit(ONE, R::F_CONTIGUOUS, refused()), clean_audit(ONE)),
        Id::C06 => one(
            audit(ROW, R::ANY_CONTIGUOUS, refused()),
            // Backwards is not contiguous: whoever fails is right.
            clean_audit(RawView { strides: Some(&[-4]), ..ROW }),
        ),
        Id::C07 => one(audit(COLUMNS, R::F_CONTIGUOUS, refused()), clean_audit(COLUMNS)),

        Id::D01 => one(within(ROWS, 27, 3), within(ROWS, 28, 4)),
        Id::D02 => Breaks(vec![within(ROWS, 24, 24), within(ROWS, 24, -4)], within(NOTHING, 0, 12)),
        Id::D03 => one(
            within(RawView { strides: Some(&[15, 5]), ..ROWS }, 30, 0),
            within(RawView { strides: Some(&[16, 4]), ..ROWS }, 28, 0),
        ),
        Id::D04 => Breaks(
            vec![
                verify_structure(4, 4, -1, &[], &[], 0),
                verify_structure(4, 4, 0, &[1], &[4], 0),
                verify_structure(4, 4, 1, &[1], &[], 0),
            ],
            verify_structure(4, 4, 0, &[], &[], 0),
        ),
        Id::D05 => Allows(verify_structure(0, 4, 2, &[0, 3], &[HUGE, HUGE], 400)),
        Id::D06 => Breaks(
            vec![
                within(ROWS, 20, 0),
                within(RawView { strides: Some(&[-12, 4]), ..ROWS }, 24, 8),
                // Bytes, because nobody asked for a structure.
                Checker { memory: Some(Block { len: 8, offset: 0 }), ..CHECKER }
                    .check(&RawView { format: None, shape: None, strides: None, ..ROW }, Some(R::SIMPLE))
                    .report,
            ],
            within(RawView { strides: Some(&[-12, 4]), ..ROWS }, 24, 12),
        ),
        Id::D07 => one(
            full(RawView { strides: Some(&[HUGE, HUGE]), ..ROWS }),
            full(RawView { strides: Some(&[HUGE, 4]), ..ROWS }),
        ),
        Id::D08 => {
            let strided = |strides: &'static [i64]| within(RawView { strides: Some(strides), ..WRITABLE }, 24, 0);
            let readonly = within(RawView { strides: Some(&[0, 4]), ..ROWS }, 24, 0);
            Breaks(vec![strided(&[0, 4]), strided(&[4, 4]), strided(&[8, 4])], readonly)
        }
        Id::D09 => Allows(verify_structure(8, 0, 1, &[2], &[3], 5)),
        Id::E11 => one(
            audit(
                ROWS,
                R::WRITABLE,
                RequestOutcome::Refused { error: RaisedError::BufferError, obj: Owner::Null, references: 1 },
            ),
            clean_audit(ROWS),
        ),

        Id::E09 => {
            let left = |references| Audit::with(CHECKER).released(R::FULL_RO, references).finish();
            Breaks(vec![left(1), left(-2)], left(0))
        }
        Id::E10 => {
            one(Audit::with(CHECKER).release_raised(R::SIMPLE, "RuntimeError").finish(), Audit::with(CHECKER).finish())
        }
        Id::T01 => {
            let truth = |format: &[u8], truth: &[u8]| {
                let raw = RawView { format: Some(format), len: 8, itemsize: 8, ..ONE };
                let truth = Layout::read(truth, &Dialect::PEP3118, CHECKER.model).unwrap();
                Audit::with(CHECKER).truth(&truth).observe(R::FULL_RO, RequestOutcome::Granted(raw)).finish()
            };
            Breaks(
                vec![
                    truth(b"T{<i:a:<i:b:}", b"T{<h:a:6x}"),
                    truth(b"<q", b"<d"),
                    truth(b"<d", b">d"),
                    truth(b"T{<i:a:<i:b:}", b"T{<i:a:<i:c:}"),
                ],
                truth(b"T{<i:a:<i:b:}", b"T{=i:a:=i:b:}"),
            )
        }

        Id::A09 | Id::A12 | Id::A19 | Id::A20 | Id::A22 | Id::A24 | Id::A26 | Id::E08 => Beyond,
        Id::E01 | Id::E02 | Id::E03 | Id::E04 | Id::E05 | Id::E06 | Id::E07 => Beyond,
        Id::F01 | Id::F02 | Id::F03 | Id::F04 | Id::F05 | Id::F06 | Id::F07 | Id::F08 | Id::F09 => Beyond,
    }
}

const ROW_OF_16: RawView<'static> = RawView { strides: Some(&[16]), ..ROW };
const ROW_OF_17: RawView<'static> = RawView { strides: Some(&[17]), ..ROW };
const ROW_OF_24: RawView<'static> = RawView { strides: Some(&[24]), ..ROW };

#[test]
fn every_rule_is_broken_by_one_kept_by_another_and_has_a_page() {
    let mut shown = 0;
    for rule in RuleId::ALL.iter().copied() {
        let (broken, kept) = match case(rule) {
            Case::Breaks(broken, kept) => (broken, kept),
            Case::Allows(kept) => (Vec::new(), kept),
            Case::Beyond => {
                assert!(matches!(rule.class(), Class::Consumer | Class::Lifetime), "{rule} can be decided");
                continue;
            }
        };
        shown += 1;
        assert!(kept.is_empty(), "{rule} is kept, but: {kept}");
        let mut page = format!("{rule} {}: {}\n", rule.name(), rule.text());
        for report in &broken {
            assert!(!report.is_empty(), "{rule} is not broken");
            for finding in report {
                assert_eq!(finding.rule(), rule, "found while breaking {rule}: {finding}");
            }
            page += &format!("\n{report}\n\n{report:#}\n");
        }
        if broken.is_empty() {
            page += "\n(a permission: nothing breaks it)\n";
        }
        snapshot::check("view", rule.as_str(), &format!("{rule} {}", rule.name()), &page);
    }
    assert_eq!(shown, 64, "rules with an example");
}

#[test]
fn severity_follows_the_level() {
    use pep3118::view::Level;
    for rule in RuleId::ALL {
        let expected = match rule.level() {
            Level::Must | Level::Derived => Severity::Error,
            Level::Should => Severity::Warning,
            Level::Contested | Level::Advisory | Level::May => Severity::Note,
        };
        assert_eq!(rule.severity(), expected, "{rule}");
        if let Case::Breaks(reports, _) = case(*rule) {
            // The first example is the plain breach; the others may be milder or worse forms of it.
            assert_eq!(reports[0].worst(), Some(expected), "{rule}");
        }
    }
}

#[test]
fn ids_are_unique_and_readable() {
    let mut seen = std::collections::BTreeSet::new();
    for rule in RuleId::ALL.iter().copied() {
        assert!(seen.insert(rule.as_str()) && seen.insert(rule.name()), "{rule} twice");
        assert_eq!(rule.as_str().parse(), Ok(rule));
        assert_eq!(rule.as_str().to_lowercase().parse(), Ok(rule));
        assert_eq!(rule.name().parse(), Ok(rule));
        assert!(!rule.text().is_empty() && !rule.source().is_empty());
    }
    assert_eq!(RuleId::ALL.len(), 88);
    assert!(RuleId::ALL.is_sorted());
    assert_eq!("Z99".parse::<RuleId>().unwrap_err().to_string(), "`Z99` is no rule: ids go from A01 to T01");
}

#[test]
fn a_report_has_errors_first_and_tells_all_at_once() {
    let raw = RawView { len: 20, readonly: 2, suboffsets: Some(&[0, 0]), obj: Owner::Null, ..ROWS };
    let Checked { report, view } = CHECKER.check(&raw, Some(Request::FULL));
    assert!(view.is_none());
    let found: Vec<String> =
        report.iter().map(|finding| format!("{} {}", finding.severity(), finding.rule())).collect();
    assert_eq!(found, ["error A01", "error A04", "error A25", "error B02", "note A23"]);
}

/// What is wrong without being in the way of reading.
#[test]
fn a_view_exists_where_nothing_stands_in_the_way() {
    let readable = [
        RuleId::A01,
        RuleId::A10,
        RuleId::A14,
        RuleId::A21,
        RuleId::A23,
        RuleId::A25,
        RuleId::B02,
        RuleId::B04,
        RuleId::B05,
        RuleId::B06,
        RuleId::B07,
        RuleId::B11,
        RuleId::B12,
        RuleId::B13,
        RuleId::B17,
        RuleId::B18,
    ];
    let in_the_way = [
        RawView { len: 20, ..ROWS },
        RawView { len: -1, ..ROWS },
        RawView { itemsize: -4, ..ROWS },
        RawView { buf: Some(0), ..ROWS },
        RawView { format: Some(b"i}d"), ..ROWS },
        RawView { format: Some(b"<q"), ..ROWS },
        RawView { ndim: 65, ..ROWS },
        RawView { shape: Some(&[2, -3]), ..ROWS },
        RawView { shape: Some(&[6]), ..ROWS },
        RawView { shape: None, ..ROWS },
        RawView { strides: Some(&[HUGE, HUGE]), ..ROWS },
        RawView { len: 8, ..ONE },
    ];
    for raw in in_the_way {
        let Checked { report, view } = CHECKER.check(&raw, Some(Request::FULL_RO));
        assert!(report.has_errors() && view.is_none(), "{raw:?}");
    }
    let beside_the_point = [
        (RawView { obj: Owner::Null, ..ROWS }, Request::FULL_RO),
        (RawView { len: 0, itemsize: 0, format: None, strides: Some(&[0, 0]), ..ROWS }, Request::INDIRECT),
        (RawView { shape: Some(&[]), ..ONE }, Request::FULL_RO),
        (RawView { suboffsets: Some(&[-1, -1]), ..ROWS }, Request::FULL_RO),
        (RawView { suboffsets: Some(&[0, 0]), ..ROWS }, Request::FULL_RO),
        (RawView { readonly: 2, ..ROWS }, Request::FULL_RO),
        (ROWS, Request::FULL),
        (RawView { format: None, ..ROWS }, Request::FULL_RO),
        (ROWS, Request::INDIRECT),
        (RawView { shape: None, strides: None, ..ROWS }, Request::FORMAT),
        (RawView { strides: None, ..ROWS }, Request::FULL_RO),
        (COLUMNS, Request::C_CONTIGUOUS | Request::FORMAT),
        (ROWS, Request::F_CONTIGUOUS | Request::FORMAT),
        (GAPS, Request::ANY_CONTIGUOUS | Request::FORMAT),
        (ROWS, UNCHECKED),
        (ROWS, Request::from_bits_retain(0x100)),
    ];
    for ((raw, request), rule) in beside_the_point.into_iter().zip(readable) {
        let Checked { report, view } = CHECKER.check(&raw, Some(request));
        assert!(report.contains(rule) && view.is_some(), "{rule}: {report}");
    }
}

/// A format of 60 bytes is shown whole, a longer one by its first 60.
#[test]
fn long_formats_are_abridged() {
    let told = |len: usize| {
        let format = vec![b'i'; len];
        // A request without FORMAT, for which the format should be NULL.
        let raw = RawView {
            len: 4 * i64::try_from(len).unwrap(),
            itemsize: 4 * i64::try_from(len).unwrap(),
            format: Some(&format),
            ..RawView::default()
        };
        check(raw, Request::SIMPLE).to_string()
    };
    for len in [1, 59, 60] {
        assert!(told(len).contains(&format!("format is `{}`", "i".repeat(len))), "{}", told(len));
    }
    for len in [61, 100] {
        assert!(told(len).contains(&format!("format is `{}...`", "i".repeat(60))), "{}", told(len));
    }
}

/// That writing is refused is right only where the answers say that the memory is for reading.
#[test]
fn writing_is_refused_for_a_reason() {
    let rules = |raw| -> Vec<RuleId> {
        let audit = Audit::with(CHECKER).observe(Request::FULL_RO, answer(raw, Request::FULL_RO));
        audit.observe(Request::FULL, refused()).finish().iter().map(|finding| finding.rule()).collect()
    };
    assert_eq!(rules(ROWS), []);
    assert_eq!(rules(WRITABLE), [RuleId::B23]);
}
