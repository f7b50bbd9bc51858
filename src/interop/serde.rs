//! Feature `serde`: `Serialize` for layouts and reports.

use alloc::string::String;
use alloc::vec::Vec;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::endian::Endian;
use crate::layout::{Certainty, Field, Layout, Type};
use crate::view::{Finding, Report, Request, RuleId, Severity};

/// `"little"` or `"big"`.
impl Serialize for Endian {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// `"exact"`, `"trailing-padding"`, `"inferred"`.
impl Serialize for Certainty {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A map with `name offset size type endian shape fields`.
///
/// `offset` is in bytes from the start of the enclosing record, `size` is the size of one element, and
/// `fields` is null unless the field is a record. A name that is not UTF-8 is escaped.
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

/// The item as a field, see [`Layout::item`].
impl Serialize for Layout {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.item().serialize(serializer)
    }
}

/// `"A04"`
impl Serialize for RuleId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// `"error"`, `"warning"`, `"note"`.
impl Serialize for Severity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// `"FULL_RO"`, `"C_CONTIGUOUS|WRITABLE"`.
impl Serialize for Request {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A map with `rule level message`, and `requests` if an audit found it.
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

/// The JSON object of a check: `exporter`, if it is known, `findings` and `readable`.
#[derive(serde::Serialize)]
pub struct ReportJson<'r> {
    /// The name of the exporter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exporter: Option<&'r str>,
    /// The rules that are broken.
    pub findings: &'r Report,
    /// Whether the check returned a view.
    pub readable: bool,
}

/// A list of the findings, errors first.
impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self)
    }
}
