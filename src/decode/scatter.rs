//! Columns back into records.

use alloc::vec::Vec;

use super::buffer::{BufferMut, scratch, total};
use super::column_cells;
use super::columns::{Column, ColumnData};
use super::element::sealed::{Element, Source};
use super::error::{DecodeError, EncodeError, EncodeErrorKind, wide};
use super::leaf::Leaf;
use super::long_double::{LongDouble, name as representation};
use super::plan::Plan;
use super::swap;
use crate::text::escape;

impl Plan {
    /// The bytes of records that have these columns; padding is zero.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, decode::Plan};
    /// let plan = Plan::new(&Layout::read(b"T{>H:a:x>d:b:}", &Dialect::PEP3118, &DataModel::LP64)?)?;
    /// let records = [[0, 1, 0, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0], [0, 2, 0, 0x40, 0, 0, 0, 0, 0, 0, 0]].concat();
    /// assert_eq!(plan.encode_columns(&plan.columns(&records, None)?)?, records);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - a column for each of 2 fields of 3
    /// - as [`write_columns`](Self::write_columns)
    pub fn encode_columns(&self, columns: &[Column]) -> Result<Vec<u8>, EncodeError> {
        if columns.len() != self.leaves.len() {
            let (found, wanted) = (wide(columns.len()), wide(self.leaves.len()));
            return Err(EncodeErrorKind::Count { found, wanted, unit: "field" }.into());
        }
        let chosen = self.named(columns)?;
        // As many records as the first column has that has any bytes.
        let items = chosen.iter().zip(columns).find_map(|(leaf, column)| {
            let one = ColumnData::zeroed(leaf, 1).ok()?.len();
            column.data.len().checked_div(one)
        });
        let bytes = items.unwrap_or(0).checked_mul(self.size).ok_or(DecodeError::Allocation { bytes: u64::MAX })?;
        let mut records = scratch(bytes)?;
        self.write_columns(columns, &mut records)?;
        Ok(records)
    }

    /// Writes columns to the fields that they are named after, in records that lie one after the other.
    /// Other fields and padding are left as they were, and so is everything if one column does not fit.
    ///
    /// A column fits that [`columns`](Self::columns) could have read.
    ///
    /// # Errors
    /// - 10 bytes for records of 4
    /// - a column `c` of `T{<i:a:<d:b:}`, two columns `a`: no such field
    /// - a column of `int16` for `<i`, of another shape, of long doubles that are none of this machine
    /// - 2 values for 3 records
    pub fn write_columns(&self, columns: &[Column], records: &mut [u8]) -> Result<(), EncodeError> {
        let items = self.items_in(records.len())?;
        let leaves = self.named(columns)?;
        let mut sources = Vec::with_capacity(columns.len());
        for (leaf, column) in leaves.iter().zip(columns) {
            check(leaf, column, items).map_err(|kind| EncodeError::from(kind).inside(&escape(&column.name)))?;
            sources.push(column.data.source());
        }
        for (first, block) in column_cells::blocks_mut(records, self.size, leaves.iter().map(|leaf| leaf.bytes())) {
            for (leaf, source) in leaves.iter().zip(&sources) {
                source.scatter(leaf, block, self.size, first);
            }
        }
        Ok(())
    }

    /// A leaf for each column, by its name; each once.
    fn named(&self, columns: &[Column]) -> Result<Vec<&Leaf>, EncodeError> {
        let mut free: Vec<Option<&Leaf>> = self.leaves.iter().map(Some).collect();
        let mut start = 0_usize;
        let mut leaves = Vec::with_capacity(columns.len());
        for column in columns {
            // Columns mostly come in the order of the fields.
            let (before, after) = free.split_at_mut_checked(start).unwrap_or_default();
            let mut all = after.iter_mut().chain(before).enumerate();
            let found = all.find(|(_, leaf)| leaf.is_some_and(|leaf| leaf.name() == &*column.name));
            let Some((step, leaf)) = found.and_then(|(step, slot)| Some((step, slot.take()?))) else {
                return Err(DecodeError::NoField { name: column.name.as_slice().into() }.into());
            };
            start = start.saturating_add(step).saturating_add(1).checked_rem(self.leaves.len()).unwrap_or(0);
            leaves.push(leaf);
        }
        Ok(leaves)
    }
}

impl BufferMut<'_> {
    /// Writes columns to all items, the last index fastest; see [`Plan::write_columns`]. Fields without a
    /// column and padding are left as they were, and so is everything if one column does not fit.
    ///
    /// # Errors
    /// - as [`Plan::write_columns`]
    /// - more bytes than the machine has
    pub fn write_columns(&mut self, columns: &[Column]) -> Result<(), EncodeError> {
        total(self.view, self.plan.size)?;
        let mut copy = self.copy()?;
        self.plan.write_columns(columns, &mut copy)?;
        self.store(&copy)
    }
}

/// Refuses a column that the leaf could not have given.
fn check(leaf: &Leaf, column: &Column, items: usize) -> Result<(), EncodeErrorKind> {
    if column.ty != leaf.ty() {
        return Err(EncodeErrorKind::Kind { found: column.ty.as_str(), wanted: leaf.ty().as_str() });
    }
    let like = Column::zeroed(leaf, 0)?;
    if core::mem::discriminant(&like.data) != core::mem::discriminant(&column.data) {
        return Err(EncodeErrorKind::Kind { found: column.data.element(), wanted: like.data.element() });
    }
    if like.shape != column.shape {
        return Err(EncodeErrorKind::Kind { found: "a column", wanted: "a column of another shape" });
    }
    let wanted = like.shape.iter().fold(items, |count, extent| count.saturating_mul(*extent));
    if column.data.len() != wanted {
        return Err(EncodeErrorKind::Count { found: wide(column.data.len()), wanted: wide(wanted), unit: "element" });
    }
    let machine = leaf.kernel.long_double;
    if let ColumnData::LongDouble(elements) = &column.data
        && let Some(other) = elements.iter().find(|element| element.format() != machine)
    {
        let (found, wanted) = (representation(other.format()), representation(machine));
        return Err(EncodeErrorKind::LongDouble { found, wanted });
    }
    Ok(())
}

impl Source<'_> {
    /// The elements of the items from `first` on into their leaf.
    fn scatter(&self, leaf: &Leaf, items: &mut [u8], itemsize: usize, first: usize) {
        let (start, kernel) = (first.saturating_mul(leaf.bytes()), leaf.kernel);
        match self {
            Self::Units(elements) => {
                let elements = elements.get(start..).unwrap_or_default();
                swap::scatter(leaf, elements, items, itemsize);
            }
            Self::Bool(elements) => {
                let mut elements = elements.iter().skip(start.checked_div(kernel.size).unwrap_or(0));
                swap::each_run_mut(leaf, items, itemsize, &mut |run| {
                    for (cell, element) in run.chunks_exact_mut(kernel.size.max(1)).zip(elements.by_ref()) {
                        kernel.store_bool(*element, cell);
                    }
                });
            }
            Self::LongDouble(elements) => {
                let width = <LongDouble as Element>::width(&kernel);
                let mut elements = elements.iter().skip(start.checked_div(width).unwrap_or(0));
                swap::each_run_mut(leaf, items, itemsize, &mut |run| {
                    for (cell, element) in run.chunks_exact_mut(width.max(1)).zip(elements.by_ref()) {
                        element.write(cell, kernel.endian);
                    }
                });
            }
        }
    }
}
