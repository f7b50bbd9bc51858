//! [`Layout::with_names`], [`Layout::name_field`] and [`Layout::retype`]: change the names and types of fields after a
//! layout was computed. The offsets and the total sizes of the fields do not change.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::builder::{BuildError, MAX_NAME_BYTES};
use super::tree::{Field, Layout, NO_NAME};
use super::ty::Type;
use crate::span::Span;
use crate::text::escape;

impl Layout {
    /// Returns a copy of this layout, in which the fields of the item have the names `names`, in the order of the
    /// format. A name is text or bytes. The names replace existing names.
    ///
    /// The fields of the item are the fields of [`item`](Layout::item) if the item is a record, and the top-level
    /// fields otherwise. Use this function for a format without names, such as a format of the `struct` module.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, Target};
    /// let layout = Layout::read("<hf", &Dialect::STRUCT, &DataModel::LP64)?.with_names(["id", "price"])?;
    /// assert_eq!(layout.item().field("price").unwrap().offset(), 2);
    /// assert_eq!(layout.emit(Target::Canonical)?, b"T{<h:id:f:price:}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - the number of names is not the number of fields, such as one name for `<hf`: [`BuildError::NameCount`]
    /// - two names are equal: [`BuildError::DuplicateName`]
    /// - the names have more than 1 MiB together: [`BuildError::Limit`]
    pub fn with_names<N: AsRef<[u8]>>(&self, names: impl IntoIterator<Item = N>) -> Result<Self, BuildError> {
        let item = self.item();
        let record = if item.ty() == Type::Record { item } else { self.root() };
        let fields: Vec<u32> = record.fields().map(Field::index).collect();
        let mut layout = self.clone();
        // A field whose name has the span `NO_NAME`, which is empty and at byte 0, has no name. The first name
        // therefore starts at byte 1.
        layout.names = Vec::from([b':']);
        let mut used = BTreeSet::new();
        let mut spans = Vec::new();
        for name in names {
            let (name, start) = (name.as_ref(), layout.names.len());
            if start.saturating_add(name.len()) > MAX_NAME_BYTES {
                return Err(BuildError::Limit { what: "bytes of names", limit: MAX_NAME_BYTES });
            }
            if !used.insert(name.to_vec()) {
                return Err(BuildError::DuplicateName { name: escape(name).into_owned() });
            }
            if spans.len() == fields.len() {
                return Err(BuildError::NameCount { names: spans.len().saturating_add(1), fields: fields.len() });
            }
            layout.names.extend_from_slice(name);
            spans.push(Span::new(start, layout.names.len()));
        }
        if spans.len() != fields.len() {
            return Err(BuildError::NameCount { names: spans.len(), fields: fields.len() });
        }
        // The names of all other fields stay, and are copied after the new names.
        let mut spans = fields.iter().zip(spans).peekable();
        for (index, node) in (0_u32..).zip(&mut layout.nodes) {
            if let Some((_, span)) = spans.next_if(|(field, _)| **field == index) {
                node.name = span;
            } else if node.name != NO_NAME {
                let start = layout.names.len();
                layout.names.extend_from_slice(node.name.of(&self.names));
                node.name = Span::new(start, layout.names.len());
            }
        }
        Ok(layout)
    }

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
