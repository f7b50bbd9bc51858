//! Tests with examples for every rule: `Py_buffer`s that break only this rule, a `Py_buffer` that follows the rule, and
//! a snapshot of the messages. Other tests check the ids and the severities of the rules, reports of several broken
//! rules, the violations that prevent a view, and long formats in messages.

use std::collections::BTreeSet;

use pep3118::view::Class;
use pep3118::{
    Audit, Block, Checked, Checker, DataModel, Dialect, Layout, Owner, RaisedError, RawView, Report, Request,
    RequestOutcome, RuleId, Severity, verify_structure,
};

use super::{CHECKER, ROWS, answer, audit, clean_audit};
use crate::snapshot;

/// The examples of one rule: the reports on `Py_buffer`s that break or follow the rule.
enum Case {
    /// The reports of `Py_buffer`s that break only this rule, and the empty report of a similar `Py_buffer`.
    Breaks(Vec<Report>, Report),
    /// The rule permits something. The report of a `Py_buffer` that is legal only because of this rule is empty.
    Allows(Report),
    /// There is no example. The rule is a rule for consumers, or a `Py_buffer` does not contain the information that a
    /// check needs.
    NotDecidable,
}

/// An invalid request: a part of the bits of `STRIDES`.
const UNCHECKED: Request = Request::from_bits_retain(0x10);

/// Checks `raw`, the answer of an exporter to `request`, and returns the report.
fn check(raw: RawView<'_>, request: Request) -> Report {
    CHECKER.check(&raw, Some(request)).report
}

/// Checks `raw`, the answer of an exporter to `FULL_RO`, and returns the report. The memory block has `len` bytes.
/// `raw.buf` is the address of byte `offset` of the block.
fn check_in_block(raw: RawView<'_>, len: i64, offset: i64) -> Report {
    Checker { memory: Some(Block { len, offset }), ..CHECKER }.check(&raw, Some(Request::FULL_RO)).report
}

/// Returns the outcome of an exporter that refuses a request correctly.
fn refused() -> RequestOutcome<'static> {
    RequestOutcome::Refused { error: RaisedError::BufferError, obj: Owner::Null, references: 0 }
}

/// Returns the outcome of an exporter of `raw` for `request`. The function `change` modifies the answer. Panics if a
/// correct exporter refuses the request.
fn modified_answer(
    raw: RawView<'static>,
    request: Request,
    change: impl FnOnce(&mut RawView<'static>),
) -> RequestOutcome<'static> {
    let RequestOutcome::Granted(mut raw) = answer(raw, request) else { panic!("{request} is refused") };
    change(&mut raw);
    RequestOutcome::Granted(raw)
}

/// A length or stride whose products overflow.
const HUGE: i64 = 1 << 62;

/// The `Py_buffer` of a table of two pointers to rows of 3 ints.
const POINTERS: RawView<'static> = RawView { suboffsets: Some(&[0, -1]), ..ROWS };
/// The `Py_buffer` of every second int of each row. The items are not contiguous.
const GAPS: RawView<'static> = RawView { strides: Some(&[24, 8]), ..ROWS };
/// The `Py_buffer` of the items of `ROWS` in Fortran order.
const COLUMNS: RawView<'static> = RawView { strides: Some(&[4, 8]), ..ROWS };
/// The `Py_buffer` of `ROWS` with writable memory.
const WRITABLE: RawView<'static> = RawView { readonly: 0, ..ROWS };
/// The `Py_buffer` of one row of 3 ints.
const ROW: RawView<'static> = RawView { len: 12, ndim: 1, shape: Some(&[3]), strides: Some(&[4]), ..ROWS };
/// The `Py_buffer` of one int without dimensions.
const ONE: RawView<'static> = RawView { len: 4, ndim: 0, shape: None, strides: None, ..ROWS };
/// The `Py_buffer` of an array without items.
const NOTHING: RawView<'static> = RawView { len: 0, shape: Some(&[0, 3]), ..ROWS };

/// Returns the examples of `rule`. Panics if the rule has no examples.
fn case(rule: RuleId) -> Case {
    use Case::{Allows, Breaks, NotDecidable};
    use Request as R;
    use RuleId as Id;
    let full = |raw: RawView<'_>| check(raw, R::FULL_RO);
    let one = |report: Report, keeps: Report| Breaks(vec![report], keeps);
    match rule {
        Id::A01 => one(full(RawView { obj: Owner::Null, ..ROWS }), full(RawView { obj: Owner::Temporary, ..ROWS })),
        Id::A02 => one(
            audit(ROWS, R::FULL_RO, modified_answer(ROWS, R::FULL_RO, |raw| raw.obj = Owner::Temporary)),
            full(RawView { obj: Owner::Temporary, ..ROWS }),
        ),
        Id::A03 => one(full(RawView { buf: Some(0), ..ROWS }), full(RawView { buf: Some(0), ..NOTHING })),
        Id::A04 => one(full(RawView { len: 20, ..ROWS }), full(ROWS)),
        Id::A05 => one(full(RawView { len: 44, ..GAPS }), full(GAPS)),
        Id::A06 => Breaks(
            vec![
                // With stride 0 the items span few bytes, so that the struct does not also break D07 (distance of the
                // items).
                full(RawView { shape: Some(&[HUGE, 3]), strides: Some(&[0, 4]), ..ROWS }),
                full(RawView { len: -1, ..ROWS }),
                full(RawView { itemsize: -4, ..ROWS }),
                Checker { model: &DataModel::I386, ..Checker::DEFAULT }
                    .check(&RawView { len: 1 << 33, shape: Some(&[1 << 30, 2]), strides: Some(&[0, 4]), ..ROWS }, None)
                    .report,
            ],
            full(RawView { len: HUGE, shape: Some(&[1, HUGE / 4]), strides: Some(&[4, 4]), ..ROWS }),
        ),
        Id::A07 => Breaks(
            vec![
                full(RawView { format: Some(b"T{<b:a:<q:b:}"), ..ROWS }),
                full(RawView { format: Some(b"T{i:a:b:b:}"), ..ROWS }),
                full(RawView { format: Some(b"<q"), ..ROWS }),
                // These formats give a note: implicit trailing padding, inferred strides, two interpretations.
                full(RawView { itemsize: 16, len: 48, format: Some(b"T{b:a:xxxxxxxi:b:}"), ..ROW_OF_16 }),
                full(RawView { itemsize: 17, len: 51, format: Some(b"T{(2)T{i:a:b:b:}:x:xxxxxxb:y:}"), ..ROW_OF_17 }),
                full(RawView { itemsize: 24, len: 72, format: Some(b"T{T{d:f0:b:f1:}:x:xxxxxxxb:y:}"), ..ROW_OF_24 }),
            ],
            full(RawView { format: Some(b"T{h:a:h:b:}"), ..ROWS }),
        ),
        Id::A08 => one(
            audit(ROWS, R::SIMPLE, modified_answer(ROWS, R::SIMPLE, |raw| raw.itemsize = 1)),
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
                audit(ROWS, R::SIMPLE, modified_answer(ROWS, R::SIMPLE, |raw| raw.ndim = 1)),
                audit(ROWS, R::ND, modified_answer(ROWS, R::ND, |raw| (raw.ndim, raw.shape) = (1, Some(&[6][..])))),
                audit(ROWS, R::ND, modified_answer(ROWS, R::ND, |raw| raw.obj = Owner::Exporter(2))),
            ],
            clean_audit(ROWS),
        ),
        Id::B02 => one(check(ROWS, R::FULL), check(WRITABLE, R::FULL)),
        Id::B03 => one(audit(ROWS, R::ND, modified_answer(ROWS, R::ND, |raw| raw.readonly = 0)), clean_audit(WRITABLE)),
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
            Breaks(
                vec![other(RaisedError::Other("ValueError".into())), other(RaisedError::NoException)],
                clean_audit(ROWS),
            )
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
                audit(ROWS, R::ND, RequestOutcome::InvalidReturn { returned: 1, error: RaisedError::NoException }),
                audit(
                    ROWS,
                    R::ND,
                    RequestOutcome::InvalidReturn { returned: 0, error: RaisedError::Other("TypeError".into()) },
                ),
            ],
            clean_audit(ROWS),
        ),
        // `obj` of every answer is the last object of the chain.
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
                audit(ROWS, R::ND, modified_answer(ROWS, R::ND, |raw| raw.buf = Some(0x2000))),
                audit(ROWS, R::ND, modified_answer(ROWS, R::ND, |raw| raw.shape = Some(&[3, 2]))),
                audit(ROWS, R::STRIDES, modified_answer(ROWS, R::STRIDES, |raw| raw.strides = Some(&[4, 8]))),
            ],
            // The stride of a dimension of one item may have any value.
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
            // Reversed items are not contiguous, so a refusal is right.
            clean_audit(RawView { strides: Some(&[-4]), ..ROW }),
        ),
        Id::C07 => one(audit(COLUMNS, R::F_CONTIGUOUS, refused()), clean_audit(COLUMNS)),

        Id::D01 => one(check_in_block(ROWS, 27, 3), check_in_block(ROWS, 28, 4)),
        Id::D02 => {
            Breaks(vec![check_in_block(ROWS, 24, 24), check_in_block(ROWS, 24, -4)], check_in_block(NOTHING, 0, 12))
        }
        Id::D03 => one(
            check_in_block(RawView { strides: Some(&[15, 5]), ..ROWS }, 30, 0),
            check_in_block(RawView { strides: Some(&[16, 4]), ..ROWS }, 28, 0),
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
                check_in_block(ROWS, 20, 0),
                check_in_block(RawView { strides: Some(&[-12, 4]), ..ROWS }, 24, 8),
                // The items are bytes, because SIMPLE requests no structure.
                Checker { memory: Some(Block { len: 8, offset: 0 }), ..CHECKER }
                    .check(&RawView { format: None, shape: None, strides: None, ..ROW }, Some(R::SIMPLE))
                    .report,
            ],
            check_in_block(RawView { strides: Some(&[-12, 4]), ..ROWS }, 24, 12),
        ),
        Id::D07 => one(
            full(RawView { strides: Some(&[HUGE, HUGE]), ..ROWS }),
            full(RawView { strides: Some(&[HUGE, 4]), ..ROWS }),
        ),
        Id::D08 => {
            let strided =
                |strides: &'static [i64]| check_in_block(RawView { strides: Some(strides), ..WRITABLE }, 24, 0);
            let readonly = check_in_block(RawView { strides: Some(&[0, 4]), ..ROWS }, 24, 0);
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
            let compare = |format: &[u8], type_format: &[u8]| {
                let raw = RawView { format: Some(format), len: 8, itemsize: 8, ..ONE };
                let layout = Layout::read(type_format, &Dialect::PEP3118, CHECKER.model).unwrap();
                Audit::with(CHECKER).type_layout(&layout).observe(R::FULL_RO, RequestOutcome::Granted(raw)).finish()
            };
            Breaks(
                vec![
                    compare(b"T{<i:a:<i:b:}", b"T{<h:a:6x}"),
                    compare(b"<q", b"<d"),
                    compare(b"<d", b">d"),
                    compare(b"T{<i:a:<i:b:}", b"T{<i:a:<i:c:}"),
                ],
                compare(b"T{<i:a:<i:b:}", b"T{=i:a:=i:b:}"),
            )
        }

        Id::A09 | Id::A12 | Id::A19 | Id::A20 | Id::A22 | Id::A24 | Id::A26 | Id::E08 => NotDecidable,
        Id::E01 | Id::E02 | Id::E03 | Id::E04 | Id::E05 | Id::E06 | Id::E07 => NotDecidable,
        Id::F01 | Id::F02 | Id::F03 | Id::F04 | Id::F05 | Id::F06 | Id::F07 | Id::F08 | Id::F09 => NotDecidable,
        other => panic!("{other} has no example"),
    }
}

/// The `Py_buffer` of 3 items that are 16 bytes apart. The other fields are those of `ROW`.
const ROW_OF_16: RawView<'static> = RawView { strides: Some(&[16]), ..ROW };
/// The `Py_buffer` of 3 items that are 17 bytes apart. The other fields are those of `ROW`.
const ROW_OF_17: RawView<'static> = RawView { strides: Some(&[17]), ..ROW };
/// The `Py_buffer` of 3 items that are 24 bytes apart. The other fields are those of `ROW`.
const ROW_OF_24: RawView<'static> = RawView { strides: Some(&[24]), ..ROW };

#[test]
fn every_rule_has_examples_that_break_it_and_one_that_follows_it() {
    let mut snapshots = 0;
    for rule in RuleId::ALL.iter().copied() {
        let (violations, clean) = match case(rule) {
            Case::Breaks(violations, clean) => (violations, clean),
            Case::Allows(clean) => (Vec::new(), clean),
            Case::NotDecidable => {
                assert!(matches!(rule.class(), Class::Consumer | Class::Lifetime), "{rule} can be decided");
                continue;
            }
        };
        snapshots += 1;
        assert!(clean.is_empty(), "the example that keeps {rule} breaks {clean}");
        let mut page = format!("{rule} {}: {}\n", rule.name(), rule.text());
        for report in &violations {
            assert!(!report.is_empty(), "an example does not break {rule}");
            for finding in report {
                assert_eq!(finding.rule(), rule, "an example of {rule} breaks another rule: {finding}");
            }
            page += &format!("\n{report}\n\n{report:#}\n");
        }
        if violations.is_empty() {
            page += "\n(a permission: it cannot be broken)\n";
        }
        snapshot::check("view", rule.as_str(), &format!("{rule} {}", rule.name()), &page);
    }
    assert_eq!(snapshots, 64, "rules with an example");
}

#[test]
fn severity_follows_the_level() {
    use pep3118::view::Level;
    for rule in RuleId::ALL {
        let expected = match rule.level() {
            Level::Must | Level::Derived => Severity::Error,
            Level::Should => Severity::Warning,
            Level::Contested | Level::Advisory | Level::May => Severity::Note,
            other => panic!("no severity for {other}"),
        };
        assert_eq!(rule.severity(), expected, "{rule}");
        if let Case::Breaks(reports, _) = case(*rule) {
            // The first example is the typical violation. The severity of the other examples may differ.
            assert_eq!(reports[0].worst(), Some(expected), "{rule}");
        }
    }
}

#[test]
fn ids_are_unique_and_readable() {
    let mut seen = BTreeSet::new();
    for rule in RuleId::ALL.iter().copied() {
        assert!(seen.insert(rule.as_str()) && seen.insert(rule.name()), "{rule} twice");
        assert_eq!(rule.as_str().parse(), Ok(rule));
        assert_eq!(rule.as_str().to_lowercase().parse(), Ok(rule));
        assert_eq!(rule.name().parse(), Ok(rule));
        assert!(!rule.text().is_empty() && !rule.source().is_empty());
    }
    assert_eq!(RuleId::ALL.len(), 88);
    assert!(RuleId::ALL.is_sorted());
    assert_eq!("Z99".parse::<RuleId>().unwrap_err().to_string(), "unknown rule `Z99`: ids go from A01 to T01");
}

#[test]
fn a_report_has_all_violations_errors_first() {
    let raw = RawView { len: 20, readonly: 2, suboffsets: Some(&[0, 0]), obj: Owner::Null, ..ROWS };
    let Checked { report, view } = CHECKER.check(&raw, Some(Request::FULL));
    assert!(view.is_none());
    let found: Vec<String> =
        report.iter().map(|finding| format!("{} {}", finding.severity(), finding.rule())).collect();
    assert_eq!(found, ["error A01", "error A04", "error A25", "error B02", "note A23"]);
}

#[test]
fn only_some_violations_prevent_a_view() {
    let harmless_rules = [
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
    let prevents_view = [
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
    for raw in prevents_view {
        let Checked { report, view } = CHECKER.check(&raw, Some(Request::FULL_RO));
        assert!(report.has_errors() && view.is_none(), "{raw:?}");
    }
    let harmless = [
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
    for ((raw, request), rule) in harmless.into_iter().zip(harmless_rules) {
        let Checked { report, view } = CHECKER.check(&raw, Some(request));
        assert!(report.contains(rule) && view.is_some(), "{rule}: {report}");
    }
}

/// A message contains at most the first 60 bytes of a format.
#[test]
fn long_formats_are_shortened_in_messages() {
    let message = |len: usize| {
        let format = vec![b'i'; len];
        // For a request without FORMAT the format must be NULL.
        let raw = RawView {
            len: 4 * i64::try_from(len).unwrap(),
            itemsize: 4 * i64::try_from(len).unwrap(),
            format: Some(&format),
            ..RawView::default()
        };
        check(raw, Request::SIMPLE).to_string()
    };
    for len in [1, 59, 60] {
        assert!(message(len).contains(&format!("format is `{}`", "i".repeat(len))), "{}", message(len));
    }
    for len in [61, 100] {
        assert!(message(len).contains(&format!("format is `{}...`", "i".repeat(60))), "{}", message(len));
    }
}

/// An exporter may refuse a request with WRITABLE only if its other answers have read-only memory.
#[test]
fn a_refusal_of_writable_needs_read_only_memory() {
    let rules = |raw| -> Vec<RuleId> {
        let audit = Audit::with(CHECKER).observe(Request::FULL_RO, answer(raw, Request::FULL_RO));
        audit.observe(Request::FULL, refused()).finish().iter().map(|finding| finding.rule()).collect()
    };
    assert_eq!(rules(ROWS), []);
    assert_eq!(rules(WRITABLE), [RuleId::B23]);
}

/// An answer to a request, and the memory block of the answer.
#[derive(Clone, Copy)]
struct Answer {
    raw: RawView<'static>,
    request: Request,
    block: Block,
}

/// The answer that each of `CHANGES` modifies. The answer follows every rule.
const CLEAN: Answer = Answer { raw: ROWS, request: Request::FULL_RO, block: Block { len: 24, offset: 0 } };

impl Answer {
    /// Returns the rules that the answer breaks.
    fn rules(&self) -> BTreeSet<RuleId> {
        let checker = Checker { memory: Some(self.block), ..CHECKER };
        checker.check(&self.raw, Some(self.request)).report.iter().map(|finding| finding.rule()).collect()
    }

    /// Returns the names of the fields that differ between `self` and `other`.
    fn changed(&self, other: &Self) -> BTreeSet<&'static str> {
        let fields = [
            ("buf", self.raw.buf != other.raw.buf),
            ("obj", self.raw.obj != other.raw.obj),
            ("len", self.raw.len != other.raw.len),
            ("itemsize", self.raw.itemsize != other.raw.itemsize),
            ("readonly", self.raw.readonly != other.raw.readonly),
            ("ndim", self.raw.ndim != other.raw.ndim),
            ("format", self.raw.format != other.raw.format),
            ("shape", self.raw.shape != other.raw.shape),
            ("strides", self.raw.strides != other.raw.strides),
            ("suboffsets", self.raw.suboffsets != other.raw.suboffsets),
            ("request", self.request != other.request),
            ("block", self.block != other.block),
        ];
        fields.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect()
    }
}

/// The rule that a change breaks, the name of the change, and the function that changes an answer.
type Change = (RuleId, &'static str, fn(&mut Answer));

/// Changes of `CLEAN`. Each change breaks one rule.
const CHANGES: &[Change] = &[
    (RuleId::A01, "obj NULL", |answer| answer.raw.obj = Owner::Null),
    (RuleId::A03, "buf NULL", |answer| answer.raw.buf = Some(0)),
    (RuleId::A04, "len 20", |answer| answer.raw.len = 20),
    (RuleId::A05, "len of the span", |answer| {
        answer.raw.len = 44;
        answer.raw.strides = Some(&[24, 8]);
        answer.block.len = 44;
    }),
    (RuleId::A06, "negative len", |answer| answer.raw.len = -1),
    (RuleId::A06, "negative itemsize", |answer| answer.raw.itemsize = -4),
    (RuleId::A06, "overflow of the product", |answer| {
        answer.raw.shape = Some(&[HUGE, 3]);
        answer.raw.strides = Some(&[0, 4]);
    }),
    (RuleId::A07, "format of 8 bytes", |answer| answer.raw.format = Some(b"<q")),
    (RuleId::A10, "itemsize 0", |answer| {
        answer.raw.itemsize = 0;
        answer.raw.len = 0;
        answer.raw.format = Some(b"0s");
    }),
    (RuleId::A11, "invalid format", |answer| answer.raw.format = Some(b"i}d")),
    (RuleId::A13, "negative ndim", |answer| answer.raw.ndim = -1),
    (RuleId::A13, "ndim 65", |answer| {
        answer.raw.ndim = 65;
        answer.raw.shape = Some(&[1; 65]);
        answer.raw.strides = Some(&[4; 65]);
        answer.raw.len = 4;
    }),
    (RuleId::A16, "3 entries in shape", |answer| answer.raw.shape = Some(&[2, 3, 1])),
    (RuleId::A16, "1 entry in strides", |answer| answer.raw.strides = Some(&[12])),
    (RuleId::A16, "1 entry in suboffsets", |answer| answer.raw.suboffsets = Some(&[0])),
    (RuleId::A17, "negative length", |answer| answer.raw.shape = Some(&[2, -3])),
    (RuleId::A18, "len 24 without items", |answer| answer.raw.shape = Some(&[0, 3])),
    (RuleId::A21, "negative suboffsets", |answer| answer.raw.suboffsets = Some(&[-1, -1])),
    (RuleId::A23, "pointers to items", |answer| answer.raw.suboffsets = Some(&[0, 0])),
    (RuleId::A25, "readonly 2", |answer| answer.raw.readonly = 2),
    (RuleId::B02, "WRITABLE", |answer| answer.request |= Request::WRITABLE),
    (RuleId::B04, "format NULL", |answer| answer.raw.format = None),
    (RuleId::B05, "no FORMAT", |answer| answer.request = Request::INDIRECT),
    (RuleId::B07, "strides NULL", |answer| answer.raw.strides = None),
    (RuleId::B07, "shape NULL", |answer| answer.raw.shape = None),
    (RuleId::B09, "ND", |answer| answer.request = Request::ND | Request::FORMAT),
    (RuleId::B11, "C_CONTIGUOUS in Fortran order", |answer| {
        answer.request = Request::C_CONTIGUOUS | Request::FORMAT;
        answer.raw.strides = Some(&[4, 8]);
    }),
    (RuleId::B17, "part of STRIDES", |answer| answer.request = Request::from_bits_retain(0x10)),
    (RuleId::B18, "READ", |answer| answer.request = Request::from_bits_retain(0x100)),
    (RuleId::D01, "offset 3", |answer| answer.block = Block { len: 27, offset: 3 }),
    (RuleId::D02, "first item outside", |answer| answer.block.offset = 24),
    (RuleId::D03, "unaligned strides", |answer| {
        answer.raw.strides = Some(&[15, 5]);
        answer.block.len = 30;
    }),
    (RuleId::D06, "block of 8 bytes", |answer| answer.block.len = 8),
    (RuleId::D07, "huge strides", |answer| answer.raw.strides = Some(&[HUGE, HUGE])),
    (RuleId::D08, "writable rows at one address", |answer| {
        answer.raw.readonly = 0;
        answer.raw.strides = Some(&[0, 4]);
    }),
];

/// Changes that hide violations of other rules. Each entry has the name of the change, the hidden rules, and the
/// reason.
const EXCLUDES: &[(&str, &[RuleId], &str)] = &[
    ("negative len", &[RuleId::A03, RuleId::A18], "a negative len does not describe items; A06 is reported"),
    (
        "negative itemsize",
        &[
            RuleId::A04,
            RuleId::A05,
            RuleId::A07,
            RuleId::A18,
            RuleId::B11,
            RuleId::D01,
            RuleId::D02,
            RuleId::D03,
            RuleId::D06,
            RuleId::D08,
        ],
        "the product with a negative itemsize is meaningless; A06 is reported",
    ),
    ("overflow of the product", &[RuleId::A04], "no len equals the product; A06 is reported"),
    (
        "itemsize 0",
        &[
            RuleId::A03,
            RuleId::A06,
            RuleId::A18,
            RuleId::B11,
            RuleId::D01,
            RuleId::D02,
            RuleId::D03,
            RuleId::D06,
            RuleId::D08,
        ],
        "items without bytes are contiguous, and are inside every block",
    ),
    (
        "negative ndim",
        &[
            RuleId::A04,
            RuleId::A05,
            RuleId::A06,
            RuleId::A16,
            RuleId::A17,
            RuleId::A18,
            RuleId::A21,
            RuleId::A23,
            RuleId::B11,
            RuleId::D06,
            RuleId::D07,
            RuleId::D08,
        ],
        "the number of entries of the arrays is unknown",
    ),
    ("ndim 65", &[RuleId::A21, RuleId::A23], "suboffsets has 2 entries; A16 is reported"),
    ("ndim 65", &[RuleId::D06], "all lengths are 1, and the item is inside the block"),
    (
        "3 entries in shape",
        &[RuleId::A04, RuleId::A05, RuleId::B11, RuleId::D06, RuleId::D07, RuleId::D08],
        "the shape is unknown",
    ),
    ("1 entry in strides", &[RuleId::D06], "the strides are unknown"),
    (
        "1 entry in suboffsets",
        &[RuleId::A05, RuleId::D01, RuleId::D03, RuleId::D06, RuleId::D08],
        "the block contains an unknown number of pointers",
    ),
    (
        "negative length",
        &[RuleId::A04, RuleId::A05, RuleId::B11, RuleId::D06, RuleId::D07, RuleId::D08],
        "the number of items is unknown",
    ),
    (
        "len 24 without items",
        &[
            RuleId::A04,
            RuleId::A05,
            RuleId::B11,
            RuleId::D01,
            RuleId::D02,
            RuleId::D03,
            RuleId::D06,
            RuleId::D07,
            RuleId::D08,
        ],
        "an array without items is contiguous, and is inside every block",
    ),
    ("negative suboffsets", &[RuleId::A05], "with suboffsets the wrong len is reported as A04"),
    ("pointers to items", &[RuleId::A05], "with suboffsets the wrong len is reported as A04"),
    ("pointers to items", &[RuleId::D01, RuleId::D03, RuleId::D08], "the block contains pointers, not items"),
    ("format NULL", &[RuleId::B05], "a request without FORMAT returns NULL"),
    ("no FORMAT", &[RuleId::B04], "a request without FORMAT returns NULL"),
    ("strides NULL", &[RuleId::B09], "ND returns no strides"),
    (
        "shape NULL",
        &[RuleId::A04, RuleId::A05, RuleId::D06, RuleId::D07, RuleId::D08],
        "the number of items in each dimension is unknown",
    ),
    ("ND", &[RuleId::B07], "the request is not for INDIRECT"),
    ("C_CONTIGUOUS in Fortran order", &[RuleId::B07], "the request is not for INDIRECT"),
    ("part of STRIDES", &[RuleId::B04, RuleId::B07], "the requested fields are unknown"),
    ("READ", &[RuleId::B04, RuleId::B07], "the requested fields are unknown"),
    ("writable rows at one address", &[RuleId::B02], "the memory is writable"),
    ("huge strides", &[RuleId::D06], "no block contains the items; D07 is reported"),
];

/// Two changes of different fields break two rules. The report contains both violations.
#[test]
fn rules_that_are_broken_together_are_all_reported() {
    let excludes = |change: &str, rule: RuleId| {
        EXCLUDES.iter().any(|(excluding, rules, _)| *excluding == change && rules.contains(&rule))
    };
    let (mut pairs, mut missing, mut used) = (0, Vec::new(), BTreeSet::new());
    for (index, (first_rule, first, change_first)) in CHANGES.iter().enumerate() {
        let mut one = CLEAN;
        change_first(&mut one);
        assert_eq!(one.rules(), BTreeSet::from([*first_rule]), "{first}");
        for (second_rule, second, change_second) in &CHANGES[index + 1..] {
            let mut other = CLEAN;
            change_second(&mut other);
            if !CLEAN.changed(&one).is_disjoint(&CLEAN.changed(&other)) {
                continue;
            }
            let mut both = one;
            change_second(&mut both);
            let rules = both.rules();
            for (rule, change) in [(first_rule, second), (second_rule, first)] {
                if rules.contains(rule) {
                    continue;
                }
                if excludes(change, *rule) {
                    used.insert((*change, *rule));
                } else {
                    missing.push(format!("{first} and {second}: {rule} of {rules:?}"));
                }
            }
            pairs += 1;
        }
    }
    assert!(missing.is_empty(), "{}:\n{}", missing.len(), missing.join("\n"));
    for (change, rules, reason) in EXCLUDES {
        for rule in *rules {
            assert!(used.contains(&(*change, *rule)), "{change} does not exclude {rule}: {reason}");
        }
    }
    assert!(pairs > 400, "only {pairs} pairs");
}

/// `len` differs from the product of the shape (2^62 bytes), and the span of the strides overflows 63 bits.
#[test]
fn an_overflow_of_the_span_does_not_hide_a_wrong_len() {
    let raw =
        RawView { len: 5, itemsize: 1, ndim: 1, shape: Some(&[HUGE]), strides: Some(&[-3]), ..RawView::default() };
    let report = check(raw, Request::STRIDES);
    let rules: Vec<RuleId> = report.iter().map(|finding| finding.rule()).collect();
    assert_eq!(rules, [RuleId::A04, RuleId::D07], "{report}");
}
