//! The rule book: what a `Py_buffer` must satisfy, by id.

use core::fmt;
use core::str::FromStr;

use super::error::RuleIdError;
use super::report::Severity;

/// From what a rule can be decided.
///
/// ```
/// use pep3118::RuleId;
/// use pep3118::view::Class;
/// assert_eq!((RuleId::A04.class(), RuleId::B23.class()), (Class::Struct, Class::Requests));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// From one filled struct and the request that it answers.
    Struct,
    /// From the answers to several requests.
    Requests,
    /// From the struct and the extent of the memory block.
    Block,
    /// From what happens over time, up to the release.
    Lifetime,
    /// It binds whoever reads a buffer: this crate, for one.
    Consumer,
    /// From what the type of the exporter says of its items, where it says anything.
    Truth,
}

impl Class {
    /// In lower case: `"struct"`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Struct => "struct",
            Self::Requests => "requests",
            Self::Block => "block",
            Self::Lifetime => "lifetime",
            Self::Consumer => "consumer",
            Self::Truth => "truth",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How binding a rule is.
///
/// ```
/// use pep3118::view::Level;
/// use pep3118::{RuleId, Severity};
/// assert_eq!((RuleId::A04.level(), RuleId::B01.level()), (Level::Must, Level::Contested));
/// assert_eq!(Level::Contested.severity(), Severity::Note);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// The documentation says must.
    Must,
    /// It follows from other rules or from what CPython does.
    Derived,
    /// The documentation says should.
    Should,
    /// The documentation says must, but well-known exporters disagree.
    Contested,
    /// Good advice.
    Advisory,
    /// A permission: nobody can break it.
    May,
}

impl Level {
    /// In lower case: `"must"`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Must => "must",
            Self::Derived => "derived",
            Self::Should => "should",
            Self::Contested => "contested",
            Self::Advisory => "advisory",
            Self::May => "may",
        }
    }

    /// What a breach of such a rule is.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::Must | Self::Derived => Severity::Error,
            Self::Should => Severity::Warning,
            Self::Contested | Self::Advisory | Self::May => Severity::Note,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One row of the rule book.
struct Row {
    id: &'static str,
    name: &'static str,
    class: Class,
    level: Level,
    text: &'static str,
    source: &'static str,
}

macro_rules! rules {
    ($($id:ident $name:literal $class:ident $level:ident $text:literal $source:literal)*) => {
        /// A rule of the buffer protocol.
        ///
        /// ```
        /// use pep3118::RuleId;
        /// let rule: RuleId = "A04".parse()?;
        /// assert_eq!(rule, RuleId::A04);
        /// assert_eq!(rule.name(), "LEN-PRODUCT");
        /// assert_eq!(rule.to_string(), "A04");
        /// # Ok::<(), pep3118::view::RuleIdError>(())
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum RuleId {
            $(#[doc = $text] $id,)*
        }

        impl RuleId {
            /// Every rule, in the order of the book.
            pub const ALL: &'static [Self] = &[$(Self::$id),*];

            const fn row(self) -> &'static Row {
                match self {$(
                    Self::$id => &Row {
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
    A02 "OBJ-NULL-ONLY-TEMP" Struct Must "NULL in obj is for temporary buffers; an object that exports never leaves it there" "buffer.rst, Py_buffer.obj"
    A03 "BUF-START" Struct Must "buf is the address of the first item, wherever in the block that lies" "buffer.rst, Py_buffer.buf"
    A04 "LEN-PRODUCT" Struct Must "where there is a shape, len is the product of its extents times itemsize" "buffer.rst, Py_buffer.len and Py_buffer.shape"
    A05 "LEN-LOGICAL" Struct Must "len of scattered items is the size of a contiguous copy, not the distance they span" "buffer.rst, Py_buffer.len"
    A06 "LEN-NONNEG" Struct Derived "len and itemsize are not negative and their product fits Py_ssize_t" "follows from A04; cpython#153689"
    A07 "ITEMSIZE-IS-CALCSIZE" Struct Must "itemsize is the size that the format describes" "buffer.rst, Py_buffer.itemsize"
    A08 "ITEMSIZE-KEPT" Requests Must "a request without FORMAT gets NULL as format, and the same itemsize as one with it" "buffer.rst, Py_buffer.itemsize; test_buffer.py, verify_getbuf"
    A09 "ITEMSIZE-IGNORED" Consumer Must "where shape is NULL because nobody asked for it, items count as single bytes" "buffer.rst, Py_buffer.itemsize"
    A10 "ITEMSIZE-POSITIVE" Struct Advisory "CPython takes itemsize for positive and divides by it" "abstract.c, _IsCContiguous; memoryobject.c"
    A11 "FORMAT-STRUCT-STYLE" Struct Must "format is a NUL-terminated string in the style of struct that describes one item" "buffer.rst, Py_buffer.format"
    A12 "FORMAT-NULL-IS-B" Consumer Must "a NULL format means B, unsigned bytes" "buffer.rst, Py_buffer.format"
    A13 "NDIM-MAX" Struct Must "ndim is between 0 and PyBUF_MAX_NDIM: 64, or 36 on PyPy" "buffer.rst, Py_buffer.ndim; pypy#4825"
    A14 "NDIM0-NULLS" Struct Must "with ndim 0, shape, strides and suboffsets are NULL" "buffer.rst, Py_buffer.ndim"
    A15 "NDIM0-ONE-ITEM" Struct Derived "with ndim 0 there is one item, so len is itemsize" "buffer.rst, Py_buffer.ndim; follows from A04"
    A16 "SHAPE-LEN-NDIM" Struct Must "shape, strides and suboffsets have ndim entries each" "buffer.rst, Py_buffer.shape, strides, suboffsets"
    A17 "SHAPE-NONNEG" Struct Must "no extent in shape is negative" "buffer.rst, Py_buffer.shape"
    A18 "SHAPE-ZERO" Struct Derived "an extent of 0 is legal: there is no item, and len is 0" "buffer.rst, Py_buffer.shape; abstract.c"
    A19 "STRIDES-ANY-INT" Consumer Must "strides may be negative or zero" "buffer.rst, Py_buffer.strides"
    A20 "STRIDES-NULL-IS-C" Consumer Must "NULL strides mean a C-contiguous array" "buffer.rst, NumPy-style"
    A21 "SUBOFFSETS-ALLNEG" Struct Must "where no suboffset follows a pointer, suboffsets is NULL" "buffer.rst, Py_buffer.suboffsets"
    A22 "SUBOFFSETS-DEREF" Consumer Must "a suboffset of at least 0: stride, follow the pointer, add the suboffset" "buffer.rst, PIL-style"
    A23 "SUBOFFSETS-LASTDIM" Struct Advisory "pointers in the last dimension are a corner that CPython itself would rather forbid" "memoryobject.c, HAVE_SUBOFFSETS_IN_LAST_DIM"
    A24 "ARRAYS-RO" Consumer Must "consumers change neither the arrays, nor the format, nor internal" "buffer.rst; typeobj.rst"
    A25 "READONLY-01" Struct Derived "readonly is 0 or 1" "buffer.rst, Py_buffer.readonly"
    A26 "LEN-ACCESS" Consumer Must "the len bytes from buf on are only touched if contiguity was asked for" "buffer.rst, Py_buffer.len"

    B01 "REQ-INDEPENDENT" Requests Contested "obj, buf, len, itemsize and ndim do not depend on the request; on ndim under SIMPLE exporters disagree" "buffer.rst, request-independent fields; numpy#28272; pybind11#5407"
    B02 "WRITABLE" Struct Must "a request with WRITABLE gets writable memory or fails" "buffer.rst, PyBUF_WRITABLE"
    B03 "READONLY-CONSISTENT" Requests Must "without WRITABLE the exporter may choose readonly, but the same for everyone" "buffer.rst, PyBUF_WRITABLE"
    B04 "FORMAT-SET" Struct Must "a request with FORMAT gets the format" "buffer.rst, PyBUF_FORMAT"
    B05 "FORMAT-UNSET-NULL" Struct Must "a request without FORMAT gets NULL" "buffer.rst, PyBUF_FORMAT"
    B06 "FORMAT-NOT-ALONE" Consumer Must "FORMAT is asked for together with a structure, never with SIMPLE" "buffer.rst, PyBUF_FORMAT; cpython#123778"
    B07 "INDIRECT" Struct Must "INDIRECT gets shape and strides, and suboffsets if there is need" "buffer.rst, shape, strides, suboffsets"
    B08 "STRIDES" Struct Must "STRIDES gets shape and strides, and no suboffsets" "buffer.rst, shape, strides, suboffsets"
    B09 "ND" Struct Must "ND gets the shape, and neither strides nor suboffsets" "buffer.rst, shape, strides, suboffsets"
    B10 "SIMPLE" Struct Must "SIMPLE gets neither shape nor strides nor suboffsets" "buffer.rst, shape, strides, suboffsets"
    B11 "C_CONTIGUOUS" Struct Must "C_CONTIGUOUS gets shape and strides of a C-contiguous array" "buffer.rst, contiguity requests"
    B12 "F_CONTIGUOUS" Struct Must "F_CONTIGUOUS gets shape and strides of a Fortran-contiguous array" "buffer.rst, contiguity requests"
    B13 "ANY_CONTIGUOUS" Struct Must "ANY_CONTIGUOUS gets shape and strides of an array contiguous either way" "buffer.rst, contiguity requests"
    B14 "NO-STRIDES-MEANS-C" Requests Must "a request without STRIDES succeeds on C-contiguous memory only" "buffer.rst, contiguity requests"
    B15 "NEEDS-INDIRECT" Requests Must "who needs suboffsets fails requests without INDIRECT" "buffer.rst, shape, strides, suboffsets"
    B16 "COMPOUND" Struct Must "a compound request (FULL, RECORDS, STRIDED, CONTIG) is the union of its flags and served like them" "buffer.rst, compound requests"
    B17 "FLAG-NESTING" Struct Must "a structural flag contains the bits of those below it; part of a flag is no flag" "buffer.rst, shape, strides, suboffsets"
    B18 "READ-WRITE-INVALID" Consumer Must "PyBUF_READ and PyBUF_WRITE are for PyMemoryView_FromMemory; no request has them" "cpython#114707; cpython#114802"
    B19 "FAIL-BUFFERERROR" Requests Must "who cannot serve a request raises BufferError and returns -1" "buffer.rst, PyObject_GetBuffer; typeobj.rst, bf_getbuffer step 1"
    B20 "FAIL-OBJ-NULL" Requests Contested "who fails sets obj to NULL; CPython's own bytes and PyBuffer_FillInfo do not" "buffer.rst, PyObject_GetBuffer; typeobj.rst"
    B21 "OK-RETURN-0" Requests Must "who succeeds returns 0, without an exception" "typeobj.rst, bf_getbuffer steps 2 to 5"
    B22 "REDIRECT-OR-REEXPORT" Requests May "obj may be the root of a chain of exporters instead of the one that was asked" "buffer.rst, PyObject_GetBuffer; typeobj.rst"
    B23 "SERVE-WHAT-YOU-CAN" Requests Derived "a request only fails for WRITABLE on read-only memory, contiguity that is not there, suboffsets or strides that were not asked for, or FORMAT alone" "test_buffer.py, verify_getbuf"
    B24 "REPEATABLE" Requests Derived "the same request twice describes the same memory" "buffer.rst, buffer request types"
    B25 "METADATA-CONSISTENT" Requests Derived "len, itemsize, buf, format, shape and strides agree wherever they are told" "follows from B01 and A08"

    C01 "SUBOFFSETS-NOT-CONTIGUOUS" Requests Derived "memory reached through suboffsets is contiguous in no order" "abstract.c, PyBuffer_IsContiguous"
    C02 "EMPTY-CONTIGUOUS" Requests Contested "memory of len 0 is contiguous in both orders; memoryview forgets it in one dimension" "abstract.c, PyBuffer_IsContiguous; memoryobject.c"
    C03 "NO-STRIDES-CONTIGUOUS" Requests Derived "without strides memory is C-contiguous, and Fortran-contiguous if at most one extent is above 1" "abstract.c, PyBuffer_IsContiguous"
    C04 "RELAXED-STRIDES" Requests Derived "the stride of a dimension of at most one item has no say in contiguity" "abstract.c, PyBuffer_IsContiguous; test_buffer.py"
    C05 "NDIM0-CONTIGUOUS" Requests Derived "a single item without dimensions is contiguous in both orders" "glossary, contiguous; memoryobject.c"
    C06 "NDIM1-CONTIGUOUS" Requests Derived "one dimension is contiguous where the items adjoin in the order of their index" "glossary, contiguous"
    C07 "NDIMN-CONTIGUOUS" Requests Derived "C-contiguous: the last index varies fastest; Fortran-contiguous: the first" "glossary, contiguous"

    D01 "OFFSET-MULTIPLE" Block Advisory "the offset of buf in its block is a multiple of itemsize" "buffer.rst, verify_structure"
    D02 "OFFSET-IN-BLOCK" Block Must "the first item lies in the block, if there is one" "buffer.rst, verify_structure"
    D03 "STRIDE-MULTIPLE" Block Advisory "strides are multiples of itemsize" "buffer.rst, verify_structure"
    D04 "NDIM0-EMPTY" Block Must "ndim is not negative, and with ndim 0 shape and strides are empty" "buffer.rst, verify_structure"
    D05 "ZERO-SHAPE" Block Must "an array with an extent of 0 fits every block" "buffer.rst, verify_structure"
    D06 "EXTENT" Block Must "the lowest and the highest item lie in the block" "buffer.rst, verify_structure"
    D07 "EXTENT-OVERFLOW" Block Derived "the distance between the lowest and the highest byte fits Py_ssize_t" "follows from D06"
    D08 "OVERLAP" Block Advisory "writable items that overlap are legal but surprise whoever writes" "test_buffer.py, is_overlapping"
    D09 "ITEMSIZE-ZERO" Block Derived "items of 0 bytes have no multiples: D01 and D03 do not apply" "follows from D01 and D03"

    E01 "RELEASE-ONCE" Lifetime Must "every successful request is followed by exactly one release" "buffer.rst, PyBuffer_Release"
    E02 "RELEASE-ONLY-GOT" Lifetime Must "only what was requested is released" "buffer.rst, PyBuffer_Release"
    E03 "RELEASE-NULLS" Lifetime Must "the release drops the reference in obj and sets it to NULL; bf_releasebuffer leaves it alone" "buffer.rst, PyBuffer_Release; typeobj.rst"
    E04 "MEMORY-VALID" Lifetime Must "all memory that the struct points to stays valid until the last release" "typeobj.rst, bf_getbuffer"
    E05 "INTERNAL-FOR-STATE" Lifetime Must "what an exporter keeps for one buffer hangs on internal, because the consumer may release a copy of the struct" "typeobj.rst, bf_releasebuffer"
    E06 "EXPORT-COUNT" Lifetime Should "exports are counted, and freed when none is left" "typeobj.rst, bf_getbuffer and bf_releasebuffer"
    E07 "NO-RESIZE" Lifetime Derived "exported memory does not move" "follows from E04; PEP 3118"
    E08 "PIN" Consumer Derived "the struct may point into itself, so it is not moved" "abstract.c, PyBuffer_FillInfo; PyO3#5453"
    E09 "REFCOUNT-NEUTRAL" Lifetime Derived "request and release together leave the reference count as it was" "follows from A01 and E03"
    E10 "PY-BUFFER" Lifetime Must "__buffer__ returns a memoryview, and __release_buffer__ is called once with it" "PEP 688"
    E11 "GETBUFFER-ORDER" Requests Must "the request is checked before a reference is taken or an export counted" "typeobj.rst, bf_getbuffer"

    F01 "FILLINFO-BYTES" Consumer Derived "PyBuffer_FillInfo describes len unsigned bytes in one dimension" "buffer.rst, PyBuffer_FillInfo; abstract.c"
    F02 "FILLINFO-EXPORTER" Consumer Must "an exporter passes itself and the flags unchanged to PyBuffer_FillInfo; anybody else passes NULL" "buffer.rst, PyBuffer_FillInfo"
    F03 "FILLINFO-FAILS" Consumer Derived "PyBuffer_FillInfo fails for WRITABLE on read-only memory and for flags that are none" "buffer.rst, PyBuffer_FillInfo; abstract.c"
    F04 "TOCONTIGUOUS-LEN" Consumer Must "PyBuffer_ToContiguous copies all of a buffer or fails" "buffer.rst, PyBuffer_ToContiguous"
    F05 "FROMCONTIGUOUS-LEN" Consumer Derived "PyBuffer_FromContiguous copies len bytes at most" "buffer.rst, PyBuffer_FromContiguous; abstract.c"
    F06 "GETPOINTER-STRIDES" Consumer Must "PyBuffer_GetPointer takes ndim indices and needs strides" "buffer.rst, PyBuffer_GetPointer; abstract.c"
    F07 "SIZEFROMFORMAT-CALCSIZE" Consumer Derived "PyBuffer_SizeFromFormat knows what struct.calcsize knows, and nothing of PEP 3118" "buffer.rst, PyBuffer_SizeFromFormat; abstract.c"
    F08 "FILLSTRIDES-INT" Consumer Derived "PyBuffer_FillContiguousStrides takes itemsize as an int and may cut it" "buffer.rst, PyBuffer_FillContiguousStrides"
    F09 "MEMORYVIEW-REBUILDS" Consumer Derived "memoryview fills in a missing shape of one dimension, missing strides and a missing format" "memoryobject.c"

    T01 "FORMAT-LIES" Truth Must "the format describes the items as the type of the exporter does: a dtype, the fields of a structure" "buffer.rst, PyBUF_FORMAT: format must be filled in correctly"
}

impl RuleId {
    /// `"A04"`
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().id
    }

    /// A name for people: `"LEN-PRODUCT"`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// The heading that it stands under, which its letter says: `"The struct"` for A.
    #[must_use]
    pub const fn section(self) -> &'static str {
        match self.as_str().as_bytes() {
            [b'A', ..] => "The struct",
            [b'B', ..] => "Requests",
            [b'C', ..] => "Contiguity",
            [b'D', ..] => "Bounds",
            [b'E', ..] => "Lifetime",
            [b'F', ..] => "PyBuffer_FillInfo and helpers",
            _ => "Truth",
        }
    }

    /// From what it can be decided.
    #[must_use]
    pub const fn class(self) -> Class {
        self.row().class
    }

    /// How binding it is.
    #[must_use]
    pub const fn level(self) -> Level {
        self.row().level
    }

    /// What a breach is, where the [`Finding`](super::Finding) does not say otherwise.
    #[must_use]
    pub const fn severity(self) -> Severity {
        self.level().severity()
    }

    /// The rule in one line.
    #[must_use]
    pub const fn text(self) -> &'static str {
        self.row().text
    }

    /// Where it comes from: files of CPython's documentation and sources, issues.
    #[must_use]
    pub const fn source(self) -> &'static str {
        self.row().source
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for RuleId {
    type Err = RuleIdError;

    /// Reads an id, `"A04"` or `"a04"`, or a name, `"LEN-PRODUCT"`.
    ///
    /// # Errors
    /// - `Z99`: no such rule
    fn from_str(text: &str) -> Result<Self, RuleIdError> {
        let is = |rule: &&Self| rule.as_str().eq_ignore_ascii_case(text) || rule.name().eq_ignore_ascii_case(text);
        Self::ALL.iter().find(is).copied().ok_or_else(|| RuleIdError { text: text.into() })
    }
}
