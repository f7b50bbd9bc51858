//! Properties of `Layout::from_c`: for every text the result is a layout or an error with a position in the text.

use arbitrary::{Result, Unstructured};
use pep3118::{DataModel, Layout};

use super::drawing::assert_plain;
use super::stays_inside;

/// Pieces of C source. A random sequence of the pieces is often a valid declaration.
const PIECES: &[&str] = &[
    "struct s { int a; };",
    "struct t { char b; double c; } ;",
    "union { int i; float f; } u;",
    "struct { short h:3; int :0; };",
    "typedef unsigned long word;",
    "typedef struct { word w[2]; } pair;",
    "enum e { A, B = 3, C };",
    "#define N 4\n",
    "#undef N\n",
    "#if N > 2\n",
    "#ifdef N\n",
    "#else\n",
    "#elif 1\n",
    "#endif\n",
    "#pragma pack(push, 1)\n",
    "#pragma pack(pop)\n",
    "#include <stdint.h>\n",
    "struct",
    "union",
    "enum",
    "typedef",
    "int",
    "unsigned",
    "long",
    "char",
    "double",
    "uint32_t",
    "size_t",
    "wchar_t",
    "_Bool",
    "void",
    "float _Complex",
    "long double",
    "s",
    "t",
    "a",
    "b",
    "x",
    "N",
    "{",
    "}",
    ";",
    "{",
    "}",
    ";",
    ";",
    ",",
    ":",
    "(",
    ")",
    "[",
    "]",
    "[3]",
    "[N]",
    "*",
    "=",
    "+",
    "-",
    "<<",
    "?",
    "&&",
    "!",
    "sizeof(int)",
    "0",
    "1",
    "7",
    "31",
    "0x7fffffff",
    "18446744073709551615ULL",
    "'a'",
    "\"text\"",
    "/*",
    "*/",
    "//",
    "\n",
    " ",
    "\\\n",
    "_Alignas(16)",
    "__attribute__((packed))",
    "__attribute__((aligned(8)))",
    "const",
    "static",
    "inline",
    "extern",
    "_Static_assert(sizeof(int) == 4, \"\");",
    "#",
    "##",
    "%",
    "\u{e9}",
    "\u{202e}",
    "\0",
];

/// Generates C source of random pieces.
pub fn source(bytes: &mut Unstructured<'_>) -> Result<String> {
    let mut source = String::new();
    for _ in 0..bytes.int_in_range(1..=30)? {
        source.push_str(bytes.choose(PIECES)?);
        if bytes.arbitrary()? {
            source.push(' ');
        }
    }
    Ok(source)
}

/// Asserts for several data models that `source` has a layout or an error. The fields of a layout must be inside of
/// their records, and the C source of the layout must have the same size and offsets. The text of an error must contain
/// no control character.
pub fn from_c(source: &str) {
    for model in [DataModel::LP64, DataModel::LLP64, DataModel::I386] {
        match Layout::from_c(source, None, &model) {
            Ok(layout) => {
                stays_inside(&layout);
                assert_c_source_is_equal(&layout, &model);
            }
            Err(error) => {
                assert!(!error.to_string().contains('\n'), "{error}");
                assert_plain(&error.to_string(), usize::MAX);
                assert_plain(&format!("{error:#}"), usize::MAX);
                assert!(error.line() <= source.split('\n').count(), "{source:?}: {error}");
            }
        }
    }
}

/// Converts `layout` to C source and back. Asserts that the result has the same size, and that each of its members starts
/// where a member of `layout` starts. C has no type for some members, so the members can have other types.
pub fn assert_c_source_is_equal(layout: &Layout, model: &DataModel) {
    let Ok(source) = layout.to_c("item_of_the_test") else { return };
    let again = match Layout::from_c(&source, Some("item_of_the_test"), model) {
        Ok(again) => again,
        // `from_c` refuses attributes and bit-fields for which the compilers of Windows disagree.
        Err(error) if error.to_string().contains("the compilers of Windows") => return,
        Err(error) => panic!("{error:#}\n{source}"),
    };
    assert_eq!(again.size(), layout.size(), "{source}");
    let starts: Vec<u64> = layout.leaves().map(|(offset, _)| offset).collect();
    for (offset, leaf) in again.leaves().filter(|(_, leaf)| leaf.total_size() > 0 && leaf.bit_field().is_none()) {
        assert!(starts.contains(&offset), "{leaf:?} at byte {offset}\n{source}\n{layout:?}");
    }
}
