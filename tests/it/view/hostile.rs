//! Nothing panics, overflows or takes long, whatever the integers.

use arbtest::arbitrary::{Result, Unstructured};
use arbtest::arbtest;
use pep3118::{
    Audit, Block, Checker, DataModel, Dialect, ErrorKind, Obj, Order, Outcome, RawView, Request, Slice, View,
    fill_contiguous_strides, verify_structure,
};

/// Numbers at which arithmetic breaks, and small ones.
fn number(bytes: &mut Unstructured<'_>) -> Result<i64> {
    const EDGES: [i64; 16] = [
        i64::MIN,
        i64::MIN + 1,
        -(1 << 62),
        -(1 << 32),
        -9,
        -1,
        0,
        1,
        2,
        3,
        8,
        1 << 31,
        1 << 32,
        1 << 62,
        i64::MAX - 1,
        i64::MAX,
    ];
    match bytes.int_in_range(0..=3)? {
        0 => bytes.arbitrary(),
        1 => Ok(*bytes.choose(&EDGES)?),
        _ => bytes.int_in_range(-4..=16),
    }
}

/// `tame` numbers are those of a struct that may be right.
fn array(bytes: &mut Unstructured<'_>, ndim: i32, tame: bool) -> Result<Option<Vec<i64>>> {
    let length = match bytes.int_in_range(0..=7)? {
        _ if tame => usize::try_from(ndim).unwrap_or(1),
        0 => return Ok(None),
        1 => bytes.int_in_range(0..=70)?,
        _ => usize::try_from(ndim).unwrap_or(1).min(70),
    };
    let number = |bytes: &mut Unstructured<'_>| if tame { bytes.int_in_range(0..=4) } else { number(bytes) };
    (0..length).map(|_| number(bytes)).collect::<Result<Vec<i64>>>().map(Some)
}

#[derive(Debug)]
struct Owned {
    raw: RawView<'static>,
    format: Option<Vec<u8>>,
    arrays: [Option<Vec<i64>>; 3],
}

impl Owned {
    fn new(bytes: &mut Unstructured<'_>) -> Result<Self> {
        const FORMATS: [&[u8]; 10] =
            [b"B", b"<i", b"T{b:a:i:b:}", b"T{b:a:xxxxxxxi:b:}", b"", b"i}d", b"9999999999i", b"(2,3)<q", b"\0", b"Zd"];
        let tame = bytes.ratio(1, 2)?;
        let ndim = match bytes.int_in_range(0..=7)? {
            0 if !tame => *bytes.choose(&[-1, 64, 65, i32::MIN, i32::MAX])?,
            _ => bytes.int_in_range(0..=5)?,
        };
        let format = match bytes.int_in_range(0..=3)? {
            0 => None,
            _ if tame => Some(b"<i".to_vec()),
            1 => Some(bytes.arbitrary()?),
            _ => Some(bytes.choose(&FORMATS)?.to_vec()),
        };
        let raw = RawView {
            buf: bytes.arbitrary()?,
            obj: *bytes.choose(&[Obj::Unknown, Obj::Null, Obj::Temporary, Obj::Exporter(1)])?,
            len: number(bytes)?,
            itemsize: if tame { 4 } else { number(bytes)? },
            readonly: bytes.int_in_range(-1..=2)?,
            ndim,
            ..RawView::default()
        };
        Ok(Self {
            raw,
            format,
            arrays: [array(bytes, ndim, tame)?, array(bytes, ndim, tame)?, array(bytes, ndim, tame)?],
        })
    }

    /// The numbers; `len` made to fit where `fitted`.
    fn raw(&self, fitted: bool) -> RawView<'_> {
        let [shape, strides, suboffsets] = self.arrays.each_ref().map(Option::as_deref);
        let bytes =
            shape.unwrap_or_default().iter().fold(self.raw.itemsize, |bytes, extent| bytes.wrapping_mul(*extent));
        let len = if fitted { bytes } else { self.raw.len };
        RawView { len, format: self.format.as_deref(), shape, strides, suboffsets, ..self.raw }
    }
}

/// Whatever a view answers stays in what it promised.
fn hold(view: &View<'_>, bytes: &mut Unstructured<'_>) -> Result<()> {
    assert_eq!(view.shape().len(), view.strides().len());
    assert!(view.shape().iter().all(|extent| *extent >= 0) && view.len() >= 0);
    for order in [Order::C, Order::Fortran, Order::Any] {
        let _ = view.is_contiguous(order);
    }
    let extent = view.extent();
    if let Ok(offsets) = view.offsets(Order::Fortran) {
        let extent = extent.expect("a span that fits");
        for offset in offsets.take(100) {
            assert!(offset >= extent.low && offset <= extent.high - view.itemsize(), "{offset} {extent:?}");
        }
    }
    let last: Vec<i64> = view.shape().iter().map(|extent| extent - 1).collect();
    if view.item_count() > 0 {
        assert!(view.steps(&last).unwrap().count() <= 3 * view.ndim() + 1);
        assert_eq!(view.offset_of(&last).is_ok(), view.suboffsets().is_none());
    } else {
        assert!(view.steps(&last).is_err());
    }
    let slices = (0..bytes.int_in_range(0..=view.ndim())?)
        .map(|_| Ok(Slice { start: Some(number(bytes)?), stop: Some(number(bytes)?), step: number(bytes)? }))
        .collect::<Result<Vec<Slice>>>()?;
    if let Ok(sliced) = view.slice(&slices) {
        assert!(sliced.len() <= view.len());
        if let Ok(offsets) = sliced.offsets(Order::C) {
            let extent = extent.expect("a span that fits");
            for offset in offsets.take(100) {
                assert!(offset >= extent.low && offset <= extent.high - view.itemsize(), "{slices:?}: {offset}");
            }
        }
    }
    let _ = view.transpose(None);
    Ok(())
}

#[test]
fn no_struct_makes_the_check_panic() {
    let mut views = 0;
    arbtest(|bytes| {
        let owned = Owned::new(bytes)?;
        let raw = owned.raw(bytes.ratio(2, 3)?);
        let request = match bytes.int_in_range(0..=3)? {
            0 => None,
            1 => Some(Request::from_bits_retain(bytes.arbitrary()?)),
            _ => Some(*bytes.choose(&Request::ALL_LEGAL)?),
        };
        let models = DataModel::ALL;
        let checker = Checker {
            dialect: *bytes.choose(&[None, Some(&Dialect::NUMPY), Some(&Dialect::STRUCT)])?,
            model: bytes.choose(&models)?,
            max_ndim: *bytes.choose(&[64, 36, 0, -1, i32::MAX])?,
            memory: if bytes.ratio(1, 2)? { Some(Block { len: number(bytes)?, offset: number(bytes)? }) } else { None },
        };
        let (report, view) = checker.check(&raw, request);
        assert!(report.iter().all(|finding| !finding.message().is_empty()));
        assert!(report.is_empty() || !format!("{report:#}").is_empty());
        assert!(report.iter().is_sorted_by_key(|finding| (finding.severity(), finding.rule())));
        // The proof finds an error exactly where the check does.
        let proof = checker.prove(&raw, request);
        assert_eq!(proof.is_err(), report.has_errors(), "{raw:?}: {report}");
        for order in [Order::C, Order::Fortran, Order::Any] {
            let _ = raw.is_contiguous(order);
        }
        if let Some(view) = view {
            views += 1;
            hold(&view, bytes)?;
        }
        Ok(())
    })
    .budget_ms(3_000);
    assert!(views > 100, "only {views} views were made");
}

#[test]
fn no_numbers_make_the_geometry_panic() {
    arbtest(|bytes| {
        let count = bytes.int_in_range(0..=8)?;
        let shape = (0..count).map(|_| number(bytes)).collect::<Result<Vec<i64>>>()?;
        let strides = (0..count).map(|_| number(bytes)).collect::<Result<Vec<i64>>>()?;
        let report = verify_structure(number(bytes)?, number(bytes)?, count, &shape, &strides, number(bytes)?);
        assert!(report.is_empty() || !report.to_string().is_empty());
        let mut filled = strides;
        let order = *bytes.choose(&[Order::C, Order::Fortran, Order::Any])?;
        let _ = fill_contiguous_strides(&shape, number(bytes)?, order, &mut filled);
        let slice = Slice { start: bytes.arbitrary()?, stop: bytes.arbitrary()?, step: number(bytes)? };
        let extent = number(bytes)?.max(0);
        if let Some((start, count)) = slice.indices(extent) {
            assert!(start >= 0 && count >= 0 && (count == 0 || start < extent));
            let last = i128::from(start) + i128::from(count - 1) * i128::from(slice.step);
            assert!(count == 0 || (0..i128::from(extent)).contains(&last), "{slice:?} of {extent}");
        } else {
            assert_eq!(slice.step, 0);
        }
        Ok(())
    })
    .budget_ms(1_000);
}

#[test]
fn no_answers_make_the_audit_panic() {
    arbtest(|bytes| {
        let mut audit = Audit::new();
        for _ in 0..bytes.int_in_range(0..=6)? {
            let request = *bytes.choose(&Request::ALL_LEGAL)?;
            let owned = Owned::new(bytes)?;
            let outcome = match bytes.int_in_range(0..=3)? {
                0 => Outcome::refused(bytes.choose(&[ErrorKind::BufferError, ErrorKind::Silent])?.clone()),
                1 => Outcome::Broken { returned: bytes.arbitrary()?, error: ErrorKind::Other("OSError".into()) },
                _ => Outcome::Granted(owned.raw(true)),
            };
            audit = audit.observe(request, outcome);
        }
        let report = audit.finish();
        assert!(report.iter().all(|finding| !finding.requests().is_empty() && !finding.message().is_empty()));
        Ok(())
    })
    .budget_ms(2_000);
}
