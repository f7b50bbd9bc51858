//! Tests of [`Codec`]: items that are read as Python objects, objects that are written as items, and the errors.

use pyo3::prelude::*;

use super::Codec;
use pep3118::abi::DataModel;
use pep3118::layout::{Dialect, Layout};
use pep3118::py::ObjectReferences;

/// Reads `item` in the format `format` as a Python object, and returns the `repr` of the object.
fn read(py: Python<'_>, format: &str, item: &[u8]) -> PyResult<String> {
    let layout = Layout::read(format.as_bytes(), &Dialect::PEP3118, &DataModel::LP64)?;
    let value = Codec::new(py, &layout, ObjectReferences::Unknown, false)?.read(py, item)?;
    Ok(value.repr()?.to_string())
}

/// Writes the value of the Python expression `expression` to an item of `format` whose bytes are dots before the call.
/// Returns the bytes of the item.
fn write(py: Python<'_>, format: &str, expression: &std::ffi::CStr) -> PyResult<Vec<u8>> {
    let layout = Layout::read(format.as_bytes(), &Dialect::PEP3118, &DataModel::LP64)?;
    let codec = Codec::new(py, &layout, ObjectReferences::Unknown, false)?;
    let mut item = vec![b'.'; codec.itemsize()];
    codec.write(&py.eval(expression, None, None)?, &mut item)?;
    // The codec reports the number of values that it reads.
    assert_eq!(codec.values(), codec.read_fields(py, &item)?.len());
    Ok(item)
}

#[test]
fn items_are_read_as_objects() {
    Python::initialize();
    Python::attach(|py| {
        for (format, item, repr) in [
            ("<i", &b"\xff\xff\xff\xff"[..], "-1"),
            (">Q", &[0xff; 8], "18446744073709551615"),
            ("?", b"\x02", "True"),
            ("c", b"a", "b'a'"),
            ("<e", b"\x00\x3c", "1.0"),
            (">f", b"\x3f\xc0\0\0", "1.5"),
            ("<Zf", b"\0\0\x80\x3f\0\0\0\x40", "(1+2j)"),
            ("g", b"\0\0\0\0\0\0\0\x80\xfe\x3f\0\0\0\0\0\0", "0.5"),
            ("4s", b"ab\0\0", "b'ab\\x00\\x00'"),
            ("4p", b"\x02abc", "b'ab'"),
            ("<2u", b"a\0\0\0", "'a'"),
            ("<2u", b"\x3d\xd8\0\xde", "'\u{1f600}'"),
            ("<2u", b"\x3d\xd8a\0", "'\\ud83da'"),
            ("<2w", b"\x3d\xd8\0\0a\0\0\0", "'\\ud83da'"),
            (">2w", b"\0\0\0z\0\0\0\0", "'z'"),
            ("P", &[0; 8], "0"),
            ("<(2,3)B", b"\0\x01\x02\x03\x04\x05", "[[0, 1, 2], [3, 4, 5]]"),
            ("(2,0)B", b"", "[[], []]"),
            ("T{<h:a:(2)B:b:}", b"\x01\0\x02\x03", "Record(a=1, b=[2, 3])"),
            ("T{B:class:B:a:B}", b"\x01\x02\x03", "Record(_0=1, a=2, f2=3)"),
            ("T{T{B:x:}:in:B:y:}", b"\x01\x02", "Record(_0=Record(x=1), y=2)"),
            ("(2)T{B:x:xB:y:}", b"\x01.\x02\x03.\x04", "[Record(x=1, y=2), Record(x=3, y=4)]"),
            ("B:a:<h:b:", b"\x01\x02\0", "Record(a=1, b=2)"),
        ] {
            assert_eq!(read(py, format, item).unwrap(), repr, "{format}");
        }
    });
}

#[test]
fn units_above_the_last_character_are_refused() {
    Python::initialize();
    Python::attach(|py| {
        let error = read(py, "<w", b"\0\0\x11\0").unwrap_err();
        assert_eq!(error.to_string(), "ValueError: unit 0x110000 is not a character: the last one is U+10FFFF");
    });
}

#[test]
fn values_without_bytes_are_bounded() {
    Python::initialize();
    Python::attach(|py| {
        for format in ["(70000)0s", "(70000,0)B"] {
            let error = read(py, format, b"").unwrap_err().to_string();
            assert!(error.contains("70000 values of 0 bytes"), "{error}");
        }
    });
}

#[test]
fn records_of_the_same_names_have_one_class() {
    Python::initialize();
    Python::attach(|py| {
        let class = |format: &str| {
            let layout = Layout::read(format.as_bytes(), &Dialect::PEP3118, &DataModel::LP64).unwrap();
            Codec::new(py, &layout, ObjectReferences::Unknown, false).unwrap().read(py, &[0; 8]).unwrap().get_type()
        };
        assert!(class("T{B:a:B:b:}").is(class("T{>h:a:>h:b:}")));
        assert!(!class("T{B:a:B:b:}").is(class("T{B:ab:}")));
    });
}

#[test]
fn objects_are_written_as_items() {
    Python::initialize();
    Python::attach(|py| {
        for (format, expression, item) in [
            (">h", c"-2", &b"\xff\xfe"[..]),
            ("<q", c"-1 << 63", b"\0\0\0\0\0\0\0\x80"),
            (">Q", c"(1 << 64) - 1", &[0xff; 8]),
            ("?", c"[0]", b"\x01"),
            ("c", c"b'a'", b"a"),
            ("<f", c"1", b"\0\0\x80\x3f"),
            ("<f", c"float('inf')", b"\0\0\x80\x7f"),
            ("<Zf", c"1 + 2j", b"\0\0\x80\x3f\0\0\0\x40"),
            ("4s", c"bytearray(b'ab')", b"ab\0\0"),
            ("<2u", c"'\\ud83da'", b"\x3d\xd8a\0"),
            ("<2w", c"'a'", b"a\0\0\0\0\0\0\0"),
            ("<(2,2)B", c"[(1, 2), [3, 4]]", b"\x01\x02\x03\x04"),
            ("T{B:a:xB:b:}", c"(1, 2)", b"\x01.\x02"),
        ] {
            assert_eq!(write(py, format, expression).unwrap(), item, "{format}");
        }
    });
}

#[test]
fn objects_that_do_not_fit_are_refused() {
    Python::initialize();
    Python::attach(|py| {
        for (format, expression, message) in [
            ("B", c"256", "ValueError: 256 is not in the range 0 to 255 of uint8"),
            ("q", c"1 << 70", "ValueError: integer of more than 64 bits is not in the range"),
            ("<f", c"1e300", "ValueError: number is too large for float32"),
            ("<e", c"65520.", "ValueError: number is too large for float16"),
            ("i", c"'1'", "TypeError: 'str' object for an integer"),
            ("d", c"'1'", "TypeError: 'str' object for a float"),
            ("Zd", c"'1'", "TypeError: 'str' object for a complex number"),
            ("c", c"b'ab'", "ValueError: value has 2 bytes but the field holds 1"),
            ("w", c"b'a'", "TypeError: 'bytes' object for text"),
            ("w", c"'ab'", "ValueError: value has 2 units but the field holds 1"),
            ("2s", c"b'abc'", "ValueError: value has 3 bytes but the field holds 2"),
            ("T{B:a:(2)B:b:}", c"(1, (2, 256))", "ValueError: b[1]: 256 is not in the range 0 to 255 of uint8"),
            ("T{B:a:B:b:}", c"(1,)", "ValueError: 1 value for 2 fields"),
            ("(2)B", c"1", "TypeError: 'int' object for an array: a list"),
        ] {
            let error = write(py, format, expression).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    });
}

#[test]
fn flat_items_are_tuples_of_values() {
    Python::initialize();
    Python::attach(|py| {
        for (format, item, repr) in [
            ("<3Bh2s", &b"\x01\x02\x03\x04\x00ab"[..], "(1, 2, 3, 4, b'ab')"),
            ("(3)B", b"\x01\x02\x03", "([1, 2, 3],)"),
            ("3<B", b"\x01\x02\x03", "(1, 2, 3)"),
            ("(2)3B", b"\x01\x02\x03\x04\x05\x06", "([[1, 2, 3], [4, 5, 6]],)"),
            ("T{B:a:2B:b:}", b"\x01\x02\x03", "((1, [2, 3]),)"),
            ("2T{B:a:}B", b"\x01\x02\x03", "((1,), (2,), 3)"),
            ("", b"", "()"),
        ] {
            let layout = Layout::read(format.as_bytes(), &Dialect::PEP3118, &DataModel::LP64).expect(format);
            let codec = Codec::flat(py, &layout, format.as_bytes()).unwrap();
            let values = codec.read_fields(py, item).unwrap();
            assert_eq!(values.repr().unwrap().to_string(), repr, "{format}");
            assert_eq!(codec.values(), values.len());
            let mut written = vec![0; item.len()];
            codec.write_fields(values.iter_borrowed(), values.len(), &mut written).map_err(PyErr::from).unwrap();
            assert_eq!(written, item, "{format}");
        }
    });
}
