//! The options `--names`, `--text` and `--hex` of `decode` and `encode`, which name fields and select the text form of
//! bytes. Also lists the dotted names of fields, and creates the messages about unknown names.

use std::collections::BTreeSet;

use clap::Args;
use pep3118::__private::plural;
use pep3118::decode::{Plan, Value};
use pep3118::{Field, Layout, Type};

use super::date::DateUnit;
use super::escape::escape;
use super::failure::Failure;
use super::names;
use pep3118::__private::to_u64;

/// The maximum number of field names that an error message lists.
const LISTED_NAMES: usize = 50;

/// The options that name fields, and that print the bytes of fields as text or as hexadecimal digits.
#[derive(Debug, Args)]
pub(super) struct FieldOptions {
    /// Names for the top-level fields that have no name, in the order of the format
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    names: Option<Vec<String>>,
    /// The bytes of all fields, or of the fields with these dotted names, are UTF-8 text without the NULs at
    /// the end; an array of characters is one text; bytes that are not UTF-8 are escaped
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', num_args = 0..=1, require_equals = true)]
    text: Option<Vec<String>>,
    /// The bytes of all fields, or of the fields with these dotted names, are hexadecimal digits; an array of
    /// characters, or a named array of integers of 1 byte, is one row of digits
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', num_args = 0..=1, require_equals = true)]
    hex: Option<Vec<String>>,
}

/// A field of a layout and its dotted name. A field inside of an array of records is listed once, and not for each
/// record.
struct NamedField {
    /// The dotted name of the field with the enclosing records, such as `outer.inner.field`.
    name: String,
    /// The index of the field in the layout.
    index: u32,
    ty: Type,
}

/// The fields that `--text` selects. The bytes of these fields are written as UTF-8 text.
#[derive(Debug, Default)]
pub(super) struct TextFields {
    /// The indices of the fields in the layout.
    indices: BTreeSet<u32>,
}

impl FieldOptions {
    /// Applies the options to `layout`: names fields, and changes the types of fields of bytes. Returns the fields
    /// whose bytes are text.
    ///
    /// # Errors
    /// - `--names` does not have one name for each field without a name, or two fields would have the same name
    /// - `--text` and `--hex` both select all fields: [`Failure::Usage`]
    /// - `--text` or `--hex` names an unknown field, or a field that does not consist of bytes
    pub(super) fn apply(&self, layout: &mut Layout) -> Result<TextFields, Failure> {
        if let Some(names) = &self.names {
            name_fields(layout, names)?;
        }
        if self.text.as_ref().is_some_and(Vec::is_empty) && self.hex.as_ref().is_some_and(Vec::is_empty) {
            return Err(Failure::Usage(
                "--text and --hex both select all fields: name the fields of one, --hex=NAME".into(),
            ));
        }
        // `--hex` is applied first, and changes the type of each field that it selects. `--text` without names
        // does not select fields of the new type.
        if let Some(names) = &self.hex {
            for field in selected("--hex", names, layout)? {
                join(layout, &field, Type::Void)?;
            }
        }
        let mut indices = BTreeSet::new();
        if let Some(names) = &self.text {
            for field in selected("--text", names, layout)? {
                if field.ty != Type::Pascal {
                    join(layout, &field, Type::Bytes)?;
                }
                indices.insert(field.index);
            }
        }
        Ok(TextFields { indices })
    }
}

/// Changes the type of `field` in `layout` to `ty`. Does nothing if `field` already has this type. If the elements are
/// single bytes, all bytes of the last dimension become one value, and the field loses this dimension. If the elements
/// are byte strings, each string is already one value, and the dimensions stay the same. Returns an error if the number
/// of values of the field overflows.
fn join(layout: &mut Layout, field: &NamedField, ty: Type) -> Result<(), Failure> {
    if field.ty == ty {
        return Ok(());
    }
    let is_string = matches!(field.ty, Type::Bytes | Type::Void);
    if layout.retype(field.index, ty, !is_string) {
        return Ok(());
    }
    Err(Failure::refused(format_args!("field `{}` has more than 2^64 values", escape(field.name.as_bytes()))))
}

/// Returns the fields of `layout` that `option` selects. `names` is the value of the option. If `names` is empty, the
/// option selects all fields that consist of bytes. The name of a record selects all such fields in the record. `--hex`
/// excludes Pascal strings, but accepts the name of a field of 1-byte integers. Returns an error if a name is the name
/// of no field or of several fields, or if a named field does not consist of bytes.
fn selected(option: &str, names: &[String], layout: &Layout) -> Result<Vec<NamedField>, Failure> {
    check_names(layout)?;
    let fields = named_fields(layout);
    let is_hex = option == "--hex";
    let is_bytes = |field: &NamedField| match field.ty {
        Type::Bytes | Type::Char => true,
        Type::Pascal => !is_hex,
        _ => false,
    };
    if names.is_empty() {
        return Ok(fields.into_iter().filter(is_bytes).collect());
    }
    let mut indices = BTreeSet::new();
    for name in names {
        let is_named = |field: &&NamedField| field.name == *name || escape(field.name.as_bytes()) == *name;
        let inside = format!("{name}.");
        if fields.iter().filter(is_named).nth(1).is_some() {
            return Err(Failure::refused(repeated_name(name)));
        }
        let Some(found) = fields.iter().find(is_named) else {
            return Err(Failure::refused(unknown_field(
                name,
                fields.iter().map(|field| (field.name.as_str(), field.ty == Type::Record || is_bytes(field))),
                |near| format!("`{option}={near}`"),
            )));
        };
        let is_chosen = |field: &NamedField| {
            is_bytes(field) || (is_hex && matches!(field.ty, Type::UInt8 | Type::Int8 | Type::Void))
        };
        let chosen: Vec<u32> = match found.ty {
            Type::Record => {
                let inside = fields.iter().filter(|field| field.name.starts_with(&inside));
                inside.filter(|field| is_bytes(field)).map(|field| field.index).collect()
            }
            _ if is_chosen(found) => vec![found.index],
            _ => Vec::new(),
        };
        if chosen.is_empty() {
            let (name, ty) = (escape(name.as_bytes()), found.ty);
            return Err(Failure::refused(format_args!("{option} is for fields of bytes but `{name}` is {ty}")));
        }
        indices.extend(chosen);
    }
    Ok(fields.into_iter().filter(|field| indices.contains(&field.index)).collect())
}

/// Returns the message for `name`, a dotted name that several fields have.
pub(super) fn repeated_name(name: &str) -> String {
    format!("several fields are named `{}`: give them different names in the format", escape(name.as_bytes()))
}

/// Returns all fields of an item of `layout`, at every level of records. A record precedes its fields. An item that is
/// not a record is a field with the name `value`.
fn named_fields(layout: &Layout) -> Vec<NamedField> {
    let mut fields = Vec::new();
    let item = layout.item();
    collect(item, if is_record(item) { None } else { Some("value") }, &mut fields);
    fields
}

/// Returns the dotted names of the fields of `layout`, in the order of the format. Returns only the fields of bytes,
/// and the records that contain them, if `is_bytes` is `true`. Returns an error if the names need too much memory.
pub(super) fn field_names(layout: &Layout, is_bytes: bool) -> Result<Vec<String>, Failure> {
    check_names(layout)?;
    let fields = named_fields(layout);
    let has_bytes = |field: &&NamedField| matches!(field.ty, Type::Bytes | Type::Char | Type::Pascal | Type::Void);
    let bytes: Vec<&str> = fields.iter().filter(has_bytes).map(|field| field.name.as_str()).collect();
    let is_selected = |field: &&NamedField| {
        let inside = |name: &&str| name.strip_prefix(field.name.as_str()).is_some_and(|rest| rest.starts_with('.'));
        !is_bytes || has_bytes(field) || (field.ty == Type::Record && bytes.iter().any(inside))
    };
    Ok(fields.iter().filter(is_selected).map(|field| field.name.clone()).collect())
}

/// Appends `field` and the fields inside it to `fields`. `name` is the dotted name of `field`, or `None` for an item
/// that is a record.
fn collect(field: Field<'_>, name: Option<&str>, fields: &mut Vec<NamedField>) {
    if let Some(name) = name {
        fields.push(NamedField { name: name.to_owned(), index: field.index(), ty: field.ty() });
    }
    for (index, member) in field.fields().enumerate() {
        let own = own_name(member, index);
        let dotted = name.map_or_else(|| own.clone(), |name| format!("{name}.{own}"));
        collect(member, Some(&dotted), fields);
    }
}

/// Returns an error if the dotted names of all fields of `layout` need more memory than the library permits, or if
/// [`Plan::new`] refuses `layout`. The dotted names of many fields in a record with a long name can need gigabytes of
/// memory.
pub(super) fn check_names(layout: &Layout) -> Result<(), Failure> {
    Plan::new(layout).and_then(|plan| plan.check_names()).map_err(Failure::refused)
}

/// Returns the name of `field` without the names of the enclosing records. `index` is the index of the field in its
/// record. A field without a name gets a name with this index: `f0` for the first field.
pub(super) fn own_name(field: Field<'_>, index: usize) -> String {
    field.name_text().unwrap_or_else(|| format!("f{index}"))
}

/// Converts `bytes`, a size or an offset in bytes, to `usize`. Returns an error if `bytes` does not fit into the
/// address space.
pub(super) fn length(bytes: u64) -> Result<usize, Failure> {
    usize::try_from(bytes).map_err(|_| Failure::refused(format_args!("there is no memory for {bytes} bytes")))
}

/// Returns `true` if `field` is a single record, whose fields become separate columns. Returns `false` for any other
/// field, including an array of records.
pub(super) fn is_record(field: Field<'_>) -> bool {
    field.ty() == Type::Record && field.shape().is_empty()
}

/// Gives `names` to the unnamed fields of the top level of `layout`, in the order of the format.
///
/// # Errors
/// - the number of names differs from the number of fields without a name
/// - a name is empty, or two fields would have the same name
fn name_fields(layout: &mut Layout, names: &[String]) -> Result<(), Failure> {
    let item = layout.item();
    let fields: Vec<Field<'_>> = if is_record(item) { item.fields().collect() } else { vec![item] };
    let unnamed: Vec<u32> = fields.iter().filter(|field| field.name().is_none()).map(|field| field.index()).collect();
    if unnamed.len() != names.len() {
        let without = fields.iter().enumerate().filter(|(_, field)| field.name().is_none());
        let without = without.map(|(index, field)| format!("f{index} ({})", field.ty()));
        let names = plural(to_u64(names.len()), "name");
        return Err(Failure::refused(match unnamed.len() {
            0 => {
                let all = fields.iter().filter_map(|field| field.name()).map(|name| escape(name).into_owned());
                format!("--names has {names} but every field has a name: {}", listed(all))
            }
            count => {
                let count = plural(to_u64(count), "field");
                format!("--names has {names} but the format has {count} without a name: {}", listed(without))
            }
        }));
    }
    let mut used: BTreeSet<&[u8]> = fields.iter().filter_map(|field| field.name()).collect();
    for (name, number) in names.iter().zip(1_u64..) {
        if name.is_empty() {
            return Err(Failure::refused(format_args!("name {number} of --names is empty")));
        }
        if !used.insert(name.as_bytes()) {
            let name = escape(name.as_bytes());
            return Err(Failure::refused(format_args!("with --names, two fields have the name `{name}`")));
        }
    }
    for (index, name) in unnamed.into_iter().zip(names) {
        layout.name_field(index, name.as_bytes());
    }
    Ok(())
}

/// Returns the error message for `name`, an unknown field name. `known` yields (field name, may be suggested). The help
/// line suggests the most similar name. `option` converts this name to the text of the suggestion: the option with the
/// name, in backquotes.
pub(super) fn unknown_field<'n>(
    name: &str,
    known: impl Iterator<Item = (&'n str, bool)>,
    option: impl Fn(&str) -> String,
) -> String {
    let known: Vec<_> = known.map(|(name, is_likely)| (escape(name.as_bytes()), is_likely)).collect();
    let likely = known.iter().filter(|(_, is_likely)| *is_likely).map(|(name, _)| name.as_ref());
    let help = match names::nearest(name, likely) {
        Some(near) => format!("\nhelp: the nearest name is {}", option(near)),
        None => String::new(),
    };
    format!(
        "no field is named `{}`; the fields are {}{help}",
        escape(name.as_bytes()),
        listed(known.into_iter().map(|(name, _)| name))
    )
}

/// Returns `names` as one text, separated by commas. The text has at most [`LISTED_NAMES`] names, and the number of any
/// other names: `and 3 more`.
fn listed<T: AsRef<str>>(names: impl Iterator<Item = T>) -> String {
    let names: Vec<T> = names.collect();
    let join = |names: &[T]| names.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
    match names.split_at_checked(LISTED_NAMES) {
        Some((first, rest)) if !rest.is_empty() => format!("{} and {} more", join(first), rest.len()),
        _ => join(&names),
    }
}

/// How the byte strings and the dates in a value become text before the value is written.
#[derive(Debug)]
pub(super) enum TextConversion {
    /// The value is not converted.
    None,
    /// The value is a byte string. Its bytes without the NULs at the end become text.
    Trimmed,
    /// The value is a Pascal string. All of its bytes become text, because its length byte excludes padding.
    Whole,
    /// The value is a date with this unit, which becomes ISO 8601 text.
    Date(DateUnit),
    /// The value is a record with one conversion for each field.
    Record(Vec<TextConversion>),
}

impl TextFields {
    /// Returns `true` if the bytes of `field` are written as text.
    pub(super) fn contains(&self, field: Field<'_>) -> bool {
        self.indices.contains(&field.index())
    }

    /// Returns `true` if no field is written as text.
    pub(super) fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// Returns the dotted names of these fields. `layout` is the layout of the fields.
    #[cfg(feature = "arrow")]
    pub(super) fn names(&self, layout: &Layout) -> Vec<Vec<u8>> {
        named_fields(layout)
            .into_iter()
            .filter(|field| self.indices.contains(&field.index))
            .map(|field| field.name.into_bytes())
            .collect()
    }

    /// Returns the conversion for values of `field`. A date becomes text even if `--text` does not select the field.
    pub(super) fn conversion(&self, field: Field<'_>) -> TextConversion {
        match field.ty() {
            Type::Record => {
                let members: Vec<_> = field.fields().map(|member| self.conversion(member)).collect();
                let is_none = members.iter().all(|member| matches!(member, TextConversion::None));
                if is_none { TextConversion::None } else { TextConversion::Record(members) }
            }
            _ if let Some(unit) = field.user_type().and_then(DateUnit::of) => TextConversion::Date(unit),
            _ if !self.contains(field) => TextConversion::None,
            Type::Pascal => TextConversion::Whole,
            _ => TextConversion::Trimmed,
        }
    }
}

impl TextConversion {
    /// Replaces the byte strings and the dates in `value` by text, according to this conversion.
    pub(super) fn apply(&self, value: &mut Value) {
        match (self, value) {
            (Self::None, _) => {}
            (conversion, Value::Array(array)) => {
                array.values_mut().iter_mut().for_each(|element| conversion.apply(element));
            }
            (Self::Record(conversions), Value::Record(record)) => {
                let fields = conversions.iter().zip(record.values_mut());
                fields.for_each(|(conversion, field)| conversion.apply(field));
            }
            (conversion @ (Self::Trimmed | Self::Whole), value) => {
                if let Value::Bytes(bytes) = value {
                    let nuls = bytes.iter().rev().take_while(|byte| **byte == 0).count();
                    let trimmed = if matches!(conversion, Self::Trimmed) { nuls } else { 0 };
                    let text = bytes.get(..bytes.len().saturating_sub(trimmed)).unwrap_or_default();
                    *value = Value::Text(text_of_bytes(text));
                }
            }
            (Self::Date(unit), value) => {
                if let Value::Int(count) = value {
                    *value = Value::Text(unit.text(*count));
                }
            }
            (Self::Record(_), _) => debug_assert!(false, "a record has a record value"),
        }
    }
}

/// Decodes `bytes` as UTF-8. Doubles each backslash, and escapes bytes that are not UTF-8 as `\xff`, so that different
/// bytes have different texts.
fn text_of_bytes(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        if chunk.valid().contains('\\') {
            text.push_str(&chunk.valid().replace('\\', "\\\\"));
        } else {
            text.push_str(chunk.valid());
        }
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02x}")));
    }
    text
}
