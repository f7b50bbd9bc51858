//! [`RecordLayout::format_bytes`]: computes the format of a struct at compile time. `MemberLayout::format` returns the
//! format of any type of a field at run time, for exporters.

use super::model::{FieldLayout, MemberKind, MemberLayout, RecordLayout};
use crate::endian::Endian;
#[cfg(feature = "pyo3")]
use alloc::string::String;

/// Writes a format to `bytes`, and counts the bytes of the format in `len`. A byte that does not fit is counted but
/// not written. Hence the same code can first compute the length of the format, and then write the format to a
/// constant of this length.
struct FormatWriter<'w> {
    /// The memory for the format. Empty if the writer only counts.
    bytes: &'w mut [u8],
    /// The number of bytes of the format so far.
    len: usize,
}

impl RecordLayout {
    /// Returns the length in bytes of the format of the struct. Used by the derive macro.
    #[doc(hidden)]
    #[must_use]
    pub const fn format_len(&self) -> usize {
        let mut writer = FormatWriter { bytes: &mut [], len: 0 };
        writer.write_record(self.fields, self.size, Endian::HOST);
        writer.len
    }

    /// Returns the format of the struct. `N` must be [`format_len`](Self::format_len). Used by the derive macro.
    #[doc(hidden)]
    #[must_use]
    pub const fn format_bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        let mut writer = FormatWriter { bytes: &mut bytes, len: 0 };
        writer.write_record(self.fields, self.size, Endian::HOST);
        bytes
    }

    /// Converts `format` to text. `format` must be a result of [`format_bytes`](Self::format_bytes), which is valid
    /// UTF-8: names are `str`, and all other bytes are ASCII. Used by the derive macro.
    #[doc(hidden)]
    #[must_use]
    pub const fn text(format: &'static [u8]) -> &'static str {
        match core::str::from_utf8(format) {
            Ok(text) => text,
            Err(_) => {
                debug_assert!(false, "the format of a record is not UTF-8");
                ""
            }
        }
    }
}

#[cfg(feature = "pyo3")]
impl MemberLayout {
    /// Returns the format of items of this type. The format of one value has no byte-order character, because the
    /// methods of `memoryview` accept only such formats: `d` for `f64`. The formats of arrays and structs have
    /// byte-order characters.
    pub(crate) fn format(&self) -> String {
        if let MemberKind::Value(value) = self.kind {
            return String::from(value.code);
        }
        let mut writer = FormatWriter { bytes: &mut [], len: 0 };
        writer.write_member(self, Endian::HOST);
        let mut bytes = alloc::vec![0; writer.len];
        let mut writer = FormatWriter { bytes: &mut bytes, len: 0 };
        writer.write_member(self, Endian::HOST);
        // The format is UTF-8: names are `str`, and all other bytes are ASCII.
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl FormatWriter<'_> {
    /// Increases `len` by 1, and writes `byte` if `bytes` is long enough.
    const fn write_byte(&mut self, byte: u8) {
        if let Some((_, [next, ..])) = self.bytes.split_at_mut_checked(self.len) {
            *next = byte;
        }
        self.len = self.len.wrapping_add(1);
    }

    /// Writes the bytes of `text` without changes.
    const fn write_text(&mut self, text: &str) {
        let mut rest = text.as_bytes();
        while let [first, tail @ ..] = rest {
            self.write_byte(*first);
            rest = tail;
        }
    }

    /// Writes `number` in decimal digits.
    const fn write_number(&mut self, number: usize) {
        if number >= 10 {
            self.write_number(number / 10);
        }
        #[expect(clippy::as_conversions, reason = "a digit; `TryFrom` is not const")]
        self.write_byte(b'0'.wrapping_add((number % 10) as u8));
    }

    /// Writes the format of `bytes` pad bytes: nothing for 0, `x` for 1, `3x` for 3.
    const fn write_padding(&mut self, bytes: usize) {
        if bytes > 1 {
            self.write_number(bytes);
        }
        if bytes > 0 {
            self.write_byte(b'x');
        }
    }

    /// Writes the format of a record with the fields `fields` and a size of `size` bytes. `endian` is the byte order of
    /// fields that do not declare a byte order.
    const fn write_record(&mut self, fields: &[FieldLayout], size: usize, endian: Endian) {
        self.write_text("T{");
        let (mut rest, mut at) = (fields, 0_usize);
        while let [field, tail @ ..] = rest {
            self.write_padding(field.offset.saturating_sub(at));
            let endian = match field.endian {
                Some(own) => own,
                None => endian,
            };
            self.write_member(&field.member, endian);
            if let Some(name) = field.name {
                self.write_byte(b':');
                self.write_text(name);
                self.write_byte(b':');
            }
            at = field.offset.saturating_add(field.member.size);
            rest = tail;
        }
        self.write_padding(size.saturating_sub(at));
        self.write_byte(b'}');
    }

    /// Writes the format of a field whose type is `member`: the shape, the byte order, the length of a string, and the
    /// code. For a struct, writes the shape and `T{...}`. `endian` is the byte order of the field.
    const fn write_member(&mut self, member: &MemberLayout, endian: Endian) {
        let (mut member, mut dimensions, mut length) = (member, 0_usize, None);
        while let MemberKind::Array { element, len } = member.kind {
            if let MemberKind::Value(value) = element.kind
                && value.is_string
            {
                length = Some(len);
            } else {
                self.write_byte(if dimensions == 0 { b'(' } else { b',' });
                self.write_number(len);
                dimensions = dimensions.wrapping_add(1);
            }
            member = element;
        }
        if dimensions > 0 {
            self.write_byte(b')');
        }
        match member.kind {
            MemberKind::Record(fields) => self.write_record(fields, member.size, endian),
            MemberKind::Array { .. } => debug_assert!(false, "the loop ends at a value or a record"),
            MemberKind::Value(value) => {
                self.write_byte(match endian {
                    Endian::Little => b'<',
                    Endian::Big => b'>',
                });
                match length {
                    // The format of `[u8; N]` is the string `Ns`.
                    Some(length) if member.size == 1 => {
                        self.write_number(length);
                        self.write_byte(b's');
                    }
                    Some(length) => {
                        self.write_number(length);
                        self.write_text(value.code);
                    }
                    None => self.write_text(value.code),
                }
            }
        }
    }
}
