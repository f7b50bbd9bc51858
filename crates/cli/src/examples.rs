//! The examples of each command, which `--help` and the manual page of the command contain.

/// The examples of all commands, as (command, examples). An example is (description, call).
const EXAMPLES: &[(&str, &[(&str, &str)])] = &[
    (
        "explain",
        &[
            ("The fields of a record", "pep3118 explain 'T{<H:id:6x<d:price:}'"),
            ("A format of NumPy on Windows", "pep3118 explain 'T{l:a:d:b:}' --dialect numpy --model win64"),
            ("A C structure", "pep3118 explain --c 'struct tick { uint16_t id; double price; };'"),
        ],
    ),
    (
        "size",
        &[
            ("The size on a 32-bit machine", "pep3118 size 'ld' --model i386"),
            ("Several formats", "pep3118 size ih @ih"),
        ],
    ),
    (
        "diff",
        &[
            ("Two formats of the same value", "pep3118 diff '@i' 'i'"),
            (
                "A format and a C structure",
                "pep3118 diff 'T{<H:id:6x<d:price:}' --c 'struct tick { uint16_t id; double price; };'",
            ),
        ],
    ),
    (
        "emit",
        &[
            ("A format that NumPy reads", "pep3118 emit 'T{<H:id:6x<d:price:}' --for numpy"),
            ("A type of Rust", "pep3118 emit 'T{<H:id:6x<d:price:}' --to rust --name Tick"),
        ],
    ),
    ("readers", &[("Which readers read a format", "pep3118 readers 'T{<i:a:}'")]),
    (
        "check",
        &[
            ("A matrix", "pep3118 check --format '<i' --shape 2,3 --strides 12,4"),
            ("The same as JSON", "pep3118 check '{\"format\": \"<i\", \"shape\": [2, 3]}'"),
        ],
    ),
    (
        "audit",
        &[
            ("An object of the standard library", "pep3118 audit 'bytearray(3)'"),
            ("An array of NumPy", "pep3118 audit 'numpy:zeros((2, 3))' --explain"),
            ("Annotations of GitHub Actions", "pep3118 audit 'mypackage:Frame(4, 2)' --to github --allow B19"),
        ],
    ),
    ("census", &[("The exporters of a package", "pep3118 census numpy")]),
    ("rules", &[("All rules", "pep3118 rules"), ("One rule", "pep3118 rules A04")]),
    (
        "decode",
        &[
            ("The first items of a file", "pep3118 decode ticks.bin '<Hd' --names id,price --count 2"),
            ("CSV without a header of 512 bytes", "pep3118 decode ticks.bin '<Hd' --skip 512 --to csv -o ticks.csv"),
            (
                "The items of a C structure as JSON lines",
                "pep3118 decode ticks.bin --c 'struct tick { uint16_t id; double price; };' --to jsonl",
            ),
        ],
    ),
    (
        "encode",
        &[
            ("JSON lines of standard input", "echo '{\"f0\":1,\"f1\":2.5}' | pep3118 encode '<Hd' -o ticks.bin"),
            ("CSV of a file", "pep3118 encode 'T{<H:id:<d:price:}' ticks.csv -o ticks.bin"),
        ],
    ),
    (
        "hexdump",
        &[
            ("The bytes of a file of ticks", "pep3118 hexdump ticks.bin 'T{<H:id:<d:price:}'"),
            ("The item at byte 4096, after a header", "pep3118 hexdump ticks.bin -f '<Hd' --skip 4096 --count 1"),
            ("What differs between two files", "pep3118 hexdump ticks.bin '<Hd' --diff other.bin"),
            ("A page for a browser", "pep3118 hexdump ticks.bin '<Hd' --html > ticks.html"),
        ],
    ),
    ("completions", &[("For bash", "pep3118 completions bash > ~/.local/share/bash-completion/completions/pep3118")]),
    ("man", &[("The page of decode", "pep3118 man decode | man -l -")]),
];

/// Returns the examples of the command `name` as (description, call). Returns an empty list for an unknown command.
pub(super) fn of(name: &str) -> &'static [(&'static str, &'static str)] {
    EXAMPLES.iter().find(|(command, _)| *command == name).map_or(&[], |(_, examples)| examples)
}

/// Returns the section with the examples for the help of the command `name`. Returns an empty text if the command has
/// no examples.
pub(super) fn help(name: &str) -> String {
    let examples = of(name).iter().map(|(description, call)| format!("\n  {description}:\n    {call}"));
    let examples: String = examples.collect();
    if examples.is_empty() { examples } else { format!("Examples:{examples}") }
}

/// Returns the names of all commands.
pub(super) fn commands() -> Vec<&'static str> {
    EXAMPLES.iter().map(|(command, _)| *command).collect()
}
