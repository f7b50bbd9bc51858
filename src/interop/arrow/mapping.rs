//! `Mapping`: the conversion of a layout to an Arrow schema, for all fields or for the fields that the caller names.
//!
//! A *leaf* is a field that is not a record. The *dotted name* of a field consists of the names of the enclosing
//! records and the name of the field, joined with dots: `a.b`.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use std::collections::HashMap;

use arrow_schema::{DataType, FieldRef, Fields, Schema, SchemaRef};

use super::encoding::{Encoding, list};
use super::error::BatchError;
use super::verdict::Verdict;
use crate::decode::{Column, DecodeError, LongDouble, Plan, to_u64};
use crate::layout::{Field, Layout, Target, Type};
use crate::text::escape;

/// The largest number of lists and structs around a value. The Arrow libraries call a function for each level of a type,
/// so that a type with thousands of levels overflows the stack. The C data interface of Arrow C++ refuses more levels.
const MOST_LEVELS: usize = 64;

/// The Arrow schema for a layout. The methods create record batches of items with this layout.
///
/// ```
/// use arrow_array::{cast::AsArray, types::Int32Type};
/// use pep3118::{DataModel, Dialect, Layout, arrow::Mapping};
/// let layout = Layout::read(b"T{<i:a:T{>d:x:?:t:}:b:}", &Dialect::PEP3118, &DataModel::LP64)?;
/// let mapping = Mapping::new(&layout)?;
/// assert_eq!(mapping.verdicts()[2].field, "b.t");
/// assert_eq!(mapping.verdicts()[2].reason, "Arrow packs bools into bits");
/// let item = [7_u8, 0, 0, 0, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 1];
/// let batch = mapping.batch_of_bytes(item.repeat(3).into())?;
/// assert_eq!((batch.num_rows(), batch.num_columns()), (3, 2));
/// assert_eq!(batch.column(0).as_primitive::<Int32Type>().values(), &[7, 7, 7]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Mapping {
    /// The decode plan for the items.
    pub(super) plan: Plan,
    /// The indices of the mapped leaves among all leaves of the layout. `None` means that all leaves are mapped.
    leaf_indices: Option<Vec<usize>>,
    /// An empty column for each mapped leaf. Each column of a batch must have the same type as the empty column.
    pub(super) leaves: Vec<Column>,
    /// The nodes of the columns of a batch, in the order of the schema.
    pub(super) columns: Vec<Node>,
    schema: SchemaRef,
    /// One verdict for each mapped leaf.
    verdicts: Vec<Verdict>,
}

/// A field of the schema. If the field is a record, `kind` contains the nodes of its fields.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// The dotted name of the field, such as `a.b`.
    pub(super) name: String,
    /// The Arrow field, which contains the name in the schema and the metadata.
    pub(super) field: FieldRef,
    /// The length of each dimension of an array. Empty if the field is not an array.
    pub(super) shape: Vec<usize>,
    /// The Arrow type of one element. The field is a list of elements if `shape` is not empty.
    pub(super) element: DataType,
    pub(super) kind: NodeKind,
}

/// The kind of a field of the schema: a leaf or a record.
#[derive(Clone, Debug)]
pub(super) enum NodeKind {
    /// The field is not a record. The encoding converts the values of the field.
    Leaf(Encoding),
    /// The field is a record. The vector contains the nodes of the record's fields.
    Record(Vec<Node>),
}

impl Mapping {
    /// Maps all fields of `layout`. Byte strings become `FixedSizeBinary`, or `Binary` if NULs do not belong to their
    /// values, as in a NumPy dtype. The columns are in the order of the format, and several columns can have the same
    /// name.
    ///
    /// # Errors
    /// - an array has more elements than Arrow counts with 31 bits: `(2147483648)B`
    /// - a field is in more than 64 lists and structs, such as an array of 65 dimensions
    /// - the dotted names of all fields need more than 64 times the memory of the names of the layout, plus 1 MiB
    /// - [`Plan::new`] returns an error for `layout`
    pub fn new(layout: &Layout) -> Result<Self, BatchError> {
        Self::with_utf8(layout, &[])
    }

    /// Maps all fields of `layout`. The byte strings whose dotted names are in `names` become `Utf8`. All other byte
    /// strings are mapped as by [`new`](Self::new). If the item is not a record, its name is `value`.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, arrow::Mapping};
    /// let layout = Layout::read(b"T{3s:tag:}", &Dialect::PEP3118, &DataModel::HOST)?;
    /// let batch = Mapping::with_utf8(&layout, &[b"tag"])?.batch_of_bytes(b"on\0off".into())?;
    /// assert_eq!((batch.num_rows(), batch.schema().field(0).data_type().to_string().as_str()), (2, "Utf8"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - no field or several fields have one of the names: `&[b"c"]` for `T{3s:a:<i:b:}`
    /// - a field with one of the names is not a byte string: `&[b"b"]` for `T{3s:a:<i:b:}`
    /// - [`new`](Self::new) returns an error for `layout`
    pub fn with_utf8(layout: &Layout, names: &[&[u8]]) -> Result<Self, BatchError> {
        let plan = Plan::new(layout)?;
        // A record can have no leaf, so `columns` does not count the names of all fields.
        plan.check_names()?;
        let leaves = plan.columns(&[], None)?;
        let mut builder = SchemaBuilder::new(&plan, &leaves);
        builder.utf8 = names.iter().map(|name| (*name, false)).collect();
        let item = layout.item();
        let columns = if item.ty() == Type::Record && item.shape().is_empty() {
            builder.fields(item, None)?
        } else {
            Vec::from([builder.node(item, "value".into(), "value".into())?])
        };
        if let Some((name, _)) = builder.utf8.iter().find(|(_, is_found)| !**is_found) {
            return Err(DecodeError::NoField { name: Box::from(*name) }.into());
        }
        let verdicts = builder.verdicts;
        Ok(Self::of_nodes(layout, columns, verdicts, plan, None, leaves))
    }

    /// Maps only the fields of `layout` whose dotted names are in `names`. Each of these fields becomes a column
    /// with its dotted name, even if the field is in a nested record. The other fields may have types that Arrow
    /// does not support.
    ///
    /// A name in `names` must be the dotted name of a field that is not a record, or of an array of records. An array
    /// of records is one column with all its fields, so a name inside the array is not found. The name of a field
    /// without a name is `f` and the index of the field: `f0`. If the item is not a record, its name is `value`.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, arrow::Mapping};
    /// let layout = Layout::read(b"T{<i:a:T{<d:x:(2147483648)B:y:}:b:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// let error = Mapping::new(&layout).unwrap_err();
    /// assert_eq!(error.to_string(), "field `b.y` has 2147483648 elements but Arrow counts up to 2147483647");
    /// let mapping = Mapping::with_columns(&layout, &["b.x", "a"])?;
    /// assert_eq!(mapping.schema().field(0).name(), "b.x");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - no field has one of the names: `&["c"]` for `T{<i:a:<d:b:}`
    /// - several fields have one of the names: `&["a"]` for `T{<i:a:<d:a:}`
    /// - [`new`](Self::new) would return an error for one of the mapped fields
    pub fn with_columns(layout: &Layout, names: &[&str]) -> Result<Self, BatchError> {
        let plan = Plan::new(layout)?;
        plan.check_names()?;
        let all = plan.columns(&[], None)?;
        let mut builder = SchemaBuilder::new(&plan, &all);
        let mut leaf_indices = Vec::new();
        let mut columns = Vec::new();
        for name in names {
            let (field, first_leaf) = find_field(layout, name)?;
            builder.next_leaf = first_leaf;
            columns.push(builder.node(field, (*name).into(), (*name).into())?);
            leaf_indices.extend(first_leaf..builder.next_leaf);
        }
        let verdicts = builder.verdicts;
        let leaves = leaf_indices.iter().filter_map(|index| all.get(*index).cloned()).collect();
        Ok(Self::of_nodes(layout, columns, verdicts, plan, Some(leaf_indices), leaves))
    }

    /// Creates the mapping of `layout` from the fields of `Mapping`. `columns` are the nodes of the columns of the
    /// schema. The metadata of the schema contain the format of `layout`. `verdicts`, `plan`, `leaf_indices` and
    /// `leaves` become the fields with these names.
    fn of_nodes(
        layout: &Layout,
        columns: Vec<Node>,
        verdicts: Vec<Verdict>,
        plan: Plan,
        leaf_indices: Option<Vec<usize>>,
        leaves: Vec<Column>,
    ) -> Self {
        let mut metadata = HashMap::new();
        metadata.extend(canonical_format(layout).map(|format| ("pep3118.format".into(), format)));
        metadata.insert("pep3118.itemsize".into(), layout.size().to_string());
        let fields: Fields = columns.iter().map(|node| Arc::clone(&node.field)).collect();
        let schema = Arc::new(Schema::new_with_metadata(fields, metadata));
        Self { plan, leaf_indices, leaves, columns, schema, verdicts }
    }

    /// Returns the indices of the mapped leaves among all leaves of the layout. Returns `None` if all leaves are
    /// mapped.
    pub(super) fn leaf_indices(&self) -> Option<&[usize]> {
        self.leaf_indices.as_deref()
    }

    /// Returns the Arrow schema. If the item is a record, the schema has one field for each mapped field. If the
    /// item is not a record, the schema has one field with the name `value`.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, arrow::Mapping};
    /// let layout = Layout::read(b"T{<h:id:<d:price:}", &Dialect::PEP3118, &DataModel::HOST)?;
    /// assert_eq!(Mapping::new(&layout)?.schema().field(1).name(), "price");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Returns the verdict of each mapped leaf, in the order of the format, or in the order of the names for
    /// [`with_columns`](Self::with_columns). A leaf is a field that is not a record.
    #[must_use]
    pub fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }
}

/// Finds the field of `layout` with the dotted name `name`. Returns the field, and the number of leaves that
/// precede the field in `layout`. Returns an error if no field or several fields have this name.
fn find_field<'l>(layout: &'l Layout, name: &str) -> Result<(Field<'l>, usize), BatchError> {
    /// The state of the search: the number of leaves so far, and the fields that have the name. The number of a found
    /// field is the number of leaves before the field.
    struct Search<'l> {
        leaves: usize,
        found: Vec<(Field<'l>, usize)>,
    }

    impl<'l> Search<'l> {
        /// Searches `field`, whose own name is `own`. `rest` is the searched name without the names of the enclosing
        /// records, or `None` if the names of these records differ. If `rest` is equal to `own`, adds `field` to
        /// `found`. If `field` is a record, searches the fields of the record instead.
        fn field(&mut self, field: Field<'l>, own: &str, rest: Option<&str>) {
            let is_record = field.ty() == Type::Record && field.shape().is_empty();
            if is_record {
                self.record(field, rest.and_then(|rest| rest.strip_prefix(own)?.strip_prefix('.')));
                return;
            }
            if rest == Some(own) {
                self.found.push((field, self.leaves));
            }
            self.leaves = self.leaves.saturating_add(leaf_count(field));
        }

        /// Calls [`field`](Self::field) with each field of `record`. `rest` has the same meaning as in `field`.
        fn record(&mut self, record: Field<'l>, rest: Option<&str>) {
            for (index, child) in record.fields().enumerate() {
                self.field(child, &child.name_text().unwrap_or_else(|| format!("f{index}")), rest);
            }
        }
    }
    let item = layout.item();
    let mut search = Search { leaves: 0, found: Vec::new() };
    if item.ty() == Type::Record && item.shape().is_empty() {
        search.record(item, Some(name));
    } else {
        search.field(item, "value", Some(name));
    }
    match search.found.as_slice() {
        [found] => Ok(*found),
        [] => Err(DecodeError::NoField { name: name.as_bytes().into() }.into()),
        _ => Err(DecodeError::RepeatedName { name: name.as_bytes().into() }.into()),
    }
}

/// Returns the number of leaves in `field`. The number is 1 if `field` is not a record.
fn leaf_count(field: Field<'_>) -> usize {
    if field.ty() != Type::Record {
        return 1;
    }
    field.fields().map(leaf_count).fold(0, usize::saturating_add)
}

/// Returns the canonical format of `layout` as text. Returns `None` if no format describes `layout`.
fn canonical_format(layout: &Layout) -> Option<String> {
    let format = layout.emit(Target::Canonical).ok()?;
    Some(String::from_utf8(format).unwrap_or_else(|error| escape(error.as_bytes()).into_owned()))
}

/// Builds the nodes of a schema. The nodes are built in the order of the format, so that each leaf is the next
/// leaf of the plan.
struct SchemaBuilder<'w> {
    /// The decode plan of the layout.
    plan: &'w Plan,
    /// An empty column for each leaf of the plan.
    leaves: &'w [Column],
    /// The index in the plan of the leaf that is built next.
    next_leaf: usize,
    /// The dotted names of the byte strings that become `Utf8`, and whether the builder found a field of the name.
    utf8: BTreeMap<&'w [u8], bool>,
    /// The verdicts of the leaves that were built.
    verdicts: Vec<Verdict>,
    /// The number of lists and structs around the node that is built.
    levels: usize,
}

impl<'w> SchemaBuilder<'w> {
    /// Creates a builder for the leaves of `plan`. `leaves` has an empty column for each leaf. No byte string
    /// becomes `Utf8`.
    fn new(plan: &'w Plan, leaves: &'w [Column]) -> Self {
        Self { plan, leaves, next_leaf: 0, utf8: BTreeMap::new(), verdicts: Vec::new(), levels: 0 }
    }

    /// Builds a node for each field of `record`. `parent` is the dotted name of `record`, or `None` for the item.
    /// Returns an error if a field cannot be mapped.
    fn fields(&mut self, record: Field<'_>, parent: Option<&str>) -> Result<Vec<Node>, BatchError> {
        let node = |(index, field): (usize, Field<'_>)| {
            let name = field.name_text().unwrap_or_else(|| format!("f{index}"));
            let dotted = parent.map_or_else(|| name.clone(), |parent| format!("{parent}.{name}"));
            self.node(field, name, dotted)
        };
        record.fields().enumerate().map(node).collect()
    }

    /// Builds the node of `field`, and the nodes of its fields if `field` is a record. `column_name` is the name in the
    /// schema, and `name` is the dotted name. The next leaf of the plan must be the first leaf of `field`. Adds the
    /// verdict of each leaf to `verdicts`.
    ///
    /// # Errors
    /// - a dimension, or the size of a value in bytes, exceeds the range of an `i32`: [`BatchError::TooLong`]
    /// - more than `MOST_LEVELS` lists and structs are nested: [`BatchError::TooDeep`]
    /// - every error of [`leaf`](Self::leaf)
    fn node(&mut self, field: Field<'_>, column_name: String, name: String) -> Result<Node, BatchError> {
        let too_long = |count, unit| BatchError::TooLong { field: name.clone(), count, unit };
        // Arrow stores the length of a list as an `i32`. A batch needs the length as a `usize`.
        let narrow = |length: &u64| {
            let narrowed = i32::try_from(*length).ok().zip(usize::try_from(*length).ok());
            narrowed.ok_or_else(|| too_long(*length, "elements"))
        };
        let lengths = field.shape().iter().map(narrow).collect::<Result<Vec<(i32, usize)>, BatchError>>()?;
        let size = field.size();
        let enclosing = self.levels;
        let levels = enclosing.saturating_add(lengths.len()).saturating_add((field.ty() == Type::Record).into());
        if levels > MOST_LEVELS {
            return Err(BatchError::TooDeep { field: name, levels: to_u64(levels) });
        }
        let (kind, element) = if field.ty() == Type::Record {
            self.levels = levels;
            let nodes = self.fields(field, Some(&name))?;
            self.levels = enclosing;
            let fields: Fields = nodes.iter().map(|node| Arc::clone(&node.field)).collect();
            (NodeKind::Record(nodes), DataType::Struct(fields))
        } else {
            let size = i32::try_from(size).map_err(|_| too_long(size, "bytes"))?;
            let encoding = self.leaf(field, size, &name)?;
            let element = encoding.data_type();
            (NodeKind::Leaf(encoding), element)
        };
        // A list of dates is not null, but its dates can be.
        let mut is_nullable = matches!(&kind, NodeKind::Leaf(encoding) if encoding.is_nullable());
        let data_type = lengths
            .iter()
            .rev()
            .fold(element.clone(), |element, (length, _)| list(element, *length, core::mem::take(&mut is_nullable)));
        let field = arrow_schema::Field::new(column_name, data_type, is_nullable).with_metadata(metadata(field));
        let shape = lengths.into_iter().map(|(_, length)| length).collect();
        Ok(Node { name, field: Arc::new(field), shape, element, kind })
    }

    /// Chooses the encoding of `field`, which must be the next leaf of the plan. `size` is the size of the field in
    /// bytes, and `name` is the dotted name of the field. Adds the verdict of the field to `verdicts`. Returns an error
    /// if Arrow cannot store the field.
    fn leaf(&mut self, field: Field<'_>, size: i32, name: &str) -> Result<Encoding, BatchError> {
        let (leaf, column) = (self.plan.leaves().get(self.next_leaf), self.leaves.get(self.next_leaf));
        let (Some(leaf), Some(column)) = (leaf, column) else {
            return Err(DecodeError::internal("a plan has not the leaves of its layout").into());
        };
        self.next_leaf = self.next_leaf.saturating_add(1);
        let width = i32::try_from(LongDouble::width(field.model().long_double.format))
            .map_err(|_| DecodeError::internal("a long double has more than 31 bits of bytes"))?;
        let mut encoding = Encoding::of(column.ty, field.user_type(), size, &column.data, width, field.nul_handling());
        let leaf_name = leaf.name();
        let leaf_name: &[u8] = if leaf_name.is_empty() { b"value" } else { &leaf_name };
        if let Some(is_found) = self.utf8.get_mut(leaf_name) {
            if core::mem::replace(is_found, true) {
                return Err(DecodeError::RepeatedName { name: leaf_name.into() }.into());
            }
            if !matches!(field.ty(), Type::Bytes | Type::Pascal) {
                return Err(DecodeError::ElementType { found: field.ty().as_str(), wanted: "bytes" }.into());
            }
            encoding = Encoding::Utf8 { pascal: field.ty() == Type::Pascal };
        }
        // If an item has several leaves, the values of one leaf are not contiguous in memory.
        let is_only_leaf = self.leaves.len() == 1;
        self.verdicts.push(Verdict::of(name.into(), field, leaf, &encoding, self.plan.itemsize(), is_only_leaf));
        Ok(encoding)
    }
}

/// Returns the metadata of the Arrow field for `field`. The metadata has the facts that an Arrow type does not contain.
/// `pep3118.type` is the name of the type, and `pep3118.byte_order` is the byte order if the type has a byte order.
/// `pep3118.format` is the canonical format with the shape. A record has no `pep3118.format`.
fn metadata(field: Field<'_>) -> HashMap<String, String> {
    let mut metadata = HashMap::from([("pep3118.type".into(), field.ty().as_str().into())]);
    metadata.extend(field.endian().map(|endian| ("pep3118.byte_order".into(), endian.as_str().into())));
    if field.ty() != Type::Record {
        let format = canonical_format(&field.element_layout());
        let lengths: Vec<String> = field.shape().iter().map(ToString::to_string).collect();
        let shape = if lengths.is_empty() { String::new() } else { format!("({})", lengths.join(",")) };
        metadata.extend(format.map(|format| ("pep3118.format".into(), format!("{shape}{format}"))));
    }
    metadata
}
