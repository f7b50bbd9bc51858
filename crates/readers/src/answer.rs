//! `readers`: the answers of all consumers to a format.

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

/// The answer of a consumer to a format.
///
/// ```
/// use pep3118::DataModel;
/// use pep3118_readers::{Outcome, readers};
/// let answers = readers(b"<i", Some(4), &DataModel::LP64);
/// assert!(answers.iter().any(|answer| matches!(answer.outcome, Outcome::Reads { .. })));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The consumer.
    pub consumer: Consumer,
    /// Whether the consumer reads, misreads or refuses the format.
    pub outcome: Outcome,
}

/// The outcome for a consumer and a format: the consumer reads, misreads or refuses the format.
///
/// The texts are messages of one line of ASCII, without a full stop.
///
/// ```
/// use pep3118_readers::{Consumer, Outcome, readers};
/// let answers = readers(b"i}d", None, &pep3118::DataModel::LP64);
/// let numpy = answers.iter().find(|answer| answer.consumer == Consumer::Numpy).unwrap();
/// assert!(matches!(numpy.outcome, Outcome::Misreads { .. }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The consumer reads the item that the format describes.
    Reads {
        /// The item in words: `"int32"`, `"5 bytes: int32 at 0, int8 at 4"`.
        layout: String,
        /// A condition under which the item is read, or a loss that does not change values.
        note: Option<String>,
    },
    /// The consumer accepts the format without an error but reads another item.
    Misreads {
        /// The item that the consumer reads, in words.
        layout: String,
        /// The item that the format describes, in words. If the format describes no item, the text is the reason.
        meaning: String,
    },
    /// The consumer raises an error.
    Refuses {
        /// The reason for the error.
        reason: String,
    },
}

impl Outcome {
    /// Returns whether the consumer accepts the format, and therefore reads or misreads the item.
    #[must_use]
    pub const fn is_accepted(&self) -> bool {
        !matches!(self, Self::Refuses { .. })
    }

    /// Returns whether the consumer accepts the format but reads an item that the format does not describe.
    #[must_use]
    pub const fn is_misread(&self) -> bool {
        matches!(self, Self::Misreads { .. })
    }

    /// Returns the result as a verb: `"reads"`, `"misreads"` or `"refuses"`.
    #[must_use]
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Reads { .. } => "reads",
            Self::Misreads { .. } => "misreads",
            Self::Refuses { .. } => "refuses",
        }
    }
}

/// Returns the answer of every consumer to `format`, in the order of [`Consumer::ALL`].
///
/// `itemsize` is the itemsize of the buffer in bytes. If `itemsize` is `None`, consumers that need an itemsize
/// receive the size that the format describes. `model` is the data model of the consumer's machine.
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
    // A buffer's format is a C string, which ends at the first NUL. `struct` receives a Python string.
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

/// The meaning of a format, as [`reconcile`] determines it.
struct Meaning {
    /// Every interpretation of the format. The most likely interpretation comes first.
    interpretations: Vec<ConsumerLayout>,
    /// Whether the first interpretation is that of NumPy and all further interpretations are unlikely.
    is_probably_numpy: bool,
    /// The reason why there is no interpretation. The text is empty if there is an interpretation.
    error: String,
}

impl Meaning {
    /// Determines the meaning of `format` for a buffer with `itemsize` bytes for each item, if known.
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
            // NumPy writes explicit padding. Most buffers with such a format are therefore from NumPy. A
            // consumer that finds the fields at other offsets misreads these buffers.
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

    /// Returns the size in bytes of the most likely interpretation, if there is one.
    fn size(&self) -> Option<u64> {
        self.interpretations.first().map(|layout| layout.size)
    }

    /// Returns the likely interpretations. Returns only the first interpretation if NumPy probably wrote the
    /// format, and all interpretations if not.
    fn plausible(&self) -> &[ConsumerLayout] {
        // `is_probably_numpy` is true only if there are several interpretations, so the first exists.
        if self.is_probably_numpy { self.interpretations.get(..1).unwrap_or_default() } else { &self.interpretations }
    }

    /// Compares the layout that a consumer reads with the interpretations of the format.
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
