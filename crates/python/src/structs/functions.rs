//! The functions of the Python module `pep3118.struct`, such as `pack`. The classes `Struct` and `RecordCodec` get
//! methods with the names of these functions.
//!
//! All parameters of these functions are positional, except those of `unpack_from`. [`fastcall`](crate::fastcall)
//! passes positional arguments without a tuple.

use pep3118::__private::to_u64;
use std::ffi::CStr;
use std::sync::Arc;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::cache::{self, with};
use super::class::Struct;
use super::iterator::UnpackIterator;
use super::offset::{Offset, index};
use crate::behavior::Behavior;
use crate::fastcall::{Arguments, Function, add_function, add_method};
use crate::objects::{self, into_result};
use crate::records::RecordCodec;
use pep3118::__private::plural;

/// Adds the functions except [`unpack_from`] to `module`, and the methods to the class [`Struct`]. Returns an error if
/// the attributes cannot be set.
pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    add_function::<CalcSize>(module)?;
    add_function::<Pack>(module)?;
    add_function::<PackInto>(module)?;
    add_function::<Unpack>(module)?;
    add_function::<IterUnpack>(module)?;
    // PyO3 creates this class in the first call otherwise, and panics if there is no memory.
    module.py().get_type::<UnpackIterator>();
    let class = module.py().get_type::<Struct>();
    add_method::<StructPack>(&class)?;
    add_method::<StructPackInto>(&class)?;
    add_method::<StructUnpack>(&class)?;
    add_method::<StructIterUnpack>(&class)
}

/// Checks that a call of `function` has at least `minimum` arguments. Does nothing if the interpreter's `struct` checks
/// the number of values first (`Behavior::checks_arguments_first` is `false`).
///
/// # Errors
/// - the call has fewer than `minimum` arguments: `TypeError`
#[inline]
fn check_minimum(arguments: Arguments<'_, '_>, function: &str, minimum: usize) -> PyResult<()> {
    let len = arguments.len();
    if len >= minimum || !Behavior::current(arguments.py()).checks_arguments_first {
        return Ok(());
    }
    let minimum = plural(minimum, "argument");
    Err(objects::error::<PyTypeError>(format!("{function} expected at least {minimum}, got {len}")))
}

/// Splits `arguments` into the first argument, a format, and the arguments after it. `function` and `minimum` have the
/// meaning of the parameters of [`check_minimum`].
///
/// # Errors
/// - the call has fewer than `minimum` arguments, or no arguments: `TypeError`
#[inline]
fn split_format<'a, 'py>(
    arguments: Arguments<'a, 'py>,
    function: &str,
    minimum: usize,
) -> PyResult<(Borrowed<'a, 'py, PyAny>, Arguments<'a, 'py>)> {
    check_minimum(arguments, function, minimum)?;
    arguments.split_first().ok_or_else(|| objects::error::<PyTypeError>("missing format argument"))
}

/// Defines one type for each Python function. The type implements [`Function`], and the doc comment of the type becomes
/// the Python docstring.
macro_rules! functions {
    ($($(#[doc = $doc:literal])+ $function:ident = $name:literal $parameters:literal: |$slf:pat_param, $arguments:ident| $call:expr;)+) => {$(
        $(#[doc = $doc])+
        pub(crate) struct $function;

        impl Function for $function {
            const NAME: &'static CStr = match CStr::from_bytes_with_nul(concat!($name, "\0").as_bytes()) {
                Ok(name) => name,
                Err(_) => c"",
            };
            const DOC: &'static CStr =
                match CStr::from_bytes_with_nul(concat!($name, $parameters, "\n--\n\n", $($doc, "\n",)+ "\0").as_bytes()) {
                    Ok(doc) => doc,
                    Err(_) => c"",
                };

            fn call<'py>($slf: Borrowed<'_, 'py, PyAny>, $arguments: Arguments<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
                $call
            }
        }
    )+};
}

functions! {
    /// Returns the size in bytes of an item of `format`.
    ///
    /// >>> from pep3118 import struct
    /// >>> struct.calcsize("T{<H:id:<d:price:}")
    /// 10
    CalcSize = "calcsize" "(format, /)": |_, arguments| {
        let [format] = arguments.exactly("calcsize")?;
        with(&format, |compiled| {
            // `usize` has at most 64 bits on every target of Rust.
            let size = to_u64(compiled.size());
            into_result(format.py(), objects::unsigned(format.py(), size))
        })
    };
    /// Returns the bytes of an item of `format` with `values`.
    ///
    /// >>> from pep3118 import struct
    /// >>> struct.pack("T{<H:id:}(2)B", (7,), [1, 2])
    /// b'\x07\x00\x01\x02'
    Pack = "pack" "(format, /, *values)": |_, arguments| {
        let (format, values) = split_format(arguments, "pack", 1)?;
        with(&format, |compiled| Ok(compiled.pack(values)?.into_any()))
    };
    /// Writes an item of `format` with `values` to byte `offset` of `buffer`.
    ///
    /// If a value is out of range, `buffer` does not change.
    ///
    /// >>> from pep3118 import struct
    /// >>> buffer = bytearray(4)
    /// >>> struct.pack_into(">h", buffer, 2, 1)
    /// >>> buffer
    /// bytearray(b'\x00\x00\x00\x01')
    PackInto = "pack_into" "(format, buffer, offset, /, *values)": |_, arguments| {
        let (format, arguments) = split_format(arguments, "pack_into", 3)?;
        with(&format, |compiled| compiled.pack_into(arguments, 2))?;
        Ok(format.py().None().into_bound(format.py()))
    };
    /// Returns the values of the item in `buffer`. The size of `buffer` must be the size of one item.
    ///
    /// >>> from pep3118 import struct
    /// >>> struct.unpack("T{<H:id:}(2)B", b"\x07\x00\x01\x02")
    /// ((7,), [1, 2])
    Unpack = "unpack" "(format, buffer, /)": |_, arguments| {
        let [format, buffer] = arguments.exactly("unpack")?;
        with(&format, |compiled| Ok(compiled.unpack(&buffer)?.into_any()))
    };
    /// Returns an iterator over the items of `buffer`. Each item is a tuple of values. The size of `buffer` must be
    /// a multiple of the size of an item.
    ///
    /// >>> from pep3118 import struct
    /// >>> [x + y for x, y in struct.iter_unpack("<BB", b"\x01\x02\x03\x04")]
    /// [3, 7]
    IterUnpack = "iter_unpack" "(format, buffer, /)": |_, arguments| {
        let [format, buffer] = arguments.exactly("iter_unpack")?;
        with(&format, |compiled| UnpackIterator::create(Arc::clone(compiled), &buffer))
    };
    /// Returns the bytes of an item with `values`.
    ///
    /// >>> from pep3118.struct import Struct
    /// >>> Struct(">hB").pack(1, 2)
    /// b'\x00\x01\x02'
    StructPack = "pack" "($self, /, *values)": |slf, values| {
        slf.cast::<Struct>()?.get().with(|compiled| Ok(compiled.pack(values)?.into_any()))
    };
    /// Writes an item with `values` to byte `offset` of `buffer`.
    ///
    /// If a value is out of range, `buffer` does not change.
    ///
    /// >>> from pep3118.struct import Struct
    /// >>> buffer = bytearray(4)
    /// >>> Struct(">h").pack_into(buffer, 2, 1)
    /// >>> buffer
    /// bytearray(b'\x00\x00\x00\x01')
    StructPackInto = "pack_into" "($self, buffer, offset, /, *values)": |slf, arguments| {
        check_minimum(arguments, "pack_into", 2)?;
        slf.cast::<Struct>()?.get().with(|compiled| compiled.pack_into(arguments, 1))?;
        Ok(slf.py().None().into_bound(slf.py()))
    };
    /// Returns the values of the item in `buffer`. The size of `buffer` must be the size of one item.
    ///
    /// >>> from pep3118.struct import Struct
    /// >>> Struct(">hB").unpack(b"\x00\x01\x02")
    /// (1, 2)
    StructUnpack = "unpack" "($self, buffer, /)": |slf, arguments| {
        let [buffer] = arguments.exactly("unpack")?;
        slf.cast::<Struct>()?.get().with(|compiled| Ok(compiled.unpack(&buffer)?.into_any()))
    };
    /// Returns an iterator over the items of `buffer`. Each item is a tuple of values. The size of `buffer` must be
    /// a multiple of the size of an item.
    ///
    /// >>> from pep3118.struct import Struct
    /// >>> list(Struct(">h").iter_unpack(b"\x00\x01\x00\x02"))
    /// [(1,), (2,)]
    StructIterUnpack = "iter_unpack" "($self, buffer, /)": |slf, arguments| {
        let [buffer] = arguments.exactly("iter_unpack")?;
        slf.cast::<Struct>()?.get().with(|compiled| UnpackIterator::create(Arc::clone(compiled), &buffer))
    };
    /// Returns the record in `buffer`. The size of `buffer` must be the size of one record.
    RecordUnpack = "unpack" "($self, buffer, /)": |slf, arguments| {
        let [buffer] = arguments.exactly("unpack")?;
        Ok(slf.cast::<RecordCodec>()?.get().compiled.unpack(&buffer)?.into_any())
    };
    /// Returns the record at byte `offset` of `buffer`. A negative offset counts from the end.
    RecordUnpackFrom = "unpack_from" "($self, buffer, offset, /)": |slf, arguments| {
        let [buffer, offset] = arguments.exactly("unpack_from")?;
        Ok(slf.cast::<RecordCodec>()?.get().compiled.unpack_from(&buffer, index(&offset)?)?.into_any())
    };
    /// Returns an iterator over the records of `buffer`, whose size must be a multiple of the size of a record.
    RecordIterUnpack = "iter_unpack" "($self, buffer, /)": |slf, arguments| {
        let [buffer] = arguments.exactly("iter_unpack")?;
        UnpackIterator::create(Arc::clone(&slf.cast::<RecordCodec>()?.get().compiled), &buffer)
    };
    /// Returns the bytes of `record`.
    RecordPack = "pack" "($self, record, /)": |slf, arguments| {
        let [record] = arguments.exactly("pack")?;
        Ok(slf.cast::<RecordCodec>()?.get().compiled.pack_record(&record)?.into_any())
    };
    /// Writes `record` to byte `offset` of `buffer`.
    RecordPackInto = "pack_into" "($self, record, buffer, offset, /)": |slf, arguments| {
        let [record, buffer, offset] = arguments.exactly("pack_into")?;
        slf.cast::<RecordCodec>()?.get().compiled.pack_record_into(&record, &buffer, index(&offset)?)?;
        Ok(slf.py().None().into_bound(slf.py()))
    };
}

/// Returns the values of the item at byte `offset` of `buffer`. A negative offset counts from the end.
///
/// >>> from pep3118 import struct
/// >>> struct.unpack_from(">h", b"\x00\x01\x00\x02", 2)
/// (2,)
#[pyfunction]
#[pyo3(signature = (format, /, buffer, offset = Offset(0)), text_signature = "(format, /, buffer, offset=0)")]
pub(crate) fn unpack_from<'py>(
    format: &Bound<'py, PyAny>,
    buffer: &Bound<'py, PyAny>,
    offset: Offset,
) -> PyResult<Bound<'py, PyTuple>> {
    with(format, |compiled| compiled.unpack_from(buffer, offset.0))
}

/// Clears the cache of compiled formats.
#[pyfunction]
#[pyo3(name = "_clearcache")]
pub(crate) fn clearcache() {
    cache::clear();
}
