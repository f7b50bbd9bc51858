//! Feature `serde`: `Serialize` for [`Field`], [`Format`], [`RuleId`], [`Request`], [`RawView`], [`Finding`] and
//! [`Report`]. `Deserialize` for [`Format`] and for the data of an audit, so that an audit can be recorded and read
//! again. [`ReportJson`] is the JSON of a check.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::format::Format;
use crate::layout::{Field, Type};
use crate::view::{Finding, Owner, RawView, RawViewBuf, Report, Request, RuleId, Severity, Violation};

/// Writes a map with the keys `name`, `offset`, `size`, `type`, `endian`, `shape` and `fields`.
///
/// `offset` is in bytes from the start of the enclosing record. `size` is the size of one element in bytes.
/// `fields` is null unless the field is a record. A name that is not UTF-8 is escaped. To read a layout again, serialize
/// the [`Layout`](crate::Layout), whose data is complete.
impl Serialize for Field<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut node = serializer.serialize_struct("Field", 7)?;
        let name: Option<String> = self.name_text();
        node.serialize_field("name", &name)?;
        node.serialize_field("offset", &self.offset())?;
        node.serialize_field("size", &self.size())?;
        node.serialize_field("type", self.ty().as_str())?;
        node.serialize_field("endian", &self.endian())?;
        node.serialize_field("shape", self.shape())?;
        let fields: Option<Vec<Field<'_>>> = (self.ty() == Type::Record).then(|| self.fields().collect());
        node.serialize_field("fields", &fields)?;
        node.end()
    }
}

/// Writes the id, such as `"A04"`.
impl Serialize for RuleId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Reads the id of a rule, such as `A04`, or the name of a rule, such as `LEN-PRODUCT`, as
/// [`FromStr`](core::str::FromStr) does.
impl<'de> Deserialize<'de> for RuleId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <Cow<'_, str>>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Writes the names of the flags, such as `"FULL_RO"` or `"C_CONTIGUOUS|WRITABLE"`.
impl Serialize for Request {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Reads the names of the flags, or a number. A hexadecimal number can have invalid flags, because an audit records the
/// answer to any request.
impl<'de> Deserialize<'de> for Request {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'_, str>>::deserialize(deserializer)?;
        match text.strip_prefix("0x").map(|digits| u32::from_str_radix(digits, 16)) {
            Some(Ok(flags)) => Ok(Self::from_bits_retain(flags.cast_signed())),
            _ => text.parse().map_err(D::Error::custom),
        }
    }
}

/// The JSON of a format or a name: text if the bytes are UTF-8, and a list of bytes otherwise.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub(super) enum FormatJson<'f> {
    Text(Cow<'f, str>),
    Bytes(Cow<'f, [u8]>),
}

impl<'f> FormatJson<'f> {
    /// Returns the data of `bytes`, a format or a name.
    pub(super) fn new(bytes: &'f [u8]) -> Self {
        match core::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.into()),
            Err(_) => Self::Bytes(bytes.into()),
        }
    }

    /// Returns the bytes of the format or of the name.
    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// Writes the bytes of the format as text, or as a list of bytes if the format is not UTF-8.
impl Serialize for Format {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        FormatJson::new(self.as_bytes()).serialize(serializer)
    }
}

/// Parses the format, within the limits of [`Format::parse`].
impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(FormatJson::deserialize(deserializer)?.as_bytes()).map_err(D::Error::custom)
    }
}

/// The JSON of [`RawView`].
#[derive(serde::Serialize, serde::Deserialize)]
struct RawViewJson<'f> {
    buf: Option<u64>,
    obj: Owner,
    len: i64,
    itemsize: i64,
    readonly: i32,
    ndim: i32,
    #[serde(borrow)]
    format: Option<FormatJson<'f>>,
    shape: Option<Cow<'f, [i64]>>,
    strides: Option<Cow<'f, [i64]>>,
    suboffsets: Option<Cow<'f, [i64]>>,
}

/// Writes a map of the fields of a `Py_buffer`. NULL is null. The format is text, or a list of bytes if the format is
/// not UTF-8.
impl Serialize for RawView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let json = RawViewJson {
            buf: self.buf,
            obj: self.obj,
            len: self.len,
            itemsize: self.itemsize,
            readonly: self.readonly,
            ndim: self.ndim,
            format: self.format.map(FormatJson::new),
            shape: self.shape.map(Cow::Borrowed),
            strides: self.strides.map(Cow::Borrowed),
            suboffsets: self.suboffsets.map(Cow::Borrowed),
        };
        json.serialize(serializer)
    }
}

/// Writes the map of [`RawViewBuf::as_raw`].
impl Serialize for RawViewBuf {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_raw().serialize(serializer)
    }
}

/// Reads the map that [`RawViewBuf`] writes. Fields that contradict each other are accepted, because a check reports
/// the contradiction.
impl<'de> Deserialize<'de> for RawViewBuf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = RawViewJson::deserialize(deserializer)?;
        let raw = RawView {
            buf: json.buf,
            obj: json.obj,
            len: json.len,
            itemsize: json.itemsize,
            readonly: json.readonly,
            ndim: json.ndim,
            format: json.format.as_ref().map(FormatJson::as_bytes),
            shape: json.shape.as_deref(),
            strides: json.strides.as_deref(),
            suboffsets: json.suboffsets.as_deref(),
        };
        Ok(raw.to_buf())
    }
}

/// Writes a map with the keys `rule`, `level` and `message`. The map has the key `requests` if an audit
/// created the finding.
impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = if self.requests().is_empty() { 3 } else { 4 };
        let mut node = serializer.serialize_struct("Finding", fields)?;
        node.serialize_field("rule", &self.rule())?;
        node.serialize_field("level", &self.severity())?;
        node.serialize_field("message", &self.message())?;
        if self.requests().is_empty() {
            node.skip_field("requests")?;
        } else {
            node.serialize_field("requests", self.requests())?;
        }
        node.end()
    }
}

/// The result of a check as one JSON object. The object has the key `exporter` only if the name of the
/// exporter is known.
#[derive(Debug, serde::Serialize)]
pub struct ReportJson<'r> {
    /// The name of the exporter, or `None` if the name is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exporter: Option<&'r str>,
    /// The broken rules that the check found.
    pub findings: &'r Report,
    /// Whether the check returned a view, which means that the items can be read.
    pub readable: bool,
}

/// Writes a list of the findings, errors first.
impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self)
    }
}

/// The JSON of a [`Finding`].
#[derive(serde::Deserialize)]
struct FindingJson {
    rule: RuleId,
    level: Severity,
    message: Box<str>,
    #[serde(default)]
    requests: Vec<Request>,
}

/// Reads the map that [`Finding`] writes. The map contains the text of the message, but not the values in the text as
/// numbers. The original violation needs these values. The result therefore has a [`Violation::Recorded`] with the same
/// rule, severity and message.
impl<'de> Deserialize<'de> for Finding {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let FindingJson { rule, level: severity, message, requests } = FindingJson::deserialize(deserializer)?;
        Ok(Self::with_requests(Violation::Recorded { rule, severity, message }, requests))
    }
}

/// Reads a list of findings.
impl<'de> Deserialize<'de> for Report {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::of_findings)
    }
}
