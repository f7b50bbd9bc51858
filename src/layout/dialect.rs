//! Dialects: who reads or writes a format, as a value.
//!
//! One struct of orthogonal switches; a dialect is a constant of it. The parser knows none of them.

use core::fmt;

use bitflags::bitflags;

use crate::format::Code;

/// How one producer or consumer understands format strings.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout};
/// let size = |dialect| Layout::read(b"ib", dialect, &DataModel::LP64).unwrap().size();
/// assert_eq!(size(&Dialect::STRUCT), 5);
/// assert_eq!(size(&Dialect::NUMPY_READER), 8);
///
/// // Every switch can be set by hand.
/// let strict = Dialect { whitespace: pep3118::layout::Whitespace::BetweenItems, ..Dialect::PEP3118 };
/// assert!(Layout::read(b"3 i", &strict, &DataModel::LP64).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// A short lower-case name, for people and for JSON.
    pub name: &'static str,
    /// The format characters it has.
    pub codes: Codes,
    /// Format characters that it reads only as the whole format.
    pub sole_codes: Codes,
    /// The constructs beyond format characters that it has.
    pub syntax: Syntax,
    /// Where a byte order character may stand.
    pub placement: Placement,
    /// Where white space may stand.
    pub whitespace: Whitespace,
    /// Whether `@` implies padding.
    pub alignment: Alignment,
    /// The size of a structure inside an item.
    pub nested: Nested,
    /// The end of the whole item.
    pub end: End,
    /// The distance of the elements of an array of structures, where the format does not declare it.
    pub record_spacing: RecordSpacing,
    /// Codes that have no standard size, under `= < > !`.
    pub native_only: NativeOnly,
    /// What `u` is.
    pub wide_char: WideChar,
    /// What `x` with a name is.
    pub named_padding: NamedPadding,
    /// What a repeat count of zero is.
    pub zero_count: ZeroCount,
    /// The largest count and dimension.
    pub count_limit: CountLimit,
    /// What a NUL in the format is.
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
    /// No character.
    pub const NONE: Self = Self(0);

    /// Every character there is.
    pub const ALL: Self = Self::NONE.with(&Code::ALL);

    /// The set with these characters added.
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

    /// The set without these characters.
    #[must_use]
    pub const fn without(self, codes: &[Code]) -> Self {
        Self(self.0 & !Self::NONE.with(codes).0)
    }

    /// Whether the character is in the set.
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
    /// Constructs beyond format characters, counts and byte order characters.
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
        /// `(2)(3)`: one shape after another.
        const STACKED_SHAPES = 1 << 3;
        /// `&`
        const POINTERS = 1 << 4;
        /// `X{…}`
        const FUNCTIONS = 1 << 5;
        /// `[name$params]`
        const USER_TYPES = 1 << 6;
        /// The byte order character `^`.
        const UNALIGNED = 1 << 7;
        /// The same name twice in one structure.
        const DUPLICATE_NAMES = 1 << 8;
    }
}

/// Where a byte order character may stand.
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
    /// As the very first byte only (`struct`).
    First,
    /// Once before an item, after its shape, never at the end (NumPy's reader: `(2)<i`, not `<(2)i`,
    /// not `i<`). A single number without a count or a name may have several; the last one counts.
    BeforeType,
    /// Anywhere between tokens.
    Anywhere,
}

/// Where white space may stand; never inside a name, where it belongs to the name.
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
    /// Between items (`struct`): not before the byte order character, not after a count.
    BetweenItems,
    /// Between any two tokens (PEP 3118).
    Anywhere,
}

/// Whether an item under `@` is moved to its native alignment.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout, layout::Alignment};
/// let size = |alignment| {
///     let dialect = Dialect { alignment, ..Dialect::PEP3118 };
///     Layout::read(b"bi", &dialect, &DataModel::LP64).map(|layout| layout.size()).ok()
/// };
/// assert_eq!((size(Alignment::Implicit), size(Alignment::Spelled)), (Some(8), Some(5)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alignment {
    /// It is, without a byte in the format that says so.
    Implicit,
    /// It is not: every pad byte is written as `x` (NumPy's writer, ctypes).
    Spelled,
}

/// The size of a structure inside an item.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout, layout::Nested};
/// let size = |nested| {
///     let dialect = Dialect { nested, ..Dialect::PEP3118 };
///     Layout::read(b"T{ib}b", &dialect, &DataModel::LP64).map(|layout| layout.size()).ok()
/// };
/// assert_eq!((size(Nested::Exact), size(Nested::Rounded)), (Some(6), Some(9)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nested {
    /// As written.
    Exact,
    /// Rounded up to its alignment where `@` is in force at its closing brace, as a C compiler does.
    Rounded,
}

/// The end of the whole item.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout, layout::End};
/// let size = |end| {
///     let dialect = Dialect { end, ..Dialect::PEP3118 };
///     Layout::read(b"ib", &dialect, &DataModel::LP64).map(|layout| layout.size()).ok()
/// };
/// assert_eq!((size(End::Exact), size(End::Rounded)), (Some(5), Some(8)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As written.
    Exact,
    /// Rounded up to its alignment where `@` is in force at the end, as a C compiler does.
    Rounded,
    /// As written, and itemsize may state more: padding that the format leaves out.
    Unstated,
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

/// Codes such as `g P O n` that have no standard size, under `= < > !`.
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
    /// An error.
    Refused,
    /// Of native size all the same (ctypes: `<P`, `<g`).
    KeepSize,
}

/// What `u` is.
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

/// What `x` with a name is.
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
    /// Padding like any other.
    Padding,
    /// A field of that many opaque bytes, NumPy's void.
    Field,
    /// The same, and a format that is nothing but `3x` is such a field too (NumPy's writer).
    FieldOrWhole,
}

/// What a repeat count of zero is.
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
    /// Alignment and nothing else (`struct`: `b0i` is 4 bytes with one value).
    Alignment,
    /// A field of no elements.
    Field,
}

/// The largest count and dimension.
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

/// What a NUL in the format is.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout};
/// let size = |dialect| Layout::read(b"i\0d", dialect, &DataModel::LP64).map(|layout| layout.size()).ok();
/// assert_eq!((size(&Dialect::STRUCT_3_13), size(&Dialect::STRUCT_3_6)), (None, Some(4)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nul {
    /// An error, everywhere but in CPython 3.6.
    Refused,
    /// The end of the format: what follows is not read.
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

/// `b B h H i I l L q Q f d`: what everybody has.
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
    /// The `struct` module of CPython 3.15, the newest: `F D Zf Zd` are complex.
    ///
    /// Equal to `struct.calcsize` and `PyBuffer_SizeFromFormat`, refusals included.
    pub const STRUCT: Self = Self {
        name: "struct",
        codes: STRUCT_CODES.with(&[ComplexFloat314, ComplexDouble314, ComplexFloat, ComplexDouble]),
        sole_codes: Codes::NONE,
        syntax: Syntax::empty(),
        placement: Placement::First,
        whitespace: Whitespace::BetweenItems,
        alignment: Alignment::Implicit,
        nested: Nested::Exact,
        end: End::Exact,
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

    /// The `struct` module of CPython 3.6, which stops at a NUL.
    pub const STRUCT_3_6: Self = Self { name: "struct-3.6", nul: Nul::Ends, ..Self::STRUCT_3_13 };

    /// The `struct` module of CPython 3.7 to 3.13: no complex numbers.
    pub const STRUCT_3_13: Self = Self { name: "struct-3.13", codes: STRUCT_CODES, ..Self::STRUCT };

    /// Everything that PEP 3118 and its implementers write, laid out as written: equal to `struct`
    /// on every format that `struct` reads.
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

    /// The rule of a C compiler: structures are rounded up to their alignment under `@`, nested or
    /// not. NumPy and Cython read so, Cython writes so.
    pub const NATIVE_C: Self = Self { name: "native-c", nested: Nested::Rounded, end: End::Rounded, ..Self::PEP3118 };

    /// What NumPy writes: every pad byte between fields is an `x`, `@` implies none, and the bytes
    /// at the end are left out.
    pub const NUMPY: Self = Self {
        name: "numpy",
        codes: NUMPY_CODES,
        syntax: Syntax::STRUCTURES
            .union(Syntax::NAMES)
            .union(Syntax::SHAPES)
            .union(Syntax::STACKED_SHAPES)
            .union(Syntax::UNALIGNED)
            .union(Syntax::DUPLICATE_NAMES),
        alignment: Alignment::Spelled,
        end: End::Unstated,
        named_padding: NamedPadding::FieldOrWhole,
        ..Self::PEP3118
    };

    /// As [`PEP3118`](Self::PEP3118), and the elements of arrays of structures are contiguous, also where
    /// that leaves fields unaligned.
    pub const PEP3118_PACKED: Self =
        Self { name: "pep3118-packed", record_spacing: RecordSpacing::Packed, ..Self::PEP3118 };

    /// As [`NUMPY`](Self::NUMPY), and the elements of an array of structures are contiguous where the padding
    /// after it does not imply another distance. All format characters are accepted.
    pub const NUMPY_PACKED: Self = Self {
        name: "numpy-packed",
        codes: Codes::ALL,
        named_padding: NamedPadding::Field,
        record_spacing: RecordSpacing::Packed,
        ..Self::NUMPY
    };

    /// As [`NUMPY_PACKED`](Self::NUMPY_PACKED), and the elements share the padding after the array.
    pub const NUMPY_PADDED: Self =
        Self { name: "numpy-padded", record_spacing: RecordSpacing::Padded, ..Self::NUMPY_PACKED };

    /// What NumPy reads (2.0 and later), where its answer is one: it refuses `<(2)i` and `(2)(3)i`,
    /// which it writes itself.
    pub const NUMPY_READER: Self = Self {
        name: "numpy-reader",
        codes: NUMPY_CODES.with(&[Char]),
        sole_codes: Codes::NONE.with(&[SsizeT, SizeT]),
        syntax: Syntax::STRUCTURES.union(Syntax::NAMES).union(Syntax::SHAPES).union(Syntax::UNALIGNED),
        placement: Placement::BeforeType,
        count_limit: CountLimit::Int,
        ..Self::NATIVE_C
    };

    /// What ctypes writes since CPython 3.12: all padding explicit, also before the addresses `&` and
    /// `X{}`, which stand without a byte order character; every code of native size whatever its byte
    /// order character says. Before 3.12 it wrote no padding at all, which shows in the itemsize.
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
        alignment: Alignment::Spelled,
        native_only: NativeOnly::KeepSize,
        wide_char: WideChar::Wchar,
        ..Self::PEP3118
    };

    /// What Cython writes for its memoryviews and reads back: `T{c:a:i:b:}` relies on the rule of
    /// the C compiler, packed structures are `T{^c:a:^i:b:}`.
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

    /// What pybind11 writes: `^T{?:b:3xI:u:}`, all padding explicit, spaces inside shapes.
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

    /// What `array.array` writes: one code; `u` is a `wchar_t`.
    pub const ARRAY: Self = Self {
        name: "array",
        codes: NUMBERS.with(&[Half, ComplexFloat, ComplexDouble, Ucs2, Ucs4]),
        syntax: Syntax::empty(),
        placement: Placement::First,
        wide_char: WideChar::Wchar,
        ..Self::STRUCT
    };

    /// Every producer and consumer with a dialect of its own.
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

    /// Variants of `pep3118` and `numpy` that decide the spacing of records where the format does not.
    ///
    /// They are alternatives of an [`Ambiguity`](crate::Ambiguity).
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
