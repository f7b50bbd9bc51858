//! Tests of the messages of format and layout errors, with one snapshot for each kind of error, and of the help for
//! letters of other format languages.

use pep3118::format::{Count, Limits, Member, Prefix};
use pep3118::layout::Construct;
use pep3118::{Code, DataModel, Dialect, Format, FormatErrorKind, Layout, LayoutError, LayoutErrorKind, reconcile};

use crate::snapshot;

/// Returns a format for which the parser returns an error of the kind `kind` under the limits [`SMALL`].
fn format_example(kind: &FormatErrorKind) -> &'static [u8] {
    use FormatErrorKind as K;
    match kind {
        K::UnknownCharacter { .. } => b"i|u1",
        K::NonAscii { .. } => b"\xd9\xa4i",
        K::EmbeddedNul => b"i\0d",
        K::ComplexPart { .. } => b"dZi",
        K::CountWithoutCode => b"i3",
        K::TwoCounts => b"1 2i",
        K::CountBeforeShape => b"3(2)i",
        K::NumberTooLarge => b"99999999999999999999i",
        K::ShapeWithoutCode => b"(2,3)",
        K::UnclosedShape => b"(2i",
        K::EmptyDimension => b"(2,)i",
        K::DimensionCharacter { .. } => b"(1_0)i",
        K::StructureWithoutBrace => b"iT",
        K::UnclosedStructure => b"T{i:a:T{d:b:}",
        K::UnopenedStructure => b"i}d",
        K::FunctionWithoutBrace => b"X",
        K::UnclosedFunction => b"iX{i->d",
        K::PointerWithoutTarget => b"T{&}",
        K::UnclosedName => b"T{i:a}",
        K::NameWithoutItem => b":a:i",
        K::UnclosedUserType => b"[bfloat16",
        K::EmptyUserType => b"[$p]",
        K::TooLong { .. } => &[b'i'; 40],
        K::TooManyItems { .. } => b"iiiii",
        K::TooDeep { .. } => b"T{T{T{i}}}",
        K::TooManyDimensions { .. } => b"(1,2,3)i",
        // No format has the tree of this error, in which `i` has the two counts 1 and 2. The text only describes the
        // tree.
        K::Unspellable => b"12i",
        _ => unreachable!("the arms above are all variants"),
    }
}

/// Small limits, which short formats exceed.
const SMALL: Limits = {
    let mut limits = Limits::DEFAULT;
    (limits.bytes, limits.items, limits.depth, limits.dimensions) = (39, 4, 2, 2);
    limits
};

/// Returns `Err` for a syntax tree that no format has: `1i` with a second count.
fn unspellable() -> Result<Format, pep3118::FormatError> {
    let mut members = Format::parse(b"1i")?.members().to_vec();
    if let Some(Member::Item(item)) = members.first_mut() {
        item.prefix.push(Prefix::Count(Count { value: 2, span: item.span }));
    }
    Format::from_members(&members)
}

#[test]
fn each_format_error_has_a_snapshot() {
    use FormatErrorKind as K;
    let kinds = [
        K::UnknownCharacter { byte: 0 },
        K::NonAscii { byte: 0 },
        K::EmbeddedNul,
        K::ComplexPart { byte: 0 },
        K::CountWithoutCode,
        K::TwoCounts,
        K::CountBeforeShape,
        K::NumberTooLarge,
        K::ShapeWithoutCode,
        K::UnclosedShape,
        K::EmptyDimension,
        K::DimensionCharacter { byte: 0 },
        K::StructureWithoutBrace,
        K::UnclosedStructure,
        K::UnopenedStructure,
        K::FunctionWithoutBrace,
        K::UnclosedFunction,
        K::PointerWithoutTarget,
        K::UnclosedName,
        K::NameWithoutItem,
        K::UnclosedUserType,
        K::EmptyUserType,
        K::TooLong { bytes: 0, limit: 0 },
        K::TooManyItems { limit: 0 },
        K::TooDeep { limit: 0 },
        K::TooManyDimensions { limit: 0 },
        K::Unspellable,
    ];
    for kind in kinds {
        let source = format_example(&kind);
        let error = if kind == K::Unspellable { unspellable() } else { Format::parse_with(source, &SMALL) };
        let error = error.expect_err(kind.name());
        assert_eq!(error.kind().name(), kind.name(), "{}", source.escape_ascii());
        assert!(error.span().end() <= source.len(), "{error:?}");
        let page = format!("{error}\n\n{error:#}\n");
        snapshot::check("diagnostic", &format!("format-{}", kind.name()), &source.escape_ascii().to_string(), &page);
    }
}

/// Returns a format for which the layout has an error of the kind `kind`, and the error.
fn layout_example(kind: &LayoutErrorKind) -> (&'static str, LayoutError) {
    use LayoutErrorKind as K;
    let read = |format: &'static str, dialect: &Dialect| {
        (format, Layout::read(format.as_bytes(), dialect, &DataModel::LP64).expect_err(format))
    };
    match kind {
        K::Format(_) => read("T{i", &Dialect::PEP3118),
        K::Code { .. } => read("bZd", &Dialect::STRUCT_3_13),
        K::NoStandardSize { .. } => read("<n", &Dialect::STRUCT),
        K::Construct { construct } => construct_example(*construct),
        K::CountTooLarge { .. } => read("4294967296i", &Dialect::NUMPY_READER),
        K::TooLarge { .. } => read("9223372036854775807q", &Dialect::STRUCT),
        K::AdjacentBits => read("3t5t", &Dialect::PEP3118),
        K::UnknownSize => read("T{[unknown]:a:}", &Dialect::PEP3118),
        K::DuplicateName => read("T{i:a:d:a:}", &Dialect::NUMPY_READER),
        K::ItemsizeMismatch { .. } => {
            let format = "T{<b:a:<i:b:}";
            (format, reconcile(format.as_bytes(), Some(8), None, &DataModel::LP64).expect_err(format))
        }
        _ => unreachable!("the arms above are all variants"),
    }
}

/// Returns a format with the construct `construct` for a dialect that does not support the construct, and the
/// error.
fn construct_example(construct: Construct) -> (&'static str, LayoutError) {
    use Construct as C;
    let (format, dialect) = match construct {
        C::Structure => ("T{i}", &Dialect::STRUCT),
        C::Name => ("i:a:", &Dialect::STRUCT),
        C::Shape => ("(2,3)i", &Dialect::STRUCT),
        C::StackedShapes => ("(2)(3)i", &Dialect::NUMPY_READER),
        C::Pointer => ("&i", &Dialect::NUMPY_READER),
        C::Function => ("X{}", &Dialect::STRUCT),
        C::UserType => ("[bfloat16]", &Dialect::STRUCT),
        C::Unaligned => ("^i", &Dialect::STRUCT),
        C::LaterByteOrder => ("i<i", &Dialect::STRUCT),
        C::ByteOrderAfterCount => ("3<i", &Dialect::NUMPY_READER),
        C::ByteOrderBeforeShape => ("<(2)i", &Dialect::NUMPY_READER),
        C::TwoByteOrders => ("T{<>i}", &Dialect::NUMPY_READER),
        C::TrailingByteOrder => ("i<", &Dialect::NUMPY_READER),
        C::SpaceInItem => ("3 i", &Dialect::STRUCT),
        _ => unreachable!("the arms above are all variants"),
    };
    (format, Layout::read(format.as_bytes(), dialect, &DataModel::LP64).expect_err(format))
}

#[test]
fn each_layout_error_has_a_snapshot() {
    use LayoutErrorKind as K;
    let kinds = [
        K::Format(Format::parse(b"T{").unwrap_err()),
        K::Code { code: Code::Int },
        K::NoStandardSize { code: Code::SsizeT, order: pep3118::ByteOrder::Little },
        K::CountTooLarge { count: 0, limit: 0 },
        K::TooLarge { limit: 0 },
        K::AdjacentBits,
        K::UnknownSize,
        K::DuplicateName,
        K::ItemsizeMismatch { itemsize: 0, sizes: vec![] },
    ];
    for kind in kinds {
        let (format, error) = layout_example(&kind);
        assert_eq!(core::mem::discriminant(error.kind()), core::mem::discriminant(&kind), "{format}");
        check(kind.name(), format, &error);
    }
    for construct in Construct::ALL {
        let (format, error) = layout_example(&K::Construct { construct });
        assert_eq!(*error.kind(), K::Construct { construct }, "{format}");
        let name: String = format!("{construct:?}").to_lowercase();
        check(&format!("construct-{name}"), format, &error);
    }
}

/// Compares the messages of `error` with the snapshot `name`. `format` is the format that caused the error.
fn check(name: &str, format: &str, error: &LayoutError) {
    assert!(error.span().end() <= format.len(), "{error:?}");
    let page = format!("{error}\n\n{error:#}\n");
    snapshot::check("diagnostic", &format!("layout-{name}"), &format.escape_debug().to_string(), &page);
}

#[test]
fn a_long_format_is_cut_to_a_window_around_the_error() {
    let format = format!("T{{{}|{}", "<i:name:".repeat(20), "<d:other:".repeat(20));
    let error = Format::parse(format.as_bytes()).unwrap_err();
    snapshot::check("diagnostic", "long-source", "a format of 350 bytes", &format!("{error:#}\n"));
    for line in format!("{error:#}").lines() {
        assert!(line.len() <= 80, "{line}");
    }
}

/// The examples are type strings of NumPy, signs and separators.
#[test]
fn letters_of_other_format_languages_have_a_help_line() {
    let mut page = String::new();
    for letter in "|SaUVEC-+){,;Yy~".chars() {
        let error = format!("{:#}", pep3118::parse(letter.to_string()).unwrap_err());
        let help = error.lines().find_map(|line| line.trim().strip_prefix("= help: ")).unwrap_or("-");
        page += &format!("{letter}  {help}\n");
    }
    snapshot::check("diagnostic", "letters", "letters that are not format characters", &page);
}
