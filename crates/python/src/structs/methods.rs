//! The functions and methods that are called most: values by their places, and nothing around them.

use std::ffi::CStr;

use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use super::class::Struct;
use super::functions::with;
use crate::fastcall::{Arguments, Function, add_function, add_method};

/// Adds them to the module and to [`Struct`].
pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    add_function::<CalcSize>(module)?;
    add_function::<Pack>(module)?;
    add_function::<PackInto>(module)?;
    add_function::<Unpack>(module)?;
    let class = module.py().get_type::<Struct>();
    add_method::<StructPack>(&class)?;
    add_method::<StructPackInto>(&class)?;
    add_method::<StructUnpack>(&class)
}

/// The format, and the arguments after it.
fn formatted<'a, 'py>(arguments: Arguments<'a, 'py>) -> PyResult<(Borrowed<'a, 'py, PyAny>, Arguments<'a, 'py>)> {
    arguments.split_first().ok_or_else(|| PyTypeError::new_err("missing format argument"))
}

macro_rules! functions {
    ($($(#[doc = $doc:literal])+ $function:ident = $name:literal $parameters:literal: |$slf:pat_param, $arguments:ident| $call:expr;)+) => {$(
        $(#[doc = $doc])+
        struct $function;

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
    /// The size in bytes of an item in a format.
    ///
    /// >>> from pep3118 import struct
    /// >>> struct.calcsize("T{<H:id:<d:price:}")
    /// 10
    CalcSize = "calcsize" "(format, /)": |_, arguments| {
        let [format] = arguments.exactly("calcsize")?;
        with(&format, |compiled| compiled.size().into_bound_py_any(format.py()))
    };
    /// The bytes of an item with these values.
    ///
    /// >>> from pep3118 import struct
    /// >>> struct.pack("T{<H:id:}(2)B", (7,), [1, 2])
    /// b'\x07\x00\x01\x02'
    Pack = "pack" "(format, /, *values)": |_, arguments| {
        let (format, values) = formatted(arguments)?;
        with(&format, |compiled| Ok(compiled.pack(values)?.into_any()))
    };
    /// Writes an item into a buffer. If a value does not fit, nothing is written.
    ///
    /// >>> from pep3118 import struct
    /// >>> buffer = bytearray(4)
    /// >>> struct.pack_into(">h", buffer, 2, 1)
    /// >>> buffer
    /// bytearray(b'\x00\x00\x00\x01')
    PackInto = "pack_into" "(format, buffer, offset, /, *values)": |_, arguments| {
        let (format, arguments) = formatted(arguments)?;
        with(&format, |compiled| compiled.pack_into(arguments))?;
        Ok(format.py().None().into_bound(format.py()))
    };
    /// The values of the item that fills a buffer.
    ///
    /// >>> from pep3118 import struct
    /// >>> struct.unpack("T{<H:id:}(2)B", b"\x07\x00\x01\x02")
    /// ((7,), [1, 2])
    Unpack = "unpack" "(format, buffer, /)": |_, arguments| {
        let [format, buffer] = arguments.exactly("unpack")?;
        with(&format, |compiled| Ok(compiled.unpack(&buffer)?.into_any()))
    };
    /// The bytes of an item with these values.
    ///
    /// >>> from pep3118.struct import Struct
    /// >>> Struct(">hB").pack(1, 2)
    /// b'\x00\x01\x02'
    StructPack = "pack" "($self, /, *values)": |slf, values| {
        slf.cast::<Struct>()?.get().with(|compiled| Ok(compiled.pack(values)?.into_any()))
    };
    /// Writes an item into a buffer. If a value does not fit, nothing is written.
    ///
    /// >>> from pep3118.struct import Struct
    /// >>> buffer = bytearray(4)
    /// >>> Struct(">h").pack_into(buffer, 2, 1)
    /// >>> buffer
    /// bytearray(b'\x00\x00\x00\x01')
    StructPackInto = "pack_into" "($self, buffer, offset, /, *values)": |slf, arguments| {
        slf.cast::<Struct>()?.get().with(|compiled| compiled.pack_into(arguments))?;
        Ok(slf.py().None().into_bound(slf.py()))
    };
    /// The values of the item that fills a buffer.
    ///
    /// >>> from pep3118.struct import Struct
    /// >>> Struct(">hB").unpack(b"\x00\x01\x02")
    /// (1, 2)
    StructUnpack = "unpack" "($self, buffer, /)": |slf, arguments| {
        let [buffer] = arguments.exactly("unpack")?;
        slf.cast::<Struct>()?.get().with(|compiled| Ok(compiled.unpack(&buffer)?.into_any()))
    };
}
