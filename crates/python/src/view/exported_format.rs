//! `ExportedFormat`: the format that a `View` exports through the buffer protocol.
//!
//! NumPy first requests a buffer of an object, and reads `__array_interface__` only if the object refuses the request.
//! For some layouts, no format exists that NumPy reads as the same layout: overlapping fields, fields that are not in
//! the order of their offsets, and a byte-swapped `long double`. For these layouts, a `View` refuses requests for the
//! format. NumPy then reads the array interface, in which a dtype describes the items.

use pep3118::abi::DataModel;
use pep3118::layout::{Comparison, Dialect, Equivalence, Field, Layout, Target, Type, reconcile};
use pep3118::py::ItemDescription;

use crate::dtype::has_dtype;

/// The agreement between an expected layout and the layouts that NumPy, `struct` and this package read from a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Agreement {
    /// At least one reader finds another layout, or this package refuses the format or finds several possible layouts.
    Wrong,
    /// No reader finds another layout, and NumPy refuses the format.
    NumPyRefuses,
    /// Every reader finds the expected layout.
    Full,
}

/// The format in the buffers that a view exports.
#[derive(Debug)]
pub(super) enum ExportedFormat {
    /// Consumers get the format of the item description.
    Own,
    /// Consumers get this format.
    Other(Box<[u8]>),
    /// A request for the format is refused, because only a dtype describes the items.
    Refused,
}

impl ExportedFormat {
    /// Returns the format that consumers get for the items of `description`.
    ///
    /// Some formats have several interpretations. NumPy writes `T{T{d:f0:b:f1:}:x:xxxxxxxb:y:}` for an aligned dtype,
    /// and reads another layout from it. The result is therefore a format that NumPy, `struct` and this package
    /// interpret as the same layout, if such a format exists. If NumPy reads no format as this layout, but has a dtype
    /// for the layout, the result is `Refused`.
    pub(super) fn of(description: &ItemDescription) -> Self {
        let is_leaf_of = |types: &[Type]| description.plan().leaves().iter().any(|leaf| types.contains(&leaf.ty()));
        // NumPy reads `3x`, the format of its own dtype `V3`, as a record without fields. In other exporters, `3x`
        // means bytes.
        let is_void = is_leaf_of(&[Type::Void]);
        let is_numpy = description.dialect().is_some_and(|dialect| dialect.name == Dialect::NUMPY.name);
        // A format of one number has one interpretation. NumPy does not read a byte-swapped `long double`, and has dtypes
        // but no formats for user types and for `Ze`.
        if description.plan().is_one_leaf()
            && description.item().shape().is_empty()
            && !is_leaf_of(&[Type::LongDouble, Type::ComplexLongDouble, Type::Complex32, Type::Opaque])
            && !(is_void && is_numpy)
        {
            return Self::Own;
        }
        let layout = description.layout();
        let mut best = (agreement(description.format(), layout), Self::Own);
        for target in [Target::NumPy, Target::Canonical] {
            if best.0 == Agreement::Full {
                break;
            }
            let Ok(format) = layout.emit(target) else { continue };
            let found = agreement(&format, layout);
            if found > best.0 {
                best = (found, Self::Other(format.into()));
            }
        }
        // NumPy has no type for pointers: an address has the dtype of an integer. Only the format declares the
        // pointers, so a request for the format is not refused.
        if best.0 < Agreement::Full && !is_leaf_of(&[Type::Pointer]) && has_dtype(layout) {
            return Self::Refused;
        }
        best.1
    }
}

/// Returns the agreement between `layout` and the layouts that NumPy, `struct` and this package read from `format`.
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

/// Returns `true` if `one` and `other` have the same records with the same sizes. `Comparison` does not check the
/// sizes: it ignores padding at the end of a record, and treats a record without fields as bytes.
// The depth of the recursion is the nesting depth of records, which the parser limits.
fn has_same_sizes(one: Field<'_>, other: Field<'_>) -> bool {
    let is_record = |field: Field<'_>| field.ty() == Type::Record;
    one.size() == other.size()
        && is_record(one) == is_record(other)
        && one.fields().zip(other.fields()).all(|(one, other)| has_same_sizes(one, other))
}
