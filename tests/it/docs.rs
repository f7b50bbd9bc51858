//! Tests that the documentation and the corpus agree with the code: generated tables, and names of tests and files.
//!
//! `INSTA_UPDATE=always cargo test --all-features --test it docs` updates the tables.

use std::fs;
use std::path::PathBuf;

mod codes;
mod dialects;
mod interpretations;
mod names;
mod paddings;
mod public_api;
mod rules;
pub(crate) mod schema;
mod scores;

/// Returns the path of the file `name`, which is relative to the root of the repository.
fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Returns the text of the file `name`, which is relative to the root of the repository.
pub(crate) fn read(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Asserts that the file `name` has the text `expected`. If the environment variable `INSTA_UPDATE` is `always`,
/// writes `expected` to the file instead.
fn assert_or_update(name: &str, expected: &str) {
    if std::env::var("INSTA_UPDATE").is_ok_and(|mode| mode == "always") {
        fs::write(path(name), expected).unwrap();
        return;
    }
    let current = read(name);
    let line = current.lines().zip(expected.lines()).position(|(current, expected)| current != expected);
    let line = line.unwrap_or(current.lines().count().min(expected.lines().count()));
    assert!(
        current == expected,
        "{name} differs from the code at line {}:\n  {}\nexpected:\n  {}\nINSTA_UPDATE=always updates the file",
        line + 1,
        current.lines().nth(line).unwrap_or("(the end)"),
        expected.lines().nth(line).unwrap_or("(the end)"),
    );
}

/// Returns the text `page` with `body` between the comments `<!-- begin: name -->` and `<!-- end: name -->`. Panics
/// if the comments are missing.
fn with_section(page: &str, name: &str, body: &str) -> String {
    let (begin, end) = (format!("<!-- begin: {name} -->\n"), format!("<!-- end: {name} -->"));
    let (before, rest) = page.split_once(&begin).unwrap_or_else(|| panic!("no {begin}"));
    let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("no {end}"));
    format!("{before}{begin}\n{body}\n{end}{after}")
}
