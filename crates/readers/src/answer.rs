//! One question to every consumer.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::consumer::Consumer;
use super::interpretation::Taken;
use super::{binding_generators, cpython, cython, numpy, rustpython, third_party};
use pep3118::__private::interpretations;
use pep3118::abi::DataModel;
use pep3118::layout::{Dialect, reconcile};

/// What one consumer does with a format.
///
/// ```
/// use pep3118::DataModel; use pep3118_readers::readers;
/// let answers = readers::readers(b"<i", Some(4), &DataModel::LP64);
/// assert!(answers.iter().any(|answer| matches!(answer.outcome, readers::Outcome::Reads { .. })));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Who.
    pub consumer: Consumer,
    /// What it does.
    pub outcome: Outcome,
}

/// Reads, misreads or refuses.
///
/// The texts are for people: one line, ASCII, without a full stop.
///
/// ```
/// use pep3118_readers::{Consumer, Outcome, readers};
/// let answers = readers(b"i}d", None, &pep3118::DataModel::LP64);
/// let numpy = answers.iter().find(|answer| answer.consumer == Consumer::by_name("numpy").unwrap()).unwrap();
/// assert!(matches!(numpy.outcome, Outcome::Misreads { .. }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It takes the item for what the format means.
    Reads {
        /// What it is to the reader: `"int32"`, `"5 bytes: int32 at 0, int8 at 4"`.
        what: String,
        /// A condition or a loss that is not a wrong value.
        note: Option<String>,
    },
    /// It accepts the format without a word and takes the item for something else.
    Misreads {
        /// What the reader takes it for.
        what: String,
        /// What is meant, or why the format means nothing.
        means: String,
    },
    /// It raises an error.
    Refuses {
        /// Why.
        why: String,
    },
}

impl Outcome {
    /// Whether the consumer goes on to read memory, rightly or wrongly.
    #[must_use]
    pub const fn is_accepted(&self) -> bool {
        !matches!(self, Self::Refuses { .. })
    }

    /// Whether the consumer silently takes the item for something else.
    #[must_use]
    pub const fn is_misread(&self) -> bool {
        matches!(self, Self::Misreads { .. })
    }

    /// `"reads"`, `"misreads"` or `"refuses"`.
    #[must_use]
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Reads { .. } => "reads",
            Self::Misreads { .. } => "misreads",
            Self::Refuses { .. } => "refuses",
        }
    }
}

/// Asks every consumer about a format.
///
/// `itemsize` is what the exporter says, in bytes; without it consumers that need one are given the
/// size that the format means. The answers stand in the order of [`Consumer::ALL`].
///
/// ```
/// use pep3118::DataModel; use pep3118_readers::{Consumer, Outcome, readers};
///
/// let answers = readers(b">i", Some(4), &DataModel::LP64);
/// let of = |who| &answers.iter().find(|answer| answer.consumer == who).unwrap().outcome;
///
/// assert!(matches!(of(Consumer::Numpy), Outcome::Reads { what, .. } if what == "big-endian int32"));
/// assert!(matches!(of(Consumer::PyO3), Outcome::Misreads { what, .. } if what == "int32"));
/// assert!(matches!(of(Consumer::Cython), Outcome::Refuses { .. }));
/// ```
#[must_use]
pub fn readers(format: &[u8], itemsize: Option<u64>, model: &DataModel) -> Vec<Answer> {
    let meaning = Meaning::of(format, itemsize, model);
    // A buffer's format is a C string; `struct` is given a whole Python string.
    let text = format.split(|byte| *byte == 0).next().unwrap_or_default();
    let buffer = Query { format: text, itemsize, natural: meaning.size(), model };
    let whole = Query { format, ..buffer };
    let answers = Consumer::ALL.into_iter().map(|consumer| {
        let heard = match consumer {
            Consumer::Struct315 => cpython::calcsize(&whole, &Dialect::STRUCT),
            Consumer::Struct314 => cpython::calcsize(&whole, &Dialect::STRUCT_3_14),
            Consumer::Struct313 => cpython::calcsize(&whole, &Dialect::STRUCT_3_13),
            Consumer::PypyStruct => cpython::calcsize(&whole, &cpython::PYPY),
            Consumer::RustPythonStruct => rustpython::calcsize(&whole),
            Consumer::MemoryView315 => cpython::memoryview(&buffer, cpython::View::From315),
            Consumer::MemoryView314 => cpython::memoryview(&buffer, cpython::View::From312),
            Consumer::MemoryView311 => cpython::memoryview(&buffer, cpython::View::Before312),
            Consumer::Numpy => numpy::asarray(&buffer),
            Consumer::Cython => cython::memoryview(&buffer, meaning.believed()),
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
        let outcome = match heard {
            Ok(sight) => meaning.judge(sight, itemsize, model),
            Err(why) => Outcome::Refuses { why },
        };
        Answer { consumer, outcome }
    });
    answers.collect()
}

/// What a consumer is asked about.
#[derive(Clone, Copy)]
pub(super) struct Query<'a> {
    pub(super) format: &'a [u8],
    /// What the exporter says, in bytes.
    pub(super) itemsize: Option<u64>,
    /// The size that the format means, if it means anything.
    natural: Option<u64>,
    pub(super) model: &'a DataModel,
}

impl Query<'_> {
    /// The itemsize that a consumer finds in the buffer: without one said, the natural size.
    pub(super) fn itemsize_or_natural(&self) -> Option<u64> {
        self.itemsize.or(self.natural)
    }
}

/// What a consumer takes the item for, and what there is to say about it; or why it refuses.
pub(super) type ReadResult = Result<Recognition, String>;

pub(super) struct Recognition {
    pub(super) taken: Taken,
    pub(super) note: Option<&'static str>,
}

impl From<Taken> for Recognition {
    fn from(taken: Taken) -> Self {
        Self { taken, note: None }
    }
}

/// What a format means.
struct Meaning {
    /// The likeliest reading, then its alternatives.
    all: Vec<Taken>,
    /// The likeliest is NumPy's, and the alternatives are not believed.
    is_numpys: bool,
    /// Why there is none.
    nothing: String,
}

impl Meaning {
    fn of(format: &[u8], itemsize: Option<u64>, model: &DataModel) -> Self {
        let outcome = reconcile(format, itemsize, None, model);
        let interpretations = interpretations(&outcome);
        if let (Err(error), []) = (&outcome, interpretations) {
            return Self { all: Vec::new(), is_numpys: false, nothing: error.to_string() };
        }
        let mut all: Vec<Taken> = interpretations.iter().map(|found| Taken::of(&found.layout)).collect();
        let mut is_numpys = false;
        if interpretations.len() > 1 && itemsize.is_some() {
            // Explicit padding is a habit of NumPy: most buffers with such a format are NumPy's, and
            // a consumer that puts the fields elsewhere misreads them.
            let is_numpy = |dialect: &Dialect| {
                [Dialect::NUMPY, Dialect::NUMPY_PACKED, Dialect::NUMPY_PADDED]
                    .iter()
                    .any(|numpy| numpy.name == dialect.name)
            };
            let by_numpy =
                interpretations.iter().zip(&all).position(|(found, taken)| is_numpy(&found.dialect) && taken.has_gap());
            if let Some(index) = by_numpy {
                all.swap(0, index);
                is_numpys = true;
            }
        }
        Self { all, is_numpys, nothing: String::new() }
    }

    fn size(&self) -> Option<u64> {
        self.all.first().map(|taken| taken.size)
    }

    /// The readings that may be meant.
    fn believed(&self) -> &[Taken] {
        if self.is_numpys { self.all.get(..1).unwrap_or_default() } else { &self.all }
    }

    fn judge(&self, sight: Recognition, itemsize: Option<u64>, model: &DataModel) -> Outcome {
        let Recognition { taken, note } = sight;
        let believed = self.believed();
        let Some(meant) = believed.first() else {
            return Outcome::Misreads { what: taken.describe(model), means: format!("nothing, {}", self.nothing) };
        };
        if !believed.iter().any(|meant| taken.same(meant)) {
            let (what, means) = taken.difference(meant, model);
            let means = if self.is_numpys { format!("{means}, if NumPy wrote it") } else { means };
            return Outcome::Misreads { what, means };
        }
        let note = if taken.is_opaque() {
            Some("the type is lost")
        } else if self.all.iter().all(|meant| taken.same(meant)) {
            note
        } else if itemsize.is_none() {
            Some("another itemsize gives another reading")
        } else if self.is_numpys {
            Some("as NumPy writes it")
        } else {
            Some("one of several readings that fit")
        };
        Outcome::Reads { what: taken.describe(model), note: note.map(String::from) }
    }
}
