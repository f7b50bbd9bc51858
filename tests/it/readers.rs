//! Tests of the models of consumers in the crate `pep3118_readers`. Compares the models with the recorded answers of
//! `struct`, memoryview, NumPy, Cython and other libraries. Also checks the names of consumers, misread formats,
//! tables, and hostile formats.
//!
//! The models were written from the answers in `consumers.jsonl` and `answers.jsonl`. `readers.jsonl` was recorded
//! afterwards to test the models. The tests use all three files. `readers.jsonl` has answers for random and other
//! formats, with right and wrong itemsizes, from NumPy 2.4.6, Cython 3.3.1, pybind11 3.1.0, nanobind 3.1.0, pygame-ce
//! 2.5.8, numba 0.68.1, nanoarrow 0.9.0, JPype 1.7.1, USD 26.11, simsimd 6.5.16 and numkong 7.8.6 under CPython 3.11.7.
//! In answers of NumPy, the itemsize is the itemsize of the buffer. In answers of pybind11, the itemsize is the size of
//! the base type.

use pep3118::{DataModel, Dialect, Layout};
use pep3118_readers::{Consumer, Outcome, ReadersTable, cython_accepts, readers};
use serde_json::Value;

use crate::corpus::rows;
use crate::snapshot;

/// Returns the outcome that the model of `consumer` predicts for `format` and `itemsize` on lp64. `None` means that the
/// itemsize is unknown.
fn outcome(format: &str, itemsize: Option<u64>, consumer: Consumer) -> Outcome {
    let answers = readers(format.as_bytes(), itemsize, &DataModel::LP64);
    answers.into_iter().find(|answer| answer.consumer == consumer).expect("every consumer answers").outcome
}

/// Counts the comparisons of a model with recorded answers, and collects the differences.
#[derive(Default)]
struct Agreement {
    compared: usize,
    wrong: Vec<String>,
}

impl Agreement {
    /// Counts one comparison. If `agrees` is `false`, stores a text with the case `case`, the recorded answer
    /// `recorded` and the outcome `ours` of the model.
    fn compare(&mut self, case: &str, recorded: impl std::fmt::Display, ours: &Outcome, agrees: bool) {
        self.compared += 1;
        if !agrees {
            self.wrong.push(format!("{case}: recorded {recorded}, the model {ours:?}"));
        }
    }

    /// Asserts that all comparisons agree, and that there were `compared` comparisons. `name` is the name for the
    /// message.
    fn check(&self, name: &str, compared: usize) {
        println!("{name}: {} of {} agree", self.compared - self.wrong.len(), self.compared);
        assert_eq!(self.wrong, Vec::<String>::new(), "{name}");
        assert_eq!(self.compared, compared, "{name}: the corpus or the number of rows that the test finds has changed");
    }
}

/// Returns whether the recorded answer `answer` is an exception.
fn is_error(answer: &Value) -> bool {
    answer.as_str().is_some_and(|text| text.starts_with("ERR"))
}

/// Returns the answer of CPython 3.`minor` in `answers`. A key of `answers` can be a range: `"CPython 3.6-3.14"`
/// includes 3.9. Returns `None` if no key includes the version.
fn answer_of_minor(answers: &Value, minor: u32) -> Option<&Value> {
    let covers = |key: &str| {
        let range = key.strip_prefix("CPython 3.")?;
        let (first, last) = range.split_once("-3.").unwrap_or((range, range));
        Some((first.parse::<u32>().ok()?..=last.parse::<u32>().ok()?).contains(&minor))
    };
    answers.as_object()?.iter().find(|(key, _)| covers(key) == Some(true)).map(|(_, answer)| answer)
}

#[test]
fn models_of_python_accept_the_recorded_formats() {
    let mut agreement = Agreement::default();
    for row in rows("answers") {
        let format = row["format"].as_str().unwrap();
        let mut compare = |key: &str, answer: Option<&Value>, consumer: Consumer| {
            let Some(answer) = answer else { return };
            let ours = outcome(format, None, consumer);
            let agrees = ours.is_accepted() != is_error(answer);
            agreement.compare(&format!("{consumer} {key} {format:?}"), answer, &ours, agrees);
        };
        for (minor, structs) in [(13, Consumer::Struct313), (14, Consumer::Struct314), (15, Consumer::Struct315)] {
            compare("calcsize", answer_of_minor(&row["struct.calcsize"], minor), structs);
        }
        let views = [(11, Consumer::MemoryView311), (14, Consumer::MemoryView314), (15, Consumer::MemoryView315)];
        for (minor, view) in views {
            compare("[0]", answer_of_minor(&row["memoryview[0]"], minor), view);
        }
        let pypy = row["struct.calcsize"].get("pypy-8.0.1/3.11");
        compare("calcsize", pypy.or_else(|| answer_of_minor(&row["struct.calcsize"], 11)), Consumer::PypyStruct);
    }
    agreement.check("struct, memoryview, PyPy", 3766);
}

#[test]
fn the_model_of_numpy_reads_the_recorded_dtypes() {
    let mut agreement = Agreement::default();
    for row in rows("answers") {
        let format = row["format"].as_str().unwrap();
        let newest = row["numpy.asarray"]
            .as_array()
            .unwrap()
            .iter()
            .find(|answer| answer["numpy"].as_array().unwrap().iter().any(|version| version == "2.5.5"));
        let Some(answer) = newest.map(|newest| &newest["answer"]) else { continue };
        let dtype = (!is_error(answer)).then(|| Dtype::of_array(answer));
        let ours = outcome(format, dtype.as_ref().map(|dtype| dtype.size), Consumer::Numpy);
        let agrees = match (&ours, &dtype) {
            (Outcome::Refuses { .. }, dtype) => dtype.is_none(),
            (Outcome::Reads { layout, .. }, Some(dtype)) => dtype.is_described_by(layout),
            (Outcome::Misreads { .. }, dtype) => dtype.is_some(),
            (Outcome::Reads { .. }, None) => false,
        };
        agreement.compare(&format!("{format:?}"), answer, &ours, agrees);
    }
    agreement.check("NumPy", 538);
}

/// Rows for which the model differs from the recorded answer, as (format, itemsize, consumer, reason).
const EXCEPTIONS: [(&str, u64, Consumer, &str); 1] =
    [("i:", 4, Consumer::Cython, "a name without an end: the bytes after the format decide")];

/// Returns whether `EXCEPTIONS` contains the case.
fn is_excepted(format: &str, itemsize: u64, consumer: Consumer) -> bool {
    EXCEPTIONS.iter().any(|(known, size, who, _)| (*known, *size, *who) == (format, itemsize, consumer))
}

/// The keys of the answers of a library in the corpus, with the consumer that models the library.
const LIBRARIES: [(&str, Consumer); 11] = [
    ("pygame", Consumer::Pygame),
    ("numba", Consumer::Numba),
    ("mpi4py", Consumer::Mpi4py),
    ("nanoarrow", Consumer::Nanoarrow),
    ("jpype", Consumer::JPype),
    ("usd Vt", Consumer::UsdVt),
    ("simsimd", Consumer::SimSimd),
    ("numkong", Consumer::NumKong),
    ("numpy", Consumer::Numpy),
    ("pybind11", Consumer::Pybind11),
    ("nanobind", Consumer::Nanobind),
];

/// Returns the type in the recorded answer `answer` of the consumer `key`, in the notation of the models. Returns
/// `None` if the answer has no type, or if the answers of this consumer have another form.
fn recorded_type(key: &str, answer: &Value) -> Option<String> {
    let text = answer.as_str()?;
    match key {
        "pygame" => typestr(text),
        "numba" => Some(text.to_owned()),
        "nanoarrow" => {
            let (name, bits) = text.split_once('/')?;
            let bytes: u64 = bits.parse::<u64>().ok()? / 8;
            Some(match name {
                "binary" => format!("{bytes} opaque byte{}", if bytes == 1 { "" } else { "s" }),
                "string" => "char".to_owned(),
                "half_float" => "float16".to_owned(),
                "float" => "float32".to_owned(),
                "double" => "float64".to_owned(),
                name => name.to_owned(),
            })
        }
        "numkong" => Some(if text == "uint1" { "bits of 1 byte".to_owned() } else { text.to_owned() }),
        "nanobind" => {
            let (code, bits) = text.split_once('/')?;
            let kind = ["int", "uint", "float", "", "", "complex", "bool"][code.parse::<usize>().ok()?];
            Some(if kind == "bool" && bits == "8" { kind.to_owned() } else { format!("{kind}{bits}") })
        }
        _ => None,
    }
}

/// Returns the type name for the NumPy type string `text`, for example `int32` for `<i4`. Returns a text that starts
/// with a letter unchanged. Returns `None` if no type has the kind and the size.
fn typestr(text: &str) -> Option<String> {
    if text.starts_with(char::is_alphabetic) {
        // The corpus has the base type of a subarray as a name.
        return Some(text.to_owned());
    }
    let (order, kind) = (text.get(..1)?, text.get(1..2)?);
    let size: u64 = text.get(2..)?.parse().unwrap_or(8);
    let plural = if size == 1 { "" } else { "s" };
    let name = match (kind, size) {
        ("i", 1 | 2 | 4 | 8) => format!("int{}", size * 8),
        ("u", 1 | 2 | 4 | 8) => format!("uint{}", size * 8),
        ("f", 2 | 4 | 8) => format!("float{}", size * 8),
        ("f", 16) => "longdouble of 16 bytes".to_owned(),
        ("c", 8 | 16) => format!("complex{}", size * 8),
        ("c", 32) => "clongdouble of 32 bytes".to_owned(),
        ("b", _) => "bool".to_owned(),
        ("O", _) => "object".to_owned(),
        ("S", _) => format!("{size} byte{plural}"),
        ("V", _) => format!("{size} opaque byte{plural}"),
        ("U", _) => format!("ucs4 of {} bytes", size * 4),
        _ => return None,
    };
    Some(if order == ">" { format!("big-endian {name}") } else { name })
}

/// A recorded dtype: its size in bytes, and its fields. The descriptions are the texts that the models write, such as
/// `big-endian int32`.
struct Dtype {
    size: u64,
    /// For each field: the offset in bytes, the number of elements, the size of one element in bytes, and the
    /// description of one element.
    values: Vec<(u64, u64, u64, String)>,
}

impl Dtype {
    /// Reads an answer such as `{"itemsize": 4, "dtype": "<i4", "shape": [2, 3]}`. The first dimension belongs to the
    /// buffer.
    fn of_array(answer: &Value) -> Self {
        let shape = answer.get("shape").map_or(&[][..], |shape| &shape.as_array().unwrap()[1..]);
        let count: u64 = shape.iter().map(|length| length.as_u64().unwrap()).product();
        let mut dtype = Self { size: answer["itemsize"].as_u64().unwrap(), values: Vec::new() };
        dtype.collect(&answer["dtype"], 0, count, dtype.size.checked_div(count).unwrap_or(0));
        dtype
    }

    /// Appends the fields of the recorded `dtype` to `values`, except for fields of 0 bytes. The dtype starts at byte
    /// `offset`, has `size` bytes and is repeated `count` times.
    fn collect(&mut self, dtype: &Value, offset: u64, count: u64, size: u64) {
        match dtype {
            Value::String(text) => {
                let (count, size, name) = match text.get(1..2) {
                    // The model describes adjacent bytes as one string.
                    Some("S") => (1.min(count), size * count, format!("|S{}", size * count)),
                    _ => (count, size, text.clone()),
                };
                if count * size > 0 {
                    self.values.push((offset, count, size, typestr(&name).expect("a type of NumPy's")));
                }
            }
            Value::Array(parts) if parts.first().is_some_and(|first| first == "sub") => {
                let inner: u64 = parts[2].as_array().unwrap().iter().map(|length| length.as_u64().unwrap()).product();
                let size = size.checked_div(inner).unwrap_or(0);
                // Older rows have the base type as a name, for example `int32`.
                self.collect(&parts[1], offset, count * inner, size);
            }
            Value::Array(fields) => {
                for field in fields {
                    let (at, size) = (field[1].as_u64().unwrap(), field[2].as_u64().unwrap());
                    self.collect(&field[3], offset + at, count, size);
                }
            }
            other => panic!("dtype {other}"),
        }
    }

    /// Returns whether `layout`, the description that a model returns, describes this dtype.
    fn is_described_by(&self, layout: &str) -> bool {
        let describe = |count: u64, name: &str| if count == 1 { name.to_owned() } else { format!("{count} {name}") };
        let bytes = format!("{} byte{}", self.size, if self.size == 1 { "" } else { "s" });
        let expected = match self.values.as_slice() {
            [] if self.size == 0 => "nothing, 0 bytes".to_owned(),
            [] => format!("{bytes} of padding"),
            [(0, count, size, name)] if count * size == self.size => describe(*count, name),
            values => {
                let shown =
                    values.iter().take(3).map(|(at, count, _, name)| format!("{} at {at}", describe(*count, name)));
                let more = if values.len() > 3 { ", ..." } else { "" };
                format!("{bytes}: {}{more}", shown.collect::<Vec<_>>().join(", "))
            }
        };
        // `S1` is a single character or a string of one byte.
        layout.replace("char", "1 byte") == expected || layout == expected
    }
}

#[test]
fn libraries_accept_what_the_models_accept() {
    let mut agreement = Agreement::default();
    let mut types = Agreement::default();
    for row in rows("consumers").into_iter().chain(rows("readers")) {
        let format = row["format"].as_str().unwrap();
        let itemsize = row["itemsize"].as_u64().unwrap();
        for (key, consumer) in LIBRARIES {
            let answer = &row["answers"][key];
            if answer.is_null() {
                continue;
            }
            // The `LookupError` of simsimd means that simsimd accepts the type but has no distance function for the
            // type.
            let accepted = !is_error(answer) || answer.as_str().is_some_and(|text| text.contains("LookupError"));
            let ours = outcome(format, Some(itemsize), consumer);
            let case = format!("{consumer} {format:?} itemsize {itemsize}");
            agreement.compare(&case, answer, &ours, ours.is_accepted() == accepted);
            if let (Outcome::Reads { layout, .. }, Some(recorded)) = (&ours, recorded_type(key, answer)) {
                types.compare(&case, &recorded, &ours, *layout == recorded || recorded == "uint8" && layout == "bool");
            }
            let dtype = answer.get("dtype").map(|_| Dtype::of_array(answer)).filter(|dtype| dtype.size == itemsize);
            if let (Outcome::Reads { layout, .. }, Some(dtype)) = (&ours, dtype) {
                types.compare(&case, answer, &ours, dtype.is_described_by(layout));
            }
        }
    }
    agreement.check("libraries", 7737);
    // The test compares only rows that the model reads. The number of these rows depends on the corpus.
    println!("types: {} of {} agree", types.compared - types.wrong.len(), types.compared);
    assert_eq!(types.wrong, Vec::<String>::new());
    assert!(types.compared > 500, "only {} types", types.compared);
}

/// The recorded C types and their formats. `bint` is a C `int`, and `ssize` is a `Py_ssize_t`.
const C_TYPES: [(&str, &str); 31] = [
    ("bint", "i"),
    ("char", "c"),
    ("schar", "b"),
    ("uchar", "B"),
    ("short", "h"),
    ("ushort", "H"),
    ("int", "i"),
    ("uint", "I"),
    ("long", "l"),
    ("ulong", "L"),
    ("llong", "q"),
    ("ullong", "Q"),
    ("ssize", "n"),
    ("float", "f"),
    ("double", "d"),
    ("ldouble", "g"),
    ("cfloat", "Zf"),
    ("cdouble", "Zd"),
    ("cldouble", "Zg"),
    ("object", "O"),
    ("A8", "T{b:a:i:b:}"),
    ("P5", "T{=b:a:i:b:}"),
    ("I2", "T{i:a:i:b:}"),
    ("D1I", "T{d:a:b:b:}"),
    ("IB", "T{i:a:b:b:}"),
    ("BD", "T{b:a:Zd:b:}"),
    ("CD", "T{Zd:a:}"),
    ("N12", "T{T{b:a:i:b:}:x:i:y:}"),
    ("N2", "T{T{d:a:b:b:}:x:b:y:}"),
    ("ARR", "T{(2,3)i:m:}"),
    ("STR5", "T{5s:s:}"),
];

/// The names of two files of the corpus, with the C types that were tried with Cython when the file was recorded.
const TRIED: [(&str, &str); 2] = [
    (
        "consumers",
        "bint char schar uchar int long llong ssize ldouble cfloat cdouble CD object A8 P5 I2 D1I IB BD N12 N2 ARR STR5",
    ),
    (
        "readers",
        "char schar uchar short ushort int uint long ulong llong ullong float double ldouble cfloat cdouble cldouble object A8 P5 I2 D1I",
    ),
];

#[test]
fn the_model_of_cython_accepts_the_recorded_c_types() {
    let layout = |name: &str| {
        let (_, format) = C_TYPES.iter().find(|(known, _)| *known == name).expect(name);
        Layout::read(format.as_bytes(), &Dialect::NATIVE_C, &DataModel::LP64).unwrap()
    };
    let mut agreement = Agreement::default();
    for (corpus, tried) in TRIED {
        for row in rows(corpus) {
            let format = row["format"].as_str().unwrap();
            let itemsize = row["itemsize"].as_u64().unwrap();
            let Some(recorded) = row["answers"]["cython 3.3 accepts as"].as_array() else { continue };
            if is_excepted(format, itemsize, Consumer::Cython) {
                continue;
            }
            let recorded: Vec<&str> = recorded.iter().map(|name| name.as_str().unwrap()).collect();
            let ours = outcome(format, Some(itemsize), Consumer::Cython);
            for name in tried.split(' ') {
                let accepts = cython_accepts(format.as_bytes(), itemsize, &layout(name));
                let case = format!("{format:?} itemsize {itemsize} as {name}: {accepts:?}");
                agreement.compare(&case, recorded.contains(&name), &ours, accepts.is_ok() == recorded.contains(&name));
            }
            // If Cython accepted the format for one of these types, the model must accept the format.
            agreement.compare(&format!("{format:?}"), "some type", &ours, ours.is_accepted() || recorded.is_empty());
        }
    }
    agreement.check("Cython", 17563);
}

#[test]
fn models_misread_the_named_formats() {
    let misread = |format, itemsize, consumer, expected: (&str, &str)| {
        let ours = outcome(format, itemsize, consumer);
        let (read, meant) = expected;
        let wanted = Outcome::Misreads { layout: read.to_owned(), meaning: meant.to_owned() };
        assert_eq!(ours, wanted, "{consumer} {format}");
    };
    let unopened = "nothing, `}` closes a structure that was never opened at byte 1";
    misread("i}d", Some(4), Consumer::Numpy, ("int32", unopened));
    misread("i}d", None, Consumer::Cython, ("int32", unopened));
    misread("i}", None, Consumer::RustPythonStruct, ("int32", unopened));
    misread("T{i:a:}", Some(4), Consumer::RustPythonStruct, ("nothing, 0 bytes", "int32"));
    misread("(2,3)i", Some(24), Consumer::RustPythonStruct, ("int32", "6 int32"));
    misread(">i", Some(4), Consumer::PyO3, ("int32", "big-endian int32"));
    misread("fff", Some(12), Consumer::JPype, ("float32", "12 bytes: float32 at 0, float32 at 4, float32 at 8"));
    misread("<l", Some(4), Consumer::NumKong, ("int64", "int32"));
    misread("<l", Some(4), Consumer::Mpi4py, ("int64", "int32"));
    let nested = "T{T{d:f0:b:f1:}:x:xxxxxxxb:y:}";
    misread(nested, Some(24), Consumer::Numpy, ("`y` int8 at 23", "`y` int8 at 16, if NumPy wrote it"));
    let ours = outcome(nested, Some(24), Consumer::Cython);
    assert_eq!(ours.verb(), "refuses", "it compares with the declared type: {ours:?}");
    misread(
        "q",
        Some(1),
        Consumer::MemoryView315,
        ("int64", "nothing, itemsize is 1 byte but format `q` describes 8 bytes"),
    );
    misread(
        "T{>i:a:}:s:i:b:",
        Some(8),
        Consumer::RustPythonStruct,
        ("int32", "8 bytes: big-endian int32 at 0, big-endian int32 at 4"),
    );
}

#[test]
fn native_byte_order_is_that_of_the_data_model() {
    let of = |format: &[u8], model: &DataModel, consumer| {
        let answers = readers(format, None, model);
        answers.into_iter().find(|answer| answer.consumer == consumer).unwrap().outcome
    };
    let reads = |layout: &str| Outcome::Reads { layout: layout.to_owned(), note: None };
    assert_eq!(of(b"l", &DataModel::LLP64, Consumer::MemoryView315), reads("int32"));
    assert_eq!(of(b"l", &DataModel::LP64, Consumer::MemoryView315), reads("int64"));
    // On a big-endian machine `>` is native, so PyO3 reads `>i`.
    assert_eq!(of(b">i", &DataModel::S390X, Consumer::PyO3), reads("int32"));
    assert!(of(b"<i", &DataModel::S390X, Consumer::Cython).verb() == "refuses");
    assert!(of(b"<i", &DataModel::S390X, Consumer::NumKong).is_misread());
}

#[test]
fn hostile_formats_are_answered_by_every_model() {
    let long = |unit: &str| unit.repeat((1 << 17) / unit.len());
    let deep = "T{".repeat(1 << 16);
    let doubling = format!("{}i{}", "9T{".repeat(60), "}".repeat(60));
    let names = format!("9999999T{{i:{}:}}", "n".repeat(100_000));
    // A structure of many fields has a shape of many dimensions.
    let wide = |length: &str| format!("({}1)T{{{}}}", length.repeat(30_000), "i".repeat(60_000));
    let mut formats = ["i", "(1)", "9", "b:\u{e9}:", "T{}", "}", ":"].map(long).to_vec();
    formats.extend([deep, doubling, names, wide("1,"), wide("0,"), wide("2,")]);
    for format in formats {
        let answers = readers(format.as_bytes(), None, &DataModel::LP64);
        assert_eq!(answers.len(), Consumer::ALL.len());
    }
    assert_eq!(readers(b"i\0d\xff", Some(4), &DataModel::LP64).len(), Consumer::ALL.len());
}

#[test]
fn consumers_are_found_by_name() {
    for consumer in Consumer::ALL {
        assert_eq!(Consumer::by_name(&consumer.to_string()), Some(consumer));
    }
    assert_eq!(Consumer::by_name("NUMPY"), Some(Consumer::Numpy));
    assert_eq!(Consumer::by_name("struct"), Some(Consumer::Struct315));
    assert_eq!(Consumer::by_name("numpyish"), None);
}

#[test]
fn tables_fit_their_width() {
    let table = |name: &str, format: &str, itemsize, width| {
        let answers = readers(format.as_bytes(), itemsize, &DataModel::LP64);
        let text = ReadersTable::new(&answers, width).to_string();
        assert!(text.lines().all(|line| line.len() <= width), "{text}");
        let input = match itemsize {
            Some(itemsize) => format!("{format} with itemsize {itemsize}, {width} columns"),
            None => format!("{format}, {width} columns"),
        };
        snapshot::check("readers", name, &input, &text);
    };
    table("scalar", "<i", Some(4), 60);
    table("swapped", ">i", Some(4), 60);
    table("unopened-brace", "i}d", None, 60);
    table("nested-numpy", "T{T{d:f0:b:f1:}:x:xxxxxxxb:y:}", Some(24), 80);
    table("record", "T{<b:a:3x<i:b:}", Some(8), 100);
}

#[test]
fn an_answer_in_one_line_is_a_sentence() {
    let line = |format: &str, itemsize, consumer: Consumer| {
        let answers = readers(format.as_bytes(), itemsize, &DataModel::LP64);
        answers.into_iter().find(|answer| answer.consumer == consumer).unwrap().line()
    };
    assert_eq!(line("<i", Some(4), Consumer::Numpy), "NumPy 2.5 reads int32");
    assert_eq!(line("l", Some(8), Consumer::Mpi4py), "mpi4py 4.1 reads int64");
    assert!(line(">i", Some(4), Consumer::Mpi4py).ends_with(" refuses: byte order of another machine"));
    let all = readers(b"T{T{d:f0:b:f1:}:x:xxxxxxxb:y:}", Some(24), &DataModel::LP64);
    for answer in all {
        let (line, consumer) = (answer.line(), answer.consumer);
        match answer.outcome {
            Outcome::Reads { layout, note: None } => assert_eq!(line, format!("{consumer} reads {layout}")),
            Outcome::Reads { layout, note: Some(note) } => {
                assert_eq!(line, format!("{consumer} reads {layout} ({note})"))
            }
            Outcome::Misreads { layout, meaning } => {
                assert_eq!(line, format!("{consumer} misreads {layout}; meant: {meaning}"));
            }
            Outcome::Refuses { reason } => assert_eq!(line, format!("{consumer} refuses: {reason}")),
        }
    }
}
