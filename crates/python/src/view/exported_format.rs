//! `exported_format`: the format that consumers of a view get.

use pep3118::abi::DataModel;
use pep3118::layout::{Comparison, Dialect, Equivalence, Field, Layout, Target, reconcile};
use pep3118::py::ItemDescription;

/// How the readers of formats interpret a format, compared with a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Agreement {
    /// At least one reader finds another layout, or cannot decide between several layouts.
    Wrong,
    /// No reader finds another layout, and NumPy refuses the format.
    NumPyRefuses,
    /// Every reader finds the layout.
    Full,
}

/// Returns the format that consumers get for the items of `description`. Returns `None` if this is the format of the
/// description.
///
/// Some formats have several interpretations. NumPy writes `T{T{d:f0:b:f1:}:x:xxxxxxxb:y:}` for an aligned dtype, and
/// reads another layout from it. So the result is a format that NumPy, `struct` and this package interpret as the same
/// layout, if there is such a format.
pub(super) fn exported_format(description: &ItemDescription) -> Option<Box<[u8]>> {
    // A format of one number has one interpretation.
    if description.plan().is_one_leaf() && description.item().shape().is_empty() {
        return None;
    }
    let layout = description.layout();
    let own = agreement(description.format(), layout);
    if own == Agreement::Full {
        return None;
    }
    let mut best = (own, None);
    for target in [Target::NumPy, Target::Canonical] {
        let Ok(format) = layout.emit(target) else { continue };
        let found = agreement(&format, layout);
        if found > best.0 {
            best = (found, Some(format.into()));
        }
    }
    best.1
}

/// Returns how the readers of formats interpret `format`, compared with `layout`.
fn agreement(format: &[u8], layout: &Layout) -> Agreement {
    let model = &DataModel::HOST;
    let is_same = |read: &Layout| {
        Comparison::of_layouts(read, layout).equivalence >= Some(Equivalence::LayoutIgnoringNames)
            && has_same_sizes(read.item(), layout.item())
    };
    // The dialect `pep3118` has the layouts of `struct` for the formats that `struct` reads.
    let by_struct = Layout::read(format, &Dialect::PEP3118, model);
    let by_package = reconcile(format, Some(layout.size()), None, model);
    if !by_struct.is_ok_and(|read| is_same(&read)) || !by_package.is_ok_and(|read| is_same(&read.layout)) {
        return Agreement::Wrong;
    }
    match Layout::read(format, &Dialect::NUMPY_READER, model) {
        Ok(read) if is_same(&read) => Agreement::Full,
        Ok(_) => Agreement::Wrong,
        Err(_) => Agreement::NumPyRefuses,
    }
}

/// Returns whether all records in `one` and `other` have the same sizes. `Comparison` ignores padding at the end of a
/// record.
// The recursion is as deep as records are nested, which the parser bounds.
fn has_same_sizes(one: Field<'_>, other: Field<'_>) -> bool {
    one.size() == other.size() && one.fields().zip(other.fields()).all(|(one, other)| has_same_sizes(one, other))
}
