//! `readers`: the answers of all consumers to one format.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::consumer::Consumer;
use super::consumer_layout::ConsumerLayout;
use super::{binding_generators, cpython, cython, numpy, rustpython, third_party};
use pep3118::__private::interpretations;
use pep3118::abi::DataModel;
use pep3118::layout::{Dialect, reconcile};

/// The answer of one consumer to a format.
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
    /// Its answer.
    pub outcome: Outcome,
}

/// Whether a consumer reads, misreads or refuses a format.
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
    /// It reads the item that the format describes.
    Reads {
        /// The item: `"int32"`, `"5 bytes: int32 at 0, int8 at 4"`.
        layout: String,
        /// A condition, or a loss that is not a wrong value.
        note: Option<String>,
    },
    /// It accepts the format without an error and reads another item.
    Misreads {
        /// The item that it reads.
        layout: String,
        /// The item that the format describes, or why it describes none.
        meaning: String,
    },
    /// It raises an error.
    Refuses {
        /// The reason.
        reason: String,
    },
}

impl Outcome {
    /// Whether the consumer reads the memory, as the right item or another.
    #[must_use]
    pub const fn is_accepted(&self) -> bool {
        !matches!(self, Self::Refuses { .. })
    }

    /// Whether the consumer silently reads another item than the format describes.
    #[must_use]
    pub const fn is_misread(&self) -> bool {
        matches!(self, Self::Misreads { .. })
    }

    /// Returns `"reads"`, `"misreads"` or `"refuses"`.
    #[must_use]
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Reads { .. } => "reads",
            Self::Misreads { .. } => "misreads",
            Self::Refuses { .. } => "refuses",
        }
    }
}

/// Returns the answer of every consumer to a format, in the order of [`Consumer::ALL`].
///
/// `itemsize` is the itemsize of the buffer in bytes. Without it, consumers that need one are given the
/// size that the format describes.
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
    // The format of a buffer is a C string, which ends at a NUL. `struct` takes a Python string.
    let c_string = format.split(|byte| *byte == 0).next().unwrap_or_default();
    let buffer = Query { format: c_string, itemsize, natural: meaning.size(), model };
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

/// The input of a model: a format and the itemsize of its buffer.
#[derive(Clone, Copy)]
pub(super) struct Query<'a> {
    pub(super) format: &'a [u8],
    /// The itemsize of the buffer in bytes, if it is known.
    pub(super) itemsize: Option<u64>,
    /// The size that the format describes, if it is valid.
    natural: Option<u64>,
    pub(super) model: &'a DataModel,
}

impl Query<'_> {
    /// The itemsize of the buffer; if it is unknown, the size that the format describes.
    pub(super) fn itemsize_or_natural(&self) -> Option<u64> {
        self.itemsize.or(self.natural)
    }
}

/// The result of a model: the layout that the consumer reads, or the reason of a refusal.
pub(super) type ReadResult = Result<Accepted, String>;

/// A format that a consumer accepts.
pub(super) struct Accepted {
    pub(super) layout: ConsumerLayout,
    /// A condition, or a loss that is not a wrong value.
    pub(super) note: Option<&'static str>,
}

impl From<ConsumerLayout> for Accepted {
    fn from(layout: ConsumerLayout) -> Self {
        Self { layout, note: None }
    }
}

/// The meaning of a format by [`reconcile`].
struct Meaning {
    /// Every interpretation, the most likely first.
    all: Vec<ConsumerLayout>,
    /// The first interpretation is NumPy's, and the others are unlikely.
    is_numpys: bool,
    /// Why there is no interpretation.
    error: String,
}

impl Meaning {
    fn of(format: &[u8], itemsize: Option<u64>, model: &DataModel) -> Self {
        let outcome = reconcile(format, itemsize, None, model);
        let interpretations = interpretations(&outcome);
        if let (Err(error), []) = (&outcome, interpretations) {
            return Self { all: Vec::new(), is_numpys: false, error: error.to_string() };
        }
        let mut all: Vec<ConsumerLayout> =
            interpretations.iter().map(|interpretation| ConsumerLayout::of(&interpretation.layout)).collect();
        let mut is_numpys = false;
        if interpretations.len() > 1 && itemsize.is_some() {
            // Explicit padding is a habit of NumPy: most buffers with such a format are NumPy's, and
            // a consumer that puts the fields elsewhere misreads them.
            let is_numpy = |dialect: &Dialect| {
                [Dialect::NUMPY, Dialect::NUMPY_PACKED, Dialect::NUMPY_PADDED]
                    .iter()
                    .any(|numpy| numpy.name == dialect.name)
            };
            let mut candidates = interpretations.iter().zip(&all);
            let by_numpy =
                candidates.position(|(interpretation, layout)| is_numpy(&interpretation.dialect) && layout.has_gap());
            if let Some(index) = by_numpy {
                all.swap(0, index);
                is_numpys = true;
            }
        }
        Self { all, is_numpys, error: String::new() }
    }

    fn size(&self) -> Option<u64> {
        self.all.first().map(|layout| layout.size)
    }

    /// The interpretations that a consumer may use.
    fn plausible(&self) -> &[ConsumerLayout] {
        if self.is_numpys { self.all.get(..1).unwrap_or_default() } else { &self.all }
    }

    /// Compares the layout that a consumer reads with the interpretations.
    fn compare(&self, accepted: Accepted, itemsize: Option<u64>, model: &DataModel) -> Outcome {
        let Accepted { layout, note } = accepted;
        let plausible = self.plausible();
        let Some(most_likely) = plausible.first() else {
            let meaning = format!("nothing, {}", self.error);
            return Outcome::Misreads { layout: layout.describe(model), meaning };
        };
        if !plausible.iter().any(|meant| layout.same(meant)) {
            let (layout, meaning) = layout.difference(most_likely, model);
            let meaning = if self.is_numpys { format!("{meaning}, if NumPy wrote it") } else { meaning };
            return Outcome::Misreads { layout, meaning };
        }
        let note = if layout.is_opaque() {
            Some("the type is lost")
        } else if self.all.iter().all(|meant| layout.same(meant)) {
            note
        } else if itemsize.is_none() {
            Some("another itemsize gives another interpretation")
        } else if self.is_numpys {
            Some("as NumPy writes it")
        } else {
            Some("one of several interpretations")
        };
        Outcome::Reads { layout: layout.describe(model), note: note.map(String::from) }
    }
}
