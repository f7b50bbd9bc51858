//! `readers`: predicts the `Outcome` for every [`Consumer`], such as NumPy: the consumer reads, misreads or refuses a
//! format.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::consumer::Consumer;
use super::consumer_layout::ConsumerLayout;
use super::query::{Accepted, Query};
use super::{binding_generators, cpython, cython, numpy, rustpython, third_party};
use pep3118::__private::interpretations;
use pep3118::abi::DataModel;
use pep3118::layout::{Dialect, reconcile};

/// The prediction for one consumer and one format.
///
/// ```
/// use pep3118::DataModel;
/// use pep3118_readers::{Outcome, readers};
/// let answers = readers(b"<i", Some(4), &DataModel::LP64);
/// assert!(answers.iter().any(|answer| matches!(answer.outcome, Outcome::Reads { .. })));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The consumer that the prediction is about.
    pub consumer: Consumer,
    /// The prediction: the consumer reads, misreads or refuses the format.
    pub outcome: Outcome,
}

/// The outcome for a consumer: the consumer reads, misreads or refuses a format.
///
/// Each text in the variants is one line of ASCII without a full stop at the end.
///
/// ```
/// use pep3118_readers::{Consumer, Outcome, readers};
/// let answers = readers(b"i}d", None, &pep3118::DataModel::LP64);
/// let numpy = answers.iter().find(|answer| answer.consumer == Consumer::Numpy).unwrap();
/// assert!(matches!(numpy.outcome, Outcome::Misreads { .. }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The consumer reads the values that the format describes.
    Reads {
        /// The item in words: `"int32"`, `"5 bytes: int32 at 0, int8 at 4"`.
        layout: String,
        /// A remark about an effect other than on the values, such as `"the type is lost"`. `None` without a remark.
        note: Option<String>,
    },
    /// The consumer raises no error, but reads values that differ from the values that the format describes.
    Misreads {
        /// The item that the consumer reads, in words.
        layout: String,
        /// The item that the format describes, in words. If the format describes no item, the text starts with
        /// `nothing` and contains the reason.
        meaning: String,
    },
    /// The consumer raises an error for the format.
    Refuses {
        /// The reason for the error, in the words of this crate. The message of the consumer can differ.
        reason: String,
    },
}

impl Outcome {
    /// Returns `true` for [`Reads`](Self::Reads) and [`Misreads`](Self::Misreads): the consumer raises no error.
    #[must_use]
    pub const fn is_accepted(&self) -> bool {
        !matches!(self, Self::Refuses { .. })
    }

    /// Returns `true` for [`Misreads`](Self::Misreads): the consumer raises no error but reads other values.
    #[must_use]
    pub const fn is_misread(&self) -> bool {
        matches!(self, Self::Misreads { .. })
    }

    /// Returns the name of the variant in lower case: `"reads"`, `"misreads"` or `"refuses"`.
    #[must_use]
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Reads { .. } => "reads",
            Self::Misreads { .. } => "misreads",
            Self::Refuses { .. } => "refuses",
        }
    }
}

/// Predicts the outcome for `format` in every consumer. Returns one answer for each consumer, in the order of
/// [`Consumer::ALL`].
///
/// `itemsize` is the itemsize of the buffer in bytes. `None` means that the itemsize is unknown; a consumer that needs
/// an itemsize then gets the size that `format` describes. `model` has the byte order and the C type sizes of the
/// consumer's machine. A NUL ends the format for a consumer of buffers, but not for `struct`, which gets the whole
/// text.
///
/// ```
/// use pep3118::DataModel;
/// use pep3118_readers::{Consumer, Outcome, readers};
///
/// let answers = readers(b">i", Some(4), &DataModel::LP64);
/// let of = |consumer| &answers.iter().find(|answer| answer.consumer == consumer).unwrap().outcome;
///
/// assert!(matches!(of(Consumer::Numpy), Outcome::Reads { layout, .. } if layout == "big-endian int32"));
/// assert!(matches!(of(Consumer::PyO3), Outcome::Misreads { layout, .. } if layout == "int32"));
/// assert!(matches!(of(Consumer::Cython), Outcome::Refuses { .. }));
/// ```
#[must_use]
pub fn readers(format: &[u8], itemsize: Option<u64>, model: &DataModel) -> Vec<Answer> {
    let meaning = Meaning::of(format, itemsize, model);
    // A buffer's format is a C string, so consumers of buffers read the format only up to the first NUL. `struct`
    // receives a Python string, which can contain NUL.
    let c_string = format.split(|byte| *byte == 0).next().unwrap_or(format);
    let buffer = Query { format: c_string, itemsize, described_size: meaning.size(), model };
    let python_string = Query { format, ..buffer };
    let answers = Consumer::ALL.into_iter().map(|consumer| {
        let result = match consumer {
            Consumer::Struct315 => cpython::calcsize(&python_string, &Dialect::STRUCT),
            Consumer::Struct314 => cpython::calcsize(&python_string, &Dialect::STRUCT_3_14),
            Consumer::Struct313 => cpython::calcsize(&python_string, &Dialect::STRUCT_3_13),
            Consumer::PypyStruct => cpython::calcsize(&python_string, &cpython::PYPY),
            Consumer::RustPythonStruct => rustpython::calcsize(&python_string),
            Consumer::MemoryView315 => cpython::memoryview(&buffer, cpython::Version::From315),
            Consumer::MemoryView314 => cpython::memoryview(&buffer, cpython::Version::From312),
            Consumer::MemoryView311 => cpython::memoryview(&buffer, cpython::Version::Before312),
            Consumer::Numpy => numpy::asarray(&buffer),
            Consumer::Cython => cython::memoryview(&buffer, meaning.plausible()),
            Consumer::Pybind11 => binding_generators::pybind11(&buffer),
            Consumer::Nanobind => binding_generators::nanobind(&buffer),
            Consumer::PyO3 => binding_generators::pybuffer(&buffer),
            Consumer::Mpi4py => third_party::mpi4py(&buffer),
            Consumer::Numba => third_party::numba(&buffer),
            Consumer::Pygame => third_party::pygame(&buffer),
            Consumer::Nanoarrow => third_party::nanoarrow(&buffer),
            Consumer::JPype => third_party::jpype(&buffer),
            Consumer::UsdVt => third_party::usd_vt(&buffer),
            Consumer::SimSimd => third_party::simsimd(&buffer),
            Consumer::NumKong => third_party::numkong(&buffer),
        };
        let outcome = match result {
            Ok(accepted) => meaning.compare(accepted, itemsize, model),
            Err(reason) => Outcome::Refuses { reason },
        };
        Answer { consumer, outcome }
    });
    answers.collect()
}

/// The meaning of a format: the layouts that the exporter can have meant, as [`reconcile`] determines them.
struct Meaning {
    /// Every layout that the exporter can have meant. The most likely layout is first.
    interpretations: Vec<ConsumerLayout>,
    /// `true` if NumPy probably wrote the format. In this case, the first interpretation is the layout by the rules of
    /// NumPy, and all other interpretations are unlikely.
    is_probably_numpy: bool,
    /// The reason why `interpretations` is empty, or an empty text if `interpretations` is not empty.
    error: String,
}

impl Meaning {
    /// Determines the meaning of `format`. `itemsize` is the itemsize of the buffer in bytes, or `None` if the
    /// itemsize is unknown. `model` is the machine of the exporter.
    fn of(format: &[u8], itemsize: Option<u64>, model: &DataModel) -> Self {
        let outcome = reconcile(format, itemsize, None, model);
        let interpretations = interpretations(&outcome);
        if let (Err(error), []) = (&outcome, interpretations) {
            return Self { interpretations: Vec::new(), is_probably_numpy: false, error: error.to_string() };
        }
        let mut layouts: Vec<ConsumerLayout> =
            interpretations.iter().map(|interpretation| ConsumerLayout::of(&interpretation.layout)).collect();
        let mut is_probably_numpy = false;
        if interpretations.len() > 1 && itemsize.is_some() {
            // NumPy writes explicit padding, and most buffers with explicit padding are from NumPy. A consumer that
            // reads the fields at other offsets than NumPy misreads these buffers.
            let is_numpy = |dialect: &Dialect| {
                [Dialect::NUMPY, Dialect::NUMPY_PACKED, Dialect::NUMPY_PADDED]
                    .iter()
                    .any(|numpy| numpy.name == dialect.name)
            };
            let mut candidates = interpretations.iter().zip(&layouts);
            let by_numpy =
                candidates.position(|(interpretation, layout)| is_numpy(&interpretation.dialect) && layout.has_gap());
            if let Some(index) = by_numpy {
                layouts.swap(0, index);
                is_probably_numpy = true;
            }
        }
        Self { interpretations: layouts, is_probably_numpy, error: String::new() }
    }

    /// Returns the size in bytes of the most likely interpretation. Returns `None` if the format has no interpretation.
    fn size(&self) -> Option<u64> {
        self.interpretations.first().map(|layout| layout.size)
    }

    /// Returns the likely interpretations, with which the layout of a consumer is compared. If NumPy probably wrote the
    /// format, the slice contains only NumPy's interpretation. Otherwise the slice contains all interpretations.
    fn plausible(&self) -> &[ConsumerLayout] {
        // `is_probably_numpy` is `true` only for several interpretations, so the range `..1` exists.
        if self.is_probably_numpy { self.interpretations.get(..1).unwrap_or_default() } else { &self.interpretations }
    }

    /// Compares the layout that a consumer reads with the interpretations of the format.
    ///
    /// `accepted` has the layout that the consumer reads. `itemsize` is the itemsize of the buffer in bytes, or `None`
    /// if the itemsize is unknown. `model` is the machine of the consumer. The texts in the result mention only byte
    /// orders that differ from this machine. Returns `Outcome::Reads` if a likely interpretation agrees with
    /// `accepted`, and otherwise `Outcome::Misreads`.
    fn compare(&self, accepted: Accepted, itemsize: Option<u64>, model: &DataModel) -> Outcome {
        let Accepted { layout, note } = accepted;
        let plausible = self.plausible();
        let Some(most_likely) = plausible.first() else {
            let meaning = format!("nothing, {}", self.error);
            return Outcome::Misreads { layout: layout.describe(model), meaning };
        };
        if !plausible.iter().any(|meant| layout.agrees_with(meant)) {
            let (layout, meaning) = layout.difference(most_likely, model);
            let meaning = if self.is_probably_numpy { format!("{meaning}, if NumPy wrote it") } else { meaning };
            return Outcome::Misreads { layout, meaning };
        }
        let note = if layout.is_opaque() {
            Some("the type is lost")
        } else if self.interpretations.iter().all(|meant| layout.agrees_with(meant)) {
            note
        } else if itemsize.is_none() {
            Some("another itemsize gives another interpretation")
        } else if self.is_probably_numpy {
            Some("as NumPy writes it")
        } else {
            Some("one of several interpretations")
        };
        Outcome::Reads { layout: layout.describe(model), note: note.map(String::from) }
    }
}
