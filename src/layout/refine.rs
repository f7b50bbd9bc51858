//! Changes the names and types of fields after a layout was computed. The offsets and the total sizes of the fields do
//! not change.

use super::tree::{Field, Layout, NO_NAME};
use super::ty::Type;
use crate::span::Span;

impl Layout {
    /// Gives the field with the index `index` the name `name`, which must not be empty. Does nothing if the field
    /// already has a name, or if no field has this index.
    #[doc(hidden)]
    pub fn name_field(&mut self, index: u32, name: &[u8]) {
        debug_assert!(!name.is_empty(), "an empty name at byte 0 means that a field has no name");
        let start = self.names.len();
        let node = usize::try_from(index).ok().and_then(|index| self.nodes.get_mut(index));
        if let Some(node) = node.filter(|node| node.name == NO_NAME) {
            self.names.extend_from_slice(name);
            node.name = Span::new(start, self.names.len());
        }
    }

    /// Changes the type of the field with the index `index` to `ty`. `index` must be the [`Field::index`] of a field
    /// of this layout. `ty` must be a type without byte order. If `join` is true, the elements of the last dimension
    /// become one value: `(3,16)c` becomes three values of 16 bytes. Returns `true` if the type was changed.
    ///
    /// Returns `false` and changes nothing if `join` is true and the field would have 2^64 values or more. Example:
    /// without its last dimension, the empty array `(4294967296,4294967296,0)c` would have 2^64 values. Also returns
    /// `false` if no field has the index `index`.
    #[doc(hidden)]
    pub fn retype(&mut self, index: u32, ty: Type, join: bool) -> bool {
        debug_assert!(!ty.has_byte_order(), "{ty}");
        let shape = Field::at(self, index).shape();
        let (last, outer) = shape.split_last().filter(|_| join).map_or((1, shape), |(last, outer)| (*last, outer));
        let count = match outer.contains(&0) {
            true => Some(0),
            false => outer.iter().try_fold(1_u64, |count, length| count.checked_mul(*length)),
        };
        // A field has at most 64 dimensions.
        let ndim = u8::try_from(outer.len()).ok();
        let node = usize::try_from(index).ok().and_then(|index| self.nodes.get_mut(index));
        let (Some(count), Some(ndim), Some(node)) = (count, ndim, node) else { return false };
        node.size = node.size.saturating_mul(last);
        (node.count, node.ndim, node.ty, node.endian) = (count, ndim, ty, None);
        true
    }
}
