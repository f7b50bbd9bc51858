//! Converts numbers for an assignment between views of different number types. Each number is converted without a loss,
//! or the error contains the first number that does not fit.

use pep3118::layout::{Type, UserType};
use pep3118::name;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyComplex, PyFloat};

use super::part::{NewItems, Part, PinnedPart, read_pinned};
use crate::objects;
use crate::user_types::is_date;

/// Returns `true` if the items of `part` are single numbers. A `bool` is a number; a `long double` and an address are
/// not.
pub(super) fn are_numbers(part: &Part) -> bool {
    let item = part.description().item();
    let is_number = matches!(
        item.ty(),
        Type::Bool
            | Type::Int8
            | Type::UInt8
            | Type::Int16
            | Type::UInt16
            | Type::Int32
            | Type::UInt32
            | Type::Int64
            | Type::UInt64
            | Type::Float16
            | Type::Float32
            | Type::Float64
            | Type::Complex32
            | Type::Complex64
            | Type::Complex128
    );
    is_number && item.shape().is_empty()
}

/// Returns `true` if [`converted`] accepts the items of `to` and `from`: both are numbers, or both have the same user
/// type. Numbers include the user types whose values are numbers, such as `bfloat16`.
pub(super) fn are_convertible(to: &Part, from: &Part) -> bool {
    let user = |part: &Part| {
        let item = part.description().item();
        item.user_type().filter(|_| item.shape().is_empty())
    };
    let has_numbers = |user: UserType| {
        !is_date(user) && (user.value_type() != Type::Opaque || matches!(user.name(), "int128" | "uint128"))
    };
    let is_number = |part: &Part| are_numbers(part) || user(part).is_some_and(has_numbers);
    is_number(to) && is_number(from) || user(to).is_some() && user(to) == user(from)
}

/// Converts the numbers of `from` to new items for `part`. `from` and `part` must have the same shape, and
/// [`are_convertible`] must be `true` for them. Each new number equals the old number, or both numbers are NaN.
///
/// # Errors
/// - the type of `part` cannot represent a number: `ValueError` with the index of the number
pub(super) fn converted<'p, 'py>(
    py: Python<'py>,
    part: &'p Part,
    from: &PinnedPart<'_>,
) -> PyResult<NewItems<'p, 'py>> {
    let count = usize::try_from(part.view().item_count()).map_err(|_| objects::no_memory())?;
    let mut new = NewItems::zeroed(py, part, count)?;
    let codec = part.item()?.codec(py, part.description())?;
    let size = part.description().plan().itemsize().max(1);
    let item = part.description().item();
    let to = item.user_type().map_or(item.ty(), UserType::value_type);
    let is_integer = !matches!(
        to,
        Type::Float16 | Type::Float32 | Type::Float64 | Type::Complex32 | Type::Complex64 | Type::Complex128
    );
    let is_real = !matches!(to, Type::Complex32 | Type::Complex64 | Type::Complex128);
    let (mut at, mut cells) = (0_i64, new.bytes_mut().chunks_exact_mut(size));
    from.part().each_place(|place| {
        let Some(cell) = cells.next() else { return Ok(()) };
        let number = read_pinned(py, from, place)?;
        let mut value = number.clone();
        if is_real
            && let Ok(complex) = value.cast::<PyComplex>()
            && complex.imag() == 0.0
        {
            value = objects::into_result(py, objects::float(py, complex.real()))?;
        }
        if is_integer
            && let Ok(float) = value.cast::<PyFloat>()
            && float.value().is_finite()
            && float.value().fract() == 0.0
        {
            value = value.call_method0(name!(py, "__int__"))?;
        }
        let written = codec.write(&value, cell).map_err(PyErr::from);
        let is_equal = || {
            let stored = codec.read(py, cell)?;
            // Only NaN differs from itself.
            Ok::<_, PyErr>(stored.eq(&number)? || (stored.ne(&stored)? && number.ne(&number)?))
        };
        match written {
            Ok(()) if is_equal()? => {}
            // The assignment of a list would round the same numbers, so the help line suggests a list.
            Ok(()) => {
                let help = "\nhelp: assign a list, such as values.tolist(), whose numbers are rounded to the type";
                return Err(does_not_fit(part, at, &number, if is_integer { "" } else { help }));
            }
            Err(error) if error.is_instance_of::<PyValueError>(py) || error.is_instance_of::<PyTypeError>(py) => {
                return Err(does_not_fit(part, at, &number, ""));
            }
            Err(error) => return Err(error),
        }
        at = at.saturating_add(1);
        Ok(())
    })?;
    Ok(new)
}

/// Creates the exception for `number`, which the type of `part` cannot represent. `at` is the position of the number in
/// C order, counted from 0. `help` is the help line, or empty.
#[cold]
fn does_not_fit(part: &Part, at: i64, number: &Bound<'_, PyAny>, help: &str) -> PyErr {
    let (mut rest, mut indices) = (at, Vec::new());
    for length in part.shape().iter().rev() {
        // The item exists, so no dimension has the length 0 and the defaults are never used.
        indices.push(rest.checked_rem(*length).unwrap_or(0).to_string());
        rest = rest.checked_div(*length).unwrap_or(0);
    }
    indices.reverse();
    let number = number.repr().map_or_else(|_| "the number".to_owned(), |text| text.to_string());
    let (index, to) = (indices.join(", "), part.description().item().type_name());
    objects::error::<PyValueError>(format!(
        "index [{index}]: {number} cannot be converted to {to} without a loss{help}"
    ))
}
