//! Tests of design rules that neither Cargo nor the compiler enforces: the order of the modules, and the files that may
//! depend on the target, contain `unsafe` or raw pointers, or use a certain library.

use std::fs;
use std::path::{Path, PathBuf};

/// Returns the path and the code of each Rust file in the `src` folders of the library and of the workspace members.
/// The path is relative to the root of the repository. The code has no lines that consist of a comment.
fn sources() -> Vec<(String, String)> {
    fn collect(folder: &Path, out: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, out);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                out.push(path);
            }
        }
    }
    let root = Path::new(crate::ROOT);
    let mut paths = Vec::new();
    collect(&root.join("src"), &mut paths);
    assert!(paths.len() > 20, "the sources were not found");
    // The published crate has no `crates`.
    if root.join("crates").exists() {
        for member in fs::read_dir(root.join("crates")).unwrap() {
            collect(&member.unwrap().path().join("src"), &mut paths);
        }
    }
    let named = |path: PathBuf| {
        let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(&path).unwrap();
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        (name, code)
    };
    paths.into_iter().map(named).collect()
}

/// Asserts that the text `word` occurs in the code of [`sources`] only in files whose path starts with a text in
/// `allowed`.
fn only_in(word: &str, allowed: &[&str]) {
    let found: Vec<String> = sources()
        .into_iter()
        .filter(|(name, code)| code.contains(word) && !allowed.iter().any(|path| name.starts_with(path)))
        .map(|(name, _)| name)
        .collect();
    assert!(found.is_empty(), "{word} is in {found:?}");
}

/// No module of the library imports a module of a higher level in `ORDER`. Modules of the same level may import each
/// other.
#[test]
fn modules_import_lower_modules_only() {
    /// The modules of the library in levels, lowest level first.
    const ORDER: &[&[&str]] = &[
        &["named", "span", "align", "endian", "text"],
        &["diagnostic", "huge_pages", "nontemporal", "spare_capacity"],
        &["strided"],
        &["format", "abi"],
        &["layout"],
        &["view"],
        &["decode"],
        &["foreign"],
        &["interop"],
        &["arbitrary"],
        &["py"],
    ];
    let mut checked = 0;
    for (name, code) in sources() {
        let Some(path) = name.strip_prefix("src/") else { continue };
        let Some(level) = ORDER.iter().position(|level| {
            level.iter().any(|module| path.starts_with(&format!("{module}/")) || path == format!("{module}.rs"))
        }) else {
            continue;
        };
        checked += 1;
        for higher in ORDER[level + 1..].iter().copied().flatten() {
            assert!(!code.contains(&format!("crate::{higher}::")), "{name} imports crate::{higher}");
        }
    }
    assert!(checked > 50, "{checked}");
}

#[test]
fn format_knows_no_sizes_and_no_host() {
    for (name, code) in sources().into_iter().filter(|(name, _)| name.starts_with("src/format/")) {
        for word in ["DataModel", "Align", "Endian", "cfg(target", "cfg!(", "size_of"] {
            assert!(!code.contains(word), "{name} mentions {word}");
        }
    }
}

/// Only `abi` derives sizes from the target, and only `endian` derives the byte order from the target. Three other
/// files select faster instructions, larger pages or files without a name for the target. This selection does not
/// change a value.
#[test]
fn only_abi_depends_on_the_target() {
    only_in("cfg!(target", &["src/abi/", "src/endian.rs"]);
    // Files without a name exist on Linux only.
    let output = "crates/cli/src/output.rs";
    only_in("cfg(target", &["src/abi/", "src/endian.rs", "src/nontemporal.rs", output]);
    only_in("target_os", &["src/abi/", "src/huge_pages.rs", output]);
    only_in("cfg(windows", &["src/abi/"]);
}

/// `docs/safety.md` describes each of these modules. The test also limits `*const` and `*mut` to certain files.
#[test]
fn unsafe_code_is_in_the_listed_modules() {
    // These files write Rust and Go source with the word `unsafe` and contain no unsafe code.
    let codegen = "src/layout/codegen/rust.rs";
    let go = "src/layout/codegen/source.rs";
    only_in(
        "unsafe",
        &[
            "src/foreign.rs",
            "src/huge_pages.rs",
            "src/interop/arrow/c_data.rs",
            "src/nontemporal.rs",
            "src/py/acquire.rs",
            "src/py/buffer_exporter.rs",
            "src/py/exported.rs",
            "src/py/dlpack.rs",
            "src/py/fallible.rs",
            "src/spare_capacity.rs",
            "src/strided.rs",
            "crates/python/src/audit.rs",
            "crates/python/src/borrowed_bytes.rs",
            "crates/python/src/values/scalar.rs",
            "crates/python/src/exporter.rs",
            "crates/python/src/fastcall.rs",
            "crates/python/src/objects.rs",
            "crates/python/src/tuple_builder.rs",
            "crates/python/src/view/array_interface.rs",
            "crates/python/src/view/arrow.rs",
            "crates/python/src/view/class.rs",
            "crates/python/src/view/dlpack.rs",
            "crates/python/src/view/indexing.rs",
            "crates/python/src/view/iterator.rs",
            "crates/python/src/view/part.rs",
            codegen,
            go,
        ],
    );
    only_in("*const", &["src/foreign.rs", "src/strided.rs", "src/py/", "src/abi/model.rs", "crates/python/"]);
    let pointers = [
        "src/spare_capacity.rs",
        "src/foreign.rs",
        "src/interop/arrow/c_data.rs",
        "src/nontemporal.rs",
        "src/strided.rs",
        "src/py/",
        "crates/python/",
    ];
    only_in("*mut", &[&pointers[..], &[codegen]].concat());
}

/// PyO3 panics if the interpreter has no memory for a `str`, a tuple or a list that PyO3 creates from a Rust value. The
/// functions of `src/py/fallible.rs` return `MemoryError`.
#[test]
fn names_arguments_and_messages_are_created_by_fallible() {
    const PANICKING: &[&str] = &[
        "intern!(",
        ".getattr(\"",
        ".getattr_opt(\"",
        ".hasattr(\"",
        ".setattr(\"",
        ".set_item(\"",
        ".call_method0(\"",
        ".call_method1(\"",
        ".call_method(\"",
        ".import(\"",
        ".import(py,\"",
        ".call1((",
        ".call((",
        "Error::new_err)",
        "PyDict::new(",
        "PyList::empty(",
        "PyString::intern(",
    ];
    for (name, code) in sources() {
        let is_fallible = name == "src/py/fallible.rs";
        if is_fallible || !(name.starts_with("src/py/") || name.starts_with("crates/python/src/")) {
            continue;
        }
        let code: String = code.split_whitespace().collect();
        for word in PANICKING {
            assert!(!code.contains(word), "{name} contains {word}");
        }
        for call in code.split(".call_method1(").skip(1) {
            // The name of the method ends with `"),`, and the arguments follow.
            let arguments = call.split_once("\"),").map_or("", |(_, arguments)| arguments);
            assert!(!arguments.starts_with('('), "{name} calls a method with a tuple of Rust: {}", abridged(call));
        }
        for message in code.split("Error::new_err(").skip(1) {
            assert!(message.starts_with("())"), "{name} creates an exception with a message: {}", abridged(message));
        }
    }
}

/// Returns the first 60 characters of `code`.
fn abridged(code: &str) -> String {
    code.chars().take(60).collect()
}

/// Each of these dependencies is used in few modules, so that it can be replaced.
#[test]
fn each_library_is_used_by_its_module() {
    only_in("nom::", &["src/format/parse.rs"]);
    only_in("pyo3::", &["src/py/", "crates/python/"]);
    only_in("annotate_snippets", &["src/diagnostic/"]);
    only_in("target_lexicon", &["src/abi/triple.rs"]);
    only_in("lang_c::", &["src/layout/from_c/"]);
    only_in("rustix", &["src/huge_pages.rs", "crates/cli/src/output.rs"]);
    for library in ["arrow_array::", "arrow_schema::", "arrow_data::", "arrow_buffer::"] {
        only_in(library, &["src/interop/arrow/", "crates/cli/src/arrow", "crates/python/src/view/arrow.rs"]);
    }
    only_in("ndarray::", &["src/interop/array.rs"]);
}
