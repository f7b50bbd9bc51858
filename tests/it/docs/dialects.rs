//! Tests that the table of `dialects.md` agrees with the dialects in the code, that the README names every dialect, and
//! that the changelog has the right numbers of dialects, data models and consumers.

use pep3118::layout::{Alignment, StructureSize, Syntax, TrailingPadding};
use pep3118::{Code, DataModel, Dialect};
use pep3118_readers::Consumer;

use super::{assert_or_update, read};

const PAGE: &str = "docs/dialects.md";
const HEAD: &str = "| dialect | producer or consumer | codes besides `b B h H i I l L q Q f d` | structures, names, shapes | other constructs | padding |";

/// The format characters that every dialect has. The table does not list these characters.
const NUMBERS: &str = "bBhHiIlLqQfd";

/// Returns the cell of the table with the format characters of `dialect`.
fn codes(dialect: &Dialect) -> String {
    if Code::ALL.into_iter().all(|code| dialect.codes.contains(code)) {
        return "all".to_owned();
    }
    let of = |codes: pep3118::layout::Codes| {
        let codes = Code::ALL.into_iter().filter(|code| codes.contains(*code) && !NUMBERS.contains(code.as_str()));
        codes.map(Code::as_str).collect::<Vec<_>>().join(" ")
    };
    let alone = of(dialect.sole_codes);
    let alone = if alone.is_empty() { alone } else { format!("; `{alone}` alone") };
    format!("`{}`{alone}", of(dialect.codes))
}

/// Returns the cell of the table that states whether `dialect` has structures, names and shapes. Panics if the dialect
/// has only some of them.
fn syntax(dialect: &Dialect) -> &'static str {
    let usual = Syntax::STRUCTURES | Syntax::NAMES | Syntax::SHAPES;
    match (dialect.syntax.contains(usual), dialect.syntax.intersects(usual)) {
        (true, _) => "yes",
        (false, true) => panic!("some of it in {dialect}"),
        (false, false) => "–",
    }
}

/// Returns the cell of the table with the other constructs of `dialect`.
fn other_constructs(dialect: &Dialect) -> String {
    let constructs = [
        (Syntax::UNALIGNED, "`^`"),
        (Syntax::POINTERS, "`&`"),
        (Syntax::FUNCTIONS, "`X{}`"),
        (Syntax::USER_TYPES, "`[name]`"),
        (Syntax::STACKED_SHAPES, "`(2)(3)`"),
        (Syntax::DUPLICATE_NAMES, "equal names"),
    ];
    let has = constructs.into_iter().filter(|(construct, _)| dialect.syntax.contains(*construct));
    let has: Vec<_> = has.map(|(_, text)| text).collect();
    if has.is_empty() { "–".to_owned() } else { has.join(", ") }
}

/// Returns the cell of the table with the padding rule of `dialect`. Panics if the rule has no name.
fn layout(dialect: &Dialect) -> &'static str {
    match (dialect.alignment, dialect.structure_size, dialect.trailing_padding) {
        (Alignment::Implicit, StructureSize::Exact, TrailingPadding::None) => "struct",
        (Alignment::Implicit, StructureSize::Aligned, TrailingPadding::Aligned) => "C",
        (Alignment::Explicit, StructureSize::Exact, TrailingPadding::None) => "explicit padding",
        (Alignment::Explicit, StructureSize::Exact, TrailingPadding::Implicit) => {
            "explicit padding, implicit at the end"
        }
        other => panic!("{dialect} has a rule without a name: {other:?}"),
    }
}

#[test]
fn dialects_md_shows_the_dialects_of_the_code() {
    let (mut out, mut inside, mut rows) = (String::new(), false, 0);
    for line in read(PAGE).lines() {
        inside = line == HEAD || inside && line.starts_with('|');
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        if inside && line.starts_with("| `") {
            let dialect = Dialect::by_name(cells[0].trim_matches('`')).expect(cells[0]);
            assert_eq!(dialect.name, Dialect::ALL[rows].name, "the order of the rows");
            out += &format!(
                "| `{dialect}` | {} | {} | {} | {} | {} |\n",
                cells[1],
                codes(dialect),
                syntax(dialect),
                other_constructs(dialect),
                layout(dialect)
            );
            rows += 1;
        } else {
            out += &format!("{line}\n");
        }
    }
    assert_eq!(rows, Dialect::ALL.len());
    assert_or_update(PAGE, &out);
}

/// `README.md` names every dialect. `CHANGELOG.md` has the number of dialects, data models and consumers.
#[test]
fn readme_and_changelog_name_and_count_the_dialects() {
    let readme = read("README.md");
    for dialect in Dialect::ALL {
        assert!(readme.contains(&format!("`{dialect}`")), "README.md does not name {dialect}");
    }
    let changes = read("CHANGELOG.md");
    let said = [
        (Dialect::ALL.len(), "twelve dialects", 12),
        (DataModel::ALL.len(), "seven machines", 7),
        (Consumer::ALL.len(), "21 consumers", 21),
    ];
    for (count, words, number) in said {
        assert!(count == number && changes.contains(words), "CHANGELOG.md: {words}, there are {count}");
    }
}
