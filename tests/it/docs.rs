//! The book and the corpus say what the code does: what can be worked out is written by these tests, what names a
//! test or a file names one that is there.
//!
//! A page that is behind the code fails here; `INSTA_UPDATE=always cargo test --all-features --test it docs`
//! writes it again, as it does with the snapshots.

use std::fs;
use std::path::PathBuf;

mod codes;
mod dialects;
mod interpretations;
mod names;
mod paddings;
mod rules;
mod schema;
mod scores;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Holds a file to what the code makes of it, or writes it where snapshots are written.
fn keep(name: &str, expected: &str) {
    if std::env::var("INSTA_UPDATE").is_ok_and(|mode| mode == "always") {
        fs::write(path(name), expected).unwrap();
        return;
    }
    let there = read(name);
    let line = there.lines().zip(expected.lines()).position(|(there, expected)| there != expected);
    let line = line.unwrap_or(there.lines().count().min(expected.lines().count()));
    assert!(
        there == expected,
        "{name} is behind the code from line {} on:\n  {}\nshould be\n  {}\nINSTA_UPDATE=always writes it again",
        line + 1,
        there.lines().nth(line).unwrap_or("(the end)"),
        expected.lines().nth(line).unwrap_or("(the end)"),
    );
}

/// A page with `body` between its two comments of that name.
fn filled(page: &str, name: &str, body: &str) -> String {
    let (begin, end) = (format!("<!-- begin: {name} -->\n"), format!("<!-- end: {name} -->"));
    let (before, rest) = page.split_once(&begin).unwrap_or_else(|| panic!("no {begin}"));
    let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("no {end}"));
    format!("{before}{begin}\n{body}\n{end}{after}")
}
