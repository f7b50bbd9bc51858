//! [`NpyFile`]: the header and the items of a `.npy` file, the file format of `numpy.save`.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::numpy_descr::{NumpyDescrError, Reader, layout_of};
use super::tree::Layout;
use super::ty::Type;
use crate::abi::DataModel;
use crate::align::to_u64;

/// The reason why bytes are not a `.npy` file, or why the items of the file have no layout.
///
/// ```
/// use pep3118::layout::NpyFile;
/// let error = NpyFile::parse(b"PK\x03\x04").unwrap_err();
/// assert_eq!(error.to_string(), r"the file does not start with `\x93NUMPY`");
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NpyError {
    /// A file of another format.
    #[error("the file does not start with `\\x93NUMPY`")]
    Magic,
    /// A version that is not 1.0, 2.0 or 3.0.
    #[error("version {major}.{minor} of the file format is unknown")]
    Version {
        /// The number before the dot.
        major: u8,
        /// The number after the dot.
        minor: u8,
    },
    /// A file that ends before the end of the header or of the items.
    #[error("the file has {found} bytes but its {part} ends at byte {needed}")]
    Short {
        /// The part of the file: "header" or "array".
        part: &'static str,
        /// The length of the file in bytes.
        found: u64,
        /// The offset of the end of the part in bytes. A larger offset than 64 bits can count becomes `u64::MAX`.
        needed: u64,
    },
    /// A header that is not the Python dictionary with the keys `descr`, `fortran_order` and `shape`.
    #[error("byte {at} of the header: expected {expected}")]
    Header {
        /// The offset in the text of the header in bytes.
        at: usize,
        /// The expected syntax at this offset: "a string".
        expected: &'static str,
    },
    /// A `descr` without a layout.
    #[error(transparent)]
    Descr(NumpyDescrError),
    /// Items with Python objects. `numpy.save` writes such items as a pickle, which has no fixed size.
    #[error("the items contain Python objects, which the file stores as a pickle")]
    Objects,
}

impl From<NumpyDescrError> for NpyError {
    fn from(error: NumpyDescrError) -> Self {
        match error {
            NumpyDescrError::Syntax { at, expected } => Self::Header { at, expected },
            error => Self::Descr(error),
        }
    }
}

/// A `.npy` file: the layout of an item, the shape of the array, and the bytes of the items.
///
/// ```
/// use pep3118::decode::{Plan, Value};
/// use pep3118::layout::NpyFile;
/// let header = b"{'descr': '<i2', 'fortran_order': False, 'shape': (3,), }";
/// let file = [&b"\x93NUMPY\x01\x00\x39\x00"[..], header, &[1, 0, 2, 0, 0xff, 0xff]].concat();
/// let npy = NpyFile::parse(&file)?;
/// assert_eq!((npy.layout.size(), &npy.shape[..], npy.fortran_order), (2, &[3][..], false));
/// assert_eq!(Plan::new(&npy.layout)?.value(&npy.items[4..])?, Value::Int(-1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NpyFile<'f> {
    /// The layout of one item.
    pub layout: Layout,
    /// The number of items in each dimension.
    pub shape: Vec<u64>,
    /// Whether the first index changes fastest from one item to the next. Otherwise the last index changes fastest.
    pub fortran_order: bool,
    /// The bytes of the items, without gaps.
    pub items: &'f [u8],
}

impl<'f> NpyFile<'f> {
    /// Reads the header of `file`, the bytes of a `.npy` file. Bytes after the last item are ignored, as `numpy.load`
    /// ignores them.
    ///
    /// # Errors
    /// - `file` does not start with the header of a `.npy` file, or ends before the last item
    /// - the items have no layout, see [`Layout::from_numpy_descr`]
    /// - the items contain Python objects
    pub fn parse(file: &'f [u8]) -> Result<Self, NpyError> {
        let (found, rest) = (to_u64(file.len()), file.strip_prefix(b"\x93NUMPY").ok_or(NpyError::Magic)?);
        let short = |part, needed| NpyError::Short { part, found, needed };
        let ([major, minor], rest) = rest.split_first_chunk().ok_or(short("header", 8))?;
        let (length, rest) = match (major, minor) {
            (1, 0) => {
                let (length, rest) = rest.split_first_chunk().ok_or(short("header", 10))?;
                (u32::from(u16::from_le_bytes(*length)), rest)
            }
            (2 | 3, 0) => {
                let (length, rest) = rest.split_first_chunk().ok_or(short("header", 12))?;
                (u32::from_le_bytes(*length), rest)
            }
            (major, minor) => return Err(NpyError::Version { major: *major, minor: *minor }),
        };
        let start = found.saturating_sub(to_u64(rest.len())).saturating_add(length.into());
        let header = usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length));
        let (header, rest) = header.ok_or(short("header", start))?;
        // Before version 3.0 the header is Latin-1, and each byte is the number of its character.
        let text = match major {
            1 | 2 if !header.is_ascii() => {
                Cow::Owned(header.iter().map(|byte| char::from(*byte)).collect::<String>().into_bytes())
            }
            _ => Cow::Borrowed(header),
        };
        let (layout, fortran_order, shape) = read_header(&text)?;
        if layout.leaves().any(|(_, leaf)| leaf.ty() == Type::Object) {
            return Err(NpyError::Objects);
        }
        let count = if shape.contains(&0) {
            Some(0)
        } else {
            shape.iter().try_fold(1_u64, |count, length| count.checked_mul(*length))
        };
        let len = count.and_then(|count| count.checked_mul(layout.size()));
        let items = len.and_then(|len| rest.get(..usize::try_from(len).ok()?));
        let items = items.ok_or(short("array", len.map_or(u64::MAX, |len| start.saturating_add(len))))?;
        Ok(Self { layout, shape, fortran_order, items })
    }
}

/// Reads `text`, the dictionary in a header. Returns the layout of an item, the value of `fortran_order`, and the
/// shape. Returns an error if the text has another syntax, if a key is missing or unknown, or if a key has two values.
fn read_header(text: &[u8]) -> Result<(Layout, bool, Vec<u64>), NpyError> {
    let (mut layout, mut fortran_order, mut shape) = (None, None, None);
    let mut reader = Reader::new(text, &DataModel::HOST)?;
    if !reader.take(b'{') {
        return Err(reader.expected("a dictionary").into());
    }
    let mut more = !reader.take(b'}');
    while more {
        let unknown = reader.expected("one of the keys descr, fortran_order and shape, each once");
        let key = reader.string()?;
        if !reader.take(b':') {
            return Err(reader.expected("a colon").into());
        }
        match key.as_str() {
            "descr" if layout.is_none() => layout = Some(layout_of(&reader.descr(0)?, &DataModel::HOST)?),
            "fortran_order" if fortran_order.is_none() => fortran_order = Some(reader.boolean()?),
            "shape" if shape.is_none() => shape = Some(reader.shape()?),
            _ => return Err(unknown.into()),
        }
        more = reader.comma_or(b'}', "a comma or a closing brace")?;
    }
    let values = layout.zip(fortran_order).zip(shape).filter(|_| reader.peek().is_none());
    let ((layout, fortran_order), shape) =
        values.ok_or_else(|| reader.expected("the end, after the keys descr, fortran_order and shape"))?;
    Ok((layout, fortran_order, shape))
}
