//! Tests that `check`, `geometry` and `audit` never panic for `Py_buffer`s of random integers.

use arbtest::arbitrary::Result;
use arbtest::arbtest;
use pep3118::arbitrary::{number, raw_view};
use pep3118::{Audit, Order, RaisedError, Request, RequestOutcome, Slice, fill_contiguous_strides, verify_structure};

use crate::properties::metadata::check_view;

#[test]
fn the_check_does_not_panic_for_any_struct() {
    // The number of random structs depends on the load of the machine. Hence the test requires a share of structs with
    // a view, and not a number.
    let (mut structs, mut views) = (0, 0);
    arbtest(|bytes| {
        structs += 1;
        views += u32::from(check_view(bytes)?);
        Ok(())
    })
    .budget_ms(3_000);
    assert!(views * 20 > structs, "only {views} of {structs} structs have a view");
}

#[test]
fn the_geometry_does_not_panic_for_any_numbers() {
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
        let length = number(bytes)?.max(0);
        if let Some((start, count)) = slice.indices(length) {
            assert!(start >= 0 && count >= 0 && (count == 0 || start < length));
            let last = i128::from(start) + i128::from(count - 1) * i128::from(slice.step);
            assert!(count == 0 || (0..i128::from(length)).contains(&last), "{slice:?} of {length}");
        } else {
            assert_eq!(slice.step, 0);
        }
        Ok(())
    })
    .budget_ms(1_000);
}

#[test]
fn the_audit_does_not_panic_for_any_answers() {
    arbtest(|bytes| {
        let mut audit = Audit::new();
        for _ in 0..bytes.int_in_range(0..=6)? {
            let request = *bytes.choose(&Request::ALL_LEGAL)?;
            let owned = raw_view(bytes)?;
            let outcome = match bytes.int_in_range(0..=3)? {
                0 => RequestOutcome::refused(
                    bytes.choose(&[RaisedError::BufferError, RaisedError::NoException])?.clone(),
                ),
                1 => RequestOutcome::InvalidReturn {
                    returned: bytes.arbitrary()?,
                    error: RaisedError::Other("OSError".into()),
                },
                _ => RequestOutcome::Granted(owned.as_raw()),
            };
            audit = audit.observe(request, outcome);
        }
        let report = audit.finish();
        assert!(report.iter().all(|finding| !finding.requests().is_empty() && !finding.message().is_empty()));
        Ok(())
    })
    .budget_ms(2_000);
}
