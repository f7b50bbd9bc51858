//! `FlatRows`: converts the JSON of an item to bytes. The keys are the names of fields, or the dotted names that
//! `decode --columns` writes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::csv_column::{CsvColumn, collect};
use super::escape::escape;
use super::fields::unknown_field;
use super::pack::{PackedField, Problem};

/// The columns of an item, by their dotted names.
pub(super) struct FlatRows<'e> {
    item: &'e PackedField,
    columns: Vec<CsvColumn<'e>>,
    /// The indices of the columns with a name, in the order of the format. Several columns can have the same name.
    by_name: BTreeMap<String, Vec<usize>>,
    /// Whether the keys of the previous line were dotted names.
    is_expected: bool,
}

/// The keys and the values of a JSON object.
struct Entries<'j>(Vec<(Cow<'j, str>, &'j RawValue)>);

impl<'e> FlatRows<'e> {
    /// Creates a reader of rows with the columns of `item`.
    pub(super) fn new(item: &'e PackedField) -> Self {
        let mut columns = Vec::new();
        collect(item, 0, None, &mut columns);
        let mut by_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, column) in columns.iter().enumerate() {
            by_name.entry(column.name.clone()).or_default().push(index);
        }
        Self { item, columns, by_name, is_expected: false }
    }

    /// Writes the values in `json`, the JSON text of an item, to `bytes`, the bytes of the item. Returns an error if
    /// `json` is not a value of the item. The keys are the names of the fields, or dotted names as `decode --columns`
    /// writes them.
    pub(super) fn store(&mut self, json: &str, bytes: &mut [u8]) -> Result<(), Problem> {
        if self.is_expected
            && let Some(entries) = self.entries(json)
        {
            return self.store_entries(&entries, bytes);
        }
        self.item.store_json(json, bytes).or_else(|problem| match self.entries(json) {
            Some(entries) => self.store_entries(&entries, bytes),
            None => Err(problem),
        })
    }

    /// Returns the keys and the values of `json` if a key is the name of a column, but not of a field of the item.
    /// Returns `None` for any other JSON. Stores in `is_expected` whether it returned `Some`.
    fn entries<'j>(&mut self, json: &'j str) -> Option<Entries<'j>> {
        let is_field = |key: &str| self.item.is_record() && self.item.columns().iter().any(|field| field.name == key);
        let entries: Option<Entries<'_>> = serde_json::from_str(json).ok();
        let is_flat = |Entries(entries): &Entries<'_>| {
            entries.iter().any(|(key, _)| self.by_name.contains_key(&**key) && !is_field(key))
        };
        let entries = entries.filter(is_flat);
        self.is_expected = entries.is_some();
        entries
    }

    /// Writes the values of `entries` to `bytes`, the bytes of an item. If several columns have the same name, each
    /// repetition of the key is the next of these columns. Returns an error if a key is not the name of a column or is
    /// given too often, if a column has no value, or if a value does not fit its field.
    fn store_entries(&mut self, Entries(entries): &Entries<'_>, bytes: &mut [u8]) -> Result<(), Problem> {
        // The memory for the flags of one line is proportional to the memory for the columns.
        let mut filled = vec![false; self.columns.len()];
        // The number of columns with a name that have values. Only names of several columns need a number.
        let mut used: BTreeMap<&str, usize> = BTreeMap::new();
        for (key, value) in entries {
            let is_free = |index: &usize| filled.get(*index) == Some(&false);
            let index = match self.by_name.get(&**key).map(Vec::as_slice) {
                None | Some([]) => None,
                Some([only]) => Some(*only).filter(is_free),
                Some(several) => {
                    let next = used.entry(key).or_default();
                    let found = several.get(*next).copied();
                    *next = next.saturating_add(1);
                    found
                }
            };
            let Some((index, column)) = index.and_then(|index| Some((index, self.columns.get(index)?))) else {
                return Err(Problem::new(if self.by_name.contains_key(&**key) {
                    format!("field `{}` is given twice", escape(key.as_bytes()))
                } else {
                    let known = self.columns.iter().zip(&filled).map(|(column, filled)| (&*column.name, !filled));
                    unknown_field(key, known, |near| format!("`{near}`"))
                }));
            };
            if let Some(filled) = filled.get_mut(index) {
                *filled = true;
            }
            let Some(record) = bytes.get_mut(column.offset..) else {
                return Err(Problem::new("internal error: a record is outside of its item"));
            };
            let stored = column.field.store_json(value.get(), record);
            stored.map_err(|problem| problem.inside(column.name.as_str()))?;
        }
        match self.columns.iter().zip(&filled).find(|(_, filled)| !**filled) {
            Some((missing, _)) => Err(Problem::new(format!("field `{}` is missing", escape(missing.name.as_bytes())))),
            None => Ok(()),
        }
    }
}

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;
        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    entries.push((key, map.next_value()?));
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(EntriesVisitor)
    }
}

/// A key of a JSON object. A key without escapes is borrowed from the JSON.
#[derive(Deserialize)]
#[serde(transparent)]
struct Key<'j>(#[serde(borrow)] Cow<'j, str>);
