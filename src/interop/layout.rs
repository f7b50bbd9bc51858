//! Feature `serde`: `Serialize` and `Deserialize` for [`Layout`] and [`Interpretation`]. `docs/layout.schema.json` is
//! the JSON schema of a layout.
//!
//! `Deserialize` builds a layout with [`LayoutBuilder`]. Hence the data must pass the same checks as a dtype or a
//! ctypes class: a field ends inside its record, and the size of a field is possible for its type. The depth of nested
//! records, the number of fields and the number of dimensions are limited.

use alloc::format;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::serde::FormatJson;
use crate::abi::DataModel;
use crate::align::Align;
use crate::endian::Endian;
use crate::format::{ByteOrder, Limits};
use crate::layout::{BitField, BuildError, Certainty, Detail, Dialect, Field, Interpretation, Layout, LayoutBuilder};
use crate::layout::{MemberSpec, NulHandling, Scalar, Type, UserType};

/// Writes a map with the keys `size`, `align`, `model` and `fields`. All offsets and sizes are in bytes. The data is
/// complete, except for the [positions](Field::span) of the fields in a format, which are not part of a layout.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout};
/// let layout = Layout::read("T{<h:a:(2)<f:b:}", &Dialect::PEP3118, &DataModel::LP64)?;
/// let json = serde_json::to_string(&layout)?;
/// assert_eq!(serde_json::from_str::<Layout>(&json)?, layout);
///
/// // Data passes the checks of `LayoutBuilder`.
/// let json = r#"{"size": 4, "align": 1, "model": "lp64", "fields":
///     [{"offset": 2, "size": 4, "type": "int32", "endian": "little"}]}"#;
/// let error = serde_json::from_str::<Layout>(json).unwrap_err();
/// assert!(error.to_string().starts_with("int32 at byte 2 ends at byte 6 of a record of 4 bytes"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl Serialize for Layout {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("size", &self.size())?;
        map.serialize_entry("align", &self.align())?;
        map.serialize_entry("model", self.model())?;
        map.serialize_entry("fields", &self.fields().map(FieldData).collect::<Vec<_>>())?;
        map.end()
    }
}

/// A field of a layout as data. Keys without a value are left out.
struct FieldData<'l>(Field<'l>);

impl Serialize for FieldData<'_> {
    // The function calls itself once for each level of nested records. A layout has at most 64 levels.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let field = self.0;
        let mut map = serializer.serialize_map(None)?;
        if let Some(name) = field.name() {
            map.serialize_entry("name", &FormatJson::new(name))?;
        }
        map.serialize_entry("offset", &field.offset())?;
        map.serialize_entry("size", &field.size())?;
        map.serialize_entry("type", &field.ty())?;
        if let Some(endian) = field.endian() {
            map.serialize_entry("endian", &endian)?;
        }
        if !field.shape().is_empty() {
            map.serialize_entry("shape", field.shape())?;
        }
        match field.node().detail {
            Detail::None => {}
            Detail::Bits(bits) => map.serialize_entry("bit_field", &bits)?,
            Detail::Nuls(nuls) => map.serialize_entry("nuls", &nuls)?,
            Detail::User(_) => map.serialize_entry("user_type", &field.user_type())?,
        }
        // `^` is the byte-order character of a field that was not read from a format. This character is the default,
        // and is not written.
        if let Some(order) = field.byte_order().filter(|order| *order != ByteOrder::NativeUnaligned) {
            map.serialize_entry("byte_order", &order)?;
        }
        if field.ty() == Type::Record {
            map.serialize_entry("fields", &field.fields().map(FieldData).collect::<Vec<_>>())?;
        }
        map.end()
    }
}

/// The values of the keys of one field, before they are checked.
struct FieldParts {
    name: Option<Vec<u8>>,
    offset: u64,
    size: u64,
    ty: Type,
    endian: Option<Endian>,
    shape: Vec<u64>,
    bit_field: Option<BitField>,
    nuls: Option<NulHandling>,
    user_type: Option<UserType>,
    byte_order: Option<ByteOrder>,
    fields: Option<Vec<FieldParts>>,
}

/// The keys of a field.
#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Key {
    Name,
    Offset,
    Size,
    Type,
    Endian,
    Shape,
    BitField,
    Nuls,
    UserType,
    ByteOrder,
    Fields,
}

/// Reads one field. The number in the struct counts the records around the field, to limit the recursion.
#[derive(Clone, Copy)]
struct FieldSeed(usize);

impl<'de> DeserializeSeed<'de> for FieldSeed {
    type Value = FieldParts;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<FieldParts, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for FieldSeed {
    type Value = FieldParts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map with the keys of a field")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FieldParts, A::Error> {
        let (mut name, mut offset, mut size, mut ty, mut endian) = (None, None, None, None, None);
        let (mut shape, mut bit_field, mut nuls, mut byte_order, mut fields) = (None, None, None, None, None);
        let mut user_type = None;
        while let Some(key) = map.next_key()? {
            match key {
                Key::Name => set(&mut name, "name", map.next_value::<Option<FormatJson<'_>>>()?)?,
                Key::Offset => set(&mut offset, "offset", map.next_value()?)?,
                Key::Size => set(&mut size, "size", map.next_value()?)?,
                Key::Type => set(&mut ty, "type", map.next_value()?)?,
                Key::Endian => set(&mut endian, "endian", map.next_value::<Option<Endian>>()?)?,
                Key::Shape => set(&mut shape, "shape", map.next_value()?)?,
                Key::BitField => set(&mut bit_field, "bit_field", map.next_value::<Option<BitField>>()?)?,
                Key::Nuls => set(&mut nuls, "nuls", map.next_value::<Option<NulHandling>>()?)?,
                Key::UserType => set(&mut user_type, "user_type", map.next_value::<Option<UserType>>()?)?,
                Key::ByteOrder => set(&mut byte_order, "byte_order", map.next_value::<Option<ByteOrder>>()?)?,
                Key::Fields => set(&mut fields, "fields", map.next_value_seed(FieldsSeed(self.0))?)?,
            }
        }
        Ok(FieldParts {
            name: name.flatten().map(|name| name.as_bytes().to_vec()),
            offset: offset.ok_or_else(|| Error::missing_field("offset"))?,
            size: size.ok_or_else(|| Error::missing_field("size"))?,
            ty: ty.ok_or_else(|| Error::missing_field("type"))?,
            endian: endian.flatten(),
            shape: shape.unwrap_or_default(),
            bit_field: bit_field.flatten(),
            nuls: nuls.flatten(),
            user_type: user_type.flatten(),
            byte_order: byte_order.flatten(),
            fields: fields.flatten(),
        })
    }
}

/// Stores `value`, the value of the key `key`. Returns an error if the map already had this key.
fn set<T, E: Error>(place: &mut Option<T>, key: &'static str, value: T) -> Result<(), E> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(E::duplicate_field(key)),
    }
}

/// Reads a list of fields, or null. The number in the struct counts the records around the list, to limit the
/// recursion.
struct FieldsSeed(usize);

impl<'de> DeserializeSeed<'de> for FieldsSeed {
    type Value = Option<Vec<FieldParts>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FieldsSeed {
    type Value = Option<Vec<FieldParts>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of fields")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let limit = Limits::DEFAULT.depth;
        if self.0 > limit {
            return Err(A::Error::custom(BuildError::Limit { what: "records inside each other", limit }));
        }
        let mut fields = Vec::new();
        while let Some(field) = list.next_element_seed(FieldSeed(self.0.saturating_add(1)))? {
            fields.push(field);
        }
        Ok(Some(fields))
    }
}

/// Reads the top-level fields of a layout.
fn top_level<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<FieldParts>, D::Error> {
    FieldsSeed(0).deserialize(deserializer)?.ok_or_else(|| D::Error::custom("`fields` is null"))
}

/// The data of a [`Layout`].
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct LayoutData {
    size: u64,
    align: Align,
    model: DataModel,
    #[serde(deserialize_with = "top_level")]
    fields: Vec<FieldParts>,
}

/// Reads the map that a layout writes. `fields` can have any order, and fields can overlap.
impl<'de> Deserialize<'de> for Layout {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let LayoutData { size, align, model, fields } = LayoutData::deserialize(deserializer)?;
        let limit = model.ssize_max();
        if size > limit {
            return Err(D::Error::custom(format!("an item of {size} bytes is larger than {limit} bytes")));
        }
        let mut builder = LayoutBuilder::new(size, &model);
        builder.align(align);
        add(&mut builder, fields).map_err(D::Error::custom)?;
        Ok(builder.finish())
    }
}

/// The reason why a field is refused.
#[derive(Debug, thiserror::Error)]
enum FieldError {
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("a field of type {ty} has {what}")]
    Key { ty: Type, what: &'static str },
}

/// Adds `fields` to the record of `builder` that was opened last.
// The function calls itself once for each level of nested records, which `FieldsSeed` limits.
fn add(builder: &mut LayoutBuilder, fields: Vec<FieldParts>) -> Result<(), FieldError> {
    for field in fields {
        let FieldParts { name, offset, size, ty, endian, shape, bit_field, nuls, user_type, byte_order, fields } =
            field;
        let wrong = |what| Err(FieldError::Key { ty, what });
        let member = MemberSpec { name: name.as_deref(), offset, shape: &shape };
        // A type without a byte order ignores this value.
        let scalar = Scalar { ty, size, endian: endian.unwrap_or(Endian::Little) };
        if let Some(user) = user_type {
            if ty != Type::Opaque || size != user.size() || bit_field.is_some() || nuls.is_some() || fields.is_some() {
                return wrong("a `user_type` of another type or size");
            }
            builder.user_type(member, user, scalar.endian)?;
            builder.check_endian(endian).ok_or(FieldError::Key { ty, what: "a wrong byte order" })?;
            if let Some(order) = byte_order {
                builder.set_byte_order(order);
            }
            continue;
        }
        match (fields, bit_field, nuls) {
            (Some(fields), None, None) if ty == Type::Record => {
                builder.open(member, size)?;
                builder.check_endian(endian).ok_or(FieldError::Key { ty, what: "a byte order" })?;
                add(builder, fields)?;
                builder.close();
                continue;
            }
            (None, Some(bits), None) if ty == Type::Bits && bits.size() == size => {
                builder.bit_field(member, bits, scalar.endian)?;
            }
            (None, None, Some(nuls)) => builder.text(member, scalar, nuls)?,
            (None, None, None) if ty != Type::Record => builder.value(member, scalar)?,
            (None, ..) if ty == Type::Record => return wrong("no `fields`"),
            (_, Some(_), _) => return wrong("a `bit_field` of another size"),
            _ => return wrong("`fields`"),
        }
        if builder.check_endian(endian).is_none() {
            return wrong(if endian.is_some() { "a byte order" } else { "no byte order" });
        }
        if let Some(order) = byte_order {
            builder.set_byte_order(order);
        }
    }
    Ok(())
}

/// The data of an [`Interpretation`].
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct InterpretationData {
    layout: Layout,
    dialect: Dialect,
    certainty: Certainty,
    trailing_padding: u64,
}

/// Writes a map with the keys `layout`, `dialect`, `certainty` and `trailing_padding`.
impl Serialize for Interpretation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("layout", &self.layout)?;
        map.serialize_entry("dialect", &self.dialect)?;
        map.serialize_entry("certainty", &self.certainty)?;
        map.serialize_entry("trailing_padding", &self.trailing_padding)?;
        map.end()
    }
}

/// Reads the map that an interpretation writes. A trailing padding that is larger than the item is an error.
impl<'de> Deserialize<'de> for Interpretation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let InterpretationData { layout, dialect, certainty, trailing_padding } =
            InterpretationData::deserialize(deserializer)?;
        if trailing_padding > layout.size() {
            let size = layout.size();
            return Err(D::Error::custom(format!(
                "{trailing_padding} bytes of padding are more than the item of {size}"
            )));
        }
        Ok(Self { layout, dialect, certainty, trailing_padding })
    }
}
