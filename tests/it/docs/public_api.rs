//! Tests that list the public functions, types and macros of the library, and count those with an example.
//!
//! `rustc` warns about a `pub` item that no other crate can reach, so every item with `pub` is public if its module or a
//! `pub use` shows it. Fields, variants and implementations of traits are not listed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{names::files, read};
use crate::snapshot;

/// A public function, type or macro.
struct Item {
    /// The file below `src`.
    file: String,
    /// The type that the function belongs to.
    owner: Option<String>,
    name: String,
    /// The declaration without its body.
    signature: String,
    /// The documentation.
    docs: String,
}

/// Returns the words of all `pub use` in `sources`, pairs of a path and a text. The words are the public names and the
/// modules in their paths. `#[doc(hidden)]` and the module `__private` hide names.
fn shown_names(sources: &[(String, String)]) -> BTreeSet<String> {
    let mut shown = BTreeSet::new();
    for (_, text) in sources {
        let text = text.split("pub mod __private").next().unwrap_or_default();
        let mut before = "";
        for statement in text.split_inclusive(';') {
            let (start, list) = match statement.rsplit_once("pub use ") {
                Some((start, list)) => (start, list),
                None => ("", ""),
            };
            let own = start.rsplit(['}', ';']).next().unwrap_or_default();
            if !own.contains("doc(hidden)") && !before.contains("pub mod __private") {
                shown.extend(list.split(|c: char| !c.is_alphanumeric() && c != '_').map(String::from));
            }
            before = statement;
        }
    }
    shown
}

/// Returns the name of the item that the line `line` declares, and whether the item is a type. Returns `None` if the
/// line declares no `pub` function or type and no macro. A macro counts only if `is_macro` is `true`, which means that
/// the macro is exported.
fn declared(line: &str, is_macro: bool) -> Option<(&str, bool)> {
    if let Some(rest) = line.strip_prefix("macro_rules! ") {
        return is_macro.then(|| (rest.trim_end_matches(" {"), false));
    }
    let mut rest = line.strip_prefix("pub ")?;
    while let Some(tail) = ["const ", "unsafe ", "async "].iter().find_map(|word| rest.strip_prefix(word)) {
        rest = tail;
    }
    let (kind, name) = rest.split_once(' ')?;
    let name = name.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
    let is_type = ["struct", "enum", "trait", "type", "union"].contains(&kind);
    (is_type || kind == "fn").then_some((name, is_type))
}

/// Appends the `pub` items of the file `file` with the text `text` to `items`, except for hidden items. Inserts the
/// documentation of every `pub` type of the file into `types`, by its name. Ignores the unit tests of the file.
fn scan(file: &str, text: &str, items: &mut Vec<Item>, types: &mut BTreeMap<String, String>) {
    let (mut docs, mut hidden, mut exported, mut attribute) = (String::new(), false, false, false);
    let mut owner: Option<String> = None;
    let lines: Vec<&str> = text.lines().take_while(|line| line.trim() != "mod tests {").collect();
    for (index, line) in lines.iter().enumerate() {
        let trimmed = line.trim();
        if attribute {
            attribute = !trimmed.ends_with(")]");
            continue;
        }
        if let Some(comment) = trimmed.strip_prefix("///") {
            docs.push_str(comment.trim_start());
            docs.push('\n');
            continue;
        }
        if trimmed.starts_with("#[") {
            if let Some((_, doc)) = trimmed.split_once("doc = \"") {
                docs.push_str(doc.trim_end_matches("\")]"));
                docs.push('\n');
            }
            hidden |= trimmed.contains("doc(hidden)");
            exported |= trimmed.contains("macro_export");
            attribute = !trimmed.ends_with(']');
            continue;
        }
        if line.starts_with("impl") || line.starts_with("unsafe impl") {
            let header = line.split(" where").next().unwrap_or_default();
            let target = header.rsplit(" for ").next().unwrap_or_default();
            // The parameters of the implementation are in the first angle brackets, directly after `impl`.
            let target = match target.strip_prefix("impl<") {
                Some(rest) => rest.split_once("> ").map_or("", |(_, target)| target),
                None => target.trim_start_matches("impl "),
            };
            let target = target.split(['<', ' ', '{']).next().unwrap_or_default();
            owner = Some(target.rsplit("::").next().unwrap_or_default().to_owned());
        }
        if line.starts_with('}') {
            owner = None;
        }
        if let Some((name, is_type)) = declared(trimmed, exported) {
            if is_type {
                types.insert(name.to_owned(), docs.clone());
            }
            if !hidden {
                let mut signature = String::new();
                for line in &lines[index..] {
                    let line = line.trim();
                    if line.starts_with("#[") || line.starts_with("//") {
                        continue;
                    }
                    signature.push_str(line);
                    if line.ends_with(['{', ';', '}']) {
                        break;
                    }
                    signature.push(' ');
                }
                let signature = signature.split(" {").next().unwrap_or_default().trim_end_matches(';').to_owned();
                let owner = owner.clone().filter(|_| line.starts_with(' '));
                let docs = docs.clone();
                items.push(Item { file: file.to_owned(), owner, name: name.to_owned(), signature, docs });
            }
        }
        docs.clear();
        (hidden, exported) = (false, false);
    }
}

/// Returns whether the documentation `docs` calls the function `name`.
fn calls(docs: &str, name: &str) -> bool {
    docs.contains(&format!(".{name}(")) || docs.contains(&format!("::{name}(")) || docs.contains(&format!(".{name}::<"))
}

#[test]
fn public_items_are_those_of_the_snapshot() {
    let sources: Vec<(String, String)> =
        files("src").into_iter().filter(|file| file.ends_with(".rs")).map(|file| (file.clone(), read(&file))).collect();
    let (mut items, mut types) = (Vec::new(), BTreeMap::new());
    for (file, text) in &sources {
        scan(file.trim_start_matches("src/"), text, &mut items, &mut types);
    }
    let shown = shown_names(&sources);
    let is_public = |item: &Item| {
        // Only the other crates of this repository use these types. `layout` hides them.
        if item.file == "layout/codegen/declarations.rs" {
            return false;
        }
        let in_public_module = ["arbitrary/mod.rs", "documentation.rs"].contains(&item.file.as_str());
        in_public_module || item.signature.starts_with("macro_rules") || {
            shown.contains(item.owner.as_ref().unwrap_or(&item.name))
        }
    };
    items.retain(is_public);
    items.sort_by(|a, b| (&a.file, &a.owner, &a.name).cmp(&(&b.file, &b.owner, &b.name)));

    let (mut page, mut examples) = (String::new(), 0);
    for item in &items {
        // The example of a type can call its methods.
        let of_type = item.owner.as_ref().and_then(|owner| types.get(owner));
        let has_example = item.docs.contains("```") || of_type.is_some_and(|docs| calls(docs, &item.name));
        examples += usize::from(has_example);
        let owner = item.owner.as_ref().map(|owner| format!("{owner}: ")).unwrap_or_default();
        let missing = if has_example { "" } else { " // no example" };
        writeln!(page, "{} {owner}{}{missing}", item.file, item.signature).unwrap();
    }
    let page = format!("{examples} of {} public functions, types and macros have an example\n\n{page}", items.len());
    snapshot::check("docs", "public_api", "every public function, type and macro of the library", &page);
}
