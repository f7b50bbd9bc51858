//! Random fields of a `Py_buffer` ([`raw_view`]), and random numbers ([`number`]).

use alloc::vec::Vec;

use ::arbitrary::{Arbitrary, Result, Unstructured};

use crate::view::{Owner, RawView, RawViewBuf};

/// Generates a number: a small number, any number, or a number at which arithmetic overflows.
///
/// ```
/// let number: i64 = pep3118::arbitrary::number(&mut arbitrary::Unstructured::new(&[2, 9]))?;
/// assert!((-4..=16).contains(&number));
/// # Ok::<(), arbitrary::Error>(())
/// ```
///
/// # Errors
/// - none; the function returns a [`Result`] like every other generator
pub fn number(bytes: &mut Unstructured<'_>) -> Result<i64> {
    /// Numbers at which arithmetic overflows.
    const EDGES: [i64; 16] = [
        i64::MIN,
        i64::MIN + 1,
        -(1 << 62),
        -(1 << 32),
        -9,
        -1,
        0,
        1,
        2,
        3,
        8,
        1 << 31,
        1 << 32,
        1 << 62,
        i64::MAX - 1,
        i64::MAX,
    ];
    match bytes.int_in_range(0..=3)? {
        0 => bytes.arbitrary(),
        1 => Ok(*bytes.choose(&EDGES)?),
        _ => bytes.int_in_range(-4..=16),
    }
}

/// Generates a random shape, random strides or random suboffsets with `ndim` entries. If `plausible` is `true`, the
/// array is not NULL and has `ndim` small numbers from 0 to 4, as a correct exporter can report them. Otherwise, the
/// array can be NULL (`None`), or can have another length and any numbers.
fn array(bytes: &mut Unstructured<'_>, ndim: i32, plausible: bool) -> Result<Option<Vec<i64>>> {
    let length = match bytes.int_in_range(0..=7)? {
        _ if plausible => usize::try_from(ndim).unwrap_or(1),
        0 => return Ok(None),
        1 => bytes.int_in_range(0..=70)?,
        _ => usize::try_from(ndim).unwrap_or(1).min(70),
    };
    let number = |bytes: &mut Unstructured<'_>| if plausible { bytes.int_in_range(0..=4) } else { number(bytes) };
    (0..length).map(|_| number(bytes)).collect::<Result<Vec<i64>>>().map(Some)
}

/// Generates the fields of a `Py_buffer`. In half of all cases, a correct exporter could fill in the shape, the strides,
/// the format and the item size. In two thirds of all cases, `len` is the product of the shape and the item size.
///
/// ```
/// use arbitrary::Unstructured;
/// use pep3118::Request;
/// let raw = pep3118::arbitrary::raw_view(&mut Unstructured::new(&[7, 130, 99, 4, 18, 201, 33]))?;
/// let checked = raw.as_raw().check(Request::FULL_RO, None, None);
/// assert_eq!(checked.view.is_none(), checked.report.has_errors());
/// # Ok::<(), arbitrary::Error>(())
/// ```
///
/// # Errors
/// - none; the function returns a [`Result`] like every other generator
pub fn raw_view(bytes: &mut Unstructured<'_>) -> Result<RawViewBuf> {
    /// Valid and invalid formats.
    const FORMATS: [&[u8]; 10] =
        [b"B", b"<i", b"T{b:a:i:b:}", b"T{b:a:xxxxxxxi:b:}", b"", b"i}d", b"9999999999i", b"(2,3)<q", b"\0", b"Zd"];
    let plausible = bytes.ratio(1, 2)?;
    let ndim = match bytes.int_in_range(0..=7)? {
        0 if !plausible => *bytes.choose(&[-1, 64, 65, i32::MIN, i32::MAX])?,
        _ => bytes.int_in_range(0..=5)?,
    };
    let format: Option<Vec<u8>> = match bytes.int_in_range(0..=3)? {
        0 => None,
        _ if plausible => Some(b"<i".to_vec()),
        1 => Some(bytes.arbitrary()?),
        _ => Some(bytes.choose(&FORMATS)?.to_vec()),
    };
    let raw = RawView {
        buf: bytes.arbitrary()?,
        obj: *bytes.choose(&[Owner::Unknown, Owner::Null, Owner::Temporary, Owner::Exporter(1)])?,
        len: number(bytes)?,
        itemsize: if plausible { 4 } else { number(bytes)? },
        readonly: bytes.int_in_range(-1..=2)?,
        ndim,
        ..RawView::default()
    };
    let shape = array(bytes, ndim, plausible)?;
    let (strides, suboffsets) = (array(bytes, ndim, plausible)?, array(bytes, ndim, plausible)?);
    let len = if bytes.ratio(2, 3)? {
        shape.iter().flatten().fold(raw.itemsize, |bytes, length| bytes.wrapping_mul(*length))
    } else {
        raw.len
    };
    let [shape, strides, suboffsets] = [&shape, &strides, &suboffsets].map(Option::as_deref);
    Ok(RawView { len, format: format.as_deref(), shape, strides, suboffsets, ..raw }.to_buf())
}

impl<'a> Arbitrary<'a> for RawViewBuf {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        raw_view(bytes)
    }
}
