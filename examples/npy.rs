//! Decodes a NumPy file: `cargo run --features derive --example npy [FILE.npy]`.
//!
//! The header of the file contains the names and types of the fields in NumPy's notation. The example reads the header,
//! prints the layout and the format of the items, and reads the items as structs and as columns. The example needs
//! neither NumPy nor Python.

use std::error::Error;
use std::fmt::Write as _;

use pep3118::decode::Plan;
use pep3118::layout::NpyFile;
use pep3118::{Record, Table, Target};

/// A record of `samples.npy`. The plan finds the fields by name, so a file may have another order of the fields and
/// another byte order.
#[derive(Record, Debug, PartialEq)]
struct Sample {
    id: u32,
    at: f64,
    channel: u8,
    tag: [u8; 3],
}

fn main() -> Result<(), Box<dyn Error>> {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/samples.npy");
    let path = std::env::args_os().nth(1).unwrap_or_else(|| own.into());
    print!("{}", show(&std::fs::read(path)?)?);
    Ok(())
}

/// Returns a text with the layout of the items of `file`, the items as structs, and the items as columns. If the fields
/// differ from those of `Sample`, a line with the error replaces the structs.
pub(crate) fn show(file: &[u8]) -> Result<String, Box<dyn Error>> {
    let NpyFile { layout, items, .. } = NpyFile::parse(file)?;
    let mut out = format!("{}\n{}", layout.emit(Target::Canonical)?.escape_ascii(), Table::new(&layout));

    // One plan can read any number of items.
    let plan = Plan::new(&layout)?;
    match plan.read_records::<Sample>(items) {
        Ok(samples) => samples.iter().try_for_each(|sample| writeln!(out, "{sample:?}"))?,
        // The file has other fields. The error names the first field that differs from the struct.
        Err(error) => writeln!(out, "no samples: {error}")?,
    }
    for column in plan.columns(items, None)? {
        writeln!(out, "{}: {:?}", column.name.escape_ascii(), column.data)?;
    }
    Ok(out)
}
