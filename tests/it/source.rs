//! Tests of layouts that `LayoutBuilder` builds, and of the C and Rust source that is generated for layouts. A C
//! compiler and rustc check the source, and snapshots show the tables and pictures.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use pep3118::decode::{ColumnData, Plan, Value};
use pep3118::layout::{BuildError, LayoutBuilder, MemberSpec, SourceError};
use pep3118::{Align, DataModel, Dialect, Endian, Layout, Picture, Scalar, Table, Target, Type};

use crate::snapshot;

/// A member of a random layout, before the layout is built. The offset is relative to the enclosing record.
struct Node {
    name: Option<Vec<u8>>,
    offset: u64,
    shape: Vec<u64>,
    /// The size of one element in bytes.
    size: u64,
    kind: Kind,
}

/// The type of a member: a value with a byte order, or a record with members.
enum Kind {
    Value(Type, Endian),
    Record(Vec<Node>),
}

impl Node {
    /// Returns the size of all elements of the member in bytes.
    fn total(&self) -> u64 {
        self.size * self.shape.iter().product::<u64>()
    }

    /// Adds this member and the members inside of this member to `builder`.
    fn build(&self, builder: &mut LayoutBuilder) -> Result<(), BuildError> {
        let member = MemberSpec { name: self.name.as_deref(), offset: self.offset, shape: &self.shape };
        match &self.kind {
            Kind::Value(ty, endian) => builder.value(member, Scalar { ty: *ty, size: self.size, endian: *endian }),
            Kind::Record(nodes) => {
                builder.open(member, self.size)?;
                nodes.iter().try_for_each(|node| node.build(builder))?;
                builder.close();
                Ok(())
            }
        }
    }

    /// Returns the layout of an item that consists of this member.
    fn layout(&self) -> Layout {
        let mut builder = LayoutBuilder::new(self.total(), &DataModel::HOST);
        self.build(&mut builder).unwrap();
        builder.finish()
    }
}

/// The random number generator splitmix64. Each run generates the same layouts.
struct Random(u64);

impl Random {
    /// Returns a random number less than `limit`.
    fn random_below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }

    /// Returns a random element of `of`.
    fn random_element<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.random_below(of.len() as u64)).unwrap()]
    }
}

/// Names of members. Some names are not identifiers, or are words of C, Rust or Python.
const NAMES: [&str; 14] =
    ["a", "b", "c", "x_1", "int", "type", "self", "_pad0", "shared_0", "a b", "\u{540d}", "*/", "", "bool"];

/// Returns a random type that is not a record, and the size of one value in bytes.
fn random_value(random: &mut Random) -> (Type, u64) {
    let model = DataModel::HOST;
    let (long, pointer) = (model.long_double.size, model.pointer);
    let sizes: [(Type, u64); 30] = [
        (Type::Bool, 1),
        (Type::Bool, 2),
        (Type::Char, 1),
        (Type::Int8, 1),
        (Type::UInt8, 1),
        (Type::Int16, 2),
        (Type::UInt16, 2),
        (Type::Int32, 4),
        (Type::UInt32, 4),
        (Type::Int64, 8),
        (Type::UInt64, 8),
        (Type::Float16, 2),
        (Type::Float32, 4),
        (Type::Float64, 8),
        (Type::LongDouble, long),
        (Type::Complex32, 4),
        (Type::Complex64, 8),
        (Type::Complex128, 16),
        (Type::ComplexLongDouble, 2 * long),
        (Type::Bytes, 5),
        (Type::Pascal, 3),
        (Type::Ucs2, 6),
        (Type::Ucs4, 4),
        (Type::Wchar, 2 * model.wchar),
        (Type::Void, 3),
        (Type::Pointer, pointer),
        (Type::CharPointer, pointer),
        (Type::WcharPointer, pointer),
        (Type::Function, pointer),
        (Type::Bits, 2),
    ];
    random.random_element(&sizes)
}

/// Returns a random member at byte 0 with at most `depth` nested records. If `named` is `true`, the member has a name,
/// which can be empty.
fn random_node(random: &mut Random, depth: u64, named: bool) -> Node {
    let name = named.then(|| random.random_element(&NAMES).as_bytes().to_vec());
    let shape = match random.random_below(8) {
        0 => vec![random.random_below(4)],
        1 => vec![1 + random.random_below(3), 1 + random.random_below(3)],
        _ => vec![],
    };
    // Most items are records, and most fields of records are single values.
    if depth == 0 || random.random_below(12) < if named { 7 } else { 1 } {
        let (ty, size) = random_value(random);
        let endian = random.random_element(&[Endian::HOST, Endian::HOST, Endian::Big, Endian::Little]);
        return Node { name, offset: 0, shape, size, kind: Kind::Value(ty, endian) };
    }
    let mut nodes: Vec<Node> = (0..1 + random.random_below(4)).map(|_| random_node(random, depth - 1, true)).collect();
    let placement = random.random_below(4);
    let mut end = 0;
    for node in &mut nodes {
        node.offset = match placement {
            0 => end,
            1 => end.next_multiple_of(8),
            2 => random.random_below(24),
            _ => 0,
        };
        end = end.max(node.offset + node.total());
    }
    let size = random.random_element(&[end, end.next_multiple_of(8), end + 3]).max(1);
    Node { name, offset: 0, shape, size, kind: Kind::Record(nodes) }
}

/// Returns `count` random layouts of at least 1 byte, the same layouts in each call.
fn random_layouts(count: usize) -> Vec<Layout> {
    let mut random = Random(7);
    let mut layouts = Vec::new();
    while layouts.len() < count {
        let depth = 1 + random.random_below(3);
        let node = random_node(&mut random, depth, false);
        if node.total() > 0 {
            layouts.push(node.layout());
        }
    }
    layouts
}

/// Writes the text `source` to a file with the name `name`, and compiles the file with `command`. Panics if the
/// compiler fails.
fn compile(name: &str, source: &str, command: &mut Command) {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, source).unwrap();
    let output = command.arg(&path).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_c_compiler_accepts_the_assertions_of_c_source() {
    let sources: Vec<String> = random_layouts(400)
        .iter()
        .enumerate()
        .map(|(index, layout)| layout.to_c(&format!("item_{index}")).unwrap())
        .collect();
    let sources = sources.concat();
    assert!(sources.matches("static_assert(offsetof").count() > 1000);
    assert!(sources.contains("union ") && sources.contains("#pragma pack(push, 1)"));
    let cc = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    compile("layouts.c", &sources, Command::new(&cc).args(["-std=c11", "-fsyntax-only", "-Wall", "-Werror"]));
    // A wrong offset must be a compile-time error.
    let wrong = Layout::read(b"T{b:a:i:b:}", &Dialect::PEP3118, &DataModel::HOST).unwrap().to_c("item").unwrap();
    let wrong = wrong.replace("b) == 4", "b) == 1");
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("wrong.c");
    std::fs::write(&path, wrong).unwrap();
    assert!(!Command::new(&cc).args(["-std=c11", "-fsyntax-only"]).arg(&path).output().unwrap().status.success());
}

#[test]
fn rustc_accepts_the_assertions_of_rust_source() {
    let sources: Vec<String> = random_layouts(400)
        .iter()
        .enumerate()
        .map(|(index, layout)| layout.to_rust(&format!("Item{index}")).unwrap())
        .collect();
    let sources = sources.concat();
    assert!(sources.matches("offset_of!").count() > 1000);
    assert!(sources.contains("pub union ") && sources.contains("#[repr(C, packed)]"));
    let out = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("layouts.rmeta");
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let mut command = Command::new(rustc);
    if let Ok(target) = std::env::var("TARGET") {
        command.args(["--target", &target]);
    }
    command.args(["--edition=2024", "--crate-type=lib", "--emit=metadata", "-D", "warnings", "-o"]).arg(out);
    compile("layouts.rs", &sources, &mut command);
}

#[test]
fn built_layouts_can_be_drawn_and_emitted() {
    for layout in random_layouts(2000) {
        crate::properties::stays_inside(&layout);
        assert!(Picture::new(&layout).to_string().len() < 40_000);
        assert!(Picture::new(&layout).svg().ends_with("</svg>"));
        assert!(!Table::new(&layout).to_string().is_empty());
        for target in Target::ALL {
            if let Ok(format) = layout.emit(target) {
                assert_eq!(Layout::read(&format, &Dialect::PEP3118, &DataModel::HOST).unwrap().size(), layout.size());
                assert!(!layout.has_overlaps(), "{}", format.escape_ascii());
            }
        }
    }
}

/// Returns the specification of an unnamed member at byte `offset`, and the type of the member, `int32`.
fn int(offset: u64) -> (MemberSpec<'static>, Scalar) {
    (MemberSpec { name: None, offset, shape: &[] }, Scalar { ty: Type::Int32, size: 4, endian: Endian::Little })
}

#[test]
fn builders_refuse_members_outside_their_record() {
    let mut builder = LayoutBuilder::new(8, &DataModel::LP64);
    let (member, scalar) = int(5);
    assert_eq!(
        builder.value(member, scalar).unwrap_err().to_string(),
        "int32 at byte 5 ends at byte 9 of a record of 8 bytes"
    );
    let many = MemberSpec { name: Some(b"m"), offset: 0, shape: &[u64::MAX, 2] };
    assert_eq!(builder.value(many, scalar).unwrap_err().to_string(), "int32 `m` has more elements than can be counted");
    let three = Scalar { size: 3, ..scalar };
    assert_eq!(builder.value(int(0).0, three).unwrap_err().to_string(), "int32 has no size of 3 bytes");
    for _ in 0..64 {
        builder.open(MemberSpec::default(), 8).unwrap();
    }
    assert_eq!(
        builder.open(MemberSpec::default(), 8).unwrap_err().to_string(),
        "more than 64 records inside each other"
    );
    builder.align(Align::new(4).unwrap());
    // The builder adds no node for a refused member.
    assert_eq!(builder.finish().leaves().count(), 0);
}

#[test]
fn names_of_types_are_identifiers() {
    let layout = Layout::read(b"i", &Dialect::PEP3118, &DataModel::LP64).unwrap();
    assert_eq!(layout.to_c("int").unwrap_err().to_string(), "`int` cannot be a name in C source");
    assert_eq!(layout.to_rust("i32").unwrap_err().to_string(), "`i32` cannot be a name in Rust source");
    let empty = Layout::read(b"", &Dialect::PEP3118, &DataModel::LP64).unwrap();
    assert_eq!(empty.to_c("item"), Err(SourceError::Empty));
}

#[test]
fn each_member_of_a_union_is_decoded_from_the_same_bytes() {
    let mut builder = LayoutBuilder::new(4, &DataModel::LP64);
    builder.open(MemberSpec::default(), 4).unwrap();
    for (name, size, endian) in [("big", 4, Endian::Big), ("little", 4, Endian::Little), ("half", 2, Endian::Big)] {
        let ty = if size == 4 { Type::UInt32 } else { Type::UInt16 };
        let member = MemberSpec { name: Some(name.as_bytes()), ..MemberSpec::default() };
        builder.value(member, Scalar { ty, size, endian }).unwrap();
    }
    let plan = Plan::new(&builder.finish()).unwrap();
    let Value::Record(record) = plan.value(&[1, 2, 3, 4]).unwrap() else { panic!("a record") };
    assert_eq!(record.get(b"big"), Some(&Value::UInt(0x0102_0304)));
    assert_eq!(record.get(b"little"), Some(&Value::UInt(0x0403_0201)));
    assert_eq!(record.get(b"half"), Some(&Value::UInt(0x0102)));
    let columns = plan.columns(&[1, 2, 3, 4, 5, 6, 7, 8], None).unwrap();
    let values: Vec<_> = columns.into_iter().map(|column| column.data).collect();
    assert_eq!(
        values,
        [
            ColumnData::UInt32(vec![0x0102_0304, 0x0506_0708]),
            ColumnData::UInt32(vec![0x0403_0201, 0x0807_0605]),
            ColumnData::UInt16(vec![0x0102, 0x0506]),
        ]
    );
}

/// The layout has a union, bit-fields, and fields that overlap.
#[test]
fn source_and_pictures_show_shared_bytes() {
    let scalar = |ty, size| Scalar { ty, size, endian: Endian::Little };
    let mut builder = LayoutBuilder::new(40, &DataModel::LP64);
    builder.open(MemberSpec::default(), 40).unwrap();
    let at =
        |name: &'static str, offset, shape: &'static [u64]| MemberSpec { name: Some(name.as_bytes()), offset, shape };
    builder.value(at("last", 36, &[]), scalar(Type::UInt16, 2)).unwrap();
    builder.value(at("low", 0, &[]), scalar(Type::Bits, 4)).unwrap();
    builder.value(at("high", 0, &[]), scalar(Type::Bits, 4)).unwrap();
    builder.open(at("either", 8, &[]), 16).unwrap();
    builder.value(at("number", 0, &[]), scalar(Type::Float64, 8)).unwrap();
    builder.value(at("text", 0, &[3]), scalar(Type::Char, 1)).unwrap();
    builder.open(at("pair", 0, &[]), 8).unwrap();
    builder.value(at("x", 0, &[]), scalar(Type::Int16, 2)).unwrap();
    builder.value(at("class", 4, &[]), Scalar { endian: Endian::Big, ..scalar(Type::Int32, 4) }).unwrap();
    builder.close();
    builder.close();
    builder.value(at("whole", 24, &[]), scalar(Type::UInt64, 8)).unwrap();
    builder.value(at("upper half", 28, &[]), scalar(Type::UInt32, 4)).unwrap();
    builder.close();
    let layout = builder.finish();
    let page = format!("{}\n{}", Table::new(&layout), Picture::new(&layout));
    snapshot::check("layout", "shared-bytes", "fields that share bytes", &page);
    snapshot::check("layout", "source-c", "fields that share bytes, as C", &layout.to_c("item").unwrap());
    snapshot::check("layout", "source-rust", "fields that share bytes, as Rust", &layout.to_rust("Item").unwrap());
    snapshot::check(
        "layout",
        "picture-svg",
        "fields that share bytes, as SVG",
        &Picture::new(&layout).svg().replace("<g>", "\n<g>"),
    );
    assert_eq!(
        layout.emit(Target::Canonical).unwrap_err().to_string(),
        "canonical cannot read the record at byte 0, whose fields share bytes"
    );
}

#[test]
fn only_the_outermost_record_of_an_array_is_called_element() {
    let layout = Layout::read(b"(2)T{T{<i:a:}:inner:<h:b:}", &Dialect::PEP3118, &DataModel::LP64).unwrap();
    let source = layout.to_rust("Item").unwrap();
    for line in ["pub struct ItemInner {", "pub struct ItemElement {", "pub type Item = [ItemElement; 2];"] {
        assert!(source.contains(line), "{line}\n{source}");
    }
}

#[test]
fn fields_without_bytes_are_comments() {
    let layout = Layout::read(b"T{(0,2)<i:none:<h:some:}", &Dialect::PEP3118, &DataModel::LP64).unwrap();
    let line = "none: int32[0,2] at byte 0, no bytes";
    for source in [layout.to_c("item").unwrap(), layout.to_rust("Item").unwrap()] {
        assert!(source.contains(line), "{source}");
    }
}

/// Returns the words in the source code `text` that have the form of an identifier, including keywords and the words in
/// comments.
fn identifiers(text: &str) -> BTreeSet<String> {
    let words = text.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_');
    words.filter(|word| word.starts_with(|first: char| !first.is_ascii_digit())).map(String::from).collect()
}

/// Returns the layout of a record that has one field of 1 byte for each of `names`.
fn named<'n>(names: impl Iterator<Item = &'n String>) -> Layout {
    let fields: String = names.map(|name| format!("b:{name}:")).collect();
    Layout::read(format!("T{{{fields}}}").as_bytes(), &Dialect::PEP3118, &DataModel::HOST).unwrap()
}

#[test]
fn c_source_compiles_with_all_identifiers_of_its_headers() {
    let cc = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let headers = named([String::from("a")].iter()).to_c("item").unwrap();
    let headers: String =
        headers.lines().filter(|line| line.starts_with("#include")).map(|line| format!("{line}\n")).collect();
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("headers.c");
    std::fs::write(&path, headers).unwrap();
    for standard in ["-std=c11", "-std=gnu17"] {
        let run = |arguments: &[&str]| {
            let output = Command::new(&cc).args([standard, "-E"]).args(arguments).arg(&path).output().unwrap();
            assert!(output.status.success());
            String::from_utf8(output.stdout).unwrap()
        };
        let declared = run(&["-P"]);
        let macros = run(&["-dM"]);
        let macros = macros.lines().filter_map(|line| line.strip_prefix("#define ")).collect::<Vec<_>>().join("\n");
        let names: BTreeSet<String> = identifiers(&declared).into_iter().chain(identifiers(&macros)).collect();
        assert!(names.len() > 400, "{}", names.len());
        let record = named(names.iter());
        let mut sources = vec![record.to_c("record").unwrap()];
        let byte = named([String::from("a")].iter());
        for name in &names {
            match byte.to_c(name) {
                Ok(source) => sources.push(source),
                Err(error) => assert!(matches!(error, SourceError::Name { .. })),
            }
        }
        compile(
            "identifiers.c",
            &sources.concat(),
            Command::new(&cc).args([standard, "-fsyntax-only", "-Wall", "-Werror"]),
        );
    }
}

#[test]
fn rust_source_compiles_with_the_names_that_it_uses() {
    let source = random_layouts(50).iter().map(|layout| layout.to_rust("Item").unwrap()).collect::<String>();
    let mut names = identifiers(&source);
    names.extend(
        ["Self", "async", "gen", "str", "u128", "f16", "std", "alloc", "Copy", "Clone", "drop"].map(String::from),
    );
    let mut sources = vec![named(names.iter()).to_rust("Record").unwrap()];
    for (index, name) in names.iter().enumerate() {
        if let Ok(source) = named(names.iter()).to_rust(name) {
            sources.push(format!(
                "pub mod module_{index} {{\n#![allow(non_camel_case_types, non_upper_case_globals)]\n{source}}}\n"
            ));
        }
    }
    assert!(sources.len() > 20, "{}", sources.len());
    let out = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("identifiers.rmeta");
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let mut command = Command::new(rustc);
    if let Ok(target) = std::env::var("TARGET") {
        command.args(["--target", &target]);
    }
    command.args(["--edition=2024", "--crate-type=lib", "--emit=metadata", "-A", "warnings", "-o"]).arg(out);
    compile("identifiers.rs", &sources.concat(), &mut command);
}

#[test]
fn the_item_has_the_name_that_was_given() {
    // The type of the field `__` would have the same name as the item.
    let layout = Layout::read(b"T{T{<i:a:}:__:}", &Dialect::PEP3118, &DataModel::LP64).unwrap();
    let source = layout.to_rust("Item").unwrap();
    assert!(source.contains("pub struct Item {\n    pub __: Item_2,\n}\n"), "{source}");
}

#[test]
fn names_of_types_do_not_grow_with_the_depth() {
    let name = "n".repeat(1000);
    let depth = 60;
    let fields = 5_000;
    let format =
        ["T{".repeat(depth), "T{b}".repeat(fields), format!("}}:{name}:").repeat(depth - 1), "}".to_owned()].concat();
    let layout = Layout::read(format.as_bytes(), &Dialect::PEP3118, &DataModel::LP64).unwrap();
    for source in [layout.to_c("item").unwrap(), layout.to_rust("Item").unwrap()] {
        assert!(source.len() < 10 * format.len() + 4_000 * fields, "{}", source.len());
    }
    for text in [Picture::new(&layout).to_string(), Picture::new(&layout).svg(), Table::new(&layout).to_string()] {
        assert!(text.len() < 10 * format.len() + 1_000_000, "{}", text.len());
    }
}
