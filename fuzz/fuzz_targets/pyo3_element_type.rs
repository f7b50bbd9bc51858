//! Fuzz target: compares the sizes of formats with PyO3's `ElementType`, for formats that PyO3 reads as a float.
#![no_main]
use pep3118::{DataModel, Dialect, calcsize};
use pyo3::buffer::ElementType;
libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let mut bytes = arbitrary::Unstructured::new(input);
    let Ok(format) = pep3118::arbitrary::format(&mut bytes, &Dialect::STRUCT, &DataModel::HOST) else { return };
    let text = std::ffi::CString::new(format.as_str()).unwrap();
    if let ElementType::Float { bytes } = ElementType::from_format(&text) {
        assert_eq!(bytes as u64, calcsize(&format).unwrap(), "{format}");
    }
});
