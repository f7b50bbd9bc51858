//! Tests of the traits of the public data types. Every public type of the library is in one of the lists, and a type
//! that lacks a trait has the reason in the list. Also tests of `FromStr` and `Default`.

use std::fs;
use std::marker::PhantomData;
use std::path::Path;

use pep3118::abi::*;
#[cfg(feature = "arbitrary")]
use pep3118::arbitrary::StridedBuffer;
use pep3118::decode::record::{FieldLayout, MemberLayout, Mismatch, NotInPlace, RecordError, RecordLayout, RecordPlan};
use pep3118::decode::*;
use pep3118::format::*;
use pep3118::layout::*;
use pep3118::view::*;
use pep3118::{Align, Diagnostic, Endian, Span, UnknownName};

/// The traits that a data type should have. Only an error should have `Into<PyErr>`.
const TRAITS: [&str; 10] =
    ["Clone", "Debug", "PartialEq", "Eq", "Hash", "Send", "Sync", "Serialize", "Deserialize", "Into<PyErr>"];

/// Returns whether a type implements a trait. An inherent constant hides the constant of the trait `Missing`.
macro_rules! implements {
    ($ty:ty, $($bound:tt)+) => {{
        #[allow(dead_code, reason = "an implemented trait hides the constant")]
        trait Missing {
            const IMPLEMENTED: bool = false;
        }
        impl<T: ?Sized> Missing for T {}
        #[allow(dead_code)]
        struct Probe<T: ?Sized>(PhantomData<T>);
        #[allow(dead_code)]
        impl<T: ?Sized + $($bound)+> Probe<T> {
            const IMPLEMENTED: bool = true;
        }
        <Probe<$ty>>::IMPLEMENTED
    }};
}

/// Returns whether an error can be converted to a Python exception.
#[cfg(feature = "pyo3")]
macro_rules! is_exception {
    ($ty:ty) => {
        implements!($ty, Into<pyo3::PyErr>)
    };
}

/// Returns `true`, because the crate has no Python exceptions without the feature `pyo3`.
#[cfg(not(feature = "pyo3"))]
macro_rules! is_exception {
    ($ty:ty) => {
        true
    };
}

/// Returns the names of the traits of [`TRAITS`] that a type does not implement, as one `String` with spaces between
/// the names.
macro_rules! missing_traits {
    ($ty:ty) => {{
        let implemented = [
            implements!($ty, Clone),
            implements!($ty, std::fmt::Debug),
            implements!($ty, PartialEq),
            implements!($ty, Eq),
            implements!($ty, std::hash::Hash),
            implements!($ty, Send),
            implements!($ty, Sync),
            implements!($ty, serde::Serialize),
            implements!($ty, serde::de::DeserializeOwned),
            !implements!($ty, std::error::Error) || is_exception!($ty),
        ];
        TRAITS.iter().zip(implemented).filter(|(_, has)| !has).map(|(name, _)| *name).collect::<Vec<_>>().join(" ")
    }};
}

/// A list of types that lack the same traits for the same reason: the traits, the reason, and the types.
macro_rules! group {
    ($lacks:literal, $reason:literal: $($ty:ty),+ $(,)?) => {
        ($lacks, $reason, vec![$((stringify!($ty).split('<').next().unwrap_or_default().trim(), missing_traits!($ty))),+])
    };
}

/// The traits that all types of a group should lack, the reason, and the types. Each type has its name and the traits
/// that it lacks. The names of traits are separated by spaces.
type Group = (&'static str, &'static str, Vec<(&'static str, String)>);

/// Returns the lists of all public types.
fn groups() -> Vec<Group> {
    vec![
        group!("", "has all traits":
            Align, Alignment, BitField, Block, ByteBounds, ByteOrder, CType, CellStyle, Certainty, Class, Code, Codes,
            Comparison, Construct, Contiguity, CountLimit, DataModel, Dialect, Endian, Equivalence, FieldName, Finding,
            Format, Interpretation, Layout, Level, Limits, LongDoubleAbi, LongDoubleFormat, MemoryTraits, MetadataValue,
            NamedPadding, NativeOnly, Nul, NulHandling, Order, Owner, Placement, PythonLibrary, SourceLanguage, RaisedError, RawViewBuf,
            RecordSpacing, RefusalReason, Report, Request, RuleId, Scalar, Severity, Slice, Span, Step, Structure,
            StructureSize, Syntax, Target, TrailingPadding, Type, UserType, Whitespace, WideChar, ZeroCount,
        ),
        group!("Serialize Deserialize", "an error: a program records its text":
            BuildError, CError, DecodeError, EmitError, EncodeError, EncodeErrorKind, FlagsError, FormatError,
            FormatErrorKind, LayoutError, LayoutErrorKind, Mismatch, NotInPlace, NpyError, NumpyDescrError, RecordError,
            RequestError, RuleIdError, SourceError, UserTypeError, UnknownName, UnknownTriple, ViewError, Violation, Ambiguity,
            InterpretedSize,
        ),
        group!("Serialize Deserialize", "a part of a `Format`, whose data is its text":
            ByteOrderCharacter, Count, Dimension, Item, ItemType, Member, Name, Prefix, Shape, UserTypeName,
        ),
        group!("Serialize Deserialize", "refers to a buffer: `RawViewBuf` is its data":
            Checked<View<'static>>, Checker<'static>, ItemLayout, RequestOutcome<'static>, Selected<'static>,
            View<'static>,
        ),
        group!("Deserialize", "borrows its data: `RawViewBuf` and `Layout` own theirs": RawView<'static>, Field<'static>),
        group!("Serialize Deserialize", "borrows the items of a file": NpyFile<'static>),
        group!("Serialize Deserialize", "borrows a name and a shape for one call": MemberSpec<'static>),
        group!("Serialize Deserialize", "computed from a layout, which is its data": Leaf),
        group!("PartialEq Eq Hash Serialize Deserialize", "computed from a layout, which is its data": Plan, Picture,
            Table<'static>),
        group!("Clone PartialEq Eq Hash Serialize Deserialize", "computed from a layout and a struct": RecordPlan<u8>),
        group!("PartialEq Eq Hash Serialize Deserialize", "the layout of a struct of this program":
            FieldLayout, MemberLayout, RecordLayout),
        group!("PartialEq Eq Hash Serialize Deserialize", "a builder or a text with carets": Audit<'static>,
            Diagnostic<'static>, LayoutBuilder),
        group!("PartialEq Eq Hash Serialize Deserialize", "an iterator": Fields<'static>, Offsets<'static>,
            Steps<'static>),
        group!("Eq Hash Deserialize", "contains floats, and its data has no types": ArrayValue, RecordValue, Value),
        group!("Eq Hash Serialize Deserialize", "contains vectors of floats: Arrow is the data of a column": Column,
            ColumnData),
        group!("Eq Hash", "contains floats": UserValue),
        group!("Clone PartialEq Eq Hash Serialize Deserialize", "contains functions": UserTypeDefinition),
        #[cfg(feature = "arbitrary")]
        group!("PartialEq Eq Hash Serialize Deserialize", "random data of a test": StridedBuffer),
        group!("Deserialize", "its data is the nearest `f64`": LongDouble),
        group!("Clone PartialEq Eq Hash Serialize Deserialize", "refers to memory": Buffer<'static>, BufferMut<'static>,
            Destination<'static>),
    ]
}

#[test]
fn every_type_lacks_only_the_traits_that_its_reason_explains() {
    for (lacks, reason, types) in groups() {
        for (name, missing) in types {
            assert_eq!(missing, lacks, "{name}: {reason}");
        }
    }
}

/// Appends the names of the structs and enums that the files below `folder` declare with `pub` to `names`. Skips the
/// folders `py` and `arrow`.
fn declared(folder: &Path, names: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // The types of `py` hold references to Python objects. The types of `arrow` contain types of that crate.
            if !path.ends_with("py") && !path.ends_with("arrow") {
                declared(&path, names);
            }
            continue;
        }
        for line in fs::read_to_string(&path).unwrap().lines() {
            let line = line.trim_start();
            let rest = line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum "));
            let name = rest.map(|rest| rest.split(|letter: char| !letter.is_alphanumeric()).next().unwrap());
            names.extend(name.filter(|name| !name.is_empty()).map(String::from));
        }
    }
}

#[test]
fn every_public_type_is_in_a_list() {
    /// Types that the documentation hides, because other crates of this repository or the derive macro use them.
    const HIDDEN: [&str; 15] = [
        "BitPiece",
        "Blocks",
        "ChosenField",
        "ColumnTarget",
        "Declarations",
        "Definition",
        "Elements",
        "ElementsMut",
        "FieldCursor",
        "Language",
        "LoadSelector",
        "MemberType",
        "ReportJson",
        "ScalarCodec",
        "Unfilled",
    ];
    let mut names = Vec::new();
    declared(&Path::new(crate::ROOT).join("src"), &mut names);
    assert!(names.len() > 120, "{}", names.len());
    let groups = groups();
    let listed: Vec<&str> = groups.iter().flat_map(|(_, _, types)| types).map(|(name, _)| *name).collect();
    let missing: Vec<&String> =
        names.iter().filter(|name| !listed.contains(&name.as_str()) && !HIDDEN.contains(&name.as_str())).collect();
    assert!(missing.is_empty(), "types without a list: {missing:?}");
    assert!(listed.iter().all(|name| names.iter().any(|known| known == name)), "a list has a type that is gone");
}

#[test]
fn a_dialect_and_a_data_model_are_keys_of_a_map() {
    let mut sizes = std::collections::HashMap::new();
    sizes.insert((Dialect::NUMPY, DataModel::LP64), 5);
    sizes.insert((Dialect::STRUCT, DataModel::LP64), 8);
    assert_eq!(sizes.get(&(Dialect::NUMPY, DataModel::LP64)), Some(&5));
    assert_eq!(sizes.get(&(Dialect::NUMPY, DataModel::LLP64)), None);
}

#[test]
fn values_with_a_name_are_parsed_from_the_name() {
    macro_rules! parsed {
        ($($Enum:ident)+) => {$(
            for value in $Enum::ALL {
                assert_eq!(value.as_str().parse(), Ok(value));
                let json = serde_json::to_string(&value).unwrap();
                assert_eq!(serde_json::from_str::<$Enum>(&json).unwrap(), value);
            }
            assert!("no such name".parse::<$Enum>().is_err());
            assert!(serde_json::from_str::<$Enum>("\"no such name\"").is_err());
        )+};
    }
    parsed! {
        Alignment ByteOrder Certainty Class Code Construct CountLimit Endian FieldName Level NamedPadding NativeOnly Nul
        NulHandling Order Placement PythonLibrary RecordSpacing Severity SourceLanguage StructureSize Target TrailingPadding Type
        Whitespace WideChar ZeroCount
    }
    for dialect in Dialect::ALL.into_iter().chain(Dialect::VARIANTS) {
        assert_eq!(dialect.name.parse(), Ok(*dialect));
    }
    for model in DataModel::ALL.into_iter().chain([DataModel::HOST]) {
        assert_eq!(model.name.parse::<DataModel>().map(|found| found.name), Ok(model.name));
    }
    assert_eq!("lp65".parse::<DataModel>().unwrap_err().to_string(), {
        let names = DataModel::ALL.map(|model| format!("`{}`", model.name)).join(", ");
        format!("`lp65` is not the name of a `DataModel`: the names are {names}, `host`")
    });
    let error = "fortran".parse::<Dialect>().unwrap_err().to_string();
    for dialect in Dialect::ALL.into_iter().chain(Dialect::VARIANTS) {
        assert!(error.contains(&format!("`{}`", dialect.name)), "{error}");
    }
    for level in ["bytes-after-swap", "layout-ignoring-names", "scalars", "text"] {
        assert_eq!(level.parse::<Equivalence>().map(Equivalence::as_str), Ok(level));
    }
}

#[test]
fn defaults_are_the_documented_values() {
    assert_eq!(DataModel::default().name, "host");
    assert_eq!((Dialect::default(), Codes::default()), (Dialect::PEP3118, Codes::NONE));
    assert_eq!((Limits::default(), Format::default().as_bytes()), (Limits::DEFAULT, &b""[..]));
    assert_eq!((Layout::default(), Request::default()), (Layout::new(), Request::SIMPLE));
    assert_eq!(RawViewBuf::default().as_raw(), RawView::default());
}
