//! `RuleId`: the rules of the buffer protocol, each with its text, its `Class`, its `Level` and its source. `Severity`:
//! the severity of a violation.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use crate::named::named_enum;
use crate::text::escape;

named_enum! {
    /// The information that is needed to check a rule.
    ///
    /// ```
    /// use pep3118::RuleId;
    /// use pep3118::view::Class;
    /// assert_eq!((RuleId::A04.class(), RuleId::B23.class()), (Class::Struct, Class::Requests));
    /// ```
    #[non_exhaustive]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum Class {
        /// The fields of one `Py_buffer`, and the request that the exporter answered.
        Struct = "struct",
        /// The answers to several requests.
        Requests = "requests",
        /// The fields of one `Py_buffer`, and the position and the length of the memory block.
        Block = "block",
        /// The events from the request to the release, such as changes of reference counts.
        Lifetime = "lifetime",
        /// No information about an exporter, because the rule applies to the consumer of a buffer.
        Consumer = "consumer",
        /// The layout of an item according to the type of the exporter, such as a dtype.
        TypeLayout = "type",
    }
}

named_enum! {
    /// The degree to which CPython's documentation requires a rule.
    ///
    /// ```
    /// use pep3118::view::Level;
    /// use pep3118::{RuleId, Severity};
    /// assert_eq!((RuleId::A04.level(), RuleId::B01.level()), (Level::Must, Level::Contested));
    /// assert_eq!(Level::Contested.severity(), Severity::Note);
    /// ```
    #[non_exhaustive]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum Level {
        /// The documentation requires the rule with the word "must".
        Must = "must",
        /// The rule follows from other rules or from the code of CPython.
        Derived = "derived",
        /// The documentation recommends the rule with the word "should".
        Should = "should",
        /// The documentation requires the rule, but well-known exporters break the rule.
        Contested = "contested",
        /// The rule is a recommendation of this crate and not of the documentation.
        Advisory = "advisory",
        /// The rule permits something and cannot be broken.
        May = "may",
    }
}

impl Level {
    /// Returns the severity for violations of a rule with this level.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::Must | Self::Derived => Severity::Error,
            Self::Should => Severity::Warning,
            Self::Contested | Self::Advisory | Self::May => Severity::Note,
        }
    }
}

named_enum! {
    /// The severity of a violation.
    ///
    /// ```
    /// use pep3118::Severity;
    /// // The worst severity compares least, so that sorted findings begin with errors.
    /// assert!(Severity::Error < Severity::Warning && Severity::Warning < Severity::Note);
    /// ```
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum Severity {
        /// The exporter breaks a rule that the protocol requires.
        Error = "error",
        /// The exporter does not follow a recommendation.
        Warning = "warning",
        /// The exporter does something that is allowed or contested, and that can surprise a consumer.
        Note = "note",
    }
}

/// The properties of one rule, as the macro `rules!` below lists them.
struct Rule {
    id: &'static str,
    /// The name of the rule in words, which states the subject: `"LEN-PRODUCT"`.
    name: &'static str,
    class: Class,
    level: Level,
    /// The requirement of the rule, on one line.
    text: &'static str,
    /// The file or issue that the rule comes from.
    source: &'static str,
}

/// Defines [`RuleId`] with one variant for each rule. The arguments of a rule are its id, name, class, level, text and
/// source.
macro_rules! rules {
    ($($id:ident $name:literal $class:ident $level:ident $text:literal $source:literal)*) => {
        /// A rule of the buffer protocol. The variant has the id of the rule.
        ///
        /// ```
        /// use pep3118::RuleId;
        /// let rule: RuleId = "A04".parse()?;
        /// assert_eq!(rule, RuleId::A04);
        /// assert_eq!(rule.name(), "LEN-PRODUCT");
        /// assert_eq!(rule.to_string(), "A04");
        /// # Ok::<(), pep3118::view::RuleIdError>(())
        /// ```
        #[non_exhaustive]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum RuleId {
            $(#[doc = $text] $id,)*
        }

        impl RuleId {
            /// Every rule, in the order of the ids.
            pub const ALL: &'static [Self] = &[$(Self::$id),*];

            /// Returns the properties of the rule from the table in `rules!`.
            const fn rule(self) -> &'static Rule {
                match self {$(
                    Self::$id => &Rule {
                        id: stringify!($id),
                        name: $name,
                        class: Class::$class,
                        level: Level::$level,
                        text: $text,
                        source: $source,
                    },
                )*}
            }
        }
    };
}

rules! {
    A01 "OBJ-NONNULL" Struct Must "after success obj holds a new reference to the exporter" "buffer.rst, Py_buffer.obj; typeobj.rst, bf_getbuffer step 4"
    A02 "OBJ-NULL-ONLY-TEMP" Struct Must "obj is NULL in temporary buffers only; an exporter always sets it" "buffer.rst, Py_buffer.obj"
    A03 "BUF-START" Struct Must "buf is the address of the first item, anywhere in the memory block" "buffer.rst, Py_buffer.buf"
    A04 "LEN-PRODUCT" Struct Must "with a shape, len is the product of its dimensions times itemsize" "buffer.rst, Py_buffer.len and Py_buffer.shape"
    A05 "LEN-LOGICAL" Struct Must "len of items with gaps is the size of a contiguous copy, not the distance from the first byte to the last" "buffer.rst, Py_buffer.len"
    A06 "LEN-NONNEG" Struct Derived "len and itemsize are not negative, and the product of shape and itemsize fits Py_ssize_t" "follows from A04; cpython#153689"
    A07 "ITEMSIZE-IS-CALCSIZE" Struct Must "itemsize is the size that the format describes" "buffer.rst, Py_buffer.itemsize"
    A08 "ITEMSIZE-KEPT" Requests Must "a request without FORMAT returns format NULL and the same itemsize as a request with FORMAT" "buffer.rst, Py_buffer.itemsize; test_buffer.py, verify_getbuf"
    A09 "ITEMSIZE-IGNORED" Consumer Must "if shape is NULL because it was not requested, items are single bytes whatever itemsize is" "buffer.rst, Py_buffer.itemsize"
    A10 "ITEMSIZE-POSITIVE" Struct Advisory "itemsize is positive, because CPython divides by it" "abstract.c, _IsCContiguous; memoryobject.c"
    A11 "FORMAT-STRUCT-STYLE" Struct Must "format is a NUL-terminated string in struct syntax that describes one item" "buffer.rst, Py_buffer.format"
    A12 "FORMAT-NULL-IS-B" Consumer Must "a NULL format means B, unsigned bytes" "buffer.rst, Py_buffer.format"
    A13 "NDIM-MAX" Struct Must "ndim is between 0 and PyBUF_MAX_NDIM: 64, or 36 on PyPy" "buffer.rst, Py_buffer.ndim; pypy#4825"
    A14 "NDIM0-NULLS" Struct Must "with ndim 0, shape, strides and suboffsets are NULL" "buffer.rst, Py_buffer.ndim"
    A15 "NDIM0-ONE-ITEM" Struct Derived "with ndim 0 there is one item, so len equals itemsize" "buffer.rst, Py_buffer.ndim; follows from A04"
    A16 "SHAPE-LEN-NDIM" Struct Must "shape, strides and suboffsets have ndim entries each" "buffer.rst, Py_buffer.shape, strides, suboffsets"
    A17 "SHAPE-NONNEG" Struct Must "no entry of shape is negative" "buffer.rst, Py_buffer.shape"
    A18 "SHAPE-ZERO" Struct Derived "an entry of shape may be 0: there are no items, and len is 0" "buffer.rst, Py_buffer.shape; abstract.c"
    A19 "STRIDES-ANY-INT" Consumer Must "strides may be negative or zero" "buffer.rst, Py_buffer.strides"
    A20 "STRIDES-NULL-IS-C" Consumer Must "NULL strides mean a C-contiguous array" "buffer.rst, NumPy-style"
    A21 "SUBOFFSETS-ALLNEG" Struct Must "if all suboffsets are negative, suboffsets is NULL" "buffer.rst, Py_buffer.suboffsets"
    A22 "SUBOFFSETS-DEREF" Consumer Must "with a suboffset of at least 0, the consumer adds the stride, follows the pointer and adds the suboffset" "buffer.rst, PIL-style"
    A23 "SUBOFFSETS-LASTDIM" Struct Advisory "the last suboffset is negative; a pointer for each item is a corner case that the source of CPython suggests forbidding" "memoryobject.c, HAVE_SUBOFFSETS_IN_LAST_DIM"
    A24 "ARRAYS-RO" Consumer Must "consumers do not modify the arrays, the format or internal" "buffer.rst; typeobj.rst"
    A25 "READONLY-01" Struct Derived "readonly is 0 or 1" "buffer.rst, Py_buffer.readonly"
    A26 "LEN-ACCESS" Consumer Must "consumers access the len bytes at buf as one block only if they requested contiguity" "buffer.rst, Py_buffer.len"

    B01 "REQ-INDEPENDENT" Requests Contested "obj, buf, len, itemsize and ndim do not depend on the request; on ndim under SIMPLE exporters disagree" "buffer.rst, request-independent fields; numpy#28272; pybind11#5407"
    B02 "WRITABLE" Struct Must "a request with WRITABLE returns writable memory or fails" "buffer.rst, PyBUF_WRITABLE"
    B03 "READONLY-CONSISTENT" Requests Must "without WRITABLE the exporter may choose readonly, but chooses the same value for every consumer" "buffer.rst, PyBUF_WRITABLE"
    B04 "FORMAT-SET" Struct Must "a request with FORMAT returns the format" "buffer.rst, PyBUF_FORMAT"
    B05 "FORMAT-UNSET-NULL" Struct Must "a request without FORMAT returns format NULL" "buffer.rst, PyBUF_FORMAT"
    B06 "FORMAT-NOT-ALONE" Consumer Must "a request combines FORMAT with a structure other than SIMPLE" "buffer.rst, PyBUF_FORMAT; cpython#123778"
    B07 "INDIRECT" Struct Must "INDIRECT returns shape and strides, and suboffsets if the memory has them" "buffer.rst, shape, strides, suboffsets"
    B08 "STRIDES" Struct Must "STRIDES returns shape and strides, and no suboffsets" "buffer.rst, shape, strides, suboffsets"
    B09 "ND" Struct Must "ND returns shape, and neither strides nor suboffsets" "buffer.rst, shape, strides, suboffsets"
    B10 "SIMPLE" Struct Must "SIMPLE returns neither shape nor strides nor suboffsets" "buffer.rst, shape, strides, suboffsets"
    B11 "C_CONTIGUOUS" Struct Must "C_CONTIGUOUS returns shape and strides of a C-contiguous array" "buffer.rst, contiguity requests"
    B12 "F_CONTIGUOUS" Struct Must "F_CONTIGUOUS returns shape and strides of a Fortran-contiguous array" "buffer.rst, contiguity requests"
    B13 "ANY_CONTIGUOUS" Struct Must "ANY_CONTIGUOUS returns shape and strides of a C- or Fortran-contiguous array" "buffer.rst, contiguity requests"
    B14 "NO-STRIDES-MEANS-C" Requests Must "a request without STRIDES succeeds on C-contiguous memory only" "buffer.rst, contiguity requests"
    B15 "NEEDS-INDIRECT" Requests Must "if the items need suboffsets, a request without INDIRECT fails" "buffer.rst, shape, strides, suboffsets"
    B16 "COMPOUND" Struct Must "a compound request (FULL, RECORDS, STRIDED, CONTIG) is the union of its flags and is served like them" "buffer.rst, compound requests"
    B17 "FLAG-NESTING" Struct Must "a structural flag contains the bits of the flags that it implies; some of the bits without the others are not a flag" "buffer.rst, shape, strides, suboffsets"
    B18 "READ-WRITE-INVALID" Consumer Must "PyBUF_READ and PyBUF_WRITE are arguments of PyMemoryView_FromMemory and never part of a request" "cpython#114707; cpython#114802"
    B19 "FAIL-BUFFERERROR" Requests Must "an exporter that cannot serve a request raises BufferError and returns -1" "buffer.rst, PyObject_GetBuffer; typeobj.rst, bf_getbuffer step 1"
    B20 "FAIL-OBJ-NULL" Requests Contested "a failed request sets obj to NULL; CPython's own bytes and PyBuffer_FillInfo do not" "buffer.rst, PyObject_GetBuffer; typeobj.rst"
    B21 "OK-RETURN-0" Requests Must "a successful request returns 0 without an exception" "typeobj.rst, bf_getbuffer steps 2 to 5"
    B22 "REDIRECT-OR-REEXPORT" Requests May "obj may be the last object of a chain of exporters instead of the object that was requested" "buffer.rst, PyObject_GetBuffer; typeobj.rst"
    B23 "SERVE-WHAT-YOU-CAN" Requests Derived "a request fails only for WRITABLE on read-only memory, a contiguity that the memory does not have, suboffsets or strides that are needed but not requested, or FORMAT alone" "test_buffer.py, verify_getbuf"
    B24 "REPEATABLE" Requests Derived "the same request twice describes the same memory" "buffer.rst, buffer request types"
    B25 "METADATA-CONSISTENT" Requests Derived "len, itemsize, buf, format, shape and strides agree in all requests that return them" "follows from B01 and A08"

    C01 "SUBOFFSETS-NOT-CONTIGUOUS" Requests Derived "memory with suboffsets is not contiguous in any order" "abstract.c, PyBuffer_IsContiguous"
    C02 "EMPTY-CONTIGUOUS" Requests Contested "memory of len 0 is contiguous in both orders; memoryview disagrees for one dimension" "abstract.c, PyBuffer_IsContiguous; memoryobject.c"
    C03 "NO-STRIDES-CONTIGUOUS" Requests Derived "without strides memory is C-contiguous, and Fortran-contiguous if at most one dimension is longer than 1" "abstract.c, PyBuffer_IsContiguous"
    C04 "RELAXED-STRIDES" Requests Derived "the stride of a dimension of at most one item does not affect contiguity" "abstract.c, PyBuffer_IsContiguous; test_buffer.py"
    C05 "NDIM0-CONTIGUOUS" Requests Derived "a single item without dimensions is contiguous in both orders" "glossary, contiguous; memoryobject.c"
    C06 "NDIM1-CONTIGUOUS" Requests Derived "one dimension is contiguous if its items are adjacent, in the order of their index" "glossary, contiguous"
    C07 "NDIMN-CONTIGUOUS" Requests Derived "items are adjacent in C order if the last index varies fastest, in Fortran order if the first does" "glossary, contiguous"

    D01 "OFFSET-MULTIPLE" Block Advisory "the offset of buf in its block is a multiple of itemsize" "buffer.rst, verify_structure"
    D02 "OFFSET-IN-BLOCK" Block Must "the first item, if there is one, is inside the block" "buffer.rst, verify_structure"
    D03 "STRIDE-MULTIPLE" Block Advisory "strides are multiples of itemsize" "buffer.rst, verify_structure"
    D04 "NDIM0-EMPTY" Block Must "ndim is not negative, and with ndim 0 shape and strides are empty" "buffer.rst, verify_structure"
    D05 "ZERO-SHAPE" Block Must "an array with a dimension of length 0 fits every block" "buffer.rst, verify_structure"
    D06 "EXTENT" Block Must "the lowest and the highest item are inside the block" "buffer.rst, verify_structure"
    D07 "EXTENT-OVERFLOW" Block Derived "the distance between the lowest and the highest byte fits Py_ssize_t" "follows from D06"
    D08 "OVERLAP" Block Advisory "writable items do not overlap; overlap is legal, but a write then changes several items" "test_buffer.py, is_overlapping"
    D09 "ITEMSIZE-ZERO" Block Derived "items of 0 bytes have no multiples: D01 and D03 do not apply" "follows from D01 and D03"

    E01 "RELEASE-ONCE" Lifetime Must "each successful request is followed by exactly one release" "buffer.rst, PyBuffer_Release"
    E02 "RELEASE-ONLY-GOT" Lifetime Must "a consumer releases only buffers that it requested" "buffer.rst, PyBuffer_Release"
    E03 "RELEASE-NULLS" Lifetime Must "PyBuffer_Release drops the reference in obj and sets it to NULL; bf_releasebuffer does not" "buffer.rst, PyBuffer_Release; typeobj.rst"
    E04 "MEMORY-VALID" Lifetime Must "all memory that the struct points to stays valid until the last release" "typeobj.rst, bf_getbuffer"
    E05 "INTERNAL-FOR-STATE" Lifetime Must "the exporter stores the state of one buffer in internal, because the consumer may release a copy of the struct" "typeobj.rst, bf_releasebuffer"
    E06 "EXPORT-COUNT" Lifetime Should "the exporter counts its exports and frees the memory after the last release" "typeobj.rst, bf_getbuffer and bf_releasebuffer"
    E07 "NO-RESIZE" Lifetime Derived "exported memory does not move" "follows from E04; PEP 3118"
    E08 "PIN" Consumer Derived "the consumer does not move the struct, because it may point into itself" "abstract.c, PyBuffer_FillInfo; PyO3#5453"
    E09 "REFCOUNT-NEUTRAL" Lifetime Derived "a request and its release leave the reference count unchanged" "follows from A01 and E03"
    E10 "PY-BUFFER" Lifetime Must "__buffer__ returns a memoryview, and __release_buffer__ is called once with it and does not raise" "PEP 688"
    E11 "GETBUFFER-ORDER" Requests Must "the exporter checks the request before it takes a reference or counts an export" "typeobj.rst, bf_getbuffer"

    F01 "FILLINFO-BYTES" Consumer Derived "PyBuffer_FillInfo describes len unsigned bytes in one dimension" "buffer.rst, PyBuffer_FillInfo; abstract.c"
    F02 "FILLINFO-EXPORTER" Consumer Must "an exporter passes itself and the unchanged flags to PyBuffer_FillInfo; any other caller passes NULL" "buffer.rst, PyBuffer_FillInfo"
    F03 "FILLINFO-FAILS" Consumer Derived "PyBuffer_FillInfo fails for WRITABLE on read-only memory and for invalid flags" "buffer.rst, PyBuffer_FillInfo; abstract.c"
    F04 "TOCONTIGUOUS-LEN" Consumer Must "PyBuffer_ToContiguous copies the whole buffer or fails" "buffer.rst, PyBuffer_ToContiguous"
    F05 "FROMCONTIGUOUS-LEN" Consumer Derived "PyBuffer_FromContiguous copies at most len bytes" "buffer.rst, PyBuffer_FromContiguous; abstract.c"
    F06 "GETPOINTER-STRIDES" Consumer Must "PyBuffer_GetPointer takes ndim indices and needs strides" "buffer.rst, PyBuffer_GetPointer; abstract.c"
    F07 "SIZEFROMFORMAT-CALCSIZE" Consumer Derived "PyBuffer_SizeFromFormat accepts the formats of struct.calcsize and no extension of PEP 3118" "buffer.rst, PyBuffer_SizeFromFormat; abstract.c"
    F08 "FILLSTRIDES-INT" Consumer Derived "PyBuffer_FillContiguousStrides takes itemsize as an int and may truncate it" "buffer.rst, PyBuffer_FillContiguousStrides"
    F09 "MEMORYVIEW-REBUILDS" Consumer Derived "memoryview fills in a missing shape of one dimension, missing strides and a missing format" "memoryobject.c"

    T01 "FORMAT-MATCHES-TYPE" TypeLayout Must "the format describes the same items as the type of the exporter: a dtype, the fields of a ctypes structure" "buffer.rst, PyBUF_FORMAT: format must be filled in correctly"
}

impl RuleId {
    /// Returns the id, such as `"A04"`.
    ///
    /// ```
    /// assert_eq!(pep3118::RuleId::A04.as_str(), "A04");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.rule().id
    }

    /// Returns the name in words, such as `"LEN-PRODUCT"`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.rule().name
    }

    /// Returns the heading of the section that contains the rule. The letter of the id determines the
    /// section: `"The struct"` for A.
    ///
    /// ```
    /// assert_eq!(pep3118::RuleId::A04.section(), "The struct");
    /// ```
    #[must_use]
    pub const fn section(self) -> &'static str {
        match self.as_str().as_bytes() {
            [b'A', ..] => "The struct",
            [b'B', ..] => "Requests",
            [b'C', ..] => "Contiguity",
            [b'D', ..] => "Bounds",
            [b'E', ..] => "Lifetime",
            [b'F', ..] => "PyBuffer_FillInfo and helpers",
            _ => "The type of the exporter",
        }
    }

    /// Returns the information that is needed to check the rule.
    ///
    /// ```
    /// assert_eq!(pep3118::RuleId::A04.class().as_str(), "struct");
    /// ```
    #[must_use]
    pub const fn class(self) -> Class {
        self.rule().class
    }

    /// Returns the degree to which CPython's documentation requires the rule.
    ///
    /// ```
    /// assert_eq!(pep3118::RuleId::A04.level().as_str(), "must");
    /// ```
    #[must_use]
    pub const fn level(self) -> Level {
        self.rule().level
    }

    /// Returns the severity that follows from the level of the rule.
    /// [`Finding::severity`](super::Finding::severity) can differ, because some violations of a rule are less
    /// serious than others.
    ///
    /// ```
    /// assert_eq!(pep3118::RuleId::A04.severity(), pep3118::Severity::Error);
    /// ```
    #[must_use]
    pub const fn severity(self) -> Severity {
        self.level().severity()
    }

    /// Returns the text of the rule, which is one line.
    ///
    /// ```
    /// assert_eq!(pep3118::RuleId::A17.text(), "no entry of shape is negative");
    /// ```
    #[must_use]
    pub const fn text(self) -> &'static str {
        self.rule().text
    }

    /// Returns the source of the rule, such as a file of CPython's documentation or code, or an issue.
    ///
    /// ```
    /// assert_eq!(pep3118::RuleId::A17.source(), "buffer.rst, Py_buffer.shape");
    /// ```
    #[must_use]
    pub const fn source(self) -> &'static str {
        self.rule().source
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for RuleId {
    type Err = RuleIdError;

    /// Parses an id, such as `"A04"` or `"a04"`, or a name in words, such as `"LEN-PRODUCT"`.
    ///
    /// # Errors
    /// - no rule has this id or name: `Z99`
    fn from_str(text: &str) -> Result<Self, RuleIdError> {
        let is = |rule: &&Self| rule.as_str().eq_ignore_ascii_case(text) || rule.name().eq_ignore_ascii_case(text);
        Self::ALL.iter().find(is).copied().ok_or_else(|| RuleIdError { text: text.into() })
    }
}

/// The error for text that is neither an id nor a name of a rule.
///
/// ```
/// use pep3118::RuleId;
/// let error = "Z99".parse::<RuleId>().unwrap_err();
/// assert_eq!(error.to_string(), "unknown rule `Z99`: ids go from A01 to T01");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("unknown rule `{}`: ids go from {} to {}", escape(text), RuleId::A01, RuleId::T01)]
pub struct RuleIdError {
    text: String,
}
