//! Fields that share bytes: unions, bit-fields, views of one field under several names.

use alloc::vec::Vec;

use super::model::{Field, Layout};
use super::ty::Type;

impl Layout {
    /// Whether two fields of one record share bytes, as those of a union do. No format says so; the
    /// layout of a NumPy dtype or of a ctypes structure may.
    #[must_use]
    pub fn has_overlaps(&self) -> bool {
        let records = (0_u32..).zip(&self.nodes).filter(|(_, node)| node.ty == Type::Record);
        records.map(|(index, _)| Field::at(self, index)).any(Field::overlaps)
    }
}

impl<'l> Field<'l> {
    /// Whether two fields of this record share bytes.
    #[must_use]
    pub fn overlaps(self) -> bool {
        // In order, as in a format, one pass tells.
        let mut end = 0_u64;
        let mut in_order = true;
        for field in self.fields().filter(|field| field.total_size() > 0) {
            in_order &= field.offset() >= end;
            end = field.offset().saturating_add(field.total_size());
        }
        if in_order {
            return false;
        }
        let mut end = 0_u64;
        self.by_offset().into_iter().filter(|field| field.total_size() > 0).any(|field| {
            let shared = field.offset() < end;
            end = end.max(field.offset().saturating_add(field.total_size()));
            shared
        })
    }

    /// Whether this is a record of several fields which all begin at its first byte and share it.
    #[must_use]
    pub fn is_union(self) -> bool {
        self.fields().all(|field| field.offset() == 0)
            && self.fields().filter(|field| field.total_size() > 0).count() > 1
    }

    /// The fields of a record in the order in which they lie.
    pub(crate) fn by_offset(self) -> Vec<Self> {
        let mut fields: Vec<Field<'l>> = self.fields().collect();
        fields.sort_by_key(|field| field.offset());
        fields
    }
}
