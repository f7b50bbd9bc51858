//! Feature `serde`: layouts as trees that any format of serde can write.

use alloc::string::String;
use alloc::vec::Vec;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::endian::Endian;
use crate::layout::{Certainty, Field, Layout, Type};

/// `"little"` or `"big"`.
impl Serialize for Endian {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// `"exact"`, `"trailing-padding"`, `"inferred"`, `"ambiguous"`.
impl Serialize for Certainty {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A node: `name offset size type endian shape fields`.
///
/// `offset` is in bytes from the start of the enclosing record; `size` is that of one element;
/// `fields` is null for anything but a record. A name that is not UTF-8 is escaped.
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

/// The item as one node, see [`Layout::item`].
impl Serialize for Layout {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.item().serialize(serializer)
    }
}
