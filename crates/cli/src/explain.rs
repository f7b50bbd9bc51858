//! `pep3118 explain`: the table and the picture of a format.

use std::ffi::OsString;
use std::io::{self, Write};

use clap::Args;
use clap::builder::styling::{AnsiColor, Style};
use pep3118::__private::interpretations;
use pep3118::{CellStyle, Certainty, Interpretation, Layout, Picture, Table, reconcile};

use super::json::{self, Answer};
use super::options::{self, Reader};
use super::{Failure, Status};

/// Show what a format means: a table of offsets and a picture of the bytes
///
/// Offsets and sizes are in bytes. With --jsonl, questions are read from standard input, one JSON
/// object a line: {"format": "<i", "itemsize": 4, "dialect": "numpy", "model": "lp64"}. Exit status
/// 1 tells that a format was refused, with --jsonl any of them.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The format, such as 'T{b:a:3x<i:b:}'
    #[arg(required_unless_present = "jsonl")]
    format: Option<OsString>,
    /// The itemsize of the buffer, in bytes
    #[arg(long, short, value_name = "BYTES")]
    itemsize: Option<u64>,
    #[command(flatten)]
    reader: Reader,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print the picture as SVG
    #[arg(long, conflicts_with = "json")]
    svg: bool,
    /// Answer questions from standard input, one JSON object a line
    #[arg(long, conflicts_with_all = ["format", "itemsize", "json", "svg", "dialect"])]
    jsonl: bool,
}

impl Explain {
    pub(super) fn run(self, out: &mut impl Write) -> Result<Status, Failure> {
        if self.jsonl {
            return json::stream(io::stdin().lock(), out, true);
        }
        let format = self.format.unwrap_or_default();
        let format = options::bytes(&format);
        let model = &self.reader.model;
        let outcome = reconcile(format, self.itemsize, self.reader.dialect, &model.model);
        if self.json {
            let answer = Answer::of_outcome(&outcome, &model.name, true);
            serde_json::to_writer_pretty(&mut *out, &answer).map_err(io::Error::from)?;
            writeln!(out)?;
            return Ok(if answer.is_ok() { Status::Done } else { Status::Failed });
        }
        if self.svg {
            writeln!(out, "{}", Picture::new(&outcome?.layout).svg())?;
            return Ok(Status::Done);
        }
        if let [first, others @ ..] = interpretations(&outcome) {
            page(out, format, first, others, &model.name)?;
            return Ok(Status::Done);
        }
        outcome?;
        Ok(Status::Done)
    }
}

/// Everything that a person wants to see.
fn page(
    out: &mut impl Write,
    format: &[u8],
    reading: &Interpretation,
    others: &[Interpretation],
    model: &str,
) -> io::Result<()> {
    let certainty = if others.is_empty() { certainty(reading) } else { format!("{WARNING}ambiguous{WARNING:#}") };
    let layout = &reading.layout;
    let endian = layout.model().endian;
    writeln!(out, "{BOLD}format{BOLD:#}   {}", format.escape_ascii())?;
    writeln!(out, "{BOLD}reading{BOLD:#}  {}, {model} ({endian}-endian), {certainty}", reading.dialect)?;
    let align = layout.align().bytes();
    let aligned = if align > 1 { format!(", aligned to {align}") } else { String::new() };
    writeln!(out, "{BOLD}size{BOLD:#}     {}{aligned}\n", bytes(layout.size()))?;
    drawing(out, layout)?;
    for Interpretation { dialect, layout: alternative, .. } in others {
        writeln!(out, "\n{WARNING}or else{WARNING:#}, by dialect {dialect}, {}:\n", bytes(alternative.size()))?;
        drawing(out, alternative)?;
    }
    Ok(())
}

fn drawing(out: &mut impl Write, layout: &Layout) -> io::Result<()> {
    write!(out, "{}", Table::new(layout))?;
    write!(out, "\n{}", Picture::new(layout).within(super::width()).render(paint))
}

fn certainty(reading: &Interpretation) -> String {
    match reading.certainty {
        Certainty::TrailingPadding => format!("{} at the end not stated", bytes(reading.trailing_padding)),
        Certainty::Inferred => "distances in arrays inferred".to_owned(),
        Certainty::Exact => Certainty::Exact.to_string(),
    }
}

fn bytes(count: u64) -> String {
    format!("{count} byte{}", if count == 1 { "" } else { "s" })
}

const BOLD: Style = Style::new().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();

/// Fields in turn, padding dim; plain blue is hard to read on black. The stream drops the colours where
/// there is no terminal.
fn paint(ink: CellStyle, text: &str) -> String {
    const FIELDS: [AnsiColor; 5] =
        [AnsiColor::Cyan, AnsiColor::Green, AnsiColor::Magenta, AnsiColor::Yellow, AnsiColor::BrightBlue];
    let style = match ink {
        CellStyle::Padding => Style::new().dimmed(),
        CellStyle::Field(index) => index
            .checked_rem(FIELDS.len())
            .and_then(|index| FIELDS.get(index))
            .map_or(Style::new(), |color| color.on_default()),
    };
    format!("{style}{text}{style:#}")
}
