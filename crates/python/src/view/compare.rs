//! Whether two views show the same values.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::state::ViewState;
use super::tolist::Source;
use pep3118::decode::Plan;
use pep3118::layout::Type;
use pep3118::view::Order;

/// Whether shapes and values are the same, as Python's `==` has it: 1 equals 1.0, NaN equals nothing.
pub(super) fn equal(py: Python<'_>, left: &ViewState, right: &ViewState) -> PyResult<bool> {
    if left.shape() != right.shape() {
        return Ok(false);
    }
    if left.items().plan().leaves() == right.items().plan().leaves() && bytes_are_values(left.items().plan()) {
        return Ok(left.to_vec(py, Order::C)? == right.to_vec(py, Order::C)?);
    }
    let (first, second) = (left.shared().buffer(left.items().plan())?, right.shared().buffer(right.items().plan())?);
    let (mut values, mut others) = (Source::new(py, left, &first)?, Source::new(py, right, &second)?);
    for _ in 0..left.shared().view().item_count() {
        if !values.value()?.eq(others.value()?)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether the same bytes are the same values and others are others.
fn bytes_are_values(plan: &Plan) -> bool {
    let unique = |ty| {
        matches!(
            ty,
            Type::Char
                | Type::Int8
                | Type::UInt8
                | Type::Int16
                | Type::UInt16
                | Type::Int32
                | Type::UInt32
                | Type::Int64
                | Type::UInt64
                | Type::Bytes
                | Type::Void
        )
    };
    plan.is_one_leaf() && plan.leaves().iter().all(|leaf| unique(leaf.ty()))
}

/// The hash of the bytes, for bytes that nobody changes; memoryview's rule.
pub(super) fn hash(py: Python<'_>, shown: &ViewState) -> PyResult<isize> {
    if !shown.shared().view().readonly() {
        return Err(PyValueError::new_err("cannot hash a writable View"));
    }
    let item = shown.items().item();
    if !item.shape().is_empty() || !matches!(item.ty(), Type::Int8 | Type::UInt8 | Type::Char) {
        return Err(PyValueError::new_err("only Views of formats 'B', 'b' and 'c' can be hashed"));
    }
    if let Some(exporter) = shown.shared().acquired().exporter(py) {
        let _: isize = exporter.hash()?;
    }
    shown.to_bytes(py, Order::C)?.hash()
}
