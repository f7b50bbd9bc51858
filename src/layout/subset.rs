//! [`Field::with_fields`]: the layout of a record with some of the fields of another record, the [`ChosenField`]s.

use alloc::vec::Vec;

use super::tree::{Field, Layout, NO_NAME, Node, ROOT, to_u32};
use super::ty::Type;
use crate::span::Span;

/// A field for [`Field::with_fields`].
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct ChosenField<'f, 'l> {
    /// The name of the field in the new record, or `None` for a field without a name.
    pub name: Option<&'f [u8]>,
    /// The offset of the field in the new record in bytes.
    pub offset: u64,
    /// The field, at any depth of the old record.
    pub field: Field<'l>,
}

impl Field<'_> {
    /// Returns the layout of an item that is one record. The record has the size of this record and the fields
    /// `chosen`. The fields must be fields of this record, and must not end after the end of the record.
    #[doc(hidden)]
    #[must_use]
    pub fn with_fields(self, chosen: &[ChosenField<'_, '_>]) -> Layout {
        let layout = self.layout();
        let mut names = layout.names.clone();
        // `NO_NAME` is the empty span at byte 0. The colon makes sure that no name starts at byte 0.
        if names.is_empty() {
            names.push(b':');
        }
        let root = Node { size: self.size(), span: self.span(), order: self.node().order, ..ROOT };
        let mut nodes = Vec::from([root, root]);
        for ChosenField { name, offset, field } in chosen {
            let start = to_u32(nodes.len());
            // The index of the field changes from `field.index()` to `start`. The indices of the inner fields change by
            // the same number.
            let new_end = |node: &Node| node.end.saturating_sub(field.index()).saturating_add(start);
            let name = name.map_or(NO_NAME, |name| {
                let at = names.len();
                names.extend_from_slice(name);
                Span::new(at, names.len())
            });
            nodes.push(Node { offset: *offset, name, end: new_end(field.node()), ..*field.node() });
            let inner = field.descendants().skip(1);
            nodes.extend(inner.map(|inner| Node { end: new_end(inner.node()), ..*inner.node() }));
        }
        let end = to_u32(nodes.len());
        nodes.iter_mut().take(2).for_each(|node| node.end = end);
        debug_assert!(nodes.iter().take(2).all(|node| node.ty == Type::Record), "the root and the record");
        Layout { nodes, dims: layout.dims.clone(), names, ..*layout }
    }
}
