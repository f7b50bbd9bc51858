//! Tests of bit-fields of C. Compares `Layout::from_c` and `Layout::to_c` with the bits that C compilers write. Also
//! checks tables, pictures, generated source and emitted formats of layouts with bit-fields.
//!
//! A compiler translates an object in which one bit-field is -1 and all other bits are 0. The data in the assembly of
//! the object are the bits of the bit-field. No compiled program runs, so the compiler can be a compiler for another
//! machine.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use pep3118::layout::{BitField, LayoutBuilder, MemberSpec, Picture, PythonLibrary, Table};
use pep3118::{DataModel, Endian, Layout, Type};

/// The integer types of the random bit-fields, with the maximum width in bits that every machine supports. A unique
/// text replaces each `#`.
const TYPES: [(&str, u64); 17] = [
    ("int", 32),
    ("unsigned", 32),
    ("signed char", 8),
    ("unsigned char", 8),
    ("char", 8),
    ("short", 16),
    ("unsigned short", 16),
    ("long", 32),
    ("unsigned long", 32),
    ("long long", 64),
    ("unsigned long long", 64),
    ("_Bool", 1),
    ("bool", 1),
    ("uint8_t", 8),
    ("int16_t", 16),
    ("uint64_t", 64),
    ("enum { N# = -1, M# = 3 }", 32),
];

/// Declarations for a source without headers.
const HEADER: &str = "\
#define bool _Bool
typedef __INT8_TYPE__ int8_t; typedef __INT16_TYPE__ int16_t; typedef __INT32_TYPE__ int32_t;
typedef __INT64_TYPE__ int64_t; typedef __UINT8_TYPE__ uint8_t; typedef __UINT16_TYPE__ uint16_t;
typedef __UINT32_TYPE__ uint32_t; typedef __UINT64_TYPE__ uint64_t; typedef __WCHAR_TYPE__ wchar_t;
#define static_assert _Static_assert
#define offsetof __builtin_offsetof
";

/// A linear congruential generator, which generates the same numbers in every run.
struct Random(u64);

impl Random {
    /// Returns a random number less than `limit`.
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Returns the C source of a random structure or union with the name `s_<index>`. Most of the members are bit-fields.
fn random_source(random: &mut Random, index: usize) -> String {
    let mut out = String::new();
    let pack = if random.below(5) == 0 { Some(1 << random.below(4)) } else { None };
    if let Some(pack) = pack {
        writeln!(out, "#pragma pack(push, {pack})").unwrap();
    }
    let keyword = if random.below(8) == 0 { "union" } else { "struct" };
    let packed = if random.below(8) == 0 { "__attribute__((packed)) " } else { "" };
    write!(out, "{keyword} {packed}s_{index} {{").unwrap();
    for member in 0..=random.below(8) {
        let (ty, bits) = TYPES[usize::try_from(random.below(17)).unwrap()];
        let ty = ty.replace('#', &format!("{member}_{index}"));
        let width = 1 + random.below(bits);
        match random.below(12) {
            0 => write!(out, " {} x{member};", if ty.contains("enum") { "double" } else { &ty }).unwrap(),
            1 if !ty.contains("enum") => write!(out, " {ty} : 0;").unwrap(),
            2 if !ty.contains("enum") => write!(out, " {ty} : {width};").unwrap(),
            3 => write!(out, " struct {{ {ty} a : {width}; short b : 5; }} x{member};").unwrap(),
            4 => write!(out, " struct {{ {ty} a{member} : {width}; short b{member} : 5; }};").unwrap(),
            _ => write!(out, " {ty} x{member} : {width};").unwrap(),
        }
    }
    out.push_str(" int last : 3; };\n");
    if pack.is_some() {
        out.push_str("#pragma pack(pop)\n");
    }
    out
}

/// Returns the path and the mask of each bit-field of `layout`. The path is a C expression such as `.a.b`. The mask is
/// an item in which all bits of the bit-field are 1 and all other bits are 0.
fn bit_fields(layout: &Layout) -> Vec<(String, Vec<u8>)> {
    let mut out = Vec::new();
    let mut stack = vec![(layout.item(), String::new(), 0)];
    while let Some((record, path, base)) = stack.pop() {
        for field in record.fields() {
            let path = format!("{path}.{}", field.name_text().unwrap());
            let at = base + field.offset();
            if field.ty() == Type::Record {
                stack.push((field, path, at));
            } else if let Some(bits) = field.bit_field() {
                let mut bytes = vec![0; usize::try_from(layout.size()).unwrap()];
                let masks = bits.masks(field.endian().unwrap_or(Endian::Little));
                for (byte, mask) in bytes[usize::try_from(at).unwrap()..].iter_mut().zip(masks) {
                    *byte |= mask;
                }
                out.push((path, bytes));
            }
        }
    }
    out
}

/// Returns the data of the objects in `assembly`, the output of GCC for a machine of the byte order `endian`. The keys
/// are the names of the objects without leading underscores.
fn objects(assembly: &str, endian: Endian) -> BTreeMap<String, Vec<u8>> {
    let mut out: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut label = String::new();
    for line in assembly.lines() {
        if let Some(name) = line.strip_suffix(':') {
            label = name.trim_start_matches('_').to_owned();
            continue;
        }
        let mut words = line.split_whitespace();
        let (word, number) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let size = match word {
            ".byte" => 1,
            ".value" | ".short" | ".word" | ".2byte" => 2,
            ".long" | ".4byte" => 4,
            ".quad" | ".8byte" => 8,
            ".zero" | ".space" | ".skip" => {
                let count = number.split(',').next().unwrap().parse().unwrap();
                out.entry(label.clone()).or_default().extend(vec![0; count]);
                continue;
            }
            ".ascii" | ".asciz" | ".string" if label.starts_with("o_") => panic!("{line}"),
            _ => continue,
        };
        let Ok(number) = number.parse::<i128>() else { continue };
        let little = number.to_le_bytes();
        let mut bytes = little[..size].to_vec();
        if endian == Endian::Big {
            bytes.reverse();
        }
        out.entry(label.clone()).or_default().extend(bytes);
    }
    out
}

/// Compiles the C source `source` to assembly, and returns the assembly. Panics if the compiler refuses the source.
/// `compiler` is a program and its arguments. `name` is the name of the source file, which is written to a temporary
/// folder.
fn compile(compiler: &[String], name: &str, source: &str) -> String {
    let directory = option_env!("CARGO_TARGET_TMPDIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let path = directory.join(name);
    std::fs::write(&path, source).unwrap();
    let (program, arguments) = compiler.split_first().unwrap();
    let flags = ["-std=gnu11", "-ffreestanding", "-fno-zero-initialized-in-bss", "-w", "-S", "-o", "-"];
    let output = Command::new(program).args(arguments).args(flags).arg(Path::new(&path)).output().unwrap();
    assert!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The numbers of structures and bit-fields that [`compare`] compared, and of structures that it skipped.
#[derive(Debug, Default)]
struct Compared {
    structures: usize,
    /// The structures that `Layout::from_c` refuses. They are not in `structures`.
    refused: usize,
    /// The bit-fields of all `structures`.
    bit_fields: usize,
    /// The bit-fields that the generated source declares as bit-fields.
    generated: usize,
    /// The bit-fields that the generated source declares as bytes.
    bytes: usize,
}

/// Compares the layouts of `count` random structures in the data model `model` with the bits that `compiler` writes.
/// `seed` selects the structures. Compares each structure twice: as random source, and as the source that
/// `Layout::to_c` writes for the layout. If `Layout::from_c` refuses a structure for a known reason, `compare` counts
/// the structure and takes the next one. Panics at the first difference.
fn compare(compiler: &[String], model: &DataModel, seed: u64, count: usize) -> Compared {
    let mut random = Random(seed);
    let mut done = Compared::default();
    let mut source = HEADER.to_owned();
    let mut expected: BTreeMap<String, (String, Vec<u8>)> = BTreeMap::new();
    for index in 0..count * 10 {
        if done.structures == count {
            break;
        }
        let text = random_source(&mut random, index);
        let layout = match Layout::from_c(&text, Some(&format!("s_{index}")), model) {
            Ok(layout) => layout,
            Err(error) => {
                let message = error.to_string();
                // MinGW has its own rules for bit-fields with attributes. The sign of a `char`, and the alignment of a
                // bit-field without a name, depend on the compiler.
                let known = ["compilers of Windows", "sign of a `char`", "an unnamed bit-field"];
                assert!(known.iter().any(|known| message.contains(known)), "{model}: {message}\n{text}");
                done.refused += 1;
                continue;
            }
        };
        done.structures += 1;
        let is_union = text.lines().any(|line| line.starts_with("union "));
        let kind = if is_union { "union" } else { "struct" };
        let size = layout.size();
        writeln!(source, "{text}static_assert(sizeof({kind} s_{index}) == {size}, \"s_{index}\");").unwrap();
        let mut add = |source: &mut String, kind: &str, name: &str, fields: Vec<(String, Vec<u8>)>| {
            for (number, (path, bytes)) in fields.into_iter().enumerate() {
                let object = format!("o_{name}_{number}");
                writeln!(source, "{kind} {object} = {{ {path} = -1 }};").unwrap();
                expected.insert(object, (path, bytes));
            }
        };
        let fields = bit_fields(&layout);
        done.bit_fields += fields.len();
        let generated = layout.to_c(&format!("g_{index}")).unwrap();
        let again = Layout::from_c(&generated, Some(&format!("g_{index}")), model)
            .unwrap_or_else(|error| panic!("{error:#}\n{generated}"));
        let written = bit_fields(&again);
        done.generated += written.len();
        done.bytes += fields.len() - written.len();
        assert_eq!(again.size(), size, "{text}\n{generated}");
        let mut masks: Vec<_> = fields.iter().map(|(_, bytes)| bytes).collect();
        masks.sort();
        for (path, bytes) in &written {
            assert!(masks.binary_search(&bytes).is_ok(), "{model} {path}: {bytes:?}\n{text}\n{generated}");
        }
        let body = generated.lines().filter(|line| !line.starts_with("#include"));
        source.extend(body.flat_map(|line| [line, "\n"]));
        add(&mut source, &format!("{kind} s_{index}"), &format!("s_{index}"), fields);
        add(&mut source, &format!("g_{index}"), &format!("g_{index}"), written);
    }
    let assembly = compile(compiler, &format!("bits-{model}-{seed}.c"), &source);
    let found = objects(&assembly, model.endian);
    for (object, (path, bytes)) in &expected {
        let mut found = found.get(object).unwrap_or_else(|| panic!("no {object}")).clone();
        // A compiler omits zeros at the end of an object.
        found.resize(bytes.len().max(found.len()), 0);
        assert_eq!(&found, bytes, "{model} {object}{path} of seed {seed}");
    }
    done
}

/// Returns whether `program` is GCC, whose assembly the tests can read. Returns `false` if the program does not start.
fn is_gcc(program: &str) -> bool {
    let output = Command::new(program).arg("--version").output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("Free Software Foundation"))
}

#[test]
fn the_bits_of_bit_fields_are_those_of_the_compiler_of_the_host() {
    let cc = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    if !cfg!(target_os = "linux") || !is_gcc(&cc) {
        println!("SKIPPED: the C compiler of this machine is not GCC for Linux");
        return;
    }
    let done = compare(&[cc], &DataModel::HOST, 3118, 200);
    println!("{done:?}");
    assert!(done.structures == 200 && done.generated > 500, "{done:?}");
    assert!(done.bytes * 20 < done.generated, "{done:?}");
}

/// Compares 2,000 structures with each compiler of the variable `BIT_FIELD_COMPILERS`:
/// `lp64=gcc;i386=gcc -m32;llp64=x86_64-w64-mingw32-gcc -mlong-double-64;s390x=s390x-linux-gnu-gcc`.
#[test]
#[ignore = "needs compilers for other machines"]
fn the_bits_of_2000_structures_are_those_of_each_compiler() {
    let compilers = std::env::var("BIT_FIELD_COMPILERS").expect("the variable BIT_FIELD_COMPILERS");
    for entry in compilers.split(';') {
        let (model, command) = entry.split_once('=').expect("MODEL=COMMAND");
        let model = DataModel::by_name(model).expect("the name of a data model");
        let command: Vec<String> = command.split_whitespace().map(String::from).collect();
        let done = compare(&command, &model, 14, 2000);
        println!("{model}: {done:?}");
        assert_eq!(done.structures, 2000);
    }
}

/// Returns the layout of the last structure of `source` on lp64.
fn layout_of(source: &str) -> Layout {
    Layout::from_c(source, None, &DataModel::LP64).unwrap_or_else(|error| panic!("{error:#}"))
}

/// A C structure with bit-fields of several types.
const FLAGS: &str = "struct flags { unsigned ready : 1, code : 9; int level : 4; char tag; long long big : 40; };";

#[test]
fn bit_fields_of_c_have_the_position_and_the_type_of_their_values() {
    let layout = layout_of(FLAGS);
    let fields: Vec<_> = layout
        .item()
        .fields()
        .map(|field| {
            let bits = field.bit_field().map(|bits| (bits.ty(), bits.offset(), bits.width()));
            (field.name_text().unwrap(), field.offset(), bits)
        })
        .collect();
    let expected = [
        ("ready", 0, Some((Type::UInt32, 0, 1))),
        ("code", 0, Some((Type::UInt32, 1, 9))),
        ("level", 1, Some((Type::Int32, 2, 4))),
        ("tag", 2, None),
        ("big", 3, Some((Type::Int64, 0, 40))),
    ];
    assert_eq!(fields, expected.map(|(name, offset, bits)| (name.to_owned(), offset, bits)));
}

#[test]
fn a_table_has_the_bits_of_bit_fields() {
    let table = Table::new(&layout_of(FLAGS)).to_string();
    assert_eq!(
        table,
        "\
offset  size  type             name
     0     1  uint32 bit 0     ready
     0     2  uint32 bits 1-9  code
     1     1  int32 bits 2-5   level
     2     1  char             tag
     3     5  int64 bits 0-39  big
"
    );
}

#[test]
fn a_picture_has_a_ruler_of_bits() {
    let picture = Picture::new(&layout_of("struct s { unsigned ready : 1, code : 9; int level : 4; char tag; };"));
    assert_eq!(
        picture.to_string(),
        "
        0  1  2  3
     0 |read…|…g|..|
   bit  7  6  5  4  3  2  1  0
     0 |code                |…y|
     1 |.....|level      |code |
"
        .trim_start_matches('\n')
    );
    let svg = picture.svg();
    assert!(svg.contains("<title>level: int32 bits 2-5, byte 1</title>"), "{svg}");
}

#[test]
fn bit_fields_of_a_union_are_drawn_below_each_other() {
    let picture = Picture::new(&layout_of("union u { unsigned char a : 3, b : 5; };")).to_string();
    assert_eq!(
        picture,
        "
        0
     0 |a |
       |b |
   bit  7  6  5  4  3  2  1  0
     0 |        |b             |
       |              |a       |
"
        .trim_start_matches('\n')
    );
}

#[test]
fn generated_c_declares_bit_fields() {
    let source = layout_of(FLAGS).to_c("flags").unwrap();
    for line in
        ["    uint32_t ready : 1;\n", "    uint32_t code : 9;\n", "    int32_t level : 4;\n", "    uint8_t : 2;\n"]
    {
        assert!(source.contains(line), "{line}{source}");
    }
    // A C compiler cannot place a bit-field in the other byte order.
    let mut builder = LayoutBuilder::new(2, &DataModel::LP64);
    let bits = BitField::new(Type::UInt16, 3, 9).unwrap();
    builder.bit_field(MemberSpec { name: Some(b"x"), ..MemberSpec::default() }, bits, Endian::Big).unwrap();
    let source = builder.finish().to_c("swapped").unwrap();
    assert!(source.contains("    unsigned char x[2]; /* uint16, 9 bits above 3 bits, big-endian */\n"), "{source}");
}

#[test]
fn generated_rust_names_the_bits() {
    let source = layout_of("struct s { int a : 3; };").to_rust("S").unwrap();
    assert!(source.contains("    pub a: [u8; 1], // int32, 3 bits above 0 bits\n"), "{source}");
}

#[test]
fn python_libraries_refuse_bit_fields() {
    for library in PythonLibrary::ALL.iter().copied().filter(|library| *library != PythonLibrary::Record) {
        let error = layout_of("struct s { int a : 3; };").to_python("s", library).unwrap_err();
        assert!(error.to_string().contains("bits `a`: the library cannot place a bit-field"), "{error}");
    }
}

#[test]
fn a_bit_field_whose_sign_depends_on_the_compiler_is_refused() {
    for (source, model, message) in [
        ("struct s { char a : 3; };", DataModel::AARCH64, "the sign of a `char` bit-field"),
        ("struct s { wchar_t a : 3; };", DataModel::AARCH64, "the sign of a `wchar_t` bit-field"),
        ("struct s { enum { A, B } a : 3; };", DataModel::LLP64, "a bit-field of an enumeration"),
    ] {
        let error = Layout::from_c(source, None, &model).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
        Layout::from_c(source, None, &DataModel::LP64).unwrap();
    }
}

#[test]
fn a_format_is_not_written_for_bits_that_it_would_move() {
    for source in [FLAGS, "struct s { unsigned a : 3; };", "struct s { unsigned : 3, a : 5; };"] {
        let layout = layout_of(source);
        if let Ok(format) = layout.emit(pep3118::Target::Canonical) {
            let again = Layout::read(&format, &pep3118::Dialect::PEP3118, &DataModel::LP64).unwrap();
            let text = String::from_utf8_lossy(&format);
            assert_eq!(bit_fields(&again), bit_fields(&layout), "{source}: {text}");
        }
    }
}
