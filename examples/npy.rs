//! Decodes a NumPy file: `cargo run --features derive --example npy [FILE.npy]`.
//!
//! The header of the file contains the names and types of the fields in NumPy's notation. The example converts the
//! header to a format of the buffer protocol, resolves the layout, and reads the records as structs and as columns. The
//! example needs neither NumPy nor Python.

use std::error::Error;
use std::fmt::Write as _;

use pep3118::decode::Plan;
use pep3118::{DataModel, Dialect, Layout, Record, Table};

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
    let (header, items) = split(file)?;
    let format = format_of(header)?;
    let layout = Layout::read(format.as_bytes(), &Dialect::NUMPY, &DataModel::HOST)?;
    let mut out = format!("{format}\n{}", Table::new(&layout));

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

/// Splits `file` into the header and the bytes of the items. The file stores the length of the header as a
/// little-endian number. Fails if `file` is not a `.npy` file or ends in its header.
fn split(file: &[u8]) -> Result<(&str, &[u8]), Box<dyn Error>> {
    let short = "the file ends in its header";
    let rest = file.strip_prefix(b"\x93NUMPY").ok_or("this is not a .npy file")?;
    let ([major, _minor], rest) = rest.split_first_chunk().ok_or(short)?;
    let (length, rest) = if *major == 1 {
        let (length, rest) = rest.split_first_chunk().ok_or(short)?;
        (u32::from(u16::from_le_bytes(*length)), rest)
    } else {
        let (length, rest) = rest.split_first_chunk().ok_or(short)?;
        (u32::from_le_bytes(*length), rest)
    };
    let (header, items) = rest.split_at_checked(usize::try_from(length)?).ok_or(short)?;
    Ok((std::str::from_utf8(header)?, items))
}

/// Returns the format of a header: `T{<I:id:3x}` for `'descr': [('id', '<u4'), ('', '|V3')]`. Fails if the items are
/// not records, or if a field is not a number, a string or padding, such as an array or a nested record.
fn format_of(header: &str) -> Result<String, Box<dyn Error>> {
    let other = "the items are not records of numbers and strings";
    let descr = header.split_once("'descr': [").and_then(|(_, rest)| rest.split_once(']')).ok_or(other)?.0;
    let words: Vec<&str> = descr.split('\'').skip(1).step_by(2).collect();
    let (fields, rest) = words.as_chunks::<2>();
    // Each field has one pair of parentheses. If there are more pairs, a field has a shape, or a field is a record.
    if !rest.is_empty() || descr.matches('(').count() != fields.len() {
        return Err(other.into());
    }
    let mut format = String::from("T{");
    for [name, ty] in fields {
        let order = ty.get(..1).filter(|order| *order != "|").unwrap_or("");
        match ty.get(1..).unwrap_or("") {
            "b1" => write!(format, "?:{name}:")?,
            "i1" => write!(format, "b:{name}:")?,
            "u1" => write!(format, "B:{name}:")?,
            "i2" => write!(format, "{order}h:{name}:")?,
            "u2" => write!(format, "{order}H:{name}:")?,
            "i4" => write!(format, "{order}i:{name}:")?,
            "u4" => write!(format, "{order}I:{name}:")?,
            "i8" => write!(format, "{order}q:{name}:")?,
            "u8" => write!(format, "{order}Q:{name}:")?,
            "f2" => write!(format, "{order}e:{name}:")?,
            "f4" => write!(format, "{order}f:{name}:")?,
            "f8" => write!(format, "{order}d:{name}:")?,
            "c8" => write!(format, "{order}Zf:{name}:")?,
            "c16" => write!(format, "{order}Zd:{name}:")?,
            // Padding has no name.
            ty if ty.starts_with('V') && name.is_empty() => write!(format, "{}x", &ty.replace('V', ""))?,
            ty if ty.starts_with('S') => write!(format, "{}s:{name}:", &ty.replace('S', ""))?,
            ty if ty.starts_with('U') => write!(format, "{order}{}w:{name}:", &ty.replace('U', ""))?,
            _ => return Err(other.into()),
        }
    }
    format.push('}');
    Ok(format)
}
