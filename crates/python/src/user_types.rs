//! The user types of formats, such as `[bfloat16]`: `UserCodec` converts their values to Python objects and back, and
//! the Python function `register_type` adds a type.

use std::sync::{Mutex, PoisonError};

use crate::tuple_builder::tuple;
use pep3118::__private::escape;
use pep3118::__private::{arguments, text};
use pep3118::Align;
use pep3118::Endian;
use pep3118::layout::{Type, UserType, UserTypeDefinition, UserTypeError, UserValue};
use pep3118::name;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyFloat, PyInt};

use crate::errors::class_name;
use crate::objects::{self, copied};

/// The conversion between the values of a user type and Python objects.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UserCodec {
    user: UserType,
    objects: Objects,
}

/// The Python objects for the values of a user type.
#[derive(Clone, Copy, Debug)]
enum Objects {
    /// `int`, `float`, `str` or `bytes`.
    Plain,
    /// `datetime.date`, `datetime.datetime`, `int` or None: the objects that `tolist` of NumPy returns for dates.
    Dates(Ticks),
    /// `datetime.timedelta`, `int` or None: the objects that `tolist` of NumPy returns for durations.
    Durations(Ticks),
    /// The objects that the functions of [`register_type`] accept and return.
    Registered(&'static Functions),
}

/// The unit of a date or a duration of NumPy.
#[derive(Clone, Copy, Debug)]
struct Ticks {
    /// The number of units that the value 1 means: 25 for `datetime64[25s]`.
    multiple: i64,
    unit: Unit,
}

/// A unit of NumPy. The variants are ordered from the longest unit to the shortest, as in NumPy. A date with a unit
/// after `Day` has a time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Unit {
    Year,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
    Microsecond,
    /// A unit that is shorter than a microsecond. The values are integers.
    Integer,
    /// No unit. A duration is an integer, and NumPy reads every date as None.
    Generic,
}

/// The functions of a type that a Python program has registered.
#[derive(Debug)]
struct Functions {
    user: UserType,
    unpack: Py<PyAny>,
    pack: Py<PyAny>,
}

/// The types that Python programs have registered. A type stays registered until the process ends.
static REGISTERED: Mutex<Vec<&'static Functions>> = Mutex::new(Vec::new());

impl UserCodec {
    /// Returns the codec of the user type `user`. The codec of a type is created once and never dropped, because the
    /// type is never dropped.
    pub(crate) fn of(user: UserType) -> &'static Self {
        static CODECS: Mutex<Vec<&'static UserCodec>> = Mutex::new(Vec::new());
        let mut codecs = CODECS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(codec) = codecs.iter().find(|codec| codec.user == user) {
            return codec;
        }
        let codec: &'static Self = Box::leak(Box::new(Self::new(user)));
        codecs.push(codec);
        codec
    }

    /// Creates the codec of `user`, with the objects for NumPy's dates and durations, the registered functions, or
    /// plain objects.
    fn new(user: UserType) -> Self {
        let (name, unit) = user.name().split_once('$').unwrap_or((user.name(), ""));
        let objects = match name {
            "datetime64" => Objects::Dates(Ticks::of(unit)),
            "timedelta64" => Objects::Durations(Ticks::of(unit)),
            _ => {
                let registered = REGISTERED.lock().unwrap_or_else(PoisonError::into_inner);
                let found = registered.iter().find(|functions| functions.user == user);
                found.map_or(Objects::Plain, |functions| Objects::Registered(functions))
            }
        };
        Self { user, objects }
    }

    /// Returns a new object for the value in `bytes`, which has the byte order `endian`.
    ///
    /// # Errors
    /// - the function `unpack` of a registered type raises an exception
    pub(crate) fn read<'py>(self, py: Python<'py>, bytes: &[u8], endian: Endian) -> PyResult<Bound<'py, PyAny>> {
        if let Objects::Registered(functions) = self.objects {
            let bytes = ordered(self.user, bytes, endian)?;
            return functions
                .unpack
                .bind(py)
                .call1(arguments(py, [&objects::into_result(py, objects::bytes(py, &bytes))?])?);
        }
        let value = self.user.decode(bytes, endian).map_err(refused)?;
        match (self.objects, value) {
            (Objects::Dates(ticks), UserValue::Int(value)) => ticks.date(py, value),
            (Objects::Durations(ticks), UserValue::Int(value)) => ticks.duration(py, value),
            (_, value) => to_object(py, value),
        }
    }

    /// Writes `object` to `bytes` in the byte order `endian`.
    ///
    /// # Errors
    /// - an object of another type: `TypeError`
    /// - a value that the type does not have: `ValueError`
    /// - the function `pack` of a registered type raises an exception, or returns a wrong number of bytes
    pub(crate) fn write(self, object: &Bound<'_, PyAny>, bytes: &mut [u8], endian: Endian) -> PyResult<()> {
        let value = match self.objects {
            Objects::Registered(functions) => {
                let packed = functions.pack.bind(object.py()).call1(arguments(object.py(), [object])?)?;
                let packed = packed.cast::<PyBytes>().map_err(|_| {
                    let message = format!("pack of the user type '{}' did not return bytes", escape(self.user.name()));
                    objects::error::<PyTypeError>(message)
                })?;
                let packed = ordered(self.user, packed.as_bytes(), endian)?;
                if packed.len() != bytes.len() {
                    return Err(objects::error::<PyValueError>(format!(
                        "pack of the user type '{}' returned {} bytes, not {}",
                        escape(self.user.name()),
                        packed.len(),
                        bytes.len()
                    )));
                }
                bytes.copy_from_slice(&packed);
                return Ok(());
            }
            Objects::Plain => of_object(object, self.user)?,
            Objects::Dates(ticks) => UserValue::Int(ticks.of_date(object)?),
            Objects::Durations(ticks) => UserValue::Int(ticks.of_duration(object)?),
        };
        self.user.encode(&value, bytes, endian).map_err(refused)
    }
}

/// Returns `true` if the values of `user` are dates or durations of NumPy.
pub(crate) fn is_date(user: UserType) -> bool {
    ["datetime64", "timedelta64"].iter().any(|name| user.name().starts_with(name))
}

/// Converts the bytes of a value from the byte order `endian` to little-endian, or from little-endian to `endian`. Both
/// conversions reverse the bytes if `endian` is big-endian and the type has a byte order.
fn ordered(user: UserType, bytes: &[u8], endian: Endian) -> PyResult<Vec<u8>> {
    let mut ordered = copied(bytes)?;
    if user.has_byte_order() && endian == Endian::Big {
        ordered.reverse();
    }
    Ok(ordered)
}

/// Converts `error`, the reason why a value cannot be converted, to a `ValueError`.
fn refused(error: UserTypeError) -> PyErr {
    objects::error::<PyValueError>(error.to_string())
}

/// Returns the object for `value`.
fn to_object(py: Python<'_>, value: UserValue) -> PyResult<Bound<'_, PyAny>> {
    Ok(match value {
        UserValue::Int(value) => objects::wide(py, value)?,
        UserValue::UInt(value) => objects::wide(py, value)?,
        UserValue::Float(value) => objects::into_result(py, objects::float(py, value))?,
        UserValue::Text(text) => objects::string(py, &text)?,
        UserValue::Bytes(bytes) => objects::into_result(py, objects::bytes(py, &bytes))?,
        // `UserValue` is non-exhaustive.
        other => objects::string(py, &other.to_string())?,
    })
}

/// Converts `object`, a number, to a value of the built-in type `user`. Returns a `TypeError` if `object` is anything
/// other than a number, and a `ValueError` for an integer that does not fit 128 bits.
fn of_object(object: &Bound<'_, PyAny>, user: UserType) -> PyResult<UserValue> {
    let py = object.py();
    let is_float = matches!(user.value_type(), Type::Float32 | Type::Float64);
    if is_float && let Ok(float) = object.cast::<PyFloat>() {
        return Ok(UserValue::Float(float.value()));
    }
    if is_float && !object.is_instance_of::<PyInt>() && object.hasattr(name!(py, "__float__"))? {
        return Ok(UserValue::Float(object.extract()?));
    }
    if !object.hasattr(name!(py, "__index__"))? {
        let found = class_name(object)?;
        let wanted = if is_float { "a number" } else { "an integer" };
        let message = format!("a value of {} is {wanted}, not {found}", escape(user.name()));
        return Err(objects::error::<PyTypeError>(message));
    }
    let index = py.import(name!(py, "operator"))?.call_method1(name!(py, "index"), arguments(py, [object])?)?;
    match (index.extract::<i128>(), index.extract::<u128>()) {
        (Ok(value), _) => Ok(UserValue::Int(value)),
        (_, Ok(value)) => Ok(UserValue::UInt(value)),
        _ => Err(objects::error::<PyValueError>(format!("the integer is out of the range of {}", escape(user.name())))),
    }
}

/// The value of a date or a duration that NumPy displays as `NaT` ("not a time").
const NOT_A_TIME: i128 = -0x8000_0000_0000_0000;

/// Returns the class `name` of the module `datetime`.
fn datetime_class<'py>(py: Python<'py>, name: &'static str) -> PyResult<Bound<'py, PyAny>> {
    static MODULE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let module =
        MODULE.get_or_try_init(py, || Ok::<_, PyErr>(py.import(name!(py, "datetime"))?.into_any().unbind()))?;
    module.bind(py).getattr(text(py, name)?)
}

/// Calls `callable` with `numbers`. Returns the exception of the call.
fn call_with_numbers<'py, const N: usize>(
    callable: &Bound<'py, PyAny>,
    numbers: [i128; N],
) -> PyResult<Bound<'py, PyAny>> {
    let py = callable.py();
    callable.call1(tuple(py, numbers.into_iter().map(|number| objects::from_result(py, objects::wide(py, number))))?)
}

impl Ticks {
    /// Returns the length of a tick. `unit` is the text of the tick in NumPy, such as `ns` or `25s`: an optional count
    /// and the name of a unit of time.
    fn of(unit: &str) -> Self {
        let name = unit.trim_start_matches(|digit: char| digit.is_ascii_digit());
        let digits = unit.strip_suffix(name).unwrap_or_default();
        let unit = match name {
            "Y" => Unit::Year,
            "M" => Unit::Month,
            "W" => Unit::Week,
            "D" => Unit::Day,
            "h" => Unit::Hour,
            "m" => Unit::Minute,
            "s" => Unit::Second,
            "ms" => Unit::Millisecond,
            "us" => Unit::Microsecond,
            "" => Unit::Generic,
            _ => Unit::Integer,
        };
        Self { multiple: digits.parse().unwrap_or(1), unit }
    }

    /// Returns the number of microseconds in one `self.unit`. Ignores `self.multiple`. Returns `None` for years, for
    /// months, and for the units `Integer` and `Generic`.
    fn microseconds(self) -> Option<i128> {
        Some(match self.unit {
            Unit::Week => 7 * 86_400_000_000,
            Unit::Day => 86_400_000_000,
            Unit::Hour => 3_600_000_000,
            Unit::Minute => 60_000_000,
            Unit::Second => 1_000_000,
            Unit::Millisecond => 1_000,
            Unit::Microsecond => 1,
            Unit::Year | Unit::Month | Unit::Integer | Unit::Generic => return None,
        })
    }

    /// Returns the object that `tolist` of NumPy returns for the date `value`. "Not a time" becomes None, and so does
    /// every date without a unit. The result is an `int` if the unit is shorter than a microsecond or the year is not
    /// between 1 and 9999. Otherwise the result is a `date` if the unit is a day or longer, and a `datetime` for a
    /// shorter unit.
    fn date(self, py: Python<'_>, value: i128) -> PyResult<Bound<'_, PyAny>> {
        if value == NOT_A_TIME || self.unit == Unit::Generic {
            return Ok(py.None().into_bound(py));
        }
        let integer = || objects::wide(py, value);
        let steps = value.saturating_mul(self.multiple.into());
        let months = match self.unit {
            Unit::Integer => return integer(),
            Unit::Year => Some(steps.saturating_mul(12)),
            Unit::Month => Some(steps),
            _ => None,
        };
        if let Some(months) = months {
            let (years, month) = (months.div_euclid(12), months.rem_euclid(12));
            let year = years.saturating_add(1970);
            if !(1..=9999).contains(&year) {
                return integer();
            }
            return call_with_numbers(&datetime_class(py, "date")?, [year, month.saturating_add(1), 1]);
        }
        let Some(microseconds) = self.microseconds() else { return integer() };
        let total = steps.saturating_mul(microseconds);
        let (days, rest) = (total.div_euclid(86_400_000_000), total.rem_euclid(86_400_000_000));
        // 1 January 1970 has the ordinal 719163, and 31 December 9999 has the ordinal 3652059.
        let ordinal = days.saturating_add(719_163);
        if !(1..=3_652_059).contains(&ordinal) {
            return integer();
        }
        if self.unit <= Unit::Day {
            return call_with_numbers(&datetime_class(py, "date")?.getattr(name!(py, "fromordinal"))?, [ordinal]);
        }
        let midnight =
            call_with_numbers(&datetime_class(py, "datetime")?.getattr(name!(py, "fromordinal"))?, [ordinal])?;
        let time = call_with_numbers(&datetime_class(py, "timedelta")?, [0, 0, rest])?;
        midnight.add(time)
    }

    /// Returns the object that `tolist` of NumPy returns for the duration `value`. "Not a time" becomes None. The
    /// result is an `int` for years, for months, without a unit, for units that are shorter than a microsecond, and for
    /// durations beyond the range of `timedelta`. Otherwise the result is a `timedelta`.
    fn duration(self, py: Python<'_>, value: i128) -> PyResult<Bound<'_, PyAny>> {
        if value == NOT_A_TIME {
            return Ok(py.None().into_bound(py));
        }
        let integer = || objects::wide(py, value);
        let Some(microseconds) = self.microseconds() else { return integer() };
        let total = value.saturating_mul(self.multiple.into()).saturating_mul(microseconds);
        let (days, rest) = (total.div_euclid(86_400_000_000), total.rem_euclid(86_400_000_000));
        if !(-999_999_999..=999_999_999).contains(&days) {
            return integer();
        }
        call_with_numbers(&datetime_class(py, "timedelta")?, [days, 0, rest])
    }

    /// Returns the number that stores the date `object`: None, an `int`, a `datetime`, a `date`, or a
    /// `numpy.datetime64`. Returns a `TypeError` for any other object, and a `ValueError` for a date that is not a
    /// whole number of units or has a time zone.
    fn of_date(self, object: &Bound<'_, PyAny>) -> PyResult<i128> {
        let py = object.py();
        if let Some(number) = self.of_number(object, "M8")? {
            return Ok(number);
        }
        let (date, datetime) = (datetime_class(py, "date")?, datetime_class(py, "datetime")?);
        if !object.is_instance(&date)? {
            return Err(wrong_object(object, "a date, a datetime, an int or None")?);
        }
        if let Unit::Year | Unit::Month = self.unit {
            let part = |name: &str| object.getattr(text(py, name)?)?.extract::<i128>();
            let (year, month, day) = (part("year")?, part("month")?, part("day")?);
            let years = year.saturating_sub(1970);
            let months = years.saturating_mul(12).saturating_add(month).saturating_sub(1);
            let first = day == 1 && !object.is_instance(&datetime)?;
            return match self.unit {
                Unit::Month if first => self.exact_quotient(months, 1),
                Unit::Year if first && month == 1 => self.exact_quotient(years, 1),
                _ => Err(objects::error::<PyValueError>("the date is not the start of a unit of the field")),
            };
        }
        let ordinal: i128 = object.call_method0(name!(py, "toordinal"))?.extract()?;
        let mut total = ordinal.saturating_sub(719_163).saturating_mul(86_400_000_000);
        if object.is_instance(&datetime)? {
            if !object.getattr(name!(py, "tzinfo"))?.is_none() {
                let message = "NumPy's dates have no time zone: give a datetime in UTC without tzinfo";
                return Err(objects::error::<PyValueError>(message));
            }
            let part = |name: &str| object.getattr(text(py, name)?)?.extract::<i128>();
            let seconds = part("hour")?.saturating_mul(3600).saturating_add(part("minute")?.saturating_mul(60));
            let seconds = seconds.saturating_add(part("second")?);
            total = total.saturating_add(seconds.saturating_mul(1_000_000)).saturating_add(part("microsecond")?);
        }
        self.of_microseconds(total)
    }

    /// Returns the number that stores the duration `object`: None, an `int`, a `timedelta`, or a `numpy.timedelta64`.
    /// Returns a `TypeError` for any other object, and a `ValueError` for a duration that is not a whole number of
    /// units.
    fn of_duration(self, object: &Bound<'_, PyAny>) -> PyResult<i128> {
        let py = object.py();
        if let Some(number) = self.of_number(object, "m8")? {
            return Ok(number);
        }
        if !object.is_instance(&datetime_class(py, "timedelta")?)? {
            return Err(wrong_object(object, "a timedelta, an int or None")?);
        }
        let part = |name: &str| object.getattr(text(py, name)?)?.extract::<i128>();
        let seconds = part("days")?.saturating_mul(86_400).saturating_add(part("seconds")?);
        self.of_microseconds(seconds.saturating_mul(1_000_000).saturating_add(part("microseconds")?))
    }

    /// Returns the number of units for `object`: NaT for None, the number itself for an `int`, and the converted number
    /// for a scalar of NumPy whose type string starts with `kind`. Returns `None` for an object of another type.
    ///
    /// # Errors
    /// - the scalar is not a whole number of units: `ValueError`
    fn of_number(self, object: &Bound<'_, PyAny>, kind: &str) -> PyResult<Option<i128>> {
        if object.is_none() {
            return Ok(Some(NOT_A_TIME));
        }
        if object.is_instance_of::<PyInt>() {
            let number: i128 = object.extract()?;
            return Ok(Some(number));
        }
        let py = object.py();
        let Some(dtype) = object.getattr_opt(name!(py, "dtype"))? else { return Ok(None) };
        let text: String = dtype.getattr(name!(py, "str"))?.extract()?;
        if !text.get(1..).is_some_and(|text| text.starts_with(kind)) {
            return Ok(None);
        }
        let unit = self.name();
        let wanted = if unit.is_empty() { kind.to_owned() } else { format!("{kind}[{unit}]") };
        let converted = object.call_method1(name!(py, "astype"), arguments(py, [&objects::string(py, &wanted)?])?)?;
        if !converted.eq(object)? && !object.ne(object)? {
            return Err(objects::error::<PyValueError>("the value is not a whole number of units of the field"));
        }
        Ok(Some(converted.call_method1(name!(py, "astype"), arguments(py, [name!(py, "i8")])?)?.extract()?))
    }

    /// Returns NumPy's name of the tick, such as `25s`. The name is empty for the units `Integer` and `Generic`.
    fn name(self) -> String {
        let unit = match self.unit {
            Unit::Year => "Y",
            Unit::Month => "M",
            Unit::Week => "W",
            Unit::Day => "D",
            Unit::Hour => "h",
            Unit::Minute => "m",
            Unit::Second => "s",
            Unit::Millisecond => "ms",
            Unit::Microsecond => "us",
            Unit::Integer | Unit::Generic => return String::new(),
        };
        if self.multiple == 1 { unit.to_owned() } else { format!("{}{unit}", self.multiple) }
    }

    /// Returns the number of ticks in `total` microseconds. Returns a `ValueError` if the number is not whole, and a
    /// `TypeError` if the unit has no number of microseconds.
    fn of_microseconds(self, total: i128) -> PyResult<i128> {
        match self.microseconds() {
            Some(unit) => self.exact_quotient(total, unit),
            None => Err(objects::error::<PyTypeError>("the unit of the field has no objects of datetime: give an int")),
        }
    }

    /// Returns `total / (unit * multiple)`, where `total` and `unit` have the same unit. Returns an error if the
    /// quotient is not an integer.
    fn exact_quotient(self, total: i128, unit: i128) -> PyResult<i128> {
        let step = unit.saturating_mul(self.multiple.into());
        match (total.checked_div_euclid(step), total.checked_rem_euclid(step)) {
            (Some(number), Some(0)) => Ok(number),
            _ => Err(objects::error::<PyValueError>("the value is not a whole number of units of the field")),
        }
    }
}

/// Creates the `TypeError` for `object`, which a field does not accept. `wanted` describes the objects that the field
/// accepts.
fn wrong_object(object: &Bound<'_, PyAny>, wanted: &str) -> PyResult<PyErr> {
    Ok(objects::error::<PyTypeError>(format!("the field needs {wanted}, not {}", class_name(object)?)))
}

/// Adds a user type: the meaning of `[name]` in formats. The type stays registered until the process ends.
///
/// - `name`: the text between the brackets, with the parameters after a `$`
/// - `size`: the size of a value in bytes
/// - `unpack`: a function that returns the object for the bytes of a value
/// - `pack`: a function that returns the bytes for an object
/// - `align`: the alignment in bytes under the byte-order character `@`
/// - `values`: the type of the values in columns and in Arrow, such as 'float64'. With None, a column has this type,
///   and Arrow has the bytes of the values.
///
/// `unpack` gets and `pack` returns the bytes with the least significant byte first, in every byte order of the
/// format.
///
/// >>> import pep3118
/// >>> pep3118.register_type(
/// ...     "fixed8_8",
/// ...     2,
/// ...     lambda data: int.from_bytes(data, "little", signed=True) / 256,
/// ...     lambda number: round(number * 256).to_bytes(2, "little", signed=True),
/// ...     values="float64",
/// ... )
/// >>> view = pep3118.View(bytearray(b"\x01\x80"), ">[fixed8_8]")
/// >>> view[0]
/// 1.5
/// >>> view[0] = -0.5
/// >>> view.tobytes()
/// b'\xff\x80'
#[pyfunction]
#[pyo3(signature = (name, size, unpack, pack, *, align=1, values=None))]
pub(crate) fn register_type(
    name: &str,
    size: u64,
    unpack: &Bound<'_, PyAny>,
    pack: &Bound<'_, PyAny>,
    align: u64,
    values: Option<&str>,
) -> PyResult<()> {
    for (argument, function) in [("unpack", unpack), ("pack", pack)] {
        if !function.is_callable() {
            let found = class_name(function)?;
            return Err(objects::error::<PyTypeError>(format!("`{argument}` is a function, not {found}")));
        }
    }
    let not_a_power = || objects::error::<PyValueError>(format!("`align` is a power of two, not {align}"));
    let align = Align::new(align).ok_or_else(not_a_power)?;
    let value_type = match values {
        None => Type::Opaque,
        Some(values) => Type::by_name(values).ok_or_else(|| {
            let values = escape(values);
            objects::error::<PyValueError>(format!("`values` is a type such as 'float64' or 'int32', not '{values}'"))
        })?,
    };
    let (decoder, encoder) = (unpack.clone().unbind(), pack.clone().unbind());
    let decode = move |bytes: &[u8]| {
        objects::attached(|py| {
            let object =
                decoder.bind(py).call1(arguments(py, [&objects::into_result(py, objects::bytes(py, bytes))?])?)?;
            if object.is_instance_of::<PyInt>() {
                return Ok(UserValue::Int(object.extract()?));
            }
            if let Ok(bytes) = object.cast::<PyBytes>() {
                return Ok(UserValue::Bytes(copied(bytes.as_bytes())?));
            }
            Ok::<_, PyErr>(UserValue::Float(object.extract()?))
        })
        .map_err(|error| UserTypeError::new(error.to_string()))
    };
    let encode = move |value: &UserValue, bytes: &mut [u8]| {
        objects::attached(|py| {
            let packed = encoder.bind(py).call1(arguments(py, [&to_object(py, value.clone())?])?)?;
            let packed = packed.cast_into::<PyBytes>()?;
            let fits = packed.as_bytes().len() == bytes.len();
            if !fits {
                let (found, wanted) = (packed.as_bytes().len(), bytes.len());
                return Err(objects::error::<PyValueError>(format!("pack returned {found} bytes, not {wanted}")));
            }
            bytes.copy_from_slice(packed.as_bytes());
            Ok::<_, PyErr>(())
        })
        .map_err(|error| UserTypeError::new(error.to_string()))
    };
    // The lock is held while the type is registered. Otherwise another thread could create the codec of the type before
    // `REGISTERED` contains the functions.
    let mut registered = REGISTERED.lock().unwrap_or_else(PoisonError::into_inner);
    let definition = UserTypeDefinition::new(name.to_owned(), size, value_type, decode, encode).align(align);
    let user = UserType::register(definition).map_err(refused)?;
    let functions = Functions { user, unpack: unpack.clone().unbind(), pack: pack.clone().unbind() };
    registered.push(Box::leak(Box::new(functions)));
    Ok(())
}
