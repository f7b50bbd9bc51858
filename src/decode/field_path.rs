//! [`FieldPath`]: the names of a field and of the records around the field. The fields of a record share the names of
//! the enclosing records. Hence the memory for the names of all fields is linear in the length of the format.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The names of a field and of the records around the field. The *dotted name* consists of these names, joined with
/// dots: `a.b`. The fields of a record with an empty name have dotted names such as `.b`.
// The parser and `LayoutBuilder` permit 64 levels of nested records, so the recursion of `eq` and `drop` is bounded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct FieldPath {
    /// The path of the enclosing record. `None` for the fields of the item, and for an item that is not a record.
    record: Option<Arc<FieldPath>>,
    /// The name of the field itself.
    name: Box<[u8]>,
    /// The length of the dotted name in bytes.
    len: usize,
}

impl FieldPath {
    /// Creates the path of the field `name` in `record`. `record` is the path of the enclosing record, or `None` for
    /// the item.
    pub(super) fn new(record: Option<Arc<Self>>, name: &[u8]) -> Self {
        let before = record.as_ref().map_or(0, |record| record.len.saturating_add(1));
        Self { record, name: name.into(), len: before.saturating_add(name.len()) }
    }

    /// Returns the length of the dotted name in bytes.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Returns the dotted name.
    pub(super) fn dotted(&self) -> Cow<'_, [u8]> {
        if self.len == self.name.len() {
            return Cow::Borrowed(&self.name);
        }
        let parts: Vec<&Self> = core::iter::successors(Some(self), |path| path.record.as_deref()).collect();
        let mut dotted = Vec::with_capacity(self.len);
        for part in parts.into_iter().rev() {
            if part.record.is_some() {
                dotted.push(b'.');
            }
            dotted.extend_from_slice(&part.name);
        }
        Cow::Owned(dotted)
    }

    /// Returns whether the dotted name is `dotted`.
    pub(super) fn is(&self, dotted: &[u8]) -> bool {
        if self.len != dotted.len() {
            return false;
        }
        let (mut path, mut rest) = (self, dotted);
        loop {
            let Some(before) = rest.strip_suffix(&*path.name) else { return false };
            let Some(record) = &path.record else { return before.is_empty() };
            let Some(before) = before.strip_suffix(b".") else { return false };
            (path, rest) = (record, before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Creates the path of the field `name` inside of nested records with the names `records`, outermost first.
    fn path(records: &[&str], name: &str) -> FieldPath {
        let record = records.iter().fold(None, |record, name| Some(Arc::new(FieldPath::new(record, name.as_bytes()))));
        FieldPath::new(record, name.as_bytes())
    }

    #[test]
    fn a_dotted_name_joins_the_names_of_the_records_and_the_field() {
        for (records, name, dotted) in [
            (&[][..], "a", "a"),
            (&["a"], "b", "a.b"),
            (&["a", "b.c"], "d", "a.b.c.d"),
            (&[""], "b", ".b"),
            (&["a", ""], "b", "a..b"),
            (&["a"], "", "a."),
            (&[""], "", "."),
        ] {
            let path = path(records, name);
            assert_eq!((&*path.dotted(), path.len()), (dotted.as_bytes(), dotted.len()), "{dotted}");
            assert!(path.is(dotted.as_bytes()), "{dotted}");
        }
    }

    #[test]
    fn a_path_has_no_other_name_than_its_dotted_name() {
        let path = path(&["ab"], "c");
        for other in ["", "c", "ab", "b.c", "ab.d", "abxc", ".ab.c", "xb.c"] {
            assert!(!path.is(other.as_bytes()), "{other}");
        }
    }
}
