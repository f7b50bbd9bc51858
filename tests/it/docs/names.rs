//! Tests of names in the documentation: the tests in `deviations.md` and the paths in all documents exist, `safety.md`
//! names every module with `unsafe` code, and the figures in rustdoc equal the files.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::{path, read};

/// Returns the path of every file below the directory `dir`, relative to the root of the repository. Panics if there is
/// no file.
pub(super) fn files(dir: &str) -> Vec<String> {
    fn collect(root: &Path, dir: &Path, out: &mut Vec<String>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(root, &path, out);
            } else {
                out.push(path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/"));
            }
        }
    }
    let mut out = Vec::new();
    collect(&path(""), &path(dir), &mut out);
    assert!(!out.is_empty(), "{dir} is empty");
    out
}

/// Returns every Rust and Python test below `tests` as `file::function` without the extension, and as
/// `folder::function` for each folder of the path.
fn tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in files("tests").iter().filter(|file| file.ends_with(".rs") || file.ends_with(".py")) {
        let folders: Vec<&str> = file.trim_end_matches(".rs").trim_end_matches(".py").split('/').collect();
        let text = read(file);
        let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
        for (place, line) in lines.iter().enumerate() {
            // The attributes of a function are in the lines above its name.
            let above = lines[..place].iter().rev().take_while(|line| line.starts_with("#["));
            let rust = line.strip_prefix("fn ").filter(|_| above.into_iter().any(|line| line.starts_with("#[test]")));
            let python = line.strip_prefix("def ").filter(|name| name.starts_with("test_"));
            let Some(name) = rust.or(python).and_then(|rest| rest.split('(').next()) else { continue };
            names.extend(folders.iter().map(|folder| format!("{folder}::{name}")));
        }
    }
    names
}

/// Returns the texts in backticks in `text`.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn the_last_cell_of_each_deviation_names_existing_tests() {
    let tests = tests();
    let mut rows = 0;
    for line in read("docs/deviations.md").lines().filter(|line| line.starts_with("| ")) {
        let Some((_, last)) = line.trim_end_matches(['|', ' ']).rsplit_once(" | ") else { panic!("{line}") };
        if last == "test" {
            continue;
        }
        let named: Vec<&str> = quoted(last).collect();
        assert!(!named.is_empty(), "no test is named: {line}");
        for name in named {
            assert!(tests.contains(name), "there is no test `{name}`: {line}");
        }
        rows += 1;
    }
    assert!(rows > 20, "only {rows} deviations");
}

/// The documents in which [`paths_in_documents_exist`] checks the paths.
const TEXTS: [&str; 13] = [
    "README.md",
    "SECURITY.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "tests/bench/README.md",
    "tests/corpus/README.md",
    "docs/grammar.md",
    "docs/dialects.md",
    "docs/padding.md",
    "docs/rules.md",
    "docs/safety.md",
    "docs/deviations.md",
    "docs/command.md",
];

/// The paths are texts in backticks that start with a folder of the repository, and targets of links. A path may be
/// relative to the root of the repository or to the document. URLs and patterns with `*` or `<` are not checked.
#[test]
fn paths_in_documents_exist() {
    let roots = ["src/", "tests/", "snapshots/", "fuzz/", "crates/", "docs/", ".ci/"];
    let mut found = 0;
    for text in TEXTS {
        let page = read(text);
        let here = Path::new(text).parent().unwrap();
        let named = quoted(&page).filter(|word| roots.iter().any(|root| word.starts_with(root)));
        let linked = page.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let defined = page.lines().filter(|line| line.starts_with('[')).filter_map(|line| line.split_once("]: "));
        let linked: Vec<_> = linked.chain(defined.map(|(_, target)| target)).collect();
        let linked =
            linked.into_iter().filter(|link| !link.contains("::") && !link.contains(':') && !link.starts_with('#'));
        let linked = linked.map(|link| here.join(link.split('#').next().unwrap()));
        for name in named.filter(|word| !word.contains(['*', '<', ' '])).map(Into::into).chain(linked) {
            let found_it = path("").join(&name).exists() || path("").join(here).join(&name).exists();
            assert!(found_it, "{text} names {}", name.display());
            found += 1;
        }
    }
    assert!(found > 60, "only {found} paths");
}

#[test]
fn safety_md_lists_every_module_with_unsafe_code() {
    let page = read("docs/safety.md");
    for file in files("src").iter().chain(&files("crates")).filter(|file| file.ends_with(".rs")) {
        let text = read(file);
        let code = text.lines().map(str::trim_start).filter(|line| !line.starts_with("//"));
        if code
            .into_iter()
            .any(|line| ["unsafe fn ", "unsafe {", "unsafe impl "].iter().any(|word| line.contains(word)))
        {
            assert!(page.contains(&format!("`{file}`")), "docs/safety.md does not list {file}");
        }
    }
}

#[test]
fn figures_in_rustdoc_are_those_of_the_files() {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let base64 = |bytes: &[u8]| {
        let mut out = String::new();
        for three in bytes.chunks(3) {
            let number =
                three.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
            for place in 0..4 {
                let letter = LETTERS[(number >> (18 - 6 * place)) as usize & 63];
                out.push(if place <= three.len() { char::from(letter) } else { '=' });
            }
        }
        out
    };
    let (page, inline) = (read("docs/grammar.md"), read("docs/figures/inline.md"));
    let figures: Vec<String> = files("docs/figures").into_iter().filter(|file| file.ends_with(".svg")).collect();
    assert_eq!(figures.len(), inline.lines().count());
    for file in figures {
        let name = Path::new(&file).file_stem().unwrap().to_str().unwrap();
        let data = base64(read(&file).as_bytes());
        assert!(
            inline.contains(&format!("[{name}-figure]: data:image/svg+xml;base64,{data}\n")),
            "{file}: run draw.py"
        );
        assert!(page.contains(&format!("][{name}-figure]")), "{file} is not shown");
        assert!(page.contains(&format!("[{name}-figure]: figures/{name}.svg")), "{file} is not linked");
    }
}
