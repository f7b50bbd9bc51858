//! A property of syntax trees that the parser did not create: printing a tree fails, or the printed text has the same
//! tree.

use arbitrary::{Result, Unstructured};
use pep3118::Format;
use pep3118::arbitrary::members;

/// Prints a random tree. If the tree can be printed, asserts that the text has the same tree. Returns whether the
/// tree could be printed.
pub fn ast_roundtrip(bytes: &mut Unstructured<'_>) -> Result<bool> {
    let members = members(bytes, 4)?;
    match Format::from_members(&members) {
        Ok(format) => {
            assert_eq!(format.members(), members);
            super::parse_format(format.as_bytes());
            Ok(true)
        }
        Err(error) => {
            assert!(error.span().end() <= error.source_bytes().len(), "{error:?}");
            assert!(!format!("{error:#}").is_empty());
            Ok(false)
        }
    }
}
