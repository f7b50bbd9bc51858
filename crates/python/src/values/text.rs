//! Text of fixed length: units of 2 or 4 bytes, filled up with NULs.

use pyo3::exceptions::{PyUnicodeEncodeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use super::error::WriteErrorKind;
use crate::objects::{self, NewObject, TextEncoding};
use pep3118::Endian;
use pep3118::decode::{EncodeErrorKind, ScalarCodec};

/// The text without the NULs at its end. Lone surrogates are kept.
pub(super) fn read<'py>(py: Python<'py>, codec: &ScalarCodec, bytes: &[u8]) -> NewObject<'py> {
    let unit = codec.unit().max(1);
    let nuls = bytes.rchunks_exact(unit).take_while(|unit| unit.iter().all(|byte| *byte == 0)).count();
    let len = bytes.len().saturating_sub(nuls.saturating_mul(unit));
    let bytes = bytes.get(..len).unwrap_or_default();
    let encoding = if unit == 2 { TextEncoding::Utf16 } else { TextEncoding::Utf32 };
    let text = objects::text(py, encoding, codec.endian() == Endian::Little, bytes);
    if text.is_none() && unit == 4 {
        let mut units = bytes.chunks_exact(unit).map(|unit| u32::from_le_bytes(codec.little(unit)));
        if let Some(unit) = units.find(|unit| *unit > 0x10_ffff) {
            let message = format!("unit {unit:#x} is not a character: the last one is U+10FFFF");
            PyValueError::new_err(message).restore(py);
        }
    }
    text
}

/// Writes text, and NULs after it.
///
/// # Errors
/// - text of 3 units for `2u`
/// - U+1F600 for `1u`: two units of 2 bytes
pub(super) fn write(text: &Bound<'_, PyString>, codec: &ScalarCodec, bytes: &mut [u8]) -> Result<(), WriteErrorKind> {
    let two = codec.unit() == 2;
    match text.to_str() {
        Ok(text) if two => write_units(codec, bytes, text.encode_utf16().count(), text.encode_utf16().map(u32::from)),
        Ok(text) => write_units(codec, bytes, text.chars().count(), text.chars().map(u32::from)),
        // Lone surrogates have no UTF-8.
        Err(error) if error.is_instance_of::<PyUnicodeEncodeError>(text.py()) => {
            let (encoding, unit) = if two { ("utf-16-le", 2) } else { ("utf-32-le", 4) };
            let encoded = text.call_method1("encode", (encoding, "surrogatepass"))?;
            let encoded = encoded.cast::<PyBytes>().map_err(PyErr::from)?.as_bytes();
            let number = |unit: &[u8]| unit.iter().rev().fold(0, |number, byte| (number << 8_u32) | u32::from(*byte));
            let units = encoded.chunks_exact(unit);
            write_units(codec, bytes, units.len(), units.map(number))
        }
        Err(error) => Err(error.into()),
    }
}

fn write_units(
    codec: &ScalarCodec,
    bytes: &mut [u8],
    len: usize,
    units: impl Iterator<Item = u32>,
) -> Result<(), WriteErrorKind> {
    let mut places = bytes.chunks_exact_mut(codec.unit().max(1));
    if len > places.len() {
        let wide = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let kind = EncodeErrorKind::TooLong { len: wide(len), capacity: wide(places.len()), unit: "unit" };
        return Err(kind.into());
    }
    units.zip(&mut places).for_each(|(unit, place)| codec.store_little(&unit.to_le_bytes(), place));
    places.for_each(|place| place.fill(0));
    Ok(())
}
