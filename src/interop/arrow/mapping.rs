//! `Mapping`: the Arrow schema of a layout.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use std::collections::HashMap;

use arrow_schema::{DataType, FieldRef, Fields, Schema, SchemaRef};

use super::cells::{Cells, list};
use super::error::BatchError;
use super::verdict::Verdict;
use crate::decode::{Column, DecodeError, LongDouble, Plan};
use crate::layout::{Field, Layout, Target, Type};
use crate::text::escape;

/// The Arrow schema of a layout, which makes record batches of its items.
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
    pub(super) plan: Plan,
    /// The indices of the leaves in the plan, unless the mapping has all of them.
    places: Option<Vec<usize>>,
    /// An empty column for each leaf, with which the columns of a batch are compared.
    pub(super) leaves: Vec<Column>,
    pub(super) columns: Vec<Node>,
    schema: SchemaRef,
    verdicts: Vec<Verdict>,
}

/// A field of the schema.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// The dotted name.
    pub(super) name: String,
    pub(super) field: FieldRef,
    pub(super) shape: Vec<usize>,
    /// The type of one element.
    pub(super) element: DataType,
    pub(super) kind: NodeKind,
}

#[derive(Clone, Debug)]
pub(super) enum NodeKind {
    Leaf(Cells),
    Record(Vec<Node>),
}

impl Mapping {
    /// Maps a layout, with byte strings as `FixedSizeBinary`.
    ///
    /// # Errors
    /// - `(2147483648)B`: an Arrow list has fewer elements
    /// - as [`Plan::new`]
    pub fn new(layout: &Layout) -> Result<Self, BatchError> {
        Self::with_utf8(layout, &[])
    }

    /// Maps a layout, with the byte strings of these dotted names as `Utf8`. The name of an item that is not a
    /// record is `value`.
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
    /// - `&[b"c"]` of `T{3s:a:<i:b:}`: no such field; `&[b"b"]`: not a byte string
    /// - as [`new`](Self::new)
    pub fn with_utf8(layout: &Layout, names: &[&[u8]]) -> Result<Self, BatchError> {
        let plan = Plan::new(layout)?;
        let leaves = plan.columns(&[], None)?;
        let mut builder = SchemaBuilder::new(&plan, &leaves);
        builder.utf8 = names.iter().copied().collect();
        let item = layout.item();
        let columns = if item.ty() == Type::Record && item.shape().is_empty() {
            builder.fields(item, "")?
        } else {
            Vec::from([builder.node(item, "value".into(), "value".into())?])
        };
        if let Some(name) = builder.utf8.first() {
            return Err(DecodeError::NoField { name: Box::from(*name) }.into());
        }
        let verdicts = builder.verdicts;
        Ok(Self::of_nodes(layout, columns, verdicts, plan, None, leaves))
    }

    /// Maps some fields, each to a column with its dotted name. Fields of nested records become columns like
    /// the others. The other fields may have types that Arrow lacks.
    ///
    /// The names are those of the schema and of the [verdicts](Self::verdicts): `f0` by its index for a field
    /// without a name, `value` for an item that is not a record. Of several fields with the same name the
    /// first is mapped.
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
    /// - `&["c"]` of `T{<i:a:<d:b:}`: no such field
    /// - as [`new`](Self::new), for the fields with these names
    pub fn with_columns(layout: &Layout, names: &[&str]) -> Result<Self, BatchError> {
        let plan = Plan::new(layout)?;
        let all = plan.columns(&[], None)?;
        let mut builder = SchemaBuilder::new(&plan, &all);
        let mut places = Vec::new();
        let mut columns = Vec::new();
        for name in names {
            let (field, place) = find(layout, name)?;
            builder.next = place;
            columns.push(builder.node(field, (*name).into(), (*name).into())?);
            places.extend(place..builder.next);
        }
        let verdicts = builder.verdicts;
        let leaves = places.iter().filter_map(|place| all.get(*place).cloned()).collect();
        Ok(Self::of_nodes(layout, columns, verdicts, plan, Some(places), leaves))
    }

    fn of_nodes(
        layout: &Layout,
        columns: Vec<Node>,
        verdicts: Vec<Verdict>,
        plan: Plan,
        places: Option<Vec<usize>>,
        leaves: Vec<Column>,
    ) -> Self {
        let mut metadata = HashMap::new();
        metadata.extend(canonical_format(layout).map(|format| ("pep3118.format".into(), format)));
        metadata.insert("pep3118.itemsize".into(), layout.size().to_string());
        let fields: Fields = columns.iter().map(|node| Arc::clone(&node.field)).collect();
        let schema = Arc::new(Schema::new_with_metadata(fields, metadata));
        Self { plan, places, leaves, columns, schema, verdicts }
    }

    /// Returns the indices of the mapped leaves in a plan of the layout; `None` for all.
    pub(super) fn places(&self) -> Option<&[usize]> {
        self.places.as_deref()
    }

    /// Returns the schema: one field for each field of the item, or one with the name `value`.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Returns the verdict of each field that is not a record, in the order of the format.
    #[must_use]
    pub fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }
}

/// Finds the field of a dotted name, and the number of leaves before it.
fn find<'l>(layout: &'l Layout, name: &str) -> Result<(Field<'l>, usize), BatchError> {
    fn search<'l>(field: Field<'l>, dotted: &str, name: &str, leaves_before: &mut usize) -> Option<Field<'l>> {
        let record = field.ty() == Type::Record;
        if !record || !field.shape().is_empty() {
            if dotted == name {
                return Some(field);
            }
            *leaves_before = leaves_before.saturating_add(leaf_count(field));
            return None;
        }
        field.fields().enumerate().find_map(|(index, child)| {
            let own = child.name_text().unwrap_or_else(|| format!("f{index}"));
            let dotted = if dotted.is_empty() { own } else { format!("{dotted}.{own}") };
            search(child, &dotted, name, leaves_before)
        })
    }
    let item = layout.item();
    let root = if item.ty() == Type::Record && item.shape().is_empty() { "" } else { "value" };
    let mut leaves_before = 0;
    match search(item, root, name, &mut leaves_before) {
        Some(field) => Ok((field, leaves_before)),
        None => Err(DecodeError::NoField { name: name.as_bytes().into() }.into()),
    }
}

fn leaf_count(field: Field<'_>) -> usize {
    if field.ty() != Type::Record {
        return 1;
    }
    field.fields().map(leaf_count).fold(0, usize::saturating_add)
}

/// Returns the canonical format, if the layout has one.
fn canonical_format(layout: &Layout) -> Option<String> {
    let format = layout.emit(Target::Canonical).ok()?;
    Some(String::from_utf8(format).unwrap_or_else(|error| escape(error.as_bytes()).into_owned()))
}

/// Builds the nodes of a schema, in the order of the leaves of the plan.
struct SchemaBuilder<'w> {
    plan: &'w Plan,
    leaves: &'w [Column],
    /// The index of the next leaf.
    next: usize,
    /// Names of the fields that become `Utf8`, without those that were found.
    utf8: BTreeSet<&'w [u8]>,
    verdicts: Vec<Verdict>,
}

impl<'w> SchemaBuilder<'w> {
    fn new(plan: &'w Plan, leaves: &'w [Column]) -> Self {
        Self { plan, leaves, next: 0, utf8: BTreeSet::new(), verdicts: Vec::new() }
    }

    fn fields(&mut self, record: Field<'_>, above: &str) -> Result<Vec<Node>, BatchError> {
        let node = |(index, field): (usize, Field<'_>)| {
            let own = field.name_text().unwrap_or_else(|| format!("f{index}"));
            let dotted = if above.is_empty() { own.clone() } else { format!("{above}.{own}") };
            self.node(field, own, dotted)
        };
        record.fields().enumerate().map(node).collect()
    }

    fn node(&mut self, field: Field<'_>, own: String, name: String) -> Result<Node, BatchError> {
        let too_long = |extent, unit| BatchError::TooLong { field: name.clone(), extent, unit };
        // Arrow needs an `i32`, the arrays of a batch a `usize`.
        let narrow = |length: &u64| {
            let narrowed = i32::try_from(*length).ok().zip(usize::try_from(*length).ok());
            narrowed.ok_or_else(|| too_long(*length, "elements"))
        };
        let lengths = field.shape().iter().map(narrow).collect::<Result<Vec<(i32, usize)>, BatchError>>()?;
        let size = field.size();
        let (kind, element) = if field.ty() == Type::Record {
            let nodes = self.fields(field, &name)?;
            let fields: Fields = nodes.iter().map(|node| Arc::clone(&node.field)).collect();
            (NodeKind::Record(nodes), DataType::Struct(fields))
        } else {
            let size = i32::try_from(size).map_err(|_| too_long(size, "bytes"))?;
            let cells = self.leaf(field, size, &name)?;
            let element = cells.data_type();
            (NodeKind::Leaf(cells), element)
        };
        let data_type = lengths.iter().rev().fold(element.clone(), |element, (length, _)| list(element, *length));
        let field = arrow_schema::Field::new(own, data_type, false).with_metadata(metadata(field));
        let shape = lengths.into_iter().map(|(_, length)| length).collect();
        Ok(Node { name, field: Arc::new(field), shape, element, kind })
    }

    fn leaf(&mut self, field: Field<'_>, size: i32, name: &str) -> Result<Cells, BatchError> {
        let (leaf, column) = (self.plan.leaves().get(self.next), self.leaves.get(self.next));
        let (Some(leaf), Some(column)) = (leaf, column) else {
            return Err(DecodeError::internal("a plan has not the leaves of its layout").into());
        };
        self.next = self.next.saturating_add(1);
        let width = i32::try_from(LongDouble::width(field.model().long_double.format))
            .map_err(|_| DecodeError::internal("a long double has more than 31 bits of bytes"))?;
        let mut cells = Cells::of(field.ty(), size, &column.data, width);
        let leaf_name: &[u8] = if leaf.name().is_empty() { b"value" } else { leaf.name() };
        if self.utf8.remove(leaf_name) {
            if !matches!(field.ty(), Type::Bytes | Type::Pascal) {
                return Err(DecodeError::ElementType { found: field.ty().as_str(), wanted: "bytes" }.into());
            }
            cells = Cells::Utf8 { pascal: field.ty() == Type::Pascal };
        }
        // Several leaves of an item are not contiguous.
        let single = self.leaves.len() == 1;
        self.verdicts.push(Verdict::of(name.into(), field, leaf, &cells, self.plan.itemsize(), single));
        Ok(cells)
    }
}

/// Returns the metadata of a field: the properties that Arrow's types lack.
fn metadata(field: Field<'_>) -> HashMap<String, String> {
    let mut metadata = HashMap::from([("pep3118.type".into(), field.ty().as_str().into())]);
    metadata.extend(field.endian().map(|endian| ("pep3118.byte_order".into(), endian.as_str().into())));
    if field.ty() != Type::Record {
        let format = canonical_format(&Layout::of_one(field.ty(), field.size(), field.endian(), field.model()));
        let lengths: Vec<String> = field.shape().iter().map(ToString::to_string).collect();
        let shape = if lengths.is_empty() { String::new() } else { format!("({})", lengths.join(",")) };
        metadata.extend(format.map(|format| ("pep3118.format".into(), format!("{shape}{format}"))));
    }
    metadata
}
