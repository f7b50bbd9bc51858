//! [`Dialect`]: the rules by which one producer or consumer reads format strings.
//!
//! Each rule is a field of the struct, and each dialect a constant. The parser does not depend on dialects.

use core::fmt;

use bitflags::bitflags;

use crate::format::Code;

/// The rules by which one producer or consumer reads format strings.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout};
/// let size = |dialect| Layout::read(b"ib", dialect, &DataModel::LP64).unwrap().size();
/// assert_eq!(size(&Dialect::STRUCT), 5);
/// assert_eq!(size(&Dialect::NUMPY_READER), 8);
///
/// // Each rule can be changed.
/// let strict = Dialect { whitespace: pep3118::layout::Whitespace::BetweenItems, ..Dialect::PEP3118 };
/// assert!(Layout::read(b"3 i", &strict, &DataModel::LP64).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// The name in lower case, in messages and in JSON.
    pub name: &'static str,
    /// The format characters.
    pub codes: Codes,
    /// Format characters that are accepted only if they are the whole format.
    pub sole_codes: Codes,
    /// The constructs besides format characters.
    pub syntax: Syntax,
    /// The places where a byte-order character is accepted.
    pub placement: Placement,
    /// The places where white space is accepted.
    pub whitespace: Whitespace,
    /// Whether `@` implies padding.
    pub alignment: Alignment,
    /// The size of a structure inside an item.
    pub structure_size: StructureSize,
    /// The padding at the end of the whole item.
    pub trailing_padding: TrailingPadding,
    /// The distance of the elements of an array of structures, where the format does not declare it.
    pub record_spacing: RecordSpacing,
    /// The size of format characters without a standard size under `= < > !`.
    pub native_only: NativeOnly,
    /// The type of `u`.
    pub wide_char: WideChar,
    /// The meaning of `x` with a name.
    pub named_padding: NamedPadding,
    /// The meaning of a repeat count of zero.
    pub zero_count: ZeroCount,
    /// The largest count and length of a dimension.
    pub count_limit: CountLimit,
    /// The meaning of a NUL in the format.
    pub nul: Nul,
}

/// A set of format characters.
///
/// ```
/// use pep3118::{Code, layout::Codes};
/// let numbers = Codes::NONE.with(&[Code::Int, Code::Double]);
/// assert!(numbers.contains(Code::Int) && !numbers.without(&[Code::Int]).contains(Code::Int));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Codes(u64);

impl Codes {
    /// The empty set.
    pub const NONE: Self = Self(0);

    /// All format characters.
    pub const ALL: Self = Self::NONE.with(&Code::ALL);

    /// Returns the set with these characters added.
    #[must_use]
    pub const fn with(self, codes: &[Code]) -> Self {
        let mut set = self.0;
        let mut rest = codes;
        while let [first, tail @ ..] = rest {
            set |= bit(*first);
            rest = tail;
        }
        Self(set)
    }

    /// Returns the set without these characters.
    #[must_use]
    pub const fn without(self, codes: &[Code]) -> Self {
        Self(self.0 & !Self::NONE.with(codes).0)
    }

    /// Returns whether the character is in the set.
    #[must_use]
    #[inline]
    pub const fn contains(self, code: Code) -> bool {
        self.0 & bit(code) != 0
    }
}

#[expect(clippy::as_conversions, reason = "the discriminants are 0 to 35; `From` is not const")]
const fn bit(code: Code) -> u64 {
    1_u64.wrapping_shl(code as u32)
}

impl fmt::Debug for Codes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Codes(")?;
        for code in Code::ALL {
            if self.contains(code) {
                f.write_str(code.as_str())?;
            }
        }
        f.write_str(")")
    }
}

bitflags! {
    /// Constructs besides format characters, counts and byte-order characters.
    ///
    /// ```
    /// use pep3118::{Dialect, layout::Syntax};
    /// assert!(Dialect::CTYPES.syntax.contains(Syntax::POINTERS) && !Dialect::NUMPY.syntax.contains(Syntax::POINTERS));
    /// ```
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Syntax: u16 {
        /// `T{…}`
        const STRUCTURES = 1;
        /// `:name:`
        const NAMES = 1 << 1;
        /// `(2,3)`
        const SHAPES = 1 << 2;
        /// `(2)(3)`: two shapes before one item.
        const STACKED_SHAPES = 1 << 3;
        /// `&`
        const POINTERS = 1 << 4;
        /// `X{…}`
        const FUNCTIONS = 1 << 5;
        /// `[name$params]`
        const USER_TYPES = 1 << 6;
        /// The byte-order character `^`.
        const UNALIGNED = 1 << 7;
        /// Two fields of one structure with the same name.
        const DUPLICATE_NAMES = 1 << 8;
    }
}

/// The places where a byte-order character is accepted.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout, layout::Placement};
/// let size = |placement| {
///     let dialect = Dialect { placement, ..Dialect::PEP3118 };
///     Layout::read(b"i>h", &dialect, &DataModel::LP64).map(|layout| layout.size()).ok()
/// };
/// assert_eq!((size(Placement::First), size(Placement::Anywhere)), (None, Some(6)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// Only as the first byte of the format (`struct`).
    First,
    /// One before an item, after its shape, and none at the end (NumPy's reader: `(2)<i`, not `<(2)i`,
    /// not `i<`). A format of one number without a count or a name may have several, of which the last is used.
    BeforeType,
    /// Anywhere between tokens.
    Anywhere,
}

/// The places where white space is accepted. Inside a name it is part of the name.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout, layout::Whitespace};
/// let size = |whitespace| {
///     let dialect = Dialect { whitespace, ..Dialect::PEP3118 };
///     Layout::read(b"3 i", &dialect, &DataModel::LP64).map(|layout| layout.size()).ok()
/// };
/// assert_eq!((size(Whitespace::BetweenItems), size(Whitespace::Anywhere)), (None, Some(12)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whitespace {
    /// Between items (`struct`): neither before the byte-order character nor after a count.
    BetweenItems,
    /// Between any two tokens (PEP 3118).
    Anywhere,
}

/// Whether `@` moves items to their native alignment.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout, layout::Alignment};
/// let size = |alignment| {
///     let dialect = Dialect { alignment, ..Dialect::PEP3118 };
///     Layout::read(b"bi", &dialect, &DataModel::LP64).map(|layout| layout.size()).ok()
/// };
/// assert_eq!((size(Alignment::Implicit), size(Alignment::Explicit)), (Some(8), Some(5)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alignment {
    /// Items under `@` are aligned, with padding that the format does not contain.
    Implicit,
    /// Items are not moved: the format contains all pad bytes as `x` (NumPy's writer, ctypes).
    Explicit,
}

/// The size of a structure inside an item.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout, layout::StructureSize};
/// let size = |structure_size| {
///     let dialect = Dialect { structure_size, ..Dialect::PEP3118 };
///     Layout::read(b"T{ib}b", &dialect, &DataModel::LP64).map(|layout| layout.size()).ok()
/// };
/// assert_eq!((size(StructureSize::Exact), size(StructureSize::Aligned)), (Some(6), Some(9)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StructureSize {
    /// The end of its last field.
    Exact,
    /// Rounded up to its alignment, as a C compiler does, if `@` is in force at its closing brace.
    Aligned,
}

/// The padding at the end of the whole item.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout, layout::TrailingPadding};
/// let size = |trailing_padding| {
///     let dialect = Dialect { trailing_padding, ..Dialect::PEP3118 };
///     Layout::read(b"ib", &dialect, &DataModel::LP64).map(|layout| layout.size()).ok()
/// };
/// assert_eq!((size(TrailingPadding::None), size(TrailingPadding::Aligned)), (Some(5), Some(8)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrailingPadding {
    /// None but the pad bytes in the format.
    None,
    /// Up to the alignment of the item, as a C compiler does, if `@` is in force at the end.
    Aligned,
    /// Up to the itemsize: NumPy's writer omits the padding at the end.
    Implicit,
}

/// The distance between the elements of an array of structures.
///
/// Formats declare the bytes of one element. They do not declare whether padding that follows the array
/// belongs to its elements (NumPy), or whether `@` pads each element as a C compiler does (PEP 3118).
/// [`reconcile`](crate::reconcile) decides it from the itemsize; a format alone is read as packed.
///
/// ```
/// use pep3118::{DataModel, Dialect, reconcile};
/// let spacing = |dialect| {
///     let found = reconcile(b"T{(2)T{b:a:}:x:xx(2)b:y:}", Some(6), Some(dialect), &DataModel::LP64);
///     found.ok().and_then(|found| Some(found.layout.item().field(b"x")?.size()))
/// };
/// assert_eq!(spacing(&Dialect::NUMPY), None);
/// assert_eq!((spacing(&Dialect::NUMPY_PACKED), spacing(&Dialect::NUMPY_PADDED)), (Some(1), Some(2)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordSpacing {
    /// The distance that the padding implies; an error if it implies none or several.
    Inferred,
    /// The distance that the padding implies; the elements are contiguous if it implies none or several.
    Packed,
    /// The distance that the padding implies; if it implies none or several, the elements share the
    /// padding after the array. This concerns dialects without implicit padding only.
    Padded,
}

/// The size of format characters without a standard size, such as `g P O n`, under `= < > !`.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout, layout::NativeOnly};
/// let size = |native_only| {
///     let dialect = Dialect { native_only, ..Dialect::PEP3118 };
///     Layout::read(b"<P", &dialect, &DataModel::LP64).map(|layout| layout.size()).ok()
/// };
/// assert_eq!((size(NativeOnly::Refused), size(NativeOnly::KeepSize)), (None, Some(8)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NativeOnly {
    /// They are an error.
    Refused,
    /// They keep their native size (ctypes: `<P`, `<g`).
    KeepSize,
}

/// The type of `u`.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout, layout::WideChar};
/// let size = |wide_char| {
///     let dialect = Dialect { wide_char, ..Dialect::PEP3118 };
///     Layout::read(b"u", &dialect, &DataModel::LP64).map(|layout| layout.size()).ok()
/// };
/// assert_eq!((size(WideChar::Ucs2), size(WideChar::Wchar)), (Some(2), Some(4)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WideChar {
    /// A UCS-2 unit of 2 bytes (PEP 3118).
    Ucs2,
    /// A `wchar_t` of the data model (ctypes, `array.array`).
    Wchar,
}

/// The meaning of `x` with a name.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout, layout::NamedPadding};
/// let fields = |named_padding| {
///     let dialect = Dialect { named_padding, ..Dialect::PEP3118 };
///     Layout::read(b"T{3x:a:i:b:}", &dialect, &DataModel::LP64).map(|layout| layout.item().fields().count()).ok()
/// };
/// assert_eq!((fields(NamedPadding::Padding), fields(NamedPadding::Field)), (Some(1), Some(2)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedPadding {
    /// Padding, as without a name.
    Padding,
    /// A field of opaque bytes, NumPy's void.
    Field,
    /// A field of opaque bytes, and so is a whole format such as `3x` without a name (NumPy's writer).
    FieldOrWhole,
}

/// The meaning of a repeat count of zero.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout, layout::ZeroCount};
/// let fields = |zero_count| {
///     let dialect = Dialect { zero_count, ..Dialect::PEP3118 };
///     Layout::read(b"T{b0i}", &dialect, &DataModel::LP64).map(|layout| layout.item().fields().count()).ok()
/// };
/// assert_eq!((fields(ZeroCount::Alignment), fields(ZeroCount::Field)), (Some(1), Some(2)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZeroCount {
    /// Only alignment (`struct`: `b0i` has 4 bytes and one value).
    Alignment,
    /// A field without elements.
    Field,
}

/// The largest count and length of a dimension.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout, layout::CountLimit};
/// let size = |count_limit| {
///     let dialect = Dialect { count_limit, ..Dialect::PEP3118 };
///     Layout::read(b"4294967296B", &dialect, &DataModel::LP64).map(|layout| layout.size()).ok()
/// };
/// assert_eq!((size(CountLimit::Ssize), size(CountLimit::Int)), (Some(4294967296), None));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountLimit {
    /// `PY_SSIZE_T_MAX` of the data model.
    Ssize,
    /// `INT_MAX`.
    Int,
}

/// The meaning of a NUL in the format.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout};
/// let size = |dialect| Layout::read(b"i\0d", dialect, &DataModel::LP64).map(|layout| layout.size()).ok();
/// assert_eq!((size(&Dialect::STRUCT_3_13), size(&Dialect::STRUCT_3_6)), (None, Some(4)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nul {
    /// It is an error, in all dialects but that of CPython 3.6.
    Refused,
    /// It ends the format, and the bytes after it are ignored.
    Ends,
}

impl CountLimit {
    pub(crate) const fn value(self, ssize_max: u64) -> u64 {
        match self {
            Self::Ssize => ssize_max,
            Self::Int => 0x7fff_ffff,
        }
    }
}

use Code::{
    Bool, Bytes, Char, CharPointer, ComplexDouble, ComplexDouble314, ComplexFloat, ComplexFloat314, ComplexLongDouble,
    ComplexLongDouble314, Double, Float, Half, Int, Long, LongDouble, LongLong, Object, Pad, Pascal, Pointer, Short,
    SignedChar, SizeT, SsizeT, Ucs2, Ucs4, UnsignedChar, UnsignedInt, UnsignedLong, UnsignedLongLong, UnsignedShort,
    VariantBool, WcharPointer,
};

/// `b B h H i I l L q Q f d`: the numbers of every dialect.
const NUMBERS: Codes = Codes::NONE.with(&[
    SignedChar,
    UnsignedChar,
    Short,
    UnsignedShort,
    Int,
    UnsignedInt,
    Long,
    UnsignedLong,
    LongLong,
    UnsignedLongLong,
    Float,
    Double,
]);

const STRUCT_CODES: Codes = NUMBERS.with(&[Pad, Char, Bool, SsizeT, SizeT, Half, Bytes, Pascal, Pointer]);

const NUMPY_CODES: Codes =
    NUMBERS.with(&[Pad, Bool, Half, LongDouble, ComplexFloat, ComplexDouble, ComplexLongDouble, Bytes, Ucs4, Object]);

impl Dialect {
    /// The `struct` module of CPython 3.15: `F D Zf Zd` are complex numbers.
    ///
    /// Sizes and refusals are those of `struct.calcsize` and `PyBuffer_SizeFromFormat`.
    pub const STRUCT: Self = Self {
        name: "struct",
        codes: STRUCT_CODES.with(&[ComplexFloat314, ComplexDouble314, ComplexFloat, ComplexDouble]),
        sole_codes: Codes::NONE,
        syntax: Syntax::empty(),
        placement: Placement::First,
        whitespace: Whitespace::BetweenItems,
        alignment: Alignment::Implicit,
        structure_size: StructureSize::Exact,
        trailing_padding: TrailingPadding::None,
        record_spacing: RecordSpacing::Inferred,
        native_only: NativeOnly::Refused,
        wide_char: WideChar::Ucs2,
        named_padding: NamedPadding::Padding,
        zero_count: ZeroCount::Alignment,
        count_limit: CountLimit::Ssize,
        nul: Nul::Refused,
    };

    /// The `struct` module of CPython 3.14: complex numbers are `F` and `D` only.
    pub const STRUCT_3_14: Self =
        Self { name: "struct-3.14", codes: STRUCT_CODES.with(&[ComplexFloat314, ComplexDouble314]), ..Self::STRUCT };

    /// The `struct` module of CPython 3.6, which ends the format at a NUL.
    pub const STRUCT_3_6: Self = Self { name: "struct-3.6", nul: Nul::Ends, ..Self::STRUCT_3_13 };

    /// The `struct` module of CPython 3.7 to 3.13: no complex numbers.
    pub const STRUCT_3_13: Self = Self { name: "struct-3.13", codes: STRUCT_CODES, ..Self::STRUCT };

    /// All constructs of PEP 3118 and of its implementers, with the layout rules of `struct`.
    ///
    /// Every format that `struct` accepts has the same layout in both dialects.
    pub const PEP3118: Self = Self {
        name: "pep3118",
        codes: Codes::ALL,
        syntax: Syntax::all(),
        placement: Placement::Anywhere,
        whitespace: Whitespace::Anywhere,
        named_padding: NamedPadding::Field,
        zero_count: ZeroCount::Field,
        ..Self::STRUCT
    };

    /// The layout of a C compiler: under `@`, structures and the item are rounded up to their alignment.
    /// NumPy and Cython read formats by this rule, and Cython writes them by it.
    pub const NATIVE_C: Self = Self {
        name: "native-c",
        structure_size: StructureSize::Aligned,
        trailing_padding: TrailingPadding::Aligned,
        ..Self::PEP3118
    };

    /// The formats that NumPy writes: all pad bytes between fields are written as `x`, `@` adds none, and the
    /// padding at the end is omitted.
    pub const NUMPY: Self = Self {
        name: "numpy",
        codes: NUMPY_CODES,
        syntax: Syntax::STRUCTURES
            .union(Syntax::NAMES)
            .union(Syntax::SHAPES)
            .union(Syntax::STACKED_SHAPES)
            .union(Syntax::UNALIGNED)
            .union(Syntax::DUPLICATE_NAMES),
        alignment: Alignment::Explicit,
        trailing_padding: TrailingPadding::Implicit,
        named_padding: NamedPadding::FieldOrWhole,
        ..Self::PEP3118
    };

    /// [`PEP3118`](Self::PEP3118) with contiguous elements in arrays of structures, even if that leaves fields
    /// unaligned.
    pub const PEP3118_PACKED: Self =
        Self { name: "pep3118-packed", record_spacing: RecordSpacing::Packed, ..Self::PEP3118 };

    /// [`NUMPY`](Self::NUMPY) with all format characters, and with contiguous elements in arrays of structures
    /// where the padding does not imply another distance.
    pub const NUMPY_PACKED: Self = Self {
        name: "numpy-packed",
        codes: Codes::ALL,
        named_padding: NamedPadding::Field,
        record_spacing: RecordSpacing::Packed,
        ..Self::NUMPY
    };

    /// [`NUMPY_PACKED`](Self::NUMPY_PACKED) with the padding after an array shared by its elements.
    pub const NUMPY_PADDED: Self =
        Self { name: "numpy-padded", record_spacing: RecordSpacing::Padded, ..Self::NUMPY_PACKED };

    /// The formats that NumPy 2.0 and later reads. It refuses `<(2)i` and `(2)(3)i`, which it writes itself.
    pub const NUMPY_READER: Self = Self {
        name: "numpy-reader",
        codes: NUMPY_CODES.with(&[Char]),
        sole_codes: Codes::NONE.with(&[SsizeT, SizeT]),
        syntax: Syntax::STRUCTURES.union(Syntax::NAMES).union(Syntax::SHAPES).union(Syntax::UNALIGNED),
        placement: Placement::BeforeType,
        count_limit: CountLimit::Int,
        ..Self::NATIVE_C
    };

    /// The formats that ctypes writes since CPython 3.12: all padding is explicit, and all format characters
    /// have their native size after any byte-order character. `&` and `X{}` have no byte-order character.
    ///
    /// Before CPython 3.12, ctypes wrote no padding, so that the format contradicts the itemsize.
    pub const CTYPES: Self = Self {
        name: "ctypes",
        codes: NUMBERS.with(&[
            Pad,
            Char,
            Bool,
            Half,
            LongDouble,
            ComplexFloat,
            ComplexDouble,
            ComplexLongDouble,
            ComplexFloat314,
            ComplexDouble314,
            ComplexLongDouble314,
            Pointer,
            Object,
            Ucs2,
            CharPointer,
            WcharPointer,
            VariantBool,
        ]),
        syntax: Syntax::STRUCTURES
            .union(Syntax::NAMES)
            .union(Syntax::SHAPES)
            .union(Syntax::POINTERS)
            .union(Syntax::FUNCTIONS)
            .union(Syntax::DUPLICATE_NAMES),
        alignment: Alignment::Explicit,
        native_only: NativeOnly::KeepSize,
        wide_char: WideChar::Wchar,
        ..Self::PEP3118
    };

    /// The formats that Cython writes for its memoryviews and reads: aligned structures such as `T{c:a:i:b:}`
    /// have the layout of a C compiler, packed structures are `T{^c:a:^i:b:}`.
    pub const CYTHON: Self = Self {
        name: "cython",
        codes: NUMBERS.with(&[
            Pad,
            Char,
            Bool,
            LongDouble,
            ComplexFloat,
            ComplexDouble,
            ComplexLongDouble,
            Bytes,
            Pascal,
            Object,
        ]),
        syntax: Syntax::STRUCTURES
            .union(Syntax::NAMES)
            .union(Syntax::SHAPES)
            .union(Syntax::UNALIGNED)
            .union(Syntax::DUPLICATE_NAMES),
        named_padding: NamedPadding::Padding,
        ..Self::NATIVE_C
    };

    /// The formats that pybind11 writes, such as `^T{?:b:3xI:u:}`: explicit padding, spaces in shapes.
    pub const PYBIND11: Self = Self {
        name: "pybind11",
        codes: NUMBERS.with(&[
            Pad,
            Bool,
            Half,
            LongDouble,
            ComplexFloat,
            ComplexDouble,
            ComplexLongDouble,
            Bytes,
            Ucs4,
        ]),
        syntax: Syntax::STRUCTURES
            .union(Syntax::NAMES)
            .union(Syntax::SHAPES)
            .union(Syntax::UNALIGNED)
            .union(Syntax::DUPLICATE_NAMES),
        ..Self::PEP3118
    };

    /// The formats that `array.array` writes: one format character, where `u` is a `wchar_t`.
    pub const ARRAY: Self = Self {
        name: "array",
        codes: NUMBERS.with(&[Half, ComplexFloat, ComplexDouble, Ucs2, Ucs4]),
        syntax: Syntax::empty(),
        placement: Placement::First,
        wide_char: WideChar::Wchar,
        ..Self::STRUCT
    };

    /// The dialects of producers and consumers.
    pub const ALL: [&'static Self; 12] = [
        &Self::STRUCT,
        &Self::STRUCT_3_14,
        &Self::STRUCT_3_13,
        &Self::STRUCT_3_6,
        &Self::PEP3118,
        &Self::NATIVE_C,
        &Self::NUMPY,
        &Self::NUMPY_READER,
        &Self::CTYPES,
        &Self::CYTHON,
        &Self::PYBIND11,
        &Self::ARRAY,
    ];

    /// Variants of `pep3118` and `numpy` that decide the distance of elements where the format does not.
    ///
    /// They choose one alternative of an [`Ambiguity`](crate::Ambiguity).
    pub const VARIANTS: [&'static Self; 3] = [&Self::PEP3118_PACKED, &Self::NUMPY_PACKED, &Self::NUMPY_PADDED];

    /// Returns the dialect with a name, among [`ALL`](Self::ALL) and [`VARIANTS`](Self::VARIANTS).
    ///
    /// ```
    /// use pep3118::Dialect;
    /// assert_eq!(Dialect::by_name("numpy"), Some(&Dialect::NUMPY));
    /// assert_eq!(Dialect::by_name("numpy-padded"), Some(&Dialect::NUMPY_PADDED));
    /// ```
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        Self::ALL.into_iter().chain(Self::VARIANTS).find(|dialect| dialect.name == name)
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}
