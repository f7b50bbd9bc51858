//! `Consumer`: an enum of the libraries and functions that read buffer formats, each with a name and a version.

use core::fmt;

/// A library or function that reads buffer formats. Each variant is one version, and the behaviour of this version was
/// recorded.
///
/// ```
/// use pep3118_readers::Consumer;
/// assert_eq!(Consumer::Numpy.to_string(), "NumPy 2.5");
/// assert_eq!(Consumer::by_name("pyo3"), Some(Consumer::PyO3));
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Consumer {
    /// CPython's `struct`, and `PyBuffer_SizeFromFormat`, which calls `struct`.
    Struct315,
    /// CPython's `struct` 3.14, which does not support `Zf` and `Zd`.
    Struct314,
    /// CPython's `struct` 3.13, which does not support `F` and `D`.
    Struct313,
    /// The indexing and `tolist` of CPython's `memoryview`. Other methods of a memoryview do not read the
    /// format.
    MemoryView315,
    /// CPython's `memoryview` 3.14, which does not support `Zf` and `Zd`.
    MemoryView314,
    /// CPython's `memoryview` 3.11, which does not support `e`.
    MemoryView311,
    /// `numpy.asarray`, and every NumPy function that converts a buffer to an array.
    Numpy,
    /// Cython's typed memoryviews, such as `double[:]`.
    Cython,
    /// pybind11's `py::array` from a `py::buffer`.
    Pybind11,
    /// nanobind's `nb::ndarray` from the buffer protocol.
    Nanobind,
    /// PyO3's `PyBuffer<T>`.
    PyO3,
    /// PyPy's `struct`.
    PypyStruct,
    /// RustPython's `struct`.
    RustPythonStruct,
    /// mpi4py, for a buffer that is passed to MPI without an MPI datatype.
    Mpi4py,
    /// `numba.typeof` of a memoryview.
    Numba,
    /// `pygame.BufferProxy`.
    Pygame,
    /// `nanoarrow.c_buffer`.
    Nanoarrow,
    /// JPype's `JArray.of`.
    JPype,
    /// USD's `Vt` arrays from a memoryview.
    UsdVt,
    /// simsimd's distance functions.
    SimSimd,
    /// `numkong.Tensor`.
    NumKong,
}

impl Consumer {
    /// Every consumer, in the order in which [`readers`](super::readers) returns the answers.
    pub const ALL: [Self; 21] = [
        Self::Struct315,
        Self::Struct314,
        Self::Struct313,
        Self::MemoryView315,
        Self::MemoryView314,
        Self::MemoryView311,
        Self::Numpy,
        Self::Cython,
        Self::Pybind11,
        Self::Nanobind,
        Self::PyO3,
        Self::PypyStruct,
        Self::RustPythonStruct,
        Self::Mpi4py,
        Self::Numba,
        Self::Pygame,
        Self::Nanoarrow,
        Self::JPype,
        Self::UsdVt,
        Self::SimSimd,
        Self::NumKong,
    ];

    /// Returns the name of the library or function without the version, such as `"NumPy"`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Struct315 | Self::Struct314 | Self::Struct313 => "struct",
            Self::MemoryView315 | Self::MemoryView314 | Self::MemoryView311 => "memoryview",
            Self::Numpy => "NumPy",
            Self::Cython => "Cython",
            Self::Pybind11 => "pybind11",
            Self::Nanobind => "nanobind",
            Self::PyO3 => "PyO3",
            Self::PypyStruct => "PyPy struct",
            Self::RustPythonStruct => "RustPython struct",
            Self::Mpi4py => "mpi4py",
            Self::Numba => "numba",
            Self::Pygame => "pygame-ce",
            Self::Nanoarrow => "nanoarrow",
            Self::JPype => "JPype",
            Self::UsdVt => "USD Vt",
            Self::SimSimd => "simsimd",
            Self::NumKong => "numkong",
        }
    }

    /// Returns the version whose behaviour was recorded, such as `"2.5"`. For `struct` and `memoryview`, the
    /// version is the version of Python.
    #[must_use]
    pub const fn version(self) -> &'static str {
        match self {
            Self::Struct315 | Self::MemoryView315 => "3.15",
            Self::Struct314 | Self::MemoryView314 => "3.14",
            Self::Struct313 => "3.13",
            Self::MemoryView311 => "3.11",
            Self::Numpy => "2.5",
            Self::Cython => "3.3",
            Self::Pybind11 | Self::Nanobind => "3.1",
            Self::PyO3 => "0.29",
            Self::PypyStruct => "8.0",
            Self::RustPythonStruct => "0.5",
            Self::Mpi4py => "4.1",
            Self::Numba => "0.68",
            Self::Pygame => "2.5",
            Self::Nanoarrow => "0.9",
            Self::JPype => "1.7",
            Self::UsdVt => "26.11",
            Self::SimSimd => "6.5",
            Self::NumKong => "7.8",
        }
    }

    /// Returns the consumer named `name`, such as `"pybind11"` or `"struct 3.13"`.
    ///
    /// The version in `name` is optional, as in `NumPy` and `NumPy 2.5`. Without a version, the function returns the
    /// newest version. The function ignores upper and lower case. Returns `None` if no consumer has this name or
    /// version.
    ///
    /// ```
    /// use pep3118_readers::Consumer;
    /// assert_eq!(Consumer::by_name("numpy"), Some(Consumer::Numpy));
    /// ```
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|consumer| {
            let rest = name.get(..consumer.name().len()).filter(|start| start.eq_ignore_ascii_case(consumer.name()));
            let rest = rest.and_then(|start| name.get(start.len()..));
            rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix(' ') == Some(consumer.version()))
        })
    }
}

impl fmt::Display for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&alloc::format!("{} {}", self.name(), self.version()))
    }
}
