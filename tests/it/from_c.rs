//! Tests of `Layout::from_c`: comparisons with the offsets of C compilers, the syntax and rules of C, error messages,
//! and hostile source.

use std::process::Command;

use pep3118::{DataModel, Layout, Type};

use crate::corpus::rows;

/// Returns the size and the alignment of `layout`, then the offsets of its leaves, except for bit-fields.
fn facts(layout: &Layout) -> Vec<u64> {
    let mut facts = vec![layout.size(), layout.align().bytes()];
    facts.extend(layout.leaves().filter(|(_, leaf)| leaf.ty() != Type::Bits).map(|(offset, _)| offset));
    facts
}

#[test]
fn offsets_of_random_structures_are_those_of_three_compilers() {
    let (mut compared, mut refused, mut wrong) = (0, 0, Vec::new());
    for row in rows("c_structures") {
        let source = row["source"].as_str().unwrap();
        for model in [DataModel::LP64, DataModel::I386, DataModel::LLP64] {
            let answer: Vec<u64> = row[model.name].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
            match Layout::from_c(source, None, &model) {
                Ok(layout) if facts(&layout) == answer => compared += 1,
                Ok(layout) => wrong.push(format!("{model}: {source}\n  {:?}\n  {answer:?}", facts(&layout))),
                Err(error) if error.to_string().contains("the compilers of Windows") => refused += 1,
                Err(error) => wrong.push(format!("{error:#}")),
            }
        }
    }
    println!("{compared} layouts are equal, {refused} are refused");
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        compared + wrong.len(),
        wrong[..wrong.len().min(8)].join("\n")
    );
    // MinGW has its own rules for bit-fields with attributes.
    assert!(compared > 5_300 && refused < 700, "{compared} compared, {refused} refused");
}

/// A C compiler of this machine checks the offsets of this crate. The compiler can be newer than the recorded
/// compilers.
#[test]
fn a_c_compiler_of_the_host_agrees_with_the_offsets() {
    const HEADERS: [&str; 6] = ["stdalign", "stdbool", "stddef", "stdint", "uchar", "wchar"];
    let cc = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    if !cfg!(unix) || Command::new(&cc).arg("--version").output().is_err() {
        println!("SKIPPED: there is no C compiler to compare with");
        return;
    }
    let mut source = HEADERS.map(|header| format!("#include <{header}.h>\n")).concat();
    let mut assertions = 0;
    for (index, row) in rows("c_structures").iter().enumerate() {
        let text = row["source"].as_str().unwrap();
        let Ok(layout) = Layout::from_c(text, None, &DataModel::HOST) else { continue };
        let is_union = text.lines().rfind(|line| line.contains(&format!("s_{index} "))).unwrap().starts_with("union");
        let full = format!("{} s_{index}", if is_union { "union" } else { "struct" });
        source.push_str(&format!("{text}\n_Static_assert(sizeof({full}) == {}, \"{index}\");\n", layout.size()));
        for ((offset, _), path) in layout.leaves().zip(row["leaves"].as_array().unwrap()) {
            let Some(path) = path.as_str() else { continue };
            source.push_str(&format!("_Static_assert(offsetof({full}, {path}) == {offset}, \"{index}\");\n"));
            assertions += 1;
        }
    }
    assert!(assertions > 5_000, "{assertions}");
    let path = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("from_c.c");
    std::fs::write(&path, source).unwrap();
    let output = Command::new(&cc).args(["-std=gnu11", "-fsyntax-only", "-w"]).arg(&path).output().unwrap();
    assert!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
}

/// Returns the leaves of the last structure of `source` on lp64: `a@0:int32`.
fn leaves(source: &str) -> String {
    let layout = Layout::from_c(source, None, &DataModel::LP64).unwrap_or_else(|error| panic!("{error:#}"));
    let leaf = |(offset, leaf): (u64, pep3118::Field<'_>)| {
        let shape: Vec<String> = leaf.shape().iter().map(|length| format!("[{length}]")).collect();
        format!("{}{}@{offset}:{}", leaf.name_text().unwrap(), shape.concat(), leaf.ty())
    };
    layout.leaves().map(leaf).collect::<Vec<_>>().join(" ")
}

#[test]
fn types_of_headers_have_their_layout_types() {
    assert_eq!(
        leaves(
            "struct s { int8_t a; size_t b; bool c; char d[3]; wchar_t e[2]; char16_t f; uintptr_t g; ssize_t h; };"
        ),
        "a@0:int8 b@8:uint64 c@16:bool d@17:bytes e@20:wchar f@28:ucs2 g@32:uint64 h@40:int64"
    );
    assert_eq!(
        leaves("struct s { char c; char *t; wchar_t *w; void (*f)(int); struct s *next; PyObject *o; int **p; };"),
        "c@0:char t@8:char_pointer w@16:wchar_pointer f@24:function next@32:pointer o@40:object p@48:pointer"
    );
    let layout = Layout::from_c("struct s { __be16 port; __le32 id; };", None, &DataModel::S390X).unwrap();
    let orders: Vec<_> = layout.leaves().map(|(_, leaf)| leaf.endian().unwrap().as_str()).collect();
    assert_eq!(orders, ["big", "little"]);
}

#[test]
fn a_typedef_of_the_source_replaces_a_type_of_a_header() {
    assert_eq!(leaves("typedef short uint8_t; struct s { uint8_t a; };"), "a@0:int16");
}

#[test]
fn members_of_anonymous_records_are_members_of_the_enclosing_record() {
    assert_eq!(
        leaves("struct s { char tag; union { int i; float f; struct { short x, y; }; }; };"),
        "tag@0:char i@4:int32 f@4:float32 x@4:int16 y@6:int16"
    );
}

#[test]
fn constant_expressions_follow_the_rules_of_c() {
    for (expression, length) in [
        ("010", 8),
        ("0x10u", 16),
        ("0b11", 3),
        ("sizeof(struct t) + _Alignof(double)", 24),
        ("'A' - 60", 5),
        ("(unsigned char)257 + 1", 2),
        ("-1 < 0u ? 3 : 4", 4),
        ("B", 6),
        ("N * 2", 18),
        ("~0u >> 30", 3),
        ("1 || 1 / 0", 1),
        ("(1, 2) == 2 ? 1 : 2", 0),
    ] {
        let source = format!(
            "#define N (4 + 5)\nenum e {{ A = 5, B }}; struct t {{ double x; char y; }}; struct s {{ char a[{expression}]; }};"
        );
        let found = Layout::from_c(&source, None, &DataModel::LP64).map(|layout| layout.size());
        match length {
            0 => assert!(found.is_err(), "{expression}"),
            length => assert_eq!(found.unwrap_or_else(|error| panic!("{error:#}")), length, "{expression}"),
        }
    }
}

#[test]
fn a_header_with_guards_and_functions_is_accepted() {
    let source = r#"
#ifndef TICK_H
#define TICK_H
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif
/* The largest length. */
#define LENGTH 4 // elements
#define MAX(a, b) ((a) > (b) ? (a) : (b))
typedef enum { BID, ASK } side_t;
#pragma pack(push, 1)
typedef struct tick {
    uint64_t time;   /* nanoseconds */
    side_t side;
    double price[LENGTH];
} tick_t;
#pragma pack(pop)
static inline double first(const tick_t *t) { if (t) { return t->price[0]; } return 0; }
extern const tick_t ticks[2];
extern struct tick TABLE[2], FIRST;
static int table[] = { 1, 2, 3 };
void use(struct tick *t, int (*callback)(void *, int));
_Static_assert(sizeof(tick_t) == 44, "size");
#ifdef __cplusplus
}
#endif
#endif
"#;
    for name in [None, Some("tick"), Some("tick_t"), Some("struct tick")] {
        let layout = Layout::from_c(source, name, &DataModel::LP64).unwrap_or_else(|error| panic!("{error:#}"));
        assert_eq!((layout.size(), layout.align().bytes()), (44, 1));
    }
}

#[test]
fn one_branch_of_a_condition_is_used() {
    let branches = |first: &str, second: &str| {
        format!(
            "#define A\n{first}\nstruct s {{ char a; }};\n{second}\nstruct s {{ short a; }};\n#else\nstruct s {{ int a; }};\n#endif"
        )
    };
    let size = |source: String| Layout::from_c(&source, None, &DataModel::LP64).map(|layout| layout.size());
    assert_eq!(size(branches("#ifdef A", "#elif 1")), Ok(1));
    assert_eq!(size(branches("#if 1", "#elif defined(B)")), Ok(1));
    // The value of the second condition is not computed.
    assert!(size(branches("#if 0", "#elif 1")).is_err());
    assert!(size(branches("#if B > 1", "#elif 1")).is_err());
}

#[test]
fn errors_name_the_place_the_token_and_an_action() {
    for (source, message, token, help) in [
        ("struct s { u16 a; };", "line 1, column 12: unknown type `u16`", "u16", "stdint.h"),
        ("u16 x;", "line 1, column 1: unknown type `u16`", "u16", "stdint.h"),
        ("struct s { int a };", "line 1, column 18: unexpected `}`", "}", "struct tick"),
        ("struct s { int a; }", "line 1, column 20: the declaration is not complete", "", "add `;`"),
        ("struct s {\n  int a[-2];\n};", "line 2, column 9: an array of -2 elements", "-", ""),
        ("struct s { int a[N]; };", "line 1, column 18: unknown constant `N`", "N", "#define"),
        ("struct s { struct t a; };", "line 1, column 21: the size of `struct t` is not known", "a", ""),
        ("struct s { int a : 33; };", "line 1, column 20: a bit-field of 33 bits in a type of 32 bits", "33", ""),
        ("struct s { int a, a; };", "line 1, column 19: two members have the name `a`", "a", ""),
        (
            "struct s { int a __attribute__((mode(DI))); };",
            "line 1, column 33: the attribute `mode` is not supported",
            "mode",
            "",
        ),
        (
            "struct s {};",
            "line 1, column 1: a structure without members, whose size depends on the compiler",
            "struct",
            "",
        ),
        (
            "struct [[gnu::packed]] s { int a; };",
            "line 1, column 8: attributes in `[[ ]]` are not supported",
            "[",
            "packed",
        ),
        (
            "#ifdef _WIN32\nstruct s { int a; };\n#endif",
            "line 2, column 1: a declaration in an `#if` whose condition is not known",
            "struct",
            "cc -E",
        ),
        ("int x;", "line 1, column 1: the source declares no complete structure", "", "struct tick"),
        (
            "struct s { char a; int b; } __packed;",
            "line 1, column 29: `__packed` can be a macro for an attribute",
            "__packed",
            "cc -E",
        ),
        ("#define A(b) b\nstruct s { int A(a); };", "line 2, column 16: the macro `A` has parameters", "A", "cc -E"),
        (
            "#define int short\nstruct s { int a; };",
            "line 1, column 1: the macro `int` replaces a type",
            "#define int short",
            "cc -E",
        ),
        ("struct s { void a; };", "line 1, column 17: `void` has no size", "a", ""),
        ("struct s { int \u{e9}; };", "line 1, column 16: unexpected character `\u{e9}`", "\u{e9}", ""),
        (
            "#pragma ms_struct on\nstruct s { int a; };",
            "line 1, column 1: unknown `#pragma ms_struct on`",
            "#pragma ms_struct on",
            "",
        ),
        (
            "struct s { int a;\n#pragma pack(1)\n int b; };",
            "line 2, column 1: `#pragma pack` inside the braces of a declaration",
            "#pragma",
            "before",
        ),
        (
            "struct s { long long long a; };",
            "line 1, column 22: this combination of type specifiers is not a type",
            "long",
            "",
        ),
    ] {
        let error = Layout::from_c(source, None, &DataModel::LP64).unwrap_err();
        assert_eq!(error.to_string(), message, "{source}");
        assert_eq!(error.token(), token, "{source}");
        assert!(error.help().unwrap_or_default().contains(help), "{source}: {:?}", error.help());
    }
    let error = Layout::from_c("struct a { int x; };", Some("b"), &DataModel::LP64).unwrap_err();
    assert_eq!(error.to_string(), "line 1, column 1: the source declares no type `b`");
    assert_eq!(error.help(), Some("the source declares `a`"));
}

/// For each source, a parser without limits would need exponential time, a deep stack or much memory.
#[test]
fn hostile_source_is_refused_in_time() {
    let deep = |open: &str, inner: &str, close: &str, count: usize| {
        [open.repeat(count), inner.to_owned(), close.repeat(count)].concat()
    };
    let mut chain = "struct s0 { int a; };".to_owned();
    let mut doubled = "struct s0 { int a; };".to_owned();
    let mut macros = String::from("#define M0 1\n");
    for index in 1..5000 {
        chain.push_str(&format!("struct s{index} {{ struct s{} x; }};", index - 1));
        if index < 60 {
            doubled.push_str(&format!("struct s{index} {{ struct s{} x, y; }};", index - 1));
            macros.push_str(&format!("#define M{index} (M{} + M{})\n", index - 1, index - 1));
        }
    }
    macros.push_str("struct s { int a[M59]; };");
    let typedefs = (1..5000)
        .fold("typedef int t0;".to_owned(), |text, index| text + &format!("typedef t{} t{index}[1];", index - 1))
        + "struct s { t4999 x; };";
    let inputs = [
        deep("struct {", "int x;", "} y;", 100_000),
        format!("struct s {{ int a[{}]; }};", deep("(", "1", ")", 100_000)),
        format!("struct s {{ int a[{}]; }};", deep("sizeof(int[", "1", "])", 100)),
        format!("struct s {{ int a[{}]; }};", "- ".repeat(100_000) + "1"),
        format!("struct s {{ int a[{}1]; }};", "1+".repeat(100_000)),
        format!("struct s {{ int a[{}1]; }};", "1?1:".repeat(100_000)),
        format!("struct s {{ int {}a; }};", "*".repeat(100_000)),
        format!("struct s {{ int a{}; }};", "[1]".repeat(100)),
        format!("struct s {{ {} }};", (0..100_000).map(|index| format!("int a{index};")).collect::<String>()),
        format!("struct s {{ int {}; }};", (0..100_000).map(|index| format!("a{index}")).collect::<Vec<_>>().join(",")),
        "struct s { char a[0x7fffffffffffffff], b[0x7fffffffffffffff]; };".to_owned(),
        "struct s { int a[9223372036854775808u]; };".to_owned(),
        "struct s { int a[99999999999999999999999999]; };".to_owned(),
        "struct s { _Float99999999999999999999999 a; };".to_owned(),
        "#define A B\n#define B A\nstruct s { int a[A]; };".to_owned(),
        "struct s { struct s a; };".to_owned(),
        "struct s { int a __attribute__((aligned(1 << 40))); };".to_owned(),
        "#pragma pack(push, 1)\n".repeat(90_000),
        "#if 1\n".repeat(90_000),
        "\"\\".to_owned(),
        "'\\\u{e9}'".to_owned(),
        "/*".repeat(100_000),
        "struct s { int a; };".repeat(100_000),
        "}".to_owned(),
        "#define".to_owned(),
        "#pragma".to_owned(),
        "#".to_owned(),
        "=".to_owned(),
        "extern \"C\"".to_owned(),
        "extern \"C\" {".to_owned(),
        "struct".to_owned(),
        "enum".to_owned(),
        "\0".to_owned(),
        String::new(),
        chain,
        doubled,
        macros,
        typedefs,
    ];
    for source in inputs {
        let start = std::time::Instant::now();
        let error = Layout::from_c(&source, None, &DataModel::LP64).unwrap_err();
        let (shown, text) = (format!("{error:#}"), &source[..source.len().min(60)]);
        assert!(shown.len() < 2000, "{text}");
        assert!(start.elapsed().as_secs() < 20, "{text}: {:?}", start.elapsed());
    }
}

#[test]
fn damaged_source_never_panics() {
    const SOURCE: &str = "#define N 3\n#pragma pack(push, 2)\nenum e { A, B = N }; typedef struct t { char a; union { \
        int b : 3; float _Complex z; } u; } t __attribute__((aligned(2))); struct s { t x[N + 1]; const char *p; int \
        (*f[2])(int), g; _Alignas(16) wchar_t w[2][3]; } __attribute__((packed));\n#pragma pack(pop)\nint v = { 1 };";
    let mut state = 7_u64;
    let mut random = |limit: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % limit
    };
    let mut accepted = 0;
    for _ in 0..4000 {
        let mut bytes = SOURCE.as_bytes().to_vec();
        for _ in 0..=random(3) {
            let at = random(bytes.len());
            match random(3) {
                0 => drop(bytes.remove(at)),
                1 => bytes[at] = b"(){}[];,*#\"'\\\n01ax_:="[random(21)],
                _ => {
                    let end = (at + random(20)).min(bytes.len());
                    let copied = bytes[at..end].to_vec();
                    let to = random(bytes.len());
                    bytes.splice(to..to, copied);
                }
            }
        }
        let source = String::from_utf8(bytes).unwrap();
        match Layout::from_c(&source, None, &DataModel::I386) {
            Ok(layout) => {
                crate::properties::stays_inside(&layout);
                accepted += 1;
            }
            Err(error) => assert!(!format!("{error} {error:#} {}", error.token()).is_empty()),
        }
    }
    assert!(accepted > 100, "{accepted}");
}

/// C source cannot express every type. After `to_c` and `from_c`, some fields have other types, but all fields have the
/// same offsets and sizes.
#[test]
fn from_c_is_the_inverse_of_to_c() {
    let mut compared = 0;
    for row in rows("exports").iter().chain(&rows("ctypes_structures")).chain(&rows("numpy_dtypes")) {
        let Some(format) = row["format"].as_str() else { continue };
        for model in [DataModel::LP64, DataModel::LLP64, DataModel::I386] {
            let Ok(layout) = Layout::read(format.as_bytes(), &pep3118::Dialect::PEP3118, &model) else { continue };
            let Ok(source) = layout.to_c("item_of_the_test") else { continue };
            let found = Layout::from_c(&source, Some("item_of_the_test"), &model);
            let found = found.unwrap_or_else(|error| panic!("{format}: {error:#}\n{source}"));
            assert_eq!(found.size(), layout.size(), "{format}\n{source}");
            let again = found.to_c("item_of_the_test").unwrap();
            // Comments contain the facts that C cannot express. The assertion of the byte order depends on the types in
            // comments.
            let bare = |source: &str| {
                let parts = source.split("/*").map(|part| part.split_once("*/").map_or(part, |(_, rest)| rest));
                let text = parts.map(|part| part.trim_end_matches(' ')).collect::<String>();
                let lines = text.lines().filter(|line| {
                    !line.is_empty() && !["#if", "#error", "#endif"].iter().any(|word| line.starts_with(word))
                });
                lines.collect::<Vec<_>>().join("\n").replace("unsigned char ", "uint8_t ")
            };
            assert_eq!(bare(&again), bare(&source), "{format}");
            compared += 1;
        }
    }
    assert!(compared > 3000, "{compared}");
}

/// Returns the size of the last structure of `source` on lp64, or the error message.
fn size_of(source: &str) -> Result<u64, String> {
    Layout::from_c(source, None, &DataModel::LP64).map(|layout| layout.size()).map_err(|error| error.to_string())
}

/// Asserts that the size of the last structure of each source is the size that GCC 12 gives on x86-64.
#[track_caller]
fn assert_sizes(cases: &[(&str, u64)]) {
    for (source, size) in cases {
        assert_eq!(size_of(source), Ok(*size), "{source}");
    }
}

#[test]
fn comments_over_several_lines_end_where_a_compiler_ends_them() {
    assert_sizes(&[
        ("#if 0\nint q; /* old:\n#else */\n#pragma pack(1)\n#endif\nstruct s { char b; int a; };", 8),
        ("#if 0\nchar *q = \"/*\";\n#else\n#pragma pack(1)\n#endif\nstruct s { char b; int a; };", 5),
        ("#if 0\ndon't /*\n#else\n#pragma pack(1)\n#endif\nstruct s { char b; int a; };", 5),
        ("#if 0\n// /* \\\n#else\n#endif\nstruct s { char b; int a; };", 8),
        ("#include <stdint.h> /* for\n uint8_t */\nstruct s { uint8_t a; };", 1),
        ("#include <sys/*.h>\nstruct s { char a; };\n/**/", 1),
        ("#define MAX(a) a /* of\n#pragma pack(1)\n*/\nstruct s { char b; int a; };", 8),
    ]);
    assert!(size_of("#if 0\n/*\n#endif\nstruct s { int a; };").unwrap_err().contains("a comment without an end"));
}

#[test]
fn a_backslash_joins_lines_with_every_line_end() {
    for line_end in ["\n", "\r\n", " \t\n"] {
        let source = |text: &str| text.replace("JOIN", &format!("\\{line_end}"));
        assert_eq!(size_of(&source("struct s { char a; }; // JOINstruct t { int b; };")), Ok(1), "{line_end:?}");
        assert_eq!(size_of(&source("#define MAX(a) a JOIN#pragma pack(1)\nstruct s { char a; int b; };")), Ok(8));
        assert_eq!(size_of(&source("const char *t = \"aJOINb\"; struct s { char a; };")), Ok(1), "{line_end:?}");
        // A C compiler reads one word, because the two lines are one line.
        let error = size_of(&source("typedef char shortint; struct s { shortJOINint a; };")).unwrap_err();
        assert!(error.contains("continues on the next line"), "{error}");
    }
}

#[test]
fn a_macro_replaces_its_name_from_define_to_undef() {
    assert_sizes(&[
        ("#define N 4\n#undef N\nenum{N=8};\nstruct t{int a[N];};", 32),
        ("enum {N=8}; struct t{int a[N];};\n#define N 4", 32),
        ("enum {N=8};\n#define N 4\nstruct t{int a[N];};", 16),
        ("#define N 4\nstruct s{int a[N];};\n#undef N\n#define N 5\nstruct t{int a[N];};", 20),
        ("typedef char T;\n#define T int\nstruct s { T a; };", 4),
        ("#define packed\nstruct s {char a; int b;} __attribute__((packed));", 8),
        ("#define PACKED __attribute__((packed))\nstruct s {char a; int b;} PACKED;", 5),
        ("#define ATTRIBUTE(x)\n#define sizeof 2 *\nstruct s { char a[sizeof (3)]; };", 6),
        ("#define A 2 + 1\nstruct s { char a[A * 2]; };", 4),
        ("enum { A = 3 };\n#define A A\nstruct s { char a[A]; };", 3),
        ("#define A B\n#define B 2\nstruct s { char a[A]; };\n#undef B\nenum { B = 5 }; struct t { char a[A]; };", 5),
        ("enum { true = 3 }; struct s { char a[true]; };", 3),
        ("#define MAX(a) 1\nenum { MAX = 3 }; struct s { char a[MAX]; };", 3),
    ]);
    let layout = Layout::from_c("#define A b\nstruct s { int A; };", None, &DataModel::LP64).unwrap();
    assert_eq!(layout.leaves().next().unwrap().1.name_text().unwrap(), "b");
}

#[test]
fn a_macro_whose_effect_is_not_known_is_refused() {
    for (source, message) in [
        (
            "#define __attribute__(x)\nstruct s {char a; int b;} __attribute__((packed));",
            "`__attribute__` has parameters",
        ),
        ("#define _Alignas(x)\nstruct s { _Alignas(8) char a; };", "`_Alignas` has parameters"),
        ("#define N(x) 4\n#define M N\nstruct s { int a[M(1)]; };", "`N` has parameters"),
        ("#define N 4 \\ @\nstruct s { int a[N]; };", "the macro `N` is not a part of a declaration"),
        ("#define N 4\n#ifdef A\n#undef N\n#endif\nstruct s { int a[N]; };", "`#undef` in an `#if`"),
        ("#define N 4\n#define N 5\nstruct s { int a[N]; };", "two definitions"),
        ("#define N 1\n#pragma pack(push, N)\nstruct s { char a; int b; };", "the macro `N` in `#pragma pack`"),
        ("void f(void) { _Pragma(\"pack(1)\") }\nstruct s { char a; int b; };", "unknown `_Pragma`"),
    ] {
        let error = size_of(source).unwrap_err();
        assert!(error.contains(message), "{source}: {error}");
    }
    let source = "#define A __alignof__\nstruct s { char a[A(double)]; };";
    assert!(Layout::from_c(source, None, &DataModel::I386).is_err());
}

#[test]
fn macros_of_exponential_length_are_refused_in_time() {
    for (first, count) in [("1 +", 60), ("", 30)] {
        let mut source = format!("#define M0 {first}\n");
        for index in 1..=count {
            source.push_str(&format!("#define M{index} M{0} M{0}\n", index - 1));
        }
        source.push_str(&format!("struct s {{ int a[M{count} 1]; }};"));
        let error = size_of(&source).unwrap_err();
        assert!(error.contains("macros"), "{error}");
    }
}

/// The parser holds the operators before a bracket while the parser is inside the bracket.
#[test]
fn nested_operators_do_not_overflow_a_stack_of_2_mib() {
    let enumerations = (0..14)
        .fold("1".to_owned(), |inner, index| format!("{}sizeof(enum {{ A{index} = {inner} }})", "- ".repeat(240)));
    let commas = format!("{}1{}", "1 ? 1, ".repeat(20_000), " : 1".repeat(20_000));
    let array = |length: &str| format!("struct s {{ int a[{length}]; }};");
    let inputs = [
        format!("enum {{ Z = {enumerations} }}; struct s {{ int a; }};"),
        array(&commas),
        array(&format!("({commas})")),
        array(&"1 ? (int){1} : ".repeat(20_000)),
        array(&format!("({{ if (1); {} 1; }})", "else if (1);".repeat(20_000))),
        array(&format!("({}1{})", "- (".repeat(28), ")".repeat(28))),
        array(&format!("{}sizeof(int[{}sizeof(int[1])])", "- ".repeat(120), "~ ".repeat(120))),
        array(&format!("{}{}1{}", "- ".repeat(180), "(".repeat(30), ")".repeat(30))),
        array(&format!("{}1{}", "1 ? ".repeat(60), " : 1".repeat(60))),
        array(&format!("{}1", "1 ? 1 : ".repeat(62))),
        array(&format!("{}1", "(int) ".repeat(80))),
        array(&format!("{}a", "sizeof ".repeat(240))),
        format!("struct s {{ int {}a; }};", "* const ".repeat(120)),
        format!("struct s {{ int {}a{}; }};", "(*".repeat(30), ")(int)".repeat(30)),
    ];
    let mut accepted = 0;
    for source in inputs {
        let compute = move || Layout::from_c(&source, None, &DataModel::LP64).map(|layout| layout.size());
        let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(compute).unwrap();
        match thread.join().unwrap() {
            Ok(_) => accepted += 1,
            Err(error) => {
                let error = error.to_string();
                assert!(["more than", "unexpected", "integer"].iter().any(|part| error.contains(part)), "{error}");
            }
        }
    }
    // The other seven sources are refused.
    assert_eq!(accepted, 7);
}

#[test]
fn a_conditional_has_the_common_type_of_its_branches() {
    assert_sizes(&[
        ("struct s { int a[(1 ? -1 : 0u) > 0 ? 5 : 6]; };", 20),
        ("struct s { char a[(0 ? 0ull : -1) > 0 ? 5 : 6]; };", 5),
        ("struct s { char a[(1 ? -1 : 0u / 0) > 0 ? 5 : 6]; };", 5),
        ("struct s { char a[(1 ? -1 : 1u << 99) > 0 ? 5 : 6]; };", 5),
        ("struct s { char a[1 ? 2 : 1 / 0]; };", 2),
        ("struct s { char a[1 ? 2 : 1 ? 0x7fffffff + 1 : 1 % 0]; };", 2),
        ("struct s { char a[1 ? 2 : sizeof(enum { A = 5 })], b[A]; };", 7),
    ]);
    assert!(size_of("struct s { char a[0 ? 2 : 1 / 0]; };").unwrap_err().contains("a division by 0"));
    assert!(size_of("struct s { char a[1 ? 2 : sizeof(int[1 / 0])]; };").is_err());
}

#[test]
fn constants_have_the_types_of_a_compiler() {
    assert_sizes(&[
        ("enum { C = 0xffffffffu, D = -1 }; struct s { char a[C + 1 > 0 ? 5 : 6]; };", 5),
        ("enum { C = 0xffffffffu, D = C + 1 > 0 ? 5 : 6 }; struct s { char a[D]; };", 6),
        ("enum { C = 0xffffffffffull, D = 1 }; struct s { char a[D - 2 < 0 ? 5 : 6], b[0 - C > 0 ? 1 : 2]; };", 6),
    ]);
    assert!(size_of("struct s { char a[(char)-1 < 0 ? 5 : 6]; };").unwrap_err().contains("the sign of a `char`"));
}

#[test]
fn a_typedef_before_the_braces_has_the_members() {
    assert_sizes(&[
        ("typedef struct s S; struct s { int a; char b; }; struct t { S x; };", 8),
        ("typedef const union u U; typedef U V; union u { int a; short b; }; struct t { V x[3]; };", 12),
        ("typedef enum e E; enum e { A }; struct s { E x; };", 4),
        ("typedef struct s S __attribute__((aligned(16))); struct s { int a; }; struct t { char c; S x; };", 32),
        ("typedef struct s S __attribute__((aligned(1))); struct s { int a; }; struct t { char c; S x; };", 8),
    ]);
    let source = "typedef struct tick tick; struct tick { int a; };";
    for name in ["tick", "struct tick"] {
        assert_eq!(Layout::from_c(source, Some(name), &DataModel::LP64).unwrap().size(), 4);
    }
    let error = size_of("typedef struct s S; struct s { int a; S x; };").unwrap_err();
    assert!(error.contains("the size of `struct s` is not known"), "{error}");
}

#[test]
fn rare_forms_of_directives_are_not_ignored() {
    assert_sizes(&[
        ("#if 1\n#elifdef A\n#pragma pack(1)\n#endif\nstruct s { char a; int b; };", 8),
        ("#undef N\n#define N 4\n#ifndef N\n#define N 4\n#pragma pack(1)\n#endif\nstruct s { char a; int b; };", 8),
    ]);
    for (source, message) in [
        ("#if 0\n#elifndef A\n#pragma pack(1)\n#endif\nstruct s { char a; int b; };", "`#pragma` in an `#if`"),
        ("#if 0\n%:endif\n#pragma pack(1)\n#if 0\n%:endif\n#endif\nstruct s { char a; int b; };", "`%:`"),
        ("#define push\n#pragma pack(push, 1)\nstruct s { char a; int b; };", "the macro `push`"),
        (
            "#pragma clang attribute push(__attribute__((packed)), apply_to = record)\nstruct s { int a; };",
            "unknown `#pragma clang attribute",
        ),
    ] {
        let error = size_of(source).unwrap_err();
        assert!(error.contains(message), "{source}: {error}");
    }
}
