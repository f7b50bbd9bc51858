//! Feature `serde`: `Serialize` for layouts, reports and their parts.

use alloc::string::String;
use alloc::vec::Vec;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::endian::Endian;
use crate::layout::{Certainty, Field, Layout, Type};
use crate::view::{Finding, Report, Request, RuleId, Severity};

/// Writes `"little"` or `"big"`.
impl Serialize for Endian {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Writes `"exact"`, `"trailing-padding"` or `"inferred"`.
impl Serialize for Certainty {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Writes a map with the keys `name`, `offset`, `size`, `type`, `endian`, `shape` and `fields`.
///
/// `offset` is in bytes from the start of the enclosing record. `size` is the size of one element in bytes.
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

/// Writes the map of the field [`Layout::item`], which is the whole item.
impl Serialize for Layout {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.item().serialize(serializer)
    }
}

/// Writes the id, such as `"A04"`.
impl Serialize for RuleId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Writes `"error"`, `"warning"` or `"note"`.
impl Serialize for Severity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Writes the names of the flags, such as `"FULL_RO"` or `"C_CONTIGUOUS|WRITABLE"`.
impl Serialize for Request {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
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
#[derive(serde::Serialize)]
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
