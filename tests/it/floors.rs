//! The house rules of the design, most of them absences.

use std::fs;
use std::path::{Path, PathBuf};

fn sources() -> Vec<(String, String)> {
    fn collect(dir: &Path, out: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, out);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                out.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    collect(&root, &mut paths);
    assert!(paths.len() > 20, "the sources were not found");
    let named = |path: PathBuf| {
        let name = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
        // What is said in comments is not done.
        let text = fs::read_to_string(&path).unwrap();
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        (name, code)
    };
    paths.into_iter().map(named).collect()
}

/// Files whose code has `word` although their name starts with none of `rooms`.
fn outside(word: &str, rooms: &[&str]) -> Vec<String> {
    sources()
        .into_iter()
        .filter(|(name, code)| code.contains(word) && !rooms.iter().any(|room| name.starts_with(room)))
        .map(|(name, _)| name)
        .collect()
}

fn nowhere(found: Vec<String>) {
    assert!(found.is_empty(), "{found:?}");
}

/// Lower floors never import higher ones.
#[test]
fn floors_import_downwards_only() {
    let lowest = &[
        "format",
        "abi",
        "layout",
        "readers",
        "view",
        "decode",
        "mem",
        "interop",
        "diagnostic",
        "extent",
        "endian",
        "span",
    ];
    let floors: &[(&str, &[&str])] = &[
        ("fresh.rs", lowest),
        ("pages.rs", lowest),
        ("stream.rs", lowest),
        (
            "span.rs",
            &[
                "format",
                "abi",
                "layout",
                "readers",
                "view",
                "decode",
                "mem",
                "interop",
                "diagnostic",
                "extent",
                "endian",
            ],
        ),
        (
            "endian.rs",
            &["format", "abi", "layout", "readers", "view", "decode", "mem", "interop", "diagnostic", "extent", "span"],
        ),
        (
            "extent.rs",
            &["format", "abi", "layout", "readers", "view", "decode", "mem", "interop", "diagnostic", "endian", "span"],
        ),
        ("diagnostic.rs", &["format", "abi", "layout", "readers", "view", "decode", "mem", "interop"]),
        ("format/", &["abi", "layout", "readers", "view", "decode", "mem", "interop"]),
        ("abi/", &["format", "layout", "readers", "view", "decode", "mem", "interop"]),
        ("layout/", &["readers", "view", "decode", "mem", "interop"]),
        ("readers/", &["view", "decode", "mem", "interop"]),
        ("view/", &["readers", "decode", "mem", "interop"]),
        ("decode/", &["readers", "mem", "interop"]),
        ("mem.rs", &["readers", "interop"]),
    ];
    for (name, code) in sources() {
        for (floor, higher) in floors {
            if name.starts_with(floor) {
                for word in *higher {
                    assert!(!code.contains(&format!("crate::{word}")), "{name} imports crate::{word}");
                }
            }
        }
    }
}

/// 1. `format` knows no sizes, alignments or host.
#[test]
fn format_knows_no_machine() {
    for (name, code) in sources().into_iter().filter(|(name, _)| name.starts_with("format/")) {
        for word in ["DataModel", "Align", "Endian", "cfg(target", "cfg!(", "size_of"] {
            assert!(!code.contains(word), "{name} mentions {word}");
        }
    }
}

/// 2. Only `abi` asks for the machine that the crate is compiled for; `endian.rs` gives its byte order.
///
/// Two files ask it for a favour that changes no value.
#[test]
fn only_abi_knows_the_host() {
    nowhere(outside("cfg!(target", &["abi/", "endian.rs"]));
    nowhere(outside("cfg(target", &["abi/", "endian.rs", "stream.rs"]));
    nowhere(outside("target_os", &["abi/", "pages.rs"]));
    nowhere(outside("cfg(windows", &["abi/"]));
}

/// 3. No `unsafe` on these floors.
#[test]
fn unsafe_has_its_rooms() {
    // It writes Rust and does none of it.
    let rust = "layout/source/rust.rs";
    let rooms = [
        "fresh.rs",
        "mem.rs",
        "pages.rs",
        "stream.rs",
        "py/acquire.rs",
        "py/export.rs",
        "py/exporter.rs",
        "py/fastcall.rs",
        "py/sequences.rs",
        "py/view/class.rs",
        rust,
    ];
    nowhere(outside("unsafe", &rooms));
    nowhere(outside("*const", &["mem.rs", "py/", "abi/model.rs"]));
    nowhere(outside("*mut", &["fresh.rs", "mem.rs", "stream.rs", "py/", rust]));
}

/// 4. Each library in its room.
#[test]
fn libraries_have_their_rooms() {
    nowhere(outside("nom::", &["format/parse.rs"]));
    // Features may name it: what only the package needs is behind one.
    nowhere(outside("pyo3::", &["py/"]));
    nowhere(outside("clap::", &["cli/"]));
    nowhere(outside("annotate_snippets", &["diagnostic.rs"]));
    nowhere(outside("target_lexicon", &["abi/triple.rs"]));
    nowhere(outside("rustix", &["pages.rs"]));
    // The bytes of a Python buffer are lent to Arrow where such buffers are.
    nowhere(outside("arrow_array::", &["interop/arrow/", "cli/arrow.rs"]));
    nowhere(outside("arrow_schema::", &["interop/arrow/", "cli/arrow.rs"]));
    nowhere(outside("arrow_data::", &["interop/arrow/", "cli/arrow.rs"]));
    nowhere(outside("arrow_buffer::", &["interop/arrow/", "cli/arrow.rs", "py/acquire.rs"]));
    nowhere(outside("ndarray::", &["interop/array.rs"]));
}

/// A floor's `mod.rs` holds its docs, its modules and what it shows; nothing else.
#[test]
fn mod_files_hold_nothing_but_the_map() {
    for (name, code) in sources().into_iter().filter(|(name, _)| name.ends_with("/mod.rs") && !name.starts_with("cli/"))
    {
        for word in ["fn ", "struct ", "enum ", "impl ", "trait "] {
            assert!(!code.lines().any(|line| line.trim_start().starts_with(word)), "{name} has `{word}`");
        }
        assert!(!code.contains("::*"), "{name} hides what it shows behind a glob");
    }
}

/// A file is one noun, found and not scrolled.
#[test]
fn files_are_short() {
    for (name, _) in sources() {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(&name)).unwrap();
        let lines = text.lines().count();
        assert!(lines <= 600, "{name} has {lines} lines");
    }
}
