//! Reads and writes text fields of a fixed length. A text field is an array of code units of 2 or 4 bytes each. The
//! units after the text are NULs.

use pep3118::__private::to_u64;
use pyo3::exceptions::{PyUnicodeEncodeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use super::error::WriteErrorKind;
use crate::objects::{self, NewObject, TextEncoding};
use pep3118::Endian;
use pep3118::decode::{EncodeErrorKind, ScalarCodec};
use pep3118::layout::NulHandling;

/// Reads the text in `bytes` as a `str`. `codec` declares the size and the byte order of the code units, and the rule
/// for NULs that determines the end of the text. Lone surrogates stay in the text. Returns `None`, with the exception
/// set in the interpreter, if the text cannot be read.
pub(super) fn read<'py>(py: Python<'py>, codec: &ScalarCodec, bytes: &[u8]) -> NewObject<'py> {
    if let Some(text) = read_latin1(py, codec, bytes) {
        return text;
    }
    let unit = codec.unit().max(1);
    let is_nul = |unit: &[u8]| unit.iter().all(|byte| *byte == 0);
    let len = match codec.nul_handling() {
        NulHandling::StripTrailing => {
            let nuls = bytes.rchunks_exact(unit).take_while(|unit| is_nul(unit)).count();
            bytes.len().saturating_sub(nuls.saturating_mul(unit))
        }
        NulHandling::StopAtFirst => {
            bytes.chunks_exact(unit).take_while(|unit| !is_nul(unit)).count().saturating_mul(unit)
        }
        // `NulHandling` is non-exhaustive. A rule that the library adds later keeps all characters.
        _ => bytes.len(),
    };
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

/// Fast path of [`read`] for a text of at most 32 code units below U+0100. The rule of `codec` for NULs determines the
/// end of the text. Returns `None` if the text is longer or has other characters. The path is fast because
/// `PyUnicode_DecodeLatin1` allocates only the object, while the decoders of UTF-16 and UTF-32 allocate a buffer first.
#[inline]
fn read_latin1<'py>(py: Python<'py>, codec: &ScalarCodec, bytes: &[u8]) -> Option<NewObject<'py>> {
    let mut characters = [0_u8; 32];
    let swapped = codec.endian() != Endian::HOST;
    macro_rules! convert {
        ($number:ty, $size:literal) => {{
            let units = bytes.as_chunks::<$size>().0;
            let places = characters.get_mut(..units.len())?;
            for (place, unit) in places.iter_mut().zip(units) {
                let number = <$number>::from_ne_bytes(*unit);
                *place = u8::try_from(if swapped { number.swap_bytes() } else { number }).ok()?;
            }
            codec.nul_handling().value_len(places)
        }};
    }
    let len = if codec.unit() == 2 { convert!(u16, 2) } else { convert!(u32, 4) };
    Some(objects::latin1(py, characters.get(..len)?))
}

/// Writes `text` to `bytes`, and fills the units after the text with NULs. `codec` declares the size and the byte order
/// of the code units.
///
/// # Errors
/// - `text` needs more units than `bytes` has. Examples: text of 3 units for `2u`; U+1F600 for `1u`, because this
///   character needs two units of 2 bytes.
pub(super) fn write(text: &Bound<'_, PyString>, codec: &ScalarCodec, bytes: &mut [u8]) -> Result<(), WriteErrorKind> {
    let two = codec.unit() == 2;
    match text.to_str() {
        Ok(text) if two => write_units(codec, bytes, text.encode_utf16().count(), text.encode_utf16().map(u32::from)),
        Ok(text) => write_units(codec, bytes, text.chars().count(), text.chars().map(u32::from)),
        // UTF-8 cannot encode lone surrogates.
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

/// Writes `units`, the code units of a text, to `bytes`, and fills the rest of `bytes` with 0. `codec` declares the
/// size and the byte order of a code unit. `len` must be the number of `units`. Each unit must fit the size of a code
/// unit.
///
/// # Errors
/// - `len` is more than the number of units in `bytes`
fn write_units(
    codec: &ScalarCodec,
    bytes: &mut [u8],
    len: usize,
    units: impl Iterator<Item = u32>,
) -> Result<(), WriteErrorKind> {
    let mut places = bytes.chunks_exact_mut(codec.unit().max(1));
    if len > places.len() {
        let kind = EncodeErrorKind::TooLong { len: to_u64(len), capacity: to_u64(places.len()), unit: "unit" };
        return Err(kind.into());
    }
    units.zip(&mut places).for_each(|(unit, place)| codec.store_little(&unit.to_le_bytes(), place));
    places.for_each(|place| place.fill(0));
    Ok(())
}
