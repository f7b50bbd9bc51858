//! [`Dialect`]: the rules that give a format string its meaning for one producer or consumer.
//!
//! Each field of [`Dialect`] is one rule, such as [`Placement`] or [`Alignment`]. Each constant of [`Dialect`] is the
//! dialect of one producer or consumer. The parser does not use dialects.

use core::fmt;
use core::str::FromStr;

use bitflags::bitflags;

use crate::format::Code;
use crate::named::{UnknownName, named_enum};

/// The rules that give a format string its meaning for one producer or consumer.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout};
/// let size = |dialect| Layout::read(b"ib", dialect, &DataModel::LP64).unwrap().size();
/// assert_eq!(size(&Dialect::STRUCT), 5);
/// assert_eq!(size(&Dialect::NUMPY_READER), 8);
///
/// // A dialect of your own starts as a copy of another dialect.
/// let mut strict = Dialect::PEP3118;
/// strict.whitespace = pep3118::layout::Whitespace::BetweenItems;
/// assert!(Layout::read(b"3 i", &strict, &DataModel::LP64).is_err());
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dialect {
    /// The name of the dialect in lower case, for messages and JSON.
    pub name: &'static str,
    /// The format characters that the dialect has.
    pub codes: Codes,
    /// The format characters that the dialect accepts only as the whole format.
    pub sole_codes: Codes,
    /// The constructs that the dialect has besides format characters.
    pub syntax: Syntax,
    /// The positions at which the dialect accepts a byte-order character.
    pub placement: Placement,
    /// The positions at which the dialect accepts white space.
    pub whitespace: Whitespace,
    /// Whether `@` implies padding before items.
    pub alignment: Alignment,
    /// The size of a structure inside an item.
    pub structure_size: StructureSize,
    /// The padding at the end of the whole item.
    pub trailing_padding: TrailingPadding,
    /// The rule for the distance between the elements of an array of structures. A format does not declare this
    /// distance.
    pub record_spacing: RecordSpacing,
    /// The rule for format characters without a standard size under `= < > !`.
    pub native_only: NativeOnly,
    /// The type of the format character `u`.
    pub wide_char: WideChar,
    /// The meaning of an `x` with a name.
    pub named_padding: NamedPadding,
    /// The meaning of a repeat count of zero.
    pub zero_count: ZeroCount,
    /// The largest repeat count and the largest length of a dimension.
    pub count_limit: CountLimit,
    /// The meaning of a NUL byte in the format.
    pub nul: Nul,
}

/// A set of format characters.
///
/// ```
/// use pep3118::{Code, layout::Codes};
/// let numbers = Codes::NONE.with(&[Code::Int, Code::Double]);
/// assert!(numbers.contains(Code::Int) && !numbers.without(&[Code::Int]).contains(Code::Int));
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Codes(u64);

impl Codes {
    /// The empty set.
    pub const NONE: Self = Self(0);

    /// All format characters.
    pub const ALL: Self = Self::NONE.with(&Code::ALL);

    /// Returns a set of the format characters of this set and of `codes`.
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

    /// Returns a set of the format characters of this set that are not in `codes`.
    #[must_use]
    pub const fn without(self, codes: &[Code]) -> Self {
        Self(self.0 & !Self::NONE.with(codes).0)
    }

    /// Returns whether `code` is in this set.
    #[must_use]
    #[inline]
    pub const fn contains(self, code: Code) -> bool {
        self.0 & bit(code) != 0
    }
}

/// Returns the bit of `code` in [`Codes`], as an integer with one bit set.
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
    /// A set of constructs that some dialects do not have. Format characters, counts and byte-order characters are not
    /// constructs of this set.
    ///
    /// ```
    /// use pep3118::{Dialect, layout::Syntax};
    /// assert!(Dialect::CTYPES.syntax.contains(Syntax::POINTERS) && !Dialect::NUMPY.syntax.contains(Syntax::POINTERS));
    /// ```
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct Syntax: u16 {
        /// Structures: `T{…}`.
        const STRUCTURES = 1;
        /// Names of fields: `:name:`.
        const NAMES = 1 << 1;
        /// Shapes: `(2,3)`.
        const SHAPES = 1 << 2;
        /// Two shapes before one item: `(2)(3)i`.
        const STACKED_SHAPES = 1 << 3;
        /// Pointers: `&`.
        const POINTERS = 1 << 4;
        /// Function pointers: `X{…}`.
        const FUNCTIONS = 1 << 5;
        /// User types: `[name$params]`.
        const USER_TYPES = 1 << 6;
        /// The byte-order character `^`.
        const UNALIGNED = 1 << 7;
        /// Two fields of one structure with equal names: `T{i:a:i:a:}`.
        const DUPLICATE_NAMES = 1 << 8;
    }
}

named_enum! {
    /// The positions at which a dialect accepts a byte-order character.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, layout::Placement};
    /// let size = |placement| {
    ///     let mut dialect = Dialect::PEP3118;
    ///     dialect.placement = placement;
    ///     Layout::read(b"i>h", &dialect, &DataModel::LP64).map(|layout| layout.size()).ok()
    /// };
    /// assert_eq!((size(Placement::First), size(Placement::Anywhere)), (None, Some(6)));
    /// ```
    #[non_exhaustive]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum Placement {
        /// Only as the first byte of the format, as in the `struct` module.
        First = "first",
        /// One byte-order character directly before each type, as in NumPy's reader: `(2)<i`, but neither `<(2)i`,
        /// `3<i` nor `i<`. A format of one number can start with several byte-order characters, and the reader uses the
        /// last character: `<>i`.
        BeforeType = "before-type",
        /// At every position between two tokens.
        Anywhere = "anywhere",
    }
}

named_enum! {
    /// The positions at which a dialect accepts white space. White space inside a name is part of the name.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, layout::Whitespace};
    /// let size = |whitespace| {
    ///     let mut dialect = Dialect::PEP3118;
    ///     dialect.whitespace = whitespace;
    ///     Layout::read(b"3 i", &dialect, &DataModel::LP64).map(|layout| layout.size()).ok()
    /// };
    /// assert_eq!((size(Whitespace::BetweenItems), size(Whitespace::Anywhere)), (None, Some(12)));
    /// ```
    #[non_exhaustive]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum Whitespace {
        /// Between two items, but not between a count and its format character, as in the `struct` module.
        BetweenItems = "between-items",
        /// Between all tokens, as in PEP 3118.
        Anywhere = "anywhere",
    }
}

named_enum! {
    /// The rule for padding before items under `@`, which gives each item its native alignment.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, layout::Alignment};
    /// let size = |alignment| {
    ///     let mut dialect = Dialect::PEP3118;
    ///     dialect.alignment = alignment;
    ///     Layout::read(b"bi", &dialect, &DataModel::LP64).map(|layout| layout.size()).ok()
    /// };
    /// assert_eq!((size(Alignment::Implicit), size(Alignment::Explicit)), (Some(8), Some(5)));
    /// ```
    #[non_exhaustive]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum Alignment {
        /// The reader inserts padding before an item under `@`, so that the item starts at a multiple of its native
        /// alignment.
        Implicit = "implicit",
        /// The reader inserts no padding. NumPy and ctypes write all pad bytes as `x`.
        Explicit = "explicit",
    }
}

named_enum! {
    /// The size of a structure inside an item.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, layout::StructureSize};
    /// let size = |structure_size| {
    ///     let mut dialect = Dialect::PEP3118;
    ///     dialect.structure_size = structure_size;
    ///     Layout::read(b"T{ib}b", &dialect, &DataModel::LP64).map(|layout| layout.size()).ok()
    /// };
    /// assert_eq!((size(StructureSize::Exact), size(StructureSize::Aligned)), (Some(6), Some(9)));
    /// ```
    #[non_exhaustive]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum StructureSize {
        /// The size is the offset after the last field.
        Exact = "exact",
        /// If `@` is in force at the closing brace, the size is rounded up to the alignment of the structure, as in C.
        Aligned = "aligned",
    }
}

named_enum! {
    /// The padding at the end of the whole item.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, layout::TrailingPadding};
    /// let size = |trailing_padding| {
    ///     let mut dialect = Dialect::PEP3118;
    ///     dialect.trailing_padding = trailing_padding;
    ///     Layout::read(b"ib", &dialect, &DataModel::LP64).map(|layout| layout.size()).ok()
    /// };
    /// assert_eq!((size(TrailingPadding::None), size(TrailingPadding::Aligned)), (Some(5), Some(8)));
    /// ```
    #[non_exhaustive]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum TrailingPadding {
        /// The item has no padding at the end, except pad bytes that the format declares.
        None = "none",
        /// If `@` is in force at the end of the format, the size is rounded up to the alignment of the item, as in C.
        Aligned = "aligned",
        /// All bytes between the last field and the itemsize are padding, because NumPy does not write the padding at
        /// the end.
        Implicit = "implicit",
    }
}

named_enum! {
    /// The rule for the distance between the elements of an array of structures.
    ///
    /// A format declares the fields of one element, but not the padding at the end of the element. In NumPy's formats,
    /// padding after an array can belong to the elements of the array or to the enclosing record. In formats of PEP
    /// 3118, `@` can pad each element as a C compiler does, or add no padding. [`reconcile`](crate::reconcile) computes
    /// the distance from the itemsize. [`Layout::read`](crate::Layout::read) does not know the itemsize and makes the
    /// elements contiguous.
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
    #[non_exhaustive]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum RecordSpacing {
        /// The distance follows from the padding in the format. If several distances are possible, `reconcile` returns
        /// an ambiguity.
        Inferred = "inferred",
        /// The distance follows from the padding in the format. If several distances are possible, the elements are
        /// contiguous.
        Packed = "packed",
        /// The distance follows from the padding in the format. If several distances are possible, the elements contain
        /// the padding after the array. In dialects with implicit alignment, this value has
        /// the effect of `Packed`.
        Padded = "padded",
    }
}

named_enum! {
    /// The rule for format characters without a standard size, such as `g P O n`, under `= < > !`.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, layout::NativeOnly};
    /// let size = |native_only| {
    ///     let mut dialect = Dialect::PEP3118;
    ///     dialect.native_only = native_only;
    ///     Layout::read(b"<P", &dialect, &DataModel::LP64).map(|layout| layout.size()).ok()
    /// };
    /// assert_eq!((size(NativeOnly::Refused), size(NativeOnly::KeepSize)), (None, Some(8)));
    /// ```
    #[non_exhaustive]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum NativeOnly {
        /// The format character is an error.
        Refused = "refused",
        /// The format character has its native size, as in the formats `<P` and `<g` of ctypes.
        KeepSize = "keep-size",
    }
}

named_enum! {
    /// The type of the format character `u`.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, layout::WideChar};
    /// let size = |wide_char| {
    ///     let mut dialect = Dialect::PEP3118;
    ///     dialect.wide_char = wide_char;
    ///     Layout::read(b"u", &dialect, &DataModel::LP64).map(|layout| layout.size()).ok()
    /// };
    /// assert_eq!((size(WideChar::Ucs2), size(WideChar::Wchar)), (Some(2), Some(4)));
    /// ```
    #[non_exhaustive]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum WideChar {
        /// A UCS-2 character of 2 bytes, as in PEP 3118.
        Ucs2 = "ucs2",
        /// A `wchar_t` of the data model, as in ctypes and `array.array`.
        Wchar = "wchar",
    }
}

named_enum! {
    /// The meaning of an `x` with a name.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, layout::NamedPadding};
    /// let fields = |named_padding| {
    ///     let mut dialect = Dialect::PEP3118;
    ///     dialect.named_padding = named_padding;
    ///     Layout::read(b"T{3x:a:i:b:}", &dialect, &DataModel::LP64).map(|layout| layout.item().fields().count()).ok()
    /// };
    /// assert_eq!((fields(NamedPadding::Padding), fields(NamedPadding::Field)), (Some(1), Some(2)));
    /// ```
    #[non_exhaustive]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum NamedPadding {
        /// Padding, as an `x` without a name.
        Padding = "padding",
        /// A field of opaque bytes, which NumPy calls void.
        Field = "field",
        /// A field of opaque bytes. An `x` without a name is also a field if the format contains no other item: NumPy
        /// writes formats such as `3x`.
        FieldOrWhole = "field-or-whole",
    }
}

named_enum! {
    /// The meaning of a repeat count of zero.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, layout::ZeroCount};
    /// let fields = |zero_count| {
    ///     let mut dialect = Dialect::PEP3118;
    ///     dialect.zero_count = zero_count;
    ///     Layout::read(b"T{b0i}", &dialect, &DataModel::LP64).map(|layout| layout.item().fields().count()).ok()
    /// };
    /// assert_eq!((fields(ZeroCount::Alignment), fields(ZeroCount::Field)), (Some(1), Some(2)));
    /// ```
    #[non_exhaustive]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum ZeroCount {
        /// The item only aligns the next offset and is not a field, as in the `struct` module: `b0i` has 4 bytes and
        /// one field.
        Alignment = "alignment",
        /// The item is a field with 0 elements.
        Field = "field",
    }
}

named_enum! {
    /// The largest repeat count and the largest length of a dimension.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, layout::CountLimit};
    /// let size = |count_limit| {
    ///     let mut dialect = Dialect::PEP3118;
    ///     dialect.count_limit = count_limit;
    ///     Layout::read(b"4294967296B", &dialect, &DataModel::LP64).map(|layout| layout.size()).ok()
    /// };
    /// assert_eq!((size(CountLimit::Ssize), size(CountLimit::Int)), (Some(4294967296), None));
    /// ```
    #[non_exhaustive]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum CountLimit {
        /// The limit is `PY_SSIZE_T_MAX` of the data model.
        Ssize = "ssize",
        /// The limit is `INT_MAX`, 2147483647.
        Int = "int",
    }
}

named_enum! {
    /// The meaning of a NUL byte in the format.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let size = |dialect| Layout::read(b"i\0d", dialect, &DataModel::LP64).map(|layout| layout.size()).ok();
    /// assert_eq!((size(&Dialect::STRUCT_3_13), size(&Dialect::STRUCT_3_6)), (None, Some(4)));
    /// ```
    #[non_exhaustive]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum Nul {
        /// A NUL byte is an error. All dialects except `struct-3.6` refuse a NUL byte.
        Refused = "refused",
        /// A NUL byte ends the format. The reader ignores all bytes after the NUL byte.
        Ends = "ends",
    }
}

impl CountLimit {
    /// Returns the largest permitted count. `ssize_max` is `PY_SSIZE_T_MAX` of the data model.
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

/// The format characters of numbers that every dialect has: `b B h H i I l L q Q f d`.
const NUMBERS: Codes = Codes::NONE
    .with(&[SignedChar, UnsignedChar, Short, UnsignedShort])
    .with(&[Int, UnsignedInt, Long, UnsignedLong])
    .with(&[LongLong, UnsignedLongLong, Float, Double]);

/// The format characters of [`NUMBERS`], of `long double` and of complex numbers: `g Zf Zd Zg`.
const NUMBERS_WITH_COMPLEX: Codes = NUMBERS.with(&[LongDouble, ComplexFloat, ComplexDouble, ComplexLongDouble]);

/// The format characters of the `struct` module of CPython 3.13.
const STRUCT_CODES: Codes = NUMBERS.with(&[Pad, Char, Bool, SsizeT, SizeT, Half, Bytes, Pascal, Pointer]);

/// The format characters that NumPy writes.
const NUMPY_CODES: Codes = NUMBERS_WITH_COMPLEX.with(&[Pad, Bool, Half, Bytes, Ucs4, Object]);

/// The constructs that all dialects except `struct` and `array` have: structures, names and shapes.
const RECORDS: Syntax = Syntax::STRUCTURES.union(Syntax::NAMES).union(Syntax::SHAPES);

impl Dialect {
    /// The `struct` module of CPython 3.15, which has the complex numbers `F D Zf Zd`.
    ///
    /// The dialect accepts the formats that `struct.calcsize` accepts, and gives each format the size that
    /// `struct.calcsize` returns.
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

    /// The `struct` module of CPython 3.14, which has the complex numbers `F` and `D`.
    pub const STRUCT_3_14: Self =
        Self { name: "struct-3.14", codes: STRUCT_CODES.with(&[ComplexFloat314, ComplexDouble314]), ..Self::STRUCT };

    /// The `struct` module of CPython 3.6, in which a NUL byte ends the format.
    pub const STRUCT_3_6: Self = Self { name: "struct-3.6", nul: Nul::Ends, ..Self::STRUCT_3_13 };

    /// The `struct` module of CPython 3.7 to 3.13, which has no complex numbers.
    pub const STRUCT_3_13: Self = Self { name: "struct-3.13", codes: STRUCT_CODES, ..Self::STRUCT };

    /// All constructs of PEP 3118 and of the implementations, with the layout rules of the `struct` module.
    ///
    /// Every format that the dialect `struct` accepts has an equal layout in the dialect `pep3118`.
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

    /// The layout rules of a C compiler: under `@`, the sizes of structures and of the item are rounded up to the
    /// alignment.
    ///
    /// NumPy and Cython read formats by these rules. Cython also writes formats by these rules.
    pub const NATIVE_C: Self = Self {
        name: "native-c",
        structure_size: StructureSize::Aligned,
        trailing_padding: TrailingPadding::Aligned,
        ..Self::PEP3118
    };

    /// The formats that NumPy writes.
    ///
    /// NumPy writes each pad byte between fields as `x` and omits the padding at the end. `@` implies no padding.
    pub const NUMPY: Self = Self {
        name: "numpy",
        codes: NUMPY_CODES,
        syntax: RECORDS.union(Syntax::STACKED_SHAPES).union(Syntax::UNALIGNED).union(Syntax::DUPLICATE_NAMES),
        alignment: Alignment::Explicit,
        trailing_padding: TrailingPadding::Implicit,
        named_padding: NamedPadding::FieldOrWhole,
        ..Self::PEP3118
    };

    /// The dialect [`PEP3118`](Self::PEP3118), in which the elements of an array of structures are always contiguous,
    /// even if this makes the fields of some elements unaligned.
    pub const PEP3118_PACKED: Self =
        Self { name: "pep3118-packed", record_spacing: RecordSpacing::Packed, ..Self::PEP3118 };

    /// The dialect [`NUMPY`](Self::NUMPY) with all format characters. If several distances between the elements of an
    /// array of structures are possible, the elements are contiguous.
    pub const NUMPY_PACKED: Self = Self {
        name: "numpy-packed",
        codes: Codes::ALL,
        named_padding: NamedPadding::Field,
        record_spacing: RecordSpacing::Packed,
        ..Self::NUMPY
    };

    /// The dialect [`NUMPY`](Self::NUMPY) with all format characters. If several distances between the elements of an
    /// array of structures are possible, the elements contain the padding after the array.
    pub const NUMPY_PADDED: Self =
        Self { name: "numpy-padded", record_spacing: RecordSpacing::Padded, ..Self::NUMPY_PACKED };

    /// The formats that NumPy 2.0 and later reads.
    ///
    /// NumPy's reader refuses `<(2)i` and `(2)(3)i`, although NumPy writes such formats.
    pub const NUMPY_READER: Self = Self {
        name: "numpy-reader",
        codes: NUMPY_CODES.with(&[Char]),
        sole_codes: Codes::NONE.with(&[SsizeT, SizeT]),
        syntax: RECORDS.union(Syntax::UNALIGNED),
        placement: Placement::BeforeType,
        count_limit: CountLimit::Int,
        ..Self::NATIVE_C
    };

    /// The formats that ctypes writes since CPython 3.12.
    ///
    /// ctypes writes all padding. Format characters without a standard size, such as `P`, have the native size under
    /// every byte-order character. ctypes writes no byte-order character before `&` and `X{}`. Before CPython 3.12,
    /// ctypes wrote no padding, so the size of an older format can be smaller than the itemsize.
    pub const CTYPES: Self = Self {
        name: "ctypes",
        codes: NUMBERS_WITH_COMPLEX
            .with(&[Pad, Char, Bool, Half, Pointer, Object, Ucs2])
            .with(&[CharPointer, WcharPointer, VariantBool])
            .with(&[ComplexFloat314, ComplexDouble314, ComplexLongDouble314]),
        syntax: RECORDS.union(Syntax::POINTERS).union(Syntax::FUNCTIONS).union(Syntax::DUPLICATE_NAMES),
        alignment: Alignment::Explicit,
        native_only: NativeOnly::KeepSize,
        wide_char: WideChar::Wchar,
        ..Self::PEP3118
    };

    /// The formats that Cython reads, and that Cython writes for typed memoryviews.
    ///
    /// Aligned structures such as `T{c:a:i:b:}` have the layout of a C compiler. Packed structures have a `^` before
    /// each type: `T{^c:a:^i:b:}`.
    pub const CYTHON: Self = Self {
        name: "cython",
        codes: NUMBERS_WITH_COMPLEX.with(&[Pad, Char, Bool, Bytes, Pascal, Object]),
        syntax: RECORDS.union(Syntax::UNALIGNED).union(Syntax::DUPLICATE_NAMES),
        named_padding: NamedPadding::Padding,
        ..Self::NATIVE_C
    };

    /// The formats that pybind11 writes, such as `^T{?:b:3xI:u:}`. pybind11 writes all padding, and writes spaces in
    /// shapes.
    pub const PYBIND11: Self = Self {
        name: "pybind11",
        codes: NUMBERS_WITH_COMPLEX.with(&[Pad, Bool, Half, Bytes, Ucs4]),
        syntax: RECORDS.union(Syntax::UNALIGNED).union(Syntax::DUPLICATE_NAMES),
        ..Self::PEP3118
    };

    /// The formats that `array.array` writes, with `u` as a `wchar_t`. `array.array` writes one format character, but
    /// the dialect also accepts formats of several items.
    pub const ARRAY: Self = Self {
        name: "array",
        codes: NUMBERS.with(&[Half, ComplexFloat, ComplexDouble, Ucs2, Ucs4]),
        syntax: Syntax::empty(),
        placement: Placement::First,
        wide_char: WideChar::Wchar,
        ..Self::STRUCT
    };

    /// All dialects of producers and consumers. The dialects in [`VARIANTS`](Self::VARIANTS) are not included.
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

    /// The variants of `pep3118` and `numpy`. A variant is for formats that do not determine the distance between the
    /// elements of an array of structures.
    ///
    /// Each variant selects one alternative of an [`Ambiguity`](crate::Ambiguity).
    pub const VARIANTS: [&'static Self; 3] = [&Self::PEP3118_PACKED, &Self::NUMPY_PACKED, &Self::NUMPY_PADDED];

    /// Returns the dialect whose name is `name`, from [`ALL`](Self::ALL) or [`VARIANTS`](Self::VARIANTS). Returns
    /// `None` if no dialect has this name.
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

/// [`PEP3118`](Dialect::PEP3118).
impl Default for Dialect {
    fn default() -> Self {
        Self::PEP3118
    }
}

impl FromStr for Dialect {
    type Err = UnknownName;

    /// Returns the dialect with the name `text`, see [`by_name`](Dialect::by_name).
    ///
    /// ```
    /// use pep3118::Dialect;
    /// assert_eq!("numpy".parse(), Ok(Dialect::NUMPY));
    /// assert!("fortran".parse::<Dialect>().is_err());
    /// ```
    ///
    /// # Errors
    /// - no dialect has the name `text`: `fortran`
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::by_name(text).copied().ok_or_else(|| UnknownName::new(text, "Dialect", &NAMES))
    }
}

/// The names that [`Dialect::by_name`] accepts.
const NAMES: [&str; 15] = [
    "struct",
    "struct-3.14",
    "struct-3.13",
    "struct-3.6",
    "pep3118",
    "native-c",
    "numpy",
    "numpy-reader",
    "ctypes",
    "cython",
    "pybind11",
    "array",
    "pep3118-packed",
    "numpy-packed",
    "numpy-padded",
];

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}
